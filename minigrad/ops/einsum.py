"""``einsum`` and ``tensordot``: products of tensors, summed over labelled axes.

Every operand is first brought to a form in which each of its labels is in another operand or in the result, too:
diagonals are taken, axes of length 1 that broadcast go away, labels of its own are summed over. Two operands at a time
are then multiplied, in the order that takes the fewest multiplications.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, describe
from .arguments import integers, one_axis, shape_of
from .contraction import contraction, unless_sorted
from .indexing import taken
from .reductions import summed
from .shapes import permuted, reshaped

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["einsum", "tensordot"]

ELLIPSIS = "..."
FIRST_OF_ELLIPSIS = ord("α")
"""The label of the last axis of an ellipsis; those in front of it have the letters behind."""

FEW_OPERANDS = 5
"""Operands of which all orders are compared, once for each equation and shapes."""

Pair = tuple[int, int, str]
"""Which two terms are multiplied, and how."""


class Preparation(NamedTuple):
    """What is done with one operand alone."""

    diagonals: tuple[tuple[int, tuple[int, ...]], ...]
    """For each diagonal how many axes it is of, and the order that brings them to the front."""
    shape: tuple[int, ...] | None
    """The shape without axes that broadcast, if there are any."""
    axes: tuple[int, ...]
    """The axes that are summed over."""


NOTHING = Preparation((), None, ())


class Recipe(NamedTuple):
    """How a product is computed: each operand alone, two at a time, the order of the result's axes."""

    alone: tuple[Preparation | None, ...]
    pairs: tuple[Pair, ...]
    order: tuple[int, ...] | None


# -- equations ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1024)
def recipe_of(equation: str, shapes: tuple[tuple[int, ...], ...]) -> Recipe:
    """How ``einsum`` of operands of these shapes is computed."""
    inputs, output = parsed(equation, tuple(map(len, shapes)))
    return recipe(inputs, output, shapes)


