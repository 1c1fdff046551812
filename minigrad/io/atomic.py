"""Files that are complete or, after an error, what they were before."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[Any]]:
    """A binary file to write; it takes the place of ``path`` when the block ends without an error.

    The data is written to a temporary file beside it, flushed to the disk, and renamed.

    Raises:
        OSError: naming the file, if it cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}. Make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"cannot write {path}: it is a folder. Name a file in it.")
    try:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        file = open(temporary, "xb")  # noqa: SIM115 - closed below, where its errors are told apart
    except OSError as error:
        raise refusal(path, error) from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise refusal(path, error) from error
        raise


def refusal(path: Path, error: OSError) -> OSError:
    """The error with the file it is about, and the cure."""
    return type(error)(f"cannot write {path}: {error.strerror or error}. Make its folder writable, or choose another.")
