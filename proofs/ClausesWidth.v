(** correlation.typical and alignment.best-of-n: the normal law cut to (-c, c), and best of n without atoms. *)

Require Import Reals Lra Lia List Psatz Classical.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential BestOfN ClausesLimit.
Import ListNotations.
Open Scope R_scope.

(** * A reward without atoms *)

Section NoAtoms.
Variable k : nat.
Let n : R := INR (S k).

Lemma Phi_bound u : 0 < u < 1 -> Rabs (Phi k u) <= (ln n + 3 * INR k) * sqrt u.
Proof.
  intros [u0 u1]. pose proof (n_pos k) as np. fold n in np. pose proof (pos_INR k) as k0.
  assert (n = INR k + 1) as ns by apply S_INR. assert (0 <= ln n) as ln0 by (rewrite <- ln_1; apply ln_le; lra).
  assert (0 < sqrt u) as root by now apply sqrt_lt_R0. set (t := sqrt u) in *.
  assert (t * t = u) as square by (apply sqrt_sqrt; lra). assert (t < 1) as t1 by nra.
  assert (- (2 * / t) <= ln u <= 0) as [low high].
  { split; [|rewrite <- ln_1; apply ln_le; lra]. rewrite <- square, ln_mult by exact root.
    pose proof (ln_below (/ t) (Rinv_0_lt_compat _ root)) as le. rewrite ln_Rinv in le by exact root. lra. }
  assert (0 < u ^ k <= 1) as [uk0 uk1].
  { split; [now apply pow_lt|]. pose proof (pow_incr u 1 k ltac:(lra)) as le. rewrite pow1 in le. exact le. }
  assert (- 2 * t <= u * ln u <= 0) as [ulow uhigh].
  { split; [|nra]. apply Rle_trans with (u * - (2 * / t)); [|apply Rmult_le_compat_l; lra].
    right. rewrite <- square. field. lra. }
  assert (u <= t) as ut by (rewrite <- square; nra).
  assert (0 <= INR k / n <= INR k) as [r0 r1].
  { split; [now apply Rdiv_le_0_compat|]. apply (Rmult_le_reg_r n); [exact np|].
    replace (INR k / n * n) with (INR k) by (field; lra). rewrite ns. nra. }
  assert (Phi k u = u ^ k * (u * ln n + INR k * (u * ln u) - INR k / n * u)) as -> by (unfold Phi; fold n; simpl; ring).
  rewrite Rabs_mult, (Rabs_pos_eq (u ^ k)) by lra.
  assert (Rabs (u * ln n + INR k * (u * ln u) - INR k / n * u) <= (ln n + 3 * INR k) * t) as le.
  { assert (0 <= u * ln n <= t * ln n) by (split; [apply Rmult_le_pos|apply Rmult_le_compat_r]; lra).
    assert (- 2 * (INR k * t) <= INR k * (u * ln u) <= 0) by (split; nra).
    assert (0 <= INR k / n * u <= INR k * t).
    { split; [apply Rmult_le_pos; lra|]. apply Rmult_le_compat; lra. }
    assert (0 <= ln n * t) by (apply Rmult_le_pos; lra). apply Rabs_le. lra. }
  assert (0 <= (ln n + 3 * INR k) * t) by (apply Rmult_le_pos; lra).
  pose proof (Rabs_pos (u * ln n + INR k * (u * ln u) - INR k / n * u)).
  apply Rle_trans with (1 * Rabs (u * ln n + INR k * (u * ln u) - INR k / n * u)); [|lra].
  apply Rmult_le_compat_r; lra.
Qed.

