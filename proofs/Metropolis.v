(** metropolis: how often independent Metropolis-Hastings accepts, and what a chain does that always accepts. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums.
Import ListNotations.
Open Scope R_scope.

Section Acceptance.
Context {A : Type}.
Variables (s : list A) (q pi : A -> R).
Hypotheses (fq : full s q) (lp : law s pi).
Let w (a : A) : R := pi a / q a.

Lemma w_nonneg a : In a s -> 0 <= w a.
Proof. intros ha. apply Rdiv_le_0_compat; [now apply lp|now apply fq]. Qed.

Lemma w_back a : In a s -> q a * w a = pi a.
Proof. intros ha. assert (0 < q a) by now apply fq. unfold w. field. lra. Qed.

Lemma w_mean : E s q w = 1.
Proof. destruct lp as [_ one]. rewrite <- one. apply sum_ext. exact w_back. Qed.

Definition overlap_pairs : R := E s q (fun x => E s q (fun y => Rmin (w x) (w y))).

(** 1 - TV = E_q min(w, 1) *)
Lemma overlap : 1 - TV s q pi = E s q (fun a => Rmin (w a) 1).
Proof.
  assert (forall x y, Rmin x y = (x + y - Rabs (x - y)) / 2) as half.
  { intros x y. unfold Rmin, Rabs. destruct (Rle_dec x y), (Rcase_abs (x - y)); lra. }
  unfold TV, Rdiv. rewrite <- sum_scal_r.
  transitivity (sum s q * / 2 + sum s pi * / 2 - sum s (fun a => Rabs (q a - pi a) * / 2)).
  - destruct fq as [_ ->], lp as [_ ->]. lra.
  - rewrite <- !sum_scal_r, <- sum_plus, <- sum_minus. apply sum_ext. intros a ha. rewrite half.
    assert (0 < q a) as pos by now apply fq. assert (Rabs (q a - pi a) = q a * Rabs (w a - 1)) as ->.
    { rewrite <- (Rabs_pos_eq (q a)) at 2 by lra. rewrite <- Rabs_mult, Rabs_minus_sym. f_equal.
      rewrite Rmult_minus_distr_l, w_back by auto. ring. }
    rewrite <- (w_back a ha). field.
Qed.

Lemma accept_min x y : 0 <= x -> 0 <= y -> x * Rmin 1 (y / x) = Rmin x y.
Proof.
  intros [xp|<-] y0; [|rewrite Rmult_0_l, Rmin_left; lra].
  assert (y / x * x = y) by (field; lra).
  unfold Rmin. destruct (Rle_dec 1 (y / x)), (Rle_dec x y); nra.
Qed.

Lemma acceptance_pairs : acceptance s q pi = overlap_pairs.
Proof.
  apply sum_ext. intros x hx.
  change (pi x * sum s (fun y => q y * Rmin 1 (w y / w x)) = q x * E s q (fun y => Rmin (w x) (w y))).
  rewrite <- (w_back x hx), Rmult_assoc. f_equal. rewrite <- sum_scal. apply sum_ext. intros y hy.
  rewrite <- (accept_min (w x) (w y)) by now apply w_nonneg. ring.
Qed.

Lemma acceptance_gini : acceptance s q pi = 1 - gini s q w.
Proof.
  assert (forall x y, Rmin x y = (x + y - Rabs (x - y)) / 2) as half.
  { intros x y. unfold Rmin, Rabs. destruct (Rle_dec x y), (Rcase_abs (x - y)); lra. }
  pose proof (full_law s q fq) as lq. rewrite acceptance_pairs. unfold overlap_pairs.
  rewrite (E_ext s q _ (fun x => / 2 * w x + / 2 * (1 - E s q (fun y => Rabs (w x - w y))))).
  - rewrite E_plus, !E_scal, E_minus, E_const, w_mean by auto. unfold gini, E. field.
  - intros x hx.
    rewrite (E_ext s q _ (fun y => / 2 * (w x + (w y - Rabs (w x - w y))))) by (intros; rewrite half; field).
    rewrite E_scal, E_plus, E_minus, E_const, w_mean by auto. ring.
Qed.

Lemma acceptance_upper : acceptance s q pi <= 1 - TV s q pi.
Proof.
  pose proof (full_law s q fq) as lq. rewrite acceptance_pairs, overlap. apply E_le; auto. intros x hx.
  apply Rmin_glb.
  - apply Rle_trans with (E s q (fun _ => w x)); [|right; now apply E_const].
    apply E_le; auto. intros. apply Rmin_l.
  - rewrite <- w_mean. apply E_le; auto. intros. apply Rmin_r.
Qed.

Lemma acceptance_square : (1 - TV s q pi) ^ 2 <= acceptance s q pi.
Proof.
  pose proof (full_law s q fq) as lq. rewrite acceptance_pairs, overlap.
  replace (E s q _ ^ 2) with (E s q (fun x => E s q (fun y => Rmin (w x) 1 * Rmin (w y) 1))).
  - apply E_le; auto. intros x hx. apply E_le; auto. intros y hy.
    pose proof (w_nonneg x hx). pose proof (w_nonneg y hy).
    unfold Rmin. destruct (Rle_dec (w x) 1), (Rle_dec (w y) 1), (Rle_dec (w x) (w y)); nra.
  - rewrite (E_ext s q _ (fun x => Rmin (w x) 1 * E s q (fun y => Rmin (w y) 1))) by (intros; apply E_scal).
    rewrite E_scal_r. ring.
Qed.

Lemma acceptance_star star : (forall a, In a s -> w a <= star) -> / star <= acceptance s q pi.
Proof.
  intros top. pose proof (full_law s q fq) as lq. rewrite acceptance_pairs.
  assert (0 < star) as sp.
  { apply Rlt_le_trans with 1; [lra|]. rewrite <- w_mean, <- (E_const s q star lq). now apply E_le. }
  apply Rle_trans with (E s q (fun x => E s q (fun y => / star * (w x * w y)))).
  - right. rewrite (E_ext s q _ (fun x => / star * w x)).
    + rewrite E_scal, w_mean. ring.
    + intros x _. rewrite (E_ext s q _ (fun y => / star * w x * w y)) by (intros; ring).
      rewrite E_scal, w_mean. ring.
  - apply E_le; auto. intros x hx. apply E_le; auto. intros y hy.
    pose proof (w_nonneg x hx). pose proof (w_nonneg y hy). pose proof (top x hx). pose proof (top y hy).
    apply (Rmult_le_reg_l star); [exact sp|].
    rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. unfold Rmin. destruct (Rle_dec (w x) (w y)); nra.
Qed.
End Acceptance.

Theorem metropolis_acceptance_identity_holds : metropolis_acceptance_identity.
Proof.
  intros A s q pi fq lp w. split; [apply (acceptance_pairs s q pi fq lp)|apply (acceptance_gini s q pi fq lp)].
Qed.

Theorem metropolis_acceptance_upper_holds : metropolis_acceptance_upper.
Proof. intros A s q pi fq lp. now apply acceptance_upper. Qed.

Theorem metropolis_acceptance_square_holds : metropolis_acceptance_square.
Proof. intros A s q pi fq lp. now apply acceptance_square. Qed.

Theorem metropolis_acceptance_star_holds : metropolis_acceptance_star.
Proof. intros A s q pi star fq lp top. now apply acceptance_star. Qed.

(** * Accepting everything *)

Theorem metropolis_accept_all_step_holds : metropolis_accept_all_step.
Proof.
  intros A s q mu y [_ one] [_ total]. unfold step. rewrite !sum_scal_r, total, one. ring.
Qed.

Theorem metropolis_accept_all_stationary_holds : metropolis_accept_all_stationary.
Proof.
  intros A s q mu lq lm. split; intros eq y hy.
  - rewrite <- eq by auto. now apply metropolis_accept_all_step_holds.
  - rewrite eq by auto. now apply metropolis_accept_all_step_holds.
Qed.
