(** Automata: partition functions, Doob transforms and moments over infinitely many strings. *)

Require Import Reals Lra Lia List Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements.
Import ListNotations.
Open Scope R_scope.

Lemma state_in n i : (i < n)%nat <-> In i (seq 0 n).
Proof. rewrite in_seq. lia. Qed.
Lemma indicator_sum {A} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (f : A -> R) a :
  NoDup s -> In a s -> sum s (fun y => indicator (same a y) * f y) = f a.
Proof.
  induction s as [|b s IH]; simpl; intros N Ha; [tauto|]. inversion N as [|? ? Nb Ns]; subst.
  destruct Ha as [->|Ha].
  - rewrite (sum_ext s _ (fun _ => 0)).
    + rewrite sum_zero. unfold indicator. destruct (same a a); [ring|congruence].
    + intros c Hc. unfold indicator. destruct (same a c) as [->|]; [tauto|ring].
  - rewrite IH by auto. unfold indicator. destruct (same a b) as [->|]; [tauto|ring].
Qed.

(** ** Series of sums *)
Lemma is_series_sum {A} (s : list A) (c : A -> R) (f : A -> nat -> R) (l : A -> R) :
  (forall a, In a s -> is_series (f a) (l a)) ->
  is_series (fun k => sum s (fun a => c a * f a k)) (sum s (fun a => c a * l a)).
Proof.
  induction s as [|a s IH]; intros H; simpl.
  - change (is_lim_seq (sum_n (fun _ : nat => 0)) 0).
    apply (is_lim_seq_ext (fun _ => 0)); [|apply is_lim_seq_const].
    intros k. rewrite sum_n_const. ring.
  - apply (is_series_plus (fun k => c a * f a k) (fun k => sum s (fun a => c a * f a k))).
    + apply (is_series_scal (c a) (f a)). apply H. left; auto.
    + apply IH. intros; apply H; right; auto.
Qed.
Lemma is_lim_seq_sum {A} (s : list A) (f : A -> nat -> R) (l : A -> R) :
  (forall a, In a s -> is_lim_seq (f a) (l a)) -> is_lim_seq (fun k => sum s (fun a => f a k)) (sum s l).
Proof.
  induction s as [|a s IH]; intros H; simpl; [apply is_lim_seq_const|].
  apply (is_lim_seq_plus' (f a) (fun k => sum s (fun a => f a k))); [apply H; left; auto|].
  apply IH. intros; apply H; right; auto.
Qed.
Lemma geometric_bound (a d : nat -> R) theta : 0 <= theta < 1 -> (forall k, 0 <= a k) -> (forall k, 0 <= d k) ->
  (forall k, a (S k) <= theta * a k + d k) -> is_lim_seq d 0 -> is_lim_seq a 0.
Proof.
  intros Ht Ha Hd Hs Hl. apply is_lim_seq_spec. intros eps. apply is_lim_seq_spec in Hl.
  assert (E0 : 0 < eps * (1 - theta) / 2) by (apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [apply
      cond_pos|lra]|lra]).
  destruct (Hl (mkposreal _ E0)) as [K HK]. simpl in HK.
  assert (X : forall m, a (K + m)%nat <= theta ^ m * a K + eps / 2).
  { induction m as [|m IH].
    - rewrite Nat.add_0_r. simpl. pose proof (cond_pos eps). lra.
    - rewrite Nat.add_succ_r. eapply Rle_trans; [apply Hs|]. specialize (HK (K + m)%nat ltac:(lia)).
      rewrite Rminus_0_r, Rabs_right in HK by (apply Rle_ge, Hd). simpl pow.
      assert (theta * a (K + m)%nat <= theta * (theta ^ m * a K + eps / 2)) by (apply Rmult_le_compat_l; lra). lra. }
  assert (G : is_lim_seq (fun m => theta ^ m * a K) 0).
  { replace (Finite 0) with (Rbar_mult 0 (a K)) by (simpl; f_equal; ring).
    apply is_lim_seq_mult'; [|apply is_lim_seq_const]. apply is_lim_seq_geom. rewrite Rabs_right; lra. }
  apply is_lim_seq_spec in G. destruct (G (mkposreal _ (is_pos_div_2 eps))) as [J HJ]. simpl in HJ.
  exists (K + J)%nat. intros k Hk. replace k with (K + (k - K))%nat by lia.
  rewrite Rminus_0_r, Rabs_right by (apply Rle_ge, Ha). eapply Rle_lt_trans; [apply X|].
  specialize (HJ (k - K)%nat ltac:(lia)). rewrite Rminus_0_r in HJ.
  apply Rle_lt_trans with (1 := Rle_trans _ _ _ (Rplus_le_compat_r (eps/2) _ _ (Rle_abs _)) (Rle_refl _)). lra.
Qed.

(** ** A non-negative matrix whose spectral radius is below 1 *)
Section Contraction.
Variables (n : nat) (M : nat -> nat -> R) (x : nat -> R) (theta : R).
Hypothesis M_pos : forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j.
Hypothesis theta_range : 0 <= theta < 1.
Hypothesis x_pos : forall i, (i < n)%nat -> 0 < x i.
Hypothesis shrinks : forall i, (i < n)%nat -> times n M x i <= theta * x i.
Notation T := (times n M).
Definition within_ (c : R) (z : nat -> R) := forall i, (i < n)%nat -> Rabs (z i) <= c * x i.
Definition size (z : nat -> R) := sum (seq 0 n) (fun i => Rabs (z i) / x i).

Lemma times_ext z z' i : (forall j, (j < n)%nat -> z j = z' j) -> T z i = T z' i.
Proof. intros H. apply sum_ext. intros j Hj. apply state_in in Hj. rewrite H; auto. Qed.
Lemma times_plus z z' i : T (fun j => z j + z' j) i = T z i + T z' i.
Proof. unfold times. rewrite <- sum_plus. apply sum_ext. intros; ring. Qed.
Lemma times_minus z z' i : T (fun j => z j - z' j) i = T z i - T z' i.
Proof. unfold times. rewrite <- sum_minus. apply sum_ext. intros; ring. Qed.
Lemma times_scal c z i : T (fun j => c * z j) i = c * T z i.
Proof. unfold times. rewrite <- sum_scal. apply sum_ext. intros; ring. Qed.
Lemma within_times c z : 0 <= c -> within_ c z -> within_ (theta * c) (T z).
Proof.
  intros Hc H i Hi. unfold times.
  apply Rle_trans with (sum (seq 0 n) (fun j => M i j * (c * x j))).
  - clear shrinks. assert (Ab : forall s, Rabs (sum s (fun j => M i j * z j)) <= sum s (fun j => Rabs (M i j * z j))).
    { induction s; simpl; [rewrite Rabs_R0; lra|]. eapply Rle_trans; [apply Rabs_triang|]. lra. }
    eapply Rle_trans; [apply Ab|]. apply sum_le. intros j Hj. apply state_in in Hj.
    rewrite Rabs_mult, Rabs_right by (apply Rle_ge, M_pos; auto). apply Rmult_le_compat_l; auto.
  - pose proof (times_scal c x i) as X. unfold times in X. rewrite X.
    replace (theta * c * x i) with (c * (theta * x i)) by ring. apply Rmult_le_compat_l; auto. apply shrinks. auto.
Qed.
Lemma size_within z : within_ (size z) z.
Proof.
  intros i Hi. pose proof (x_pos i Hi).
  assert (Rabs (z i) / x i <= size z).
  { apply (sum_at_least (seq 0 n) (fun i => Rabs (z i) / x i)); [|apply state_in; auto].
    intros j Hj. apply state_in in Hj. apply Rle_mult_inv_pos; [apply Rabs_pos|auto]. }
  apply (Rmult_le_compat_r (x i)) in H0; [|lra]. unfold Rdiv in H0. rewrite Rmult_assoc, Rinv_l in H0; lra.
Qed.
Lemma size_nonneg z : 0 <= size z.
Proof.
  apply sum_nonneg. intros j Hj. apply state_in in Hj. apply Rle_mult_inv_pos; [apply Rabs_pos|auto].
Qed.
Lemma power_within z k : within_ (theta ^ k * size z) (power n M z k).
Proof.
  induction k as [|k IH]; simpl.
  - rewrite Rmult_1_l. apply size_within.
  - rewrite Rmult_assoc. apply within_times; auto. apply Rmult_le_pos; [apply pow_le; lra|apply size_nonneg].
Qed.
Definition solution (r : nat -> R) (i : nat) : R := Series (fun k => power n M r k i).
Lemma solution_series r i : (i < n)%nat -> is_series (fun k => power n M r k i) (solution r i).
Proof.
  intros Hi. apply Series_correct. apply (@ex_series_le R_AbsRing R_CompleteNormedModule _ (fun k => theta ^ k *
      (size r * x i))).
  - intros k. change (Rabs (power n M r k i) <= theta ^ k * (size r * x i)).
    rewrite <- Rmult_assoc. apply power_within. auto.
  - apply (ex_series_scal_r (size r * x i)). exists (/ (1 - theta)). apply is_series_geom. rewrite Rabs_right; lra.
Qed.
Lemma solution_solves r i : (i < n)%nat -> solution r i = r i + T (solution r) i.
Proof.
  intros Hi. unfold solution at 1. rewrite Series_incr_1 by (eexists; apply solution_series; auto). simpl power.
      f_equal.
  apply is_series_unique. unfold times.
  apply (is_series_sum (seq 0 n) (M i) (fun j k => power n M r k j)). intros j Hj. apply solution_series. apply
      state_in; auto.
