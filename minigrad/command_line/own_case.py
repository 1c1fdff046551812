"""A user's own function to check: ``my_file.py:my_case``, which returns a function or module and its inputs."""

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

MODULE = "checked_file"
"""The name under which a file is imported."""
RETURNS = "a function or module and its inputs: return model, x; or return f, (x, y)"


@contextlib.contextmanager
def loaded(target: str, seed: int = 0) -> Iterator[tuple[Callable[..., Any], Any]]:
    """What the case ``my_file.py:my_case`` returns: a function or module, and its inputs.

    Within the block modules beside the file can be imported, as where Python runs it.

    Raises:
        CommandError: if there is no such file or case, or it fails; one line that says what to do.
    """
    path, _, name = target.rpartition(":")
    before = list(sys.path)
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        yield result_of(find(import_file(Path(path)), path, name), target, seed)
    finally:
        sys.path[:] = before
        sys.modules.pop(MODULE, None)


def result_of(case: Callable[[], Any], target: str, seed: int = 0) -> tuple[Callable[..., Any], Any]:
    """What a case returns, if that can be checked. Its random numbers start from the seed."""
    manual_seed(seed)
    try:
        found = case()
    except (Exception, SystemExit) as error:
        raise failure(f"{target} failed", error, Path(target.rpartition(":")[0])) from error
    several = isinstance(found, (tuple, list)) and not isinstance(found, Module)
    if several and len(found) == 2 and callable(found[0]):
        return found[0], found[1]
    if several and len(found) > 2 and callable(found[0]):
        raise CommandError(f"{target} returned {len(found)} things: put the inputs in brackets, return f, (x, y)", 1)
    raise CommandError(f"{target} returned {a_type(found)}, expected {RETURNS}", code=1)


def import_file(path: Path) -> ModuleType:
    """Run a file of Python, as if it was imported from its own folder."""
    if path.suffix != ".py":
        raise CommandError(f"{path} is no file of Python: name one that ends in .py, my_file.py:my_case")
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
    """An error in the user's code as one line, with the place in the file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if same(frame.filename, path)]
    line = error.lineno if isinstance(error, SyntaxError) and same(error.filename, path) else (lines or [None])[-1]
    reason = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    place = f" ({path}, line {line})" if line else ""
    return CommandError(f"{what}: {type(error).__name__}: {reason}".rstrip(": ") + place, code=1)


def same(name: str | None, path: Path) -> bool:
    """Whether a name in a traceback is that file."""
    return name is not None and Path(name).resolve() == path.resolve()
