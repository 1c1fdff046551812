"""An operation of your own: defined in ten lines, checked to second order, trained with, drawn, written down.

Run it: python examples/own_operation.py
"""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import capture

# The definition comes first, then a rule for each operand: the gradient of the output times the derivative.
# Both are written in NumPy's functions and operators. So the same lines run on arrays, on tensors (when the gradient
# must be a graph, to be differentiated again) and on the stand-ins of a captured step. A name that begins with an
# underscore is not saved for backward. Broadcasting and dtypes are the engine's work.
swish = mg.Op(
    "swish",
    lambda input, beta: input / (1 + np.exp(-beta * input)),
    lambda dy, y, x, beta: dy * (beta * y + mg.sigmoid(beta * x) * (1 - beta * y)),
    lambda dy, y, x, beta: dy * y * (x - y),
    promotes=(0, 1),
    doc="``x * sigmoid(beta * x)`` with a learnable ``beta`` (P. Ramachandran and others, 2017)",
)


class Swish(nn.Module):
    """The operation as a layer."""

    def __init__(self) -> None:
        self.beta = nn.Parameter(mg.ones(1))

    def forward(self, input: mg.Tensor) -> mg.Tensor:
        return swish(input, self.beta)


def main() -> None:
    """Check, train, draw and capture it."""
    mg.manual_seed(0)
    x, beta = mg.randn(4, 3).double().requires_grad_(), mg.tensor(np.array([1.5]), requires_grad=True)
    print("first derivatives right: ", mg.gradcheck(swish, (x, beta)))
    print("second derivatives right:", mg.gradgradcheck(swish, (x, beta)))

    model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), Swish(), nn.Linear(16, 1))
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    inputs = mg.randn(256, 2)
    target = inputs[:, :1] * inputs[:, 1:]

    def step(x: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    first = step(inputs, target).item()
    program, _ = capture(step, inputs, target, state=[model, optimizer])
    for _ in range(300):
        loss = program.run(inputs, target)
    print(f"loss {first:.3f} -> {loss.item():.4f}, beta {model[2].beta.item():.3f}")
    print(f"the captured step: {len(program.instructions)} instructions, those of the operation:")
    print("\n".join(line for line in str(program).splitlines() if "Swish" in line))
    mg.draw(model, inputs[:8]).save("own_operation.gv")


if __name__ == "__main__":
    main()
