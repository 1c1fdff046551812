"""A cubic is fitted to a sine: by hand, by autograd, and with a function of one's own."""

import math

import torch

dtype, device = torch.float, torch.device("cpu")
x = torch.linspace(-math.pi, math.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))


class Legendre(torch.autograd.Function):
    """The third polynomial of Legendre."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


coefficients = torch.full((4,), 0.1, requires_grad=True)
for t in range(300):
    prediction = coefficients[0] + (powers * coefficients[1:]).sum(-1)
    loss = (prediction - y).pow(2).sum()
    loss.backward()
    with torch.no_grad():
        coefficients -= 5e-6 * coefficients.grad
        coefficients.grad.zero_()
    if t % 100 == 99:
        print(t, loss.item())
print([round(c, 5) for c in coefficients.tolist()])

a, b, c, d = (torch.full((), v, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
for _ in range(300):
    prediction = a + b * Legendre.apply(c + d * x)
    loss = torch.nn.functional.mse_loss(prediction, y, reduction="sum")
    loss.backward()
    with torch.no_grad():
        for parameter in (a, b, c, d):
            parameter.sub_(parameter.grad, alpha=5e-6)
            parameter.grad = None
print(f"{loss.item():.5f} {a.item():.5f} {b.item():.5f} {c.item():.5f} {d.item():.5f}")

worst, where = (prediction - y).abs().max(dim=0)
print(worst.item(), where.item(), torch.allclose(prediction, y, atol=2.0))
error = (prediction - y).detach()
print(error.std().item(), error.median().item(), torch.quantile(error, 0.9).item(), error.norm().item())
print(torch.histc(error, bins=4, min=-1, max=1).tolist())
