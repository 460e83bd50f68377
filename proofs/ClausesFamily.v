(** adaptors: the family p^s e^(t R), laws that see only the surprisal, and models on which nothing trades. *)

Require Import Reals Lra Lia List Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Alignment Adaptors Family.
From ProbQual Require Import ClausesAlignment ClausesAdaptors.
Import ListNotations.
Open Scope R_scope.

(** * Sums over pairs and triples *)

Section Subsets.
Context {A : Type}.
Implicit Types (s : list A).

Lemma over_pairs_twice s (f : A -> A -> R) : (forall x y, f x y = f y x) ->
  sum s (fun x => sum s (f x)) = sum s (fun x => f x x) + 2 * over_pairs s f.
Proof.
  intros sym. induction s as [|a t IH]; simpl; [ring|].
  rewrite (sum_ext t (fun x => f x a + sum t (f x)) (fun x => f a x + sum t (f x))) by (intros; now rewrite sym).
  rewrite sum_plus, IH. change (fun x => f a x) with (f a). ring.
Qed.

Lemma over_pairs_ext s (f g : A -> A -> R) : (forall x y, f x y = g x y) -> over_pairs s f = over_pairs s g.
Proof.
  intros eq. induction s as [|a t IH]; simpl; [reflexivity|]. rewrite IH. f_equal. apply sum_ext. auto.
Qed.

Lemma over_triples_six s (f : A -> A -> A -> R) : (forall x y z, f x y z = f y x z) ->
  (forall x y z, f x y z = f x z y) -> (forall x y, f x x y = 0) ->
  sum s (fun x => sum s (fun y => sum s (f x y))) = 6 * over_triples s f.
