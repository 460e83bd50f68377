(** adaptors: equality in the bounds of temperature, what decides at the border, and when p+ is Pareto-optimal. *)

Require Import Reals Lra Lia List Permutation Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Alignment Adaptors ClausesAlignment.
Import ListNotations.
Open Scope R_scope.

(** * The budget *)

Lemma sum_permutation {A : Type} (s t : list A) (f : A -> R) : Permutation s t -> sum s f = sum t f.
Proof. induction 1; simpl; [reflexivity|lra|ring|congruence]. Qed.

Theorem adaptors_budget_same_entropy_holds : adaptors_budget_same_entropy.
Proof.
  intros A s p Rw permute fp perm plus q. assert (full s plus) as fq by apply aligned_full, fp.
  assert (forall f : A -> R, sum s (fun a => f (permute a)) = sum s f) as moved.
  { intros f. rewrite <- (sum_permutation _ _ f perm). symmetry. apply sum_map. }
  assert (law s q) as lq.
  { destruct fq as [pos one]. split; [|rewrite <- one; apply moved]. intros a ha. apply Rlt_le, pos.
    apply (Permutation_in _ perm), in_map, ha. }
  assert (Ent s q = Ent s plus) as ent.
  { unfold Ent. f_equal. apply (moved (fun a => plus a * ln (plus a))). }
  split; [exact lq|]. split; [exact ent|]. split.
  - pose proof (adaptors_budget_identity_holds A s p Rw q fp lq) as at_q.
    pose proof (adaptors_budget_identity_holds A s p Rw plus fp (full_law s _ fq)) as at_p.
    fold plus in at_q, at_p. rewrite (KL_self s plus) in at_p by (intros; now apply Rlt_le, fq). lra.
  - apply divergence_from_aligned; auto.
Qed.

(** p+ = (1, 2)/3 and (2, 1)/3 *)
Theorem adaptors_budget_entropy_is_not_enough_holds : adaptors_budget_entropy_is_not_enough.
Proof.
  set (s := [0; 1]%nat). set (p := fun a => (INR a + 1) / 3). set (permute := fun a => (1 - a)%nat).
  assert (full s p) as fp by (split; [intros a [<-|[<-|[]]]|]; unfold p; simpl; lra).
  assert (Permutation (map permute s) s) as perm by apply perm_swap.
  destruct (adaptors_budget_same_entropy_holds nat s p (fun _ => 0) permute fp perm) as (lq & ent & eq & pos & zero).
  set (plus := aligned s p (fun _ => 0)) in *. exists s, p, (fun _ => 0), (fun a => plus (permute a)).
  repeat split; auto; try apply fp; try apply lq. fold plus.
  assert (0 < KL s (fun a => plus (permute a)) plus); [|lra]. destruct pos as [lt|no]; [exact lt|].
  symmetry in no. apply zero in no. specialize (no 0%nat (or_introl eq_refl)).
  unfold plus, aligned, Z, p, permute, s in no. simpl in no. rewrite exp_0 in no. lra.
Qed.

(** * Equality in Cauchy and Schwarz *)

Section Equality.
Context {A : Type}.
Variables (s : list A) (q f g : A -> R).
Hypothesis fq : full s q.

Lemma Var_shifted k : Var s q (fun a => f a + k * g a) = Var s q f + 2 * k * Cov s q f g + k ^ 2 * Var s q g.
Proof.
  rewrite Var_sum. unfold Var at 2. rewrite Cov_scal, (Cov_sym s q g), Cov_scal, (Cov_sym s q f), Cov_scal, (Cov_sym s
    q g f).
  unfold Var. ring.
Qed.

Lemma Var_none h : Var s q h = 0 -> constant s h.
Proof. intros zero. apply NNPP. intros no. pose proof (Var_positive s q h fq no). lra. Qed.

Lemma Cov_affine c d : (forall a, In a s -> f a = c + d * g a) -> Cov s q f g = d * Var s q g.
Proof.
  intros line. rewrite (Cov_ext s q f (fun a => c + d * g a) g g) by auto.
  rewrite Cov_plus, Cov_const, Cov_scal by now apply full_law. unfold Var. ring.
Qed.

