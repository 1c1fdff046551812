"""Mistakes on the command line: one line, exit code 2, nothing lost."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.command_line import pictures, train
from tests.command_line.runs import QUICK, rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

MISTAKES = [
    (["train", "digit"], "Did you mean 'digits'"),
    (["train", "nothing-like-it"], "There are moons"),
    (["train"], "required: DATASET"),
    (["fly"], "no command 'fly'. There are train, predict, compare, summary, draw, inspect, check, diagnose,"),
    (["trian", "digits"], "Did you mean minigrad train?"),
    (["digits"], "Did you mean minigrad train digits?"),
    (["train", "mnist"], "Did you mean 'digits'"),
    (["train", "MNIST"], "Did you mean 'digits'"),
    (["train", "moons", "xor"], "unrecognized arguments: xor (see minigrad train --help)"),
    (["compare", "moons", "--resume", "x"], "(see minigrad compare --help)"),
    (["train", "moons", "--hidden", "8,,8"], "got ''"),
    (["train", "moons", "--hidden", ""], "got ''"),
    (["train", "moons", "--out", ""], "the current folder is ."),
    (["train", "moons", "--resume", ""], "expected a path, got ''"),
    (["train", "moons", "--out", "x" * 300], "Choose a shorter name"),
    (["train", "moons", "--resume", "x" * 300], "Choose a shorter name"),
    (["train", "moons", "--resume", "folder"], "no checkpoint folder/checkpoint.npz: there is no such file"),
    (["train", "moons", "--epochs", "0"], "whole number of at least 1, got '0'"),
    (["train", "moons", "--epochs", "many"], "got 'many'"),
    (["train", "moons", "--lr", "0"], "above 0"),
    (["train", "moons", "--lr", "nan"], "above 0, got 'nan'"),
    (["train", "moons", "--lr", "-1"], "above 0, got '-1'"),
    (["train", "moons", "--epochs", "1.5"], "whole number"),
    (["train", "moons", "--batch-size", "1"], "at least 2"),
    (["train", "moons", "--batch-size", "100000"], "training samples"),
    (["train", "moons", "--hidden", "8,x"], "got 'x'"),
    (["train", "moons", "--optimzer", "sgd"], "--optimzer sgd; did you mean --optimizer? (see minigrad train --help)"),
    (["train", "moons", "--learning-rate", "1"], "--learning-rate 1; did you mean --lr? (see"),
    (["train", "moons", "--resume", "missing.npz"], "no such file"),
    (["train", "moons", "--resume", "noise.npz"], "not a minigrad checkpoint"),
    (["train", "moons", "--resume", "other.npz"], "resume from a checkpoint.npz that it wrote"),
    (["train", "moons", "--resume", "other.npz", "--lr", "1"], "--lr cannot change"),
    (["train", "moons", "--out", "file"], "Choose another folder with --out"),
    (["compare", "my.csv"], "there is no file my.csv"),
    (["compare", "numbers.csv"], "numbers has no classes, which compare wants: its target 'b' is a number"),
    (["train", "my.cvs"], "there is no file my.cvs. Did you mean 'my.csv'?"),
    (["train", "numbers.cvs"], "Did you mean 'numbers.csv'?"),
    (["train", "points.tvs"], "there is no file points.tvs. Did you mean 'points.tsv'?"),
    (["numbers.csv"], "Did you mean minigrad train numbers.csv?"),
    (["trian", "digits", "--json"], "Did you mean minigrad train?"),
    (["inspect", "numbers.npy"], "no checkpoint numbers.npy: there is no such file"),
    (["inspect", "nose.npz"], "no checkpoint nose.npz: there is no such file. Did you mean 'noise.npz'?"),
    (["summary", "folders"], "Did you mean 'folder'?"),
    (["train", "moons", "--resume", "othr.npz"], "Did you mean 'other.npz'?"),
    (["inspect", "noise.npz"], "not a minigrad checkpoint"),
    (["inspect", "numbers.csv"], "numbers.csv is a table of text, which minigrad train reads"),
    (["inspect", "folder"], "folder is a folder without best.npz or checkpoint.npz: name a file"),
    (["doctor", "--qiet"], "did you mean --quiet?"),
    (["train", "digits", "--task", "regression"], "--task is for files, my.csv say, and digits is none: leave it out"),
    (["train", "moons", "--no-header"], "--header is for files"),
    (["compare", "sine"], "try minigrad compare digits"),
    (["train", "folder"], "folder is a folder: name the file in it"),
    (["train", ""], "there is no dataset ''"),
    (["train", "cases.py:case"], "is a program, not data: minigrad draw, summary and check take those"),
    (["diagnose", "cases.py"], "is a program, not data"),
    (["train", "moons", "--weight-decay", "-1"], "expected 0 or a number above it, got '-1'"),
    (["predict", "moons", "numbers.csv"], "there is no such file. Train it first: minigrad train moons"),
    (["predict", "other.npz", "numbers.csv", "-o", ""], "expected a path, got ''"),
    (["predict", "a", "b", "--seed", "3"], "--seed 3; nothing is random in predict: leave it out"),
    (["inspect", "objects.npy"], "it has Python objects in it, which could run code. Save arrays of numbers"),
    (
        ["train", "moons", "--hidden", "32", "16"],
        "arguments: 16; the values of --hidden are one word, with commas and w",
    ),
    (["train", "moons", "--hidden", "32", "xor"], "arguments: xor (see"),
    (["bench", "toy"], "unrecognized arguments: toy; did you mean --workload toy?"),
    (["bench", "--workload", "smal"], "Did you mean 'small'?"),
    (["check", "exp", "-o", "folder"], "expected a file that ends in .csv, .md, .html, got 'folder'"),
    (["check", "exp", "-o", "file/t.csv"], "cannot write file: File exists. Choose another folder with -o."),
    (["check", "exp", "-o", "numbers.csv"], "numbers.csv is there already: replace it with --overwrite"),
    (["summary", "nothing.py"], "which case in nothing.py? Name it behind a colon: nothing.py:my_case"),
    (["summary", "other.npz", "--seed", "1"], "nothing is random in other.npz: leave it out"),
    (["--hepl"], "--hepl is no option of minigrad itself; did you mean --help?"),
    (["--quiet", "train", "moons"], "it stands behind the command, minigrad train ... --quiet"),
    (["--json", "--quiet"], "it stands behind the command, minigrad train ... --json"),
]


@pytest.mark.parametrize(("arguments", "cure"), MISTAKES, ids=[" ".join(a)[:50] for a, _ in MISTAKES])
def test_mistakes_get_one_line_and_exit_code_2(arguments, cure, capsys):
    with open("noise.npz", "wb") as file:
        file.write(bytes(range(256)))
    with open("file", "w"):
        pass
    with open("numbers.csv", "w") as file:
        file.write("a,b\n" + "".join(f"{i},{i / 3}\n" for i in range(100)))
    mg.save({"some": "thing"}, "other.npz")
    np.save("objects.npy", np.array([{}], object))
    os.mkdir("folder")
    before = set(os.listdir())
    run(*arguments, code=2)
    out, error = capsys.readouterr()
    assert out == "" or json.loads(out)["error"] in error
    assert error.startswith("minigrad: ")
    assert error.count("\n") == 1
    assert cure in error
    assert not any(files for _, _, files in os.walk("runs"))
    assert set(os.listdir()) - {"runs"} == before


@pytest.mark.slow
def test_another_runs_checkpoint_is_refused(capsys):
    run("train", "moons", *QUICK)
    capsys.readouterr()
    run("train", "xor", "--resume", "runs/moons/checkpoint.npz", code=2)
    assert "is a run on moons, not on xor" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons/checkpoint.npz", code=2)
    assert "ask for more with --epochs" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_without_permission_is_refused(capsys):
    os.mkdir("locked", 0o500)
    run("train", "moons", "--out", "locked/run", code=2)
    assert "Choose another folder with --out" in capsys.readouterr().err


def test_without_matplotlib_everything_else_is_written(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "MISSING", "pip install matplotlib")
    run("train", "moons", *QUICK)
    run("compare", "moons", "--steps", 3)
    printed = capsys.readouterr().out
    assert "no curves.png boundary.png: pip" in printed and "no compare.png: pip" in printed
    assert os.listdir("runs/compare-moons") == ["compare.csv"]
    assert {"checkpoint.npz", "history.csv"} <= set(os.listdir("runs/moons"))
    assert "curves.png" not in os.listdir("runs/moons")


@pytest.mark.slow
def test_without_tqdm_the_lines_are_printed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    run("train", "moons", *QUICK)
    assert "test accuracy" in capsys.readouterr().out


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_to_resume_from(monkeypatch, capsys):
    original = train.Training.epoch

    def interrupted(self, bar):
        if len(self.history) == 1:
            raise KeyboardInterrupt
        return original(self, bar)

    with monkeypatch.context() as patch:
        patch.setattr(train.Training, "epoch", interrupted)
        run("train", "moons", *QUICK, code=130)
    assert "--resume" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons/checkpoint.npz", "--out", "again")
    assert len(rows_of("again/history.csv")) == 2
