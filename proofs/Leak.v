(** Local adaptors on automata: no mass is lost where every state can end. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements Trees Automata LeakStatements.
Import ListNotations.
Open Scope R_scope.

Section Powers.
Variables (n : nat) (M : nat -> nat -> R).

Lemma times_add z z' i : times n M (fun j => z j + z' j) i = times n M z i + times n M z' i.
Proof. unfold times. rewrite <- sum_plus. apply sum_ext. intros; ring. Qed.

Lemma times_same z z' i : (forall j, (j < n)%nat -> z j = z' j) -> times n M z i = times n M z' i.
Proof. intros eq. apply sum_ext. intros j hj. apply in_seq in hj. rewrite eq by lia. reflexivity. Qed.

(** rows that sum to 1 with the end: M^k e is what M^k 1 loses in the next step *)
Lemma power_loss e : (forall i, (i < n)%nat -> times n M (fun _ => 1) i + e i = 1) ->
  forall k i, (i < n)%nat -> power n M e k i = power n M (fun _ => 1) k i - power n M (fun _ => 1) (S k) i.
Proof.
  intros rows k. induction k as [|k IH]; intros i hi; [simpl; specialize (rows i hi); lra|].
  change (times n M (power n M e k) i = times n M (power n M (fun _ => 1) k) i - times n M (power n M (fun _ => 1)
      (S k)) i).
  rewrite (times_same _ _ i IH). unfold times at 1. rewrite (sum_ext _ _ (fun j => M i j * power n M (fun _ => 1) k j
    - M i j * power n M (fun _ => 1) (S k) j)) by (intros; ring). rewrite sum_minus. reflexivity.
Qed.

Lemma powers_nonneg z : (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) -> (forall i, (i < n)%nat -> 0 <= z i) ->
  forall k i, (i < n)%nat -> 0 <= power n M z k i.
Proof.
  intros nn zn k. induction k as [|k IH]; intros i hi; simpl; auto. apply sum_nonneg. intros j hj. apply in_seq in hj.
  apply Rmult_le_pos; [apply nn|apply IH]; lia.
Qed.

Lemma loss_series e : (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) -> (forall i, (i < n)%nat -> 0 <= e i) ->
  (forall i, (i < n)%nat -> times n M (fun _ => 1) i + e i = 1) ->
  forall i, (i < n)%nat -> ex_series (fun k => power n M e k i).
Proof.
  intros nn en rows i hi.
  assert (forall K, sum_n (fun k => power n M e k i) K = 1 - power n M (fun _ => 1) (S K) i) as partial.
  { induction K as [|K IH]; [rewrite sum_O; exact (power_loss e rows 0%nat i hi)|].
    rewrite sum_Sn, IH, (power_loss e rows (S K) i hi). unfold plus; simpl. ring. }
  destruct (ex_finite_lim_seq_incr (sum_n (fun k => power n M e k i)) 1) as [l hl].
  - intros K. rewrite sum_Sn. pose proof (powers_nonneg e nn en (S K) i hi) as p.
    change (sum_n (fun k => power n M e k i) K <= sum_n (fun k => power n M e k i) K + power n M e (S K) i). lra.
  - intros K. rewrite partial. pose proof (powers_nonneg (fun _ => 1) nn (fun _ _ => Rle_0_1) (S K) i hi). lra.
  - exists l. exact hl.
Qed.

(** a path of positive weight stays one when no positive weight becomes 0 *)
Lemma power_support M' z z' : (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j /\ 0 <= M' i j /\ (0 < M i j ->
    0 < M' i j)) ->
  (forall i, (i < n)%nat -> 0 <= z i /\ 0 <= z' i /\ (0 < z i -> 0 < z' i)) ->
  forall k i, (i < n)%nat -> 0 <= power n M z k i /\ 0 <= power n M' z' k i /\ (0 < power n M z k i -> 0 < power n
      M' z' k i).
