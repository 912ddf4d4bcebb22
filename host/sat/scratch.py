# SPDX-License-Identifier: Apache-2.0
"""Memory for what is not needed all the time: tensors that share addresses, which are found when it
is known when each is needed.

Until then a tensor has an address of its own behind the memory. Commands that use it are made and
scheduled with that one, and moved before they run; the host reads and writes where the tensor is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from sat_golden.defs import TENSOR_ALIGN

from .address_space import AddressSpace, align
from .memory import Tensor
from .program import Command


class Scratch(AddressSpace):
    """Addresses that stand for others, in `home`."""

    def __init__(self, home: AddressSpace):
        super().__init__(home.config, home.memory_base, home.memory_size)
        self._home, self.lock = home, home.lock
        self.memory_base = align(home.memory_base + home.memory_size, 2 * TENSOR_ALIGN)
        self.memory_size = 1 << 62
        self.starts: list[int] = []
        self.moves = 0  # how often addresses have changed
        self._places: Sequence[int] = ()

    @property
    def home(self) -> AddressSpace:
        return self._home

    def reserve(self, size: int, alignment: int = 1) -> int:
        addr = super().reserve(size, alignment)
        self.starts.append(addr)
        return addr

    def number_of(self, tensor: Tensor) -> int | None:
        """Of what was reserved for it, or for what it is a view of; None if that was elsewhere."""
        return bisect_right(self.starts, tensor.addr) - 1 if tensor.backend is self else None

    def move(self, places: Sequence[int]) -> None:
        """The addresses of what was reserved, in its order. What was there is lost."""
        self._places = tuple(places)
        self.moves += 1

    def place_of(self, addr: int) -> int:
        """The address that this one stands for. RuntimeError while that is not known."""
        if addr < self.memory_base:
            return addr
        number = bisect_right(self.starts, addr) - 1
        if number >= len(self._places):
            raise RuntimeError(f"addr: {addr:#x} stands for memory that is not given out yet")
        return self._places[number] + addr - self.starts[number]

    def read_memory(self, addr: int, size: int) -> np.ndarray:
        return self._home.read_memory(self.place_of(addr), size)

    def write_memory(self, addr: int, data) -> None:
        self._home.write_memory(self.place_of(addr), data)


class Uses(Protocol):
    """What reads and writes tensors."""

    @property
    def reads(self) -> Sequence[Tensor]: ...

    @property
    def writes(self) -> Sequence[Tensor]: ...


def scratch_of(item: Uses) -> Scratch | None:
    """The one that it has tensors of, if any."""
    return next((tensor.backend for tensor in (*item.reads, *item.writes)
                 if isinstance(tensor.backend, Scratch)), None)


def moved(command: Command) -> Command:
    """The same where its tensors are."""
    scratch = scratch_of(command)
    if scratch is None:
        return command

    def there(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return tuple(replace(tensor, addr=scratch.place_of(tensor.addr), backend=scratch.home)
                     for tensor in tensors)

    slots = {number: replace(slot, address=scratch.place_of(slot.address))
             for number, slot in command.descriptor.slots.items()}
    return replace(command, descriptor=replace(command.descriptor, slots=slots),
                   reads=there(command.reads), writes=there(command.writes))
