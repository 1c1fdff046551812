"""How notebooks show a tensor: what it is, and its values as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ..reports.table import html_block, html_table, html_text
from .printing import float_format

LONGEST = 10
"""Rows and columns of a table; of longer axes only both ends."""


def as_html(kind: str, array: ndarray, notes: Sequence[str], text: str) -> str:
    """A vector or a matrix as a table, a single number behind what it is, anything else as its text."""
    about = ", ".join([f"{kind} {array.shape} {array.dtype}", *notes])
    if not array.size:
        return html_block([f"{about}: no elements"])
    if array.ndim == 0:
        return html_block([f"{about}: {float_format(array)[0](array[()]) if array.dtype.kind == 'f' else array}"])
    if array.ndim > 2:
        return html_block([about], html_text(text))
    matrix = array if array.ndim == 2 else array[None]
    rows, columns = (chosen(n) for n in matrix.shape)
    values = matrix[np.ix_(*([i for i in which if i >= 0] for which in (rows, columns)))]
    write = float_format(values)[0] if array.dtype.kind == "f" else str
    cells = [[write(matrix[i, j]) if i >= 0 <= j else "…" for j in columns] for i in rows]
    header = [str(j) if j >= 0 else "…" for j in columns]
    if array.ndim == 2:
        names = [str(i) if i >= 0 else "…" for i in rows]
        header, cells = ["", *header], [[name, *row] for name, row in zip(names, cells)]
    return html_block([about], html_table(header, cells, header))


def chosen(n: int) -> list[int]:
    """The numbers along an axis that are shown; -1 stands for those left out."""
    half = LONGEST // 2
    return list(range(n)) if n <= LONGEST else [*range(half), -1, *range(n - half, n)]
