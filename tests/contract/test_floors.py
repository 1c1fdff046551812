"""The house as its imports show it: rooms import from floors below their own, where every reader looks for imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "minigrad"
SOURCES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    ["kernels", "groups", "engine", "reports", "_starting"],
    ["ops"],
    ["tensor"],
    ["nn", "data", "distributions", "io", "linalg", "random", "special", "testing", "einops"],
    ["optim", "graph", "checks", "distributed", "autograd", "func", "backends", "cuda", "utils"],
    ["compile", "diagnosis", "training"],
    ["export", "onnx", "sklearn"],
    ["__init__"],
    ["benchmarks"],
    ["command_line"],
    ["__main__"],
]
"""Rooms by floor, the ground first."""

FLOOR = {room: number for number, rooms in enumerate(FLOORS, 1) for room in rooms}

NEIGHBOURS = {("engine", "kernels"), ("autograd", "checks"), ("func", "autograd"), ("onnx", "export")}
"""Rooms of one floor of which the first imports the second; others do not know each other."""

LATE = {
    "minigrad/benchmarks/blas.py": {"ctypes"},
    "minigrad/command_line/pictures.py": {"matplotlib"},
    "minigrad/command_line/progress.py": {"tqdm"},
    "minigrad/export/onnx.py": {"onnx"},
    "minigrad/graph/rendering.py": {"graphviz", "pygraphviz"},
    "minigrad/groups/mpi.py": {"mpi4py"},
    "minigrad/io/safetensors.py": {"safetensors"},
    "minigrad/kernels/threads.py": {"concurrent"},
    "minigrad/onnx.py": {"minigrad"},
    "minigrad/ops/special/gamma.py": {"scipy"},
    "minigrad/training/fitting.py": {"tqdm"},
    "minigrad/training/plots/axes.py": {"matplotlib"},
}
"""Packages imported inside of a function because they are optional, or slow to import and seldom needed."""

LONGEST = {"minigrad": 450, "tests": 500, "examples": 500}
"""Lines of the longest file by folder."""


def name_of(path: Path) -> str:
    """A file of the package as a dotted name; a room's ``__init__`` is the room."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


FILES = {name_of(path): path for path in SOURCES}


def runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those for type checkers alone, under ``if TYPE_CHECKING``."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield node
            yield from runtime_nodes(node)


def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported_names(node: ast.AST, package: tuple[str, ...]) -> list[str]:
    """What an import statement in a file of ``package`` names, absolutely: ``from ..a import b`` names ``x.a.b``."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else ()
        return [".".join(filter(None, (*base, node.module, name.name))) for name in node.names]
    return []


def imports(path: Path) -> set[str]:
    """The files of the package that a file imports, as the keys of ``FILES``."""
    package = ("minigrad", *path.relative_to(PACKAGE).parent.parts)
    found = set()
    for name in (name for node in runtime_nodes(parsed(path)) for name in imported_names(node, package)):
        root, _, below = name.partition(".")
        if root == "minigrad":
            found.add(below if below in FILES else below.rpartition(".")[0] or "__init__")
    return found


def room_of(name: str) -> str:
    """The room a file is in: the first part of its dotted name."""
    return name.partition(".")[0]


def test_every_room_has_a_floor() -> None:
    assert {room_of(name) for name in FILES} <= set(FLOOR)


@pytest.mark.parametrize(
    "room", [name for name, path in FILES.items() if path.name == "__init__.py" and "." not in name]
)
def test_a_room_says_its_floor(room: str) -> None:
    """Above its docstring, which is for those who use it."""
    first = FILES[room].read_text(encoding="utf-8").partition("\n")[0]
    assert room == "__init__" or first == f"# Floor {FLOOR[room]}: imports come from the floors below."


def test_imports_are_read() -> None:
    assert imports(FILES["kernels.linear"]) == {"kernels.constants", "kernels.sums", "kernels.tuning"}
    assert "__init__" in imports(FILES["command_line.doctor"])
    assert "autograd" in imports(FILES["__init__"])
    assert all(imports(path) <= set(FILES) for path in SOURCES)


@pytest.mark.parametrize("name", FILES)
def test_a_room_imports_only_from_floors_below(name: str) -> None:
    room = room_of(name)
    others = {room_of(other) for other in imports(FILES[name])} - {room}
    wrong = {other for other in others if FLOOR[other] >= FLOOR[room] and (room, other) not in NEIGHBOURS}
    assert not wrong, f"{room} is on floor {FLOOR[room]} and imports { ({other: FLOOR[other] for other in wrong}) }"


def test_files_do_not_import_each_other_in_a_circle() -> None:
    below = {name: imports(path) - {name} for name, path in FILES.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in below[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in FILES:
        visit(name, ())


def test_imports_stand_at_the_head_of_files() -> None:
    found: dict[str, set[str]] = {}
    for path in SOURCES:
        functions = [
            node for node in ast.walk(parsed(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        ]
        nodes = [node for function in functions for node in ast.walk(function)]
        names = [name for node in nodes for name in imported_names(node, ("minigrad",))]
        if names:
            found[str(path.relative_to(ROOT))] = {room_of(name) for name in names}
    assert found == LATE


@pytest.mark.parametrize("folder", LONGEST)
def test_no_file_is_too_long(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / folder).rglob("*.py")
    }
    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST[folder]} == {}
