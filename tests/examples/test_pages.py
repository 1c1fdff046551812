"""The contents page, the notebook and the pictures agree with the chapters."""

from __future__ import annotations

import ast
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from .chapters import CHAPTERS, EXAMPLES

README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def test_chapters_are_numbered_without_gaps():
    assert [int(path.name[:2]) for path in CHAPTERS] == list(range(1, len(CHAPTERS) + 1))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_short_has_its_sentence_on_the_contents_page_and_asks_two_questions(chapter):
    text = chapter.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    title, _, sentence = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].partition(": ")
    assert f"**[{int(chapter.name[:2])}. {title}]({chapter.name})**: {sentence}" in README
    assert re.findall(r"^# (\d)\. ", text.partition("# To try:")[2], re.MULTILINE) == ["1", "2"]


@pytest.mark.parametrize("page", ["README.md", *(f"examples/{path.name}" for path in EXAMPLES.glob("*.md"))])
def test_what_a_page_links_to_is_there(page):
    path = EXAMPLES.parent / page
    links = re.findall(r"\]\(([^)#:]+)\)|src=\"([^\"]+)\"", path.read_text(encoding="utf-8"))
    assert [name for pair in links for name in pair if name and not (path.parent / name).exists()] == []


def test_the_tour_of_the_readme_leads_to_every_chapter():
    text = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in CHAPTERS if f"]({EXAMPLES.name}/{path.name})" not in text] == []


def test_each_chapter_has_one_small_picture():
    pictures = sorted((EXAMPLES / "pictures").glob("[0-9]*"))
    assert [path.stem for path in pictures] == [path.stem for path in CHAPTERS]
    assert re.findall(r'src="pictures/([^"]+)"', README) == [path.name for path in pictures]
    assert max(path.stat().st_size for path in (EXAMPLES / "pictures").iterdir()) < 40_000
    assert re.findall(r'<img [^>]*alt="[^"]{15,}"', README) and README.count("<img") == README.count("alt=")


@pytest.mark.slow
def test_a_picture_is_drawn_the_same_each_time(tmp_path):
    pytest.importorskip("matplotlib", reason="pictures need the extra show")
    draw = runpy.run_path(str(EXAMPLES / "pictures.py"))["draw"]
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    written = {draw(number, folder).read_bytes() for number in (13,) for folder in folders}
    assert len(written) == 1 and written.pop().startswith(b"\x89PNG")


def cells(notebook: dict) -> list[tuple[str, str]]:
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def printed(notebook: dict) -> str:
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return "".join(line for output in outputs for line in output["text"])


def test_the_notebook_is_the_first_chapter():
    """To write it again: python examples/notebook.py"""
    kept = json.loads((EXAMPLES / "01_batchnorm_notebook.ipynb").read_text(encoding="utf-8"))
    made = runpy.run_path(str(EXAMPLES / "notebook.py"))["notebook"](CHAPTERS[0].read_text(encoding="utf-8"))
    assert cells(kept) == cells(made) and (kept["nbformat"], kept["nbformat_minor"]) == (4, 5)
    assert NUMBER.split(printed(kept)) == NUMBER.split(printed(made))
    numbers = [[float(number) for number in NUMBER.findall(printed(one))] for one in (kept, made)]
    assert len(numbers[0]) > 400
    np.testing.assert_allclose(*numbers, atol=2e-4)


def test_every_chapter_can_become_a_notebook():
    split = runpy.run_path(str(EXAMPLES / "notebook.py"))["cells"]
    for path in CHAPTERS:
        found = split(path.read_text(encoding="utf-8"))
        assert found[0][0] == "markdown" and found[0][1].startswith("# ")
        for code in (text for kind, text in found if kind == "code"):
            ast.parse(code)


def test_pages_speak_of_files_by_their_names():
    changes = (EXAMPLES.parent / ".github" / "CHANGELOG.md").read_text(encoding="utf-8")
    texts = [changes, *(path.read_text(encoding="utf-8") for path in Path(EXAMPLES).glob("*.*"))]
    named = {name for text in texts for name in re.findall(r"examples/([\w/]+\.\w+)", text)}
    assert named and [name for name in sorted(named) if not (EXAMPLES / name).exists()] == []
