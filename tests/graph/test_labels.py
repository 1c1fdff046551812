"""Labels: names reach the rendered picture as they are, short enough to read, in boxes wide enough for them."""

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import mermaid, text
from minigrad.graph.description import Box, Cluster, Edge, Line, Picture
from minigrad.graph.dot import to_dot
from minigrad.graph.draw import Graph
from minigrad.graph.rendering import render
from tests.graph.parsed import Parsed, has_pygraphviz, needs_renderer, parsed

RENDERERS = [
    pytest.param("dot", marks=pytest.mark.skipif(not shutil.which("dot"), reason="needs the program dot")),
    pytest.param("pygraphviz", marks=pytest.mark.skipif(not has_pygraphviz(), reason="needs pygraphviz")),
]

NAMES = [
    r"C:\Net\Games\logs", r"\\server\Nodes", r"\N \G \L \E \T \H \n \l \r", r"\\N \\\G", "ends with \\",
    "<b>", "a&b", 'x"y', "it's", "{a|b}", "&amp;", "&#92;N", "<script>", "]]>", "-->", "a::b:n", "100%", "a;b", "#35;",
    "größe", "大小", "🧠",
]  # fmt: skip


@pytest.fixture(params=RENDERERS)
def renderer(request, monkeypatch, tmp_path):
    if request.param == "pygraphviz":
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        monkeypatch.setitem(sys.modules, "pygraphviz", None)
    return request.param


