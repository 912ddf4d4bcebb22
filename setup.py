# SPDX-License-Identifier: Apache-2.0
"""RTL, specification and simulation sources travel inside package `sat`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDERS = ("rtl", "spec", "sim")


class BuildWithSources(build_py):
    """In an editable installation the checkout's own are used (sat.toolchain.ROOT)."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for folder in FOLDERS:
                shutil.copytree(folder, Path(self.build_lib, "sat", "data", folder),
                                dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithSources})
