"""Parameters as one vector."""

from __future__ import annotations

from collections.abc import Iterable

from ... import ops
from ...engine.errors import InvalidValueError
from ...engine.node import describe
from ...tensor.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All elements of some parameters in one vector; gradients flow back to them.

    >>> nn.utils.parameters_to_vector(nn.Linear(2, 3).parameters()).shape
    (9,)
    """
    return ops.cat([ops.reshape(parameter, -1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give parameters the elements of a vector, in order.

    Args:
        vec: the vector.
        parameters: tensors, whose values become its elements.

    Raises:
        ValueError: unless the vector has as many elements as they have; nothing is changed then.

    >>> model = nn.Linear(2, 1)
    >>> nn.utils.vector_to_parameters(mg.arange(3.0), model.parameters())
    >>> model.bias
    Parameter containing:
    tensor([2.], requires_grad=True)
    """
    listed = list(parameters)
    wanted = sum(parameter.numel() for parameter in listed)
    if not isinstance(vec, Tensor) or vec.shape != (wanted,):
        raise InvalidValueError(f"the parameters have {wanted} elements, and the vector is {describe(vec)}.")
    start, values = 0, vec.detach()
    for parameter in listed:
        end = start + parameter.numel()
        parameter.data.copy_(values[start:end].reshape(parameter.shape))
        start = end
