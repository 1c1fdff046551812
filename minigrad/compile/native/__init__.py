"""Native code for a program: the C compiler of this machine, what it has built, and NumPy's BLAS."""
