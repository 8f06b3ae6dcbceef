"""Finite sums of symbolic length: indices that know their dimension, tensors, and entries of matrix expressions.

An index of one dimension is not taken where another is wanted, so writing a sum checks its shapes. When two sums are
the same number is decided by their normal form (normal_form.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, pairwise

import sympy as sp
from sympy.matrices.expressions.applyfunc import ElementwiseApplyFunction

from derivations.algebra.places import at_least, inside, one_form


class ShapeError(TypeError):
    """An index runs over one dimension and is used over another."""


class Index(sp.Symbol):  # type: ignore[misc]  # sympy has no types
    """A whole number from 1 to dim, such as the i of z_i: two indices of one name and two dimensions are different."""

    dim: sp.Expr

    def __new__(cls, name: str, dim: sp.Expr) -> Index:
        """An index over a dimension, a size such as n or a number. ShapeError if there may be nothing to run over."""
        dim = sp.sympify(dim)
        if not (dim.is_integer and at_least(dim, 1)) or dim.atoms(Index):
            raise ShapeError(f"{name} should run over a size, a positive whole number; {dim} came")
        index: Index = sp.Symbol.__xnew__(cls, name, integer=True, positive=True)
        index.dim = dim
        return index

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.dim)

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """What a copy is made from."""
        return (self.name, self.dim), {}


_fresh = count()


def fresh(dim: sp.Expr) -> Index:
    """An index that occurs nowhere else."""
    return Index(f"_{next(_fresh)}", dim)


def total(summand: sp.Expr, k: Index) -> sp.Sum:
    """Σ over k of the summand, k running through its whole dimension."""
    return sp.Sum(summand, (k, 1, k.dim))


def total_but(summand: sp.Expr, k: Index, *excluded: Index) -> sp.Sum:
    """Σ over every k that is none of the excluded: the others are switched off by 1 − δ."""
    for i in excluded:
        same_dimension(k, i, f"δ_{k}{i}")
    return total(sp.Mul(summand, *(1 - sp.KroneckerDelta(i, k) for i in excluded)), k)


def delta(i: Index, j: Index) -> sp.Expr:
    """1 if i is j, else 0; the two must run over one dimension."""
    same_dimension(i, j, f"δ_{i}{j}")
    return sp.KroneckerDelta(i, j)


def tap(h: Index, place: sp.Expr) -> sp.Expr:
    """1 where the affine place, such as s (a − 1) + u − p, is h, else 0: for all h where it is out of range."""
    return one_form(sp.KroneckerDelta(0, sp.expand(place - h)))


def same_dimension(i: sp.Expr, j: sp.Expr, where: str) -> None:
    """Refuse to identify indices that run over different dimensions."""
    left, right = getattr(i, "dim", i), getattr(j, "dim", j)
    if left != right:
        raise ShapeError(f"{where}: {i} runs over {left} and {j} over {right}")


TENSORS: dict[str, Tensor] = {}
"""Every tensor of the vocabulary, by the name it has in code."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """Numbers with any number of indices, each over its own dimension; T[i, j] is one of them."""

    name: str
    shape: tuple[sp.Expr, ...]
    latex: str
    meaning: str

    def __post_init__(self) -> None:
        """Enter the vocabulary: one name, one tensor."""
        known = TENSORS.setdefault(self.name, self)
        if known is not self and (known.shape, known.latex) != (self.shape, self.latex):
            raise ValueError(f"{self.name} is already {known.meaning}, {known.shape}")

    @property
    def base(self) -> sp.IndexedBase:
        """The SymPy object whose entries are differentiated."""
        return sp.IndexedBase(self.name, real=True)

    @property
    def matrix(self) -> sp.MatrixSymbol:
        """The same as a matrix; a vector is a column."""
        rows, columns = (*self.shape, sp.S.One)[:2]
        return sp.MatrixSymbol(self.name, rows, columns)

    def __getitem__(self, indices: sp.Expr | tuple[sp.Expr, ...]) -> sp.Indexed:
        """One entry. ShapeError if an index runs over another dimension than the tensor has there, or out of it."""
        indices = indices if isinstance(indices, tuple) else (indices,)
        if len(indices) != len(self.shape):
            raise ShapeError(f"{self.name} has {len(self.shape)} indices; {len(indices)} came")
        for index, dim in zip(indices, self.shape, strict=True):
            if isinstance(index, Index) and index.dim != dim:
                raise ShapeError(f"{self.name} has {dim} where {index} runs over {index.dim}")
            if not isinstance(index, Index) and not within(index, dim):
                raise ShapeError(f"{self.name} has {dim} from 1 on where {index} stands; k + 1 may be one too many")
        return self.base[indices]


def within(index: sp.Expr, dim: sp.Expr) -> bool:
    """Whether a place is within every dimension that dim may be: 1 is, and 2 is not, as n may be 1."""
    return inside(sp.sympify(index), dim)


class Entry(sp.Expr):  # type: ignore[misc]
    """The entry (i, j) of a matrix expression, unopened: (dZ Aᵀ)_ij."""

    def __new__(cls, matrix: sp.MatrixExpr, i: sp.Expr, j: sp.Expr = sp.S.One) -> Entry:
        """An entry of a matrix whose products fit. ShapeError if they do not, or if i or j does not run over it."""
        if faults := misfits(matrix):
            raise ShapeError("; ".join(faults))
        for index, dim, side in ((i, matrix.rows, "rows"), (j, matrix.cols, "columns")):
            if isinstance(index, Index) and index.dim != dim:
                raise ShapeError(f"{matrix} has {dim} {side} and {index} runs over {index.dim}")
        entry: Entry = sp.Expr.__new__(cls, matrix, sp.sympify(i), sp.sympify(j))
        return entry

    is_commutative = True
    is_real = True


def misfits(expr: sp.Basic) -> list[str]:
    """A line for every product or sum of matrices whose shapes do not fit.

    SymPy refuses a product of 2 × 3 and 2 × 3 but lets m × N and n × N pass, because n might be N; here it may not.
    """
    found = []
    for node in sp.preorder_traversal(expr):
        if isinstance(node, sp.MatMul):
            pairs = pairwise(factor for factor in node.args if factor.is_Matrix)
            found += [f"{L} has {L.cols} columns and {R} has {R.rows} rows" for L, R in pairs if L.cols != R.rows]
        if isinstance(node, sp.MatAdd | sp.HadamardProduct):
            pairs = pairwise(node.args)
            found += [f"{L} and {R} differ in shape" for L, R in pairs if L.shape != R.shape]
    return found


def opened(M: sp.MatrixExpr, i: sp.Expr, j: sp.Expr) -> sp.Expr:
    """M_ij as sums over the entries of the tensors in M."""
    if isinstance(M, sp.MatrixSymbol):
        tensor = TENSORS[M.name]
        return tensor[(i, j)[: len(tensor.shape)]]
    if isinstance(M, sp.Transpose):
        return opened(M.arg, j, i)
    if isinstance(M, sp.OneMatrix):
        return sp.S.One
    if isinstance(M, sp.MatAdd):
        return sp.Add(*(opened(term, i, j) for term in M.args))
    if isinstance(M, sp.HadamardProduct):
        return sp.Mul(*(opened(factor, i, j) for factor in M.args))
    if isinstance(M, ElementwiseApplyFunction):
        return M.function(opened(M.expr, i, j))
    if isinstance(M, sp.MatMul):
        number, factors = M.as_coeff_matrices()
        first, *rest = factors
        if not rest:
            return number * opened(first, i, j)
        if first.cols == 1:
            return number * opened(first, i, sp.S.One) * opened(sp.MatMul(*rest), sp.S.One, j)
        k = fresh(first.cols)
        return number * total(opened(first, i, k) * opened(sp.MatMul(*rest), k, j), k)
    raise TypeError(f"{type(M).__name__} cannot be read entry by entry: {M}")


def all_opened(expr: sp.Basic) -> sp.Basic:
    """Every entry of a matrix expression written with sums."""
    return opened(*expr.args) if isinstance(expr, Entry) else rebuilt(expr, all_opened)


def rebuilt(expr: sp.Basic, change: Callable[[sp.Basic], sp.Basic]) -> sp.Basic:
    """The expression with every argument changed; a derivative stays a question."""
    if not expr.args or isinstance(expr, sp.Indexed | sp.MatrixExpr):
        return expr
    if isinstance(expr, sp.Derivative):
        return sp.Derivative(change(expr.expr), *expr.variables, evaluate=False)
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        return total(change(summand), k)
    return expr.func(*(change(argument) for argument in expr.args))


def apart(expr: sp.Basic) -> sp.Basic:
    """The same expression, every bound index renamed to one that occurs nowhere else, so that nothing is captured."""
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        new = fresh(k.dim)
        return total(apart(summand).xreplace({k: new}), new)
    return rebuilt(expr, apart) if expr.has(sp.Sum) else expr


def lettered(expr: sp.Basic, depth: int = 0) -> sp.Basic:
    """The same expression, every bound index named by how deep it stands: two that differ in letters only are alike."""
    if isinstance(expr, sp.Sum):
        k, summand = outermost(expr)
        new = Index(f"_depth{depth}", k.dim)
        return total(lettered(summand.xreplace({k: new}), depth + 1), new)
    return rebuilt(expr, lambda part: lettered(part, depth)) if expr.has(sp.Sum) else expr


@lru_cache(maxsize=4096)
def outermost(expr: sp.Sum) -> tuple[Index, sp.Expr]:
    """The index of the outermost sum, and what is summed. SymPy writes a sum of a sum as one with two limits."""
    *inner, (k, low, high) = expr.limits
    if not isinstance(k, Index) or low != 1 or high != k.dim:
        raise ValueError(f"a sum should run over an Index through its whole dimension; ({k}, {low}, {high}) came")
    return k, sp.Sum(expr.function, *inner) if inner else expr.function


Where = Mapping[sp.Expr, sp.Expr]
"""What names stand for: a symbol, or an entry with indices as parameters, and the expression it abbreviates."""


def unfolded(expr: sp.Basic, where: Where) -> sp.Basic:
    """The expression with every name replaced by what it stands for, again and again."""
    names = {getattr(name, "base", name): (name, meaning) for name, meaning in where.items()}

    def open_names(node: sp.Basic) -> sp.Basic:
        found = names.get(node.base if isinstance(node, sp.Indexed) else node)
        if found is None:
            return rebuilt(node, open_names)
        name, meaning = found
        at = dict(zip(name.indices, node.indices, strict=True)) if isinstance(node, sp.Indexed) else {}
        for parameter, index in at.items():
            if isinstance(index, Index):
                same_dimension(parameter, index, str(node))
        # The meaning's own bound indices are renamed first: none may capture an index of this entry.
        return open_names(apart(meaning).xreplace(at))

    return open_names(apart(expr))
