"""Clusters are the modules, nested and named alike."""

import re

import minigrad as mg
from minigrad import nn
from tests.graph.parsed import MLP, Residual, parsed


def test_clusters_are_nested_as_the_modules_and_named_as_their_parameters_are(x):
    model = nn.Sequential(
        {"net": nn.Sequential(nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3, momentum=0.2)), "out": MLP2()}
    )
    picture = parsed(model(x))
    assert picture.cluster("net.0.weight") == ["net: Sequential", "0: Linear(4, 3, bias=False)"]
    bn = "1: BatchNorm1d(3, momentum=0.2)  [TRAIN: batch statistics]"
    assert picture.cluster("batch_norm") == ["net: Sequential", bn]
    assert picture.cluster("out.a.0.weight") == ["out: MLP2", "a.0: Linear(3, 3)"]
    names = {name for name, _ in [*model.named_parameters(), *model.named_buffers()]}
    assert {re.sub(r" \((gamma|beta)\)", "", title) for title in picture.titles()} >= names
    assert {"net.1.weight (gamma)", "net.1.bias (beta)"} <= set(picture.titles())


class MLP2(nn.Module):
    """Layers in a list, and a buffer that no operation uses."""

    def __init__(self):
        self.a = [nn.Linear(3, 3), nn.ReLU()]
        self.steps = nn.Buffer(mg.zeros(2))

    def forward(self, x):
        for layer in self.a:
            x = layer(x)
        return x


def test_a_buffer_that_nothing_reads_is_drawn_in_its_module():
    picture = parsed(nn.Sequential(MLP2()), mg.ones(2, 3))
    assert picture.cluster("0.steps") == ["0: MLP2"]
    assert picture.box("0.steps").lines == ["(2,) float32", "values in [0, 0]"]


def test_a_module_called_twice_has_two_clusters_and_its_parameters_once(x):
    model = Residual()
    picture = parsed(model(x))
    calls = [title for title, _, _ in picture.clusters.values()]
    assert calls == [
        "blocks.0 #1: Sequential",
        "0 #1: Linear(4, 4)",
        "blocks.0 #2: Sequential",
        "0 #2: Linear(4, 4)",
    ]
    titles = picture.titles()
    assert titles["1 #1: tanh"] == titles["1 #2: tanh"] == 1
    assert titles["blocks.0.0.weight"] == titles["scale"] == 1
    assert picture.cluster("scale") == []
    used = [b for a, b, _ in picture.edges if picture.name(picture.boxes[a]) == "blocks.0.0.weight"]
    assert [picture.boxes[b].title for b in used] == ["linear", "linear"] and len(set(used)) == 2


def test_a_module_of_one_operation_is_a_label_and_a_loss_module_does_not_name_the_model(net, x, target):
    criterion = nn.CrossEntropyLoss()
    picture = parsed(criterion(net(x), target))
    assert {"act: relu", "CrossEntropyLoss: cross_entropy", "fc1.weight"} <= set(picture.titles())
    assert picture.cluster("act: relu") == []


class TwoSteps(nn.Module):
    def forward(self, x):
        return x.exp().log()


class Around(nn.Module):
    def __init__(self, inner):
        self.inner = inner

    def forward(self, x):
        return self.inner(x) * 2


def test_a_module_without_parameters_has_a_cluster_if_it_is_more_than_one_operation(x):
    picture = parsed(nn.Sequential(TwoSteps(), Around(nn.ReLU())), x)
    assert picture.cluster("log") == ["0: TwoSteps()"]
    assert picture.cluster("mul") == picture.cluster("inner: relu") == ["1: Around"]


def test_a_model_called_twice_has_two_clusters(net, x):
    picture = parsed(net(x) + net(x), tables=False)
    assert [title for title, _, around in picture.clusters.values() if not around] == ["MLP #1", "MLP #2"]
    assert picture.cluster("fc1.weight") == ["MLP #1", "fc1 #1: Linear(4, 8)"]


class Borrowing(nn.Module):
    """Hands its own parameter to a module inside, and uses a layer that is not its own."""

    def __init__(self, layer):
        self.scale = nn.Parameter(mg.ones(4))
        self.inner = Multiplying()
        self.borrowed = lambda x: layer(x)

    def forward(self, x):
        return self.borrowed(self.inner(x, self.scale))


class Multiplying(nn.Module):
    def __init__(self):
        self.offset = nn.Parameter(mg.zeros(4))

    def forward(self, x, factor):
        return x * factor + self.offset


def test_a_parameter_is_drawn_where_it_belongs_and_named_by_the_module_drawn(x):
    layer = nn.Linear(4, 2)
    picture = parsed(nn.Sequential(Borrowing(layer)), x)
    assert picture.cluster("0.scale") == ["0: Borrowing"]
    assert picture.cluster("0.inner.offset") == ["0: Borrowing", "inner: Multiplying()"]
    assert picture.cluster("0.weight") == ["0: Borrowing", "Linear(4, 2)"]


def test_what_a_module_makes_is_drawn_in_it_and_what_comes_from_outside_is_not(x):
    picture = parsed(nn.Sequential(nn.Sequential(nn.Dropout(0.5))), x)
    assert picture.cluster("mask") == ["0: Sequential"]
    assert picture.cluster("input") == [] and "rounded" in picture.box("input").look


def test_a_lone_layer_keeps_its_cluster(x):
    picture = parsed(nn.BatchNorm1d(4, affine=False, track_running_stats=False), x)
    assert picture.cluster("batch_norm") == [
        "BatchNorm1d(4, affine=False, track_running_stats=False)  [TRAIN: batch statistics]"
    ]


def test_layers_without_a_model_are_named_by_their_class_or_by_the_model_given(net, x):
    y = net.bn1(net.fc1(x))
    picture = parsed(y)
    assert picture.cluster("running_mean") == ["BatchNorm1d(8)  [TRAIN: batch statistics]"]
    assert picture.cluster("weight") == ["Linear(4, 8)"]
    picture = parsed(y, model=net)
    assert {"fc1.weight", "bn1.running_mean"} <= set(picture.titles())
    assert picture.cluster("fc1.weight") == ["fc1: Linear(4, 8)"]
    assert picture.header.startswith("MLP ")


def test_a_submodule_given_as_model_names_only_itself(x):
    outer = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 2), nn.ReLU()))
    picture = parsed(outer(x), model=outer[1])
    names = [box.name for box in mg.draw(outer(x), model=outer[1]).picture.content.all_boxes()]
    assert {"0.weight", "Sequential.0.weight"} <= set(names)
    assert [title for title, _, _ in picture.clusters.values()] == [
        "Sequential", "0: Linear(4, 4)", "Sequential", "0: Linear(4, 2)",
    ]  # fmt: skip


def test_a_submodule_called_before_its_model_is_part_of_it(net, x):
    y = net.fc2(mg.ones(16, 8)) + net(x)
    picture = parsed(y)
    assert picture.titles()["fc2.weight"] == 1
    assert {"fc2 #1: Linear(8, 2)", "fc2 #2: Linear(8, 2)"} <= {title for title, _, _ in picture.clusters.values()}


def test_a_graph_whose_model_is_gone_is_drawn_without_clusters(x):
    picture = parsed(MLP()(x))
    assert not picture.clusters
    assert picture.titles()["linear"] == 2 and picture.titles()["leaf"] == 6
