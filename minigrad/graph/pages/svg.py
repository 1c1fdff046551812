"""What a renderer has drawn as a part of a page: small, and in colours for light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from ..appearance import THEMES

SAID_ONCE = re.compile(
    r"<!--.*?-->\s*|"  # which node or edge follows: its title says so, too
    r' (?:xml:space="preserve"|text-anchor="start"|font-family="[^"]*"|xmlns:xlink="[^"]*"|font-size="10.00")',
    re.DOTALL,
)
"""What a page's style says for the whole picture."""
DECIMALS = re.compile(r"(?<=\.\d)\d+")
COLOUR = re.compile(r'(?:fill|stroke|stop-color)="(#[0-9a-f]{6})"')
STYLE = re.compile(r'style="stop-color:(#[0-9a-f]{6});stop-opacity:1\.;"')
"""Of what goes from one colour to another: the page's policy allows attributes only."""


def embedded(svg: str) -> str:
    """The element ``svg`` of a file, without what is said in each of its elements again."""
    svg = SAID_ONCE.sub("", svg[svg.index("<svg") :])
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    parts = re.split(r"(<[^>]*>)", STYLE.sub(r'stop-color="\1"', rest))
    return head + ">" + "".join(DECIMALS.sub("", part) if part[:1] == "<" else part for part in parts).strip()


def colours_for_light_and_dark(svg: str) -> str:
    """Style rules that give each colour of a picture in the light theme its counterpart where the page is dark."""
    rules = []
    for colour in sorted(set(COLOUR.findall(svg))):
        pair = f"light-dark({colour},{counterparts().get(colour, colour)})"
        rules += [f'#stage [{what}="{colour}"]{{{what}:{pair}}}' for what in ("fill", "stroke", "stop-color")]
    return "\n".join(rules)


@cache
def counterparts() -> dict[str, str]:
    """The colours of the light theme with those that stand for them in the dark one."""
    pairs = list(zip(flat(THEMES["light"]), flat(THEMES["dark"])))
    return dict(reversed(pairs))  # of several the first


def flat(value: Any) -> Iterator[str]:
    """The colours in a theme."""
    if isinstance(value, str):
        yield value
    else:
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from flat(part)
