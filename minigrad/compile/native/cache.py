"""Shared objects that were built before, in a folder of the user's own.

Each is named ``<key>-<digest><suffix>``: the key is the digest of all that it was built from, and the second digest
that of its bytes. So a file is complete or not used, without a second file that would have to agree with it.
What anybody but the user could have written is never used: loading a library runs it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ...engine.lines import level_outside
from ...io.atomic import replacing

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
LARGEST = 128 * 2**20
"""Bytes of all files: the least recently used are removed beyond it."""
ABANDONED = 3600.0
"""Seconds after which a folder to build in was left by a process that was killed."""
BUILDING = "building-"
ENTRY = re.compile(rf"[0-9a-f]{{32}}-[0-9a-f]{{32}}{re.escape(SUFFIX)}")
MEMORY, MEMORIES = "compilers.json", 16
"""What is known of compilers: the name of its file, and how many entries it keeps."""

said: set[str] = set()
"""Troubles with the cache that this process has warned about."""


class Contents(NamedTuple):
    """What a cache holds."""

    files: int
    bytes: int


def digest(*parts: bytes | str) -> str:
    """The digest of all the parts, with their boundaries."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little"))
        total.update(data)
    return total.hexdigest()[:32]


# -- the folder --------------------------------------------------------------------------------


def user_folder() -> Path:
    """The folder for all that minigrad caches: ``MINIGRAD_CACHE``, or one in the user's own cache folder."""
    own = os.environ.get("MINIGRAD_CACHE", "")
    if own:
        return Path(os.path.abspath(os.path.expanduser(own)))
    given = os.environ.get("XDG_CACHE_HOME", "")
    usual = {"darwin": "~/Library/Caches", "win32": os.environ.get("LOCALAPPDATA") or "~/AppData/Local"}
    return Path(given if os.path.isabs(given) else os.path.expanduser(usual.get(sys.platform, "~/.cache")), "minigrad")


def folder() -> Path:
    """The folder of the shared objects."""
    return user_folder() / "compiled"


def foreign(path: Path, status: os.stat_result) -> str:
    """Why something of this status must not be trusted, with the cure; empty if it is the user's alone.

    Windows has no such owners and permissions: the folders of a user are closed to others there.
    """
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid != os.geteuid():
        return f"{path} belongs to another user. Set MINIGRAD_CACHE to a folder of your own."
    if stat.S_IMODE(status.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
        return f"{path} can be written to by other users. Close it: chmod go-w {path}"
    return ""


def trouble() -> str:
    """Why the folder cannot be read from, with the cure; empty if it can. One that is missing is made."""
    path = folder()
    if not path.is_absolute():
        return "this user has no home folder. Set MINIGRAD_CACHE to a folder that can be written to."
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return foreign(path, path.stat())
    except OSError as error:
        reason = error.strerror or error
        return f"{path} cannot be made ({reason}). Set MINIGRAD_CACHE to a folder that can be written to."


def say(reason: str) -> None:
    """Warn once of a cache that cannot be used."""
    if reason not in said:
        said.add(reason)
        warnings.warn(f"Compiled code is not kept for the next process: {reason}", stacklevel=level_outside())


@contextlib.contextmanager
def workplace() -> Iterator[tuple[Path, bool]]:
    """An empty folder to build in, which is gone afterwards, and whether what is built can be kept."""
    reason = trouble()
    place = ""
    if not reason:
        try:
            sweep()
            place = tempfile.mkdtemp(prefix=BUILDING, dir=folder())
        except OSError as error:
            reason = (
                f"{folder()} cannot be written to ({error.strerror or error}). "
                "Set MINIGRAD_CACHE to a folder that can be written to."
            )
    if reason:
        say(reason)
    place = place or tempfile.mkdtemp(prefix="minigrad-")
    try:
        yield Path(place), not reason
    finally:
        shutil.rmtree(place, ignore_errors=True)  # Windows keeps a library that is loaded


def sweep() -> None:
    """Remove the folders that killed processes have left."""
    with os.scandir(folder()) as entries:
        old = [entry.path for entry in entries if entry.name.startswith(BUILDING) and age(entry) > ABANDONED]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)


