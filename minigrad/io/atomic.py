"""Files that are complete or, after an error, what they were before."""

from __future__ import annotations

import contextlib
import os
import tempfile
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
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise refusal(path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~current_umask())
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise refusal(path, error) from error
        raise


def refusal(path: Path, error: OSError) -> OSError:
    """The error with the file it is about, and the cure."""
    return type(error)(f"cannot write {path}: {error.strerror or error}. Make its folder writable, or choose another.")


def current_umask() -> int:
    """What new files are not to be allowed; a temporary file is made stricter than that."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
