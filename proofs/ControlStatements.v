(** The controls: each is a claim with one thing broken, and what is stated is that the broken claim is false. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements.
Import ListNotations.
Open Scope R_scope.

(** ** alignment *)

(** alignment.gibbs, control wrong-sign: adds the gap instead of subtracting it. *)
Definition control_alignment_gibbs_wrong_sign : Prop := ~
  forall (A : Type) (s : list A) (p r q : A -> R) (beta : R), 0 < beta -> full s p -> law s q ->
  E s q r - beta * KL s q p = beta * ln (Z s p (scaled beta r)) + beta * KL s q (aligned s p (scaled beta r)).

(** alignment.gibbs, control reversed-divergence: penalises KL(p || q), under which p+ is no maximiser. *)
Definition control_alignment_gibbs_reversed_divergence : Prop := ~
  forall (A : Type) (s : list A) (p r q : A -> R) (beta : R), 0 < beta -> full s p -> full s q ->
  E s q r - beta * KL s p q
  <= E s (aligned s p (scaled beta r)) r - beta * KL s p (aligned s p (scaled beta r)).

(** alignment.secret-reward, control flipped-sign: takes log(p / p+) for the secret reward; its mean is not >= 0. *)
Definition control_alignment_secret_reward_flipped_sign : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  0 <= E s (aligned s p Rw) (fun a => ln (p a / aligned s p Rw a)).

(** alignment.secret-reward, control wrong-law: audits the sign under p instead of p+. *)
Definition control_alignment_secret_reward_wrong_law : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  0 <= E s p (fun a => ln (aligned s p Rw a / p a)).

(** alignment.strength, control never-falls: gives dE L = Cov(L, r) a sign, >= 0. *)
Definition control_alignment_strength_never_falls : Prop := ~
  forall (A : Type) (s : list A) (p r : A -> R) (lambda : R), full s p ->
  0 <= Cov s (strength s p r lambda) (L p) r.

(** alignment.strength, control one-way: makes E L monotone in lambda >= 0. *)
Definition control_alignment_strength_one_way : Prop := ~
  forall (A : Type) (s : list A) (p r : A -> R), full s p ->
  (forall l l', 0 <= l <= l' -> E s (strength s p r l) (L p) <= E s (strength s p r l') (L p)) \/
  (forall l l', 0 <= l <= l' -> E s (strength s p r l') (L p) <= E s (strength s p r l) (L p)).

(** alignment.strength, control no-strength: forgets the factor lambda in dKL. *)
Definition control_alignment_strength_no_strength : Prop := ~
  forall (A : Type) (s : list A) (p r : A -> R) (lambda : R), full s p ->
  is_derive (fun l => KL s (strength s p r l) p) lambda (Var s (strength s p r lambda) r).

(** alignment.best-of-n, control ties-to-the-first: gives a tie to the string drawn from the front of the list. *)
Definition control_alignment_best_of_n_ties_to_the_first : Prop := ~
  forall (s : list nat) (p r : nat -> R) (n a : nat), full s p -> NoDup s -> In a s ->
  EN s p n (fun c => if Req_EM_T (count c (fun y => Rlt_dec (r a) (r y))
                       + count (filter (fun y => Nat.ltb y a) c) (fun y => Req_EM_T (r y) (r a))) 0
                     then if in_dec Nat.eq_dec a c then 1 else 0 else 0) = best s p r n a.

(** alignment.best-of-n, control ties-among-strings: breaks ties evenly among the distinct strings. *)
Definition control_alignment_best_of_n_ties_among_strings : Prop := ~
  forall (s : list nat) (p r : nat -> R) (n a : nat), full s p -> NoDup s -> In a s ->
  EN s p n (fun c => share Nat.eq_dec r a (nodup Nat.eq_dec c)) = best s p r n a.

(** alignment.best-of-n, control smaller-bound: takes log n - 1 for the bound. *)
Definition control_alignment_best_of_n_smaller_bound : Prop := ~
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  KL s (best s p r n) p <= ln (INR n) - 1.

(** alignment.best-of-n, control unequal-cost: drops the hypothesis of equal divergence, with lambda = 1. *)
Definition control_alignment_best_of_n_unequal_cost : Prop := ~
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  E s (best s p r n) r <= E s (strength s p r 1) r.

(** ** line *)

(** line.identity, control difference: subtracts the averages. *)
Definition control_line_identity_difference : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : list A), full s p -> c <> nil -> incl c s ->
  mean c (L p) - mean c Rw = ln (Z s p Rw) - mean c (I s p Rw).

(** line.identity, control no-partition: leaves log Z out. *)
Definition control_line_identity_no_partition : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : list A), full s p -> c <> nil -> incl c s ->
  mean c (L p) + mean c Rw = - mean c (I s p Rw).

(** line.concentration, control faster-rate: divides by N^2 instead of N. *)
Definition control_line_concentration_faster_rate : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat) (eps : R), full s p -> (1 <= n)%nat -> 0 < eps ->
  let q := aligned s p Rw in
  EN s q n (fun c => indicator (Rle_dec eps (Rabs (mean c (L p) + mean c Rw - (ln (Z s p Rw) - Ent s q)))))
  <= Var s q (I s p Rw) / (INR n ^ 2 * eps ^ 2).

(** line.concentration, control wrong-order: takes the Renyi entropy of order 1 + u. *)
Definition control_line_concentration_wrong_order : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (u : R), full s p -> u <> 0 -> let q := aligned s p Rw in
  ln (E s q (fun a => exp (u * I s p Rw a))) = u * (ln (sum s (fun a => Rpower (q a) (1 + u))) / (1 - (1 + u))).

(** line.concentration, control variance-only: drops (H - min I)^2 from the one-sided bound. *)
Definition control_line_concentration_variance_only : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat) (eps : R), full s p -> (1 <= n)%nat -> 0 < eps ->
  let q := aligned s p Rw in 0 < Var s q (I s p Rw) ->
  EN s q n (fun c => indicator (Rle_dec eps (mean c (L p) + mean c Rw - (ln (Z s p Rw) - Ent s q))))
  <= exp (- (INR n * eps ^ 2) / (2 * Var s q (I s p Rw))).

(** line.rate, control mirrored: tilts to the other side, p+^(2 - tau). *)
Definition control_line_rate_mirrored : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let plus := aligned s p Rw in CE s (tempered s plus (2 - tau)) plus = CE s (tempered s plus tau) plus.

(** line.rate, control unconstrained: drops the constraint on CE(q). *)
Definition control_line_rate_unconstrained : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R) (tau : R), full s p -> law s q ->
  let plus := aligned s p Rw in KL s (tempered s plus tau) plus <= KL s q plus.

