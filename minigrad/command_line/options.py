"""The options of the commands that train: their types, their defaults, and what their help says."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import data
from ..data.table import near
from ..training.mlp import ACTIVATIONS
from . import compare, own_case, train
from .errors import CommandError
from .problem import MNIST, is_file
from .results import explained
from .settings import OPTIMIZERS, SCHEDULES, Settings, settings_for

WITH_CLASSES = [name for name, source in data.DATASETS.items() if source.task == "classification"]
"""The datasets that ``compare`` takes."""

TRAINING = (
    "epochs", "batch_size", "lr", "hidden", "batchnorm", "activation", "optimizer", "schedule", "weight_decay", "noise",
    "samples", "seed", "compile",
)  # fmt: skip
READING = "path", "target", "drop", "missing", "task", "header"


def at_least(least: int) -> Any:
    """The type of an option that is a whole number of at least ``least``."""

    def convert(text: str) -> Any:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of at least {least}, got {text!r}")
        return value

    return convert


def above_zero(text: str) -> float:
    """The type of an option that is a positive number."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value


def widths(text: str) -> tuple[int, ...]:
    """The type of ``--hidden``: ``128,64``."""
    return tuple(at_least(1)(part) for part in text.split(","))


def path(text: str) -> Path:
    """The type of an option that is a file or a folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''; the current folder is .")
    return Path(text)


def share(text: str) -> float:
    """The type of an option that is 0 or a positive number."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected 0 or a number above it, got {text!r}")
    return value


def listed(text: str) -> tuple[str, ...]:
    """The type of an option that takes names between commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def one_of(names: Iterable[str]) -> Any:
    """The type of an option that takes one of these names."""
    names = list(names)

    def convert(text: str) -> str:
        if text.lower() not in names:
            raise argparse.ArgumentTypeError(f"there is no {text!r}.{near(text, names)} There are {', '.join(names)}")
        return text.lower()

    return convert


def dataset(name: str, among: Iterable[str] = data.DATASETS) -> str:
    """The type of a dataset's name."""
    try:
        data.find_source(name, among)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
    return name


def dataset_or_file(name: str, among: Iterable[str] = data.DATASETS) -> str:
    """The type of the name of a dataset or of a file."""
    if name.lower() == MNIST:
        return MNIST
    if name and name not in data.DATASETS:
        refuse_no_data(name)
    return name if is_file(name) else dataset(name, among)


def refuse_no_data(name: str) -> None:
    """Refuse what is no data to train on, though it is there: a folder, a checkpoint, a program."""
    path = Path(name)
    if (path / train.CHECKPOINT).is_file() or (path.name in (train.CHECKPOINT, train.BEST) and path.is_file()):
        raise argparse.ArgumentTypeError(
            f"{name} is a run, not data: it goes on by minigrad train DATASET --resume {name}"
        )
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{name} is a folder: name the file in it")
    if path.suffix == own_case.ENDING or f"{own_case.ENDING}:" in name:
        raise argparse.ArgumentTypeError(f"{name} is a program, not data: minigrad draw, summary and check take those")


def classes(name: str) -> str:
    """The type of the name of a dataset of classes, or of a file."""
    if name in data.DATASETS and name not in WITH_CLASSES:
        raise argparse.ArgumentTypeError(f"{name} has no classes, which compare wants: try minigrad compare digits")
    return dataset_or_file(name, WITH_CLASSES)


def listing(names: Iterable[str]) -> str:
    """The datasets, with what they are."""
    return "datasets: " + "; ".join(f"{name} ({data.DATASETS[name].description})" for name in names)


def usual(setting: str) -> str:
    """The default of a setting of ``train``, with the datasets that have another one."""
    values = {name: getattr(settings_for(name, {}), setting) for name in data.DATASETS}
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" for name, value in values.items()
    }
    (most, _), *others = Counter(texts.values()).most_common()
    special = [f"{name} {text}" for name, text in texts.items() if text != most]
    return f"default: {', '.join([*special, f'others {most}'] if others else [most])}"


