"""Files that are complete or, after an error, what they were before."""

from __future__ import annotations

import contextlib
import difflib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

from ..engine.arguments import a_type

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

CURES = {
    0: "Choose another.",
    errno.ENOSPC: "Free space on its disk, or choose a folder on another one.",
    errno.EDQUOT: "Free some of your quota, or choose a folder on another disk.",
    errno.EFBIG: "Raise the limit on the size of files, or choose a folder on another disk.",
    errno.EROFS: "Choose a folder on a disk that can be written to.",
    errno.EACCES: "Make it and its folder writable, or choose another.",
    errno.EPERM: "Make it and its folder writable, or choose another.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOENT: "Make it first.",
    errno.ENOTDIR: "Choose another folder: a part of this path is a file.",
    errno.EISDIR: "Name a file in it.",
    errno.EEXIST: "Choose another name.",
    errno.ELOOP: "Remove its symbolic link, which leads to itself.",
    errno.EMFILE: "Close files that are no longer needed, or raise the limit of open files.",
}
"""What helps against an error of the system when a file is written; 0 stands for every other error."""
READING_CURES = {**CURES, errno.EACCES: "Make it readable.", errno.EPERM: "Make it readable."}
LONG = 64
"""The temporary file of a name of more bytes does not repeat it."""
MANY = 1000
"""Names in a folder among which one that is nearly right is looked for."""
KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
"""What has a name like a file, and is none that could be replaced."""


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[Any]]:
    """A binary file to write; it takes the place of ``path`` when the block ends without an error.

    The data is written to a temporary file beside it, flushed to the disk, and renamed. Symbolic links are
    followed: what they point to is replaced. A file that is replaced keeps its permissions. Temporary files
    that killed processes left behind are removed.

    Raises:
        OSError: naming the file and the cure, with the system's ``errno``, if it cannot be written; also if
            there is a folder, a pipe or a device of that name.
        TypeError: for what is no path.
    """
    path = as_path(path)
    try:
        target = Path(os.path.realpath(path))
        before = replaceable(path, target)
        remove_leftovers(target)
        with temporary(target, 0o666 if before is None else 0o600) as file:
            yield file
            file.flush()
            if before is not None:
                take_over(file, before)
            os.fsync(file.fileno())
            if not fcntl:  # Windows renames no open file; elsewhere it stays locked until it has its name
                file.close()
            os.replace(file.name, target)
    except OSError as error:
        raise refusal(path, error) from error


def as_path(path: Any) -> Path:
    """The path of a file.

    Raises:
        TypeError: for anything that is no path, such as an open file.
        ValueError: for a name that no file can have.
        IsADirectoryError: for a name that only a folder can have, such as ``"runs/"``.
    """
    try:
        text = os.fsdecode(path)
    except TypeError:
        raise TypeError(
            f"cannot save to or load from {a_type(path)}: expected the path of a file (str or os.PathLike)."
        ) from None
    if "\0" in text:
        raise ValueError(f"cannot save to or load from {text!r}: no file can have a name with a null character.")
    if os.path.basename(text) in ("", os.curdir):  # which pathlib would drop
        error = IsADirectoryError(f"cannot save to or load from {text!r}: it names a folder. Name a file in it.")
        error.errno = errno.EISDIR
        raise error
    return Path(text)


def replaceable(path: Path, target: Path) -> os.stat_result | None:
    """The status of the file that ``target`` replaces, None if there is none; refused if it cannot be replaced.

    ``path`` is what the user named: of a pipe behind ``/dev/stdout`` the system knows no other name.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.lexists(target.parent):
            return None
        folder = target.parent if path.is_symlink() else path.parent
        raise FileNotFoundError(errno.ENOENT, f"there is no folder {folder}") from None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise FileExistsError(errno.EEXIST, f"it is {kind}, which a file must not replace")
    os.close(os.open(target, os.O_WRONLY))  # a rename would not ask whether the file is write-protected
    return status


@contextlib.contextmanager
def temporary(target: Path, mode: int) -> Iterator[IO[Any]]:
    """A new, locked file beside ``target``, removed after an error."""
    file = new_file(target, mode)
    try:
        with file:
            yield file
    except BaseException:
        Path(file.name).unlink(missing_ok=True)
        raise


def new_file(target: Path, mode: int) -> IO[Any]:
    """A new file beside ``target``, whose lock says that a process is writing it."""
    while True:
        name = target.with_name(f"{temporary_stem(target)}.{secrets.token_hex(8)}")
        file = open(name, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
        with contextlib.suppress(OSError):  # some network disks have no locks, and then nothing is removed there
            lock(file)
        if name.exists():  # else another process removed it before it was locked
            return file
        file.close()


def temporary_stem(target: Path) -> str:
    """How the names of all temporary files of ``target`` begin; a long name is replaced by its digest.

    The system takes names of up to 255 bytes or fewer, and the temporary one must not be what is too long.
    """
    name = os.fsencode(target.name)
    return f".{target.name if len(name) <= LONG else hashlib.sha256(name).hexdigest()[:32]}"


def lock(file: IO[Any], wait: bool = True) -> None:
    """Lock a file until it is closed or the process ends."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def remove_leftovers(target: Path) -> None:
    """Remove the temporary files of ``target`` that no process is writing any more."""
    leftover = re.compile(rf"{re.escape(temporary_stem(target))}\.[0-9a-f]{{16}}", re.DOTALL)
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        paths = [entry.path for entry in entries if leftover.fullmatch(entry.name)]
        for path in paths:
            with contextlib.suppress(OSError):
                remove_unlocked(path)


def remove_unlocked(path: str) -> None:
    """Remove a file that no process has locked; under Windows, one that no process has open."""
    if not fcntl:
        os.unlink(path)
        return
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
    with open(path, "r+b", opener=lambda name, _: os.open(name, flags)) as file:
        lock(file, wait=False)
        os.unlink(path)


def take_over(file: IO[Any], before: os.stat_result) -> None:
    """Give the file the owner and the permissions of the one it will replace."""
    if hasattr(os, "fchown"):
        now = os.fstat(file.fileno())
        if (now.st_uid, now.st_gid) != (before.st_uid, before.st_gid):
            with contextlib.suppress(OSError):
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
    os.chmod(file.name, stat.S_IMODE(before.st_mode))


def refusal(path: Path, error: OSError, action: str = "write", cures: Mapping[int, str] = CURES) -> OSError:
    """The error with the file it is about, the cure and the system's number."""
    cure = cures.get(error.errno or 0) or cures[0]
    result = type(error)(f"cannot {action} {path}: {error.strerror or error}. {cure}")
    result.errno = error.errno
    return result


def near_file(path: Path) -> str:
    """A hint at a file or folder beside one that is not there, of nearly its name; empty if there is none."""
    try:
        with os.scandir(path.parent) as entries:
            beside = {entry.name.lower(): entry.name for entry in islice(entries, MANY)}
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name.lower(), beside, 1)
    return f" Did you mean '{path.with_name(beside[close[0]])}'?" if close and not os.path.lexists(path) else ""
