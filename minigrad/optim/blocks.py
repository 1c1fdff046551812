"""Parameters as vectors: what an optimiser does its arithmetic on.

NumPy needs as long to start an operation as to do it on a thousand elements. So small parameters are updated
together: their gradients are gathered into one vector, their changes are computed in one vector and subtracted
parameter by parameter. A large parameter is updated in several blocks, each of which stays in the processor's cache.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn

import numpy as np
from numpy import ndarray

from ..engine.node import array_of, as_array, clock, describe, is_stand_in, real_array_of
from ..kernels.tuning import CACHE_LINE, PARAMETER_BLOCK, SMALL_PARAMETER
from ..tensor.tensor import Tensor

Indexed = tuple[int, Tensor]
"""A parameter with its index in the optimiser."""

# for map, which is faster than a loop
array_in, gradient_in = operator.attrgetter("array"), operator.attrgetter("_grad")
dtype_of, size_of = operator.attrgetter("dtype"), operator.attrgetter("size")
writeable = operator.attrgetter("flags.writeable")


class Block:
    """Elements that are updated together: those of several small parameters of one dtype, or a span of a large one.

    Gradients are gathered, state is kept and changes are computed as vectors of these elements, in ``precision``: in
    the parameters' dtype, but at least in float32.

    Args:
        indexed: the parameters.
        span: which elements of a parameter that is alone; all if None.
    """

    def __init__(self, indexed: Sequence[Indexed], span: slice | None = None) -> None:
        self.indices = [index for index, _ in indexed]
        self.parameters = [parameter for _, parameter in indexed]
        self.dtype = self.parameters[0].dtype
        self.dtypes = {self.dtype}  # to be compared with those of many arrays
        self.precision = np.promote_types(self.dtype, np.float32)  # float16 is too coarse for sums of small changes
        self.sizes = [parameter.numel() for parameter in self.parameters]
        self.span = slice(0, sum(self.sizes)) if span is None else span
        self.size: int = self.span.stop - self.span.start
        ends = [self.size] if len(indexed) == 1 else list(accumulate(self.sizes))
        self.slices = [slice(start, end) for start, end in zip([0, *ends], ends)]
        self.kept_workspace: tuple[ndarray, list[ndarray]] | None = None
        self.step = 0
        self.state: dict[str, ndarray] = {}
        self.numbers: dict[str, float] = {}
        self.first_steps: dict[str, int] = {}  # of state vectors that were not loaded

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "kept_workspace": None}  # a copy of a view is no view

    # -- gradients and values --------------------------------------------------------------------

    def gradient(self) -> ndarray:
        """The gradients as one vector; refused, as are the parameters, if a step could not be done with them."""
        arrays = list(map(array_in, self.parameters))
        gradients = [dx if type(dx) is ndarray else array_of(dx) for dx in map(gradient_in, self.parameters)]
        if {*map(dtype_of, arrays), *map(dtype_of, gradients)} != self.dtypes:
            self.refuse_dtypes(arrays, gradients)
        if list(map(size_of, gradients)) != self.sizes:
            raise ValueError(
                f"the gradients of parameters of {self.sizes} elements have {[g.size for g in gradients]}: give each "
                "gradient the shape of its parameter."
            )
        if not all(map(writeable, arrays)):
            place = [writeable(array) for array in arrays].index(False)
            raise ValueError(
                f"parameter {self.indices[place]} {describe(arrays[place])} of this optimiser is in read-only memory "
                "and cannot be changed: parameter.data = parameter.data.clone() gives it its own."
            )
        return self.gather(gradients)

    def refuse_dtypes(self, arrays: Sequence[ndarray], gradients: Sequence[ndarray]) -> NoReturn:
        """Refuse parameters or gradients of other dtypes than the parameters had at first."""
        others = set(map(dtype_of, arrays)) - self.dtypes
        kind = "parameter" if others else "gradient"
        others = others or set(map(dtype_of, gradients)) - self.dtypes
        raise TypeError(
            f"a {kind} of this optimiser was {self.dtype} and is {min(map(str, others))} now: "
            "convert the model first, then make the optimiser."
        )

    def gather(self, arrays: Sequence[Any]) -> ndarray:
        """The block's elements of arrays of one dtype, one for each parameter: a vector that is not to be changed."""
        if len(arrays) == 1:
            array: ndarray = arrays[0]
            return array.reshape(-1)[self.span] if array.flags.c_contiguous else array.flat[self.span]
        try:
            return np.frombuffer(b"".join(arrays), arrays[0].dtype)  # for ten arrays 0.7 us, np.concatenate 2.3 us
        except TypeError:  # one is not contiguous
            return np.concatenate(arrays, None)

    def values(self) -> ndarray:
        """The values as one vector, not to be changed."""
        return self.gather(list(map(array_in, self.parameters)))

    def workspace(self, gradient: ndarray) -> tuple[ndarray, list[ndarray]]:
        """A vector like the gradient to compute the change in, and its parts in the shapes of the parameters."""
        if type(gradient) is not ndarray:  # a stand-in
            change = np.empty_like(gradient)
            return change, self.parts(change) if len(self.parameters) > 1 else [change]
        if len(self.parameters) == 1:
            vector = scratch(self.precision, self.size)
            return vector, [vector]
        if self.kept_workspace is None:
            vector = aligned_zeros(self.size, self.precision)
            self.kept_workspace = vector, self.parts(vector)  # to make the parts takes as long as to subtract them
        return self.kept_workspace

    def parts(self, vector: ndarray) -> list[ndarray]:
        """The parts of a vector in the shapes of the parameters, if these are several."""
        return [vector[part].reshape(p.shape) for part, p in zip(self.slices, self.parameters)]

    def subtract(self, parts: list[ndarray]) -> None:
        """Subtract the parts of a change from the parameters in place, and let backward know that they change."""
        now = clock()
        for parameter, size in zip(self.parameters, self.sizes):
            if size:
                parameter.memory.changed = now
        if len(parts) > 1:
            for array, part in zip(map(array_in, self.parameters), parts):
                array -= part
            return
        (part,), array = parts, self.parameters[0].array
        if array.flags.c_contiguous:
            values = array.reshape(-1)[self.span]
            values -= part
        elif self.size == array.size:
            array -= part.reshape(array.shape)
        else:
            array.flat[self.span] -= part

    # -- state -----------------------------------------------------------------------------------

    def vectors(self, names: Iterable[str], initial: Mapping[str, float]) -> list[ndarray]:
        """The state vectors of these names, for the next step; new ones are zeros, or what ``initial`` says."""
        for name in names:
            if name not in self.state:
                self.state[name] = aligned_zeros(self.size, self.precision)
                if initial.get(name):
                    self.state[name][...] = initial[name]
                self.first_steps[name] = self.step + 1
        return [self.state[name] for name in names]

    def part(
        self, places: Sequence[int], step: int, state: dict[str, list[ndarray]], numbers: dict[str, float]
    ) -> Block:
        """A block of some of its parameters.

        Args:
            places: which of the parameters.
            step: the number of steps they have taken.
            state: by name an array for each of them.
            numbers: by name the state that is a number.
        """
        span = self.span if len(self.parameters) == 1 else None
        part = Block([(self.indices[i], self.parameters[i]) for i in places], span)
        part.step, part.numbers = step, dict(numbers)
        for name, arrays in state.items():
            values = part.gather([as_array(array).astype(part.precision, copy=False) for array in arrays])
            part.state[name] = values if is_stand_in(values) else aligned_zeros(part.size, part.precision)
            part.state[name][...] = values
        return part

    def by_gradient(self) -> list[Block]:
        """Itself, or two blocks: of the parameters that have a gradient, and of those that have none."""
        missing = [gradient is None for gradient in map(gradient_in, self.parameters)]
        if not (True in missing and False in missing):
            return [self]
        blocks = []
        for key in dict.fromkeys(missing):
            places = [i for i, other in enumerate(missing) if other is key]
            state = {name: [vector[self.slices[i]] for i in places] for name, vector in self.state.items()}
            blocks.append(self.part(places, self.step, state, self.numbers))
        return blocks

    def has_gradient(self) -> bool:
        """Whether the parameters have gradients, of which ``by_gradient`` has made sure that all have or none has."""
        return self.parameters[0]._grad is not None

    def overflowed(self, gradient: ndarray) -> list[tuple[int, Tensor]]:
        """The parameters with infinite values or state where their gradient is finite."""
        vectors = map(real_array_of, (self.values(), *self.state.values()))
        infinite = np.any(list(map(np.isinf, vectors)), axis=0) & np.isfinite(real_array_of(gradient))
        return [
            (index, parameter)
            for index, parameter, part in zip(self.indices, self.parameters, self.slices)
            if infinite[part].any()
        ]


