"""Faults planted in a rule, a function or a model: each is found and called by its name; models are left alone."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.checks.inputs import CHECKS, leaf

BUFFER = np.zeros((3, 3))
GENERATOR = np.random.default_rng(0)


def kept(dy, _y, x):
    """Adds to an array that it keeps, and returns that."""
    BUFFER[...] += dy * 2 * x
    return BUFFER


RULES = {
    "wrong sign": (np.square, [lambda dy, _y, x: -2 * dy * x], "sign"),
    "factor 2": (np.square, [lambda dy, _y, x: 4 * dy * x], "constant factor"),
    "transposed": (lambda x: x @ np.arange(9.0).reshape(3, 3), [None], "transposed"),
    "missing broadcast sum": (
        np.add,
        [lambda dy, _y, _a, _b: dy, lambda dy, _y, _a, _b: dy[0]],
        "missing broadcast sum",
    ),
    "NaN": (np.sqrt, [lambda dy, _y, x: dy * x * np.nan], "NaN"),
    "array kept in place": (np.square, [kept], "non-deterministic function"),
    "dropout with a mask of its own": (
        np.square,
        [lambda dy, _y, x: 2 * dy * x * (GENERATOR.random(x.shape) < 0.5)],
        "non-deterministic function",
    ),
}
RULES["transposed"][1][0] = lambda dy, _y, _x: np.arange(9.0).reshape(3, 3) @ dy.T


@pytest.mark.parametrize("name", RULES)
def test_a_fault_in_a_rule_is_named(name, new_op):
    definition, rules, diagnosis = RULES[name]
    BUFFER[...] = 0
    shapes = [(3, 3), (3,)][: len(rules)]
    inputs = [
        mg.tensor(np.random.default_rng(i).uniform(0.5, 2, shape), requires_grad=True) for i, shape in enumerate(shapes)
    ]
    report = mg.gradcheck(new_op(definition, *rules), inputs, raise_exception=False)
    assert not report and diagnosis in report.message
    verdicts = [row.verdict for row in report.rows if not row]
    assert verdicts == [f"wrong: {diagnosis}"] or diagnosis in report.trouble


def counting():
    """A function that writes to an array it keeps."""
    kept = np.zeros(3)

    def function(x):
        kept[...] += 1
        return x * kept

    return function


def cut(x):
    return x.detach() * 2 + 0 * x


def of_python_floats(x):
    return (x * 0).sum() + mg.tensor([float(v) for v in x.detach().numpy()]).double()


FUNCTIONS = {
    "state that moves on": (counting(), "non-deterministic function: output 0"),
    "dropout of NumPy's": (lambda x: x * (GENERATOR.random(3) < 0.5), "non-deterministic function"),
    "a kink at the sample": (
        lambda x: mg.relu(x).sum(),
        "kink: the slope at the index is 0 on its left and 1 on its right",
    ),
    "a detached path": (cut, "cut graph"),
    "values taken out of the graph": (of_python_floats, "cut graph"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_fault_in_a_function_is_named(name):
    function, diagnosis = FUNCTIONS[name]
    with pytest.raises(mg.GradcheckError, match=diagnosis):
        mg.gradcheck(function, mg.tensor([0.5, 0.0, 2.0], dtype="float64", requires_grad=True))


# -- models are left as they were -------------------------------------------------------------------


class Keeping(nn.Module):
    """Keeps its activations in every way there is, and counts its calls."""

    def __init__(self):
        self.fc = nn.Linear(3, 2)
        self.bn = nn.BatchNorm1d(2)
        self.hidden = None
        self.all_hidden = []
        self.by_name = {}
        self.calls = 0
        self.total = np.zeros(2)

    def forward(self, x):
        self.hidden = mg.tanh(self.fc(x))
        self.all_hidden.append(self.hidden)
        self.by_name["hidden"] = self.hidden
        self.calls += 1
        self.total += 1
        return self.bn(self.hidden) * self.calls


def attributes(model):
    """What a check must leave as it was."""
    return (
        {name: value.tolist() for name, value in model.state_dict().items()},
        [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        [m.training for m in model.modules()],
        (model.hidden, list(model.all_hidden), dict(model.by_name), model.calls, model.total.tolist()),
    )


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("way", ["module", "function"])
@pytest.mark.parametrize("called", [False, True], ids=["fresh", "with activations"])
def test_a_model_that_keeps_activations_is_checked_and_left_as_it_was(check, way, called):
    model, x = Keeping().double(), leaf(5, 3)
    model.bn.eval()
    if called:
        model(x.detach()).sum().backward()
    before = attributes(model)
    function = model if way == "module" else lambda x: model(x)
    assert check(function, x)
    now = attributes(model)
    assert now == before
    assert now[3][0] is before[3][0] and all(a is b for a, b in zip(now[3][1], before[3][1]))


class Locked(nn.Module):
    """Holds what has no copy."""

    def __init__(self):
        self.file = open(__file__, "rb")  # noqa: SIM115

    def forward(self, x):
        return x * x


def test_what_has_no_copy_gets_the_cure():
    model = Locked()
    with model.file:
        with pytest.raises(TypeError, match=r"Locked is checked on a copy, and cannot be copied: .* gradcheck\(lambda"):
            mg.gradcheck(model, leaf(3))
        assert mg.gradcheck(lambda x: model(x), leaf(3))
