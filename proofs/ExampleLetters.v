(** Independent letters and their critical temperature; a law whose local cooling leaks and which itself does not. *)

Require Import Reals Ranalysis5 Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements ExampleStatements TreeExampleStatements Logarithms.
Import ListNotations.
Open Scope R_scope.

Section Letters.
Variables (ls : list token) (pi : token -> R) (a : R).
Hypotheses (fp : full ls pi) (ha : 0 < a < 1).
Notation AA := (letters_automaton ls).

(** the sum over strings of one letter more is rho times as large *)
Definition rho (c : R) : R := sum ls (fun t => Rpower (a * pi t) c).

Lemma letter_pos t : In t ls -> 0 < a * pi t.
Proof. intros ht. apply Rmult_lt_0_compat; [lra|now apply fp]. Qed.

Lemma word_pos k : forall y, In y (words AA k 0%nat) -> 0 < letters_weight pi a y.
Proof.
  induction k as [|k IH]; intros y hy; simpl in hy.
  - destruct hy as [<-|[]]. unfold letters_weight. simpl. lra.
  - apply in_flat_map in hy. destruct hy as (t & ht & hy). apply in_map_iff in hy. destruct hy as (z & <- & hz).
    change (0 < a * pi t * letters_weight pi a z). apply Rmult_lt_0_compat; [now apply letter_pos|now apply IH].
Qed.

Lemma words_total c k : sum (words AA k 0%nat) (fun y => Rpower (letters_weight pi a y) c) = Rpower (1 - a) c * rho
    c ^ k.
Proof.
  induction k as [|k IH]; [unfold letters_weight; simpl; ring|].
  change (words AA (S k) 0%nat) with (flat_map (fun t => map (cons t) (words AA k 0%nat)) ls). rewrite sum_flat_map.
  rewrite (sum_ext ls _ (fun t => Rpower (a * pi t) c * (Rpower (1 - a) c * rho c ^ k))).
  - rewrite sum_scal_r. fold (rho c). simpl. ring.
  - intros t ht. rewrite sum_map, <- IH, <- sum_scal. apply sum_ext. intros y hy.
    change (letters_weight pi a (t :: y)) with (a * pi t * letters_weight pi a y).
    rewrite <- Rpower_mult_distr; [reflexivity|now apply letter_pos|now apply (word_pos k)].
Qed.

Lemma some_letters : ls <> nil.
Proof. eapply law_support, full_law, fp. Qed.

Lemma rho_pos c : 0 < rho c.
Proof. apply sum_pos; [apply some_letters|]. intros. apply exp_pos. Qed.

Lemma normalises_iff T : normalises ls pi a T <-> rho (1 / T) < 1.
Proof.
  unfold normalises. set (c := 1 / T). pose proof (rho_pos c) as rp. assert (0 < Rpower (1 - a) c) as kp by apply
      exp_pos. split.
  - intros conv. destruct (Rlt_dec (rho c) 1) as [lt|ge]; [exact lt|exfalso].
    apply ex_series_lim_0, is_lim_seq_spec in conv. destruct (conv (mkposreal _ kp)) as [N far].
    specialize (far N (le_n N)). simpl in far. rewrite words_total, Rminus_0_r in far.
    assert (1 <= rho c ^ N) by (rewrite <- (pow1 N); apply pow_incr; lra).
    assert (Rpower (1 - a) c * 1 <= Rpower (1 - a) c * rho c ^ N) by (apply Rmult_le_compat_l; lra).
    rewrite Rabs_right in far by lra. lra.
  - intros lt. apply (ex_series_ext (fun k => Rpower (1 - a) c * rho c ^ k)); [intros k; now rewrite words_total|].
    apply (ex_series_scal (V := R_NormedModule) (Rpower (1 - a) c) (fun k => rho c ^ k)). apply ex_series_geom.
        rewrite Rabs_right; lra.
Qed.

Lemma letter_below_one t : In t ls -> a * pi t < 1.
Proof.
  intros ht. assert (pi t <= 1).
  { destruct fp as [pos one]. rewrite <- one. apply sum_at_least; auto. intros y hy. apply Rlt_le, pos, hy. }
  assert (a * pi t <= a * 1) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma rho_falls c d : c < d -> rho d < rho c.
Proof.
  intros lt. assert (forall t, In t ls -> Rpower (a * pi t) d < Rpower (a * pi t) c) as each_.
  { intros t ht. unfold Rpower. apply exp_increasing. pose proof (letter_pos t ht). pose proof (letter_below_one t ht).
    assert (ln (a * pi t) < 0) by (rewrite <- ln_1; apply ln_increasing; lra).
    assert (0 < (d - c) * - ln (a * pi t)) by (apply Rmult_lt_0_compat; lra). lra. }
  apply sum_lt; [intros t ht; apply Rlt_le, each_, ht|]. pose proof some_letters as some.
  destruct ls as [|t r]; [congruence|]. exists t. split; [now left|apply each_; now left].