def blocks_of(indexed: Iterable[Indexed]) -> list[Block]:
    """Blocks of parameters: small ones of one dtype together, large ones in spans."""
    runs: list[tuple[list[Indexed], slice | None]] = []
    latest: dict[Any, list[Indexed]] = {}
    room: dict[Any, int] = {}
    for index, parameter in indexed:
        size, dtype = parameter.numel(), parameter.dtype
        if size > SMALL_PARAMETER:
            ends = [*range(PARAMETER_BLOCK, size, PARAMETER_BLOCK), size]
            runs += [([(index, parameter)], slice(start, end)) for start, end in zip([0, *ends], ends)]
            continue
        if size > room.get(dtype, -1):
            latest[dtype], room[dtype] = [], PARAMETER_BLOCK
            runs.append((latest[dtype], None))
        latest[dtype].append((index, parameter))
        room[dtype] -= size
    return [Block(run, span) for run, span in runs]


class Scratch(threading.local):
    """Memory of each thread to compute a block's change in, for all optimisers."""

    def __init__(self) -> None:
        self.vectors: dict[Any, ndarray] = {}

    def __call__(self, dtype: np.dtype[Any], size: int) -> ndarray:
        """An uninitialised vector, which the thread's next call may hand out again."""
        vector = self.vectors.get(dtype)
        if vector is None or vector.size < size:
            vector = self.vectors[dtype] = aligned_zeros(size, dtype)
        return vector[:size]


scratch = Scratch()
"""``scratch(dtype, size)``: memory for the vector that is to be subtracted from a block."""


def aligned_zeros(size: int, dtype: np.dtype[Any]) -> ndarray:
    """A vector of zeros that begins at a line of the processor's cache."""
    memory = np.zeros(size + CACHE_LINE // dtype.itemsize, dtype)
    start = -memory.ctypes.data % CACHE_LINE // dtype.itemsize
    return memory[start : start + size]
