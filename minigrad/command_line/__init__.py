"""Floor 9: the command ``minigrad``."""
