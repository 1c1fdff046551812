"""Floor 4: datasets to learn from, splits, and the loader that cuts them into batches.

>>> train, test = data.train_test_split(data.moons())
>>> for x, y in data.DataLoader(train, batch_size=400, shuffle=True):
...     print(x.shape, y.shape)
(400, 2) (400,)
(400, 2) (400,)
"""

from .dataset import Dataset, TensorDataset
from .digits import digits
from .loader import DataLoader
from .sources import DATASETS, Source, find_source, load_dataset
from .split import train_test_split
from .toy import blobs, checkerboard, circles, moons, sine, spirals, xor

# fmt: off
__all__ = [
    "DATASETS", "DataLoader", "Dataset", "Source", "TensorDataset", "blobs", "checkerboard", "circles", "digits",
    "find_source", "load_dataset", "moons", "sine", "spirals", "train_test_split", "xor",
]
