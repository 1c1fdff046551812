"""A description as a Mermaid flowchart, which pages such as those of GitHub draw by themselves."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from .description import CLUSTER, EFFECT, KINDS, MODES, Box, Cluster, Colours, Edge, Picture

SHAPES = {
    "parameter": ("[/", "/]"),
    "frozen": ("[/", "/]"),
    "buffer": ("[(", ")]"),
    "input": ("([", "])"),
    "op": ("[", "]"),
    "output": ("[[", "]]"),
}
ARROWS = {"value": "-->", "constant": "-.->", "reads": "-.->", "writes": "-.->"}


def to_mermaid(picture: Picture) -> str:
    """The whole text; the same for equal pictures."""
    lines = ["---", f'title: "{escape(picture.header)}"', "---", "flowchart TD"]
    lines += inside(picture.content, "  ", itertools.count())
    lines += (arrow(edge) for edge in picture.edges)
    colours = {**KINDS, **{f"{name}Mode": mode.colours for name, mode in MODES.items()}}
    lines += (f"  classDef {name} {look(some)}" for name, some in colours.items())
    lines.append("  classDef frozen stroke-dasharray:5 5")
    effects = [str(i) for i, edge in enumerate(picture.edges) if edge.kind in ("reads", "writes")]
    lines += [f"  linkStyle {','.join(effects)} stroke:{EFFECT}"] * bool(effects)
    return "\n".join(lines) + "\n"


def inside(cluster: Cluster, indent: str, numbers: Iterator[int]) -> Iterator[str]:
    """The boxes and clusters in a cluster. It calls itself as deep as modules are nested."""
    for box in cluster.boxes:
        yield f"{indent}{node(box)}"
    for inner in cluster.clusters:
        mode, name = MODES.get(inner.mode), f"c{next(numbers)}"
        title = f"{inner.title} {mode.text}" if mode else inner.title
        yield f'{indent}subgraph {name}["{escape(title)}"]'
        yield from inside(inner, indent + "  ", numbers)
        yield f"{indent}end"
        yield f"{indent}style {name} {look(mode.colours if mode else CLUSTER)}"


def node(box: Box) -> str:
    """One box; alarming lines have a sign in front, since colours within a text are not kept everywhere."""
    opening, closing = SHAPES[box.kind]
    lines = ["⚠ " * line.alarming + escape(line.text) for line in box.lines]
    text = "<br/>".join([f"<b>{escape(box.title)}</b>", *lines])
    return f'n{box.number}{opening}"{text}"{closing}:::{f"{box.mode}Mode" if box.mode else box.kind}'


def arrow(edge: Edge) -> str:
    """One edge."""
    label = f'|"{escape(edge.label)}"|' if edge.label else ""
    return f"  n{edge.source} {ARROWS[edge.kind]}{label} n{edge.target}"


def look(colours: Colours) -> str:
    """Colours as a style."""
    return f"fill:{colours.inside},stroke:{colours.border},color:#000000"


def escape(text: str) -> str:
    """Text inside quotes: what could be markup as the number of its character."""
    text = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"[^\w .,:=+\-()\[\]/|]", lambda found: f"#{ord(found[0])};", text) or " "
