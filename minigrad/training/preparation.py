"""From the columns of a table to what a net takes, and from what it gives back to what the table says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy import ndarray

from ..data.table import Column, Table, TableError, near, some

MOST_WORDS = 50
"""Words of a column that become inputs, each one of its own."""
MOST_CLASSES = 100
"""Whole numbers of a target that are taken for classes without being told."""


@dataclass(frozen=True)
class Preparation:
    """How a net is fed from a table; it is kept in the checkpoint.

    Numbers are scaled to mean 0 and standard deviation 1 of the training part. Each word of a column of words becomes
    an input of its own that is 1 where the word stands, else 0.

    Attributes:
        features: the columns, each a name and its words, None for numbers.
        target: the name of the predicted column.
        place: where it stood among the columns.
        classes: the classes as the table says them, integers or words; None for regression.
        mean, scale: of the inputs of the net, float64.
        target_mean, target_scale: of the targets in regression.
        named: whether columns are found by name, else by place.
        fill: whether a missing number counts as the mean of the training part; else it is an error.
    """

    features: tuple[tuple[str, tuple[str, ...] | None], ...]
    target: str
    place: int
    classes: tuple[Any, ...] | None
    mean: ndarray
    scale: ndarray
    target_mean: float = 0.0
    target_scale: float = 1.0
    named: bool = True
    fill: bool = False

    @property
    def outputs(self) -> int:
        """Numbers that the net gives for a sample."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def labels(self) -> ndarray:
        """The classes as an array."""
        return np.array(self.classes)

    def state(self) -> dict[str, Any]:
        """Everything, as a checkpoint holds it."""
        return dict(vars(self))

    @classmethod
    def plain(cls, inputs: int, classes: int | None) -> Preparation:
        """That of data which need none: their columns are known by their places."""
        labels = None if classes is None else tuple(range(classes))
        return cls(
            tuple((f"x{i + 1}", None) for i in range(inputs)), "y", inputs, labels,
            np.zeros(inputs), np.ones(inputs), named=False,
        )  # fmt: skip

    def encoded(self, table: Table) -> ndarray:
        """The inputs of the net for the rows of a table, (N, F) of float32.

        Raises:
            TableError: if a column is missing, or a value in it that training did not see.
        """
        inputs = np.empty((table.rows, len(self.mean)), np.float32)
        start = 0
        for column, (_, words) in zip(self.found(table), self.features):
            stop = start + (1 if words is None else len(words))
            part = self.numbers(table, column) if words is None else indicators(table, column, words)
            if words is None and self.fill:
                part = np.where(np.isnan(part), self.mean[start], part)
            inputs[:, start:stop] = (part - self.mean[start:stop]) / self.scale[start:stop]
            start = stop
        return inputs

    def found(self, table: Table) -> list[Column]:
        """The columns of a table that are the features, by name or by place."""
        names = [name for name, _ in self.features]
        dropped = names != list(table.names[: len(names)])  # in training; else columns count by their places alone
        there = set(names) <= set(table.names) and (table.named or dropped)
        if there or (self.named and table.named):
            missing = [name for name in names if name not in table.names]
            if missing:
                hint = near(missing[0], set(table.names) - set(names)) if len(missing) == 1 else ""
                raise TableError(
                    f"{table.source} lacks the column{'s' * (len(missing) > 1)} {some(missing)}, which the model was "
                    f"trained with.{hint} It has {some(table.names)}."
                )
            return [table.column(name) for name in names]
        columns = list(table.columns)
        if len(columns) == len(names) + 1:
            del columns[self.place]
        if len(columns) != len(names):
            raise TableError(wrong_width(table, names))
        return columns

    def numbers(self, table: Table, column: Column) -> ndarray:
        """The values of a column of numbers, (N, 1); what is none is refused."""
        if column.words is not None:
            row = next((i for i, code in enumerate(column.values) if code >= 0 and not numeric(column, code)), 0)
            raise TableError(
                f"{table.where(row)}: {shown(column, row)} in column {column.name!r} is no number: correct it, or "
                f"train without the column, --drop {column.name}."
            )
        values = column.values.astype(np.float64)
        refuse(table, column, np.isinf(values), "an infinite number")
        if not self.fill:
            refuse_missing(table, column)
        return values[:, None]

    def predictions(self, outputs: ndarray) -> ndarray:
        """What the net's outputs (N, C) say: classes (N,), or numbers (N,)."""
        if self.classes is None:
            return np.asarray(outputs[:, 0].astype(np.float64) * self.target_scale + self.target_mean)
        return np.asarray(self.labels[outputs.argmax(1)])

    def targets(self, table: Table, column: Column) -> ndarray:
        """A target column as the net is taught it: indices of the classes (N,), or scaled numbers (N, 1)."""
        if self.classes is None:
            return ((column.values - self.target_mean) / self.target_scale).astype(np.float32)[:, None]
        known = {name if column.words is not None else number_text(name): i for i, name in enumerate(self.classes)}
        if column.words is not None:
            known = {str(name): i for name, i in known.items()}
            places = np.array([known.get(word, -1) for word in column.words])[column.values]
        else:
            places = np.array([known.get(float(value), -1) for value in column.values])
        refuse(table, column, places < 0, "a class that training did not see")
        return np.asarray(places, np.int64)


