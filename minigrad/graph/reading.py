"""From the engine's records to a description: what was computed, in which module, in which mode."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.application import constant
from ..engine.backward import reachable
from ..engine.modes import Scope
from ..engine.node import Node, Variable, array_of
from ..engine.op import Op
from ..nn.batchnorm import BatchNorm
from ..nn.module import Module, members
from ..nn.parameter import Buffer, Parameter
from ..ops.batch_norm import values_per_channel
from ..tensor.tensor import Tensor
from .calls import Calls
from .description import Box, Cluster, Edge, Line, Picture

INSIDE = {("batch_norm", name) for name in ("mean", "var", "training")}
"""Arguments that the lines of an operation's box describe in their own way."""
GREEK = {"weight": " (gamma)", "bias": " (beta)"}
"""What BatchNorm's parameters are called in its paper."""

# -- values as text ----------------------------------------------------------------------------


def number(value: Any) -> str:
    """A number with four digits; an integer with all of them."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def value_text(value: Any) -> str:
    """Shape and dtype, and the value of a single number."""
    array = array_of(value)
    single = isinstance(array, ndarray) and array.size == 1
    return f"{array.shape} {array.dtype}" + (f" = {number(array.item())}" if single else "")


def range_text(array: ndarray) -> str:
    """The smallest and the largest element."""
    return f"in [{array.min():.3g}, {array.max():.3g}]" if array.size else "empty"


def attribute_text(value: Any) -> str:
    """A simple attribute; nothing for one that is an array, or off, or left out."""
    value = constant(value)
    if isinstance(value, tuple):
        return str(value) if all(isinstance(part, int) for part in value) else ""
    off = value is None or value is False
    return number(value) if isinstance(value, (int, float, str, np.dtype)) and not off else ""


def root_mean_square(array: ndarray) -> float:
    """0 of nothing. The largest element is taken out first, so that no square overflows."""
    sizes = np.abs(array.astype(np.float64))
    largest = float(sizes.max(initial=0))
    return largest * float(np.sqrt(np.mean((sizes / largest) ** 2))) if 0 < largest < np.inf else largest


def gradient_line(rms: float, cancelled_by: str) -> Line:
    """How large a gradient is; alarming where nothing can be learned from it."""
    reason = f" (cancelled by {cancelled_by})" if cancelled_by else ""
    return Line(f"|grad| rms {rms:.2g}{reason}", not (rms > 0 or cancelled_by) or not np.isfinite(rms))


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


def is_training(node: Node | None) -> bool:
    """Whether a node is a batch normalisation that used its batch's statistics."""
    return bool(node and node.op and node.op.name == "batch_norm" and dict(arguments(node, node.op))["training"])


def batch_norm_lines(node: Node, op: Op) -> list[Line]:
    """The statistics that were used, and what is kept for the derivative."""
    values, training = dict(arguments(node, op)), is_training(node)
    which = "batch" if training else "running"
    lines = [f"{which} mean {range_text(values['mean'])}", f"{which} var {range_text(values['var'])}"]
    if training:
        lines[1] += f"  n={values_per_channel(node.shape)}"
    if node.saved is None:
        lines.append("saved values: freed by backward")
    else:
        kept = {"x": node.saved[1]}
        if node.cache is not None:
            deviations, std, scale = node.cache
            if not np.may_share_memory(deviations.d, node.saved[1]):
                kept["x - mean" if deviations.centered else "copy of x"] = deviations.d
            kept |= {"std": std, "scale": scale}
        size = sum(array.nbytes for array in kept.values() if isinstance(array, ndarray))
        lines.append(f"saves {', '.join(kept)} ({size:,} bytes)")
    return [Line(text) for text in lines]


# -- the whole ---------------------------------------------------------------------------------


def read(outputs: Sequence[Tensor], model: Module | None = None, inputs: Sequence[tuple[str, Tensor]] = ()) -> Picture:
    """The graph behind some tensors as a picture.

    Args:
        outputs: tensors with a graph.
        model: where the names of modules and tensors come from; else from the outermost modules called.
        inputs: input tensors, with their names.
    """
    reader = Reader(outputs, model, inputs)
    return Picture(reader.header(), reader.content, reader.edges)


