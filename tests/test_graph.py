"""Pictures: what a graph's DOT and Mermaid text say, and how they become files."""

import collections
import html
import json
import re
import shutil
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.description import KINDS, MODES
from minigrad.kernels import moments as deviations
from minigrad.nn import functional as F

HOSTILE = 'a<b>&"|{};#`\\N --> \n\t end é %% ]]> <!--'


def has_pygraphviz():
    try:
        import pygraphviz  # noqa: F401
    except ImportError:
        return False
    return True


needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs the program dot")
needs_renderer = pytest.mark.skipif(not shutil.which("dot") and not has_pygraphviz(), reason="needs a renderer")


class MLP(nn.Module):
    def __init__(self):
        self.fc1 = nn.Linear(4, 8)
        self.bn1 = nn.BatchNorm1d(8)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc2(self.act(self.bn1(self.fc1(x))))


class Residual(nn.Module):
    """A block in a list, called twice, with a parameter of its own."""

    def __init__(self):
        self.scale = nn.Parameter(mg.ones(1))
        self.blocks = [nn.Sequential(nn.Linear(4, 4), nn.Tanh())]

    def forward(self, x):
        for _ in range(2):
            x = x + self.blocks[0](x) * self.scale
        return x


@pytest.fixture
def net():
    mg.manual_seed(0)
    return MLP()


@pytest.fixture
def x():
    return mg.tensor(np.random.default_rng(1).normal(size=(16, 4)).astype(np.float32))


@pytest.fixture
def target():
    return mg.tensor(np.arange(16) % 2)


# -- reading a picture back ----------------------------------------------------------------------


Box = collections.namedtuple("Box", "title lines look cluster")


def unescaped(text):
    """Graphviz shows one backslash for two."""
    return text.replace("\\\\", "\\")


class Parsed:
    """The boxes by number, edges as (source, target, look) and clusters as {name: (title, look, name around)}."""

    def __init__(self, source):
        self.boxes, self.edges, self.clusters = {}, [], {}
        self.header = ""
        around = [""]
        for line in source.splitlines():
            if found := re.fullmatch(r" *n(\d+) \[label=<(<TABLE.*</TABLE>)> (.*)\]", line):
                title, *lines = [unescaped("".join(row.itertext())) for row in ElementTree.fromstring(found[2])]
                assert int(found[1]) not in self.boxes
                self.boxes[int(found[1])] = Box(title, lines, found[3], around[-1])
            elif found := re.fullmatch(r" *n(\d+) -> n(\d+) \[(.*)\]", line):
                self.edges.append((int(found[1]), int(found[2]), found[3]))
            elif found := re.fullmatch(r" *subgraph (cluster\w+) \{", line):
                self.clusters[found[1]] = ["", "", around[-1]]
                around.append(found[1])
            elif found := re.fullmatch(r" *label=<(<TABLE.*</TABLE>)>( .*)?", line):
                text = unescaped(html.unescape(re.sub("<.*?>", "", found[1].replace("</TR><TR>", "\n"))))
                if around[-1]:
                    self.clusters[around[-1]][0] = text
                else:
                    self.header = text
            elif found := re.fullmatch(r" *bgcolor=(.*)", line):
                self.clusters[around[-1]][1] = found[1]
            elif line.strip() == "}" and around[-1]:
                around.pop()

    def box(self, title):
        (box,) = [box for box in self.boxes.values() if box.title == title]
        return box

    def titles(self):
        return collections.Counter(box.title for box in self.boxes.values())

    def arrows(self, style):
        """The edges of one style: titles of both ends, and the label."""
        found = [(a, b, re.search("label=<(.*?)>", look)) for a, b, look in self.edges if f"style={style}" in look]
        return {(self.boxes[a].title, self.boxes[b].title, label and label[1]) for a, b, label in found}

    def cluster(self, box):
        """The titles of the clusters around a box, from outside."""
        name, path = self.box(box).cluster, []
        while name:
            title, _, name = self.clusters[name]
            path.insert(0, title)
        return path


