"""The options that a beginner changes first: what each of them makes."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.command_line import pictures, train
from minigrad.command_line.progress import Plain
from minigrad.command_line.settings import OPTIMIZERS, SCHEDULES, make_optimizer, settings_for
from minigrad.training.mlp import ACTIVATIONS
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.fixture(autouse=True)
def without_matplotlib(monkeypatch):
    monkeypatch.setattr(pictures, "MISSING", "not needed")


QUICK = ["--hidden", "8", "--samples", 60, "-q", "--overwrite"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_the_module_of_that_name(name):
    run("train", "moons", "--epochs", 1, "--activation", name, *QUICK)
    layer = mg.training.load_model("runs/moons").net[2]
    assert type(layer).__name__.lower() == name.replace("_", "")


CLASSES = {"momentum": "SGD", "nesterov": "SGD", "sgd": "SGD", "rmsprop": "RMSprop"}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimiser_learns_at_its_usual_rate(name):
    run("train", "moons", "--epochs", 30, "--optimizer", name, "-q", "--hidden", "16")
    assert float(rows_of("runs/moons/history.csv")[-1]["test_accuracy"]) > 0.85
    made = make_optimizer(name, nn.Linear(2, 2), 0.1)
    assert type(made).__name__.lower() == CLASSES.get(name, name).lower()
    assert made.defaults.get("momentum", 0) == (0.9 if name in ("momentum", "nesterov") else 0)


def test_weight_decay_spares_biases_and_batchnorm():
    run_of = train.Training(settings_for("moons", {"weight_decay": 0.1}))
    decaying = {id(p) for group in run_of.optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    names = {name for name, p in run_of.model.named_parameters() if id(p) in decaying}
    assert names == {"0.weight", "3.weight", "6.weight"}
    assert settings_for("moons", {"optimizer": "adamw"}).weight_decay == 0.01
    assert isinstance(run_of.optimizer, optim.Adam)


E = np.arange(6)
RATES = {
    "constant": np.ones(6),
    "cosine": (1 + np.cos(np.pi * E / 6)) / 2,
    "linear": 1 - 0.99 * E / 6,
    "exponential": 0.01 ** (E / 6),
    "step": [1, 1, 0.1, 0.1, 0.01, 0.01],
    "plateau": np.ones(6),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_its_formula(name):
    run("train", "moons", "--epochs", 6, "--lr", 0.02, "--schedule", name, *QUICK)
    found = [float(row["lr"]) for row in rows_of("runs/moons/history.csv")]
    np.testing.assert_allclose(found, 0.02 * np.array(RATES[name]), rtol=1e-6)


def test_a_plateau_lowers_the_rate(monkeypatch):
    training = train.Training(settings_for("moons", {"schedule": "plateau", "samples": 60}))
    monkeypatch.setattr(training, "evaluate", lambda: (1.0, 0.5))
    rates = [training.epoch(Plain(0, "")).lr for _ in range(9)]
    np.testing.assert_allclose(rates, [0.01] * 7 + [0.001] * 2)


def test_noise_and_samples_are_those_of_the_data():
    training = train.Training(settings_for("moons", {"noise": 0.5, "samples": 100}))
    x, y = mg.data.moons(100, noise=0.5)[:]
    rows, _ = mg.data.train_test_split(mg.data.TensorDataset(x, y), seed=train.SPLIT_SEED)
    np.testing.assert_array_equal(training.train_set.tensors[0].numpy(), rows.tensors[0].numpy())


def test_small_data_have_a_batch_that_fits(capsys):
    run("train", "moons", "--samples", 20, "--epochs", 1)
    assert "16 training and 4 test samples" in capsys.readouterr().out
    assert mg.load("runs/moons/checkpoint.npz")["settings"]["batch_size"] == 16


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_planned_schedule_ends_with_its_epochs(schedule, capsys):
    run("train", "moons", "--epochs", 2, "--schedule", schedule, *QUICK)
    run("train", "moons", "--resume", "runs/moons", "--epochs", 4, code=2)
    assert f"its schedule {schedule} was planned for 2 epochs" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons", code=2)
    assert "has 2 epochs already: start a new run with --epochs 12" in capsys.readouterr().err
    run("train", "moons", "--resume", "runs/moons", "--schedule", "step", code=2)
    assert "--schedule cannot change in a resumed run" in capsys.readouterr().err


def test_a_quiet_run_says_what_was_reached_and_written(capsys):
    run("train", "moons", "--epochs", 2, *QUICK)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("moons: test accuracy ") and lines[1].startswith("wrote runs/moons: checkpoint.npz")


def test_the_training_is_that_of_fit():
    """Losses, scores and weights are those of the loop that users have."""
    settings = settings_for("moons", {"hidden": (8,), "epochs": 3, "schedule": "cosine"})
    run_of = train.Training(settings)
    rows = [run_of.epoch(Plain(0, "")) for _ in range(3)]
    other = train.Training(settings)
    history = mg.training.fit(
        other.model, other.loader, [other.test_set[:]], loss=other.task.loss, optimizer=other.optimizer, epochs=3,
        scheduler=other.schedule, metrics=[mg.training.accuracy],
    )  # fmt: skip
    for column, name in (("lr", "lr"), ("train_loss", "loss"), ("test_loss", "test_loss"), ("score", "accuracy")):
        assert [getattr(row, column) for row in rows] == history[name]
    for name, value in run_of.model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), other.model.state_dict()[name].numpy())


def test_runs_of_older_versions_go_on_as_they_were():
    """They had a bias in front of BatchNorm, and fewer settings; their checkpoints hold less."""
    settings = train.Settings("moons", hidden=(8,), epochs=2, batch_size=32, lr=0.01, bias=True)
    old = train.Training(settings)
    old.epoch(Plain(0, ""))
    state = old.state()
    for name in ("preparation", "schedule", "digest"):
        del state[name]
    known = "dataset", "hidden", "epochs", "batch_size", "lr", "batchnorm", "seed"
    state["settings"] = {name: state["settings"][name] for name in known}
    state["history"] = [row[:5] for row in state["history"]]
    mg.save(state, "checkpoint.npz")
    expected = old.epoch(Plain(0, ""))
    run("train", "moons", "--resume", "checkpoint.npz", "-q")
    kept = mg.load("checkpoint.npz")
    assert kept["history"][1][:4] == tuple(expected[:4])
    for name, value in old.model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), kept["model"][name].numpy())
