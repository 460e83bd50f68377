(** Adaptors on small trees: local and global temperature, truncation of tokens, factors at unscored ends. *)

Require Import Reals Lra Lia List Psatz Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements Trees ExampleStatements Logarithms Examples ExampleTrees
  ExampleNumbers.
Import ListNotations.
Open Scope R_scope.

Theorem adaptors_local_global_chain_rule_holds : adaptors_local_global_chain_rule.
Proof. intros T p P S. rewrite mean_entropies by auto. reflexivity. Qed.

(** * adaptors.gauge *)

Theorem adaptors_gauge_unscored_holds : adaptors_gauge_unscored.
Proof.
  intros T w gamma u o o' P W G hu plain decided y [ho endo] [ho' endo'].
  pose proof (gauged_positive T w gamma W G) as GW.
  assert (forall o, decided o -> product (gauged gamma w) (y o) = reach (gauged gamma w) u * (gamma u * w u o)) as form.
  { intros [t|] [h e]; unfold y.
    - rewrite product_app. simpl. unfold from, gauged. simpl. rewrite app_nil_r.
      destruct (plain (u ++ [t]) (context_step T u t hu h) e) as [-> ->]. ring.
    - rewrite <- (app_nil_r u) at 1. rewrite product_app. simpl. unfold from, gauged. simpl. rewrite app_nil_r.
        reflexivity. }
  unfold q_glob. rewrite !form by (split; auto).
  pose proof (C_pos T _ P GW) as cp. pose proof (reach_pos T _ u GW hu) as rp. pose proof (G u hu) as gp.
  pose proof (W u o' hu ho') as wp. field. repeat split; lra.
Qed.

(** * adaptors.local-entropy *)

Lemma b_glob (w : weights) a b c d e f g :
  w nil (Some 0)%nat = a -> w nil (Some 1)%nat = b -> w [1]%nat (Some 0)%nat = c -> w [1]%nat (Some 1)%nat = d ->
  w [0]%nat None = e -> w [1; 0]%nat None = f -> w [1; 1]%nat None = g ->
  let n := a * e + b * (c * f) + b * (d * g) in
  q_glob branched w [0]%nat = a * e / n /\ q_glob branched w [1; 0]%nat = b * (c * f) / n /\
  q_glob branched w [1; 1]%nat = b * (d * g) / n.
Proof.
  intros <- <- <- <- <- <- <- n. unfold q_glob, C. rewrite b_strings. unfold b_s. simpl. unfold from. simpl.
  unfold n. unfold token in *. repeat split; f_equal; ring.
Qed.

Lemma cooled_two (w : weights) u o x : w u o = x -> 0 < x -> cooled w 2 u o = x * x.
Proof. intros <- xp. unfold cooled. now apply Rpower_square. Qed.

Lemma ln_seventeen : 28332132 / 10000000 < ln 17 < 28332136 / 10000000.
Proof.
  pose proof (log_ratio_bounds (1 / 577) ltac:(lra)) as [low high].
  replace ((1 + 1 / 577) / (1 - 1 / 577)) with (17 * 17 / (2 * 2 * 2 * 2 * 2 * 3 * 3)) in * by field.
  rewrite ln_div, !ln_mult in * by lra. destruct ln_primes as (b2 & b3 & _). lra.
Qed.

Theorem adaptors_local_entropy_example_holds : adaptors_local_entropy_example.
Proof.
  unfold adaptors_local_entropy_example. rewrite b_strings.
  split; [apply branched_proper|split; [apply branch_step; lra|]]. set (w := branch_w 3 2 2).
  destruct (b_product 3 2 2) as (p0 & p1 & p2); try lra. fold w in p0, p1, p2.
  destruct (b_loc (cooled w 2) (9 / 49) (16 / 49) (/ 4) (/ 4) 1 1 1) as (l0 & l1 & l2); try lra.
  1-7: unfold cooled, w, branch_w; rewrite Rpower_square by lra; field.
  destruct (b_glob (cooled w 2) (9 / 49) (16 / 49) (/ 4) (/ 4) 1 1 1) as (g0 & g1 & g2).
  1-7: unfold cooled, w, branch_w; rewrite Rpower_square by lra; field.
  rewrite (b_Ent _ _ _ _ p0 p1 p2), (b_Ent _ _ _ _ l0 l1 l2), (b_Ent _ _ _ _ g0 g1 g2).
  replace (3 / (3 + 2 + 2)) with (3 / 7) by field. replace (2 / (3 + 2 + 2)) with (2 / 7) by field.
  replace (9 / 49 / (9 / 49 + 16 / 49)) with (3 * 3 / (5 * 5)) by field.
  replace (16 / 49 / (9 / 49 + 16 / 49) * (/ 4 / (/ 4 + / 4))) with (2 * 2 * 2 / (5 * 5)) by field.
  replace (9 / 49 * 1 / (9 / 49 * 1 + 16 / 49 * (/ 4 * 1) + 16 / 49 * (/ 4 * 1))) with (3 * 3 / 17) by field.
  replace (16 / 49 * (/ 4 * 1) / (9 / 49 * 1 + 16 / 49 * (/ 4 * 1) + 16 / 49 * (/ 4 * 1))) with (2 * 2 / 17) by field.
  rewrite !ln_div, !ln_mult by lra. destruct ln_primes as (b2 & b3 & b5 & b7). pose proof ln_seventeen.
  repeat split; try apply near_bounds; lra.
