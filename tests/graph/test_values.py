"""Values and gradients of everything in a graph, and names that were given."""

import contextlib
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.distributed import ThreadGroup
from minigrad.graph.pages.details import details
from minigrad.nn import functional as F
from tests.graph.parsed import MLP, parsed


def numbers():
    """micrograd's first example."""
    a, b, c, f = (mg.tensor(value, requires_grad=True) for value in (2.0, -3.0, 10.0, -2.0))
    e = a * b
    d = e + c
    loss = d * f
    return loss, {"a": a, "b": b, "c": c, "f": f, "e": e, "d": d, "L": loss}


@pytest.mark.parametrize("backward", [True, False])
def test_a_graph_of_numbers_reads_like_a_formula(backward):
    loss, names = numbers()
    if backward:
        loss.backward()
    picture = parsed(loss, values=True, grads=True, names=names)
    expected = {"a": (2, 6), "b": (-3, -4), "c": (10, -2), "f": (-2, 4), "e: mul": (-6, -2), "d: add": (4, -2),
                "L: mul": (-8, 1)}  # fmt: skip
    found = {box.title: box.lines for box in picture.boxes.values()}
    assert found == {name: [f"value {value}", f"gradient {dx}"] for name, (value, dx) in expected.items()}


def test_values_are_those_of_intermediates_that_nobody_holds(net, x, target):
    hidden = net.fc1(x).numpy()
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    picture = parsed(loss, values=True)
    line = next(line for line in picture.boxes.values() if line.title == "linear").lines[1]
    assert line == f"values in [{hidden.min():.3g}, {hidden.max():.3g}]"
    assert not any("gradient" in line for box in picture.boxes.values() for line in box.lines)


def test_gradients_are_those_of_retained_ones_and_widths_follow_them(net, x):
    h = net.fc1(x)
    h.retain_grad()
    y = net.bn1(h)
    (y * mg.randn(16, 8)).sum().backward()
    loss = (net.bn1(net.fc1(x)) * 1e-3).sum() + net.fc2.weight.sum()
    graph = mg.draw(loss, grads=True)
    widths = {edge.width for edge in graph.picture.edges if edge.kind == "value"}
    assert min(widths) >= 0.5 and max(widths) == 4.0 and len(widths) > 2
    assert "penwidth=4" in graph.source
    picture = mg.draw((y * 1.0).sum(), grads=True).picture
    (box,) = [box for box in picture.content.all_boxes() if box.operation == "batch_norm"]
    np.testing.assert_array_equal(box.gradient, np.ones((16, 8)))


def test_an_arrow_is_as_thick_as_the_gradient_along_it_not_as_that_of_where_it_begins():
    w = mg.tensor(2.0, requires_grad=True)
    edges = mg.draw(w * 1000.0 + w, grads=True).picture.edges
    assert [edge.width for edge in edges if edge.source == 0] == [4.0, 1.38]


def test_drawing_values_and_gradients_changes_nothing(net, x):
    seen = []
    h = net.fc1(x)
    h.register_hook(seen.append)
    loss = net.bn1(h).exp().sum()
    before = [t.tolist() for t in net.buffers()], [t.memory.changed for t in [*net.parameters(), *net.buffers()]]
    mg.draw(loss, values=True, grads=True)
    after = [t.tolist() for t in net.buffers()], [t.memory.changed for t in [*net.parameters(), *net.buffers()]]
    assert after == before and not seen and all(p.grad is None for p in net.parameters())
    loss.backward()
    assert len(seen) == 1


def test_values_that_follow_changed_leaves_are_called_now():
    w = mg.tensor(2.0, requires_grad=True)
    y = w.exp() * 3
    assert parsed(y, values=True).box("exp").lines[0] == f"value {np.exp(2):.4g}"
    with mg.no_grad():
        w += 1
    assert parsed(y, values=True).box("exp").lines[0] == f"value now {np.exp(3):.4g}"


def test_a_gradient_of_zero_in_the_middle_is_alarming():
    w = mg.tensor([-1.0, -2.0], requires_grad=True)
    source = mg.draw((w * 3).relu().sum(), grads=True).source
    assert source.count("⚠ gradients 0, 0") == 2


class Parts(mg.autograd.Function):
    """Two outputs of two inputs, of which it saves one; a mark of each call, and a draw from the random state."""

    calls = 0

    @staticmethod
    def forward(ctx, x, y):
        Parts.calls += 1
        mg.rand(3)
        if Parts.calls > 2:
            raise OSError("the file is gone")
        ctx.save_for_backward(x)
        return x * y, x + y

    @staticmethod
    def backward(ctx, dy, dz):
        (x,) = ctx.saved_tensors
        return dy * 3 + dz, dy * x + dz


