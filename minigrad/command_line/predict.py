"""``minigrad predict``: what a trained model says of the rows of a file."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

import numpy as np
from numpy import ndarray

from ..data.sources import DATASETS
from ..data.table import Table, TableError
from ..io.atomic import near_file
from ..io.errors import CheckpointError
from ..training.metrics import r2_score
from ..training.predictor import Predictor, load_model, probabilities
from .errors import CommandError
from .folder import writable_file
from .options import add_file
from .output import complain
from .problem import read
from .results import Lines, Result
from .table import csv_text, write_table


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad predict``."""
    command.description = (
        "Prints a table with a row for each row of FILE, under the name of what was learned. Columns are found by "
        "name, in any order; others are ignored. If the file has the target too, standard error says how good "
        "the predictions are."
    )
    command.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="best.npz or checkpoint.npz, or their folder"
    )
    command.add_argument("file", type=Path, metavar="FILE", help=".csv or the like, or .npz with X")
    command.add_argument("--proba", action="store_true", help="the probability of each class, too")
    command.add_argument(
        "--header", action=argparse.BooleanOptionalAction, default=None,
        help="whether the first line names the columns (default: unless a number is in it)",
    )  # fmt: skip
    add_file(command, "write the table there (default: it is printed)")


def opened(path: Path) -> Predictor:
    """The model of a checkpoint."""
    try:
        return load_model(path)
    except (OSError, CheckpointError) as error:
        raise CommandError(f"{error}{run_of_name(path)}") from error


def run_of_name(path: Path) -> str:
    """A hint at the run of a dataset whose name was given instead of the run's folder."""
    if path.exists() or path.name != str(path) or not path.name:
        return ""
    found = Path("runs", path.name)
    if found.is_dir():
        return f" Did you mean {found}?"
    return f" Train it first: minigrad train {path}" if path.name in DATASETS else ""


def run(options: argparse.Namespace) -> Lines:
    """The lines of the table, or that it was written."""
    model = opened(options.checkpoint)
    if options.proba and model.classes is None:
        raise CommandError(f"--proba is for classes, and {model.target} is a number: leave it out.")
    with writable_file(options.output, options.overwrite) if options.output else contextlib.nullcontext():
        yield from predictions(model, options)


def predictions(model: Predictor, options: argparse.Namespace) -> Lines:
    """The lines of the table, or that it was written, and how good it is."""
    try:
        table = read(options.file, options.header, inputs_only=True)
        outputs = model.outputs(table)
    except TableError as error:
        hint = "" if options.file.exists() else near_file(options.file)
        raise CommandError(str(error) + hint) from error
    predicted = model.preparation.predictions(outputs)
    header, columns = [model.target], [texts(predicted)]
    shares = probabilities(outputs) if options.proba else None
    if shares is not None:
        header += [f"P({name})" for name in model.classes or ()]
        columns += map(texts, shares.T)
    rows = list(zip(*columns))
    if options.output:
        write_table(options.output, header, rows)
        yield f"wrote {options.output}: {len(rows):,} rows"
    else:
        yield csv_text(header, rows).replace("\r\n", "\n").rstrip("\n")
    score = scored(model, table, predicted)
    if score:
        complain(score)
    found = {"target": model.target, "classes": model.classes, "file": options.output, "score": score}
    yield Result(found, predictions=predicted, probabilities=shares)


def texts(values: ndarray) -> list[str]:
    """Values as the table has them: numbers with as many digits as float32 has."""
    return [f"{value:.9g}" if values.dtype.kind == "f" else str(value) for value in values]


def scored(model: Predictor, table: Table, predicted: ndarray) -> str | None:
    """How good the predictions are, if the table has the target."""
    preparation = model.preparation
    if preparation.target in table.names:
        column = table.column(preparation.target)
    elif not table.named and len(table.columns) == len(preparation.features) + 1:
        column = table.columns[preparation.place]
    else:
        return None
    known = ~column.missing
    if not known.any():
        return None
    of = f"of the {known.sum():,} rows whose {preparation.target} is in the file"
    rows, column, predicted = table.taken(known), column.taken(known), predicted[known]
    if preparation.classes is not None:
        try:
            right = np.array(preparation.classes)[preparation.targets(rows, column)] == predicted
        except TableError as error:
            return f"no accuracy: {error}"
        return f"accuracy {right.mean():.2%} {of}"
    if column.words is not None:
        return None
    values = column.values.astype(np.float64)
    r2 = f"R2 {r2_score(predicted, values):.4f}, " if len(values) > 1 and np.ptp(values) else ""
    return f"{r2}root mean squared error {np.sqrt(np.mean((predicted - values) ** 2)):.4g} {of}"
