# SPDX-License-Identifier: Apache-2.0
"""Fields of a descriptor as one number of 1024 bits, as the RTL sees it."""

from __future__ import annotations

import numpy as np

from sat_golden.defs import FIELDS, SLOT_WORD, SLOT_WORDS

BITS = 1024


def random_descriptor(rng: np.random.Generator, **fields: int) -> int:
    """Random bits everywhere but in the named fields."""
    value = int.from_bytes(rng.bytes(BITS // 8), "little")
    for name, field in fields.items():
        word, low, bits = FIELDS[name.upper()]
        place = 32 * word + low
        mask = (1 << bits) - 1
        value = value & ~(mask << place) | (field & mask) << place
    return value


def field(descriptor: int, name: str) -> int:
    word, low, bits = FIELDS[name.upper()]
    return descriptor >> 32 * word + low & (1 << bits) - 1


def slots(descriptor: int, count: int, addr_w: int) -> tuple[list[int], list[int]]:
    """Addresses (of `addr_w` bits) and strides of the first `count` tensor slots."""
    words = [descriptor >> 32 * (SLOT_WORD + SLOT_WORDS * slot) for slot in range(count)]
    return [word & (1 << addr_w) - 1 for word in words], [word >> 64 & 0xFFFFFF for word in words]
