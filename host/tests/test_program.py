# SPDX-License-Identifier: Apache-2.0
"""Programs: argument checks, packed descriptors, and when commands may overlap."""

import numpy as np
import pytest

from sat import FP16, FP32, Core, GoldenBackend, Program
from sat.memory import INDEX
from sat_golden.checks import check
from sat_golden.defs import MATMUL_ROW_INTERLEAVE_LSB, MatmulFlag, MatmulSlot
from sat_golden.descriptor import Descriptor
from sat_golden.windows import Windows

pytestmark = pytest.mark.quick


@pytest.fixture
def tensors(core: Core) -> dict:
    return {
        "a": core.tensor("a", (8, 16), FP16),
        "s": core.tensor("s", (16, 32), FP16),
        "out": core.tensor("out", (8, 32), FP16),
        "bias": core.tensor("bias", (1, 32), FP32),
        "addend": core.tensor("addend", (8, 32), FP16),
        "sum": core.tensor("sum", (8, 32), FP32),
        "small": core.tensor("small", (8, 31), FP16),
        "w": core.tensor("w", (16, 32), FP32),
        "v": core.tensor("v", (16, 32), FP32),
        "dw": core.tensor("dw", (16, 32), FP32),
        "ff": core.compressed("ff", (16, 32), 2, 8),
        "bp": core.compressed("bp", (32, 16), 2, 8),
        "bp4": core.compressed("bp4", (32, 16), 2, 4),
    }


def test_descriptors_pass_the_core_checks(core: Core, tensors):
    t = tensors
    program = core.program()
    program.prune(t["w"], ff=t["ff"], bp=t["bp"])
    program.matmul(t["a"], t["ff"], t["out"], bias=t["bias"], residual=t["addend"], relu=True)
    program.fence(irq=True)
    program.update(t["w"], t["v"], t["dw"], lr=0.1, momentum=0.9, decay=1e-4, bp=t["bp"],
                   skip_on_overflow=True)
    program.matmul(t["a"], t["s"], t["sum"], residual=t["sum"])
    packed = program.pack()
    assert len(packed) == 128 * len(program) == 640
    for start in range(0, len(packed), 128):
        check(packed[start : start + 128], start, 40)
    matmul = Descriptor.unpack(packed[128:256])
    flags = MatmulFlag.BIAS | MatmulFlag.RESIDUAL | MatmulFlag.RELU
    assert matmul.flags & ((1 << MATMUL_ROW_INTERLEAVE_LSB) - 1) == flags
    assert (matmul.rows, matmul.cols, matmul.depth, matmul.n, matmul.m) == (8, 32, 16, 2, 8)
    assert matmul.slot(MatmulSlot.BIAS).stride == 0


@pytest.mark.parametrize("change, error, name", [
    ({"a": "s"}, ValueError, "a"),
    ({"a": "w"}, TypeError, "a"),
    ({"a": None}, TypeError, "a"),
    ({"s": "a"}, ValueError, "a"),
    ({"out": "small"}, ValueError, "out"),
    ({"out": "bias"}, ValueError, "a"),
    ({"bias": "w"}, ValueError, "bias"),
    ({"bias": "addend"}, TypeError, "bias"),
    ({"residual": "small"}, ValueError, "residual"),
    ({"residual": "sum"}, TypeError, "residual"),
    ({"out": "sum", "residual": "addend"}, TypeError, "residual"),
    ({"mask": "w"}, TypeError, "mask"),
    ({"out": "a", "s": "a"}, ValueError, "a"),
])
def test_wrong_matmul_argument_is_named(core: Core, tensors, change, error, name):
    arguments = {"a": "a", "s": "s", "out": "out", **change}
    with pytest.raises(error, match=f"^{name}:"):
        core.program().matmul(**{key: tensors.get(value) for key, value in arguments.items()})


@pytest.mark.parametrize("name, value", [
    ("lr", 1e39), ("lr", np.inf), ("lr", 1e-46), ("momentum", -1e-50), ("momentum", np.nan),
    ("inv_scale", 2.0**-150), ("inv_scale", 2.0**128), ("decay", 1e-60), ("decay", -1e300),
])
def test_scalar_that_the_core_would_read_as_another_is_named(core: Core, tensors, name, value):
    t = tensors
    with pytest.raises(ValueError, match=f"^{name}: .* in FP32$"):
        core.program().update(t["w"], t["v"], t["dw"], **{"lr": 0.1, name: value})