Proof.
  intros swap sym zero. assert (forall x y, f x y y = 0) as zero' by (intros; rewrite swap, sym; apply zero).
  induction s as [|a t IH]; simpl; [ring|].
  rewrite zero. rewrite (sum_ext t (f a a) (fun _ => 0)), sum_zero by (intros; apply zero).
  rewrite (sum_ext t (fun y => f a y a + sum t (f a y)) (fun y => sum t (f a y))).
  2:{ intros y _. rewrite sym, zero. ring. }
  rewrite (sum_ext t (fun x => f x a a + sum t (f x a) + sum t (fun y => f x y a + sum t (f x y)))
    (fun x => sum t (f a x) + sum t (f a x) + sum t (fun y => sum t (f x y)))).
  - rewrite !sum_plus, IH, over_pairs_twice by (intros; apply sym).
    rewrite (sum_ext t (fun x => f a x x) (fun _ => 0)), sum_zero by (intros; apply zero'). ring.
  - intros x _. rewrite zero', sum_plus. rewrite (sum_ext t (f x a) (f a x)) by (intros; apply swap).
    rewrite (sum_ext t (fun y => f x y a) (f a x)); [ring|]. intros y _. rewrite sym, swap. reflexivity.
Qed.
End Subsets.

(** the sum over ordered triples is 6 det Cov: with centred f and g, E_z, E_y and E_x in turn *)
Lemma triples_det {A : Type} (s : list A) (q f g : A -> R) : law s q ->
  Var s q f * Var s q g - Cov s q f g ^ 2 = over_triples s (fun x y z => q x * q y * q z * triangle f g x y z ^ 2).
Proof.
  intros lq. set (h := fun x y z => q x * q y * q z * triangle f g x y z ^ 2).
  assert (sum s (fun x => sum s (fun y => sum s (h x y))) = 6 * over_triples s h) as six.
  { apply over_triples_six; intros; unfold h, triangle; ring. }
  apply (Rmult_eq_reg_l 6); [|lra]. rewrite <- six. clear six.
  set (x0 := E s q f). set (y0 := E s q g). set (f' := fun a => f a - x0). set (g' := fun a => g a - y0).
  assert (E s q f' = 0) as Ef by (unfold f'; rewrite E_minus, E_const by auto; fold x0; ring).
  assert (E s q g' = 0) as Eg by (unfold g'; rewrite E_minus, E_const by auto; fold y0; ring).
  set (F := E s q (fun a => f' a * f' a)). set (G := E s q (fun a => g' a * g' a)). set (C := E s q (fun a => f' a *
    g' a)).
  assert (Var s q f = F) as -> by (unfold Var; rewrite Cov_centred by auto; reflexivity).
  assert (Var s q g = G) as -> by (unfold Var; rewrite Cov_centred by auto; reflexivity).
  assert (Cov s q f g = C) as -> by (rewrite Cov_centred by auto; reflexivity).
  assert (forall k0 k1 k2 k3 k4 k5, E s q (fun a => k0 + (k1 * f' a + (k2 * g' a + (k3 * (f' a * f' a)
    + (k4 * (g' a * g' a) + k5 * (f' a * g' a)))))) = k0 + k3 * F + k4 * G + k5 * C) as quadratic.
  { intros. rewrite !E_plus, !E_scal, E_const, Ef, Eg by auto. fold F G C. ring. }
  assert (forall x y, sum s (h x y) = q x * (q y * ((f' x * g' y - f' y * g' x) ^ 2 + (f' y - f' x) ^ 2 * G
    + (g' y - g' x) ^ 2 * F - 2 * (f' y - f' x) * (g' y - g' x) * C))) as inner.
  { intros x y. set (u := f' y - f' x). set (v := g' y - g' x). set (w := f' x * g' y - f' y * g' x).
    replace (w ^ 2 + u ^ 2 * G + v ^ 2 * F - 2 * u * v * C) with (w ^ 2 + v ^ 2 * F + u ^ 2 * G + -2 * u * v * C) by
      ring.
    rewrite <- (quadratic (w ^ 2) (- 2 * w * v) (2 * w * u) (v ^ 2) (u ^ 2) (- 2 * u * v)). unfold E.
    rewrite <- !sum_scal. apply sum_ext. intros z _. unfold h, triangle, w, u, v, f', g'. ring. }
  assert (forall x, sum s (fun y => sum s (h x y)) = q x * (2 * F * G - 2 * C ^ 2
    + 2 * G * (f' x * f' x) + 2 * F * (g' x * g' x) - 4 * C * (f' x * g' x))) as middle.
  { intros x. set (u := f' x). set (v := g' x).
    replace (2 * F * G - 2 * C ^ 2 + 2 * G * (u * u) + 2 * F * (v * v) - 4 * C * (u * v))
      with (u ^ 2 * G + v ^ 2 * F - 2 * u * v * C + (v ^ 2 + G) * F + (u ^ 2 + F) * G + (-2 * u * v - 2 * C) * C) by
        ring.
    rewrite <- (quadratic (u ^ 2 * G + v ^ 2 * F - 2 * u * v * C) (- 2 * u * G + 2 * v * C) (- 2 * v * F + 2 * u * C)
      (v ^ 2 + G) (u ^ 2 + F) (- 2 * u * v - 2 * C)).
    unfold E. rewrite <- sum_scal. apply sum_ext. intros y _. rewrite inner. fold u v. ring. }
  transitivity (2 * F * G - 2 * C ^ 2 + 2 * G * F + 2 * F * G + - 4 * C * C); [ring|].
  rewrite <- (quadratic (2 * F * G - 2 * C ^ 2) 0 0 (2 * G) (2 * F) (- 4 * C)). apply sum_ext. intros x _.
  rewrite middle. ring.
Qed.

(** * Paths in the family *)

Section Path.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R) (sigma t : R -> R) (u dsigma dt : R).
Hypotheses (fp : full s p) (d1 : is_derive sigma u dsigma) (d2 : is_derive t u dt).
Let w (v : R) (a : A) : R := Rpower (p a) (sigma v) * exp (t v * Rw a).
Let q (v : R) : A -> R := family s p Rw (sigma v) (t v).
Let move (a : A) : R := dsigma * L p a + dt * Rw a.

Lemma path_weight f : is_derive (fun v => sum s (fun a => w v a * f a)) u (sum s (fun a => w u a * (f a * move a))).
Proof.
  clear fp. unfold w, move. induction s as [|x r IH]; simpl; [apply (is_derive_const 0 u)|].
  apply (is_derive_plus (fun v => Rpower (p x) (sigma v) * exp (t v * Rw x) * f x)); [|exact IH].
  apply (is_derive_ext (fun v => exp (sigma v * L p x + t v * Rw x) * f x)).
  { intros v. unfold Rpower, L. now rewrite exp_plus. }
  unfold Rpower, L. rewrite <- exp_plus.
  pose proof (is_derive_plus _ _ u _ _ (is_derive_scal_l sigma u dsigma (L p x) d1) (is_derive_scal_l t u dt (Rw x)
    d2)) as lin.
  pose proof (is_derive_comp exp _ u _ _ (is_derive_exp _) lin) as e.
  pose proof (is_derive_scal_l _ u _ (f x) e) as all. unfold scal, plus in all; simpl in all; unfold mult in all;
    simpl in all.
  match type of all with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact all|] end
    end.
  unfold L. ring.
