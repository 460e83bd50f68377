(** line: the identity for every corpus, concentration at log Z - H, and the rate of leaving the line. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential.
Import ListNotations.
Open Scope R_scope.

Theorem line_identity_every_corpus_holds : line_identity_every_corpus.
Proof. intros A s p Rw c fp some sub. rewrite corpus_line by auto. ring. Qed.

Lemma corpus_some {A : Type} (c : list A) (n : nat) : (1 <= n)%nat -> length c = n -> c <> nil.
Proof. intros some len ->. simpl in len. lia. Qed.

(** The line's distance from log Z - H is that of Ibar from H, with the other sign. *)
Lemma line_distance {A : Type} (s c : list A) (p Rw : A -> R) : full s p -> c <> nil -> incl c s ->
  let q := aligned s p Rw in
  mean c (L p) + mean c Rw - (ln (Z s p Rw) - Ent s q) = E s q (I s p Rw) - mean c (I s p Rw).
Proof. intros fp some sub q. unfold q. rewrite corpus_line, Ent_surprisal by auto. ring. Qed.

Section Tails.
Context {A : Type}.
Variables (s : list A) (q f : A -> R) (n : nat).
Hypotheses (lq : law s q) (some : (1 <= n)%nat).

Lemma size_pos : 0 < INR n.
Proof. apply lt_0_INR. lia. Qed.

Lemma spread : EN s q n (fun c => (E s q f - mean c f) ^ 2) = Var s q f / INR n.
Proof.
  set (m := E s q f).
  rewrite (EN_ext s q n _ (fun c => mean c f * mean c f + (-2 * m * mean c f + m * m))) by (intros; ring).
  rewrite !EN_plus, EN_scal, EN_const, EN_mean_product, EN_mean by auto. fold m. unfold Var. ring.
Qed.

(** Chebyshev *)
Lemma chebyshev (event : list A -> R) eps : 0 < eps ->
  (forall c, length c = n -> incl c s -> event c <= (E s q f - mean c f) ^ 2 / eps ^ 2) ->
  EN s q n event <= Var s q f / (INR n * eps ^ 2).
Proof.
  intros ep le. pose proof size_pos as np. assert (0 < eps ^ 2) by now apply pow_lt.
  replace (Var s q f / (INR n * eps ^ 2)) with (/ eps ^ 2 * (Var s q f / INR n)) by (field; lra).
  rewrite <- spread, <- EN_scal. apply EN_le; auto. intros c len sub. specialize (le c len sub).
  unfold Rdiv in le. lra.
Qed.

(** E e^(sum over a corpus) = (E e^f)^N *)
Lemma EN_exp (g : A -> R) : EN s q n (fun c => exp (sum c g)) = E s q (fun a => exp (g a)) ^ n.
Proof.
  clear some. induction n as [|m IH]; [apply exp_0|]. cbn [EN pow]. unfold E at 1. rewrite <- sum_scal_r.
  apply sum_ext. intros a _. rewrite Rmult_assoc. f_equal. rewrite <- IH, <- EN_scal. apply EN_ext.
  intros c _ _. cbn [sum]. apply exp_plus.
Qed.

(** Chernoff: an event on which sum g >= N x *)
Lemma chernoff (event : list A -> R) (g : A -> R) x : 0 < E s q (fun a => exp (g a)) ->
  (forall c, length c = n -> incl c s -> event c <= exp (sum c g - INR n * x)) ->
  EN s q n event <= exp (- (INR n * (x - ln (E s q (fun a => exp (g a)))))).
Proof.
  intros pos le. set (m := E s q (fun a => exp (g a))) in *.
  apply Rle_trans with (EN s q n (fun c => exp (- (INR n * x)) * exp (sum c g))).
  - apply EN_le; auto. intros c len sub. rewrite <- exp_plus. eapply Rle_trans; [apply le; auto|].
    right. f_equal. ring.
  - rewrite EN_scal, EN_exp. fold m. right. rewrite <- (exp_ln m pos) at 1.
    assert (forall k y, exp y ^ k = exp (INR k * y)) as powers.
    { intros k y. induction k as [|k IH]; [simpl; now rewrite Rmult_0_l, exp_0|].
      rewrite S_INR. simpl. rewrite IH, <- exp_plus. f_equal. ring. }
    rewrite powers, <- exp_plus. f_equal. ring.
Qed.
End Tails.

Lemma indicator_le (x y b : R) : 0 <= b -> (x <= y -> 1 <= b) -> indicator (Rle_dec x y) <= b.
Proof. intros b0 b1. unfold indicator. destruct (Rle_dec x y); auto. Qed.

Lemma one_le_exp (x : R) : 0 <= x -> 1 <= exp x.
Proof. intros pos. rewrite <- exp_0. now apply exp_monotone. Qed.

Theorem line_concentration_chebyshev_holds : line_concentration_chebyshev.
Proof.
  intros A s p Rw n eps fp some ep q. assert (law s q) as lq by apply full_law, aligned_full, fp.
  apply chebyshev; auto. intros c len sub. assert (0 < eps ^ 2) as e2 by now apply pow_lt.
  unfold q. rewrite line_distance by (eauto using corpus_some). fold q. set (x := E s q _ - mean c _).
  apply indicator_le.
  - apply Rdiv_le_0_compat; [apply pow2_ge_0|exact e2].
  - intros far. apply (Rmult_le_reg_r (eps ^ 2)); [exact e2|]. replace (x ^ 2 / eps ^ 2 * eps ^ 2) with (x ^ 2) by (field; lra).
    rewrite Rmult_1_l, <- (pow2_abs x). apply pow_incr. lra.
Qed.

(** e^-y <= 1 - y + y^2 / 2 for y >= 0 *)
Lemma exp_quadratic y : 0 <= y -> exp (- y) <= 1 - y + y ^ 2 / 2.
Proof.
  intros pos. assert (1 - 0 + 0 ^ 2 / 2 - exp (- 0) <= 1 - y + y ^ 2 / 2 - exp (- y)) as le.
  { apply (increasing_le (fun u => 1 - u + u ^ 2 / 2 - exp (- u)) (fun u => - 1 + u + exp (- u)) 0 y pos).
    - intros u _. auto_derive; [exact Logic.I|field].
    - intros u _. pose proof (exp_ineq1_le (- u)). lra. }
  rewrite Ropp_0, exp_0 in le. lra.
Qed.

(** With Y = I - min I >= 0: E e^(-u Y) <= 1 - u E Y + u^2 E Y^2 / 2, and E Y^2 = V + (H - min I)^2. *)
Lemma one_sided_moment {A : Type} (s : list A) (q f : A -> R) (least u : R) : law s q -> 0 <= u ->
  (forall a, In a s -> least <= f a) -> let d := E s q f - least in
  E s q (fun a => exp (u * (E s q f - f a))) <= exp (u ^ 2 * (Var s q f + d ^ 2) / 2).
Proof.
  intros lq up low d. set (m := E s q f). set (v := Var s q f).
  apply Rle_trans with (exp (u * d) * (1 - u * d + u ^ 2 * (v + d ^ 2) / 2)).
  - apply Rle_trans with (E s q (fun a => exp (u * d) * (1 - u * (f a - least) + (u * (f a - least)) ^ 2 / 2))).
    + apply E_le; auto. intros a ha. fold m.
      replace (u * (m - f a)) with (u * d + - (u * (f a - least))) by (unfold d, m; ring). rewrite exp_plus.
      apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|]. apply exp_quadratic. apply Rmult_le_pos; auto.
      specialize (low a ha). lra.
    + right. rewrite E_scal. f_equal.
      set (k := 1 + u * least + u ^ 2 / 2 * least ^ 2).
      rewrite (E_ext s q _ (fun a => u ^ 2 / 2 * (f a * f a) + ((- u - u ^ 2 * least) * f a + k)))
        by (intros; unfold k; field).
      rewrite !E_plus, !E_scal, E_const by auto. unfold v, Var, Cov, d, m, k. field.
  - replace (u ^ 2 * (v + d ^ 2) / 2) with (u * d + (- (u * d) + u ^ 2 * (v + d ^ 2) / 2)) by ring.
    rewrite exp_plus. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|].
    pose proof (exp_ineq1_le (- (u * d) + u ^ 2 * (v + d ^ 2) / 2)). lra.
