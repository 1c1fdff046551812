"""When the process of the command takes other kernels, and what is remembered of the measured gains."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from minigrad.benchmarks import blas
from minigrad.command_line import process
from tests.command_line.machines import BUILD, OTHER

pytestmark = pytest.mark.usefixtures("cache")


def remembering(content: bytes):
    """Put a file where the gains are remembered."""
    process.memory().parent.mkdir()
    process.memory().write_bytes(content)


@pytest.mark.parametrize(
    ("system", "given", "folder"),
    [
        ("linux", "/caches", "/caches/minigrad"),
        ("linux", None, "~/.cache/minigrad"),
        ("linux", "", "~/.cache/minigrad"),
        ("linux", "relative", "~/.cache/minigrad"),
        ("darwin", None, "~/Library/Caches/minigrad"),
        ("darwin", "/caches", "/caches/minigrad"),
    ],
)
def test_the_gains_are_remembered_in_the_users_cache(system, given, folder, monkeypatch):
    monkeypatch.setattr(process.sys, "platform", system)
    if given is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert process.memory() == process.Path(os.path.expanduser(folder), "blas.json")


@pytest.mark.parametrize(
    ("gain", "taken"), [(2.0, True), (blas.PAYS, True), (1.14, False), (0.9, False), (float("nan"), False)]
)
def test_other_kernels_are_taken_if_they_were_measured_to_pay(gain, taken, slow_kernels, cache):
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    assert process.remember(gain) == cache / "minigrad" / "blas.json"
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **(OTHER if taken else {})}
    assert os.listdir(cache / "minigrad") == ["blas.json"]


def test_the_gain_reaches_the_environment_of_the_new_process(slow_kernels, monkeypatch):
    restarts = []
    monkeypatch.setattr(process.os, "execve", lambda *arguments: restarts.append(arguments))
    process.remember(1.8)
    process.restart_with_settings()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **OTHER}
    assert restarts == [(sys.executable, sys.orig_argv, environment)]
    monkeypatch.setattr(process.os, "environ", environment)
    process.restart_with_settings()
    assert len(restarts) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(blas, "processor", lambda: "another processor"),
        lambda patch: patch.setattr(np, "__version__", "2.99"),
        lambda patch: patch.setattr(blas, "configuration", lambda: BUILD.replace("0.3.31", "0.3.99")),
        lambda patch: patch.setattr(blas, "configuration", lambda: BUILD.replace("Haswell", "Zen")),
    ],
    ids=["processor", "NumPy", "OpenBLAS", "kernels"],
)
def test_a_gain_holds_for_the_machine_it_was_measured_on(change, slow_kernels, monkeypatch):
    process.remember(2.0)
    with monkeypatch.context() as patch:
        change(patch)
        assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
        process.remember(1.0)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **OTHER}
    assert sorted(process.remembered().values()) == [1.0, 2.0]


@pytest.mark.parametrize(
    "unsafe",
    [
        lambda patch: patch.setattr(blas.CORE, "__cpu_features__", {"AVX2": True}),
        lambda patch: patch.setattr(blas.CORE, "__cpu_features__", {}),
        lambda patch: patch.delattr(blas.CORE, "__cpu_features__"),
        lambda patch: patch.setattr(blas, "configuration", lambda: ""),
        lambda patch: patch.setenv("OPENBLAS_CORETYPE", "Haswell"),
    ],
    ids=["no AVX-512", "no features", "features unknown", "no OpenBLAS", "the user's own"],
)
def test_no_remembered_gain_makes_other_kernels_safe(unsafe, slow_kernels, monkeypatch):
    unsafe(monkeypatch)
    process.remember(2.0)
    assert "OPENBLAS_CORETYPE" not in process.settings()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[1.5]",
        b'"text"',
        b"7",
        b"\xff\x00",
        b"[" * 100_000,
        b'{"other": 2.0}',
        "text",
        True,
        [2.0],
    ],
    ids=lambda content: repr(content)[:20],
)
def test_a_damaged_or_foreign_file_changes_nothing(content, slow_kernels):
    remembering(content if isinstance(content, bytes) else json.dumps({process.machine(): content}).encode())
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    process.remember(2.0)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **OTHER}


def test_a_folder_in_the_files_place_changes_nothing(slow_kernels):
    process.memory().mkdir(parents=True)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
