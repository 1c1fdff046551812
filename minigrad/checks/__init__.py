"""Floor 5: checks of gradients against finite differences.

``gradcheck``  what users call: first and second derivatives of functions and modules
``problem``    the function to check, on copies of everything it touches
``numeric``    finite differences, and how far they can be trusted
``diagnosis``  what wrong gradients look like: a table
"""

from .gradcheck import GradcheckError

__all__ = ["GradcheckError"]
