(** The reference code's departures are not harmless: the smallest witnesses on trees, and on laws of two and three
    strings. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Correlation TreeStatements AuditStatements Trees TreeControls Audit.
Import ListNotations.
Open Scope R_scope.

(* p = (1, 1, 2)/4, e^R = (2, 1, 1), p+ = (2, 1, 2)/5 *)
Theorem control_audit_accept_all_no_new_trade_holds : control_audit_accept_all_no_new_trade.
Proof.
  intros H. set (p := str3 (/ 4) (/ 4) (/ 2)). set (Rw := str3 (ln 2) 0 0).
  set (w := fork_w (2 / 5) (3 / 5) (/ 3) (2 / 3)).
  assert (Fp : full (strings fork) p).
  { split; [|simpl; unfold p, str3; lra]. intros y Hy. simpl in Hy. unfold p.
    repeat destruct Hy as [<-|Hy]; try destruct Hy; simpl; lra. }
  assert (Zv : Z (strings fork) p Rw = 5 / 4) by (unfold Z, p, Rw; simpl; rewrite exp_0, !exp_ln by lra; field).
  assert (A0 : aligned (strings fork) p Rw [0]%nat = 2 / 5).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_ln by lra. field. }
  assert (A1 : aligned (strings fork) p Rw [1; 0]%nat = / 5) by (unfold aligned; rewrite Zv; unfold p, Rw; simpl;
      rewrite exp_0; field).
  assert (A2 : aligned (strings fork) p Rw [1; 1]%nat = 2 / 5) by (unfold aligned; rewrite Zv; unfold p, Rw; simpl;
      rewrite exp_0; field).
  assert (Sw : step_law fork w) by (apply fork_step; lra).
  assert (St : forall y, In y (strings fork) -> product w y = aligned (strings fork) p Rw y).
  { intros y Hy. simpl in Hy. destruct Hy as [<-|[<-|[<-|[]]]]; symmetry;
      (etransitivity; [exact A0 || exact A1 || exact A2|]); unfold w, product, from; simpl; lra. }
  specialize (H fork p Rw w fork_proper Fp Sw St). cbv beta zeta in H.
  destruct (fork_local (2 / 5) (3 / 5) (/ 3) (2 / 3)) as [L0 [L1 L2]]; try lra.
  destruct (fork_global (2 / 5) (3 / 5) (/ 3) (2 / 3)) as [G0 [G1 G2]]; try lra.
  fold w in L0, L1, L2, G0, G1, G2. rewrite !E_fork, A0, A1, A2, L0, L1, L2, G0, G1, G2 in H.
  unfold p, Rw, L, str3 in H. simpl in H.
  assert (X4 : ln (/ 4) = - (2 * ln 2)).
  { rewrite ln_Rinv by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  assert (X2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra). rewrite X4, X2 in H. pose proof ln_lt_2.
  specialize (H ltac:(lra) ltac:(lra)). field_simplify in H. nra.
Qed.
Definition ended_w (a : R) : weights := fun u o =>
  match u, o with nil, None => a | nil, Some _ => 1 - a | _, _ => 1 end.
Lemma ended_contexts (P : context -> Prop) : P nil -> (forall t, P [t]) -> forall u, context_of ended u -> P u.
Proof. intros P0 P1 [|t u]; auto. intros [_ Hu]. apply leaf_contexts in Hu. subst. auto. Qed.
Lemma ended_proper : proper ended.
Proof.
  intros u. revert u. apply ended_contexts; [|intros; apply leaf_proper].
  split; [simpl; congruence|]. repeat constructor; simpl; intuition congruence.
Qed.
Lemma ended_step a : 0 < a < 1 -> step_law ended (ended_w a).
Proof.
  intros Ha. split.
  - intros [|t u] [o|] _ _; simpl; lra.
  - apply ended_contexts; [unfold total; simpl; lra|intros; unfold total; simpl; lra].
Qed.
(* strings -, a: p = (1, 2)/3, p+ = (1, 4)/5 *)
Theorem control_audit_unscored_end_harmless_holds : control_audit_unscored_end_harmless.
Proof.
  intros H. specialize (H ended (ended_w (/ 3)) (ended_w (/ 5)) ended_proper (ended_step (/ 3) ltac:(lra))
      (ended_step (/ 5) ltac:(lra))).
  cbv zeta in H. unfold Cov, E in H. change (strings ended) with [[]; [0]]%nat in H. cbn [sum] in H.
  unfold reach, product, from in H. simpl in H.
  replace ((1 - / 3) * 1) with (2 / 3) in H by field. replace ((1 - / 5) * 1) with (4 / 5) in H by field.
  rewrite ln_1 in H.
  assert (L23 : ln (2 / 3) = ln 2 - ln 3) by (apply ln_div; lra). assert (L3 : ln (/ 3) = - ln 3) by (apply ln_Rinv;
      lra).
  assert (L5 : ln (/ 5) = - ln 5) by (apply ln_Rinv; lra).
  assert (L45 : ln (4 / 5) = 2 * ln 2 - ln 5).
  { rewrite ln_div by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  rewrite L23, L3, L5, L45 in H.
  assert (a1 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (a2 : ln 2 < ln 3) by (apply ln_increasing; lra).
  assert (a3 : ln 5 < ln 2 + ln 3) by (rewrite <- ln_mult by lra; apply ln_increasing; lra).
  set (x := ln 2) in *. set (y := ln 3) in *. set (z := ln 5) in *.
  match type of H with 0 <= ?c => assert (X : c = (4 / 25) ^ 2 * (- ((y - x) * (x + y - z))) * (x * x)) by field end.
  rewrite X in H. assert (0 < (y - x) * (x + y - z)) by (apply Rmult_lt_0_compat; lra). assert (0 < x * x) by nra.
  assert (0 < (y - x) * (x + y - z) * (x * x)) by (apply Rmult_lt_0_compat; auto). nra.
Qed.
(* p = (1, 1)/2, p+(second) = e^-40 *)
Theorem control_audit_clamped_nll_harmless_holds : control_audit_clamped_nll_harmless.
Proof.
  intros H. set (z := exp (-40)).
  assert (Z0 : 0 < z) by apply exp_pos.
  assert (Z1 : z < 1) by (unfold z; rewrite <- exp_0; apply exp_increasing; lra).
  set (plus := table_w (fun t => match t with O => 1 - z | _ => z end)).
  set (p := table_w (fun _ => / 2)).
  assert (Sp : step_law (table 2) p) by (apply table_step; split; [intros; lra|simpl; lra]).
  assert (Sq : step_law (table 2) plus) by (apply table_step; split; [intros [|t] _; lra|simpl; lra]).
  specialize (H (table 2) p plus pair_proper Sp Sq).
  unfold E in H. change (strings (table 2)) with [[0]; [1]]%nat in H. cbn [sum] in H.
  unfold sum_steps, excess, product, from, p, plus in H. simpl in H. unfold z in H at 2. rewrite ln_exp, ln_1 in H.
  assert (B1 : Rmax 0 (- -40 - 25) = 15) by (rewrite Rmax_right; lra).
  assert (B2 : Rmax 0 (- 0 - 25) = 0) by (rewrite Rmax_left; lra).
  pose proof (Rmax_l 0 (- ln (1 - z) - 25)). rewrite B1, B2 in H. lra.
Qed.
(* p = (1, 1, 2)/4, p+ = (1, 2, 2)/5, the last two strings cut to one *)
Definition cut_p (a : nat) : R := match a with 2%nat => / 2 | _ => / 4 end.
Definition cut_plus (a : nat) : R := match a with O => / 5 | _ => 2 / 5 end.
Definition cut_h (a : nat) : nat := match a with O => O | _ => 1%nat end.
Theorem control_audit_censored_strings_harmless_holds : control_audit_censored_strings_harmless.
Proof.
  intros H.
  assert (Fq : full [0; 1; 2]%nat cut_plus) by (split; [intros a [<-|[<-|[<-|[]]]]; simpl; lra|simpl; lra]).
  assert (Fp : full [0; 1; 2]%nat cut_p) by (split; [intros a [<-|[<-|[<-|[]]]]; simpl; lra|simpl; lra]).
  assert (Im : image [0; 1; 2]%nat cut_h [0; 1]%nat).
  { split; [repeat constructor; simpl; intuition congruence|]. split.
    - intros a [<-|[<-|[<-|[]]]]; simpl; auto.
    - intros c [<-|[<-|[]]]; [exists 0%nat|exists 1%nat]; simpl; auto. }
  specialize (H [0; 1; 2]%nat cut_h [0; 1]%nat cut_plus cut_p Fq Fp Im). cbv beta zeta in H.
  assert (M0 : mass_at Nat.eq_dec [0; 1; 2]%nat cut_h cut_plus 0%nat = / 5) by (unfold mass_at, indicator; simpl; ring).
  assert (M1 : mass_at Nat.eq_dec [0; 1; 2]%nat cut_h cut_plus 1%nat = 4 / 5) by (unfold mass_at, indicator; simpl;
      field).
  assert (N0 : mass_at Nat.eq_dec [0; 1; 2]%nat cut_h cut_p 0%nat = / 4) by (unfold mass_at, indicator; simpl; ring).
  assert (N1 : mass_at Nat.eq_dec [0; 1; 2]%nat cut_h cut_p 1%nat = 3 / 4) by (unfold mass_at, indicator; simpl; field).
  rewrite (Cov_pair (mass_at Nat.eq_dec [0; 1; 2]%nat cut_h cut_plus)) in H by (rewrite M0, M1; field).
  unfold L in H. rewrite M0, M1, N0, N1 in H. unfold Cov, E, cut_plus, cut_p in H. simpl in H.
  replace (/ 5 / / 4) with (4 / 5) in H by field. replace (2 / 5 / / 4) with (8 / 5) in H by field.
  replace (2 / 5 / / 2) with (4 / 5) in H by field. replace (4 / 5 / (3 / 4)) with (16 / 15) in H by field.
  assert (K2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra).
  assert (K4 : ln (/ 4) = - (2 * ln 2)).
  { rewrite ln_Rinv by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  assert (K8 : ln (8 / 5) = ln 2 + ln (4 / 5)) by (rewrite <- ln_mult by lra; f_equal; field).
  assert (K34 : ln (3 / 4) = ln 3 - 2 * ln 2).
  { rewrite ln_div by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  assert (K16 : ln (16 / 15) = ln (4 / 3) + ln (4 / 5)) by (rewrite <- ln_mult by lra; f_equal; field).
  rewrite K2, K4, K8, K34, K16 in H.
  assert (a1 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (a2 : 0 < ln 3) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (a3 : 0 < ln (4 / 3)) by (rewrite <- ln_1; apply ln_increasing; lra).
  set (x := ln 2) in *. set (y := ln 3) in *. set (v := ln (4 / 3)) in *. set (u := ln (4 / 5)) in *.
  match type of H with 0 <= ?c => assert (X : c = - (16 / 625) * (x * x * (y * v))) by field end.
  rewrite X in H. assert (0 < x * x * (y * v)) by (repeat apply Rmult_lt_0_compat; auto). lra.
Qed.
Theorem control_audit_bootstrap_pool_harmless_holds : control_audit_bootstrap_pool_harmless.
Proof.
  intros H. set (q := fun _ : nat => / 2). set (f := fun a : nat => INR a).
  assert (Lq : law [0; 1]%nat q) by (split; [intros; unfold q; lra|simpl; unfold q; lra]).
  pose proof (H [0; 1]%nat q f 2%nat 1%nat Lq ltac:(lia) ltac:(lia)) as Eq.
  pose proof (correlation_bootstrap_spread_holds nat [0; 1]%nat q f f 2%nat 1%nat Lq ltac:(lia) ltac:(lia)) as X.
  cbv zeta in Eq, X. apply (eq_trans (eq_sym X)) in Eq. clear X H.
  unfold CovN, EN, uniform, mean, f, q in Eq. simpl in Eq. field_simplify in Eq. lra.
Qed.
Theorem control_audit_hidden_top_k_only_restricts_holds : control_audit_hidden_top_k_only_restricts.
Proof.
  intros H. assert (S1 : forall k, sum (seq 0 k) (fun _ => 1) = INR k) by (intros; rewrite sum_const, seq_length; ring).
  destruct (H (fun _ => 1) 60%nat 50%nat 1%nat (/ 55)) as [X|X]; try lia; [intros; lra| |].
  - right. rewrite S1, INR_IZR_INZ. simpl. lra.
  - rewrite S1, INR_IZR_INZ in X. simpl in X. lra.
Qed.
