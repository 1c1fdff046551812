"""Every threshold of the kernels, each with the figure that decided it."""

from __future__ import annotations

ROWS = 128
"""Rows summed at a time: few enough for a small rounding error, many enough to be fast."""
FEW_ROWS = 16
"""Rows summed at a time where the rounding error counts more than the time."""


FEW_ELEMENTS = 1 << 13
"""Elements up to which an array of constants is kept to be used again."""
LONG_ROW = 1 << 13
"""Elements of a long row: NumPy repeats a vector along the rows of a matrix at half the speed unless it is longer than
half its buffer (``np.getbufsize()``, 8192)."""


SMALL = 1 << 13
"""Elements up to which starting an operation takes longer than doing it: fewer steps win, even in float64."""
WORTH_JOINING = 1 << 15
"""Elements of a batch from which joining short rows to long ones takes less time than it saves."""
LARGE = 1 << 19
"""Elements from which a batch is worked on in blocks."""
BLOCK_BYTES = 1 << 21
"""Bytes of a block: few enough for the caches, many enough to make little of what a call costs."""
SHARED_BYTES = 1 << 23
"""Bytes of a batch from which threads share the work."""
LONG_CHANNEL = 1 << 8
"""Values of a channel in one sample from which it is faster to add these up before those of other samples."""
PIECE = 1 << 10
"""Elements of a row added up at a time: few enough for a small rounding error."""
FEW_VALUES = 32
"""So many of each channel's values tell well enough whether its mean is far from 0."""


SHORT_ROW = 64
"""Elements up to which NumPy loses time between rows."""


SMALL_PARAMETER = 1 << 16
"""Elements up to which an optimiser updates a parameter together with others, for which its gradient is copied."""
PARAMETER_BLOCK = 1 << 18
"""Elements that an optimiser updates at a time: few enough for the caches, many enough to make little of what a call
costs."""
CACHE_LINE = 64
"""Bytes of a line of the cache: operations in place on memory that begins at one take NumPy up to a fifth less."""
