"""The one file that knows both sides: a claim's name and its function, a symbol and its array, the table of shapes."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from nnref.shapes import Array

if TYPE_CHECKING:
    from derivations.output.verdict import Verdict
    from nnref.network import Layers


def parameter_shapes(sizes: Sequence[int]) -> dict[str, tuple[int, int]]:
    """The shape of every parameter of the network with these widths, as the derivation gives it.

    Kept in the user's cache for the very sources that gave it: then SymPy is not loaded.

    >>> parameter_shapes([784, 128, 10])
    {'W1': (128, 784), 'b1': (128, 1), 'W2': (10, 128), 'b2': (10, 1)}
    """
    from derivations.output import verdict

    widths = "-".join(map(str, sizes))
    kept = verdict.recall("shapes")
    if widths not in kept:
        from derivations.shapes import shape_table

        kept = {widths: {name: (int(m), int(n)) for name, (m, n) in shape_table(sizes).items()}}
        verdict.keep("shapes", kept)
    return {name: (m, n) for name, (m, n) in kept[widths].items()}


def shapes_of(theta: Any) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a tree, as the claims of its layers give it: W (D, C, I, J) and b (D, 1).

    A size of one letter is the same throughout a layer, and the first parameter that has it says how large it is. A
    parameter whose gradient no claim names, such as a matrix of multi_head, has the shape that it was drawn in.

    >>> from nnref import conv2d
    >>> shapes_of((conv2d.Conv2d(W=np.zeros((4, 2, 3, 3)), b=np.zeros((4, 1))), ()))
    {'W1': (4, 2, 3, 3), 'b1': (4, 1)}
    """
    from nnref.parameters import groups

    found = {}
    for k, group in enumerate(groups(theta), 1):
        concept = type(group).__module__.removeprefix("nnref.")
        symbols, sizes = symbols_of("affine" if concept == "layer" else concept), dict[str, int]()
        for field, p in zip(group._fields, group, strict=True):
            letters = symbols.get(field)
            if letters is None or len(letters) != p.ndim:
                found[f"{field}{k}"] = p.shape
                continue
            for letter, n in zip(letters, p.shape, strict=True):
                sizes.setdefault(letter, int(letter) if letter.isdigit() else n)
            found[f"{field}{k}"] = tuple(sizes[letter] for letter in letters)
    return found


def symbols_of(concept: str) -> dict[str, list[str]]:
    """The sizes of each gradient that a concept's claims name, by the argument: {"W": ["D", "C", "I", "J"], …}.

    Kept in the user's cache for the very sources that gave it: then SymPy is not loaded.
    """
    from derivations.output import verdict

    kept = verdict.recall("symbols")
    if concept not in kept:
        from derivations.prover.proof import claims

        gradients = {name: claim for name, claim in claims().items() if claim.kind == "gradient"}
        kept = {}
        for name, claim in gradients.items():
            module, _, function = name.rpartition(".")
            kept.setdefault(module, {})[function.removeprefix("d")] = list(map(str, claim.shapes[""]))
        verdict.keep("symbols", kept)
    found: dict[str, list[str]] = kept.get(concept, {})
    return found


def proved(layers: Layers) -> Verdict:
    """Are the claims that training these layers rests on proved, here? Kept from an earlier proof, or proved now.

    The six gradients of three affine layers, or the way back through any number of them; the activations; the step.
    """
    from derivations.output import verdict
    from nnref.layer import all_names

    depth = sum(layer.name == "affine" for layer in layers) if not any(layer.within for layer in layers) else 0
    way_back = (
        [f"mlp.d{p}{l}" for l in range(1, depth + 1) for p in "Wb"]
        if depth == 3
        else ["mlp.any_depth", "affine.dW", "affine.db", "softmax_cross_entropy.dZ"]
    )
    between = sorted({name.partition(" ")[0] for name in all_names(layers)} - {"affine"})
    return verdict.of([*way_back, *(claim for name in between for claim in claims_of(name)), "sgd.update"])


def claims_of(concept: str) -> list[str]:
    """The claims of a concept's functions; none of what only puts layers together, such as a chain."""
    if find_spec(f"nnref.{concept}") is None:
        return []
    module = importlib.import_module(f"nnref.{concept}")
    functions = [name for name, f in vars(module).items() if inspect.isfunction(f) and f.__module__ == module.__name__]
    return [f"{concept}.{name}" for name in functions if name != "layer" and not name.startswith("_")]


def function(name: str) -> Callable[..., Any]:
    """The function of nnref that has a claim's name: affine.dW the claim is affine.dW the function.

    mlp.dW1 is the entry W1 of nnref.gradients, as a function of X, Y and the parameters by name.
    Errors: LookupError naming what is missing.
    """
    module, _, attribute = name.rpartition(".")
    if module == "mlp":
        return network_gradient(attribute.removeprefix("d"))
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(f"nnref.{module}"), attribute)
    except (ImportError, AttributeError) as error:
        raise LookupError(f"{name} has no function: nnref/{module}.py should define {attribute}.") from error
    return found