Lemma Phi_vanishes : filterlim (fun e => Phi k 1 - Phi k e) (at_right 0) (locally (Phi k 1)).
Proof.
  apply filterlim_locally. intros eps. set (c := ln n + 3 * INR k + 1).
  assert (0 <= ln n) as ln0.
  { rewrite <- ln_1. apply ln_le; [lra|]. unfold n. apply (le_INR 1). lia. }
  assert (0 < c) as cp by (pose proof (pos_INR k); unfold c; lra). assert (0 < eps / c) as ec by (apply
    Rdiv_lt_0_compat; [apply cond_pos|exact cp]).
  assert (0 < Rmin 1 (eps / c * (eps / c))) as dp by (apply Rmin_glb_lt; [lra|now apply Rmult_lt_0_compat]).
  exists (mkposreal _ dp). intros u close pos. unfold ball in *; simpl in *. unfold AbsRing_ball, abs, minus, plus,
    opp in *; simpl in *.
  rewrite Ropp_0, Rplus_0_r, Rabs_pos_eq in close by lra.
  pose proof (Rmin_l 1 (eps / c * (eps / c))). pose proof (Rmin_r 1 (eps / c * (eps / c))).
  assert (u < 1) as u1 by lra. assert (u < eps / c * (eps / c)) as u2 by lra.
  replace (Phi k 1 - Phi k u + - Phi k 1) with (- Phi k u) by ring. rewrite Rabs_Ropp.
  apply Rle_lt_trans with (1 := Phi_bound u (conj pos u1)).
  assert (sqrt u < eps / c) as root.
  { rewrite <- (sqrt_square (eps / c)) by lra. apply sqrt_lt_1; lra. }
  pose proof (sqrt_pos u). apply Rle_lt_trans with (c * sqrt u); [apply Rmult_le_compat_r; unfold c; lra|].
  replace (RIneq.pos eps) with (c * (eps / c)) by (field; lra). now apply Rmult_lt_compat_l.
Qed.

Lemma Phi_integral e : 0 < e < 1 -> is_RInt (fun u => n * u ^ k * ln (n * u ^ k)) e 1 (Phi k 1 - Phi k e).
Proof.
  intros [e0 e1]. pose proof (n_pos k) as np. fold n in np. apply (is_RInt_derive (Phi k)).
  - intros u. rewrite Rmin_left, Rmax_right by lra. intros at_u. apply Phi_derive. lra.
  - intros u. rewrite Rmin_left, Rmax_right by lra. intros at_u.
    apply (ex_derive_continuous (fun u => n * u ^ k * ln (n * u ^ k))). auto_derive.
    apply Rmult_lt_0_compat; [exact np|apply pow_lt; lra].
Qed.
End NoAtoms.

Theorem alignment_best_of_n_no_atoms_holds : alignment_best_of_n_no_atoms.
Proof.
  intros n some g. destruct n as [|k]; [lia|]. assert (S k - 1 = k)%nat as pred by lia. unfold g. rewrite pred.
  pose proof (n_pos k) as np. split.
  - exists (fun e => Phi k 1 - Phi k e). split; [apply Phi_integral|].
    replace (ln (INR (S k)) - (INR (S k) - 1) / INR (S k)) with (Phi k 1); [apply Phi_vanishes|].
    unfold Phi. rewrite pow1, ln_1, S_INR. field. pose proof (pos_INR k). lra.
  - set (n := INR (S k)) in *. set (F := fun u => n / (n + 1) * u ^ S (S k)).
    replace (n / (n + 1)) with (minus (F 1) (F 0)).
    + apply (is_RInt_derive F).
      * intros u _. unfold F. auto_derive; [exact Logic.I|]. change (match k with O => 1 | S _ => INR k + 1 end) with n.
        simpl. field. lra.
      * intros u _. apply (ex_derive_continuous (fun u => u * (n * u ^ k))). auto_derive. exact Logic.I.
    + unfold F, minus, plus, opp; simpl. rewrite pow1. field. lra.
Qed.

(** * The normal law cut to (-c, c) *)

Section Cut.
Variable V : R.
Hypothesis vp : 0 < V.
Let phi (x : R) : R := exp (- x ^ 2 / (2 * V)).
Let square (x : R) : R := x ^ 2 * exp (- x ^ 2 / (2 * V)).
Let D (c : R) : R := RInt phi 0 c.
Let M (c : R) : R := RInt square 0 c.

Lemma phi_pos x : 0 < phi x.
Proof. apply exp_pos. Qed.

Lemma phi_continuous x : continuous phi x.
Proof. apply (ex_derive_continuous phi). unfold phi. auto_derive. lra. Qed.

Lemma square_continuous x : continuous square x.
Proof. apply (ex_derive_continuous square). unfold square. auto_derive. lra. Qed.

Lemma integral_derive (f : R -> R) c : (forall x, continuous f x) -> is_derive (fun c => RInt f 0 c) c (f c).
Proof.
  intros cont. apply (is_derive_RInt f _ 0 c); [|apply cont]. apply filter_forall. intros b.
  apply (RInt_correct (V := R_CompleteNormedModule) f 0 b), (ex_RInt_continuous (V := R_CompleteNormedModule)). auto.
