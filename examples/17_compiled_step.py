"""A compiled step, read line by line: forward, backward and update as NumPy, which runs by itself and as C.

mg.compile writes down what a training step does to arrays while it runs, as calls of NumPy in their order. From the
third call on that program runs in place of the Python around it. It can be read: every line stands under the line of
yours, the module and the mode that it comes from.
"""

# %%
import statistics
import time

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.compile import CannotBuild
from minigrad.nn import functional as F

# %% A net small enough to be read, and a step of stochastic gradient descent.
mg.manual_seed(0)
x, target = data.moons(64)[:]


class Net(nn.Module):
    def __init__(self):
        self.fc1 = nn.Linear(2, 4)
        self.bn1 = nn.BatchNorm1d(4)
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(self.bn1(self.fc1(x)).relu())


def training(**options):
    """A net with its optimiser and a step of both; compiled, if options of mg.compile are given."""
    mg.manual_seed(0)
    net = Net()
    optimizer = optim.SGD(net.parameters(), lr=0.5, momentum=0.9)

    def train_step(x, target):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), target)
        loss.backward()
        optimizer.step()
        return loss

    return net, mg.compile(train_step, **options) if options else train_step


net, step = training(backend="numpy")
losses = [step(x, target).item() for _ in range(3)]
print(step)

# %% The text. Under "forward" the running statistics move where the batch's statistics have been computed. Under
# "backward" d_fc1 is the gradient of fc1, and each derivative stands under the module that it belongs to. Under
# "update" the gradients are one vector: a small parameter alone would take NumPy as long as all of them.
print(step.source)

# %% It is a program: with the model's own arrays by their names, step.given, one run of the text is one step, bit for
# bit. Here it runs on copies, and is compared with the step itself.
names = {name: np.array(value) if isinstance(value, np.ndarray) else value for name, value in step.given.items()}
exec(step.source, names | {"x": x.numpy(), "target": target.numpy()}, names)
loss = step(x, target)
same = names["returned"] == loss.numpy() and np.array_equal(names["fc1_weight"], net.fc1.weight.detach().numpy())
print("the text and the step give the same bits:", bool(same))

# %% The derivative of BatchNorm in the text, against what chapter 13 says of it: the gradient of its input has mean 0
# over the batch, and, but for eps, so has its product with xhat.
sums = [float(np.abs(each.sum(0)).max()) for each in (names["d_fc1"], names["d_fc1"] * names["bn1_xhat"])]
print(f"sums over the batch: of dx {sums[0]:.1e}, of dx * xhat {sums[1]:.1e}")


# %% A picture, of two layers to be small: what the step reads and changes, and a box for each operation. Of a step that
# runs as C it has a box for each loop, which says what went into it.
layers = nn.Sequential(nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2))
plain = optim.SGD(layers.parameters(), lr=0.5)


@mg.compile(backend="numpy")
def small_step(x, target):
    plain.zero_grad()
    F.cross_entropy(layers(x), target).backward()
    plain.step()


small_step(x, target)
drawn = mg.draw(small_step)


# %% What it is worth: time of a step, in turns, in microseconds. Without a C compiler the third one runs with NumPy.
def microseconds(function, calls=50):
    start = time.perf_counter()
    for _ in range(calls):
        function(x, target)
    return (time.perf_counter() - start) / calls * 1e6


steps = {"eager": training()[1], "compiled, NumPy": step}
try:
    in_c = training(backend="c")[1]
    for _ in range(3):  # two captures, then it is built
        in_c(x, target)
    steps["compiled, C"] = in_c
except CannotBuild as error:
    print(error)
rounds = [{name: microseconds(function) for name, function in steps.items()} for _ in range(5)]
medians = {name: statistics.median(each[name] for each in rounds) for name in steps}
for name, median in medians.items():
    print(f"{name:16} {median:8.1f}")


# %% What no program can repeat is refused, with the line and the cure, and leaves nothing half done.
def stops_early(x, target):
    loss = F.cross_entropy(net(x), target)
    return loss if loss < 0.1 else 2 * loss


try:
    mg.compile(stops_early)(x, target)
except RuntimeError as error:
    refusal = str(error).partition(": ")[2]
    print(refusal)

# %% [markdown]
# To try:
#
# 1. Put the model into evaluation mode, call the step once more and print its source. What is gone, and why does the
#    gradient of fc1 look so simple now?
# 2. Take Adam. Which lines are new, and which numbers of theirs change from step to step?
