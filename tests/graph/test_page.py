"""Pages for browsers: what they say, what they weigh, and what they do when used."""

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.op import Op
from minigrad.graph.appearance import MODES, THEMES
from minigrad.graph.pages.details import details, statistics
from minigrad.graph.pages.sources import explained, text_of
from minigrad.graph.pages.svg import colours_for_light_and_dark
from tests.graph.browser import dom, facts, needs_browser
from tests.graph.parsed import Parsed, needs_renderer

HOSTILE = """</script><script>document.title="owned"</script><img src=x onerror=alert(1)>"'&\u2028\\"""


def blocks(count, width=16, **options):
    layers = [m for _ in range(count) for m in (nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())]
    return mg.draw(nn.Sequential(*layers), mg.randn(32, width), **options)


def data_of(page):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())[1])


# -- what is known of boxes ----------------------------------------------------------------------


def test_every_derivative_rule_has_a_text():
    for op in Op.registry.values():
        if op.__module__ == "minigrad":
            assert all(text for _, text in explained(op).rules), op


def test_the_formula_of_an_operation_is_shown_apart_from_its_example():
    formula, _, example = explained(mg.pow)
    assert formula == "``input ** exponent``; NaN for a negative input and an exponent that is not whole"
    assert example.startswith(">>> mg.pow(") and example in mg.pow.__doc__
    assert explained(Op.registry["matmul"]).example == ""


def test_a_rule_is_shown_without_what_is_around_it():
    assert explained(Op.registry["mul"]).rules == [
        ("input", "lambda dy, _y, _a, b: dy * b"),
        ("other", "lambda dy, _y, a, _b: dy * a"),
    ]
    assert explained(Op.registry["batch_norm"]).rules[0][1].startswith("def by_input(")
    first, second = (lambda x: x + 1), (lambda x: x + 2)
    assert [text_of(first), text_of(second)] == ["lambda x: x + 1", "lambda x: x + 2"]
    assert text_of(eval("lambda x: x")) == "" and text_of(np.exp) == "exp"


def test_statistics_are_those_of_the_finite_values():
    about = statistics("values", np.array([0.0, 1.0, 3.0, np.nan, np.inf], np.float16))
    assert about["shape"] == "(5,)" and about["histogram"][0] == 1 == about["histogram"][-1]
    assert sum(about["histogram"]) == 3
    assert dict(about["numbers"]) == {
        "finite": "3", "NaN": "1", "infinite": "1", "min": "0", "max": "3", "mean": "1.333",
        "standard deviation": "1.247", "zeros": "1 of 3",
    }  # fmt: skip
    huge = dict(statistics("values", np.array([1e300, -1e300]))["numbers"])
    assert huge["standard deviation"] == "1e+300"
    assert statistics("values", np.zeros(0))["numbers"] == []
    assert statistics("values", np.array(True))["numbers"] == [["value", "1"]]


def test_details_say_values_gradients_saved_tensors_and_clusters(net, x):
    loss = net(x).square().mean()
    loss.backward(retain_graph=True)
    graph = mg.draw(loss)
    found = details(graph.picture)
    clusters = {name: about["title"] for name, about in found["clusters"].items()}
    boxes = {(clusters.get(box["cluster"]), box["title"]): box for box in found["boxes"].values()}
    weight = boxes["fc1: Linear(4, 8)", "fc1.weight"]
    assert [tensor["name"] for tensor in weight["tensors"]] == ["values", "gradient"]
    assert dict(weight["tensors"][0]["numbers"])["max"] == f"{net.fc1.weight.max().item():.4g}"
    norm = boxes["bn1: BatchNorm1d(8)", "batch_norm"]
    assert ["x", "(16, 8)", "float32", 512] in norm["saved"] and norm["mode"] == MODES["train"].text
    assert boxes["fc1: Linear(4, 8)", "linear"]["tensors"][0]["shape"] == "(16, 8)"  # batch_norm keeps it
    titles = {name: title for name, (title, _, _) in Parsed(graph.source).clusters.items()}
    assert titles.keys() == found["clusters"].keys()
    assert all(titles[name].startswith(about["title"]) for name, about in found["clusters"].items())
    assert found["clusters"]["cluster_0"]["summary"] == "1 operation, 40 parameters, saves 256 bytes"
    loss.backward()
    assert all(box["saved"] is None for box in details(graph.picture)["boxes"].values() if "saved" in box)


@needs_renderer
def test_each_colour_of_a_picture_has_a_counterpart_in_the_dark(net, x):
    rules = colours_for_light_and_dark(mg.draw(net, x, legend=True)._repr_svg_())
    pairs = dict(re.findall(r"light-dark\((#\w+),(#\w+)\)", rules))
    light, dark = THEMES["light"], THEMES["dark"]
    for kind, colours in light.kinds.items():
        assert [pairs[colour] for colour in colours] == list(dark.kinds[kind]), kind
    assert all(before != after for before, after in pairs.items())


