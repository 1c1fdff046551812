"""The first notebook: BatchNorm1d on its own, what it learns, what it keeps, and what a batch does to it.

These are the cells of the PyTorch notebook that this project started from. They run as they stand: only the two import
lines differ. They are there as a script, 01_batchnorm_notebook.py, and as a notebook, 01_batchnorm_notebook.ipynb.
"""

# %% [markdown]
# minigrad has PyTorch's names, arguments and defaults, so a notebook moves over by changing its imports.

# %%
import minigrad as torch
from minigrad import nn

# %% [markdown]
# BatchNorm takes a batch of 20 samples with 100 features (channels) each. Each channel is shifted and scaled to mean 0
# and variance 1 over the batch, and then scaled by `weight` and shifted by `bias`, which are learned: 100 numbers each.

# %%
m = nn.BatchNorm1d(100)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters():
    print(f"Name: {name},\tShape: {param.size()},\tRequires grad: {param.requires_grad}")

# %%
print(m)

# %% [markdown]
# Beside the parameters it keeps running statistics, for the time when there is no batch to take statistics of. They
# started at mean 0 and variance 1. One batch was seen, and momentum is 0.1: so they have moved a tenth of the way to
# the statistics of that batch. Then come the number of batches seen, and whether the module is in training mode.

# %%
print((m.running_mean, m.running_var, m.num_batches_tracked, m.training))

# %% [markdown]
# Without parameters to learn (`affine=False`) the loop has nothing to print, and the statistics are kept all the same.

# %%
m = nn.BatchNorm1d(100, affine=False)
output = m(torch.randn(20, 100))
for name, param in m.named_parameters():
    print(f"Name: {name},\tShape: {param.size()},\tRequires grad: {param.requires_grad}")

# %%
print(m)

# %%
print((m.running_mean, m.running_var, m.num_batches_tracked, m.training))

# %% [markdown]
# To try:
#
# 1. Call `m.eval()` and then `m` with another batch. Which of the four values above change, and which do not?
# 2. Call `m(torch.randn(1, 100))` in training mode. Why can one sample not be normalised, and what does the error
#    advise?
