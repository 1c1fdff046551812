"""Parameter groups that keep weight decay off normalisation and biases."""

from __future__ import annotations

from typing import Any

from ..engine.arguments import a_type
from ..engine.errors import InvalidTypeError
from ..nn.module import Module


def param_groups(model: Module, weight_decay: float = 0.01) -> list[dict[str, Any]]:
    """The parameters of a model in two groups: those that decay, and those that do not.

    Weights of one axis do not decay, so no bias and no gamma or beta of a normalisation, nor does any parameter of a
    module whose class, or a class that it derives from, has "Norm" in its name. Decay of gamma changes no more than
    the learning rate of the layer in front of it, and decay of beta moves the mean that the layer has just set.

    Args:
        model: the module; a parameter that stands in it twice is listed once, where it is met first.
        weight_decay: of the first group; the second has 0.

    Returns:
        Groups for any optimiser, with ``params`` as pairs of name and parameter; a group without parameters is left
        out.

    Raises:
        TypeError: for what is no module.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    >>> optimizer = optim.AdamW(optim.param_groups(model, weight_decay=0.1))
    >>> [(group["weight_decay"], group["param_names"]) for group in optimizer.param_groups]
    [(0.1, ['0.weight', '2.weight']), (0, ['0.bias', '1.weight', '1.bias', '2.bias'])]
    """
    if not isinstance(model, Module):
        raise InvalidTypeError(f"param_groups expects a module, got {a_type(model)}.")
    decaying: dict[str, Any] = {}
    for path, module in model.named_modules():
        if not is_normalisation(module):
            decaying |= {f"{path}.{name}".lstrip("."): p for name, p in module.named_parameters(recurse=False)}
    names = {name for name, p in decaying.items() if p.ndim > 1}
    pairs = list(model.named_parameters())
    groups = [
        {"params": [pair for pair in pairs if pair[0] in names], "weight_decay": weight_decay},
        {"params": [pair for pair in pairs if pair[0] not in names], "weight_decay": 0},
    ]
    return [group for group in groups if group["params"]]


def is_normalisation(module: Module) -> bool:
    """Whether the class of a module, or one that it derives from, is called a norm."""
    return any("Norm" in cls.__name__ for cls in type(module).__mro__)
