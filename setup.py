# SPDX-License-Identifier: Apache-2.0
"""A wheel has the sources of the core inside package `sat`, and nothing that is of use in a
checkout only. An editable installation is the checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SOURCES = ("rtl", "spec", "sim")  # where they are: sat.toolchain.ROOT
CHECKOUT = ("scripts", "sw", "tb")


class BuildPackages(build_py):
    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # modules that are no more
        self.packages = [name for name in self.packages if name not in CHECKOUT]
        super().run()
        for folder in SOURCES:
            shutil.copytree(folder, Path(self.build_lib, "sat", "data", folder))


setup(cmdclass={"build_py": BuildPackages})
