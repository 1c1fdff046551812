"""What batch normalisation adds to a picture: its mode, its statistics, and what it keeps for the derivative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine.node import Node
from ...engine.shown import Shown, range_text
from ...kernels.batch_norm import values_per_channel


def batch_norm_shown(node: Node) -> Shown:
    """In training mode the mean is taken away again, so that a constant in front of it has no effect."""
    mean, var, _eps, training, *_ = node.attributes
    statistics, count = ("batch", f"  n={values_per_channel(node.shape)}") if training else ("running", "")
    return Shown(
        lines=[f"{statistics} mean {range_text(mean)}", f"{statistics} var {range_text(var)}{count}"],
        mode="train" if training else "eval",
        described=("mean", "var", "training", "batches"),
        keeps=kept(node),
        cancels=bool(training),
    )


def kept(node: Node) -> Mapping[str, Any]:
    """The input, and what the kernel has kept beside it."""
    if node.saved is None:
        return {}
    x = node.saved[1]
    if node.cache is None:
        return {"x": x}
    deviations, std, scale = node.cache
    name = "x - mean" if deviations.centered else "copy of x"
    own = {} if np.may_share_memory(deviations.d, x) else {name: deviations.d}
    return {"x": x, **own, "std": std, "scale": scale}
