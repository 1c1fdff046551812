"""Metrics against their definitions, counted in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import training

rng = np.random.default_rng(0)
SCORES = rng.standard_normal((40, 3)).astype(np.float32)
CLASSES = rng.integers(0, 3, 40)
GUESSES = SCORES.argmax(1)
LOGITS = rng.standard_normal(40)
SIDES = rng.integers(0, 2, 40)


@pytest.mark.parametrize("make", [np.asarray, mg.tensor, lambda x: mg.tensor(x.tolist())])
def test_accuracy(make):
    right = sum(int(a == b) for a, b in zip(GUESSES, CLASSES)) / 40
    assert training.accuracy(make(SCORES), make(CLASSES)) == pytest.approx(right, abs=1e-12)
    assert training.accuracy(make(GUESSES), make(CLASSES)) == pytest.approx(right, abs=1e-12)
    sides = sum(int((a > 0) == b) for a, b in zip(LOGITS, SIDES)) / 40
    for shape in ((40,), (40, 1)):
        for dtype in (np.int64, np.float32):
            found = training.accuracy(make(LOGITS.reshape(shape)), make(SIDES.reshape(shape).astype(dtype)))
            assert found == pytest.approx(sides, abs=1e-12)
    assert training.accuracy(make(LOGITS.reshape(40, 1)), make(SIDES)) == pytest.approx(sides, abs=1e-12)


def test_confusion_matrix_and_class_table():
    matrix = training.confusion_matrix(SCORES, CLASSES)
    expected = [[sum(int(t == i and g == j) for t, g in zip(CLASSES, GUESSES)) for j in range(3)] for i in range(3)]
    np.testing.assert_array_equal(matrix, expected)
    table = training.class_table(SCORES, CLASSES)
    for i in range(3):
        hits = expected[i][i]
        precision, recall = hits / sum(row[i] for row in expected), hits / sum(expected[i])
        np.testing.assert_allclose(table.precision[i], precision)
        np.testing.assert_allclose(table.recall[i], recall)
        np.testing.assert_allclose(table.f1[i], 2 * precision * recall / (precision + recall))
        assert table.samples[i] == sum(expected[i])
    assert len(repr(table).splitlines()) == 4 and table._repr_html_().count("<tr>") == 4


def test_classes_that_are_not_seen():
    matrix = training.confusion_matrix(np.array([0, 0]), np.array([0, 0]), num_classes=3)
    assert matrix.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 0]]
    table = training.class_table(np.array([0, 0]), np.array([0, 0]), num_classes=2)
    assert np.isnan([table.precision[1], table.recall[1], table.f1[1]]).all() and table.f1[0] == 1


def test_r2_score():
    t = rng.standard_normal((50, 2))
    y = t + rng.standard_normal((50, 2))
    columns = [1 - sum((t[:, k] - y[:, k]) ** 2) / sum((t[:, k] - t[:, k].mean()) ** 2) for k in range(2)]
    assert training.r2_score(y, t) == pytest.approx(np.mean(columns), abs=1e-12)
    assert training.r2_score(mg.tensor(y[:, 0]), mg.tensor(t[:, 0])) == pytest.approx(columns[0], abs=1e-12)
    assert training.r2_score(t, t) == 1
    assert training.r2_score(np.full(50, t[:, 0].mean()), t[:, 0]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: training.accuracy(np.zeros((0, 3)), np.zeros(0, int)), "no samples"),
        (lambda: training.accuracy(SCORES, CLASSES[:5]), r"\(40,\) do not fit targets \(5,\)"),
        (lambda: training.accuracy(SCORES, SCORES), "do not fit"),
        (lambda: training.accuracy(LOGITS, LOGITS), "class indices"),
        (lambda: training.confusion_matrix(GUESSES, CLASSES, 2), "from 0 to 1"),
        (lambda: training.confusion_matrix(GUESSES, CLASSES - 1), "from 0 to"),
        (lambda: training.r2_score(LOGITS, LOGITS[:, None]), "one shape"),
        (lambda: training.r2_score([1.0], [1.0]), "two samples"),
        (lambda: training.r2_score([1.0, 2.0], [1.0, 1.0]), "no variance"),
    ],
)
def test_what_cannot_be_measured(call, text):
    with pytest.raises((ValueError, TypeError), match=text):
        call()
