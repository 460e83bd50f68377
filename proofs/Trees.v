Require Import Reals Lra Lia List Psatz Sorted FinFun.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements.
Import ListNotations.
Open Scope R_scope.

(** ** Induction on trees *)
(* the part of a sum over strings that begins with an option *)
Definition part (T : tree) (f : context -> R) (o : option token) : R :=
  match o with None => f nil | Some t => sum (strings (after T t)) (from [t] f) end.
Lemma sum_strings T f : sum (strings T) f = sum (options T) (part T f).
Proof.
  destruct T as [|os next]; [reflexivity|]. simpl. rewrite sum_flat_map. apply sum_ext. intros [t|] _; simpl.
  - rewrite sum_map. reflexivity.
  - ring.
Qed.
Lemma in_strings T y : In y (strings T) <->
  match y with nil => In None (options T) | t :: v => In (Some t) (options T) /\ In v (strings (after T t)) end.
Proof.
  destruct T as [|os next]; [destruct y; simpl; tauto|]. simpl. rewrite in_flat_map. split.
  - intros [[t|] [Ho Hy]].
    + apply in_map_iff in Hy. destruct Hy as [v [<- Hv]]. auto.
    + destruct Hy as [<-|[]]. auto.
  - destruct y as [|t v].
    + intros Ho. exists None. simpl. auto.
    + intros [Ho Hv]. exists (Some t). split; auto. apply in_map. auto.
Qed.
Lemma subtree_app T u v : subtree T (u ++ v) = subtree (subtree T u) v.
Proof. revert T. induction u as [|t u IH]; intros T; [reflexivity|]. apply (IH (after T t)). Qed.
Lemma context_app T u v : context_of T (u ++ v) <-> context_of T u /\ context_of (subtree T u) v.
Proof. revert T. induction u as [|t u IH]; simpl; intros; [tauto|]. rewrite IH. tauto. Qed.
Lemma string_context T y : In y (strings T) -> context_of T y.
Proof.
  revert T. induction y as [|t v IH]; intros T; rewrite in_strings; simpl; auto.
  intros [H1 H2]. auto.
Qed.
Lemma proper_after T t : proper T -> In (Some t) (options T) -> proper (after T t).
Proof. intros P H u Hu. apply (P (t :: u)). simpl. auto. Qed.
Lemma positive_after T w t : positive T w -> In (Some t) (options T) -> positive (after T t) (from [t] w).
Proof. intros P H u o Hu Ho. apply (P (t :: u)); simpl; auto. Qed.
Lemma step_law_after T p t : step_law T p -> In (Some t) (options T) -> step_law (after T t) (from [t] p).
Proof.
  intros [P S] H. split; [apply positive_after; auto|].
  intros u Hu. apply (S (t :: u)). simpl. auto.
Qed.
Lemma proper_subtree T u : proper T -> context_of T u -> proper (subtree T u).
Proof. intros P H v Hv. rewrite <- subtree_app. apply P. apply context_app. auto. Qed.
Lemma positive_subtree T w u : positive T w -> context_of T u -> positive (subtree T u) (from u w).
Proof. intros P H v o Hv Ho. apply P; [apply context_app; auto|]. rewrite subtree_app. auto. Qed.
Lemma step_law_subtree T p u : step_law T p -> context_of T u -> step_law (subtree T u) (from u p).
Proof.
  intros [P S] H. split; [apply positive_subtree; auto|].
  intros v Hv. unfold total. rewrite <- subtree_app. apply (S (u ++ v)). apply context_app; auto.
Qed.
Lemma total_pos T w u : proper T -> positive T w -> context_of T u -> 0 < total T w u.
Proof. intros P W Hu. apply sum_pos; [apply P; auto|]. intros o Ho. apply W; auto. Qed.

(* a tree has strings, and they have positive weights *)
Lemma strings_nonempty T : proper T -> strings T <> nil.
Proof.
  induction T as [|os next IH]; intros P E0; destruct (P nil Logic.I) as [N _]; [apply N; reflexivity|].
  simpl in N. destruct os as [|o os]; [congruence|].
  destruct o as [t|].
  - simpl in E0. apply app_eq_nil in E0. destruct E0 as [E0 _]. apply map_eq_nil in E0.
    apply (IH t); auto. apply (proper_after (Node (Some t :: os) next)); simpl; auto.
  - simpl in E0. congruence.
Qed.
Lemma product_pos T w y : positive T w -> In y (strings T) -> 0 < product w y.
Proof.
  revert T w. induction y as [|t v IH]; intros T w W; rewrite in_strings; simpl.
  - intros Ho. apply (W nil); simpl; auto.
  - intros [Ho Hv]. apply Rmult_lt_0_compat; [apply (W nil); simpl; auto|].
    apply (IH (after T t)); auto. apply positive_after; auto.
Qed.
Lemma C_pos T w : proper T -> positive T w -> 0 < C T w.
Proof. intros P W. apply sum_pos; [apply strings_nonempty; auto|]. intros; apply (product_pos T); auto. Qed.

(* a mean over strings, one token ahead *)
Lemma E_strings T w f : E (strings T) (product w) f =
  sum (options T) (fun o => w nil o * match o with None => f nil
    | Some t => E (strings (after T t)) (product (from [t] w)) (from [t] f) end).
Proof.
  unfold E. rewrite sum_strings. apply sum_ext. intros [t|] _; simpl; auto.
  rewrite <- sum_scal. apply sum_ext. intros y _.
  change (from [t] (fun a => product w a * f a) y) with (w nil (Some t) * product (from [t] w) y * from [t] f y). ring.
Qed.
Lemma C_strings T w : C T w =
  sum (options T) (fun o => w nil o * match o with None => 1 | Some t => C (after T t) (from [t] w) end).
Proof.
  unfold C. rewrite sum_strings. apply sum_ext. intros [t|] _; simpl.
  - rewrite <- sum_scal. apply sum_ext. intros y _. reflexivity.
  - ring.
Qed.
Lemma step_law_C T p : (forall u, context_of T u -> total T p u = 1) -> C T p = 1.
Proof.
  revert p. induction T as [|os next IH]; intros p S; [apply (S nil Logic.I)|]. rewrite C_strings. simpl.
  rewrite (sum_ext os _ (p nil)).
  - apply (S nil). simpl. auto.
  - intros [t|] Ho; [|ring]. rewrite IH; [ring|].
    intros u Hu. apply (S (t :: u)). simpl. auto.
