"""Conventions that differ between books and programs, and why they describe the same network."""

from derivations.algebra.notation import A, N, W, b, c, dZ, i, k, m, n, number, ones, q, r, s, size, t, tensor
from derivations.algebra.sums import Entry, Index, total
from derivations.prover.claim import Claim, Step, WrongTwin
from derivations.prover.rules import definition, differentiate, linear, matrix_product, slope

GOODFELLOW = "Goodfellow, Bengio & Courville 2016, §6.5.6"

weighted = total(W[r, k] * (c * A[k, s]), k) + b[r]

scaled_pixels = Claim(
    name="conventions.scaled_pixels",
    kind="lemma",
    says="scaling the input by c is the same as scaling the first layer's weights by c",
    start=weighted,
    steps=(
        Step(
            Entry(c * W.matrix * A.matrix + b.matrix * ones, r, s),
            matrix_product,
            because="c may be counted to either factor: c W in place of W",
        ),
    ),
    source="elementary",
    uses=("affine.forward",),
    wrong_twins=(
        WrongTwin(c * (total(W[r, k] * A[k, s], k) + b[r]), "the bias is scaled too"),
        WrongTwin(total(W[r, k] * A[k, s], k) + b[r], "the scale is taken to make no difference"),
    ),
)

scaled_gradient = Claim(
    name="conventions.scaled_gradient",
    kind="lemma",
    says="pixels c times as large make the gradient with respect to the weights c times as large",
    start=slope(total(total(dZ[q, t] * (total(W[q, k] * (c * A[k, t]), k) + b[q]), t), q), W[r, i]),
    steps=(
        Step(
            total(total(dZ[q, t] * total(c * A[k, t] * slope(W[q, k], W[r, i]), k), t), q),
            linear,
            because="dZ, the pixels and b do not depend on W",
        ),
        Step(c * total(dZ[r, t] * A[i, t], t), differentiate, because="only q = r and k = i remain"),
        Step(c * Entry(dZ.matrix * A.matrix.T, r, i), matrix_product, because="row r of dZ times row i of A"),
    ),
    source="elementary",
    uses=("affine.dW",),
    wrong_twins=(
        WrongTwin(Entry(dZ.matrix * A.matrix.T, r, i), "the scale is forgotten: 255 where pixels are not divided"),
        WrongTwin(Entry(dZ.matrix * A.matrix.T, r, i) / c, "divided where it should be multiplied"),
    ),
)

D = tensor("D", m, N, meaning="gradient of each example's own loss with respect to its weighted sums, without 1/N")

mean_last = Claim(
    name="conventions.mean_last",
    kind="lemma",
    says="leaving 1/N out of dZ and dividing at the end, as many programs do, gives the same gradient",
    start=total(D[r, t] / N * A[i, t], t),
    steps=(
        Step(
            Entry(D.matrix * A.matrix.T, r, i) / N,
            matrix_product,
            because="1/N is the same for every example; the rest is row r of D times row i of A",
        ),
    ),
    source="elementary",
    uses=("affine.dW", "softmax_cross_entropy.dZ"),
    wrong_twins=(
        WrongTwin(Entry(D.matrix * A.matrix.T, r, i), "not divided at all: the gradient of the sum, not of the mean"),
        WrongTwin(Entry(D.matrix * A.matrix.T, r, i) / N**2, "divided in the loss and at the end"),
    ),
)

A_rows = tensor("Ar", N, n, meaning="the layer's input, a row an example", latex=r"\tilde{A}")
W_rows = tensor("Wr", n, m, meaning="weights, a column a neuron", latex=r"\tilde{W}")
dZ_rows = tensor(
    "dZr", N, m, meaning="gradient with respect to the weighted sums, a row an example", latex=r"d\tilde{Z}"
)

rows_forward = Claim(
    name="conventions.rows_forward",
    kind="lemma",
    says="with a row an example the layer is Ã W̃ + 1 bᵀ, where Ã is Aᵀ and W̃ is Wᵀ: the transpose of the layer with a "
    "column an example",
    start=Entry(A.matrix.T * W.matrix.T + ones.T * b.matrix.T, s, r),
    steps=(
        Step(
            total(A[k, s] * W[r, k], k) + b[r],
            matrix_product,
            because="entry (k, s) of A is entry (s, k) of Aᵀ, the input by rows",
        ),
        Step(Entry(W.matrix * A.matrix + b.matrix * ones, r, s), matrix_product, because="entry (r, s) of Z"),
    ),
    source="elementary",
    uses=("affine.forward",),
    wrong_twins=(
        WrongTwin(lambda: Entry(A.matrix * W.matrix.T, s, r), "the input by columns with the weights by rows"),
        WrongTwin(total(A[k, s] * W[r, k], k), "the bias is forgotten"),
    ),
)

