# SPDX-License-Identifier: Apache-2.0
"""`sat.torch.compile`: models trained on the golden model as torch trains them, and on the RTL to
the bit.

Torch computes in float64 what the core computes from FP16 operands with FP32 sums, so that updates
agree to the errors of FP16. Models are dense where they are compared with torch. Without torch the
tests are skipped, with a warning.
"""

import copy
import importlib.util
import io
import warnings
from functools import partial

import numpy as np
import pytest

from sat import Core, GoldenBackend, SatConfig, SimBackend
from sat.nn import LossScale, Mlp, SparseWu, Temporaries, TrainingDiverged, mlp

if importlib.util.find_spec("torch") is None:
    warnings.warn("torch is not installed (pip install -c requirements.txt torch): the tests of "
                  "sat.torch are skipped")
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import sat.torch  # noqa: E402
from sat.torch.sampling import MODES  # noqa: E402

FP16_TOLERANCE = 0.01  # of an update's norm: errors of FP16 over a few layers
BATCH = 4


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


def images(channels: int = 1, side: int = 8) -> torch.Tensor:
    return torch.randn(BATCH, channels, side, side).half().float()


def labels(count: int = BATCH) -> torch.Tensor:
    return torch.randint(0, 10, (count,))


class Residual(nn.Module):
    """A block as torchvision has it, with ReLUs in place."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding="same", bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None if inputs == outputs else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def resnet() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8),
                         nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1), Residual(8, 8, 1),
                         Residual(8, 16, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(16, 10))


class Attention(nn.Module):
    """Pre-norm block: attention by hand, then torch's own."""

    def __init__(self, dim: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.attention = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        batch, tokens, dim = x.shape
        q, k, v = (part.view(batch, tokens, 2, dim // 2).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).chunk(3, dim=-1))
        scores = (q @ k.transpose(-2, -1) / (dim // 2) ** 0.5).softmax(dim=-1)
        x = x + self.out((scores @ v).transpose(1, 2).reshape(batch, tokens, dim))
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """A small vision transformer with a class token and positions."""

    def __init__(self, dim: int = 16):
        super().__init__()
        self.patches = nn.Conv2d(1, dim, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.position = nn.Parameter(0.1 * torch.randn(1, 5, dim))
        self.block, self.head = Attention(dim), nn.Linear(dim, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        return self.head(self.block(x)[:, 0])


class Odd(nn.Module):
    """Every way in which gradients of several uses are added."""

    def __init__(self):
        super().__init__()
        self.stem, self.a = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 8, 3, 1, 2, dilation=2)
        self.b = nn.Conv2d(8, 8, 5, padding=2)
        self.bn, self.bn1d = nn.BatchNorm2d(8), nn.BatchNorm1d(16)
        self.fc1, self.fc2 = nn.Linear(8 * 16, 16), nn.Linear(16, 10, bias=False)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x):
        x = functional.relu(self.stem(x))
        x = self.a(x) + self.b(x) + x + x  # commands of the array, and the gradient itself twice
        y = functional.relu(x)  # not fused: x is used again
        z = functional.max_pool2d(y, 2) + functional.avg_pool2d(y, 2)
        w = functional.max_pool2d(self.bn(functional.relu(x + y)), 2)
        u = functional.relu(z + z)  # the mask of a sum of itself
        u = u * self.scale + functional.silu(w) - torch.sigmoid(z)
        u = functional.relu(functional.relu(u).flatten(1))
        u = functional.relu(self.bn1d(self.fc1(u)))
        return self.fc2(u)


class ChannelsLast(nn.Module):
    """As in ConvNeXt: norm and linear layers of the channels, a constant, a map as the result."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 8, 2, 2), nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)
        self.out = nn.Conv2d(8, 10, 1)
        self.register_buffer("ramp", torch.linspace(0, 1, 8).view(8, 1, 1))

    def forward(self, x):
        x = functional.relu(self.stem(x)) + self.ramp * torch.ones(4).sum()
        y = self.down(functional.gelu(self.up(self.norm(x.permute(0, 2, 3, 1)))))
        x = functional.relu(functional.avg_pool2d(x + y.permute(0, 3, 1, 2), 3, 1, 1))
        return self.out(x).flatten(2).mean(-1)


class Averages(nn.Module):
    """Of windows that are no convolution of the core, and of uneven patches."""

    def __init__(self):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(1, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.fc = nn.Linear(16 * 6, 10)

    def forward(self, x):
        x = functional.avg_pool2d(self.stem(x), (1, 2), (1, 3), (0, 1), True, False)
        x = functional.relu(self.conv(functional.adaptive_avg_pool2d(functional.relu(x), (5, 3))))
        return self.fc(functional.adaptive_avg_pool2d(x, (3, 2)).flatten(1))


def padded() -> nn.Module:
    """Padding that a kernel does not reach over, also with a stride, and a kernel that reaches over
    16 pixels without padding."""
    return nn.Sequential(nn.Conv2d(1, 8, 1, padding=5), nn.ReLU(), nn.Conv2d(8, 8, 3, dilation=8),
                         nn.ReLU(), nn.Conv2d(8, 16, 1, 2, padding=3), nn.ReLU(),
                         nn.AvgPool2d(2, 1), nn.Flatten(), nn.Linear(16 * 9, 10))


def mlp_model() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(),
                         nn.Linear(24, 10))


MODELS = {"mlp": mlp_model, "resnet": resnet, "vit": Vit, "odd": Odd,
          "channels last": ChannelsLast, "averages": Averages, "padded": padded}


def sgd(model: nn.Module, lr: float = 0.05, nesterov: bool = False) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr, momentum=0.9, weight_decay=0.01,
                           nesterov=nesterov)


def torch_step(model, optimizer, x, target, loss=functional.cross_entropy):
    logits = model(x)
    value = loss(logits, target)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item(), logits.detach()


def check_moves(got: dict, model: nn.Module, before: dict) -> None:
    """Parameters moved as the model's did."""
    after = model.state_dict()
    assert set(got) == set(after) - {name for name in after
                                     if name.endswith(("num_batches_tracked", "ramp"))}
    for name, value in got.items():
        moved = (after[name] - before[name]).norm()
        assert (value - after[name]).norm() <= FP16_TOLERANCE * moved + 1e-6, name


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_steps_are_those_of_torch(name: str, nesterov: bool):
    """Loss, logits, parameters, running statistics and evaluation after a step; the losses of more.
    These drift apart, as a ReLU or a pooling here and there decides otherwise."""
    model, x, target = MODELS[name](), images(), labels()
    reference, before = copy.deepcopy(model).double().train(), copy.deepcopy(model.state_dict())
    network = sat.torch.compile(model, x, optimizer=sgd(model, nesterov=nesterov))
    optimizer = sgd(reference, nesterov=nesterov)

    def step(tolerance: float) -> None:
        loss, logits = network.step(x, target)
        wanted_loss, wanted = torch_step(reference, optimizer, x.double(), target)
        assert not network.last.skipped
        assert loss == pytest.approx(wanted_loss, rel=tolerance)
        assert (logits - wanted).abs().max() < tolerance * wanted.abs().max()

    step(0.005)
    check_moves(network.parameters(), reference, before)
    more = torch.cat([x, images()[:2]])
    got, wanted = network.evaluate(more), reference.eval()(more.double())
    assert got.shape == wanted.shape and (got - wanted).abs().max() < 0.005 * wanted.abs().max()
    reference.train()
    step(0.05)
    step(0.1)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("h, w", [(64, 64), (33, 47)])
def test_the_average_of_a_large_map_is_the_cores(h: int, w: int):
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                          nn.Flatten(), nn.Linear(8, 10))
    x, target = torch.randn(BATCH, 1, h, w).half().float(), labels()
    reference, before = copy.deepcopy(model).double(), copy.deepcopy(model.state_dict())
    network = sat.torch.compile(model, x, optimizer=sgd(model))
    assert not network.host_operations
    loss, _ = network.step(x, target)
    wanted, _ = torch_step(reference, sgd(reference), x.double(), target)
    assert loss == pytest.approx(wanted, rel=1e-2)
    check_moves(network.state_dict()["parameters"], reference, before)


@pytest.mark.parametrize("config, name, wu", [
    ("2x2", "mlp", None), ("4x8-512", "mlp", None), ("2x2", "odd", None), ("4x8-512", "odd", "2:8"),
    ("2x2", "averages", None), ("2x2", "padded", None)])
def test_rtl_and_golden_agree_to_the_bit(config: str, name: str, wu: str | None):
    """All of two sparse steps, on 4x8-512 with Nesterov's momentum: what a checkpoint holds, and
    the logits. With `wu` all passes are sparse."""
    model, x, target = MODELS[name](), images(), labels()
    nesterov = config == "4x8-512"
    states, results = [], []
    for backend in (GoldenBackend, SimBackend):
        with backend(SatConfig.from_name(config)) as board:
            network = sat.torch.compile(model, x, nm="2:8", backend=board, wu=wu,
                                        optimizer=sgd(model, nesterov=nesterov))
            results.append([network.step(x, target) for _ in range(2)])
            states.append(network.state_dict())
            cycles = network.last.cycles
    for (loss, logits), (other_loss, other_logits) in zip(*results):
        assert loss == other_loss and torch.equal(logits, other_logits)
    for part in ("parameters", "velocities", "statistics"):
        for key, value in states[0][part].items():
            assert torch.equal(value, states[1][part][key]), key
    estimate = network.cycles()
    assert network.cycles(exact=True)["step"] == pytest.approx(cycles, rel=0.01)
    assert estimate["step"] == sum(estimate[key] for key in ("FF", "BP", "WU+UPDATE"))
    assert name != "mlp" or 0.5 < estimate["step"] / cycles < 2
    larger = network.cycles(SatConfig.from_name("8x8"))
    assert config != "2x2" or larger["step"] < estimate["step"]


@pytest.mark.parametrize("wu", [None, SparseWu(2, 8), SparseWu(4, 8, largest=True)])
def test_sparse_steps_are_those_of_the_same_network_by_hand(rng, wu: SparseWu | None):
    """Logits to the bit: the same commands, and the same samples of two micro-batches. The loss is
    torch's here and numpy's there, so weights may differ by a rounding."""
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    x, target = torch.randn(32, 64).half(), labels(32)
    core = Core(GoldenBackend(memory_size=4 << 20))
    core.backend.sample_seed = 7
    by_hand = Mlp(core, mlp([64, 32, 10], (2, 8), wu=wu), 16, rng, names=["0", "2"])
    for layer, own in zip(by_hand.layers, (model[0], model[2])):
        layer.w.write(own.weight.detach().numpy().T.copy())
        layer.bias.write(own.bias.detach().numpy()[None, :])
    program = core.program()
    for layer in by_hand.layers:
        layer.prune(program)
    core.run(program)
    sparse = {"wu": {"0": f"{wu.n}:{wu.m}"}, "wu_mode": MODES[wu.largest]} if wu else {}
    network = sat.torch.compile(model, x[:16], nm={"0": "2:8"}, seed=7, **sparse)
    logits = by_hand.predict(x.numpy())
    by_hand.train_step(x.numpy(), target.numpy())
    assert np.array_equal(network.step(x, target)[1].numpy(), logits)
    got = network.parameters()
    assert np.allclose(got["0.weight"].numpy().T, by_hand.layers[0].w.read(), atol=1e-5)
    assert np.allclose(got["2.weight"].numpy().T, by_hand.layers[1].w.read(), atol=1e-5)


@pytest.mark.parametrize("name, wu", [
    ("mlp", None), ("resnet", None), ("odd", None), ("mlp", "2:8"), ("resnet", "4:8")])
def test_a_sparse_step_is_that_of_sparsify(name: str, wu: str | None):
    """With `wu` the largest: samples have other random numbers here and there."""
    torch.manual_seed(2)  # with 1 a ReLU of the residual network is on the edge in FP16
    model, x, target = MODELS[name](), images(), labels()
    reference = sat.torch.sparsify(copy.deepcopy(model).double(), "2:8", "bdwp", wu, "largest")
    before = copy.deepcopy(model.state_dict())
    network = sat.torch.compile(model, x, nm="2:8", optimizer=sgd(model), wu=wu, wu_mode="largest")
    pruned = network.parameters(pruned=True)
    for path, layer in reference.named_modules():
        if isinstance(layer, sat.torch.SparseLayer):
            assert torch.equal(layer.ff().float(), pruned[f"{path}.weight"])
    loss, _ = network.step(x, target)
    wanted, _ = torch_step(reference, sgd(reference), x.double(), target)
    assert loss == pytest.approx(wanted, rel=0.005)
    check_moves(network.parameters(), reference, before)


@pytest.mark.parametrize("name", ["resnet", "vit"])
def test_the_pruned_network_comes_back(name: str):
    """In torch it computes what the core evaluates, and has two of eight along the inputs."""
    model, x, target = MODELS[name](), images(), labels()
    network = sat.torch.compile(model, x, nm="2:8")
    network.step(x, target)
    pruned = network.parameters(pruned=True)
    model.load_state_dict(pruned, strict=False)
    got, wanted = network.evaluate(x), model.eval()(x).detach()
    assert (got - wanted).abs().max() < 0.01 * wanted.abs().max()
    head = pruned["8.weight" if name == "resnet" else "head.weight"]
    assert ((head.reshape(10, -1, 8) != 0).sum(-1) == 2).all()


def test_a_checkpoint_goes_on_to_the_bit():
    """With velocities, statistics, dropout, samples, loss scale and schedule, through a file."""
    model = nn.Sequential(resnet(), nn.Dropout(0.3), nn.ReLU(), nn.Linear(10, 10))

    def new(seed: int):
        optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        network = sat.torch.compile(model, x, nm="2:4", wu="2:8", optimizer=optimizer, seed=seed,
                                    scale=LossScale(patience=2))
        return network, torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.7)

    def steps(network, schedule):
        made = []
        for _ in range(3):
            made.append(network.step(x, target))
            schedule.step()
        return made

    x, target = images(), labels()
    network, schedule = new(1)
    steps(network, schedule)
    file = io.BytesIO()
    torch.save((network.state_dict(), schedule.state_dict()), file)
    wanted = steps(network, schedule)

    file.seek(0)
    state, schedule_state = torch.load(file)
    again, schedule = new(2)
    again.load_state_dict(state)
    schedule.load_state_dict(schedule_state)
    for (loss, logits), (wanted_loss, wanted_logits) in zip(steps(again, schedule), wanted):
        assert loss == wanted_loss and torch.equal(logits, wanted_logits)
    assert again.scale == network.scale and again.steps == network.steps == 6
    for key, value in network.parameters().items():
        assert torch.equal(value, again.parameters()[key]), key


def test_micro_batches_add_up():
    """Two of four rows make the step of eight."""
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.GELU(), nn.Conv2d(8, 8, 3, 2, 1),
                          nn.ReLU(), nn.Flatten(), nn.LayerNorm(128), nn.Linear(128, 10))
    x, target = torch.cat([images(), images()]), labels(2 * BATCH)
    reference, before = copy.deepcopy(model), copy.deepcopy(model.state_dict())
    network = sat.torch.compile(model, x[:BATCH], optimizer=sgd(model))
    loss, logits = network.step(x, target)
    wanted, _ = torch_step(reference, sgd(reference), x, target)
    assert loss == pytest.approx(wanted, rel=0.01) and logits.shape == (2 * BATCH, 10)
    check_moves(network.parameters(), reference, before)


def test_groups_of_the_optimizer_and_other_losses():
    """A rate for each group, none for what is frozen; mean squares, and a loss of one's own."""
    x, target = images(), torch.randn(BATCH, 10)
    for loss in ("mse", lambda logits, wanted: (logits - wanted).abs().mean()):
        model = mlp_model()
        model[1].weight.requires_grad_(False)
        reference, before = copy.deepcopy(model), copy.deepcopy(model.state_dict())

        def groups(own):
            return torch.optim.SGD([{"params": own[3].parameters(), "lr": 0.2},
                                    {"params": [own[1].weight, own[1].bias]}], 0.05)

        network = sat.torch.compile(model, x, optimizer=groups(model), loss=loss)
        got, _ = network.step(x, target)
        wanted, _ = torch_step(reference, groups(reference), x, target,
                               functional.mse_loss if loss == "mse" else loss)
        assert got == pytest.approx(wanted, rel=0.01)
        check_moves(network.parameters(), reference, before)


def test_an_overflow_skips_the_step():
    model, x, target = mlp_model(), images(), labels()
    network = sat.torch.compile(model, x, scale=LossScale(65536.0))
    before = network.parameters()
    network.step(60000 * torch.ones_like(x), target)
    assert network.last.skipped and network.scale.value == 32768
    assert all(torch.equal(value, before[key]) for key, value in network.parameters().items())
    network.step(x, target)
    assert network.last.skipped is False
    network.scale.value = 1.0
    with pytest.raises(TrainingDiverged, match="overflowed at a loss scale of 1"):
        network.step(60000 * torch.ones_like(x), target)


def test_an_overflow_of_a_sample_skips_the_step():
    """Each gradient of the logits is finite, the sum of four is not."""
    model, x, target = mlp_model(), images(), torch.full((BATCH,), 3)
    for wu, skipped in ((None, False), ({"5": "1:16"}, True)):
        network = sat.torch.compile(model, x, scale=LossScale(131072.0, largest=131072.0), wu=wu)
        before = network.parameters()
        network.step(x, target)
        assert network.last.skipped is skipped
        assert all(torch.equal(value, before[key]) is skipped
                   for key, value in network.parameters().items())


def test_long_programs_are_cut(monkeypatch):
    """The bits are the same."""
    x, target, results = images(), labels(), []
    model = resnet()
    for limit in (1024, 8):
        monkeypatch.setattr(sat.nn.script, "MAX_COMMANDS", limit)
        network = sat.torch.compile(model, x, nm="2:8")
        loss, _ = network.step(x, target)
        results.append((loss, network.parameters(), len(network.last.programs)))
    (loss, whole, few), (cut_loss, cut, many) = results
    assert loss == cut_loss and many > few
    assert all(torch.equal(value, cut[name]) for name, value in whole.items())


class Function(nn.Linear):
    """A linear layer, and a function of its result."""

    def __init__(self, function):
        super().__init__(8, 8)
        self.function = function

    def forward(self, x):
        return self.function(super().forward(x))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return self.layer(functional.relu(self.layer(x)))


class Branch(nn.Linear):
    def forward(self, x):
        return super().forward(x if x.sum() > 0 else -x)


ROW, MAP = torch.zeros(BATCH, 8), torch.zeros(BATCH, 8, 6, 6)
UNSUPPORTED = [  # model, example, message
    (nn.Conv2d(8, 8, 3, groups=2), MAP, "0: groups=2 is unsupported; use groups=1"),
    (nn.Conv2d(8, 8, (3, 1)), MAP, r"0: kernel_size=\(3, 1\) is unsupported"),
    (nn.Conv2d(8, 8, 3, stride=3), MAP, "0: stride: 3 is not 1, 2, 4 or 8; change the layer"),
    (nn.Conv2d(8, 8, 2, padding="same"), MAP, "0: padding='same' of an even kernel"),
    (nn.Conv2d(8, 8, 3, padding=128), MAP, r"0: pad: 128 is not in 0\.\.127"),
    (nn.InstanceNorm2d(8, affine=True), MAP, "0: instance_norm is unsupported; use BatchNorm2d"),
    (nn.Conv2d(8, 8, 3), torch.zeros(8, 6, 6), "0: a convolution of values"),
    (nn.Sequential(nn.Conv1d(8, 8, 3)), torch.zeros(BATCH, 8, 6), r"0\.0: conv1d is unsupported"),
    (nn.BatchNorm1d(8), torch.zeros(BATCH, 8, 6), "0: a batch normalisation of values"),
    (nn.BatchNorm2d(8, track_running_stats=False), MAP, "0: a batch normalisation without"),
    (nn.MultiheadAttention(8, 2), ROW, "model: torch.export cannot trace it"),
    (Function(lambda y: functional.scaled_dot_product_attention(y, y, y, dropout_p=0.5)), ROW,
     "0: dropout of 0.5 within attention is unsupported; set it to 0"),
    (Function(lambda y: y[:, :4].relu_() + y[:, :4]), ROW,
     "0: an operation in place on a view is unsupported"),
    (Function(lambda y: (y, y)), ROW, "model: has 1 inputs and 2 outputs; its forward takes one"),
    (Function(lambda y: y.sort().values), ROW, "0: sort is unsupported; see the list"),
    (Twice(), ROW, r"0\.layer: 0\.layer\.weight is used a second time"),
    (Branch(8, 8), ROW, "model: torch.export cannot trace it"),
    (nn.LSTM(8, 8), ROW, "0: lstm is unsupported; see the list"),
    (nn.Tanh(), ROW, "model: has no parameters to train; "),
]


@pytest.mark.parametrize("model, example, message", UNSUPPORTED)
def test_unsupported_models_are_one_error(model, example, message):
    with pytest.raises(sat.torch.CompileError, match=message) as caught:
        sat.torch.compile(nn.Sequential(model), example)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments, message", [
    ({"nm": "2:x"}, 'nm: \'2:x\' is not "N:M"'),
    ({"nm": "9:8"}, "9"),
    ({"nm": {"7": "2:8"}}, "nm: '7' is not the path of a layer"),
    ({"wu": {"7": "2:8"}}, "wu: '7' is not the path of a layer"),
    ({"wu_mode": "all"}, "wu_mode: 'all' is none of sample, largest"),
    ({"loss": "hinge"}, "loss: 'hinge' is none of"),
])
def test_mistakes_of_the_call(arguments, message):
    with pytest.raises(ValueError, match=message):
        sat.torch.compile(mlp_model(), images(), **arguments)


