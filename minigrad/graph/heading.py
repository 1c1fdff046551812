"""The line above a picture: model, mode, counts, loss, bytes saved for backward, and whether backward is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..engine.node import Node
from ..nn.module import Module
from ..tensor.tensor import Tensor
from .calls import Call, Names
from .description import Box
from .wording import counted, gradient_of, mode_text, now_if_changed, number


class Heading(NamedTuple):
    """What the line is read from."""

    nodes: Sequence[Node]
    outputs: Mapping[Node | None, Tensor]
    calls: Sequence[Call]
    names: Names
    boxes: Mapping[int, Box]
    """By the id of a tensor."""
    own_pass: bool
    """Whether the pass was made for the picture."""
    own_gradients: bool = False
    """Whether gradients were computed for the picture, too."""

    def text(self) -> str:
        """Model, mode, counts, loss, and whether backward has been done; and what kind of pass it was."""
        line = "   ".join([*self.about_modules(), *self.about_loss(), f"backward: {self.about_backward()}"])
        return line + "\nof a pass of its own, not of a step that was taken" * self.own_pass

    def about_loss(self) -> list[str]:
        """The value of a single output, if that is a number: a loss if a loss has made it, or backward began there."""
        ((node, output), *others) = self.outputs.items()
        if others or output.array.size != 1:
            return []
        made = node is not None and node.op is not None and "reduction" in node.op.__signature__.parameters
        began = not self.own_pass and not self.about_backward().startswith("not done")
        name = "loss" if made or began else "output"
        return [f"{name}={number(output.item())}{now_if_changed(output, node.time) if node else ''}"]

    def about_backward(self) -> str:
        """Whether it has been done, as far as the records and the parameters tell, and what is kept for it."""
        if any(node.op is not None and node.saved is None for node in self.nodes):
            return "done"
        graded = any(node.op is None and gradient_of(node) is not None for node in self.nodes)
        kept = sum(box.kept for box in self.boxes.values())
        saved = f", {kept:,} bytes saved for it" if kept else ""
        if self.own_pass:
            if self.own_gradients:
                return f"done for this picture{saved}"
            return f"not done{saved}" + ", gradients are of an earlier pass" * graded
        return f"gradients present, graph not freed{saved}" if graded else f"not done{saved}"

    def about_modules(self) -> list[str]:
        """Class, mode and counts of the model, or of all outermost modules."""
        roots = self.names.roots if self.names.main is None else [self.names.main]
        if not roots:
            return [counted(sum(node.op is not None for node in self.nodes), "operation")]
        kept = {id(b): b.array.size for root in roots for b in root.buffers()}
        counts = f"{self.about_parameters(roots)}, {counted(sum(kept.values()), 'buffer value')}"
        return [", ".join(type(root).__name__ for root in roots), self.about_modes(roots), counts]

    def about_modes(self, roots: Sequence[Module]) -> str:
        """The mode of the calls, and that of now if it is another one."""
        now = {module: module.training for root in roots for module in root.modules()}
        then = [(call.module, call.then.training) for call in self.calls if call.module in now]
        if all(now[module] is training for module, training in then):
            return f"mode={mode_text(list(now.values()))}"
        return f"mode={mode_text([training for _, training in then], 'calls')} (now {mode_text(list(now.values()))})"

    def about_parameters(self, roots: Sequence[Module]) -> str:
        """How many numbers are learned: in the pass, and now if these are others."""
        parameters = {id(p): p for root in roots for p in root.parameters()}
        total = sum(p.array.size for p in parameters.values())
        now = sum(p.array.size for p in parameters.values() if p.requires_grad)
        then = sum(
            p.array.size
            for key, p in parameters.items()
            if (self.boxes[key].kind == "parameter" if key in self.boxes else p.requires_grad)
        )
        return f"{counted(total, 'parameter')} ({then:,} trainable{f', now {now:,}' * (then != now)})"
