# SPDX-License-Identifier: Apache-2.0
"""What N:M training costs in accuracy: experiments in PyTorch (docs/guide/lab.md).

experiment  one training, by the values that it depends on; a grid of them
networks    networks by name, with what their training wants
data        data sets by name
train       the process of one training
results     the file of results, its rows, table and curves
cli         `sat lab`
"""
