(* Vectors and matrices of any size: products, transposes, sums along rows, and one entry replaced by a variable.

   A vector is a function from its index to R, a matrix a function from its row and column to R. The size stands where
   it is used: in the bound of a sum, and in the hypotheses on an index. In matrices a column is an example. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
From nnref Require Import Sums.
Open Scope R_scope.

Definition vec := nat -> R.
Definition mat := nat -> nat -> R.

Definition transpose (A : mat) : mat := fun i j => A j i.
Notation "A ^T" := (transpose A) (at level 8, format "A ^T").

(* The matrix product over n inner indices: (A B)_ij = Σ_k A_ik B_kj. *)
Definition product (n : nat) (A B : mat) : mat := fun i j => Σ k < n, A i k * B k j.
Notation "A ×[ n ] B" := (product n A B) (at level 40, left associativity, format "A  ×[ n ]  B").

(* The product entry by entry. *)
Definition hadamard (A B : mat) : mat := fun i j => A i j * B i j.
Notation "A ∘ B" := (hadamard A B) (at level 40, left associativity).

(* A function of one number, applied to every entry. *)
Definition each (f : R -> R) (A : mat) : mat := fun i j => f (A i j).

(* The sum of every row over its N columns, A 1: a matrix of one column. *)
Definition row_sums (N : nat) (A : mat) : mat := fun i _ => Σ s < N, A i s.

(* One column, such as one example of a batch. *)
Definition column (A : mat) (s : nat) : vec := fun i => A i s.

(* z with its entry j replaced by t, and A with its entry (i, j) replaced by t; every other entry is kept. *)
Definition with_entry (z : vec) (j : nat) (t : R) : vec := fun k => if (k =? j)%nat then t else z k.
Definition with_entry2 (A : mat) (i j : nat) (t : R) : mat :=
  fun k l => if ((k =? i)%nat && (l =? j)%nat)%bool then t else A k l.

Lemma with_entry_itself z j k : with_entry z j (z j) k = z k.
Proof. unfold with_entry; destruct (Nat.eqb_spec k j) as [-> |]; reflexivity. Qed.

Lemma with_entry2_itself A i j k l : with_entry2 A i j (A i j) k l = A k l.
Proof.
  unfold with_entry2; destruct (Nat.eqb_spec k i) as [-> |], (Nat.eqb_spec l j) as [-> |]; reflexivity.
Qed.

Lemma is_derive_with_entry z j k t : is_derive (fun u => with_entry z j u k) t (δ k j).
Proof.
  unfold with_entry, δ; destruct (k =? j)%nat; [apply @is_derive_id | apply @is_derive_const].
Qed.

Lemma is_derive_with_entry2 A i j k l t : is_derive (fun u => with_entry2 A i j u k l) t (δ k i * δ l j).
Proof.
  unfold with_entry2, δ; destruct (k =? i)%nat, (l =? j)%nat; simpl; rewrite ?Rmult_1_l, ?Rmult_0_l;
    [apply @is_derive_id | apply @is_derive_const ..].
Qed.
