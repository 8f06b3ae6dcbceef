(* One step of an LSTM, entry by entry, from its weighted sums: c = σ(zf) c0 + σ(zi) tanh(zg) and h = σ(zo) tanh(c).

   To first order the loss depends on the step by dh h + dc c: dh comes back to the output, dc to the cell, from the next
   step. Every theorem is the derivative of that along one of the sums, or the cell before, the others fixed. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums Matrices Gradient Activations.
Open Scope R_scope.

Definition cell (zi zf zg c0 : R) : R := sigmoid zf * c0 + sigmoid zi * tanh zg.
Definition loss_of_step (dh dc zi zf zo zg c0 : R) : R :=
  dh * (sigmoid zo * tanh (cell zi zf zg c0)) + dc * cell zi zf zg c0.

(* The whole gradient with respect to the cell: through h, and from the next step. *)
Definition of_cell (dh dc zi zf zo zg c0 : R) : R :=
  dh * sigmoid zo * (1 - tanh (cell zi zf zg c0) ^ 2) + dc.

(* Along any way in which the cell moves, the loss moves by of_cell times it. *)
Lemma through_cell dh dc o (c : R -> R) c' t :
  is_derive c t c' ->
  is_derive (fun u => dh * (o * tanh (c u)) + dc * c u) t ((dh * o * (1 - tanh (c t) ^ 2) + dc) * c').
Proof.
  intros smooth; evar_last.
  - apply @is_derive_plus.
    + apply is_derive_scal, is_derive_scal, (is_derive_comp tanh c); [apply is_derive_tanh | exact smooth].
    + apply is_derive_scal, smooth.
  - unfold plus, scal; simpl; unfold mult; simpl; ring.
Qed.

(* lstm_cell.dZi: the gradient of the cell times the candidate and the slope of the input gate. *)
Theorem lstm_cell_dZi : forall dh dc zi zf zo zg c0,
  is_derive (fun z => loss_of_step dh dc z zf zo zg c0) zi
    (of_cell dh dc zi zf zo zg c0 * (sigmoid zi * (1 - sigmoid zi) * tanh zg)).
Proof.
  intros; apply (through_cell dh dc (sigmoid zo) (fun z => cell z zf zg c0)).
  unfold cell; evar_last.
  - apply @is_derive_plus; [apply @is_derive_const | apply is_derive_scal_r, is_derive_sigmoid].
  - unfold plus, zero; simpl; ring.
Qed.

(* lstm_cell.dZf: the gradient of the cell times the cell before and the slope of the forget gate. *)
Theorem lstm_cell_dZf : forall dh dc zi zf zo zg c0,
  is_derive (fun z => loss_of_step dh dc zi z zo zg c0) zf
    (of_cell dh dc zi zf zo zg c0 * (sigmoid zf * (1 - sigmoid zf) * c0)).
Proof.
  intros; apply (through_cell dh dc (sigmoid zo) (fun z => cell zi z zg c0)).
  unfold cell; apply is_derive_plus_constant, is_derive_scal_r, is_derive_sigmoid.
Qed.

(* lstm_cell.dZg: the gradient of the cell times the input gate and the slope of tanh. *)
Theorem lstm_cell_dZg : forall dh dc zi zf zo zg c0,
  is_derive (fun z => loss_of_step dh dc zi zf zo z c0) zg
    (of_cell dh dc zi zf zo zg c0 * (sigmoid zi * (1 - tanh zg ^ 2))).
Proof.
  intros; apply (through_cell dh dc (sigmoid zo) (fun z => cell zi zf z c0)).
  unfold cell; evar_last.
  - apply @is_derive_plus; [apply @is_derive_const | apply is_derive_scal, is_derive_tanh].
  - unfold plus, zero; simpl; ring.
Qed.

(* lstm_cell.dZo: the gradient of h times the tanh of the cell and the slope of the output gate. *)
Theorem lstm_cell_dZo : forall dh dc zi zf zo zg c0,
  is_derive (fun z => loss_of_step dh dc zi zf z zg c0) zo
    (dh * (sigmoid zo * (1 - sigmoid zo) * tanh (cell zi zf zg c0))).
Proof.
  intros; unfold loss_of_step.
  apply is_derive_plus_constant, is_derive_scal, is_derive_scal_r, is_derive_sigmoid.
Qed.

(* lstm_cell.dC0: the gradient of the cell times the forget gate. *)
Theorem lstm_cell_dC0 : forall dh dc zi zf zo zg c0,
  is_derive (fun c => loss_of_step dh dc zi zf zo zg c) c0 (of_cell dh dc zi zf zo zg c0 * sigmoid zf).
Proof.
  intros; apply (through_cell dh dc (sigmoid zo) (fun c => cell zi zf zg c)).
  unfold cell; apply is_derive_plus_constant; evar_last; [apply is_derive_scal, @is_derive_id | apply Rmult_1_r].
Qed.