(** line.rate, control quadratic: takes (CE - H)^2 / (2 V), the normal law's rate. *)
Definition control_line_rate_quadratic : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let plus := aligned s p Rw in let qt := tempered s plus tau in let V := Var s plus (I s p Rw) in 0 < V ->
  KL s qt plus = (CE s qt plus - Ent s plus) ^ 2 / (2 * V).

(** line.rate, control always-a-temperature: drops the hypothesis that the level is below the plain mean of I. *)
Definition control_line_rate_always_a_temperature : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (y : R), full s p ->
  let plus := aligned s p Rw in 0 < Var s plus (I s p Rw) -> (exists a, In a s /\ y < I s p Rw a) -> Ent s plus < y ->
  exists tau, 0 < tau /\ CE s (tempered s plus tau) plus = y.

(** ** correlation *)

(** correlation.iid, control unscaled: leaves out the factor 1 / N. *)
Definition control_correlation_iid_unscaled : Prop := ~
  forall (A : Type) (s : list A) (q f g : A -> R) (n : nat), law s q -> (1 <= n)%nat -> CovN s q n f g = Cov s q f g.

(** correlation.iid, control averaging-reverses: the averages trade off whatever the strings do. *)
Definition control_correlation_iid_averaging_reverses : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat), full s p -> (2 <= n)%nat ->
  let q := aligned s p Rw in 0 < Var s q (L p) -> 0 < Var s q Rw -> CorrN s q n (L p) Rw <= 0.

