"""What other processes and the system do to the command: signals while it runs, and limits on its files."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.benchmarks import blas
from minigrad.command_line import process

ROOT = Path(__file__).parents[2]
MODULE = [sys.executable, "-m", "minigrad"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX"),
    pytest.mark.usefixtures("in_an_empty_folder"),
]


@pytest.fixture(autouse=True)
def ctrl_c_is_heard():
    """Also where the tests run in the background of a shell, which lets them and their processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(command, *path, **options):
    """Start a process that imports from these folders, then the library."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=environment, **pipes, **options)


def finished(started):
    """The exit code, and what was printed since it was last read."""
    out, error = started.communicate(timeout=60)
    return started.returncode, out, error


def test_ctrl_c_ends_training_after_what_was_finished():
    training = start([*MODULE, "train", "moons", "--hidden", "8", "--epochs", "100000"])
    for line in training.stdout:
        if line.split()[:1] == ["2"]:  # two epochs are finished
            break
    training.send_signal(signal.SIGINT)
    code, out, error = finished(training)
    stopping, stopped = error.splitlines()
    assert code == 130 and "Traceback" not in out
    assert stopping == "minigrad: stopping: first what was finished is drawn; Ctrl-C again leaves that out"
    cause, _, cure = stopped.partition("; go on with: ")
    done = int(cause.removeprefix("minigrad: stopped after ").removesuffix(" of 100000 epochs"))
    assert len(mg.load("runs/moons/checkpoint.npz")["history"]) == done >= 2
    again = start([*MODULE, *shlex.split(cure)[1:], "--epochs", str(done + 1)])
    assert finished(again)[::2] == (0, "")
    assert len(mg.load("runs/moons/checkpoint.npz")["history"]) == done + 1


INTERRUPTS = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nfor _ in range(1000):\n    pass\n"
"""A package ``numpy`` whose import is interrupted."""
SCRIPT = "import sys\nfrom minigrad.command_line.main import command\nsys.exit(command())\n"


@pytest.mark.parametrize("way", ["module", "script"])
def test_ctrl_c_during_the_import_is_one_line(way, tmp_path):
    Path("numpy.py").write_text(INTERRUPTS)
    Path("minigrad").write_text(SCRIPT)
    command = {"module": MODULE, "script": [sys.executable, "minigrad"]}[way]
    assert finished(start([*command, "train", "moons"], tmp_path)) == (130, "", "minigrad: stopped\n")


AGAIN = "import os, signal\nif 'OPENBLAS_NUM_THREADS' in os.environ:\n    os.kill(os.getpid(), signal.SIGINT)\n"
"""A module that Python imports at its start, and that interrupts the command after its restart."""


def test_ctrl_c_during_the_restart_is_one_line(tmp_path, monkeypatch):
    for name in blas.OPENBLAS_THREADS:
        monkeypatch.delenv(name, raising=False)
    if "OPENBLAS_NUM_THREADS" not in process.settings():
        pytest.skip("nothing to restart for")
    Path("sitecustomize.py").write_text(AGAIN)
    assert finished(start([*MODULE, "train", "moons"], tmp_path)) == (130, "", "minigrad: stopped\n")


def test_ctrl_c_during_the_import_into_another_program_is_pythons(tmp_path):
    Path("numpy.py").write_text(INTERRUPTS)
    Path("program.py").write_text("try:\n    import minigrad\nexcept KeyboardInterrupt:\n    print('caught')\n")
    for arguments in (["program.py"], ["program.py", "-m", "minigrad"], ["-m", "program", "-m", "minigrad"]):
        assert finished(start([sys.executable, *arguments], tmp_path)) == (0, "caught\n", "")


def test_a_command_that_was_told_to_ignore_ctrl_c_does():
    """As ``nohup`` and shells do for what runs in the background."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        training = start([*MODULE, "train", "moons", "--hidden", "8", "--epochs", "2"])
    finally:
        signal.signal(signal.SIGINT, handler)
    training.stdout.readline()
    training.send_signal(signal.SIGINT)
    assert finished(training)[::2] == (0, "")


def test_a_disk_that_is_full_ends_training_in_one_line_and_keeps_the_checkpoint():
    """A limit on the size of files stands for the disk: what is larger is written in part."""
    import resource

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    train = [*MODULE, "train", "moons", "--hidden", "8", "--epochs"]
    assert finished(start([*train, "1"]))[0] == 0
    before = {path.name: path.read_bytes() for path in Path("runs/moons").iterdir()}
    assert len(before["checkpoint.npz"]) > 2000
    code, _, error = finished(
        start([*MODULE, "train", "moons", "--resume", "runs/moons", "--epochs", "2"], preexec_fn=limited)
    )
    assert code == 1 and error.count("\n") == 1
    assert error.startswith("minigrad: cannot write runs/moons/")
    assert "File too large. Raise the limit on the size of files, or choose a folder on another disk." in error
    assert {path.name: path.read_bytes() for path in Path("runs/moons").iterdir()} == before
    code, _, error = finished(start([*train, "2", "--out", "new"], preexec_fn=limited))
    assert code == 1 and error.count("\n") == 1 and not Path("new").exists()
