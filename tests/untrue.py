"""Losses that are no functions, that are rounded, or that jump: none of them may get ok for a wrong gradient."""

from collections import Counter

import numpy as np

from nnref.checking.gradcheck.border import GradcheckError
from nnref.checking.gradcheck.gradcheck import gradcheck

FACTORS = (0.0, 1.0, -1.0, 2.0, 0.5, 1.1)
"""What the true gradient is multiplied by: 1 is right, all else is wrong."""


def square(t):
    return float((np.asarray(t, "float64") ** 2).sum())


def waves(t):
    return float(np.sin(t).sum() + (t**2).sum())


def steep(t):
    return float(np.exp(t).sum())


BASES = ((square, lambda x: 2 * x), (waves, lambda x: np.cos(x) + 2 * x), (steep, np.exp))


def after(loss, rng):
    """Another loss after some calls."""
    calls, when, factor = [0], int(rng.integers(1, 60)), rng.uniform(1.01, 3)

    def changed(t):
        calls[0] += 1
        return loss(t) * (factor if calls[0] > when else 1)

    return changed


def ramp(loss, rng):
    """A loss that drifts with every call."""
    calls, slope = [0], 10 ** rng.uniform(-12, -1)

    def drifting(t):
        calls[0] += 1
        return loss(t) * (1 + slope * calls[0])

    return drifting


def now_and_then(loss, rng):
    """A loss that is another every few calls."""
    calls, period = [0], int(rng.integers(2, 9))

    def glitching(t):
        calls[0] += 1
        return loss(t) * (1 + (calls[0] % period == 0) * 0.1)

    return glitching


def running_mean(loss, rng):
    """A loss beside the mean of the last ones."""
    mean, share = [None], rng.uniform(0.01, 0.9)

    def beside(t):
        L = loss(t)
        mean[0] = L if mean[0] is None else (1 - share) * mean[0] + share * L
        return L + mean[0]

    return beside


def frozen(loss, rng):
    """A loss that gives its last value after some calls."""
    calls, when, last = [0], int(rng.integers(3, 60)), [0.0]

    def cached(t):
        calls[0] += 1
        if calls[0] <= when:
            last[0] = loss(t)
        return last[0]

    return cached


def dropout_later(loss, rng):
    """Dropout that starts after some calls."""
    calls, when, masks = [0], int(rng.integers(2, 60)), np.random.default_rng(int(rng.integers(1 << 30)))

    def dropped(t):
        calls[0] += 1
        return loss(t * (masks.random(t.shape) > 0.2) if calls[0] > when else t)

    return dropped


def by_identity(loss, rng):
    """A loss that knows its argument by identity and does not see that it was moved in place."""
    last = [None, 0.0]

    def remembered(t):
        if last[0] is not t:
            last[:] = [t, loss(t)]
        return last[1]

    return remembered


def rounded(loss, rng):
    """A loss rounded to some digits."""
    digits = int(rng.integers(0, 9))
    return lambda t: round(loss(t), digits)


def from_text(loss, rng):
    """A loss that was written down and read back."""
    digits = int(rng.integers(2, 10))
    return lambda t: float(f"{loss(t):.{digits}g}")


def coarse_inside(loss, rng):
    """A loss that is computed in a coarser dtype and handed on as float64."""
    dtype = ("float32", "float16")[int(rng.integers(2))]
    return lambda t: float(np.asarray(loss(t.astype(dtype)), dtype))


def coarse_parameters(loss, rng):
    """A loss of rounded parameters."""
    steps = 10 ** rng.uniform(1, 5)
    return lambda t: loss(np.round(t * steps) / steps)


def jump_here(loss, rng):
    """A loss that jumps at the very point, which is seen on the first call."""
    height, at = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1), []

    def jumping(t):
        if not at:
            at.append(t.copy())
        return loss(t) + height * float((t > at[0]).sum())

    return jumping


KINDS = (
    after, ramp, now_and_then, running_mean, frozen, dropout_later, by_identity,
    rounded, from_text, coarse_inside, coarse_parameters, jump_here,
)  # fmt: skip


def untrue(losses):
    """How so many of them were judged: the wrong gradients that got ok, and the right ones that were called wrong."""
    passed, accused, counts = [], [], Counter()
    for n in range(losses):
        rng = np.random.default_rng([n, 41])
        kind, (base, gradient) = KINDS[n % len(KINDS)], BASES[n // len(KINDS) % len(BASES)]
        x, factor = rng.standard_normal(int(rng.integers(1, 7))), FACTORS[n // 7 % len(FACTORS)]
        try:
            verdict = gradcheck(kind(base, rng), x, factor * gradient(x)).entries[0].verdict
        except GradcheckError:
            verdict = "refused"
        counts[f"{kind.__name__} {'right' if factor == 1 else 'wrong'} {verdict}"] += 1
        passed += [f"{n} {kind.__name__}, {factor} times"] * (verdict == "ok" and factor != 1)
        accused += [f"{n} {kind.__name__}"] * (verdict == "WRONG" and factor == 1)
    return {"losses": losses, "counts": dict(sorted(counts.items())), "passed": passed, "accused": accused}
