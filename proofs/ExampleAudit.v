(** The reference code: the clauses that are exact to the letter, for every finite law and every tree. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Correlation TreeStatements AuditStatements Trees Audit ExampleStatements
  ExampleTrees ExampleNumbers ChainExampleStatements.
Import ListNotations.
Open Scope R_scope.

Theorem audit_flipped_reward_negative_holds : audit_flipped_reward_negative.
Proof.
  intros A s p Rw fp plus mean. destruct (audit_flipped_reward_mean_holds A s p Rw fp) as [eq le].
  fold plus in eq, le. change (mean = - KL s plus p) in eq.
  pose proof (aligned_law s p Rw fp) as la. fold plus in la. pose proof (full_law s p fp) as lp.
  split; [exact eq|split; [lra|split]].
  - intros zero. apply (KL_zero s plus p la lp (full_ac s plus p fp)). lra.
  - intros same. rewrite eq, (KL_ext s plus p p p same), KL_self by (auto; apply lp). ring.
Qed.

Theorem audit_prior_without_prompt_line_holds : audit_prior_without_prompt_line.
Proof.
  intros X A xs s w p plus m both. assert (forall prior, both prior = - E xs w (fun x => Ent s (plus x))) as any.
  { intros prior. unfold both. rewrite <- E_opp. apply E_ext. intros x _. unfold Ent. rewrite Ropp_involutive.
    apply sum_ext. intros a _. f_equal. ring. }
  split; apply any.
Qed.

Theorem audit_lost_score_line_holds : audit_lost_score_line.
Proof.
  intros A s p plus q P Q lost computed. apply E_ext. intros a _. unfold computed, indicator. destruct (lost a); ring.
Qed.

(** * Pools *)

Section Pools.
Context {A : Type}.
Variables (s : list A) (q f : A -> R) (n N : nat).
Hypotheses (lq : law s q) (n2 : (2 <= n)%nat) (N1 : (1 <= N)%nat).

Lemma pool_some (c : list A) : length c = n -> c <> nil.
Proof. intros len ->. simpl in len. lia. Qed.

Lemma pool_error : EN s q n (fun pool => EN pool (uniform pool) N (fun c => (mean c f - E s q f) ^ 2))
  = ((INR n - 1) / (INR n * INR N) + / INR n) * Var s q f.
Proof.
  assert (INR n <> 0 /\ INR N <> 0) as [nz Nz] by (split; apply not_0_INR; lia). set (x := E s q f).
  rewrite (EN_ext s q n _ (fun c => (/ INR N * mean c (fun a => f a * f a) + (1 - / INR N) * (mean c f * mean c f))
    - (2 * x * mean c f - x * x))).
  - rewrite EN_minus, EN_plus, EN_minus, !EN_scal, EN_const, !EN_mean, EN_mean_product by (auto; lia).
    unfold Var, Cov. fold x. field. auto.
  - intros c len _. pose proof (pool_some c len) as some. pose proof (uniform_law c some) as lu.
    rewrite (EN_ext c (uniform c) N _ (fun k => mean k f * mean k f - (2 * x * mean k f - x * x))) by (intros; ring).
    rewrite EN_minus, EN_minus, EN_scal, EN_const, EN_mean, EN_mean_product by auto. unfold Cov.
    rewrite !E_uniform. field. auto.
Qed.
End Pools.

Theorem audit_bootstrap_pool_variances_holds : audit_bootstrap_pool_variances.
Proof.
  intros A s q f n N lq n2 N1 over shown. split; [now apply pool_shown|split; [now apply pool_error|]].
  unfold Var. now apply CovN_iid.
Qed.

Theorem audit_bootstrap_pool_tenth_holds : audit_bootstrap_pool_tenth.
Proof.
  split; [|split; [field|]].
  - intros A s q f n N lq n2 N1 over shown. unfold over, shown. rewrite pool_error, pool_shown by auto. fold (Var s
      q f).
    assert (INR n <> 0 /\ INR N <> 0) as [nz Nz] by (split; apply not_0_INR; lia).
    assert (INR n - 1 <> 0) by (apply le_INR in n2; simpl in n2; lra). field. auto.
  - apply near_bounds. split; [rewrite <- (sqrt_square (10.05 - 0.01 / 2)) by lra|
      rewrite <- (sqrt_square (10.05 + 0.01 / 2)) by lra]; apply sqrt_le_1; lra.
Qed.

(** * Prefixes *)

Lemma begins_self y : begins_with y y = true.
Proof. induction y as [|t y IH]; simpl; [reflexivity|]. now rewrite Nat.eqb_refl, IH. Qed.

Theorem audit_unscored_end_prefixes_holds : audit_unscored_end_prefixes.
Proof.
  intros T p P S sum_of. unfold sum_of. rewrite audit_unscored_end_mass_holds by auto.
  pose proof (tree_full T p P S) as fp. pose proof (full_law _ _ fp) as lp. set (s := strings T) in *.
  set (count := fun Y => sum s (fun y => if begins_with y Y then 1 else 0)).
  change (1 <= E s (product p) count /\ (E s (product p) count = 1 <->
    forall y Y, In y s -> In Y s -> begins_with y Y = true -> y = Y)).
  assert (forall Y y : context, 0 <= (if begins_with y Y then 1 else 0)) as nonneg.
  { intros Y y. destruct (begins_with y Y); lra. }
  assert (forall Y, In Y s -> 1 <= count Y) as self.
  { intros Y hY. replace 1 with (if begins_with Y Y then 1 else 0) by now rewrite begins_self.
    apply (sum_at_least s (fun y => if begins_with y Y then 1 else 0)); auto. }
  assert (NoDup s) as distinct by (apply adaptors_gauge_strings_distinct_holds; auto).
  split; [rewrite <- (E_const s (product p) 1 lp); now apply E_le|]. split.
  - intros one y Y hy hY begin.
    assert (count Y = 1) as alone.
    { assert (product p Y * count Y - product p Y * 1 = 0) as zero.
      { apply (sum_zero_each s (fun Y => product p Y * count Y - product p Y * 1)); auto.
        - intros z hz. specialize (self z hz). pose proof (proj1 lp z hz). nra.
        - rewrite sum_minus. change (E s (product p) count - E s (product p) (fun _ => 1) = 0).
          rewrite E_const by auto. lra. }
      pose proof (proj1 fp Y hY). apply (Rmult_eq_reg_l (product p Y)); lra. }
    destruct (list_eq_dec Nat.eq_dec y Y) as [eq|ne]; [exact eq|exfalso].
    assert (2 <= count Y); [|lra]. unfold count. clear -begin ne hy hY distinct nonneg.
    destruct (in_split y s hy) as (l & r & eq). rewrite eq in *. clear eq.
    rewrite sum_app. cbn [sum]. rewrite begin.
    assert (In Y (l ++ r)) as rest.
    { apply in_app_or in hY. apply in_or_app. destruct hY as [h|[h|h]]; auto. congruence. }
    assert (1 <= sum (l ++ r) (fun y => if begins_with y Y then 1 else 0)) as more.
    { apply Rle_trans with (if begins_with Y Y then 1 else 0); [rewrite begins_self; lra|].
      apply (sum_at_least (l ++ r) (fun y => if begins_with y Y then 1 else 0)); auto. }
    rewrite sum_app in more. lra.
  - intros none. rewrite <- (E_const s (product p) 1 lp). apply E_ext. intros Y hY. unfold count.
    rewrite (sum_single s _ Y distinct hY), begins_self; [reflexivity|].
    intros y hy ne. destruct (begins_with y Y) eqn:b; [|reflexivity]. exfalso. apply ne. now apply none.
Qed.

(** * A nucleus behind a top-k *)

Lemma first_mass (p : nat -> R) n k : (k <= n)%nat ->
  sum (seq 0 n) (fun i => p i * indicator (lt_dec i k)) = sum (seq 0 k) p.
Proof.
  intros le. replace n with (k + (n - k))%nat by lia. rewrite seq_app, sum_app.
  rewrite (sum_ext (seq 0 k) _ p), (sum_ext (seq (0 + k) (n - k)) _ (fun _ => 0)), sum_zero; [ring| |];
    intros i hi; apply in_seq in hi; unfold indicator; destruct (lt_dec i k); try lia; ring.
Qed.

Lemma nucleus_least p n m k : 0 < m <= 1 -> (1 <= n)%nat -> (forall i, (i < n)%nat -> 0 < p i) -> nucleus p n m k ->
  (1 <= k <= n)%nat.
Proof.
  intros m1 n1 pos [enough least].
  assert (0 < sum (seq 0 n) p) as total.
  { apply sum_pos; [destruct n; simpl; [lia|discriminate]|]. intros i hi. apply in_seq in hi. apply pos. lia. }
  split.
  - destruct k; [|lia]. simpl in enough. exfalso. assert (0 < m * sum (seq 0 n) p) by (apply Rmult_lt_0_compat;
      lra). lra.
  - destruct (le_lt_dec k n) as [done|lt]; [exact done|exfalso]. specialize (least n lt).
    assert (m * sum (seq 0 n) p <= 1 * sum (seq 0 n) p) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Theorem audit_hidden_top_k_nucleus_holds : audit_hidden_top_k_nucleus.
Proof.
  intros p n tk asked drawn m pos [t1 tn] m1 ask draw s law_of S.
  destruct (audit_hidden_top_k_nested_holds p n tk asked drawn m pos tn ltac:(lra) ask draw) as [dt da].
  destruct (nucleus_least p n m asked m1 ltac:(lia) pos ask) as [a1 an].
  destruct (nucleus_least p tk m drawn m1 t1 ltac:(intros; apply pos; lia) draw) as [d1 _].
  assert (forall k, (1 <= k <= n)%nat -> 0 < sum (seq 0 k) p) as mass.
  { intros k hk. apply sum_pos; [destruct k; simpl; [lia|discriminate]|]. intros i hi. apply in_seq in hi. apply
      pos. lia. }
  assert (forall k, (1 <= k <= n)%nat -> forall i, law_of k i = p i * indicator (lt_dec i k) / sum (seq 0 k) p) as form.
  { intros k hk i. unfold law_of, normalised, s. rewrite first_mass by lia. reflexivity. }
  pose proof (mass drawn ltac:(lia)) as md. pose proof (mass asked ltac:(lia)) as ma.
  assert (forall i, S i = / sum (seq 0 asked) p * (p i * indicator (lt_dec i drawn))) as parts.
  { intros i. unfold S. rewrite form by lia. unfold indicator.
    destruct (lt_dec i asked), (lt_dec i drawn); try lia; field; lra. }
  assert (sum s S = sum (seq 0 drawn) p / sum (seq 0 asked) p) as total.
  { rewrite (sum_ext s S _ (fun i _ => parts i)), sum_scal. unfold s. rewrite first_mass by lia. field. lra. }
  split; [exact dt|split].
  - intros i hi. unfold normalised. rewrite total, parts, form by lia. field. lra.
  - rewrite total. unfold KL.
    rewrite (sum_ext s _ (fun i => p i * indicator (lt_dec i drawn) * (- ln (sum (seq 0 drawn) p / sum (seq 0 asked) p)
      / sum (seq 0 drawn) p))).
    + rewrite sum_scal_r. unfold s. rewrite first_mass by lia. field. lra.
    + intros i hi. rewrite !form by lia. unfold indicator. apply in_seq in hi.
      assert (0 < p i) as pp by (apply pos; lia).
      destruct (lt_dec i drawn) as [lt|ge]; [|unfold Rdiv; ring]. destruct (lt_dec i asked); [|lia].
      replace (p i * 1 / sum (seq 0 drawn) p / (p i * 1 / sum (seq 0 asked) p))
        with (/ (sum (seq 0 drawn) p / sum (seq 0 asked) p)) by (field; lra).
      rewrite ln_Rinv by (apply Rdiv_lt_0_compat; auto). field. lra.
Qed.
