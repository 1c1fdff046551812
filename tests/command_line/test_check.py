"""``minigrad check``: the derivatives of operations, and of a user's own case."""

from __future__ import annotations

import os
import re
import sys

import numpy as np
import pytest

from minigrad.checks import cases
from minigrad.checks.cases import CASES, Case, operations
from minigrad.command_line import check as check_module
from minigrad.engine.op import Op
from tests.command_line.runs import rows_of, run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")

OWN = """
import minigrad as mg
from minigrad import nn
from beside import WIDTH

def model():
    return nn.Sequential(nn.Linear(3, WIDTH), nn.BatchNorm1d(WIDTH)), mg.randn(5, 3)

def function():
    return lambda a, b: (a * b, a.exp()), (mg.ones(3).requires_grad_(), mg.randn(3).requires_grad_())

def operation():
    return mg.exp, mg.randn(3, requires_grad=True)

def late():
    import beside_too
    return mg.exp, beside_too.x

def half():
    return lambda a: a.detach() * a, mg.randn(3).requires_grad_()

def cut():
    return lambda a: (a * 2, a.detach()), mg.randn(3).requires_grad_()

def constant():
    return mg.exp, mg.randn(3)

def once():
    return Once.apply, mg.randn(3).requires_grad_()

class Once(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, dy):
        if mg.is_grad_enabled():
            raise RuntimeError("only once")
        return 2 * dy * ctx.saved_tensors[0]

def failing():
    return 1 / 0

def failing_inside():
    return lambda x: undefined(x), mg.randn(3).requires_grad_()

def leaving():
    raise SystemExit(3)

def three():
    return mg.mul, mg.ones(1), mg.ones(1)

def bare():
    return nn.Linear(2, 2)

def inputs_first():
    return mg.ones(3), mg.exp

def nothing():
    pass

def wanting(x):
    return mg.exp, x

value = 3
"""

FILES = {
    "own.py": OWN,
    "beside.py": "WIDTH = 4",
    "beside_too.py": "import minigrad as mg\nx = mg.ones(2, requires_grad=True)",
    "broken.py": "x = 1\ndef f(:",
    "lost.py": "import no_such_package",
    "ends.py": "raise SystemExit",
    "empty.py": "x = 1",
    "own.txt": "",
}


@pytest.fixture(autouse=True)
def files(in_an_empty_folder):
    for name, text in FILES.items():
        with open(name, "w") as file:
            file.write(text)
    with open("bytes.py", "wb") as file:
        file.write(b"x = '\xff'")
    os.mkdir("folder.py")
    before = list(sys.path)
    yield
    assert sys.path == before
    for name in ("beside", "beside_too"):
        sys.modules.pop(name, None)


def printed(capsys, *arguments, code=0):
    run("check", *arguments, code=code)
    return capsys.readouterr()


@pytest.fixture
def wrong_operation():
    """An operation that counts as minigrad's own and has a wrong derivative; the registry forgets it."""
    registry, lines = dict(Op.registry), dict(CASES)
    rule = eval("lambda dy, _y, x: -2 * dy * x", {"__name__": "minigrad.ops.planted"})
    op = Op("planted", np.square, rule)
    CASES["planted"] = Case(op)
    yield op
    for table, before in ((Op.registry, registry), (CASES, lines)):
        table.clear()
        table.update(before)


@pytest.mark.slow
def test_all_operations_are_right_to_second_order(capsys):
    out, error = printed(capsys)
    header, *rows = out.splitlines()
    assert header.split() == ["operation", "inputs", "count", "order", "1", "order", "2", "verdict"]
    *rows, _, last = rows
    assert {"exp", "batch_norm", "transpose", "getitem"} <= {row.split(" ")[0] for row in rows}
    assert all(row.endswith(" right") for row in rows) and max(map(len, (header, *rows))) <= 80
    assert last.startswith(f"{len(rows)} cases, all right: all {len(operations())} operations; ")
    assert error == ""


def test_operations_can_be_chosen(capsys):
    rows = printed(capsys, "exp", "batch_norm", "exp").out.splitlines()
    names = ["batch_norm evaluation", "batch_norm masked", "batch_norm training", "exp"]
    assert [row.split("  ")[0] for row in rows[1:5]] == names
    assert rows[-1] == "4 cases, all right"


def test_an_operation_of_the_inside_is_checked_by_what_applies_it(capsys):
    out = printed(capsys, "mantissa").out
    assert out.splitlines()[1].startswith("frexp ") and out.endswith("1 case, all right\n")


def test_quietly_only_the_last_line_is_printed(capsys):
    assert printed(capsys, "-q", "exp", "log").out == "2 cases, all right\n"


def test_a_wrong_operation_is_named_with_its_diagnosis_and_exit_code_1(capsys, wrong_operation):
    out, error = printed(capsys, "planted", "exp", code=1)
    assert "planted    (2, 3)      6        2" in out and "wrong: sign" in out
    assert "planted, gradcheck: wrong derivatives" in out
    assert "diagnosis: sign: backward gives the derivative times -1." in out
    assert error == "minigrad: 1 of 2 cases wrong\n"
    assert "exp" not in printed(capsys, "-q", "planted", "exp", code=1).out


