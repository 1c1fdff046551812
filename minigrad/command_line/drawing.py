"""``minigrad draw``: the picture of a trained model, or of a module of the user's own."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..graph.appearance import THEMES
from ..graph.draw import Graph, draw
from ..nn.module import Module
from ..tensor.creation import randn
from ..tensor.random import manual_seed
from . import own_case
from .ending import collected_warnings, distinct
from .errors import CommandError
from .examine import kept_run
from .folder import writable_folder
from .options import at_least
from .output import complain
from .predict import opened
from .results import Lines, Result
from .train import BEST, CHECKPOINT, checkpoint_in, counted

ROWS = 32
"""Inputs of a model whose data is not known."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad draw``."""
    command.description = (
        "Draws a model that minigrad train has written, with the first batch of its data, or a module and its inputs "
        "that a function of yours returns. Nothing is trained or changed."
    )
    command.add_argument(
        "target", metavar="TARGET",
        help=f"{CHECKPOINT} or {BEST}, or their folder; or my_file.py:my_case, a function that returns a module and "
        "its inputs: return model, x",
    )  # fmt: skip
    command.add_argument(
        "--modes", choices=("train", "eval"), help="the mode it is drawn in (default: the one it is in)"
    )
    command.add_argument(
        "--depth", type=at_least(1), metavar="N", help="how deep the tree of modules is open (default: all of it)"
    )
    command.add_argument("--theme", choices=sorted(THEMES), default="light", help="the colours (default: light)")
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="where it is written: .html (a page, which shows most), .svg, .png, .pdf, .gv or .md (default: the name "
        "of the data or of the function, .html)",
    )  # fmt: skip
    command.add_argument("--overwrite", action="store_true", help="replace the file that is there")


def run(options: argparse.Namespace) -> Lines:
    """What was written.

    Raises:
        CommandError: for a target that cannot be drawn, and a file that is there or cannot be written.
    """
    with target(options.target) as (model, inputs, name):
        path = options.output or Path(f"{name}.html")
        if os.path.lexists(path) and not options.overwrite:
            raise CommandError(f"{path} is there already: replace it with --overwrite, or choose another with -o.")
        graph = picture(model, inputs, options)
    with writable_folder(path.parent), collected_warnings() as caught:
        try:
            written = graph.save(path)
        except ValueError as error:
            raise CommandError(str(error)) from error
    boxes = sum(1 for _ in graph.picture.content.all_boxes())
    for text in distinct(caught):
        complain(text)
    yield f"wrote {written}: {counted(boxes, 'box').replace('boxs', 'boxes')}, {written.stat().st_size:,} bytes"
    yield Result(target=options.target, file=written, boxes=boxes, header=graph.picture.header)


def picture(model: Any, inputs: tuple[Any, ...], options: argparse.Namespace) -> Graph:
    """The picture of a module called with its inputs, or of what a function computes."""
    if options.modes and not isinstance(model, Module):
        raise CommandError(f"--modes is for modules, and {options.target} returned a function: leave it out.")
    if options.modes:
        model.train(options.modes == "train")
    try:
        drawn = (model, *inputs) if isinstance(model, Module) else (model(*inputs),)
        return draw(*drawn, depth=options.depth, theme=options.theme)
    except Exception as error:  # the user's own forward, which may raise anything
        raise own_case.failure(f"{options.target} cannot be drawn", error, file_of(options.target)) from error


def file_of(name: str) -> Path:
    """The file that a target names."""
    return Path(name.rpartition(":")[0] or name)


@contextlib.contextmanager
def target(name: str) -> Iterator[tuple[Any, tuple[Any, ...], str]]:
    """The model that is meant, its inputs, and the name of its picture.

    Raises:
        CommandError: if there is none; one line that says what to do.
    """
    path = Path(name)
    if name.endswith(".py") and ":" not in name:
        raise CommandError(f"which case in {name}? Name it behind a colon: {name}:my_case")
    if ".py:" in name and not path.exists():
        with own_case.loaded(name) as (function, inputs):
            yield function, tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,), name.rpartition(":")[2]
    elif path.name == BEST:
        kept = opened(path)
        manual_seed(0)
        yield kept.net, (randn(ROWS, len(kept.preparation.mean)),), path.resolve().parent.name
    else:
        trained = kept_run(checkpoint_in(path))
        samples = trained.train_set.tensors[0]
        yield trained.model, (samples[: trained.settings.batch_size],), trained.problem.name
