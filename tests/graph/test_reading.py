"""A picture of BatchNorm read back: its mode, its buffers and their places."""

import json
import re
import subprocess

import pytest

import minigrad as mg
from minigrad.graph.description import KINDS, MODES
from tests.graph.parsed import MLP, Parsed, needs_dot, parsed


@needs_dot
def test_graphviz_reads_the_same_boxes_edges_and_clusters_as_these_tests(net, x):
    source = mg.draw(net, x, legend=True).source
    ran = subprocess.run(["dot", "-Tdot_json"], input=source.encode(), capture_output=True, check=True)
    assert not ran.stderr
    read, own = json.loads(ran.stdout), Parsed(source)
    names = {thing["_gvid"]: thing["name"] for thing in read["objects"]}
    shown = [edge for edge in read["edges"] if edge.get("style") != "invis"]
    edges = sorted((names[edge["tail"]], names[edge["head"]]) for edge in shown)
    assert edges == sorted((f"n{a}", f"n{b}") for a, b, _ in own.edges)
    clusters = {thing["name"]: thing for thing in read["objects"] if thing["name"].startswith("cluster")}
    assert set(clusters) == set(own.clusters)
    for number, box in own.boxes.items():
        assert {name for name, cluster in clusters.items() if f"n{number}" in [names[i] for i in cluster["nodes"]]} == {
            name for name in clusters if f"{box.cluster}_".startswith(f"{name}_")
        }


def in_train(net):
    return net


def in_eval(net):
    return net.eval()


def frozen(net):
    net.bn1.eval().freeze()
    return net


MEAN, VAR, COUNT = (f"bn1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked"))
READS = {(MEAN, "batch_norm", "reads"), (VAR, "batch_norm", "reads")}
WRITES = {("batch_norm", MEAN, "writes 0.1"), ("batch_norm", VAR, "writes 0.1"), ("batch_norm", COUNT, "+1")}


@pytest.mark.parametrize(
    "prepare, mode, effects, statistics",
    [
        (in_train, "train", WRITES, "batch"),
        (in_eval, "eval", READS, "running"),
        (frozen, "frozen_eval", READS, "running"),
    ],
)
def test_a_batch_norm_shows_its_mode_in_title_colour_and_buffer_arrows(net, x, prepare, mode, effects, statistics):
    picture = parsed(prepare(net), x)
    text, (_, inside, border) = MODES[mode]
    (cluster,) = picture.cluster("batch_norm")
    assert cluster.startswith("bn1: BatchNorm1d(8") and cluster.endswith(text)
    box = picture.box("batch_norm")
    assert picture.clusters[box.cluster][1] == f'"{inside}" color="{border}"'
    assert f'color="{border}"' in box.look
    assert picture.arrows("dashed") == effects
    assert any(line.startswith(f"{statistics} mean in") for line in box.lines)
    for buffer in (MEAN, VAR, COUNT):
        assert picture.cluster(buffer) == [cluster]
        assert "shape=cylinder" in picture.box(buffer).look


def test_the_mode_drawn_is_that_of_the_call_not_that_of_the_module_now(net, x):
    y = net(x)
    net.eval()
    assert parsed(y).cluster("batch_norm") == ["bn1: BatchNorm1d(8)  [TRAIN: batch statistics]"]


def test_the_modes_and_kinds_differ_in_colour_and_kinds_also_in_shape():
    assert len({mode.colours.inside for mode in MODES.values()}) == len(MODES)
    picture = parsed(MLP(), mg.ones(2, 4), legend=True)
    legend = [box for box in picture.boxes.values() if picture.clusters.get(box.cluster, [""])[0] == "legend"]
    looks = {re.sub("fillcolor.*", "", box.look) for box in legend}
    assert len(looks) == len(KINDS)


@needs_dot
@pytest.mark.parametrize("prepare", [in_train, in_eval])
def test_buffers_stay_above_their_operation_in_both_modes(net, x, prepare):
    graph = mg.draw(prepare(net), x)
    plain = subprocess.run(["dot", "-Tplain"], input=graph.source.encode(), capture_output=True, check=True).stdout
    height = {int(n): float(y) for n, y in re.findall(r"^node n(\d+) \S+ (\S+)", plain.decode(), re.M)}
    (norm,) = [n for n, box in Parsed(graph.source).boxes.items() if box.title == "batch_norm"]
    buffers = [n for n, box in Parsed(graph.source).boxes.items() if f"bn1.{box.title}" in (MEAN, VAR, COUNT)]
    assert len(buffers) == 3 and min(height[n] for n in buffers) > height[norm]