# -- the file ------------------------------------------------------------------------------------


@needs_renderer
def test_a_page_needs_nothing_else_and_is_small(tmp_path):
    page = blocks(20).save(tmp_path / "g.html")
    text = page.read_text()
    assert len(text.encode()) < 400_000
    assert not re.search(r'(?:src|href)="|@import|url\(|fetch\(|XMLHttpRequest', text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)
    drawn = ElementTree.fromstring(re.search("<svg.*?</svg>", text, re.DOTALL)[0])
    titles = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}title")]
    data = data_of(page)
    assert {f"n{number}" for number in data["boxes"]} <= set(titles) and set(data["clusters"]) <= set(titles)


@needs_renderer
def test_pages_of_both_modes_need_no_styles_of_elements(net, x, tmp_path):
    text = mg.draw(net, x, modes="both").save(tmp_path / "g.html").read_text()
    assert 'style="' not in text and re.search(r'stop-color="(#\w+)"', text)
    assert f"stop-color:light-dark({MODES['train'].colours.inside},{THEMES['dark'].modes['train'].inside})" in text


@needs_renderer
def test_a_dark_picture_is_a_page_that_begins_dark(net, x, tmp_path):
    light, dark = (mg.draw(net, x, theme=theme).save(tmp_path / f"{theme}.html") for theme in ("light", "dark"))
    assert light.read_text().replace('lang="en"', 'lang="en" class="dark"') == dark.read_text()


class Hostile(nn.Module):
    def __init__(self):
        self.parts = {HOSTILE: nn.Linear(2, 2)}

    def forward(self, x):
        return self.parts[HOSTILE](x).exp()


@needs_renderer
def test_names_cannot_become_markup(tmp_path):
    page = mg.draw(Hostile(), mg.ones(3, 2)).save(tmp_path / "g.html")
    text = page.read_text()
    assert text.count("<script") == 2 == text.count("</script>") and "<img" not in text
    assert any(HOSTILE in box["title"] for box in data_of(page)["boxes"].values())
    assert re.search(r"script-src 'sha256-[\w+/]{43}='\"", text)


