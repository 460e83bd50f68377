(** alignment.gibbs: means that are infinite although their difference is not. *)

Require Import Reals Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements.
Open Scope R_scope.

Lemma ln_half_power n : ln ((/ 2) ^ n) = - (INR n * ln 2).
Proof.
  induction n as [|n IH]; [simpl; rewrite ln_1; ring|].
  rewrite <- tech_pow_Rmult, ln_mult, IH, ln_Rinv, S_INR; try lra. apply pow_lt; lra.
Qed.

Lemma term c k n : 0 < c ->
  (/ 2) ^ n * (k + ln ((/ 2) ^ n / (c * (/ 2) ^ (4 ^ n))))
  = 2 ^ n * ln 2 + (/ 2) ^ n * (k - ln c) - INR n * (/ 2) ^ n * ln 2.
Proof.
  intros pc. assert (0 < (/ 2) ^ n) by (apply pow_lt; lra). assert (0 < (/ 2) ^ (4 ^ n)) by (apply pow_lt; lra).
  rewrite ln_div, ln_mult, !ln_half_power; auto; [|now apply Rmult_lt_0_compat].
  rewrite pow_INR. replace (INR 4) with (2 * 2) by (simpl; ring). rewrite Rpow_mult_distr.
  assert ((/ 2) ^ n * 2 ^ n = 1) as one. { rewrite <- Rpow_mult_distr. replace (/ 2 * 2) with 1 by field. apply pow1. }
  replace ((/ 2) ^ n * (k + (- (INR n * ln 2) - (ln c + - (2 ^ n * 2 ^ n * ln 2)))))
    with ((/ 2) ^ n * 2 ^ n * (2 ^ n * ln 2) + (/ 2) ^ n * (k - ln c) - INR n * (/ 2) ^ n * ln 2) by ring.
  rewrite one. ring.
Qed.

Lemma small n : INR n * (/ 2) ^ n <= 1.
Proof.
  induction n as [|n IH]; [simpl; lra|]. rewrite S_INR, <- tech_pow_Rmult.
  assert ((/ 2) ^ n <= 1). { rewrite <- (pow1 n). apply pow_incr. lra. } lra.
Qed.

Lemma sums_diverge f : is_lim_seq f p_infty -> is_lim_seq (fun n => sum_n f n) p_infty.
Proof.
  intros lim. apply is_lim_seq_spec in lim. destruct (lim 1) as [m big].
  assert (forall k, INR k + sum_n f m <= sum_n f (m + k)) as grows.
  { induction k as [|k IH]; [simpl; rewrite Nat.add_0_r; lra|].
    rewrite <- plus_n_Sm, sum_Sn, S_INR. unfold plus; simpl.
    assert (1 < f (S (m + k))) by (apply big; lia). lra. }
  apply is_lim_seq_spec. intros M.
  destruct (nfloor_ex (Rmax 0 (M - sum_n f m + 1)) (Rmax_l _ _)) as [k [low _]].
  destruct (nfloor_ex (Rabs (M - sum_n f m)) (Rabs_pos _)) as [k' [low' high']].
  exists (m + S k')%nat. intros n le.
  replace n with (m + (n - m))%nat by lia.
  specialize (grows (n - m)%nat).
  assert (INR (S k') <= INR (n - m)) by (apply le_INR; lia).
  rewrite S_INR in H. pose proof (Rle_abs (M - sum_n f m)). lra.
Qed.

Lemma tower_terms c k : 0 < c ->
  is_lim_seq (fun n => (/ 2) ^ n * (k + ln ((/ 2) ^ n / (c * (/ 2) ^ (4 ^ n))))) p_infty.
Proof.
  intros pc. set (b := Rabs (k - ln c) + ln 2). assert (0 < ln 2) as two by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (is_lim_seq (fun n => 2 ^ n) p_infty) as geom by (apply is_lim_seq_geom_p; lra).
  apply is_lim_seq_spec in geom. apply is_lim_seq_spec. intros M.
  destruct (geom ((M + b) / ln 2)) as [m big]. exists m. intros n le. specialize (big n le). rewrite term by exact pc.
  assert (M + b < 2 ^ n * ln 2). { apply (Rmult_lt_compat_r (ln 2)) in big; [|exact two]. field_simplify in big; lra. }
  assert (0 < (/ 2) ^ n) by (apply pow_lt; lra).
  assert ((/ 2) ^ n <= 1) by (rewrite <- (pow1 n); apply pow_incr; lra).
  assert (- Rabs (k - ln c) <= (/ 2) ^ n * (k - ln c)).
  { pose proof (Rle_abs (- (k - ln c))) as up. rewrite Rabs_Ropp in up. pose proof (Rabs_pos (k - ln c)). nra. }
  pose proof (small n). unfold b in *. assert (INR n * (/ 2) ^ n * ln 2 <= ln 2) by nra. lra.
Qed.

Theorem alignment_gibbs_infinite_means_holds : alignment_gibbs_infinite_means.
Proof.
  intros c log_Z pc q p Rw. split; [intros n; unfold Rw; ring|]. split; apply sums_diverge.
  - apply (is_lim_seq_incr_1 (fun n => (/ 2) ^ n * (log_Z + ln ((/ 2) ^ n / (c * (/ 2) ^ (4 ^ n)))))).
    apply (tower_terms c log_Z pc).
  - apply (is_lim_seq_ext (fun n => (/ 2) ^ S n * (0 + ln ((/ 2) ^ S n / (c * (/ 2) ^ (4 ^ S n)))))).
    + intros n. unfold q, p. now rewrite Rplus_0_l.
    + apply (is_lim_seq_incr_1 (fun n => (/ 2) ^ n * (0 + ln ((/ 2) ^ n / (c * (/ 2) ^ (4 ^ n)))))).
      apply (tower_terms c 0 pc).
Qed.