def test_an_operation_without_a_case_is_wrong_and_says_what_to_write(capsys, wrong_operation, monkeypatch):
    CASES["planted"] = Case(lambda x: x @ x)
    out, _ = printed(capsys, "planted", code=1)
    assert (
        "wrong: no input is known for planted" in out
        and "planted: no input is known for planted: InvalidValueError" in out
    )
    del CASES["planted"]
    monkeypatch.setattr(cases, "usual", lambda function: None)
    out, _ = printed(capsys, "planted", code=1)
    assert "wrong: no case applies planted" in out
    assert "\nplanted: no case applies planted: add to CASES in minigrad/checks/cases.py a line" in out


def test_an_operation_that_users_do_not_call_is_checked_where_it_is_applied(capsys, wrong_operation, monkeypatch):
    monkeypatch.setattr(cases, "usual", lambda function: None)
    CASES["outer"] = Case(lambda x: wrong_operation(x) + 1)
    del CASES["planted"]
    assert "\nouter, gradcheck: wrong derivatives" in printed(capsys, "planted", code=1).out


def test_an_operation_that_needs_a_package_is_not_checked_without_it(capsys, wrong_operation):
    def needs_more(x):
        raise ImportError("it is computed by a package that is not there: pip install it")

    CASES["planted"] = Case(needs_more)
    out = printed(capsys, "planted", "exp").out
    assert re.search(r"^planted .* not checked$", out, re.MULTILINE)
    assert "\nnot checked: it is computed by a package that is not there: pip install it\n" in out
    assert out.endswith("1 case, all right; 1 not checked\n")


def test_an_operation_that_raises_an_error_is_wrong(capsys, monkeypatch):
    def fails(*_, **__):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(check_module, "gradgradcheck", fails)
    out, _ = printed(capsys, "exp", code=1)
    assert "wrong: ZeroDivisionError" in out and "exp: ZeroDivisionError: deep inside" in out


@pytest.mark.parametrize("name", ["model", "function", "operation", "late"])
def test_an_own_case_is_checked_to_second_order(name, capsys):
    out = printed(capsys, f"own.py:{name}").out
    first, header, *lines, last = out.splitlines()
    assert first.startswith("gradcheck: all right, ") and header.startswith("derivative  ")
    assert sum(line.startswith("gradgradcheck: all right, ") for line in lines) == 1
    assert last == f"{sum(line.endswith('right') for line in lines)} derivatives, all right"
    assert max(map(len, out.splitlines())) <= 80
    assert out == printed(capsys, f"own.py:{name}").out, "random numbers are the same each time"


def test_an_own_case_in_another_folder_finds_the_modules_beside_it(capsys):
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    assert "all right" in printed(capsys, os.path.join("..", "own.py:late")).out
    assert "all right" in printed(capsys, os.path.abspath(os.path.join("..", "own.py")) + ":model").out


def test_an_own_case_that_is_wrong_says_why_and_ends_with_exit_code_1(capsys):
    out, error = printed(capsys, "own.py:half", code=1)
    assert "\ninput 0 (3,): 3 of 3 elements differ" in out
    assert "diagnosis: constant factor: backward gives the derivative times 0.5." in out
    assert error == "minigrad: 2 of 3 derivatives wrong\n"
    quiet = printed(capsys, "-q", "own.py:half", code=1).out
    assert quiet.startswith("gradcheck, input 0 (3,): 3 of 3") and "\ngradgradcheck, input 0 (3,): 3 of 3" in quiet


def test_first_derivatives_are_shown_where_second_ones_fail(capsys):
    out, error = printed(capsys, "own.py:once", code=1)
    assert out.splitlines()[2].startswith("input 0") and len(out.splitlines()) == 3
    assert "own.py:once, derivatives of order 2" in error and "only once" in error and "own.py, line" in error


