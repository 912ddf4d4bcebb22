# SPDX-License-Identifier: Apache-2.0
"""A torch model that a core trains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..backend import Backend
from ..backends import GoldenBackend
from ..config import SatConfig
from ..core import Core
from ..nn import LossScale, Script, Sgd, StepResult, TrainingDiverged
from ..nn.optim import LOST_WEIGHTS
from ..nn.transformer import Overflow
from ..plan import model as cycle_model
from .capture import capture
from .errors import CompileError
from .lowering import Lowered
from .operations import Context
from .placement import place
from .sparsity import LayerSparsity, NmSpec

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
SAMPLE_KEYS = 1 << 32  # seeds, and steps, of samples
LOSSES: dict[str, Loss] = {"cross_entropy": functional.cross_entropy, "mse": functional.mse_loss}


def compile(model: torch.nn.Module, example_input: torch.Tensor, nm: NmSpec = None,
            optimizer: torch.optim.Optimizer | None = None, loss: str | Loss = "cross_entropy",
            backend: Backend | None = None, scale: LossScale | None = None,
            seed: int = 0, wu: NmSpec = None, wu_mode: str = "sample") -> Network:
    """The model, compiled to train on a core from its present parameters.

    example_input  fixes shapes, also the batch (or micro-batch)
    nm             "N:M" for all layers with weights, or by module path (sparsity.Sparsity)
    optimizer      a torch.optim.SGD of the model's parameters: its groups say how each is trained,
                   and learning-rate schedules of torch work on it; by default lr 0.1, momentum 0.9.
                   Parameters in no group stay as they are
    loss           "cross_entropy", "mse", or a function of logits and target that gives a mean
    backend        where it runs; the golden model by default
    scale          the loss scale, and how it moves
    seed           of dropout, and of samples
    wu             of dY in the gradients of the weights, as nm; by default they are dense. Those of
                   biases and norms always are
    wu_mode        "sample": N of M at random, with dY as mean; "largest" (sat.nn.SparseWu)

    The torch model itself does not change. CompileError for what the core does not train.
    """
    return Network(model, example_input, nm, optimizer, loss, backend, scale, seed, wu, wu_mode)


class Network:
    """What `compile` makes.

    last             how the last step went: skipped or not, cycles of its programs
    scale            the loss scale
    host_operations  "module path: operation" of what runs on the host in a step
    """

    def __init__(self, model: torch.nn.Module, example_input: torch.Tensor, nm: NmSpec,
                 optimizer: torch.optim.Optimizer | None, loss: str | Loss,
                 backend: Backend | None, scale: LossScale | None, seed: int, wu: NmSpec,
                 wu_mode: str):
        if isinstance(loss, str) and loss not in LOSSES:
            raise ValueError(f"loss: {loss!r} is none of {', '.join(LOSSES)}, and no function")
        if not any(True for _ in model.parameters()):
            raise CompileError("", "has no parameters to train", "give it layers with weights")
        self.loss = LOSSES[loss] if isinstance(loss, str) else loss
        self.optimizer = optimizer or torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        self.scale = scale or LossScale()
        self.steps, self.last = 0, StepResult(float("nan"), 0, False)
        self._rng = np.random.default_rng(seed)
        self._sample_seed, self._samples = seed % SAMPLE_KEYS, 0
        self._shape = tuple(example_input.shape)
        sparsity = LayerSparsity(nm, wu, wu_mode)
        graph = capture(model, example_input)
        place(graph)
        self._graph, self._sparsity = graph, sparsity
        self._weights = dict(model.named_parameters())
        self._groups = _groups(model, self.optimizer)
        self.core = Core(backend or GoldenBackend())
        self._lowered = self._lower(self.core)
        self._context = self._lowered.context
        sparsity.check_used()
        self.host_operations = [f"{node.path or 'model'}: {_name(node.function)}"
                                for node in graph if node.op in ("host", "dropout")]
        self._lowered.prune()

    def _lower(self, core: Core) -> Lowered:
        context = Context(core, self._weights, self._groups, self._sparsity, self.scale)
        try:
            return Lowered(self._graph, context, self._rng)
        except MemoryError as error:
            raise MemoryError(f"backend: {error}; give it a larger memory_size") from error

    # Steps

    def step(self, x: torch.Tensor, target: torch.Tensor) -> tuple[float, torch.Tensor]:
        """One step on a batch, or on several as micro-batches, whose gradients are added up: x of
        k times the example's rows. Returns the mean loss and the logits, float32.

        A step in which an activation or a gradient overflows is skipped: only the loss scale and
        running statistics change, and the loss may be NaN. TrainingDiverged if the update
        overflows, which costs the weights, or if the scale cannot fall any more.
        """
        parts = self._micro_batches(x, target)
        self.last = result = StepResult(0.0, 0, False)
        logits = []
        self._lowered.use_memory(len(parts))
        for index, (rows, own_target) in enumerate(parts):
            self._context.accumulate = index > 0
            try:
                result.skipped = self._run_part(result, rows, own_target, len(parts))
            except Overflow:  # in what the host computed
                result.skipped = True
            logits.append(self._logits() if self._complete else self._no_logits())
            if result.skipped:
                break
            last = index == len(parts) - 1
            update = self._lowered.update(index > 0, last)
            if update.programs and update.run("WU+UPDATE" if last else "WU", result.programs):
                raise TrainingDiverged(LOST_WEIGHTS)
        if not result.skipped:
            for norm in self._lowered.norms:
                norm.update()
        self.scale.update(result.skipped)
        self.steps += 1
        self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.step()  # changes nothing; schedules want to see it
        return result.loss, torch.cat(logits)

    def _run_part(self, result: StepResult, x: torch.Tensor, target: torch.Tensor,
                  count: int) -> bool:
        """FF, loss and BP of one of `count` micro-batches; true if something overflowed."""
        self._complete = False
        self._samples = (self._samples + 1) % SAMPLE_KEYS
        board = self.core.backend  # which other networks may use, too
        board.sample_seed, board.sample_step = self._sample_seed, self._samples
        self._lowered.input.host = x
        if self._lowered.forward.run("FF", result.programs):
            result.loss = float("nan")
            return True
        self._complete = True
        logits = self._logits().to(torch.float64).requires_grad_()
        loss = self.loss(logits, target)
        if loss.shape != ():
            raise ValueError(f"loss: has shape {tuple(loss.shape)}, but must be one number")
        gradient, = torch.autograd.grad(loss, logits)
        result.loss += loss.item() / count
        self._lowered.loss_gradient = gradient * (self.scale.value / count)
        return self._lowered.backward.run("BP", result.programs)

    def _logits(self) -> torch.Tensor:
        return self._lowered.result.to(torch.float32)

    def _no_logits(self) -> torch.Tensor:
        return torch.full(self._lowered.output.shape, float("nan"))

    def evaluate(self, x: torch.Tensor) -> torch.Tensor:
        """Logits of any number of rows, float32: without dropout, and with the running statistics
        of batch normalisations."""
        x = self._checked(x)
        batch = self._shape[0]
        logits = []
        for rows in x.split(batch):
            padded = torch.zeros(self._shape, dtype=torch.float64)
            padded[: len(rows)] = rows
            self._lowered.input.host = padded
            self._lowered.evaluation.run("FF", {})
            logits.append(self._logits()[: len(rows)])
        return torch.cat(logits)

    def _checked(self, x: torch.Tensor) -> torch.Tensor:
        """x as float64 with the values of FP16; ValueError unless its rows are the example's."""
        x = torch.as_tensor(x)
        if tuple(x.shape[1:]) != self._shape[1:] or not len(x):
            wanted = ", ".join(map(str, ("rows", *self._shape[1:])))
            raise ValueError(f"x: shape {tuple(x.shape)}, but must be ({wanted})")
        return x.detach().cpu().to(torch.float16).to(torch.float64)

    def _micro_batches(self, x: torch.Tensor, target: torch.Tensor
                       ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        x, target = self._checked(x), torch.as_tensor(target).detach().cpu()
        batch = self._shape[0]
        if len(x) % batch:
            raise ValueError(f"x: {len(x)} rows are not a multiple of the example's {batch}")
        if target.shape[:1] != x.shape[:1]:
            raise ValueError(f"target: shape {tuple(target.shape)}, but must have {len(x)} rows")
        return list(zip(x.split(batch), target.split(batch)))

    # State

    def parameters(self, pruned: bool = False) -> dict[str, torch.Tensor]:
        """Parameters and running statistics by their names, float32 in torch's layout, for
        `model.load_state_dict(..., strict=False)`. Weights are the master copies, or with `pruned`
        what `evaluate` uses: N:M, in FP16's precision."""
        made = {parameter.name: (parameter.read_pruned() if pruned else parameter.read()[0]
                                 ).to(torch.float32)
                for parameter in self._lowered.parameters}
        return {**made, **{name: value.to(torch.float32) for name, value in self._statistics()}}

    def _statistics(self) -> Iterator[tuple[str, torch.Tensor]]:
        for op in self._lowered.norms:
            for name, array in zip(op.statistics, (op.norm.mean, op.norm.var)):
                yield name, torch.from_numpy(array.copy())

    def state_dict(self) -> dict[str, Any]:
        """All that training depends on, for torch.save: a network that loads it goes on bit for
        bit."""
        both = {parameter.name: parameter.read() for parameter in self._lowered.parameters}
        return {
            "parameters": {name: value for name, (value, _) in both.items()},
            "velocities": {name: velocity for name, (_, velocity) in both.items()},
            "statistics": dict(self._statistics()),
            "scale": asdict(self.scale), "steps": self.steps,
            "random": self._rng.bit_generator.state,
            "samples": {"seed": self._sample_seed, "step": self._samples},
            "groups": [{key: value for key, value in group.items() if key != "params"}
                       for group in self.optimizer.param_groups]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another network of the same model was. ValueError for that of another."""
        for key, mine in (("parameters", {p.name for p in self._lowered.parameters}),
                          ("statistics", {name for name, _ in self._statistics()})):
            if set(state[key]) != mine:
                other = min(mine ^ set(state[key]))
                raise ValueError(f"state: {key} are not those of this model ({other})")
        for group, saved in zip(self.optimizer.param_groups, state["groups"]):
            if group["nesterov"] != saved["nesterov"]:  # its commands are others
                raise ValueError(f"state: has nesterov={saved['nesterov']}, but the optimizer "
                                 f"nesterov={group['nesterov']}")
        for parameter in self._lowered.parameters:
            parameter.write(state["parameters"][parameter.name],
                            state["velocities"][parameter.name])
        for op in self._lowered.norms:
            mean, var = (state["statistics"][name].numpy().copy() for name in op.statistics)
            op.norm.mean, op.norm.var = mean, var
        for name, value in state["scale"].items():
            setattr(self.scale, name, value)
        self.steps = state["steps"]
        self._rng.bit_generator.state = state["random"]
        if samples := state.get("samples"):  # states from before WU was sparse have none
            self._sample_seed, self._samples = samples["seed"], samples["step"]
        for group, saved in zip(self.optimizer.param_groups, state["groups"]):
            group.update(saved)
        self._lowered.prune()

    @property
    def peak_bytes(self) -> int:
        """Of the core's memory that are in use."""
        return self._context.temporaries.peak_bytes

    def cycles(self, config: SatConfig | None = None, exact: bool = False) -> dict[str, int]:
        """Cycles of a step by pass on the core's array, or on another, without the host's time.

        Estimated (sat.plan): commands of FF and BP one after the other, those of WU and UPDATE
        beside each other. Or, `exact`, by the cycle model (sat.plan.model): what the RTL takes.
        """
        lowered = self._lowered
        config = config or lowered.core.backend.config
        if config != lowered.core.backend.config:
            backend = self.core.backend
            with GoldenBackend(config, memory_size=backend.memory_size) as draft:
                lowered = self._lower(Core(draft))

        if exact:
            scripts = {"FF": lowered.forward, "BP": lowered.backward,
                       "WU+UPDATE": lowered.update(False, True)}
            timed = {name: sum(cycle_model.run(config, [one.descriptor for one in program]).cycles
                               for program in script.programs if len(program))
                     for name, script in scripts.items()}
            return {**timed, "step": sum(timed.values())}

        def total(script: Script) -> int:
            return int(sum(command.estimate for program in script.programs for command in program))

        made = {"FF": total(lowered.forward), "BP": total(lowered.backward),
                "WU+UPDATE": int(lowered.update_cycles)}
        return {**made, "step": sum(made.values())}


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", function)).split(".")[0]


def _groups(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, dict]:
    """The optimizer's group of each parameter; ValueError for what UPDATE does not do."""
    if not isinstance(optimizer, torch.optim.SGD):
        raise ValueError(f"optimizer: {type(optimizer).__name__} is unsupported; the core updates "
                         "by torch.optim.SGD")
    names = {id(parameter): name for name, parameter in model.named_parameters()
             if parameter.requires_grad}
    found = {}
    for group in optimizer.param_groups:
        for option in ("dampening", "maximize"):
            if group.get(option):
                raise ValueError(f"optimizer: {option}={group[option]} is unsupported; the core's "
                                 "UPDATE has momentum and weight decay")
        Sgd(float(group["lr"]), float(group["momentum"]))  # checks them
        for parameter in group["params"]:
            if id(parameter) in names:
                found[names[id(parameter)]] = group
    if not found:
        raise ValueError("optimizer: holds no parameter of the model that is trained")
    return found
