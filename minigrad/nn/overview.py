"""What a tree of modules holds, as a table: each layer with its parameters, buffers and mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..engine.shown import ModuleShown
from ..reports.table import html_block, html_table, text_table
from ..tensor.tensor import Tensor
from .parameter import Buffer, Parameter
from .tree import Branch, joined, members

COLUMNS = ("layer", "output", "parameters", "buffers", "mode", "batches", "saves")
SHORTEST = 14
"""Characters of a layer that are left in a wide table."""
NUMBERS = ("parameters", "buffers", "batches", "saves")


class Layer(NamedTuple):
    """One module of a tree, in one of its places there, with what it holds itself."""

    path: str
    """Its dotted name; nothing for the outermost."""
    name: str
    """Its name in the module that holds it."""
    module: Any
    level: int
    """How many modules it is inside of."""
    first: bool
    """Whether this is the first of its places, in which what it holds is counted."""
    parameters: int
    """Elements of its own parameters that no layer before it has; what is inside of it is not counted here."""
    fixed: int
    """Those of them that are not trained."""
    buffers: int
    """Elements of its own buffers."""
    mode: str
    """``train``, ``eval``, or ``frozen``; ``mixed`` of several."""
    batches: int | None
    """Training batches that a BatchNorm has seen; None for other modules."""
    output: str = ""
    """The shape of what its first call returned."""
    saved: int | None = None
    """Bytes that its operations keep for backward; None if they have not been measured."""

    @property
    def cells(self) -> list[str]:
        """Its line of the table, all columns."""
        kind = type(self.module).__name__
        held = f"{self.parameters:,}" if self.parameters else ""
        if self.fixed:
            held = f"({held})" if self.fixed == self.parameters else f"{held}*"
        return [
            "  " * self.level + (f"{self.name}: {kind}" if self.level else kind),
            self.output,
            held,
            f"{self.buffers:,}" if self.buffers else "",
            self.mode,
            "" if self.batches is None else f"{self.batches:,}",
            size(self.saved) if self.saved else "",
        ]


def layers(root: Branch) -> tuple[list[Layer], list[str]]:
    """The modules of a tree, each before those that it holds, and notes of what is in several places."""
    found: list[Layer] = []
    notes: list[str] = []
    places: dict[int, str] = {}
    open_ones: list[tuple[str, str, Any, int]] = [("", "", root, 0)]
    while open_ones:
        path, name, module, level = open_ones.pop()
        if id(module) in places:
            notes.append(f"{path} is {places[id(module)] or 'the model itself'}: one module in two places.")
            found.append(Layer(path, name, module, level, False, 0, 0, 0, mode_of(module), None))
            continue
        places[id(module)] = path
        inside = list(members(module))
        own = [*unseen(path, inside, places, notes)]
        weights = [p for p in own if isinstance(p, Parameter)]
        fixed = sum(p.array.size for p in weights if not p.requires_grad)
        kept = sum(b.array.size for b in own if isinstance(b, Buffer))
        counted = sum(p.array.size for p in weights), fixed, kept
        found.append(Layer(path, name, module, level, True, *counted, mode_of(module), batches_of(module)))
        below = [(joined(path, key), key, value, level + 1) for key, value in inside if isinstance(value, Branch)]
        open_ones += below[::-1]
    return found, notes


def unseen(path: str, inside: Iterable[tuple[str, Any]], places: dict[int, str], notes: list[str]) -> Iterator[Tensor]:
    """The parameters and buffers that no module before has."""
    for name, value in inside:
        if not isinstance(value, (Parameter, Buffer)):
            continue
        full = joined(path, name)
        if id(value) in places:
            notes.append(f"{full} is {places[id(value)]}: one {type(value).__name__.lower()} in two places.")
        else:
            places[id(value)] = full
            yield value


def mode_of(module: Any) -> str:
    """The mode of one module."""
    shown: ModuleShown | None = module._shows()
    return (shown.mode if shown else "") or ("train" if module.training else "eval")


def batches_of(module: Any) -> int | None:
    """How many training batches a module has counted."""
    count = vars(module).get("num_batches_tracked")
    return int(count.item()) if isinstance(count, Buffer) else None


def folded(rows: Sequence[Layer], depth: int | None) -> list[Layer]:
    """Layers down to a depth, each that is at it with all that is inside of it."""
    found: list[Layer] = []
    for row in rows:
        if depth is None or row.level <= depth:
            found.append(row)
            continue
        whole = found[-1]
        found[-1] = whole._replace(
            parameters=whole.parameters + row.parameters,
            fixed=whole.fixed + row.fixed,
            buffers=whole.buffers + row.buffers,
            mode=whole.mode if row.mode == whole.mode else "mixed",
            saved=None if whole.saved is None else whole.saved + (row.saved or 0),
        )
    return found


def size(count: int) -> str:
    """A number of bytes in a few characters: ``512 B``, ``1.5 kB``, ``23 MB``."""
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def table(rows: Sequence[Layer]) -> tuple[list[str], list[list[str]]]:
    """Header and cells without the columns in which there is nothing."""
    cells = [row.cells for row in rows]
    used = [i for i, column in enumerate(zip(*cells)) if any(column)]
    return [COLUMNS[i] for i in used], [[row[i] for i in used] for row in cells]


def totals(root: Branch, rows: Sequence[Layer]) -> str:
    """What all layers hold together."""
    parameters, fixed = sum(row.parameters for row in rows), sum(row.fixed for row in rows)
    buffers = sum(row.buffers for row in rows)
    stored = {id(value): value.array.nbytes for row in rows for _, value in members(row.module) if is_leaf(value)}
    fixed_text = f" ({parameters - fixed:,} trained, {fixed:,} fixed)" if fixed else ""
    buffers_text = f", {buffers:,} values in buffers" if buffers else ""
    return f"{parameters:,} parameters{fixed_text}{buffers_text}: {size(sum(stored.values()))}."


def is_leaf(value: Any) -> bool:
    """Whether it is a parameter or a buffer."""
    return isinstance(value, (Parameter, Buffer))


def as_text(rows: Sequence[Layer]) -> str:
    """The layers as lines of text."""
    header, cells = table(rows)
    return text_table(header, cells, NUMBERS, SHORTEST)


def as_html(rows: Sequence[Layer]) -> str:
    """The layers for notebooks; the tree is made of spaces that browsers keep."""
    header, cells = table(rows)
    return html_table(header, [[first.replace("  ", "\u2003"), *rest] for first, *rest in cells], NUMBERS)


def module_as_html(root: Branch) -> str:
    """A module for notebooks, without running it; the table leaves out the settings, which one layer begins with."""
    rows, notes = layers(root)
    settings = [repr(root)] if len(rows) == 1 and "\n" not in repr(root) else []
    return html_block(settings, as_html(rows), [totals(root, rows), *notes])
