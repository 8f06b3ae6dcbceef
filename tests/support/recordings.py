"""Small programs, recorded once: what they computed, and what the values of their first step are to them."""

import textwrap
from contextlib import contextmanager

from nnref.checking.reading.source import read_source
from nnref.checking.watching.calculus.graph import Graph
from nnref.checking.watching.meaning.parameters import roles_of_step
from nnref.checking.watching.program import execute
from nnref.checking.watching.recording import recorder as recording
from nnref.checking.watching.recording.recorder import Recorder
from nnref.checking.watching.recording.values import NOWHERE
from nnref.checking.watching.verdict.judging import judge
from nnref.checking.watching.verdict.right_values import Search
from tests.support.programs import written

STEP = """\
import numpy as np
X, Y = np.random.randn(6, 3), np.random.randn(6, 2)
W, b = np.random.randn(3, 2), np.random.randn(2)
for step in range(3):
    Z = X @ W + b
    d = (Z - Y) / 6
    dW = X.T @ d
    db = d.sum(0)
    W = W - 0.1 * dW
    b = b - 0.1 * db
"""
"""Plain descent of one layer along the squared error: two parameters, and nothing else that is learnt."""


def recorded(tmp_path, text, *changes, **how):
    """A program, some of it changed, run once under a recorder."""
    path = written(tmp_path, textwrap.dedent(text), *changes)
    return execute(read_source(path), path, Recorder(**how))


def node(run, name):
    """The last value that got a name."""
    return [n for n in run.tape if name in n.names][-1]


def first(run, name):
    """The first value that got a name."""
    return next(n for n in run.tape if name in n.names)


def graph(tmp_path, text, *changes):
    """What depends on what in a program that is run once, and the run."""
    run = recorded(tmp_path, text, *changes)
    return Graph(run.tape), run


def roles_of(tmp_path, text, *changes):
    """What the values of the first step of a program are to it, and the run."""
    of_run, run = graph(tmp_path, text, *changes)
    return roles_of_step(of_run, run.recorder.pairs), run


def judged(tmp_path, text, *changes):
    """What the values of a first step are, its tapes of two runs, and the verdicts under the loss that is meant."""
    runs = [recorded(tmp_path, text, *changes, seed=seed) for seed in (0, 1)]
    tapes = [run.tape for run in runs]
    role = roles_of_step(Graph(tapes[0]))
    return role, tapes, judge(role, tapes)[0]


def searched(tmp_path, text, *changes):
    """The search for right values in a first step, and the first value that got each name."""
    search = Search(*judged(tmp_path, text, *changes))
    names = {}
    for value in search.graph.tape:
        for name in value.names:
            names.setdefault(name, value)
    return search, names


@contextmanager
def under_a_recorder(**how):
    """While this lasts, what is called and marked is recorded."""
    recorder = Recorder(**how)
    recorder.sites.append(NOWHERE)
    recording._current.append(recorder)
    try:
        yield recorder
    finally:
        recording._current.pop()
