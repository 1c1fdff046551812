"""A captured program translated call by call: whole operations where they have a form, else the NumPy calls in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from ..compile.printing import function_name
from ..compile.program import Application, Program, Value, values_in
from ..engine.op import Op
from .errors import Fixed, OnnxExporterError
from .forms import CALLS, OPERATIONS
from .forms.indexing import index_put
from .graph import Graph, Lacking, Needed
from .lengths import OTHERWISE

CURE = "Give a larger example, or pass dynamic_axes={} for a file that takes the example's sizes only."
"""What helps where something changes with a size."""


class Walk:
    """Translates the programs of the captures, which are read as one."""

    def __init__(self, graph: Graph, programs: Sequence[Program]) -> None:
        self.graph = graph
        self.programs = programs
        self.operation = ""
        """The outermost operation that has no form of its own."""
        self.place = ""

    def run(self) -> None:
        """Translate everything; what has no form is an error only if an output needs it."""
        try:
            self.calls([program.calls for program in self.programs])
        except Fixed as error:
            raise OnnxExporterError(f"onnx.export: the model {error}. {CURE}") from error

    def calls(self, lists: Sequence[Sequence[Any]]) -> None:
        """Translate calls, which must be the same in all captures."""
        if len({len(calls) for calls in lists}) > 1:
            raise Fixed(OTHERWISE)
        for together in zip(*lists):
            first = together[0]
            same = {type(first), getattr(first, "op", None), getattr(first, "function", None)}
            if any({type(c), getattr(c, "op", None), getattr(c, "function", None)} != same for c in together):
                raise Fixed(OTHERWISE)
            self.call(together)

    def call(self, together: Sequence[Any]) -> None:
        """Translate a call."""
        graph, first = self.graph, together[0]
        outer, self.place = self.place, f" in {first.scope}" if first.scope else ""
        graph.path = path_of(first.scope)
        results = graph.parallel.merged([call.results for call in together])
        try:
            if isinstance(first, Application):
                self.application(together, results)
            elif first.kind == "host" and first.results is not None:
                self.lack(results, f"draws random numbers, {first.function.__name__}: use model.eval()", first)
            elif first.target is not None or first.results is not None:
                self.instruction(together, results)
        except Needed as error:
            self.name(results if first.results is not None else first.target, error.lacking)
        except Fixed as error:
            self.lack(results, f"{error}. {CURE}", first)
        finally:
            self.place = outer

    def application(self, together: Sequence[Any], results: Any) -> None:
        """Translate an operation by its form, else the calls it consists of."""
        graph, first = self.graph, together[0]
        values = values_in(results)
        if values <= graph.names.keys() | graph.arrays[0].keys():
            return
        name = first.op.name
        form = OPERATIONS.get(name) if Op.registry.get(name) is first.op else None
        outer, self.operation = self.operation, self.operation or name
        try:
            if form is not None:
                found = form(graph, results, *graph.parallel.merged([call.args for call in together]))
                if found is not NotImplemented:
                    self.name(results, found)
                    return
            self.calls([call.calls for call in together])
        finally:
            self.operation = outer

    def instruction(self, together: Sequence[Any], results: Any) -> None:
        """Translate a call of NumPy."""
        graph, first = self.graph, together[0]
        args, kwargs = (
            graph.parallel.merged([getattr(call, part) for call in together]) for part in ("args", "kwargs")
        )
        target = None if first.target is None else graph.parallel.value(tuple(call.target for call in together))
        out = results if target is None else target
        found: Any = NotImplemented
        if first.function in (ndarray.__setitem__, np.copyto):
            index, value = args[1:] if first.function is ndarray.__setitem__ else (..., args[1])
            found = index_put(graph, target, target, value, index)
        elif first.function in CALLS:
            kwargs = {key: value for key, value in kwargs.items() if key != "out"}
            found = CALLS[first.function](graph, out, *args, **kwargs)
        if found is NotImplemented:
            named = {self.operation} & OPERATIONS.keys() or first.function in CALLS
            hint = f", or not where a size changes. {CURE}" if named and graph.sources else ""
            found = self.lacking(f"has no form in ONNX: {function_name(first.function)}{hint}", first)
        if target is None:
            self.name(results, found)
        else:
            self.write(target, found, first)

    # -- results -----------------------------------------------------------------------------------

    def lacking(self, reason: str, call: Any) -> Lacking:
        """Why the result of a call has no form."""
        own = call.op.name if isinstance(call, Application) else "the model"
        return Lacking(f"{self.operation or own}{self.place} {reason}")

    def lack(self, results: Any, reason: str, call: Any) -> None:
        """Note that results have no form."""
        self.name(results, self.lacking(reason, call))

    def name(self, results: Any, found: Any) -> None:
        """Name what a call results in: one value or several, which get their own dtypes."""
        values = list(results) if isinstance(results, (tuple, list)) else [results]
        names = found if isinstance(found, (tuple, list)) else [found] * len(values)
        for value, name in zip(values, names):
            if isinstance(value, Value):
                self.graph.names[value] = self.graph.cast(name, value.dtype) if isinstance(name, str) else name

    def write(self, target: Value, found: Any, call: Any) -> None:
        """A value that is written to is another one from here on; what shares its memory may not be used any more.

        Nor may a parameter or buffer: in a file it would not be another one in the next run.
        """
        lacking = self.lacking("uses an array after a part or a view of it was written to: compute a new one", call)
        if target.memory.origin == "state":
            lacking = self.lacking("changes a parameter or buffer and then uses it, which a file cannot", call)
        for value in (*self.graph.names, *self.graph.arrays[0]):
            if value.memory is target.memory:
                self.graph.names[value] = lacking
        if target.memory.origin != "state":
            self.name(target, found)


def path_of(scope: Any) -> str:
    """The dotted path of a module, with slashes between the calls."""
    return str(scope).rpartition(" (")[0].replace("/", ".") if scope else ""
