(** The controls of claims on trees, chains and automata: each is a claim with one thing broken, and what is stated is
    that the broken claim is false. *)

Require Import Reals List Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements.
Import ListNotations.
Open Scope R_scope.

(** ** Temperature on trees *)

(** p+ as next-token laws *)
Definition steps_of (T : tree) (plus : context -> R) (w : weights) : Prop :=
  step_law T w /\ forall y, In y (strings T) -> product w y = plus y.

(** adaptors.truncation, control token-level: says that keeping the most probable next token raises E L + E R = log Z
    - CE,
    too; here p+ is a law of next tokens and the kept tree follows one most probable token at each context. *)
Definition control_adaptors_truncation_token_level : Prop := ~
  forall (T : tree) (p : weights) (y : context), proper T -> step_law T p -> In y (strings T) ->
  (forall u t v, y = u ++ t :: v -> forall o, In o (options (subtree T u)) -> p u o <= p u (Some t)) ->
  - ln (product p y) <= Ent (strings T) (product p).

(** adaptors.local-global, control wrong-sign: plus the covariance instead of minus. *)
Definition control_adaptors_local_global_wrong_sign : Prop := ~
  forall (T : tree) (p : weights) (f : context -> R), proper T -> step_law T p ->
  is_derive (fun tau => E (strings T) (q_glob T (cooled p tau)) f - E (strings T) (q_loc T (cooled p tau)) f) 1
    (Cov (strings T) (product p) f (along (next_entropy T p))).

(** adaptors.local-global, control same-law: drops the covariance: local and global temperature make the same law. *)
Definition control_adaptors_local_global_same_law : Prop := ~
  forall (T : tree) (p : weights) (tau : R) (y : context), proper T -> step_law T p -> In y (strings T) ->
  q_glob T (cooled p tau) y = q_loc T (cooled p tau) y.

(** adaptors.local-global, control same-direction: says that local and global T = 1/2 never move both means in opposite
    directions. *)
Definition control_adaptors_local_global_same_direction : Prop := ~
  forall (T : tree) (p Rw : context -> R) (w : weights), proper T -> full (strings T) p ->
  let plus := aligned (strings T) p Rw in steps_of T plus w ->
  let glob f := E (strings T) (q_glob T (cooled w 2)) f - E (strings T) plus f in
  let loc f := E (strings T) (q_loc T (cooled w 2)) f - E (strings T) plus f in
  0 <= glob (L p) * loc (L p) \/ 0 <= glob Rw * loc Rw.

(** adaptors.local-global, control both-cool: says that no tree has both means raised by global and lowered by local
    T = 1/2. *)
Definition control_adaptors_local_global_both_cool : Prop := ~
  forall (T : tree) (p Rw : context -> R) (w : weights), proper T -> full (strings T) p ->
  let plus := aligned (strings T) p Rw in steps_of T plus w ->
  let glob f := E (strings T) (q_glob T (cooled w 2)) f - E (strings T) plus f in
  let loc f := E (strings T) (q_loc T (cooled w 2)) f - E (strings T) plus f in
  ~ (0 < glob (L p) /\ 0 < glob Rw /\ loc (L p) < 0 /\ loc Rw < 0).

(** adaptors.local-entropy, control local: says that locally normalised cooling never raises the entropy either. *)
Definition control_adaptors_local_entropy_local : Prop := ~
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  Ent (strings T) (q_loc T (cooled p 2)) <= Ent (strings T) (product p).

(** ** Gauges *)

(** adaptors.gauge, control gauge-invariant: says that global normalisation is gauge invariant, too. *)
Definition control_adaptors_gauge_gauge_invariant : Prop := ~
  forall (T : tree) (w : weights) (gamma : context -> R) (y : context), proper T -> positive T w -> factor T gamma ->
  In y (strings T) -> q_glob T (gauged gamma w) y = q_glob T w y.

(** adaptors.gauge, control power-is-softmax: takes p+^(1/T) and softmax_T for the same global adaptor. *)
Definition control_adaptors_gauge_power_is_softmax : Prop := ~
  forall (T : tree) (p : weights) (tau : R) (y : context), proper T -> step_law T p -> In y (strings T) ->
  q_glob T (cooled p tau) y = q_glob T (local_step T (cooled p tau)) y.

(** adaptors.gauge, control factor-per-token: lets the factor depend on the token: the local law stays. *)
Definition control_adaptors_gauge_factor_per_token : Prop := ~
  forall (T : tree) (w gamma : weights) (y : context), proper T -> positive T w -> positive T gamma ->
  In y (strings T) -> q_loc T (fun u o => gamma u o * w u o) y = q_loc T w y.

