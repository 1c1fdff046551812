"""Reads the nodes behind outputs into the boxes and arrows of a picture, in the module calls they belong to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from numpy import ndarray

from ..engine.errors import InvalidValueError
from ..engine.kept import kept_by, memory
from ..engine.node import Effect, Node, Variable, array_of
from ..engine.op import Op
from ..engine.paths import reachable
from ..engine.scope import Derivative, Scope
from ..engine.shown import Shown, range_text
from ..engine.ways import way_of
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from ..tensor.tensor import Tensor
from .appearance import mode_of
from .calls import Call, below, own_tensors, read_calls
from .description import HELD, Box, Cluster, Edge, Line, Picture
from .heading import Heading
from .opening import chosen, opened, parts_of
from .replay import annotate, elements, replay
from .wording import (
    anonymous,
    arguments,
    attribute_text,
    gradient_line,
    gradient_of,
    kept_text,
    now_if_changed,
    root_mean_square,
    shown_of,
    tensor_of,
    value_text,
)


class Asked(NamedTuple):
    """What ``draw`` is asked to say beside what it says anyway."""

    values: bool = False
    grads: bool = False
    names: Mapping[str, Tensor] = {}
    """Of tensors in the graph."""
    expand: Any = None
    """The operations to open."""


NOTHING = Asked()


class NotHereError(InvalidValueError):
    """What was asked for is not in a graph; ``without`` is all the rest."""

    def __init__(self, message: str, without: Asked) -> None:
        super().__init__(message)
        self.without = without


def read(
    outputs: Sequence[Tensor], model: Module | None = None, inputs: Sequence[tuple[str, Tensor]] = (),
    own_pass: bool = False, asked: Asked = NOTHING,
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
        asked: what to say besides.

    Raises:
        NotHereError: for a name or an operation to open that the graph has not.
    """
    reader = Reader(outputs, model, inputs, own_pass, asked.names)
    for name, tensor in asked.names.items():
        if not {id(tensor), id(tensor.node)} & reader.boxes.keys():
            rest = {other: x for other, x in asked.names.items() if other != name}
            message = f"draw: no tensor of this graph is the one that names calls {name!r}."
            raise NotHereError(message, asked._replace(names=rest))
    if asked.values or asked.grads:
        found = replay(reader.nodes, reader.outputs, asked.grads)
        boxes = {node: reader.boxes[id(tensor_of(node))] for node in reader.nodes}
        reasons = dict(reader.reasons(found.gradients)) if own_pass else None
        annotate(found, boxes, reader.uses, (asked.values, asked.grads), reasons)
    if asked.values:
        reader.say_values_without_gradients()
    if asked.expand is not None and not reader.open(asked.expand):
        having = ", ".join(sorted({node.op.name for node, shown in reader.shown.items() if shown.parts}))
        message = f"draw: expand={asked.expand!r} names no operation here that has parts to show"
        message += f": {having} has." if having else ", nor has any other."
        raise NotHereError(message, asked._replace(expand=None))
    calls = [call for scope, call in reader.calls.items() if not isinstance(scope, Derivative)]
    heading = Heading(reader.nodes, reader.outputs, calls, reader.names, reader.boxes, own_pass, asked.grads)
    reused = len({call.module for call in calls}) < len(calls)
    return Picture(heading.text(), reader.content, reader.edges, reused, records=reader.records)


