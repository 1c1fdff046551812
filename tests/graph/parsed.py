"""DOT text read back into boxes, edges and clusters, and the nets that are drawn."""

import collections
import html
import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph.appearance import ALARM_SIGN


def has_pygraphviz():
    try:
        import pygraphviz  # noqa: F401
    except ImportError:
        return False
    return True


needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="needs the program dot")
needs_renderer = pytest.mark.skipif(not shutil.which("dot") and not has_pygraphviz(), reason="needs a renderer")


class MLP(nn.Module):
    def __init__(self):
        self.fc1 = nn.Linear(4, 8)
        self.bn1 = nn.BatchNorm1d(8)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(8, 2)

    def forward(self, x):
        return self.fc2(self.act(self.bn1(self.fc1(x))))


class Residual(nn.Module):
    """A block in a list, called twice, with a parameter of its own."""

    def __init__(self):
        self.scale = nn.Parameter(mg.ones(1))
        self.blocks = [nn.Sequential(nn.Linear(4, 4), nn.Tanh())]

    def forward(self, x):
        for _ in range(2):
            x = x + self.blocks[0](x) * self.scale
        return x


HELD = re.compile("shape=(note|cylinder)")
"""The look of what modules hold, whose names go on with those of their clusters."""

SAID = re.compile(r"([^(:]+?)(?: #\d+)?(?:: (?!gradient)| \(\w+\): gradient)")
"""The path in a cluster's title: ``fc1: Linear(4, 8)``, ``fc1 #2 (Linear): gradient``."""

Box = collections.namedtuple("Box", "title lines look cluster")


def unescaped(text):
    """Graphviz shows one backslash for two."""
    return text.replace("\\\\", "\\")


class Parsed:
    """The boxes by number, edges as (source, target, look) and clusters as {name: (title, look, name around)}."""

    def __init__(self, source):
        self.boxes, self.edges, self.clusters = {}, [], {}
        self.header = ""
        around = [""]
        for line in source.splitlines():
            if found := re.fullmatch(r" *n(\d+) \[label=<(<TABLE.*</TABLE>)> (.*)\]", line):
                rows = [unescaped("".join(row.itertext())) for row in ElementTree.fromstring(found[2])]
                title, *lines = [row.removeprefix(ALARM_SIGN) for row in rows]
                assert int(found[1]) not in self.boxes
                self.boxes[int(found[1])] = Box(title, lines, found[3], around[-1])
            elif found := re.fullmatch(r" *n(\d+) -> n(\d+) \[(.*)\]", line):
                if found[3] != "style=invis":
                    self.edges.append((int(found[1]), int(found[2]), found[3]))
            elif found := re.fullmatch(r" *subgraph (cluster\w+) \{", line):
                self.clusters[found[1]] = ["", "", around[-1]]
                around.append(found[1])
            elif found := re.fullmatch(r" *label=<(<TABLE.*</TABLE>)>( .*)?", line):
                text = unescaped(html.unescape(re.sub("<.*?>", "", found[1].replace("</TR><TR>", "\n"))))
                if around[-1]:
                    self.clusters[around[-1]][0] = text
                else:
                    self.header = text
            elif found := re.fullmatch(r" *bgcolor=(.*)", line):
                self.clusters[around[-1]][1] = found[1]
            elif line.strip() == "}" and around[-1]:
                around.pop()

    def box(self, name):
        """The box of a whole name: that of its clusters, and its title."""
        (box,) = [box for box in self.boxes.values() if name == self.name(box)]
        return box

    def name(self, box):
        """What a box is called, behind what the clusters around it are called."""
        parts, around = [box.title], box.cluster
        while around:
            title, _, around = self.clusters[around]
            path = SAID.match(title)
            parts.insert(0, path[1] if path else "")
        return ".".join(filter(None, parts)) if HELD.search(box.look) else box.title

    def titles(self):
        return collections.Counter(self.name(box) for box in self.boxes.values())

    def arrows(self, style):
        """The edges of one style: names of both ends, and the label."""
        found = [(a, b, re.search("label=<(.*?)>", look)) for a, b, look in self.edges if f"style={style}" in look]
        return {(self.name(self.boxes[a]), self.name(self.boxes[b]), label and label[1]) for a, b, label in found}

    def cluster(self, box):
        """The titles of the clusters around a box, from outside."""
        name, path = self.box(box).cluster, []
        while name:
            title, _, name = self.clusters[name]
            path.insert(0, title)
        return path


def parsed(*args, **kwargs):
    return Parsed(mg.draw(*args, **kwargs).source)
