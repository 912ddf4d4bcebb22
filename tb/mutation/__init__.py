# SPDX-License-Identifier: Apache-2.0
"""Mutation check: does the bench of a module notice a small fault in it (docs/mutation.md)?"""
