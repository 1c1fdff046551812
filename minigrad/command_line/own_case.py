"""A case of the user's own: ``my_file.py:my_case``, a function that returns a function or module and its inputs."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from ..engine.arguments import a_type
from ..io.atomic import near_file
from ..nn.module import Module
from ..tensor.random import manual_seed
from .errors import CommandError

ENDING = ".py"
MODULE = "checked_file"
"""The name under which a file is imported."""
PACKAGE = Path(__file__).parents[1]
RETURNS = "a function or module and its inputs: return model, x; or return f, (x, y)"
WHAT = "my_file.py:my_case, a function that returns {} and its inputs: return model, x"
"""What the help of commands says of a case."""


def is_case_name(target: str) -> bool:
    """Whether a user names a case.

    Raises:
        CommandError: for the file alone.
    """
    if target.endswith(ENDING):
        raise CommandError(f"which case in {target}? Name it behind a colon: {target}:my_case")
    return f"{ENDING}:" in target and not Path(target).exists()


def parts(target: str) -> tuple[Path, str]:
    """The file and the name of a case."""
    file, _, name = target.partition(f"{ENDING}:")
    return Path(file + ENDING), name


@contextlib.contextmanager
def loaded(target: str, seed: int | None = None) -> Iterator[tuple[Callable[..., Any], Any]]:
    """What the case ``my_file.py:my_case`` returns: a function or module, and its inputs.

    Within the block modules beside the file can be imported, as where Python runs it. Its random numbers start from
    the seed, by default 0: those that are drawn when the file is imported, and those of the case.

    Raises:
        CommandError: if there is no such file or case, or it fails; one line that says what to do.
    """
    path, name = parts(target)
    before = list(sys.path)
    sys.path.insert(0, str(path.resolve().parent))
    try:
        manual_seed(seed or 0)
        case = find(import_file(path), str(path), name)
        manual_seed(seed or 0)
        yield result_of(case, target)
    finally:
        sys.path[:] = before
        sys.modules.pop(MODULE, None)


def result_of(case: Callable[[], Any], target: str) -> tuple[Callable[..., Any], Any]:
    """What a case returns, if it is a function and its inputs."""
    try:
        found = case()
    except (Exception, SystemExit) as error:
        raise failure(f"{target} failed", error, parts(target)[0]) from error
    several = isinstance(found, (tuple, list)) and not isinstance(found, Module)
    if several and len(found) == 2 and callable(found[0]):
        return found[0], found[1]
    if several and len(found) > 2 and callable(found[0]):
        raise CommandError(f"{target} returned {len(found)} things: put the inputs in brackets, return f, (x, y)", 1)
    raise CommandError(f"{target} returned {a_type(found)}, expected {RETURNS}", code=1)


def import_file(path: Path) -> ModuleType:
    """Run a file of Python, as if it was imported from its own folder."""
    if not path.is_file():
        what = "it is a folder: name a file in it" if path.is_dir() else f"there is no such file.{near_file(path)}"
        raise CommandError(f"cannot read {path}: {what}")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec and spec.loader, "a file that ends in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # where dataclasses look for it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise failure(f"{path} cannot be imported", error, path) from error
    return module


def find(module: ModuleType, path: str, name: str) -> Callable[[], Any]:
    """The case of that name in a file."""
    own = {key: value for key, value in vars(module).items() if is_case(value)}
    if not hasattr(module, name):
        close = difflib.get_close_matches(name, own, 1)
        there = f"Did you mean {path}:{close[0]}?" if close else f"It has {', '.join(own) or 'no function of its own'}"
        raise CommandError(f"there is no {name!r} in {path}. {there}")
    value = getattr(module, name)
    if not inspect.isfunction(value):
        raise CommandError(f"{name} in {path} is {a_type(value)}, expected a function that returns {RETURNS}")
    required = [p.name for p in inspect.signature(value).parameters.values() if is_required(p)]
    if required:
        raise CommandError(
            f"{name} in {path} takes arguments ({', '.join(required)}): a case takes none, and returns {RETURNS}"
        )
    return value


def is_case(value: Any) -> bool:
    """Whether a value is a function that the file defines."""
    return inspect.isfunction(value) and value.__module__ == MODULE


def is_required(parameter: inspect.Parameter) -> bool:
    """Whether a function cannot be called without this argument."""
    variable = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return parameter.default is parameter.empty and not variable


def failure(what: str, error: BaseException, path: Path) -> CommandError:
    """An error of a case as one line: with the place in the user's file, and its class, unless minigrad raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if same(frame.filename, path)]
    line = error.lineno if isinstance(error, SyntaxError) and same(error.filename, path) else (lines or [None])[-1]
    reason = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    place = f" ({path}, line {line})" if line else ""
    kind = "" if reason and PACKAGE in Path(frames[-1].filename).parents else f"{type(error).__name__}: "
    return CommandError(f"{what}: {kind}{reason}".rstrip(": ") + place, code=1)


def same(name: str | None, path: Path) -> bool:
    """Whether a name in a traceback is that file."""
    return name is not None and Path(name).resolve() == path.resolve()
