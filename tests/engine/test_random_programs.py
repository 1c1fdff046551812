"""Random programs of operations, views and in-place changes, against derivatives carried forward.

A model goes along with every tensor: its value, changed in place by NumPy where the tensor is, and its
first and second derivatives, computed when the operation is. What the engine returns in the end must equal
the model; it may refuse, but only where a value really was overwritten.
"""

from collections import Counter

import numpy as np
import pytest

import minigrad as mg

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

LEAVES = [(2, 2), (2,)]
INPUTS = sum(int(np.prod(shape)) for shape in LEAVES)
DIRECTION = np.linspace(-1, 1, INPUTS)


class Model:
    """A value, its derivatives by all inputs, along ``DIRECTION``, and the derivatives of that.

    Each is an array laid out as the value, so that a view of the value has views of them.
    """

    def __init__(self, value, by=None, along=None, twice=None):
        self.value = value
        rest = [along, *((None,) * INPUTS if by is None else np.moveaxis(by, -1, 0))]
        rest += (None,) * INPUTS if twice is None else list(np.moveaxis(twice, -1, 0))
        self.derivatives = [np.empty_like(value) for _ in rest]
        for array, content in zip(self.derivatives, rest):
            array[...] = 0.0 if content is None else content

    along = property(lambda self: self.derivatives[0])
    by = property(lambda self: np.stack(self.derivatives[1 : 1 + INPUTS], -1))
    twice = property(lambda self: np.stack(self.derivatives[1 + INPUTS :], -1))

    def view(self, function):
        model = Model(function(self.value))
        model.derivatives = [function(array) for array in self.derivatives]
        return model

    def become(self, other):
        """Change in place, for all views."""
        for own, new in zip([self.value, *self.derivatives], [other.value, *other.derivatives]):
            own[...] = new

    def move(self, value):
        """Other memory for the value, so for the rest."""
        self.value, self.derivatives = value, [array.copy() for array in self.derivatives]


def combined(a, b, value, da, db, daa=0.0, dab=0.0, dbb=0.0):
    """The model of ``value``, a function of a and b with these partial derivatives."""
    da, db, daa, dab, dbb = (np.broadcast_to(d, value.shape) for d in (da, db, daa, dab, dbb))
    column = np.s_[..., None]
    return Model(
        value,
        da[column] * a.by + db[column] * b.by,
        da * a.along + db * b.along,
        da[column] * a.twice + db[column] * b.twice
        + (daa * a.along + dab * b.along)[column] * a.by + (dab * a.along + dbb * b.along)[column] * b.by,
    )  # fmt: skip


def of_one(a, value, first, second):
    """The model of a function of one variable."""
    return combined(a, a, value, first, 0.0, second)


BINARY = {
    "+": (lambda a, b: a + b, lambda a, b: combined(a, b, a.value + b.value, 1.0, 1.0)),
    "-": (lambda a, b: a - b, lambda a, b: combined(a, b, a.value - b.value, 1.0, -1.0)),
    "*": (lambda a, b: a * b, lambda a, b: combined(a, b, a.value * b.value, b.value, a.value, dab=1.0)),
}
UNARY = {
    "sin": (mg.sin, lambda a: of_one(a, np.sin(a.value), np.cos(a.value), -np.sin(a.value))),
    "square": (mg.square, lambda a: of_one(a, np.square(a.value), 2 * a.value, 2.0)),
    "tanh": (mg.tanh, lambda a: of_one(a, t := np.tanh(a.value), 1 - t * t, -2 * t * (1 - t * t))),
    "neg": (mg.neg, lambda a: of_one(a, -a.value, -1.0, 0.0)),
    "clone": (lambda t: t.clone(), lambda a: of_one(a, a.value.copy(), 1.0, 0.0)),
}
VIEWS = [
    lambda t: t.T,
    lambda t: t.reshape(-1),
    lambda t: t[:1],
    lambda t: t[..., None],
    lambda t: t[..., 1:] if t.shape and t.shape[-1] > 1 else t[...],
]


def iadd(a, b):
    a += b


def isub(a, b):
    a -= b


def imul(a, b):
    a *= b


def set_all(a, b):
    a[...] = b


IN_PLACE = {"+": iadd, "-": isub, "*": imul}
OVERWRITE = [iadd, isub, imul, set_all, lambda a, b: a.fill(0.5) if isinstance(a, np.ndarray) else a.fill_(0.5)]


