(** Trees of three strings and C2 in numbers. *)

Require Import Reals Lra Lia List Psatz Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements Trees ExampleStatements Logarithms Examples ExampleTrees.
Import ListNotations.
Open Scope R_scope.

(** * Contexts of a small tree *)

Ltac walk := repeat match goal with
  | h : context_of _ ?u |- _ => first [is_var u; destruct u as [|? u] | idtac]; simpl in h;
    first [ match type of h with True => clear h end
          | let ht := fresh "ht" in destruct h as [ht h]; repeat destruct ht as [ht|ht];
            first [contradiction | discriminate ht | injection ht as <-] ]
  end.
Ltac option ho := simpl in ho; repeat destruct ho as [ho|ho]; try contradiction; subst; simpl.
Ltac positive_numbers := repeat first [lra | apply Rdiv_lt_0_compat | apply Rplus_lt_0_compat | apply
    Rmult_lt_0_compat].

Lemma branched_proper : proper branched.
Proof. unfold branched, stop. propriety. Qed.
Lemma branched_first_proper : proper branched_first.
Proof. unfold branched_first, stop. propriety. Qed.
Lemma C2_proper : proper C2.
Proof. unfold C2, stop. simpl. propriety. Qed.

Lemma branch_step a b c : 0 < a -> 0 < b -> 0 < c -> step_law branched (branch_w a b c).
Proof.
  intros ap bp cp. split.
  - intros u o hu ho. walk; option ho; positive_numbers.
  - intros u hu. walk; unfold total; simpl; field; lra.
Qed.
Lemma first_step a b c : 0 < a -> 0 < b -> 0 < c -> step_law branched_first (first_w a b c).
Proof.
  intros ap bp cp. split.
  - intros u o hu ho. walk; option ho; positive_numbers.
  - intros u hu. walk; unfold total; simpl; field; lra.
Qed.
Lemma C2_step a b : 0 < a -> 0 < b -> step_law C2 (C2_w a b).
Proof.
  intros ap bp. split.
  - intros u o hu ho. walk; option ho; positive_numbers.
  - intros u hu. walk; unfold total; simpl; field; lra.
Qed.

(** * [. [. .]] *)

Definition b_s : list context := [[0]; [1; 0]; [1; 1]]%nat.
Lemma b_strings : strings branched = b_s.
Proof. reflexivity. Qed.

Lemma b_E (q f : context -> R) (x y z : R) : q [0]%nat = x -> q [1; 0]%nat = y -> q [1; 1]%nat = z ->
  E b_s q f = x * f [0]%nat + y * f [1; 0]%nat + z * f [1; 1]%nat.
Proof. intros <- <- <-. unfold E, b_s. simpl. ring. Qed.

Lemma b_loc (w : weights) a b c d e f g :
  w nil (Some 0)%nat = a -> w nil (Some 1)%nat = b -> w [1]%nat (Some 0)%nat = c -> w [1]%nat (Some 1)%nat = d ->
  w [0]%nat None = e -> w [1; 0]%nat None = f -> w [1; 1]%nat None = g ->
  0 < a -> 0 < b -> 0 < c -> 0 < d -> 0 < e -> 0 < f -> 0 < g ->
  q_loc branched w [0]%nat = a / (a + b) /\ q_loc branched w [1; 0]%nat = b / (a + b) * (c / (c + d)) /\
  q_loc branched w [1; 1]%nat = b / (a + b) * (d / (c + d)).
Proof.
  intros <- <- <- <- <- <- <- h1 h2 h3 h4 h5 h6 h7. unfold q_loc. simpl. unfold local_step, total, from. simpl.
  unfold token in *. rewrite !Rplus_0_r. repeat split; field; lra.
Qed.

Lemma b_product a b c : 0 < a -> 0 < b -> 0 < c -> let p := product (branch_w a b c) in
  p [0]%nat = a / (a + b + c) /\ p [1; 0]%nat = b / (a + b + c) /\ p [1; 1]%nat = c / (a + b + c).
