"""Every threshold of the kernels, each with the figure that decided it.

Times are microseconds on one core of an AMD EPYC (family 25, model 17) with NumPy 2.4 and one BLAS thread, in float32.
"""

from __future__ import annotations

# -- sums ----------------------------------------------------------------------------------------

ROWS = 128
"""Rows summed at a time. The sum of (16384, 64) takes 72 with 16 rows, 56 with 128 and 50 with all of them at once, and
is wrong by 1e-7, 1e-7 and 1e-6 of itself."""
MANY_ROWS = 8 * ROWS
"""Rows of a matrix above which a product with a single column works in blocks: 65,536 rows of 64 are wrong by 1e-7 of
their sum instead of 4e-6 and take 371 instead of 304; 1,024 take 8 instead of 3, and are wrong by 5e-7 at most."""
FEW_ROWS = 16
"""Rows summed at a time where the rounding error counts more than the time: (1024, 64) takes 8 instead of 4, and is
wrong by 2e-8 instead of 1e-7 of itself."""
LONG_RUN = ROWS << 13
"""Elements side by side that are left to ``np.add.reduce``: NumPy 2.0 adds its buffers of 8,192 elements one after
the other, so that 4,000,000 equal terms are wrong by 4e-6 of their sum."""
PIECE = 1 << 10
"""Elements of a row added up at a time. A million take 145 in pieces of 64, 66 of 1,024 and 90 as one, and the
rounding error of a product does not grow with the row."""

# -- adding at an index --------------------------------------------------------------------------

LONG_SLICE = 1 << 9
"""Elements of a slice from which slices are added one by one: a thousand of 256, 512 and 1,024 elements take 1,510,
1,490 and 1,150 that way, and 720, 1,360 and 10,600 element by element."""

# -- constants and broadcasting ------------------------------------------------------------------

FEW_ELEMENTS = 1 << 13
"""Elements up to which an array of constants is kept to be used again: the 16 arrays of zeros that are kept take 1 MB
at most."""
LONG_ROW = 1 << 13
"""Elements of a long row. Multiplying 262,144 elements by a row vector takes 51 to 57 if the row has 256 to 4,096
elements and 35 if it has more: NumPy broadcasts along rows of at most half its buffer (``np.getbufsize()``, 8,192) in
pieces."""
SHORT_ROW = 64
"""Elements of a row from which relu compares with a row of zeros: 65,536 elements take 42 in rows of 8, 29 of 16, 17
of 64. With the number 0 they take 25 in rows of any length."""

# -- moments of a batch --------------------------------------------------------------------------

SMALL_BATCH = 1 << 13
"""Elements up to which moments are computed in float64, in fewer steps: 12 instead of 14 at 8,192 elements, 21
instead of 18 at 16,384."""
WORTH_JOINING = 1 << 15
"""Elements of a batch from which short rows are joined to long ones: batch normalisation, forward and backward, takes
42 instead of 34 at (128, 64), 79 instead of 88 at (512, 64), 228 instead of 273 at (1024, 128)."""
LARGE = 1 << 19
"""Elements from which a batch is worked on in blocks: batch normalisation takes 536 instead of 436 at 262,144, 859
instead of 866 at 524,288, and 10,500 instead of 15,300 at 4,194,304."""
BLOCK_BYTES = 1 << 21
"""Bytes of a block: batch normalisation of (4096, 1024) takes 12,500 in blocks of 256 kB, 10,100 of 2 MB, 11,100 of
16 MB."""
LONG_CHANNEL = 1 << 8
"""Values of a channel in one sample from which samples are summed first. At 64 values sums take 39 instead of 18 that
way, at 256 values 19 instead of 17, and sums of products, which need no array of products then, 27 instead of 53."""
FEW_VALUES = 32
"""Values of each channel sampled to decide whether a shift is needed: their mean is within std / 2 of the channel's
with a probability of 99.5 %, and a wrong guess costs a second pass only."""

# -- threads -------------------------------------------------------------------------------------

SHARED_BYTES = 1 << 23
"""Bytes of a batch from which threads share the work: four blocks. At 2 MB batch normalisation by two threads takes
989 instead of 819; above, sharing pays as far as another core is idle."""
MOST_THREADS = 4
"""Threads that share it: more of them wait for the memory, and for each other."""

# -- optimisers ----------------------------------------------------------------------------------

SMALL_PARAMETER = 1 << 16
"""Elements up to which an optimiser updates a parameter together with others, for which its gradient is copied."""
PARAMETER_BLOCK = 1 << 18
"""Elements that an optimiser updates at a time: few enough for the caches, many enough to make little of what a call
costs."""
CACHE_LINE = 64
"""Bytes of a line of the cache: operations in place on memory that begins at one take NumPy up to a fifth less."""

# -- convolution and pooling -----------------------------------------------------------------------

WINDOW_BYTES = 1 << 20
"""Bytes of the windows that are copied side by side at a time. A convolution of (32, 32, 28, 28) with 64 filters 3 x 3
takes 11,300 in blocks of 512 kB to 2 MB, and 13,600 with all of them at once; of (8, 64, 56, 56) 25,000 and 34,000."""
FEW_WINDOWS = 16
"""Windows of a sample up to which those of many samples make one matrix. With 128 filters, 256 samples of 64 channels
take 750 instead of 1,800 if each has 1 window, 11,300 and 11,400 if it has 16; the gradient of the filters takes 840
instead of 58,000, and 11,200 instead of 14,800."""

# -- functions of many steps -----------------------------------------------------------------------

ELEMENTS_OF_A_BLOCK = 1 << 13
"""Elements of a function of many steps computed at a time. The error function of a million elements in float64 takes
50,000 in blocks of 1,024, 25,000 of 4,096, 22,000 of 8,192, 20,000 of 16,384 and 45,000 as one."""

# -- orders ----------------------------------------------------------------------------------------

SHORT_SORT = 16
"""Elements of a row up to which NumPy's stable sort is as fast as the default one with ties put in order: 16,384
elements take 84 instead of 104 in rows of 16, 180 instead of 112 in rows of 24."""
FEW_RANKS = 3
"""Ranks along an axis that are looked for one by one: in (1000, 1000) one takes 6,300, two 13,000, four 24,000, and the
stable order of all 23,000."""

# -- scans -----------------------------------------------------------------------------------------

WIDE_ROW = 256
"""Elements of a row from which rows are added one after the other: (1000, 128) takes 960 instead of 710, (1000, 256)
1,100 instead of 1,600, and (1000, 1000) 2,400 instead of 14,000."""

# -- distances -----------------------------------------------------------------------------------

CLOSE = 0.125
"""How close pairs of rows are whose differences are computed: by the square of the distance beside the sum of the
squares of both norms. The rounding error of the others grows by the inverse of it."""
FEW_CLOSE = 0.25
"""The share of close pairs up to which the others are worth a product of matrices."""
FEW_DIFFERENCES = 1 << 12
"""Differences up to which all are computed."""
PAIRS_BLOCK = 1 << 15
"""Differences that are computed together."""
