# Floor 1: imports come from the floors below.
"""Groups of ranks, which train one model together on parts of each batch; they exchange arrays."""
