"""A description as DOT text, the language of Graphviz."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping

from .description import ALARM, CLUSTER, EFFECT, MODES, Box, Cluster, Edge, Line, Picture

HEAD = """\
digraph minigrad {
  graph [fontname="Helvetica,sans-Serif" fontsize=11 labelloc=t nodesep=0.3 ranksep=0.45]
  node [fontname="Helvetica,sans-Serif" fontsize=10 margin="0.06,0.04" style=filled]
  edge [fontname="Helvetica,sans-Serif" fontsize=8 color="#555555" arrowsize=0.7]"""

SHAPES = {
    "parameter": "shape=note",
    "frozen": 'shape=note style="filled,dashed"',
    "buffer": "shape=cylinder",
    "input": 'shape=box style="filled,rounded"',
    "op": "shape=box",
    "output": "shape=box peripheries=2",
}
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
    lines = [HEAD, f"  label=<{escape(picture.header)}>", *inside(picture.content, "cluster", "  ", places)]
    lines += (arrow(edge, places) for edge in picture.edges)
    return "\n".join([*lines, "}"]) + "\n"


def inside(cluster: Cluster, name: str, indent: str, places: dict[int, str]) -> Iterator[str]:
    """The boxes and clusters in a cluster, and in ``places`` the name of each box's cluster.

    The name begins with that of the cluster around. This function calls itself as deep as modules are nested.
    """
    for box in cluster.boxes:
        places[box.number] = name
        yield f"{indent}{node(box)}"
    for i, inner in enumerate(cluster.clusters):
        mode = MODES.get(inner.mode)
        title = f"{inner.title}  {mode.text}" if mode else inner.title
        colours = mode.colours if mode else CLUSTER
        yield f"{indent}subgraph {name}_{i} {{"
        yield f"{indent}  label=<{escape(title)}> style=rounded penwidth={2 if mode else 1}"
        yield f'{indent}  bgcolor="{colours.inside}" color="{colours.border}"'
        yield from inside(inner, f"{name}_{i}", indent + "  ", places)
        yield f"{indent}}}"


def node(box: Box) -> str:
    """One box: a table with its title in the first row."""
    title, fill, border = box.colours
    rows = [f'<TR><TD ALIGN="LEFT" BGCOLOR="{title}"><B>{escape(box.title)}</B></TD></TR>', *map(row, box.lines)]
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">{"".join(rows)}</TABLE>'
    look = f'{SHAPES[box.kind]} fillcolor="{fill}" color="{border}" penwidth={2 if box.mode else 1}'
    return f"n{box.number} [label=<{table}> {look}]"


def row(line: Line) -> str:
    """One line of a box."""
    text = escape(line.text)
    text = f'<FONT COLOR="{ALARM}">{text}</FONT>' if line.alarming else text
    return f'<TR><TD ALIGN="LEFT">{text}</TD></TR>'


def arrow(edge: Edge, places: Mapping[int, str]) -> str:
    """One edge. One that enters a cluster spans two ranks: the cluster's parameters then start below its source."""
    enters = not f"{places[edge.source]}_".startswith(f"{places[edge.target]}_")
    look = [ARROWS[edge.kind], f"label=<{escape(edge.label)}>" * bool(edge.label), "minlen=2" * enters]
    return f"  n{edge.source} -> n{edge.target} [{' '.join(filter(None, look))}]"


def escape(text: str) -> str:
    """Text inside a label: no markup, no control characters."""
    return html.escape("".join(c if c.isprintable() else " " for c in text)) or " "
