"""A backward pass at one layer, as the diagnosis holds it and as numpy computes it, with one line written wrong."""

from dataclasses import replace

import numpy as np
from scipy.special import erf

import nnref
from nnref import parameters, sigmoid
from nnref.checking.diagnosis.backward_lines import HIDDEN, TOP
from nnref.checking.diagnosis.diagnose import shown_activation, shown_layer
from nnref.checking.diagnosis.explanations import Chain, right_gradient, right_layers
from nnref.checking.diagnosis.wording import worded
from nnref.checking.reference.forward_errors import ForwardErrors
from nnref.checking.reference.intermediates import Case

SOME = 0.01
"""Every number that a wrong line has in it: a rate, a decay, a smoothing."""


def case(activation, sizes=(4, 4, 4, 4), N=5):
    """A network with all widths equal, in which every mistake can be made."""
    rng = np.random.default_rng(7)
    layers = nnref.mlp(list(sizes), activation)
    theta = nnref.initialise(layers, seed=1, dtype="float64")
    theta = parameters.mapped(lambda p: p + 0.3 * rng.standard_normal(p.shape), theta)
    Y = nnref.one_hot(rng.permutation(np.arange(N) % sizes[-1]), sizes[-1], "float64")
    return Case.of(layers, theta, rng.standard_normal((sizes[0], N)), Y)


def state(at, l, theta="W"):
    """What the right lines have made at layer l, with the right gradients given."""
    found = next(s for s in right_layers(ForwardErrors.of(at, "float64")) if s.l == l)
    found = replace(found, yours=at.gradients, theta=theta)
    return found.put(f"d{theta}", right_gradient(found, theta))


def names(at):
    """The same numbers by the names that the catalogue's lines use, in plain numpy."""
    N, L = at.X.shape[1], len(at.Z)
    E = np.exp(at.Z[f"Z{L}"])
    learned = nnref.named(at.theta)
    gradients = {f"d{name}": g.copy() for name, g in at.gradients.items()}
    given = {"np": np, "N": N, "K": len(at.Y), "X": at.X, "Y": at.Y, "P": E / E.sum(axis=0), "E": E}
    given |= {"eps": SOME, "alpha": SOME, "lam": SOME, "one_hot": lambda k: nnref.one_hot(k, len(at.Y), "float64")}
    given |= {"sigmoid": sigmoid.forward, "erf": erf, "slope": SOME}
    made = {**at.A, **at.Z, **at.dZ, **at.dA, **learned, **gradients}
    return given | {name: np.array(A) for name, A in made.items()}


def written(at, mistake, l, theta="W"):
    """What the wrong line makes in numpy: dA, dZ or the gradient, whichever it leads to."""
    here, L = names(at), len(at.Z)
    before = dict(here)
    exec(worded(mistake.wrong, l, at.activation[0], theta), here)
    if mistake.line in TOP and mistake.line != "batch":
        if not np.array_equal(here[f"dZ{L}"], before[f"dZ{L}"]):
            return here[f"dZ{L}"]
        if "dP" in here:
            P, dP = here["P"], here["dP"]
            return P * (dP - (P * dP).sum(axis=0)) / here["N"]
        return (here["P"] - here["Y"]) / here["N"]
    return here[{"dA": f"dA{l}", "slope": f"dZ{l}", "dW": f"dW{l}", "db": f"db{l}"}.get(mistake.line, f"d{theta}{l}")]


def predicted(at, mistake, l, theta="W"):
    """Everything that the mistake may make there, by its detail, with the same number in it."""
    end, found = state(at, l, theta), {}
    lines = () if mistake.line in ("dW", "db", "gradient") else TOP if l == len(at.Z) else HIDDEN
    for prediction in mistake.predict(end):
        if lines:
            made = Chain({mistake.line: (mistake, prediction)}).run(end, lines, SOME)
            found.setdefault(prediction.detail, []).append(made.dA if mistake.line == "dA" else made.dZ)
        else:
            found.setdefault(prediction.detail, []).append(prediction.make(end, SOME))
    return [made for several in found.values() for made in several]


def agrees(mistake, theta="W", activation=None):
    """Is what the wrong line makes among what the mistake predicts, shape and all, and not what is right?"""
    l = shown_layer(mistake)
    at = case(activation or shown_activation(mistake))
    wrong = np.asarray(written(at, mistake, l, theta))
    made = [p.value for p in predicted(at, mistake, l, theta)]
    return any(p.shape == wrong.shape and np.allclose(p, wrong, rtol=1e-12, atol=1e-14) for p in made)
