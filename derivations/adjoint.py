"""Why the backward pass of every linear layer is its transpose, and why one backward pass knows every direction."""

from derivations.algebra.notation import A, W, dZ, i, k, n, r, s, tensors_of
from derivations.algebra.sums import total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import algebra, definition

GRIEWANK = "Griewank & Walther 2008, Evaluating derivatives, §3.2"

tensor = tensors_of("adjoint")
M = tensor("M", n, n, meaning="how each quantity of a program depends on the others directly")
tau = tensor("tau", n, meaning="how each quantity moves", latex=r"\tau")
a = tensor("a", n, meaning="the gradient of the loss with respect to each quantity")
e = tensor("e", n, meaning="what moves each quantity from outside")
c = tensor("c", n, meaning="how the loss depends on each quantity directly")

linear = Claim(
    name="adjoint.linear",
    kind="lemma",
    says="⟨dZ, W A⟩ is ⟨Wᵀ dZ, A⟩: what a linear layer does forward, its transpose does backward, whatever the sizes",
    start=total(total(dZ[r, s] * total(W[r, i] * A[i, s], i), s), r),
    steps=(
        Step(
            total(total(total(W[r, i] * dZ[r, s], r) * A[i, s], s), i),
            algebra,
            because="the sums are exchanged: the same products, added up in another order",
        ),
    ),
    source=GRIEWANK,
    uses=("affine.dA",),
    wrong_twins=(
        WrongTwin(total(total(dZ[r, s] * total(A[i, s], i), s), r), "W is left out of the backward pass"),
        WrongTwin(lambda: total(total(total(W[i, r] * dZ[r, s], r) * A[i, s], s), i), "W is not transposed"),
    ),
)

reverse_mode = Claim(
    name="adjoint.reverse_mode",
    kind="lemma",
    says="of any program: where τ = M τ + e going forward and a = Mᵀ a + c going back, ⟨c, τ⟩ is ⟨a, e⟩, so that one "
    "backward pass gives the slope in every direction e",
    start=total(c[i] * tau[i], i),
    steps=(
        Step(total((a[i] - total(M[k, i] * a[k], k)) * tau[i], i), definition, because="c is what a is without Mᵀ a"),
        Step(total(a[i] * (tau[i] - total(M[i, k] * tau[k], k)), i), algebra, because="the sums are exchanged"),
        Step(total(a[i] * e[i], i), definition, because="e is what τ is without M τ"),
    ),
    where={c[i]: a[i] - total(M[k, i] * a[k], k), e[i]: tau[i] - total(M[i, k] * tau[k], k)},
    source=GRIEWANK,
    uses=("adjoint.linear",),
    wrong_twins=(
        WrongTwin(total(c[i] * e[i], i), "what passes through the program is forgotten"),
        WrongTwin(total(a[i] * tau[i], i), "what moves by itself is not told from what moves with others"),
    ),
)
