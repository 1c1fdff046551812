"""Programs that other tools draw wrongly, or not at all."""

import warnings
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad import nn
from tests.graph.parsed import Parsed, needs_renderer, parsed


class Same(nn.Module):
    def forward(self, x):
        return x


class Several(nn.Module):
    def __init__(self):
        self.f = nn.Linear(2, 2)

    def forward(self, x):
        y = self.f(x)
        return [y, y, x, (y.relu(), {"deep": y})]


@pytest.mark.parametrize(
    "make, boxes, outputs",
    [
        (lambda: mg.draw(Same(), mg.ones(2, 2)), 1, 0),
        (lambda: mg.draw(nn.Sequential(nn.Linear(2, 2), Same(), nn.Dropout(0.0)).eval(), mg.ones(2, 2)), 4, 1),
        (lambda: mg.draw(nn.Dropout(0.5).eval(), mg.ones(2, 2)), 1, 0),
        (lambda: mg.draw(Several(), mg.ones(2, 2)), 5, 2),
    ],
)
def test_modules_that_return_their_input_or_an_output_twice(make, boxes, outputs):
    picture = Parsed(make().source)
    assert len(picture.boxes) == boxes
    assert sum("peripheries=2" in box.look for box in picture.boxes.values()) == outputs


class Length(mg.Tensor):
    pass


class Learned(nn.Parameter):
    pass


class Scaling(nn.Module):
    def __init__(self):
        self.gain = Learned(mg.ones(4))

    def forward(self, x):
        return x * self.gain


def test_subclasses_of_tensor_and_parameter_are_drawn_as_these():
    assert len(parsed(Length(mg.ones(4)).requires_grad_() * 3).edges) == 1
    assert "shape=note" in parsed(Scaling(), mg.ones(4)).box("gain").look


class Odd(nn.Module):
    def __init__(self):
        self.tree = [[{"a": nn.Linear(2, 2)}, nn.Linear(2, 2)], {"b": [nn.BatchNorm1d(2)]}]

    def forward(self, x):
        return self.tree[1]["b"][0](self.tree[0][1](self.tree[0][0]["a"](x)))


def test_modules_in_nested_containers_are_named_by_the_way_to_them():
    assert [title.partition("  ")[0] for title, _, _ in parsed(Odd(), mg.ones(3, 2)).clusters.values()] == [
        "tree.0.0.a: Linear(2, 2)", "tree.0.1: Linear(2, 2)", "tree.1.b.0: BatchNorm1d(2)"
    ]  # fmt: skip


@needs_renderer
def test_modules_nested_150_deep():
    net = nn.Linear(2, 2)
    for _ in range(150):
        net = nn.Sequential(net)
    graph = mg.draw(net, mg.ones(3, 2))
    assert graph.source.count("subgraph") == 150
    ElementTree.fromstring(graph._repr_svg_().encode())


def test_a_layer_forgotten_in_eval_mode_stands_out():
    norms = [nn.BatchNorm1d(4), nn.BatchNorm1d(4), nn.BatchNorm1d(4, track_running_stats=False)]
    net = nn.Sequential(nn.Linear(2, 4), *norms)
    norms[0].eval()
    norms[1].freeze()
    norms[2].eval()
    picture = parsed(net, mg.randn(5, 2))
    assert [title.rpartition("  ")[2] for title, _, _ in picture.clusters.values()][1:] == [
        "[EVAL: running statistics]", "[FROZEN: batch statistics]", "[TRAIN: batch statistics]"
    ]  # fmt: skip
    assert "mode=mixed (3 of 5 modules in train)" in picture.header
    assert {label for _, _, label in picture.arrows("dashed")} == {"reads"}


def test_frozen_layers_are_dashed_not_counted_and_without_gradient_or_writes():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    net[1].freeze()
    net(mg.randn(6, 2)).square().sum().backward()
    picture = parsed(net, mg.randn(6, 2))
    dashed = {picture.name(box) for box in picture.boxes.values() if "shape=note" in box.look and "dashed" in box.look}
    assert dashed == {"0.weight", "0.bias", "1.weight (gamma)", "1.bias (beta)"}
    assert "19 parameters (4 trainable)" in picture.header
    assert {picture.name(box) for box in picture.boxes.values() if "|grad|" in str(box.lines)} == {"2.weight", "2.bias"}
    assert not picture.arrows("dashed")


def test_a_gradient_of_zero_is_alarming_and_a_cancelled_one_explained():
    mg.manual_seed(0)  # the gradient of the last weight is a sum that may round to 0
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    with mg.no_grad():
        net[2].weight.zero_()
    loss = net(mg.randn(6, 2)).sum()
    loss.backward()
    lines = {box.name or box.title: box.lines[-1] for box in mg.draw(loss).picture.content.all_boxes()}
    assert {title for title, line in lines.items() if line.alarming} == {
        "0.weight", "1.weight (gamma)", "1.bias (beta)"
    }  # fmt: skip
    assert lines["0.bias"].text == "|grad| rms 0 (cancelled by 1: BatchNorm1d)"


@pytest.mark.slow
@needs_renderer
def test_the_graph_of_a_gradient_and_of_its_gradient():
    net, x = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), mg.randn(5, 2, requires_grad=True)
    loss = (net(x) ** 3).sum()
    (dx,) = mg.grad(loss, [x], create_graph=True)
    (ddx,) = mg.grad(dx.square().sum(), [x], create_graph=True)
    for outputs in ([dx, loss], [ddx]):
        graph = mg.draw(outputs)
        assert graph.source == mg.draw(outputs).source and "<svg" in graph._repr_svg_()
        assert graph.source.count("peripheries=2") == len(outputs)


@needs_renderer
@pytest.mark.parametrize(
    "name",
    ["a b.svg", "grün ü.png", "x'y\"z.svg", "50%d.svg", "a;b&c.svg", "UP.SVG", "UP.PNG", "-o.svg", "ファイル.pdf",
     "g.tar.svg", "🧠.md"],
)  # fmt: skip
def test_names_of_files_may_hold_any_character(name, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = mg.draw(nn.Linear(2, 2), mg.ones(3, 2)).save(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [path.name] == [name] and path.stat().st_size > 100


class Failing(nn.Module):
    def __init__(self):
        self.bn, self.drop, self.calls, self.fail = nn.BatchNorm1d(4), nn.Dropout(0.5), 0, False

    def forward(self, x):
        self.calls += 1
        self.last = self.drop(self.bn(x))
        if self.fail:
            raise ZeroDivisionError
        return self.last


@pytest.mark.parametrize("fail", [False, True])
def test_drawing_leaves_no_trace_also_if_forward_raises_in_its_middle(fail):
    net = Failing()
    net.bn.eval()
    net(mg.randn(4, 4)).sum().backward()
    del net.last
    net.fail = fail

    def state():
        values = [value.tolist() for value in [*net.state_dict().values(), *(p.grad for p in net.parameters())]]
        return values, [module.training for module in net.modules()], net.calls, sorted(vars(net)), mg.get_rng_state()

    before = state()
    try:
        mg.draw(net, mg.ones(4, 4))
    except ZeroDivisionError:
        assert fail
    assert state() == before
    assert net.bn._call_settings.values["training"] is False
