#!/usr/bin/env bash
# NumPy 2.4.6 on Linux with glibc 2.36: does it matter to `(y * 1.1) + x` which array was made and freed long before?
#
# Expected: no. The results of a loop have one size, and each takes the memory of the one before.
# Seen: arrays of 256 kB pay 64 page faults each, time after time, for their memory goes back to the system when they are
# freed. After one unused array of 31 MB (`np.empty`, no page of it touched) was made and freed there are none, and the
# loop takes a tenth to a half of the time. One of 32 MB changes nothing. 31 MB do it for all sizes below, since glibc takes
# the size of the largest array it has freed, of at most 32 MB with its bookkeeping, as its new threshold.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q numpy==2.4.6
cat > "$folder/run.py" <<'PY'
import platform
import resource
import sys
import time

import numpy as np

np.empty(int(sys.argv[1]) << 20, np.uint8)
x = np.ones((256, 256), np.float32)


def step():
    kept = [x]
    for _ in range(20):
        kept.append(kept[-1] * np.float32(1.1) + x)


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


for _ in range(3):
    step()
before, start = faults(), time.perf_counter()
for _ in range(100):
    step()
print(platform.libc_ver(), np.__version__, f"{(time.perf_counter() - start) * 1e4:.0f} us a step,", "page faults a step:")
print((faults() - before) // 100)
PY
unset "${!MALLOC_@}" GLIBC_TUNABLES
for size in 0 31 32; do
    echo "after an array of $size MB:"
    "$folder/venv/bin/python" "$folder/run.py" "$size" | tee "$folder/$size"
done
[ "$(tail -1 "$folder/0")" -gt 500 ] && [ "$(tail -1 "$folder/31")" -lt 10 ] && [ "$(tail -1 "$folder/32")" -gt 500 ]
echo "as described"
