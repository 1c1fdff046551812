"""Folding BatchNorm away: in evaluation it is one multiplication and one addition, which the layer before can do.

In eval mode mean and variance are constants, so BatchNorm is a straight line for each channel. A line after a line is a
line: the weights of the Linear or convolution in front are scaled once, and BatchNorm is gone.
"""

# %%
import minigrad as mg
from minigrad import data, nn, optim
from minigrad.compile import capture
from minigrad.nn import functional as F

# %% Train a small convolutional net on digits, so that the running statistics are those of real data.
mg.manual_seed(0)
pixels, digits = data.digits()[:]
train, test = data.train_test_split(data.TensorDataset(pixels.reshape(-1, 1, 8, 8), digits))
x, target = test[:]
model = nn.Sequential(
    *[nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()],
    *[nn.Linear(128, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10)],
)
optimizer = optim.Adam(model.parameters(), lr=3e-3)
for inputs, labels in data.DataLoader(train, batch_size=32, shuffle=True):
    optimizer.zero_grad()
    F.cross_entropy(model(inputs), labels).backward()
    optimizer.step()
model.eval()

# %% By hand, for the Linear: weight' = weight * gamma / sqrt(var + eps), bias' = beta - mean * gamma / sqrt(var + eps).
linear, bn = model[5], model[6]
scale = (bn.weight / mg.sqrt(bn.running_var + bn.eps)).detach()
by_hand = linear.weight.detach() * scale[:, None], bn.bias.detach() - bn.running_mean * scale

# %% fuse does it for every BatchNorm that has a layer in front of it, in a copy.
fused = nn.utils.fuse(model, x)
weights_apart = max((a - b).abs().max().item() for a, b in zip(by_hand, (fused[5].weight, fused[5].bias)))
print(fused)
print(f"the Linear's weights and bias are at most {weights_apart:.1e} from those by hand")

# %% The same function: the same answers, and outputs that differ by rounding.
with mg.no_grad():
    before, after = model(x), fused(x)
outputs_apart = (before - after).abs().max().item() / before.abs().max().item()
accuracies = [(y.argmax(1) == target).float().mean().item() for y in (before, after)]
same = int((before.argmax(1) == after.argmax(1)).sum().item())
print(f"outputs at most {outputs_apart:.1e} (relative) apart; {same} of {len(x)} answers are the same")
print(f"test accuracy before {accuracies[0]:.1%}, after {accuracies[1]:.1%}")

# %% What is saved: numbers to store, and instructions to run, counted in the captured programs of both nets.
numbers = [sum(value.numel() for value in net.state_dict().values()) for net in (model, fused)]
with mg.no_grad():
    instructions = [len(capture(net, x, state=[net])[0].instructions) for net in (model, fused)]
print(f"numbers in the state: {numbers[0]} -> {numbers[1]}")
print(f"NumPy calls for a prediction: {instructions[0]} -> {instructions[1]}")

# %% It is for evaluation only: in training the statistics are the batch's, and no constants.
try:
    nn.utils.fuse(model.train(), x)
except ValueError as error:
    print("in training mode:", error)

# %% [markdown]
# To try:
#
# 1. Put the ReLU in front of a BatchNorm. Why can that BatchNorm not be folded into the layer before, and what does
#    fuse do about it?
# 2. Fine-tune the fused net for an epoch. Does it learn as the net with BatchNorm did?
