"""Runs that end early: by numbers that are not finite, by Ctrl-C, by a folder or a disk that takes nothing."""

from __future__ import annotations

import errno
import json
import os
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest

from minigrad.benchmarks.timing import Measurement
from minigrad.command_line import bench, compare, pictures, process, train
from minigrad.command_line.main import COMMANDS, main
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.fixture
def without_matplotlib(monkeypatch):
    monkeypatch.setattr(pictures, "MISSING", "not needed")


def at_step(monkeypatch, number, happens):
    """Let something happen before one of the steps of the two nets of ``compare``, counted together."""
    original, steps = compare.Contender.step, []

    def step(self, *batch):
        steps.append(batch)
        if len(steps) == number:
            happens()
        original(self, *batch)

    monkeypatch.setattr(compare.Contender, "step", step)


def interrupt():
    raise KeyboardInterrupt


# -- numbers that are not finite ---------------------------------------------------------------


def test_compare_that_diverges_is_one_line(tmp_path, capfd):
    assert main(["compare", "moons", "--steps", "50", "--lr", "1e30", "--out", str(tmp_path / "run")]) == 1
    error = capfd.readouterr().err
    assert len(error.splitlines()) == 1
    assert error.endswith("after 1 step with BatchNorm: start again with an --lr below 1e+30.\n")
    assert not os.path.exists(tmp_path / "run")


@pytest.mark.slow
def test_large_finite_numbers_in_compare_are_drawn_without_a_warning(capfd):
    pytest.importorskip("matplotlib")
    run("compare", "moons", "--steps", 20, "--lr", 1e20)
    assert capfd.readouterr().err == ""
    assert {"compare.csv", "compare.png"} == set(os.listdir("runs/compare-moons"))


@pytest.mark.usefixtures("without_matplotlib")
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_compare_stops_at_the_first_training_loss_that_is_not_finite(value, monkeypatch, capsys):
    original, losses = compare.F.cross_entropy, []

    def cross_entropy(output, target):
        if len(target) == 60:  # a training batch
            losses.append(output)
        loss = original(output, target)
        return loss * value if len(losses) == 61 and len(target) == 60 else loss

    monkeypatch.setattr(compare.F, "cross_entropy", cross_entropy)
    run("compare", "moons", "--steps", 50, code=1)
    out, error = capsys.readouterr()
    assert error == (
        f"minigrad: the training loss is {value} in step 31 with BatchNorm: start again with an --lr below 2.\n"
    )
    table = rows_of("runs/compare-moons/compare.csv")
    assert [int(row["step"]) for row in table] == list(range(31)) and "after 30 steps" in out


# -- Ctrl-C ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("without_matplotlib")
@pytest.mark.parametrize("number", [41, 42])
def test_ctrl_c_in_compare_writes_what_was_measured(number, monkeypatch, capsys):
    """Whichever of the two nets it comes in."""
    at_step(monkeypatch, number, interrupt)
    run("compare", "moons", "--steps", 100, code=130)
    out, error = capsys.readouterr()
    first, last = error.splitlines()
    assert first == "minigrad: stopping: first what was finished is drawn; Ctrl-C again leaves that out"
    assert last == (
        "minigrad: stopped after 20 of 100 steps; start again with: minigrad compare moons --steps 100 --overwrite"
    )
    table = rows_of("runs/compare-moons/compare.csv")
    assert [int(row["step"]) for row in table] == list(range(0, 21, 2))
    assert np.isfinite([float(value) for row in table for value in row.values()]).all()
    assert "test accuracy after 20 steps" in out and "compare.csv" in out
    assert first not in out


def test_ctrl_c_in_compare_before_anything_was_measured_leaves_nothing(monkeypatch, capsys):
    at_step(monkeypatch, 2, interrupt)
    run("compare", "moons", "--steps", 100, code=130)
    error = capsys.readouterr().err
    again = "start again with: minigrad compare moons --steps 100"
    assert error == f"minigrad: stopped before there was anything to compare; {again}\n"
    assert os.listdir() == []


@pytest.mark.usefixtures("without_matplotlib")
def test_a_second_ctrl_c_keeps_the_message_of_the_first(monkeypatch, capsys):
    at_step(monkeypatch, 41, interrupt)
    monkeypatch.setattr(compare, "report", lambda *_: interrupt())
    run("compare", "moons", "--steps", 100, code=130)
    assert capsys.readouterr().err.splitlines()[1].startswith("minigrad: stopped after 20 of 100 steps; ")


@pytest.mark.parametrize("command", [["train", "moons"], ["compare", "moons"]])
def test_a_folder_that_was_there_stays(command, monkeypatch):
    os.makedirs("mine")
    for target in ("train.Training.epoch", "compare.Contender.step"):
        monkeypatch.setattr(f"minigrad.command_line.{target}", lambda *_, **__: interrupt())
    for out in ("mine", "mine/a/b", "new/a"):
        run(*command, "--out", out, code=130)
    assert os.listdir() == ["mine"] and os.listdir("mine") == []


