"""MNIST, from files that the user has."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy import ndarray

from ..engine.arguments import switch
from ..tensor.creation import from_numpy
from .dataset import TensorDataset
from .idx import read_idx

FOLDERS = "", "raw", "MNIST/raw", "MNIST"
"""Where in the root folder the files may be; PyTorch's are in the third."""
STEMS = {True: "train", False: "t10k"}
SIDE, CLASSES = 28, 10


class MNIST(TensorDataset):
    """Images of handwritten digits of 28x28 pixels, 60,000 to train on and 10,000 to test on, from the user's files.

    Args:
        root: the folder with the four files, or with ``MNIST/raw`` as PyTorch makes it: ``train-images-idx3-ubyte``,
            ``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte`` and ``t10k-labels-idx1-ubyte``, also with ``.idx``
            instead of ``-idx``, or compressed as ``.gz``. Nothing is downloaded. Fashion-MNIST and others with files
            of these names are read as well.
        train: the images to train on, or those to test on.

    Items are an image (1, 28, 28), float32 from 0 to 1, and its label, int64.

    Raises:
        FileNotFoundError: if a file is missing, with the names that were looked for.
        ValueError: if a file is damaged, or has something else in it.

    >>> for name, header, values in [  # two white images, in files as they are published
    ...     ("train-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28], [255] * 2 * 28 * 28),
    ...     ("train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 2], [5, 0]),
    ... ]:
    ...     with open(name, "wb") as file:
    ...         _ = file.write(bytes(header + values))
    >>> images = mg.data.MNIST(".")
    >>> image, label = images[0]
    >>> len(images), image.shape, image.max(), label
    (2, (1, 28, 28), tensor(1.), tensor(5))
    """

    def __init__(self, root: str | os.PathLike[str], train: bool = True) -> None:
        stem = STEMS[switch(train, "MNIST: train")]
        images, labels = (find(Path(root), f"{stem}-{kind}") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        pictures, numbers = read_idx(images), read_idx(labels)
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (SIDE, SIDE) or not len(pictures):
            raise ValueError(f"{images} holds {described(pictures)}, not images of {SIDE}x{SIDE} bytes.")
        if numbers.dtype != np.uint8 or numbers.shape != pictures.shape[:1] or numbers.max() >= CLASSES:
            raise ValueError(
                f"{labels} holds {described(numbers)}, not a label from 0 to {CLASSES - 1} for each of "
                f"{len(pictures):,} images."
            )
        inputs = pictures[:, None].astype(np.float32)
        inputs /= 255
        super().__init__(from_numpy(inputs), from_numpy(numbers.astype(np.int64)))


def find(root: Path, name: str) -> Path:
    """The file of that name in the folder, however it is written and compressed."""
    names = [spelling + end for spelling in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]
    for folder in FOLDERS:
        for spelling in names:
            if (root / folder / spelling).is_file():
                return root / folder / spelling
    looked = "there is no such folder" if not root.is_dir() else f"it is not in {root}, nor in MNIST/raw there"
    raise FileNotFoundError(
        f"MNIST needs the file {name} (or {names[1]}), and {looked if root.is_dir() else f'{looked}: {root}'}. "
        "Put MNIST's four files there; minigrad downloads nothing."
    )


def described(array: ndarray) -> str:
    """An array in a few words."""
    return f"{array.dtype.name} {array.shape}"
