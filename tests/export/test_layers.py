"""Layers in evaluation: written as the nodes that ONNX has for them, and equal in onnxruntime for every batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.export.running import Running, arrays, content, error, kinds, normal

LAYERS: list[tuple[Callable[[], nn.Module], tuple[int, ...], str]] = [
    (lambda: nn.Linear(4, 3), (4,), "Gemm"),
    (lambda: nn.Linear(4, 3, bias=False), (4,), "Gemm"),
    (lambda: nn.Linear(4, 3), (5, 4), "Transpose MatMul Add"),
    (lambda: nn.Conv1d(2, 4, 3, stride=2, padding=1), (2, 7), "Conv"),
    (lambda: nn.Conv2d(4, 6, 3, padding="same", groups=2), (4, 5, 6), "Conv"),
    (lambda: nn.Conv2d(2, 3, (2, 3), dilation=2, bias=False), (2, 7, 8), "Conv"),
    (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 5, 5), "Gather Gather Conv"),
    (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2, output_padding=1), (2, 5), "ConvTranspose"),
    (lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, groups=2), (2, 4, 5), "ConvTranspose"),
    (lambda: nn.MaxPool1d(2), (2, 6), "MaxPool"),
    (lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 6, 7), "MaxPool"),
    (lambda: nn.AvgPool1d(2, stride=1), (2, 6), "AveragePool"),
    (lambda: nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (2, 6, 7), "AveragePool Mul"),
    (lambda: nn.AdaptiveAvgPool2d(1), (2, 4, 5), "AveragePool"),
    (lambda: nn.AdaptiveAvgPool1d(3), (2, 7), ""),
    (lambda: nn.AdaptiveMaxPool2d((2, 3)), (2, 5, 7), ""),
    (lambda: nn.BatchNorm1d(3), (3,), "BatchNormalization"),
    (lambda: nn.BatchNorm1d(3, affine=False), (3, 5), "BatchNormalization"),
    (lambda: nn.BatchNorm2d(3, bias=False), (3, 4, 4), "BatchNormalization"),
    (lambda: nn.BatchNorm3d(3), (3, 2, 2, 2), "BatchNormalization"),
    (lambda: nn.LayerNorm(5), (3, 5), "LayerNormalization"),
    (lambda: nn.LayerNorm((3, 5), elementwise_affine=False), (3, 5), "LayerNormalization"),
    (lambda: nn.GroupNorm(2, 4), (4, 3, 3), "LayerNormalization"),
    (lambda: nn.InstanceNorm1d(3, affine=True), (3, 6), "LayerNormalization"),
    (lambda: nn.InstanceNorm2d(3, track_running_stats=True), (3, 4, 4), "BatchNormalization"),
    (lambda: nn.RMSNorm(5), (3, 5), "ReduceMean"),
    (lambda: nn.LocalResponseNorm(3), (4, 3, 3), ""),
    (lambda: nn.Dropout(), (4,), ""),
    (lambda: nn.Dropout2d(), (2, 3, 3), ""),
    (lambda: nn.AlphaDropout(), (4,), ""),
    (lambda: nn.Identity(), (4,), ""),
    (lambda: nn.Flatten(), (2, 3, 4), "Flatten"),
    (lambda: nn.Unflatten(1, (2, 3)), (6,), "Reshape"),
    (lambda: nn.ZeroPad2d(1), (2, 3, 3), "Pad"),
    (lambda: nn.ConstantPad1d((1, 2), 0.5), (2, 3), "Pad"),
    (lambda: nn.ReflectionPad1d(2), (2, 4), "Gather"),
    (lambda: nn.ReplicationPad2d(1), (2, 3, 3), "Gather"),
    (lambda: nn.ReLU(), (4,), "Relu"),
    (lambda: nn.ReLU6(), (4,), ""),
    (lambda: nn.LeakyReLU(0.1), (4,), "LeakyRelu"),
    (lambda: nn.PReLU(4), (4, 3), "PRelu"),
    (lambda: nn.RReLU(), (4,), "LeakyRelu"),
    (lambda: nn.ELU(0.5), (4,), "Elu"),
    (lambda: nn.CELU(0.5), (4,), ""),
    (lambda: nn.SELU(), (4,), "Selu"),
    (lambda: nn.GELU(), (4,), "Erf"),
    (lambda: nn.GELU(approximate="tanh"), (4,), "Tanh"),
    (lambda: nn.SiLU(), (4,), ""),
    (lambda: nn.Mish(), (4,), "Tanh"),
    (lambda: nn.Sigmoid(), (4,), "Sigmoid"),
    (lambda: nn.LogSigmoid(), (4,), ""),
    (lambda: nn.Tanh(), (4,), "Tanh"),
    (lambda: nn.Tanhshrink(), (4,), "Tanh"),
    (lambda: nn.Softplus(2.0), (4,), ""),
    (lambda: nn.Softsign(), (4,), "Softsign"),
    (lambda: nn.Softshrink(), (4,), ""),
    (lambda: nn.Hardshrink(), (4,), ""),
    (lambda: nn.Hardtanh(), (4,), ""),
    (lambda: nn.Hardsigmoid(), (4,), ""),
    (lambda: nn.Hardswish(), (4,), ""),
    (lambda: nn.Threshold(0.1, 2.0), (4,), ""),
    (lambda: nn.GLU(), (4,), "Sigmoid"),
    (lambda: nn.Softmax(1), (4,), "Softmax"),
    (lambda: nn.Softmin(1), (4,), "Softmax"),
    (lambda: nn.LogSoftmax(-1), (3, 4), "LogSoftmax"),
]


@pytest.mark.parametrize(
    ("make", "shape", "nodes"), LAYERS, ids=[f"{i} {shape} {nodes}" for i, (_, shape, nodes) in enumerate(LAYERS)]
)
def test_layer_in_evaluation_is_equal_for_every_batch(make: Any, shape: tuple[int, ...], nodes: str) -> None:
    mg.manual_seed(0)
    layer = make()
    for seed, parameter in enumerate(layer.parameters()):
        parameter.data.copy_(normal(*parameter.shape, seed=seed))
    if getattr(layer, "running_var", None) is not None:
        layer(normal(8, *shape))  # statistics that are not those of a new layer
    layer.eval()
    file = content(layer, normal(4, *shape))
    running = Running(file)
    for batch in (1, 4, 7):
        x = normal(batch, *shape, seed=batch)
        assert error(running(x), arrays(layer(x))) < 1e-6
    found = kinds(layer, normal(4, *shape))
    assert all(node in found for node in nodes.split())
    assert "GroupNormalization" not in found and "InstanceNormalization" not in found


def test_embedding_takes_integers() -> None:
    layer = nn.Embedding(7, 3)
    x = mg.tensor([[0, 6, 2], [1, 1, 5]])
    assert kinds(layer, x) == ["Gather"]
    longer = mg.tensor([[3, 4, 0]] * 5)
    assert error(Running(content(layer, x))(longer), arrays(layer(longer))) < 1e-6


def test_bilinear_and_distances_take_two_inputs() -> None:
    a, b = normal(8, 3), normal(8, 3, seed=1)
    for layer in (nn.Bilinear(3, 3, 2), nn.CosineSimilarity(), nn.PairwiseDistance()):
        assert error(Running(content(layer, (a, b)))((a, b)), arrays(layer(a, b))) < 1e-6


@pytest.mark.parametrize(
    ("loss", "target"),
    [
        (nn.CrossEntropyLoss(), mg.tensor([0, 2, 1, -100, 2])),
        (nn.CrossEntropyLoss(label_smoothing=0.1), mg.tensor([0, 2, 1, 1, 2])),
        (nn.NLLLoss(reduction="sum"), mg.tensor([0, 2, 1, 1, 2])),
        (nn.MSELoss(), normal(5, 3, seed=3)),
        (nn.L1Loss(reduction="none"), normal(5, 3, seed=3)),
        (nn.HuberLoss(), normal(5, 3, seed=3)),
        (nn.SmoothL1Loss(), normal(5, 3, seed=3)),
        (nn.BCEWithLogitsLoss(), mg.tensor(np.eye(5, 3, dtype=np.float32))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_loss_is_equal_for_every_batch(loss: nn.Module, target: mg.Tensor) -> None:
    x = normal(5, 3)
    running = Running(content(loss, (x, target)))
    for rows in ([0, 1, 2, 3, 4], [0, 1], [4, 3, 2, 1, 0, 0, 1]):
        chosen = x[rows], target[rows]
        assert error(running(chosen), arrays(loss(*chosen))) < 1e-6


@pytest.mark.parametrize("make", [nn.GroupNorm, nn.InstanceNorm2d])
def test_normalisation_far_from_0_keeps_its_digits(make: Any) -> None:
    layer = make(2, 4) if make is nn.GroupNorm else make(4)
    x = normal(3, 4, 8, 8) + 1000
    (found,) = Running(content(layer, x))(x)
    axes = (2, 3) if make is nn.InstanceNorm2d else (2, 3, 4)
    wide = x.numpy().astype(np.float64).reshape((3, 4, 8, 8) if make is nn.InstanceNorm2d else (3, 2, 2, 8, 8))
    wanted = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + layer.eps)
    assert np.abs(found.reshape(wanted.shape) - wanted).max() < 1e-4