Qed.

Lemma even_integral (f : R -> R) c : (forall x, continuous f x) -> (forall x, f (- x) = f x) ->
  RInt f (- c) c = 2 * RInt f 0 c.
Proof.
  intros cont even. assert (forall a b, ex_RInt f a b) as ex 
    by (intros; apply (ex_RInt_continuous (V := R_CompleteNormedModule)); auto).
  rewrite <- (RInt_Chasles f (- c) 0 c) by auto. unfold plus; simpl.
  assert (RInt f (- c) 0 = RInt f 0 c) as ->; [|ring].
  assert (is_RInt f (- c) (- 0) (RInt f (- c) 0)) as left.
  { rewrite Ropp_0. apply (RInt_correct (V := R_CompleteNormedModule)), ex. }
  apply is_RInt_comp_opp in left.
  assert (is_RInt f 0 c (RInt f 0 c)) as right by apply (RInt_correct (V := R_CompleteNormedModule)), ex.
  apply is_RInt_swap, is_RInt_opp in right. rewrite opp_opp in right.
  rewrite <- (is_RInt_unique _ _ _ _ left), <- (is_RInt_unique _ _ _ _ right).
  apply RInt_ext. intros x _. now rewrite even.
Qed.

Lemma cut_ratio c : 0 < D c -> cut_variance V c = M c / D c.
Proof.
  intros pos. unfold cut_variance. fold square phi. rewrite (even_integral square), (even_integral phi).
  - fold (M c) (D c). field. lra.
  - apply phi_continuous.
  - intros x. unfold phi. now replace ((- x) ^ 2) with (x ^ 2) by ring.
  - apply square_continuous.
  - intros x. unfold square. now replace ((- x) ^ 2) with (x ^ 2) by ring.
Qed.

Lemma D_zero : D 0 = 0.
Proof. unfold D. rewrite RInt_point. reflexivity. Qed.

Lemma M_zero : M 0 = 0.
Proof. unfold M. rewrite RInt_point. reflexivity. Qed.

Lemma D_derive c : is_derive D c (phi c).
Proof. apply integral_derive, phi_continuous. Qed.

Lemma M_derive c : is_derive M c (square c).
Proof. apply integral_derive, square_continuous. Qed.

Lemma D_pos c : 0 < c -> 0 < D c.
Proof. intros pos. rewrite <- D_zero. apply (increasing_lt D phi); [lra|intros; apply D_derive|lra|intros; apply
  phi_pos]. Qed.

(** V D(c) - M(c) = V c phi(c), whose slopes agree *)
Lemma parts c : 0 <= c -> M c = V * (D c - c * phi c).
Proof.
  intros pos. set (h := fun c => M c - V * (D c - c * phi c)).
  assert (forall u : R, is_derive h u 0) as der.
  { intros u. assert (is_derive (fun c => c * phi c) u (phi u - square u / V)) as dc.
    { unfold phi, square. auto_derive; [lra|].
      replace (- (u * (u * 1)) * / (2 * V)) with (- u ^ 2 / (2 * V)) by (unfold Rdiv; simpl; ring).
      set (e := exp _). field. lra. }
    pose proof (is_derive_minus _ _ u _ _ (M_derive u)
      (is_derive_scal _ u V _ (is_derive_minus _ _ u _ _ (D_derive u) dc))) as d.
    match type of d with is_derive _ _ ?x => replace 0 with x; [exact d|] end.
    unfold minus, plus, opp, scal; simpl; unfold mult; simpl. field. lra. }
  assert (h 0 = 0) as start by (unfold h; rewrite D_zero, M_zero; ring).
  assert (h c = 0) as zero; [|unfold h in zero; lra].
  pose proof (mean_value h (fun _ => 0) 0 c pos (fun u _ => der u)) as (u & _ & eq). lra.
Qed.