def parsed(*args, **kwargs):
    return Parsed(mg.draw(*args, **kwargs).source)


@needs_dot
def test_graphviz_reads_the_same_boxes_edges_and_clusters_as_these_tests(net, x):
    source = mg.draw(net, x, legend=True).source
    ran = subprocess.run(["dot", "-Tdot_json"], input=source.encode(), capture_output=True, check=True)
    assert not ran.stderr
    read, own = json.loads(ran.stdout), Parsed(source)
    names = {thing["_gvid"]: thing["name"] for thing in read["objects"]}
    shown = [edge for edge in read["edges"] if edge.get("style") != "invis"]
    edges = sorted((names[edge["tail"]], names[edge["head"]]) for edge in shown)
    assert edges == sorted((f"n{a}", f"n{b}") for a, b, _ in own.edges)
    clusters = {thing["name"]: thing for thing in read["objects"] if thing["name"].startswith("cluster")}
    assert set(clusters) == set(own.clusters)
    for number, box in own.boxes.items():
        assert {name for name, cluster in clusters.items() if f"n{number}" in [names[i] for i in cluster["nodes"]]} == {
            name for name in clusters if f"{box.cluster}_".startswith(f"{name}_")
        }


# -- modules and modes ---------------------------------------------------------------------------


def in_train(net):
    return net


def in_eval(net):
    return net.eval()


def frozen(net):
    net.bn1.eval().freeze()
    return net


MEAN, VAR, COUNT = (f"bn1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked"))
READS = {(MEAN, "batch_norm", "reads"), (VAR, "batch_norm", "reads")}
WRITES = {("batch_norm", MEAN, "writes 0.1"), ("batch_norm", VAR, "writes 0.1"), ("batch_norm", COUNT, "+1")}


@pytest.mark.parametrize(
    "prepare, mode, effects, statistics",
    [
        (in_train, "train", WRITES, "batch"),
        (in_eval, "eval", READS, "running"),
        (frozen, "frozen", READS, "running"),
    ],
)
def test_a_batch_norm_shows_its_mode_in_title_colour_and_buffer_arrows(net, x, prepare, mode, effects, statistics):
    picture = parsed(prepare(net), x)
    text, (_, inside, border) = MODES[mode]
    (cluster,) = picture.cluster("batch_norm")
    assert cluster.startswith("bn1: BatchNorm1d(8") and cluster.endswith(text)
    box = picture.box("batch_norm")
    assert picture.clusters[box.cluster][1] == f'"{inside}" color="{border}"'
    assert f'color="{border}"' in box.look
    assert picture.arrows("dashed") == effects
    assert any(line.startswith(f"{statistics} mean in") for line in box.lines)
    for buffer in (MEAN, VAR, COUNT):
        assert picture.cluster(buffer) == [cluster]
        assert "shape=cylinder" in picture.box(buffer).look


def test_the_mode_drawn_is_that_of_the_call_not_that_of_the_module_now(net, x):
    y = net(x)
    net.eval()
    assert parsed(y).cluster("batch_norm") == ["bn1: BatchNorm1d(8)  [TRAIN: batch statistics]"]


def test_the_modes_and_kinds_differ_in_colour_and_kinds_also_in_shape():
    assert len({mode.colours.inside for mode in MODES.values()}) == len(MODES)
    picture = parsed(MLP(), mg.ones(2, 4), legend=True)
    legend = [box for box in picture.boxes.values() if picture.clusters.get(box.cluster, [""])[0] == "legend"]
    looks = {re.sub("fillcolor.*", "", box.look) for box in legend}
    assert len(looks) == len(KINDS)


