"""Scale invariance: weights in front of BatchNorm times 10 change nothing, and |W|^2 grows as Pythagoras says.

BatchNorm divides by the deviation of its input, so the length of the weights in front of it drops out. Only their
direction counts. From that one fact follow an orthogonal gradient, weights that can only grow, and a learning rate
that falls by itself.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

mg.manual_seed(0)
EPS = 1e-30  # as good as 0: what follows is exact but for eps and rounding; in float64 that is 1e-16
x = mg.randn(64, 8, dtype=mg.float64)
target = mg.arange(64) % 3
linear, bn = nn.Linear(8, 16, bias=False).double(), nn.BatchNorm1d(16, eps=EPS).double()
model = nn.Sequential(linear, bn, nn.ReLU(), nn.Linear(16, 3).double())


def loss_and_gradient():
    model.zero_grad()
    loss = F.cross_entropy(model(x), target)
    loss.backward()
    return loss.item(), linear.weight.grad.numpy().copy()


# %% W times 10: the loss stays, and the gradient becomes a tenth.
loss, gradient = loss_and_gradient()
with mg.no_grad():
    linear.weight.mul_(10)
loss_10, gradient_10 = loss_and_gradient()
with mg.no_grad():
    linear.weight.div_(10)
print(f"loss with W {loss:.12f}, with 10 W {loss_10:.12f}")
print(f"length of the gradient {np.linalg.norm(gradient):.6f}, with 10 W {np.linalg.norm(gradient_10):.6f}")

# %% A loss that does not change along W has no slope along W: each row's gradient is at right angles to the row.
W = linear.weight.detach().numpy()
cosines = (W * gradient).sum(1) / np.linalg.norm(W, axis=1) / np.linalg.norm(gradient, axis=1)
print(f"cosine of the angle between W and its gradient, largest of 16 rows: {np.abs(cosines).max():.1e}")

# %% A step at right angles is the short side of a right triangle. Pythagoras: |W - lr dW|^2 = |W|^2 + lr^2 |dW|^2.
# So with plain SGD the weights only grow, and one can say by how much without looking at them.
LR, STEPS = 0.5, 300
optimizer = optim.SGD(model.parameters(), lr=LR)
measured, predicted = [(W**2).sum()], [(W**2).sum()]
for _ in range(STEPS):
    _, gradient = loss_and_gradient()
    optimizer.step()
    measured.append((linear.weight.detach().numpy() ** 2).sum())
    predicted.append(predicted[-1] + LR**2 * (gradient**2).sum())
apart = np.abs(np.array(measured) / predicted - 1).max()
print(f"|W|^2 after {STEPS} steps: {measured[0]:.4f} -> {measured[-1]:.4f}, by Pythagoras {predicted[-1]:.4f}")
print(f"over all steps at most {apart:.1e} (relative) apart")

# %% What a step changes is the direction, and it changes it by lr / |W|^2: BatchNorm lowers its own learning rate.
rates = LR / np.array(measured)
print(f"learning rate of the direction: {rates[0]:.4f} at first, {rates[-1]:.4f} at the end")

# %% With the usual eps of 1e-5 all this is so to the precision of float32, unless the weights are tiny. Weight decay
# pulls the other way: it does not make the net simpler here, it keeps the learning rate of the direction up.
bn.eps = 1e-5
usual, _ = loss_and_gradient()
with mg.no_grad():
    linear.weight.mul_(10)
usual_10, _ = loss_and_gradient()
print(f"with eps 1e-5: W times 10 changes the loss by {abs(usual_10 - usual):.1e}")

# %% [markdown]
# To try:
#
# 1. Take Adam in place of SGD. Its step is not along the gradient; is Pythagoras still right?
# 2. Take W times 1e-4 and eps 1e-5. Why does the net change now?
