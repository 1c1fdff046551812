"""What batch normalisation adds to a picture: its mode, its statistics, and what it keeps for the derivative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.node import Node, Variable, array_of
from ...engine.shown import Part, Shown, histogram_text, range_text
from ...kernels.batch_norm import taken
from .masks import counted


def batch_norm_shown(node: Node) -> Shown:
    """In training mode the mean is taken away again, so that a constant in front of it has no effect."""
    mean, var, _eps, training, mask, pooled, _momentum, buffers, *_ = node.attributes
    count = int(counted(node.shape, mask, np.int64)) if pooled is None else pooled.n
    statistics = "batch" if training else "running"
    lines = [f"{statistics} mean {range_text(mean)}", f"{statistics} var {range_text(var)}" + f"  n={count}" * training]
    others = [] if mask is None else [f"mask keeps {np.count_nonzero(mask)} of {mask.size}"]
    others += [] if pooled is None else [f"over {pooled.group.size()} {pooled.group.ranks_are}"]
    missed = int(np.count_nonzero(unusable(var, buffers))) if training else 0
    return Shown(
        lines=[*lines, *stages(node, count), *others],
        mode="train" if training else "eval",
        summary=2,
        described=("mean", "var", "training", "mask", "pooled", "batches"),
        keeps=kept(node),
        cancels=bool(training),
        parts=partial(parts, node),
        alarms=[f"{missed} of {var.size} channels not finite: running statistics left alone"] * bool(missed),
    )


def parts(node: Node, operands: Sequence[Any]) -> list[Part]:
    """Statistics, normalising, and scale and shift, each with the numbers of the call; for one value the formula."""
    x, gamma, beta = operands
    mean, var, eps, training, mask, *_ = node.attributes
    values = x if mask is None else taken(x, mask)
    shape = (-1, *(1,) * (values.ndim - 2))
    centre, spread = mean.reshape(shape), np.sqrt(var.astype(np.float64) + eps).reshape(shape)
    xhat = (values - centre) / spread
    scale, shift = (1.0 if gamma is None else gamma), (0.0 if beta is None else beta)
    y = xhat * np.reshape(scale, shape) + np.reshape(shift, shape)
    made = [
        Part("mean", [f"of each channel, {range_text(mean)}"], ("input",), (0, 2)),
        Part("variance", [f"of each channel, {range_text(var)}"], ("input", "mean"), (1,)),
    ]
    sources = ("input", "mean", "variance") if training else ("input",)
    formula = "(x - mean) / sqrt(var + eps)"
    lines = [formula, spread_of("before", values), spread_of("after", xhat)]
    made = [*made * bool(training), Part("normalise", lines, sources, () if training else (0, 1))]
    lines = ["* weight + bias", *one_value(values, mean, var, eps, scale, shift, y), spread_of("after", y)]
    return [*made, Part("scale and shift", lines, ("normalise", "weight", "bias"))]


def spread_of(when: str, values: ndarray) -> str:
    """The histogram of values, and their range."""
    return f"{when} {histogram_text(values)} {range_text(values)}"


def one_value(x: ndarray, mean: Any, var: Any, eps: float, scale: Any, shift: Any, y: ndarray) -> Iterator[str]:
    """The formula with the numbers of the first value of channel 0."""
    if x.size:
        first = (0,) * x.ndim
        numbers = [float(np.ravel(each)[0]) for each in (x[first], mean, var, scale, shift, y[first])]
        value, centre, variance, gamma, beta, result = (f"{each:.3g}" for each in numbers)
        centre, gamma, beta = (f"({each})" if each[0] == "-" else each for each in (centre, gamma, beta))
        formula = f"({value} - {centre}) / sqrt({variance} + {eps:g}) * {gamma} + {beta} = {result}"
        yield f"first value of channel 0: {formula}"


def unusable(var: ndarray, buffers: Sequence[Any]) -> Any:
    """At which channels of a batch the running estimates are not moved: where they cannot hold its variance."""
    running = array_of(buffers[1])
    with np.errstate(over="ignore"):
        return ~np.isfinite(var if running is None else var.astype(running.dtype))


def stages(node: Node, count: int) -> Iterator[str]:
    """Mean and standard deviation of the channels before, after normalising, and after scale and shift.

    They follow from the statistics; those of a batch in evaluation need the batch, as long as it is kept.
    """
    mean, var, eps, training, mask, *_ = node.attributes
    with np.errstate(all="ignore"):
        inverse = 1 / np.sqrt(var.astype(np.float64) + eps)
        if training:
            centre, deviation = np.zeros_like(inverse), np.sqrt(var.astype(np.float64))
            yield f"batch deviation {range_text(deviation)}"
        elif node.saved is None:
            return
        else:
            x = node.saved[1]
            x = x if mask is None else taken(x, mask)
            axes = (0, *range(2, x.ndim))
            own, deviation = x.mean(axes, dtype=np.float64), x.std(axes, dtype=np.float64)
            yield f"batch mean {range_text(own)}, deviation {range_text(deviation)}  n={count}"
            centre = (own - mean) * inverse
        deviation = deviation * inverse
        yield f"normalised: mean {range_text(centre)}, deviation {range_text(deviation)}"
        if any(changed_since(operand, node.time) for operand in node.inputs[1:3]):
            yield "scaled and shifted before weight or bias changed"
            return
        gamma, beta = (tensor_array(operand) for operand in node.inputs[1:3])
        if gamma is not None or beta is not None:
            scale, shift = 1 if gamma is None else gamma, 0 if beta is None else beta
            yield (
                f"scaled, shifted: mean {range_text(centre * scale + shift)}, "
                f"deviation {range_text(deviation * np.abs(scale))}"
            )


def tensor_array(operand: Any) -> Any:
    """The array of an operand; None if there is none, or it is gone."""
    return array_of(operand.output() if isinstance(operand, Node) else operand)


def changed_since(operand: Any, time: int) -> bool:
    """Whether an operand has other values than at a time, or is gone."""
    tensor = operand.output() if isinstance(operand, Node) else operand
    if isinstance(operand, Node) and tensor is None:
        return True
    return isinstance(tensor, Variable) and tensor.memory.changed > time


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
