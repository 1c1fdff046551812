"""The folder of a run: that it can be written to, and that no earlier run in it is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ..io.atomic import refusal, replacing
from .errors import CommandError


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


def writable_folder(path: Path) -> Path:
    """The folder, made if need be; refused if nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(refusal(path, error)) from error
    try:
        with replacing(path / ".writable") as file:
            file.write(b"")
        (path / ".writable").unlink()
    except OSError as error:
        raise unusable(error) from error
    return path


def unusable(error: OSError) -> CommandError:
    """The error as that of a command: a mistake, unless the disk is full."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return CommandError(f"{error} Choose another folder with --out.", code=1 if full else 2)
