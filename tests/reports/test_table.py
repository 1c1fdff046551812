"""Tables as text and Markdown, and findings."""

from minigrad.reports.finding import Finding
from minigrad.reports.table import WIDTH, markdown_table, shortened, text_table


def test_long_names_are_shortened_in_the_middle():
    assert shortened("parameter encoder.layers.0.weight", 20) == "paramet….0.weight"[:8] + "ayers.0.weight"[-12:]
    assert len(shortened("parameter encoder.layers.0.weight", 20)) == 20
    assert shortened("short", 20) == "short"
    assert shortened("    encoder: BatchNorm1d", 14) == "    enc…Norm1d"


def test_columns_of_numbers_are_aligned_to_the_right():
    assert text_table(("a", "n"), [["x", "1"], ["long", "100"]], {"n"}) == "a       n\nx       1\nlong  100"
    assert markdown_table(("a", "n"), [["x|y", "1"]], {"n"}) == "| a | n |\n| --- | ---: |\n| x\\|y | 1 |\n"


def test_a_finding_is_as_wide_as_a_terminal():
    text = str(Finding("model.0", "what " * 30, "why " * 30, "a cure"))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.startswith("model.0: what what") and "\n  Why: why" in text and text.endswith("\n  Cure: a cure")
