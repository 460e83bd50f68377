(** prompts.identification: what a reward known up to a function of the prompt leaves open. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Alignment Prompts.
Import ListNotations.
Open Scope R_scope.

Theorem prompts_identification_same_holds : prompts_identification_same.
Proof.
  intros A s p Rw f g fp other. destruct (alignment_secret_reward_shift_holds A s p Rw f g fp) as (same & cov & _).
  split; assumption.
Qed.

(** * The algebra: a = Var E[L | X], d = Var L, r = E Var(R | X), k = E Cov(L, R | X) > 0; of M = E[R | X] + g the
      covariance c with E[L | X] and the variance m *)

Section Algebra.
Variables a d r k : R.
Hypotheses (a0 : 0 <= a) (dp : 0 < d) (rp : 0 < r) (kp : 0 < k).

Definition value (c m : R) : R := (k + c) / sqrt (d * (r + m)).
Definition far : R := sqrt ((a * r + k ^ 2) / (d * r)).

Lemma root_pos m : 0 <= m -> 0 < sqrt (d * (r + m)).
Proof. intros m0. apply sqrt_lt_R0, Rmult_lt_0_compat; lra. Qed.

Lemma value_square c m : 0 <= m -> value c m ^ 2 = (k + c) ^ 2 / (d * (r + m)).
Proof.
  intros m0. pose proof (root_pos m m0) as rt. unfold value.
  rewrite <- (sqrt_sqrt (d * (r + m))) at 2 by (apply Rmult_le_pos; lra). field. lra.
Qed.

Lemma value_sign c m : 0 <= m -> value c m * sqrt (d * (r + m)) = k + c.
Proof. intros m0. pose proof (root_pos m m0). unfold value. field. lra. Qed.

Lemma value_below c m : 0 <= m -> c ^ 2 <= a * m -> value c m <= far.
Proof.
  intros m0 cs. pose proof (root_pos m m0) as rt. pose proof (value_sign c m m0) as sign.
  destruct (Rle_dec (k + c) 0) as [neg|pos].
  - apply Rle_trans with 0; [|apply sqrt_pos]. nra.
  - apply Rnot_le_lt in pos. assert (0 < value c m) as vp by (apply Rdiv_lt_0_compat; lra).
    rewrite <- (sqrt_pow2 (value c m)) by lra. apply sqrt_le_1_alt. rewrite value_square by exact m0.
    assert (0 < d * (r + m)) by (apply Rmult_lt_0_compat; lra). assert (0 < d * r) by now apply Rmult_lt_0_compat.
    apply (Rmult_le_reg_r (d * (r + m) * (d * r))); [now apply Rmult_lt_0_compat|].
    replace ((k + c) ^ 2 / (d * (r + m)) * (d * (r + m) * (d * r))) with (d * ((k + c) ^ 2 * r)) by (field; lra).
    replace ((a * r + k ^ 2) / (d * r) * (d * (r + m) * (d * r))) with (d * ((a * r + k ^ 2) * (r + m))) by (field; lra).
    apply Rmult_le_compat_l; [lra|].
    assert (0 <= a * r ^ 2 + k ^ 2 * m - 2 * k * c * r) as core.
    { destruct a0 as [ap|zero].
      - assert (0 <= a * (a * r ^ 2 + k ^ 2 * m - 2 * k * c * r)); [|nra].
        replace (a * (a * r ^ 2 + k ^ 2 * m - 2 * k * c * r)) with ((a * r - k * c) ^ 2 + k ^ 2 * (a * m - c ^ 2)) by ring.
        apply Rplus_le_le_0_compat; [apply pow2_ge_0|]. apply Rmult_le_pos; [apply pow2_ge_0|lra].
      - assert (c = 0) as -> by (rewrite <- zero in cs; nra). rewrite <- zero.
        pose proof (pow2_ge_0 k). nra. }
    replace ((k + c) ^ 2 * r) with ((a * r + k ^ 2) * (r + m)
      - (r * (a * m - c ^ 2) + (a * r ^ 2 + k ^ 2 * m - 2 * k * c * r))) by ring.
    assert (0 <= r * (a * m - c ^ 2)) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma value_above c m : 0 <= m -> c ^ 2 <= a * m -> - sqrt (a / d) < value c m.
Proof.
  intros m0 cs. pose proof (root_pos m m0) as rt. pose proof (value_sign c m m0) as sign.
  assert (0 <= a / d) as e0 by (apply Rdiv_le_0_compat; lra). pose proof (sqrt_pos (a / d)) as s0.
  destruct (Rlt_dec 0 (k + c)) as [pos|no].
  - assert (0 < value c m) by (apply Rdiv_lt_0_compat; lra). lra.
  - assert (k + c <= 0) as neg by lra. assert (0 < c ^ 2) as c2 by nra. assert (0 < a) as ap by nra.
    assert (value c m <= 0) as vneg by nra.
    assert (value c m ^ 2 < a / d) as small.
    { rewrite value_square by exact m0. assert (0 < r + m) by lra.
      apply (Rmult_lt_reg_r (d * (r + m))); [apply Rmult_lt_0_compat; lra|].
      replace ((k + c) ^ 2 / (d * (r + m)) * (d * (r + m))) with ((k + c) ^ 2) by (field; lra).
      replace (a / d * (d * (r + m))) with (a * (r + m)) by (field; lra). nra. }
    pose proof (sqrt_lt_1_alt _ _ (conj (pow2_ge_0 (value c m)) small)) as less.
    replace (value c m ^ 2) with ((- value c m) ^ 2) in less by ring. rewrite sqrt_pow2 in less by lra. lra.
Qed.

(** M = t h, where h has covariance c1 with E[L | X] and variance m1 *)
Lemma value_continuous c1 m1 : 0 <= m1 -> continuity (fun t => value (t * c1) (t ^ 2 * m1)).
Proof.
  intros m0 t. apply continuity_pt_filterlim, (ex_derive_continuous (fun t => value (t * c1) (t ^ 2 * m1))).
  unfold value. auto_derive. assert (0 <= t ^ 2 * m1) as pos by (apply Rmult_le_pos; [apply pow2_ge_0|exact m0]).
  pose proof (root_pos _ pos) as rt. simpl in pos. split; [apply Rmult_lt_0_compat; simpl in *; lra|]. simpl in rt. split; [lra|exact Logic.I].
Qed.

Lemma value_reached c1 m1 v t0 t1 : 0 <= m1 ->
  value (t0 * c1) (t0 ^ 2 * m1) <= v -> v <= value (t1 * c1) (t1 ^ 2 * m1) ->
  exists t, value (t * c1) (t ^ 2 * m1) = v.
Proof.
  intros m0 low high. destruct (IVT_gen (fun t => value (t * c1) (t ^ 2 * m1)) t0 t1 v) as (t & _ & eq).
  - now apply value_continuous.
  - split; [eapply Rle_trans; [apply Rmin_l|exact low]|eapply Rle_trans; [exact high|apply Rmax_r]].
  - now exists t.
Qed.

(** a > 0, h = E[L | X] *)
Lemma spread_reached v : 0 < a -> - sqrt (a / d) < v -> v <= far -> exists t, value (t * a) (t ^ 2 * a) = v.
Proof.
  intros ap low high. assert (0 < a / d) as ad by now apply Rdiv_lt_0_compat.
  assert (forall t, 0 <= t ^ 2 * a) as m0 by (intros; apply Rmult_le_pos; [apply pow2_ge_0|lra]).
  assert (exists t0, value (t0 * a) (t0 ^ 2 * a) <= v) as [t0 start].
  { destruct (Rle_dec 0 v) as [v0|neg].
    - exists (- k / a). apply Rle_trans with 0; [|exact v0]. unfold value. replace (k + - k / a * a) with 0 by (field; lra).
      unfold Rdiv. rewrite Rmult_0_l. apply Rle_refl.
    - assert (0 < - v) as up by lra. set (z := v ^ 2 * d).
      assert (v ^ 2 < a / d) as small.
      { assert ((- v) ^ 2 < sqrt (a / d) ^ 2) as sq by nra.
        rewrite pow2_sqrt in sq by lra. replace (v ^ 2) with ((- v) ^ 2) by ring. exact sq. }
      assert (z < a) as za.
      { unfold z. apply (Rmult_lt_compat_r d) in small; [|exact dp]. replace (a / d * d) with a in small by (field; lra). exact small. }
      assert (0 <= z) as z0 by (apply Rmult_le_pos; [apply pow2_ge_0|lra]).
      assert (0 < a * (a - z)) as gap by (apply Rmult_lt_0_compat; lra).
      assert (0 <= 2 * a * k + z * r) as need by nra.
      set (T := 1 + (2 * a * k + z * r) / (a * (a - z))).
      assert (1 <= T) as T1 by (unfold T; assert (0 <= (2 * a * k + z * r) / (a * (a - z))) by (apply Rdiv_le_0_compat; lra); lra).
      assert (2 * a * k + z * r <= T * (a * (a - z))) as big.
      { unfold T. rewrite Rmult_plus_distr_r. replace ((2 * a * k + z * r) / (a * (a - z)) * (a * (a - z)))
          with (2 * a * k + z * r) by (field; lra). lra. }
      exists (- T). pose proof (root_pos _ (m0 (- T))) as rt. pose proof (value_sign (- T * a) _ (m0 (- T))) as sign.
      assert (T * (2 * a * k + z * r) <= T * (T * (a * (a - z)))) as bigger by (apply Rmult_le_compat_l; lra).
      assert (0 <= z * r) as zr by (apply Rmult_le_pos; lra).
      assert (1 * (z * r) <= T * (z * r)) as more by (apply Rmult_le_compat_r; lra).
      assert (z * (r + T ^ 2 * a) <= (T * a - k) ^ 2) as squares by (pose proof (pow2_ge_0 k); lra).
      assert (0 <= T * a - k) as pos.
      { assert (2 * k <= T * (a - z)) by (apply (Rmult_le_reg_l a); lra).
        assert (0 <= T * z) by (apply Rmult_le_pos; lra). lra. }
      assert (- v * sqrt (d * (r + (- T) ^ 2 * a)) <= T * a - k) as le.
      { rewrite <- (sqrt_pow2 (T * a - k)), <- (sqrt_pow2 (- v)) by lra.
        rewrite <- sqrt_mult by (first [apply pow2_ge_0|specialize (m0 (- T)); apply Rmult_le_pos; lra]).
        apply sqrt_le_1_alt. unfold z in squares. replace ((- T) ^ 2) with (T ^ 2) by ring.
        replace ((- v) ^ 2) with (v ^ 2) by ring. lra. }
      apply (Rmult_le_reg_r (sqrt (d * (r + (- T) ^ 2 * a)))); [exact rt|]. rewrite sign. lra. }
  apply (value_reached a a v t0 (r / k)); [lra|exact start|]. eapply Rle_trans; [exact high|]. right.
  assert (0 < value (r / k * a) ((r / k) ^ 2 * a)) as vp.
  { apply Rdiv_lt_0_compat; [|apply root_pos, m0]. assert (0 < r / k) by now apply Rdiv_lt_0_compat. nra. }
  rewrite <- (sqrt_pow2 (value _ _)) by lra. unfold far. f_equal. rewrite value_square by apply m0. field.
  repeat split; try lra. pose proof (pow2_ge_0 r). assert (0 < k ^ 2) by now apply pow_lt. nra.
Qed.

(** a = 0, any h *)
Lemma flat_reached v y : a = 0 -> 0 < y -> 0 < v -> v <= far -> exists t, value (t * 0) (t ^ 2 * y) = v.
Proof.
  intros zero yp vp high. set (T := k / (v * sqrt (d * y))).
  assert (0 < d * y) as dy by now apply Rmult_lt_0_compat. assert (0 < sqrt (d * y)) as sy by now apply sqrt_lt_R0.
  apply (value_reached 0 y v T 0); [lra| |].
  - assert (T ^ 2 * y = k ^ 2 / (v ^ 2 * d)) as square.
    { unfold T. rewrite <- (sqrt_sqrt (d * y)) in dy by lra.
      replace ((k / (v * sqrt (d * y))) ^ 2 * y) with (k ^ 2 * y / (v ^ 2 * (sqrt (d * y) * sqrt (d * y)))) by (field; lra).
      rewrite sqrt_sqrt by (apply Rmult_le_pos; lra). field. lra. }
    assert (0 < v ^ 2 * d) as vd by (apply Rmult_lt_0_compat; [now apply pow_lt|exact dp]).
    assert (0 <= T ^ 2 * y) as m0 by (rewrite square; apply Rdiv_le_0_compat; [apply pow2_ge_0|exact vd]).
    pose proof (root_pos _ m0) as rt. pose proof (value_sign (T * 0) _ m0) as sign. rewrite Rmult_0_r, Rplus_0_r in sign.
    rewrite Rmult_0_r. apply (Rmult_le_reg_r (sqrt (d * (r + T ^ 2 * y)))); [exact rt|]. rewrite sign.
    rewrite <- (sqrt_pow2 k) at 1 by lra. rewrite <- (sqrt_pow2 v) by lra.
    rewrite <- sqrt_mult by (first [apply pow2_ge_0|apply Rmult_le_pos; lra]). apply sqrt_le_1_alt. rewrite square.
    replace (v ^ 2 * (d * (r + k ^ 2 / (v ^ 2 * d)))) with (v ^ 2 * d * r + k ^ 2) by (field; lra).
    assert (0 <= v ^ 2 * d * r) by (apply Rmult_le_pos; lra). lra.
  - eapply Rle_trans; [exact high|]. right. unfold far. rewrite zero. rewrite !Rmult_0_l.
    assert (0 < value 0 (0 ^ 2 * y)) as pos.
    { apply Rdiv_lt_0_compat; [lra|apply root_pos; simpl; lra]. }
    rewrite <- (sqrt_pow2 (value _ _)) by lra. f_equal. rewrite value_square by (simpl; lra). simpl. field. lra.
Qed.
End Algebra.

(** * Prompts *)

Section Range.
Context {X A : Type}.
Variables (xs : list X) (w : X -> R) (s : X -> list A) (q : X -> A -> R).
Hypotheses (lw : law xs w) (lq : forall x, In x xs -> law (s x) (q x)).
Implicit Types f g : X * A -> R.

(** total covariance *)
Lemma Cov_pairs f g : Cov (pairs xs s) (joint w q) f g
  = E xs w (fun x => Cov (s x) (q x) (fun a => f (x, a)) (fun a => g (x, a)))
    + Cov xs w (fun x => E (s x) (q x) (fun a => f (x, a))) (fun x => E (s x) (q x) (fun a => g (x, a))).
Proof. unfold Cov. rewrite !E_pairs, E_minus. ring. Qed.

(** Where f does not vary within prompts it has no covariance within them. *)
Lemma within_zero (f g : X -> A -> R) : E xs w (fun x => Var (s x) (q x) (f x)) = 0 ->
  E xs w (fun x => Cov (s x) (q x) (f x) (g x)) = 0.
Proof.
  intros zero. unfold E at 1. rewrite (sum_ext xs _ (fun _ => 0)); [apply sum_zero|]. intros x hx.
  assert (w x * Var (s x) (q x) (f x) = 0) as here.
  { apply (sum_zero_each xs (fun x => w x * Var (s x) (q x) (f x))); auto. intros y hy.
    apply Rmult_le_pos; [now apply lw|apply Var_nonneg; auto]. }
  apply Rmult_integral in here. destruct here as [->|none]; [ring|].
  pose proof (cauchy_schwarz (s x) (q x) (f x) (g x) (lq x hx)) as cs. rewrite none in cs.
  assert (Cov (s x) (q x) (f x) (g x) = 0) as -> by nra. ring.
Qed.
End Range.

(** The range under any laws within prompts, of any L and R *)
Lemma range {X A : Type} (xs : list X) (w : X -> R) (s : X -> list A) (q Lf Rf : X -> A -> R) :
  law xs w -> (forall x, In x xs -> law (s x) (q x)) -> (exists h, 0 < Var xs w h) ->
  let Lx xa := Lf (fst xa) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rf (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (Lf x)) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (Lf x) (Rf x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (Lf x)) * E xs w (fun x => Var (s x) (q x) (Rf x))) in
  0 < cov -> 0 <= e2 < 1 /\ 0 < rho ^ 2 /\
  forall v, (exists g, corr g = v) <-> - sqrt e2 < v <= sqrt (e2 + (1 - e2) * rho ^ 2).
