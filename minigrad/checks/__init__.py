"""Floor 5: checks of gradients against finite differences.

``gradcheck``  what users call: first and second derivatives of functions and modules
``problem``    the function to check, on copies of everything it touches
``comparing``  backward beside finite differences
``numeric``    finite differences, and how far they can be trusted
``diagnosis``  what wrong gradients look like: a table
``report``     what a check found: a table that prints and shows in notebooks
``cases``      an input for every operation
"""

from .gradcheck import GradcheckError
from .report import GradcheckReport

__all__ = ["GradcheckError", "GradcheckReport"]
