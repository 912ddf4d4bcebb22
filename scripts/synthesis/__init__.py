# SPDX-License-Identifier: Apache-2.0
"""Synthesis of single modules: area on UltraScale+, clock on ECP5."""
