"""What ``minigrad doctor`` prints of kernels, threads, renderers and extras."""

from __future__ import annotations

import re
import sys
from subprocess import CompletedProcess

import pytest

from minigrad.benchmarks import blas
from minigrad.benchmarks.blas import Blas, Speed
from minigrad.command_line import doctor, process
from minigrad.command_line.main import main
from tests.command_line.machines import OTHER

pytestmark = pytest.mark.usefixtures("cache")
CURE = "            -> "
INSTALL = f"{CURE}{doctor.PIP} install"


def examined(monkeypatch, capsys, **speeds):
    """What the doctor says where products have these speeds; the settings it measured are checked."""
    measured = []

    def measure(settings, size=blas.SIZE, done=None):
        measured.append((settings, size))
        return {name: speeds[name.replace(" ", "_")] for name in settings if name.replace(" ", "_") in speeds}

    monkeypatch.setattr(blas, "measure", measure)
    monkeypatch.setattr(doctor, "__file__", "/minigrad/minigrad/command_line/doctor.py")
    assert main(["doctor"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    assert max(map(len, out.splitlines())) <= 100 or str(process.memory()) in out or sys.executable in out
    return out, measured


def lines_of(findings):
    return [line for finding in findings for line in finding.lines]


def unwrapped(out):
    """The text of the findings as it was before it was broken into lines: where that is, depends on paths in it."""
    return re.sub(r"\n {12}(?!->)", " ", out)


def speed(kernels, gflops, threads=2):
    return Speed(Blas("OpenBLAS", "0.3.31.188.0", kernels, threads), [gflops] * 3)


def test_faster_kernels_are_reported_remembered_and_taken(slow_kernels, monkeypatch, capsys):
    out, measured = examined(
        monkeypatch,
        capsys,
        as_it_is=speed("Haswell", 240.0),
        one_thread=speed("Haswell", 125.0, 1),
        other_kernels=speed("SkylakeX", 430.0),
    )
    usual = {"as it is": {}, "one thread": blas.ONE_THREAD, "other kernels": OTHER}
    own = {"one thread": blas.ONE_THREAD, "other kernels": {**blas.ONE_THREAD, **OTHER}}
    assert measured == [(usual, 1024), (own, 128)]
    assert "BLAS        OpenBLAS 0.3.31, Haswell kernels, 2 threads\n" in out
    assert "products    240 GFLOPS with 2 threads, 125 with one, a gain of 1.92 (1024 x 1024)\n" in out
    assert (
        "kernels     430 GFLOPS with SkylakeX instead of Haswell kernels, a gain of 1.79\n"
        "            -> export OPENBLAS_CORETYPE=SkylakeX\n"
        "            Set it before Python starts. It changes results a little: sums are"
    ) in out
    told = unwrapped(out)
    assert "run with OPENBLAS_NUM_THREADS=1 OPENBLAS_CORETYPE=SkylakeX" in told
    assert "SkylakeX kernels: a gain of 3.44 with one thread, 128 x 128." in told
    assert f"Remembered in {process.memory()}; set OPENBLAS_CORETYPE yourself" in told
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **OTHER}


def test_kernels_that_do_not_pay_are_left(slow_kernels, monkeypatch, capsys):
    process.remember(2.0)
    usual, other = speed("Haswell", 100.0), speed("SkylakeX", 114.0)
    out, _ = examined(monkeypatch, capsys, as_it_is=usual, one_thread=usual, other_kernels=other)
    assert "114 GFLOPS with SkylakeX instead of Haswell kernels, a gain of 1.14: leave" in out
    assert "export" not in out and "Remembered" in out
    assert "run with OPENBLAS_NUM_THREADS=1\n" in out
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}


@pytest.mark.parametrize("other", [{"other_kernels": speed("Haswell", 900.0)}, {}], ids=["not built in", "crashed"])
def test_kernels_that_are_not_there_are_no_finding(other, slow_kernels, monkeypatch, capsys):
    out, _ = examined(monkeypatch, capsys, as_it_is=speed("Haswell", 100.0), **other)
    assert "products    100 GFLOPS" in out and "CORETYPE" not in out
    assert process.remembered() == {}


def test_the_users_own_settings_are_named_and_measured(slow_kernels, monkeypatch, capsys):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(blas, "blas_in_use", lambda: Blas("OpenBLAS", "0.3.31.188.0", "Haswell", 1))
    out, measured = examined(monkeypatch, capsys, as_it_is=speed("Haswell", 100.0, 1))
    assert measured == [({"as it is": {}}, 1024)]
    assert "your environment sets OPENBLAS_CORETYPE=Haswell OMP_NUM_THREADS=1\n" in out
    assert "products    100 GFLOPS (1024 x 1024)\n" in out
    assert out.endswith("minigrad train, compare and bench run with your settings alone\n")


def test_threads_that_slow_down_are_reported(slow_kernels, monkeypatch, capsys):
    out, _ = examined(monkeypatch, capsys, as_it_is=speed("Haswell", 90.0), one_thread=speed("Haswell", 100.0, 1))
    assert "a gain of 0.90 (1024 x 1024)\n            -> export OPENBLAS_NUM_THREADS=1, or measure again" in out


