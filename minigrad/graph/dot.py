"""A description as DOT text, the language of Graphviz."""

from __future__ import annotations

import functools
import html
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .appearance import ALARM_SIGN, MODES, THEMES, Colours, Theme
from .description import Box, Cluster, Edge, Line, Picture, Row
from .text import LONGEST, LONGEST_HEADER, LONGEST_TOOLTIP, points, shortened

FONTS = "Helvetica,Arial,Liberation Sans,DejaVu Sans,sans-serif"
TITLE, TEXT, LABEL = 11, 10, 8
"""Sizes of clusters' titles, of boxes and of edges' labels, in points."""
HEAD = f"""\
digraph minigrad {{
  graph [fontname="{FONTS}" fontsize={TITLE} labelloc=t nodesep=0.3 ranksep=0.45]
  node [fontname="{FONTS}" fontsize={TEXT} margin="0.10,0.04" style=filled]
  edge [fontname="{FONTS}" fontsize={LABEL} color="%(edge)s" arrowsize=0.7]"""
COLOURED = """
  graph [bgcolor="%(background)s" fontcolor="%(text)s"]
  node [fontcolor="%(text)s"]
  edge [fontcolor="%(text)s"]"""
"""Added in themes whose text is not black on white."""

SHAPES = {
    "parameter": "shape=note",
    "frozen": 'shape=note style="filled,dashed"',
    "buffer": "shape=cylinder",
    "input": 'shape=box style="filled,rounded"',
    "op": "shape=box",
    "output": "shape=box peripheries=2",
    "module": 'shape=box3d margin="0.14,0.11"',  # room for its edges
    "held": "shape=folder",
}
COMPUTED = {"op", "output", "module"}
"""The kinds of operations and of what stands for some."""
ARROWS = {
    "value": "style=solid",
    "constant": "style=dotted",
    "reads": 'style=dashed color="%(effect)s"',
    # without the constraint buffers stay above their operation in both modes
    "writes": 'style=dashed color="%(effect)s" constraint=false',
}


def to_dot(picture: Picture) -> str:
    """The whole text; the same for equal pictures."""
    places: dict[int, str] = {}
    theme = THEMES[picture.theme]
    colours = theme._asdict()
    head = HEAD + COLOURED * (theme.background != THEMES["light"].background)
    arrows = {kind: look % colours for kind, look in ARROWS.items()}
    group, weight = straight(picture)
    header = heading(picture.header.splitlines(), LONGEST_HEADER)
    lines = [head % colours, f"  label=<{header}>"]
    lines += inside(picture.content, "cluster", "  ", places, group, theme)
    computed = sorted(box.number for box in picture.content.all_boxes() if box.kind in COMPUTED)
    column = set(itertools.pairwise(computed))
    for edge in picture.edges:
        lines.append(arrow(edge, places, arrows, theme.only, weight if (edge.source, edge.target) in column else ""))
    lines += below(picture)
    return "\n".join([*lines, "}"]) + "\n"


def below(picture: Picture) -> Iterator[str]:
    """Invisible edges from the last operation to the first boxes of clusters that stand below all others."""
    low = {box.number for cluster in picture.content.clusters if cluster.below for box in cluster.all_boxes()}
    computed = [box.number for box in picture.content.all_boxes() if box.kind in COMPUTED and box.number not in low]
    first = sorted(low - {edge.target for edge in picture.edges})
    yield from (f"  n{max(computed)} -> n{number} [style=invis]" for number in first if computed)


def straight(picture: Picture) -> tuple[str, str]:
    """What keeps the operations of a net in one column: attributes of their boxes, and of the edges to the next one.

    Measured with Graphviz 14.1.5, in points: 20 blocks of Linear-BatchNorm-ReLU are 1,052 instead of 5,100 wide, 20
    residual ones 715 (2,563 if the edges around a block had the weight, too). Where a module is called twice a column
    makes pictures higher.
    """
    return ("", "weight=2") if picture.reused else (" group=main", "weight=8")


def inside(
    cluster: Cluster, name: str, indent: str, places: dict[int, str], group: str, theme: Theme
) -> Iterator[str]:  # fmt: skip
    """The boxes and clusters in a cluster, and in ``places`` the name of each box's cluster.

    The name begins with that of the cluster around. This function calls itself as deep as modules are nested.
    """
    for box in cluster.boxes:
        places[box.number] = name
        yield f"{indent}{node(box, theme, group)}"
    for side_by_side in cluster.rows:  # invisible edges: versions of Graphviz differ in the order they choose
        yield f"{indent}{{rank=same {' -> '.join(f'n{number}' for number in side_by_side)} [style=invis]}}"
    for i, inner in enumerate(cluster.clusters):
        title, colours = told(inner), colours_of(inner, theme)
        width = 1 if colours is theme.cluster else 2
        yield f"{indent}subgraph {name}_{i} {{"
        yield f"{indent}  label=<{heading([title])}>{tooltip([inner.title])} style=rounded penwidth={width}"
        yield f'{indent}  bgcolor="{colours.inside}" color="{colours.border}"'
        yield from inside(inner, f"{name}_{i}", indent + "  ", places, group, theme)
        yield f"{indent}}}"


