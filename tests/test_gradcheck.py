"""Gradient checks: right gradients pass at every scale, wrong ones are named, and nothing is left behind."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.checks import numeric
from minigrad.engine.node import array_of
from minigrad.engine.op import Op
from minigrad.nn import functional as F

SCALES = (1e-4, 1e-2, 1.0, 1e2, 1e4)
CHECKS = (mg.gradcheck, mg.gradgradcheck)


def leaf(*shape, scale=1.0, seed=0):
    """A float64 tensor of random numbers that requires grad."""
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape) * scale, requires_grad=True)


@pytest.fixture
def new_op():
    """Makes operations that the registry forgets after the test."""
    before = dict(Op.registry)
    yield lambda forward, *rules: Op("made_for_a_test", forward, *rules)
    Op.registry.clear()
    Op.registry.update(before)


# -- finite differences ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stencil", "degree"),
    [(numeric.CENTRAL, 4), (numeric.LEFT, 2), (numeric.RIGHT, 2)],
    ids=["central", "left", "right"],
)
def test_a_stencil_is_exact_for_polynomials_up_to_its_order(stencil, degree):
    x = np.array([0.7, -1.3])
    for power in range(degree + 2):
        slopes = numeric.derivative(lambda v, power=power: v**power, x, (1,), 0.25, stencil)
        exact = power * x[1] ** (power - 1)
        assert slopes[0] == 0
        assert np.isclose(slopes[1], exact, rtol=1e-12, atol=1e-12) == (power <= degree)


def test_one_sided_stencils_see_one_side_only():
    x = np.array([0.0])
    assert numeric.derivative(abs, x, (0,), 1e-3, numeric.LEFT) == pytest.approx(-1)
    assert numeric.derivative(abs, x, (0,), 1e-3, numeric.RIGHT) == pytest.approx(1)


@pytest.mark.parametrize(
    ("values", "size"), [([1, -1, 3, -3], 5**0.5), ([2e-5], 2e-5), ([0.1] * 7, 0.1), ([0, 0], 1), ([1e4, 1e4 + 2], 1)]
)
def test_the_step_follows_the_spread_then_the_size_of_the_input(values, size):
    assert numeric.step_size(np.array(values, float)) == pytest.approx(1e-3 * size, rel=1e-9)


def batch_norm_gradient(x, weight, dy, eps):
    """The derivative of batch normalisation by its input, as a formula."""
    inverse = 1 / np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) * inverse
    return weight * inverse * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))


@pytest.mark.parametrize("scale", SCALES)
def test_finite_differences_of_batch_norm_are_exact_to_2e_11_at_every_scale(scale):
    random = np.random.default_rng(3)
    x, weight, dy = random.standard_normal((16, 4)) * scale, random.standard_normal(4), random.standard_normal((16, 4))
    step = numeric.step_size(x)

    def function(value):
        return (dy * F.batch_norm(value, None, None, weight, training=True, eps=1e-12 * scale**2)).ravel()

    found = np.array([numeric.derivative(function, x, index, step).sum() for index in np.ndindex(x.shape)])
    exact = batch_norm_gradient(x, weight, dy, 1e-12 * scale**2).ravel()
    assert abs(found - exact).max() < 2e-11 * abs(exact).max()


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("offset", [0, 1e3])
@pytest.mark.parametrize("function", [np.mean, np.std, lambda x: ((x - x.mean(0)) / x.std(0)).sum()])
def test_the_estimated_uncertainty_bounds_the_error(function, offset, scale):
    x = np.random.default_rng(1).standard_normal((6, 3)) * scale + offset * scale
    step = numeric.step_size(x)
    exact = {np.mean: np.full(x.shape, 1 / x.size), np.std: (x - x.mean()) / (x.size * x.std())}
    for index in np.ndindex(x.shape):
        value, uncertainty = numeric.estimate(lambda v: np.atleast_1d(function(v)), x, index, step, 0.0)
        error = abs(value - exact.get(function, np.zeros(x.shape))[index])
        assert error < 4 * uncertainty < 1e-9 * (1 + offset) * (1 if function in exact else 1 / scale)


@pytest.mark.parametrize("x", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize(("function", "exact"), [(np.reciprocal, lambda x: -1 / x**2), (np.log, lambda x: 1 / x)])
def test_an_estimate_takes_the_step_that_suits_the_function(function, exact, x):
    with np.errstate(all="ignore"):
        value, uncertainty = numeric.estimate(function, np.array([x]), (0,), 1e-3, 1e-16)
    assert abs(value - exact(x)) < 4 * uncertainty < 1e-6 * abs(exact(x))


def test_an_estimate_distrusts_steps_that_miss_the_function():
    width, x = 1e-5, 5e-6
    value, uncertainty = numeric.estimate(lambda v: np.exp(-((v / width) ** 2)), np.array([x]), (0,), 1e-3, 1e-16)
    assert value == pytest.approx(-2 * x / width**2 * np.exp(-0.25), rel=1e-4)
    assert uncertainty < 1e-4 * abs(value)


def test_an_estimate_is_not_deceived_by_values_that_are_rounded_alike():
    slope = 100.004 * 64
    value, uncertainty = numeric.estimate(lambda v: np.round(v * slope), np.array([0.0]), (0,), 1.0, 1e-30)
    assert abs(value - slope) < 4 * uncertainty


def test_rounding_ignores_the_size_of_constants():
    x = np.array([1.0, 2.0])
    assert numeric.rounding(lambda v: np.append(v, -1e30), x, 1e-3) < 1e-14
    assert numeric.rounding(lambda v: v + 1e6, x, 1e-3) > 1e-11


# -- right gradients ---------------------------------------------------------------------------

RUNNING = (np.array([0.3, -0.2, 0.1]), np.array([0.5, 2.0, 1.5]))
RIGHT = {
    "tanh": (mg.tanh, [(3, 4)]),
    "reciprocal": (lambda x: 1 / x, [(8, 5)]),
    "log": (lambda x: mg.log(x.abs()), [(8, 5)]),
    "sin": (mg.sin, [(3, 4)]),
    "relu": (mg.relu, [(8, 5)]),
    "cube": (lambda x: x**3, [(3, 4)]),
    "broadcast": (lambda a, b: a * b + b, [(3, 4), (4,)]),
    "division": (lambda a, b: a / (1 + b * b), [(3, 1), (4,)]),
    "matmul": (mg.matmul, [(3, 4), (4, 2)]),
    "batched matmul": (mg.matmul, [(2, 3, 4), (4, 2)]),
    "softmax": (lambda x: mg.softmax(x, 1), [(3, 4)]),
    "log_softmax": (lambda x: mg.log_softmax(x, 1), [(3, 4)]),
    "indexing": (lambda x: x[[0, 0, 2], 1:], [(3, 4)]),
    "mean": (lambda x: x.mean(), [(3, 4)]),
    "std": (lambda x: x.std(0), [(5, 3)]),
    "prod": (lambda x: x.prod(1), [(4, 3)]),
    "amax": (lambda x: x.amax(1), [(4, 3)]),
    "several outputs": (lambda x: (x.sum(), x.max(1)[0], x * x), [(3, 4)]),
    "an output that does not depend": (lambda x: (x / 3, x.argmax()), [(3,)]),
    "a leaf as output": (lambda x: x, [(3,)]),
    "a single number": (lambda x: x * x, [()]),
    "dropout": (lambda x: F.dropout(x, 0.5), [(5, 4)]),
    "batch_norm, training": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=1e-30), [(6, 3), (3,), (3,)]),
    "batch_norm, evaluation": (lambda x, w, b: F.batch_norm(x, *RUNNING, w, b), [(6, 3), (3,), (3,)]),
    "batch_norm, pixels": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), [(2, 2, 3), (2,), (2,)]),
    "batch_norm, summed to 0": (lambda x, w, b: F.batch_norm(x, None, None, w, b, True).sum(), [(6, 3), (3,), (3,)]),
}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RIGHT)
def test_right_gradients_pass_at_every_scale(name, scale, check):
    function, shapes = RIGHT[name]
    inputs = [leaf(*shape, scale=scale, seed=i) for i, shape in enumerate(shapes)]
    if name == "dropout":
        mg.manual_seed(0)
    assert check(function, inputs) is True


def test_elements_of_very_different_scales_pass():
    x = mg.tensor(np.random.default_rng(0).standard_normal((6, 3)) * [1e-2, 1, 1e2], requires_grad=True)
    assert mg.gradcheck(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, eps=1e-30), (x, leaf(3), leaf(3)))


def test_constant_elements_zeros_and_empty_inputs_pass():
    assert mg.gradcheck(mg.exp, mg.zeros(3, requires_grad=True))
    assert mg.gradcheck(mg.exp, mg.full((3,), 0.1, requires_grad=True))
    assert mg.gradcheck(lambda x, y: x.sum() + y.exp(), (leaf(0, 3), leaf(2)))


def test_grad_outputs_can_be_given():
    x, dy = leaf(3, 4), leaf(3, 4, seed=1)
    assert mg.gradgradcheck(mg.tanh, x, dy)
    assert mg.gradgradcheck(mg.tanh, [x], [dy.detach()])


# -- wrong gradients ---------------------------------------------------------------------------


def error_of(function, inputs, check=mg.gradcheck, **options):
    """The message of a check that must fail, raised and returned."""
    with pytest.raises(mg.GradcheckError) as caught:
        check(function, inputs, **options)
    assert check(function, inputs, raise_exception=False, **options) is False
    return str(caught.value)


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
    "other": ("none of NaN, kink, ", np.square, lambda dy, _y, x: dy * (2 * x + 0.3 * abs(x))),
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
        "  diagnosis: none of NaN, kink, cut graph, sign, transposed, missing broadcast sum, constant factor: "
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


# -- what cannot be checked --------------------------------------------------------------------


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("function", "inputs", "text"),
    [
        (mg.exp, mg.ones(3), "no input with elements requires grad"),
        (mg.exp, leaf(0, 3), "no input with elements requires grad"),
        (lambda x: x.detach(), leaf(3), "no output requires grad"),
        (lambda x: x.argmax(), leaf(3), "no output requires grad"),
        (nn.ReLU(), mg.arange(3), "no input with elements requires grad"),
        (lambda x: x * 2, mg.tensor([1.0, np.inf], requires_grad=True), "input 0 (2,) has NaN or infinite elements"),
    ],
)
def test_a_check_that_could_not_fail_is_an_error(function, inputs, text, check):
    with pytest.raises(ValueError) as caught:
        check(function, inputs, raise_exception=False)
    assert text in str(caught.value)


def test_what_is_not_a_tensor_is_refused_as_output():
    with pytest.raises(TypeError, match="must return a tensor or a tuple of tensors"):
        mg.gradcheck(lambda x: x.sum().item(), leaf(3))


def test_outputs_whose_shape_depends_on_the_values_are_refused():
    x = mg.tensor([1.0, 1e-9, -2.0], requires_grad=True)
    assert "shapes of the outputs depend on the values of input 0" in error_of(lambda x: x[x > 0], x)
    assert mg.gradcheck(lambda x: x[x > 0], leaf(5))


def test_errors_of_the_function_reach_the_user():
    with pytest.raises(ZeroDivisionError):
        mg.gradcheck(lambda x: x * (1 // 0), leaf(3), raise_exception=False)


# -- nothing is left behind --------------------------------------------------------------------


def test_inputs_are_neither_changed_nor_given_gradients():
    def spoil(x, y, z, number):
        with mg.no_grad():
            x.zero_(), y.add_(1), z.__iadd__(1)
        return (x + 1) * (y.sum() + z.sum()) * number

    inputs = leaf(3), mg.ones(2), np.ones(2), 2.0
    inputs[0].grad = mg.ones(3, dtype="float64")
    before = [np.array(array_of(x)) for x in inputs]
    for check in CHECKS:
        check(spoil, inputs, raise_exception=False)
    for x, old in zip(inputs, before):
        np.testing.assert_array_equal(array_of(x), old)
    assert inputs[0].grad.tolist() == [1, 1, 1]
    assert inputs[0].requires_grad
    assert not inputs[1].requires_grad


def test_a_function_may_overwrite_its_input():
    def function(x):
        y = mg.exp(x)
        with mg.no_grad():
            x.zero_()
        return y

    for check in CHECKS:
        assert check(function, leaf(3))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_other_floats_are_checked_in_float64(dtype):
    seen = set()

    def function(x, constant, index, array):
        seen.update([x.dtype, constant.dtype, array.dtype])
        assert index.dtype == np.int64
        return mg.exp(x[index] * constant) + array

    x = mg.tensor([0.5, -1.0], dtype=dtype, requires_grad=True)
    assert mg.gradcheck(function, (x, mg.tensor([2.0, 3.0], dtype), mg.tensor([1, 0]), np.ones(2, dtype)))
    assert seen == {np.dtype("float64")}
    assert x.dtype == dtype


@pytest.mark.parametrize("check", CHECKS)
def test_the_random_state_goes_on_as_if_nothing_had_happened(check):
    mg.manual_seed(3)
    expected = mg.randn(4).tolist()
    mg.manual_seed(3)
    check(lambda x: F.dropout(x, 0.5) * mg.rand(3, dtype="float64"), leaf(8, 3))
    with pytest.raises(ZeroDivisionError):
        check(lambda x: F.dropout(x, 0.5) / 0 if mg.rand(1).item() > 2 else 1 / 0, leaf(3))
    assert mg.randn(4).tolist() == expected


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_under_no_grad_records_all_the_same(check):
    with mg.no_grad():
        assert check(mg.tanh, leaf(3))
        assert not mg.is_grad_enabled()


def test_running_statistics_given_as_tensors_or_arrays_are_left_alone():
    for mean, var in [(mg.zeros(3), mg.ones(3)), (np.zeros(3), np.ones(3))]:
        assert mg.gradcheck(F.batch_norm, (leaf(5, 3), mean, var, leaf(3, seed=1), leaf(3, seed=2), True))
        assert (mean.tolist(), var.tolist()) == ([0, 0, 0], [1, 1, 1])


class Stateful(nn.Module):
    """Every call changes a number, a buffer and the object another buffer is."""

    def __init__(self):
        self.calls = 1
        self.counter = nn.Buffer(mg.ones(1))
        self.replaced = nn.Buffer(mg.ones(1))

    def forward(self, x):
        self.calls += 1
        self.counter.add_(1)
        self.replaced = self.replaced * 2
        return x * (self.calls * self.counter * self.replaced)


@pytest.mark.parametrize("check", CHECKS)
def test_a_module_starts_every_evaluation_in_the_same_state(check):
    module = Stateful()
    assert check(module, leaf(3))
    assert (module.calls, module.counter.item(), module.replaced.item()) == (1, 1, 1)


def state_of(module):
    """Everything a check could leave behind in a module."""
    return {
        "values": {name: value.tolist() for name, value in module.state_dict().items()},
        "dtypes": {name: value.dtype for name, value in module.state_dict().items()},
        "gradients": {name: p.grad is None or p.grad.tolist() for name, p in module.named_parameters()},
        "trained": {name: p.requires_grad for name, p in module.named_parameters()},
        "modes": [m.training for m in module.modules()],
        "warned": [vars(m).get("warned") for m in module.modules()],
        "attributes": [list(vars(m)) for m in module.modules()],
    }


def net(dtype="float32"):
    """A net with every kind of state, of which one mode is not that of the others."""
    mg.manual_seed(5)
    model = nn.Sequential(
        nn.Linear(3, 4),
        nn.BatchNorm1d(4),
        nn.Tanh(),
        nn.Dropout(0.3),
        nn.BatchNorm1d(4, momentum=None),
        nn.Linear(4, 2),
    ).to(dtype)
    model[4].eval()
    return model


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("check", CHECKS)
def test_a_module_is_left_as_it_was(check, dtype):
    model = net(dtype)
    before = state_of(model)
    assert check(model, leaf(6, 3))
    with mg.no_grad():
        assert check(model, leaf(6, 3))
    assert state_of(model) == before


def test_a_module_keeps_the_gradients_it_has():
    model = net()
    model(mg.randn(6, 3)).sum().backward()
    before = state_of(model)
    assert mg.gradcheck(model, mg.randn(6, 3))
    assert state_of(model) == before


def test_a_module_is_left_as_it_was_by_an_error():
    model = net()
    before = state_of(model)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        mg.gradcheck(model, leaf(1, 3))
    assert state_of(model) == before


# -- modules -----------------------------------------------------------------------------------


class Wrong(nn.Module):
    """Applies a wrong operation to what a right layer returns and to a parameter."""

    def __init__(self, op):
        self.layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
        self.scale = nn.Parameter(mg.tensor([1.5, -0.5, 2.0]))
        self.op = op

    def forward(self, x):
        return self.op(self.layers[0](x), self.scale)


def test_parameters_are_checked_under_their_dotted_names(new_op):
    op = new_op(lambda x, w: x * w * w, lambda dy, _y, _x, w: dy * w * w, lambda dy, _y, x, w: dy * x * w)
    wrong = nn.Sequential(nn.Tanh(), Wrong(op))
    message = error_of(wrong, mg.randn(4, 3))
    assert "\nparameter 1.scale (3,): 3 of 3 elements differ." in message
    assert "constant factor: backward gives the derivative times 0.5" in message
    assert message.count("elements differ") == 1


def test_a_frozen_parameter_is_a_constant(new_op):
    op = new_op(lambda x, w: x * w, lambda dy, _y, _x, w: dy * w, lambda dy, _y, x, _w: -dy * x)
    wrong = Wrong(op)
    assert "parameter scale" in error_of(wrong, mg.randn(4, 3))
    wrong.scale.requires_grad_(False)
    assert mg.gradcheck(wrong, mg.randn(4, 3))
    assert not wrong.scale.requires_grad


@pytest.mark.parametrize("check", CHECKS)
def test_batch_norm_without_or_with_frozen_parameters_passes(check):
    for bn in (nn.BatchNorm1d(3, affine=False), nn.BatchNorm1d(3).requires_grad_(False)):
        assert check(bn, mg.randn(6, 3))
        assert check(bn.eval(), mg.randn(6, 3))


def test_all_float_inputs_of_a_module_are_checked_unless_some_are_chosen(new_op):
    class Product(nn.Module):
        def forward(self, a, b):
            return product(a, b)

    product = new_op(np.multiply, lambda dy, _y, _a, b: dy * b, lambda dy, _y, a, _b: -dy * a)
    a, b = mg.randn(3), mg.randn(3)
    assert "input 1 (3,): 3 of 3" in error_of(Product(), (a, b))
    assert mg.gradcheck(Product(), (a.requires_grad_(), b))


G1 = {
    "x": np.array([[1, 2], [3, 4], [5, 8], [7, 2]], float),
    "dy": np.array([[1, 0], [0, 1], [2, -1], [0, 3]], float),
    "train": [[0.044721, -1.292784], [-0.35777, 0.204124], [0.581377, -0.068044], [-0.268328, 1.156704]],
    "eval": [[0.798933, 0], [0, 1.533925], [1.597866, -1.533925], [0, 4.601776]],
}


def test_the_golden_batch_norm_passes_in_both_modes_and_keeps_its_statistics():
    bn = nn.BatchNorm1d(2)
    with mg.no_grad():
        bn.weight.copy_([1, 2])
        bn.bias.copy_([0, 1])
    x = mg.tensor(G1["x"], "float32")
    for mode, mean, var, batches in (("train", [0, 0], [1, 1], 0), ("eval", [0.4, 0.4], [1.566667, 1.7], 1)):
        bn.train(mode == "train")
        for check in CHECKS:
            assert check(bn, x)
        assert bn.training == (mode == "train")
        np.testing.assert_allclose(bn.running_mean.numpy(), mean, atol=1e-6)
        np.testing.assert_allclose(bn.running_var.numpy(), var, atol=1e-6)
        assert bn.num_batches_tracked.item() == batches
        twin = copy.deepcopy(bn).double()

        def function(value, twin=twin):
            return (G1["dy"] * twin(mg.tensor(value)).numpy()).ravel()

        found = [numeric.derivative(function, G1["x"], index, 1e-3).sum() for index in np.ndindex(4, 2)]
        np.testing.assert_allclose(found, np.ravel(G1[mode]), atol=1e-6)
        bn(x)
