(** alignment.best-of-n: when its cost and its win rate are met, how far equiprobable strings fall short, and its
    twin. *)

Require Import Reals Lra Lia List Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential Alignment BestOfN Adaptors Correlation.
From ProbQual Require Import ClausesAlignment ClausesAdaptors ClausesFamily Clauses ClausesTruncation.
Import ListNotations.
Open Scope R_scope.

(** * One level, between F- = x and F = y *)

Section Level.
Variables (k : nat) (x y : R).
Hypothesis at_x : 0 <= x < y.
Let G : R := y ^ S k - x ^ S k.

Lemma gap_pos : 0 < G.
Proof. pose proof (power_increasing k x y at_x). unfold G. lra. Qed.
End Level.

Lemma power_gap k x y : 0 <= x < y ->
  INR (S k) * x ^ k * (y - x) <= y ^ S k - x ^ S k <= INR (S k) * y ^ k * (y - x).
Proof.
  intros [x0 lt]. induction k as [|k [low high]]; [simpl; lra|].
  rewrite (S_INR (S k)). set (n := INR (S k)) in *. set (a := x ^ k) in *. set (c := y ^ k) in *.
  assert (0 <= a) by now apply pow_le. assert (0 <= c) by (apply pow_le; lra).
  change (x ^ S (S k)) with (x * (x * a)). change (y ^ S (S k)) with (y * (y * c)).
  change (x ^ S k) with (x * a) in *. change (y ^ S k) with (y * c) in *.
  pose proof (power_increasing k x y (conj x0 lt)) as grow. change (x * a < y * c) in grow.
  assert (x * (n * a * (y - x)) <= x * (y * c - x * a)) by (now apply Rmult_le_compat_l).
  assert (y * (y * c - x * a) <= y * (n * c * (y - x))) by (apply Rmult_le_compat_l; lra).
  assert (x * a * (y - x) <= y * c * (y - x)) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma power_gap_strict k x y : 0 <= x < y ->
  INR (S (S k)) * x ^ S k * (y - x) < y ^ S (S k) - x ^ S (S k) < INR (S (S k)) * y ^ S k * (y - x).
Proof.
  intros [x0 lt]. destruct (power_gap k x y (conj x0 lt)) as [low high].
  rewrite (S_INR (S k)). set (n := INR (S k)) in *. set (a := x ^ k) in *. set (c := y ^ k) in *.
  assert (0 <= a) by now apply pow_le. assert (0 <= c) by (apply pow_le; lra).
  change (x ^ S (S k)) with (x * (x * a)). change (y ^ S (S k)) with (y * (y * c)).
  change (x ^ S k) with (x * a) in *. change (y ^ S k) with (y * c) in *.
  pose proof (power_increasing k x y (conj x0 lt)) as grow. change (x * a < y * c) in grow.
  assert (x * (n * a * (y - x)) <= x * (y * c - x * a)) by (now apply Rmult_le_compat_l).
  assert (y * (y * c - x * a) <= y * (n * c * (y - x))) by (apply Rmult_le_compat_l; lra).
  assert (x * a * (y - x) < y * c * (y - x)) by (apply Rmult_lt_compat_r; lra). lra.
Qed.

