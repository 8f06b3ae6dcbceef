"""The first wrong line: whose inputs are right and whose output is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nnref.checking.watching.calculus.factors import ALIKE, with_part
from nnref.checking.watching.calculus.graph import VIEWS
from nnref.checking.watching.calculus.slopes import slopes
from nnref.checking.watching.meaning.optimisers import entered
from nnref.checking.watching.meaning.parameters import Roles
from nnref.checking.watching.program import Failure
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.verdict.added_rows import additions_to_table, odd_addition
from nnref.checking.watching.verdict.corrections import LEFT_OUT as CORRECTION_LEFT_OUT
from nnref.checking.watching.verdict.decays import LEFT_OUT, decay_beside, of_another, without_decay, wrong_beside_decay
from nnref.checking.watching.verdict.derivatives import (
    backward_factor,
    begun_before,
    is_at_its_argument,
    of_another_value,
    products_of,
    right_elsewhere,
    slope_factor,
    wrong_factor,
    wrong_wherever_used,
)
from nnref.checking.watching.verdict.excused import first_of
from nnref.checking.watching.verdict.filled import factor_part, made_at
from nnref.checking.watching.verdict.judging import Tape
from nnref.checking.watching.verdict.jumps import first_jump, first_of_new_factor, ratios_on_the_way
from nnref.checking.watching.verdict.meant_for import (
    another_slope,
    slope_skipped,
    through_views,
    used_rightly,
    without_slope,
)
from nnref.checking.watching.verdict.misplaced import wrong_index
from nnref.checking.watching.verdict.objects import wrong_part
from nnref.checking.watching.verdict.odd_terms import (
    departure,
    is_returned,
    missing_uses,
    odd_term,
    of_another_factor,
    two_factors,
)
from nnref.checking.watching.verdict.on_the_step import (
    below_zero,
    gradient_of_another,
    of_optimiser,
    turned_by_optimiser,
    turns_after,
)
from nnref.checking.watching.verdict.opposite_rates import TIMES_EXAMPLES
from nnref.checking.watching.verdict.remembered import MEMORY
from nnref.checking.watching.verdict.right_values import Search
from nnref.checking.watching.verdict.shared_factors import (
    alike_factors,
    common_cause,
    first_shared,
    last_shared,
    not_yet_scaled,
    put_to_others,
)
from nnref.checking.watching.verdict.signs import first_turned, is_turned_on_the_way, turned
from nnref.checking.watching.verdict.stale import STALE, is_new_parameter, used_after_update, used_next
from nnref.checking.watching.verdict.ties import given_to_each
from nnref.checking.watching.verdict.usual_factor import NOT_ONE, Usual
from nnref.checking.watching.verdict.verdicts import Judged, Reading, is_rounding

AT_ANOTHER_VALUE = "the derivative is taken at another value than the one that is meant"

TAKEN_ELSEWHERE = "another argument"
"""FirstWrong kind: a function that is right elsewhere gets a wrong argument; the line of the call is wrong."""


@dataclass(frozen=True, eq=False)
class FirstWrong:
    """The first wrong value in the gradient of one parameter: its node, the site to report, and the kind of mistake.

    certain says that all inputs of the value are right; else the mistake is at or after its line. used is the site
    where a wrong factor is used, if that is another line, or that of the activation whose slope is missing.
    """

    node: Node
    site: Site
    row: Judged
    kind: str
    says: str
    certain: bool = True
    used: Site | None = None


def mistakes(role: Roles, tapes: Sequence[Tape], reading: Reading) -> list[FirstWrong]:
    """The first mistake of every wrong row, in order of computation; each line once."""
    search = Search(role, tapes, reading)
    wrong = [row for row in reading.rows if row.verdict == "WRONG"]
    first = in_object(search, wrong)
    after = [] if first is None else [row for row in wrong if search.graph.depends(row.update.step.index, first[1])]
    found = [*([first[0]] if first else []), *(located(search, row) for row in wrong if row not in after)]
    noise = {id(row): is_rounding(row, wrong) for row in wrong}
    ordered = sorted(found, key=lambda m: (noise[id(m.row)], m.node.index, len(search.backward(m.row.update.step))))
    seen: set[tuple[str, int]] = set()
    kept = []
    for mistake in ordered:
        if (place := (mistake.site.file, mistake.site.line)) not in seen:
            seen.add(place)
            kept.append(mistake)
    return kept


def in_object(search: Search, wrong: Sequence[Judged]) -> tuple[FirstWrong, int] | None:
    """The first wrong part of a slope that an object holds, and its index as a bit; None if there is none."""
    if any(row.kind == "adds up" for row in wrong) or (part := wrong_part(search)) is None:
        return None
    node, site, says, certain = part
    bit = 1 << node.index
    rows = [row for row in wrong if search.graph.depends(row.update.step.index, bit)]
    return (FirstWrong(node, site, rows[0], "value", says, certain), bit) if rows else None


def of_failure(role: Roles, tapes: Sequence[Tape], reading: Reading, failure: Failure) -> FirstWrong:
    """The first wrong value among the inputs of a line that raises an error; the line itself if all are right."""
    search = Search(role, tapes, with_all_slopes(tapes, reading))
    given = [n for n in failure.inputs if n.index < len(tapes[0]) and role.of_labels[n.index]]
    given = [n for n in given if role.graph.depends(n.index, role.parameters)]
    known = reading.loss.node is not None or any(row.verdict == "ok" for row in reading.rows)  # else none is right
    wrong = [n for n in (first_of(search, node) for node in given if known) if n is not None]
    node = min(wrong, key=lambda n: n.index, default=given[0])
    says = f"line {failure.site.line} stops with {' '.join(failure.says.split())}"
    return FirstWrong(node, node.site if wrong else failure.site, reading.rows[0], "stops", says)


def with_all_slopes(tapes: Sequence[Tape], reading: Reading) -> Reading:
    """A reading with the slopes of values that no updated parameter goes into, too."""
    seeded = zip(tapes, reading.loss.seeds, strict=True)
    known = (slopes(tape, seeds, [True] * len(tape), reading.choice)[0] for tape, seeds in seeded)
    return replace(reading, slopes=tuple(known))


def located(search: Search, row: Judged) -> FirstWrong:
    """The first wrong value of a row."""
    if (known := of_kind(search, row)) is not None:
        return known
    if row.factor or row.inner:
        return of_one_factor(search, row, row.factor or row.inner or 0.0)
    if (alone := without_decay(search, row)) is not None:
        return FirstWrong(alone, alone.site, row, "decay", LEFT_OUT)
    steps = [made.args[2] for made in additions_to_table(search, row)] or [row.update.step]
    wrong = next((found for step in steps if (found := first_of(search, step)) is not None), None)
    if wrong is None and (odd := odd_addition(search, row)) is not None:
        return FirstWrong(odd[0], odd[0].site, row, "added rows", odd[1], certain=odd[2])
    return of_use(search, row) if wrong is None else of_value(search, row, wrong)


def of_kind(search: Search, row: Judged) -> FirstWrong | None:
    """The mistake of a row whose verdict has a kind."""
    if row.kind == MEMORY and row.entry is not None:
        after = [n for n in search.backward(row.update.step) if search.graph.depends(n.index, 1 << row.entry.index)]
        first = next((n for n in after if n is not row.entry and n.site.line), row.update.end)
        return FirstWrong(first, first.site, row, MEMORY, row.note, certain=False)
    if row.kind == "adds up":
        chain = list(entered(search.role, row.update.step))
        chain = chain[chain.index(row.entry) :] if row.entry in chain else chain
        node = next((n for n in chain if n.op in ("add", "put") and n is not row.update.step), row.update.step)
        return FirstWrong(node, node.site, row, "adds up", row.note)
    if row.kind in ("correction", CORRECTION_LEFT_OUT) and row.entry is not None:
        return FirstWrong(row.entry, row.entry.site, row, "correction", row.note, certain=row.kind == "correction")
    if row.kind == NOT_ONE:
        return of_both(search, row)
    if row.kind == TIMES_EXAMPLES:
        return FirstWrong(row.update.step, row.update.end.site, row, "factor", row.note, certain=False)
    if row.kind == "decay":
        return of_decay(search, row)
    if row.kind == "not finite" and (root := below_zero(search, row)) is not None:
        says = "what this line makes is below 0 in places, and its square root or logarithm is taken later"
        return FirstWrong(root, root.site, row, "not finite", says)
    return None


def of_one_factor(search: Search, row: Judged, own: float) -> FirstWrong:
    """The mistake in a gradient that is a multiple of the truth: by another factor than the others, or uphill."""
    new, given = row.update.end, search.reading.loss.given
    if given is not None and row.usual and own < 0 and alike_factors(own, row.usual):
        return FirstWrong(given, given.site, row, "sign", "the step leads away from the labels", certain=False)
    stepped = [r.update for r in search.reading.rows if r.verdict == "ok" and r.update.new is not None]
    against = bool(stepped) and row.update.new is not None and all(u.sign != row.update.sign for u in stepped)
    if row.usual and own * row.usual < 0 and against:
        return FirstWrong(new, new.site, row, "sign", "the step goes up the loss: the sign is wrong")
    if row.usual and own * row.usual < 0 and (node := turned_by_optimiser(search, row)) is not None:
        says = "the gradient is right, and what is made of it here on the way to the step has the other sign"
        return FirstWrong(node, node.site, row, "sign", says)
    if row.usual and (jump := first_jump(search, row, own / row.usual)) is not None:
        return of_jump(search, row, jump, own / row.usual)
    if own < 0 and row.usual is not None and alike_factors(row.usual, own):
        return of_all_steps(search, row)
    if row.usual and (other := put_to_others(search, row, row.usual / own)) is not None:
        says = f"what is made of this is {row.usual / own:.4g} times the slope, beside what is not"
        return FirstWrong(other, other.site, row, "factor", says)
    return of_factor(search, row)


def of_use(search: Search, row: Judged) -> FirstWrong:
    """The mistake of a step made of right slopes only, one of which is used wrongly."""
    made = [*entered(search.role, row.update.step)][-1]
    of_another = search.beyond_doubt >> made.index & 1
    if not of_another and (before := without_slope(search, row, made)) is not None:
        return no_slope(search, row, before)
    if (meant := gradient_of_another(search, row)) is not None:
        says, renamed = "this is a slope, but not that of what it updates", len(set(meant.names)) > 1
        return FirstWrong(meant, meant.site, row, "another slope", says, certain=not renamed)  # b = a makes no value
    if (factor := wrong_wherever_used(search, row, row.update.step)) is not None:
        return factor_made_before(search, row, row.update.step, factor, sure=False)
    says = "the gradient is right, and what is made of it here is not"
    return FirstWrong(row.update.step, row.update.end.site, row, "update", says)


def of_value(search: Search, row: Judged, wrong: Node) -> FirstWrong:
    """The mistake at the first value that is no slope."""
    if any(search.role.after[m.index] and is_new_parameter(search.role, m) for m in wrong.inputs):
        return FirstWrong(wrong, wrong.site, row, "stale", STALE)
    if (found := wrong_beside_decay(search, row, wrong)) is not None:
        return FirstWrong(found[0], found[0].site, row, "factor", found[1])
    if (user := used_after_update(search, row, wrong)) is not None:
        return FirstWrong(user, user.site, row, "stale", STALE)
    spread = gradient_of_another(search, row) if row.note.startswith("shape") else None
    if spread is not None and spread.index < wrong.index:
        return FirstWrong(spread, spread.site, row, "shape", row.note)
    if (made := of_optimiser(search, row, wrong)) is not None:
        says = "the gradient is right, and what is made of it on the way to the step is not"
        return FirstWrong(made[0], made[0].site, row, "update", says, certain=made[1])
    if (odd := odd_term(search, wrong, row.update.step)) is not None:
        says = "the factor of this term is not that of the terms to which it is added"
        return FirstWrong(odd, odd.site, row, "factor", says)
    if missing := missing_uses(search, wrong):
        return FirstWrong(wrong, wrong.site, row, "part", missing, certain=not is_returned(search, wrong))
    left = departure(search, row, wrong)
    if left is not None and left[0].site.line != wrong.site.line:
        says = f"this is {left[1]:.4g} times the slope of your loss, and what it is made of is that slope itself"
        return FirstWrong(left[0], left[0].site, row, "factor", says)
    if (doubtful := of_another_factor(search, row, wrong)) is not None:
        says = "this is a slope but for a factor that others have not, and what is made of it is none"
        return FirstWrong(doubtful, doubtful.site, row, "value", says, certain=False)
    if (either := two_factors(search, wrong)) is not None and either.site.line < wrong.site.line:
        says = f"the slopes that are added in line {wrong.site.line} have two factors, and one of the two is wrong"
        return FirstWrong(either, either.site, row, "value", says, certain=False, used=wrong.site)
    return described(search, row, wrong)


def of_both(search: Search, row: Judged) -> FirstWrong:
    """Two gradients with two factors, where nothing says which is wrong: at or after the first line of the two."""
    rows = [r for r in search.reading.rows if r.kind == NOT_ONE and r.own]
    made: dict[bool, dict[int, Node]] = {True: {}, False: {}}
    for r in rows:
        chain = [n for n in search.backward(r.update.step) if not search.forward >> n.index & 1 and n.site.line]
        made[abs((r.own or 0.0) / (row.own or 1.0) - 1) <= ALIKE] |= {n.index: n for n in chain}
    alone = [made[True].get(k) or made[False][k] for k in made[True].keys() ^ made[False].keys()]
    first = min(alone, key=lambda n: n.index, default=row.update.end)
    return FirstWrong(first, first.site, row, NOT_ONE, row.note, certain=False)


def of_all_steps(search: Search, row: Judged) -> FirstWrong:
    """A step up the loss, like all others: the one line that adds every slope, or the first slope of the wrong sign.

    Where several lines add, the one line that all slopes come from is more likely wrong.
    """
    sites = {r.update.end.site for r in search.reading.rows}
    added = row.update.sign < 0 and not is_turned_on_the_way(search, row)
    if row.update.sign > 0 and row.inner and len(after := turns_after(search, row)) == 1:
        says = "the gradient is right, and what is made of it here on the way to the step has the other sign"
        return FirstWrong(after[0], after[0].site, row, "sign", says)
    made = [n for n in entered(search.role, row.update.step) if search.ends_statement(n)]
    stepped = next((n for n in made[:-1] if n.site.line and n.site.line != row.update.end.site.line), None)
    if added and len(sites) == 1 and stepped is not None:
        says = "the step goes up the loss: what is made of the slope here is added, and one of the two is wrong"
        return FirstWrong(stepped, stepped.site, row, "sign", says, certain=False)
    if added and len(sites) == 1 and len(search.reading.rows) > 1:
        says = "the step goes up the loss: the slopes are added, and should be subtracted"
        return FirstWrong(row.update.end, row.update.end.site, row, "sign", says)
    node = (first_turned(search, row) if not added and row.update.sign < 0 else turned(search, row)) or row.update.end
    site, alone = made_at(search, node)
    return FirstWrong(node, site, row, "sign", "the step goes up the loss: the sign is wrong", certain=alone)


def of_jump(search: Search, row: Judged, node: Node, ratio: float) -> FirstWrong:
    """A wrong factor that enters with one operation; if its other operand was computed wrongly, the line of that."""
    factor = backward_factor(search, node)
    made = slope_factor(search, factor) if factor is not None else None
    if factor is not None and made and abs(made / ratio - 1) <= ALIKE and factor.site.line != node.site.line:
        says = f"the factor that is made here is {ratio:.4g} times what it should be"
        return FirstWrong(node, factor.site, row, "factor made here", says, used=node.site)
    site, alone = made_at(search, node)
    return FirstWrong(node, site, row, "factor", row.note, certain=alone)


def of_decay(search: Search, row: Judged) -> FirstWrong:
    """A step with another decay than the loss's: either the decay or the slope beside it has a wrong factor."""
    base, usual = row.update.base, row.usual or 0.0
    old = [np.asarray(tape[base.index].value, float) for tape in search.tapes]
    both = with_part(row.given, row.truth, old, search.tolerance)
    own = both[0] if both is not None else row.own  # after an optimiser the step is no sum of the two
    scale = own / usual if own and usual else 1.0
    if abs(scale - 1) > ALIKE and (node := first_jump(search, row, scale)) is not None:
        return FirstWrong(node, node.site, row, "factor", f"the slope beside the decay is {scale:.4g} times the truth")
    chain = search.backward(row.update.step)
    adding = (n for n in chain if n.op in ("add", "subtract", "put", "multiply") and not search.forward >> n.index & 1)
    joined = [n for n in adding if search.decays(n, base)]
    if joined and (found := wrong_beside_decay(search, row, joined[0])) is not None:
        return FirstWrong(found[0], found[0].site, row, "factor", found[1])
    beside = None if joined else decay_beside(search, row)
    if beside is not None and abs(beside) > ALIKE:
        says = f"beside its slope, this step has {beside:.4g} times the decay of your loss"
        return FirstWrong(row.update.end, row.update.end.site, row, "decay", says)
    if not joined and (alone := without_decay(search, row)) is not None:
        return FirstWrong(alone, alone.site, row, "decay", LEFT_OUT)
    like = [r for r in search.reading.rows if r.kind == "decay"]
    right = [r for r in search.reading.rows if r.verdict == "ok" and not r.silent]
    factors = Usual(search.role, search.tapes, search.reading.loss, search.reading.rows)
    known = any(factors.factors_after(r) is not None for r in right)
    if not joined and (node := of_another(search, row)) is not None:
        says = "what is added to the slope here is not the decay of this parameter"
        return FirstWrong(node, node.site, row, "decay", says)
    if not joined or (len(like) > 1 and not known and abs(scale - 1) <= ALIKE):
        says = f"{row.note}, or all else is larger by a factor"
        return FirstWrong(chain[0], chain[0].site, row, "decay", says, certain=False)
    term = next((m for m in joined[0].inputs if not search.role.of_labels[m.index]), joined[0])
    at = term if term.site.line and term is not base and term.op not in VIEWS else joined[0]
    return FirstWrong(joined[0], at.site, row, "decay", row.note, certain=at.site.line == joined[0].site.line)


