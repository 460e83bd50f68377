(** Controls of correlation, adaptors, simpson, metropolis and prompts: witnesses against each broken claim. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ControlStatements Sums Exponential Alignment BestOfN Line Rate Correlation.
From ProbQual Require Import Adaptors Family Simpson Metropolis Prompts Identification Witnesses.
Import ListNotations.
Open Scope R_scope.


(** * correlation *)

Theorem control_correlation_iid_unscaled_holds : control_correlation_iid_unscaled.
Proof.
  intros claim. pose proof (claim nat two half INR INR 2%nat half_law ltac:(lia)) as wrong.
  rewrite CovN_iid in wrong by (try lia; apply half_law).
  unfold two in wrong. rewrite Cov_two in wrong by (unfold half, tab; simpl; lra).
  unfold half, tab in wrong. simpl in wrong. lra.
Qed.

Lemma rising_moments q : q 0%nat + q 1%nat = 1 ->
  Var two q (L rising_p) = q 0%nat * q 1%nat * x ^ 2 /\ Var two q one_x = q 0%nat * q 1%nat * x ^ 2 /\
  Cov two q (L rising_p) one_x = q 0%nat * q 1%nat * x ^ 2 /\
  Var two q (I two rising_p one_x) = q 0%nat * q 1%nat * (4 * x ^ 2) /\
  Cov two q (L rising_p) (I two rising_p one_x) = - (q 0%nat * q 1%nat * (2 * x ^ 2)).
Proof.
  intros one. pose proof rising_L as l. pose proof rising_I as i. unfold Var, two in *.
  rewrite !Cov_two, l, i by exact one. unfold one_x, tab. simpl. repeat split; ring.
Qed.

Lemma trading_moments q : q 0%nat + q 1%nat = 1 ->
  Var two q two_x = q 0%nat * q 1%nat * (4 * x ^ 2) /\
  Var two q (I two trading_p two_x) = q 0%nat * q 1%nat * x ^ 2 /\
  Cov two q (L trading_p) (I two trading_p two_x) = q 0%nat * q 1%nat * x ^ 2.
Proof.
  intros one. pose proof trading_L as l. pose proof trading_I as i. unfold Var, two in *.
  rewrite !Cov_two, l, i by exact one. unfold two_x, tab. simpl. repeat split; ring.
Qed.

Lemma plus_sum p Rw : full two p -> aligned two p Rw 0%nat + aligned two p Rw 1%nat = 1.
Proof. intros fp. destruct (aligned_full two p Rw fp) as [_ one]. unfold two in *. simpl in one. lra. Qed.

Lemma x2_pos : 0 < x ^ 2.
Proof. apply pow_lt, x_pos. Qed.

Theorem control_correlation_iid_averaging_reverses_holds : control_correlation_iid_averaging_reverses.
Proof.
  intros claim. set (plus := aligned two rising_p one_x). pose proof x_pos as xp; pose proof x2_pos as x2.
  assert (law two plus) as lq by apply full_law, aligned_full, rising_full.
  destruct (rising_moments plus (plus_sum _ _ rising_full)) as (vl & vr & k & _ & _).
  destruct rising_plus as [p0 p1]. fold plus in p0, p1. rewrite p0, p1 in vl, vr, k.
  pose proof (claim nat two rising_p one_x 2%nat rising_full ltac:(lia)) as wrong. cbv zeta in wrong. fold plus in wrong.
  specialize (wrong ltac:(rewrite vl; lra) ltac:(rewrite vr; lra)).
  rewrite CorrN_iid in wrong by (auto; rewrite ?vl, ?vr; lra). unfold Corr in wrong. rewrite k in wrong.
  assert (0 < / 5 * (4 / 5) * x ^ 2 / sqrt (Var two plus (L rising_p) * Var two plus one_x)); [|lra].
  apply Rdiv_lt_0_compat; [lra|]. apply sqrt_lt_R0, Rmult_lt_0_compat; rewrite ?vl, ?vr; lra.
Qed.

(** tee: rho = -2/3, Var L = Var R = 6/25 x^2 and V = 4/25 x^2 *)
Theorem control_correlation_sharp_sum_for_max_holds : control_correlation_sharp_sum_for_max.
Proof.
  intros claim. pose proof x_pos as xp; pose proof x2_pos as x2. assert (law three tee_plus) as lq by apply full_law, aligned_full, tee_full.
  destruct (tee_moments _ (tee_sum _ lq)) as (_ & _ & vl & vr & k). destruct tee_values as (p0 & p1 & p2).
  rewrite p2 in vl; rewrite p1 in vr; rewrite p1, p2 in k. pose proof (claim nat three tee_p tee_R tee_full) as wrong. cbv zeta in wrong.
  rewrite Var_surprisal in wrong by (auto using tee_full). unfold Corr in wrong. rewrite vl, vr, k in wrong.
  specialize (wrong ltac:(lra) ltac:(lra)).
  rewrite sqrt_square in wrong by lra.
  replace (- (x ^ 2 * (2 / 5 * (2 / 5))) / (x ^ 2 * (2 / 5 * (1 - 2 / 5)))) with (- (2 / 3)) in wrong by (field; lra). lra.
Qed.

Theorem control_correlation_sharp_without_hypothesis_holds : control_correlation_sharp_without_hypothesis.
Proof.
  intros claim. set (plus := aligned two rising_p one_x). pose proof x_pos as xp; pose proof x2_pos as x2.
  destruct (rising_moments plus (plus_sum _ _ rising_full)) as (vl & vr & k & _ & _).
  destruct rising_plus as [p0 p1]. fold plus in p0, p1. rewrite p0, p1 in vl, vr, k.
  pose proof (claim nat two rising_p one_x rising_full) as wrong. cbv zeta in wrong. fold plus in wrong.
  specialize (wrong ltac:(rewrite vl; lra) ltac:(rewrite vr; lra)).
  match type of wrong with _ <= - sqrt ?y => pose proof (sqrt_pos y) end. unfold Corr in wrong. rewrite k in wrong.
  assert (0 < / 5 * (4 / 5) * x ^ 2 / sqrt (Var two plus (L rising_p) * Var two plus one_x)); [|lra].
  apply Rdiv_lt_0_compat; [lra|]. apply sqrt_lt_R0, Rmult_lt_0_compat; rewrite ?vl, ?vr; lra.
Qed.

Lemma half_pools : EN two half 2 (fun pool => CovN pool (uniform pool) 2 INR INR) = / 16.
Proof.
  rewrite pool_shown by (try lia; apply half_law). unfold two. rewrite Cov_two by (unfold half, tab; simpl; lra).
  unfold half, tab. simpl. field.
Qed.

Theorem control_correlation_bootstrap_no_understatement_holds : control_correlation_bootstrap_no_understatement.
Proof.
  intros claim. pose proof (claim nat two half INR INR 2%nat 2%nat half_law ltac:(lia) ltac:(lia)) as wrong.
  pose proof (correlation_bootstrap_spread_holds nat two half INR INR 2%nat 2%nat half_law ltac:(lia) ltac:(lia)) as right.
  cbv beta zeta in wrong, right. rewrite right, half_pools in wrong. change (INR 2) with (1 + 1) in wrong. lra.
Qed.

Theorem control_correlation_bootstrap_divided_by_n_holds : control_correlation_bootstrap_divided_by_n.
Proof.
  intros claim. pose proof (claim nat two half INR INR 2%nat 2%nat half_law ltac:(lia) ltac:(lia)) as wrong.
  pose proof (correlation_bootstrap_spread_holds nat two half INR INR 2%nat 2%nat half_law ltac:(lia) ltac:(lia)) as right.
  cbv beta zeta in wrong, right. rewrite right, half_pools in wrong. change (INR 2) with (1 + 1) in wrong. lra.
Qed.

(** The pairs of an even pool of three: Var of the mean is 1/8, and 1/24 within a pool. *)
Theorem control_correlation_bootstrap_without_replacement_holds : control_correlation_bootstrap_without_replacement.
Proof.
  intros claim. pose proof (claim nat two half INR half_law) as wrong. cbv zeta in wrong.
  unfold two, half, tab, mean in wrong. simpl in wrong. lra.
Qed.

(** f = (0, 1, 0) and g = (0, 1, 1) correlate 1/2 over three even strings, and 1 in the pool of the first two. *)
Theorem control_correlation_bootstrap_pool_is_the_law_holds : control_correlation_bootstrap_pool_is_the_law.
Proof.
  intros claim. set (q := tab [/ 3; / 3; / 3]). set (f := tab [0; 1; 0]). set (g := tab [0; 1; 1]).
  assert (law three q) as lq by (apply full_law; decide_full).
  assert (law two (uniform two)) as lu by (apply uniform_law; discriminate).
  assert (incl two three) as sub by (intros a [<-|[<-|[]]]; unfold three; simpl; auto).
  assert (Cov three q f f = 2 / 9 /\ Cov three q g g = 2 / 9 /\ Cov three q f g = 1 / 9) as (ff & gg & fg).
  { unfold Cov, three. rewrite !E_three. unfold q, f, g, tab. simpl. repeat split; field. }
  assert (Cov two (uniform two) f f = / 4 /\ Cov two (uniform two) g g = / 4 /\ Cov two (uniform two) f g = / 4)
    as (ff' & gg' & fg').
  { unfold Cov. unfold two at 1 3 4 6 7 9 10 12 13. unfold E, uniform, two, f, g, tab. simpl. repeat split; field. }
  pose proof (claim nat three q f g two 1%nat lq sub (le_n 1)) as wrong. unfold Var in wrong.
  specialize (wrong ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  rewrite CorrN_iid in wrong by (auto; unfold Var; lra). unfold Corr, Var in wrong.
  rewrite ff, gg, fg, ff', gg', fg', !sqrt_square in wrong by lra. lra.
Qed.

(** * adaptors *)

Lemma half_tempered (q : nat -> R) a : In a two -> tempered two q 0 a = half a.
Proof. intros ha. rewrite tempered_zero. revert a ha. each; unfold half, tab, two; simpl; lra. Qed.

Theorem control_adaptors_exchange_turned_holds : control_adaptors_exchange_turned.
Proof.
  intros claim. pose proof x_pos as xp; pose proof x2_pos as x2. pose proof (claim nat two rising_p one_x 0 rising_full) as wrong.
  pose proof (adaptors_exchange_likelihood_holds nat two rising_p one_x 0 rising_full) as right.
  cbv zeta in wrong, right. set (plus := aligned two rising_p one_x) in *.
  destruct (rising_moments half ltac:(unfold half, tab; simpl; lra)) as (_ & _ & _ & v & k).
  assert (Var two (tempered two plus 0) (I two rising_p one_x) = x ^ 2) as v0.
  { unfold Var in *. rewrite (Cov_ext_law two _ half), v by apply half_tempered. unfold half, tab. simpl. field. }
  assert (b two rising_p one_x (tempered two plus 0) = - / 2) as b0.
  { unfold b. rewrite v0, (Cov_ext_law two _ half), k by apply half_tempered. unfold half, tab. simpl. field. lra. }
  rewrite v0, b0 in wrong, right. specialize (wrong x2). specialize (right x2).
  apply is_derive_unique in wrong, right. rewrite wrong in right. lra.
Qed.

Lemma tee_b : b three tee_p tee_R tee_plus = - / 2 /\ 0 < Var three tee_plus (I three tee_p tee_R).
Proof.
  pose proof x_pos as xp; pose proof x2_pos as x2. assert (law three tee_plus) as lq by apply full_law, aligned_full, tee_full.
  destruct (tee_moments _ (tee_sum _ lq)) as (_ & _ & vl & vr & k). destruct tee_values as (p0 & p1 & p2).
  rewrite p2 in vl; rewrite p1 in vr; rewrite p1, p2 in k. pose proof (Var_surprisal three tee_p tee_R tee_plus tee_full lq) as v.
  split; [|lra]. unfold b. rewrite v, Cov_surprisal by (auto using tee_full). fold (Var three tee_plus (L tee_p)).
  rewrite vl, vr, k. field. lra.
Qed.

Theorem control_adaptors_exchange_negative_suffices_holds : control_adaptors_exchange_negative_suffices.
Proof.
  intros claim. pose proof x_pos as xp; pose proof x2_pos as x2. assert (law three tee_plus) as lq by apply full_law, aligned_full, tee_full.
  destruct (tee_moments _ (tee_sum _ lq)) as (_ & _ & _ & _ & k). destruct tee_values as (p0 & p1 & p2).
  rewrite p1, p2 in k. destruct tee_b as [eb vp].
  pose proof (claim nat three tee_p tee_R tee_full vp ltac:(rewrite k; lra)) as wrong. rewrite eb in wrong. lra.
Qed.

Lemma sqrt_ratio c v : 0 < v -> 0 < c -> sqrt v / sqrt (c ^ 2 * v) = / c.
Proof.
  intros vp cp. assert (0 < sqrt v) by now apply sqrt_lt_R0.
  rewrite sqrt_mult by (try apply pow2_ge_0; lra). rewrite sqrt_pow2 by lra. field. lra.
Qed.

Theorem control_adaptors_slope_bound_k_alone_holds : control_adaptors_slope_bound_k_alone.
Proof.
  intros claim. set (plus := aligned two rising_p one_x). pose proof x_pos as xp; pose proof x2_pos as x2.
  destruct (rising_moments plus (plus_sum _ _ rising_full)) as (_ & vr & _ & v & k).
  destruct rising_plus as [p0 p1]. fold plus in p0, p1. rewrite p0, p1 in vr, v, k.
  pose proof (claim nat two rising_p one_x rising_full) as wrong. cbv zeta in wrong. fold plus in wrong.
  assert (sqrt (Var two plus one_x) / sqrt (Var two plus (I two rising_p one_x)) = / 2) as half_k.
  { rewrite v, vr. replace (/ 5 * (4 / 5) * (4 * x ^ 2)) with (2 ^ 2 * (/ 5 * (4 / 5) * x ^ 2)) by ring.
    apply sqrt_ratio; lra. }
  assert (b two rising_p one_x plus = - / 2) as eb by (unfold b; rewrite v, k; field; lra).
  rewrite half_k, eb in wrong. specialize (wrong ltac:(rewrite v; lra) ltac:(lra)). rewrite v in wrong.
  replace ((1 + - / 2) * (/ 5 * (4 / 5) * (4 * x ^ 2)) / (- - / 2 * (/ 5 * (4 / 5) * (4 * x ^ 2)))) with 1 in wrong
    by (field; lra). rewrite Rabs_R1 in wrong. lra.
Qed.

Theorem control_adaptors_slope_bound_any_k_holds : control_adaptors_slope_bound_any_k.
Proof.
  intros claim. set (plus := aligned two trading_p two_x). pose proof x_pos as xp; pose proof x2_pos as x2.
  destruct (trading_moments plus (plus_sum _ _ trading_full)) as (vr & v & _).
  destruct trading_plus as [p0 p1]. fold plus in p0, p1. rewrite p0, p1 in vr, v.
  pose proof (claim nat two trading_p two_x trading_full) as wrong. cbv zeta in wrong. fold plus in wrong.
  assert (sqrt (Var two plus two_x) / sqrt (Var two plus (I two trading_p two_x)) = 2) as two_k.
  { rewrite v, vr. replace (/ 3 * (2 / 3) * (4 * x ^ 2)) with (2 ^ 2 * (/ 3 * (2 / 3) * x ^ 2)) by ring.
    rewrite <- (Rinv_inv (_ / _)), Rinv_div, sqrt_ratio by lra. apply Rinv_inv. }
  rewrite two_k in wrong. specialize (wrong ltac:(rewrite v; lra)).
  match type of wrong with Rabs ?y <= _ => pose proof (Rabs_pos y) end. lra.
Qed.

Theorem control_adaptors_budget_plus_divergence_holds : control_adaptors_budget_plus_divergence.
Proof.
  intros claim. pose proof (full_law _ _ level_full) as lp.
  pose proof (claim nat two level_p one_x level_p level_full lp) as wrong.
  rewrite adaptors_budget_identity_holds in wrong by (auto using level_full).
  assert (0 < KL two level_p (aligned two level_p one_x)); [|lra].
  apply (differ _ _ _ 0%nat); auto using aligned_full, level_full; [in_two|].
  destruct level_plus as [-> _]. unfold level_p, tab. simpl. lra.
Qed.

Theorem control_adaptors_budget_one_to_one_holds : control_adaptors_budget_one_to_one.
Proof.
  intros claim. pose proof (claim nat two level_p one_x level_p level_full (full_law _ _ level_full)) as wrong.
  cbv zeta in wrong. unfold two in wrong. rewrite !E_two in wrong. fold two in wrong.
  destruct level_plus as [p0 p1]. rewrite p0, p1 in wrong. pose proof x_pos.
  unfold L, level_p, one_x, tab in wrong. simpl in wrong. lra.
Qed.

Theorem control_adaptors_truncation_forgotten_mass_holds : control_adaptors_truncation_forgotten_mass.
Proof.
  intros claim. set (plus := aligned two level_p one_x).
  set (w := fun a => plus a * indicator (Nat.eq_dec a 0)).
  assert (sum two w = / 3) as mass.
  { destruct level_plus as [p0 p1]. fold plus in p0, p1. unfold w, two, indicator. simpl. rewrite p0. ring. }
  pose proof (claim nat two level_p one_x _ _ (fun a => Nat.eq_dec a 0) level_full) as wrong. cbv beta zeta in wrong.
  fold plus w in wrong. rewrite mass in wrong. specialize (wrong ltac:(lra)).
  pose proof (adaptors_truncation_cross_entropy_holds nat two level_p one_x _ _ (fun a => Nat.eq_dec a 0) level_full) as right.
  cbv beta zeta in right. fold plus w in right. rewrite mass in right. specialize (right ltac:(lra)).
  pose proof (ln_increasing (/ 3) 1 ltac:(lra) ltac:(lra)) as neg. rewrite ln_1 in neg. lra.
Qed.

Lemma trading_means q : q 0%nat + q 1%nat = 1 ->
  E two q (L trading_p) = L trading_p 0%nat - x * q 1%nat /\ E two q two_x = 2 * x * q 1%nat.
Proof.
  intros one. pose proof trading_L as l. unfold two. rewrite !E_two. replace (q 0%nat) with (1 - q 1%nat) by lra.
  replace (L trading_p 1%nat) with (L trading_p 0%nat - x) by lra. unfold two_x, tab. simpl. split; ring.
Qed.

Theorem control_adaptors_none_every_model_truncation_holds : control_adaptors_none_every_model_truncation.
Proof.
  intros claim. set (plus := aligned two trading_p two_x). destruct trading_plus as [p0 p1]. fold plus in p0, p1.
  pose proof (claim nat two trading_p two_x 1%nat trading_full ltac:(in_two)) as wrong. cbv zeta in wrong. fold plus in wrong.
  destruct (trading_means plus (plus_sum _ _ trading_full)) as [el er]. rewrite el, er, p1 in wrong.
  assert (forall a, In a two -> plus a <= 2 / 3) as top by (each; rewrite ?p0, ?p1; lra).
  specialize (wrong top). pose proof trading_L as l. pose proof x_pos.
  replace (L trading_p 1%nat) with (L trading_p 0%nat - x) in wrong by lra. unfold two_x, tab in wrong. simpl in wrong. nra.
Qed.

Theorem control_adaptors_none_every_model_holds : control_adaptors_none_every_model.
Proof.
  intros claim. set (plus := aligned two trading_p two_x). destruct trading_plus as [p0 p1]. fold plus in p0, p1.
  pose proof (claim nat two trading_p two_x 2 trading_full ltac:(lra)) as wrong. cbv zeta in wrong. fold plus in wrong.
  assert (full two plus) as fq by apply aligned_full, trading_full.
  assert (tempered two plus 2 1%nat = 4 / 5) as t1.
  { rewrite tempered_two by (auto; in_two). unfold two. simpl. rewrite p0, p1. field. }
  assert (law two (tempered two plus 2)) as [_ one] by apply full_law, tempered_full, fq.
  unfold two in one. simpl in one. fold two in one.
  destruct (trading_means plus (plus_sum _ _ trading_full)) as [el er].
  destruct (trading_means (tempered two plus 2) ltac:(lra)) as [tl tr].
  rewrite el, er, tl, tr, t1, p1 in wrong. pose proof x_pos. nra.
Qed.

(** A single string cannot gain. *)
Definition single : nat -> R := fun _ => 1.
Lemma single_full : full [0]%nat single.
Proof. unfold single. split; [intros; lra|simpl; ring]. Qed.

Theorem control_adaptors_interior_dependent_holds : control_adaptors_interior_dependent.
Proof.
  intros claim. destruct (claim nat [0]%nat single (fun _ => 0) single_full) as (q & [_ one] & _ & _ & gain).
  destruct (aligned_full [0]%nat single (fun _ => 0) single_full) as [_ own]. unfold E in gain. simpl in *.
  replace (q 0%nat) with 1 in gain by lra. replace (aligned [0]%nat single (fun _ => 0) 0%nat) with 1 in gain by lra. lra.
Qed.

(** p = (2, 1)/3 and e^R = (1, 2): L + R is constant, so that no law gains in the sum. *)
Theorem control_adaptors_interior_both_vary_holds : control_adaptors_interior_both_vary.
Proof.
  intros claim. set (plus := aligned two trading_p one_x). pose proof (plus_sum trading_p one_x trading_full) as own.
  fold plus in own. pose proof trading_L as l. pose proof x_pos as xp; pose proof x2_pos as x2.
  assert (full two plus) as fq by apply aligned_full, trading_full.
  assert (0 < plus 0%nat * plus 1%nat) as pp by (apply Rmult_lt_0_compat; apply fq; in_two).
  assert (forall q, q 0%nat + q 1%nat = 1 -> E two q (L trading_p) + E two q one_x = L trading_p 0%nat) as flat.
  { intros q one. unfold two. rewrite !E_two. replace (q 0%nat) with (1 - q 1%nat) by lra.
    replace (L trading_p 1%nat) with (L trading_p 0%nat - x) by lra. unfold one_x, tab. simpl. ring. }
  destruct (claim nat two trading_p one_x trading_full) as (q & [_ one] & _ & _ & gain); fold plus.
  - unfold Var, two. rewrite Cov_two by exact own. rewrite l. nra.
  - unfold Var, two. rewrite Cov_two by exact own. unfold one_x, tab. simpl. nra.
  - fold plus in gain. unfold two in one. simpl in one. rewrite !flat in gain by lra. lra.
Qed.

(** tee: the even law on strings 1 and 2 gains in both. *)
Theorem control_adaptors_interior_free_holds : control_adaptors_interior_free.
Proof.
  intros claim. set (q := tab [0; / 2; / 2]). pose proof x_pos as xp.
  assert (law three q) as lq by (split; [each; numbers; lra|numbers; lra]).
  assert (law three tee_plus) as lp by apply full_law, aligned_full, tee_full.
  destruct (tee_moments q ltac:(unfold q, tab; simpl; lra)) as (el & er & _).
  destruct (tee_moments _ (tee_sum _ lp)) as (el' & er' & _). destruct tee_values as (_ & p1 & p2). rewrite p1 in er'. rewrite p2 in el'.
  pose proof (claim nat three tee_p tee_R q tee_full lq) as wrong. cbv zeta in wrong.
  pose proof (adaptors_interior_price_holds nat three tee_p tee_R q tee_full lq) as price. cbv zeta in price.
  assert (0 <= KL three q tee_plus) as pos.
  { apply KL_nonneg; auto. apply full_ac, aligned_full, tee_full. }
  rewrite el, er, el', er' in wrong, price. unfold q, tab in *. simpl in *.
  specialize (wrong ltac:(lra) ltac:(lra)). lra.
Qed.

(** p = (1, 1, 2)/4 and e^R = (1, 2, 2): p+ = (1, 2, 4)/7, where l(I) = L is not affine in I; q = p+^2 / sum p+^2. *)
Definition bent_R : nat -> R := tab [0; x; x].
Notation bent_plus := (aligned three tee_p bent_R).

Lemma bent_values : bent_plus 0%nat = / 7 /\ bent_plus 1%nat = 2 / 7 /\ bent_plus 2%nat = 4 / 7.
Proof.
  unfold aligned, Z, tee_p, bent_R, tab, three. simpl. rewrite exp_0, exp_ln by lra. repeat split; field.
Qed.

Lemma bent_I : I three tee_p bent_R 1%nat = I three tee_p bent_R 0%nat - x /\
  I three tee_p bent_R 2%nat = I three tee_p bent_R 0%nat - 2 * x.
Proof.
  rewrite !(surprisal three tee_p bent_R) by (apply tee_full || (unfold three; simpl; auto)).
  destruct tee_L as [l1 l2]. rewrite l1, l2. unfold bent_R, tab. simpl. split; ring.
Qed.

(** g(i) = k e^-i makes q proportional to p+^2. *)
Lemma squared {A : Type} (s : list A) p Rw k a : full s p -> In a s ->
  aligned s p Rw a * (k * exp (- I s p Rw a)) = k * aligned s p Rw a ^ 2.
Proof.
  intros fp ha. unfold I. rewrite Ropp_involutive, exp_ln by (apply aligned_full; auto). ring.
Qed.

Theorem control_adaptors_affine_line_not_affine_holds : control_adaptors_affine_line_not_affine.
Proof.
  intros claim. pose proof x_pos as xp. pose proof x2_pos as x2. destruct bent_values as (p0 & p1 & p2).
  destruct bent_I as [i1 i2]. destruct tee_L as [l1 l2]. set (g := fun i => 7 / 3 * exp (- i)).
  set (q := fun a => bent_plus a * g (I three tee_p bent_R a)).
  assert (q 0%nat = / 21 /\ q 1%nat = 4 / 21 /\ q 2%nat = 16 / 21) as (q0 & q1 & q2).
  { unfold q, g. rewrite !squared by (apply tee_full || (unfold three; simpl; auto)). rewrite p0, p1, p2.
    repeat split; field. }
  assert (law three q) as lq.
  { split; [each; rewrite ?q0, ?q1, ?q2; lra|]. unfold three. simpl. rewrite q0, q1, q2. field. }
  pose proof (claim nat three tee_p bent_R g tee_full) as wrong. cbv beta zeta in wrong.
  assert (Var three bent_plus (I three tee_p bent_R) = 26 / 49 * x ^ 2) as v.
  { unfold Var, Cov, three. rewrite !E_three. fold three. rewrite p0, p1, p2, i1, i2. field. }
  assert (Cov three bent_plus (L tee_p) (I three tee_p bent_R) = - (16 / 49 * x ^ 2)) as k.
  { unfold Cov, three. rewrite !E_three. fold three. rewrite p0, p1, p2, i1, i2, l1, l2. field. }
  assert (b three tee_p bent_R bent_plus = - (8 / 13)) as eb by (unfold b; rewrite v, k; field; lra).
  rewrite v, eb in wrong. fold q in wrong. specialize (wrong ltac:(lra) lq).
  unfold three in wrong. rewrite !E_three in wrong. fold three in wrong.
  rewrite q0, q1, q2, p0, p1, p2, l1, l2 in wrong. unfold bent_R, tab in wrong. simpl in wrong. lra.
Qed.

Lemma tee_affine : exists c d, forall a, In a three ->
  conditional three tee_p tee_R (L tee_p) (I three tee_p tee_R a) = c + d * I three tee_p tee_R a.
Proof.
  destruct tee_b as [eb vp]. apply (adaptors_affine_line_iff_holds nat three tee_p tee_R tee_full vp).
  intros g q lq. rewrite eb. destruct tee_values as (p0 & p1 & p2).
  assert (law three tee_plus) as lp by apply full_law, aligned_full, tee_full.
  destruct (tee_moments q (tee_sum q lq)) as (el & er & _). destruct (tee_moments _ (tee_sum _ lp)) as (el' & er' & _).
  rewrite el, er, el', er', p1, p2. unfold q. rewrite p1, p2.
  replace (I three tee_p tee_R 2%nat) with (I three tee_p tee_R 1%nat) by (unfold I; now rewrite p1, p2). field.
Qed.

Theorem control_adaptors_affine_line_ties_by_index_holds : control_adaptors_affine_line_ties_by_index.
Proof.
  intros claim. destruct tee_b as [eb vp]. destruct tee_values as (p0 & p1 & p2). pose proof x_pos as xp.
  set (q := tab [0; 1; 0]). assert (law three q) as lq by (split; [each; numbers; lra|numbers; lra]).
  assert (law three tee_plus) as lp by apply full_law, aligned_full, tee_full.
  pose proof (claim nat three tee_p tee_R q tee_full lq vp tee_affine) as wrong. cbv zeta in wrong. rewrite eb in wrong.
  destruct (tee_moments q (tee_sum q lq)) as (el & er & _). destruct (tee_moments _ (tee_sum _ lp)) as (el' & er' & _).
  rewrite el, er, el', er', p1, p2 in wrong. unfold q, tab in wrong. simpl in wrong. lra.
Qed.

Theorem control_adaptors_affine_line_inverse_slope_holds : control_adaptors_affine_line_inverse_slope.
Proof.
  intros claim. set (plus := aligned two trading_p two_x). pose proof x_pos as xp. pose proof x2_pos as x2.
  pose proof (plus_sum trading_p two_x trading_full) as own. destruct (trading_moments plus own) as (_ & v & k).
  destruct trading_plus as [p0 p1]. fold plus in p0, p1, own. rewrite p0, p1 in v, k.
  assert (b two trading_p two_x plus = 1) as eb by (unfold b; rewrite v, k; field; lra).
  assert (0 < Var two plus (I two trading_p two_x)) as vp by (rewrite v; lra).
  destruct (trading_means plus own) as [el er].
  assert (exists c d, forall a, In a two ->
    conditional two trading_p two_x (L trading_p) (I two trading_p two_x a) = c + d * I two trading_p two_x a) as affine.
  { apply (adaptors_affine_line_iff_holds nat two trading_p two_x trading_full vp). intros g q [_ one]. fold plus.
    rewrite eb. unfold two in one. simpl in one. destruct (trading_means q) as [ql qr]; [lra|].
    rewrite el, er, ql, qr. ring. }
  pose proof (claim nat two trading_p two_x trading_full vp affine (fun i => 9 / 5 * exp (- i))) as wrong.
  cbv beta zeta in wrong. fold plus in wrong. rewrite eb in wrong.
  set (q := fun a => plus a * (9 / 5 * exp (- I two trading_p two_x a))) in wrong.
  assert (q 0%nat = / 5 /\ q 1%nat = 4 / 5) as [q0 q1].
  { unfold q, plus. rewrite !squared by (apply trading_full || in_two). fold plus. rewrite p0, p1. split; field. }
  assert (law two q) as lq.
  { split; [each; rewrite ?q0, ?q1; lra|]. unfold two. simpl. rewrite q0, q1. field. }
  specialize (wrong lq). destruct (trading_means q) as [ql qr]; [rewrite q0, q1; field|].
  rewrite el, er, ql, qr, q1, p1 in wrong. lra.
Qed.

Lemma family_zero (s : list nat) p Rw a : family s p Rw 0 0 a = / INR (length s).
Proof.
  unfold family, normalised, Rpower.
  rewrite (sum_ext s _ (fun _ => 1)), sum_const by (intros; rewrite !Rmult_0_l, !exp_0; ring).
  rewrite !Rmult_0_l, !exp_0, !Rmult_1_r. unfold Rdiv. ring.
Qed.

(** One string: every variance is 0. *)
Theorem control_adaptors_family_dependent_holds : control_adaptors_family_dependent.
Proof.
  intros claim. pose proof (claim nat [0]%nat single (fun _ => 0) 0 0 single_full) as wrong. cbv zeta in wrong.
  assert (family [0]%nat single (fun _ => 0) 0 0 0%nat = 1) as one by (rewrite family_zero; simpl; field).
  unfold Var, Cov, E in wrong. simpl in wrong. rewrite one in wrong. lra.
Qed.

(** tee at (s, t) = (0, 0), the even law: Var L = Var R = 2/9 x^2 and Cov = -1/9 x^2. *)
Theorem control_adaptors_family_backward_flow_holds : control_adaptors_family_backward_flow.
Proof.
  intros claim. pose proof x_pos as xp. pose proof x2_pos as x2. set (q := family three tee_p tee_R 0 0).
  assert (forall a, q a = / 3) as even by (intros; unfold q; rewrite family_zero; simpl; field).
  destruct (tee_moments q) as (_ & _ & vl & vr & k); [rewrite !even; field|]. rewrite !even in vl, vr, k.
  pose proof (claim nat three tee_p tee_R 0 0 tee_full) as wrong. cbv zeta in wrong. fold q in wrong.
  match type of wrong with is_derive (fun u => E _ (family _ _ _ (0 + u * ?c) (0 + u * ?d)) _) _ _ =>
    pose proof (family_gradient three tee_p tee_R tee_full (L tee_p) 0 0 c d) as right end. fold q in right.
  apply is_derive_unique in wrong, right. rewrite wrong in right. unfold Var in *.
  rewrite vl, vr, (Cov_sym three q (L tee_p) tee_R) in right. rewrite (Cov_sym three q (L tee_p) tee_R) in k.
  rewrite k in right. assert (0 < x ^ 2 * x ^ 2) by now apply Rmult_lt_0_compat.
  assert (x ^ 2 * x ^ 2 = 0); [|lra].
  rewrite (even 2%nat) in right. lra.
Qed.

(** tee with (s, t) = (-1, -1): the even law, from which the budget is counted, gains in both. *)
Theorem control_adaptors_family_any_weights_holds : control_adaptors_family_any_weights.
Proof.
  intros claim. pose proof x_pos as xp. set (q := family three tee_p tee_R 0 0). set (best := family three tee_p tee_R (-1) (-1)).
  assert (law three q) as lq by now apply family_law, tee_full.
  assert (law three best) as lb by now apply family_law, tee_full.
  assert (forall a, q a = / 3) as even by (intros; unfold q; rewrite family_zero; simpl; field).
  assert (best 1%nat = / 4 /\ best 2%nat = / 4) as [b1 b2].
  { assert (forall y, 0 < y -> Rpower y (-1) = / y) as inverse.
    { intros y yp. unfold Rpower. replace (-1 * ln y) with (- ln y) by ring. now rewrite exp_Ropp, exp_ln. }
    unfold best, family, normalised, three, tee_p, tee_R, tab. simpl. rewrite !inverse by lra.
    replace (-1 * 0) with 0 by ring. replace (-1 * x) with (- x) by ring. rewrite exp_0, exp_Ropp, exp_ln by lra.
    split; field. }
  apply (claim nat three tee_p tee_R q (-1) (-1) 0 0 tee_full lq).
  - fold q best. rewrite KL_self by (intros; now apply lq). apply (family_KL_nonneg three tee_p tee_R tee_full best 0 0 lb).
  - fold best. destruct (tee_moments q (tee_sum q lq)) as (el & er & _).
    destruct (tee_moments best (tee_sum best lb)) as (el' & er' & _). rewrite el, er, el', er', b1, b2, !even. lra.
Qed.

Theorem control_adaptors_local_entropy_without_tau_holds : control_adaptors_local_entropy_without_tau.
Proof.
  intros claim. pose proof x_pos as xp. pose proof x2_pos as x2.
  pose proof (claim nat two rising_p one_x 0 rising_full) as wrong.
  pose proof (adaptors_local_entropy_slope_holds nat two rising_p one_x 0 rising_full) as right.
  cbv zeta in wrong, right. destruct (rising_moments half ltac:(unfold half, tab; simpl; lra)) as (_ & _ & _ & v & _).
  unfold Var in *. rewrite (Cov_ext_law two _ half), v in wrong by apply half_tempered.
  apply is_derive_unique in wrong, right. rewrite wrong, Rmult_0_l in right. unfold half, tab in right. simpl in right. lra.
Qed.

(** * simpson *)

(** Adaptor k always emits string k. *)
Definition point (k a : nat) : R := indicator (Nat.eq_dec a k).

Lemma point_law k : In k two -> law two (point k).
Proof.
  intros hk. split; [intros; unfold point, indicator; destruct Nat.eq_dec; lra|].
  destruct hk as [<-|[<-|[]]]; unfold point, indicator, two; simpl; ring.
Qed.

Theorem control_simpson_crossing_mixed_by_string_holds : control_simpson_crossing_mixed_by_string.
Proof.
  intros claim. pose proof (claim nat nat two two half point INR INR 2%nat half_law point_law ltac:(lia)) as wrong.
  rewrite (simpson_crossing_mixed_holds nat nat two two half point INR INR 2%nat half_law point_law) in wrong by lia.
  assert (between two two half point INR INR = / 4) as eb.
  { unfold between, two. rewrite Cov_two by (unfold half, tab; simpl; lra). rewrite !E_two.
    unfold half, point, indicator, tab. simpl. field. }
  rewrite eb in wrong. simpl in wrong. lra.
Qed.

(** C8: (L, R) is even on {(0, 1), (4, 5)} under one adaptor and on {(1, 0), (5, 4)} under the other: W = 4, B = -1/4. *)
Definition four : list nat := [0; 1; 2; 3]%nat.
Definition c8 (k : nat) : nat -> R := if k then tab [/ 2; / 2; 0; 0] else tab [0; 0; / 2; / 2].
Definition c8_L : nat -> R := tab [0; 4; 1; 5].
Definition c8_R : nat -> R := tab [1; 5; 0; 4].

Lemma c8_law k : In k two -> law four (c8 k).
Proof. revert k. each; (split; [each; numbers; lra|numbers; lra]). Qed.

Lemma c8_covariance n g sign : (1 <= n)%nat -> (forall a, g a = sign * c8_R a) ->
  CovM four two half c8 n c8_L g = sign * (4 / INR n - / 4) /\
  forall k, In k two -> Cov four (c8 k) c8_L g = sign * 4.
Proof.
  intros some eq. assert (forall k, In k two -> Cov four (c8 k) c8_L g = sign * 4) as inside.
  { intros k hk. rewrite Cov_sym, (Cov_ext four (c8 k) g (fun a => sign * c8_R a) c8_L c8_L), Cov_scal by auto.
    f_equal. revert k hk. each; unfold Cov, E, four, c8, c8_L, c8_R, tab; simpl; field. }
  split; [|exact inside]. rewrite simpson_crossing_covariance_holds by (auto using half_law, c8_law).
  assert (within four two half c8 c8_L g = sign * 4) as ->.
  { unfold within, two. cbn [sum]. rewrite !inside by in_two. unfold half, tab. simpl. field. }
  assert (between four two half c8 c8_L g = - (sign * / 4)) as ->; [|unfold Rdiv; ring].
  unfold between, two. rewrite Cov_two by (unfold half, tab; simpl; lra).
  rewrite !(E_ext four (c8 _) g (fun a => sign * c8_R a)), !E_scal by auto.
  unfold E, four, c8, c8_L, c8_R, half, tab. simpl. field.
Qed.

Theorem control_simpson_crossing_within_decides_holds : control_simpson_crossing_within_decides.
Proof.
  intros claim. destruct (c8_covariance 17 c8_R 1 ltac:(lia) ltac:(intros; ring)) as [total inside].
  pose proof (claim nat nat four two half c8 c8_L c8_R 17%nat half_law c8_law ltac:(lia)) as wrong.
  rewrite total in wrong. simpl in wrong. assert (forall k, In k two -> 0 < Cov four (c8 k) c8_L c8_R) as pos.
  { intros k hk. rewrite inside by exact hk. lra. }
  specialize (wrong pos). lra.
Qed.

Theorem control_simpson_crossing_one_direction_holds : control_simpson_crossing_one_direction.
Proof.
  intros claim. set (g := fun a => -1 * c8_R a).
  destruct (c8_covariance 17 g (-1) ltac:(lia) ltac:(reflexivity)) as [late _].
  destruct (c8_covariance 1 g (-1) ltac:(lia) ltac:(reflexivity)) as [early _].
  pose proof (claim nat nat four two half c8 c8_L g 17%nat half_law c8_law ltac:(lia)) as wrong.
  rewrite early, late in wrong. simpl in wrong. specialize (wrong ltac:(lra)). lra.
Qed.

Theorem control_simpson_crossing_opposite_signs_suffice_holds : control_simpson_crossing_opposite_signs_suffice.
Proof. intros claim. pose proof (claim 1 (-2) ltac:(lra)). lra. Qed.

(** * metropolis *)

Tactic Notation "cases" "in" hyp(h) := unfold Rmin, Rabs in h;
  repeat match type of h with
  | context [Rle_dec ?y ?z] => destruct (Rle_dec y z); try lra
  | context [Rcase_abs ?y] => destruct (Rcase_abs y); try lra
  end.

(** q even on three strings and w = (0, 1, 2): acceptance 5/9, 1 - TV = 2/3. *)
Theorem control_metropolis_acceptance_all_of_the_overlap_holds : control_metropolis_acceptance_all_of_the_overlap.
Proof.
  intros claim. set (q := tab [/ 3; / 3; / 3]). set (pi := tab [0; / 3; 2 / 3]).
  assert (full three q) as fq by decide_full. assert (law three pi) as lp by (split; [each; numbers; lra|numbers; lra]).
  pose proof (claim nat three q pi fq lp) as wrong. rewrite (acceptance_pairs three q pi fq lp) in wrong.
  unfold overlap_pairs, three in wrong. rewrite !E_three in wrong. unfold TV, q, pi, tab in wrong. simpl in wrong.
  replace (0 / / 3) with 0 in wrong by field. replace (/ 3 / / 3) with 1 in wrong by field.
  replace (2 / 3 / / 3) with 2 in wrong by field. cases in wrong.
Qed.

Theorem control_metropolis_acceptance_no_half_holds : control_metropolis_acceptance_no_half.
Proof.
  intros claim. set (pi := tab [0; 1]). assert (full two half) as fq by decide_full.
  assert (law two pi) as lp by (split; [each; numbers; lra|numbers; lra]).
  pose proof (claim nat two half pi fq lp) as wrong. rewrite (acceptance_gini two half pi fq lp) in wrong.
  unfold gini, two, half, pi, tab in wrong. simpl in wrong.
  replace (0 / / 2) with 0 in wrong by field. replace (1 / / 2) with 2 in wrong by field. cases in wrong.
Qed.

Theorem control_metropolis_accept_all_stationary_at_the_target_holds :
  control_metropolis_accept_all_stationary_at_the_target.
Proof.
  intros claim. assert (full two half) as fq by decide_full.
  pose proof (claim nat two half rising_p 0%nat fq rising_full ltac:(in_two)) as wrong.
  rewrite metropolis_accept_all_step_holds in wrong by (apply full_law; (exact fq || exact rising_full)).
  unfold half, rising_p, tab in wrong. simpl in wrong. lra.
Qed.

(** * prompts: two even prompts with one answer each, and reward 0 or log 2 *)

Definition answer : nat -> list nat := fun _ => [0]%nat.
Definition certain : nat -> nat -> R := fun _ => single.
Definition merit (k : nat) : nat -> R := fun _ => one_x k.

Lemma certain_full k : In k two -> full (answer k) (certain k).
Proof. intros _. exact single_full. Qed.

Lemma merit_Z k : Z (answer k) (certain k) (merit k) = exp (one_x k).
Proof. unfold Z, answer, certain, single, merit. simpl. ring. Qed.

Lemma merit_Ent k : Ent (answer k) (aligned (answer k) (certain k) (merit k)) = 0.
Proof.
  unfold Ent, aligned. rewrite merit_Z. unfold answer, certain, single, merit. simpl.
  pose proof (exp_pos (one_x k)). replace (1 * exp (one_x k) / exp (one_x k)) with 1 by (field; lra). rewrite ln_1. ring.
Qed.

Lemma merit_level k : ln (Z (answer k) (certain k) (merit k))
  - Ent (answer k) (aligned (answer k) (certain k) (merit k)) = one_x k.
Proof. rewrite merit_Ent, merit_Z, ln_exp. ring. Qed.

Lemma merit_spread : Var two half (fun k => ln (Z (answer k) (certain k) (merit k))
  - Ent (answer k) (aligned (answer k) (certain k) (merit k))) = x ^ 2 / 4.
Proof.
  unfold Var. rewrite (Cov_ext two half _ one_x _ one_x) by (intros; apply merit_level).
  unfold two. rewrite Cov_two by (unfold half, tab; simpl; lra). unfold half, one_x, tab. simpl. field.
Qed.

Theorem control_prompts_variance_within_only_holds : control_prompts_variance_within_only.
Proof.
  intros claim. pose proof x2_pos as x2.
  pose proof (claim nat nat two half answer certain merit 1%nat half_law certain_full (le_n 1)) as wrong.
  pose proof (prompts_variance_split_holds nat nat two half answer certain merit 1%nat half_law certain_full (le_n 1)) as right.
  cbv zeta in wrong, right. rewrite wrong, merit_spread in right. simpl in right. lra.
Qed.

Theorem control_prompts_variance_mean_partition_holds : control_prompts_variance_mean_partition.
Proof.
  intros claim.
  pose proof (claim nat nat two half answer certain merit 1%nat half_law certain_full (le_n 1)) as wrong.
  pose proof (prompts_variance_centre_holds nat nat two half answer certain merit 1%nat half_law certain_full (le_n 1)) as right.
  cbv zeta in wrong, right. rewrite right in wrong. unfold two in wrong. rewrite !E_two in wrong.
  rewrite !merit_Ent, !merit_Z, !ln_exp in wrong. unfold half, one_x, tab in wrong. simpl in wrong.
  rewrite exp_0, exp_ln in wrong by lra.
  pose proof (ln_increasing 2 ((3 / 2) * (3 / 2)) ltac:(lra) ltac:(lra)) as lt. rewrite ln_mult in lt by lra.
  replace (/ 2 * 1 + / 2 * 2) with (3 / 2) in wrong by field. lra.
Qed.

Theorem control_prompts_variance_one_prompt_per_corpus_holds : control_prompts_variance_one_prompt_per_corpus.
Proof.
  intros claim. pose proof x_pos as xp. pose proof x2_pos as x2.
  pose proof (claim nat nat two half [0]%nat certain merit 2%nat half_law (fun _ _ => single_full) ltac:(lia)) as wrong.
  cbv zeta in wrong. set (line := fun k a => L (certain k) a + merit k a) in *.
  assert (forall k, law [0]%nat (aligned [0]%nat (certain k) (merit k))) as lq by (intros; apply full_law, aligned_full, single_full).
  assert (forall k, E [0]%nat (aligned [0]%nat (certain k) (merit k)) (line k) = one_x k) as means.
  { intros k. rewrite <- (E_const [0]%nat _ (one_x k) (lq k)). apply E_ext. intros a _. unfold line, L, certain, single, merit.
    rewrite ln_1. ring. }
  assert (forall k f g, Cov [0]%nat (aligned [0]%nat (certain k) (merit k)) f g = 0) as no_spread.
  { intros k f g. rewrite (Cov_ext _ _ f (fun _ => f 0%nat) g g), Cov_const; auto. intros a [<-|[]]. reflexivity. }
  rewrite (E_ext two half _ (fun k => one_x k * one_x k)) in wrong.
  2: { intros k _. change (fun c => mean c (line k) * mean c (line k)) with (fun c => mean c (line k) * mean c (line k)).
       rewrite EN_mean_product, no_spread, !means by (auto; lia). unfold Rdiv. ring. }
  rewrite (E_ext two half (fun k => EN _ _ 2 _) one_x) in wrong by (intros; rewrite EN_mean by (auto; lia); apply means).
  change (Var two half _) with (Var two half (fun k => ln (Z (answer k) (certain k) (merit k))
    - Ent (answer k) (aligned (answer k) (certain k) (merit k)))) in wrong. rewrite merit_spread in wrong.
  rewrite (E_ext two half (fun k => Var _ _ _) (fun _ => 0)) in wrong by (intros; apply no_spread).
  rewrite E_const in wrong by apply half_law. unfold two in wrong. rewrite !E_two in wrong.
  unfold half, one_x, tab in wrong. simpl in wrong. lra.
Qed.

(** * identification: prompt 0 has two answers, those of "rising" or of "trading", and prompt 1 has one *)

Definition answers (k : nat) : list nat := if k then two else [0]%nat.
Definition mixed (p : nat -> R) (k : nat) : nat -> R := if k then p else single.

Lemma mixed_full p k : full two p -> In k two -> full (answers k) (mixed p k).
Proof. intros fp [<-|[<-|[]]]; [exact fp|exact single_full]. Qed.

Lemma prompts_vary : exists h, 0 < Var two half h.
Proof.
  exists INR. unfold Var, two. rewrite Cov_two by (unfold half, tab; simpl; lra). unfold half, tab. simpl. lra.
Qed.

Definition paid (Rw : nat -> R) (k : nat) : nat -> R := if k then Rw else fun _ => 0.

Lemma mixed_cov p Rw : full two p ->
  E two half (fun k => Cov (answers k) (aligned (answers k) (mixed p k) (paid Rw k)) (L (mixed p k)) (paid Rw k))
  = Cov two (aligned two p Rw) (L p) Rw / 2.
Proof.
  intros fp. unfold two at 1. rewrite E_two. simpl answers. simpl mixed. simpl paid.
  rewrite (Cov_sym [0]%nat), Cov_const by apply full_law, aligned_full, single_full.
  unfold half, tab. simpl. field.
Qed.

Lemma rising_cov : 0 < Cov two (aligned two rising_p one_x) (L rising_p) one_x.
Proof.
  destruct (rising_moments _ (plus_sum _ one_x rising_full)) as (_ & _ & k & _). destruct rising_plus as [p0 p1].
  rewrite k, p0, p1. pose proof x2_pos. lra.
Qed.

Lemma trading_cov : Cov two (aligned two trading_p two_x) (L trading_p) two_x < 0.
Proof.
  pose proof trading_L as l. pose proof (plus_sum _ two_x trading_full) as own. unfold two in *.
  rewrite Cov_two by exact own. destruct trading_plus as [p0 p1]. unfold two in p0, p1. rewrite p0, p1, l.
  unfold two_x, tab. simpl. pose proof x2_pos. lra.
Qed.

Notation rising_q := (fun k => aligned (answers k) (mixed rising_p k) (paid one_x k)).

Lemma rising_range : let Lx xa := L (mixed rising_p (fst xa)) (snd xa) in
  let corr g := Corr (pairs two answers) (joint half rising_q) Lx
                     (fun xa => paid one_x (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var two half (fun k => E (answers k) (rising_q k) (L (mixed rising_p k)))
            / Var (pairs two answers) (joint half rising_q) Lx in
  let rho := E two half (fun k => Cov (answers k) (rising_q k) (L (mixed rising_p k)) (paid one_x k))
    / sqrt (E two half (fun k => Var (answers k) (rising_q k) (L (mixed rising_p k)))
            * E two half (fun k => Var (answers k) (rising_q k) (paid one_x k))) in
  0 <= e2 < 1 /\ 0 < rho ^ 2 /\
  forall v, (exists g, corr g = v) <-> - sqrt e2 < v <= sqrt (e2 + (1 - e2) * rho ^ 2).
Proof.
  apply (range two half answers rising_q (fun k => L (mixed rising_p k)) (paid one_x) half_law).
  - intros k hk. apply full_law, aligned_full, mixed_full; [apply rising_full|exact hk].
  - exact prompts_vary.
  - rewrite mixed_cov by apply rising_full. pose proof rising_cov. lra.
Qed.

Theorem control_prompts_identification_identified_holds : control_prompts_identification_identified.
Proof.
  intros claim. destruct rising_range as (share & positive & iff).
  pose proof (claim nat nat two half answers (mixed rising_p) (paid one_x) half_law
    (fun k => mixed_full rising_p k rising_full) prompts_vary) as wrong. cbv beta zeta in wrong.
  rewrite mixed_cov in wrong by apply rising_full. specialize (wrong ltac:(pose proof rising_cov; lra)).
  set (e2 := _ / _) in iff, share. set (rho := _ / _) in iff, positive.
  assert (0 < (1 - e2) * rho ^ 2) as gap by (apply Rmult_lt_0_compat; lra).
  assert (- sqrt e2 < sqrt (e2 + (1 - e2) * rho ^ 2)) as room.
  { pose proof (sqrt_pos e2). assert (0 < sqrt (e2 + (1 - e2) * rho ^ 2)) by (apply sqrt_lt_R0; lra). lra. }
  destruct (proj2 (iff (sqrt (e2 + (1 - e2) * rho ^ 2)))) as (g & eq); [lra|].
  destruct (proj2 (iff ((- sqrt e2 + sqrt (e2 + (1 - e2) * rho ^ 2)) / 2))) as (g' & eq'); [lra|].
  specialize (wrong g g'). cbv beta in eq, eq', wrong. rewrite eq, eq' in wrong. lra.
Qed.

Theorem control_prompts_identification_closed_interval_holds : control_prompts_identification_closed_interval.
Proof.
  intros claim. destruct rising_range as (_ & _ & iff).
  pose proof (claim nat nat two half answers (mixed rising_p) (paid one_x) half_law
    (fun k => mixed_full rising_p k rising_full) prompts_vary) as wrong. cbv beta zeta in wrong.
  rewrite mixed_cov in wrong by apply rising_full. specialize (wrong ltac:(pose proof rising_cov; lra)).
  apply iff in wrong. lra.
Qed.

(** The means of L given the two prompts, log(1/3) + (4/5) log 2 and 0, differ: log 3 > log 2. *)
Theorem control_prompts_identification_without_share_holds : control_prompts_identification_without_share.
Proof.
  intros claim. destruct rising_range as (share & positive & iff).
  pose proof (claim nat nat two half answers (mixed rising_p) (paid one_x) half_law
    (fun k => mixed_full rising_p k rising_full) prompts_vary) as wrong. cbv beta zeta in wrong.
  assert (0 < E two half (fun k => Cov (answers k) (rising_q k) (L (mixed rising_p k)) (paid one_x k))) as kp.
  { rewrite mixed_cov by apply rising_full. pose proof rising_cov. lra. }
  specialize (wrong kp). apply iff in wrong. destruct wrong as [_ wrong]. revert wrong.
  set (d := Var (pairs two answers) _ _) in *.
  set (a := Var two half (fun k => E (answers k) (rising_q k) (L (mixed rising_p k)))) in *.
  assert (0 < a) as ap.
  { set (m := fun k : nat => E (answers k) (rising_q k) (L (mixed rising_p k))). change (0 < Cov two half m m).
    unfold two. rewrite Cov_two by (unfold half, tab; simpl; lra). unfold half, tab. simpl nth.
    assert (m 1%nat - m 0%nat <> 0) as ne; [|pose proof (Rsqr_pos_lt _ ne) as sq; unfold Rsqr in sq; lra].
    assert (m 1%nat = 0) as ->.
    { unfold m. cbv beta. simpl answers. simpl mixed. simpl paid. rewrite (E_ext _ _ _ (fun _ => 0)).
      - apply E_const, full_law, aligned_full, single_full.
      - intros. unfold L, single. apply ln_1. }
    unfold m. cbv beta. simpl answers. simpl mixed. simpl paid. unfold two. rewrite E_two. fold two.
    destruct rising_plus as [p0 p1]. rewrite p0, p1. pose proof rising_L as l.
    assert (L rising_p 0%nat = - ln 3) as l0 by (unfold L, rising_p, tab; simpl; apply ln_Rinv; lra).
    pose proof (ln_increasing 2 3 ltac:(lra) ltac:(lra)). pose proof x_pos. lra. }
  assert (0 < d) as dp.
  { set (l := E two half (fun k : nat => Var (answers k) (rising_q k) (L (mixed rising_p k)))).
    assert (d = l + a) as -> by (unfold d; rewrite Var_pairs; reflexivity).
    assert (0 <= l); [|lra]. apply E_nonneg; [apply half_law|]. intros k hk.
    apply Var_nonneg, full_law, aligned_full, mixed_full; [apply rising_full|exact hk]. }
  set (rho := _ / sqrt _) in *. intros wrong. assert (0 < a / d) as ep by now apply Rdiv_lt_0_compat.
  apply sqrt_le_0 in wrong; [|assert (0 <= a / d * rho ^ 2) by (apply Rmult_le_pos; lra)
    |assert (0 <= (1 - a / d) * rho ^ 2) by (apply Rmult_le_pos; lra)]; try lra.
  assert (0 < a / d * rho ^ 2) by now apply Rmult_lt_0_compat. lra.
Qed.

Theorem control_prompts_identification_any_sign_holds : control_prompts_identification_any_sign.
Proof.
  intros claim. pose proof (claim nat nat two half answers (mixed trading_p) (paid two_x) half_law
    (fun k => mixed_full trading_p k trading_full) prompts_vary) as wrong. cbv beta zeta in wrong.
  assert (E two half (fun k => Cov (answers k) (aligned (answers k) (mixed trading_p k) (paid two_x k))
    (L (mixed trading_p k)) (paid two_x k)) < 0) as neg.
  { rewrite mixed_cov by apply trading_full. pose proof trading_cov. lra. }
  specialize (wrong ltac:(lra)).
  destruct (mirrored two half answers (fun k => aligned (answers k) (mixed trading_p k) (paid two_x k))
    (fun k => L (mixed trading_p k)) (paid two_x) half_law) as (share & positive & iff).
  - intros k hk. apply full_law, aligned_full, mixed_full; [apply trading_full|exact hk].
  - exact prompts_vary.
  - exact neg.
  - apply iff in wrong. destruct wrong as [_ wrong]. revert wrong share positive.
    set (e2 := _ / _). set (rho := _ / sqrt _). intros wrong share positive.
    assert (sqrt e2 <= sqrt (e2 + (1 - e2) * rho ^ 2)); [|lra]. apply sqrt_le_1_alt.
    assert (0 <= (1 - e2) * rho ^ 2) by (apply Rmult_le_pos; lra). lra.
Qed.