Proof.
  intros lw lq (h & hv) Lx corr e2 cov rho kp.
  set (Lm := fun x => E (s x) (q x) (Lf x)) in *. set (Rm := fun x => E (s x) (q x) (Rf x)).
  set (l := E xs w (fun x => Var (s x) (q x) (Lf x))) in *. set (r := E xs w (fun x => Var (s x) (q x) (Rf x))) in *.
  set (a := Var xs w Lm). set (d := Var (pairs xs s) (joint w q) Lx) in *.
  assert (d = l + a) as total by (unfold d; rewrite Var_pairs; reflexivity).
  assert (0 <= a) as a0 by now apply Var_nonneg.
  assert (0 <= l) as l0 by (apply E_nonneg; auto; intros; apply Var_nonneg; auto).
  assert (0 <= r) as r0 by (apply E_nonneg; auto; intros; apply Var_nonneg; auto).
  assert (0 < l) as lp.
  { destruct l0 as [pos|zero]; [exact pos|]. symmetry in zero.
    pose proof (within_zero xs w s q lw lq Lf Rf zero) as none. unfold cov in kp. lra. }
  assert (0 < r) as rp.
  { destruct r0 as [pos|zero]; [exact pos|]. symmetry in zero.
    pose proof (within_zero xs w s q lw lq Rf Lf zero) as none.
    rewrite (E_ext xs w _ (fun x => Cov (s x) (q x) (Lf x) (Rf x))) in none by (intros; apply Cov_sym).
    unfold cov in kp. lra. }
  assert (0 < d) as dp by lra.
  assert (forall g, corr g = value d r cov (Cov xs w Lm (fun x => Rm x + g x)) (Var xs w (fun x => Rm x + g x))) as corrs.
  { intros g. set (f := fun xa => Rf (fst xa) (snd xa) + g (fst xa)).
    assert (forall x k, In x xs -> Cov (s x) (q x) k (fun y => f (x, y)) = Cov (s x) (q x) k (Rf x)) as same.
    { intros x k hx. unfold f; simpl. rewrite Cov_sym, Cov_plus, Cov_const by auto. rewrite Cov_sym. ring. }
    assert (forall x, In x xs -> E (s x) (q x) (fun y => f (x, y)) = Rm x + g x) as means.
    { intros x hx. unfold f; simpl. rewrite E_plus, E_const by auto. reflexivity. }
    assert (Cov (pairs xs s) (joint w q) Lx f = cov + Cov xs w Lm (fun x => Rm x + g x)) as c.
    { rewrite Cov_pairs. f_equal.
      - apply E_ext. intros x hx. now apply same.
      - apply Cov_ext; [reflexivity|exact means]. }
    assert (Var (pairs xs s) (joint w q) f = r + Var xs w (fun x => Rm x + g x)) as m.
    { rewrite Var_pairs. f_equal.
      - apply E_ext. intros x hx. unfold Var. rewrite same, Cov_sym by exact hx. rewrite same by exact hx. reflexivity.
      - unfold Var. now apply Cov_ext. }
    unfold corr, Corr. fold f d. rewrite c, m. reflexivity. }
  assert (e2 = a / d) as ee by reflexivity.
  assert (sqrt (e2 + (1 - e2) * rho ^ 2) = far a d r cov) as ends.
  { unfold far. f_equal. rewrite ee. unfold rho.
    replace ((cov / sqrt (l * r)) ^ 2) with (cov ^ 2 / (sqrt (l * r) * sqrt (l * r)))
      by (field; apply Rgt_not_eq, sqrt_lt_R0, Rmult_lt_0_compat; lra).
    rewrite sqrt_sqrt by (apply Rmult_le_pos; lra). replace a with (d - l) by lra. field. lra. }
  assert (0 <= a / d < 1) as share.
  { split; [apply Rdiv_le_0_compat; lra|]. apply (Rmult_lt_reg_r d); [exact dp|].
    replace (a / d * d) with a by (field; lra). lra. }
  assert (0 < rho ^ 2) as rp2.
  { apply pow_lt. apply Rdiv_lt_0_compat; [exact kp|]. apply sqrt_lt_R0, Rmult_lt_0_compat; lra. }
  rewrite ends, ee. split; [exact share|]. split; [exact rp2|]. intros v. split.
  - intros (g & <-). rewrite corrs.
    assert (0 <= Var xs w (fun x => Rm x + g x)) as m0 by now apply Var_nonneg.
    pose proof (cauchy_schwarz xs w Lm (fun x => Rm x + g x) lw) as cs. fold a in cs.
    split; [now apply value_above|now apply value_below].
  - intros [low high].
    assert (forall t k, value d r cov (t * Cov xs w Lm k) (t ^ 2 * Var xs w k) = v -> exists g, corr g = v) as found.
    { intros t k <-. exists (fun x => t * k x - Rm x). rewrite corrs. f_equal.
      - rewrite Cov_sym, (Cov_ext xs w _ (fun x => t * k x) Lm Lm) by (intros; ring). rewrite Cov_scal. f_equal. apply Cov_sym.
      - unfold Var. rewrite (Cov_ext xs w _ (fun x => t * k x) _ (fun x => t * k x)) by (intros; ring).
        rewrite Cov_scal, Cov_sym, Cov_scal. ring. }
    destruct a0 as [ap|zero].
    + destruct (spread_reached a d r cov ltac:(lra) dp rp kp v ap low high) as (t & eq). apply (found t Lm). exact eq.
    + assert (Cov xs w Lm h = 0) as none.
      { pose proof (cauchy_schwarz xs w Lm h lw) as cs. fold a in cs. rewrite <- zero in cs. nra. }
      rewrite <- zero in low. unfold Rdiv in low. rewrite Rmult_0_l, sqrt_0 in low.
      destruct (flat_reached a d r cov dp rp kp v (Var xs w h) (eq_sym zero) hv ltac:(lra) high) as (t & eq).
      apply (found t h). rewrite none. exact eq.
