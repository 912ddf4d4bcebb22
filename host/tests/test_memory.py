# SPDX-License-Identifier: Apache-2.0
"""Tensors and the allocator."""

import numpy as np
import pytest

from sat import FP16, FP32, Core
from sat.memory import INDEX

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 32), (7, 33)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_written_array_reads_back(core: Core, rng, shape, dtype):
    values = rng.standard_normal(shape).astype(dtype)
    tensor = core.from_array("t", values)
    assert tensor.addr % 64 == 0 and tensor.stride % 64 == 0
    assert np.array_equal(tensor.read(), values)


def test_write_leaves_the_gap_between_rows_alone(core: Core):
    tensor = core.tensor("t", (3, 5), FP16)
    size = tensor.rows * tensor.stride
    core.backend.write_memory(tensor.addr, np.full(size, 0xA5, np.uint8))
    tensor.write(np.zeros((3, 5), np.float16))
    image = core.backend.read_memory(tensor.addr, size).reshape(3, -1)
    assert not image[:, :10].any() and (image[:, 10:] == 0xA5).all()


def test_odd_index_row_ends_with_a_zero_nibble(core: Core):
    tensor = core.tensor("t", (2, 3), INDEX)
    tensor.write(np.full((2, 3), 15, np.uint8))
    assert np.array_equal(tensor.read(), np.full((2, 3), 15))
    assert (tensor.raw() == [[0xFF, 0x0F]] * 2).all()


def test_view_is_the_same_memory(core: Core, rng):
    values = rng.standard_normal((8, 64)).astype(np.float32)
    tensor = core.from_array("t", values)
    assert np.array_equal(tensor[2:5, 16:40].read(), values[2:5, 16:40])
    tensor[0:1, 32:48].write(np.zeros((1, 16), np.float32))
    assert not tensor.read()[0, 32:48].any() and tensor.read()[0, 48:].all()


@pytest.mark.parametrize("index, message", [
    ((slice(0, 2), slice(1, 9)), "columns"),
    ((slice(2, 2), slice(None)), "rows"),
    ((slice(0, 8, 2), slice(None)), "rows"),
    ((0, slice(None)), "rows"),
    (0, "^t: a view takes two slices"),
    (slice(0, 2), "^t: a view takes two slices"),
    ((slice(0, 2),) * 3, "^t: a view takes two slices"),
])
def test_illegal_view_is_an_error(core: Core, index, message):
    with pytest.raises(IndexError, match=message):
        core.tensor("t", (8, 64), FP32)[index]


@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_dense_matrix_takes_the_index_bits_that_the_core_takes(core: Core, rng, m):
    """The upper bits of an index may be anything: also the core's product ignores them."""
    s = core.compressed("s", (2 * m, 5), 1, m)
    index = rng.integers(0, m, (2, 5), np.uint8)
    s.values.write(np.arange(1, 11, dtype=np.float16).reshape(2, 5))
    s.indices.write(index | 16 - m & rng.integers(0, 16, (2, 5), np.uint8))
    dense = s.to_dense()
    assert dense.dtype == np.float16 and np.count_nonzero(dense) == 10
    for group, col in np.ndindex(2, 5):
        assert dense[group * m + index[group, col], col] == 1 + group * 5 + col
    out, program = core.tensor("out", (2 * m, 5), FP16), core.program()
    program.matmul(core.from_array("i", np.eye(2 * m, dtype=np.float16)), s, out)
    core.run(program)
    assert np.array_equal(out.read(), dense)


def test_compressed_view_starts_at_a_group(core: Core):
    matrix = core.compressed("s", (32, 128), 2, 8)
    view = matrix[8:24, :]
    assert view.shape == (16, 128) and view.values.shape == (4, 128)
    assert view.values.addr == matrix.values.addr + 2 * matrix.values.stride
    with pytest.raises(IndexError, match="multiple of 8"):
        matrix[4:24, :]


