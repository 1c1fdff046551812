"""A small convolutional net with batch normalisation reads handwritten digits: 8x8 pixels, 99 of 100 right.

Run it: python examples/digits_cnn.py [seed]
"""

from __future__ import annotations

import sys

import minigrad as mg
from minigrad import data, nn, optim

EPOCHS = 15


def net() -> nn.Sequential:
    """Two stages of convolution, batch normalisation and ReLU, then pooling, dropout and a linear layer.

    The convolutions have no bias: batch normalisation would subtract it with the mean.
    """
    return nn.Sequential(
        nn.Conv2d(1, 24, 3, padding=1, bias=False),
        nn.BatchNorm2d(24),
        nn.ReLU(),
        nn.Conv2d(24, 48, 3, padding=1, bias=False),
        nn.BatchNorm2d(48),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(48 * 4 * 4, 10),
    )


def trained(seed: int, epochs: int = EPOCHS) -> tuple[nn.Sequential, float]:
    """The net trained from a seed, and the share of the test images it reads."""
    mg.manual_seed(seed)
    pixels, digits = data.digits()[:]
    images = data.TensorDataset(pixels.reshape(-1, 1, 8, 8), digits)
    train, test = data.train_test_split(images, test_size=0.2, seed=seed)
    loader = data.DataLoader(train, batch_size=64, shuffle=True)
    model = net()
    optimizer = optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=epochs * len(loader))
    for _ in range(epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), labels, label_smoothing=0.1).backward()
            optimizer.step()
            schedule.step()
    inputs, labels = test[:]
    with model.evaluating(), mg.no_grad():
        right = model(inputs).argmax(dim=1) == labels
    return model, right.float().mean().item()


def main() -> None:
    """Train from the seed on the command line, 0 by default, and say how many test images were read."""
    seed = int(sys.argv[1]) if sys.argv[1:] else 0
    model, accuracy = trained(seed)
    print(model)
    print(f"test accuracy {accuracy:.2%}")


if __name__ == "__main__":
    main()
