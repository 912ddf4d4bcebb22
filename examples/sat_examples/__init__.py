# SPDX-License-Identifier: Apache-2.0
"""Demos of the core: `sat demo`, `sat demo-cnn`, `sat transformer`.

demo                train an MLP on handwritten digits
demo_cnn            train a residual network
transformer         cycles of a transformer block's training step, which transformer_cycles measures
training, report    what the first two share: data sets, training loop, options; tables and plots
"""
