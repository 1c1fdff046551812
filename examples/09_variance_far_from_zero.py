"""The variance at mean 1e7: formulas that are equal on paper, and what float32 makes of them.

Temperatures in kelvin, pixel values, timestamps: data whose mean is far larger than its deviation. A variance is
then a small difference of large numbers, and how the formula is written decides whether anything is left of it.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

generator = np.random.default_rng(0)
n = 4096


# %% Four ways to normalise a column in float32, all of them (x - mean) / sqrt(variance).
def one_pass(x):
    """The mean of the squares minus the square of the mean: one look at the data, as in many fused kernels."""
    mean = x.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x - mean) / np.sqrt((x * x).mean() - mean * mean)


def two_pass(x):
    """First the mean, then the mean of the squared distances. The mean itself is rounded to float32."""
    d = x - x.mean()
    return d / np.sqrt((d * d).mean())


def welford(x):
    """B. P. Welford, 1962: one look at the data, mean and squares corrected value by value."""
    mean, squares = np.float32(0), np.float32(0)
    for count, value in enumerate(x, 1):
        d = value - mean
        mean += d / np.float32(count)
        squares += d * (value - mean)
    return (x - mean) / np.sqrt(squares / np.float32(len(x)))


def minigrads(x):
    """The corrected two-pass: what the rounded mean lacks is itself a mean, that of the distances."""
    return F.batch_norm(x[:, None], None, None, training=True, eps=1e-12)[:, 0]


ways = {"one pass": one_pass, "two pass": two_pass, "Welford": welford, "minigrad": minigrads}

# %% The truth is the same formula in float64, of the numbers that float32 could hold.
means = [0.0, *(10.0**power for power in range(8))]
errors = {name: [] for name in ways}
for mean in means:
    x = (mean + generator.standard_normal(n)).astype(np.float32)
    exact = x.astype(np.float64)
    exact = (exact - exact.mean()) / exact.std()
    for name, way in ways.items():
        difference = np.abs(way(x) - exact).max()
        errors[name].append(difference if np.isfinite(difference) else np.inf)

# %% The largest error of a normalised value. inf: the variance came out as 0, or below it.
print(f"{'mean':>8}" + "".join(f"{name:>12}" for name in ways))
for i, mean in enumerate(means):
    print(f"{mean:8g}" + "".join(f"{errors[name][i]:12.1e}" for name in ways))
worst = max(errors["minigrad"])
print(f"minigrad's largest error at any mean: {worst:.1e}; float32 itself rounds at {np.finfo(np.float32).eps:.1e}")

# %% What it means for a net: a feature with mean 1e6 goes through a BatchNorm layer in front, and is a feature again.
bn = nn.BatchNorm1d(1)
y = bn(mg.tensor((1e6 + generator.standard_normal((n, 1))).astype(np.float32))).detach().numpy()
print(f"after BatchNorm: mean {y.mean():.1e}, deviation {y.std():.6f}")

# %% [markdown]
# To try:
#
# 1. Give two_pass its mean in float64, `x.mean(dtype=np.float64)`. How far does that alone carry? (See `d.dtype`.)
# 2. Sort x before Welford's loop. Does the order of the values matter for it, and for the others?
