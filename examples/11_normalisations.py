"""Normalisations compared: batch, layer, group, instance or none, in batches of 2 to 64.

They differ in one thing: over which numbers mean and variance are taken. BatchNorm takes each channel over the batch,
so it needs a batch; layer, group and instance normalisation take numbers of one sample, and do not. (Nets as small as
these run best on one thread: OPENBLAS_NUM_THREADS=1 python examples/11_normalisations.py.)
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

SIZES = [2, 4, 16, 64]
STEPS, LR = 200, 3e-3

# %% What each makes of the same batch (N, C, H, W) of samples that differ in their means: which means become 0?
IMAGES = {
    "batch": nn.BatchNorm2d,
    "layer": lambda channels: nn.GroupNorm(1, channels),  # one group: all channels and pixels of a sample
    "group": lambda channels: nn.GroupNorm(4, channels),  # a quarter of the channels, and their pixels
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),  # the pixels of one channel of a sample
    "none": lambda channels: nn.Identity(),
}
mg.manual_seed(0)
batch = mg.randn(8, 8, 6, 6) * 2 + mg.arange(8.0).reshape(8, 1, 1, 1) + mg.arange(8.0).reshape(1, 8, 1, 1)
axes = {"of a channel": (0, 2, 3), "of a sample": (1, 2, 3), "of a channel of a sample": (2, 3)}
means = {}
print(f"{'largest mean':14}" + "".join(f"{name:>26}" for name in axes))
for name, norm in IMAGES.items():
    y = norm(8)(batch).detach().numpy()
    means[name] = [np.abs(y.mean(over)).max() for over in axes.values()]
    print(f"{name:14}" + "".join(f"{value:26.1e}" for value in means[name]))


# %% A training: the same number of steps for every batch size, with Adam, on digits of 8x8 pixels.
pixels, digits = data.digits()[:]
train, test = data.train_test_split(data.TensorDataset(pixels.reshape(-1, 1, 8, 8), digits))
test_x, test_target = test[:]


def trained(model, batch_size):
    optimizer = optim.Adam(model.parameters(), lr=LR)
    sampler = data.RandomSampler(train, replacement=True, num_samples=STEPS * batch_size)
    for x, target in data.DataLoader(train, batch_size=batch_size, sampler=sampler):
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    with model.evaluating(), mg.no_grad():
        return (model(test_x).argmax(1) == test_target).float().mean().item()


def compared(norms, net, sizes):
    """The test accuracies for each normalisation, printed by batch size."""
    found = {}
    print(f"{'batch size':14}" + "".join(f"{size:8}" for size in sizes))
    for name, norm in norms.items():
        found[name] = []
        for size in sizes:
            mg.manual_seed(0)
            found[name].append(trained(net(norm), size))
        print(f"{name:14}" + "".join(f"{value:8.1%}" for value in found[name]))
    return found


# %% First an MLP: a channel is one number of each sample, so that a batch of 2 gives BatchNorm two numbers for a mean.
FEATURES = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm, "group": IMAGES["group"], "none": IMAGES["none"]}


def mlp(norm):
    hidden = [nn.Linear(64, 64, bias=False), norm(64), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(64, 64, bias=False), norm(64), nn.ReLU(), nn.Linear(64, 10))


print(f"an MLP, test accuracy after {STEPS} steps")
of_features = compared(FEATURES, mlp, SIZES)
for column in (0, -1):
    best = max(of_features, key=lambda name: of_features[name][column])
    print(f"best in batches of {SIZES[column]}: {best}")


# %% Then a convolutional net: a channel has all pixels of all samples, so that 2 images are 128 numbers.
def convolutional(norm):
    first = [nn.Conv2d(1, 8, 3, padding=1, bias=False), norm(8), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(8, 16, 3, padding=1, bias=False), norm(16), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(64, 10))


print(f"a convolutional net, test accuracy after {STEPS} steps")
of_images = compared(IMAGES, convolutional, [2, 64])
lost = {net: found["batch"][-1] - found["batch"][0] for net, found in (("MLP", of_features), ("the other", of_images))}
print("BatchNorm loses from 64 to 2: " + ", ".join(f"{net} {loss:.1%}" for net, loss in lost.items()))

# %% [markdown]
# To try:
#
# 1. Which of the five depend on the other images of the batch in eval mode? Test it as chapter 5 does.
# 2. Compare after the same number of images, not of steps: 32 times as many steps for batches of 2. What changes?