Proof. intros ap bp cp p. unfold p. simpl. unfold from. simpl. repeat split; field; lra. Qed.

Lemma b_aligned a b c x y z : 0 < a -> 0 < b -> 0 < c -> 0 < x -> 0 < y -> 0 < z ->
  let plus := aligned b_s (product (branch_w a b c)) (branch_R x y z) in let n := a * x + b * y + c * z in
  plus [0]%nat = a * x / n /\ plus [1; 0]%nat = b * y / n /\ plus [1; 1]%nat = c * z / n.
Proof.
  intros ap bp cp xp yp zp plus n. destruct (b_product a b c ap bp cp) as (p0 & p1 & p2). cbv zeta in p0, p1, p2.
  assert (0 < a * x) by now apply Rmult_lt_0_compat. assert (0 < b * y) by now apply Rmult_lt_0_compat.
  assert (0 < c * z) by now apply Rmult_lt_0_compat.
  unfold plus, aligned, Z, b_s. cbn [sum]. rewrite p0, p1, p2. simpl branch_R. rewrite !exp_ln by auto. unfold n.
  repeat split; field; lra.
Qed.

Lemma near_bounds x printed unit : printed - unit / 2 <= x <= printed + unit / 2 -> near x printed unit.
Proof. intros h. apply Rabs_le. lra. Qed.

Lemma b_KL (q p : context -> R) (x y z a b c : R) : q [0]%nat = x -> q [1; 0]%nat = y -> q [1; 1]%nat = z ->
  p [0]%nat = a -> p [1; 0]%nat = b -> p [1; 1]%nat = c ->
  KL b_s q p = x * ln (x / a) + y * ln (y / b) + z * ln (z / c).
Proof. intros <- <- <- <- <- <-. unfold KL, b_s. simpl. ring. Qed.

Lemma b_Ent (q : context -> R) (x y z : R) : q [0]%nat = x -> q [1; 0]%nat = y -> q [1; 1]%nat = z ->
  Ent b_s q = - (x * ln x + y * ln y + z * ln z).
Proof. intros <- <- <-. unfold Ent, b_s. simpl. ring. Qed.

Lemma ln_four : ln 4 = 2 * ln 2.
Proof. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. Qed.

Ltac logs := unfold Rdiv; rewrite ?ln_mult, ?ln_Rinv by lra.

