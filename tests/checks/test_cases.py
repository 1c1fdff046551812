"""Every operation that has a derivative has a case, which ``minigrad check`` checks."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import cases
from minigrad.checks.cases import CASES, Case, cases_of, inputs_of, operations
from minigrad.engine.op import Op


@pytest.mark.parametrize("name", operations())
def test_an_operation_has_a_case_that_applies_it(name):
    """If this fails: a line in ``CASES`` of minigrad/checks/cases.py, or a parameter's name in its ``USUAL``."""
    for label, case in cases_of(name).items():
        assert [x.shape for x in inputs_of(label, case)] == list(case.shapes)


@pytest.mark.parametrize("name", operations())
def test_its_derivatives_are_right_to_second_order(name):
    for label, case in cases_of(name).items():
        inputs = inputs_of(label, case)
        assert mg.gradcheck(case.function, inputs) and mg.gradgradcheck(case.function, inputs)


def test_every_line_is_of_an_operation():
    assert {label.partition(" ")[0] for label in CASES} <= set(operations())


def test_the_operations_are_minigrads_own_with_a_derivative(new_op):
    new_op(np.square, lambda dy, _y, x: 2 * dy * x)
    assert "made_for_a_test" in Op.registry and "made_for_a_test" not in operations()
    assert {"exp", "batch_norm", "put", "mean", "where"} <= set(operations())
    assert not {"eq", "isnan", "argmax"} & set(operations())


UNUSABLE = {
    "another operation": (Case(mg.exp), "the operation is not applied"),
    "nothing finite": (Case(lambda x: mg.sin(mg.log(-abs(x)))), "NaN or infinity"),
    "an error": (Case(lambda x: mg.sin(x @ x)), "matmul"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_case_that_will_not_do_says_why_and_what_to_write(name):
    case, reason = UNUSABLE[name]
    with pytest.raises(LookupError) as caught:
        inputs_of("sin", case)
    text = caught.value.args[0]
    assert reason in text and 'add a line to CASES in minigrad/checks/cases.py, say "sin": Case(lambda x:' in text


def test_numbers_come_from_the_first_interval_in_which_all_is_finite():
    of = {
        label: np.concatenate([x.detach().numpy().ravel() for x in inputs_of(label, cases.usual(label))])
        for label in ("sin", "log")
    }
    assert of["sin"].min() < -1 and 1 < of["sin"].max() < 2
    assert of["log"].min() > 0.1 and of["log"].max() < 1


def test_numbers_are_apart_from_each_other_and_from_usual_kinks():
    for low, high in cases.INTERVALS:
        values = np.concatenate([x.ravel() for x in cases.distinct(((2, 3), (2, 3)), low, high)])
        assert np.diff(np.sort(values)).min() > 0.02
        assert abs(values - np.round(values * 2) / 2).min() >= 0.01
