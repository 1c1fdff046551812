"""Files, formats, missing renderers and notebooks."""

import base64
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad.graph import draw as drawing
from minigrad.graph import rendering
from minigrad.graph.rendering import render
from tests.graph.parsed import Parsed, needs_renderer


@pytest.fixture
def graph():
    return mg.draw(mg.ones(2, requires_grad=True).exp().sum())


@pytest.fixture
def no_renderer(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


@pytest.fixture
def only_dot(monkeypatch, tmp_path):
    """The only renderer is a program ``dot`` that runs a line of shell."""

    def make(line):
        program = tmp_path / "dot"
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.setitem(sys.modules, "pygraphviz", None)

    return make


def test_texts_are_saved_as_they_are(graph, tmp_path):
    assert graph.save(tmp_path / "g.gv").read_text() == graph.save(str(tmp_path / "g.DOT")).read_text() == graph.source
    assert graph.save(tmp_path / "g.md").read_text() == f"```mermaid\n{graph.to_mermaid()}```\n"


@needs_renderer
@pytest.mark.parametrize("suffix, start", [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_pictures_are_rendered(graph, tmp_path, suffix, start):
    path = graph.save(tmp_path / f"g{suffix}")
    assert path == tmp_path / f"g{suffix}"
    assert path.read_bytes().startswith(start)


@needs_renderer
def test_a_notebook_shows_the_picture(net, x):
    graph = mg.draw(net, x)
    bundle = graph._repr_mimebundle_()
    shown = "".join(ElementTree.fromstring(bundle["image/svg+xml"].encode()).itertext())
    assert "TRAIN: batch statistics" in shown and "running_mean" in shown
    assert bundle["text/plain"] == f"<Graph {'   '.join(Parsed(graph.source).header.splitlines())}>"
    assert graph._repr_svg_() == bundle["image/svg+xml"]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")


@needs_renderer
@pytest.mark.parametrize(("factor", "wide"), [(1, False), (6, True)])
def test_a_picture_wider_than_the_page_of_a_notebook_is_as_wide_as_that(factor, wide):
    w = mg.ones(2, requires_grad=True)
    graph = mg.draw(sum(w * i for i in range(factor)))
    saved, shown = render(graph.source, "svg").decode(), graph._repr_svg_()
    view = re.search(r'viewBox="0.00 0.00 ([\d.]+) ([\d.]+)"', shown)
    assert view[0] in saved and (float(view[1]) > 640) is wide
    assert ('<svg width="100%" style="max-width:' in shown) is wide and (shown == saved) is not wide


@needs_renderer
@pytest.mark.parametrize(("limit", "shown"), [(100, {"text/html"}), (9000, {"image/svg+xml", "image/png"})])
def test_a_tall_picture_is_shown_in_a_frame_with_a_scroll_bar(monkeypatch, graph, limit, shown):
    monkeypatch.setattr(rendering, "TALL", limit)
    bundle = graph._repr_mimebundle_()
    assert bundle.keys() == shown | {"text/plain"}
    if "text/html" in shown:
        line, frame = bundle["text/html"].split("</div>", 1)
        assert "not trusted leave out: trust the notebook, or .save(&#x27;graph.html&#x27;)" in line
        assert "height:640px" in frame and "exp" in frame and graph._repr_svg_() is None


@needs_renderer
def test_a_large_picture_has_no_image(monkeypatch, graph):
    monkeypatch.setattr(drawing, "IMAGE", 2)
    assert set(graph._repr_mimebundle_()) == {"image/svg+xml", "text/plain"}


def test_another_suffix_is_refused(graph, tmp_path):
    with pytest.raises(ValueError, match=r"'g.jpeg': name it .svg, .png, .pdf, .gv, .dot, .md, .html"):
        graph.save(tmp_path / "g.jpeg")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_the_text_is_kept_and_one_warning_says_how_to_get_one(graph, tmp_path):
    with pytest.warns(UserWarning) as warned:
        path = graph.save(tmp_path / "g.svg")
    assert [file.name for file in tmp_path.iterdir()] == ["g.gv"] == [path.name]
    assert path.read_text() == graph.source
    (warning,) = warned
    assert 'pip install "minigrad[show]"' in str(warning.message) and str(path) in str(warning.message)
    assert warning.filename == __file__


def test_dot_without_the_package_that_calls_it_is_one_warning_with_the_cure(graph, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dot")
    for name in ("pygraphviz", "graphviz"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.warns(UserWarning, match="the program dot is here, but not the package .*: pip install graphviz"):
        assert graph.save(tmp_path / "g.svg").read_text() == graph.source


@pytest.mark.usefixtures("no_renderer")
def test_without_a_renderer_a_notebook_shows_the_text(graph):
    bundle = graph._repr_mimebundle_(include=None, exclude=None)
    assert graph.source in bundle["text/plain"] and 'pip install "minigrad[show]"' in bundle["text/plain"]
    assert bundle["text/vnd.mermaid"] == graph.to_mermaid()
    assert graph._repr_svg_() is None


@pytest.mark.parametrize("version, dot", [("1.14", None), ("2.0", None), ("2.0.4", "/usr/bin/dot")])
def test_pygraphviz_renders_where_there_is_no_dot_or_it_brings_a_newer_one(graph, monkeypatch, version, dot):
    class AGraph:
        def __init__(self, string):
            self.string = string

        def draw(self, format, prog):
            return f"{format} {prog} {self.string}".encode()

    monkeypatch.setattr(shutil, "which", lambda name: dot)
    module = types.SimpleNamespace(AGraph=AGraph, __version__=version)
    monkeypatch.setitem(sys.modules, "pygraphviz", module)
    assert graph._repr_svg_() == f"svg dot {graph.source}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be copied")
@pytest.mark.parametrize(
    ("patience", "misbehave", "message"),
    [
        (0.2, lambda: time.sleep(60), r"has not finished in 0.2 s\. Fold modules with depth="),
        (60, lambda: os.kill(os.getpid(), signal.SIGKILL), r"crashed \(signal 9\)\. Fold modules with depth="),
        (60, lambda: exec("raise ValueError('no layout')"), r"pygraphviz could not render the graph: no layout$"),
    ],
)
def test_a_renderer_that_hangs_or_crashes_is_one_warning_with_the_cure(
    graph, monkeypatch, tmp_path, patience, misbehave, message
):
    class AGraph:
        def __init__(self, string):
            misbehave()

    monkeypatch.setattr(rendering, "PATIENCE", patience)
    monkeypatch.setitem(sys.modules, "pygraphviz", types.SimpleNamespace(AGraph=AGraph, __version__="2.0"))
    with pytest.warns(UserWarning, match=message):
        assert graph.save(tmp_path / "g.svg") == tmp_path / "g.gv"
    assert "could not render" in graph._repr_mimebundle_()["text/plain"]


def test_a_dot_that_hangs_is_stopped(graph, monkeypatch, only_dot):
    only_dot("exec sleep 60")
    monkeypatch.setattr(rendering, "PATIENCE", 0.2)
    assert "dot could not render the graph: it has not finished in 0.2 s" in graph._repr_mimebundle_()["text/plain"]


def test_a_renderer_that_fails_is_no_traceback(graph, only_dot, tmp_path):
    only_dot("echo broken >&2; exit 3")
    assert "dot could not render the graph" in graph._repr_mimebundle_()["text/plain"]
    with pytest.warns(UserWarning, match="dot could not render the graph"):
        assert graph.save(tmp_path / "g.png") == tmp_path / "g.gv"


def test_a_library_that_pygraphviz_misses_is_named_with_the_cure(graph, monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "pygraphviz":
                raise ImportError("libgobject-2.0.so.0: cannot open shared object file")

    monkeypatch.delitem(sys.modules, "pygraphviz", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    monkeypatch.setattr(shutil, "which", lambda name: None)
    text = graph._repr_mimebundle_()["text/plain"]
    assert "libgobject-2.0.so.0" in text and "apt-get install libglib2.0-0" in text


@pytest.mark.slow
def test_importing_minigrad_imports_no_renderer():
    code = "import sys, minigrad; sys.exit(any(name in sys.modules for name in ('graphviz', 'pygraphviz')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