def of_factor(search: Search, row: Judged) -> FirstWrong:
    """A gradient that is right up to a factor: the value at which that factor enters."""
    if (taken := not_yet_scaled(search, row)) is not None:
        says = "what this line is made of is scaled before it goes into the other gradients, and not here"
        return FirstWrong(taken, taken.site, row, "factor", says)
    early = first_of_new_factor(search, row)
    if early is None and (cause := common_cause(search, row)):
        certain = len({n.site.line for n in cause}) == 1
        return FirstWrong(cause[0], cause[0].site, row, "factor", row.note, certain=certain)
    if early is not None and (before := last_shared(search, row)) is not None and before.site.line < early.site.line:
        return FirstWrong(before, before.site, row, "factor", row.note, certain=False)
    if early is not None:
        gradient = [*entered(search.role, row.update.step)][-1]
        onward = (n for n in search.backward(gradient) if search.graph.depends(n.index, 1 << early.index))
        alone = all(n.site.line == early.site.line for n in onward)
        whole = alone or search.is_off(early, (row.own or 1.0) / (row.usual or 1.0))  # else more comes in later
        site, here = made_at(search, early)
        return FirstWrong(early, site, row, "factor", row.note, certain=whole and here)
    chain = list(ratios_on_the_way(search, row))
    usual = [r for r in search.reading.rows if r.verdict != "WRONG" and r.factor]
    others = [ratio for r in usual for _, ratio in ratios_on_the_way(search, r)]
    strange = [n for n, ratio in chain if ratio and not any(alike_factors(ratio, o) for o in (1.0, *others) if o)]
    made = chain[-1][0] if chain else row.update.step
    node = strange[-1] if strange else made
    if (before := first_shared(search, row)) is not None and before.site.line < node.site.line:
        return FirstWrong(before, before.site, row, "factor", row.note, certain=False)
    return FirstWrong(node, node.site, row, "factor", row.note)


