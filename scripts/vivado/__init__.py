# SPDX-License-Identifier: Apache-2.0
"""Tcl for Vivado, and a recorder that stands in for it."""