Qed.

Lemma path_total : is_derive (fun v => sum s (w v)) u (sum s (fun a => w u a * move a)).
Proof.
  pose proof (path_weight (fun _ => 1)) as d. rewrite (sum_ext s _ (fun a => w u a * move a)) in d by (intros; ring).
  apply (is_derive_ext _ (fun v => sum s (w v))) in d; [exact d|]. intros v. apply sum_ext. intros; ring.
Qed.

Lemma path_pos v : 0 < sum s (w v).
Proof.
  apply sum_pos; [eapply law_support, full_law, fp|]. intros. apply Rmult_lt_0_compat; apply exp_pos.
Qed.

Lemma path_mean f : is_derive (fun v => E s (q v) f) u (Cov s (q u) f move).
Proof.
  pose proof (path_pos u) as tp.
  apply (is_derive_ext (fun v => sum s (fun a => w v a * f a) / sum s (w v))); [intros; symmetry; apply (E_normalised
    s (w t0))|].
  pose proof (is_derive_div _ _ u _ _ (path_weight f) path_total (Rgt_not_eq _ _ tp)) as d.
  unfold Cov. unfold q, family. fold (w u). rewrite !E_normalised.
  match type of d with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact d|] end end.
  field. lra.
Qed.

Lemma path_log : is_derive (fun v => ln (sum s (w v))) u (E s (q u) move).
Proof.
  pose proof (path_pos u) as tp.
  pose proof (is_derive_comp ln _ u _ _ (is_derive_ln _ tp) path_total) as d.
  unfold q, family. fold (w u). rewrite E_normalised.
  unfold scal in d; simpl in d; unfold mult in d; simpl in d. exact d.
Qed.

Lemma family_entropy sg tt : Ent s (family s p Rw sg tt)
  = log_total s p Rw sg tt - sg * E s (family s p Rw sg tt) (L p) - tt * E s (family s p Rw sg tt) Rw.
Proof.
  pose proof (family_law s p Rw fp sg tt) as lq. rewrite <- (E_const s _ (log_total s p Rw sg tt) lq).
  rewrite <- !E_scal, <- !E_minus. unfold Ent. rewrite <- sum_opp. apply sum_ext. intros a ha.
  rewrite ln_family by auto. ring.
Qed.
End Path.

Theorem adaptors_family_entropy_holds : adaptors_family_entropy.
Proof.
  intros A s p Rw sigma t u dsigma dt fp d1 d2.
  set (move := fun a => dsigma * L p a + dt * Rw a). set (q := fun v => family s p Rw (sigma v) (t v)).
  pose proof (path_mean s p Rw sigma t u dsigma dt fp d1 d2) as means. fold move in means.
  pose proof (path_log s p Rw sigma t u dsigma dt fp d1 d2) as logs. fold move in logs.
  set (dL := Cov s (q u) (L p) move). set (dR := Cov s (q u) Rw move). exists dL, dR.
  assert (is_derive (fun v => Ent s (q v)) u (- (sigma u * dL + t u * dR))) as ent.
  { pose proof (is_derive_mult _ _ u _ _ d1 (means (L p)) Rmult_comm) as one.
    pose proof (is_derive_mult _ _ u _ _ d2 (means Rw) Rmult_comm) as two.
    pose proof (is_derive_minus _ _ u _ _ (is_derive_minus _ _ u _ _ logs one) two) as all.
    apply (is_derive_ext _ (fun v => Ent s (q v))) in all.
    2:{ intros v. unfold q. rewrite family_entropy by auto. reflexivity. }
    match type of all with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact all|]
      end end.
    fold (q u). fold dL dR. unfold minus, plus, opp, mult; simpl. unfold move. rewrite E_plus, !E_scal. ring. }
  split; [apply means|]. split; [apply means|]. split; [exact ent|]. intros level tn ln.
  pose proof (is_derive_unique _ _ _ level) as zero. pose proof (is_derive_unique _ _ _ ent) as value.
  unfold q in value. rewrite zero in value.
  apply (Rmult_eq_reg_r (t u * dL)); [|now apply Rmult_integral_contrapositive].
  replace (dR / dL * (t u * dL)) with (t u * dR) by (field; exact ln).
  replace (- sigma u / t u * (t u * dL)) with (- sigma u * dL) by (field; exact tn). lra.
Qed.

