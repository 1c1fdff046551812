"""Arguments that activations, losses, normalisation and tables of vectors refuse: before anything has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from tests.helpers.refusals import check_refused


def ones(*shape: int, dtype: Any = np.float32) -> mg.Tensor:
    return mg.tensor(np.ones(shape, dtype), requires_grad=np.dtype(dtype).kind == "f")


INT, TRIPLE = np.int64, (ones(2, 3), ones(2, 3), ones(2, 3))

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], list[str]]] = {
    # -- activations --------------------------------------------------------------------------------
    "slope tensor": (lambda: F.leaky_relu(ones(2), ones()), TypeError, ["leaky_relu", "negative_slope", "() float32"]),
    "slope text": (lambda: F.leaky_relu(ones(2), "0.1"), TypeError, ["leaky_relu", "must be a number", "got str"]),
    "slope array": (lambda: F.elu(ones(2), alpha=np.ones(2)), TypeError, ["elu: alpha must be a number", "(2,)"]),
    "slope twice": (lambda: F.leaky_relu(ones(2), 0.1, negative_slope=1), TypeError, ["leaky_relu", "negative_slope"]),
    "unknown setting": (lambda: F.leaky_relu(ones(2), slope=1), TypeError, ["leaky_relu", "slope"]),
    "no threshold": (lambda: F.threshold(ones(2), 1), TypeError, ["threshold", "'value'"]),
    "leaky_relu of a list": (lambda: F.leaky_relu([1.0]), TypeError, ["leaky_relu", "list", "mg.tensor"]),
    "silu of a list": (lambda: F.silu([1.0]), TypeError, ["silu", "list", "mg.tensor"]),
    "hardtanh": (lambda: F.hardtanh(ones(2), 2, 1), ValueError, ["hardtanh", "min_val 2 is greater than max_val 1"]),
    "bound text": (lambda: F.hardtanh(ones(2), "-1"), TypeError, ["hardtanh: min_val must be a number", "got str"]),
    "bound tensor": (lambda: F.softshrink(ones(2), ones()), TypeError, ["softshrink: lambd", "number", "() float32"]),
    "softshrink": (lambda: F.softshrink(ones(2), -1), RuntimeError, ["softshrink", "lambd", "at least 0", "got -1"]),
    "celu": (lambda: mg.celu(ones(2), 0.0), RuntimeError, ["celu", "alpha must not be 0"]),
    "prelu channels": (lambda: mg.prelu(ones(2, 3), ones(2)), RuntimeError, ["prelu", "(2, 3)", "(3,)", "(2,)"]),
    "prelu matrix": (lambda: mg.prelu(ones(2, 3), ones(1, 1)), RuntimeError, ["prelu", "(1,)", "got (1, 1) float32"]),
    "prelu dtypes": (
        lambda: mg.prelu(ones(2), ones(1, dtype=np.float64)), TypeError, ["prelu", "float32", "weight is float64"],
    ),
    "rrelu bounds": (lambda: F.rrelu(ones(2), 0.5, 0.25), RuntimeError, ["rrelu", "lower 0.5", "upper 0.25"]),
    "rrelu text": (lambda: F.rrelu(ones(2), "a"), ValueError, ["rrelu", "lower must be a number"]),
    "glu odd": (lambda: F.glu(ones(2, 3)), RuntimeError, ["glu", "dim -1", "(2, 3)", "even"]),
    "glu number": (lambda: F.glu(ones()), RuntimeError, ["glu", "()", "even"]),
    "glu dim": (lambda: F.glu(ones(2, 4), 2), IndexError, ["dim 2"]),
    "softmax two names": (lambda: F.softmax(ones(2, 4), 1, axis=1), TypeError, ["dim and axis"]),
    "softmin of ints": (lambda: F.softmin(ones(2, dtype=INT), 0), TypeError, ["softmax", "x.float()"]),
    "gumbel tau": (lambda: F.gumbel_softmax(ones(2), 0), ValueError, ["gumbel_softmax", "tau", "other than 0"]),
    # -- losses -------------------------------------------------------------------------------------
    "a reduction by position": (
        lambda: F.mse_loss(ones(2), ones(2), "sum"), TypeError, ["mse_loss: size_average", "'sum'", "by its name"],
    ),
    "reduce as a number": (
        lambda: F.kl_div(ones(2), ones(2), reduce=1), TypeError, ["kl_div: reduce must be True or False", "got 1"],
    ),
    **{
        f"{loss.__name__} shapes": (
            lambda f=loss: f(ones(4, 1), ones(4)), ValueError, [loss.__name__, "(4, 1)", "(4,)", "input.squeeze(1)"],
        )
        for loss in (F.smooth_l1_loss, F.huber_loss, F.kl_div, F.poisson_nll_loss, F.hinge_embedding_loss,
                     F.soft_margin_loss)
    },
    **{
        f"{loss.__name__} reduction": (
            lambda f=loss: f(ones(2, 3), ones(2, 3), reduction="some"), ValueError, ["'mean', 'sum', 'none'", "'some'"],
        )
        for loss in (F.smooth_l1_loss, F.huber_loss, F.kl_div, F.poisson_nll_loss, F.hinge_embedding_loss,
                     F.soft_margin_loss, F.multilabel_soft_margin_loss, F.multilabel_margin_loss)
    },
    "beta": (lambda: F.smooth_l1_loss(ones(2), ones(2), beta=-1), ValueError, ["smooth_l1_loss", "beta", "got -1"]),
    "delta": (lambda: F.huber_loss(ones(2), ones(2), delta=0), ValueError, ["huber_loss", "delta", "got 0"]),
    "a weight that broadcasts": (
        lambda: F.l1_loss(ones(2, 3), ones(2, 3), weight=ones(3)), ValueError, ["l1_loss", "(2, 3)", "got (3,)"],
    ),
    "negative variance": (
        lambda: F.gaussian_nll_loss(ones(2), ones(2), -ones(2)), ValueError, ["gaussian_nll_loss", "negative", "-1"],
    ),
    "shape of variances": (
        lambda: F.gaussian_nll_loss(ones(4, 3), ones(4, 3), ones(3, 1)), ValueError, ["(4, 3)", "(4,)", "(3, 1)"],
    ),
    "ranks": (
        lambda: F.margin_ranking_loss(ones(2, 3), ones(2, 3), ones(3)), RuntimeError, ["input1 (2, 3)", "target (3,)"],
    ),
    "ranks of triples": (
        lambda: F.triplet_margin_loss(ones(2, 3), ones(3), ones(2, 3)), RuntimeError, ["positive (3,)"],
    ),
    "margin of triples": (lambda: F.triplet_margin_loss(*TRIPLE, margin=0), ValueError, ["triplet", "got 0"]),
    "cosine target": (
        lambda: F.cosine_embedding_loss(ones(2, 3), ones(2, 3), 1), RuntimeError, ["(N, D)", "(2, 3) and ()"],
    ),
    "labels of no class": (lambda: F.multilabel_soft_margin_loss(ones(), ones()), RuntimeError, ["(N, C) or (C,)"]),
    "power of margins": (lambda: F.multi_margin_loss(ones(2, 3), [0, 1], p=3), ValueError, ["p must be 1 or 2", "3"]),
    "class of margins": (lambda: F.multi_margin_loss(ones(2, 3), [0, 3]), RuntimeError, ["target 3", "0 to 2"]),
    "ignored class of margins": (lambda: F.multi_margin_loss(ones(2, 3), [0, -100]), RuntimeError, ["target -100"]),
    "int32 classes of margins": (
        lambda: F.multi_margin_loss(ones(2, 3), np.array([0, 1], np.int32)), RuntimeError, ["int64", "target.long()"],
    ),
    "scores of images": (lambda: F.multi_margin_loss(ones(2, 3, 4), [0, 1]), RuntimeError, ["(N, C) or (C,)"]),
    "several of no class": (
        lambda: F.multilabel_margin_loss(ones(2), [0, 2]), RuntimeError, ["target 2", "-1, or 0 to 1"],
    ),
    "several of another shape": (lambda: F.multilabel_margin_loss(ones(3), [0, 2]), RuntimeError, ["(3,)", "got (2,)"]),
    "several as floats": (lambda: F.multilabel_margin_loss(ones(2), ones(2)), TypeError, ["int64", "target.long()"]),
    # -- normalisation ------------------------------------------------------------------------------
    "normalized_shape": (lambda: F.layer_norm(ones(4, 3), (4,)), RuntimeError, ["layer_norm", "(4,)", "(4, 3)"]),
    "normalized_shape of none": (lambda: F.rms_norm(ones(4, 3), ()), RuntimeError, ["rms_norm", "()", "(4, 3)"]),
    "weight of a layer": (
        lambda: F.layer_norm(ones(4, 3), (3,), ones(4)), RuntimeError, ["layer_norm", "weight (3,)", "got (4,)"],
    ),
    "bias of a layer": (
        lambda: F.layer_norm(ones(4, 3), 3, None, ones(3, dtype=np.float64)), RuntimeError, ["bias is float64"],
    ),
    "layer of ints": (lambda: F.layer_norm(ones(4, 3, dtype=INT), 3), TypeError, ["layer_norm", "int64", "x.float()"]),
    "eps": (lambda: F.layer_norm(ones(4, 3), 3, eps="small"), ValueError, ["layer_norm: eps must be a number"]),
    "groups": (lambda: F.group_norm(ones(2, 4, 3), 3), RuntimeError, ["group_norm", "(2, 4, 3)", "and 3"]),
    "groups of a vector": (lambda: F.group_norm(ones(4), 2), RuntimeError, ["(N, C, ...)", "(4,) float32"]),
    "groups of one value": (lambda: F.group_norm(ones(1, 4), 4), ValueError, ["more than 1 value per group"]),
    "instances of one value": (lambda: F.instance_norm(ones(2, 4)), ValueError, ["more than 1 value per channel"]),
    "instances without estimates": (
        lambda: F.instance_norm(ones(2, 4, 3), use_input_stats=False), ValueError, ["running_mean and running_var"],
    ),
    "one estimate": (lambda: F.instance_norm(ones(2, 4, 3), np.ones(4)), ValueError, ["instance_norm", "go together"]),
    "one memory": (
        lambda: F.instance_norm(ones(2, 4, 3), *[np.ones(4, np.float32)] * 2), ValueError, ["instance_norm", "share"],
    ),
    "estimates of a graph": (
        lambda: F.instance_norm(ones(2, 4, 3), ones(4), ones(4)), RuntimeError, ["instance_norm", "requires grad"],
    ),
    "neighbours of a matrix": (lambda: F.local_response_norm(ones(2, 3), 2), ValueError, ["(N, C, ...)", "(2, 3)"]),
    "no neighbours": (lambda: F.local_response_norm(ones(2, 3, 1), 0), RuntimeError, ["size of at least 1", "and 0"]),
    # -- dropout, tables, distances -----------------------------------------------------------------
    "dropout of images": (lambda: F.dropout1d(ones(2, 3, 4, 5)), RuntimeError, ["dropout1d", "(2, 3, 4, 5)"]),
    "channels of a vector": (
        lambda: F.feature_alpha_dropout(ones(3), training=True), RuntimeError, ["at least 2 axes", "(3,)"],
    ),
    "alpha_dropout p": (lambda: F.alpha_dropout(ones(3), 2, training=True), ValueError, ["from 0 to 1", "2"]),
    "alpha_dropout of ints": (
        lambda: F.alpha_dropout(ones(3, dtype=INT), training=True), RuntimeError, ["int64", "x.float()"],
    ),
    "no row": (lambda: F.embedding([0, 3], ones(3, 2)), IndexError, ["embedding: 3 is no row", "0 to 2"]),
    "a negative row": (lambda: F.embedding([-1], ones(3, 2)), IndexError, ["embedding: -1 is no row"]),
    "rows as floats": (lambda: F.embedding(ones(2), ones(3, 2)), RuntimeError, ["integers", "float32"]),
    "rows as a mask": (lambda: F.embedding([True], ones(3, 2)), RuntimeError, ["expected integers", "x.long()"]),
    "a table that is none": (lambda: F.embedding([0], ones(3)), RuntimeError, ["weight (N, D)", "(3,)"]),
    "padding": (lambda: F.embedding([0], ones(3, 2), 3), ValueError, ["padding_idx", "(3, 2)", "got 3"]),
    "max_norm": (lambda: F.embedding([0], ones(3, 2), max_norm=-1.0), ValueError, ["max_norm", "at least 0"]),
    "one_hot of floats": (lambda: F.one_hot(ones(2)), RuntimeError, ["one_hot", "(2,) float32", "x.long()"]),
    "one_hot of a list": (lambda: F.one_hot([1]), TypeError, ["expected a tensor", "list"]),
    "one_hot of none": (lambda: F.one_hot(mg.zeros(0, dtype=INT)), RuntimeError, ["num_classes must be given"]),
    "one_hot of negatives": (lambda: F.one_hot(mg.tensor([-1, 2])), RuntimeError, ["-1 is no class", "0 to 2"]),
    "one_hot of more": (lambda: F.one_hot(mg.tensor([0, 2]), 2), RuntimeError, ["2 is no class", "0 to 1"]),
    "distance of ints": (
        lambda: mg.pairwise_distance(ones(2, dtype=INT), ones(2)), RuntimeError, ["pairwise_distance", "x.float()"],
    ),
    "angle of others": (
        lambda: mg.cosine_similarity(ones(2, 3), ones(2, 4)), RuntimeError, ["(2, 3) float32", "(2, 4) float32"],
    ),
    "dim of normalize": (lambda: F.normalize(ones(3)), IndexError, ["dim 1"]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_cure(name):
    """In one line, with what was given."""
    check_refused(*REFUSED[name])


def test_a_refusal_changes_nothing():
    weight, mean, var = mg.full((3, 2), 5.0), mg.zeros(4), mg.ones(4)
    for call in (
        lambda: F.embedding([0, 3], weight, max_norm=1.0),
        lambda: F.embedding([0], weight, 7, max_norm=1.0),
        lambda: F.instance_norm(ones(2, 4, 3), mean, var, ones(3)),
        lambda: F.instance_norm(ones(2, 4, 3), mean, var, momentum="a"),
    ):
        with pytest.raises((ValueError, IndexError)):
            call()
    assert (weight.numpy() == 5).all()
    assert not mean.numpy().any() and (var.numpy() == 1).all()
