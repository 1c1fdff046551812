"""The page of the guide on ties and kinks is that of the table."""

from __future__ import annotations

import pytest

from tests.contract.conventions_page import PAGE, page, text
from tests.contract.conventions_table import MATHEMATICS, PYTORCH


def test_the_page_is_that_of_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again: python -m tests.contract.conventions_page"


def test_every_row_is_a_line():
    lines = page().splitlines()
    for table in (PYTORCH, MATHEMATICS):
        for rows in table.values():
            for row in rows:
                (line,) = (line for line in lines if line.startswith(f"| `{row.name}` |"))
                assert line.count("|") == 5


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0, "0"),
        (float("-inf"), "-inf"),
        (2 / 3, "0.666667"),
        ([[1, 0.5], []], "[[1, 0.5], []]"),
        ([2.0] * 9 + [0.5], "[2 (9 times), 0.5]"),
    ],
)
def test_numbers_are_short(value, expected):
    assert text(value) == expected
