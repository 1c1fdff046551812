# Floor 7: imports come from the floors below.
"""Perceptrons with batch normalisation as estimators of scikit-learn's.

>>> from minigrad.sklearn import MLPClassifier  # doctest: +SKIP
>>> MLPClassifier(random_state=0).fit(X, y).score(X, y)  # doctest: +SKIP

It is an optional extra: ``pip install "minigrad[sklearn]"``.
"""

try:
    from .estimators import MLPClassifier, MLPRegressor
except ImportError as error:
    if not (error.name or "").startswith("sklearn"):
        raise
    raise ImportError('minigrad.sklearn needs scikit-learn 1.6 or newer: pip install "minigrad[sklearn]"') from error

__all__ = ["MLPClassifier", "MLPRegressor"]
