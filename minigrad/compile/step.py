"""``compile``: a training step, or a model that predicts, as a program that is captured once and then replayed."""

from __future__ import annotations

import copy
import functools
import inspect
import logging
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numpy import ndarray

from ..engine.host import writer_here
from ..engine.modes import current, no_grad
from ..engine.node import Variable, array_of
from ..graph.description import Picture
from ..nn.module import Module
from .agreement import difference
from .capture import captured
from .execution import Checked, CompileWarning, Interpreter, Misfit, execution_class, improved
from .finding import frozen, is_global, part_in_words
from .picture import picture
from .plan import Plan, make_own, written_inputs
from .program import Program
from .reading import Reading
from .results import detached
from .stand_in import Unprepared
from .surroundings import Surroundings, guards
from .trees import leaves_like, mapped, tree_leaves

log = logging.getLogger("minigrad.compile")

MOST = 8
"""How many programs a step keeps."""


class Captures:
    """One step is captured at a time, while no other runs: meanwhile its tensors have no arrays for others.

    Whoever holds ``lock`` may wait for the lock of a step, but not the other way round.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.running = False
        self.steps: weakref.WeakSet[Compiled] = weakref.WeakSet()

    def begin(self) -> None:
        """Wait until the calls of all steps that have begun are over; those that begin now wait for ``lock``."""
        self.running = True
        for step in list(self.steps):
            with step._lock:
                pass


captures = Captures()

IN_TRAINING = (
    "a compiled model predicts, and {name} is in training mode: call model.eval() first. To train, compile a step, a "
    "function of zero_grad, forward, loss, backward and the optimiser's step: step = mg.compile(train_step)."
)


class Compiled:
    """A function that is captured when it is called, and replayed; ``compile`` makes it, with its own arguments.

    >>> step = mg.compile(lambda x: mg.relu(2 * x + 1), backend="numpy")
    >>> step(mg.tensor([1.0, -2.0]))
    tensor([3., 0.])
    >>> len(step.programs)  # one for each shape, dtype and setting that it was called with
    1
    """

    def __init__(
        self, function: Callable[..., Any], state: Iterable[Any], backend: str | None, grads: bool = True
    ) -> None:
        self._function, self._given, self._backend, self._grads = function, list(state), backend, grads
        self._is_model = isinstance(function, Module)
        if not self._is_model:
            functools.update_wrapper(self, function, updated=())
        self._forget()

    def _forget(self) -> None:
        """Begin without programs."""
        self._lock = threading.RLock()
        captures.steps.add(self)
        self._known: list[Surroundings] = []
        """What there was around the step, the latest last."""
        self._plans: OrderedDict[tuple[Any, ...], list[Plan]] = OrderedDict()
        self._latest: Plan | None = None
        self._said: set[str] = set()

    # -- calls -----------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mode = current()
        if mode.anomaly or (mode.calls.writer is not None and writer_here() is not None):
            return self._eagerly(args, kwargs)
        try:
            with self._lock:
                plan: Any = self._latest
                if plan is not None and plan.recording is mode.recording and not (kwargs or plan.is_due):
                    arrays = plan.arrays(args)
                    if (
                        arrays is not None
                        and not captures.running
                        and plan.surroundings.quick()
                        and (not plan.has_gradients or plan.fits())
                    ):
                        return plan.run(arrays)
            with captures.lock, self._lock:
                return self._prepared(args, kwargs)
        except Misfit:
            return self._eagerly(args, kwargs)

    def _eagerly(self, args: Any, kwargs: Any) -> Any:
        """The function itself, outside of any graph unless a step around it is being captured."""
        if writer_here() is not None:
            return self._function(*args, **kwargs)
        return detached(self._step()(*args, **kwargs))

    def _step(self) -> Callable[..., Any]:
        """What is captured: a model without a graph, any other function as it is."""
        return no_grad()(self._function.__call__) if self._is_model else self._function  # type: ignore[operator]

    def _prepared(self, args: Any, kwargs: Any) -> Any:
        """Find the program for a call and run it, or capture the call."""
        if self._is_model and self._function.training:  # type: ignore[attr-defined]
            raise RuntimeError(IN_TRAINING.format(name=type(self._function).__name__))
        args, kwargs = self._by_position(args, kwargs)
        inputs = (*args, kwargs) if kwargs else args
        leaves = tree_leaves(inputs)
        objects = [x for x in leaves if not isinstance(x, (ndarray, Variable)) and type(frozen(x)) is int]
        try:
            surroundings = self._surroundings(objects)
        except (TypeError, ValueError):  # a setting that makes no sense: eager says so
            return self._eagerly(args, kwargs)
        names, key = self._key(inputs, leaves, surroundings)
        plan = self._found(key)
        if plan is None or plan.is_due:
            return self._captured(plan, key, names, surroundings, inputs, args, kwargs)
        self._take(plan, surroundings)
        arrays = [array_of(x) for x in leaves_like(plan.program.structure, inputs)]
        return plan.run([arrays[number] for number, _ in plan.program.inputs])

    def _by_position(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments of a call, by position as far as they can be."""
        if not kwargs or self._is_model:
            return args, kwargs
        try:
            bound = inspect.signature(self._function).bind(*args, **kwargs)
        except TypeError:  # the function itself says what is wrong
            self._function(*args, **kwargs)
            raise
        return bound.args, bound.kwargs

    def _surroundings(self, objects: Sequence[Any]) -> Surroundings:
        """What there is around the step, with these among its arguments: mostly as it was before."""
        known = self._known
        found = next((each for each in reversed(known) if each.has(objects) and each.unchanged()), None)
        if found is None:
            found = Surroundings(self._function, self._given, objects)
            known.append(found)
            del known[:-MOST]
        return found

    def _key(self, inputs: Any, leaves: Sequence[Any], surroundings: Surroundings) -> tuple[list[str], tuple[Any, ...]]:
        """All that a program depends on, and a name for each part."""
        parts: list[tuple[str, Any]] = [("the arguments", frozen(mapped(lambda _: None, inputs), 64))]
        places: dict[int, int] = {id(tensor): -1 for tensor, _, _ in surroundings.tensors}
        for number, x in enumerate(leaves):
            part: Any = frozen(x)
            if isinstance(x, Variable):
                twin = places.setdefault(id(x), number)
                part = type(x), x.shape, x.dtype, x.node is not None, twin if twin != number else None
            elif isinstance(x, ndarray):
                part = ndarray, x.shape, x.dtype
            parts.append((f"argument {number}", part))
        parts.append(("recording", current().recording))
        names = [name for name, _ in parts] + surroundings.names
        return names, (*[part for _, part in parts], surroundings.key)

    def _found(self, key: tuple[Any, ...]) -> Plan | None:
        """The plan of a key whose gradients are those of now, or None."""
        return next((plan for plan in self._plans.get(key, ()) if plan.gradients_fit()), None)

    def _take(self, plan: Plan, surroundings: Surroundings) -> None:
        """Make a plan ready for the next run, and the first that the next call looks at."""
        self._plans.move_to_end(plan.key)
        if plan.execution is None:
            plan.build(self._backend)
        if plan.surroundings is not surroundings or not plan.holds_gradients():
            plan.bind(surroundings)
        plan.recording = current().recording
        self._latest = plan

    # -- captures --------------------------------------------------------------------------------

    def _captured(
        self, plan: Plan | None, key: tuple[Any, ...], names: list[str], surroundings: Surroundings, inputs: Any,
        args: Any, kwargs: Any,
    ) -> Any:  # fmt: skip
        """Capture the step, for a new plan or to see that a plan still holds; returns what it returns."""
        step = self._step()
        for tensor, _, _ in surroundings.tensors:
            make_own(tensor)

        def call(*given: Any) -> Any:
            return step(*given[:-1], **given[-1]) if kwargs else step(*given)

        named = self._function.forward if self._is_model else self._function  # type: ignore[attr-defined]
        captures.begin()
        try:
            accept = functools.partial(self._problem_with, plan, surroundings)
            program, result = captured(call, inputs, surroundings.state, accept, named)
        except Unprepared:
            return self._eagerly(args, kwargs)
        finally:
            captures.running = False
        self._forget_gradients(program)
        if plan is None:
            self._add(Plan(program, key, names, inputs, surroundings.kept))
        else:
            plan.captured_again()
        self._warn_of_shown(program)
        return result

    def _problem_with(self, plan: Plan | None, surroundings: Surroundings, program: Program) -> str | None:
        """What stands against a program that was captured, or None; its checks are made those of replays."""
        changed = next(surroundings.changes(), None)
        if changed is not None:
            return f"{changed} is changed by the step, which a program cannot repeat: change it between steps."
        checks = guards(surroundings.optimizers)
        program.instructions = [each for each in program.instructions if each.function not in checks]
        for each in program.instructions:
            if each.kind == "check" and each.results is None:
                each.function = Checked(each.function)
        self._drop_gradients(program)
        problem = written_inputs(program)
        if problem is None and plan is not None:
            other = difference(plan.program, program)
            problem = other and f"two runs of the step are not the same program. {other}"
        return problem

    def _drop_gradients(self, program: Program) -> None:
        """Have a program leave no gradients, if nobody reads them."""
        if not self._grads:
            program.settings = [(place, None) for place, _ in program.settings]

    def _forget_gradients(self, program: Program) -> None:
        """Leave no gradients after a capture, likewise."""
        for place, _ in () if self._grads else program.settings:
            place.set(None)

    def _add(self, plan: Plan) -> None:
        """Keep a new plan, and forget the one that was not used for the longest time if there are too many."""
        reason = self._reason(plan)
        plan.reason = reason
        if reason:
            log.info("%s is captured again: %s.", self._name(), reason)
        self._plans.setdefault(plan.key, []).append(plan)
        self._plans.move_to_end(plan.key)
        if len(self._all()) > MOST:
            oldest = next(iter(self._plans))
            del self._plans[oldest]
            self._say(
                "programs",
                f"{self._name()} has more than {MOST} programs, and forgets the oldest: it was captured again because "
                f"{reason}. What changes from call to call should be a tensor, or stay what it is.",
            )

    def _all(self) -> list[Plan]:
        """All plans, that of the latest call last."""
        return [plan for plans in self._plans.values() for plan in plans]

    def _reason(self, plan: Plan) -> str:
        """What is different from the program before."""
        others = self._all()
        if not others:
            return ""
        before = others[-1]
        now, then = (*plan.key[:-1], *plan.key[-1]), (*before.key[:-1], *before.key[-1])
        given = {f"argument {number}": name for number, name in plan.program.input_names.items()}
        for name, *values in zip(plan.names, then, now):
            if values[0] != values[1]:
                old, new = map(part_in_words, values)
                is_told = old != new and "" not in (old, new)
                return f"{given.get(name, name)} is {f'{new}, and was {old}' if is_told else 'another one'}"
        return "it reads other gradients" if now == then else "it reads other things"

    def _warn_of_shown(self, program: Program) -> None:
        """Say once that values which the step shows are shown in captures only."""
        if program.shown:
            self._say(
                "shown",
                f"{program.shown}: {self._name()} shows values there only in calls that are captured, which are few: "
                'mg.print("loss {:.3f}", loss) prints at every call.',
            )

    def _say(self, what: str, text: str) -> None:
        """Say something once."""
        if what not in self._said:
            self._said.add(what)
            warnings.warn(text, CompileWarning, stacklevel=6)

    # -- what is there to be read ----------------------------------------------------------------

    @property
    def programs(self) -> list[Program]:
        """The programs that are kept, the latest last."""
        return [plan.program for plan in self._all()]

    @property
    def program(self) -> Program:
        """The program of the latest call, an instruction a line: ``print(step.program)``."""
        return self._plan().program

    def _picture(self) -> Picture:
        """What ``mg.draw`` draws."""
        plan = self._plan()
        return picture(plan.program, plan.execution)

    @property
    def source(self) -> str:
        """The latest call as straight lines of NumPy, to be read: ``print(step.source)``.

        It runs by itself: ``exec(step.source, names)`` is one step, bit for bit that of the NumPy back end, where
        ``names`` are those of ``step.given`` and the arrays of the arguments; ``names["returned"]`` is what it returns.
        """
        return self._reading().text

    @property
    def given(self) -> dict[str, Any]:
        """The model's own arrays, and what else ``source`` needs besides the arguments, by the names it has there."""
        return self._reading().given

    def _reading(self) -> Reading:
        """The latest program as it is read."""
        return Reading(improved(self.program))

    @property
    def numpy_source(self) -> str:
        """What the NumPy back end runs for the latest call: the same calls, into memory that is laid out once."""
        return (execution_class("numpy") or Interpreter)(improved(self.program)).source

    @property
    def c_source(self) -> str:
        """The source in C that runs, where it does.

        Raises:
            RuntimeError: if the step runs with NumPy.
        """
        plan = self._plan()
        if plan.execution is None:
            plan.build(self._backend)
        assert plan.execution is not None
        if plan.backend != "c":
            raise RuntimeError(
                f"{self._name()} runs with NumPy, and has no source in C: read step.source, or compile with "
                "backend='c'."
            )
        return plan.execution.source

    @property
    def backend(self) -> str | None:
        """``"c"`` or ``"numpy"``; None before the first replay."""
        plan = self._latest
        return plan.backend if plan is not None else None

    def _plan(self) -> Plan:
        """The latest plan."""
        plans = self._all()
        if not plans:
            raise RuntimeError(f"{self._name()} has no program yet: call it once.")
        return plans[-1]

    def _name(self) -> str:
        """The name of the function."""
        return str(getattr(self._function, "__qualname__", type(self._function).__name__))

    def __repr__(self) -> str:
        plans = self._all()
        count = f"{len(plans)} program{'s' * (len(plans) != 1)}" if plans else "not called yet"
        return "\n    ".join([f"<compiled {self._name()}: {count}>", *map(repr, plans)])

    # -- as a method, copied, pickled ------------------------------------------------------------

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """The compiled method of an object, which has programs of its own."""
        if instance is None:
            return self
        own = vars(instance).get(self._key_of_method)
        if own is None or own._function.__self__ is not instance:
            own = Compiled(self._function.__get__(instance, owner), self._given, self._backend, self._grads)
            own._method = instance, self._key_of_method.removeprefix("_compiled ")
            if isinstance(instance, type):  # the method of a class
                setattr(instance, self._key_of_method, own)
            else:
                vars(instance)[self._key_of_method] = own
        return own

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"{self._name()} is compiled, a method of the class; it cannot be set.")

    def __set_name__(self, owner: Any, name: str) -> None:
        self._key_of_method = f"_compiled {name}"

    _key_of_method = ""
    _method: tuple[Any, str] | None = None
    """Of the method of an object: that, and the name."""

    def __copy__(self) -> Compiled:
        return type(self)(self._function, self._given, self._backend, self._grads)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if self._method is not None:
            instance, name = self._method
            return getattr(copy.deepcopy(instance, memo), name)
        function, state = copy.deepcopy((self._function, self._given), memo)
        return type(self)(function, state, self._backend, self._grads)

    def __reduce__(self) -> Any:
        if self._method is not None:
            return getattr, self._method
        if is_global(self):
            return self._name()
        return type(self), (self._function, self._given, self._backend, self._grads)


class CompiledModel(Compiled):
    """A compiled model, which has what the model itself has besides: ``predict.eval()``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"a compiled model has no attribute {name!r}.")
        return getattr(self._function, name)
