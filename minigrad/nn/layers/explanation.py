"""A batch against the running statistics of a BatchNorm: per channel, and why the outputs of the two modes differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from ...kernels.batch_norm import taken
from ...reports.finding import Finding
from ...reports.table import html_block, html_table, text_table, wrapped

HEADER = ("channel", "mean", "running mean", "var", "running var", "apart", "finding")
NUMBERS = HEADER[:-1]
MOST_ROWS = 20
"""Channels that are printed; of more, those whose outputs are farthest apart."""
NEAR = 0.1
"""Standard deviations between the outputs of the two modes that do not matter."""
SURPRISING = 4.0
"""Standard errors beyond which a difference is not chance, also of the largest of some hundred channels."""
LEAST_START = 0.01
"""What the start may be of running statistics that count as warm."""
NARROW = 0.8
"""Of the running variance: a batch with less is a part of the data."""
FEW_BATCHES = 0.5
"""The momentum from which the running statistics are nearly those of the last batch."""


class Channel(NamedTuple):
    """A channel's values in a batch against its running statistics; variances are the biased ones of the batch."""

    number: int
    mean: float
    running_mean: float
    var: float
    running_var: float
    apart: float
    """The root mean square difference of the normalised values of the two modes, before weight and bias."""
    finding: str
    """``not finite``, ``dead`` (it has never varied), ``constant`` in this batch, ``below eps``, or, beyond
    chance, ``mean apart`` or ``variance apart``; else nothing."""

    @property
    def cells(self) -> list[str]:
        """Its line of the table."""
        kept = not np.isnan(self.running_mean)
        shown = (True, kept, True, kept, kept)
        return [str(self.number), *(f"{x:.3g}" if show else "" for x, show in zip(self[1:6], shown)), self.finding]


