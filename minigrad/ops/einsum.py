"""Einstein's sums: products of tensors whose axes have names, summed over those that are not in the result."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..engine.dtypes import refuse_two_floats
from ..engine.errors import InvalidValueError
from ..engine.faces import public
from .arguments import shape_of
from .arithmetic import mul
from .diagonals import diagonal
from .products import product
from .reductions import sum as sum_along
from .shapes import permuted, reshaped, squeeze

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["einsum"]

Labels = tuple[Any, ...]
"""A name for each axis: a letter, or a negative number for one that an ellipsis stands for."""


@public("function")
def einsum(equation: str, *operands: Any) -> Tensor:
    """The sum of products that an equation names, as ``np.einsum``.

    Args:
        equation: a letter for each axis of each operand, and behind ``->`` those of the result; without it, those that
            are there once, in alphabetical order. A letter twice in one operand is its diagonal; ``...`` stands for
            axes that broadcast.
        *operands: the tensors, or one list of them. They are multiplied from left to right.

    >>> a, b = mg.tensor([[1.0, 2.0], [3.0, 4.0]]), mg.tensor([1.0, 10.0])
    >>> mg.einsum("ij,j->i", a, b), mg.einsum("ii", a)
    (tensor([21., 43.]), tensor(5.))
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    shapes = [shape_of(x) for x in operands]
    inputs, output = parsed(equation, shapes)
    refuse_two_floats("einsum", [f"operand {i}" for i in range(len(operands))], operands)
    lengths = lengths_of(inputs, shapes)
    factors = [prepared(x, labels, lengths) for x, labels in zip(operands, inputs)]
    y, labels = factors[0]
    for i, (x, others) in enumerate(factors[1:], 2):
        kept = {*output, *(label for _, later in factors[i:] for label in later)}
        y, labels = multiplied(y, labels, x, others, kept)
    y, labels = summed(y, labels, output)
    return permuted(y, tuple(labels.index(label) for label in output)) if labels != output else y


def parsed(equation: str, shapes: Sequence[tuple[int, ...]]) -> tuple[list[Labels], Labels]:
    """The names of the axes of each operand, and those of the result."""
    if not isinstance(equation, str):
        raise InvalidValueError(
            f"einsum: the equation must be text, got {type(equation).__name__}: einsum('ij,jk', a, b)."
        )
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes) or not shapes:
        raise InvalidValueError(f"einsum: {equation!r} names {len(terms)} operands, got {len(shapes)}.")
    inputs = [named(equation, term, shape) for term, shape in zip(terms, shapes)]
    in_ellipsis = sorted({label for labels in inputs for label in labels if isinstance(label, int)})
    letters = "".join(terms).replace(".", "")
    if arrow:
        before, dots, behind = right.partition("...")
        output: Labels = (*before, *(in_ellipsis if dots else ()), *behind)
    else:
        output = (*in_ellipsis, *sorted(letter for letter in letters if letters.count(letter) == 1))
    wrong = [label for label in output if label not in {*in_ellipsis, *letters} or output.count(label) > 1]
    if wrong:
        raise InvalidValueError(
            f"einsum: {equation!r}: {wrong[0]!r} must be in an operand, and in the result only once."
        )
    return inputs, output


def named(equation: str, term: str, shape: tuple[int, ...]) -> Labels:
    """A name for each axis of an operand."""
    before, dots, behind = term.partition("...")
    if any(letter not in string.ascii_letters for letter in before + behind):
        raise InvalidValueError(f"einsum: {equation!r}: an axis is named by a letter.")
    rest = len(shape) - len(before) - len(behind)
    if rest < 0 or (rest and not dots):
        raise InvalidValueError(f"einsum: {equation!r}: {term!r} does not name the {len(shape)} axes of {shape}.")
    return (*before, *range(-rest, 0), *behind)


def lengths_of(inputs: list[Labels], shapes: Sequence[tuple[int, ...]]) -> dict[Any, int]:
    """The length that an axis of each name has; those of length 1 broadcast."""
    lengths: dict[Any, int] = {}
    for labels, shape in zip(inputs, shapes):
        for label, n in zip(labels, shape):
            known = lengths.get(label, 1)
            if 1 not in (n, known) and n != known:
                name = "an axis of ..." if isinstance(label, int) else label
                raise InvalidValueError(f"einsum: {name} has lengths {known} and {n} in {', '.join(map(str, shapes))}.")
            lengths[label] = known if n == 1 else n
    return lengths


def prepared(x: Any, labels: Labels, lengths: dict[Any, int]) -> tuple[Any, Labels]:
    """An operand whose axes have different names: diagonals are taken, and axes that broadcast are dropped."""
    for label in set(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            x, labels = diagonal(x, 0, i, j), (*labels[:i], *labels[i + 1 : j], *labels[j + 1 :], label)
    dropped = [i for i, label in enumerate(labels) if x.shape[i] != lengths[label]]
    if dropped:
        x = squeeze(x, dropped)
        labels = tuple(label for i, label in enumerate(labels) if i not in dropped)
    return x, labels


def summed(x: Any, labels: Labels, kept: Any) -> tuple[Any, Labels]:
    """The sum over the axes whose names are not kept."""
    axes = tuple(i for i, label in enumerate(labels) if label not in kept)
    return (sum_along(x, axes), tuple(label for label in labels if label in kept)) if axes else (x, labels)


def multiplied(a: Any, of_a: Labels, b: Any, of_b: Labels, kept: set[Any]) -> tuple[Any, Labels]:
    """The product of two operands, summed over what only they have: a product of batches of matrices."""
    a, of_a = summed(a, of_a, {*kept, *of_b})
    b, of_b = summed(b, of_b, {*kept, *of_a})
    batch = [label for label in of_a if label in of_b and label in kept]
    common = [label for label in of_a if label in of_b and label not in kept]
    rows = [label for label in of_a if label not in of_b]
    columns = [label for label in of_b if label not in of_a]
    lengths = dict(zip((*of_a, *of_b), (*a.shape, *b.shape)))
    sizes = [math.prod(lengths[label] for label in group) for group in (batch, rows, common, columns)]
    left = reshaped(permuted(a, tuple(map(of_a.index, (*batch, *rows, *common)))), (sizes[0], sizes[1], sizes[2]))
    right = reshaped(permuted(b, tuple(map(of_b.index, (*batch, *common, *columns)))), (sizes[0], sizes[2], sizes[3]))
    y = product(left, right) if common else mul(left, right)
    labels = (*batch, *rows, *columns)
    return reshaped(y, tuple(lengths[label] for label in labels)), labels
