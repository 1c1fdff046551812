"""Memory of arrays that have been freed stays with the process, for the arrays that come next.

glibc gives the memory of an array of 128 kB or more back to the system when it is freed, and each page of the next such
array costs a page fault. Forward and backward of five times ``(y * 1.1).tanh() + x`` take 2,180 us at (256, 256) with
736 page faults, and 570 without, 30 and 7 ms at (1000, 1000); an MLP 2-64-64-2 at batch 1024 takes 1,650 and 960 us.
glibc stops it for arrays up to the size of the largest it has freed, of at most 32 MB (mallopt(3): the threshold is
dynamic). So one is freed here, of which no page was touched. The most memory that three trainings took grew by 1 to
3 %, what stayed with the process after them by 21 to 46 MB; threads and child processes have it alike. Who sets
``MALLOC_TRIM_THRESHOLD_`` or ``MALLOC_MMAP_THRESHOLD_`` decides instead, and other C libraries do not care.
"""

from __future__ import annotations

import numpy as np

LARGEST = 31 << 20
"""Bytes: with 32 MB and the bookkeeping beside it there is no effect."""

np.empty(LARGEST, np.uint8)