(** correlation.sharp, control sum-for-max: puts Var L + Var R for the maximum. *)
Definition control_correlation_sharp_sum_for_max : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let q := aligned s p Rw in
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in 0 < l -> 0 < r ->
  (1 - Corr s q (L p) Rw ^ 2) * (l + r) <= v.

(** correlation.sharp, control without-hypothesis: drops V < max(Var L, Var R). *)
Definition control_correlation_sharp_without_hypothesis : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let q := aligned s p Rw in
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in 0 < l -> 0 < r ->
  Corr s q (L p) Rw <= - sqrt (1 - v / Rmax l r).

(** correlation.bootstrap, control no-understatement: the spread over one pool's corpora is the standard error. *)
Definition control_correlation_bootstrap_no_understatement : Prop := ~
  forall (A : Type) (s : list A) (q f g : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  over (fun c => mean c f * mean c g) - over (fun c => mean c f) * over (fun c => mean c g)
  = EN s q n (fun pool => CovN pool (uniform pool) N f g).

(** correlation.bootstrap, control divided-by-n: n in the place of n - 1. *)
Definition control_correlation_bootstrap_divided_by_n : Prop := ~
  forall (A : Type) (s : list A) (q f g : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  over (fun c => mean c f * mean c g) - over (fun c => mean c f) * over (fun c => mean c g)
  = (1 + INR N / INR n) * EN s q n (fun pool => CovN pool (uniform pool) N f g).

(** correlation.bootstrap, control without-replacement: corpora of two are drawn from a pool of three as pairs. *)
Definition control_correlation_bootstrap_without_replacement : Prop := ~
  forall (A : Type) (s : list A) (q f : A -> R), law s q ->
  let over F := EN s q 3 (fun pool =>
    match pool with [u; v; w] => (F [u; v] + F [u; w] + F [v; w]) / 3 | _ => 0 end) in
  over (fun c => mean c f * mean c f) - over (fun c => mean c f) ^ 2
  = (1 + 2 / (3 - 1)) * EN s q 3 (fun pool =>
    match pool with
    | [u; v; w] => (mean [u; v] f ^ 2 + mean [u; w] f ^ 2 + mean [v; w] f ^ 2) / 3
                   - ((mean [u; v] f + mean [u; w] f + mean [v; w] f) / 3) ^ 2
    | _ => 0 end).

(** correlation.bootstrap, control pool-is-the-law: the correlation over one pool's corpora is that of the law. *)
Definition control_correlation_bootstrap_pool_is_the_law : Prop := ~
  forall (A : Type) (s : list A) (q f g : A -> R) (pool : list A) (N : nat), law s q -> incl pool s -> (1 <= N)%nat ->
  0 < Var s q f -> 0 < Var s q g -> 0 < Var pool (uniform pool) f -> 0 < Var pool (uniform pool) g ->
  CorrN pool (uniform pool) N f g = Corr s q f g.

(** ** adaptors *)

(** adaptors.exchange, control turned: turns the sign of dE L / dtau. *)
Definition control_adaptors_exchange_turned : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let q := tempered s (aligned s p Rw) in let V := Var s (q tau) (I s p Rw) in 0 < V ->
  is_derive (fun t => E s (q t) (L p)) tau (b s p Rw (q tau) * V).

(** adaptors.exchange, control negative-suffices: a negative covariance suffices for a trade-off. *)
Definition control_adaptors_exchange_negative_suffices : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let q := aligned s p Rw in
  0 < Var s q (I s p Rw) -> Cov s q (L p) Rw < 0 -> b s p Rw q < -1 \/ 0 < b s p Rw q.

(** adaptors.slope-bound, control k-alone: leaves out the denominator 1 - k. *)
Definition control_adaptors_slope_bound_k_alone : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let q := aligned s p Rw in
  let V := Var s q (I s p Rw) in let k := sqrt (Var s q Rw) / sqrt V in 0 < V -> k < 1 ->
  Rabs ((1 + b s p Rw q) * V / (- b s p Rw q * V)) <= k.

(** adaptors.slope-bound, control any-k: drops k < 1. *)
Definition control_adaptors_slope_bound_any_k : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let q := aligned s p Rw in
  let V := Var s q (I s p Rw) in let k := sqrt (Var s q Rw) / sqrt V in 0 < V ->
  Rabs ((1 + b s p Rw q) * V / (- b s p Rw q * V)) <= k / (1 - k).

(** adaptors.budget, control plus-divergence: adds the divergence. *)
Definition control_adaptors_budget_plus_divergence : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  E s q (L p) + E s q Rw + Ent s q = ln (Z s p Rw) + KL s q (aligned s p Rw).

(** adaptors.budget, control one-to-one: every adaptor stays on the line of slope -1. *)
Definition control_adaptors_budget_one_to_one : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q -> let plus := aligned s p Rw in
  E s q (L p) + E s q Rw = E s plus (L p) + E s plus Rw.

(** adaptors.truncation, control forgotten-mass: leaves out log p+(S). *)
Definition control_adaptors_truncation_forgotten_mass : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (P Q : A -> Prop) (kept : forall a, {P a} + {Q a}), full s p ->
  let plus := aligned s p Rw in let w a := plus a * indicator (kept a) in 0 < sum s w ->
  CE s (normalised s w) plus = Ent s (normalised s w).

(** adaptors.none, control every-model-truncation: no model trades under the law of the likeliest string. *)
Definition control_adaptors_none_every_model_truncation : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (top : A), full s p -> In top s ->
  let plus := aligned s p Rw in (forall a, In a s -> plus a <= plus top) ->
  0 <= (L p top - E s plus (L p)) * (Rw top - E s plus Rw).

(** adaptors.none, control every-model: no model trades under a temperature. *)
Definition control_adaptors_none_every_model : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p -> 1 < tau ->
  let plus := aligned s p Rw in let q := tempered s plus tau in
  0 <= (E s q (L p) - E s plus (L p)) * (E s q Rw - E s plus Rw).

(** adaptors.interior, control dependent: drops the hypothesis that 1, L, R are independent. *)
Definition control_adaptors_interior_dependent : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  exists q, law s q /\ E s plus (L p) <= E s q (L p) /\ E s plus Rw <= E s q Rw /\
            E s plus (L p) + E s plus Rw < E s q (L p) + E s q Rw.

(** adaptors.interior, control both-vary: asks only that L and R both vary. *)
Definition control_adaptors_interior_both_vary : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  0 < Var s plus (L p) -> 0 < Var s plus Rw ->
  exists q, law s q /\ E s plus (L p) <= E s q (L p) /\ E s plus Rw <= E s q Rw /\
            E s plus (L p) + E s plus Rw < E s q (L p) + E s q Rw.

(** adaptors.interior, control free: the gain costs no entropy. *)
Definition control_adaptors_interior_free : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q -> let plus := aligned s p Rw in
  E s plus (L p) < E s q (L p) -> E s plus Rw < E s q Rw -> Ent s plus <= Ent s q.

(** adaptors.affine-line, control not-affine: drops the hypothesis that l be affine. *)
Definition control_adaptors_affine_line_not_affine : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (g : R -> R), full s p ->
  let plus := aligned s p Rw in let x := b s p Rw plus in 0 < Var s plus (I s p Rw) ->
  let q a := plus a * g (I s p Rw a) in law s q ->
  (1 + x) * (E s q (L p) - E s plus (L p)) + x * (E s q Rw - E s plus Rw) = 0.

(** adaptors.affine-line, control ties-by-index: q is any law, not a function of I. *)
Definition control_adaptors_affine_line_ties_by_index : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let plus := aligned s p Rw in let x := b s p Rw plus in 0 < Var s plus (I s p Rw) ->
  (exists c d, forall a, In a s -> conditional s p Rw (L p) (I s p Rw a) = c + d * I s p Rw a) ->
  (1 + x) * (E s q (L p) - E s plus (L p)) + x * (E s q Rw - E s plus Rw) = 0.

(** adaptors.affine-line, control inverse-slope: turns the slope upside down. *)
Definition control_adaptors_affine_line_inverse_slope : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  let plus := aligned s p Rw in let x := b s p Rw plus in 0 < Var s plus (I s p Rw) ->
  (exists c d, forall a, In a s -> conditional s p Rw (L p) (I s p Rw a) = c + d * I s p Rw a) ->
  forall g : R -> R, let q a := plus a * g (I s p Rw a) in law s q ->
  x * (E s q (L p) - E s plus (L p)) + (1 + x) * (E s q Rw - E s plus Rw) = 0.

(** adaptors.family, control dependent: drops the hypothesis that 1, L, R are independent. *)
Definition control_adaptors_family_dependent : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (sigma t : R), full s p -> let q := family s p Rw sigma t in
  0 < Var s q (L p) * Var s q Rw - Cov s q (L p) Rw ^ 2.

(** adaptors.family, control backward-flow: flips the sign of t' in the flow. *)
Definition control_adaptors_family_backward_flow : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (sigma t : R), full s p -> let q := family s p Rw sigma t in
  let l := Var s q (L p) in let r := Var s q Rw in let k := Cov s q (L p) Rw in
  is_derive (fun u => E s (family s p Rw (sigma + u * (k + r)) (t + u * (l + k))) (L p)) 0 (l * r - k ^ 2).

(** adaptors.family, control any-weights: drops s >= s0, t >= t0: no law within the budget gains in both. *)
Definition control_adaptors_family_any_weights : Prop := ~
  forall (A : Type) (s : list A) (p Rw q : A -> R) (sigma t sigma0 t0 : R), full s p -> law s q ->
  let from := family s p Rw sigma0 t0 in let best := family s p Rw sigma t in
  KL s q from <= KL s best from -> ~ (E s best (L p) < E s q (L p) /\ E s best Rw < E s q Rw).

(** adaptors.local-entropy, control without-tau: leaves out the factor tau. *)
Definition control_adaptors_local_entropy_without_tau : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p -> let q := tempered s (aligned s p Rw) in
  is_derive (fun t => Ent s (q t)) tau (- Var s (q tau) (I s p Rw)).

(** ** simpson *)

(** simpson.crossing, control mixed-by-string: every string, not every corpus, draws its adaptor. *)
Definition control_simpson_crossing_mixed_by_string : Prop := ~
  forall (A K : Type) (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) (n : nat),
  law ks w -> (forall k, In k ks -> law s (q k)) -> (1 <= n)%nat ->
  CovN s (fun a => sum ks (fun k => w k * q k a)) n f g = within s ks w q f g / INR n + between s ks w q f g.

(** simpson.crossing, control within-decides: drops B; the sign within the adaptors is that of large corpora. *)
Definition control_simpson_crossing_within_decides : Prop := ~
  forall (A K : Type) (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) (n : nat),
  law ks w -> (forall k, In k ks -> law s (q k)) -> (1 <= n)%nat ->
  (forall k, In k ks -> 0 < Cov s (q k) f g) -> 0 < CovM s ks w q n f g.

(** simpson.crossing, control one-direction: the sign changes only from + to -. *)
Definition control_simpson_crossing_one_direction : Prop := ~
  forall (A K : Type) (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) (n : nat),
  law ks w -> (forall k, In k ks -> law s (q k)) -> (1 <= n)%nat ->
  CovM s ks w q 1 f g < 0 -> CovM s ks w q n f g < 0.

(** simpson.crossing, control opposite-signs-suffice: drops |B| < |W|. *)
Definition control_simpson_crossing_opposite_signs_suffice : Prop := ~
  forall W B : R, B < 0 < W -> 1 < - W / B.

(** ** metropolis *)

(** metropolis.acceptance, control all-of-the-overlap: takes 1 - TV for a lower bound. *)
Definition control_metropolis_acceptance_all_of_the_overlap : Prop := ~
  forall (A : Type) (s : list A) (q pi : A -> R), full s q -> law s pi -> 1 - TV s q pi <= acceptance s q pi.

(** metropolis.acceptance, control no-half: leaves out the 1/2 of the Gini coefficient. *)
Definition control_metropolis_acceptance_no_half : Prop := ~
  forall (A : Type) (s : list A) (q pi : A -> R), full s q -> law s pi ->
  acceptance s q pi = 1 - 2 * gini s q (fun a => pi a / q a).

(** metropolis.accept-all, control stationary-at-the-target: the chain that always accepts keeps its target. *)
Definition control_metropolis_accept_all_stationary_at_the_target : Prop := ~
  forall (A : Type) (s : list A) (q pi : A -> R) (y : A), full s q -> full s pi -> In y s ->
  step s q (fun _ _ => 1) pi y = pi y.

(** ** prompts *)

(** prompts.variance, control within-only: drops the variance of log Z(x) - H(x) over prompts. *)
Definition control_prompts_variance_within_only : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (n : nat),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (1 <= n)%nat ->
  let q x := aligned (s x) (p x) (Rw x) in
  let line xa := L (p (fst xa)) (snd xa) + Rw (fst xa) (snd xa) in
  CovN (pairs xs s) (joint w q) n line line
  = E xs w (fun x => Var (s x) (q x) (I (s x) (p x) (Rw x))) / INR n.

(** prompts.variance, control mean-partition: log E_x Z(x) in the place of E_x log Z(x). *)
Definition control_prompts_variance_mean_partition : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (n : nat),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (1 <= n)%nat ->
  let q x := aligned (s x) (p x) (Rw x) in
  let Lx xa := L (p (fst xa)) (snd xa) in let Rx xa := Rw (fst xa) (snd xa) in
  EN (pairs xs s) (joint w q) n (fun c => mean c Lx + mean c Rx)
  = ln (E xs w (fun x => Z (s x) (p x) (Rw x))) - E xs w (fun x => Ent (s x) (q x)).

(** prompts.variance, control one-prompt-per-corpus: every corpus, not every string, draws its prompt. *)
Definition control_prompts_variance_one_prompt_per_corpus : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : list A) (p Rw : X -> A -> R) (n : nat),
  law xs w -> (forall x, In x xs -> full s (p x)) -> (1 <= n)%nat ->
  let q x := aligned s (p x) (Rw x) in let line x a := L (p x) a + Rw x a in
  E xs w (fun x => EN s (q x) n (fun c => mean c (line x) * mean c (line x)))
  - E xs w (fun x => EN s (q x) n (fun c => mean c (line x))) ^ 2
  = (E xs w (fun x => Var s (q x) (I s (p x) (Rw x)))
     + Var xs w (fun x => ln (Z s (p x) (Rw x)) - Ent s (q x))) / INR n.

(** prompts.identification, control identified: g is a constant, so that the correlation is known. *)
Definition control_prompts_identification_identified : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  0 < cov -> forall g g', corr g = corr g'.

(** prompts.identification, control any-sign: drops the sign of the covariance; the upper end is attained. *)
Definition control_prompts_identification_any_sign : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (L (p x))) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (L (p x))) * E xs w (fun x => Var (s x) (q x) (Rw x))) in
  cov <> 0 -> exists g, corr g = sqrt (e2 + (1 - e2) * rho ^ 2).

(** prompts.identification, control without-share: drops the factor 1 - e^2. *)
Definition control_prompts_identification_without_share : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (L (p x))) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (L (p x))) * E xs w (fun x => Var (s x) (q x) (Rw x))) in
  0 < cov -> exists g, corr g = sqrt (e2 + rho ^ 2).

(** prompts.identification, control closed-interval: the near end is attained, too. *)
Definition control_prompts_identification_closed_interval : Prop := ~
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (L (p x))) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  0 < cov -> exists g, corr g = - sqrt e2.
