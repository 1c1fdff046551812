"""Running estimates of mean and variance: how they move, and the same for NumPy's own arrays, fast."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.lines import level_outside
from ...engine.scope import call_path
from ...kernels.batch_norm import running_weights
from ...kernels.moments import InBlocks, InMemory


def move_running(running_mean: Any, running_var: Any, mean: Any, var: Any, momentum: Any, n: int) -> Any:
    """Move the running estimates by ``momentum`` towards a batch's; not where its variance is not finite.

    ``var`` is the biased variance of ``n`` values. Returns where it is finite.
    """
    usable = np.isfinite(var)
    unbiased = var * (n / (n - 1))
    for old, new in ((running_mean, mean), (running_var, unbiased)):
        moved = old * (1 - momentum) + new * momentum
        np.copyto(old, np.where(usable, moved, old))
    return usable


def update_running(
    running_mean: ndarray,
    running_var: ndarray,
    mean: ndarray,
    var: ndarray,
    momentum: float,
    d: InMemory | InBlocks,
) -> None:
    """``move_running`` for arrays, with one warning where a variance is not finite; ``d`` are the deviations."""
    try:
        old_weight, new_weight, unbiased_weight = running_weights(float(momentum), d.n, running_mean.dtype)
    except (TypeError, ValueError):
        raise TypeError(
            f"batch_norm{call_path()}: momentum must be a number, the weight of the new batch, got {momentum!r}. "
            "For the cumulative average pass 1 / (number of batches so far + 1)."
        ) from None
    unusable = None
    if not d.finite or var.dtype is not running_var.dtype:  # float64 where squares overflow float32
        var, unusable = representable(var, running_var.dtype)
    new_mean, new_var = mean * new_weight, var * unbiased_weight  # before the first change: they might overflow
    if unusable is not None:
        before = running_mean[unusable], running_var[unusable]
    running_mean *= old_weight
    running_mean += new_mean
    running_var *= old_weight
    running_var += new_var
    if unusable is not None:
        running_mean[unusable], running_var[unusable] = before


def representable(var: ndarray, dtype: np.dtype[Any]) -> tuple[ndarray, ndarray | None]:
    """Variances in the dtype of the running estimates, and where they are not finite: one warning, or None."""
    with np.errstate(over="ignore"):
        var = var.astype(dtype)
    unusable = ~np.isfinite(var)
    if not unusable.any():
        return var, None
    warn_unusable(~unusable, call_path())
    return var, unusable


def warn_unusable(usable: ndarray, path: str) -> None:
    """Warn of channels whose running statistics a batch does not move."""
    missing = usable.size - np.count_nonzero(usable)
    if missing:
        warnings.warn(
            f"batch_norm{path}: {missing} of {usable.size} channels of this batch contain NaN or infinity, or numbers "
            "too large to square; their running statistics are left as they were.",
            stacklevel=level_outside(),
        )
