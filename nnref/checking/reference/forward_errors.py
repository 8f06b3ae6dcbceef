"""The forward pass with its running errors: how far rounding may have moved each of its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from nnref.checking.operations import record, softmax_cross_entropy
from nnref.checking.operations.rounding import Precision
from nnref.checking.operations.running_error import WithError
from nnref.checking.reference.intermediates import Case
from nnref.layer import Affine


@dataclass(frozen=True, eq=False)
class ForwardErrors:
    """The forward pass with its running errors, in the precision that the gradients were computed in."""

    case: Case
    u: float
    Z: Mapping[int, WithError]
    A: Mapping[int, WithError]
    W: Mapping[int, WithError]
    b: Mapping[int, WithError]
    P: WithError
    Y: WithError

    @property
    def depth(self) -> int:
        """How many affine layers."""
        return len(self.W)

    @property
    def N(self) -> int:
        """How many examples."""
        return self.Y.shape[1]

    @property
    def classes(self) -> int:
        """How many classes."""
        return self.Y.shape[0]

    @classmethod
    def of(cls, case: Case, dtype: DTypeLike) -> ForwardErrors:
        """The case's forward pass, each quantity with its running error."""
        precision = Precision.of(dtype)
        u = precision.u
        Z, A, W, b = {}, {0: WithError.exact(case.A["A0"], u)}, {}, {}
        at, l = A[0], 0
        for layer, theta in zip(case.layers, case.theta, strict=True):
            l += isinstance(theta, Affine)
            out = case.Z[f"Z{l}"] if isinstance(theta, Affine) else case.A[f"A{l}"]
            at = WithError(out, record.errors(layer.name).forward(theta, at.value, at.e, out, precision), u)
            if isinstance(theta, Affine):
                Z[l], W[l], b[l] = at, WithError.exact(theta.W, u), WithError.exact(theta.b, u)
            else:
                A[l] = at
        d, E = softmax_cross_entropy.RECORD.error(Z[l].value, Z[l].e, case.Y, precision)
        P = WithError(case.P, np.maximum(E - abs(d), 0) * case.Y.shape[1], u)
        return cls(case, u, Z, A, W, b, P, WithError.exact(case.Y, u))
