# SPDX-License-Identifier: Apache-2.0
"""Networks as descriptions: their sizes, the commands that they become, and what these cost."""

import json
import re

import numpy as np
import pytest

from sat import Core, GoldenBackend, SatConfig
from sat.memory import FP16
from sat.networks import NETWORKS, PAPER, cli
from sat.networks.cost import run, run_exact
from sat.networks.description import Convolutions, Dense, Encoder, Network
from sat.networks.draft import DraftBackend
from sat.networks.energy import energy
from sat.networks.step import peak_bytes, train
from sat.nn import DENSE, ConvSpec, SparseWu, StageSpec
from sat.nn.script import HostWork
from sat.plan import ARRAY, VECTOR, model, tilings
from sat.program import Program
from sat.traffic import tensor_bytes

pytestmark = pytest.mark.quick
SMALL = SatConfig.from_name("4x4")
NM = (2, 8)
MEMORY_BYTES = 8 << 20


def small_parts() -> list:
    stages = [StageSpec("stem", [ConvSpec(3, 16)], pool=(3, 2, 1)),
              StageSpec("neck", [ConvSpec(16, 16, kernel=1, pad=0, n=2, m=8),
                                 ConvSpec(16, 32, stride=2, n=2, m=8)], residual=True),
              StageSpec("last", [ConvSpec(32, 32, n=2, m=8)], pool=(2, 2, 0))]
    return [Convolutions(8, stages, 10), Dense("patches", 4, 48, 32, input_gradient=False),
            Encoder(tokens=32, dim=64, heads=2, hidden=64, nm=NM, count=3)]


@pytest.fixture(params=small_parts(), ids=lambda part: type(part).__name__)
def part(request):
    return request.param


def lowered(part, backend):
    return part.lower(Core(backend), 2, np.random.default_rng(1))


@pytest.mark.parametrize("name, layers, parameters, macs", [
    # Published: 6.57 M; 11.69 M and 1.81 G; 25.56 M and 4.09 G; 20.0 M (without the biases that a
    # norm makes useless) and 0.40 G; 22.05 M and 4.6 G; 7.09 M of GPT-2-small's 124 M.
    ("resnet9", 9, 6_573_130, 0.379e9), ("resnet18-224", 18, 11_689_512, 1.814e9),
    ("resnet50", 50, 25_557_032, 4.089e9), ("vgg19", 17, 20_081_188, 0.398e9),
    ("vit-small", 50, 22_050_664, 4.6e9), ("gpt2-block", 4, 7_087_872, 8.86e9)])
def test_sizes_are_the_published_ones(name, layers, parameters, macs):
    """Multiplies are those of the commands, dense; of average pooling the core makes some too."""
    network = NETWORKS[name](DENSE)
    assert (network.layers, network.parameters) == (layers, parameters)
    step = train(network, SatConfig.from_name(), DENSE, batch=1)
    forward = sum(cost.macs for label, cost in step.labels.items()
                  if label.startswith("FF ") and label != "FF pool")
    assert forward == pytest.approx(macs, rel=2e-3)


def test_first_and_last_layer_are_dense():
    for make in NETWORKS.values():
        for part in make(NM).parts:
            if isinstance(part, Convolutions):
                first, *others = part.convolutions
                assert first.n == first.m and {(conv.n, conv.m) for conv in others} == {NM}
    assert set(PAPER) <= set(NETWORKS)


def test_a_draft_makes_the_commands_that_run(part):
    """Descriptor for descriptor, and the core refuses none of them."""
    golden = GoldenBackend(SMALL, memory_base=0, memory_size=MEMORY_BYTES)
    real, draft = lowered(part, golden).scripts, lowered(part, DraftBackend(SMALL)).scripts
    assert real.keys() == draft.keys()
    for name, script in real.items():
        programs = [[program.pack() for program in made.programs] for made in (script, draft[name])]
        assert programs[0] == programs[1] and any(programs[0])
        script.run(name, {})


def test_the_host_moves_the_bytes_that_it_tells(part):
    """Rows lie without gaps here: a read takes what lies between, too."""
    class Counting(GoldenBackend):
        moved = 0

        def read_memory(self, addr, size):
            self.moved += size
            return super().read_memory(addr, size)

        def write_memory(self, addr, data):
            self.moved += len(data)
            super().write_memory(addr, data)

    backend = Counting(SMALL, memory_base=0, memory_size=MEMORY_BYTES)
    for script in lowered(part, backend).scripts.values():
        for step in script.steps:
            if isinstance(step, HostWork):
                before = backend.moved
                step.action()
                told = sum(map(tensor_bytes, (*step.reads, *step.writes)))
                assert backend.moved - before == told, step.action


