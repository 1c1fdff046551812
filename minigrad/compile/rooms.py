"""``Rooms``: memory for what a program computes in between, laid out once and used again as soon as it is free."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .program import Instruction, Memory, Program, Value


class Place(NamedTuple):
    """Where a value is: in which block, with axes in which order."""

    block: int
    order: tuple[int, ...]


class Rooms:
    """Blocks of memory, and the values in each.

    Args:
        program: whose values are laid out.
        is_laid_out: whether the result of an instruction is computed into memory.
    """

    def __init__(self, program: Program, is_laid_out: Callable[[Instruction, Value], bool]) -> None:
        self.sizes: list[int] = []
        """Bytes of each block."""
        self.places: dict[Value, Place] = {}
        kept = {value.memory for _, value in program.settings if value is not None}
        kept |= {value.memory for value in program.results}
        last = last_uses(program)
        self.free: list[int] = []
        blocks: dict[Memory, int] = {}
        for position, each in enumerate(program.instructions):
            value = each.results
            ending = [memory for memory in last.get(position, ()) if memory not in kept]
            early = [m for m in ending if m in blocks and overlaps_exactly(each, value, m, self.places)]
            self.free += [blocks[m] for m in early]
            if isinstance(value, Value) and value.memory.origin == "made" and value.memory not in blocks:
                order = order_of(value)
                own = all(value.memory is not operand.memory for operand in each.reads())
                if order is not None and own and is_laid_out(each, value):
                    block = self.block(value.dtype.itemsize * int(np.prod(value.shape)), value.memory in kept)
                    blocks[value.memory] = block
                    self.places[value] = Place(block, order)
            self.free += [blocks[m] for m in ending if m in blocks and m not in early]

    def block(self, size: int, for_good: bool) -> int:
        """A free block for so many bytes: the smallest that is large enough, or a new one."""
        fitting = [block for block in self.free if self.sizes[block] >= size]
        if fitting and not for_good:
            block = min(fitting, key=lambda b: self.sizes[b])
            self.free.remove(block)
            return block
        self.sizes.append(max(size, 1))
        return len(self.sizes) - 1

    def lines(self, names: dict[Value, str]) -> Iterator[str]:
        """The lines that make the blocks, and the arrays in them."""
        for number, size in enumerate(self.sizes):
            yield f"memory{number} = np.empty({size}, np.uint8)"
        for value, (block, order) in self.places.items():
            size = value.dtype.itemsize * int(np.prod(value.shape))
            shape = tuple(value.shape[axis] for axis in order)
            part = f"memory{block}" if size == self.sizes[block] else f"memory{block}[:{size}]"
            text = f"{names[value]} = {part}.view(np.{value.dtype.name}).reshape({shape})"
            yield (
                text if order == tuple(range(len(order))) else f"{text}.transpose({tuple(map(int, np.argsort(order)))})"
            )


def last_uses(program: Program) -> dict[int, list[Memory]]:
    """By the position of an instruction the memories that nothing uses after it."""
    positions: dict[Memory, int] = {}
    for position, each in enumerate(program.instructions):
        for value in each.reads() | each.makes() | ({each.target} if each.target is not None else set()):
            positions[value.memory] = position
    found: dict[int, list[Memory]] = {}
    for memory, position in positions.items():
        found.setdefault(position, []).append(memory)
    return found


def overlaps_exactly(each: Instruction, value: Any, memory: Memory, places: dict[Value, Place]) -> bool:
    """Whether a result may take the memory of an operand: one element is written where one of its size was read."""
    if not isinstance(each.function, np.ufunc) or each.function.signature is not None or not isinstance(value, Value):
        return False
    operands = [operand for operand in each.reads() if operand.memory is memory]
    alike = all(
        (operand.shape, operand.strides, operand.dtype) == (value.shape, value.strides, value.dtype)
        for operand in operands
    )
    return alike and all(operand in places for operand in operands)


def order_of(value: Value) -> tuple[int, ...] | None:
    """The axes of a value from the slowest on, or None if its elements do not lie densely."""
    order = tuple(sorted(range(len(value.shape)), key=lambda axis: -value.strides[axis]))
    expected = value.dtype.itemsize
    for axis in reversed(order):
        if value.shape[axis] > 1 and value.strides[axis] != expected:
            return None
        expected *= value.shape[axis]
    return order if value.dtype.isbuiltin else None
