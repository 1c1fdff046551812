"""Floor 4: datasets to learn from, splits, and the loader that cuts them into batches.

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
from .samplers import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .sources import DATASETS, Source, find_source, load_dataset
from .split import train_test_split
from .toy import blobs, checkerboard, circles, moons, sine, spirals, xor

# fmt: off
__all__ = [
    "DATASETS", "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "IterableDataset",
    "RandomSampler", "Sampler", "SequentialSampler", "Source", "StackDataset", "Subset", "SubsetRandomSampler",
    "TensorDataset", "WeightedRandomSampler", "blobs", "checkerboard", "circles", "default_collate", "default_convert",
    "digits", "find_source", "load_dataset", "moons", "random_split", "sine", "spirals", "train_test_split", "xor",
]
