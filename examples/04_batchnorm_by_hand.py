"""BatchNorm by hand against the operation: the same numbers from nine records or from one.

BatchNorm is a formula like any other, and the chain rule differentiates it. The operation does it in one node, with the
gradient that one derives on paper, which is faster, keeps less, and is exact where the plain formula is not.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

mg.manual_seed(0)
EPS = 1e-5
x = (mg.randn(32, 4, dtype=mg.float64) * 3 + 5).requires_grad_()
gamma = mg.rand(4, dtype=mg.float64).requires_grad_()
beta = mg.randn(4, dtype=mg.float64).requires_grad_()
dy = mg.randn(32, 4, dtype=mg.float64)  # the gradient that comes from the layers above


# %% The formula, line by line. Statistics are over the batch: one mean and one variance for each channel.
def batch_norm_by_hand(x, gamma, beta):
    mean = x.mean(0)
    centred = x - mean
    var = (centred * centred).mean(0)
    xhat = centred / mg.sqrt(var + EPS)
    return gamma * xhat + beta


by_hand = batch_norm_by_hand(x, gamma, beta)
operation = F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)
value_apart = (by_hand - operation).abs().max().item()
print(f"values at most {value_apart:.1e} apart")


# %% How much is recorded for backward: the nodes of the graph, each a small object with what it saved.
def records(tensor):
    """The operations that a tensor was computed by."""
    found, todo = set(), [tensor.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in found and "AccumulateGrad" not in node.name():
            found.add(node)
            todo += [after for after, _ in node.next_functions]
    return found


counts = len(records(by_hand)), len(records(operation))
print(f"records by hand {counts[0]}, by the operation {counts[1]}")

# %% The gradients by the chain rule, by the operation, and by the formula on paper:
#     dx = gamma / sqrt(var + eps) * (dy - mean(dy) - xhat * mean(dy * xhat))
leaves = [x, gamma, beta]
chain_rule = mg.grad(by_hand, leaves, dy)
one_node = mg.grad(operation, leaves, dy)
X, G = x.detach().numpy(), dy.numpy()
std = np.sqrt(X.var(0) + EPS)
xhat = (X - X.mean(0)) / std
paper = [
    gamma.detach().numpy() / std * (G - G.mean(0) - xhat * (G * xhat).mean(0)),
    (G * xhat).sum(0),
    G.sum(0),
]
gradient_apart = [
    max(np.abs(a.numpy() - p).max(), np.abs(b.numpy() - p).max()) for a, b, p in zip(chain_rule, one_node, paper)
]
for name, apart in zip(("x", "gamma", "beta"), gradient_apart):
    print(f"gradient of {name:5}: at most {apart:.1e} from the formula on paper")

# %% The module adds what is kept between batches: running statistics, a tenth of the way to each new batch.
# The mean goes in as it is, the variance with n - 1 in place of n, the unbiased one.
bn = nn.BatchNorm1d(4).double()
bn(x.detach())
running_mean = 0.9 * np.zeros(4) + 0.1 * X.mean(0)
running_var = 0.9 * np.ones(4) + 0.1 * X.var(0, ddof=1)
running_apart = max(
    np.abs(bn.running_mean.numpy() - running_mean).max(), np.abs(bn.running_var.numpy() - running_var).max()
)
print(f"running statistics at most {running_apart:.1e} from those by hand")

# %% What is always so, whatever the numbers: BatchNorm undoes any shift and scale of its input ... (A variance that is
# 7 * 7 times as large needs an eps that is, too.)
moved = F.batch_norm(100 - 7 * x, None, None, gamma, beta, training=True, eps=EPS * 49)
unmoved = F.batch_norm(-x, None, None, gamma, beta, training=True, eps=EPS)
invariance = (moved - unmoved).abs().max().item()
print(f"BatchNorm of 100 - 7 x and of -x: {invariance:.1e} apart")
# ... and so the gradient of each channel sums to 0: a shift of all samples together changes nothing.
sums = np.abs(one_node[0].numpy().sum(0)).max()
print(f"sum of dx over the batch: {sums:.1e}")

# %% [markdown]
# To try:
#
# 1. Make `var` unbiased (divide by n - 1) in the function by hand. What is the ratio of the values then?
# 2. Let all 32 samples be the same. What do y, dx and the running variance become, and what does eps do there?