(** c^2 D(c) - M(c) is positive: its slope is 2 c D(c) *)
Lemma inside c : 0 < c -> M c < c ^ 2 * D c.
Proof.
  intros pos. set (h := fun c => c ^ 2 * D c - M c). assert (0 < h c); [|unfold h in *; lra].
  assert (h 0 = 0) as start by (unfold h; rewrite D_zero, M_zero; ring). rewrite <- start.
  destruct (MVT_cor2 h (fun c => 2 * c * D c) 0 c pos) as (u & eq & at_u).
  - intros u _. apply is_derive_Reals. assert (is_derive (fun c => c ^ 2) u (2 * u)) as dc by (auto_derive; [exact
      Logic.I|ring]).
    pose proof (is_derive_minus _ _ u _ _ (is_derive_mult _ _ u _ _ dc (D_derive u) Rmult_comm) (M_derive u)) as d.
    match type of d with is_derive _ _ ?x => replace (2 * u * D u) with x; [exact d|] end.
    unfold minus, plus, opp, mult; simpl. unfold square, phi. simpl. ring.
  - pose proof (D_pos u ltac:(lra)). assert (0 < 2 * u * D u * (c - 0)) by (repeat apply Rmult_lt_0_compat; lra). lra.
Qed.

Lemma cut_at c : 0 < c -> cut_variance V c = M c / D c.
Proof. intros pos. now apply cut_ratio, D_pos. Qed.

Lemma cut_bounds c : 0 < c -> 0 < cut_variance V c < V /\ cut_variance V c < c ^ 2.
Proof.
  intros pos. pose proof (D_pos c pos) as dp. rewrite cut_at by exact pos.
  assert (0 < M c) as mp.
  { rewrite <- M_zero. destruct (MVT_cor2 M square 0 c pos) as (u & eq & at_u).
    - intros u _. apply is_derive_Reals, M_derive.
    - assert (0 < square u) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|apply exp_pos]).
      assert (0 < square u * (c - 0)) by (apply Rmult_lt_0_compat; lra). lra. }
  pose proof (parts c (Rlt_le _ _ pos)) as by_parts. pose proof (inside c pos).
  assert (0 < V * (c * phi c)) by (repeat apply Rmult_lt_0_compat; auto using phi_pos).
  split; [split|]; [now apply Rdiv_lt_0_compat| |]; apply (Rmult_lt_reg_r (D c)); auto;
    replace (M c / D c * D c) with (M c) by (field; lra); lra.
Qed.

Lemma cut_rises c c' : 0 < c < c' -> cut_variance V c < cut_variance V c'.
Proof.
  intros [pos lt]. rewrite !cut_at by lra.
  apply (increasing_lt (fun c => M c / D c) (fun c => phi c * (c ^ 2 * D c - M c) / D c ^ 2)); [lra| |exact lt|].
  - intros u at_u. pose proof (D_pos u ltac:(lra)) as dp.
    pose proof (is_derive_div _ _ u _ _ (M_derive u) (D_derive u) (Rgt_not_eq _ _ dp)) as d.
    match type of d with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact d|] end
      end.
    unfold square. fold (phi u). field. lra.
  - intros u at_u. pose proof (D_pos u ltac:(lra)). pose proof (inside u ltac:(lra)).
    apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [apply phi_pos|lra]|now apply pow_lt].
Qed.

