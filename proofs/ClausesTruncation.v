(** adaptors.attainability: the cross-entropies that temperature and truncation reach. *)

Require Import Reals Lra Lia List Sorted Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Correlation BestOfN Adaptors.
From ProbQual Require Import ClausesAlignment ClausesAdaptors ClausesFamily Clauses.
Import ListNotations.
Open Scope R_scope.

Theorem adaptors_attainability_falls_holds : adaptors_attainability_falls.
Proof.
  intros A s p Rw tau fp plus v. split; [now apply power_derive|]. intros pos.
  assert (full s plus) as fq by apply aligned_full, fp. assert (0 < v); [|lra].
  apply (Var_full s plus); auto. now apply tempered_full.
Qed.

Theorem adaptors_attainability_temperature_holds : adaptors_attainability_temperature.
Proof.
  intros A s p Rw least x fp plus ce vp (a0 & in0 & eq0) low. assert (full s plus) as fq by apply aligned_full, fp.
  set (i := I s p Rw) in *. assert (~ constant s i) as varies by now apply (Var_not_constant s plus), vp; apply
    full_law.
  split; [split|].
  - intros (tau & pos & at_x). split; [|now apply (power_sign s p Rw fp tau x)].
    apply Rnot_le_lt. intros le. pose proof (tempered_full s plus fq tau) as ft. pose proof (full_law s _ ft) as lt.
    assert (ce tau = E s (tempered s plus tau) i) as mean_i by apply CE_surprisal.
    apply varies. exists least. intros a ha. assert (0 < tempered s plus tau a) as ap by now apply ft.
    assert (E s (tempered s plus tau) (fun a => i a - least) = 0) as zero.
    { rewrite E_minus, E_const by auto. apply Rle_antisym; [lra|].
      pose proof (E_nonneg s _ (fun a => i a - least) lt ltac:(intros y hy; specialize (low y hy); lra)) as nonneg.
      rewrite E_minus, E_const in nonneg by auto. exact nonneg. }
    assert (tempered s plus tau a * (i a - least) = 0) as here.
    { apply (sum_zero_each s (fun a => tempered s plus tau a * (i a - least))); auto. intros y hy.
      apply Rmult_le_pos; [now apply lt|]. specialize (low y hy). lra. }
    apply Rmult_integral in here. lra.
  - intros [above under]. destruct (power_reach s p Rw fp x) as (tau & eq).
    + exists a0. split; auto. fold i. lra.
    + apply NNPP. intros none. assert (mean s i <= x); [|lra]. rewrite <- E_uniform.
      pose proof (uniform_law s (support s p fp)) as lu. rewrite <- (E_const s (uniform s) x lu). apply E_le; auto.
      intros a ha. apply Rnot_lt_le. intros lt. apply none. now exists a.
    + exists tau. split; [|exact eq]. now apply (power_sign s p Rw fp tau x).
  - intros tau tau' _ _ eq eq'. symmetry. apply (power_unique s p Rw fp tau tau' varies). fold plus. unfold ce in eq,
      eq'.
    now rewrite eq, eq'.
Qed.

(** * Truncation *)

Section Rank.
Context {A : Type}.
Variables (same : forall a y : A, {a = y} + {a <> y}) (w : A -> R).
Implicit Types (s : list A).

Lemma before_nonneg s a : (forall y, In y s -> 0 <= w y) -> 0 <= before same s w a.
Proof.
  induction s as [|x t IH]; simpl; intros pos; [lra|]. destruct (same x a); [lra|].
  assert (0 <= w x) by auto. assert (0 <= before same t w a) by auto. lra.
Qed.

(** Of two strings one comes first, and has at least the weight. *)
Lemma before_order s a y : (forall y, In y s -> 0 <= w y) -> ranked s w -> In a s -> In y s -> a <> y ->
  (before same s w a + w a <= before same s w y /\ w y <= w a) \/
  (before same s w y + w y <= before same s w a /\ w a <= w y).
Proof.
  intros pos [distinct sorted]. induction s as [|x t IH]; intros ha hy ne; [destruct ha|].
  inversion distinct as [|? ? fresh rest]; subst.
  simpl.
  assert (forall z, In z t -> w z <= w x) as top.
  { intros z hz. inversion sorted as [|? ? ? all]; subst. rewrite Forall_forall in all. now apply all. }
  destruct ha as [<-|ha], hy as [<-|hy].
  - congruence.
  - destruct (same x x); [|congruence]. destruct (same x y); [congruence|]. left. split; [|now apply top].
    assert (0 <= before same t w y) by (apply before_nonneg; intros; apply pos; now right). lra.
  - destruct (same x x); [|congruence]. destruct (same x a); [congruence|]. right. split; [|now apply top].
    assert (0 <= before same t w a) by (apply before_nonneg; intros; apply pos; now right). lra.
  - destruct (same x a) as [->|]; [contradiction|]. destruct (same x y) as [->|]; [contradiction|].
    assert (StronglySorted (fun a y => w y <= w a) t) as st by (inversion sorted; auto).
    destruct (IH (fun z hz => pos z (or_intror hz)) rest st ha hy ne) as [[u v]|[u v]]; [left|right]; lra.
Qed.

Lemma kept_bounds s m a : 0 <= w a -> 0 <= kept same s w m a <= w a.
Proof.
  intros pos. unfold kept. split; [|apply Rmin_l]. apply Rmin_glb; [exact pos|apply Rmax_l].
Qed.

Lemma kept_whole s m a : 0 <= w a -> before same s w a + w a <= m -> kept same s w m a = w a.
Proof. intros pos le. unfold kept. rewrite Rmax_right, Rmin_left; lra. Qed.

Lemma kept_none s m a : 0 <= w a -> m <= before same s w a -> kept same s w m a = 0.
Proof. intros pos le. unfold kept. rewrite Rmax_left, Rmin_right; lra. Qed.

Lemma kept_part s m a : before same s w a <= m <= before same s w a + w a -> kept same s w m a = m - before same s w a.
Proof. intros le. unfold kept. rewrite Rmax_right, Rmin_right; lra. Qed.

Lemma kept_total s m : (forall y, In y s -> 0 <= w y) -> NoDup s -> 0 <= m <= sum s w -> sum s (kept same s w m) = m.
Proof.
  intros pos distinct. revert m. induction s as [|x t IH]; intros m [m0 le]; [simpl in *; lra|].
  inversion distinct as [|? ? fresh rest]; subst. assert (0 <= w x) as xp by (apply pos; now left).
  assert (forall y, In y t -> 0 <= w y) as pt by (intros; apply pos; now right). simpl in le |- *.
  assert (kept same (x :: t) w m x = Rmin (w x) m) as first.
  { unfold kept. simpl. destruct (same x x); [|congruence]. rewrite Rminus_0_r, Rmax_right by lra. reflexivity. }
  assert (forall y, In y t -> kept same (x :: t) w m y = kept same t w (m - w x) y) as later.
  { intros y hy. unfold kept. simpl. destruct (same x y) as [->|]; [contradiction|]. do 2 f_equal. ring. }
  rewrite first, (sum_ext t _ _ later). destruct (Rle_dec m (w x)) as [small|large].
  - rewrite Rmin_right by exact small. rewrite (sum_ext t _ (fun _ => 0)), sum_zero; [ring|]. intros y hy. apply
      kept_none; auto.
    pose proof (before_nonneg t y pt). lra.
  - rewrite Rmin_left, IH by (auto; lra). ring.
Qed.

Lemma threshold_string s m : (forall y, In y s -> 0 <= w y) -> NoDup s -> 0 < m <= sum s w ->
  exists a, In a s /\ before same s w a <= m <= before same s w a + w a.
Proof.
  intros pos distinct. revert m. induction s as [|x t IH]; intros m [mp le]; simpl in le; [lra|].
  inversion distinct as [|? ? fresh rest]; subst. destruct (Rle_dec m (w x)) as [small|large].
  - exists x. split; [now left|]. simpl. destruct (same x x); [lra|congruence].
  - destruct (IH (fun y hy => pos y (or_intror hy)) rest (m - w x)) as (a & ha & at_a); [lra|]. exists a.
    split; [now right|]. simpl. destruct (same x a) as [->|]; [contradiction|lra].
Qed.

Lemma kept_grows s m m' a : m <= m' -> kept same s w m a <= kept same s w m' a.
Proof.
  intros le. unfold kept. apply Rmin_glb; [apply Rmin_l|]. eapply Rle_trans; [apply Rmin_r|]. apply Rle_max_compat_l.
    lra.
Qed.

(** Where a string is kept in part and another at all, the other is no less likely. *)
Lemma kept_order s m a y : (forall y, In y s -> 0 <= w y) -> ranked s w -> In a s -> In y s ->
  kept same s w m a < w a -> 0 < kept same s w m y -> w a <= w y.
Proof.
  intros pos rank ha hy part some. destruct (same a y) as [<-|ne]; [lra|].
  destruct (before_order s a y pos rank ha hy ne) as [[le _]|[_ le]]; [|exact le]. exfalso.
  destruct (Rle_dec (before same s w a + w a) m) as [whole|short].
  - rewrite kept_whole in part by auto. lra.
  - rewrite (kept_none s m y) in some by (auto; lra). lra.
Qed.
End Rank.

Section Truncation.
Context {A : Type}.
Variables (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.
Let plus : A -> R := aligned s p Rw.
Hypothesis rank : ranked s plus.
Let qm (m : R) : A -> R := truncated same s plus m.
Let i : A -> R := I s p Rw.

Lemma plus_pos a : In a s -> 0 < plus a.
Proof. apply aligned_full, fp. Qed.

Lemma plus_nonneg a : In a s -> 0 <= plus a.
Proof. intros. now apply Rlt_le, plus_pos. Qed.

Lemma plus_total : sum s plus = 1.
Proof. apply aligned_full, fp. Qed.

Lemma mass_kept m : 0 < m <= 1 -> sum s (kept same s plus m) = m.
Proof. intros at_m. apply kept_total; [apply plus_nonneg|apply rank|]. rewrite plus_total. lra. Qed.

Lemma truncated_law m : 0 < m <= 1 -> law s (qm m).
Proof.
  intros at_m. split.
  - intros a ha. apply Rdiv_le_0_compat; [|lra]. apply kept_bounds. now apply plus_nonneg.
  - unfold qm, truncated, Rdiv. rewrite sum_scal_r, mass_kept by auto. field. lra.
Qed.

Lemma surprisal_order a y : In a s -> In y s -> plus a <= plus y -> i y <= i a.
Proof. intros ha hy le. apply Ropp_le_contravar, ln_le; [now apply plus_pos|exact le]. Qed.

(** a surprisal below which all is kept, and above which nothing is *)
Lemma threshold m : exists c, forall a, In a s ->
  (i a < c -> kept same s plus m a = plus a) /\ (c < i a -> kept same s plus m a = 0).
Proof.
  set (k := kept same s plus m). set (short := filter (fun a => if Rlt_dec (k a) (plus a) then true else false) s).
  assert (forall a, In a short <-> In a s /\ k a < plus a) as in_short.
  { intros a. unfold short. rewrite filter_In. destruct (Rlt_dec (k a) (plus a)); intuition discriminate. }
  assert (forall a, In a s -> 0 <= k a <= plus a) as bounds by (intros; now apply kept_bounds, plus_nonneg).
  assert (short = nil \/ short <> nil) as [none|some] by (destruct short; [now left|right; discriminate]).
  - destruct (highest i s (support s p fp)) as (a1 & _ & top). exists (i a1). intros a ha. split.
    + intros _. destruct (bounds a ha) as [_ [lt|eq]]; [|exact eq]. exfalso.
      assert (In a short) as bad by now apply in_short. now rewrite none in bad.
    + intros high. specialize (top a ha). lra.
  - destruct (highest (fun a => - i a) short some) as (a1 & in1 & low). apply in_short in in1. destruct in1 as [in1
      part].
    exists (i a1). intros a ha. destruct (bounds a ha) as [b0 b1]. split.
    + intros lt. destruct b1 as [less|eq]; [|exact eq]. exfalso.
      assert (- i a <= - i a1) by (apply low, in_short; auto). lra.
    + intros gt. destruct b0 as [pos|zero]; [|now symmetry]. exfalso.
      assert (i a <= i a1); [|lra]. apply surprisal_order; auto.
      apply (kept_order same plus s m a1 a); auto using plus_nonneg.
Qed.

Lemma truncated_best m q : 0 < m <= 1 -> law s q -> (forall a, In a s -> q a <= plus a / m) ->
  CE s (qm m) plus <= CE s q plus.
Proof.
  intros at_m lq under. destruct (threshold m) as (c & split). pose proof (truncated_law m at_m) as lm.
  change plus with (aligned s p Rw). rewrite !CE_surprisal. fold i.
  assert (0 <= sum s (fun a => (q a - qm m a) * (i a - c))) as pos.
  { apply sum_nonneg. intros a ha. destruct (split a ha) as [whole none]. specialize (under a ha).
    destruct lq as [q0 _]. specialize (q0 a ha). destruct (Rtotal_order (i a) c) as [lt|[->|gt]].
    - assert (qm m a = plus a / m) as -> by (unfold qm, truncated; now rewrite whole).
      rewrite <- Rmult_opp_opp. apply Rmult_le_pos; lra.
    - rewrite Rminus_eq_0, Rmult_0_r. apply Rle_refl.
    - assert (qm m a = 0) as -> by (unfold qm, truncated; rewrite none by auto; unfold Rdiv; ring).
      apply Rmult_le_pos; lra. }
  assert (sum s (fun a => (q a - qm m a) * (i a - c)) = E s q i - E s (qm m) i) as eq; [|lra].
  rewrite (sum_ext s _ (fun a => q a * i a - qm m a * i a - (c * q a - c * qm m a))) by (intros; ring).
  rewrite !sum_minus, !sum_scal. destruct lq as [_ ->], lm as [_ ->]. unfold E. ring.
Qed.

Lemma sum_one (d f : A -> R) (t : list A) a : NoDup t -> In a t -> (forall y, In y t -> y <> a -> d y = 0) ->
  sum t (fun y => d y * f y) = d a * f a.
Proof.
  intros distinct ha zero. induction t as [|x t IH]; [destruct ha|]. inversion distinct as [|? ? fresh rest]; subst.
    simpl.
  destruct ha as [->|ha].
  - rewrite (sum_ext t _ (fun _ => 0)), sum_zero; [ring|]. intros y hy. rewrite zero; [ring|now right|].
    intros ->. contradiction.
  - rewrite IH by (auto; intros; apply zero; auto; now right). rewrite zero; [ring|now left|]. intros ->. contradiction.
Qed.

Lemma mass_surprisal m : 0 < m -> m * CE s (qm m) plus = sum s (fun a => kept same s plus m a * i a).
Proof.
  intros pos. assert (CE s (qm m) plus = E s (qm m) i) as -> by apply CE_surprisal. unfold E. rewrite <- sum_scal.
    apply sum_ext.
  intros a _. unfold qm, truncated. field. lra.
Qed.

Lemma mass_step t m m' : In t s -> 0 < m <= m' -> before same s plus t <= m -> m' <= before same s plus t + plus t ->
  m' * CE s (qm m') plus - m * CE s (qm m) plus = (m' - m) * i t.
Proof.
  intros ht at_m low high. rewrite !mass_surprisal, <- sum_minus by lra.
  rewrite (sum_ext s _ (fun a => (kept same s plus m' a - kept same s plus m a) * i a)) by (intros; ring).
  rewrite (sum_one _ i s t); [|apply rank|exact ht|].
  - rewrite !kept_part by lra. ring.
  - intros a ha ne. destruct (before_order same plus s a t plus_nonneg rank ha ht ne) as [[le _]|[le _]].
    + rewrite !kept_whole by (try apply plus_nonneg; auto; lra). ring.
    + rewrite !kept_none by (try apply plus_nonneg; auto; lra). ring.
Qed.

Lemma mass_derive t m : In t s -> before same s plus t < m < before same s plus t + plus t ->
  is_derive (fun m => CE s (qm m) plus) m ((i t - CE s (qm m) plus) / m).
Proof.
  intros ht [low high]. pose proof (before_nonneg same plus s t plus_nonneg) as b0. assert (0 < m) as mp by lra.
  set (k := m * CE s (qm m) plus - m * i t).
  apply (is_derive_ext_loc (fun m => (k + m * i t) / m)).
  - assert (locally m (fun y => before same s plus t < y < before same s plus t + plus t)) as near.
    { apply (open_and (fun y => before same s plus t < y) (fun y => y < before same s plus t + plus t));
        [apply open_gt|apply open_lt|split; auto]. }
    revert near. apply filter_imp. intros y [ly hy]. unfold k. assert (0 < y) by lra.
    assert (y * CE s (qm y) plus = m * CE s (qm m) plus + (y - m) * i t) as at_y.
    { destruct (Rle_dec m y).
      - pose proof (mass_step t m y ht) as st. lra.
      - pose proof (mass_step t y m ht) as st. lra. }
    apply (Rmult_eq_reg_l y); [|lra]. rewrite at_y. field. lra.
  - auto_derive; [lra|]. unfold k. field. lra.
Qed.
End Truncation.

Theorem adaptors_attainability_best_holds : adaptors_attainability_best.
Proof.
  intros A same s p Rw q m fp plus qm rank at_m lq under.
  pose proof (truncated_best same s p Rw fp rank m q at_m lq under) as le.
  pose proof (truncated_law same s p Rw fp rank m at_m) as lm. split; [exact le|].
  rewrite !CE_surprisal, !E_surprisal in le by auto. fold plus in le. fold qm in le. lra.
Qed.

Theorem adaptors_attainability_rate_holds : adaptors_attainability_rate.
Proof.
  intros A same s p Rw fp plus ce first rank. split; [|split; [|split]].
  - intros m m' [mp le] top. apply (truncated_best same s p Rw fp rank m); [lra|apply truncated_law; auto; lra|].
    intros a ha. fold plus. assert (0 < plus a) as pa by now apply plus_pos. unfold truncated, Rdiv.
    apply Rmult_le_compat; [apply kept_bounds; lra|apply Rlt_le, Rinv_0_lt_compat; lra|apply kept_bounds; lra|].
    apply Rinv_le_contravar; lra.
  - intros t m m' ht at_m low high. now apply mass_step.
  - intros t m ht at_m. now apply mass_derive.
  - intros m at_m. apply threshold_string; [now apply plus_nonneg|apply rank|]. pose proof (plus_total s p Rw fp) as
      one.
    fold plus in one. rewrite one. exact at_m.
Qed.

(** A string kept in part is the only one. *)
Lemma one_in_part {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (w : A -> R) (m : R) (a y : A) :
  (forall z, In z s -> 0 <= w z) -> ranked s w -> In a s -> In y s ->
  0 < kept same s w m a < w a -> 0 < kept same s w m y < w y -> a = y.
Proof.
  intros pos rank ha hy part_a part_y. destruct (same a y) as [|ne]; [auto|exfalso].
  assert (forall z, In z s -> 0 < kept same s w m z < w z -> before same s w z < m < before same s w z + w z) as inside.
  { intros z hz [some part]. split; apply Rnot_le_lt; intros le.
    - rewrite kept_none in some by auto. lra.
    - rewrite kept_whole in part by auto. lra. }
  pose proof (inside a ha part_a). pose proof (inside y hy part_y).
  destruct (before_order same w s a y pos rank ha hy ne) as [[le _]|[le _]]; lra.
Qed.

Theorem adaptors_attainability_mass_holds : adaptors_attainability_mass.
Proof.
  intros A same s p Rw m fp plus rank at_m k. pose proof (plus_nonneg s p Rw fp) as pos. fold plus in pos.
  pose proof (plus_pos s p Rw fp) as strict. fold plus in strict.
  split; [intros; now apply kept_bounds, pos|]. split; [intros; now apply (one_in_part same s plus m)|].
  split; [|split; [|split]].
  - intros a y ha hy some none. apply (kept_order same plus s m a y); auto. fold k. rewrite none. now apply strict.
  - now apply mass_kept.
  - now apply truncated_law.
  - intros m' [lt le]. assert (0 < m' <= 1) as at_m' by lra.
    pose proof (truncated_law same s p Rw fp rank m at_m) as [_ one].
    pose proof (truncated_law same s p Rw fp rank m' at_m') as [_ one']. cbv beta in one, one'. fold plus in one, one'.
    set (x := truncated same s plus m) in *. set (y := truncated same s plus m') in *.
    assert (forall a, In a s -> Rabs (x a - y a) <= x a + y a - 2 * (m / m' * x a)) as each.
    { intros a ha. assert (0 <= kept same s plus m a) as k0 by now apply kept_bounds, pos.
      pose proof (kept_grows same plus s m m' a (Rlt_le _ _ lt)) as grow.
      assert (m / m' * x a = kept same s plus m a / m') as low by (unfold x, truncated; field; lra).
      assert (kept same s plus m a / m' <= y a) as at_y.
      { unfold y, truncated. apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|exact grow]. }
      assert (kept same s plus m a / m' <= x a) as at_x.
      { unfold x, truncated. apply Rmult_le_compat_l; [exact k0|]. apply Rinv_le_contravar; lra. }
      rewrite low. unfold Rabs. destruct (Rcase_abs (x a - y a)); lra. }
    unfold TV. apply (Rmult_le_reg_r 2); [lra|]. unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    eapply Rle_trans; [apply (sum_le s _ _ each)|].
    rewrite sum_minus, sum_plus, !sum_scal, one, one'. right. ring.
Qed.

(** m CE(q_m) is the integral of the surprisal over the masses up to m *)
Lemma mass_integral {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (w i : A -> R) (s : list A) (m : R) :
  (forall y, In y s -> 0 <= w y) -> NoDup s -> 0 <= m <= sum s w ->
  is_RInt (at_mass s w i) 0 m (sum s (fun a => kept same s w m a * i a)).
Proof.
  intros pos distinct. revert m. induction s as [|x t IH]; intros m [m0 le]; simpl in le.
  { assert (m = 0) as -> by lra. apply (is_RInt_point (V := R_NormedModule)). }
  inversion distinct as [|? ? fresh rest]; subst. assert (0 <= w x) as xp by (apply pos; now left).
  assert (forall y, In y t -> 0 <= w y) as pt by (intros; apply pos; now right).
  assert (kept same (x :: t) w m x = Rmin (w x) m) as first.
  { unfold kept. simpl. destruct (same x x); [|congruence]. rewrite Rminus_0_r, Rmax_right by lra. reflexivity. }
  assert (forall y, In y t -> kept same (x :: t) w m y * i y = kept same t w (m - w x) y * i y) as later.
  { intros y hy. f_equal. unfold kept. simpl. destruct (same x y) as [->|]; [contradiction|]. do 2 f_equal. ring. }
  cbn [sum]. rewrite first, (sum_ext t _ _ later).
  assert (forall c, 0 <= c <= w x -> is_RInt (at_mass (x :: t) w i) 0 c (c * i x)) as start.
  { intros c [c0 c1]. apply (is_RInt_ext (fun _ => i x)).
    - rewrite Rmin_left, Rmax_right by lra. intros u at_u. simpl. destruct (Rle_dec u (w x)); [reflexivity|lra].
    - replace (c * i x) with (scal (c - 0) (i x)) by (unfold scal; simpl; unfold mult; simpl; ring).
      apply (is_RInt_const (V := R_NormedModule)). }
  destruct (Rle_dec m (w x)) as [small|large].
  - rewrite Rmin_right by exact small. rewrite (sum_ext t _ (fun _ => 0)), sum_zero, Rplus_0_r; [now apply start|].
    intros y hy. rewrite kept_none; [ring|auto|]. pose proof (before_nonneg same w t y pt). lra.
  - rewrite Rmin_left by lra. apply (is_RInt_Chasles (V := R_NormedModule) _ 0 (w x) m); [apply start; lra|].
    apply (is_RInt_ext (fun u => scal 1 (at_mass t w i (1 * u + - w x)))).
    + rewrite Rmin_left, Rmax_right by lra. intros u at_u. simpl. destruct (Rle_dec u (w x)); [lra|].
      unfold scal; simpl; unfold mult; simpl. rewrite Rmult_1_l. f_equal. ring.
    + apply (is_RInt_comp_lin (V := R_NormedModule)). replace (1 * w x + - w x) with 0 by ring.
      replace (1 * m + - w x) with (m - w x) by ring. apply IH; auto. lra.
Qed.

Theorem adaptors_attainability_integral_holds : adaptors_attainability_integral.
Proof.
  intros A same s p Rw m fp plus rank at_m i. pose proof (plus_nonneg s p Rw fp) as pos. fold plus in pos.
  pose proof (plus_total s p Rw fp) as one. fold plus in one.
  pose proof (mass_integral same plus (I s p Rw) s m pos (proj1 rank) ltac:(lra)) as int. fold i in int.
  split; [eexists; exact int|]. rewrite (is_RInt_unique _ _ _ _ int).
  pose proof (mass_surprisal same s p Rw m ltac:(lra)) as total. cbv beta in total. fold plus in total.
  apply (Rmult_eq_reg_l m); [|lra]. rewrite total. field. lra.
Qed.
