"""Floor 7: the command ``minigrad``.

The package imports this before NumPy, so that Ctrl-C is one line from there on, where this process is the command.
"""

from . import starting

starting.guard()
