"""The three ways of BatchNorm's gradient: directly, through the mean, and through the variance, each measured.

A sample changes the output of its own row directly. But it is also a part of the batch's mean and of its variance, and
so changes all rows through them. Who forgets one of the ways gets a gradient that looks right and is not.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad.nn import functional as F

mg.manual_seed(0)
EPS = 1e-5
x = (mg.randn(8, 1, dtype=mg.float64) * 2 + 1).requires_grad_()

# %% What comes from above: the gradient of half the squared distance of the output from some targets, 0 or 2.
target = 2.0 * (mg.rand(8, 1, dtype=mg.float64) > 0.5)
dy = (F.batch_norm(x, None, None, training=True, eps=EPS) - target).detach()

# %% One way at a time: whatever is detached is a constant, and the chain rule does not go through it.
mean = x.mean(0)
var = ((x - mean) ** 2).mean(0)
ways = {
    "directly": (x - mean.detach()) / mg.sqrt(var.detach() + EPS),
    "through the mean": (x.detach() - mean) / mg.sqrt(var.detach() + EPS),
    "through the variance": (x.detach() - mean.detach()) / mg.sqrt(var + EPS),
}
values = np.stack([way.detach().numpy() for way in ways.values()])
print(f"all three have the same values (at most {np.ptp(values, axis=0).max():.0e} apart); their gradients:")

# %% Each is a term of the formula: dx = 1 / std * (dy - mean(dy) - xhat * mean(dy * xhat)).
parts = {name: mg.grad(way, [x], dy, retain_graph=True)[0].numpy()[:, 0] for name, way in ways.items()}
G, X = dy.numpy()[:, 0], x.detach().numpy()[:, 0]
std = np.sqrt(X.var() + EPS)
xhat = (X - X.mean()) / std
terms = [G / std, np.full(8, -G.mean() / std), -xhat * (G * xhat).mean() / std]
for (name, part), term in zip(parts.items(), terms):
    numbers = " ".join(f"{value:7.3f}" for value in part)
    print(f"{name:21}{numbers}   from its term at most {np.abs(part - term).max():.0e}")

# %% Their sum is the gradient of the operation.
total = sum(parts.values())
(operation,) = mg.grad(F.batch_norm(x, None, None, training=True, eps=EPS), [x], dy)
sum_apart = np.abs(total - operation.numpy()[:, 0]).max()
print(f"{'their sum':21}{' '.join(f'{value:7.3f}' for value in total)}   from the operation at most {sum_apart:.0e}")

# %% What each way is for. A shift of all samples changes nothing, so the gradient must sum to 0: the mean's way sees to
# that. A stretch of all samples changes nothing either, so it must be at right angles to xhat: the variance's way does.
steps = {
    "directly": parts["directly"],
    "and the mean": parts["directly"] + parts["through the mean"],
    "and the variance": total,
}
left = {name: (float(gradient.sum()), float(gradient @ xhat)) for name, gradient in steps.items()}
for name, (shift, stretch) in left.items():
    print(f"{name:21}sum over the batch {shift:9.1e}   along xhat {stretch:9.1e}")

# %% How much would be wrong without them: in evaluation mode the direct way is all there is.
wrong = np.linalg.norm(total - parts["directly"]) / np.linalg.norm(total)
print(f"the direct way alone is off by {wrong:.0%} of the gradient's length in this batch of {len(X)}")

# %% [markdown]
# To try:
#
# 1. Add 5 to all targets. Which of the three ways change, and why does their sum not?
# 2. Detach `mean` inside of `var` only. Nothing changes: what is the derivative of the variance by the mean?