def test_without_a_renderer_the_page_is_a_list_and_says_the_cure(net, x, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.warns(UserWarning, match="a page without the picture.*nothing here can render"):
        page = mg.draw(net, x).save(tmp_path / "g.html")
    text = page.read_text()
    assert "minigrad[show]" in text and "flowchart TD" in text and "script-src" not in text
    assert "<summary>bn1: BatchNorm1d(8) / batch_norm</summary>" in text and "gradient of input: lambda dy" in text


# -- in a browser --------------------------------------------------------------------------------

LOOK = """
const all = (q) => [...document.querySelectorAll(q)], one = (q) => document.querySelector(q);
const shown = (q) => all(q).filter((each) => each.getAttribute("display") !== "none").length;
const node = (name) => all("g.node").find((each) => each.getAttribute("aria-label").startsWith(name));
const click = (each) => each.dispatchEvent(new MouseEvent("click", { bubbles: true }));
const key = (name, at = document.body) => at.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
const panel = () => one("#details").textContent, focus = () => document.activeElement.getAttribute("aria-label");
"""


@needs_renderer
@needs_browser
@pytest.mark.slow
def test_a_page_in_use(tmp_path):
    page = blocks(3, tables=False).save(tmp_path / "g.html")
    found = facts(page, tmp_path, LOOK + """
        const said = { boxes: shown("g.node"), help: panel() };
        click(node("2: relu"));
        said.relu = panel();
        click(node("batch_norm"));
        Object.assign(said, { norm: panel(), marked: all(".edge.on").length });
        key("f");
        Object.assign(said, { folded: shown("g.node"), stands: all(".folded").length, focus: focus() });
        key("ArrowDown"); said.after = focus(); key("ArrowUp"); said.back = focus();
        const cluster = one("g.cluster"), down = { bubbles: true, pointerId: 1, clientX: 300, clientY: 300 };
        cluster.dispatchEvent(new PointerEvent("pointerdown", down));
        window.dispatchEvent(new PointerEvent("pointermove", { ...down, clientX: 340 }));
        window.dispatchEvent(new PointerEvent("pointerup", down));
        click(cluster); said.dragged = all(".folded").length;
        cluster.dispatchEvent(new PointerEvent("pointerdown", down));
        window.dispatchEvent(new PointerEvent("pointerup", down));
        click(one("#fold"));
        Object.assign(said, { all_folded: shown("g.node"), height: one("#stage g.graph").getBBox().height });
        click(one("#unfold"));
        said.unfolded = shown("g.node");
        said.open_height = one("#stage g.graph").getBBox().height;
        one("#search").value = "Batchnorm1d"; one("#search").dispatchEvent(new Event("input"));
        Object.assign(said, { found: one("#found").textContent, missed: all(".node.miss").length });
        key("Escape");
        said.forgotten = all(".node.miss").length;
        key("ArrowDown"); key("ArrowDown");
        said.below = focus();
        const first = node("input").getBoundingClientRect(), seen = one("#stage").getBoundingClientRect();
        said.top = first.top - seen.top;
        const before = one("#stage svg").getAttribute("viewBox");
        key("+");
        said.zoomed = before !== one("#stage svg").getAttribute("viewBox");
        click(one("#theme"));
        said.scheme = document.documentElement.style.colorScheme;
        said.white = getComputedStyle(one('#stage g.node [fill="#ffffff"]')).fill;
        return said;
    """)  # fmt: skip
    assert found["boxes"] == found["unfolded"] == 1 + 3 * (3 + 6 + 1) and "arrow keys" in found["help"]
    assert "derivative rules" in found["norm"] and "def by_input(" in found["norm"] and found["marked"] == 7
    assert "example>>> F.relu(" in found["relu"] and "tensor([0., 0., 3.])" in found["relu"]
    assert found["folded"] == 31 - 6 and found["stands"] == 1 and "1: BatchNorm1d(16), folded" in found["focus"]
    assert found["after"].startswith("2: relu, out") and found["back"] == found["focus"] and found["dragged"] == 1
    assert found["all_folded"] == 4 and found["height"] < 0.7 * found["open_height"]
    assert found["found"] == "18 found" and found["missed"] == 31 - 18 and found["forgotten"] == 0
    assert found["below"].startswith("linear") and found["zoomed"] and 0 < found["top"] < 40
    assert found["scheme"] == "dark" and found["white"] == "rgb(36, 36, 36)"


class Skipping(nn.Module):
    """A way around wide layers into a block that is folded."""

    def __init__(self):
        self.first, self.middle = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
        self.block = nn.Sequential(nn.Bilinear(4, 4, 4), nn.Tanh())

    def forward(self, x):
        x = self.first(x)
        return self.block[1](self.block[0](x, self.middle(x)))


@needs_renderer
@needs_browser
@pytest.mark.slow
def test_arrows_to_a_folded_module_go_the_way_they_were_drawn_and_end_at_it(tmp_path):
    page = mg.draw(Skipping(), mg.randn(2, 4)).save(tmp_path / "g.html")
    found = facts(page, tmp_path, LOOK + """
        click(all("g.cluster > text").find((each) => each.textContent.startsWith("block.0: Bilinear")).parentNode);
        const stand = one(".folded rect").getBBox(), others = all("g.node").filter(
            (each) => each.getAttribute("display") !== "none").map((each) => each.getBoundingClientRect());
        const ends = [], crossed = [], drawn = one(".folded").parentNode;
        for (const path of drawn.querySelectorAll(".edge > path")) {
            const length = path.getTotalLength(), matrix = path.getScreenCTM(), last = path.getPointAtLength(length);
            const inside = ({ left, right, top, bottom }, { x, y }) =>
                x > left + 2 && x < right - 2 && y > top + 2 && y < bottom - 2;
            for (let t = 0.02; t < 0.98; t += 0.02) {
                const point = path.getPointAtLength(t * length).matrixTransform(matrix);
                crossed.push(...others.filter((box) => inside(box, point)));
            }
            const away = (value, low, size) => Math.max(low - value, value - low - size, 0);
            ends.push(Math.hypot(away(last.x, stand.x, stand.width), away(last.y, stand.y, stand.height)));
        }
        return { crossed: crossed.length, ends: ends.sort((a, b) => a - b) };
    """)  # fmt: skip
    assert found["crossed"] == 0 and len(found["ends"]) == 3 and found["ends"][1] < 7.5


def test_tables_and_folded_modules_say_what_is_in_them():
    found = details(blocks(4, collapse="1").picture)["boxes"].values()
    held = next(box for box in found if box["title"] == "4")
    names = ["weight (gamma)", "bias (beta)", "running_mean", "running_var", "num_batches_tracked"]
    assert [tensor["name"] for tensor in held["tensors"]] == [f"{name}, values" for name in names]
    assert held["lines"][2][0].startswith("running_mean  (16,) float32") and "writes 0.1" in held["lines"][2][0]
    folded = next(box for box in found if box["kind"] == "module")
    assert folded["title"] == "1: BatchNorm1d(16)"
    assert ["1 operation", 0] in folded["lines"] and folded["tensors"] == [] and "operation" not in folded


@needs_renderer
@needs_browser
@pytest.mark.slow
def test_a_page_runs_its_own_script_only(tmp_path):
    page = mg.draw(Hostile(), mg.ones(3, 2)).save(tmp_path / "g.html")
    page.write_text(page.read_text().replace("<main>", '<script>document.title = "owned"</script><main>'))
    elements = dom(page, tmp_path)
    assert "arrow keys" in elements and "<title>owned" not in elements
