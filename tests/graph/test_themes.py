"""Colours: contrast in every theme, in which pictures say the same."""

import re
import subprocess

import pytest

import minigrad as mg
from minigrad.graph.appearance import KINDS, MODES, THEMES
from tests.graph.parsed import needs_dot, parsed

COLOUR = re.compile("#[0-9a-f]{6}")


def luminance(colour):
    """As WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(first, second):
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_texts_borders_and_arrows_stand_out(name):
    theme = THEMES[name]
    assert set(theme.kinds) == set(KINDS) and set(theme.modes) == set(MODES)
    every = [*theme.kinds.values(), *theme.modes.values()]
    for colours in every:
        assert min(contrast(theme.text, colours.title), contrast(theme.text, colours.inside)) >= 4.5
        assert contrast(theme.alarm, colours.inside) >= 4.5
        assert min(contrast(colours.border, around) for around in (colours.inside, theme.background)) >= 3
    around = [theme.background, theme.cluster.inside, *(mode.inside for mode in theme.modes.values())]
    for line in (theme.edge, theme.effect, theme.cluster.border, *theme.only.values()):
        assert min(contrast(line, colour) for colour in around) >= 3


@pytest.mark.parametrize("name", ["light", "dark"])
def test_titles_of_kinds_and_modes_have_colours_of_their_own(name):
    titles = [colours.title for colours in (*THEMES[name].kinds.values(), *THEMES[name].modes.values())]
    assert len(set(titles)) == len(titles)


def test_a_theme_changes_colours_and_nothing_else(net, x):
    sources = {name: mg.draw(net, x, theme=name, legend=True).source for name in THEMES}
    plain = {name: re.sub(r"(?m)^  (graph|node|edge) \[(bg|font)color=.*\n", "", COLOUR.sub("", source))
             for name, source in sources.items()}  # fmt: skip
    assert plain["light"] == plain["dark"] == plain["print"]
    for name, source in sources.items():
        assert {colours.border for colours in THEMES[name].kinds.values()} <= set(COLOUR.findall(source))
    assert f'bgcolor="{THEMES["dark"].background}"' in sources["dark"]
    assert THEMES["dark"].text in mg.draw(net, x, theme="dark").to_mermaid()
    assert parsed(net, x, theme="dark").titles() == parsed(net, x).titles()


def test_another_theme_is_refused(net, x):
    with pytest.raises(ValueError, match=r"^draw: theme must be one of 'light', 'dark', 'print', got 'sepia'.$"):
        mg.draw(net, x, theme="sepia")


@needs_dot
def test_the_legend_stands_below_the_picture(net, x):
    graph = mg.draw(net, x, legend=True)
    plain = subprocess.run(["dot", "-Tplain"], input=graph.source.encode(), capture_output=True, check=True).stdout
    height = {int(n): float(y) for n, y in re.findall(r"^node n(\d+) \S+ (\S+)", plain.decode(), re.M)}
    low = {box.number for box in graph.picture.content.clusters[-1].boxes}
    assert max(height[n] for n in low) < min(height[n] for n in height.keys() - low)