def age(entry: os.DirEntry[str]) -> float:
    """Seconds since a folder's last change; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return time.time() - entry.stat().st_mtime
    return 0.0


# -- the shared objects ------------------------------------------------------------------------


def entries() -> list[tuple[Path, os.stat_result]]:
    """The shared objects of the folder, the least recently used first."""
    found = []
    with contextlib.suppress(OSError), os.scandir(folder()) as listing:
        for entry in listing:
            if ENTRY.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    found.append((Path(entry.path), entry.stat(follow_symlinks=False)))
    return sorted(found, key=lambda pair: (pair[1].st_mtime_ns, pair[0].name))


def kept(key: str) -> Path | None:
    """The shared object of a key, complete and the user's own; None if there is none."""
    if trouble():
        return None
    with contextlib.suppress(OSError), os.scandir(folder()) as listing:
        paths = [Path(entry.path) for entry in listing if entry.name.startswith(key) and ENTRY.fullmatch(entry.name)]
        return next(filter(whole, paths), None)
    return None


def whole(path: Path) -> bool:
    """Whether a shared object is complete and can be trusted; one that is not is removed where that is possible."""
    try:
        status = path.lstat()
        trusted = stat.S_ISREG(status.st_mode) and not foreign(path, status)
        if trusted and digest(path.read_bytes()) == path.stem.rpartition("-")[2]:
            with contextlib.suppress(OSError):  # in a folder that can only be read
                os.utime(path)
            return True
        path.unlink()
    except OSError:
        pass
    return False


def keep(key: str, built: Path) -> Path:
    """Move a shared object into the cache; returns where it is, which is where it was if it cannot be kept."""
    try:
        built.chmod(0o700)
        target = folder() / f"{key}-{digest(built.read_bytes())}{SUFFIX}"
        os.replace(built, target)
        shrink(target)
    except OSError as error:
        if target.exists() and whole(target):  # Windows replaces no library that is loaded
            return target
        say(f"{folder()} cannot be written to ({error.strerror or error}).")
        return built
    return target


def shrink(newest: Path) -> None:
    """Remove the least recently used shared objects until the others fit."""
    listing = entries()
    total = sum(status.st_size for _, status in listing)
    for path, status in listing:
        if total <= LARGEST:
            return
        if path != newest:
            with contextlib.suppress(OSError):
                path.unlink()
                total -= status.st_size


def contents() -> Contents:
    """How many shared objects there are, and their size."""
    listing = entries()
    return Contents(len(listing), sum(status.st_size for _, status in listing))


def clear() -> Contents:
    """Remove all shared objects and what is known of compilers; returns what there was.

    Raises:
        OSError: if something cannot be removed.
    """
    before = contents()
    for path, _ in entries():
        path.unlink(missing_ok=True)
    (folder() / MEMORY).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        sweep()
    return before


# -- what is known of compilers ----------------------------------------------------------------


def memories() -> dict[str, Any]:
    """What is known of compilers, by key; nothing if the file is missing, damaged or not the user's own."""
    path = folder() / MEMORY
    try:
        if trouble() or foreign(path, path.lstat()):
            return {}
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def remember(key: str, value: Any) -> None:
    """Keep what is known of a compiler, where there is a place for it."""
    if trouble():
        return
    others = {name: known for name, known in memories().items() if name != key}
    latest = dict(list(others.items())[-MEMORIES + 1 :]) | {key: value}
    with contextlib.suppress(OSError):
        with replacing(folder() / MEMORY) as file:
            file.write(json.dumps(latest, indent=1).encode())
        (folder() / MEMORY).chmod(0o600)
