(** alignment: when the inequalities are strict, and the finite sets of strings of an infinite alphabet. *)

Require Import Reals Lra Lia List Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Alignment BestOfN.
Import ListNotations.
Open Scope R_scope.

Section Constant.
Context {A : Type}.
Implicit Types (s : list A) (p q f : A -> R).

Lemma Var_constant s q f : law s q -> constant s f -> Var s q f = 0.
Proof.
  intros lq (c & same). unfold Var. rewrite (Cov_ext s q f (fun _ => c) f (fun _ => c)) by auto. now apply Cov_const.
Qed.

Lemma Var_positive s q f : full s q -> ~ constant s f -> 0 < Var s q f.
Proof.
  intros fq no. destruct (Var_nonneg s q f (full_law s q fq)) as [lt|eq]; [exact lt|]. destruct no.
  exists (E s q f). intros a ha. destruct (Var_zero s q f (full_law s q fq) (eq_sym eq) a ha) as [zero|same]; auto.
  destruct fq as [pos _]. specialize (pos a ha). lra.
Qed.

Lemma KL_positive s q p : law s q -> full s p -> ~ same_law s q p -> 0 < KL s q p.
Proof.
  intros lq fp no. destruct (KL_nonneg s q p lq (full_law s p fp) (full_ac s q p fp)) as [lt|eq]; [exact lt|].
  destruct no. intros a ha. now apply (KL_zero s q p lq (full_law s p fp) (full_ac s q p fp)).
Qed.

Lemma KL_same s q p : law s q -> same_law s q p -> KL s q p = 0.
Proof. intros [pos _] same. rewrite <- (KL_self s q pos). apply KL_ext; auto. intros; symmetry; auto. Qed.
End Constant.

Theorem alignment_secret_reward_sign_holds : alignment_secret_reward_sign.
Proof.
  intros A s p r beta bp fp plus. assert (full s plus) as fq by apply aligned_full, fp. split; [reflexivity|].
  split.
  - intros no. apply KL_positive; auto using full_law. intros same. apply no.
    exists (beta * ln (Z s p (scaled beta r))). intros a ha.
    pose proof (ln_ratio s p fp (scaled beta r) a ha) as eq. fold plus in eq. rewrite same in eq by auto.
    destruct fp as [pos _]. specialize (pos a ha). unfold Rdiv in eq at 1. rewrite Rinv_r, ln_1 in eq by lra.
    assert (scaled beta r a = ln (Z s p (scaled beta r))) as <- by lra. unfold scaled. field. lra.
  - intros (c & same). apply KL_same; [now apply full_law|]. intros a ha. unfold plus, aligned, Z.
    rewrite (sum_ext s _ (fun a => p a * exp (c / beta))) by (intros; unfold scaled; now rewrite same).
    rewrite sum_scal_r. destruct fp as [_ ->]. unfold scaled. rewrite same by auto. field. apply Rgt_not_eq, exp_pos.
Qed.

