"""A model of the next letter, from counts and then from an embedding and a hidden layer."""

import torch
import torch.nn.functional as F

words = ["anna", "hannah", "nina", "ian", "diana", "adina", "hanna", "dina", "aidan", "indiana"]
letters = [".", *sorted(set("".join(words)))]
index = {letter: i for i, letter in enumerate(letters)}
size = len(letters)

counts = torch.zeros((size, size), dtype=torch.int32)
for word in words:
    for first, second in zip("." + word, word + "."):
        counts[index[first], index[second]] += 1
P = (counts + 1).float()
P /= P.sum(1, keepdim=True)
log_likelihood, n = 0.0, 0
for word in words:
    for first, second in zip("." + word, word + "."):
        log_likelihood += torch.log(P[index[first], index[second]])
        n += 1
print(f"{-log_likelihood.item() / n:.5f}", counts.sum().item(), P.argmax(1).tolist())

block = 3
X, Y = [], []
for word in words:
    context = [0] * block
    for letter in word + ".":
        X.append(context)
        Y.append(index[letter])
        context = [*context[1:], index[letter]]
X, Y = torch.tensor(X), torch.tensor(Y)
print(X.shape, Y.dtype, F.one_hot(Y, num_classes=size).sum(0).tolist())

span = torch.arange(1, 1000).float().sin()
C = span[: size * 2].reshape(size, 2).clone()
W1 = (span[50 : 50 + block * 2 * 10].view(block * 2, 10) * 0.5).clone()
b1 = torch.zeros(10)
gain, bias = torch.ones((1, 10)), torch.zeros((1, 10))
W2 = (span[200 : 200 + 10 * size].view(10, size) * 0.1).clone()
b2 = torch.zeros(size)
parameters = [C, W1, b1, gain, bias, W2, b2]
for p in parameters:
    p.requires_grad = True
print(sum(p.nelement() for p in parameters))

for step in range(200):
    batch = (torch.arange(16) * 7 + step * 5) % X.shape[0]
    embedded = C[X[batch]]
    hidden = embedded.view(embedded.shape[0], -1) @ W1 + b1
    mean, std = hidden.mean(0, keepdim=True), hidden.std(0, keepdim=True)
    hidden = torch.tanh(gain * (hidden - mean) / (std + 1e-5) + bias)
    logits = hidden @ W2 + b2
    loss = F.cross_entropy(logits, Y[batch])
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.1 * p.grad
    if step % 50 == 49:
        print(step, round(loss.item(), 5))

with torch.no_grad():
    hidden = C[X].flatten(1) @ W1 + b1
    hidden = torch.tanh(gain * (hidden - hidden.mean(0)) / (hidden.std(0) + 1e-5) + bias)
    probabilities = F.softmax(hidden @ W2 + b2, dim=1)
    chosen = probabilities.gather(1, Y.unsqueeze(1)).squeeze(1)
    top = probabilities.topk(2, dim=1)
print(chosen.log().mean().neg().item(), (top.indices == Y[:, None]).any(dim=1).float().mean().item())
