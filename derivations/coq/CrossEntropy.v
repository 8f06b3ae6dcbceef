(* The cross-entropy −Σ_k y_k log p_k of a label y and the probabilities p over K classes: it is never negative; of a
   softmax it is log Σ_k exp(z_k) − Σ_k y_k z_k; and its gradient with respect to p is −y/p. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Softmax.
Open Scope R_scope.

Definition cross_entropy (K : nat) (y p : vec) : R := - Σ k < K, y k * ln (p k).

(* The cross-entropy of every column, a matrix of one row. *)
Definition cross_entropy_columns (K : nat) (Y P : mat) : mat := fun _ s => cross_entropy K (column Y s) (column P s).

(* y sums to one over the K classes; so does every column of Y. *)
Definition label (K : nat) (y : vec) : Prop := Σ k < K, y k = 1.
Definition labels (K N : nat) (Y : mat) : Prop := forall s, (s < N)%nat -> label K (column Y s).

(* cross_entropy.nonnegative: the loss is never negative where labels are not and probabilities lie in (0, 1]. *)
Theorem cross_entropy_nonnegative : forall K y p,
  (forall k, (k < K)%nat -> 0 <= y k) -> (forall k, (k < K)%nat -> 0 < p k <= 1) ->
  0 <= cross_entropy K y p.
Proof.
  intros K y p weights probabilities; unfold cross_entropy.
  replace (- (Σ k < K, y k * ln (p k))) with (-1 * (Σ k < K, y k * ln (p k))) by ring; rewrite <- Sum_scal_l.
  apply Sum_nonnegative; intros k Hk.
  specialize (weights k Hk); destruct (probabilities k Hk) as [positive [less | ->]].
  - pose proof (ln_increasing (p k) 1 positive less) as negative; rewrite ln_1 in negative; nra.
  - rewrite ln_1; lra.
Qed.

(* cross_entropy.of_softmax: of a softmax, the cross-entropy is log-sum-exp less the label's logit. *)
Theorem cross_entropy_of_softmax : forall K y z,
  (0 < K)%nat -> label K y ->
  cross_entropy K y (softmax K z) = log_sum_exp K z - Σ k < K, y k * z k.
Proof.
  intros K y z some one; unfold cross_entropy.
  rewrite (Sum_ext K _ (fun k => y k * z k - y k * log_sum_exp K z)).
  - rewrite Sum_minus, Sum_scal_r, one; ring.
  - intros; rewrite log_softmax by assumption; ring.
Qed.

(* cross_entropy.dP: the gradient with respect to the probabilities is −y/p, times the gradient dl of each column's
   loss. *)
Theorem cross_entropy_dP : forall K N L Y P dl,
  (forall i s, (i < K)%nat -> (s < N)%nat -> 0 < P i s) ->
  is_gradient 1 N L (cross_entropy_columns K Y P) dl ->
  is_gradient K N (fun P => L (cross_entropy_columns K Y P)) P (fun i s => - (Y i s / P i s) * dl 0%nat s).
Proof.
  intros K N L Y P dl positive gradient C C' t through smooth.
  evar_last.
  - apply (gradient (fun u => cross_entropy_columns K Y (C u)) (fun _ s => - Σ k < K, Y k s * (C' k s / P k s))).
    + intros; unfold cross_entropy_columns, cross_entropy, column; f_equal.
      apply Sum_ext; intros; now rewrite through.
    + intros i s _ Hs; unfold cross_entropy_columns, cross_entropy, column; apply @is_derive_opp.
      apply (is_derive_Sum K (fun k u => Y k s * ln (C u k s))); intros k Hk; apply is_derive_scal.
      apply (is_derive_comp ln (fun u => C u k s)); [| now apply smooth].
      rewrite through; apply is_derive_ln; now apply positive.
  - rewrite (Sum_swap K N); simpl (Sum 1 _); rewrite Rplus_0_l; apply Sum_ext; intros s Hs.
    rewrite <- Ropp_mult_distr_r, Ropp_mult_distr_l, <- Sum_scal_l.
    apply Sum_ext; intros k Hk; specialize (positive k s Hk Hs); field; lra.
Qed.
