"""Random nested sums, products, deltas, quotients, names and derivatives: is their normal form the same number?"""

import argparse
import json
import random
import sys
from dataclasses import replace

import mpmath as mp
import sympy as sp

from derivations.algebra.normal_form import Powers, canonical, equal
from derivations.algebra.notation import A, N, W, b, dZ, i, j, logit, m, n, prob, q, r, s, t, tensor
from derivations.algebra.sums import Entry, Index, ShapeError, delta, fresh, total
from derivations.prover import digits
from tests.mutations import built, ways

V = tensor("Vfuzz", n, n, meaning="a square matrix, so that an index mistaken for another still fits")
h = tensor("hfuzz", n, meaning="V z, a name that holds a sum")

FREE = (i, j, q, r, s, t)
TENSORS = (W, A, b, dZ, logit, V, prob, h)
k = Index("k", n)
WHERE = {prob[i]: sp.exp(logit[i]) / total(sp.exp(logit[k]), k), h[j]: total(V[j, k] * logit[k], k)}
"""p is the softmax of z; h is V z. Both hold a bound k, and so does much of what they stand in."""

MATRICES = ((W.matrix * A.matrix, m, N), (W.matrix.T * dZ.matrix, n, N), (V.matrix.T * V.matrix, n, n))
POINTS = 2
LETTERS = {n: "k", m: "l", N: "u"}


def grown(rng, scope, depth):
    """A random expression of the indices in scope."""
    if depth == 0 or rng.random() < 0.15:
        return leaf(rng, scope)
    grow = lambda inner=scope: grown(rng, inner, depth - 1)  # noqa: E731
    way = rng.randrange(20)
    if way < 6:
        dim = rng.choice((n, m, N))
        # Often the same letter at every depth: what is bound twice is where a capture would happen.
        bound = Index(LETTERS[dim], dim) if rng.random() < 0.7 else fresh(dim)
        return total(grow((*scope, bound, bound)), bound)
    if way < 10:
        return grow() * grow()
    if way < 13:
        return grow() + rng.choice((-1, 1, 2, sp.Rational(1, 3))) * grow()
    if way < 14:
        return grow() ** 2
    if way < 16:
        return softmax(rng, scope) * grow()
    if way < 17:
        return sp.exp(leaf(rng, scope) / 4 + total(leaf(rng, (*scope, k)), k) / 8)
    if way < 18:
        return sp.log(total(sp.exp(logit[k]) + rng.choice((0, 1)), k) * rng.choice((1, sp.exp(leaf(rng, scope)))))
    if way < 19 or depth < 2:
        M, rows, columns = rng.choice(MATRICES)
        return Entry(M, of(rng, scope, rows), of(rng, scope, columns))
    x = rng.choice((logit, V, W, b))
    return sp.Derivative(grow(), x[tuple(of(rng, scope, dim) for dim in x.shape)], evaluate=False)


def leaf(rng, scope):
    """One entry, an exponential or a delta."""
    if rng.random() < 0.2:
        dim = rng.choice((n, m, N))
        return delta(of(rng, scope, dim), of(rng, scope, dim))
    T = rng.choice(TENSORS)
    entry = T[tuple(of(rng, scope, dim) for dim in T.shape)]
    return sp.exp(entry) if T is logit and rng.random() < 0.5 else entry


def of(rng, scope, dim):
    """An index in scope of that dimension."""
    return rng.choice([index for index in scope if index.dim == dim])


def softmax(rng, scope):
    """exp z_i over a sum of exponentials, or a sum beside a power of itself."""
    S = total(sp.exp(logit[k]), k)
    return rng.choice((sp.exp(logit[of(rng, scope, n)]) / S, S / total(sp.exp(logit[of(rng, scope, n)] + logit[k]), k)))


def powers(rng):
    """Everything the prover may use, or everything but one or two of the powers whose absence leaves a value."""
    lent = Powers(derive=True, where=frozenset(WHERE.items()))
    return replace(lent, **{name: rng.random() < 0.8 for name in ("contract", "logarithms", "matrices")})


def differ(left, right, seed):
    """Whether the two are different numbers at some random point."""
    gaps = [digits.disagreement(left, right, at) for at in digits.points(seed, [left, right], (), WHERE, POINTS)]
    return any(not gap <= room for gap, room in gaps)


def tried(number):
    """What is wrong with expression number: None, or "unsound", "not_idempotent" or "refused", and the expression."""
    rng = random.Random(f"fuzz {number}")
    expr, lent = grown(rng, FREE, rng.choice((2, 3, 3, 4))), powers(rng)
    _, build = rng.choice(list(ways(expr, FREE)))
    try:
        form = canonical(expr, lent)
        if differ(expr, form, f"form {number}"):
            return "unsound", f"{expr} is not {form}"
        mutant = built(build)
        if mutant is not None and equal(expr, mutant, lent) and differ(expr, mutant, f"mutant {number}"):
            return "unsound", f"{expr} is called equal to {mutant}"
        return ("not_idempotent", str(expr)) if canonical(form, lent) != form else (None, "")
    except (ShapeError, NotImplementedError) as error:
        return "refused", f"{expr}: {error}"


def counted(numbers):
    """How many expressions came out how, and the first few that are unsound."""
    counts = {"expressions": 0, "unsound": 0, "not_idempotent": 0, "refused": 0}
    examples = {}
    for number in numbers:
        fault, expr = tried(number)
        counts["expressions"] += 1
        if fault is not None:
            counts[fault] += 1
            examples.setdefault(fault, []).append(f"{number}: {expr}")
    return counts, {fault: found[:5] for fault, found in examples.items()}


def summary(numbers):
    """What came of these expressions, as plain data."""
    counts, examples = counted(numbers)
    figure = (
        f"{counts['expressions']:,} random expressions and as many mutants: {counts['unsound']} normal forms or "
        f"equalities that digits refute, {counts['not_idempotent']} not idempotent, {counts['refused']} refused"
    )
    return {
        "ok": bool(counts["expressions"]) and not counts["unsound"],
        "figure": figure,
        **counts,
        "examples": examples,
    }


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_sums", description=__doc__)
    parser.add_argument("--expressions", type=int, default=2000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def main(argv=None):
    """Print the counts, and the first few expressions of every fault."""
    chosen = options(argv)
    with mp.workdps(digits.DIGITS):
        said = summary(range(chosen.start, chosen.start + chosen.expressions))
    lines = [f"{fault}: {example}" for fault, found in said["examples"].items() for example in found]
    print(json.dumps(said, ensure_ascii=False) if chosen.json else "\n".join([*lines, said["figure"]]))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