def test_illegal_view_of_several_matrices_is_an_error(core: Core):
    matrix, stack = core.compressed("s", (32, 64), 2, 8), core.stack("k", 9, (8, 8), 2, 8)
    maps = core.feature_map("x", 4, 3, 3, 8)
    for view, message in ((lambda: matrix[0], "^s: a view takes two slices"),
                          (lambda: stack[0:2], "^k: position slice"),
                          (lambda: stack[9], "^k: position 9"),
                          (lambda: maps.part(2, 5), "^x: 2..4 are not among its images 0..3"),
                          (lambda: maps.part(2, 2), "^x: 2..1 are not"),
                          (lambda: maps.part(-1, 2), "^x: -1..1 are not")):
        with pytest.raises(IndexError, match=message):
            view()


@pytest.mark.parametrize("n, m, name", [(3, 2, "n"), (0, 4, "n"), (1, 3, "m"), (17, 16, "n")])
def test_illegal_nm_is_an_error(core: Core, n, m, name):
    with pytest.raises(ValueError, match=f"^{name}:"):
        core.compressed("s", (16, 16), n, m)


@pytest.mark.parametrize("shape", [(0, 4), (4, 1 << 24), (4,), 4])
def test_illegal_shape_is_an_error(core: Core, shape):
    with pytest.raises(ValueError, match="^shape:"):
        core.tensor("t", shape, FP16)


@pytest.mark.parametrize("name, call", [
    ("shape: rows", lambda core: core.tensor("t", (4.7, 4), FP16)),
    ("shape: cols", lambda core: core.tensor("t", (4, "4"), FP16)),
    ("shape: rows", lambda core: core.tensor("t", "ab", FP16)),
    ("m", lambda core: core.compressed("s", (16, 16), 2, 8.0)),
    ("count", lambda core: core.stack("s", 1.5, (16, 16), 8, 8)),
    ("h", lambda core: core.feature_map("f", 1, 4.5, 4, 2)),
    ("images", lambda core: core.feature_map("f", -2, -2, 4, 2)),
    ("size", lambda core: core.reserve(-4096)),
    ("size", lambda core: core.reserve(1.5)),
    ("alignment", lambda core: core.reserve(64, 0)),
])
def test_sizes_are_whole_numbers(core: Core, name: str, call):
    """Nothing is cut to one, and nothing is handed out a second time."""
    used = core.used
    with pytest.raises((ValueError, TypeError), match=f"^{name}: "):
        call(core)
    assert core.used == used


def test_sizes_may_be_those_of_numpy(core: Core):
    assert core.tensor("t", (np.int64(3), np.uint8(5)), FP16).shape == (3, 5)


def test_wrong_values_are_an_error(core: Core):
    tensor = core.tensor("t", (2, 2), FP16)
    with pytest.raises(ValueError, match="^values: shape"):
        tensor.write(np.zeros((2, 3), np.float16))
    with pytest.raises(TypeError, match="^values: float64"):
        tensor.write(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="^values:"):
        core.from_array("t", np.zeros((2, 2), np.int32))


def test_cores_of_one_backend_share_its_memory(core: Core):
    """They never hand out the same bytes, and may use what the other has made."""
    other = Core(core.backend)
    tensors = [maker.from_array("t", np.full((3, 40), value, np.float16))
               for value, maker in enumerate((core, other, core, other))]
    spans = sorted(tensor.extent for tensor in tensors)
    spans += [(maker._program_addr, maker._program_addr + 1) for maker in (core, other)]
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:]))
    assert all((tensor.read() == value).all() for value, tensor in enumerate(tensors))
    program = other.program()
    program.prune(tensors[0], ff=other.compressed("ff", (3, 40), 1, 2))
    core.run(program)


def test_full_memory_is_an_error(core: Core):
    with pytest.raises(MemoryError, match="left in the memory window"):
        core.tensor("t", (65535, 65535), FP32)
