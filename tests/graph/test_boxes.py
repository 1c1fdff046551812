"""Boxes and edges of each kind: operations, parameters, buffers, inputs and outputs."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph.description import MODES
from minigrad.nn import functional as F
from tests.graph.parsed import parsed


def test_there_is_a_box_for_each_record_and_each_constant_and_an_edge_for_each_use(net, x, target):
    loss = F.cross_entropy(net(x), target) + net.fc1.weight.square().mean()
    things, uses, stack = {id(loss.node)}, 0, [loss.node]
    while stack:
        for operand in stack.pop().inputs:
            if isinstance(operand, mg.engine.node.Node) and id(operand) not in things:
                stack.append(operand)
            uses += isinstance(operand, (mg.engine.node.Node, mg.Tensor))
            if isinstance(operand, (mg.engine.node.Node, mg.Tensor)):
                things.add(id(operand))
    picture = parsed(loss)
    assert len(picture.boxes) == len(things) + 3
    assert len(picture.edges) == uses + 3
    assert sorted(picture.boxes) == list(range(len(picture.boxes)))


def test_numbers_are_topological(net, x, target):
    picture = parsed(F.cross_entropy(net(x), target))
    assert all(a < b for a, b, look in picture.edges if "dashed" not in look)


def test_parallel_edges_are_kept_and_operands_told_apart():
    w = mg.tensor(2.0, requires_grad=True)
    picture = parsed(w + w)
    assert [(a, b) for a, b, _ in picture.edges] == [(0, 1), (0, 1)]
    y = w.exp()
    labels = [re.search("label=<(.+?)>", look)[1] for _, _, look in parsed(y - y.log()).edges[-2:]]
    assert labels == ["input", "other"]


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_a_box_says_the_number_that_was_added(net, x, kind):
    assert parsed((net(x) + kind(2.5)).sum()).box("add").lines == ["out (16, 2) float32", "other=2.5"]


def test_what_boxes_say(net, x, target):
    loss = F.cross_entropy(net(x) * 2.5, target)
    picture = parsed(loss)
    assert picture.box("mul").lines == ["out (16, 2) float32", "other=2.5"]
    assert picture.box("cross_entropy").lines == [f"out () float32 = {loss.item():.4g}", "reduction=mean"]
    assert "peripheries=2" in picture.box("cross_entropy").look
    assert picture.box("fc2.bias").lines == ["(2,) float32"]
    assert "dashed" not in picture.box("fc2.bias").look
    assert picture.arrows("dotted") == {("target", "cross_entropy", None)}
    assert "rounded" in picture.box("target").look
    mean = picture.box("bn1.running_mean").lines[1]
    low, high = (float(v) for v in re.fullmatch(r"values in \[(.*), (.*)\]", mean).groups())
    np.testing.assert_allclose(
        [low, high], [net.bn1.running_mean.min().item(), net.bn1.running_mean.max().item()], 5e-3
    )
    assert picture.box("bn1.num_batches_tracked").lines == ["() int64 = 1"]


def test_attributes_that_are_off_are_left_out():
    w = mg.ones(2, 3, requires_grad=True)
    assert parsed(w.sum(0)).box("sum").lines == ["out (3,) float32", "axes=(0,)"]
    assert parsed(w.sum(0, keepdim=True)).box("sum").lines[1] == "axes=(0,)  keepdims=True"
    assert parsed(w.clamp(min=0.123456)).box("clamp").lines[1] == "low=0.1235"


def test_a_frozen_parameter_is_dashed(net, x):
    net.fc1.weight.requires_grad_(False)
    picture = parsed(net(x))
    assert "dashed" in picture.box("fc1.weight").look and "dashed" not in picture.box("fc1.bias").look
    assert picture.cluster("fc1.weight") == ["fc1: Linear(4, 8)"]


def test_a_batch_norm_says_the_statistics_it_used_and_what_it_keeps_until_backward(net, x):
    before = net.fc1(x).numpy().astype(np.float64)
    y = net(x)
    lines = parsed(y).box("batch_norm").lines
    assert lines[:2] == ["out (16, 8) float32", "eps=1e-05  momentum=0.1"]
    for line, values in ((lines[2], before.mean(0)), (lines[3], before.var(0))):
        low, high = re.search(r"in \[(.*), (.*)\]", line).groups()
        np.testing.assert_allclose([float(low), float(high)], [values.min(), values.max()], rtol=1e-2)
    assert lines[3].endswith("  n=16")
    kept = 16 * 8 * 4 * 2 + 2 * 8 * 4
    assert lines[4] == f"saves x, x - mean, std, scale ({kept:,} bytes)"
    y.sum().backward()
    assert parsed(y).box("batch_norm").lines[4] == "saved values: freed by backward"


MANY = 1 << 17
"""Rows of four: a batch that is normalised in blocks."""


@pytest.mark.parametrize(("mean", "saved"), [(0, "x"), (9, "x, x - mean")])
def test_a_large_batch_is_saved_once_unless_its_mean_is_far_from_0(mean, saved):
    x = mg.tensor(np.random.default_rng(0).standard_normal((MANY, 4)) + mean).requires_grad_()
    kept = MANY * 4 * 8 * len(saved.split(", ")) + 2 * 4 * 8
    y = F.batch_norm(x, None, None, training=True)
    assert parsed(y).box("batch_norm").lines[-1] == f"saves {saved}, std, scale ({kept:,} bytes)"


def test_a_large_batch_in_another_order_is_saved_as_a_copy():
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, MANY))).T.requires_grad_()
    y = F.batch_norm(x, None, None, training=True)
    assert (
        parsed(y).box("batch_norm").lines[-1]
        == f"saves x, copy of x, std, scale ({2 * MANY * 4 * 8 + 2 * 4 * 8:,} bytes)"
    )


def test_functional_batch_norm_shows_its_mode_and_its_buffers():
    x, mean, var = mg.randn(4, 3, requires_grad=True), mg.zeros(3), mg.ones(3)
    for training, mode, sources in ((True, "train", 1), (False, "eval", 3)):
        picture = parsed(F.batch_norm(x, mean, var, training=training))
        box = picture.box("batch_norm")
        assert f'fillcolor="{MODES[mode].colours.inside}"' in box.look
        assert picture.titles()["buffer"] == 2 and not picture.clusters
        assert sum(picture.boxes[b].title == "batch_norm" for _, b, _ in picture.edges) == sources
