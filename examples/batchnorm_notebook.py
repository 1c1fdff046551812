"""BatchNorm1d on its own: what it learns, what it keeps, and what a batch does to it.

These are the cells of a PyTorch notebook. They run as they stand: only the two import lines differ.
"""

# %%
import minigrad as torch
from minigrad import nn

# %% With parameters to learn
m = nn.BatchNorm1d(100)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters():
    print(f"Name: {name},\tShape: {param.size()},\tRequires grad: {param.requires_grad}")

# %%
print(m)

# %% The running statistics have moved a tenth of the way to those of the batch
print((m.running_mean, m.running_var, m.num_batches_tracked, m.training))

# %% Without parameters to learn: the statistics are the same
m = nn.BatchNorm1d(100, affine=False)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters():
    print(f"Name: {name},\tShape: {param.size()},\tRequires grad: {param.requires_grad}")

# %%
print(m)

# %%
print((m.running_mean, m.running_var, m.num_batches_tracked, m.training))