Qed.

(** * C2 *)

Definition C2_s : list context := [[0; 0]; [0; 1]; [0; 2]; [0; 3]; [1]]%nat.
Lemma C2_strings : strings C2 = C2_s.
Proof. reflexivity. Qed.

Lemma C2_product a b : 0 < a -> 0 < b -> let p := product (C2_w a b) in
  (forall j, p [0%nat; j] = a / (4 * a + b)) /\ p [1]%nat = b / (4 * a + b).
Proof. intros ap bp p. unfold p. simpl. unfold from. simpl. split; [intros j|]; field; lra. Qed.

(** a mean of what is the same on the four strings that begin with a *)
Lemma C2_mean q f x y : sum C2_s q = 1 -> (forall j, f [0%nat; j] = x) -> f [1]%nat = y ->
  E C2_s q f = x + q [1]%nat * (y - x).
Proof.
  intros one fx <-. unfold C2_s in *. simpl in one. unfold E. simpl. rewrite !fx.
  replace (q [0; 0]%nat) with (1 - q [0; 1]%nat - q [0; 2]%nat - q [0; 3]%nat - q [1]%nat) by lra. ring.
Qed.

Lemma C2_aligned y : In y (strings C2) -> product C2_plus y = aligned (strings C2) (product C2_p) C2_R y.
Proof.
  rewrite C2_strings. intros hy. destruct (C2_product 2 3) as [pa pb]; try lra. destruct (C2_product 4 9) as [qa
      qb]; try lra.
  fold C2_p in pa, pb. fold C2_plus in qa, qb. unfold aligned, Z, C2_s. cbn [sum]. rewrite !pa, pb. simpl C2_R.
  rewrite !exp_ln by lra. unfold C2_s in hy. simpl in hy.
  repeat destruct hy as [<-|hy]; try contradiction; rewrite ?qa, ?qb, ?pa, ?pb; simpl C2_R; rewrite exp_ln by lra;
      field.
Qed.

Lemma C2_L : (forall j, L (product C2_p) [0%nat; j] = ln (2 / 11)) /\ L (product C2_p) [1]%nat = ln (3 / 11).
Proof.
  destruct (C2_product 2 3) as [pa pb]; try lra. fold C2_p in pa, pb. unfold L.
  split; [intros j; rewrite pa|rewrite pb]; f_equal; field.
Qed.

Lemma C2_cooled : q_glob C2 (cooled C2_plus 2) [1]%nat = 81 / 145 /\ q_loc C2 (cooled C2_plus 2) [1]%nat = 81 / 337.
Proof.
  assert (Rpower 1 2 = 1) as r1 by (rewrite Rpower_square; lra).
  assert (Rpower (1 / 4) 2 = / 16) as r4 by (rewrite Rpower_square; lra).
  assert (Rpower (4 * 4 / (4 * 4 + 9)) 2 = 256 / 625) as ra by (rewrite Rpower_square; lra).
  assert (Rpower (9 / (4 * 4 + 9)) 2 = 81 / 625) as rb by (rewrite Rpower_square; lra).
  split.
  - unfold q_glob, C. rewrite C2_strings. unfold C2_s. simpl. unfold from, cooled, C2_plus. simpl. rewrite r1, r4,
      ra, rb. field.
  - unfold q_loc. simpl. unfold local_step, total, from, cooled, C2_plus. simpl. rewrite r1, ra, rb. field.
