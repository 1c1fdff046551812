"""Each kind of wrong gradient is found and gets its diagnosis."""

import numpy as np
import pytest

import minigrad as mg
from tests.checks.inputs import SCALES, array_of, error_of, leaf

A = np.random.default_rng(9).standard_normal((4, 4))
B = np.random.default_rng(8).standard_normal((4, 6))

WRONG = {
    "sign": ("sign: backward gives the derivative times -1", np.sin, lambda dy, _y, x: -dy * np.cos(x)),
    "half": ("constant factor: backward gives the derivative times 0.5", np.square, lambda dy, _y, x: dy * x),
    "mean": (
        "constant factor: backward gives the derivative times 0.25",
        lambda x: x.sum(0),
        lambda dy, _y, x: dy / 4 + 0 * x,
    ),
    "order": ("transposed: backward gives the derivative with axes 0", lambda x: x @ A, lambda dy, _y, x: A @ dy.T),
    "nan": ("NaN: backward gives NaN", np.square, lambda dy, _y, x: dy * x * np.nan),
    "zero": ("cut graph: backward gives 0 everywhere", np.square, lambda dy, _y, x: 0 * x),
    "other": ("none of NaN, jump, kink, ", np.square, lambda dy, _y, x: dy * (2 * x + 0.3 * abs(x))),
}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_rule_gets_its_diagnosis(name, scale, new_op):
    diagnosis, forward, rule = WRONG[name]
    message = error_of(new_op(forward, rule), leaf(4, 4, scale=scale))
    assert f"diagnosis: {diagnosis}" in message


@pytest.mark.parametrize("k", [0, 4])
def test_a_sum_over_the_broadcast_axis_that_is_missing_is_named(k, new_op):
    shift = new_op(np.add, lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: dy[k])
    message = error_of(lambda a, b: (a * a, shift(a, b)), [leaf(5, 3), leaf(3)])
    assert "input 1 (3,): 3 of 3 elements differ" in message
    assert (
        f"missing broadcast sum: of the sum along axis 0 of output 1, backward gives the term at index {k}" in message
    )
    assert "input 0" not in message


def test_an_empty_output_beside_a_wrong_one_is_no_obstacle(new_op):
    op = new_op(np.square, lambda dy, _y, x: dy * x)
    assert "constant factor" in error_of(lambda x: (x[:0], op(x)), leaf(3, 4))


def test_a_transposed_gradient_of_an_oblong_matrix_is_refused_by_the_engine(new_op):
    product = new_op(lambda x: x @ B, lambda dy, _y, x: B @ dy.T)
    with pytest.raises(RuntimeError, match=r"returned a gradient \(4, 3\) for an operand \(3, 4\)"):
        mg.gradcheck(product, leaf(3, 4))


@pytest.mark.parametrize(("op", "left", "right"), [(mg.relu, 0, 1), (lambda x: mg.clamp(x, max=0), 1, 0)])
def test_a_kink_is_named_with_both_slopes(op, left, right):
    x = mg.tensor([0.5, 0.0, -2.0], requires_grad=True)
    message = error_of(lambda x: op(x).sum(), x)
    assert "1 of 3 elements differ" in message
    assert "worst at index (1,)" in message
    assert f"kink: the slope at the index is {left} on its left and {right} on its right" in message


JUMPS = {
    "step": (mg.floor, [0.5, 1.0, 2.5], mg.gradcheck),
    "choice": (lambda x: mg.where(x > 0, x + 1, x), [0.5, 0.0, -2.0], mg.gradcheck),
    "tie of rounding": (lambda x: x + mg.round(x), [0.7, 2.5, 1.0], mg.gradcheck),
    "slope of abs": (mg.abs, [0.5, 0.0, -2.0], mg.gradgradcheck),
    "slope of relu": (mg.relu, [0.5, 0.0, -2.0], mg.gradgradcheck),
}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_is_no_derivative_of_any_size(name):
    function, x, check = JUMPS[name]
    message = error_of(function, mg.tensor(x, requires_grad=True), check)
    assert "1 of 3 elements differ" in message
    assert "worst at index (1,)" in message
    assert "diagnosis: jump: " in message


@pytest.mark.parametrize("x", [0.3, 1e3, -1e6])
def test_a_steep_function_does_not_jump(x):
    assert mg.gradcheck(lambda t: mg.tanh(1e4 * (t / x - 1)), mg.tensor(x, requires_grad=True, dtype=mg.float64))


def test_a_jump_does_not_hide_the_error_at_the_other_elements(new_op):
    op = new_op(lambda x: x * np.sign(x - 1), lambda dy, _y, x: -dy * np.sign(x - 1))
    assert "diagnosis: sign" in error_of(op, mg.tensor([0.5, 1.0, -2.0, 1.5, 3.0], requires_grad=True))


