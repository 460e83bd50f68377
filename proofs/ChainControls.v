(** Controls on chains and automata: the smallest ones on which each broken claim fails. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements TreeControlStatements Chains Automata.
Import ListNotations.
Open Scope R_scope.

(** ** Chains *)
Definition values (l : list R) (a : nat) : R := nth a l 0.
Ltac states2 := intros [|[|i]] Hi; try lia.
Lemma two_ranked a b c d : 0 < a -> 0 < b -> 0 < c -> 0 < d -> a + b = 1 -> c + d = 1 -> c / a <= d / b ->
  ranked 2 (values [a; b]) (values [c; d]).
Proof.
  intros Ha Hb Hc Hd H1 H2 Hw. split; [|split].
  - split; [|simpl; unfold values; simpl; lra]. intros i Hi. simpl in Hi. destruct Hi as [<-|[<-|[]]]; unfold values;
      simpl; auto.
  - split; [|simpl; unfold values; simpl; lra]. intros i Hi. simpl in Hi. destruct Hi as [<-|[<-|[]]]; unfold values;
      simpl; auto.
  - intros i j Hij. unfold weight, values. destruct i as [|[|i]], j as [|[|j]]; try lia; simpl; lra.
Qed.
Theorem control_metropolis_spectrum_reciprocal_weights_holds : control_metropolis_spectrum_reciprocal_weights.
Proof.
  intros H. assert (Rk : ranked 2 (values [2 / 3; / 3]) (values [/ 2; / 2])) by (apply two_ranked; lra).
  specialize (H 2%nat _ _ Rk ltac:(lia)). rewrite eigenvalue_last in H by (auto; lia).
  unfold weight, values in H. simpl in H. replace (/ (/ 2 / / 3)) with (2 / 3) in H by field. lra.
Qed.
Theorem control_metropolis_spectrum_every_state_holds : control_metropolis_spectrum_every_state.
Proof.
  intros H. assert (Rk : ranked 2 (values [/ 2; / 2]) (values [/ 2; / 2])) by (apply two_ranked; lra).
  specialize (H 2%nat _ _ Rk). unfold chain, kernel, mh, eigenvalue, weight, values, indicator in H. simpl in H.
  replace (/ 2 / / 2) with 1 in H by field. replace (1 / 1) with 1 in H by field.
  rewrite (Rmin_left 1 1), (Rmax_left 0 (1 - 1)) in H by lra. lra.
Qed.
Theorem control_metropolis_spectrum_heaviest_is_worst_holds : control_metropolis_spectrum_heaviest_is_worst.
Proof.
  intros H. assert (Rk : ranked 2 (values [/ 2; / 2]) (values [/ 3; 2 / 3])) by (apply two_ranked; lra).
  specialize (H 2%nat _ _ 0%nat Rk ltac:(lia)). cbv zeta beta in H.
  unfold TV, law_after, step, mh, values, indicator in H. simpl in H.
  replace (/ 3 / / 2 / (/ 3 / / 2)) with 1 in H by field. replace (2 / 3 / / 2 / (/ 3 / / 2)) with 2 in H by field.
  replace (/ 3 / / 2 / (2 / 3 / / 2)) with (/ 2) in H by field. replace (2 / 3 / / 2 / (2 / 3 / / 2)) with 1 in H by
      field.
  rewrite !(Rmin_left 1 1), !(Rmin_left 1 2), !(Rmin_right 1 (/ 2)) in H by lra.
  match type of H with (Rabs ?a + (Rabs ?b + 0)) / 2 <= (Rabs ?c + (Rabs ?d + 0)) / 2 =>
    rewrite (Rabs_right a), (Rabs_left b), (Rabs_left c), (Rabs_right d) in H by lra end.
  lra.
Qed.
(* three states with eigenvalues 0 and 3/8: q = (1, 1, 2)/4 and p+ = (1, 2, 2)/5, the heaviest state last *)
Definition q3 := values [/ 4; / 2; / 4].
Definition pi3 := values [/ 5; 2 / 5; 2 / 5].
Lemma three_ranked : ranked 3 q3 pi3.
Proof.
  split; [|split].
  - split; [|simpl; unfold q3, values; simpl; lra]. intros i Hi. simpl in Hi.
    destruct Hi as [<-|[<-|[<-|[]]]]; unfold q3, values; simpl; lra.
  - split; [|simpl; unfold pi3, values; simpl; lra]. intros i Hi. simpl in Hi.
    destruct Hi as [<-|[<-|[<-|[]]]]; unfold pi3, values; simpl; lra.
  - intros i j Hij. unfold weight, q3, pi3, values. destruct i as [|[|[|i]]], j as [|[|[|j]]]; try lia; simpl; lra.
Qed.
Lemma three_eigenvalues : eigenvalue 3 q3 pi3 1 = 0 /\ eigenvalue 3 q3 pi3 2 = 3 / 8.
Proof.
  split; rewrite eigenvalue_sum by (apply three_ranked || lia); unfold weight, q3, pi3, values; simpl; field.
Qed.
Lemma three_modes : E (seq 0 3) pi3 (fun i => mode pi3 1 i ^ 2) = 6 / 125 /\ E (seq 0 3) pi3 (fun i => mode pi3 2 i ^
    2) = 6 / 25.
Proof. unfold E, mode, pi3, values. simpl. split; field. Qed.
(* covariances of combinations of the two modes, for strings and for corpora of two *)
Lemma three_corpora (a b c d : R) N : (1 <= N)%nat -> let f i := a * mode pi3 1 i + b * mode pi3 2 i in
  let g i := c * mode pi3 1 i + d * mode pi3 2 i in
  Cov (seq 0 3) pi3 f g = a * c * (6 / 125) + b * d * (6 / 25) /\
  CovC (seq 0 3) pi3 (chain 3 q3 pi3) N f g =
  / INR N ^ 2 * (a * c * (6 / 125) * INR N
    + b * d * (6 / 25) * (INR N * (11 / 5) - 48 / 25 * (1 - (3 / 8) ^ N))).
Proof.
  intros HN f g.
  set (cf := values [0; a; b]). set (cg := values [0; c; d]).
  destruct (metropolis_corpora_covariance_holds 3%nat q3 pi3 f g cf cg N three_ranked HN) as [X Y].
  - intros i _. unfold f, cf, values. simpl. ring.
  - intros i _. unfold g, cg, values. simpl. ring.
  - destruct three_eigenvalues as [E1 E2]. destruct three_modes as [M1 M2].
    cbv zeta in X, Y. simpl seq in X, Y. cbn [sum] in X, Y.
    change (0 :: 1 :: [2])%nat with (seq 0 3) in X, Y.
    unfold cf, cg, values in X, Y. simpl nth in X, Y. rewrite M1, M2 in X, Y. rewrite E1, E2 in Y.
    split; [rewrite X; ring|]. rewrite Y.
    destruct N as [|N]; [lia|]. rewrite (pow_i (S N)) by lia. field. apply not_0_INR. lia.
Qed.
Theorem control_metropolis_corpora_iid_sign_holds : control_metropolis_corpora_iid_sign.
Proof.
  intros H. destruct (three_corpora 1 1 6 (-1) 2 ltac:(lia)) as [X Y].
  pose proof (H 3%nat q3 pi3 _ _ 2%nat three_ranked ltac:(lia) ltac:(rewrite X; lra)) as Z0. rewrite Y in Z0.
  simpl in Z0. field_simplify in Z0. lra.
Qed.
Theorem control_metropolis_corpora_iid_identity_holds : control_metropolis_corpora_iid_identity.
Proof.
  intros H. destruct (three_corpora 1 1 1 0 2 ltac:(lia)) as [X Y].
  destruct (three_corpora 1 1 1 1 2 ltac:(lia)) as [Xf Yf]. destruct (three_corpora 1 0 1 0 2 ltac:(lia)) as [Xg Yg].
  set (f := fun i => 1 * mode pi3 1 i + 1 * mode pi3 2 i) in *. set (g := fun i => 1 * mode pi3 1 i + 0 * mode pi3 2
      i) in *.
  pose proof (H 3%nat q3 pi3 f g 2%nat three_ranked ltac:(lia) ltac:(unfold Var; rewrite Xf; lra) ltac:(unfold Var;
      rewrite Xg; lra)) as Eq.
  cbv zeta in Eq. unfold Corr, Var in Eq.
  assert (Y' : CovC (seq 0 3) pi3 (chain 3 q3 pi3) 2 f g = 3 / 125) by (rewrite Y; simpl; field).
  assert (Yf' : CovC (seq 0 3) pi3 (chain 3 q3 pi3) 2 f f = 189 / 1000) by (rewrite Yf; simpl; field).
  assert (Yg' : CovC (seq 0 3) pi3 (chain 3 q3 pi3) 2 g g = 3 / 125) by (rewrite Yg; simpl; field).
  assert (X' : Cov (seq 0 3) pi3 f g = 6 / 125) by (rewrite X; field).
  assert (Xf' : Cov (seq 0 3) pi3 f f = 36 / 125) by (rewrite Xf; field).
  assert (Xg' : Cov (seq 0 3) pi3 g g = 6 / 125) by (rewrite Xg; field).
  rewrite X', Y', Xf', Yf', Xg', Yg' in Eq.
  set (v := 189 / 1000 * (3 / 125)) in *. set (t := 36 / 125 * (6 / 125)) in *.
  assert (V0 : 0 < v) by (unfold v; lra). assert (T0 : 0 < t) by (unfold t; lra).
  pose proof (sqrt_lt_R0 v V0) as A. pose proof (sqrt_lt_R0 t T0) as B.
  assert (C0 : 3 / 125 * sqrt t = 6 / 125 * sqrt v).
  { transitivity (3 / 125 / sqrt v * (sqrt v * sqrt t)); [field; lra|]. rewrite Eq. field. lra. }
  assert (Sq : 3 / 125 * (3 / 125) * (sqrt t * sqrt t) = 6 / 125 * (6 / 125) * (sqrt v * sqrt v)).
  { transitivity (3 / 125 * sqrt t * (3 / 125 * sqrt t)); [ring|]. rewrite C0. ring. }
  rewrite !sqrt_sqrt in Sq by lra. unfold v, t in Sq. lra.
Qed.
Lemma heavy_ranked : ranked 2 (values [/ 2; / 2]) (values [/ 3; 2 / 3]).
Proof. apply two_ranked; lra. Qed.
Theorem control_metropolis_corpora_smaller_bound_holds : control_metropolis_corpora_smaller_bound.
Proof.
  intros H. set (pi := values [/ 3; 2 / 3]). set (q := values [/ 2; / 2]).
  pose proof heavy_ranked as Rk. fold q pi in Rk. set (c := values [0; 1]).
  assert (Hf : forall i, (i < 2)%nat -> mode pi 1 i = c 0%nat + sum (seq 1 (2 - 1)) (fun k => c k * mode pi k i)).
  { intros i _. unfold c, values. simpl. ring. }
  destruct (metropolis_corpora_covariance_holds 2%nat q pi _ _ c c 2%nat Rk ltac:(lia) Hf Hf) as [X Y]. cbv zeta in
      X, Y.
  specialize (H 2%nat q pi (mode pi 1) 2%nat Rk ltac:(lia) ltac:(lia)). unfold Var in H. rewrite X, Y in H.
  assert (Ev : eigenvalue 2 q pi 1 = / 4).
  { pose proof (eigenvalue_last 2 q pi Rk ltac:(lia)) as El. simpl Nat.sub in El. rewrite El. unfold weight, q, pi,
      values. simpl. field. }
  assert (Em : E (seq 0 2) pi (fun i => mode pi 1 i ^ 2) = 2 / 9) by (unfold E, mode, pi, values; simpl; field).
  simpl seq in H. cbn [sum] in H. change (0 :: [1])%nat with (seq 0 2) in H. rewrite Ev, Em in H.
  unfold weight, c, q, pi, values in H. simpl in H. field_simplify in H. lra.
Qed.
Theorem control_metropolis_corpora_unstationary_holds : control_metropolis_corpora_unstationary.
Proof.
  intros H. set (pi := values [/ 5; 4 / 5]). set (q := values [/ 4; 3 / 4]). set (f := values [0; 1]).
  assert (Rk : ranked 2 q pi) by (apply two_ranked; lra).
  specialize (H 2%nat q pi f 1%nat Rk ltac:(lia) ltac:(lia)).
  unfold CovC, EC, path, mean, Var, Cov, E, weight, f, q, pi, values in H. simpl in H. field_simplify in H. lra.
Qed.

(** ** Automata: one state, one letter *)
Definition loop : automaton := Automaton 1 (fun _ => [0%nat]) (fun _ _ => 0%nat).
Lemma loop_closed : closed loop.
Proof. intros i a Hi Ha. simpl. lia. Qed.
Lemma loop_times w z i : times 1 (matrix loop (fun _ _ => w)) z i = w * z 0%nat.
Proof. unfold times, matrix, indicator. simpl. ring. Qed.
Lemma loop_nonneg w e : 0 <= w -> 0 <= e -> nonnegative loop (fun _ _ => w) (fun _ => e).
Proof. intros Hw He i Hi. split; auto. Qed.
Lemma loop_radius w : w < 1 -> radius_below_one (states loop) (matrix loop (fun _ _ => w)).
Proof.
  intros H. exists (fun _ => 1), w. split; auto. intros i Hi. split; [lra|].
  change (states loop) with 1%nat. rewrite loop_times. lra.
Qed.
Lemma loop_total w e : 0 <= w < 1 -> 0 <= e -> total_weight loop (fun _ _ => w) (fun _ => e) 0 = e / (1 - w).
Proof.
  intros Hw He.
  pose proof (total_equation loop _ _ loop_closed (loop_nonneg w e (proj1 Hw) He) (loop_radius w (proj2 Hw)) 0%nat
      ltac:(simpl; lia)) as X.
  change (states loop) with 1%nat in X. rewrite loop_times in X.
  set (v := total_weight loop (fun _ _ => w) (fun _ => e) 0) in *. assert (v * (1 - w) = e) by lra.
  rewrite <- H. field. lra.
Qed.
(* p = 1/2, e^R = 3: M = 3/2 *)
Theorem control_automata_partition_no_radius_holds : control_automata_partition_no_radius.
Proof.
  intros H. specialize (H loop (fun _ _ => 3 / 2) (fun _ => / 2) (fun _ => -1) loop_closed (loop_nonneg (3 / 2) (/ 2)
      ltac:(lra) ltac:(lra))).
  assert (Eq : forall i, (i < states loop)%nat -> -1 = / 2 + times (states loop) (matrix loop (fun _ _ => 3 / 2))
      (fun _ => -1) i).
  { intros i _. change (states loop) with 1%nat. rewrite loop_times. lra. }
  specialize (H Eq 0%nat ltac:(simpl; lia)).
  assert (P : forall k, 0 <= sum (words loop k 0) (word_weight loop (fun _ _ => 3 / 2) (fun _ => / 2) 0)).
  { intros k. apply sum_nonneg. intros y _. generalize 0%nat as i. induction y as [|a z IH]; intros i; simpl; [lra|].
    apply Rmult_le_pos; [lra|apply IH]. }
  assert (L : 0 <= -1); [|lra].
  apply (is_lim_seq_le (fun _ => 0) (sum_n (fun k => sum (words loop k 0) (word_weight loop (fun _ _ => 3 / 2) (fun _
      => / 2) 0))) 0 (-1)).
  - intros K. induction K; [rewrite sum_O; apply P|]. rewrite sum_Sn. apply Rplus_le_le_0_compat; auto.
  - apply is_lim_seq_const.
  - exact H.
Qed.
Theorem control_automata_partition_no_future_holds : control_automata_partition_no_future.
Proof.
  intros H. specialize (H loop (fun _ _ => 2 / 3) (fun _ => 2 / 3) 0%nat loop_closed (loop_nonneg (2 / 3) (2 / 3)
      ltac:(lra) ltac:(lra))
    (loop_radius (2 / 3) ltac:(lra)) ltac:(simpl; lia)). cbv zeta in H.
  specialize (H 0%nat nil (or_introl eq_refl)). rewrite loop_total in H by lra. simpl in H. field_simplify in H. lra.
Qed.
Theorem control_automata_moments_no_products_holds : control_automata_moments_no_products.
Proof.
  intros H. pose proof (loop_nonneg (/ 2) (/ 2) ltac:(lra) ltac:(lra)) as nn. pose proof (loop_radius (/ 2)
      ltac:(lra)) as rad.
  specialize (H loop (fun _ _ => / 2) (fun _ => / 2) (fun _ _ => 1) (fun _ _ => 1) (fun _ => 0) (fun _ => 0)
      loop_closed nn rad).
  cbv zeta in H. specialize (H 0%nat ltac:(simpl; lia)).
  destruct (automata_moments_second_holds loop (fun _ _ => / 2) (fun _ => / 2) (fun _ _ => 1) (fun _ _ => 1) (fun _
      => 0) (fun _ => 0)
    loop_closed nn rad 0%nat ltac:(simpl; lia)) as [_ X]. cbv zeta in X.
  destruct (automata_moments_first_holds loop (fun _ _ => / 2) (fun _ => / 2) (fun _ _ => 1) (fun _ => 0)
    loop_closed nn rad 0%nat ltac:(simpl; lia)) as [_ Y]. cbv zeta in Y.
  change (states loop) with 1%nat in *. rewrite loop_times in H, X, Y. unfold marked in H, X, Y. simpl in H, X, Y.
  rewrite loop_total in H, X, Y by lra.
  set (u1 := sum_over_strings loop (fun _ _ => / 2) (fun _ => / 2) 0 (feature loop (fun _ _ => 1) (fun _ => 0) 0)) in *.
  match type of X with ?u = _ => set (u2 := u) in * end. lra.
Qed.
Theorem control_automata_moments_no_prior_term_holds : control_automata_moments_no_prior_term.
Proof.
  intros H. set (p := fun (_ : nat) (_ : token) => / 2). set (pe := fun _ : nat => / 2). set (Rw := fun (_ : nat) (_
      : token) => 0).
  assert (W : letter_family p Rw 1 1 = fun _ _ => / 2).
  { unfold letter_family, p, Rw. rewrite Rpower_1, Rmult_0_r, exp_0 by lra.
    apply FunctionalExtensionality.functional_extensionality. intros i. apply
        FunctionalExtensionality.functional_extensionality. intros a. ring. }
  assert (We : end_family pe 1 = fun _ => / 2) by (unfold end_family, pe; rewrite Rpower_1 by lra; reflexivity).
  assert (rad : radius_below_one (states loop) (matrix loop (letter_family p Rw 1 1))) by (rewrite W; apply
      loop_radius; lra).
  specialize (H loop p Rw pe 0%nat loop_closed ltac:(simpl; lia) rad). cbv zeta in H.
  destruct (automata_moments_entropy_holds loop p Rw pe 0%nat loop_closed ltac:(simpl; lia) rad) as [X _]. cbv zeta
      in X.
  rewrite H in X. rewrite W, We in X.
  assert (nn := loop_nonneg (/ 2) (/ 2) ltac:(lra) ltac:(lra)). assert (r2 := loop_radius (/ 2) ltac:(lra)).
  destruct (automata_moments_first_holds loop (fun _ _ => / 2) (fun _ => / 2) (fun i a => ln (p i a)) (fun i => ln
      (pe i))
    loop_closed nn r2 0%nat ltac:(simpl; lia)) as [_ Y]. cbv zeta in Y.
  change (states loop) with 1%nat in *. rewrite loop_times in Y. unfold marked in Y. simpl in Y. rewrite loop_total
      in Y by lra.
  unfold string_mean in X. rewrite loop_total in X by lra.
  match type of Y with ?u = _ => set (u1 := u) in * end.
  assert (u1 = -2 * ln 2).
  { unfold p, pe in Y. rewrite ln_Rinv in Y by lra. lra. }
  pose proof ln_lt_2. rewrite H0 in X. lra.
Qed.

(** ** Independent letters, and laws that leak *)
Definition third_law (i : nat) : R := match i with O => / 3 | _ => 2 / 3 end.
Lemma third_full : full [0; 1]%nat third_law.
Proof. split; [|simpl; lra]. intros a [<-|[<-|[]]]; simpl; lra. Qed.
Theorem control_automata_critical_temperature_shannon_holds : control_automata_critical_temperature_shannon.
Proof.
  intros H. set (s := [0; 1]%nat). set (h := Ent s third_law).
  assert (L3 : ln (/ 3) < 0) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (L23 : ln (2 / 3) < 0) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (Hp : 0 < h) by (unfold h, Ent, third_law; simpl; lra).
  assert (L2 : 0 < ln (/ / 2)) by (rewrite Rinv_inv, <- ln_1; apply ln_increasing; lra).
  set (tau := / (1 + ln (/ / 2) / h)).
  assert (Q : 0 < ln (/ / 2) / h) by (apply Rdiv_lt_0_compat; auto).
  assert (It : / tau = 1 + ln (/ / 2) / h) by (unfold tau; rewrite Rinv_inv; reflexivity).
  assert (T0 : 0 < tau) by (unfold tau; apply Rinv_0_lt_compat; lra).
  assert (T1 : tau < 1) by (unfold tau; rewrite <- Rinv_1; apply Rinv_lt_contravar; lra).
  destruct (H nat s third_law (/ 2) tau third_full ltac:(simpl; lia) ltac:(lra) ltac:(lra)) as [_ W]. specialize (W It).
  destruct (automata_critical_temperature_letters_holds nat s third_law (/ 2) tau third_full ltac:(simpl; lia)
      ltac:(lra) ltac:(lra))
    as [R0 [_ [W' _]]]. specialize (W' W). rewrite It in W'.
  set (S0 := sum s (fun x => Rpower (third_law x) tau)) in *. set (renyi := ln S0 / (1 - tau)) in *.
  assert (Eq : ln S0 = (1 - tau) * h).
  { assert (Er : renyi = h).
    { assert (X : ln (/ / 2) * / h = ln (/ / 2) * / renyi) by (unfold Rdiv in W'; lra).
      apply Rmult_eq_reg_l in X; [|apply Rgt_not_eq; exact L2]. rewrite <- (Rinv_inv h), X, Rinv_inv. reflexivity. }
    rewrite <- Er. unfold renyi. field. lra. }
  (* the divergence from the cooled letters is log S0 - (1 - tau) H, and is not 0 *)
  set (r := fun i => Rpower (third_law i) tau / S0).
  assert (Sp : 0 < S0) by (apply sum_pos; [unfold s; discriminate|intros; apply exp_pos]).
  assert (Fr : full s r).
  { split; [intros; apply Rdiv_lt_0_compat; [apply exp_pos|auto]|]. unfold r, Rdiv. rewrite sum_scal_r. fold S0.
      apply Rinv_r. lra. }
  assert (K : KL s third_law r = 0).
  { unfold KL, r. rewrite (sum_ext s _ (fun i => (1 - tau) * (third_law i * ln (third_law i)) + third_law i * ln S0)).
    - rewrite sum_plus, sum_scal, sum_scal_r. replace (sum s third_law) with 1 by (symmetry; apply (proj2 third_full)).
      rewrite Eq. unfold h, Ent. ring.
    - intros i Hi. assert (0 < third_law i) by (apply third_full; auto).
      assert (0 < Rpower (third_law i) tau) by apply exp_pos.
      rewrite !ln_div by (auto; apply Rdiv_lt_0_compat; auto). unfold Rpower. rewrite ln_exp. ring. }
  pose proof (KL_zero s third_law r (full_law _ _ third_full) (full_law _ _ Fr) (full_ac _ _ _ Fr) K) as Same.
  pose proof (Same 0%nat ltac:(simpl; auto)) as A. pose proof (Same 1%nat ltac:(simpl; auto)) as B. unfold r,
      third_law in A, B.
  apply (f_equal ln) in A. apply (f_equal ln) in B. assert (P3 : 0 < Rpower (/ 3) tau) by apply exp_pos. assert (P23
      : 0 < Rpower (2 / 3) tau) by apply exp_pos.
  rewrite (ln_div _ _ P3 Sp) in A. rewrite (ln_div _ _ P23 Sp) in B. unfold Rpower in A, B. rewrite ln_exp in A, B.
  assert (D : ln (2 / 3) = ln 2 + ln (/ 3)) by (rewrite <- ln_mult by lra; f_equal; field). rewrite D in B.
  assert (P2 : 0 < ln 2) by (rewrite <- ln_1; apply ln_increasing; lra). nra.
Qed.
Theorem control_automata_critical_temperature_every_temperature_holds : control_automata_critical_temperature_every_temperature.
Proof.
  intros H. specialize (H nat [0; 1]%nat (fun _ => / 2) (/ 2) ltac:(split; [intros; lra|simpl; lra]) ltac:(simpl;
      lia) ltac:(lra)).
  assert (X : Rpower (/ 2 * / 2) (/ 2) = / 2).
  { rewrite <- Rpower_mult_distr by lra. rewrite <- Rpower_plus. replace (/ 2 + / 2) with 1 by field. apply Rpower_1.
      lra. }
  cbn [sum] in H. rewrite X in H.
  apply (automata_critical_temperature_one_state_holds (/ 2 + (/ 2 + 0)) (Rpower (1 - / 2) (/ 2)) ltac:(lra) (exp_pos
      _)) in H. lra.
Qed.
Theorem control_automata_leak_no_temperature_holds : control_automata_leak_no_temperature.
Proof.
  intros H. destruct automata_leak_prior_holds as [f [F0 [F1 F2]]]. destruct (H f F0 F1) as [limit [Hl Hq]].
  apply is_lim_seq_unique in F2. apply is_lim_seq_unique in Hl. rewrite Hl in F2. injection F2 as ->. lra.
Qed.
Theorem control_automata_leak_never_leaks_holds : control_automata_leak_never_leaks.
Proof.
  intros H. specialize (H loop (fun _ _ => 1) (fun _ => 0) 0%nat loop_closed (loop_nonneg 1 0 ltac:(lra) ltac:(lra))
    ltac:(intros; simpl; lra) ltac:(simpl; lia)).
  assert (Z0 : forall k, sum (words loop k 0) (word_weight loop (fun _ _ => 1) (fun _ => 0) 0) = 0).
  { intros k. rewrite (sum_ext _ _ (fun _ => 0)); [apply sum_zero|]. intros y _. generalize 0%nat as i.
    induction y as [|a z IH]; intros i; simpl; [reflexivity|]. rewrite IH. ring. }
  apply (is_series_ext _ (fun _ => 0) _ Z0) in H. pose proof (is_series_unique _ _ H) as U.
  rewrite (is_series_unique _ _ zero_series) in U. lra.
Qed.
