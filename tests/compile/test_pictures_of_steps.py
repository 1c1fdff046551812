"""``mg.draw`` of a compiled step: its states, its operations, and what it writes."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.native import compiler
from minigrad.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        self.fc1, self.bn1, self.fc2 = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2)

    def forward(self, x):
        return self.fc2(self.bn1(self.fc1(x)).relu())


@pytest.fixture
def drawn():
    """A net, its training step, and a picture of it after three calls."""
    mg.manual_seed(0)
    model = Net()
    model.fc1.bias.requires_grad_(False)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    @mg.compile(backend="numpy")
    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    x, y = mg.randn(16, 4), mg.tensor(np.arange(16) % 2)
    for _ in range(3):
        step(x, y)
    return mg.draw(step)


def boxes(graph, kind):
    return {box.title for box in graph.picture.content.all_boxes() if box.kind == kind}


def test_states_and_inputs_are_drawn_by_their_kinds_and_names(drawn):
    assert boxes(drawn, "parameter") == {"fc1_weight", "bn1_weight", "bn1_bias", "fc2_weight", "fc2_bias"}
    assert boxes(drawn, "frozen") == {"fc1_bias"}
    assert boxes(drawn, "buffer") >= {"bn1_running_mean", "bn1_running_var", "bn1_num_batches_tracked"}
    assert boxes(drawn, "input") == {"x", "y"} and boxes(drawn, "output") == {"returned"}


def test_writes_lead_to_what_the_step_changes_and_to_nothing_else(drawn):
    titles = {box.number: box.title for box in drawn.picture.content.all_boxes()}
    written = {titles[edge.target] for edge in drawn.picture.edges if edge.kind == "writes"}
    changed = boxes(drawn, "parameter") | boxes(drawn, "buffer")
    assert written == changed


def test_operations_and_derivatives_stand_in_the_clusters_of_their_modules(drawn):
    found = {(cluster.title, box.title) for cluster in drawn.picture.content.all_clusters() for box in cluster.boxes}
    phases = drawn.picture.content.clusters
    assert [cluster.title for cluster in phases] == ["forward", "backward", "update"]
    assert {
        ("fc1 (Linear, train)", "linear"), ("bn1 (BatchNorm1d, train)", "batch_norm"),
        ("bn1 (BatchNorm1d, train)", "derivative of batch_norm"), ("fc2 (Linear, train)", "derivative of linear"),
    } <= found  # fmt: skip
    inside = [{box.title for box in phase.boxes} for phase in phases]
    assert (
        "cross_entropy" in inside[0] and "derivative of cross_entropy" in inside[1] and "optimizer.step()" in inside[2]
    )
    assert "TRAIN: batch statistics" in drawn.source


def test_a_value_flows_from_the_box_that_made_it(drawn):
    titles = {box.number: box.title for box in drawn.picture.content.all_boxes()}
    flows = {(titles[edge.source], titles[edge.target]) for edge in drawn.picture.edges if edge.kind == "value"}
    assert {
        ("x", "linear"), ("linear", "batch_norm"), ("batch_norm", "relu"), ("linear", "cross_entropy"),
        ("cross_entropy", "returned"), ("derivative of cross_entropy", "derivative of linear"),
        ("derivative of batch_norm", "derivative of linear"),
    } <= flows  # fmt: skip


def test_a_step_without_a_program_says_so():
    with pytest.raises(RuntimeError, match="has no program yet: call it once"):
        mg.draw(mg.compile(lambda x: x * 2))


@pytest.mark.parametrize("options", [{"values": True}, {"grads": True}, {"expand": True}, {"modes": "both"}])
def test_a_program_has_no_values_and_one_mode(options):
    with pytest.raises(TypeError, match=f"^draw: {next(iter(options))} cannot be said of a compiled step"):
        mg.draw(mg.compile(lambda x: x.exp()), **options)


def test_where_c_runs_a_box_is_a_loop_that_says_which_operations_went_into_it():
    if compiler.found() is None:
        pytest.skip("there is no compiler here")
    model = Net()
    step = mg.compile(lambda x, y: F.cross_entropy(model(x), y), backend="c")
    for _ in range(3):
        step(mg.zeros(16, 4), mg.tensor(np.arange(16) % 2))
    content = mg.draw(step).picture.content
    loops = [box for box in content.all_boxes() if box.kind == "op"]
    said = [{line.text for line in box.lines} for box in loops]
    assert any("relu" in " ".join(lines) and "bn1: batch_norm" in " ".join(lines) for lines in said)
    assert {box.title.partition(" (")[0].partition(",")[0] for box in loops} >= {"matrix product", "one loop"}
    titles = {box.number: box.title for box in content.all_boxes()}
    written = {titles[edge.target] for edge in mg.draw(step).picture.edges if edge.kind == "writes"}
    assert written == {"bn1_running_mean", "bn1_running_var", "bn1_num_batches_tracked"}
