"""Hessian-vector products: the curvature of a loss along any direction, for the price of two gradients.

The second derivatives of a loss with n parameters are a matrix of n times n, which is too much to compute or to keep.
But that matrix times a vector is the derivative of one number, the gradient along the vector; and that is all it takes
to find its largest eigenvalue, which says how large a learning rate may be.
"""

# %%
import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.nn import functional as F

# %% A small net with BatchNorm in training mode: second derivatives run through mean and variance as well.
mg.manual_seed(0)
x, target = data.moons(64)[:]
x = x.double()
model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2)).double()
parameters = list(model.parameters())
n = sum(parameter.numel() for parameter in parameters)
optimizer = optim.SGD(parameters, lr=0.3)
for _ in range(200):
    optimizer.zero_grad()
    F.cross_entropy(model(x), target).backward()
    optimizer.step()


def gradient(create_graph=False):
    """The gradient of the loss as one vector."""
    loss = F.cross_entropy(model(x), target)
    return mg.cat([part.reshape(-1) for part in mg.grad(loss, parameters, create_graph=create_graph)])


# %% The product: a gradient that is a graph, times the vector, differentiated once more.
def hessian_times(vector):
    along = (gradient(create_graph=True) * vector).sum()
    return mg.cat([part.reshape(-1) for part in mg.grad(along, parameters)])


# %% The whole matrix, column by column, is only to compare with: it takes n products.
H = np.stack([hessian_times(unit).numpy() for unit in mg.eye(n, dtype=mg.float64)])
vector = mg.randn(n, dtype=mg.float64)
product = hessian_times(vector)
product_apart = np.abs(product.numpy() - H @ vector.numpy()).max()
print(f"{n} parameters; the product is at most {product_apart:.0e} from the matrix times the vector")
print(f"the matrix is symmetric to {np.abs(H - H.T).max():.0e}")

# %% The same from outside: the change of the gradient when the parameters move a little along the vector.
start = nn.utils.parameters_to_vector(parameters).detach()
step = 1e-5
ends = []
for sign in (1, -1):
    nn.utils.vector_to_parameters(start + sign * step * vector, parameters)
    ends.append(gradient().numpy())
nn.utils.vector_to_parameters(start, parameters)
difference = (ends[0] - ends[1]) / (2 * step)
print(f"from the difference of two gradients: {np.abs(product.numpy() - difference).max():.0e}")

# %% The largest eigenvalue by power iteration: the product again and again, divided by its length.
direction = vector / vector.norm()
estimates = []
for _ in range(40):
    product = hessian_times(direction)
    estimates.append((direction @ product).item())
    direction = product / product.norm()
eigenvalues = np.linalg.eigvalsh(H)
exact = eigenvalues[np.abs(eigenvalues).argmax()]
print(f"largest eigenvalue: after 5 products {estimates[4]:.6f}, after 40 {estimates[-1]:.6f}, exact {exact:.6f}")

# %% Why that matters: where the parameters are a little off along that direction, a step of gradient descent multiplies
# what they are off by 1 - lr * eigenvalue. Up to lr = 2 / eigenvalue it shrinks; beyond, it grows.
off, rates = 1e-6, np.array([0.5, 1.0, 1.9, 2.0, 2.1]) / exact
at_start = gradient()
nn.utils.vector_to_parameters(start + off * direction, parameters)
change = ((gradient() - at_start) @ direction).item()
nn.utils.vector_to_parameters(start, parameters)
factors = 1 - rates * change / off
for rate, factor in zip(rates, factors):
    print(f"lr {rate:.3f}: what it is off is multiplied by {factor:6.3f}, by the eigenvalue {1 - rate * exact:6.3f}")

# %% mg.autograd.functional.hvp and mg.func.hessian do the same for functions of tensors.
_, of_function = mg.autograd.functional.hvp(lambda w: (w**4).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 1.0]))
print("second derivative of w ** 4 at 1 and 2:", of_function.tolist(), "by hand:", [12.0 * 1**2, 12.0 * 2**2])

# %% [markdown]
# To try:
#
# 1. How many eigenvalues are 0 to rounding? Which of them does BatchNorm cause? (Think of the bias in front of it, and
#    of chapter 8.)
# 2. Train for 5,000 steps, and look at the largest eigenvalue on the way. Does it stay below 2 / lr?
