(* Convolution as a linear map, and its transpose: for any linear map Y = Σ_p m_qp x_p of P pixels to Q outputs, the
   gradient of the loss with respect to the pixels is Σ_q m_qp dY_q, and ⟨dY, Y⟩ = ⟨dX, x⟩.

   A convolution is one: m_qp is the sum of the weights w_u by which output q sees pixel p. q counts channels and places
   of the output, p channels and places of the image, u all weights of the kernels; channels, groups, stride, padding and
   dilation are in `sees`, which may be anything. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient.
Open Scope R_scope.

(* Whether output q sees pixel p by weight u, as 1 or 0. *)
Definition seen_by (sees : nat -> nat -> nat -> bool) (q u p : nat) : R := if sees q u p then 1 else 0.

(* Q outputs of P pixels by U weights; a column an example, without the bias. *)
Definition convolution (P U : nat) (sees : nat -> nat -> nat -> bool) (w : vec) (X : mat) : mat :=
  fun q s => Σ p < P, (Σ u < U, w u * seen_by sees q u p) * X p s.

(* conv2d.dX: every output that saw a pixel passes dY back to it, by the weight it saw it with. *)
Theorem conv2d_dX : forall P U Q N sees L w X dY,
  is_gradient Q N L (convolution P U sees w X) dY ->
  is_gradient P N (fun X => L (convolution P U sees w X)) X
    (fun p s => Σ q < Q, (Σ u < U, w u * seen_by sees q u p) * dY q s).
Proof.
  intros P U Q N sees L w X dY gradient C C' t through smooth.
  set (m := fun q p => Σ u < U, w u * seen_by sees q u p).
  evar_last.
  - apply (gradient (fun u => convolution P U sees w (C u)) (fun q s => Σ p < P, m q p * C' p s)).
    + intros; unfold convolution; apply Sum_ext; intros; now rewrite through.
    + intros q s Hq Hs; unfold convolution.
      apply (is_derive_Sum P (fun p u => m q p * C u p s)); intros p Hp.
      apply is_derive_scal; now apply smooth.
  - rewrite (Sum_ext Q _ (fun q => Σ p < P, Σ s < N, m q p * dY q s * C' p s)).
    + rewrite Sum_swap; apply Sum_ext; intros p _.
      rewrite Sum_swap; apply Sum_ext; intros s _; apply (Sum_scal_r Q (C' p s)).
    + intros q _; rewrite Sum_swap; apply Sum_ext; intros s _.
      rewrite <- Sum_scal_l; apply Sum_ext; intros; ring.
Qed.

(* conv2d.dW: each weight gets the sum of dY times the pixel that it saw, over all outputs and examples. *)
Theorem conv2d_dW : forall P U Q N sees L w X dY u,
  (u < U)%nat -> is_gradient Q N L (convolution P U sees w X) dY ->
  is_derive (fun t => L (convolution P U sees (with_entry w u t) X)) (w u)
    (Σ q < Q, Σ s < N, dY q s * (Σ p < P, seen_by sees q u p * X p s)).
Proof.
  intros P U Q N sees L w X dY u Hu gradient.
  evar_last.
  - apply (gradient (fun t => convolution P U sees (with_entry w u t) X) (fun q s => Σ p < P, seen_by sees q u p * X p s)).
    + intros; unfold convolution; apply Sum_ext; intros p _; f_equal; apply Sum_ext; intros k _.
      now rewrite with_entry_itself.
    + intros q s Hq Hs; unfold convolution.
      apply (is_derive_Sum P (fun p t => (Σ k < U, with_entry w u t k * seen_by sees q k p) * X p s)); intros p Hp.
      apply is_derive_scal_r; evar_last.
      * apply (is_derive_Sum U (fun k t => with_entry w u t k * seen_by sees q k p) (fun k => δ k u * seen_by sees q k p)).
        intros k Hk; apply is_derive_scal_r, is_derive_with_entry.
      * rewrite (Sum_ext U _ (fun k => seen_by sees q k p * δ k u)) by (intros; ring).
        now apply (Sum_δ U u (fun k => seen_by sees q k p)).
  - reflexivity.
Qed.

(* conv2d.adjoint: ⟨dY, conv X⟩ is ⟨dX, X⟩: the backward pass is the transpose of the forward pass. *)
Theorem conv2d_adjoint : forall P U Q N sees w X dY,
  (Σ q < Q, Σ s < N, dY q s * convolution P U sees w X q s)
  = (Σ p < P, Σ s < N, (Σ q < Q, (Σ u < U, w u * seen_by sees q u p) * dY q s) * X p s).
Proof.
  intros; unfold convolution; set (m := fun q p => Σ u < U, w u * seen_by sees q u p).
  rewrite (Sum_ext Q _ (fun q => Σ p < P, Σ s < N, m q p * dY q s * X p s)).
  - rewrite Sum_swap; apply Sum_ext; intros p _.
    rewrite Sum_swap; apply Sum_ext; intros s _; apply (Sum_scal_r Q (X p s)).
  - intros q _; rewrite Sum_swap; apply Sum_ext; intros s _.
    rewrite <- Sum_scal_l; apply Sum_ext; intros; unfold m; ring.
Qed.
