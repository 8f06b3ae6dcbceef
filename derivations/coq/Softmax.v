(* The softmax p_i = exp(z_i) / Σ_k exp(z_k) of one example with K classes, for every K: ∂p_i/∂z_j = p_i (δ_ij − p_j);
   it sums to one, lies between 0 and 1, sees no shift, keeps the order, and is the gradient of log Σ_k exp(z_k).

   In a batch every column of Z is the logits of one example. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Activations.
Open Scope R_scope.

Definition softmax (K : nat) (z : vec) : vec := fun i => exp (z i) / Σ k < K, exp (z k).
Definition log_sum_exp (K : nat) (z : vec) : R := ln (Σ k < K, exp (z k)).

(* The softmax of every column of Z. *)
Definition softmax_columns (K : nat) (Z : mat) : mat := fun i s => softmax K (column Z s) i.

Lemma denominator_positive K z : (0 < K)%nat -> 0 < Σ k < K, exp (z k).
Proof. intros; apply Sum_positive; [assumption | intros; apply exp_pos]. Qed.

(* softmax.positive: every probability is positive. *)
Theorem softmax_positive : forall K z i, (0 < K)%nat -> 0 < softmax K z i.
Proof. intros; apply Rdiv_lt_0_compat; [apply exp_pos | now apply denominator_positive]. Qed.

Lemma softmax_ext K z w i : (forall k, z k = w k) -> softmax K z i = softmax K w i.
Proof. intros same; unfold softmax; rewrite same; f_equal; apply Sum_ext; intros; now rewrite same. Qed.

Lemma log_softmax K z i : (0 < K)%nat -> ln (softmax K z i) = z i - log_sum_exp K z.
Proof.
  intros; unfold softmax, log_sum_exp.
  rewrite ln_div, ln_exp; [reflexivity | apply exp_pos | now apply denominator_positive].
Qed.

(* Along a curve z(t) of logits: the derivative of log Σ exp z_k is Σ p_k z'_k. *)
Lemma log_sum_exp_along K (z : R -> vec) (z' : vec) t : (0 < K)%nat ->
  (forall k, (k < K)%nat -> is_derive (fun u => z u k) t (z' k)) ->
  is_derive (fun u => log_sum_exp K (z u)) t (Σ k < K, softmax K (z t) k * z' k).
Proof.
  intros some smooth; pose proof (denominator_positive K (z t) some) as positive; unfold log_sum_exp.
  evar_last.
  - apply (is_derive_comp ln (fun u => Σ k < K, exp (z u k))); [now apply is_derive_ln |].
    apply (is_derive_Sum K (fun k u => exp (z u k)) (fun k => z' k * exp (z t k))); intros.
    apply (is_derive_comp exp (fun u => z u k)); [apply is_derive_exp | now apply smooth].
  - unfold scal; simpl; unfold mult; simpl; rewrite <- (Sum_scal_r K (/ _)).
    apply Sum_ext; intros; unfold softmax; field; lra.
Qed.

(* Along a curve of logits the derivative of p_i is p_i (z'_i − Σ p_k z'_k). *)
Lemma softmax_along K (z : R -> vec) (z' : vec) t i : (i < K)%nat ->
  (forall k, (k < K)%nat -> is_derive (fun u => z u k) t (z' k)) ->
  is_derive (fun u => softmax K (z u) i) t (softmax K (z t) i * (z' i - Σ k < K, softmax K (z t) k * z' k)).
Proof.
  intros Hi smooth.
  assert (as_exp : forall u, exp (z u i - log_sum_exp K (z u)) = softmax K (z u) i).
  { intros; rewrite <- log_softmax by lia; apply exp_ln, softmax_positive; lia. }
  apply (is_derive_ext (fun u => exp (z u i - log_sum_exp K (z u)))); [exact as_exp |].
  evar_last.
  - apply (is_derive_comp exp (fun u => z u i - log_sum_exp K (z u))); [apply is_derive_exp |].
    apply @is_derive_minus; [now apply smooth | apply (log_sum_exp_along K z z'); [lia | exact smooth]].
  - rewrite as_exp; unfold minus, plus, opp, scal; simpl; unfold mult; simpl; ring.
Qed.

(* softmax.jacobian: ∂p_i/∂z_j = p_i (δ_ij − p_j), for every number of classes. *)
Theorem softmax_jacobian : forall K z i j,
  (i < K)%nat -> (j < K)%nat ->
  is_derive (fun t => softmax K (with_entry z j t) i) (z j) (softmax K z i * (δ i j - softmax K z j)).
Proof.
  intros K z i j Hi Hj.
  assert (itself : forall k, softmax K (with_entry z j (z j)) k = softmax K z k).
  { intros; apply softmax_ext, with_entry_itself. }
  evar_last.
  - apply (softmax_along K (with_entry z j) (fun k => δ k j)); [exact Hi |].
    intros; apply is_derive_with_entry.
  - rewrite itself; f_equal; f_equal.
    rewrite (Sum_δ K j (softmax K (with_entry z j (z j)))) by exact Hj; apply itself.
Qed.

(* softmax.sums_to_one: the probabilities of the K classes sum to one. *)
Theorem softmax_sums_to_one : forall K z,
  (0 < K)%nat -> Σ i < K, softmax K z i = 1.
Proof.
  intros K z some; pose proof (denominator_positive K z some).
  unfold softmax, Rdiv; rewrite Sum_scal_r; field; lra.
Qed.

(* softmax.at_most_one: no probability exceeds one; with two classes or more, each is below one. *)
Theorem softmax_at_most_one : forall K z i,
  (i < K)%nat -> softmax K z i <= 1 /\ ((1 < K)%nat -> softmax K z i < 1).
Proof.
  intros K z i Hi.
  assert (without : forall j, (j < K)%nat -> j <> i -> softmax K z i + softmax K z j <= 1).
  { intros j Hj other.
    enough (0 <= Σ k < K, (softmax K z k - softmax K z k * δ k i - softmax K z k * δ k j)) as rest
      by (rewrite !Sum_minus, softmax_sums_to_one, !(Sum_δ K _ (softmax K z)) in rest by (assumption || lia); lra).
    apply Sum_nonnegative; intros k _; pose proof (softmax_positive K z k ltac:(lia)).
    destruct (Nat.eq_dec k i); destruct (Nat.eq_dec k j); subst; try congruence;
      rewrite ?δ_same, ?δ_other by congruence; lra. }
  assert (below : (1 < K)%nat -> softmax K z i < 1).
  { intros two; assert (exists j, (j < K)%nat /\ j <> i) as (j & Hj & other)
      by (destruct i; [exists 1%nat | exists 0%nat]; lia).
    pose proof (softmax_positive K z j ltac:(lia)); specialize (without j Hj other); lra. }
  split; [| exact below].
  destruct K as [| [| K]]; [lia | | apply Rlt_le, below; lia].
  replace i with 0%nat by lia; pose proof (softmax_sums_to_one 1 z ltac:(lia)) as one; simpl in one; lra.
Qed.

(* softmax.shift: adding the same number to every logit changes nothing. *)
Theorem softmax_shift : forall K z c i,
  (0 < K)%nat -> softmax K (fun k => z k + c) i = softmax K z i.
Proof.
  intros K z c i some; pose proof (denominator_positive K z some); pose proof (exp_pos c).
  unfold softmax; rewrite (Sum_ext K _ (fun k => exp (z k) * exp c)) by (intros; apply exp_plus).
  rewrite Sum_scal_r, exp_plus; field; lra.
Qed.

(* softmax.keeps_order: p_i / p_j = exp(z_i − z_j), so that the larger logit has the larger probability. *)
Theorem softmax_keeps_order : forall K z i j,
  (0 < K)%nat ->
  softmax K z i / softmax K z j = exp (z i - z j) /\ (softmax K z j < softmax K z i <-> z j < z i).
Proof.
  intros K z i j some; pose proof (denominator_positive K z some) as positive; unfold softmax.
  repeat split; unfold Rdiv.
  - unfold Rminus; rewrite exp_plus, exp_Ropp; pose proof (exp_pos (z j)); field; lra.
  - intros smaller; apply exp_lt_inv, Rmult_lt_reg_r with (2 := smaller); now apply Rinv_0_lt_compat.
  - intros smaller; apply Rmult_lt_compat_r; [now apply Rinv_0_lt_compat | now apply exp_increasing].
Qed.

(* softmax.two_classes: for two classes the softmax is the sigmoid of the difference of their logits. *)
Theorem softmax_two_classes : forall z, softmax 2 z 0%nat = sigmoid (z 0%nat - z 1%nat).
Proof.
  intros z; unfold softmax, sigmoid; simpl.
  replace (- (z 0%nat - z 1%nat)) with (z 1%nat + - z 0%nat) by ring; rewrite exp_plus, exp_Ropp.
  pose proof (exp_pos (z 0%nat)); pose proof (exp_pos (z 1%nat)); field; lra.
Qed.

(* softmax.log_sum_exp_shift: a number added to all logits is added to their log-sum-exp. *)
Theorem softmax_log_sum_exp_shift : forall K z c,
  (0 < K)%nat -> log_sum_exp K (fun k => z k + c) = log_sum_exp K z + c.
Proof.
  intros K z c some; unfold log_sum_exp.
  rewrite (Sum_ext K _ (fun k => exp (z k) * exp c)) by (intros; apply exp_plus).
  rewrite Sum_scal_r, ln_mult, ln_exp; [reflexivity | now apply denominator_positive | apply exp_pos].
Qed.

(* softmax.log_sum_exp_gradient: the softmax is the gradient of log Σ_k exp(z_k). *)
Theorem softmax_log_sum_exp_gradient : forall K z j,
  (j < K)%nat -> is_derive (fun t => log_sum_exp K (with_entry z j t)) (z j) (softmax K z j).
Proof.
  intros K z j Hj; evar_last.
  - apply (log_sum_exp_along K (with_entry z j) (fun k => δ k j)); [lia |].
    intros; apply is_derive_with_entry.
  - rewrite (Sum_δ K j (softmax K (with_entry z j (z j)))) by exact Hj; apply softmax_ext, with_entry_itself.
Qed.

(* softmax.dZ: backwards through the softmax, the gradient is P ∘ (dP − Σ_k p_k dp_k), column by column. *)
Theorem softmax_dZ : forall K N L Z P dP,
  P = softmax_columns K Z -> is_gradient K N L P dP ->
  is_gradient K N (fun Z => L (softmax_columns K Z)) Z (fun i s => P i s * (dP i s - Σ k < K, P k s * dP k s)).
Proof.
  intros K N L Z P dP -> gradient C C' t through smooth; set (P := softmax_columns K Z).
  assert (itself : forall i s, softmax K (column (C t) s) i = P i s)
    by (intros; apply softmax_ext; intros; apply through).
  evar_last.
  - apply (gradient (fun u => softmax_columns K (C u)) (fun i s => P i s * (C' i s - Σ k < K, P k s * C' k s))).
    + exact itself.
    + intros i s Hi Hs; evar_last.
      * apply (softmax_along K (fun u => column (C u) s) (fun k => C' k s)); [exact Hi |].
        intros k Hk; now apply smooth.
      * rewrite itself; do 2 f_equal; apply Sum_ext; intros; now rewrite itself.
  - rewrite (Sum_swap K N), (Sum_swap K N); apply Sum_ext; intros s _.
    rewrite (Sum_ext K (fun i => dP i s * (P i s * (C' i s - Σ k < K, P k s * C' k s)))
      (fun i => P i s * dP i s * C' i s - P i s * dP i s * (Σ k < K, P k s * C' k s))) by (intros; ring).
    rewrite (Sum_ext K (fun i => P i s * (dP i s - (Σ k < K, P k s * dP k s)) * C' i s)
      (fun i => P i s * dP i s * C' i s - (Σ k < K, P k s * dP k s) * (P i s * C' i s))) by (intros; ring).
    rewrite !Sum_minus, Sum_scal_r, Sum_scal_l; ring.
Qed.
