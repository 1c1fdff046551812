"""An MLP by hand and by module: a training step is five lines, and modules only keep the parameters together.

The same net is written twice, first with four tensors and an update by hand, then with nn.Sequential and an optimiser.
Both start from the same weights, see the same data, and go the same way.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

STEPS, LR = 400, 0.5

# %% The data: two half moons in the plane, 300 points to learn from and 200 to be tested with.
train, test = data.train_test_split(data.moons(500, noise=0.15), test_size=0.4)
x, target = train[:]
test_x, test_target = test[:]
print("inputs", tuple(x.shape), "classes", np.bincount(target.numpy()).tolist())

# %% The parameters by hand: two matrices and two vectors that ask for gradients.
mg.manual_seed(0)
W1 = (mg.randn(16, 2) * 0.7).requires_grad_()
b1 = mg.zeros(16, requires_grad=True)
W2 = (mg.randn(2, 16) * 0.25).requires_grad_()
b2 = mg.zeros(2, requires_grad=True)
parameters = [W1, b1, W2, b2]

# %% The same net as a module, with the same numbers to start with.
model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
model.load_state_dict({"0.weight": W1, "0.bias": b1, "2.weight": W2, "2.bias": b2})


# %% By hand: forward, loss, backward, and a step against the gradient, which must not itself be recorded.
def forward(x):
    return mg.relu(x @ W1.T + b1) @ W2.T + b2


losses_by_hand = []
for _ in range(STEPS):
    for parameter in parameters:
        parameter.grad = None
    loss = F.cross_entropy(forward(x), target)
    loss.backward()
    with mg.no_grad():
        for parameter in parameters:
            parameter -= LR * parameter.grad
    losses_by_hand.append(loss.item())

# %% By module: the same five lines, which do not change when the net has a hundred layers.
optimizer = optim.SGD(model.parameters(), lr=LR)
losses_by_module = []
for _ in range(STEPS):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), target)
    loss.backward()
    optimizer.step()
    losses_by_module.append(loss.item())

# %% What came out. The two ways may differ by rounding: Linear multiplies and adds in one call.
apart = max(abs(a - b) for a, b in zip(losses_by_hand, losses_by_module))
print(f"loss {losses_by_hand[0]:.4f} -> {losses_by_hand[-1]:.4f}, the two ways at most {apart:.1e} apart")
with mg.no_grad():
    accuracies = [(net(test_x).argmax(1) == test_target).float().mean().item() for net in (forward, model)]
print(f"test accuracy by hand {accuracies[0]:.1%}, by module {accuracies[1]:.1%}")
straight = (test_x.numpy() @ np.linalg.lstsq(x.numpy(), 2.0 * target.numpy() - 1, rcond=None)[0] > 0).astype(int)
print(f"a straight line through the origin gets {np.mean(straight == test_target.numpy()):.1%}")

# %% [markdown]
# To try:
#
# 1. Leave out `parameter.grad = None`. What is added up then, and what does the loss do?
# 2. Leave out the ReLU. Why is the net then no better than a straight line, however wide it is?
