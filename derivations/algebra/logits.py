"""The vocabulary of softmax: K classes, the letters that run over them, and what has a number for each of them."""

from __future__ import annotations

from derivations.algebra.notation import N, size, tensor
from derivations.algebra.sums import Index

K = size("K", "classes: a softmax shares 1 out among them")

i, j, k, l = (Index(name, K) for name in "ijkl")
"""Classes."""

logit = tensor("z", K, meaning="the logits of one example")
prob = tensor("p", K, meaning="its probabilities, the softmax of z")
label = tensor("y", K, meaning="its label: numbers that sum to one, a single 1 among them if it is one-hot")
Z = tensor("Z", K, N, meaning="logits, a column an example")
P = tensor("P", K, N, meaning="probabilities, a column an example")
Y = tensor("Y", K, N, meaning="labels, a column an example")
dP = tensor("dP", K, N, meaning="gradient of the loss with respect to the probabilities")
l_each = tensor("l_each", N, meaning="the cross-entropy of each example, a row", latex="l")
lse = tensor("lse", N, meaning="log-sum-exp of each example's logits, a row", latex=r"\operatorname{lse}")
dl = tensor("dl", N, meaning="gradient of the loss with respect to the cross-entropy of each example, a row")