Theorem alignment_controlled_decoding_mean_may_lose_holds : alignment_controlled_decoding_mean_may_lose.
Proof.
  unfold alignment_controlled_decoding_mean_may_lose. rewrite b_strings.
  set (p := branch_w 1 1 1). set (Rw := branch_R 3 1 4). set (q := q_loc branched (mean_scored branched p Rw)).
  set (plus := aligned b_s (product p) Rw). split; [apply branched_proper|split; [apply branch_step; lra|]].
  destruct (b_product 1 1 1) as (p0 & p1 & p2); try lra. fold p in p0, p1, p2.
  destruct (b_aligned 1 1 1 3 1 4) as (a0 & a1 & a2); try lra. fold p Rw plus in a0, a1, a2.
  destruct (b_loc (mean_scored branched p Rw) 1 (4 / 3) (/ 2) 2 3 1 4) as (q0 & q1 & q2); try lra.
  1-7: unfold mean_scored, p, branch_w, ahead_of, ahead, E; simpl; unfold from; simpl.
  { match goal with |- _ * exp ?e = _ => replace e with (ln 3) by ring end. rewrite exp_ln by lra. field. }
  { match goal with |- _ * exp ?e = _ => replace e with (ln 2) by (rewrite ln_1, ln_four; field) end. rewrite exp_ln
      by lra. field. }
  { match goal with |- _ * exp ?e = _ => replace e with (ln 1) by ring end. rewrite exp_ln by lra. field. }
  { match goal with |- _ * exp ?e = _ => replace e with (ln 4) by ring end. rewrite exp_ln by lra. field. }
  { rewrite exp_ln by lra. ring. }
  { rewrite exp_ln by lra. ring. }
  { rewrite exp_ln by lra. ring. }
  fold q in q0, q1, q2.
  rewrite (b_E q Rw _ _ _ q0 q1 q2), (b_E plus Rw _ _ _ a0 a1 a2), (b_KL q (product p) _ _ _ _ _ _ q0 q1 q2 p0 p1 p2),
    (b_KL plus (product p) _ _ _ _ _ _ a0 a1 a2 p0 p1 p2).
  change (Rw [0]%nat) with (ln 3). change (Rw [1; 0]%nat) with (ln 1). change (Rw [1; 1]%nat) with (ln 4).
  replace (1 / (1 + 4 / 3)) with (3 / 7) by field. replace (4 / 3 / (1 + 4 / 3)) with (4 / 7) by field.
  replace (/ 2 / (/ 2 + 2)) with (/ 5) by field. replace (2 / (/ 2 + 2)) with (4 / 5) by field.
  replace (1 + 1 + 1) with 3 by ring. replace (1 * 3 + 1 * 1 + 1 * 4) with 8 by ring.
  replace (3 / 7 / (1 / 3)) with (3 * 3 / 7) by field. replace (4 / 7 * / 5 / (1 / 3)) with (2 * 2 * 3 / (5 * 7)) by
      field.
  replace (4 / 7 * (4 / 5) / (1 / 3)) with (2 * 2 * 2 * 2 * 3 / (5 * 7)) by field.
  replace (1 * 3 / 8 / (1 / 3)) with (3 * 3 / (2 * 2 * 2)) by field.
  replace (1 * 1 / 8 / (1 / 3)) with (3 / (2 * 2 * 2)) by field.
  replace (1 * 4 / 8 / (1 / 3)) with (3 / 2) by field.
  rewrite !ln_div, !ln_mult, ln_four, ln_1 by lra. destruct ln_primes as (b2 & b3 & b5 & b7).
  repeat split; try apply near_bounds; lra.
Qed.

(** * Realignment by tokens: p(o | u) V(u o)^l *)

Definition tilted_steps (T : tree) (p : weights) (Rw : context -> R) (l : R) : weights :=
  fun u o => p u o * Rpower (ahead_of T p (fun y => exp (Rw y)) u o) l.

Lemma by_tokens_tilted T p Rw l y : proper T -> step_law T p -> In y (strings T) ->
  by_tokens T p Rw l y = q_loc T (tilted_steps T p Rw l) y.
Proof.
  intros P S hy. apply (product_ext T); auto. intros u o hu ho. rewrite realigned_step by auto. reflexivity.
Qed.

Lemma Rpower_n z n : 0 < z -> Rpower z (INR n) = z ^ n.
Proof. apply Rpower_pow. Qed.

Section Tokens.
Variables (a b c x y z l : R).
Hypotheses (ap : 0 < a) (bp : 0 < b) (cp : 0 < c) (xp : 0 < x) (yp : 0 < y) (zp : 0 < z).
Let V := (b * y + c * z) / (b + c).

Lemma V_positive : 0 < V.
Proof. unfold V. positive_numbers. Qed.

Lemma b_tokens : let q := by_tokens branched (branch_w a b c) (branch_R x y z) l in
  let X := a * Rpower x l in let W := (b + c) * Rpower V l in
  let Y := b * Rpower y l in let U := c * Rpower z l in
  q [0]%nat = X / (X + W) /\ q [1; 0]%nat = W / (X + W) * (Y / (Y + U)) /\ q [1; 1]%nat = W / (X + W) * (U / (Y + U)).
