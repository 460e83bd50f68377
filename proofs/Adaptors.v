(** adaptors: what temperature, truncation and any other law on strings do to E L and E R. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential.
Import ListNotations.
Open Scope R_scope.

(** * Global temperature *)

Section Exchange.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.

Lemma tempered_law tau : law s (tempered s (aligned s p Rw) tau).
Proof. apply full_law, tempered_full, aligned_full, fp. Qed.

(** log p+ = - I *)
Lemma Cov_log q f : Cov s q f (fun a => ln (aligned s p Rw a)) = - Cov s q f (I s p Rw).
Proof.
  rewrite Cov_sym, (Cov_sym s q f).
  rewrite (Cov_ext s q _ (fun a => -1 * I s p Rw a) f f) by (auto; intros; unfold I; ring).
  rewrite Cov_scal. ring.
Qed.

Lemma temperature_derive f tau :
  is_derive (fun t => E s (tempered s (aligned s p Rw) t) f) tau
            (- Cov s (tempered s (aligned s p Rw) tau) f (I s p Rw)).
Proof. rewrite <- Cov_log. apply tempered_derive, aligned_full, fp. Qed.

(** b V = Cov(L, I) = - Var L - Cov(L, R) and (1 + b) V = - Cov(R, I) = Var R + Cov(L, R) *)
Lemma exchange_moments q : law s q -> 0 < Var s q (I s p Rw) ->
  b s p Rw q * Var s q (I s p Rw) = - Var s q (L p) - Cov s q (L p) Rw /\
  (1 + b s p Rw q) * Var s q (I s p Rw) = Var s q Rw + Cov s q (L p) Rw.
Proof.
  intros lq vp. assert (b s p Rw q * Var s q (I s p Rw) = - Var s q (L p) - Cov s q (L p) Rw) as eq.
  { unfold b. rewrite Cov_surprisal by auto. unfold Var at 3. field. lra. }
  split; [exact eq|]. rewrite Rmult_plus_distr_r, eq, Var_surprisal by auto. ring.
Qed.

Lemma Cov_reward_surprisal q : law s q -> Cov s q Rw (I s p Rw) = - (Var s q Rw + Cov s q (L p) Rw).
Proof. intros lq. rewrite Cov_surprisal, (Cov_sym s q Rw (L p)) by auto. unfold Var. ring. Qed.
End Exchange.

Theorem adaptors_exchange_likelihood_holds : adaptors_exchange_likelihood.
Proof.
  intros A s p Rw tau fp q V vp. pose proof (tempered_law s p Rw fp tau) as lq.
  destruct (exchange_moments s p Rw fp (q tau) lq vp) as [eq _]. fold V in eq.
  replace (- b s p Rw (q tau) * V) with (- Cov s (q tau) (L p) (I s p Rw)); [apply temperature_derive, fp|].
  rewrite Cov_surprisal by auto. fold (Var s (q tau) (L p)). lra.
Qed.

Theorem adaptors_exchange_reward_holds : adaptors_exchange_reward.
Proof.
  intros A s p Rw tau fp q V vp. pose proof (tempered_law s p Rw fp tau) as lq.
  destruct (exchange_moments s p Rw fp (q tau) lq vp) as [_ eq]. fold V in eq.
  replace ((1 + b s p Rw (q tau)) * V) with (- Cov s (q tau) Rw (I s p Rw)); [apply temperature_derive, fp|].
  rewrite Cov_reward_surprisal by auto. lra.
Qed.

Theorem adaptors_exchange_flat_holds : adaptors_exchange_flat.
Proof.
  intros A s p Rw tau a fp zero ha. set (q := aligned s p Rw) in *.
  assert (full s q) as fq by apply aligned_full, fp.
  set (k := exp (- E s q (I s p Rw))).
  assert (forall y, In y s -> q y = k) as same.
  { intros y hy. assert (0 < q y) as pos by now apply fq.
    destruct (Var_zero s q _ (full_law s q fq) zero y hy) as [bad|eq]; [lra|].
    unfold k. rewrite <- eq. unfold I. fold q. now rewrite Ropp_involutive, exp_ln. }
  unfold tempered, normalised. rewrite (sum_ext s _ (fun _ => Rpower k tau)) by (intros; now rewrite same).
  destruct fq as [_ one]. rewrite (sum_ext s q (fun _ => k) same), sum_const in one.
  rewrite sum_const, (same a ha). assert (0 < Rpower k tau) by apply exp_pos. assert (0 < k) by apply exp_pos.
  assert (INR (length s) = / k) as -> by (apply (Rmult_eq_reg_r k); [rewrite Rinv_l by lra; exact one|lra]). field. lra.
Qed.

Theorem adaptors_exchange_condition_holds : adaptors_exchange_condition.
Proof.
  intros A s p Rw q fp lq l r V vp. destruct (exchange_moments s p Rw fp q lq vp) as [bv cv].
  pose proof (Var_surprisal s p Rw q fp lq) as total. fold l r V in bv, cv, total, vp.
  set (k := Cov s q (L p) Rw) in *. set (x := b s p Rw q) in *.
  assert (0 < x <-> k < - l) as up.
  { split; intros h; [assert (0 < x * V) by (now apply Rmult_lt_0_compat); lra|].
    apply (Rmult_lt_reg_r V); [exact vp|]. lra. }
  assert (x < -1 <-> k < - r) as down.
  { split; intros h; [assert (0 < (-1 - x) * V) by (apply Rmult_lt_0_compat; lra); lra|].
    apply (Rmult_lt_reg_r V); [exact vp|]. lra. }
  rewrite up, down. unfold Rmin, Rabs. destruct (Rle_dec l r), (Rcase_abs (l - r)); lra.
Qed.

Theorem adaptors_exchange_border_holds : adaptors_exchange_border.
Proof.
  intros A s p Rw q fp lq V x vp. destruct (exchange_moments s p Rw fp q lq vp) as [bv cv].
  fold x V in bv, cv, vp. assert (0 < V * V) by now apply Rmult_lt_0_compat.
  assert (- x * V * ((1 + x) * V) = - (x * (1 + x)) * (V * V)) as product by ring.
  split; [split; intros h|split; [split; intros [h1 h2]|split; split; intros h; lra]].
  - rewrite product in h. destruct (Rlt_dec 0 x); [now right|left]. assert (0 < x * (1 + x)) by nra. nra.
  - rewrite product. assert (0 < x * (1 + x)) by (destruct h; nra). nra.
  - split; nra.
  - split; apply Rmult_lt_0_compat; lra.
Qed.

Theorem adaptors_exchange_gain_holds : adaptors_exchange_gain.
Proof.
  intros A s p Rw q fp lq vp. destruct (exchange_moments s p Rw fp q lq vp) as [bv cv].
  pose proof (Var_surprisal s p Rw q fp lq) as total. set (V := Var s q (I s p Rw)) in *.
  set (x := b s p Rw q) in *. split; intros h.
  - assert (0 < x * V) by now apply Rmult_lt_0_compat. lra.
  - assert (0 < (-1 - x) * V) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Theorem adaptors_exchange_slope_holds : adaptors_exchange_slope.
Proof.
  intros A s p Rw q fp lq V x vp. split; [ring|]. intros nz. split; [field; lra|].
  intros eq. apply (f_equal (fun y => y * x)) in eq. unfold Rdiv in eq. rewrite Rmult_assoc, Rinv_l in eq; lra.
Qed.

Theorem adaptors_slope_bound_cauchy_schwarz_holds : adaptors_slope_bound_cauchy_schwarz.
Proof.
  intros A s q f g lq. pose proof (cauchy_schwarz s q f g lq) as cs. split; [exact cs|].
  rewrite <- sqrt_mult by now apply Var_nonneg. rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt.
  unfold Rsqr. lra.
Qed.

Theorem adaptors_slope_bound_ratio_holds : adaptors_slope_bound_ratio.
Proof.
  intros A s p Rw tau dL dR fp q k vp small derL derR.
  assert (law s (q tau)) as lq by apply tempered_law, fp.
  assert (dL = - Cov s (q tau) (L p) (I s p Rw)) as eL.
  { apply is_derive_unique in derL. rewrite <- derL. apply is_derive_unique, temperature_derive, fp. }
  assert (dR = - Cov s (q tau) Rw (I s p Rw)) as eR.
  { apply is_derive_unique in derR. rewrite <- derR. apply is_derive_unique, temperature_derive, fp. }
  set (V := Var s (q tau) (I s p Rw)) in *.
  assert (dL + dR = V) as total.
  { rewrite eL, eR. unfold V, Var. rewrite (Cov_surprisal s p Rw (q tau) (I s p Rw)) by auto.
    rewrite (Cov_sym s _ (I s p Rw) (L p)), (Cov_sym s _ (I s p Rw) Rw). ring. }
  assert (Rabs dR <= k * V) as bound.
  { rewrite eR, Rabs_Ropp.
    replace (k * V) with (sqrt (Var s (q tau) Rw) * sqrt V).
    - now apply adaptors_slope_bound_cauchy_schwarz_holds.
    - unfold k. fold V. assert (0 < sqrt V) by now apply sqrt_lt_R0.
      rewrite <- (sqrt_sqrt V) at 3 by lra. field. lra. }
  pose proof (Rle_abs dR). assert (0 <= k) as k0.
  { apply Rmult_le_pos; [apply sqrt_pos|apply Rlt_le, Rinv_0_lt_compat, sqrt_lt_R0, vp]. }
  assert (0 < (1 - k) * V) as room by (apply Rmult_lt_0_compat; lra).
  assert ((1 - k) * V <= dL) as low by lra. split; [lra|].
  unfold Rdiv. rewrite Rabs_mult, Rabs_inv, (Rabs_pos_eq dL) by lra.
  apply Rle_trans with (k * V * / ((1 - k) * V)); [|right; field; lra].
  apply Rmult_le_compat; [apply Rabs_pos|apply Rlt_le, Rinv_0_lt_compat; lra|exact bound|].
  apply Rinv_le_contravar; lra.
Qed.

Theorem adaptors_local_entropy_slope_holds : adaptors_local_entropy_slope.
Proof.
  intros A s p Rw tau fp q. unfold Var. rewrite <- (Ropp_involutive (Cov _ _ _ _)), <- Cov_log, Cov_sym.
  rewrite <- (Ropp_involutive (Cov _ _ _ _)), <- Cov_log.
  rewrite Ropp_involutive. apply Ent_derive, aligned_full, fp.
Qed.

Theorem adaptors_local_entropy_monotone_holds : adaptors_local_entropy_monotone.
Proof.
  intros A s p Rw tau tau' fp [tp lt] q.
  set (f := fun t => - Ent s (q t)). set (f' := fun t => t * Var s (q t) (I s p Rw)).
  assert (forall u, tau <= u <= tau' -> is_derive f u (f' u)) as der.
  { intros u _. unfold f'. rewrite <- (Ropp_involutive (u * _)).
    apply (is_derive_opp (fun t => Ent s (q t))). apply adaptors_local_entropy_slope_holds, fp. }
  assert (forall u, law s (q u)) as lq by (intros; apply tempered_law, fp). split.
  - apply Ropp_le_cancel. apply (increasing_le f f' tau tau'); auto; [lra|]. intros u at_u.
    apply Rmult_le_pos; [lra|now apply Var_nonneg].
  - intros pos. apply Ropp_lt_cancel. apply (increasing_lt f f' tau tau'); auto; [lra|]. intros u at_u.
    apply Rmult_lt_0_compat; [lra|]. apply (Var_full s (aligned s p Rw)); auto; [apply aligned_full, fp|].
    apply tempered_full, aligned_full, fp.
Qed.

(** * The budget *)

Theorem adaptors_budget_identity_holds : adaptors_budget_identity.
Proof.
  intros A s p Rw q fp lq. rewrite KL_split by (auto; apply aligned_full, fp).
  rewrite CE_surprisal, E_surprisal by auto. ring.
Qed.

Theorem adaptors_budget_bound_holds : adaptors_budget_bound.
Proof.
  intros A s p Rw q fp lq. rewrite adaptors_budget_identity_holds by auto.
  pose proof (aligned_full s p Rw fp) as fa. pose proof (full_ac s q _ fa) as ac.
  pose proof (KL_nonneg s q _ lq (full_law s _ fa) ac) as pos. repeat split; [lra| |].
  - intros eq. apply KL_zero; auto using full_law. lra.
  - intros eq. rewrite (KL_ext s q _ _ _ eq (fun _ _ => eq_refl)), KL_self; [ring|].
    intros a ha. apply Rlt_le, fa, ha.
Qed.

Theorem adaptors_budget_slope_holds : adaptors_budget_slope.
Proof.
  intros A s p Rw q q' fp lq lq' dL dR dCE nz. unfold dCE. rewrite !CE_surprisal, !E_surprisal by auto.
  replace dR with (E s q' Rw - E s q Rw) by reflexivity.
  replace (ln (Z s p Rw) - E s q' (L p) - E s q' Rw - (ln (Z s p Rw) - E s q (L p) - E s q Rw))
    with (- dL - (E s q' Rw - E s q Rw)) by (unfold dL; ring). field. exact nz.
Qed.

(** * Truncation of whole strings *)

Lemma indicator_cases {P Q : Prop} (d : {P} + {Q}) : indicator d = 1 /\ P \/ indicator d = 0 /\ Q.
Proof. unfold indicator. destruct d; auto. Qed.

Lemma indicator_nonneg {P Q : Prop} (d : {P} + {Q}) : 0 <= indicator d.
Proof. unfold indicator. destruct d; lra. Qed.

Theorem adaptors_truncation_cross_entropy_holds : adaptors_truncation_cross_entropy.
Proof.
  intros A s p Rw P Q kept fp plus w pos. assert (full s plus) as fq by apply aligned_full, fp.
  assert (law s (normalised s w)) as [_ one].
  { apply normalised_law; auto. intros a ha. apply Rmult_le_pos; [apply Rlt_le, fq, ha|apply indicator_nonneg]. }
  unfold CE, Ent. rewrite <- (Rmult_1_l (ln (sum s w))), <- one, <- sum_scal_r, <- !sum_opp, <- sum_minus.
  apply sum_ext. intros a ha. unfold normalised, w at 1 3 5 7.
  destruct (indicator_cases (kept a)) as [[-> _]|[-> _]].
  - rewrite Rmult_1_r, ln_div by (auto; now apply fq). ring.
  - unfold Rdiv. rewrite Rmult_0_r. ring.
Qed.

Theorem adaptors_truncation_threshold_holds : adaptors_truncation_threshold.
Proof.
  intros A s p Rw c fp plus q (a0 & in0 & low0). assert (full s plus) as fq by apply aligned_full, fp.
  assert (law s plus) as lq by now apply full_law. set (f := I s p Rw) in *.
  set (w := fun a => plus a * indicator (Rle_dec (f a) c)).
  assert (forall a, In a s -> 0 <= w a) as w0.
  { intros a ha. apply Rmult_le_pos; [apply Rlt_le, fq, ha|apply indicator_nonneg]. }
  assert (0 < sum s w) as wp.
  { apply (sum_pos_at s w a0); auto. unfold w, indicator. destruct (Rle_dec (f a0) c); [|tauto].
    rewrite Rmult_1_r. now apply fq. }
  assert (law s q) as lw by now apply normalised_law.
  (* the strings kept have I <= c, those dropped I > c *)
  set (y := fun a => plus a * (1 - indicator (Rle_dec (f a) c))).
  assert (sum s w + sum s y = 1) as parts.
  { destruct lq as [_ one]. rewrite <- one, <- sum_plus. apply sum_ext. intros a _. unfold w, y. ring. }
  set (kept := sum s (fun a => w a * f a)). set (dropped := sum s (fun a => y a * f a)).
  assert (E s plus f = kept + dropped) as split.
  { unfold kept, dropped, E. rewrite <- sum_plus. apply sum_ext. intros a _. unfold w, y. ring. }
  assert (kept <= c * sum s w) as kept_low.
  { unfold kept. rewrite <- sum_scal. apply sum_le. intros a ha. specialize (w0 a ha). unfold w in *.
    destruct (indicator_cases (Rle_dec (f a) c)) as [[eq le]|[eq _]]; rewrite eq in *; nra. }
  assert (E s q f = kept / sum s w) as Eq by apply (E_normalised s w).
  assert (forall g, E s g (L p) + E s g Rw = E s g (fun a => L p a + Rw a)) as both by (intros; now rewrite E_plus).
  rewrite !(E_surprisal s p Rw) in Eq, split by auto.
  assert (c * sum s y <= dropped /\ ((exists a, In a s /\ c < f a) -> c * sum s y < dropped /\ 0 < sum s y)) as [le lt].
  { assert (forall a, In a s -> 0 < plus a) as pp by apply fq. unfold dropped. rewrite <- sum_scal. split.
    - apply sum_le. intros a ha. specialize (pp a ha). unfold y.
      destruct (indicator_cases (Rle_dec (f a) c)) as [[eq _]|[eq gt]]; rewrite eq; [lra|].
      apply Rnot_le_lt in gt. nra.
    - intros (a1 & in1 & high). split.
      + apply sum_lt.
        * intros a ha. specialize (pp a ha). unfold y.
          destruct (indicator_cases (Rle_dec (f a) c)) as [[eq _]|[eq gt]]; rewrite eq; [lra|].
          apply Rnot_le_lt in gt. nra.
        * exists a1. split; auto. specialize (pp a1 in1). unfold y, indicator.
          destruct (Rle_dec (f a1) c); [lra|]. nra.
      + apply (sum_pos_at s y a1); auto.
        * intros a ha. specialize (pp a ha). unfold y, indicator. destruct (Rle_dec (f a) c); lra.
        * specialize (pp a1 in1). unfold y, indicator. destruct (Rle_dec (f a1) c); lra. }
  set (x := sum s w) in *. set (z := sum s y) in *.
  assert (kept / x * x = kept) as back by (field; lra). assert (z <= 1 - x) by lra.
  assert (0 <= z) as z0.
  { unfold z. apply sum_nonneg. intros a ha. assert (0 < plus a) by now apply fq. unfold y, indicator.
    destruct (Rle_dec (f a) c); lra. }
  assert (kept / x <= c) as ratio by (apply (Rmult_le_reg_r x); lra).
  (* E I = x (kept / x) + dropped >= x (kept / x) + z c >= kept / x *)
  split.
  - assert (kept / x <= kept + dropped); [|lra]. rewrite <- back at 2. nra.
  - intros some. destruct (lt some) as [strict zp]. assert (kept / x < kept + dropped); [|lra].
    rewrite <- back at 2. nra.
Qed.

(** * Laws p+ g(I) *)

Section Levels.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.

Definition level (i : R) (a : A) : R := aligned s p Rw a * indicator (Req_EM_T (I s p Rw a) i).

Lemma level_pos a : In a s -> 0 < sum s (level (I s p Rw a)).
Proof.
  intros ha. assert (forall y, In y s -> 0 < aligned s p Rw y) as pos by apply aligned_full, fp.
  apply (sum_pos_at s _ a); auto.
  - intros y hy. apply Rmult_le_pos; [apply Rlt_le; auto|]. unfold indicator. destruct Req_EM_T; lra.
  - unfold level, indicator. destruct Req_EM_T; [|congruence]. rewrite Rmult_1_r. auto.
Qed.

(** sum p+ g(I) f = sum p+ g(I) E[f | I], for any g *)
Lemma level_means f (g : R -> R) :
  sum s (fun a => aligned s p Rw a * g (I s p Rw a) * f a)
  = sum s (fun a => aligned s p Rw a * g (I s p Rw a) * conditional s p Rw f (I s p Rw a)).
Proof.
  set (plus := aligned s p Rw). set (i := I s p Rw).
  symmetry. transitivity (sum s (fun a => sum s (fun y => plus a * g (i a) / sum s (level (i a)) * (level (i a) y * f y)))).
  - apply sum_ext. intros a ha. rewrite sum_scal. unfold conditional. fold (level (i a)). fold plus i.
    change (fun a0 => plus a0 * indicator (Req_EM_T (i a0) (i a))) with (level (i a)).
    rewrite E_normalised. unfold Rdiv. ring.
  - rewrite sum_swap. apply sum_ext. intros y hy. pose proof (level_pos y hy) as pos. fold i in pos.
    transitivity (sum s (fun a => plus y * g (i y) * f y / sum s (level (i y)) * level (i y) a)).
    + apply sum_ext. intros a ha. unfold level at 2 4. fold plus i. unfold indicator.
      destruct (Req_EM_T (i y) (i a)) as [eq|ne], (Req_EM_T (i a) (i y)) as [eq'|ne']; try congruence; try ring.
      rewrite eq. unfold Rdiv. ring.
    + rewrite sum_scal. field. lra.
Qed.
End Levels.

Theorem adaptors_affine_line_mean_holds : adaptors_affine_line_mean.
Proof. intros A s p Rw g fp q lq. now apply level_means. Qed.

Theorem adaptors_affine_line_iff_holds : adaptors_affine_line_iff.
Proof.
  intros A s p Rw fp plus x vp. set (i := I s p Rw) in *. assert (full s plus) as fq by apply aligned_full, fp.
  assert (law s plus) as lp by now apply full_law.
  assert (forall q, law s q -> (1 + x) * (E s q (L p) - E s plus (L p)) + x * (E s q Rw - E s plus Rw)
    = E s q (L p) - E s plus (L p) - x * (E s q i - E s plus i)) as gain.
  { intros q lq. unfold i. rewrite !E_surprisal by auto. ring. }
  split.
  - intros (c & d & affine) g q lq. rewrite gain by auto.
    assert (forall h : R -> R, sum s (fun a => plus a * h (i a) * L p a)
      = sum s (fun a => plus a * h (i a) * (c + d * i a))) as replaced.
    { intros h. unfold plus, i. rewrite level_means by auto. apply sum_ext. intros a ha. now rewrite affine. }
    assert (E s q (L p) = c + d * E s q i) as at_q.
    { rewrite <- E_scal, <- (E_const s q c lq) at 1. rewrite <- E_plus. apply (replaced g). }
    assert (E s plus (L p) = c + d * E s plus i) as at_p.
    { rewrite <- E_scal, <- (E_const s plus c lp) at 1. rewrite <- E_plus.
      pose proof (replaced (fun _ => 1)) as one. unfold E.
      rewrite (sum_ext s (fun a => plus a * L p a) (fun a => plus a * 1 * L p a)) by (intros; ring).
      rewrite one. apply sum_ext. intros; ring. }
    assert (x = d) as ->; [|rewrite at_q, at_p; ring].
    assert (Cov s plus (L p) i = d * Var s plus i) as cov.
    { unfold Var, Cov. rewrite at_p. pose proof (replaced (fun u => u)) as id. unfold E at 1.
      rewrite (sum_ext s (fun a => plus a * (L p a * i a)) (fun a => plus a * i a * L p a)) by (intros; ring).
      rewrite id, (sum_ext s _ (fun a => plus a * (c * i a + d * (i a * i a)))) by (intros; ring).
      change (E s plus (fun a => c * i a + d * (i a * i a)) - (c + d * E s plus i) * E s plus i
        = d * (E s plus (fun a => i a * i a) - E s plus i * E s plus i)).
      rewrite E_plus, !E_scal. ring. }
    unfold x, b. fold i. rewrite cov. field. lra.
  - intros line. exists (E s plus (L p) - x * E s plus i), x. intros a ha.
    pose proof (level_pos s p Rw fp a ha) as pos. fold i in pos.
    set (g := fun u => indicator (Req_EM_T u (i a)) / sum s (level s p Rw (i a))).
    assert (forall f, E s (fun y => plus y * g (i y)) f = conditional s p Rw f (i a)) as same.
    { intros f. unfold conditional. apply E_ext_law. intros y _. unfold normalised, g.
      change (sum s (fun a0 => aligned s p Rw a0 * indicator (Req_EM_T (I s p Rw a0) (i a))))
        with (sum s (level s p Rw (i a))). fold plus i. unfold Rdiv. ring. }
    assert (law s (fun y => plus y * g (i y))) as lg.
    { split.
      - intros y hy. apply Rmult_le_pos; [apply Rlt_le, fq, hy|]. apply Rdiv_le_0_compat; [apply indicator_nonneg|auto].
      - unfold g, Rdiv. rewrite (sum_ext s _ (fun y => level s p Rw (i a) y * / sum s (level s p Rw (i a)))).
        + rewrite sum_scal_r. field. lra.
        + intros y _. unfold level. fold plus i. ring. }
    pose proof (line g lg) as eq. cbv beta zeta in eq. rewrite gain, !same in eq by auto.
    assert (conditional s p Rw i (i a) = i a) as own.
    { rewrite <- same. rewrite <- (E_const s _ (i a) lg). apply sum_ext. intros y _.
      unfold g, indicator. destruct (Req_EM_T (i y) (i a)) as [e|_]; [now rewrite e|unfold Rdiv; ring]. }
    rewrite own in eq. lra.
Qed.

(** * Models on which nothing trades *)

Theorem adaptors_none_c1_holds : adaptors_none_c1.
Proof.
  intros q s p Rw lq. rewrite <- (E_const s q (ln 7) lq) at 1. rewrite <- E_plus. apply E_ext. intros a _.
  unfold Rw, L, p. rewrite ln_div by (try apply pow_lt; lra). ring.
Qed.

(** 2 Cov(f, g) = E E' (f - f')(g - g') *)
Lemma Cov_differences {A : Type} (s : list A) (q f g : A -> R) : law s q ->
  2 * Cov s q f g = sum s (fun x => q x * sum s (fun y => q y * ((f x - f y) * (g x - g y)))).
Proof.
  intros lq. set (m := E s q f). set (n := E s q g). set (k := E s q (fun a => f a * g a)).
  transitivity (E s q (fun x => f x * g x - (n * f x + m * g x - k))).
  - rewrite !E_minus, !E_plus, !E_scal, E_const by auto. unfold Cov. fold m n k. ring.
  - apply sum_ext. intros x _. f_equal.
    change (f x * g x - (n * f x + m * g x - k) = E s q (fun y => (f x - f y) * (g x - g y))).
    rewrite (E_ext s q _ (fun y => f x * g x - (f x * g y + g x * f y - f y * g y))) by (intros; ring).
    rewrite !E_minus, E_plus, !E_scal, E_const by auto. fold m n k. ring.
Qed.

Lemma Cov_opposed {A : Type} (s : list A) (q f g : A -> R) : law s q ->
  (forall a y, In a s -> In y s -> (f a - f y) * (g a - g y) <= 0) -> Cov s q f g <= 0.
Proof.
  intros lq opposed. assert (2 * Cov s q f g <= 0) as twice; [|lra]. rewrite Cov_differences by auto.
  rewrite <- (sum_zero s). apply sum_le. intros a ha. assert (0 <= q a) by now apply lq.
  assert (sum s (fun y => q y * ((f a - f y) * (g a - g y))) <= 0); [|nra].
  rewrite <- (sum_zero s). apply sum_le. intros y hy. assert (0 <= q y) by now apply lq.
  specialize (opposed a y ha hy). nra.
Qed.

Theorem adaptors_none_comonotone_holds : adaptors_none_comonotone.
Proof. intros A s p Rw q fp lq hl hr. split; now apply Cov_opposed. Qed.

Theorem adaptors_none_temperature_holds : adaptors_none_temperature.
Proof.
  intros A s p Rw tau tau' fp hl hr le q.
  assert (forall f, (forall a y, In a s -> In y s -> (f a - f y) * (I s p Rw a - I s p Rw y) <= 0) ->
    E s (q tau) f <= E s (q tau') f) as rises; [|split; apply rises; assumption].
  intros f opposed. apply (increasing_le (fun t => E s (q t) f) (fun t => - Cov s (q t) f (I s p Rw))); [exact le| |].
  - intros u _. apply temperature_derive, fp.
  - intros u _. pose proof (Cov_opposed s (q u) f (I s p Rw) (tempered_law s p Rw fp u) opposed). lra.
Qed.

(** E given {I <= c} less E is Cov(f, 1{I <= c}) / p+(S), of two functions that fall with I *)
Theorem adaptors_none_threshold_holds : adaptors_none_threshold.
Proof.
  intros A s p Rw c fp hl hr (a0 & in0 & low0) plus q. set (i := I s p Rw) in *.
  assert (full s plus) as fq by apply aligned_full, fp. assert (law s plus) as lq by now apply full_law.
  set (keep := fun a => indicator (Rle_dec (i a) c)). set (w := fun a => plus a * keep a).
  assert (0 < sum s w) as wp.
  { apply (sum_pos_at s w a0); auto.
    - intros a ha. apply Rmult_le_pos; [now apply Rlt_le, fq|apply indicator_nonneg].
    - unfold w, keep, indicator. destruct (Rle_dec (i a0) c); [|tauto]. rewrite Rmult_1_r. now apply fq. }
  assert (forall f, (forall a y, In a s -> In y s -> (f a - f y) * (i a - i y) <= 0) -> E s plus f <= E s q f) as rises;
    [|split; apply rises; assumption].
  intros f opposed. assert (Cov s plus f (fun a => -1 * keep a) <= 0) as cov.
  { apply Cov_opposed; auto. intros a y ha hy. specialize (opposed a y ha hy). unfold keep, indicator.
    destruct (Rle_dec (i a) c), (Rle_dec (i y) c); nra. }
  rewrite Cov_sym, Cov_scal, Cov_sym in cov. unfold Cov in cov.
  assert (E s plus keep = sum s w) as mass by reflexivity.
  assert (E s plus (fun a => f a * keep a) = E s q f * sum s w) as given.
  { unfold q. change (fun a => plus a * indicator (Rle_dec (i a) c)) with w. rewrite E_normalised. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. apply sum_ext. intros a _. unfold w. ring. }
  rewrite mass, given in cov. apply (Rmult_le_reg_r (sum s w)); [exact wp|]. lra.
Qed.

Theorem adaptors_none_c3_holds : adaptors_none_c3.
Proof.
  cbv delta [adaptors_none_c3]. intros s p Rw. assert (full s p) as fp by (split; [intros a [<-|[<-|[<-|[]]]]|]; unfold s, p; simpl; lra).
  assert (L p 0%nat < L p 1%nat < L p 2%nat) as [l1 l2].
  { unfold L, p; simpl. split; apply ln_increasing; lra. }
  assert (Rw 0%nat < Rw 1%nat < Rw 2%nat) as [r1 r2].
  { unfold Rw; simpl. split; apply ln_increasing; lra. }
  split; [exact fp|].
  split; intros a y ha hy; rewrite !surprisal by auto;
    destruct ha as [<-|[<-|[<-|[]]]], hy as [<-|[<-|[<-|[]]]]; nra.
Qed.

(** * The interior *)

Lemma independent_det {A : Type} (s : list A) (q f g : A -> R) : full s q -> independent s f g ->
  0 < Var s q f * Var s q g - Cov s q f g ^ 2.
Proof.
  intros fq ind. assert (law s q) as lq by now apply full_law.
  assert (forall h, Var s q h = 0 -> forall a, In a s -> h a = E s q h) as const.
  { intros h zero a ha. assert (0 < q a) by now apply fq. destruct (Var_zero s q h lq zero a ha); [lra|auto]. }
  set (x := Var s q g). set (k := Cov s q f g).
  assert (0 < x) as xp.
  { destruct (Var_nonneg s q g lq) as [pos|zero]; [exact pos|]. symmetry in zero.
    destruct (ind (- E s q g) 0 1) as (_ & _ & bad); [|lra]. intros a ha. rewrite (const g zero a ha). ring. }
  set (h := fun a => x * f a + - k * g a).
  assert (Var s q h = x * (Var s q f * x - k ^ 2)) as value.
  { unfold h. rewrite Var_sum. unfold Var at 1 2. rewrite !Cov_scal.
    rewrite (Cov_sym s q f (fun a => x * f a)), (Cov_sym s q g (fun a => - k * g a)).
    rewrite (Cov_sym s q f (fun a => - k * g a)), !Cov_scal, (Cov_sym s q g f).
    fold (Var s q f) (Var s q g) k x. ring. }
  destruct (Var_nonneg s q h lq) as [pos|zero]; [rewrite value in pos; nra|symmetry in zero].
  destruct (ind (- E s q h) x (- k)) as (_ & bad & _); [|lra].
  intros a ha. rewrite <- (const h zero a ha). unfold h. ring.
Qed.

Theorem adaptors_interior_gain_holds : adaptors_interior_gain.
Proof.
  intros A s p Rw fp ind plus l r c g. assert (full s plus) as fq by apply aligned_full, fp.
  assert (law s plus) as lq by now apply full_law. split; [now apply independent_det|].
  set (m := E s plus (L p)) in *. set (n := E s plus Rw) in *.
  assert (forall f, E s plus (fun a => g a * f a) = (r - c) * Cov s plus (L p) f + (l - c) * Cov s plus Rw f) as moment.
  { intros f. unfold g.
    rewrite (E_ext s plus _ (fun a => (r - c) * (L p a * f a) + ((l - c) * (Rw a * f a)
      + (- (r - c) * m - (l - c) * n) * f a))) by (intros; ring).
    rewrite !E_plus, !E_scal. unfold Cov. fold m n. ring. }
  assert (E s plus g = 0) as centred.
  { rewrite (E_ext s plus g (fun a => g a * 1)) by (intros; ring). rewrite moment.
    rewrite (Cov_sym s plus (L p)), (Cov_sym s plus Rw), !Cov_const by auto. ring. }
  set (size := sum s (fun a => Rabs (g a))).
  assert (0 <= size) as size0 by (apply sum_nonneg; intros; apply Rabs_pos).
  exists (/ (2 * (1 + size))). split; [apply Rinv_0_lt_compat; lra|]. intros eps [ep small] q.
  assert (forall f, E s q f = E s plus f + eps * E s plus (fun a => g a * f a)) as at_q.
  { intros f. rewrite <- E_scal, <- E_plus. apply sum_ext. intros a _. unfold q. ring. }
  assert (full s q) as full_q.
  { split.
    - intros a ha. assert (0 < plus a) by now apply fq. apply Rmult_lt_0_compat; auto.
      assert (Rabs (g a) <= size) as bound.
      { apply (sum_at_least s (fun y => Rabs (g y))); auto. intros; apply Rabs_pos. }
      assert (eps * (2 * (1 + size)) <= 1) as e1.
      { apply (Rmult_le_compat_r (2 * (1 + size))) in small; [|lra]. rewrite Rinv_l in small; lra. }
      pose proof (Rle_abs (- g a)) as low. rewrite Rabs_Ropp in low. nra.
    - transitivity (E s q (fun _ => 1)); [apply sum_ext; intros; ring|].
      rewrite at_q, E_const, (E_ext s plus _ g), centred by (auto; intros; ring). ring. }
  split; [exact full_q|].
  rewrite !at_q, !moment. fold m n. rewrite (Cov_sym s plus Rw (L p)).
  fold (Var s plus (L p)) (Var s plus Rw) l r c. split; ring.
Qed.

Theorem adaptors_interior_price_holds : adaptors_interior_price.
Proof.
  intros A s p Rw q fp lq plus. assert (full s plus) as fq by apply aligned_full, fp.
  rewrite KL_split by (auto; apply fq). unfold plus. rewrite Ent_surprisal, CE_surprisal, !E_surprisal; auto.
  - ring.
  - now apply full_law.
Qed.
