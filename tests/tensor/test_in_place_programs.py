"""Random programs of views and in-place changes: values are NumPy's, derivatives those of finite differences."""

from __future__ import annotations

import random

import numpy as np
import pytest

import minigrad as mg

START = np.array([0.5, -0.8, 1.1, 0.7, -0.6, 0.9])
VIEWS = {
    1: [lambda v: v[0], lambda v: v[-2:], lambda v: v[::2], lambda v: v[None], lambda v: v[:2]],
    2: [
        lambda v: v[0],
        lambda v: v[-1],
        lambda v: v[-2:],
        lambda v: v[:, 0],
        lambda v: v[..., -1:],
        lambda v: v.T,
        lambda v: v.T[0],
        lambda v: v.reshape(-1),
        lambda v: v[::-1],
    ],
}
INDICES = {
    1: [0, -1, slice(0, 1), [0, -1], ..., None],
    2: [0, -1, (0, 0), slice(1, None), (slice(None), 0), (..., [0]), ([0, 0], [-1, 0]), None, "mask"],
}


def make(seed):
    """A program as a function of the leaf, of arrays or tensors alike; its choices follow from the seed alone."""

    def program(x):
        draw = random.Random(seed)
        names = {"a": x.reshape(3, 2) * 2.0, "b": x[:4].reshape(2, 2) * 1.0}
        for step in range(draw.randint(3, 9)):
            name = draw.choice(sorted(names))
            v, p = names[name], x[draw.randrange(6)]
            kind = draw.choice(["view", "view", "change", "change", "set", "set", "set view", "use", "forget"])
            if kind == "view" and v.ndim:
                names[f"v{step}"] = draw.choice(VIEWS[v.ndim])(v) if v.ndim < 3 else v
            elif kind == "change" and v.ndim:
                change(names, name, draw, p)
            elif kind in ("set", "set view") and v.ndim:
                index = draw.choice(INDICES[v.ndim])
                index = np.arange(int(np.prod(v.shape))).reshape(v.shape) % 2 == 0 if index == "mask" else index
                if kind == "set":
                    v[index] = draw.choice([0.3, p, p * 2.0])
                else:
                    v[draw.choice([0, -1])] = v[0] * p
            elif kind == "use":
                names[f"u{step}"] = v * p
            elif kind == "forget" and len(names) > 1:
                del names[name]
        total = 0.0
        for i, name in enumerate(sorted(names)):
            total = total + (names[name] * names[name]).sum() * (1.0 + 0.1 * i)
        return total

    return program


def change(names, name, draw, p):
    """An operator in place."""
    kind = draw.randrange(4)
    if kind == 0:
        names[name] += p
    elif kind == 1:
        names[name] *= 0.7
    elif kind == 2:
        names[name] *= p
    else:
        names[name][0] -= p * p


def slopes(function, x, step=1e-4):
    """The gradient by central differences."""
    found = np.zeros(x.shape)
    for i in range(x.size):
        unit = np.zeros(x.shape)
        unit[i] = step
        found[i] = (
            function(x - 2 * unit) - 8 * function(x - unit) + 8 * function(x + unit) - function(x + 2 * unit)
        ) / (12 * step)
    return found


@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    program = make(seed)
    x = mg.tensor(START, requires_grad=True)
    try:
        y = program(x)
    except (RuntimeError, ValueError) as error:
        assert "overwritten after it was taken" in str(error)
        pytest.skip(str(error)[:80])
    np.testing.assert_allclose(y.item(), program(START.copy()), rtol=1e-12)
    (dx,) = mg.grad(y, x, create_graph=True)
    np.testing.assert_allclose(dx.detach().numpy(), slopes(program, START), rtol=1e-6, atol=1e-7)
    weights = np.cos(np.arange(6.0))
    (second,) = mg.grad((dx * weights).sum(), x, materialize_grads=True)

    def along(point):
        leaf = mg.tensor(point, requires_grad=True)
        return (mg.grad(program(leaf), leaf)[0].numpy() * weights).sum()

    np.testing.assert_allclose(second.numpy(), slopes(along, START), rtol=1e-6, atol=1e-7)