class Reader:
    """Goes through the records behind some outputs once, the oldest first."""

    def __init__(self, outputs: Sequence[Tensor], model: Module | None, inputs: Sequence[tuple[str, Tensor]]) -> None:
        self.outputs: dict[Node | None, Tensor] = {output.node: output for output in outputs}
        self.inputs = {id(tensor): name if name == "input" else f"input {name}" for name, tensor in inputs}
        nodes = reachable([output.node for output in outputs if output.node])
        self.nodes = sorted(nodes, key=lambda node: node.time)
        self.users: defaultdict[Node, list[tuple[Node, int]]] = defaultdict(list)
        for node in self.nodes:
            for position, operand in enumerate(node.inputs):
                if isinstance(operand, Node):
                    self.users[operand].append((node, position))
        self.calls = Calls(self.nodes, model)
        self.content = Cluster()
        self.clusters: dict[Scope | None, Cluster] = {None: self.content}
        self.boxes: dict[int, Box] = {}
        self.edges: list[Edge] = []
        for node in self.nodes:
            if node.op is not None:
                self.read_operation(node, node.op)
            elif node in self.outputs:
                self.source(node, "", None)
        for scope, module in self.calls.modules.items():
            for name, value in members(module):
                if isinstance(value, Buffer):
                    self.source(value, name, scope)

    def cluster(self, innermost: Scope | None) -> Cluster:
        """The cluster of a call, made with those around it when it is first asked for."""
        for scope in innermost.chain() if innermost and innermost not in self.clusters else ():
            if scope not in self.clusters:
                around = self.clusters[scope.outer]
                gone = scope not in self.calls.modules
                if not (gone or self.calls.is_label(scope) or self.calls.is_picture(scope)):
                    around.clusters.append(Cluster(self.calls.title(scope)))
                    around = around.clusters[-1]
                self.clusters[scope] = around
        return self.clusters[innermost]

    def add(self, thing: Any, kind: str, title: str, lines: Sequence[str], cluster: Cluster) -> Box:
        """A box for a node, a tensor or an array, with the next number."""
        box = self.boxes[id(thing)] = Box(len(self.boxes), kind, title, [Line(text) for text in lines if text])
        cluster.boxes.append(box)
        return box

    # -- operations ----------------------------------------------------------------------------

    def read_operation(self, node: Node, op: Op) -> None:
        """The boxes of an operation's operands and of itself, and the edges between them."""
        named = [(name, value) for name, value in arguments(node, op) if (op.name, name) not in INSIDE]
        operands = [
            (name, operand, self.source(operand, name, node.scope))
            for name, operand in named
            if isinstance(operand, (Node, Variable, ndarray))
        ]
        effects = [(effect, self.source(effect.tensor, "buffer", node.scope, "buffer")) for effect in node.effects]
        box = self.operation(node, op, [(name, attribute_text(value)) for name, value in named])
        computed = [type(operand) is Node and source.kind != "parameter" for _, operand, source in operands]
        for name, operand, source in operands:
            kind = "value" if operand.dtype.kind == "f" else "constant"
            self.edges.append(Edge(source.number, box.number, kind, name if sum(computed) > 1 else ""))
        for effect, buffer in effects:
            label = effect.note if effect.note.startswith("+") else f"{effect.verb} {effect.note}".rstrip()
            ends = (buffer.number, box.number) if effect.verb == "reads" else (box.number, buffer.number)
            self.edges.append(Edge(*ends, effect.verb, label))

    def operation(self, node: Node, op: Op, settings: Sequence[tuple[str, str]]) -> Box:
        """An operation's box: what came out, and how."""
        module = self.calls.modules.get(node.scope)
        label = f"{self.calls.name(node.scope)}: " if self.calls.is_label(node.scope) else ""
        lines = [f"out {value_text(self.outputs.get(node, node))}"]
        lines.append("  ".join(f"{name}={text}" if name else text for name, text in settings if text))
        kind = "output" if node in self.outputs else "op"
        cluster = self.cluster(node.scope)
        box = self.add(node, kind, label + op.name, lines, cluster)
        if op.name == "batch_norm":
            box.lines += batch_norm_lines(node, op)
            box.mode = "train" if is_training(node) else "eval"
            if isinstance(module, BatchNorm):
                cluster.mode = box.mode = "frozen" if module.frozen else box.mode
        return box

    # -- tensors that no operation made --------------------------------------------------------

    def source(self, operand: Any, name: str, scope: Scope | None, kind: str = "") -> Box:
        """The box of an operand; leaves and constants get theirs at their first use, in the call ``scope``."""
        thing = tensor_of(operand)
        if id(thing) in self.boxes:
            return self.boxes[id(thing)]
        trained = isinstance(operand, Node)
        kind = kind or self.kind(thing, trained)
        title, holder = self.calls.leaves.get(id(thing), ("", None))
        if isinstance(holder, BatchNorm):
            title += GREEK.get(title.rpartition(".")[2], "")
        lines = [value_text(thing)]
        if kind == "buffer" and array_of(thing).size > 1:
            lines.append(f"values {range_text(array_of(thing))}")
        title = title or self.inputs.get(id(thing)) or anonymous(kind, name)
        box = self.add(thing, kind, title, lines, self.home(thing, holder, scope))
        gradient = gradient_of(operand)
        if gradient is not None:
            rms = root_mean_square(gradient)
            box.lines.append(gradient_line(rms, self.cancelled_by(operand, rms)))
        return box

    def kind(self, thing: Any, trained: bool) -> str:
        """What a leaf or a constant is drawn as."""
        if isinstance(thing, Parameter) or (trained and id(thing) not in self.inputs):
            return "parameter" if trained else "frozen"
        return "buffer" if isinstance(thing, Buffer) else "input"

    def home(self, thing: Any, holder: Module | None, scope: Scope | None) -> Cluster:
        """Where a leaf or a constant is drawn: in the call of its module, or outside if it came from there."""
        for call in scope.chain()[::-1] if scope and holder is not None else ():
            if self.calls.modules.get(call) is holder:
                return self.cluster(call)
        return self.cluster(scope) if holder is not None or isinstance(thing, ndarray) else self.content

    def cancelled_by(self, bias: Node, rms: float) -> str:
        """The batch normalisations in training mode that take away what a bias adds, if all its uses end in them.

        Its gradient is then zero but for rounding: one that is not is of another graph.
        """
        norms: list[Node] = []
        for linear, position in self.users[bias]:
            per_channel = linear.op and linear.op.name == "linear" and position == 2 and len(linear.shape) == 2
            behind = self.users[linear]
            if not per_channel or linear in self.outputs or not all(i == 0 and is_training(node) for node, i in behind):
                return ""
            weight = gradient_of(linear.inputs[1])
            if weight is not None and rms > 1e-3 * root_mean_square(weight):
                return ""
            norms += [node for node, _ in behind]
        known = self.calls.modules
        names = [self.calls.name(norm.scope) if norm.scope in known else "batch_norm" for norm in norms]
        return ", ".join(dict.fromkeys(names))

    # -- the line above ------------------------------------------------------------------------

    def header(self) -> str:
        """Model, mode, counts, loss, and whether backward has been done."""
        freed = any(node.op is not None and node.saved is None for node in self.nodes)
        graded = any(node.op is None and gradient_of(node) is not None for node in self.nodes)
        state = "done" if freed else "gradients present, graph not freed" if graded else "not done"
        outputs = list(self.outputs.values())
        loss = [f"loss={number(outputs[0].item())}"] if len(outputs) == 1 and outputs[0].array.size == 1 else []
        return "   ".join([*self.about_modules(), *loss, f"backward: {state}"])

    def about_modules(self) -> list[str]:
        """Class, mode and counts of the model, or of all outermost modules."""
        roots = self.calls.roots if self.calls.main is None else [self.calls.main]
        if not roots:
            return [f"{sum(node.op is not None for node in self.nodes)} operations"]
        modes = [module.training for root in roots for module in root.modules()]
        mixed = f"mixed ({sum(modes)} of {len(modes)} modules in train)"
        mode = {True: "train", False: "eval"}[modes[0]] if len(set(modes)) == 1 else mixed
        sizes = {id(p): (p.array.size, p.requires_grad) for root in roots for p in root.parameters()}
        kept = {id(b): b.array.size for root in roots for b in root.buffers()}
        total, trained = sum(size for size, _ in sizes.values()), sum(size for size, grad in sizes.values() if grad)
        counts = f"{total:,} parameters ({trained:,} trainable), {sum(kept.values()):,} buffer values"
        return [", ".join(type(root).__name__ for root in roots), f"mode={mode}", counts]


def anonymous(kind: str, name: str) -> str:
    """What to call a tensor that no module holds: by what it is to its operation, or what it is."""
    if kind == "parameter":
        return "leaf"
    return name if len(name) > 1 else "input" if name == "x" else "constant"
