"""What is learned: a dataset by its name, or a file of the user's, split, scaled and described."""

from __future__ import annotations

import difflib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .. import data
from ..data.mnist import CLASSES, SIDE
from ..data.table import Column, Table, TableError, some
from ..data.tabular import FILES, table
from ..io.atomic import near_file
from ..tensor.creation import from_numpy
from ..training.predictor import read_table
from ..training.preparation import Preparation, fitted
from .errors import CommandError
from .output import complain, terminal
from .progress import progress
from .settings import DataSettings

SPLIT_SEED = 0
"""The split of a dataset into training and test data is the same in every run; that of a file follows ``--seed``."""
GENERATED = [name for name, source in data.DATASETS.items() if source.generated]
"""The datasets with noise and a number of samples."""
MNIST = "mnist"
LARGE = 20
"""Megabytes of a file that takes so long to read that it is said."""
ENDINGS = ".csv", ".tsv", ".txt", ".data", ".dat", ".npz", ".gz"
"""Of files that are read."""


class Problem(NamedTuple):
    """Data to train on and to test on, and what a net for it must know."""

    name: str
    train: data.TensorDataset
    test: data.TensorDataset
    preparation: Preparation
    notes: tuple[str, ...] = ()
    """What is worth saying of a file."""
    digest: str | None = None
    """By which a file is known again."""

    @property
    def inputs(self) -> int:
        """Numbers per sample."""
        return len(self.preparation.mean)

    @property
    def outputs(self) -> int:
        """Numbers that a net gives for each sample."""
        return self.preparation.outputs

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return "regression" if self.preparation.classes is None else "classification"


def is_file(name: str) -> bool:
    """Whether a user names a file, not a dataset."""
    named = name in data.DATASETS or name == MNIST
    return not named and (bool(Path(name).suffix) or os.sep in name or os.path.isfile(name))


def title(name: str) -> str:
    """The name of a dataset or a file, without folders and endings."""
    return Path(name).name.removesuffix(".gz").rpartition(".")[0] or Path(name).name if is_file(name) else name


