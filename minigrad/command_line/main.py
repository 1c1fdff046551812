"""The command ``minigrad``: what it can do, and what it says when that cannot be done."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__, _starting, data
from . import bench, check, compare, doctor, train
from .errors import CommandError
from .folder import refuse_to_overwrite, writable_folder
from .output import complain, discard_output, say
from .process import restart_with_settings

WITH_CLASSES = [name for name, source in data.DATASETS.items() if source.task == "classification"]
"""The datasets that ``compare`` takes."""


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are one line, also those of standard output."""

    commands: Mapping[str, argparse.ArgumentParser]

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a help or the version; argparse would take it for printed also where it cannot be written."""
        say(message.rstrip("\n"))


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


def dataset(name: str, among: Iterable[str] = data.DATASETS) -> str:
    """The type of a dataset's name."""
    try:
        data.find_source(name, among)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).rstrip(".")) from error
    return name


def classes(name: str) -> str:
    """The type of the name of a dataset of classes."""
    if name in data.DATASETS and name not in WITH_CLASSES:
        raise argparse.ArgumentTypeError(f"{name} has no classes, which compare wants: try minigrad compare digits")
    return dataset(name, WITH_CLASSES)


def make_parser() -> Parser:
    """The commands and their options."""
    parser = Parser(prog="minigrad", description="Train toy nets with BatchNorm, and look at what happens.")
    parser.set_defaults(restart=True)
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    parser.commands = commands.choices

    command = commands.add_parser(
        "train", help="train an MLP with BatchNorm on a dataset", epilog=listing(data.DATASETS)
    )
    command.set_defaults(run=run_train)
    command.add_argument("dataset", type=dataset, metavar="DATASET", help="digits, or generated data such as moons")
    command.add_argument("--epochs", type=at_least(1), help=f"passes over the training data ({usual('epochs')})")
    command.add_argument("--batch-size", type=at_least(2), help=f"samples per step ({usual('batch_size')})")
    command.add_argument("--lr", type=above_zero, help=f"learning rate of Adam ({usual('lr')})")
    command.add_argument(
        "--hidden", type=widths, metavar="N,N,...", help=f"widths of the hidden layers ({usual('hidden')})"
    )
    command.add_argument(
        "--no-batchnorm", dest="batchnorm", action="store_const", const=False, help="leave BatchNorm out"
    )
    add_common(command, train.Settings.seed, "runs/DATASET, or the folder of the checkpoint that is resumed")
    command.add_argument(
        "--resume", type=path, metavar="PATH", help=f"go on from a {train.CHECKPOINT}, or the one in a folder"
    )

    command = commands.add_parser(
        "compare", help="the same net with and without BatchNorm, side by side", epilog=listing(WITH_CLASSES)
    )
    command.set_defaults(run=run_compare)
    command.add_argument("dataset", type=classes, metavar="DATASET", help="digits, or generated classes such as moons")
    defaults = compare.Settings
    command.add_argument("--steps", type=at_least(1), help=f"training steps (default: {defaults.steps})")
    command.add_argument("--batch-size", type=at_least(2), help=f"samples per step (default: {defaults.batch_size})")
    command.add_argument("--lr", type=above_zero, help=f"learning rate of SGD (default: {defaults.lr:g})")
    add_common(command, defaults.seed, "runs/compare-DATASET")

    command = commands.add_parser("bench", help="training steps beside the same steps written by hand in NumPy")
    command.set_defaults(run=bench.run)
    bench.add_arguments(command)

    command = commands.add_parser("check", help="derivatives of every operation, or of your own, to second order")
    command.set_defaults(run=check.run, restart=False)  # the user's function runs with the user's settings
    check.add_arguments(command)

    command = commands.add_parser("doctor", help="what is installed here, how fast it is, and what to do about it")
    command.set_defaults(run=doctor.run, restart=False)  # it examines the settings that the user's own Python gets
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def listing(names: Iterable[str]) -> str:
    """The datasets, with what they are."""
    return "datasets: " + "; ".join(f"{name} ({data.DATASETS[name].description})" for name in names)


