(** Metropolis chains: proposals of probability 0, the target as proposal, the best factor, and C6. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Metropolis TreeStatements Trees Chains ExampleStatements Logarithms
    Examples
  ExampleNumbers ChainExampleStatements.
Import ListNotations.
Open Scope R_scope.

(** * Strings that are never proposed *)

Definition proposed {A : Type} (q : A -> R) (a : A) : bool := if Req_EM_T (q a) 0 then false else true.

Lemma sum_proposed {A : Type} (s : list A) (q f : A -> R) : (forall a, In a s -> q a = 0 -> f a = 0) ->
  sum s f = sum (filter (proposed q) s) f.
Proof.
  induction s as [|a s IH]; intros zero; [reflexivity|]. cbn [sum filter]. unfold proposed at 1.
  rewrite IH by (intros; apply zero; simpl; auto).
  destruct (Req_EM_T (q a) 0) as [e|e]; [rewrite (zero a); simpl; auto; ring|reflexivity].
Qed.

Theorem metropolis_acceptance_absolutely_continuous_holds : metropolis_acceptance_absolutely_continuous.
Proof.
  intros A s q pi lq lp ac w. set (t := filter (proposed q) s).
  assert (forall a, In a t -> In a s /\ q a <> 0) as there.
  { intros a ha. apply filter_In in ha. destruct ha as [ha yes]. split; auto. unfold proposed in yes.
    destruct (Req_EM_T (q a) 0); [discriminate|auto]. }
  assert (full t q) as fq.
  { split; [|unfold t; rewrite <- sum_proposed by auto; apply lq]. intros a ha. destruct (there a ha) as [hs nz].
    destruct (proj1 lq a hs) as [pos|z]; [exact pos|congruence]. }
  assert (law t pi) as lpt.
  { split; [intros a ha; apply lp; now apply there|unfold t; rewrite <- sum_proposed by auto; apply lp]. }
  assert (acceptance s q pi = acceptance t q pi) as e1.
  { unfold acceptance. rewrite (sum_proposed s q) by (intros a ha z; rewrite (ac a ha z); ring).
    apply sum_ext. intros x _. f_equal. apply (sum_proposed s q). intros a _ z. rewrite z. ring. }
  assert (gini s q w = gini t q w) as e2.
  { unfold gini. f_equal. rewrite (sum_proposed s q) by (intros a ha z; rewrite z; ring).
    apply sum_ext. intros x _. f_equal. apply (sum_proposed s q). intros a _ z. rewrite z. ring. }
  assert (TV s q pi = TV t q pi) as e3.
  { unfold TV. f_equal. apply (sum_proposed s q). intros a ha z. rewrite z, (ac a ha z), Rminus_0_r. apply Rabs_R0. }
  assert (sum s (fun x => q x * sum s (fun y => q y * Rmin (w x) (w y)))
    = sum t (fun x => q x * sum t (fun y => q y * Rmin (w x) (w y)))) as e4.
  { rewrite (sum_proposed s q) by (intros a ha z; rewrite z; ring).
    apply sum_ext. intros x _. f_equal. apply (sum_proposed s q). intros a _ z. rewrite z. ring. }
  rewrite e1, e2, e3, e4. destruct (metropolis_acceptance_identity_holds A t q pi fq lpt) as [i1 i2].
  split; [exact i1|split; [exact i2|split; [now apply metropolis_acceptance_upper_holds|
    split; [now apply metropolis_acceptance_square_holds|]]]].
  intros star top. apply metropolis_acceptance_star_holds; auto. intros a ha.
  destruct (there a ha) as [hs nz]. apply top; auto. now apply fq.
Qed.

(** * The target as proposal *)

Lemma own_kernel {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (pi : A -> R) x y :
  full s pi -> In x s -> In y s -> kernel same s pi (mh pi pi) x y = pi y.
Proof.
  intros [pos one] hx hy. assert (forall z, In z s -> mh pi pi x z = 1) as accept.
  { intros z hz. unfold mh. pose proof (pos x hx). pose proof (pos z hz).
    replace (pi z / pi z / (pi x / pi x)) with 1 by (field; lra). apply Rmin_left. lra. }
  unfold kernel. rewrite accept by auto. rewrite (sum_ext s _ pi) by (intros z hz; rewrite accept by auto; ring).
  rewrite one. ring.
Qed.

Lemma own_path {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (pi : A -> R) N :
  full s pi -> forall x F, In x s -> path s (kernel same s pi (mh pi pi)) N x F = EN s pi N F.
Proof.
  intros fp. induction N as [|N IH]; intros x F hx; simpl; [reflexivity|].
  apply sum_ext. intros y hy. rewrite own_kernel, IH by auto. reflexivity.
Qed.

Theorem metropolis_corpora_independent_holds : metropolis_corpora_independent.
Proof.
  intros A same s pi fp _ P. assert (forall N F, EC s pi P N F = EN s pi N F) as iid.
  { intros [|N] F; [reflexivity|]. simpl. apply sum_ext. intros x hx. f_equal. now apply own_path. }
  split; [exact iid|]. intros N f g N1. unfold CovC. rewrite !iid.
  change (INR N * CovN s pi N f g = Cov s pi f g). rewrite CovN_iid by (auto using full_law). field.
  apply not_0_INR. lia.
Qed.

(** * The best factor *)

Lemma one_over_n : is_lim_seq (fun N => / INR N) 0.
Proof.
  replace (Finite 0) with (Rbar_inv p_infty) by reflexivity. apply is_lim_seq_inv; [apply is_lim_seq_INR|discriminate].
Qed.

(** the mean over N states of a function on one eigenvector: (1 + x)/(1 - x) in the limit *)
Definition per_state (x : R) (N : nat) : R := (1 + x) / (1 - x) - 2 * x * (1 - x ^ N) / (1 - x) ^ 2 * / INR N.

Lemma per_state_limit x : 0 <= x < 1 -> is_lim_seq (per_state x) ((1 + x) / (1 - x)).
Proof.
  intros hx. set (k := 2 * x / (1 - x) ^ 2).
  assert (0 < (1 - x) ^ 2) as pos by (apply pow_lt; lra).
  assert (0 <= k) as k0 by (apply Rdiv_le_0_compat; lra).
  apply (is_lim_seq_le_le (fun N => (1 + x) / (1 - x) - k * / INR N) _ (fun _ => (1 + x) / (1 - x))).
  - intros N. assert (0 <= / INR N) as n0.
    { destruct N; [simpl; rewrite Rinv_0; lra|]. left. apply Rinv_0_lt_compat, lt_0_INR. lia. }
    assert (0 <= x ^ N <= 1) as [p0 p1].
    { split; [apply pow_le; lra|]. rewrite <- (pow1 N). apply pow_incr. lra. }
    assert (2 * x * (1 - x ^ N) / (1 - x) ^ 2 = k * (1 - x ^ N)) as e by (unfold k; field; lra).
    unfold per_state. rewrite e. assert (0 <= k * (1 - x ^ N) <= k) as [a0 a1].
    { split; [apply Rmult_le_pos; lra|]. rewrite <- (Rmult_1_r k) at 2. apply Rmult_le_compat_l; lra. }
    assert (0 <= k * (1 - x ^ N) * / INR N <= k * / INR N) by (split; [now apply Rmult_le_pos|now apply
        Rmult_le_compat_r]).
    lra.
  - replace (Finite ((1 + x) / (1 - x))) with (Finite ((1 + x) / (1 - x) - k * 0)) by (f_equal; ring).
    apply is_lim_seq_minus'; [apply is_lim_seq_const|]. apply (is_lim_seq_scal_l _ k 0), one_over_n.
  - apply is_lim_seq_const.
Qed.

Theorem metropolis_corpora_attained_holds : metropolis_corpora_attained.
Proof.
  intros n q pi rk n2 f star. set (last := (n - 1)%nat) in *. pose proof rk as [fq [fp _]].
  set (c := fun k : nat => if Nat.eqb k 0 then pi last else if Nat.eqb k last then 1 else 0).
  assert (0 < pi last /\ 0 < q last) as [pl ql] by (split; [apply fp|apply fq]; apply in_seq; lia).
  assert (forall g, sum (seq 1 (n - 1)) (fun k => c k * g k) = g last) as pick.
  { intros g. rewrite (sum_single (seq 1 (n - 1)) _ last (seq_NoDup _ _)).
    - unfold c. rewrite Nat.eqb_refl. destruct (Nat.eqb_spec last 0); [unfold last in *; lia|ring].
    - apply in_seq. unfold last. lia.
    - intros k hk ne. apply in_seq in hk. unfold c. destruct (Nat.eqb_spec k 0); [lia|].
      destruct (Nat.eqb_spec k last); [congruence|ring]. }
  assert (sum (seq 0 last) pi = 1 - pi last) as others.
  { destruct fp as [_ one]. replace n with (last + 1)%nat in one by (unfold last; lia).
    rewrite seq_app, sum_app in one. simpl in one. lra. }
  assert (forall i, (i < n)%nat -> f i = c 0%nat + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i)) as modes.
  { intros i hi. rewrite (pick (fun k => mode pi k i)). unfold f, indicator, c, mode. simpl.
    destruct (Nat.eq_dec i last) as [e|e].
    - rewrite e, Nat.ltb_irrefl, Nat.eqb_refl, others. ring.
    - replace (Nat.ltb i last) with true by (symmetry; apply Nat.ltb_lt; unfold last in *; lia). ring. }
  set (x := eigenvalue n q pi last).
  assert (x = 1 - / star) as value by (apply eigenvalue_last; auto; lia).
  assert (0 < star) as sp by (unfold star, weight; now apply Rdiv_lt_0_compat).
  assert (0 <= x < 1) as range by (apply eigenvalue_below_one; auto; unfold last; lia).
  set (v := E (seq 0 n) pi (fun i => mode pi last i ^ 2)).
  assert (0 < v) as vp by (apply (proj1 (metropolis_spectrum_complete_holds n q pi rk)); unfold last; lia).
  assert (Var (seq 0 n) pi f = v) as var.
  { destruct (metropolis_corpora_covariance_holds n q pi f f c c 1%nat rk ltac:(lia) modes modes) as [e _].
    unfold Var. rewrite e. rewrite (sum_ext _ _ (fun k => c k * (c k * E (seq 0 n) pi (fun i => mode pi k i ^ 2))))
      by (intros; ring). rewrite pick. unfold c. rewrite Nat.eqb_refl.
    destruct (Nat.eqb_spec last 0); [unfold last in *; lia|unfold v; ring]. }
  split; [rewrite var; exact vp|].
  replace (2 * star - 1) with ((1 + x) / (1 - x)).
  2: { assert (1 - x = / star) as -> by lra. rewrite value. field. lra. }
  apply (is_lim_seq_ext_loc (per_state x)); [|now apply per_state_limit].
  exists 1%nat. intros N N1. rewrite var.
  destruct (metropolis_corpora_covariance_holds n q pi f f c c N rk N1 modes modes) as [_ e]. rewrite e.
  rewrite (sum_ext _ _ (fun k => c k * (c k * E (seq 0 n) pi (fun i => mode pi k i ^ 2) *
    (INR N * (1 + eigenvalue n q pi k) / (1 - eigenvalue n q pi k) - 2 * eigenvalue n q pi k *
    (1 - eigenvalue n q pi k ^ N) / (1 - eigenvalue n q pi k) ^ 2)))) by (intros; ring).
  rewrite pick. fold x v. unfold c. rewrite Nat.eqb_refl. destruct (Nat.eqb_spec last 0); [unfold last in *; lia|].
  unfold per_state. assert (INR N <> 0) by (apply not_0_INR; lia). field. repeat split; lra.
Qed.

(** * C6 *)

Lemma C6_ranked : ranked 3 C6_q C6_plus.
Proof.
  unfold C6_q, C6_plus, entries. split; [|split].
  - split; [each; simpl; lra|simpl; lra].
  - split; [each; simpl; lra|simpl; lra].
  - intros i j hij. unfold weight. destruct i as [|[|[|i]]], j as [|[|[|j]]]; try lia; simpl; lra.
Qed.

Lemma C6_eigenvalues : eigenvalue 3 C6_q C6_plus 1 = 0 /\ eigenvalue 3 C6_q C6_plus 2 = 7 / 8.
Proof.
  split; rewrite eigenvalue_sum by (apply C6_ranked || lia); unfold weight, C6_q, C6_plus, entries; simpl; field.
Qed.

(** 1 at N = 1, 15/8 at N = 2, not less from there on, and 15 in the limit *)
Lemma C6_growth N : (2 <= N)%nat -> 15 / 8 <= per_state (7 / 8) N <= 15.
Proof.
  intros N2. assert (forall k, 112 * (1 - (7 / 8) ^ (2 + k)) <= 105 / 8 * INR (2 + k)) as slow.
  { induction k as [|k IH]; [simpl; lra|]. replace (2 + S k)%nat with (S (2 + k)) by lia. rewrite S_INR.
    cbn [pow]. assert ((7 / 8) ^ (2 + k) <= 7 / 8).
    { assert ((7 / 8) ^ (2 + k) = 7 / 8 * (7 / 8) ^ (1 + k)) as -> by (cbn [pow Nat.add]; ring).
      assert ((7 / 8) ^ (1 + k) <= 1) by (rewrite <- (pow1 (1 + k)); apply pow_incr; lra). lra. }
    lra. }
  specialize (slow (N - 2)%nat). replace (2 + (N - 2))%nat with N in slow by lia.
  assert (2 <= INR N) as big by (apply le_INR in N2; simpl in N2; lra).
  assert (0 <= 1 - (7 / 8) ^ N) as pos by (assert ((7 / 8) ^ N <= 1) by (rewrite <- (pow1 N); apply pow_incr; lra);
      lra).
  unfold per_state. replace ((1 + 7 / 8) / (1 - 7 / 8)) with 15 by field.
  replace (2 * (7 / 8) * (1 - (7 / 8) ^ N) / (1 - 7 / 8) ^ 2 * / INR N) with (112 * (1 - (7 / 8) ^ N) / INR N) by
      (field; lra).
  assert (0 <= 112 * (1 - (7 / 8) ^ N) / INR N) by (apply Rdiv_le_0_compat; lra).
  assert (112 * (1 - (7 / 8) ^ N) / INR N <= 105 / 8); [|lra].
  apply (Rmult_le_reg_r (INR N)); [lra|]. unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

Section Modes.
Variables a c a' c' e e' : R.
Lemma C6_cov (f g : nat -> R) N : (1 <= N)%nat ->
  (forall i, (i < 3)%nat -> f i = e + (a * mode C6_plus 1 i + c * mode C6_plus 2 i)) ->
  (forall i, (i < 3)%nat -> g i = e' + (a' * mode C6_plus 1 i + c' * mode C6_plus 2 i)) ->
  CovC (seq 0 3) C6_plus (chain 3 C6_q C6_plus) N f g
  = (a * a' * (2 / 100) + c * c' * (1 / 4) * per_state (7 / 8) N) / INR N.
Proof.
  intros N1 hf hg.
  destruct (metropolis_corpora_covariance_holds 3%nat C6_q C6_plus f g (entries [e; a; c]) (entries [e'; a'; c']) N
    C6_ranked N1) as [_ cov].
  - intros i hi. rewrite hf by auto. unfold entries. simpl. ring.
  - intros i hi. rewrite hg by auto. unfold entries. simpl. ring.
  - rewrite cov. destruct C6_eigenvalues as [e1 e2].
    assert (E (seq 0 3) C6_plus (fun i => mode C6_plus 1 i ^ 2) = 2 / 100) as m1
      by (unfold E, mode, C6_plus, entries; simpl; field).
    assert (E (seq 0 3) C6_plus (fun i => mode C6_plus 2 i ^ 2) = 1 / 4) as m2
      by (unfold E, mode, C6_plus, entries; simpl; field).
    change (seq 1 (3 - 1)) with [1; 2]%nat. cbn [sum]. rewrite e1, e2, m1, m2. unfold entries. cbn [nth].
    assert (INR N <> 0) by (apply not_0_INR; lia). unfold per_state. rewrite pow_i by lia. field. auto.
Qed.
End Modes.

Lemma C6_L i : (i < 3)%nat -> L C6_p i = (9 / 10 * ln 2 + ln 3 / 2 + ln 5 / 2 - ln 19)
  + (-2 * ln 2 * mode C6_plus 1 i + (ln 2 / 5 + ln 5 - ln 3) * mode C6_plus 2 i).
Proof.
  intros hi. unfold L, C6_p, mode, C6_plus, entries. replace 10 with (2 * 5) by ring. replace 6 with (2 * 3) by ring.
  destruct i as [|[|[|i]]]; try lia; simpl; rewrite ln_div, ?ln_mult by lra; lra.
Qed.

Lemma C6_Rw i : (i < 3)%nat -> C6_R i = (ln 3 / 2 + 9 / 10 * ln 2)
  + (-2 * ln 2 * mode C6_plus 1 i + (ln 3 - 9 / 5 * ln 2) * mode C6_plus 2 i).
Proof.
  intros hi. unfold C6_R, mode, C6_plus, entries. destruct i as [|[|[|i]]]; try lia; simpl; rewrite ?ln_four; lra.
Qed.

Lemma square_bounds (u low high : R) : 0 < low -> low < u < high -> low * low < u * u < high * high.
Proof. intros pos [l h]. split; apply Rmult_gt_0_lt_compat; lra. Qed.

Theorem metropolis_corpora_reversal_holds : metropolis_corpora_reversal.
Proof.
  unfold metropolis_corpora_reversal. split.
  { intros i hi. unfold aligned, Z, C6_plus, C6_p, C6_R, entries. cbn [seq sum nth]. rewrite !exp_ln by lra.
    apply in_seq in hi. destruct i as [|[|[|i]]]; try lia; cbn [nth]; rewrite exp_ln by lra; field. }
  split; [apply C6_ranked|]. destruct ln_primes as (b2 & b3 & b5 & _).
  set (x := ln 2) in *. set (c := x / 5 + ln 5 - ln 3). set (d := 9 / 5 * x - ln 3).
  assert (480453 / 1000000 < x * x < 480454 / 1000000) as [x1 x2].
  { destruct (square_bounds x (693147179 / 1000000000) (693147182 / 1000000000)); lra. }
  assert (649455 / 1000000 < c < 649456 / 1000000) as hc by (unfold c; lra).
  assert (149052 / 1000000 < d < 149053 / 1000000) as hd by (unfold d; lra).
  assert (421791 / 1000000 < c * c < 421795 / 1000000) as [c1 c2].
  { destruct (square_bounds c (649455 / 1000000) (649456 / 1000000)); lra. }
  assert (22216 / 1000000 < d * d < 22217 / 1000000) as [d1 d2].
  { destruct (square_bounds d (149052 / 1000000) (149053 / 1000000)); lra. }
  assert (96802 / 1000000 < c * d < 96804 / 1000000) as [m1 m2].
  { assert (649455 / 1000000 * (149052 / 1000000) < c * d < 649456 / 1000000 * (149053 / 1000000))
      by (split; apply Rmult_gt_0_lt_compat; lra). lra. }
  set (top := fun s => 8 / 100 * (x * x) - c * d / 4 * s).
  set (left_ := fun s => 8 / 100 * (x * x) + c * c / 4 * s). set (right_ := fun s => 8 / 100 * (x * x) + d * d / 4 * s).
  assert (forall N, (1 <= N)%nat -> 0 <= per_state (7 / 8) N -> CorrC (seq 0 3) C6_plus (chain 3 C6_q C6_plus) N (L
      C6_p) C6_R
    = top (per_state (7 / 8) N) / sqrt (left_ (per_state (7 / 8) N) * right_ (per_state (7 / 8) N))) as corr.
  { intros N N1 s0. assert (0 < INR N) as Np by (apply lt_0_INR; lia). set (s := per_state (7 / 8) N) in *.
    unfold CorrC. rewrite (C6_cov _ _ _ _ _ _ _ _ N N1 C6_L C6_Rw), (C6_cov _ _ _ _ _ _ _ _ N N1 C6_L C6_L),
      (C6_cov _ _ _ _ _ _ _ _ N N1 C6_Rw C6_Rw). fold x s. fold c.
    replace (ln 3 - 9 / 5 * x) with (- d) by (unfold d; ring).
    assert (0 < left_ s) as lp by (unfold left_; assert (0 <= c * c / 4 * s) by (apply Rmult_le_pos; lra); lra).
    assert (0 < right_ s) as rp by (unfold right_; assert (0 <= d * d / 4 * s) by (apply Rmult_le_pos; lra); lra).
    replace ((-2 * x * (-2 * x) * (2 / 100) + c * c * (1 / 4) * s) / INR N * ((-2 * x * (-2 * x) * (2 / 100)
      + - d * - d * (1 / 4) * s) / INR N)) with (left_ s * right_ s / (INR N * INR N)) by (unfold left_, right_;
          field; lra).
    rewrite sqrt_div_alt, sqrt_square by (try apply Rmult_lt_0_compat; lra).
    assert (0 < left_ s * right_ s) as lr by now apply Rmult_lt_0_compat. pose proof (sqrt_lt_R0 _ lr).
    replace (-2 * x * (-2 * x) * (2 / 100) + c * - d * (1 / 4) * s) with (top s) by (unfold top; field).
    field. lra. }
  assert (forall s, 0 <= s -> 0 < left_ s /\ 0 < right_ s) as both.
  { intros s s0. unfold left_, right_. assert (0 <= c * c / 4 * s) by (apply Rmult_le_pos; lra).
    assert (0 <= d * d / 4 * s) by (apply Rmult_le_pos; lra). lra. }
  assert (forall s, 0 <= s -> 0 < left_ s * right_ s) as pos by (intros s s0; destruct (both s s0); now apply
      Rmult_lt_0_compat).
  assert (forall s, 15 / 8 <= s -> top s / sqrt (left_ s * right_ s) < 0) as negative.
  { intros s s0. assert (top s < 0).
    { unfold top. assert (c * d / 4 * (15 / 8) <= c * d / 4 * s) by (apply Rmult_le_compat_l; lra). lra. }
    pose proof (sqrt_lt_R0 _ (pos s ltac:(lra))). assert (0 < - top s / sqrt (left_ s * right_ s)) by (apply
        Rdiv_lt_0_compat; lra).
    replace (- top s / sqrt (left_ s * right_ s)) with (- (top s / sqrt (left_ s * right_ s))) in H1 by (field;
        lra). lra. }
  split; [|split].
  - assert (per_state (7 / 8) 1 = 1) as one by (unfold per_state; simpl; field).
    rewrite corr by (rewrite ?one; lia || lra). rewrite one. pose proof (pos 1 ltac:(lra)) as p1.
    set (v := left_ 1 * right_ 1) in *. pose proof (sqrt_lt_R0 v p1) as sp.
    assert (1423 / 100000 < top 1 < 14237 / 1000000) as [t1 t2] by (unfold top; lra).
    assert (14388 / 100000 < left_ 1 < 14389 / 100000) as [l1 l2] by (unfold left_; lra).
    assert (43989 / 1000000 < right_ 1 < 43992 / 1000000) as [r1 r2] by (unfold right_; lra).
    assert (14388 / 100000 * (43989 / 1000000) < v < 14389 / 100000 * (43992 / 1000000)) as [v1 v2].
    { unfold v. split; apply Rmult_gt_0_lt_compat; lra. }
    assert (7955 / 100000 < sqrt v < 7957 / 100000) as [q1 q2].
    { split; [rewrite <- (sqrt_square (7955 / 100000)) by lra|rewrite <- (sqrt_square (7957 / 100000)) by lra];
        apply sqrt_lt_1; lra. }
    apply near_bounds. set (z := top 1 / sqrt v). assert (z * sqrt v = top 1) as back by (unfold z; field; lra).
    split; apply (Rmult_le_reg_r (sqrt v)); lra.
  - intros N N2. destruct (C6_growth N N2) as [g1 g2]. rewrite corr by (lia || lra). now apply negative.
  - exists (top 15 / sqrt (left_ 15 * right_ 15)). split; [apply negative; lra|].
    pose proof (per_state_limit (7 / 8) ltac:(lra)) as lim. replace ((1 + 7 / 8) / (1 - 7 / 8)) with 15 in lim by field.
    apply (is_lim_seq_ext_loc (fun N => top (per_state (7 / 8) N) /
      sqrt (left_ (per_state (7 / 8) N) * right_ (per_state (7 / 8) N)))).
    { exists 2%nat. intros N N2. destruct (C6_growth N N2). symmetry. apply corr; [lia|lra]. }
    assert (forall u v : R, is_lim_seq (fun N => u + v * per_state (7 / 8) N) (u + v * 15)) as affine.
    { intros u v. apply is_lim_seq_plus'; [apply is_lim_seq_const|]. now apply (is_lim_seq_scal_l _ v 15). }
    apply is_lim_seq_div'.
    + apply (is_lim_seq_ext (fun N => 8 / 100 * (x * x) + - (c * d / 4) * per_state (7 / 8) N)); [intros; unfold
        top; ring|].
      replace (top 15) with (8 / 100 * (x * x) + - (c * d / 4) * 15) by (unfold top; ring). apply affine.
    + apply (is_lim_seq_continuous sqrt (fun N => left_ (per_state (7 / 8) N) * right_ (per_state (7 / 8) N))).
      * apply continuity_pt_sqrt. left. apply pos. lra.
      * apply is_lim_seq_mult'; apply affine.
    + pose proof (sqrt_lt_R0 _ (pos 15 ltac:(lra))). lra.
Qed.
