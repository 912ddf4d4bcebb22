# SPDX-License-Identifier: Apache-2.0
"""The scoreboard notices a wrong byte that belongs to no tensor."""

import numpy as np

from tb.uvm.tests.sat_negative_test import SatNegativeTest


class NegMemoryTest(SatNegativeTest):
    fires = ("MEMORY",)

    def tamper_image(self, image: np.ndarray) -> None:
        image[-1] ^= 1
