"""Tables of comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..io.atomic import replacing


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file: whole or not at all."""
    with replacing(path) as file:
        file.write(csv_text(header, rows).encode())


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]], *_: Any) -> str:
    """Rows as comma-separated values; how a page would show them does not matter."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
