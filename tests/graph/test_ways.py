"""The graph of BatchNorm's gradient: its three ways, each in a cluster and a colour of its own."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.appearance import THEMES
from tests.graph.parsed import parsed

WAYS = ["directly", "through the mean", "through the variance"]


def gradient(norm, x, **options):
    (dx,) = mg.grad(norm(x), x, mg.randn(*x.shape, dtype=x.dtype, requires_grad=True), create_graph=True)
    return dx, parsed(dx, model=norm, **options)


def test_the_three_ways_have_clusters_inside_that_of_the_derivative_and_names_stay():
    norm = nn.BatchNorm1d(3)
    _, picture = gradient(norm, mg.randn(6, 3, requires_grad=True))
    titles = {title: (look, around) for title, look, around in picture.clusters.values()}
    assert set(titles) == {"batch_norm: gradient of its input", *WAYS}
    outer = titles["directly"][1]
    assert picture.clusters[outer][0] == "batch_norm: gradient of its input"
    assert [titles[way] for way in WAYS] == [
        (f'"{branch.inside}" color="{branch.border}"', outer) for branch in THEMES["light"].branches
    ]
    inside = {way: [box.title for box in picture.boxes.values() if picture.clusters.get(box.cluster, [""])[0] == way]
              for way in WAYS}  # fmt: skip
    assert inside == {"directly": ["mul"], "through the mean": ["mean"], "through the variance": ["mul", "mean", "mul"]}
    assert picture.titles()["weight (gamma)"] == 1


def test_each_way_is_its_part_of_the_gradient():
    norm, x = nn.BatchNorm1d(2, dtype=np.float64), mg.randn(5, 2, dtype=np.float64, requires_grad=True)
    dx, _ = gradient(norm, x)
    picture = mg.draw(dx, values=True).picture
    last = {
        cluster.title: cluster.boxes[-1].values for cluster in picture.content.all_clusters() if cluster.branch >= 0
    }
    direct, mean, variance = (last[way] for way in WAYS)
    std = np.sqrt(x.numpy().var(0) + 1e-5)
    np.testing.assert_allclose((direct - mean - variance) / std, dx.numpy(), rtol=1e-9, atol=1e-12)


def test_in_evaluation_there_is_one_way():
    norm = nn.BatchNorm1d(3).eval()
    _, picture = gradient(norm, mg.randn(6, 3, requires_grad=True))
    assert {title for title, *_ in picture.clusters.values()} == {"batch_norm: gradient of its input", "directly"}


@pytest.mark.parametrize("theme", THEMES)
def test_the_branches_have_colours_of_their_own(theme):
    assert len({branch.inside for branch in THEMES[theme].branches}) == len(WAYS)


def test_ways_leave_no_note_on_the_gradient_that_comes_in():
    x, dy = mg.randn(4, 2, requires_grad=True), mg.randn(4, 2, requires_grad=True)
    incoming = dy * 2
    mg.grad(nn.BatchNorm1d(2, affine=False)(x), x, incoming, create_graph=True)
    assert incoming.node.watch is None