def colours_of(cluster: Cluster, theme: Theme) -> Colours:
    """Those of its mode, of its branch of a derivative, or plain ones."""
    if cluster.mode:
        return halves(theme) if cluster.mode == "both" else theme.modes[cluster.mode]
    return theme.branches[cluster.branch % len(theme.branches)] if cluster.branch >= 0 else theme.cluster


def halves(theme: Theme) -> Colours:
    """Of a picture of both modes: from the colours of training on the left to those of evaluation on the right."""
    train, evaluation = theme.modes["train"], theme.modes["eval"]
    inside, title = f"{train.inside}:{evaluation.inside}", f"{train.title}:{evaluation.title}"
    return Colours(title, inside, theme.modes["both"].border)


def node(box: Box, theme: Theme, group: str = "") -> str:
    """One box: a table with its title in the first row."""
    title, fill, border = halves(theme) if box.mode == "both" else theme.of(box.kind, box.mode)
    rows = [
        row(told(box) if box.kind == "module" else box.title, f' BGCOLOR="{title}"', "B"),
        *(row(text, "", "", theme.alarm * alarm) for text, alarm in box.lines),
    ]
    if box.rows:
        rows = [row(box.title, f' COLSPAN="4" BGCOLOR="{title}"', "B"), *(held(each, theme) for each in box.rows)]
    shape = SHAPES[box.kind]
    if box.only:
        border, shape = theme.only[box.only], shape.partition(" style")[0] + ' style="filled,dashed"'
    look = f'{shape} fillcolor="{fill}" color="{border}" penwidth={2 if box.mode else 1}'
    whole = tooltip([box.name or box.title, *(line.text for line in box.lines)])
    return f"n{box.number} [label=<{table(rows, 2)}>{whole} {look}{group if box.kind in COMPUTED else ''}]"


def held(each: Row, theme: Theme) -> str:
    """The row of a parameter or a buffer: what happens to it, its name, shape and dtype, and its gradient or values."""
    colours = theme.kinds[each.kind]
    first, *rest = [*each.lines, Line("")][: len(each.lines) + (len(each.lines) < 2)]
    cells = [cell(each.effect or each.kind, f' BGCOLOR="{colours.inside}"'),
             cell(each.title, f' BGCOLOR="{colours.title}"', "B"), cell(first.text)]  # fmt: skip
    more = "  ".join(line.text for line in rest)
    return f"<TR>{''.join(cells)}{cell(more, '', '', theme.alarm * any(line.alarming for line in rest))}</TR>"


def told(call: Cluster | Box) -> str:
    """The title of a module call, with its mode."""
    return shortened(call.title) + (f"  {MODES[call.mode].text}" if call.mode else "")


@functools.lru_cache(maxsize=1024)
def row(text: str, look: str = "", tag: str = "", alarm: str = "") -> str:
    """One line of a table."""
    return f"<TR>{cell(text, look, tag, alarm)}</TR>"


@functools.lru_cache(maxsize=1024)
def cell(text: str, look: str = "", tag: str = "", alarm: str = "") -> str:
    """A cell of a table, with room for its text in any font; ``alarm`` is the colour of an alarming one."""
    shown = ALARM_SIGN * bool(alarm) + shortened(text)
    content = f"<{tag}>{escape(shown)}</{tag}>" if tag else escape(shown)
    content = f'<FONT COLOR="{alarm}">{content}</FONT>' if alarm else content
    return f'<TD ALIGN="LEFT" WIDTH="{points(shown, TEXT, bool(tag))}"{look}>{content}</TD>'


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


def arrow(
    edge: Edge, places: Mapping[int, str], arrows: Mapping[str, str], only: Mapping[str, str], weight: str = ""
) -> str:
    """One edge. One that enters a cluster spans two ranks: the cluster's parameters then start below its source."""
    enters = not f"{places[edge.source]}_".startswith(f"{places[edge.target]}_")
    aside = "&#160;" * (edge.width > 1)
    label = f"label=<{aside}{escape(shortened(edge.label))}>" * bool(edge.label)
    thick = "" if edge.width == 1 else f"penwidth={edge.width:g}"
    colour = f'color="{only[edge.only]}"' if edge.only else ""
    look = [arrows[edge.kind], label, thick, colour, "minlen=2" * enters, weight]
    return f"  n{edge.source} -> n{edge.target} [{' '.join(filter(None, look))}]"


def escape(text: str) -> str:
    """Text inside a label: no markup."""
    return html.escape(escape_backslashes(text)) or " "


def escape_backslashes(text: str) -> str:
    """Two backslashes for one: Graphviz replaces backslash sequences also in labels that are HTML."""
    return text.replace("\\", "\\\\")