Qed.

Lemma rho_one : rho 1 = a.
Proof.
  unfold rho. rewrite (sum_ext ls _ (fun t => a * pi t)) by (intros; apply Rpower_1; now apply letter_pos).
  rewrite sum_scal. destruct fp as [_ ->]. ring.
Qed.

Lemma rho_zero : rho 0 = INR (length ls).
Proof.
  unfold rho. rewrite (sum_ext ls _ (fun _ => 1)) by (intros; unfold Rpower; now rewrite Rmult_0_l, exp_0).
  rewrite sum_const. ring.
Qed.

Lemma rho_continuous c : continuity_pt rho c.
Proof.
  unfold rho. clear fp. induction ls as [|t r IH]; [apply continuity_pt_const; intros x y; reflexivity|].
  apply (continuity_pt_plus (fun c => Rpower (a * pi t) c)); [|exact IH].
  apply continuity_pt_filterlim. apply (continuous_comp (fun c => c * ln (a * pi t)) exp).
  - apply (continuous_mult (fun c => c) (fun _ => ln (a * pi t))); [apply continuous_id|apply continuous_const].
  - apply continuous_exp.
Qed.

Lemma rho_renyi c : 0 < c < 1 -> rho c = 1 -> 1 / c = 1 + ln (1 / a) / renyi ls pi c.
Proof.
  intros hc one. assert (rho c = Rpower a c * sum ls (fun t => Rpower (pi t) c)) as split_.
  { unfold rho. rewrite <- sum_scal. apply sum_ext. intros t ht. symmetry. apply Rpower_mult_distr; [lra|now apply
      fp]. }
  assert (0 < sum ls (fun t => Rpower (pi t) c)) as sp by (apply sum_pos; [apply some_letters|intros; apply exp_pos]).
  assert (ln (sum ls (fun t => Rpower (pi t) c)) = - (c * ln a)) as log.
  { rewrite one in split_. assert (ln 1 = c * ln a + ln (sum ls (fun t => Rpower (pi t) c))) as e.
    { rewrite split_, ln_mult by (auto; apply exp_pos). unfold Rpower. now rewrite ln_exp. }
    rewrite ln_1 in e. lra. }
  assert (ln a < 0) as neg by (rewrite <- ln_1; apply ln_increasing; lra).
  unfold renyi. rewrite log, ln_div, ln_1 by lra. field. repeat split; lra.
Qed.
End Letters.

Theorem automata_critical_temperature_exact_holds : automata_critical_temperature_exact.
Proof.
  intros ls pi a fp two ha. assert (2 <= INR (length ls)) as big by (apply le_INR in two; simpl in two; lra).
  destruct (IVT_interv (fun c => 1 - rho ls pi a c) 0 1) as (c & [c0 c1] & root).
  - intros c _. apply (continuity_pt_minus (fun _ => 1)); [apply continuity_pt_const; intros x y; reflexivity|apply
      rho_continuous].
  - lra.
  - rewrite rho_zero. lra.
  - rewrite rho_one by auto. lra.
  - assert (rho ls pi a c = 1) as one by lra.
    assert (0 < c < 1) as hc.
    { split; [destruct c0 as [lt|e]|destruct c1 as [lt|e]]; auto; exfalso;
        [rewrite <- e, rho_zero in one|rewrite e, rho_one in one by auto]; lra. }
    exists (1 / c). split; [|split].
    + apply (Rmult_lt_reg_r c); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
    + intros T Tp. rewrite (normalises_iff ls pi a fp ha). split; intros lt.
      * apply (Rmult_lt_reg_r c); [lra|]. replace (1 / c * c) with 1 by (field; lra).
        destruct (Rlt_dec c (1 / T)) as [gt|le].
        -- apply (Rmult_lt_compat_r T) in gt; [|lra]. replace (1 / T * T) with 1 in gt by (field; lra). lra.
        -- exfalso. destruct (Req_dec (1 / T) c) as [e|ne]; [rewrite e in lt; lra|].
           pose proof (rho_falls ls pi a fp ha (1 / T) c ltac:(lra)). lra.
      * apply Rlt_le_trans with (rho ls pi a c); [|lra]. apply rho_falls; auto. apply (Rmult_lt_compat_r c) in lt;
          [|lra].
        replace (1 / c * c) with 1 in lt by (field; lra). apply (Rmult_lt_reg_r T); [lra|].
        replace (1 / T * T) with 1 by (field; lra). lra.
    + replace (1 / (1 / c)) with c by (field; lra). now apply rho_renyi.
Qed.

