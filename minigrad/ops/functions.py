"""Functions of one variable: each beside its derivative, as in a calculus book."""

from __future__ import annotations

import numpy as np

from ..engine.op import Op

exp = Op("exp", np.exp, lambda dy, y, _x: dy * y, doc="``exp(x)``")
log: Op = Op("log", np.log, lambda dy, _y, x: dy / x, doc="``log(x)``, the natural logarithm")
sqrt = Op("sqrt", np.sqrt, lambda dy, y, _x: dy / (2 * y), doc="``sqrt(x)``; its derivative is inf at 0")
square = Op("square", np.square, lambda dy, _y, x: dy * (2 * x), doc="``x * x``")
reciprocal = Op("reciprocal", lambda x: np.true_divide(1, x), lambda dy, y, _x: -dy * y * y, doc="``1 / x``")
sin = Op("sin", np.sin, lambda dy, _y, x: dy * cos(x), doc="``sin(x)``, x in radians")
cos: Op = Op("cos", np.cos, lambda dy, _y, x: -dy * sin(x), doc="``cos(x)``, x in radians")
tanh = Op("tanh", np.tanh, lambda dy, y, _x: dy * (1 - y * y), doc="``tanh(x)``")
