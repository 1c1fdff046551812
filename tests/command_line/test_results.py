"""``--json`` and ``--quiet``: what programs get of a command, and what people no longer do."""

from __future__ import annotations

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad.benchmarks import blas
from minigrad.command_line import bench, output, pictures
from minigrad.command_line.main import COMMANDS, main
from minigrad.command_line.progress import Quiet, progress
from minigrad.command_line.results import COMMON, KEYS, document
from tests.command_line.runs import QUICK, run

CALLS = {
    "train": ["moons", *QUICK, "--out", "other"],
    "predict": ["run", "new.csv", "--proba"],
    "compare": ["moons", "--steps", "4", "--hidden", "8"],
    "summary": ["run"],
    "draw": ["run"],
    "inspect": ["run"],
    "check": ["exp"],
    "diagnose": ["moons"],
    "bench": ["--workload", "toy"],
    "doctor": [],
}
"""A short call of each command."""


@pytest.fixture(autouse=True)
def quick(monkeypatch, cache, in_an_empty_folder):
    """Nothing is drawn, hardly anything is measured; there is a file of points, and a run."""
    monkeypatch.setattr(pictures, "MISSING", "not needed")
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "BUDGET", 1e-6)
    monkeypatch.setattr(blas, "measure", lambda *_, **__: {})
    with open("new.csv", "w") as file:
        file.write("x1,x2,y\n0,1,0\n1,0,1\n")


@pytest.fixture
def trained(capsys, quick):
    run("train", "moons", *QUICK, "--out", "run")
    capsys.readouterr()


def refused(constant):
    raise AssertionError(f"{constant} is not JSON")


def read(text):
    """A document of strict JSON."""
    return json.loads(text, parse_constant=refused)


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("command", [name for name in COMMANDS if name in CALLS])
def test_standard_output_is_one_object_with_the_keys_that_are_documented(command, capsys):
    code = main([command, *CALLS[command], "--json"])
    out, error = capsys.readouterr()
    found = read(out)
    assert list(found) == [*COMMON, *KEYS[command]]
    assert (found["command"], found["exit_code"], found["error"]) == (command, code, None) and code == 0
    assert error and not error.startswith("minigrad: Tr")  # the lines for people
    assert all(key in COMMANDS[command].help or KEYS[command][key] for key in KEYS[command])
    with pytest.raises(SystemExit):
        main([command, "--help"])
    helped = " ".join(capsys.readouterr().out.split())
    assert all(key in helped for key in found)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_documented_keys_and_a_call_here(command):
    assert set(KEYS) == set(COMMANDS) == set(CALLS)
    assert all(text and not text.endswith(".") for text in KEYS[command].values())


@pytest.mark.usefixtures("trained")
def test_results_are_those_that_are_printed(capsys):
    run("predict", "run", "new.csv", "--json", "-q")
    found = read(capsys.readouterr().out)
    assert found["predictions"] == mg.training.load_model("run").predict("new.csv").tolist()
    run("train", "moons", *QUICK, "--out", "other", "--json", "--quiet")
    out, error = capsys.readouterr()
    found = read(out)
    history = mg.load("other/checkpoint.npz")["history"]
    assert tuple(found["last"].values()) == history[-1] and found["best"]["epoch"] in (1, 2)
    assert error.startswith("moons: test accuracy")


def test_a_mistake_and_something_wrong_are_objects_too(capsys):
    run("train", "moon", "--json", code=2)
    out, error = capsys.readouterr()
    found = read(out)
    assert found["command"] == "train" and found["exit_code"] == 2 and f"minigrad: {found['error']}\n" == error
    assert found["dataset"] is None and list(found) == [*COMMON, *KEYS["train"]]
    run("fly", "--json", code=2)
    assert list(read(capsys.readouterr().out)) == [*COMMON]
    with open("case.py", "w") as file:
        file.write(
            "import minigrad as mg\ndef cut():\n    return lambda a: a * a.detach(), mg.randn(3).requires_grad_()\n"
        )
    run("check", "case.py:cut", "--json", code=1)
    found = read(capsys.readouterr().out)
    assert found["exit_code"] == 1 and found["wrong"] == len(found["findings"]) > 0


def test_numbers_that_json_has_not_are_null():
    found = {"last": {"loss": np.float32(np.nan)}, "best": (np.inf, np.int64(3), np.ones(2, np.float16)), "files": []}
    read_again = read(document("train", found, 0, None))
    assert read_again["last"] == {"loss": None} and read_again["best"] == [None, 3, [1.0, 1.0]]


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize("command", CALLS)
def test_quiet_runs_print_no_more_than_the_others(command, capsys):
    main([command, *CALLS[command], "--overwrite"] if command == "train" else [command, *CALLS[command]])
    usual = capsys.readouterr().out
    again = ["--overwrite"] * (command in ("train", "compare"))
    main([command, *CALLS[command], "--quiet", *again])
    out, error = capsys.readouterr()
    assert out.count("\n") <= usual.count("\n") and "%" not in error.replace("100.00%", "")
    assert isinstance(progress(3, "step", quiet=True), Quiet)


class Terminal:
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "stream", "shown"),
    [
        ({}, Terminal(), True),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"TERM": "dumb"}, Terminal(), False),
        ({}, open, False),
    ],
)
def test_colours_are_for_terminals_alone(environment, stream, shown, monkeypatch):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.coloured(stream if stream is not open else __import__("io").StringIO()) is shown


def test_parts_of_lines_have_colours():
    assert output.painted("a\n    -> cure") == "a\n\x1b[36m    -> cure\x1b[0m"
    assert output.painted("x  wrong: too large") == "x  \x1b[31mwrong: too large\x1b[0m"
    assert output.painted("nothing to see") == "nothing to see"
