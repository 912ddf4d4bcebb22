# SPDX-License-Identifier: Apache-2.0
from sat.terminal import run
from tb.regress.cli import main

if __name__ == "__main__":
    run(main)