rows_dW = Claim(
    name="conventions.rows_dW",
    kind="lemma",
    says="with a row an example and a column a neuron, the gradient of the weights is Ãᵀ dZ̃, the transpose of dZ Aᵀ",
    start=slope(total(total(dZ_rows[t, q] * total(A_rows[t, k] * W_rows[k, q], k), q), t), W_rows[i, r]),
    steps=(
        Step(
            total(total(dZ_rows[t, q] * total(A_rows[t, k] * slope(W_rows[k, q], W_rows[i, r]), k), q), t),
            linear,
            because="dZ̃ and the input do not depend on W̃",
        ),
        Step(total(dZ_rows[t, r] * A_rows[t, i], t), differentiate, because="only k = i and q = r remain"),
        Step(
            Entry(A_rows.matrix.T * dZ_rows.matrix, i, r),
            matrix_product,
            because="column i of the input times column r of dZ",
        ),
    ),
    source=GOODFELLOW,
    uses=("affine.dW", "conventions.rows_forward"),
    wrong_twins=(
        WrongTwin(lambda: Entry(dZ_rows.matrix * A_rows.matrix.T, i, r), "the order for columns, used with rows"),
        WrongTwin(lambda: Entry(dZ_rows.matrix.T * A_rows.matrix, i, r), "the transpose of the gradient"),
        WrongTwin(Entry(A_rows.matrix.T * dZ_rows.matrix, i, r) / N, "the mean over the batch is taken a second time"),
    ),
)

W_kept = tensor("Wk", m, n, meaning="weights, a row a neuron", latex="W")

kept_dW = Claim(
    name="conventions.kept_dW",
    kind="lemma",
    says="with a row an example and a row a neuron, as PyTorch's Linear keeps them, the gradient of the weights is "
    "dZ̃ᵀ Ã: the same numbers as dZ Aᵀ, in the same places",
    start=slope(total(total(dZ_rows[t, q] * total(A_rows[t, k] * W_kept[q, k], k), q), t), W_kept[r, i]),
    steps=(
        Step(
            total(total(dZ_rows[t, q] * total(A_rows[t, k] * slope(W_kept[q, k], W_kept[r, i]), k), q), t),
            linear,
            because="dZ̃ and the input do not depend on W",
        ),
        Step(total(dZ_rows[t, r] * A_rows[t, i], t), differentiate, because="only q = r and k = i remain"),
        Step(
            Entry(dZ_rows.matrix.T * A_rows.matrix, r, i),
            matrix_product,
            because="column r of dZ̃ times column i of the input",
        ),
    ),
    source=GOODFELLOW,
    uses=("affine.dW", "conventions.rows_forward"),
    wrong_twins=(
        WrongTwin(lambda: Entry(A_rows.matrix.T * dZ_rows.matrix, r, i), "the order for weights of a column a neuron"),
        WrongTwin(lambda: Entry(dZ_rows.matrix * A_rows.matrix.T, r, i), "the order for columns, used with rows"),
        WrongTwin(Entry(dZ_rows.matrix.T * A_rows.matrix, r, i) / N, "the mean over the batch is taken a second time"),
    ),
)

N1 = size("N1", "examples in the first part of a batch")
N2 = size("N2", "examples in the second part")
t1, t2 = Index("t", N1), Index("t", N2)
slope1 = tensor(
    "l1", N1, meaning="slope of the loss of each example of the first part with respect to one parameter", latex="l'"
)
slope2 = tensor("l2", N2, meaning="the same of each example of the second part", latex="l''")
g1 = number("g1", "gradient over the first part: the mean of its examples' slopes")
g2 = number("g2", "gradient over the second part")

shards = Claim(
    name="conventions.shards",
    kind="lemma",
    says="the gradient over a batch is the mean of its parts' gradients, weighted by their sizes",
    start=(total(slope1[t1], t1) + total(slope2[t2], t2)) / (N1 + N2),
    steps=(
        Step(
            (N1 * g1 + N2 * g2) / (N1 + N2),
            definition,
            because="the sum over a part is its size times its mean",
        ),
    ),
    source="elementary",
    uses=("softmax_cross_entropy.forward",),
    where={g1: total(slope1[t1], t1) / N1, g2: total(slope2[t2], t2) / N2},
    wrong_twins=(
        WrongTwin((g1 + g2) / 2, "parts of different sizes are given equal weight"),
        WrongTwin(g1 + g2, "the parts' means are added"),
    ),
)
