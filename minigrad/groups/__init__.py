"""Floor 1: groups of ranks, which train one model together on parts of each batch; they exchange arrays."""
