"""Floor 3: the tensor users hold, how it is made, printed and seen by NumPy."""