(** A function whose slope is never negative and 0 at one point at most rises. *)
Lemma rises (h h' : R -> R) (x y : R) : x < y -> (forall u, x <= u <= y -> is_derive h u (h' u)) ->
  (forall u, x <= u <= y -> 0 <= h' u) -> (forall u v, x <= u <= y -> x <= v <= y -> h' u = 0 -> h' v = 0 -> u = v) ->
  h x < h y.
Proof.
  intros lt der pos once. set (m := (x + y) / 2).
  assert (forall c, x <= c <= y -> derivable_pt_lim h c (h' c)) as lims by (intros c at_c; apply is_derive_Reals; auto).
  destruct (MVT_cor2 h h' x m) as (c1 & eq1 & at1); [unfold m; lra|intros c at_c; apply lims; unfold m in at_c; lra|].
  destruct (MVT_cor2 h h' m y) as (c2 & eq2 & at2); [unfold m; lra|intros c at_c; apply lims; unfold m in at_c; lra|].
  assert (x < m < y) as at_m by (unfold m; lra).
  assert (0 <= h' c1) as p1 by (apply pos; lra). assert (0 <= h' c2) as p2 by (apply pos; lra).
  assert (0 <= h' c1 * (m - x)) by (apply Rmult_le_pos; lra). assert (0 <= h' c2 * (y - m)) by (apply Rmult_le_pos;
    lra).
  destruct p1 as [p1|z1].
  - assert (0 < h' c1 * (m - x)) by (apply Rmult_lt_0_compat; lra). lra.
  - destruct p2 as [p2|z2].
    + assert (0 < h' c2 * (y - m)) by (apply Rmult_lt_0_compat; lra). lra.
    + assert (c1 = c2); [apply once; lra|lra].
Qed.

(** level_cost, strict for n = k + 2 *)
Lemma level_cost_strict k x y : 0 <= x < y ->
  (y ^ S (S k) - x ^ S (S k)) * ln ((y ^ S (S k) - x ^ S (S k)) / (y - x)) < Phi (S k) y - Phi (S k) x.
Proof.
  intros [[xp|<-] lt]; pose proof (n_pos (S k)) as np; set (n := INR (S (S k))) in *.
  - pose proof (gap_pos (S k) x y (conj (Rlt_le _ _ xp) lt)) as Gp. set (G := y ^ S (S k) - x ^ S (S k)) in *.
    set (c := G / (y - x)). assert (0 < c) as cp by (apply Rdiv_lt_0_compat; lra).
    set (h := fun u => Phi (S k) u - (u ^ S (S k) * ln c + u ^ S (S k) - c * u)).
    assert (forall u, x <= u <= y -> 0 < n * u ^ S k) as gp by (intros; apply Rmult_lt_0_compat; [exact np|apply
      pow_lt; lra]).
    assert (h x < h y) as rise.
    { apply (rises h (fun u => n * u ^ S k * ln (n * u ^ S k) - (n * u ^ S k * ln c + n * u ^ S k - c))); [exact lt| |
        |].
      - intros u at_u.
        apply (is_derive_minus (Phi (S k)) (fun u => u ^ S (S k) * ln c + u ^ S (S k) - c * u) u); [apply Phi_derive;
          lra|].
        auto_derive; auto. change (match k with O => 1 | S _ => INR k + 1 end + 1) with n. simpl. ring.
      - intros u at_u. specialize (gp u at_u).
        pose proof (divergence_term (n * u ^ S k) c (Rlt_le _ _ gp) (Rlt_le _ _ cp)) as term.
        rewrite ln_div in term by auto. assert (c = 0 -> n * u ^ S k = 0) as no by lra. specialize (term no). lra.
      - assert (forall u, x <= u <= y -> n * u ^ S k * ln (n * u ^ S k) - (n * u ^ S k * ln c + n * u ^ S k - c) = 0 ->
          n * u ^ S k = c) as only.
        { intros u at_u zero. specialize (gp u at_u).
          apply (divergence_term_eq (n * u ^ S k) c (Rlt_le _ _ gp) (Rlt_le _ _ cp)); [lra|]. rewrite ln_div by auto.
            lra. }
        intros u v at_u at_v zu zv. apply only in zu, zv; auto.
        assert (u ^ S k = v ^ S k) as powers by (apply (Rmult_eq_reg_l n); lra).
        destruct (Rtotal_order u v) as [less|[same|more]]; auto; exfalso.
        + pose proof (power_increasing k u v). lra.
        + pose proof (power_increasing k v u). lra. }
    unfold h in rise. assert (c * (y - x) = G) as area by (unfold c; field; lra).
    assert (G * ln c = y ^ S (S k) * ln c - x ^ S (S k) * ln c) by (unfold G; ring).
    assert (G = y ^ S (S k) - x ^ S (S k)) by reflexivity. lra.
  - assert (0 ^ S (S k) = 0) as zero by (simpl; ring). unfold Phi. rewrite zero, !Rminus_0_r.
    replace (y ^ S (S k) / y) with (y ^ S k) by (simpl; field; lra). rewrite ln_power by auto. fold n.
    assert (0 < y ^ S (S k)) as pos by now apply pow_lt.
    assert (n = INR (S k) + 1) as ns by apply S_INR. assert (1 <= INR (S k)) by (apply (le_INR 1); lia).
    assert (INR (S k) / n < ln n) as low.
    { assert (0 < / n) as ip by now apply Rinv_0_lt_compat.
      pose proof (ln_below (/ n) ip) as le. assert (ln (/ n) <> / n - 1) as ne.
      { intros eq. apply ln_below_eq in eq; auto. apply (f_equal (Rmult n)) in eq. rewrite Rinv_r in eq by lra. lra. }
      rewrite ln_Rinv in le, ne by exact np. replace (INR (S k) / n) with (1 - / n) by (rewrite ns; field; lra). lra. }
    assert (0 < y ^ S (S k) * (ln n - INR (S k) / n)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

(** the win rate of a level: n / (n + 1) (y^(n+1) - x^(n+1)) against (y^n - x^n)(x + y) / 2, n = k + 2 *)
Lemma level_win k x y : 0 <= x < y -> let n := INR (S (S k)) in
  (y ^ S (S k) - x ^ S (S k)) * ((x + y) / 2) < n / (n + 1) * y ^ S (S (S k)) - n / (n + 1) * x ^ S (S (S k)).
Proof.
  intros [x0 lt] n. pose proof (n_pos (S k)) as np. fold n in np.
  set (h := fun u => n / (n + 1) * u ^ S (S (S k)) - (u ^ S (S k) - x ^ S (S k)) * ((x + u) / 2)).
  set (h' := fun u => (n * u ^ S k * (u - x) - (u ^ S (S k) - x ^ S (S k))) / 2).
  assert (forall u, is_derive h u (h' u)) as der.
  { intros u. unfold h, h'. auto_derive; [exact Logic.I|].
    change (match k with O => 1 | S _ => INR k + 1 end + 1) with n. simpl. field. lra. }
  destruct (MVT_cor2 h h' x y lt) as (c & eq & at_c); [intros c _; apply is_derive_Reals, der|].
  assert (0 < h' c) as pos.
  { unfold h'. destruct (power_gap_strict k x c) as [_ gap]; [lra|]. fold n in gap. lra. }
  assert (0 < h' c * (y - x)) by (apply Rmult_lt_0_compat; lra). unfold h in eq.
  replace ((x ^ S (S k) - x ^ S (S k)) * ((x + x) / 2)) with 0 in eq by ring. lra.
Qed.

(** how far a level falls short of its cost and of its win rate, n = k + 1 *)
Lemma level_short_cost k x y : 0 <= x < y -> let n := INR (S k) in let G := y ^ S k - x ^ S k in
  Phi k y - Phi k x - G * ln (G / (y - x)) <= n * y ^ k * (y - x) - G.
Proof.
  intros at_x n G. pose proof (n_pos k) as np. fold n in np. pose proof (gap_pos k x y at_x) as Gp. fold G in Gp.
  destruct at_x as [x0 lt]. assert (0 < y ^ k) as yk by (apply pow_lt; lra).
  assert (0 < n * y ^ k) as bp by now apply Rmult_lt_0_compat. set (c := n * y ^ k) in *.
  assert (Phi k y - Phi k x <= G * ln c) as top.
  { destruct x0 as [xp|<-].
    - set (h := fun u => u ^ S k * ln c - Phi k u). assert (h x <= h y) as le; [|unfold h, G in *; lra].
      apply (increasing_le h (fun u => n * u ^ k * ln c - n * u ^ k * ln (n * u ^ k))); [lra| |].
      + intros u at_u. apply (is_derive_minus (fun u => u ^ S k * ln c) (Phi k) u); [|apply Phi_derive; lra].
        auto_derive; auto. change (match k with O => 1 | S _ => INR k + 1 end) with n. ring.
      + intros u at_u. assert (0 < u ^ k) as uk by (apply pow_lt; lra).
        assert (0 < n * u ^ k) as gp by now apply Rmult_lt_0_compat.
        assert (n * u ^ k <= c) as le by (apply Rmult_le_compat_l; [lra|apply pow_incr; lra]).
        apply ln_le in le; [|exact gp]. assert (0 <= n * u ^ k * (ln c - ln (n * u ^ k))) by (apply Rmult_le_pos;
          lra). lra.
    - unfold G, Phi, c. rewrite pow_ne_zero, ln_mult, ln_power by (auto; lia). fold n.
      assert (0 <= INR k / n * y ^ S k); [|lra]. apply Rmult_le_pos; [|apply pow_le; lra].
      apply Rdiv_le_0_compat; [apply pos_INR|exact np]. }
  assert (0 < G / (y - x)) as gp by (apply Rdiv_lt_0_compat; lra).
  pose proof (ln_below (c / (G / (y - x))) (Rdiv_lt_0_compat _ _ bp gp)) as le. rewrite ln_div in le by auto.
  apply (Rmult_le_compat_l G) in le; [|lra].
  replace (G * (c / (G / (y - x)) - 1)) with (c * (y - x) - G) in le by (field; lra). lra.
Qed.

Lemma level_short_win k x y : 0 <= x < y -> let n := INR (S k) in let G := y ^ S k - x ^ S k in
  n / (n + 1) * y ^ S (S k) - n / (n + 1) * x ^ S (S k) - G * ((x + y) / 2) <= G * (y - x) / 2.
Proof.
  intros at_x n G. pose proof (n_pos k) as np. fold n in np.
  destruct (power_gap (S k) x y at_x) as [low _]. rewrite (S_INR (S k)) in low. fold n in low.
  change (y ^ S (S k)) with (y * y ^ S k) in *. change (x ^ S (S k)) with (x * x ^ S k) in *. unfold G.
  set (a := x ^ S k) in *. set (c := y ^ S k) in *. apply (Rmult_le_reg_r (n + 1)); [lra|].
  replace ((n / (n + 1) * (y * c) - n / (n + 1) * (x * a) - (c - a) * ((x + y) / 2)) * (n + 1))
    with (n * (y * c) - n * (x * a) - (c - a) * ((x + y) / 2) * (n + 1)) by (field; lra). lra.
Qed.

(** * Sums over the levels *)

Lemma sum_lt_all {A : Type} (s : list A) (f g : A -> R) : s <> nil -> (forall a, In a s -> f a < g a) -> sum s f < sum
  s g.
Proof.
  intros some lt. apply sum_lt; [intros; now apply Rlt_le, lt|]. destruct s as [|a t]; [congruence|].
  exists a. split; [now left|apply lt; now left].
Qed.

Section Sums.
Context {A : Type}.
Variables (s : list A) (p r : A -> R).
Hypothesis fp : full s p.
Let F (a : A) : R := upto s p r a.
Let B (a : A) : R := below s p r a.

Lemma level_at a : In a s -> 0 <= B a < F a /\ 0 < p a.
Proof.
  intros ha. destruct (level_mass p r s a (proj1 fp) ha) as (_ & gap & low). unfold B, F. split; [lra|now apply fp].
Qed.

(** the cost of a string, by its level *)
Lemma cost_at k a : In a s -> best s p r (S k) a * ln (best s p r (S k) a / p a)
  = p a / (F a - B a) * ((F a ^ S k - B a ^ S k) * ln ((F a ^ S k - B a ^ S k) / (F a - B a))).
Proof.
  intros ha. destruct (level_at a ha) as [gap pa]. unfold best. fold (F a) (B a).
  set (g := (F a ^ S k - B a ^ S k) / (F a - B a)). replace (p a * g / p a) with g by (field; lra).
  unfold g at 1. field. lra.
Qed.

Lemma most_sum k : ln (INR (S k)) - (INR (S k) - 1) / INR (S k)
  = sum s (fun a => p a / (F a - B a) * (Phi k (F a) - Phi k (B a))).
Proof.
  pose proof (levels_telescope p r (Phi k) s (proj1 fp)) as sums. destruct fp as [_ one]. rewrite one in sums.
  transitivity (Phi k 1 - Phi k 0).
  - unfold Phi. rewrite pow1, ln_1, pow_ne_zero, S_INR by lia. field. pose proof (pos_INR k). lra.
  - rewrite <- sums. apply sum_ext. intros a _. fold (F a) (B a). unfold Rdiv. ring.
Qed.

Lemma win_sum k : win_rate s p r (best s p r (S k))
  = sum s (fun a => p a / (F a - B a) * ((F a ^ S k - B a ^ S k) * ((B a + F a) / 2))).
Proof.
  apply sum_ext. intros a ha. destruct (level_at a ha) as [gap pa].
  destruct (level_mass p r s a (proj1 fp) ha) as (eq & _ & _). fold (F a) (B a) in eq.
  rewrite (sum_ext s _ (fun y => p y * indicator (Rlt_dec (r y) (r a)) + / 2 * (p y * indicator (Req_EM_T (r y) (r
    a)))))
    by (intros; field).
  rewrite sum_plus, sum_scal, <- eq. change (sum s (fun y => p y * indicator (Rlt_dec (r y) (r a)))) with (B a).
  unfold best. fold (F a) (B a). field. lra.
Qed.

Lemma most_win_sum k : let n := INR (S k) in n / (n + 1)
  = sum s (fun a => p a / (F a - B a) * (n / (n + 1) * F a ^ S (S k) - n / (n + 1) * B a ^ S (S k))).
Proof.
  intros n. pose proof (levels_telescope p r (fun u => n / (n + 1) * u ^ S (S k)) s (proj1 fp)) as sums.
  destruct fp as [_ one]. cbv beta in sums. rewrite one, pow1, pow_ne_zero in sums by lia.
  transitivity (n / (n + 1) * 1 - n / (n + 1) * 0); [ring|]. rewrite <- sums. apply sum_ext. intros a _.
  fold (F a) (B a). unfold Rdiv. ring.
Qed.
End Sums.

Theorem alignment_best_of_n_cost_holds : alignment_best_of_n_cost.
Proof.
  intros A s p r n fp some cost most. split; [now apply alignment_best_of_n_bound_holds|].
  destruct n as [|[|k]]; [lia| |].
  - split; [reflexivity|intros _]. unfold cost, most.
    destruct (alignment_best_of_n_normalised_holds A s p r 1%nat fp some) as [lq same].
    rewrite (KL_same s (best s p r 1) p lq same). simpl. rewrite ln_1. field.
  - split; [|discriminate]. intros eq. exfalso. assert (cost < most); [|lra]. unfold cost, most, KL.
    rewrite (most_sum s p r fp), (sum_ext s _ _ (cost_at s p r fp (S k))).
    apply sum_lt_all; [apply (support s p fp)|]. intros a ha. destruct (level_at s p r fp a ha) as [gap pa].
    apply Rmult_lt_compat_l; [apply Rdiv_lt_0_compat; lra|]. now apply level_cost_strict.
Qed.

Theorem alignment_best_of_n_win_rate_holds : alignment_best_of_n_win_rate.
Proof.
  intros A s p r n fp some win most. destruct n as [|[|k]]; [lia| |].
  - assert (win = most) as eq; [|rewrite eq; split; [apply Rle_refl|tauto]]. unfold win, most.
    rewrite (most_win_sum s p r fp 0%nat), (win_sum s p r fp 0%nat). apply sum_ext. intros a ha. simpl. f_equal. field.
  - assert (win < most) as lt; [|split; [lra|split; [lra|discriminate]]]. unfold win, most.
    rewrite (most_win_sum s p r fp (S k)), (win_sum s p r fp (S k)).
    apply sum_lt_all; [apply (support s p fp)|]. intros a ha. destruct (level_at s p r fp a ha) as [gap pa].
    apply Rmult_lt_compat_l; [apply Rdiv_lt_0_compat; lra|]. now apply level_win.
Qed.

Lemma uniform_full {A : Type} (s : list A) : s <> nil -> full s (uniform s).
Proof.
  intros some. destruct (uniform_law s some) as [_ one]. split; [|exact one]. intros a _. unfold uniform.
  apply Rinv_0_lt_compat, lt_0_INR. destruct s; [congruence|simpl; lia].
Qed.

Theorem alignment_best_of_n_equiprobable_holds : alignment_best_of_n_equiprobable.
Proof.
  intros A s r n some distinct differ one p k. destruct n as [|j]; [lia|]. clear one. set (n := INR (S j)).
  pose proof (uniform_full s some) as fp. fold p in fp. pose proof (n_pos j) as np. fold n in np.
  assert (0 < k) as kp by (apply lt_0_INR; destruct s; [congruence|simpl; lia]).
  set (F := upto s p r). set (B := below s p r).
  assert (forall a, In a s -> F a - B a = / k) as step.
  { intros a ha. destruct (level_mass p r s a (proj1 fp) ha) as (eq & _ & _). unfold F, B. rewrite eq.
    rewrite (sum_ext s _ (fun y => indicator (Req_EM_T (r y) (r a)) * p y)) by (intros; ring).
    rewrite (sum_one (fun y => indicator (Req_EM_T (r y) (r a))) p s a distinct ha).
    - rewrite indicator_yes by tauto. unfold p, uniform. fold k. ring.
    - intros y hy ne. apply indicator_no. intros tie. apply ne. now apply differ. }
  assert (forall a, In a s -> 0 <= B a < F a /\ 0 < p a) as at_a by apply (level_at s p r fp).
  assert (forall a, In a s -> p a / (F a - B a) = 1) as share1.
  { intros a ha. rewrite step by auto. unfold p, uniform. fold k. field. lra. }
  assert (forall (Psi : R -> R), sum s (fun a => Psi (F a) - Psi (B a)) = Psi 1 - Psi 0) as telescope.
  { intros Psi. destruct fp as [pos one]. rewrite <- one at 1. rewrite <- (levels_telescope p r Psi s pos). apply
      sum_ext.
    intros a ha. fold (F a) (B a). specialize (share1 a ha). unfold Rdiv in share1 |- *.
    rewrite (Rmult_comm (Psi (F a) - Psi (B a))), <- Rmult_assoc, share1. ring. }
  assert (sum s (fun a => F a ^ S j - B a ^ S j) = 1) as mass.
  { rewrite (telescope (fun u => u ^ S j)), pow1, pow_ne_zero by lia. ring. }
  assert (0 < n / k) as nk by now apply Rdiv_lt_0_compat. split.
  - assert (sum s (fun a => n * F a ^ j * (F a - B a) - (F a ^ S j - B a ^ S j)) < n / k) as short.
    { destruct j as [|i].
      - rewrite (sum_ext s _ (fun _ => 0)), sum_zero; [exact nk|]. intros a _. unfold n. simpl. ring.
      - apply Rlt_le_trans with (sum s (fun a => n / k * F a ^ S i - n / k * B a ^ S i)).
        + apply sum_lt_all; auto. intros a ha. destruct (at_a a ha) as [gap _].
          destruct (power_gap_strict i (B a) (F a) gap) as [low _]. fold n in low. rewrite step in low |- * by auto.
          unfold Rdiv. lra.
        + rewrite (telescope (fun u => n / k * u ^ S i)), pow1, pow_ne_zero by lia. lra. }
    unfold n. rewrite (most_sum s p r fp j). fold n. unfold KL. rewrite (sum_ext s _ _ (cost_at s p r fp j)).
    assert (sum s (fun a => p a / (F a - B a) * (Phi j (F a) - Phi j (B a)))
      - sum s (fun a => p a / (F a - B a) * ((F a ^ S j - B a ^ S j) * ln ((F a ^ S j - B a ^ S j) / (F a - B a))))
      <= sum s (fun a => n * F a ^ j * (F a - B a) - (F a ^ S j - B a ^ S j))) as le; [|fold F B; lra].
    rewrite <- sum_minus. apply sum_le. intros a ha. rewrite share1, !Rmult_1_l by auto.
    now apply level_short_cost, at_a.
  - unfold n. rewrite (most_win_sum s p r fp j), (win_sum s p r fp j). fold n. fold F B.
    assert (sum s (fun a => p a / (F a - B a) * (n / (n + 1) * F a ^ S (S j) - n / (n + 1) * B a ^ S (S j)))
      - sum s (fun a => p a / (F a - B a) * ((F a ^ S j - B a ^ S j) * ((B a + F a) / 2))) <= / k / 2) as le.
    { apply Rle_trans with (sum s (fun a => / k / 2 * (F a ^ S j - B a ^ S j))); [|rewrite sum_scal, mass; lra].
      rewrite <- sum_minus. apply sum_le. intros a ha.
      rewrite share1, !Rmult_1_l by auto. destruct (at_a a ha) as [gap _].
      pose proof (level_short_win j (B a) (F a) gap) as short. cbv zeta in short. fold n in short.
      rewrite step in short by auto. lra. }
    assert (1 <= n) by (apply (le_INR 1); lia). assert (0 < / k) by now apply Rinv_0_lt_compat.
    assert (/ k / 2 < n / k); [|lra]. unfold Rdiv. nra.
Qed.

(** * The twin *)

(** a level's ratio is at most that of the top level, where F = 1 and F- = t *)
Lemma level_ratio k x y t : 0 <= x <= t -> t < 1 -> x < y <= 1 ->
  (y ^ S k - x ^ S k) * (1 - t) <= (y - x) * (1 - t ^ S k).
Proof.
  intros [x0 xt] t1 [lt y1]. induction k as [|k IH]; [simpl; lra|].
  set (a := x ^ S k) in *. set (c := y ^ S k) in *. set (d := t ^ S k) in *.
  change (y ^ S (S k)) with (y * c). change (x ^ S (S k)) with (x * a). change (t ^ S (S k)) with (t * d).
  assert (c <= 1) as c1 by (unfold c; rewrite <- (pow1 (S k)); apply pow_incr; lra).
  assert (0 <= c - a) as grow by (pose proof (power_increasing k x y (conj x0 lt)); unfold a, c; lra).
  assert (x * ((c - a) * (1 - t)) <= t * ((y - x) * (1 - d))) as part.
  { apply Rmult_le_compat; [lra|apply Rmult_le_pos; lra|lra|exact IH]. }
  assert (c * ((y - x) * (1 - t)) <= 1 * ((y - x) * (1 - t))) as first.
  { apply Rmult_le_compat_r; [apply Rmult_le_pos; lra|exact c1]. }
  lra.
Qed.

Section Twin.
Context {A : Type}.
Variables (s : list A) (p r : A -> R) (best_string : A).
Hypotheses (fp : full s p) (in_s : In best_string s) (high : forall y, In y s -> r y <= r best_string).
Hypothesis varies : ~ constant s r.
Let top : R := r best_string.
Let at_top (a : A) : R := indicator (Req_EM_T (r a) top).
Let m : R := sum s (fun a => p a * at_top a).

Lemma not_all_top : exists a, In a s /\ r a < top.
Proof.
  apply NNPP. intros none. apply varies. exists top. intros a ha. destruct (high a ha) as [lt|eq]; [|exact eq].
  exfalso. apply none. now exists a.
Qed.

Lemma top_mass : 0 < m < 1 /\ below s p r best_string = 1 - m /\ upto s p r best_string = 1.
Proof.
  destruct fp as [pos one]. destruct not_all_top as (a & ha & lt).
  assert (upto s p r best_string = 1) as up.
  { rewrite <- one. apply sum_ext. intros y hy. specialize (high y hy). rewrite indicator_yes by (intros no; lra).
      ring. }
  destruct (level_mass p r s best_string pos in_s) as (eq & gap & _). change (upto s p r best_string - below s p r
    best_string = m) in eq.
  assert (0 < below s p r best_string); [|lra]. apply (sum_pos_at s _ a); auto.
  - intros y hy. apply Rmult_le_pos; [now apply Rlt_le, pos|]. unfold indicator. destruct (Rlt_dec _ _); lra.
  - rewrite indicator_yes by (intros no; apply no; exact lt). rewrite Rmult_1_r. now apply pos.
Qed.

Lemma level_below a : In a s -> below s p r a <= 1 - m /\ upto s p r a <= 1.
Proof.
  intros ha. destruct top_mass as (_ & low & up). rewrite <- low, <- up. specialize (high a ha). destruct fp as [pos _].
  split; apply sum_le; intros y hy; apply Rmult_le_compat_l; try (now apply Rlt_le, pos); unfold indicator.
  - destruct (Rlt_dec (r y) (r a)), (Rlt_dec (r y) (r best_string)); lra.
  - destruct (Rle_dec (r y) (r a)), (Rle_dec (r y) (r best_string)); lra.
Qed.

(** best of n costs less than - log m *)
Lemma best_below k : KL s (best s p r (S k)) p < - ln m.
Proof.
  destruct top_mass as ([mp m1] & _ & _). pose proof (full_law s _ (best_full s p r fp k)) as lq.
  rewrite <- (E_const s _ (- ln m) lq). apply sum_lt_all; [apply (support s p fp)|]. intros a ha.
  destruct (best_full s p r fp k) as [bp _]. specialize (bp a ha). apply Rmult_lt_compat_l; [exact bp|].
  rewrite <- ln_Rinv by exact mp. pose proof (best_pos s p r fp k a ha) as ratio.
  destruct (level_at s p r fp a ha) as [gap pa]. destruct (level_below a ha) as [low up].
  assert (best s p r (S k) a / p a = (upto s p r a ^ S k - below s p r a ^ S k) / (upto s p r a - below s p r a)) as ->
    by (unfold best; field; lra).
  apply ln_increasing; [exact ratio|]. set (y := upto s p r a) in *. set (x := below s p r a) in *.
  pose proof (level_ratio k x y (1 - m)) as le. replace (1 - (1 - m)) with m in le by ring.
  assert (0 < (1 - m) ^ S k) by (apply pow_lt; lra). apply (Rmult_lt_reg_r ((y - x) * m)); [apply Rmult_lt_0_compat;
    lra|].
  replace ((y ^ S k - x ^ S k) / (y - x) * ((y - x) * m)) with ((y ^ S k - x ^ S k) * m) by (field; lra).
  replace (/ m * ((y - x) * m)) with (y - x) by (field; lra).
  assert ((y - x) * (1 - (1 - m) ^ S k) < (y - x) * 1) by (apply Rmult_lt_compat_l; lra). lra.
Qed.

(** and more than nothing for n >= 2: its top level has 1 - (1 - m)^n of the mass *)
Lemma best_above k : 0 < KL s (best s p r (S (S k))) p.
Proof.
  destruct top_mass as ([mp m1] & low & up). apply KL_positive; [apply full_law, best_full, fp|exact fp|].
  intros same. specialize (same best_string in_s). unfold best in same. rewrite low, up, pow1 in same.
  destruct fp as [pos _]. specialize (pos best_string in_s).
  assert ((1 - (1 - m) ^ S (S k)) / (1 - (1 - m)) = 1) as ratio.
  { apply (Rmult_eq_reg_l (p best_string)); [rewrite Rmult_1_r; exact same|lra]. }
  apply (f_equal (Rmult m)) in ratio. replace (1 - (1 - m)) with m in ratio by ring.
  replace (m * ((1 - (1 - m) ^ S (S k)) / m)) with (1 - (1 - m) ^ S (S k)) in ratio by (field; lra).
  change ((1 - m) ^ S (S k)) with ((1 - m) * ((1 - m) * (1 - m) ^ k)) in ratio.
  assert (0 < (1 - m) ^ k) as pk by (apply pow_lt; lra).
  pose proof (pow_incr (1 - m) 1 k ltac:(lra)) as k1. rewrite pow1 in k1.
  assert ((1 - m) * (1 - m) ^ k < 1) as less by nra. nra.
Qed.

(** the gap between the top reward and the next *)
Lemma reward_gap : exists gap, 0 < gap /\ forall a, In a s -> r a <= top - gap * (1 - at_top a).
Proof.
  set (rest := filter (fun a => if Rlt_dec (r a) top then true else false) s).
  assert (forall a, In a rest <-> In a s /\ r a < top) as in_rest.
  { intros a. unfold rest. rewrite filter_In. destruct (Rlt_dec (r a) top); intuition discriminate. }
  destruct not_all_top as (a0 & ha0 & lt0). assert (rest <> nil) as some.
  { intros none. assert (In a0 rest) as bad by now apply in_rest. now rewrite none in bad. }
  destruct (highest r rest some) as (a1 & in1 & next). apply in_rest in in1. destruct in1 as [_ lt1].
  exists (top - r a1). split; [lra|]. intros a ha. unfold at_top, indicator. destruct (Req_EM_T (r a) top) as [->|ne];
    [lra|].
  assert (r a <= r a1); [|lra]. apply next, in_rest. split; auto. destruct (high a ha); auto. contradiction.
Qed.

(** Donsker and Varadhan's bound with f = c on the top level: KL(q || p) >= c q(top) - log(1 - m + m e^c) *)
Lemma top_bound q c : law s q -> c * E s q at_top - ln (1 - m + m * exp c) <= KL s q p.
Proof.
  intros lq. pose proof (gibbs_scaled s p fp (fun a => c * at_top a) q lq) as g. rewrite E_scal in g.
  assert (0 <= KL s q (aligned s p (fun a => c * at_top a))) as pos by apply (divergence_from_aligned s p fp _ q lq).
  assert (Z s p (fun a => c * at_top a) = 1 - m + m * exp c) as z; [|rewrite z in g; lra].
  destruct fp as [_ one]. rewrite <- one. unfold m, Z. rewrite <- sum_minus, <- sum_scal_r, <- sum_plus. apply sum_ext.
  intros a _. unfold at_top, indicator. destruct (Req_EM_T (r a) top); [rewrite Rmult_1_r; ring|].
  rewrite Rmult_0_r, exp_0. ring.
Qed.

(** the aligned laws cost every amount between 0 and - log m *)
Lemma strength_reaches K : 0 < K < - ln m -> exists l, 0 < l /\ KL s (strength s p r l) p = K.
Proof.
  intros [K0 K1]. destruct top_mass as ([mp m1] & _ & _). destruct reward_gap as (gap & gp & rewards).
  assert (exists l, 0 <= l /\ K < KL s (strength s p r l) p) as (l & l0 & above).
  { apply NNPP. intros none.
    assert (forall l, 0 <= l -> KL s (strength s p r l) p <= K) as low by (intros l l0; apply Rnot_lt_le; intros lt;
      apply none; now exists l).
    assert (m < exp (- K)) as room by (rewrite <- (exp_ln m mp); apply exp_increasing; lra).
    set (d := (exp (- K) - m) / 2). assert (0 < d) as dp by (unfold d; lra).
    assert (exp (- K) < 1) as e1 by (rewrite <- exp_0; apply exp_increasing; lra).
    set (c := - ln d). assert (exp (- c) = d) as ec by (unfold c; now rewrite Ropp_involutive, exp_ln).
    assert (0 < c) as cp.
    { unfold c. assert (ln d < ln 1) by (apply ln_increasing; unfold d; lra). rewrite ln_1 in *. lra. }
    assert (0 < m + (1 - m) * d < exp (- K)) as [pp less].
    { split; [assert (0 < (1 - m) * d) by (apply Rmult_lt_0_compat; lra); lra|].
      assert ((1 - m) * d < 1 * d) by (apply Rmult_lt_compat_r; lra). unfold d in *. lra. }
    assert (ln (m + (1 - m) * d) < - K) as slack by (rewrite <- (ln_exp (- K)); now apply ln_increasing).
    set (e := (- K - ln (m + (1 - m) * d)) / 2). assert (0 < e) as epos by (unfold e; lra).
    assert (0 < gap * e / c) as small by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat|exact cp]).
    destruct (tilt_above s p (support s p fp) (proj1 fp) r (top - gap * e / c)) as (l & l0 & near).
    { exists best_string. split; [exact in_s|]. fold top. lra. }
    change (tilt s p r l) with (strength s p r l) in near. specialize (low l l0).
    pose proof (strength_law s p r fp l) as lq. set (q := strength s p r l) in *.
    assert (E s q r <= top - gap * (1 - E s q at_top)) as means.
    { apply Rle_trans with (E s q (fun a => top - gap * (1 - at_top a))); [apply E_le; auto|right].
      rewrite (E_ext s q _ (fun a => (top - gap) + gap * at_top a)) by (intros; ring).
      rewrite E_plus, E_scal, E_const by auto. ring. }
    assert (c * (1 - E s q at_top) < e) as most.
    { apply (Rmult_lt_reg_l (gap / c)); [now apply Rdiv_lt_0_compat|].
      replace (gap / c * (c * (1 - E s q at_top))) with (gap * (1 - E s q at_top)) by (field; lra).
      replace (gap / c * e) with (gap * e / c) by (field; lra). lra. }
    pose proof (top_bound q c lq) as bound.
    assert (1 - m + m * exp c = exp c * (m + (1 - m) * d)) as shape.
    { rewrite <- ec, Rmult_plus_distr_l, (Rmult_comm (1 - m)), <- Rmult_assoc, <- exp_plus, Rplus_opp_r, exp_0. ring. }
    rewrite shape, ln_mult, ln_exp in bound by (auto; apply exp_pos). unfold e in most. lra. }
  assert (KL s (strength s p r 0) p = 0) as start.
  { apply KL_same; [now apply strength_law|]. intros a _. unfold strength, aligned, Z.
    rewrite (sum_ext s _ p) by (intros; rewrite Rmult_0_l, exp_0; ring). destruct fp as [_ ->].
    rewrite Rmult_0_l, exp_0. field. }
  destruct (IVT_gen (fun l => KL s (strength s p r l) p) 0 l K) as (l1 & at_l & eq).
  - intros u. apply continuity_pt_filterlim, (ex_derive_continuous (fun l => KL s (strength s p r l) p)).
    eexists. now apply alignment_strength_divergence_holds.
  - rewrite start, Rmin_left, Rmax_right by lra. lra.
  - exists l1. split; [|exact eq]. rewrite Rmin_left, Rmax_right in at_l by lra.
    destruct at_l as [[pos|zero] _]; [exact pos|]. rewrite <- zero, start in eq. lra.
Qed.
End Twin.

Theorem alignment_best_of_n_twin_exists_holds : alignment_best_of_n_twin_exists.
Proof.
  intros A s p r n fp two varies. destruct n as [|[|k]]; [lia|lia|].
  destruct (highest r s (support s p fp)) as (top & in_s & high).
  destruct (strength_reaches s p r top fp in_s high varies (KL s (best s p r (S (S k))) p)) as (l & lp & eq).
  - split; [now apply (best_above s p r top)|now apply best_below].
  - exists l. split; [exact lp|]. split; [exact eq|]. apply alignment_best_of_n_earns_more_holds; auto. lia.
Qed.
