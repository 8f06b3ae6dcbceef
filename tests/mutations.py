"""Every step can fail: each sign, index, sum, transpose and constant of a line changed, and what sees the change."""

# ruff: noqa: E501  a change is named on one line, as the command prints it
import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, replace

import mpmath as mp
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from derivations.algebra import symbolic
from derivations.algebra.sums import TENSORS, Entry, Index, ShapeError, delta, outermost, total
from derivations.article.example import SYMBOLS
from derivations.article.judging import Undecided, fault
from derivations.article.judging import built as building
from derivations.article.judging import judged as judgement_of
from derivations.article.quotations import QUOTATIONS
from derivations.prover import digits, limits, sizes
from derivations.prover.proof import TRIALS, check, claims, everything

KINDS = ("sign", "index", "sum", "transpose", "order", "constant")
OUTCOMES = ("shapes", "digits", "symbolic", "rule", "equal")
"""What refuses a mutant, the cheapest first; symbolic and rule are those that digits pass; equal passes every check."""


def places(expr, scope=()):
    """Every node, the indices that are in scope there, and what puts another node in its place."""
    yield expr, scope, lambda new: new
    for part, inner, rebuild in parts(expr, scope):
        for node, within, put in places(part, inner):
            yield node, within, lambda new, put=put, rebuild=rebuild: rebuild(put(new))


def parts(expr, scope):
    """The arguments in which something may be changed, what is in scope there, and the node built anew from another."""
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        yield summand, (*scope, k), lambda new: total(new, k)
    elif isinstance(expr, sp.Derivative):
        if not isinstance(expr.expr, AppliedUndef):  # L'(x) is one name for a Taylor coefficient
            yield expr.expr, scope, lambda new: sp.Derivative(new, *expr.variables, evaluate=False)
    elif isinstance(expr, sp.Integral):
        yield expr.function, scope, lambda new: sp.Integral(new, *expr.limits)
    elif isinstance(expr, Entry):
        yield expr.args[0], scope, lambda new: Entry(new, *expr.args[1:])
    elif isinstance(expr, ElementwiseApplyFunction):
        yield expr.expr, scope, lambda new: new.applyfunc(expr.function)
    elif isinstance(expr, sp.Piecewise):
        for place, (branch, _) in enumerate(expr.args):
            yield branch, scope, lambda new, place=place: sp.Piecewise(*with_branch(expr, place, new))
    elif not isinstance(expr, sp.Indexed | sp.KroneckerDelta | sp.MatrixSymbol | sp.OneMatrix):
        for place, argument in enumerate(expr.args):
            if not (isinstance(expr, sp.Pow) and place == 1 and argument.is_Number) and argument != -1:
                yield argument, scope, lambda new, place=place: with_argument(expr, place, new)


def with_argument(expr, place, new):
    """The node with another argument; a product of matrices is not worked out."""
    return expr.func(*(new if at == place else argument for at, argument in enumerate(expr.args)))


def with_branch(expr, place, new):
    """The branches of a case distinction, one of them another."""
    return [(new if at == place else branch, condition) for at, (branch, condition) in enumerate(expr.args)]


def changes(node, scope):
    """(kind, what makes the changed node) for every way to change this node alone."""
    if isinstance(node, sp.Add | sp.MatAdd):
        for place, term in enumerate(node.args):
            yield "sign", lambda place=place, term=term: with_argument(node, place, -term)
    if isinstance(node, sp.Function) and not isinstance(node, sp.KroneckerDelta | sp.Piecewise):
        for place, argument in enumerate(node.args):
            yield "sign", lambda place=place, argument=argument: with_argument(node, place, -argument)
    if isinstance(node, sp.Piecewise):
        turned = [(branch, c.reversedsign if isinstance(c, sp.Rel) else c) for branch, c in node.args]
        turned = [(b, c.func(c.lhs, -c.rhs) if isinstance(c, sp.Rel) else c) for b, c in turned]
        yield "sign", lambda: sp.Piecewise(*turned)
    yield from (("index", make) for make in other_indices(node, scope))
    if isinstance(node, sp.Sum):
        k, summand = outermost(node)
        i = next((i for i in scope if i.dim == k.dim), Index("any", k.dim))
        yield "sum", lambda: node / k.dim
        yield "sum", lambda: node - summand.xreplace({k: i})
        yield "sum", lambda: summand.xreplace({k: i})
    if isinstance(node, sp.Transpose):
        yield "transpose", lambda: node.arg
    if isinstance(node, sp.MatrixSymbol):
        yield "transpose", lambda: sp.Transpose(node)
    if isinstance(node, sp.MatMul):
        for left in range(len(node.args) - 1):
            if all(factor.is_Matrix for factor in node.args[left : left + 2]):
                yield "order", lambda left=left: swapped(node, left)
    if isinstance(node, sp.Pow) and node.exp.is_Number:
        yield "constant", lambda: node.base ** (node.exp + 1)
    if isinstance(node, sp.Rational):
        yield "constant", lambda: node + 1