Qed.
(* the error of an approximate fixed point *)
Lemma fixed_within d z : (forall i, (i < n)%nat -> z i = d i + T z i) -> within_ (size d / (1 - theta)) z.
Proof.
  intros H.
  assert (X : forall k, within_ (size d / (1 - theta) + theta ^ k * size z) z).
  { induction k as [|k IH].
    - intros i Hi. simpl. rewrite Rmult_1_l. eapply Rle_trans; [apply size_within; auto|].
      apply Rmult_le_compat_r; [left; auto|]. pose proof (size_nonneg d).
      assert (0 <= size d / (1 - theta)) by (apply Rle_mult_inv_pos; lra). lra.
    - assert (C0 : 0 <= size d / (1 - theta) + theta ^ k * size z).
      { apply Rplus_le_le_0_compat; [apply Rle_mult_inv_pos; [apply size_nonneg|lra]|].
        apply Rmult_le_pos; [apply pow_le; lra|apply size_nonneg]. }
      intros i Hi. rewrite H by auto. eapply Rle_trans; [apply Rabs_triang|].
      pose proof (size_within d i Hi). pose proof (within_times _ _ C0 IH i Hi).
      replace ((size d / (1 - theta) + theta ^ S k * size z) * x i) with
        (size d * x i + theta * (size d / (1 - theta) + theta ^ k * size z) * x i) by (simpl; field; lra). lra. }
  intros i Hi. pose proof (x_pos i Hi).
  apply (is_lim_seq_le (fun _ => Rabs (z i)) (fun k => (size d / (1 - theta) + theta ^ k * size z) * x i)
    (Rabs (z i)) (size d / (1 - theta) * x i)).
  - intros k. apply X. auto.
  - apply is_lim_seq_const.
  - replace (size d / (1 - theta) * x i) with ((size d / (1 - theta) + 0 * size z) * x i) by ring.
    apply (is_lim_seq_mult' (fun k => size d / (1 - theta) + theta ^ k * size z) (fun _ => x i)); [|apply
        is_lim_seq_const].
    apply (is_lim_seq_plus' (fun _ => size d / (1 - theta)) (fun k => theta ^ k * size z)); [apply is_lim_seq_const|].
    apply (is_lim_seq_mult' (fun k => theta ^ k) (fun _ => size z)); [|apply is_lim_seq_const].
    apply is_lim_seq_geom. rewrite Rabs_right; lra.
Qed.
Lemma fixed_unique r z z' : (forall i, (i < n)%nat -> z i = r i + T z i) -> (forall i, (i < n)%nat -> z' i = r i + T
    z' i) ->
  forall i, (i < n)%nat -> z i = z' i.
Proof.
  intros H H' i Hi.
  assert (X : within_ (size (fun _ => 0) / (1 - theta)) (fun i => z i - z' i)).
  { apply fixed_within. intros j Hj. rewrite times_minus, (H j), (H' j) by auto. ring. }
  specialize (X i Hi). unfold size in X. rewrite (sum_ext _ _ (fun _ => 0)) in X by (intros; rewrite Rabs_R0; unfold
      Rdiv; ring).
  rewrite sum_zero in X. unfold Rdiv in X. rewrite !Rmult_0_l in X. pose proof (Rabs_pos (z i - z' i)).
  assert (Rabs (z i - z' i) = 0) by lra. apply Rabs_eq_0 in H1. lra.
Qed.
(* Z_(k+1) = R_k + M Z_k with R_k -> R converges to the solution for R *)
Lemma iterates_converge (Rk Zk : nat -> nat -> R) (r : nat -> R) :
  (forall i, (i < n)%nat -> is_lim_seq (fun k => Rk k i) (r i)) ->
  (forall k i, (i < n)%nat -> Zk (S k) i = Rk k i + T (Zk k) i) ->
  forall i, (i < n)%nat -> is_lim_seq (fun k => Zk k i) (solution r i).
Proof.
  intros HR HZ i Hi. set (e := fun k j => Zk k j - solution r j).
  set (a := fix a k := match k with O => size (e O) | S j => theta * a j + size (fun i => Rk j i - r i) end).
  assert (A0 : forall k, 0 <= a k).
  { induction k; simpl; [apply size_nonneg|]. pose proof (size_nonneg (fun i => Rk k i - r i)).
    assert (0 <= theta * a k) by (apply Rmult_le_pos; lra). lra. }
  assert (B : forall k, within_ (a k) (e k)).
  { induction k as [|k IH]; [apply size_within|]. intros j Hj. unfold e. rewrite HZ, solution_solves by auto.
    replace (Rk k j + T (Zk k) j - (r j + T (solution r) j)) with ((Rk k j - r j) + T (e k) j)
      by (unfold e; rewrite times_minus; ring).
    eapply Rle_trans; [apply Rabs_triang|]. pose proof (size_within (fun i => Rk k i - r i) j Hj).
    pose proof (within_times _ _ (A0 k) IH j Hj). simpl a. cbv beta in H. lra. }
  assert (L : is_lim_seq a 0).
  { apply (geometric_bound a (fun k => size (fun i => Rk k i - r i)) theta); auto.
    - intros; apply size_nonneg.
    - intros k. simpl. lra.
    - unfold size. rewrite <- (sum_zero (seq 0 n)). apply is_lim_seq_sum. intros j Hj. apply state_in in Hj.
      replace (Finite 0) with (Finite (Rabs (r j - r j) * / x j)) by (f_equal; rewrite Rminus_eq_0, Rabs_R0; ring).
      apply (is_lim_seq_mult' (fun k => Rabs (Rk k j - r j)) (fun _ => / x j)); [|apply is_lim_seq_const].
      apply (is_lim_seq_abs (fun k => Rk k j - r j) (r j - r j)).
      apply is_lim_seq_minus'; [apply HR; auto|apply is_lim_seq_const]. }
  apply (is_lim_seq_ext (fun k => e k i + solution r i)); [intros; unfold e; ring|].
  replace (Finite (solution r i)) with (Finite (0 + solution r i)) by (f_equal; ring).
  apply is_lim_seq_plus'; [|apply is_lim_seq_const].
  apply is_lim_seq_abs_0. apply (is_lim_seq_le_le (fun _ => 0) _ (fun k => a k * x i)).
  - intros k. split; [apply Rabs_pos|apply B; auto].
  - apply is_lim_seq_const.
  - replace (Finite 0) with (Finite (0 * x i)) by (f_equal; ring). apply is_lim_seq_mult'; [auto|apply
      is_lim_seq_const].
Qed.
End Contraction.
Lemma radius_unpack n M : radius_below_one n M -> (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) ->
  exists x theta, 0 <= theta < 1 /\ (forall i, (i < n)%nat -> 0 < x i) /\
  (forall i, (i < n)%nat -> times n M x i <= theta * x i).
Proof.
  intros [x [theta [T1 H]]] M0. exists x, (Rmax 0 theta). split; [|split].
  - split; [apply Rmax_l|apply Rmax_lub_lt; lra].
  - intros i Hi. apply H. auto.
  - intros i Hi. destruct (H i Hi) as [Hx Hm]. eapply Rle_trans; [apply Hm|]. apply Rmult_le_compat_r; [lra|apply
      Rmax_r].
Qed.

(** ** Strings of an automaton *)
Section Strings.
Variables (A : automaton) (w : nat -> token -> R) (e : nat -> R).
Hypothesis cl : closed A.
Notation n := (states A).
Notation M := (matrix A w).
Lemma times_matrix z i : (i < n)%nat -> times n M z i = sum (letters A i) (fun a => w i a * z (next A i a)).
Proof.
  intros Hi. unfold times, matrix.
  rewrite (sum_ext _ _ (fun j => sum (letters A i) (fun a => w i a * (indicator (Nat.eq_dec (next A i a) j) * z j)))).
  - rewrite sum_swap. apply sum_ext. intros a Ha. rewrite sum_scal. f_equal.
    apply (indicator_sum Nat.eq_dec); [apply seq_NoDup|]. apply state_in. apply cl; auto.
  - intros j _. rewrite <- sum_scal_r. apply sum_ext. intros; ring.
Qed.
Lemma sum_words k i f : sum (words A (S k) i) f =
  sum (letters A i) (fun a => sum (words A k (next A i a)) (fun y => f (a :: y))).
Proof. simpl. rewrite sum_flat_map. apply sum_ext. intros a _. apply sum_map. Qed.
Lemma by_length k i : (i < n)%nat -> sum (words A k i) (word_weight A w e i) = power n M e k i.
Proof.
  revert i. induction k as [|k IH]; intros i Hi; [simpl; ring|].
  rewrite sum_words. simpl power. rewrite times_matrix by auto. apply sum_ext. intros a Ha. simpl.
  rewrite sum_scal, IH by (apply cl; auto). reflexivity.
Qed.
Hypothesis nonneg : nonnegative A w e.
Hypothesis radius : radius_below_one n M.
Lemma matrix_nonneg i j : (i < n)%nat -> (j < n)%nat -> 0 <= M i j.
Proof.
  intros Hi _. apply sum_nonneg. intros a Ha. apply Rmult_le_pos; [apply nonneg; auto|].
  unfold indicator. destruct Nat.eq_dec; lra.
Qed.
Lemma sum_n_first f K : sum_n f (S K) = f O + sum_n (fun k => f (S k)) K.
Proof.
  induction K as [|K IH].
  - rewrite sum_Sn, !sum_O. reflexivity.
  - rewrite sum_Sn, IH, sum_Sn. unfold plus; simpl. ring.
Qed.
Lemma sum_n_sum {B} (s : list B) (c : B -> R) (f : B -> nat -> R) K :
  sum_n (fun k => sum s (fun a => c a * f a k)) K = sum s (fun a => c a * sum_n (f a) K).
Proof.
  induction K as [|K IH].
  - rewrite sum_O. apply sum_ext. intros; rewrite sum_O; auto.
  - rewrite sum_Sn, IH. unfold plus; simpl. rewrite <- sum_plus. apply sum_ext. intros. rewrite sum_Sn.
    unfold plus; simpl. ring.
Qed.
(* sums that satisfy G_(k+1) = rho_k + M G_k *)
Lemma series_of (G rho : nat -> nat -> R) (r : nat -> R) :
  (forall i, (i < n)%nat -> is_series (fun k => rho k i) (r i)) ->
  (forall k i, (i < n)%nat -> G (S k) i = rho k i + sum (letters A i) (fun a => w i a * G k (next A i a))) ->
  forall i, (i < n)%nat -> is_series (fun k => G k i) (solution n M (fun i => G O i + r i) i).
Proof.
  intros Hr HG i Hi. destruct (radius_unpack n M radius matrix_nonneg) as [x [theta [T1 [X0 X1]]]].
  apply (iterates_converge n M x theta matrix_nonneg T1 X0 X1 (fun K i => G O i + sum_n (fun k => rho k i) K)
    (fun K i => sum_n (fun k => G k i) K) (fun i => G O i + r i)); auto.
  - intros j Hj. apply is_lim_seq_plus'; [apply is_lim_seq_const|]. exact (Hr j Hj).
  - intros K j Hj. rewrite sum_n_first, Rplus_assoc. f_equal. rewrite times_matrix by auto.
    rewrite (sum_n_ext _ (fun k => rho k j + sum (letters A j) (fun a => w j a * G k (next A j a)))) by (intros;
        apply HG; auto).
    rewrite <- (sum_n_sum (letters A j) (w j) (fun a k => G k (next A j a))).
    apply (sum_n_plus (G := R_AbelianGroup)).
Qed.
Lemma solution_eq r i : (i < n)%nat -> solution n M r i = r i + times n M (solution n M r) i.
Proof.
  destruct (radius_unpack n M radius matrix_nonneg) as [x [theta [T1 [X0 X1]]]].
  apply (solution_solves n M x theta); auto. apply matrix_nonneg.
Qed.
Lemma solution_only r z : (forall i, (i < n)%nat -> z i = r i + times n M z i) ->
  forall i, (i < n)%nat -> z i = solution n M r i.
Proof.
  intros Hz i Hi. destruct (radius_unpack n M radius matrix_nonneg) as [x [theta [T1 [X0 X1]]]].
  apply (fixed_unique n M x theta matrix_nonneg T1 X0 X1 r); auto.
  intros j Hj. apply solution_eq. auto.
Qed.
Lemma solution_ext r r' i : (forall j, (j < n)%nat -> r j = r' j) -> (i < n)%nat -> solution n M r i = solution n M
    r' i.
Proof.
  intros H Hi. apply solution_only; auto. intros j Hj. rewrite solution_eq, (H j) by auto. reflexivity.
Qed.
Notation v := (total_weight A w e).
Lemma zero_series : is_series (fun _ : nat => 0) 0.
Proof. apply (is_series_sum (@nil nat) (fun _ => 0) (fun _ _ => 0) (fun _ => 0)). simpl; tauto. Qed.
Lemma weight_series i : (i < n)%nat ->
  is_series (fun k => sum (words A k i) (word_weight A w e i)) (solution n M e i).
Proof.
  intros Hi. rewrite (solution_ext e (fun i => sum (words A O i) (word_weight A w e i) + 0)); auto.
  - apply (series_of (fun k i => sum (words A k i) (word_weight A w e i)) (fun _ _ => 0) (fun _ => 0)); auto.
    + intros; apply zero_series.
    + intros k j Hj. rewrite sum_words, Rplus_0_l. apply sum_ext. intros a Ha. simpl. apply sum_scal.
  - intros j _. simpl. ring.
Qed.
Lemma total_solution i : (i < n)%nat -> v i = solution n M e i.
Proof. intros Hi. apply is_series_unique, weight_series. auto. Qed.
Lemma total_series i : (i < n)%nat -> is_series (fun k => sum (words A k i) (word_weight A w e i)) (v i).
Proof. intros Hi. rewrite total_solution by auto. apply weight_series. auto. Qed.
Lemma total_equation i : (i < n)%nat -> v i = e i + times n M v i.
Proof.
  intros Hi. rewrite total_solution, solution_eq by auto. f_equal. apply sum_ext. intros j Hj. apply state_in in Hj.
  rewrite total_solution; auto.
Qed.
Lemma total_nonneg i : (i < n)%nat -> 0 <= v i.
Proof.
  intros Hi. pose proof (total_series i Hi) as Hs.
  apply (is_lim_seq_le (fun _ => 0) (sum_n (fun k => sum (words A k i) (word_weight A w e i))) 0 (v i)).
  - intros K. assert (P : forall k j, (j < n)%nat -> 0 <= sum (words A k j) (word_weight A w e j)).
    { induction k as [|k IH]; intros j Hj; [simpl; pose proof (proj1 (nonneg j Hj)); lra|].
      rewrite sum_words. apply sum_nonneg. intros a Ha. simpl. rewrite sum_scal.
      apply Rmult_le_pos; [apply nonneg; auto|apply IH; apply cl; auto]. }
    induction K; [rewrite sum_O; apply P; auto|]. rewrite sum_Sn. unfold plus; simpl. specialize (P (S K) i Hi).
    change (0 <= sum_n (fun k : nat => sum (words A k i) (word_weight A w e i)) K + sum (words A (S K) i)
        (word_weight A w e i)). lra.
  - apply is_lim_seq_const.
  - exact Hs.
Qed.
Notation fsum := (fun k i f => sum (words A k i) (fun y => word_weight A w e i y * f y)).
Lemma first_series phi phie i : (i < n)%nat ->
  is_series (fun k => fsum k i (feature A phi phie i)) (solution n M (marked A w e phi phie v) i).
Proof.
  intros Hi.
  rewrite (solution_ext _ (fun i => fsum O i (feature A phi phie i) + sum (letters A i) (fun a => w i a * phi i a * v
      (next A i a)))); auto.
  - apply (series_of (fun k i => fsum k i (feature A phi phie i))
      (fun k i => sum (letters A i) (fun a => w i a * phi i a * sum (words A k (next A i a)) (word_weight A w e (next
          A i a))))
      (fun i => sum (letters A i) (fun a => w i a * phi i a * v (next A i a)))); auto.
    + intros j Hj. apply (is_series_sum (letters A j) (fun a => w j a * phi j a)
        (fun a k => sum (words A k (next A j a)) (word_weight A w e (next A j a)))).
      intros a Ha. apply total_series. apply cl; auto.
    + intros k j Hj. rewrite sum_words, <- sum_plus. apply sum_ext. intros a Ha. simpl.
      rewrite <- !sum_scal, <- sum_plus. apply sum_ext. intros; ring.
  - intros j _. simpl. unfold marked. ring.
Qed.
Notation u phi phie := (fun i => sum_over_strings A w e i (feature A phi phie i)).
Lemma first_solution phi phie i : (i < n)%nat -> u phi phie i = solution n M (marked A w e phi phie v) i.
Proof. intros Hi. apply is_series_unique, first_series. auto. Qed.
Lemma second_series phi psi phie psie i : (i < n)%nat ->
  is_series (fun k => fsum k i (fun y => feature A phi phie i y * feature A psi psie i y))
    (solution n M (fun i => marked A w e (fun i a => phi i a * psi i a) (fun i => phie i * psie i) v i
      + marked A w e phi (fun _ => 0) (u psi psie) i + marked A w e psi (fun _ => 0) (u phi phie) i) i).
Proof.
  intros Hi.
  set (r := fun i => sum (letters A i) (fun a => w i a * (phi i a * psi i a) * v (next A i a))
     + (sum (letters A i) (fun a => w i a * phi i a * u psi psie (next A i a))
     + sum (letters A i) (fun a => w i a * psi i a * u phi phie (next A i a)))).
  rewrite (solution_ext _ (fun i => fsum O i (fun y => feature A phi phie i y * feature A psi psie i y) + r i)); auto.
  - apply (series_of (fun k i => fsum k i (fun y => feature A phi phie i y * feature A psi psie i y))
      (fun k i => sum (letters A i) (fun a => w i a * (phi i a * psi i a) * sum (words A k (next A i a)) (word_weight
          A w e (next A i a)))
        + (sum (letters A i) (fun a => w i a * phi i a * fsum k (next A i a) (feature A psi psie (next A i a)))
        + sum (letters A i) (fun a => w i a * psi i a * fsum k (next A i a) (feature A phi phie (next A i a))))) r);
            auto.
    + intros j Hj. unfold r. apply (is_series_plus (V := R_NormedModule)); [|apply (is_series_plus (V :=
        R_NormedModule))].
      * apply (is_series_sum (letters A j) (fun a => w j a * (phi j a * psi j a))
          (fun a k => sum (words A k (next A j a)) (word_weight A w e (next A j a)))).
        intros a Ha. apply total_series. apply cl; auto.
      * apply (is_series_sum (letters A j) (fun a => w j a * phi j a)
          (fun a k => fsum k (next A j a) (feature A psi psie (next A j a)))).
        intros a Ha. rewrite first_solution by (apply cl; auto). apply first_series. apply cl; auto.
      * apply (is_series_sum (letters A j) (fun a => w j a * psi j a)
          (fun a k => fsum k (next A j a) (feature A phi phie (next A j a)))).
        intros a Ha. rewrite first_solution by (apply cl; auto). apply first_series. apply cl; auto.
    + intros k j Hj. rewrite sum_words, <- !sum_plus. apply sum_ext. intros a Ha. simpl.
      rewrite <- !sum_scal, <- !sum_plus. apply sum_ext. intros; ring.
  - intros j _. simpl. unfold marked, r. ring.
Qed.
End Strings.

Theorem automata_partition_by_length_holds : automata_partition_by_length.
Proof. intros A w e k i cl Hi. apply by_length; auto. Qed.
Theorem automata_partition_formula_holds : automata_partition_formula.
Proof.
  intros A w e cl nn rad. split.
  - intros i Hi. split; [apply total_series|apply total_equation]; auto.
  - intros v Hv i Hi. rewrite total_solution by auto. apply (solution_only A w e); auto.
Qed.
Theorem automata_moments_first_holds : automata_moments_first.
Proof.
  intros A w e phi phie cl nn rad u i Hi. unfold u. split.
  - rewrite first_solution by auto. apply first_series; auto.
  - rewrite first_solution, (solution_eq A w e) by auto. f_equal. apply sum_ext. intros j Hj. apply state_in in Hj.
    rewrite first_solution; auto.
Qed.
Theorem automata_moments_second_holds : automata_moments_second.
Proof.
  intros A w e phi psi phie psie cl nn rad u u' u2 i Hi.
  assert (X : forall j, (j < states A)%nat -> u2 j = solution (states A) (matrix A w)
    (fun i => marked A w e (fun i a => phi i a * psi i a) (fun i => phie i * psie i) (total_weight A w e) i
      + marked A w e phi (fun _ => 0) u' i + marked A w e psi (fun _ => 0) u i) j).
  { intros j Hj. apply is_series_unique, second_series; auto. }
  split.
  - rewrite X by auto. apply second_series; auto.
  - rewrite X, (solution_eq A w e) by auto. f_equal. apply sum_ext. intros j Hj. apply state_in in Hj. rewrite X; auto.
Qed.
Theorem automata_partition_inverse_holds : automata_partition_inverse.
Proof.
  intros n M M0 rad. destruct (radius_unpack n M rad M0) as [x [theta [T1 [X0 X1]]]].
  set (N := fun i j => solution n M (fun k => indicator (Nat.eq_dec k j)) i). exists N.
  assert (P0 : forall z k, (forall i, (i < n)%nat -> 0 <= z i) -> forall i, (i < n)%nat -> 0 <= power n M z k i).
  { intros z k Hz. induction k as [|k IH]; intros i Hi; simpl; auto. apply sum_nonneg. intros j Hj. apply state_in in
      Hj.
    apply Rmult_le_pos; auto. }
  assert (N0 : forall i j, (i < n)%nat -> 0 <= N i j).
  { intros i j Hi. apply (is_lim_seq_le (fun _ => 0) (sum_n (fun k => power n M (fun k => indicator (Nat.eq_dec k j))
      k i)) 0 (N i j)).
    - intros K. assert (P1 : forall k, 0 <= power n M (fun k => indicator (Nat.eq_dec k j)) k i).
      { intros k. apply P0; auto. intros l _. unfold indicator. destruct Nat.eq_dec; lra. }
      induction K; [rewrite sum_O; auto|]. rewrite sum_Sn. apply Rplus_le_le_0_compat; auto.
    - apply is_lim_seq_const.
    - apply (solution_series n M x theta); auto. }
  assert (N1 : forall i j, (i < n)%nat -> N i j = indicator (Nat.eq_dec i j) + sum (seq 0 n) (fun k => M i k * N k j)).
  { intros i j Hi. unfold N at 1. rewrite (solution_solves n M x theta) by auto. reflexivity. }
  intros i j Hi Hj. split; [|split]; auto.
  (* both N and 1 + N M are solutions, column by column *)
  transitivity (solution n M (fun k => indicator (Nat.eq_dec k j)) i); [reflexivity|]. symmetry.
  apply (fixed_unique n M x theta M0 T1 X0 X1 (fun k => indicator (Nat.eq_dec k j))
    (fun i => indicator (Nat.eq_dec i j) + sum (seq 0 n) (fun k => N i k * M k j)) (solution n M (fun k => indicator
        (Nat.eq_dec k j)))); auto.
  - intros k Hk. f_equal. rewrite times_plus.
    assert (Y : times n M (fun i => indicator (Nat.eq_dec i j)) k = M k j).
    { unfold times. rewrite (sum_ext _ _ (fun i => indicator (Nat.eq_dec j i) * M k i)).
      - apply (indicator_sum Nat.eq_dec); [apply seq_NoDup|apply state_in; auto].
      - intros l _. unfold indicator. destruct (Nat.eq_dec l j), (Nat.eq_dec j l); subst; try congruence; ring. }
    rewrite Y. unfold times. rewrite (sum_ext (seq 0 n) (fun j0 => M k j0 * sum (seq 0 n) (fun k0 => N j0 k0 * M k0 j))
      (fun j0 => sum (seq 0 n) (fun l => M k j0 * N j0 l * M l j))).
    + rewrite sum_swap. rewrite (sum_ext (seq 0 n) (fun a => sum (seq 0 n) (fun y => M k y * N y a * M a j))
        (fun l => (N k l - indicator (Nat.eq_dec k l)) * M l j)).
      * rewrite (sum_ext (seq 0 n) (fun l => (N k l - indicator (Nat.eq_dec k l)) * M l j)
          (fun l => N k l * M l j - indicator (Nat.eq_dec k l) * M l j)) by (intros; ring).
        rewrite sum_minus, (indicator_sum Nat.eq_dec _ (fun l => M l j)) by (try apply seq_NoDup; apply state_in;
            auto). ring.
      * intros l Hl. rewrite sum_scal_r. f_equal. rewrite (N1 k l Hk). ring.
    + intros l _. rewrite <- sum_scal. apply sum_ext. intros; ring.
  - intros k Hk. apply (solution_solves n M x theta); auto.
Qed.

(** ** The Doob transform *)
Lemma doob_word A w e v : (forall j, (j < states A)%nat -> 0 < v j) -> closed A -> forall k i y, (i < states A)%nat ->
  In y (words A k i) -> word_weight A (doob_letter A w v) (fun j => e j / v j) i y = word_weight A w e i y / v i.
Proof.
  intros V cl k. induction k as [|k IH]; intros i y Hi Hy; simpl in Hy.
  - destruct Hy as [<-|[]]. reflexivity.
  - apply in_flat_map in Hy. destruct Hy as [a [Ha Hy]]. apply in_map_iff in Hy. destruct Hy as [z [<- Hz]]. simpl.
    pose proof (cl i a Hi Ha) as Hn. rewrite IH by auto. unfold doob_letter. pose proof (V i Hi). pose proof (V _
        Hn). field. lra.
Qed.
Theorem automata_partition_doob_law_holds : automata_partition_doob_law.
Proof.
  intros A w e cl nn rad v i Hi V. pose proof (total_equation A w e cl nn rad i Hi) as X. fold v in X.
  rewrite times_matrix in X by auto. unfold doob_letter, Rdiv. rewrite sum_scal_r, <- Rmult_plus_distr_r.
  rewrite (Rplus_comm _ (e i)), <- X. apply Rinv_r. lra.
Qed.
Theorem automata_partition_doob_strings_holds : automata_partition_doob_strings.
Proof.
  intros A w e i cl nn rad v V Hi q. split.
  - intros k y Hy. apply (doob_word A w e v V cl k); auto.
  - pose proof (V i Hi) as Vi. replace 1 with (/ v i * v i) by (field; lra).
    apply (is_series_ext (fun k => / v i * sum (words A k i) (word_weight A w e i))).
    + intros k. rewrite <- sum_scal. apply sum_ext. intros y Hy. unfold q.
      rewrite (doob_word A w e v V cl k) by auto. unfold Rdiv. ring.
    + apply (is_series_scal (V := R_NormedModule) (/ v i) _ (v i)). apply (total_series A w e cl nn rad i Hi).
Qed.

(** ** Z is finite iff the spectral radius is below 1 *)
Section Trimmed.
Variables (n : nat) (M : nat -> nat -> R) (e : nat -> R).
Hypothesis M0 : forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j.
Hypothesis e0 : forall i, (i < n)%nat -> 0 <= e i.
Lemma power_nonneg z k i : (forall j, (j < n)%nat -> 0 <= z j) -> (i < n)%nat -> 0 <= power n M z k i.
Proof.
  intros Hz. revert i. induction k as [|k IH]; intros i Hi; simpl; auto. apply sum_nonneg. intros j Hj.
  apply state_in in Hj. apply Rmult_le_pos; auto.
Qed.
Lemma power_add z k m i : power n M z (k + m) i = power n M (power n M z m) k i.
Proof. revert i. induction k as [|k IH]; intros i; simpl; auto. apply sum_ext. intros j _. rewrite IH. reflexivity. Qed.
(* the paths that pass through i after k steps *)
Lemma power_through z k i j : (forall j, (j < n)%nat -> 0 <= z j) -> (i < n)%nat -> (j < n)%nat ->
  power n M (fun l => indicator (Nat.eq_dec l i)) k j * z i <= power n M z k j.
Proof.
  intros Hz Hi. revert j. induction k as [|k IH]; intros j Hj; simpl.
  - unfold indicator. destruct (Nat.eq_dec j i) as [->|]; [lra|]. rewrite Rmult_0_l. auto.
  - unfold times. rewrite <- sum_scal_r. apply sum_le. intros l Hl. apply state_in in Hl. rewrite Rmult_assoc.
    apply Rmult_le_compat_l; auto.
Qed.
Lemma ex_series_tail_scaled (a c : nat -> R) m x : 0 < x -> (forall k, 0 <= c k) ->
  (forall k, x * c k <= a (m + k)%nat) -> ex_series a -> ex_series c.
Proof.
  intros Hx Hc Hac Ha. apply (ex_series_incr_n a m) in Ha.
  apply (@ex_series_le R_AbsRing R_CompleteNormedModule c (fun k => a (m + k)%nat * / x)).
  - intros k. change (Rabs (c k) <= a (m + k)%nat * / x). rewrite Rabs_right by (apply Rle_ge; auto).
    apply (Rmult_le_reg_l x); auto. specialize (Hac k). replace (x * (a (m + k)%nat * / x)) with (a (m + k)%nat) by
        (field; lra). lra.
  - apply (ex_series_scal_r (/ x)). auto.
Qed.
Hypothesis trim : trimmed n M e.
Lemma finite_everywhere : ex_series (fun k => power n M e k 0%nat) -> (1 <= n)%nat ->
  forall i, (i < n)%nat -> ex_series (fun k => power n M e k i).
Proof.
  intros H Hn i Hi. destruct (trim i Hi) as [[m Hm] _].
  apply (ex_series_tail_scaled (fun k => power n M e k 0%nat) _ m (power n M (fun j => indicator (Nat.eq_dec j i)) m
      0%nat)); auto.
  - intros k. apply power_nonneg; auto.
  - intros k. rewrite power_add.
    apply (power_through (power n M e k) m i 0); auto; try lia. intros j Hj. apply power_nonneg; auto.
Qed.
Lemma finite_radius : ex_series (fun k => power n M e k 0%nat) -> (1 <= n)%nat -> radius_below_one n M.
Proof.
  intros H Hn. pose proof (finite_everywhere H Hn) as F.
  set (v := fun i => Series (fun k => power n M e k i)).
  assert (Sv : forall i, (i < n)%nat -> is_series (fun k => power n M e k i) (v i)) by (intros; apply Series_correct;
      auto).
  assert (Ve : forall i, (i < n)%nat -> v i = e i + times n M v i).
  { intros i Hi. unfold v at 1. rewrite Series_incr_1 by auto. simpl power. f_equal. apply is_series_unique.
    apply (is_series_sum (seq 0 n) (M i) (fun j k => power n M e k j)). intros j Hj. apply Sv. apply state_in; auto. }
  assert (V0 : forall i, (i < n)%nat -> 0 <= v i).
  { intros i Hi. apply (is_lim_seq_le (fun _ => 0) (sum_n (fun k => power n M e k i)) 0 (v i)).
    - intros K. assert (forall k, 0 <= power n M e k i) by (intros; apply power_nonneg; auto).
      induction K; [rewrite sum_O; auto|]. rewrite sum_Sn. apply Rplus_le_le_0_compat; auto.
    - apply is_lim_seq_const. - exact (Sv i Hi). }
  (* some length at which every state has ended *)
  assert (B : exists K, forall i, (i < n)%nat -> exists k, (k <= K)%nat /\ 0 < power n M e k i).
  { assert (G : forall m, (m <= n)%nat -> exists K, forall i, (i < m)%nat -> exists k, (k <= K)%nat /\ 0 < power n M
      e k i).
    { induction m as [|m IH]; intros Hm; [exists 0%nat; lia|]. destruct IH as [K HK]; [lia|].
      destruct (trim m ltac:(lia)) as [_ [k Hk]]. exists (Nat.max K k). intros i Hi.
      destruct (Nat.eq_dec i m) as [->|]; [exists k; split; [lia|auto]|].
      destruct (HK i ltac:(lia)) as [k' [Hk' Hp]]. exists k'. split; [lia|auto]. }
    apply (G n). lia. }
  destruct B as [K HK].
  set (g := fun i => sum (seq 0 (S K)) (fun k => power n M e k i)).
  set (x := fun i => sum (seq 0 (S K)) (fun k => power n M v k i)).
  assert (G0 : forall i, (i < n)%nat -> 0 < g i).
  { intros i Hi. destruct (HK i Hi) as [k [Hk Hp]]. unfold g.
    apply (sum_pos_at _ (fun k => power n M e k i) k); auto; [|apply in_seq; lia].
    intros l _. apply power_nonneg; auto. }
  assert (Step : forall k i, (i < n)%nat -> power n M v k i = power n M e k i + power n M v (S k) i).
  { intros k. induction k as [|k IH]; intros i Hi; [apply Ve; auto|].
    change (times n M (power n M v k) i = times n M (power n M e k) i + times n M (power n M v (S k)) i).
    unfold times at 2 3. rewrite <- sum_plus. apply sum_ext. intros j Hj. apply state_in in Hj.
    rewrite (IH j Hj) at 1. ring. }
  assert (Tele : forall m i, (i < n)%nat -> sum (seq 0 m) (fun k => power n M v (S k) i) =
    sum (seq 0 m) (fun k => power n M v k i) - sum (seq 0 m) (fun k => power n M e k i)).
  { intros m i Hi. rewrite <- sum_minus. apply sum_ext. intros k _. rewrite (Step k i Hi). ring. }
  assert (Mx : forall i, (i < n)%nat -> times n M x i = x i - g i).
  { intros i Hi. unfold x, g. rewrite <- Tele by auto. simpl power. unfold times.
    rewrite sum_swap. apply sum_ext. intros j _. rewrite sum_scal. reflexivity. }
  assert (X0 : forall i, (i < n)%nat -> 0 < x i).
  { intros i Hi. assert (0 <= times n M x i).
    { apply sum_nonneg. intros j Hj. apply state_in in Hj. apply Rmult_le_pos; auto. unfold x. apply sum_nonneg.
      intros k _. apply power_nonneg; auto. }
    rewrite Mx in H0 by auto. pose proof (G0 i Hi). lra. }
  assert (Th : exists d, 0 < d /\ forall i, (i < n)%nat -> d * x i <= g i).
  { assert (Q : forall m, (m <= n)%nat -> exists d, 0 < d /\ forall i, (i < m)%nat -> d * x i <= g i).
    { induction m as [|m IH]; intros Hm; [exists 1; split; [lra|lia]|]. destruct IH as [d [D0 Hd]]; [lia|].
      pose proof (G0 m ltac:(lia)). pose proof (X0 m ltac:(lia)).
      exists (Rmin d (g m / x m)). split; [apply Rmin_glb_lt; auto; apply Rdiv_lt_0_compat; auto|].
      intros i Hi. destruct (Nat.eq_dec i m) as [->|].
      - apply Rle_trans with (g m / x m * x m); [apply Rmult_le_compat_r; [lra|apply Rmin_r]|]. right. field. lra.
      - apply Rle_trans with (d * x i); [|apply Hd; lia]. apply Rmult_le_compat_r; [left; apply X0; lia|apply Rmin_l]. }
    apply (Q n). lia. }
  destruct Th as [d [D0 Hd]]. exists x, (1 - d). split; [lra|]. intros i Hi. split; auto. rewrite Mx by auto.
  specialize (Hd i Hi). lra.
Qed.
End Trimmed.
Theorem automata_partition_iff_holds : automata_partition_iff.
Proof.
  intros n M e Hn H trim.
  assert (M0 : forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) by (intros i j Hi Hj; apply (proj2 (H i Hi));
      auto).
  split.
  - intros Hx. apply (finite_radius n M e); auto. intros i Hi. apply (proj1 (H i Hi)).
  - intros rad. destruct (radius_unpack n M rad M0) as [x [theta [T1 [X0 X1]]]]. eexists.
    apply (solution_series n M x theta); auto.
Qed.

(** ** Derivatives of the resolvent *)
Lemma derive_quotient (f : R -> R) (x l : R) : is_derive f x l <-> is_lim (fun h => (f (x + h) - f x) / h) 0 l.
Proof.
  rewrite is_derive_Reals. split.
  - intros H. apply is_lim_spec. intros eps. destruct (H eps (cond_pos eps)) as [d Hd]. exists d. intros h Hb Hn.
    apply Hd; auto. change (Rabs (h - 0) < d) in Hb. rewrite Rminus_0_r in Hb. auto.
  - intros H eps He. apply is_lim_spec in H. destruct (H (mkposreal eps He)) as [d Hd]. exists d. intros h Hn Hb.
    apply (Hd h); auto. change (Rabs (h - 0) < d). rewrite Rminus_0_r. auto.
Qed.
Lemma lim_eq f (l l' : R) : l = l' -> is_lim f 0 l -> is_lim f 0 l'.
Proof. intros ->. auto. Qed.
Lemma is_lim_sum {A} (s : list A) (f : A -> R -> R) (l : A -> R) :
  (forall a, In a s -> is_lim (f a) 0 (l a)) -> is_lim (fun h => sum s (fun a => f a h)) 0 (sum s l).
Proof.
  induction s as [|a s IH]; intros H; simpl; [apply is_lim_const|].
  apply (is_lim_plus' (f a) (fun h => sum s (fun a => f a h))); [apply H; left; auto|].
  apply IH. intros; apply H; right; auto.
Qed.
Lemma is_lim_mult' f g (l m : R) : is_lim f 0 l -> is_lim g 0 m -> is_lim (fun h => f h * g h) 0 (l * m).
Proof. intros Hf Hg. apply (is_lim_mult f g 0 l m); simpl; auto. Qed.
Lemma is_lim_right f (l c : R) : is_lim f 0 l -> is_lim (fun h => f h * c) 0 (l * c).
Proof. intros H. apply (is_lim_mult' f (fun _ => c)); auto. apply is_lim_const. Qed.
Lemma is_lim_abs f (l : R) : is_lim f 0 l -> is_lim (fun h => Rabs (f h)) 0 (Rabs l).
Proof. intros H. apply (is_lim_Rabs f 0 l). auto. Qed.
Lemma shift_lim (f : R -> R) (x l : R) : is_derive f x l -> is_lim (fun h => f (x + h) - f x) 0 0.
Proof.
  intros H. apply derive_quotient in H. apply (is_lim_ext_loc (fun h => (f (x + h) - f x) / h * h)).
  - exists (mkposreal 1 Rlt_0_1). intros h _ Hn. field. auto.
  - apply (lim_eq _ (l * 0)); [ring|]. apply (is_lim_mult' (fun h => (f (x + h) - f x) / h) (fun h => h) l 0); auto.
      apply is_lim_id.
Qed.
Section Resolvent.
Variables (n : nat) (M : R -> nat -> nat -> R) (r : R -> nat -> R) (M' : nat -> nat -> R) (r' : nat -> R) (u : R).
Hypothesis M_pos : forall h i j, (i < n)%nat -> (j < n)%nat -> 0 <= M h i j.
Hypothesis derive_M : forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun h => M h i j) u (M' i j).
Hypothesis radius : radius_below_one n (M u).
Lemma radius_near : exists x theta, 0 <= theta < 1 /\ (forall i, (i < n)%nat -> 0 < x i) /\
  locally u (fun h => forall i, (i < n)%nat -> times n (M h) x i <= theta * x i).
Proof.
  destruct (radius_unpack n (M u) radius (M_pos u)) as [x [theta [T1 [X0 X1]]]].
  exists x, ((1 + theta) / 2). split; [lra|]. split; auto.
  set (d := fun h => sum (seq 0 n) (fun i => Rabs (sum (seq 0 n) (fun j => (M (u + h) i j - M u i j) * x j)) * / x i)).
  assert (L : is_lim d 0 0).
  { unfold d. apply (lim_eq _ (sum (seq 0 n) (fun _ => 0))); [apply sum_zero|]. apply (is_lim_sum (seq 0 n) (fun i h =>
      Rabs (sum (seq 0 n) (fun j => (M (u + h) i j - M u i j) * x j)) * / x i)). intros i Hi. apply state_in in Hi.
    apply (lim_eq _ (Rabs (sum (seq 0 n) (fun j => 0 * x j)) * / x i)).
    2: { apply is_lim_right. apply (is_lim_abs _ (sum (seq 0 n) (fun j => 0 * x j))).
      apply (is_lim_sum (seq 0 n) (fun j h => (M (u + h) i j - M u i j) * x j)). intros j Hj. apply state_in in Hj.
      apply is_lim_right. apply (shift_lim (fun h => M h i j) u (M' i j)); auto. }
    rewrite (sum_ext _ _ (fun _ => 0)) by (intros; ring). rewrite sum_zero, Rabs_R0. ring. }
  assert (E0 : 0 < (1 - theta) / 2) by lra.
  apply is_lim_spec in L. destruct (L (mkposreal _ E0)) as [D HD]. simpl in HD. exists D. intros h Hb i Hi.
  change (Rabs (h - u) < D) in Hb.
  assert (S0 : Rabs (times n (M h) x i - times n (M u) x i) <= (1 - theta) / 2 * x i).
  { unfold times. rewrite <- sum_minus. destruct (Req_dec h u) as [->|Hn].
    - rewrite (sum_ext _ _ (fun _ => 0)) by (intros; ring). rewrite sum_zero, Rabs_R0.
      apply Rmult_le_pos; [lra|left; auto].
    - specialize (HD (h - u)). change (ball 0 D (h - u)) with (Rabs (h - u - 0) < D) in HD. rewrite Rminus_0_r in HD.
      specialize (HD Hb (Rminus_eq_contra _ _ Hn)). rewrite Rminus_0_r in HD.
      assert (DD : d (h - u) = sum (seq 0 n) (fun i => Rabs (sum (seq 0 n) (fun j => (M h i j - M u i j) * x j)) * /
          x i)).
      { unfold d. rewrite (Rplus_minus u h). reflexivity. }
      assert (G : Rabs (sum (seq 0 n) (fun j => (M h i j - M u i j) * x j)) * / x i <= d (h - u)).
      { rewrite DD. apply (sum_at_least (seq 0 n) (fun i => Rabs (sum (seq 0 n) (fun j => (M h i j - M u i j) * x j))
          * / x i));
          [|apply state_in; auto]. intros j Hj. apply state_in in Hj. apply Rmult_le_pos; [apply Rabs_pos|].
        left. apply Rinv_0_lt_compat. auto. }
      rewrite (sum_ext _ _ (fun j => (M h i j - M u i j) * x j)) by (intros; ring).
      pose proof (Rle_abs (d (h - u))). pose proof (X0 i Hi).
      apply (Rmult_le_reg_r (/ x i)); [apply Rinv_0_lt_compat; auto|]. rewrite Rmult_assoc, Rinv_r; lra. }
  pose proof (X1 i Hi). pose proof (Rle_abs (times n (M h) x i - times n (M u) x i)). lra.
Qed.
Lemma radius_locally : locally u (fun h => radius_below_one n (M h)).
Proof.
  destruct radius_near as [x [theta [T1 [X0 [D HD]]]]]. exists D. intros h Hh. exists x, theta. split; [lra|].
  intros i Hi. split; [apply X0; exact Hi|apply HD; auto].
Qed.
Hypothesis derive_r : forall i, (i < n)%nat -> is_derive (fun h => r h i) u (r' i).
Lemma derive_solution i : (i < n)%nat ->
  is_derive (fun h => solution n (M h) (r h) i) u
    (solution n (M u) (fun i => r' i + times n M' (solution n (M u) (r u)) i) i).
Proof.
  intros Hi. destruct radius_near as [x [theta [T1 [X0 [D HD]]]]].
  assert (Near : forall h, Rabs (h - u) < D -> forall i, (i < n)%nat -> times n (M h) x i <= theta * x i).
  { intros h Hh. apply HD. exact Hh. }
  assert (Atu : forall i, (i < n)%nat -> times n (M u) x i <= theta * x i).
  { apply Near. rewrite Rminus_eq_0, Rabs_R0. apply cond_pos. }
  set (z := fun h => solution n (M h) (r h)). set (g := fun i => r' i + times n M' (z u) i).
  set (y := solution n (M u) g). change (is_derive (fun h => z h i) u (y i)). apply derive_quotient.
  assert (Z0 : forall h, Rabs (h - u) < D -> forall i, (i < n)%nat -> z h i = r h i + times n (M h) (z h) i).
  { intros h Hh j Hj. apply (solution_solves n (M h) x theta); auto. }
  set (q := fun h i => (z (u + h) i - z u i) / h).
  set (d := fun h i => ((r (u + h) i - r u i) / h - r' i) +
    (sum (seq 0 n) (fun j => ((M (u + h) i j - M u i j) / h - M' i j) * z u j) +
     sum (seq 0 n) (fun j => (M (u + h) i j - M u i j) * y j))).
  assert (Ly : forall i, (i < n)%nat -> is_lim (fun h => d h i) 0 0).
  { intros j Hj. unfold d.
    apply (lim_eq _ (0 + (sum (seq 0 n) (fun j => 0 * z u j) + sum (seq 0 n) (fun j => 0 * y j)))).
    { rewrite (sum_ext (seq 0 n) (fun j => 0 * z u j) (fun _ => 0)), (sum_ext (seq 0 n) (fun j => 0 * y j) (fun _ => 0))
        by (intros; ring). rewrite !sum_zero. ring. }
    apply is_lim_plus'; [|apply is_lim_plus'].
    - apply (lim_eq _ (r' j - r' j)); [ring|].
      apply (is_lim_minus' (fun h => (r (u + h) j - r u j) / h) (fun _ => r' j)); [|apply is_lim_const].
      apply (derive_quotient (fun h => r h j)). auto.
    - apply (is_lim_sum (seq 0 n) (fun k h => ((M (u + h) j k - M u j k) / h - M' j k) * z u k)). intros k Hk.
      apply state_in in Hk. apply is_lim_right. apply (lim_eq _ (M' j k - M' j k)); [ring|].
      apply (is_lim_minus' (fun h => (M (u + h) j k - M u j k) / h) (fun _ => M' j k)); [|apply is_lim_const].
      apply (derive_quotient (fun h => M h j k)). auto.
    - apply (is_lim_sum (seq 0 n) (fun k h => (M (u + h) j k - M u j k) * y k)). intros k Hk. apply state_in in Hk.
      apply is_lim_right. apply (shift_lim (fun h => M h j k) u (M' j k)). auto. }
  assert (B : forall h, h <> 0 -> Rabs h < D -> within_ n x (size n x (d h) / (1 - theta)) (fun i => q h i - y i)).
  { intros h Hn Hh. assert (Hh' : Rabs (u + h - u) < D) by (replace (u + h - u) with h by ring; auto).
    apply (fixed_within n (M (u + h)) x theta (M_pos (u + h)) T1 X0 (Near (u + h) Hh')).
    intros j Hj. unfold q at 1. rewrite (Z0 (u + h) Hh' j Hj).
    rewrite (Z0 u ltac:(rewrite Rminus_eq_0, Rabs_R0; apply cond_pos) j Hj).
    pose proof (solution_solves n (M u) x theta (M_pos u) T1 X0 Atu g j Hj) as Yj. fold y in Yj. rewrite Yj.
    unfold d, g, q, times. unfold Rdiv.
    rewrite (sum_ext _ (fun j0 => ((M (u + h) j j0 - M u j j0) * / h - M' j j0) * z u j0)
      (fun k => / h * (M (u + h) j k * z u k) - / h * (M u j k * z u k) - M' j k * z u k)) by (intros; ring).
    rewrite (sum_ext _ (fun j0 => (M (u + h) j j0 - M u j j0) * y j0)
      (fun k => M (u + h) j k * y k - M u j k * y k)) by (intros; ring).
    rewrite (sum_ext _ (fun j0 => M (u + h) j j0 * ((z (u + h) j0 - z u j0) * / h - y j0))
      (fun k => / h * (M (u + h) j k * z (u + h) k) - / h * (M (u + h) j k * z u k) - M (u + h) j k * y k)) by
          (intros; ring).
    rewrite !sum_minus, !sum_scal. field. auto. }
  assert (Ls : is_lim (fun h => size n x (d h) / (1 - theta) * x i) 0 0).
  { apply (lim_eq _ (0 * / (1 - theta) * x i)); [ring|]. apply is_lim_right, is_lim_right.
    unfold size. apply (lim_eq _ (sum (seq 0 n) (fun _ => 0))); [apply sum_zero|]. apply (is_lim_sum (seq 0 n) (fun j
        h => Rabs (d h j) / x j)).
    intros j Hj. apply state_in in Hj. apply (lim_eq _ (Rabs 0 * / x j)); [rewrite Rabs_R0; ring|].
    apply is_lim_right. apply (is_lim_abs _ 0). auto. }
  apply is_lim_spec. intros eps. apply is_lim_spec in Ls. destruct (Ls eps) as [D' HD'].
  assert (Dm : 0 < Rmin D D') by (apply Rmin_glb_lt; apply cond_pos).
  exists (mkposreal _ Dm). intros h Hb Hn. change (Rabs (h - 0) < Rmin D D') in Hb. rewrite Rminus_0_r in Hb.
  assert (Hb1 : Rabs h < D) by (eapply Rlt_le_trans; [apply Hb|apply Rmin_l]).
  assert (Hb2 : Rabs h < D') by (eapply Rlt_le_trans; [apply Hb|apply Rmin_r]).
  specialize (HD' h). change (ball 0 D' h) with (Rabs (h - 0) < D') in HD'. rewrite !Rminus_0_r in HD'.
  specialize (HD' Hb2 Hn). specialize (B h Hn Hb1 i Hi). cbv beta in B. unfold q in B.
  eapply Rle_lt_trans; [apply B|]. eapply Rle_lt_trans; [apply Rle_abs|apply HD'].
Qed.
End Resolvent.

(** ** Moments are derivatives *)
Section Tilt.
Variables (A : automaton) (w : nat -> token -> R) (e : nat -> R) (ell : nat -> token -> R) (elle : nat -> R).
Hypothesis cl : closed A.
Hypothesis nonneg : nonnegative A w e.
Hypothesis radius : radius_below_one (states A) (matrix A w).
Notation n := (states A).
Definition tilt (u : R) : nat -> token -> R := fun i a => w i a * exp (u * ell i a).
Definition tilt_end (u : R) : nat -> R := fun i => e i * exp (u * elle i).
Notation v := (total_weight A w e).
Let we i a := w i a * ell i a.

Lemma tilt_zero : tilt 0 = w.
Proof.
  apply functional_extensionality. intros i. apply functional_extensionality. intros a. unfold tilt.
  rewrite Rmult_0_l, exp_0. ring.
Qed.
Lemma tilt_end_zero : tilt_end 0 = e.
Proof. apply functional_extensionality. intros i. unfold tilt_end. rewrite Rmult_0_l, exp_0. ring. Qed.
Lemma tilt_nonneg u : nonnegative A (tilt u) (tilt_end u).
Proof.
  intros i Hi. destruct (nonneg i Hi) as [E0 W0]. split.
  - apply Rmult_le_pos; [auto|left; apply exp_pos].
  - intros a Ha. apply Rmult_le_pos; [auto|left; apply exp_pos].
Qed.
Lemma derive_list_sum {B} (s : list B) (f : R -> B -> R) (d : B -> R) x :
  (forall a, In a s -> is_derive (fun t => f t a) x (d a)) -> is_derive (fun t => sum s (f t)) x (sum s d).
Proof.
  induction s as [|a s IH]; simpl; intros H; [apply (is_derive_const 0 x)|].
  apply (is_derive_plus (fun t => f t a) (fun t => sum s (f t))); auto.
Qed.
Lemma derive_product (f g : R -> R) x df dg :
  is_derive f x df -> is_derive g x dg -> is_derive (fun t => f t * g t) x (df * g x + f x * dg).
Proof. intros Hf Hg. apply (is_derive_mult f g x df dg Hf Hg). intros; apply Rmult_comm. Qed.
Lemma derive_exp c l : is_derive (fun u => c * exp (u * l)) 0 (c * l).
Proof. auto_derive; auto. rewrite Rmult_0_l, exp_0. ring. Qed.
Lemma derive_matrix i j : is_derive (fun u => matrix A (tilt u) i j) 0 (matrix A we i j).
Proof.
  unfold matrix. apply (derive_list_sum (letters A i) (fun u a => tilt u i a * indicator (Nat.eq_dec (next A i a) j))).
  intros a _. unfold tilt, we.
  pose proof (derive_product (fun u => w i a * exp (u * ell i a)) (fun _ => indicator (Nat.eq_dec (next A i a) j)) 0 _ 0
    (derive_exp (w i a) (ell i a)) (is_derive_const _ 0)) as D.
  rewrite Rmult_0_r, Rplus_0_r in D. exact D.
Qed.
Lemma tilt_matrix_nonneg h i j : (i < n)%nat -> (j < n)%nat -> 0 <= matrix A (tilt h) i j.
Proof. apply (matrix_nonneg A (tilt h) (tilt_end h)). apply tilt_nonneg. Qed.
Lemma radius_zero : radius_below_one n (matrix A (tilt 0)).
Proof. rewrite tilt_zero. auto. Qed.
Lemma tilt_radius : locally 0 (fun u => radius_below_one n (matrix A (tilt u))).
Proof.
  apply (radius_locally n (fun u => matrix A (tilt u)) (matrix A we) 0).
  - intros h i j. apply tilt_matrix_nonneg.
  - intros i j _ _. apply derive_matrix.
  - apply radius_zero.
Qed.
Notation u1 phi phie := (fun i => sum_over_strings A w e i (feature A phi phie i)).
Lemma times_we z i : (i < n)%nat -> times n (matrix A we) z i = marked A w e ell (fun _ => 0) z i.
Proof. intros Hi. rewrite times_matrix by auto. unfold marked, we. ring. Qed.
Lemma derive_total i : (i < n)%nat ->
  is_derive (fun u => total_weight A (tilt u) (tilt_end u) i) 0 (sum_over_strings A w e i (feature A ell elle i)).
Proof.
  intros Hi.
  apply (is_derive_ext_loc (fun u => solution n (matrix A (tilt u)) (tilt_end u) i)).
  - apply (filter_imp (fun u => radius_below_one n (matrix A (tilt u)))); [|apply tilt_radius].
    intros u Hu. symmetry. apply total_solution; auto. apply tilt_nonneg.
  - rewrite first_solution by auto.
    pose proof (derive_solution n (fun u => matrix A (tilt u)) tilt_end (matrix A we) (fun i => e i * elle i) 0) as D.
    rewrite (solution_ext A w e nonneg radius (marked A w e ell elle v)
      (fun i => e i * elle i + times n (matrix A we) (solution n (matrix A (tilt 0)) (tilt_end 0)) i)); auto.
    + rewrite <- tilt_zero at 1. apply D; auto.
      * intros h k l. apply tilt_matrix_nonneg.
      * intros k l _ _. apply derive_matrix.
      * apply radius_zero.
      * intros k _. apply derive_exp.
    + intros j Hj. rewrite times_we by auto. unfold marked. rewrite tilt_zero, tilt_end_zero.
      rewrite (sum_ext _ (fun a => w j a * ell j a * v (next A j a))
        (fun a => w j a * ell j a * solution n (matrix A w) e (next A j a))); [ring|].
      intros a Ha. rewrite total_solution; auto.
Qed.
Lemma derive_first phi phie i : (i < n)%nat ->
  is_derive (fun u => sum_over_strings A (tilt u) (tilt_end u) i (feature A phi phie i)) 0
    (sum_over_strings A w e i (fun y => feature A phi phie i y * feature A ell elle i y)).
Proof.
  intros Hi.
  apply (is_derive_ext_loc (fun u => solution n (matrix A (tilt u))
    (marked A (tilt u) (tilt_end u) phi phie (total_weight A (tilt u) (tilt_end u))) i)).
  - apply (filter_imp (fun u => radius_below_one n (matrix A (tilt u)))); [|apply tilt_radius].
    intros u Hu. symmetry. apply first_solution; auto. apply tilt_nonneg.
  - set (r' := fun i => marked A w e (fun i a => phi i a * ell i a) (fun i => phie i * elle i) v i
      + marked A w e phi (fun _ => 0) (u1 ell elle) i).
    pose proof (derive_solution n (fun u => matrix A (tilt u))
      (fun u => marked A (tilt u) (tilt_end u) phi phie (total_weight A (tilt u) (tilt_end u))) (matrix A we) r' 0)
          as D.
    assert (X : sum_over_strings A w e i (fun y => feature A phi phie i y * feature A ell elle i y) =
      solution n (matrix A (tilt 0)) (fun i => r' i + times n (matrix A we) (solution n (matrix A (tilt 0))
        (marked A (tilt 0) (tilt_end 0) phi phie (total_weight A (tilt 0) (tilt_end 0)))) i) i).
    { rewrite tilt_zero, tilt_end_zero. unfold sum_over_strings.
      rewrite (is_series_unique _ _ (second_series A w e cl nonneg radius phi ell phie elle i Hi)).
      apply (solution_ext A w e); auto. intros j Hj. rewrite times_we by auto. unfold r'.
      rewrite !Rplus_assoc. f_equal. f_equal. unfold marked. f_equal. apply sum_ext. intros a Ha.
      rewrite first_solution; auto. }
    rewrite X. apply D; auto.
    + intros h k l. apply tilt_matrix_nonneg.
    + intros k l _ _. apply derive_matrix.
    + apply radius_zero.
    + intros j Hj. unfold marked at 1. unfold r', marked.
      replace (sum (letters A j) (fun a => w j a * (phi j a * ell j a) * v (next A j a)) + e j * (phie j * elle j)
        + (sum (letters A j) (fun a => w j a * phi j a * u1 ell elle (next A j a)) + e j * 0))
        with (sum (letters A j) (fun a => w j a * ell j a * (phi j a * v (next A j a)) + w j a * (phi j a * u1 ell
            elle (next A j a)))
          + e j * elle j * phie j).
      2: { rewrite Rmult_0_r, Rplus_0_r. rewrite (sum_plus (letters A j)).
        rewrite (sum_ext (letters A j) (fun a => w j a * ell j a * (phi j a * v (next A j a)))
          (fun a => w j a * (phi j a * ell j a) * v (next A j a))) by (intros; ring).
        rewrite (sum_ext (letters A j) (fun a => w j a * (phi j a * u1 ell elle (next A j a)))
          (fun a => w j a * phi j a * u1 ell elle (next A j a))) by (intros; ring).
        ring. }
      apply (is_derive_plus (fun u => sum (letters A j) (fun a => tilt u j a * phi j a * total_weight A (tilt u)
          (tilt_end u) (next A j a)))
        (fun u => tilt_end u j * phie j)).
      * apply (derive_list_sum (letters A j) (fun u a => tilt u j a * phi j a * total_weight A (tilt u) (tilt_end u)
          (next A j a))).
        intros a Ha.
        pose proof (derive_product (fun u => tilt u j a) (fun u => phi j a * total_weight A (tilt u) (tilt_end u)
            (next A j a)) 0 _ _
          (derive_exp (w j a) (ell j a)) (is_derive_scal _ 0 (phi j a) _ (derive_total (next A j a) (cl j a Hj Ha))))
              as Dp.
        cbv beta in Dp. rewrite tilt_zero, tilt_end_zero in Dp.
        apply (is_derive_ext (fun u => tilt u j a * (phi j a * total_weight A (tilt u) (tilt_end u) (next A j a))));
            [intros u; symmetry; apply Rmult_assoc|].
        exact Dp.
      * pose proof (derive_product (fun u => tilt_end u j) (fun _ => phie j) 0 _ 0 (derive_exp (e j) (elle j))
          (is_derive_const _ 0)) as Dp.
        rewrite Rmult_0_r, Rplus_0_r in Dp. exact Dp.
Qed.
Hypothesis ends : forall i, (i < n)%nat -> 0 < e i.
Lemma total_pos i : (i < n)%nat -> 0 < v i.
Proof.
  intros Hi. rewrite total_equation by auto. pose proof (ends i Hi).
  assert (0 <= times n (matrix A w) v i); [|lra]. apply sum_nonneg. intros j Hj. apply state_in in Hj.
  apply Rmult_le_pos; [apply (matrix_nonneg A w e); auto|apply total_nonneg; auto].
Qed.
Lemma derive_log i : (i < n)%nat ->
  is_derive (fun u => ln (total_weight A (tilt u) (tilt_end u) i)) 0 (string_mean A w e i (feature A ell elle i)).
Proof.
  intros Hi. pose proof (total_pos i Hi) as Vp.
  assert (V0 : 0 < total_weight A (tilt 0) (tilt_end 0) i) by (rewrite tilt_zero, tilt_end_zero; auto).
  pose proof (is_derive_comp ln _ 0 _ _ (is_derive_ln _ V0) (derive_total i Hi)) as D.
  cbv beta in D. rewrite tilt_zero, tilt_end_zero in D.
  match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?g => replace g with d end end; [exact D|].
  unfold scal; simpl; unfold mult; simpl. unfold string_mean. field. lra.
Qed.
Lemma derive_mean phi phie i : (i < n)%nat ->
  is_derive (fun u => string_mean A (tilt u) (tilt_end u) i (feature A phi phie i)) 0
    (string_cov A w e i (feature A phi phie i) (feature A ell elle i)).
Proof.
  intros Hi. pose proof (total_pos i Hi) as Vp.
  assert (V0 : total_weight A (tilt 0) (tilt_end 0) i <> 0) by (rewrite tilt_zero, tilt_end_zero; lra).
  pose proof (is_derive_div _ _ 0 _ _ (derive_first phi phie i Hi) (derive_total i Hi) V0) as D.
  cbv beta in D. rewrite tilt_zero, tilt_end_zero in D.
  match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?g => replace g with d end end; [exact D|].
  unfold string_cov, string_mean, minus, plus, opp, scal; simpl; unfold mult; simpl. field. lra.
Qed.
End Tilt.
Lemma derive_shift (f : R -> R) x l : is_derive (fun h => f (x + h)) 0 l -> is_derive f x l.
Proof.
  intros H. apply derive_quotient. apply derive_quotient in H.
  apply (is_lim_ext (fun h => (f (x + (0 + h)) - f (x + 0)) / h)); auto.
  intros h. rewrite Rplus_0_l, Rplus_0_r. reflexivity.
Qed.
Lemma family_likelihood p Rw pe s t h :
  letter_family p Rw (s + h) t = tilt (letter_family p Rw s t) (fun i a => ln (p i a)) h /\
  end_family pe (s + h) = tilt_end (end_family pe s) (fun i => ln (pe i)) h.
Proof.
  split.
  - apply functional_extensionality. intros i. apply functional_extensionality. intros a.
    unfold letter_family, tilt. rewrite Rpower_plus. unfold Rpower at 2. ring.
  - apply functional_extensionality. intros i. unfold end_family, tilt_end. rewrite Rpower_plus. unfold Rpower at 2.
      ring.
Qed.
Lemma family_reward p Rw (pe : nat -> R) s t h :
  letter_family p Rw s (t + h) = tilt (letter_family p Rw s t) Rw h /\
  end_family pe s = tilt_end (end_family pe s) (fun _ => 0) h.
Proof.
  split.
  - apply functional_extensionality. intros i. apply functional_extensionality. intros a.
    unfold letter_family, tilt. rewrite Rmult_plus_distr_r, exp_plus. ring.
  - apply functional_extensionality. intros i. unfold tilt_end. rewrite Rmult_0_r, exp_0. ring.
Qed.
Lemma family_nonneg A p Rw pe s t : nonnegative A (letter_family p Rw s t) (end_family pe s).
Proof.
  intros i _. split; [left; apply exp_pos|]. intros a _. left. apply Rmult_lt_0_compat; apply exp_pos.
Qed.
Theorem automata_moments_gradient_holds : automata_moments_gradient.
Proof.
  intros A p Rw pe s t i cl Hi W e rad F Lf Rf m.
  pose proof (family_nonneg A p Rw pe s t) as nn.
  assert (Ee : forall j, (j < states A)%nat -> 0 < e s j) by (intros; apply exp_pos).
  split; apply derive_shift.
  - apply (is_derive_ext (fun h => ln (total_weight A (tilt (W s t) (fun i a => ln (p i a)) h) (tilt_end (e s) (fun i
      => ln (pe i)) h) i))).
    + intros h. unfold F, W, e. destruct (family_likelihood p Rw pe s t h) as [-> ->]. reflexivity.
    + apply derive_log; auto.
  - apply (is_derive_ext (fun h => ln (total_weight A (tilt (W s t) Rw h) (tilt_end (e s) (fun _ => 0) h) i))).
    + intros h. unfold F, W, e. destruct (family_reward p Rw pe s t h) as [-> <-]. reflexivity.
    + apply derive_log; auto.
Qed.
Theorem automata_moments_hessian_holds : automata_moments_hessian.
Proof.
  intros A p Rw pe s t i cl Hi W e rad Lf Rf m c.
  pose proof (family_nonneg A p Rw pe s t) as nn.
  assert (Ee : forall j, (j < states A)%nat -> 0 < e s j) by (intros; apply exp_pos).
  assert (Ds : forall phi phie, is_derive (fun s => m s t (feature A phi phie i)) s (c (feature A phi phie i) Lf)).
  { intros phi phie. apply derive_shift.
    apply (is_derive_ext (fun h => string_mean A (tilt (W s t) (fun i a => ln (p i a)) h) (tilt_end (e s) (fun i =>
        ln (pe i)) h) i (feature A phi phie i))).
    - intros h. unfold m, W, e. destruct (family_likelihood p Rw pe s t h) as [-> ->]. reflexivity.
    - apply derive_mean; auto. }
  assert (Dt : forall phi phie, is_derive (fun t => m s t (feature A phi phie i)) t (c (feature A phi phie i) Rf)).
  { intros phi phie. apply derive_shift.
    apply (is_derive_ext (fun h => string_mean A (tilt (W s t) Rw h) (tilt_end (e s) (fun _ => 0) h) i (feature A phi
        phie i))).
    - intros h. unfold m, W, e. destruct (family_reward p Rw pe s t h) as [-> <-]. reflexivity.
    - apply derive_mean; auto. }
  exact (conj (Ds _ _) (conj (Dt _ _) (conj (Ds _ _) (Dt _ _)))).
Qed.

Theorem automata_moments_entropy_holds : automata_moments_entropy.
Proof.
  intros A p Rw pe i cl Hi w e rad Lf Rf m c J.
  pose proof (family_nonneg A p Rw pe 1 1) as nn. change (nonnegative A w e) in nn.
  assert (Ee : forall j, (j < states A)%nat -> 0 < e j) by (intros; apply exp_pos).
  pose proof (total_pos A w e cl nn rad Ee i Hi) as Vp. set (F := total_weight A w e i) in *.
  set (phi := fun i a => ln (p i a)) in *. set (phie := fun i => ln (pe i)) in *.
  assert (S0 : is_series (fun k => sum (words A k i) (fun y => word_weight A w e i y * 1)) F).
  { apply (is_series_ext (fun k => sum (words A k i) (word_weight A w e i))); [|apply total_series; auto].
    intros k. apply sum_ext. intros; ring. }
  assert (mean_of : forall f l, is_series (fun k => sum (words A k i) (fun y => word_weight A w e i y * f y)) l -> m
      f = l / F).
  { intros f l Hs. unfold m, string_mean, sum_over_strings. rewrite (is_series_unique _ _ Hs). reflexivity. }
  pose proof (first_series A w e cl nn rad phi phie i Hi) as SL. change (feature A phi phie i) with Lf in SL.
  pose proof (first_series A w e cl nn rad Rw (fun _ => 0) i Hi) as SR. change (feature A Rw (fun _ => 0) i) with Rf
      in SR.
  pose proof (second_series A w e cl nn rad phi phi phie phie i Hi) as SLL. change (feature A phi phie i) with Lf in
      SLL.
  pose proof (second_series A w e cl nn rad phi Rw phie (fun _ => 0) i Hi) as SLR.
  change (feature A phi phie i) with Lf in SLR. change (feature A Rw (fun _ => 0) i) with Rf in SLR.
  pose proof (second_series A w e cl nn rad Rw Rw (fun _ => 0) (fun _ => 0) i Hi) as SRR.
  change (feature A Rw (fun _ => 0) i) with Rf in SRR.
  set (g := ln F) in *.
  match type of SL with is_series _ ?l => set (l1 := l) in * end.
  match type of SR with is_series _ ?l => set (r1 := l) in * end.
  match type of SLL with is_series _ ?l => set (l2 := l) in * end.
  match type of SLR with is_series _ ?l => set (lr := l) in * end.
  match type of SRR with is_series _ ?l => set (r2 := l) in * end.
  set (f := fun (b : nat) => nth b [fun _ : context => 1; Lf; Rf; (fun y => Lf y * Lf y); (fun y => Lf y * Rf y);
      (fun y => Rf y * Rf y)] (fun _ => 0)).
  set (l := fun (b : nat) => nth b [F; l1; r1; l2; lr; r2] 0).
  assert (Comb : forall (k : nat -> R) (h : context -> R), (forall y, h y = sum (seq 0 6) (fun b => k b * f b y)) ->
    is_series (fun k => sum (words A k i) (fun y => word_weight A w e i y * h y)) (sum (seq 0 6) (fun b => k b * l b))).
  { intros k h Hh.
    apply (is_series_ext (fun j => sum (seq 0 6) (fun b => k b * sum (words A j i) (fun y => word_weight A w e i y *
        f b y)))).
    - intros j. rewrite (sum_ext (words A j i) (fun y => word_weight A w e i y * h y)
        (fun y => sum (seq 0 6) (fun b => k b * (word_weight A w e i y * f b y)))).
      + rewrite sum_swap. apply sum_ext. intros b _. rewrite sum_scal. reflexivity.
      + intros y _. rewrite Hh, <- sum_scal. apply sum_ext. intros; ring.
    - apply (is_series_sum (seq 0 6) k (fun b j => sum (words A j i) (fun y => word_weight A w e i y * f b y)) l).
      intros b Hb. apply in_seq in Hb. destruct b as [|[|[|[|[|[|b]]]]]]; try lia; unfold f, l; simpl; assumption. }
  pose proof (Comb (fun b => nth b [g; -1; -1; 0; 0; 0] 0) J ltac:(intros y; unfold J, f; simpl; ring)) as SJ.
  pose proof (Comb (fun b => nth b [g * g; - 2 * g; - 2 * g; 1; 2; 1] 0) (fun y => J y * J y)
    ltac:(intros y; unfold J, f; simpl; ring)) as SJJ.
  apply mean_of in SJ, SJJ. unfold l in SJ, SJJ. simpl in SJ, SJJ.
  split; [|split].
  - rewrite SJ, (mean_of _ _ SL), (mean_of _ _ SR). field. lra.
  - unfold c, string_cov. fold (m (fun y => J y * J y)) (m J) (m (fun y => Lf y * Lf y)) (m Lf) (m (fun y => Lf y *
      Rf y)) (m Rf)
      (m (fun y => Rf y * Rf y)).
    rewrite SJ, SJJ, (mean_of _ _ SL), (mean_of _ _ SR), (mean_of _ _ SLL), (mean_of _ _ SLR), (mean_of _ _ SRR).
    field. lra.
  - intros k y Hy Hp.
    assert (X : forall k j y, (j < states A)%nat -> In y (words A k j) ->
      0 < word_weight A w e j y /\ ln (word_weight A w e j y) = feature A phi phie j y + feature A Rw (fun _ => 0) j y).
    { clear k y Hy. induction k as [|k IH]; intros j y Hj Hy; simpl in Hy.
      - destruct Hy as [<-|[]]. simpl. unfold e, end_family. destruct (Hp j Hj) as [P0 _]. rewrite Rpower_1 by auto.
        split; auto. unfold phie. ring.
      - apply in_flat_map in Hy. destruct Hy as [a [Ha Hy]]. apply in_map_iff in Hy. destruct Hy as [z [<- Hz]]. simpl.
        destruct (IH (next A j a) z (cl j a Hj Ha) Hz) as [W1 W2]. destruct (Hp j Hj) as [_ Pa]. specialize (Pa a Ha).
        unfold w at 1 3, letter_family. rewrite Rpower_1, Rmult_1_l by auto. pose proof (exp_pos (Rw j a)).
        split; [repeat apply Rmult_lt_0_compat; auto|].
        rewrite !ln_mult, ln_exp, W2 by (auto; apply Rmult_lt_0_compat; auto). unfold phi. ring. }
    destruct (X k i y Hi Hy) as [W1 W2]. unfold J. rewrite ln_div, W2 by auto. fold g. unfold Lf, Rf. ring.
Qed.

(** ** The inverse matrix, and powers *)
Lemma inverse_applies n M N r z i : (i < n)%nat ->
  (forall j, (j < n)%nat -> N i j = indicator (Nat.eq_dec i j) + sum (seq 0 n) (fun k => N i k * M k j)) ->
  (forall j, (j < n)%nat -> z j = r j + times n M z j) -> z i = times n N r i.
Proof.
  intros Hi HN Hz. unfold times.
  rewrite (sum_ext (seq 0 n) (fun j => N i j * r j) (fun j => N i j * z j - sum (seq 0 n) (fun k => N i j * M j k * z
      k))).
  - rewrite sum_minus, sum_swap.
    rewrite (sum_ext (seq 0 n) (fun k => sum (seq 0 n) (fun j => N i j * M j k * z k))
      (fun k => (N i k - indicator (Nat.eq_dec i k)) * z k)).
    + rewrite <- sum_minus. rewrite (sum_ext (seq 0 n) _ (fun k => indicator (Nat.eq_dec i k) * z k)) by (intros; ring).
      symmetry. apply (indicator_sum Nat.eq_dec); [apply seq_NoDup|apply state_in; auto].
    + intros k Hk. apply state_in in Hk. rewrite sum_scal_r. f_equal. rewrite (HN k Hk). ring.
  - intros j Hj. apply state_in in Hj. rewrite (sum_ext (seq 0 n) _ (fun k => N i j * (M j k * z k))) by (intros; ring).
    rewrite sum_scal. fold (times n M z j). rewrite (Hz j Hj) at 1. ring.
Qed.
Theorem automata_moments_matrix_holds : automata_moments_matrix.
Proof.
  intros A w e phi psi phie psie N cl nn rad HN v u u' i Hi. split; [|split].
  - apply (inverse_applies _ (matrix A w)); auto. intros j Hj. apply total_equation; auto.
  - apply (inverse_applies _ (matrix A w) N _ u); auto. intros j Hj.
    apply (automata_moments_first_holds A w e phi phie cl nn rad j Hj).
  - apply (inverse_applies _ (matrix A w) N _
      (fun i => sum_over_strings A w e i (fun y => feature A phi phie i y * feature A psi psie i y))); auto.
    intros j Hj. apply (automata_moments_second_holds A w e phi psi phie psie cl nn rad j Hj).
Qed.
Theorem automata_partition_powers_holds : automata_partition_powers.
Proof.
  intros n M M0. split.
  - intros rad i j Hi Hj. destruct (radius_unpack n M rad M0) as [x [theta [T1 [X0 X1]]]].
    apply ex_series_lim_0. eexists. apply (solution_series n M x theta); auto.
  - intros H.
    assert (Sum1 : forall k i, (i < n)%nat -> power n M (fun _ => 1) k i =
      sum (seq 0 n) (fun j => power n M (fun l => indicator (Nat.eq_dec l j)) k i)).
    { induction k as [|k IH]; intros i Hi; simpl.
      - rewrite (sum_ext _ _ (fun j => indicator (Nat.eq_dec i j) * 1)) by (intros; ring).
        symmetry. apply (indicator_sum Nat.eq_dec _ (fun _ => 1)); [apply seq_NoDup|apply state_in; auto].
      - unfold times. rewrite (sum_ext (seq 0 n) (fun j => M i j * power n M (fun _ => 1) k j)
          (fun j => sum (seq 0 n) (fun l => M i j * power n M (fun m => indicator (Nat.eq_dec m l)) k j))).
        + rewrite sum_swap. reflexivity.
        + intros j Hj. apply state_in in Hj. rewrite (IH j Hj), <- sum_scal. reflexivity. }
    assert (Lim : forall i, (i < n)%nat -> is_lim_seq (fun k => power n M (fun _ => 1) k i) 0).
    { intros i Hi. apply (is_lim_seq_ext (fun k => sum (seq 0 n) (fun j => power n M (fun l => indicator (Nat.eq_dec
        l j)) k i))).
      - intros k. symmetry. apply Sum1. auto.
      - rewrite <- (sum_zero (seq 0 n)). apply is_lim_seq_sum. intros j Hj. apply H; auto. apply state_in; auto. }
    assert (Ones : forall k i, (i < n)%nat -> 0 <= power n M (fun _ => 1) k i).
    { induction k as [|k IH]; intros i Hi; simpl; [lra|]. apply sum_nonneg. intros j Hj. apply state_in in Hj.
      apply Rmult_le_pos; auto. }
    assert (Small : exists K, forall i, (i < n)%nat -> power n M (fun _ => 1) (S K) i <= / 2).
    { assert (G : forall m, (m <= n)%nat -> exists K, forall k, (K <= k)%nat -> forall i, (i < m)%nat -> power n M
        (fun _ => 1) k i <= / 2).
      { induction m as [|m IH]; intros Hm; [exists O; intros; lia|]. destruct IH as [K HK]; [lia|].
        pose proof (Lim m ltac:(lia)) as Lm. apply is_lim_seq_spec in Lm. assert (H2 : 0 < / 2) by lra.
        destruct (Lm (mkposreal _ H2)) as [J HJ]. exists (Nat.max K J). intros k Hk i Hi.
        destruct (Nat.eq_dec i m) as [->|]; [|apply HK; lia].
        specialize (HJ k ltac:(lia)). simpl in HJ. rewrite Rminus_0_r in HJ. pose proof (Rle_abs (power n M (fun _ =>
            1) k m)). lra. }
      destruct (G n (Nat.le_refl n)) as [K HK]. exists K. apply HK. lia. }
    destruct Small as [K HK]. set (x := fun i => 1 + sum (seq 0 K) (fun k => power n M (fun _ => 1) (S k) i)).
    assert (X1 : forall i, (i < n)%nat -> 1 <= x i).
    { intros i Hi. unfold x. assert (0 <= sum (seq 0 K) (fun k => power n M (fun _ => 1) (S k) i)); [|lra].
      apply sum_nonneg. intros k _. apply Ones. auto. }
    assert (Shift : forall m i, sum (seq 0 m) (fun k => power n M (fun _ => 1) (S k) i) + 1 =
      sum (seq 0 m) (fun k => power n M (fun _ => 1) k i) + power n M (fun _ => 1) m i).
    { induction m as [|m IH]; intros i; [simpl; ring|]. rewrite !seq_S, !sum_app. simpl Nat.add. cbn [sum].
      specialize (IH i). lra. }
    assert (Mx : forall i, (i < n)%nat -> times n M x i <= x i - / 2).
    { intros i Hi. assert (Ex : times n M x i = sum (seq 0 (S K)) (fun k => power n M (fun _ => 1) (S k) i)).
      { unfold times, x. rewrite (sum_ext (seq 0 n) _ (fun j => sum (seq 0 (S K)) (fun k => M i j * power n M (fun _
          => 1) k j))).
        - rewrite sum_swap. reflexivity.
        - intros j _. rewrite sum_scal. f_equal. pose proof (Shift K j) as Sh. rewrite seq_S, sum_app. simpl Nat.add.
            cbn [sum]. lra. }
      rewrite Ex, seq_S, sum_app. simpl Nat.add. cbn [sum]. unfold x.
      specialize (HK i Hi). lra. }
    set (top := sum (seq 0 n) x + 1).
    assert (Top : forall i, (i < n)%nat -> x i <= top).
    { intros i Hi. unfold top. pose proof (sum_at_least (seq 0 n) x i) as B.
      assert (x i <= sum (seq 0 n) x); [|lra]. apply B; [|apply state_in; auto].
      intros j Hj. apply state_in in Hj. specialize (X1 j Hj). lra. }
    assert (T0 : 0 < top).
    { unfold top. assert (0 <= sum (seq 0 n) x); [|lra]. apply sum_nonneg. intros j Hj. apply state_in in Hj.
      specialize (X1 j Hj). lra. }
    exists x, (1 - / (2 * top)). assert (I0 : 0 < / (2 * top)) by (apply Rinv_0_lt_compat; lra). split; [lra|].
    intros i Hi. specialize (X1 i Hi). split; [lra|]. specialize (Mx i Hi). specialize (Top i Hi).
    assert (x i * / (2 * top) <= / 2); [|lra].
    apply (Rmult_le_reg_r (2 * top)); [lra|]. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

(** ** Independent letters, and a law that leaks *)
Theorem automata_critical_temperature_letters_holds : automata_critical_temperature_letters.
Proof.
  intros A s l a tau [L0 L1] Len Ha Ht renyi weight.
  set (S0 := sum s (fun x => Rpower (l x) tau)) in *.
  assert (Small : forall x, In x s -> l x < 1).
  { intros x Hx. destruct s as [|y [|z s]]; simpl in Len; try lia.
    assert (Rest : forall t, (forall u, In u t -> 0 < l u) -> 0 <= sum t l).
    { intros t H. apply sum_nonneg. intros u Hu. left. auto. }
    assert (G : l x + l y <= sum (y :: z :: s) l \/ l x + l z <= sum (y :: z :: s) l).
    { assert (Y : 0 < l y) by (apply L0; simpl; auto). assert (Z0 : 0 < l z) by (apply L0; simpl; auto).
      assert (Sr : 0 <= sum s l) by (apply Rest; intros; apply L0; simpl; auto). cbn [sum].
      destruct Hx as [<-|[<-|Hx]]; [right; lra|left; lra|].
      left. pose proof (sum_at_least s l x ltac:(intros; left; apply L0; simpl; auto) Hx). lra. }
    assert (Y : 0 < l y) by (apply L0; simpl; auto). assert (Z0 : 0 < l z) by (apply L0; simpl; auto).
    rewrite L1 in G. lra. }
  assert (Big : 1 < S0).
  { rewrite <- L1. unfold S0. apply sum_lt.
    - intros x Hx. specialize (Small x Hx). specialize (L0 x Hx). left. rewrite <- (Rpower_1 (l x)) at 1 by auto.
      unfold Rpower. apply exp_increasing. assert (ln (l x) < 0) by (rewrite <- ln_1; apply ln_increasing; auto). nra.
    - destruct s as [|x s']; simpl in Len; [lia|]. exists x. split; [left; auto|]. specialize (Small x (or_introl
        eq_refl)).
      specialize (L0 x (or_introl eq_refl)). rewrite <- (Rpower_1 (l x)) at 1 by auto.
      unfold Rpower. apply exp_increasing. assert (ln (l x) < 0) by (rewrite <- ln_1; apply ln_increasing; auto). nra. }
  assert (Ls : 0 < ln S0) by (rewrite <- ln_1; apply ln_increasing; lra).
  assert (Rp : 0 < renyi) by (apply Rdiv_lt_0_compat; lra).
  assert (Ws : weight = Rpower a tau * S0).
  { unfold weight, S0. rewrite <- sum_scal. apply sum_ext. intros x Hx. rewrite Rpower_mult_distr; auto. lra. }
  assert (Wp : 0 < weight) by (rewrite Ws; apply Rmult_lt_0_compat; [apply exp_pos|lra]).
  assert (Lw : ln weight = tau * renyi * (/ tau - 1 - ln (/ a) / renyi)).
  { rewrite Ws, ln_mult by (try apply exp_pos; lra). unfold Rpower at 1. rewrite ln_exp, ln_Rinv by lra.
    replace (ln S0) with (renyi * (1 - tau)) by (unfold renyi; field; lra). field. lra. }
  assert (Tr : 0 < tau * renyi) by (apply Rmult_lt_0_compat; lra).
  split; auto. split; split; intros H.
  - apply ln_increasing in H; auto. rewrite ln_1, Lw in H.
    assert (/ tau - 1 - ln (/ a) / renyi < 0); [|lra]. apply (Rmult_lt_reg_l (tau * renyi)); lra.
  - apply ln_lt_inv; try lra. rewrite ln_1, Lw.
    assert (tau * renyi * (/ tau - 1 - ln (/ a) / renyi) < tau * renyi * 0) by (apply Rmult_lt_compat_l; lra). lra.
  - rewrite H, ln_1 in Lw. symmetry in Lw. apply Rmult_integral in Lw. lra.
  - apply ln_inv; try lra. rewrite ln_1, Lw, H. ring.
Qed.
Theorem automata_critical_temperature_one_state_holds : automata_critical_temperature_one_state.
Proof.
  intros w e Hw He. split.
  - intros Hs. destruct (Rlt_le_dec w 1) as [|Hg]; auto. exfalso. apply ex_series_lim_0 in Hs.
    assert (e <= 0); [|lra]. apply (is_lim_seq_le (fun _ => e) (fun k => w ^ k * e) e 0); auto; [|apply
        is_lim_seq_const].
    intros k. rewrite <- (Rmult_1_l e) at 1. apply Rmult_le_compat_r; [lra|]. apply pow_R1_Rle. auto.
  - intros Hl. apply (ex_series_scal_r e). exists (/ (1 - w)). apply is_series_geom. rewrite Rabs_right; lra.
Qed.
Lemma goes_on_value n : goes_on n = (INR n + 1) ^ 2 / ((INR n + 1) ^ 2 + 1).
Proof.
  unfold goes_on, hazard. pose proof (pos_INR n). field. repeat split; nra.
Qed.
Lemma longer_bound N : / 4 * (1 + / (INR N + 1)) <= longer N.
Proof.
  induction N as [|N IH]; cbn [longer].
  - rewrite goes_on_value. simpl. lra.
  - rewrite goes_on_value, S_INR. pose proof (pos_INR N) as P. set (m := INR N + 1) in *.
    assert (M : 1 <= m) by (unfold m; lra).
    assert (K : / 4 * (1 + / (m + 1)) <= / 4 * (1 + / m) * ((m + 1) ^ 2 / ((m + 1) ^ 2 + 1))).
    { apply (Rmult_le_reg_r (4 * (m * ((m + 1) * ((m + 1) ^ 2 + 1))))); [repeat apply Rmult_lt_0_compat; nra|].
      replace (/ 4 * (1 + / (m + 1)) * (4 * (m * ((m + 1) * ((m + 1) ^ 2 + 1))))) with ((m + 2) * m * ((m + 1) ^ 2 +
          1)) by (field; lra).
      replace (/ 4 * (1 + / m) * ((m + 1) ^ 2 / ((m + 1) ^ 2 + 1)) * (4 * (m * ((m + 1) * ((m + 1) ^ 2 + 1)))))
        with ((m + 1) * (m + 1) * (m + 1) ^ 2) by (field; repeat split; nra). nra. }
    eapply Rle_trans; [exact K|]. apply Rmult_le_compat_r; [|exact IH]. apply Rle_mult_inv_pos; nra.
Qed.
Theorem automata_leak_quarter_holds : automata_leak_quarter.
Proof.
  split; [apply goes_on_value|].
  assert (Dec : forall n, longer (S n) <= longer n).
  { intros n. cbn [longer]. rewrite <- (Rmult_1_r (longer n)) at 2. apply Rmult_le_compat_l.
    - pose proof (longer_bound n). pose proof (pos_INR n). assert (0 < / (INR n + 1)) by (apply Rinv_0_lt_compat;
        lra). lra.
    - rewrite goes_on_value. set (z := (INR (S n) + 1) ^ 2). assert (0 <= z) by apply pow2_ge_0.
      apply (Rmult_le_reg_r (z + 1)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (Low : forall n, / 4 <= longer n).
  { intros n. pose proof (longer_bound n). pose proof (pos_INR n). assert (0 < / (INR n + 1)) by (apply
      Rinv_0_lt_compat; lra). lra. }
  destruct (ex_finite_lim_seq_decr longer (/ 4) Dec Low) as [limit Hl]. exists limit. split; auto.
  apply (is_lim_seq_le (fun _ => / 4) longer (/ 4) limit); auto. apply is_lim_seq_const.
Qed.
Theorem automata_leak_prior_holds : automata_leak_prior.
Proof.
  exists (fun n => / (INR n + 2)). unfold hazard. split; [simpl; lra|]. split.
  - intros n. rewrite S_INR. pose proof (pos_INR n). field. lra.
  - apply (is_lim_seq_ext (fun n => / INR (n + 2))); [intros n; rewrite plus_INR; simpl; f_equal; lra|].
    apply (is_lim_seq_incr_n (fun n => / INR n) 2). replace (Finite 0) with (Rbar_inv p_infty) by reflexivity.
    apply is_lim_seq_inv; [apply is_lim_seq_INR|discriminate].
Qed.
