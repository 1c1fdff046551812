"""The process of the command: environment variables, restart, and the installed command."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import minigrad as mg
from minigrad.benchmarks import blas
from minigrad.command_line import main as main_module
from minigrad.command_line import process
from tests.command_line.runs import QUICK, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


def restarts_of(arguments, environment, monkeypatch):
    """What ``minigrad`` with these arguments starts in its place, and whether it goes on in this process."""
    restarts, runs = [], []
    monkeypatch.setattr(process.os, "execve", lambda *arguments: restarts.append(arguments))
    monkeypatch.setattr(process.os, "environ", {"PATH": "somewhere", **environment})
    monkeypatch.setattr(process, "RESTARTS", True)
    monkeypatch.setattr(process.blas, "alternative", dict)
    for name, entry in main_module.COMMANDS.items():
        entry = entry._replace(run=lambda options: runs.append(options) or [])
        monkeypatch.setitem(main_module.COMMANDS, name, entry)
    assert main_module.main(arguments, own_process=True) == 0
    assert len(runs) == 1
    return restarts


@pytest.mark.parametrize("command", [["train", "moons"], ["compare", "digits"], ["bench"]], ids=lambda c: c[0])
@pytest.mark.parametrize(
    ("environment", "added"),
    [
        ({}, {"OPENBLAS_NUM_THREADS": "1"}),
        ({"OPENBLAS_NUM_THREADS": "3"}, None),
        ({"GOTO_NUM_THREADS": "3"}, None),
        ({"OMP_NUM_THREADS": "3"}, None),
    ],
    ids=["default", "the user's own", "the user's own, older name", "the user's own for all of OpenMP"],
)
def test_training_restarts_with_one_thread_unless_told_otherwise(command, environment, added, monkeypatch):
    restarts = restarts_of(command, environment, monkeypatch)
    if added is None:
        assert restarts == []
    else:
        assert restarts == [(sys.executable, sys.orig_argv, {"PATH": "somewhere", **environment, **added})]


@pytest.mark.parametrize("command", [["doctor"], ["check", "exp"]], ids=lambda c: c[0])
def test_what_examines_the_users_settings_or_functions_runs_with_them(command, monkeypatch):
    assert restarts_of(command, {}, monkeypatch) == []


def test_only_a_process_of_its_own_is_replaced(monkeypatch):
    monkeypatch.setattr(main_module, "restart_with_settings", lambda: pytest.fail("restarted"))
    entry = main_module.COMMANDS["train"]._replace(run=lambda options: [])
    monkeypatch.setitem(main_module.COMMANDS, "train", entry)
    run("train", "moons")


@pytest.mark.slow
def test_importing_the_library_changes_no_environment():
    code = "import os; before = dict(os.environ); import minigrad.command_line.main; assert dict(os.environ) == before"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_installed_command_runs():
    command = [sys.executable, "-m", "minigrad", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"minigrad {mg.__version__}\n")


@pytest.mark.slow
@pytest.mark.skipif(not process.RESTARTS, reason="a process cannot be replaced here")
def test_the_installed_command_restarts_once_and_trains():
    environment = {name: value for name, value in os.environ.items() if name not in blas.OPENBLAS_THREADS}
    command = [sys.executable, "-m", "minigrad", "train", "moons", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0
    assert done.stdout.count("moons: test accuracy") == 1