def test_clusters_are_nested_as_the_modules_and_named_as_their_parameters_are(x):
    model = nn.Sequential(
        {"net": nn.Sequential(nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3, momentum=0.2)), "out": MLP2()}
    )
    picture = parsed(model(x))
    assert picture.cluster("net.0.weight") == ["net: Sequential", "net.0: Linear(4, 3, bias=False)"]
    bn = "net.1: BatchNorm1d(3, momentum=0.2)  [TRAIN: batch statistics]"
    assert picture.cluster("batch_norm") == ["net: Sequential", bn]
    assert picture.cluster("out.a.0.weight") == ["out: MLP2", "out.a.0: Linear(3, 3)"]
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
        "blocks.0.0 #1: Linear(4, 4)",
        "blocks.0 #2: Sequential",
        "blocks.0.0 #2: Linear(4, 4)",
    ]
    titles = picture.titles()
    assert titles["blocks.0.1 #1: tanh"] == titles["blocks.0.1 #2: tanh"] == 1
    assert titles["blocks.0.0.weight"] == titles["scale"] == 1
    assert picture.cluster("scale") == []
    used = [b for a, b, _ in picture.edges if picture.boxes[a].title == "blocks.0.0.weight"]
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
    assert picture.cluster("mul") == picture.cluster("1.inner: relu") == ["1: Around"]


def test_a_model_called_twice_has_two_clusters(net, x):
    picture = parsed(net(x) + net(x))
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
    assert picture.cluster("0.inner.offset") == ["0: Borrowing", "0.inner: Multiplying()"]
    assert picture.cluster("Linear.weight") == ["0: Borrowing", "Linear(4, 2)"]


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
    assert {"Linear.weight", "BatchNorm1d.running_mean"} <= set(parsed(y).titles())
    picture = parsed(y, model=net)
    assert {"fc1.weight", "bn1.running_mean"} <= set(picture.titles())
    assert picture.cluster("fc1.weight") == ["fc1: Linear(4, 8)"]
    assert picture.header.startswith("MLP ")


def test_a_submodule_given_as_model_names_only_itself(x):
    outer = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 2), nn.ReLU()))
    picture = parsed(outer(x), model=outer[1])
    assert {"0.weight", "Sequential.0.weight"} <= set(picture.titles())
    assert picture.cluster("0.weight") == ["Sequential", "Sequential", "0: Linear(4, 2)"]


def test_a_submodule_called_before_its_model_is_part_of_it(net, x):
    y = net.fc2(mg.ones(16, 8)) + net(x)
    picture = parsed(y)
    assert picture.titles()["fc2.weight"] == 1
    assert {"fc2 #1: Linear(8, 2)", "fc2 #2: Linear(8, 2)"} <= {title for title, _, _ in picture.clusters.values()}


def test_a_graph_whose_model_is_gone_is_drawn_without_clusters(x):
    picture = parsed(MLP()(x))
    assert not picture.clusters
    assert picture.titles()["linear"] == 2 and picture.titles()["leaf"] == 6


@needs_dot
@pytest.mark.parametrize("prepare", [in_train, in_eval])
def test_buffers_stay_above_their_operation_in_both_modes(net, x, prepare):
    graph = mg.draw(prepare(net), x)
    plain = subprocess.run(["dot", "-Tplain"], input=graph.source.encode(), capture_output=True, check=True).stdout
    height = {int(n): float(y) for n, y in re.findall(r"^node n(\d+) \S+ (\S+)", plain.decode(), re.M)}
    (norm,) = [n for n, box in Parsed(graph.source).boxes.items() if box.title == "batch_norm"]
    buffers = [n for n, box in Parsed(graph.source).boxes.items() if box.title in (MEAN, VAR, COUNT)]
    assert len(buffers) == 3 and min(height[n] for n in buffers) > height[norm]


# -- boxes and edges -----------------------------------------------------------------------------


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
    labels = [re.search("label=<(.)>", look)[1] for _, _, look in parsed(y - y.log()).edges[-2:]]
    assert labels == ["a", "b"]


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_a_box_says_the_number_that_was_added(net, x, kind):
    assert parsed((net(x) + kind(2.5)).sum()).box("add").lines == ["out (16, 2) float32", "b=2.5"]


