"""Films of training steps: the training is the one without a film, and the page shows each step."""

import re

import pytest

import minigrad as mg
from minigrad import data, nn, optim
from minigrad.engine.errors import InvalidValueError
from minigrad.graph import folding
from minigrad.nn import functional as F
from tests.graph.browser import facts, needs_browser
from tests.graph.parsed import needs_renderer
from tests.graph.test_page import LOOK


class Start:
    """A model with dropout and what trains it, always the same."""

    def __init__(self):
        mg.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
        points = data.TensorDataset(mg.randn(20, 4), mg.randint(3, (20,)))
        self.loader = data.DataLoader(points, batch_size=8, shuffle=True)
        self.optimizer = optim.Adam(self.model.parameters(), lr=0.01)

    def step(self, inputs, targets):
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(inputs), targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def film(self, steps=5, **how):
        how = how or {"loss": F.cross_entropy, "optimizer": self.optimizer}
        return mg.graph.film(self.model, self.loader, steps, **how)

    def state(self):
        tensors = [*self.model.parameters(), *self.model.buffers()]
        gradients = [parameter.grad.numpy().tobytes() for parameter in self.model.parameters()]
        moments = str(self.optimizer.state_dict())
        return [tensor.numpy().tobytes() for tensor in tensors], gradients, moments, mg.rand(3).tolist()


def trained():
    """The same start after five steps without a film."""
    start = Start()
    for _ in range(2):
        for i, batch in enumerate(start.loader):
            start.step(*batch)
            if _ == 1 and i == 1:
                break
    return start.state()


@pytest.mark.parametrize("own", [False, True])
def test_the_training_is_the_one_without_a_film(own):
    start = Start()
    made = start.film(**{"step": start.step} if own else {})
    assert len(made) == 5 and start.state() == trained()


def test_each_step_says_its_own_numbers_and_keeps_nothing_alive():
    start = Start()
    made = start.film()
    losses = [re.search(r"loss=(\S+)", frame["header"])[1] for frame in made.frames]
    assert len(set(losses)) == 5 and repr(made).startswith("<Film of 5 steps, at the last Sequential   mode=train")
    assert [frame["edges"][key] for frame in made.frames for key in frame["edges"] if "+1" in frame["edges"][key]] == [
        f"+1 to {i}" for i in range(1, 6)
    ]
    weight = next(number for number, box in made.data["boxes"].items() if box["title"] == "0.weight")
    gradients = {str(frame["lines"][weight]) for frame in made.frames}
    assert len(gradients) == 5 and all("|grad| rms" in each for each in gradients)  # not "now": before the step
    assert [tensor["name"] for tensor in made.frames[0]["facts"][weight]["tensors"]] == ["values", "gradient"]
    assert made.picture.records == {}


class Changing(nn.Module):
    def __init__(self):
        self.fc, self.calls = nn.Linear(4, 3), 0

    def forward(self, x):
        self.calls += 1
        return self.fc(x) if self.calls < 3 else self.fc(x).tanh()


@pytest.mark.parametrize(
    "how, error, message",
    [
        (lambda s: ("net", s.loader, 2), TypeError, "film expects a module, got a str"),
        (lambda s: (s.model, s.loader, 2), TypeError, r"film takes loss= and optimizer=, or only a step="),
        (lambda s: (s.model, s.loader, 2, s.optimizer), TypeError, "film takes loss= and optimizer="),
        (lambda s: (s.model, s.loader, 2, s.optimizer, s.step), TypeError, "film takes loss= and optimizer="),
        (lambda s: (s.model, 3, 2, None, s.step), TypeError, "loader must be batches"),
        (
            lambda s: (s.model, s.loader, 2, None, s.step, 0),
            ValueError,
            "^film: depth must be an integer of at least 1",
        ),
        (lambda s: (s.model, s.loader, 2, None, s.step, 1, "x"), ValueError, "^film: collapse='x' is the path of no"),
        (lambda s: (s.model, s.loader, 2, None, s.step, 1, (), "red"), ValueError, "^film: theme must be one of"),
        (lambda s: (s.model, s.loader, 0, None, s.step), ValueError, "steps must be an integer of at least 1"),
        (lambda s: (s.model, [], 2, None, s.step), ValueError, "loader yields no batch: give it samples"),
        (lambda s: (s.model, iter([]), 2, None, s.step), ValueError, "no batch: give it samples"),
        (lambda s: (s.model, s.loader, 2, None, lambda x, y: None), ValueError, "a step must give its loss"),
    ],
)
def test_what_cannot_be_filmed_is_refused_before_anything_changes(how, error, message):
    start = Start()
    before = [tensor.tolist() for tensor in start.model.parameters()]
    names = "model", "loader", "steps", "optimizer", "step", "depth", "collapse", "theme"
    with pytest.raises(error, match=message):
        mg.graph.film(**dict(zip(names, how(start))))
    assert [tensor.tolist() for tensor in start.model.parameters()] == before


