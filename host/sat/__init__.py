# SPDX-License-Identifier: Apache-2.0
"""Host side of the SAT core: tensors, programs, backends that run them (docs/reference/host.md)."""

from importlib.metadata import version

from .backend import Backend, Result, SatError, SatTimeout
from .backends import CheckedBackend, GoldenBackend, MmioBackend, SimBackend
from .config import SatConfig
from .core import Core
from .memory import FP16, FP32, Compressed, FeatureMap, Memory, Stack, Tensor
from .program import Program

__version__ = version("sat-core")
__all__ = ["FP16", "FP32", "Backend", "CheckedBackend", "Compressed", "Core", "FeatureMap",
           "GoldenBackend", "Memory", "MmioBackend", "Program", "Result", "SatConfig", "SatError",
           "SatTimeout", "SimBackend", "Stack", "Tensor"]
