(** Scorers and realignment on trees: what each next-token law earns, token by token. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Alignment Adaptors TreeStatements Trees ExampleStatements.
Import ListNotations.
Open Scope R_scope.

(** * One token ahead *)

Definition value (v f : context -> R) (u : context) (o : option token) : R :=
  match o with None => f u | Some t => v (u ++ [t]) end.
Definition next_value (T : tree) (q : weights) (v f : context -> R) (u : context) : R :=
  sum (options (subtree T u)) (fun o => q u o * value v f u o).

(** v that never exceeds its mean one token ahead is at most the mean at the end, with equality only if each step has *)
Lemma step_by_step T : forall q v f, proper T -> step_law T q ->
  (forall u, context_of T u -> v u <= next_value T q v f u) ->
  v nil <= E (strings T) (product q) f /\
  (v nil = E (strings T) (product q) f -> forall u, context_of T u -> v u = next_value T q v f u).
Proof.
  induction T as [|os next IH]; intros q v f P S gain; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
  set (T := Node os next) in *.
  assert (forall t, In (Some t) os -> v [t] <= E (strings (next t)) (product (from [t] q)) (from [t] f) /\
    (v [t] = E (strings (next t)) (product (from [t] q)) (from [t] f) ->
     forall u, context_of (next t) u -> v (t :: u) = next_value T q v f (t :: u))) as below.
  { intros t ht. apply (IH t (from [t] q) (from [t] v) (from [t] f)).
    - apply (proper_after T t P ht).
    - apply (step_law_after T q t S ht).
    - intros u hu. apply (gain (t :: u)). split; assumption. }
  assert (forall o, In o os -> q nil o * value v f nil o <= q nil o * match o with None => f nil
    | Some t => E (strings (after T t)) (product (from [t] q)) (from [t] f) end) as le.
  { intros o ho. apply Rmult_le_compat_l; [apply Rlt_le, (proj1 S nil o Logic.I ho)|].
    destruct o as [t|]; simpl; [apply below; auto|apply Rle_refl]. }
  rewrite E_strings. change (options T) with os. pose proof (gain nil Logic.I) as root.
  unfold next_value in root. simpl in root. pose proof (sum_le os _ _ le) as total. split.
  - eapply Rle_trans; [exact root|exact total].
  - intros eq. assert (v nil = next_value T q v f nil) as here by (unfold next_value; simpl; lra).
    intros [|t u]; [intros _; exact here|]. intros [ht hu]. apply below; auto.
    assert (forall o, In o os -> q nil o * match o with None => f nil
      | Some t => E (strings (after T t)) (product (from [t] q)) (from [t] f) end - q nil o * value v f nil o = 0)
          as tight.
    { apply sum_zero_each; [intros o ho; specialize (le o ho); lra|]. rewrite sum_minus.
      unfold next_value in here. simpl in here. lra. }
    specialize (tight (Some t) ht). simpl in tight. pose proof (proj1 S nil (Some t) Logic.I ht) as qp.
    apply (Rmult_eq_reg_l (q nil (Some t))); lra.
Qed.

(** a value that never changes is the value at every end *)
Lemma still T v f : (forall u o, context_of T u -> In o (options (subtree T u)) -> value v f u o = v u) ->
  forall y, In y (strings T) -> f y = v nil.
Proof.
  intros same y. revert T v f same. induction y as [|t y IH]; intros T v f same hy; apply in_strings in hy.
  - apply (same nil None Logic.I hy).
  - destruct hy as [ht hy]. rewrite <- (same nil (Some t) Logic.I ht). simpl.
    apply (IH (after T t) (from [t] v) (from [t] f)); auto.
    intros u o hu ho. apply (same (t :: u) o); simpl; auto.
Qed.

Lemma step_full T p u : step_law T p -> context_of T u -> full (options (subtree T u)) (p u).
Proof. intros [W S] hu. split; [intros; apply W; auto|apply (S u hu)]. Qed.

(** * Tilts of one law *)

Section Tilt.
Context {A : Type}.
Variables (s : list A) (p a : A -> R).
Hypothesis fp : full s p.

Lemma tilt_budget q : law s q -> E s q a = ln (Z s p a) + KL s q p - KL s q (aligned s p a).
Proof.
  intros lq. pose proof (adaptors_budget_identity_holds A s p a q fp lq) as eq.
  rewrite KL_split with (p := p) by (auto; apply fp). unfold CE. unfold L in eq. unfold E at 1 in eq. lra.
Qed.

Lemma aligned_law : law s (aligned s p a).
Proof. apply full_law, aligned_full, fp. Qed.

Lemma tilt_same : (forall y, In y s -> aligned s p a y = p y) -> forall y, In y s -> a y = ln (Z s p a).
Proof.
  intros eq y hy. pose proof (ln_aligned s p a y fp hy) as one. rewrite eq in one by auto. unfold L in one. lra.
Qed.

Lemma tilt_gain : E s p a <= E s (aligned s p a) a /\
  (E s p a = E s (aligned s p a) a -> forall y, In y s -> a y = ln (Z s p a)).
Proof.
  pose proof aligned_law as la. pose proof (full_law s p fp) as lp.
  rewrite (tilt_budget p lp), (tilt_budget _ la), !KL_self by (apply lp || apply la).
  pose proof (KL_nonneg s _ p la lp (full_ac s _ p fp)) as k1.
  pose proof (KL_nonneg s p _ lp la (full_ac s p _ (aligned_full s p a fp))) as k2. split; [lra|].
  intros eq. apply tilt_same. apply (KL_zero s _ p la lp (full_ac s _ p fp)). lra.
Qed.

(** strength 1 or more earns log Z or more *)
Lemma strength_floor l : 1 <= l -> E s (aligned s p a) a <= E s (strength s p a l) a.
Proof.
  intros le. rewrite (E_ext_law s (aligned s p a) (strength s p a 1)).
  - apply (increasing_le (fun l => E s (strength s p a l) a) _ 1 l le
      (fun u _ => proj1 (alignment_strength_reward_holds A s p a u fp))).
    intros u _. apply (alignment_strength_reward_holds A s p a u fp).
  - intros y _. unfold strength.
    unfold aligned, Z. rewrite (sum_ext s (fun z => p z * exp (1 * a z)) (fun z => p z * exp (a z)))
      by (intros; now rewrite Rmult_1_l). now rewrite Rmult_1_l.
Qed.
End Tilt.

(** * alignment.controlled-decoding *)

Lemma mean_scored_positive T p Rw : positive T p -> positive T (mean_scored T p Rw).
Proof. intros W u o hu ho. apply Rmult_lt_0_compat; [now apply W|apply exp_pos]. Qed.

Lemma tree_full T p : proper T -> step_law T p -> full (strings T) (product p).
Proof. intros P S. now apply alignment_controlled_decoding_law_holds. Qed.

Lemma q_loc_law T w : proper T -> positive T w -> law (strings T) (q_loc T w).
Proof. intros P W. split; [intros; now apply Rlt_le, q_loc_pos|now apply q_loc_sum]. Qed.

Theorem alignment_controlled_decoding_objective_holds : alignment_controlled_decoding_objective.
Proof.
  intros T p Rw P S s q plus objective top. pose proof (tree_full T p P S) as fp. fold s in fp.
  assert (law s q) as lq by (apply q_loc_law; auto; apply mean_scored_positive, S).
  assert (law s plus) as la by (apply aligned_law; auto).
  unfold objective, top. rewrite (tilt_budget s _ Rw fp q lq), (tilt_budget s _ Rw fp plus la). fold plus.
  assert (forall y, In y s -> plus y = 0 -> q y = 0) as ac by (apply full_ac, aligned_full, fp).
  pose proof (KL_nonneg s q plus lq la ac) as k. split; [lra|split; [split|]].
  - intros eq. apply (KL_zero s q plus lq la ac). lra.
  - intros eq. rewrite (KL_ext s q plus plus plus eq), KL_self by (auto; apply la). ring.
  - rewrite (KL_self s plus) by apply la. ring.
Qed.

Theorem alignment_controlled_decoding_mean_gains_holds : alignment_controlled_decoding_mean_gains.
Proof.
  intros T p Rw P S s q. set (v := ahead T p Rw). set (w := mean_scored T p Rw).
  assert (positive T w) as W by apply mean_scored_positive, S.
  assert (forall u, context_of T u -> v u = E (options (subtree T u)) (p u) (value v Rw u)) as mean.
  { intros u _. apply ahead_step. }
  assert (forall u, next_value T (local_step T w) v Rw u
    = E (options (subtree T u)) (aligned (options (subtree T u)) (p u) (value v Rw u)) (value v Rw u)) as next.
  { reflexivity. }
  assert (forall u, context_of T u -> v u <= next_value T (local_step T w) v Rw u) as gain.
  { intros u hu. rewrite next, (mean u hu). now apply tilt_gain, step_full. }
  destruct (step_by_step T (local_step T w) v Rw P (local_step_law T w P W) gain) as [le tight].
  change (v nil) with (E s (product p) Rw) in le, tight. change (E (strings T) (product (local_step T w)) Rw)
    with (E s q Rw) in le, tight.
  assert (E s (product p) Rw = E s q Rw -> constant_on s Rw) as flat.
  { intros eq. exists (v nil). apply (still T v). intros u o hu ho. specialize (tight eq u hu).
    rewrite next in tight. rewrite (mean u hu) in tight at 1.
    pose proof (proj2 (tilt_gain _ (p u) (value v Rw u) (step_full T p u S hu)) tight) as same.
    rewrite (mean u hu), (E_ext _ (p u) (value v Rw u) (fun _ => ln (Z (options (subtree T u)) (p u) (value v Rw
        u)))), E_const
      by (auto; apply full_law, step_full; auto). now apply same. }
  split; [exact le|split].
  - intros vary. destruct le as [lt|eq]; [exact lt|]. exfalso. apply vary, flat, eq.
  - intros [c flatR] y hy. unfold q, q_loc. fold w. apply (product_ext T); auto. intros u o hu ho.
    assert (forall u o, context_of T u -> In o (options (subtree T u)) -> value v Rw u o = c) as same.
    { intros u' o' hu' ho'. assert (forall z, In z (strings (subtree T u')) -> Rw (u' ++ z) = c) as beyond.
      { intros z hz. apply flatR. unfold s. clear -hu' hz. revert T hu' hz. induction u' as [|t u' IH]; intros T hu'
          hz; auto.
        simpl. apply in_strings. destruct hu' as [ht hu']. split; auto. }
      destruct o' as [t|]; simpl; [|rewrite <- (app_nil_r u'); apply beyond, in_strings; exact ho'].
      unfold v, ahead. rewrite (E_ext _ _ _ (fun _ => c)).
      - apply E_const, full_law, tree_full; [apply proper_subtree|apply step_law_subtree]; auto using context_step.
      - intros z hz. unfold from. rewrite <- app_assoc. apply beyond. rewrite subtree_app in hz.
        apply in_strings. simpl. auto. }
    unfold local_step, total, w, mean_scored. change (ahead_of T p Rw u o) with (value v Rw u o). rewrite same by auto.
    rewrite (sum_ext _ _ (fun o => p u o * exp c))
      by (intros o' ho'; change (ahead_of T p Rw u o') with (value v Rw u o'); now rewrite same).
    rewrite sum_scal_r. replace (sum (options (subtree T u)) (p u)) with 1 by (symmetry; apply (proj2 S u hu)).
    field. pose proof (exp_pos c). lra.
