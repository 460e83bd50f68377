(** adaptors.family: the laws q_{s,t}, proportional to p^s e^(t R). *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Adaptors.
Import ListNotations.
Open Scope R_scope.

Section Family.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.

Lemma family_full sigma t : full s (family s p Rw sigma t).
Proof.
  apply normalised_full; [eapply law_support, full_law, fp|].
  intros a _. apply Rmult_lt_0_compat; apply exp_pos.
Qed.

Lemma family_law sigma t : law s (family s p Rw sigma t).
Proof. apply full_law, family_full. Qed.

Definition log_total (sigma t : R) : R := ln (sum s (fun a => Rpower (p a) sigma * exp (t * Rw a))).

Lemma ln_family sigma t a : In a s -> ln (family s p Rw sigma t a) = sigma * L p a + t * Rw a - log_total sigma t.
Proof.
  intros ha. assert (forall y, 0 < Rpower (p y) sigma * exp (t * Rw y)) as pos.
  { intros y. apply Rmult_lt_0_compat; apply exp_pos. }
  unfold family, normalised. rewrite ln_div; [| |apply sum_pos; auto; eapply law_support, full_law, fp]; auto.
  rewrite ln_mult by apply exp_pos. unfold Rpower at 1. rewrite !ln_exp. reflexivity.
Qed.

(** E_q log(q_{s,t} / q_{s0,t0}) is affine in (E_q L, E_q R) *)
Lemma family_ratio q sigma t sigma0 t0 : law s q ->
  E s q (fun a => ln (family s p Rw sigma t a) - ln (family s p Rw sigma0 t0 a))
  = (sigma - sigma0) * E s q (L p) + (t - t0) * E s q Rw - (log_total sigma t - log_total sigma0 t0).
Proof.
  intros lq. set (k := log_total sigma t - log_total sigma0 t0).
  rewrite (E_ext s q _ (fun a => (sigma - sigma0) * L p a + (t - t0) * Rw a - k))
    by (intros a ha; rewrite !ln_family by auto; unfold k; ring).
  rewrite E_minus, E_plus, !E_scal, E_const by auto. reflexivity.
Qed.

(** KL(q || q_{s0,t0}) - KL(q || q_{s,t}) = E_q log(q_{s,t} / q_{s0,t0}) *)
Lemma family_divergence q sigma t sigma0 t0 : law s q ->
  KL s q (family s p Rw sigma0 t0) - KL s q (family s p Rw sigma t)
  = E s q (fun a => ln (family s p Rw sigma t a) - ln (family s p Rw sigma0 t0 a)).
Proof.
  intros lq. rewrite !KL_split by (auto; apply family_full). rewrite E_minus. unfold CE, E. ring.
Qed.

Lemma family_KL_nonneg q sigma t : law s q -> 0 <= KL s q (family s p Rw sigma t).
Proof.
  intros lq. apply KL_nonneg; auto using family_law. intros a ha. apply (full_ac s q _ (family_full sigma t) a ha).
Qed.

Lemma family_gradient f sigma t c d :
  is_derive (fun u => E s (family s p Rw (sigma + u * c) (t + u * d)) f) 0
    (c * Cov s (family s p Rw sigma t) f (L p) + d * Cov s (family s p Rw sigma t) f Rw).
Proof.
  set (w := fun a => Rpower (p a) sigma * exp (t * Rw a)). set (r := fun a => c * L p a + d * Rw a).
  assert (forall u a, family s p Rw (sigma + u * c) (t + u * d) a = tilt s w r u a) as same.
  { assert (forall u a, Rpower (p a) (sigma + u * c) * exp ((t + u * d) * Rw a) = weight w r u a) as weights.
    { intros u a. unfold weight, w, r, Rpower, L. rewrite <- !exp_plus. f_equal. ring. }
    intros u a. unfold family, tilt, normalised. rewrite weights. f_equal. apply sum_ext. intros; apply weights. }
  apply (is_derive_ext (fun u => E s (tilt s w r u) f)).
  - intros u. apply E_ext_law. intros; symmetry; apply same.
  - replace (c * _ + d * _) with (Cov s (tilt s w r 0) f r).
    + apply tilt_derive; [eapply law_support, full_law, fp|]. intros. apply Rmult_lt_0_compat; apply exp_pos.
    + rewrite (Cov_ext_law s _ (family s p Rw sigma t)).
      * unfold r. rewrite Cov_sym, Cov_plus, !Cov_scal, !(Cov_sym s _ f). reflexivity.
      * intros a _. rewrite <- same. now rewrite !Rmult_0_l, !Rplus_0_r.
Qed.
End Family.

Theorem adaptors_family_gradient_holds : adaptors_family_gradient.
Proof. intros A s p Rw f sigma t c d fp q. now apply family_gradient. Qed.

Theorem adaptors_family_flow_holds : adaptors_family_flow.
Proof.
  intros A s p Rw sigma t fp q l r k at_. split.
  - replace (l * r - k ^ 2) with ((k + r) * Cov s q (L p) (L p) + - (l + k) * Cov s q (L p) Rw)
      by (fold k; fold (Var s q (L p)) l; ring). now apply family_gradient.
  - replace (- (l * r - k ^ 2)) with ((k + r) * Cov s q Rw (L p) + - (l + k) * Cov s q Rw Rw)
      by (rewrite (Cov_sym s q Rw (L p)); fold k; fold (Var s q Rw) r; ring). now apply family_gradient.
Qed.

Theorem adaptors_family_injective_holds : adaptors_family_injective.
Proof.
  intros A s p Rw fp ind sigma t sigma' t' q q'.
  assert (full s q) as fq by now apply family_full. assert (full s q') as fq' by now apply family_full.
  assert (law s q) as lq by now apply full_law. assert (law s q') as lq' by now apply full_law.
  split; [now apply independent_det|]. intros el er.
  pose proof (family_divergence s p Rw fp q' sigma t sigma' t' lq') as one. rewrite family_ratio in one by auto.
  pose proof (family_divergence s p Rw fp q sigma t sigma' t' lq) as two. rewrite family_ratio in two by auto.
  fold q q' in one, two. rewrite el, er in two.
  rewrite (KL_self s q') in one by (intros; now apply lq').
  rewrite (KL_self s q) in two by (intros; now apply lq).
  pose proof (family_KL_nonneg s p Rw fp q' sigma t lq') as pos. fold q in pos.
  pose proof (family_KL_nonneg s p Rw fp q sigma' t' lq) as pos'. fold q' in pos'.
  assert (forall a, In a s -> q a = q' a) as same.
  { apply KL_zero; auto; [intros a ha; apply (full_ac s q _ fq' a ha)|]. lra. }
  destruct (ind (- (log_total s p Rw sigma t - log_total s p Rw sigma' t')) (sigma - sigma') (t - t')) as (_ & e1 & e2).
  - intros a ha. pose proof (f_equal ln (same a ha)) as logs. unfold q, q' in logs. rewrite !ln_family in logs by auto.
    lra.
  - split; lra.
Qed.

Theorem adaptors_family_front_holds : adaptors_family_front.
Proof.
  intros A s p Rw q sigma t sigma0 t0 fp lq from best within.
  assert (law s best) as lb by now apply family_law.
  pose proof (family_divergence s p Rw fp q sigma t sigma0 t0 lq) as one. rewrite family_ratio in one by auto.
  pose proof (family_divergence s p Rw fp best sigma t sigma0 t0 lb) as two. rewrite family_ratio in two by auto.
  fold from best in one, two. rewrite (KL_self s best) in two by (intros; now apply lb).
  pose proof (family_KL_nonneg s p Rw fp q sigma t lq) as pos. fold best in pos. lra.
Qed.