Qed.

Theorem adaptors_local_global_opposite_holds : adaptors_local_global_opposite.
Proof.
  unfold adaptors_local_global_opposite. split; [exact C2_aligned|]. cbn [fst snd].
  pose proof (C2_step 4 9 ltac:(lra) ltac:(lra)) as S. fold C2_plus in S.
  pose proof (q_glob_sum C2 (cooled C2_plus 2) C2_proper (cooled_positive _ _ _)) as sg.
  pose proof (q_loc_sum C2 (cooled C2_plus 2) C2_proper (cooled_positive _ _ _)) as sl.
  pose proof (proj2 (tree_full C2 C2_plus C2_proper S)) as sp. rewrite C2_strings in *.
  destruct C2_L as [la lb]. destruct C2_cooled as [qg ql].
  rewrite (C2_mean _ _ _ _ sp la lb), (C2_mean _ _ _ _ sg la lb), (C2_mean _ _ _ _ sl la lb).
  rewrite !(C2_mean _ C2_R (ln 2) (ln 3)) by (auto; reflexivity).
  destruct (C2_product 4 9) as [_ qb]; try lra. fold C2_plus in qb. rewrite qg, ql, qb.
  pose proof (ln_mono 2 3 ltac:(lra) ltac:(lra)). pose proof (ln_mono (2 / 11) (3 / 11) ltac:(lra) ltac:(lra)). lra.
Qed.

Lemma top_one T u o h t : options (subtree T u) = h :: t ->
  top T (fun _ => 1%nat) u o = if same_option o h then 1 else 0.
Proof.
  intros eq. unfold top, indicator. rewrite eq. simpl firstn. simpl INR.
  destruct (in_dec same_option o [h]) as [i|i], (same_option o h) as [e|e]; try lra.
  - destruct i as [i|[]]. congruence.
  - exfalso. apply i. left. auto.
Qed.

Lemma C2_top : let q := product (top C2 (fun _ => 1%nat)) in
  q [0; 0]%nat = 1 /\ q [0; 1]%nat = 0 /\ q [0; 2]%nat = 0 /\ q [0; 3]%nat = 0 /\ q [1]%nat = 0.
Proof.
  intros q. unfold q. simpl. unfold from. simpl.
  rewrite !(top_one C2 nil _ (Some 0%nat) [Some 1%nat]), !(top_one C2 [0%nat] _ (Some 0%nat) [Some 1; Some 2; Some
      3]%nat),
    !(top_one C2 [0; 0]%nat _ None nil) by reflexivity.
  simpl. repeat split; ring.
Qed.

Theorem adaptors_truncation_tokens_holds : adaptors_truncation_tokens.
Proof.
  unfold adaptors_truncation_tokens. split; [apply C2_proper|]. split; [apply C2_step; lra|]. split; [apply C2_step;
      lra|].
  split; [exact C2_aligned|]. split.
  - intros u o o' hu ho one ho'. walk; option ho; option ho'; unfold C2_plus; simpl;
      rewrite ?(top_one C2 nil _ (Some 0%nat) [Some 1%nat]) in one by reflexivity; simpl in one; lra.
  - rewrite C2_strings. destruct C2_top as (q0 & q1 & q2 & q3 & q4). cbv zeta in *.
    set (q := product (top C2 (fun _ => 1%nat))) in *.
    assert (sum C2_s q = 1) as one by (unfold C2_s; simpl; rewrite q0, q1, q2, q3, q4; ring).
    split; [split; [|exact one]|].
    { intros y hy. unfold C2_s in hy. simpl in hy. repeat destruct hy as [<-|hy]; try contradiction; lra. }
    pose proof (proj2 (tree_full C2 C2_plus C2_proper (C2_step 4 9 ltac:(lra) ltac:(lra)))) as sp. rewrite
        C2_strings in sp.
    destruct C2_L as [la lb].
    rewrite (C2_mean _ _ _ _ one la lb), (C2_mean _ _ _ _ sp la lb).
    rewrite !(C2_mean _ C2_R (ln 2) (ln 3)) by (auto; reflexivity).
    destruct (C2_product 4 9) as [_ qb]; try lra. fold C2_plus in qb. rewrite q4, qb.
    pose proof (ln_mono 2 3 ltac:(lra) ltac:(lra)). pose proof (ln_mono (2 / 11) (3 / 11) ltac:(lra) ltac:(lra)). lra.
