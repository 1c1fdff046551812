"""Ties, kinks and edges: values and gradients where functions are not differentiable, or meet 0, infinities and NaN.

``PYTORCH`` holds the answers of PyTorch 2.14.1 (CPU; the same in float64 and float32) for the functions that minigrad
has. ``MATHEMATICS`` holds the few places where PyTorch gives NaN, or loses the value, and mathematics has one.

A row is a name, a function, its inputs, the value, and the gradient of the value's sum by each input. To add one,
append a line, and write the page of the guide again: ``python -m tests.contract.conventions_page``. Rows stand under
the title they have there, those of ``MATHEMATICS`` under what PyTorch gives and why minigrad does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F

inf, nan = np.inf, np.nan
log2 = np.log(2.0)
steep = 1 / np.sqrt(1e-5)


class Row(NamedTuple):
    """One line of the table."""

    name: str
    function: Callable[..., Any]
    inputs: list[Any]
    value: Any
    gradients: list[Any]


def rows(sections: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[Row]]:
    """The rows under their titles; the gradients, of which there is one for each input, come last."""
    return {title: [Row(*row[:4], list(row[4:])) for row in lines] for title, lines in sections.items()}


def clamped(low: Any, high: Any) -> Callable[[Any], Any]:
    """``clamp`` with numbers."""
    return lambda x: mg.clamp(x, low, high)


def power(p: float) -> Callable[[Any], Any]:
    """``x ** p`` with a number as exponent."""
    return lambda x: x**p


def power_of(base: float) -> Callable[[Any], Any]:
    """``base ** p`` with a number as base."""
    return lambda p: base**p


def distance(p: float) -> Callable[..., Any]:
    """``cdist`` with this norm."""
    return lambda a, b: mg.cdist(a, b, p)


def first(function: Callable[[Any], Any], i: int = 0) -> Callable[[Any], Any]:
    """One element of what a function returns."""
    return lambda x: function(x)[i]


def statistic(name: str, **arguments: Any) -> Callable[[Any], Any]:
    """A method of tensors with arguments."""
    return lambda x: getattr(x, name)(**arguments)


def cross_entropy(*target: Any, **arguments: Any) -> Callable[[Any], Any]:
    """The cross entropy with class indices."""
    return lambda x: F.cross_entropy(x, np.array(target), **arguments)


def soft_cross_entropy(*target: Any, **arguments: Any) -> Callable[[Any], Any]:
    """The cross entropy with class probabilities."""
    return lambda x: F.cross_entropy(x, mg.tensor(np.array(target), dtype=x.dtype), **arguments)


def logits_loss(*target: float, **arguments: Any) -> Callable[[Any], Any]:
    """The binary cross entropy of logits."""
    return lambda x: F.binary_cross_entropy_with_logits(
        x, mg.tensor(np.array(target), dtype=x.dtype), reduction="sum", **arguments
    )


def bce(*target: float) -> Callable[[Any], Any]:
    """The binary cross entropy of probabilities."""
    return lambda p: F.binary_cross_entropy(p, mg.tensor(np.array(target), dtype=p.dtype), reduction="sum")


def of_target(*p: float) -> Callable[[Any], Any]:
    """The binary cross entropy as a function of its target."""
    return lambda t: F.binary_cross_entropy(mg.tensor(np.array(p), dtype=t.dtype), t, reduction="sum")


def evaluated(mean: float, weight: float = 1, bias: float = 0) -> Callable[[Any], Any]:
    """``batch_norm`` in evaluation with variance 0 and eps 0."""

    def function(x: Any) -> Any:
        values = [mg.tensor(np.array([value]), dtype=x.dtype) for value in (mean, 0, weight, bias)]
        return F.batch_norm(x, *values, training=False, eps=0)

    return function


# fmt: off
PYTORCH = rows({
"Kinks and NaN": [
    ("relu at 0, -0., nan", mg.relu, [[0., -0., nan]], [0, 0, nan], [0, 0, 1]),
    ("abs at 0, -0., nan", mg.abs, [[0., -0., nan]], [0, 0, nan], [0, 0, 0]),
    ("sign at 0, 2, nan", mg.sign, [[0., 2., nan]], [0, 1, 0], [0, 0, 0]),
    ("sigmoid at -inf, inf", mg.sigmoid, [[-inf, inf]], [0, 1], [0, 0]),
    ("softplus at -inf, inf, nan", F.softplus, [[-inf, inf, nan]], [0, inf, nan], [0, 1, nan]),
    ("softplus at the threshold 20", F.softplus, [[20.]], [20.000000002061153], [0.9999999979388463]),
    ("softplus, threshold 0, at 0, 2**-9", lambda x: F.softplus(x, threshold=0), [[0., 2.**-9]], [log2, 2.**-9],
     [0.5, 1]),
    ("tanh at inf", mg.tanh, [[inf]], [1], [0]),
],
"Roots, logarithms, powers": [
    ("sqrt at 0", mg.sqrt, [[0.]], [0], [inf]),
    ("sqrt(x*x) at 0", lambda x: mg.sqrt(x * x), [[0.]], [0], [nan]),
    ("log at 0", mg.log, [[0.]], [-inf], [inf]),
    ("x*log(x) at 0", lambda x: x * mg.log(x), [[0.]], [nan], [nan]),
    ("reciprocal at 0", mg.reciprocal, [[0.]], [inf], [-inf]),
    ("x**0. at 0 (number)", power(0.), [[0.]], [1], [0]),
    ("x**0 at nan (number)", power(0), [[nan]], [1], [0]),
    ("x**1. at 0", power(1.), [[0.]], [0], [1]),
    ("x**2. at 0", power(2.), [[0.]], [0], [0]),
    ("x**.5 at 0", power(0.5), [[0.]], [0], [inf]),
    ("x**-1. at 0", power(-1.), [[0.]], [inf], [-inf]),
    ("x**2 at -3 (number)", power(2), [[-3.]], [9], [-6]),
    ("x**3 at -2 (number)", power(3), [[-2.]], [-8], [12]),
    ("pow(0, p) p=0: base, exponent", mg.pow, [[0.], [0.]], [1], [0], [0]),
    ("pow(0, p) p=1", mg.pow, [[0.], [1.]], [0], [1], [0]),
    ("pow(0, p) p=2", mg.pow, [[0.], [2.]], [0], [0], [0]),
    ("pow(0, p) p=-1", mg.pow, [[0.], [-1.]], [inf], [-inf], [-inf]),
    ("pow(-2, p) p=2", mg.pow, [[-2.], [2.]], [4], [-4], [nan]),
    ("pow(-2, p) p=.5", mg.pow, [[-2.], [0.5]], [nan], [nan], [nan]),
    ("0.**p at p=0 (number base)", power_of(0.), [[0.]], [1], [0]),
    ("0.**p at p=2 (number base)", power_of(0.), [[2.]], [0], [0]),
    ("0.**p at p=-1 (number base)", power_of(0.), [[-1.]], [inf], [-inf]),
],
"Maximum, minimum, where": [
    ("maximum(a, b), a == b", mg.maximum, [[1.], [1.]], [1], [0.5], [0.5]),
    ("maximum(inf, inf)", mg.maximum, [[inf], [inf]], [inf], [0.5], [0.5]),
    ("maximum(0., -0.)", mg.maximum, [[0.], [-0.]], [0], [0.5], [0.5]),
    ("maximum(nan, 1)", mg.maximum, [[nan], [1.]], [nan], [1], [1]),
    ("maximum(1, nan)", mg.maximum, [[1.], [nan]], [nan], [1], [1]),
    ("minimum(a, b), a == b", mg.minimum, [[1.], [1.]], [1], [0.5], [0.5]),
    ("minimum(inf, inf)", mg.minimum, [[inf], [inf]], [inf], [0.5], [0.5]),
    ("minimum(nan, 1)", mg.minimum, [[nan], [1.]], [nan], [1], [1]),
    ("minimum(1, nan)", mg.minimum, [[1.], [nan]], [nan], [1], [1]),
    ("max(a, b), a == b", mg.max, [[1.], [1.]], [1], [0.5], [0.5]),
    ("x.max(other) broadcast 0-d tie", lambda x: x.max(mg.tensor(1.)), [[1.]], [1], [0.5]),
    ("where(x > 0, sqrt(x), 0) at -1, 0", lambda x: mg.where(x > 0, mg.sqrt(x), 0), [[-1., 0.]], [0, 0], [nan, nan]),
    ("where(a > b, a, b) at tie", lambda a, b: mg.where(a > b, a, b), [[1.], [1.]], [1], [0], [1]),
],
"Clamp with numbers": [
    ("clamp(x, 0., 1.) at 0, .5, 1, nan", clamped(0., 1.), [[0., 0.5, 1., nan]], [0, 0.5, 1, nan], [0, 1, 0, 0]),
    ("clamp(min=0.) at 0, nan", clamped(0., None), [[0., nan]], [0, nan], [0, 0]),
    ("clamp(max=1.) at 1, nan", clamped(None, 1.), [[1., nan]], [1, nan], [0, 0]),
    ("clamp(0, 1) integer bounds at 0, 1", clamped(0, 1), [[0., 1.]], [0, 1], [0, 0]),
    ("clamp min = max = 1 at 0, 1, 2", clamped(1, 1), [[0., 1., 2.]], [1, 1, 1], [0, 0, 0]),
    ("clamp (-inf, inf) at -inf, inf, 0", clamped(-inf, inf), [[-inf, inf, 0.]], [-inf, inf, 0], [0, 0, 1]),
    ("clamp min 2 > max 1", clamped(2., 1.), [[0., 1., 1.5, 2., 3.]], [1] * 5, [0] * 5),
    ("clamp min nan at 0", clamped(nan, None), [[0.]], [nan], [0]),
],
"Clamp with tensors": [
    ("clamp(x, lo, hi), inside", mg.clamp, [[0.5], [0.], [1.]], [0.5], [1], [0], [0]),
    ("clamp(x, lo, hi), below", mg.clamp, [[-1.], [0.], [1.]], [0], [0], [1], [0]),
    ("clamp(x, lo, hi), x == lo", mg.clamp, [[0.], [0.], [1.]], [0], [0.5], [0.5], [0]),
    ("clamp(x, lo, hi), x == hi", mg.clamp, [[1.], [0.], [1.]], [1], [0.5], [0], [0.5]),
    ("clamp(x, lo, hi), x == lo == hi", mg.clamp, [[1.], [1.], [1.]], [1], [1], [0], [0]),
    ("clamp(x, lo, hi), below, lo == hi", mg.clamp, [[0.], [1.], [1.]], [1], [0], [1], [0]),
    ("clamp(x, lo, hi), above, lo == hi", mg.clamp, [[2.], [1.], [1.]], [1], [0], [0], [1]),
    ("clamp(x, lo, hi), x nan", mg.clamp, [[nan], [0.], [1.]], [nan], [1], [0], [0]),
    ("clamp(x, lo 2, hi 1)", mg.clamp, [[0., 1., 1.5, 2., 3.], [2.] * 5, [1.] * 5], [1] * 5, [0] * 5, [0] * 5, [1] * 5),
    ("clamp(x, min=lo), x == lo", mg.clamp, [[1.], [1.]], [1], [0.5], [0.5]),
    ("clamp(x, min=lo), x nan", mg.clamp, [[nan], [1.]], [nan], [1], [1]),
    ("clamp(x, max=hi), x == hi", lambda x, hi: mg.clamp(x, max=hi), [[1.], [1.]], [1], [0.5], [0.5]),
    ("clamp(x, 0-d lo, 0-d hi) at lo, hi", mg.clamp, [[0., 1.], 0., 1.], [0, 1], [0.5, 0.5], 0.5, 0.5),
],
"Largest and smallest elements": [
    ("x.max()", mg.max, [[2., 2., 1.]], 2, [0.5, 0.5, 0]),
    ("x.min()", mg.min, [[1., 1., 2.]], 1, [0.5, 0.5, 0]),
    ("amax()", mg.amax, [[2., 2., 1.]], 2, [0.5, 0.5, 0]),
    ("amin()", mg.amin, [[1., 1., 2.]], 1, [0.5, 0.5, 0]),
    ("amax(0)", statistic("amax", dim=0), [[2., 2., 1.]], 2, [0.5, 0.5, 0]),
    ("max(0).values", lambda x: x.max(0).values, [[2., 2., 1.]], 2, [1, 0, 0]),
    ("min(0).values", lambda x: x.min(0).values, [[1., 1., 2.]], 1, [1, 0, 0]),
    ("amax with nan, nan", mg.amax, [[nan, 1., nan]], nan, [nan, nan, nan]),
    ("max(0).values with nan, nan", lambda x: x.max(0).values, [[1., nan, nan]], nan, [0, 1, 0]),
    ("x.max() of inf, inf", mg.max, [[inf, inf, 0.]], inf, [0.5, 0.5, 0]),
    ("x.max() with nan, nan", mg.max, [[nan, 1., nan]], nan, [0.5, 0, 0.5]),
    ("x.min() with nan, nan", mg.min, [[nan, 1., nan]], nan, [0.5, 0, 0.5]),
],
"Softmax and its like": [
    ("logsumexp of -inf, 0", first(lambda x: mg.logsumexp(x, 1)), [[[-inf, 0.]]], 0, [[0, 1]]),
    ("logsumexp of inf, inf", lambda x: mg.logsumexp(x, 0), [[inf, inf]], inf, [nan, nan]),
    ("softmax of -inf -inf [0]", first(lambda x: mg.softmax(x, 0)), [[-inf, -inf]], nan, [nan, nan]),
    ("softmax of inf, 0", lambda x: mg.softmax(x, 0), [[inf, 0.]], [nan, nan], [nan, nan]),
    ("log_softmax of inf, 0", lambda x: mg.log_softmax(x, 0), [[inf, 0.]], [nan, nan], [nan, nan]),
    ("log_softmax of -inf, 0 [1]", first(lambda x: mg.log_softmax(x, 0), 1), [[-inf, 0.]], 0, [0, 0]),
    ("softmax of -inf, 0 [1]", first(lambda x: mg.softmax(x, 0), 1), [[-inf, 0.]], 1, [0, 0]),
],
"Products, variances": [
    ("prod of 0 2 3", mg.prod, [[0., 2., 3.]], 0, [6, 0, 0]),
    ("prod of 0 0 3", mg.prod, [[0., 0., 3.]], 0, [0, 0, 0]),
    ("prod(0) of 0 2 3", statistic("prod", dim=0), [[0., 2., 3.]], 0, [6, 0, 0]),
    ("prod of 0 nan", mg.prod, [[0., nan]], nan, [nan, 0]),
    ("prod of 0 inf", mg.prod, [[0., inf]], nan, [inf, 0]),
    ("std(correction=0) of 1", statistic("std", correction=0), [[1.]], 0, [0]),
    ("std(correction=0) of 2 2", statistic("std", correction=0), [[2., 2.]], 0, [0, 0]),
    ("std() of 1 (correction 1)", statistic("std"), [[1.]], nan, [nan]),
    ("std(correction=3) of 1 2", statistic("std", correction=3), [[1., 2.]], inf, [nan, nan]),
    ("var() of 1 (correction 1)", statistic("var"), [[1.]], nan, [nan]),
    ("var(correction=0) of 1", statistic("var", correction=0), [[1.]], 0, [0]),
    ("var(correction=3) of 1 2", statistic("var", correction=3), [[1., 2.]], inf, [inf, inf]),
    ("mean of nothing", mg.mean, [[]], nan, []),
],
"Distances": [
    *((f"cdist of equal rows, p={p}", distance(p), [[[1., 2.]], [[1., 2.]]], [[0]], [[0, 0]], [[0, 0]])
      for p in (0, 0.5, 1, 1.5, 2, 3, inf)),
    *((f"cdist with one equal element, p={p}", distance(p), [[[0., 3.]], [[0., 0.]]], [[3]], [[0, 1]], [[0, -1]])
      for p in (0.5, 1, 1.5, 2, 3, inf)),
    ("cdist with one equal element, p=0", distance(0), [[[0., 3.]], [[0., 0.]]], [[1]], [[0, 0]], [[0, 0]]),
    ("cdist, two largest differences, p=inf", distance(inf), [[[2., -2., 1.]], [[0., 0., 0.]]], [[2]], [[1, -1, 0]],
     [[-1, 1, 0]]),
    ("pdist of equal rows", mg.pdist, [[[1., 2.], [1., 2.]]], [0], [[0, 0], [0, 0]]),
    ("pdist, two largest differences, p=inf", lambda x: mg.pdist(x, inf), [[[2., -2., 1.], [0., 0., 0.], [0., 0., 1.]]],
     [2, 2, 1], [[2, -2, 0], [-1, 1, -1], [-1, 1, 1]]),
    ("addmm with beta 0, of nan", lambda x: mg.addmm(x, mg.eye(1, dtype=x.dtype), mg.eye(1, dtype=x.dtype), beta=0),
     [[[nan]]], [[1]], [[0]]),
],
"Losses": [
    ("l1_loss at equal", F.l1_loss, [[1.], [1.]], 0, [0], [0]),
    ("l1_loss at nan", F.l1_loss, [[nan], [1.]], nan, [0], [0]),
    ("bce p=0 t=0; p=0 t=1; p=1 t=1; p=1 t=0", bce(0, 1, 1, 0), [[0., 0., 1., 1.]], 200, [0, -1e12, 0, 1e12]),
    ("bce: gradient of target at p=0, p=1", of_target(0, 1), [[1., 1.]], 100, [inf, -inf]),
    ("bce_with_logits at 0", logits_loss(1), [[0.]], log2, [-0.5]),
    ("bce_with_logits at inf t=0", logits_loss(0), [[inf]], inf, [1]),
    ("cross_entropy of inf logit, class 0", cross_entropy(0), [[[inf, 0.]]], nan, [[nan, nan]]),
    ("cross_entropy of inf logit, weights", cross_entropy(0, weight=[3., 1.]), [[[inf, 0.]]], nan, [[nan, nan]]),
    ("cross_entropy of -inf logit elsewhere", cross_entropy(0), [[[0., -inf]]], 0, [[0, 0]]),
    ("cross_entropy all ignored", cross_entropy(-100), [[[0., 1.]]], nan, [[0, 0]]),
],
"Batch normalisation": [
    ("batch_norm train constant column [0]", first(lambda x: F.batch_norm(x, None, None, training=True)[:, 0]),
     [[[2.]] * 4], 0, [[0.75 * steep]] + [[-0.25 * steep]] * 3),
]})

MATHEMATICS = rows({
"Of only `-inf`, `logsumexp` has the gradient of the limit, 0; of a single `inf`, only that counts. "
"PyTorch's gradients are NaN.": [
    ("logsumexp of -inf -inf", lambda x: mg.logsumexp(x, 0), [[-inf, -inf]], -inf, [0, 0]),
    ("logsumexp of inf, 0", lambda x: mg.logsumexp(x, 0), [[inf, 0.]], inf, [1, 0]),
    ("logsumexp of inf, -inf", lambda x: mg.logsumexp(x, 0), [[inf, -inf]], inf, [1, 0]),
    ("logsumexp of rows", lambda x: mg.logsumexp(x, 1, keepdim=True), [[[-inf, -inf], [inf, 0.], [0., 0.]]],
     [[-inf], [inf], [log2]], [[0, 0], [1, 0], [0.5, 0.5]]),
],
"A soft target of 0 at a logit of `-inf` adds 0. PyTorch's loss is NaN.": [
    ("cross_entropy, soft target 0 at -inf", soft_cross_entropy([1, 0]), [[[0., -inf]]], 0, [[0, 0]]),
    ("cross_entropy, soft targets, one at -inf", soft_cross_entropy([0.5, 0.5, 0]), [[[0., 0., -inf]]], log2,
     [[0, 0, 0]]),
],
"An ignored row adds nothing, whatever its logits. PyTorch's `cross_entropy` has NaN in its gradient.": [
    ("cross_entropy, ignored row of -inf", cross_entropy(0, -100), [[[0., 0.], [-inf, -inf]]], log2,
     [[-0.5, 0.5], [0, 0]]),
    ("cross_entropy, ignored row of nan", cross_entropy(0, -100), [[[0., 0.], [nan, inf]]], log2,
     [[-0.5, 0.5], [0, 0]]),
    ("cross_entropy, ignored row, sum", cross_entropy(0, -100, reduction="sum"), [[[0., 0.], [-inf, -inf]]], log2,
     [[-0.5, 0.5], [0, 0]]),
    ("cross_entropy, ignored row, none", cross_entropy(0, -100, reduction="none"), [[[0., 0.], [-inf, -inf]]],
     [log2, 0], [[-0.5, 0.5], [0, 0]]),
    ("cross_entropy, ignored row, weights", cross_entropy(0, -100, weight=[3., 1.]),
     [[[0., 0.], [-inf, -inf]]], log2, [[-0.5, 0.5], [0, 0]]),
    ("cross_entropy, ignored row, smoothing", cross_entropy(0, -100, label_smoothing=0.5),
     [[[0., 0.], [-inf, -inf]]], log2, [[-0.25, 0.25], [0, 0]]),
    ("cross_entropy, ignored class 1, weights and smoothing",
     cross_entropy(0, 1, ignore_index=1, weight=[1., 1.], label_smoothing=0.5),
     [[[0., 0.], [-inf, -inf]]], log2, [[-0.25, 0.25], [0, 0]]),
    ("cross_entropy (N, C, L), ignored place", cross_entropy([0, -100]), [[[[0., -inf], [0., -inf]]]], log2,
     [[[-0.5, 0], [0.5, 0]]]),
    ("cross_entropy (C,), ignored", lambda x: F.cross_entropy(x, -100, reduction="sum"), [[-inf, -inf]], 0, [0, 0]),
    ("nll_loss, ignored row of -inf", lambda x: F.nll_loss(x, np.array([0, -100])), [[[-1., -1.], [-inf, -inf]]], 1,
     [[-1, 0], [0, 0]]),
],
"A logit that is as sure as can be of its target adds 0, at any other target `inf`. PyTorch's loss is NaN.": [
    ("bce_with_logits at inf t=1, -inf t=0", logits_loss(1, 0), [[inf, -inf]], 0, [0, 0]),
    ("bce_with_logits with pos_weight at inf t=1, -inf t=0", logits_loss(1, 0, pos_weight=3.),
     [[inf, -inf]], 0, [0, 0]),
    ("bce_with_logits at inf t=.5, -inf t=.5", logits_loss(0.5, 0.5), [[inf, -inf]], inf, [0.5, -0.5]),
],
"A product is accurate even if that of some of its factors is too small or too large for the dtype, here float32. "
"PyTorch's can be 0 then, and its gradient too.": [
    ("prod of tiny factors", mg.prod, [[1e-30, 1e-30, 3.]], 3e-60, [3e-30, 3e-30, 1e-60]),
    ("prod of tiny and huge factors", mg.prod, [[2.**-100, 2.**-100, 2.**100, 2.**100]], 1,
     [2.**100, 2.**100, 2.**-100, 2.**-100]),
    ("prod of many tiny and huge factors", mg.prod, [[2.**-120] * 99 + [2.**120] * 99], 1,
     [2.**120] * 99 + [2.**-120] * 99),
    ("prod of halves", mg.prod, [[0.5] * 2000 + [2.] * 2000], 1, [2] * 2000 + [0.5] * 2000),
],
"In evaluation with variance 0 and eps 0, `batch_norm` is the limit of a variance that goes to 0. PyTorch gives NaN.": [
    ("batch_norm eval, variance 0, eps 0", evaluated(1., 2., 3.), [[[0.], [1.], [2.]]], [[-inf], [3], [inf]],
     [[inf], [inf], [inf]]),
    ("batch_norm eval, variance 0, eps 0: weight", lambda w: F.batch_norm(
        mg.tensor([[1.], [1.]], dtype=w.dtype), *(mg.tensor([v], dtype=w.dtype) for v in (1., 0.)), w, eps=0,
     ), [[2.]], [[0], [0]], [0]),
]})
# fmt: on
