"""The text of modules."""

import pytest

from minigrad import nn
from tests.nn.nets import Block, Parent


class Zoo(nn.Module):
    def __init__(self):
        self.stem = nn.Sequential(nn.Flatten(), nn.Linear(4, 8, bias=False), nn.Tanh())
        self.blocks = nn.ModuleList([Block(8), Block(8), nn.Identity(), Block(3)])
        self.heads = nn.ModuleDict({"a": nn.Linear(8, 2), "b": nn.Sequential()})
        self.same = nn.ModuleList([nn.ReLU() for _ in range(3)])
        self.loss = nn.CrossEntropyLoss()
        self.out = nn.Softmax(dim=1)
        self.log = nn.LogSoftmax(dim=-1)
        self.sig = nn.Sigmoid()
        self.bn2 = nn.BatchNorm2d(3, momentum=None, affine=False)
        self.bn3 = nn.BatchNorm3d(3, eps=0.001, track_running_stats=False)


class Notes(nn.Module):
    def __init__(self, text, child=None):
        self.text, self.child = text, child

    def extra_repr(self):
        return self.text


ZOO = """Zoo(
  (stem): Sequential(
    (0): Flatten(start_dim=1, end_dim=-1)
    (1): Linear(in_features=4, out_features=8, bias=False)
    (2): Tanh()
  )
  (blocks): ModuleList(
    (0-1): 2 x Block(
      (fc): Linear(in_features=8, out_features=8, bias=True)
      (bn): BatchNorm1d(8, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (act): ReLU()
    )
    (2): Identity()
    (3): Block(
      (fc): Linear(in_features=3, out_features=3, bias=True)
      (bn): BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (act): ReLU()
    )
  )
  (heads): ModuleDict(
    (a): Linear(in_features=8, out_features=2, bias=True)
    (b): Sequential()
  )
  (same): ModuleList(
    (0-2): 3 x ReLU()
  )
  (loss): CrossEntropyLoss()
  (out): Softmax(dim=1)
  (log): LogSoftmax(dim=-1)
  (sig): Sigmoid()
  (bn2): BatchNorm2d(3, eps=1e-05, momentum=None, affine=False, track_running_stats=True)
  (bn3): BatchNorm3d(3, eps=0.001, momentum=0.1, affine=True, track_running_stats=False)
)"""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (Zoo, ZOO),
        (lambda: Notes(""), "Notes()"),
        (lambda: Notes("first=1"), "Notes(first=1)"),
        (lambda: Notes("first=1\nsecond=2"), "Notes(\n  first=1\n  second=2\n)"),
        (lambda: Notes("", nn.ReLU()), "Notes(\n  (child): ReLU()\n)"),
        (
            lambda: Notes("first=1", Notes("first=1\nsecond=2", nn.ReLU())),
            "Notes(\n  first=1\n  (child): Notes(\n    first=1\n    second=2\n    (child): ReLU()\n  )\n)",
        ),
        (nn.ModuleList, "ModuleList()"),
        (
            Parent,
            "Parent(\n  (child): Linear(\n    in_features=2, out_features=2, bias=True\n    (parent): ...\n  )\n)",
        ),
    ],
)
def test_the_text_is_pytorchs(make, text):
    assert repr(make()) == text
    assert str(make()) == text


def test_modules_in_plain_lists_are_shown():
    model = nn.Module()
    model.layers = [nn.ReLU(), nn.Tanh()]
    assert repr(model) == "Module(\n  (layers.0): ReLU()\n  (layers.1): Tanh()\n)"
