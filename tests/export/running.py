"""Models written as ONNX files, run by onnxruntime."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy import ndarray

import minigrad as mg
from minigrad.compile.trees import tree_leaves

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
runtime = pytest.importorskip(
    "onnxruntime", "1.27", reason="onnxruntime 1.27, the first whose LayerNormalization is right"
)
runtime.set_default_logger_severity(4)


def content(model: Callable[..., Any], args: Any, **settings: Any) -> bytes:
    """The file of a model."""
    file = io.BytesIO()
    mg.onnx.export(model, args, file, **settings)
    return file.getvalue()


def graph(model: Callable[..., Any], args: Any, **settings: Any) -> Any:
    return onnx.load_from_string(content(model, args, **settings)).graph


def kinds(model: Callable[..., Any], args: Any, **settings: Any) -> list[str]:
    """The operators of the nodes."""
    return [node.op_type for node in graph(model, args, **settings).node]


def arrays(tree: Any) -> list[ndarray]:
    """The arrays of all tensors and arrays in a tree."""
    leaves = [leaf.detach().numpy() if isinstance(leaf, mg.Tensor) else leaf for leaf in tree_leaves(tree)]
    return [leaf for leaf in leaves if isinstance(leaf, ndarray)]


class Running:
    """A file in onnxruntime, called with what the model is called with."""

    def __init__(self, file: bytes, optimised: bool = True) -> None:
        options = runtime.SessionOptions()
        if not optimised:
            options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = runtime.InferenceSession(file, options)

    def __call__(self, args: Any) -> list[ndarray]:
        names = [entry.name for entry in self.session.get_inputs()]
        found: list[ndarray] = self.session.run(None, dict(zip(names, arrays(args))))
        return found


def error(found: list[ndarray], wanted: list[ndarray]) -> float:
    """The largest error, relative to 1 plus the value; shapes and dtypes must be the same."""
    assert [(y.shape, y.dtype) for y in found] == [(y.shape, y.dtype) for y in wanted]
    largest = 0.0
    for y, w in zip(found, wanted):
        y, w = y.astype(np.float64), w.astype(np.float64)
        both = np.isfinite(w)
        assert np.array_equal(y[~both], w[~both], equal_nan=True)
        largest = max(largest, float(np.max(np.abs(y - w)[both] / (1 + np.abs(w[both])), initial=0)))
    return largest


def normal(*shape: int, seed: int = 0) -> mg.Tensor:
    """Values of mean 0 and deviation 1."""
    return mg.tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))
