"""``minigrad train``: accuracy, files, checkpoints and resuming."""

from __future__ import annotations

import os

import numpy as np
import pytest

import minigrad as mg
from minigrad.command_line import train
from minigrad.command_line.progress import Plain
from tests.command_line.runs import QUICK, rows_of, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("in_an_empty_folder")]


@pytest.mark.parametrize("seed", range(10))
def test_digits_reach_97_percent(seed):
    training = train.Training(train.settings_for("digits", {"seed": seed}))
    for _ in range(training.settings.epochs):
        row = training.epoch(Plain(0, ""))
    x, target = training.test_set.tensors
    with training.model.evaluating(), mg.no_grad():
        right = training.model(x).numpy().argmax(1) == target.numpy()
    assert row.score == pytest.approx(right.mean(), abs=1e-6)
    assert right.mean() >= 0.97


@pytest.mark.parametrize(
    ("dataset", "fit"),
    [
        ("digits", []),
        ("moons", ["boundary.png"]),
        ("circles", ["boundary.png"]),
        ("spirals", ["boundary.png"]),
        ("blobs", ["boundary.png"]),
        ("xor", ["boundary.png"]),
        ("checkerboard", ["boundary.png"]),
        ("sine", ["fit.png"]),
    ],
)
def test_train_writes_everything(dataset, fit, capsys):
    pytest.importorskip("matplotlib")
    run("train", dataset, *QUICK)
    printed = capsys.readouterr().out
    folder = f"runs/{dataset}"
    written = set(os.listdir(folder)) - {"graph.svg", "graph.gv"}
    assert written == {"checkpoint.npz", "best.npz", "history.csv", "curves.png", *fit}
    assert {"graph.svg", "graph.gv"} & set(os.listdir(folder))
    for name in written - {"checkpoint.npz", "best.npz", "history.csv"}:
        with open(f"{folder}/{name}", "rb") as file:
            assert file.read(8) == b"\x89PNG\r\n\x1a\n"
    history = rows_of(f"{folder}/history.csv")
    assert [row["epoch"] for row in history] == ["1", "2"]
    for row in history:
        assert f"{float(row['train_loss']):.4f}" in printed
        assert f"{float(row['test_loss']):.4f}" in printed


LEARNED = {
    "moons": 0.97,
    "circles": 0.95,
    "spirals": 0.95,
    "blobs": 0.9,
    "xor": 0.93,
    "checkerboard": 0.85,
    "sine": 0.95,
}


@pytest.mark.parametrize("dataset", LEARNED)
def test_generated_data_is_learned(dataset):
    training = train.Training(train.settings_for(dataset, {}))
    scores = [training.epoch(Plain(0, "")).score for _ in range(training.settings.epochs)]
    assert np.mean(scores[-5:]) > LEARNED[dataset]


def test_the_checkpoint_holds_the_model_that_was_evaluated():
    run("train", "moons", *QUICK)
    state = mg.load("runs/moons/checkpoint.npz")
    model = train.mlp(2, (16,), 2, batchnorm=True)
    model.load_state_dict(state["model"])
    _, test = mg.data.train_test_split(mg.data.moons(), seed=train.SPLIT_SEED)
    x, target = test.tensors
    accuracy = (model.eval()(x).argmax(1).numpy() == target.numpy()).mean()
    assert float(rows_of("runs/moons/history.csv")[-1]["test_accuracy"]) == pytest.approx(accuracy, abs=1e-6)


def test_a_resumed_run_is_the_run_that_was_not_interrupted():
    run("train", "digits", "--epochs", 4, "--hidden", "16", "--seed", 3, "--out", "whole")
    run("train", "digits", "--epochs", 2, "--hidden", "16", "--seed", 3, "--out", "part")
    run("train", "digits", "--epochs", 4, "--resume", "part/checkpoint.npz", "--out", "part")
    whole, part = mg.load("whole/checkpoint.npz"), mg.load("part/checkpoint.npz")
    for name, tensor in whole["model"].items():
        assert np.array_equal(tensor.numpy(), part["model"][name].numpy()), name
    for number, state in whole["optimizer"]["state"].items():
        for name, value in state.items():
            assert np.array_equal(np.asarray(value), np.asarray(part["optimizer"]["state"][number][name]))
    assert [row[:4] for row in whole["history"]] == [row[:4] for row in part["history"]]
    assert whole["random"] == part["random"]
    assert whole["loader"] == part["loader"]


def test_a_compiled_run_has_the_numbers_of_the_eager_one_also_when_it_is_resumed(capsys):
    eager, compiled = ("--out", "eager"), ("--out", "compiled", "--compile")
    for how in (eager, compiled):
        run("train", "moons", "--epochs", "6", *how)
    run("train", "moons", "--resume", "compiled", "--epochs", "8")
    run("train", "moons", "--resume", "eager", "--epochs", "8")
    names = "train_loss", "test_loss", "test_accuracy"
    expected, found = (
        np.array([[float(row[name]) for name in names] for row in rows_of(f"{folder}/history.csv")])
        for folder in ("eager", "compiled")
    )
    assert len(found) == 8
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)
    assert "the net with the batch of the last step" in capsys.readouterr().out
