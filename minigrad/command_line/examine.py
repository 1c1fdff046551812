"""``minigrad summary`` and ``minigrad diagnose``: a trained model's layers, and what is suspicious."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import minigrad

from .. import data
from ..io.checkpoint import load
from ..io.errors import CheckpointError
from ..nn.module import Module
from ..tensor.creation import zeros
from ..training.predictor import NAMES
from . import own_case, train
from .errors import CommandError
from .options import READING, TRAINING, add_reading, add_settings, dataset_or_file, given, refuse_seed
from .predict import opened, run_of_name
from .results import Lines, Result


def add_summary(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad summary``."""
    command.add_argument(
        "checkpoint", metavar="TARGET",
        help=f"best.npz or checkpoint.npz, or their folder; or {own_case.WHAT.format('a module')}",
    )  # fmt: skip


def run_summary(options: argparse.Namespace) -> Lines:
    """The lines of the summary."""
    if own_case.is_case_name(options.checkpoint):
        yield from summary_of_case(options.checkpoint, options.seed)
        return
    path = Path(options.checkpoint)
    refuse_seed(options, path)
    model = opened(path)
    found = "a number" if model.classes is None else f"{len(model.classes)} classes"
    yield f"{path}: {model.target} ({found}) from {len(model.features)} columns"
    about = {"target": model.target, "classes": model.classes, "features": model.features}
    yield Result(about)
    yield from layers(path, minigrad.summary(model.net, zeros(2, len(model.preparation.mean))))


def summary_of_case(target: str, seed: int | None) -> Lines:
    """The lines of the summary of a module of the user's own."""
    with own_case.loaded(target, seed) as (model, inputs):
        if not isinstance(model, Module):
            raise CommandError(
                f"summary is of modules, and {target} returned a function: return a module and its inputs."
            )
        try:
            table = minigrad.summary(model, *(inputs if isinstance(inputs, (tuple, list)) else (inputs,)))
        except Exception as error:  # the user's own forward, which may raise anything
            raise own_case.failure(f"{target} has no summary", error, own_case.parts(target)[0]) from error
    yield from layers(target, table)


def layers(target: str | Path, table: Any) -> Lines:
    """The table of a model's layers, and what programs get of it."""
    yield str(table)
    rows = [
        {"path": row.path, "module": type(row.module).__name__, "output": row.output}
        | {"parameters": row.parameters, "buffers": row.buffers, "mode": row.mode}
        for row in table.rows
    ]
    found = [finding._asdict() for finding in table.findings]
    yield Result(checkpoint=target, layers=rows, parameters=table.parameters, findings=found)


def add_diagnose(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad diagnose``: those of ``train``, whose run is looked at."""
    add_settings(command, kind=dataset_or_checkpoint, what="a checkpoint or its folder; or as minigrad train takes it")
    add_reading(command)
    command.description = (
        "Looks at the model, the batches and the optimiser that minigrad train would train with these options, or that "
        "a checkpoint has; nothing is trained or written. The exit code is 1 if something is suspicious."
    )


def dataset_or_checkpoint(name: str) -> str:
    """The type of what is diagnosed."""
    return name if os.path.isdir(name) or Path(name).name in NAMES else dataset_or_file(name)


def run_diagnose(options: argparse.Namespace) -> Lines:
    """What is suspicious."""
    run = run_of(options)
    report = minigrad.diagnose(run.model, run.loader, run.optimizer)
    if not options.quiet:
        yield f"{run.problem.name}: {len(run.train_set):,} training samples, batches of {run.settings.batch_size}"
    if not (options.quiet and report):
        yield str(report)
    about = {"dataset": run.settings.dataset, "samples": len(run.train_set), "batch_size": run.settings.batch_size}
    yield Result(about, findings=[finding._asdict() for finding in report.findings])
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
        raise CommandError(f"{error}{run_of_name(path)}") from error
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CommandError(
            f"{path} is no checkpoint of 'minigrad train': name a checkpoint.npz that it wrote."
        ) from error
