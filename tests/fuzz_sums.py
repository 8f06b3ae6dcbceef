"""Random nested sums, deltas, quotients, roots, shifted places and kinks: is their normal form the same number?"""

import argparse
import json
import random
import sys
from dataclasses import replace

import mpmath as mp
import sympy as sp

from derivations.algebra import notation, symbolic
from derivations.algebra.normal_form import Powers, canonical, equal
from derivations.algebra.notation import A, N, W, b, dZ, i, j, l, m, n, q, r, s, size, t, tensor, z
from derivations.algebra.sums import Entry, Index, ShapeError, delta, fresh, tap, total
from derivations.prover import digits
from tests.mutations import built, ways

logit = tensor("zfuzz", n, meaning="any numbers")
prob = tensor("pfuzz", n, meaning="their softmax, a name that holds a quotient")
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


eps = notation.number("eps_fuzz", "a positive number", positive=True)
d = notation.number("d_fuzz", "where a line bends", positive=True)
P, K = size("P_fuzz", "places"), size("K_fuzz", "taps of a window")
a, u, h_in, w = Index("a", P), Index("u", K), Index("h", P + K - 1), Index("w", P)
wide = tensor("wide_fuzz", P + K - 1, meaning="a row of pixels that every window lies within")
narrow = tensor("narrow_fuzz", P, meaning="a row of pixels that some windows leave")
taps, out = tensor("taps_fuzz", K, meaning="weights of a window"), tensor("out_fuzz", P, meaning="one number a place")
mean = total(logit[l], l) / n

DENOMINATORS = (
    eps + total(logit[k] ** 2, k) / n,
    eps + total((logit[k] - mean) ** 2, k) / n,
    total(logit[k] ** 2, k) + logit[i] ** 2 + eps,
    1 + sp.exp(logit[i]),
    1 + sp.exp(-2 * logit[j]),
    2 + sp.exp(logit[i] - logit[j]),
    total(sp.exp(logit[k]), k),
    total(sp.exp(logit[k]), k) + 1,
    n + m,
    eps * n + eps,
    2 * eps * n + 4 * m,
)
NUMERATORS = (
    *(logit[i], sp.exp(logit[i]), sp.exp(-logit[j]), eps, n, m, logit[i] ** 2, delta(i, j), sp.S.One),
    *(total(logit[k] ** 2, k), total(sp.exp(logit[k]), k), total(V[i, k] * logit[k], k), mean),
)
EXPONENTS = (-1, -1, -2, *(sp.Rational(numerator, 2) for numerator in (-3, -1, 1)))
PLACES = (a + u - 1, a + u, a + u - 2, 2 * a + u - 2, a - u + 1, a + K - u)


def quotient(rng):
    """Numerators over denominators of several terms, to whole and half powers, perhaps all under one more sum."""
    D, of_both = rng.choice(DENOMINATORS), lambda: rng.choice(NUMERATORS)
    term = of_both() * of_both() * D ** rng.choice(EXPONENTS)
    if rng.random() < 0.4:
        term *= of_both() + of_both() * rng.choice((D, rng.choice(DENOMINATORS)))
    if rng.random() < 0.3:
        bound = Index("k", n)
        term = total(term.xreplace({i: bound}), bound)
    return sp.Derivative(term, logit[i], evaluate=False) if rng.random() < 0.2 else term


def shifted(rng):
    """A window moved along a row of pixels, which it may leave; or its slope by a pixel."""
    place, (row, pixel) = rng.choice(PLACES), rng.choice(((wide, h_in), (narrow, w)))
    seen = total(tap(pixel, place) * row[pixel], pixel)
    form = rng.randrange(4)
    if form == 0:
        return total(total(seen * taps[u], u) * out[a], a)
    if form == 1:
        return total(total(tap(pixel, place) * out[a] * taps[u], u), a) * row[pixel]
    if form == 2:
        return sp.Derivative(total(total(seen * taps[u], u) * out[a], a), row[pixel], evaluate=False)
    return total(tap(pixel, place), pixel) * row[pixel]


