"""``minigrad predict``, ``summary`` and ``diagnose``: what is said of a trained model."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import data
from minigrad.command_line import pictures
from minigrad.data.tabular import FILES
from minigrad.training import load_model
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")


@pytest.fixture(autouse=True)
def without_matplotlib(monkeypatch):
    monkeypatch.setattr(pictures, "MISSING", "not needed")


@pytest.fixture
def iris(capsys):
    """A trained model, and the rows of the table."""
    run("train", "iris", "--epochs", 10, "-q")
    capsys.readouterr()
    return rows_of(FILES["iris"])


def write(rows, columns, name="new.csv"):
    with open(name, "w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


FEATURES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


def test_predictions_are_a_table_on_standard_output(iris, capsys):
    write(iris, FEATURES)
    run("predict", "runs/iris", "new.csv", "--proba")
    out, error = capsys.readouterr()
    rows = list(csv.DictReader(out.splitlines()))
    assert error == "" and list(rows[0]) == ["species", "P(setosa)", "P(versicolor)", "P(virginica)"]
    probabilities = np.array([[float(row[name]) for name in list(rows[0])[1:]] for row in rows])
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    names = np.array(["setosa", "versicolor", "virginica"])
    assert [row["species"] for row in rows] == names[probabilities.argmax(1)].tolist()
    np.testing.assert_allclose(probabilities, load_model("runs/iris").predict_proba(data.iris()[:][0]), rtol=1e-5)


def test_columns_come_in_any_order_and_the_target_says_how_good_it_is(iris, capsys):
    write(iris, FEATURES)
    run("predict", "runs/iris/best.npz", "new.csv")
    plain = capsys.readouterr().out
    write([{**row, "n": i} for i, row in enumerate(iris)], ["n", "species", *FEATURES[::-1]])
    run("predict", "runs/iris", "new.csv")
    out, error = capsys.readouterr()
    assert out == plain
    right = np.mean([a == b["species"] for a, b in zip(out.splitlines()[1:], iris)])
    assert error == f"minigrad: accuracy {right:.2%} of the 150 rows whose species is in the file\n"


def test_a_table_is_written_whole_and_over_no_file(iris, capsys):
    write(iris, FEATURES)
    run("predict", "runs/iris", "new.csv", "-o", "sub/out.csv")
    assert capsys.readouterr().out == f"wrote {Path('sub/out.csv')}: 150 rows\n"
    run("predict", "runs/iris", "new.csv", "-o", "new.csv", code=2)
    assert "new.csv is there already: replace it with --overwrite" in capsys.readouterr().err
    assert len(rows_of("sub/out.csv")) == len(rows_of("new.csv")) == 150
    run("predict", "runs/iris", "new.csv", "-o", "sub/out.csv", "--overwrite")


def test_arrays_and_files_without_names_are_taken_by_place(iris, capsys):
    inputs, labels = (part.numpy() for part in data.iris()[:])
    np.savez("new.npz", X=inputs)
    np.savetxt("new.txt", inputs)
    write(iris, FEATURES)
    outputs = []
    for name in ("new.csv", "new.npz", "new.txt"):
        run("predict", "runs/iris", name)
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    np.savez("both.npz", X=inputs, y=np.array(["setosa", "versicolor", "virginica"])[labels])
    run("predict", "runs/iris", "both.npz")
    assert "accuracy" in capsys.readouterr().err


def test_numbers_are_predicted_in_their_unit(capsys):
    run("train", "auto_mpg", "--epochs", 20, "-q")
    capsys.readouterr()
    run("predict", "runs/auto_mpg", FILES["auto_mpg"])
    out, error = capsys.readouterr()
    found = np.array(out.splitlines()[1:], float)
    true = np.array([float(row["mpg"]) for row in rows_of(FILES["auto_mpg"])])
    r2 = 1 - ((true - found) ** 2).sum() / ((true - true.mean()) ** 2).sum()
    error_text = f"{np.sqrt(np.mean((true - found) ** 2)):.4g}"
    assert f"R2 {r2:.4f}, root mean squared error {error_text} of the 392 rows whose mpg" in error
    run("predict", "runs/auto_mpg", FILES["auto_mpg"], "--proba", code=2)
    assert "--proba is for classes, and mpg is a number" in capsys.readouterr().err


MISTAKES = [
    (["runs/none", "new.csv"], "no checkpoint runs/none"),
    (["new.csv", "new.csv"], "not a minigrad checkpoint"),
    (["runs/iris", "none.csv"], "there is no file none.csv"),
    (["runs/iris", "shrt.csv"], "there is no file shrt.csv. Did you mean 'short.csv'?"),
    (["runs/iris", "short.csv"], "lacks the columns petal_length, petal_width, which the model was trained with"),
    (["runs/iris", "hole.csv"], "hole.csv, line 3: column 'petal_width' has no value"),
    (["runs/iris", "two.csv"], "two.csv has 2 columns, the model takes 4"),
    (["runs/iris"], "the following arguments are required: FILE (see minigrad predict --help)"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_mistakes_are_one_line(arguments, message, iris, capsys):
    write(iris, FEATURES)
    write(iris, FEATURES[:2], "short.csv")
    write([iris[0], {**iris[1], "petal_width": ""}], FEATURES, "hole.csv")
    Path("two.csv").write_text("1,2\n3,4\n")
    run("predict", *arguments, code=2)
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and message in error


# -- summary and diagnose --------------------------------------------------------------------------


def test_the_summary_has_every_layer_and_all_parameters(iris, capsys):
    run("summary", "runs/iris")
    out = capsys.readouterr().out
    assert out.startswith("runs/iris: species (3 classes) from 4 columns\n")
    total = 4 * 32 + 64 + 32 * 32 + 64 + 32 * 3 + 3
    assert f"{total:,}" in out and out.count("Linear") == 3 and out.count("BatchNorm1d") == 2
    run("summary", "runs", code=2)


def test_what_the_command_trains_has_nothing_suspicious(iris, capsys):
    before = {path: path.read_bytes() for path in Path("runs/iris").iterdir()}
    for arguments in (["digits"], ["auto_mpg", "--optimizer", "adamw", "--weight-decay", "0.1"], ["runs/iris"]):
        run("diagnose", *arguments)
        assert capsys.readouterr().out.endswith("\nNothing suspicious.\n")
    assert {path: path.read_bytes() for path in Path("runs/iris").iterdir()} == before and os.listdir() == ["runs"]


def test_what_is_suspicious_is_said_with_its_cure(capsys):
    run("diagnose", "moons", "--batch-size", 4, code=1)
    out, error = capsys.readouterr()
    assert "loader: BatchNorm on batches of 4." in out and "Cure: a batch_size of at least 8" in out
    assert error == "minigrad: 1 suspicious thing found\n"


def test_diagnose_takes_a_checkpoint_as_it_is(iris, capsys):
    run("diagnose", "runs/iris", "--lr", 1, code=2)
    assert "has its own options: leave yours out" in capsys.readouterr().err
    run("diagnose", "runs/iris/best.npz", code=2)
    assert "name a checkpoint.npz" in capsys.readouterr().err
    mg.save({"some": "thing"}, "checkpoint.npz")
    run("diagnose", "checkpoint.npz", code=2)
    assert "name a checkpoint.npz" in capsys.readouterr().err
