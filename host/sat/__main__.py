# SPDX-License-Identifier: Apache-2.0
"""`python -m sat`: the command line."""

from .cli import entry

entry()
