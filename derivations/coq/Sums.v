(* Finite sums Σ i < n, f i = f 0 + … + f (n − 1) of real numbers, for every size n: linear, interchangeable, and with
   the Kronecker delta they pick out one term.

   Indices count from 0, as in the code. A sum takes its size from n and reads f at 0, …, n − 1 only. *)
From Coq Require Import Reals Lra Lia Arith.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Fixpoint Sum (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S k => Sum k f + f k end.

(* A sum reaches as far as the products after it, and stops at + and −, as on paper. *)
Notation "'Σ' i < n , term" := (Sum n (fun i => term))
  (at level 41, i name, n at level 39, term at level 41, right associativity).

(* The Kronecker delta: 1 where the indices are equal, else 0. *)
Definition δ (i j : nat) : R := if (i =? j)%nat then 1 else 0.

Lemma Sum_ext n f g : (forall k, (k < n)%nat -> f k = g k) -> Sum n f = Sum n g.
Proof.
  induction n; intros same; simpl; [reflexivity |].
  rewrite IHn by (intros; apply same; lia). now rewrite same by lia.
Qed.

Lemma Sum_plus n f g : Σ k < n, (f k + g k) = Sum n f + Sum n g.
Proof. induction n; simpl; [| rewrite IHn]; ring. Qed.

Lemma Sum_minus n f g : Σ k < n, (f k - g k) = Sum n f - Sum n g.
Proof. induction n; simpl; [| rewrite IHn]; ring. Qed.

Lemma Sum_scal_l n c f : Σ k < n, c * f k = c * Sum n f.
Proof. induction n; simpl; [| rewrite IHn]; ring. Qed.

Lemma Sum_scal_r n c f : Σ k < n, f k * c = Sum n f * c.
Proof. induction n; simpl; [| rewrite IHn]; ring. Qed.

Lemma Sum_zero n : Σ _k < n, 0 = 0.
Proof. induction n; simpl; [| rewrite IHn]; ring. Qed.

(* The order of two finite sums does not matter. *)
Lemma Sum_swap m n (f : nat -> nat -> R) : Σ i < m, Σ j < n, f i j = Σ j < n, Σ i < m, f i j.
Proof.
  induction m; simpl.
  - symmetry; apply Sum_zero.
  - rewrite IHm. symmetry; apply (Sum_plus n (fun j => Σ i < m, f i j)).
Qed.

Lemma δ_same i : δ i i = 1.
Proof. unfold δ; now rewrite Nat.eqb_refl. Qed.

Lemma δ_other i j : i <> j -> δ i j = 0.
Proof. intros other; unfold δ; now apply Nat.eqb_neq in other as ->. Qed.

Lemma δ_sym i j : δ i j = δ j i.
Proof. unfold δ; now rewrite Nat.eqb_sym. Qed.

(* Only the term k = j is left. *)
Lemma Sum_δ n j f : (j < n)%nat -> Σ k < n, f k * δ k j = f j.
Proof.
  induction n; intros below; [lia | simpl].
  destruct (Nat.eq_dec n j) as [-> | other].
  - rewrite (Sum_ext j _ (fun _ => 0)), Sum_zero, δ_same; [ring |].
    intros k smaller; rewrite δ_other by lia; ring.
  - rewrite IHn, (δ_other n) by lia; ring.
Qed.

Lemma Sum_positive n f : (0 < n)%nat -> (forall k, (k < n)%nat -> 0 < f k) -> 0 < Sum n f.
Proof.
  destruct n; [lia |]; intros _ positive.
  induction n; simpl in *; [specialize (positive O ltac:(lia)); lra |].
  specialize (positive (S n) ltac:(lia)) as last.
  enough (0 < Sum n f + f n) by lra.
  apply IHn; intros; apply positive; lia.
Qed.

Lemma Sum_nonnegative n f : (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= Sum n f.
Proof.
  induction n; intros nonnegative; simpl; [lra |].
  specialize (nonnegative n ltac:(lia)) as last.
  enough (0 <= Sum n f) by lra.
  apply IHn; intros; apply nonnegative; lia.
Qed.

(* The derivative of a finite sum is the sum of the derivatives. *)
Lemma is_derive_Sum n (f : nat -> R -> R) (f' : nat -> R) t :
  (forall k, (k < n)%nat -> is_derive (f k) t (f' k)) ->
  is_derive (fun u => Σ k < n, f k u) t (Sum n f').
Proof.
  induction n; intros each_term; simpl.
  - apply @is_derive_const.
  - apply @is_derive_plus; [apply IHn; intros |]; apply each_term; lia.
Qed.

Lemma is_derive_scal_r (f : R -> R) f' c t : is_derive f t f' -> is_derive (fun u => f u * c) t (f' * c).
Proof. intros smooth; now apply (is_derive_scal_l f t f' c). Qed.

Lemma is_derive_plus_constant (f : R -> R) f' c t : is_derive f t f' -> is_derive (fun u => f u + c) t f'.
Proof.
  intros smooth; evar_last; [apply @is_derive_plus; [exact smooth | apply @is_derive_const] | apply Rplus_0_r].
Qed.