def test_a_kink_does_not_hide_the_error_at_the_other_elements(new_op):
    op = new_op(lambda x: np.maximum(x, 0), lambda dy, y, _x: -dy * (y > 0))
    x = mg.tensor([0.5, 0.0, -2.0, 1.5, 3.0], requires_grad=True)
    assert "diagnosis: sign" in error_of(op, x)


def test_the_edge_of_a_domain_is_nan():
    message = error_of(lambda x: mg.sqrt(x).sum(), mg.tensor([1.0, 4.0, 0.25, 1e-30], requires_grad=True))
    assert "NaN: the function, evaluated around the index," in message
    assert "worst at index (3,)" in message


def test_a_function_that_draws_its_own_numbers_is_named():
    random = np.random.default_rng(0)
    message = error_of(lambda x: x * random.standard_normal(3), leaf(3))
    assert "non-deterministic function: output 0 changed by up to" in message


def test_a_rule_that_draws_its_own_numbers_is_named(new_op):
    random = np.random.default_rng(0)
    op = new_op(np.square, lambda dy, _y, x: dy * x * random.standard_normal(3))
    assert "non-deterministic function: the gradient of input 0 changed" in error_of(op, leaf(3))


def test_a_detached_path_is_named():
    message = error_of(lambda x, y: x.detach() * y, [leaf(3), leaf(3, seed=1)])
    assert "input 0 (3,): 3 of 3 elements differ" in message
    assert "diagnosis: cut graph" in message


def test_the_report_gives_the_largest_errors_and_the_worst_index_with_both_values(new_op):
    op = new_op(lambda x: x * [[1, 2, 3]], lambda dy, _y, x: dy * [[1, 3, 4]] + (x == 7))
    x = mg.tensor([[5.0, 6.0, 7.0]], requires_grad=True)
    message = error_of(lambda x, c: (op(x) * c).sum(), [x, mg.tensor([[1.0, 1.0, 10.0]])])
    assert message.splitlines() == [
        "gradcheck: wrong derivatives.",
        "input 0 (1, 3): 2 of 3 elements differ.",
        "  largest absolute error 11, largest relative error 0.333",
        "  worst at index (0, 2): backward 41, finite differences 30",
        "  diagnosis: none of NaN, jump, kink, cut graph, sign, transposed, missing broadcast sum, constant factor: "
        "compare the rule with the formula, term by term.",
    ]


def test_nan_is_the_worst_error(new_op):
    op = new_op(np.square, lambda dy, _y, x: dy * np.where(x == 2, np.nan, 1e9))
    message = error_of(lambda x: op(x).sum(), mg.tensor([1.0, 2.0, 3.0], requires_grad=True))
    assert "worst at index (1,): backward nan, finite differences 4" in message


@pytest.mark.parametrize("scale", SCALES)
def test_an_error_in_the_sixth_digit_is_found_at_every_scale(scale, new_op):
    op = new_op(lambda x: x**3, lambda dy, _y, x: dy * (3 + 1e-6) * x**2)
    assert "constant factor" in error_of(op, leaf(3, scale=scale))
    assert mg.gradcheck(op, leaf(3, scale=scale), rtol=1e-5)
    assert mg.gradcheck(op, leaf(3, scale=scale), atol=1e-4 * scale**2)


def test_the_step_can_be_chosen():
    seen = set()

    def function(x):
        seen.add(x.item())
        return x * x

    assert mg.gradcheck(function, mg.tensor([1.0], requires_grad=True), eps=0.25)
    assert {0.5, 0.75, 1, 1.25, 1.5} == seen


def test_batch_norm_with_its_statistics_taken_for_constants_is_found(new_op):
    def forward(x):
        return (x - x.mean(0)) / x.std(0)

    op = new_op(forward, lambda dy, _y, x: dy / np.std(x, 0))
    assert "input 0 (6, 3): 18 of 18 elements differ" in error_of(op, leaf(6, 3))


def test_a_second_derivative_of_constants_is_found_by_gradgradcheck_only(new_op):
    op = new_op(np.square, lambda dy, _y, x: dy * (2 * array_of(x)))
    assert mg.gradcheck(op, leaf(3))
    message = error_of(op, leaf(3), mg.gradgradcheck)
    assert message.startswith("gradgradcheck: wrong derivatives of the outputs' randomly weighted sum.\ninput 0 (3,)")
    assert "cut graph" in message
    assert "grad_output" not in message


def test_a_second_derivative_by_the_gradient_of_the_output_is_checked(new_op):
    op = new_op(np.square, lambda dy, _y, x: array_of(dy) * (2 * x))
    message = error_of(op, leaf(3), mg.gradgradcheck)
    assert "grad_output 0 (3,): 3 of 3 elements differ" in message
    assert "input 0" not in message