def usual(setting: str) -> str:
    """The default of a setting of ``train``, with the datasets that have another one."""
    values = {name: getattr(train.settings_for(name, {}), setting) for name in data.DATASETS}
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}" for name, value in values.items()
    }
    (most, _), *others = Counter(texts.values()).most_common()
    special = [f"{name} {text}" for name, text in texts.items() if text != most]
    return f"default: {', '.join([*special, f'others {most}'] if others else [most])}"


def add_common(command: argparse.ArgumentParser, seed: int, out: str) -> None:
    """The options of every run."""
    command.add_argument("--seed", type=at_least(0), help=f"start of all random numbers (default: {seed})")
    command.add_argument("--out", type=path, metavar="FOLDER", help=f"where to write (default: {out})")
    command.add_argument("--overwrite", action="store_true", help="replace the run that is there")


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options among ``names`` that were given."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def run_train(options: argparse.Namespace) -> Iterator[str]:
    """``minigrad train``"""
    chosen = given(options, "epochs", "batch_size", "lr", "hidden", "batchnorm", "seed")
    if options.resume:
        changed = [name for name in chosen if name != "epochs"]
        if changed:
            raise CommandError(
                f"--{changed[0].replace('_', '-')} cannot change in a resumed run: leave it out, or start a new run."
            )
        source = train.checkpoint_in(options.resume)
        run = train.resume(source, options.dataset, options.epochs)
        out = options.out or Path(os.path.realpath(source) if source.is_symlink() else source).parent
    else:
        run = train.Training(train.settings_for(options.dataset, chosen))
        out = options.out or Path("runs", options.dataset)
    own = run.source and os.path.realpath(out / train.CHECKPOINT) == os.path.realpath(run.source)
    if not (options.overwrite or own):
        there = os.path.exists(out / train.CHECKPOINT)
        cure = f"go on with it by {train.resuming(options.dataset, out)}, " if there else ""
        refuse_to_overwrite(out, train.FILES, cure)
    with writable_folder(out) as folder:
        yield from train.train(run, folder)


def run_compare(options: argparse.Namespace) -> Iterator[str]:
    """``minigrad compare``"""
    settings = compare.Settings(options.dataset, **given(options, "steps", "batch_size", "lr", "seed"))
    out = options.out or Path("runs", f"compare-{options.dataset}")
    if not options.overwrite:
        refuse_to_overwrite(out, compare.FILES, "")
    with writable_folder(out) as folder:
        yield from compare.compare(settings, folder)


def command() -> int:
    """The command ``minigrad``, in a process of its own."""
    return main(own_process=True)


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options; mistakes name the help of the command that they were made in."""
    name = arguments[0]
    if not name.startswith("-") and name not in parser.commands:
        close = difflib.get_close_matches(name.lower(), parser.commands, 1)
        close = [f"train {name}"] if name in data.DATASETS else close
        hint = f" Did you mean minigrad {close[0]}?" if close else ""
        parser.error(f"there is no command {name!r}.{hint} There are {', '.join(parser.commands)}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def main(arguments: Sequence[str] | None = None, own_process: bool = False) -> int:
    """Run a command.

    Args:
        arguments: what follows the command's name, by default this process's. Without any the help is printed.
        own_process: whether the process may be replaced by one with the settings that suit the command.

    Returns:
        The exit code: 0, 2 after a mistake in the command and without one, 1 after an error that came up while it
        ran, 130 after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if own_process:
            _starting.done()
        parser = make_parser()
        if not arguments:
            say(parser.format_help().rstrip())
            return 2
        options = parse(parser, arguments)
        if own_process and options.restart:
            restart_with_settings()
        for line in options.run(options):
            say(line)  # what measures for seconds is read while it does
    except CommandError as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    except BrokenPipeError:
        discard_output()  # whoever read it has gone; nothing more can be said to them
        return 1
    except OSError as error:
        complain(str(error))
        return 1
    except MemoryError as error:
        complain(f"out of memory ({error}): try fewer --hidden units or a smaller --batch-size")
        return 1
    return 0
