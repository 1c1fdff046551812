"""What modules hold as rows of one box, and the width of pictures."""

import re

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.rendering import by_dot, render
from tests.graph.parsed import needs_dot, needs_renderer, parsed


def blocks(count):
    layers = (layer for _ in range(count) for layer in (nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU()))
    return nn.Sequential(*layers, nn.Linear(4, 2))


class Around(nn.Module):
    """A residual block."""

    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x):
        return (x + self.inner(x)).relu()


def residual(count):
    return nn.Sequential(*[Around() for _ in range(count)])


def shared(count):
    layers = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU()
    return nn.Sequential(*layers * count)


def tables(picture):
    return [box for box in picture.boxes.values() if "folder" in box.look]


def test_a_table_has_a_row_for_each_parameter_and_buffer_and_says_what_happens_to_it(net, x):
    loss = net(x).square().mean()
    loss.backward()
    picture = parsed(loss, tables=True)
    first, norm, _ = tables(picture)
    assert first.title == "parameters" and norm.title == "parameters and buffers"
    assert first.lines[1].endswith("(cancelled by bn1: BatchNorm1d)")
    assert [line.split("(")[0] for line in first.lines] == ["parameterweight", "parameterbias"]
    assert [re.sub(r"(?<=rms ).*|\[.*", "", line) for line in norm.lines] == [
        "parameterweight (gamma)(8,) float32|grad| rms ", "parameterbias (beta)(8,) float32|grad| rms ",
        "writes 0.1 →running_mean(8,) float32values in ", "writes 0.1 →running_var(8,) float32values in ",
        "+1 to 1 →num_batches_tracked() int64 = 1 ",
    ]  # fmt: skip
    assert not picture.arrows("dashed")
    used = [picture.boxes[b].title for a, b, _ in picture.edges if "folder" in picture.boxes[a].look]
    assert used == ["linear", "batch_norm", "linear"]
    assert "running_mean: (8,) float32" in mg.draw(loss, tables=True).to_mermaid()


def test_in_evaluation_the_rows_are_read(net, x):
    _, norm, _ = tables(parsed(net.eval(), x, tables=True))
    assert [line[:8] for line in norm.lines[2:]] == ["← readsr", "← readsr", "buffernu"]


def test_an_alarm_in_a_row_has_its_sign(net, x):
    net.fc2.weight.grad = mg.full((2, 8), float("nan"))
    assert "⚠ |grad| rms nan" in mg.draw(net(x), tables=True).source


@pytest.mark.parametrize(("count", "expected"), [(2, False), (3, True)])
def test_tables_are_made_beyond_two_blocks(count, expected):
    assert bool(tables(parsed(blocks(count), mg.randn(8, 4)))) is expected
    assert bool(tables(parsed(blocks(count), mg.randn(8, 4), tables=not expected))) is not expected


def test_a_parameter_alone_stays_a_box(x):
    picture = parsed(nn.Sequential(nn.Linear(4, 2, bias=False)), x, tables=True)
    assert not tables(picture) and picture.titles()["0.weight"] == 1


def test_later_calls_of_a_module_say_what_they_share_instead_of_long_arrows():
    picture = parsed(shared(3), mg.randn(8, 4))
    assert len(tables(picture)) == 2
    norms = [box.lines for box in picture.boxes.values() if box.title == "batch_norm"]
    for lines in norms[1:]:
        assert lines[-3:] == [
            "with weight (gamma), bias (beta) above", "writes 0.1 running_mean, running_var above",
            "+1 num_batches_tracked above",
        ]  # fmt: skip
    assert "above" not in "".join(norms[0])
    used = [(picture.boxes[a].title, picture.boxes[b].title) for a, b, _ in picture.edges]
    assert used.count(("parameters and buffers", "batch_norm")) == 1


@pytest.mark.parametrize("make", [blocks, residual, shared])
@pytest.mark.parametrize(
    "renderer",
    [pytest.param(render, marks=needs_renderer), pytest.param(lambda *given: by_dot(*given, ""), marks=needs_dot)],
)
def test_a_deep_net_is_as_wide_as_a_short_one(make, renderer):
    widths = []
    for count in (3, 10):
        svg = renderer(mg.draw(make(count), mg.randn(8, 4), tables=True).source, "svg").decode()
        widths.append(float(re.search(r'<svg width="([\d.]+)pt"', svg)[1]))
    assert widths[1] < 1.15 * widths[0] < 1400