def test_what_boxes_say(net, x, target):
    loss = F.cross_entropy(net(x) * 2.5, target)
    picture = parsed(loss)
    assert picture.box("mul").lines == ["out (16, 2) float32", "b=2.5"]
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


@pytest.mark.parametrize(("mean", "saved"), [(0, "x"), (9, "x, x - mean")])
def test_a_large_batch_is_saved_once_unless_its_mean_is_far_from_0(mean, saved, monkeypatch):
    monkeypatch.setattr(deviations, "LARGE", 1)
    x = mg.tensor(np.random.default_rng(0).standard_normal((100, 4)) + mean).requires_grad_()
    kept = 100 * 4 * 8 * len(saved.split(", ")) + 2 * 4 * 8
    y = F.batch_norm(x, None, None, training=True)
    assert parsed(y).box("batch_norm").lines[-1] == f"saves {saved}, std, scale ({kept:,} bytes)"


def test_a_large_batch_in_another_order_is_saved_as_a_copy(monkeypatch):
    monkeypatch.setattr(deviations, "LARGE", 1)
    x = mg.tensor(np.random.default_rng(0).standard_normal((4, 100))).T.requires_grad_()
    y = F.batch_norm(x, None, None, training=True)
    assert (
        parsed(y).box("batch_norm").lines[-1]
        == f"saves x, copy of x, std, scale ({2 * 100 * 4 * 8 + 2 * 4 * 8:,} bytes)"
    )


def test_functional_batch_norm_shows_its_mode_and_its_buffers():
    x, mean, var = mg.randn(4, 3, requires_grad=True), mg.zeros(3), mg.ones(3)
    for training, mode, sources in ((True, "train", 1), (False, "eval", 3)):
        picture = parsed(F.batch_norm(x, mean, var, training=training))
        box = picture.box("batch_norm")
        assert f'fillcolor="{MODES[mode].colours.inside}"' in box.look
        assert picture.titles()["buffer"] == 2 and not picture.clusters
        assert sum(picture.boxes[b].title == "batch_norm" for _, b, _ in picture.edges) == sources


# -- gradients -----------------------------------------------------------------------------------


def test_gradients_are_shown_by_their_root_mean_square(net, x, target):
    loss = F.cross_entropy(net(x), target)
    assert not any("grad" in line for box in parsed(loss).boxes.values() for line in box.lines)
    loss.backward()
    picture = parsed(loss)
    for name, parameter in net.named_parameters():
        rms = np.sqrt(np.mean(parameter.grad.numpy().astype(np.float64) ** 2))
        cancelled = " (cancelled by bn1)" if name == "fc1.bias" else ""
        (box,) = [box for box in picture.boxes.values() if box.title.split(" ")[0] == name]
        assert box.lines[-1] == f"|grad| rms {rms:.2g}{cancelled}"


@pytest.mark.parametrize(
    "gradient, text, red",
    [
        ([3.0, 4.0], "3.5", False),
        ([0.0, 0.0], "0", True),
        ([np.nan, 1.0], "nan", True),
        ([np.inf, 1.0], "inf", True),
        ([3e300, 4e300], "3.5e+300", False),
        ([1e-320, 0.0], "7.1e-321", False),
    ],
)
def test_a_gradient_nothing_can_be_learned_from_is_red(gradient, text, red):
    w = mg.tensor(np.ones(2), requires_grad=True)
    loss = (w * 2).sum()
    w.grad = mg.tensor(np.array(gradient))
    source = mg.draw(loss).source
    line = f"|grad| rms {text}"
    assert (f'<FONT COLOR="#d00000">{line}</FONT>' in source) is red
    assert Parsed(source).box("leaf").lines[-1] == line
    mermaid = mg.draw(loss).to_mermaid()
    assert ("⚠" in mermaid) is red


def cancels(net, x, target):
    return F.cross_entropy(net(x), target)


