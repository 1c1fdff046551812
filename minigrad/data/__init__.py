"""Floor 5: datasets to learn from, splits, and the loader that cuts them into batches.

>>> train, test = data.train_test_split(data.moons())
>>> for x, y in data.DataLoader(train, batch_size=32, shuffle=True):
...     ...
"""

from .dataset import Dataset as Dataset
from .dataset import TensorDataset as TensorDataset
from .digits import digits as digits
from .loader import DataLoader as DataLoader
from .sources import DATASETS as DATASETS
from .sources import Source as Source
from .sources import find_source as find_source
from .sources import load_dataset as load_dataset
from .split import train_test_split as train_test_split
from .toy import blobs as blobs
from .toy import checkerboard as checkerboard
from .toy import circles as circles
from .toy import moons as moons
from .toy import sine as sine
from .toy import spirals as spirals
from .toy import xor as xor
