(** alignment: the Gibbs law, the secret reward, and the strength of the alignment. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential.
Import ListNotations.
Open Scope R_scope.

Section Gibbs.
Context {A : Type}.
Variables (s : list A) (p : A -> R).
Hypothesis fp : full s p.

(** log(p+ / p) = R - log Z *)
Lemma ln_ratio Rw a : In a s -> ln (aligned s p Rw a / p a) = Rw a - ln (Z s p Rw).
Proof.
  intros ha. pose proof (aligned_full s p Rw fp) as [pos _].
  rewrite ln_div by (auto; apply fp; auto). rewrite ln_aligned by auto. unfold L. ring.
Qed.

(** E_q R - KL(q || p) = log Z - KL(q || p+) *)
Lemma gibbs_scaled Rw q : law s q -> E s q Rw - KL s q p = ln (Z s p Rw) - KL s q (aligned s p Rw).
Proof.
  intros lq. pose proof (aligned_full s p Rw fp) as [pos _].
  rewrite !KL_split by (auto; apply fp). rewrite CE_surprisal, E_surprisal by auto.
  unfold CE. change (sum s (fun a => q a * ln (p a))) with (E s q (L p)). ring.
Qed.

Lemma E_scaled beta r q : beta <> 0 -> E s q r = beta * E s q (scaled beta r).
Proof. intros nz. rewrite <- E_scal. apply E_ext. intros. unfold scaled. field. exact nz. Qed.

Lemma divergence_from_aligned Rw q : law s q -> 0 <= KL s q (aligned s p Rw) /\
  (KL s q (aligned s p Rw) = 0 <-> forall a, In a s -> q a = aligned s p Rw a).
Proof.
  intros lq. pose proof (aligned_full s p Rw fp) as fa. repeat split.
  - apply KL_nonneg; auto using full_law. intros a ha. apply (full_ac s q _ fa a ha).
  - intros zero. apply KL_zero; auto using full_law. intros a ha. apply (full_ac s q _ fa a ha).
  - intros eq. rewrite (KL_ext s q _ _ _ eq (fun _ _ => eq_refl)). apply KL_self. intros a ha. apply Rlt_le, fa, ha.
Qed.
End Gibbs.

Theorem alignment_gibbs_gap_holds : alignment_gibbs_gap.
Proof.
  intros A s p r q beta bp fp lq. rewrite (E_scaled s beta) by lra.
  pose proof (gibbs_scaled s p fp (scaled beta r) q lq) as g.
  apply (f_equal (Rmult beta)) in g. lra.
Qed.

Theorem alignment_gibbs_unique_holds : alignment_gibbs_unique.
Proof.
  intros A s p r q beta bp fp lq. rewrite alignment_gibbs_gap_holds by auto.
  destruct (divergence_from_aligned s p fp (scaled beta r) q lq) as [pos zero]. rewrite <- zero.
  assert (0 <= beta * KL s q (aligned s p (scaled beta r))) by (apply Rmult_le_pos; lra).
  split; [lra|]. split.
  - intros eq. apply (Rmult_eq_reg_l beta); lra.
  - intros ->. ring.
Qed.

Theorem alignment_gibbs_unbounded_holds : alignment_gibbs_unbounded.
Proof.
  intros n some s p Rw. assert (length s = n) as len by apply seq_length.
  assert (0 < INR n) as np by (apply lt_0_INR; lia).
  unfold E, KL, uniform. rewrite len, <- sum_minus, (sum_ext s _ (fun _ => / INR n * ln (INR n))).
  - rewrite sum_const, len. field. lra.
  - intros k _. unfold Rw, p. assert (0 < 2 ^ k) by (apply pow_lt; lra).
    rewrite pow_inv. replace (/ INR n / / 2 ^ k) with (2 ^ k / INR n) by (field; lra).
    rewrite ln_div by auto. ring.
Qed.

Theorem alignment_secret_reward_identity_holds : alignment_secret_reward_identity.
Proof.
  intros A s p r beta a bp fp ha. rewrite ln_ratio by auto. unfold scaled at 1. field. lra.
Qed.

Theorem alignment_secret_reward_audit_holds : alignment_secret_reward_audit.
Proof.
  intros A s p Rw fp. split; [reflexivity|].
  apply KL_nonneg; [apply full_law, aligned_full, fp|apply full_law, fp|apply full_ac, fp].
Qed.

Theorem alignment_secret_reward_shift_holds : alignment_secret_reward_shift.
Proof.
  intros A s p Rw f c fp other. pose proof (Z_pos s p Rw fp) as zp. pose proof (exp_pos c) as cp.
  assert (forall a, In a s -> aligned s p other a = aligned s p Rw a) as same.
  { intros a ha. unfold aligned, other. replace (Z s p (fun a => Rw a + c)) with (Z s p Rw * exp c).
    - rewrite exp_plus. field. lra.
    - unfold Z. rewrite <- sum_scal_r. apply sum_ext. intros. rewrite exp_plus. ring. }
  assert (forall g, Cov s (aligned s p other) g other = Cov s (aligned s p Rw) g Rw) as cov.
  { intros g. rewrite (Cov_ext_law s _ _ _ _ same), !(Cov_sym s _ g). unfold other.
    rewrite Cov_plus, Cov_const by (apply full_law, aligned_full, fp). ring. }
  repeat split; auto. unfold Corr, Var. rewrite cov, (Cov_ext_law s _ _ f f same).
  rewrite (cov other). now rewrite (Cov_sym s _ other Rw), <- (Cov_ext_law s _ _ Rw other same), cov.
Qed.

(** * Strength *)

Section Strength.
Context {A : Type}.
Variables (s : list A) (p r : A -> R).
Hypothesis fp : full s p.

Lemma strength_law l : law s (strength s p r l).
Proof. apply full_law, aligned_full, fp. Qed.

Lemma some_strings : s <> nil.
Proof. eapply law_support, full_law, fp. Qed.

(** dE f / dlambda = Cov(f, r); p_lambda is the tilt of p by r *)
Lemma strength_derive f l : is_derive (fun l => E s (strength s p r l) f) l (Cov s (strength s p r l) f r).
Proof. apply (tilt_derive s p r some_strings). apply fp. Qed.

(** KL(p_lambda || p) = lambda E r - log Z *)
Lemma strength_divergence l : KL s (strength s p r l) p = l * E s (tilt s p r l) r - ln (total s p r l).
Proof.
  pose proof (gibbs_scaled s p fp (fun a => l * r a) _ (strength_law l)) as g. unfold strength in *.
  rewrite KL_self, E_scal in g by (intros; now apply strength_law).
  change (aligned s p (fun a => l * r a)) with (tilt s p r l) in *.
  change (Z s p (fun a => l * r a)) with (total s p r l) in g. lra.
Qed.
End Strength.

Theorem alignment_strength_reward_holds : alignment_strength_reward.
Proof.
  intros A s p r l fp. split; [apply strength_derive, fp|apply Var_nonneg, strength_law, fp].
Qed.

Theorem alignment_strength_divergence_holds : alignment_strength_divergence.
Proof.
  intros A s p r l fp. apply (is_derive_ext (fun l => l * E s (tilt s p r l) r - ln (total s p r l)));
    [intros; symmetry; apply strength_divergence, fp|].
  apply legendre_derive; [apply (some_strings s p fp)|apply fp].
Qed.

Theorem alignment_strength_likelihood_holds : alignment_strength_likelihood.
Proof. intros A s p r l fp. apply strength_derive, fp. Qed.

(** Two strings with p = (1, 2)/3 and r = (0, 1) or (1, 0): Cov(L, r) = -+ 2/9 log 2. *)
Theorem alignment_strength_no_sign_holds : alignment_strength_no_sign.
Proof.
  assert (full [0; 1]%nat (fun a => (INR a + 1) / 3)) as fp.
  { split; [intros a [<-|[<-|[]]]|]; simpl; lra. }
  assert (ln (2 / 3) = ln 2 + ln (1 / 3)) as two by (rewrite <- ln_mult by lra; f_equal; lra).
  pose proof ln_lt_2 as pos.
  split; exists [0; 1]%nat, (fun a => (INR a + 1) / 3).
  - exists (fun a => 1 - INR a). split; [exact fp|].
    unfold strength, Cov, E, aligned, Z, L. simpl. rewrite !Rmult_0_l, exp_0.
    replace ((0 + 1) / 3) with (1 / 3) by lra. replace ((1 + 1) / 3) with (2 / 3) by lra. rewrite two. lra.
  - exists (fun a => INR a). split; [exact fp|].
    unfold strength, Cov, E, aligned, Z, L. simpl. rewrite !Rmult_0_l, exp_0.
    replace ((0 + 1) / 3) with (1 / 3) by lra. replace ((1 + 1) / 3) with (2 / 3) by lra. rewrite two. lra.
Qed.
