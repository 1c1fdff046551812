"""What is written where, and what is refused before anything is written."""

from __future__ import annotations

import builtins
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.export.running import Running, content, normal, onnx


class Counting(nn.Module):
    def __init__(self) -> None:
        self.calls = nn.Buffer(mg.zeros(()))

    def forward(self, x: Any) -> Any:
        self.calls.add_(1)
        return x * self.calls


class Deep(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.ModuleList([nn.Identity(), Steps()])

    def forward(self, x: Any) -> Any:
        return self.inner[1](x)


class Steps(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.cumprod(1)


def branches(x: Any) -> Any:
    return x if x.sum() > 0 else -x


def views(x: Any) -> Any:
    y = x * 2
    first = y[:, 0]
    y.mul_(3)
    return first


def through_a_view(x: Any) -> Any:
    y = x * 2
    y[:, 0].mul_(3)
    return y


NO_FORM: dict[str, tuple[Any, str]] = {
    "operation and module": (Deep(), r"cumprod in inner\.1 \(Steps\) has no form in ONNX: np\.cumprod"),
    "random numbers": (lambda x: x + mg.randn(3), "random"),
    "dropout of another kind": (
        nn.AlphaDropout(),
        r"in AlphaDropout draws random numbers, draw_alpha_mask: use model.eval",
    ),
    "a decision on a value": (branches, r"test_files.py:\d+: bool\(\) asks for the value"),
    "a mask": (lambda x: x[x > 0], "shape of the result depends on it"),
    "a buffer that is changed": (Counting(), "changes a parameter or buffer and then uses it"),
    "a view of what was written to": (views, "uses an array after a part or a view of it was written to"),
    "an array that was written to by a view": (through_a_view, "uses an array after a part or a view of it"),
    "no tensor": (lambda x: 3, "the model returns an int, expected tensors"),
    "nothing": (lambda x: None, "the model returns no tensor"),
}


@pytest.mark.parametrize(("model", "reason"), NO_FORM.values(), ids=NO_FORM)
def test_what_has_no_form_is_refused_before_a_file_is_written(model: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(mg.onnx.OnnxExporterError, match=reason):
        mg.onnx.export(model, normal(4, 3), path)
    path.write_bytes(b"before")
    with pytest.raises(mg.onnx.OnnxExporterError):
        mg.onnx.export(model, normal(4, 3), path)
    assert path.read_bytes() == b"before" and list(tmp_path.iterdir()) == [path]


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "an old opset": ({"opset_version": 16}, ValueError, "opset_version must be an integer from 17 to 23, got 16"),
    "a new opset": ({"opset_version": 99}, ValueError, "from 17 to 23, got 99"),
    "no opset": ({"opset_version": "17"}, ValueError, "got '17'"),
    "too few names": ({"input_names": []}, ValueError, r"input_names must be 1 different names, got \[\]"),
    "names of results": ({"output_names": ["a", "b"]}, ValueError, "output_names must be 1 different names"),
    "an axis": ({"dynamic_axes": {"input": {5: "n"}}}, ValueError, r"input of shape \(4, 3\) has no axis 5"),
    "two lengths": ({"dynamic_axes": {"input": {0: "n", 1: "n"}}}, ValueError, "has 3 where another has 4"),
    "no axes": ({"dynamic_axes": {"input": 0}}, TypeError, "must be a dict of axes and names, or a list of axes"),
    "an unknown input": ({"dynamic_axes": {"y": [0]}}, ValueError, "dynamic_axes names 'y'; there are input"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "kind", "reason"), BAD.values(), ids=BAD)
def test_bad_arguments_are_refused(settings: Any, kind: type[Exception], reason: str, tmp_path: Path) -> None:
    with pytest.raises(kind, match=reason):
        mg.onnx.export(nn.Linear(3, 2), normal(4, 3), tmp_path / "model.onnx", **settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "kind", "reason"),
    [
        (3.0, TypeError, "the example must have a tensor or an array, got a float"),
        ((), TypeError, "got none"),
        (np.array(["a"]), TypeError, "which ONNX has not"),
        (normal(4, 5), ValueError, "linear"),
        (mg.zeros(0, 3), ValueError, "'batch': axis 0 of input is empty"),
    ],
    ids=["number", "nothing", "strings", "shape", "empty"],
)
def test_bad_examples_are_refused(args: Any, kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        content(nn.Linear(3, 2), args)


def test_a_file_is_written_by_its_path_and_into_an_open_file(tmp_path: Path) -> None:
    model, x = nn.Linear(3, 2), normal(4, 3)
    file = io.BytesIO()
    mg.onnx.export(model, x, file)
    for path in (tmp_path / "a.onnx", str(tmp_path / "b.onnx")):
        mg.onnx.export(model, x, path)
        assert Path(path).read_bytes() == file.getvalue()
    onnx.checker.check_model(str(tmp_path / "a.onnx"), full_check=True)
    assert len(Running(file.getvalue())(x)) == 1


def test_a_link_is_followed_and_a_folder_refused(tmp_path: Path) -> None:
    (tmp_path / "real.onnx").write_bytes(b"")
    (tmp_path / "link.onnx").symlink_to(tmp_path / "real.onnx")
    mg.onnx.export(nn.Linear(3, 2), normal(4, 3), tmp_path / "link.onnx")
    assert (tmp_path / "link.onnx").is_symlink() and (tmp_path / "real.onnx").stat().st_size
    with pytest.raises(IsADirectoryError, match="Name a file in it"):
        mg.onnx.export(nn.Linear(3, 2), normal(4, 3), tmp_path)


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = builtins.__import__

    def missing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name.partition(".")[0] == "onnx" and not level:
            raise ImportError("no module")
        return own(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        ImportError, match=r'^minigrad writes .onnx files with the package onnx: pip install "minigrad\[onnx\]"$'
    ):
        mg.onnx.export(nn.Linear(3, 2), normal(4, 3), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_the_model_and_its_example_are_as_before() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    x = mg.ones(4, 3, requires_grad=True)
    state = {name: (value, value.array, value.array.copy()) for name, value in model.named_parameters()}
    with mg.no_grad():
        content(model, x)
    assert x.grad is None and x.requires_grad and x.is_leaf
    for name, value in model.named_parameters():
        before, array, values = state[name]
        assert value is before and value.array is array and np.array_equal(array, values) and value.grad is None
    assert model[1].num_batches_tracked.item() == 0
