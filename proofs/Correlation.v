(** correlation: what averaging, typicality and resampling do to Corr(L, R). *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums.
Import ListNotations.
Open Scope R_scope.

Theorem correlation_iid_covariance_holds : correlation_iid_covariance.
Proof. intros A s q f g n lq some. now apply CovN_iid. Qed.

Lemma CorrN_iid {A : Type} (s : list A) (q f g : A -> R) (n : nat) : law s q -> (1 <= n)%nat ->
  0 < Var s q f -> 0 < Var s q g -> CorrN s q n f g = Corr s q f g.
Proof.
  intros lq some fp gp. unfold CorrN, Corr. rewrite !CovN_iid by auto. fold (Var s q f) (Var s q g).
  assert (0 < INR n) as np by (apply lt_0_INR; lia).
  replace (Var s q f / INR n * (Var s q g / INR n)) with (Var s q f * Var s q g * (/ INR n * / INR n)) by (field; lra).
  assert (0 < / INR n) by now apply Rinv_0_lt_compat.
  rewrite sqrt_mult, sqrt_square by (try apply Rmult_le_pos; lra).
  assert (0 < sqrt (Var s q f * Var s q g)) by now apply sqrt_lt_R0, Rmult_lt_0_compat.
  field. split; lra.
Qed.

Theorem correlation_iid_every_size_holds : correlation_iid_every_size.
Proof. intros A s p Rw n fp some q. apply CorrN_iid; auto. apply full_law, aligned_full, fp. Qed.

Theorem correlation_iid_sign_holds : correlation_iid_sign.
Proof.
  intros A s p Rw n fp some q lp rp. assert (law s q) as lq by apply full_law, aligned_full, fp.
  rewrite CorrN_iid, Var_surprisal by auto. unfold Corr.
  assert (0 < sqrt (Var s q (L p) * Var s q Rw)) as root by now apply sqrt_lt_R0, Rmult_lt_0_compat.
  set (k := Cov s q (L p) Rw). set (d := sqrt _) in *. split; intros neg.
  - assert (k < 0); [|lra]. replace k with (k / d * d) by (field; lra).
    rewrite <- (Rmult_0_l d). now apply Rmult_lt_compat_r.
  - replace 0 with (0 / d) by (unfold Rdiv; ring). apply Rmult_lt_compat_r; [now apply Rinv_0_lt_compat|lra].
Qed.

(** * The sharp bound, as algebra of l = Var L, r = Var R and k = Cov(L, R); then V = l + r + 2 k *)

Section Sharp.
Variables l r k : R.
Hypotheses (lp : 0 < l) (rp : 0 < r).
Let v := l + r + 2 * k.
Let rho := k / sqrt (l * r).

Lemma rho_square : rho ^ 2 = k * k / (l * r).
Proof.
  unfold rho. assert (0 < l * r) as pos by now apply Rmult_lt_0_compat.
  assert (sqrt (l * r) <> 0) by (apply Rgt_not_eq, sqrt_lt_R0, pos).
  replace ((k / sqrt (l * r)) ^ 2) with (k * k / (sqrt (l * r) * sqrt (l * r))) by (field; auto).
  rewrite sqrt_sqrt by lra. reflexivity.
Qed.

(** V - (1 - rho^2) Var L = (Var R + Cov)^2 / Var R, and the same with L and R exchanged *)
Lemma sharp_variance : (1 - rho ^ 2) * Rmax l r <= v.
Proof.
  rewrite rho_square.
  assert (v - (1 - k * k / (l * r)) * l = (r + k) * (r + k) / r) as left by (unfold v; field; lra).
  assert (v - (1 - k * k / (l * r)) * r = (l + k) * (l + k) / l) as right by (unfold v; field; lra).
  assert (0 <= (r + k) * (r + k) / r) by (apply Rdiv_le_0_compat; [apply Rle_0_sqr|auto]).
  assert (0 <= (l + k) * (l + k) / l) by (apply Rdiv_le_0_compat; [apply Rle_0_sqr|auto]).
  apply Rmax_case; lra.
Qed.

Lemma sharp_correlation : v < Rmax l r -> rho <= - sqrt (1 - v / Rmax l r).
Proof.
  intros small. pose proof sharp_variance as bound. set (m := Rmax l r) in *.
  assert (0 < m) as mp by (unfold m; apply Rmax_case; auto).
  assert (k < 0) as neg by (revert small; unfold m, v; apply Rmax_case; lra).
  assert (rho < 0) as rneg.
  { unfold rho. assert (0 < / sqrt (l * r)) by now apply Rinv_0_lt_compat, sqrt_lt_R0, Rmult_lt_0_compat.
    unfold Rdiv. nra. }
  apply Ropp_le_cancel. rewrite Ropp_involutive, <- (sqrt_square (- rho)) by lra. apply sqrt_le_1_alt.
  apply (Rmult_le_reg_r m); [exact mp|]. replace ((1 - v / m) * m) with (m - v) by (field; lra). nra.
Qed.
End Sharp.

Theorem correlation_sharp_variance_holds : correlation_sharp_variance.
Proof.
  intros A s p Rw q fp lq l r v lp rp. unfold v. rewrite Var_surprisal by auto. now apply sharp_variance.
Qed.

Theorem correlation_sharp_correlation_holds : correlation_sharp_correlation.
Proof.
  intros A s p Rw q fp lq l r v lp rp. unfold v. rewrite Var_surprisal by auto. now apply sharp_correlation.
Qed.

(** Where Cov(L, R) = -Var R and Var R < Var L both bounds are met. *)
Lemma sharp_attained l r : 0 < r < l -> let v := l + r + 2 * - r in let rho := - r / sqrt (l * r) in
  v < Rmax l r /\ v = (1 - rho ^ 2) * Rmax l r /\ rho = - sqrt (1 - v / Rmax l r).
Proof.
  intros [rp lt] v rho. assert (rho ^ 2 = r / l) as square.
  { unfold rho. rewrite rho_square by lra. field. lra. }
  rewrite Rmax_left by lra. repeat split.
  - unfold v. lra.
  - rewrite square. unfold v. field. lra.
  - replace (1 - v / l) with ((- rho) * (- rho)).
    + rewrite sqrt_square; [ring|]. unfold rho. assert (0 < r / sqrt (l * r)); [|lra].
      apply Rdiv_lt_0_compat; [lra|]. apply sqrt_lt_R0, Rmult_lt_0_compat; lra.
    + replace (- rho * - rho) with (rho ^ 2) by ring. rewrite square. unfold v. field. lra.
Qed.

(** p = (2, 4, 1, 2)/9 and e^R = (2, 1, 2, 1): p+ = (2, 2, 1, 1)/6, with L = log 2 (1, 2, 0, 1) - log 9. *)
Theorem correlation_sharp_attained_holds : correlation_sharp_attained.
Proof.
  set (s := [0; 1; 2; 3]%nat). set (p := fun a => nth a [2 / 9; 4 / 9; 1 / 9; 2 / 9] 0).
  set (Rw := fun a => nth a [ln 2; 0; ln 2; 0] 0).
  assert (full s p) as fp by (split; [intros a [<-|[<-|[<-|[<-|[]]]]]|]; unfold s, p; simpl; lra).
  exists s, p, Rw. split; [exact fp|]. set (q := aligned s p Rw).
  assert (law s q) as lq by apply full_law, aligned_full, fp.
  set (x := ln 2). assert (0 < x) as xp by (pose proof ln_lt_2; unfold x; lra).
  assert (forall f g, Cov s q f g = Cov s (fun a => nth a [1/3; 1/3; 1/6; 1/6] 0) f g) as cov.
  { intros f g. apply Cov_ext_law. intros a [<-|[<-|[<-|[<-|[]]]]];
      unfold q, aligned, Z, s, p, Rw; simpl; rewrite exp_0, exp_ln by lra; field. }
  assert (forall a, In a s -> L p a = ln (1 / 9) + nth a [x; 2 * x; 0; x] 0) as logs.
  { assert (ln (2 / 9) = ln (1 / 9) + x) as e2 by (unfold x; rewrite <- ln_mult by lra; f_equal; lra).
    assert (ln (4 / 9) = ln (1 / 9) + 2 * x) as e4.
    { replace (4 / 9) with (2 * (2 / 9)) by lra. rewrite ln_mult, e2 by lra. unfold x. ring. }
    intros a [<-|[<-|[<-|[<-|[]]]]]; unfold L, p; simpl; lra. }
  assert (Var s q (L p) = 17 / 36 * x ^ 2) as vl.
  { unfold Var. rewrite cov, (Cov_ext s _ _ _ _ _ logs logs). unfold Cov, E, Rw, s. simpl. field. }
  assert (Var s q Rw = 9 / 36 * x ^ 2) as vr.
  { unfold Var. rewrite cov. unfold Cov, E, Rw, s. simpl. fold x. field. }
  assert (Cov s q (L p) Rw = - (9 / 36 * x ^ 2)) as k.
  { rewrite cov, (Cov_ext s _ _ _ _ Rw logs (fun _ _ => eq_refl)). unfold Cov, E, Rw, s. simpl. fold x. field. }
  cbv zeta. fold q. rewrite Var_surprisal by auto. unfold Corr. rewrite k, vl, vr.
  assert (0 < x ^ 2) as x2 by (apply pow_lt, xp). split; [lra|]. split; [lra|]. apply sharp_attained. lra.
Qed.

(** The line holds for the averages of every corpus, hence the sharp bound for any law on corpora. *)
Theorem correlation_typical_conditional_holds : correlation_typical_conditional.
Proof.
  intros A s p Rw corpora w fp sub lw Lbar Rbar Ibar lp rp.
  assert (Var corpora w Ibar = Var corpora w Lbar + Var corpora w Rbar + 2 * Cov corpora w Lbar Rbar) as total.
  { rewrite <- Var_sum. unfold Var.
    assert (forall c, In c corpora -> Ibar c = ln (Z s p Rw) + -1 * (Lbar c + Rbar c)) as line.
    { intros c hc. destruct (sub c hc) as [some in_s]. unfold Ibar, Lbar, Rbar.
      rewrite corpus_line by auto. ring. }
    rewrite (Cov_ext corpora w _ _ _ _ line line), !Cov_plus, !Cov_const, Cov_scal by auto.
    rewrite Cov_sym, !Cov_plus, Cov_const, Cov_scal by auto.
    set (g := fun a => Lbar a + Rbar a). change (fun a => Lbar a + Rbar a) with g.
    transitivity (Cov corpora w g g); [ring|]. unfold g at 1. now rewrite Cov_plus. }
  rewrite total. now apply sharp_correlation.
Qed.

(** * Resampling *)

Section Pool.
Context {A : Type}.
Implicit Types (pool : list A) (f g : A -> R) (n N : nat).

Lemma uniform_law pool : pool <> nil -> law pool (uniform pool).
Proof.
  intros some. assert (0 < INR (length pool)) as pos.
  { apply lt_0_INR. destruct pool; [congruence|simpl; lia]. }
  split; [intros; now apply Rlt_le, Rinv_0_lt_compat|]. unfold uniform. rewrite sum_const. field. lra.
Qed.

Lemma E_uniform pool f : E pool (uniform pool) f = mean pool f.
Proof. unfold E, uniform, mean, Rdiv. rewrite sum_scal. ring. Qed.
End Pool.

Theorem correlation_bootstrap_pool_holds : correlation_bootstrap_pool.
Proof. intros A pool f g n some one fp gp. apply CorrN_iid; auto. now apply uniform_law. Qed.

(** A pool's covariance is, on average, (n - 1)/n of the law's; of N strings drawn from it, that over N. *)
Lemma pool_shown {A : Type} (s : list A) (q f g : A -> R) (n N : nat) : law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  EN s q n (fun pool => CovN pool (uniform pool) N f g) = (INR n - 1) / (INR n * INR N) * Cov s q f g.
Proof.
  intros lq two one. assert (INR n <> 0 /\ INR N <> 0) as (n0 & N0).
  { apply le_INR in two, one. simpl in two, one. lra. }
  rewrite (EN_ext s q n _ (fun pool => / INR N * (mean pool (fun a => f a * g a) - mean pool f * mean pool g))).
  - rewrite EN_scal, EN_minus, EN_mean, EN_mean_product by (auto; lia). unfold Cov. field. auto.
  - intros pool len _. rewrite CovN_iid by (auto; apply uniform_law; intros ->; simpl in len; lia).
    unfold Cov. rewrite !E_uniform. field. exact N0.
Qed.

Theorem correlation_bootstrap_spread_holds : correlation_bootstrap_spread.
Proof.
  intros A s q f g n N lq two one over.
  assert (forall F G, (forall c, length c = n -> F c = G c) -> EN s q n F = EN s q n G) as ext
    by (intros F G eq; apply EN_ext; auto).
  assert (forall pool : list A, length pool = n -> law pool (uniform pool)) as uni.
  { intros pool len. apply uniform_law. intros ->. simpl in len. lia. }
  assert (INR n <> 0 /\ INR n - 1 <> 0 /\ INR N <> 0) as (n0 & n1 & N0).
  { pose proof (le_INR _ _ two) as n2. pose proof (le_INR _ _ one) as N1. simpl in n2, N1. lra. }
  assert (forall h, over (fun c => mean c h) = E s q h) as means.
  { intros h. unfold over. rewrite (ext _ (fun pool => mean pool h)).
    - apply EN_mean; auto. lia.
    - intros pool len. rewrite EN_mean by auto. apply E_uniform. }
  rewrite !means, pool_shown by auto. unfold over.
  rewrite (ext _ (fun pool => CovN pool (uniform pool) N f g + mean pool f * mean pool g)).
  - rewrite EN_plus, pool_shown, EN_mean_product by (auto; lia). field. auto.
  - intros pool len. rewrite EN_mean_product, CovN_iid, !E_uniform by auto. reflexivity.
Qed.
