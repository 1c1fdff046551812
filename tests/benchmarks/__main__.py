"""``python -m tests.benchmarks``: how fast minigrad is, beside NumPy by hand and other frameworks."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from pathlib import Path

from minigrad.benchmarks.timing import Disagreement
from minigrad.benchmarks.workloads import WORKLOADS
from minigrad.command_line.errors import CommandError
from minigrad.command_line.main import Parser
from minigrad.command_line.options import above_zero, at_least, one_of
from minigrad.io.atomic import replacing
from tests.benchmarks.runs import SECTIONS, runs


def section(name):
    """The type of a section's name."""
    if name not in SECTIONS:
        raise argparse.ArgumentTypeError(f"unknown section {name!r}: there are {', '.join(SECTIONS)}")
    return name


def assignment(text):
    """The type of ``NAME=VALUE``."""
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def make_parser():
    """The options."""
    parser = Parser(
        prog="python -m tests.benchmarks",
        description="Times minigrad beside NumPy by hand, and beside PyTorch, JAX and HIPS autograd where they are "
        "installed: in one process, in turn, after a check that all compute the same. On a machine that others use, "
        "set OPENBLAS_NUM_THREADS=1: threads that wait for each other and for a core measure nothing else.",
        epilog="sections: " + "; ".join(f"{name} ({section.title})" for name, section in SECTIONS.items()),
    )
    parser.add_argument("sections", type=section, nargs="*", metavar="SECTION", help="all, unless some are named")
    parser.add_argument(
        "--workload", type=one_of(WORKLOADS), action="append", metavar="NAME",
        help=f"only this net in steps and inference; may be repeated: {', '.join(WORKLOADS)}",
    )  # fmt: skip
    parser.add_argument("--rounds", type=at_least(1), default=15, help="measurements of each, in turn (15)")
    parser.add_argument("--budget", type=above_zero, default=0.1, help="seconds per measurement (0.1)")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="only NumPy by hand and minigrad")
    parser.add_argument(
        "--environment", type=assignment, action="append", nargs="+", default=[], metavar="NAME=VALUE",
        help="run once more in a process with these variables, such as OPENBLAS_NUM_THREADS=2 or "
        "OPENBLAS_CORETYPE=Haswell; may be repeated",
    )  # fmt: skip
    parser.add_argument("--markdown", action="store_true", help="print tables for the README")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything measured")
    return parser


def measure(options):
    """Run what is asked for, and write what was measured, also if a later part failed."""
    measured, failure = [], None
    # opened first: what took minutes to measure must not be lost for a wrong name
    with replacing(options.json) if options.json else contextlib.nullcontext() as file:
        try:
            runs(options, measured)
        except (CommandError, Disagreement, KeyboardInterrupt, BrokenPipeError) as error:
            failure = error
        if file:
            file.write(json.dumps({"runs": measured}, indent=1).encode())
    if failure:
        raise failure


def main(arguments=None):
    """The exit code is 0, 2 after a mistake or a disagreement, which is explained, 130 after Ctrl-C."""
    try:
        options = make_parser().parse_args(arguments)
        options.sections = options.sections or list(SECTIONS)
        options.workload = options.workload or list(WORKLOADS)
        measure(options)
    except KeyboardInterrupt:
        print("benchmarks: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # whoever read the output has gone; nothing more can be said to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (CommandError, Disagreement, OSError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
