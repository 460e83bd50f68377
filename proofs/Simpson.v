(** simpson: corpora from a mixture of adaptors. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums.
Import ListNotations.
Open Scope R_scope.

Section Mixture.
Context {A K : Type}.
Variables (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R).
Hypothesis lw : law ks w.
Hypothesis lq : forall k, In k ks -> law s (q k).

Let mixed (a : A) : R := sum ks (fun k => w k * q k a).

Lemma mixed_moment f : E s mixed f = E ks w (fun k => E s (q k) f).
Proof.
  unfold E, mixed. rewrite (sum_ext s _ (fun a => sum ks (fun k => w k * (q k a * f a)))).
  - rewrite sum_swap. apply sum_ext. intros k _. now rewrite sum_scal.
  - intros a _. rewrite <- sum_scal_r. apply sum_ext. intros; ring.
Qed.

Lemma mixed_law : law s mixed.
Proof.
  split.
  - intros a ha. apply sum_nonneg. intros k hk. apply Rmult_le_pos; [now apply lw|now apply lq].
  - transitivity (E s mixed (fun _ => 1)); [apply sum_ext; intros; ring|].
    rewrite mixed_moment, (E_ext ks w _ (fun _ => 1)); [now apply E_const|].
    intros k hk. apply E_const. auto.
Qed.

(** total covariance *)
Lemma mixed_covariance f g : Cov s mixed f g = within s ks w q f g + between s ks w q f g.
Proof.
  unfold Cov at 1. rewrite !mixed_moment. unfold within, between, Cov.
  change (sum ks (fun k => w k * (E s (q k) (fun a => f a * g a) - E s (q k) f * E s (q k) g)))
    with (E ks w (fun k => E s (q k) (fun a => f a * g a) - E s (q k) f * E s (q k) g)).
  rewrite E_minus. ring.
Qed.

Lemma corpora_covariance f g n : (1 <= n)%nat ->
  CovM s ks w q n f g = within s ks w q f g / INR n + between s ks w q f g.
Proof.
  intros some. unfold CovM, EM. assert (forall h, sum ks (fun k => w k * EN s (q k) n (fun c => mean c h))
    = E ks w (fun k => E s (q k) h)) as means.
  { intros h. apply sum_ext. intros k hk. rewrite EN_mean by auto. reflexivity. }
  rewrite !means. unfold between, Cov, within, Rdiv. rewrite <- sum_scal_r.
  transitivity (E ks w (fun k => Cov s (q k) f g / INR n + E s (q k) f * E s (q k) g)
                - E ks w (fun k => E s (q k) f) * E ks w (fun k => E s (q k) g)).
  - f_equal. apply sum_ext. intros k hk. now rewrite EN_mean_product by auto.
  - rewrite E_plus. unfold E at 1.
    rewrite (sum_ext ks (fun k => w k * (Cov s (q k) f g / INR n)) (fun k => w k * Cov s (q k) f g * / INR n))
      by (intros; unfold Rdiv; ring). unfold Cov. ring.
Qed.
End Mixture.

Theorem simpson_crossing_covariance_holds : simpson_crossing_covariance.
Proof. intros A K s ks w q f g n lw lq some. now apply corpora_covariance. Qed.

Theorem simpson_crossing_mixed_holds : simpson_crossing_mixed.
Proof.
  intros A K s ks w q f g n lw lq some. rewrite CovN_iid by (auto; now apply mixed_law).
  now rewrite mixed_covariance.
Qed.

Theorem simpson_crossing_sign_holds : simpson_crossing_sign.
Proof.
  intros W B. split.
  - split.
    + intros [start (n & some & neg)]. assert (1 <= INR n) as np by (apply (le_INR 1); auto).
      assert (W + B * INR n < 0) as total.
      { replace (W + B * INR n) with ((W / INR n + B) * INR n) by (field; lra). nra. }
      assert (B < 0) by nra. lra.
    + intros [[neg pos] start]. split; [exact start|].
      destruct (archimed (W / - B)) as [up _]. assert (0 < W / - B) by (apply Rdiv_lt_0_compat; lra).
      set (n := Z.to_nat (Rdefinitions.up (W / - B))).
      assert (INR n = IZR (Rdefinitions.up (W / - B))) as eq.
      { unfold n. rewrite INR_IZR_INZ, Znat.Z2Nat.id; [reflexivity|]. apply le_IZR. lra. }
      exists n. split; [apply INR_le; rewrite eq; simpl|].
      * assert (0 < IZR (Rdefinitions.up (W / - B))) as lt by lra. apply lt_IZR in lt.
        apply (IZR_le 1). lia.
      * rewrite eq. set (x := IZR (Rdefinitions.up (W / - B))) in *. apply (Rmult_lt_reg_r x); [lra|].
        replace ((W / x + B) * x) with (W + B * x) by (field; lra).
        apply (Rmult_lt_compat_r (- B)) in up; [|lra].
        replace (W / - B * - B) with W in up by (field; lra). lra.
  - intros [neg pos] N Np.
    assert ((W / N + B) * N = - B * (- W / B - N)) as eq by (field; lra).
    assert (forall x, x * N < 0 -> x < 0) as minus by (intros; nra).
    assert (forall x, 0 < x * N -> 0 < x) as plus by (intros; nra).
    repeat split; intros h.
    + assert (0 < - B * (- W / B - N)) by (rewrite <- eq; nra). nra.
    + apply plus. rewrite eq. nra.
    + rewrite h in eq. nra.
    + subst N. apply (Rmult_eq_reg_r (- W / B)); [|lra]. rewrite eq. ring.
    + assert (- B * (- W / B - N) < 0) by (rewrite <- eq; nra). nra.
    + apply minus. rewrite eq. nra.
Qed.
