# SPDX-License-Identifier: Apache-2.0
"""Formal proofs: `python -m tb.formal.prove`."""