def network_gradient(parameter: str) -> Callable[..., Array]:
    """The gradient of the mean loss of a network of three layers with respect to the parameter called W1, b1, … b3."""
    from nnref import network

    def gradient(
        X: Array,
        Y: Array,
        W1: Array,
        b1: Array,
        W2: Array,
        b2: Array,
        W3: Array,
        b3: Array,
        *,
        activation: str = "tanh",
    ) -> Array:
        sizes = [len(X), len(b1), len(b2), len(b3)]
        layers = network.mlp(sizes, activation)
        theta = network.unnamed({"W1": W1, "b1": b1, "W2": W2, "b2": b2, "W3": W3, "b3": b3}, layers)
        return network.named(network.gradients(layers, theta, X, Y))[parameter]

    return gradient


def symbolic_value(name: str, arrays: Mapping[str, Any], activation: str = "tanh") -> Callable[..., Any]:
    """The result of a claim at these arrays, to 50 digits, as a function of the indices of one entry, counted from 0.

    A claim about numbers is taken entry by entry; one about the network is opened down to the weights.
    Errors: LookupError if there is no such claim.
    """
    import mpmath as mp

    from derivations import mlp
    from derivations.algebra.notation import letter_of
    from derivations.algebra.sums import Index, all_opened
    from derivations.prover import digits
    from derivations.prover.proof import claims
    from derivations.prover.sizes import called, free

    claim = claims()[name]
    of_network = name.startswith("mlp.")
    concept = name.partition(".")[0]
    where = mlp.FROM_X if of_network else claim.where
    result = all_opened(claim.result)
    shape = claim.shapes[""]
    indexed = placed(claim, shape, [s for s in free(result) if isinstance(s, Index)])
    point = digits.Point(
        name,
        sizes(claim.shapes, arrays),
        where={entry: expr for entry, expr in where.items() if letter_of(str(called(entry))) not in arrays},
        functions=slopes(activation),
    )
    if indexed or not shape:
        named = {"Y3" if of_network and key == "Y" else key: entries(A) for key, A in arrays.items()}
        point = point.at(arrays=named | {f"{key}@{concept}": A for key, A in named.items()})

    def value(*indices: int) -> Any:
        with mp.workdps(digits.DIGITS + digits.GUARD):
            if indexed or not shape:
                return digits.value(result, point.at(indices={s: indices[place] + 1 for place, s in indexed.items()}))
            one = {key: {(): mp.mpf(float(A[indices] if np.ndim(A) else A))} for key, A in arrays.items()}
            return digits.value(result, point.at(arrays=one))

    return value


def formulas() -> dict[str, dict[str, tuple[str, ...]]]:
    """Every definition and gradient that has a function of its own, and the shapes of its symbols, "" for the result.

    The gradients of the whole network, which are entries of nnref.gradients, are not among them.
    """
    from derivations.prover.proof import claims

    bound = (claim for claim in claims().values() if claim.kind in ("definition", "gradient"))
    return {claim.name: dict(claim.shapes) for claim in bound if not claim.name.startswith("mlp.")}


def placed(claim: Any, shape: Sequence[str], free: Sequence[Any]) -> dict[int, Any]:
    """Which axis of the result each free index runs along.

    The axes are taken in the order in which the indices stand in what is defined, or differentiated by: of W[r, v],
    both of one size, r is the row.
    """
    import sympy as sp

    derivatives = claim.start.atoms(sp.Derivative)
    named = [claim.names, *(x for d in derivatives for x in d.variables)]
    order = [s for entry in named for s in getattr(entry, "indices", ()) if s in free]
    found: dict[int, Any] = {}
    for s in dict.fromkeys([*order, *sorted(free, key=str)]):
        axis = next(k for k, size in enumerate(shape) if size == str(s.dim) and k not in found)
        found[axis] = s
    return found


def sizes(shapes: Mapping[str, tuple[str, ...]], arrays: Mapping[str, Any]) -> dict[Any, int]:
    """The number that each size stands for in these arrays, such as {N: 5}."""
    import sympy as sp

    found = {name: n for key, A in arrays.items() for name, n in zip(shapes[key], np.shape(A), strict=True)}
    return {sp.Symbol(name, integer=True, positive=True): n for name, n in found.items() if not name.isdigit()}


def entries(A: Any) -> dict[tuple[int, ...], Any]:
    """The entries of an array by their indices counted from 1; a single column or row may leave its index out."""
    import mpmath as mp

    A = np.asarray(A, "float64")
    found = {tuple(i + 1 for i in index): mp.mpf(float(a)) for index, a in np.ndenumerate(A)}
    if A.ndim == 2 and 1 in A.shape:
        found |= {(i + 1,): mp.mpf(float(a)) for i, a in enumerate(A.ravel())}
    return found


def slopes(activation: str) -> dict[Any, Callable[[Any], Any]]:
    """What f and its slope are, to 50 digits, for a named activation: the results of its claims at one number.

    Errors: LookupError if the activation has no claims.
    """
    from derivations.algebra.notation import Activation, ActivationSlope
    from derivations.prover import digits
    from derivations.prover.proof import claims

    parameters = inspect.signature(function(f"{activation}.forward")).parameters.values()
    defaults = {p.name: {(): p.default} for p in parameters if p.default is not p.empty}

    def at_one_number(name: str) -> Callable[[Any], Any]:
        claim = claims()[name]
        point = digits.Point(name, {}, where=claim.where)
        return lambda x: digits.value(claim.result, point.at(arrays={"Z": {(): x}, "dA": {(): 1}, **defaults}))

    return {Activation: at_one_number(f"{activation}.forward"), ActivationSlope: at_one_number(f"{activation}.dZ")}
