"""Names that contain markup stay text in every renderer."""

import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad import nn
from tests.graph.parsed import Parsed, has_pygraphviz, needs_dot

HOSTILE = 'a<b>&"|{};#`\\N --> \n\t end é %% ]]> <!--'


class Hostile(nn.Module):
    def __init__(self):
        self.layers = {HOSTILE: nn.Linear(4, 3)}

    def forward(self, x):
        return self.layers[HOSTILE](x)

    def extra_repr(self):
        return HOSTILE


def test_hostile_names_stay_text(x, tmp_path):
    graph = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x)
    picture = Parsed(graph.source)
    name = "".join(c if c.isprintable() else " " for c in HOSTILE)
    assert picture.cluster(f"0.layers.{name}.weight") == ["0: Hostile", f"layers.{name}: Linear(4, 3)"]
    assert len(graph.source.splitlines()) == len(
        mg.draw(nn.Sequential(nn.Sequential(nn.Linear(4, 3)), nn.ReLU()), x).source.splitlines()
    )
    mermaid = graph.to_mermaid()
    decoded = re.sub("#(\\d+);", lambda found: chr(int(found[1])), mermaid)
    assert f"layers.{name}: Linear(4, 3)" in decoded
    for line in mermaid.splitlines():
        assert line.count('"') in (0, 2) and "`" not in line


@needs_dot
def test_graphviz_accepts_hostile_names_without_a_complaint(x):
    source = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x).source
    ran = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True)
    assert not ran.stderr
    shown = "".join(ElementTree.fromstring(ran.stdout).itertext())
    assert 'a<b>&"|{};#`' in shown


@pytest.mark.skipif(not has_pygraphviz(), reason="needs pygraphviz")
def test_pygraphviz_renders_hostile_names(x, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    svg = mg.draw(nn.Sequential(Hostile(), nn.ReLU()), x)._repr_svg_()
    assert 'a<b>&"|{};#`' in "".join(ElementTree.fromstring(svg.encode()).itertext())
