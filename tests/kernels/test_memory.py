"""Arrays of many sizes, made and freed again and again, cost no page faults: their memory stays with the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import minigrad as mg

def step(x):
    y = x
    for _ in range(5):
        y = (y * 1.1).tanh() + x
    y.sum().backward()

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for shape in (128, 256), (256, 256), (1000, 1000):
    x = mg.ones(*shape, requires_grad=True)
    for _ in range(3):
        step(x)
    before = faults()
    for _ in range(10):
        step(x)
    print(shape, (faults() - before) / 10)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives the memory back")
def test_freed_memory_is_used_again():
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    lines = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=own).stdout
    assert len(lines.splitlines()) == 3
    for line in lines.splitlines():
        faults = float(line.rpartition(" ")[2])
        assert faults < 10, f"{line} page faults a step: 256 to 9,701 where memory is given back"
