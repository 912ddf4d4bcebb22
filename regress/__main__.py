# SPDX-License-Identifier: Apache-2.0
from regress.cli import main
from sat.terminal import run

if __name__ == "__main__":
    run(main)