def with_path(dataset: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The options chosen, with the absolute path of a file, or of the folder of MNIST."""
    if is_file(dataset):
        return {**chosen, "path": os.path.abspath(dataset)}
    return {**chosen, "path": os.path.abspath(chosen["path"])} if "path" in chosen else chosen


def problem_for(settings: DataSettings) -> Problem:
    """The problem of these settings.

    Raises:
        CommandError: if the data cannot be had, or there is too little of it.
    """
    own = {"noise": settings.noise, "n": settings.samples}
    chosen = {name: value for name, value in own.items() if value is not None}
    if chosen and settings.dataset not in GENERATED:
        option = "noise" if "noise" in chosen else "samples"
        raise CommandError(f"--{option} is for generated data: {', '.join(GENERATED)}.")
    if not (is_file(settings.dataset) or settings.dataset in FILES):
        refuse_reading(settings)
    try:
        if settings.dataset == MNIST:
            return mnist(settings)
        if settings.dataset in FILES:
            return from_table(table(settings.dataset), settings, SPLIT_SEED)._replace(digest=None, notes=())
        if is_file(settings.dataset):
            return from_file(settings)
        source = data.DATASETS[settings.dataset]
        train, test = data.train_test_split(source.load(**chosen), seed=SPLIT_SEED)
        return Problem(settings.dataset, train, test, Preparation.plain(source.inputs, source.classes))
    except (ValueError, FileNotFoundError) as error:
        raise CommandError(str(error)) from error


def refuse_reading(settings: DataSettings) -> None:
    """Refuse options of files where there is none."""
    for name in ("target", "drop", "missing", "task", "header"):
        if getattr(settings, name) != getattr(DataSettings, name):
            raise CommandError(f"--{name} is for files, my.csv say, and {settings.dataset} is none: leave it out.")


def mnist(settings: DataSettings) -> Problem:
    """MNIST from the user's folder."""
    if settings.path is None:
        raise CommandError(
            "mnist does not come with minigrad: name the folder of its four files with --data FOLDER. "
            "Did you mean 'digits', which are 8x8 pixels and do?"
        )
    sets = []
    for training in (True, False):
        images, labels = data.MNIST(settings.path, training).tensors
        sets.append(data.TensorDataset(images.reshape(len(images), -1), labels))
    return Problem(MNIST, sets[0], sets[1], Preparation.plain(SIDE * SIDE, CLASSES))


def from_file(settings: DataSettings) -> Problem:
    """The problem in a file of the user's."""
    path = Path(settings.path or settings.dataset)
    try:
        found = read(path, settings.header, settings.target)._replace(source=settings.dataset)
        return from_table(found, settings, settings.seed)
    except TableError as error:
        hint = "" if path.exists() else near_file(Path(settings.dataset)) or near_ending(path)
        text = str(error).replace(str(path), settings.dataset)
        raise CommandError(text + hint) from error


def near_ending(path: Path) -> str:
    """A hint at an ending that is nearly the unknown one of a file that is not there."""
    close = difflib.get_close_matches(path.suffix.lower(), ENDINGS, 1, 0.7)
    return f" Did you mean {path.with_suffix(close[0]).name!r}?" if close and close[0] != path.suffix.lower() else ""


def read(path: Path, header: bool | None, target: str | None = None, inputs_only: bool = False) -> Table:
    """The table in a file, with a bar; without a terminal a line says that it is read, if that takes seconds."""
    megabytes = path.stat().st_size / 1e6 if path.is_file() else 0
    if megabytes > LARGE and not terminal(sys.stderr):
        complain(f"reading {path.name}, {megabytes:,.0f} MB")
    total, done = max(1, round(megabytes)), 0
    bar = progress(total, "megabyte")

    def reached(share: float) -> None:
        nonlocal done
        now = round(share * total)
        bar.update(now - done)
        done = now

    try:
        return read_table(path, header, target, inputs_only, progress=reached)
    finally:
        bar.close()


def from_table(found: Table, settings: DataSettings, seed: int) -> Problem:
    """A table, split and scaled."""
    notes: list[str] = []
    found = found.without(settings.drop)
    target = found.column(settings.target or found.names[-1])
    found = without_numbering(found, target, notes)
    if settings.missing == "drop":
        found = without_gaps(found, found.columns, notes)
    elif settings.missing == "mean":
        found = without_gaps(found, (target,), notes)
    elif settings.missing == "refuse":
        refuse_gaps(found)
    target = found.column(target.name)
    # what the classes are does not depend on the split, so that the split can keep their shares
    first = fitted(found, target, np.ones(found.rows, bool), settings.task, settings.missing == "mean")
    testing = found.testing if found.testing is not None else split(found, first, target, seed)
    preparation = fitted(found, target, ~testing, settings.task, settings.missing == "mean")
    inputs, targets = preparation.encoded(found), preparation.targets(found, target)
    train, test = (
        data.TensorDataset(from_numpy(inputs[rows]), from_numpy(targets[rows])) for rows in (~testing, testing)
    )
    if preparation.classes is None:
        refuse_equal(found.source, targets, testing)
    notes = [*described(found, preparation, testing), *notes, *curious(found, preparation, targets)]
    digest = hashlib.sha256(inputs.tobytes() + targets.tobytes()).hexdigest()[:16]
    return Problem(title(settings.dataset), train, test, preparation, tuple(notes), digest)


def without_numbering(found: Table, target: Column, notes: list[str]) -> Table:
    """The table without a first column that has no name and counts the rows, as pandas writes one."""
    first = found.columns[0]
    if found.named and first.name == "column 1" and first.words is None and first is not target:
        start = first.values[0]
        if start in (0, 1) and np.array_equal(first.values, start + np.arange(found.rows)):
            notes.append("left out: the first column, which has no name and counts the rows")
            return found.without([first.name])
    return found


def without_gaps(found: Table, columns: tuple[Column, ...], notes: list[str]) -> Table:
    """The rows in which none of these columns misses a value."""
    missing = np.any([column.missing for column in columns], 0)
    if missing.all():
        raise TableError(f"{found.source}: a value is missing in every row: leave its column out with --drop.")
    if missing.any():
        notes.append(f"left out: {missing.sum():,} rows with a value missing")
    return found.taken(~missing)


def refuse_gaps(found: Table) -> None:
    """Refuse a table in which values are missing."""
    gaps = {column.name: int(column.missing.sum()) for column in found.columns if column.missing.any()}
    if gaps:
        name = next(iter(gaps))
        row = int(np.flatnonzero(found.column(name).missing)[0])
        others = f", and {sum(gaps.values()) - 1:,} more are missing in {some(list(gaps))}" if len(gaps) > 1 else ""
        others = others or (f", and {gaps[name] - 1:,} more" if gaps[name] > 1 else "")
        raise TableError(
            f"{found.where(row)}: column {name!r} has no value{others}: --missing drop leaves such rows out, "
            "--missing mean counts numbers as the mean."
        )


def split(found: Table, preparation: Preparation, target: Column, seed: int) -> ndarray:
    """Which rows are to be tested on."""
    labels = preparation.targets(found, target)
    rows = data.TensorDataset(from_numpy(np.arange(found.rows)), from_numpy(labels))
    try:
        _, test = data.train_test_split(rows, seed=seed)
    except ValueError:
        raise TableError(
            f"{found.source} has {found.rows} rows, too few to hold a fifth of each class back for the test: "
            "give it more."
        ) from None
    testing = np.zeros(found.rows, bool)
    testing[test.tensors[0].numpy()] = True
    return testing


def refuse_equal(source: str, targets: ndarray, testing: ndarray) -> None:
    """Refuse a part for regression in which all targets are equal."""
    for name, part in (("training", targets[~testing]), ("test", targets[testing])):
        if len(part) < 2 or np.ptp(part) == 0:
            raise TableError(f"{source}: the {name} part has only one value of the target: give it more rows.")


def described(found: Table, preparation: Preparation, testing: ndarray) -> Iterator[str]:
    """What was understood of a file."""
    if preparation.classes is None:
        what = (
            f"a number, of mean {preparation.target_mean:.4g} and deviation {preparation.target_scale:.4g}, scaled too"
        )
    else:
        what = f"{len(preparation.classes)} classes: {some(list(map(str, preparation.classes)))}"
    names = some([name for name, _ in preparation.features])
    yield f"target {preparation.target!r} ({what})"
    yield f"from {names}; numbers scaled by the training part"
    words = [f"{name} ({len(known)})" for name, known in preparation.features if known is not None]
    if words:
        yield f"columns of words, an input for each word: {some(words)}"


def curious(found: Table, preparation: Preparation, targets: ndarray) -> Iterator[str]:
    """What a user may not know of their data."""
    constant = [
        name
        for name, _ in preparation.features
        if (values := found.column(name).values).size and np.all(values == values[0])
    ]
    if constant:
        yield f"the same in every row, which teaches nothing: {some(constant)}"
    if preparation.classes is not None:
        counts = np.bincount(targets, minlength=len(preparation.classes))
        rare = [str(name) for name, count in zip(preparation.classes, counts) if count < 3]
        if rare and found.testing is None:
            yield f"classes of one or two samples, which are trained on but not tested: {some(rare)}"