Qed.

Lemma E_exp_pos {A : Type} (s : list A) (q g : A -> R) : full s q -> 0 < E s q (fun a => exp (g a)).
Proof.
  intros fq. apply sum_pos; [eapply law_support, full_law, fq|].
  intros. apply Rmult_lt_0_compat; [now apply fq|apply exp_pos].
Qed.

Theorem line_concentration_one_sided_holds : line_concentration_one_sided.
Proof.
  intros A s p Rw n eps least fp some ep low q vp. assert (full s q) as fq by apply aligned_full, fp.
  assert (law s q) as lq by now apply full_law. set (f := I s p Rw) in *. set (v := Var s q f) in *.
  assert (Ent s q = E s q f) as ent by apply Ent_surprisal. set (d := Ent s q - least).
  assert (0 < v + d ^ 2) as total by (pose proof (pow2_ge_0 d); lra). set (u := eps / (v + d ^ 2)).
  assert (0 < u) as up by now apply Rdiv_lt_0_compat. set (g := fun a => u * (E s q f - f a)).
  pose proof (size_pos n some) as np.
  eapply Rle_trans; [apply (chernoff s q n lq _ g (u * eps))|].
  - now apply E_exp_pos.
  - intros c len sub. unfold q. rewrite line_distance by (eauto using corpus_some). fold q f.
    apply indicator_le; [apply Rlt_le, exp_pos|]. intros far. apply one_le_exp.
    unfold g. rewrite sum_scal, sum_minus, sum_const, len. unfold mean in far. rewrite len in far.
    replace (u * (INR n * E s q f - sum c f) - INR n * (u * eps))
      with (u * INR n * (E s q f - sum c f / INR n - eps)) by (field; lra).
    apply Rmult_le_pos; [apply Rmult_le_pos|]; lra.
  - apply exp_monotone.
    assert (ln (E s q (fun a => exp (g a))) <= u ^ 2 * (v + d ^ 2) / 2) as moment.
    { rewrite <- (ln_exp (u ^ 2 * (v + d ^ 2) / 2)). apply ln_le; [now apply E_exp_pos|].
      unfold d. rewrite ent. apply one_sided_moment; auto. lra. }
    replace (- (INR n * eps ^ 2) / (2 * (v + d ^ 2))) with (- (INR n * (u * eps - u ^ 2 * (v + d ^ 2) / 2)))
      by (unfold u; field; lra).
    apply Ropp_le_contravar, Rmult_le_compat_l; lra.