def shown_in(source):
    """The texts of the rendered picture."""
    svg = ElementTree.fromstring(render(source, "svg"))
    return [
        "".join(element.itertext()).replace("\xa0", " ") for element in svg.iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_rendered_as_they_are_wherever_they_stand(name, renderer):
    places = {place: f"{place} {name}" for place in ("header", "cluster", "box", "line", "alarm", "edge")}
    boxes = [Box(0, "input", places["box"], [Line(places["line"]), Line(places["alarm"], True)]), Box(1, "op", "op")]
    content = Cluster(clusters=[Cluster(places["cluster"], boxes=boxes)])
    picture = Picture(places["header"], content, [Edge(0, 1, label=places["edge"])])
    shown = [text.removeprefix("⚠ ") for text in shown_in(to_dot(picture))]
    assert sorted(shown) == sorted([*places.values(), "op"])


class Table(nn.Module):
    def __init__(self, path):
        self.path, self.weight = path, nn.Parameter(mg.ones(2))

    def extra_repr(self):
        return f"file={self.path}"

    def forward(self, x):
        return x * self.weight


class Tables(nn.Module):
    def __init__(self, names):
        self.parts = {name: Table(name) for name in names}

    def forward(self, x):
        for part in self.parts.values():
            x = part(x)
        return x


@needs_renderer
def test_names_of_modules_are_rendered_as_they_are():
    shown = shown_in(mg.draw(Tables(NAMES), mg.ones(3, 2)).source)
    for name in NAMES:
        assert f"parts.{name}: Table(file={name})" in shown


# -- length --------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [99, 100, 101, 1000])
def test_a_text_is_shortened_in_the_middle(length):
    whole = "".join(chr(ord("a") + i % 26) for i in range(length))
    shown = text.shortened(whole)
    assert (shown == whole) is (length <= 100) and len(shown) == min(length, 100)
    if length > 100:
        start, end = shown.split("…")
        assert whole.startswith(start) and whole.endswith(end)


def test_a_very_long_name_is_short_in_the_picture_and_longer_in_its_tooltip():
    name = "n" * 100_000
    graph = mg.draw(Tables([name]), mg.ones(3, 2))
    assert len(graph.source) < 15_000 and len(graph.to_mermaid()) < 3_000 and len(repr(graph)) < 500
    assert max(len(title) for title, _, _ in Parsed(graph.source).clusters.values()) == 100
    tooltips = re.findall(r'tooltip="(.*?)"', graph.source)
    assert len(tooltips) == 2 and all(500 < len(tooltip) <= 1000 for tooltip in tooltips)


def test_a_tooltip_says_the_whole_name_as_it_is(renderer):
    name = r"C:\Net<&>" * 20
    svg = ElementTree.fromstring(render(mg.draw(Tables([name]), mg.ones(3, 2)).source, "svg"))
    titles = [str(element.get("{http://www.w3.org/1999/xlink}title")).replace("\xa0", " ") for element in svg.iter()]
    assert f"parts.{name}.weight" in titles and f"parts.{name}: Table(file={name})" in titles


def test_names_that_fit_have_no_tooltip():
    assert "tooltip" not in mg.draw(Tables(["short"]), mg.ones(3, 2)).source


# -- width and order -----------------------------------------------------------------------------


LONG_LINES = [
    "values in [-0.681, 0.637]", "|grad| rms 2.3e-10 (cancelled by 1)", "(64, 64) float32", "MMMM WWWW", "illicit",
    "größe", "Sequential   mode=train   4,938 parameters (4,938 trainable), 129 buffer values",
]  # fmt: skip


@pytest.mark.parametrize("line", LONG_LINES)
@pytest.mark.parametrize("bold", [False, True])
def test_the_room_for_a_text_is_that_of_the_widest_usual_font(line, bold):
    font_manager = pytest.importorskip("matplotlib.font_manager")
    text_path = pytest.importorskip("matplotlib.textpath").TextPath
    font = font_manager.FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    drawn = text_path((0, 0), line, size=10, prop=font).get_extents().width
    assert drawn <= text.points(line, 10, bold) <= 1.3 * drawn + 4


def positions(source):
    """Where the boxes are, by number: x and y of their first text."""
    svg, space = ElementTree.fromstring(render(source, "svg")), "{http://www.w3.org/2000/svg}"
    nodes = [group for group in svg.iter(f"{space}g") if group.get("class") == "node"]
    return {
        int(group.find(f"{space}title").text[1:]): [
            float(next(group.iter(f"{space}text")).get(axis)) for axis in ("x", "y")
        ]
        for group in nodes
    }


class Shared(nn.Module):
    def __init__(self):
        self.linear, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        for _ in range(3):
            x = x + self.norm(self.linear(x))
        return x


def plain():
    return nn.Sequential(*[layer for _ in range(4) for layer in (nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())])


@pytest.mark.slow
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("model", [plain, Shared])
def test_parameters_and_buffers_stand_in_their_order_with_every_renderer(model, training, renderer):
    source = mg.draw(model().train(training), mg.ones(3, 4)).source
    picture, places = Parsed(source), positions(source)
    x = {picture.name(box).split(" ")[0]: places[number] for number, box in picture.boxes.items()}
    order = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    for path in {title.rpartition(".")[0] for title in x if "." in title}:
        row = [x[f"{path}.{name}"][0] for name in order if f"{path}.{name}" in x]
        assert len(row) in (2, 5)
        # what several clusters read is drawn towards them
        assert row == sorted(row) or (model is Shared and not training)


# -- Mermaid -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, written",
    [
        (r"C:\N", "C:#92;N"),
        ("1. one", "1#46; one"),
        ("10) one", "10#41; one"),
        ("- one", "#45; one"),
        ("+ one", "#43; one"),
        ("+1", "+1"),
        ("-1.5 to 2.0", "-1.5 to 2.0"),
        ("__init__", "#95;#95;init#95;#95;"),
        ("running_mean", "running_mean"),
        ("*a*", "#42;a#42;"),
        ("#35;", "#35;35#59;"),
        ('"`<b>`"', "#34;#96;#60;b#62;#96;#34;"),
        ("a\nb", "a b"),
    ],
)
def test_what_mermaid_would_take_for_markup_is_written_as_numbers(name, written):
    assert mermaid.escape(name) == written
    for place in (Box(0, "op", name), Box(0, "op", "t", [Line(name)])):
        assert written in mermaid.node(place)
    assert written in mermaid.arrow(Edge(0, 1, label=name))


@pytest.mark.parametrize("name", NAMES)
def test_the_title_of_a_flowchart_is_a_text_of_yaml(name):
    title = mermaid.to_mermaid(Picture(f"{name}\nsecond", Cluster(), [])).splitlines()[1]
    assert json.loads(title.removeprefix("title: ")) == f"{name}   second"


def flat(boxes, edges, title="op"):
    """A graph of so many boxes, and edges between the first two."""
    content = Cluster(boxes=[Box(i, "op", title) for i in range(boxes)])
    return Graph(Picture("header", content, [Edge(0, 1)] * edges), legend=False)


