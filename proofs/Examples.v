(** Single models: strengths, mixtures of adaptors, and models on which nothing trades. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Alignment Adaptors Simpson TreeStatements Trees
  ExampleStatements.
Import ListNotations.
Open Scope R_scope.

(** * Tools *)

Ltac each := let a := fresh "a" in let h := fresh "h" in intros a h; repeat destruct h as [<-|h]; try destruct h.

Lemma ln_two_pos : 0 < ln 2.
Proof. pose proof ln_lt_2. lra. Qed.

Lemma ln_mono x y : 0 < x -> x < y -> ln x < ln y.
Proof. intros xp lt. apply ln_increasing; auto. Qed.

(** 3^5 < 2^8 and 2^3 < 3^2 *)
Lemma ln_three_bounds : 5 * ln 3 < 8 * ln 2 /\ 3 * ln 2 < 2 * ln 3.
Proof.
  split.
  - replace (8 * ln 2) with (INR 8 * ln 2) by (simpl; ring). replace (5 * ln 3) with (INR 5 * ln 3) by (simpl; ring).
    rewrite <- (ln_pow 2), <- (ln_pow 3) by lra. replace (2 ^ 8) with 256 by ring. replace (3 ^ 5) with 243 by ring.
    apply ln_mono; lra.
  - replace (3 * ln 2) with (INR 3 * ln 2) by (simpl; ring). replace (2 * ln 3) with (INR 2 * ln 3) by (simpl; ring).
    rewrite <- (ln_pow 2), <- (ln_pow 3) by lra. replace (2 ^ 3) with 8 by ring. replace (3 ^ 2) with 9 by ring.
    apply ln_mono; lra.
Qed.

(** * alignment.strength *)

Theorem alignment_strength_two_strings_holds : alignment_strength_two_strings.
Proof.
  intros A a y p r fp EL.
  assert (forall l, is_derive EL l (Cov [a; y] (strength [a; y] p r l) (L p) r)) as slope.
  { intros l. now apply alignment_strength_likelihood_holds. }
  assert (forall l, full [a; y] (strength [a; y] p r l)) as fq by (intros; now apply aligned_full).
  assert (forall l, exists k, 0 < k /\
    Cov [a; y] (strength [a; y] p r l) (L p) r = k * ((L p a - L p y) * (r a - r y))) as form.
  { intros l. destruct (fq l) as [pos one]. simpl in one. set (q := strength [a; y] p r l) in *.
    exists (q a * q y). split; [apply Rmult_lt_0_compat; apply pos; simpl; auto|].
    unfold Cov, E. simpl. replace (q y) with (1 - q a) by lra. ring. }
  destruct (Rle_dec 0 ((L p a - L p y) * (r a - r y))) as [up|down].
  - left. intros l l' le. apply (increasing_le EL _ l l' le (fun u _ => slope u)). intros u _.
    destruct (form u) as (k & kp & ->). apply Rmult_le_pos; lra.
  - right. intros l l' le. apply Ropp_le_cancel.
    apply (increasing_le (fun u => - EL u) (fun u => - Cov [a; y] (strength [a; y] p r u) (L p) r) l l' le).
    + intros u _. apply (is_derive_opp EL). apply slope.
    + intros u _. destruct (form u) as (k & kp & ->). nra.
Qed.

Definition three_p := entries [1 / 7; 4 / 7; 2 / 7].
Definition three_r := entries [0; 1; 2].

Lemma three_mean l : let z := exp l in E [0; 1; 2]%nat (strength [0; 1; 2]%nat three_p three_r l) (L three_p)
  = (8 * z + 2 * (z * z)) / (1 + 4 * z + 2 * (z * z)) * ln 2 - ln 7.
Proof.
  intros z. assert (0 < z) as zp by apply exp_pos.
  assert (L three_p 0%nat = - ln 7) as l0.
  { unfold L, three_p, entries. simpl. rewrite ln_div, ln_1 by lra. ring. }
  assert (L three_p 1%nat = 2 * ln 2 - ln 7) as l1.
  { unfold L, three_p, entries. simpl. rewrite ln_div by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by
      lra. ring. }
  assert (L three_p 2%nat = ln 2 - ln 7) as l2.
  { unfold L, three_p, entries. simpl. rewrite ln_div by lra. ring. }
  unfold E, strength, aligned, Z. cbn [sum]. rewrite l0, l1, l2. unfold three_p, three_r, entries. cbn [nth].
  rewrite Rmult_0_r, exp_0, !Rmult_1_r. replace (l * 2) with (l + l) by ring. rewrite exp_plus. fold z.
  field. assert (0 < z * z) by now apply Rmult_lt_0_compat. lra.
Qed.

Lemma turning_order (z y c : R) : 0 < z -> 0 < y -> z < y ->
  (0 < 4 + z + y - 4 * (z * y) ->
   (8 * z + 2 * (z * z)) / (1 + 4 * z + 2 * (z * z)) < (8 * y + 2 * (y * y)) / (1 + 4 * y + 2 * (y * y))) /\
  (4 + z + y - 4 * (z * y) < 0 ->
   (8 * y + 2 * (y * y)) / (1 + 4 * y + 2 * (y * y)) < (8 * z + 2 * (z * z)) / (1 + 4 * z + 2 * (z * z))).
Proof.
  intros zp yp lt. assert (0 < z * z) by now apply Rmult_lt_0_compat. assert (0 < y * y) by now apply Rmult_lt_0_compat.
  set (d := 4 + z + y - 4 * (z * y)).
  set (zz := 1 + 4 * z + 2 * (z * z)). set (yy := 1 + 4 * y + 2 * (y * y)).
  assert (0 < zz) by (unfold zz; lra). assert (0 < yy) by (unfold yy; lra).
  assert ((8 * y + 2 * (y * y)) / yy - (8 * z + 2 * (z * z)) / zz = 2 * ((y - z) * d) / (yy * zz)) as gap.
  { unfold yy, zz, d. field. unfold yy, zz in *. lra. }
  assert (0 < yy * zz) by now apply Rmult_lt_0_compat.
  split; intros sign.
  - assert (0 < 2 * ((y - z) * d) / (yy * zz)); [|lra]. apply Rdiv_lt_0_compat; auto.
    apply Rmult_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; lra.
  - assert (0 < 2 * ((y - z) * (- d)) / (yy * zz)).
    { apply Rdiv_lt_0_compat; auto. apply Rmult_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; lra. }
    replace (2 * ((y - z) * - d) / (yy * zz)) with (- (2 * ((y - z) * d) / (yy * zz))) in H4 by (field; lra). lra.
Qed.

Theorem alignment_strength_rises_and_falls_holds : alignment_strength_rises_and_falls.
Proof.
  cbv delta [alignment_strength_rises_and_falls]. intros s p r EL turn.
  assert (4 < sqrt 17) as root.
  { rewrite <- (sqrt_square 4) by lra. apply sqrt_lt_1; lra. }
  set (u := sqrt 17) in *. assert (u * u = 17) as square by (apply sqrt_sqrt; lra).
  assert (0 < (1 + u) / 4) as tp by lra.
  assert (forall l, l <= turn -> exp l <= (1 + u) / 4) as before.
  { intros l le. rewrite <- (exp_ln ((1 + u) / 4)) by lra. now apply exp_monotone. }
  assert (forall l, turn <= l -> (1 + u) / 4 <= exp l) as behind.
  { intros l le. rewrite <- (exp_ln ((1 + u) / 4)) by lra. now apply exp_monotone. }
  pose proof ln_two_pos as two.
  split; [|split; [|split]].
  - split; [|simpl; unfold p, entries; simpl; lra]. each; unfold p, entries; simpl; lra.
  - unfold turn. rewrite <- ln_1. apply ln_mono; lra.
  - intros l l' lt le. unfold EL. fold s. change p with three_p. change r with three_r. unfold s.
    rewrite !three_mean. pose proof (exp_pos l). pose proof (exp_pos l'). pose proof (exp_increasing _ _ lt).
    specialize (before l' le). set (z := exp l) in *. set (y := exp l') in *.
    assert (0 < 4 + z + y - 4 * (z * y)).
    { assert (4 * z < 1 + u) by lra. assert (4 * y <= 1 + u) by lra.
      assert ((4 * z - 1) * (4 * y - 1) < u * u); [|lra].
      destruct (Rle_dec (4 * y - 1) 0) as [neg|pos]; [nra|].
      apply Rlt_le_trans with (u * (4 * y - 1)); [apply Rmult_lt_compat_r; lra|apply Rmult_le_compat_l; lra]. }
    destruct (turning_order z y 0) as [up _]; auto. specialize (up ltac:(assumption)).
    apply Rplus_lt_compat_r. now apply Rmult_lt_compat_r.
  - intros l l' le lt. unfold EL. fold s. change p with three_p. change r with three_r. unfold s.
    rewrite !three_mean. pose proof (exp_pos l). pose proof (exp_pos l'). pose proof (exp_increasing _ _ lt).
    specialize (behind l le). set (z := exp l) in *. set (y := exp l') in *.
    assert (4 + z + y - 4 * (z * y) < 0).
    { assert (u * u < (4 * z - 1) * (4 * y - 1)); [|lra].
      apply Rle_lt_trans with (u * (4 * z - 1)); [apply Rmult_le_compat_l; lra|].
      rewrite (Rmult_comm u). apply Rmult_lt_compat_l; lra. }
    destruct (turning_order z y 0) as [_ down]; auto. specialize (down ltac:(assumption)).
    apply Rplus_lt_compat_r. now apply Rmult_lt_compat_r.
Qed.

(** * simpson.crossing *)

Lemma crossing_form W B N : 0 < N -> B <> 0 -> W / N + B = B * (N - - W / B) / N.
Proof. intros. field. lra. Qed.

Lemma crossing_above W B N : 0 < N -> B <> 0 -> (0 < B -> - W / B < N -> 0 < W / N + B) /\
  (B < 0 -> - W / B < N -> W / N + B < 0).
Proof.
  intros Np nz. rewrite crossing_form by auto. split; intros sign lt.
  - apply Rdiv_lt_0_compat; auto. apply Rmult_lt_0_compat; lra.
  - assert (0 < (- B) * (N - - W / B) / N) by (apply Rdiv_lt_0_compat; auto; apply Rmult_lt_0_compat; lra).
    replace (- B * (N - - W / B) / N) with (- (B * (N - - W / B) / N)) in H by (field; lra). lra.
Qed.

Lemma crossing_below W B N : 0 < N -> B <> 0 -> (0 < B -> N < - W / B -> W / N + B < 0) /\
  (B < 0 -> N < - W / B -> 0 < W / N + B).
Proof.
  intros Np nz. rewrite crossing_form by auto. split; intros sign lt.
  - assert (0 < B * (- W / B - N) / N) by (apply Rdiv_lt_0_compat; auto; apply Rmult_lt_0_compat; lra).
    replace (B * (- W / B - N) / N) with (- (B * (N - - W / B) / N)) in H by (field; lra). lra.
  - assert (0 < (- B) * (- W / B - N) / N) by (apply Rdiv_lt_0_compat; auto; apply Rmult_lt_0_compat; lra).
    replace (- B * (- W / B - N) / N) with (B * (N - - W / B) / N) in H by (field; lra). lra.
Qed.

Lemma crossing_at W B N : 0 < N -> B <> 0 -> N = - W / B -> W / N + B = 0.
Proof. intros Np nz eq. rewrite crossing_form by auto. rewrite <- eq. field. lra. Qed.

Lemma INR_one_le n : (1 <= n)%nat -> 1 <= INR n.
Proof. intros le. apply le_INR in le. simpl in le. exact le. Qed.

Theorem simpson_crossing_both_signs_holds : simpson_crossing_both_signs.
Proof.
  intros W B both. split.
  - intros nz. split.
    + intros (m & n & m1 & n1 & pos & neg). apply INR_one_le in m1. apply INR_one_le in n1.
      destruct (Rlt_dec 1 (- W / B)) as [done|not]; [exact done|exfalso]. set (N := - W / B) in *.
      destruct (Rlt_dec 0 B) as [Bp|Bn].
      * destruct (Req_dec (INR n) N) as [eq|ne].
        -- rewrite crossing_at in neg; auto; lra.
        -- destruct (crossing_above W B (INR n)) as [up _]; [lra|auto|]. fold N in up. specialize (up Bp). lra.
      * destruct (Req_dec (INR m) N) as [eq|ne].
        -- rewrite crossing_at in pos; auto; lra.
        -- destruct (crossing_above W B (INR m)) as [_ down]; [lra|auto|]. fold N in down. lra.
    + intros lt. destruct (nfloor_ex (- W / B)) as (k & _ & big); [lra|]. set (n := S k). assert (- W / B < INR n)
        by (unfold n; rewrite S_INR; exact big).
      assert (1 <= n)%nat as n1.
      { unfold n; lia. }
      pose proof (INR_one_le n n1) as n1'.
      destruct (crossing_above W B (INR n)) as [up down]; [lra|auto|].
      destruct (crossing_below W B 1) as [low high]; [lra|auto|].
      destruct (Rlt_dec 0 B) as [Bp|Bn].
      * exists n, 1%nat. repeat split; auto. simpl. auto.
      * exists 1%nat, n. assert (B < 0) by lra. repeat split; auto. simpl. auto.
  - intros -> (m & n & m1 & n1 & pos & neg). apply INR_one_le in m1. apply INR_one_le in n1.
    rewrite Rplus_0_r in pos, neg.
    assert (0 < W). { replace W with (W / INR m * INR m) by (field; lra). apply Rmult_lt_0_compat; lra. }
    assert (0 < W / INR n) by (apply Rdiv_lt_0_compat; lra). lra.
Qed.

Theorem simpson_crossing_either_way_holds : simpson_crossing_either_way.
Proof.
  intros W B nz gt. split; [|split].
  - assert (W = - (- W / B * B)) as -> by (field; auto). set (N := - W / B) in *.
    destruct (Rlt_dec 0 B); [right|left]; nra.
  - intros [Bn _] N Np. destruct (crossing_above W B N Np nz), (crossing_below W B N Np nz).
    repeat split; auto. now apply crossing_at.
  - intros [_ Bp] N Np. destruct (crossing_above W B N Np nz), (crossing_below W B N Np nz).
    repeat split; auto. now apply crossing_at.
Qed.

Lemma Rpower_square z : 0 < z -> Rpower z 2 = z * z.
Proof. intros zp. replace 2 with (INR 2) by (simpl; ring). rewrite Rpower_pow by auto. ring. Qed.

Definition rev_s : list context := [[0; 0]; [0; 1]; [1; 0]]%nat.
Lemma rev_strings : strings reversing = rev_s.
Proof. reflexivity. Qed.

Lemma proper_node os next : os <> nil -> NoDup os -> (forall t, In (Some t) os -> proper (next t)) ->
  proper (Node os next).
Proof. intros some distinct below [|t u]; simpl; [auto|]. intros [ht hu]. now apply (below t ht). Qed.
Ltac propriety := repeat first
  [ apply proper_node; [discriminate|repeat constructor; simpl; intuition congruence|]
  | let t := fresh "t" in let h := fresh "h" in intros t h; simpl in h; repeat destruct h as [h|h];
    first [discriminate h | injection h as <- | contradiction]; cbv beta iota ].
Lemma reversing_proper : proper reversing.
Proof. unfold reversing, stop. propriety. Qed.
Lemma q_loc_full T w : proper T -> positive T w -> full (strings T) (q_loc T w).
Proof. intros P W. split; [intros; now apply q_loc_pos|now apply q_loc_sum]. Qed.

Lemma rev_L : L reversing_p [0; 0]%nat = - ln 5 /\ L reversing_p [0; 1]%nat = ln 2 - ln 5 /\
  L reversing_p [1; 0]%nat = ln 2 - ln 5.
Proof. unfold L. simpl. rewrite !ln_div, ln_1 by lra. repeat split; lra. Qed.

Lemma rev_plus : let plus := aligned rev_s reversing_p reversing_R in
  plus [0; 0]%nat = 3 / 17 /\ plus [0; 1]%nat = 6 / 17 /\ plus [1; 0]%nat = 8 / 17.
Proof.
  intros plus. unfold plus, aligned, Z, rev_s. simpl. rewrite !exp_ln by lra. repeat split; field.
Qed.

Lemma rev_numbers a b c d e f g h : a * (c * f) = 3 / 17 -> a * (d * g) = 6 / 17 -> b * (e * h) = 8 / 17 ->
  a + (b + 0) = 1 -> c + (d + 0) = 1 -> e + 0 = 1 -> f + 0 = 1 -> g + 0 = 1 -> h + 0 = 1 ->
  a = 9 / 17 /\ b = 8 / 17 /\ c = 1 / 3 /\ d = 2 / 3 /\ e = 1 /\ f = 1 /\ g = 1 /\ h = 1.
Proof.
  intros e0 e1 e2 t t0 t1 t00 t01 t10. assert (e = 1) as -> by lra. assert (f = 1) as -> by lra.
  assert (g = 1) as -> by lra. assert (h = 1) as -> by lra. assert (b = 8 / 17) as -> by lra.
  assert (a = 9 / 17) as -> by lra. repeat split; lra.
Qed.

(** the next-token laws of p+, and what local temperature 1/2 makes of them *)
Lemma rev_cooled w : step_law reversing w ->
  (forall y, In y rev_s -> product w y = aligned rev_s reversing_p reversing_R y) ->
  let q := q_loc reversing (cooled w 2) in
  q [0; 0]%nat = 81 / 725 /\ q [0; 1]%nat = 324 / 725 /\ q [1; 0]%nat = 320 / 725.
Proof.
  intros [pos one] prod q. destruct rev_plus as (q0 & q1 & q2).
  pose proof (prod [0; 0]%nat ltac:(simpl; auto)) as e0. pose proof (prod [0; 1]%nat ltac:(simpl; auto)) as e1.
  pose proof (prod [1; 0]%nat ltac:(simpl; auto)) as e2. rewrite q0 in e0. rewrite q1 in e1. rewrite q2 in e2.
  pose proof (one nil ltac:(simpl; auto)) as t. pose proof (one [0%nat] ltac:(simpl; auto)) as t0.
  pose proof (one [1%nat] ltac:(simpl; auto)) as t1. pose proof (one [0; 0]%nat ltac:(simpl; auto)) as t00.
  pose proof (one [0; 1]%nat ltac:(simpl; auto)) as t01. pose proof (one [1; 0]%nat ltac:(simpl; auto)) as t10.
  unfold total in t, t0, t1, t00, t01, t10. simpl in t, t0, t1, t00, t01, t10, e0, e1, e2.
  unfold q, q_loc, local_step, total, cooled, from. simpl. unfold from in *. simpl in *. unfold token in *.
  destruct (rev_numbers _ _ _ _ _ _ _ _ e0 e1 e2 t t0 t1 t00 t01 t10) as (wa & wb & wc & wd & we & wf & wg & wh).
  rewrite wa, wb, wc, wd, we, wf, wg, wh, !Rpower_square by lra. repeat split; field.
Qed.

Lemma rev_cov (q : context -> R) : q [0; 0]%nat + q [0; 1]%nat + q [1; 0]%nat = 1 ->
  Cov rev_s q (L reversing_p) reversing_R = q [0; 0]%nat * q [1; 0]%nat * (ln 2 * (ln 4 - ln 3)) /\
  E rev_s q (L reversing_p) = ln 2 - ln 5 - q [0; 0]%nat * ln 2 /\
  E rev_s q reversing_R = ln 3 + q [1; 0]%nat * (ln 4 - ln 3).
Proof.
  intros one. destruct rev_L as (l0 & l1 & l2). unfold Cov, E, rev_s. cbn [sum]. rewrite l0, l1, l2. simpl.
  replace (q [0; 1]%nat) with (1 - q [0; 0]%nat - q [1; 0]%nat) by lra. repeat split; ring.
Qed.

Lemma even_cov (f g : bool -> R) : Cov [false; true] (fun _ => / 2) f g
  = / 4 * ((f true - f false) * (g true - g false)).
Proof. unfold Cov, E. simpl. field. Qed.

Theorem simpson_crossing_reversal_holds : simpson_crossing_reversal.
Proof.
  unfold simpson_crossing_reversal. rewrite rev_strings. set (plus := aligned rev_s reversing_p reversing_R).
  assert (full rev_s reversing_p) as fp.
  { split; [each; simpl; lra|unfold rev_s; simpl; lra]. }
  split; [exact fp|]. intros w sw prod.
  set (q := fun cool : bool => if cool then q_loc reversing (cooled w 2) else plus).
  change ((forall cool, 0 < Cov rev_s (q cool) (L reversing_p) reversing_R) /\ forall N, (1 <= N)%nat ->
    (CovM rev_s [false; true] (fun _ => / 2) q N (L reversing_p) reversing_R < 0 <-> (140 <= N)%nat)).
  destruct rev_plus as (p0 & p1 & p2). destruct (rev_cooled w sw prod) as (c0 & c1 & c2). fold plus in p0, p1, p2.
  assert (0 < ln 2 * (ln 4 - ln 3)) as kp.
  { apply Rmult_lt_0_compat; [apply ln_two_pos|]. pose proof (ln_mono 3 4). lra. }
  set (k := ln 2 * (ln 4 - ln 3)) in *.
  destruct (rev_cov (q false)) as (covp & Lp & Rp); [unfold q; rewrite p0, p1, p2; lra|].
  destruct (rev_cov (q true)) as (covc & Lc & Rc); [unfold q; rewrite c0, c1, c2; lra|].
  fold k in covp, covc. change (q false) with plus in covp at 2 3, Lp at 2, Rp at 2.
  change (q true) with (q_loc reversing (cooled w 2)) in covc at 2 3, Lc at 2, Rc at 2.
  rewrite p0, p2 in covp. rewrite p0 in Lp. rewrite p2 in Rp. rewrite c0, c2 in covc. rewrite c0 in Lc. rewrite c2
      in Rc.
  split; [intros [|]; [rewrite covc|rewrite covp]; lra|].
  intros N N1. rewrite corpora_covariance; auto.
  - unfold within, between. rewrite even_cov. cbn [sum]. rewrite covp, covc, Lp, Lc, Rp, Rc.
    pose proof (INR_one_le N N1) as N1'.
    match goal with |- ?a < 0 <-> _ => replace a with (k * ((/ 2 * (24 / 289) + / 2 * (25920 / 525625)) / INR N
      - / 4 * ((644 / 725 - 14 / 17) * (8 / 17 - 320 / 725)))) by (unfold k; field; lra) end.
    set (c := (/ 2 * (24 / 289) + / 2 * (25920 / 525625))).
    set (d := / 4 * ((644 / 725 - 14 / 17) * (8 / 17 - 320 / 725))).
    assert (139 * d < c < 140 * d) as between by (unfold c, d; lra). assert (0 < d) by (unfold d; lra).
    replace (k * (c / INR N - d)) with (k * (c - d * INR N) / INR N) by (field; lra). split.
    + intros neg. destruct (le_lt_dec 140 N) as [done|lt]; [exact done|exfalso].
      assert (INR N <= 139) as le by (replace 139 with (INR 139) by (simpl; ring); apply le_INR; lia).
      assert (0 <= k * (c - d * INR N) / INR N); [|lra]. apply Rdiv_le_0_compat; [|lra].
      apply Rmult_le_pos; [lra|]. assert (d * INR N <= d * 139) by (apply Rmult_le_compat_l; lra). lra.
    + intros le. apply le_INR in le. replace (INR 140) with 140 in le by (simpl; ring).
      assert (0 < k * (d * INR N - c) / INR N).
      { apply Rdiv_lt_0_compat; [|lra]. apply Rmult_lt_0_compat; [lra|].
        assert (d * 140 <= d * INR N) by (apply Rmult_le_compat_l; lra). lra. }
      replace (k * (c - d * INR N) / INR N) with (- (k * (d * INR N - c) / INR N)) by (field; lra). lra.
  - intros [|] _.
    + apply (full_law rev_s). rewrite <- rev_strings. apply q_loc_full; [apply reversing_proper|apply cooled_positive].
    + apply full_law, aligned_full, fp.
Qed.

(** * adaptors.none *)

Definition c_p (a : nat) : R := 2 ^ a / 7.
Definition c_s : list nat := [0; 1; 2]%nat.

Lemma c_full : full c_s c_p.
Proof. split; [each; unfold c_p; simpl; lra|unfold c_p; simpl; lra]. Qed.

Lemma kept_law_law (s : list nat) q keep : full s q -> (exists a, In a s /\ keep a = true) -> law s (kept_law s q keep).
Proof.
  intros [pos _] (a & ha & yes). assert (forall y, In y s -> 0 <= (if keep y then q y else 0)) as nonneg.
  { intros y hy. destruct (keep y); [apply Rlt_le, pos, hy|lra]. }
  apply normalised_law; auto. apply (sum_pos_at s _ a); auto. rewrite yes. auto.
Qed.

(** on C1 whatever one mean gains the other gains *)
Lemma c1_gains (Rw : nat -> R) q plus : (forall a, Rw a = ln (2 ^ a)) -> law c_s q -> law c_s plus ->
  0 <= (E c_s q (L c_p) - E c_s plus (L c_p)) * (E c_s q Rw - E c_s plus Rw).
Proof.
  intros eq lq lp. pose proof (adaptors_none_c1_holds q lq) as one. pose proof (adaptors_none_c1_holds plus lp) as two.
  cbv zeta in one, two. fold c_s in one, two. change (fun a => 2 ^ a / 7) with c_p in one, two.
  rewrite (E_ext c_s q Rw (fun a => ln (2 ^ a))), (E_ext c_s plus Rw (fun a => ln (2 ^ a))), one, two by auto.
  set (d := E c_s q (L c_p)). set (e := E c_s plus (L c_p)). replace (d + ln 7 - (e + ln 7)) with (d - e) by ring.
  apply Rle_0_sqr.
Qed.

Lemma c_L : L c_p 0%nat = - ln 7 /\ L c_p 1%nat = ln 2 - ln 7 /\ L c_p 2%nat = 2 * ln 2 - ln 7.
Proof.
  unfold L, c_p. simpl. rewrite !Rmult_1_r, !ln_div, ln_1, ln_mult by lra. repeat split; lra.
Qed.

(** C3 in numbers: q by its masses on strings 1 and 2 *)
Lemma c3_means (Rw : nat -> R) q : (forall a, Rw a = ln (INR a + 1)) -> q 0%nat + q 1%nat + q 2%nat = 1 ->
  E c_s q (L c_p) = (q 1%nat + 2 * q 2%nat) * ln 2 - ln 7 /\ E c_s q Rw = q 1%nat * ln 2 + q 2%nat * ln 3.
Proof.
  intros eq one. destruct c_L as (l0 & l1 & l2). unfold E, c_s. cbn [sum]. rewrite l0, l1, l2, !eq. simpl.
  replace (0 + 1) with 1 by ring. replace (1 + 1) with 2 by ring. replace (2 + 1) with 3 by ring. rewrite ln_1.
  replace (q 0%nat) with (1 - q 1%nat - q 2%nat) by lra. split; ring.
Qed.

Lemma c3_plus (Rw : nat -> R) : (forall a, Rw a = ln (INR a + 1)) -> let plus := aligned c_s c_p Rw in
  plus 0%nat = 1 / 17 /\ plus 1%nat = 4 / 17 /\ plus 2%nat = 12 / 17.
Proof.
  intros eq plus. unfold plus, aligned, Z, c_s, c_p. cbn [sum]. rewrite !eq, !exp_ln by (simpl; lra). simpl.
  repeat split; field.
Qed.

Lemma kept_numbers (q : nat -> R) keep : let w a := if keep a : bool then q a else 0 in
  w 0%nat + w 1%nat + w 2%nat <> 0 ->
  (forall a, kept_law c_s q keep a = w a / (w 0%nat + w 1%nat + w 2%nat)).
Proof. intros w nz a. unfold kept_law, normalised, c_s. simpl. fold (w 0%nat) (w 1%nat) (w 2%nat) (w a). f_equal.
    ring. Qed.

Lemma same_sign (x y : R) : (0 <= x /\ 0 <= y) \/ (x <= 0 /\ y <= 0) -> 0 <= x * y.
Proof. intros [[]|[]]; nra. Qed.

Lemma c3_kept (Rw : nat -> R) keep : (forall a, Rw a = ln (INR a + 1)) -> (exists a, In a c_s /\ keep a = true) ->
  let plus := aligned c_s c_p Rw in let q := kept_law c_s plus keep in
  0 <= (E c_s q (L c_p) - E c_s plus (L c_p)) * (E c_s q Rw - E c_s plus Rw).
Proof.
  intros eq some plus q. destruct (c3_plus Rw eq) as (p0 & p1 & p2). fold plus in p0, p1, p2.
  destruct (c3_means Rw plus eq) as (lp & rp); [lra|].
  assert (law c_s q) as lq by (apply kept_law_law; auto; apply aligned_full, c_full).
  destruct (c3_means Rw q eq) as (l & r); [destruct lq as [_ one]; unfold c_s in one; simpl in one; lra|].
  rewrite l, r, lp, rp, p1, p2. destruct ln_three_bounds as [up down]. pose proof ln_two_pos as pos.
  pose proof (kept_numbers plus keep) as form. cbv beta zeta in form. rewrite p0, p1, p2 in form.
  assert (exists a, In a c_s /\ keep a = true) as (a & ha & yes) by exact some.
  assert (keep 0%nat = true \/ keep 1%nat = true \/ keep 2%nat = true) as any.
  { unfold c_s in ha. simpl in ha. destruct ha as [<-|[<-|[<-|[]]]]; auto. }
  apply same_sign. unfold q in *.
  destruct (keep 0%nat) eqn:k0, (keep 1%nat) eqn:k1, (keep 2%nat) eqn:k2;
    try (destruct any as [any|[any|any]]; discriminate any);
    rewrite !form, ?k1, ?k2, ?p1, ?p2 by lra; lra.
Qed.

Lemma c3_temperature (Rw : nat -> R) tau : (forall a, Rw a = ln (INR a + 1)) ->
  let plus := aligned c_s c_p Rw in let q := tempered c_s plus tau in
  0 <= (E c_s q (L c_p) - E c_s plus (L c_p)) * (E c_s q Rw - E c_s plus Rw).
Proof.
  intros eq plus q. assert (full c_s plus) as fq by apply aligned_full, c_full.
  assert (forall f t, is_derive (fun t => E c_s (tempered c_s plus t) f) t
    (- Cov c_s (tempered c_s plus t) f (I c_s c_p Rw))) as slope.
  { intros f t. replace (- Cov c_s (tempered c_s plus t) f (I c_s c_p Rw))
      with (Cov c_s (tempered c_s plus t) f (fun a => ln (plus a))); [now apply tempered_derive|].
    rewrite !(Cov_sym _ _ f), (Cov_ext c_s _ (I c_s c_p Rw) (fun a => -1 * ln (plus a)) f f);
      [rewrite Cov_scal; ring|intros; unfold I, plus; ring|auto]. }
  destruct adaptors_none_c3_holds as (_ & fallL & fallR). fold c_s in fallL, fallR.
  change (fun a => 2 ^ a / 7) with c_p in fallL, fallR.
  assert (forall a y, In a c_s -> In y c_s -> (Rw a - Rw y) * (I c_s c_p Rw a - I c_s c_p Rw y) <= 0) as fR.
  { intros a y ha hy. rewrite !(surprisal c_s c_p Rw) by (auto using c_full). rewrite !eq.
    specialize (fallR a y ha hy). rewrite !surprisal in fallR by (auto using c_full). lra. }
  assert (forall a y, In a c_s -> In y c_s -> (L c_p a - L c_p y) * (I c_s c_p Rw a - I c_s c_p Rw y) <= 0) as fL.
  { intros a y ha hy. rewrite !(surprisal c_s c_p Rw) by (auto using c_full). rewrite !eq.
    specialize (fallL a y ha hy). rewrite !surprisal in fallL by (auto using c_full). lra. }
  assert (forall t, law c_s (tempered c_s plus t)) as lt by (intros; now apply full_law, tempered_full).
  assert (forall f, E c_s (tempered c_s plus 1) f = E c_s plus f) as start.
  { intros f. apply E_ext_law. intros a ha. unfold tempered, normalised.
    rewrite (sum_ext c_s _ plus) by (intros y hy; apply Rpower_1; now apply fq).
    rewrite Rpower_1 by now apply fq. destruct fq as [_ ->]. field. }
  rewrite <- (start (L c_p)), <- (start Rw). apply same_sign.
  assert (forall f, (forall t, 0 <= - Cov c_s (tempered c_s plus t) f (I c_s c_p Rw)) ->
    forall t t', t <= t' -> E c_s (tempered c_s plus t) f <= E c_s (tempered c_s plus t') f) as rise.
  { intros f pos t t' le.
    apply (increasing_le (fun t => E c_s (tempered c_s plus t) f) _ t t' le (fun u _ => slope f u)). auto. }
  assert (forall t, 0 <= - Cov c_s (tempered c_s plus t) (L c_p) (I c_s c_p Rw) /\
    0 <= - Cov c_s (tempered c_s plus t) Rw (I c_s c_p Rw)) as signs.
  { intros t. destruct (adaptors_none_comonotone_holds nat c_s c_p Rw (tempered c_s plus t) c_full (lt t) fL fR). lra. }
  unfold q. destruct (Rle_dec 1 tau) as [le|gt]; [left|right].
  - pose proof (rise (L c_p) (fun t => proj1 (signs t)) 1 tau le).
    pose proof (rise Rw (fun t => proj2 (signs t)) 1 tau le). lra.
  - assert (tau <= 1) as le by lra. pose proof (rise (L c_p) (fun t => proj1 (signs t)) tau 1 le).
    pose proof (rise Rw (fun t => proj2 (signs t)) tau 1 le). lra.
Qed.

Theorem adaptors_none_alone_holds : adaptors_none_alone.
Proof.
  unfold adaptors_none_alone. fold c_s. change (fun a : nat => 2 ^ a / 7) with c_p. intros Rw [eq|eq]; split.
  - intros tau _. apply c1_gains; auto; apply full_law; [apply tempered_full|]; apply aligned_full, c_full.
  - intros keep some. apply c1_gains; auto; [apply kept_law_law; auto|apply full_law]; apply aligned_full, c_full.
  - intros tau _. now apply c3_temperature.
  - intros keep some. now apply c3_kept.
Qed.

Theorem adaptors_none_together_holds : adaptors_none_together.
Proof.
  unfold adaptors_none_together. fold c_s. change (fun a : nat => 2 ^ a / 7) with c_p.
  set (Rw := fun a : nat => ln (INR a + 1)). destruct (c3_plus Rw (fun _ => eq_refl)) as (p0 & p1 & p2).
  set (plus := aligned c_s c_p Rw) in *. set (top2 := kept_law c_s plus (fun a => Nat.leb 1 a)).
  set (q := normalised c_s (fun a => if Nat.leb 1 a then Rpower (top2 a) (/ 2) else 0)).
  change (plus 0%nat < plus 1%nat < plus 2%nat /\ E c_s q (L c_p) < E c_s plus (L c_p) /\ E c_s plus Rw < E c_s q Rw).
  assert (top2 1%nat = / 4 /\ top2 2%nat = 3 / 4) as [t1 t2].
  { unfold top2. rewrite !kept_numbers; simpl; rewrite ?p0, ?p1, ?p2; try lra; split; field. }
  set (u := sqrt (3 / 4)). assert (u * u = 3 / 4) as square by (apply sqrt_sqrt; lra).
  assert (86 / 100 < u < 867 / 1000) as [low high].
  { split; [rewrite <- (sqrt_square (86 / 100)) by lra|rewrite <- (sqrt_square (867 / 1000)) by lra]; apply
      sqrt_lt_1; lra. }
  assert (sqrt (/ 4) = / 2) as half.
  { rewrite <- (sqrt_square (/ 2)) by lra. f_equal. field. }
  assert (q 0%nat = 0 /\ q 1%nat = / 2 / (/ 2 + u) /\ q 2%nat = u / (/ 2 + u)) as (q0 & q1 & q2).
  { unfold q, normalised, c_s. simpl. rewrite t1, t2, !Rpower_sqrt by lra. fold u. rewrite half.
    repeat split; field; lra. }
  destruct (c3_means Rw plus (fun _ => eq_refl)) as (lp & rp); [lra|].
  destruct (c3_means Rw q (fun _ => eq_refl)) as (l & r); [rewrite q0, q1, q2; field; lra|].
  rewrite l, r, lp, rp, p0, p1, p2. destruct ln_three_bounds as [up down]. pose proof ln_two_pos as pos.
  set (v := q 2%nat) in *. assert (q 1%nat = 1 - v) as q1' by (rewrite q1, q2; field; lra). rewrite q1'.
  assert (63 / 100 < v < 635 / 1000) as [lv hv].
  { assert (v * (/ 2 + u) = u) as eq by (rewrite q2; field; lra).
    split; apply (Rmult_lt_reg_r (/ 2 + u)); lra. }
  split; [lra|split].
  - assert ((1 - v + 2 * v) * ln 2 < (4 / 17 + 2 * (12 / 17)) * ln 2); [|lra]. apply Rmult_lt_compat_r; lra.
  - assert (0 < (1 - v - 4 / 17) * ln 2 - (12 / 17 - v) * ln 3); [|lra].
    assert ((12 / 17 - v) * ln 3 < (12 / 17 - v) * (8 / 5 * ln 2)) by (apply Rmult_lt_compat_l; lra).
    assert (0 < (1 - v - 4 / 17 - (12 / 17 - v) * (8 / 5)) * ln 2); [|lra]. apply Rmult_lt_0_compat; lra.
Qed.
