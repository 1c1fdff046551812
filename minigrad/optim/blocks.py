"""Parameters as vectors: what an optimiser does its arithmetic on.

A small net has many small parameters, and NumPy needs as long to start an operation as to do it on a
thousand elements. So small parameters are updated together, as one vector (a ``Piece``), and large ones
a block at a time that stays in the processor's cache.
"""

from __future__ import annotations

import operator
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from ..engine.node import array_of, clock, describe
from ..tensor.tensor import Tensor

BLOCK = 1 << 18
"""Elements per block: few enough for the caches, many enough to make little of what a call costs."""

SMALL = 1 << 16
"""Elements up to which a parameter is updated together with others, for which its gradient has to be copied."""

ALIGNMENT = 64
"""Bytes at whose multiples memory is to start, so that no access of the processor's straddles two lines of its cache:
operations in place take NumPy up to a fifth less."""

raw_gradient = operator.attrgetter("_grad")
"""A parameter's gradient as backward left it: an array, a number, a tensor or None. For ``map``, faster than a loop."""

raw_array, dtype_of = operator.attrgetter("array"), operator.attrgetter("dtype")
"""Likewise a tensor's array, and the dtype of whatever has one."""

writeable, c_contiguous = operator.attrgetter("flags.writeable"), operator.attrgetter("flags.c_contiguous")
"""Whether an array may be written to, and whether its elements lie in their order."""

references: Callable[[Any], int] = getattr(sys, "getrefcount", lambda _: 0)
"""How many references there are to an object, one of them the argument's; 0 from a Python that does not count."""

moving = threading.Lock()
"""Held while parameters are moved."""


