"""Parameters whose update was forgotten, in words; with their unused gradient, where there is one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from nnref.checking.reading.source import Source
from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.watching.meaning.updates import Update, parameter_name
from nnref.checking.watching.sufficing import spoken
from nnref.checking.watching.telling.lines import line_in_words, place_of
from nnref.checking.watching.verdict.never_updated import NeverUpdated, entries_left, never_updated
from nnref.checking.watching.verdict.on_the_way import is_update, names_of_expression, targets
from nnref.checking.watching.watch import Watched


def forgotten(watched: Watched) -> Iterator[Diagnosis]:
    """Parameters whose gradient is computed under their name and never used, and that no line updates."""
    for left in left_alone(watched):
        if is_forgotten(watched, left):
            name, gradient = called(left), gradient_of(left)
            says = f"{gradient} is the gradient of {name}, and nothing uses it: no line updates {name}."
            assert left.gradient is not None
            yield Diagnosis(None, gradient, says, place=line_in_words(watched, left.gradient.site))


def left_alone(watched: Watched) -> list[NeverUpdated]:
    """Apparent parameters of the outputs that no recorded step changes."""
    if not watched.steps or watched.unfinished:
        return []
    role, reading = watched.steps[0].roles, watched.steps[0].readings[0]
    return role.graph.once(("left alone", role.last), lambda: never_updated(role, watched.tapes, reading))


def called(left: NeverUpdated) -> str:
    """The program's name for an array that is never updated."""
    return parameter_name(left.array)


def gradient_of(left: NeverUpdated) -> str:
    """The program's name for its gradient; "" where it has none, or no name."""
    return next(iter(left.gradient.names), "") if left.gradient is not None else ""


def is_forgotten(watched: Watched, left: NeverUpdated) -> bool:
    """Is there a gradient that has the array's name, as dW1 has, and no update of the array that is still to come?

    A fixed random weight may have a computed slope too, as the one that a layer passes back to its input.
    """
    return has_its_name(gradient_of(left), called(left)) and not is_to_come(watched, left)


def has_its_name(gradient: str, array: str) -> bool:
    """Has a gradient the name of an array, whole, as dW1 has W1's, or word by word, as d_loss_d_b_out has bias_out's?

    >>> has_its_name("grads['db2']", "params['b2']"), has_its_name("d_loss_d_b_out", "model.bias_out")
    (True, True)
    >>> has_its_name("dh", "W1"), has_its_name("error", "embedding")
    (False, False)
    """
    *_, last = re.findall(r"\w+", re.sub(r"\[[^'\"\]]*\]", "", array)) or [""]
    words = [word.lower() for word in WORDS.findall(last)]
    given = {word.lower() for word in WORDS.findall(gradient)}
    given |= {word[1:] for word in given if word[0] in "dg" and len(word) > 1}
    whole = len("".join(words)) > 1 and "".join(words) in gradient.lower()
    return whole or (bool(words) and all(any(word.startswith(g) for g in given) for word in words))


WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
"""The words of a name: between underscores, digits, and small letters before capital ones."""


def is_to_come(watched: Watched, left: NeverUpdated) -> bool:
    """Has the program an update of something of that name that the recorded steps did not reach, or that an `if` skips?

    As one skips it for the layers that are frozen.
    """
    seen = {(u.end.site.file.rsplit("/", 1)[-1], u.end.site.line) for u in watched.steps[0].roles.updates}
    for source in watched.sources:
        for node in source.nodes:
            if not isinstance(node, ast.Assign | ast.AugAssign) or not is_update(node):
                continue
            names = {name for target in targets(node) for name in names_of_expression(target)}
            reached = (source.name, node.lineno) in seen and not is_conditional(source, node.lineno)
            if names & spoken(left.array) and not reached:
                return True
    return False


def is_conditional(source: Source, line: int) -> bool:
    """Does a line stand under an `if` of its function?"""
    around = [
        n
        for n in source.nodes
        if isinstance(n, ast.If | ast.FunctionDef) and n.lineno <= line <= (n.end_lineno or line)
    ]
    return bool(around) and isinstance(max(around, key=lambda n: n.lineno), ast.If)


def never_seen_to_learn(watched: Watched) -> Iterator[str]:
    """Apparent parameters of the outputs that are changed in no recorded step."""
    for left in left_alone(watched):
        if is_forgotten(watched, left):
            continue
        line = place_of(watched, left.met.site)
        says = f"no step that was seen changes {called(left)}, which goes into the outputs in {line}"
        if (gradient := gradient_of(left)) and left.gradient is not None:
            says += f", and nothing uses {gradient}, its gradient in {place_of(watched, left.gradient.site)}"
        yield f"{says}. If it is meant to learn, its update is missing"
    for update, n in entries_left_alone(watched).items():
        line, name = place_of(watched, update.end.site), parameter_name(update.base, update.new)
        are = "1 entry" if n == 1 else f"{n} entries"
        yield f"{are} of {name} with a slope that is not 0 no step that was seen changes, as {line} does the others"


def entries_left_alone(watched: Watched) -> dict[Update, int]:
    """The number of entries of an array that are never updated, where others are."""
    if not watched.steps or watched.unfinished:
        return {}
    role, reading = watched.steps[0].roles, watched.steps[0].readings[0]
    return role.graph.once(("entries left alone", role.last), lambda: entries_left(role, reading))
