(* The affine layer Z = W A + b 1ᵀ, for all sizes m, n, N: if dZ is the gradient of the loss with respect to Z, then
   dW = dZ Aᵀ, db = dZ 1 and dA = Wᵀ dZ.

   W is m × n, b is m × 1, A is n × N, and the loss L is any function of Z that has a gradient. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient.
Open Scope R_scope.

Definition affine (n : nat) (W b A : mat) : mat := fun i s => (W ×[n] A) i s + b i 0%nat.

(* affine.dW: the gradient with respect to the weights is dZ Aᵀ, a sum over the batch. *)
Theorem affine_dW : forall m n N L W b A dZ,
  is_gradient m N L (affine n W b A) dZ ->
  is_gradient m n (fun W => L (affine n W b A)) W (dZ ×[N] A^T).
Proof.
  intros m n N L W b A dZ gradient C C' t through smooth.
  evar_last.
  - apply (gradient (fun u => affine n (C u) b A) (C' ×[n] A)).
    + intros; unfold affine, product; f_equal; apply Sum_ext; intros; now rewrite through.
    + intros i s Hi Hs; unfold affine, product.
      apply is_derive_plus_constant, (is_derive_Sum n (fun j u => C u i j * A j s)); intros j Hj.
      apply is_derive_scal_r; now apply smooth.
  - apply Sum_ext; intros i _; unfold product, transpose.
    rewrite (Sum_ext N _ (fun s => Σ j < n, dZ i s * A j s * C' i j)).
    + rewrite Sum_swap; apply Sum_ext; intros; apply (Sum_scal_r N (C' i k)).
    + intros s _; rewrite <- Sum_scal_l; apply Sum_ext; intros; ring.
Qed.

(* affine.db: the gradient with respect to the bias is the sum of dZ over the batch. *)
Theorem affine_db : forall m n N L W b A dZ,
  is_gradient m N L (affine n W b A) dZ ->
  is_gradient m 1 (fun b => L (affine n W b A)) b (row_sums N dZ).
Proof.
  intros m n N L W b A dZ gradient C C' t through smooth.
  evar_last.
  - apply (gradient (fun u => affine n W (C u) A) (fun i _ => C' i 0%nat)).
    + intros; unfold affine; now rewrite through.
    + intros i s Hi Hs; unfold affine.
      evar_last; [apply @is_derive_plus; [apply @is_derive_const | apply smooth; lia] | apply Rplus_0_l].
  - apply Sum_ext; intros i _; unfold row_sums; simpl.
    rewrite (Sum_scal_r N (C' i 0%nat) (fun s => dZ i s)); ring.
Qed.

(* affine.dA: the gradient with respect to the layer's input is Wᵀ dZ. *)
Theorem affine_dA : forall m n N L W b A dZ,
  is_gradient m N L (affine n W b A) dZ ->
  is_gradient n N (fun A => L (affine n W b A)) A (W^T ×[m] dZ).
Proof.
  intros m n N L W b A dZ gradient C C' t through smooth.
  evar_last.
  - apply (gradient (fun u => affine n W b (C u)) (W ×[n] C')).
    + intros; unfold affine, product; f_equal; apply Sum_ext; intros; now rewrite through.
    + intros i s Hi Hs; unfold affine, product.
      apply is_derive_plus_constant, (is_derive_Sum n (fun j u => W i j * C u j s)); intros j Hj.
      apply is_derive_scal; now apply smooth.
  - unfold product, transpose.
    rewrite (Sum_ext m _ (fun i => Σ j < n, Σ s < N, W i j * dZ i s * C' j s)).
    + rewrite Sum_swap; apply Sum_ext; intros j _.
      rewrite Sum_swap; apply Sum_ext; intros s _; apply (Sum_scal_r m (C' j s)).
    + intros i _; rewrite Sum_swap; apply Sum_ext; intros s _.
      rewrite <- Sum_scal_l; apply Sum_ext; intros; ring.
Qed.
