"""Your own operation: a definition and a rule for each operand, and it is checked, trained with, drawn and captured.

The definition comes first, then a rule for each operand: the gradient of the output times the derivative, as in a
calculus book. Both are written in NumPy's functions and operators, so the same lines run on arrays, on tensors (when
the gradient must be a graph, to be differentiated again) and on the stand-ins of a captured step. Broadcasting and
dtypes are the engine's work.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import capture

# %% x * sigmoid(beta * x), with a beta that is learned. promotes: both operands are computed in one dtype.
swish = mg.Op(
    "swish",
    lambda input, beta: input / (1 + np.exp(-beta * input)),
    lambda dy, y, x, beta: dy * (beta * y + mg.sigmoid(beta * x) * (1 - beta * y)),
    lambda dy, y, x, beta: dy * y * (x - y),
    promotes=(0, 1),
    doc="``x * sigmoid(beta * x)`` with a learnable ``beta`` (P. Ramachandran and others, 2017)",
)


# %% The operation as a layer.
class Swish(nn.Module):
    """x * sigmoid(beta * x)."""

    def __init__(self) -> None:
        self.beta = nn.Parameter(mg.ones(1))

    def forward(self, input: mg.Tensor) -> mg.Tensor:
        return swish(input, self.beta)


# %% Check both rules, and the derivatives of the rules, against finite differences.
mg.manual_seed(0)
x, beta = mg.randn(4, 3).double().requires_grad_(), mg.tensor(np.array([1.5]), requires_grad=True)
first = mg.gradcheck(swish, (x, beta), raise_exception=False)
second = mg.gradgradcheck(swish, (x, beta))
print(first)
print("second derivatives right:", second)

# %% Train with it, on the product of two inputs. The step is captured: written down once, then replayed.
model = nn.Sequential(nn.Linear(2, 16, bias=False), nn.BatchNorm1d(16), Swish(), nn.Linear(16, 1))
optimizer = optim.Adam(model.parameters(), lr=0.02)
inputs = mg.randn(256, 2)
target = inputs[:, :1] * inputs[:, 1:]


def step(x: mg.Tensor, target: mg.Tensor) -> mg.Tensor:
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), target)
    loss.backward()
    optimizer.step()
    return loss


losses = [step(inputs, target).item()]
program, _ = capture(step, inputs, target, state=[model, optimizer])
losses += [program.run(inputs, target).item() for _ in range(300)]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.4f}, beta 1 -> {model[2].beta.item():.3f}")

# %% The instructions of the operation in the captured step: its definition, and further below its rules.
lines = [line for line in str(program).splitlines() if "Swish" in line]
print(f"the captured step has {len(program.instructions)} instructions, of them {len(lines)} of the operation:")
print("\n".join(lines))

# %% Draw it: graph.save("own_operation.svg"), or in a notebook just graph. Parameters of a module are rows of one box.
graph = mg.draw(model, inputs[:8], tables=True)
print(graph)

# %% [markdown]
# To try:
#
# 1. Plant a fault in the second rule, a sign say. What does gradcheck say of it? (Chapter 16.)
# 2. For beta = -1000 the exponential overflows. Write the definition with mg.sigmoid; do the rules change?