def test_failures_to_measure_or_remember_are_reported(cache, slow_kernels, monkeypatch, capsys):
    out, _ = examined(monkeypatch, capsys)
    assert "products    could not be measured" in out
    file = cache / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    usual, other = speed("Haswell", 100.0), speed("SkylakeX", 200.0)
    out, _ = examined(monkeypatch, capsys, as_it_is=usual, one_thread=usual, other_kernels=other)
    assert "-> export OPENBLAS_CORETYPE=SkylakeX" in out and "Not remembered" in out
    assert "Set XDG_CACHE_HOME to a folder that can be written to." in unwrapped(out)
    monkeypatch.setattr(process, "memory", lambda: process.Path("~/.cache/minigrad/blas.json"))
    out, _ = examined(monkeypatch, capsys, as_it_is=usual, one_thread=usual, other_kernels=other)
    assert "Not remembered: this user has no home folder. Set" in unwrapped(out) and not process.Path("~").exists()


def test_nothing_is_remembered_where_no_process_is_replaced(slow_kernels, monkeypatch, capsys):
    monkeypatch.setattr(process, "RESTARTS", False)
    out, _ = examined(monkeypatch, capsys, as_it_is=speed("Haswell", 100.0), other_kernels=speed("SkylakeX", 200.0))
    told = out.replace("thing_is_remembered", "")  # a part of the cache's path
    assert "a gain of 2.00" in told and "emembered" not in told and "commands" not in told
    assert process.remembered() == {}


@pytest.mark.parametrize(
    ("dot", "pygraphviz", "rendered", "lines"),
    [
        ("/bin/dot", None, b"<!-- graphviz version 9.0.0 -->", ["renderer    dot, graphviz 9.0.0"]),
        (None, "there", b"<!-- graphviz version 9.0.0 -->", ["renderer    pygraphviz, graphviz 9.0.0"]),
        (None, "there", b"<svg>", ["renderer    pygraphviz, graphviz of unknown version"]),
        ("/bin/dot", None, None, ["renderer    it broke", f"{CURE}reinstall dot"]),
        (
            None,
            None,
            None,
            [
                "renderer    none: graphs are",
                f"{INSTALL} pygraphviz",
                f"{CURE}or install your system's package graphviz",
            ],
        ),
    ],
)
def test_the_renderer_is_tried(dot, pygraphviz, rendered, lines, monkeypatch):
    def render(source, format):
        if rendered is None:
            raise doctor.RenderingError("it broke")
        return rendered

    monkeypatch.setattr(doctor.shutil, "which", {"dot": dot}.get)
    monkeypatch.setattr(doctor, "find_spec", {"pygraphviz": pygraphviz}.get)
    monkeypatch.setattr(doctor, "render", render)
    found = lines_of(doctor.renderer())
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines)), found


@pytest.mark.parametrize(
    ("name", "code", "dot", "lines"),
    [
        ("tqdm", "__version__ = '4.1'", None, ["tqdm        4.1"]),
        ("tqdm", "", None, ["tqdm        of unknown version"]),
        ("tqdm", None, None, ["tqdm        missing: it shows", f"{INSTALL} tqdm"]),
        ("pygraphviz", None, None, ["pygraphviz  missing: it renders", f"{INSTALL} pygraphviz"]),
        ("pygraphviz", None, "/bin/dot", ["pygraphviz  missing, and not needed"]),
        (
            "tqdm",
            "import needed",
            None,
            ["tqdm        broken: No module named 'n", f"{INSTALL} needed"],
        ),
        ("tqdm", "1 / 0", None, ["tqdm        broken: div", f"{INSTALL} --force-reinstall tqdm"]),
    ],
)
def test_an_extra_is_there_missing_or_broken(name, code, dot, lines, monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(doctor.shutil, "which", {"dot": dot}.get)
    if code is None:
        monkeypatch.setitem(sys.modules, name, None)
    else:
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
    found = lines_of(doctor.extra(name, doctor.EXTRAS[name]))
    sys.modules.pop(name, None)
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines)), found


def test_kernels_other_than_those_asked_for_are_reported(monkeypatch):
    monkeypatch.setattr(blas, "blas_in_use", lambda: Blas("OpenBLAS", "0.3.31.188.0", "Zen", 1))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "zen")
    assert not any("not followed" in line for line in lines_of(doctor.library()))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Foo")
    *_, said, cure = lines_of(doctor.library())
    assert "not followed: there are no Foo kernels here" in said and cure == f"{CURE}unset OPENBLAS_CORETYPE"


def test_other_libraries_are_not_given_openblas_variables(monkeypatch):
    for name in blas.OPENBLAS_THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(blas, "configuration", lambda: "OpenBLAS 0.3.31")
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    monkeypatch.setattr(blas, "configuration", lambda: "")
    assert process.settings() == {}


SAYS = "<{}, 4.1.2 with MPICH 5.0.2>\n"


@pytest.mark.parametrize(
    ("starter", "said", "lines"),
    [
        ("/bin/mpiexec", SAYS.format(2), ["mpi4py      4.1.2 with MPICH 5.0.2, started by /bin/mpiexec"]),
        ("/bin/mpiexec", SAYS.format(1), ["but /bin/mpiexec is of another MPI: each process would train alone"]),
        ("/bin/mpiexec", "", ["mpi4py      installed, but no MPI library that it can load", f"{INSTALL} mpich"]),
        (None, SAYS.format(1), ["mpi4py      4.1.2 with MPICH 5.0.2, but no mpiexec that starts processes"]),
        (None, None, ["mpi4py      missing: it lets processes train together, minigrad.distributed"]),
    ],
)
def test_ranks(starter, said, lines, monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: said is not None)
    monkeypatch.setattr(doctor.shutil, "which", lambda name: starter)
    monkeypatch.setattr(doctor.sys, "executable", "/nowhere/python")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *args, **named: CompletedProcess(args, 0, said))
    told = unwrapped("\n".join(lines_of(doctor.ranks())))
    assert all(line in told for line in lines), told
