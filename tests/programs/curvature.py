"""Jacobians, Hessians and Newton's method; gradients of gradients in a penalty."""

import torch
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vjp
from torch.func import functional_call, grad, jacfwd, jacrev


def rosenbrock(z):
    return (1 - z[0]) ** 2 + 100 * (z[1] - z[0] ** 2) ** 2


def polar(z):
    r, angle = z.unbind(-1)
    return torch.stack([r * torch.cos(angle), r * torch.sin(angle)], dim=-1)


z = torch.tensor([-1.2, 1.0], dtype=torch.double)
for _ in range(6):
    H = hessian(rosenbrock, z)
    g = jacobian(rosenbrock, z)
    determinant = H[0, 0] * H[1, 1] - H[0, 1] * H[1, 0]
    inverse = torch.stack([torch.stack([H[1, 1], -H[0, 1]]), torch.stack([-H[1, 0], H[0, 0]])]) / determinant
    z = z - inverse.mv(g)
print(z.tolist(), rosenbrock(z).item())

point, direction = torch.tensor([2.0, 0.5], dtype=torch.double), torch.tensor([1.0, -1.0], dtype=torch.double)
print(jvp(polar, point, direction)[1].tolist(), vjp(polar, point, direction)[1].tolist())
print(hvp(rosenbrock, point, direction)[1].tolist())
print(torch.allclose(jacrev(polar)(point), jacfwd(polar)(point)), jacrev(polar)(point).tolist())
print(grad(grad(lambda t: torch.sin(t) * t**2))(torch.tensor(0.7)).item())

net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
with torch.no_grad():
    for i, p in enumerate(net.parameters()):
        p.copy_(torch.linspace(-0.8, 0.9, p.numel()).reshape(p.shape) + 0.05 * i)
x = torch.tensor([[0.3, -0.4], [1.1, 0.2], [-0.6, 0.9]], requires_grad=True)
out = net(x)
(slopes,) = torch.autograd.grad(out.sum(), x, create_graph=True)
penalty = ((slopes.norm(2, dim=1) - 1) ** 2).mean()
penalty.backward()
print(penalty.item(), [round(p.grad.abs().sum().item(), 6) if p.grad is not None else None for p in net.parameters()])

weights = dict(net.named_parameters())


def loss_of(parameters, inputs):
    return functional_call(net, parameters, (inputs,)).square().mean()


per_sample = [grad(loss_of)(weights, row.unsqueeze(0)) for row in x.detach()]
print([round(g["0.weight"].norm().item(), 6) for g in per_sample])

v = torch.tensor([3.0, -1.0, 2.0], requires_grad=True)
seen = []
handle = v.register_hook(lambda gradient: seen.append(gradient.tolist()) or gradient.clamp(max=2))
v.pow(2).sum().backward()
handle.remove()
print(seen, v.grad.tolist())
y = v * 2
y[1] = v[0] ** 2
y[[0, 2]] *= 3
y.sum().backward()
print(v.grad.tolist())
try:
    with torch.autograd.detect_anomaly():
        (v.sub(3).clamp(min=0).sqrt() * 0).sum().backward()
except RuntimeError as error:
    print("RuntimeError", "nan" in str(error).lower())