Lemma Var_affine c d : (forall a, In a s -> f a = c + d * g a) -> Var s q f = d ^ 2 * Var s q g.
Proof.
  intros line. unfold Var at 1. rewrite (Cov_ext s q f f f (fun a => c + d * g a)) by auto.
  rewrite Cov_sym, Cov_plus, Cov_const, Cov_scal, Cov_sym, (Cov_affine c d line) by now apply full_law. ring.
Qed.

Lemma affine_iff : 0 < Var s q g -> Cov s q f g ^ 2 = Var s q f * Var s q g ->
  exists c, forall a, In a s -> f a = c + Cov s q f g / Var s q g * g a.
Proof.
  intros pos eq. set (d := Cov s q f g / Var s q g). destruct (Var_none (fun a => f a + - d * g a)) as (c & same).
  - rewrite Var_shifted. unfold d. replace (Var s q f) with (Cov s q f g ^ 2 / Var s q g) by (rewrite eq; field; lra).
    field. lra.
  - exists c. intros a ha. specialize (same a ha). cbv beta in same. lra.
Qed.
End Equality.

(** * Global temperature *)

Section Slopes.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R) (tau : R).
Hypothesis fp : full s p.
Let q (t : R) : A -> R := tempered s (aligned s p Rw) t.
Let V : R := Var s (q tau) (I s p Rw).
Let C : R := Cov s (q tau) Rw (I s p Rw).

Lemma q_full : full s (q tau).
Proof. apply tempered_full, aligned_full, fp. Qed.

Lemma slope_unique f d : is_derive (fun t => E s (q t) f) tau d -> d = - Cov s (q tau) f (I s p Rw).
Proof.
  intros der. rewrite <- (is_derive_unique _ _ _ der). apply is_derive_unique, temperature_derive, fp.
Qed.

Lemma slope_likelihood : - Cov s (q tau) (L p) (I s p Rw) = V + C.
Proof.
  pose proof (full_law s _ q_full) as lq. unfold V, C. rewrite Var_surprisal, !Cov_surprisal by auto.
  rewrite (Cov_sym s _ Rw (L p)). unfold Var. ring.
Qed.
End Slopes.

Lemma ratio_equality (V C k : R) : 0 < V -> 0 <= k < 1 -> Rabs C <= k * V ->
  V + C <> 0 /\ Rabs (- C / (V + C)) <= k / (1 - k) /\ (Rabs (- C / (V + C)) = k / (1 - k) <-> C = - (k * V)).
Proof.
  intros vp [k0 k1] bound. assert (- (k * V) <= C <= k * V) as [low high] by (apply Rabs_le_between in bound; lra).
  assert (0 < V * (1 - k)) as room by (apply Rmult_lt_0_compat; lra). assert (0 < V + C) as pos by lra.
  split; [lra|]. unfold Rdiv. rewrite Rabs_mult, Rabs_inv, Rabs_Ropp, (Rabs_pos_eq (V + C)) by lra.
  assert (k / (1 - k) - Rabs C * / (V + C) = (k * (V + C) - Rabs C * (1 - k)) / ((1 - k) * (V + C))) as gap by (field;
    lra).
  assert (0 < (1 - k) * (V + C)) as den by (apply Rmult_lt_0_compat; lra).
  assert (0 <= k * (V + C) - Rabs C * (1 - k) /\ (k * (V + C) - Rabs C * (1 - k) = 0 <-> C = - (k * V))) as [num zero].
  { unfold Rabs. destruct (Rcase_abs C) as [neg|nonneg]; [split; [lra|split; lra]|].
    assert (0 <= k * C) by (apply Rmult_le_pos; lra). split; [lra|]. split; intros eq; [|nra].
    assert (k * C = 0) as kc by lra. apply Rmult_integral in kc. destruct kc as [kz|kz]; rewrite kz in *; lra. }
  split.
  - assert (0 <= k / (1 - k) - Rabs C * / (V + C)); [|unfold Rdiv in *; lra].
    rewrite gap. now apply Rdiv_le_0_compat.
  - rewrite <- zero. fold (k / (1 - k)). split; intros eq.
    + assert (k / (1 - k) - Rabs C * / (V + C) = 0) as none by lra. rewrite gap in none.
      apply (Rmult_eq_reg_r (/ ((1 - k) * (V + C)))); [|apply Rgt_not_eq, Rinv_0_lt_compat, den].
      unfold Rdiv in none. lra.
    + rewrite eq in gap. unfold Rdiv in gap at 2. rewrite Rmult_0_l in gap. lra.
