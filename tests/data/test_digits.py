"""The digits in the package."""

import hashlib
from pathlib import Path

import numpy as np

from minigrad import data
from tests.data.batches import arrays


def test_the_digits_are_those_of_the_repository():
    with np.load(Path(data.__file__).with_name("digits.npz")) as file:
        images, labels = file["images"], file["labels"]
    assert images.shape == (1797, 8, 8) and images.dtype == labels.dtype == np.uint8
    assert images.max() == 16 and images.sum() == 561718
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert labels[:12].tolist() == [*range(10), 0, 1]
    assert images[0].tolist() == [
        [0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0],
    ]
    checksums = [hashlib.sha256(array.tobytes()).hexdigest()[:16] for array in (images, labels)]
    assert checksums == ["8f26b2bd9d135c25", "8ba4f891220f5e4c"]


def test_digits_are_scaled_and_flat():
    x, y = arrays(data.digits())
    with np.load(Path(data.__file__).with_name("digits.npz")) as file:
        np.testing.assert_array_equal(x * 16, file["images"].reshape(1797, 64))
        np.testing.assert_array_equal(y, file["labels"])
    assert x.min() == 0 and x.max() == 1
