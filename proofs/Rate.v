(** line.rate: the exact exponential rate of leaving the line, by a change of measure and Chebyshev's inequality. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Alignment Line BestOfN.
Import ListNotations.
Open Scope R_scope.

Section Cramer.
Context {A : Type}.
Variables (s : list A) (p f : A -> R).
Hypothesis fp : full s p.
Hypothesis vary : 0 < Var s p f.

Notation tilted := (tilt s p f).
Definition level (l : R) : R := E s (tilted l) f.
Definition log_moment (l : R) : R := ln (total s p f l).
Definition tail (y : R) (n : nat) : R := EN s p n (fun c => indicator (Rle_dec y (mean c f))).

Lemma nonempty : s <> nil.
Proof. eapply law_support, full_law, fp. Qed.

Lemma tilted_full l : full s (tilted l).
Proof. apply tilt_full; [apply nonempty|apply fp]. Qed.

Lemma tilted_law l : law s (tilted l).
Proof. apply full_law, tilted_full. Qed.

Lemma level_derive l : is_derive level l (Var s (tilted l) f).
Proof. apply tilt_derive; [apply nonempty|apply fp]. Qed.

Lemma tilted_vary l : 0 < Var s (tilted l) f.
Proof. apply (Var_full s p); auto using tilted_full. Qed.

Lemma level_increasing l l' : l < l' -> level l < level l'.
Proof.
  intros lt. apply (increasing_lt level (fun u => Var s (tilted u) f)); [lra| |exact lt|].
  - intros; apply level_derive.
  - intros; apply tilted_vary.
Qed.

Lemma tilted_divergence l : KL s (tilted l) p = l * level l - log_moment l.
Proof. apply (strength_divergence s p f fp l). Qed.

Lemma tilted_zero a : In a s -> tilted 0 a = p a.
Proof.
  intros ha. unfold tilt, normalised, weight. destruct fp as [_ one].
  rewrite (sum_ext s _ p), one, Rmult_0_l, exp_0; [field|]. intros. rewrite Rmult_0_l, exp_0. ring.
Qed.

(** * Both bounds of the tail *)

Lemma tail_upper l n : 0 <= l -> (1 <= n)%nat -> tail (level l) n <= exp (- (INR n * KL s (tilted l) p)).
Proof.
  intros lp some. pose proof (size_pos n some) as np. rewrite tilted_divergence.
  assert (E s p (fun a => exp (l * f a)) = total s p f l) as moment by reflexivity.
  eapply Rle_trans; [apply (chernoff s p n (full_law s p fp) _ (fun a => l * f a) (l * level l))|].
  - rewrite moment. apply total_pos; [apply nonempty|apply fp].
  - intros c len sub. apply indicator_le; [apply Rlt_le, exp_pos|]. intros far. apply one_le_exp.
    rewrite sum_scal. unfold mean in far. rewrite len in far.
    replace (l * sum c f - INR n * (l * level l)) with (INR n * (l * (sum c f / INR n - level l))) by (field; lra).
    apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra.
  - rewrite moment. apply Rle_refl.
Qed.

(** p = q e^g on the support *)
Lemma change_of_measure q g n F : (forall a, In a s -> p a = q a * exp (g a)) ->
  EN s p n F = EN s q n (fun c => F c * exp (sum c g)).
Proof.
  intros eq. revert F. induction n as [|n IH]; intros F; cbn [EN sum].
  - rewrite exp_0. ring.
  - apply sum_ext. intros a ha. rewrite (eq a ha), IH, Rmult_assoc. f_equal. rewrite <- EN_scal. apply EN_ext.
    intros c _ _. rewrite exp_plus. ring.
Qed.

(** Under q_l' the average is within h of its mean with probability 1 - V / (N h^2); there dp / dq is bounded below. *)
Lemma tail_lower l l' n : 0 <= l' -> l < l' -> (1 <= n)%nat -> let h := level l' - level l in
  (1 - Var s (tilted l') f / (INR n * h ^ 2)) * exp (- (INR n * (KL s (tilted l') p + l' * h))) <= tail (level l) n.
Proof.
  intros pos lt some h. pose proof (size_pos n some) as np. pose proof (level_increasing l l' lt) as up.
  assert (0 < h) as hp by (unfold h; lra). assert (0 < h ^ 2) as h2 by now apply pow_lt.
  set (q := tilted l'). assert (law s q) as lq by apply tilted_law.
  set (g := fun a => log_moment l' - l' * f a). set (k := exp (- (INR n * (KL s q p + l' * h)))).
  assert (0 < k) as kp by apply exp_pos.
  unfold tail. rewrite (change_of_measure q g).
  2: { intros a ha. assert (0 < p a) by now apply fp. assert (0 < q a) by now apply tilted_full.
       rewrite <- (exp_ln (p a)), <- (exp_ln (q a)), <- exp_plus by auto. f_equal. unfold q, g.
       rewrite ln_tilt by (auto; (apply nonempty || apply fp)). unfold log_moment. ring. }
  apply Rle_trans with (EN s q n (fun c => k * (1 - (level l' - mean c f) ^ 2 / h ^ 2))).
  - rewrite EN_scal, EN_minus, EN_const by auto. right. rewrite Rmult_comm. f_equal. f_equal.
    rewrite (EN_ext s q n _ (fun c => / h ^ 2 * (level l' - mean c f) ^ 2)) by (intros; unfold Rdiv; ring).
    rewrite EN_scal. unfold level. fold q. rewrite (spread s q f n lq some). field. split; lra.
  - apply EN_le; auto. intros c len sub. set (m := mean c f).
    assert (sum c f = INR n * m) as total by (unfold m, mean; rewrite len; field; lra).
    assert (sum c g = INR n * (log_moment l' - l' * m)) as gain.
    { unfold g. rewrite sum_minus, sum_const, sum_scal, len, total. ring. }
    rewrite gain. unfold indicator. destruct (Rle_dec (level l) m) as [far|near].
    + rewrite Rmult_1_l. destruct (Rle_dec m (level l' + h)) as [close|wide].
      * apply Rle_trans with (k * 1).
        -- apply Rmult_le_compat_l; [lra|]. assert (0 <= (level l' - m) ^ 2 / h ^ 2); [|lra].
           apply Rdiv_le_0_compat; [apply pow2_ge_0|exact h2].
        -- rewrite Rmult_1_r. unfold k. apply exp_monotone. unfold q. rewrite tilted_divergence.
           assert (0 <= INR n * (l' * (level l' + h - m))); [|lra].
           apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra.
      * apply Rle_trans with 0; [|apply Rlt_le, exp_pos]. assert (h ^ 2 <= (level l' - m) ^ 2) as big by nra.
        assert (1 <= (level l' - m) ^ 2 / h ^ 2); [|nra].
        apply (Rmult_le_reg_r (h ^ 2)); [exact h2|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
    + rewrite Rmult_0_l. assert (h ^ 2 <= (level l' - m) ^ 2) as big by (unfold h in *; nra).
      assert (1 <= (level l' - m) ^ 2 / h ^ 2); [|nra].
      apply (Rmult_le_reg_r (h ^ 2)); [exact h2|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** * The limit *)

Lemma cost_near l eps : 0 < eps -> exists l', l < l' /\
  KL s (tilted l') p + l' * (level l' - level l) < KL s (tilted l) p + eps.
Proof.
  intros ep. set (h := fun u => u * level u - log_moment u + u * (level u - level l)).
  assert (ex_derive h l) as der.
  { apply (ex_derive_plus (fun u => u * level u - log_moment u) (fun u => u * (level u - level l))).
    - eexists. apply legendre_derive; [apply nonempty|apply fp].
    - apply (ex_derive_mult (fun u => u)); [apply ex_derive_id|].
      apply (ex_derive_minus level (fun _ => level l)); [eexists; apply level_derive|apply ex_derive_const]. }
  pose proof (proj1 (filterlim_locally h (h l)) (ex_derive_continuous h l der) (mkposreal eps ep)) as [d near].
  pose proof (cond_pos d) as dp. exists (l + d / 2). split; [lra|].
  assert (Rabs (l + d / 2 - l) < d) as close by (rewrite Rabs_pos_eq; lra).
  pose proof (near (l + d / 2) close) as ball. change (Rabs (h (l + d / 2) - h l) < eps) in ball.
  apply Rabs_def2 in ball. rewrite !tilted_divergence. unfold h in ball.
  replace (level l - level l) with 0 in ball by ring. lra.
Qed.

Lemma large (y : R) : exists N, (1 <= N)%nat /\ forall n, (N <= n)%nat -> y <= INR n.
Proof.
  destruct (archimed (Rabs y)) as [big _]. pose proof (Rabs_pos y). pose proof (Rle_abs y).
  exists (S (Z.to_nat (up (Rabs y)))). split; [lia|]. intros n le. apply le_INR in le.
  rewrite S_INR, INR_IZR_INZ, Znat.Z2Nat.id in le by (apply le_IZR; lra). lra.
Qed.

Theorem cramer l : 0 < l -> is_lim_seq (fun n => - ln (tail (level l) n) / INR n) (KL s (tilted l) p).
Proof.
  intros lp. apply is_lim_seq_spec. intros [eps ep]. simpl. assert (0 < eps / 2) as half by lra.
  destruct (cost_near l (eps / 2) half) as (l' & lt & near). set (h := level l' - level l) in *.
  assert (0 < h) as hp by (pose proof (level_increasing l l' lt); unfold h; lra).
  assert (0 < h ^ 2) as h2 by now apply pow_lt.
  set (v := Var s (tilted l') f). pose proof (tilted_vary l') as vp. fold v in vp. pose proof ln_lt_2 as x2.
  destruct (large (2 * v / h ^ 2)) as (N1 & s1 & b1). destruct (large (4 * ln 2 / eps)) as (N2 & s2 & b2).
  exists (N1 + N2)%nat. intros n le. specialize (b1 n ltac:(lia)). specialize (b2 n ltac:(lia)).
  assert (1 <= n)%nat as some by lia. pose proof (size_pos n some) as np.
  pose proof (tail_lower l l' n ltac:(lra) lt some) as low. fold h v in low. pose proof (tail_upper l n ltac:(lra) some) as up.
  set (cost := KL s (tilted l') p + l' * h) in *. set (rate := KL s (tilted l) p) in *. set (t := tail (level l) n) in *.
  assert (v / (INR n * h ^ 2) <= / 2) as small.
  { apply (Rmult_le_reg_r (INR n * h ^ 2)); [now apply Rmult_lt_0_compat|].
    replace (v / (INR n * h ^ 2) * (INR n * h ^ 2)) with v by (field; lra).
    apply (Rmult_le_compat_r (h ^ 2)) in b1; [|lra]. replace (2 * v / h ^ 2 * h ^ 2) with (2 * v) in b1 by (field; lra). lra. }
  assert (/ 2 * exp (- (INR n * cost)) <= t) as below.
  { eapply Rle_trans; [|exact low]. apply Rmult_le_compat_r; [apply Rlt_le, exp_pos|lra]. }
  assert (0 < / 2 * exp (- (INR n * cost))) as bp by (apply Rmult_lt_0_compat; [lra|apply exp_pos]).
  assert (ln t <= - (INR n * rate)) as lower.
  { rewrite <- (ln_exp (- (INR n * rate))). apply ln_le; lra. }
  assert (- ln 2 - INR n * cost <= ln t) as upper.
  { replace (- ln 2 - INR n * cost) with (ln (/ 2 * exp (- (INR n * cost)))).
    - apply ln_le; lra.
    - rewrite ln_mult, ln_exp, ln_Rinv by (try apply exp_pos; lra). ring. }
  assert (ln 2 <= INR n * (eps / 4)) as rest.
  { apply (Rmult_le_compat_r (eps / 4)) in b2; [|lra]. replace (4 * ln 2 / eps * (eps / 4)) with (ln 2) in b2 by (field; lra). exact b2. }
  apply Rabs_def1.
  - apply (Rmult_lt_reg_r (INR n)); [exact np|].
    replace ((- ln t / INR n - rate) * INR n) with (- ln t - INR n * rate) by (field; lra). nra.
  - apply (Rmult_lt_reg_r (INR n)); [exact np|].
    replace ((- ln t / INR n - rate) * INR n) with (- ln t - INR n * rate) by (field; lra). nra.
Qed.

(** * Every level is reached: m - level(l) <= (number of strings) / (l p(a)), where a has f(a) = m = max f *)

Lemma level_reached y : E s p f < y -> (exists a, In a s /\ y < f a) -> exists l, 0 < l /\ level l = y.
Proof.
  intros above (a0 & in0 & high0).
  destruct (highest f s nonempty) as (a & ha & top). pose proof (top a0 in0) as ga.
  set (m := f a). assert (y < m) as room by (unfold m; lra).
  assert (0 < p a) as pa by now apply fp.
  set (l1 := INR (length s) / (p a * (m - y)) + 1).
  assert (0 <= INR (length s)) as len0 by apply pos_INR.
  assert (0 < p a * (m - y)) as pm by (apply Rmult_lt_0_compat; lra).
  assert (1 <= l1) as l1p by (unfold l1; assert (0 <= INR (length s) / (p a * (m - y))) by (apply Rdiv_le_0_compat; lra); lra).
  assert (y < level l1) as beyond.
  { assert (m - level l1 = sum s (fun u => weight p f l1 u * (m - f u)) / total s p f l1) as gap.
    { transitivity (E s (tilted l1) (fun u => m - f u)).
      - rewrite E_minus, E_const by apply tilted_law. reflexivity.
      - apply E_normalised. }
    assert (0 < exp (l1 * m)) as em by apply exp_pos.
    assert (p a * exp (l1 * m) <= total s p f l1) as most.
    { apply (sum_at_least s (weight p f l1) a); auto. intros u hu. apply Rlt_le, weight_pos with s; auto. apply fp. }
    assert (sum s (fun u => weight p f l1 u * (m - f u)) <= INR (length s) * (exp (l1 * m) / l1)) as least.
    { rewrite <- sum_const. apply sum_le. intros u hu. specialize (top u hu). fold m in top. unfold weight.
      replace (l1 * f u) with (l1 * m + - (l1 * (m - f u))) by ring. rewrite exp_plus.
      assert (p u <= 1) as p1.
      { destruct fp as [pos one]. rewrite <- one. apply sum_at_least; auto. intros w hw. now apply Rlt_le, pos. }
      assert (0 < p u) as p0 by now apply fp.
      assert (exp (- (l1 * (m - f u))) * (l1 * (m - f u)) <= 1) as peak.
      { pose proof (exp_ineq1_le (l1 * (m - f u))) as e1. pose proof (exp_pos (- (l1 * (m - f u)))) as e0.
        assert (exp (- (l1 * (m - f u))) * exp (l1 * (m - f u)) = 1) as inv.
        { rewrite <- exp_plus, Rplus_opp_l. apply exp_0. }
        nra. }
      set (z := exp (- (l1 * (m - f u)))) in *. assert (0 < z) as z0 by apply exp_pos.
      apply (Rmult_le_reg_r l1); [lra|].
      replace (exp (l1 * m) / l1 * l1) with (exp (l1 * m) * 1) by (field; lra).
      replace (p u * (exp (l1 * m) * z) * (m - f u) * l1) with (exp (l1 * m) * (p u * (z * (l1 * (m - f u))))) by ring.
      apply Rmult_le_compat_l; [lra|]. assert (0 <= z * (l1 * (m - f u))).
      { apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra. }
      nra. }
    assert (0 < total s p f l1) as tp by (apply total_pos; [apply nonempty|apply fp]).
    assert (m - level l1 < m - y); [|lra]. rewrite gap. apply (Rmult_lt_reg_r (total s p f l1)); [exact tp|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    eapply Rle_lt_trans; [exact least|].
    apply Rlt_le_trans with ((m - y) * (p a * exp (l1 * m))); [|apply Rmult_le_compat_l; lra].
    replace ((m - y) * (p a * exp (l1 * m))) with (exp (l1 * m) * (p a * (m - y))) by ring.
    replace (INR (length s) * (exp (l1 * m) / l1)) with (exp (l1 * m) * (INR (length s) / l1)) by (field; lra).
    apply Rmult_lt_compat_l; [exact em|]. apply (Rmult_lt_reg_r l1); [lra|].
    replace (INR (length s) / l1 * l1) with (INR (length s)) by (field; lra). unfold l1.
    replace (p a * (m - y) * (INR (length s) / (p a * (m - y)) + 1)) with (INR (length s) + p a * (m - y)) by (field; lra).
    lra. }
  assert (level 0 = E s p f) as start by (apply E_ext_law; exact tilted_zero).
  destruct (IVT_gen level 0 l1 y) as (l & at_l & eq).
  - intros u. apply continuity_pt_filterlim, (ex_derive_continuous level). eexists. apply level_derive.
  - rewrite Rmin_left, Rmax_right by lra. lra.
  - exists l. rewrite Rmin_left in at_l by lra. split; [|exact eq].
    destruct (proj1 at_l) as [pos|zero]; [exact pos|]. subst l. lra.
Qed.
End Cramer.

(** * The two sides of the line: f = -I below and f = I above, with l = tau - 1 and l = 1 - tau *)

Lemma indicator_iff (x y x' y' : R) : (x <= y <-> x' <= y') -> indicator (Rle_dec x y) = indicator (Rle_dec x' y').
Proof. intros iff. unfold indicator. destruct (Rle_dec x y), (Rle_dec x' y'); tauto. Qed.

Section Sides.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.
Notation plus := (aligned s p Rw).
Notation i := (I s p Rw).
Hypothesis vary : 0 < Var s plus i.
Definition signed (c : R) (a : A) : R := c * i a.

Lemma plus_is_full : full s plus.
Proof. apply aligned_full, fp. Qed.

Lemma signed_vary c : c * c = 1 -> 0 < Var s plus (signed c).
Proof.
  intros one. unfold Var, signed. rewrite Cov_scal, Cov_sym, Cov_scal. fold (Var s plus i).
  replace (c * (c * Var s plus i)) with (c * c * Var s plus i) by ring. rewrite one. lra.
Qed.

Lemma tilt_tempered c l tau a : 1 - l * c = tau -> In a s -> tilt s plus (signed c) l a = tempered s plus tau a.
Proof.
  intros <- ha. assert (forall y, In y s -> weight plus (signed c) l y = Rpower (plus y) (1 - l * c)) as same.
  { intros y hy. assert (0 < plus y) as pos by now apply plus_is_full. unfold weight, signed, Rpower, I.
    rewrite <- (exp_ln (plus y)) at 1 by exact pos. rewrite <- exp_plus. f_equal. ring. }
  unfold tilt, tempered, normalised. rewrite (same a ha). f_equal. apply sum_ext. exact same.
Qed.

Lemma level_CE c l tau : 1 - l * c = tau -> level s plus (signed c) l = c * CE s (tempered s plus tau) plus.
Proof.
  intros eq. unfold level, signed. rewrite E_scal, CE_surprisal. f_equal. apply E_ext_law.
  intros a ha. now apply tilt_tempered.
Qed.

Lemma mean_signed c (d : list A) : mean d (signed c) = c * mean d i.
Proof. unfold mean, signed. rewrite sum_scal. unfold Rdiv. ring. Qed.

Lemma sides c l tau : c * c = 1 -> 0 < l -> 1 - l * c = tau -> let qt := tempered s plus tau in
  is_lim_seq (fun n => - ln (EN s plus n (fun d => indicator (Rle_dec (c * CE s qt plus) (c * mean d i)))) / INR n)
             (KL s qt plus).
Proof.
  intros one lp eq qt. rewrite <- (KL_ext s (tilt s plus (signed c) l) qt plus plus);
    [|intros; now apply tilt_tempered|reflexivity].
  eapply is_lim_seq_ext; [|apply (cramer s plus (signed c) plus_is_full (signed_vary c one) l lp)].
  intros n. cbv beta. unfold tail. rewrite (level_CE c l tau eq). fold qt. f_equal. f_equal. f_equal.
  apply EN_ext. intros d _ _. now rewrite mean_signed.
Qed.
End Sides.

Theorem line_rate_limit_holds : line_rate_limit.
Proof.
  intros A s p Rw tau fp plus i qt vary. split; intros side.
  - eapply is_lim_seq_ext; [|apply (sides s p Rw fp vary (-1) (tau - 1) tau ltac:(ring) ltac:(lra) ltac:(ring))].
    intros n. cbv beta. f_equal. f_equal. f_equal. apply EN_ext. intros d _ _. apply indicator_iff.
    fold plus qt i. split; intros; lra.
  - eapply is_lim_seq_ext; [|apply (sides s p Rw fp vary 1 (1 - tau) tau ltac:(ring) ltac:(lra) ltac:(ring))].
    intros n. cbv beta. f_equal. f_equal. f_equal. apply EN_ext. intros d _ _. apply indicator_iff.
    fold plus qt i. split; intros; lra.
Qed.

Theorem line_rate_levels_holds : line_rate_levels.
Proof.
  intros A s p Rw y fp plus i vary. assert (full s plus) as fq by apply plus_is_full, fp.
  assert (forall c l, level s plus (signed s p Rw c) l = c * CE s (tempered s plus (1 - l * c)) plus) as levels
    by (intros; now apply level_CE).
  split; intros (a & ha & out) side.
  - destruct (level_reached s plus (signed s p Rw (-1)) fq (-1 * y)) as (l & lp & eq).
    + unfold signed. rewrite E_scal. fold i. unfold plus in side. rewrite Ent_surprisal in side. fold plus i in side. lra.
    + exists a. split; [exact ha|]. unfold signed. fold i. lra.
    + exists (1 - l * -1). split; [lra|]. rewrite levels in eq. lra.
  - destruct (level_reached s plus (signed s p Rw 1) fq (1 * y)) as (l & lp & eq).
    + unfold signed. rewrite E_scal. fold i. unfold plus in side. rewrite Ent_surprisal in side. fold plus i in side. lra.
    + exists a. split; [exact ha|]. unfold signed. fold i. lra.
    + exists (1 - l * 1). split; [lra|]. rewrite levels in eq. lra.
Qed.

Theorem line_rate_temperature_holds : line_rate_temperature.
Proof.
  intros A s p Rw fp plus height vary. assert (full s plus) as fq by apply plus_is_full, fp.
  assert (forall tau, height tau = level s plus (signed s p Rw 1) (1 - tau)) as levels.
  { intros tau. pose proof (level_CE s p Rw fp 1 (1 - tau) tau ltac:(ring)) as eq. fold plus in eq. rewrite eq.
    unfold height. ring. }
  assert (forall tau tau', tau < tau' -> height tau' < height tau) as falls.
  { intros tau tau' lt. rewrite !levels. apply level_increasing; [exact fq|apply signed_vary; [exact vary|ring]|lra]. }
  split; [exact falls|].
  assert (height 0 = mean s (I s p Rw)) as start.
  { unfold height. unfold plus at 2. rewrite CE_surprisal. unfold E, mean, Rdiv. rewrite <- sum_scal_r. apply sum_ext.
    intros a ha. unfold tempered, normalised, Rpower. rewrite (sum_ext s _ (fun _ => 1)), sum_const
      by (intros; now rewrite Rmult_0_l, exp_0). rewrite Rmult_0_l, exp_0. unfold Rdiv. rewrite Rmult_1_r. ring. }
  intros tau. rewrite <- start. split; intros lt; [now apply falls|].
  destruct (Rtotal_order 0 tau) as [pos|[<-|neg]]; [exact pos|lra|]. specialize (falls tau 0 neg). lra.
Qed.