Qed.

Theorem adaptors_slope_bound_equality_holds : adaptors_slope_bound_equality.
Proof.
  intros A s p Rw tau dL dR fp q k vp small derL derR. apply slope_unique in derL, derR; auto.
  rewrite slope_likelihood in derL by auto. fold (q tau) in derL, derR.
  set (V := Var s (q tau) (I s p Rw)) in *. set (C := Cov s (q tau) Rw (I s p Rw)) in *.
  pose proof (q_full s p Rw tau fp) as fq. fold (q tau) in fq. pose proof (full_law s _ fq) as lq.
  assert (0 < sqrt V) as root by now apply sqrt_lt_R0. assert (sqrt V * sqrt V = V) as square by (apply sqrt_sqrt; lra).
  assert (0 <= k) as k0 by (apply Rdiv_le_0_compat; [apply sqrt_pos|exact root]).
  assert (sqrt (Var s (q tau) Rw) = k * sqrt V) as sdR by (unfold k; fold V; field; lra).
  assert (Var s (q tau) Rw = k ^ 2 * V) as varR.
  { rewrite <- (sqrt_sqrt (Var s (q tau) Rw)) by now apply Var_nonneg. rewrite sdR.
    transitivity (k ^ 2 * (sqrt V * sqrt V)); [ring|]. now rewrite square. }
  destruct (ratio_equality V C k vp (conj k0 small)) as (nz & le & eq).
  { destruct (adaptors_slope_bound_cauchy_schwarz_holds A s (q tau) Rw (I s p Rw) lq) as [_ cs].
    fold V in cs. rewrite sdR, Rmult_assoc, square in cs. exact cs. }
  rewrite derL, derR. split; [exact nz|]. split; [exact le|]. rewrite eq. split.
  - intros low. destruct (Var_none s (q tau) fq (fun a => Rw a + k * I s p Rw a)) as (c & same).
    + rewrite Var_shifted. fold C V. rewrite varR, low. ring.
    + exists c. intros a ha. specialize (same a ha). cbv beta in same. lra.
  - intros (c & line). unfold C. rewrite (Cov_affine s (q tau) Rw (I s p Rw) fq c (- k)); [fold V; ring|].
    intros a ha. rewrite line by auto. ring.
Qed.