def bent(rng, depth):
    """A line of one number Z that bends at 0, 6, ±d or c."""
    if depth == 0:
        return rng.choice((z, sp.S.Zero, sp.Integer(6), d, -d, z - d, 2 * z))
    left, right = bent(rng, depth - 1), bent(rng, 0)
    way = rng.randrange(5)
    if way == 0:
        return rng.choice((sp.Max, sp.Min))(left, right)
    if way == 1:
        return sp.Abs(z - rng.choice((0, 6, d, -d)))
    if way == 2:
        return sp.Piecewise((left, z > rng.choice((0, 6, d))), (right, True))
    if way == 3:
        return sp.Piecewise((left, (z > -d) & (z < d)), (right, True))
    return left + rng.choice((1, -1, z)) * right


def unbent(expr):
    """The same line in other words: a maximum by |x|, |x| by cases, a minimum by a maximum."""
    if not expr.args or isinstance(expr, sp.Rel):
        return expr
    arguments = [unbent(argument) for argument in expr.args]
    if isinstance(expr, sp.Max | sp.Min) and len(arguments) == 2:
        x, y = arguments
        return (x + y + (1 if isinstance(expr, sp.Max) else -1) * sp.Abs(x - y)) / 2
    if isinstance(expr, sp.Abs):
        return sp.Piecewise((arguments[0], arguments[0] > 0), (-arguments[0], True))
    return expr.func(*arguments)


KINKS = (sp.Ne(z, 0), sp.Ne(z, 6), sp.Ne(z, d), sp.Ne(z, -d))


def tried_line(rng, name):
    """What is wrong with a line that bends: it is called equal to what it is not, or not to what it is."""
    line = bent(rng, 2)
    same, other = unbent(line), line.xreplace(rng.choice(({z: z + 1}, {d: 2 * d}, {sp.Integer(6): sp.Integer(5)})))
    if rng.random() < 0.5:
        line, same, other = (sp.Derivative(side, z, evaluate=False) for side in (line, same, other))
    lent = Powers(derive=True)
    if symbolic.equal(line, other, lent, KINKS) and differ(line, other, name, KINKS):
        return "unsound", f"{line} is called equal to {other}"
    if symbolic.equal(line, same, lent, KINKS):
        return ("unsound", f"{line} is called equal to {same}") if differ(line, same, name, KINKS) else (None, "")
    return ("refused", f"{line} is not shown to be {same}") if is_orderly(line) else (None, "")


def is_orderly(line):
    """Whether a line should be understood: no slope is asked where it may bend, and 6 and d are in one order only."""
    numbers = {abs(x) for x in line.atoms(sp.Integer)}
    return not line.has(sp.Derivative) and not (6 in numbers and line.has(d)) and not line.has(sp.Pow)


def differ(left, right, seed, given=()):
    """Whether the two are different numbers at some random point."""
    gaps = [digits.disagreement(left, right, at) for at in digits.points(seed, [left, right], given, WHERE, POINTS)]
    return any(not gap <= room for gap, room in gaps)


def drawn(number, rng):
    """Expression number: of eight, five are sums, one a quotient, one a window; and its free indices."""
    if number % 8 == 5:
        return quotient(rng) + rng.choice((0, 1, -1)) * quotient(rng), FREE
    if number % 8 == 6:
        return shifted(rng) + rng.choice((0, 1, -1)) * shifted(rng), (a, u, h_in, w)
    return grown(rng, FREE, rng.choice((2, 3, 3, 4))), FREE


def tried(number):
    """What is wrong with expression number: None, or "unsound", "not_idempotent" or "refused", and the expression."""
    rng = random.Random(f"fuzz {number}")
    if number % 8 == 7:
        return tried_line(rng, f"line {number}")
    (expr, scope), lent = drawn(number, rng), powers(rng)
    _, build = rng.choice(list(ways(expr, scope)) or [(None, lambda: None)])
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
