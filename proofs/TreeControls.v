(** Controls on trees: the smallest trees on which each broken claim fails. *)

Require Import Reals Lra Lia List Psatz Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements TreeControlStatements Trees.
Import ListNotations.
Open Scope R_scope.

(** ** Tables, and the tree of one string beside a prefix with two continuations *)

Definition leaf : tree := Node [None] (fun _ => Nothing).
Definition table (n : nat) : tree := Node (map Some (seq 0 n)) (fun _ => leaf).
Definition fork : tree := Node [Some 0%nat; Some 1%nat] (fun t => match t with O => leaf | _ => table 2 end).

Lemma leaf_contexts u : context_of leaf u -> u = nil.
Proof. destruct u as [|t u]; simpl; auto. intros [[H|[]] _]. congruence. Qed.
Lemma table_contexts n (P : context -> Prop) : P nil -> (forall t, (t < n)%nat -> P [t]) ->
  forall u, context_of (table n) u -> P u.
Proof.
  intros P0 P1 [|t u]; auto. intros [Ht Hu]. apply leaf_contexts in Hu. subst. apply P1.
  simpl in Ht. apply in_map_iff in Ht. destruct Ht as [s [[= ->] Hs]]. apply in_seq in Hs. lia.
Qed.
Lemma fork_contexts (P : context -> Prop) : P nil -> P [0%nat] -> P [1%nat] -> P [1; 0]%nat -> P [1; 1]%nat ->
  forall u, context_of fork u -> P u.
Proof.
  intros P0 Pa Pb Pc Pd [|t u]; auto. intros [Ht Hu]. simpl in Ht.
  destruct Ht as [[= <-]|[[= <-]|[]]].
  - apply leaf_contexts in Hu. subst. auto.
  - revert u Hu. apply (table_contexts 2 (fun u => P (1%nat :: u))); auto.
    intros t Ht. destruct t as [|[|t]]; auto. lia.
Qed.
Lemma leaf_proper : options leaf <> nil /\ NoDup (options leaf).
Proof. split; [simpl; congruence|]. repeat constructor. simpl; tauto. Qed.
Lemma table_proper n : (1 <= n)%nat -> proper (table n).
Proof.
  intros Hn. intros u. revert u. apply table_contexts.
  - split; [destruct n; simpl; [lia|congruence]|]. simpl. apply FinFun.Injective_map_NoDup; [|apply seq_NoDup].
    intros a b [= ->]; auto.
  - intros. apply leaf_proper.
Qed.
Lemma two_options : options (table 2) <> nil /\ NoDup (options (table 2)).
Proof. split; [simpl; congruence|]. repeat constructor; simpl; intuition congruence. Qed.
Lemma fork_proper : proper fork.
Proof.
  intros u. revert u. apply fork_contexts; try apply leaf_proper; apply two_options.
Qed.

Definition table_w (f : nat -> R) : weights := fun u o =>
  match u, o with nil, Some t => f t | _, _ => 1 end.
Definition fork_w (a b c d : R) : weights := fun u o =>
  match u, o with
  | nil, Some O => a
  | nil, Some _ => b
  | [S _], Some O => c
  | [S _], Some _ => d
  | _, _ => 1
  end.
Lemma table_positive n f : (forall t, (t < n)%nat -> 0 < f t) -> positive (table n) (table_w f).
Proof.
  intros Hf u o Hu. revert u Hu o. apply (table_contexts n (fun u => forall o, In o (options (subtree (table n) u))
      -> 0 < table_w f u o)).
  - intros o Ho. simpl in Ho. apply in_map_iff in Ho. destruct Ho as [t [<- Ht]]. apply in_seq in Ht. apply Hf. lia.
  - intros t _ o _. simpl. lra.
Qed.
Lemma table_step n f : full (seq 0 n) f -> step_law (table n) (table_w f).
Proof.
  intros [Hf H1]. split.
  - apply table_positive. intros t Ht. apply Hf. apply in_seq. lia.
  - apply table_contexts.
    + unfold total. simpl. rewrite sum_map. exact H1.
    + intros t _. unfold total. simpl. ring.
Qed.
Lemma fork_positive a b c d : 0 < a -> 0 < b -> 0 < c -> 0 < d -> positive fork (fork_w a b c d).
Proof.
  intros Ha Hb Hc Hd u o Hu. revert u Hu o.
  apply (fork_contexts (fun u => forall o, In o (options (subtree fork u)) -> 0 < fork_w a b c d u o));
    intros o Ho; simpl in Ho; repeat destruct Ho as [<-|Ho]; try destruct Ho; simpl; lra.
Qed.
Lemma fork_step a b c d : 0 < a -> 0 < b -> 0 < c -> 0 < d -> a + b = 1 -> c + d = 1 -> step_law fork (fork_w a b c d).
Proof.
  intros Ha Hb Hc Hd H1 H2. split; [apply fork_positive; auto|].
  apply fork_contexts; unfold total; simpl; lra.
Qed.
Lemma square z : 0 < z -> Rpower z 2 = z * z.
Proof. intros H. replace 2 with (1 + 1) by ring. rewrite Rpower_plus, Rpower_1; auto. Qed.
Lemma in_fork : In [0]%nat (strings fork) /\ In [1; 0]%nat (strings fork) /\ In [1; 1]%nat (strings fork).
Proof. repeat split; simpl; auto. Qed.
Lemma E_fork q f : E (strings fork) q f = q [0]%nat * f [0]%nat + q [1; 0]%nat * f [1; 0]%nat + q [1; 1]%nat * f [1;
    1]%nat.
