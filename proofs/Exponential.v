(** Exponential families on finitely many strings: weights w e^(l r), their derivatives, and monotone functions. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums.
Import ListNotations.
Open Scope R_scope.

(** * Functions with a derivative of one sign *)

Section Monotone.
Variables (f f' : R -> R) (x y : R).
Hypothesis le : x <= y.
Hypothesis derive : forall u, x <= u <= y -> is_derive f u (f' u).

Lemma mean_value : exists u, x <= u <= y /\ f y - f x = f' u * (y - x).
Proof.
  destruct (MVT_gen f x y f') as (u & at_u & eq).
  - intros u. rewrite Rmin_left, Rmax_right by exact le. intros; apply derive; lra.
  - intros u. rewrite Rmin_left, Rmax_right by exact le. intros at_u.
    apply continuity_pt_filterlim, (ex_derive_continuous f). exists (f' u). apply derive; lra.
  - rewrite Rmin_left, Rmax_right in at_u by exact le. now exists u.
Qed.

Lemma increasing_le : (forall u, x <= u <= y -> 0 <= f' u) -> f x <= f y.
Proof. intros pos. destruct mean_value as (u & at_u & eq). specialize (pos u at_u). nra. Qed.

Lemma increasing_lt : x < y -> (forall u, x <= u <= y -> 0 < f' u) -> f x < f y.
Proof. intros lt pos. destruct mean_value as (u & at_u & eq). specialize (pos u at_u). nra. Qed.
End Monotone.

(** * The family *)

Section Tilt.
Context {A : Type}.
Variables (s : list A) (w r : A -> R).
Hypothesis some : s <> nil.
Hypothesis wp : forall a, In a s -> 0 < w a.

Definition weight (l : R) (a : A) : R := w a * exp (l * r a).
Definition tilt (l : R) : A -> R := normalised s (weight l).
Definition total (l : R) : R := sum s (weight l).

Lemma weight_pos l a : In a s -> 0 < weight l a.
Proof. intros ha. apply Rmult_lt_0_compat; [auto|apply exp_pos]. Qed.

Lemma total_pos l : 0 < total l.
Proof. apply sum_pos; auto. intros; now apply weight_pos. Qed.

Lemma tilt_full l : full s (tilt l).
Proof. apply normalised_full; auto. intros; now apply weight_pos. Qed.

Lemma weight_derive k l :
  is_derive (fun l => sum s (fun a => weight l a * k a)) l (sum s (fun a => weight l a * (k a * r a))).
Proof.
  unfold weight. clear some wp. induction s as [|x t IH]; simpl; [apply (is_derive_const 0 l)|].
  apply (is_derive_plus (fun l => w x * exp (l * r x) * k x)); [|exact IH].
  auto_derive; [exact Logic.I|ring].
Qed.

Lemma total_derive l : is_derive total l (sum s (fun a => weight l a * r a)).
Proof.
  apply (is_derive_ext (fun l => sum s (fun a => weight l a * 1)));
    [intros; unfold total; apply sum_ext; intros; ring|].
  replace (sum s (fun a => weight l a * r a)) with (sum s (fun a => weight l a * (1 * r a)))
    by (apply sum_ext; intros; ring).
  apply (weight_derive (fun _ => 1)).
Qed.

(** dE f / dl = Cov(f, r) *)
Lemma tilt_derive f l : is_derive (fun l => E s (tilt l) f) l (Cov s (tilt l) f r).
Proof.
  pose proof (total_pos l) as tp. unfold tilt, total in *.
  apply (is_derive_ext (fun l => sum s (fun a => weight l a * f a) / sum s (weight l)));
    [intros; symmetry; apply E_normalised|].
  pose proof (is_derive_div _ _ l _ _ (weight_derive f l) (total_derive l) (Rgt_not_eq _ _ tp)) as d.
  unfold total in d. unfold Cov. rewrite !E_normalised. set (t := sum s (weight l)) in *.
  match type of d with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact d|] end end.
  field. lra.
Qed.

(** d log total / dl = E r *)
Lemma log_total_derive l : is_derive (fun l => ln (total l)) l (E s (tilt l) r).
Proof.
  pose proof (total_pos l) as tp.
  pose proof (is_derive_comp ln total l _ _ (is_derive_ln _ tp) (total_derive l)) as d.
  unfold tilt. rewrite E_normalised. unfold scal in d; simpl in d; unfold mult in d; simpl in d. exact d.
Qed.

(** d(l E r - log total) / dl = l Var r *)
Lemma legendre_derive l : is_derive (fun l => l * E s (tilt l) r - ln (total l)) l (l * Var s (tilt l) r).
Proof.
  replace (l * Var s (tilt l) r) with (minus (1 * E s (tilt l) r + l * Var s (tilt l) r) (E s (tilt l) r))
    by (unfold minus, plus, opp; simpl; ring).
  apply (is_derive_minus (fun l => l * E s (tilt l) r)); [|apply log_total_derive].
  apply (is_derive_mult (fun l => l) (fun l => E s (tilt l) r) l 1 (Var s (tilt l) r)).
  - apply (@is_derive_id R_AbsRing l).
  - apply tilt_derive.
  - intros; apply Rmult_comm.
Qed.

Lemma ln_tilt l a : In a s -> ln (tilt l a) = ln (w a) + l * r a - ln (total l).
Proof.
  intros ha. unfold tilt, normalised. rewrite ln_div by (auto using weight_pos; apply total_pos).
  unfold weight at 1. rewrite ln_mult, ln_exp by (auto using exp_pos). reflexivity.
Qed.
End Tilt.

(** * Global temperature *)

Section Temperature.
Context {A : Type}.
Variables (s : list A) (q : A -> R).
Hypothesis fq : full s q.

Let logs (a : A) : R := ln (q a).

Lemma tempered_tilt tau a : tempered s q tau a = tilt s (fun _ => 1) logs tau a.
Proof.
  unfold tempered, tilt, normalised, weight, Rpower, logs. rewrite Rmult_1_l. f_equal.
  apply sum_ext. intros; ring.
Qed.

Lemma support : s <> nil.
Proof. eapply law_support, full_law, fq. Qed.

Lemma tempered_full tau : full s (tempered s q tau).
Proof. apply normalised_full; [apply support|]. intros. apply exp_pos. Qed.

Lemma powers_total tau : sum s (fun a => Rpower (q a) tau) = total s (fun _ => 1) logs tau.
Proof. apply sum_ext. intros. unfold weight, Rpower, logs. ring. Qed.

Lemma powers_pos tau : 0 < sum s (fun a => Rpower (q a) tau).
Proof. apply sum_pos; [apply support|]. intros. apply exp_pos. Qed.

Lemma ln_tempered tau a : In a s -> ln (tempered s q tau a) = tau * ln (q a) - ln (sum s (fun a => Rpower (q a) tau)).
Proof.
  intros ha. unfold tempered, normalised. rewrite ln_div by (try apply exp_pos; apply powers_pos).
  unfold Rpower at 1. now rewrite ln_exp.
Qed.

(** CE(p, q_tau) = tau CE(p, q) + log sum q^tau *)
Lemma CE_tempered p tau : law s p -> CE s p (tempered s q tau) = tau * CE s p q + ln (sum s (fun a => Rpower (q a) tau)).
Proof.
  intros [_ one]. unfold CE. set (t := ln (sum s _)).
  rewrite (sum_ext s _ (fun a => tau * (p a * ln (q a)) - p a * t))
    by (intros a ha; rewrite ln_tempered by auto; unfold t; ring).
  rewrite sum_minus, sum_scal, sum_scal_r, one. ring.
Qed.

(** dE f / dtau = Cov(f, log q) *)
Lemma tempered_derive f tau :
  is_derive (fun t => E s (tempered s q t) f) tau (Cov s (tempered s q tau) f (fun a => ln (q a))).
Proof.
  apply (is_derive_ext (fun t => E s (tilt s (fun _ => 1) logs t) f)).
  - intros t. apply E_ext_law. intros; symmetry; apply tempered_tilt.
  - rewrite (Cov_ext_law s _ (tilt s (fun _ => 1) logs tau)) by (intros; apply tempered_tilt).
    apply tilt_derive; [apply support|intros; lra].
Qed.

(** H(q_tau) = log sum q^tau - tau E log q *)
Lemma Ent_tempered tau : Ent s (tempered s q tau)
  = - (tau * E s (tempered s q tau) (fun a => ln (q a)) - ln (sum s (fun a => Rpower (q a) tau))).
Proof.
  transitivity (CE s (tempered s q tau) (tempered s q tau)); [reflexivity|].
  rewrite CE_tempered by (apply full_law, tempered_full). unfold CE, E. ring.
Qed.

(** dH / dtau = - tau Var log q *)
Lemma Ent_derive tau : is_derive (fun t => Ent s (tempered s q t)) tau
  (- (tau * Var s (tempered s q tau) (fun a => ln (q a)))).
Proof.
  apply (is_derive_ext (fun t => opp (t * E s (tilt s (fun _ => 1) logs t) logs - ln (total s (fun _ => 1) logs t)))).
  - intros t. rewrite Ent_tempered, powers_total. unfold opp; simpl. f_equal. f_equal. f_equal.
    apply E_ext_law. intros; symmetry; apply tempered_tilt.
  - unfold Var. rewrite (Cov_ext_law s _ (tilt s (fun _ => 1) logs tau)) by (intros; apply tempered_tilt).
    apply (is_derive_opp (fun t => t * E s (tilt s (fun _ => 1) logs t) logs - ln (total s (fun _ => 1) logs t))).
    apply legendre_derive; [apply support|intros; lra].
Qed.
End Temperature.
