# SPDX-License-Identifier: Apache-2.0
"""What the core checks of a descriptor before it runs (docs/reference/commands.md, "Errors")."""

from __future__ import annotations

from dataclasses import replace

from .compress import LEGAL_M
from .defs import (
    COLS_MAX,
    FIELDS,
    LEGAL_FLAGS,
    POOL_POSITIONS_MAX,
    REQUIRED_FLAGS,
    SIZE_MAX,
    SLOT_WORD,
    SLOT_WORDS,
    STRIDE_MAX,
    TENSOR_ALIGN,
    WINDOW_FIELDS,
    Error,
    Opcode,
)
from .descriptor import WORDS, Descriptor, fields_used, unpack_words
from .tensors import Tensor, tensors_of

# A size is a whole word: anything in its upper bits is too large.
SIZE_WORDS = {name: FIELDS[name][0] for name in ("ROWS", "COLS", "DEPTH")}
MOST = {"ROWS": SIZE_MAX, "COLS": COLS_MAX, "DEPTH": SIZE_MAX}


class Fault(Exception):
    """An error as the registers report it, without the command's index."""

    def __init__(self, code: Error, address: int):
        super().__init__(f"{code.name} at {address:#x}")
        self.code = code
        self.address = address


def check(data: bytes, address: int, addr_w: int) -> None:
    """Raise the `Fault` of the first check that the descriptor at `address` fails.

    `data` is its 128 bytes, `addr_w` the address bits of the core. The order is that of
    docs/reference/commands.md, "Errors".
    """
    words = unpack_words(data)
    desc = Descriptor.unpack(data)
    if desc.opcode not in list(Opcode):
        raise Fault(Error.OPCODE, address)
    if not flags_legal(words, desc):
        raise Fault(Error.FLAGS, address)
    if desc.opcode == Opcode.FENCE:
        return
    used = fields_used(desc.opcode, desc.flags)
    if "N" in used and (desc.m not in LEGAL_M or not 1 <= desc.n <= desc.m):
        raise Fault(Error.NM, address)
    sizes = [(words[word], MOST[name]) for name, word in SIZE_WORDS.items() if name in used]
    if desc.has_windows:
        sizes += [(size, SIZE_MAX) for size in window_sizes(desc)]
    if not all(1 <= size <= most for size, most in sizes):
        raise Fault(Error.SIZE, address)
    if desc.opcode == Opcode.POOL and desc.windows.positions > POOL_POSITIONS_MAX:
        raise Fault(Error.SIZE, address)
    for tensor in tensors_of(desc):
        check_tensor(tensor, addr_w)


def window_sizes(desc: Descriptor) -> list[int]:
    """What must lie in 1..SIZE_MAX where there are windows. The rows of S then do so by themselves:
    P*Qc is at most 15/16 of P*(C + 15), and P at most 225."""
    windows = desc.windows
    sizes = [windows.positions, windows.pixels, windows.count]
    if desc.opcode == Opcode.MATMUL:
        sizes.append(windows.positions * desc.depth)
    return sizes


def check_tensor(tensor: Tensor, addr_w: int) -> None:
    if tensor.address % TENSOR_ALIGN or tensor.stride % TENSOR_ALIGN:
        raise Fault(Error.ALIGN, tensor.address)
    if not tensor.vector and not tensor.row_bytes <= tensor.stride <= STRIDE_MAX:
        raise Fault(Error.STRIDE, tensor.address)
    if tensor.end > 1 << addr_w:
        raise Fault(Error.RANGE, tensor.address)


def flags_legal(words: tuple[int, ...], desc: Descriptor) -> bool:
    """No reserved bit, unused word or unused slot is set, and no flag is missing."""
    opcode, flags = desc.opcode, desc.flags
    if flags & ~LEGAL_FLAGS[opcode]:
        return False
    if opcode in REQUIRED_FLAGS and not flags & REQUIRED_FLAGS[opcode]:
        return False
    used_bits = word_masks(opcode, flags)
    # Which slots are in use follows from the flags and from whether N = M; legal numbers stand in
    # for n and m, which are checked later.
    stand_in = replace(desc, n=1, m=1 if desc.n == desc.m else 2)
    for tensor in tensors_of(stand_in):
        at = SLOT_WORD + SLOT_WORDS * tensor.slot
        stride_bits = 0 if tensor.vector else 0xFFFFFFFF
        used_bits[at : at + SLOT_WORDS] = [0xFFFFFFFF, 0xFFFFFFFF, stride_bits]
    return not any(word & ~used for word, used in zip(words, used_bits))


def word_masks(opcode: int, flags: int) -> list[int]:
    """The bits of each word that may be set, tensor slots apart."""
    masks = [0] * WORDS
    names = ["OPCODE", "FLAGS", *fields_used(opcode, flags)]
    if "WINDOWS" in names:
        names.remove("WINDOWS")
        names += WINDOW_FIELDS
    for name in names:
        word, low, bits = FIELDS[name]
        masks[word] |= 0xFFFFFFFF if name in SIZE_WORDS else ((1 << bits) - 1) << low
    return masks
