"""What batch normalisation adds to a picture: its mode, its statistics, and what it keeps for the derivative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...engine.node import Node
from ...engine.shown import Shown, range_text
from .masks import counted


def batch_norm_shown(node: Node) -> Shown:
    """In training mode the mean is taken away again, so that a constant in front of it has no effect."""
    mean, var, _eps, training, mask, pooled, *_ = node.attributes
    count = (int(counted(node.shape, mask, np.int64)) if pooled is None else pooled.n) if training else 0
    statistics = "batch" if training else "running"
    lines = [f"{statistics} mean {range_text(mean)}", f"{statistics} var {range_text(var)}" + f"  n={count}" * training]
    others = [] if mask is None else [f"mask keeps {np.count_nonzero(mask)} of {mask.size}"]
    others += [] if pooled is None else [f"over {pooled.group.size()} {pooled.group.ranks_are}"]
    return Shown(
        lines=lines + others,
        mode="train" if training else "eval",
        described=("mean", "var", "training", "mask", "pooled", "batches"),
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
