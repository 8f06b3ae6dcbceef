(* Backpropagation for any depth: in a network of any number of layers of any widths, with any activation between them,
   softmax and the mean cross-entropy over a batch, every layer has dW = dZ Aᵀ and db = dZ 1, where A is its input and
   dZ follows from the layer after it, f'(Z) ∘ (Wᵀ dZ), beginning with (P − Y) / N at the last.

   A network is the list of its layers, from the input to the classes. *)
From Coq Require Import Reals Lra Lia Arith List.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Activations Affine Softmax CrossEntropy SoftmaxCrossEntropy.
Import ListNotations.
Open Scope R_scope.

Record layer := Layer { width : nat; weights : mat; biases : mat }.

(* The weighted sums Z = W A + b 1ᵀ of a layer whose input A has n rows. *)
Definition weighted_sums (n : nat) (l : layer) (A : mat) : mat := affine n (weights l) (biases l) A.

Section Any_depth.

(* The activation f and the slope f' that the backward pass uses; N examples with their labels, the columns of Y. *)
Variables f f' : R -> R.
Variable N : nat.
Variable Y : mat.

(* From a layer of width n with weighted sums Z, through the layers after it: the number of classes, and the logits. *)
Fixpoint classes (n : nat) (after : list layer) : nat :=
  match after with
  | [] => n
  | l :: rest => classes (width l) rest
  end.
Fixpoint logits (n : nat) (Z : mat) (after : list layer) : mat :=
  match after with
  | [] => Z
  | l :: rest => logits (width l) (weighted_sums n l (each f Z)) rest
  end.
Definition cost_from (n : nat) (Z : mat) (after : list layer) : R :=
  mean_loss (classes n after) N Y (logits n Z after).

(* The cost of a network on the input X with n rows. With no layer at all, X would be the logits. *)
Definition network_cost (n : nat) (X : mat) (network : list layer) : R :=
  match network with
  | [] => mean_loss n N Y X
  | l :: rest => cost_from (width l) (weighted_sums n l X) rest
  end.

(* What the layer behind those of `before` takes in: how many rows, and the matrix. For the first layer, X itself. *)
Fixpoint rows_in (n : nat) (before : list layer) : nat :=
  match before with
  | [] => n
  | l :: rest => rows_in (width l) rest
  end.
Fixpoint input (n : nat) (X : mat) (before : list layer) : mat :=
  match before with
  | [] => X
  | l :: rest => input (width l) (each f (weighted_sums n l X)) rest
  end.

(* The backward pass: dZ of the layer of width n with weighted sums Z, from the layers after it. *)
Fixpoint backward (n : nat) (Z : mat) (after : list layer) : mat :=
  match after with
  | [] => fun k s => (softmax_columns n Z k s - Y k s) / INR N
  | l :: rest => each f' Z ∘ ((weights l)^T ×[width l] backward (width l) (weighted_sums n l (each f Z)) rest)
  end.

(* From this layer on, f has the slope f' at every entry it is applied to. *)
Fixpoint differentiable (n : nat) (Z : mat) (after : list layer) : Prop :=
  match after with
  | [] => True
  | l :: rest => (forall i s, (i < n)%nat -> (s < N)%nat -> is_derive f (Z i s) (f' (Z i s)))
                 /\ differentiable (width l) (weighted_sums n l (each f Z)) rest
  end.

Lemma backward_gradient after : forall n Z,
  labels (classes n after) N Y -> differentiable n Z after ->
  is_gradient n N (fun Z => cost_from n Z after) Z (backward n Z after).
Proof.
  induction after as [| l rest later]; simpl; intros n Z one slopes.
  - now apply softmax_cross_entropy_dZ.
  - destruct slopes as [here further].
    apply (activation_dZ n N (fun A => cost_from (width l) (weighted_sums n l A) rest) f Z (each f' Z)); [exact here |].
    apply (affine_dA (width l) n N (fun Z => cost_from (width l) Z rest) (weights l) (biases l)).
    now apply later.
Qed.

(* The cost of a network, seen from any of its layers. *)
Lemma cost_seen_from before : forall n X l after,
  network_cost n X (before ++ l :: after)
  = cost_from (width l) (weighted_sums (rows_in n before) l (input n X before)) after.
Proof.
  induction before as [| first rest further]; intros n X l after; [reflexivity |].
  simpl; rewrite <- further; now destruct rest.
Qed.

(* mlp.any_depth: at every layer of every network, whatever is before and after it, the gradient of the mean cost with
   respect to W is dZ Aᵀ, and with respect to b the sum of dZ over the batch. *)
Theorem mlp_any_depth : forall n0 X before m W b after,
  let n := rows_in n0 before in
  let A := input n0 X before in
  let Z := affine n W b A in
  let dZ := backward m Z after in
  labels (classes m after) N Y -> differentiable m Z after ->
  is_gradient m n (fun W => network_cost n0 X (before ++ Layer m W b :: after)) W (dZ ×[N] A^T) /\
  is_gradient m 1 (fun b => network_cost n0 X (before ++ Layer m W b :: after)) b (row_sums N dZ).
Proof.
  intros n0 X before m W b after n A Z dZ one slopes.
  pose proof (backward_gradient after m Z one slopes) as gradient; fold dZ in gradient.
  split; intros C C' t through smooth.
  - apply (is_derive_ext (fun u => cost_from m (affine n (C u) b A) after));
      [intros; symmetry; apply (cost_seen_from before n0 X (Layer m _ b) after) |].
    now apply (affine_dW m n N (fun Z => cost_from m Z after) W b A dZ gradient).
  - apply (is_derive_ext (fun u => cost_from m (affine n W (C u) A) after));
      [intros; symmetry; apply (cost_seen_from before n0 X (Layer m W _) after) |].
    now apply (affine_db m n N (fun Z => cost_from m Z after) W b A dZ gradient).
Qed.

End Any_depth.
