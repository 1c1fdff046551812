"""``load_model``: models of the command line in Python, against their parts in plain NumPy."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, training
from minigrad.command_line.main import main
from minigrad.io import CheckpointError
from minigrad.training import load_model
from minigrad.training.preparation import Preparation

FLOWERS = "length,colour,width,kind\n" + "".join(
    f"{i % 7 + 0.5},{['red', 'green', 'blue'][i % 3]},{1000 * i + 1e6},{'ab'[i % 2]}\n" for i in range(40)
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("minigrad.command_line.pictures.MISSING", "not needed")
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    return tmp_path


@pytest.fixture
def model(folder):
    assert main(["train", "flowers.csv", "-q", "--epochs", "3", "--hidden", "8"]) == 0
    return load_model("runs/flowers")


def by_hand(folder, name="best.npz"):
    """The scores of all rows: columns by the csv module, then the layers in NumPy."""
    state = mg.load(f"runs/flowers/{name}")
    rows = list(csv.DictReader(FLOWERS.splitlines()))
    labels = mg.tensor([int(row["kind"] == "b") for row in rows])
    train, _ = data.train_test_split(data.TensorDataset(mg.arange(40), labels), seed=0)
    training_rows = train.tensors[0].numpy()
    columns = []
    for feature in ("length", "colour", "width"):
        if feature == "colour":
            columns += [[float(row["colour"] == word) for row in rows] for word in ("blue", "green", "red")]
        else:
            values = np.array([float(row[feature]) for row in rows])
            columns.append((values - values[training_rows].mean()) / values[training_rows].std())
    x = np.stack(columns, 1)
    w = {key: value.numpy().astype(float) for key, value in state["model"].items()}
    h = x @ w["0.weight"].T
    h = (h - w["1.running_mean"]) / np.sqrt(w["1.running_var"] + 1e-5) * w["1.weight"] + w["1.bias"]
    return np.maximum(h, 0) @ w["3.weight"].T + w["3.bias"]


def test_predictions_are_those_of_the_layers_by_hand(model, folder):
    scores = by_hand(folder)
    assert model.classes == ("a", "b") and model.target == "kind" and not model.training
    assert model.features == ("length", "colour", "width")
    assert model.predict("flowers.csv").tolist() == ["ab"[k] for k in scores.argmax(1)]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba("flowers.csv"), probabilities, atol=1e-5)


def test_the_best_model_of_a_folder_is_taken_and_the_last_if_named(model, folder):
    last = load_model(folder / "runs/flowers/checkpoint.npz").predict_proba("flowers.csv")
    scores = by_hand(folder, "checkpoint.npz")
    np.testing.assert_allclose(last, np.exp(scores) / np.exp(scores).sum(1, keepdims=True), atol=1e-5)


def test_columns_are_found_by_name_in_any_order_and_others_ignored(model):
    rows = list(csv.DictReader(FLOWERS.splitlines()))[:5]
    columns = {"colour": [row["colour"] for row in rows], "other": [0] * 5}
    columns |= {name: [float(row[name]) for row in rows] for name in ("width", "length")}
    assert model.predict(columns).tolist() == model.predict("flowers.csv")[:5].tolist()


def test_raw_tensors_go_through_the_model_itself(folder):
    assert main(["train", "iris", "-q", "--epochs", "3"]) == 0
    model = load_model("runs/iris")
    inputs, _ = data.iris()[:]
    with mg.no_grad():
        scores = model(inputs)
    names = np.array(["setosa", "versicolor", "virginica"])
    assert model.predict(inputs).tolist() == names[scores.numpy().argmax(1)].tolist()
    assert model.predict(inputs.numpy().tolist()[:1]).tolist() == model.predict(inputs)[:1].tolist()


def test_numbers_are_predicted_in_their_own_unit(folder):
    assert main(["train", "auto_mpg", "-q", "--epochs", "20"]) == 0
    model = load_model("runs/auto_mpg")
    inputs, targets = data.auto_mpg()[:]
    assert model.classes is None
    found = model.predict("cars.csv") if (folder / "cars.csv").exists() else model.predict(cars())
    assert training.r2_score(found, targets.numpy()[:, 0]) > 0.8
    with pytest.raises(TypeError, match="mpg is a number, it has no classes: use predict"):
        model.predict_proba(inputs)


def cars():
    """The table in the package, as columns."""
    from minigrad.data.tabular import FILES

    with open(FILES["auto_mpg"], newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] if name == "origin" else float(row[name]) for row in rows] for name in rows[0]}


WRONG = [
    ({"length": [1.0], "width": [1.0]}, ValueError, "lacks the column colour"),
    ({"length": [1.0], "width": [1.0], "color": ["red"]}, ValueError, "Did you mean 'color'?"),
    (
        {"length": [1.0], "width": [1.0], "colour": ["pink"]},
        ValueError,
        "did not see (blue, green, red were there) ('pink')",
    ),
    ({"length": ["x"], "width": [1.0], "colour": ["red"]}, ValueError, "'x' in column 'length' is no number"),
    ({"length": [np.nan], "width": [1.0], "colour": ["red"]}, ValueError, "row 1: column 'length' has no value"),
    ({"length": [np.inf], "width": [1.0], "colour": ["red"]}, ValueError, "an infinite number"),
    ({"length": [1.0, 2.0], "width": [1.0], "colour": ["red"]}, ValueError, "vectors of one length"),
    ([[1.0] * 4], ValueError, "the array has 4 columns, the model takes 3: "),
    ([[1.0, 2.0]], ValueError, "has 2 columns, the model takes 3"),
    ([1.0, 2.0, 3.0], TypeError, "a single sample is x[None]"),
]


@pytest.mark.parametrize(("x", "error", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_data_of_another_kind_is_refused(x, error, message, model):
    with pytest.raises(error) as caught:
        model.predict(x)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_files_that_are_no_checkpoints_of_the_command_are_refused(folder):
    mg.save({"model": nn.Linear(2, 2).state_dict()}, "other.npz")
    with pytest.raises(CheckpointError, match="no checkpoint of 'minigrad train'"):
        load_model("other.npz")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_model("none.npz")


def test_checkpoints_of_older_versions_are_read(folder):
    """They had a bias in front of BatchNorm, fewer settings, and nothing of the columns."""
    from minigrad.training.mlp import mlp

    net = mlp(2, (8,), 2, batchnorm=True, bias=True)
    old = {"dataset": "moons", "hidden": (8,), "epochs": 1, "batch_size": 32, "lr": 0.01, "batchnorm": True, "seed": 0}
    mg.save({"settings": old, "model": net.state_dict()}, "best.npz")
    x = mg.randn(5, 2)
    with net.evaluating(), mg.no_grad():
        expected = net(x).numpy().argmax(1)
    assert load_model("best.npz").predict(x).tolist() == expected.tolist()


def test_missing_numbers_count_as_the_mean_if_that_was_asked_for():
    features = (("a", None), ("b", ("u", "v")))
    preparation = Preparation(features, "y", 2, (3, 5), np.array([2.0, 0, 0]), np.array([4.0, 1, 1]), fill=True)
    from minigrad.data.table import Column, Table

    table = Table("t", (Column("a", np.array([10.0, np.nan])), Column("b", np.array([1, -1]), ("u", "v"))))
    assert preparation.encoded(table).tolist() == [[2, 0, 1], [0, 0, 0]]


def test_an_array_for_a_model_of_generated_data_has_its_columns_alone(folder):
    assert main(["train", "moons", "--epochs", "1", "--quiet"]) == 0
    moons = load_model("runs/moons")
    assert moons.predict(np.zeros((3, 2))).shape == (3,)
    for columns in (1, 3, 5):
        with pytest.raises(ValueError, match=f"the array has {columns} columns, the model takes 2: x1, x2"):
            moons.predict(np.zeros((3, columns)))
    np.savez("wide.npz", X=np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"wide\.npz has 5 columns, the model takes 2: x1, x2"):
        moons.predict("wide.npz")
