"""Reductions in C: sums and the like over some of the loops of a nest, places of maxima, and scans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .elements import c_type, c_working, expression, identity
from .fusion import Part, linear, own_index
from .nodes import Index, Node
from .placing import LINE

if TYPE_CHECKING:
    from .loops import Nest

COMBINED = {
    "add": "{0} += {1};", "multiply": "{0} *= {1};",
    "maximum": "{0} = ({1} > {0} || {1} != {1}) ? {1} : {0};",
    "minimum": "{0} = ({1} < {0} || {1} != {1}) ? {1} : {0};",
    "logical_or": "{0} |= {1};", "logical_and": "{0} &= {1};", "bitwise_or": "{0} |= {1};",
    "bitwise_and": "{0} &= {1};",
}  # fmt: skip
"""How an element goes into a reduction."""

CLAUSES = {"add": "+", "multiply": "*", "maximum": "max", "minimum": "min", "logical_or": "|", "logical_and": "&",
           "bitwise_or": "|", "bitwise_and": "&"}  # fmt: skip

MOST_ON_STACK = 1 << 11
"""Sums of a loop nest, of 8 bytes each, that are variables: a thread of another one's may have a small stack."""


def reduce(nest: Nest, part: Part) -> None:
    """A sum, or the like, over some of the loops; of a scan each element on the way is stored."""
    node, index = part.node, own_index(part.shape)
    is_scan = node.kind == "scan"
    reduced = nest.reduced(part)
    name, _ = nest.value(node.args[0], index)
    kept_axes: Index = tuple(axis for a, axis in enumerate(index) if is_scan or a not in node.attribute)
    result = linear(kept_axes, node.strides)
    nest.accesses.append((result, 1))
    first = nest.first(reduced)
    inner = [n for n in range(first, len(nest.loops)) if nest.loops[n][0] not in reduced]
    wide = "double" if node.op in ("add", "multiply") and node.dtype.kind == "f" else c_working(node.dtype)
    nest.count += 1
    total, begin = f"s{nest.count}", identity(node.op, node.dtype)
    narrow = f"({c_type(node.dtype)})" if wide != c_type(node.dtype) else ""
    if is_scan:
        target = totals(nest, wide, total, begin, first, inner)
        step = COMBINED.get(node.op, f"{{0}} = {expression(node.op, ['{0}', '{1}'], node.dtype, node.dtype)};")
        nest.tail[-1].append(step.format(target, name))
        nest.tail[-1].append(f"{nest.array(node)}[{nest.text(result)}] = {narrow}{target};")
        return
    if not inner:
        scalar(nest, node, total, begin, wide, name, first, f"{nest.array(node)}[{nest.text(result)}] = {narrow}{{0}};")
        return
    if nest.tile:
        nest.begin.append(f"{wide} {total}[COLUMNS];")
        nest.begin.append(f"for (long l = 0; l < COLUMNS; l++) {total}[l] = {begin};")
        nest.tail[-1].append(COMBINED[node.op].format(f"{total}[l]", name))
        text = nest.text(result).replace(f"i{inner[0]}", "(t + l)")
        nest.end.append(f"for (long l = 0; l < COLUMNS; l++) {nest.array(node)}[{text}] = {narrow}{total}[l];")
        return
    target = totals(nest, wide, total, begin, first, inner)
    loops, vectors = loops_over(nest, inner), len(nest.loops) - 1 - nest.written_out
    if nest.loops[vectors][0] in reduced:  # first over the inner loop alone, in a variable
        into = COMBINED[node.op].format(target, "{0}")
        scalar(nest, node, f"{total}i", begin, wide, name, vectors, into)
    else:
        nest.tail[-1].append(COMBINED[node.op].format(target, name))
    nest.tail[first].append(f"{loops}{nest.array(node)}[{nest.text(result)}] = {narrow}{target};")


def loops_over(nest: Nest, inner: Sequence[int]) -> str:
    """The heads of some loops."""
    return "".join(f"for (long i{n} = 0; i{n} < {nest.size(n)}; i{n}++) " for n in inner)


def totals(nest: Nest, kind: str, name: str, begin: str, first: int, inner: Sequence[int]) -> str:
    """Variables for what is added up over the loops from the first on, one for each turn of those within."""
    if not inner:
        nest.head[first].append(f"{kind} {name} = {begin};")
        return name
    size = int(np.prod([nest.size(n) for n in inner]))
    strides, step = {}, 1
    for n in reversed(inner):
        strides[n], step = step, step * nest.size(n)
    if size > MOST_ON_STACK:
        nest.head[first].append(f"{kind} *{name} = ({kind} *)(scratch + {nest.scratch});")
        nest.scratch += -(-size * 8 // LINE) * LINE
    else:
        nest.head[first].append(f"{kind} {name}[{size}];")
    nest.head[first].append(f"for (long i = 0; i < {size}; i++) {name}[i] = {begin};")
    own = " + ".join(f"{strides[n]} * i{n}" if strides[n] != 1 else f"i{n}" for n in inner)
    return f"{name}[{own}]"


def argument(nest: Nest, part: Part) -> None:
    """The first place of the largest or smallest element along an axis; of a NaN, if there is one."""
    node, (x,) = part.node, part.node.args
    index, (axis,) = own_index(part.shape), node.attribute
    name, _ = nest.value(x, index)
    result = linear(tuple(each for a, each in enumerate(index) if a != axis), node.strides)
    nest.accesses.append((result, 1))
    first = nest.first(nest.reduced(part))
    inner = range(first + 1, len(nest.loops))
    nest.count += 1
    best = totals(nest, c_working(x.dtype), f"s{nest.count}", identity(node.op, x.dtype), first, inner)
    place = totals(nest, "int64_t", f"p{nest.count}", "0", first, inner)
    better = f"{name} {'>' if node.op == 'maximum' else '<'} {best}"
    if x.dtype.kind == "f":
        better = f"{better} || ({name} != {name} && {best} == {best})"
    nest.tail[-1].append(f"if ({better}) {{ {best} = {name}; {place} = i{first}; }}")
    nest.tail[first].append(f"{loops_over(nest, inner)}{nest.array(node)}[{nest.text(result)}] = {place};")


def scalar(nest: Nest, node: Node, total: str, begin: str, wide: str, name: str, first: int, store: str) -> None:
    """A reduction into one variable, and what becomes of it; a NaN is noted apart, because lanes forget it."""
    nest.head[first].append(f"{wide} {total} = {begin};")
    is_last = first == len(nest.loops) - 1 - nest.written_out
    if is_last:
        nest.clauses.append(f"reduction({CLAUSES[node.op]}:{total})")
    if node.op in ("maximum", "minimum") and node.dtype.kind == "f":
        sign = ">" if node.op == "maximum" else "<"
        nest.head[first].append(f"int {total}n = 0;")
        nest.tail[-1] += [f"{total} = {name} {sign} {total} ? {name} : {total};", f"{total}n |= {name} != {name};"]
        if is_last:
            nest.clauses.append(f"reduction(|:{total}n)")
        nest.tail[first].append(store.format(f"({total}n ? NAN : {total})"))
        return
    nest.tail[-1].append(COMBINED[node.op].format(total, name))
    nest.tail[first].append(store.format(total))
