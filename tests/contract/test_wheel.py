"""What the wheel holds: the package with its data and their licences, the types, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = {
    "minigrad/py.typed", "minigrad/data/auto_mpg.csv", "minigrad/data/auto_mpg.md", "minigrad/data/digits.md",
    "minigrad/data/digits.npz", "minigrad/data/iris.csv", "minigrad/data/iris.md",
}  # fmt: skip
LARGEST = 3_000_000
"""Bytes of all files."""


def test_the_wheel_has_the_package_its_data_and_their_licences() -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="it builds the wheel")
    files = {file.distribution_path: Path(file.path) for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "minigrad").rglob("*.py")}
    assert set(files) - {name for name in files if "__pycache__" in name} == modules | DATA
    assert {f"minigrad/data/{path.stem}.md" for path in (ROOT / "minigrad/data").glob("*.csv")} < DATA
    assert sum(path.stat().st_size for path in files.values()) < LARGEST
