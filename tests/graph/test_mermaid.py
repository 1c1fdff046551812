"""The Mermaid text has the boxes, edges and clusters of the DOT text."""

import re

import minigrad as mg
from minigrad.nn import functional as F
from tests.graph.parsed import Parsed, parsed


def test_mermaid_has_the_same_boxes_edges_and_clusters(net, x, target):
    loss = F.cross_entropy(net(x), target)
    loss.backward()
    graph = mg.draw(loss)
    picture, text = Parsed(graph.source), graph.to_mermaid()
    assert text.startswith("---\n") and text.split("---\n")[2].startswith("flowchart TD\n")
    boxes = re.findall(r'^ *n(\d+)\S*"<b>(.*?)</b>(.*)"', text, re.M)
    assert {int(number): title for number, title, _ in boxes} == {n: box.title for n, box in picture.boxes.items()}
    assert all(lines.split("<br/>")[1:] == picture.boxes[int(n)].lines for n, _, lines in boxes)
    edges = re.findall(r'^  n(\d+) (-->|-\.->)(?:\|"(.*)"\|)? n(\d+)$', text, re.M)
    assert [(int(a), int(b)) for a, _, _, b in edges] == [(a, b) for a, b, _ in picture.edges]
    assert {label for *_, label, _ in edges} == {"", "writes 0.1", "+1 to 1"}
    titles = re.findall(r'subgraph \w+\["(.*)"\]', text)
    assert [" ".join(title.split()) for title in titles] == [
        " ".join(t.split()) for t, _, _ in picture.clusters.values()
    ]
    assert text.count("\n  end\n") == len(titles)


def test_the_legend_is_a_cluster_of_its_own(net, x):
    plain, explained = parsed(net, x), parsed(net, x, legend=True)
    assert {title for title, _, _ in explained.clusters.values()} - {
        title for title, _, _ in plain.clusters.values()
    } == {"legend"}
    assert {number: explained.boxes[number] for number in plain.boxes} == plain.boxes
    assert explained.edges[: len(plain.edges)] == plain.edges
