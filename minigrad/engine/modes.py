"""The modes of the running code: whether it records, whether it looks for NaN, and in which module's call it is.

Every switch here is per thread and per task (a context variable), can be nested, and is restored when its block
ends, also by an exception. Each works as a context manager and as a decorator.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from .scope import Scope


Function = TypeVar("Function", bound=Callable[..., Any])


class Calls:
    """The innermost module call of a thread, and the writer of a captured step. Only that thread changes them."""

    __slots__ = ("scope", "thread", "writer")

    def __init__(self, thread: int | None = None) -> None:
        self.thread = thread
        self.scope: Scope | None = None
        self.writer: Any = None
        """The ``compile.writer.Writer`` of the step that is being captured; else None."""


INFERENCE: Any = None
"""What ``Mode.recording`` is in inference mode: nothing is recorded, and no other block starts it again."""

NO_ANOMALIES, LINES, GRADIENTS, VALUES = "", "lines", "gradients", "values"
"""What ``Mode.anomaly`` is: off; operations remember the line that called them; gradients are looked at, too (in a walk
back, whose own operations may come across infinities on the way); results are looked at, too."""

IN_WALK = {LINES: LINES, GRADIENTS: GRADIENTS, VALUES: GRADIENTS}
"""Anomaly detection as it goes on in a walk back."""


class Mode:
    """The switches as one block, task or thread has them; never changed, but replaced by another."""

    __slots__ = ("anomaly", "calls", "outside", "recording")

    def __init__(self, recording: bool, anomaly: str, calls: Calls, outside: Mode | None = None) -> None:
        self.recording = recording
        self.anomaly = anomaly
        self.calls = calls
        self.outside = outside
        """The mode that held before the innermost block."""


context = ContextVar("minigrad", default=Mode(True, NO_ANOMALIES, Calls()))  # noqa: B039 - it is never changed
current, become = context.get, context.set
"""``current()`` is the mode that holds where it is called; ``become(mode)`` sets it, in this thread or task."""


def own_calls() -> Calls:
    """The module calls of this thread; new ones if its context has none yet, or is the copy of another thread's."""
    mode = current()
    if mode.calls.thread == get_ident():
        return mode.calls
    calls = Calls(get_ident())
    become(Mode(mode.recording, mode.anomaly, calls, mode.outside))
    return calls


def changed(mode: Mode, field: str, value: Any, outside: Mode | None) -> Mode:
    """A mode with one field set, in a block that began in the mode ``outside``."""
    if field == "recording":
        return Mode(value, mode.anomaly, mode.calls, outside)
    return Mode(mode.recording, value, mode.calls, outside)


class Switch:
    """Sets one field of the mode for the length of a block or of a function.

    The mode before a block is kept in the mode inside it, not in the switch: several threads may use one switch.
    """

    def __init__(self, field: str, value: Any) -> None:
        self.field = field
        self.value = value

    def value_inside(self, mode: Mode) -> Any:
        """The field's value in a block that begins in a mode."""
        return INFERENCE if self.field == "recording" and mode.recording is INFERENCE else self.value

    def __enter__(self) -> None:
        mode = current()
        become(changed(mode, self.field, self.value_inside(mode), mode))

    def __exit__(self, *exception: object) -> None:
        mode = current()
        before = mode.outside
        if before is None:
            return
        alike = mode.anomaly is before.anomaly if self.field == "recording" else mode.recording is before.recording
        become(before if alike else changed(mode, self.field, getattr(before, self.field), before.outside))

    def __call__(self, function: Function) -> Function:
        if not callable(function):
            raise TypeError(f"{type(self).__name__} decorates a function, got {function!r}.")
        if inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{type(self).__name__} cannot decorate an async generator: use it as a block between two yields."
            )
        run = self.run_in_steps if inspect.isgeneratorfunction(function) else self.run
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return await Steps(self.run_in_steps(function(*args, **kwargs).__await__, (), {}))

            return awaited  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return run(function, args, kwargs)

        return wrapper  # type: ignore[return-value]

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function with the switch set."""
        with self:
            return function(*args, **kwargs)

    def run_in_steps(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Run a generator or a coroutine with the switch set, but not while its caller runs in between."""
        generator = function(*args, **kwargs)
        resume: Callable[[], Any] = generator.__next__
        try:
            while True:
                with self:
                    item = resume()
                try:
                    resume = functools.partial(generator.send, (yield item))
                except GeneratorExit:
                    raise
                except BaseException as error:  # also of a task that is cancelled
                    resume = functools.partial(generator.throw, error)
        except StopIteration as end:
            return end.value
        finally:
            with self:
                generator.close()


class Steps:
    """The steps of a generator, to be awaited."""

    def __init__(self, generator: Generator[Any, Any, Any]) -> None:
        self.generator = generator

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.generator


class Setting(Switch):
    """A switch with a name of its own; as a decorator it needs no brackets: ``@no_grad``."""

    field: str
    value: bool

    def __new__(cls, function: Function | None = None) -> Any:
        return object.__new__(cls) if function is None else cls()(function)

    def __init__(self, function: Function | None = None) -> None:
        """Field and value are the class's."""


