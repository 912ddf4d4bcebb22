# SPDX-License-Identifier: Apache-2.0
"""Mutation check: do benches notice small faults in modules (docs/verification/mutation.md)?"""