def test_a_draft_forgets():
    with DraftBackend(SMALL) as backend:
        tensor = Core(backend).from_array("x", np.ones((1 << 20, 64), np.float16))
        assert not tensor[:4, :].read().any()
        with pytest.raises(NotImplementedError):
            backend.write_register(0, 1)


def test_engines_work_beside_each_other():
    """A command waits for its engine, and without `overlap` for all before it."""
    core = Core(DraftBackend(SMALL))
    a, b, c, d = (core.tensor(name, (64, 64), FP16) for name in "abcd")
    rows = [core.from_array(name, np.ones((1, 64), np.float32)) for name in ("one", "zero")]
    program = Program(SMALL)
    program.matmul(a, b, c)
    program.affine(a, d, *rows)
    program.affine(a, d, *rows)
    program.matmul(d, b, c)
    first, beside, behind, last = run(SMALL, program)
    assert [made.command.engine for made in (first, beside)] == [ARRAY, VECTOR]
    assert first.start == beside.start == 0 and behind.start == beside.end
    assert last.start == max(first.end, behind.end)
    assert first.bytes_read >= 2 * 2 * 64 * 64 and first.bytes_written == 2 * 64 * 64


def test_step_adds_up():
    """Blocks that are alike count as often as there are."""
    make = [Network("net", 2, [Encoder(8, 64, 2, 64, NM, count)]) for count in (1, 3)]
    one, three = (train(network, SMALL, NM) for network in make)
    for name in ("cycles", "macs", "bytes", "host_bytes"):
        assert getattr(three, name) == pytest.approx(3 * getattr(one, name))
    passes = one.passes()
    assert set(passes) == {"FF", "BP", "WU", "UPDATE"}
    assert sum(cost.macs for cost in passes.values()) == one.macs
    assert max(sum(cost.array_cycles for cost in passes.values()),
               sum(cost.vector_cycles for cost in passes.values())) <= one.cycles


def test_the_cycle_model_times_the_same_commands():
    """Estimates are near it, and it is the sum of what its commands move."""
    network = Network("net", 2, [Encoder(8, 64, 2, 64, NM, 1)])
    about, exact = (train(network, SMALL, NM, exact=exact) for exact in (False, True))
    assert exact.macs == about.macs and exact.labels.keys() == about.labels.keys()
    assert exact.cycles == pytest.approx(about.cycles, rel=0.5)
    assert exact.cycles == sum(end - start for _, start, end, _ in exact.timeline)


@pytest.mark.parametrize("shape, different", [("4x4", 1), ("8x8", 2)])
def test_programs_that_differ_in_place_take_the_same_time(shape, different):
    """Only one of them is run, unless requests may reach over a page's end: chunks of 8x8 have 512
    bytes, those of 4x4 have 32."""
    config = SatConfig.from_name(shape)
    backend = DraftBackend(config)
    core, programs = Core(backend), []
    for offset in (0, 0, 2048 + 64):
        backend.reserve(model.PAGE - backend.used % model.PAGE + offset, 64)
        a, b, c = (core.tensor(name, (256, 256), FP16) for name in "abc")
        backend.reserve(5 * model.PAGE)
        programs.append(core.program())
        programs[-1].matmul(a, b, c)
        programs[-1].matmul(c, b, a)
    keys = [model.alike(config, [command.descriptor for command in program])
            for program in programs]
    assert keys[0] == keys[1] and len(set(keys)) == different
    for program, made in zip(programs, run_exact(config, programs)):
        alone = model.run(config, [command.descriptor for command in program])
        assert [(one.command, one.start, one.end, one.bytes_read) for one in made] == [
            (command, span.start, span.end, span.bytes_read)
            for command, span in zip(program, alone.spans)]


def test_a_product_of_the_one_before_is_not_alike():
    """It waits until its operand is written."""
    core = Core(DraftBackend(SMALL))
    a, b, c, d, e = (core.tensor(name, (2048, 16), FP16) for name in "abcde")
    runs, keys = [], []
    for operand in (c, d):
        program = core.program()
        program.matmul(a, b[:16, :], c, overlap=True)
        program.matmul(operand, b[:16, :], e, overlap=True)
        descriptors = [command.descriptor for command in program]
        keys.append(model.alike(SMALL, descriptors))
        runs.append(model.run(SMALL, descriptors).cycles)
    assert keys[0] != keys[1] and runs[0] != runs[1]


