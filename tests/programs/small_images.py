"""A small convolutional net with batch normalisation tells stripes from checks."""

import torch
import torch.nn.functional as F

size, n = 8, 24
rows = torch.arange(size).view(1, -1, 1)
columns = torch.arange(size).view(1, 1, -1)
shift = torch.arange(n).view(-1, 1, 1)
vertical = ((columns + shift) % 4 < 2).expand(n, size, size).float()
checks = (((rows + shift) // 2 + columns // 2) % 2).float()
noise = torch.sin(torch.arange(2 * n * size * size).float() * 12.9898).view(2 * n, size, size)
images = (torch.cat([vertical, checks]) + 0.3 * noise).unsqueeze(1)
labels = torch.cat([torch.zeros(n, dtype=torch.long), torch.ones(n, dtype=torch.long)])
print(images.shape, images.mean().item(), images.std().item())

wave = torch.cos(torch.arange(4000).float() * 1.7)
kernel1 = (wave[:36].view(4, 1, 3, 3) * 0.3).requires_grad_()
kernel2 = (wave[100 : 100 + 6 * 4 * 9].view(6, 4, 3, 3) * 0.15).requires_grad_()
gamma, beta = torch.ones(4, requires_grad=True), torch.zeros(4, requires_grad=True)
mean, var = torch.zeros(4), torch.ones(4)
weight = (wave[500:512].view(2, 6) * 0.2).requires_grad_()
bias = torch.zeros(2, requires_grad=True)
parameters = [kernel1, kernel2, gamma, beta, weight, bias]
optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9)


def net(x, training):
    x = F.conv2d(x, kernel1, padding=1)
    x = F.batch_norm(x, mean, var, gamma, beta, training=training)
    x = F.max_pool2d(F.leaky_relu(x, 0.1), 2)
    x = F.silu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel2, stride=2))
    x = F.adaptive_avg_pool2d(x, 1).flatten(1)
    return F.linear(x, weight, bias)


order = (torch.arange(2 * n) * 29) % (2 * n)
for epoch in range(8):
    total = 0.0
    for batch in order.split(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images[batch], True), labels[batch], label_smoothing=0.05)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
    if epoch % 2:
        print(epoch, round(total / (2 * n), 5))

with torch.inference_mode():
    logits = net(images, False)
print((logits.argmax(dim=-1) == labels).sum().item(), [round(v, 4) for v in mean.tolist()])
confusion = torch.zeros(2, 2, dtype=torch.int64)
confusion.index_put_((labels, logits.argmax(1)), torch.ones(2 * n, dtype=torch.int64), accumulate=True)
print(confusion.tolist(), torch.bincount(logits.argmax(1), minlength=2).tolist())
up = F.conv_transpose2d(images[:1], kernel1.detach().transpose(0, 1)[:, :2].permute(0, 1, 2, 3), stride=2)
print(up.shape, round(up.abs().sum().item(), 3), images.unfold(2, 4, 4).shape)
