"""The graph of BatchNorm's gradient: its three ways, each in a cluster and a colour of its own."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.appearance import THEMES
from minigrad.nn import functional as F
from tests.graph.parsed import parsed

WAYS = ["directly", "through the mean", "through the variance"]


def gradient(norm, x, **options):
    (dx,) = mg.grad(norm(x), x, mg.randn(*x.shape, dtype=x.dtype, requires_grad=True), create_graph=True)
    return dx, parsed(dx, model=norm, **options)


def test_the_three_ways_have_clusters_inside_that_of_the_derivative_and_names_stay():
    norm = nn.BatchNorm1d(3)
    _, picture = gradient(norm, mg.randn(6, 3, requires_grad=True))
    titles = {title: (look, around) for title, look, around in picture.clusters.values()}
    assert set(titles) == {"BatchNorm1d: gradient", "batch_norm: gradient of its input", *WAYS}
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
    titles = {"BatchNorm1d: gradient", "batch_norm: gradient of its input", "directly"}
    assert {title for title, *_ in picture.clusters.values()} == titles


def test_derivatives_name_the_module_that_they_are_of(net, x, target):
    loss = F.cross_entropy(net(x), target)
    (dx,) = mg.grad(loss, net.fc1.weight, create_graph=True)
    picture = parsed(dx, model=net)
    around = {title: picture.clusters.get(outer, [""])[0] for title, _, outer in picture.clusters.values()}
    assert around["batch_norm: gradient of its input"] == "bn1 (BatchNorm1d): gradient"
    assert {"fc1: Linear(4, 8)", "fc1 (Linear): gradient", "fc2 (Linear): gradient"} <= around.keys()
    assert picture.titles()["act gradient: mul"] == picture.titles()["bn1.running_mean"] == 1
    folded = parsed(dx, model=net, collapse="bn1").titles()
    assert folded["bn1 (BatchNorm1d): gradient"] == folded["bn1: BatchNorm1d(8)  [TRAIN: batch statistics]"] == 1


def test_derivatives_have_the_number_of_their_call_and_nest_like_calls():
    block = nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.Tanh()))
    x = mg.randn(4, 3, requires_grad=True)
    (dx,) = mg.grad(block(block(x)).sum(), x, create_graph=True)
    (again,) = mg.grad((dx**2).sum(), x, create_graph=True)
    titles = {title: around for title, _, around in parsed(again, model=block).clusters.values()}
    for number in "#1", "#2":
        assert {f"Sequential {number}: gradient", f"0 {number} (Linear): gradient of the gradient"} <= titles.keys()


class Penalty(nn.Module):
    """The gradient of a critic by its input."""

    def __init__(self):
        self.critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, x):
        return (mg.grad(self.critic(x).sum(), x, create_graph=True)[0] ** 2).mean()


def test_derivatives_inside_of_a_call_are_drawn_inside_of_it():
    model, x = nn.Sequential(Penalty()), mg.randn(4, 3, requires_grad=True)
    path = parsed(model(x), model=model).cluster("pow")
    titles = parsed(model(x), model=model).clusters
    around = {title: titles.get(outer, [""])[0] for title, _, outer in titles.values()}
    assert path == ["0: Penalty"] and around["critic (Sequential): gradient"] == "0: Penalty"
    assert around["0 (Linear): gradient"] == "critic (Sequential): gradient"


@pytest.mark.parametrize("theme", THEMES)
def test_the_branches_have_colours_of_their_own(theme):
    assert len({branch.inside for branch in THEMES[theme].branches}) == len(WAYS)


def test_ways_leave_no_note_on_the_gradient_that_comes_in():
    x, dy = mg.randn(4, 2, requires_grad=True), mg.randn(4, 2, requires_grad=True)
    incoming = dy * 2
    mg.grad(nn.BatchNorm1d(2, affine=False)(x), x, incoming, create_graph=True)
    assert incoming.node.watch is None