class Reader:
    """Goes through the records behind some outputs once, the oldest first."""

    def __init__(
        self, outputs: Sequence[Tensor], model: Module | None, inputs: Sequence[tuple[str, Tensor]], own_pass: bool,
        names: Mapping[str, Tensor],
    ) -> None:  # fmt: skip
        self.outputs: dict[Node | None, Tensor] = {output.node: output for output in outputs}
        self.inputs = {id(tensor): name if name.startswith("input") else f"input {name}" for name, tensor in inputs}
        self.own_pass = own_pass
        self.given = {id(key): name for name, x in names.items() for key in (x, x.node)}
        """Names that were given, by the ids of tensors and nodes."""
        nodes = reachable([output.node for output in outputs if output.node])
        self.nodes = sorted(nodes, key=lambda node: node.time)
        self.users: defaultdict[Node, list[tuple[Node, int]]] = defaultdict(list)
        for node in self.nodes:
            for position, operand in enumerate(node.inputs):
                if isinstance(operand, Node):
                    self.users[operand].append((node, position))
        self.shown = {node: shown_of(node, node.op) for node in self.nodes if node.op is not None}
        self.ways = [(each, node.time) for node in self.nodes if (each := way_of(node)) is not None]
        self.ways.sort(key=lambda pair: (pair[0].began, -pair[1]))
        self.way_clusters: dict[tuple[int, int], Cluster] = {}
        self.calls, self.names = read_calls(self.nodes, model)
        self.content = Cluster()
        self.clusters: dict[Scope | None, Cluster] = {None: self.content}
        self.boxes: dict[int, Box] = {}
        self.records: dict[int, Any] = {}
        self.edges: list[Edge] = []
        self.uses: dict[tuple[Node, int], Edge] = {}
        """The edge to a node from its operand at a position."""
        self.sources: dict[int, tuple[Any, Box]] = {}
        self.used: dict[int, int] = {}
        self.held = {id(memory(value.array)) for call in self.calls.values() for _, value in own_tensors(call.module)}
        """The memories of what modules hold, which is there without the graph."""
        self.counted: set[int] = set()
        """The memories that operations keep for their derivatives."""
        for node in self.nodes:
            if node.op is not None:
                self.read_operation(node, node.op)
            elif node in self.outputs:
                self.source(node, "", None, node.time)
        for scope, call in self.calls.items():
            for name, buffer in () if isinstance(scope, Derivative) else call.module.named_buffers(recurse=False):
                unused = id(buffer) not in self.boxes
                box = self.source(buffer, name, scope, self.nodes[-1].time)
                if unused and self.clusters[scope].rows:
                    self.clusters[scope].rows[-1].append(box.number)
        for operand, box in self.sources.values():
            box.lines += self.values(operand, box)

    def cluster(self, innermost: Scope | None) -> Cluster:
        """The cluster of a call, made with those around it when it is first asked for."""
        for scope in innermost.chain() if innermost and innermost not in self.clusters else ():
            if scope not in self.clusters:
                around = self.clusters[scope.outer]
                call = self.calls.get(scope)
                if call is not None and call.title:
                    path = self.names.paths[call.module]
                    derivative = isinstance(scope, Derivative)
                    made = Cluster(
                        call.title, path=call.said, module=path, kind=type(call.module), derivative=derivative
                    )
                    made.reason = call.shown.reason if call.shown else ""
                    around.clusters.append(made)
                    around = made
                self.clusters[scope] = around
        return self.clusters[innermost]

    def way_cluster(self, node: Node, around: Cluster) -> Cluster:
        """The cluster of the part of a derivative that a record belongs to, in those of the parts around it."""
        for each, ended in self.ways:
            if each.began < node.time <= ended:
                if (each.began, ended) not in self.way_clusters:
                    branch = sum(other.branch >= 0 for other in around.clusters) if each.branch else -1
                    self.way_clusters[each.began, ended] = Cluster(each.name, path=around.path, branch=branch)
                    around.clusters.append(self.way_clusters[each.began, ended])
                around = self.way_clusters[each.began, ended]
        return around

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
        every = list(enumerate(arguments(node, op)))
        named = [(i, name, value) for i, (name, value) in every if name not in described]
        operands = [
            (i, name, operand, self.source(operand, name, node.scope, node.time))
            for i, name, operand in named
            if isinstance(operand, (Node, Variable, ndarray))
        ]
        effects = [
            (effect, self.source(effect.tensor, "buffer", node.scope, node.time, "buffer")) for effect in node.effects
        ]
        row = [box.number for box in cluster.boxes[drawn:] if box.kind in HELD]
        cluster.rows += [row] * (len(row) > 1)
        box = self.operation(node, op, [(name, attribute_text(value)) for _, name, value in named])
        computed = [type(operand) is Node and source.kind != "parameter" for *_, operand, source in operands]
        for i, name, operand, source in operands:
            kind = "value" if operand.dtype.kind == "f" else "constant"
            edge = self.uses[node, i] = Edge(source.number, box.number, kind, name if sum(computed) > 1 else "")
            self.edges.append(edge)
        for effect, buffer in effects:
            label = self.effect_text(effect, self.calls.get(node.scope))
            ends = (buffer.number, box.number) if effect.verb == "reads" else (box.number, buffer.number)
            self.edges.append(Edge(*ends, effect.verb, label))

    def operation(self, node: Node, op: Op, settings: Sequence[tuple[str, str]]) -> Box:
        """An operation's box: what came out, and how."""
        call, shown = self.calls.get(node.scope), self.shown[node]
        output = self.outputs.get(node, node)
        lines = [f"out {shown.output or value_text(output, now_if_changed(output, node.time))}"]
        lines.append("  ".join(f"{name}={text}" if name else text for name, text in settings if text))
        lines += shown.lines
        saved, new = self.kept(node, shown)
        kind = "output" if node in self.outputs else "op"
        cluster = self.cluster(node.scope)
        label = f"{self.given[id(node)]}: " if id(node) in self.given else call.label if call else ""
        box = self.add(node, kind, label + op.name, [*lines, saved], self.way_cluster(node, cluster))
        box.lines += [Line(text, alarming=True) for text in shown.alarms]
        box.operation, box.kept, box.operations = op.name, new, 1
        box.summary = [Line(text) for text in shown.lines[: shown.summary]]
        box.module = self.names.paths[call.module] if call else ""
        box.mode = shown.mode
        if shown.mode and call and call.shown:
            cluster.mode = box.mode = mode_of(shown.mode, call.shown.mode)
        return box

    def kept(self, node: Node, shown: Shown) -> tuple[str, int]:
        """What an operation keeps for its derivative, and the bytes of it that no operation before it keeps."""
        if node.saved is None:
            return "saved values: freed by backward" if shown.keeps is not None else "", 0
        arrays = kept_by(node) if shown.keeps is None else shown.keeps.values()
        owners = [memory(array) for array in arrays if isinstance(array, ndarray)]
        sizes = {id(owner): owner.nbytes for owner in owners if id(owner) not in self.held}
        size = sum(sizes.values())
        new = sum(count for key, count in sizes.items() if key not in self.counted)
        self.counted |= sizes.keys()
        return kept_text(list(shown.keeps or ()), size, new) if size or shown.keeps else "", new

    def effect_text(self, effect: Effect, call: Call | None) -> str:
        """What an operation does to a buffer: ``reads``, ``writes 0.1``, ``writes 1/3 (cumulative)``, ``+1 to 3``."""
        note = effect.note
        if effect.weight is not None:
            cumulative = call is not None and call.shown is not None and call.shown.cumulative
            weight = Fraction(effect.weight).limit_denominator(10**9) if cumulative else f"{effect.weight:.3g}"
            note = f"{weight}{' (cumulative)' * cumulative}{note}"
        text = note if note.startswith("+") else f"{effect.verb} {note}".rstrip()
        # nobody has what a pass of its own has written
        return f"{text} to {effect.result}" if effect.result and not self.own_pass else text

    def open(self, expand: Any) -> int:
        """Open the operations that are asked for into their parts; returns how many have some."""
        found = replay(self.nodes, self.outputs, False)
        nodes = {self.boxes[id(node)].number: node for node in self.nodes if node.op is not None}
        first, done = len(self.boxes), 0
        for box, cluster in chosen(expand, self.content):
            node = nodes[box.number]
            parts = parts_of(node, self.shown[node], found.values)
            if not parts:
                continue
            named = zip(node.op.__signature__.parameters, range(len(node.inputs)))
            uses = {name: self.uses[node, i] for name, i in named if (node, i) in self.uses}
            effects = [edge for edge in self.edges if edge.kind in ("reads", "writes")
                       and box.number == (edge.target if edge.kind == "reads" else edge.source)]  # fmt: skip
            gone = {id(edge) for edge in (*uses.values(), *effects)}
            self.edges = [edge for edge in self.edges if id(edge) not in gone]
            now = "" if found.same else ", with the values of now"
            self.edges += opened(box, cluster, parts, uses, effects, first, now)
            first, done = first + len(parts) - 1, done + 1
        return done

    # -- tensors that no operation made --------------------------------------------------------

    def source(self, operand: Any, name: str, scope: Scope | None, time: int, kind: str = "") -> Box:
        """The box of an operand; leaves and constants get theirs at their first use, in the call ``scope``."""
        thing = tensor_of(operand)
        self.used[id(thing)] = time
        if id(thing) in self.boxes:
            return self.boxes[id(thing)]
        kind = kind or self.kind(thing, isinstance(operand, Node))
        title, holder = self.names.leaves.get(id(thing), ("", None))
        title = self.given.get(id(thing)) or title or self.inputs.get(id(thing)) or anonymous(kind, name)
        home = self.home(thing, holder, scope)
        box = self.add(thing, kind, below(title, home.path), [], home)
        box.name = title
        box.elements = math.prod(thing.shape) if kind in HELD else 0
        box.module = self.names.paths[holder] if holder is not None else ""
        self.sources[id(thing)] = operand, box
        return box

    def values(self, operand: Any, box: Box) -> Iterator[Line]:
        """What is read now of a leaf or a constant: its value and its gradient."""
        thing = tensor_of(operand)
        now = now_if_changed(thing, self.used[id(thing)])
        yield Line(value_text(thing, now))
        if box.kind == "buffer" and array_of(thing).size > 1:
            yield Line(f"values{now} {range_text(array_of(thing))}")
        gradient = gradient_of(operand)
        if gradient is not None:
            box.rms = rms = root_mean_square(gradient)
            yield gradient_line(rms, self.cancelled_by(operand, rms), now)

    def say_values_without_gradients(self) -> None:
        """Say the values of inputs, constants and frozen parameters, which have no node; buffers say theirs anyway."""
        for operand, box in self.sources.values():
            if isinstance(operand, Node) or box.kind == "buffer":
                continue
            array = array_of(operand)
            line = Line(elements("value", array, now_if_changed(operand, self.used[id(operand)])))
            box.lines = [*box.lines[: array.ndim > 0], line, *box.lines[1:]]

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

    def reasons(self, gradients: Mapping[Node, ndarray]) -> Iterator[tuple[Node, str]]:
        """For leaves with gradients of a pass of its own, what has cancelled them."""
        for node, gradient in gradients.items():
            if node.op is None:
                rms = root_mean_square(gradient)
                yield node, self.cancelled_by(node, rms, lambda x: gradients.get(x) if isinstance(x, Node) else None)

    def cancelled_by(self, bias: Node, rms: float, gradient: Callable[[Any], ndarray | None] = gradient_of) -> str:
        """The operations that take away what a bias adds to each channel, if all its uses end in them.

        Its gradient is then zero but for rounding: one that is not is of another graph.
        """
        behind: list[Node] = []
        for node, position in self.users[bias]:
            cancelled = all(first == 0 and self.shown[user].cancels for user, first in self.users[node])
            if self.shown[node].adds != position or node in self.outputs or not cancelled:
                return ""
            others = [gradient(operand) for i, operand in enumerate(node.inputs) if i != position]
            sizes = [root_mean_square(each) for each in others if each is not None]
            if sizes and rms > 1e-3 * max(sizes):
                return ""
            behind += [user for user, _ in self.users[node]]
        return ", ".join(dict.fromkeys(self.name(node) for node in behind))

    def name(self, node: Node) -> str:
        """The module call that an operation belongs to and its class, or what the operation is."""
        call = self.calls.get(node.scope)
        if call is None:
            return str(node.op.name)
        kind = type(call.module).__name__
        return call.name if call.name.startswith(kind) else f"{call.name}: {kind}"