SEEDED = {
    "train": "weights, the order of batches, and of a file which rows are the test data",
    "compare": "weights, the order of batches, and of a file which rows are the test data",
    "summary": "what my_case draws",
    "draw": f"what my_case draws, and the inputs of a {train.BEST}",
    "check": "inputs, and what my_case draws",
    "diagnose": "weights, the order of batches, and of a file which rows are the test data",
    "bench": "the batch and the weights that training starts with",
}
"""What is random in a command, which has the option ``--seed`` for it; in all others nothing is."""


def add_seed(command: argparse.ArgumentParser, name: str) -> None:
    """The option of all random numbers, if there are any."""
    if name in SEEDED:
        command.add_argument(
            "--seed", type=at_least(0), metavar="N", help=f"start of all random numbers: {SEEDED[name]} (default: 0)"
        )


def refuse_seed(options: argparse.Namespace, path: Path) -> None:
    """Refuse a seed where a checkpoint is looked at, in which nothing is random."""
    if options.seed is not None:
        raise CommandError(f"--seed is for my_file.py:my_case, and nothing is random in {path}: leave it out.")


def add_common(command: argparse.ArgumentParser, out: str) -> None:
    """The options of every run that writes."""
    command.add_argument("--out", type=path, metavar="FOLDER", help=f"where to write (default: {out})")
    command.add_argument("--overwrite", action="store_true", help="replace the run that is there")


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options among ``names`` that were given."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def add_model(command: argparse.ArgumentParser, activation: str, optimizer: str) -> None:
    """The options of the net, its optimiser, and generated data."""
    command.add_argument(
        "--activation", type=one_of(ACTIVATIONS), metavar="NAME",
        help=f"after each hidden layer: {', '.join(ACTIVATIONS)} (default: {activation})",
    )  # fmt: skip
    command.add_argument(
        "--optimizer", type=one_of(OPTIMIZERS), metavar="NAME",
        help=f"{', '.join(OPTIMIZERS)}; momentum and nesterov are SGD with momentum 0.9 (default: {optimizer})",
    )  # fmt: skip
    command.add_argument(
        "--noise",
        type=share,
        help="standard deviation of the noise in generated data (default: the dataset's)",
        metavar="SIGMA",
    )
    command.add_argument(
        "--samples", type=at_least(10), metavar="N", help="samples of generated data (default: the dataset's)"
    )


WHAT = "digits, generated data such as moons, mnist (with --data), or a file, my.csv or my.npz"