Proof.
  intros q X W Y U. pose proof V_positive as vp. unfold q.
  rewrite !by_tokens_tilted by (apply branched_proper || (apply branch_step; auto) || (rewrite b_strings; simpl; auto)).
  assert (forall r, 0 < Rpower r l) as pw by (intros; apply exp_pos).
  assert (0 < X /\ 0 < W /\ 0 < Y /\ 0 < U) as (Xp & Wp & Yp & Up).
  { repeat split; unfold X, W, Y, U; apply Rmult_lt_0_compat; auto; lra. }
  destruct (b_loc (tilted_steps branched (branch_w a b c) (branch_R x y z) l) (X / (a + b + c)) (W / (a + b + c))
    (Y / (b + c)) (U / (b + c)) (Rpower x l) (Rpower y l) (Rpower z l)) as (q0 & q1 & q2); auto.
  1-7: unfold tilted_steps, branch_w, ahead_of, ahead, E; simpl; unfold from; simpl; rewrite ?exp_ln by auto.
  - unfold X. replace (1 * x + 0) with x by ring. field. lra.
  - unfold W, V. replace (b / (b + c) * 1 * y + (c / (b + c) * 1 * z + 0)) with ((b * y + c * z) / (b + c)) by
      (field; lra).
    field. lra.
  - unfold Y. replace (1 * y + 0) with y by ring. field. lra.
  - unfold U. replace (1 * z + 0) with z by ring. field. lra.
  - ring.
  - ring.
  - ring.
  - apply Rdiv_lt_0_compat; lra.
  - apply Rdiv_lt_0_compat; lra.
  - apply Rdiv_lt_0_compat; lra.
  - apply Rdiv_lt_0_compat; lra.
  - rewrite q0, q1, q2. repeat split; field; lra.
Qed.
End Tokens.

Theorem alignment_realignment_not_monotone_holds : alignment_realignment_not_monotone.
Proof.
  unfold alignment_realignment_not_monotone. rewrite b_strings.
  assert (forall n : nat, let u := (3 / 4) ^ n in E b_s (by_tokens branched (branch_w 3 1 2) (branch_R 4 7 1) (INR
      n)) (branch_R 4 7 1)
    = 1 / (1 + u) * (2 * ln 2) + u / (1 + u) * (7 ^ n / (7 ^ n + 2)) * ln 7) as earns.
  { intros n u. destruct (b_tokens 3 1 2 4 7 1 (INR n)) as (q0 & q1 & q2); try lra.
    rewrite (b_E _ _ _ _ _ q0 q1 q2). replace ((1 * 7 + 2 * 1) / (1 + 2)) with 3 by field.
    rewrite !Rpower_n, pow1 by lra. simpl branch_R. rewrite ln_four, ln_1.
    assert (3 ^ n = u * 4 ^ n) as -> by (unfold u; rewrite <- Rpow_mult_distr; f_equal; field).
    assert (0 < 4 ^ n) by (apply pow_lt; lra). assert (0 < 7 ^ n) by (apply pow_lt; lra).
    assert (0 < u) by (apply pow_lt; lra). field. repeat split; try lra.
    assert (0 < u * 4 ^ n) by now apply Rmult_lt_0_compat. lra. }
  pose proof (earns 1%nat) as e1. pose proof (earns 2%nat) as e2. pose proof (earns 64%nat) as e64. cbv zeta in e1,
      e2, e64.
  replace (INR 1) with 1 in e1 by (simpl; ring). replace (INR 2) with 2 in e2 by (simpl; ring).
  replace (INR 64) with 64 in e64 by (simpl; ring). rewrite e1, e2, e64.
  replace (1 / (1 + (3 / 4) ^ 1)) with (4 / 7) by field.
  replace ((3 / 4) ^ 1 / (1 + (3 / 4) ^ 1) * (7 ^ 1 / (7 ^ 1 + 2))) with (1 / 3) by field.
  replace (1 / (1 + (3 / 4) ^ 2)) with (16 / 25) by field.
  replace ((3 / 4) ^ 2 / (1 + (3 / 4) ^ 2) * (7 ^ 2 / (7 ^ 2 + 2))) with (9 / 25 * (49 / 51)) by field.
  set (u := (3 / 4) ^ 64). assert (0 < u < / 1000000) as [up us].
  { unfold u. split; [apply pow_lt; lra|]. replace 64%nat with (8 * 8)%nat by reflexivity. rewrite pow_mult.
    assert ((3 / 4) ^ 8 < 1002 / 10000) as small by (replace ((3 / 4) ^ 8) with (6561 / 65536) by field; lra).
    assert (0 < (3 / 4) ^ 8) as pos by (apply pow_lt; lra). set (v := (3 / 4) ^ 8) in *.
    apply Rle_lt_trans with ((1002 / 10000) ^ 8); [apply pow_incr; lra|simpl; lra]. }
  set (h := 7 ^ 64 / (7 ^ 64 + 2)). assert (0 < h < 1) as [hp h1].
  { assert (0 < 7 ^ 64) by (apply pow_lt; lra). unfold h. split; [apply Rdiv_lt_0_compat; lra|].
    apply (Rmult_lt_reg_r (7 ^ 64 + 2)); [lra|]. replace (7 ^ 64 / (7 ^ 64 + 2) * (7 ^ 64 + 2)) with (7 ^ 64) by
        (field; lra). lra. }
  assert (u / (1 + u) = 1 - 1 / (1 + u)) as -> by (field; lra).
  set (w := 1 / (1 + u)). assert (1 - / 1000000 < w < 1) as [wl wh].
  { assert (w * (1 + u) = 1) as one by (unfold w; field; lra). split; apply (Rmult_lt_reg_r (1 + u)); lra. }
  destruct ln_primes as (b2 & b3 & b5 & b7).
  assert (0 < (1 - w) * h < / 1000000) as [gl gh].
  { split; [apply Rmult_lt_0_compat; lra|]. apply Rle_lt_trans with ((1 - w) * 1); [apply Rmult_le_compat_l|]; lra. }
  set (g := (1 - w) * h) in *.
  assert (w * (2 * ln 2) < 2 * ln 2) by (rewrite <- (Rmult_1_l (2 * ln 2)) at 2; apply Rmult_lt_compat_r; lra).
  assert ((1 - / 1000000) * (2 * ln 2) < w * (2 * ln 2)) by (apply Rmult_lt_compat_r; lra).
  assert (0 < g * ln 7) by (apply Rmult_lt_0_compat; lra).
  assert (g * ln 7 < / 1000000 * ln 7) by (apply Rmult_lt_compat_r; lra).
  split; [apply branched_proper|split; [apply branch_step; lra|]].
  repeat split; try apply near_bounds; lra.