Theorem adaptors_slope_bound_rate_holds : adaptors_slope_bound_rate.
Proof.
  intros A s p Rw tau dR fp q der most. apply slope_unique in der; auto. fold (q tau) in der.
  pose proof (q_full s p Rw tau fp) as fq. fold (q tau) in fq. pose proof (full_law s _ fq) as lq.
  destruct (adaptors_slope_bound_cauchy_schwarz_holds A s (q tau) Rw (I s p Rw) lq) as [_ cs]. fold most in cs.
  rewrite der, Rabs_Ropp. split; [exact cs|].
  set (f := I s p Rw) in *. set (C := Cov s (q tau) Rw f) in *.
  assert (0 <= Var s (q tau) Rw) as r0 by now apply Var_nonneg. assert (0 <= Var s (q tau) f) as f0 by now apply
    Var_nonneg.
  assert (Rabs C = most <-> C ^ 2 = Var s (q tau) Rw * Var s (q tau) f) as ->.
  { unfold most. rewrite <- sqrt_mult by auto. split; intros eq.
    - rewrite <- (sqrt_sqrt (_ * Var s (q tau) f)) by now apply Rmult_le_pos. rewrite <- eq, <- Rabs_mult, Rabs_pos_eq
        by nra. ring.
    - rewrite <- eq, <- sqrt_Rsqr_abs. f_equal. unfold Rsqr. ring. }
  split.
  - intros eq. destruct (Req_dec (Var s (q tau) f) 0) as [zero|nz]; [right; left; now apply (Var_none s (q
      tau))|right; right].
    destruct (affine_iff s (q tau) Rw f fq) as (c & line); [lra|exact eq|]. fold C in line.
    set (d := C / Var s (q tau) f) in *. exists (ln (Z s p Rw) - c), c, 0, (- (1 + d)), d, 1.
    intros a ha. exists (f a). specialize (line a ha). pose proof (surprisal s p Rw a fp ha) as sum. fold f in sum.
    repeat split; lra.
  - intros [[c same]|[[c same]|(x & y & z & u & v & w & line)]].
    + rewrite (Var_constant s (q tau) Rw) by (auto; now exists c).
      unfold C. rewrite (Cov_ext s _ Rw (fun _ => c) f f), Cov_const by auto. ring.
    + rewrite (Var_constant s (q tau) f) by (auto; now exists c).
      unfold C. rewrite Cov_sym, (Cov_ext s _ f (fun _ => c) Rw Rw), Cov_const by auto. ring.
    + destruct (Req_dec w 0) as [->|nz].
      * assert (forall a, In a s -> f a = z) as same by (intros a ha; destruct (line a ha) as (t & _ & _ & ->); ring).
        rewrite (Var_constant s (q tau) f) by (auto; now exists z).
        unfold C. rewrite Cov_sym, (Cov_ext s _ f (fun _ => z) Rw Rw), Cov_const by auto. ring.
      * assert (forall a, In a s -> Rw a = y - z * (v / w) + v / w * f a) as affine.
        { intros a ha. destruct (line a ha) as (t & _ & -> & ->). field. exact nz. }
        unfold C. rewrite (Cov_affine s (q tau) Rw f fq _ _ affine), (Var_affine s (q tau) Rw f fq _ _ affine). ring.
Qed.

Theorem adaptors_exchange_forms_holds : adaptors_exchange_forms.
Proof.
  intros A s p Rw tau dL dR fp q l r V k x vp derL derR. apply slope_unique in derL, derR; auto.
  fold (q tau) in derL, derR. pose proof (full_law s _ (q_full s p Rw tau fp)) as lq. fold (q tau) in lq.
  destruct (adaptors_exchange_condition_holds A s p Rw (q tau) fp lq vp) as [one two].
  destruct (exchange_moments s p Rw fp (q tau) lq vp) as [bv cv].
  pose proof (Var_surprisal s p Rw (q tau) fp lq) as total. fold l r V k x in bv, cv, total, one, two.
  rewrite Cov_surprisal in derL, derR by auto. rewrite (Cov_sym s _ Rw (L p)) in derR.
  fold (Var s (q tau) (L p)) (Var s (q tau) Rw) in derL, derR. fold l r k in derL, derR.
  assert (x = 0 <-> k = - l) as at_l.
  { split; intros h; [rewrite h in bv; lra|]. apply (Rmult_eq_reg_r V); lra. }
  assert (x = -1 <-> k = - r) as at_r.
  { split; intros h; [rewrite h in cv; lra|]. apply (Rmult_eq_reg_r V); lra. }
  split; [exact one|]. split; [exact two|]. split; [|split].
  - rewrite at_l, at_r. unfold Rmin. destruct (Rle_dec l r); lra.
  - unfold Rmin, Rabs. destruct (Rle_dec l r), (Rcase_abs (l - r)); lra.
  - rewrite one. unfold Rmin. destruct (Rle_dec l r); repeat split; lra.
Qed.

(** * Second order *)