class Piece:
    """Parameters of one dtype that are updated together: many small ones, or a large one alone.

    Their state is kept, and their changes are computed, in ``precision``: in their own dtype, but at least in float32.

    Where nobody else looks at the arrays of small ones, they are moved to lie side by side in one vector, so that
    a single operation changes them all.
    """

    def __init__(self, numbered: Sequence[tuple[int, Tensor]]) -> None:
        self.numbers = [number for number, _ in numbered]
        self.parameters = [parameter for _, parameter in numbered]
        self.dtype = self.parameters[0].dtype
        self.dtypes = {self.dtype}  # to be compared with those of many arrays
        self.precision = np.promote_types(self.dtype, np.float32)  # float16 is too coarse for sums of small changes
        self.widened = self.precision != self.dtype
        sizes = [p.numel() for p in self.parameters]
        ends = np.cumsum(sizes).tolist()
        self.parts = [slice(end - size, end) for size, end in zip(sizes, ends)]
        self.size = ends[-1]
        self.step = 0
        self.blocks = [slice(start, min(start + BLOCK, self.size)) for start in range(0, self.size, BLOCK)]
        self.forget_state()
        self.forget_places()

    def forget_state(self) -> None:
        """Begin without state vectors; these are kept as their blocks."""
        self.state: dict[str, list[ndarray]] = {}
        self.started: dict[str, int] = {}

    def forget_places(self) -> None:
        """Begin without knowing where the parameters are: their arrays, and the blocks of the vector under these."""
        self.flat: list[ndarray] = []
        self.arrays: list[ndarray] = []

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "flat": [], "arrays": []}  # the places of a copy are others

    def cut(self, vector: ndarray) -> list[ndarray]:
        """The blocks of a vector."""
        return [vector] if len(self.blocks) == 1 else [vector[block] for block in self.blocks]

    def vector(self, name: str, block: int) -> ndarray:
        """A block of a state vector by name, zeros at first; in which step it started is noted."""
        blocks = self.state.get(name)
        if blocks is None:
            blocks = self.state[name] = self.cut(zeros(self.size, self.precision))
            self.started[name] = self.step
        return blocks[block]

    def set_state(self, arrays: dict[str, list[ndarray]]) -> None:
        """Replace the state vectors: by name an array for each parameter."""
        self.forget_state()
        self.state = {name: self.cut(concatenated(parts, self.precision)) for name, parts in arrays.items()}

    def vectors(self) -> dict[str, ndarray]:
        """Copies of the state vectors by name."""
        nothing = np.empty(0, self.precision)  # a vector of no elements has no blocks
        return {name: np.concatenate([nothing, *blocks]) for name, blocks in self.state.items()}

    # -- gradients -----------------------------------------------------------------------------

    def gradient(self) -> ndarray | None:
        """The gradients of its parameters as one vector; None unless all have one."""
        gradients: list[Any] = list(map(raw_gradient, self.parameters))
        try:
            dtypes = set(map(dtype_of, gradients))
        except AttributeError:  # None has no dtype
            return None
        self.settle()
        if dtypes != self.dtypes:
            self.refuse("gradient", dtypes)
        vector = array_of(gradients[0]).reshape(-1) if len(gradients) == 1 else joined(gradients)
        if vector.size != self.size:
            raise ValueError(
                f"the gradients of parameters of {self.size} elements have {vector.size}: give each gradient the shape "
                "of its parameter."
            )
        return vector

    # -- values --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Find the vector under its arrays, unless it is known; make one, if that can be done unnoticed.

        What another thread writes to a parameter meanwhile, in the first step, may be lost; its optimisers wait.
        Whether memory may be written to is asked here only.
        """
        if self.flat and all(map(operator.is_, map(raw_array, self.parameters), self.arrays)):
            return
        self.forget_places()  # they would count as references
        dtypes = set(map(dtype_of, self.parameters))
        if dtypes != self.dtypes:
            self.refuse("parameter", dtypes)
        with moving:
            if len(self.parameters) > 1 and all(map(movable, self.parameters)):
                vector = concatenated([parameter.array for parameter in self.parameters], self.dtype)
                for parameter, part in zip(self.parameters, self.parts):
                    parameter.array = vector[part].reshape(parameter.shape)
            self.arrays = list(map(raw_array, self.parameters))
            if not all(map(writeable, self.arrays)):
                self.refuse_read_only()
            found = vector_under(self.arrays)
            self.flat = [] if found is None else self.cut(found)

    def refuse(self, kind: str, dtypes: set[Any]) -> NoReturn:
        """Refuse parameters or gradients of other dtypes than when the optimiser was made."""
        other = min(map(str, dtypes - self.dtypes))
        raise TypeError(
            f"a {kind} of this optimiser was {self.dtype} and is {other} now: convert the model first, then make the "
            "optimiser."
        )

    def refuse_read_only(self) -> NoReturn:
        """Refuse a parameter whose memory may not be written to."""
        place = [writeable(array) for array in self.arrays].index(False)
        raise ValueError(
            f"parameter {self.numbers[place]} {describe(self.arrays[place])} of this optimiser is in read-only memory "
            "and cannot be changed: parameter.data = parameter.data.clone() gives it its own."
        )

    def values(self) -> list[ndarray]:
        """The blocks of its parameters, which are not to be changed."""
        return self.flat or self.cut(np.concatenate(list(map(raw_array, self.parameters)), None))

    def subtract(self, block: int, change: ndarray) -> None:
        """Subtract a change from a block of the parameters in place, and let backward know that they change."""
        now = clock()
        for parameter in self.parameters:
            parameter.memory.changed = now
        if self.flat:
            values = self.flat[block]
            values -= change
        elif len(self.parameters) > 1:  # all in one block
            for parameter, part in zip(self.parameters, self.parts):
                parameter.array -= change[part].reshape(parameter.shape)
        else:
            flat: Any = self.parameters[0].array.flat
            flat[self.blocks[block]] -= change

    def part(self, places: Sequence[int]) -> Piece:
        """A piece of some of its parameters, without their state."""
        return Piece([(self.numbers[i], self.parameters[i]) for i in places])

    def split(self, keys: Sequence[Hashable]) -> list[Piece]:
        """A piece for each distinct key, of the parameters that have it, with their share of the state."""
        pieces, vectors = [], self.vectors().items()
        for key in dict.fromkeys(keys):
            places = [i for i, other in enumerate(keys) if other == key]
            piece = self.part(places)
            piece.step = self.step
            piece.set_state({name: [vector[self.parts[i]] for i in places] for name, vector in vectors})
            pieces.append(piece)
        return pieces


class Scratch(threading.local):
    """Memory of each thread to compute a block's change in, for all optimisers."""

    def __init__(self) -> None:
        self.vectors: dict[Any, ndarray] = {}

    def __call__(self, dtype: np.dtype[Any], size: int) -> ndarray:
        """A vector whose values are anything, and may be overwritten when the thread asks for the next."""
        vector = self.vectors.get(dtype)
        if vector is None or vector.size < size:
            vector = self.vectors[dtype] = zeros(size, dtype)
        return vector[:size]


