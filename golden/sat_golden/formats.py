# SPDX-License-Identifier: Apache-2.0
"""Number formats as data, and exact conversion between bit patterns and integers.

Everything here handles one value at a time and is written to be read; `vector.py` has the fast
twins. A finite number is held exactly as ``(-1)**sign * sig * 2**exp`` with a Python integer `sig`,
so no operation on it ever rounds; `FpFormat.round_pack` is the only place where rounding happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a bit pattern stands for."""

    FINITE = "finite"  # zero included: sig = 0
    INF = "infinity"
    NAN = "nan"


@dataclass(frozen=True)
class Number:
    """An unpacked value: ``(-1)**sign * sig * 2**exp`` when finite."""

    kind: Kind
    sign: int = 0
    sig: int = 0
    exp: int = 0

    @property
    def is_nan(self) -> bool:
        return self.kind is Kind.NAN

    @property
    def is_inf(self) -> bool:
        return self.kind is Kind.INF

    @property
    def is_zero(self) -> bool:
        return self.kind is Kind.FINITE and self.sig == 0


NAN = Number(Kind.NAN)


@dataclass(frozen=True)
class FpFormat:
    """A binary floating-point format: ``{sign, exp[exp_bits], man[man_bits]}``.

    With `subnormals` (IEEE 754) exponent field 0 holds zero and subnormals. Without them it holds
    zero alone: such a format is used inside the core where its range makes subnormals impossible.
    The all-ones exponent field holds infinity (man = 0) and NaN.
    """

    name: str
    exp_bits: int
    man_bits: int
    bias: int
    subnormals: bool = True

    @property
    def width(self) -> int:
        return 1 + self.exp_bits + self.man_bits

    @property
    def sign_shift(self) -> int:
        return self.exp_bits + self.man_bits

    @property
    def exp_max(self) -> int:
        """The exponent field of infinity and NaN."""
        return (1 << self.exp_bits) - 1

    @property
    def inf(self) -> int:
        """Bit pattern of +infinity."""
        return self.exp_max << self.man_bits

    @property
    def nan(self) -> int:
        """Bit pattern of the canonical NaN: quiet, sign clear, no other payload bit."""
        return self.inf | 1 << (self.man_bits - 1)

    @property
    def sign_bit(self) -> int:
        return 1 << self.sign_shift

    def unpack(self, bits: int) -> Number:
        """Bit pattern -> exact value."""
        if not 0 <= bits < 1 << self.width:
            raise ValueError(f"bits: {bits:#x} does not fit {self.name} ({self.width} bits)")
        sign = bits >> self.sign_shift
        field = bits >> self.man_bits & self.exp_max
        man = bits & ((1 << self.man_bits) - 1)
        if field == self.exp_max:
            return NAN if man else Number(Kind.INF, sign)
        if field == 0:
            if man and not self.subnormals:
                raise ValueError(f"bits: {bits:#x}: {self.name} has no subnormals")
            return Number(Kind.FINITE, sign, man, 1 - self.bias - self.man_bits)
        return Number(
            Kind.FINITE, sign, man | 1 << self.man_bits, field - self.bias - self.man_bits
        )

    def round_pack(self, value: Number) -> int:
        """Exact value -> bit pattern: to nearest even, overflow to infinity, canonical NaN."""
        if value.is_nan:
            return self.nan
        sign = value.sign << self.sign_shift
        if value.is_inf:
            return sign | self.inf
        if value.sig == 0:
            return sign

        # Normalise: the weight of the result's last place follows from the leading one, but
        # stops falling at the subnormals.
        leading = value.exp + value.sig.bit_length() - 1
        least = 1 - self.bias
        if leading < least and not self.subnormals:
            raise ValueError(f"2**{leading} is below the range of {self.name}")
        top = max(leading, least)
        last_place = top - self.man_bits

        sig = round_half_even(value.sig, last_place - value.exp)

        # A normal number's leading one adds 1 to the exponent field, a subnormal has none, and a
        # carry out of the rounding moves to the next binade (or to infinity): all by this addition.
        magnitude = ((top - least) << self.man_bits) + sig
        return sign | min(magnitude, self.inf)


def round_half_even(sig: int, shift: int) -> int:
    """``sig / 2**shift`` rounded to the nearest integer, ties to even; exact for shift <= 0."""
    if shift <= 0:
        return sig << -shift
    quotient, rest = sig >> shift, sig & ((1 << shift) - 1)
    half = 1 << (shift - 1)
    return quotient + (rest > half or (rest == half and quotient & 1))


FP16 = FpFormat("FP16", exp_bits=5, man_bits=10, bias=15)
FP32 = FpFormat("FP32", exp_bits=8, man_bits=23, bias=127)

# FP16 as the array sees it: 1.frac * 2**(exp - 25), subnormals normalised (2**-24 has exp 1).
WIDE = FpFormat("WIDE", exp_bits=6, man_bits=10, bias=25, subnormals=False)

# The accumulator: 1.frac * 2**(exp - 49). Products of FP16 are multiples of 2**-48 and 2**24 of
# them stay below 2**56, so neither subnormals nor an overflow can occur.
ACC = FpFormat("ACC", exp_bits=7, man_bits=23, bias=49, subnormals=False)
