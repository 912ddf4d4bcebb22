# SPDX-License-Identifier: Apache-2.0
"""PyTorch in, trained network out (docs/guide/torch.md).

errors       CompileError: what cannot be compiled, where, and what to do
sparsity     N:M of a layer's weights, and of dY in WU, by its module path
graph        the model as a graph of few operations; where values lie in memory
capture      a torch module -> graph, by torch.export
parameters   parameters of the model where the core keeps them, in torch's layout
operations   what the core computes: commands of an operation and of its gradients
host         what the host computes instead: torch functions and their gradients
backward     gradients of values, summed where a value is used more than once
lowering     graph -> forward, backward and update scripts
network      Network: steps, evaluation, checkpoints

Without the core, N:M training as torch modules (docs/guide/sparsify.md):

selection    N:M selection of torch tensors
methods      what the passes of a layer read: BDWP, and what it is compared with
sparse       the layers, and a copy of a model that consists of them
"""

import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ModuleNotFoundError("sat.torch: needs PyTorch (pip install 'sat-core[torch]')",
                              name="torch")

from .errors import CompileError  # noqa: E402
from .network import Network, compile  # noqa: E402
from .sparse import SparseLayer, sparsify  # noqa: E402

__all__ = ["CompileError", "Network", "SparseLayer", "compile", "sparsify"]
