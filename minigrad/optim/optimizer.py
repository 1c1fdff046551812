"""What optimisers share: parameter groups, settings and the step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from numpy import ndarray

from ..engine.host import check, host, host_numbers
from ..engine.modes import current, enable_grad
from ..engine.node import describe
from ..reports.table import html_block, html_table
from ..tensor.gradients import zero_gradients
from ..tensor.tensor import Tensor
from .blocks import Block, blocks_of
from .floating_point import uninterrupted
from .groups import HINTS, CheckedSettings, Settings, accept_hints, listed, parameters_of
from .hooks import Hooks
from .rule import Rule
from .saving import loaded, read_state, saved_groups, saved_state

Ready = tuple[int, int, ndarray]
"""A block that is to be updated, by its group and its number there, and its gradient."""


class Optimizer(Hooks, Rule):
    """The base of all optimisers: a subclass has a rule of its own, see ``Rule``.

    Args:
        params: parameters, or groups: dicts with ``"params"`` and settings of their own.
        defaults: the settings of groups that do not say otherwise.
        hints: PyTorch's choices between implementations of the same steps, without effect here: ``foreach``, ``fused``;
            ``capturable`` and ``differentiable``, which would do something else, are refused.

    >>> optimizer = optim.SGD([nn.Parameter(mg.ones(2))], lr=0.1)
    >>> isinstance(optimizer, optim.Optimizer), optimizer.param_groups[0]['lr']
    (True, 0.1)
    """

    def __init__(self, params: Any, defaults: Settings, **hints: Any) -> None:
        accept_hints(type(self).__name__, hints)
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self._blocks: list[list[Block]] = []
        self._checked_settings = CheckedSettings()
        self._overflow_reported = False
        self._calls = 0
        groups = listed(params, type(self).__name__)
        if not groups:
            raise ValueError(f"{type(self).__name__} got an empty parameter list: does the model have parameters?")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with settings of their own, as ``param_group``: ``{"params": [...], "lr": 0.01}``."""
        name = type(self).__name__
        params, names = parameters_of(param_group, name, self.defaults)
        known = [p for g in self.param_groups for p in g["params"]] + params
        if len({id(p) for p in known}) != len(known):
            raise ValueError(f"{name}: a parameter appears more than once.")
        settings = self._plain_settings({**self.defaults, **param_group})
        start = len(known) - len(params)
        if self.param_groups and (names is None) is not ("param_names" not in self.param_groups[0]):
            raise ValueError(f"{name}: parameters with names and without are not to be mixed among the groups.")
        self.param_groups.append({**settings, "params": params} | ({"param_names": names} if names else {}))
        self._blocks.append(blocks_of(enumerate(params, start)))

    def _settings(self) -> list[Settings]:
        """The checked settings of each group."""
        self._check_settings()
        return self._checked_settings.checked

    def _check_settings(self) -> None:
        """Check the settings of each group if one has been replaced."""
        if len(self.param_groups) != len(self._blocks):
            raise ValueError(f"{type(self).__name__}: groups can only be added, by add_param_group.")
        self._checked_settings.update(self.param_groups, self._plain_settings, self.check_settings)

    def _switched_off(self) -> list[set[str]]:
        """The settings of each group that are 0 or False, by which ``change`` may branch; the rate is only a factor."""
        return [{key for key, value in group.items() if not value and key != "lr"} for group in self._settings()]

    def _refuse_other_branches(self, captured: list[set[str]]) -> None:
        """Refuse to replay a step if settings by which its arithmetic branches have changed since the capture."""
        switched_off = self._switched_off()
        if len(switched_off) != len(captured):
            raise ValueError(
                f"{type(self).__name__}: the step was captured with {len(captured)} parameter groups, and there are "
                f"{len(switched_off)}: capture it again."
            )
        for before, now in zip(captured, switched_off):
            if before != now:
                raise ValueError(
                    f"{type(self).__name__}: {', '.join(sorted(before ^ now))} was switched on or off since the step "
                    "was captured: capture it again."
                )

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            params = group["params"]
            lines += [f"Parameter Group {i}", f"    params: {len(params)} of {sum(p.numel() for p in params)} elements"]
            lines += [f"    {key}: {group[key]}" for key in self.defaults]
        return "\n".join([*lines, ")"])

    def _repr_html_(self) -> str:
        """For notebooks: a column for each group of parameters."""
        header = ["setting", *(f"group {i}" for i in range(len(self.param_groups)))]
        rows = [["parameters", *(str(len(group["params"])) for group in self.param_groups)]]
        sizes = [sum(p.numel() for p in group["params"]) for group in self.param_groups]
        rows += [["elements", *(f"{size:,}" for size in sizes)]]
        rows += [[key, *(str(group[key]) for group in self.param_groups)] for key in self.defaults]
        return html_block([type(self).__name__], html_table(header, rows, header[1:]))

    # -- steps ---------------------------------------------------------------------------------

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters: None, or with ``set_to_none=False`` zeros."""
        for group in self.param_groups:
            zero_gradients(group["params"], set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient.

        ``closure``, if given, computes the loss anew, with its gradients; it is returned.

        What may be refused (settings, gradients, parameters in read-only memory) is refused before anything is
        changed, and ``np.errstate`` cannot stop a step halfway. After the first overflow from finite gradients a
        warning names the parameters.
        """
        closure = self._before_step(closure)
        self._calls += 1
        loss = None
        if closure is not None:
            if not callable(closure):
                raise TypeError(
                    f"{type(self).__name__}: step takes a function that computes the loss, got {describe(closure)}: "
                    "call loss.backward() and then step()."
                )
            with enable_grad():
                loss = closure()
        host(self._check_settings)
        if current().calls.writer is not None:
            check(self._refuse_other_branches, self._switched_off())
        ready: list[Ready] = []
        for group, blocks in enumerate(self._blocks):
            blocks[:] = [part for block in blocks for part in block.by_gradient()]
            ready += [(group, i, block.gradient()) for i, block in enumerate(blocks) if block.has_gradient()]
        if uninterrupted(self._update_all, ready) and not self._overflow_reported:
            self._report_overflow(ready)
        self._after_step(closure)
        return loss

    def _update_all(self, ready: list[Ready]) -> None:
        """Change the parameters of all blocks."""
        for group, number, gradient in ready:
            self._update(group, number, gradient)

    def _update(self, group: int, number: int, gradient: ndarray) -> None:
        """Change the parameters of a block by arithmetic in its precision."""
        block, settings = self._blocks[group][number], self._checked_settings.checked[group]
        state = self._vectors(block, settings)
        weight_decay, *numbers = host_numbers(self._count_step, block.precision, group, number)
        gradient = gradient.astype(block.precision, copy=False)
        if settings.get("maximize"):
            gradient = -gradient
        decays, decoupled = settings.get("weight_decay"), settings.get("decoupled_weight_decay")
        if decays and not decoupled:
            gradient = gradient + weight_decay * block.values()
        out, parts = block.workspace(gradient)
        if self.reads_values:
            state.append(block.values())
        self.change(gradient, out, state, numbers, settings)
        if decays and decoupled:
            out += weight_decay * block.values()
        block.subtract(parts)

    def _vectors(self, block: Block, settings: Settings) -> list[ndarray]:
        """The state vectors of a block that the rule needs with these settings."""
        initial = (
            {name: settings[setting] for name, setting in self.initial_state.items()} if self.initial_state else {}
        )
        return block.vectors(self._needed_state(settings), initial)

    def _count_step(self, group: int, number: int) -> tuple[float, ...]:
        """Count a step of a block, and return its weight decay and its numbers.

        Everything that depends on the number of the step or on settings that are numbers is computed here: a program
        calls it anew in each step.
        """
        block, settings = self._blocks[group][number], self._checked_settings.checked[group]
        block.step = step = block.step + 1
        first_steps = block.first_steps
        new = [name for name, first in first_steps.items() if first == step] if step in first_steps.values() else []
        if self.number_state:
            kept = {**self.number_state, **block.numbers}
            block.numbers = dict(self.next_numbers(step, {**settings, **kept}))
            settings = {**settings, **block.numbers}
        weight_decay = settings.get("weight_decay", 0)
        if settings.get("decoupled_weight_decay"):
            weight_decay *= settings["lr"]
        return weight_decay, *self.numbers(step, settings, new)

    def _prepared_state(self) -> Iterator[tuple[int, int, str]]:
        """The state vectors that the next step reads and changes, by group, block and name; new ones are zeros."""
        for group, settings in enumerate(self._settings()):
            for number, block in enumerate(self._blocks[group]):
                self._vectors(block, settings)
                yield from ((group, number, name) for name in self._needed_state(settings))

    def _report_overflow(self, updated: list[Ready]) -> None:
        """Warn, once, of parameters that have infinite values or state though their gradients are finite."""
        overflowed = dict(
            pair for group, i, gradient in updated for pair in self._blocks[group][i].overflowed(gradient)
        )
        if overflowed:
            self._overflow_reported = True
            names = ", ".join(f"{index} {describe(parameter)}" for index, parameter in overflowed.items())
            warnings.warn(
                f"{type(self).__name__}: a step overflowed in parameter {names}: the gradient is finite but too large, "
                "and values or averages are infinite now. Go back to a checkpoint, then scale the loss down, clip the "
                "gradient or take a smaller lr.",
                stacklevel=3,
            )

    # -- saving --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state by the parameters' numbers, at least float32, and the settings of the groups."""
        self._before_saving()
        groups = saved_groups(self.param_groups, self._settings())
        state = saved_state(block for blocks in self._blocks for block in blocks)
        return self._after_saving({"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned: all of it or, after an error, nothing.

        Raises:
            ValueError: if the groups, settings or shapes are not those of this optimiser.
        """
        state_dict = self._before_loading(state_dict)
        groups, state = read_state(state_dict, self.param_groups, self)
        settings = list(map(self._plain_settings, groups))
        numbers = tuple(self.number_state)
        new_blocks = [[part for block in blocks for part in loaded(block, state, numbers)] for blocks in self._blocks]
        for group, new, saved in zip(self.param_groups, settings, groups):
            group.update({key: value for key, value in saved.items() if key not in {*group, *HINTS}})
            group.update(new)
        self._blocks = new_blocks
        self._after_loading()

    @property
    def state(self) -> Mapping[Tensor, dict[str, Any]]:
        """The state by parameter, as ``state_dict`` saves it: a copy that is not to be changed."""
        params = [parameter for group in self.param_groups for parameter in group["params"]]
        state = saved_state(block for blocks in self._blocks for block in blocks)
        for entry in state.values():
            for value in entry.values():
                value.array.flags.writeable = False
        return MappingProxyType({params[index]: entry for index, entry in state.items()})