Proof. unfold E. change (strings fork) with [[0]; [1; 0]; [1; 1]]%nat. cbn [sum]. ring. Qed.
(* temperature 1/2 *)
Lemma fork_local a b c d : 0 < a -> 0 < b -> 0 < c -> 0 < d -> let p := cooled (fork_w a b c d) 2 in
  q_loc fork p [0]%nat = a * a / (a * a + b * b) /\
  q_loc fork p [1; 0]%nat = b * b / (a * a + b * b) * (c * c / (c * c + d * d)) /\
  q_loc fork p [1; 1]%nat = b * b / (a * a + b * b) * (d * d / (c * c + d * d)).
Proof.
  intros Ha Hb Hc Hd p. unfold p, q_loc, product, from, local_step, total, cooled. simpl. rewrite !square by lra.
  assert (0 < a * a + b * b) by nra. assert (0 < c * c + d * d) by nra.
  split; [|split]; field; lra.
Qed.
Lemma fork_global a b c d : 0 < a -> 0 < b -> 0 < c -> 0 < d -> let p := cooled (fork_w a b c d) 2 in
  let k := a * a + b * b * (c * c) + b * b * (d * d) in
  q_glob fork p [0]%nat = a * a / k /\ q_glob fork p [1; 0]%nat = b * b * (c * c) / k /\
  q_glob fork p [1; 1]%nat = b * b * (d * d) / k.
Proof.
  intros Ha Hb Hc Hd p k. assert (0 < k) by (unfold k; nra).
  unfold p, q_glob, C, product, from, cooled. simpl. rewrite !square by lra.
  replace (a * a * (1 * 1) + (b * b * (c * c * (1 * 1)) + (b * b * (d * d * (1 * 1)) + 0))) with k by (unfold k; ring).
  split; [|split]; field; lra.
Qed.
Definition third : weights := fork_w (/ 3) (2 / 3) (/ 2) (/ 2).
Lemma third_step : step_law fork third.
Proof. apply fork_step; lra. Qed.
Lemma third_local : q_loc fork (cooled third 2) [0]%nat = / 5.
Proof. destruct (fork_local (/ 3) (2 / 3) (/ 2) (/ 2)) as [X _]; try lra. unfold third. rewrite X. field. Qed.
Lemma third_global : q_glob fork (cooled third 2) [0]%nat = / 3.
Proof. destruct (fork_global (/ 3) (2 / 3) (/ 2) (/ 2)) as [X _]; try lra. unfold third. rewrite X. field. Qed.
Definition str3 (a b c : R) : context -> R := fun y => match y with [_] => a | _ :: O :: _ => b | _ => c end.

(** ** adaptors.local-global *)
Theorem control_adaptors_local_global_same_law_holds : control_adaptors_local_global_same_law.
Proof.
  intros H. specialize (H fork third 2 [0]%nat fork_proper third_step (proj1 in_fork)).
  rewrite third_local, third_global in H. lra.
Qed.
Theorem control_adaptors_local_global_wrong_sign_holds : control_adaptors_local_global_wrong_sign.
Proof.
  intros H. set (f := str3 1 0 0).
  pose proof (H fork third f fork_proper third_step) as D1.
  pose proof (adaptors_local_global_derivative_holds fork third f fork_proper third_step) as D2.
  apply is_derive_unique in D1. apply is_derive_unique in D2. rewrite D1 in D2. clear D1.
  unfold Cov in D2. rewrite !E_fork in D2. unfold f in D2. simpl in D2.
  unfold next_entropy, Ent, product, from, third in D2. simpl in D2. unfold from in D2. simpl in D2.
  rewrite ln_1 in D2. assert (L2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra). rewrite L2 in D2.
  pose proof ln_lt_2. nra.