class Compared:
    """What is known of a layer and a batch: arrays of a value per channel, in float64."""

    def __init__(self, bn: Any, x: ndarray, mask: ndarray | None) -> None:
        self.bn = bn
        self.shape = x.shape
        everything = np.ones((len(x), *(1,) * (x.ndim - 1)), bool) if mask is None else mask
        values = taken(x.astype(np.float64), everything)
        self.n = len(values)
        samples = int(everything.reshape(len(x), -1).any(axis=1).sum())
        # values of one sample are alike: how far chance takes a mean depends on the number of samples
        self.independent = self.n if x.ndim == 2 else samples
        self.eps = float(bn.eps)
        self.batches = None if bn.num_batches_tracked is None else int(bn.num_batches_tracked.item())
        self.running_mean, self.running_var = self.running()
        with np.errstate(all="ignore"):
            self.mean = values.mean(axis=0) if self.n else np.full(x.shape[1], np.nan)
            self.var = ((values - self.mean) ** 2).mean(axis=0) if self.n else self.mean
        self.finite = np.isfinite(self.var)
        self.constant = self.var <= (np.abs(self.mean) * 1e-7) ** 2  # of float32, rounding aside
        self.dead = self.constant & (self.running_var <= self.start * 1.001) & (self.start < 1)
        self.apart = self.outputs_apart(self.running_mean, self.running_var)
        self.surprising_mean, self.surprising_var = self.surprising()

    def running(self) -> tuple[ndarray, ndarray]:
        """The running statistics; NaN if there are none."""
        mean, var = self.bn.running_mean, self.bn.running_var
        if mean is None or var is None:
            return np.full(self.shape[1], np.nan), np.full(self.shape[1], np.nan)
        return np.array(mean.array, np.float64), np.array(var.array, np.float64)

    @property
    def start(self) -> float:
        """The part of the running statistics that is still mean 0 and variance 1."""
        momentum = self.bn.momentum
        if self.batches is None:
            return 0.0
        start = float(self.batches == 0) if momentum is None else float((1 - momentum) ** self.batches)
        return start if start < 1 or self.untouched else 0.0  # statistics that were loaded, without a count

    @property
    def untouched(self) -> bool:
        """Whether the running statistics are those of the start."""
        return bool((self.running_mean == 0).all() and (self.running_var == 1).all())

    def without_start(self) -> tuple[ndarray, ndarray]:
        """The running statistics of the batches alone."""
        if self.start == 1:
            return self.running_mean, self.running_var
        return self.running_mean / (1 - self.start), np.maximum(self.running_var - self.start, 0) / (1 - self.start)

    def outputs_apart(self, mean: ndarray, var: ndarray) -> ndarray:
        """The root mean square difference of the outputs by the batch's statistics and by given ones."""
        with np.errstate(all="ignore"):
            own, other = np.sqrt(self.var + self.eps), np.sqrt(var + self.eps)
            apart: ndarray = np.sqrt(self.var * (1 / own - 1 / other) ** 2 + ((self.mean - mean) / other) ** 2)
        return apart

    def surprising(self) -> tuple[ndarray, ndarray]:
        """Where mean and variance are farther from the running ones, without the start, than chance explains."""
        mean, var = self.without_start()
        n = self.independent
        if n < 2:
            return np.zeros(len(mean), bool), np.zeros(len(mean), bool)
        with np.errstate(all="ignore"):
            of_mean = np.abs(self.mean - mean) / np.sqrt(var + self.eps) * np.sqrt(n)
            of_var = np.abs(np.log((self.var * n / (n - 1) + self.eps) / (var + self.eps))) / np.sqrt(2 / (n - 1))
        matters = self.finite & (self.apart > NEAR)
        return matters & (of_mean > SURPRISING), matters & (of_var > SURPRISING)

    def words(self, i: int) -> str:
        """What is to be said of a channel."""
        found = {
            "not finite": not self.finite[i],
            "dead": self.dead[i],
            "constant": self.constant[i],
            "below eps": self.var[i] < self.eps,
            "mean apart": self.surprising_mean[i],
            "variance apart": self.surprising_var[i],
        }
        return next((words for words, true in found.items() if true), "")

    @property
    def rows(self) -> list[Channel]:
        """Its channels."""
        columns = (self.mean, self.running_mean, self.var, self.running_var, self.apart)
        numbers = range(len(self.mean))
        return [*map(Channel, numbers, *(column.tolist() for column in columns), map(self.words, numbers))]

    def some(self, which: ndarray) -> str:
        """Channels by their numbers."""
        numbers = np.flatnonzero(which).tolist()
        listed = ", ".join(map(str, numbers[:6])) + ", ..." * (len(numbers) > 6)
        return f"channel {listed}" if len(numbers) == 1 else f"{len(numbers)} of {len(which)} channels ({listed})"


# -- reasons -------------------------------------------------------------------------------------


UPDATE = "optim.swa_utils.update_bn(loader, model) computes them from the data"


def not_finite(facts: Compared) -> Iterator[Finding]:
    """NaN or infinity."""
    if facts.n and not facts.finite.all():
        yield Finding(
            facts.some(~facts.finite), "NaN or infinity in the batch.",
            "its mean and variance are no numbers: in training the whole channel becomes NaN, and its running "
            "statistics stay as they are.",
            "find where they come from, with mg.detect_anomaly() say.",
        )  # fmt: skip


def modes_fixed(facts: Compared) -> Iterator[Finding]:
    """A layer of which train() and eval() do not decide."""
    if facts.bn.frozen:
        mode, used = ("training", "the batch's") if facts.bn.training else ("evaluation", "the running")
        yield Finding(
            "mode", f"it is frozen in {mode} mode.",
            f"it goes on with {used} statistics, whatever train() and eval() say, and these do not move.",
            "unfreeze().",
        )  # fmt: skip
    elif not facts.bn.track_running_stats:
        yield Finding(
            "track_running_stats", "the running statistics do not move any more.",
            "with track_running_stats=False training leaves them as they are; evaluation still uses them.",
            "set it to True again, or the buffers to None.",
        )  # fmt: skip