def test_functions_of_ones_own_are_applied_again_to_copies_and_failing_ones_are_not_known():
    Parts.calls = 0
    x, y = mg.tensor(2.0, requires_grad=True), mg.tensor(3.0, requires_grad=True)
    first, second = Parts.apply(x, y)
    loss = first.exp() * second
    state = mg.get_rng_state()
    picture = parsed(loss, values=True, grads=True)
    assert picture.box("Parts").lines == ["out () float32, () float32", "saves x (4 bytes)"]
    outputs = [box.lines[:2] for box in picture.boxes.values() if box.title == "output"]
    e = np.exp(np.float32(6))
    assert outputs == [["value 6", f"gradient {5 * e:.4g}"], ["value 5", f"gradient {e:.4g}"]]
    assert mg.get_rng_state() == state and x.grad is None
    del first, second
    unknown = parsed(loss, values=True)
    first, second = (box.lines for box in unknown.boxes.values() if box.title == "output")
    assert "values not known" in first and "value 5" in second  # the product has saved it
    assert f"value {e:.4g}" == unknown.box("exp").lines[0]


def ranks_that_draw(group):
    """Lines of what the first of several ranks draws, while the others do not."""
    norm, x = nn.SyncBatchNorm(4, process_group=group), mg.randn(5, 4)
    loss = norm(x).relu().sum()
    with contextlib.suppress(ValueError):
        drawn = parsed(loss, values=True) if group.rank() == 0 else None
        parsed(loss, grads=True)
        return "drawn"
    group.barrier()
    return drawn and {box.title: box.lines for box in drawn.boxes.values()}


def test_one_rank_alone_draws_what_several_have_computed():
    lines, nothing = ThreadGroup.run(2, ranks_that_draw, timeout=20)
    assert nothing is None and "over 2 threads" in lines["batch_norm"] and "values not known" in lines["batch_norm"]
    assert lines["relu"][1].startswith("values in [0, ") and lines["sum"][0].startswith("value ")


def test_a_function_that_changes_its_input_is_applied_to_a_copy():
    class Double(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.mul_(2)

        @staticmethod
        def backward(ctx, dy):
            return dy * 2

    w = mg.tensor([1.0, 2.0], requires_grad=True)
    y = Double.apply(w.clone())
    picture = parsed(y, values=True)
    assert "values 2, 4" in picture.box("Double").lines and "values 1, 2" in picture.box("clone").lines
    assert y.tolist() == [2.0, 4.0]
    data = details(mg.draw(y).picture)["operations"]["Double"]
    assert "return x.mul_(2)" in data["formula"] and "return dy * 2" in data["rules"][0][1]


def test_random_masks_are_those_of_the_pass():
    mg.manual_seed(0)
    w = mg.ones(100, requires_grad=True)
    y = nn.Dropout(0.5)(w)
    kept = y.numpy().copy()
    (box,) = [b for b in mg.draw(y.sum(), values=True).picture.content.all_boxes() if "dropout" in b.title]
    np.testing.assert_array_equal(box.values, kept)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"grads": True}, ValueError, r"draw\(loss, grads=True\)"),
        ({"names": {"a": 3}}, TypeError, r'names=\{"a": a, "b": b\}'),
        ({"names": [mg.ones(2)]}, TypeError, r"names must be a dict"),
        ({"names": {"q": mg.ones(2)}}, ValueError, r"draw: no tensor of this graph is the one that names calls 'q'"),
    ],
)
def test_what_cannot_be_shown_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        mg.draw(MLP()(mg.ones(3, 4)), **options)


def test_a_picture_of_values_is_the_same_text_each_time():
    loss, names = numbers()
    texts = {mg.draw(loss, values=True, grads=True, names=names).source for _ in range(2)}
    assert len(texts) == 1 and re.search("penwidth=[234]", texts.pop())


def test_inputs_constants_and_frozen_parameters_say_their_values_too():
    w, b = mg.tensor([1.0, 2.0], requires_grad=True), nn.Parameter(mg.tensor([3.0, 4.0]), requires_grad=False)
    many, one, none = mg.arange(9.0).reshape(9, 1), mg.tensor(5.0), mg.zeros(0, 1)
    y = mg.cat([w * b * many * one, none * w])
    many.fill_(7.0)
    content = mg.draw(y, values=True, names={"many": many, "b": b}).picture.content
    boxes = {box.title: [line.text for line in box.lines] for box in content.all_boxes()}
    assert boxes["b"] == ["(2,) float32", "values 3, 4"] and boxes["many"] == ["(9, 1) float32", "values now in [7, 7]"]
    assert {"value 5", "no values"} <= {line for lines in boxes.values() for line in lines}