Qed.
(* p = (1, 1, 2)/4, e^R = (3, 2, 1), p+ = (3, 2, 2)/7 *)
Theorem control_adaptors_local_global_same_direction_holds : control_adaptors_local_global_same_direction.
Proof.
  intros H. set (p := str3 (/ 4) (/ 4) (/ 2)). set (Rw := str3 (ln 3) (ln 2) 0).
  set (w := fork_w (3 / 7) (4 / 7) (/ 2) (/ 2)).
  assert (Fp : full (strings fork) p).
  { split; [|simpl; unfold p, str3; lra]. intros y Hy. simpl in Hy. unfold p.
    repeat destruct Hy as [<-|Hy]; try destruct Hy; simpl; lra. }
  assert (Zv : Z (strings fork) p Rw = 7 / 4).
  { unfold Z, p, Rw. simpl. rewrite exp_0, !exp_ln by lra. field. }
  assert (A0 : aligned (strings fork) p Rw [0]%nat = 3 / 7).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_ln by lra. field. }
  assert (A1 : aligned (strings fork) p Rw [1; 0]%nat = 2 / 7).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_ln by lra. field. }
  assert (A2 : aligned (strings fork) p Rw [1; 1]%nat = 2 / 7).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_0. field. }
  assert (St : steps_of fork (aligned (strings fork) p Rw) w).
  { split; [apply fork_step; lra|]. intros y Hy. simpl in Hy.
    destruct Hy as [<-|[<-|[<-|[]]]]; symmetry; (etransitivity; [exact A0 || exact A1 || exact A2|]); unfold w,
        product, from; simpl; lra. }
  specialize (H fork p Rw w fork_proper Fp St). cbv beta zeta in H.
  destruct (fork_local (3 / 7) (4 / 7) (/ 2) (/ 2)) as [L0 [L1 L2]]; try lra.
  destruct (fork_global (3 / 7) (4 / 7) (/ 2) (/ 2)) as [G0 [G1 G2]]; try lra.
  fold w in L0, L1, L2, G0, G1, G2. rewrite !E_fork, A0, A1, A2, L0, L1, L2, G0, G1, G2 in H.
  unfold p, Rw, L, str3 in H. simpl in H.
  assert (X4 : ln (/ 4) = - (2 * ln 2)).
  { rewrite ln_Rinv by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  assert (X2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra). rewrite X4, X2 in H.
  assert (X3 : ln 2 < ln 3) by (apply ln_increasing; lra). pose proof ln_lt_2.
  destruct H as [H|H].
  - assert (Y : (3 / 7 * (3 / 7) / (3 / 7 * (3 / 7) + 4 / 7 * (4 / 7) * (/ 2 * / 2) + 4 / 7 * (4 / 7) * (/ 2 * / 2))
      = 9 / 17)) by field.
    field_simplify in H. nra.
  - field_simplify in H. nra.
Qed.
(* p = (2, 1, 3)/6, e^R = (2, 3, 1), p+ = (4, 3, 3)/10 *)
Theorem control_adaptors_local_global_both_cool_holds : control_adaptors_local_global_both_cool.
Proof.
  intros H. set (p := str3 (/ 3) (/ 6) (/ 2)). set (Rw := str3 (ln 2) (ln 3) 0).
  set (w := fork_w (2 / 5) (3 / 5) (/ 2) (/ 2)).
  assert (Fp : full (strings fork) p).
  { split; [|simpl; unfold p, str3; lra]. intros y Hy. simpl in Hy. unfold p.
    repeat destruct Hy as [<-|Hy]; try destruct Hy; simpl; lra. }
  assert (Zv : Z (strings fork) p Rw = 5 / 3).
  { unfold Z, p, Rw. simpl. rewrite exp_0, !exp_ln by lra. field. }
  assert (A0 : aligned (strings fork) p Rw [0]%nat = 2 / 5).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_ln by lra. field. }
  assert (A1 : aligned (strings fork) p Rw [1; 0]%nat = 3 / 10).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_ln by lra. field. }
  assert (A2 : aligned (strings fork) p Rw [1; 1]%nat = 3 / 10).
  { unfold aligned. rewrite Zv. unfold p, Rw. simpl. rewrite exp_0. field. }
  assert (St : steps_of fork (aligned (strings fork) p Rw) w).
  { split; [apply fork_step; lra|]. intros y Hy. simpl in Hy.
    destruct Hy as [<-|[<-|[<-|[]]]]; symmetry; (etransitivity; [exact A0 || exact A1 || exact A2|]);
      unfold w, product, from; simpl; lra. }
  specialize (H fork p Rw w fork_proper Fp St). cbv beta zeta in H.
  destruct (fork_local (2 / 5) (3 / 5) (/ 2) (/ 2)) as [L0 [L1 L2]]; try lra.
  destruct (fork_global (2 / 5) (3 / 5) (/ 2) (/ 2)) as [G0 [G1 G2]]; try lra.
  fold w in L0, L1, L2, G0, G1, G2. rewrite !E_fork, A0, A1, A2, L0, L1, L2, G0, G1, G2 in H.
  unfold p, Rw, L, str3 in H. simpl in H.
  assert (X6 : ln (/ 6) = - (ln 2 + ln 3)).
  { rewrite ln_Rinv by lra. replace 6 with (2 * 3) by ring. rewrite ln_mult by lra. ring. }
  assert (X2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra). assert (X5 : ln (/ 3) = - ln 3) by (apply ln_Rinv; lra).
  rewrite X6, X2, X5 in H.
  assert (X3 : ln 3 < 2 * ln 2).
  { replace (2 * ln 2) with (ln (2 * 2)) by (rewrite ln_mult by lra; ring). apply ln_increasing; lra. }
  apply H. repeat split; lra.
Qed.

(** ** adaptors.local-entropy *)
Lemma ln_integer_power (k : BinNums.Z) (n : nat) : (0 < k)%Z -> INR n * ln (IZR k) = ln (IZR (k ^ Z.of_nat n)).
Proof.
  intros Hk. rewrite <- pow_IZR. assert (0 < IZR k) by (apply IZR_lt; auto). clear Hk.
  induction n as [|n IH]; [simpl; rewrite ln_1; ring|]. rewrite S_INR. simpl pow. rewrite ln_mult by (auto; apply
      pow_lt; auto).
  rewrite <- IH. ring.
Qed.
(* 5^350 > 7^175 3^51 2^236 *)
Lemma power_inequality : 175 * ln 7 + 51 * ln 3 + 236 * ln 2 < 350 * ln 5.
Proof.
  replace 175 with (INR 175) by (rewrite INR_IZR_INZ; reflexivity).
  replace 51 with (INR 51) by (rewrite INR_IZR_INZ; reflexivity).
  replace 236 with (INR 236) by (rewrite INR_IZR_INZ; reflexivity).
  replace 350 with (INR 350) by (rewrite INR_IZR_INZ; reflexivity).
  rewrite !ln_integer_power by reflexivity.
  assert (P : forall k n, (0 < k)%Z -> 0 < IZR (k ^ Z.of_nat n)) by (intros; apply IZR_lt, Z.pow_pos_nonneg; lia).
  rewrite <- ln_mult by (apply P; reflexivity). rewrite <- ln_mult; [|apply Rmult_lt_0_compat; apply P;
      reflexivity|apply P; reflexivity].
  rewrite <- !mult_IZR. apply ln_increasing; [apply IZR_lt; reflexivity|]. apply IZR_lt. reflexivity.