# -- what is looked at in training -----------------------------------------------------------------


def wrong_width(table: Table, features: Sequence[str]) -> str:
    """The message about a table with more or fewer columns than there are features."""
    return f"{table.source} has {len(table.columns)} columns, the model takes {len(features)}: {some(list(features))}."


def fitted(table: Table, target: Column, training: ndarray, task: str | None, fill: bool) -> Preparation:
    """The preparation for the features of a table, scaled by its training rows.

    Args:
        table: with its target.
        target: the predicted column.
        training: the rows to train on.
        task: ``classification`` or ``regression``; None: whole numbers and words are classes.
        fill: whether missing numbers count as the mean.
    """
    features = tuple(column for column in table.columns if column.name != target.name)
    if not features:
        raise TableError(
            f"{table.source} has no column but the target {target.name!r}: it must have one to learn from."
        )
    refuse_unfit(table, features)
    mean, scale = [], []
    for column in features:
        if column.words is not None:
            mean += [0.0] * len(column.words)
            scale += [1.0] * len(column.words)
            continue
        refuse(table, column, np.isinf(column.values), "an infinite number")
        values = column.values[training].astype(np.float64)
        values = values[~np.isnan(values)] if fill else values
        mean.append(float(values.mean()) if len(values) else 0.0)
        deviation = float(values.std()) if len(values) else 0.0
        scale.append(deviation if deviation > 1e-12 * abs(mean[-1]) else 1.0)
    names = classes_of(table, target, task)
    centre, spread = 0.0, 1.0
    if names is None:
        values = target.values[training].astype(np.float64)
        centre, spread = float(values.mean()), float(values.std()) or 1.0
    return Preparation(
        tuple((column.name, column.words) for column in features), target.name, table.names.index(target.name), names,
        np.array(mean), np.array(scale), centre, spread, table.named, fill,
    )  # fmt: skip