def test_without_torch_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"^sat.torch: needs PyTorch \(pip install"):
        importlib.reload(sat.torch)


def test_a_memory_that_is_too_small():
    with pytest.raises(MemoryError, match="backend: .* give it a larger memory_size"):
        sat.torch.compile(mlp_model(), images(), backend=GoldenBackend(memory_size=1 << 17))


def test_mistakes_of_the_optimizer_and_of_a_step():
    model, x = mlp_model(), images()
    for optimizer, message in ((torch.optim.Adam(model.parameters()), "Adam is unsupported"),
                               (torch.optim.SGD(model.parameters(), 0.1, 0.9, 0.1),
                                "dampening=0.1 is unsupported"),
                               (torch.optim.SGD(mlp_model().parameters(), 0.1),
                                "holds no parameter of the model")):
        with pytest.raises(ValueError, match=message):
            sat.torch.compile(model, x, optimizer=optimizer)
    network = sat.torch.compile(model, x)
    with pytest.raises(ValueError, match="x: 3 rows are not a multiple"):
        network.step(x[:3], labels(3))
    with pytest.raises(ValueError, match="x: shape .* but must be"):
        network.evaluate(x[:, :, 1:])
    with pytest.raises(ValueError, match="target: shape"):
        network.step(x, labels(5))
    other = sat.torch.compile(nn.Sequential(nn.Linear(8, 10)), ROW)
    with pytest.raises(ValueError, match="state: parameters are not those of this model"):
        network.load_state_dict(other.state_dict())
    other = sat.torch.compile(model, x, optimizer=sgd(model, nesterov=True))
    with pytest.raises(ValueError, match="state: has nesterov=True, but the optimizer nesterov=F"):
        network.load_state_dict(other.state_dict())