def test_operations_to_open_that_the_steps_have_not_are_refused():
    start = Start()
    before = [tensor.tolist() for tensor in start.model.parameters()]
    with pytest.raises(
        InvalidValueError, match=r"^film: expand='x' names no operation here.*: batch_norm has"
    ) as caught:
        start.film(2, loss=F.cross_entropy, optimizer=start.optimizer, expand="x")
    assert caught.type is InvalidValueError
    assert [tensor.tolist() for tensor in start.model.parameters()] == before


def test_a_step_with_other_operations_is_named():
    model = Changing()
    with pytest.raises(ValueError, match="the graph of step 3 has other operations"):
        mg.graph.film(model, [(mg.randn(2, 4),)], 5, step=lambda x: model(x).sum())


def test_films_are_folded_opened_and_coloured_as_pictures_are(monkeypatch):
    def titles(film):
        return [box.title for box in film.picture.content.all_boxes()]

    start = Start()
    way = {"loss": F.cross_entropy, "optimizer": start.optimizer}
    closed = start.film(2, **way, depth=1, theme="dark")
    assert {"0: Linear(4, 8)", "1: BatchNorm1d(8)", "4: Linear(8, 3)"} <= set(titles(closed))
    assert closed.picture.theme == "dark"
    assert "1: BatchNorm1d(8)" in titles(start.film(2, **way, collapse=nn.BatchNorm1d))
    opened = start.film(2, **way, expand="1")
    number = next(str(box.number) for box in opened.picture.content.all_boxes() if box.title == "scale and shift")
    formulas = {
        line for frame in opened.frames for line, _ in frame["lines"][int(number)] if line.startswith("first value")
    }
    assert len(formulas) == 2
    monkeypatch.setattr(folding, "LARGEST", 12)
    small = start.film(2, **way)
    assert "4: Linear(8, 3)" in titles(small) and all("folded at depth 1" in each["header"] for each in small.frames)


def test_a_film_is_saved_as_a_page_only(tmp_path):
    with pytest.raises(ValueError, match=r"name it \.html"):
        Start().film(1).save(tmp_path / "film.mp4")


@needs_renderer
@needs_browser
@pytest.mark.slow
def test_the_slider_changes_the_texts_and_not_the_layout(tmp_path):
    made = Start().film()
    page = made.save(tmp_path / "film.html")
    found = facts(page, tmp_path, LOOK + """
        const texts = () => node("0.weight").textContent, place = () => JSON.stringify(node("4.weight").getBBox());
        const said = { first: [texts(), place(), one("#shown").textContent] };
        one("#step").value = 4; one("#step").dispatchEvent(new Event("input"));
        click(node("0.weight"));
        return { ...said, last: [texts(), place(), one("#shown").textContent], panel: panel(),
                 header: one("#header").textContent };
    """)  # fmt: skip
    weight = next(number for number, box in made.data["boxes"].items() if box["title"] == "0.weight")
    for which, i in (("first", 0), ("last", 4)):
        text, _, shown = found[which]
        assert made.frames[i]["lines"][weight][1][0] in text and shown == f"step {i + 1} of 5"
    assert found["first"][1] == found["last"][1]
    assert "gradient" in found["panel"] and found["header"] == made.frames[4]["header"]
    assert 'sandbox="allow-scripts"' in made._repr_html_() and "trust the notebook" in made._repr_html_()
