"""The command ``minigrad``: what it can do, and what it says when that cannot be done."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__, _starting, data
from . import bench, check, compare, doctor, examine, predict, train
from .errors import CommandError
from .folder import refuse_to_overwrite, writable_folder
from .options import READING, TRAINING, WITH_CLASSES, add_compare, add_train, given, listing, train_epilog
from .output import complain, discard_output, say
from .problem import is_file
from .process import restart_with_settings


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are one line, also those of standard output."""

    commands: Mapping[str, argparse.ArgumentParser]

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a help or the version; argparse would take it for printed also where it cannot be written."""
        say(message.rstrip("\n"))


def make_parser() -> Parser:
    """The commands and their options."""
    parser = Parser(prog="minigrad", description="Train toy nets with BatchNorm, and look at what happens.")
    parser.set_defaults(restart=True)
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    parser.commands = commands.choices

    command = commands.add_parser(
        "train", help="train an MLP with BatchNorm on a dataset or a file", epilog=train_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    command.set_defaults(run=run_train)
    add_train(command)

    command = commands.add_parser("predict", help="what a trained model says of the rows of a file")
    command.set_defaults(run=predict.run)
    predict.add_arguments(command)

    command = commands.add_parser("summary", help="the layers of a trained model, their shapes and parameters")
    command.set_defaults(run=examine.run_summary)
    examine.add_summary(command)

    command = commands.add_parser(
        "diagnose", help="what is suspicious in a model, its data and its optimiser, and the cure",
        epilog=listing(data.DATASETS),
    )  # fmt: skip
    command.set_defaults(run=examine.run_diagnose)
    examine.add_diagnose(command)

    command = commands.add_parser(
        "compare", help="the same net with and without BatchNorm, side by side", epilog=listing(WITH_CLASSES)
    )
    command.set_defaults(run=run_compare)
    add_compare(command)

    command = commands.add_parser("bench", help="training steps beside the same steps written by hand in NumPy")
    command.set_defaults(run=bench.run)
    bench.add_arguments(command)

    command = commands.add_parser("check", help="derivatives of every operation, or of your own, to second order")
    command.set_defaults(run=check.run, restart=False)  # the user's function runs with the user's settings
    check.add_arguments(command)

    command = commands.add_parser("doctor", help="what is installed here, how fast it is, and what to do about it")
    command.add_argument("--clear-cache", action="store_true", help="remove what compiled steps were built to, and end")
    command.set_defaults(run=doctor.run, restart=False)  # it examines the settings that the user's own Python gets
    for command in commands.choices.values():
        command.set_defaults(parser=command)
    return parser


def run_train(options: argparse.Namespace) -> Iterator[str]:
    """``minigrad train``"""
    chosen = given(options, *TRAINING, *READING)
    if options.resume:
        changed = [name for name in chosen if name not in ("epochs", "path")]
        if changed:
            name = {"batchnorm": "no-batchnorm"}.get(changed[0], changed[0].replace("_", "-"))
            raise CommandError(f"--{name} cannot change in a resumed run: leave it out, or start a new run.")
        source = train.checkpoint_in(options.resume)
        run = train.resume(source, options.dataset, options.epochs)
        out = options.out or Path(os.path.realpath(source) if source.is_symlink() else source).parent
    else:
        run = train.started(options.dataset, chosen)
        out = options.out or Path("runs", run.problem.name)
    own = run.source and os.path.realpath(out / train.CHECKPOINT) == os.path.realpath(run.source)
    if not (options.overwrite or own):
        there = os.path.exists(out / train.CHECKPOINT)
        cure = f"go on with it by {train.resuming(options.dataset, out)}, " if there else ""
        refuse_to_overwrite(out, train.FILES, cure)
    with writable_folder(out) as folder:
        yield from train.train(run, folder, options.quiet)


def run_compare(options: argparse.Namespace) -> Iterator[str]:
    """``minigrad compare``"""
    names = "steps", "batch_size", "lr", "seed", "seeds", "activation", "optimizer", "hidden", "noise", "samples"
    settings = compare.settings_for(options.dataset, given(options, *names))
    out = options.out or Path("runs", f"compare-{options.dataset}")
    if not options.overwrite:
        refuse_to_overwrite(out, compare.FILES, "")
    with writable_folder(out) as folder:
        yield from compare.compare(settings, folder)


def command() -> int:
    """The command ``minigrad``, in a process of its own."""
    return main(own_process=True)


def nearest(parser: argparse.ArgumentParser, name: str) -> str:
    """A hint at the option that is nearly the unknown one."""
    known = [option for action in parser._actions for option in action.option_strings]
    close = difflib.get_close_matches(name.partition("=")[0], known, 1) if name.startswith("--") else []
    return f"; did you mean {close[0]}?" if close else ""


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options; mistakes name the help of the command that they were made in."""
    name = arguments[0]
    if not name.startswith("-") and name not in parser.commands:
        close = difflib.get_close_matches(name.lower(), parser.commands, 1)
        close = [f"train {name}"] if name in data.DATASETS or is_file(name) else close
        hint = f" Did you mean minigrad {close[0]}?" if close else ""
        parser.error(f"there is no command {name!r}.{hint} There are {', '.join(parser.commands)}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}{nearest(options.parser, unknown[0])}")
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
