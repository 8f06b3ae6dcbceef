"""Mistakes between steps, in words: results that are not used, values that are not recomputed, old gradients."""

from __future__ import annotations

from collections.abc import Iterator

from nnref.checking.results.diagnosis import Diagnosis
from nnref.checking.watching.meaning.updates import Update, parameter_name
from nnref.checking.watching.recording.tape import Node, Site
from nnref.checking.watching.telling.forgetting import forgotten
from nnref.checking.watching.telling.lines import line_in_words, place_of
from nnref.checking.watching.verdict.not_renewed import old_outputs, parameters_drawn_anew, put_in_place_of_another
from nnref.checking.watching.verdict.stepped_again import stepped_again
from nnref.checking.watching.watch import Watched


def between_steps(watched: Watched) -> Iterator[Diagnosis]:
    """Results that the next step should use and does not, or uses and should recompute; each line once."""
    yield from never_changed(watched)
    yield from forgotten(watched)
    yield from stepped_once_more(watched)
    yield from gone_on_with(watched)
    yield from mixed_up(watched)
    role = watched.steps[0].roles
    for update, drawn in parameters_drawn_anew(role):
        name = parameter_name(update.base, update.new)
        says = f"{name} is drawn anew in the next step: what this one has learned is lost."
        yield Diagnosis(None, name, says, place=line_in_words(watched, drawn.site))


def never_changed(watched: Watched) -> Iterator[Diagnosis]:
    """Parameters whose new value is computed and never used; those of one line together."""
    by_line: dict[Site, list[Update]] = {}
    for update in watched.steps[0].roles.idle:
        by_line.setdefault(update.end.site, []).append(update)
    for site, lost in by_line.items():
        names = list(dict.fromkeys(parameter_name(update.base) for update in lost))
        into = next(iter(lost[0].end.names), "a value that nothing uses")
        several = f"{', '.join(names[:-1])} and {names[-1]} never change"
        never = several if len(names) > 1 else f"{names[0]} never changes"
        says = f"{never}: this line writes into {into}."
        yield Diagnosis(None, names[0], says, place=line_in_words(watched, site))


def stepped_once_more(watched: Watched) -> Iterator[Diagnosis]:
    """Parameters that take another step by the gradient of the step before."""
    for site, update in {node.site: update for update, node in stepped_again(watched.steps[0].roles)}.items():
        name = parameter_name(update.base, update.new)
        says = f"{name} steps once more by the gradient of the step before, when the next forward pass has begun."
        yield Diagnosis(None, name, says, place=f"at or after {line_in_words(watched, site)}")


def gone_on_with(watched: Watched) -> Iterator[Diagnosis]:
    """Outputs and hidden values of one step that the next one uses again, though the parameters changed."""
    said = set[Node]()
    for old in old_outputs(watched.steps[0].roles):
        if old.made in said:
            continue
        said.add(old.made)
        name = parameter_name(old.update.base, old.update.new)
        what = next(iter(old.made.names), "what is made here")
        line = place_of(watched, old.met.site)
        says = f"{what} is not computed anew with the new {name}: in the next step {line} goes on with the old one."
        yield Diagnosis(None, what, says, place=line_in_words(watched, named_beside(watched, old.made, old.met.site)))


def mixed_up(watched: Watched) -> Iterator[Diagnosis]:
    """Parameters whose new values take each other's place."""
    said = set[Update]()
    for update, other in put_in_place_of_another(watched.steps[0].roles):
        if other not in said:
            said.add(update)
            name, instead = (parameter_name(u.base, u.old) for u in (update, other))
            says = f"The new {name} is used in the next step where {instead} was, and not where {name} was."
            yield Diagnosis(None, name, says, place=f"at or after {line_in_words(watched, update.end.site)}")


def named_beside(watched: Watched, node: Node, beside: Site) -> Site:
    """The site where a value got its name in the function of `beside`, as a call's result; else its own site."""
    recorder = watched.runs[0].recorder
    sites = (recorder.sites[k] for k, _, named in recorder.stores if named is node)
    return next((s for s in sites if (s.file, s.function) == (beside.file, beside.function)), node.site)
