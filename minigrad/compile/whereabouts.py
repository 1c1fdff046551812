"""Where a call comes from that is being written down: the user's line, the part of the step, the name of its result.

A value is called what the operation's own definition calls it: in ``d = x - mean`` the result is ``d``. The interpreter
says where a function is, and its bytecode what becomes of the result.
"""

from __future__ import annotations

import dis
import functools
import sys
from types import CodeType, FrameType
from typing import NamedTuple

from ..engine.lines import BETWEEN, OWN

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"

PHASES = {"minigrad.optim": UPDATE, "minigrad.engine.walk": BACKWARD, "minigrad.engine.gradients": BACKWARD}
"""The part of the step that functions of a package, or of a module, belong to."""

END = f"{__package__}.capture"
"""The module that runs the step."""

PASSED = ("minigrad.compile", "minigrad.engine", "minigrad.nn.module", "minigrad.nn.containers", "numpy")
"""Where results only pass through: what they are called there says nothing about them."""
HELPERS = "minigrad.kernels"
"""Where names say nothing either, though results go on from there only if they are returned."""
GENERAL = frozenset(("y", "x", "out", "output", "result", "total", "value", "values", "vector", "array"))
"""Variables whose names say less than that of the function."""

STORES = frozenset(("STORE_FAST", "STORE_DEREF"))
PAIRS = frozenset(("STORE_FAST_STORE_FAST", "STORE_FAST_LOAD_FAST"))
"""Instructions of Python 3.13 and later whose first half stores."""


class Whereabouts(NamedTuple):
    """Where a call comes from.

    Attributes:
        line: the innermost line that is not minigrad's own.
        phase: ``"forward"``, ``"backward"`` or ``"update"``.
        word: the variable that its result is stored in, or nothing.
        function: the outermost function that returns the result, or nothing.
    """

    line: str
    phase: str
    word: str
    function: str


def whereabouts() -> Whereabouts:
    """Where the call comes from that is written down now."""
    line = phase = word = function = ""
    follows = True
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not (line and phase):
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] not in OWN:
            line = line or f"{frame.f_code.co_filename}:{frame.f_lineno}"
            follows = follows and module in BETWEEN
        elif module == END:
            break
        else:
            phase = phase or phase_of(module)
            if follows and not module.startswith(PASSED):
                stored = stored_in(frame.f_code, frame.f_lasti)
                follows = stored == ""
                if module.startswith(HELPERS):
                    pass
                elif follows or stored in GENERAL:
                    function = frame.f_code.co_name
                elif stored is not None:
                    word = stored
        frame = frame.f_back
    return Whereabouts(line or "an unknown line", phase or FORWARD, word.strip("_"), function.strip("_"))


@functools.cache
def phase_of(module: str) -> str:
    """The part of the step that functions of a module belong to, if it is always the same."""
    return next((phase for name, phase in PHASES.items() if f"{module}.".startswith(f"{name}.")), "")


@functools.cache
def stored_in(code: CodeType, position: int) -> str | None:
    """The variable in which the result of an instruction is stored; "" if it is returned, None if it is used."""
    bytecode = code.co_code
    following = position + 2
    while following < len(bytecode):
        name, argument = dis.opname[bytecode[following]], bytecode[following + 1]
        if name == "RETURN_VALUE":
            return ""
        if name in STORES or name in PAIRS:
            return str(code._varname_from_oparg(argument >> 4 if name in PAIRS else argument))  # type: ignore[attr-defined]
        leaves = name == "SWAP" and dis.opname[bytecode[following + 2]] == "POP_EXCEPT"
        if name == "JUMP_FORWARD":
            following += 2 * argument
        elif not leaves and name not in ("CACHE", "POP_EXCEPT"):
            return None
        following += 2
    return None
