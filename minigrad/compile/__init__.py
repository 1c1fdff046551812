"""Floor 6: the third reader of every operation, which writes down what a training step does.

``stand_in``  an array that carries out each NumPy call and has it written down
``writer``    what writes it down
``program``   the instructions, which can be read and carried out again; ``printing`` is how they read
``world``     what a step reads and changes
``capture``   a step, run once with stand-ins

No room below knows of this one.
"""

from .capture import capture
from .program import Program
from .stand_in import Refusal

__all__ = ["Program", "Refusal", "capture"]
