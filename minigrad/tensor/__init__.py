# Floor 3: imports come from the floors below.
"""The tensor users hold, how it is made, printed and seen by NumPy."""
