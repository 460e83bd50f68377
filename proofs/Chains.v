(** Metropolis chains: spectrum, distance to the target, and covariances of corpora, for any number of states. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements.
Import ListNotations.
Open Scope R_scope.

Lemma sum_point {A} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (f : A -> R) a :
  NoDup s -> In a s -> sum s (fun y => indicator (same a y) * f y) = f a.
Proof.
  induction s as [|b s IH]; simpl; intros N Ha; [tauto|]. inversion N as [|? ? Nb Ns]; subst.
  destruct Ha as [->|Ha].
  - rewrite (sum_ext s _ (fun _ => 0)).
    + rewrite sum_zero. unfold indicator. destruct (same a a); [ring|congruence].
    + intros c Hc. unfold indicator. destruct (same a c) as [->|]; [tauto|ring].
  - rewrite IH by auto. unfold indicator. destruct (same a b) as [->|]; [tauto|ring].
Qed.
Theorem metropolis_spectrum_kernel_holds : metropolis_spectrum_kernel.
Proof.
  intros A same s q mu acc y N Hy. unfold step, kernel.
  rewrite (sum_ext s (fun x => mu x * (q y * acc x y + indicator (same x y) * (1 - sum s (fun z => q z * acc x z))))
    (fun x => mu x * (q y * acc x y) + indicator (same y x) * (mu x * (1 - sum s (fun z => q z * acc x z))))).
  - rewrite sum_plus, sum_point by auto. reflexivity.
  - intros x _. unfold indicator. destruct (same x y), (same y x); subst; try congruence; ring.
Qed.

(** ** The distance to the target *)
Lemma star_pos {A} (s : list A) (q pi : A -> R) x : full s q -> full s pi -> In x s -> 0 < pi x / q x.
Proof. intros [Q _] [Pi _] Hx. apply Rdiv_lt_0_compat; auto. Qed.
Lemma mh_below {A} (s : list A) (q pi : A -> R) x y : full s q -> full s pi -> In x s -> In y s ->
  pi y / q y <= pi x / q x -> mh q pi x y = (pi y / q y) / (pi x / q x).
Proof.
  intros Q Pi Hx Hy H. pose proof (star_pos s q pi x Q Pi Hx). unfold mh. apply Rmin_right.
  apply (Rmult_le_reg_r (pi x / q x)); auto. unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.
Lemma mh_above {A} (s : list A) (q pi : A -> R) x y : full s q -> full s pi -> In x s -> In y s ->
  pi x / q x <= pi y / q y -> mh q pi x y = 1.
Proof.
  intros Q Pi Hx Hy H. pose proof (star_pos s q pi x Q Pi Hx). unfold mh. apply Rmin_left.
  apply (Rmult_le_reg_r (pi x / q x)); auto. unfold Rdiv at 2. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.
Lemma mh_balance {A} (s : list A) (q pi : A -> R) x y : full s q -> full s pi -> In x s -> In y s ->
  pi x * (q y * mh q pi x y) = pi y * (q x * mh q pi y x).
Proof.
  intros Q Pi Hx Hy. assert (0 < q x) by (apply Q; auto). assert (0 < q y) by (apply Q; auto).
  assert (0 < pi x) by (apply Pi; auto). assert (0 < pi y) by (apply Pi; auto).
  destruct (Rle_dec (pi y / q y) (pi x / q x)) as [Hl|Hl].
  - rewrite (mh_below s q pi x y), (mh_above s q pi y x) by auto. field. repeat split; lra.
  - rewrite (mh_above s q pi x y), (mh_below s q pi y x) by (auto; lra). field. repeat split; lra.
Qed.
Lemma step_target {A} (s : list A) (q pi : A -> R) y : full s q -> full s pi -> In y s ->
  step s q (mh q pi) pi y = pi y.
Proof.
  intros Q Pi Hy. unfold step.
  rewrite (sum_ext s _ (fun x => pi y * (q x * mh q pi y x))) by (intros; apply (mh_balance s); auto).
  rewrite sum_scal. ring.
Qed.
Lemma step_linear {A} (s : list A) (q : A -> R) acc mu nu a b y :
  step s q acc (fun x => a * mu x + b * nu x) y = a * step s q acc mu y + b * step s q acc nu y.
Proof.
  unfold step. rewrite (sum_ext s _ (fun x => a * (mu x * (q y * acc x y)) + b * (nu x * (q y * acc x y)))) by
      (intros; ring).
  rewrite sum_plus, !sum_scal. ring.
Qed.
Lemma step_ext {A} (s : list A) (q : A -> R) acc mu nu y : (forall x, In x s -> mu x = nu x) -> In y s ->
  step s q acc mu y = step s q acc nu y.
Proof. intros H Hy. unfold step. rewrite (H y Hy). f_equal. apply sum_ext. intros x Hx. rewrite H; auto. Qed.
Theorem metropolis_spectrum_heaviest_holds : metropolis_spectrum_heaviest.
Proof.
  intros A same s q pi x1 k N Q Pi H1 Hw star at_k.
  pose proof (star_pos s q pi x1 Q Pi H1) as Sp. fold star in Sp.
  assert (S1 : forall y, In y s -> step s q (mh q pi) (fun y => indicator (same x1 y)) y =
    (1 - / star) * indicator (same x1 y) + / star * pi y).
  { intros y Hy. unfold step.
    rewrite (sum_point same s (fun x => q y * mh q pi x y) x1 N H1).
    rewrite (mh_below s q pi x1 y) by auto. fold star. assert (0 < q y) by (apply Q; auto).
    unfold indicator. destruct (same x1 y) as [E1|_].
    - subst y. rewrite (sum_ext s _ (fun z => / star * pi z)).
      + rewrite sum_scal, (proj2 Pi). assert (Eq : pi x1 = star * q x1) by (unfold star; field; lra).
        rewrite Eq. field. lra.
      + intros z Hz. rewrite (mh_below s q pi x1 z) by auto. fold star. assert (0 < q z) by (apply Q; auto). field. lra.
    - field. lra. }
  assert (X : forall y, In y s -> at_k y = (1 - / star) ^ k * indicator (same x1 y) + (1 - (1 - / star) ^ k) * pi y).
  { unfold at_k. clear at_k. induction k as [|k IH]; intros y Hy; simpl; [ring|].
    rewrite (step_ext s q _ _ (fun y => (1 - / star) ^ k * indicator (same x1 y) + (1 - (1 - / star) ^ k) * pi y)) by
        auto.
    rewrite step_linear, S1, step_target by auto. ring. }
  split; auto. unfold TV. set (r := (1 - / star) ^ k) in *.
  assert (Star1 : 1 <= star).
  { rewrite <- (proj2 Pi). rewrite <- (Rmult_1_r star), <- (proj2 Q), <- sum_scal. apply sum_le. intros z Hz.
    specialize (Hw z Hz). fold star in Hw. assert (0 < q z) by (apply Q; auto).
    apply (Rmult_le_compat_r (q z)) in Hw; [|lra]. unfold Rdiv in Hw. rewrite Rmult_assoc, Rinv_l in Hw; lra. }
  assert (R0 : 0 <= r).
  { apply pow_le. assert (/ star <= 1); [|lra]. rewrite <- Rinv_1. apply Rinv_le_contravar; lra. }
  rewrite (sum_ext s _ (fun y => r * (indicator (same x1 y) * (1 - 2 * pi y) + pi y))).
  - rewrite sum_scal, sum_plus, sum_point, (proj2 Pi) by auto. field.
  - intros y Hy. rewrite X by auto. replace (r * indicator (same x1 y) + (1 - r) * pi y - pi y)
      with (r * (indicator (same x1 y) - pi y)) by ring. rewrite Rabs_mult, (Rabs_right r) by lra. f_equal.
    assert (Y : 0 < pi y) by (apply Pi; auto).
    assert (Y1 : pi y <= 1). { rewrite <- (proj2 Pi). apply sum_at_least; auto. intros z Hz. left. apply Pi; auto. }
    unfold indicator. destruct (same x1 y).
    + rewrite Rabs_right by lra. ring.
    + rewrite Rabs_left by lra. ring.
Qed.
Lemma Rabs_sum {A} (s : list A) f : Rabs (sum s f) <= sum s (fun a => Rabs (f a)).
Proof.
  induction s; simpl; [rewrite Rabs_R0; lra|]. eapply Rle_trans; [apply Rabs_triang|]. lra.
Qed.
Theorem metropolis_spectrum_every_start_holds : metropolis_spectrum_every_start.
Proof.
  intros A s q pi mu star k N Q Pi [Mu0 Mu1] Hw.
  pose proof (law_support s pi (full_law s pi Pi)) as Ne.
  assert (Sp : 0 < star).
  { destruct s as [|x s']; [congruence|]. apply Rlt_le_trans with (pi x / q x).
    - apply (star_pos (x :: s')); simpl; auto. - apply Hw. simpl; auto. }
  set (acc := mh q pi). set (r := fun y => 1 - sum s (fun z => q z * acc y z)).
  assert (Acc : forall x y, In x s -> In y s -> / star * pi y <= q y * acc x y).
  { intros x y Hx Hy. assert (0 < q y) by (apply Q; auto). assert (0 < pi y) by (apply Pi; auto).
    pose proof (star_pos s q pi x Q Pi Hx). pose proof (Hw x Hx). pose proof (Hw y Hy).
    destruct (Rle_dec (pi y / q y) (pi x / q x)) as [Hl|Hl]; unfold acc.
    - rewrite (mh_below s q pi x y) by auto. replace (q y * (pi y / q y / (pi x / q x))) with (/ (pi x / q x) * pi y).
      + apply Rmult_le_compat_r; [lra|]. apply Rinv_le_contravar; auto.
      + assert (0 < q x) by (apply Q; auto). assert (0 < pi x) by (apply Pi; auto). field. repeat split; lra.
    - rewrite (mh_above s q pi x y) by (auto; lra). rewrite Rmult_1_r.
      apply (Rmult_le_reg_l star); auto. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
      apply (Rmult_le_compat_r (q y)) in H3; [|lra]. unfold Rdiv in H3. rewrite Rmult_assoc, Rinv_l in H3; lra. }
  assert (Rp : forall y, In y s -> 0 <= r y).
  { intros y Hy. unfold r. assert (sum s (fun z => q z * acc y z) <= 1); [|lra]. rewrite <- (proj2 Q).
    apply sum_le. intros z Hz. assert (0 < q z) by (apply Q; auto). rewrite <- (Rmult_1_r (q z)) at 2.
    apply Rmult_le_compat_l; [lra|]. apply Rmin_l. }
  assert (C1 : forall nu, sum s nu = 1 -> sum s (step s q acc nu) = 1).
  { intros nu Hn. unfold step. rewrite sum_plus, sum_swap.
    rewrite (sum_ext s (fun a => sum s (fun y => nu a * (q y * acc a y))) (fun a => nu a * sum s (fun z => q z * acc
        a z)))
      by (intros; apply sum_scal).
    rewrite <- sum_plus. transitivity (sum s nu); [|exact Hn]. apply sum_ext. intros; ring. }
  assert (Contract : forall nu, sum s nu = 1 -> TV s (step s q acc nu) pi <= (1 - / star) * TV s nu pi).
  { intros nu Hn. unfold TV. set (d := fun x => nu x - pi x).
    assert (D0 : sum s d = 0) by (unfold d; rewrite sum_minus, Hn, (proj2 Pi); ring).
    assert (X : forall y, In y s -> step s q acc nu y - pi y =
      sum s (fun x => d x * (q y * acc x y - / star * pi y)) + d y * r y).
    { intros y Hy. pose proof (step_target s q pi y Q Pi Hy) as St. fold acc in St.
      transitivity (step s q acc nu y - step s q acc pi y); [rewrite St; reflexivity|]. unfold step. fold (r y).
      rewrite (sum_ext s (fun x => d x * (q y * acc x y - / star * pi y))
        (fun x => nu x * (q y * acc x y) - pi x * (q y * acc x y) - d x * (/ star * pi y))) by (intros; unfold d; ring).
      rewrite !sum_minus, sum_scal_r, D0. unfold d. ring. }
    assert (Y : sum s (fun y => Rabs (step s q acc nu y - pi y)) <= (1 - / star) * sum s (fun x => Rabs (d x))).
    { apply Rle_trans with (sum s (fun y => sum s (fun x => Rabs (d x) * (q y * acc x y - / star * pi y)) + Rabs (d
        y) * r y)).
      - apply sum_le. intros y Hy. rewrite X by auto. eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat.
        + eapply Rle_trans; [apply Rabs_sum|]. apply sum_le. intros x Hx. rewrite Rabs_mult.
          rewrite (Rabs_right (q y * acc x y - / star * pi y)); [lra|]. pose proof (Acc x y Hx Hy). lra.
        + rewrite Rabs_mult, (Rabs_right (r y)); [lra|]. pose proof (Rp y Hy). lra.
      - rewrite sum_plus, sum_swap.
        rewrite (sum_ext s (fun a => sum s (fun y => Rabs (d a) * (q y * acc a y - / star * pi y)))
          (fun a => Rabs (d a) * (sum s (fun z => q z * acc a z) - / star))).
        + rewrite <- sum_plus, <- sum_scal. right. apply sum_ext. intros; unfold r; ring.
        + intros a Ha. rewrite sum_scal, sum_minus, sum_scal, (proj2 Pi). ring. }
    unfold d in Y. lra. }
  assert (Star1 : / star <= 1).
  { rewrite <- (proj2 Q). destruct s as [|x s'] eqn:Es; [congruence|]. rewrite <- Es in *.
    rewrite <- (Rmult_1_r (/ star)), <- (proj2 Pi), <- sum_scal. apply sum_le. intros z Hz.
    eapply Rle_trans; [apply (Acc z z Hz Hz)|]. assert (0 < q z) by (apply Q; auto).
    rewrite <- (Rmult_1_r (q z)) at 2. apply Rmult_le_compat_l; [lra|]. apply Rmin_l. }
  assert (Sum1 : forall j, sum s (law_after s q acc mu j) = 1).
  { induction j; [auto|]. apply (C1 (law_after s q acc mu j)); auto. }
  induction k as [|k IH]; simpl.
  - unfold TV. assert (sum s (fun a => Rabs (mu a - pi a)) <= 2); [|lra].
    replace 2 with (sum s (fun a => mu a + pi a)) by (rewrite sum_plus, Mu1, (proj2 Pi); ring).
    apply sum_le. intros a Ha. pose proof (Mu0 a Ha). assert (0 < pi a) by (apply Pi; auto).
    unfold Rabs. destruct Rcase_abs; lra.
  - eapply Rle_trans; [apply Contract; apply Sum1|]. apply Rmult_le_compat_l; [lra|]. exact IH.
Qed.

(** ** The spectrum: states 0, ..., n - 1 by rising weight *)
Lemma sum_split n k (f : nat -> R) : (k < n)%nat ->
  sum (seq 0 n) f = sum (seq 0 k) f + f k + sum (seq (S k) (n - S k)) f.
Proof.
  intros Hk. replace n with (k + S (n - S k))%nat at 1 by lia. rewrite seq_app, sum_app. simpl. lra.
Qed.
Lemma in_below i k : In i (seq 0 k) <-> (i < k)%nat.
Proof. rewrite in_seq. lia. Qed.
Lemma mode_below pi k i : (i < k)%nat -> mode pi k i = - pi k.
Proof. intros H. unfold mode. destruct (Nat.ltb_spec i k); [auto|lia]. Qed.
Lemma mode_at pi k : mode pi k k = sum (seq 0 k) pi.
Proof. unfold mode. rewrite Nat.ltb_irrefl, Nat.eqb_refl. reflexivity. Qed.
Lemma mode_above pi k i : (k < i)%nat -> mode pi k i = 0.
Proof. intros H. unfold mode. destruct (Nat.ltb_spec i k); [lia|]. destruct (Nat.eqb_spec i k); [lia|auto]. Qed.

Section Ranked.
Variables (n : nat) (q pi : nat -> R).
Hypothesis ranks : ranked n q pi.
Let w := weight q pi.
Let s := seq 0 n.
Let acc := mh q pi.
Let P := chain n q pi.
Let x := eigenvalue n q pi.
Let Q : full s q := proj1 ranks.
Let Pi : full s pi := proj1 (proj2 ranks).

Lemma state i : (i < n)%nat -> In i s.
Proof. intros. unfold s. apply in_seq. lia. Qed.
Lemma q_pos i : (i < n)%nat -> 0 < q i.
Proof. intros. apply Q, state. auto. Qed.
Lemma pi_pos i : (i < n)%nat -> 0 < pi i.
Proof. intros. apply Pi, state. auto. Qed.
Lemma w_pos i : (i < n)%nat -> 0 < w i.
Proof. intros. apply Rdiv_lt_0_compat; [apply pi_pos|apply q_pos]; auto. Qed.
Lemma w_rises i j : (i <= j < n)%nat -> w i <= w j.
Proof. apply ranks. Qed.
Lemma pi_w i : (i < n)%nat -> pi i = w i * q i.
Proof. intros H. pose proof (q_pos i H). unfold w, weight. field. lra. Qed.
Lemma acc_below i j : (j <= i < n)%nat -> acc i j = w j / w i.
Proof. intros H. apply (mh_below s); auto; try (apply state; lia). apply w_rises. auto. Qed.
Lemma acc_above i j : (i <= j < n)%nat -> acc i j = 1.
Proof. intros H. apply (mh_above s); auto; try (apply state; lia). apply w_rises. auto. Qed.
Lemma P_mean i f : (i < n)%nat -> sum s (fun j => P i j * f j) = f i + sum s (fun j => q j * acc i j * (f j - f i)).
Proof.
  intros Hi. unfold P, chain, kernel. fold s acc.
  rewrite (sum_ext s _ (fun j => q j * acc i j * f j + indicator (Nat.eq_dec i j) * ((1 - sum s (fun z => q z * acc i
      z)) * f j)))
    by (intros; ring).
  rewrite sum_plus, (sum_point Nat.eq_dec s _ i); [|apply seq_NoDup|apply state; auto].
  rewrite (sum_ext s (fun j => q j * acc i j * (f j - f i)) (fun j => q j * acc i j * f j - q j * acc i j * f i)) by
      (intros; ring).
  rewrite sum_minus, sum_scal_r. ring.
Qed.
Lemma eigenvalue_sum k : (k < n)%nat -> x k = sum (seq 0 k) q - sum (seq 0 k) pi / w k.
Proof.
  intros Hk. pose proof (w_pos k Hk). unfold x, eigenvalue. fold w. rewrite (sum_split n k) by auto.
  rewrite (sum_ext (seq 0 k) _ (fun i => q i - pi i * / w k)).
  - rewrite sum_minus, sum_scal_r. rewrite (sum_ext (seq (S k) (n - S k)) _ (fun _ => 0)).
    + rewrite sum_zero. replace (w k / w k) with 1 by (field; lra). rewrite Rmax_left by lra. unfold Rdiv. ring.
    + intros i Hi. apply in_seq in Hi. rewrite Rmax_left; [ring|].
      assert (w k <= w i) by (apply w_rises; lia). assert (1 <= w i / w k); [|lra].
      apply (Rmult_le_reg_r (w k)); auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
  - intros i Hi. apply in_below in Hi. assert (w i <= w k) by (apply w_rises; lia).
    rewrite Rmax_right.
    + rewrite (pi_w i) by lia. field. lra.
    + assert (w i / w k <= 1); [|lra]. apply (Rmult_le_reg_r (w k)); auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l;
        lra.
Qed.
Lemma q_rest k : (k < n)%nat -> sum (seq (S k) (n - S k)) q = 1 - sum (seq 0 k) q - q k.
Proof. intros Hk. pose proof (sum_split n k q Hk) as X. fold s in X. rewrite (proj2 Q) in X. lra. Qed.
Lemma pi_before k : (1 <= k <= n)%nat -> 0 < sum (seq 0 k) pi.
Proof.
  intros Hk. apply sum_pos; [destruct k; [lia|simpl; congruence]|].
  intros i Hi. apply in_below in Hi. apply pi_pos. lia.
Qed.
Lemma eigen k i : (1 <= k < n)%nat -> (i < n)%nat -> sum s (fun j => P i j * mode pi k j) = x k * mode pi k i.
Proof.
  intros Hk Hi. rewrite P_mean by auto. unfold s. rewrite (sum_split n k) by lia.
  rewrite eigenvalue_sum by lia. pose proof (w_pos k (proj2 Hk)) as Wk. pose proof (pi_w k (proj2 Hk)) as Pk.
  set (A := sum (seq 0 k) pi) in *. set (B := sum (seq 0 k) q) in *.
  destruct (Nat.lt_trichotomy i k) as [Hl|[->|Hg]].
  - rewrite (sum_ext (seq 0 k) _ (fun _ => 0)).
    + rewrite (sum_ext (seq (S k) (n - S k)) _ (fun j => pi k * q j)).
      * rewrite sum_zero, sum_scal, q_rest by lia. rewrite (mode_below pi k i Hl), mode_at, acc_above by lia.
        fold A B. rewrite Pk. field. lra.
      * intros j Hj. apply in_seq in Hj. rewrite acc_above, (mode_below pi k i), mode_above by lia. ring.
    + intros j Hj. apply in_below in Hj. rewrite !mode_below by lia. ring.
  - rewrite (sum_ext (seq 0 k) _ (fun j => - (pi k + A) / w k * pi j)).
    + rewrite (sum_ext (seq (S k) (n - S k)) _ (fun j => - A * q j)).
      * rewrite !sum_scal, q_rest by lia. rewrite mode_at. fold A B. rewrite Pk. field. lra.
      * intros j Hj. apply in_seq in Hj. rewrite acc_above, mode_at, mode_above by lia. fold A. ring.
    + intros j Hj. apply in_below in Hj. rewrite acc_below, mode_at, mode_below, (pi_w j) by lia. fold A. field. lra.
  - pose proof (w_pos i Hi). rewrite (sum_ext (seq 0 k) _ (fun j => - pi k / w i * pi j)).
    + rewrite (sum_ext (seq (S k) (n - S k)) _ (fun _ => 0)).
      * rewrite sum_zero, sum_scal, acc_below, mode_at, (mode_above pi k i) by lia. fold A. rewrite Pk. field. lra.
      * intros j Hj. apply in_seq in Hj. rewrite !mode_above by lia. ring.
    + intros j Hj. apply in_below in Hj. rewrite acc_below, (mode_above pi k i), mode_below, (pi_w j) by lia. field.
        lra.
Qed.
Lemma mode_mean k : (1 <= k < n)%nat -> E s pi (mode pi k) = 0.
Proof.
  intros Hk. unfold E, s. rewrite (sum_split n k) by lia.
  rewrite (sum_ext (seq 0 k) _ (fun i => pi i * - pi k)).
  - rewrite (sum_ext (seq (S k) (n - S k)) _ (fun _ => 0)).
    + rewrite sum_zero, sum_scal_r, mode_at. ring.
    + intros i Hi. apply in_seq in Hi. rewrite mode_above by lia. ring.
  - intros i Hi. apply in_below in Hi. rewrite mode_below by lia. ring.
Qed.
Lemma mode_square k : (1 <= k < n)%nat -> 0 < E s pi (fun i => mode pi k i ^ 2).
Proof.
  intros Hk. apply (sum_pos_at _ _ k); [|apply state; lia|].
  - intros i Hi. apply Rmult_le_pos; [|apply pow2_ge_0]. left. apply Pi. auto.
  - rewrite mode_at. apply Rmult_lt_0_compat; [apply pi_pos; lia|]. apply pow_lt. apply pi_before. lia.
Qed.
Lemma mode_orthogonal j k : (1 <= j < k)%nat -> (k < n)%nat -> E s pi (fun i => mode pi j i * mode pi k i) = 0.
Proof.
  intros Hj Hk. transitivity (- pi k * E s pi (mode pi j)); [|rewrite mode_mean by lia; ring].
  rewrite <- E_scal. apply sum_ext. intros i Hi. unfold s in Hi. apply in_below in Hi. f_equal.
  destruct (Nat.lt_ge_cases i k) as [Hl|Hg].
  - rewrite (mode_below pi k i) by auto. ring.
  - rewrite (mode_above pi j i) by lia. ring.
Qed.
Lemma expand f m : (1 <= m <= n)%nat ->
  exists c, forall i, (i < m)%nat -> f i = c O + sum (seq 1 (m - 1)) (fun k => c k * mode pi k i).
Proof.
  induction m as [|m IH]; [lia|]. intros Hm. destruct m as [|m].
  - exists (fun _ => f O). intros i Hi. replace i with O by lia. simpl. ring.
  - destruct IH as [c Hc]; [lia|]. set (k0 := S m) in *.
    assert (Pk : 0 < pi k0) by (apply pi_pos; lia).
    pose proof (pi_before k0) as Bk. assert (B0 : 0 < sum (seq 0 k0) pi) by (apply Bk; unfold k0; lia). clear Bk.
    set (a := (f k0 - c O) / (pi k0 + sum (seq 0 k0) pi)).
    exists (fun k => if Nat.eqb k k0 then a else if Nat.eqb k 0 then c O + a * pi k0 else c k).
    intros i Hi. replace (S k0 - 1)%nat with (k0 - 1 + 1)%nat by (unfold k0; lia).
    rewrite seq_app, sum_app. replace (1 + (k0 - 1))%nat with k0 by (unfold k0; lia). cbn [seq sum].
    cbv beta. rewrite Nat.eqb_refl. replace (Nat.eqb 0 k0) with false by reflexivity. rewrite Nat.eqb_refl. cbv iota.
    rewrite (sum_ext (seq 1 (k0 - 1)) _ (fun k => c k * mode pi k i)).
    + destruct (Nat.eq_dec i k0) as [->|Hn].
      * rewrite mode_at, (sum_ext (seq 1 (k0 - 1)) _ (fun _ => 0)).
        -- rewrite sum_zero. unfold a. field. lra.
        -- intros k Hk. apply in_seq in Hk. rewrite mode_above by lia. ring.
      * rewrite (mode_below pi k0 i) by lia. rewrite (Hc i) by lia. ring.
    + intros k Hk. apply in_seq in Hk. destruct (Nat.eqb_spec k k0); [lia|]. destruct (Nat.eqb_spec k 0); [lia|].
        reflexivity.
Qed.
Lemma eigenvalue_range k : (1 <= k < n)%nat -> 0 <= x k <= x (n - 1)%nat.
Proof.
  intros Hk. unfold x, eigenvalue. fold w. split.
  - apply sum_nonneg. intros i Hi. apply Rmult_le_pos; [left; apply Q; auto|apply Rmax_l].
  - apply sum_le. intros i Hi. unfold s in Hi. apply in_below in Hi. apply Rmult_le_compat_l; [left; apply q_pos;
      auto|].
    assert (w k <= w (n - 1)%nat) by (apply w_rises; lia). pose proof (w_pos k (proj2 Hk)). pose proof (w_pos i Hi).
    apply Rmax_lub; [apply Rmax_l|]. eapply Rle_trans; [|apply Rmax_r].
    assert (w i / w (n - 1)%nat <= w i / w k); [|lra]. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; auto.
Qed.
Lemma eigenvalue_last : (1 <= n)%nat -> x (n - 1)%nat = 1 - / w (n - 1)%nat.
Proof.
  intros Hn. rewrite eigenvalue_sum by lia.
  pose proof (sum_split n (n - 1) q) as Sq. pose proof (sum_split n (n - 1) pi) as Sp. fold s in Sq, Sp.
  rewrite (proj2 Q) in Sq. rewrite (proj2 Pi) in Sp.
  replace (n - S (n - 1))%nat with O in Sq, Sp by lia. simpl (sum (seq _ 0) _) in Sq, Sp.
  specialize (Sq ltac:(lia)). specialize (Sp ltac:(lia)).
  replace (sum (seq 0 (n - 1)) q) with (1 - q (n - 1)%nat) by lra.
  replace (sum (seq 0 (n - 1)) pi) with (1 - pi (n - 1)%nat) by lra.
  pose proof (w_pos (n - 1)) as Wn. rewrite (pi_w (n - 1)) by lia. field. assert (0 < w (n - 1)%nat) by (apply Wn;
      lia). lra.
Qed.
Lemma rows i : (i < n)%nat -> sum s (P i) = 1.
Proof.
  intros Hi. rewrite (sum_ext s (P i) (fun j => P i j * 1)) by (intros; ring). rewrite (P_mean i (fun _ => 1)) by auto.
  rewrite (sum_ext s _ (fun _ => 0)) by (intros; ring). rewrite sum_zero. ring.
Qed.
Lemma mean_after_modes f c t i : (i < n)%nat ->
  (forall i, (i < n)%nat -> f i = c O + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i)) ->
  mean_after s P f t i = c O + sum (seq 1 (n - 1)) (fun k => c k * x k ^ t * mode pi k i).
Proof.
  intros Hi Hf. revert i Hi. induction t as [|t IH]; intros i Hi; simpl.
  - rewrite Hf by auto. f_equal. apply sum_ext. intros; ring.
  - rewrite (sum_ext s _ (fun j => P i j * c O + sum (seq 1 (n - 1)) (fun k => c k * x k ^ t * (P i j * mode pi k j)))).
    + rewrite sum_plus, sum_scal_r, rows, sum_swap by auto. rewrite Rmult_1_l. f_equal. apply sum_ext.
      intros k Hk. apply in_seq in Hk. rewrite sum_scal, eigen by lia. ring.
    + intros j Hj. unfold s in Hj. apply in_below in Hj. rewrite IH by auto. rewrite Rmult_plus_distr_l, <- sum_scal.
      f_equal. apply sum_ext. intros; ring.
Qed.
End Ranked.

Theorem metropolis_spectrum_eigenvalues_holds : metropolis_spectrum_eigenvalues.
Proof. intros n q pi k i H Hk Hi. apply eigen; auto. Qed.
Theorem metropolis_spectrum_complete_holds : metropolis_spectrum_complete.
Proof.
  intros n q pi H. split; [|split].
  - intros k Hk. split; [apply mode_mean; auto|apply (mode_square n q pi); auto].
  - intros. apply mode_orthogonal; auto.
  - intros f. apply (expand n q pi H). split; [|lia].
    destruct n as [|n]; [|lia]. destruct H as [[_ Q1] _]. simpl in Q1. lra.
Qed.
Theorem metropolis_spectrum_second_holds : metropolis_spectrum_second.
Proof. intros n q pi k H Hk. split; [apply eigenvalue_range|apply eigenvalue_last]; auto. lia. Qed.
Theorem metropolis_spectrum_every_step_holds : metropolis_spectrum_every_step.
Proof. intros n q pi f c t i H Hi Hf. apply mean_after_modes; auto. Qed.

(** ** Corpora of successive states *)
Section Paths.
Context {A : Type}.
Variables (s : list A) (P : A -> A -> R).
Hypothesis rows1 : forall x, In x s -> sum s (P x) = 1.
Lemma path_ext n : forall x F G, (forall c, length c = n -> F c = G c) -> path s P n x F = path s P n x G.
Proof.
  induction n as [|n IH]; intros x F G H; simpl; [apply H; auto|]. apply sum_ext. intros y Hy. f_equal.
  apply IH. intros c Hc. apply H. simpl. auto.
Qed.
Lemma path_plus n : forall x F G, path s P n x (fun c => F c + G c) = path s P n x F + path s P n x G.
Proof.
  induction n as [|n IH]; intros x F G; simpl; [reflexivity|]. rewrite <- sum_plus. apply sum_ext. intros y _.
  rewrite IH. ring.
Qed.
Lemma path_scal n : forall x k F, path s P n x (fun c => k * F c) = k * path s P n x F.
Proof.
  induction n as [|n IH]; intros x k F; simpl; [reflexivity|]. rewrite <- sum_scal. apply sum_ext. intros y _.
  rewrite IH. ring.
Qed.
Lemma path_const n : forall x k, In x s -> path s P n x (fun _ => k) = k.
Proof.
  induction n as [|n IH]; intros x k Hx; simpl; [reflexivity|].
  rewrite (sum_ext s _ (fun y => P x y * k)) by (intros; rewrite IH; auto). rewrite sum_scal_r, rows1 by auto. ring.
Qed.
Definition U n f x := path s P n x (fun c => sum c f).
Definition B n f g x := path s P n x (fun c => sum c f * sum c g).
Lemma U_next n f x : U (S n) f x = sum s (fun y => P x y * (f y + U n f y)).
Proof.
  unfold U. simpl. apply sum_ext. intros y Hy. f_equal. rewrite path_plus, path_const; auto.
Qed.
Lemma B_ahead n f g y : In y s -> path s P n y (fun c => sum (y :: c) f * sum (y :: c) g) =
  f y * g y + (f y * U n g y + (g y * U n f y + B n f g y)).
Proof.
  intros Hy. simpl. rewrite (path_ext n y _ (fun c => f y * g y + (f y * sum c g + (g y * sum c f + sum c f * sum c
      g))))
    by (intros; ring).
  rewrite !path_plus, path_const, !path_scal by auto. reflexivity.
Qed.
End Paths.

Section Corpora.
Variables (n : nat) (q pi : nat -> R).
Hypothesis ranks : ranked n q pi.
Let s := seq 0 n.
Let P := chain n q pi.
Let x := eigenvalue n q pi.
Let nv k := E s pi (fun i => mode pi k i ^ 2).
Let Pi : full s pi := proj1 (proj2 ranks).
Let modes := seq 1 (n - 1).

Lemma mean_mode k : (1 <= k < n)%nat -> E s pi (mode pi k) = 0.
Proof. apply mode_mean. Qed.
Lemma orthogonal j k : (1 <= j < k)%nat -> (k < n)%nat -> E s pi (fun i => mode pi j i * mode pi k i) = 0.
Proof. apply mode_orthogonal. Qed.
Lemma rows1 i : In i s -> sum s (P i) = 1.
Proof. intros Hi. apply rows; auto. apply in_below. auto. Qed.
Lemma stationary h : E s pi (fun i => sum s (fun j => P i j * h j)) = E s pi h.
Proof.
  unfold E. rewrite (sum_ext s _ (fun i => sum s (fun j => pi i * (P i j * h j)))) by (intros; rewrite sum_scal; auto).
  rewrite sum_swap. apply sum_ext. intros j Hj.
  rewrite (sum_ext s _ (fun i => pi i * kernel Nat.eq_dec s q (mh q pi) i j * h j)).
  - rewrite sum_scal_r, <- metropolis_spectrum_kernel_holds; [|apply seq_NoDup|auto].
    rewrite step_target; auto. apply (proj1 ranks).
  - intros i Hi. unfold P, chain. fold s. ring.
Qed.
Lemma E_swap k (c : nat -> R) (h : nat -> nat -> R) : E s pi (fun i => sum k (fun j => c j * h j i)) =
  sum k (fun j => c j * E s pi (h j)).
Proof.
  unfold E. rewrite (sum_ext s _ (fun i => sum k (fun j => c j * (pi i * h j i)))).
  - rewrite sum_swap. apply sum_ext. intros; apply sum_scal.
  - intros i _. rewrite <- sum_scal. apply sum_ext. intros; ring.
Qed.
Lemma inner_one k e0 e : In k modes ->
  E s pi (fun i => mode pi k i * (e0 + sum modes (fun j => e j * mode pi j i))) = e k * nv k.
Proof.
  intros Hk. assert (Hk' : (1 <= k < n)%nat) by (apply in_seq in Hk; lia).
  rewrite (E_ext s pi _ (fun i => e0 * mode pi k i + sum modes (fun j => e j * (mode pi k i * mode pi j i)))).
  - rewrite E_plus, E_scal, mean_mode, E_swap by auto.
    rewrite (sum_ext modes _ (fun j => indicator (Nat.eq_dec k j) * (e j * nv j))).
    + rewrite sum_point; [ring|apply seq_NoDup|auto].
    + intros j Hj. apply in_seq in Hj. unfold indicator. destruct (Nat.eq_dec k j) as [<-|Hn].
      * rewrite Rmult_1_l. unfold nv. f_equal. apply E_ext. intros; ring.
      * rewrite Rmult_0_l. destruct (Nat.lt_ge_cases k j).
        -- rewrite orthogonal by lia. ring.
        -- rewrite (E_ext s pi _ (fun i => mode pi j i * mode pi k i)) by (intros; ring).
           rewrite orthogonal by lia. ring.
  - intros i _. rewrite Rmult_plus_distr_l, <- sum_scal. rewrite Rmult_comm. f_equal. apply sum_ext. intros; ring.
Qed.
Lemma inner c0 c e0 e f g : (forall i, In i s -> f i = c0 + sum modes (fun k => c k * mode pi k i)) ->
  (forall i, In i s -> g i = e0 + sum modes (fun k => e k * mode pi k i)) ->
  E s pi (fun i => f i * g i) = c0 * e0 + sum modes (fun k => c k * e k * nv k).
Proof.
  intros Hf Hg.
  rewrite (E_ext s pi _ (fun i => c0 * g i + sum modes (fun k => c k * (mode pi k i * (e0 + sum modes (fun j => e j *
      mode pi j i)))))).
  - rewrite E_plus, E_scal, E_swap. rewrite (E_ext s pi g (fun i => e0 + sum modes (fun k => e k * mode pi k i))) by
      auto.
    rewrite E_plus, E_const, E_swap by (apply full_law; auto).
    rewrite (sum_ext modes (fun j => e j * E s pi (mode pi j)) (fun _ => 0)).
    + rewrite sum_zero, Rplus_0_r. f_equal. apply sum_ext. intros k Hk. rewrite inner_one by auto. ring.
    + intros k Hk. apply in_seq in Hk. rewrite mean_mode by lia. ring.
  - intros i Hi. rewrite Hf, Hg by auto. rewrite Rmult_plus_distr_r, <- sum_scal_r. f_equal. apply sum_ext. intros;
      ring.
Qed.
Fixpoint geom (z : R) (m : nat) : R := match m with O => 0 | S j => z * (1 + geom z j) end.
Fixpoint series (z : R) (m : nat) : R := match m with O => 0 | S j => series z j + 1 + 2 * geom z j end.
Lemma U_modes c0 c f m i : (forall i, In i s -> f i = c0 + sum modes (fun k => c k * mode pi k i)) -> In i s ->
  U s P m f i = INR m * c0 + sum modes (fun k => c k * geom (x k) m * mode pi k i).
Proof.
  intros Hf. revert i. induction m as [|m IH]; intros i Hi.
  - unfold U. simpl. rewrite (sum_ext modes _ (fun _ => 0)) by (intros; ring). rewrite sum_zero. ring.
  - rewrite (U_next s P rows1).
    rewrite (sum_ext s _ (fun j => P i j * (INR (S m) * c0) + sum modes (fun k => c k * (1 + geom (x k) m) * (P i j *
        mode pi k j)))).
    + rewrite sum_plus, sum_scal_r, rows1, sum_swap, Rmult_1_l by auto. f_equal. apply sum_ext.
      intros k Hk. apply in_seq in Hk. rewrite sum_scal. unfold s, P. rewrite eigen; [|auto|lia|apply in_below; auto].
      fold x. simpl. ring.
    + intros j Hj. rewrite IH, Hf, S_INR by auto.
      rewrite (sum_ext modes (fun k => c k * (1 + geom (x k) m) * (P i j * mode pi k j))
        (fun k => P i j * (c k * mode pi k j) + P i j * (c k * geom (x k) m * mode pi k j))) by (intros; ring).
      rewrite sum_plus, !sum_scal. ring.
Qed.
Lemma EC_sum m f c0 c : (forall i, In i s -> f i = c0 + sum modes (fun k => c k * mode pi k i)) ->
  EC s pi P m (fun c => sum c f) = INR m * c0.
Proof.
  intros Hf. destruct m as [|m]; [simpl; ring|]. unfold EC.
  transitivity (E s pi (fun i => INR (S m) * c0 + sum modes (fun k => c k * (1 + geom (x k) m) * mode pi k i))).
  - apply sum_ext. intros i Hi. f_equal. simpl sum. rewrite path_plus, path_const by (auto; apply rows1).
    change (path s P m i (fun c1 => sum c1 f)) with (U s P m f i). rewrite (U_modes c0 c), Hf, S_INR by auto.
    rewrite (sum_ext modes (fun k => c k * (1 + geom (x k) m) * mode pi k i)
        (fun k => c k * mode pi k i + c k * geom (x k) m * mode pi k i)) by (intros; ring).
    rewrite sum_plus. ring.
  - rewrite E_plus, E_const, E_swap by (apply full_law; auto).
    rewrite (sum_ext modes _ (fun _ => 0)); [rewrite sum_zero; ring|].
    intros k Hk. apply in_seq in Hk. rewrite mean_mode by lia. ring.
Qed.
Variables (f g : nat -> R) (c0 d0 : R) (c d : nat -> R).
Hypothesis Hf : forall i, In i s -> f i = c0 + sum modes (fun k => c k * mode pi k i).
Hypothesis Hg : forall i, In i s -> g i = d0 + sum modes (fun k => d k * mode pi k i).
Let m k := c k * d k * nv k.
Let T N := INR N ^ 2 * (c0 * d0) + sum modes (fun k => m k * series (x k) N).
Lemma T_next N : T (S N) = E s pi (fun i => f i * g i + (f i * U s P N g i + g i * U s P N f i)) + T N.
Proof.
  rewrite !E_plus.
  rewrite (inner c0 c d0 d f g Hf Hg).
  rewrite (inner c0 c (INR N * d0) (fun k => d k * geom (x k) N) f (U s P N g) Hf)
    by (intros; apply U_modes; auto).
  rewrite (inner d0 d (INR N * c0) (fun k => c k * geom (x k) N) g (U s P N f) Hg)
    by (intros; apply U_modes; auto).
  unfold T. rewrite S_INR. cbn [series].
  rewrite (sum_ext modes (fun k => m k * (series (x k) N + 1 + 2 * geom (x k) N))
    (fun k => m k * series (x k) N + (c k * d k * nv k + (c k * (d k * geom (x k) N) * nv k + d k * (c k * geom (x k)
        N) * nv k))))
    by (intros; unfold m; ring).
  rewrite !sum_plus. ring.
Qed.
Lemma E_B N : E s pi (B s P N f g) = T N.
Proof.
  induction N as [|N IH].
  - unfold B, T. simpl. rewrite (sum_ext modes _ (fun _ => 0)) by (intros; ring). rewrite sum_zero.
    unfold E. rewrite (sum_ext s _ (fun _ => 0)) by (intros; ring). rewrite sum_zero. ring.
  - rewrite T_next, <- IH, <- E_plus. symmetry. etransitivity; [symmetry; apply stationary|].
    symmetry. apply E_ext. intros i Hi. unfold B at 1. cbn [path]. apply sum_ext. intros j Hj. f_equal. rewrite
        (B_ahead s P rows1) by auto. unfold B. ring.
Qed.
Lemma EC_product N : EC s pi P N (fun c => sum c f * sum c g) = T N.
Proof.
  destruct N as [|N].
  - unfold T. simpl. rewrite (sum_ext modes _ (fun _ => 0)) by (intros; ring). rewrite sum_zero. ring.
  - rewrite T_next, <- E_B, <- E_plus. apply sum_ext. intros i Hi. f_equal.
    rewrite (B_ahead s P rows1) by auto. ring.
Qed.
Lemma EC_ext N F G : (forall c, length c = N -> F c = G c) -> EC s pi P N F = EC s pi P N G.
Proof.
  intros H. destruct N as [|N]; simpl; [apply H; auto|]. apply sum_ext. intros i _. f_equal. apply path_ext.
  intros l Hl. apply H. simpl. auto.
Qed.
Lemma EC_scal N k F : EC s pi P N (fun c => k * F c) = k * EC s pi P N F.
Proof.
  destruct N as [|N]; simpl; [reflexivity|]. rewrite <- sum_scal. apply sum_ext. intros i _. rewrite path_scal. ring.
Qed.
Lemma EC_mean N h e0 e : (forall i, In i s -> h i = e0 + sum modes (fun k => e k * mode pi k i)) -> (1 <= N)%nat ->
  EC s pi P N (fun c => mean c h) = e0.
Proof.
  intros Hh HN. assert (Nz : INR N <> 0) by (apply not_0_INR; lia).
  rewrite (EC_ext N _ (fun c => / INR N * sum c h)).
  - rewrite EC_scal, (EC_sum N h e0 e Hh). field. auto.
  - intros l Hl. unfold mean. rewrite Hl. unfold Rdiv. ring.
Qed.
Lemma CovC_modes N : (1 <= N)%nat -> CovC s pi P N f g = / INR N ^ 2 * sum modes (fun k => m k * series (x k) N).
Proof.
  intros HN. assert (Nz : INR N <> 0) by (apply not_0_INR; lia). unfold CovC.
  rewrite (EC_mean N f c0 c Hf HN), (EC_mean N g d0 d Hg HN).
  rewrite (EC_ext N _ (fun c => / INR N ^ 2 * (sum c f * sum c g))).
  - rewrite EC_scal, EC_product. unfold T. field. auto.
  - intros l Hl. unfold mean. rewrite Hl. field. auto.
Qed.
Lemma Cov_modes : Cov s pi f g = sum modes m.
Proof.
  unfold Cov. rewrite (inner c0 c d0 d f g Hf Hg).
  assert (X : forall h e0 e, (forall i, In i s -> h i = e0 + sum modes (fun k => e k * mode pi k i)) -> E s pi h = e0).
  { intros h e0 e Hh. rewrite (E_ext s pi h _ Hh), E_plus, E_const, E_swap by (apply full_law; auto).
    rewrite (sum_ext modes _ (fun _ => 0)); [rewrite sum_zero; ring|].
    intros k Hk. apply in_seq in Hk. rewrite mean_mode by lia. ring. }
  rewrite (X f c0 c Hf), (X g d0 d Hg). unfold m. ring.
Qed.
End Corpora.
Lemma geom_closed z m : z <> 1 -> geom z m = z * (1 - z ^ m) / (1 - z).
Proof. intros Hz. induction m as [|m IH]; simpl; [|rewrite IH]; field; lra. Qed.
Lemma series_closed z m : z <> 1 -> series z m = INR m * (1 + z) / (1 - z) - 2 * z * (1 - z ^ m) / (1 - z) ^ 2.
Proof.
  intros Hz. induction m as [|m IH]; [simpl; field; lra|]. cbn [series]. rewrite IH, geom_closed, S_INR by auto.
  simpl pow. field. lra.
Qed.
Lemma eigenvalue_below_one n q pi k : ranked n q pi -> (1 <= k < n)%nat -> 0 <= eigenvalue n q pi k < 1.
Proof.
  intros H Hk. pose proof (eigenvalue_range n q pi H k Hk). rewrite (eigenvalue_last n q pi H) in H0 by lia.
  pose proof (w_pos n q pi H (n - 1) ltac:(lia)) as Wp. apply Rinv_0_lt_compat in Wp. lra.
Qed.
Theorem metropolis_corpora_covariance_holds : metropolis_corpora_covariance.
Proof.
  intros n q pi f g c d N H HN Hf Hg m x.
  assert (Hf' : forall i, In i (seq 0 n) -> f i = c O + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i))
    by (intros i Hi; apply Hf; apply in_below; auto).
  assert (Hg' : forall i, In i (seq 0 n) -> g i = d O + sum (seq 1 (n - 1)) (fun k => d k * mode pi k i))
    by (intros i Hi; apply Hg; apply in_below; auto).
  split.
  - apply (Cov_modes n q pi H f g _ _ c d Hf' Hg').
  - rewrite (CovC_modes n q pi H f g _ _ c d Hf' Hg' N HN). f_equal. apply sum_ext. intros k Hk. apply in_seq in Hk.
    pose proof (eigenvalue_below_one n q pi k H ltac:(lia)). rewrite series_closed by lra. reflexivity.
Qed.
Theorem metropolis_corpora_bound_holds : metropolis_corpora_bound.
Proof.
  intros n q pi f N H Hn HN. destruct (expand n q pi H f n ltac:(lia)) as [c Hf].
  destruct (metropolis_corpora_covariance_holds n q pi f f c c N H HN Hf Hf) as [V0 C0]. cbv zeta in V0, C0.
  rewrite C0. unfold Var. rewrite V0. clear C0 V0.
  assert (Np : 0 < INR N) by (apply lt_0_INR; lia). pose proof (w_pos n q pi H (n - 1) ltac:(lia)) as Wp.
  set (star := weight q pi (n - 1)) in *.
  replace ((2 * star - 1) * sum (seq 1 (n - 1)) (fun k => c k * c k * E (seq 0 n) pi (fun i => mode pi k i ^ 2)) /
      INR N)
    with (/ INR N ^ 2 * sum (seq 1 (n - 1)) (fun k => c k * c k * E (seq 0 n) pi (fun i => mode pi k i ^ 2) * (INR N
        * (2 * star - 1)))).
  2: { rewrite sum_scal_r. field. lra. }
  apply Rmult_le_compat_l; [left; apply Rinv_0_lt_compat, pow_lt; auto|]. apply sum_le. intros k Hk. apply in_seq in Hk.
  pose proof (eigenvalue_below_one n q pi k H ltac:(lia)) as X1. pose proof (eigenvalue_range n q pi H k ltac:(lia))
      as X2.
  rewrite (eigenvalue_last n q pi H) in X2 by lia. fold star in X2. set (z := eigenvalue n q pi k) in *.
  pose proof (mode_square n q pi H k ltac:(lia)). apply Rmult_le_compat_l.
  - apply Rmult_le_pos; [apply Rle_0_sqr|lra].
  - assert (Z1 : 0 < 1 - z) by lra.
    assert (G : (1 + z) / (1 - z) <= 2 * star - 1).
    { apply (Rmult_le_reg_r (1 - z)); auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
      assert (star * / star = 1) by (apply Rinv_r; lra). assert (0 < / star) by (apply Rinv_0_lt_compat; auto).
      assert (/ star <= 1 - z) by lra. assert (star * / star <= star * (1 - z)) by (apply Rmult_le_compat_l; lra).
          lra. }
    assert (K : 0 <= 2 * z * (1 - z ^ N) / (1 - z) ^ 2).
    { apply Rle_mult_inv_pos; [|apply pow_lt; auto]. assert (z ^ N <= 1) by (rewrite <- (pow1 N); apply pow_incr; lra).
      apply Rmult_le_pos; lra. }
    assert (INR N * ((1 + z) / (1 - z)) <= INR N * (2 * star - 1)) by (apply Rmult_le_compat_l; lra).
    unfold Rdiv in *. lra.
Qed.
