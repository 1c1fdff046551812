"""``minigrad inspect``: what is in files of arrays, without running code from them."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.command_line.runs import run

pytestmark = pytest.mark.usefixtures("in_an_empty_folder")
PYTORCHS = Path(__file__).parents[1] / "io"


def inspected(capsys, *arguments):
    run("inspect", *arguments)
    return capsys.readouterr().out


def test_the_entries_of_a_checkpoint_have_names_shapes_and_ranges(capsys):
    net = nn.BatchNorm1d(3)
    mg.save({"net": net.state_dict(), "epoch": 3, "losses": [0.5, np.nan], "x": [mg.ones(2), None]}, "c.ckpt")
    lines = inspected(capsys, "c.ckpt").splitlines()
    assert lines[0].startswith("c.ckpt: minigrad checkpoint, ") and lines[0].endswith("6 arrays of 15 values")
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
    assert rows["net.running_var"] == ["float32", "(3,)", "12", "B", "1"]
    assert rows["epoch"] == ["int", "3"] and rows["x.0"][:2] == ["float32", "(2,)"] and rows["x.1"] == ["None"]
    found = json.loads(inspected(capsys, "c.ckpt", "--json"))
    entries = {entry["name"]: entry for entry in found["entries"]}
    assert entries["losses"]["value"] == [0.5, None]
    assert entries["net.weight"] == {
        "name": "net.weight", "kind": "Tensor", "dtype": "float32", "shape": [3], "bytes": 12, "values": 3,
        "smallest": 1.0, "largest": 1.0, "nonfinite": 0,
    }  # fmt: skip


def test_numbers_that_are_not_finite_are_counted(capsys):
    np.savez("a.npz", w=np.array([1, np.nan, -2, np.inf]), empty=np.ones((0, 2)), words=np.array(["a", "b"]))
    out = inspected(capsys, "a.npz")
    assert out.startswith("a.npz: NumPy's file of arrays, ")
    assert "-2 to 1; 2 NaN or infinite" in out and "(0, 2)" in out and "<U1" in out
    np.save("b.npy", np.full(2, np.nan))
    assert "2 NaN or infinite" in inspected(capsys, "b.npy")


def test_safetensors_are_read(capsys):
    pytest.importorskip("safetensors", reason="an optional package")
    mg.save({"w": mg.ones(2, 3)}, "w.safetensors")
    assert inspected(capsys, "w.safetensors").startswith("w.safetensors: safetensors, ")


def test_pytorchs_files_are_read(capsys):
    path = next(PYTORCHS.rglob("checkpoint.pt"))
    found = json.loads(inspected(capsys, path, "--json"))
    assert found["format"] == "PyTorch checkpoint" and found["values"] > 0


class Code:
    def __reduce__(self):
        return open, ("it_ran", "w")


def test_code_is_refused_and_does_not_run(capsys):
    np.savez("objects.npz", x=np.array([Code()], object))
    Path("pickle.pt").write_bytes(pickle.dumps(Code()))
    with zipfile.ZipFile("zip.pt", "w") as archive:
        archive.writestr("zip/data.pkl", pickle.dumps(Code(), 2))
        archive.writestr("zip/version", "3\n")
    for name in ("objects.npz", "pickle.pt", "zip.pt"):
        run("inspect", name, code=2)
        out, error = capsys.readouterr()
        assert out == "" and error.count("\n") == 1 and name in error
    assert not Path("it_ran").exists()