def commands_of(core: Core) -> dict:
    """A call of every method of Program, with its arguments."""
    t, windows = core.tensor, Windows.sliding(1, 4, 4, 2, 2, stride=2)
    vectors = {name: t(name, (1, 8), FP32) for name in ("alpha", "beta", "gamma")}
    return {
        "matmul": dict(a=t("a", (4, 16), FP16), s=core.compressed("s", (16, 8), 2, 8),
                       out=t("out", (4, 8), FP16), bias=t("bias", (1, 8), FP32),
                       residual=t("residual", (4, 8), FP16), mask=t("mask", (4, 8), FP16)),
        "conv": dict(a=t("a", (16, 8), FP16), s=core.stack("s", 4, (8, 8), 2, 8),
                     out=t("out", (4, 8), FP16), windows=windows),
        "prune": dict(w=t("w", (16, 8), FP16), ff=core.compressed("ff", (16, 8), 2, 8),
                      bp=core.compressed("bp", (8, 16), 2, 8)),
        "update": dict(w=t("w", (16, 8), FP32), v=t("v", (16, 8), FP32), dw=t("dw", (16, 8), FP32),
                       ff=core.compressed("ff", (16, 8), 2, 8),
                       bp=core.compressed("bp", (8, 16), 2, 8), lr=0.1),
        "affine": dict(x=t("x", (4, 8), FP16), out=t("out", (4, 8), FP16), y=t("y", (4, 8), FP16),
                       **vectors),
        "stats": dict(x=t("x", (4, 8), FP16), y=t("y", (4, 8), FP16), total=t("sum", (1, 8), FP32),
                      dot=t("dot", (1, 8), FP32)),
        "max_pool": dict(x=t("x", (16, 8), FP16), out=t("out", (4, 8), FP16),
                         winner=t("winner", (4, 8), INDEX), windows=windows),
        "max_pool_backward": dict(d_out=t("d_out", (4, 8), FP16), d_x=t("d_x", (16, 8), FP16),
                                  winner=t("winner", (4, 8), INDEX), windows=windows.transposed()),
    }


@pytest.mark.parametrize("method", [
    "matmul", "conv", "prune", "update", "affine", "stats", "max_pool", "max_pool_backward"])
def test_tensor_of_another_core_is_named(core: Core, method: str):
    """Each argument of each command; the other core's memory has the same addresses."""
    other = Core(GoldenBackend(memory_size=4 << 20))
    mine, foreign = commands_of(core)[method], commands_of(other)[method]
    for name in mine:
        if hasattr(mine[name], "backend"):
            with pytest.raises(ValueError, match=f"^{name}: .* is a tensor of another core"):
                getattr(core.program(), method)(**{**mine, name: foreign[name]})
    program = core.program()
    getattr(program, method)(**mine)
    with pytest.raises(ValueError, match="^program: is of another core"):
        other.run(program)
    with pytest.raises(ValueError, match="^program: is of no core"):
        core.run(Program(core.backend.config, program.commands))
    core.run(program)


def test_output_on_an_input_is_an_error(core: Core):
    x, y = core.tensor("x", (16, 16), FP16), core.tensor("y", (16, 16), FP16)
    with pytest.raises(ValueError, match="^out: overlaps a"):
        core.program().matmul(x, y, x)
    core.program().matmul(x, x, y, mask=y)  # in place: allowed


def test_copies_that_share_memory_are_an_error(core: Core):
    w, v, dw = (core.tensor(name, (16, 16), FP32) for name in ("w", "v", "dw"))
    both = core.compressed("both", (16, 16), 2, 8)
    with pytest.raises(ValueError, match=r"^bp: overlaps ff \(both.values\)"):
        core.program().prune(w, ff=both, bp=both)
    with pytest.raises(ValueError, match=r"^bp: overlaps ff \(both.values\)"):
        core.program().update(w, v, dw, lr=0.1, ff=both, bp=both)


def test_map_that_does_not_fit_is_an_error(core: Core, tensors):
    with pytest.raises(ValueError, match="^row_interleave:"):
        core.program().matmul(tensors["a"], tensors["ff"], tensors["out"], row_interleave=3)


@pytest.mark.parametrize("arguments, error, name", [
    ({}, ValueError, "ff, bp"),
    ({"ff": "bp"}, ValueError, "ff"),
    ({"ff": "w"}, TypeError, "ff"),
    ({"ff": "ff", "bp": "bp4"}, ValueError, "bp"),
])
def test_wrong_prune_argument_is_named(core: Core, tensors, arguments, error, name):
    with pytest.raises(error, match=f"^{name}:"):
        core.program().prune(tensors["w"], **{k: tensors[v] for k, v in arguments.items()})


