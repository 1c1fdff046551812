"""Floor 7: the command ``minigrad``."""
