# SPDX-License-Identifier: Apache-2.0
"""Verilated simulations: `verilate` builds any of them, `library` the fast one of a whole core."""
