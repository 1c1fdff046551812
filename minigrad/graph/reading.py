"""Reads the nodes behind outputs into the boxes and arrows of a picture, in the module calls they belong to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.application import to_plain
from ..engine.node import Node, Variable, array_of
from ..engine.op import Op
from ..engine.paths import reachable
from ..engine.scope import Scope
from ..engine.shown import Shown, range_text
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from ..tensor.tensor import Tensor
from .appearance import MODES
from .calls import below, read_calls
from .description import Box, Cluster, Edge, Line, Picture

HELD = {"parameter", "frozen", "buffer"}
"""The kinds of what modules hold."""

# -- values as text ----------------------------------------------------------------------------


def number(value: Any) -> str:
    """A number with four digits; an integer with all of them."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def value_text(value: Any, now: str = "") -> str:
    """Shape and dtype, and the value of a single number; ``now`` is said behind that."""
    array = array_of(value)
    single = isinstance(array, ndarray) and array.size == 1
    return f"{array.shape} {array.dtype}" + (f" = {number(array.item())}{now}" if single else "")


def now_if_changed(value: Any, since: int) -> str:
    """`` now`` behind a value that is another one than at the time ``since``."""
    return " now" if isinstance(value, Variable) and value.memory.changed > since else ""


def attribute_text(value: Any) -> str:
    """A simple attribute; nothing for one that is an array, or off, or left out."""
    value = to_plain(value)
    if isinstance(value, tuple):
        return str(value) if all(isinstance(part, int) for part in value) else ""
    off = value is None or value is False
    return number(value) if isinstance(value, (int, float, str, np.dtype)) and not off else ""


def root_mean_square(array: ndarray) -> float:
    """0 of nothing. The largest element is taken out first, so that no square overflows."""
    sizes = np.abs(array.astype(np.float64))
    largest = float(sizes.max(initial=0))
    return largest * float(np.sqrt(np.mean((sizes / largest) ** 2))) if 0 < largest < np.inf else largest


def gradient_line(rms: float, cancelled_by: str, now: str) -> Line:
    """How large a gradient is; alarming where nothing can be learned from it."""
    reason = f" (cancelled by {cancelled_by})" if cancelled_by else ""
    return Line(f"|grad|{now} rms {rms:.2g}{reason}", not (rms > 0 or cancelled_by) or not np.isfinite(rms))


def tensor_of(operand: Any) -> Any:
    """The tensor of a leaf, as long as it lives; any other operand as it is."""
    tensor = operand.output() if isinstance(operand, Node) and operand.op is None else None
    return operand if tensor is None else tensor


def gradient_of(operand: Any) -> ndarray | None:
    """What backward has added up for a leaf, None before and for any other operand."""
    tensor = tensor_of(operand)
    return tensor.grad.array if isinstance(tensor, Tensor) and tensor.grad is not None else None


# -- operations --------------------------------------------------------------------------------


def arguments(node: Node, op: Op) -> list[tuple[str, Any]]:
    """An operation's operands and attributes with their names, "" for want of one."""
    values, names = (*node.inputs, *node.attributes), op.__signature__.parameters
    return list(zip([*names, *[""] * (len(values) - len(names))], values))


def shown_of(node: Node, op: Op) -> Shown:
    """What an operation adds to the picture of one of its nodes."""
    shown = op.shows(node) if op.shows else Shown()
    if shown.mode and shown.mode not in MODES:
        raise ValueError(f"{op.name}: shows returned the mode {shown.mode!r}: it must be one of {', '.join(MODES)}.")
    return shown


def saved_line(node: Node, keeps: Mapping[str, Any]) -> str:
    """What is kept for the derivative, and its size."""
    if node.saved is None:
        return "saved values: freed by backward"
    size = sum(array.nbytes for array in keeps.values() if isinstance(array, ndarray))
    return f"saves {', '.join(keeps)} ({size:,} bytes)"


# -- the whole ---------------------------------------------------------------------------------


