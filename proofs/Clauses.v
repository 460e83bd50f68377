(** line, correlation, prompts and Mirostat: the powers of p+ that a mean surprisal takes, and equality in the bounds.
    *)

Require Import Reals Lra Lia List Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Line Correlation Adaptors.
From ProbQual Require Import Alignment ClausesAlignment ClausesAdaptors ClausesFamily.
Import ListNotations.
Open Scope R_scope.

(** * Mirostat *)

Lemma mirostat_sum (i mu : nat -> R) (eta target : R) : (forall t, mu (S t) = mu t - eta * (i t - target)) ->
  forall T, eta * sum (seq 0 T) i = eta * INR T * target + mu 0%nat - mu T.
Proof.
  intros rule T. induction T as [|T IH]; [simpl; ring|].
  rewrite seq_S, sum_app, S_INR, rule, Nat.add_0_l. cbn [sum]. lra.
Qed.

Lemma INR_pos T : (1 <= T)%nat -> 0 < INR T.
Proof. intros some. apply lt_0_INR. lia. Qed.

Lemma lim_over_T c : is_lim_seq (fun T => c / INR T) 0.
Proof.
  replace (Finite 0) with (Rbar_mult c 0) by (simpl; f_equal; ring). apply is_lim_seq_scal_l.
  apply (is_lim_seq_inv _ p_infty); [apply is_lim_seq_INR|discriminate].
Qed.

