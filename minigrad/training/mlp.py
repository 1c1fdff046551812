"""The net that the command line trains."""

from __future__ import annotations

from .. import nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "elu": nn.ELU, "gelu": nn.GELU, "silu": nn.SiLU, "mish": nn.Mish,
    "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "softplus": nn.Softplus,
}  # fmt: skip


def mlp(
    inputs: int, hidden: tuple[int, ...], outputs: int, batchnorm: bool, activation: type[nn.Module] = nn.ReLU,
    bias: bool = False,
) -> nn.Sequential:  # fmt: skip
    """Linear, BatchNorm and the activation for each hidden layer, and a last Linear.

    Args:
        inputs, outputs: numbers per sample.
        hidden: the widths of the hidden layers.
        batchnorm: whether there is BatchNorm.
        activation: the class of the activation.
        bias: whether a Linear in front of BatchNorm has a bias, which BatchNorm subtracts again.
    """
    model = nn.Sequential()
    for width in hidden:
        model.append(nn.Linear(inputs, width, bias=bias or not batchnorm))
        if batchnorm:
            model.append(nn.BatchNorm1d(width))
        model.append(activation())
        inputs = width
    return model.append(nn.Linear(inputs, outputs))
