"""Runs that end early: by numbers that are not finite, by Ctrl-C, by a folder or a disk that takes nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from minigrad.command_line import compare, pictures
from minigrad.command_line.main import main
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
