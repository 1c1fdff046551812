"""``--seed``: what is random in each command starts from it, and where nothing is random it is refused."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.benchmarks.workloads import WORKLOADS
from minigrad.command_line import bench, pictures
from minigrad.command_line.main import COMMANDS
from minigrad.command_line.options import SEEDED
from tests.command_line.runs import run

CASE = """
import minigrad as mg
from minigrad import nn
before = mg.rand(1).item()
def case():
    return nn.Linear(2, 2), mg.randn(4, 2)
def wide():
    return nn.Linear(2, int(1000 * before + 1000 * mg.rand(1).item()) + 1), mg.randn(4, 2)
def slow():
    return lambda x: x.detach() * x, mg.randn(3).requires_grad_()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pictures, "MISSING", "not needed")
    (tmp_path / "my.py").write_text(CASE)
    return tmp_path


RANDOM = {
    "train": (["moons", "--epochs", "1", "--hidden", "4", "--overwrite", "-q"], "runs/moons/history.csv"),
    "compare": (["moons", "--steps", "2", "--hidden", "4", "--overwrite", "-q"], "runs/compare-moons/compare.csv"),
    "summary": (["my.py:wide"], None),
    "draw": (["my.py:case", "--values", "-o", "case.gv", "--overwrite"], "case.gv"),
    "check": (["my.py:slow", "-o", "t.csv", "--overwrite"], "t.csv"),
}
"""A call of a command, and the file that depends on the seed; None: standard output."""


@pytest.mark.parametrize("command", RANDOM)
def test_the_same_seed_gives_the_same_and_another_one_does_not(command, capsys):
    words, file = RANDOM[command]
    found = []
    for seed in ([], ["--seed", "0"], ["--seed", "1"]):
        code = 1 if command == "check" else 0
        run(command, *words, *seed, code=code)
        printed = capsys.readouterr().out
        text = printed if file is None else Path(file).read_text()
        found.append(re.sub(r"\d[\d.e-]*,[\d.]+$", "", text, flags=re.MULTILINE) if command == "train" else text)
    assert found[0] == found[1] != found[2]


def test_the_inputs_of_a_best_model_start_from_the_seed(folder):
    run("train", "moons", "--epochs", "1", "--hidden", "4", "-q")
    texts = []
    for seed in ([], ["--seed", "0"], ["--seed", "1"]):
        run("draw", "runs/moons/best.npz", "--values", "-o", "b.gv", "--overwrite", *seed)
        texts.append((folder / "b.gv").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_the_nets_of_bench_start_from_the_seed(monkeypatch, capsys):
    seeds = []
    monkeypatch.setattr(bench, "HandwrittenStep", lambda chosen: seeds.append(chosen.seed) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("bench", "--seed", "5")
    assert seeds == [5]
    first, again, other = (WORKLOADS["toy"]._replace(seed=seed) for seed in (0, 0, 1))
    for part in ("data", "weights"):
        a, b, c = (np.asarray(getattr(each, part)()[0][0]) for each in (first, again, other))
        assert np.array_equal(a, b) and not np.array_equal(a, c)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_seed_that_would_be_ignored_is_refused(command, capsys):
    run("train", "moons", "--epochs", "1", "--hidden", "4", "-q")
    capsys.readouterr()
    words = {"summary": ["runs/moons"], "draw": ["runs/moons"], "diagnose": ["runs/moons"], "predict": ["a", "b"]}
    if command in ("train", "compare", "check", "bench"):
        assert command in SEEDED
        return
    run(command, *words.get(command, ["x"] if command == "inspect" else []), "--seed", 3, code=2)
    error = capsys.readouterr().err
    assert "leave it out" in error or "leave yours out" in error


def test_a_case_starts_from_seed_0_as_a_program_that_says_so(folder):
    run("draw", "my.py:case", "--values", "-o", "case.gv")
    mg.manual_seed(0)
    layer = mg.nn.Linear(2, 2)
    assert mg.draw(layer, mg.randn(4, 2), values=True).source == (folder / "case.gv").read_text()
