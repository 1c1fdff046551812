"""Compilers for tests: this machine's, behind scripts that count, complain, fail, or never end."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from minigrad.compile.native import cache, compiler

HERE = next(filter(None, map(shutil.which, compiler.COMMANDS)), "")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache, and nothing remembered of compilers and troubles."""
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIGRAD_CC", raising=False)
    monkeypatch.setattr(cache, "said", set())
    monkeypatch.setattr(compiler, "hung", {})
    compiler.first_working.cache_clear()
    yield tmp_path / "cache" / "compiled"
    compiler.first_working.cache_clear()


@pytest.fixture
def gcc():
    """The path of this machine's compiler."""
    if not HERE or sys.platform == "win32":
        pytest.skip("there is no C compiler here that a script can call")
    return HERE


@pytest.fixture
def script(tmp_path, monkeypatch):
    """A function that makes MINIGRAD_CC a shell script of these lines."""
    if sys.platform == "win32":
        pytest.skip("there are no shell scripts here")

    def made(*lines, name="compiler"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        monkeypatch.setenv("MINIGRAD_CC", str(path))
        return path

    return made


@pytest.fixture
def counted(gcc, script, tmp_path):
    """This machine's compiler as MINIGRAD_CC; a function that says how often it has run."""
    log = tmp_path / "log"
    script(f'echo "$@" >> {log}', f'exec {gcc} "$@"')
    return lambda: len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def alone(monkeypatch):
    """A machine without compilers."""
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr(compiler, "find_spec", lambda name: None)
