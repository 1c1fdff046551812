"""Whatever writes a file: links, pipes, permissions, killed processes, and the cure for every error."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.command_line import table
from minigrad.io import atomic
from minigrad.io.atomic import replacing

posix = pytest.mark.skipif(os.name != "posix", reason="for POSIX systems")


def save_checkpoint(path, value):
    mg.save({"value": value}, path)


def save_graph(path, value):
    mg.draw(mg.ones(1, requires_grad=True) * value).save(path)


def save_table(path, value):
    table.write_table(path, ["value"], [[value]])


WRITERS = pytest.mark.parametrize(
    ("write", "suffix"), [(save_checkpoint, ".ckpt"), (save_graph, ".gv"), (save_table, ".csv")]
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# -- what has the name already -----------------------------------------------------------------


@WRITERS
def test_a_link_is_followed(write, suffix, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    real, link, dangling = disk / f"run7{suffix}", tmp_path / f"latest{suffix}", tmp_path / f"next{suffix}"
    write(real, 1)
    link.symlink_to(Path("disk", real.name))
    dangling.symlink_to(disk / f"run8{suffix}")
    first = real.read_bytes()
    write(link, 2)
    write(dangling, 3)
    assert link.is_symlink() and dangling.is_symlink()
    assert real.read_bytes() == link.read_bytes() != first
    assert names(disk) == [f"run7{suffix}", f"run8{suffix}"]
    assert names(tmp_path) == sorted(["disk", link.name, dangling.name])


@posix
@WRITERS
def test_a_pipe_is_not_replaced(write, suffix, tmp_path):
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    link = tmp_path / f"link{suffix}"
    link.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDWR)  # without a reader, whoever opened the pipe to write would wait for one
    for path in (pipe, link):
        with pytest.raises(FileExistsError, match=r"it is a named pipe.*Choose another name") as refused:
            write(path, 1)
        assert str(path) in str(refused.value) and refused.value.errno == errno.EEXIST
    os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode) and link.is_symlink() and len(names(tmp_path)) == 2


@posix
def test_devices_and_pipes_behind_them_are_not_replaced(monkeypatch):
    monkeypatch.setattr(os, "replace", lambda *_: pytest.fail("replaced"))
    with pytest.raises(FileExistsError, match="it is a device"):
        save_checkpoint("/dev/null", 1)
    read, write = os.pipe()
    try:
        with pytest.raises(FileExistsError, match="it is a named pipe"):
            save_checkpoint(f"/dev/fd/{write}", 1)
    finally:
        os.close(read)
        os.close(write)


@posix
@WRITERS
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_replaced_file_keeps_its_permissions(write, suffix, mode, tmp_path, monkeypatch):
    path = tmp_path / f"run{suffix}"
    write(path, 1)
    path.chmod(mode)
    seen = []
    original = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: seen.append(os.fstat(number).st_mode & 0o777) or original(number))
    write(path, 2)
    assert path.stat().st_mode & 0o777 == mode
    assert seen == [mode]


@posix
def test_nobody_else_can_read_the_temporary_file_of_a_private_one(tmp_path):
    path = tmp_path / "run"
    path.write_bytes(b"old")
    path.chmod(0o600)
    before = os.umask(0)
    try:
        with replacing(path) as file:
            assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is write-protected for root")
def test_a_write_protected_file_is_not_replaced(tmp_path):
    path = tmp_path / "run"
    path.write_bytes(b"old")
    path.chmod(0o400)
    with pytest.raises(PermissionError, match="Make it and its folder writable, or choose another"):
        save_checkpoint(path, 1)
    assert path.read_bytes() == b"old" and names(tmp_path) == ["run"]


# -- errors ------------------------------------------------------------------------------------

SYSTEM_ERRORS = {
    errno.ENOSPC: "Free space on its disk",
    errno.EDQUOT: "Free some of your quota",
    errno.EROFS: "Choose a folder on a disk that can be written to",
    errno.EACCES: "Make it and its folder writable",
    errno.EIO: "Choose another.",
}


@pytest.mark.parametrize("place", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("number", SYSTEM_ERRORS, ids=errno.errorcode.get)
def test_an_error_keeps_its_number_and_has_its_cure(place, number, tmp_path, monkeypatch):
    path = tmp_path / "run.ckpt"
    save_checkpoint(path, "old")
    before = path.read_bytes()
    error = OSError(number, os.strerror(number))

    def fail(*_, **__):
        raise error

    targets = {"open": ("builtins.open",), "write": (mg.io.checkpoint, "write_archive")}
    monkeypatch.setattr(*targets.get(place, (os, place)), fail)
    with pytest.raises(type(error)) as refused:
        save_checkpoint(path, "new")
    monkeypatch.undo()
    said = str(refused.value)
    assert refused.value.errno == number
    assert said.startswith(f"cannot write {path}: {os.strerror(number)}. {SYSTEM_ERRORS[number]}") and "\n" not in said
    assert path.read_bytes() == before and names(tmp_path) == ["run.ckpt"]


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("x" * 300, errno.ENAMETOOLONG, "Choose a shorter name"),
        ("folder", errno.EISDIR, "it is a folder. Name a file in it"),
        ("file/run", errno.ENOTDIR, "a part of this path is a file"),
        ("none/run", errno.ENOENT, "there is no folder .*none. Make it first"),
        ("loop", errno.ELOOP, "Remove its symbolic link, which leads to itself"),
    ],
)
def test_a_name_that_cannot_be_written_has_its_cure(name, number, said, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    before = names(tmp_path)
    with pytest.raises(OSError, match=said) as refused:
        save_checkpoint(tmp_path / name, 1)
    assert refused.value.errno == number
    assert names(tmp_path) == before
    if number != errno.EISDIR:
        with pytest.raises(OSError, match=r"no such file|cannot read"):
            mg.load(tmp_path / name)


@pytest.mark.parametrize("function", [lambda path: mg.save({}, path), mg.load], ids=["save", "load"])
def test_what_is_no_path_is_refused(function):
    with pytest.raises(TypeError, match=r"an object: expected the path of a file \(str or os.PathLike\)"):
        function(object())
    with pytest.raises(ValueError, match="null character"):
        function("a\0b")


def test_a_path_may_be_bytes(tmp_path):
    path = os.fsencode(tmp_path / "run.ckpt")
    mg.save({"a": 1}, path)
    assert mg.load(path) == {"a": 1}


# -- killed processes --------------------------------------------------------------------------

KILLED = """
import mmap, os, random, signal, sys, time
import numpy as np
import minigrad as mg
path, kills = sys.argv[1], int(sys.argv[2])
begun = memoryview(mmap.mmap(-1, 8)).cast("q")  # shared: the number of the save that has begun
mg.save({"number": 0, "array": np.zeros(300_000)}, path)
halfway = 0
for i in range(kills):
    child = os.fork()
    if not child:
        while True:
            begun[0] += 1
            mg.save({"number": begun[0], "array": np.full(300_000, begun[0], float)}, path)
    time.sleep(random.Random(i).uniform(0, 0.03))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = mg.load(path)
    assert found["number"] in (begun[0] - 1, begun[0]), (found["number"], begun[0])
    assert found["array"].shape == (300_000,) and (found["array"] == found["number"]).all()
    begun[0] = found["number"]
    names = os.listdir(os.path.dirname(path))
    assert len(names) <= 2, names
    halfway += len(names) - 1
