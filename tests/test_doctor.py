"""``minigrad doctor``, what it knows of the BLAS, and when the command's own process takes other kernels."""

from __future__ import annotations

import json
import os
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad.benchmarks import blas
from minigrad.benchmarks.blas import Blas, Speed
from minigrad.command_line import doctor, process
from minigrad.command_line.main import main

BUILD = "OpenBLAS 0.3.31.188.0  USE64BITINT DYNAMIC_ARCH NO_AFFINITY Haswell MAX_THREADS=64"
AVX512 = {"AVX2": True, "AVX512_SKX": True}
OTHER = {"OPENBLAS_CORETYPE": "SkylakeX"}
CURE = "            -> "
INSTALL = f"{CURE}{doctor.PIP} install"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The folder of caches, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    return tmp_path


@pytest.fixture
def slow_kernels(monkeypatch):
    """A machine with AVX-512 whose OpenBLAS chose Haswell kernels, and where processes can be replaced."""
    monkeypatch.setattr(blas, "configuration", lambda: BUILD)
    monkeypatch.setattr(blas, "blas_in_use", lambda: Blas("OpenBLAS", "0.3.31.188.0", "Haswell", 2))
    monkeypatch.setattr(blas.CORE, "__cpu_features__", AVX512)
    monkeypatch.setattr(process, "RESTARTS", True)
    for name in blas.OPENBLAS_THREADS:
        monkeypatch.delenv(name, raising=False)


def remembering(content: bytes):
    """Put a file where the gains are remembered."""
    process.memory().parent.mkdir()
    process.memory().write_bytes(content)


# -- the BLAS ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configuration", "features", "environment", "setting"),
    [
        (BUILD, AVX512, {}, OTHER),
        (BUILD.replace("Haswell", "Zen"), AVX512, {}, OTHER),
        (BUILD.replace("Haswell", "Prescott"), AVX512, {"OPENBLAS_NUM_THREADS": "1"}, OTHER),
        (BUILD, {"AVX2": True, "AVX512F": True}, {}, {}),
        (BUILD, {"AVX2": True, "AVX512_SKX": False}, {}, {}),
        (BUILD, {}, {}, {}),
        (BUILD.replace("DYNAMIC_ARCH ", ""), AVX512, {}, {}),
        (BUILD.replace("Haswell", "SkylakeX"), AVX512, {}, {}),
        (BUILD.replace("Haswell", "Cooperlake"), AVX512, {}, {}),
        (BUILD.replace("Haswell", "SapphireRapids"), AVX512, {}, {}),
        (BUILD, AVX512, {"OPENBLAS_CORETYPE": "Haswell"}, {}),
        (BUILD, AVX512, {"OPENBLAS_CORETYPE": ""}, {}),
        ("", AVX512, {}, {}),
    ],
)
def test_other_kernels_are_tried_only_where_they_are_safe(configuration, features, environment, setting):
    assert blas.safe_setting(configuration, features, environment) == setting


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Blas("OpenBLAS", "0.3.31.188.0", "SkylakeX", 1), "OpenBLAS 0.3.31, SkylakeX kernels, 1 thread"),
        (Blas("OpenBLAS", "0.3.21", "Zen", 16), "OpenBLAS 0.3.21, Zen kernels, 16 threads"),
        (Blas("mkl-sdl", "2023.1", None, None), "mkl-sdl 2023.1"),
        (Blas("accelerate", "unknown", None, None), "accelerate"),
    ],
)
def test_a_blas_is_described_in_one_line(given, text):
    assert blas.describe_blas(given) == text


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ({"Build Dependencies": {"blas": {"name": "mkl-sdl", "version": "2023.1"}}}, ("mkl-sdl", "2023.1")),
        ({"Build Dependencies": {"blas": {"name": "scipy-openblas", "version": "0.3.30"}}}, ("OpenBLAS", "0.3.30")),
        ({"Build Dependencies": {"blas": {"name": "accelerate", "found": True}}}, ("accelerate", "unknown")),
        ({"Build Dependencies": {}}, ("unknown BLAS", "unknown")),
        ({}, ("unknown BLAS", "unknown")),
    ],
)
def test_of_another_blas_there_is_what_numpy_was_built_with(build, expected, monkeypatch):
    monkeypatch.setattr(blas, "SYMBOLS", ())
    monkeypatch.setattr(np, "show_config", lambda mode: build)
    assert blas.blas_in_use() == (*expected, None, None)
    assert blas.alternative() == {}