def in_eval_it_does_not(net, x, target):
    return F.cross_entropy(net.eval()(x), target)


def used_elsewhere_too(net, x, target):
    return F.cross_entropy(net(x), target) + net.fc1.bias.sum()


def read_before_the_norm_too(net, x, target):
    h = net.fc1(x)
    return net.bn1(h).exp().mean() + h.mean()


def of_three_axes(net, x, target):
    return nn.BatchNorm1d(4)(net.fc1(x.reshape(4, 4, 4))).exp().mean()


@pytest.mark.parametrize(
    "compute, cancelled",
    [(cancels, True), (in_eval_it_does_not, False), (used_elsewhere_too, False), (read_before_the_norm_too, False),
     (of_three_axes, False)],
)  # fmt: skip
def test_a_bias_is_called_cancelled_exactly_when_its_gradient_is_zero(net, x, target, compute, cancelled):
    loss = compute(net, x, target)
    loss.backward()
    line = parsed(loss, model=net).box("fc1.bias").lines[-1]
    assert ("cancelled by" in line) is cancelled
    assert bool((net.fc1.bias.grad.abs() < 1e-6).all()) is cancelled
    net.fc1.bias.grad = mg.zeros(8)
    assert ("cancelled by" in parsed(loss, model=net).box("fc1.bias").lines[-1]) is cancelled


def test_a_bias_whose_layer_is_an_output_is_not_cancelled(net, x):
    hidden = net.fc1(x)
    loss = net.bn1(hidden).exp().sum()
    loss.backward()
    assert "cancelled by bn1" in parsed(loss, model=net).box("fc1.bias").lines[-1]
    assert "cancelled" not in parsed([loss, hidden], model=net).box("fc1.bias").lines[-1]


def test_a_gradient_of_an_earlier_graph_is_not_called_cancelled(net, x, target):
    F.cross_entropy(net.eval()(x), target).backward()
    assert "cancelled" not in parsed(net.train(), x).box("fc1.bias").lines[-1]


@pytest.mark.parametrize("value, red", [(0.0, False), (np.nan, True)])
def test_a_cancelled_gradient_is_red_only_if_it_is_not_finite(net, x, value, red):
    net.fc1.bias.grad = mg.full((8,), value)
    assert (f'<FONT COLOR="#d00000">|grad| rms {value:.2g} (cancelled by bn1)' in mg.draw(net(x)).source) is red


def test_the_graph_of_a_gradient_is_a_graph(net, x, target):
    (dw,) = mg.grad(F.cross_entropy(net(x), target), net.fc1.weight, create_graph=True)
    picture = parsed(dw.square().sum())
    assert len(picture.boxes) > 40 and picture.titles()["fc1.weight"] == 1
    assert picture.cluster("bn1.running_mean") == ["bn1: BatchNorm1d(8)  [TRAIN: batch statistics]"]
    assert "peripheries=2" in picture.boxes[max(picture.boxes)].look


# -- the line above ------------------------------------------------------------------------------


def test_the_header_counts_and_says_whether_backward_is_done(net, x, target):
    loss = F.cross_entropy(net(x), target)
    counts = f"74 parameters (74 trainable), 17 buffer values   loss={loss.item():.4g}"
    assert parsed(loss).header == f"MLP   mode=train   {counts}   backward: not done"
    loss.backward(retain_graph=True)
    assert parsed(loss).header.endswith("backward: gradients present, graph not freed")
    loss.backward()
    assert parsed(loss).header.endswith("backward: done")
    net.fc1.requires_grad_(False)
    net.eval()
    header = parsed(net, x).header
    assert header.startswith(
        "MLP   mode=eval   74 parameters (34 trainable), 17 buffer values   "
        "backward: not done, gradients are of an earlier pass\nof a pass of its own"
    )
    net.act.train()
    assert "mode=mixed (1 of 5 modules in train)" in parsed(net, x).header
    assert parsed(x.requires_grad_().exp().sum()).header.startswith("2 operations   loss=")


