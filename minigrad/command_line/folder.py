"""What a command writes: that its file or folder can be written to, and that nothing which is there is lost."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..io.atomic import refusal
from .errors import CommandError

CURES = {
    0: "Choose another folder with {}.",
    errno.ENOSPC: "Free space on its disk, or choose another folder with {}.",
    errno.EDQUOT: "Free some of your quota, or choose another folder with {}.",
    errno.ENAMETOOLONG: "Choose a shorter name with {}.",
}
"""What helps if there can be no such folder or nothing can be written there; 0 stands for every other error."""


def refuse_to_overwrite(out: Path, names: Iterable[str], cure: str) -> None:
    """Refuse a folder that has one of these files already.

    Args:
        out: the folder.
        names: the files that the command would write.
        cure: what can be done but for ``--overwrite`` and ``--out``, ended by a comma; or nothing.
    """
    found = next((name for name in names if os.path.lexists(out / name)), None)
    if found:
        raise CommandError(
            f"{out} has a run already ({found}): {cure}replace it with --overwrite, "
            "or choose another folder with --out."
        )


@contextlib.contextmanager
def writable_file(path: Path, overwrite: bool) -> Iterator[Path]:
    """The file that ``-o`` names, in its folder, which is made if need be.

    Raises:
        CommandError: if it is a folder, or is there and is not to be overwritten; and as ``writable_folder``.
    """
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file in it with -o.")
    if os.path.lexists(path) and not overwrite:
        raise CommandError(f"{path} is there already: replace it with --overwrite, or choose another with -o.")
    with writable_folder(path.parent, "-o"):
        yield path


@contextlib.contextmanager
def writable_folder(path: Path, option: str = "--out") -> Iterator[Path]:
    """The folder that an option names, made if need be; what was made goes again if nothing was written there.

    Raises:
        CommandError: if nothing can be written there: a mistake in the command, unless the disk is full.
    """
    made = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path) as file:
                file.write(b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            cures = {number: cure.format(option) for number, cure in CURES.items()}
            raise CommandError(str(refusal(path, error, cures=cures)), code=1 if full else 2) from error
        yield path
    finally:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