def parsed(equation: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The labels of each operand and of the result, those of an ellipsis among them."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    for term in [*terms, right]:
        wrong = [c for c in term.replace(ELLIPSIS, "", 1) if not (c.isascii() and c.isalpha())]
        if wrong:
            raise InvalidValueError(
                f"einsum: {wrong[0]!r} is no label in {equation!r}: labels are letters, operands are separated by "
                "commas, '->' is in front of the result, '...' is there once in an operand."
            )
    if len(terms) != len(ranks):
        raise InvalidValueError(
            f"einsum: {equation!r} is of {len(terms)} operands, got {len(ranks)}: one for each part between commas."
        )
    inputs = tuple(map(with_ellipsis, terms, ranks, itertools.repeat(equation)))
    hidden = max([rank - len(term.replace(ELLIPSIS, "")) for term, rank in zip(terms, ranks)] + [0])
    of_ellipsis = ellipsis(hidden) if ELLIPSIS in left else ""
    if not arrow:
        letters = left.replace(ELLIPSIS, "").replace(",", "")
        return inputs, of_ellipsis + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    output = right.replace(ELLIPSIS, of_ellipsis)
    for label in output:
        if output.count(label) > 1:
            raise InvalidValueError(f"einsum: the result of {equation!r} has the label {label!r} twice.")
        if not any(label in labels for labels in inputs):
            raise InvalidValueError(f"einsum: the label {label!r} of the result is in no operand of {equation!r}.")
    return inputs, output


def ellipsis(n: int) -> str:
    """The labels of the ``n`` axes of an ellipsis: they count from the last one, as axes that broadcast do."""
    return "".join(chr(FIRST_OF_ELLIPSIS + i) for i in reversed(range(n)))


def with_ellipsis(term: str, rank: int, equation: str) -> str:
    """The labels of an operand of this rank."""
    hidden = rank - len(term.replace(ELLIPSIS, ""))
    if hidden < 0 or (hidden and ELLIPSIS not in term):
        raise InvalidValueError(
            f"einsum: {term!r} of {equation!r} does not fit a tensor of {rank} dimensions: a label for each of its axes"
            f"{', or an ellipsis, ' + repr('...' + term) if hidden > 0 else ''}."
        )
    return term.replace(ELLIPSIS, ellipsis(hidden))


def lengths_of(inputs: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The length of each label: axes of length 1 broadcast, but not in a diagonal."""
    lengths: dict[str, int] = {}
    for labels, shape in zip(inputs, shapes):
        own: dict[str, int] = {}
        for label, n in zip(labels, shape):
            known = lengths.get(label, 1)
            if own.setdefault(label, n) != n or (1 not in (n, known) and n != known):
                raise InvalidValueError(
                    f"einsum: an axis {'of an ellipsis' if label >= 'α' else repr(label)} has lengths "
                    f"{own[label] if own[label] != n else known} and {n} in operands of shapes "
                    f"{', '.join(map(str, shapes))}: a label has one length."
                )
            lengths[label] = n if known == 1 else known
    return lengths


# -- how it is computed ------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1024)
def recipe(inputs: tuple[str, ...], output: str, shapes: tuple[tuple[int, ...], ...]) -> Recipe:
    """How the product of operands of these labels and shapes is computed."""
    lengths = lengths_of(inputs, shapes)
    kept = [
        "".join(label for label, n in zip(labels, shape) if n == lengths[label])
        for labels, shape in zip(inputs, shapes)
    ]
    todo, terms = [], []
    for i, (labels, shape) in enumerate(zip(inputs, shapes)):
        needed = {*output, *"".join(kept[:i] + kept[i + 1 :])}
        preparation, labels = prepared(labels, shape, kept[i], needed)
        todo.append(preparation if preparation != NOTHING else None)
        terms.append(labels)
    _, pairs = best_order(tuple(terms), output, lengths)
    last = terms[0] if not pairs else output
    return Recipe(tuple(todo), pairs, unless_sorted([last.index(label) for label in output]))


def prepared(labels: str, shape: tuple[int, ...], kept: str, needed: set[str]) -> tuple[Preparation, str]:
    """What is done with an operand alone, and the labels it then has."""
    diagonals = []
    lengths = dict(zip(labels, shape))
    for label in dict.fromkeys(labels):
        if labels.count(label) > 1:
            own = tuple(i for i, other in enumerate(labels) if other == label)
            rest = tuple(i for i, other in enumerate(labels) if other != label)
            diagonals.append((len(own), own + rest))
            labels = label + labels.replace(label, "")
    shortened = tuple(lengths[label] for label in labels if label in kept)
    labels, is_shorter = "".join(label for label in labels if label in kept), len(shortened) < len(labels)
    axes = tuple(i for i, label in enumerate(labels) if label not in needed)
    preparation = Preparation(tuple(diagonals), shortened if is_shorter else None, axes)
    return preparation, "".join(label for label in labels if label in needed)


def best_order(terms: tuple[str, ...], output: str, lengths: dict[str, int]) -> tuple[int, tuple[Pair, ...]]:
    """How many multiplications it takes, and which two terms are multiplied each time; the product comes last then.

    All orders of a few operands are compared; of more the two that take the fewest multiplications come first.
    """
    if len(terms) == 1:
        return 0, ()
    steps = []
    for i, j in itertools.combinations(range(len(terms)), 2):
        rest = terms[:i] + terms[i + 1 : j] + terms[j + 1 :]
        both = dict.fromkeys(terms[i] + terms[j])
        labels = "".join(label for label in both if label in output or label in "".join(rest)) if rest else output
        cost = math.prod(lengths[label] for label in both)
        steps.append((cost, (i, j, f"{terms[i]},{terms[j]}->{labels}"), (*rest, labels)))
    found = []
    for cost, pair, after in steps if len(terms) <= FEW_OPERANDS else [min(steps)]:
        more, pairs = best_order(after, output, lengths)
        found.append((cost + more, (pair, *pairs)))
    return min(found)


def letters(n: int) -> str:
    """Labels of ``n`` axes."""
    return "".join(chr(ord("a") + i) for i in range(n))


def diagonal(x: Any, count: int, order: tuple[int, ...]) -> Any:
    """The diagonal of the axes that come first in the order, which have one length, as the first axis."""
    n = x.shape[order[0]]
    x = permuted(x, order)
    x = reshaped(x, (n**count, *x.shape[count:]))
    return taken(x, (slice(None, None, sum(n**i for i in range(count)) if n else 1),))


def product_of(inputs: tuple[str, ...], output: str, operands: Sequence[Any]) -> Any:
    """The product of operands with these labels."""
    return multiplied(recipe(inputs, output, tuple([shape_of(x) for x in operands])), operands)


def multiplied(how: Recipe, operands: Sequence[Any]) -> Any:
    """The product of operands as a recipe says."""
    terms = [alone(x, todo) if todo else x for x, todo in zip(operands, how.alone)]
    for i, j, labels in how.pairs:
        b, a = terms.pop(j), terms.pop(i)
        terms.append(contraction(a, b, labels))
    (y,) = terms
    if how.order is None and y is not operands[0]:
        return y
    return permuted(y, how.order or tuple(range(len(shape_of(y)))))  # a view, as in PyTorch


def alone(x: Any, todo: Preparation) -> Any:
    """An operand as it is multiplied."""
    for count, order in todo.diagonals:
        x = diagonal(x, count, order)
    x = x if todo.shape is None else reshaped(x, todo.shape)
    return summed(x, todo.axes, False) if todo.axes else x


# -- what users call -----------------------------------------------------------------------------------


@public("function", {np.einsum: lambda f, subscripts, *operands: f(subscripts, *operands)})
def einsum(equation: str, *operands: Any) -> Tensor:
    """The products of the operands' elements, summed over the labels that the result has not.

    Args:
        equation: labels of the axes of each operand, letters, and behind ``->`` those of the result: ``"ij,jk->ik"`` is
            the product of matrices, ``"ii->i"`` the diagonal. Without ``->`` the result has, in alphabetical order,
            the labels that are there once. ``...`` stands for any number of axes, which broadcast; so do axes of
            length 1. Blanks do not count.
        *operands: the tensors, or one list of them.

    Several operands are multiplied two at a time, in the order that takes the fewest multiplications; of more than
    five the cheapest two come first.

    Raises:
        ValueError: for an equation that is none, or does not fit the shapes.
        TypeError: for operands that are no tensors, or of two float dtypes.

    >>> a, b = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> mg.einsum("ij,jk->ik", a, b)
    tensor([[3., 2.],
            [7., 4.]])
    >>> mg.einsum("ii", a)
    tensor(5.)
    """
    if not isinstance(equation, str):
        raise InvalidTypeError(
            f"einsum: expected an equation and operands, einsum('ij,jk->ik', a, b), got {describe(equation)} first."
        )
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    result: Tensor = multiplied(recipe_of(equation, tuple([shape_of(x) for x in operands])), operands)
    return result


@public("function", {np.tensordot: lambda f, a, b, axes=2: f(a, b, axes)})
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """The product of two tensors, summed over pairs of their axes.

    Args:
        a, b: the tensors.
        dims: how many of the last axes of ``a`` and of the first of ``b``; or two lists, the axes of ``a`` and those of
            ``b`` they are paired with.

    The result has the other axes of ``a``, and behind them those of ``b``. An axis of length 1 broadcasts.

    >>> mg.tensordot(mg.ones(2, 3, 4), mg.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    (2, 5)
    """
    rank_a, rank_b = len(shape_of(a)), len(shape_of(b))
    of_a, of_b = paired_axes(a, b, dims)
    for i, j in zip(of_a, of_b):
        if a.shape[i] != b.shape[j] and 1 not in (a.shape[i], b.shape[j]):
            raise InvalidValueError(
                f"tensordot: axis {i} of {tuple(a.shape)} and axis {j} of {tuple(b.shape)} are summed over together, "
                "so their lengths must be equal: name the pairs, dims=([...], [...])."
            )
    labels = letters(rank_a + rank_b)
    labels_a, labels_b = labels[:rank_a], list(labels[rank_a:])
    for i, j in zip(of_a, of_b):
        labels_b[j] = labels_a[i]
    rest_a = "".join(label for i, label in enumerate(labels_a) if i not in of_a)
    rest_b = "".join(label for j, label in enumerate(labels_b) if j not in of_b)
    result: Tensor = product_of((labels_a, "".join(labels_b)), rest_a + rest_b, (a, b))
    return result


def paired_axes(a: Any, b: Any, dims: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of ``a`` and of ``b`` that are summed over together."""
    rank_a, rank_b = len(a.shape), len(b.shape)
    dims = dims.array.tolist() if isinstance(dims, Variable) else dims
    if not isinstance(dims, (list, tuple)):
        (n,) = integers("tensordot: dims, or each of its two lists,", (dims,))
        if not 0 <= n <= min(rank_a, rank_b):
            raise InvalidValueError(
                f"tensordot: dims={n} is not from 0 to {min(rank_a, rank_b)}, the axes that both {tuple(a.shape)} and "
                f"{tuple(b.shape)} have."
            )
        return tuple(range(rank_a - n, rank_a)), tuple(range(n))
    if len(dims) != 2 or not all(isinstance(x, (list, tuple)) for x in dims) or len(dims[0]) != len(dims[1]):
        raise InvalidValueError(f"tensordot: dims must be a number or two lists of one length, got {dims!r}.")
    of_a, of_b = (tuple(one_axis(i, rank) for i in own) for own, rank in zip(dims, (rank_a, rank_b)))
    if len(set(of_a)) < len(of_a) or len(set(of_b)) < len(of_b):
        raise InvalidValueError(f"tensordot: dims {dims!r} name an axis twice.")
    return of_a, of_b