# -- drawing a module ----------------------------------------------------------------------------


class Restless(nn.Module):
    """Changes all it can in its forward pass."""

    def __init__(self):
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.steps = nn.Buffer(mg.zeros(2))
        self.total = nn.Buffer(mg.zeros(2))
        self.calls = 0

    def forward(self, x, scale=1.0):
        y = self.drop(self.norm(x)) * scale
        self.calls += 1
        self.steps += 1
        self.total = self.total + 1
        self.norm.weight.grad = None
        with mg.no_grad():
            self.norm.bias += 1
            if self.norm.bias.grad is not None:
                self.norm.bias.grad.zero_()
        self.eval()
        self.extra = y
        return {"y": y, "twice": [y * 2]}


def state_of(model):
    leaves = [*model.named_parameters(), *model.named_buffers()]
    tensors = {name: (t.tolist(), t.memory.changed, id(t), t.requires_grad) for name, t in leaves}
    gradients = {name: (id(t.grad), t.grad.tolist()) for name, t in leaves if t.grad is not None}
    attributes = [{name: v for name, v in vars(m).items() if isinstance(v, (bool, int))} for m in model.modules()]
    return tensors, gradients, attributes, [sorted(vars(m)) for m in model.modules()], mg.get_rng_state()


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("model", [Restless, MLP])
def test_drawing_a_module_leaves_it_as_it_was(model, recording, x):
    model = model()
    for parameter in model.parameters():
        parameter.grad = mg.ones_like(parameter)
    before = state_of(model)
    with mg.set_grad_enabled(recording):
        picture = parsed(model, x)
        assert mg.is_grad_enabled() is recording
    assert state_of(model) == before
    assert picture.titles()["batch_norm"] == 1 and picture.titles()["input x"] == 1
    assert x.grad is None and not x.requires_grad


def test_drawing_a_module_that_fails_leaves_it_as_it_was(x):
    model = Restless()
    before = state_of(model)
    with pytest.raises(TypeError):
        mg.draw(model, x, object())
    assert state_of(model) == before


def test_a_graph_recorded_before_a_drawing_can_go_backward_after_it(x):
    model = Restless()
    w = mg.ones(2, requires_grad=True)
    loss = (w * model.steps).sum() + model.norm(x).square().sum()
    expected = mg.grad(loss, [w, *model.norm.parameters()], retain_graph=True)
    mg.draw(model, x)
    loss.backward()
    found = [w.grad, *(parameter.grad for parameter in model.norm.parameters())]
    assert [dx.tolist() for dx in found] == [dx.tolist() for dx in expected]


def test_a_module_without_trained_parameters_is_drawn_too(net):
    net.requires_grad_(False)
    picture = parsed(net, np.ones((2, 4), np.float32))
    assert picture.titles()["input x"] == 1 and len(picture.clusters) == 3
    assert parsed(nn.Sequential(nn.Flatten()), mg.ones(2, 2, 2)).titles() == {"input": 1, "0: reshape": 1}


