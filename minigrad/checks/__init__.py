# Floor 5: imports come from the floors below.
"""Checks of gradients against finite differences: ``mg.gradcheck`` and ``mg.gradgradcheck``.

>>> mg.gradcheck(nn.BatchNorm1d(3), mg.randn(5, 3, requires_grad=True))
True

With ``raise_exception=False`` they return the report that is here, a table. The files:

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
