(** What the reference code's departures do, for every finite law and every tree, and that they are not harmless. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Correlation TreeStatements AuditStatements Trees.
Import ListNotations.
Open Scope R_scope.

(** ** The sign of the reward *)
Section Flipped.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis Fp : full s p.
Lemma flipped a : In a s -> ln (p a) - ln (aligned s p Rw a) = - Rw a + ln (Z s p Rw).
Proof. intros Ha. rewrite ln_aligned by auto. unfold L. ring. Qed.
End Flipped.
Theorem audit_flipped_reward_mean_holds : audit_flipped_reward_mean.
Proof.
  intros A s p Rw Fp plus r. pose proof (aligned_full s p Rw Fp) as Fq. fold plus in Fq. split.
  - unfold r, KL, E. rewrite <- sum_opp. apply sum_ext. intros a Ha. rewrite ln_div by (apply Fq || apply Fp; auto).
      ring.
  - pose proof (KL_nonneg s plus p (full_law _ _ Fq) (full_law _ _ Fp) (full_ac s plus p Fp)). lra.
Qed.
Lemma Cov_affine {A} (s : list A) (q f g : A -> R) c d : law s q ->
  Cov s q f (fun a => c * g a + d) = c * Cov s q f g.
Proof.
  intros Lq. rewrite Cov_sym, Cov_plus, Cov_scal, Cov_const by auto. rewrite (Cov_sym s q g f). ring.
Qed.
Theorem audit_flipped_reward_covariance_holds : audit_flipped_reward_covariance.
Proof.
  intros A s p Rw q f Fp Lq r.
  assert (X : forall k, Cov s q k r = - Cov s q k Rw).
  { intros k. rewrite (Cov_ext s q k k r (fun a => -1 * Rw a + ln (Z s p Rw))); auto.
    - rewrite Cov_affine by auto. ring.
    - intros a Ha. unfold r. rewrite (flipped s p Rw Fp a Ha). ring. }
  split; [apply X|]. unfold Var. rewrite X, Cov_sym, X. ring.
Qed.
Theorem audit_flipped_reward_exchange_holds : audit_flipped_reward_exchange.
Proof.
  intros A s p Rw q q' Fp Lq Lq' r.
  assert (X : forall m, law s m -> E s m r = - E s m Rw + ln (Z s p Rw)).
  { intros m Lm. rewrite (E_ext s m r (fun a => - Rw a + ln (Z s p Rw))).
    - rewrite E_plus, E_opp, E_const by auto. reflexivity.
    - intros a Ha. apply flipped; auto. }
  rewrite !X by auto. ring.
Qed.
(* p = (1, 2)/3, e^R = (1, 2) *)
Definition two_p (a : nat) : R := match a with O => / 3 | _ => 2 / 3 end.
Definition two_R (a : nat) : R := match a with O => 0 | _ => ln 2 end.
Lemma two_full : full [0; 1]%nat two_p.
Proof. split; [|simpl; lra]. intros a [<-|[<-|[]]]; simpl; lra. Qed.
Lemma two_aligned : aligned [0; 1]%nat two_p two_R 0%nat = / 5 /\ aligned [0; 1]%nat two_p two_R 1%nat = 4 / 5.
Proof. unfold aligned, Z. simpl. rewrite exp_0, exp_ln by lra. split; field. Qed.
Lemma Cov_pair q f g : q 0%nat + q 1%nat = 1 ->
  Cov [0; 1]%nat q f g = q 0%nat * q 1%nat * ((f 1%nat - f 0%nat) * (g 1%nat - g 0%nat)).
Proof. intros H. unfold Cov, E. simpl. replace (q 1%nat) with (1 - q 0%nat) by lra. ring. Qed.
Lemma two_covariance : Cov [0; 1]%nat (aligned [0; 1]%nat two_p two_R) (L two_p) two_R = 4 / 25 * (ln 2 * ln 2).
Proof.
  destruct two_aligned as [A0 A1]. rewrite Cov_pair by (rewrite A0, A1; field). rewrite A0, A1. unfold L. simpl.
  replace (2 / 3) with (2 * / 3) by field. rewrite ln_mult by lra. field.
Qed.
Theorem control_audit_flipped_reward_harmless_holds : control_audit_flipped_reward_harmless.
Proof.
  intros H. specialize (H nat [0; 1]%nat two_p two_R two_full). cbv zeta in H.
  destruct (audit_flipped_reward_covariance_holds nat [0; 1]%nat two_p two_R _ (L two_p) two_full
    (full_law _ _ (aligned_full [0; 1]%nat two_p two_R two_full))) as [X _].
  rewrite X, two_covariance in H. pose proof ln_lt_2. assert (0 < ln 2 * ln 2) by nra.
  specialize (H ltac:(lra)). nra.
Qed.
Theorem control_audit_flipped_reward_mean_holds : control_audit_flipped_reward_mean.
Proof.
  intros H. specialize (H nat [0; 1]%nat two_p two_R two_full). cbv zeta in H.
  destruct two_aligned as [A0 A1]. unfold E in H. cbn [sum] in H. rewrite A0, A1 in H. unfold two_p in H.
  rewrite <- !ln_div in H by lra. replace (/ 3 / / 5) with (5 / 3) in H by field.
  replace (2 / 3 / (4 / 5)) with (5 / 6) in H by field.
  pose proof (ln_below (5 / 6) ltac:(lra)). pose proof (ln_below (5 / 3) ltac:(lra)) as B.
  (* ln(5/3) <= 2/3 and ln(5/6) <= -1/6 give (1/5)(2/3) - (4/5)(1/6) = 0; the second is strict *)
  assert (ln (5 / 3) < 2 / 3).
  { destruct B as [B|B]; [lra|]. pose proof (ln_below_eq (5 / 3) ltac:(lra) ltac:(lra)). lra. }
  lra.
Qed.

(** ** Scores *)
Theorem audit_lost_score_shift_holds : audit_lost_score_shift.
Proof.
  intros A s p plus q P Q lost gain Rw computed.
  assert (X : forall a, computed a = Rw a + gain a).
  { intros a. unfold computed, Rw, gain, indicator. destruct (lost a); ring. }
  split.
  - rewrite (E_ext s q computed (fun a => Rw a + gain a)) by auto. rewrite E_plus. ring.
  - rewrite (Cov_ext s q (L p) (L p) computed (fun a => Rw a + gain a)) by auto.
    rewrite Cov_sym, Cov_plus, (Cov_sym s q Rw), (Cov_sym s q gain). ring.
Qed.
(* p = (1, 2)/3, e^R = (3, 2), p+ = (3, 4)/7, the last string lost *)
Definition lost_R (a : nat) : R := match a with O => ln 3 | _ => ln 2 end.
Theorem control_audit_lost_score_harmless_holds : control_audit_lost_score_harmless.
Proof.
  intros H. specialize (H [0; 1]%nat two_p lost_R _ _ (fun a => Nat.eq_dec a 1) two_full). cbv zeta in H.
  assert (A0 : aligned [0; 1]%nat two_p lost_R 0%nat = 3 / 7) by (unfold aligned, Z; simpl; rewrite !exp_ln by lra;
      field).
  assert (A1 : aligned [0; 1]%nat two_p lost_R 1%nat = 4 / 7) by (unfold aligned, Z; simpl; rewrite !exp_ln by lra;
      field).
  rewrite !Cov_pair in H by (rewrite A0, A1; field). rewrite A0, A1 in H. unfold L, two_p in H. simpl in H.
  assert (L23 : ln (2 / 3) = ln 2 - ln 3) by (apply ln_div; lra). assert (L3 : ln (/ 3) = - ln 3) by (apply ln_Rinv;
      lra).
  assert (L47 : ln (4 / 7) = ln 4 - ln 7) by (apply ln_div; lra). assert (L37 : ln (3 / 7) = ln 3 - ln 7) by (apply
      ln_div; lra).
  assert (L4 : ln 4 = 2 * ln 2) by (replace 4 with (2 * 2) by ring; rewrite ln_mult by lra; ring).
  rewrite L23, L3, L47, L37, L4 in H.
  assert (a1 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (a2 : ln 2 < ln 3) by (apply ln_increasing; lra).
  assert (a3 : ln 2 + ln 3 < ln 7) by (rewrite <- ln_mult by lra; apply ln_increasing; lra).
  set (x := ln 2) in *. set (y := ln 3) in *. set (z := ln 7) in *.
  (* L rises by x, the secret reward by x - y < 0, the computed one by z - x - y > 0 *)
  assert (N1 : 0 < x * (y - x)) by (apply Rmult_lt_0_compat; lra).
  assert (N2 : 0 < x * (z - x - y)) by (apply Rmult_lt_0_compat; lra).
  assert (N3 : 0 < x * (y - x) * (x * (z - x - y))) by (apply Rmult_lt_0_compat; auto).
  match type of H with ?u <> 0 -> 0 <= ?v * _ =>
    assert (Hu : u = - (12 / 49 * (x * (y - x)))) by field; assert (Hv : v = 12 / 49 * (x * (z - x - y))) by field end.
  rewrite Hu, Hv in H. specialize (H ltac:(lra)). nra.
Qed.
Lemma sum_steps_minus l m y : sum_steps (fun u o => l u o - m u o) y = sum_steps l y - sum_steps m y.
Proof.
  revert l m. induction y as [|t v IH]; intros l m; simpl; [ring|].
  change (from [t] (fun u o => l u o - m u o)) with (fun u o => from [t] l u o - from [t] m u o). rewrite IH. ring.
Qed.
Theorem audit_clamped_nll_shift_holds : audit_clamped_nll_shift.
Proof.
  intros T p q f P W. rewrite <- E_minus. apply E_ext. intros y Hy. rewrite (ln_product T p y W Hy).
  set (l := fun u o => Rmax (ln (p u o)) (- 25)). set (m := fun u o => ln (p u o)).
  transitivity (steps (fun u o => l u o - m u o) y).
  - pose proof (sum_steps_minus l m y) as X. change (steps (fun u o => l u o - m u o) y = sum_steps l y - steps m y)
      in X.
    rewrite X. ring.
  - apply (steps_ext T); auto. intros u o _ _. unfold l, m, excess, Rmax. repeat destruct Rle_dec; lra.
Qed.
Lemma excess_bound z : 0 < z -> 0 <= z * Rmax 0 (- ln z - 25) <= exp (-26).
Proof.
  intros Hz. split; [apply Rmult_le_pos; [lra|apply Rmax_l]|]. unfold Rmax. destruct Rle_dec as [Hl|Hl].
  - set (x := - ln z - 25) in *. replace z with (exp (- 25 - x)) by (unfold x; rewrite <- (exp_ln z) at 2 by auto;
      f_equal; ring).
    replace (-26) with (-25 - x + (x - 1)) by ring. rewrite exp_plus. apply Rmult_le_compat_l; [left; apply exp_pos|].
    destruct (Req_dec (x - 1) 0) as [E0|N]; [rewrite E0, exp_0; lra|]. pose proof (exp_ineq1 (x - 1) N). lra.
  - rewrite Rmult_0_r. left. apply exp_pos.
Qed.
Theorem audit_clamped_nll_bound_holds : audit_clamped_nll_bound.
Proof.
  intros T. induction T as [|os next IH]; intros p P Sp; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
  rewrite E_strings. cbn [options].
  assert (Part : forall o, In o os -> 0 <= p nil o * match o with None => sum_steps (excess 25 p) nil
      | Some t => E (strings (after (Node os next) t)) (product (from [t] p)) (from [t] (sum_steps (excess 25 p))) end
    <= exp (-26) * (1 + match o with None => 0 | Some t => tokens (next t) end)).
  { intros o Ho. assert (Pp : 0 < p nil o) by (apply (proj1 Sp nil); simpl; auto).
    assert (P1 : p nil o <= 1).
    { rewrite <- (proj2 Sp nil Logic.I). apply (sum_at_least os (p nil)); auto. intros o' Ho'. left. apply (proj1 Sp
        nil); simpl; auto. }
    pose proof (excess_bound (p nil o) Pp) as Eb. destruct o as [t|].
    - pose proof (step_law_after (Node os next) p t Sp Ho) as St. pose proof (proper_after (Node os next) t P Ho) as Pt.
      destruct (IH t (from [t] p) Pt St) as [I1 I2].
      assert (X : E (strings (next t)) (product (from [t] p)) (from [t] (sum_steps (excess 25 p))) =
        excess 25 p nil (Some t) + E (strings (next t)) (product (from [t] p)) (sum_steps (excess 25 (from [t] p)))).
      { rewrite (E_ext _ _ (from [t] (sum_steps (excess 25 p))) (fun y => excess 25 p nil (Some t) + sum_steps
          (excess 25 (from [t] p)) y))
          by (intros; reflexivity).
        rewrite E_plus, E_const; [reflexivity|]. apply full_law. apply alignment_controlled_decoding_law_holds; auto. }
      change (after (Node os next) t) with (next t). rewrite X. unfold excess at 1 3. rewrite Rmult_plus_distr_l.
      pose proof (exp_pos (-26)). split.
      + assert (0 <= p nil (Some t) * E (strings (next t)) (product (from [t] p)) (sum_steps (excess 25 (from [t]
          p)))) by (apply Rmult_le_pos; lra). lra.
      + assert (p nil (Some t) * E (strings (next t)) (product (from [t] p)) (sum_steps (excess 25 (from [t] p)))
          <= 1 * (exp (-26) * tokens (next t))) by (apply Rmult_le_compat; lra). lra.
    - simpl. unfold excess. lra. }
  split.
  - apply sum_nonneg. intros o Ho. apply Part. auto.
  - cbn [tokens]. rewrite <- sum_scal. apply sum_le. intros o Ho. apply Part. auto.
Qed.

(** ** Strings that are cut *)
Section Parts.
Context {A B : Type}.
Variables (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (bs : list B).
Hypothesis im : image s h bs.
Lemma one_part (c : B) (f : B -> R) : In c bs -> sum bs (fun b => indicator (same c b) * f b) = f c.
Proof.
  destruct im as [N _]. intros Hc. rewrite (sum_single _ _ c); auto.
  - unfold indicator. destruct (same c c); [ring|congruence].
  - intros b _ Hb. unfold indicator. destruct (same c b); [congruence|ring].
Qed.
Lemma sum_parts (f : A -> R) : sum bs (fun c => sum s (fun a => f a * indicator (same (h a) c))) = sum s f.
Proof.
  rewrite sum_swap. apply sum_ext. intros a Ha.
  rewrite (sum_ext bs _ (fun c => indicator (same (h a) c) * f a)) by (intros; ring).
  apply (one_part (h a) (fun _ => f a)). destruct im as [_ [I1 _]]. auto.
Qed.
Variable q : A -> R.
Hypothesis Fq : full s q.
Notation cut := (mass_at same s h q).
Notation rest := (given same s h q).
Lemma cut_pos c : In c bs -> 0 < cut c.
Proof.
  intros Hc. destruct im as [_ [_ I2]]. destruct (I2 c Hc) as [a [Ha Hh]].
  apply (sum_pos_at s _ a); auto.
  - intros y Hy. apply Rmult_le_pos; [left; apply Fq; auto|unfold indicator; destruct same; lra].
  - unfold indicator. destruct (same (h a) c); [|congruence]. rewrite Rmult_1_r. apply Fq. auto.
Qed.
Lemma cut_full : full bs cut.
Proof. split; [intros; apply cut_pos; auto|]. unfold mass_at. rewrite sum_parts. apply Fq. Qed.
Lemma rest_law c : In c bs -> law s (rest c).
Proof.
  intros Hc. pose proof (cut_pos c Hc). split.
  - intros a Ha. apply Rle_mult_inv_pos; auto. apply Rmult_le_pos; [left; apply Fq; auto|unfold indicator; destruct
      same; lra].
  - unfold given, Rdiv. rewrite sum_scal_r. fold (mass_at same s h q c). apply Rinv_r. lra.
Qed.
(* the mean over parts of means within parts *)
Lemma mean_parts (f : B -> A -> R) : E bs cut (fun c => sum s (fun a => rest c a * f c a)) = sum s (fun a => q a * f
    (h a) a).
Proof.
  unfold E. rewrite (sum_ext bs _ (fun c => sum s (fun a => q a * indicator (same (h a) c) * f c a))).
  - rewrite sum_swap. apply sum_ext. intros a Ha.
    rewrite (sum_ext bs _ (fun c => indicator (same (h a) c) * (q a * f c a))) by (intros; ring).
    apply (one_part (h a) (fun c => q a * f c a)). destruct im as [_ [I1 _]]. auto.
  - intros c Hc. rewrite <- sum_scal. apply sum_ext. intros a Ha. pose proof (cut_pos c Hc). unfold given. field. lra.
Qed.
Lemma over_cut (f : B -> R) : E bs cut f = sum s (fun a => q a * f (h a)).
Proof.
  rewrite <- (mean_parts (fun c _ => f c)). apply E_ext. intros c Hc. rewrite sum_scal_r, (proj2 (rest_law c Hc)). ring.
Qed.
Lemma rest_at c a : In a s -> In c bs -> h a = c -> rest c a = q a / cut c.
Proof. intros Ha Hc <-. unfold given, indicator. destruct (same (h a) (h a)); [|congruence]. unfold Rdiv. ring. Qed.
Lemma rest_off c a : h a <> c -> rest c a = 0.
Proof. intros Hn. unfold given, indicator. destruct (same (h a) c); [congruence|]. unfold Rdiv. ring. Qed.
End Parts.
Theorem audit_censored_strings_entropy_holds : audit_censored_strings_entropy.
Proof.
  intros A B same s h bs q Fq im. unfold Ent. rewrite E_opp.
  rewrite (E_ext bs _ (fun c => sum s (fun a => given same s h q c a * ln (given same s h q c a)))
    (fun c => sum s (fun a => given same s h q c a * (ln (q a) - ln (mass_at same s h q c))))).
  - rewrite (mean_parts same s h bs im q Fq (fun c a => ln (q a) - ln (mass_at same s h q c))).
    pose proof (over_cut same s h bs im q Fq (fun c => ln (mass_at same s h q c))) as X. unfold E in X. rewrite X.
    rewrite (sum_ext s (fun a => q a * (ln (q a) - ln (mass_at same s h q (h a))))
      (fun a => q a * ln (q a) - q a * ln (mass_at same s h q (h a)))) by (intros; ring).
    rewrite sum_minus. ring.
  - intros c Hc. apply sum_ext. intros a Ha. destruct (same (h a) c) as [Hh|Hh].
    + rewrite (rest_at same s h bs q c a Ha Hc Hh). rewrite ln_div; [reflexivity|apply Fq; auto|apply (cut_pos same s
        h bs im q Fq); auto].
    + rewrite (rest_off same s h q c a Hh). ring.
Qed.
Theorem audit_censored_strings_reward_holds : audit_censored_strings_reward.
Proof.
  intros A B same s h bs plus p Fq Fp im cut. split.
  - unfold cut, KL.
    rewrite (E_ext bs _ (fun c => sum s (fun a => given same s h plus c a * ln (given same s h plus c a / given same
        s h p c a)))
      (fun c => sum s (fun a => given same s h plus c a * (ln (plus a / p a) - ln (mass_at same s h plus c / mass_at
          same s h p c))))).
    + rewrite (mean_parts same s h bs im plus Fq (fun c a => ln (plus a / p a) - ln (mass_at same s h plus c /
        mass_at same s h p c))).
      rewrite (over_cut same s h bs im plus Fq (fun c => ln (mass_at same s h plus c / mass_at same s h p c))).
      unfold E. rewrite <- sum_minus. apply sum_ext. intros; ring.
    + intros c Hc. apply sum_ext. intros a Ha. destruct (same (h a) c) as [Hh|Hh].
      * rewrite !(rest_at same s h bs _ c a Ha Hc Hh).
        pose proof (cut_pos same s h bs im plus Fq c Hc). pose proof (cut_pos same s h bs im p Fp c Hc).
        assert (0 < plus a) by (apply Fq; auto). assert (0 < p a) by (apply Fp; auto). f_equal.
        rewrite <- ln_div by (apply Rdiv_lt_0_compat; auto). f_equal. field. repeat split; lra.
      * rewrite (rest_off same s h plus c a Hh). ring.
  - apply E_nonneg; [apply full_law, (cut_full same s h bs im plus Fq)|]. intros c Hc.
    apply KL_nonneg; try (apply (rest_law same s h bs im); auto).
    intros a Ha H0. destruct (same (h a) c) as [Hh|Hh]; [|apply rest_off; auto]. exfalso.
    rewrite (rest_at same s h bs p c a Ha Hc Hh) in H0. pose proof (cut_pos same s h bs im p Fp c Hc).
    assert (0 < p a) by (apply Fp; auto). assert (0 < p a / mass_at same s h p c) by (apply Rdiv_lt_0_compat; auto).
        lra.
Qed.

(** ** Laws that are exchanged *)
Theorem audit_prior_without_prompt_shift_holds : audit_prior_without_prompt_shift.
Proof. intros X A xs s w p plus m. rewrite <- E_minus. apply E_ext. intros x _. reflexivity. Qed.
Theorem audit_prior_without_prompt_information_holds : audit_prior_without_prompt_information.
Proof.
  intros X A xs s w p Fw Fp m.
  assert (Ne : xs <> nil) by (apply (law_support xs w), full_law; auto).
  assert (Fm : full s m).
  { split.
    - intros a Ha. apply sum_pos; auto. intros x Hx. apply Rmult_lt_0_compat; [apply Fw; auto|apply (Fp x Hx); auto].
    - unfold m. rewrite sum_swap. rewrite (sum_ext xs _ (fun x => w x * 1)).
      + rewrite sum_scal_r, (proj2 Fw). ring.
      + intros x Hx. rewrite sum_scal, (proj2 (Fp x Hx)). ring. }
  split.
  - rewrite (E_ext xs w (fun x => KL s (p x) m) (fun x => CE s (p x) m - Ent s (p x))).
    + rewrite E_minus. f_equal. unfold CE, Ent. rewrite E_opp. f_equal. unfold E, m.
      rewrite (sum_ext xs _ (fun x => sum s (fun a => w x * p x a * ln (m a)))).
      * rewrite sum_swap. apply sum_ext. intros a _. rewrite sum_scal_r. reflexivity.
      * intros x _. rewrite <- sum_scal. apply sum_ext. intros; unfold m; ring.
    + intros x Hx. apply KL_split; [apply full_law; auto|]. intros a Ha. apply Fm. auto.
  - apply E_nonneg; [apply full_law; auto|]. intros x Hx.
    apply KL_nonneg; [apply full_law; auto|apply full_law; auto|apply full_ac; auto].
Qed.
(* p(. | a) = (1, 1)/2, p(. | b) = (1, 2)/3 *)
Definition prompt_p (x : nat) : nat -> R := match x with O => fun _ => / 2 | _ => two_p end.
Lemma prompt_full x : In x [0; 1]%nat -> full [0; 1]%nat (prompt_p x).
Proof.
  intros [<-|[<-|[]]]; [|apply two_full]. split; [|simpl; lra]. intros a _. simpl. lra.
Qed.
Lemma prompt_weights : full [0; 1]%nat (fun _ : nat => / 2).
Proof. split; [intros; lra|simpl; lra]. Qed.
Theorem control_audit_prior_without_prompt_harmless_holds : control_audit_prior_without_prompt_harmless.
Proof.
  intros H. specialize (H [0; 1]%nat [0; 1]%nat (fun _ => / 2) prompt_p prompt_weights prompt_full).
  set (m := fun a => sum [0; 1]%nat (fun x => / 2 * prompt_p x a)) in *.
  assert (Fm : full [0; 1]%nat m).
  { split; [|unfold m; simpl; lra]. intros a [<-|[<-|[]]]; unfold m; simpl; lra. }
  assert (K : forall x, In x [0; 1]%nat -> 0 <= KL [0; 1]%nat (prompt_p x) m).
  { intros x Hx. apply KL_nonneg; [apply full_law, prompt_full; auto|apply full_law; auto|apply full_ac; auto]. }
  assert (K0 : KL [0; 1]%nat (prompt_p 0) m = 0).
  { unfold E in H. cbn [sum] in H. pose proof (K 0%nat ltac:(simpl; auto)). pose proof (K 1%nat ltac:(simpl; auto)).
      lra. }
  pose proof (KL_zero [0; 1]%nat (prompt_p 0) m (full_law _ _ (prompt_full 0 ltac:(simpl; auto))) (full_law _ _ Fm)
    (full_ac _ _ _ Fm) K0 0%nat ltac:(simpl; auto)) as Eq. unfold m in Eq. simpl in Eq. lra.
Qed.
Lemma ln_integer (k : BinNums.Z) (n : nat) : (0 < k)%Z -> INR n * ln (IZR k) = ln (IZR (k ^ Z.of_nat n)).
Proof.
  intros Hk. rewrite <- pow_IZR. assert (0 < IZR k) by (apply IZR_lt; auto). clear Hk.
  induction n as [|n IH]; [simpl; rewrite ln_1; ring|]. rewrite S_INR. simpl pow. rewrite ln_mult by (auto; apply
      pow_lt; auto).
  rewrite <- IH. ring.
Qed.
(* 2^26 5^35 < 3^6 7^35 *)
Lemma prompt_inequality : 26 * ln 2 + 35 * ln 5 < 6 * ln 3 + 35 * ln 7.
Proof.
  replace 26 with (INR 26) by (rewrite INR_IZR_INZ; reflexivity).
  replace 35 with (INR 35) by (rewrite INR_IZR_INZ; reflexivity).
  replace 6 with (INR 6) by (rewrite INR_IZR_INZ; reflexivity).
  rewrite !ln_integer by reflexivity.
  assert (P : forall k n, (0 < k)%Z -> 0 < IZR (k ^ Z.of_nat n)) by (intros; apply IZR_lt, Z.pow_pos_nonneg; lia).
  rewrite <- !ln_mult by (apply P; reflexivity). rewrite <- !mult_IZR.
  apply ln_increasing; [apply IZR_lt; reflexivity|]. apply IZR_lt. reflexivity.
Qed.
Theorem control_audit_prior_without_prompt_no_sign_from_nothing_holds : control_audit_prior_without_prompt_no_sign_from_nothing.
Proof.
  intros H. specialize (H [0; 1]%nat [0; 1]%nat (fun _ => / 2) prompt_p prompt_weights prompt_full). cbv zeta in H.
  unfold Cov, E, joint, pairs, prompt_p, two_p in H. simpl in H.
  replace (/ 2 * / 2 + (/ 2 * / 3 + 0)) with (5 / 12) in H by field.
  replace (/ 2 * / 2 + (/ 2 * (2 / 3) + 0)) with (7 / 12) in H by field.
  replace (/ 2 / (5 / 12)) with (6 / 5) in H by field. replace (/ 2 / (7 / 12)) with (6 / 7) in H by field.
  replace (/ 3 / (5 / 12)) with (4 / 5) in H by field. replace (2 / 3 / (7 / 12)) with (8 / 7) in H by field.
  assert (L6 : ln 6 = ln 2 + ln 3) by (replace 6 with (2 * 3) by ring; apply ln_mult; lra).
  assert (L4 : ln 4 = 2 * ln 2) by (replace 4 with (2 * 2) by ring; rewrite ln_mult by lra; ring).
  assert (L8 : ln 8 = 3 * ln 2) by (replace 8 with (2 * (2 * 2)) by ring; rewrite !ln_mult by lra; ring).
  rewrite !ln_div, L6, L4, L8 in H by lra. pose proof prompt_inequality as Pi.
  assert (D : ln 5 < ln 7) by (apply ln_increasing; lra).
  set (x := ln 2) in *. set (y := ln 3) in *. set (z := ln 5) in *. set (u := ln 7) in *. set (v := ln 12) in *.
  match type of H with ?c = 0 => assert (X : c = (u - z) * (26 * x + 35 * z - 6 * y - 35 * u) / 144) by field end.
  rewrite X in H. assert ((u - z) * (26 * x + 35 * z - 6 * y - 35 * u) < 0) by nra. lra.
Qed.
Theorem audit_re_binning_covariance_holds : audit_re_binning_covariance.
Proof.
  intros A B same s h bs q f g Fq im Ne bin.
  assert (X : forall k, E s (fun a => E bs (uniform bs) (fun c => bin c a)) k = E bs (uniform bs) (fun c => E s (bin
      c) k)).
  { intros k. unfold E. rewrite (sum_ext s _ (fun a => sum bs (fun c => uniform bs c * (bin c a * k a)))).
    - rewrite sum_swap. apply sum_ext. intros; apply sum_scal.
    - intros a _. rewrite <- sum_scal_r. apply sum_ext. intros; ring. }
  unfold Cov. rewrite !X, E_minus. ring.
Qed.
(* (L, R) = (0, -2), (1, 3), (4, 0) with the weights (1, 2, 1) *)
Definition bin_q (a : nat) : R := match a with 1%nat => / 2 | _ => / 4 end.
Definition bin_L (a : nat) : R := match a with O => 0 | 1%nat => 1 | _ => 4 end.
Definition bin_R (a : nat) : R := match a with O => -2 | 1%nat => 3 | _ => 0 end.
Lemma bin_full : full [0; 1; 2]%nat bin_q.
Proof. split; [|simpl; lra]. intros a [<-|[<-|[<-|[]]]]; simpl; lra. Qed.
Lemma bin_image : image [0; 1; 2]%nat (fun a : nat => a) [0; 1; 2]%nat.
Proof.
  split; [repeat constructor; simpl; intuition congruence|]. split; [auto|]. intros c Hc. exists c. auto.
Qed.
Lemma bin_covariance : Cov [0; 1; 2]%nat bin_q bin_L bin_R = 0.
Proof. unfold Cov, E. simpl. field. Qed.
Lemma bin_uniform a : In a [0; 1; 2]%nat ->
  E [0; 1; 2]%nat (uniform [0; 1; 2]%nat) (fun c => given Nat.eq_dec [0; 1; 2]%nat (fun a => a) bin_q c a) = / 3.
Proof.
  intros [<-|[<-|[<-|[]]]]; unfold E, uniform, given, mass_at, indicator; simpl; field.
Qed.
Lemma binned f g : Cov [0; 1; 2]%nat (fun a => E [0; 1; 2]%nat (uniform [0; 1; 2]%nat)
  (fun c => given Nat.eq_dec [0; 1; 2]%nat (fun a => a) bin_q c a)) f g = Cov [0; 1; 2]%nat (fun _ => / 3) f g.
Proof. apply Cov_ext_law. apply bin_uniform. Qed.
Theorem control_audit_re_binning_none_out_of_none_holds : control_audit_re_binning_none_out_of_none.
Proof.
  intros H. specialize (H [0; 1; 2]%nat (fun a => a) [0; 1; 2]%nat bin_q bin_L bin_R bin_full bin_image bin_covariance).
  rewrite binned in H. unfold Cov, E in H. simpl in H. lra.
Qed.
Theorem control_audit_re_binning_harmless_holds : control_audit_re_binning_harmless.
Proof.
  intros H. specialize (H [0; 1; 2]%nat (fun a => a) [0; 1; 2]%nat bin_q bin_L bin_R bin_full bin_image).
  unfold Corr, Var in H. rewrite !binned, bin_covariance in H.
  assert (C1 : Cov [0; 1; 2]%nat (fun _ => / 3) bin_L bin_R = 4 / 9) by (unfold Cov, E; simpl; field).
  assert (C2 : Cov [0; 1; 2]%nat (fun _ => / 3) bin_L bin_L = 26 / 9) by (unfold Cov, E; simpl; field).
  assert (C3 : Cov [0; 1; 2]%nat (fun _ => / 3) bin_R bin_R = 38 / 9) by (unfold Cov, E; simpl; field).
  rewrite C1, C2, C3 in H. assert (0 < sqrt (26 / 9 * (38 / 9))) by (apply sqrt_lt_R0; lra).
  assert (0 < 4 / 9 / sqrt (26 / 9 * (38 / 9))) by (apply Rdiv_lt_0_compat; lra).
  match type of H with _ = 0 / ?r => replace (0 / r) with 0 in H by (unfold Rdiv; ring) end. lra.
Qed.
Theorem audit_bootstrap_pool_ratio_holds : audit_bootstrap_pool_ratio.
Proof.
  intros A s q f n N Lq Hn HN. cbv zeta.
  assert (n2 : (2 <= n)%nat) by (apply INR_le; rewrite Hn; simpl; lra).
  assert (N1 : (1 <= N)%nat) by (apply INR_le; rewrite HN; simpl; lra).
  pose proof (correlation_bootstrap_spread_holds A s q f f n N Lq n2 N1) as X. cbv zeta in X.
  rewrite Hn, HN in X. etransitivity; [exact X|]. f_equal. field.
Qed.
Theorem audit_hidden_top_k_divergence_holds : audit_hidden_top_k_divergence.
Proof.
  intros A s q P Q kept Fq S Sp. unfold KL.
  rewrite (sum_ext s _ (fun a => normalised s S a * - ln (sum s S))).
  - rewrite sum_scal_r, normalised_sum by lra. ring.
  - intros a Ha. unfold normalised. unfold S at 1 3 5, indicator. destruct (kept a); [|unfold Rdiv; ring].
    assert (0 < q a) by (apply Fq; auto). f_equal. rewrite Rmult_1_r.
    replace (q a / sum s S / q a) with (/ sum s S) by (field; lra). apply ln_Rinv. auto.
Qed.
Lemma sum_seq_le p j k : (j <= k)%nat -> (forall i, (i < k)%nat -> 0 < p i) -> sum (seq 0 j) p <= sum (seq 0 k) p.
Proof.
  intros Hj Hp. replace k with (j + (k - j))%nat by lia. rewrite seq_app, sum_app.
  assert (0 <= sum (seq (0 + j) (k - j)) p); [|lra]. apply sum_nonneg. intros i Hi. apply in_seq in Hi. left. apply
      Hp. lia.
Qed.
Theorem audit_hidden_top_k_nested_holds : audit_hidden_top_k_nested.
Proof.
  intros p n top asked drawn m Hp Ht Hm [A1 A2] [D1 D2].
  assert (S0 : 0 <= sum (seq 0 top) p).
  { apply sum_nonneg. intros i Hi. apply in_seq in Hi. left. apply Hp. lia. }
  pose proof (sum_seq_le p top n Ht Hp) as Sn. split.
  - destruct (Nat.le_gt_cases drawn top) as [|Hg]; auto. specialize (D2 top Hg). nra.
  - destruct (Nat.le_gt_cases drawn asked) as [|Hg]; auto. specialize (D2 asked Hg).
    assert (m * sum (seq 0 top) p <= m * sum (seq 0 n) p) by (apply Rmult_le_compat_l; lra). lra.
Qed.
(* 51 tokens alike: 49 make 19/20 of 51, and 48 of 50 *)
Theorem control_audit_hidden_top_k_harmless_holds : control_audit_hidden_top_k_harmless.
Proof.
  intros H. assert (S1 : forall k, sum (seq 0 k) (fun _ => 1) = INR k) by (intros; rewrite sum_const, seq_length; ring).
  assert (X : 48%nat = 49%nat); [|discriminate].
  apply (H (fun _ => 1) 51%nat 50%nat 49%nat 48%nat (19 / 20)); try lia; try lra.
  - intros; lra.
  - split; [rewrite !S1, !INR_IZR_INZ; simpl; lra|]. intros j Hj. rewrite !S1. apply le_INR in Hj.
    assert (INR j <= 48) by (rewrite S_INR in Hj; rewrite (INR_IZR_INZ 49) in Hj; simpl in Hj; lra).
    rewrite (INR_IZR_INZ 51). simpl. lra.
  - split; [rewrite !S1, !INR_IZR_INZ; simpl; lra|]. intros j Hj. rewrite !S1. apply le_INR in Hj.
    assert (INR j <= 47) by (rewrite S_INR in Hj; rewrite (INR_IZR_INZ 48) in Hj; simpl in Hj; lra).
    rewrite (INR_IZR_INZ 50). simpl. lra.
Qed.
