"""Files of comma-separated values, as spreadsheets and other programs write them."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy import ndarray

from .table import Column, Table, TableError

SEPARATORS = "\t;|, "
"""What may stand between fields; where several fit, the first of these."""
SAMPLE = 50
"""Lines that are looked at to find the separator."""
CHUNK = 10_000
"""Rows that are held as text at once."""
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
"""How files write that a value is missing, whatever the case."""
OTHER_KINDS = {
    b"PK\x03\x04": "a zip file or a spreadsheet: save it as CSV from the program that wrote it",
    b"\xd0\xcf\x11\xe0": "a spreadsheet: save it as CSV from the program that wrote it",
    b"\x93NUMPY": "a single array: write inputs and targets with np.savez('file.npz', X=X, y=y)",
    b"\x89HDF": "an HDF5 file: write it as CSV or as .npz",
    b"PAR1": "a Parquet file: write it as CSV, in pandas by to_csv(..., index=False)",
}
"""What files are that are no text, by their first bytes."""


def read_csv(
    path: str | os.PathLike[str], header: bool | None = None, progress: Callable[[float], Any] = lambda share: None
) -> Table:
    r"""The table in a text file, also one compressed by gzip; its size is limited by the memory for its numbers only.

    Fields are separated by tab, ``;``, ``|``, ``,`` or spaces, and may be quoted by ``"``. Empty lines do not count. A
    column whose values are all numbers is one of numbers (where the comma does not separate, it may be the decimal
    sign); others are of words. Missing are empty fields and ``? NA N/A NaN null None``.

    Args:
        path: the file, in UTF-8, or UTF-16 if it says so.
        header: whether the first line names the columns; by default unless a number stands in it. Without one they are
            ``column 1``, ``column 2``, ...
        progress: called now and then with the share of the file that is read.

    Raises:
        TableError: for a file that is no such table, naming the line.
        OSError: if it cannot be read.
    """
    words: set[int] = set()
    while True:  # once more if a column of numbers turns out to have a word far below
        table, late = read_once(path, header, words, progress)
        if table is not None:
            return table
        words |= late


def read_once(
    path: Any, header: bool | None, words: set[int], progress: Callable[[float], Any]
) -> tuple[Table | None, set[int]]:
    """The table; or None, and the columns that were taken for numbers in vain."""
    with opened(path) as (file, share):
        name = str(path)
        separator = find_separator(file, name)
        file.seek(0)
        rows = records(file, separator, name)
        first = next(rows, None)
        if first is None:
            raise TableError(f"{name} is empty: a table has a line for each sample.")
        names = names_in(first[1], header)
        titles = names or [f"column {i + 1}" for i in range(len(first[1]))]
        refuse_twins(titles, name)
        readers = [Reader(i in words, decimal_comma=separator != ",") for i in range(len(titles))]
        lines: list[ndarray] = []
        rows = rows if names else itertools.chain([first], rows)
        while chunk := list(itertools.islice(rows, CHUNK)):
            for line, fields in chunk:
                if len(fields) != len(titles):
                    raise wrong_length(name, line, len(fields), first, len(titles))
            for reader, texts in zip(readers, zip(*(fields for _, fields in chunk))):
                reader.add(texts)
            lines.append(np.array([line for line, _ in chunk]))
            progress(share())
    late = {i for i, reader in enumerate(readers) if reader.late}
    if late:
        return None, late
    if not lines:
        raise TableError(f"{name} has names of columns in line {first[0]}, but no rows below.")
    columns = tuple(reader.column(title) for reader, title in zip(readers, titles))
    return Table(name, columns, np.concatenate(lines), named=names is not None), set()


# -- the file as text ------------------------------------------------------------------------------


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[tuple[IO[str], Callable[[], float]]]:
    """The file as text, and what says which share of it is read; refused if it is none."""
    path = Path(path)
    if path.is_dir():
        raise TableError(f"{path} is a folder: name the file in it.")
    if not path.exists():
        raise TableError(f"there is no file {path}.")
    with contextlib.ExitStack() as stack:
        raw: Any = stack.enter_context(open(path, "rb"))
        if not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):  # a pipe can be read only once
            raw = io.BytesIO(raw.read())
        stored, size = raw, raw.seek(0, os.SEEK_END) or 1
        raw.seek(0)
        start = raw.read(8)
        raw.seek(0)
        if start[:2] == b"\x1f\x8b":
            raw = stack.enter_context(gzip.open(raw))
            start = beginning(raw, path)
        for magic, kind in OTHER_KINDS.items():
            if start.startswith(magic):
                raise TableError(f"{path} is {kind}.")
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = stack.enter_context(io.TextIOWrapper(raw, "utf-16" if wide else "utf-8-sig", newline=""))
        yield text, lambda: stored.tell() / size


def beginning(file: IO[bytes], path: Path) -> bytes:
    """The first bytes of a compressed file."""
    try:
        start = file.read(8)
    except (OSError, EOFError) as error:
        raise damaged(path, error) from error
    file.seek(0)
    return start


def damaged(path: Any, error: Exception) -> TableError:
    """The error of a file that is compressed, and damaged."""
    return TableError(f"{path} is compressed by gzip, and damaged or cut off: {error}.")


def find_separator(file: IO[str], name: str) -> str:
    """What separates the fields of the first lines: that by which all of them have as many."""
    lines = list(itertools.islice(guarded(file, name), SAMPLE))
    best: tuple[float, str] = 0.0, ","
    for separator in SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
        except csv.Error:
            continue
        counts = Counter(map(len, rows))
        (number, rate), *_ = counts.most_common(1) or [(0, 0)]
        if number > 1 and rate / len(rows) > best[0]:
            best = rate / len(rows), separator
    return best[1]


def guarded(file: IO[str], name: str) -> Iterator[str]:
    """The lines of a file; what is no text, or damaged, is refused."""
    try:
        for line in file:  # noqa: UP028 - "yield from" would close the file with the generator
            yield line
    except UnicodeDecodeError as error:
        raise TableError(
            f"{name} is no text in UTF-8 (byte {error.object[error.start]:#04x}): save it as CSV in UTF-8."
        ) from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise damaged(name, error) from error


def records(file: IO[str], separator: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, as texts without spaces around them, each with the line that it begins on."""
    reader = csv.reader(guarded(file, name), delimiter=separator, skipinitialspace=True, strict=True)
    line = 1
    try:
        for fields in reader:
            fields = [field.strip() for field in fields]
            if separator == " " and len(fields) > 1 and not fields[-1]:
                del fields[-1]  # spaces at the end of a line
            if fields and fields != [""]:
                yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise TableError(f"{name}, line {line}: {error}; is a quotation mark not closed there?") from error


