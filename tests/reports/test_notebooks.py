"""Objects in notebooks: HTML of plain tables, without scripts or colours of their own, beside the text."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import minigrad as mg
from minigrad import data, nn, optim, training
from minigrad.nn import functional as F
from minigrad.reports.table import html_block, html_text

HOSTILE = "<script>alert('x')</script>"


class Named(nn.Module):
    def __init__(self):
        self.parts = {HOSTILE: nn.Linear(4, 2)}

    def forward(self, x):
        return self.parts[HOSTILE](x)


def model():
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


def history():
    net = model()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    batches = [(mg.randn(8, 4), mg.randint(2, (8,)))]
    return training.fit(net, batches, loss=F.cross_entropy, optimizer=optimizer, epochs=2)


def optimizer():
    net = model()
    return optim.Adam([{"params": net[0].parameters()}, {"params": net[3].parameters(), "lr": 0.1}], lr=0.01)


def loader():
    return data.DataLoader(data.TensorDataset(mg.randn(20, 4), mg.randint(2, (20,))), batch_size=8, shuffle=True)


OBJECTS = {
    "a vector": (lambda: mg.tensor([1.5, -2.0]), ["tensor (2,) float32", "1.5000", "-2.0000"]),
    "a matrix": (lambda: mg.arange(6).reshape(2, 3), ["tensor (2, 3) int64", "<td", ">5<"]),
    "a computed tensor": (lambda: mg.ones(2, requires_grad=True).exp(), ["computed by exp", "2.7183"]),
    "a cube": (lambda: mg.zeros(2, 2, 2), ["tensor (2, 2, 2) float32", "monospace", ">tensor([[[0., 0.]"]),
    "a number": (lambda: mg.tensor(3.0), ["<div>tensor () float32: 3.</div>"]),
    "nothing": (lambda: mg.zeros(0, 3), ["<div>tensor (0, 3) float32: no elements</div>"]),
    "a parameter": (lambda: nn.Parameter(mg.ones(2, 2)), ["Parameter (2, 2) float32, requires grad"]),
    "a module": (model, ["BatchNorm1d", "parameters"]),
    "a layer": (lambda: nn.BatchNorm1d(8), ["BatchNorm1d(8, eps=1e-05, momentum=0.1", "parameters"]),
    "a hostile module": (Named, ["Linear"]),
    "an optimiser": (optimizer, ["Adam", ">0.01<", ">0.1<", ">40<", ">18<"]),
    "a loader": (loader, ["DataLoader", "20 samples: (20, 4) float32", ">3 batches<", ">True<"]),
    "a loader of other batches": (
        lambda: data.DataLoader(data.moons(9), batch_sampler=[[0, 1], [2]]),
        [">2 batches<", ">batch_sampler<", "[[0, 1], [2]]"],
    ),
    "a history": (history, ["epoch", "loss"]),
    "a gradcheck report": (
        lambda: mg.gradcheck(mg.exp, mg.randn(3, dtype=mg.float64, requires_grad=True), raise_exception=False),
        ["<table"],
    ),
    "a summary": (lambda: mg.summary(model(), (4, 4)), ["<table", "BatchNorm1d"]),
    "a diagnosis": (lambda: mg.diagnose(model()), ["Nothing"]),
    "an explanation": (lambda: nn.BatchNorm1d(4).explain(mg.randn(8, 4)), ["<table"]),
}


class Checked(HTMLParser):
    """Elements that are closed, and what sanitisers of notebooks let through."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"style", "role"}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_show_themselves_as_text_and_html(name):
    make, parts = OBJECTS[name]
    value = make()
    text = value._repr_html_()
    assert all(part in text for part in parts), text
    assert Checked(text).tags <= {"div", "table", "tr", "td", "pre", "strong"}  # nbconvert lets no others through
    assert "<script" not in text and repr(value)
    colors = set(re.findall(r"(?:^|[;\"\s])color:([^;\"]*)", text))
    assert colors <= {"#e5484d"} and "background" not in text  # readable where the page is dark


def test_texts_around_tables_are_no_markup():
    assert re.sub(' style="[^"]*"', "", html_block(["a < b"], html_text("<i>"), ["</div>"])) == (
        "<div><div>a &lt; b</div><pre>&lt;i&gt;</pre><div>&lt;/div&gt;</div></div>"
    )


def test_of_long_axes_both_ends_are_shown():
    text = mg.arange(10_000).reshape(100, 100)._repr_html_()
    assert text.count("<tr>") == 1 + 11 and text.count("columnheader") == 1 + 11
    assert all(f">{value}<" in text for value in (0, 4, 95, 99, 9900, 9999, "…")) and ">50<" not in text


@pytest.mark.parametrize("dtype", [mg.float16, mg.float64, mg.bool, mg.uint8])
def test_values_are_written_as_in_the_text(dtype):
    values = mg.tensor(np.array([0, 1, 1], dtype=dtype))
    assert all(
        f">{part}<" in values._repr_html_() for part in re.findall(r"[\w.]+", str(values).split("[")[1].split("]")[0])
    )
