(** alignment.best-of-n: the law of the best of n draws, what it costs, and its aligned twin. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Exponential Alignment.
Import ListNotations.
Open Scope R_scope.

Lemma indicator_yes {P Q : Prop} (d : {P} + {Q}) : ~ Q -> indicator d = 1.
Proof. unfold indicator. destruct d; tauto. Qed.

Lemma indicator_no {P Q : Prop} (d : {P} + {Q}) : ~ P -> indicator d = 0.
Proof. unfold indicator. destruct d; tauto. Qed.

(** * Levels of the reward *)

Section Levels.
Context {A : Type}.
Variables (p r : A -> R).
Implicit Types (s : list A).

Lemma sum_filter s (keep : A -> bool) f : sum (filter keep s) f = sum s (fun a => if keep a then f a else 0).
Proof. induction s as [|x s IH]; simpl; [reflexivity|]. destruct (keep x); simpl; rewrite IH; ring. Qed.

Lemma highest s : s <> nil -> exists a, In a s /\ forall y, In y s -> r y <= r a.
Proof.
  induction s as [|x s IH]; [congruence|]. intros _. destruct s as [|x' s].
  - exists x. split; [now left|]. intros y [<-|[]]. apply Rle_refl.
  - destruct IH as (a & ha & top); [congruence|]. destruct (Rle_dec (r x) (r a)) as [le|gt].
    + exists a. split; [now right|]. intros y [<-|hy]; auto.
    + exists x. split; [now left|]. apply Rnot_le_lt in gt. intros y [<-|hy]; [apply Rle_refl|].
      specialize (top y hy). lra.
Qed.

Lemma level_mass s a : (forall y, In y s -> 0 < p y) -> In a s ->
  upto s p r a - below s p r a = sum s (fun y => p y * indicator (Req_EM_T (r y) (r a))) /\
  0 < upto s p r a - below s p r a /\ 0 <= below s p r a.
Proof.
  intros pos ha. assert (upto s p r a - below s p r a = sum s (fun y => p y * indicator (Req_EM_T (r y) (r a)))) as eq.
  { unfold upto, below. rewrite <- sum_minus. apply sum_ext. intros y _. unfold indicator.
    destruct (Rle_dec (r y) (r a)), (Rlt_dec (r y) (r a)), (Req_EM_T (r y) (r a)); lra. }
  split; [exact eq|]. split.
  - rewrite eq. apply (sum_pos_at s _ a); auto.
    + intros y hy. specialize (pos y hy). unfold indicator. destruct Req_EM_T; lra.
    + rewrite indicator_yes by tauto. specialize (pos a ha). lra.
  - apply sum_nonneg. intros y hy. specialize (pos y hy). unfold indicator. destruct Rlt_dec; lra.
Qed.

(** What is a difference of Phi between F- and F on every level sums to the difference between 0 and 1. *)
Lemma levels_telescope (Phi : R -> R) s : (forall a, In a s -> 0 < p a) ->
  sum s (fun a => p a * ((Phi (upto s p r a) - Phi (below s p r a)) / (upto s p r a - below s p r a)))
  = Phi (sum s p) - Phi 0.
Proof.
  remember (length s) as n eqn:len. assert (length s <= n)%nat as le by lia. clear len. revert s le.
  induction n as [|n IH]; intros s le pos.
  { destruct s; [simpl; ring|simpl in le; lia]. }
  destruct s as [|x0 s0]; [simpl; ring|]. set (s := x0 :: s0) in *.
  destruct (highest s) as (top & in_top & high); [discriminate|].
  set (keep := fun y => if Rlt_dec (r y) (r top) then true else false). set (s' := filter keep s).
  assert (length s' <= n)%nat as shorter.
  { assert (length s' < length s)%nat; [|lia]. unfold s'. clear - in_top. induction s as [|x t IHt]; [destruct in_top|].
    assert (forall l : list A, length (filter keep l) <= length l)%nat as short
      by (intros l; induction l as [|y l IHl]; simpl; [lia|destruct (keep y); simpl; lia]).
    simpl. destruct in_top as [->|later].
    - unfold keep at 1. destruct (Rlt_dec (r top) (r top)); [lra|]. specialize (short t). lia.
    - specialize (IHt later). destruct (keep x); simpl; lia. }
  assert (forall y, In y s' -> In y s /\ r y < r top) as in_s'.
  { intros y hy. apply filter_In in hy. destruct hy as [hy kept]. split; auto. unfold keep in kept.
    destruct (Rlt_dec (r y) (r top)); [auto|discriminate]. }
  specialize (IH s' shorter (fun a ha => pos a (proj1 (in_s' a ha)))).
  assert (forall a (f : A -> R), r a < r top -> (forall y, r a < r y -> f y = 0) -> sum s' f = sum s f) as same.
  { intros a f low zero. unfold s'. rewrite sum_filter. apply sum_ext. intros y hy. unfold keep.
    destruct (Rlt_dec (r y) (r top)); [reflexivity|]. rewrite zero; [reflexivity|lra]. }
  assert (forall a, r a < r top -> upto s' p r a = upto s p r a /\ below s' p r a = below s p r a) as lower.
  { intros a low. split; apply (same a); auto; intros y hy; rewrite indicator_no by (intros ?; lra); ring. }
  set (T := sum s p). set (T' := sum s' p).
  assert (forall a, In a s -> ~ r a < r top -> upto s p r a = T /\ below s p r a = T') as upper.
  { intros a ha no. specialize (high a ha) as h. split; [|unfold T', s'; rewrite sum_filter]; apply sum_ext; intros y hy.
    - specialize (high y hy). rewrite indicator_yes by (intros ?; lra). ring.
    - unfold keep, indicator. destruct (Rlt_dec (r y) (r a)), (Rlt_dec (r y) (r top)); lra. }
  assert (T - T' = sum s (fun a => if keep a then 0 else p a)) as mass.
  { unfold T, T', s'. rewrite sum_filter, <- sum_minus. apply sum_ext. intros y _. destruct (keep y); ring. }
  assert (0 < T - T') as massive.
  { rewrite mass. apply (sum_pos_at s _ top); auto.
    - intros y hy. specialize (pos y hy). destruct (keep y); lra.
    - unfold keep. destruct (Rlt_dec (r top) (r top)); [lra|auto]. }
  set (k := (Phi T - Phi T') / (T - T')).
  transitivity ((Phi T' - Phi 0) + k * (T - T')); [|unfold k; field; lra].
  unfold T' at 1. rewrite <- IH, mass, <- sum_scal. unfold s' at 1. rewrite sum_filter, <- sum_plus. apply sum_ext.
  intros a ha. unfold keep. destruct (Rlt_dec (r a) (r top)) as [low|no].
  - destruct (lower a low) as [-> ->]. ring.
  - destruct (upper a ha no) as [-> ->]. fold k. ring.
Qed.
End Levels.

(** * The cost of a level: between F- = x and F = y it is at most Phi(y) - Phi(x), n = k + 1 *)

Section Cost.
Variable k : nat.
Let n : R := INR (S k).

Lemma n_pos : 0 < n.
Proof. apply lt_0_INR. lia. Qed.

Definition Phi (u : R) : R := u ^ S k * (ln n + INR k * ln u) - INR k / n * u ^ S k.

Lemma ln_power u j : 0 < u -> ln (u ^ j) = INR j * ln u.
Proof.
  intros up. induction j as [|j IH]; [simpl; rewrite ln_1; ring|].
  rewrite S_INR. simpl pow. rewrite ln_mult, IH by (auto using pow_lt). ring.
Qed.

(** Phi' = g log g with g = n u^(n-1) *)
Lemma Phi_derive u : 0 < u -> is_derive Phi u (n * u ^ k * ln (n * u ^ k)).
Proof.
  intros up. pose proof n_pos. rewrite ln_mult, ln_power by (auto using pow_lt).
  unfold Phi. auto_derive; [auto|]. change (match k with O => 1 | S _ => INR k + 1 end) with n. field. split; lra.
Qed.

Lemma power_increasing x y : 0 <= x < y -> x ^ S k < y ^ S k.
Proof.
  intros [x0 lt]. induction k as [|j IH]; [simpl; lra|].
  change (x * x ^ S j < y * y ^ S j). assert (0 <= x ^ S j) by now apply pow_le. nra.
Qed.

Lemma level_cost x y : 0 <= x < y -> (y ^ S k - x ^ S k) * ln ((y ^ S k - x ^ S k) / (y - x)) <= Phi y - Phi x.
Proof.
  intros [[xp|<-] lt]; pose proof n_pos as np.
  - pose proof (power_increasing x y (conj (Rlt_le _ _ xp) lt)) as grow. set (G := y ^ S k - x ^ S k).
    assert (0 < G) as Gp by (unfold G; lra). set (c := G / (y - x)).
    assert (0 < c) as cp by (apply Rdiv_lt_0_compat; lra).
    set (h := fun u => Phi u - (u ^ S k * ln c + u ^ S k - c * u)).
    assert (h x <= h y) as le.
    { apply (increasing_le h (fun u => n * u ^ k * ln (n * u ^ k) - (n * u ^ k * ln c + n * u ^ k - c))); [lra| |].
      - intros u at_u. apply (is_derive_minus Phi (fun u => u ^ S k * ln c + u ^ S k - c * u) u); [apply Phi_derive; lra|].
        auto_derive; auto. change (match k with O => 1 | S _ => INR k + 1 end) with n. ring.
      - intros u at_u. assert (0 < n * u ^ k) as gp by (apply Rmult_lt_0_compat; [exact np|apply pow_lt; lra]).
        pose proof (divergence_term (n * u ^ k) c (Rlt_le _ _ gp) (Rlt_le _ _ cp)) as term.
        rewrite ln_div in term by auto. assert (c = 0 -> n * u ^ k = 0) as no by lra. specialize (term no). lra. }
    unfold h in le. assert (c * (y - x) = G) as area by (unfold c; field; lra).
    assert (G * ln c = y ^ S k * ln c - x ^ S k * ln c) by (unfold G; ring).
    assert (G = y ^ S k - x ^ S k) by reflexivity. lra.
  - assert (0 ^ S k = 0) as zero by (simpl; ring). unfold Phi. rewrite zero, !Rminus_0_r.
    replace (y ^ S k / y) with (y ^ k) by (simpl; field; lra). rewrite ln_power by auto.
    assert (0 < y ^ S k) as pos by now apply pow_lt. assert (INR k / n <= ln n) as low.
    { pose proof (ln_below (/ n) (Rinv_0_lt_compat _ np)) as le. rewrite ln_Rinv in le by exact np.
      replace (INR k / n) with (1 - / n); [lra|]. assert (n = INR k + 1) as -> by apply S_INR.
      pose proof (pos_INR k). field. lra. }
    nra.
Qed.
End Cost.

Section Best.
Context {A : Type}.
Variables (s : list A) (p r : A -> R).
Hypothesis fp : full s p.

Lemma best_pos k a : In a s -> 0 < (upto s p r a ^ S k - below s p r a ^ S k) / (upto s p r a - below s p r a).
Proof.
  intros ha. destruct (level_mass p r s a (proj1 fp) ha) as (_ & gap & low).
  apply Rdiv_lt_0_compat; [|exact gap].
  pose proof (power_increasing k (below s p r a) (upto s p r a)) as grow. lra.
Qed.

Lemma best_full k : full s (best s p r (S k)).
Proof.
  split.
  - intros a ha. apply Rmult_lt_0_compat; [now apply fp|now apply best_pos].
  - pose proof (levels_telescope p r (fun u => u ^ S k) s (proj1 fp)) as sums. destruct fp as [_ one].
    unfold best. cbv beta in sums. rewrite sums, one, pow1, pow_ne_zero by lia. ring.
Qed.

Lemma best_cost k : KL s (best s p r (S k)) p <= ln (INR (S k)) - INR k / INR (S k).
Proof.
  assert (Phi k 1 - Phi k 0 = ln (INR (S k)) - INR k / INR (S k)) as <-.
  { unfold Phi. rewrite pow1, ln_1, pow_ne_zero by lia. ring. }
  destruct fp as [pos one]. rewrite <- one at 1. rewrite <- (levels_telescope p r (Phi k) s pos).
  apply sum_le. intros a ha. specialize (pos a ha) as pa. destruct (level_mass p r s a pos ha) as (_ & gap & low).
  pose proof (level_cost k (below s p r a) (upto s p r a)) as cost. unfold best.
  set (x := below s p r a) in *. set (y := upto s p r a) in *.
  set (g := (y ^ S k - x ^ S k) / (y - x)) in *. replace (p a * g / p a) with g by (field; lra).
  replace (p a * g * ln g) with (p a / (y - x) * ((y ^ S k - x ^ S k) * ln g)) by (unfold g at 2; field; lra).
  replace (p a * ((Phi k y - Phi k x) / (y - x))) with (p a / (y - x) * (Phi k y - Phi k x)) by (field; lra).
  apply Rmult_le_compat_l; [apply Rlt_le, Rdiv_lt_0_compat; lra|]. apply cost. lra.
Qed.
End Best.

Theorem alignment_best_of_n_normalised_holds : alignment_best_of_n_normalised.
Proof.
  intros A s p r n fp some. destruct n as [|k]; [lia|]. split; [now apply full_law, best_full|].
  intros a ha. destruct (level_mass p r s a (proj1 fp) ha) as (_ & gap & _). unfold best. rewrite !pow_1. field. lra.
Qed.

Theorem alignment_best_of_n_bound_holds : alignment_best_of_n_bound.
Proof.
  intros A s p r n fp some. destruct n as [|k]; [lia|].
  replace (INR (S k) - 1) with (INR k) by (rewrite S_INR; ring). now apply best_cost.
Qed.

(** lambda (E_l r - E_q r) = KL(q || p_l) + KL(p_l || p) - KL(q || p) *)
Theorem alignment_best_of_n_twin_holds : alignment_best_of_n_twin.
Proof.
  intros A s p r n lambda fp some lp same. destruct n as [|k]; [lia|].
  assert (law s (best s p r (S k))) as lq by now apply full_law, best_full.
  pose proof (gibbs_scaled s p fp (fun a => lambda * r a) _ lq) as at_q.
  pose proof (gibbs_scaled s p fp (fun a => lambda * r a) _ (strength_law s p r fp lambda)) as at_l.
  fold (strength s p r lambda) in at_q, at_l. rewrite E_scal in at_q, at_l.
  rewrite (KL_self s (strength s p r lambda)) in at_l by (intros; now apply strength_law).
  assert (0 <= KL s (best s p r (S k)) (strength s p r lambda)) as pos.
  { apply (divergence_from_aligned s p fp (fun a => lambda * r a) _ lq). }
  apply (Rmult_le_reg_l lambda); [exact lp|]. lra.
Qed.

(** * The law of the best draw *)

Section Draws.
Context {A : Type}.
Variables (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p r : A -> R) (a : A).
Hypotheses (fp : full s p) (distinct : NoDup s) (at_a : In a s).

Let B : R := below s p r a.
Let M : R := upto s p r a - below s p r a.

Lemma once : sum s (fun y => p y * indicator (same a y)) = p a.
Proof.
  clear fp B M. induction s as [|x t IH]; [destruct at_a|]. inversion distinct as [|? ? fresh rest]; subst. simpl.
  destruct at_a as [->|later].
  - rewrite indicator_yes by tauto. rewrite (sum_ext t _ (fun _ => 0)), sum_zero; [ring|].
    intros y hy. rewrite indicator_no; [ring|]. intros ->. auto.
  - rewrite indicator_no by (intros ->; auto). rewrite IH by auto. ring.
Qed.

Lemma count_nonneg {P Q : A -> Prop} (c : list A) (d : forall y, {P y} + {Q y}) : 0 <= count c d.
Proof. apply sum_nonneg. intros y _. unfold indicator. destruct (d y); lra. Qed.

(** the expected share of a after n more draws, where t ties, j of them a, have been drawn *)
Let F (n : nat) (t j : R) : R := EN s p n (fun c =>
  if Req_EM_T (count c (fun y => Rlt_dec (r a) (r y))) 0
  then (j + count c (same a)) / (t + count c (fun y => Req_EM_T (r y) (r a))) else 0).

Lemma F_step n t j : F (S n) t j = B * F n t j + p a * F n (t + 1) (j + 1) + (M - p a) * F n (t + 1) j.
Proof.
  transitivity (sum s (fun x => p x * indicator (Rlt_dec (r x) (r a)) * F n t j
    + (p x * indicator (same a x) * F n (t + 1) (j + 1)
       + (p x * indicator (Req_EM_T (r x) (r a)) - p x * indicator (same a x)) * F n (t + 1) j))).
  - unfold F at 1. cbn [EN]. apply sum_ext. intros x hx.
    destruct (Rlt_dec (r a) (r x)) as [above|no].
    + rewrite (indicator_no (Rlt_dec (r x) (r a))), (indicator_no (Req_EM_T (r x) (r a))) by (intros ?; lra).
      rewrite (indicator_no (same a x)) by (intros ->; lra).
      rewrite (EN_ext s p n _ (fun _ => 0)); [rewrite EN_const by (now apply full_law); ring|].
      intros c _ _. destruct Req_EM_T as [none|_]; [|reflexivity]. exfalso. unfold count in none. cbn [sum] in none.
      rewrite (indicator_yes (Rlt_dec (r a) (r x))) in none by tauto.
      pose proof (count_nonneg c (fun y => Rlt_dec (r a) (r y))) as pos. unfold count in pos. lra.
    + assert (forall c, count (x :: c) (fun y => Rlt_dec (r a) (r y)) = count c (fun y => Rlt_dec (r a) (r y))) as none.
      { intros c. unfold count. cbn [sum]. rewrite (indicator_no (Rlt_dec (r a) (r x))) by tauto. ring. }
      assert (forall (t' j' : R), indicator (Req_EM_T (r x) (r a)) = t' -> indicator (same a x) = j' ->
        EN s p n (fun c => if Req_EM_T (count (x :: c) (fun y => Rlt_dec (r a) (r y))) 0
          then (j + count (x :: c) (same a)) / (t + count (x :: c) (fun y => Req_EM_T (r y) (r a))) else 0)
        = F n (t + t') (j + j')) as next.
      { intros t' j' et ej. apply EN_ext. intros c _ _. rewrite <- (none c).
        destruct (Req_EM_T (count (x :: c) (fun y => Rlt_dec (r a) (r y))) 0); [|reflexivity].
        unfold count. cbn [sum]. rewrite et, ej. f_equal; ring. }
      destruct (Req_EM_T (r x) (r a)) as [tie|lower] eqn:dt.
      * rewrite (indicator_no (Rlt_dec (r x) (r a))) by (intros ?; lra).
        destruct (same a x) as [eq|ne] eqn:ds.
        -- rewrite (next 1 1) by (rewrite ?dt, ?ds; reflexivity). unfold indicator. ring.
        -- rewrite (next 1 0) by (rewrite ?dt, ?ds; reflexivity). unfold indicator. rewrite Rplus_0_r. ring.
      * rewrite (indicator_yes (Rlt_dec (r x) (r a))) by (intros ?; lra).
        destruct (same a x) as [eq|ne] eqn:ds; [subst; congruence|].
        rewrite (next 0 0) by (rewrite ?dt, ?ds; reflexivity). unfold indicator. rewrite !Rplus_0_r. ring.
  - rewrite !sum_plus, !sum_scal_r, sum_minus, once. destruct (level_mass p r s a (proj1 fp) at_a) as (eq & _).
    rewrite <- eq. fold M. unfold B, below. ring.
Qed.

(** E[1 / (t + ties)] if nothing better is drawn *)
Fixpoint alpha (n : nat) (t : R) : R :=
  match n with O => / t | S m => B * alpha m t + M * alpha m (t + 1) end.

Lemma M_pos : 0 < M.
Proof. apply (level_mass p r s a (proj1 fp) at_a). Qed.

Lemma F_started n : forall t j, 0 < t -> F n t j = j * alpha n t + p a / M * ((B + M) ^ n - t * alpha n t).
Proof.
  pose proof M_pos as mp. induction n as [|n IH]; intros t j tp.
  - unfold F, count. simpl. destruct Req_EM_T as [_|no]; [|lra]. field. lra.
  - rewrite F_step, !IH by lra. simpl. field. lra.
Qed.

Lemma F_fresh n : F n 0 0 = p a / M * ((B + M) ^ n - B ^ n).
Proof.
  pose proof M_pos as mp. induction n as [|n IH].
  - unfold F, count. simpl. destruct Req_EM_T as [_|no]; [|lra]. unfold Rdiv. ring.
  - rewrite F_step, IH, !F_started by lra. simpl. field. lra.
Qed.

Lemma best_draw n : EN s p n (share same r a) = best s p r n a.
Proof.
  pose proof M_pos as mp. transitivity (F n 0 0).
  - apply EN_ext. intros c _ _. unfold share. destruct Req_EM_T; [|reflexivity]. now rewrite !Rplus_0_l.
  - rewrite F_fresh. unfold best. replace (B + M) with (upto s p r a) by (unfold B, M; ring). fold M. fold B. field. lra.
Qed.
End Draws.

Theorem alignment_best_of_n_law_holds : alignment_best_of_n_law.
Proof. intros A same s p r n a fp distinct at_a. now apply best_draw. Qed.