class Program:
    """Tensors with their models, and the instructions that make and change them."""

    def __init__(self):
        rng = np.random.default_rng(3)
        self.overwritten, self.recorded = False, 0
        self.tensors, self.models = [], []
        start = 0
        for shape in LEAVES:
            value = rng.uniform(-1, 1, shape)
            part = slice(start, start + value.size)
            by = np.eye(INPUTS)[part].reshape(*shape, INPUTS)
            self.add(mg.tensor(value, requires_grad=True), Model(value.copy(), by, DIRECTION[part].reshape(shape)))
            start = part.stop
        self.leaves = self.tensors[:]
        for shape in LEAVES:
            value = rng.uniform(-1, 1, shape)
            self.add(mg.tensor(value), Model(value.copy()))

    def add(self, tensor, model):
        self.tensors.append(tensor)
        self.models.append(model)

    def run(self, kind, i, j, k):
        i, j = i % len(self.tensors), j % len(self.tensors)
        a, b = self.tensors[i], self.tensors[j]
        model_a, model_b = self.models[i], self.models[j]
        try:
            fits = np.broadcast_shapes(a.shape, b.shape) == a.shape
        except ValueError:
            return
        getattr(self, kind)(a, b, model_a, model_b, k, fits)

    def binary(self, a, b, model_a, model_b, k, fits):
        op, model = list(BINARY.values())[k % 3]
        self.add(op(a, b), model(model_a, model_b))

    def unary(self, a, b, model_a, model_b, k, fits):
        op, model = list(UNARY.values())[k % len(UNARY)]
        self.add(op(a), model(model_a))

    def unrecorded(self, a, b, model_a, model_b, k, fits):
        with mg.no_grad():
            self.add(a * b, Model(model_a.value * model_b.value))

    def view(self, a, b, model_a, model_b, k, fits):
        if a.ndim < 3:
            self.add(VIEWS[k % len(VIEWS)](a), model_a.view(VIEWS[k % len(VIEWS)]))

    def detach(self, a, b, model_a, model_b, k, fits):
        self.add(a.detach(), Model(model_a.value))

    def constant_of_the_caller(self, a, b, model_a, model_b, k, fits):
        constant = np.linspace(0.5, 1.5, a.numel()).reshape(a.shape)
        expected = combined(model_a, Model(constant), model_a.value * constant, constant, model_a.value)
        self.add(a * (constant if k % 2 else (given := constant.tolist())), expected)
        if k % 2:
            constant.fill(9)
        elif a.ndim:
            given[0] = given[-1]

    def new_data(self, a, b, model_a, model_b, k, fits):
        value = np.full(a.shape, 0.25 * (k % 5))
        a.data = mg.tensor(value)
        model_a.move(value)

    def recorded_in_place(self, a, b, model_a, model_b, k, fits):
        if not fits:
            return
        name = list(IN_PLACE)[k % 3]
        if a.requires_grad or b.requires_grad:
            result = BINARY[name][1](model_a, model_b)
            before = a.numpy().copy()
            try:
                IN_PLACE[name](a, b)
            except RuntimeError as error:
                assert "in place" in str(error)
                np.testing.assert_array_equal(a.numpy(), before)
            else:
                self.recorded += 1
                model_a.become(result)
        else:
            self.overwrite_with(IN_PLACE[name], a, b, model_a, model_b)

    def overwrite(self, a, b, model_a, model_b, k, fits):
        if fits:
            with mg.no_grad():
                self.overwrite_with(OVERWRITE[k % len(OVERWRITE)], a, b, model_a, model_b)

    def overwrite_with(self, change, a, b, model_a, model_b):
        self.overwritten = True
        change(a, b)
        change(model_a.value, model_b.value)

    # -- what comes out ------------------------------------------------------------------------

    def check_values(self):
        for tensor, model in zip(self.tensors, self.models):
            np.testing.assert_allclose(tensor.numpy(), model.value, rtol=1e-12, atol=1e-12)

    def loss(self):
        """A weighted sum of all that is in the graph, and what its derivatives must be."""
        total, by, twice = mg.zeros((), dtype=np.float64), np.zeros(INPUTS), np.zeros(INPUTS)
        for number, (tensor, model) in enumerate(zip(self.tensors, self.models)):
            if tensor.requires_grad:
                weights = np.cos(number + np.arange(tensor.numel())).reshape(tensor.shape)
                total = total + (tensor * weights).sum()
                axes = tuple(range(tensor.ndim))
                by += (weights[..., None] * model.by).sum(axes)
                twice += (weights[..., None] * model.twice).sum(axes)
        return total, by, twice

    def gradient(self, y, create_graph):
        """The derivatives of y by all inputs in one array; None if that is refused."""
        try:
            found = mg.grad(y, self.leaves, create_graph=create_graph, allow_unused=True)
        except RuntimeError as error:
            assert "was changed in place" in str(error)
            assert self.overwritten
            return None
        return [mg.zeros_like(x) if g is None else g for g, x in zip(found, self.leaves)]


KINDS = [
    "binary", "binary", "unary", "unary", "unrecorded", "view", "view", "detach", "constant_of_the_caller",
    "new_data", "recorded_in_place", "recorded_in_place", "overwrite", "overwrite",
]  # fmt: skip
number = st.integers(0, 30)
instructions = st.lists(st.tuples(st.sampled_from(KINDS), number, number, number), min_size=8, max_size=25)


def flat(tensors):
    return np.concatenate([t.numpy().ravel() for t in tensors])


@pytest.mark.parametrize("create_graph", [False, True])
def test_random_programs_are_right_or_refused(create_graph):
    outcomes = Counter()

    @settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=HealthCheck)
    @given(instructions, st.lists(st.tuples(number, number, number), max_size=3))
    def check(program, late_changes):
        state = Program()
        for instruction in program:
            state.run(*instruction)
        if not all(np.abs(model.value).max(initial=0) < 1e6 for model in state.models):
            return
        state.check_values()
        loss, by, twice = state.loss()
        found = state.gradient(loss, create_graph)
        outcomes["refused" if found is None else "right"] += 1
        outcomes["recorded in place"] += state.recorded
        if found is None:
            return
        np.testing.assert_allclose(flat(found), by, rtol=1e-9, atol=1e-9)
        if not create_graph:
            return
        along = sum(
            (g * DIRECTION[p : p + g.numel()].reshape(g.shape)).sum() for g, p in zip(found, (0, found[0].numel()))
        )
        state.overwritten = False
        for change in late_changes:
            state.run("overwrite", *change)
        if not along.requires_grad:
            np.testing.assert_array_equal(twice, 0)
            return
        second = state.gradient(along, False)
        outcomes["second refused" if second is None else "second right"] += 1
        if second is not None:
            np.testing.assert_allclose(flat(second), twice, rtol=1e-8, atol=1e-8)

    check()
    assert outcomes["right"] > outcomes["refused"] > 0
    assert outcomes["recorded in place"] > 50
    assert bool(outcomes["second right"]) == create_graph