def read(
    outputs: Sequence[Tensor], model: Module | None = None, inputs: Sequence[tuple[str, Tensor]] = (),
    own_pass: bool = False,
) -> Picture:  # fmt: skip
    """The graph behind some tensors as a picture.

    Of the pass itself (modes, settings, statistics, counters, what was trained) it says what was recorded. Names,
    gradients, and the values of parameters and buffers are read now; values that have changed since the pass, and
    gradients of such parameters, are called ``now``.

    Args:
        outputs: tensors with a graph.
        model: where the names of modules and tensors come from; else from the outermost modules called.
        inputs: input tensors, with their names.
        own_pass: the pass was made for the picture, and what it changed is taken back.
    """
    reader = Reader(outputs, model, inputs, own_pass)
    calls = [call.module for call in reader.calls.values()]
    reused = len(set(calls)) < len(calls)
    return Picture(reader.header(), reader.content, reader.edges, reused, reader.records)


class Reader:
    """Goes through the records behind some outputs once, the oldest first."""

    def __init__(
        self, outputs: Sequence[Tensor], model: Module | None, inputs: Sequence[tuple[str, Tensor]], own_pass: bool
    ) -> None:
        self.outputs: dict[Node | None, Tensor] = {output.node: output for output in outputs}
        self.inputs = {id(tensor): name if name.startswith("input") else f"input {name}" for name, tensor in inputs}
        self.own_pass = own_pass
        nodes = reachable([output.node for output in outputs if output.node])
        self.nodes = sorted(nodes, key=lambda node: node.time)
        self.users: defaultdict[Node, list[tuple[Node, int]]] = defaultdict(list)
        for node in self.nodes:
            for position, operand in enumerate(node.inputs):
                if isinstance(operand, Node):
                    self.users[operand].append((node, position))
        self.shown = {node: shown_of(node, node.op) for node in self.nodes if node.op is not None}
        self.calls, self.names = read_calls(self.nodes, model)
        self.content = Cluster()
        self.clusters: dict[Scope | None, Cluster] = {None: self.content}
        self.boxes: dict[int, Box] = {}
        self.records: dict[int, Any] = {}
        self.edges: list[Edge] = []
        self.sources: dict[int, tuple[Any, Box]] = {}
        self.used: dict[int, int] = {}
        for node in self.nodes:
            if node.op is not None:
                self.read_operation(node, node.op)
            elif node in self.outputs:
                self.source(node, "", None, node.time)
        for scope, call in self.calls.items():
            for name, buffer in call.module.named_buffers(recurse=False):
                unused = id(buffer) not in self.boxes
                box = self.source(buffer, name, scope, self.nodes[-1].time)
                if unused and self.clusters[scope].rows:
                    self.clusters[scope].rows[-1].append(box.number)
        for operand, box in self.sources.values():
            box.lines += self.values(operand, box.kind)

    def cluster(self, innermost: Scope | None) -> Cluster:
        """The cluster of a call, made with those around it when it is first asked for."""
        for scope in innermost.chain() if innermost and innermost not in self.clusters else ():
            if scope not in self.clusters:
                around = self.clusters[scope.outer]
                call = self.calls.get(scope)
                if call is not None and call.title:
                    around.clusters.append(Cluster(call.title, path=call.said))
                    around = around.clusters[-1]
                self.clusters[scope] = around
        return self.clusters[innermost]

    def add(self, thing: Any, kind: str, title: str, lines: Sequence[str], cluster: Cluster) -> Box:
        """A box for a node, a tensor or an array, with the next number."""
        box = self.boxes[id(thing)] = Box(len(self.boxes), kind, title, [Line(text) for text in lines if text])
        self.records[box.number] = thing
        cluster.boxes.append(box)
        return box

    # -- operations ----------------------------------------------------------------------------

    def read_operation(self, node: Node, op: Op) -> None:
        """The boxes of an operation's operands and of itself, and the edges between them."""
        cluster = self.cluster(node.scope)
        drawn = len(cluster.boxes)
        described = self.shown[node].described
        named = [(name, value) for name, value in arguments(node, op) if name not in described]
        operands = [
            (name, operand, self.source(operand, name, node.scope, node.time))
            for name, operand in named
            if isinstance(operand, (Node, Variable, ndarray))
        ]
        effects = [
            (effect, self.source(effect.tensor, "buffer", node.scope, node.time, "buffer")) for effect in node.effects
        ]
        row = [box.number for box in cluster.boxes[drawn:] if box.kind in HELD]
        cluster.rows += [row] * (len(row) > 1)
        box = self.operation(node, op, [(name, attribute_text(value)) for name, value in named])
        computed = [type(operand) is Node and source.kind != "parameter" for _, operand, source in operands]
        for name, operand, source in operands:
            kind = "value" if operand.dtype.kind == "f" else "constant"
            self.edges.append(Edge(source.number, box.number, kind, name if sum(computed) > 1 else ""))
        for effect, buffer in effects:
            label = effect.note if effect.note.startswith("+") else f"{effect.verb} {effect.note}".rstrip()
            if effect.result and not self.own_pass:  # nobody has what an own pass has written
                label += f" to {effect.result}"
            ends = (buffer.number, box.number) if effect.verb == "reads" else (box.number, buffer.number)
            self.edges.append(Edge(*ends, effect.verb, label))

    def operation(self, node: Node, op: Op, settings: Sequence[tuple[str, str]]) -> Box:
        """An operation's box: what came out, and how."""
        call, shown = self.calls.get(node.scope), self.shown[node]
        output = self.outputs.get(node, node)
        lines = [f"out {value_text(output, now_if_changed(output, node.time))}"]
        lines.append("  ".join(f"{name}={text}" if name else text for name, text in settings if text))
        lines += shown.lines
        if shown.keeps is not None:
            lines.append(saved_line(node, shown.keeps))
        kind = "output" if node in self.outputs else "op"
        cluster = self.cluster(node.scope)
        box = self.add(node, kind, (call.label if call else "") + op.name, lines, cluster)
        box.mode = shown.mode
        if shown.mode and call and call.shown:
            cluster.mode = box.mode = call.shown.mode or shown.mode
        return box

    # -- tensors that no operation made --------------------------------------------------------

    def source(self, operand: Any, name: str, scope: Scope | None, time: int, kind: str = "") -> Box:
        """The box of an operand; leaves and constants get theirs at their first use, in the call ``scope``."""
        thing = tensor_of(operand)
        self.used[id(thing)] = time
        if id(thing) in self.boxes:
            return self.boxes[id(thing)]
        kind = kind or self.kind(thing, isinstance(operand, Node))
        title, holder = self.names.leaves.get(id(thing), ("", None))
        title = title or self.inputs.get(id(thing)) or anonymous(kind, name)
        home = self.home(thing, holder, scope)
        box = self.add(thing, kind, below(title, home.path), [], home)
        box.name = title
        self.sources[id(thing)] = operand, box
        return box

    def values(self, operand: Any, kind: str) -> Iterator[Line]:
        """What is read now of a leaf or a constant: its value and its gradient."""
        thing = tensor_of(operand)
        now = now_if_changed(thing, self.used[id(thing)])
        yield Line(value_text(thing, now))
        if kind == "buffer" and array_of(thing).size > 1:
            yield Line(f"values{now} {range_text(array_of(thing))}")
        gradient = gradient_of(operand)
        if gradient is not None:
            rms = root_mean_square(gradient)
            yield gradient_line(rms, self.cancelled_by(operand, rms), now)

    def kind(self, thing: Any, trained: bool) -> str:
        """What a leaf or a constant is drawn as."""
        if isinstance(thing, Parameter) or (trained and id(thing) not in self.inputs):
            return "parameter" if trained else "frozen"
        return "buffer" if isinstance(thing, Buffer) else "input"

    def home(self, thing: Any, holder: Module | None, scope: Scope | None) -> Cluster:
        """Where a leaf or a constant is drawn: in the call of its module, or outside if it came from there."""
        for around in scope.chain()[::-1] if scope and holder is not None else ():
            if around in self.calls and self.calls[around].module is holder:
                return self.cluster(around)
        return self.cluster(scope) if holder is not None or isinstance(thing, ndarray) else self.content

    def cancelled_by(self, bias: Node, rms: float) -> str:
        """The operations that take away what a bias adds to each channel, if all its uses end in them.

        Its gradient is then zero but for rounding: one that is not is of another graph.
        """
        behind: list[Node] = []
        for node, position in self.users[bias]:
            cancelled = all(first == 0 and self.shown[user].cancels for user, first in self.users[node])
            if self.shown[node].adds != position or node in self.outputs or not cancelled:
                return ""
            others = [gradient_of(operand) for i, operand in enumerate(node.inputs) if i != position]
            sizes = [root_mean_square(gradient) for gradient in others if gradient is not None]
            if sizes and rms > 1e-3 * max(sizes):
                return ""
            behind += [user for user, _ in self.users[node]]
        return ", ".join(dict.fromkeys(self.name(node) for node in behind))

    def name(self, node: Node) -> str:
        """The module call that an operation belongs to, or what the operation is."""
        return self.calls[node.scope].name if node.scope in self.calls else node.op.name

    # -- the line above ------------------------------------------------------------------------

    def header(self) -> str:
        """Model, mode, counts, loss, and whether backward has been done; and what kind of pass it was."""
        line = "   ".join([*self.about_modules(), *self.about_loss(), f"backward: {self.about_backward()}"])
        return line + "\nof a pass of its own, not of a step that was taken" * self.own_pass

    def about_loss(self) -> list[str]:
        """The value of a single output, if that is a number."""
        ((node, output), *others) = self.outputs.items()
        if others or output.array.size != 1:
            return []
        return [f"loss={number(output.item())}{now_if_changed(output, node.time) if node else ''}"]

    def about_backward(self) -> str:
        """Whether it has been done, as far as the records and the parameters tell."""
        if any(node.op is not None and node.saved is None for node in self.nodes):
            return "done"
        graded = any(node.op is None and gradient_of(node) is not None for node in self.nodes)
        if self.own_pass:
            return "not done, gradients are of an earlier pass" if graded else "not done"
        return "gradients present, graph not freed" if graded else "not done"

    def about_modules(self) -> list[str]:
        """Class, mode and counts of the model, or of all outermost modules."""
        roots = self.names.roots if self.names.main is None else [self.names.main]
        if not roots:
            return [f"{sum(node.op is not None for node in self.nodes)} operations"]
        kept = {id(b): b.array.size for root in roots for b in root.buffers()}
        counts = f"{self.about_parameters(roots)}, {sum(kept.values()):,} buffer values"
        return [", ".join(type(root).__name__ for root in roots), self.about_modes(roots), counts]

    def about_modes(self, roots: Sequence[Module]) -> str:
        """The mode of the calls, and that of now if it is another one."""
        now = {module: module.training for root in roots for module in root.modules()}
        then = {(call.module, call.then.training) for call in self.calls.values() if call.module in now}
        if all(now[module] is training for module, training in then):
            return f"mode={mode_text(list(now.values()))}"
        return f"mode={mode_text([training for _, training in then])} (now {mode_text(list(now.values()))})"

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
        return f"{total:,} parameters ({then:,} trainable{f', now {now:,}' * (then != now)})"


def mode_text(modes: Sequence[bool]) -> str:
    """``train`` or ``eval`` if all modules are in one mode."""
    if len(set(modes)) == 1:
        return "train" if modes[0] else "eval"
    return f"mixed ({sum(modes)} of {len(modes)} modules in train)"


def anonymous(kind: str, name: str) -> str:
    """What to call a tensor that no module holds: by what it is to its operation, or what it is."""
    if kind == "parameter":
        return "leaf"
    return name if len(name) > 1 and name != "other" else "input" if name == "x" else "constant"
