"""``minigrad bench``: workloads, the short form and its advice."""

from __future__ import annotations

from argparse import Namespace

import pytest

from minigrad.benchmarks import blas
from minigrad.command_line import bench, doctor
from minigrad.command_line.main import main as cli
from minigrad.compile.native import compiler


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(bench, "ROUNDS", 1)
    monkeypatch.setattr(bench, "BUDGET", 1e-6)
    monkeypatch.setattr(bench.blas, "alternative", dict)


def test_the_short_form(quick):
    head, row, last, found = bench.run(Namespace(workload=["toy"], quiet=False, seed=None))
    compiled = "C" if compiler.found() else "NumPy"
    assert head.split() == ["microseconds", "a", "step", "by", "hand", "minigrad", "compiled,", compiled]
    assert row.split()[0] == "toy" and len(row) == len(head)
    assert blas.describe_blas(blas.blas_in_use()) in last
    assert found["workloads"][0]["seconds"].keys() == {"by hand", "minigrad", f"compiled, {compiled}"}


@pytest.mark.parametrize(("gain", "said"), [(1.8, True), (1.0, False), (None, False)])
def test_other_kernels_are_recommended_where_they_pay(gain, said, quick, monkeypatch):
    speeds = {"usual": blas.Speed(blas.Blas("OpenBLAS", "0", "Haswell", 1), [100.0])}
    if gain is not None:
        speeds["other"] = blas.Speed(blas.Blas("OpenBLAS", "0", "SkylakeX", 1), [100 * gain])
    asked = []
    monkeypatch.setattr(bench.blas, "alternative", lambda: {"OPENBLAS_CORETYPE": "SkylakeX"})
    monkeypatch.setattr(bench.blas, "measure", lambda settings: asked.append(settings) or speeds)
    lines = list(bench.run(Namespace(workload=["toy"], quiet=False, seed=None)))[3:]
    found = lines.pop()
    assert asked == [{"usual": {}, "other": {"OPENBLAS_CORETYPE": "SkylakeX"}}]
    cure = doctor.setting("OPENBLAS_CORETYPE", "SkylakeX")
    assert found["advice"] == (lines[0] if said else None)
    assert lines == [f"SkylakeX kernels multiply matrices 1.80 times as fast: before Python starts, {cure}"] * said


def test_the_command_bench_knows_its_workloads(quick, capsys):
    assert cli(["bench", "--workload", "huge"]) == 2
    assert "there is no 'huge'. There are toy, small" in capsys.readouterr().err
    assert cli(["bench", "--workload", "toy"]) == 0
    assert "toy" in capsys.readouterr().out


def test_steps_that_disagree_are_one_line(quick, monkeypatch, capsys):
    monkeypatch.setattr(bench.EagerStep, "step", lambda self: 1e6)
    assert cli(["bench", "--workload", "toy"]) == 1
    error = capsys.readouterr().err
    assert (
        error.startswith("minigrad: the loss of toy: minigrad differs from by hand by 1e+06") and error.count("\n") == 1
    )
