# Floor 4: imports come from the floors below.
"""Datasets to learn from, splits, and the loader that cuts them into batches: ``mg.data``.

>>> train, test = data.train_test_split(data.moons())
>>> for x, y in data.DataLoader(train, batch_size=400, shuffle=True):
...     print(x.shape, y.shape)
(400, 2) (400,)
(400, 2) (400,)
"""

from .collate import default_collate, default_convert
from .combined import ChainDataset, StackDataset, Subset, random_split
from .dataset import ConcatDataset, Dataset, IterableDataset, TensorDataset
from .digits import digits
from .loader import DataLoader
from .mnist import MNIST
from .samplers import (
    BatchSampler,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .sources import DATASETS, Source, find_source, load_dataset
from .split import train_test_split
from .table import TableError
from .tabular import auto_mpg, iris
from .toy import blobs, checkerboard, circles, moons, sine, spirals, xor

# fmt: off
__all__ = [
    "DATASETS", "MNIST", "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset",
    "DistributedSampler", "IterableDataset", "RandomSampler", "Sampler", "SequentialSampler", "Source",
    "StackDataset", "Subset", "SubsetRandomSampler", "TableError", "TensorDataset", "WeightedRandomSampler",
    "auto_mpg", "blobs", "checkerboard", "circles", "default_collate", "default_convert", "digits", "find_source",
    "iris", "load_dataset", "moons", "random_split", "sine", "spirals", "train_test_split", "xor",
]
