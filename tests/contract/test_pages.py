"""The reference's pages, of some modules: where pdoc is installed, by the extra ``docs``."""

from __future__ import annotations

import html
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("pdoc") is None, reason="pdoc is not there, the extra docs"),
]

ROOT = Path(__file__).parents[2]
MODULES = ["minigrad.linalg", "minigrad.nn.functional", "minigrad.optim", "minigrad.special"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page of each module, made by the README's command, in a process of its own: pdoc changes modules."""
    folder = tmp_path_factory.mktemp("reference")
    options = re.search(r"bin/pdoc (-d \S+ -t \S+) -o", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert options
    command = [sys.executable, "-m", "pdoc", *options[1].split(), "-o", str(folder), *MODULES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return {name: folder.joinpath(*name.split(".")).with_suffix(".html").read_text("utf-8") for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_links_within_a_page_lead_somewhere(pages: dict[str, str], name: str) -> None:
    ids = set(re.findall(r'\bid="([^"]+)"', pages[name]))
    links = set(re.findall(r'href="#([^"]+)"', pages[name]))
    assert links and links <= ids


@pytest.mark.parametrize(
    ("name", "function", "words"),
    [
        ("minigrad.special", "expit", ["Another name of sigmoid", "sigmoid = ", ">>> mg.sigmoid("]),
        ("minigrad.special", "exp2", ["exp2 = elementwise(", "lambda dy, y, _x", ">>> mg.exp2("]),
        ("minigrad.linalg", "norm", ["keepdims: NumPy's names of dim and keepdim"]),
        ("minigrad.nn.functional", "relu", ["inplace=False", "inplace=True", "relu = "]),
        ("minigrad.nn.functional", "glu", ["axis: int | None = None"]),
        ("minigrad.optim", "AdamW", ["And ", "zero_grad"]),
    ],
)
def test_a_function_is_shown_as_it_is_called_and_written(
    pages: dict[str, str], name: str, function: str, words: list[str]
) -> None:
    found = re.search(rf'<section id="{function}">(.*?)</section>', pages[name], re.DOTALL)
    assert found
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", found[1])).split())
    assert [word for word in words if word not in text] == []


def test_how_a_class_is_called_is_shown_once(pages: dict[str, str]) -> None:
    page = pages["minigrad.optim"]
    assert 'id="AdamW"' in page and 'id="AdamW.step"' in page and 'id="AdamW.__init__"' not in page


def test_pages_are_dark_where_the_reader_wants_it(pages: dict[str, str]) -> None:
    assert all("prefers-color-scheme" in page for page in pages.values())
