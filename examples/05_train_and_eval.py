"""Train, eval, freeze, and "you forgot eval()": a net that is right in eval mode depends on its batch in train mode.

BatchNorm computes two different functions. In training each output depends on the whole batch; in evaluation the
running statistics stand in for it. One trained net is tested here in both, on the same images, in batches of many
sizes.
"""

# %%
import copy
import warnings

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

mg.manual_seed(0)
train, test = data.train_test_split(data.digits())
x, target = test[:]

# %% Train a small net for six epochs, in batches of 64.
model = nn.Sequential(nn.Linear(64, 64, bias=False), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 10))
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for _ in range(6):
    for inputs, labels in data.DataLoader(train, batch_size=64, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), labels).backward()
        optimizer.step()


# %% The share of right answers when the test images come in batches of one size, in a given order.
def accuracy(model, order, batch_size):
    right = 0
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        if len(batch) > 1 or not model.training:  # in training one sample is refused
            right += (model(x[batch]).argmax(1) == target[batch]).sum().item()
    return right / len(order)


def tested(order, batch_size, training):
    """The accuracy in one mode, of a copy: in training mode even a test changes the running statistics."""
    tried = copy.deepcopy(model).train(training)
    with mg.inference_mode():
        return accuracy(tried, order, batch_size), tried


# %% In eval mode the size of a batch is no matter. In train mode small batches have poor statistics, and a batch sorted
# by class has those of one digit, which BatchNorm then subtracts. A leftover single image counts as wrong there.
shuffled = np.random.default_rng(0).permutation(len(test))
by_class = np.argsort(target.numpy(), kind="stable")
sizes = [2, 3, 4, 8, 16, 32, 64, 128, len(test)]
rows = {"eval": (shuffled, False), "train, shuffled": (shuffled, True), "train, sorted by class": (by_class, True)}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    accuracies = {name: [tested(order, size, mode)[0] for size in sizes] for name, (order, mode) in rows.items()}
print(f"{'batch size':24}" + "".join(f"{size:7}" for size in sizes))
for name, values in accuracies.items():
    print(f"{name:24}" + "".join(f"{value:7.1%}" for value in values))

# %% Forgetting eval() does a second harm: the test moves the running statistics, and they stay so.
before = tested(shuffled, 64, False)[0]
with warnings.catch_warnings(action="ignore"):
    _, spoilt = tested(by_class, 4, True)
with mg.inference_mode():
    after = accuracy(spoilt.eval(), shuffled, 64)
print(f"accuracy in eval mode before the test in train mode {before:.1%}, after it {after:.1%}")

# %% minigrad says so where it can: statistics that move without a graph are pointed out, and one sample is refused.
print(f"{len(caught)} warnings were given above, once for each copy of the net:", caught[0].message)
model.train()
try:
    model(x[:1])
except ValueError as error:
    print("one sample in training:", error)

# %% The ways to say it. eval() and train() walk the whole tree; evaluating() restores every module's own mode.
with model.evaluating():
    print("inside evaluating():", model[1].training, end=", ")
print("after it:", model[1].training)

# %% Frozen BatchNorm keeps parameters, statistics and mode, whatever train() says later: for fine-tuning.
model.eval()
model[1].freeze()
kept = model[1].running_mean.clone()
model.train()
model(x[by_class[:32]])
frozen_moved = (model[1].running_mean - kept).abs().max().item()
print(f"the net is in training: {model.training}; frozen statistics moved by {frozen_moved}; {model[1]}")

# %% [markdown]
# To try:
#
# 1. `mg.nn.utils.fuse(model.eval())` (chapter 12) has no BatchNorm left. Can one still forget eval()?
# 2. Spoil the statistics as above, and then cure them: `optim.swa_utils.update_bn(loader, model)`. How good is it then?