MISTAKES = [
    ("own.py:failing", 1, "own.py:failing failed: ZeroDivisionError: division by zero (own.py, line 44)"),
    ("own.py:leaving", 1, "own.py:leaving failed: SystemExit: 3 (own.py, line 50)"),
    ("own.py:failing_inside", 1, "NameError: name 'undefined' is not defined (own.py, line 47)"),
    ("own.py:constant", 1, "nothing to check: no input with elements requires grad. Call x.requires_grad_()"),
    ("own.py:cut", 1, "own.py:cut: gradcheck: output 1, (3,), moves with input 0 but does not require grad"),
    ("own.py:three", 1, "own.py:three returned 3 things: put the inputs in brackets, return f, (x, y)"),
    ("own.py:bare", 1, "own.py:bare returned a Linear, expected a function or module and its inputs: return model, x"),
    ("own.py:inputs_first", 1, "returned a tuple, expected a function or module and its inputs"),
    ("own.py:nothing", 1, "returned None, expected a function or module and its inputs: return model, x"),
    ("own.py:wanting", 2, "wanting in own.py takes arguments (x): a case takes none"),
    ("own.py:value", 2, "value in own.py is an int, expected a function that returns a function or module"),
    ("own.py:modell", 2, "there is no 'modell' in own.py. Did you mean own.py:model?"),
    ("own.py:", 2, "there is no '' in own.py. It has model, function"),
    ("empty.py:case", 2, "there is no 'case' in empty.py. It has no function of its own"),
    ("own.py", 2, "which case in own.py? Name it behind a colon: own.py:my_case"),
    ("none.py:case", 2, "cannot read none.py: there is no such file"),
    ("brokne.py:f", 2, "cannot read brokne.py: there is no such file. Did you mean 'broken.py'?"),
    ("folder.py:case", 2, "cannot read folder.py: it is a folder"),
    ("own.txt:case", 2, "A function of your own is checked as my_file.py:my_case"),
    (":case", 2, "A function of your own is checked as my_file.py:my_case"),
    ("broken.py:f", 1, "broken.py cannot be imported: SyntaxError: invalid syntax (broken.py, line 2)"),
    ("lost.py:f", 1, "cannot be imported: ModuleNotFoundError: No module named 'no_such_package' (lost.py, line 1)"),
    ("ends.py:f", 1, "ends.py cannot be imported: SystemExit (ends.py, line 1)"),
    ("bytes.py:f", 1, "bytes.py cannot be imported: SyntaxError"),
    ("expp", 2, "there is no operation 'expp' with a derivative. Did you mean exp?"),
    ("argmax", 2, "there is no operation 'argmax' with a derivative"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "code", "text"), MISTAKES, ids=[target for target, *_ in MISTAKES])
def test_mistakes_get_one_line_with_the_cure(target, code, text, capsys):
    out, error = printed(capsys, target, code=code)
    assert out == "" and error.startswith("minigrad: ") and error.count("\n") == 1
    assert text in error


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["exp", "own.py:model"], "own.py:model is checked by itself: give it without exp"),
        (["own.py:model", "own.py:model"], "give it without its repetition"),
        (["exp", "-o", "table.txt"], "expected a file that ends in .csv, .md, .html, got 'table.txt'"),
        (["exp", "--fast"], "--fast (see minigrad check --help)"),
    ],
)
def test_mistakes_in_the_options_get_one_line(arguments, text, capsys):
    assert text in printed(capsys, *arguments, code=2).err


def test_the_table_is_written_in_three_formats(capsys):
    for ending in ("csv", "md", "html"):
        assert "2 cases" in printed(capsys, "exp", "matmul", "-o", f"table.{ending}").out
    exp, matmul = rows_of("table.csv")
    assert (exp["operation"], exp["count"], exp["verdict"]) == ("exp", "6", "right")
    assert matmul["inputs"] == "(2, 1, 2, 3) (2, 3, 1)" and 0 < float(matmul["order 2"]) < 1e-9
    with open("table.md") as markdown, open("table.html", encoding="utf-8") as page:
        assert markdown.readline().startswith("| operation | inputs | count | order 1 |")
        text = page.read()
    assert text.startswith("<!DOCTYPE html>") and '<meta name="color-scheme" content="light dark">' in text
    assert text.count("<tr>") == text.count("</tr>") == 3


def test_the_table_is_written_also_if_something_is_wrong(capsys):
    printed(capsys, "own.py:half", "-o", "table.csv", code=1)
    assert [row["verdict"] for row in rows_of("table.csv")] == ["wrong: constant factor", "wrong: cut graph", "right"]
    for name in ("failing", "failing_inside"):
        printed(capsys, f"own.py:{name}", "-o", "table.csv", "--overwrite", code=1)
    assert len(rows_of("table.csv")) == 3, "nothing new has been found out"


def test_a_file_that_cannot_be_written_is_said_before_the_check(capsys, monkeypatch):
    monkeypatch.setattr(check_module, "check_operations", lambda *_: pytest.fail("checked"))
    os.mkdir("t.csv")
    for file, error in (("own.py/t.md", "File exists. Choose another folder with -o"), ("t.csv", "t.csv is a folder")):
        assert error in printed(capsys, "-o", file, code=2).err


def test_a_warning_is_one_line(capsys):
    with open("warns.py", "w") as file:
        file.write(
            "import warnings\nfrom own import *\ndef case():\n    warnings.warn('careful')\n    return model()\n"
        )
    out, error = printed(capsys, "warns.py:case")
    sys.modules.pop("own", None)
    assert "all right" in out and error == "minigrad: careful\n"


def test_what_was_checked_before_ctrl_c_is_shown(capsys, monkeypatch):
    original, checked = check_module.check_case, []

    def check_case(label, case):
        if len(checked) == 2:
            raise KeyboardInterrupt
        checked.append(label)
        return original(label, case)

    monkeypatch.setattr(check_module, "check_case", check_case)
    out, error = printed(capsys, "-o", "table.csv", code=130)
    assert [row["operation"] for row in rows_of("table.csv")] == checked and checked[1] in out
    assert error.endswith("minigrad: stopped after 2 cases; start again with: minigrad check -o table.csv\n")