def test_openblas_is_asked_itself():
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    if built["name"] != "scipy-openblas":
        pytest.skip("NumPy is not from a wheel with OpenBLAS")
    here = blas.blas_in_use()
    assert (here.library, here.version) == ("OpenBLAS", built["version"])
    assert here.kernels in blas.configuration().split()
    assert here.threads >= 1


def refuse(name):
    raise OSError(name)


@pytest.mark.parametrize("ctypes", [None, SimpleNamespace(CDLL=refuse)], ids=["no ctypes", "not opened"])
def test_a_library_that_cannot_be_asked_is_no_openblas(ctypes, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", ctypes)
    assert blas.configuration() == ""
    assert blas.blas_in_use().kernels is None


def test_speeds_are_medians_over_rounds_and_gains_are_compared_within_a_round():
    here = Blas("OpenBLAS", "0.3", "Haswell", 2)
    # the machine is slower in the second half: the ratio of the medians would be 1
    usual, other = Speed(here, [100, 100, 100, 10, 10]), Speed(here, [200, 200, 20, 20, 20])
    assert usual.gflops == 100 and other.gflops == 20
    assert other.gain(usual) == 2


def test_settings_are_measured_in_processes_of_their_own(monkeypatch):
    monkeypatch.setattr(blas, "ROUNDS", 1)
    before = dict(os.environ)
    speeds = blas.measure({"one": blas.ONE_THREAD, "broken": {"PYTHONHOME": "/nowhere"}})
    assert dict(os.environ) == before
    assert list(speeds) == ["one"]
    assert len(speeds["one"].rounds) == 1 and speeds["one"].gflops > 0
    assert speeds["one"].blas == blas.blas_in_use()._replace(threads=speeds["one"].blas.threads)
    assert speeds["one"].blas.threads in (1, None)


# -- the process of the command ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "given", "folder"),
    [
        ("linux", "/caches", "/caches/minigrad"),
        ("linux", None, "~/.cache/minigrad"),
        ("linux", "", "~/.cache/minigrad"),
        ("linux", "relative", "~/.cache/minigrad"),
        ("darwin", None, "~/Library/Caches/minigrad"),
        ("darwin", "/caches", "/caches/minigrad"),
    ],
)
def test_the_gains_are_remembered_in_the_users_cache(system, given, folder, monkeypatch):
    monkeypatch.setattr(process.sys, "platform", system)
    if given is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert process.memory() == process.Path(os.path.expanduser(folder), "blas.json")


@pytest.mark.parametrize(
    ("gain", "taken"), [(2.0, True), (blas.PAYS, True), (1.14, False), (0.9, False), (float("nan"), False)]
)
def test_other_kernels_are_taken_if_they_were_measured_to_pay(gain, taken, slow_kernels, cache):
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    assert process.remember(gain) == cache / "minigrad" / "blas.json"
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **(OTHER if taken else {})}
    assert os.listdir(cache / "minigrad") == ["blas.json"]


def test_the_gain_reaches_the_environment_of_the_new_process(slow_kernels, monkeypatch):
    restarts = []
    monkeypatch.setattr(process.os, "execve", lambda *arguments: restarts.append(arguments))
    process.remember(1.8)
    process.restart_with_settings()
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **OTHER}
    assert restarts == [(sys.executable, sys.orig_argv, environment)]
    monkeypatch.setattr(process.os, "environ", environment)
    process.restart_with_settings()
    assert len(restarts) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(blas, "processor", lambda: "another processor"),
        lambda patch: patch.setattr(np, "__version__", "2.99"),
        lambda patch: patch.setattr(blas, "configuration", lambda: BUILD.replace("0.3.31", "0.3.99")),
        lambda patch: patch.setattr(blas, "configuration", lambda: BUILD.replace("Haswell", "Zen")),
    ],
    ids=["processor", "NumPy", "OpenBLAS", "kernels"],
)
def test_a_gain_holds_for_the_machine_it_was_measured_on(change, slow_kernels, monkeypatch):
    process.remember(2.0)
    with monkeypatch.context() as patch:
        change(patch)
        assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
        process.remember(1.0)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **OTHER}
    assert sorted(process.remembered().values()) == [1.0, 2.0]


