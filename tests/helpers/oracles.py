"""Formulas of losses and normalisation in plain NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

REDUCE = {"mean": np.mean, "sum": np.sum, "none": np.asarray}


def softmax_formula(x: ndarray, axis: Any) -> ndarray:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def cross_entropy_formula(
    x: ndarray,
    target: ndarray,
    weight: ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> ndarray:
    """Every target as a distribution over the classes, one after the other."""
    class_axis = 1 if x.ndim > 1 else 0
    log_p = np.moveaxis(np.log(softmax_formula(x, class_axis)), class_axis, -1)
    classes = log_p.shape[-1]
    weight = np.ones(classes) if weight is None else weight
    given = target.dtype.kind == "f"
    wanted = np.moveaxis(target, class_axis, -1) if given else target
    losses, divisor = np.zeros(log_p.shape[:-1]), 0.0
    for where in np.ndindex(log_p.shape[:-1]):
        if not given and wanted[where] == ignore_index:
            continue
        q = wanted[where] if given else np.eye(classes)[wanted[where]]
        q = (1 - label_smoothing) * q + label_smoothing / classes
        losses[where] = -(q * weight * log_p[where]).sum()
        divisor += 1 if given else weight[wanted[where]]
    return losses.sum() / divisor if reduction == "mean" else REDUCE[reduction](losses)


def batch_norm_formula(
    x: ndarray, weight: Any = 1.0, bias: Any = 0.0, mean: Any = None, var: Any = None, eps: float = 1e-5,
    mask: Any = None,
) -> ndarray:  # fmt: skip
    """In float64; with the statistics of the batch, unless others are given, and only of what a mask keeps."""
    x = np.moveaxis(x.astype(np.float64), 1, -1)
    mask = np.ones(x.shape[:-1], bool) if mask is None else mask
    mean = x[mask].mean(axis=0) if mean is None else mean
    var = ((x[mask] - mean) ** 2).mean(axis=0) if var is None else var
    y = np.zeros(x.shape)
    y[mask] = (x[mask] - mean) / np.sqrt(var + eps) * weight + bias
    return np.moveaxis(y, -1, 1)
