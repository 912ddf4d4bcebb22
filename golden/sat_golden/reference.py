# SPDX-License-Identifier: Apache-2.0
"""Reference arithmetic: one operation, one element, integers in and integers out.

Arguments and results are bit patterns. Every function works in the same three steps: unpack,
compute exactly, round and pack once. NaN results are canonical (docs/reference/numerics.md,
item 3).
"""

from __future__ import annotations

from .formats import ACC, FP16, FP32, NAN, WIDE, FpFormat, Kind, Number


def add(x: Number, y: Number) -> Number:
    """Exact sum (IEEE 754, round-to-nearest sign rules for zero)."""
    if x.is_nan or y.is_nan:
        return NAN
    if x.is_inf or y.is_inf:
        if x.is_inf and y.is_inf and x.sign != y.sign:
            return NAN
        return x if x.is_inf else y
    # Align both to the smaller exponent: exact, since integers have no width here.
    exp = min(x.exp, y.exp)
    total = signed(x) * 2 ** (x.exp - exp) + signed(y) * 2 ** (y.exp - exp)
    if total == 0:
        # -0 only if both are zeros with a minus sign; x + (-x) is +0.
        sign = x.sign & y.sign if x.is_zero and y.is_zero else 0
        return Number(Kind.FINITE, sign)
    return Number(Kind.FINITE, int(total < 0), abs(total), exp)


def mul(x: Number, y: Number) -> Number:
    """Exact product."""
    sign = x.sign ^ y.sign
    if x.is_nan or y.is_nan:
        return NAN
    if x.is_inf or y.is_inf:
        return NAN if x.is_zero or y.is_zero else Number(Kind.INF, sign)
    return Number(Kind.FINITE, sign, x.sig * y.sig, x.exp + y.exp)


def signed(x: Number) -> int:
    return -x.sig if x.sign else x.sig


def convert(bits: int, source: FpFormat, target: FpFormat) -> int:
    """The value of `bits` in another format."""
    return target.round_pack(source.unpack(bits))


def fp32_add(a: int, b: int) -> int:
    """FP32 a + b, round to nearest even. RTL: sat_fp32_add."""
    return FP32.round_pack(add(FP32.unpack(a), FP32.unpack(b)))


def fp32_mul(a: int, b: int) -> int:
    """FP32 a * b, round to nearest even. RTL: sat_fp32_mul."""
    return FP32.round_pack(mul(FP32.unpack(a), FP32.unpack(b)))


def fp16_mul_exact(a: int, w: int) -> int:
    """FP16 a * w as FP32. Never rounds: 22 significant bits, 2**-48 .. 2**32."""
    return FP32.round_pack(mul(FP16.unpack(a), FP16.unpack(w)))


def fp32_to_fp16(value: int) -> int:
    """FP32 -> FP16, round to nearest even, overflow to infinity. RTL: sat_fp32_to_fp16."""
    return convert(value, FP32, FP16)


def fp16_to_fp32(half: int) -> int:
    """FP16 -> FP32, exact. RTL: sat_fp16_to_fp32."""
    return convert(half, FP16, FP32)


def fp16_widen(half: int) -> int:
    """FP16 -> 17-bit array operand, exact. RTL: sat_fp16_widen."""
    return convert(half, FP16, WIDE)


def acc_to_fp32(acc: int) -> int:
    """31-bit accumulator -> FP32, exact. RTL: sat_acc_to_fp32."""
    return convert(acc, ACC, FP32)


def fp32_to_acc(value: int) -> int:
    """FP32 -> 31-bit accumulator: the inverse of `acc_to_fp32`, where that has one."""
    return convert(value, FP32, ACC)


def pe_mac(acc: int, a: int, w: int) -> int:
    """One step of a dot product: FP32 acc + FP16 a * FP16 w, rounded once."""
    return fp32_add(acc, fp16_mul_exact(a, w))


def pe_product(a_wide: int, w_wide: int) -> int:
    """WIDE * WIDE in the accumulator's format, exact. RTL: sat_uspe_mul."""
    return ACC.round_pack(mul(WIDE.unpack(a_wide), WIDE.unpack(w_wide)))


def pe_accumulate(acc: int, product: int) -> int:
    """ACC + ACC, rounded once. RTL: sat_uspe_acc."""
    return ACC.round_pack(add(ACC.unpack(acc), ACC.unpack(product)))


def pe_mac_internal(acc: int, a_wide: int, w_wide: int) -> int:
    """`pe_mac` in the array's own formats. RTL: sat_uspe."""
    return pe_accumulate(acc, pe_product(a_wide, w_wide))


def fp32_relu(value: int) -> int:
    """value if it is NaN or > 0, else +0."""
    x = FP32.unpack(value)
    return 0 if x.sign or x.is_zero else FP32.round_pack(x)


def mask_passes(half: int) -> bool:
    """Whether an FP16 mask element lets the result pass: > 0 as a signed 16-bit integer."""
    return 0 < half < 0x8000


