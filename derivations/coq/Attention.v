(* Attention of one query over n keys of width d, with values of width e: y = Σ_k p_k v_k, p the softmax of q·k / √d. The
   keys that a mask hides are not among the n. Queries do not meet, so that one stands for all.

   The loss is ⟨dy, y⟩ to first order; the query moves along any curve. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Activations Softmax.
Open Scope R_scope.

Definition scores (d : nat) (q : vec) (K : mat) : vec := fun k => (Σ c < d, q c * K k c) / sqrt (INR d).
Definition attention (n d : nat) (q : vec) (K V : mat) : vec :=
  fun w => Σ k < n, softmax n (scores d q K) k * V k w.

(* The gradient with respect to each weight, and to each score. *)
Definition of_weights (e : nat) (V : mat) (dy : vec) : vec := fun k => Σ w < e, dy w * V k w.
Definition of_scores (n : nat) (p dp : vec) : vec := fun k => p k * (dp k - Σ j < n, p j * dp j).

(* attention.dQ: the query gets the keys, each by the gradient of its score p (dp − Σ p dp), over √d. *)
Theorem attention_dQ : forall n d e K V dy (q : R -> vec) (q' : vec) t,
  (forall c, (c < d)%nat -> is_derive (fun u => q u c) t (q' c)) ->
  is_derive (fun u => Σ w < e, dy w * attention n d (q u) K V w) t
    (Σ c < d, ((Σ k < n, of_scores n (softmax n (scores d (q t) K)) (of_weights e V dy) k * K k c)
      / sqrt (INR d)) * q' c).
Proof.
  intros n d e K V dy q q' t smooth.
  set (p := softmax n (scores d (q t) K)); set (dp := of_weights e V dy); set (s' := scores d q' K).
  set (m := Σ j < n, p j * s' j); set (M := Σ j < n, p j * dp j).
  evar_last.
  - apply (is_derive_Sum e (fun w u => dy w * attention n d (q u) K V w)
      (fun w => dy w * Σ k < n, p k * (s' k - m) * V k w)).
    intros w Hw; apply is_derive_scal; unfold attention.
    apply (is_derive_Sum n (fun k u => softmax n (scores d (q u) K) k * V k w) (fun k => p k * (s' k - m) * V k w)).
    intros k Hk; apply is_derive_scal_r.
    apply (softmax_along n (fun u => scores d (q u) K) s' t k Hk).
    intros j Hj; unfold s', scores, Rdiv; apply is_derive_scal_r.
    apply (is_derive_Sum d (fun c u => q u c * K j c) (fun c => q' c * K j c)); intros c Hc.
    apply is_derive_scal_r; now apply smooth.
  - transitivity (Σ k < n, p k * (s' k - m) * dp k).
    + rewrite (Sum_ext e _ (fun w => Σ k < n, p k * (s' k - m) * (dy w * V k w)))
        by (intros; rewrite <- Sum_scal_l; apply Sum_ext; intros; ring).
      rewrite Sum_swap; apply Sum_ext; intros k _; unfold dp, of_weights; apply Sum_scal_l.
    + transitivity ((Σ k < n, p k * dp k * s' k) - m * M).
      * unfold M; rewrite <- Sum_scal_l, <- Sum_minus; apply Sum_ext; intros; ring.
      * transitivity (Σ k < n, of_scores n p dp k * s' k).
        -- rewrite (Rmult_comm m M); unfold m; rewrite <- Sum_scal_l, <- Sum_minus; apply Sum_ext; intros.
           unfold of_scores; fold M; ring.
        -- rewrite (Sum_ext n _ (fun k => Σ c < d, of_scores n p dp k * K k c * / sqrt (INR d) * q' c)).
           ++ rewrite Sum_swap; apply Sum_ext; intros c _; unfold Rdiv.
              rewrite <- !Sum_scal_r; reflexivity.
           ++ intros k _; unfold s', scores, Rdiv.
              rewrite <- Sum_scal_r, <- Sum_scal_l; apply Sum_ext; intros; ring.
Qed.

(* attention.dV: each value gets dy by the weight with which it was taken. *)
Theorem attention_dV : forall n d e q K dy (V : R -> mat) (V' : mat) t,
  (forall k w, (k < n)%nat -> (w < e)%nat -> is_derive (fun u => V u k w) t (V' k w)) ->
  is_derive (fun u => Σ w < e, dy w * attention n d q K (V u) w) t
    (Σ k < n, Σ w < e, softmax n (scores d q K) k * dy w * V' k w).
Proof.
  intros n d e q K dy V V' t smooth; set (p := softmax n (scores d q K)).
  evar_last.
  - apply (is_derive_Sum e (fun w u => dy w * attention n d q K (V u) w) (fun w => dy w * Σ k < n, p k * V' k w)).
    intros w Hw; apply is_derive_scal; unfold attention.
    apply (is_derive_Sum n (fun k u => p k * V u k w) (fun k => p k * V' k w)); intros k Hk.
    apply is_derive_scal; now apply smooth.
  - rewrite (Sum_ext e _ (fun w => Σ k < n, p k * dy w * V' k w))
      by (intros; rewrite <- Sum_scal_l; apply Sum_ext; intros; ring).
    apply Sum_swap.
Qed.
