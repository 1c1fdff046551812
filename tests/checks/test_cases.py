"""Every operation that has a derivative has a case, which ``minigrad check`` checks."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import cases
from minigrad.checks.cases import CASES, Case, operations
from minigrad.engine.op import Op

ALL = dict(cases.prepared_cases(cases.all_cases()))
APPLIED = set().union(*(case.applied for case in ALL.values() if isinstance(case, cases.Prepared)))


@pytest.mark.parametrize("name", operations())
def test_an_operation_is_applied_by_a_case(name):
    assert name in APPLIED or isinstance(ALL.get(name), ImportError), cases.missing(name)


@pytest.mark.parametrize("label", [label for label, case in ALL.items() if case])
def test_a_case_is_right_to_second_order(label):
    case = ALL[label]
    if isinstance(case, ImportError):
        pytest.skip(str(case))
    assert not isinstance(case, LookupError), case
    assert mg.gradcheck(case.function, case.inputs) and mg.gradgradcheck(case.function, case.inputs)


def test_every_line_is_of_something():
    assert {cases.name_of(label) for label in CASES} <= {*cases.FUNCTIONS, *operations()}


def test_functions_that_users_call_have_cases_without_lines():
    found = {label for label, case in ALL.items() if case}
    assert {"mean", "softmax", "transpose", "binary_cross_entropy", "unsqueeze", "batch_norm training"} <= found
    assert not {"argmax", "isnan"} & set(cases.all_cases())


def test_the_operations_are_minigrads_own_with_a_derivative(new_op):
    new_op(np.square, lambda dy, _y, x: 2 * dy * x)
    assert "made_for_a_test" in Op.registry and "made_for_a_test" not in operations()
    assert {"exp", "batch_norm", "put", "mean", "where"} <= set(operations())
    assert not {"eq", "isnan", "argmax"} & set(operations())


def test_an_operation_that_users_do_not_call_is_called_only_if_no_function_applies_it():
    case = cases.all_cases()["ndtr"]
    assert "ndtr" in ALL["gelu"].applied and ALL["ndtr"] is None
    ((_, alone),) = cases.prepared_cases({"ndtr": case})
    assert "ndtr" in alone.applied


def test_what_the_gradients_of_gradients_consist_of_is_applied_too():
    assert {"cat", "getitem", "put"} <= ALL["cat"].applied


UNUSABLE = {
    "nothing with a derivative": (Case(lambda x: mg.argmax(x)), "it has no derivative"),
    "nothing finite": (Case(lambda x: mg.sin(mg.log(-abs(x)))), "NaN or infinity"),
    "an infinite second derivative": (Case(lambda x: x**1.5 * 0 + mg.sqrt(x * 0) ** 3), "NaN or infinity"),
    "an error": (Case(lambda x: mg.sin(x @ x)), "ValueError: matmul"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_case_that_will_not_do_says_why(name):
    case, reason = UNUSABLE[name]
    with pytest.raises(LookupError, match=r"^no input is known for sin: ") as caught:
        cases.prepared("sin", case)
    assert reason in caught.value.args[0]


def test_an_operation_without_a_case_is_told_where_to_add_it():
    text = cases.missing("erfcx")
    assert text.startswith("no case applies erfcx: add to CASES in minigrad/checks/cases.py a line")
    assert '"erfcx": Case(lambda x, y: erfcx(x, y, 2), ((2, 3), (3,)))' in text


def test_numbers_come_from_the_first_interval_in_which_all_is_finite():
    of = {label: np.concatenate([x.detach().numpy().ravel() for x in ALL[label].inputs]) for label in ("sin", "log")}
    assert of["sin"].min() < -1 and 1 < of["sin"].max() < 2
    assert of["log"].min() > 0.1 and of["log"].max() < 1


@pytest.mark.parametrize("interval", [*cases.INTERVALS, (0.5, 2), (0.3, 3)])
@pytest.mark.parametrize(
    "shapes", [((),), ((2, 3), (2, 3)), ((4, 3), (2, 3), (2,)), ((2, 3),) * 3, ((1, 2, 4, 4),), ()]
)
def test_numbers_and_their_differences_are_apart_and_not_near_usual_kinks(shapes, interval):
    arrays = cases.distinct(shapes, *interval)
    assert [x.shape for x in arrays] == list(shapes)
    values = np.concatenate([np.zeros(0), *(x.ravel() for x in arrays)])
    assert (np.diff(np.sort(values)) > 0.005).all()
    pairs = [x - y for x in arrays for y in arrays if x is not y and x.shape == y.shape]
    for numbers in [values, *pairs]:
        assert (abs(numbers - np.round(numbers * 2) / 2) >= 0.0099).all()