Qed.
(* p+ = (3, 2, 2)/7 *)
Theorem control_adaptors_local_entropy_local_holds : control_adaptors_local_entropy_local.
Proof.
  intros H. set (w := fork_w (3 / 7) (4 / 7) (/ 2) (/ 2)).
  assert (Sw : step_law fork w) by (apply fork_step; lra).
  specialize (H fork w fork_proper Sw).
  destruct (fork_local (3 / 7) (4 / 7) (/ 2) (/ 2)) as [L0 [L1 L2]]; try lra. fold w in L0, L1, L2.
  assert (Ef : forall q, Ent (strings fork) q = - (q [0]%nat * ln (q [0]%nat) + q [1; 0]%nat * ln (q [1; 0]%nat)
    + q [1; 1]%nat * ln (q [1; 1]%nat))).
  { intros q. unfold Ent. change (strings fork) with [[0]; [1; 0]; [1; 1]]%nat. cbn [sum]. ring. }
  rewrite !Ef, L0, L1, L2 in H.
  replace (3 / 7 * (3 / 7) / (3 / 7 * (3 / 7) + 4 / 7 * (4 / 7))) with (9 / 25) in H by field.
  replace (4 / 7 * (4 / 7) / (3 / 7 * (3 / 7) + 4 / 7 * (4 / 7)) * (/ 2 * / 2 / (/ 2 * / 2 + / 2 * / 2))) with (8 /
      25) in H by field.
  replace (product w [0]%nat) with (3 / 7) in H by (unfold w, product, from; simpl; lra).
  replace (product w [1; 0]%nat) with (2 / 7) in H by (unfold w, product, from; simpl; lra).
  replace (product w [1; 1]%nat) with (2 / 7) in H by (unfold w, product, from; simpl; lra).
  assert (N9 : ln 9 = 2 * ln 3) by (replace 9 with (3 * 3) by ring; rewrite ln_mult by lra; ring).
  assert (N8 : ln 8 = 3 * ln 2) by (replace 8 with (2 * (2 * 2)) by ring; rewrite !ln_mult by lra; ring).
  assert (N25 : ln 25 = 2 * ln 5) by (replace 25 with (5 * 5) by ring; rewrite ln_mult by lra; ring).
  rewrite !ln_div, N9, N8, N25 in H by lra. pose proof power_inequality. lra.
Qed.

(** ** adaptors.truncation *)
Theorem control_adaptors_truncation_token_level_holds : control_adaptors_truncation_token_level.
Proof.
  intros H. set (w := fork_w (/ 2) (/ 2) (/ 2) (/ 2)).
  assert (Sw : step_law fork w) by (apply fork_step; lra).
  specialize (H fork w [1; 0]%nat fork_proper Sw (proj1 (proj2 in_fork))).
  assert (Top : forall u t v, [1; 0]%nat = u ++ t :: v -> forall o, In o (options (subtree fork u)) -> w u o <= w u
      (Some t)).
  { intros u t v Hu o Ho. destruct u as [|a [|b u]]; simpl in Hu.
    - injection Hu as <- <-. simpl in Ho. repeat destruct Ho as [<-|Ho]; try destruct Ho; simpl; lra.
    - injection Hu as <- <- <-. simpl in Ho. repeat destruct Ho as [<-|Ho]; try destruct Ho; simpl; lra.
    - injection Hu as <- <- Hu. destruct u; discriminate. }
  specialize (H Top). unfold Ent in H. change (strings fork) with [[0]; [1; 0]; [1; 1]]%nat in H. cbn [sum] in H.
  replace (product w [0]%nat) with (/ 2) in H by (unfold w, product, from; simpl; lra).
  replace (product w [1; 0]%nat) with (/ 2 * / 2) in H by (unfold w, product, from; simpl; lra).
  replace (product w [1; 1]%nat) with (/ 2 * / 2) in H by (unfold w, product, from; simpl; lra).
  rewrite ln_mult, ln_Rinv in H by lra. pose proof ln_lt_2. lra.
Qed.

(** ** adaptors.gauge *)
Definition ones : weights := table_w (fun _ => 1).
Lemma ones_positive : positive (table 2) ones.
Proof. apply table_positive. intros; lra. Qed.
Lemma pair_proper : proper (table 2).
Proof. apply table_proper. lia. Qed.
Lemma in_pair : In [0]%nat (strings (table 2)) /\ In [1]%nat (strings (table 2)).
Proof. simpl. auto. Qed.
Theorem control_adaptors_gauge_gauge_invariant_holds : control_adaptors_gauge_gauge_invariant.
Proof.
  intros H. set (gamma := fun u : context => match u with [S _] => 2 | _ => 1 end).
  assert (G : factor (table 2) gamma) by (intros u _; unfold gamma; destruct u as [|[|t] [|s u]]; lra).
  specialize (H (table 2) ones gamma [1]%nat pair_proper ones_positive G (proj2 in_pair)).
  unfold q_glob, C, gauged, product, from, gamma, ones in H. simpl in H. lra.
Qed.
Theorem control_adaptors_gauge_power_is_softmax_holds : control_adaptors_gauge_power_is_softmax.
Proof.
  intros H. specialize (H fork third 2 [0]%nat fork_proper third_step (proj1 in_fork)).
  rewrite (adaptors_gauge_softmax_holds fork (cooled third 2) fork_proper (cooled_positive _ _ _) [0]%nat (proj1
      in_fork)) in H.
  rewrite third_local, third_global in H. lra.
Qed.
Theorem control_adaptors_gauge_factor_per_token_holds : control_adaptors_gauge_factor_per_token.
Proof.
  intros H. set (gamma := table_w (fun t => match t with O => 2 | _ => 1 end)).
  assert (G : positive (table 2) gamma) by (apply table_positive; intros [|t] _; lra).
  specialize (H (table 2) ones gamma [0]%nat pair_proper ones_positive G (proj1 in_pair)).
  unfold q_loc, product, local_step, total, from, gamma, ones in H. simpl in H. lra.