def swapped(product, left):
    """A product of matrices with two neighbours exchanged."""
    factors = list(product.args)
    factors[left : left + 2] = reversed(factors[left : left + 2])
    return sp.MatMul(*factors)


def other_indices(node, scope):
    """The node with one of its indices another that is in scope and runs over the same dimension."""
    if isinstance(node, sp.Indexed):
        tensor = TENSORS[sizes.called(node)]
        yield from (lambda new=new: tensor[new] for new in exchanged(node.indices, scope))
    if isinstance(node, sp.KroneckerDelta):
        yield from (lambda new=new: delta(*new) for new in exchanged(node.args, scope))
    if isinstance(node, Entry):
        yield from (lambda new=new: Entry(node.args[0], *new) for new in exchanged(node.args[1:], scope))
    if isinstance(node, sp.Derivative):
        for place, x in enumerate(node.variables):
            for make in other_indices(x, scope) if isinstance(x, sp.Indexed) else ():
                yield lambda place=place, make=make: sp.Derivative(
                    node.expr, *(make() if at == place else y for at, y in enumerate(node.variables)), evaluate=False
                )


def exchanged(indices, scope):
    """The indices with one of them another of its dimension."""
    for place, old in enumerate(indices):
        for new in scope:
            if isinstance(old, Index) and new != old and new.dim == old.dim:
                yield (*indices[:place], new, *indices[place + 1 :])


def ways(expr, scope=()):
    """(kind, what makes the mutant) for every single change of the expression."""
    yield "sign", lambda: -expr
    for node, within, put in places(expr, tuple(scope)):
        yield from ((kind, lambda make=make, put=put: put(make())) for kind, make in changes(node, within))


def built(build):
    """The mutant, or None where its shapes cannot be written."""
    try:
        return build()
    except (ShapeError, sp.matrices.exceptions.ShapeError):
        return None


def mutants(expr, scope=()):
    """(kind, mutant) for every single change that makes a difference; the mutant is None where it has no shape."""
    seen = {expr}
    for kind, build in ways(expr, scope):
        mutant = built(build)
        if mutant is None:
            yield kind, None
        elif mutant not in seen:
            seen.add(mutant)
            yield kind, mutant


@dataclass(frozen=True)
class Judged:
    """A mutant of a step of a claim, or of a line of the article, and what refuses it.

    unsound if symbols call equal what digits refute, or if nothing refutes a change that is not known to stay true.
    """

    step: str
    kind: str
    mutant: object
    outcome: str
    unsound: bool = False

    def __str__(self):
        return f"{self.step}, {self.kind}: {self.mutant}"


def scope_of(claim):
    """The indices that are free in the statement."""
    free = sizes.free(claim.start) | sizes.free(claim.result)
    return sorted((s for s in free if isinstance(s, Index)), key=str)


SAMPLE = 3
"""Of how many refuted mutants a step the symbolic check is asked too, where not of all."""


def judged(claim, symbolic_too=SAMPLE, at_most=None):
    """Every mutant of every step. The symbolic check is asked of all that digits pass, and of a sample of the others.

    symbolic_too is the size of that sample for each step, drawn from the step's name; None asks of all. at_most is how
    many mutants of a step are drawn, where not all are judged.
    """
    chain = [claim.start, *(step.expr for step in claim.steps)]
    for number, (before, step) in enumerate(zip(chain, claim.steps, strict=False), 1):
        name = f"{claim.name} step {number}"
        found = list(mutants(step.expr, scope_of(claim)))
        if at_most is not None:
            found = random.Random(name).sample(found, min(at_most, len(found)))
        written = [mutant for _, mutant in found if mutant is not None]
        sample = (
            written if symbolic_too is None else random.Random(name).sample(written, min(symbolic_too, len(written)))
        )
        refuted = refutation(claim, before, step, written)
        for kind, mutant in found:
            yield judgement(claim, before, step, name, kind, mutant, refuted, mutant in sample)


