"""Real data: handwritten digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..tensor.creation import from_numpy
from .dataset import TensorDataset

FILE = Path(__file__).with_name("digits.npz")


def digits() -> TensorDataset:
    """1,797 handwritten digits: images of 8x8 pixels, and what they show.

    Returns:
        Inputs (1797, 64), float32 from 0 (paper) to 1 (ink), and labels (1797,), int64 from 0 to 9.
        ``x[0].reshape(8, 8)`` is the first image.

    E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, 1998; ``digits.md`` beside this file
    has source and licence.

    >>> inputs, labels = data.digits()[:]
    >>> inputs.shape, labels.shape
    ((1797, 64), (1797,))
    """
    with np.load(FILE) as file:
        images, labels = file["images"], file["labels"]
    inputs = images.reshape(len(images), -1) / np.float32(16)
    return TensorDataset(from_numpy(inputs), from_numpy(labels.astype(np.int64)))