Qed.
Theorem control_adaptors_gauge_end_not_scored_holds : control_adaptors_gauge_end_not_scored.
Proof.
  intros H. set (q := fun y : context => match y with [O] => / 3 | _ => 2 / 3 end).
  assert (F : full (strings (table 2)) q).
  { split; [|simpl; lra]. intros y Hy. simpl in Hy. destruct Hy as [<-|[<-|[]]]; simpl; lra. }
  destruct (H (table 2) ones q pair_proper ones_positive F) as [gamma [G [G1 Q]]].
  specialize (Q [0]%nat (proj1 in_pair)). pose proof (G nil Logic.I) as G0.
  unfold q_glob, C, gauged, product, from, ones in Q. simpl in Q.
  pose proof (G1 [0]%nat eq_refl) as Ga. pose proof (G1 [1]%nat eq_refl) as Gb. unfold context, token in *.
  rewrite Ga, Gb in Q.
  replace (gamma [] * 1 * (1 * 1) / (gamma [] * 1 * (1 * 1) + (gamma [] * 1 * (1 * 1) + 0))) with (/ 2) in Q by
      (field; lra). lra.
Qed.

(** ** adaptors.order-preserving *)
Lemma V_table n f : V (table n) f = best_average (map Some (seq 0 n)) (fun o => match o with None => f nil | Some t
    => f [t] end).
Proof.
  unfold table. cbn [V]. unfold best_average. f_equal. apply map_ext. intros j. f_equal. apply sum_ext. intros [t|]
      _; auto.
  unfold from. simpl. unfold best_average. simpl. field.
Qed.
Lemma table_law n f : law (seq 0 n) f -> forall u, context_of (table n) u -> law (options (subtree (table n) u))
    (table_w f u).
Proof.
  intros [F0 F1]. apply table_contexts.
  - split; simpl.
    + intros o Ho. apply in_map_iff in Ho. destruct Ho as [t [<- Ht]]. simpl. auto.
    + rewrite sum_map. exact F1.
  - intros t _. split; simpl; [intros; lra|ring].
Qed.
Ltac maxes := unfold best_average; simpl; unfold Rmax; repeat destruct Rle_dec; lra.
Definition second (t : nat) : R := match t with 1%nat => 1 | _ => 0 end.
Definition picks : context -> R := fun y => match y with [1%nat] => 1 | _ => 0 end.
Theorem control_adaptors_order_preserving_ties_either_way_holds : control_adaptors_order_preserving_ties_either_way.
Proof.
  intros H. set (p := table_w (fun _ => / 2)).
  assert (Sp : step_law (table 2) p) by (apply table_step; split; [intros; lra|simpl; lra]).
  specialize (H (table 2) p (table_w second) picks pair_proper Sp).
  rewrite V_table in H. assert (B : best_average (map Some (seq 0 2)) (fun o => match o with None => picks nil | Some
      t => picks [t] end) <= / 2) by maxes.
  unfold E in H. change (strings (table 2)) with [[0]; [1]]%nat in H. cbn [sum] in H.
  assert (X : product (table_w second) [1]%nat = 1) by (unfold product, from; simpl; ring).
  rewrite X in H. simpl picks in H.
  enough (product (table_w second) [0]%nat * 0 + (1 * 1 + 0) <= / 2) by lra.
  eapply Rle_trans; [apply H|exact B].
  - apply table_contexts; simpl; repeat constructor; unfold p; simpl; lra.
  - intros u Hu. split; [apply table_law; auto; split; [intros [|[|t]] _; simpl; lra|simpl; lra]|].
    revert u Hu. apply (table_contexts 2 (fun u => forall o o', In o (options (subtree (table 2) u)) -> In o'
        (options (subtree (table 2) u)) ->
      p u o' < p u o -> table_w second u o' <= table_w second u o)).
    + intros o o' Ho Ho' L1. simpl in Ho, Ho'. unfold p in L1.
      repeat destruct Ho as [<-|Ho]; try destruct Ho; repeat destruct Ho' as [<-|Ho']; try destruct Ho'; simpl in *;
          lra.
    + intros t _ o o' _ _ _. simpl. lra.
