(** Rational bounds of ln 2, ln 3, ln 5 and ln 7, from ln((1 + x)/(1 - x)) = 2 (x + x^3/3 + x^5/5 + ...). *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential.
Open Scope R_scope.

Lemma log_ratio_derive x : -1 < x < 1 -> is_derive (fun x => ln (1 + x) - ln (1 - x)) x (2 / (1 - x ^ 2)).
Proof.
  intros h. auto_derive; [lra|]. field. split; [|lra]. assert (0 < (1 - x) * (1 + x)) by (apply Rmult_lt_0_compat;
      lra). lra.
Qed.

Lemma log_ratio_bounds x : 0 <= x < 1 ->
  2 * (x + x ^ 3 / 3 + x ^ 5 / 5) <= ln ((1 + x) / (1 - x)) /\
  ln ((1 + x) / (1 - x)) <= 2 * (x + x ^ 3 / 3 + x ^ 5 / 5 + x ^ 7 / (7 * (1 - x ^ 2))).
Proof.
  intros h. rewrite ln_div by lra.
  assert (forall u, 0 <= u <= x -> 0 < 1 - u ^ 2) as pos.
  { intros u hu. assert (0 < (1 - u) * (1 + u)) by (apply Rmult_lt_0_compat; lra). lra. }
  set (low := fun u => ln (1 + u) - ln (1 - u) - 2 * (u + u ^ 3 / 3 + u ^ 5 / 5)).
  set (high := fun u => 2 * (u + u ^ 3 / 3 + u ^ 5 / 5 + u ^ 7 / (7 * (1 - u ^ 2))) - (ln (1 + u) - ln (1 - u))).
  assert (low 0 = 0 /\ high 0 = 0) as [l0 h0].
  { unfold low, high. rewrite Rplus_0_r, Rminus_0_r, ln_1. split; field. }
  assert (low 0 <= low x) as lle.
  { apply (increasing_le low (fun u => 2 * u ^ 6 / (1 - u ^ 2)) 0 x (proj1 h)); intros u hu; specialize (pos u hu).
    - unfold low. auto_derive; [lra|]. field. lra.
    - apply Rdiv_le_0_compat; auto. assert (0 <= u ^ 6) by (apply pow_le; lra). lra. }
  assert (high 0 <= high x) as hle.
  { apply (increasing_le high (fun u => 4 * u ^ 8 / (7 * (1 - u ^ 2) ^ 2)) 0 x (proj1 h)); intros u hu; specialize
      (pos u hu).
    - unfold high. auto_derive; [repeat split; lra|field; repeat split; lra].
    - apply Rdiv_le_0_compat; [|assert (0 < (1 - u ^ 2) ^ 2) by (apply pow_lt; auto); lra].
      assert (0 <= u ^ 8) by (apply pow_le; lra). lra. }
  rewrite l0 in lle. rewrite h0 in hle. unfold low in lle. unfold high in hle. lra.
Qed.

Ltac ratio x r := let b := fresh "b" in pose proof (log_ratio_bounds x ltac:(lra)) as b;
  replace ((1 + x) / (1 - x)) with r in b by field; destruct b.

Lemma ln_primes : 693147179 / 1000000000 < ln 2 < 693147182 / 1000000000 /\
  1098612286 / 1000000000 < ln 3 < 1098612291 / 1000000000 /\
  1609437909 / 1000000000 < ln 5 < 1609437915 / 1000000000 /\
  1945910147 / 1000000000 < ln 7 < 1945910152 / 1000000000.
Proof.
  ratio (1 / 31) (16 / 15). ratio (1 / 49) (25 / 24). ratio (1 / 161) (81 / 80). ratio (1 / 99) (50 / 49).
  assert (ln (16 / 15) = 4 * ln 2 - ln 3 - ln 5) as e1.
  { replace (16 / 15) with (2 * 2 * 2 * 2 / (3 * 5)) by field. rewrite ln_div, !ln_mult by lra. ring. }
  assert (ln (25 / 24) = 2 * ln 5 - 3 * ln 2 - ln 3) as e2.
  { replace (25 / 24) with (5 * 5 / (2 * 2 * 2 * 3)) by field. rewrite ln_div, !ln_mult by lra. ring. }
  assert (ln (81 / 80) = 4 * ln 3 - 4 * ln 2 - ln 5) as e3.
  { replace (81 / 80) with (3 * 3 * 3 * 3 / (2 * 2 * 2 * 2 * 5)) by field. rewrite ln_div, !ln_mult by lra. ring. }
  assert (ln (50 / 49) = ln 2 + 2 * ln 5 - 2 * ln 7) as e4.
  { replace (50 / 49) with (2 * 5 * 5 / (7 * 7)) by field. rewrite ln_div, !ln_mult by lra. ring. }
  rewrite e1 in *. rewrite e2 in *. rewrite e3 in *. rewrite e4 in *. lra.
Qed.
