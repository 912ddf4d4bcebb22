# SPDX-License-Identifier: Apache-2.0
"""What a method makes of a model, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from sat.torch import sparsify
from sat.torch.methods import METHODS as SPARSE_METHODS
from sat.torch.sampling import MODES

from .clos import cascades
from .experiment import DENSE_METHOD

# Of the model, its N:M, and for those of ALL_PASSES that of dY in WU.
METHODS: dict[str, Callable[..., nn.Module]] = {
    DENSE_METHOD: lambda model, nm: model,
    **{name: partial(sparsify, method=name) for name in SPARSE_METHODS},
    "clos": cascades,
    **{f"all-{mode}{end}": partial(sparsify, wu_mode=mode)
       for mode in MODES for end in ("", "-end")},
}