def test_several_outputs_are_all_drawn(x):
    picture = parsed(Restless(), x, 3.0)
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == 2
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    picture = parsed([w.exp(), w.sum(), w])
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == 2
    assert len(picture.boxes) == 3
    assert parsed(w, legend=True).titles()["leaf"] == 1


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (lambda net, x: (3,), TypeError, r"draw takes a tensor.*got 3"),
        (lambda net, x: ([],), TypeError, r"draw takes a tensor"),
        (lambda net, x: (net(x), x), TypeError, r"draw\(model, x\); got .* and 1 inputs"),
        (lambda net, x: (x,), ValueError, r"no graph to draw.*draw\(model, x\)"),
        (lambda net, x: (net(x).detach(),), ValueError, r"detached"),
        (lambda net, x: (net,), TypeError, r"draw\(model, \*inputs\): MLP.forward\(x\): missing .*'x'"),
        (lambda net, x: (net, x, x), TypeError, r"too many positional arguments"),
        (lambda net, x: (nn.Identity(), "text"), TypeError, r"returns some.*got Identity and 1 inputs"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_cure(net, x, arguments, error, message):
    with pytest.raises(error, match=message):
        mg.draw(*arguments(net, x))


# -- the text ------------------------------------------------------------------------------------


def test_the_same_program_gives_the_same_text():
    def program():
        mg.manual_seed(3)
        model = Residual()
        y = model(mg.randn(5, 4))
        y.sum().backward()
        return mg.draw(y, legend=True), mg.draw(y, legend=True)

    (first, again), (second, _) = program(), program()
    assert first.source == again.source == second.source
    assert first.to_mermaid() == second.to_mermaid()


class Hostile(nn.Module):
    def __init__(self):
        self.layers = {HOSTILE: nn.Linear(4, 3)}

    def forward(self, x):
        return self.layers[HOSTILE](x)

    def extra_repr(self):
        return HOSTILE


def test_hostile_names_stay_text(x, tmp_path):
    graph = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x)
    picture = Parsed(graph.source)
    name = "".join(c if c.isprintable() else " " for c in HOSTILE)
    assert picture.cluster(f"0.layers.{name}.weight") == ["0: Hostile", f"0.layers.{name}: Linear(4, 3)"]
    assert len(graph.source.splitlines()) == len(
        mg.draw(nn.Sequential(nn.Sequential(nn.Linear(4, 3)), nn.ReLU()), x).source.splitlines()
    )
    mermaid = graph.to_mermaid()
    decoded = re.sub("#(\\d+);", lambda found: chr(int(found[1])), mermaid)
    assert f"<b>0.layers.{name}.weight</b>" in decoded
    for line in mermaid.splitlines():
        assert line.count('"') in (0, 2) and "`" not in line


@needs_dot
def test_graphviz_accepts_hostile_names_without_a_complaint(x):
    source = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x).source
    ran = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True)
    assert not ran.stderr
    shown = "".join(ElementTree.fromstring(ran.stdout).itertext())
    assert 'a<b>&"|{};#`' in shown


def test_a_long_chain_needs_no_recursion():
    y = mg.ones(1, requires_grad=True)
    for _ in range(20_000):
        y = y * 1.0
    graph = mg.draw(y)
    assert graph.source.count("->") == 20_000
    with pytest.warns(UserWarning, match=r"20,000 edges.*more than Mermaid shows.*save the graph as \.svg"):
        assert graph.to_mermaid().count("-->") == 20_000
    assert "20,001 boxes take long" in graph._repr_mimebundle_()["text/plain"]


def test_mermaid_has_the_same_boxes_edges_and_clusters(net, x, target):
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    graph = mg.draw(loss)
    picture, text = Parsed(graph.source), graph.to_mermaid()
    assert text.startswith("---\n") and text.split("---\n")[2].startswith("flowchart TD\n")
    boxes = re.findall(r'^ *n(\d+)\S*"<b>(.*?)</b>(.*)"', text, re.M)
    assert {int(number): title for number, title, _ in boxes} == {n: box.title for n, box in picture.boxes.items()}
    assert all(lines.split("<br/>")[1:] == picture.boxes[int(n)].lines for n, _, lines in boxes)
    edges = re.findall(r'^  n(\d+) (-->|-\.->)(?:\|"(.*)"\|)? n(\d+)$', text, re.M)
    assert [(int(a), int(b)) for a, _, _, b in edges] == [(a, b) for a, b, _ in picture.edges]
    assert {label for *_, label, _ in edges} == {"", "writes 0.1", "+1 to 1"}
    titles = re.findall(r'subgraph \w+\["(.*)"\]', text)
    assert [" ".join(title.split()) for title in titles] == [
        " ".join(t.split()) for t, _, _ in picture.clusters.values()
    ]
    assert text.count("\n  end\n") == len(titles)