print(halfway)
"""
KILLS = 25


@pytest.mark.slow
@posix
def test_killed_saves_leave_the_file_whole_and_their_rests_go_with_the_next_save(tmp_path):
    path = tmp_path / "run.ckpt"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(KILLS)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0  # kills in the middle of a save, which left a file
    save_checkpoint(path, 1)
    assert names(tmp_path) == ["run.ckpt"]


@posix
def test_only_what_no_process_writes_is_removed(tmp_path):
    path = tmp_path / "run.ckpt"
    others = [".run.ckpt.0123456789abcdeg", ".run.ckpt.0123", "run.ckpt.0123456789abcdef", ".run_ckpt.0123456789abcdef"]
    for name in (*others, ".run.ckpt.0123456789abcdef"):
        (tmp_path / name).write_bytes(b"")
    with replacing(path) as file:
        save_checkpoint(path, "inner")
        assert os.path.exists(file.name)
        file.write(b"outer")
    assert path.read_bytes() == b"outer"
    assert names(tmp_path) == sorted([*others, "run.ckpt"])


@posix
def test_a_file_that_was_removed_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    removed, original = [], atomic.lock

    def lock(file, wait=True):
        if not removed:
            removed.append(file.name)
            os.unlink(file.name)
        original(file, wait)

    monkeypatch.setattr(atomic, "lock", lock)
    save_checkpoint(tmp_path / "run", 1)
    assert mg.load(tmp_path / "run") == {"value": 1} and len(removed) == 1


def test_threads_may_save_under_one_name(tmp_path):
    path, errors = tmp_path / "run", []

    def work(value):
        try:
            for _ in range(20):
                save_checkpoint(path, value)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and mg.load(path)["value"] in range(4) and names(tmp_path) == ["run"]
