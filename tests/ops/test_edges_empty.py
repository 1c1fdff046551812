"""Operations on arrays without elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad import ops
from tests.helpers.inputs import leaf, leaves
from tests.ops.edges import both_ways, inf

Shape = tuple[int, ...]
SUMS = ("sum", "mean", "prod", "var", "std", "logsumexp")


def along(name: str, dim: int) -> Callable[..., Any]:
    return lambda x: getattr(mg, name)(x, dim)


EMPTY: dict[str, tuple[Callable[..., Any], list[Shape], Shape]] = {
    # the function, the shapes of its inputs, the shape of its output
    **{name: (getattr(mg, name), [(0, 3)], (0, 3)) for name in ("exp", "log", "relu", "sigmoid", "abs", "sqrt")},
    "add": (mg.add, [(0, 3), (3,)], (0, 3)),
    "mul by one row": (mg.mul, [(0, 3), (1, 3)], (0, 3)),
    "div": (mg.div, [(2, 0), (2, 1)], (2, 0)),
    "pow": (mg.pow, [(0,), ()], (0,)),
    "maximum": (mg.maximum, [(0, 3), (3,)], (0, 3)),
    "clamp": (lambda x: mg.clamp(x, 0, 1), [(0,)], (0,)),
    "where": (lambda x, y: mg.where(x > 0, x, y), [(0, 3), ()], (0, 3)),
    **{f"{name} of rows": (along(name, 1), [(0, 3)], (0,)) for name in (*SUMS, "amax", "amin")},
    **{f"{name} of nothing": (along(name, 0), [(0, 3)], (3,)) for name in SUMS},
    "max of rows": (lambda x: mg.max(x, 1).values, [(0, 3)], (0,)),
    **{f"{name} of all nothing": (getattr(mg, name), [(0, 3)], ()) for name in SUMS},
    "softmax": (lambda x: mg.softmax(x, 1), [(0, 3)], (0, 3)),
    "softmax of nothing": (lambda x: mg.softmax(x, 1), [(3, 0)], (3, 0)),
    "log_softmax": (lambda x: mg.log_softmax(x, -1), [(2, 0, 3)], (2, 0, 3)),
    "reshape": (lambda x: mg.reshape(x, 3, 0), [(0, 2)], (3, 0)),
    "permute": (lambda x: mg.permute(x, 1, 0), [(0, 2)], (2, 0)),
    "expand": (lambda x: mg.expand(x, 0, 3), [(1, 3)], (0, 3)),
    "flatten": (mg.flatten, [(2, 0, 3)], (0,)),
    "cat": (lambda x, y: mg.cat([x, y]), [(0, 3), (2, 3)], (2, 3)),
    "stack": (lambda x, y: mg.stack([x, y]), [(0,), (0,)], (2, 0)),
    "empty slice": (lambda x: x[3:], [(2, 3)], (0, 3)),
    "empty list": (lambda x: x[[]], [(2, 3)], (0, 3)),
    "empty mask": (lambda x: x[np.zeros((2, 3), bool)], [(2, 3)], (0,)),
    "matmul": (mg.matmul, [(0, 3), (3, 2)], (0, 2)),
    "matmul of nothing": (mg.matmul, [(2, 0), (0, 3)], (2, 3)),
    "matmul of batches": (mg.matmul, [(0, 2, 3), (3,)], (0, 2)),
    "linear": (F.linear, [(0, 3), (2, 3), (2,)], (0, 2)),
    "linear of sequences": (F.linear, [(2, 0, 3), (2, 3), (2,)], (2, 0, 2)),
    "linear without inputs": (F.linear, [(2, 4, 0), (3, 0), (3,)], (2, 4, 3)),
    "linear without outputs": (F.linear, [(2, 4, 3), (0, 3), (0,)], (2, 4, 0)),
    "mse_loss": (lambda x, t: F.mse_loss(x, t, reduction="none"), [(0, 3), (0, 3)], (0, 3)),
    "mse_loss mean": (F.mse_loss, [(0,), (0,)], ()),
    "bce mean": (F.binary_cross_entropy, [(0,), (0,)], ()),
    "bce_with_logits mean": (F.binary_cross_entropy_with_logits, [(0,), (0,)], ()),
    "cross_entropy": (lambda x: F.cross_entropy(x, np.zeros(0, int)), [(0, 3)], ()),
    "cross_entropy sum": (lambda x: F.cross_entropy(x, np.zeros(0, int), reduction="sum"), [(0, 3)], ()),
    "cross_entropy of sequences": (lambda x: F.cross_entropy(x, np.zeros((2, 0), int)), [(2, 3, 0)], ()),
    "cross_entropy of probabilities": (F.cross_entropy, [(0, 3), (0, 3)], ()),
    "nll_loss": (lambda x: F.nll_loss(x, np.zeros(0, int), reduction="none"), [(0, 3)], (0,)),
    "conv1d": (F.conv1d, [(0, 2, 4), (3, 2, 2), (3,)], (0, 3, 3)),
    "conv2d": (lambda x, w: F.conv2d(x, w, padding=1), [(0, 2, 4, 5), (3, 2, 3, 3)], (0, 3, 4, 5)),
    "conv2d without inputs": (F.conv2d, [(2, 0, 4, 5), (3, 0, 2, 2), (3,)], (2, 3, 3, 4)),
    "conv_transpose2d": (F.conv_transpose2d, [(0, 2, 4, 5), (2, 3, 2, 2), (3,)], (0, 3, 5, 6)),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2, 1), [(0, 2, 4)], (0, 2, 3)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [(0, 2, 4, 4)], (0, 2, 2, 2)),
    "max_pool2d of all": (lambda x: F.max_pool2d(x, 4), [(0, 2, 4, 4)], (0, 2, 1, 1)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 1, 1), [(0, 2, 4, 4)], (0, 2, 4, 4)),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 3), [(0, 2, 4, 4)], (0, 2, 3, 3)),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 3), [(0, 2, 4)], (0, 2, 3)),
    "pad": (lambda x: F.pad(x, (1, 1)), [(0, 3)], (0, 5)),
    "pad of nothing": (lambda x: F.pad(x, (1, 1)), [(2, 0)], (2, 2)),
    "pad to nothing": (lambda x: F.pad(x, (-1, -2)), [(2, 3)], (2, 0)),
    "pad reflect": (lambda x: F.pad(x, (1, 1), "reflect"), [(0, 3)], (0, 5)),
    "leaky_relu": (F.leaky_relu, [(0, 3)], (0, 3)),
    "elu": (F.elu, [(0, 3)], (0, 3)),
    "prelu": (mg.prelu, [(0, 3), (3,)], (0, 3)),
    "huber_loss mean": (F.huber_loss, [(0,), (0,)], ()),
    "multi_margin_loss": (lambda x: F.multi_margin_loss(x, np.zeros(0, int), reduction="sum"), [(0, 3)], ()),
    "multilabel_margin_loss": (
        lambda x: F.multilabel_margin_loss(x, np.zeros((0, 3), int), reduction="sum"),
        [(0, 3)],
        (),
    ),
    "layer_norm": (lambda x, w: F.layer_norm(x, (3,), w), [(0, 3), (3,)], (0, 3)),
    "layer_norm of nothing": (lambda x, w: F.layer_norm(x, (0,), w), [(3, 0), (0,)], (3, 0)),
    "group_norm": (lambda x: F.group_norm(x, 2), [(0, 4, 3)], (0, 4, 3)),
    "instance_norm": (F.instance_norm, [(2, 3, 0)], (2, 3, 0)),
    "rms_norm": (lambda x: F.rms_norm(x, (3,)), [(0, 3)], (0, 3)),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), [(2, 0, 4)], (2, 0, 4)),
    "normalize": (F.normalize, [(0, 3)], (0, 3)),
    "cosine_similarity": (F.cosine_similarity, [(0, 3), (0, 3)], (0,)),
    "embedding": (lambda w: F.embedding(np.zeros((0, 2), int), w), [(4, 3)], (0, 2, 3)),
    "dropout": (lambda x: ops.dropout(x, 0.5, np.random.default_rng(0)), [(0, 3)], (0, 3)),
}


@pytest.mark.parametrize("name", EMPTY)
@both_ways
def test_empty_tensors(name, create_graph):
    """They work, forward and backward, without a warning; what does not depend on nothing gets zeros."""
    function, shapes, expected = EMPTY[name]
    inputs = leaves([np.ones(shape) for shape in shapes])
    y = function(*inputs)
    assert y.shape == expected
    found = mg.grad(y, inputs, mg.ones_like(y), create_graph=create_graph)
    for x, dx in zip(inputs, found):
        assert (dx.shape, dx.dtype) == (x.shape, x.dtype)
        if y.detach().numpy().size == 0:
            np.testing.assert_array_equal(dx.detach().numpy(), 0)


def test_reductions_of_nothing():
    nothing = leaf(np.zeros(0))
    assert mg.sum(nothing).item() == 0
    assert mg.prod(nothing).item() == 1
    assert mg.logsumexp(nothing).item() == -inf
    losses = [F.mse_loss(nothing, []), F.cross_entropy(leaf(np.zeros((0, 3))), np.zeros(0, int))]
    for y in (mg.mean(nothing), mg.var(nothing), mg.std(nothing), *losses):
        assert np.isnan(y.item())
