"""A gradient check that finds a planted fault: finite differences say which value is wrong, by how much, and often why.

A wrong derivative rarely stops a training, it only makes it worse. A check compares each derivative with the change of
the function when its input moves a little. Here are three versions of BatchNorm, two of them with a classical mistake.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import nn

EPS = 1e-5


def statistics(x):
    """The standardised batch and 1 / std, in NumPy's methods, which arrays and tensors share."""
    d = x - x.mean(0)
    inverse = 1 / ((d * d).mean(0) + EPS) ** 0.5
    return d * inverse, inverse


def right(dy, y, x):
    xhat, inverse = statistics(x)
    return inverse * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))


def without_variance(dy, y, x):
    """Forgets that the variance depends on x, too."""
    _, inverse = statistics(x)
    return inverse * (dy - dy.mean(0))


def wrong_sign(dy, y, x):
    return -right(dy, y, x)


rules = {"right": right, "without the way through the variance": without_variance, "with the wrong sign": wrong_sign}
operations = {name: mg.Op("normalise", lambda x: statistics(x)[0], rule) for name, rule in rules.items()}

# %% The check gives each rule random gradients from above, and names the worst value, and what it looks like.
mg.manual_seed(0)
x = mg.randn(6, 3, dtype=mg.float64, requires_grad=True)
reports = {name: mg.gradcheck(op, (x,), raise_exception=False) for name, op in operations.items()}
for name, report in reports.items():
    print(f"--- {name}: {'passed' if report else 'found'}\n{report}\n")

# %% The trap: checking the sum of the output. Each column of a standardised batch sums to 0 whatever x is, so the true
# gradient of the sum is 0; and so is that of the faulty rule, because dy - mean(dy) is 0 for equal dy. It passes.
trapped = mg.gradcheck(lambda x: operations["without the way through the variance"](x).sum(), (x,))
print("the faulty rule, checked by its sum alone, passes:", trapped)


# %% How small should the step be? Too large: the curve bends. Too small: float64 has no digits left. gradcheck takes
# four points, and a thousandth of the input's deviation as its step. For sin at 1.3:
def two_points(h):
    return (np.sin(1.3 + h) - np.sin(1.3 - h)) / (2 * h)


def four_points(h):
    return (4 * two_points(h) - two_points(2 * h)) / 3


steps = 10.0 ** np.arange(-13, 0)
errors = {f.__name__: np.abs(f(steps) / np.cos(1.3) - 1) for f in (two_points, four_points)}
print("step        " + "".join(f"{h:8.0e}" for h in steps))
for name, values in errors.items():
    print(f"{name:12}" + "".join(f"{error:8.0e}" for error in values), f"  best near {steps[values.argmin()]:.0e}")

# %% A whole module is checked with all its parameters, and its running statistics are left as they were.
model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()).double()
before = model[1].running_mean.clone()
whole = mg.gradcheck(model, (x,), raise_exception=False)
untouched = bool((model[1].running_mean == before).all())
print(whole)
print("running statistics untouched:", untouched)

# %% [markdown]
# To try:
#
# 1. Let `right` return twice the gradient. What does the report call that, and how is it told from the fault above?
# 2. Check `mg.relu` at an input that is exactly 0. What does the report say of kinks?
