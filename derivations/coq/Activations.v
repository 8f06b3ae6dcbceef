(* The activations, entry by entry: sigmoid' = σ (1 − σ), tanh' = 1 − tanh², relu' = 1 above 0 and 0 below; at 0 relu
   has no derivative, and every slope from 0 to 1 is a subgradient there.

   dA is the gradient of a loss L with respect to the activation's output A; dZ, with respect to its input Z. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient.
Open Scope R_scope.

Definition sigmoid (z : R) : R := 1 / (1 + exp (- z)).
Definition tanh (z : R) : R := (exp z - exp (- z)) / (exp z + exp (- z)).
Definition relu (z : R) : R := Rmax 0 z.

(* The slope that the backward pass uses, with the convention that it is 0 at 0. *)
Definition relu_slope (z : R) : R := if Rlt_dec 0 z then 1 else 0.

(* No entry of the m × N matrix Z lies at the kink of relu. *)
Definition no_kink (m N : nat) (Z : mat) : Prop :=
  forall i s, (i < m)%nat -> (s < N)%nat -> Z i s <> 0.

Lemma is_derive_sigmoid z : is_derive sigmoid z (sigmoid z * (1 - sigmoid z)).
Proof.
  pose proof (exp_pos (- z)).
  unfold sigmoid; auto_derive; [lra | field; lra].
Qed.

Lemma is_derive_tanh z : is_derive tanh z (1 - tanh z ^ 2).
Proof.
  pose proof (exp_pos z); pose proof (exp_pos (- z)).
  unfold tanh; auto_derive; [lra | field; lra].
Qed.

Lemma is_derive_relu z : z <> 0 -> is_derive relu z (relu_slope z).
Proof.
  intros off; unfold relu_slope; destruct (Rlt_dec 0 z) as [above | not_above].
  - apply (is_derive_ext_loc (fun u => u)); [| apply @is_derive_id].
    exists (mkposreal z above); intros u near; apply Rabs_lt_between' in near; simpl in near.
    unfold relu; now rewrite Rmax_right by lra.
  - assert (below : 0 < - z) by lra.
    apply (is_derive_ext_loc (fun _ => 0)); [| apply @is_derive_const].
    exists (mkposreal (- z) below); intros u near; apply Rabs_lt_between' in near; simpl in near.
    unfold relu; now rewrite Rmax_left by lra.
Qed.

(* The chain rule for any activation f with slopes S at the entries of Z: dZ = S ∘ dA. *)
Lemma activation_dZ m N L f Z S dA :
  (forall i s, (i < m)%nat -> (s < N)%nat -> is_derive f (Z i s) (S i s)) ->
  is_gradient m N L (each f Z) dA ->
  is_gradient m N (fun Z => L (each f Z)) Z (S ∘ dA).
Proof.
  intros slopes gradient C C' t through smooth.
  evar_last.
  - apply (gradient (fun u => each f (C u)) (fun i s => C' i s * S i s)).
    + intros; unfold each; now rewrite through.
    + intros i s Hi Hs; apply (is_derive_comp f (fun u => C u i s) t (S i s) (C' i s)); [| now apply smooth].
      rewrite through; now apply slopes.
  - apply Sum_ext; intros i _; apply Sum_ext; intros s _; unfold hadamard; ring.
Qed.

(* sigmoid.symmetry: σ(−z) = 1 − σ(z). *)
Theorem sigmoid_symmetry : forall z, sigmoid (- z) = 1 - sigmoid z.
Proof.
  intros z; unfold sigmoid; rewrite Ropp_involutive, exp_Ropp; pose proof (exp_pos z); field; lra.
Qed.

(* tanh.from_sigmoid: tanh z = 2 σ(2z) − 1, the sigmoid stretched from (0, 1) to (−1, 1). *)
Theorem tanh_from_sigmoid : forall z, tanh z = 2 * sigmoid (2 * z) - 1.
Proof.
  intros z; unfold tanh, sigmoid; replace (- (2 * z)) with (- z + - z) by ring.
  rewrite exp_plus, exp_Ropp; pose proof (exp_pos z); field; nra.
Qed.

(* sigmoid.dZ: the slope of the sigmoid is A (1 − A), computed from its output A = σ(Z). *)
Theorem sigmoid_dZ : forall m N L Z A dA,
  A = each sigmoid Z -> is_gradient m N L A dA ->
  is_gradient m N (fun Z => L (each sigmoid Z)) Z (fun i s => A i s * (1 - A i s) * dA i s).
Proof.
  intros m N L Z A dA -> gradient; apply (activation_dZ m N L sigmoid Z (fun i s => _)); [| exact gradient].
  intros; apply is_derive_sigmoid.
Qed.

(* tanh.dZ: the slope of tanh is 1 − A², computed from its output A = tanh(Z). *)
Theorem tanh_dZ : forall m N L Z A dA,
  A = each tanh Z -> is_gradient m N L A dA ->
  is_gradient m N (fun Z => L (each tanh Z)) Z (fun i s => (1 - A i s ^ 2) * dA i s).
Proof.
  intros m N L Z A dA -> gradient; apply (activation_dZ m N L tanh Z (fun i s => _)); [| exact gradient].
  intros; apply is_derive_tanh.
Qed.

(* relu.dZ: where no entry of Z is 0, dA passes where Z > 0 and is stopped where Z < 0. *)
Theorem relu_dZ : forall m N L Z dA,
  no_kink m N Z -> is_gradient m N L (each relu Z) dA ->
  is_gradient m N (fun Z => L (each relu Z)) Z (each relu_slope Z ∘ dA).
Proof.
  intros m N L Z dA off gradient; apply activation_dZ; [| exact gradient].
  intros i s Hi Hs; apply is_derive_relu; now apply off.
Qed.

(* relu.no_slope_at_zero: relu has no derivative at 0, so that the slope used there is a convention. *)
Theorem relu_no_slope_at_zero : ~ ex_derive relu 0.
Proof.
  intros [slope smooth]; apply is_derive_Reals in smooth.
  destruct (smooth (1 / 2) ltac:(lra)) as [d close]; pose proof (cond_pos d).
  assert (right : Rabs (d / 2) < d) by (rewrite Rabs_right; lra).
  assert (left : Rabs (- (d / 2)) < d) by (rewrite Rabs_left; lra).
  apply close in right, left; try lra.
  unfold relu in right, left; rewrite !Rplus_0_l in right, left.
  rewrite (Rmax_right 0 (d / 2)), (Rmax_left 0 0) in right by lra.
  rewrite (Rmax_left 0 (- (d / 2))), (Rmax_left 0 0) in left by lra.
  replace ((d / 2 - 0) / (d / 2)) with 1 in right by (field; lra).
  replace ((0 - 0) / - (d / 2)) with 0 in left by (field; lra).
  apply Rabs_def2 in right, left; lra.
Qed.

(* relu.supports: the lines through relu's kink that are nowhere above relu are just those with a slope from 0 to 1. *)
Theorem relu_supports : forall g,
  (forall z, relu 0 + g * (z - 0) <= relu z) <-> 0 <= g <= 1.
Proof.
  intros g; unfold relu; rewrite (Rmax_left 0 0) by lra; split.
  - intros below; pose proof (below 1) as right; pose proof (below (- 1)) as left.
    rewrite Rmax_right in right by lra; rewrite Rmax_left in left by lra; lra.
  - intros [low high] z; destruct (Rle_dec 0 z).
    + rewrite Rmax_right by lra; nra.
    + rewrite Rmax_left by lra; nra.
Qed.
