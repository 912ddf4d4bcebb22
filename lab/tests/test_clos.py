# SPDX-License-Identifier: Apache-2.0
"""Cascades: what they connect, with how many weights. Without torch the tests are skipped."""

import importlib.util

import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from torch import nn  # noqa: E402

from sat.torch import CompileError  # noqa: E402
from sat_lab.clos import Clos, cascades  # noqa: E402

LAYERS = {
    "linear": (lambda: nn.Linear(48, 32), (5, 48)),
    "tokens, no bias": (lambda: nn.Linear(64, 64, bias=False), (2, 3, 64)),
    "conv": (lambda: nn.Conv2d(16, 32, 3, 2, 1, bias=False), (2, 16, 9, 7)),
    "circular": (lambda: nn.Conv2d(32, 16, (3, 1), padding=(1, 0), dilation=(2, 1),
                                   padding_mode="circular"), (2, 32, 8, 8)),
}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(1)


def weights(model: nn.Module) -> int:
    return sum(value.numel() for name, value in model.named_parameters() if "bias" not in name)


def paths_of(layer: nn.Module) -> int:
    return layer.stages[2].groups


@torch.no_grad()
def check_connected(dense: nn.Module, made: nn.Module, x: torch.Tensor) -> None:
    """With all weights one, every input counts `paths` times in every output, each time by another
    block in the middle."""
    for model in (dense, made):
        for name, value in model.named_parameters():
            nn.init.constant_(value, 0.0 if "bias" in name else 1.0)
    torch.testing.assert_close(made(x), paths_of(made) * dense(x))
    middle = made.stages[2]
    nn.init.zeros_(middle.weight[: middle.out_channels // paths_of(made)])
    torch.testing.assert_close(made(x), (paths_of(made) - 1) * dense(x))


@pytest.mark.parametrize("nm, share", [("2:8", 0.25), ("4:8", 0.5), ("8:16", 0.5)])
@pytest.mark.parametrize("name", LAYERS)
def test_every_input_reaches_every_output(name: str, nm: str, share: float):
    make, shape = LAYERS[name]
    dense, x = make(), torch.randn(shape)
    made = cascades(nn.Sequential(dense), nm)[0]
    assert isinstance(made, Clos) and paths_of(made) >= 2
    assert 0.75 * share * weights(dense) < weights(made) <= share * weights(dense)
    check_connected(dense, made, x)


def test_a_wrong_shuffle_is_seen():
    dense = nn.Linear(48, 32)
    made = cascades(nn.Sequential(dense), "2:8")[0]
    made.stages[1] = nn.Identity()
    with pytest.raises(AssertionError):
        check_connected(dense, made, torch.randn(5, 48))


def test_the_scale_is_the_layers():
    dense, x = nn.Linear(512, 512, bias=False), torch.randn(64, 512)
    ratio = cascades(nn.Sequential(dense), "2:8")(x).std() / dense(x).std()
    assert 0.9 < ratio < 1.1


def test_dense_layers_and_the_model_stay():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    made = cascades(model, {"": "2:8", "2": "8:8"})
    assert [type(layer) for layer in made] == [Clos, nn.ReLU, nn.Linear]
    assert isinstance(model[0], nn.Linear) and made[2].weight is not model[2].weight


@pytest.mark.parametrize("layer, nm, message", [
    (nn.Conv2d(8, 8, 3, groups=2), "2:8", "^0: has groups already"),
    (nn.Linear(8, 8), "1:16", "^0: no cascade has 1/16 of its 64 weights"),
])
def test_errors_name_the_layer(layer, nm: str, message: str):
    with pytest.raises(CompileError, match=message):
        cascades(nn.Sequential(layer), nm)
    with pytest.raises(ValueError, match="'1' is not the path of a layer"):
        cascades(nn.Sequential(nn.ReLU()), {"1": "2:8"})
