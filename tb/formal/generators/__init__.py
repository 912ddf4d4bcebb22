# SPDX-License-Identifier: Apache-2.0
"""Hardware generators written in MyHDL."""
