(** Small models as witnesses, and tools to compute on two or three strings.

    x is log 2 throughout; on two strings every covariance is q(0) q(1) times the two steps from string 0 to string 1. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Alignment BestOfN Line Correlation.
From ProbQual Require Import Adaptors Family Simpson Metropolis Prompts.
Import ListNotations.
Open Scope R_scope.

(** * Tools *)

Definition tab (l : list R) (a : nat) : R := nth a l 0.
Notation x := (ln 2).

Lemma x_pos : 0 < x.
Proof. pose proof ln_lt_2. lra. Qed.

Lemma ln_double c : 0 < c -> ln (2 * c) = x + ln c.
Proof. intros pos. apply ln_mult; lra. Qed.

Ltac each := let a := fresh "a" in let h := fresh "h" in intros a h; repeat destruct h as [<-|h]; try destruct h.
Ltac numbers := cbv -[Rlt Rle Rplus Rmult Rminus Rinv Rdiv Ropp IZR ln exp].
Ltac decide_full := split; [each; numbers; lra|numbers; lra].

Lemma aligned_ext {A : Type} (s : list A) (p Rw Rw' : A -> R) a : (forall y, Rw y = Rw' y) ->
  aligned s p Rw a = aligned s p Rw' a /\ Z s p Rw = Z s p Rw'.
Proof.
  intros eq. assert (Z s p Rw = Z s p Rw') as z by (apply sum_ext; intros; now rewrite eq).
  split; [unfold aligned; now rewrite z, eq|exact z].
Qed.

Lemma scaled_one {A : Type} (r : A -> R) y : scaled 1 r y = r y.
Proof. unfold scaled. field. Qed.

Lemma E_two q f : E [0; 1]%nat q f = q 0%nat * f 0%nat + q 1%nat * f 1%nat.
Proof. unfold E. simpl. ring. Qed.

Lemma E_three q f : E [0; 1; 2]%nat q f = q 0%nat * f 0%nat + q 1%nat * f 1%nat + q 2%nat * f 2%nat.
Proof. unfold E. simpl. ring. Qed.

Lemma Cov_two q f g : q 0%nat + q 1%nat = 1 ->
  Cov [0; 1]%nat q f g = q 0%nat * q 1%nat * ((f 1%nat - f 0%nat) * (g 1%nat - g 0%nat)).
Proof. intros one. unfold Cov. rewrite !E_two. replace (q 1%nat) with (1 - q 0%nat) by lra. ring. Qed.

(** KL(q || p) = 0 only for q = p *)
Lemma differ {A : Type} (s : list A) (q p : A -> R) a : law s q -> full s p -> In a s -> q a <> p a -> 0 < KL s q p.
Proof.
  intros lq fp ha ne. destruct (KL_nonneg s q p lq (full_law s p fp) (full_ac s q p fp)) as [pos|zero]; [exact pos|].
  exfalso. apply ne. apply (KL_zero s q p lq (full_law s p fp) (full_ac s q p fp) (eq_sym zero) a ha).
Qed.

(** p^0 is uniform *)
Lemma tempered_zero (s : list nat) q a : tempered s q 0 a = / INR (length s).
Proof.
  unfold tempered, normalised, Rpower. rewrite (sum_ext s _ (fun _ => 1)), sum_const by (intros; now rewrite Rmult_0_l, exp_0).
  rewrite Rmult_0_l, exp_0, Rmult_1_r. unfold Rdiv. ring.
Qed.

Lemma tempered_two (s : list nat) q a : full s q -> In a s ->
  tempered s q 2 a = q a ^ 2 / sum s (fun y => q y ^ 2).
Proof.
  intros fq ha. assert (forall y, In y s -> Rpower (q y) 2 = q y ^ 2) as eq.
  { intros y hy. replace 2 with (INR 2) by (simpl; lra). apply Rpower_pow. now apply fq. }
  unfold tempered, normalised. now rewrite eq, (sum_ext s _ _ eq).
Qed.

(** * Models on two strings, with R = 0 on the first *)

(** "level": p = (1, 1)/2 and e^R = (1, 2), so that p+ = (1, 2)/3; L is constant. *)
Definition two : list nat := [0; 1]%nat.
Definition level_p : nat -> R := tab [/ 2; / 2].
Definition one_x : nat -> R := tab [0; x].

Lemma level_full : full two level_p.
Proof. decide_full. Qed.

Lemma level_Z : Z two level_p one_x = 3 / 2.
Proof. unfold Z, level_p, one_x, tab, two. simpl. rewrite exp_0, exp_ln by lra. field. Qed.

Lemma level_plus : aligned two level_p one_x 0%nat = / 3 /\ aligned two level_p one_x 1%nat = 2 / 3.
Proof.
  unfold aligned. rewrite level_Z. unfold level_p, one_x, tab. simpl. rewrite exp_0, exp_ln by lra. split; field.
Qed.

Lemma level_I : I two level_p one_x 0%nat = ln 3 /\ I two level_p one_x 1%nat = ln 3 - x.
Proof.
  unfold I. destruct level_plus as [-> ->]. split; rewrite <- ln_Rinv by lra; [f_equal; field|].
  replace (/ (2 / 3)) with (3 / 2) by field. rewrite ln_div by lra. reflexivity.
Qed.

(** "rising": p = (1, 2)/3 and e^R = (1, 2), so that p+ = (1, 4)/5 *)
Definition rising_p : nat -> R := tab [/ 3; 2 / 3].

Lemma rising_full : full two rising_p.
Proof. decide_full. Qed.

Lemma rising_plus : aligned two rising_p one_x 0%nat = / 5 /\ aligned two rising_p one_x 1%nat = 4 / 5.
Proof.
  unfold aligned, Z, rising_p, one_x, tab, two. simpl. rewrite exp_0, exp_ln by lra. split; field.
Qed.

Lemma rising_L : L rising_p 1%nat - L rising_p 0%nat = x.
Proof. unfold L, rising_p, tab; simpl. rewrite <- ln_div by lra. f_equal. field. Qed.

Lemma rising_I : I two rising_p one_x 1%nat - I two rising_p one_x 0%nat = -2 * x.
Proof.
  rewrite !(surprisal two rising_p one_x) by (apply rising_full || (unfold two; simpl; auto)).
  pose proof rising_L. unfold one_x, tab in *; simpl. lra.
Qed.

(** "trading": p = (2, 1)/3 and e^R = (1, 4), so that p+ = (1, 2)/3 *)
Definition trading_p : nat -> R := tab [2 / 3; / 3].
Definition two_x : nat -> R := tab [0; x + x].

Lemma trading_full : full two trading_p.
Proof. decide_full. Qed.

Lemma trading_plus : aligned two trading_p two_x 0%nat = / 3 /\ aligned two trading_p two_x 1%nat = 2 / 3.
Proof.
  unfold aligned, Z, trading_p, two_x, tab, two. simpl. rewrite exp_0, exp_plus, exp_ln by lra. split; field.
Qed.

Lemma trading_L : L trading_p 1%nat - L trading_p 0%nat = - x.
Proof.
  unfold L, trading_p, tab; simpl. replace (2 / 3) with (2 * / 3) by field. rewrite ln_double by lra. ring.
Qed.

Lemma trading_I : I two trading_p two_x 1%nat - I two trading_p two_x 0%nat = - x.
Proof.
  rewrite !(surprisal two trading_p two_x) by (apply trading_full || (unfold two; simpl; auto)).
  pose proof trading_L. unfold two_x, tab in *; simpl. lra.
Qed.

Definition half : nat -> R := tab [/ 2; / 2].
Lemma half_law : law two half.
Proof. apply full_law. decide_full. Qed.

Ltac in_two := unfold two; simpl; auto.

(** * A model on three strings, "tee": p = (1, 1, 2)/4 and e^R = (1, 2, 1), so that p+ = (1, 2, 2)/5 *)

Definition three : list nat := [0; 1; 2]%nat.
Definition tee_p : nat -> R := tab [/ 4; / 4; / 2].
Definition tee_R : nat -> R := tab [0; x; 0].
Notation tee_plus := (aligned three tee_p tee_R).

Lemma tee_full : full three tee_p.
Proof. decide_full. Qed.

Lemma tee_values : tee_plus 0%nat = / 5 /\ tee_plus 1%nat = 2 / 5 /\ tee_plus 2%nat = 2 / 5.
Proof.
  unfold aligned, Z, tee_p, tee_R, tab, three. simpl. rewrite exp_0, exp_ln by lra. repeat split; field.
Qed.

Lemma tee_L : L tee_p 1%nat = L tee_p 0%nat /\ L tee_p 2%nat = L tee_p 0%nat + x.
Proof.
  unfold L, tee_p, tab. simpl. split; [reflexivity|]. replace (/ 2) with (2 * / 4) by field.
  rewrite ln_double by lra. ring.
Qed.

(** E L, E R and all second moments under a law q, from q(0), q(1) and q(2) *)
Lemma tee_moments q : q 0%nat + q 1%nat + q 2%nat = 1 ->
  E three q (L tee_p) = L tee_p 0%nat + x * q 2%nat /\ E three q tee_R = x * q 1%nat /\
  Var three q (L tee_p) = x ^ 2 * (q 2%nat * (1 - q 2%nat)) /\ Var three q tee_R = x ^ 2 * (q 1%nat * (1 - q 1%nat)) /\
  Cov three q (L tee_p) tee_R = - (x ^ 2 * (q 1%nat * q 2%nat)).
Proof.
  intros one. destruct tee_L as [l1 l2]. unfold Var, Cov, three. rewrite !E_three, l1, l2.
  unfold tee_R, tab; simpl. replace (q 0%nat) with (1 - q 1%nat - q 2%nat) by lra. repeat split; ring.
Qed.

Lemma tee_sum q : law three q -> q 0%nat + q 1%nat + q 2%nat = 1.
Proof. intros [_ one]. unfold three in one. simpl in one. lra. Qed.