@pytest.mark.parametrize(
    "graph, refused",
    [(flat(2, 500), False), (flat(2, 501), True), (flat(400, 1, "t" * 80), False), (flat(600, 1, "t" * 80), True)],
)
def test_a_graph_too_large_for_mermaid_is_one_warning_at_the_call(graph, refused, tmp_path, recwarn):
    def warned():
        found = [(str(warning.message), warning.filename) for warning in recwarn]
        recwarn.clear()
        return found

    for ask in (graph.to_mermaid, lambda: graph.save(tmp_path / "g.md")):
        ask()
        found = warned()
        assert len(found) == refused
        assert all("save the graph as .svg" in message and name == __file__ for message, name in found)
    graph.save(tmp_path / "g.gv")
    assert not warned()


def test_a_notebook_without_a_renderer_gets_no_flowchart_that_is_too_large(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    assert set(flat(2, 501)._repr_mimebundle_()) == {"text/plain"}
    assert set(flat(2, 500)._repr_mimebundle_()) == {"text/plain", "text/vnd.mermaid"}


# -- the standard error stream -------------------------------------------------------------------


def run(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **environment)
    return done.stdout, done.stderr


@pytest.mark.slow
def test_lines_about_fonts_are_dropped_and_all_others_passed_on_in_their_order():
    code = """if True:
    import os, sys
    from minigrad.graph.rendering import without_noise
    print("before", file=sys.stderr)
    with without_noise():
        os.write(2, b'Fontconfig warning: "/etc/fonts", line 6: unknown element\\n')
        os.write(2, b"Error: real\\n")
        os.write(2, b"Warning: graph has 2001 nodes...layout may take a long time.\\n")
        print("from Python", file=sys.stderr)
        os.write(2, b"Fontconfig error: Cannot load default config file\\nlast without an end")
    print(" after", file=sys.stderr)
    """
    assert run(code) == ("", "before\nError: real\nfrom Python\nlast without an end after\n")


@pytest.mark.slow
def test_the_stream_is_whole_again_after_an_error_and_in_threads_and_may_be_closed():
    code = """if True:
    import os, sys, threading
    from minigrad.graph.rendering import one_at_a_time, without_noise
    def work():
        for _ in range(50):
            try:
                with without_noise():
                    assert one_at_a_time.locked()
                    raise KeyError
            except KeyError:
                pass
    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    os.write(2, b"still there")
    os.close(2)
    with without_noise():
        print("no stream")
    """
    assert run(code) == ("no stream\n", "still there")


@pytest.mark.slow
@pytest.mark.skipif(not has_pygraphviz(), reason="needs pygraphviz")
def test_drawing_writes_nothing_to_the_standard_error_stream(tmp_path):
    code = "import minigrad as mg; mg.draw(mg.ones(2, requires_grad=True).exp()).save('g.svg')"
    assert run(code, cwd=tmp_path, env={"PATH": "", "PYTHONPATH": ":".join(map(str, sys.path))}) == ("", "")
    assert (tmp_path / "g.svg").stat().st_size > 500


def test_the_svg_is_as_large_as_what_is_in_it():
    heads = nn.Sequential(*[nn.Linear(2, 2) for _ in range(3)])
    if not (shutil.which("dot") or has_pygraphviz()):
        pytest.skip("needs a renderer")
    svg = ElementTree.fromstring(render(mg.draw(heads, mg.ones(3, 2)).source, "svg"))
    assert [float(svg.get(side).removesuffix("pt")) for side in ("width", "height")] == [
        float(size) for size in svg.get("viewBox").split()[2:]
    ]


def test_double_edges_are_all_drawn():
    a = mg.tensor([[1.0]], requires_grad=True) * 2
    source = mg.draw(mg.cat([a, a * 1, a], 0)).source
    picture = Parsed(source)
    (cat,) = [number for number, box in picture.boxes.items() if box.title == "cat"]
    into = [source for source, target, _ in picture.edges if target == cat]
    assert len(into) == 3 and len(set(into)) == 2
    if shutil.which("dot") or has_pygraphviz():
        assert render(source, "svg").count(b'class="edge"') == len(picture.edges)


def test_parsed_reads_a_title_with_backslashes():
    assert parsed(Tables([r"\N"]), mg.ones(2)).titles()[r"parts.\N.weight"] == 1
