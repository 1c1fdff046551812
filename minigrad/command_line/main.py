"""The command ``minigrad``: what it can do, and what it says when that cannot be done."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from .. import __version__, _starting, data
from ..benchmarks.workloads import WORKLOADS
from . import bench, check, compare, doctor, drawing, examine, inspecting, predict, train
from .errors import CommandError
from .folder import refuse_to_overwrite, writable_folder
from .options import (
    READING,
    TRAINING,
    WITH_CLASSES,
    add_compare,
    add_output,
    add_train,
    given,
    listing,
    train_epilog,
)  # fmt: skip
from .output import complain, discard_output, say
from .problem import is_file, title
from .process import heed_termination, restart_with_settings
from .progress import QUIET
from .results import Lines, Result, document

STEPS = """first steps:
  minigrad train moons       train, and write everything to runs/moons
  minigrad draw runs/moons   its picture, as the page moons.html
  minigrad train --help      the options of a command"""
CODES = """exit codes:
  0    done
  1    done, and something is wrong or suspicious; or it could not be finished
  2    a mistake in the command: nothing was begun
  130  stopped by Ctrl-C, or by SIGTERM: what was finished is written"""


class Parser(argparse.ArgumentParser):
    """argparse, whose errors are one line, also those of standard output."""

    commands: Mapping[str, argparse.ArgumentParser]

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print a help or the version; argparse would take it for printed also where it cannot be written."""
        say(message.rstrip("\n"))


class Command(NamedTuple):
    """One of the commands."""

    help: str
    run: Callable[[argparse.Namespace], Lines]
    add: Callable[[argparse.ArgumentParser], None]
    restart: bool = True
    """Whether it runs with the settings of its own process, not the user's."""
    epilog: Callable[[], str | None] = lambda: None


def run_train(options: argparse.Namespace) -> Lines:
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


def run_compare(options: argparse.Namespace) -> Lines:
    """``minigrad compare``"""
    names = "steps", "batch_size", "lr", "seed", "seeds", "activation", "optimizer", "hidden", "noise", "samples"
    settings = compare.settings_for(options.dataset, given(options, *names, *READING))
    out = options.out or Path("runs", f"compare-{title(options.dataset)}")
    if not options.overwrite:
        refuse_to_overwrite(out, compare.FILES, "")
    with writable_folder(out) as folder:
        yield from compare.compare(settings, folder, options.again, options.quiet)


COMMANDS = {
    "train": Command(
        "train an MLP with BatchNorm on a dataset or a file", run_train, add_train, epilog=train_epilog
    ),
    "predict": Command("what a trained model says of the rows of a file", predict.run, predict.add_arguments),
    "compare": Command(
        "the same net with and without BatchNorm, side by side", run_compare, add_compare,
        epilog=lambda: listing(WITH_CLASSES),
    ),
    "summary": Command(
        "the layers of a trained model or of your own, shapes, parameters", examine.run_summary, examine.add_summary
    ),
    "draw": Command(
        "the picture of a trained model, or of a module of your own", drawing.run, drawing.add_arguments,
        restart=False,  # the user's module runs with the user's settings
    ),
    "inspect": Command(
        "what is in a file of arrays, without running code from it", inspecting.run, inspecting.add_arguments
    ),
    "check": Command(
        "derivatives of every operation, or of your own, to second order", check.run, check.add_arguments,
        restart=False,  # the user's function runs with the user's settings
    ),
    "diagnose": Command(
        "what is suspicious in a model, its data and its optimiser, and the cure", examine.run_diagnose,
        examine.add_diagnose, epilog=lambda: listing(data.DATASETS),
    ),
    "bench": Command(
        "training steps beside the same steps written by hand in NumPy", bench.run, bench.add_arguments
    ),
    "doctor": Command(
        "what is installed here, how fast it is, and what to do about it", doctor.run, doctor.add_arguments,
        restart=False,  # it examines the settings that the user's own Python gets
    ),
}  # fmt: skip


