"""A compiled step read line by line: forward, backward and update as formulas that run without minigrad.

mg.compile runs a training step a few times as it is, and writes down each call of NumPy. From then on the list is
replayed, without the Python around it: no graph, no modules, no optimiser. The list can be read, and it is the whole
truth: what is here to be seen is what an epoch consists of.
"""

# %%
import statistics
import time

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile import CannotBuild
from minigrad.nn import functional as F


# %% A small net, and the usual five lines. The decorator is the only difference.
def training():
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x, target):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


model, eager = training()
compiled_model, step = training()
step = mg.compile(step, backend="numpy")

# %% Both take the same steps. The first calls of the compiled one are ordinary steps that are written down.
batches = [(mg.randn(8, 4), mg.arange(8) % 2) for _ in range(20)]
eager_losses = [eager(x, target).item() for x, target in batches]
losses = [step(x, target).item() for x, target in batches]
apart = max(abs(a - b) for a, b in zip(eager_losses, losses))
print(f"{len(batches)} steps, loss {losses[0]:.4f} -> {losses[-1]:.4f}, at most {apart:.1e} from the plain step's")

# %% The text, with the names of the model. Read it from the top: linear, BatchNorm with its mean, its variance and the
# running statistics that move, ReLU, cross-entropy; then the same backwards; then the update.
print(step.source)

# %% Its parts. Backward has no more lines than forward: all derivatives together are no more work than a few times
# the function itself, however many parameters there are.
parts = {"forward": [], "backward": [], "update": []}
current = None
for line in step.source.splitlines():
    if line.startswith("# ===="):
        current = line.strip("# =")
    elif line and not line.startswith(("#", "returned")) and current in parts:
        parts[current].append(line)
print("lines of each part:", {name: len(lines) for name, lines in parts.items()})

# %% BatchNorm's gradient in it is the formula on paper: (g - mean(g) - xhat * mean(g * xhat)) / std.
formula = [line for line in parts["backward"] if line.startswith(("layer1_g ", "layer1_mean_g", "d_layer0"))]
print("\n".join(formula))

# %% It runs by itself: given the arrays, plain NumPy makes the next step, without minigrad.
x, target = mg.randn(8, 4), mg.arange(8) % 2
names = {**step.given, "x": x.numpy().copy(), "target": target.numpy().copy()}
names = {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in names.items()}
exec(step.source, names)
loss = step(x, target)
same_loss = float(names["returned"]) == loss.item()
same_weights = np.array_equal(names["layer0_weight"], compiled_model[0].weight.detach().numpy())
print(f"the text by itself: the same loss {same_loss}, the same weights {same_weights}")

# %% All its values are there to be looked at. A bias in front of BatchNorm would have this gradient, which is 0:
bias_grad = np.abs(names["d_layer0"].sum(0)).max()
print(f"sum of d_layer0 over the batch: at most {bias_grad:.1e}")

# %% Where a C compiler is found (minigrad doctor says which), the same list is built as C, with loops that are fused:
# mg.compile(step) without a backend, and step.c_source to read. mg.draw(step) is the picture of the list.
graph = mg.draw(step)
print(graph)


# %% What it is worth: the time of a step, in turns, in microseconds. Of a small step most is Python.
def microseconds(function, calls=50):
    start = time.perf_counter()
    for _ in range(calls):
        function(x, target)
    return (time.perf_counter() - start) / calls * 1e6


steps = {"eager": eager, "compiled, NumPy": step}
try:
    in_c = mg.compile(training()[1], backend="c")
    for _ in range(3):  # two captures that agree, then it is built
        in_c(x, target)
    steps["compiled, C"] = in_c
except CannotBuild as error:
    print(error)
rounds = [{name: microseconds(function) for name, function in steps.items()} for _ in range(5)]
medians = {name: statistics.median(each[name] for each in rounds) for name in steps}
for name, median in medians.items():
    print(f"{name:16} {median:8.1f}")


# %% What no program can repeat is refused, with the line and the cure, and nothing is left half done.
def decides(x, target):
    loss = F.cross_entropy(compiled_model(x), target)
    return loss if loss < 0.1 else 2 * loss


try:
    mg.compile(decides)(x, target)
except RuntimeError as error:
    refusal = str(error).rpartition("/")[2]
    print(refusal)

# %% [markdown]
# To try:
#
# 1. Compile a step with Adam. Which lines come into the update, and which arrays are kept between steps?
# 2. Call model.eval() on the net, and the step again. A second text is written: what has become of BatchNorm in it?