def test_the_legend_is_a_cluster_of_its_own(net, x):
    plain, explained = parsed(net, x), parsed(net, x, legend=True)
    assert {title for title, _, _ in explained.clusters.values()} - {
        title for title, _, _ in plain.clusters.values()
    } == {"legend"}
    assert {number: explained.boxes[number] for number in plain.boxes} == plain.boxes
    assert explained.edges[: len(plain.edges)] == plain.edges


# -- files and notebooks -------------------------------------------------------------------------


@pytest.fixture
def graph():
    return mg.draw(mg.ones(2, requires_grad=True).exp().sum())


@pytest.fixture
def no_renderer(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def test_texts_are_saved_as_they_are(graph, tmp_path):
    assert graph.save(tmp_path / "g.gv").read_text() == graph.save(str(tmp_path / "g.DOT")).read_text() == graph.source
    assert graph.save(tmp_path / "g.md").read_text() == f"```mermaid\n{graph.to_mermaid()}```\n"


@needs_renderer
@pytest.mark.parametrize("suffix, start", [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_pictures_are_rendered(graph, tmp_path, suffix, start):
    path = graph.save(tmp_path / f"g{suffix}")
    assert path == tmp_path / f"g{suffix}"
    assert path.read_bytes().startswith(start)


@needs_renderer
def test_a_notebook_shows_the_picture(net, x):
    graph = mg.draw(net, x)
    bundle = graph._repr_mimebundle_()
    shown = "".join(ElementTree.fromstring(bundle["image/svg+xml"].encode()).itertext())
    assert "TRAIN: batch statistics" in shown and "bn1.running_mean" in shown
    assert bundle["text/plain"] == f"<Graph {'   '.join(Parsed(graph.source).header.splitlines())}>"
    assert graph._repr_svg_() == bundle["image/svg+xml"]


def test_another_suffix_is_refused(graph, tmp_path):
    with pytest.raises(ValueError, match=r"'g.jpeg': name it .svg, .png, .pdf, .gv, .dot, .md"):
        graph.save(tmp_path / "g.jpeg")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_the_text_is_kept_and_one_warning_says_how_to_get_one(graph, tmp_path):
    with pytest.warns(UserWarning) as warned:
        path = graph.save(tmp_path / "g.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["g.gv"] == [path.name]
    assert path.read_text() == graph.source
    (warning,) = warned
    assert "pip install pygraphviz" in str(warning.message) and str(path) in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_a_notebook_shows_the_text(graph):
    bundle = graph._repr_mimebundle_(include=None, exclude=None)
    assert graph.source in bundle["text/plain"] and "pip install pygraphviz" in bundle["text/plain"]
    assert bundle["text/vnd.mermaid"] == graph.to_mermaid()
    assert graph._repr_svg_() is None


def test_pygraphviz_renders_where_there_is_no_dot(graph, monkeypatch):
    calls = []

    class AGraph:
        def __init__(self, string):
            calls.append(string)

        def draw(self, format, prog):
            calls.append((format, prog))
            return b"<svg/>"

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", types.SimpleNamespace(AGraph=AGraph))
    assert graph._repr_svg_() == "<svg/>"
    assert calls == [graph.source, ("svg", "dot")]


@pytest.mark.skipif(not has_pygraphviz(), reason="needs pygraphviz")
def test_pygraphviz_renders_hostile_names(x, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    svg = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x)._repr_svg_()
    assert 'a<b>&"|{};#`' in "".join(ElementTree.fromstring(svg.encode()).itertext())


def test_a_renderer_that_fails_is_no_traceback(graph, monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "dot could not render the graph" in graph._repr_mimebundle_()["text/plain"]
    with pytest.warns(UserWarning, match="dot could not render the graph"):
        assert graph.save(tmp_path / "g.png") == tmp_path / "g.gv"


def test_importing_minigrad_imports_no_renderer():
    code = "import sys, minigrad; sys.exit(any(name in sys.modules for name in ('graphviz', 'pygraphviz')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