@pytest.mark.parametrize(
    "unsafe",
    [
        lambda patch: patch.setattr(blas.CORE, "__cpu_features__", {"AVX2": True}),
        lambda patch: patch.setattr(blas.CORE, "__cpu_features__", {}),
        lambda patch: patch.delattr(blas.CORE, "__cpu_features__"),
        lambda patch: patch.setattr(blas, "configuration", lambda: ""),
        lambda patch: patch.setenv("OPENBLAS_CORETYPE", "Haswell"),
    ],
    ids=["no AVX-512", "no features", "features unknown", "no OpenBLAS", "the user's own"],
)
def test_no_remembered_gain_makes_other_kernels_safe(unsafe, slow_kernels, monkeypatch):
    unsafe(monkeypatch)
    process.remember(2.0)
    assert "OPENBLAS_CORETYPE" not in process.settings()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[1.5]",
        b'"text"',
        b"7",
        b"\xff\x00",
        b"[" * 100_000,
        b'{"other": 2.0}',
        "text",
        True,
        [2.0],
    ],
    ids=lambda content: repr(content)[:20],
)
def test_a_damaged_or_foreign_file_changes_nothing(content, slow_kernels):
    remembering(content if isinstance(content, bytes) else json.dumps({process.machine(): content}).encode())
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    process.remember(2.0)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1", **OTHER}


def test_a_folder_in_the_files_place_changes_nothing(slow_kernels):
    process.memory().mkdir(parents=True)
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}


# -- what is said ------------------------------------------------------------------------------


def examined(monkeypatch, capsys, **speeds):
    """What the doctor says where products have these speeds; the settings it measured are checked."""
    measured = []

    def measure(settings, size=blas.SIZE):
        measured.append((settings, size))
        return {name: speeds[name.replace(" ", "_")] for name in settings if name.replace(" ", "_") in speeds}

    monkeypatch.setattr(blas, "measure", measure)
    monkeypatch.setattr(doctor, "__file__", "/minigrad/minigrad/command_line/doctor.py")
    assert main(["doctor"]) == 0
    out, error = capsys.readouterr()
    assert error == ""
    assert max(map(len, out.splitlines())) <= 100 or str(process.memory()) in out or sys.executable in out
    return out, measured


def unwrapped(out):
    """The text of the findings as it was before it was broken into lines: where that is, depends on paths in it."""
    return re.sub(r"\n {12}(?!->)", " ", out)


def speed(kernels, gflops, threads=2):
    return Speed(Blas("OpenBLAS", "0.3.31.188.0", kernels, threads), [gflops] * 3)


def test_kernels_that_pay_are_said_remembered_and_taken(slow_kernels, monkeypatch, capsys):
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


def test_threads_that_cost_more_than_they_give_are_said(slow_kernels, monkeypatch, capsys):
    out, _ = examined(monkeypatch, capsys, as_it_is=speed("Haswell", 90.0), one_thread=speed("Haswell", 100.0, 1))
    assert "a gain of 0.90 (1024 x 1024)\n            -> export OPENBLAS_NUM_THREADS=1, or measure again" in out


def test_what_cannot_be_measured_or_remembered_is_said(cache, slow_kernels, monkeypatch, capsys):
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
    assert "a gain of 2.00" in out and "emembered" not in out and "commands" not in out
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
    found = list(doctor.renderer())
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
    found = list(doctor.extra(name, doctor.EXTRAS[name]))
    sys.modules.pop(name, None)
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines)), found


def test_kernels_that_are_not_those_asked_for_are_said(monkeypatch):
    monkeypatch.setattr(blas, "blas_in_use", lambda: Blas("OpenBLAS", "0.3.31.188.0", "Zen", 1))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "zen")
    assert not any("not followed" in line for line in doctor.library())
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Foo")
    *_, said, cure = doctor.library()
    assert "not followed: there are no Foo kernels here" in said and cure == f"{CURE}unset OPENBLAS_CORETYPE"


def test_other_libraries_are_not_given_openblas_variables(monkeypatch):
    for name in blas.OPENBLAS_THREADS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(blas, "configuration", lambda: "OpenBLAS 0.3.31")
    assert process.settings() == {"OPENBLAS_NUM_THREADS": "1"}
    monkeypatch.setattr(blas, "configuration", lambda: "")
    assert process.settings() == {}
