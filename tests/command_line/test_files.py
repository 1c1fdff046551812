"""``minigrad train FILE``: what is learned from a user's file, and what is refused before anything is written."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from minigrad.command_line import pictures
from minigrad.command_line.problem import problem_for
from minigrad.command_line.settings import Settings
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder", "without_matplotlib")


@pytest.fixture
def without_matplotlib(monkeypatch):
    monkeypatch.setattr(pictures, "MISSING", "not needed")


def write(text, name="t.csv"):
    Path(name).write_text(text)


def problem(text, **options):
    write(text)
    return problem_for(Settings("t.csv", **options))


def numbers(rows=20):
    """A feature, another one, and a class of words."""
    return "a,b,y\n" + "".join(f"{i},{i * i},{['no', 'yes'][i % 2]}\n" for i in range(rows))


# -- what is understood ----------------------------------------------------------------------------


def test_numbers_are_scaled_by_the_training_part():
    found = problem(numbers(), seed=3)
    x, y = np.arange(20.0), np.arange(20) % 2
    rows, _ = data.train_test_split(data.TensorDataset(mg.arange(20), mg.tensor(y)), seed=3)
    training = rows.tensors[0].numpy()
    columns = np.stack([x, x * x], 1)
    scaled = (columns - columns[training].mean(0)) / columns[training].std(0)
    np.testing.assert_allclose(found.train.tensors[0].numpy(), scaled[training], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.train.tensors[1].numpy(), y[training])
    np.testing.assert_allclose(found.test.tensors[0].numpy(), np.delete(scaled, training, 0), rtol=1e-5, atol=1e-6)
    assert found.preparation.classes == ("no", "yes") and found.task == "classification"


def test_the_seed_splits():
    splits = [problem(numbers(), seed=seed).test.tensors[0].tolist() for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


TARGETS = {
    "words": ("p q p q p q p q p q", {}, ("p", "q")),
    "whole numbers": ("0 7 0 7 0 7 0 7 0 7", {}, (0, 7)),
    "negative ones": ("-1 1 -1 1 -1 1 -1 1 -1 1", {}, (-1, 1)),
    "whole numbers with a point": ("1.0 2.0 1.0 2.0 1.0 2.0 1.0 2.0 1.0 2.0", {}, (1, 2)),
    "truths": ("True False " * 5, {}, ("False", "True")),
    "numbers": ("0.5 1 2 3 4 5 6 7 8 9", {}, None),
    "whole numbers for regression": ("0 1 2 3 4 5 6 7 8 9", {"task": "regression"}, None),
}


@pytest.mark.parametrize("name", TARGETS)
def test_whole_numbers_and_words_are_classes(name):
    values, options, classes = TARGETS[name]
    text = "a,y\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values.split()))
    found = problem(text, **options)
    assert found.preparation.classes == classes
    if classes is None:
        targets = np.concatenate([found.train.tensors[1].numpy(), found.test.tensors[1].numpy()])
        assert targets.shape == (10, 1)
        assert found.train.tensors[1].numpy().mean() == pytest.approx(0, abs=1e-6)
        assert found.train.tensors[1].numpy().std() == pytest.approx(1, rel=1e-6)


def test_any_column_may_be_the_target_and_any_left_out():
    found = problem(numbers(), target="a", drop=("y",), task="regression")
    assert found.preparation.target == "a" and [name for name, _ in found.preparation.features] == ["b"]


def test_words_become_inputs_and_the_first_column_without_a_name_none():
    text = ",c,y\n" + "".join(f"{i},{'uvw'[i % 3]},{i % 2}\n" for i in range(12))
    found = problem(text)
    inputs = np.concatenate([found.train.tensors[0].numpy(), found.test.tensors[0].numpy()])
    assert inputs.shape == (12, 3) and inputs.sum(0).tolist() == [4, 4, 4] and set(inputs.ravel()) == {0, 1}
    assert any("counts the rows" in note for note in found.notes)


def test_missing_values_are_dropped_or_the_mean():
    text = "a,c,y\n" + "".join(
        f"{'' if i == 3 else i},{'?' if i == 5 else 'u'},{'' if i == 7 else i % 2}\n" for i in range(20)
    )
    assert len(problem(text, missing="drop").train) + len(problem(text, missing="drop").test) == 17
    found = problem(text, missing="mean")
    inputs = np.concatenate([found.train.tensors[0].numpy(), found.test.tensors[0].numpy()])
    assert len(inputs) == 19 and np.isfinite(inputs).all()
    assert (inputs[:, 1] == 0).sum() == 1
    values = inputs[:, 0] * found.preparation.scale[0] + found.preparation.mean[0]
    expected = [found.preparation.mean[0] if i == 3 else i for i in range(20) if i != 7]
    np.testing.assert_allclose(np.sort(values), np.sort(expected), rtol=1e-5, atol=1e-5)


def test_what_is_curious_is_said():
    rows = "".join(f"{i},5,{'rare' if i == 4 else 'pq'[i % 2]}\n" for i in range(20))
    notes = " ".join(problem("a,k,y\n" + rows).notes)
    assert "teaches nothing: k" in notes and "trained on but not tested: rare" in notes
    assert "target 'y' (3 classes: p, q, rare)" in notes


def test_a_split_that_the_file_has_is_kept():
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 2, 2)), np.arange(30) % 3
    np.savez("t.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    found = problem_for(Settings("t.npz"))
    assert (len(found.train), len(found.test), found.inputs, found.outputs) == (20, 10, 4, 3)
    np.testing.assert_array_equal(found.test.tensors[1].numpy(), y[20:])
    flat = x.reshape(30, 4)
    expected = (flat[20:] - flat[:20].mean(0)) / flat[:20].std(0)
    np.testing.assert_allclose(found.test.tensors[0].numpy(), expected, rtol=1e-5, atol=1e-6)


# -- runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--schedule", "cosine", "--optimizer", "momentum", "--missing", "mean"]])
def test_a_resumed_run_on_a_file_is_the_run_that_was_not_interrupted(options, monkeypatch, capsys):
    from minigrad.command_line.train import Training

    write(numbers(60))
    quick = ["--hidden", "8", "--epochs", 4, "-q", *options]
    run("train", "t.csv", *quick, "--out", "whole")
    original = Training.epoch

    def interrupted(self, bar):
        if len(self.history) == 2:
            raise KeyboardInterrupt
        return original(self, bar)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "epoch", interrupted)
        run("train", "t.csv", *quick, "--out", "part", code=130)
    assert "minigrad train t.csv --resume part" in capsys.readouterr().err
    os.rename("t.csv", "moved.csv")
    run("train", "moved.csv", "--resume", "part", "-q")
    whole, part = mg.load("whole/checkpoint.npz"), mg.load("part/checkpoint.npz")
    for name, tensor in whole["model"].items():
        np.testing.assert_array_equal(tensor.numpy(), part["model"][name].numpy())
    columns = [[(*row[:4], row[5]) for row in state["history"]] for state in (whole, part)]
    assert columns[0] == columns[1]
    write(numbers(61), "moved.csv")
    run("train", "moved.csv", "--resume", "part", "--epochs", 9, code=2)


def test_a_file_that_has_changed_is_not_resumed(capsys):
    write(numbers(60))
    run("train", "t.csv", "-q", "--epochs", 1)
    write(numbers(61))
    run("train", "t.csv", "--resume", "runs/t", "--epochs", 2, code=2)
    assert "t.csv has other data than when this run began: start a new run." in capsys.readouterr().err


def test_the_run_is_named_after_the_file_and_says_what_it_understood(capsys):
    os.mkdir("my data")
    write(numbers(60), "my data/my flowers.csv")
    run("train", "my data/my flowers.csv", "--epochs", 1)
    out = capsys.readouterr().out
    assert "my flowers: 48 training and 12 test samples, seed 0\ntarget 'y' (2 classes: no, yes)\n" in out
    assert len(rows_of("runs/my flowers/history.csv")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "column", "least"), [("iris", "test_accuracy", 0.9), ("auto_mpg", "test_r2", 0.8)])
def test_the_tables_in_the_package_are_learned(name, column, least):
    for seed in range(3):
        run("train", name, "-q", "--seed", seed, "--overwrite")
        assert np.mean([float(row[column]) for row in rows_of(f"runs/{name}/history.csv")[-5:]]) > least


# -- mistakes --------------------------------------------------------------------------------------

MISTAKES = [
    ("", [], "t.csv is empty"),
    ("a,y\n", [], "names of columns in line 1, but no rows below"),
    ("a,y\n1,0\n2\n", [], "t.csv, line 3 has 1 field, line 1 has 2"),
    ("y\n0\n1\n0\n", [], "no column but the target 'y'"),
    ("a,y\n1,0\n,1\n3,\n", [], "line 3: column 'a' has no value, and 1 more are missing in a, y: --missing drop"),
    ("a,y\n" + "1,x\n" * 9, [], "the target 'y' is 'x' everywhere: nothing to learn"),
    ("a,y\n" + "1,3\n" * 9, [], "the target 'y' is 3 everywhere: nothing to learn"),
    ("a,y\n1,x\n2,z\n", [], "2 rows, too few to hold a fifth of each class back"),
    ("a,y\n1,.5\n2,1.5\n3,2\n4,3\n", [], "the test part has only one value of the target: give it more rows"),
    ("a,y\n1,0\n2,1\nx,0\n4,1\n", [], "line 4: 'x' in column 'a' is no number, as most of it are: correct it"),
    ("a,y\n1,0\n2,1\n3,o\n4,1\n", [], "line 4: 'o' in column 'y' is no number"),
    ("a,y\ninf,0\n2,1\n3,0\n4,1\n", [], "line 2: column 'a' has an infinite number (inf)"),
    ("a,y\n" + "".join(f"{i},{i}\n" for i in range(101)), [], "101 different whole numbers: say what they are, --task"),
    ("a,n,y\n" + "".join(f"{i},n{i},{i % 2}\n" for i in range(60)), [], "60 different words, and at most 50"),
    ("a,y\n" + "1,u\n2,v\n" * 9, ["--task", "regression"], "is of words, which have no regression"),
    ("a,y\n" + "1,.5\n2,1\n" * 9, ["--task", "classification"], "numbers between whole ones: no classes"),
    (numbers(), ["--target", "Y"], "no column 'Y'. Did you mean 'y'? It has a, b, y."),
    (numbers(), ["--drop", "a,c"], "no column 'c'. It has a, b, y"),
    (numbers(), ["--batch-size", "17"], "--batch-size 17 is more than the 16 training samples"),
    (numbers(), ["--noise", "1"], "--noise is for generated data: moons, circles"),
    (numbers(), ["--missing", "median"], "there is no 'median'. Did you mean 'mean'? There are refuse, drop, mean"),
    (numbers(), ["--activation", "rellu"], "there is no 'rellu'. Did you mean 'relu'?"),
    (numbers(), ["--optimizer", "adan"], "there is no 'adan'. Did you mean"),
    (numbers(), ["--schedule", "cosin"], "Did you mean 'cosine'?"),
    (numbers(), ["--weight-decay", "-1"], "expected 0 or a number above it, got '-1'"),
]


@pytest.mark.parametrize(("text", "options", "message"), MISTAKES, ids=[message[:50] for *_, message in MISTAKES])
def test_mistakes_are_one_line_and_nothing_is_written(text, options, message, capsys):
    write(text)
    run("train", "t.csv", *options, code=2)
    out, error = capsys.readouterr()
    assert out == "" and error.startswith("minigrad: ") and error.count("\n") == 1
    assert message in error
    assert os.listdir() == ["t.csv"]


FILES = [
    ("none.csv", "there is no file none.csv."),
    ("flower.csv", "there is no file flower.csv. Did you mean 'flowers.csv'?"),
    ("sub/none.csv", "there is no file sub/none.csv."),
    ("table.xlsx", "table.xlsx is a zip file or a spreadsheet: save it as CSV"),
    ("array.npy", "is a single array: write inputs and targets with np.savez"),
    ("flowers.csv.", "there is no dataset 'flowers.csv.'"),
]


@pytest.mark.parametrize(("name", "message"), FILES)
def test_files_that_are_missing_or_of_other_kinds(name, message, capsys):
    write(numbers(), "flowers.csv")
    Path("table.xlsx").write_bytes(b"PK\x03\x04...")
    np.save("array.npy", np.zeros(3))
    run("train", name, code=2)
    assert message in capsys.readouterr().err


def test_mnist_wants_its_folder(capsys):
    run("train", "mnist", code=2)
    assert "with --data FOLDER. Did you mean 'digits', which are 8x8 pixels and do?" in capsys.readouterr().err
    run("train", "mnist", "--data", "none", code=2)
    assert "MNIST needs the file train-images-idx3-ubyte" in capsys.readouterr().err


def test_mnist_is_trained_predicted_and_resumed_from_its_folder(capsys):
    generator = np.random.default_rng(0)
    os.makedirs("files/MNIST/raw")
    for stem, count in (("train", 200), ("t10k", 40)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = np.zeros((count, 28, 28), np.uint8)
        images[np.arange(count), labels] = generator.integers(100, 256, (count, 28))  # a line for each class
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            Path(f"files/MNIST/raw/{stem}-{kind}-ubyte").write_bytes(header + array.tobytes())
    run("train", "mnist", "--data", "files", "--epochs", 5, "--hidden", "16")
    assert "mnist: 200 training and 40 test samples" in capsys.readouterr().out
    run("train", "mnist", "--resume", "runs/mnist", "--epochs", 15, "-q")
    assert float(rows_of("runs/mnist/history.csv")[-1]["test_accuracy"]) > 0.9
    images, labels = data.MNIST("files", train=False)[:]
    assert (mg.training.load_model("runs/mnist").predict(images) == labels.numpy()).mean() > 0.9
