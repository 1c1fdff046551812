"""``capture``: run a training step once, and write down what it does to arrays.

Parameters, buffers, gradients, the vectors of optimisers and the arguments are given stand-ins; then the step runs its
ordinary code, and it is a real step with the right numbers. After it every tensor has a real array again.
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from numpy import ndarray

from ..engine.modes import own_calls
from ..engine.node import Node, Variable, array_of, describe
from .naming import argument_names
from .program import Program
from .stand_in import Refusal, StandIn, Unprepared
from .trees import mapped, tree_leaves
from .world import World
from .writer import Writer


def capture(step: Callable[..., Any], *inputs: Any, state: Iterable[Any] = ()) -> tuple[Program, Any]:
    """Run ``step(*inputs)`` and write it down.

    Args:
        step: a function of arrays and tensors, e.g. zero_grad, forward, loss, backward, optimiser step.
        *inputs: its arguments. Arrays and tensors may be others at each replay; everything else is what it is.
        state: the modules, optimisers and tensors that the step reads and changes.

    Returns:
        The program, and what the step returned; tensors are detached.

    >>> from minigrad.compile import capture
    >>> weight = nn.Parameter(mg.ones(2))
    >>> def step(x):
    ...     (dx,) = mg.grad((weight * x).sum(), weight)
    ...     with mg.no_grad():
    ...         weight.sub_(0.5 * dx)
    >>> program, _ = capture(step, mg.tensor([1.0, 2.0]), state=[weight])
    >>> program.run(mg.tensor([2.0, 4.0]))
    >>> weight.detach()
    tensor([-0.5000, -2.0000])

    A gradient that is None when the step begins, and that the step adds to, must be None at each replay.

    Raises:
        Refusal: for what cannot be written down (a decision on a value, an unknown function, a tensor that is kept
            elsewhere), with the line of the step. What is in ``state``, and random state, are then as before. Other
            tensors that the step has filled have no gradient then; what else it changed in Python stays changed.
            Any other error leaves what it leaves without ``capture``, except that backward cannot go through tensors
            of the step any more.
        TypeError: if something in ``state`` is none of these.
    """
    if own_calls().writer is not None:
        raise RuntimeError("a step that is being captured cannot capture another one.")
    return captured(step, inputs, [("", thing) for thing in state])


def captured(
    step: Callable[..., Any], inputs: tuple[Any, ...], state: Iterable[tuple[str, Any]],
    accept: Callable[[Program], str | None] = lambda program: None, named: Callable[..., Any] | None = None,
) -> tuple[Program, Any]:  # fmt: skip
    """What ``capture`` does, with a name for each thing of the state.

    Args:
        step, inputs, state: as of ``capture``.
        accept: is given the program; what it says against it is refused.
        named: the function whose arguments' names are those of the inputs, if it is not ``step``.
    """
    calls = own_calls()
    world = World(inputs, state)
    writer = Writer(world.optimizers)
    calls.writer = writer
    try:
        returned = Returned(writer)
        returned.take(step(*world.enter(writer)))
        writer.program.input_names = argument_names(named or step, inputs)
        problem = world.leave(writer)
        if problem:
            raise (Unprepared if world.needs_a_step else Refusal)(problem)
        refuse_if_changed(writer)
        refuse_if_held(writer)
        writer.program.finish()
        problem = accept(writer.program)
        if problem:
            raise Refusal(problem)
    except BaseException as error:
        world.leave(writer)
        if isinstance(error, Refusal):
            world.restore(writer)
        give_back(writer, gradients=not isinstance(error, Refusal))
        raise
    finally:
        world.leave(writer)
        calls.writer = None
    return writer.program, returned.now()


class Returned:
    """What a step returns, as results of the program and as copies of this run's arrays."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.arrays: dict[int, ndarray] = {}

    def take(self, tree: Any) -> None:
        """Make results of all tensors and arrays in what the step has returned."""
        self.writer.program.outputs = mapped(self.result, tree)

    def result(self, leaf: Any) -> Any:
        """The result for a tensor or an array; anything else is the same at each replay."""
        if inspect.isgenerator(leaf) or inspect.iscoroutine(leaf):
            kind = "generator" if inspect.isgenerator(leaf) else "coroutine"
            leaf.close()
            raise Refusal(f"the step returns a {kind}, which runs after it: return tensors, in a list say.")
        if not isinstance(array_of(leaf), ndarray):
            return leaf
        result = self.writer.result_of(leaf)
        self.arrays[result.value.number] = self.writer.real(array_of(leaf))
        return result

    def now(self) -> Any:
        """What this run of the step returns."""
        return self.writer.program.returned(self.arrays)


def give_back(writer: Writer, gradients: bool) -> None:
    """Put real arrays into all tensors that have stand-ins after an error, also into their ``.grad``, or None there.

    Such a tensor can be anywhere, in an attribute or in a frame of the traceback: so the collector is asked.
    """
    if all(reference() is None for reference in writer.stand_ins):
        return

    def is_own(array: Any) -> bool:  # another thread may be capturing, too
        return type(array) is StandIn and array.writer is writer

    things = gc.get_objects()
    tensors = [thing for thing in things if issubclass(type(thing), Variable)]
    for tensor in tensors:
        gradient = getattr(tensor, "_grad", None)
        if is_own(array_of(gradient)):
            tensor._grad = writer.real(gradient) if gradients else None
    for tensor in tensors:
        if is_own(getattr(tensor, "array", None)):
            tensor.array = writer.real(tensor.array)
    for node in things:
        if type(node) is Node and any(map(is_own, tree_leaves(getattr(node, "saved", None)))):
            node.saved = node.cache = None
            node.memories = ()


def refuse_if_changed(writer: Writer) -> None:
    """Refuse a step that has written to an array behind the program's back."""
    for array, before in writer.constants.values():
        if array.tobytes() != before.tobytes():
            raise Refusal(
                f"an array {describe(array)} that the step reads was changed in it, which the program cannot repeat: "
                "name the tensor it belongs to in state=[...]."
            )


def refuse_if_held(writer: Writer) -> None:
    """Refuse a step of which a tensor is left that it does not return."""
    if any(reference() is not None for reference in writer.stand_ins):
        gc.collect()  # what holds itself in a cycle
    for reference in reversed(writer.stand_ins):  # the last one first, which may hold the others
        held: StandIn | None = reference()
        if held is not None:
            raise Refusal(
                f"a tensor {describe(held)} of the step is kept after it, in a list or an attribute: "
                "return it, or make it a Buffer of a module in state=[...]."
            )