def judgement(claim, before, step, name, kind, mutant, refuted, symbols_too):
    """What refuses one mutant: its shapes, digits, the normal form, or its rule alone."""
    if mutant is None:
        return Judged(name, kind, mutant, "shapes")
    if refuted(mutant):
        try:
            unsound = symbols_too and symbols_agree(claim, before, step, mutant)
        except ShapeError:
            return Judged(name, kind, mutant, "shapes")
        return Judged(name, kind, mutant, "digits", unsound)
    checked = check(claim, before, replace(step, expr=mutant))
    if not checked.digits:
        return Judged(name, kind, mutant, "digits", checked.symbolic)
    outcome = "equal" if checked.ok else "rule" if checked.symbolic else "symbolic"
    return Judged(name, kind, mutant, outcome)


def is_asymptotic(claim, step):
    """Whether the step leaves something out, so that its two lines are not equal."""
    return claim.leaves_out(step)


def symbols_agree(claim, before, step, mutant):
    """Whether the symbolic check calls the mutant right."""
    if is_asymptotic(claim, step):
        return limits.fits(claim.relation, mutant) and limits.vanishes(before, mutant, claim.given)
    return symbolic.equal(before, mutant, everything(claim), claim.given)


def refutation(claim, before, step, written):
    """Whether a mutant's value differs from the line before: that line is worked out once a point, for all mutants."""
    if is_asymptotic(claim, step):
        return lambda mutant: not limits.shrinks(before, mutant, claim.given, claim.name)[0]
    points = list(digits.points(claim.name, [before, step.expr, *written], claim.given, claim.where, TRIALS))
    values = {}

    def refuted(mutant):
        room = digits.DERIVATIVE if before.has(sp.Derivative) or mutant.has(sp.Derivative) else digits.ALGEBRA
        with mp.workdps(digits.DIGITS + digits.GUARD):
            for place, at in enumerate(points):
                a = values.setdefault(place, None) or digits.value(before, at)
                values[place] = a
                try:
                    b = digits.value(mutant, at)
                except (ZeroDivisionError, StopIteration):
                    return True
                if not abs(a - b) <= room * max(abs(a), abs(b), 1):
                    return True
        return False

    return refuted


STILL_TRUE = """
article sigmoid.range, constant: 2
article tanh.range, constant: 2
article softmax.between, constant: 2
article data.scale, constant: 2
article dW3.chain, sum: Sum(-(KroneckerDelta(k, r) - a3[r])*a2[j]*y3[k], (k, 1, n3))
article dW3.chain, index: Sum(-(KroneckerDelta(k, l) - a3[r])*KroneckerDelta(l, r)*a2[j]*y3[k], (l, 1, n3), (k, 1, n3))
article dW3.chain, index: Sum(-(KroneckerDelta(k, r) - a3[l])*KroneckerDelta(l, r)*a2[j]*y3[k], (l, 1, n3), (k, 1, n3))
article quotient, sign: ((exp(c*x) + 1)*Derivative(Activation(x), x) - Activation(x)*Derivative(exp(c*x) - 1, x))/(exp(c*x) + 1)**2
article quotient, constant: ((exp(c*x) + 1)*Derivative(Activation(x), x) - Activation(x)*Derivative(exp(c*x) + 2, x))/(exp(c*x) + 1)**2
article case1.1, sign: ((exp(z[i]) + Sum((1 - KroneckerDelta(i, k))*exp(z[k]), (k, 1, K)))*exp(z[i]) - exp(2*z[i]))/(exp(z[i]) + Sum((-KroneckerDelta(i, k) - 1)*exp(z[k]), (k, 1, K)))**2
article case1.2, sign: exp(z[i])*Sum((1 - KroneckerDelta(i, k))*exp(z[k]), (k, 1, K))/(exp(z[i]) + Sum((-KroneckerDelta(i, k) - 1)*exp(z[k]), (k, 1, K)))**2
article cases, index: -(1 - KroneckerDelta(i, j))*a[i]*a[j] + (1 - a[j])*KroneckerDelta(i, j)*a[i]
article cases, index: -(1 - KroneckerDelta(i, j))*a[i]*a[j] + (1 - a[i])*KroneckerDelta(i, j)*a[j]
article dz.question, sign: -Derivative(log(-a[i])*y[i] + Sum((1 - KroneckerDelta(i, k))*log(a[k])*y[k], (k, 1, K)), z[i])
article dz.question, sign: -Derivative(log(a[i])*y[i] + Sum((1 - KroneckerDelta(i, k))*log(-a[k])*y[k], (k, 1, K)), z[i])
article dW2.mask, index: ActivationSlope(z2[q])*KroneckerDelta(q, r)
article dW1.mask, index: ActivationSlope(z1[q])*KroneckerDelta(q, r)
""".strip().splitlines()
"""The changes of the article that leave a line true: a wider bound, a square's sign, a constant whose slope is 0, an
index that δ fixes."""


