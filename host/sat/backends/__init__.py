# SPDX-License-Identifier: Apache-2.0
"""The places a program can run: RTL simulation, golden model, hardware, and two of them at once."""

from .checked import CheckedBackend, Mismatch
from .golden import GoldenBackend
from .mmio import MmioBackend
from .sim import SimBackend

__all__ = ["CheckedBackend", "GoldenBackend", "Mismatch", "MmioBackend", "SimBackend"]
