"""``minigrad check``: the derivatives of every operation, or of a user's own function, against finite differences."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..checks import report as reports
from ..checks.cases import CASES, FUNCTIONS, Prepared, all_cases, missing, name_of, operations, prepared_cases
from ..checks.gradcheck import gradcheck, gradgradcheck
from ..checks.report import RIGHT, GradcheckReport, counted, short
from ..engine.op import Op
from ..io.atomic import replacing
from ..reports.table import html_page, markdown_table, text_table
from . import own_case
from .ending import collected_warnings, distinct
from .errors import CommandError
from .folder import writable_file
from .options import add_file, path
from .output import complain
from .progress import progress
from .results import Lines, Result
from .table import csv_text

FORMATS: dict[str, Callable[..., str]] = {".csv": csv_text, ".md": markdown_table, ".html": html_page}
"""How a table is written, by the ending of the file."""
HEADER = ("operation", "inputs", "count", "order 1", "order 2", "verdict")
NUMBERS = ("count", "order 1", "order 2", *reports.NUMBERS)
NOT_CHECKED = "not checked"
LEGEND = "order 1, order 2: largest relative error of first and second derivatives"


@dataclass
class Table:
    """What was checked, and what is wrong."""

    header: Sequence[str]
    subject: str
    """What the rows are: ``operation``."""
    rows: list[list[str]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    wrong: list[int] = field(default_factory=list)
    """The numbers of the rows that are."""
    shown: list[str] = field(default_factory=list)
    """All of it as it is printed."""
    stopped: str = ""
    """How far it came before Ctrl-C: ``after 3 cases``."""

    @property
    def left_out(self) -> list[str]:
        """Why rows were not checked."""
        return [row[-1] for row in self.rows if row[-1].startswith(NOT_CHECKED)]

    @property
    def result(self) -> Result:
        """The table for programs."""
        rows = [dict(zip(self.header, row)) for row in self.rows]
        wrong, left_out = len(self.wrong), len(self.left_out)
        return Result(rows=rows, wrong=wrong, not_checked=left_out, findings=self.findings)

    def add(self, cells: list[str], findings: Sequence[str]) -> None:
        """Add a row, and what is wrong with it."""
        if findings:
            self.wrong.append(len(self.rows))
        self.rows.append(cells)
        self.findings += findings


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of ``minigrad check``."""
    command.add_argument(
        "targets", nargs="*", metavar="TARGET",
        help=f"names of operations (default: all), or {own_case.WHAT.format('a function or a module')}",
    )  # fmt: skip
    add_file(command, f"write the table there, too: {', '.join(FORMATS)}", output)


def output(text: str) -> Path:
    """The type of the file that the table is written to."""
    if path(text).suffix not in FORMATS:
        raise argparse.ArgumentTypeError(f"expected a file that ends in {', '.join(FORMATS)}, got {text!r}")
    return Path(text)


def run(options: argparse.Namespace) -> Lines:
    """The table, the fault of each row that is wrong, and the number of such rows.

    Raises:
        CommandError: if something is wrong.
    """
    own = [target for target in options.targets if own_case.is_case_name(target)]
    if own and len(options.targets) > 1:
        raise CommandError(f"{own[0]} is checked by itself: give it without {other(options.targets, own[0])}")
    names = known(options.targets) if not own else []
    with contextlib.ExitStack() as stack:
        if options.output:
            stack.enter_context(writable_file(options.output, options.overwrite))
        caught = stack.enter_context(collected_warnings())
        seed = options.seed or 0
        table, trouble = check_own(own[0], seed) if own else (check_operations(names, options.quiet, seed), None)
        if table.stopped:
            trouble = CommandError(f"stopped {table.stopped}; start again with: {shlex.join(options.again)}", 130)
        if trouble and not table.rows:
            raise trouble
        unwritten = written(table, options.output)
    yield table.result
    yield from table.findings if options.quiet else table.shown
    for text in distinct(caught):
        complain(text)
    trouble = trouble or unwritten
    if trouble:
        raise trouble
    if table.wrong:
        raise CommandError(f"{len(table.wrong)} of {counted(len(table.rows), table.subject)} wrong", code=1)
    left_out = len(table.left_out)
    result = f"{counted(len(table.rows) - left_out, table.subject)}, all right{'' if options.targets else rest()}"
    yield result + f"; {left_out} not checked" * bool(left_out)


def written(table: Table, path: Path | None) -> CommandError | None:
    """Write the table, if there is a file for it; the error, if it cannot be, after what was checked for seconds."""
    try:
        if path:
            with replacing(path) as file:
                file.write(FORMATS[path.suffix](table.header, table.rows, NUMBERS, table.wrong).encode())
    except OSError as error:
        return CommandError(str(error), code=1)
    return None


