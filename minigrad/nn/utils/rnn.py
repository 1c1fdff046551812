"""Sequences of different lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ... import ops
from ...engine.absent import absent
from ...engine.errors import InvalidValueError
from ...tensor.creation import full
from ...tensor.tensor import Tensor

__all__ = ["pad_sequence"]


def pad_sequence(
    sequences: Iterable[Any], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """One tensor of sequences (length, ...) of different lengths.

    Args:
        sequences: tensors whose axes but the first have equal lengths.
        batch_first: (number, longest, ...) instead of (longest, number, ...).
        padding_value: stands where a sequence has no element.
        padding_side: ``"right"``: behind them; ``"left"``: in front of them.

    >>> nn.utils.rnn.pad_sequence([mg.ones(3), mg.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    listed = list(sequences)
    if padding_side not in ("right", "left"):
        raise InvalidValueError(f"pad_sequence: padding_side must be 'right' or 'left', got {padding_side!r}.")
    if not listed or len({x.shape[1:] for x in listed}) > 1:
        shapes = ", ".join(str(x.shape) for x in listed) or "none"
        raise InvalidValueError(f"pad_sequence needs sequences that differ in their first length only, got {shapes}.")
    longest = max(x.shape[0] for x in listed)
    padded = []
    for x in listed:
        rest = full((longest - x.shape[0], *x.shape[1:]), padding_value, dtype=x.dtype)
        padded.append(ops.cat([x, rest] if padding_side == "right" else [rest, x]))
    return ops.stack(padded, 0 if batch_first else 1)


if not TYPE_CHECKING:
    __getattr__ = absent(__name__)
