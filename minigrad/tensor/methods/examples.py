"""Examples of methods in place, and how they are made of those of operations."""

from __future__ import annotations

import inspect
import re

from ...engine.op import docstring

EXAMPLES = {
    "addmm": "mg.ones(2, 2).addmm_(mg.ones(2, 4), mg.ones(4, 2), alpha=0.5) -> tensor([[3., 3.],\n        [3., 3.]])",
    "atan2": "mg.tensor([1.0, -1.0]).atan2_(mg.tensor([-1.0, -1.0])) -> tensor([ 2.3562, -2.3562])",
    "baddbmm": "mg.ones(5, 2, 2).baddbmm_(mg.ones(5, 2, 3), mg.ones(5, 3, 2))[0] -> tensor([[4., 4.],\n"
    "        [4., 4.]])",
    "eq": "mg.tensor([1.0, 2.0, mg.nan]).eq_(mg.tensor([1.0, 3.0, mg.nan])) -> tensor([1., 0., 0.])",
    "erfc": "mg.tensor([0.0, 5.0]).erfc_() -> tensor([1.0000e+00, 1.5375e-12])",
    "expm1": "mg.tensor([0.0, 1e-8]).expm1_() -> tensor([0.0000e+00, 1.0000e-08])",
    "fill_diagonal": "mg.zeros(2, 3).fill_diagonal_(7) -> tensor([[7., 0., 0.],\n        [0., 7., 0.]])",
    "float_power": "mg.tensor([2.0, 3.0]).float_power_(-1) -> tensor([0.5000, 0.3333])",
    "ge": "mg.tensor([1.0, 2.0, 3.0]).ge_(2) -> tensor([0., 1., 1.])",
    "gt": "mg.tensor([1.0, 2.0, 3.0]).gt_(2) -> tensor([0., 0., 1.])",
    "le": "mg.tensor([1.0, 2.0, 3.0]).le_(2) -> tensor([1., 1., 0.])",
    "log1p": "mg.tensor([0.0, 1e-8]).log1p_() -> tensor([0.0000e+00, 1.0000e-08])",
    "logical_and": "mg.tensor([2.0, 2.0, 0.0]).logical_and_(mg.tensor([1, 0, 0])) -> tensor([1., 0., 0.])",
    "logical_not": "mg.tensor([0.0, 0.5, mg.nan]).logical_not_() -> tensor([1., 0., 0.])",
    "logical_or": "mg.tensor([2.0, 2.0, 0.0]).logical_or_(mg.tensor([1, 0, 0])) -> tensor([1., 1., 0.])",
    "logical_xor": "mg.tensor([2.0, 2.0, 0.0]).logical_xor_(mg.tensor([1, 0, 0])) -> tensor([0., 1., 0.])",
    "lt": "mg.tensor([1.0, 2.0, 3.0]).lt_(2) -> tensor([1., 0., 0.])",
    "mul": "mg.tensor([1.0, 2.0]).mul_(mg.tensor([10.0, 100.0])) -> tensor([ 10., 200.])",
    "ne": "mg.tensor([1.0, 2.0, mg.nan]).ne_(mg.tensor([1.0, 3.0, mg.nan])) -> tensor([0., 1., 1.])",
    "nextafter": "mg.tensor(1.0).nextafter_(mg.tensor(2.0)) - 1 -> tensor(1.1921e-07)",
    "polygamma": "mg.tensor([1.0, 10.0]).polygamma_(1) -> tensor([1.6449, 0.1052])",
    "pow": "mg.tensor([2.0, 3.0]).pow_(mg.tensor([3.0, -1.0])) -> tensor([8.0000, 0.3333])",
    "reciprocal": "mg.tensor([2.0, -4.0]).reciprocal_() -> tensor([ 0.5000, -0.2500])",
}
"""By operations whose own example cannot be done in place, or has another result then."""
FIRST_OPERAND = r"(\w+(?:\.\w+\([^()]*\))?)(?:, |(?=\)))"


def with_example(about: str, operation: str, text: str, method: str) -> str:
    """The documentation of a method in place of an operation that is documented by ``text``."""
    if operation in EXAMPLES:
        return docstring(operation, about, EXAMPLES[operation])
    _, prompt, example = inspect.cleandoc(text).partition(">>> ")
    call = rf"\b(?:mg|F)\.{operation}\({FIRST_OPERAND}"
    return f"{about}\n\n{prompt}" + re.sub(call, rf"\1.{method}(", example) if prompt else about