def classes_of(table: Table, target: Column, task: str | None) -> tuple[Any, ...] | None:
    """The classes of a target, sorted; None if it is one for regression."""
    refuse(table, target, target.missing, "no value, so that the row teaches nothing: --missing drop leaves it out")
    if target.words is not None:
        refuse_mixed(table, target)
        if task == "regression":
            raise TableError(f"{table.source}: the target {target.name!r} is of words, which have no regression.")
        names: tuple[Any, ...] = target.words
    else:
        refuse(table, target, ~np.isfinite(target.values), "an infinite number")
        values = np.unique(target.values)
        whole = bool((values == np.round(values)).all()) and bool((np.abs(values) < 2**53).all())
        if task == "classification" and not whole:
            raise TableError(f"{table.source}: the target {target.name!r} has numbers between whole ones: no classes.")
        if len(values) == 1:
            raise TableError(
                f"{table.source}: the target {target.name!r} is {values[0]:g} everywhere: nothing to learn."
            )
        if task == "regression" or not whole:
            return None
        if task is None and len(values) > MOST_CLASSES:
            raise TableError(
                f"{table.source}: the target {target.name!r} has {len(values)} different whole numbers: say what they "
                "are, --task regression or --task classification."
            )
        names = tuple(int(value) for value in values)
    if len(names) < 2:
        raise TableError(f"{table.source}: the target {target.name!r} is {names[0]!r} everywhere: nothing to learn.")
    return names


def refuse_unfit(table: Table, features: Sequence[Column]) -> None:
    """Refuse columns of numbers and words at once, and those with too many words."""
    for column in features:
        refuse_mixed(table, column)
    many = [column for column in features if column.words is not None and len(column.words) > MOST_WORDS]
    if many:
        raise TableError(
            f"{table.source}: column {many[0].name!r} has {len(many[0].words or ())} different words, and at most "
            f"{MOST_WORDS} become inputs: leave it out with --drop {','.join(column.name for column in many)}."
        )


def refuse_mixed(table: Table, column: Column) -> None:
    """Refuse a column of numbers with a word among them, which is a slip."""
    if column.words is None:
        return
    known = column.values >= 0
    number = np.array([numeric(column, code) for code in range(len(column.words))] + [False])[column.values]
    if 2 * number.sum() >= known.sum() > 0 and not number[known].all():
        row = int(np.flatnonzero(known & ~number)[0])
        raise TableError(
            f"{table.where(row)}: {shown(column, row)} in column {column.name!r} is no number, as most of it are: "
            f"correct it, write an empty field if it is missing, or leave the column out with --drop {column.name}."
        )


def numeric(column: Column, code: int) -> bool:
    """Whether a word of a column could be a number."""
    try:
        float((column.words or ())[code])
    except ValueError:
        return False
    return True


def shown(column: Column, row: int) -> str:
    """A value for the reader of an error."""
    code = column.values[row]
    return "nothing" if column.missing[row] else repr(column.words[code] if column.words else float(code))


def refuse_missing(table: Table, column: Column) -> None:
    """Refuse a column with missing values."""
    count = int(column.missing.sum())
    more = f" (and in {count - 1:,} more rows)" if count > 1 else ""
    refuse(
        table, column, column.missing, f"no value{more}: train with --missing drop to leave such rows out, or with "
        "--missing mean to count it as the mean",
    )  # fmt: skip


def refuse(table: Table, column: Column, wrong: ndarray, what: str) -> None:
    """Refuse the first of the rows that are wrong."""
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        found = "" if column.missing[row] else f" ({shown(column, row)})"
        raise TableError(f"{table.where(row)}: column {column.name!r} has {what}{found}.")


def indicators(table: Table, column: Column, words: Sequence[str]) -> ndarray:
    """For each row a 1 where its word stands among ``words``, else 0; all 0 where it is missing."""
    if column.words is None:  # words of training that look like numbers here
        known = {number_text(word): i for i, word in enumerate(words)}
        places = np.array([known.get(float(value), -2) for value in column.values])
        places[column.missing] = -1
    else:
        by_word = {word: i for i, word in enumerate(words)}
        places = np.array([*(by_word.get(word, -2) for word in column.words), -1])[column.values]
    refuse(table, column, places == -2, f"a word that training did not see ({some(list(words))} were there)")
    return np.asarray(np.eye(len(words) + 1)[places][:, : len(words)])


def number_text(word: Any) -> Any:
    """A word as the number it looks like, if it does."""
    try:
        return float(word)
    except ValueError:
        return word
