(** The ground: sums, means, covariances, divergences and the aligned law, for every finite law. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements.
Import ListNotations.
Open Scope R_scope.

(** * Sums *)

Section Sums.
Context {A : Type}.
Implicit Types (s : list A) (f g q : A -> R) (c : R).

Lemma sum_ext s f g : (forall a, In a s -> f a = g a) -> sum s f = sum s g.
Proof.
  induction s as [|x s IH]; simpl; intros eq; [reflexivity|].
  rewrite (eq x), IH; auto.
Qed.

Lemma sum_plus s f g : sum s (fun a => f a + g a) = sum s f + sum s g.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_minus s f g : sum s (fun a => f a - g a) = sum s f - sum s g.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_opp s f : sum s (fun a => - f a) = - sum s f.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_scal s c f : sum s (fun a => c * f a) = c * sum s f.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_scal_r s c f : sum s (fun a => f a * c) = sum s f * c.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_const s c : sum s (fun _ => c) = INR (length s) * c.
Proof.
  induction s as [|x s IH]; [simpl; ring|].
  cbn [sum length]. rewrite IH, S_INR. ring.
Qed.

Lemma sum_zero s : sum s (fun _ => 0) = 0.
Proof. rewrite sum_const. ring. Qed.

Lemma sum_app s t f : sum (s ++ t) f = sum s f + sum t f.
Proof. induction s as [|x s IH]; simpl; [ring|rewrite IH; ring]. Qed.

Lemma sum_le s f g : (forall a, In a s -> f a <= g a) -> sum s f <= sum s g.
Proof.
  induction s as [|x s IH]; simpl; intros le; [lra|].
  apply Rplus_le_compat; auto.
Qed.

Lemma sum_nonneg s f : (forall a, In a s -> 0 <= f a) -> 0 <= sum s f.
Proof. intros pos. rewrite <- (sum_zero s). apply sum_le. exact pos. Qed.

Lemma sum_zero_each s f : (forall a, In a s -> 0 <= f a) -> sum s f = 0 -> forall a, In a s -> f a = 0.
Proof.
  induction s as [|x s IH]; simpl; intros pos total a []; subst.
  - assert (0 <= f a) by auto. assert (0 <= sum s f) by (apply sum_nonneg; auto). lra.
  - assert (0 <= f x) by auto. assert (0 <= sum s f) by (apply sum_nonneg; auto). apply IH; auto; lra.
Qed.

Lemma sum_at_least s f a : (forall y, In y s -> 0 <= f y) -> In a s -> f a <= sum s f.
Proof.
  induction s as [|x s IH]; simpl; intros pos []; subst.
  - assert (0 <= sum s f) by (apply sum_nonneg; auto). lra.
  - assert (0 <= f x) by auto. assert (f a <= sum s f) by auto. lra.
Qed.

Lemma sum_pos_at s f a : (forall y, In y s -> 0 <= f y) -> In a s -> 0 < f a -> 0 < sum s f.
Proof. intros pos at_a fa. pose proof (sum_at_least s f a pos at_a). lra. Qed.

Lemma sum_pos s f : s <> nil -> (forall a, In a s -> 0 < f a) -> 0 < sum s f.
Proof.
  destruct s as [|x s]; [congruence|]. intros _ pos.
  apply (sum_pos_at _ _ x); [|left; reflexivity|apply pos; left; reflexivity].
  intros y hy. apply Rlt_le, pos, hy.
Qed.

Lemma sum_lt s f g : (forall a, In a s -> f a <= g a) -> (exists a, In a s /\ f a < g a) -> sum s f < sum s g.
Proof.
  intros le (a & at_a & lt). assert (0 < sum s (fun y => g y - f y)) as pos.
  { apply (sum_pos_at _ _ a); auto; [intros y hy; specialize (le y hy)|]; lra. }
  rewrite sum_minus in pos. lra.
Qed.
End Sums.

Lemma sum_swap {A B : Type} (s : list A) (t : list B) (f : A -> B -> R) :
  sum s (fun a => sum t (f a)) = sum t (fun y => sum s (fun a => f a y)).
Proof.
  induction s as [|x s IH]; simpl; [now rewrite sum_zero|].
  rewrite IH, <- sum_plus. reflexivity.
Qed.

Lemma sum_map {A B : Type} (s : list A) (h : A -> B) (f : B -> R) : sum (map h s) f = sum s (fun a => f (h a)).
Proof. induction s as [|x s IH]; simpl; [reflexivity|now rewrite IH]. Qed.

Lemma sum_flat_map {A B : Type} (s : list A) (h : A -> list B) (f : B -> R) :
  sum (flat_map h s) f = sum s (fun a => sum (h a) f).
Proof. induction s as [|x s IH]; simpl; [reflexivity|now rewrite sum_app, IH]. Qed.

(** * Laws *)

Section Laws.
Context {A : Type}.
Implicit Types (s : list A) (q p w f g h : A -> R) (c : R).

Lemma full_law s q : full s q -> law s q.
Proof. intros [pos one]. split; auto. intros a ha. apply Rlt_le; auto. Qed.

Lemma law_support s q : law s q -> s <> nil.
Proof. intros [_ one] none. subst. simpl in one. lra. Qed.

Lemma normalised_sum s w : sum s w <> 0 -> sum s (normalised s w) = 1.
Proof. intros nz. unfold normalised, Rdiv. rewrite sum_scal_r. field. exact nz. Qed.

Lemma normalised_full s w : s <> nil -> (forall a, In a s -> 0 < w a) -> full s (normalised s w).
Proof.
  intros some pos. assert (0 < sum s w) as total by (apply sum_pos; auto). split.
  - intros a ha. apply Rdiv_lt_0_compat; auto.
  - apply normalised_sum. lra.
Qed.

Lemma normalised_law s w : (forall a, In a s -> 0 <= w a) -> 0 < sum s w -> law s (normalised s w).
Proof.
  intros pos total. split.
  - intros a ha. apply Rdiv_le_0_compat; auto.
  - apply normalised_sum. lra.
Qed.

Lemma E_normalised s w f : E s (normalised s w) f = sum s (fun a => w a * f a) / sum s w.
Proof.
  unfold E, normalised, Rdiv. rewrite <- sum_scal_r. apply sum_ext. intros; ring.
Qed.

(** * Means and covariances *)

Lemma E_ext s q f g : (forall a, In a s -> f a = g a) -> E s q f = E s q g.
Proof. intros eq. apply sum_ext. intros a ha. now rewrite eq. Qed.

Lemma E_ext_law s q p f : (forall a, In a s -> q a = p a) -> E s q f = E s p f.
Proof. intros eq. apply sum_ext. intros a ha. now rewrite eq. Qed.

Lemma E_plus s q f g : E s q (fun a => f a + g a) = E s q f + E s q g.
Proof. unfold E. rewrite <- sum_plus. apply sum_ext. intros; ring. Qed.

Lemma E_minus s q f g : E s q (fun a => f a - g a) = E s q f - E s q g.
Proof. unfold E. rewrite <- sum_minus. apply sum_ext. intros; ring. Qed.

Lemma E_scal s q c f : E s q (fun a => c * f a) = c * E s q f.
Proof. unfold E. rewrite <- sum_scal. apply sum_ext. intros; ring. Qed.

Lemma E_scal_r s q c f : E s q (fun a => f a * c) = E s q f * c.
Proof. unfold E. rewrite <- sum_scal_r. apply sum_ext. intros; ring. Qed.

Lemma E_opp s q f : E s q (fun a => - f a) = - E s q f.
Proof. unfold E. rewrite <- sum_opp. apply sum_ext. intros; ring. Qed.

Lemma E_const s q c : law s q -> E s q (fun _ => c) = c.
Proof. intros [_ one]. unfold E. rewrite sum_scal_r, one. ring. Qed.

Lemma E_le s q f g : law s q -> (forall a, In a s -> f a <= g a) -> E s q f <= E s q g.
Proof. intros [pos _] le. apply sum_le. intros a ha. apply Rmult_le_compat_l; auto. Qed.

Lemma E_nonneg s q f : law s q -> (forall a, In a s -> 0 <= f a) -> 0 <= E s q f.
Proof. intros lq pos. rewrite <- (E_const s q 0 lq). now apply E_le. Qed.

Lemma Cov_sym s q f g : Cov s q f g = Cov s q g f.
Proof. unfold Cov. rewrite (E_ext s q (fun a => f a * g a) (fun a => g a * f a)); [ring|intros; ring]. Qed.

Lemma Cov_ext s q f f' g g' : (forall a, In a s -> f a = f' a) -> (forall a, In a s -> g a = g' a) ->
  Cov s q f g = Cov s q f' g'.
Proof.
  intros ef eg. unfold Cov. rewrite (E_ext s q f f' ef), (E_ext s q g g' eg).
  rewrite (E_ext s q _ (fun a => f' a * g' a)); [reflexivity|]. intros a ha. now rewrite ef, eg.
Qed.

Lemma Cov_ext_law s q p f g : (forall a, In a s -> q a = p a) -> Cov s q f g = Cov s p f g.
Proof. intros eq. unfold Cov. now rewrite !(E_ext_law s q p _ eq). Qed.

Lemma Cov_plus s q f g h : Cov s q (fun a => f a + g a) h = Cov s q f h + Cov s q g h.
Proof.
  unfold Cov. rewrite E_plus, (E_ext s q _ (fun a => f a * h a + g a * h a)), E_plus; [ring|intros; ring].
Qed.

Lemma Cov_scal s q c f g : Cov s q (fun a => c * f a) g = c * Cov s q f g.
Proof.
  unfold Cov. rewrite E_scal, (E_ext s q _ (fun a => c * (f a * g a))), E_scal; [ring|intros; ring].
Qed.

Lemma Cov_const s q c f : law s q -> Cov s q (fun _ => c) f = 0.
Proof. intros lq. unfold Cov. rewrite E_scal, E_const by auto. ring. Qed.

Lemma Cov_centred s q f g : law s q ->
  Cov s q f g = E s q (fun a => (f a - E s q f) * (g a - E s q g)).
Proof.
  intros lq. set (x := E s q f). set (y := E s q g).
  rewrite (E_ext s q _ (fun a => f a * g a - (x * g a + y * f a - x * y))) by (intros; ring).
  rewrite E_minus, E_minus, E_plus, !E_scal, E_const by auto. unfold Cov. fold x y. ring.
Qed.

Lemma Var_nonneg s q f : law s q -> 0 <= Var s q f.
Proof.
  intros lq. unfold Var. rewrite Cov_centred by auto. apply E_nonneg; auto. intros. apply Rle_0_sqr.
Qed.

Lemma Var_zero s q f : law s q -> Var s q f = 0 -> forall a, In a s -> q a = 0 \/ f a = E s q f.
Proof.
  intros lq zero a ha. unfold Var in zero. rewrite Cov_centred in zero by auto.
  assert (q a * ((f a - E s q f) * (f a - E s q f)) = 0) as here.
  { apply (sum_zero_each s (fun a => q a * ((f a - E s q f) * (f a - E s q f)))); auto. intros y hy.
    apply Rmult_le_pos; [apply lq; auto|apply Rle_0_sqr]. }
  apply Rmult_integral in here. destruct here as [->|here]; [now left|right].
  apply Rmult_integral in here. lra.
Qed.

(** What varies under one law of full support varies under every other. *)
Lemma Var_full s p q f : full s p -> full s q -> 0 < Var s p f -> 0 < Var s q f.
Proof.
  intros fp fq pos. destruct (Var_nonneg s q f (full_law s q fq)) as [lt|eq]; [exact lt|exfalso].
  assert (forall a, In a s -> f a = E s q f) as const.
  { intros a ha. assert (0 < q a) by now apply fq.
    destruct (Var_zero s q f (full_law s q fq) (eq_sym eq) a ha); [lra|auto]. }
  unfold Var in pos. rewrite (Cov_ext s p _ _ _ _ const const), Cov_const in pos by now apply full_law. lra.
Qed.

Lemma Var_sum s q f g : Var s q (fun a => f a + g a) = Var s q f + Var s q g + 2 * Cov s q f g.
Proof.
  unfold Var. rewrite Cov_plus, (Cov_sym s q f), (Cov_sym s q g), !Cov_plus, (Cov_sym s q g f). ring.
Qed.

(** Cauchy and Schwarz: the variance of Var g f - Cov(f, g) g is Var g (Var f Var g - Cov(f, g)^2). *)
Lemma cauchy_schwarz s q f g : law s q -> Cov s q f g ^ 2 <= Var s q f * Var s q g.
Proof.
  intros lq. set (x := Var s q g). set (k := Cov s q f g).
  assert (0 <= x) as [xp|x0] by (apply Var_nonneg; auto).
  - assert (Var s q (fun a => x * f a + - k * g a) = x * (Var s q f * x - k ^ 2)) as split.
    { rewrite Var_sum. unfold Var at 1 2. rewrite !Cov_scal.
      rewrite (Cov_sym s q f (fun a => x * f a)), (Cov_sym s q g (fun a => - k * g a)).
      rewrite (Cov_sym s q f (fun a => - k * g a)), !Cov_scal, (Cov_sym s q g f).
      fold (Var s q f) (Var s q g) k x. ring. }
    pose proof (Var_nonneg s q (fun a => x * f a + - k * g a) lq) as pos. rewrite split in pos.
    assert (0 <= Var s q f * x - k ^ 2); [|lra].
    apply (Rmult_le_reg_l x); [exact xp|]. lra.
  - assert (k = 0) as ->; [|rewrite <- x0; lra].
    unfold k. rewrite Cov_centred by auto. unfold E at 1.
    rewrite (sum_ext s _ (fun _ => 0)); [apply sum_zero|]. intros a ha.
    destruct (Var_zero s q g lq (eq_sym x0) a ha) as [->|eq]; [ring|]. rewrite eq. ring.
Qed.

(** * Divergences *)

Lemma exp_monotone (x y : R) : x <= y -> exp x <= exp y.
Proof. intros [lt|eq]; [apply Rlt_le, exp_increasing, lt|rewrite eq; apply Rle_refl]. Qed.

Lemma ln_below x : 0 < x -> ln x <= x - 1.
Proof.
  intros xp. destruct (Req_dec (ln x) 0) as [z|nz].
  - assert (x = 1) by (apply ln_inv; try lra; rewrite ln_1; lra). lra.
  - pose proof (exp_ineq1 (ln x) nz) as lt. rewrite exp_ln in lt; lra.
Qed.

Lemma ln_below_eq x : 0 < x -> ln x = x - 1 -> x = 1.
Proof.
  intros xp eq. destruct (Req_dec (ln x) 0) as [z|nz]; [lra|].
  pose proof (exp_ineq1 (ln x) nz) as lt. rewrite exp_ln in lt; lra.
Qed.

Lemma divergence_term (q p : R) : 0 <= q -> 0 <= p -> (p = 0 -> q = 0) -> q - p <= q * ln (q / p).
Proof.
  intros [qp|<-] p0 ac; [|rewrite Rmult_0_l; lra].
  assert (0 < p) as pp by (destruct p0 as [pp|e]; [auto|symmetry in e; apply ac in e; lra]).
  pose proof (ln_below (p / q) (Rdiv_lt_0_compat _ _ pp qp)) as le.
  replace (q / p) with (/ (p / q)) by (field; lra). rewrite ln_Rinv by (apply Rdiv_lt_0_compat; auto).
  apply (Rmult_le_compat_l q) in le; [|lra]. replace (q * (p / q - 1)) with (p - q) in le by (field; lra). lra.
Qed.

Lemma divergence_term_eq (q p : R) : 0 <= q -> 0 <= p -> (p = 0 -> q = 0) -> q * ln (q / p) = q - p -> q = p.
Proof.
  intros [qp|<-] p0 ac eq; [|lra].
  assert (0 < p) as pp by (destruct p0 as [pp|e]; [auto|symmetry in e; apply ac in e; lra]).
  assert (p / q = 1) as one.
  { apply ln_below_eq; [apply Rdiv_lt_0_compat; auto|].
    replace (q / p) with (/ (p / q)) in eq by (field; lra). rewrite ln_Rinv in eq by (apply Rdiv_lt_0_compat; auto).
    apply (Rmult_eq_reg_l q); [|lra]. replace (q * (p / q - 1)) with (p - q) by (field; lra). lra. }
  apply (Rmult_eq_compat_r q) in one. unfold Rdiv in one. rewrite Rmult_assoc, Rinv_l in one; lra.
Qed.

(** Gibbs' inequality, for any p that is 0 only where q is *)
Lemma KL_nonneg s q p : law s q -> law s p -> (forall a, In a s -> p a = 0 -> q a = 0) -> 0 <= KL s q p.
Proof.
  intros [q0 q1] [p0 p1] ac. assert (0 <= sum s (fun a => q a * ln (q a / p a) - (q a - p a))) as pos.
  { apply sum_nonneg. intros a ha. pose proof (divergence_term (q a) (p a) (q0 a ha) (p0 a ha) (ac a ha)). lra. }
  rewrite !sum_minus, q1, p1 in pos. unfold KL. lra.
Qed.

Lemma KL_zero s q p : law s q -> law s p -> (forall a, In a s -> p a = 0 -> q a = 0) -> KL s q p = 0 ->
  forall a, In a s -> q a = p a.
Proof.
  intros [q0 q1] [p0 p1] ac zero a ha.
  assert (q a * ln (q a / p a) - (q a - p a) = 0) as here.
  { apply (sum_zero_each s (fun a => q a * ln (q a / p a) - (q a - p a))); auto.
    - intros y hy. pose proof (divergence_term (q y) (p y) (q0 y hy) (p0 y hy) (ac y hy)). lra.
    - rewrite !sum_minus, q1, p1. unfold KL in zero. lra. }
  apply divergence_term_eq; auto. lra.
Qed.

Lemma KL_self s q : (forall a, In a s -> 0 <= q a) -> KL s q q = 0.
Proof.
  intros pos. unfold KL. rewrite (sum_ext s _ (fun _ => 0)); [apply sum_zero|]. intros a ha.
  destruct (pos a ha) as [lt|<-]; [|ring]. unfold Rdiv. rewrite Rinv_r, ln_1 by lra. ring.
Qed.

Lemma KL_ext s q q' p p' : (forall a, In a s -> q a = q' a) -> (forall a, In a s -> p a = p' a) ->
  KL s q p = KL s q' p'.
Proof. intros eq ep. apply sum_ext. intros a ha. now rewrite eq, ep. Qed.

Lemma full_ac s q p : full s p -> forall a, In a s -> p a = 0 -> q a = 0.
Proof. intros [pos _] a ha zero. specialize (pos a ha). lra. Qed.

(** KL(q || p) = CE(q, p) - H(q), zeros of q included *)
Lemma KL_split s q p : law s q -> (forall a, In a s -> 0 < p a) -> KL s q p = CE s q p - Ent s q.
Proof.
  intros [q0 _] pos. unfold KL, CE, Ent. rewrite <- !sum_opp, <- sum_minus. apply sum_ext. intros a ha.
  destruct (q0 a ha) as [lt|<-]; [|ring]. rewrite ln_div by auto. ring.
Qed.

(** * The aligned law *)

Lemma Z_pos s p Rw : full s p -> 0 < Z s p Rw.
Proof.
  intros fp. apply sum_pos; [eapply law_support, full_law, fp|].
  intros a ha. apply Rmult_lt_0_compat; [now apply fp|apply exp_pos].
Qed.

Lemma aligned_full s p Rw : full s p -> full s (aligned s p Rw).
Proof.
  intros fp. apply (normalised_full s (fun a => p a * exp (Rw a))); [eapply law_support, full_law, fp|].
  intros a ha. apply Rmult_lt_0_compat; [now apply fp|apply exp_pos].
Qed.

Lemma ln_aligned s p Rw a : full s p -> In a s -> ln (aligned s p Rw a) = L p a + Rw a - ln (Z s p Rw).
Proof.
  intros fp ha. unfold aligned, L. pose proof (Z_pos s p Rw fp) as zp. pose proof (exp_pos (Rw a)) as ep.
  assert (0 < p a) by now apply fp. rewrite ln_div, ln_mult, ln_exp; auto. now apply Rmult_lt_0_compat.
Qed.

(** L + R = log Z - I for every string *)
Lemma surprisal s p Rw a : full s p -> In a s -> I s p Rw a = ln (Z s p Rw) - L p a - Rw a.
Proof. intros fp ha. unfold I. rewrite ln_aligned by auto. ring. Qed.

Lemma E_surprisal s p Rw q : full s p -> law s q -> E s q (I s p Rw) = ln (Z s p Rw) - E s q (L p) - E s q Rw.
Proof.
  intros fp lq. rewrite (E_ext s q _ (fun a => ln (Z s p Rw) - L p a - Rw a)) by (intros; now apply surprisal).
  rewrite !E_minus, E_const by auto. reflexivity.
Qed.

Lemma CE_surprisal s p Rw q : CE s q (aligned s p Rw) = E s q (I s p Rw).
Proof. unfold CE, E, I. rewrite <- sum_opp. apply sum_ext. intros; ring. Qed.

Lemma Ent_surprisal s p Rw : Ent s (aligned s p Rw) = E s (aligned s p Rw) (I s p Rw).
Proof. unfold Ent, E, I. rewrite <- sum_opp. apply sum_ext. intros; ring. Qed.

Lemma Cov_surprisal s p Rw q f : full s p -> law s q ->
  Cov s q f (I s p Rw) = - Cov s q f (L p) - Cov s q f Rw.
Proof.
  intros fp lq. rewrite Cov_sym.
  rewrite (Cov_ext s q _ (fun a => ln (Z s p Rw) + (-1 * L p a + -1 * Rw a)) f f); auto.
  - rewrite !Cov_plus, !Cov_scal, Cov_const, !(Cov_sym s q _ f) by auto. ring.
  - intros a ha. rewrite surprisal by auto. ring.
Qed.

(** V = Var L + Var R + 2 Cov(L, R), under any law *)
Lemma Var_surprisal s p Rw q : full s p -> law s q ->
  Var s q (I s p Rw) = Var s q (L p) + Var s q Rw + 2 * Cov s q (L p) Rw.
Proof.
  intros fp lq. unfold Var. rewrite Cov_surprisal by auto.
  rewrite (Cov_sym s q (I s p Rw)), (Cov_sym s q (I s p Rw)), !Cov_surprisal, (Cov_sym s q Rw (L p)) by auto. ring.
Qed.
End Laws.

(** * Corpora *)

Section Corpora.
Context {A : Type}.
Implicit Types (s c : list A) (q f g : A -> R) (n : nat).

Lemma EN_ext s q n F G : (forall c, length c = n -> incl c s -> F c = G c) -> EN s q n F = EN s q n G.
Proof.
  revert F G. induction n as [|n IH]; simpl; intros F G eq; [apply eq; auto; intros a []|].
  apply sum_ext. intros a ha. f_equal. apply IH. intros c len sub. apply eq; simpl; [now rewrite len|].
  intros y [<-|hy]; auto.
Qed.

Lemma EN_ext_law s q p n F : (forall a, In a s -> q a = p a) -> EN s q n F = EN s p n F.
Proof.
  intros eq. revert F. induction n as [|n IH]; simpl; intros F; [reflexivity|].
  apply sum_ext. intros a ha. now rewrite eq, IH.
Qed.

Lemma EN_plus s q n F G : EN s q n (fun c => F c + G c) = EN s q n F + EN s q n G.
Proof.
  revert F G. induction n as [|n IH]; simpl; intros F G; [reflexivity|].
  rewrite <- sum_plus. apply sum_ext. intros a _. rewrite IH. ring.
Qed.

Lemma EN_scal s q n k F : EN s q n (fun c => k * F c) = k * EN s q n F.
Proof.
  revert F. induction n as [|n IH]; simpl; intros F; [reflexivity|].
  rewrite <- sum_scal. apply sum_ext. intros a _. rewrite IH. ring.
Qed.

Lemma EN_minus s q n F G : EN s q n (fun c => F c - G c) = EN s q n F - EN s q n G.
Proof.
  rewrite (EN_ext s q n _ (fun c => F c + -1 * G c)) by (intros; ring). rewrite EN_plus, EN_scal. ring.
Qed.

Lemma EN_const s q n k : law s q -> EN s q n (fun _ => k) = k.
Proof.
  intros lq. induction n as [|n IH]; simpl; [reflexivity|].
  rewrite (sum_ext s _ (fun a => q a * k)) by (intros; now rewrite IH). now apply E_const.
Qed.

Lemma EN_le s q n F G : law s q -> (forall c, length c = n -> incl c s -> F c <= G c) -> EN s q n F <= EN s q n G.
Proof.
  intros lq. revert F G. induction n as [|n IH]; simpl; intros F G le; [apply le; auto; intros a []|].
  apply sum_le. intros a ha. apply Rmult_le_compat_l; [now apply lq|]. apply IH. intros c len sub.
  apply le; simpl; [now rewrite len|]. intros y [<-|hy]; auto.
Qed.

Lemma EN_sum s q n f : law s q -> EN s q n (fun c => sum c f) = INR n * E s q f.
Proof.
  intros lq. induction n as [|n IH]; [simpl; ring|]. rewrite S_INR. cbn [EN].
  rewrite (sum_ext s _ (fun a => q a * f a + q a * (INR n * E s q f))).
  - rewrite sum_plus. change (E s q f + E s q (fun _ => INR n * E s q f) = (INR n + 1) * E s q f).
    rewrite E_const by auto. ring.
  - intros a _. cbn [sum]. rewrite EN_plus, EN_const, IH by auto. ring.
Qed.

Lemma EN_product s q n f g : law s q -> EN s q n (fun c => sum c f * sum c g)
  = INR n * E s q (fun a => f a * g a) + INR n * (INR n - 1) * (E s q f * E s q g).
Proof.
  intros lq. induction n as [|n IH]; [simpl; ring|]. rewrite S_INR. cbn [EN].
  set (x := E s q f) in *. set (y := E s q g) in *. set (m := E s q (fun a => f a * g a)) in *.
  set (rest := INR n * m + INR n * (INR n - 1) * (x * y)) in *.
  transitivity (E s q (fun a => f a * g a + (INR n * y * f a + (INR n * x * g a + rest)))).
  - apply sum_ext. intros a _. f_equal. cbn [sum].
    rewrite (EN_ext s q n _ (fun c => f a * g a + (f a * sum c g + (g a * sum c f + sum c f * sum c g))))
      by (intros; ring).
    rewrite !EN_plus, EN_const, !EN_scal, !EN_sum, IH by auto. unfold x, y. ring.
  - rewrite !E_plus, !E_scal, E_const by auto. fold x y m. unfold rest. ring.
Qed.

Lemma EN_mean s q n f : law s q -> (1 <= n)%nat -> EN s q n (fun c => mean c f) = E s q f.
Proof.
  intros lq some. assert (INR n <> 0) as nz by (apply not_0_INR; lia).
  rewrite (EN_ext s q n _ (fun c => / INR n * sum c f)).
  - rewrite EN_scal, EN_sum by auto. field. exact nz.
  - intros c len _. unfold mean, Rdiv. rewrite len. ring.
Qed.

Lemma EN_mean_product s q n f g : law s q -> (1 <= n)%nat ->
  EN s q n (fun c => mean c f * mean c g) = Cov s q f g / INR n + E s q f * E s q g.
Proof.
  intros lq some. assert (INR n <> 0) as nz by (apply not_0_INR; lia).
  rewrite (EN_ext s q n _ (fun c => / (INR n * INR n) * (sum c f * sum c g))).
  - rewrite EN_scal, EN_product by auto. unfold Cov. field. exact nz.
  - intros c len _. unfold mean. rewrite len. field. exact nz.
Qed.

(** Lbar + Rbar = log Z - Ibar *)
Lemma corpus_line s p Rw c : full s p -> c <> nil -> incl c s ->
  mean c (I s p Rw) = ln (Z s p Rw) - mean c (L p) - mean c Rw.
Proof.
  intros fp some sub. unfold mean.
  assert (INR (length c) <> 0) as nz by (apply not_0_INR; destruct c; simpl; congruence).
  rewrite (sum_ext c _ (fun a => ln (Z s p Rw) - L p a - Rw a)) by (intros; apply surprisal; auto).
  rewrite !sum_minus, sum_const. field. exact nz.
Qed.

Lemma CovN_iid s q n f g : law s q -> (1 <= n)%nat -> CovN s q n f g = Cov s q f g / INR n.
Proof. intros lq some. unfold CovN. rewrite EN_mean_product, !EN_mean by auto. ring. Qed.
End Corpora.