def test_longest_path_says_the_sparsity():
    sparsity = sat.torch.sparsity.Sparsity({"": "4:8", "a": "2:8", "a.b": "2:2"})
    assert [sparsity.of(path) for path in ("c", "ab", "a", "a.c", "a.b", "a.b.c")] == [
        (4, 8), (4, 8), (2, 8), (2, 8), (2, 2), (2, 2)]


@pytest.mark.parametrize("make", [resnet, Vit])
def test_results_are_those_of_tensors_that_lie_apart(make, monkeypatch):
    """Over steps of several kinds and an evaluation; commands share no memory by accident."""
    model, x, target = make(), images(), labels()
    found = []
    for keep in (False, True):
        monkeypatch.setattr("sat.torch.operations.Temporaries", partial(Temporaries, keep=keep))
        net = sat.torch.compile(copy.deepcopy(model), x, "2:4",
                                backend=GoldenBackend(memory_size=16 << 20, hazards="error"))
        made = [net.step(x, target)[1], net.step(x, target)[1]]
        made += [net.step(torch.cat([x] * count), torch.cat([target] * count))[1]
                 for count in (2, 3)]
        made += [net.evaluate(x), net.step(x, target)[1], *net.parameters().values()]
        found.append((made, net.peak_bytes))
    (shared, few), (apart, many) = found
    assert all(torch.equal(one, other) for one, other in zip(shared, apart, strict=True))
    assert few < many
