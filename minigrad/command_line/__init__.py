"""Floor 10: the command ``minigrad``."""