Proof.
  intros hM hz k. induction k as [|k IH]; intros i hi; [simpl; auto|]. simpl.
  assert (forall j, In j (seq 0 n) -> 0 <= M' i j * power n M' z' k j) as nn'.
  { intros j hj. apply in_seq in hj. apply Rmult_le_pos; [apply hM|apply IH]; lia. }
  assert (forall j, In j (seq 0 n) -> 0 <= M i j * power n M z k j) as nn.
  { intros j hj. apply in_seq in hj. apply Rmult_le_pos; [apply hM|apply IH]; lia. }
  split; [now apply sum_nonneg|split; [now apply sum_nonneg|]]. intros pos.
  destruct (Rlt_dec 0 (times n M' (power n M' z' k) i)) as [done|no]; [exact done|exfalso].
  assert (times n M' (power n M' z' k) i = 0) as zero.
  { apply Rle_antisym; [lra|]. now apply sum_nonneg. }
  assert (times n M (power n M z k) i = 0); [|lra]. unfold times.
  rewrite (sum_ext _ _ (fun _ => 0)); [apply sum_zero|]. intros j hj.
  pose proof (sum_zero_each (seq 0 n) (fun j => M' i j * power n M' z' k j) nn' zero j hj) as none. simpl in none.
  apply in_seq in hj. destruct (hM i j hi ltac:(lia)) as (m0 & m0' & mp). destruct (IH j ltac:(lia)) as (p0 & p0' & pp).
  destruct m0 as [ml|<-]; [|ring]. destruct p0 as [pl|<-]; [|ring].
  pose proof (Rmult_lt_0_compat _ _ (mp ml) (pp pl)). lra.
Qed.
End Powers.

Lemma letter_laws_rows A p pe : closed A -> letter_laws A p pe ->
  (forall i j, (i < states A)%nat -> (j < states A)%nat -> 0 <= matrix A p i j) /\
  (forall i, (i < states A)%nat -> times (states A) (matrix A p) (fun _ => 1) i + pe i = 1) /\ nonnegative A p pe.
Proof.
  intros cl laws. split; [|split].
  - intros i j hi hj. apply sum_nonneg. intros a ha. destruct (laws i hi) as (_ & pos & _). specialize (pos a ha).
    apply Rmult_le_pos; [lra|]. unfold indicator. destruct (Nat.eq_dec _ _); lra.
  - intros i hi. rewrite (times_matrix A p cl (fun _ => 1) i hi). rewrite (sum_ext _ _ (p i)) by (intros; ring). now
      apply laws.
  - intros i hi. destruct (laws i hi) as (e0 & pos & _). split; auto. intros a ha. apply Rlt_le. auto.
Qed.

Theorem automata_leak_no_trap_holds : automata_leak_no_trap.
Proof.
  intros A p pe n1 cl laws trim. destruct (letter_laws_rows A p pe cl laws) as (nn & rows & nonneg).
  assert (forall i, (i < states A)%nat -> 0 <= pe i) as en by (intros i hi; apply (laws i hi)).
  assert (radius_below_one (states A) (matrix A p)) as radius.
  { apply (automata_partition_iff_holds (states A) (matrix A p) pe n1); auto.
    apply loss_series; auto. }
  destruct (automata_partition_formula_holds A p pe cl nonneg radius) as [series only].
  rewrite (only (fun _ => 1)) with (i := 0%nat); [apply series; lia| |lia].
  intros i hi. specialize (rows i hi). lra.
Qed.

Lemma cool_pos x tau : 0 < x -> 0 < cool x tau.
Proof. intros xp. unfold cool. destruct (Req_EM_T x 0); [lra|apply exp_pos]. Qed.
Lemma cool_nonneg x tau : 0 <= cool x tau.
Proof. unfold cool. destruct (Req_EM_T x 0); [lra|apply Rlt_le, exp_pos]. Qed.

Theorem automata_leak_temperature_holds : automata_leak_temperature.
Proof.
  intros A p pe tau n1 cl laws trim.
  assert (forall i, (i < states A)%nat -> 0 < cool_total A p pe tau i) as total.
  { intros i hi. destruct (laws i hi) as (e0 & pos & one). unfold cool_total.
    assert (forall a, In a (letters A i) -> 0 <= cool (p i a) tau) as nn by (intros; apply cool_nonneg).
    pose proof (sum_nonneg _ _ nn). pose proof (cool_nonneg (pe i) tau). destruct (letters A i) as [|a r] eqn:l.
    - simpl in one. assert (0 < cool (pe i) tau) by (apply cool_pos; lra). lra.
    - assert (0 < cool (p i a) tau) as first by (apply cool_pos, pos; now left).
      pose proof (sum_at_least (a :: r) (fun a => cool (p i a) tau) a nn (or_introl eq_refl)). simpl in *. lra. }
  assert (letter_laws A (cool_letter A p pe tau) (cool_end A p pe tau)) as laws'.
  { intros i hi. specialize (total i hi). destruct (laws i hi) as (e0 & pos & _). split; [|split].
    - apply Rdiv_le_0_compat; [apply cool_nonneg|exact total].
    - intros a ha. apply Rdiv_lt_0_compat; [now apply cool_pos, pos|exact total].
    - unfold cool_letter, cool_end, Rdiv. rewrite sum_scal_r, <- Rmult_plus_distr_r. now apply Rinv_r, Rgt_not_eq. }
  split; [exact laws'|]. apply automata_leak_no_trap_holds; auto.
  destruct (letter_laws_rows A p pe cl laws) as (nn & _ & _).
  destruct (letter_laws_rows A _ _ cl laws') as (nn' & _ & _).
  assert (forall i j, (i < states A)%nat -> (j < states A)%nat -> 0 <= matrix A p i j /\
    0 <= matrix A (cool_letter A p pe tau) i j /\ (0 < matrix A p i j -> 0 < matrix A (cool_letter A p pe tau) i j))
        as support.
  { intros i j hi hj. split; [now apply nn|split; [now apply nn'|]]. intros pos. destruct (laws i hi) as (_ & lp & _).
    destruct (laws' i hi) as (_ & lp' & _). unfold matrix in *.
    destruct (nn' i j hi hj) as [done|zero]; [exact done|exfalso]. unfold matrix in zero.
    assert (sum (letters A i) (fun a => p i a * indicator (Nat.eq_dec (next A i a) j)) = 0); [|lra].
    rewrite (sum_ext _ _ (fun _ => 0)); [apply sum_zero|]. intros a ha.
    assert (cool_letter A p pe tau i a * indicator (Nat.eq_dec (next A i a) j) = 0) as none.
    { apply (sum_zero_each (letters A i) (fun a => cool_letter A p pe tau i a * indicator (Nat.eq_dec (next A i a)
        j))); auto.
      intros y hy. specialize (lp' y hy). apply Rmult_le_pos; [lra|]. unfold indicator. destruct (Nat.eq_dec _ _);
          lra. }
    specialize (lp' a ha). unfold indicator in *. destruct (Nat.eq_dec (next A i a) j); [lra|ring]. }
  intros i hi. destruct (trim i hi) as [[k reach] [m ends]]. split.
  - exists k. apply (power_support (states A) (matrix A p) _ (fun j => indicator (Nat.eq_dec j i)) _ support); auto.
    intros j hj. unfold indicator. destruct (Nat.eq_dec j i); lra.
  - exists m. apply (power_support (states A) (matrix A p) _ pe _ support); auto.
    intros j hj. split; [apply (laws j hj)|split; [apply (laws' j hj)|]]. intros pos.
    apply Rdiv_lt_0_compat; [now apply cool_pos|now apply total].
Qed.
