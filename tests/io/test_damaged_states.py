"""A damaged checkpoint is refused, or loaded as it was saved; a model or an optimiser is never half loaded."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

Members = dict[str, bytes]


class Run:
    """A model and its optimiser after some training."""

    def __init__(self, seed: int):
        mg.manual_seed(seed)
        self.net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        self.optimizer = optim.Adam(self.net.parameters(), lr=0.01 * seed)
        for _ in range(seed):
            (self.net(mg.randn(5, 3)) ** 2).sum().backward()
            self.optimizer.step()

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(), "epoch": 3}


def bits(value: Any) -> Any:
    """A state as Python values, in which every bit of every number counts."""
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return (str(value.dtype), value.shape, value.numpy().tobytes()) if isinstance(value, mg.Tensor) else value


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> tuple[bytes, Any]:
    """The bytes of a checkpoint, and the state in it."""
    path = tmp_path_factory.mktemp("saved") / "run"
    run = Run(2)
    mg.save(run.state(), path)
    return path.read_bytes(), bits(run.state())


@pytest.fixture
def loaded(tmp_path, saved) -> Callable[[bytes], str]:
    """Load bytes into a run of its own: refused by which part, or loaded."""
    path, (_, expected) = tmp_path / "run", saved

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        try:
            state = mg.load(path)
        except mg.CheckpointError:
            return "load"
        run = Run(1)
        before = bits(run.state())
        for name, part in (("net", run.net), ("optimizer", run.optimizer)):
            try:
                part.load_state_dict(state[name])
            except (RuntimeError, ValueError, TypeError, KeyError):
                assert bits(part.state_dict()) == before[name], "half loaded"
                return name
        return "as saved" if bits({**run.state(), "epoch": state["epoch"]}) == expected else "as another"

    return attempt


# -- damaged bytes -------------------------------------------------------------------------------


def damaged(whole: bytes, random: np.random.Generator) -> Iterator[bytes]:
    """Files as broken disks and transfers leave them."""
    a, b = sorted(random.integers(0, len(whole), 2))
    flipped = bytearray(whole)
    flipped[a] ^= 1 << random.integers(8)
    yield bytes(flipped)
    several = bytearray(whole)
    for i in random.integers(0, len(whole), 20):
        several[i] = random.integers(256)
    yield bytes(several)
    yield whole[:b]
    yield whole[a:]
    yield whole[:a] + whole[b:]
    yield whole[:a] + bytes(b - a) + whole[b:]
    yield whole[:b] + whole[a:]
    yield whole[:a] + random.bytes(int(random.integers(1, 30))) + whole[a:]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_damaged_bytes_are_refused_or_do_not_matter(saved, loaded, seed):
    whole, _ = saved
    random = np.random.default_rng(seed)
    results = [loaded(data) for _ in range(10) for data in damaged(whole, random)]
    assert set(results) <= {"load", "as saved"}
    assert results.count("load") > 60
    assert loaded(whole) == "as saved"


# -- whole files with something missing or exchanged -----------------------------------------------


def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(members: Members) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def array(*shape: int, dtype: Any = np.float32) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros(shape, dtype))
    return stream.getvalue()


def test_a_file_written_again_with_the_same_members_is_loaded(saved, loaded):
    whole, _ = saved
    assert loaded(written(members_of(whole))) == "as saved"


def test_a_file_without_one_of_its_members_is_refused(saved, loaded):
    whole, _ = saved
    members = members_of(whole)
    for name in members:
        assert loaded(written({key: data for key, data in members.items() if key != name})) == "load", name


@pytest.mark.parametrize(
    "replacement",
    [array(7), array(2, 2), array(0), array(3, 4, dtype="<c8"), array(1, dtype="<U3"), b"", b"no array"],
    ids=["7", "2 x 2", "empty", "complex", "text", "no bytes", "no array"],
)
def test_a_file_with_another_array_in_one_place_is_refused_and_changes_nothing(saved, loaded, replacement):
    whole, _ = saved
    members = members_of(whole)
    for name in members.keys() - {"structure.json"}:
        assert loaded(written({**members, name: replacement})) in ("load", "net", "optimizer"), name


def renamed(structure: str, random: np.random.Generator) -> str:
    """A structure in which one name of the two states has another letter."""
    names = ["weight", "bias", "running_mean", "running_var", "param_groups", "exp_avg_sq", "params", "betas", "lr"]
    name = names[random.integers(len(names))]
    places = [i for i in range(len(structure)) if structure.startswith(f'{name}"', i)]
    i = places[random.integers(len(places))]
    return structure[:i] + "x" + structure[i + 1 :]


@pytest.mark.parametrize("seed", range(40))
def test_a_state_with_another_name_in_it_is_refused_and_changes_nothing(saved, loaded, seed):
    whole, _ = saved
    members = members_of(whole)
    structure = renamed(members["structure.json"].decode(), np.random.default_rng(seed))
    assert json.loads(structure)
    assert loaded(written({**members, "structure.json": structure.encode()})) in ("net", "optimizer")


# -- states of another model -----------------------------------------------------------------------


class Scaled(nn.Module):
    """Has a parameter of no dimension, to which every vector could be broadcast."""

    def __init__(self):
        self.scale = nn.Parameter(mg.tensor(0.5))
        self.w = nn.Parameter(mg.ones(3, 2))


MISFITS = {
    "a vector for a number": ("scale", (70,)),
    "(1,) for ()": ("scale", (1,)),
    "a row for rows": ("w", (1, 2)),
    "a number for rows": ("w", ()),
    "transposed": ("w", (2, 3)),
    "flat": ("w", (6,)),
}


@pytest.mark.parametrize("name", MISFITS)
def test_loading_never_broadcasts_or_reshapes(name):
    net = Scaled()
    key, shape = MISFITS[name]
    state = {"scale": mg.tensor(7.0), "w": mg.zeros(3, 2), key: mg.zeros(*shape)}
    with pytest.raises(RuntimeError, match=f"size mismatch for {key}"):
        net.load_state_dict(state)
    assert net.scale.item() == 0.5 and net.w.tolist() == [[1, 1]] * 3


# -- files of other programs -----------------------------------------------------------------------

FOREIGN: dict[str, Callable[[Path], Any]] = {
    "npz": lambda path: np.savez(path.open("wb"), w=np.ones(3)),
    "compressed npz": lambda path: np.savez_compressed(path.open("wb"), w=np.ones(3)),
    "npy": lambda path: np.save(path.open("wb"), np.ones(3)),
    "text": lambda path: path.write_text("hello"),
    "nothing": lambda path: path.write_bytes(b""),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_program_is_refused_by_name(name, tmp_path):
    path = tmp_path / "foreign.file"
    FOREIGN[name](path)
    with pytest.raises(mg.CheckpointError, match=r"foreign\.file"):
        mg.load(path)


def test_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises((mg.CheckpointError, OSError), match=tmp_path.name):
        mg.load(tmp_path)


# -- size ----------------------------------------------------------------------------------------


def test_a_slice_is_saved_without_the_array_it_looks_at(tmp_path):
    x = mg.arange(200_000)
    mg.save({"ten": x[:10], "wide": x[::20_000], "array": x[5:8].numpy()}, tmp_path / "slices")
    assert (tmp_path / "slices").stat().st_size < 5000
    found = mg.load(tmp_path / "slices")
    assert found["ten"].tolist() == list(range(10))
    assert found["wide"].tolist() == list(range(0, 200_000, 20_000))
    assert found["array"].tolist() == [5, 6, 7]
