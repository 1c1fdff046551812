"""The chapter on synchronised statistics shows what it says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_example_prints_its_facts(capsys):
    runpy.run_path(str(Path(__file__).parents[2] / "examples" / "synchronised.py"), run_name="__main__")
    said = capsys.readouterr().out
    synchronised, alone = [float(off) for off in re.findall(r"first gradient off by ([\d.e+-]+),", said)]
    assert synchronised < 1e-13 and alone > 0.1
    assert "[(True, True), (True, True), (True, True), (True, True)]" in said
    assert "the picture says so: True" in said
    without, with_bias = [float(by) for by in re.findall(r"by ([\d.e+-]+)$", said, re.MULTILINE)]
    assert without < 1e-4 < 1e-3 < with_bias
