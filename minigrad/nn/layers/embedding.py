"""A table of vectors, of which rows are looked up."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import numpy as np

from ... import ops
from ...engine.arguments import a_type, not_negative, real, switch, whole
from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.modes import no_grad
from ...engine.node import describe
from ...ops.arguments import shape_of
from ...tensor.creation import zeros
from ...tensor.device import on_cpu
from ...tensor.tensor import Tensor
from .. import init
from ..module import Module
from ..parameter import Parameter

Self = TypeVar("Self", bound="Embedding")


class Embedding(Module):
    """``weight[input]``: a learned vector for each number from 0 to ``num_embeddings - 1``.

    For integers of any shape (*), the result is (*, embedding_dim). The weight (num_embeddings, embedding_dim) starts
    normally distributed, with mean 0 and variance 1, and with zeros for the padding.

    Args:
        num_embeddings, embedding_dim: how many vectors, and their length.
        padding_idx: a row that starts with zeros and gets no gradient; negative counts from the end.
        max_norm: rows that are looked up and longer than this are shortened to it first, in ``weight`` itself.
        norm_type: of which norm the length is.
        scale_grad_by_freq: divide the gradient of each row by how often it was looked up.
        sparse: accepted, as in PyTorch; the gradient is an array like the weight all the same.
        _weight: the weight, whose memory it takes over; nothing is drawn, and the padding's row stays as it is.
        _freeze: whether the weight does not require grad.
        device: the CPU.
        dtype: of the weight, by default the default dtype, float32.

    Raises:
        ValueError: for sizes of less than 1 and a padding that is no row.

    >>> words = nn.Embedding(10, 3, padding_idx=0)
    >>> words(mg.tensor([[1, 5], [2, 0]])).shape
    (2, 2, 3)
    >>> words(mg.tensor(0))
    tensor([0., 0., 0.], grad_fn=<embedding>)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False, _weight: Any = None, _freeze: bool = False, device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        rows = whole(num_embeddings, 1, "Embedding: num_embeddings must be an integer of at least 1")
        length = whole(embedding_dim, 1, "Embedding: embedding_dim must be an integer of at least 1")
        self._settle(rows, length, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        trained = not switch(_freeze, "Embedding: _freeze")
        if _weight is not None:
            on_cpu(device)
            if shape_of(_weight) != (rows, length):
                raise InvalidValueError(f"Embedding: _weight must be {(rows, length)}, got {describe(_weight)}.")
            self.weight = Parameter(_weight, requires_grad=trained)
            return
        self.weight = Parameter(zeros(rows, length, dtype=dtype, device=device))
        self.reset_parameters()
        self.weight.requires_grad_(trained)

    def _settle(
        self, rows: int, length: int, padding_idx: Any, max_norm: Any, norm_type: Any, by_frequency: Any, sparse: Any
    ) -> None:
        """Take over the settings, each checked."""
        if padding_idx is not None:
            row = isinstance(padding_idx, (int, np.integer)) and not isinstance(padding_idx, bool)
            if not row or not -rows <= padding_idx < rows:
                raise InvalidValueError(
                    f"Embedding: padding_idx must be a row, {-rows} to {rows - 1}, or None, got {padding_idx!r}."
                )
            padding_idx = int(padding_idx) % rows
        if max_norm is not None:
            max_norm = real(max_norm, not_negative, "Embedding: max_norm must be a number of at least 0")
        if norm_type not in (math.inf, -math.inf):
            norm_type = real(norm_type, lambda number: True, "Embedding: norm_type must be a number")
        self.num_embeddings = rows
        self.embedding_dim = length
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = switch(by_frequency, "Embedding: scale_grad_by_freq")
        self.sparse = switch(sparse, "Embedding: sparse")

    @classmethod
    def from_pretrained(
        cls: type[Self], embeddings: Any, freeze: bool = True, padding_idx: int | None = None,
        max_norm: float | None = None, norm_type: float = 2.0, scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:  # fmt: skip
        """A module whose weight is a given table, with its memory; nothing is drawn.

        Args:
            embeddings: a tensor (num_embeddings, embedding_dim) of floats.
            freeze: whether the weight does not require grad.
            padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse: as in the constructor; the padding's row
                stays as it is.

        >>> nn.Embedding.from_pretrained(mg.tensor([[1.0, 2.0], [3.0, 4.0]]))(mg.tensor([1]))
        tensor([[3., 4.]])
        """
        if not isinstance(embeddings, (Tensor, np.ndarray)):
            raise InvalidTypeError(
                f"Embedding.from_pretrained: expected a tensor (N, D), got {a_type(embeddings)}: make it one, "
                "mg.tensor(...)."
            )
        if embeddings.ndim != 2 or 0 in embeddings.shape or embeddings.dtype.kind != "f":
            raise InvalidValueError(
                f"Embedding.from_pretrained: expected a tensor (N, D) of floats, got {describe(embeddings)}."
            )
        self = cls.__new__(cls)
        rows, length = embeddings.shape
        self._settle(rows, length, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        self.weight = Parameter(embeddings, requires_grad=not switch(freeze, "Embedding.from_pretrained: freeze"))
        return self

    def reset_parameters(self) -> None:
        """Draw a new weight from the global random state; the padding's row is 0."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx] = 0

    def forward(self, input: Any) -> Any:
        return ops.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        usual = {"padding_idx": None, "max_norm": None, "norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        others = [f", {name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value]
        return f"{self.num_embeddings}, {self.embedding_dim}" + "".join(others)
