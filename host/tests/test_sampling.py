# SPDX-License-Identifier: Apache-2.0
"""dY as sparse WU reads it: samples have dY as mean and the least variance, and WU alone reads
them."""

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from torch import nn  # noqa: E402

from sat.torch import SparseLayer, sparsify  # noqa: E402
from sat.torch.sampling import GradientSelection, sample  # noqa: E402
from sat.torch.selection import select  # noqa: E402

DEVICES = ["cpu", *["cuda"] * torch.cuda.is_available()]
NM = [(1, 4), (2, 4), (1, 8), (2, 8), (3, 8), (4, 8), (5, 16), (2, 16), (8, 16)]
GRID = 4096  # values of u


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


def hard_groups(count: int, m: int, device: str = "cpu") -> torch.Tensor:
    """[m][count][5]: normal, one large, few that are not zero, equal, and none."""
    groups = torch.randn(m, count, 5, device=device)
    groups[1, :, 1] *= 50
    groups[:, :, 2] *= torch.rand(m, count, device=device) < 0.3
    groups[:, :, 3] = 0.5
    groups[:, :, 4] = 0
    return groups


def over_u(rule, groups: torch.Tensor, n: int) -> torch.Tensor:
    """Samples of the same groups at GRID values of u, spread evenly: [M][GRID][G][C]."""
    m, count, columns = groups.shape
    u = (torch.arange(GRID, device=groups.device) + 0.5) / GRID
    many = groups[:, None].expand(m, GRID, count, columns).reshape(m, -1, columns)
    made = rule(many, n, u.repeat_interleave(count)[:, None])
    return made.view(m, GRID, count, columns)


def check_mean(rule, groups: torch.Tensor, n: int) -> None:
    """The integral over u by so many points is exact but for one step at each threshold."""
    bias = (over_u(rule, groups, n).mean(1) - groups).abs()
    assert (bias <= 3 * groups.abs().sum(0) / GRID + 1e-6).all()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("n, m", NM)
def test_a_sample_has_the_mean(n: int, m: int, device: str):
    groups = hard_groups(3, m, device)
    check_mean(sample, groups, n)
    made = sample(groups, n, torch.rand(3, 1, device=device))
    assert ((made != 0).sum(0) <= n).all() and ((made * groups) >= 0).all()


def test_a_bias_is_seen():
    with pytest.raises(AssertionError):
        check_mean(lambda groups, n, u: select(groups, n, 8, 0), hard_groups(3, 8), 2)


@pytest.mark.parametrize("n, m", [(1, 4), (1, 16), (2, 4), (2, 8), (2, 16)])
def test_few_are_exact(n: int, m: int):
    """At most N that are not zero come out as they are, to the bit."""
    groups = torch.zeros(m, 200, 7)
    groups.scatter_(0, torch.rand_like(groups).argsort(0)[:n], torch.randn(n, 200, 7))
    groups[:, ::3, 2] *= 1e-30
    assert torch.equal(sample(groups, n, torch.rand(200, 1)), groups)


@pytest.mark.parametrize("n", [1, 2])
def test_the_variance_is_the_least(n: int):
    """Mean square of all that is kept: of one S^2; of two max^2 + (S-max)^2, or S^2/2 where no one
    is half of the sum."""
    groups = hard_groups(20, 8)
    sums, largest = groups.abs().sum(0), groups.abs().amax(0)
    least = sums**2 if n == 1 else torch.where(
        2 * largest >= sums, largest**2 + (sums - largest)**2, sums**2 / 2)
    got = over_u(sample, groups, n).square().sum(0).mean(0)
    torch.testing.assert_close(got, least, rtol=1e-4, atol=1e-4)


def test_parts_of_a_group():
    """4:8 keeps two of each half; 3:8 one of the second half."""
    groups = torch.ones(8, 1, 1)
    for n, second in ((4, 2), (3, 1)):
        kept = (sample(groups, n, torch.rand(1, 1)) != 0).view(2, 4).sum(1)
        assert kept.tolist() == [2, second]


def test_columns_share_u():
    made = GradientSelection(1, 8)(torch.ones(64, 5)).view(8, 8, 5)
    assert torch.equal(made, made[:, :, :1].expand_as(made))
    assert len({column.argmax().item() for column in made[:, :, 0]}) > 1


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("mode", ["sample", "largest"])
@pytest.mark.parametrize("make, shape", [
    (lambda: nn.Linear(16, 12), (2, 5, 16)), (lambda: nn.Conv2d(8, 12, 3, 2, 1), (3, 8, 7, 5)),
])
def test_wu_alone_reads_them(make, shape, mode: str, device: str):
    """Rows are images, then pixels (or tokens), the last group not whole; dX, bias and FF are as
    without."""
    model = make().to(device)
    x, grads, outputs = torch.randn(shape, device=device), [], []
    for wu in (None, "2:8"):
        layer = sparsify(model, "4:8", wu=wu, wu_mode=mode)
        source = x.clone().requires_grad_()
        y = layer(source)
        torch.manual_seed(5)
        dy = torch.randn_like(y)
        torch.manual_seed(6)
        outputs.append(y)
        grads.append(torch.autograd.grad(y, (source, model.weight, model.bias), dy))
    (dx, dense, db), (other_dx, dw, other_db) = grads
    assert torch.equal(*outputs) and torch.equal(dx, other_dx) and torch.equal(db, other_db)
    torch.manual_seed(6)
    rows = dy.movedim(layer.channels, -1).flatten(0, -2)
    assert len(rows) % 8
    kept = GradientSelection(2, 8, mode)(rows)
    if mode == "largest":
        assert torch.equal(kept, select(rows, 2, 8, 0))
    kept = kept.view(dy.movedim(layer.channels, -1).shape).movedim(-1, layer.channels)
    torch.testing.assert_close(dw, layer.pass_wu(kept, x))
    assert not torch.allclose(dw, dense, rtol=0.1)


def test_dense_weights_may_have_sparse_gradients():
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 10))
    made = sparsify(model, {"1": "2:8"}, wu={"0": "2:8", "1": "4:8"})
    assert [isinstance(layer, SparseLayer) for layer in made] == [True, True, False]
    assert "WU sample 2:8" in repr(made[0])
    assert torch.equal(made[0].ff(), model[0].weight) and "Bdwp 2:8, WU sample 4:8" in repr(made)


@pytest.mark.parametrize("arguments, message", [
    ({"wu": "2:x"}, 'wu: \'2:x\' is not "N:M"'),
    ({"wu": {"fc": "2:8"}}, "wu: 'fc' is not the path of a layer with weights"),
    ({"wu_mode": "best"}, "wu_mode: 'best' is none of sample, largest"),
])
def test_mistakes_are_named(arguments, message: str):
    with pytest.raises(ValueError, match=message):
        sparsify(nn.Sequential(nn.Linear(8, 8)), "2:8", **arguments)
