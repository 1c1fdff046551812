"""Measurements are printed and written as they were taken."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest

from minigrad.benchmarks import blas, table
from minigrad.benchmarks.timing import Disagreement, Measurement
from minigrad.command_line.errors import CommandError
from tests.benchmarks import peers, processes, runs
from tests.benchmarks.__main__ import main
from tests.benchmarks.peers import Peers
from tests.benchmarks.settings import Section

UNIT = table.MICROSECONDS
ROW = Measurement("toy", {"by hand": [5e-5, 1e-4, 9e-3], "minigrad": [1.25e-4], "JAX": [9.5e-5]})
OTHER = Measurement("mid", {"by hand": [2e-3], "JAX": [0.0415]})


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.12"), (1.2, "1.20"), (12.34, "12.3"), (123.4, "123"), (1234567, "1,234,567")]
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert table.number(value) == text


def test_a_table_is_aligned_and_has_a_new_head_for_others():
    lines = list(runs.table(Section("", UNIT, None), [ROW, "a remark", OTHER], markdown=False))
    assert [line.split() for line in lines] == [
        ["microseconds", "by", "hand", "minigrad", "JAX"],
        ["toy", "100", "125", "(1.25)", "95.0", "(0.95)"],
        [],
        ["microseconds", "by", "hand", "JAX"],
        ["mid", "2,000", "41,500", "(20.8)"],
        ["a", "remark"],
    ]
    assert len(lines[0]) == len(lines[1]) and len(lines[3]) == len(lines[4])


def test_a_table_in_markdown():
    lines = list(runs.table(Section("", UNIT, None), [ROW, ROW, "a remark"], markdown=True))
    row = "| toy | 100 | 125 (1.25) | 95.0 (0.95) |"
    head = ["| microseconds | by hand | minigrad | JAX |", "| --- | ---: | ---: | ---: |"]
    assert lines == [*head, row, row, "", "- a remark"]


def test_rows_are_printed_as_they_are_measured():
    pulled = []
    lines = runs.table(Section("", UNIT, None), (pulled.append(row) or row for row in (ROW, ROW)), markdown=False)
    next(lines), next(lines)
    assert len(pulled) == 1


QUICK = ["--no-peers", "--rounds", "1", "--budget", "1e-6"]


def test_a_run_prints_and_writes_everything_measured(tmp_path, capsys):
    file = tmp_path / "measured.json"
    assert main(["steps", "inference", "--workload", "toy", *QUICK, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    (run,) = json.loads(file.read_text())["runs"]
    assert list(run["sections"]) == ["steps", "inference"]
    for name, section in run["sections"].items():
        assert f"\n{name}: {section['title']}\n" in printed
        (row,) = section["measurements"]
        assert row["name"] == "toy" and section["unit"] == "seconds"
        assert {who: [median] for who, median in row["medians"].items()} == row["samples"]
        assert row["ratios"]["minigrad"] == row["medians"]["minigrad"] / row["medians"]["by hand"]
        assert (
            f"{table.number(1e6 * row['medians']['minigrad'])} ({table.number(row['ratios']['minigrad'])})" in printed
        )
    environment = run["environment"]
    assert environment["versions"]["NumPy"] == np.__version__
    assert environment["blas"] == blas.blas_in_use()._asdict()
    assert environment["missing"] == ["PyTorch", "JAX", "HIPS autograd"]
    for text in (
        environment["date"][:10],
        blas.processor(),
        blas.describe_blas(blas.blas_in_use()),
        "left out: PyTorch",
    ):
        assert text in printed


def test_each_environment_is_a_run_of_its_own(monkeypatch, tmp_path):
    started = []

    def in_fresh_process(function, options, environment):
        started.append((function, options.sections, environment))
        return {"run": len(started)}

    monkeypatch.setattr(runs, "in_fresh_process", in_fresh_process)
    file = tmp_path / "measured.json"
    assert main(["steps", "--json", str(file), "--environment", "A=1", "B=x=y", "--environment", "A="]) == 0
    assert started == [(runs.run, ["steps"], changes) for changes in ({}, {"A": "1", "B": "x=y"}, {"A": ""})]
    assert json.loads(file.read_text()) == {"runs": [{"run": 1}, {"run": 2}, {"run": 3}]}


def test_a_fresh_process_has_its_environment_and_this_one_keeps_its_own():
    before = dict(os.environ)
    assert processes.in_fresh_process(os.getenv, "MINIGRAD_TEST", environment={"MINIGRAD_TEST": "1"}) == "1"
    assert dict(os.environ) == before


def test_a_process_that_dies_is_reported():
    with pytest.raises(CommandError, match="the process for MINIGRAD_TEST=1 died: try without it"):
        processes.in_fresh_process(os._exit, 1, environment={"MINIGRAD_TEST": "1"})


MISTAKES = {
    "a section": (["speed"], "unknown section 'speed': there are steps, inference,"),
    "a workload": (["--workload", "huge"], "there is no 'huge'. There are toy,"),
    "rounds": (["--rounds", "0"], "expected a whole number of at least 1, got '0'"),
    "a budget": (["--budget", "-1"], "expected a number above 0, got '-1'"),
    "an environment": (["--environment", "OPENBLAS_NUM_THREADS"], "expected NAME=VALUE, got 'OPENBLAS_NUM_THREADS'"),
    "an option": (["--fast"], "unrecognized arguments: --fast"),
    "a file": (["steps", "--json", "nowhere/measured.json"], "there is no folder nowhere"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_measured(name, capsys, monkeypatch):
    arguments, message = MISTAKES[name]
    monkeypatch.setattr(runs, "run", lambda *_: pytest.fail("measured"))
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("benchmarks: ") and printed.err.count("\n") == 1
    assert message in printed.err


def test_peers_that_are_not_installed_are_named(monkeypatch):
    monkeypatch.setattr(peers.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(peers.os, "environ", {})
    found = peers.find_peers(2)
    assert found == (None, None, None)
    assert found.missing == ["PyTorch", "JAX", "HIPS autograd"] and found.versions == {}
    assert Peers(jax=object()).missing == ["PyTorch", "HIPS autograd"]


def test_a_peer_that_cannot_be_imported_is_missing(tmp_path, monkeypatch, capsys):
    (tmp_path / "autograd.py").write_text("raise ImportError('NumPy is too new')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "autograd", raising=False)
    assert peers.load("autograd") is None
    assert "HIPS autograd is installed, but cannot be imported: NumPy is too new" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (Disagreement("the loss of mid: JAX differs."), 2, "benchmarks: the loss of mid: JAX differs.\n"),
        (KeyboardInterrupt(), 130, "benchmarks: stopped\n"),
        (CommandError("the process died: try without it."), 2, "benchmarks: the process died: try without it.\n"),
    ],
    ids=["disagreement", "Ctrl-C", "died"],
)
def test_what_was_measured_before_a_failure_is_kept(failure, code, said, tmp_path, monkeypatch, capsys):
    def fail(settings):
        yield Measurement("small", {"by hand": [1.0]})
        raise failure

    def rows(settings):
        yield Measurement("toy", {"by hand": [1.0]})

    monkeypatch.setitem(runs.SECTIONS, "steps", Section("title", table.MICROSECONDS, rows))
    monkeypatch.setitem(runs.SECTIONS, "inference", Section("title", table.MICROSECONDS, fail))
    file = tmp_path / "measured.json"
    assert main(["steps", "inference", "--no-peers", "--json", str(file)]) == code
    assert capsys.readouterr().err == said
    (run,) = json.loads(file.read_text())["runs"]
    assert [row["name"] for row in run["sections"]["steps"]["measurements"]] == ["toy"]
    assert "inference" not in run["sections"]