def names_in(fields: Sequence[str], header: bool | None) -> list[str] | None:
    """The names of the columns, if the first row is one of names."""
    counted = [str(i) for i in range(len(fields))]  # as tables without names are written by pandas
    plain = all(not is_number(field) for field in fields) or (len(fields) > 1 and list(fields) == counted)
    if header is False or (header is None and not plain):
        return None
    return [field or f"column {i + 1}" for i, field in enumerate(fields)]


def is_number(text: str) -> bool:
    """Whether a text is a number, also with a decimal comma."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return text.lower() not in MISSING


def refuse_twins(names: list[str], source: str) -> None:
    """Refuse two columns of one name."""
    twins = [name for name, count in Counter(names).items() if count > 1]
    if twins:
        raise TableError(f"{source} has {names.count(twins[0])} columns named {twins[0]!r}: rename all but one.")


def wrong_length(name: str, line: int, count: int, first: tuple[int, list[str]], expected: int) -> TableError:
    """The error of a row with other than the expected number of fields."""
    return TableError(
        f"{name}, line {line} has {count} field{'s' * (count != 1)}, line {first[0]} has {expected}: "
        'quote fields with a separator in them, "like, this".'
    )


# -- columns ---------------------------------------------------------------------------------------


class Reader:
    """Reads a column chunk by chunk: as numbers, as long as they are, else as words."""

    def __init__(self, words: bool, decimal_comma: bool) -> None:
        self.decimal_comma = decimal_comma
        self.codes: dict[str, int] | None = {} if words else None
        self.late = False
        """Whether there were words after numbers, whose texts are not known any more."""
        self.parts: list[ndarray] = []

    def add(self, texts: Sequence[str]) -> None:
        """Read the next rows."""
        if self.late:
            return
        if self.codes is None:
            values = self.numbers(texts)
            if values is not None:
                self.parts.append(values)
                return
            self.late = bool(self.parts)
            self.codes = {}
        codes = self.codes
        self.parts.append(
            np.array([-1 if text.lower() in MISSING else codes.setdefault(text, len(codes)) for text in texts])
        )

    def numbers(self, texts: Sequence[str]) -> ndarray | None:
        """The values as numbers; None if one of them is none."""
        try:
            return np.array(list(map(float, texts)))
        except ValueError:
            pass
        known = ["nan" if text.lower() in MISSING else text for text in texts]
        if self.decimal_comma:
            known = [text.replace(",", ".") for text in known]
        try:
            return np.array(list(map(float, known)))
        except ValueError:
            return None

    def column(self, name: str) -> Column:
        """What was read."""
        values = np.concatenate(self.parts)
        if self.codes is None:
            return Column(name, values)
        words = sorted(self.codes)
        places = np.full(len(words) + 1, -1)  # the last is that of -1
        places[[self.codes[word] for word in words]] = np.arange(len(words))
        return Column(name, places[values], tuple(words))
