"""What a renderer has drawn as a part of a page: small, and in colours for light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy import ndarray

from ..appearance import THEMES

SAID_ONCE = re.compile(
    r"<!--.*?-->\s*|"  # which node or edge follows: its title says so, too
    r' (?:xml:space="preserve"|text-anchor="start"|font-family="[^"]*"|xmlns:xlink="[^"]*"|font-size="10.00")',
    re.DOTALL,
)
"""What a page's style says for the whole picture."""
DECIMALS = re.compile(r"(?<=\.\d)\d+")
COLOUR = re.compile(r'(?:fill|stroke)="(#[0-9a-f]{6}|white)"')


def embedded(svg: str) -> str:
    """The element ``svg`` of a file, without what is said in each of its elements again."""
    svg = SAID_ONCE.sub("", svg[svg.index("<svg") :])
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height)="[^"]*"', "", head)
    parts = re.split(r"(<[^>]*>)", rest)
    return head + ">" + "".join(DECIMALS.sub("", part) if part[:1] == "<" else part for part in parts).strip()


def colours_for_light_and_dark(svg: str) -> str:
    """Style rules that give each colour of a picture its counterpart where the page is dark."""
    rules = []
    for colour in sorted(set(COLOUR.findall(svg))):
        light = "#ffffff" if colour == "white" else colour
        pair = f"light-dark({light},{darkened(light)})"
        rules += [f'#stage [{what}="{colour}"]{{{what}:{pair}}}' for what in ("fill", "stroke")]
    return "\n".join(rules)


# -- colours -----------------------------------------------------------------------------------

TO_CONES = np.array([[0.4122214708, 0.5363325363, 0.0514459929],
                     [0.2119034982, 0.6806995451, 0.1073969566],
                     [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468],
                   [1.9779984951, -2.4285922050, 0.4505937099],
                   [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
"""OKLab (https://bottosson.github.io/posts/oklab): equal steps of lightness look equal."""
LIGHT, DARK = (0.0, 0.65, 0.8, 1.0), (0.95, 0.68, 0.45, 0.24)
"""OKLab's lightness of some colours on a light page, and of their counterparts on a dark one: lines and texts have a
contrast of at least 3.7 there, too."""


def counterparts() -> Iterator[tuple[str, str]]:
    """The colours of the light theme, each with that of the dark one."""
    light, dark = THEMES["light"], THEMES["dark"]
    for before, after in ((light.kinds, dark.kinds), (light.modes, dark.modes)):
        for name, colours in before.items():
            yield from zip(colours, after[name])
    yield from zip(light.cluster, dark.cluster)
    yield from ((light.effect, dark.effect), (light.alarm, dark.alarm), (light.edge, dark.edge))


DARK_ONES = {light: dark for light, dark in counterparts() if light != "#ffffff"}


def darkened(colour: str) -> str:
    """The colour of the dark theme; of others the one of that hue that stands out as this does from a light page."""
    if colour in DARK_ONES:
        return DARK_ONES[colour]
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    lab = TO_LAB @ np.cbrt(TO_CONES @ linear)
    lab[0] = np.interp(lab[0], LIGHT, DARK)
    linear = np.clip(np.linalg.solve(TO_CONES, np.linalg.solve(TO_LAB, lab) ** 3), 0, 1)
    return hexadecimal(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


def hexadecimal(channels: ndarray) -> str:
    """Red, green and blue between 0 and 1 as ``#rrggbb``."""
    return "#" + "".join(f"{round(float(channel) * 255):02x}" for channel in channels)
