"""The experiment of figure 1: BatchNorm makes a deep net of sigmoids learn at once, and keeps their inputs in place.

S. Ioffe and C. Szegedy showed in 2015 three hidden layers of 100 sigmoids, with and without BatchNorm: test accuracy by
step, and the percentiles of the input of one sigmoid. This is a small version on digits of 8x8 pixels; `minigrad
compare digits` is the whole one, with the paper's sizes and the picture, and with several seeds if you ask for them.
"""

# %%
from itertools import chain, repeat

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

WIDTH, LAYERS, STEPS, BATCH, LR = 50, 3, 1500, 60, 2.0
PERCENTILES = (15, 50, 85)

train, test = data.train_test_split(data.digits())
test_x, test_target = test[:]


# %% Both nets have the same small Gaussian weights. Only the BatchNorm in front of the sigmoids is there or not.
def sigmoid_net(batchnorm):
    mg.manual_seed(0)
    model, inputs = nn.Sequential(), 64
    for _ in range(LAYERS):
        model.append(nn.Linear(inputs, WIDTH))
        if batchnorm:
            model.append(nn.BatchNorm1d(WIDTH))
        model.append(nn.Sigmoid())
        inputs = WIDTH
    model.append(nn.Linear(WIDTH, 10))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)
    return model


# %% Train on the same batches, and look every 50 steps at the accuracy and at the input of a sigmoid of the last layer.
def trained(model, unit=0):
    optimizer = optim.SGD(model.parameters(), lr=LR)
    loader = data.DataLoader(train, batch_size=BATCH, shuffle=True, drop_last=True, generator=0)
    epochs = chain.from_iterable(repeat(loader))
    steps, accuracies, inputs = [], [], []
    for step, (x, target) in zip(range(STEPS + 1), epochs):
        if step % 50 == 0:
            with model.evaluating(), mg.no_grad():
                before = model[:-2](test_x)  # all but the last sigmoid and the last linear layer
                output = model[-2:](before)
            steps.append(step)
            accuracies.append((output.argmax(1) == test_target).float().mean().item())
            inputs.append(np.percentile(before[:, unit].numpy(), PERCENTILES))
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    return steps, accuracies, np.array(inputs)


runs = {"with BatchNorm": trained(sigmoid_net(True)), "without": trained(sigmoid_net(False))}

# %% Figure 1 (a): how soon each net reads the digits.
for name, (steps, accuracies, _) in runs.items():
    shown = ", ".join(f"{steps[i]}: {accuracies[i]:.1%}" for i in range(0, len(steps), 6))
    print(f"{name:15} test accuracy after steps {shown}")
first = {name: next((s for s, a in zip(run[0], run[1]) if a > 0.9), None) for name, run in runs.items()}
for name, step in first.items():
    print(f"{name:15} above 90 %:", f"first at step {step}" if step is not None else f"not within {STEPS} steps")

# %% Figure 1 (b, c): the 15th, 50th and 85th percentile of the input of a sigmoid. A sigmoid is steep near 0 and flat
# beyond 4 on either side. With BatchNorm the inputs lie on both sides of 0, without it they wander off to one.
for name, (steps, _, inputs) in runs.items():
    for i in (0, len(steps) // 2, len(steps) - 1):
        low, middle, high = inputs[i]
        print(f"{name:15} step {steps[i]:4}: 15% {low:7.3f}   50% {middle:7.3f}   85% {high:7.3f}")

# %% [markdown]
# To try:
#
# 1. Give the net without BatchNorm better weights to start with (delete the loop over `model`). How much of the
#    difference was due to the start?
# 2. Divide the learning rate by 10. Which of the two nets depends more on it? Chapter 7 asks that of 36 settings.