Theorem adaptors_family_jacobian_holds : adaptors_family_jacobian.
Proof.
  intros A s p Rw sigma t fp q. pose proof (family_full s p Rw fp sigma t) as fq. fold q in fq.
  pose proof (full_law s _ fq) as lq.
  pose proof (fun f => path_mean s p Rw (fun v => v) (fun _ => t) sigma 1 0 fp (is_derive_id sigma) (is_derive_const t
    sigma) f) as ds.
  pose proof (fun f => path_mean s p Rw (fun _ => sigma) (fun v => v) t 0 1 fp (is_derive_const sigma t) (is_derive_id
    t) f) as dt.
  cbv beta in ds, dt. fold q in ds, dt.
  assert (forall f, Cov s q f (fun a => 1 * L p a + 0 * Rw a) = Cov s q f (L p)) as atL by (intros; apply Cov_ext;
    auto; intros; ring).
  assert (forall f, Cov s q f (fun a => 0 * L p a + 1 * Rw a) = Cov s q f Rw) as atR by (intros; apply Cov_ext; auto;
    intros; ring).
  split; [unfold Var; rewrite <- atL; apply ds|]. split; [rewrite <- atR; apply dt|].
  split; [rewrite Cov_sym, <- atL; apply ds|]. split; [unfold Var; rewrite <- atR; apply dt|].
  intros det. split; [now apply triples_det|]. intros ind. now apply independent_det.
Qed.

Theorem adaptors_family_gibbs_holds : adaptors_family_gibbs.
Proof.
  intros A s p Rw base q c d u fb lq f qu.
  pose proof (alignment_best_of_n_price_holds A s base f q u fb lq) as price. cbv zeta in price.
  change (strength s base f u) with qu in price. split; [lra|]. intros up within.
  assert (0 <= KL s q qu) as pos by apply (divergence_from_aligned s base fb (fun a => u * f a) q lq).
  apply (Rmult_le_reg_l u); [exact up|]. lra.
Qed.

Theorem adaptors_family_own_front_holds : adaptors_family_own_front.
Proof.
  intros A s p Rw q tau t fp lq taup tp own within.
  pose proof (family_KL_nonneg s p Rw fp q tau (tau * t) lq) as pos. pose proof (family_full s p Rw fp tau (tau * t))
    as fo.
  rewrite KL_split in pos by (auto; apply fo).
  pose proof (family_entropy s p Rw fp tau (tau * t)) as ent. fold own in pos, ent.
  assert (CE s q own = log_total s p Rw tau (tau * t) - tau * E s q (L p) - tau * t * E s q Rw) as ce.
  { rewrite <- (E_const s q (log_total s p Rw tau (tau * t)) lq), <- !E_scal, <- !E_minus.
    unfold CE. rewrite <- sum_opp. apply sum_ext. intros a ha. unfold own. rewrite ln_family by auto. ring. }
  apply (Rmult_le_reg_l tau); [exact taup|]. lra.
Qed.

(** * Two values of the surprisal *)

Theorem adaptors_affine_line_two_values_holds : adaptors_affine_line_two_values.
Proof.
  intros A s p Rw i j fp values plus x vp. assert (full s plus) as fq by apply aligned_full, fp.
  pose proof (full_law s _ fq) as lq. set (f := I s p Rw) in *. set (l := fun a => conditional s p Rw (L p) (f a)).
  assert (exists c d, forall a, In a s -> l a = c + d * f a) as (c & d & affine).
  { destruct (Req_dec i j) as [->|ne].
    - exists (conditional s p Rw (L p) j), 0. intros a ha. unfold l. destruct (values a ha) as [->| ->]; ring.
    - set (d := (conditional s p Rw (L p) i - conditional s p Rw (L p) j) / (i - j)).
      exists (conditional s p Rw (L p) i - d * i), d. intros a ha. unfold l. destruct (values a ha) as [->| ->];
        [ring|].
      unfold d. field. lra. }
  assert (forall h : R -> R, sum s (fun a => plus a * h (f a) * L p a) = sum s (fun a => plus a * h (f a) * (c + d * f
    a))) as means.
  { intros h. unfold plus, f. rewrite level_means by auto. apply sum_ext. intros a ha. fold f. now rewrite <- affine. }
  assert (E s plus (L p) = c + d * E s plus f) as at_L.
  { rewrite <- E_scal, <- (E_const s plus c lq) at 1. rewrite <- E_plus. pose proof (means (fun _ => 1)) as one.
    unfold E. rewrite (sum_ext s (fun a => plus a * L p a) (fun a => plus a * 1 * L p a)) by (intros; ring).
    rewrite one. apply sum_ext. intros; ring. }
  assert (x = d) as xd.
  { assert (Cov s plus (L p) f = d * Var s plus f) as cov; [|unfold x, b; fold f; rewrite cov; field; lra].
    unfold Var, Cov. rewrite at_L. pose proof (means (fun v => v)) as id.
    assert (E s plus (fun a => L p a * f a) = c * E s plus f + d * E s plus (fun a => f a * f a)) as ->; [|ring].
    rewrite <- !E_scal, <- E_plus. unfold E.
    rewrite (sum_ext s (fun a => plus a * (L p a * f a)) (fun a => plus a * f a * L p a)) by (intros; ring).
    rewrite id. apply sum_ext. intros; ring. }
  split.
  - intros a ha. fold (l a). rewrite affine, xd, at_L by auto.
    assert (Ent s plus = E s plus f) as -> by apply Ent_surprisal. ring.
  - apply (adaptors_affine_line_iff_holds A s p Rw fp vp). now exists c, d.