Qed.

(** * [[. .] .] *)

Definition f_s : list context := [[0; 0]; [0; 1]; [1]]%nat.
Lemma f_strings : strings branched_first = f_s.
Proof. reflexivity. Qed.

Lemma f_E (q f : context -> R) (x y z : R) : q [0; 0]%nat = x -> q [0; 1]%nat = y -> q [1]%nat = z ->
  E f_s q f = x * f [0; 0]%nat + y * f [0; 1]%nat + z * f [1]%nat.
Proof. intros <- <- <-. unfold E, f_s. simpl. ring. Qed.

Lemma f_product a b c : 0 < a -> 0 < b -> 0 < c -> let p := product (first_w a b c) in
  p [0; 0]%nat = a / (a + b + c) /\ p [0; 1]%nat = b / (a + b + c) /\ p [1]%nat = c / (a + b + c).
Proof. intros ap bp cp p. unfold p. simpl. unfold from. simpl. repeat split; field; lra. Qed.

Theorem adaptors_local_global_turned_holds : adaptors_local_global_turned.
Proof.
  unfold adaptors_local_global_turned. split; [apply branched_first_proper|].
  split; [apply first_step; lra|]. split; [apply first_step; lra|]. rewrite f_strings. cbn [fst snd].
  destruct (f_product 1 2 1) as (p0 & p1 & p2); try lra. destruct (f_product 2 2 3) as (w0 & w1 & w2); try lra.
  assert (Rpower 1 2 = 1) as r1 by (rewrite Rpower_square; lra).
  assert (Rpower ((2 + 2) / (2 + 2 + 3)) 2 = 16 / 49) as ra by (rewrite Rpower_square; lra).
  assert (Rpower (3 / (2 + 2 + 3)) 2 = 9 / 49) as rb by (rewrite Rpower_square; lra).
  assert (Rpower (2 / (2 + 2)) 2 = / 4) as rc by (rewrite Rpower_square; lra).
  set (w := first_w 2 2 3) in *. set (p := first_w 1 2 1) in *. set (Rw := first_R 2 1 3).
  assert (q_glob branched_first (cooled w 2) [0; 0]%nat = 4 / 17 /\ q_glob branched_first (cooled w 2) [0; 1]%nat =
      4 / 17 /\
    q_glob branched_first (cooled w 2) [1]%nat = 9 / 17) as (g0 & g1 & g2).
  { unfold q_glob, C. rewrite f_strings. unfold f_s. simpl. unfold from, cooled, w. simpl. rewrite r1, ra, rb, rc.
    repeat split; field. }
  assert (q_loc branched_first (cooled w 2) [0; 0]%nat = 8 / 25 /\ q_loc branched_first (cooled w 2) [0; 1]%nat = 8
      / 25 /\
    q_loc branched_first (cooled w 2) [1]%nat = 9 / 25) as (l0 & l1 & l2).
  { unfold q_loc. simpl. unfold local_step, total, from, cooled, w. simpl. rewrite r1, ra, rb, rc. repeat split;
      field. }
  rewrite !(f_E _ _ _ _ _ w0 w1 w2), !(f_E _ _ _ _ _ g0 g1 g2), !(f_E _ _ _ _ _ l0 l1 l2). unfold L. rewrite p0, p1, p2.
  change (Rw [0; 0]%nat) with (ln 2). change (Rw [0; 1]%nat) with (ln 1). change (Rw [1]%nat) with (ln 3).
  split.
  - intros y hy. unfold aligned, Z, f_s. cbn [sum]. rewrite p0, p1, p2.
    change (Rw [0; 0]%nat) with (ln 2). change (Rw [0; 1]%nat) with (ln 1). change (Rw [1]%nat) with (ln 3).
    rewrite !exp_ln by lra. unfold f_s in hy. simpl in hy. repeat destruct hy as [<-|hy]; try contradiction;
      rewrite ?w0, ?w1, ?w2, ?p0, ?p1, ?p2;
      change (Rw [0; 0]%nat) with (ln 2); change (Rw [0; 1]%nat) with (ln 1); change (Rw [1]%nat) with (ln 3);
      rewrite exp_ln by lra; field.
  - rewrite !ln_div, ln_1 by lra. destruct ln_primes as (b2 & b3 & _).
    replace (1 + 2 + 1) with 4 by ring. replace (2 + 2 + 3) with 7 by ring. rewrite ln_four. lra.
Qed.