def rest() -> str:
    """How many operations these are, and how many there are besides."""
    checked = len(operations())
    return f": all {counted(checked, 'operation')}; {len(Op.registry) - checked} more have no derivative"


def other(targets: Sequence[str], own: str) -> str:
    """What was asked for besides."""
    return " ".join(target for target in targets if target != own) or "its repetition"


def known(targets: Sequence[str]) -> list[str]:
    """The names of functions and operations, each once."""
    names = [*map(name_of, all_cases()), *operations()]
    for target in targets:
        if target not in names:
            close = difflib.get_close_matches(target, names, 1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise CommandError(
                f"there is no operation {target!r} with a derivative.{hint} "
                "A function of your own is checked as my_file.py:my_case (see minigrad check --help)"
            )
    return list(dict.fromkeys(targets))


def check_operations(names: Sequence[str], quiet: bool = False, seed: int = 0) -> Table:
    """Check these functions and operations to second order, by default all, with a bar."""
    table = Table(HEADER, "case")
    cases = all_cases()
    unreached = set(names or operations())
    inside = unreached - FUNCTIONS.keys() - set(map(name_of, CASES))  # checked by what applies them
    bar = progress(len(cases), "op", quiet)
    try:
        for label, case in prepared_cases(cases, seed):
            applied = case.applied if isinstance(case, Prepared) else set()
            if case and (not names or name_of(label) in names or applied & inside):
                table.add(*check_case(label, case))
                unreached -= applied | {name_of(label)}
            bar.update()
    except KeyboardInterrupt:
        if not table.rows:
            raise
        table.stopped, unreached = f"after {counted(len(table.rows), 'case')}", set()
    finally:
        bar.close()
    for name in sorted(unreached):
        table.add(*failed(name, missing(name)))
    text = text_table(table.header, table.rows, NUMBERS)
    table.shown = [text, LEGEND, *dict.fromkeys(table.left_out), *table.findings]
    return table


def check_case(label: str, case: Prepared | LookupError | ImportError) -> tuple[list[str], list[str]]:
    """The row of a case, and what is wrong with it."""
    if isinstance(case, ImportError):
        return [label, "", "", "", "", f"{NOT_CHECKED}: {case}"], []
    if isinstance(case, LookupError):
        return failed(label, str(case.args[0]))
    try:
        found = [check(case.function, case.inputs, raise_exception=False) for check in (gradcheck, gradgradcheck)]
    except Exception as error:  # the operations' own code: what it raises is what is wrong
        return failed(label, f"{type(error).__name__}: {' '.join(str(error).split())}")
    count = sum(row.elements for row in found[0].rows)
    errors = [short(max((row.relative for row in report.rows), default=0.0)) for report in found]
    verdicts = [cause(report) for report in found if not report]
    findings = [f"{label}, {report.message}" for report in found if not report]
    shapes = " ".join(str(x.shape) for x in case.inputs)
    return [label, shapes, str(count), *errors, (verdicts or [RIGHT])[0]], findings


def failed(label: str, reason: str) -> tuple[list[str], list[str]]:
    """The row of what could not be checked, and why."""
    return [label, "", "", "", "", f"wrong: {reason.partition(':')[0]}"], [f"{label}: {reason}"]


def cause(report: GradcheckReport) -> str:
    """The verdict on the first derivative that is wrong."""
    return next((row.verdict for row in report.rows if not row), f"wrong: {report.trouble}")


def check_own(target: str, seed: int = 0) -> tuple[Table, CommandError | None]:
    """The derivatives of a user's function to second order, and the error that ended the check, if one did."""
    table = Table(("derivative", "order", *reports.HEADER[1:]), "derivative")
    checks: tuple[Callable[..., Any], ...] = (gradcheck, gradgradcheck)
    with own_case.loaded(target, seed) as (function, inputs):
        for order, check in enumerate(checks, 1):
            try:
                found = check(function, inputs, raise_exception=False)
            except (Exception, SystemExit) as error:
                file = own_case.parts(target)[0]
                return table, own_case.failure(f"{target}, derivatives of order {order}", error, file)
            if found.trouble:
                return table, CommandError(f"{target}: {' '.join(found.trouble.split())}", code=1)
            table.shown += ["", str(found)] if table.shown else [str(found)]
            for row in found.rows:
                name, *cells = row.cells
                table.add([name, str(order), *cells], [f"{found.title}, {row.finding}"] * (not row))
    return table, None