def make_parser() -> Parser:
    """The commands and their options."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="minigrad", description="Train toy nets with BatchNorm, and look at what happens.",
        epilog=f"{STEPS}\n\n{CODES}", formatter_class=formatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser, dest="command"
    )
    parser.commands = commands.choices
    for name, entry in COMMANDS.items():
        epilog = entry.epilog()
        usual = formatter if epilog and "\n" in epilog else argparse.HelpFormatter
        command = commands.add_parser(
            name, help=entry.help, description=f"{entry.help[0].upper()}{entry.help[1:]}.", epilog=epilog,
            formatter_class=usual,
        )  # fmt: skip
        command.set_defaults(parser=command)
        entry.add(command)
        add_output(command, name)
    return parser


def command() -> int:
    """The command ``minigrad``, in a process of its own."""
    return main(own_process=True)


def nearest(parser: argparse.ArgumentParser, arguments: Sequence[str], unknown: str) -> str:
    """A hint for an unknown word: the option with nearly its name, or that it is the value of another option."""
    command = arguments[0]
    known = [option for action in parser._actions for option in action.option_strings]
    word = unknown.partition("=")[0]
    name = ALSO_CALLED.get(word, word)
    if name == "--seed":
        return f"; nothing is random in {command}: leave it out"
    values = [f"{option} {value}" for option, values in VALUES.get(command, {}).items() for value in values]
    found = [value for value in values if value.endswith(f" {word}")]
    return f"; did you mean {found[0]}?" if found else close_to(known, name) or apart(parser, arguments, unknown)


def apart(parser: argparse.ArgumentParser, arguments: Sequence[str], unknown: str) -> str:
    """A hint at the option whose values are joined by commas, if the unknown word is one more of them."""
    for action in parser._actions:
        given = [option for option in action.option_strings if option in arguments[: arguments.index(unknown)]]
        if given and "," in str(action.metavar) and not unknown.startswith("-"):
            try:
                parser._get_value(action, unknown)
            except argparse.ArgumentError:
                continue
            return f"; the values of {given[0]} are one word, with commas and without spaces"
    return ""


def close_to(known: Iterable[str], name: str) -> str:
    """A hint at the option that is nearly the unknown one."""
    close = difflib.get_close_matches(name, known, 1) if name.startswith("--") else []
    return f"; did you mean {close[0]}?" if close else ""


ALSO_CALLED = {
    "--learning-rate": "--lr", "--batch": "--batch-size", "--layers": "--hidden", "--units": "--hidden",
    "--output": "--out", "--force": "--overwrite", "--random-state": "--seed", "--silent": "--quiet",
}  # fmt: skip
"""What other programs call an option."""
VALUES = {"bench": {"--workload": WORKLOADS}}
"""Values of options, by command, that people give without the option."""
FIRST = "-h", "--help", "--version"
"""The options that stand before a command."""


def parse(parser: Parser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options; mistakes name the help of the command that they were made in."""
    if arguments[0] == "help":
        arguments = [*arguments[1:2], "--help"]
    name = arguments[0]
    if name.startswith("-") and name not in FIRST:
        behind = [word for word, command in parser.commands.items() if name in command._option_string_actions]
        hint = f": it stands behind the command, minigrad {behind[0]} ... {name}" if behind else close_to(FIRST, name)
        parser.error(f"{name} is no option of minigrad itself{hint}")
    if not name.startswith("-") and name not in parser.commands:
        close = difflib.get_close_matches(name.lower(), parser.commands, 1)
        close = [f"train {name}"] if name in data.DATASETS or is_file(name) else close
        hint = f" Did you mean minigrad {close[0]}?" if close else ""
        parser.error(f"there is no command {name!r}.{hint} There are {', '.join(parser.commands)}")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        hint = nearest(options.parser, arguments, unknown[0])
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    options.again = ["minigrad", *arguments]
    return options


def main(arguments: Sequence[str] | None = None, own_process: bool = False) -> int:
    """Run a command.

    Args:
        arguments: what follows the command's name, by default this process's. Without any the help is printed. With
            ``--json`` among them standard output gets one object, and lines go to standard error.
        own_process: whether the process may be replaced by one with the settings that suit the command.

    Returns:
        The exit code, one of ``CODES``.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    found: dict[str, Any] = {}
    if "--json" not in arguments:
        return ended(arguments, own_process, found)[0]
    with contextlib.redirect_stdout(sys.stderr):
        code, error = ended(arguments, own_process, found)
    name = next((word for word in arguments if word in COMMANDS), None)
    return ended_by(lambda: say(document(name, found, code, error)))[0] or code


def ended(arguments: Sequence[str], own_process: bool, found: dict[str, Any]) -> tuple[int, str | None]:
    """Run a command, and say why it ended early, if it did: the exit code, and that line. Its result is ``found``."""

    def perform() -> int:
        if own_process:
            _starting.done()
            heed_termination()
        parser = make_parser()
        if not arguments:
            say(parser.format_help().rstrip())
            return 2
        options = parse(parser, arguments)
        if own_process and COMMANDS[options.command].restart:
            restart_with_settings()
        before = QUIET.set(options.quiet)
        try:
            for part in COMMANDS[options.command].run(options):
                if isinstance(part, Result):
                    found.update(part)
                else:
                    say(part)  # what measures for seconds is read while it does
        except KeyboardInterrupt:
            again = shlex.join(options.again)
            raise CommandError(f"stopped before anything was finished; start again with: {again}", 130) from None
        finally:
            QUIET.reset(before)
        return 0

    return ended_by(perform)


def ended_by(perform: Callable[[], int | None]) -> tuple[int, str | None]:
    """The exit code of a command, and the error or signal that ended it, which is printed."""
    try:
        return perform() or 0, None
    except CommandError as error:
        code, text = error.code, str(error)
    except KeyboardInterrupt:
        code, text = 130, "stopped"
    except BrokenPipeError:
        discard_output()  # whoever read it has gone; nothing more can be said to them
        return 1, "whoever read the output has gone"
    except OSError as error:
        code, text = 1, str(error)
    except MemoryError as error:
        code, text = 1, f"out of memory ({error}): try fewer --hidden units or a smaller --batch-size"
    complain(text)
    return code, text