(** adaptors.gauge, control end-not-scored: no factor where nothing but the end can follow: every law is still
    reached. *)
Definition control_adaptors_gauge_end_not_scored : Prop := ~
  forall (T : tree) (w : weights) (q : context -> R), proper T -> positive T w -> full (strings T) q ->
  exists gamma, factor T gamma /\ (forall u, options (subtree T u) = [None] -> gamma u = 1) /\
  forall y, In y (strings T) -> q_glob T (gauged gamma w) y = q y.

(** ** Order-preserving adaptors *)

(** adaptors.order-preserving, control typical: counts adaptors that prefer the most typical tokens, those of surprisal
    nearest to the entropy, among them. *)
Definition control_adaptors_order_preserving_typical : Prop := ~
  forall (T : tree) (p q : weights) (f : context -> R), proper T -> step_law T p ->
  (forall u, context_of T u -> Sorted (fun o o' => p u o' <= p u o) (options (subtree T u))) ->
  (forall u, context_of T u -> law (options (subtree T u)) (q u) /\
   forall o o', In o (options (subtree T u)) -> In o' (options (subtree T u)) ->
   Rabs (- ln (p u o) - next_entropy T p u) < Rabs (- ln (p u o') - next_entropy T p u) -> q u o' <= q u o) ->
  E (strings T) (product q) f <= V T f.

(** adaptors.order-preserving, control one-k: drops 'context-dependent': one k, or all options if they are fewer, for
    all
    contexts. *)
Definition control_adaptors_order_preserving_one_k : Prop := ~
  forall (T : tree) (f : context -> R), proper T ->
  exists k, (1 <= k)%nat /\
  E (strings T) (product (top T (fun u => Nat.min k (length (options (subtree T u)))))) f = V T f.

(** adaptors.order-preserving, control ties-either-way: drops 'ties to the lower index'. *)
Definition control_adaptors_order_preserving_ties_either_way : Prop := ~
  forall (T : tree) (p q : weights) (f : context -> R), proper T -> step_law T p ->
  (forall u, context_of T u -> Sorted (fun o o' => p u o' <= p u o) (options (subtree T u))) ->
  (forall u, context_of T u -> law (options (subtree T u)) (q u) /\
   forall o o', In o (options (subtree T u)) -> In o' (options (subtree T u)) -> p u o' < p u o -> q u o' <= q u o) ->
  E (strings T) (product q) f <= V T f.

(** adaptors.order-preserving, control comonotone-is-safe: says that no such adaptor trades off where L and R rise
    with p+. *)
Definition control_adaptors_order_preserving_comonotone_is_safe : Prop := ~
  forall (T : tree) (p Rw : context -> R) (w q : weights), proper T -> full (strings T) p ->
  let plus := aligned (strings T) p Rw in steps_of T plus w ->
  (forall u, context_of T u -> Sorted (fun o o' => w u o' <= w u o) (options (subtree T u))) ->
  (forall y z, In y (strings T) -> In z (strings T) -> plus y <= plus z -> L p y <= L p z /\ Rw y <= Rw z) ->
  order_preserving T q ->
  0 <= (E (strings T) (product q) (L p) - E (strings T) plus (L p)) *
       (E (strings T) (product q) Rw - E (strings T) plus Rw).

(** ** Metropolis chains *)

(** metropolis.ratio, control aligned-ratio-with-temperature: uses p+ / q_loc, right at T = 1, with any temperature. *)
Definition control_metropolis_ratio_aligned_ratio_with_temperature : Prop := ~
  forall (T : tree) (p : weights) (tau : R), proper T -> step_law T p ->
  let q := q_loc T (cooled p tau) in
  only_stationary (strings T) q (fun y y' => Rmin 1 ((product p y' / q y') / (product p y / q y)))
    (q_glob T (cooled p tau)).

(** metropolis.ratio, control no-proposal: leaves the proposal out of the ratio. *)
Definition control_metropolis_ratio_no_proposal : Prop := ~
  forall (T : tree) (w : weights), proper T -> positive T w ->
  only_stationary (strings T) (q_loc T w) (fun y y' => Rmin 1 (q_glob T w y' / q_glob T w y)) (q_glob T w).

(** metropolis.ratio, control only-at-temperature-one: drops the hypothesis that p+ is not constant. *)
Definition control_metropolis_ratio_only_at_temperature_one : Prop := ~
  forall (T : tree) (p : weights) (tau : R), proper T -> step_law T p ->
  (forall y, In y (strings T) -> q_glob T (cooled p tau) y = product p y) -> tau = 1.

(** metropolis.ratio, control inverted: turns the ratio around. *)
Definition control_metropolis_ratio_inverted : Prop := ~
  forall (T : tree) (w : weights), proper T -> positive T w ->
  let c := product_along (total T w) in
  only_stationary (strings T) (q_loc T w) (fun y y' => Rmin 1 (c y / c y')) (q_glob T w).

(** metropolis.accept-all, control local-is-global: claims that local samples, all accepted, follow q_glob. *)
Definition control_metropolis_accept_all_local_is_global : Prop := ~
  forall (T : tree) (w : weights), proper T -> positive T w ->
  only_stationary (strings T) (q_loc T w) (fun _ _ => 1) (q_glob T w).

(** metropolis.spectrum, control reciprocal-weights: takes q / pi for the weight: second eigenvalue 1 - min w. *)
Definition control_metropolis_spectrum_reciprocal_weights : Prop := ~
  forall (n : nat) (q pi : nat -> R), ranked n q pi -> (2 <= n)%nat ->
  eigenvalue n q pi (n - 1) = 1 - weight q pi 0.

(** metropolis.spectrum, control every-state: takes lambda of all n states, that of least weight included, for the
    spectrum: their sum would be the trace. *)
Definition control_metropolis_spectrum_every_state : Prop := ~
  forall (n : nat) (q pi : nat -> R), ranked n q pi ->
  sum (seq 0 n) (fun i => chain n q pi i i) = sum (seq 0 n) (eigenvalue n q pi).

(** metropolis.spectrum, control heaviest-is-worst: takes the distance from the heaviest state for the largest over all
    starts. *)
Definition control_metropolis_spectrum_heaviest_is_worst : Prop := ~
  forall (n : nat) (q pi : nat -> R) (x : nat), ranked n q pi -> (x < n)%nat ->
  let from_ a := TV (seq 0 n) (law_after (seq 0 n) q (mh q pi) (fun y => indicator (Nat.eq_dec a y)) 1) pi in
  from_ x <= from_ (n - 1)%nat.

(** metropolis.corpora, control iid-identity: claims Corr(fbar, gbar) = Corr(f, g) without independence. *)
Definition control_metropolis_corpora_iid_identity : Prop := ~
  forall (n : nat) (q pi f g : nat -> R) (N : nat), ranked n q pi -> (1 <= N)%nat ->
  0 < Var (seq 0 n) pi f -> 0 < Var (seq 0 n) pi g -> let P := chain n q pi in let c := CovC (seq 0 n) pi P N in
  c f g / sqrt (c f f * c g g) = Corr (seq 0 n) pi f g.

(** metropolis.corpora, control iid-sign: claims that a positive correlation stays positive without independence. *)
Definition control_metropolis_corpora_iid_sign : Prop := ~
  forall (n : nat) (q pi f g : nat -> R) (N : nat), ranked n q pi -> (1 <= N)%nat ->
  0 < Cov (seq 0 n) pi f g -> 0 <= CovC (seq 0 n) pi (chain n q pi) N f g.

(** metropolis.corpora, control smaller-bound: has (w_max - 1) for (2 w_max - 1). *)
Definition control_metropolis_corpora_smaller_bound : Prop := ~
  forall (n : nat) (q pi f : nat -> R) (N : nat), ranked n q pi -> (1 <= n)%nat -> (1 <= N)%nat ->
  CovC (seq 0 n) pi (chain n q pi) N f f <= (weight q pi (n - 1) - 1) * Var (seq 0 n) pi f / INR N.

(** metropolis.corpora, control unstationary: starts the chain at its proposal. *)
Definition control_metropolis_corpora_unstationary : Prop := ~
  forall (n : nat) (q pi f : nat -> R) (N : nat), ranked n q pi -> (1 <= n)%nat -> (1 <= N)%nat ->
  CovC (seq 0 n) q (chain n q pi) N f f <= (2 * weight q pi (n - 1) - 1) * Var (seq 0 n) pi f / INR N.

(** ** Automata *)

(** automata.partition, control no-radius: drops rho < 1: the matrix formula is said to give Z whenever it gives a
    number. *)
Definition control_automata_partition_no_radius : Prop := ~
  forall (A : automaton) (w : nat -> token -> R) (e v : nat -> R), closed A -> nonnegative A w e ->
  (forall i, (i < states A)%nat -> v i = e i + times (states A) (matrix A w) v i) ->
  forall i, (i < states A)%nat -> is_series (fun k => sum (words A k i) (word_weight A w e i)) (v i).

(** automata.partition, control no-future: leaves v out of p+'s next-token laws. *)
Definition control_automata_partition_no_future : Prop := ~
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat), closed A -> nonnegative A w e ->
  radius_below_one (states A) (matrix A w) -> (i < states A)%nat ->
  let row j := sum (letters A j) (w j) + e j in
  forall k y, In y (words A k i) ->
  word_weight A (fun j a => w j a / row j) (fun j => e j / row j) i y = word_weight A w e i y / total_weight A w e i.

(** automata.moments, control no-products: leaves M_x N M_y + M_y N M_x out of the second derivatives. *)
Definition control_automata_moments_no_products : Prop := ~
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (phi psi : nat -> token -> R) (phie psie : nat -> R),
  closed A -> nonnegative A w e -> radius_below_one (states A) (matrix A w) ->
  let u2 i := sum_over_strings A w e i (fun y => feature A phi phie i y * feature A psi psie i y) in
  forall i, (i < states A)%nat ->
  u2 i = marked A w e (fun i a => phi i a * psi i a) (fun i => phie i * psie i) (total_weight A w e) i
         + times (states A) (matrix A w) u2 i.

(** automata.moments, control no-prior-term: leaves A_s out of the entropy: H = A - A_t. *)
Definition control_automata_moments_no_prior_term : Prop := ~
  forall (A : automaton) (p Rw : nat -> token -> R) (pe : nat -> R) (i : nat), closed A -> (i < states A)%nat ->
  let w := letter_family p Rw 1 1 in let e := end_family pe 1 in
  radius_below_one (states A) (matrix A w) ->
  let Lf := feature A (fun i a => ln (p i a)) (fun i => ln (pe i)) i in let Rf := feature A Rw (fun _ => 0) i in
  let mean f := string_mean A w e i f in
  mean (fun y => ln (total_weight A w e i) - Lf y - Rf y) = ln (total_weight A w e i) - mean Rf.

(** ** The reference code *)

(** audit.accept-all, control harmless: says that the departure leaves the means. *)
Definition control_audit_accept_all_harmless : Prop := ~
  forall (T : tree) (p : weights) (f : context -> R), proper T -> step_law T p ->
  E (strings T) (q_loc T (cooled p 2)) f = E (strings T) (q_glob T (cooled p 2)) f.

(** audit.unscored-end, control still-a-law: says that the scores are still probabilities. *)
Definition control_audit_unscored_end_still_a_law : Prop := ~
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  sum (strings T) (fun y => exp (ln (reach p y))) = 1.

(** ** Letters that are independent, and laws that leak *)

(** automata.critical-temperature, control shannon: takes the Shannon entropy of the letters for the Renyi entropy. *)
Definition control_automata_critical_temperature_shannon : Prop := ~
  forall (A : Type) (s : list A) (l : A -> R) (a tau : R), full s l -> (2 <= length s)%nat -> 0 < a < 1 -> 0 < tau <
      1 ->
  (sum s (fun x => Rpower (a * l x) tau) = 1 <-> / tau = 1 + ln (/ a) / Ent s l).

(** automata.critical-temperature, control every-temperature: drops T < T_c: the global temperature 2 is said to
    exist. *)
Definition control_automata_critical_temperature_every_temperature : Prop := ~
  forall (A : Type) (s : list A) (l : A -> R) (a : R), full s l -> (2 <= length s)%nat -> 0 < a < 1 ->
  ex_series (fun k => sum s (fun x => Rpower (a * l x) (/ 2)) ^ k * Rpower (1 - a) (/ 2)).

(** automata.leak, control no-temperature: leaves the temperature out: the prior itself is said to leak a quarter. *)
Definition control_automata_leak_no_temperature : Prop := ~
  forall f : nat -> R, f O = 1 - hazard O -> (forall n, f (S n) = f n * (1 - hazard (S n))) ->
  exists limit, is_lim_seq f (Finite limit) /\ / 4 <= limit.

(** automata.leak, control never-leaks: a local law is said to have total mass 1. *)
Definition control_automata_leak_never_leaks : Prop := ~
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat), closed A -> nonnegative A w e ->
  (forall j, (j < states A)%nat -> sum (letters A j) (w j) + e j = 1) -> (i < states A)%nat ->
  is_series (fun k => sum (words A k i) (word_weight A w e i)) 1.