def never_moved(facts: Compared) -> Iterator[Finding]:
    """Running statistics that are those of the start."""
    if facts.start == 1 and facts.untouched:
        seen = "no batch has been seen" if not facts.batches else f"momentum=0 after {facts.batches} batches"
        yield Finding(
            "running statistics", f"{seen}: they are still mean 0 and variance 1.",
            "evaluation subtracts 0 and divides by 1, so it does not normalise.",
            f"train before eval(); {UPDATE}." if not facts.batches else f"momentum=0.1; {UPDATE}.",
        )  # fmt: skip


def warm_up(facts: Compared) -> Iterator[Finding]:
    """Running statistics that lag."""
    if LEAST_START < facts.start < 1:
        varied = facts.finite & ~facts.constant
        momentum, apart = facts.bn.momentum, facts.apart[varied]
        without = facts.outputs_apart(*facts.without_start())[varied]
        needed = int(np.ceil(np.log(LEAST_START) / np.log(1 - momentum)))
        batches = f"{facts.batches} {'batch' if facts.batches == 1 else 'batches'}"
        yield Finding(
            "momentum", f"only {batches} seen: {facts.start:.0%} of the running statistics is the start.",
            f"with momentum={momentum} the mean 0 and variance 1 they began with still count (1 - {momentum})**"
            f"{facts.batches}. Without that the outputs would be apart by {without.max(initial=0):.2g}, not by "
            f"{apart.max(initial=0):.2g}.",
            f"go on for {needed} batches until that is 1 %, or momentum=None for a plain average; {UPDATE}.",
        )  # fmt: skip


def momentum_of_last_batch(facts: Compared) -> Iterator[Finding]:
    """Running statistics of hardly more than one batch."""
    momentum = facts.bn.momentum
    if momentum is not None and momentum > FEW_BATCHES and facts.apart[facts.finite].max(initial=0) > NEAR:
        yield Finding(
            "momentum", f"momentum={momentum} is the weight of the new batch.",
            "the running statistics are nearly those of the last batch (Keras and Flax mean the opposite).",
            f"momentum={1 - momentum:.4g}.",
        )  # fmt: skip


def small_batch(facts: Compared) -> Iterator[Finding]:
    """A difference that is chance."""
    far = (facts.apart > NEAR) & (facts.outputs_apart(*facts.without_start()) > NEAR)
    by_chance = facts.finite & far & ~facts.surprising_mean & ~facts.surprising_var & ~facts.constant
    if facts.start < 1 and by_chance.any() and facts.independent < 1 / NEAR**2:
        n = max(facts.independent, 1)
        yield Finding(
            facts.some(by_chance), f"no farther apart than chance takes {n} sample{'s' * (n != 1)}.",
            f"the mean of {n} is off by {1 / np.sqrt(n):.2g} standard deviations, their variance by "
            f"{np.sqrt(2 / max(n - 1, 1)):.0%}: in training that is noise, in evaluation it is not there.",
            "predict with eval(); train with larger batches, or with GroupNorm or LayerNorm.",
        )  # fmt: skip


def other_data(facts: Compared) -> Iterator[Finding]:
    """A batch that is not like those before it."""
    far = (facts.surprising_mean | facts.surprising_var) & ~facts.constant
    if facts.start == 1 or not far.any():
        return
    _, var = facts.without_start()
    narrow = far & facts.surprising_mean & (facts.var < NARROW * var)
    if 2 * narrow.sum() > far.sum():
        yield Finding(
            facts.some(far), "the batch looks like a part of the data: its mean is elsewhere, its variance smaller.",
            "so do batches sorted by class, of one class each: training normalises each class by itself, evaluation "
            "all of them together.",
            "DataLoader(..., shuffle=True); predict with eval().",
        )  # fmt: skip
    else:
        batches = "all batches" if not facts.bn.momentum else f"about {max(1, round(1 / facts.bn.momentum))} batches"
        yield Finding(
            facts.some(far), "the batch is not like those that the running statistics describe.",
            f"they are an average over {batches}: of other data or another preprocessing, or of weights before this "
            "layer that have changed since.",
            f"preprocess both alike; a smaller learning rate towards the end; {UPDATE}, after the last change.",
        )  # fmt: skip


