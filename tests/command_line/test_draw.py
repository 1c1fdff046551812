"""``minigrad draw``: checkpoints and cases of the user's own as pictures, and mistakes in one line."""

import json

import pytest

import minigrad as mg
from minigrad.command_line import pictures
from minigrad.graph.appearance import THEMES
from tests.command_line.runs import QUICK, run

CASES = """
import minigrad as mg
from minigrad import nn

def net():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU()), mg.randn(16, 4)

def product():
    return lambda a, b: (a * b).sum(), (mg.randn(3, requires_grad=True), mg.randn(3))

def wrong():
    return nn.Linear(3, 2), mg.randn(5, 4)

def loss():
    return lambda w, x: (w * x).sum(), (mg.randn(3, requires_grad=True), mg.randn(3))

def raising():
    return lambda a: 1 / 0, mg.randn(5, 4)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pictures, "MISSING", "not needed")
    (tmp_path / "cases.py").write_text(CASES)
    return tmp_path


@pytest.mark.slow
def test_a_checkpoint_is_drawn_with_its_first_batch(folder, capsys):
    run("train", "moons", *QUICK, "--quiet")
    run("draw", "runs/moons", "-o", "a.gv")
    text = (folder / "a.gv").read_text()
    assert "BatchNorm1d(16)  [TRAIN: batch statistics]" in text and "(32, 2) float32" in text
    run("draw", "runs/moons/best.npz", "-o", "b.gv", "--modes", "train")
    assert "[TRAIN: batch statistics]" in (folder / "b.gv").read_text()
    run("draw", "runs/moons/best.npz", "-o", "c.gv")
    assert "[EVAL: running statistics]" in (folder / "c.gv").read_text()
    assert "wrote c.gv: " in capsys.readouterr().out


def test_a_case_is_drawn_under_its_name(folder, capsys):
    run("draw", "cases.py:product")
    assert "wrote product.html: 4 boxes, " in capsys.readouterr().out and (folder / "product.html").exists()
    run(
        "draw",
        "cases.py:net",
        "--modes",
        "eval",
        "--depth",
        "1",
        "--theme",
        "dark",
        "-o",
        "new/folder/net.gv",
        "--json",
    )
    text = (folder / "new/folder/net.gv").read_text()
    assert "1: BatchNorm1d(8)  [EVAL: running statistics]" in text and "running_mean" not in text
    assert THEMES["dark"].background in text
    found = json.loads(capsys.readouterr().out)
    run("draw", "cases.py:net", "--modes", "both", "-o", "both.gv")
    assert "the outputs differ by" in (folder / "both.gv").read_text()
    assert found["file"] == "new/folder/net.gv" and found["boxes"] == 4 and "mode=eval" in found["header"]


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["cases.py"], 2, "which case in cases.py? Name it behind a colon: cases.py:my_case"),
        (["cases.py:nett"], 2, "Did you mean cases.py:net?"),
        (["nothing"], 2, "no checkpoint nothing: there is no such file"),
        (["cases.py:product", "--modes", "eval"], 2, "--modes is for modules, and cases.py:product is drawn as"),
        (["cases.py:net", "--depth", "0"], 2, "--depth"),
        (["cases.py:net", "--theme", "drak"], 2, "Did you mean 'dark'?"),
        (["cases.py:net", "--collapse", "7"], 1, "'7' is the path of no module that was called"),
        (["cases.py:net", "--grads"], 1, "cannot be drawn: draw(grads=True): gradients begin at one number"),
        (["cases.py::net"], 2, "there is no ':net' in cases.py. Did you mean cases.py:net?"),
        (["cases.py:net", "-o", "."], 2, ". is a folder: name a file in it with -o."),
        (["cases.py:net", "-o", "cases.py/net.svg"], 2, "File exists. Choose another folder with -o."),
        (["moons"], 2, "no checkpoint moons: there is no such file. Train it first: minigrad train moons"),
        (["cases.py:net", "-o", "net.jpeg"], 2, "cannot save a graph as 'net.jpeg': name it .svg"),
        (["cases.py:net", "-o", "cases.py"], 2, "cases.py is there already: replace it with --overwrite"),
        (["cases.py:wrong"], 1, "cases.py:wrong cannot be drawn: linear in Linear"),
        (["cases.py:raising"], 1, "drawn: ZeroDivisionError: division by zero (cases.py, line 18)"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_with_the_cure(words, code, message, folder, capsys):
    before = sorted(path.name for path in folder.iterdir())
    run("draw", *words, code=code)
    out, error = capsys.readouterr()
    assert out == "" and message in error and error.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == before


LOOKS = [
    ("net", "--expand"), ("net", "--collapse", "0"), ("net", "--values"), ("loss", "--grads"), ("net", "--legend"),
    ("net", "--tables"), ("net", "--depth", "1"),
]  # fmt: skip
"""Cases, and options that are keywords of ``mg.draw``."""


@pytest.mark.parametrize("words", LOOKS, ids=" ".join)
def test_the_looks_are_those_of_draw(words, folder):
    case, option, *value = words
    run("draw", f"cases.py:{case}", option, *value, "-o", "a.gv")
    names: dict = {}
    exec(CASES, names)
    mg.manual_seed(0)
    function, inputs = names[case]()
    drawn = (function, inputs) if case == "net" else (function(*inputs),)
    keyword = {option[2:]: {"--collapse": value, "--depth": 1}.get(option, True)}
    assert (folder / "a.gv").read_text() == mg.draw(*drawn, **keyword).source != mg.draw(*drawn).source


@pytest.mark.slow
def test_the_gradients_of_a_trained_model_are_those_of_its_loss(folder, capsys):
    run("train", "moons", *QUICK, "--quiet")
    run("draw", "runs/moons", "--grads", "-o", "a.gv")
    assert "cross_entropy" in (folder / "a.gv").read_text()
    run("draw", "runs/moons/best.npz", "--grads", "-o", "b.gv", code=2)
    assert "draw the checkpoint.npz of its run" in capsys.readouterr().err
