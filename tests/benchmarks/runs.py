"""Runs of the sections: in this process, or in one for each environment."""

from __future__ import annotations

import datetime
import os
import platform

import numpy as np

import minigrad
from minigrad.benchmarks.blas import Blas, blas_in_use, describe_blas, processor
from minigrad.benchmarks.table import (
    MEGABYTES,
    MICROSECONDS,
    MILLISECONDS,
    cells,
    markdown_line,
    markdown_rule,
    text_line,
)
from minigrad.benchmarks.timing import Measurement
from tests.benchmarks.batchnorm import batchnorm
from tests.benchmarks.compiled import compiled_nets
from tests.benchmarks.imports import imports
from tests.benchmarks.memory import memory
from tests.benchmarks.nets import inference, scaling, training
from tests.benchmarks.operations import operations
from tests.benchmarks.optimizers import optimizers
from tests.benchmarks.peers import Peers, find_peers
from tests.benchmarks.processes import in_fresh_process
from tests.benchmarks.settings import Section, Settings

SECTIONS = {
    "steps": Section("one training step", MICROSECONDS, training),
    "inference": Section("one sample in eval mode", MICROSECONDS, inference),
    "nets": Section("one training step of other nets, losses and optimisers, compiled", MICROSECONDS, compiled_nets),
    "batchnorm": Section("BatchNorm alone, forward and backward", MICROSECONDS, batchnorm),
    "operations": Section("single operations on (32, 32)", MICROSECONDS, operations),
    "optimizers": Section("one step of an optimiser", MICROSECONDS, optimizers),
    "memory": Section("memory of a training step", MEGABYTES, memory),
    "scaling": Section("one training step of ever larger nets", MICROSECONDS, scaling),
    "import": Section("import in a fresh process", MILLISECONDS, imports),
}
VARIABLES = ("OPENBLAS_", "OMP_", "MKL_", "GOTO_", "MALLOC_")
"""How the variables begin that change what is measured."""


def environment_of(peers):
    """When and where: what a measurement depends on."""
    return {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "versions": {
            "minigrad": minigrad.__version__,
            "Python": platform.python_version(),
            "NumPy": np.__version__,
            **peers.versions,
        },
        "missing": peers.missing,
        "blas": blas_in_use()._asdict(),
        "variables": {name: value for name, value in sorted(os.environ.items()) if name.startswith(VARIABLES)},
    }


def heading(environment):
    """The lines above the tables."""
    blas = Blas(**environment["blas"])
    yield f"{environment['date'][:10]}, {environment['processor']}, {environment['cores']} cores"
    yield ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
    chosen = "".join(f", {name}={value}" for name, value in environment["variables"].items())
    yield f"NumPy's BLAS: {describe_blas(blas)}{chosen}"
    if {"JAX", "HIPS autograd"} & {*environment["versions"]}:
        yield "JAX takes part in steps and inference, HIPS autograd in steps and operations."
    if environment["missing"]:
        yield f"not installed, or left out: {', '.join(environment['missing'])}"
    yield "Medians; in brackets as a multiple of the first column."


def table(section, rows, markdown):
    """The lines of a table, as its rows come, with a new head where others compete; remarks follow it."""
    line = markdown_line if markdown else text_line
    columns, remarks = None, []
    for row in rows:
        if isinstance(row, str):
            remarks.append(row)
            continue
        if columns != [*row.samples]:
            yield from [""] if columns else []
            columns = [*row.samples]
            yield line([section.unit.name, *columns])
            yield from [markdown_rule(len(columns) + 1)] if markdown else []
        yield line(cells(row, section.unit))
    yield from ["", *(f"- {remark}" for remark in remarks)] if markdown and remarks else remarks


def kept(rows, measurements):
    """The rows; those that are measurements are added to a list as they pass."""
    for row in rows:
        if isinstance(row, Measurement):
            measurements.append(row)
        yield row


def as_json(section, measurements):
    """Everything measured in a section."""
    return {
        "title": section.title,
        "unit": section.unit.base,
        "measurements": [{**row._asdict(), "medians": row.medians, "ratios": row.ratios} for row in measurements],
    }


def run(options, measured=None):
    """Measure the sections in this process, and print them; returns everything measured.

    It is added to the list ``measured`` first, and filled as it comes.
    """
    threads = blas_in_use().threads or os.cpu_count() or 1
    peers = find_peers(threads) if options.peers else Peers()
    environment = environment_of(peers)
    settings = Settings(options.rounds, options.budget, options.workload, threads, peers)
    print(*heading(environment), sep="\n\n" if options.markdown else "\n", flush=True)
    sections = {}
    result = {"environment": environment, "sections": sections}
    if measured is not None:
        measured.append(result)
    for name in options.sections:
        section, measurements = SECTIONS[name], []
        print(f"\n{name}: {section.title}" + "\n" * options.markdown, flush=True)
        for line in table(section, kept(section.rows(settings), measurements), options.markdown):
            print(line, flush=True)
        sections[name] = as_json(section, measurements)
    return result


def runs(options, measured):
    """Measure as things are, and once more in each environment that is asked for; adds all of it to a list."""
    if not options.environment:
        run(options, measured)
        return
    for changes in [[], *options.environment]:
        print(f"\n== {' '.join('='.join(pair) for pair in changes) or 'the environment as it is'}\n", flush=True)
        measured.append(in_fresh_process(run, options, environment=dict(changes)))
