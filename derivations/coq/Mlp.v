(* Backpropagation. The article's network of three affine layers with relu between them, softmax and the mean
   cross-entropy over a batch: all six gradients of the mean cost, for any widths n0, n1, n2, n3 and any batch size N.

   Each proof is the chain of its claims: dZ3 from softmax_cross_entropy_dZ, then dA by affine_dA, dZ by relu_dZ, and so
   on down; at every layer dW by affine_dW and db by affine_db. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Activations Affine Softmax CrossEntropy SoftmaxCrossEntropy.
Open Scope R_scope.

Section Three_layers.

(* n0 inputs, n1 and n2 hidden units, n3 classes; N examples, the columns of X, with their labels, the columns of Y. *)
Variables n0 n1 n2 n3 N : nat.
Variables X Y : mat.

(* The cost as a function of the six parameters; then of the logits, of Z2 and of Z1, the later parameters fixed. *)
Definition cost (W1 b1 W2 b2 W3 b3 : mat) : R :=
  let A1 := each relu (affine n0 W1 b1 X) in
  let A2 := each relu (affine n1 W2 b2 A1) in
  mean_loss n3 N Y (affine n2 W3 b3 A2).
Definition cost_of_Z3 (Z : mat) : R := mean_loss n3 N Y Z.
Definition cost_of_Z2 (W3 b3 Z : mat) : R := cost_of_Z3 (affine n2 W3 b3 (each relu Z)).
Definition cost_of_Z1 (W2 b2 W3 b3 Z : mat) : R := cost_of_Z2 W3 b3 (affine n1 W2 b2 (each relu Z)).

(* The point at which the gradient is taken. *)
Variables W1 b1 W2 b2 W3 b3 : mat.

(* The forward pass. *)
Definition Z1 : mat := affine n0 W1 b1 X.
Definition A1 : mat := each relu Z1.
Definition Z2 : mat := affine n1 W2 b2 A1.
Definition A2 : mat := each relu Z2.
Definition Z3 : mat := affine n2 W3 b3 A2.

(* The backward pass. *)
Definition dZ3 : mat := fun k s => (softmax_columns n3 Z3 k s - Y k s) / INR N.
Definition dZ2 : mat := each relu_slope Z2 ∘ (W3^T ×[n3] dZ3).
Definition dZ1 : mat := each relu_slope Z1 ∘ (W2^T ×[n2] dZ2).

Lemma dZ3_gradient : labels n3 N Y -> is_gradient n3 N cost_of_Z3 Z3 dZ3.
Proof. exact (softmax_cross_entropy_dZ n3 N Y Z3). Qed.

Lemma dZ2_gradient : labels n3 N Y -> no_kink n2 N Z2 -> is_gradient n2 N (cost_of_Z2 W3 b3) Z2 dZ2.
Proof.
  intros one off2; apply (relu_dZ n2 N (fun A => cost_of_Z3 (affine n2 W3 b3 A)) Z2 _ off2).
  exact (affine_dA n3 n2 N cost_of_Z3 W3 b3 A2 dZ3 (dZ3_gradient one)).
Qed.

Lemma dZ1_gradient : labels n3 N Y -> no_kink n2 N Z2 -> no_kink n1 N Z1 ->
  is_gradient n1 N (cost_of_Z1 W2 b2 W3 b3) Z1 dZ1.
Proof.
  intros one off2 off1; apply (relu_dZ n1 N (fun A => cost_of_Z2 W3 b3 (affine n1 W2 b2 A)) Z1 _ off1).
  exact (affine_dA n2 n1 N (cost_of_Z2 W3 b3) W2 b2 A1 dZ2 (dZ2_gradient one off2)).
Qed.

(* mlp.dW3: the gradient of the mean cost with respect to W3 is dZ3 A2ᵀ. *)
Theorem mlp_dW3 : labels n3 N Y ->
  is_gradient n3 n2 (fun W => cost W1 b1 W2 b2 W b3) W3 (dZ3 ×[N] A2^T).
Proof. intros one; exact (affine_dW n3 n2 N cost_of_Z3 W3 b3 A2 dZ3 (dZ3_gradient one)). Qed.

(* mlp.db3: the gradient of the mean cost with respect to b3 is the sum of dZ3 over the batch. *)
Theorem mlp_db3 : labels n3 N Y ->
  is_gradient n3 1 (fun b => cost W1 b1 W2 b2 W3 b) b3 (row_sums N dZ3).
Proof. intros one; exact (affine_db n3 n2 N cost_of_Z3 W3 b3 A2 dZ3 (dZ3_gradient one)). Qed.

(* mlp.dW2: the gradient of the mean cost with respect to W2 is dZ2 A1ᵀ, where dZ2 = relu'(Z2) ∘ (W3ᵀ dZ3). *)
Theorem mlp_dW2 : labels n3 N Y -> no_kink n2 N Z2 ->
  is_gradient n2 n1 (fun W => cost W1 b1 W b2 W3 b3) W2 (dZ2 ×[N] A1^T).
Proof. intros one off2; exact (affine_dW n2 n1 N (cost_of_Z2 W3 b3) W2 b2 A1 dZ2 (dZ2_gradient one off2)). Qed.

(* mlp.db2: the gradient of the mean cost with respect to b2 is the sum of dZ2 over the batch. *)
Theorem mlp_db2 : labels n3 N Y -> no_kink n2 N Z2 ->
  is_gradient n2 1 (fun b => cost W1 b1 W2 b W3 b3) b2 (row_sums N dZ2).
Proof. intros one off2; exact (affine_db n2 n1 N (cost_of_Z2 W3 b3) W2 b2 A1 dZ2 (dZ2_gradient one off2)). Qed.

(* mlp.dW1: the gradient of the mean cost with respect to W1 is dZ1 Xᵀ, where dZ1 = relu'(Z1) ∘ (W2ᵀ dZ2). *)
Theorem mlp_dW1 : labels n3 N Y -> no_kink n2 N Z2 -> no_kink n1 N Z1 ->
  is_gradient n1 n0 (fun W => cost W b1 W2 b2 W3 b3) W1 (dZ1 ×[N] X^T).
Proof.
  intros one off2 off1.
  exact (affine_dW n1 n0 N (cost_of_Z1 W2 b2 W3 b3) W1 b1 X dZ1 (dZ1_gradient one off2 off1)).
Qed.

(* mlp.db1: the gradient of the mean cost with respect to b1 is the sum of dZ1 over the batch. *)
Theorem mlp_db1 : labels n3 N Y -> no_kink n2 N Z2 -> no_kink n1 N Z1 ->
  is_gradient n1 1 (fun b => cost W1 b W2 b2 W3 b3) b1 (row_sums N dZ1).
Proof.
  intros one off2 off1.
  exact (affine_db n1 n0 N (cost_of_Z1 W2 b2 W3 b3) W1 b1 X dZ1 (dZ1_gradient one off2 off1)).
Qed.

End Three_layers.
