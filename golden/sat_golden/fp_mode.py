# SPDX-License-Identifier: Apache-2.0
"""The processor's floating-point mode: golden arithmetic is IEEE 754's default whatever it is.

Rounding direction and flushing of subnormals are settings of a thread, which any library may have
changed for its own purposes and left so.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

ENV_BYTES = 256  # more than any fenv_t

# Python does not fold operations on these: the processor computes them.
LEAST_NORMAL, HALF, ONE, LITTLE = 2.0**-1022, 0.5, 1.0, 2.0**-60


def is_default() -> bool:
    """Whether this thread rounds to nearest, and neither makes nor takes a subnormal for zero."""
    return LEAST_NORMAL * HALF > 0.0 and ONE + LITTLE == ONE and ONE - LITTLE == ONE


@contextmanager
def exact() -> Iterator[None]:
    """Inside, floating-point arithmetic is IEEE 754's default and silent about its exceptions;
    behind, the mode is what it was. RuntimeError where it is another and cannot be set.

    Also a decorator. As modes are seldom changed, it looks before it sets: that costs less.
    """
    restore = None if is_default() else set_default()
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        if restore is not None:
            restore()


def set_default() -> Callable[[], object]:
    """Returns what sets the environment of now again."""
    saved = ctypes.create_string_buffer(ENV_BYTES)
    library = libm()
    if library is not None:
        library.fegetenv(saved)
        library.fesetenv(default_environment(library))
    if library is None or not is_default():
        raise RuntimeError("floating-point mode: this thread rounds or flushes otherwise than "
                           "IEEE 754's default, and the mode cannot be set here")
    return functools.partial(library.fesetenv, saved)


@functools.cache
def libm() -> ctypes.CDLL | None:
    """A library with C's fegetenv and fesetenv: the one this process has, or the system's."""
    for name in (None, "libm.so.6"):
        try:
            library = ctypes.CDLL(name)
            library.fegetenv, library.fesetenv
        except (AttributeError, OSError, TypeError):
            continue
        return library
    return None


def default_environment(library: ctypes.CDLL) -> ctypes.c_void_p:
    """C's FE_DFL_ENV: an object on macOS, elsewhere the address -1."""
    try:
        return ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(library, "_FE_DFL_ENV")))
    except ValueError:
        return ctypes.c_void_p(-1)
