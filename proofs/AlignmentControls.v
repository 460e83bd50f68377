(** Controls of alignment and line: witnesses against each claim with one thing broken. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ControlStatements Sums Exponential Alignment BestOfN Line Rate Correlation.
From ProbQual Require Import Adaptors Family Simpson Metropolis Prompts Witnesses.
Import ListNotations.
Open Scope R_scope.

(** * alignment *)

Theorem control_alignment_gibbs_wrong_sign_holds : control_alignment_gibbs_wrong_sign.
Proof.
  intros claim. pose proof (full_law _ _ level_full) as lp.
  pose proof (claim nat two level_p one_x level_p 1 Rlt_0_1 level_full lp) as wrong.
  rewrite (alignment_gibbs_gap_holds nat two level_p one_x level_p 1 Rlt_0_1 level_full lp) in wrong.
  assert (0 < KL two level_p (aligned two level_p (scaled 1 one_x))); [|lra].
  apply (differ _ _ _ 0%nat); auto using aligned_full, level_full; [in_two|].
  rewrite (proj1 (aligned_ext two level_p _ one_x 0%nat (scaled_one one_x))).
  destruct level_plus as [-> _]. unfold level_p, tab. simpl. lra.
Qed.

(** p = (1, 1)/2, e^R = (1, 4), p+ = (1, 4)/5: q = (1, 3)/4 does better, since (75/64)^5 > 2. *)
Theorem control_alignment_gibbs_reversed_divergence_holds : control_alignment_gibbs_reversed_divergence.
Proof.
  intros claim. set (q := tab [/ 4; 3 / 4]). assert (full two q) as fq by decide_full.
  pose proof (claim nat two level_p two_x q 1 Rlt_0_1 level_full fq) as wrong.
  set (plus := aligned two level_p (scaled 1 two_x)) in *.
  assert (plus 0%nat = / 5 /\ plus 1%nat = 4 / 5) as [p0 p1].
  { unfold plus. rewrite !(proj1 (aligned_ext two level_p _ two_x _ (scaled_one two_x))).
    unfold aligned, Z, level_p, two_x, tab, two. simpl. rewrite exp_0, exp_plus, exp_ln by lra. split; field. }
  unfold KL, two in wrong. simpl in wrong. rewrite !(E_two) in wrong. rewrite p0, p1 in wrong.
  unfold q, level_p, two_x, tab in wrong. simpl in wrong.
  replace (/ 2 / / 4) with 2 in wrong by field. replace (/ 2 / (3 / 4)) with (2 / 3) in wrong by field.
  replace (/ 2 / / 5) with (5 / 2) in wrong by field. replace (/ 2 / (4 / 5)) with (5 / 8) in wrong by field.
  assert (x + ln (2 / 3) = ln (4 / 3)) as e1 by (rewrite <- ln_mult by lra; f_equal; field).
  assert (ln (5 / 2) + ln (5 / 8) = ln (25 / 16)) as e2 by (rewrite <- ln_mult by lra; f_equal; field).
  assert (ln (25 / 16) - ln (4 / 3) = ln (75 / 64)) as e3 by (rewrite <- ln_div by lra; f_equal; field).
  assert (x < 5 * ln (75 / 64)) as better.
  { replace (5 * ln (75 / 64)) with (ln ((75 / 64) ^ 5)).
    - apply ln_increasing; lra.
    - rewrite ln_power by lra. simpl. ring. }
  lra.
Qed.

Theorem control_alignment_secret_reward_flipped_sign_holds : control_alignment_secret_reward_flipped_sign.
Proof.
  intros claim. pose proof (claim nat two level_p one_x level_full) as wrong.
  assert (0 < KL two (aligned two level_p one_x) level_p) as pos.
  { apply (differ _ _ _ 0%nat); auto using full_law, aligned_full, level_full; [in_two|].
    destruct level_plus as [-> _]. unfold level_p, tab. simpl. lra. }
  replace (E two _ _) with (- KL two (aligned two level_p one_x) level_p) in wrong; [lra|].
  unfold KL, E. rewrite <- sum_opp. apply sum_ext. intros a ha.
  assert (0 < aligned two level_p one_x a) by (apply aligned_full; [apply level_full|exact ha]). assert (0 < level_p a) by now apply level_full.
  rewrite !ln_div by auto. ring.
Qed.

Theorem control_alignment_secret_reward_wrong_law_holds : control_alignment_secret_reward_wrong_law.
Proof.
  intros claim. pose proof (claim nat two level_p one_x level_full) as wrong.
  assert (0 < KL two level_p (aligned two level_p one_x)) as pos.
  { apply (differ _ _ _ 0%nat); auto using full_law, aligned_full, level_full; [in_two|].
    destruct level_plus as [-> _]. unfold level_p, tab. simpl. lra. }
  replace (E two _ _) with (- KL two level_p (aligned two level_p one_x)) in wrong; [lra|].
  unfold KL, E. rewrite <- sum_opp. apply sum_ext. intros a ha.
  assert (0 < aligned two level_p one_x a) by (apply aligned_full; [apply level_full|exact ha]). assert (0 < level_p a) by now apply level_full.
  rewrite !ln_div by auto. ring.
Qed.

Theorem control_alignment_strength_never_falls_holds : control_alignment_strength_never_falls.
Proof.
  intros claim. destruct alignment_strength_no_sign_holds as [(s & p & r & fp & neg) _].
  pose proof (claim nat s p r 0 fp). lra.
Qed.

(** p = (1, 2, 1)/4 and e^r = (2, 4, 5)/2: p_l(1) = 1/2, 8/15, 512/1153 at l = 0, 1, 4. *)
Theorem control_alignment_strength_one_way_holds : control_alignment_strength_one_way.
Proof.
  intros claim. set (s := [0; 1; 2]%nat). set (p := tab [/ 4; / 2; / 4]). set (r := tab [0; x; ln (5 / 2)]).
  assert (full s p) as fp by decide_full.
  assert (forall l e f, exp (l * x) = e -> exp (l * ln (5 / 2)) = f ->
    E s (strength s p r l) (L p) = ln (/ 4) + x * (2 * e / (1 + 2 * e + f))) as value.
  { intros l e f he hf. assert (0 < e) by (rewrite <- he; apply exp_pos). assert (0 < f) by (rewrite <- hf; apply exp_pos).
    unfold s. rewrite E_three. unfold strength, aligned, Z, L, p, r, tab. simpl. rewrite Rmult_0_r, exp_0, he, hf.
    replace (/ 2) with (2 * / 4) by field. rewrite ln_double by lra. field. lra. }
  assert (exp (4 * x) = 16) as e4.
  { replace (4 * x) with (x + x + x + x) by ring. rewrite !exp_plus, exp_ln; lra. }
  assert (exp (4 * ln (5 / 2)) = 625 / 16) as f4.
  { replace (4 * ln (5 / 2)) with (ln (5 / 2) + ln (5 / 2) + ln (5 / 2) + ln (5 / 2)) by ring.
    rewrite !exp_plus, exp_ln; lra. }
  assert (exp (1 * x) = 2 /\ exp (1 * ln (5 / 2)) = 5 / 2) as [e1 f1] by (rewrite !Rmult_1_l, !exp_ln; lra).
  assert (exp (0 * x) = 1 /\ exp (0 * ln (5 / 2)) = 1) as [e0 f0] by (rewrite !Rmult_0_l, !exp_0; lra).
  pose proof x_pos. destruct (claim nat s p r fp) as [up|down].
  - specialize (up 0 4 ltac:(lra)). rewrite (value 0 _ _ e0 f0), (value 4 _ _ e4 f4) in up. lra.
  - specialize (down 0 1 ltac:(lra)). rewrite (value 0 _ _ e0 f0), (value 1 _ _ e1 f1) in down. lra.
Qed.

Lemma strength_zero (s : list nat) p r a : full s p -> strength s p r 0 a = p a.
Proof.
  intros [_ one]. unfold strength, aligned, Z. rewrite (sum_ext s _ p), one, Rmult_0_l, exp_0; [field|].
  intros y _. rewrite Rmult_0_l, exp_0. ring.
Qed.

Theorem control_alignment_strength_no_strength_holds : control_alignment_strength_no_strength.
Proof.
  intros claim. pose proof (claim nat two level_p one_x 0 level_full) as wrong.
  pose proof (alignment_strength_divergence_holds nat two level_p one_x 0 level_full) as right.
  apply is_derive_unique in wrong, right. rewrite wrong in right. unfold Var in right.
  rewrite (Cov_ext_law two _ level_p) in right by (intros; apply strength_zero, level_full).
  unfold two in right. rewrite Cov_two in right by (unfold level_p, tab; simpl; lra).
  unfold level_p, one_x, tab in right. simpl in right. pose proof x_pos. nra.
Qed.

Theorem control_alignment_best_of_n_smaller_bound_holds : control_alignment_best_of_n_smaller_bound.
Proof.
  intros claim. pose proof (claim nat two level_p one_x 1%nat level_full (le_n 1)) as wrong.
  assert (0 <= KL two (best two level_p one_x 1) level_p) as pos.
  { apply KL_nonneg; [apply full_law, best_full, level_full|apply full_law, level_full|apply full_ac, level_full]. }
  simpl in wrong. rewrite ln_1 in wrong. lra.
Qed.

(** Four draws from p = (1, 1)/2: the better string has 15/16, and 2/3 at lambda = 1. *)
Theorem control_alignment_best_of_n_unequal_cost_holds : control_alignment_best_of_n_unequal_cost.
Proof.
  intros claim. pose proof (claim nat two level_p one_x 4%nat level_full ltac:(lia)) as wrong. pose proof x_pos as xp.
  unfold two in wrong. rewrite !E_two in wrong.
  assert (best [0; 1]%nat level_p one_x 4 1%nat = 15 / 16) as eb.
  { unfold best, upto, below, level_p, one_x, tab. simpl.
    rewrite (indicator_yes (Rle_dec 0 x)), (indicator_yes (Rle_dec x x)) by (intros ?; lra).
    rewrite (indicator_yes (Rlt_dec 0 x)), (indicator_no (Rlt_dec x x)) by (intros ?; lra). field. }
  assert (strength [0; 1]%nat level_p one_x 1 1%nat = 2 / 3) as es.
  { unfold strength, aligned, Z, level_p, one_x, tab. simpl. rewrite !Rmult_1_l, exp_0, exp_ln by lra. field. }
  rewrite eb, es in wrong. unfold one_x, tab in wrong. simpl in wrong. lra.
Qed.

(** * line *)

Theorem control_line_identity_difference_holds : control_line_identity_difference.
Proof.
  intros claim. assert (incl [1]%nat two) as sub by (intros y [<-|[]]; in_two).
  pose proof (claim nat two level_p one_x [1]%nat level_full ltac:(discriminate) sub) as wrong.
  pose proof (line_identity_every_corpus_holds nat two level_p one_x [1]%nat level_full ltac:(discriminate) sub) as right.
  pose proof x_pos. unfold mean at 2 in right. unfold mean at 2 in wrong. unfold one_x, tab in *. simpl in *. lra.
Qed.

Theorem control_line_identity_no_partition_holds : control_line_identity_no_partition.
Proof.
  intros claim. assert (incl [1]%nat two) as sub by (intros y [<-|[]]; in_two).
  pose proof (claim nat two level_p one_x [1]%nat level_full ltac:(discriminate) sub) as wrong.
  rewrite (line_identity_every_corpus_holds nat two level_p one_x [1]%nat level_full ltac:(discriminate) sub), level_Z in wrong.
  pose proof (ln_increasing 1 (3 / 2) ltac:(lra) ltac:(lra)) as pos. rewrite ln_1 in pos. lra.
Qed.

Theorem control_line_concentration_wrong_order_holds : control_line_concentration_wrong_order.
Proof.
  intros claim. pose proof (claim nat two level_p one_x 1 level_full ltac:(lra)) as wrong. cbv zeta in wrong.
  rewrite moment_powers in wrong by apply level_full. set (plus := aligned two level_p one_x) in *.
  assert (full two plus) as fq by apply aligned_full, level_full.
  rewrite (sum_ext two _ (fun _ => 1)) in wrong by (intros; unfold Rpower; now rewrite Rminus_eq_0, Rmult_0_l, exp_0).
  rewrite (sum_ext two (fun a => Rpower (plus a) (1 + 1)) (fun a => plus a ^ 2)) in wrong.
  2: { intros a ha. replace (1 + 1) with (INR 2) by (simpl; lra). apply Rpower_pow. now apply fq. }
  unfold two in wrong. simpl in wrong. destruct level_plus as [p0 p1]. fold plus in p0, p1. rewrite p0, p1 in wrong.
  replace (1 + (1 + 0)) with 2 in wrong by lra.
  replace (/ 3 * (/ 3 * 1) + (2 / 3 * (2 / 3 * 1) + 0)) with (/ (9 / 5)) in wrong by field.
  rewrite ln_Rinv in wrong by lra. pose proof (ln_increasing (9 / 5) 2 ltac:(lra) ltac:(lra)) as lt.
  replace (1 * (- ln (9 / 5) / (1 - (1 + 1)))) with (ln (9 / 5)) in wrong by field. lra.
Qed.

Lemma level_CE q : law two q -> CE two q (aligned two level_p one_x) = ln 3 - x * q 1%nat.
Proof.
  intros [_ one]. rewrite CE_surprisal. unfold two. rewrite E_two. destruct level_I as [i0 i1]. unfold two in i0, i1.
  rewrite i0, i1. unfold two in one. simpl in one. replace (q 0%nat) with (1 - q 1%nat) by lra. ring.
Qed.

Theorem control_line_rate_mirrored_holds : control_line_rate_mirrored.
Proof.
  intros claim. pose proof (claim nat two level_p one_x 0 level_full) as wrong. cbv zeta in wrong.
  set (plus := aligned two level_p one_x) in *. assert (full two plus) as fq by apply aligned_full, level_full.
  replace (2 - 0) with 2 in wrong by ring. unfold plus at 2 4 in wrong.
  rewrite !level_CE in wrong by (apply full_law, tempered_full, fq).
  rewrite tempered_zero, tempered_two in wrong by (auto; in_two).
  destruct level_plus as [p0 p1]. unfold two in wrong. simpl in wrong. fold two plus in p0, p1, wrong.
  rewrite p0, p1 in wrong. pose proof x_pos.
  replace (2 / 3 * (2 / 3 * 1) / (/ 3 * (/ 3 * 1) + (2 / 3 * (2 / 3 * 1) + 0))) with (4 / 5) in wrong by field.
  replace (1 + 1) with 2 in wrong by lra. lra.
Qed.

Theorem control_line_rate_unconstrained_holds : control_line_rate_unconstrained.
Proof.
  intros claim. set (plus := aligned two level_p one_x). assert (full two plus) as fq by apply aligned_full, level_full.
  pose proof (claim nat two level_p one_x plus 0 level_full (full_law _ _ fq)) as wrong. cbv zeta in wrong. fold plus in wrong.
  rewrite (KL_self two plus) in wrong by (intros a ha; now apply Rlt_le, fq).
  assert (0 < KL two (tempered two plus 0) plus); [|lra].
  apply (differ _ _ _ 0%nat); auto using full_law, tempered_full; [in_two|].
  rewrite tempered_zero. destruct level_plus as [p0 _]. fold plus in p0. rewrite p0. simpl. lra.
Qed.

(** Two draws from p+ = (1, 3)/4: Ibar is always at least (log 3)/4 from H, and V / (N^2 eps^2) = 3/4. *)
Theorem control_line_concentration_faster_rate_holds : control_line_concentration_faster_rate.
Proof.
  intros claim. set (Rw := tab [0; ln 3]). set (plus := aligned two level_p Rw). set (i := I two level_p Rw).
  assert (full two plus) as fq by apply aligned_full, level_full. pose proof (full_law _ _ fq) as lq.
  assert (0 < ln 3) as pos by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (plus 0%nat = / 4 /\ plus 1%nat = 3 / 4) as [p0 p1].
  { unfold plus, aligned, Z, level_p, Rw, tab, two. simpl. rewrite exp_0, exp_ln by lra. split; field. }
  assert (i 0%nat = i 1%nat + ln 3) as step.
  { unfold i, I. fold plus. rewrite p0, p1, ln_div, (ln_Rinv 4) by lra. ring. }
  assert (E two plus i = i 1%nat + ln 3 / 4) as ent.
  { unfold two. rewrite E_two, p0, p1, step. field. }
  pose proof (claim nat two level_p Rw 2%nat (ln 3 / 4) level_full ltac:(lia) ltac:(lra)) as wrong. cbv zeta in wrong.
  fold plus i in wrong. rewrite (EN_ext two plus 2 _ (fun _ => 1)) in wrong.
  2: { intros c len sub. assert (c <> nil) as some by (intros ->; discriminate len).
       unfold plus. rewrite line_distance by (auto using level_full). fold plus i. rewrite ent.
       destruct c as [|a [|y [|]]]; try discriminate len. unfold mean. simpl.
       assert (forall k, In k two -> i k = i 1%nat \/ i k = i 1%nat + ln 3) as values by (intros k [<-|[<-|[]]]; auto).
       destruct (values a (sub a ltac:(simpl; auto))) as [-> | ->], (values y (sub y ltac:(simpl; auto))) as [-> | ->];
         apply indicator_yes; intros no; apply no; unfold Rabs; destruct Rcase_abs; lra. }
  rewrite EN_const in wrong by auto. unfold Var, two in wrong. rewrite Cov_two, p0, p1, step in wrong by lra.
  replace (/ 4 * (3 / 4) * ((i 1%nat - (i 1%nat + ln 3)) * (i 1%nat - (i 1%nat + ln 3))) / (INR 2 ^ 2 * (ln 3 / 4) ^ 2))
    with (3 / 4) in wrong by (simpl; field; lra). lra.
Qed.

(** * Ties: p = (1, 1)/2, or (1, 2)/3, and one reward *)

Definition flat : nat -> R := fun _ => 0.

Lemma flat_best p n a : full two p -> (1 <= n)%nat -> best two p flat n a = p a.
Proof.
  intros [_ one] some. unfold best, upto, below, flat. rewrite (sum_ext two _ p).
  - rewrite one, (sum_ext two _ (fun _ => 0)), sum_zero, pow1, pow_ne_zero by
      (try lia; intros; rewrite indicator_no by (intros ?; lra); ring). field.
  - intros y _. rewrite indicator_yes by (intros no; apply no; lra). ring.
Qed.

Lemma flat_above (c : list nat) (a : nat) : count c (fun y => Rlt_dec (flat a) (flat y)) = 0.
Proof.
  unfold count. rewrite <- (sum_zero c). apply sum_ext. intros y _. apply indicator_no. unfold flat. lra.
Qed.

Lemma flat_ties (c : list nat) (a : nat) : count c (fun y => Req_EM_T (flat y) (flat a)) = INR (length c).
Proof.
  unfold count. rewrite (sum_ext c _ (fun _ => 1)), sum_const by (intros; now apply indicator_yes). ring.
Qed.

(** Of two draws the string 0 would win three times in four. *)
Theorem control_alignment_best_of_n_ties_to_the_first_holds : control_alignment_best_of_n_ties_to_the_first.
Proof.
  intros claim. assert (NoDup two) as distinct by (repeat constructor; simpl; intuition discriminate).
  pose proof (claim two level_p flat 2%nat 0%nat level_full distinct ltac:(in_two)) as wrong.
  rewrite flat_best in wrong by (auto using level_full).
  rewrite (EN_ext two level_p 2 _ (fun c => if in_dec Nat.eq_dec 0%nat c then 1 else 0)) in wrong.
  2: { intros c _ _. destruct Req_EM_T as [_|no]; [reflexivity|]. exfalso. apply no. rewrite flat_above, flat_ties.
       assert (filter (fun y => Nat.ltb y 0) c = nil) as -> by (clear; induction c as [|y c IH]; [reflexivity|exact IH]).
       simpl. ring. }
  unfold two, level_p, tab in wrong. simpl in wrong. lra.
Qed.

(** Of three draws from (1, 2)/3 the string 0 would have 1/27 + (1/2)(18/27) = 10/27, not 9/27. *)
Theorem control_alignment_best_of_n_ties_among_strings_holds : control_alignment_best_of_n_ties_among_strings.
Proof.
  intros claim. assert (NoDup two) as distinct by (repeat constructor; simpl; intuition discriminate).
  pose proof (claim two rising_p flat 3%nat 0%nat rising_full distinct ltac:(in_two)) as wrong.
  rewrite flat_best in wrong by (auto using rising_full).
  rewrite (EN_ext two rising_p 3 _ (fun c => count (nodup Nat.eq_dec c) (Nat.eq_dec 0%nat)
    / INR (length (nodup Nat.eq_dec c)))) in wrong.
  2: { intros c _ _. unfold share. rewrite flat_ties. destruct Req_EM_T as [_|no]; [reflexivity|].
       exfalso. apply no, flat_above. }
  unfold two, rising_p, tab, count, indicator in wrong. simpl in wrong. lra.
Qed.

Lemma level_V : Var two (aligned two level_p one_x) (I two level_p one_x) = 2 / 9 * x ^ 2.
Proof.
  destruct level_plus as [p0 p1]. destruct level_I as [i0 i1]. unfold Var, two in *.
  rewrite Cov_two by (rewrite p0, p1; field). rewrite p0, p1, i0, i1. field.
Qed.

(** tau = 0, the even law: KL = log(9/8) / 2 < 1/16 = (x / 6)^2 / (4 x^2 / 9) *)
Theorem control_line_rate_quadratic_holds : control_line_rate_quadratic.
Proof.
  intros claim. set (plus := aligned two level_p one_x). pose proof x_pos as xp.
  assert (full two plus) as fq by apply aligned_full, level_full. assert (0 < x ^ 2) as x2 by now apply pow_lt.
  pose proof (claim nat two level_p one_x 0 level_full) as wrong. cbv zeta in wrong. fold plus in wrong.
  pose proof level_V as v. fold plus in v. rewrite v in wrong. specialize (wrong ltac:(lra)). destruct level_plus as [p0 p1]. fold plus in p0, p1.
  assert (law two (tempered two plus 0)) as lt by apply full_law, tempered_full, fq.
  pose proof (level_CE _ lt) as ce. pose proof (level_CE _ (full_law _ _ fq)) as ent. fold plus in ce, ent.
  change (CE two plus plus) with (Ent two plus) in ent. rewrite ce, ent, tempered_zero, p1 in wrong.
  assert (KL two (tempered two plus 0) plus = ln (9 / 8) / 2) as kl.
  { unfold KL, two. cbn [sum]. fold two. rewrite !tempered_zero, p0, p1. unfold two. simpl.
    replace (/ (1 + 1) / / 3) with (3 / 2) by field. replace (/ (1 + 1) / (2 / 3)) with (3 / 4) by field.
    assert (ln (3 / 2) + ln (3 / 4) = ln (9 / 8)) as <- by (rewrite <- ln_mult by lra; f_equal; field). field. }
  rewrite kl in wrong. unfold two in wrong. simpl in wrong.
  replace ((ln 3 - x * / (1 + 1) - (ln 3 - x * (2 / 3))) * ((ln 3 - x * / (1 + 1) - (ln 3 - x * (2 / 3))) * 1)
    / (2 * (2 / 9 * (x * (x * 1))))) with (/ 16) in wrong by (field; lra).
  assert (9 / 8 = 1); [|lra]. apply ln_below_eq; lra.
Qed.

(** A level between the plain mean log 3 - x / 2 and max I = log 3 *)
Theorem control_line_rate_always_a_temperature_holds : control_line_rate_always_a_temperature.
Proof.
  intros claim. pose proof x_pos as xp. assert (0 < x ^ 2) as x2 by now apply pow_lt.
  destruct level_I as [i0 i1]. destruct level_plus as [p0 p1].
  assert (0 < Var two (aligned two level_p one_x) (I two level_p one_x)) as vp by (rewrite level_V; lra).
  destruct (claim nat two level_p one_x (ln 3 - x / 4) level_full vp) as (tau & pos & eq).
  - exists 0%nat. split; [in_two|]. rewrite i0. lra.
  - pose proof (level_CE _ (full_law _ _ (aligned_full _ _ one_x level_full))) as ent.
    change (Ent two (aligned two level_p one_x) = ln 3 - x * aligned two level_p one_x 1%nat) in ent.
    rewrite ent, p1. lra.
  - destruct (line_rate_temperature_holds nat two level_p one_x level_full vp) as [_ temperature].
    apply temperature in pos. cbv beta in pos. rewrite eq in pos.
    unfold mean, two in pos. cbn [sum length] in pos. fold two in pos. rewrite i0, i1 in pos. simpl in pos. lra.
Qed.

(** p+ = p = (4, 3, 3, 3, 3)/16: P(I <= H - eps) = 1/4 at the largest such eps, and exp(-3/2) < 1/4. *)
Theorem control_line_concentration_variance_only_holds : control_line_concentration_variance_only.
Proof.
  intros claim. set (s := [0; 1; 2; 3; 4]%nat). set (p := tab [/ 4; 3 / 16; 3 / 16; 3 / 16; 3 / 16]).
  set (Rw := fun _ : nat => 0). assert (full s p) as fp by decide_full.
  set (q := aligned s p Rw). set (i := I s p Rw). assert (full s q) as fq by apply aligned_full, fp.
  assert (forall a, q a = p a) as own.
  { intros a. unfold q, aligned. assert (Z s p Rw = 1) as ->; [|unfold Rw; rewrite exp_0; field].
    destruct fp as [_ one]. rewrite <- one. apply sum_ext. intros. unfold Rw. rewrite exp_0. ring. }
  set (d := ln (4 / 3)). assert (0 < d) as dp by (unfold d; rewrite <- ln_1; apply ln_increasing; lra).
  assert (forall a, In a s -> i a = i 0%nat + (if a then 0 else d)) as steps.
  { assert (ln (3 / 16) = ln (/ 4) - d) as e by (unfold d; rewrite <- ln_div by lra; f_equal; field).
    intros a ha. unfold i, I. fold q. rewrite !own. revert a ha. each; unfold p, tab; simpl; rewrite ?e; ring. }
  assert (E s q i = i 0%nat + 3 / 4 * d) as ent.
  { rewrite (E_ext s q i _ steps). unfold E, s. simpl. rewrite !own. unfold p, tab. simpl. field. }
  assert (Var s q i = 3 / 16 * d ^ 2) as v.
  { unfold Var. rewrite (Cov_ext s q i _ i _ steps steps). unfold Cov, E, s. simpl. rewrite !own. unfold p, tab. simpl. field. }
  pose proof (claim nat s p Rw 1%nat (3 / 4 * d) fp ltac:(lia) ltac:(lra)) as wrong. cbv zeta in wrong. fold q i in wrong.
  assert (0 < d ^ 2) as d2 by now apply pow_lt. rewrite v in wrong. specialize (wrong ltac:(lra)).
  rewrite (EN_ext s q 1 _ (fun c => if c then 0 else indicator (Nat.eq_dec (hd 0%nat c) 0))) in wrong.
  2: { intros c len sub. assert (c <> nil) as some by (intros ->; discriminate len). unfold q.
       rewrite line_distance by auto. fold q i. rewrite ent.
       destruct c as [|a [|]]; try discriminate len. unfold mean. cbn [sum length hd].
       rewrite (steps a) by (apply sub; simpl; auto). unfold indicator. simpl INR.
       destruct a as [|a]; destruct Rle_dec, Nat.eq_dec; try discriminate; try lra; try congruence; exfalso;
         match goal with n : ~ _ <= _ |- _ => apply n | l : _ <= _ |- _ => idtac end;
         unfold Rdiv in *; rewrite ?Rinv_1, ?Rmult_1_r in *; lra. }
  unfold s in wrong. simpl in wrong. fold s in wrong. rewrite !own in wrong. unfold p, tab, indicator in wrong. simpl in wrong.
  replace (- (1 * (3 / 4 * d * (3 / 4 * d * 1))) / (2 * (3 / 16 * (d * (d * 1))))) with (- (3 / 2)) in wrong
    by (field; lra).
  assert (4 < exp (3 / 2)) as big.
  { replace (3 / 2) with (INR 12 * (/ 8)) by (simpl; field).
    pose proof (exp_ineq1_le (/ 8)) as step. assert (forall k y, exp y ^ k = exp (INR k * y)) as powers.
    { intros k y. induction k as [|k IH]; [simpl; now rewrite Rmult_0_l, exp_0|].
      rewrite S_INR. simpl. rewrite IH, <- exp_plus. f_equal. ring. }
    rewrite <- powers. apply Rlt_le_trans with ((9 / 8) ^ 12); [lra|]. apply pow_incr. lra. }
  rewrite exp_Ropp in wrong. assert (/ exp (3 / 2) < / 4) by (apply Rinv_lt_contravar; lra). lra.
Qed.
