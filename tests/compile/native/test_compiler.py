"""The compiler of a machine: found, tried, used; and all that can go wrong with one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from minigrad.compile.native import cache, compiler
from minigrad.compile.native.compiler import CannotBuild

SOURCE = "int answer(void) { return 42; }\n"


def leftovers(folder):
    return [
        path.name for path in folder.iterdir() if not cache.ENTRY.fullmatch(path.name) and path.name != cache.MEMORY
    ]


def test_the_compiler_of_this_machine_works(gcc):
    found = compiler.search()
    assert compiler.found() == found
    assert found.name in ("gcc", "clang") and found.version and os.path.isabs(found.path)
    assert found.lanes in (1, 4, 8, 16)
    assert not compiler.FAST_MATH.intersection(found.flags)
    assert compiler.build(SOURCE).answer() == 42


def test_lanes_are_those_that_the_flags_give(gcc):
    if (
        "__x86_64__"
        not in subprocess.run([gcc, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True).stdout
    ):
        pytest.skip("the flags are those of x86-64")
    lanes = {flag: compiler.probe((gcc,), flag)[2] for flag in ("-mno-avx", "-mavx2", "-mavx512f")}
    assert lanes == {"-mno-avx": "4", "-mavx2": "8", "-mavx512f": "16"}


def test_a_compiler_is_tried_once_for_all_processes(counted):
    first = compiler.search()
    runs = counted()
    compiler.first_working.cache_clear()
    assert compiler.search() == first and counted() == runs


def test_another_version_of_a_compiler_is_tried_again(counted, script, gcc, tmp_path):
    compiler.search()
    script(f"echo again >> {tmp_path / 'second'}", f'exec {gcc} "$@"')
    compiler.first_working.cache_clear()
    compiler.search()
    assert (tmp_path / "second").exists()


def test_what_is_known_of_compilers_may_be_damaged(counted, folder):
    found = compiler.search()
    for content in (b"", b"[]", b'{"x": 1}', b"\xff", (folder / cache.MEMORY).read_bytes().replace(b"16", b'"a"')):
        (folder / cache.MEMORY).write_bytes(content)
        compiler.first_working.cache_clear()
        assert compiler.search() == found


def test_a_source_is_built_once(counted, folder):
    library = compiler.build(SOURCE)
    runs = counted()
    assert compiler.build(SOURCE).answer() == library.answer() == 42
    assert counted() == runs and cache.contents().files == 1 and not leftovers(folder)
    compiler.build(SOURCE, ["-DOTHER"])
    compiler.build(SOURCE.replace("42", "43"))
    assert counted() == runs + 2 and cache.contents().files == 3


def test_code_for_another_processor_is_not_used(counted, monkeypatch):
    compiler.build(SOURCE)
    runs = counted()
    monkeypatch.setattr(compiler, "processor", lambda: "another")
    assert compiler.build(SOURCE).answer() == 42 and counted() == runs + 1
    assert cache.contents().files == 2


def test_processors_are_told_apart():
    assert sys.platform in compiler.processor()
    if sys.platform == "linux":
        assert len(compiler.processor().splitlines()) > 5 and "MHz" not in compiler.processor()


# -- MINIGRAD_CC -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["with spaces/my cc", "quote'd/cc"])
def test_the_path_of_a_compiler_may_have_spaces(gcc, script, name):
    path = script(f'exec {gcc} "$@"', name=name)
    assert compiler.search().command == (str(path),)
    assert compiler.build(SOURCE).answer() == 42


def test_a_command_may_have_arguments(gcc, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CC", f"  {gcc} -DVALUE=7 '-DOTHER= 1' ")
    assert compiler.search().command == (os.path.abspath(gcc), "-DVALUE=7", "-DOTHER= 1")
    assert compiler.build("int answer(void) { return VALUE; }").answer() == 7


@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_name_is_none(gcc, monkeypatch, empty):
    monkeypatch.setenv("MINIGRAD_CC", empty)
    assert compiler.search().path == os.path.abspath(gcc)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/nowhere/cc", "there is no program /nowhere/cc"),
        ("nosuchcompiler -O2", "there is no program nosuchcompiler"),
        ("'open", "it cannot be read (No closing quotation)"),
    ],
)
def test_a_name_that_is_wrong_is_said_and_no_other_compiler_taken(text, reason, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CC", text)
    with pytest.raises(CannotBuild) as caught:
        compiler.search()
    assert compiler.found() is None
    assert caught.value.reason == f"MINIGRAD_CC is {text!r}: {reason}"
    assert caught.value.cure == "Name one that works in MINIGRAD_CC, or unset it."
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flag", sorted(compiler.FAST_MATH))
def test_flags_that_change_arithmetic_are_refused(gcc, flag, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CC", f"{gcc} {flag}")
    with pytest.raises(CannotBuild, match=f"{flag} changes arithmetic.*Leave {flag} out of MINIGRAD_CC"):
        compiler.search()


def test_a_script_that_changes_arithmetic_is_refused(gcc, script):
    script(f'exec {gcc} -ffast-math "$@"')
    with pytest.raises(CannotBuild, match="it is set to -ffast-math"):
        compiler.search()


# -- where compilers are found -----------------------------------------------------------------


def test_a_machine_without_compilers_is_told_the_cure(alone):
    with pytest.raises(CannotBuild) as caught:
        compiler.search()
    assert caught.value.reason == "no C compiler is found"
    assert 'pip install "minigrad[compile]"' in caught.value.cure and "MINIGRAD_CC" in caught.value.cure
    assert str(caught.value) == f"{caught.value.reason}. {caught.value.cure}"


def test_a_compiler_may_be_installed_meanwhile(alone, gcc, monkeypatch):
    assert compiler.found() is None
    monkeypatch.setenv("PATH", os.path.dirname(gcc))
    assert compiler.found() is not None


def test_a_broken_compiler_is_passed_over(gcc, script, monkeypatch):
    broken = script("echo broken >&2; exit 1", name="bin/cc")
    monkeypatch.delenv("MINIGRAD_CC")
    monkeypatch.setenv("PATH", f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
    assert next(compiler.candidates()) == (str(broken),)
    assert compiler.search().path != str(broken)


def test_the_package_ziglang_is_the_last_choice(alone, script, gcc, monkeypatch, tmp_path):
    script("shift", f'exec {gcc} "$@"', name="ziglang/zig")
    monkeypatch.delenv("MINIGRAD_CC")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path / "ziglang")])
    monkeypatch.setattr(compiler, "find_spec", lambda name: spec if name == "ziglang" else None)
    monkeypatch.setenv("PATH", "/usr/bin:/bin" if os.path.dirname(gcc) not in ("/usr/bin", "/bin") else os.devnull)
    assert list(compiler.candidates()) == [(str(tmp_path / "ziglang" / "zig"), "cc")]
    spec.submodule_search_locations = [str(tmp_path)]
    assert list(compiler.candidates()) == [(sys.executable, "-m", "ziglang", "cc")]


def test_ziglang_is_called_zig(script, gcc, monkeypatch):
    path = script("shift", f'exec {gcc} "$@"', name="zig")
    assert compiler.tried((str(path), "cc")).name == "zig"


def test_apples_window_is_not_opened(alone, monkeypatch):
    monkeypatch.setattr(compiler.sys, "platform", "darwin")
    monkeypatch.setattr(compiler.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=2))
    assert compiler.a_stub("/usr/bin/cc") and not compiler.a_stub("/opt/homebrew/bin/gcc")
    monkeypatch.setattr(compiler.subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=0))
    assert not compiler.a_stub("/usr/bin/cc")


def test_a_python_without_ctypes_has_no_native_code(monkeypatch):
    monkeypatch.setattr(compiler, "ctypes", None)
    with pytest.raises(CannotBuild, match="this Python has no ctypes"):
        compiler.search()


# -- compilers that fail -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["echo 'x.c:1: note: 1' >&2", "echo 'x.c:2: error: 2' >&2", "echo end >&2", "exit 3"],
         "it ended with status 3: x.c:2: error: 2"),
        (["echo first", "echo last", "exit 1"], "it ended with status 1: last"),
        (["exit 1"], "it ended with status 1: no message"),
        (["printf '\\377 error' >&2", "exit 1"], "it ended with status 1: \N{REPLACEMENT CHARACTER} error"),
        (["exit 0"], "it ended without an error and wrote no library"),
        ([": > program.so; : > program.dylib"], "it ended without an error and wrote no library"),
        (["echo x > program.so; echo x > program.dylib"], "the library that was built cannot be loaded"),
        (["kill -9 $$"], "it ended with status -9: no message"),
    ],
)  # fmt: skip
def test_a_compiler_that_fails_is_said(script, lines, reason, folder):
    path = script(*lines)
    with pytest.raises(CannotBuild) as caught:
        compiler.search()
    assert f"{path} does not work: {reason}" in caught.value.reason and "\n" not in str(caught.value)
    assert not leftovers(folder)


def test_a_program_that_the_system_cannot_run_is_said(tmp_path, monkeypatch):
    path = tmp_path / "cc.exe"
    path.write_bytes(b"\0\1")
    path.chmod(0o755)
    monkeypatch.setenv("MINIGRAD_CC", str(path))
    with pytest.raises(CannotBuild, match="cannot be run"):
        compiler.search()


@pytest.mark.parametrize("refused", ["*native*", "*march*"])
def test_a_compiler_need_not_know_this_processor(gcc, script, refused):
    script(f'for a; do case $a in {refused}) echo "error: unknown $a" >&2; exit 1;; esac; done', f'exec {gcc} "$@"')
    found = compiler.search()
    assert found.native in ("", "-mcpu=native") and not any("march" in flag for flag in found.flags)
    assert found.lanes >= 1 and compiler.build(SOURCE).answer() == 42


def test_warnings_are_no_errors(gcc, script, capfd):
    script("echo 'x.c:1: warning: odd' >&2", "echo talk", f'exec {gcc} "$@"')
    assert compiler.build(SOURCE).answer() == 42
    assert capfd.readouterr() == ("", "")


def test_compilers_speak_english(script, monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    script('echo "error in $LC_ALL, $LANGUAGE" >&2', "exit 1")
    with pytest.raises(CannotBuild, match="error in C, C"):
        compiler.search()


def test_a_source_that_is_no_c_is_said(gcc, folder):
    compiler.search()
    with pytest.raises(CannotBuild, match=r"it ended with status 1: program\.c:1.*error"):
        compiler.build("nonsense")
    assert cache.contents().files == 0 and not leftovers(folder)


def ended(pid_file):
    """Whether the process whose number is in a file runs no more; a killed one takes a moment to go."""
    number = int(pid_file.read_text())
    for _ in range(500):
        try:
            os.kill(number, 0)
            if Path(f"/proc/{number}/stat").read_text().split()[2] == "Z":
                return True  # nobody has asked for its exit status
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False


def test_a_compiler_that_hangs_is_ended_with_its_children(script, tmp_path, monkeypatch, folder):
    monkeypatch.setattr(compiler, "SECONDS", 0.3)
    path = script(f"sleep 600 & echo $! > {tmp_path / 'child'}", f"echo x >> {tmp_path / 'log'}", "wait")
    for _ in range(2):
        with pytest.raises(CannotBuild, match=r"did not end within 0\.3 seconds"):
            compiler.search()
    with pytest.raises(CannotBuild, match=r"did not end within 0\.3 seconds"):
        compiler.build(SOURCE, compiler=compiler.Compiler("", "", (str(path),), "", 4))
    assert (tmp_path / "log").read_text() == "x\n", "it was waited for twice"
    assert ended(tmp_path / "child")
    assert not leftovers(folder)


@pytest.fixture
def heeds_ctrl_c():
    """Python's own handling of Ctrl-C: a suite that a shell has put in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_an_interrupted_build_leaves_nothing(script, tmp_path, folder):
    path = script(f"echo $$ > {tmp_path / 'pid'}", "sleep 0.2", "kill -INT $PPID", "sleep 600")
    with pytest.raises(KeyboardInterrupt):
        compiler.build(SOURCE, compiler=compiler.Compiler("", "", (str(path),), "", 4))
    assert ended(tmp_path / "pid") and not list(folder.iterdir())


def test_two_processes_build_the_same_at_once(counted, folder):
    code = f"from minigrad.compile.native import compiler; assert compiler.build({SOURCE!r}).answer() == 42"
    children = [subprocess.Popen([sys.executable, "-c", code], cwd=os.getcwd()) for _ in range(3)]
    assert [child.wait(120) for child in children] == [0, 0, 0]
    assert cache.contents().files >= 1 and not leftovers(folder)
    runs = counted()
    assert compiler.build(SOURCE).answer() == 42 and counted() == runs
