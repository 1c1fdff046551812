"""``minigrad draw``: the picture of a trained model, or of a module of the user's own."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..graph.appearance import THEMES
from ..graph.draw import Graph, draw
from ..nn.module import Module
from ..tensor.creation import randn
from ..tensor.random import manual_seed
from ..tensor.tensor import Tensor
from . import own_case
from .ending import collected_warnings, distinct
from .errors import CommandError
from .examine import kept_run
from .folder import writable_file
from .options import add_file, at_least, listed, one_of, refuse_seed
from .output import complain
from .predict import opened
from .results import Lines, Result
from .train import BEST, CHECKPOINT, checkpoint_in, counted

ROWS = 32
"""Inputs of a model whose data is not known."""
MODES = "train", "eval", "both"
LOOKS: dict[str, dict[str, Any]] = {
    "depth": {
        "type": at_least(1), "metavar": "N", "help": "how deep the tree of modules is open (default: all of it)",
    },
    "collapse": {
        "type": listed, "metavar": "PATH,...", "default": (),
        "help": "modules that are one box each, by their paths: 0,2.body",
    },
    "expand": {
        "action": "store_const", "const": True,
        "help": "open BatchNorm and the like into the steps inside of them, with formulas",
    },
    "tables": {
        "action": argparse.BooleanOptionalAction, "default": None,
        "help": "what a module holds as rows of one box (default: where the picture would be wide)",
    },
    "values": {"action": "store_true", "help": "the values of every box, or their range"},
    "grads": {
        "action": "store_true",
        "help": "the gradient of every box, too; of a trained model that of the loss of its first batch",
    },
    "theme": {
        "type": one_of(THEMES), "metavar": "NAME", "default": "light",
        "help": f"the colours: {', '.join(THEMES)} (default: light)",
    },
    "legend": {"action": "store_true", "help": "explain the shapes and colours"},
}  # fmt: skip
"""The options that are arguments of ``mg.draw`` of the same names."""


class Loss(Module):
    """A trained model with its loss, a graph that ends in one number."""

    def __init__(self, net: Module, loss: Callable[..., Tensor]) -> None:
        self.net, self.loss = net, loss

    def forward(self, x: Tensor, targets: Tensor) -> Tensor:
        return self.loss(self.net(x), targets)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad draw``."""
    command.description = (
        "Draws a model that minigrad train has written, with the first batch of its data, or a module and its inputs "
        "that a function of yours returns. Nothing is trained or changed."
    )
    command.add_argument(
        "target", metavar="TARGET",
        help=f"{CHECKPOINT} or {BEST}, or their folder; or {own_case.WHAT.format('a module')}",
    )  # fmt: skip
    command.add_argument(
        "--modes", type=one_of(MODES), metavar="MODE",
        help="train, eval, or both side by side (default: the mode it is in)",
    )  # fmt: skip
    for name, settings in LOOKS.items():
        command.add_argument(f"--{name}", **settings)
    add_file(
        command,
        "where it is written: .html (a page, which shows most), .svg, .png, .pdf, .gv or .md (default: the name of the "
        "data or of the function, .html)",
    )


def run(options: argparse.Namespace) -> Lines:
    """What was written.

    Raises:
        CommandError: for a target that cannot be drawn, and a file that is there or cannot be written.
    """
    with contextlib.ExitStack() as stack:
        caught = stack.enter_context(collected_warnings())
        model, inputs, name = stack.enter_context(target(options))
        path = stack.enter_context(writable_file(options.output or Path(f"{name}.html"), options.overwrite))
        graph = picture(model, inputs, options)
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
        raise CommandError(f"--modes is for modules, and {options.target} is drawn as a function: leave it out.")
    both = "both" if options.modes == "both" else None
    if options.modes and not both:
        model.train(options.modes == "train")
    looks = {name: getattr(options, name) for name in LOOKS}
    try:
        drawn = (model, *inputs) if isinstance(model, Module) else (model(*inputs),)
        return draw(*drawn, modes=both, **looks)
    except Exception as error:  # the user's own forward, which may raise anything
        path = own_case.parts(options.target)[0]
        raise own_case.failure(f"{options.target} cannot be drawn", error, path) from error


@contextlib.contextmanager
def target(options: argparse.Namespace) -> Iterator[tuple[Any, tuple[Any, ...], str]]:
    """The model that is meant, its inputs, and the name of its picture.

    Raises:
        CommandError: if there is none; one line that says what to do.
    """
    path = Path(options.target)
    if own_case.is_case_name(options.target):
        with own_case.loaded(options.target, options.seed) as (function, inputs):
            name = own_case.parts(options.target)[1]
            yield function, tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,), name
    elif path.name == BEST:
        if options.grads:
            raise CommandError(
                f"--grads is for the loss of data, which {path} has not: draw the {CHECKPOINT} of its run."
            )
        kept = opened(path)
        manual_seed(options.seed or 0)
        yield kept.net, (randn(ROWS, len(kept.preparation.mean)),), path.resolve().parent.name
    else:
        refuse_seed(options, path)
        trained = kept_run(checkpoint_in(path))
        x, targets = (rows[: trained.settings.batch_size] for rows in trained.train_set.tensors)
        if options.grads:
            yield Loss(trained.model, trained.task.loss), (x, targets), trained.problem.name
        else:
            yield trained.model, (x,), trained.problem.name