def test_ctrl_c_while_compare_draws_keeps_what_was_measured(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MISSING", "")
    monkeypatch.setattr(pictures, "comparison", lambda *_: interrupt())
    run("compare", "moons", "--steps", 4, "--hidden", "4", "--json", code=130)
    found = json.loads(capsys.readouterr().out)
    assert found["again"] == "minigrad compare moons --steps 4 --hidden 4 --json --overwrite"
    assert found["error"] == f"stopped before the picture was drawn; start again with: {found['again']}"
    assert found["files"] == ["compare.csv"] and found["steps"] == 4


@pytest.mark.parametrize("command", COMMANDS)
def test_ctrl_c_names_the_command_to_start_again(command, monkeypatch, capsys):
    words = {
        "train": ["my file.csv", "--target", "a b"], "predict": ["run", "new.csv"], "compare": ["moons", "--seed", "3"],
        "summary": ["my.py:case"], "draw": ["my.py:case", "--expand"], "inspect": ["a.npz"], "diagnose": ["moons"],
    }.get(command, [])  # fmt: skip
    monkeypatch.setitem(COMMANDS, command, COMMANDS[command]._replace(run=lambda options: interrupt()))
    run(command, *words, code=130)
    (line,) = capsys.readouterr().err.splitlines()
    _, _, again = line.partition("; start again with: minigrad ")
    assert shlex.split(again) == [command, *words]


def test_ctrl_c_in_bench_names_the_nets_that_are_left(monkeypatch, capsys):
    done = []

    def measured(name, *_):
        done.append(name)
        return interrupt() if name == "paper" else Measurement(name, {"by hand": [1.0], "minigrad": [1.0]})

    monkeypatch.setattr(bench, "measured", measured)
    monkeypatch.setattr(bench, "cells", lambda *_: [""] * 4)
    run("bench", "--seed", 3, "--json", code=130)
    out, error = capsys.readouterr()
    assert done == ["toy", "small", "paper"] == [row["name"] for row in json.loads(out)["workloads"]] + ["paper"]
    left = "--workload paper --workload mid --workload large --seed 3 --json"
    assert f"stopped after 2 of 5 nets; go on with: minigrad bench {left}\n" in error


def test_sigterm_does_what_ctrl_c_does():
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        process.heed_termination()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        process.heed_termination()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


# -- what cannot be written at the end ----------------------------------------------------------


def full(path, *_):
    raise OSError(f"cannot write {path}: the disk is full.")


def broken(*_):
    raise ImportError("a part of matplotlib\ncannot be loaded")


@pytest.mark.parametrize(("fails", "code"), [(full, 1), (broken, 1), (lambda *_: interrupt(), 130)])
def test_training_says_what_was_reached_without_its_pictures(fails, code, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MISSING", "")
    monkeypatch.setattr(pictures, "write", fails)
    monkeypatch.setattr(pictures, "figure", broken if fails is broken else lambda *_: (None, [None] * 2))
    for name in ("learning_curves", "decision_boundary"):
        monkeypatch.setattr(pictures, name, lambda *words: fails(words[-1]))
    run("train", "moons", "--epochs", 1, "--hidden", "4", "--json", code=code)
    out, error = capsys.readouterr()
    found = json.loads(out)
    assert found["files"][:3] == ["checkpoint.npz", "best.npz", "history.csv"] and found["last"]["epoch"] == 1
    assert found["resume"] is None, "there is nothing left to train"
    assert "moons: test accuracy " in error and f"minigrad: {found['error']}\n" in error
    reason = {full: "the disk is full", broken: "ImportError: a part of matplotlib cannot be loaded"}.get(
        fails, "stopped"
    )
    assert reason in found["error"] and "curves.png" in found["error"] and "boundary.png" in found["error"]


@pytest.mark.usefixtures("without_matplotlib")
def test_compare_says_what_was_measured_without_its_table(monkeypatch, capsys):
    monkeypatch.setattr(compare, "write_table", full)
    run("compare", "moons", "--steps", 4, "--hidden", "4", code=1)
    out, error = capsys.readouterr()
    assert "with BatchNorm: " in out and "nothing was written" in out
    assert error == "minigrad: no compare.csv: cannot write runs/compare-moons/compare.csv: the disk is full.\n"


def test_a_disk_that_fills_up_names_the_command_that_goes_on(monkeypatch, capsys):
    write_state, epochs = train.write_state, []

    def filling(run_of, out):
        epochs.append(run_of)
        return full(out) if len(epochs) == 2 else write_state(run_of, out)

    monkeypatch.setattr(train, "write_state", filling)
    run("train", "moons", "--epochs", 3, "--hidden", "4", code=1)
    assert "is full. Then go on with: minigrad train moons --resume runs/moons\n" in capsys.readouterr().err


# -- a folder that takes nothing ---------------------------------------------------------------

CURES = {
    errno.ENOSPC: (1, "Free space on its disk, or choose another folder with --out."),
    errno.EDQUOT: (1, "Free some of your quota, or choose another folder with --out."),
    errno.ENAMETOOLONG: (2, "Choose a shorter name with --out."),
    errno.EEXIST: (2, "Choose another folder with --out."),
    errno.ENOENT: (2, "Choose another folder with --out."),
    errno.ENOTDIR: (2, "Choose another folder with --out."),
    errno.EACCES: (2, "Choose another folder with --out."),
    errno.EIO: (2, "Choose another folder with --out."),
}


@pytest.mark.parametrize("place", ["mkdir", "fsync"])
@pytest.mark.parametrize("number", CURES, ids=errno.errorcode.get)
@pytest.mark.parametrize("command", ["train", "compare"])
def test_a_folder_that_cannot_be_used_has_one_cure(command, number, place, monkeypatch, capsys):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    code, cure = CURES[number]
    target = {"mkdir": Path, "fsync": os}[place]
    with monkeypatch.context() as patch:
        patch.setattr(target, place, fail)
        run(command, "moons", "--out", "run", code=code)
    assert capsys.readouterr().err == f"minigrad: cannot write run: {os.strerror(number)}. {cure}\n"
    assert os.listdir() == []


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nodata", "sin", "Sine"])
def test_compare_lists_only_what_it_takes(name, capsys):
    run("compare", name, code=2)
    assert "There are moons, circles, spirals, blobs, xor, checkerboard, digits" in capsys.readouterr().err
    run("train", name, code=2)
    assert "checkerboard, sine, digits" in capsys.readouterr().err