Qed.
Theorem control_adaptors_order_preserving_typical_holds : control_adaptors_order_preserving_typical.
Proof.
  intros H. set (f := fun t : nat => match t with O => / 2 | 1%nat => / 4 | _ => / 8 end). set (p := table_w f).
  assert (Sp : step_law (table 4) p).
  { apply table_step. split; [intros [|[|t]] _; simpl; lra|simpl; lra]. }
  specialize (H (table 4) p (table_w second) picks ltac:(apply table_proper; lia) Sp).
  rewrite V_table in H.
  assert (B : best_average (map Some (seq 0 4)) (fun o => match o with None => picks nil | Some t => picks [t] end)
      <= / 2) by maxes.
  unfold E in H. change (strings (table 4)) with [[0]; [1]; [2]; [3]]%nat in H. cbn [sum] in H.
  assert (X : product (table_w second) [1]%nat = 1) by (unfold product, from; simpl; ring).
  rewrite X in H. simpl picks in H.
  assert (H' : forall a b c, a * 0 + (1 * 1 + (b * 0 + (c * 0 + 0))) <= / 2 -> False) by (intros; lra).
  eapply H'. eapply Rle_trans; [apply H|exact B].
  - apply table_contexts; [|intros; simpl; repeat constructor]. simpl. unfold p. repeat constructor; simpl; lra.
  - intros u Hu. split; [apply table_law; auto; split; [intros [|[|t]] _; simpl; lra|simpl; lra]|].
    revert u Hu. apply (table_contexts 4 (fun u => forall o o', In o (options (subtree (table 4) u)) -> In o'
        (options (subtree (table 4) u)) ->
      Rabs (- ln (p u o) - next_entropy (table 4) p u) < Rabs (- ln (p u o') - next_entropy (table 4) p u) ->
      table_w second u o' <= table_w second u o)).
    + assert (L2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra).
      assert (L4 : ln (/ 4) = - (2 * ln 2)).
      { rewrite ln_Rinv by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
      assert (L8 : ln (/ 8) = - (3 * ln 2)).
      { rewrite ln_Rinv by lra. replace 8 with (2 * (2 * 2)) by ring. rewrite !ln_mult by lra. ring. }
      assert (En : next_entropy (table 4) p nil = 7 / 4 * ln 2).
      { unfold next_entropy, Ent, p. simpl. rewrite L2, L4, L8. field. }
      rewrite En. pose proof ln_lt_2 as Lp. intros o o' Ho Ho' L1.
      assert (D : forall t, (t < 4)%nat -> t <> 1%nat -> Rabs (- ln (p nil (Some 1%nat)) - 7 / 4 * ln 2) < Rabs (- ln
          (p nil (Some t)) - 7 / 4 * ln 2)).
      { intros t Ht Hn. unfold p. simpl. rewrite L4. destruct t as [|[|t]]; [|lia|].
        - simpl. rewrite L2. rewrite Rabs_right, Rabs_left by lra. lra.
        - simpl. rewrite L8. rewrite !Rabs_right by lra. lra. }
      simpl in Ho, Ho'. destruct Ho as [<-|[<-|[<-|[<-|[]]]]], Ho' as [<-|[<-|[<-|[<-|[]]]]]; simpl; try lra;
        exfalso; match goal with L1 : _ < Rabs (- ln (p nil (Some 1%nat)) - _), D : _ |- _ =>
          match type of L1 with Rabs (- ln (p nil (Some ?t)) - _) < _ => specialize (D t ltac:(lia) ltac:(lia)); lra
              end end.
    + intros t _ o o' _ _ _. simpl. lra.
Qed.
Theorem control_adaptors_order_preserving_one_k_holds : control_adaptors_order_preserving_one_k.
Proof.
  intros H. set (f := str3 0 2 0). destruct (H fork f fork_proper) as [k [Hk Ek]].
  assert (B : 1 <= V fork f).
  { unfold fork. cbn [V]. unfold best_average. simpl.
    eapply Rle_trans; [|apply Rmax_r]. unfold best_average. simpl. unfold from. simpl.
    unfold Rmax. repeat destruct Rle_dec; lra. }
  rewrite E_fork in Ek. unfold f in Ek at 1 2 3. simpl str3 in Ek.
  enough (product (top fork (fun u => Nat.min k (length (options (subtree fork u))))) [1; 0]%nat <= / 4) by lra.
  unfold product, from, top. simpl subtree. simpl options. simpl length.
  destruct k as [|[|k]]; [lia| |].
  - simpl. unfold indicator. simpl. lra.
  - replace (Nat.min (S (S k)) 2) with 2%nat by lia. replace (Nat.min (S (S k)) 1) with 1%nat by lia.
    simpl. unfold indicator. simpl. lra.
Qed.
(* p = (2, 1, 1)/4, e^R = (2, 2, 1), p+ = (4, 2, 1)/7, q = (1, 1, 0)/2 *)
Theorem control_adaptors_order_preserving_comonotone_is_safe_holds : control_adaptors_order_preserving_comonotone_is_safe.
Proof.
  intros H. set (pf := fun y : context => match y with [O] => / 2 | _ => / 4 end).
  set (Rf := fun y : context => match y with [O] => ln 2 | [1%nat] => ln 2 | _ => 0 end).
  set (wf := fun t : nat => match t with O => 4 / 7 | 1%nat => 2 / 7 | _ => / 7 end).
  set (qf := fun t : nat => match t with O => / 2 | 1%nat => / 2 | _ => 0 end).
  assert (Fp : full (strings (table 3)) pf).
  { split; [|simpl; unfold pf; lra]. intros y Hy. simpl in Hy. destruct Hy as [<-|[<-|[<-|[]]]]; simpl; lra. }
  assert (Zv : Z (strings (table 3)) pf Rf = 7 / 4) by (unfold Z, pf, Rf; simpl; rewrite exp_0, !exp_ln by lra; field).
  assert (A0 : aligned (strings (table 3)) pf Rf [0]%nat = 4 / 7).
  { unfold aligned. rewrite Zv. unfold pf, Rf. rewrite exp_ln by lra. field. }
  assert (A1 : aligned (strings (table 3)) pf Rf [1]%nat = 2 / 7).
  { unfold aligned. rewrite Zv. unfold pf, Rf. rewrite exp_ln by lra. field. }
  assert (A2 : aligned (strings (table 3)) pf Rf [2]%nat = / 7).
  { unfold aligned. rewrite Zv. unfold pf, Rf. rewrite exp_0. field. }
  assert (X2 : ln (/ 2) = - ln 2) by (apply ln_Rinv; lra).
  assert (X4 : ln (/ 4) = - (2 * ln 2)).
  { rewrite ln_Rinv by lra. replace 4 with (2 * 2) by ring. rewrite ln_mult by lra. ring. }
  pose proof ln_lt_2 as Lp.
  assert (St : steps_of (table 3) (aligned (strings (table 3)) pf Rf) (table_w wf)).
  { split; [apply table_step; split; [intros [|[|t]] _; simpl; lra|simpl; lra]|]. intros y Hy. simpl in Hy.
    destruct Hy as [<-|[<-|[<-|[]]]]; symmetry; (etransitivity; [exact A0 || exact A1 || exact A2|]);
      unfold product, from; simpl; lra. }
  specialize (H (table 3) pf Rf (table_w wf) (table_w qf) ltac:(apply table_proper; lia) Fp St). cbv beta zeta in H.
  assert (Et : forall q f, E (strings (table 3)) q f = q [0]%nat * f [0]%nat + q [1]%nat * f [1]%nat + q [2]%nat * f
      [2]%nat).
  { intros q f. unfold E. change (strings (table 3)) with [[0]; [1]; [2]]%nat. cbn [sum]. ring. }
  rewrite !Et, A0, A1, A2 in H.
  replace (product (table_w qf) [0]%nat) with (/ 2) in H by (unfold product, from; simpl; ring).
  replace (product (table_w qf) [1]%nat) with (/ 2) in H by (unfold product, from; simpl; ring).
  replace (product (table_w qf) [2]%nat) with 0 in H by (unfold product, from; simpl; ring).
  unfold L, pf, Rf in H. rewrite X2, X4 in H.
  assert (Neg : (/ 2 * - ln 2 + / 2 * - (2 * ln 2) + 0 * - (2 * ln 2) - (4 / 7 * - ln 2 + 2 / 7 * - (2 * ln 2) + / 7
      * - (2 * ln 2))) *
    (/ 2 * ln 2 + / 2 * ln 2 + 0 * 0 - (4 / 7 * ln 2 + 2 / 7 * ln 2 + / 7 * 0)) < 0) by nra.
  apply (Rlt_not_le _ _ Neg). apply H.
  - apply table_contexts; [|intros; simpl; repeat constructor]. simpl. repeat constructor; simpl; lra.
  - intros y z Hy Hz Hl. simpl in Hy, Hz.
    destruct Hy as [<-|[<-|[<-|[]]]], Hz as [<-|[<-|[<-|[]]]]; try (split; lra);
      try (exfalso; revert Hl; match goal with |- aligned ?s ?p ?R [?a] <= aligned _ _ _ [?b] -> _ =>
        change ((fun y => aligned (strings (table 3)) pf Rf y) [a] <= (fun y => aligned (strings (table 3)) pf Rf y)
            [b] -> False) end;
        cbv beta; rewrite ?A0, ?A1, ?A2; lra);
      unfold L, pf, Rf; rewrite ?X2, ?X4; split; lra.
  - intros u Hu. split; [apply table_law; auto; split; [intros [|[|t]] _; simpl; lra|simpl; lra]|].
    revert u Hu. apply table_contexts; [|intros; simpl; repeat constructor]. simpl. repeat constructor; simpl; lra.
Qed.

(** ** metropolis.ratio *)
Lemma q_glob_law T w : proper T -> positive T w -> law (strings T) (q_glob T w).
Proof. intros P W. split; [intros; left; apply q_glob_pos; auto|apply q_glob_sum; auto]. Qed.
Definition tilted : weights := table_w (fun t => match t with O => / 3 | _ => 2 / 3 end).
Lemma tilted_step : step_law (table 2) tilted.
Proof. apply table_step. split; [intros [|t] _; lra|simpl; lra]. Qed.
Theorem control_metropolis_ratio_aligned_ratio_with_temperature_holds : control_metropolis_ratio_aligned_ratio_with_temperature.
Proof.
  intros H. specialize (H (table 2) tilted 2 pair_proper tilted_step). cbv zeta in H.
  set (w := cooled tilted 2) in *. assert (W : positive (table 2) w) by apply cooled_positive.
  pose proof (q_glob_law (table 2) w pair_proper W) as Lw.
  pose proof (metropolis_ratio_aligned_holds (table 2) w (product tilted) pair_proper W
    (fun y Hy => product_pos (table 2) tilted y (proj1 tilted_step) Hy)) as G.
  pose proof (proj1 (G _ Lw) (proj2 (H _ Lw) (fun y _ => eq_refl))) as Eq.
  specialize (Eq [0]%nat (proj1 in_pair)).
  unfold w, q_glob, C, normalised, product, from, cooled, tilted in Eq. simpl in Eq. rewrite !square in Eq by lra. lra.
Qed.
Theorem control_metropolis_ratio_no_proposal_holds : control_metropolis_ratio_no_proposal.
Proof.
  intros H. specialize (H (table 2) tilted pair_proper (proj1 tilted_step)).
  pose proof (q_glob_law (table 2) tilted pair_proper (proj1 tilted_step)) as Lw.
  pose proof (proj2 (H _ Lw) (fun y _ => eq_refl)) as Eq. specialize (Eq [0]%nat (proj1 in_pair)).
  assert (G0 : q_glob (table 2) tilted [0]%nat = / 3) by (unfold q_glob, C, product, from, tilted; simpl; field).
  assert (G1 : q_glob (table 2) tilted [1]%nat = 2 / 3) by (unfold q_glob, C, product, from, tilted; simpl; field).
  assert (Q0 : q_loc (table 2) tilted [0]%nat = / 3) by (unfold q_loc, product, local_step, total, from, tilted;
      simpl; field).
  assert (Q1 : q_loc (table 2) tilted [1]%nat = 2 / 3) by (unfold q_loc, product, local_step, total, from, tilted;
      simpl; field).
  unfold step in Eq. change (strings (table 2)) with [[0]; [1]]%nat in Eq. cbn [sum] in Eq.
  unfold context, token in *. rewrite G0, G1, Q0, Q1 in Eq.
  replace (Rmin 1 (/ 3 / / 3)) with 1 in Eq by (rewrite Rmin_left; lra).
  replace (Rmin 1 (/ 3 / (2 / 3))) with (/ 2) in Eq by (rewrite Rmin_right; lra).
  replace (Rmin 1 (2 / 3 / / 3)) with 1 in Eq by (rewrite Rmin_left; lra). lra.
Qed.
Theorem control_metropolis_ratio_only_at_temperature_one_holds : control_metropolis_ratio_only_at_temperature_one.
Proof.
  intros H. set (w := table_w (fun _ => / 2)).
  assert (Sw : step_law (table 2) w) by (apply table_step; split; [intros; lra|simpl; lra]).
  specialize (H (table 2) w 2 pair_proper Sw). enough (2 = 1) by lra. apply H. intros y Hy. simpl in Hy.
  destruct Hy as [<-|[<-|[]]]; unfold w, q_glob, C, product, from, cooled; simpl; rewrite !square by lra; lra.
Qed.
Definition flat : weights := fork_w 1 1 1 1.
Lemma flat_positive : positive fork flat.
Proof. apply fork_positive; lra. Qed.
Lemma flat_values : q_loc fork flat [0]%nat = / 2 /\ q_loc fork flat [1; 0]%nat = / 4 /\ q_loc fork flat [1; 1]%nat =
    / 4 /\
  q_glob fork flat [0]%nat = / 3 /\ q_glob fork flat [1; 0]%nat = / 3 /\ q_glob fork flat [1; 1]%nat = / 3.
Proof.
  unfold q_loc, q_glob, C, product, local_step, total, from, flat. simpl. repeat split; field.
Qed.
Theorem control_metropolis_ratio_inverted_holds : control_metropolis_ratio_inverted.
Proof.
  intros H. specialize (H fork flat fork_proper flat_positive). cbv zeta in H.
  pose proof (q_glob_law fork flat fork_proper flat_positive) as Lw.
  pose proof (proj2 (H _ Lw) (fun y _ => eq_refl)) as Eq. specialize (Eq [0]%nat (proj1 in_fork)).
  destruct flat_values as [L0 [L1 [L2 [G0 [G1 G2]]]]].
  assert (C0 : product_along (total fork flat) [0]%nat = 2) by (unfold product_along, total, from, flat; simpl; lra).
  assert (C1 : product_along (total fork flat) [1; 0]%nat = 4) by (unfold product_along, total, from, flat; simpl; lra).
  assert (C2 : product_along (total fork flat) [1; 1]%nat = 4) by (unfold product_along, total, from, flat; simpl; lra).
  unfold step in Eq. change (strings fork) with [[0]; [1; 0]; [1; 1]]%nat in Eq. cbn [sum] in Eq.
  unfold context, token in *. rewrite C0, C1, C2, L0, L1, L2, G0, G1, G2 in Eq.
  replace (Rmin 1 (2 / 2)) with 1 in Eq by (rewrite Rmin_left; lra).
  replace (Rmin 1 (4 / 2)) with 1 in Eq by (rewrite Rmin_left; lra).
  replace (Rmin 1 (2 / 4)) with (/ 2) in Eq by (rewrite Rmin_right; lra). lra.
Qed.
Theorem control_metropolis_accept_all_local_is_global_holds : control_metropolis_accept_all_local_is_global.
Proof.
  intros H. specialize (H fork flat fork_proper flat_positive).
  pose proof (q_glob_law fork flat fork_proper flat_positive) as Lw.
  pose proof (proj2 (H _ Lw) (fun y _ => eq_refl)) as Eq. specialize (Eq [0]%nat (proj1 in_fork)).
  destruct flat_values as [L0 [L1 [L2 [G0 [G1 G2]]]]].
  unfold step in Eq. change (strings fork) with [[0]; [1; 0]; [1; 1]]%nat in Eq. cbn [sum] in Eq.
  unfold context, token in *. rewrite L0, L1, L2, G0, G1, G2 in Eq. lra.
Qed.

(** ** The reference code *)
Theorem control_audit_accept_all_harmless_holds : control_audit_accept_all_harmless.
Proof.
  intros H. specialize (H fork third (str3 1 0 0) fork_proper third_step). rewrite !E_fork in H.
  rewrite third_local, third_global in H. simpl str3 in H. lra.
Qed.
Definition ended : tree := Node [None; Some 0%nat] (fun _ => leaf).
Theorem control_audit_unscored_end_still_a_law_holds : control_audit_unscored_end_still_a_law.
Proof.
  intros H. set (p := fun (u : context) (o : option token) => match u with nil => / 2 | _ => 1 end).
  assert (Cx : forall (P : context -> Prop), P nil -> (forall t, P [t]) -> forall u, context_of ended u -> P u).
  { intros P P0 P1 [|t u]; auto. intros [_ Hu]. apply leaf_contexts in Hu. subst. auto. }
  assert (Pr : proper ended).
  { intros u. revert u. apply Cx; [|intros; apply leaf_proper].
    split; [simpl; congruence|]. repeat constructor; simpl; intuition congruence. }
  assert (Sp : step_law ended p).
  { split.
    - intros [|t u] o _ _; unfold p; lra.
    - apply Cx; [unfold total, p; simpl; lra|intros; unfold total, p; simpl; lra]. }
  specialize (H ended p Pr Sp). change (strings ended) with [[]; [0]]%nat in H. cbn [sum] in H.
  unfold reach, from, p in H. simpl in H. rewrite !exp_ln in H by lra. lra.
Qed.
