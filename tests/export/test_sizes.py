"""Sizes that change: what a model computes from them follows them, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.export.lengths import Sizes
from tests.export.running import Running, arrays, content, error, graph, kinds, normal

FOLLOWS: dict[str, Callable[[mg.Tensor], Any]] = {
    "reshape by the batch": lambda x: x.reshape(x.shape[0], -1),
    "reshape without the batch": lambda x: x.reshape(-1, 6),
    "two lengths that change": lambda x: x.reshape(x.shape[0] * 2, 3, 2)[:, 0].reshape(x.shape[0], 4),
    "batch in the middle": lambda x: x.permute(1, 0, 2).reshape(3 * x.shape[0], 4),
    "divided by the batch": lambda x: x.sum() / len(x),
    "mean": lambda x: x.mean(0),
    "variance": lambda x: x.var(0),
    "zeros beside": lambda x: mg.cat([x, mg.zeros(len(x), 3, 1)], 2),
    "numbers beside": lambda x: x + mg.arange(len(x)).float()[:, None, None],
    "counted": lambda x: x * len(x) + (len(x) + 1),
    "expanded": lambda x: mg.ones(3, 4).expand(len(x), 3, 4) + x,
    "last": lambda x: x[len(x) - 1],
    "all but the last": lambda x: x[: len(x) - 1],
    "every second": lambda x: x[::2].sum(),
    "outer product": lambda x: x[:, 0] @ x[:, 1].T,
    "attention": lambda x: mg.softmax(x @ x.transpose(1, 2) / 2, -1) @ x,
    "assigned": lambda x: assigned(x),
    "changed in place": lambda x: changed(x),
    "every third number": lambda x: x + (mg.arange(len(x)) * 3 + 2)[:, None, None],
    "sorted": lambda x: x.sort(0).values,
    "flattened largest": lambda x: x.argmax(),
    "stacked": lambda x: mg.stack(list(x.unbind(1)), 0),
    "one hot": lambda x: nn.functional.one_hot(x.argmax(2), 4),
    "mask": lambda x: mg.where(x > 0, x, 0).sum((1, 2)),
}

REFUSED: dict[str, tuple[Callable[[mg.Tensor], Any], str]] = {
    "halves": (lambda x: x.chunk(2)[0] * 2, "chunk|split|getitem"),
    "unrolled": (
        lambda x: sum((row * i for i, row in enumerate(x)), mg.zeros(3, 4)),
        "in other steps for another size",
    ),
    "a reciprocal": (lambda x: x * (1 / len(x)), "mul has 0.25 for one size"),
    "an array of Python's": (lambda x: x * mg.tensor(np.sqrt(np.arange(len(x))))[:, None, None].float(), "that Python"),
    "from the end": (
        lambda x: (
            x + mg.arange(len(x)).flip(0)[:, None, None] * mg.tensor(np.arange(len(x))[::-1].copy())[:, None, None]
        ),
        "that Python",
    ),
    "only this batch": (lambda x: x.reshape(4, 12) * 1, "runs with its example, but not with batch 5"),
}


def assigned(x: mg.Tensor) -> mg.Tensor:
    y = x * 1
    y[:, 0, 1:3] = 5.0
    return y


def changed(x: mg.Tensor) -> mg.Tensor:
    y = x * 2
    y += x
    y.mul_(0.5).relu_()
    y[:, 1] = y[:, 0] + 1
    y[:, :, ::2] = y[:, :, 1:3] + 1
    y[:, :, 0] = x[:, :, 1] * 0
    return y


@pytest.mark.parametrize("model", FOLLOWS.values(), ids=FOLLOWS)
def test_what_follows_from_the_batch_is_right_for_every_batch(model: Any) -> None:
    running = Running(content(model, normal(4, 3, 4)))
    for batch in (4, 2, 9):
        x = normal(batch, 3, 4, seed=batch)
        assert error(running((x,)), arrays(model(x))) < 1e-6


@pytest.mark.parametrize(("model", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_follow_from_the_batch_is_refused(model: Any, reason: str) -> None:
    x = normal(4, 3, 4)
    with pytest.raises(mg.onnx.OnnxExporterError, match=reason) as caught:
        content(model, x)
    assert "dynamic_axes={}" in str(caught.value)
    assert error(Running(content(model, x, dynamic_axes={}))((x,)), arrays(model(x))) < 1e-6


def test_axes_may_have_sizes_of_their_own() -> None:
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    model[3] = nn.Identity()
    axes = {"input": {0: "batch", 2: "rows", 3: "columns"}}
    running = Running(content(model, normal(2, 2, 6, 8), dynamic_axes=axes))
    for batch, rows, columns in [(2, 6, 8), (1, 7, 11), (5, 12, 9)]:
        x = normal(batch, 2, rows, columns)
        assert error(running(x), arrays(model(x))) < 1e-6


def test_lengths_of_sequences_and_batches_change_together() -> None:
    def model(x: mg.Tensor, mask: mg.Tensor) -> mg.Tensor:
        n, length, _ = x.shape
        y = x.reshape(n * length, 3) * 2
        return (y.reshape(n, length, 3) * mask[:, :, None]).sum(1) / length

    axes = {"x": {0: "batch", 1: "length"}, "mask": {0: "batch", 1: "length"}}
    running = Running(content(model, (normal(2, 5, 3), mg.ones(2, 5)), dynamic_axes=axes))
    for n, length in [(2, 5), (7, 2), (1, 9)]:
        args = normal(n, length, 3), normal(n, length)
        assert error(running(args), arrays(model(*args))) < 1e-6


def test_inputs_of_another_first_length_are_fixed() -> None:
    made = graph(lambda x, table: x @ table, (normal(5, 3), normal(3, 2)))
    dims = [[d.dim_param or d.dim_value for d in entry.type.tensor_type.shape.dim] for entry in made.input]
    assert dims == [["batch", 3], [3, 2]]


def test_shapes_of_outputs_name_their_sizes() -> None:
    made = graph(lambda x: (x * 2, mg.cat([x, x])), normal(5, 3))
    dims = [[d.dim_param or d.dim_value for d in entry.type.tensor_type.shape.dim] for entry in made.output]
    assert dims[0] == ["batch", 3] and dims[1][1] == 3 and dims[1][0] not in ("batch", 10)


def test_without_sizes_the_shapes_are_those_of_the_example() -> None:
    made = graph(lambda x: x.reshape(2, -1), normal(4, 3), dynamic_axes={})
    assert [d.dim_value for d in made.input[0].type.tensor_type.shape.dim] == [4, 3]
    assert kinds(lambda x: x.reshape(2, -1), normal(4, 3), dynamic_axes={}) == ["Reshape"]


@pytest.mark.parametrize(
    ("values", "factors", "rest"),
    [([4, 5, 11], {"n": 1}, 0), ([8, 10, 22], {"n": 2}, 0), ([3, 4, 10], {"n": 1}, -1), ([2, 3, 6], None, -2),
     ([16, 25, 121], None, -20)],
)  # fmt: skip
def test_formula_of_a_length_holds_for_all_captures(values: list[int], factors: Any, rest: int) -> None:
    found = Sizes({"n": 4}).length(values)
    assert (found.factors, found.rest) == (factors, rest)