(** every variance below V is taken *)
Lemma cut_reaches v : 0 < v < V -> exists c, 0 < c /\ cut_variance V c = v.
Proof.
  intros [v0 v1]. set (f := fun c => M c - v * D c).
  assert (0 < sqrt v) as root by now apply sqrt_lt_R0. assert (sqrt v ^ 2 = v) as sq by (rewrite <- (sqrt_sqrt v) at 2
    by lra; ring).
  set (a := sqrt v) in *. assert (0 < D 1) as d1 by (apply D_pos; lra).
  set (far := Rmax 1 (2 * V * V / ((V - v) * D 1) + a + 1)).
  assert (1 <= far) as far1 by apply Rmax_l.
  assert (0 < 2 * V * V / ((V - v) * D 1)) as frac by (apply Rdiv_lt_0_compat; repeat apply Rmult_lt_0_compat; lra).
  assert (2 * V * V / ((V - v) * D 1) + a + 1 <= far) as far2 by apply Rmax_r.
  assert (f a < 0) as low by (pose proof (inside a root) as less; rewrite sq in less; unfold f; lra).
  assert (0 < f far) as high.
  { unfold f. rewrite parts by lra.
    assert (far * phi far <= 2 * V / far) as tail.
    { apply (Rmult_le_reg_r (/ far * exp (far ^ 2 / (2 * V)))).
      - apply Rmult_lt_0_compat; [apply Rinv_0_lt_compat; lra|apply exp_pos].
      - assert (phi far * exp (far ^ 2 / (2 * V)) = 1) as one.
        { unfold phi. rewrite <- exp_plus, <- exp_0. f_equal. field. lra. }
        replace (far * phi far * (/ far * exp (far ^ 2 / (2 * V)))) with (phi far * exp (far ^ 2 / (2 * V))) by
          (field; lra).
        rewrite one. pose proof (exp_ineq1_le (far ^ 2 / (2 * V))) as e.
        assert (0 < 2 * V / far ^ 2) as cp by (apply Rdiv_lt_0_compat; [lra|apply pow_lt; lra]).
        replace (2 * V / far * (/ far * exp (far ^ 2 / (2 * V)))) with (2 * V / far ^ 2 * exp (far ^ 2 / (2 * V)))
          by (field; lra).
        apply Rle_trans with (2 * V / far ^ 2 * (1 + far ^ 2 / (2 * V))); [|apply Rmult_le_compat_l; lra].
        replace (2 * V / far ^ 2 * (1 + far ^ 2 / (2 * V))) with (2 * V / far ^ 2 + 1) by (field; lra). lra. }
    assert (D 1 <= D far) as grow by (apply (increasing_le D phi); [lra|intros; apply D_derive|intros; apply Rlt_le,
      phi_pos]).
    assert (V * (2 * V / far) < (V - v) * D 1) as small.
    { apply (Rmult_lt_reg_r (far / ((V - v) * D 1))).
      - apply Rdiv_lt_0_compat; [lra|apply Rmult_lt_0_compat; lra].
      - replace (V * (2 * V / far) * (far / ((V - v) * D 1))) with (2 * V * V / ((V - v) * D 1)) by (field; lra).
        replace ((V - v) * D 1 * (far / ((V - v) * D 1))) with far by (field; lra). lra. }
    assert ((V - v) * D 1 <= (V - v) * D far) by (apply Rmult_le_compat_l; lra).
    assert (V * (far * phi far) <= V * (2 * V / far)) by (apply Rmult_le_compat_l; lra). lra. }
  destruct (IVT_gen f a far 0) as (c & at_c & zero).
  - intros u. apply continuity_pt_filterlim, (ex_derive_continuous f).
    pose proof (is_derive_minus _ _ u _ _ (M_derive u) (is_derive_scal D u v _ (D_derive u))) as d.
    exact (ex_intro _ _ d).
  - rewrite Rmin_left, Rmax_right by lra. lra.
  - rewrite Rmin_left, Rmax_right in at_c by lra. exists c. split; [lra|].
    assert (0 < D c) by (apply D_pos; lra). rewrite cut_at by lra. unfold f in zero.
    apply (Rmult_eq_reg_r (D c)); [|lra]. replace (M c / D c * D c) with (M c) by (field; lra). lra.
Qed.
End Cut.

Lemma varies (b u v : R) : 0 <= u -> (u = 0 -> b <> 0 /\ b <> -1) -> 0 < v -> 0 < b ^ 2 * v + u /\ 0 < (1 + b) ^ 2 * v
  + u.
Proof.
  intros [up|<-] free vp.
  - pose proof (pow2_ge_0 b). pose proof (pow2_ge_0 (1 + b)). split; nra.
  - destruct (free eq_refl) as [b0 b1]. rewrite !Rplus_0_r.
    split; apply Rmult_lt_0_compat; auto; rewrite <- Rsqr_pow2; apply Rlt_0_sqr; lra.
Qed.