Qed.
Lemma product_ext T w w' y : In y (strings T) ->
  (forall u o, context_of T u -> In o (options (subtree T u)) -> w u o = w' u o) -> product w y = product w' y.
Proof.
  revert T w w'. induction y as [|t v IH]; intros T w w'; rewrite in_strings; simpl; intros Hy H.
  - apply (H nil); simpl; auto.
  - destruct Hy as [Ho Hv]. rewrite (H nil) by (simpl; auto). f_equal. apply (IH (after T t)); auto.
    intros u o Hu Hin. apply (H (t :: u)); simpl; auto.
Qed.
Lemma local_step_law T w : proper T -> positive T w -> step_law T (local_step T w).
Proof.
  intros P W. split.
  - intros u o Hu Ho. apply Rdiv_lt_0_compat; [apply W; auto|]. apply total_pos; auto.
  - intros u Hu. unfold total at 1, local_step, Rdiv. rewrite sum_scal_r. fold (total T w u).
    apply Rinv_r. pose proof (total_pos T w u P W Hu). lra.
Qed.
Require Import FunctionalExtensionality.

(** ** The aligned law on a tree *)
Lemma from_app {X} u v (g : context -> X) : from (u ++ v) g = from v (from u g).
Proof. apply functional_extensionality. intros y. unfold from. rewrite app_assoc. reflexivity. Qed.

Lemma ahead_step T p g u :
  ahead T p g u = sum (options (subtree T u)) (fun o => p u o * ahead_of T p g u o).
Proof.
  unfold ahead at 1. rewrite E_strings. apply sum_ext. intros [t|] _; unfold ahead_of.
  - unfold ahead. rewrite subtree_app, !from_app. simpl. unfold from at 1. rewrite app_nil_r. reflexivity.
  - unfold from. rewrite app_nil_r. reflexivity.
Qed.
Lemma ahead_pos T p g u : proper T -> positive T p -> (forall y, 0 < g y) -> context_of T u -> 0 < ahead T p g u.
Proof.
  intros P W G Hu. apply sum_pos; [apply strings_nonempty, proper_subtree; auto|].
  intros y Hy. apply Rmult_lt_0_compat; [|apply G].
  apply (product_pos (subtree T u)); auto. apply positive_subtree; auto.
Qed.
Lemma context_step T u t : context_of T u -> In (Some t) (options (subtree T u)) -> context_of T (u ++ [t]).
Proof. intros Hu Ho. apply context_app. simpl. auto. Qed.
Lemma doob_step_law T p g : proper T -> positive T p -> (forall y, 0 < g y) -> step_law T (doob T p g).
Proof.
  intros P W G. split.
  - intros u o Hu Ho. apply Rdiv_lt_0_compat; [|apply ahead_pos; auto].
    apply Rmult_lt_0_compat; [apply W; auto|]. destruct o as [t|]; simpl; auto.
    apply ahead_pos; auto. apply context_step; auto.
  - intros u Hu. pose proof (ahead_pos T p g u P W G Hu). unfold total, doob, Rdiv.
    rewrite sum_scal_r, <- ahead_step. apply Rinv_r. lra.
Qed.
Lemma doob_product T p g y : proper T -> positive T p -> (forall y, 0 < g y) -> In y (strings T) ->
  product (doob T p g) y = product p y * g y / ahead T p g nil.
Proof.
  revert T p g. induction y as [|t v IH]; intros T p g P W G; rewrite in_strings; intros Hy.
  - reflexivity.
  - destruct Hy as [Ho Hv].
    change (product (doob T p g) (t :: v)) with
      (p nil (Some t) * ahead (after T t) (from [t] p) (from [t] g) nil / ahead T p g nil *
       product (doob (after T t) (from [t] p) (from [t] g)) v).
    assert (P1 : proper (after T t)) by (apply proper_after; auto).
    assert (W1 : positive (after T t) (from [t] p)) by (apply positive_after; auto).
    assert (G1 : forall y, 0 < from [t] g y) by (intros; apply G).
    rewrite IH; auto. simpl product. unfold from at 4. simpl.
    pose proof (ahead_pos (after T t) (from [t] p) (from [t] g) nil P1 W1 G1 Logic.I).
    pose proof (ahead_pos T p g nil P W G Logic.I). field. split; lra.
Qed.
Lemma ahead_nil T p g : ahead T p g nil = E (strings T) (product p) g.
Proof. reflexivity. Qed.

Theorem alignment_controlled_decoding_aligned_law_holds : alignment_controlled_decoding_aligned_law.
Proof.
  intros T p Rw P [W S] g. assert (G : forall y, 0 < g y) by (intros; apply exp_pos).
  split; [apply doob_step_law; auto|]. intros. apply doob_product; auto.
Qed.
Theorem alignment_controlled_decoding_law_holds : alignment_controlled_decoding_law.
Proof. intros T p P [W S]. split; [intros; apply (product_pos T); auto|]. apply (step_law_C T p S). Qed.

(* the strings that begin with u *)
Lemma sum_single {A} (s : list A) f a : NoDup s -> In a s -> (forall b, In b s -> b <> a -> f b = 0) -> sum s f = f a.
Proof.
  induction s as [|b s IH]; simpl; intros N Ha H; [tauto|]. inversion N as [|? ? Nb Ns]; subst.
  destruct Ha as [->|Ha].
  - rewrite (sum_ext s f (fun _ => 0)); [rewrite sum_zero; ring|].
    intros c Hc. apply H; auto. intros ->. tauto.
  - rewrite IH; auto. rewrite H; [ring|auto|]. intros ->. tauto.
Qed.
Lemma mass_sum T f u : proper T -> context_of T u -> mass T f u = sum (strings (subtree T u)) (from u f).
Proof.
  unfold mass. revert T f. induction u as [|t u IH]; intros T f P; simpl; intros Hu.
  - apply sum_ext. intros. unfold from. reflexivity.
  - destruct Hu as [Ho Hu].
    rewrite sum_strings, (sum_single _ _ (Some t)); auto.
    + etransitivity; [|apply (IH (after T t) (from [t] f)); auto using proper_after].
      apply sum_ext. intros y _. unfold from. simpl. rewrite Nat.eqb_refl. reflexivity.
    + apply (P nil). exact Logic.I.
    + intros [s|] _ Hs; simpl; auto. rewrite (sum_ext _ _ (fun _ => 0)); [apply sum_zero|].
      intros y _. unfold from. simpl. destruct (Nat.eqb_spec t s); [congruence|reflexivity].
Qed.
Lemma product_app p u v : product p (u ++ v) = reach p u * product (from u p) v.
Proof.
  revert p. induction u as [|t u IH]; intros p; simpl; [change (from [] p) with p; ring|].
  rewrite IH, Rmult_assoc. reflexivity.
Qed.
Lemma reach_pos T p u : positive T p -> context_of T u -> 0 < reach p u.
Proof.
  revert T p. induction u as [|t u IH]; simpl; intros T p W Hu; [lra|]. destruct Hu as [Ho Hu].
  apply Rmult_lt_0_compat; [apply (W nil); simpl; auto|]. apply (IH (after T t)); auto. apply positive_after; auto.
Qed.
Theorem alignment_controlled_decoding_scorer_holds : alignment_controlled_decoding_scorer.
Proof.
  intros T p g u P S Hu. rewrite !mass_sum by auto.
  pose proof (reach_pos T p u (proj1 S) Hu) as Rp.
  rewrite (sum_ext _ (from u (fun y => product p y * g y)) (fun v => reach p u * (product (from u p) v * from u g v))).
  - rewrite sum_scal. rewrite (sum_ext _ (from u (product p)) (fun v => reach p u * product (from u p) v)).
    + rewrite sum_scal. change (sum (strings (subtree T u)) (product (from u p))) with (C (subtree T u) (from u p)).
      rewrite step_law_C by (apply step_law_subtree; auto). unfold ahead, E. field. lra.
    + intros v _. apply product_app.
  - intros v _. unfold from at 1. rewrite product_app. unfold from. ring.
Qed.
Theorem alignment_controlled_decoding_chain_rule_holds : alignment_controlled_decoding_chain_rule.
Proof.
  intros T q P [Q Q1] p.
  set (g := fun y => if in_dec (list_eq_dec Nat.eq_dec) y (strings T) then q y else 1).
  assert (G : forall y, 0 < g y) by (intros y; unfold g; destruct (in_dec (list_eq_dec Nat.eq_dec) y (strings T));
      [auto|lra]).
  set (one := fun (_ : context) (_ : option token) => 1).
  assert (W : positive T one) by (intros u o _ _; unfold one; lra).
  assert (A : forall u, context_of T u -> mass T q u = ahead T one g u).
  { intros u Hu. rewrite mass_sum by auto. apply sum_ext. intros y Hy.
    assert (O : forall w y, product (from w one) y = 1).
    { intros w z. revert w. induction z as [|t z IH]; intros w; simpl; [reflexivity|].
      rewrite <- from_app, IH. unfold from, one. ring. }
    rewrite O. unfold from, g. destruct (in_dec (list_eq_dec Nat.eq_dec) (u ++ y) (strings T)) as [_|N]; [ring|].
    exfalso. apply N. clear -Hu Hy. revert T Hu Hy. induction u as [|t u IH]; intros T Hu Hy; simpl; auto.
    apply in_strings. destruct Hu. auto. }
  assert (D : forall u o, context_of T u -> In o (options (subtree T u)) -> doob T one g u o = p u o).
  { intros u o Hu Ho. unfold doob, p, one. rewrite <- A by auto. destruct o as [t|]; simpl.
    - rewrite <- A by (apply context_step; auto). unfold Rdiv. ring.
    - unfold g. destruct (in_dec (list_eq_dec Nat.eq_dec) u (strings T)) as [_|N]; [unfold Rdiv; ring|].
      exfalso. apply N. clear -Hu Ho. revert T Hu Ho. induction u as [|t u IH]; intros T Hu Ho; apply in_strings; auto.
      destruct Hu. auto. }
  pose proof (doob_step_law T one g P W G) as [D1 D2]. split; [split|].
  - intros u o Hu Ho. rewrite <- D; auto.
  - intros u Hu. rewrite <- (D2 u Hu). unfold total. apply sum_ext. intros. symmetry. apply D; auto.
  - intros y Hy. rewrite <- (product_ext T (doob T one g) p y Hy D), doob_product by auto.
    rewrite <- A by exact Logic.I. rewrite mass_sum by (auto; exact Logic.I). simpl subtree.
    change (from [] q) with q. rewrite Q1.
    replace (product one y) with 1.
    + unfold g. destruct (in_dec (list_eq_dec Nat.eq_dec) y (strings T)); [field|tauto].
    + symmetry. clear. unfold one. induction y as [|t y IH]; simpl; [reflexivity|].
      change (from [t] (fun _ _ => 1)) with (fun (_ : context) (_ : option token) => 1). rewrite IH. ring.
Qed.

(** ** Sums and products along a string *)
Fixpoint steps (l : weights) (y : context) : R :=
  match y with nil => l nil None | t :: v => l nil (Some t) + steps (from [t] l) v end.
Lemma ln_product T w y : positive T w -> In y (strings T) -> ln (product w y) = steps (fun u o => ln (w u o)) y.
Proof.
  revert T w. induction y as [|t v IH]; intros T w W; rewrite in_strings; simpl; intros Hy; [reflexivity|].
  destruct Hy as [Ho Hv]. rewrite ln_mult.
  - rewrite (IH (after T t)); auto. apply positive_after; auto.
  - apply (W nil); simpl; auto.
  - apply (product_pos (after T t)); auto. apply positive_after; auto.
Qed.
Lemma steps_ext T l m y : In y (strings T) ->
  (forall u o, context_of T u -> In o (options (subtree T u)) -> l u o = m u o) -> steps l y = steps m y.
Proof.
  revert T l m. induction y as [|t v IH]; intros T l m; rewrite in_strings; simpl; intros Hy H.
  - apply (H nil); simpl; auto.
  - destruct Hy as [Ho Hv]. rewrite (H nil) by (simpl; auto). f_equal. apply (IH (after T t)); auto.
    intros u o Hu Hin. apply (H (t :: u)); simpl; auto.
Qed.
Lemma steps_minus l h y : steps (fun u o => l u o - h u) y = steps l y - along h y.
Proof.
  revert l h. induction y as [|t v IH]; intros l h; simpl; [ring|].
  change (from [t] (fun u o => l u o - h u)) with (fun u o => from [t] l u o - from [t] h u).
  rewrite IH. ring.
Qed.
Lemma along_opp h y : along (fun u => - h u) y = - along h y.
Proof.
  revert h. induction y as [|t v IH]; intros h; simpl; [ring|].
  change (from [t] (fun u => - h u)) with (fun u => - from [t] h u). rewrite IH. ring.
Qed.
Lemma along_ext T h k y : In y (strings T) -> (forall u, context_of T u -> h u = k u) -> along h y = along k y.
Proof.
  revert T h k. induction y as [|t v IH]; intros T h k; rewrite in_strings; simpl; intros Hy H.
  - rewrite (H nil) by exact Logic.I. ring.
  - destruct Hy as [Ho Hv]. rewrite (H nil) by exact Logic.I. f_equal. apply (IH (after T t)); auto.
    intros u Hu. apply (H (t :: u)). simpl; auto.
Qed.
(* weights divided by a factor per context *)
Lemma product_gauged gamma w y : product (gauged gamma w) y = product_along gamma y * product w y.
Proof.
  revert gamma w. induction y as [|t v IH]; intros gamma w; simpl; [unfold gauged; ring|].
  change (from [t] (gauged gamma w)) with (gauged (from [t] gamma) (from [t] w)). rewrite IH. unfold gauged. ring.
Qed.
Lemma product_along_pos T c y : In y (strings T) -> (forall u, context_of T u -> 0 < c u) -> 0 < product_along c y.
Proof.
  revert T c. induction y as [|t v IH]; intros T c; rewrite in_strings; simpl; intros Hy H.
  - rewrite Rmult_1_r. apply H. exact Logic.I.
  - destruct Hy as [Ho Hv]. apply Rmult_lt_0_compat; [apply H; exact Logic.I|]. apply (IH (after T t)); auto.
    intros u Hu. apply (H (t :: u)). simpl; auto.
Qed.
Lemma ln_product_along T c y : In y (strings T) -> (forall u, context_of T u -> 0 < c u) ->
  ln (product_along c y) = along (fun u => ln (c u)) y.
Proof.
  revert T c. induction y as [|t v IH]; intros T c; rewrite in_strings; simpl; intros Hy H.
  - rewrite Rmult_1_r, Rplus_0_r. reflexivity.
  - destruct Hy as [Ho Hv]. assert (H1 : forall u, context_of (after T t) u -> 0 < from [t] c u).
    { intros u Hu. apply (H (t :: u)). simpl; auto. }
    rewrite ln_mult; [|apply H; exact Logic.I|apply (product_along_pos (after T t)); auto].
    rewrite (IH (after T t)); auto.
Qed.
Lemma q_loc_product T w y : proper T -> positive T w -> In y (strings T) ->
  q_loc T w y * product_along (total T w) y = product w y.
Proof.
  intros P W Hy. unfold q_loc. rewrite Rmult_comm, <- product_gauged.
  apply (product_ext T); auto. intros u o Hu Ho. unfold gauged, local_step.
  pose proof (total_pos T w u P W Hu). field. lra.
Qed.
Lemma q_loc_pos T w y : proper T -> positive T w -> In y (strings T) -> 0 < q_loc T w y.
Proof. intros P W Hy. apply (product_pos T); auto. apply local_step_law; auto. Qed.
Lemma q_loc_sum T w : proper T -> positive T w -> sum (strings T) (q_loc T w) = 1.
Proof. intros P W. apply (step_law_C T (local_step T w)). apply local_step_law; auto. Qed.
Lemma q_glob_pos T w y : proper T -> positive T w -> In y (strings T) -> 0 < q_glob T w y.
Proof. intros P W Hy. apply Rdiv_lt_0_compat; [apply (product_pos T); auto|apply C_pos; auto]. Qed.
Lemma q_glob_sum T w : proper T -> positive T w -> sum (strings T) (q_glob T w) = 1.
Proof.
  intros P W. unfold q_glob, Rdiv. rewrite sum_scal_r. apply Rinv_r. pose proof (C_pos T w P W). unfold C in *. lra.
Qed.

(** ** adaptors.truncation *)
Theorem adaptors_truncation_local_holds : adaptors_truncation_local.
Proof.
  intros T w P W. unfold KL, E. rewrite <- sum_opp. apply sum_ext. intros y Hy.
  assert (Tp : forall u, context_of T u -> 0 < total T w u) by (intros; apply total_pos; auto).
  pose proof (q_loc_pos T w y P W Hy). pose proof (product_along_pos T (total T w) y Hy Tp).
  rewrite <- (q_loc_product T w y P W Hy) at 1.
  rewrite ln_div, ln_mult, (ln_product_along T) by (auto; apply Rmult_lt_0_compat; auto). ring.
Qed.
Theorem adaptors_truncation_gap_holds : adaptors_truncation_gap.
Proof.
  intros T w P W. pose proof (C_pos T w P W) as Cp. unfold KL.
  rewrite <- (Rmult_1_r (ln (C T w))), <- (q_loc_sum T w P W), <- sum_scal, <- sum_plus.
  apply sum_ext. intros y Hy. pose proof (product_pos T w y W Hy). pose proof (q_loc_pos T w y P W Hy).
  unfold q_glob. rewrite !ln_div; auto; [ring|]. apply Rdiv_lt_0_compat; auto.
Qed.
Theorem adaptors_truncation_global_holds : adaptors_truncation_global.
Proof.
  intros T w P W. pose proof (C_pos T w P W) as Cp. unfold CE, Ent.
  rewrite <- (Rmult_1_r (ln (C T w))), <- (q_glob_sum T w P W), <- sum_scal, <- !sum_opp, <- sum_minus.
  apply sum_ext. intros y Hy. unfold q_glob at 3. rewrite ln_div; auto; [ring|]. apply (product_pos T); auto.
Qed.

(** ** adaptors.gauge *)
Lemma gauged_positive T w gamma : positive T w -> factor T gamma -> positive T (gauged gamma w).
Proof. intros W G u o Hu Ho. apply Rmult_lt_0_compat; [apply G|apply W]; auto. Qed.
Theorem adaptors_gauge_local_holds : adaptors_gauge_local.
Proof.
  intros T w gamma P W G y Hy. unfold q_loc. apply (product_ext T); auto. intros u o Hu Ho.
  unfold local_step, total, gauged. rewrite sum_scal. fold (total T w u).
  pose proof (total_pos T w u P W Hu). pose proof (G u Hu). field. split; lra.
Qed.
(* the factors that make the product along each string y the positive number K y *)
Definition ends (T : tree) : bool := existsb (fun o => match o with None => true | Some _ => false end) (options T).
Definition own (T : tree) (K : context -> R) : R := if ends T then K nil else 1.
Fixpoint factors (T : tree) (K : context -> R) (u : context) {struct u} : R :=
  match u with nil => own T K | t :: v => factors (after T t) (fun y => K (t :: y) / own T K) v end.
Lemma ends_spec T : ends T = true <-> In None (options T).
Proof.
  unfold ends. rewrite existsb_exists. split.
  - intros [[t|] [Hx Hb]]; [congruence|auto].
  - intros Hn. exists None. auto.
Qed.
Lemma own_pos T K : (forall y, In y (strings T) -> 0 < K y) -> 0 < own T K.
Proof.
  intros HK. unfold own. destruct (ends T) eqn:Ee; [|lra]. apply HK, in_strings, ends_spec. auto.
Qed.
Lemma factors_after T K t : (forall y, In y (strings T) -> 0 < K y) -> In (Some t) (options T) ->
  forall y, In y (strings (after T t)) -> 0 < K (t :: y) / own T K.
Proof.
  intros HK Ho y Hy. apply Rdiv_lt_0_compat; [|apply own_pos; auto]. apply HK, in_strings. auto.
Qed.
Lemma factors_pos T K : (forall y, In y (strings T) -> 0 < K y) -> factor T (factors T K).
Proof.
  intros HK u. revert T K HK. induction u as [|t u IH]; intros T K HK Hu; simpl; [apply own_pos; auto|].
  destruct Hu as [Ho Hu]. apply IH; auto. apply factors_after; auto.
Qed.
Lemma factors_product T K y : (forall y, In y (strings T) -> 0 < K y) -> In y (strings T) ->
  product_along (factors T K) y = K y.
Proof.
  revert T K. induction y as [|t v IH]; intros T K HK Hy.
  - simpl. unfold own. rewrite in_strings in Hy. apply ends_spec in Hy. rewrite Hy. ring.
  - pose proof (own_pos T K HK). pose proof Hy as Hy'. rewrite in_strings in Hy'. destruct Hy' as [Ho Hv].
    change (product_along (factors T K) (t :: v)) with
      (own T K * product_along (factors (after T t) (fun y => K (t :: y) / own T K)) v).
    rewrite IH; auto; [field; lra|]. apply factors_after; auto.
Qed.
Theorem adaptors_gauge_global_holds : adaptors_gauge_global.
Proof.
  intros T w q P W. split.
  - intros [Q Q1]. set (K := fun y => q y / product w y).
    assert (HK : forall y, In y (strings T) -> 0 < K y).
    { intros y Hy. apply Rdiv_lt_0_compat; auto. apply (product_pos T); auto. }
    exists (factors T K). split; [apply factors_pos; auto|].
    assert (X : forall y, In y (strings T) -> product (gauged (factors T K) w) y = q y).
    { intros y Hy. rewrite product_gauged, factors_product by auto. unfold K.
      pose proof (product_pos T w y W Hy). field. lra. }
    intros y Hy. unfold q_glob, C. rewrite (sum_ext _ _ q) by auto. rewrite X, Q1 by auto. field.
  - intros [gamma [G X]]. pose proof (gauged_positive T w gamma W G) as W1. split.
    + intros y Hy. rewrite <- X by auto. apply q_glob_pos; auto.
    + rewrite <- (q_glob_sum T (gauged gamma w) P W1). apply sum_ext. intros. symmetry. auto.
Qed.
Theorem adaptors_gauge_softmax_holds : adaptors_gauge_softmax.
Proof.
  intros T w P W y Hy. unfold q_glob. rewrite step_law_C by (apply local_step_law; auto). unfold q_loc. field.
Qed.
Theorem adaptors_gauge_same_holds : adaptors_gauge_same.
Proof.
  intros T w P W. pose proof (C_pos T w P W) as Cp. split.
  - intros X. exists (C T w). intros y Hy.
    pose proof (q_loc_product T w y P W Hy) as Q. pose proof (q_loc_pos T w y P W Hy) as L.
    apply (Rmult_eq_reg_l (q_loc T w y)); [|lra]. rewrite Q, <- X by auto. unfold q_glob. field. lra.
  - intros [c X].
    assert (Cc : C T w = c).
    { unfold C. rewrite (sum_ext _ _ (fun y => q_loc T w y * c)).
      - rewrite sum_scal_r, q_loc_sum; auto. ring.
      - intros y Hy. rewrite <- X with y by auto. symmetry. apply q_loc_product; auto. }
    intros y Hy. unfold q_glob. rewrite Cc. rewrite <- (q_loc_product T w y P W Hy), X by auto. field. lra.
Qed.

(** ** Derivatives of laws on trees *)
Lemma derive_sum {A} (s : list A) (F : R -> A -> R) (d : A -> R) x :
  (forall a, In a s -> is_derive (fun t => F t a) x (d a)) -> is_derive (fun t => sum s (F t)) x (sum s d).
Proof.
  induction s as [|a s IH]; simpl; intros H; [apply (is_derive_const 0 x)|].
  apply (is_derive_plus (fun t => F t a) (fun t => sum s (F t))); auto.
Qed.
Lemma derive_mult (f g : R -> R) x df dg :
  is_derive f x df -> is_derive g x dg -> is_derive (fun t => f t * g t) x (df * g x + f x * dg).
Proof. intros Hf Hg. apply (is_derive_mult f g x df dg Hf Hg). intros; apply Rmult_comm. Qed.
Lemma derive_product T (w : R -> weights) (l : weights) x y : In y (strings T) ->
  (forall u o, context_of T u -> In o (options (subtree T u)) -> is_derive (fun t => w t u o) x (w x u o * l u o)) ->
  is_derive (fun t => product (w t) y) x (product (w x) y * steps l y).
Proof.
  revert T w l. induction y as [|t v IH]; intros T w l; rewrite in_strings; intros Hy H.
  - simpl. apply (H nil); simpl; auto.
  - destruct Hy as [Ho Hv].
    assert (D1 : is_derive (fun z => w z nil (Some t)) x (w x nil (Some t) * l nil (Some t))).
    { apply (H nil); simpl; auto. }
    assert (D2 : is_derive (fun z => product (from [t] (w z)) v) x (product (from [t] (w x)) v * steps (from [t] l) v)).
    { apply (IH (after T t)); auto. intros u o Hu Hin. apply (H (t :: u)); simpl; auto. }
    pose proof (derive_mult _ _ _ _ _ D1 D2) as D. simpl.
    match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d by ring end end.
    exact D.
Qed.
Lemma derive_div (f g : R -> R) x df dg : g x <> 0 ->
  is_derive f x df -> is_derive g x dg -> is_derive (fun t => f t / g t) x ((df * g x - f x * dg) / (g x) ^ 2).
Proof.
  intros Hg Df Dg. replace ((df * g x - f x * dg) / g x ^ 2) with ((df * g x - f x * dg) / (g x * g x)) by (field;
      auto).
  pose proof (is_derive_div f g x df dg Df Dg Hg) as D.
  match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d by (field; auto)
      end end.
  exact D.
Qed.
Lemma derive_cooled p x u o : is_derive (fun t => cooled p t u o) x (cooled p x u o * ln (p u o)).
Proof.
  unfold cooled, Rpower. auto_derive; auto. ring.
Qed.
Lemma cooled_positive T p tau : positive T (cooled p tau).
Proof. intros u o _ _. apply exp_pos. Qed.
Lemma cooled_one T p u o : positive T p -> context_of T u -> In o (options (subtree T u)) -> cooled p 1 u o = p u o.
Proof. intros W Hu Ho. unfold cooled. apply Rpower_1. apply W; auto. Qed.

Section Temperature.
Variables (T : tree) (p : weights).
Hypothesis P : proper T.
Hypothesis S : step_law T p.
Let W : positive T p := proj1 S.
Let lp : weights := fun u o => ln (p u o).

Lemma total_cooled_one u : context_of T u -> total T (cooled p 1) u = 1.
Proof.
  intros Hu. transitivity (total T p u); [|apply S; auto]. apply sum_ext. intros o Ho. apply (cooled_one T); auto.
Qed.
Lemma product_cooled_one y : In y (strings T) -> product (cooled p 1) y = product p y.
Proof. intros Hy. apply (product_ext T); auto. intros. apply (cooled_one T); auto. Qed.
Lemma C_cooled_one : C T (cooled p 1) = 1.
Proof. apply step_law_C. apply total_cooled_one. Qed.
Lemma q_loc_cooled_one y : In y (strings T) -> q_loc T (cooled p 1) y = product p y.
Proof.
  intros Hy. apply (product_ext T); auto. intros u o Hu Ho. unfold local_step.
  rewrite total_cooled_one, (cooled_one T) by auto. field.
Qed.
Lemma q_glob_cooled_one y : In y (strings T) -> q_glob T (cooled p 1) y = product p y.
Proof. intros Hy. unfold q_glob. rewrite C_cooled_one, product_cooled_one by auto. field. Qed.

Lemma derive_glob y : In y (strings T) ->
  is_derive (fun t => q_glob T (cooled p t) y) 1
    (product p y * (ln (product p y) - E (strings T) (product p) (fun z => ln (product p z)))).
Proof.
  intros Hy.
  assert (D : forall z, In z (strings T) ->
    is_derive (fun t => product (cooled p t) z) 1 (product p z * ln (product p z))).
  { intros z Hz. rewrite (ln_product T p z W Hz). rewrite <- (product_cooled_one z Hz).
    apply (derive_product T); auto. intros u o _ _. apply derive_cooled. }
  assert (DC : is_derive (fun t => C T (cooled p t)) 1 (E (strings T) (product p) (fun z => ln (product p z)))).
  { apply (derive_sum (strings T) (fun t => product (cooled p t))). auto. }
  assert (C1 : C T (cooled p 1) <> 0) by (rewrite C_cooled_one; lra).
  pose proof (derive_div _ _ _ _ _ C1 (D y Hy) DC) as X. cbv beta in X. rewrite C_cooled_one, (product_cooled_one y
      Hy) in X.
  unfold q_glob.
  match type of X with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d by field end end.
  exact X.
Qed.
Lemma derive_loc y : In y (strings T) ->
  is_derive (fun t => q_loc T (cooled p t) y) 1
    (product p y * (ln (product p y) + along (next_entropy T p) y)).
Proof.
  intros Hy.
  replace (ln (product p y) + along (next_entropy T p) y) with (steps (fun u o => lp u o - - next_entropy T p u) y).
  2: { rewrite steps_minus, along_opp, (ln_product T p y W Hy). unfold lp. ring. }
  rewrite <- (q_loc_cooled_one y Hy). unfold q_loc.
  apply (derive_product T (fun t => local_step T (cooled p t))); auto.
  intros u o Hu Ho. unfold local_step.
  assert (DT : is_derive (fun t => total T (cooled p t) u) 1 (- next_entropy T p u)).
  { unfold next_entropy, Ent. rewrite Ropp_involutive.
    apply (derive_sum _ (fun t o => cooled p t u o)). intros b Hb.
    rewrite <- (cooled_one T p u b W Hu Hb) at 1. apply derive_cooled. }
  assert (T1 : total T (cooled p 1) u <> 0) by (rewrite total_cooled_one; auto; lra).
  pose proof (derive_div _ _ _ _ _ T1 (derive_cooled p 1 u o) DT) as X. cbv beta in X. rewrite total_cooled_one in *
      by auto.
  unfold lp.
  match type of X with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d by field end end.
  exact X.
Qed.
Lemma mean_h_shift f : Cov (strings T) (product p) f (along (next_entropy T p)) =
  E (strings T) (product p) (fun y => f y * along (next_entropy T p) y)
  - E (strings T) (product p) f * E (strings T) (product p) (along (next_entropy T p)).
Proof. reflexivity. Qed.
(* the entropies met along a string are -log p+ on average *)
Lemma mean_entropies : E (strings T) (product p) (along (next_entropy T p))
  = - E (strings T) (product p) (fun y => ln (product p y)).
Proof.
  assert (D : is_derive (fun t => sum (strings T) (q_loc T (cooled p t))) 1
    (sum (strings T) (fun y => product p y * (ln (product p y) + along (next_entropy T p) y)))).
  { apply derive_sum. intros; apply derive_loc; auto. }
  assert (D0 : is_derive (fun t => sum (strings T) (q_loc T (cooled p t))) 1 0).
  { apply (is_derive_ext (fun _ => 1)); [|apply (is_derive_const 1 1)].
    intros t. symmetry. apply q_loc_sum; auto. apply cooled_positive. }
  pose proof (is_derive_unique _ _ _ D) as U. rewrite (is_derive_unique _ _ _ D0) in U.
  rewrite (sum_ext _ _ (fun y => product p y * ln (product p y) + product p y * along (next_entropy T p) y)) in U
    by (intros; ring).
  rewrite sum_plus in U. unfold E. lra.
Qed.
Lemma local_global_slope f :
  is_derive (fun tau => E (strings T) (q_glob T (cooled p tau)) f - E (strings T) (q_loc T (cooled p tau)) f) 1
    (- Cov (strings T) (product p) f (along (next_entropy T p))).
Proof.
  assert (D : is_derive (fun t => E (strings T) (q_glob T (cooled p t)) f - E (strings T) (q_loc T (cooled p t)) f) 1
    (sum (strings T) (fun y => product p y * (ln (product p y) - E (strings T) (product p) (fun z => ln (product p
        z))) * f y)
     - sum (strings T) (fun y => product p y * (ln (product p y) + along (next_entropy T p) y) * f y))).
  { apply (is_derive_minus (fun t => E (strings T) (q_glob T (cooled p t)) f) (fun t => E (strings T) (q_loc T
      (cooled p t)) f)).
    - apply (derive_sum _ (fun t y => q_glob T (cooled p t) y * f y)). intros y Hy.
      pose proof (derive_mult _ (fun _ => f y) 1 _ 0 (derive_glob y Hy) (is_derive_const (f y) 1)) as X. cbv beta in X.
      rewrite Rmult_0_r, Rplus_0_r in X. exact X.
    - apply (derive_sum _ (fun t y => q_loc T (cooled p t) y * f y)). intros y Hy.
      pose proof (derive_mult _ (fun _ => f y) 1 _ 0 (derive_loc y Hy) (is_derive_const (f y) 1)) as X. cbv beta in X.
      rewrite Rmult_0_r, Rplus_0_r in X. exact X. }
  match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d end end.
  - exact D.
  - unfold Cov. rewrite mean_entropies. rewrite <- sum_minus.
    set (m := E (strings T) (product p) (fun z => ln (product p z))).
    rewrite (sum_ext _ _ (fun y => (- m) * (product p y * f y) - product p y * (f y * along (next_entropy T p) y)))
      by (intros; ring).
    rewrite sum_minus, sum_scal. unfold E. ring.
Qed.
Lemma local_entropy_slope :
  let J := fun y => - ln (product p y) in
  is_derive (fun tau => Ent (strings T) (q_loc T (cooled p tau))) 1
    (- Var (strings T) (product p) J + Cov (strings T) (product p) J (along (next_entropy T p))).
Proof.
  intros J. set (dq := fun y => product p y * (ln (product p y) + along (next_entropy T p) y)).
  assert (D : is_derive (fun t => Ent (strings T) (q_loc T (cooled p t))) 1
    (- sum (strings T) (fun y => dq y * ln (product p y) + dq y))).
  { apply (is_derive_opp (fun t => sum (strings T) (fun y => q_loc T (cooled p t) y * ln (q_loc T (cooled p t) y)))).
    apply (derive_sum _ (fun t y => q_loc T (cooled p t) y * ln (q_loc T (cooled p t) y))). intros y Hy.
    pose proof (derive_loc y Hy) as Dq. fold (dq y) in Dq. pose proof (product_pos T p y W Hy) as Pp.
    assert (Q1 : 0 < q_loc T (cooled p 1) y) by (rewrite q_loc_cooled_one; auto).
    pose proof (is_derive_comp ln (fun t => q_loc T (cooled p t) y) 1 _ _ (is_derive_ln _ Q1) Dq) as Dl.
    pose proof (derive_mult _ _ 1 _ _ Dq Dl) as X. cbv beta in X. rewrite (q_loc_cooled_one y Hy) in X.
    match type of X with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d end end.
    - exact X.
    - unfold scal; simpl; unfold mult; simpl. field. lra. }
  match type of D with is_derive _ _ ?d => match goal with |- is_derive _ _ ?e => replace e with d end end.
  - exact D.
  - pose proof mean_entropies as M. unfold Var, Cov, J, dq.
    rewrite (sum_ext _ (fun y => product p y * (ln (product p y) + along (next_entropy T p) y) * ln (product p y)
        + product p y * (ln (product p y) + along (next_entropy T p) y))
      (fun y => product p y * (- ln (product p y) * - ln (product p y))
        + (- (product p y * (- ln (product p y) * along (next_entropy T p) y))
        + (product p y * ln (product p y) + product p y * along (next_entropy T p) y)))) by (intros; ring).
    rewrite !sum_plus, sum_opp. unfold E in *.
    rewrite (sum_ext _ (fun a => product p a * - ln (product p a)) (fun a => - (product p a * ln (product p a))))
      by (intros; ring).
    rewrite sum_opp, M. ring.
Qed.
End Temperature.

Theorem adaptors_local_global_start_holds : adaptors_local_global_start.
Proof.
  intros T p y P S Hy. split; [apply q_loc_cooled_one|apply q_glob_cooled_one]; auto.
Qed.
Theorem adaptors_local_global_derivative_holds : adaptors_local_global_derivative.
Proof. intros T p f P S. apply local_global_slope; auto. Qed.
Theorem adaptors_local_entropy_local_holds : adaptors_local_entropy_local.
Proof. intros T p P S. apply local_entropy_slope; auto. Qed.

(** ** adaptors.order-preserving *)
Lemma falling_sum {A} (s : list A) (q z : A -> R) : forall c m, 0 <= c -> m <= 0 ->
  (forall a, In a s -> 0 <= q a) -> (forall a t, s = a :: t -> q a <= c) -> Sorted (fun a a' => q a' <= q a) s ->
  (forall j, (j <= length s)%nat -> m + sum (firstn j s) z <= 0) -> c * m + sum s (fun a => q a * z a) <= 0.
Proof.
  induction s as [|a s IH]; intros c m Hc Hm Hq Hh Hs Hj; simpl.
  - nra.
  - specialize (Hh a s eq_refl). inversion Hs as [|? ? Ss Hd]; subst.
    assert (Qa : 0 <= q a) by (apply Hq; left; auto).
    assert (X : q a * (m + z a) + sum s (fun a => q a * z a) <= 0).
    { apply IH; auto.
      - specialize (Hj 1%nat). simpl in Hj. assert (m + (z a + 0) <= 0) by (apply Hj; lia). lra.
      - intros; apply Hq; right; auto.
      - intros b t ->. inversion Hd; auto.
      - intros j Hjl. specialize (Hj (S j)). simpl in Hj. assert (m + (z a + sum (firstn j s) z) <= 0) by (apply Hj;
          lia).
        lra. }
    assert (q a * m >= c * m) by nra. nra.
Qed.
Lemma largest_le l x : In x l -> x <= largest l.
Proof.
  induction l as [|a [|b m] IH]; simpl; [tauto| |].
  - intros [->|[]]. lra.
  - intros [->|H]; [apply Rmax_l|]. apply Rle_trans with (largest (b :: m)); [apply IH; auto|apply Rmax_r].
Qed.
Lemma falling_best os q v : os <> nil -> law os q -> Sorted (fun o o' => q o' <= q o) os ->
  sum os (fun o => q o * v o) <= best_average os v.
Proof.
  intros N [Q Q1] Hs. set (M := best_average os v).
  assert (X : sum (firstn 0 os) v = 0) by reflexivity.
  assert (B : forall j, (1 <= j <= length os)%nat -> sum (firstn j os) v <= M * INR j).
  { intros j Hj. assert (0 < INR j) by (apply lt_0_INR; lia).
    assert (sum (firstn j os) v / INR j <= M).
    { apply largest_le. apply (in_map (fun j => sum (firstn j os) v / INR j)). apply in_seq. lia. }
    apply (Rmult_le_compat_r (INR j)) in H0; [|lra]. unfold Rdiv in H0. rewrite Rmult_assoc, Rinv_l in H0; lra. }
  assert (Y : sum os (fun o => q o * (v o - M)) <= 0).
  { destruct os as [|o os]; [congruence|].
    pose proof (falling_sum (o :: os) q (fun o => v o - M) (q o) 0) as F. rewrite Rmult_0_r, Rplus_0_l in F.
    apply F; auto; try lra; try (apply Q; left; auto); try (intros ? ? [= <- <-]; lra).
    intros [|j] Hj; [simpl; lra|]. specialize (B (S j)).
    rewrite sum_minus. assert (sum (firstn (S j) (o :: os)) (fun _ => M) = M * INR (S j)).
    { assert (forall l : list (option token), sum l (fun _ => M) = M * INR (length l)) as SC.
      { induction l; [simpl; ring|]. simpl sum. rewrite IHl. simpl length. rewrite S_INR. ring. }
      rewrite SC, firstn_length, Nat.min_l; auto. }
    assert (sum (firstn (S j) (o :: os)) v <= M * INR (S j)) by (apply B; lia). lra. }
  rewrite (sum_ext _ _ (fun o => q o * v o - q o * M)) in Y by (intros; ring).
  rewrite sum_minus, sum_scal_r, Q1 in Y. lra.
Qed.
Lemma order_preserving_after T q t : order_preserving T q -> In (Some t) (options T) ->
  order_preserving (after T t) (from [t] q).
Proof. intros H Ho u Hu. apply (H (t :: u)). simpl. auto. Qed.
Theorem adaptors_order_preserving_bound_holds : adaptors_order_preserving_bound.
Proof.
  intros T. induction T as [|os next IH]; intros q f P O; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
  rewrite E_strings. simpl.
  destruct (O nil Logic.I) as [Q Hs]. destruct (P nil Logic.I) as [N _]. simpl in *.
  eapply Rle_trans; [|apply (falling_best os (q nil)); auto].
  apply sum_le. intros [t|] Ho; [|lra].
  apply Rmult_le_compat_l; [apply Q; auto|]. apply IH.
  - apply (proper_after (Node os next)); auto.
  - apply (order_preserving_after (Node os next)); auto.
Qed.

Fixpoint argmax (g : nat -> R) (l : list nat) : nat :=
  match l with
  | nil => O
  | [j] => j
  | j :: m => if Rle_dec (g (argmax g m)) (g j) then j else argmax g m
  end.
Lemma argmax_spec g l : l <> nil -> In (argmax g l) l /\ g (argmax g l) = largest (map g l).
Proof.
  induction l as [|a [|b m] IH]; [congruence| |]; intros _.
  - simpl. auto.
  - destruct IH as [I1 I2]; [congruence|].
    change (argmax g (a :: b :: m)) with (if Rle_dec (g (argmax g (b :: m))) (g a) then a else argmax g (b :: m)).
    change (largest (map g (a :: b :: m))) with (Rmax (g a) (largest (map g (b :: m)))). rewrite <- I2.
    destruct (Rle_dec (g (argmax g (b :: m))) (g a)) as [L1|L1].
    + split; [left; auto|]. rewrite Rmax_left; auto.
    + split; [right; auto|]. rewrite Rmax_right; auto. lra.
Qed.
Definition ahead_best (T : tree) (f : context -> R) (o : option token) : R :=
  match o with None => f nil | Some t => V (after T t) (from [t] f) end.
Fixpoint best_sizes (T : tree) (f : context -> R) (u : context) {struct u} : nat :=
  match u with
  | nil => argmax (fun j => sum (firstn j (options T)) (ahead_best T f) / INR j) (seq 1 (length (options T)))
  | t :: v => best_sizes (after T t) (from [t] f) v
  end.
Lemma best_sizes_spec T f : options T <> nil -> let j := best_sizes T f nil in
  (1 <= j <= length (options T))%nat /\ sum (firstn j (options T)) (ahead_best T f) / INR j = V T f.
Proof.
  intros N j. destruct T as [|os next]; [simpl in N; congruence|]. simpl in *.
  destruct (argmax_spec (fun j => sum (firstn j os) (ahead_best (Node os next) f) / INR j) (seq 1 (length os))) as [A
      B].
  { destruct os; simpl; congruence. }
  unfold j. split; [apply in_seq in A; lia|]. exact B.
Qed.
Lemma best_sizes_all T f : proper T -> sizes T (best_sizes T f).
Proof.
  intros P u. revert T f P. induction u as [|t u IH]; intros T f P Hu.
  - apply best_sizes_spec. apply (P nil Logic.I).
  - destruct Hu as [Ho Hu]. apply (IH (after T t)); auto. apply proper_after; auto.
Qed.
Lemma sum_top (os : list (option token)) j v : NoDup os -> (1 <= j <= length os)%nat ->
  sum os (fun o => indicator (in_dec same_option o (firstn j os)) / INR j * v o) = sum (firstn j os) v / INR j.
Proof.
  intros N Hj. rewrite <- (firstn_skipn j os) at 1. rewrite sum_app.
  assert (X : forall o, In o (skipn j os) -> ~ In o (firstn j os)).
  { intros o Hs Hf. rewrite <- (firstn_skipn j os) in N. revert N Hs Hf. generalize (firstn j os), (skipn j os).
    induction l as [|b l IH]; simpl; intros l' N Hs Hf; [tauto|]. inversion N; subst.
    destruct Hf as [->|Hf]; [|apply (IH l'); auto]. apply H1. apply in_or_app. auto. }
  rewrite (sum_ext (firstn j os) _ (fun o => v o * / INR j)), (sum_ext (skipn j os) _ (fun _ => 0)).
  - rewrite sum_zero, sum_scal_r. unfold Rdiv. ring.
  - intros o Ho. unfold indicator. destruct (in_dec same_option o (firstn j os)); [exfalso; apply (X o); auto|].
    unfold Rdiv. ring.
  - intros o Ho. unfold indicator. destruct (in_dec same_option o (firstn j os)); [|tauto]. unfold Rdiv. ring.
Qed.
Lemma sorted_two {A} (l m : list A) (g : A -> R) c : 0 <= c -> (forall a, In a l -> g a = c) ->
  (forall a, In a m -> g a = 0) -> Sorted (fun a b => g b <= g a) (l ++ m).
Proof.
  intros Hc Hl Hm. induction l as [|a l IH]; simpl.
  - clear Hl. induction m as [|a m IH]; constructor; auto.
    + apply IH. intros; apply Hm; right; auto.
    + destruct m as [|b m]; constructor. rewrite (Hm a), (Hm b); simpl; auto. lra.
  - constructor; [apply IH; intros; apply Hl; right; auto|].
    destruct l as [|b l]; simpl.
    + destruct m as [|b m]; constructor. rewrite (Hl a), (Hm b); simpl; auto.
    + constructor. rewrite (Hl a), (Hl b); simpl; auto. lra.
Qed.
Lemma top_order T k : proper T -> sizes T k -> order_preserving T (top T k).
Proof.
  intros P K u Hu. destruct (P u Hu) as [N D]. pose proof (K u Hu) as Ku.
  assert (Kp : 0 < INR (k u)) by (apply lt_0_INR; lia). unfold top. split; [split|].
  - intros o _. apply Rle_mult_inv_pos; auto. unfold indicator. destruct in_dec; lra.
  - rewrite (sum_ext _ _ (fun o => indicator (in_dec same_option o (firstn (k u) (options (subtree T u)))) / INR (k
      u) * 1))
      by (intros; ring).
    rewrite (sum_top _ (k u) (fun _ => 1)) by auto.
    assert (forall l : list (option token), sum l (fun _ => 1) = INR (length l)) as SC.
    { induction l; [reflexivity|]. simpl sum. rewrite IHl. simpl length. rewrite S_INR. ring. }
    rewrite SC, firstn_length, Nat.min_l by lia. apply Rinv_r. lra.
  - pose proof (sorted_two (firstn (k u) (options (subtree T u))) (skipn (k u) (options (subtree T u)))
      (fun o => indicator (in_dec same_option o (firstn (k u) (options (subtree T u)))) / INR (k u)) (/ INR (k u)))
          as Y.
    rewrite firstn_skipn in Y. apply Y; clear Y.
    + left. apply Rinv_0_lt_compat. auto.
    + intros o Ho. unfold indicator. destruct in_dec; [unfold Rdiv; ring|tauto].
    + intros o Hs. unfold indicator. destruct in_dec as [Hf|]; [|unfold Rdiv; ring]. exfalso.
      rewrite <- (firstn_skipn (k u) (options (subtree T u))) in D. revert D Hs Hf.
      generalize (firstn (k u) (options (subtree T u))), (skipn (k u) (options (subtree T u))).
      induction l as [|b l IH]; simpl; intros l' D Hs Hf; [tauto|]. inversion D; subst.
      destruct Hf as [->|Hf]; [|apply (IH l'); auto]. apply H1. apply in_or_app. auto.
Qed.
Lemma best_sizes_attain T f : proper T -> E (strings T) (product (top T (best_sizes T f))) f = V T f.
Proof.
  revert f. induction T as [|os next IH]; intros f P; destruct (P nil Logic.I) as [N D]; [simpl in N; congruence|].
  rewrite E_strings. simpl in N, D.
  destruct (best_sizes_spec (Node os next) f N) as [J B]. rewrite <- B. unfold top.
  rewrite <- (sum_top (options (Node os next)) _ (ahead_best (Node os next) f)); auto.
  apply sum_ext. intros [t|] Ho; [|reflexivity]. f_equal.
  change (E (strings (next t)) (product (top (next t) (best_sizes (next t) (from [t] f)))) (from [t] f)
          = V (next t) (from [t] f)).
  apply IH. apply (proper_after (Node os next)); auto.
Qed.
Theorem adaptors_order_preserving_attained_holds : adaptors_order_preserving_attained.
Proof.
  intros T f P. exists (best_sizes T f). split; [|split].
  - apply best_sizes_all; auto.
  - apply top_order; auto. apply best_sizes_all; auto.
  - apply best_sizes_attain; auto.
Qed.
Lemma sorted_impl {A} (r r' : A -> A -> Prop) l : (forall a b, r a b -> r' a b) -> Sorted r l -> Sorted r' l.
Proof.
  intros H. induction 1 as [|a l Hs IH Hd]; constructor; auto. destruct Hd; constructor; auto.
Qed.
Lemma sorted_both {A} (r r' r'' : A -> A -> Prop) l : (forall a b, r a b -> r' a b -> r'' a b) ->
  Sorted r l -> Sorted r' l -> Sorted r'' l.
Proof.
  intros H. induction 1 as [|a l Hs IH Hd]; constructor; inversion H0; subst; auto.
  destruct Hd; constructor. inversion H4; subst. auto.
Qed.
Lemma sorted_equal {A} (l : list A) (g : A -> R) c : (forall a, g a = c) -> Sorted (fun a b => g b <= g a) l.
Proof.
  intros H. induction l as [|a l IH]; constructor; auto. destruct l; constructor; cbv beta. rewrite !H. lra.
Qed.
(* the mixture of q and q', token by token *)
Definition mix (T : tree) (a b : R) (q q' : weights) : weights := fun u o =>
  let D := a * reach q u + b * reach q' u in
  if Req_EM_T D 0 then / INR (length (options (subtree T u)))
  else (a * reach q u * q u o + b * reach q' u * q' u o) / D.
Lemma mix_after T a b q q' t :
  from [t] (mix T a b q q') = mix (after T t) (a * q nil (Some t)) (b * q' nil (Some t)) (from [t] q) (from [t] q').
Proof.
  apply functional_extensionality. intros u. apply functional_extensionality. intros o.
  unfold mix. change (from [t] ?g u o) with (g (t :: u) o).
  unfold from at 1. simpl. rewrite <- !Rmult_assoc. reflexivity.
Qed.
Lemma mix_product T a b q q' y : 0 <= a -> 0 <= b -> order_preserving T q -> order_preserving T q' ->
  In y (strings T) -> (a + b) * product (mix T a b q q') y = a * product q y + b * product q' y.
Proof.
  revert T a b q q'. induction y as [|t v IH]; intros T a b q q' Ha Hb O O' Hy; pose proof Hy as Hi; rewrite
      in_strings in Hi.
  - simpl. unfold mix. simpl. destruct (Req_EM_T (a * 1 + b * 1) 0) as [Z0|N].
    + assert (a = 0) by lra. assert (b = 0) by lra. subst. ring.
    + field. lra.
  - destruct Hi as [Ho Hv]. simpl product. rewrite mix_after.
    assert (Q : 0 <= q nil (Some t)) by (apply (proj1 (O nil Logic.I)); auto).
    assert (Q' : 0 <= q' nil (Some t)) by (apply (proj1 (O' nil Logic.I)); auto).
    pose proof (IH (after T t) (a * q nil (Some t)) (b * q' nil (Some t)) (from [t] q) (from [t] q')) as X.
    rewrite <- Rmult_assoc. rewrite <- (Rmult_assoc a), <- (Rmult_assoc b). rewrite <- X; auto.
    + f_equal. unfold mix. simpl. destruct (Req_EM_T (a * 1 + b * 1) 0) as [Z0|N].
      * assert (a = 0) by lra. assert (b = 0) by lra. subst. ring.
      * field. lra.
    + apply Rmult_le_pos; auto.
    + apply Rmult_le_pos; auto.
    + apply order_preserving_after; auto.
    + apply order_preserving_after; auto.
Qed.
Lemma reach_nonneg T q u : order_preserving T q -> context_of T u -> 0 <= reach q u.
Proof.
  revert T q. induction u as [|t u IH]; intros T q O Hu; simpl; [lra|]. destruct Hu as [Ho Hu].
  apply Rmult_le_pos; [apply (proj1 (O nil Logic.I)); auto|]. apply (IH (after T t)); auto.
  apply order_preserving_after; auto.
Qed.
Lemma mix_order T a b q q' : proper T -> 0 <= a -> 0 <= b -> order_preserving T q -> order_preserving T q' ->
  order_preserving T (mix T a b q q').
Proof.
  intros P Ha Hb O O' u Hu. destruct (O u Hu) as [[Q Q1] Qs]. destruct (O' u Hu) as [[Q' Q1'] Qs'].
  pose proof (Rmult_le_pos _ _ Ha (reach_nonneg T q u O Hu)) as A. pose proof (Rmult_le_pos _ _ Hb (reach_nonneg T q'
      u O' Hu)) as B.
  destruct (P u Hu) as [N _].
  unfold mix. destruct (Req_EM_T (a * reach q u + b * reach q' u) 0) as [Z0|Nz].
  - assert (Lp : 0 < INR (length (options (subtree T u)))).
    { apply lt_0_INR. destruct (options (subtree T u)); [congruence|simpl; lia]. }
    split; [split|].
    + intros. left. apply Rinv_0_lt_compat. auto.
    + assert (forall l : list (option token), sum l (fun _ => / INR (length (options (subtree T u))))
        = INR (length l) * / INR (length (options (subtree T u)))) as SC.
      { induction l; [simpl; ring|]. simpl sum. rewrite IHl. simpl length. rewrite S_INR. ring. }
      rewrite SC. apply Rinv_r. lra.
    + apply (sorted_equal _ (fun _ => / INR (length (options (subtree T u)))) (/ INR (length (options (subtree T
        u))))); auto.
  - assert (Dp : 0 < a * reach q u + b * reach q' u) by lra. split; [split|].
    + intros o Ho. apply Rle_mult_inv_pos; auto. specialize (Q o Ho). specialize (Q' o Ho). nra.
    + unfold Rdiv. rewrite sum_scal_r, sum_plus, !sum_scal, Q1, Q1', !Rmult_1_r. apply Rinv_r. lra.
    + apply (sorted_both (fun o o' => q u o' <= q u o) (fun o o' => q' u o' <= q' u o)); auto.
      intros o o' H1 H2. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|]. nra.
Qed.
Theorem adaptors_order_preserving_convex_holds : adaptors_order_preserving_convex.
Proof.
  intros T q q' c P O O' Hc. exists (mix T c (1 - c) q q'). split; [apply mix_order; auto; lra|].
  intros y Hy. rewrite <- (mix_product T c (1 - c) q q' y); auto; lra.
Qed.
Theorem adaptors_order_preserving_adaptors_holds : adaptors_order_preserving_adaptors.
Proof.
  intros T w P Hw u Hu. destruct (Hw u Hu) as [W [Tp Ws]]. unfold local_step. split; [split|].
  - intros o Ho. apply Rle_mult_inv_pos; auto.
  - unfold Rdiv. rewrite sum_scal_r. fold (total T w u). apply Rinv_r. lra.
  - apply (sorted_impl (fun o o' => w u o' <= w u o)); auto.
    intros o o' Ho. apply Rmult_le_compat_r; [left; apply Rinv_0_lt_compat; auto|auto].
Qed.

(** ** What the trees are *)
Lemma nodup_flat_map {A B} (s : list A) (h : A -> list B) : NoDup s -> (forall a, In a s -> NoDup (h a)) ->
  (forall a a' x, In a s -> In a' s -> In x (h a) -> In x (h a') -> a = a') -> NoDup (flat_map h s).
Proof.
  induction s as [|a s IH]; simpl; intros N D U; [constructor|]. inversion N; subst.
  assert (X : NoDup (flat_map h s)).
  { apply IH; auto. intros a1 a2 x I1 I2. apply U; auto. }
  assert (Y : forall x, In x (h a) -> ~ In x (flat_map h s)).
  { intros x Hx Hf. apply in_flat_map in Hf. destruct Hf as [a' [Ha' Hx']].
    assert (a = a') by (apply (U a a' x); auto). subst. tauto. }
  assert (Z0 : NoDup (h a)) by (apply D; auto).
  clear -X Y Z0. induction (h a) as [|x l IH]; simpl; auto. inversion Z0; subst. constructor.
  - intros Hi. apply in_app_or in Hi. destruct Hi; [tauto|]. apply (Y x); simpl; auto.
  - apply IH; auto. intros z Hz. apply Y. simpl; auto.
Qed.
Theorem adaptors_gauge_strings_distinct_holds : adaptors_gauge_strings_distinct.
Proof.
  intros T. induction T as [|os next IH]; intros P; [constructor|].
  destruct (P nil Logic.I) as [_ D]. simpl in *. apply nodup_flat_map; auto.
  - intros [t|] Ho; [|constructor; [simpl; tauto|constructor]].
    apply Injective_map_NoDup; [intros a b [= ->]; auto|]. apply IH. apply (proper_after (Node os next)); auto.
  - intros [t|] [t'|] x _ _ Hx Hx'; auto.
    + apply in_map_iff in Hx. apply in_map_iff in Hx'. destruct Hx as [v [<- _]], Hx' as [v' [[= <- _] _]]. auto.
    + apply in_map_iff in Hx. destruct Hx as [v [<- _]]. destruct Hx' as [Hx'|[]]. congruence.
    + apply in_map_iff in Hx'. destruct Hx' as [v [<- _]]. destruct Hx as [Hx|[]]. congruence.
Qed.
Definition heads (S : list context) : list token := flat_map (fun y => match y with nil => nil | t :: _ => [t] end) S.
Definition tails (t : token) (S : list context) : list context :=
  flat_map (fun y => match y with nil => nil | s :: v => if Nat.eq_dec s t then [v] else nil end) S.
Lemma in_heads t S : In t (heads S) <-> exists v, In (t :: v) S.
Proof.
  unfold heads. rewrite in_flat_map. split.
  - intros [[|s v] [Hy []]]; subst; try tauto. exists v. auto.
  - intros [v Hv]. exists (t :: v). simpl. auto.
Qed.
Lemma in_tails t v S : In v (tails t S) <-> In (t :: v) S.
Proof.
  unfold tails. rewrite in_flat_map. split.
  - intros [[|s w] [Hy Hv]]; [destruct Hv|]. destruct (Nat.eq_dec s t) as [->|]; [|destruct Hv].
    destruct Hv as [->|[]]. auto.
  - intros Hv. exists (t :: v). split; auto. destruct (Nat.eq_dec t t); simpl; auto; congruence.
Qed.
Fixpoint tree_of (n : nat) (S : list context) : tree :=
  match n with
  | O => Nothing
  | Datatypes.S m => Node ((if in_dec (list_eq_dec Nat.eq_dec) nil S then [None] else []) ++
                 map Some (nodup Nat.eq_dec (heads S))) (fun t => tree_of m (tails t S))
  end.
Lemma in_options_end n S : In None (options (tree_of (Datatypes.S n) S)) <-> In nil S.
Proof.
  simpl. rewrite in_app_iff. destruct (in_dec (list_eq_dec Nat.eq_dec) nil S) as [Hn|Hn]; simpl; [tauto|].
  split; [|tauto]. intros [[]|Hm]. apply in_map_iff in Hm. destruct Hm as [t [Ht _]]. congruence.
Qed.
Lemma in_options_token n S t : In (Some t) (options (tree_of (Datatypes.S n) S)) <-> exists v, In (t :: v) S.
Proof.
  simpl. rewrite in_app_iff, <- in_heads, <- (nodup_In Nat.eq_dec (heads S) t). split.
  - intros [Hm|Hm].
    + destruct in_dec; simpl in Hm; [destruct Hm as [Hm|[]]; congruence|tauto].
    + apply in_map_iff in Hm. destruct Hm as [s [[= ->] Hs]]. auto.
  - intros Hs. right. apply in_map. auto.
Qed.
Lemma tree_of_strings n S y : (forall z, In z S -> (length z < n)%nat) ->
  In y (strings (tree_of n S)) <-> In y S.
Proof.
  revert S y. induction n as [|n IH]; intros S y Hn.
  - simpl. split; [tauto|]. intros Hy. specialize (Hn y Hy). lia.
  - rewrite in_strings. destruct y as [|t v]; [apply in_options_end|].
    change (after (tree_of (Datatypes.S n) S) t) with (tree_of n (tails t S)).
    rewrite in_options_token, IH, in_tails.
    + split; [tauto|]. intros Hv. eauto.
    + intros z Hz. apply in_tails in Hz. specialize (Hn _ Hz). simpl in Hn. lia.
Qed.
Lemma tree_of_proper n S : S <> nil -> (forall z, In z S -> (length z < n)%nat) -> proper (tree_of n S).
Proof.
  revert S. induction n as [|n IH]; intros S Hs Hn u Hu.
  - destruct S as [|z S]; [congruence|]. specialize (Hn z (or_introl eq_refl)). lia.
  - destruct u as [|t u].
    + split.
      * destruct S as [|z S]; [congruence|]. destruct z as [|t v].
        -- intros E0. assert (X : In None (options (tree_of (Datatypes.S n) ([] :: S)))).
           { apply in_options_end. simpl; auto. }
           change (options (tree_of (Datatypes.S n) ([] :: S)) = []) in E0. rewrite E0 in X. destruct X.
        -- intros E0. assert (X : In (Some t) (options (tree_of (Datatypes.S n) ((t :: v) :: S)))).
           { apply in_options_token. exists v. simpl; auto. }
           change (options (tree_of (Datatypes.S n) ((t :: v) :: S)) = []) in E0. rewrite E0 in X. destruct X.
      * assert (X : NoDup (map Some (nodup Nat.eq_dec (heads S)))).
        { apply Injective_map_NoDup; [intros a b [= ->]; auto|apply NoDup_nodup]. }
        simpl. destruct in_dec; simpl; auto. constructor; auto.
        intros Hm. apply in_map_iff in Hm. destruct Hm as [t [Ht _]]. congruence.
    + destruct Hu as [Ho Hu]. apply in_options_token in Ho. destruct Ho as [v Hv].
      apply (IH (tails t S)); auto.
      * intros E0. apply in_tails in Hv. rewrite E0 in Hv. destruct Hv.
      * intros z Hz. apply in_tails in Hz. specialize (Hn _ Hz). simpl in Hn. lia.
Qed.
Theorem adaptors_gauge_every_set_holds : adaptors_gauge_every_set.
Proof.
  intros S Hs. set (n := Datatypes.S (list_max (map (@length token) S))).
  assert (Hn : forall z, In z S -> (length z < n)%nat).
  { intros z Hz. unfold n. apply Nat.lt_succ_r.
    pose proof (list_max_le (map (@length token) S) (list_max (map (@length token) S))) as [X _].
    specialize (X (Nat.le_refl _)). rewrite Forall_forall in X. apply X. apply in_map. auto. }
  exists (tree_of n S). split; [apply tree_of_proper; auto|]. intros y. apply tree_of_strings. auto.
Qed.

(** ** metropolis.ratio *)
Theorem metropolis_ratio_identity_holds : metropolis_ratio_identity.
Proof.
  intros T w y y' P W Hy Hy'. pose proof (C_pos T w P W). unfold q_glob.
  rewrite <- (q_loc_product T w y P W Hy), <- (q_loc_product T w y' P W Hy').
  pose proof (q_loc_pos T w y P W Hy). pose proof (q_loc_pos T w y' P W Hy').
  assert (Tp : forall u, context_of T u -> 0 < total T w u) by (intros; apply total_pos; auto).
  pose proof (product_along_pos T _ y Hy Tp). field. repeat split; lra.
Qed.
Lemma argmax_in {A} (s : list A) (g : A -> R) : s <> nil -> exists a, In a s /\ forall b, In b s -> g b <= g a.
Proof.
  induction s as [|x s IH]; [congruence|]. intros _. destruct s as [|y s].
  - exists x. split; simpl; auto. intros b [->|[]]. lra.
  - destruct IH as [a [Ha Hb]]; [congruence|]. destruct (Rle_dec (g a) (g x)) as [L1|L1].
    + exists x. split; simpl; auto. intros b [->|H]; [lra|]. specialize (Hb b H). lra.
    + exists a. split; [simpl; auto|]. intros b [->|H]; [lra|]. apply Hb. auto.
Qed.
(* the chain that accepts with min(1, m(y') / m(y)) balances q m, and has no other stationary law *)
Lemma metropolis_only {A} (s : list A) (q m : A -> R) : s <> nil ->
  (forall a, In a s -> 0 < q a) -> (forall a, In a s -> 0 < m a) ->
  only_stationary s q (fun x y => Rmin 1 (m y / m x)) (normalised s (fun a => q a * m a)).
Proof.
  intros N Q M mu [Mu0 Mu1]. set (acc := fun x y => Rmin 1 (m y / m x)).
  set (pi := fun a => q a * m a).
  assert (Pi : forall a, In a s -> 0 < pi a) by (intros; apply Rmult_lt_0_compat; auto).
  assert (Acc : forall x y, In x s -> In y s -> 0 < acc x y).
  { intros x y Hx Hy. apply Rmin_glb_lt; [lra|]. apply Rdiv_lt_0_compat; auto. }
  assert (B : forall x y, In x s -> In y s -> pi x * (q y * acc x y) = pi y * (q x * acc y x)).
  { intros x y Hx Hy. unfold pi, acc. pose proof (M x Hx). pose proof (M y Hy).
    assert (X : m x * Rmin 1 (m y / m x) = m y * Rmin 1 (m x / m y)).
    { 
      unfold Rmin. destruct (Rle_dec 1 (m y / m x)) as [a1|a1], (Rle_dec 1 (m x / m y)) as [a2|a2].
      - assert (m x <= m y). { apply (Rmult_le_compat_r (m x)) in a1; [|lra]. unfold Rdiv in a1. rewrite Rmult_assoc,
          Rinv_l in a1; lra. }
        assert (m y <= m x). { apply (Rmult_le_compat_r (m y)) in a2; [|lra]. unfold Rdiv in a2. rewrite Rmult_assoc,
            Rinv_l in a2; lra. }
        lra.
      - field. lra.
      - field. lra.
      - exfalso. apply Rnot_le_lt in a1. apply Rnot_le_lt in a2.
        apply (Rmult_lt_compat_r (m x)) in a1; [|lra]. unfold Rdiv in a1. rewrite Rmult_assoc, Rinv_l in a1 by lra.
        apply (Rmult_lt_compat_r (m y)) in a2; [|lra]. unfold Rdiv in a2. rewrite Rmult_assoc, Rinv_l in a2 by lra.
            lra. }
    transitivity (q x * q y * (m x * Rmin 1 (m y / m x))); [ring|]. rewrite X. ring. }
  assert (S0 : 0 < sum s pi) by (apply sum_pos; auto).
  assert (St : forall nu y, In y s -> step s q acc nu y =
    nu y + pi y * sum s (fun x => q x * acc y x * (nu x / pi x - nu y / pi y))).
  { intros nu y Hy. unfold step.
    rewrite (sum_ext s (fun x => q x * acc y x * (nu x / pi x - nu y / pi y))
      (fun x => q x * acc y x * (nu x / pi x) - nu y / pi y * (q x * acc y x))) by (intros; ring).
    rewrite sum_minus, sum_scal.
    rewrite (sum_ext s (fun x => nu x * (q y * acc x y)) (fun x => pi y * (q x * acc y x * (nu x / pi x)))).
    - rewrite sum_scal. pose proof (Pi y Hy). field. lra.
    - intros x Hx. pose proof (Pi x Hx).
      replace (nu x * (q y * acc x y)) with (nu x / pi x * (pi x * (q y * acc x y))) by (field; lra).
      rewrite B by auto. field. lra. }
  split.
  - intros Hmu.
    destruct (argmax_in s (fun a => mu a / pi a) N) as [t [Ht Hb]].
    assert (Z0 : sum s (fun x => q x * acc t x * (mu t / pi t - mu x / pi x)) = 0).
    { pose proof (Hmu t Ht) as X. rewrite St in X by auto. pose proof (Pi t Ht).
      rewrite (sum_ext s _ (fun x => - (q x * acc t x * (mu x / pi x - mu t / pi t)))) by (intros; ring).
      rewrite sum_opp. assert (pi t * sum s (fun x => q x * acc t x * (mu x / pi x - mu t / pi t)) = 0) as X0 by lra.
      apply Rmult_integral in X0. destruct X0; lra. }
    assert (Eq : forall x, In x s -> mu x = pi x * (mu t / pi t)).
    { intros x Hx. pose proof (Pi x Hx).
      assert (X0 : q x * acc t x * (mu t / pi t - mu x / pi x) = 0).
      { apply (sum_zero_each s (fun x => q x * acc t x * (mu t / pi t - mu x / pi x))); auto.
        intros z Hz. specialize (Hb z Hz). pose proof (Q z Hz). pose proof (Acc t z Ht Hz).
        apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra]. }
      apply Rmult_integral in X0. pose proof (Q x Hx). pose proof (Acc t x Ht Hx).
      assert (0 < q x * acc t x) by (apply Rmult_lt_0_compat; auto).
      assert (mu t / pi t = mu x / pi x) as -> by lra. field. lra. }
    assert (K : mu t / pi t = / sum s pi).
    { apply (Rmult_eq_reg_l (sum s pi)); [|lra]. rewrite Rinv_r by lra.
      rewrite <- Mu1. rewrite (sum_ext s mu (fun x => pi x * (mu t / pi t))) by auto. rewrite sum_scal_r. reflexivity. }
    intros y Hy. rewrite (Eq y Hy), K. unfold normalised. reflexivity.
  - intros Eq y Hy. rewrite St by auto.
    rewrite (sum_ext s _ (fun _ => 0)); [rewrite sum_zero; ring|]. intros x Hx.
    rewrite (Eq x Hx), (Eq y Hy). unfold normalised. fold (pi x) (pi y). pose proof (Pi x Hx). pose proof (Pi y Hy).
    change (sum s (fun a => q a * m a)) with (sum s pi). field. repeat split; lra.
Qed.
Lemma only_stationary_ext {A} (s : list A) q acc acc' pi pi' : (forall x y, In x s -> In y s -> acc x y = acc' x y) ->
  (forall x, In x s -> pi x = pi' x) -> only_stationary s q acc pi -> only_stationary s q acc' pi'.
Proof.
  intros Ha Hp H mu Lm. specialize (H mu Lm).
  assert (X : forall y, In y s -> step s q acc' mu y = step s q acc mu y).
  { intros y Hy. unfold step. rewrite (sum_ext s (fun x => mu x * (q y * acc' x y)) (fun x => mu x * (q y * acc x y)))
      by (intros; rewrite Ha; auto).
    rewrite (sum_ext s (fun z => q z * acc' y z) (fun z => q z * acc y z)) by (intros; rewrite Ha; auto). auto. }
  split.
  - intros H1 y Hy. rewrite <- Hp by auto. apply H; auto. intros z Hz. rewrite <- X; auto.
  - intros H1 y Hy. rewrite X by auto. apply H; auto. intros z Hz. rewrite Hp; auto.
Qed.
Theorem metropolis_ratio_stationary_holds : metropolis_ratio_stationary.
Proof.
  intros T w P W c.
  assert (Tp : forall u, context_of T u -> 0 < total T w u) by (intros; apply total_pos; auto).
  apply (only_stationary_ext _ _ (fun y y' => Rmin 1 (c y' / c y)) _
    (normalised (strings T) (fun y => q_loc T w y * c y))); auto.
  - intros y Hy. unfold normalised, c. rewrite (sum_ext _ (fun y => q_loc T w y * product_along (total T w) y)
      (product w)).
    + rewrite q_loc_product by auto. reflexivity.
    + intros; apply q_loc_product; auto.
  - apply metropolis_only; [apply strings_nonempty; auto| |].
    + intros; apply q_loc_pos; auto.
    + intros y Hy. apply (product_along_pos T); auto.
Qed.
Theorem metropolis_ratio_aligned_holds : metropolis_ratio_aligned.
Proof.
  intros T w plus P W Hp.
  apply (only_stationary_ext _ _ (fun y y' => Rmin 1 ((plus y' / q_loc T w y') / (plus y / q_loc T w y))) _
    (normalised (strings T) (fun y => q_loc T w y * (plus y / q_loc T w y)))); auto.
  - assert (X : forall y, In y (strings T) -> q_loc T w y * (plus y / q_loc T w y) = plus y).
    { intros y Hy. pose proof (q_loc_pos T w y P W Hy). field. lra. }
    intros y Hy. unfold normalised. rewrite X by auto. f_equal. apply sum_ext. auto.
  - apply (metropolis_only _ _ (fun y => plus y / q_loc T w y)); [apply strings_nonempty; auto| |].
    + intros; apply q_loc_pos; auto.
    + intros y Hy. apply Rdiv_lt_0_compat; auto. apply q_loc_pos; auto.
Qed.
Lemma product_cooled T p tau y : positive T p -> In y (strings T) -> product (cooled p tau) y = Rpower (product p y)
    tau.
Proof.
  revert T p. induction y as [|t v IH]; intros T p W Hy; pose proof Hy as Hi; rewrite in_strings in Hi; simpl; auto.
  destruct Hi as [Ho Hv]. change (from [t] (cooled p tau)) with (cooled (from [t] p) tau).
  pose proof (positive_after T p t W Ho) as W1.
  rewrite (IH (after T t)); auto. unfold cooled. rewrite Rpower_mult_distr; auto.
  - apply (W nil); simpl; auto.
  - apply (product_pos (after T t)); auto.
Qed.
Theorem metropolis_ratio_iff_holds : metropolis_ratio_iff.
Proof.
  intros T p tau P W. pose proof (C_pos T (cooled p tau) P (cooled_positive T p tau)) as Cp.
  pose proof (C_pos T p P W) as C1. unfold normalised. change (sum (strings T) (product p)) with (C T p). split.
  - intros H. destruct (Req_dec tau 1) as [->|N]; [left; auto|right].
    exists (exp ((ln (C T p) - ln (C T (cooled p tau))) / (1 - tau))). intros y Hy.
    pose proof (product_pos T p y W Hy) as Py. specialize (H y Hy). unfold q_glob in H.
    rewrite (product_cooled T) in H by auto.
    assert (X : tau * ln (product p y) - ln (C T (cooled p tau)) = ln (product p y) - ln (C T p)).
    { rewrite <- (ln_exp (tau * ln (product p y))). change (exp (tau * ln (product p y))) with (Rpower (product p y)
        tau).
      rewrite <- !ln_div; auto; [f_equal; exact H|apply exp_pos]. }
    rewrite <- (exp_ln (product p y)) at 1 by auto. f_equal. field_simplify_eq; lra.
  - intros [->|[c Hc]] y Hy; unfold q_glob.
    + unfold C at 1. rewrite (sum_ext _ (product (cooled p 1)) (product p)).
      * change (sum (strings T) (product p)) with (C T p). f_equal.
        apply (product_ext T); auto. intros. apply (cooled_one T); auto.
      * intros z Hz. apply (product_ext T); auto. intros. apply (cooled_one T); auto.
    + assert (S1 : forall (l : list context) k, sum l (fun _ => k) = INR (length l) * k) by (intros; apply sum_const).
      unfold C. rewrite (sum_ext _ (product (cooled p tau)) (fun _ => Rpower c tau)).
      * rewrite (sum_ext _ (product p) (fun _ => c)) by auto. rewrite !sum_const, (product_cooled T), Hc by auto.
        assert (0 < c) by (rewrite <- (Hc y Hy); apply (product_pos T); auto).
        assert (0 < INR (length (strings T))).
        { apply lt_0_INR. pose proof (strings_nonempty T P). destruct (strings T); simpl; [congruence|lia]. }
        pose proof (exp_pos (tau * ln c)) as X. change (exp (tau * ln c)) with (Rpower c tau) in X. field. repeat
            split; lra.
      * intros z Hz. rewrite (product_cooled T), Hc; auto.
Qed.

(** ** The reference code *)
Theorem audit_accept_all_shift_holds : audit_accept_all_shift.
Proof.
  intros T w f P W. unfold Cov.
  assert (X : forall k, E (strings T) (q_loc T w) (fun y => k y * (q_glob T w y / q_loc T w y)) = E (strings T)
      (q_glob T w) k).
  { intros k. apply sum_ext. intros y Hy. pose proof (q_loc_pos T w y P W Hy). field. lra. }
  rewrite X. rewrite (E_ext _ _ (fun y => q_glob T w y / q_loc T w y) (fun y => 1 * (q_glob T w y / q_loc T w y))) by
      (intros; ring).
  rewrite X, E_const; [ring|]. split; [|apply q_glob_sum; auto]. intros; left; apply q_glob_pos; auto.
Qed.
Lemma product_reach p y : product p y = reach p y * ending p y.
Proof.
  revert p. induction y as [|t v IH]; intros p; simpl; [unfold ending; ring|].
  rewrite IH. unfold ending. change (from [t] p v None) with (p (t :: v) None). ring.
Qed.
Lemma ending_pos T p y : positive T p -> In y (strings T) -> 0 < ending p y.
Proof.
  revert T p. induction y as [|t v IH]; intros T p W; rewrite in_strings; intros Hy.
  - apply (W nil); simpl; auto.
  - destruct Hy as [Ho Hv]. apply (IH (after T t) (from [t] p)); auto. apply positive_after; auto.
Qed.
Theorem audit_unscored_end_shift_holds : audit_unscored_end_shift.
Proof.
  intros T p q P W. unfold E. rewrite <- sum_opp, <- sum_minus. apply sum_ext. intros y Hy.
  rewrite product_reach, ln_mult; [ring| |apply (ending_pos T); auto].
  apply (reach_pos T); auto. apply string_context; auto.
Qed.
Theorem audit_unscored_end_mass_holds : audit_unscored_end_mass.
Proof.
  intros T p P S. unfold E.
  rewrite (sum_ext _ (fun Y => product p Y * sum (strings T) (fun y => if begins_with y Y then 1 else 0))
    (fun Y => sum (strings T) (fun y => if begins_with y Y then product p Y else 0))).
  - rewrite sum_swap. apply sum_ext. intros y Hy. pose proof (string_context T y Hy) as Cy.
    pose proof (reach_pos T p y (proj1 S) Cy). rewrite exp_ln by auto.
    change (reach p y = mass T (product p) y). rewrite mass_sum by auto.
    rewrite (sum_ext _ (from y (product p)) (fun v => reach p y * product (from y p) v)).
    + rewrite sum_scal. change (sum (strings (subtree T y)) (product (from y p))) with (C (subtree T y) (from y p)).
      rewrite step_law_C by (apply step_law_subtree; auto). ring.
    + intros v _. apply product_app.
  - intros Y _. rewrite <- sum_scal. apply sum_ext. intros y _. destruct (begins_with y Y); ring.
Qed.

Theorem adaptors_local_global_mean_holds : adaptors_local_global_mean.
Proof.
  intros T p P S. rewrite (mean_entropies T p P S). reflexivity.
Qed.

(** ** Mixtures of corners *)
Lemma sum_list_prod {A B} (a : list A) (b : list B) (f : A * B -> R) :
  sum (list_prod a b) f = sum a (fun x => sum b (fun y => f (x, y))).
Proof.
  induction a as [|x a IH]; simpl; [reflexivity|]. rewrite sum_app, sum_map, IH. reflexivity.
Qed.
Lemma mixture_of_tops (os l r : list (option token)) (q : option token -> R) : os = l ++ r -> NoDup os ->
  (forall o, In o l -> 0 <= q o) -> Sorted (fun o o' => q o' <= q o) l ->
  exists ms : list (R * nat), (forall c j, In (c, j) ms -> 0 <= c /\ (1 <= j <= length l)%nat) /\
  sum ms fst = sum l q /\
  forall o, In o l -> q o = sum ms (fun cj => fst cj * (indicator (in_dec same_option o (firstn (snd cj) os)) / INR
      (snd cj))).
Proof.
  revert r q. induction l as [|a l IH] using rev_ind; intros r q Eo N Q Hs.
  - exists nil. simpl. repeat split; tauto.
  - assert (Low : forall o, In o l -> q a <= q o).
    { clear -Hs. induction l as [|b l IH]; simpl; [tauto|]. simpl in Hs. inversion Hs as [|? ? S1 H1]; subst.
      intros o [<-|Ho]; [|auto]. destruct l as [|c l]; simpl in *.
      - inversion H1; auto.
      - inversion H1; subst. specialize (IH S1 c (or_introl eq_refl)). lra. }
    assert (Hs' : Sorted (fun o o' => q o' - q a <= q o - q a) l).
    { clear -Hs. induction l as [|b l IH]; constructor; simpl in Hs; inversion Hs as [|? ? S1 H1]; subst; auto.
      destruct l as [|c l]; constructor. simpl in H1. inversion H1; subst. lra. }
    rewrite <- app_assoc in Eo.
    destruct (IH ([a] ++ r) (fun o => q o - q a) Eo N) as [ms [M1 [M2 M3]]]; auto.
    { intros o Ho. specialize (Low o Ho). lra. }
    set (len := length (l ++ [a])). assert (Lp : 0 < INR len) by (apply lt_0_INR; unfold len; rewrite app_length;
        simpl; lia).
    assert (Fl : firstn len os = l ++ [a]).
    { rewrite Eo, app_assoc. unfold len. rewrite firstn_app, firstn_all, Nat.sub_diag. simpl. apply app_nil_r. }
    exists ((q a * INR len, len) :: ms). split; [|split].
    + intros c j [[= <- <-]|Hc].
      * split; [|unfold len; rewrite app_length; simpl; lia]. apply Rmult_le_pos; [|lra]. apply Q. apply in_or_app.
          simpl; auto.
      * destruct (M1 c j Hc). split; auto. unfold len. rewrite app_length. simpl. lia.
    + simpl. rewrite M2, sum_app, sum_minus, sum_const. simpl. unfold len. rewrite app_length, plus_INR. simpl. ring.
    + intros o Ho. cbn [sum fst snd]. rewrite Fl. unfold indicator at 1. destruct (in_dec same_option o (l ++ [a]));
        [|tauto].
      apply in_app_or in Ho. destruct Ho as [Ho|[<-|[]]].
      * rewrite <- M3 by auto. field. lra.
      * rewrite (sum_ext ms _ (fun _ => 0)); [rewrite sum_zero; field; lra|]. intros [c j] Hc. simpl.
        destruct (M1 c j Hc) as [_ J]. unfold indicator. destruct (in_dec same_option a (firstn j os)) as [Hi|];
            [|unfold Rdiv; ring].
        exfalso. assert (Hl : In a l).
        { rewrite Eo, firstn_app in Hi. apply in_app_or in Hi. destruct Hi as [Hi|Hi].
          - rewrite <- (firstn_skipn j l). apply in_or_app. auto.
          - replace (j - length l)%nat with O in Hi by lia. destruct Hi. }
        rewrite Eo in N. clear -N Hl. induction l as [|b l IH]; simpl in *; [tauto|]. inversion N; subst.
        destruct Hl as [->|Hl]; auto. apply H1. apply in_or_app. simpl. auto.
Qed.
Ltac ring_plain := unfold context, token in *; ring.
Theorem adaptors_order_preserving_corners_holds : adaptors_order_preserving_corners.
Proof.
  intros T. induction T as [|os next IH]; intros q P O; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
  set (T := Node os next) in *. destruct (P nil Logic.I) as [Ne Nd]. simpl in Ne, Nd. destruct (O nil Logic.I) as
      [[Q0 Q1] Qs].
  simpl in Q0, Q1, Qs.
  assert (Ch : forall os', NoDup os' -> incl os' os -> exists ks : list (R * (token -> context -> nat)),
    (forall c K, In (c, K) ks -> 0 <= c /\ forall t, In (Some t) os' -> sizes (next t) (K t)) /\ sum ks fst = 1 /\
    forall t v, In (Some t) os' -> In v (strings (next t)) ->
    product (from [t] q) v = sum ks (fun cK => fst cK * product (top (next t) (snd cK t)) v)).
  { induction os' as [|o os' IHo]; intros Nd' In'.
    - exists [(1, fun _ _ => 0%nat)]. split; [|split].
      + intros c K [[= <- <-]|[]]. split; [lra|]. intros t [].
      + simpl. ring_plain.
      + intros t v [].
    - inversion Nd' as [|? ? Ni Nd'']; subst.
      destruct (IHo Nd'' (fun x Hx => In' x (or_intror Hx))) as [ks [K1 [K2 K3]]].
      destruct o as [t|].
      + assert (Ht : In (Some t) os) by (apply In'; left; auto).
        destruct (IH t (from [t] q) (proper_after T t P Ht) (order_preserving_after T q t O Ht)) as [ls [L1 [L2 L3]]].
        change (after T t) with (next t) in *.
        exists (map (fun x => (fst (fst x) * fst (snd x), fun s => if Nat.eq_dec s t then snd (snd x) else snd (fst
            x) s)) (list_prod ks ls)).
        split; [|split].
        * intros c K Hc. apply in_map_iff in Hc. destruct Hc as [[[c1 K'] [c2 k']] [[= <- <-] Hx]]. apply in_prod_iff
            in Hx.
          destruct Hx as [H1 H2]. destruct (K1 _ _ H1) as [A1 A2]. destruct (L1 _ _ H2) as [B1 B2]. simpl.
          split; [apply Rmult_le_pos; auto|]. intros s Hs. destruct (Nat.eq_dec s t) as [->|Hn]; auto.
          apply A2. destruct Hs as [[= Hs]|Hs]; [congruence|auto].
        * rewrite sum_map, sum_list_prod. simpl. rewrite (sum_ext ks _ fst); auto.
          intros x _. rewrite sum_scal, L2. apply Rmult_1_r.
        * intros s v Hs Hv. rewrite sum_map, sum_list_prod. simpl. destruct (Nat.eq_dec s t) as [->|Hn].
          -- rewrite (L3 v Hv). rewrite (sum_ext ks _ (fun x => fst x * sum ls (fun ck => fst ck * product (top (next
              t) (snd ck)) v))).
             ++ rewrite sum_scal_r, K2. ring_plain.
             ++ intros x _. rewrite <- sum_scal. apply sum_ext. intros; ring_plain.
          -- assert (Hs' : In (Some s) os') by (destruct Hs as [[= Hs]|Hs]; [congruence|auto]).
             rewrite (K3 s v Hs' Hv). apply sum_ext. intros x _.
             rewrite (sum_ext ls _ (fun y => fst y * (fst x * product (top (next s) (snd x s)) v))) by (intros;
                 ring_plain).
             rewrite sum_scal_r, L2. ring_plain.
      + exists ks. split; [|split]; auto.
        * intros c K Hc. destruct (K1 c K Hc) as [A1 A2]. split; auto. intros t [Ht|Ht]; [congruence|auto].
        * intros t v [Ht|Ht]; [congruence|auto]. }
  destruct (Ch os Nd (incl_refl os)) as [ks [K1 [K2 K3]]].
  destruct (mixture_of_tops os os nil (q nil) (eq_sym (app_nil_r os)) Nd Q0 Qs) as [ms [M1 [M2 M3]]].
  exists (map (fun x => (fst (fst x) * fst (snd x), fun u => match u with nil => snd (fst x) | t :: v => snd (snd x)
      t v end)) (list_prod ms ks)).
  split; [|split].
  - intros c k Hc. apply in_map_iff in Hc. destruct Hc as [[[c1 j] [c2 K]] [[= <- <-] Hx]]. apply in_prod_iff in Hx.
    destruct Hx as [H1 H2]. destruct (M1 _ _ H1) as [A1 A2]. destruct (K1 _ _ H2) as [B1 B2]. simpl.
    split; [apply Rmult_le_pos; auto|]. intros [|t u] Hu; simpl; [exact A2|]. destruct Hu as [Ht Hu]. apply (B2 t Ht
        u Hu).
  - rewrite sum_map, sum_list_prod. simpl. rewrite (sum_ext ms _ fst).
    + rewrite M2. exact Q1.
    + intros x _. rewrite sum_scal. etransitivity; [apply f_equal; exact K2|apply Rmult_1_r].
  - intros y Hy. rewrite sum_map, sum_list_prod. rewrite in_strings in Hy. destruct y as [|t v].
    + simpl product. rewrite (M3 None Hy). apply sum_ext. intros x _. cbn [fst snd].
      rewrite (sum_ext ks _ (fun y => fst y * (fst x * (indicator (in_dec same_option None (firstn (snd x) os)) / INR
          (snd x)))))
        by (intros; unfold top; simpl; ring_plain).
      rewrite sum_scal_r. etransitivity; [|apply Rmult_eq_compat_r; symmetry; exact K2]. ring_plain.
    + destruct Hy as [Ht Hv]. simpl in Ht, Hv. simpl product. rewrite (M3 (Some t) Ht), (K3 t v Ht Hv), <- sum_scal_r.
      apply sum_ext. intros x _. rewrite <- sum_scal. apply sum_ext. intros y _. cbn [fst snd].
      change (fst x * (indicator (in_dec same_option (Some t) (firstn (snd x) os)) / INR (snd x))
        * (fst y * product (top (next t) (snd y t)) v) =
        fst x * fst y * (indicator (in_dec same_option (Some t) (firstn (snd x) os)) / INR (snd x)
        * product (top (next t) (snd y t)) v)).
      generalize (product (top (next t) (snd y t)) v). intros z. ring_plain.
Qed.
