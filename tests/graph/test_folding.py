"""Folded modules: one box for each, which says what is inside."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import folding
from tests.graph.parsed import MLP, Parsed, Residual, parsed


class Block(nn.Module):
    def __init__(self, width):
        self.fc, self.bn, self.act = nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU()

    def forward(self, x):
        return self.act(self.bn(self.fc(x)))


@pytest.fixture
def deep():
    """Two blocks in a container, and a layer behind them."""
    mg.manual_seed(0)
    return nn.Sequential(nn.Sequential(Block(4), Block(4)), nn.Linear(4, 2))


def folded_ones(picture):
    return [box.title for box in picture.boxes.values() if "box3d" in box.look]


def clusters(picture):
    return [title for title, *_ in picture.clusters.values()]


@pytest.mark.parametrize(
    ("options", "closed", "opened"),
    [
        ({"depth": 1}, ["0: Sequential", "1: Linear(4, 2)"], []),
        ({"depth": 2}, ["0: Block", "1: Block"], ["0: Sequential", "1: Linear(4, 2)"]),
        ({"collapse": "0.1"}, ["1: Block"], ["0: Sequential", "0: Block", "fc: Linear(4, 4)", "1: Linear(4, 2)"]),
        ({"collapse": Block}, ["0: Block", "1: Block"], ["0: Sequential", "1: Linear(4, 2)"]),
        ({"collapse": ["0.0", nn.Linear]}, ["0: Block", "fc: Linear(4, 4)", "1: Linear(4, 2)"], ["0: Sequential"]),
        ({"depth": 1, "collapse": "0.0"}, ["0: Sequential", "1: Linear(4, 2)"], []),
        ({"collapse": "0.1.act"}, [], ["0: Sequential", "0: Block", "1: Block"]),
    ],
)
def test_modules_are_folded_by_depth_path_and_class(deep, x, options, closed, opened):
    picture = parsed(deep, x, **options)
    assert sorted(folded_ones(picture)) == sorted(closed)
    assert set(opened) <= set(clusters(picture)) and not set(closed) & set(clusters(picture)) - {"0: Sequential"}
    ends = {end for a, b, _ in picture.edges for end in (a, b)}
    assert ends <= set(picture.boxes)
    if options == {"depth": 1}:
        assert [(picture.boxes[a].title, picture.boxes[b].title) for a, b, _ in picture.edges] == [
            ("input", "0: Sequential"), ("0: Sequential", "1: Linear(4, 2)")
        ]  # fmt: skip


def test_a_folded_module_says_what_is_inside(deep, x):
    picture = parsed(deep, x, depth=1)
    box = picture.box("0: Sequential")
    bytes_of_block = 16 * 4 * 4 * 3 + 2 * 4 * 4  # linear's input, two of BatchNorm, ReLU's output is linear's input
    assert box.lines == [
        "out (16, 4) float32", "6 operations", "56 parameters", "18 buffer values",
        f"saves {2 * bytes_of_block + 16 * 4 * 4:,} bytes",
        "writes 0.1 (4 buffers)", "+1 (2 buffers)", "2 [TRAIN: batch statistics]",
    ]  # fmt: skip
    deep[0][0].fc.requires_grad_(False)
    deep[0][1].bn.eval()
    lines = parsed(deep, x, depth=1).box("0: Sequential").lines
    assert lines[2] == "56 parameters (36 trainable)"
    assert lines[-2:] == ["1 [TRAIN: batch statistics]", "1 [EVAL: running statistics]"]


def test_a_folded_batch_norm_keeps_its_colour_and_says_its_mode(net, x):
    picture = parsed(net, x, collapse=nn.BatchNorm1d)
    box = picture.box("bn1: BatchNorm1d(8)  [TRAIN: batch statistics]")
    assert 'color="#b86a08"' in box.look and not picture.arrows("dashed")
    assert "bn1: BatchNorm1d(8) #91;TRAIN" in mg.draw(net, x, collapse="bn1").to_mermaid().replace("[", "#91;")


@pytest.mark.parametrize(
    ("training", "effects", "statistics"),
    [
        (True, ["writes 0.1 (2 buffers)", "+1 to 1 (1 buffer)"], "batch"),
        (False, ["reads (2 buffers)"], "running"),
    ],
)
def test_a_folded_batch_norm_says_its_statistics_its_gradient_and_its_effects(net, x, training, effects, statistics):
    loss = (net.train(training)(x) ** 2).sum()
    loss.backward()
    drawn = mg.draw(loss, model=net, collapse="bn1")
    (box,) = (box for box in Parsed(drawn.source).boxes.values() if "box3d" in box.look)
    gradients = np.concatenate([parameter.grad.numpy() for parameter in net.bn1.parameters()])
    rms = f"|grad| rms {np.sqrt(np.mean(gradients.astype(float) ** 2)):.2g}"
    assert box.lines[:-2] == ["out (16, 8) float32", "1 operation", "16 parameters", "17 buffer values", rms, *effects]
    assert [line.partition(" in")[0] for line in box.lines[-2:]] == [f"{statistics} mean", f"{statistics} var"]
    assert effects[0] in drawn.to_mermaid().replace("#34;", "")


def test_alarms_inside_are_repeated(net, x):
    loss = net(x).sum()
    for parameter in net.parameters():
        parameter.grad = mg.zeros_like(parameter)
    net.fc2.weight.grad.fill_(np.nan)
    source = mg.draw(loss, model=net, collapse="fc2").source
    assert '<FONT COLOR="#c00000">⚠ fc2.weight: |grad| rms nan</FONT>' in source
    assert parsed(nn.Sequential(net), x, depth=1).box("0: MLP").lines[-2].endswith("more alarms")


def test_parameters_shared_between_folded_calls_are_named_on_their_arrows(x):
    picture = parsed(Residual(), x, depth=1)
    assert folded_ones(picture) == ["blocks.0 #1: Sequential", "blocks.0 #2: Sequential"]
    assert {"weight", "bias"} & {label for _, _, label in picture.arrows("solid")}


def test_a_picture_of_more_boxes_than_can_be_read_is_folded_and_says_so(monkeypatch, deep, x):
    boxes = len(parsed(deep, x).boxes)
    monkeypatch.setattr(folding, "LARGEST", 7)
    picture = parsed(deep, x)
    assert folded_ones(picture) == ["0: Block", "1: Block"]
    note = f"folded at depth 2, as it has {boxes} boxes: depth=3 opens more"
    assert picture.header.endswith(note)
    monkeypatch.setattr(folding, "LARGEST", 1)
    assert folded_ones(parsed(deep, x)) == ["0: Sequential", "1: Linear(4, 2)"]
    assert len(parsed(deep, x, depth=9).boxes) == boxes


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"depth": 0}, ValueError, r"^draw: depth must be an integer of at least 1.*, got 0\.$"),
        ({"depth": "2"}, ValueError, r"got '2'"),
        ({"collapse": "0.2"}, ValueError, r"^draw: collapse='0.2' is the path of no module that was called. Did you"),
        ({"collapse": [3]}, TypeError, r"^draw: collapse takes paths of modules and classes, got 3\.$"),
    ],
)
def test_what_cannot_be_folded_is_refused(deep, x, options, error, message):
    with pytest.raises(error, match=message):
        mg.draw(deep, x, **options)


def test_a_class_that_was_not_called_folds_nothing(x):
    assert mg.draw(MLP(), x, collapse=nn.Conv2d).picture.content.clusters
