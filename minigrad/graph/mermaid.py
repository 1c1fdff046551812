"""A description as a Mermaid flowchart, which pages such as those of GitHub draw by themselves."""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Iterator

from .appearance import ALARM_SIGN, MODES, THEMES, Colours, Theme
from .description import Box, Cluster, Edge, Picture
from .text import LONGEST_HEADER, one_line, shortened

SHAPES = {
    "parameter": ("[/", "/]"),
    "frozen": ("[/", "/]"),
    "buffer": ("[(", ")]"),
    "input": ("([", "])"),
    "op": ("[", "]"),
    "output": ("[[", "]]"),
    "module": ("{{", "}}"),
    "held": ("[\\", "\\]"),
}
ARROWS = {"value": "-->", "constant": "-.->", "reads": "-.->", "writes": "-.->"}
MARKUP = re.compile(
    r"[^\w .,:=+\-()\[\]/|]"  # quotes, brackets of tags, and whatever else may get a meaning
    r"|(?<![^\W_])_|_(?![^\W_])"  # emphasis: underscores that are not within a word
    r"|^[+\-](?= )|(?<=^\d)[.)](?= )|(?<=^\d\d)[.)](?= )"  # items of lists
)
EDGES, CHARACTERS = 500, 50_000
"""What pages accept by default; a diagram cannot raise it for itself."""


def too_large(picture: Picture, text: str) -> str:
    """Why pages will refuse a flowchart, with the cure; nothing if they will not."""
    characters = len(text.encode("utf-16-le")) // 2  # as JavaScript counts
    if len(picture.edges) <= EDGES and characters <= CHARACTERS:
        return ""
    return (
        f"a flowchart with {len(picture.edges):,} edges and {characters:,} characters is more than Mermaid shows "
        f"({EDGES} edges, {CHARACTERS:,} characters): save the graph as .svg."
    )


def to_mermaid(picture: Picture) -> str:
    """The whole text; the same for equal pictures."""
    theme = THEMES[picture.theme]
    title = json.dumps(shortened(one_line(picture.header), LONGEST_HEADER), ensure_ascii=False)  # YAML, not Mermaid
    lines = ["---", f"title: {title}", "---", "flowchart TD"]
    lines += inside(picture.content, "  ", itertools.count(), theme)
    lines += (arrow(edge) for edge in picture.edges)
    colours = {**theme.kinds, **{f"{name}Mode": mode for name, mode in theme.modes.items()}}
    lines += (f"  classDef {name} {look(some, theme)}" for name, some in colours.items())
    lines.append("  classDef frozen stroke-dasharray:5 5")
    effects = [str(i) for i, edge in enumerate(picture.edges) if edge.kind in ("reads", "writes")]
    lines += [f"  linkStyle {','.join(effects)} stroke:{theme.effect}"] * bool(effects)
    return "\n".join(lines) + "\n"


def inside(cluster: Cluster, indent: str, numbers: Iterator[int], theme: Theme) -> Iterator[str]:
    """The boxes and clusters in a cluster. It calls itself as deep as modules are nested."""
    for box in cluster.boxes:
        yield f"{indent}{node(box)}"
    for inner in cluster.clusters:
        mode, name = MODES.get(inner.mode), f"c{next(numbers)}"
        mode_text = f" {escape(mode.text)}" if mode else ""
        yield f'{indent}subgraph {name}["{escape(inner.title)}{mode_text}"]'
        yield from inside(inner, indent + "  ", numbers, theme)
        yield f"{indent}end"
        yield f"{indent}style {name} {look(theme.modes[inner.mode] if mode else theme.cluster, theme)}"


def node(box: Box) -> str:
    """One box; alarming lines have a sign in front, since colours within a text are not kept everywhere."""
    opening, closing = SHAPES[box.kind]
    lines = [ALARM_SIGN * line.alarming + escape(line.text) for line in box.lines]
    for each in box.rows:
        happens = f" {each.effect}" if each.effect else ""
        alarm = ALARM_SIGN * any(line.alarming for line in each.lines)
        lines.append(escape(f"{alarm}{each.title}: {'  '.join(line.text for line in each.lines)}{happens}"))
    title = f"{box.title} {MODES[box.mode].text}" if box.mode and box.kind == "module" else box.title
    text = "<br/>".join([f"<b>{escape(title)}</b>", *lines])
    return f'n{box.number}{opening}"{text}"{closing}:::{f"{box.mode}Mode" if box.mode else box.kind}'


def arrow(edge: Edge) -> str:
    """One edge."""
    label = f'|"{escape(edge.label)}"|' if edge.label else ""
    return f"  n{edge.source} {ARROWS[edge.kind]}{label} n{edge.target}"


def look(colours: Colours, theme: Theme) -> str:
    """Colours as a style."""
    return f"fill:{colours.inside},stroke:{colours.border},color:{theme.text}"


@functools.lru_cache(maxsize=1024)
def escape(text: str) -> str:
    """Text inside quotes: what could be markup as the number of its character."""
    return MARKUP.sub(lambda found: f"#{ord(found[0])};", shortened(text)) or " "
