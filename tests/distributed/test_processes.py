"""Ranks that are processes of MPI: the same results, and one line on each rank for whatever goes wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from minigrad import distributed as dist

ROOT = Path(__file__).parents[2]
MPIEXEC = Path(sysconfig.get_path("scripts")) / "mpiexec"


def run(size, *arguments, **environment):
    """What ``size`` ranks of the program write, and their exit code."""
    pytest.importorskip("mpi4py", reason="ranks as processes need the extra distributed: mpi4py and mpich")
    if not MPIEXEC.exists():
        pytest.skip("ranks as processes need an mpiexec beside python: pip install mpich")
    command = [MPIEXEC, "-n", str(size)] if size else []
    done = subprocess.run(
        [*command, sys.executable, "-m", "tests.distributed.program", *arguments],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.stdout + done.stderr, done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 4])
def test_ranks_compute_what_one_process_does(size):
    words, code = run(size, "right")
    assert code == 0, words
    assert words.count("done") == size


ALIKE = "the ranks do not do the same: rank 0: all_reduce (10,) float32; rank 1: "

SAID = {
    "raise": ["rank 1: all ranks are stopped by\nthe program's own hook", "ValueError: invalid literal"],
    "end": [f"rank {rank}: DistributedError: {ALIKE}the end of the program." for rank in range(2)],
    "sleep": [
        "rank 0: DistributedError: rank 0 waited 2 s in all_reduce (10,) float32 for the other ranks; all ranks are"
    ],
    "sleep in backward": [
        "rank 0 waited 2 s in all_reduce (2, 4) float64 in net.1 (SyncBatchNorm) for the other ranks;"
    ],
    "weigh": [f"rank {rank}: DistributedError: the ranks' batches have 2, 3 samples: the" for rank in range(2)],
    "interrupt": ["rank 0: DistributedError: an exchange of this group was interrupted, or goes on in another thread"],
    "kill": ["BAD TERMINATION"],
    "shape": [f"rank {rank}: DistributedError: {ALIKE}all_reduce (12,) float32." for rank in range(2)],
    "dtype": [f"rank {rank}: DistributedError: {ALIKE}all_reduce (10,) int64." for rank in range(2)],
    "order": [f"rank {rank}: DistributedError: {ALIKE}barrier." for rank in range(2)],
    "models": ["the ranks have different models: rank 0: weight (2, 2) float32 requires grad; rank 1: weight (3, 2)"],
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", SAID)
def test_all_ranks_stop_with_one_clear_line(fault):
    words, code = run(2, fault)
    assert code != 0 and "done" not in words
    for text in SAID[fault]:
        assert len(re.findall(re.escape(text), words)) >= 1, words
    assert fault == "raise" or "Traceback" not in words


@pytest.mark.slow
def test_without_mpiexec_there_is_one_rank():
    words, code = run(0, "shape")
    assert code == 0 and words.strip() == "done"


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["OMPI_COMM_WORLD_SIZE", "PMIX_SIZE"])
def test_another_mpiexec_is_refused(variable):
    """It tells its processes how many they are by a variable of its own; MPI says that there is one, or ends them."""
    words, code = run(0, "shape", **{variable: "2"})
    assert code != 0 and "Fatal error" not in words
    assert "started by the mpiexec of another MPI than mpi4py uses" in words


def without_library(name):
    raise RuntimeError("cannot load MPI library")


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(
        ImportError, match=r'needs mpi4py and an MPI: pip install "minigrad\[distributed\]", then mpiexec'
    ):
        dist.init_process_group("mpi")
    package = ModuleType("mpi4py")
    package.__getattr__ = without_library
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    with pytest.raises(ImportError, match="mpi4py is installed, but no MPI library: pip install mpich"):
        dist.init_process_group("mpi")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"backend": "gloo"}, "backend must be 'mpi', got 'gloo': ranks are processes that MPI starts"),
        ({"init_method": "env://"}, "init_method must be None"),
        ({"timeout": -1}, "timeout must be a positive number of seconds"),
    ],
)
def test_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        dist.init_process_group(**arguments)


def test_a_thread_that_is_a_rank_has_a_group_already():
    with pytest.raises(RuntimeError, match="there is a default group already"):
        dist.ThreadGroup.run(1, lambda _: dist.init_process_group())
