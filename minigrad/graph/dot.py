"""A description as DOT text, the language of Graphviz."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .appearance import ALARM, ALARM_SIGN, CLUSTER, EFFECT, MODES
from .description import Box, Cluster, Edge, Picture
from .text import LONGEST, LONGEST_HEADER, LONGEST_TOOLTIP, points, shortened

FONTS = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
TITLE, TEXT, LABEL = 11, 10, 8
"""Sizes of clusters' titles, of boxes and of edges' labels, in points."""
HEAD = f"""\
digraph minigrad {{
  graph [fontname="{FONTS}" fontsize={TITLE} labelloc=t nodesep=0.3 ranksep=0.45]
  node [fontname="{FONTS}" fontsize={TEXT} margin="0.06,0.04" style=filled]
  edge [fontname="{FONTS}" fontsize={LABEL} color="#555555" arrowsize=0.7]"""

SHAPES = {
    "parameter": "shape=note",
    "frozen": 'shape=note style="filled,dashed"',
    "buffer": "shape=cylinder",
    "input": 'shape=box style="filled,rounded"',
    "op": "shape=box",
    "output": "shape=box peripheries=2",
    "module": "shape=box3d",
    "held": "shape=folder",
}
COMPUTED = {"op", "output", "module"}
"""The kinds of operations and of what stands for some."""
ARROWS = {
    "value": "style=solid",
    "constant": "style=dotted",
    "reads": f'style=dashed color="{EFFECT}"',
    # without the constraint buffers stay above their operation in both modes
    "writes": f'style=dashed color="{EFFECT}" constraint=false',
}


def to_dot(picture: Picture) -> str:
    """The whole text; the same for equal pictures."""
    places: dict[int, str] = {}
    group, weight = straight(picture)
    header = heading(picture.header.splitlines(), LONGEST_HEADER)
    lines = [HEAD, f"  label=<{header}>"]
    lines += inside(picture.content, "cluster", "  ", places, group)
    computed = {box.number for box in picture.content.all_boxes() if box.kind in COMPUTED}
    for edge in picture.edges:
        lines.append(arrow(edge, places, weight if {edge.source, edge.target} <= computed else ""))
    return "\n".join([*lines, "}"]) + "\n"


def straight(picture: Picture) -> tuple[str, str]:
    """What keeps the operations of a net in one column: an attribute of their boxes, and one of the edges between them.

    Measured with Graphviz 14.1.5, in points: 20 blocks of Linear-BatchNorm-ReLU are 1,052 instead of 5,100 wide, nets
    with residual connections 0.97 to 1.1 times as wide. Where a module is called twice a column makes them higher.
    """
    return ("", "weight=2") if picture.reused else (" group=main", "weight=8")


def inside(cluster: Cluster, name: str, indent: str, places: dict[int, str], group: str) -> Iterator[str]:
    """The boxes and clusters in a cluster, and in ``places`` the name of each box's cluster.

    The name begins with that of the cluster around. This function calls itself as deep as modules are nested.
    """
    for box in cluster.boxes:
        places[box.number] = name
        yield f"{indent}{node(box, group)}"
    for side_by_side in cluster.rows:  # invisible edges: versions of Graphviz differ in the order they choose
        yield f"{indent}{{rank=same {' -> '.join(f'n{number}' for number in side_by_side)} [style=invis]}}"
    for i, inner in enumerate(cluster.clusters):
        mode = MODES.get(inner.mode)
        title = told(inner)
        colours = mode.colours if mode else CLUSTER
        yield f"{indent}subgraph {name}_{i} {{"
        yield f"{indent}  label=<{heading([title])}>{tooltip([inner.title])} style=rounded penwidth={2 if mode else 1}"
        yield f'{indent}  bgcolor="{colours.inside}" color="{colours.border}"'
        yield from inside(inner, f"{name}_{i}", indent + "  ", places, group)
        yield f"{indent}}}"


def node(box: Box, group: str = "") -> str:
    """One box: a table with its title in the first row."""
    title, fill, border = box.colours
    rows = [
        row(told(box) if box.kind == "module" else box.title, f' BGCOLOR="{title}"', "B"),
        *(row(text, "", "", alarm) for text, alarm in box.lines),
    ]
    look = f'{SHAPES[box.kind]} fillcolor="{fill}" color="{border}" penwidth={2 if box.mode else 1}'
    whole = tooltip([box.name or box.title, *(line.text for line in box.lines)])
    return f"n{box.number} [label=<{table(rows, 2)}>{whole} {look}{group if box.kind in COMPUTED else ''}]"


def told(call: Cluster | Box) -> str:
    """The title of a module call, with its mode."""
    return shortened(call.title) + (f"  {MODES[call.mode].text}" if call.mode else "")


@functools.lru_cache(maxsize=1024)
def row(text: str, look: str = "", tag: str = "", alarming: bool = False) -> str:
    """One line of a table, with room for it in any font that a viewer may have."""
    shown = ALARM_SIGN * alarming + shortened(text)
    content = f"<{tag}>{escape(shown)}</{tag}>" if tag else escape(shown)
    content = f'<FONT COLOR="{ALARM}">{content}</FONT>' if alarming else content
    return f'<TR><TD ALIGN="LEFT" WIDTH="{points(shown, TEXT, bool(tag))}"{look}>{content}</TD></TR>'


def heading(lines: Sequence[str], longest: int = 2 * LONGEST) -> str:
    """The lines above a cluster or above all."""
    shown = [shortened(line, longest) for line in lines]
    return table([f'<TR><TD WIDTH="{points(line, TITLE)}">{escape(line)}</TD></TR>' for line in shown], 0)


def table(rows: Iterable[str], padding: int) -> str:
    """Rows without lines between them."""
    look = f'BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="{padding}"'
    return f"<TABLE {look}>{''.join(rows)}</TABLE>"


def tooltip(texts: Sequence[str]) -> str:
    """The attribute that shows what had to be shortened, when pointed at; nothing if that was nothing."""
    # Graphviz replaces backslash sequences in them twice
    whole = [escape(escape_backslashes(shortened(text, LONGEST_TOOLTIP))) for text in texts if len(text) > LONGEST]
    return f' tooltip="{"&#10;".join(whole)}"' if whole else ""


def arrow(edge: Edge, places: Mapping[int, str], weight: str = "") -> str:
    """One edge. One that enters a cluster spans two ranks: the cluster's parameters then start below its source."""
    enters = not f"{places[edge.source]}_".startswith(f"{places[edge.target]}_")
    label = f"label=<{escape(shortened(edge.label))}>" * bool(edge.label)
    look = [ARROWS[edge.kind], label, "minlen=2" * enters, weight]
    return f"  n{edge.source} -> n{edge.target} [{' '.join(filter(None, look))}]"


def escape(text: str) -> str:
    """Text inside a label: no markup."""
    return html.escape(escape_backslashes(text)) or " "


def escape_backslashes(text: str) -> str:
    """Two backslashes for one: Graphviz replaces backslash sequences also in labels that are HTML."""
    return text.replace("\\", "\\\\")
