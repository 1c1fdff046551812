# Floor 6: imports come from the floors below.
"""Training steps and predictions, written down once and then replayed without the Python around: ``mg.compile``.

It is the third reader of every operation. The files:

``stand_in``  an array that carries out each NumPy call and has it written down
``writer``    what writes it down
``program``   the instructions, which can be read and carried out again; ``printing`` is how they read
``world``     what a step reads and changes
``capture``   a step, run once with stand-ins
``step``      a compiled step: its ``plan`` for each kind of call, kept as long as its ``surroundings`` fit

No room below knows of this one.
"""

from .capture import capture
from .compiling import compile
from .execution import CannotBuild, CompileWarning
from .program import Program
from .results import print
from .stand_in import Refusal
from .step import Compiled

__all__ = ["CannotBuild", "CompileWarning", "Compiled", "Program", "Refusal", "capture", "compile", "print"]

compile.__name__ = __name__
"""``import minigrad.compile.program as p`` finds the function of this name in place of the package, and asks it for the
name under which the modules are known."""
