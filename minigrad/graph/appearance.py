"""How pictures look: the colours of kinds, modes and effects, in each theme.

Of the colours of titles any two are at least 9 apart in CAM02-UCS, for protanopes and deuteranopes, too; borders and
arrows have a contrast of at least 3 to what is around and inside of them, texts one of at least 4.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Colours(NamedTuple):
    """Of a box's title, of its inside (and of a cluster's), and of the border."""

    title: str
    inside: str
    border: str


class Mode(NamedTuple):
    """What stands behind the title of a call in this mode, and the colours in light."""

    text: str
    colours: Colours


class Theme(NamedTuple):
    """The colours of a picture."""

    kinds: Mapping[str, Colours]
    modes: Mapping[str, Colours]
    cluster: Colours
    """Of clusters without a mode."""
    effect: str
    """Of arrows that read or write buffers."""
    alarm: str
    edge: str
    text: str
    background: str
    only: Mapping[str, str]
    """Of what is in one mode only, in a picture of both."""
    branches: Sequence[Colours]
    """Of the branches of a derivative: directly, through the mean, through the variance."""

    def of(self, kind: str, mode: str = "") -> Colours:
        """The mode's colours where there is a mode, else the kind's."""
        return self.modes[mode] if mode else self.kinds[kind]


KINDS = {
    "parameter": Colours("#c3d2fb", "#eef2fe", "#3d55b4"),
    "frozen": Colours("#a8a6a6", "#f1f1f1", "#535859"),
    "buffer": Colours("#88d47f", "#eef8ed", "#2e7d32"),
    "input": Colours("#d3cdc8", "#f5f3f1", "#252527"),
    "op": Colours("#fbe070", "#ffffff", "#835709"),
    "output": Colours("#c591c5", "#faf2fa", "#5f1368"),
    "module": Colours("#ad916d", "#f8f4ee", "#4e2c00"),
    "held": Colours("#f2f4fb", "#ffffff", "#686b74"),
}
"""Parameter, frozen parameter, buffer, input or other constant, operation, drawn output, folded module, and a table of
what a module holds."""

MODES = {
    "train": Mode("[TRAIN: batch statistics]", Colours("#f29a2e", "#fff4e6", "#b86a08")),
    "eval": Mode("[EVAL: running statistics]", Colours("#8f94f5", "#eef0fe", "#3c3ad0")),
    "frozen_train": Mode("[FROZEN: batch statistics]", Colours("#9a9a9a", "#efefef", "#5a5a5a")),
    "frozen_eval": Mode("[FROZEN: running statistics]", Colours("#9da3a8", "#eceef0", "#535b62")),
    "both": Mode("[TRAIN: batch statistics, EVAL: running statistics]", Colours("#d8d0e8", "#f6f4fa", "#4a4458")),
}
"""Modes of calls: what an operation computes differently in the two, and that nothing of its module changes;
``both`` is that of a picture of training and evaluation."""

ALARM_SIGN = "⚠ "
"""In front of alarming lines, which are told apart without their colour."""

EFFECT, ALARM, CLUSTER = "#2e7d32", "#c00000", Colours("", "#fafafa", "#7d7d7d")

THEMES = {
    "light": Theme(
        KINDS, {name: mode.colours for name, mode in MODES.items()}, CLUSTER, EFFECT, ALARM, "#555555", "#000000",
        "#ffffff", {"train": "#b86a08", "eval": "#3c3ad0"},
        [Colours("", "#e0eef7", "#0072b2"), Colours("", "#fbe9dd", "#c85500"), Colours("", "#dff3ec", "#00835f")],
    ),
    "dark": Theme(
        {
            "parameter": Colours("#35659f", "#1d2836", "#a5bef8"),
            "frozen": Colours("#5f676c", "#26282a", "#b8b4b4"),
            "buffer": Colours("#4f6f45", "#1e2a1f", "#a6e884"),
            "input": Colours("#514d50", "#262628", "#f7f4f4"),
            "op": Colours("#594202", "#242424", "#d4b21c"),
            "output": Colours("#61336e", "#291f2d", "#c48ae6"),
            "module": Colours("#4e3827", "#292420", "#b88a60"),
            "held": Colours("#2e3035", "#242424", "#8a8c94"),
        },
        {
            "train": Colours("#955509", "#33261a", "#f0a03c"),
            "eval": Colours("#3128c4", "#20233c", "#8c9cff"),
            "frozen_train": Colours("#636363", "#2c2c2c", "#b0b0b0"),
            "frozen_eval": Colours("#5f676d", "#292d30", "#a8b0b6"),
            "both": Colours("#4a4458", "#28262e", "#b8b4c4"),
        },
        Colours("", "#232427", "#8a8a8a"), "#6fce74", "#ff8a8a", "#b4b4b4", "#f2f2f2", "#1b1c1f",
        {"train": "#f0a03c", "eval": "#8c9cff"},
        [Colours("", "#1b2a33", "#56b4e9"), Colours("", "#33241a", "#f0873a"), Colours("", "#1a2e27", "#2fc79a")],
    ),
    "print": Theme(
        {
            "parameter": Colours("#ffffff", "#ffffff", "#000000"),
            "frozen": Colours("#c8c8c8", "#ffffff", "#000000"),
            "buffer": Colours("#ececec", "#ffffff", "#000000"),
            "input": Colours("#ffffff", "#ffffff", "#000000"),
            "op": Colours("#dcdcdc", "#ffffff", "#000000"),
            "output": Colours("#b4b4b4", "#ffffff", "#000000"),
            "module": Colours("#b4b4b4", "#ffffff", "#000000"),
            "held": Colours("#ececec", "#ffffff", "#000000"),
        },
        {
            "train": Colours("#b4b4b4", "#f4f4f4", "#000000"),
            "eval": Colours("#dcdcdc", "#ffffff", "#000000"),
            "frozen_train": Colours("#ffffff", "#ffffff", "#6e6e6e"),
            "frozen_eval": Colours("#ffffff", "#ffffff", "#6e6e6e"),
            "both": Colours("#ececec", "#ffffff", "#000000"),
        },
        Colours("", "#ffffff", "#6e6e6e"), "#000000", "#000000", "#000000", "#000000", "#ffffff",
        {"train": "#000000", "eval": "#6e6e6e"},
        [Colours("", "#ffffff", "#000000"), Colours("", "#ececec", "#000000"), Colours("", "#d9d9d9", "#000000")],
    ),
}  # fmt: skip
"""For screens, for dark screens, and for paper: there kinds differ by their shapes, and modes by their titles."""


def mode_of(operation: str, module: str) -> str:
    """The mode of a call: that of its operation, and what its module adds: ``frozen``."""
    return f"{module}_{operation}" if operation and module else operation


def checked_theme(theme: Any, caller: str) -> str:
    """A theme, if it is one."""
    if theme not in THEMES:
        raise ValueError(f"{caller}: theme must be one of {', '.join(map(repr, THEMES))}, got {theme!r}.")
    return str(theme)