Theorem alignment_secret_reward_shifted_holds : alignment_secret_reward_shifted.
Proof.
  intros A s p Rw c fp other q q'. destruct (alignment_secret_reward_shift_holds A s p Rw (L p) c fp) as (same & cov &
    _).
  destruct (alignment_secret_reward_shift_holds A s p Rw Rw c fp) as (_ & covR & _).
  fold other q' q in same, cov, covR. assert (law s q) as lq by apply full_law, aligned_full, fp.
  assert (forall f, E s q' f = E s q f) as means by (intros; now apply E_ext_law).
  split; [exact same|]. split; [unfold Ent; f_equal; apply sum_ext; intros; now rewrite same|].
  split; [apply means|]. split; [rewrite means; unfold other; now rewrite E_plus, E_const|].
  split; [now apply Cov_ext_law|]. split; [|split; [exact cov|]].
  - unfold Var. rewrite (Cov_ext_law s q' q) by auto. unfold other.
    rewrite Cov_plus, Cov_const, (Cov_sym s q Rw), Cov_plus, Cov_const by auto. ring.
  - replace (Z s p other) with (Z s p Rw * exp c).
    + rewrite ln_mult, ln_exp by (try apply exp_pos; apply Z_pos, fp). reflexivity.
    + unfold Z, other. rewrite <- sum_scal_r. apply sum_ext. intros. rewrite exp_plus. ring.
Qed.

Lemma strength_constant {A : Type} (s : list A) (p r : A -> R) (l : R) : full s p -> constant s r ->
  same_law s (strength s p r l) p.
Proof.
  intros fp (c & same) a ha. unfold strength, aligned, Z.
  rewrite (sum_ext s _ (fun a => p a * exp (l * c))) by (intros; now rewrite same).
  rewrite sum_scal_r. destruct fp as [_ ->]. rewrite same by auto. field. apply Rgt_not_eq, exp_pos.
Qed.

Theorem alignment_strength_rises_holds : alignment_strength_rises.
Proof.
  intros A s p r l l' fp [l0 lt]. split.
  - intros no. assert (forall u, 0 < Var s (strength s p r u) r) as vp by (intros; now apply Var_positive, no; apply
      aligned_full).
    split.
    + apply (increasing_lt (fun u => E s (strength s p r u) r) (fun u => Var s (strength s p r u) r)); auto; [lra|].
      intros u _. now apply strength_derive.
    + set (f := fun u => KL s (strength s p r u) p). set (f' := fun u => u * Var s (strength s p r u) r).
      assert (forall u, is_derive f u (f' u)) as der by (intros u; now apply alignment_strength_divergence_holds).
      set (m := (l + l') / 2). apply Rle_lt_trans with (f m).
      * apply (increasing_le f f'); auto; [unfold m; lra|]. intros u at_u. apply Rmult_le_pos; [lra|]. now apply Rlt_le.
      * apply (increasing_lt f f'); auto; [unfold m; lra|unfold m; lra|]. intros u at_u. apply Rmult_lt_0_compat; auto.
        unfold m in at_u. lra.
  - intros same. split.
    + transitivity (E s p r); [|symmetry]; apply E_ext_law; now apply strength_constant.
    + rewrite !KL_same; auto using strength_constant; apply strength_law, fp.
Qed.

(** * Finite sets of strings: p need not sum to 1 on them *)

Section FiniteSet.
Context {A : Type}.
Variables (s : list A) (p r : A -> R) (beta : R).
Hypotheses (bp : 0 < beta) (some : s <> nil) (pos : forall a, In a s -> 0 < p a).
Let w (a : A) : R := p a * exp (r a / beta).
Let given : A -> R := normalised s w.

Lemma set_pos a : In a s -> 0 < w a.
Proof. intros ha. apply Rmult_lt_0_compat; [auto|apply exp_pos]. Qed.

Lemma given_full : full s given.
Proof. apply normalised_full; auto. intros. now apply set_pos. Qed.

(** E_q[r - beta log(q / p)] = beta log(sum w) - beta KL(q || w / sum w) *)
Lemma set_gap q : law s q ->
  E s q (fun a => r a - beta * ln (q a / p a)) = beta * ln (sum s w) - beta * KL s q given.
Proof.
  intros lq. rewrite <- (E_const s q (beta * ln (sum s w)) lq). unfold KL. rewrite <- sum_scal. unfold E.
  rewrite <- sum_minus. apply sum_ext. intros a ha. destruct lq as [q0 _]. destruct (q0 a ha) as [qp|<-]; [|ring].
  pose proof (set_pos a ha). pose proof (pos a ha). pose proof (sum_pos s w some set_pos).
  assert (0 < given a) by now apply given_full.
  rewrite !ln_div by auto. unfold given, normalised. rewrite ln_div by auto.
  assert (ln (w a) = ln (p a) + r a / beta) as -> by (unfold w; rewrite ln_mult, ln_exp; auto using exp_pos).
  field. lra.
Qed.

Lemma set_best : law s given /\ E s given (fun a => r a - beta * ln (given a / p a)) = beta * ln (sum s w) /\
  (forall q, law s q -> E s q (fun a => r a - beta * ln (q a / p a)) <= beta * ln (sum s w)).
Proof.
  pose proof given_full as fg. assert (law s given) as lg by now apply full_law. split; [exact lg|]. split.
  - rewrite set_gap, KL_self by (auto; apply lg). ring.
  - intros q lq. rewrite set_gap by auto. pose proof (KL_nonneg s q given lq lg (full_ac s q given fg)). nra.
Qed.
End FiniteSet.

Theorem alignment_gibbs_finite_set_holds : alignment_gibbs_finite_set.
Proof. intros A s p r beta bp some pos value top given. now apply set_best. Qed.

Theorem alignment_gibbs_no_upper_bound_holds : alignment_gibbs_no_upper_bound.
Proof.
  intros A p r beta bp pos large B. destruct (large (exp (B / beta))) as (s & distinct & big).
  pose proof (exp_pos (B / beta)) as ep. assert (s <> nil) as some by (intros ->; simpl in big; lra).
  destruct (set_best s p r beta bp some (fun a _ => pos a)) as (lg & eq & _).
  exists s, (normalised s (fun a => p a * exp (r a / beta))). split; [exact distinct|]. split; [exact lg|].
  rewrite eq. apply ln_le in big; [|exact ep]. rewrite ln_exp in big. apply (Rmult_le_compat_l beta) in big; [|lra].
  replace (beta * (B / beta)) with B in big by (field; lra). exact big.
Qed.

(** * Best of n *)

Theorem alignment_best_of_n_price_holds : alignment_best_of_n_price.
Proof.
  intros A s p r q lambda fp lq pl.
  pose proof (gibbs_scaled s p fp (fun a => lambda * r a) _ lq) as at_q.
  pose proof (gibbs_scaled s p fp (fun a => lambda * r a) _ (strength_law s p r fp lambda)) as at_l.
  fold (strength s p r lambda) in at_q, at_l. rewrite E_scal in at_q, at_l.
  rewrite (KL_self s (strength s p r lambda)) in at_l by (intros; now apply strength_law). fold pl in at_q, at_l. lra.
Qed.

Lemma best_law {A : Type} (s : list A) (p r : A -> R) (n : nat) : full s p -> (1 <= n)%nat -> law s (best s p r n).
Proof. intros fp some. destruct n as [|k]; [lia|]. now apply full_law, best_full. Qed.

Theorem alignment_best_of_n_earns_more_holds : alignment_best_of_n_earns_more.
Proof.
  intros A s p r n lambda fp some lp cost. pose proof (best_law s p r n fp some) as lq.
  destruct (classic (same_law s (best s p r n) (strength s p r lambda))) as [same|no]; [now right|left].
  pose proof (alignment_best_of_n_price_holds A s p r _ lambda fp lq) as price. cbv zeta in price.
  assert (0 < KL s (best s p r n) (strength s p r lambda)) as pos by (apply KL_positive; auto; now apply aligned_full).
  apply (Rmult_lt_reg_l lambda); [exact lp|]. lra.
Qed.
