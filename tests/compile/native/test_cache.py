"""The cache of shared objects: complete, the user's own, bounded, or not used."""

from __future__ import annotations

import os
import sys
import time

import pytest

from minigrad.compile.native import cache, compiler

SOURCE = "int answer(void) { return 42; }\n"
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners and permissions here")


@pytest.fixture
def built(tmp_path):
    """A function that makes a file as a compiler does."""

    def made(content):
        path = tmp_path / f"program{cache.SUFFIX}"
        path.write_bytes(content)
        return path

    return made


def key(number):
    return cache.digest(str(number))


# -- the folder --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "/home/me/.cache/minigrad/compiled"),
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/minigrad/compiled"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/minigrad/compiled"),
        ("darwin", {}, "/home/me/Library/Caches/minigrad/compiled"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/minigrad/compiled"),
        ("win32", {}, "/home/me/AppData/Local/minigrad/compiled"),
        ("linux", {"MINIGRAD_CACHE": "/own", "XDG_CACHE_HOME": "/x"}, "/own/compiled"),
        ("linux", {"MINIGRAD_CACHE": "~/own"}, "/home/me/own/compiled"),
    ],
)
@posix
def test_the_folder_is_where_the_system_has_caches(platform, variables, expected, monkeypatch):
    for name in ("MINIGRAD_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cache.sys, "platform", platform)
    assert str(cache.folder()) == expected


@posix
def test_the_folder_is_closed_to_others(gcc, folder):
    compiler.build(SOURCE)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


def test_digests_keep_the_boundaries_of_parts():
    assert cache.digest("ab", "c") != cache.digest("a", "bc") != cache.digest("abc")
    assert cache.digest("ab") == cache.digest(b"ab")


# -- trust -------------------------------------------------------------------------------------


def use(counted):
    """Build the source with warnings as text; how often the compiler ran for it."""
    before = counted()
    with pytest.warns(UserWarning) as caught:
        assert compiler.build(SOURCE).answer() == 42
        assert compiler.build(SOURCE).answer() == 42
    assert {warning.filename for warning in caught} <= {__file__}
    return counted() - before, [str(warning.message) for warning in caught]


@posix
def test_nothing_is_loaded_from_a_folder_of_others(counted, folder, monkeypatch):
    compiler.build(SOURCE)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    runs, said = use(counted)
    assert runs == 2
    assert said == [
        f"Compiled code is not kept for the next process: {folder} belongs to another user. "
        "Set MINIGRAD_CACHE to a folder of your own."
    ]


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_nothing_is_loaded_from_a_folder_that_others_can_write_to(counted, folder, mode):
    compiler.build(SOURCE)
    folder.chmod(mode)
    runs, (said,) = use(counted)
    assert runs == 2 and f"{folder} can be written to by other users. Close it: chmod go-w {folder}" in said


@posix
@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_file_that_others_can_write_to_is_built_anew(counted, folder, mode):
    compiler.build(SOURCE)
    (path, _), runs = cache.entries()[0], counted()
    path.chmod(mode)
    assert compiler.build(SOURCE).answer() == 42 and counted() == runs + 1
    assert {entry.stat().st_mode & 0o022 for entry in folder.iterdir()} == {0}


@posix
def test_a_file_of_others_is_not_trusted(built, folder, monkeypatch):
    cache.trouble()
    path = cache.keep(key(1), built(b"library"))
    assert cache.kept(key(1)) == path
    true_status = os.stat_result((0o100700, 0, 0, 1, 12345, 0, 7, 0, 0, 0))
    monkeypatch.setattr(type(path), "lstat", lambda self: true_status)
    assert cache.kept(key(1)) is None


@posix
def test_a_link_is_no_shared_object(built, folder, tmp_path):
    cache.trouble()
    path = cache.keep(key(1), built(b"library"))
    os.replace(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.kept(key(1)) is None and not path.is_symlink() and (tmp_path / "elsewhere").exists()


@posix
def test_memories_of_others_are_not_believed(folder):
    cache.remember("key", [1])
    assert cache.memories() == {"key": [1]}
    (folder / cache.MEMORY).chmod(0o666)
    assert cache.memories() == {}


# -- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data + b"\0"])
def test_a_damaged_library_is_built_anew_and_never_loaded(counted, damage, monkeypatch):
    compiler.build(SOURCE)
    (path, _), runs = cache.entries()[0], counted()
    data = path.read_bytes()
    path.unlink()  # this process has loaded it
    path.write_bytes(damage(data))
    path.chmod(0o700)
    loaded, load = [], compiler.load
    monkeypatch.setattr(compiler, "load", lambda path: loaded.append(path.read_bytes()) or load(path))
    assert compiler.build(SOURCE).answer() == 42
    assert counted() == runs + 1 and damage(data) not in loaded
    assert [path for path, _ in cache.entries()] and all(map(cache.whole, (path for path, _ in cache.entries())))


def test_a_library_that_is_removed_meanwhile_is_built_anew(counted, monkeypatch):
    compiler.build(SOURCE)
    runs = counted()
    monkeypatch.setattr(cache, "kept", lambda key: cache.folder() / "gone.so")
    assert compiler.build(SOURCE).answer() == 42 and counted() == runs + 1


def test_a_folder_that_cannot_be_written_to_is_said_once(counted, monkeypatch, folder):
    compiler.search()

    def refuse(prefix, dir=None, made=cache.tempfile.mkdtemp):
        if dir:
            raise PermissionError(13, "Permission denied")
        return made(prefix=prefix)

    monkeypatch.setattr(cache.tempfile, "mkdtemp", refuse)
    runs, (said,) = use(counted)
    assert runs == 2 and f"{folder} cannot be written to (Permission denied). Set MINIGRAD_CACHE" in said


def test_a_folder_that_can_only_be_read_is_used(counted, monkeypatch):
    compiler.build(SOURCE)
    runs = counted()

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    for module, name in ((os, "utime"), (os, "replace"), (cache.tempfile, "mkdtemp")):
        monkeypatch.setattr(module, name, refuse)
    assert compiler.build(SOURCE).answer() == 42 and counted() == runs


def test_a_file_in_the_folders_place_is_said(counted, folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_bytes(b"")
    runs, (said,) = use(counted)
    assert runs >= 2 and f"{folder} cannot be made (File exists)" in said


def test_a_user_without_a_home_can_build(counted, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: cache.Path("~/minigrad/compiled"))
    _, (said,) = use(counted)
    assert "this user has no home folder" in said and not os.path.exists("~")


def test_a_disk_that_is_full_keeps_nothing(counted, monkeypatch, folder):
    compiler.search()

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    runs, (said,) = use(counted)
    assert runs == 2 and "No space left on device" in said
    assert cache.contents().files == 0


# -- size --------------------------------------------------------------------------------------


def test_the_least_recently_used_are_removed(built, monkeypatch):
    cache.trouble()
    monkeypatch.setattr(cache, "LARGEST", 250)
    for number in range(2):
        os.utime(cache.keep(key(number), built(bytes([number]) * 100)), (number, number))
    assert cache.kept(key(0))  # used now
    cache.keep(key(2), built(b"x" * 100))
    assert cache.kept(key(0)) and not cache.kept(key(1)) and cache.kept(key(2))
    cache.keep(key(3), built(b"x" * 1000))
    assert cache.contents() == (1, 1000) and cache.kept(key(3))


def test_what_killed_processes_left_is_removed(built, folder):
    cache.trouble()
    old, new = (folder / f"{cache.BUILDING}{name}" for name in ("old", "new"))
    for path in (old, new):
        path.mkdir()
        (path / "program.c").write_text("")
    hours_ago = time.time() - 2 * cache.ABANDONED
    os.utime(old, (hours_ago, hours_ago))
    with cache.workplace():
        assert not old.exists() and new.exists()


def test_clearing_removes_what_is_ours_alone(built, folder):
    cache.trouble()
    cache.keep(key(1), built(b"library"))
    cache.remember("key", 1)
    (folder / "notes.txt").write_text("mine")
    assert cache.clear() == (1, 7) and cache.contents() == (0, 0)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert cache.clear() == (0, 0)


def test_clearing_needs_no_folder(folder):
    assert cache.clear() == (0, 0) and not folder.exists()


def test_few_compilers_are_remembered():
    for number in range(cache.MEMORIES + 3):
        cache.remember(str(number), number)
    assert list(cache.memories().values()) == list(range(3, cache.MEMORIES + 3))
    assert sys.getsizeof(cache.memories()) > 0
