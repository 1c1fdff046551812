"""Arguments of gradient checks: PyTorch's are accepted, honoured or refused, and inputs may be nested."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from tests.checks.inputs import CHECKS, leaf

ACCEPTED = {
    "check_undefined_grad": (True, False),
    "check_grad_dtypes": (True, False),
    "fast_mode": (True, False),
    "check_batched_grad": (False,),
    "masked": (None, False),
    "nondet_tol": (0.0, 1e-3),
    "eps": (None, 1e-6, np.float32(1e-3)),
    "atol": (1e-5,),
    "rtol": (1e-3,),
}
OF_ONE = {
    mg.gradcheck: {"check_forward_ad": (False,), "check_backward_ad": (True,), "check_batched_forward_grad": (False,)},
    mg.gradgradcheck: {
        "check_fwd_over_rev": (False,),
        "check_rev_over_rev": (True,),
        "gen_non_contig_grad_outputs": (True, False),
    },
}


@pytest.mark.parametrize("check", CHECKS)
def test_pytorchs_arguments_are_accepted(check):
    for name, values in (ACCEPTED | OF_ONE[check]).items():
        for value in values:
            assert check(mg.tanh, leaf(3), **{name: value}) is True


REFUSED = [
    *itertools.product(CHECKS, [{"check_batched_grad": True}, {"masked": True}]),
    *itertools.product(
        [mg.gradcheck], [{"check_forward_ad": True}, {"check_backward_ad": False}, {"check_batched_forward_grad": True}]
    ),
    *itertools.product([mg.gradgradcheck], [{"check_fwd_over_rev": True}, {"check_rev_over_rev": False}]),
]


@pytest.mark.parametrize(("check", "given"), REFUSED)
def test_what_would_not_be_checked_is_refused(check, given):
    ((name, value),) = given.items()
    with pytest.raises(ValueError, match=rf"^{check.__name__}: {name}={value} is refused: .* here\. Leave it out\.$"):
        check(mg.exp, leaf(3), **given)


NUMBERS = [("eps", 0), ("eps", -1e-3), ("eps", "small"), ("eps", np.nan), ("atol", -1), ("rtol", None)]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(("name", "value"), [*NUMBERS, ("nondet_tol", -1.0), ("atol", np.inf), ("rtol", True)])
def test_numbers_that_are_none_are_refused(check, name, value):
    with pytest.raises(ValueError, match=f"{check.__name__}: {name}.* must be a number"):
        check(mg.exp, leaf(3), **{name: value})


@pytest.mark.parametrize("check", CHECKS)
def test_an_unknown_argument_is_a_type_error(check):
    with pytest.raises(TypeError, match="tolerance"):
        check(mg.exp, leaf(3), tolerance=1)


def test_nondet_tol_allows_so_much_between_two_evaluations(new_op):
    random = np.random.default_rng(0)

    def noisy(x):
        return x * 2 + random.uniform(0, 1e-5, x.shape)

    with pytest.raises(mg.GradcheckError, match="non-deterministic"):
        mg.gradcheck(noisy, leaf(3))
    assert mg.gradcheck(noisy, leaf(3), nondet_tol=1e-4, atol=1.0)
    with pytest.raises(mg.GradcheckError, match="nondet_tol="):
        mg.gradcheck(noisy, leaf(3), nondet_tol=1e-7, atol=1.0)


def test_gradients_of_outputs_need_not_be_contiguous(new_op):
    seen = []

    def rule(dy, _y, x):
        seen.append(np.asarray(dy.detach().numpy() if isinstance(dy, mg.Tensor) else dy).flags.c_contiguous)
        return dy * 2 * x

    op = new_op(np.square, rule)
    assert mg.gradgradcheck(op, leaf(3, 4), gen_non_contig_grad_outputs=True)
    assert not all(seen)
    seen.clear()
    assert mg.gradgradcheck(op, leaf(3, 4))
    assert all(seen)


# -- nested inputs and outputs ----------------------------------------------------------------------


def in_a_list(tensors):
    return tensors[0] * mg.sin(tensors[1])


def in_a_dict(batch, scale):
    return batch["x"] * batch["more"][0] * scale


NESTED = {
    "an operation of a list": (mg.cat, lambda: ([leaf(2, 3), leaf(1, 3, seed=1)],), ["input 0.0", "input 0.1"]),
    "a list": (in_a_list, lambda: [[leaf(3), leaf(3, seed=1)]], ["input 0.0", "input 0.1"]),
    "a dict": (
        in_a_dict,
        lambda: ({"x": leaf(3), "more": (leaf(3, seed=1),)}, 2.0),
        ["input 0.x", "input 0.more.0"],
    ),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NESTED)
def test_nested_inputs_are_checked_under_their_names_and_left_alone(name, check):
    function, make, names = NESTED[name]
    inputs = make()
    report = check(function, inputs, raise_exception=False)
    assert report and [row.name for row in report.rows if row.name.startswith("input")] == names
    assert check(function, inputs)


def test_the_nested_input_that_is_wrong_is_named(new_op):
    wrong = new_op(np.multiply, lambda dy, _y, _a, b: dy * b, lambda dy, _y, a, _b: -dy * a)
    with pytest.raises(mg.GradcheckError, match=r"input 0\.b \(3,\): 3 of 3 elements differ(.|\n)*sign") as caught:
        mg.gradcheck(lambda pair: wrong(pair["a"], pair["b"]), ({"a": leaf(3), "b": leaf(3, seed=1)},))
    assert "input 0.a" not in str(caught.value)


def test_outputs_may_be_nested(new_op):
    wrong = new_op(np.square, lambda dy, _y, x: -2 * dy * x)
    report = mg.gradcheck(lambda x: {"loss": x.sum(), "parts": [x * x, wrong(x)]}, leaf(3), raise_exception=False)
    assert {row.name: row.verdict for row in report.rows} == {
        "output loss by input 0": "right",
        "output parts.0 by input 0": "right",
        "output parts.1 by input 0": "wrong: sign",
    }


def test_named_results_are_outputs():
    report = mg.gradcheck(lambda x: mg.max(x, 1), leaf(3, 4), raise_exception=False)
    assert report and len(report.rows) == 1