def constant(facts: Compared) -> Iterator[Finding]:
    """Channels without variance."""
    for which, what in (
        (facts.dead & facts.finite, "dead: no batch has varied, as far as the running variance knows."),
        (facts.constant & facts.finite & ~facts.dead, "constant in this batch."),
    ):
        if which.any() and facts.n > 1:
            yield Finding(
                facts.some(which), what,
                "training makes the bias of it, whatever the value; evaluation does that only of the running mean.",
                "look at the layer before: weights of 0, or a ReLU that lets nothing through.",
            )  # fmt: skip


def below_eps(facts: Compared) -> Iterator[Finding]:
    """Variances that eps outweighs."""
    small = facts.finite & ~facts.constant & (facts.var < facts.eps)
    if small.any() and facts.n > 1:
        yield Finding(
            facts.some(small), f"the variance is less than eps={facts.bn.eps}.",
            "the output has a variance of less than a half.", "scale the input, or a smaller eps.",
        )  # fmt: skip


REASONS: list[Callable[[Compared], Iterator[Finding]]] = [
    not_finite, modes_fixed, never_moved, warm_up, momentum_of_last_batch, small_batch, other_data, constant, below_eps,
]  # fmt: skip
"""In the order of the report."""


class Explanation:
    """What ``explain`` found: true if the two modes agree on the batch. It prints, and shows as tables in notebooks.

    Attributes:
        rows: a ``Channel`` for each channel.
        findings: why the outputs differ, each with ``where``, ``what``, ``why`` and ``cure``.
        summary: one line.
    """

    def __init__(self, bn: Any, x: ndarray, mask: ndarray | None) -> None:
        facts = Compared(bn, x, mask)
        self.rows = facts.rows
        self.tracks = bn.running_mean is not None
        self.findings = [finding for rule in REASONS for finding in rule(facts)] if self.tracks else []
        self.summary = f"{type(bn).__name__}({bn.num_features}), {self.verdict(facts)}"

    def verdict(self, facts: Compared) -> str:
        """What one line says of all channels."""
        batch = f"this batch {facts.shape}, {facts.n} value{'s' * (facts.n != 1)} per channel"
        if not self.tracks:
            return f"without running statistics: train() and eval() both use those of {batch}."
        apart = np.where(np.isfinite(facts.apart), facts.apart, -1)
        if facts.n < 2:
            return f"{batch}: training needs at least 2."
        if apart.max(initial=0) <= NEAR:
            return f"{batch}: train() and eval() agree within {max(apart.max(initial=0), 0):.2g} standard deviations."
        return (
            f"{batch}: the outputs of train() and eval() are apart by up to {apart.max():.2g} standard deviations "
            f"(channel {int(apart.argmax())})."
        )

    def __bool__(self) -> bool:
        return not self.findings

    @property
    def shown(self) -> list[Channel]:
        """The channels that are printed."""
        if len(self.rows) <= MOST_ROWS:
            return self.rows
        return sorted(self.rows, key=lambda row: -np.nan_to_num(row.apart, nan=np.inf))[:MOST_ROWS]

    @property
    def rest(self) -> str:
        """What is said of the others."""
        shown = self.shown
        return (
            f"... and {len(self.rows) - len(shown)} more channels, none farther apart than {shown[-1].apart:.3g}."
            if len(shown) < len(self.rows)
            else ""
        )

    def __str__(self) -> str:
        table = text_table(HEADER, [row.cells for row in self.shown], NUMBERS)
        return "\n".join(filter(None, [wrapped(self.summary), table, self.rest, *map(str, self.findings)]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        shown = self.shown
        wrong = [i for i, row in enumerate(shown) if row.finding]
        table = html_table(HEADER, [row.cells for row in shown], NUMBERS, wrong)
        found = html_table(Finding._fields, self.findings) if self.findings else ""
        return html_block([self.summary], table, [self.rest]) + found
