"""Densities: a mixture fitted by gradient steps, a small variational model, clusters by distances."""

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

t = torch.arange(120.0)
data = torch.where(t % 3 == 0, 2.0 + 0.3 * torch.sin(t * 1.3), -1.0 + 0.6 * torch.cos(t * 0.7))
logits = torch.zeros(2, requires_grad=True)
means = torch.tensor([-0.5, 0.5], requires_grad=True)
log_scales = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adam([logits, means, log_scales], lr=0.05)
for _ in range(150):
    optimizer.zero_grad()
    components = Normal(means, F.softplus(log_scales) + 1e-3)
    joint = F.log_softmax(logits, 0) + components.log_prob(data.unsqueeze(1))
    loss = -torch.logsumexp(joint, dim=1).mean()
    loss.backward()
    optimizer.step()
print(
    round(loss.item(), 4),
    [round(m, 3) for m in means.sort().values.tolist()],
    Categorical(logits=logits).entropy().item(),
)

encode = torch.linspace(-0.5, 0.5, 6).view(2, 3).requires_grad_()
decode = torch.linspace(0.4, -0.3, 6).view(3, 2).requires_grad_()
x = (torch.stack([data.sign(), data.cos().sign(), data.sin().sign()], 1) > 0).float()[:40]
noise = torch.erfinv(torch.linspace(-0.9, 0.9, 80)).mul(2**0.5).view(40, 2)
optimizer = torch.optim.Adam([encode, decode], lr=0.05)
for _ in range(60):
    optimizer.zero_grad()
    code = Normal(x @ encode.t(), torch.full((40, 2), 0.7))
    z = code.mean + code.stddev * noise
    reconstruction = Bernoulli(logits=z @ decode.t()).log_prob(x).sum(-1)
    elbo = (reconstruction - kl_divergence(code, Normal(torch.zeros(2), torch.ones(2))).sum(-1)).mean()
    (-elbo).backward()

    optimizer.step()
print(round(elbo.item(), 4), torch.linalg.vector_norm(decode).item())

points = torch.stack([torch.cos(t * 2.4) * (1 + t % 3), torch.sin(t * 2.4) * (1 + t % 3)], dim=1)
centres = points[[0, 1, 2]].clone()
for _ in range(10):
    nearest = torch.cdist(points, centres).argmin(dim=1)
    sums = torch.zeros(3, 2).index_add_(0, nearest, points)
    sizes = torch.zeros(3).scatter_add_(0, nearest, torch.ones(len(points)))
    centres = sums / sizes.clamp(min=1).unsqueeze(1)
print(sizes.int().tolist(), [round(c, 3) for c in centres.flatten().tolist()])
distances, neighbours = torch.cdist(points[:5], points).topk(3, largest=False)
print(distances[:, 1:].sum().item(), neighbours[:, 0].tolist())
print(F.cosine_similarity(points[:3], centres).tolist(), torch.einsum("ni,nj->ij", points, points).trace().item())
print(torch.cumsum(data, 0)[-1].item(), torch.var_mean(data)[0].item(), torch.unique(data > 0).tolist())
