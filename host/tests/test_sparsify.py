# SPDX-License-Identifier: Apache-2.0
"""`sat.torch.sparsify`: copies are golden's to the bit, the passes read what their method says,
parameters stay the model's. Whole steps are compared with the core's in
test_torch_compile.py."""

import copy
import importlib.util
import pickle

import numpy as np
import pytest

from sat_golden import compress
from sat_golden.compress import LEGAL_M
from sat_golden.vector import fp32_to_fp16

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from sat.torch import CompileError, SparseLayer, sparsify  # noqa: E402
from sat.torch.methods import METHODS, BdwpDecay, SrSte  # noqa: E402
from sat.torch.selection import prune, select  # noqa: E402

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
NM = [(n, m) for m in LEGAL_M for n in range(1, m + 1)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


def golden(weight: np.ndarray, n: int, m: int) -> np.ndarray:
    """FP32 [K][J] pruned along its rows, FP16 patterns."""
    planes = compress.compress_ff(fp32_to_fp16(weight.view(np.uint32)), n, m)
    return compress.decompress(planes, len(weight), n, m)


def hard_weights(rows: int, cols: int) -> torch.Tensor:
    """FP32 with many ties after rounding, both zeros, subnormals of FP16, infinities, what becomes
    one, and halves between two FP16 numbers."""
    weight = torch.randn(rows, cols)
    weight[torch.rand_like(weight) < 0.5] = 0.375
    special = torch.tensor([0.0, -0.0, 2.0**-24, -(2.0**-25), 6e-8, 65519.0, 65520.0, -7e4,
                            float("inf"), -0.375, 1 + 2.0**-11, -1 - 3 * 2.0**-11])
    chosen = torch.rand_like(weight) < 0.4
    weight[chosen] = special[torch.randint(len(special), (int(chosen.sum()),))]
    return weight


def check_copies(rule, n: int, m: int, device: str = "cpu") -> None:
    weight = hard_weights(19, 21)  # whole groups on no side
    for dim in (0, 1):
        got = rule(weight.to(device), n, m, dim).cpu().movedim(dim, 0).numpy()
        wanted = golden(np.ascontiguousarray(weight.movedim(dim, 0).numpy()), n, m)
        assert np.array_equal(got.astype(np.float16).view(np.uint16), wanted)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("n, m", NM)
def test_copies_are_goldens(n: int, m: int, device: str):
    check_copies(prune, n, m, device)


def test_a_wrong_tie_is_seen():
    def higher_index_wins(weight, n, m, dim):
        pad = -weight.shape[dim] % m
        flipped = functional.pad(weight.movedim(dim, -1), (0, pad)).flip(-1)
        return prune(flipped, n, m, -1).flip(-1)[..., : weight.shape[dim]].movedim(-1, dim)

    with pytest.raises(AssertionError):
        check_copies(higher_index_wins, 2, 8)


def test_nan_is_kept():
    weight = torch.tensor([[1.0, float("inf"), float("nan"), 2.0]])
    assert torch.isnan(prune(weight, 1, 4, 1)).tolist() == [[False, False, True, False]]


def test_kernel_positions_are_pruned_by_themselves():
    layer = sparsify(nn.Conv2d(20, 12, 3), "2:8")
    for y in range(3):
        for x in range(3):
            weight = np.ascontiguousarray(layer.weight.detach()[:, :, y, x].numpy())
            for got, wanted in ((layer.ff(), golden(weight.T.copy(), 2, 8).T),
                                (layer.bp(), golden(weight, 2, 8))):
                bits = got[:, :, y, x].numpy().astype(np.float16).view(np.uint16)
                assert np.array_equal(bits, wanted)


LAYERS = {
    "linear": (lambda: nn.Linear(20, 12), (5, 20)),
    "tokens, no bias": (lambda: nn.Linear(20, 12, bias=False), (2, 3, 20)),
    "one row": (lambda: nn.Linear(20, 12), (20,)),
    "conv": (lambda: nn.Conv2d(10, 12, 3, 2, 1), (2, 10, 7, 9)),
    "one image": (lambda: nn.Conv2d(10, 12, 3, dilation=2, bias=False), (10, 7, 9)),
    "same": (lambda: nn.Conv2d(10, 12, (2, 3), padding="same"), (2, 10, 7, 9)),
    "circular": (lambda: nn.Conv2d(10, 12, 3, padding=1, padding_mode="circular"), (2, 10, 7, 9)),
}


def passes(layer: nn.Module, x: torch.Tensor, weight: torch.Tensor, dy: torch.Tensor | None = None):
    """Y, and the gradients of x and weight, of a torch layer with another weight."""
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    y = torch.func.functional_call(layer, {"weight": weight}, x)
    return y, *torch.autograd.grad(y, (x, weight), torch.ones_like(y) if dy is None else dy)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", LAYERS)
def test_passes_of_bdwp(name: str, device: str):
    """FF by one copy, BP by the other, WU by neither; the bias as ever."""
    make, shape = LAYERS[name]
    dense, x = make().to(device), torch.randn(shape, device=device)
    sparse = sparsify(dense, "2:8")
    source = x.clone().requires_grad_()
    y = sparse(source)
    dy = torch.randn_like(y)
    y.backward(dy)
    wanted_y, _, dw = passes(dense, x, sparse.ff(), dy)
    _, dx, _ = passes(dense, x, sparse.bp(), dy)
    torch.testing.assert_close(y, wanted_y)
    torch.testing.assert_close(source.grad, dx)
    torch.testing.assert_close(dense.weight.grad, dw)
    if dense.bias is not None:
        axis = -1 if isinstance(dense, nn.Linear) else -3
        torch.testing.assert_close(dense.bias.grad, dy.movedim(axis, -1).reshape(-1, 12).sum(0))


@pytest.mark.parametrize("name", ["linear", "conv"])
@pytest.mark.parametrize("method", METHODS)
def test_passes_of_methods(method: str, name: str):
    make, shape = LAYERS[name]
    dense, x = make(), torch.randn(shape)
    sparse = sparsify(dense, "2:8", method)
    source = x.clone().requires_grad_()
    y = sparse(source)
    dy = torch.randn_like(y)
    y.backward(dy)
    weight = dense.weight.detach()
    inputs, outputs = prune(weight, 2, 8, 1), prune(weight, 2, 8, 0)
    ff = {"sdwp-bp": weight, "sdgp": weight, "static": sparse.ff()}.get(method, inputs)
    bp = {"bdwp": outputs, "bdwp-decay": outputs, "sdwp-bp": outputs, "sr-ste": inputs,
          "static": ff}.get(method, weight)
    axis = 1 if name == "conv" else -1
    wanted_y, _, dw = passes(dense, x, ff, dy)
    _, dx, _ = passes(dense, x, bp, select(dy, 2, 8, axis) if method == "sdgp" else dy)
    torch.testing.assert_close(y, wanted_y)
    torch.testing.assert_close(source.grad, dx)
    if decay := {"sr-ste": SrSte.DECAY, "bdwp-decay": BdwpDecay.DECAY}.get(method):
        dw = dw + decay * weight * (inputs == 0)
    if method == "static":
        dw = dw * (ff != 0)
    torch.testing.assert_close(dense.weight.grad, dw)


def test_a_static_topology_stays():
    """Two inputs of each group of eight, spread evenly; a step does not move them."""
    layer = sparsify(nn.Conv2d(16, 24, 3), "2:8", "static")
    before = layer.ff()
    kept = (before != 0).view(24, 2, 8, 3, 3).sum(2)
    assert (kept == 2).all() and ((before != 0).sum(0) == 6).all()
    layer(torch.randn(2, 16, 5, 5)).square().mean().backward()
    torch.optim.SGD(layer.parameters(), 0.5).step()
    assert torch.equal(layer.ff() != 0, before != 0) and not torch.equal(layer.ff(), before)


class Shared(nn.Module):
    """A layer that is used twice, under two names, and a norm with buffers."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(16, 16)
        self.b, self.norm, self.head = self.a, nn.BatchNorm1d(16), nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.norm(functional.relu(self.b(functional.relu(self.a(x))))))


def test_parameters_are_the_models():
    model = Shared()
    plain = copy.deepcopy(model)
    sparse = sparsify(model, {"": "2:8", "head": "2:2"})
    assert sparse.a is sparse.b and type(model.a) is nn.Linear and type(sparse.head) is nn.Linear
    assert isinstance(sparse.a, SparseLayer) and "Bdwp 2:8" in repr(sparse)
    own, other = model.state_dict(keep_vars=True), sparse.state_dict(keep_vars=True)
    assert own.keys() == other.keys() and all(own[key] is other[key] for key in own)
    sparse(torch.randn(4, 16)).sum().backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert not torch.equal(sparse.a.weight, plain.a.weight)
    plain.load_state_dict(sparse.state_dict())
    x = torch.randn(4, 16)
    again = pickle.loads(pickle.dumps(sparse)).eval()
    assert torch.equal(again(x), sparse.eval()(x))
    assert torch.equal(sparsify(plain, {"a": "2:8"}).eval()(x), sparse(x))
    assert not torch.equal(plain.eval()(x), sparse(x))


def test_autocast():
    model = sparsify(nn.Sequential(nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(72, 10)), "2:4")
    x = torch.randn(4, 8, 5, 5, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = model(x)
    assert y.dtype == torch.bfloat16
    y.float().square().mean().backward()
    for tensor in (x, *model.parameters()):
        assert tensor.grad is not None and tensor.grad.dtype == tensor.dtype == torch.float32


@pytest.mark.parametrize("model, nm, message", [
    (nn.Conv2d(8, 8, 3, groups=2), "2:8", "model: groups=2 is unsupported; use groups=1"),
    (nn.Sequential(nn.Conv1d(8, 8, 3)), "2:8", "0: weights of a Conv1d are not pruned"),
    (nn.TransformerEncoderLayer(8, 2), {"self_attn": "2:8"},
     "self_attn: weights of a MultiheadAttention are not pruned"),
    (nn.Linear(8, 8), {"fc": "2:8"}, "nm: 'fc' is not the path of a layer with weights"),
    (nn.Linear(8, 8), "8:2", "n: "),
])
def test_what_cannot_be_is_named(model: nn.Module, nm, message: str):
    with pytest.raises(ValueError) as caught:
        sparsify(model, nm)
    assert str(caught.value).startswith(message)
    assert isinstance(caught.value, CompileError) == ("nm: " not in message and "n: " != message)


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match="method: 'ste' is none of bdwp, bdwp-decay, sr"):
        sparsify(nn.Linear(8, 8), "2:8", "ste")


def test_dense_attention_stays():
    layer = nn.MultiheadAttention(8, 2)
    assert type(sparsify(layer, {"": "2:2"})) is nn.MultiheadAttention
