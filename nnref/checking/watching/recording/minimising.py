"""A search for a minimum by scipy: what it is handed, a loss and its gradient, is used as a plain training step is."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnref.checking.watching.recording.tape import words

MINIMISES = 3
"""Steps that are taken in the place of a search for a minimum."""

MINIMISING_RATE = 0.01
"""How long such a step is, in units of the gradient."""

MINIMISERS = words("minimize fmin_cg fmin_bfgs fmin_tnc fmin_l_bfgs_b fmin_ncg")
"""scipy.optimize's searches that take a gradient."""

TRIPLES = words("fmin_tnc fmin_l_bfgs_b")
"""Functions that return x and two things more."""


class Result(dict[str, Any]):
    """What a search for a minimum returns, as scipy's: its entries are attributes too."""

    __getattr__ = dict.__getitem__


def is_search(function: Any) -> bool:
    """Is this one of scipy's searches for a minimum?"""
    module = str(getattr(function, "__module__", "") or "")
    return module.startswith("scipy.optimize") and getattr(function, "__name__", "") in MINIMISERS


def minimised(self: Any, site: int, function: Any, /, *args: Any, **named: Any) -> Any:
    """scipy.optimize.minimize(f, x0, args, jac=g) and its kin: some plain steps along the gradient that it is given."""
    name = function.__name__
    places = ("fun", "x0", "args", "method", "jac") if name == "minimize" else ("f", "x0", "fprime", "args")
    named = dict(zip(places, args, strict=False)) | named
    f, x0 = next(named[k] for k in ("fun", "func", "f") if k in named), named["x0"]
    slope, given = named.get("jac", named.get("fprime")), named.get("args", ())
    given = given if isinstance(given, tuple) else (given,)
    if not callable(slope) and (slope is not True if name == "minimize" else bool(named.get("approx_grad"))):
        return function(**named)
    x, value = self.library(site, "ravel", np.ravel, (x0,), {}), None
    for _ in range(MINIMISES):
        both = f(x, *given)
        value, g = (both, slope(x, *given)) if callable(slope) else both
        step = self.binary("multiply", MINIMISING_RATE, self.library(site, "ravel", np.ravel, (g,), {}), site)
        x = self.binary("subtract", x, step, site)
        if callable(named.get("callback")):
            named["callback"](x)
    found = Result(x=x, fun=value, success=True, message="", nit=MINIMISES, nfev=MINIMISES, status=0)
    return found if name == "minimize" else (x, value, {}) if name in TRIPLES else x
