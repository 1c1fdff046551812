"""Applications of tensors and those of any operands leave the same records and refuse the same."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.engine.application import apply_any, record_any
from minigrad.engine.node import Node
from minigrad.engine.op import Op
from tests.ops.samples.table import every_sample

BY_METHOD = {
    "x + 2", "x - 0.5", "x * 3", "x / 4", "x ** 2", "x ** -1.5", "x * x", "x // 0.7", "x % 0.7", "+x", "clone",
}  # fmt: skip
"""Samples that use operators and methods, which call an operation's function itself."""


def assert_same_record(one, other, args):
    """Two applications to the same operands left the same; what they made themselves, or copied, is equal."""
    assert type(one) is type(other)
    if not isinstance(one, mg.Tensor):
        np.testing.assert_array_equal(one, other)
        return
    np.testing.assert_array_equal(one.array, other.array)
    assert one.dtype == other.dtype and (one.node is None) == (other.node is None)
    for x in args:
        assert (one.memory is getattr(x, "memory", None)) == (other.memory is getattr(x, "memory", None))
    a, b = one.node, other.node
    if a is None:
        return
    lists = {"inputs", "edges", "attributes", "saved"} | ({"cache"} if isinstance(a.cache, tuple) else set())
    assert (a.output(), b.output()) == (one, other) and a.time < b.time
    for name in set(Node.__slots__) - lists - {"__weakref__", "memories", "output", "time"}:
        assert getattr(a, name) == getattr(b, name), name
    for name in lists:
        first, second = getattr(a, name), getattr(b, name)
        assert len(first) == len(second)
        for x, y in zip(first, second):
            assert x is y or (type(x) is type(y) and np.array_equal(x, y)), name
    made_by_them = {id(one.memory): 0, id(other.memory): 0}
    assert [made_by_them.get(id(m), m) for m in a.memories] == [made_by_them.get(id(m), m) for m in b.memories]


@every_sample
def test_applying_to_tensors_records_what_applying_to_any_operands_does(sample, monkeypatch):
    compared = []

    def both(usual, for_any, op):
        def function(*args, **named):
            y = usual(*args, **named)
            if op.name != "dropout":  # which would draw again
                assert_same_record(y, for_any(op, args, named), op.with_defaults(args, named) if named else args)
                compared.append(op.name)
            return y

        return function

    for op in Op.registry.values():
        monkeypatch.setattr(op, "__call__", both(op.__call__, apply_any, op))
        monkeypatch.setattr(op, "record", both(op.record, lambda op, args, _: record_any(op, *args), op))
    for requires_grad in (True, False):
        sample.function(*[mg.tensor(x, requires_grad=requires_grad and x.dtype.kind == "f") for x in sample.inputs])
    assert compared or "dropout" in sample.name or sample.name in BY_METHOD


REFUSED = {
    "shapes": (ops.mul, mg.ones(2), mg.ones(3)),
    "a product": (Op.registry["linear"], mg.ones(2, 3), mg.ones(4, 5), mg.ones(4)),
    "too many": (ops.maximum, mg.ones(2), mg.ones(2), mg.ones(2)),
    "too few": (Op.registry["where"], mg.ones(2)),
    "none": (ops.relu,),
    "an attribute too many": (ops.relu, mg.ones(2), 3),
    "a string": (ops.mul, mg.ones(2), "two"),
    "nothing": (ops.relu, None),
}


@pytest.mark.parametrize("name", REFUSED)
def test_applying_to_tensors_refuses_what_applying_to_any_operands_does(name):
    op, *args = REFUSED[name]
    errors = []
    for apply in (op, lambda *args: apply_any(op, args, {})):
        with pytest.raises((TypeError, ValueError)) as refused:
            apply(*args)
        errors.append((type(refused.value), str(refused.value)))
    assert errors[0] == errors[1] and errors[0][1].startswith(op.name)
