"""``minigrad summary`` and ``minigrad diagnose``: a trained model's layers, and what is suspicious."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import minigrad

from .. import data
from ..io.checkpoint import load
from ..io.errors import CheckpointError
from ..tensor.creation import zeros
from ..training.predictor import NAMES
from . import train
from .errors import CommandError
from .options import READING, TRAINING, add_reading, add_seed, add_settings, dataset_or_file, given
from .predict import opened


def add_summary(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad summary``."""
    command.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="best.npz or checkpoint.npz, or their folder"
    )


def run_summary(options: argparse.Namespace) -> Iterator[str]:
    """The lines of the summary."""
    model = opened(options.checkpoint)
    found = "a number" if model.classes is None else f"{len(model.classes)} classes"
    yield f"{options.checkpoint}: {model.target} ({found}) from {len(model.features)} columns"
    yield str(minigrad.summary(model.net, zeros(2, len(model.preparation.mean))))


def add_diagnose(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad diagnose``: those of ``train``, whose run is looked at."""
    add_settings(command, kind=dataset_or_checkpoint, what="a checkpoint or its folder; or as minigrad train takes it")
    add_seed(command, train.Settings.seed)
    add_reading(command)
    command.description = (
        "Looks at the model, the batches and the optimiser that minigrad train would train with these options, or that "
        "a checkpoint has; nothing is trained or written. The exit code is 1 if something is suspicious."
    )


def dataset_or_checkpoint(name: str) -> str:
    """The type of what is diagnosed."""
    return name if os.path.isdir(name) else dataset_or_file(name)


def run_diagnose(options: argparse.Namespace) -> Iterator[str]:
    """What is suspicious."""
    run = run_of(options)
    report = minigrad.diagnose(run.model, run.loader, run.optimizer)
    yield f"{run.problem.name}: {len(run.train_set):,} training samples, batches of {run.settings.batch_size}"
    yield str(report)
    if not report:
        count = len(report.findings)
        raise CommandError(f"{train.counted(count, 'suspicious thing')} found", code=1)


def run_of(options: argparse.Namespace) -> train.Training:
    """The run that is diagnosed, as it would begin or as its checkpoint holds it."""
    chosen = given(options, *TRAINING, *READING)
    path = Path(options.dataset)
    if options.dataset in data.DATASETS or not (path.is_dir() or path.name in NAMES):
        return train.started(options.dataset, chosen)
    if chosen:
        raise CommandError(f"{path} has its own options: leave yours out, or diagnose a dataset with them.")
    return kept_run(train.checkpoint_in(path))


def kept_run(path: Path) -> train.Training:
    """The run of a checkpoint."""
    try:
        state = load(path)
        return train.Training.resumed(state, state["settings"]["dataset"], None)
    except (OSError, CheckpointError) as error:
        raise CommandError(str(error)) from error
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CommandError(
            f"{path} is no checkpoint of 'minigrad train': name a checkpoint.npz that it wrote."
        ) from error
