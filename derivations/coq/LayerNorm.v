(* Layer normalisation of one example: x̂_i = (x_i − mean) / √(variance + ε), over n features, for every n; going back,
   dx_i = r (g_i − mean g − x̂_i mean(g x̂)), where g = γ dy and r = 1 / √(variance + ε).

   The loss is ⟨g, x̂⟩ to first order; the example moves along any curve. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient.
Open Scope R_scope.

Definition mean (n : nat) (x : vec) : R := (Σ k < n, x k) / INR n.
Definition variance (n : nat) (x : vec) : R := (Σ k < n, (x k - mean n x) ^ 2) / INR n.
Definition r (n : nat) (ε : R) (x : vec) : R := / sqrt (variance n x + ε).
Definition normalised (n : nat) (ε : R) (x : vec) : vec := fun i => (x i - mean n x) * r n ε x.

Lemma variance_not_negative n x : (0 < n)%nat -> 0 <= variance n x.
Proof.
  intros some; unfold variance; apply Rmult_le_pos.
  - apply Sum_nonnegative; intros; apply pow2_ge_0.
  - left; apply Rinv_0_lt_compat, lt_0_INR, some.
Qed.

Lemma Sum_constant n c : (Σ _k < n, c) = c * INR n.
Proof. induction n; [simpl; ring | rewrite S_INR; simpl; rewrite IHn; ring]. Qed.

Lemma deviations_cancel n x : (0 < n)%nat -> (Σ k < n, (x k - mean n x)) = 0.
Proof.
  intros some; pose proof (lt_0_INR n some) as positive.
  rewrite (Sum_minus n x (fun _ => mean n x)), Sum_constant.
  change (Sum n x - Sum n x / INR n * INR n = 0); field; lra.
Qed.

Lemma is_derive_mean n (x : R -> vec) (x' : vec) t :
  (forall k, (k < n)%nat -> is_derive (fun u => x u k) t (x' k)) ->
  is_derive (fun u => mean n (x u)) t (mean n x').
Proof. intros smooth; unfold mean, Rdiv; apply is_derive_scal_r, (is_derive_Sum n (fun k u => x u k)), smooth. Qed.

(* The variance moves by twice the mean of deviation times movement: the mean's own movement cancels. *)
Lemma is_derive_variance n (x : R -> vec) (x' : vec) t : (0 < n)%nat ->
  (forall k, (k < n)%nat -> is_derive (fun u => x u k) t (x' k)) ->
  is_derive (fun u => variance n (x u)) t (2 * ((Σ k < n, (x t k - mean n (x t)) * x' k) / INR n)).
Proof.
  intros some smooth; unfold variance, Rdiv; evar_last.
  - apply is_derive_scal_r.
    apply (is_derive_Sum n (fun k u => (x u k - mean n (x u)) ^ 2)
      (fun k => 2 * (x t k - mean n (x t)) * (x' k - mean n x'))).
    intros k Hk; evar_last.
    + apply (is_derive_comp (fun v => v ^ 2) (fun u => x u k - mean n (x u)) t (2 * (x t k - mean n (x t)))).
      * auto_derive; [trivial | ring].
      * apply @is_derive_minus; [now apply smooth | apply is_derive_mean, smooth].
    + unfold scal, minus, plus, opp; simpl; unfold mult; simpl; ring.
  - rewrite (Sum_ext n _ (fun k => 2 * ((x t k - mean n (x t)) * x' k) - 2 * mean n x' * (x t k - mean n (x t))))
      by (intros; ring).
    rewrite Sum_minus, !Sum_scal_l, deviations_cancel by exact some; ring.
Qed.

Lemma is_derive_r n ε (x : R -> vec) (x' : vec) t : (0 < n)%nat -> 0 < ε ->
  (forall k, (k < n)%nat -> is_derive (fun u => x u k) t (x' k)) ->
  is_derive (fun u => r n ε (x u)) t
    (- (Σ k < n, (x t k - mean n (x t)) * x' k) / INR n * r n ε (x t) ^ 3).
Proof.
  intros some positive smooth; pose proof (variance_not_negative n (x t) some) as above.
  assert (root : 0 < sqrt (variance n (x t) + ε)) by (apply sqrt_lt_R0; lra).
  evar_last.
  - apply (is_derive_comp (fun v => / sqrt (v + ε)) (fun u => variance n (x u)) t
      (- / 2 * r n ε (x t) ^ 3)).
    + unfold r; auto_derive; [split; [lra | lra] |].
      set (w := sqrt (variance n (x t) + ε)) in *; field; lra.
    + apply (is_derive_variance n x x'); [exact some | exact smooth].
  - unfold scal; simpl; unfold mult; simpl; pose proof (lt_0_INR n some); field; lra.
Qed.

(* layer_norm.dX: r times g less its mean, less x̂ times the mean of g x̂, where g is γ dy: along any curve of the example
   the loss ⟨g, x̂⟩ moves by the product with it. *)
Theorem layer_norm_dX : forall n ε g (x : R -> vec) (x' : vec) t,
  (0 < n)%nat -> 0 < ε ->
  (forall k, (k < n)%nat -> is_derive (fun u => x u k) t (x' k)) ->
  is_derive (fun u => Σ i < n, g i * normalised n ε (x u) i) t
    (Σ i < n, r n ε (x t) * (g i - mean n g - normalised n ε (x t) i
       * mean n (fun k => g k * normalised n ε (x t) k)) * x' i).
Proof.
  intros n ε g x x' t some positive smooth.
  set (D := fun k => x t k - mean n (x t)); set (ρ := r n ε (x t)).
  set (S := Σ k < n, D k * x' k).
  evar_last.
  - apply (is_derive_Sum n (fun i u => g i * normalised n ε (x u) i)
      (fun i => g i * ((x' i - mean n x') * ρ + D i * (- S / INR n * ρ ^ 3)))).
    intros i Hi; apply is_derive_scal; unfold normalised; evar_last.
    + apply (is_derive_mult (fun u => x u i - mean n (x u)) (fun u => r n ε (x u))).
      * apply @is_derive_minus; [now apply smooth | apply is_derive_mean, smooth].
      * apply (is_derive_r n ε x x'); [exact some | exact positive | exact smooth].
      * intros; apply Rmult_comm.
    + unfold minus, plus, opp, mult; simpl.
      change (Σ k < n, (x t k - mean n (x t)) * x' k) with S; unfold D, ρ; ring.
  - pose proof (lt_0_INR n some) as above.
    set (K := mean n (fun k => g k * normalised n ε (x t) k)).
    assert (of_K : K = (Σ k < n, g k * D k) * ρ / INR n).
    { unfold K, mean; f_equal; rewrite <- Sum_scal_r; apply Sum_ext; intros; unfold normalised, D, ρ; ring. }
    transitivity (ρ * (Σ i < n, g i * x' i) - ρ * mean n x' * (Σ i < n, g i) - S / INR n * ρ ^ 3 * (Σ i < n, g i * D i)).
    + rewrite <- !Sum_scal_l, <- !Sum_minus; apply Sum_ext; intros; field; lra.
    + transitivity (ρ * (Σ i < n, g i * x' i) - ρ * mean n g * (Σ i < n, x' i) - ρ * ρ * K * S).
      * rewrite of_K; unfold mean; field; lra.
      * unfold S; rewrite <- !Sum_scal_l, <- !Sum_minus; apply Sum_ext; intros; unfold normalised, D.
        fold ρ; fold K; ring.
Qed.