def described(search: Search, row: Judged, node: Node) -> FirstWrong:
    """The mistake at a wrong value, and its message, as far as the kind is known."""
    role = search.role
    if is_new_parameter(role, node) and (user := used_next(search, row, node)) is not None:
        return FirstWrong(user, user.site, row, "stale", STALE)  # a view stands where its array was made
    if row.note.startswith("shape") and node is row.update.step:
        return FirstWrong(node, node.site, row, "shape", row.note)
    if (before := without_slope(search, row, node)) is not None:
        return no_slope(search, row, before)
    if (skipped := slope_skipped(search, node)) is not None:
        slope, activation = skipped
        says = (
            "the derivative of what this is the slope by is missing: it is taken for the slope of what that is made of"
        )
        return FirstWrong(slope, slope.site, row, "no slope", says, certain=False, used=activation.site)
    if (found := of_derivative(search, row, node)) is not None:
        return found
    if (factor := of_another_value(search, row, node)) is not None:
        says = f"the derivative is of another value than the slope that it multiplies in line {node.site.line}"
        return FirstWrong(factor, node.site, row, TAKEN_ELSEWHERE, says, used=node.site)
    if (index := wrong_index(search, node)) is not None:
        says = f"the numbers are right that are written in line {node.site.line}, and the places are not"
        return FirstWrong(node, index.site, row, "value", says, certain=False, used=node.site)
    if (meant := another_slope(search, row, node)) is not None:
        says = "this is the slope of another value than the one that it is used for"
        return FirstWrong(meant, meant.site, row, "another slope", says, used=node.site)
    if (part := no_part(search, node)) is not None and not used_rightly(search, part, node):
        says = f"this is no part of the slope to which it is added in line {node.site.line}"
        return FirstWrong(part, part.site, row, "value", says, used=node.site)
    if (tied := given_to_each(search.role, search.tapes, search.reading, row.update.base, row.given)) is not None:
        says = (
            f"several entries are equal and the largest in line {tied.site.line}: each is given the whole slope, "
            "which is due to one of them, or shared by all"
        )
        return FirstWrong(node, node.site, row, "ties", says, used=tied.site)
    says, seen = "what this line is made of is right, and what it makes is not", len(search.tapes)
    return FirstWrong(node, node.site, row, "value", says, certain=np.prod(node.shape, dtype=int) * seen > 1)