def epilogue(
    acc: int,
    bias: int | None = None,
    residual: int | None = None,
    relu: bool = False,
    mask: int | None = None,
    out_fp32: bool = False,
) -> int:
    """What MATMUL does to a finished FP32 sum: + FP32 bias, + residual (FP32 with `out_fp32`, else
    FP16), ReLU, FP16 mask, then FP32 as it is or FP16. None leaves a step out. RTL: sat_epilogue.
    """
    value = acc
    if bias is not None:
        value = fp32_add(value, bias)
    if residual is not None:
        value = fp32_add(value, residual if out_fp32 else fp16_to_fp32(residual))
    if relu:
        value = fp32_relu(value)
    if mask is not None and not mask_passes(mask):
        value = 0
    return value if out_fp32 else fp32_to_fp16(value)


def nm_select(magnitudes: list[int], n: int) -> list[int]:
    """Positions of the n largest of a group, in ascending order; of equals the lower position wins.

    `magnitudes` are bits 14:0 of FP16 values compared as integers. RTL: sat_nm_select.
    """
    by_size = sorted(range(len(magnitudes)), key=lambda i: (-magnitudes[i], i))
    return sorted(by_size[:n])


def sample(group: list[int], n: int, draw: list[int]) -> list[int]:
    """FP16 values of a group -> at most n of them, the others +0: a sample whose mean is the group.
    `draw` has the 16 random bits of each part (`sampling.parts_of`). RTL: sat_sampler."""
    parts = len(draw)
    size = len(group) // parts
    kept: list[int] = []
    for part in range(parts):
        values = group[part * size : (part + 1) * size]
        kept += sample_part(values, 2 if part < n - parts else 1, draw[part])
    return kept


def sample_part(values: list[int], count: int, draw: int) -> list[int]:
    """`sample` of a part that keeps `count`, one or two."""
    if any(value & 0x7C00 == 0x7C00 for value in values):
        return values
    numbers = [FP16.unpack(value) for value in values]
    fields = sorted(max(1, value >> 10 & 31) for value in values)
    unit = fields[-count] - 27  # of what magnitudes count in, a power of two
    largest = max(range(len(values)), key=lambda i: (values[i] & 0x7FFF, -i))
    weights = [number.sig << number.exp - unit if number.exp >= unit else
               number.sig >> unit - number.exp for number in numbers]
    picks, exactly = count, -1
    if count == 2 and 2 * weights[largest] >= sum(weights):
        picks, exactly, weights[largest] = 1, largest, 0
    total = sum(weights)
    if total == 0:
        return values
    kept, before = [], 0
    for i, weight in enumerate(weights):
        at = [(draw * total >> 16) + pick * total for pick in range(picks)]
        hit = any(picks * before <= place < picks * (before + weight) for place in at)
        before += weight
        value = Number(Kind.FINITE, numbers[i].sign, total, unit - (picks - 1))
        kept.append(values[i] if i == exactly else FP16.round_pack(value) if hit else 0)
    return kept


def affine(x: int, alpha: int, gamma: int, y: int | None = None, beta: int | None = None,
           relu: bool = False) -> int:
    """One element of AFFINE: FP16 x, y and FP32 scalars -> FP16. y and beta None leave the second
    product out."""
    value = fp32_mul(alpha, fp16_to_fp32(x))
    offset = gamma
    if y is not None and beta is not None:
        offset = fp32_add(fp32_mul(beta, fp16_to_fp32(y)), gamma)
    value = fp32_add(value, offset)
    return fp32_to_fp16(fp32_relu(value) if relu else value)


def stats_sum(terms: list[int]) -> int:
    """The sum STATS makes of a column of FP32 numbers (elements, or products of two): exact, then
    rounded once. RTL: sat_column_sums."""
    total = Number(Kind.FINITE)
    for term in terms:
        total = add(total, FP32.unpack(term))
    return FP32.round_pack(total)


def sign_magnitude(half: int) -> int:
    """FP16 in the order of POOL: a sign-magnitude integer, with -0 just below +0."""
    return -1 - (half & 0x7FFF) if half & 0x8000 else half


def max_pool(seen: list[int | None]) -> tuple[int, int]:
    """One element of POOL: FP16 (or None for outside) by position -> the largest and its position,
    the first of equal ones; (+0, 0) if all are outside."""
    inside = [(half, position) for position, half in enumerate(seen) if half is not None]
    return max(inside, key=lambda pixel: (sign_magnitude(pixel[0]), -pixel[1]), default=(0, 0))


def max_pool_backward(seen: list[tuple[int, int] | None]) -> int:
    """One element of POOL backward: (gradient FP16, winner) (or None for outside) by position of
    the transposed windows -> FP16."""
    total = 0
    for position, pixel in enumerate(seen):
        if pixel is not None and pixel[1] == len(seen) - 1 - position:
            total = fp32_add(total, fp16_to_fp32(pixel[0]))
    return fp32_to_fp16(total)
