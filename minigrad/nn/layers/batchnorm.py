"""Batch normalisation as a module: the parameters, the running statistics and the mode."""

from __future__ import annotations

import warnings
from typing import Any

from numpy import ndarray

from ... import ops
from ...engine.host import check
from ...engine.lines import level_outside
from ...engine.modes import current
from ...engine.node import array_of
from ...engine.scope import call_path
from ...engine.shown import ModuleShown
from ...ops.arguments import shape_of
from ...ops.normalisation.masks import counting
from .channel_norm import ChannelNorm
from .explanation import Explanation


class BatchNorm(ChannelNorm):
    """What the three BatchNorm modules share; they differ in the ranks they accept. ``BatchNorm1d`` describes it.

    S. Ioffe, C. Szegedy, Batch normalization, 2015.
    """

    _ranks: tuple[int, ...] = ()
    _expected = ""
    _group: Any = None
    """The ranks over which statistics are taken in a call."""
    _warned = False
    """Whether it has said that it is in training mode under ``no_grad``."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        self._set_up(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)
        self.frozen = False

    def forward(self, input: Any, mask: Any = None) -> Any:
        """The normalised batch.

        Args:
            input: the batch (N, C, ...).
            mask: booleans of its shape without channels, or (N,) for whole samples, True where values count. The
                others, padding say, take no part in the statistics, and their output and gradient are 0.
        """
        shape = shape_of(input)
        if len(shape) not in self._ranks or shape[1] != self.num_features:
            raise self._misfit(shape, input.dtype)
        mean, var, counter = self.running_mean, self.running_var, self.num_batches_tracked
        training = self.training or mean is None
        unused = self.frozen or mean is None or not self.track_running_stats
        if training and unused and (mean is None) == (var is None):  # batch_norm refuses one without the other
            mean = var = counter = None
        elif training and not current().recording:
            self._warn_once()
        momentum = self.momentum if self.momentum is not None else self._cumulative_weight()
        return ops.batch_norm(
            input, mean, var, self.weight, self.bias, training, momentum, self.eps, counter,
            mask=mask, group=self._group,
        )  # fmt: skip

    def _cumulative_weight(self) -> Any:
        """How much the next batch counts in the average of all batches."""
        counter = self.num_batches_tracked
        if counter is None:
            return 0.0
        count = counter.array
        check(check_count, count)
        return 1 / (count.item() + 1)

    def _misfit(self, shape: tuple[int, ...], dtype: Any) -> ValueError:
        """The error of an input of another rank or number of channels."""
        if len(shape) not in self._ranks:
            return ValueError(
                f"expected {self._expected} input (got {len(shape)}D input){call_path()}: {self._cure(len(shape))}"
            )
        return ValueError(
            f"batch_norm{call_path()}: expected {self.num_features} channels on axis 1, "
            f"got input {shape} {dtype}.{self._channels_last_hint(shape)}"
        )

    def _channels_last_hint(self, shape: tuple[int, ...]) -> str:
        """How to bring the channels to axis 1 if they seem to be the last one."""
        if shape[-1] != self.num_features:
            return ""
        rank = len(shape)
        inner = {3: "L", 4: "H, W", 5: "D, H, W"}[rank]
        move = "transpose(1, 2)" if rank == 3 else f"permute{(0, rank - 1, *range(1, rank - 1))}"
        return f" (N, {inner}, C)? {type(self).__name__} wants (N, C, {inner}): {move}."

    def _cure(self, rank: int) -> str:
        """What to do about an input of another rank."""
        if rank < min(self._ranks):
            return (
                "x.unsqueeze(0) makes a batch of one sample."
                if rank == min(self._ranks) - 1
                else "it needs (N, C, ...)."
            )
        return "use BatchNorm2d for 4D, BatchNorm3d for 5D, or flatten the input."

    def _warn_once(self) -> None:
        """Training mode under ``no_grad`` is usually a forgotten ``eval()``."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"batch_norm{call_path()}: in training mode under no_grad(): its running statistics are being updated; "
                "meant eval()? Predict with model.eval(), or with model.evaluating().",
                stacklevel=level_outside(),
            )

    def _switch(self, training: bool) -> None:
        if not self.frozen:
            self.training = training

    def _switch_gradients(self, requires_grad: bool) -> None:
        if not self.frozen:
            super()._switch_gradients(requires_grad)

    def freeze(self) -> BatchNorm:
        """Keep parameters, running statistics and mode as they are until ``unfreeze()``.

        No later ``train()``, ``eval()`` or ``requires_grad_()`` of the model changes them. Usually after
        ``eval()``: ``bn.eval().freeze()`` goes on normalising with the running statistics. Returns itself.
        """
        if not self.frozen:
            self._thawed_grads = [p.requires_grad for p in self.parameters()]
            self.requires_grad_(False).zero_grad()  # an optimiser would go on with an old gradient
            self.frozen = True
        return self

    def unfreeze(self) -> BatchNorm:
        """Take ``freeze`` back; the mode follows the next ``train()`` or ``eval()``. Returns itself."""
        if self.frozen:
            self.frozen = False
            for parameter, trained in zip(self.parameters(), self._thawed_grads):
                parameter.requires_grad_(trained)
            del self._thawed_grads
        return self

    def explain(self, input: Any, mask: Any = None) -> Explanation:
        """A batch against the running statistics, channel by channel, and why training and evaluation differ on it.

        Nothing is changed. For a layer inside of a model take what it is called with from a forward pre-hook.

        Args:
            input: what the layer is called with, (N, C, ...).
            mask: as of a call.

        Returns:
            An ``Explanation``, which prints for each channel the mean and the variance of the batch and of training so
            far, how far the outputs of the two modes are apart, in standard deviations, and whether it is dead or
            constant; then the reasons (few batches seen, a small batch, other data, ...), each with its cure. It is
            true if there is none.

        Raises:
            ValueError: for an input of another rank or number of channels.

        >>> explanation = nn.BatchNorm1d(2).explain(mg.tensor([[1.0, 0.0], [3.0, 0.0]]))
        >>> explanation.rows[1].finding
        'constant'
        >>> print(explanation.findings[0].what)
        no batch has been seen: they are still mean 0 and variance 1.
        """
        shape = shape_of(input)
        if len(shape) not in self._ranks or shape[1] != self.num_features:
            raise self._misfit(shape, input.dtype)
        x = array_of(input)
        return Explanation(self, x, None if mask is None else counting(x, mask, training=False, recording=False))

    def _worth_without(self, name: str) -> str:
        if self.momentum is not None:
            return ""
        return (
            "with momentum=None the statistics are averages over so many batches, and the next one "
            "replaces what was loaded. Add the count to the state, or set a momentum"
        )

    def _shows(self) -> ModuleShown:
        symbols = {"weight": "gamma", "bias": "beta"}
        counter = self.num_batches_tracked
        reason = "running statistics"
        if counter is not None:
            batches = int(counter.item())
            reason += f" of {batches:,} batch{'es' * (batches != 1)}" + ", still mean 0 and variance 1" * (not batches)
        return ModuleShown("frozen" if self.frozen else "", symbols, reason, self.momentum is None)

    def extra_repr(self) -> str:
        no_bias = ", bias=False" * (self.weight is not None and self.bias is None)
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}{no_bias}, "
            f"track_running_stats={self.track_running_stats}"
        ) + ", frozen=True" * self.frozen


