"""The report of a check: true if all is right, a table in terminals, a table in notebooks."""

import html.parser
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks import GradcheckReport
from minigrad.nn import functional as F
from tests.checks.inputs import CHECKS, leaf


def half(x):
    return x.detach() * x


def report_of(function, inputs, check=mg.gradcheck, **options):
    return check(function, inputs, raise_exception=False, **options)


@pytest.mark.parametrize("check", CHECKS)
def test_a_report_is_true_if_all_is_right_and_the_check_itself_returns_true(check):
    report = report_of(mg.exp, leaf(3), check)
    assert isinstance(report, GradcheckReport) and report
    assert check(mg.exp, leaf(3)) is True
    assert "all right" in str(report) == repr(report)


def test_a_report_is_false_if_something_is_wrong_and_says_what_the_error_says():
    report = report_of(half, leaf(3))
    assert not report
    with pytest.raises(mg.GradcheckError) as caught:
        mg.gradcheck(half, leaf(3))
    assert str(caught.value) == report.message
    assert report.findings[0] in str(report)


def test_each_row_has_the_facts_of_one_derivative():
    x, y = mg.tensor([[1.0, 2.0, 4.0]], requires_grad=True), leaf(3)
    right, wrong, *others = report_of(lambda x, y: (x + y, half(x)), (x, y)).rows
    assert (wrong.name, wrong.shape, wrong.dtype, wrong.elements) == ("output 1 by input 0", (1, 3), np.float32, 3)
    assert wrong.verdict == "wrong: constant factor" and not wrong
    # of the output's weighted sum, whose weights are from 0.5 to 1.5
    assert wrong.absolute == pytest.approx(abs(wrong.numeric - wrong.backward))
    assert wrong.backward == pytest.approx(wrong.numeric / 2)
    assert wrong.relative == pytest.approx(0.5)
    assert right.name == "output 0 by input 0" and right.verdict == "right" and right.absolute < 1e-9
    assert [row.name for row in others] == ["output 0 by input 1", "output 1 by input 1"] and all(others)


def test_a_module_has_a_row_for_each_input_and_parameter():
    report = report_of(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double(), mg.randn(4, 3))
    assert [(row.name, row.shape, str(row.dtype)) for row in report.rows] == [
        ("input 0", (4, 3), "float32"),
        ("parameter 0.weight", (2, 3), "float64"),
        ("parameter 0.bias", (2,), "float64"),
        ("parameter 1.weight", (2,), "float64"),
        ("parameter 1.bias", (2,), "float64"),
    ]


def test_a_gradient_that_is_exactly_zero_has_no_relative_error():
    (row,) = report_of(lambda x: F.batch_norm(x, None, None, training=True).sum(), leaf(5, 3)).rows
    assert row and row.relative == 0


def test_the_table_fits_into_80_columns():
    model = nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(3, 2), nn.Tanh()), nn.BatchNorm1d(2)))
    text = str(report_of(model, mg.randn(4, 3)))
    first, header, *rows = text.splitlines()
    assert first == "gradcheck: all right, 5 derivatives, 24 elements"
    assert header.split("  ")[0] == "derivative" and len(rows) == 5
    assert max(map(len, text.splitlines())) <= 80
    wrong = str(report_of(lambda x, y: (x * y, half(x).sum()), (leaf(10, 11), leaf(11))))
    table = [line for line in wrong.splitlines() if re.match(r"(output|derivative)", line) and "differ" not in line]
    assert len(table) == 5 and max(map(len, table)) <= 80
    assert re.search(r"^output 1 by input 0 .* wrong$", wrong, re.MULTILINE)
    assert "diagnosis: constant factor" in wrong


class Reader(html.parser.HTMLParser):
    """The cells of a page's tables, and its tags."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "strong"):
            self.cells.append(data)


def test_in_notebooks_it_is_a_table_that_has_escaped_every_name():
    report = report_of(lambda d: half(d["<b>&"]), ({"<b>&": leaf(3)},))
    page = Reader(report._repr_html_())
    assert page.open == [] and page.cells[:2] == ["derivative", "shape"]
    assert "input 0.<b>&" in page.cells and "wrong: constant factor" in page.cells
    assert "<b>" not in report._repr_html_()


def test_its_colours_are_those_of_the_page_but_for_what_is_wrong():
    right, wrong = (report_of(function, leaf(3))._repr_html_() for function in (mg.exp, half))
    assert "color:" not in right.replace("border-color:", "") and wrong.count("color:") == 1
    assert "background" not in right + wrong


RANDOM = np.random.default_rng(0)
TROUBLE = {
    "cut output": (lambda x: (x * 2, x.detach() * 3), "output 1, (3,), moves with input 0 but does not require grad"),
    "shapes": (lambda x: x[x > 0], "the shapes of the outputs depend"),
    "draws": (lambda x: x * RANDOM.random(), "non-deterministic function: output 0"),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_what_cannot_be_compared_is_a_report_too(name):
    function, text = TROUBLE[name]
    report = report_of(function, mg.tensor([0.5, 1e-9, -2.0], requires_grad=True))
    assert not report and report.rows == []
    assert text in report.trouble and report.message == str(report) == report.trouble
    assert text.partition("(")[0] in report._repr_html_()
