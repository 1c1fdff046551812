"""Links in the README, the guide and docstrings lead to files and headings that are there. Nothing is fetched."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [path for folder in (ROOT, ROOT / "examples", ROOT / ".github") for path in sorted(folder.glob("*.md"))]
SOURCES = sorted((ROOT / "minigrad").rglob("*.py"))
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`+((?:minigrad|examples|tests|\.github)/[\w./]+\.\w+)`+")
"""A file of the repository, as texts name it."""


def prose(path: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The headings of a page, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def trouble(link: str, page: Path) -> str | None:
    """What is wrong with a link of a page."""
    if re.match(r"https?://[\w.-]+\.\w+(/\S*)?$", link):
        return None
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return f"{link}: there is no such file"
    if anchor and (target.suffix != ".md" or anchor not in anchors(target)):
        return f"{link}: there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = prose(page)
    assert [found for link in LINK.findall(text) if (found := trouble(link, page))] == []
    assert [name for name in NAMED.findall(text) if not (ROOT / name).exists()] == []


def test_files_that_docstrings_name_are_there() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in SOURCES}
    names = [(file, name) for file, text in texts.items() for name in NAMED.findall(text)]
    assert [(file, name) for file, name in names if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("README.md#the-commands-of-nobody", "README.md#the-commands-of-nobody: there is no such heading"),
        ("examples/nothing.md", "examples/nothing.md: there is no such file"),
        ("#how-it-is-built", None),
        ("../../etc", "../../etc: there is no such file"),
        ("https://example.org/a", None),
    ],
)
def test_links_are_read_as_github_reads_them(link: str, wrong: str | None) -> None:
    assert trouble(link, ROOT / "README.md") == wrong