def check_count(count: ndarray) -> None:
    """Refuse a number of batches that is negative."""
    if count < 0:
        raise ValueError(
            f"batch_norm{call_path()}: num_batches_tracked is {count}: the checkpoint, or what wrote it, is wrong."
        )


class BatchNorm1d(BatchNorm):
    """Batch normalisation of (N, C) or (N, C, L): each channel gets mean 0 and variance 1, then a scale and a shift.

    For a channel c, whose n values in a batch are those of all samples (and of all L positions):

        training:    mean = sum(x) / n          var = sum((x - mean)**2) / n
        evaluation:  mean = running_mean[c]     var = running_var[c]

        xhat = (x - mean) / sqrt(var + eps)     y = weight[c] * xhat + bias[c]

    In training the gradient runs through mean and var, too, so no sample moves alone:

        dx = weight / sqrt(var + eps) * (dy - sum(dy) / n - xhat * sum(dy * xhat) / n)
        dweight = sum(dy * xhat)                dbias = sum(dy)

    Each training batch moves the running statistics, by which evaluation predicts a single sample, and no result there
    depends on its batch. The running variance is that of a sample, ``var * n / (n - 1)``:

        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var  = (1 - momentum) * running_var  + momentum * var * n / (n - 1)

    ``model.train()`` and ``model.eval()`` switch the mode; ``with model.evaluating():`` evaluates and switches back.
    A Linear in front of it needs no bias, which the mean takes away again. ``bn(x, mask=mask)`` leaves padding out,
    ``freeze()`` keeps parameters, statistics and mode as they are, and ``explain(x)`` says why the two modes differ on
    a batch. One value per channel has no variance: a batch of one sample is refused in training.

    S. Ioffe, C. Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
    2015.

    Args:
        num_features: the number of channels C, the length of axis 1.
        eps: added to the variance, in the square of the input's unit.
        momentum: the weight of the new batch in the running statistics, 0 to 1 (Keras and Flax mean the weight of the
            old value); None for their cumulative average.
        affine: learn ``weight`` (gamma, from 1) and ``bias`` (beta, from 0), both (C,); else both are None.
        track_running_stats: keep ``running_mean``, ``running_var``, both (C,), and ``num_batches_tracked``; else they
            are None and the batch's statistics are used in both modes.
        device: the CPU.
        dtype: of the parameters, by default the default dtype, float32. Statistics are at least float32.
        bias: False for a ``weight`` without a ``bias``.

    Raises:
        ValueError, TypeError: when called with what cannot be normalised, naming the module and the cure; no buffer
            has changed then.

    >>> bn = nn.BatchNorm1d(2)
    >>> x = mg.tensor([[1.0, 10.0], [3.0, 30.0]])
    >>> bn(x)  # in training: by mean (2, 20) and variance (1, 100) of this batch
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]], grad_fn=<batch_norm>)
    >>> bn.running_mean, bn.running_var  # a tenth of (2, 20); nine tenths of 1 and a tenth of (2, 200)
    (tensor([0.2000, 2.0000]), tensor([ 1.1000, 20.9000]))
    >>> bn.eval()(mg.tensor([[0.2, 2.0]])).detach()  # one sample, by the running statistics
    tensor([[0., 0.]])
    """

    _ranks, _expected = (2, 3), "2D or 3D"


class BatchNorm2d(BatchNorm):
    """Batch normalisation of images (N, C, H, W), as ``BatchNorm1d`` describes it: a channel has n = N * H * W values.

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as of ``BatchNorm1d``.

    >>> y = nn.BatchNorm2d(3)(mg.randn(8, 3, 4, 4) * 5 + 2)
    >>> mg.allclose(y.mean((0, 2, 3)), mg.zeros(3), atol=1e-6), mg.allclose(y.var((0, 2, 3), correction=0), mg.ones(3))
    (True, True)
    """

    _ranks, _expected = (4,), "4D"


class BatchNorm3d(BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W), as ``BatchNorm1d`` describes it.

    Args:
        num_features, eps, momentum, affine, track_running_stats, device, dtype, bias: as of ``BatchNorm1d``.

    >>> nn.BatchNorm3d(3)(mg.randn(2, 3, 4, 4, 4)).shape
    (2, 3, 4, 4, 4)
    """

    _ranks, _expected = (5,), "5D"