def test_command_line(tmp_path, capsys):
    out = tmp_path / "networks.json"
    trace = tmp_path / "trace.json"
    assert cli.main(["--networks", "resnet9", "--config", "8x8", "--nm", "2:8", "--batch", "4",
                     "--mhz", "100", "--out", str(out), "--trace", str(trace)]) == 0
    dense, sparse = json.loads(out.read_text(encoding="utf-8"))
    assert (dense["n"], dense["m"], dense["speedup"]) == (*DENSE, 1.0)
    assert sparse["array"] == "8x8" and sparse["batch"] == 4 and 1.5 < sparse["speedup"] < 2
    assert {"cycles", "utilization", "bytes", "peak_memory_bytes", "data_w"} <= sparse.keys()
    assert {entry["pass"] for entry in sparse["layers"]} == set(sparse["passes"])
    page = out.with_suffix(".html").read_text(encoding="utf-8")
    assert sparse["samples_per_second"] == pytest.approx(4e8 / sparse["cycles"], rel=1e-3)
    assert set(sparse["joules"]) == {"multiply", "scratchpad", "vector", "memory"}
    assert 0 < sparse["energy_saved"] < 0.6 and "Horowitz" in page
    assert 2 < sparse["samples_per_second_4_channels"] / sparse["samples_per_second"] < 4
    assert page.count("<svg") == 2 and "stage5.conv2" in page and "http-equiv" not in page
    assert "resnet9" in capsys.readouterr().out
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    slices = [event for event in events if event["ph"] == "X" and event["pid"] == 2]
    end = max(event["ts"] + event["dur"] for event in slices)
    assert end == pytest.approx(sparse["cycles"], abs=1)
    for thread in range(3):  # no engine does two things at once
        own = sorted((event["ts"], event["ts"] + event["dur"]) for event in slices
                     if event["tid"] == thread)
        assert own and all(before[1] <= after[0] for before, after in zip(own, own[1:]))
    assert {event["name"] for event in events if event["ph"] == "C"} == {"read port", "write port"}


def test_energy_is_what_a_step_does_times_published_energies():
    """Of one product, by hand: 64x64x64 on 4x4, whose A stays in no scratchpad."""
    core = Core(DraftBackend(SMALL))
    a, b, c = (core.tensor(name, (64, 64), FP16) for name in "abc")
    program = Program(SMALL)
    program.matmul(a, b, c, row_interleave=1)
    (made,) = run(SMALL, program)
    tiling, = tilings(SMALL, made.command.descriptor)
    assert (tiling.row_span, tiling.col_span) == (8, 16)
    pj = energy(SMALL, made)
    assert pj["multiply_pj"] == pytest.approx(64**3 * 2.0)
    written = 2 * 64 * 64 * (tiling.a_passes + tiling.s_passes)
    assert pj["scratchpad_pj"] == pytest.approx(1.25 * (written + 8 * 4 * 2 * 64 * (8 + 16)))
    assert pj["vector_pj"] == 0
    assert pj["memory_pj"] == pytest.approx(162.5 * (made.bytes_read + made.bytes_written))


def test_energy_of_the_vector_engine():
    """An AFFINE of two maps: two multiplies and two sums for each element."""
    core = Core(DraftBackend(SMALL))
    x, y = (core.tensor(name, (32, 16), FP16) for name in "xy")
    rows = [core.from_array(name, np.ones((1, 16), np.float32)) for name in "abc"]
    program = Program(SMALL)
    program.affine(x, x, rows[0], rows[1], y=y, beta=rows[2])
    program.affine(x, x, rows[0], rows[1])
    twice, once = (energy(SMALL, made)["vector_pj"] for made in run(SMALL, program))
    assert twice == pytest.approx(2 * once) and once == pytest.approx(32 * 16 * (3.7 + 0.9))


@pytest.mark.slow
def test_four_channels_share_the_batch_and_read_gradients():
    (dense, sparse), (small, _) = (list(cli.steps(["resnet9"], ["8x8"], [NM], batch))
                                   for batch in (4, 3))
    share = train(NETWORKS["resnet9"](NM), SatConfig.from_name("8x8"), NM, 1)
    many = sparse.samples_of_channels(100.0, 1000)
    assert many == pytest.approx(1e8 * 4 / (share.cycles + 3 * 4 * 1000 / 16))
    assert dense.step.cycles > sparse.step.cycles and small.samples_of_channels(1, 1) is None