def test_wrong_update_argument_is_named(core: Core, tensors):
    t = tensors
    with pytest.raises(ValueError, match="^v:"):
        core.program().update(t["w"], t["bias"], t["dw"], lr=0.1)
    with pytest.raises(ValueError, match="^lr:"):
        core.program().update(t["w"], t["v"], t["dw"], lr=float("nan"))
    with pytest.raises(ValueError, match="^w:"):
        core.program().update(t["w"], t["v"], t["w"], lr=0.1)


def overlap_flags(program) -> list[bool]:
    return [command.descriptor.overlap for command in program]


def test_independent_commands_overlap(core: Core, tensors):
    t, program = tensors, core.program()
    program.matmul(t["a"], t["s"], t["out"])
    program.update(t["w"], t["v"], t["dw"], lr=0.1, ff=t["ff"])
    assert overlap_flags(program) == [True, True]


@pytest.mark.parametrize("first", ["matmul", "prune"])
def test_reader_waits_for_writer(core: Core, tensors, first):
    t, program = tensors, core.program()
    w, copies = core.tensor("w2", (8, 32), FP32), core.compressed("c", (8, 32), 2, 8)
    if first == "matmul":
        program.matmul(t["a"], t["s"], w)
        program.prune(w, ff=copies)
    else:
        program.prune(t["w"], ff=t["ff"])
        program.matmul(t["a"], t["ff"], t["out"])
    assert overlap_flags(program) == [True, False]
    with pytest.raises(ValueError, match="^overlap:"):
        second = core.program()
        second.commands, second._running = [], {}
        second.matmul(t["a"], t["s"], w)
        second.prune(w, ff=copies, overlap=True)


def test_writer_waits_for_reader(core: Core, tensors):
    t, program = tensors, core.program()
    program.matmul(t["a"], t["ff"], t["out"])
    program.prune(t["w"], ff=t["ff"])
    assert overlap_flags(program) == [True, False]


def test_update_may_run_beside_the_matmul_after_its_gradient(core: Core, tensors):
    """Its own gradient's MATMUL is complete: the array takes one command at a time."""
    t, program = tensors, core.program()
    dy = core.tensor("dy", (8, 32), FP16)
    x, other = core.tensor("x", (8, 16), FP16), core.tensor("dw2", (16, 32), FP32)
    program.matmul(x, dy, t["dw"], a_trans=True)
    program.matmul(x, dy, other, a_trans=True)
    program.update(t["w"], t["v"], t["dw"], lr=0.1)
    program.update(core.tensor("w3", (16, 32), FP32), t["v"], other, lr=0.1)
    assert overlap_flags(program) == [True, True, True, False]


def test_fence_ends_all_hazards(core: Core, tensors):
    t, program = tensors, core.program()
    program.prune(t["w"], ff=t["ff"])
    program.fence()
    program.matmul(t["a"], t["ff"], t["out"])
    assert overlap_flags(program) == [True, False, True]


def test_column_windows_of_one_matrix_are_apart(core: Core):
    planes = core.compressed("bp", (32, 256), 2, 8)
    w = core.tensor("w", (256, 32), FP32)
    x, y = core.tensor("x", (4, 32), FP16), core.tensor("y", (4, 128), FP16)
    program = core.program()
    program.prune(w[0:128, :], bp=planes[:, 0:128])
    program.matmul(x, planes[:, 128:256], y)
    program.matmul(x, planes[:, 0:128], y)
    assert overlap_flags(program) == [True, True, False]


def test_hazard_free_programs_agree_with_the_golden_model(core: Core, rng):
    """Random commands over few tensors: what is marked as overlapping never touches."""
    halves = [core.from_array(f"h{i}", rng.standard_normal((16, 16)).astype(np.float16))
              for i in range(4)]
    singles = [core.from_array(f"f{i}", rng.standard_normal((16, 16)).astype(np.float32))
               for i in range(4)]
    copies = [core.compressed(f"c{i}", (16, 16), 2, 8) for i in range(3)]
    overlapping = 0
    for _ in range(20):
        program = core.program()
        for copy in copies:
            program.prune(singles[0], ff=copy)
        for _ in range(12):
            if rng.random() < 0.5:
                program.matmul(halves[rng.integers(4)], copies[rng.integers(3)],
                               singles[rng.integers(4)])
            else:
                program.prune(singles[rng.integers(4)], ff=copies[rng.integers(3)])
        overlapping += sum(overlap_flags(program))
        core.run(program)
        address = core._program_addr
        assert not core.backend.model.run(address, len(program)).hazards
    assert overlapping > 20