Qed.

(** * Models on which nothing trades *)

Theorem adaptors_none_pairs_holds : adaptors_none_pairs.
Proof.
  intros A s p Rw q f lq. split; [|now apply Cov_opposed].
  set (g := I s p Rw). set (h := fun x y => q x * q y * ((f x - f y) * (g x - g y))).
  assert (2 * Cov s q f g = 2 * over_pairs s h) as twice; [|lra].
  rewrite Cov_differences by auto. transitivity (sum s (fun x => sum s (h x))).
  - apply sum_ext. intros x _. rewrite <- sum_scal. apply sum_ext. intros y _. unfold h. ring.
  - rewrite over_pairs_twice by (intros; unfold h; ring).
    rewrite (sum_ext s (fun x => h x x) (fun _ => 0)), sum_zero by (intros; unfold h; ring). ring.
Qed.

(** Where f never rises with g and neither is constant, Cov(f, g) < 0 under every full law. *)
Lemma Cov_opposed_strict {A : Type} (s : list A) (q f g : A -> R) : full s q -> ~ constant s f -> ~ constant s g ->
  (forall x y, In x s -> In y s -> (f x - f y) * (g x - g y) <= 0) -> Cov s q f g < 0.
Proof.
  intros fq fc gc opposed. pose proof (full_law s q fq) as lq. apply Rnot_le_lt. intros nonneg.
  set (h := fun x y => - ((f x - f y) * (g x - g y))).
  assert (sum s (fun x => q x * sum s (fun y => q y * h x y)) <= 0) as low.
  { assert (sum s (fun x => q x * sum s (fun y => q y * h x y)) = - (2 * Cov s q f g)) as ->; [|lra].
    rewrite Cov_differences, <- sum_opp by auto. apply sum_ext. intros x _.
    rewrite <- Ropp_mult_distr_r_reverse, <- sum_opp. f_equal. apply sum_ext. intros y _. unfold h. ring. }
  assert (forall x y, In x s -> In y s -> 0 <= h x y) as h0 by (intros x y hx hy; specialize (opposed x y hx hy);
    unfold h; lra).
  assert (forall x, In x s -> 0 <= sum s (fun y => q y * h x y)) as inner.
  { intros x hx. apply sum_nonneg. intros y hy. apply Rmult_le_pos; [now apply lq|auto]. }
  assert (forall x y, In x s -> In y s -> f x = f y \/ g x = g y) as level.
  { intros x y hx hy. assert (q x * sum s (fun y => q y * h x y) = 0) as zx.
    { apply (sum_zero_each s (fun x => q x * sum s (fun y => q y * h x y))); auto.
      - intros z hz. apply Rmult_le_pos; [now apply lq|auto].
      - apply Rle_antisym; [exact low|]. apply sum_nonneg. intros z hz. apply Rmult_le_pos; [now apply lq|auto]. }
    destruct fq as [pos _]. pose proof (pos x hx). pose proof (pos y hy).
    apply Rmult_integral in zx. destruct zx as [|zx]; [lra|].
    assert (q y * h x y = 0) as zy.
    { apply (sum_zero_each s (fun y => q y * h x y)); auto. intros z hz. apply Rmult_le_pos; [now apply lq|auto]. }
    apply Rmult_integral in zy. destruct zy as [|zy]; [lra|]. unfold h in zy.
    assert ((f x - f y) * (g x - g y) = 0) as zero by lra. apply Rmult_integral in zero. lra. }
  apply gc. destruct s as [|a t] eqn:es; [exists 0; intros ? []|]. rewrite <- es in *.
  assert (In a s) as ha by (rewrite es; now left). exists (g a). intros y hy.
  destruct (level y a hy ha) as [same|]; [|auto]. apply NNPP. intros ne. apply fc. exists (f a). intros z hz.
  destruct (level z a hz ha) as [|za]; [auto|]. destruct (level z y hz hy) as [|zy]; lra.