class no_grad(Setting):
    """Do not record operations: results never require grad, and in-place changes are free.

    >>> parameter = mg.tensor(3.0, requires_grad=True)
    >>> (parameter * parameter).backward()
    >>> with mg.no_grad():
    ...     parameter -= 0.1 * parameter.grad
    >>> parameter
    tensor(2.4000, requires_grad=True)

    A generator that yields inside such a block leaves the mode to its caller, as in PyTorch, until the block ends:
    decorate the generator instead, ``@mg.no_grad()``, which holds in its own steps only. Coroutines can be decorated
    likewise.
    """

    field, value = "recording", False


class enable_grad(Setting):
    """Record operations again, inside a ``no_grad`` block.

    >>> x = mg.ones(2, requires_grad=True)
    >>> with mg.no_grad(), mg.enable_grad():
    ...     print((2 * x).requires_grad)
    True
    """

    field, value = "recording", True


class inference_mode(Switch):
    """Compute without recording, as ``no_grad`` does, also where ``enable_grad`` would record again.

    Args:
        mode: False ends inference mode for a block inside of one.

    Other than in PyTorch its results are ordinary tensors, which may be used in graphs and changed later.

    >>> x = mg.ones(2, requires_grad=True)
    >>> with mg.autograd.inference_mode(), mg.enable_grad():
    ...     print((2 * x).requires_grad)
    False
    """

    def __new__(cls, mode: bool | Function = True) -> Any:
        return cls()(mode) if callable(mode) else object.__new__(cls)

    def __init__(self, mode: bool | Function = True) -> None:
        super().__init__("recording", INFERENCE if mode else True)

    def value_inside(self, mode: Mode) -> Any:
        """Its own value, whatever holds outside."""
        return self.value


class detect_anomaly(Switch):
    """Stop at the first NaN or infinity: slow, for debugging. It may be put around a whole training.

    While it is on, every recorded operation remembers the line of code that called it and looks at its result, and
    ``backward`` looks at every gradient. A NaN, or an infinity made of finite numbers, is a ``RuntimeError`` that names
    the operation, its module and that line, its operands' shapes and ranges, and the cure of well-known causes.
    Infinities that the program brings in itself, a mask of ``-inf`` say, are no anomaly.

    Args:
        check_nan: False only remembers the lines, for the errors of ``backward``.

    >>> x = mg.tensor([1.0, 0.0], requires_grad=True)
    >>> with mg.autograd.detect_anomaly(), np.errstate(divide="ignore"):
    ...     x.reciprocal()
    Traceback (most recent call last):
    RuntimeError: reciprocal, called at ...: its result (2,) float32 in [1, 1] and 1 inf has the first inf. ...
    """

    def __new__(cls, check_nan: bool | Function = True) -> Any:
        return cls()(check_nan) if callable(check_nan) else object.__new__(cls)

    def __init__(self, check_nan: bool | Function = True) -> None:
        super().__init__("anomaly", VALUES if check_nan else LINES)


class SetNow(Switch):
    """A switch that holds from the moment it is made; as a block or a decorator only there."""

    def __init__(self, field: str, value: Any) -> None:
        super().__init__(field, value)
        before = current()
        self.before: list[Any] = [getattr(before, field)]
        become(changed(before, field, self.value_inside(before), before.outside))

    def take_back(self) -> None:
        """The first use as a block or a decorator takes back what making the object has set."""
        if self.before:
            mode = current()
            become(changed(mode, self.field, self.before.pop(), mode.outside))

    def __enter__(self) -> None:
        self.take_back()
        super().__enter__()

    def __call__(self, function: Function) -> Function:
        self.take_back()
        return super().__call__(function)


class set_detect_anomaly(SetNow):
    """``detect_anomaly`` on or off from then on; ``with set_detect_anomaly(True):`` for the block.

    Args:
        mode: on or off.
        check_nan: as of ``detect_anomaly``.

    >>> with mg.autograd.set_detect_anomaly(True):
    ...     (mg.ones(2, requires_grad=True) * 2).sum().backward()
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__("anomaly", NO_ANOMALIES if not mode else VALUES if check_nan else LINES)


class set_grad_enabled(SetNow):
    """Record operations on tensors that require grad, or do not.

    ``set_grad_enabled(False)`` holds from then on, ``with set_grad_enabled(False):`` for the block.

    >>> with mg.set_grad_enabled(False):
    ...     print(mg.is_grad_enabled())
    False
    """

    def __init__(self, mode: bool) -> None:
        super().__init__("recording", bool(mode))


def is_grad_enabled() -> bool:
    """Whether operations are recorded now.

    >>> mg.is_grad_enabled()
    True
    """
    return bool(current().recording)


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on.

    >>> with mg.autograd.inference_mode():
    ...     print(mg.autograd.is_inference_mode_enabled())
    True
    """
    return current().recording is INFERENCE