def test_profile(tmp_path, capsys):
    """The passes that take most, and the rest, which are all."""
    assert cli.main(["--networks", "resnet9", "--config", "8x8", "--nm", "2:8", "--batch", "4",
                     "--profile", "3", "--out", str(tmp_path / "networks.json")]) == 0
    shown = capsys.readouterr().out
    dense, sparse = json.loads((tmp_path / "networks.json").read_text(encoding="utf-8"))
    for case in (dense, sparse):
        first = sorted(case["layers"], key=lambda layer: -layer["array_cycles"]
                       - layer["vector_cycles"])[:3]
        total = sum(layer["array_cycles"] + layer["vector_cycles"] for layer in case["layers"])
        for layer in first:
            share = (layer["array_cycles"] + layer["vector_cycles"]) / total
            assert re.search(rf"{layer['pass']} +{layer['layer']} .* {share:.1%}", shown)
        assert re.search(rf"rest: +{len(case['layers']) - 3} ", shown)


@pytest.mark.parametrize("arguments, text", [
    (["--mhz", "0"], "--mhz: 0 is not positive"),
    (["--out", "page.html"], "--out: names the JSON file"),
])
def test_wrong_arguments_are_named(arguments, text, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert text in capsys.readouterr().err


def test_mean_is_of_the_papers_networks_only():
    rows = [{"network": name, "array": "8x8", "n": 2, "m": 8, "wu": None,
             "speedup": 1.5 + place}
            for place, name in enumerate((*PAPER, "gpt2-block"))]
    assert list(cli.means(rows)) == ["8x8 at 2:8: 3.50x on average over the paper's networks, "
                                     "1.50x at least"]
    assert not list(cli.means(rows[1:]))


@pytest.mark.slow
def test_sparse_weight_gradients_are_cases_of_their_own():
    made = [cli.row(timed, 100.0) for timed in
            cli.steps(["resnet9"], ["8x8"], [(2, 8)], 8, wu=SparseWu(2, 8))]
    assert [row["wu"] for row in made] == [None, None, "2:8"]
    speedups = [row["speedup"] for row in made]
    assert speedups == sorted(speedups) and 1 < speedups[1] < 2 < speedups[2] < 4


def test_memory_is_shared_and_its_lack_is_explained(capsys):
    network = NETWORKS["resnet9"](NM)
    with DraftBackend(SatConfig.from_name()) as backend:
        core = Core(backend)
        made = network.parts[0].lower(core, 8, np.random.default_rng(0))
        kept = sum(tensor.rows * tensor.stride for tensor in core.tensors)
        assert kept > 2 * 4 * network.parameters
        temporaries = made.temporaries
        assert peak_bytes(core, made, 1) == pytest.approx(kept + temporaries.shared_bytes, rel=1e-3)
        assert peak_bytes(core, made, 1) <= backend.used
        assert temporaries.shared_bytes < 0.8 * temporaries.all_bytes
    with pytest.raises(SystemExit):
        cli.main(["--networks", "resnet9", "--config", "8x8", "--batch", "2",
                  "--memory", "1"])
    assert "resnet9 on 8x8 at dense needs" in capsys.readouterr().err


def test_blocks_share_memory_and_pass_on_what_lies_between_them():
    with DraftBackend(SMALL) as backend:
        core = Core(backend)
        made = Encoder(8, 64, 2, 64, NM, 3).lower(core, 2, np.random.default_rng(0))
        peaks = [peak_bytes(core, made, count) for count in (1, 2, 3)]
        more = peaks[2] - peaks[1]
        assert more == peaks[1] - peaks[0]
        saved = {tensor.name for tensor, life in zip(made.temporaries.tensors,
                                                     made.temporaries.lives())
                 if life.holds_at(len(made.forward.steps))}
        assert {"qkv.out", "out.out", "up.out", "attention", "context"} <= saved
        assert not {"scores", "d_scores", "qkv.d_out", "qkv.dw"} & saved
        lasting = sum(tensor.rows * tensor.stride for tensor in core.tensors)
        x = made.given[0]
        assert more == pytest.approx(lasting - 2 * x.rows * x.stride
                                     + made.temporaries.held_at(len(made.forward.steps) - 1),
                                     rel=1e-2)