def of_the_article(quotation, at_most=None):
    """Every change of the right sides of a line of the article, or a sample drawn from its name.

    equal is a change that nothing refutes. It is unsound unless it is known to stay true.
    """
    for statement in quotation.reading:
        right = building(statement.right, SYMBOLS)
        if isinstance(right, sp.Tuple):
            continue
        free = sizes.free(building(statement.left, SYMBOLS)) | sizes.free(right)
        found = list(mutants(right, sorted((s for s in free if isinstance(s, Index)), key=str)))
        if at_most is not None:
            found = random.Random(quotation.id).sample(found, min(at_most, len(found)))
        for kind, mutant in found:
            found_out = Judged(f"article {quotation.id}", kind, mutant, of_the_line(statement, mutant))
            unknown = found_out.outcome == "equal" and str(found_out) not in STILL_TRUE
            yield replace(found_out, unsound=unknown)


def of_the_line(statement, mutant):
    """What refuses one change of a line: its shapes, the numbers of a counterexample, or nothing."""
    if mutant is None:
        return "shapes"
    try:
        return "digits" if fault(replace(statement, right=mutant, form=None)) else "equal"
    except Undecided:  # a wider bound is true, and not shown
        return "equal"


def table(found):
    """How many mutants of each kind were refused by what."""
    counts = {kind: Counter(j.outcome for j in found if j.kind == kind) for kind in KINDS}
    return {kind: {"mutants": c.total(), **{o: c[o] for o in OUTCOMES}} for kind, c in counts.items()}


def summary(found):
    """What came of the mutants, as plain data: well if none of them is called right that digits refute."""
    unsound = [str(j) for j in found if j.unsound]
    outcomes = Counter(j.outcome for j in found)
    steps = len({j.step for j in found})
    return {
        "ok": bool(found) and not unsound,
        "figure": f"{len(found):,} mutants in {steps} places: {len(found) - outcomes['equal']:,} refused, "
        f"{outcomes['equal']} true all the same, {len(unsound)} passed that are wrong",
        "kinds": table(found),
        "unsound": unsound,
        **{o: [str(j) for j in found if j.outcome == o] for o in ("symbolic", "rule", "equal")},
    }


def lines(said):
    """The report for a reader: every mutant that digits pass, and what sees it; then the counts."""
    for outcome in ("symbolic", "rule", "equal"):
        yield from (f"passed by digits, {outcome}:", *(f"  {name}" for name in said[outcome]))
    for kind, counts in said["kinds"].items():
        yield " ".join([f"{kind:<10}", *(f"{n:>5} {outcome}" for outcome, n in counts.items())])
    yield from (f"unsound: {name}" for name in said["unsound"])
    yield said["figure"]


def options(argv=None):
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="a claim or concept, such as affine or affine.dW")
    parser.add_argument("--article", action="store_true", help="change the right lines of the article, not the steps")
    parser.add_argument("--all", action="store_true", help="ask the symbolic check of every mutant, not of a sample")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(argv)


def found_by(chosen):
    """Every mutant that is asked for, judged."""
    if chosen.article:
        right = [q for q in QUOTATIONS if judgement_of(q).verdict in ("holds", "notation")]
        return [j for quotation in right for j in of_the_article(quotation)]
    steps = [claim for name, claim in claims().items() if name.startswith(chosen.name)]
    return [j for claim in steps for j in judged(claim, None if chosen.all else SAMPLE)]


def main(argv=None):
    """Print the counts, and every mutant that is equal."""
    chosen = options(argv)
    said = summary(found_by(chosen))
    print(json.dumps(said, ensure_ascii=False) if chosen.json else "\n".join(lines(said)))
    return 0 if said["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