Qed.

Theorem alignment_realignment_below_p_holds : alignment_realignment_below_p.
Proof.
  unfold alignment_realignment_below_p. rewrite b_strings. set (p := branch_w 1001 1000 1). set (Rw := branch_R 300
      1 477000).
  assert (step_law branched p) as S by (apply branch_step; lra).
  destruct (b_product 1001 1000 1) as (p0 & p1 & p2); try lra. fold p in p0, p1, p2.
  assert (E b_s (by_tokens branched p Rw 0) Rw = E b_s (product p) Rw) as start.
  { apply E_ext_law. intros y hy. apply (alignment_realignment_same_ends_holds branched p Rw branched_proper S y hy). }
  destruct (b_tokens 1001 1000 1 300 1 477000 (/ 10)) as (q0 & q1 & q2); try lra. fold p Rw in q0, q1, q2.
  replace ((1000 * 1 + 1 * 477000) / (1000 + 1)) with (478000 / 1001) in * by field.
  assert (forall z low high : R, 0 < low -> 0 < z -> 0 < high -> low ^ 10 < z -> z < high ^ 10 -> low < Rpower z (/
      10) < high) as root.
  { intros z low high lp zp hp lt gt. assert (forall r, 0 < r -> Rpower (r ^ 10) (/ 10) = r) as back.
    { intros r rp. rewrite <- Rpower_pow, Rpower_mult by auto. replace (INR 10 * / 10) with 1 by (simpl; field). now
        apply Rpower_1. }
    split; [rewrite <- (back low) by auto|rewrite <- (back high) by auto]; apply Rlt_Rpower_l; try lra;
      split; auto; now apply pow_lt. }
  destruct (root 300 (17688 / 10000) (17690 / 10000)) as [x1 x2]; try lra.
  destruct (root (478000 / 1001) (18530 / 10000) (18533 / 10000)) as [v1 v2]; try lra.
  destruct (root 477000 (36970 / 10000) (36975 / 10000)) as [z1 z2]; try lra.
  replace (Rpower 1 (/ 10)) with 1 in * by (unfold Rpower; rewrite ln_1, Rmult_0_r, exp_0; reflexivity).
  set (xx := Rpower 300 (/ 10)) in *. set (vv := Rpower (478000 / 1001) (/ 10)) in *. set (zz := Rpower 477000 (/
      10)) in *.
  rewrite start, (b_E _ Rw _ _ _ q0 q1 q2), (b_E _ Rw _ _ _ p0 p1 p2).
  change (Rw [0]%nat) with (ln 300). change (Rw [1; 0]%nat) with (ln 1). change (Rw [1; 1]%nat) with (ln 477000).
      rewrite ln_1.
  destruct ln_primes as (b2 & b3 & b5 & b7).
  assert (ln 300 = 2 * ln 2 + ln 3 + 2 * ln 5) as ->.
  { replace 300 with (2 * 2 * 3 * 5 * 5) by ring. rewrite !ln_mult by lra. ring. }
  assert (3 * ln 2 + 5 * ln 3 + ln 5 + 2 * ln 7 < ln 477000 < 8 * ln 2 + ln 3 + 4 * ln 5) as [k1 k2].
  { assert (ln 476280 = 3 * ln 2 + 5 * ln 3 + ln 5 + 2 * ln 7) as <-.
    { replace 476280 with (2 * 2 * 2 * 3 * 3 * 3 * 3 * 3 * 5 * 7 * 7) by ring. rewrite !ln_mult by lra. ring. }
    assert (ln 480000 = 8 * ln 2 + ln 3 + 4 * ln 5) as e480.
    { replace 480000 with (2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 3 * 5 * 5 * 5 * 5) by ring. rewrite !ln_mult by lra. ring. }
    split; [apply ln_mono; lra|]. pose proof (ln_mono 477000 480000). lra. }
  set (k := ln 477000) in *. set (h := 2 * ln 2 + ln 3 + 2 * ln 5) in *.
  assert (570378 / 100000 < h < 570379 / 100000) as [h1 h2] by (unfold h; lra).
  set (al := 1001 * xx / (1001 * xx + (1000 + 1) * vv)).
  set (be := 1 * zz / (1000 * 1 + 1 * zz)).
  replace ((1000 + 1) * vv / (1001 * xx + (1000 + 1) * vv)) with (1 - al) by (unfold al; field; lra).
  assert (488334 / 1000000 < al < 488405 / 1000000) as [a1 a2].
  { assert (al * (xx + vv) = xx) as eq by (unfold al; field; lra).
    split; apply (Rmult_lt_reg_r (xx + vv)); lra. }
  assert (36833 / 10000000 < be < 3684 / 1000000) as [be1 be2].
  { assert (be * (1000 + zz) = zz) as eq by (unfold be; field; lra).
    split; apply (Rmult_lt_reg_r (1000 + zz)); lra. }
  assert (511595 / 1000000 * (36833 / 10000000) < (1 - al) * be < 511666 / 1000000 * (3684 / 1000000)) as [g1 g2].
  { split; apply Rmult_gt_0_lt_compat; lra. }
  set (ga := (1 - al) * be) in *.
  assert (18843 / 10000000 * (1307 / 100) < ga * k < 1885 / 1000000 * (1309 / 100)) as [m1 m2].
  { split; apply Rmult_gt_0_lt_compat; lra. }
  assert (488334 / 1000000 * (570378 / 100000) < al * h < 488405 / 1000000 * (570379 / 100000)) as [n1 n2].
  { split; apply Rmult_gt_0_lt_compat; lra. }
  split; [apply branched_proper|split; [exact S|split; [reflexivity|]]].
  rewrite !Rmult_0_r, !Rplus_0_r.
  repeat split; try apply near_bounds; lra.
Qed.
