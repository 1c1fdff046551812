"""What the README shows works as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.command_line import main as main_module
from minigrad.command_line.main import main
from minigrad.command_line.results import KEYS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "examples/commands.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_first_snippet_trains_and_predicts_one_sample(capsys):
    names: dict = {}
    exec(SNIPPETS[0], names)
    printed = re.fullmatch(
        r"accuracy tensor\((0\.9\d+|1\.)\)\none sample tensor\(\[(\d)\]\) is tensor\(\[(\d)\]\)\n",
        capsys.readouterr().out,
    )
    assert float(printed[1]) > 0.95
    assert printed[2] == printed[3]
    assert Path("graph.svg").exists() or Path("graph.gv").exists()
    lines = [line for line in SNIPPETS[0].splitlines() if line and "import" not in line]
    assert len(lines) <= 12


def test_the_calls_shown_are_possible():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    x = mg.randn(6, 4, requires_grad=True)
    names = {"mg": mg, "model": model, "x": x, "loss": model(x).square().mean()}
    found = [eval(line.partition("  #")[0], names) for line in SNIPPETS[1].splitlines()]
    *pictures, correct, report, gradients = found
    assert len(pictures) == 4 and all("batch_norm" in picture.source for picture in pictures)
    assert correct is True and report
    assert gradients[0].shape == x.shape and gradients[0].requires_grad


def test_the_two_lines_from_a_checkpoint_to_predictions_work(monkeypatch):
    monkeypatch.setattr("minigrad.command_line.pictures.MISSING", "not needed")
    Path("my.csv").write_text("a,kind\n" + "1,left\n9,right\n" * 40)
    Path("new.csv").write_text("a\n1\n9\n")
    assert main(["train", "my.csv", "--target", "kind", "--quiet"]) == 0
    imported, predicted = re.findall(r"^    (.*load_model.*)$", README, re.MULTILINE)
    names: dict = {}
    exec(imported, names)
    assert eval(predicted, names).tolist() == ["left", "right"]


def test_the_compiled_step_trains_and_predicts():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    names = {"mg": mg, "model": model, "criterion": nn.CrossEntropyLoss()}
    names["optimizer"] = mg.optim.Adam(model.parameters(), lr=0.05)
    names["x"], names["target"] = mg.randn(16, 3), mg.arange(16) % 2
    snippet = SNIPPETS[2].partition("predict =")[0]
    exec(snippet, names)
    losses = [names["train_step"](names["x"], names["target"]).item() for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]
    exec(SNIPPETS[2][len(snippet) :], names)
    model.eval()
    np.testing.assert_allclose(names["predict"](names["x"][:1]), model(names["x"])[:1].detach(), rtol=1e-4, atol=1e-6)


def test_the_entry_shown_is_the_one_in_the_code():
    name, rest = SNIPPETS[3].split(" = ", 1)
    assert name == "tanh"
    code = (ROOT / "minigrad/ops/hyperbolic.py").read_text(encoding="utf-8")
    assert re.sub(r"\s", "", rest.rstrip()) in re.sub(r"\s", "", code)


def test_the_rooms_and_datasets_named_exist():
    built = README.partition("## How it is built")[2].partition("## ")[0]
    for line in re.findall(r"^\| (`.*?) \|", built, re.MULTILINE):
        for room in re.findall(r"`([\w/]+)`", line):
            assert (ROOT / room).is_dir() or (ROOT / "minigrad" / room).is_dir(), room
    assert all(f"`{name}`" in COMMANDS for name in mg.data.DATASETS)


def test_the_commands_are_those_that_there_are():
    table = README.partition("## The commands")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)[ `]", table, re.MULTILINE)[1:] == list(main_module.COMMANDS)
    keys = {
        name: re.findall(r"`(\w+)`", row)
        for name, row in re.findall(r"^\| `(\w+)` \| (.*) \|$", COMMANDS, re.MULTILINE)
    }
    assert keys == {name: list(known) for name, known in KEYS.items()}
    for code in re.findall(r"^ +(\d+)", main_module.CODES, re.MULTILINE):
        assert re.search(rf"\b{code} (done|a mistake|stopped)", COMMANDS.partition("Exit codes:")[2])


def test_the_commands_install_what_they_use():
    first, second = re.findall(r"^    (python3 -m venv .*)$", README, re.MULTILINE)
    assert first.endswith(".venv/bin/minigrad train digits") and '".[show]"' in first
    assert second.endswith("pytest -q -n auto") and '".[show,test]"' in second