def of_derivative(search: Search, row: Judged, node: Node) -> FirstWrong | None:
    """The mistake in a product by a wrong derivative; None without one, or on the product's own line."""
    no_slope_of_any = wrong_factor(search, node)
    factor = no_slope_of_any or wrong_wherever_used(search, row, node)
    if factor is None:
        return None
    elsewhere = FirstWrong(factor, node.site, row, TAKEN_ELSEWHERE, AT_ANOTHER_VALUE, used=node.site)
    if is_at_its_argument(search, factor):
        return elsewhere
    if (begun := begun_before(search, factor)) is not None:
        says = f"the factor that is made from here on is wrong where it is used, in line {node.site.line}"
        return FirstWrong(begun, begun.site, row, "factor made here", says, certain=False, used=node.site)
    if factor.site.line == node.site.line:
        return None
    if right_elsewhere(search, factor):
        return elsewhere
    sure = no_slope_of_any is not None or len(products_of(search, factor)) > 1
    return factor_made_before(search, row, node, factor, sure)


def factor_made_before(search: Search, row: Judged, node: Node, factor: Node, sure: bool) -> FirstWrong:
    """A wrong factor that is made on another line than the product."""
    wrong, alone = factor_part(search, node, factor)
    here = "here" if alone else "from here on"
    says = f"the factor that is made {here} is wrong where it is used, in line {node.site.line}"
    return FirstWrong(node, wrong.site, row, "factor made here", says, sure and alone, used=node.site)


def no_slope(search: Search, row: Judged, before: Node) -> FirstWrong:
    """A slope with respect to an activation's output where that with respect to its input is meant."""
    of = search.match(before)
    activation = search.graph.tape[of[0]].site if of is not None else None
    says = "the activation's derivative is missing: this is ∂L/∂A, where ∂L/∂Z is meant"
    return FirstWrong(before, before.site, row, "no slope", says, used=activation)


def no_part(search: Search, node: Node) -> Node | None:
    """The term of a wrong sum that is the slope of something else, where the other terms are parts of one slope."""
    shown = [[*through_views(m)] for m in node.inputs if search.role.of_labels[m.index]]
    parts = [views[-1] for views in shown]
    if node.op not in ("add", "subtract", "add.at") or len(parts) < 2:
        return None
    ways = search.with_uses(node)
    strange = [[views[-1] for views in shown if not any(search.belongs(v, k) for v in views)] for k in ways]
    alone = {some[0].index for some in strange if len(some) == 1 and some[0].site.line}
    found = [p for p in parts if p.index in alone]
    return found[0] if len(found) == 1 and found[0].site != node.site else None
