(* The gradient of a function of a matrix: the matrix G with d/dt F(C(t)) = Σ_ij G_ij C'_ij along every differentiable
   curve C through the point. Its entries are the partial derivatives, and it is unique.

   With this definition the chain rule needs no multivariate calculus: a layer turns a curve into a curve. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices.
Open Scope R_scope.

Definition is_gradient (m n : nat) (F : mat -> R) (A G : mat) : Prop :=
  forall (C : R -> mat) (C' : mat) (t : R),
    (forall i j, C t i j = A i j) ->
    (forall i j, (i < m)%nat -> (j < n)%nat -> is_derive (fun u => C u i j) t (C' i j)) ->
    is_derive (fun u => F (C u)) t (Σ i < m, Σ j < n, G i j * C' i j).

(* gradient.entries: entry (i, j) of a gradient is the derivative of F with respect to that entry, the others fixed. *)
Theorem gradient_entries : forall m n F A G i j,
  (i < m)%nat -> (j < n)%nat -> is_gradient m n F A G ->
  is_derive (fun t => F (with_entry2 A i j t)) (A i j) (G i j).
Proof.
  intros m n F A G i j Hi Hj gradient.
  evar_last.
  - apply (gradient (with_entry2 A i j) (fun k l => δ k i * δ l j)).
    + apply with_entry2_itself.
    + intros; apply is_derive_with_entry2.
  - rewrite (Sum_ext m _ (fun k => G k j * δ k i)); [now apply (Sum_δ m i (fun k => G k j)) |].
    intros k _; rewrite (Sum_ext n _ (fun l => δ k i * G k l * δ l j)) by (intros; ring).
    rewrite (Sum_δ n j (fun l => δ k i * G k l)) by assumption; ring.
Qed.

(* gradient.unique: a function has at most one gradient at a point, entry by entry. *)
Theorem gradient_unique : forall m n F A G H i j,
  (i < m)%nat -> (j < n)%nat -> is_gradient m n F A G -> is_gradient m n F A H -> G i j = H i j.
Proof.
  intros m n F A G H i j Hi Hj first second.
  rewrite <- (is_derive_unique _ _ _ (gradient_entries m n F A G i j Hi Hj first)).
  exact (is_derive_unique _ _ _ (gradient_entries m n F A H i j Hi Hj second)).
Qed.

(* sgd.decrease: a step η against the gradient lowers F, to first order in η, by η times the sum of the squares of the
   gradient's entries. *)
Theorem sgd_decrease : forall m n F W G,
  is_gradient m n F W G ->
  is_derive (fun η => F (fun i j => W i j - η * G i j)) 0 (- Σ i < m, Σ j < n, G i j ^ 2).
Proof.
  intros m n F W G gradient.
  evar_last.
  - apply (gradient (fun η i j => W i j - η * G i j) (fun i j => - G i j)).
    + intros; ring.
    + intros i j _ _; auto_derive; [trivial | ring].
  - replace (- (Σ i < m, Σ j < n, G i j ^ 2)) with (-1 * (Σ i < m, Σ j < n, G i j ^ 2)) by ring.
    rewrite <- Sum_scal_l; apply Sum_ext; intros i _.
    rewrite <- Sum_scal_l; apply Sum_ext; intros; ring.
Qed.
