"""The command ``minigrad``: what it can do, and what it says when that cannot be done."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__, data
from . import bench, compare, doctor, train
from .errors import CommandError
from .process import restart_with_settings


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")


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
    return tuple(at_least(1)(part) for part in text.split(",") if part)


def dataset(name: str) -> str:
    """The type of a dataset's name."""
    try:
        data.find_source(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
    return name


def make_parser() -> Parser:
    """The commands and their options."""
    parser = Parser(prog="minigrad", description="Train toy nets with BatchNorm, and look at what happens.")
    parser.set_defaults(restart=True)
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    listing = "datasets: " + "; ".join(f"{name} ({source.description})" for name, source in data.DATASETS.items())

    command = commands.add_parser("train", help="train an MLP with BatchNorm on a dataset", epilog=listing)
    command.set_defaults(run=run_train)
    command.add_argument("dataset", type=dataset, metavar="DATASET", help="digits, or generated data such as moons")
    command.add_argument("--epochs", type=at_least(1), help="passes over the training data")
    command.add_argument("--batch-size", type=at_least(2), help="samples per step")
    command.add_argument("--lr", type=above_zero, help="learning rate of Adam")
    command.add_argument("--hidden", type=widths, metavar="N,N,...", help="widths of the hidden layers")
    command.add_argument(
        "--no-batchnorm", dest="batchnorm", action="store_const", const=False, help="leave BatchNorm out"
    )
    add_common(command)
    command.add_argument("--resume", type=Path, metavar="FILE", help="go on from a checkpoint.npz, with its settings")

    command = commands.add_parser(
        "compare", help="the same net with and without BatchNorm, side by side", epilog=listing
    )
    command.set_defaults(run=run_compare)
    command.add_argument("dataset", type=dataset, metavar="DATASET", help="digits, or generated classes such as moons")
    command.add_argument("--steps", type=at_least(1), help="training steps")
    command.add_argument("--batch-size", type=at_least(2), help="samples per step")
    command.add_argument("--lr", type=above_zero, help="learning rate of SGD")
    add_common(command)

    # these two measure what the user's own Python gets: with the settings that it has
    command = commands.add_parser("bench", help="training steps beside the same steps written by hand in NumPy")
    command.set_defaults(run=bench.run, restart=False)
    bench.add_arguments(command)

    command = commands.add_parser("doctor", help="what is installed here, how fast it is, and what to do about it")
    command.set_defaults(run=doctor.run, restart=False)
    return parser


def add_common(command: argparse.ArgumentParser) -> None:
    """The options of every run."""
    command.add_argument("--seed", type=at_least(0), help="start of all random numbers")
    command.add_argument("--out", type=Path, metavar="FOLDER", help="where to write, runs/... unless given")


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options among ``names`` that were given."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def run_train(options: argparse.Namespace) -> list[str]:
    """``minigrad train``"""
    chosen = given(options, "epochs", "batch_size", "lr", "hidden", "batchnorm", "seed")
    out = options.out or Path("runs", options.dataset)
    if options.resume:
        changed = [name for name in chosen if name != "epochs"]
        if changed:
            raise CommandError(
                f"--{changed[0].replace('_', '-')} cannot change in a resumed run: leave it out, or start a new run."
            )
        run = train.resume(options.resume, options.dataset, options.epochs)
    else:
        run = train.Training(train.settings_for(options.dataset, chosen))
    return train.train(run, train.writable_folder(out))


def run_compare(options: argparse.Namespace) -> list[str]:
    """``minigrad compare``"""
    settings = compare.Settings(options.dataset, **given(options, "steps", "batch_size", "lr", "seed"))
    return compare.compare(settings, train.writable_folder(options.out or Path("runs", f"compare-{options.dataset}")))


def command() -> int:
    """The command ``minigrad``, in a process of its own."""
    return main(own_process=True)


def main(arguments: Sequence[str] | None = None, own_process: bool = False) -> int:
    """Run a command; the exit code is 0, 2 after a mistake that is explained, 130 after Ctrl-C.

    Args:
        arguments: what follows the command's name, by default this process's.
        own_process: whether the process may be replaced by one with the settings that suit the command.
    """
    options = argparse.Namespace()
    try:
        options = make_parser().parse_args(arguments)
        if own_process and options.restart:
            restart_with_settings()
        for line in options.run(options):
            print(line, flush=True)  # what measures for seconds is read while it does
    except CommandError as error:
        print(f"minigrad: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        written = "; what was finished is written, go on with --resume" if "resume" in options else ""
        print(f"minigrad: stopped{written}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # whoever read the output has gone; nothing more can be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
