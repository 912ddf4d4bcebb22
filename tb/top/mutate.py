# SPDX-License-Identifier: Apache-2.0
"""Programs with one wrong field: legal programs whose descriptors are changed at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sat_golden import CommandModel, Memory
from sat_golden.defs import (
    DESC_BYTES,
    FIELDS,
    SLOT_WORD,
    SLOT_WORDS,
    SLOTS,
    STRIDE_MAX,
    TENSOR_ALIGN,
    WINDOW_FIELDS,
)
from sat_golden.descriptor import WORDS, has_windows
from tb.top.random_program import Program

WORD = 1 << 32


def flip_bits(rng: np.random.Generator, words: np.ndarray) -> None:
    """One to three bits anywhere."""
    for bit in rng.integers(0, 32 * WORDS, rng.integers(1, 4)):
        words[bit // 32] ^= np.uint32(1 << bit % 32)


def replace_word(rng: np.random.Generator, words: np.ndarray) -> None:
    words[rng.integers(WORDS)] = rng.choice([0, 1, WORD - 1, rng.integers(WORD)])


def put(words: np.ndarray, name: str, value: int) -> None:
    word, low, bits = FIELDS[name]
    mask = (1 << bits) - 1
    words[word] = int(words[word]) & ~(mask << low) | (value & mask) << low


def change_field(rng: np.random.Generator, words: np.ndarray) -> None:
    """Any value in opcode, N, M, overlap or flags."""
    name = rng.choice(["OPCODE", "N", "M", "M", "OVERLAP", "FLAGS"])
    put(words, name, int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7, 16, 255, rng.integers(WORD)])))


def change_windows(rng: np.random.Generator, words: np.ndarray) -> None:
    """Any value in a field of the windows, if there are any."""
    if has_windows(int(words[0]) & 0xFF, int(words[1])):
        put(words, rng.choice(WINDOW_FIELDS),
            int(rng.choice([0, 1, 2, 3, 15, 300, 65535, rng.integers(WORD)])))


def change_size(rng: np.random.Generator, words: np.ndarray) -> None:
    word = FIELDS[rng.choice(["ROWS", "COLS", "DEPTH"])][0]
    words[word] = rng.choice([0, 0, 0, 0x10000, 0x1000000 + int(words[word]) % 0x1000000, 65535,
                              0xFFFFFF, rng.integers(WORD)])


def change_slot(rng: np.random.Generator, words: np.ndarray) -> None:
    """An address or stride that is near the limits, misaligned, or anything."""
    at = SLOT_WORD + SLOT_WORDS * int(rng.integers(SLOTS))
    low, high, stride = (int(word) for word in words[at : at + SLOT_WORDS])
    words[at : at + SLOT_WORDS] = [
        [low + int(rng.integers(1, TENSOR_ALIGN)), high, stride],
        [low, high ^ int(rng.choice([1 << int(rng.integers(32)), rng.integers(WORD)])), stride],
        [WORD - 64, 0xFF, stride],
        [low, high, stride + int(rng.choice([-32, -64, 1, 4]))],
        [low, high, int(rng.choice([0, 64, STRIDE_MAX, STRIDE_MAX + 64, WORD - 64]))],
        [low, high, int(rng.integers(WORD)) & ~63],
    ][rng.integers(6)] if stride >= 64 else [low ^ 64, high, stride]


MUTATIONS = (flip_bits, replace_word, change_field, change_size, change_windows, change_windows,
             change_slot, change_slot)


def mutate(rng: np.random.Generator, program: Program) -> Program:
    """The program with a change in one command. Never one that makes it a hazard: no check of the
    core catches those."""
    while True:
        image = program.image.copy()
        at = program.address - program.base + DESC_BYTES * int(rng.integers(program.length))
        words = image[at : at + DESC_BYTES].view(np.uint32)
        MUTATIONS[rng.integers(len(MUTATIONS))](rng, words)
        mutant = replace(program, image=image)
        model = CommandModel(Memory(mutant.base, image.size, image.copy()), hazards="ignore")
        if not model.run(mutant.address, mutant.length).hazards:
            return mutant