Theorem adaptors_mirostat_identity_holds : adaptors_mirostat_identity.
Proof.
  intros i mu eta target ep rule. pose proof (mirostat_sum i mu eta target rule) as total.
  assert (forall T, (1 <= T)%nat -> mean (seq 0 T) i = target + (mu 0%nat - mu T) / (eta * INR T)) as identity.
  { intros T some. pose proof (INR_pos T some). unfold mean. rewrite seq_length.
    apply (Rmult_eq_reg_l (eta * INR T)); [|apply Rgt_not_eq, Rmult_lt_0_compat; auto].
    replace (eta * INR T * (sum (seq 0 T) i / INR T)) with (eta * sum (seq 0 T) i) by (field; lra).
    rewrite total. field. lra. }
  split; [exact identity|]. split; intros lim.
  - apply (is_lim_seq_ext_loc (fun T => mu 0%nat / INR T + - eta * (mean (seq 0 T) i - target))).
    + exists 1%nat. intros T some. pose proof (INR_pos T some). rewrite identity by auto. field. lra.
    + replace (Finite 0) with (Finite (0 + - eta * (target - target))) by (f_equal; ring).
      apply (is_lim_seq_plus' _ _ 0 (- eta * (target - target))); [apply lim_over_T|].
      apply (is_lim_seq_scal_l _ (- eta) (target - target)). apply is_lim_seq_minus'; [exact lim|apply
        is_lim_seq_const].
  - apply (is_lim_seq_ext_loc (fun T => target + (mu 0%nat / eta / INR T + - / eta * (mu T / INR T)))).
    + exists 1%nat. intros T some. pose proof (INR_pos T some). rewrite identity by auto. field. lra.
    + replace (Finite target) with (Finite (target + (0 + - / eta * 0))) by (f_equal; ring).
      apply (is_lim_seq_plus' _ _ target (0 + - / eta * 0)); [apply is_lim_seq_const|].
      apply (is_lim_seq_plus' _ _ 0 (- / eta * 0)); [apply lim_over_T|]. now apply (is_lim_seq_scal_l _ (- / eta) 0).
Qed.

Theorem adaptors_mirostat_never_holds : adaptors_mirostat_never.
Proof.
  intros p Rw token mu eta s fp half ep tokens rule. set (i := fun t => I s p Rw (token t)).
  assert (forall t, i t = ln 2) as same.
  { intros t. unfold i, I. rewrite half by auto. replace (1 / 2) with (/ 2) by lra. rewrite ln_Rinv by lra. ring. }
  assert (forall t, mu (S t) = mu t + eta * (1 - ln 2)) as each.
  { intros t. rewrite rule. fold (i t). rewrite same. ring. }
  assert (forall T, mu T = mu 0%nat + INR T * (eta * (1 - ln 2))) as total.
  { intros T. induction T as [|T IH]; [simpl; ring|]. rewrite each, IH, S_INR. ring. }
  assert (ln 2 < 1) as small.
  { pose proof (ln_below 2). destruct (Req_dec (ln 2) (2 - 1)) as [eq|]; [apply ln_below_eq in eq; lra|lra]. }
  split; [|split; [exact each|split; [exact total|]]].
  - intros T some. pose proof (INR_pos T some). unfold mean. rewrite (sum_ext _ _ (fun _ => ln 2)) by (intros; apply
      same).
    rewrite sum_const, seq_length. field. lra.
  - apply (is_lim_seq_ext (fun T => mu 0%nat + INR T * (eta * (1 - ln 2)))); [intros; symmetry; apply total|].
    apply (is_lim_seq_plus _ _ (mu 0%nat) p_infty); [apply is_lim_seq_const| |reflexivity].
    assert (0 < eta * (1 - ln 2)) as pos by (apply Rmult_lt_0_compat; lra).
    replace p_infty with (Rbar_mult p_infty (eta * (1 - ln 2))).
    + apply is_lim_seq_scal_r, is_lim_seq_INR.
    + unfold Rbar_mult, Rbar_mult'. destruct (Rle_dec 0 (eta * (1 - ln 2))) as [le|]; [|lra].
      destruct (Rle_lt_or_eq_dec 0 (eta * (1 - ln 2)) le); [reflexivity|lra].
Qed.

(** * The mean surprisals that powers of p+ take *)

Section Reach.
Context {A : Type}.
Variables (s : list A) (w : A -> R).
Hypotheses (some : s <> nil) (wp : forall a, In a s -> 0 < w a).

(** If E r <= x at every l >= 0 then log(total) - l x never rises; but it is at least log w(a) + l (r(a) - x). *)
Lemma tilt_above (r : A -> R) x : (exists a, In a s /\ x < r a) -> exists l, 0 <= l /\ x < E s (tilt s w r l) r.
Proof.
  intros (a & ha & high). apply NNPP. intros none.
  assert (forall l, 0 <= l -> E s (tilt s w r l) r <= x) as low
    by (intros l l0; apply Rnot_lt_le; intros lt; apply none; now exists l).
  assert (forall l, ln (w a) + l * r a <= ln (total s w r l)) as above.
  { intros l. rewrite <- (ln_exp (l * r a)), <- ln_mult by (auto; apply exp_pos).
    apply ln_le; [now apply (weight_pos s)|]. apply (sum_at_least s (weight w r l)); auto.
    intros y hy. now apply Rlt_le, (weight_pos s). }
  set (d := ln (total s w r 0) - ln (w a) + 1). assert (0 < d) as dp by (specialize (above 0); unfold d; lra).
  set (l := d / (r a - x)). assert (0 < l) as lp by (apply Rdiv_lt_0_compat; lra).
  assert (0 * x - ln (total s w r 0) <= l * x - ln (total s w r l)) as grow.
  { apply (increasing_le (fun l => l * x - ln (total s w r l)) (fun l => x - E s (tilt s w r l) r)); [lra| |].
    - intros u _. pose proof (log_total_derive s w r some wp u) as dl.
      apply (is_derive_minus (fun l => l * x)); [|exact dl]. auto_derive; [exact Logic.I|ring].
    - intros u [u0 _]. specialize (low u u0). lra. }
  specialize (above l). assert (l * (r a - x) = d) as at_l by (unfold l; field; lra). unfold d in at_l. lra.
Qed.

Lemma tilt_below (r : A -> R) x : (exists a, In a s /\ r a < x) -> exists l, E s (tilt s w r l) r < x.
Proof.
  intros (a & ha & low). destruct (tilt_above (fun a => - r a) (- x)) as (l & _ & lt); [exists a; split; [auto|lra]|].
  exists (- l). assert (forall y, tilt s w (fun a => - r a) l y = tilt s w r (- l) y) as same.
  { intros y. unfold tilt, normalised, weight. replace (- l * r y) with (l * - r y) by ring. f_equal.
    apply sum_ext. intros z _. do 2 f_equal. ring. }
  rewrite (E_ext_law s _ (tilt s w r (- l))) in lt by (intros; apply same). rewrite E_opp in lt. lra.
Qed.

Lemma tilt_reach (r : A -> R) x : (exists a, In a s /\ r a < x) -> (exists a, In a s /\ x < r a) ->
  exists l, E s (tilt s w r l) r = x.
Proof.
  intros low high. destruct (tilt_below r x low) as (l & below). destruct (tilt_above r x high) as (l' & _ & above).
  set (f := fun l => E s (tilt s w r l) r).
  destruct (IVT_gen f l l' x) as (m & _ & eq); [| |now exists m].
  - intros m. apply continuity_pt_filterlim, (ex_derive_continuous f). eexists. now apply tilt_derive.
  - fold (f l) in below. fold (f l') in above. rewrite Rmin_left, Rmax_right by lra. lra.
Qed.
End Reach.

Section Powers.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.
Let plus : A -> R := aligned s p Rw.
Let i : A -> R := I s p Rw.
Let mean_i (tau : R) : R := CE s (tempered s plus tau) plus.

Lemma power_mean tau : mean_i tau = E s (tempered s plus tau) i.
Proof. apply CE_surprisal. Qed.

Lemma power_derive tau : is_derive mean_i tau (- Var s (tempered s plus tau) i).
Proof.
  apply (is_derive_ext (fun t => E s (tempered s plus t) i)); [intros; symmetry; apply power_mean|].
  apply (temperature_derive s p Rw fp i).
Qed.

Lemma power_falls : ~ constant s i -> forall tau tau', tau < tau' -> mean_i tau' < mean_i tau.
Proof.
  intros varies tau tau' lt. apply Ropp_lt_cancel.
  apply (increasing_lt (fun t => - mean_i t) (fun t => Var s (tempered s plus t) i)); auto; [lra| |].
  - intros u _. rewrite <- (Ropp_involutive (Var _ _ _)). apply (is_derive_opp mean_i), power_derive.
  - intros u _. apply Var_positive; auto. apply tempered_full, aligned_full, fp.
Qed.

Lemma power_reach x : (exists a, In a s /\ i a < x) -> (exists a, In a s /\ x < i a) -> exists tau, mean_i tau = x.
Proof.
  intros (a & ha & low) (a' & ha' & high). set (logs := fun a => ln (plus a)).
  destruct (tilt_reach s (fun _ => 1) (support s p fp) ltac:(intros; lra) logs (- x)) as (tau & eq).
  - exists a'. split; auto. unfold i, I in high. fold plus in high. unfold logs. lra.
  - exists a. split; auto. unfold i, I in low. fold plus in low. unfold logs. lra.
  - exists tau. rewrite power_mean, (E_ext_law s _ (tilt s (fun _ => 1) logs tau)) by (intros; apply tempered_tilt).
    rewrite (E_ext s _ i (fun a => - logs a)) by reflexivity. rewrite E_opp. lra.
Qed.

Lemma power_zero : mean_i 0 = mean s i.
Proof.
  rewrite power_mean, <- E_uniform. apply E_ext_law. intros a ha. unfold tempered, normalised, uniform.
  assert (forall y, Rpower (plus y) 0 = 1) as one by (intros; unfold Rpower; rewrite Rmult_0_l; apply exp_0).
  rewrite (sum_ext s _ (fun _ => 1)), sum_const, one by (intros; apply one). unfold Rdiv. now rewrite Rmult_1_l,
    Rmult_1_r.
Qed.

Lemma power_sign tau x : ~ constant s i -> mean_i tau = x -> (0 < tau <-> x < mean s i).
Proof.
  intros varies eq. rewrite <- power_zero, <- eq. split; [apply power_falls, varies|]. intros lt.
  apply Rnot_le_lt. intros [neg|zero]; [|rewrite zero in lt; lra]. pose proof (power_falls varies tau 0 neg). lra.
Qed.

Lemma power_unique tau tau' : ~ constant s i -> mean_i tau' = mean_i tau -> tau' = tau.
Proof.
  intros varies eq. destruct (Rtotal_order tau' tau) as [lt|[same|gt]]; auto;
    apply (power_falls varies) in lt || apply (power_falls varies) in gt; lra.
Qed.
End Powers.

Theorem line_rate_cheapest_power_holds : line_rate_cheapest_power.
Proof.
  intros A s p Rw x fp low high plus qt. destruct (power_reach s p Rw fp x low high) as (tau & eq).
  assert (~ constant s (I s p Rw)) as varies.
  { intros (c & same). destruct low as (a & ha & la), high as (y & hy & ly). rewrite same in la, ly by auto. lra. }
  exists tau. split; [exact eq|]. split; [|split].
  - intros tau' eq'. apply (power_unique s p Rw fp tau tau' varies). cbv beta. fold plus. fold qt. now rewrite eq'.
  - intros q lq at_x. destruct (line_rate_cheapest_holds A s p Rw q tau fp lq) as (_ & le & only).
    { fold plus. now rewrite at_x. }
    split; auto.
  - now apply (power_sign s p Rw fp).
Qed.

(** * Tails *)

Theorem line_concentration_chernoff_holds : line_concentration_chernoff.
Proof.
  intros A s p Rw n x u fp some q Ibar bound. assert (full s q) as fq by apply aligned_full, fp.
  pose proof (full_law s q fq) as lq. pose proof (size_pos n some) as np. set (g := fun a => u * I s p Rw a).
  assert (forall event : list A -> R, (forall c, length c = n -> incl c s -> event c <= exp (sum c g - INR n * (u *
    x))) ->
    EN s q n event <= bound) as tail.
  { intros event le. eapply Rle_trans; [apply (chernoff s q n lq event g (u * x)); auto; now apply E_exp_pos|].
    right. unfold bound. f_equal. unfold g. ring. }
  assert (forall c, length c = n -> sum c g - INR n * (u * x) = INR n * (u * (Ibar c - x))) as shape.
  { intros c len. unfold g, Ibar, mean. rewrite sum_scal, len. field. lra. }
  split; intros side; apply tail; intros c len _; apply indicator_le; try (now apply Rlt_le, exp_pos); intros far;
    apply one_le_exp; rewrite shape by auto; apply Rmult_le_pos; [lra| |lra|]; nra.
Qed.

(** * Correlation *)

Theorem correlation_sharp_equality_holds : correlation_sharp_equality.
Proof.
  intros A s p Rw q fp lq l r lp rp. rewrite Var_surprisal by auto. unfold Corr. fold l r.
  set (k := Cov s q (L p) Rw). rewrite rho_square by auto.
  assert (l + r + 2 * k - (1 - k * k / (l * r)) * l = (r + k) * (r + k) / r) as left by (field; lra).
  assert (l + r + 2 * k - (1 - k * k / (l * r)) * r = (l + k) * (l + k) / l) as right by (field; lra).
  assert (forall y z, 0 < z -> (y * y / z = 0 <-> y = 0)) as square.
  { intros y z zp. split; intros eq; [|rewrite eq; field; lra]. assert (y * y = 0) as none.
    { replace (y * y) with (y * y / z * z) by (field; lra). rewrite eq. ring. }
    apply Rmult_integral in none. tauto. }
  destruct (Rle_dec l r) as [le|gt].
  - rewrite Rmax_right, Rmin_left by lra. pose proof (square (l + k) l lp) as sq. rewrite <- right in sq. split;
      intros eq.
    + assert (l + k = 0) by (apply sq; lra). lra.
    + assert (l + k = 0) as zero by lra. apply sq in zero. lra.
  - rewrite Rmax_left, Rmin_right by lra. pose proof (square (r + k) r rp) as sq. rewrite <- left in sq. split; intros
      eq.
    + assert (r + k = 0) by (apply sq; lra). lra.
    + assert (r + k = 0) as zero by lra. apply sq in zero. lra.
Qed.

Theorem correlation_sharp_example_holds : correlation_sharp_example.
Proof.
  cbv delta [correlation_sharp_example]. intros s p Rw q l r V.
  assert (full s p) as fp by (split; [intros a [<-|[<-|[<-|[<-|[]]]]]|]; unfold s, p; simpl; lra).
  assert (law s q) as lq by apply full_law, aligned_full, fp.
  set (x := ln 2). assert (0 < x) as xp by (pose proof ln_lt_2; unfold x; lra).
  assert (same_law s q (fun a => nth a [2 / 6; 2 / 6; 1 / 6; 1 / 6] 0)) as values.
  { intros a [<-|[<-|[<-|[<-|[]]]]]; unfold q, aligned, Z, s, p, Rw; simpl; rewrite !exp_ln by lra; field. }
  assert (forall f g, Cov s q f g = Cov s (fun a => nth a [2 / 6; 2 / 6; 1 / 6; 1 / 6] 0) f g) as cov
    by (intros; now apply Cov_ext_law).
  assert (forall a, In a s -> L p a = ln (1 / 9) + nth a [x; 2 * x; 0; x] 0) as logs.
  { assert (ln (2 / 9) = ln (1 / 9) + x) as e2 by (unfold x; rewrite <- ln_mult by lra; f_equal; lra).
    assert (ln (4 / 9) = ln (1 / 9) + 2 * x) as e4.
    { replace (4 / 9) with (2 * (2 / 9)) by lra. rewrite ln_mult, e2 by lra. unfold x. ring. }
    intros a [<-|[<-|[<-|[<-|[]]]]]; unfold L, p; simpl; lra. }
  assert (forall a, In a s -> Rw a = nth a [x; 0; x; 0] 0) as rewards
    by (intros a [<-|[<-|[<-|[<-|[]]]]]; unfold Rw; simpl; rewrite ?ln_1; reflexivity).
  assert (l = 17 / 36 * x ^ 2) as vl.
  { unfold l, Var. rewrite cov, (Cov_ext s _ _ _ _ _ logs logs). unfold Cov, E, s. simpl. field. }
  assert (r = 9 / 36 * x ^ 2) as vr.
  { unfold r, Var. rewrite cov, (Cov_ext s _ _ _ _ _ rewards rewards). unfold Cov, E, s. simpl. field. }
  assert (Cov s q (L p) Rw = - (9 / 36 * x ^ 2)) as k.
  { rewrite cov, (Cov_ext s _ _ _ _ _ logs rewards). unfold Cov, E, s. simpl. field. }
  assert (0 < x ^ 2) as x2 by (apply pow_lt, xp). assert (0 < l) as lp by lra. assert (0 < r) as rp by lra.
  assert (Cov s q (L p) Rw = - Rmin l r) as border by (rewrite Rmin_right by lra; lra).
  split; [exact fp|]. split; [exact values|]. split; [exact lp|]. split; [exact rp|]. split; [|split; [|exact border]].
  - unfold V. rewrite Var_surprisal by auto. fold l r. lra.
  - now apply correlation_sharp_equality_holds.
Qed.

Theorem correlation_bootstrap_about_pool_holds : correlation_bootstrap_about_pool.
Proof.
  intros A s q f n N lq two one. rewrite pool_shown, CovN_iid by (auto; lia).
  pose proof (le_INR _ _ two) as n2. pose proof (le_INR _ _ one) as N1. simpl in n2, N1. field. lra.
Qed.

Theorem correlation_typical_band_holds : correlation_typical_band.
Proof.
  intros A s p Rw corpora w eps fp lw band. set (f := fun c => mean c (I s p Rw)). set (h := Ent s (aligned s p Rw))
    in *.
  assert (Var corpora w f = E corpora w (fun c => (f c - h) ^ 2) - (E corpora w f - h) ^ 2) as ->.
  { rewrite (E_ext corpora w (fun c => (f c - h) ^ 2) (fun c => f c * f c + (-2 * h * f c + h ^ 2))) by (intros; ring).
    rewrite !E_plus, E_scal, E_const by auto. unfold Var, Cov. ring. }
  pose proof (pow2_ge_0 (E corpora w f - h)).
  assert (E corpora w (fun c => (f c - h) ^ 2) <= eps ^ 2); [|lra]. rewrite <- (E_const corpora w (eps ^ 2) lw).
  apply E_le; auto. intros c hc. specialize (band c hc). rewrite <- pow2_abs. apply pow_incr. split; [apply
    Rabs_pos|exact band].
Qed.

(** * Prompts *)

Theorem prompts_identification_within_holds : prompts_identification_within.
Proof.
  intros X A xs w s p Rw g fp other plus varL varR cov rho.
  assert (forall x, In x xs -> same_law (s x) (plus other x) (plus Rw x) /\ varL other x = varL Rw x /\
   varR other x = varR Rw x /\ cov other x = cov Rw x) as each.
  { intros x hx.
    destruct (alignment_secret_reward_shifted_holds A (s x) (p x) (Rw x) (g x) (fp x hx)) as (same & _ & _ & _ & vl &
      vr & k & _).
    repeat split; assumption. }
  split; [exact each|]. unfold rho.
  rewrite (E_ext xs w (cov other) (cov Rw)), (E_ext xs w (varL other) (varL Rw)), (E_ext xs w (varR other) (varR Rw));
    auto; intros x hx; apply each, hx.
Qed.

Lemma root_negative (v M : R) : 0 < M -> v < M -> - sqrt (1 - v / M) < 0.
Proof.
  intros mp lt. assert (0 < sqrt (1 - v / M)); [|lra]. apply sqrt_lt_R0. apply (Rmult_lt_reg_r M); [exact mp|].
  replace ((1 - v / M) * M) with (M - v) by (field; lra). lra.
Qed.

Theorem correlation_sharp_forced_holds : correlation_sharp_forced.
Proof.
  intros A s p Rw q fp lq l r v lp rp lt. split; [now apply correlation_sharp_correlation_holds|].
  apply root_negative; [apply Rlt_le_trans with l; [exact lp|apply Rmax_l]|exact lt].
Qed.

Theorem correlation_typical_forced_holds : correlation_typical_forced.
Proof.
  intros A s p Rw corpora w fp sub lw Lbar Rbar Ibar M lp rp lt. split.
  - now apply (correlation_typical_conditional_holds A s p Rw corpora w fp sub lw).
  - apply root_negative; [apply Rlt_le_trans with (Var corpora w Lbar); [exact lp|apply Rmax_l]|exact lt].
Qed.

(** * The sign of the covariance *)

Theorem correlation_iid_sign_of_strings_holds : correlation_iid_sign_of_strings.
Proof.
  intros A s p Rw fp q l r V. assert (law s q) as lq by apply full_law, aligned_full, fp.
  unfold V. rewrite Var_surprisal by auto. fold l r. split; split; lra.
Qed.
