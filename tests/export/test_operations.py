"""Every sample of every operation: written, run by onnxruntime with the same result, or refused by its name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy import ndarray

import minigrad as mg
from minigrad.engine.op import Op
from minigrad.export.forms import OPERATIONS
from tests.export.running import Running, arrays, content, error
from tests.ops.samples.sample import Sample
from tests.ops.samples.table import SAMPLES, every_sample

WITHOUT_FORM = {
    "avg_pool_spread", "convolution_weight", "cummax", "cummin", "cumprod", "digamma", "lgamma", "logcumsumexp",
    "mantissa", "max_pool_elements", "max_pool_spread", "mode", "nextafter", "polygamma",
}  # fmt: skip
"""Operations that ONNX has nothing for."""

RANDOM = {"alpha_dropout drawn", "alpha_dropout drawn channels", "gumbel_softmax drawn", "rrelu drawn"}
"""Samples that draw random numbers, and have no form."""

OF_A_NUMBER = {"logcumsumexp of one"}
"""Samples that are nothing but their input."""

OWN_MASKS = {"dropout 0.3", "dropout drawn", "dropout drawn channels"}
"""Samples of dropout in training, which the runtime does with masks of its own."""


def float32(value: Any) -> Any:
    """A float array as a float32 tensor."""
    return mg.tensor(value.astype(np.float32)) if isinstance(value, ndarray) and value.dtype.kind == "f" else value


def refused(sample: Sample) -> str | None:
    """How the refusal of a sample begins, or None."""
    if sample.name in RANDOM:
        return "the model draws random numbers"
    name = sample.name.split()[0]
    return f"{name} has no form in ONNX" if name in WITHOUT_FORM and sample.name not in OF_A_NUMBER else None


@every_sample
def test_operation_is_written_or_refused_by_name(sample: Sample) -> None:
    inputs = tuple(map(float32, sample.inputs))
    with np.errstate(all="ignore"):
        wanted = arrays(sample.function(*inputs))
        reason = refused(sample)
        if reason:
            with pytest.raises(mg.onnx.OnnxExporterError, match=reason):
                content(sample.function, inputs, dynamic_axes={})
            return
        found = Running(content(sample.function, inputs, dynamic_axes={}))(inputs)
    assert sample.name in OWN_MASKS or error(found, wanted) < 1e-6


def test_operations_without_a_form_are_those_of_samples() -> None:
    names = {sample.name.split()[0] for sample in SAMPLES}
    assert names >= WITHOUT_FORM and WITHOUT_FORM | OPERATIONS.keys() <= Op.registry.keys()
    assert not WITHOUT_FORM & OPERATIONS.keys()


@pytest.mark.parametrize("opset", [18, 23])
@pytest.mark.parametrize(
    "name", ["sum", "mean", "amax", "var", "std", "logsumexp", "softmax", "where", "sort", "topk", "split", "pad",
             "median", "layer_norm", "group_norm", "batch_norm", "gather", "getitem", "max_pool2d"],
)  # fmt: skip
def test_operation_is_right_with_newer_operators(name: str, opset: int) -> None:
    samples = [sample for sample in SAMPLES if sample.name.startswith(name)][:6]
    assert samples
    for sample in samples:
        inputs = tuple(map(float32, sample.inputs))
        file = content(sample.function, inputs, dynamic_axes={}, opset_version=opset)
        assert error(Running(file)(inputs), arrays(sample.function(*inputs))) < 1e-6
