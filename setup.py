# SPDX-License-Identifier: Apache-2.0
"""A wheel has the sources of the core inside package `sat`, and nothing that is of use in a
checkout only. An editable installation is the checkout."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# What simulation and packaging read; where they find it: sat.toolchain.ROOT.
DATA = ("rtl/**/*", "spec/*", "constraints/*", "sw/*.[ch]", "sw/include/*", "sw/xilinx/*",
        "docs/**/*.md", "LICENSE")
CHECKOUT = ("scripts", "sw", "tb")


class BuildPackages(build_py):
    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(self.build_lib, ignore_errors=True)  # modules that are no more
        self.packages = [name for name in self.packages if name not in CHECKOUT]
        super().run()
        for path in (path for pattern in DATA for path in Path().glob(pattern) if path.is_file()):
            target = Path(self.build_lib, "sat", "data", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


Path("build").mkdir(exist_ok=True)  # egg_base of setup.cfg
setup(cmdclass={"build_py": BuildPackages})
