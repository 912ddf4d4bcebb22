# SPDX-License-Identifier: Apache-2.0
"""Leaves out the tests of the IP where the packages that they need do not exist (Python 3.10)."""

import importlib.util

PACKAGER = ["test_package_ip.py", "test_vivado.py"]
collect_ignore = [] if importlib.util.find_spec("pyslang") else PACKAGER
