"""What is measured beside the loss: functions of all outputs and all targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.node import array_of
from ..reports.table import html_table, text_table


def plain(values: Any) -> ndarray:
    """Numbers as an array: of a tensor its values, whether or not it is part of a graph."""
    return np.asarray(array_of(values))


def predicted(output: Any, target: Any, name: str) -> tuple[ndarray, ndarray]:
    """The predicted and the right classes: of scores (N, C) the largest, of one score for each sample its sign."""
    scores, classes = plain(output), plain(target)
    if not scores.size:
        raise InvalidValueError(f"{name}: there are no samples.")
    if classes.ndim and classes.shape[-1] == 1 and classes.ndim == scores.ndim:
        classes = classes[..., 0]
    if scores.ndim == 2 and scores.shape[1] > 1:
        scores = scores.argmax(axis=1)
    elif scores.dtype.kind == "f":
        scores = (scores > 0).reshape(len(scores)).astype(np.int64)
    if scores.shape != classes.shape:
        raise InvalidValueError(f"{name}: predictions {scores.shape} do not fit targets {classes.shape}.")
    if classes.dtype.kind == "f" and not (classes == classes.astype(np.int64)).all():
        raise InvalidTypeError(f"{name}: targets must be class indices, got numbers between them.")
    return scores.astype(np.int64), classes.astype(np.int64)


def accuracy(output: Any, target: Any) -> float:
    """The part of the samples whose class is predicted.

    Args:
        output: scores (N, C), of which the largest counts; or logits (N,) or (N, 1), positive for class 1; or the
            predicted classes themselves, integers (N,).
        target: the classes, (N,) or (N, 1).

    Raises:
        ValueError: without samples, or if the shapes do not fit.
        TypeError: if targets are no classes.

    >>> training.accuracy(mg.tensor([[2.0, 1.0], [0.0, 3.0]]), mg.tensor([0, 0]))
    0.5
    """
    guesses, classes = predicted(output, target, "accuracy")
    return float((guesses == classes).mean())


def confusion_matrix(output: Any, target: Any, num_classes: int | None = None) -> ndarray:
    """How often class i (row) was predicted as class j (column): (C, C) of int64.

    Args:
        output, target: as those of ``accuracy``.
        num_classes: C; by default as many as are seen, or as there are scores.

    >>> training.confusion_matrix(mg.tensor([0, 1, 1]), mg.tensor([0, 1, 0]))
    array([[1, 1],
           [0, 1]])
    """
    guesses, classes = predicted(output, target, "confusion_matrix")
    shape = plain(output).shape
    largest = max(int(guesses.max()), int(classes.max()))
    count = num_classes or max(largest + 1, shape[1] if len(shape) == 2 else 0)
    if largest >= count or min(int(guesses.min()), int(classes.min())) < 0:
        raise InvalidValueError(f"confusion_matrix: classes must be from 0 to {count - 1}, found others.")
    return np.bincount(classes * count + guesses, minlength=count * count).reshape(count, count)


class ClassTable:
    """Precision, recall, F1 and the number of samples of each class; it prints, and shows in notebooks.

    Attributes:
        precision: of those predicted as the class, the part that is of it; NaN if none is.
        recall: of those of the class, the part that is predicted; NaN if there are none.
        f1: the harmonic mean of both, ``2 * hits / (predicted + samples)``.
        samples: how many are of the class.
    """

    def __init__(self, matrix: ndarray) -> None:
        hits, guessed, self.samples = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            self.precision: ndarray = hits / guessed
            self.recall: ndarray = hits / self.samples
            self.f1: ndarray = 2 * hits / (guessed + self.samples)

    @property
    def rows(self) -> list[list[str]]:
        """The table's cells."""
        numbers = zip(self.precision, self.recall, self.f1)
        return [[str(i), *(f"{x:.3f}" for x in row), str(self.samples[i])] for i, row in enumerate(numbers)]

    def __repr__(self) -> str:
        return text_table(HEADER, self.rows, HEADER)

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html_table(HEADER, self.rows, HEADER)


HEADER = ("class", "precision", "recall", "f1", "samples")


def class_table(output: Any, target: Any, num_classes: int | None = None) -> ClassTable:
    """Precision, recall and F1 of each class; the arguments are those of ``confusion_matrix``.

    >>> training.class_table(mg.tensor([0, 1, 1]), mg.tensor([0, 1, 0]))
    class  precision  recall     f1  samples
        0      1.000   0.500  0.667        2
        1      0.500   1.000  0.667        1
    """
    return ClassTable(confusion_matrix(output, target, num_classes))


def r2_score(output: Any, target: Any) -> float:
    """The coefficient of determination, ``1 - sum((target - output)**2) / sum((target - mean)**2)``.

    1 is perfect, 0 as good as predicting the mean. Of several columns the mean of their scores.

    Args:
        output, target: of one shape, (N,) or (N, M).

    Raises:
        ValueError: for different shapes, fewer than 2 samples, or a column of equal targets, which has no variance.

    >>> training.r2_score(mg.tensor([1.0, 2.0, 4.0]), mg.tensor([1.0, 2.0, 3.0]))
    0.5
    """
    y, t = plain(output).astype(np.float64), plain(target).astype(np.float64)
    if y.shape != t.shape or len(t) < 2:
        raise InvalidValueError(f"r2_score: expected two samples or more of one shape, got {y.shape} and {t.shape}.")
    spread = ((t - t.mean(axis=0)) ** 2).sum(axis=0)
    if not np.all(spread):
        raise InvalidValueError("r2_score: equal targets have no variance that could be explained.")
    return float(np.mean(1 - ((t - y) ** 2).sum(axis=0) / spread))
