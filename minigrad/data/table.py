"""Tables: named columns of numbers or words, as files hold them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy import ndarray


class TableError(ValueError):
    """What is wrong with a table, where, and what to do."""


class Column(NamedTuple):
    """A column of numbers, or of words.

    Attributes:
        values: numbers, NaN where one is missing; or indices of words, -1 where one is missing.
        words: those that occur, sorted; None for numbers.
    """

    name: str
    values: ndarray
    words: tuple[str, ...] | None = None

    @property
    def missing(self) -> ndarray:
        """Where there is no value."""
        if self.words is not None:
            return self.values < 0
        return np.isnan(self.values) if self.values.dtype.kind == "f" else np.zeros(len(self.values), bool)

    def taken(self, rows: ndarray) -> Column:
        """These rows of it, with the words in them."""
        values = self.values[rows]
        if self.words is None:
            return self._replace(values=values)
        used = np.unique(values[values >= 0])
        places = np.full(len(self.words) + 1, -1)  # the last is that of -1
        places[used] = np.arange(len(used))
        return self._replace(values=places[values], words=tuple(self.words[i] for i in used))


class Table(NamedTuple):
    """Columns of one length.

    Attributes:
        source: the file, for errors.
        columns: at least one.
        lines: the line of the file on which each row begins; None where rows have no lines.
        named: whether the file names the columns; else they are known by their places.
        testing: which rows are to be tested on, if the file says so.
    """

    source: str
    columns: tuple[Column, ...]
    lines: ndarray | None = None
    named: bool = True
    testing: ndarray | None = None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.columns[0].values)

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def where(self, row: int) -> str:
        """A row for the reader of an error."""
        return f"{self.source}, row {row + 1}" if self.lines is None else f"{self.source}, line {self.lines[row]}"

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            TableError: if there is none, with one of nearly that name.
        """
        if name not in self.names:
            raise TableError(
                f"{self.source} has no column {name!r}.{near(name, self.names)} It has {some(self.names)}."
            )
        return self.columns[self.names.index(name)]

    def without(self, names: Iterable[str]) -> Table:
        """The table without some of its columns."""
        left_out = {self.column(name).name for name in names}
        return self._replace(columns=tuple(column for column in self.columns if column.name not in left_out))

    def taken(self, rows: ndarray) -> Table:
        """Some rows of it."""
        lines, testing = (None if part is None else part[rows] for part in (self.lines, self.testing))
        columns = tuple(column.taken(rows) for column in self.columns)
        return self._replace(columns=columns, lines=lines, testing=testing)


def near(name: str, names: Iterable[str]) -> str:
    """A hint at a name that is nearly this one; empty if there is none."""
    by_lower = {other.lower(): other for other in names}
    close = difflib.get_close_matches(name.lower(), by_lower, 1)
    return f" Did you mean {by_lower[close[0]]!r}?" if close else ""


def some(names: list[str], most: int = 8) -> str:
    """A few names, and how many more there are."""
    return ", ".join(names[:most]) + f" and {len(names) - most} more" * (len(names) > most)


def from_arrays(source: str, inputs: ndarray, target: ndarray | None = None, name: str = "y") -> Table:
    """The table of an array with a row per sample, whose other axes are laid out flat, and perhaps of targets."""
    flat = inputs.reshape(len(inputs), -1)
    columns = [column_of(f"x{i + 1}", flat[:, i]) for i in range(flat.shape[1])]
    if target is not None:
        columns.append(column_of(name, target.reshape(len(target))))
    return Table(source, tuple(columns), named=False)


def column_of(name: str, values: ndarray) -> Column:
    """A column of the numbers, booleans or texts of an array."""
    if values.dtype.kind in "iuf":
        return Column(name, values)
    words, places = np.unique(values.astype(str), return_inverse=True)
    return Column(name, places.astype(np.int64), tuple(map(str, words)))