Section Local.
Variables (f f' : R -> R) (second : R).
Hypotheses (der : forall u, is_derive f u (f' u)) (flat : f' 1 = 0) (der2 : is_derive f' 1 second) (pos : 0 < second).

Lemma local_minimum : exists near, 0 < near /\ forall t, 0 < Rabs (t - 1) < near -> f 1 < f t.
Proof.
  apply is_derive_Reals in der2. destruct (der2 second pos) as (near & close). exists near. split; [apply cond_pos|].
  assert (forall u, u <> 1 -> Rabs (u - 1) < near -> 0 < f' u / (u - 1)) as sign.
  { intros u nz at_u. assert (u - 1 <> 0) as h0 by lra. specialize (close (u - 1) h0 at_u).
    replace (1 + (u - 1)) with u in close by ring. rewrite flat, Rminus_0_r in close. apply Rabs_def2 in close. lra. }
  assert (forall a c, forall u, a <= u <= c -> derivable_pt_lim f u (f' u)) as lims.
  { intros a c u _. apply is_derive_Reals, der. }
  intros t [away at_t]. destruct (Rtotal_order t 1) as [lt|[->|gt]].
  - destruct (MVT_cor2 f f' t 1 lt (lims t 1)) as (u & eq & at_u). rewrite Rabs_left in at_t by lra.
    assert (0 < f' u / (u - 1)) as su by (apply sign; [lra|rewrite Rabs_left; lra]).
    assert (f' u = f' u / (u - 1) * (u - 1)) as back by (field; lra).
    assert (0 < f' u / (u - 1) * (1 - u)) by (apply Rmult_lt_0_compat; lra).
    assert (0 < (- f' u) * (1 - t)) by (apply Rmult_lt_0_compat; lra). lra.
  - rewrite Rminus_eq_0, Rabs_R0 in away. lra.
  - destruct (MVT_cor2 f f' 1 t gt (lims 1 t)) as (u & eq & at_u). rewrite Rabs_right in at_t by lra.
    assert (0 < f' u / (u - 1)) as su by (apply sign; [lra|rewrite Rabs_right; lra]).
    assert (f' u = f' u / (u - 1) * (u - 1)) as back by (field; lra).
    assert (0 < f' u / (u - 1) * (u - 1)) by (apply Rmult_lt_0_compat; lra).
    assert (0 < (f' u) * (t - 1)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.
End Local.

Lemma tempered_one {A : Type} (s : list A) (q : A -> R) : full s q -> same_law s (tempered s q 1) q.
Proof.
  intros [pos one] a ha. unfold tempered, normalised. rewrite (sum_ext s _ q) by (intros; apply Rpower_1; auto).
  rewrite one, Rpower_1 by auto. field.
Qed.

(** d Cov(f, I) / dtau = - E[(f - E f)(I - E I)^2] *)
Lemma covariance_derive {A : Type} (s : list A) (p Rw f : A -> R) (tau : R) : full s p ->
  let q := tempered s (aligned s p Rw) in let i := I s p Rw in
  is_derive (fun t => - Cov s (q t) f i) tau (E s (q tau) (fun a => (f a - E s (q tau) f) * (i a - E s (q tau) i) ^ 2)).
Proof.
  intros fp q i. pose proof (full_law s _ (q_full s p Rw tau fp)) as lq. fold (q tau) in lq.
  pose proof (fun h => temperature_derive s p Rw fp h tau) as der. cbv beta in der. fold i in der.
  pose proof (is_derive_mult _ _ tau _ _ (der f) (der i) Rmult_comm) as product.
  pose proof (is_derive_minus _ _ tau _ _ product (der (fun a => f a * i a))) as all.
  apply (is_derive_ext _ (fun t => - Cov s (q t) f i)) in all.
  2:{ intros t. unfold Cov, minus, plus, opp, mult; simpl. unfold q. ring. }
  match type of all with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact all|] end
    end.
  fold (q tau). set (x := E s (q tau) f). set (y := E s (q tau) i).
  rewrite (E_ext s (q tau) (fun a => (f a - x) * (i a - y) ^ 2) (fun a => f a * i a * i a + (-2 * y * (f a * i a)
    + (y ^ 2 * f a + (- x * (i a * i a) + (2 * x * y * i a + - x * y ^ 2)))))) by (intros; ring).
  rewrite !E_plus, !E_scal, E_const by auto. unfold Cov, minus, plus, opp, mult; simpl. fold x y. ring.
Qed.

Theorem adaptors_exchange_second_order_holds : adaptors_exchange_second_order.
Proof.
  intros A s p Rw f fp plus q vp border second. assert (full s plus) as fq by apply aligned_full, fp.
  pose proof (full_law s _ fq) as lq. pose proof (tempered_one s plus fq) as one. fold q in one.
  set (i := I s p Rw) in *. set (f' := fun t => - Cov s (q t) f i).
  assert (forall u, is_derive (fun t => E s (q t) f) u (f' u)) as der by (intros u; apply (temperature_derive s p Rw
    fp)).
  assert (f' 1 = 0) as flat.
  { unfold f'. rewrite (Cov_ext_law s (q 1) plus) by auto. destruct (exchange_moments s p Rw fp plus lq vp) as [bv cv].
    fold i in bv, cv. unfold i. destruct border as [[zero ->]|[minus ->]]; rewrite Cov_surprisal by auto.
    - rewrite zero in bv. unfold Var in bv at 2. lra.
    - rewrite minus in cv. unfold Var in cv at 2. rewrite (Cov_sym s plus Rw (L p)). lra. }
  assert (forall h, E s (q 1) h = E s plus h) as means by (intros; now apply E_ext_law).
  assert (is_derive f' 1 second) as der2.
  { pose proof (covariance_derive s p Rw f 1 fp) as d. cbv zeta in d. fold plus q i in d. rewrite !means in d.
    unfold second. assert (Ent s plus = E s plus i) as -> by apply Ent_surprisal. exact d. }
  split; [rewrite <- flat; apply der|]. split.
  - unfold is_derive_n. apply (is_derive_ext f'); [|exact der2]. intros t. symmetry. apply is_derive_unique, der.
  - rewrite <- (means f). split; intros sign.
    + now apply (local_minimum (fun t => E s (q t) f) f' second).
    + destruct (local_minimum (fun t => - E s (q t) f) (fun t => - f' t) (- second)) as (near & np & close).
      * intros u. apply (is_derive_opp (fun t => E s (q t) f)), der.
      * rewrite flat. ring.
      * apply (is_derive_opp f'), der2.
      * lra.
      * exists near. split; [exact np|]. intros t at_t. specialize (close t at_t). lra.
Qed.

(** * Without a budget *)

(** A law that earns more of f, unless f is constant. *)
Lemma more_of {A : Type} (s : list A) (q f : A -> R) : full s q -> ~ constant s f ->
  exists q', law s q' /\ E s q f < E s q' f.
Proof.
  intros fq no. exists (strength s q f 1). split; [now apply strength_law|].
  destruct (alignment_strength_rises_holds A s q f 0 1 fq) as [rises _]; [lra|]. destruct (rises no) as [lt _].
  rewrite (E_ext_law s q (strength s q f 0)); [exact lt|]. intros a ha. unfold strength, aligned, Z.
  rewrite (sum_ext s (fun a0 => q a0 * exp (0 * f a0)) q) by (intros; rewrite Rmult_0_l, exp_0; ring).
  destruct fq as [_ ->]. rewrite Rmult_0_l, exp_0. field.
Qed.

Lemma E_same {A : Type} (s : list A) (q f : A -> R) c : law s q -> (forall a, In a s -> f a = c) -> E s q f = c.
Proof. intros lq same. rewrite (E_ext s q f (fun _ => c)) by auto. now apply E_const. Qed.

Lemma E_affine {A : Type} (s : list A) (q f g : A -> R) c d : law s q -> (forall a, In a s -> f a = c + d * g a) ->
  E s q f = c + d * E s q g.
Proof. intros lq line. rewrite (E_ext s q f (fun a => c + d * g a)) by auto. now rewrite E_plus, E_const, E_scal. Qed.

Lemma dependent {A : Type} (s : list A) (f g : A -> R) : s <> nil -> ~ independent s f g ->
  constant s f \/ exists c d, forall a, In a s -> g a = c + d * f a.
Proof.
  intros some no. apply NNPP. intros neither. apply no. intros c d e zero.
  destruct (Req_dec e 0) as [->|nz].
  - destruct (Req_dec d 0) as [->|nz].
    + destruct s as [|a t]; [congruence|]. specialize (zero a (or_introl eq_refl)). repeat split; lra.
    + destruct neither. left. exists (- c / d). intros a ha. specialize (zero a ha).
      apply (Rmult_eq_reg_l d); [|exact nz]. replace (d * (- c / d)) with (- c) by (field; exact nz). lra.
  - destruct neither. right. exists (- c / e), (- d / e). intros a ha. specialize (zero a ha).
    apply (Rmult_eq_reg_l e); [|exact nz]. replace (e * (- c / e + - d / e * f a)) with (- c - d * f a) by (field;
      exact nz).
    lra.
Qed.

Theorem adaptors_interior_pareto_holds : adaptors_interior_pareto.
Proof.
  intros A s p Rw fp plus. assert (full s plus) as fq by apply aligned_full, fp. pose proof (full_law s _ fq) as lq.
  split.
  - intros best.
    assert (forall q, law s q -> E s plus (L p) <= E s q (L p) -> E s plus Rw <= E s q Rw ->
      E s plus (L p) < E s q (L p) \/ E s plus Rw < E s q Rw -> False) as none.
    { intros q lw l r more. apply best. now exists q. }
    destruct (classic (independent s (L p) Rw)) as [ind|dep].
    { exfalso. destruct (adaptors_interior_gain_holds A s p Rw fp ind) as (det & top & tp & gain).
      destruct (gain top) as (fg & gl & gr); [lra|]. fold plus in det, fg, gl, gr.
      assert (0 < top * (Var s plus (L p) * Var s plus Rw - Cov s plus (L p) Rw ^ 2)) as pos by now apply
        Rmult_lt_0_compat.
      apply (none _ (full_law s _ fg)); [lra|lra|left; lra]. }
    destruct (dependent s (L p) Rw (law_support s plus lq) dep) as [(c & same)|(c & d & line)].
    + destruct (classic (constant s Rw)) as [rc|rv]; [left; split; [now exists c|exact rc]|exfalso].
      destruct (more_of s plus Rw fq rv) as (q & lw & more). apply (none q lw); [|lra|now right].
      rewrite !(E_same s _ (L p) c) by auto. lra.
    + destruct (classic (constant s (L p))) as [(k & same)|lv].
      { left. split; [now exists k|]. exists (c + d * k). intros a ha. now rewrite line, same. }
      right. exists c, (- d). split.
      * apply Rnot_le_lt. intros rising. destruct (more_of s plus (L p) fq lv) as (q & lw & more).
        apply (none q lw); [lra| |now left]. rewrite !(E_affine s _ Rw (L p) c d) by auto. nra.
      * intros a ha. rewrite line by auto. ring.
  - intros shape (q & lw & l & r & more). destruct shape as [[(c & lc) (d & rc)]|(c & k & kp & line)].
    + rewrite !(E_same s _ (L p) c), !(E_same s _ Rw d) in more by auto. lra.
    + assert (forall a, In a s -> Rw a = c + - k * L p a) as affine by (intros; rewrite line by auto; ring).
      rewrite !(E_affine s _ Rw (L p) c (- k) ) in r, more by auto. nra.
Qed.

Theorem adaptors_interior_tilt_holds : adaptors_interior_tilt.
Proof.
  intros A s p Rw eps fp plus l r c g q lw. assert (law s plus) as lq by apply full_law, aligned_full, fp.
  set (m := E s plus (L p)) in *. set (n := E s plus Rw) in *.
  assert (forall f, E s q f - E s plus f = eps * ((r - c) * Cov s plus (L p) f + (l - c) * Cov s plus Rw f)) as gain.
  { intros f. transitivity (eps * E s plus (fun a => g a * f a)).
    - rewrite <- E_scal. unfold E. rewrite <- sum_minus. apply sum_ext. intros a _. unfold q. ring.
    - f_equal. unfold g. rewrite (E_ext s plus _ (fun a => (r - c) * (L p a * f a) + ((l - c) * (Rw a * f a)
        + (- (r - c) * m - (l - c) * n) * f a))) by (intros; ring).
      rewrite !E_plus, !E_scal. unfold Cov. fold m n. ring. }
  unfold m, n. rewrite !gain, (Cov_sym s plus Rw (L p)). fold (Var s plus (L p)) (Var s plus Rw) l r c. split; ring.
Qed.

Theorem adaptors_interior_cost_holds : adaptors_interior_cost.
Proof.
  intros A s p Rw q fp lq plus dL dR. pose proof (adaptors_interior_price_holds A s p Rw q fp lq) as price.
  cbv zeta in price. fold plus in price. fold dL dR in price. split; [lra|]. intros gl gr.
  destruct (divergence_from_aligned s p fp Rw q lq) as [pos _]. fold plus in pos. lra.
Qed.
