(** correlation.typical: how the limit of the correlation given typicality depends on the width of the typical set. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements ClauseStatements Sums Exponential.
Import ListNotations.
Open Scope R_scope.

Section Limit.
Variables b u : R.
Hypothesis u0 : 0 <= u.
Let beta : R := b * (1 + b).
Let P (v : R) : R := (b ^ 2 * v + u) * ((1 + b) ^ 2 * v + u).

Lemma P_shape v : P v = beta ^ 2 * v ^ 2 + u * (1 + 2 * beta) * v + u ^ 2.
Proof. unfold P, beta. ring. Qed.

Lemma P_derive v : is_derive P v (2 * beta ^ 2 * v + u * (1 + 2 * beta)).
Proof.
  apply (is_derive_ext (fun v => beta ^ 2 * v ^ 2 + u * (1 + 2 * beta) * v + u ^ 2)); [intros; symmetry; apply
    P_shape|].
  auto_derive; [exact Logic.I|ring].
Qed.

(** the numerator is - (beta v + u), and P = (beta v + u)^2 + u v *)
Lemma limit_derive v : 0 < P v -> is_derive (typical_limit b u) v (u * (u - beta * v) / (2 * (P v * sqrt (P v)))).
Proof.
  intros pos. assert (0 < sqrt (P v)) as root by now apply sqrt_lt_R0.
  assert (sqrt (P v) * sqrt (P v) = P v) as square by (apply sqrt_sqrt; lra).
  pose proof (is_derive_sqrt P v _ (P_derive v) pos) as ds.
  assert (is_derive (fun v => - b * (1 + b) * v - u) v (- beta)) as dn
    by (auto_derive; [exact Logic.I|unfold beta; ring]).
  pose proof (is_derive_div _ _ v _ _ dn ds (Rgt_not_eq _ _ root)) as d.
  change (fun v => (- b * (1 + b) * v - u) / sqrt (P v)) with (typical_limit b u) in d.
  match type of d with is_derive _ _ ?x => match goal with |- is_derive _ _ ?y => replace y with x; [exact d|] end end.
  set (t := sqrt (P v)) in *. replace (- b * (1 + b) * v - u) with (- beta * v - u) by (unfold beta; ring).
  unfold Rdiv. apply (Rmult_eq_reg_r (2 * (P v * t))); [|apply Rgt_not_eq, Rmult_lt_0_compat; [lra|now apply
    Rmult_lt_0_compat]].
  transitivity (u * (u - beta * v)); [|field; split; lra]. rewrite <- square.
  transitivity (- 2 * beta * (t * t) - (- beta * v - u) * (2 * beta ^ 2 * v + u * (1 + 2 * beta))).
  - field. lra.
  - rewrite square, P_shape. ring.
Qed.
End Limit.

Lemma P_pos b u v : 0 < b ^ 2 * v + u -> 0 < (1 + b) ^ 2 * v + u -> 0 < (b ^ 2 * v + u) * ((1 + b) ^ 2 * v + u).
Proof. apply Rmult_lt_0_compat. Qed.

Lemma limit_flat b v : 0 < v -> 0 < b ^ 2 * v + 0 -> 0 < (1 + b) ^ 2 * v + 0 ->
  typical_limit b 0 v = - (b * (1 + b)) / Rabs (b * (1 + b)).
Proof.
  intros vp x y. set (k := b * (1 + b)). assert (k <> 0) as nz.
  { unfold k. intros zero. apply Rmult_integral in zero. destruct zero as [zero|zero]; rewrite zero in *; lra. }
  assert (0 < Rabs k) by now apply Rabs_pos_lt. unfold typical_limit.
  replace ((b ^ 2 * v + 0) * ((1 + b) ^ 2 * v + 0)) with (Rsqr (k * v)) by (unfold Rsqr, k; ring).
  rewrite sqrt_Rsqr_abs, Rabs_mult, (Rabs_pos_eq v) by lra. fold k. replace (- b * (1 + b)) with (- k) by (unfold k;
    ring).
  field. split; lra.
Qed.

Lemma sign_scaled x c : 0 < c -> sign (x / c) = sign x.
Proof.
  intros cp. assert (0 < / c) by now apply Rinv_0_lt_compat. destruct (Rtotal_order x 0) as [neg|[->|pos]].
  - rewrite !sign_eq_m1; auto. unfold Rdiv. nra.
  - unfold Rdiv. now rewrite Rmult_0_l.
  - rewrite !sign_eq_1; auto. unfold Rdiv. now apply Rmult_lt_0_compat.
Qed.

Theorem correlation_typical_turn_holds : correlation_typical_turn.
Proof.
  intros b u v u0 vp x y. set (k := b * (1 + b)).
  set (P := fun v => (b ^ 2 * v + u) * ((1 + b) ^ 2 * v + u)).
  assert (forall z, v <= z -> 0 < P z) as pos.
  { intros z le. pose proof (pow2_ge_0 b). pose proof (pow2_ge_0 (1 + b)). apply Rmult_lt_0_compat; nra. }
  set (slope := fun z => u * (u - k * z) / (2 * (P z * sqrt (P z)))).
  assert (forall z, v <= z -> 0 < 2 * (P z * sqrt (P z))) as den.
  { intros z le. specialize (pos z le). assert (0 < sqrt (P z)) by now apply sqrt_lt_R0.
    assert (0 < P z * sqrt (P z)) by now apply Rmult_lt_0_compat. lra. }
  assert (forall z, v <= z -> is_derive (typical_limit b u) z (slope z)) as der by (intros z le; apply limit_derive,
    pos, le).
  split; [|split].
  - exists (slope v). split; [apply der, Rle_refl|]. apply sign_scaled, den, Rle_refl.
  - intros zero v' vp'. subst u. assert (0 < b ^ 2 /\ 0 < (1 + b) ^ 2) as [b2 c2].
    { split; apply (Rmult_lt_reg_r v); lra. }
    rewrite !limit_flat; auto; rewrite Rplus_0_r; now apply Rmult_lt_0_compat.
  - intros up v' lt. set (m := (v + v') / 2).
    assert (forall f f' : R -> R, (forall z, v <= z <= v' -> is_derive f z (f' z)) ->
      (forall z, v < z < v' -> 0 < f' z) -> f v < f v') as rise.
    { intros f f' d p. destruct (MVT_cor2 f f' v v' lt) as (z & eq & at_z).
      - intros z at_z. apply is_derive_Reals, d, at_z.
      - specialize (p z at_z). assert (0 < f' z * (v' - v)) by (apply Rmult_lt_0_compat; lra). lra. }
    split; intros side.
    + apply (rise (typical_limit b u) slope); [intros; apply der; lra|]. intros z at_z.
      apply Rdiv_lt_0_compat; [|apply den; lra]. apply Rmult_lt_0_compat; [exact up|]. fold k in side.
      destruct (Rle_dec k 0) as [neg|kp]; [nra|]. assert (k * z < k * v'); [apply Rmult_lt_compat_l; lra|lra].
    + apply Ropp_lt_cancel. apply (rise (fun z => - typical_limit b u z) (fun z => - slope z)).
      * intros z at_z. apply (is_derive_opp (typical_limit b u)), der. lra.
      * intros z at_z. fold k in side. assert (0 < k) as kp by nra.
        assert (k * v < k * z) by (apply Rmult_lt_compat_l; lra).
        assert (0 < u * (k * z - u) / (2 * (P z * sqrt (P z)))) as down.
        { apply Rdiv_lt_0_compat; [|apply den; lra]. apply Rmult_lt_0_compat; lra. }
        unfold slope. replace (- (u * (u - k * z) / (2 * (P z * sqrt (P z))))) with (u * (k * z - u) / (2 * (P z *
          sqrt (P z))));
          [exact down|]. unfold Rdiv. ring.
Qed.

Lemma near_zero (P : R -> Prop) : (forall v, 0 < v -> P v) -> at_right 0 P.
Proof. intros all. exists (mkposreal 1 Rlt_0_1). intros v _ pos. now apply all. Qed.

Theorem correlation_typical_narrow_holds : correlation_typical_narrow.
Proof.
  intros b u u0 vary. destruct u0 as [up|<-].
  - split; [|intros no; destruct no; now left]. split; [now left|intros _].
    assert (0 < (b ^ 2 * 0 + u) * ((1 + b) ^ 2 * 0 + u)) as pos by (apply Rmult_lt_0_compat; lra).
    pose proof (limit_derive b u 0 pos) as der.
    pose proof (ex_derive_continuous (typical_limit b u) 0 (ex_intro _ _ der)) as cont.
    assert (typical_limit b u 0 = -1) as value.
    { unfold typical_limit. replace ((b ^ 2 * 0 + u) * ((1 + b) ^ 2 * 0 + u)) with (u * u) by ring.
      rewrite sqrt_square by lra. field. lra. }
    unfold continuous in cont. rewrite value in cont.
    intros Q near. generalize (cont Q near). unfold filtermap, at_right, Hierarchy.within. apply filter_imp. auto.
  - assert (b <> 0 /\ 1 + b <> 0) as [b0 c0].
    { destruct (vary 1 Rlt_0_1) as [x y]. split; intros zero; rewrite zero in *; lra. }
    set (k := b * (1 + b)). assert (k <> 0) as nz by now apply Rmult_integral_contrapositive.
    assert (forall v, 0 < v -> typical_limit b 0 v = - k / Rabs k) as flat.
    { intros v vp. destruct (vary v vp). now apply limit_flat. }
    assert (filterlim (typical_limit b 0) (at_right 0) (locally (- k / Rabs k))) as lim.
    { apply (filterlim_ext_loc (fun _ => - k / Rabs k)); [|apply filterlim_const].
      apply near_zero. intros v vp. symmetry. now apply flat. }
    destruct (Rlt_dec 0 k) as [kp|kn].
    + assert (b < -1 \/ 0 < b) as outside.
      { destruct (Rle_dec b (-1)), (Rle_dec b 0); [left; lra|left; lra| |right; lra]. exfalso. unfold k in kp. nra. }
      assert (- k / Rabs k = -1) as value by (rewrite Rabs_pos_eq by lra; field; lra). rewrite value in lim.
      split; [split; [intros _; now right|intros _; exact lim]|]. intros no. destruct no. now right.
    + assert (- k / Rabs k = 1) as value by (rewrite Rabs_left by lra; field; lra).
      assert (~ (0 < 0 \/ b < -1 \/ 0 < b)) as inside.
      { intros [bad|[low|high]]; [lra| |]; apply kn; unfold k; nra. }
      split; [|intros _ v vp; rewrite flat; auto]. split; [|intros bad; now destruct inside].
      intros bad. rewrite value in lim.
      pose proof (filterlim_locally_unique (F := at_right 0) (typical_limit b 0) _ _ lim bad). lra.
Qed.
