(* Cross-entropy of the softmax. One example: ∂/∂z_j is p_j − y_j, the Hessian is diag(p) − p pᵀ and its form is ≥ 0.
   The mean over a batch of N examples: dZ = (P − Y) / N.

   z holds the logits of one example, p = softmax z, its label y sums to one; Z, P and Y hold an example a column. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Softmax CrossEntropy.
Open Scope R_scope.

Definition example_loss (K : nat) (y z : vec) : R := cross_entropy K y (softmax K z).

(* The mean loss over the N examples of a batch. *)
Definition mean_loss (K N : nat) (Y Z : mat) : R :=
  (Σ s < N, example_loss K (column Y s) (column Z s)) / INR N.

(* The partial derivative of f with respect to the entry j of z, as a function of z. *)
Definition partial (f : vec -> R) (j : nat) (z : vec) : R := Derive (fun t => f (with_entry z j t)) (z j).

(* Along a curve z(t) of logits the loss changes by Σ (p_k − y_k) z'_k. *)
Lemma example_loss_along K y (z : R -> vec) (z' : vec) t : label K y ->
  (forall k, (k < K)%nat -> is_derive (fun u => z u k) t (z' k)) ->
  is_derive (fun u => example_loss K y (z u)) t (Σ k < K, (softmax K (z t) k - y k) * z' k).
Proof.
  intros one smooth.
  assert (some : (0 < K)%nat) by (destruct K; [unfold label in one; simpl in one; lra | lia]).
  apply (is_derive_ext (fun u => log_sum_exp K (z u) - Σ k < K, y k * z u k));
    [intros; symmetry; now apply cross_entropy_of_softmax |].
  evar_last.
  - apply @is_derive_minus; [now apply (log_sum_exp_along K z z') |].
    apply (is_derive_Sum K (fun k u => y k * z u k) (fun k => y k * z' k)).
    intros; apply is_derive_scal; now apply smooth.
  - unfold minus, plus, opp; simpl.
    rewrite (Sum_ext K (fun k => (softmax K (z t) k - y k) * z' k)
      (fun k => softmax K (z t) k * z' k - y k * z' k)) by (intros; ring).
    rewrite Sum_minus; ring.
Qed.

(* softmax_cross_entropy.dz: for one example, the gradient of the loss with respect to the logits is p − y. *)
Theorem softmax_cross_entropy_dz : forall K y z j,
  (j < K)%nat -> label K y ->
  is_derive (fun t => example_loss K y (with_entry z j t)) (z j) (softmax K z j - y j).
Proof.
  intros K y z j Hj one; evar_last.
  - apply (example_loss_along K y (with_entry z j) (fun k => δ k j)); [exact one |].
    intros; apply is_derive_with_entry.
  - rewrite (Sum_δ K j (fun k => softmax K (with_entry z j (z j)) k - y k)) by exact Hj.
    f_equal; apply softmax_ext, with_entry_itself.
Qed.

(* softmax_cross_entropy.dZ: the gradient of the mean loss of a batch with respect to the logits is (P − Y) / N. *)
Theorem softmax_cross_entropy_dZ : forall K N Y Z,
  labels K N Y ->
  is_gradient K N (mean_loss K N Y) Z (fun i s => (softmax_columns K Z i s - Y i s) / INR N).
Proof.
  intros K N Y Z ones C C' t through smooth; unfold mean_loss, Rdiv.
  evar_last.
  - apply is_derive_scal_r, (is_derive_Sum N (fun s u => example_loss K (column Y s) (column (C u) s))
      (fun s => Σ k < K, (softmax K (column (C t) s) k - Y k s) * C' k s)); intros s Hs.
    apply (example_loss_along K (column Y s) (fun u => column (C u) s) (fun k => C' k s)); [now apply ones |].
    intros k Hk; now apply smooth.
  - rewrite Sum_swap, <- Sum_scal_r; apply Sum_ext; intros k _.
    rewrite <- Sum_scal_r; apply Sum_ext; intros s _; unfold softmax_columns.
    rewrite (softmax_ext K (column (C t) s) (column Z s)) by (intros; apply through); ring.
Qed.

(* softmax_cross_entropy.hessian: the second derivative of the loss, by z_i and then by z_j, is p_i (δ_ij − p_j), an
   entry of diag(p) − p pᵀ. *)
Theorem softmax_cross_entropy_hessian : forall K y z i j,
  (i < K)%nat -> (j < K)%nat -> label K y ->
  is_derive (fun t => partial (example_loss K y) i (with_entry z j t)) (z j)
    (softmax K z i * δ i j - softmax K z i * softmax K z j).
Proof.
  intros K y z i j Hi Hj one.
  apply (is_derive_ext (fun t => softmax K (with_entry z j t) i - y i)).
  - intros t; symmetry; apply is_derive_unique; now apply softmax_cross_entropy_dz.
  - apply (is_derive_plus_constant (fun t => softmax K (with_entry z j t) i)).
    evar_last; [now apply softmax_jacobian | ring].
Qed.

(* softmax_cross_entropy.convex: the form Σ_ij v_i H_ij v_j of the loss's second derivatives is never negative. *)
Theorem softmax_cross_entropy_convex : forall K y z v,
  label K y ->
  0 <= Σ i < K, Σ j < K, v i * partial (partial (example_loss K y) i) j z * v j.
Proof.
  intros K y z v one; set (p := softmax K z).
  assert (some : (0 < K)%nat) by (destruct K; [unfold label in one; simpl in one; lra | lia]).
  pose proof (softmax_sums_to_one K z some) as whole; change (Sum K p = 1) in whole.
  set (mean := Σ j < K, p j * v j).
  rewrite (Sum_ext K _ (fun i => p i * (v i * v i) - p i * v i * mean)).
  - replace (Σ i < K, (p i * (v i * v i) - p i * v i * mean)) with (Σ i < K, p i * (v i - mean) ^ 2).
    + apply Sum_nonnegative; intros i _; apply Rmult_le_pos; [| apply pow2_ge_0].
      apply Rlt_le; now apply softmax_positive.
    + rewrite (Sum_ext K (fun i => p i * (v i - mean) ^ 2)
        (fun i => p i * (v i * v i) - p i * v i * mean + (p i * mean ^ 2 - mean * (p i * v i)))) by (intros; ring).
      rewrite Sum_plus, (Sum_minus K (fun i => p i * mean ^ 2)), Sum_scal_r, Sum_scal_l.
      fold mean; change (Σ k < K, p k) with (Sum K p); rewrite whole; ring.
  - intros i Hi.
    rewrite (Sum_ext K _ (fun j => p i * v i * v j * δ j i - p i * v i * (p j * v j))).
    + rewrite Sum_minus, (Sum_δ K i (fun j => p i * v i * v j)), Sum_scal_l by exact Hi; fold mean; ring.
    + intros j Hj; pose proof (softmax_cross_entropy_hessian K y z i j Hi Hj one) as second.
      apply is_derive_unique in second.
      change (partial (partial (example_loss K y) i) j z = p i * δ i j - p i * p j) in second.
      rewrite second, (δ_sym i j); ring.
Qed.