Qed.

(** * alignment.realignment *)

Lemma normalised_scal {A : Type} (s : list A) (w w' : A -> R) c a : c <> 0 -> In a s ->
  (forall y, In y s -> w y = c * w' y) -> sum s w' <> 0 -> normalised s w a = normalised s w' a.
Proof.
  intros nz ha eq total. unfold normalised. rewrite (sum_ext s w (fun y => c * w' y) eq), sum_scal, (eq a ha).
  field. auto.
Qed.

Lemma blend (p plus r l c : R) : 0 < p -> 0 < c -> plus = p * exp r / c ->
  Rpower p (1 - l) * Rpower plus l = exp (- l * ln c) * (p * exp (l * r)).
Proof.
  intros pp cp ->. unfold Rpower. rewrite ln_div, ln_mult, ln_exp by (try apply Rmult_lt_0_compat; auto using exp_pos).
  rewrite <- (exp_ln p) at 3 by auto. rewrite <- !exp_plus. f_equal. ring.
Qed.

Section Strings.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.

Lemma by_strings_strength l a : In a s -> by_strings s p Rw l a = strength s p Rw l a.
Proof.
  intros ha. unfold by_strings, strength. pose proof (Z_pos s p Rw fp) as zp.
  apply (normalised_scal s (fun y => Rpower (p y) (1 - l) * Rpower (aligned s p Rw y) l)
    (fun y => p y * exp (l * Rw y)) (exp (- l * ln (Z s p Rw)))); auto.
  - pose proof (exp_pos (- l * ln (Z s p Rw))). lra.
  - intros y hy. apply blend; [now apply fp|exact zp|reflexivity].
  - pose proof (Z_pos s p (fun y => l * Rw y) fp) as z. unfold Z in z. lra.
Qed.

Lemma E_by_strings l f : E s (by_strings s p Rw l) f = E s (strength s p Rw l) f.
Proof. apply E_ext_law. intros. now apply by_strings_strength. Qed.

Lemma strength_varies l : ~ constant_on s Rw -> 0 < Var s (strength s p Rw l) Rw.
Proof.
  intros vary. assert (full s (strength s p Rw l)) as fq by apply aligned_full, fp.
  destruct (Var_nonneg s _ Rw (full_law s _ fq)) as [pos|zero]; [exact pos|]. exfalso. apply vary.
  exists (E s (strength s p Rw l) Rw). intros a ha.
  destruct (Var_zero s _ Rw (full_law s _ fq) (eq_sym zero) a ha) as [none|eq]; [|exact eq].
  destruct fq as [pos _]. specialize (pos a ha). lra.
Qed.

(** the shortfall from the largest reward, d >= 0, is at most the mean of d e^(-l d) over p(best) *)
Lemma strength_limit best l : In best s -> (forall a, In a s -> Rw a <= Rw best) -> 0 < l ->
  Rw best - 1 / (l * p best) <= E s (strength s p Rw l) Rw <= Rw best.
Proof.
  intros hb top lp. assert (full s (strength s p Rw l)) as fq by apply aligned_full, fp.
  pose proof (full_law s _ fq) as lq. pose proof (proj1 fp best hb) as pb. split.
  - set (w := fun a => p a * exp (- (l * (Rw best - Rw a)))).
    assert (forall a, In a s -> strength s p Rw l a = normalised s w a) as form.
    { intros a ha. apply (normalised_scal s (fun y => p y * exp (l * Rw y)) w (exp (l * Rw best)) a); auto.
      - pose proof (exp_pos (l * Rw best)). lra.
      - intros y hy. unfold w. rewrite (Rmult_comm (exp _)), Rmult_assoc, <- exp_plus. f_equal. f_equal. ring.
      - assert (0 < sum s w); [|lra]. apply (sum_pos_at s w best); auto.
        + intros y hy. apply Rlt_le, Rmult_lt_0_compat; [now apply fp|apply exp_pos].
        + apply Rmult_lt_0_compat; [auto|apply exp_pos]. }
    assert (p best <= sum s w) as heavy.
    { replace (p best) with (w best) by (unfold w; rewrite Rminus_diag_eq, Rmult_0_r, Ropp_0, exp_0 by auto; ring).
      apply sum_at_least; auto. intros y hy. apply Rlt_le, Rmult_lt_0_compat; [now apply fp|apply exp_pos]. }
    assert (Rw best - E s (strength s p Rw l) Rw = sum s (fun a => w a * (Rw best - Rw a)) / sum s w) as gap.
    { rewrite <- (E_normalised s w (fun a => Rw best - Rw a)), <- (E_ext_law s _ _ _ form).
      rewrite E_minus, E_const by auto. reflexivity. }
    assert (sum s (fun a => w a * (Rw best - Rw a)) <= / l) as small.
    { apply Rle_trans with (sum s (fun a => p a * / l)); [|rewrite sum_scal_r; destruct fp as [_ ->]; lra].
      apply sum_le. intros a ha. unfold w. rewrite Rmult_assoc. apply Rmult_le_compat_l; [apply Rlt_le, fp, ha|].
      set (d := Rw best - Rw a). assert (0 <= d) as dp by (unfold d; specialize (top a ha); lra).
      pose proof (exp_pos (- (l * d))) as ep. apply (Rmult_le_reg_l l); [auto|]. rewrite Rinv_r by lra.
      assert (1 + l * d <= exp (l * d)) as above by apply exp_ineq1_le.
      assert (exp (- (l * d)) * exp (l * d) = 1) as one by (rewrite <- exp_plus; replace (- (l * d) + l * d) with 0
          by ring; apply exp_0).
      assert (exp (- (l * d)) * (1 + l * d) <= 1) by (rewrite <- one; apply Rmult_le_compat_l; lra). lra. }
    assert (sum s (fun a => w a * (Rw best - Rw a)) / sum s w <= 1 / (l * p best)); [|lra].
    apply Rle_trans with (/ l / p best).
    + unfold Rdiv. apply Rmult_le_compat; [| |exact small|apply Rinv_le_contravar; auto].
      * apply sum_nonneg. intros a ha. apply Rmult_le_pos; [|specialize (top a ha); lra].
        apply Rlt_le, Rmult_lt_0_compat; [now apply fp|apply exp_pos].
      * apply Rlt_le, Rinv_0_lt_compat. lra.
    + right. field. lra.
  - rewrite <- (E_const s (strength s p Rw l) (Rw best) lq). now apply E_le.
Qed.
End Strings.

Theorem alignment_realignment_strings_grow_holds : alignment_realignment_strings_grow.
Proof.
  intros A s p Rw fp. split; [intros; now apply by_strings_strength|].
  assert (forall u, is_derive (fun l => E s (strength s p Rw l) Rw) u (Var s (strength s p Rw u) Rw)) as slope.
  { intros u. now apply alignment_strength_reward_holds. }
  split.
  - intros l l' le. rewrite !E_by_strings by auto.
    apply (increasing_le (fun l => E s (strength s p Rw l) Rw) _ l l' le (fun u _ => slope u)).
    intros u _. apply (alignment_strength_reward_holds A s p Rw u fp).
  - intros vary l l' lt. rewrite !E_by_strings by auto.
    apply (increasing_lt (fun l => E s (strength s p Rw l) Rw) _ l l' (Rlt_le _ _ lt) (fun u _ => slope u) lt).
    intros u _. now apply strength_varies.
Qed.

Theorem alignment_realignment_strings_limit_holds : alignment_realignment_strings_limit.
Proof.
  intros A s p Rw best fp hb top.
  assert (forall l, 0 < l -> Rw best - 1 / (l * p best) <= E s (by_strings s p Rw l) Rw <= Rw best) as near.
  { intros l lp. rewrite E_by_strings by auto. now apply strength_limit. }
  split; [exact near|]. pose proof (proj1 fp best hb) as pb. apply is_lim_spec. intros eps.
  exists (1 / (eps * p best)). intros l big. destruct eps as [eps ep]. simpl in *.
  assert (0 < eps * p best) as epb by now apply Rmult_lt_0_compat.
  assert (0 < 1 / (eps * p best)) by (apply Rdiv_lt_0_compat; lra). assert (0 < l) as lp by lra.
  destruct (near l lp) as [low high].
  assert (1 / (l * p best) < eps) as close.
  { apply (Rmult_lt_reg_r (l * p best)); [now apply Rmult_lt_0_compat|].
    replace (1 / (l * p best) * (l * p best)) with 1 by (field; lra).
    apply (Rmult_lt_compat_r (eps * p best)) in big; [|exact epb].
    replace (1 / (eps * p best) * (eps * p best)) with 1 in big by (field; lra). lra. }
  apply Rabs_def1; lra.
Qed.

Section Tokens.
Variables (T : tree) (p : weights) (Rw : context -> R) (l : R).
Hypothesis P : proper T.
Hypothesis S : step_law T p.
Let g (y : context) : R := exp (Rw y).
Let V := ahead T p g.
Let score (u : context) (o : option token) : R := ln (value V g u o).

Lemma g_pos y : 0 < g y.
Proof. apply exp_pos. Qed.

Lemma V_pos u : context_of T u -> 0 < V u.
Proof. intros hu. apply ahead_pos; auto; [apply S|apply g_pos]. Qed.

Lemma value_pos u o : context_of T u -> In o (options (subtree T u)) -> 0 < value V g u o.
Proof. intros hu ho. destruct o as [t|]; simpl; [apply V_pos; now apply context_step|apply g_pos]. Qed.

Lemma V_total u : context_of T u -> V u = Z (options (subtree T u)) (p u) (score u).
Proof.
  intros hu. unfold V. rewrite ahead_step. apply sum_ext. intros o ho. unfold score.
  rewrite exp_ln by (apply value_pos; auto). reflexivity.
Qed.

Lemma doob_aligned u o : context_of T u -> In o (options (subtree T u)) ->
  doob T p g u o = p u o * exp (score u o) / V u.
Proof. intros hu ho. unfold score. rewrite exp_ln by (apply value_pos; auto). reflexivity. Qed.

Lemma realigned_positive : positive T (realigned T p Rw l).
Proof. intros u o _ _. apply Rmult_lt_0_compat; apply exp_pos. Qed.

Lemma realigned_step u o : context_of T u -> In o (options (subtree T u)) ->
  local_step T (realigned T p Rw l) u o = strength (options (subtree T u)) (p u) (score u) l o.
Proof.
  intros hu ho. pose proof (V_pos u hu) as vp.
  apply (normalised_scal (options (subtree T u)) (realigned T p Rw l u) (fun o => p u o * exp (l * score u o))
    (exp (- l * ln (V u)))); auto.
  - pose proof (exp_pos (- l * ln (V u))). lra.
  - intros o' ho'. apply blend; [now apply S|exact vp|]. apply doob_aligned; auto.
  - pose proof (Z_pos _ (p u) (fun o => l * score u o) (step_full T p u S hu)) as z. unfold Z in z. lra.
Qed.

Lemma tokens_floor : 1 <= l -> ln (V nil) <= E (strings T) (by_tokens T p Rw l) Rw /\
  (ln (V nil) = E (strings T) (by_tokens T p Rw l) Rw -> constant_on (strings T) Rw).
Proof.
  intros l1. set (q := local_step T (realigned T p Rw l)).
  assert (forall u o, value (fun u => ln (V u)) Rw u o = score u o) as scores.
  { intros u [t|]; simpl; [reflexivity|]. unfold score, g. simpl. now rewrite ln_exp. }
  assert (forall u, context_of T u -> next_value T q (fun u => ln (V u)) Rw u
    = E (options (subtree T u)) (strength (options (subtree T u)) (p u) (score u) l) (score u)) as next.
  { intros u hu. apply sum_ext. intros o ho. unfold q. now rewrite realigned_step, scores. }
  assert (forall u, context_of T u -> ln (V u) <= E (options (subtree T u))
    (aligned (options (subtree T u)) (p u) (score u)) (score u) /\
    (ln (V u) = E (options (subtree T u)) (aligned (options (subtree T u)) (p u) (score u)) (score u) ->
     forall o, In o (options (subtree T u)) -> score u o = ln (V u))) as step.
  { intros u hu. pose proof (step_full T p u S hu) as fu. pose proof (aligned_law _ _ (score u) fu) as la.
    pose proof (full_law _ _ fu) as lp.
    rewrite (tilt_budget _ _ (score u) fu _ la), <- (V_total u hu), (KL_self _ (aligned _ _ _)) by apply la.
    pose proof (KL_nonneg _ _ (p u) la lp (full_ac _ _ _ fu)) as k. split; [lra|]. intros eq o ho.
    rewrite (V_total u hu). apply tilt_same; auto. apply (KL_zero _ _ (p u) la lp (full_ac _ _ _ fu)). lra. }
  assert (forall u, context_of T u -> ln (V u) <= next_value T q (fun u => ln (V u)) Rw u) as gain.
  { intros u hu. rewrite (next u hu). eapply Rle_trans; [apply (step u hu)|].
    apply strength_floor; auto. now apply step_full. }
  destruct (step_by_step T q (fun u => ln (V u)) Rw P (local_step_law T _ P realigned_positive) gain) as [le tight].
  split; [exact le|]. intros eq. exists (ln (V nil)). apply (still T (fun u => ln (V u))). intros u o hu ho.
  rewrite scores. apply (step u hu); auto. apply Rle_antisym; [apply (step u hu)|].
  rewrite (tight eq u hu), (next u hu). apply strength_floor; auto. now apply step_full.
Qed.
End Tokens.

Theorem alignment_realignment_floor_holds : alignment_realignment_floor.
Proof.
  intros T p Rw l P S l1 s earns logZ. pose proof (tree_full T p P S) as fp. fold s in fp.
  destruct (tokens_floor T p Rw l P S l1) as [le tight]. fold s earns in le, tight.
  change (ln (ahead T p (fun y => exp (Rw y)) nil)) with logZ in le, tight.
  assert (E s (product p) Rw <= logZ) as below.
  { pose proof (full_law s _ fp) as lp. rewrite (tilt_budget s _ Rw fp _ lp), KL_self by apply lp. fold logZ.
    pose proof (KL_nonneg s _ _ lp (aligned_law s _ Rw fp) (full_ac s _ _ (aligned_full s _ Rw fp))). lra. }
  split; [lra|]. intros vary. assert (logZ < earns); [|lra].
  destruct le as [lt|eq]; [exact lt|]. exfalso. auto.
Qed.

Lemma product_of_powers T p q l m y : In y (strings T) -> positive T p -> positive T q ->
  product (fun u o => Rpower (p u o) l * Rpower (q u o) m) y = Rpower (product p y) l * Rpower (product q y) m.
Proof.
  revert T p q. induction y as [|t y IH]; intros T p q hy W X; apply in_strings in hy; simpl; [reflexivity|].
  destruct hy as [ht hy].
  change (from [t] (fun u o => Rpower (p u o) l * Rpower (q u o) m))
    with (fun u o => Rpower (from [t] p u o) l * Rpower (from [t] q u o) m).
  pose proof (positive_after T p t W ht) as Wt. pose proof (positive_after T q t X ht) as Xt.
  rewrite (IH (after T t)) by auto.
  rewrite <- !Rpower_mult_distr; [ring| | | |]; try (apply (W nil); simpl; auto); try (apply (X nil); simpl; auto);
    apply (product_pos (after T t)); auto.
Qed.

Lemma Rpower_zero z : Rpower z 0 = 1.
Proof. unfold Rpower. now rewrite Rmult_0_l, exp_0. Qed.

Theorem alignment_realignment_same_ends_holds : alignment_realignment_same_ends.
Proof.
  intros T p Rw P S s y hy. pose proof (tree_full T p P S) as fp. fold s in fp.
  set (g := fun z => exp (Rw z)). assert (forall z, 0 < g z) as gp by (intros; apply exp_pos).
  pose proof (doob_step_law T p g P (proj1 S) gp) as D.
  assert (forall w' l, step_law T w' -> (forall u o, context_of T u -> In o (options (subtree T u)) ->
    realigned T p Rw l u o = w' u o) -> by_tokens T p Rw l y = product w' y) as plain.
  { intros w' l Sw eq. apply (product_ext T); auto. intros u o hu ho. unfold local_step, total.
    rewrite (sum_ext _ _ (w' u)) by (intros; now apply eq). rewrite (proj2 Sw u hu : sum _ _ = 1), eq by auto. field. }
  split; [|split; [|split]].
  - apply plain; auto. intros u o hu ho. unfold realigned. rewrite Rpower_zero, Rminus_0_r, Rpower_1 by now apply S.
      ring.
  - rewrite by_strings_strength by auto. unfold strength, aligned, Z.
    rewrite (sum_ext s _ (product p)) by (intros; rewrite Rmult_0_l, exp_0; ring). destruct fp as [_ ->].
    rewrite Rmult_0_l, exp_0. field.
  - rewrite (plain (doob T p g)); auto.
    + rewrite doob_product by (auto; apply S). reflexivity.
    + intros u o hu ho. unfold realigned. fold g. rewrite Rminus_diag_eq, Rpower_zero, Rpower_1 by (auto; now apply
        D). ring.
  - rewrite by_strings_strength by auto. unfold strength, aligned, Z.
    rewrite (sum_ext s _ (fun z => product p z * exp (Rw z))) by (intros; now rewrite Rmult_1_l). now rewrite Rmult_1_l.
Qed.

Theorem alignment_realignment_same_single_holds : alignment_realignment_same_single.
Proof.
  intros T p Rw l P S single y hy. pose proof (tree_full T p P S) as fp.
  set (g := fun z => exp (Rw z)). assert (forall z, 0 < g z) as gp by (intros; apply exp_pos).
  pose proof (doob_step_law T p g P (proj1 S) gp) as D. pose proof (realigned_positive T p Rw l) as W.
  assert (forall w t, step_law T w -> In (Some t) (options T) -> w [t] None = 1) as ends.
  { intros w t [_ Sw] ht. pose proof (Sw [t] (conj ht Logic.I)) as one. unfold total in one. simpl in one.
    rewrite (single t ht) in one. simpl in one. lra. }
  assert (forall z, In z (strings T) -> product_along (total T (realigned T p Rw l)) z = total T (realigned T p Rw
      l) nil)
    as flat.
  { intros z hz. apply in_strings in hz. destruct z as [|t z]; simpl; [ring|]. destruct hz as [ht hz].
    destruct z as [|t' z].
    - simpl. unfold from, total at 2. simpl. rewrite (single t ht). unfold realigned. fold g. simpl.
      rewrite (ends p t S ht), (ends (doob T p g) t D ht). unfold Rpower. rewrite ln_1, !Rmult_0_r, exp_0. ring.
    - apply in_strings in hz. destruct hz as [hz _]. rewrite (single t ht) in hz. simpl in hz. destruct hz as
        [bad|[]]. congruence. }
  unfold by_tokens. rewrite <- (proj2 (adaptors_gauge_same_holds T (realigned T p Rw l) P W) (ex_intro _ _ flat) y hy).
  unfold q_glob, C, by_strings, normalised.
  assert (forall z, In z (strings T) -> product (realigned T p Rw l) z
    = Rpower (product p z) (1 - l) * Rpower (aligned (strings T) (product p) Rw z) l) as powers.
  { intros z hz. unfold realigned. fold g. rewrite (product_of_powers T) by (auto; apply S || apply D).
    rewrite doob_product by (auto; apply S). reflexivity. }
  rewrite (sum_ext (strings T) _ _ powers), powers by auto. reflexivity.
Qed.