Qed.

(** E_{p+} e^(u I) = sum p+^(1 - u) *)
Lemma moment_powers {A : Type} (s : list A) (p Rw : A -> R) (u : R) : full s p ->
  E s (aligned s p Rw) (fun a => exp (u * I s p Rw a)) = sum s (fun a => Rpower (aligned s p Rw a) (1 - u)).
Proof.
  intros fp. apply sum_ext. intros a ha. assert (0 < aligned s p Rw a) as pos by now apply aligned_full.
  unfold Rpower, I. rewrite <- (exp_ln (aligned s p Rw a)) at 1 by exact pos. rewrite <- exp_plus. f_equal. ring.
Qed.

Theorem line_concentration_renyi_holds : line_concentration_renyi.
Proof. intros A s p Rw u fp nz q. unfold q. rewrite moment_powers by auto. field. lra. Qed.

(** * The rate: with x = CE(q_tau), KL(q || q_tau) = tau CE(q) + log sum p+^tau - H(q) *)

Section Rate.
Context {A : Type}.
Variables (s : list A) (p Rw : A -> R).
Hypothesis fp : full s p.
Let plus : A -> R := aligned s p Rw.
Let qt (tau : R) : A -> R := tempered s plus tau.
Let logs (tau : R) : R := ln (sum s (fun a => Rpower (plus a) tau)).

Lemma plus_full : full s plus.
Proof. apply aligned_full, fp. Qed.

Lemma qt_full tau : full s (qt tau).
Proof. apply tempered_full, plus_full. Qed.

Lemma qt_law tau : law s (qt tau).
Proof. apply full_law, qt_full. Qed.

Lemma divergence_tempered q tau : law s q -> KL s q (qt tau) = tau * CE s q plus + logs tau - Ent s q.
Proof.
  intros lq. rewrite KL_split by (auto; apply qt_full). unfold qt. rewrite CE_tempered by (auto using plus_full).
  reflexivity.
