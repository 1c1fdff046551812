"""How pictures look: the colours of kinds, modes and effects."""

from __future__ import annotations

from typing import NamedTuple


class Colours(NamedTuple):
    """Of a box's title, of its inside (and of a cluster's), and of the border."""

    title: str
    inside: str
    border: str


class Mode(NamedTuple):
    """What stands behind the title of a call in this mode, and the colours."""

    text: str
    colours: Colours


KINDS = {
    "parameter": Colours("#a6cee3", "#e3f0f8", "#1f5f8b"),
    "frozen": Colours("#d5dbe0", "#f2f4f6", "#5a6570"),
    "buffer": Colours("#b2dfb2", "#edf7ed", "#2e7d32"),
    "input": Colours("#dddddd", "#f3f3f3", "#555555"),
    "op": Colours("#ffe9b3", "#ffffff", "#8a6d1a"),
    "output": Colours("#e3cdf0", "#faf5fd", "#6a3d8f"),
    "module": Colours("#e6dcc8", "#fbf8f2", "#6b5d42"),
    "held": Colours("#e8eef2", "#ffffff", "#5a6570"),
}
"""Parameter, frozen parameter, buffer, input or other constant, operation, drawn output, folded module, and a table of
what a module holds."""

MODES = {
    "train": Mode("[TRAIN: batch statistics]", Colours("#ffcc80", "#fff4e6", "#e6820e")),
    "eval": Mode("[EVAL: running statistics]", Colours("#a9c4f5", "#ecf2fe", "#3366cc")),
    "frozen_train": Mode("[FROZEN: batch statistics]", Colours("#c4c4c4", "#efefef", "#777777")),
    "frozen_eval": Mode("[FROZEN: running statistics]", Colours("#c2c8cc", "#eceef0", "#707880")),
}
"""Modes of calls: what an operation computes differently in the two, and that nothing of its module changes."""

ALARM_SIGN = "⚠ "
"""In front of alarming lines, which are told apart without their colour."""

EFFECT, ALARM, CLUSTER = "#2e7d32", "#d00000", Colours("", "#fafafa", "#999999")
"""The colours of effects on buffers, of alarming lines, and of clusters without a mode."""


def mode_of(operation: str, module: str) -> str:
    """The mode of a call: that of its operation, and what its module adds: ``frozen``."""
    return f"{module}_{operation}" if operation and module else operation