Theorem correlation_typical_turn_in_width_holds : correlation_typical_turn_in_width.
Proof.
  intros b u V u0 vp free limit. pose proof (fun v => varies b u v u0 free) as vary.
  assert (forall v, 0 < v -> (u = 0 -> forall v', 0 < v' -> typical_limit b u v' = typical_limit b u v) /\
   (0 < u -> forall v', v < v' -> (b * (1 + b) * v' <= u -> typical_limit b u v < typical_limit b u v') /\
   (u <= b * (1 + b) * v -> typical_limit b u v' < typical_limit b u v))) as turn.
  { intros v pos. destruct (vary v pos). now apply (correlation_typical_turn_holds b u v). }
  assert (forall c, 0 < c -> 0 < cut_variance V c < V) as bounds by (intros; now apply cut_bounds).
  split; [|split].
  - intros zero c c' cp cp'. destruct (turn (cut_variance V c')) as [flat _]; [now apply bounds|].
    apply flat; auto. now apply bounds.
  - intros up low c c' [cp lt]. pose proof (bounds c cp) as [v0 _]. pose proof (bounds c' ltac:(lra)) as [v0' v1'].
    destruct (turn (cut_variance V c) v0) as [_ move]. apply (move up); [now apply cut_rises|].
    destruct (Rle_dec (b * (1 + b)) 0); [nra|]. apply Rle_trans with (b * (1 + b) * V); [apply Rmult_le_compat_l|]; lra.
  - intros up high. set (k := b * (1 + b)) in *. assert (0 < k) as kp by nra.
    assert (0 < u / k < V) as at_v.
    { split; [now apply Rdiv_lt_0_compat|]. apply (Rmult_lt_reg_l k); [exact kp|].
      replace (k * (u / k)) with u by (field; lra). lra. }
    destruct (cut_reaches V vp (u / k) at_v) as (c0 & pos & eq). exists c0. split; [exact pos|]. split; [exact eq|].
    assert (forall c, 0 < c -> (c <= c0 -> k * cut_variance V c <= u) /\ (c0 <= c -> u <= k * cut_variance V c)) as
      side.
    { intros c cp. assert (k * cut_variance V c0 = u) as level by (rewrite eq; field; lra). rewrite <- level at 1 2.
      split; intros le; apply Rmult_le_compat_l; try lra; destruct le as [lt|same]; try (rewrite same; apply Rle_refl);
        apply Rlt_le, cut_rises; auto. }
    split.
    + intros c c' [cp lt] le. destruct (turn (cut_variance V c)) as [_ move]; [now apply bounds|].
      apply (move up); [now apply cut_rises|]. apply side; lra.
    + intros c c' [le lt]. destruct (turn (cut_variance V c)) as [_ move]; [apply bounds; lra|].
      apply (move up); [apply cut_rises; auto; lra|]. apply side; lra.
Qed.

Theorem correlation_typical_narrow_in_width_holds : correlation_typical_narrow_in_width.
Proof.
  intros b u V u0 vp free limit. pose proof (fun v => varies b u v u0 free) as vary.
  destruct (correlation_typical_narrow_holds b u u0 vary) as [iff flat].
  assert (forall c, 0 < c -> 0 < cut_variance V c < V /\ cut_variance V c < c ^ 2) as bounds by (intros; now apply
    cut_bounds).
  assert (~ (0 < u \/ b < -1 \/ 0 < b) -> forall c, 0 < c -> limit c = 1) as one.
  { intros no c cp. apply flat; auto. now apply bounds. }
  split; [|exact one]. split.
  - intros lim. apply NNPP. intros no. assert (filterlim limit (at_right 0) (locally 1)) as lim1.
    { apply (filterlim_ext_loc (fun _ => 1)); [|apply filterlim_const]. apply near_zero. intros c cp. symmetry. now
        apply one. }
    pose proof (filterlim_locally_unique (F := at_right 0) limit _ _ lim1 lim). lra.
  - intros yes. apply iff in yes. apply (filterlim_comp _ _ _ (cut_variance V) (typical_limit b u) _ (at_right 0));
      [|exact yes].
    intros P (eps & near). assert (0 < Rmin 1 eps) as dp by (apply Rmin_glb_lt; [lra|apply cond_pos]).
    exists (mkposreal _ dp). intros c close cp. unfold ball in close; simpl in close.
    unfold AbsRing_ball, abs, minus, plus, opp in close; simpl in close. rewrite Ropp_0, Rplus_0_r, Rabs_pos_eq in
      close by lra.
    destruct (bounds c cp) as [[v0 _] v1]. apply near; [|exact v0]. unfold ball; simpl.
    unfold AbsRing_ball, abs, minus, plus, opp; simpl. rewrite Ropp_0, Rplus_0_r, Rabs_pos_eq by lra.
    pose proof (Rmin_l 1 eps). pose proof (Rmin_r 1 eps). assert (c ^ 2 <= c) by nra. lra.
Qed.