Qed.

Theorem prompts_identification_range_holds : prompts_identification_range.
Proof.
  intros X A xs w s p Rw lw fp vary q Lx corr e2 cov rho kp v.
  apply (range xs w s q (fun x => L (p x)) Rw lw); auto. intros. now apply (q_law xs s p Rw).
Qed.

(** The mirror image: -R in the place of R *)
Lemma mirrored {X A : Type} (xs : list X) (w : X -> R) (s : X -> list A) (q Lf Rf : X -> A -> R) :
  law xs w -> (forall x, In x xs -> law (s x) (q x)) -> (exists h, 0 < Var xs w h) ->
  let Lx xa := Lf (fst xa) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rf (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (Lf x)) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (Lf x) (Rf x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (Lf x)) * E xs w (fun x => Var (s x) (q x) (Rf x))) in
  cov < 0 -> 0 <= e2 < 1 /\ 0 < rho ^ 2 /\
  forall v, (exists g, corr g = v) <-> - sqrt (e2 + (1 - e2) * rho ^ 2) <= v < sqrt e2.
Proof.
  intros lw lq vary Lx corr e2 cov rho neg. set (Mf := fun x a => -1 * Rf x a).
  assert (forall x, Cov (s x) (q x) (Lf x) (Mf x) = -1 * Cov (s x) (q x) (Lf x) (Rf x)) as covs.
  { intros x. unfold Mf. now rewrite Cov_sym, Cov_scal, Cov_sym. }
  assert (E xs w (fun x => Cov (s x) (q x) (Lf x) (Mf x)) = - cov) as flipped.
  { rewrite (E_ext xs w _ (fun x => -1 * Cov (s x) (q x) (Lf x) (Rf x))) by (intros; apply covs).
    rewrite E_scal. fold cov. ring. }
  assert (E xs w (fun x => Var (s x) (q x) (Mf x)) = E xs w (fun x => Var (s x) (q x) (Rf x))) as spreads.
  { apply E_ext. intros x _. unfold Var, Mf. rewrite Cov_scal, Cov_sym, Cov_scal. ring. }
  destruct (range xs w s q Lf Mf lw lq vary) as (share & positive & iff); [rewrite flipped; lra|].
  rewrite flipped, spreads in positive, iff. fold Lx in share, iff. fold e2 in share, iff.
  assert ((- cov / sqrt (E xs w (fun x => Var (s x) (q x) (Lf x)) * E xs w (fun x => Var (s x) (q x) (Rf x)))) ^ 2 = rho ^ 2) as sq
    by (unfold rho, Rdiv; ring).
  rewrite sq in positive, iff. split; [exact share|]. split; [exact positive|]. intros v.
  assert (forall g, Corr (pairs xs s) (joint w q) Lx (fun xa => Mf (fst xa) (snd xa) + g (fst xa))
    = - corr (fun x => - g x)) as turned.
  { intros g. unfold corr, Corr. set (f := fun xa => Rf (fst xa) (snd xa) + - g (fst xa)).
    assert (forall xa, Mf (fst xa) (snd xa) + g (fst xa) = -1 * f xa) as eq by (intros; unfold Mf, f; ring).
    assert (Var (pairs xs s) (joint w q) (fun xa => Mf (fst xa) (snd xa) + g (fst xa)) = Var (pairs xs s) (joint w q) f) as vs.
    { unfold Var. rewrite (Cov_ext _ _ _ (fun xa => -1 * f xa) _ (fun xa => -1 * f xa)) by (intros; apply eq).
      rewrite Cov_scal, Cov_sym, Cov_scal. ring. }
    rewrite vs, (Cov_ext _ _ Lx Lx _ (fun xa => -1 * f xa)) by (auto; intros; apply eq).
    rewrite Cov_sym, Cov_scal, Cov_sym. unfold Rdiv. ring. }
  assert (forall g g', (forall x, g x = g' x) -> corr g = corr g') as same.
  { intros g g' eq. unfold corr, Corr. set (f := fun xa => Rf (fst xa) (snd xa) + g (fst xa)).
    set (f' := fun xa => Rf (fst xa) (snd xa) + g' (fst xa)).
    assert (forall xa, In xa (pairs xs s) -> f xa = f' xa) as ff by (intros; unfold f, f'; now rewrite eq).
    assert (Cov (pairs xs s) (joint w q) Lx f = Cov (pairs xs s) (joint w q) Lx f') as -> by (apply Cov_ext; auto).
    assert (Var (pairs xs s) (joint w q) f = Var (pairs xs s) (joint w q) f') as -> by (apply Cov_ext; auto).
    reflexivity. }
  split.
  - intros (g & eq). destruct (proj1 (iff (- v))) as [low high].
    + exists (fun x => - g x). pose proof (turned (fun x => - g x)) as tg. cbv beta in tg |- *. rewrite tg.
      f_equal. rewrite <- eq. apply same. intros; ring.
    + lra.
  - intros [low high]. destruct (proj2 (iff (- v))) as (g & eq); [lra|].
    rewrite turned in eq. exists (fun x => - g x). lra.
Qed.

Theorem prompts_identification_mirrored_holds : prompts_identification_mirrored.
Proof.
  intros X A xs w s p Rw lw fp vary q Lx corr e2 cov rho neg v.
  apply (mirrored xs w s q (fun x => L (p x)) Rw lw); auto. intros. now apply (q_law xs s p Rw).
Qed.