Qed.

Lemma entropy_tempered tau : Ent s (qt tau) = tau * CE s (qt tau) plus + logs tau.
Proof.
  pose proof (divergence_tempered (qt tau) tau (qt_law tau)) as d.
  rewrite KL_self in d by (intros a ha; now apply qt_law). lra.
Qed.

Lemma rate_value tau : KL s (qt tau) plus = (1 - tau) * CE s (qt tau) plus - logs tau.
Proof. rewrite KL_split by (apply qt_law || apply plus_full). rewrite entropy_tempered. ring. Qed.

Lemma divergence_pos q tau : law s q -> 0 <= KL s q (qt tau).
Proof. intros lq. apply KL_nonneg; auto using qt_law. intros a ha. apply (full_ac s q _ (qt_full tau) a ha). Qed.
End Rate.

Theorem line_rate_cheapest_holds : line_rate_cheapest.
Proof.
  intros A s p Rw q tau fp lq plus qt same. pose proof (divergence_pos s p Rw fp q tau lq) as pos.
  assert (KL s q plus = KL s q qt + KL s qt plus) as split.
  { pose proof (divergence_tempered s p Rw fp q tau lq) as from. pose proof (rate_value s p Rw fp tau) as rate.
    cbv beta in from, rate. fold plus in from, rate. fold qt in from, rate. rewrite same in from.
    rewrite KL_split by (auto; apply plus_full, fp). lra. }
  cbv beta in pos. fold plus in pos. fold qt in pos. split; [exact split|]. split; [lra|]. intros eq.
  apply KL_zero; auto; [apply qt_law, fp| |lra]. intros a ha. apply (full_ac s q _ (qt_full s p Rw fp tau) a ha).
Qed.

Theorem line_rate_legendre_holds : line_rate_legendre.
Proof.
  intros A s p Rw tau fp plus qt value.
  assert (forall u, value u = u * CE s qt plus - ln (sum s (fun a => Rpower (plus a) (1 - u)))) as powers.
  { intros u. unfold value, plus at 2. now rewrite moment_powers by auto. }
  assert (KL s qt plus = (1 - tau) * CE s qt plus - ln (sum s (fun a => Rpower (plus a) tau))) as rate
    by apply rate_value, fp.
  split.
  - rewrite powers, rate. now replace (1 - (1 - tau)) with tau by ring.
  - intros u. rewrite powers, rate.
    pose proof (divergence_pos s p Rw fp qt (1 - u) (qt_law s p Rw fp tau)) as pos.
    pose proof (divergence_tempered s p Rw fp qt (1 - u) (qt_law s p Rw fp tau)) as from.
    pose proof (entropy_tempered s p Rw fp tau) as ent. cbv beta in pos, from, ent.
    fold plus in pos, from, ent. fold qt in pos, from, ent. lra.
Qed.

Theorem line_rate_chernoff_holds : line_rate_chernoff.
Proof.
  intros A s p Rw tau n fp some cold plus qt. pose proof (size_pos n some) as np.
  assert (full s plus) as fq by apply plus_full, fp. assert (law s plus) as lq by now apply full_law.
  eapply Rle_trans; [apply (chernoff s plus n lq _ (fun a => (1 - tau) * I s p Rw a) ((1 - tau) * CE s qt plus))|].
  - now apply E_exp_pos.
  - intros c len sub. apply indicator_le; [apply Rlt_le, exp_pos|]. intros low.
    apply one_le_exp. rewrite sum_scal. unfold mean in low. rewrite len in low.
    replace ((1 - tau) * sum c (I s p Rw) - INR n * ((1 - tau) * CE s qt plus))
      with (INR n * ((tau - 1) * (CE s qt plus - sum c (I s p Rw) / INR n))) by (field; lra).
    apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra.
  - pose proof (moment_powers s p Rw (1 - tau) fp) as powers. pose proof (rate_value s p Rw fp tau) as rate.
    cbv beta in rate. fold plus in powers, rate. fold qt in rate. rewrite powers, rate.
    replace (1 - (1 - tau)) with tau by ring. apply Rle_refl.
Qed.