Theorem automata_critical_temperature_uniform_holds : automata_critical_temperature_uniform.
Proof.
  split.
  - intros ls a T two ha Tp. assert (2 <= INR (length ls)) as big by (apply le_INR in two; simpl in two; lra).
    set (m := INR (length ls)) in *. assert (full ls (uniform ls)) as fp.
    { split; [intros; apply Rinv_0_lt_compat; fold m; lra|]. unfold uniform. rewrite sum_const. fold m. field. lra. }
    rewrite (normalises_iff ls _ a fp ha). unfold rho, uniform. rewrite sum_const. fold m.
    assert (0 < ln m) as lm by (rewrite <- ln_1; apply ln_increasing; lra).
    assert (m * Rpower (a * / m) (1 / T) = exp (ln m + 1 / T * (ln a - ln m))) as form.
    { unfold Rpower. rewrite ln_mult, ln_Rinv by (try apply Rinv_0_lt_compat; lra).
      rewrite exp_plus, exp_ln by lra. reflexivity. }
    rewrite form. assert (ln m + 1 / T * (ln a - ln m) = (ln m * T + (ln a - ln m)) / T) as -> by (field; lra).
    set (v := ln m * T + (ln a - ln m)).
    assert (v = ln m * (T - (1 - ln a / ln m))) as ev by (unfold v; field; lra). split.
    + intros lt. rewrite <- exp_0 in lt. apply exp_lt_inv in lt. destruct (Rlt_dec T (1 - ln a / ln m)) as
        [done|no]; [exact done|exfalso].
      assert (0 <= v) by (rewrite ev; apply Rmult_le_pos; lra). assert (0 <= v / T) by (apply Rdiv_le_0_compat;
          lra). lra.
    + intros lt. rewrite <- exp_0. apply exp_increasing. assert (0 < - v).
      { rewrite ev. replace (- (ln m * (T - (1 - ln a / ln m)))) with (ln m * (1 - ln a / ln m - T)) by ring.
        apply Rmult_lt_0_compat; lra. }
      assert (0 < - v / T) by (apply Rdiv_lt_0_compat; lra). replace (- v / T) with (- (v / T)) in H0 by (field;
          lra). lra.
  - replace 0.99 with (99 / 100) by lra. pose proof (log_ratio_bounds (1 / 199) ltac:(lra)) as [low high].
    replace ((1 + 1 / 199) / (1 - 1 / 199)) with (/ (99 / 100)) in low, high by field.
    rewrite ln_Rinv in low, high by lra.
    assert (ln 32000 = 8 * ln 2 + 3 * ln 5) as e.
    { replace 32000 with (2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 5 * 5 * 5) by ring. rewrite !ln_mult by lra. ring. }
    destruct ln_primes as (b2 & _ & b5 & _). set (k := ln 32000) in *. set (x := ln (99 / 100)) in *.
    apply Rabs_le. set (z := x / k). assert (z * k = x) as back by (unfold z; field; lra).
    assert (- (97 / 100000 + 4 / 1000000) < z < - (97 / 100000 - 4 / 1000000)) as [z1 z2].
    { split; apply (Rmult_lt_reg_r k); lra. }
    lra.
Qed.

Theorem automata_leak_law_holds : automata_leak_law.
Proof.
  cbv delta [automata_leak_law]. intros goes_on longer. assert (forall n, longer n = / INR (n + 2)) as form.
  { induction n as [|n IH].
    - change (goes_on O = / INR (0 + 2)). unfold goes_on. simpl. field.
    - change (longer n * goes_on (S n) = / INR (S n + 2)). rewrite IH. unfold goes_on.
      replace (S n + 2)%nat with (S (n + 2)) by lia. rewrite S_INR.
      assert (0 < INR (n + 2)) by (apply lt_0_INR; lia). field. lra. }
  assert (is_lim_seq longer 0) as lim.
  { apply (is_lim_seq_ext (fun n => / INR (n + 2))); [intros; now rewrite form|].
    apply (is_lim_seq_incr_n (fun n => / INR n) 2 0). replace (Finite 0) with (Rbar_inv p_infty) by reflexivity.
    apply is_lim_seq_inv; [apply is_lim_seq_INR|discriminate]. }
  split; [exact form|split; [exact lim|]].
  match goal with |- is_series ?g _ => change (is_lim_seq (sum_n g) (Finite 1)) end.
  apply (is_lim_seq_ext (fun n => 1 - longer n)).
  - induction n as [|n IH]; [rewrite sum_O; reflexivity|]. rewrite sum_Sn, <- IH. unfold plus; simpl. ring.
  - change (is_lim_seq (fun n => 1 - longer n) (Finite 1)). replace (Finite 1) with (Finite (1 - 0)) by (f_equal; ring).
    apply is_lim_seq_minus'; [apply is_lim_seq_const|exact lim].
Qed.