def add_train(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad train``."""
    add_settings(command)
    add_common(command, "runs/DATASET, or the folder of the checkpoint that is resumed")
    command.add_argument(
        "--resume", type=path, metavar="PATH", help=f"go on from a {train.CHECKPOINT}, or the one in a folder"
    )
    add_reading(command)


def add_file(command: argparse.ArgumentParser, what: str, kind: Any = path) -> None:
    """The option of the one file that a command writes; ``kind`` is its type."""
    command.add_argument("-o", "--output", type=kind, metavar="FILE", help=what)
    command.add_argument("--overwrite", action="store_true", help="replace the file that is there")


def add_output(command: argparse.ArgumentParser, name: str) -> None:
    """The options of every command: of its random numbers, and of what it prints."""
    add_seed(command, name)
    group = command.add_argument_group("output")
    group.add_argument("-q", "--quiet", action="store_true", help=f"no progress: print only {QUIET.get(name, RESULT)}")
    group.add_argument("--json", action="store_true", help=explained(name))


RESULT = "the result"
QUIET = {
    "train": "what was reached and written",
    "compare": "what was reached and written",
    "check": "what is wrong, and the last line",
    "diagnose": "what is suspicious",
    "doctor": "what can be done",
}
"""What is still printed with ``--quiet``."""


def add_settings(command: argparse.ArgumentParser, kind: Any = dataset_or_file, what: str = WHAT) -> None:
    """What is trained on, which is of this kind, and the options of the net and its training."""
    command.add_argument("dataset", type=kind, metavar="DATASET", help=what)
    command.add_argument(
        "--epochs", type=at_least(1), metavar="N", help=f"passes over the training data ({usual('epochs')})"
    )
    command.add_argument(
        "--batch-size", type=at_least(2), metavar="N", help=f"samples per step ({usual('batch_size')})"
    )
    others = ", ".join(f"{name} {kind.lr:g}" for name, kind in OPTIMIZERS.items() if kind.lr is not None)
    command.add_argument(
        "--lr", type=above_zero, metavar="RATE", help=f"learning rate, that of Adam ({usual('lr')}); others: {others}"
    )
    command.add_argument(
        "--hidden", type=widths, metavar="N,N,...", help=f"widths of the hidden layers ({usual('hidden')})"
    )
    command.add_argument(
        "--no-batchnorm", dest="batchnorm", action="store_const", const=False, help="leave BatchNorm out"
    )
    add_model(command, Settings.activation, Settings.optimizer)
    command.add_argument(
        "--schedule", type=one_of(SCHEDULES), metavar="NAME",
        help="the learning rate by epochs: "
        + "; ".join(f"{name}: {schedule.description}" for name, schedule in SCHEDULES.items())
        + f" (default: {Settings.schedule})",
    )  # fmt: skip
    command.add_argument(
        "--weight-decay", type=share, metavar="W", help="of the weights alone (default: adamw 0.01, others 0)"
    )
    command.add_argument(
        "--compile", action="store_const", const=True,
        help="compile the step: faster, the same numbers to rounding, also when the run is resumed",
    )  # fmt: skip


def add_reading(command: argparse.ArgumentParser) -> None:
    """The options of files."""
    group = command.add_argument_group("files")
    group.add_argument("--target", metavar="COLUMN", help="what is predicted (default: the last column, or y)")
    group.add_argument("--drop", type=listed, metavar="COLUMN,...", help="columns that are left out (default: none)")
    group.add_argument(
        "--missing", type=one_of(("refuse", "drop", "mean")), metavar="HOW",
        help="where values are missing: refuse the file, drop the row, or take the mean (default: refuse)",
    )  # fmt: skip
    group.add_argument(
        "--task", type=one_of(("classification", "regression")), metavar="TASK",
        help="classification or regression (default: whole numbers and words are classes)",
    )  # fmt: skip
    group.add_argument(
        "--header", action=argparse.BooleanOptionalAction, default=None,
        help="whether the first line names the columns (default: unless a number is in it)",
    )  # fmt: skip
    group.add_argument("--data", dest="path", type=path, metavar="FOLDER", help="the folder of MNIST's four files")


def add_compare(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad compare``."""
    command.add_argument("dataset", type=classes, metavar="DATASET", help=WHAT)
    defaults = compare.Settings
    command.add_argument("--steps", type=at_least(1), metavar="N", help=f"training steps (default: {defaults.steps})")
    command.add_argument(
        "--batch-size", type=at_least(2), metavar="N", help=f"samples per step (default: {defaults.batch_size})"
    )
    others = ", ".join(f"{name} {lr:g}" for name, lr in compare.RATES.items() if name != "sgd")
    command.add_argument(
        "--lr", type=above_zero, metavar="RATE", help=f"learning rate of SGD (default: {defaults.lr:g}); {others}"
    )
    command.add_argument(
        "--hidden", type=widths, metavar="N,N,...",
        help=f"widths of the hidden layers (default: {','.join(map(str, defaults.hidden))})",
    )  # fmt: skip
    add_model(command, defaults.activation, defaults.optimizer)
    command.add_argument(
        "--seeds", type=at_least(1), metavar="N",
        help="so many runs, each with the next seed: mean and deviation of the accuracy (default: 1)",
    )  # fmt: skip
    add_common(command, "runs/compare-DATASET")
    add_reading(command)


def train_epilog() -> str:
    """What the help of ``train`` ends with."""
    names = "\n".join(f"  {name:<13} {data.DATASETS[name].description}" for name in data.DATASETS)
    return f"""datasets:
{names}
  {MNIST:<13} 70,000 handwritten digits, 28x28 pixels, from your files; the
                defaults are those of digits
  FILE          a row for each sample: .csv and the like, or .npz with X and y,
                or x_train, y_train, x_test, y_test; a fifth of the rows is the
                test data, drawn by --seed; numbers are scaled by the training
                part, and of words each becomes an input that is 0 or 1

afterwards, in Python:
  from minigrad.training import load_model
  load_model("runs/DATASET").predict("new.csv")
"""
