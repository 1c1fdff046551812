"""Tensors and gradients: each operation leaves a record, and backward() walks back along the records.

A tensor is a NumPy array that may remember how it was computed. From that record the derivative of a result by
everything that went into it follows by the chain rule, whatever the program looked like.
"""

# %%
import math

import numpy as np

import minigrad as mg

# %% A small expression. Both inputs ask for a gradient, so every result knows the operation it came from.
x = mg.tensor(2.0, requires_grad=True)
y = mg.tensor(3.0, requires_grad=True)
z = x * y + mg.sin(x)
print("z =", z.item(), "and its last operation is", z.grad_fn.name())

# %% backward() gives dz/dx and dz/dy. By hand: dz/dx = y + cos(x), dz/dy = x.
z.backward()
by_hand = 3.0 + math.cos(2.0), 2.0
print("dz/dx:", x.grad.item(), "by hand", by_hand[0])
print("dz/dy:", y.grad.item(), "by hand", by_hand[1])

# %% Gradients add up. A second pass adds to .grad; that is why a training step begins with zero_grad().
(x * y + mg.sin(x)).backward()
twice = x.grad.item() / by_hand[0]
print(f"after a second pass dz/dx is {twice:.1f} times as large")

# %% Shapes that broadcast: a row is added to each of four rows, so its gradient is the sum over the four.
batch = mg.ones(4, 3, requires_grad=True)
row = mg.zeros(3, requires_grad=True)
((batch + row) * mg.arange(12.0).reshape(4, 3)).sum().backward()
column_sums = np.arange(12.0).reshape(4, 3).sum(0)
print("gradient of the row:", row.grad.tolist(), "sums of the columns:", column_sums.tolist())

# %% Gradients of gradients. With create_graph=True the gradient is a tensor with records of its own. Of x ** 4:
w = mg.tensor(2.0, requires_grad=True)
derivatives, value = [], w**4
for _ in range(4):
    (value,) = mg.grad(value, [w], create_graph=True)
    derivatives.append(value.item())
print("derivatives of w ** 4 at 2:", derivatives, "by hand:", [4 * 2.0**3, 12 * 2.0**2, 24 * 2.0, 24.0])

# %% What needs no gradient leaves no record: constants, and everything under no_grad().
outside = x * y
with mg.no_grad():
    inside = x * y
print("recorded outside of no_grad:", outside.requires_grad, " under no_grad:", inside.requires_grad)

# %% [markdown]
# To try:
#
# 1. Replace sin by relu and set x to 0. The function has no derivative there; which value does minigrad take? (The
#    table in ties_and_kinks.md lists all such points.)
# 2. Change x in place after z was computed, `x.data.mul_(2)`, and call backward. What happens, and why is it right?