scratch = Scratch()
"""``scratch(dtype, size)``: memory for what is to be subtracted from a block."""


def zeros(size: int, dtype: np.dtype[Any]) -> ndarray:
    """A vector of zeros in aligned memory."""
    memory = np.zeros(size + ALIGNMENT // dtype.itemsize, dtype)
    start = -memory.ctypes.data % ALIGNMENT // dtype.itemsize
    return memory[start : start + size]


def concatenated(arrays: Sequence[ndarray], dtype: np.dtype[Any]) -> ndarray:
    """The elements of some arrays, one behind the other, in aligned memory."""
    vector = zeros(sum(array.size for array in arrays), dtype)
    return np.concatenate(arrays, None, vector)


def separated(piece: Piece) -> list[Piece]:
    """The piece as one or two: of parameters that have a gradient, and of those that have none."""
    missing = [parameter._grad is None for parameter in piece.parameters]
    return [piece] if all(missing) else piece.split(missing)


def joined(arrays: Sequence[Any]) -> ndarray:
    """Arrays or tensors of one dtype as one read-only vector. NumPy takes twice as long as ``bytes`` to join them."""
    try:
        content = b"".join(arrays)
    except TypeError:  # one is a tensor, because somebody has looked at it, or not contiguous
        contiguous: list[Any] = [np.ascontiguousarray(array_of(array)) for array in arrays]
        content = b"".join(contiguous)
    return np.frombuffer(content, arrays[0].dtype)


def movable(parameter: Tensor) -> bool:
    """Whether nobody would notice if a parameter's array lay somewhere else.

    That is so if only the parameter refers to it, it owns its memory, which is not read-only, and it is laid out as
    it would be there.
    """
    if references(parameter.array) != 2:  # the parameter's and the argument's
        return False
    flags = parameter.array.flags  # which refer to it, too
    return flags.owndata and flags.writeable and flags.c_contiguous and parameter.array.dtype.isnative


def vector_under(arrays: Sequence[ndarray]) -> ndarray | None:
    """The vector whose parts the arrays, which may be written to, are one behind the other; None if there is none."""
    arrays = [array for array in arrays if array.size]
    if not all(map(c_contiguous, arrays)):
        return None
    if len(arrays) == 1:
        return arrays[0].reshape(-1)
    base = arrays[0].base if arrays else None
    if not isinstance(base, ndarray) or base.ndim != 1 or base.dtype != arrays[0].dtype:
        return None
    if not (base.flags.c_contiguous and base.flags.writeable):
        return None
    origin = base.ctypes.data
    start = end = (arrays[0].ctypes.data - origin) // base.itemsize
    for array in arrays:
        if array.base is not base or array.ctypes.data != origin + end * base.itemsize:
            return None
        end += array.size
    return base[start:end]


def pieces_of(numbered: Iterable[tuple[int, Tensor]]) -> list[Piece]:
    """The small parameters of each dtype together, up to a block; large ones stay alone."""
    runs: list[list[tuple[int, Tensor]]] = []
    latest: dict[Any, list[tuple[int, Tensor]]] = {}
    room: dict[Any, int] = {}
    for number, parameter in numbered:
        size, dtype = parameter.numel(), parameter.dtype
        if size > SMALL:
            runs.append([(number, parameter)])
            continue
        if size > room.get(dtype, -1):
            latest[dtype], room[dtype] = [], BLOCK
            runs.append(latest[dtype])
        latest[dtype].append((number, parameter))
        room[dtype] -= size
    return [Piece(run) for run in runs]
