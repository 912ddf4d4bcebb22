# SPDX-License-Identifier: Apache-2.0
"""What a method makes of a model, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from sat.torch import sparsify
from sat.torch.methods import METHODS as SPARSE_METHODS

from .clos import cascades
from .experiment import DECAYED, DENSE_METHOD, SPARSE_WU

# Of the model, its N:M, and for those of SPARSE_WU that of dY in WU.
METHODS: dict[str, Callable[..., nn.Module]] = {
    DENSE_METHOD: lambda model, nm: model,
    **{name: partial(sparsify, method=name) for name in SPARSE_METHODS},
    "clos": cascades,
    **{name: partial(sparsify, method="bdwp-decay" if name in DECAYED else "bdwp",
                     wu_mode=name.split("-")[1])
       for name in SPARSE_WU},
}