Qed.

Lemma Var_not_constant {A : Type} (s : list A) (q f : A -> R) : law s q -> 0 < Var s q f -> ~ constant s f.
Proof. intros lq pos const. rewrite (Var_constant s q f lq const) in pos. lra. Qed.

Theorem adaptors_none_comonotone_strict_holds : adaptors_none_comonotone_strict.
Proof.
  intros A s p Rw f fp plus vp fc opposed. assert (full s plus) as fq by apply aligned_full, fp.
  pose proof (full_law s _ fq) as lq. set (i := I s p Rw) in *.
  assert (~ constant s i) as ic by now apply (Var_not_constant s plus). split.
  - intros tau tau' lt. apply (increasing_lt (fun t => E s (tempered s plus t) f)
      (fun t => - Cov s (tempered s plus t) f i)); auto; [lra|intros u _; apply (temperature_derive s p Rw fp)|].
    intros u _. assert (Cov s (tempered s plus u) f i < 0); [|lra].
    apply Cov_opposed_strict; auto. now apply tempered_full.
  - intros c (a0 & in0 & low0) (a1 & in1 & high1). set (k := fun a => indicator (Rle_dec (i a) c)).
    set (kept := fun a => plus a * k a).
    assert (forall a, i a <= c -> k a = 1) as yes by (intros a le; unfold k, indicator; destruct Rle_dec; tauto).
    assert (forall a, c < i a -> k a = 0) as no by (intros a gt; unfold k, indicator; destruct Rle_dec; lra).
    assert (0 < sum s kept) as pos.
    { apply (sum_pos_at s kept a0); auto.
      - intros y hy. apply Rmult_le_pos; [now apply lq|apply indicator_nonneg].
      - unfold kept. rewrite yes, Rmult_1_r by auto. now apply fq. }
    assert (Cov s plus f (fun a => -1 * k a) < 0) as neg.
    { apply Cov_opposed_strict; auto.
      - intros (m & same). pose proof (same a0 in0) as m0. pose proof (same a1 in1) as m1. cbv beta in m0, m1.
        rewrite yes in m0 by auto. rewrite no in m1 by auto. lra.
      - intros x y hx hy. specialize (opposed x y hx hy). destruct (Rle_dec (i x) c) as [lx|gx], (Rle_dec (i y) c) as
          [ly|gy];
          try (apply Rnot_le_lt in gx); try (apply Rnot_le_lt in gy);
          try rewrite (yes x) by lra; try rewrite (yes y) by lra; try rewrite (no x) by lra; try rewrite (no y) by lra.
        + lra.
        + assert (f y - f x <= 0); [|lra]. apply Rnot_lt_le. intros up.
          assert (0 < (f y - f x) * (i y - i x)) by (apply Rmult_lt_0_compat; lra). lra.
        + assert (f x - f y <= 0); [|lra]. apply Rnot_lt_le. intros up.
          assert (0 < (f x - f y) * (i x - i y)) by (apply Rmult_lt_0_compat; lra). lra.
        + lra. }
    rewrite Cov_sym, Cov_scal, Cov_sym in neg. unfold Cov in neg.
    rewrite E_normalised. fold kept.
    assert (E s plus k = sum s kept) as mass by reflexivity.
    assert (E s plus (fun a => f a * k a) = sum s (fun a => kept a * f a)) as top by (apply sum_ext; intros; unfold
      kept; ring).
    rewrite mass, top in neg. apply (Rmult_lt_reg_r (sum s kept)); [exact pos|].
    change (sum s (fun a => plus a * indicator (Rle_dec (i a) c) * f a)) with (sum s (fun a => kept a * f a)).
    change (sum s (fun a => plus a * indicator (Rle_dec (i a) c))) with (sum s kept).
    replace (sum s (fun a => kept a * f a) / sum s kept * sum s kept) with (sum s (fun a => kept a * f a)) by (field;
      lra). lra.
Qed.
