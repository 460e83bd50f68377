(** More clauses of the claims, with all that their sentences say: definitions, and after them the statements, nothing
    else. *)

Require Import Reals List Permutation Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements.
Import ListNotations.
Open Scope R_scope.

(** f is the same for every string of s *)
Definition constant {A : Type} (s : list A) (f : A -> R) : Prop := exists c, forall a, In a s -> f a = c.

(** q and q' are one law *)
Definition same_law {A : Type} (s : list A) (q q' : A -> R) : Prop := forall a, In a s -> q a = q' a.

(** ** alignment *)

(** alignment.secret-reward: E_{p+} log(p+ / p) = KL(p+ || p) is positive, unless the reward is constant: then it is
    0. *)
Definition alignment_secret_reward_sign : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (beta : R), 0 < beta -> full s p ->
  let plus := aligned s p (scaled beta r) in
  E s plus (fun a => ln (plus a / p a)) = KL s plus p /\
  (~ constant s r -> 0 < KL s plus p) /\ (constant s r -> KL s plus p = 0).

(** alignment.secret-reward: a constant added to R leaves p+, its entropy and all means, variances and covariances of L
    and R alone, but for E R and log Z, which grow by it. *)
Definition alignment_secret_reward_shifted : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : R), full s p ->
  let other a := Rw a + c in let q := aligned s p Rw in let q' := aligned s p other in
  same_law s q' q /\ Ent s q' = Ent s q /\ E s q' (L p) = E s q (L p) /\ E s q' other = E s q Rw + c /\
  Var s q' (L p) = Var s q (L p) /\ Var s q' other = Var s q Rw /\ Cov s q' (L p) other = Cov s q (L p) Rw /\
  ln (Z s p other) = ln (Z s p Rw) + c.

(** alignment.strength: for 0 <= lambda < lambda' the stronger alignment has the larger E r and KL(p_lambda || p),
    unless the reward is constant: then both stay. *)
Definition alignment_strength_rises : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (l l' : R), full s p -> 0 <= l < l' ->
  (~ constant s r -> E s (strength s p r l) r < E s (strength s p r l') r /\
    KL s (strength s p r l) p < KL s (strength s p r l') p) /\
  (constant s r -> E s (strength s p r l) r = E s (strength s p r l') r /\
    KL s (strength s p r l) p = KL s (strength s p r l') p).

(** alignment.gibbs: p+ given a finite set of strings has E_q[r - beta log(q / p)] = beta log(sum of p e^(r / beta) over
    the set), the most of all laws on the set. *)
Definition alignment_gibbs_finite_set : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (beta : R), 0 < beta -> s <> nil -> (forall a, In a s -> 0 < p a) ->
  let value q := E s q (fun a => r a - beta * ln (q a / p a)) in
  let top := beta * ln (sum s (fun a => p a * exp (r a / beta))) in
  let given := normalised s (fun a => p a * exp (r a / beta)) in
  law s given /\ value given = top /\ (forall q, law s q -> value q <= top).

(** alignment.gibbs: if the sums of p e^(r / beta) over finite sets have no upper bound (Z is infinite), then neither
    has
    E_q[r - beta log(q / p)]. *)
Definition alignment_gibbs_no_upper_bound : Prop :=
  forall (A : Type) (p r : A -> R) (beta : R), 0 < beta -> (forall a, 0 < p a) ->
  (forall B, exists s, NoDup s /\ B <= sum s (fun a => p a * exp (r a / beta))) ->
  forall B, exists s q, NoDup s /\ law s q /\ B <= E s q (fun a => r a - beta * ln (q a / p a)).

(** alignment.best-of-n: lambda (E r under p_lambda - E_q r) = KL(q || p_lambda) + KL(p_lambda || p) - KL(q || p) for
    every law q and every lambda. *)
Definition alignment_best_of_n_price : Prop :=
  forall (A : Type) (s : list A) (p r q : A -> R) (lambda : R), full s p -> law s q ->
  let pl := strength s p r lambda in
  lambda * (E s pl r - E s q r) = KL s q pl + KL s pl p - KL s q p.

(** alignment.best-of-n: an aligned law of lambda > 0 that costs as much as best of n earns more, unless the two are one
    law. *)
Definition alignment_best_of_n_earns_more : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat) (lambda : R), full s p -> (1 <= n)%nat -> 0 < lambda ->
  KL s (strength s p r lambda) p = KL s (best s p r n) p ->
  E s (best s p r n) r < E s (strength s p r lambda) r \/ same_law s (best s p r n) (strength s p r lambda).

(** ** adaptors *)

(** adaptors.budget: p+ with its masses permuted has the entropy of p+ and an E L + E R lower by its divergence from
    p+. *)
Definition adaptors_budget_same_entropy : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (permute : A -> A), full s p -> Permutation (map permute s) s ->
  let plus := aligned s p Rw in let q a := plus (permute a) in
  law s q /\ Ent s q = Ent s plus /\
  E s q (L p) + E s q Rw = E s plus (L p) + E s plus Rw - KL s q plus /\
  0 <= KL s q plus /\ (KL s q plus = 0 <-> same_law s q plus).

(** adaptors.budget: laws of one entropy may differ in E L + E R. *)
Definition adaptors_budget_entropy_is_not_enough : Prop :=
  exists (s : list nat) (p Rw q : nat -> R), full s p /\ law s q /\ Ent s q = Ent s (aligned s p Rw) /\
  E s q (L p) + E s q Rw < E s (aligned s p Rw) (L p) + E s (aligned s p Rw) Rw.

(** adaptors.slope-bound: if k = sd R / sd I < 1 under q_tau then |dE R / dE L| <= k / (1 - k), with equality iff
    R = c - k I. *)
Definition adaptors_slope_bound_equality : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau dL dR : R), full s p ->
  let q := tempered s (aligned s p Rw) in
  let k := sqrt (Var s (q tau) Rw) / sqrt (Var s (q tau) (I s p Rw)) in
  0 < Var s (q tau) (I s p Rw) -> k < 1 ->
  is_derive (fun t => E s (q t) (L p)) tau dL -> is_derive (fun t => E s (q t) Rw) tau dR ->
  dL <> 0 /\ Rabs (dR / dL) <= k / (1 - k) /\
  (Rabs (dR / dL) = k / (1 - k) <-> exists c, forall a, In a s -> Rw a = c - k * I s p Rw a).

(** adaptors.slope-bound: |dE R / dtau| <= sd R sd I under q_tau, with equality iff R or I is constant or the points
    (L, R, I) lie on one line. *)
Definition adaptors_slope_bound_rate : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau dR : R), full s p ->
  let q := tempered s (aligned s p Rw) in
  is_derive (fun t => E s (q t) Rw) tau dR ->
  let most := sqrt (Var s (q tau) Rw) * sqrt (Var s (q tau) (I s p Rw)) in
  Rabs dR <= most /\
  (Rabs dR = most <-> constant s Rw \/ constant s (I s p Rw) \/
   exists x y z u v w, forall a, In a s -> exists t, L p a = x + t * u /\ Rw a = y + t * v /\ I s p Rw a = z + t * w).

(** adaptors.exchange: b is outside [-1, 0] iff Cov(L, R) < -min(Var L, Var R) iff V < |Var L - Var R|, with equality in
    all three at once; outside, the coordinate of larger variance rises on cooling. *)
Definition adaptors_exchange_forms : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau dL dR : R), full s p ->
  let q := tempered s (aligned s p Rw) in
  let l := Var s (q tau) (L p) in let r := Var s (q tau) Rw in let V := Var s (q tau) (I s p Rw) in
  let k := Cov s (q tau) (L p) Rw in let x := b s p Rw (q tau) in 0 < V ->
  is_derive (fun t => E s (q t) (L p)) tau dL -> is_derive (fun t => E s (q t) Rw) tau dR ->
  (x < -1 \/ 0 < x <-> k < - Rmin l r) /\ (k < - Rmin l r <-> V < Rabs (l - r)) /\
  (x = -1 \/ x = 0 <-> k = - Rmin l r) /\ (k = - Rmin l r <-> V = Rabs (l - r)) /\
  (x < -1 \/ 0 < x -> l <> r /\ (r < l -> 0 < dL) /\ (l < r -> 0 < dR)).

(** adaptors.exchange: where b = 0, E L does not move to first order at tau = 1, its second derivative there is
    E[(L - E L)(I - H)^2], and its sign decides whether E L rises or falls; where b = -1 the same holds of E R. *)
Definition adaptors_exchange_second_order : Prop :=
  forall (A : Type) (s : list A) (p Rw f : A -> R), full s p ->
  let plus := aligned s p Rw in let q := tempered s plus in 0 < Var s plus (I s p Rw) ->
  b s p Rw plus = 0 /\ f = L p \/ b s p Rw plus = -1 /\ f = Rw ->
  let second := E s plus (fun a => (f a - E s plus f) * (I s p Rw a - Ent s plus) ^ 2) in
  is_derive (fun t => E s (q t) f) 1 0 /\ is_derive_n (fun t => E s (q t) f) 2 1 second /\
  (0 < second -> exists near, 0 < near /\ forall t, 0 < Rabs (t - 1) < near -> E s plus f < E s (q t) f) /\
  (second < 0 -> exists near, 0 < near /\ forall t, 0 < Rabs (t - 1) < near -> E s (q t) f < E s plus f).

(** adaptors.interior: without a budget p+ is Pareto-optimal in (E L, E R) iff the points (L, R) of all strings coincide
    or lie on one falling line. *)
Definition adaptors_interior_pareto : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  (~ exists q, law s q /\ E s plus (L p) <= E s q (L p) /\ E s plus Rw <= E s q Rw /\
     (E s plus (L p) < E s q (L p) \/ E s plus Rw < E s q Rw)) <->
  constant s (L p) /\ constant s Rw \/ exists c k, 0 < k /\ forall a, In a s -> Rw a = c - k * L p a.

(** adaptors.interior: p+ (1 + eps g) moves E L and E R alike, by eps det Cov, for every eps for which it is a law. *)
Definition adaptors_interior_tilt : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (eps : R), full s p ->
  let plus := aligned s p Rw in let l := Var s plus (L p) in let r := Var s plus Rw in
  let c := Cov s plus (L p) Rw in
  let g a := (r - c) * (L p a - E s plus (L p)) + (l - c) * (Rw a - E s plus Rw) in
  let q a := plus a * (1 + eps * g a) in law s q ->
  E s q (L p) - E s plus (L p) = eps * (l * r - c ^ 2) /\ E s q Rw - E s plus Rw = eps * (l * r - c ^ 2).

(** adaptors.interior: the gains of any law in E L and E R sum to H - H(q) - KL(q || p+), so that a law that gains in
    both has less entropy than p+. *)
Definition adaptors_interior_cost : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q -> let plus := aligned s p Rw in
  let dL := E s q (L p) - E s plus (L p) in let dR := E s q Rw - E s plus Rw in
  dL + dR = Ent s plus - Ent s q - KL s q plus /\ (0 < dL -> 0 < dR -> Ent s q < Ent s plus).

(** the sum of f over the unordered pairs of s *)
Fixpoint over_pairs {A : Type} (s : list A) (f : A -> A -> R) : R :=
  match s with nil => 0 | a :: t => sum t (f a) + over_pairs t f end.

(** the sum of f over the unordered triples of s *)
Fixpoint over_triples {A : Type} (s : list A) (f : A -> A -> A -> R) : R :=
  match s with nil => 0 | a :: t => over_pairs t (f a) + over_triples t f end.

(** D, twice the area of the triangle of three strings in the plane of (f, g) *)
Definition triangle {A : Type} (f g : A -> R) (x y z : A) : R := (f y - f x) * (g z - g x) - (f z - f x) * (g y - g x).

(** adaptors.family: the Jacobian of (s, t) -> (E L, E R) is the covariance matrix, with determinant the sum over
    triples
    of strings of q q q D^2, which is positive where 1, L, R are independent. *)
Definition adaptors_family_jacobian : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (sigma t : R), full s p -> let q := family s p Rw sigma t in
  is_derive (fun u => E s (family s p Rw u t) (L p)) sigma (Var s q (L p)) /\
  is_derive (fun u => E s (family s p Rw sigma u) (L p)) t (Cov s q (L p) Rw) /\
  is_derive (fun u => E s (family s p Rw u t) Rw) sigma (Cov s q (L p) Rw) /\
  is_derive (fun u => E s (family s p Rw sigma u) Rw) t (Var s q Rw) /\
  let det := Var s q (L p) * Var s q Rw - Cov s q (L p) Rw ^ 2 in
  det = over_triples s (fun x y z => q x * q y * q z * triangle (L p) Rw x y z ^ 2) /\
  (independent s (L p) Rw -> 0 < det).

(** adaptors.family: along every path of (s, t) the entropy changes by dH = -(s dE L + t dE R), so that at equal entropy
    dE R / dE L = -s / t. *)
Definition adaptors_family_entropy : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (sigma t : R -> R) (u dsigma dt : R), full s p ->
  is_derive sigma u dsigma -> is_derive t u dt ->
  exists dL dR, is_derive (fun v => E s (family s p Rw (sigma v) (t v)) (L p)) u dL /\
    is_derive (fun v => E s (family s p Rw (sigma v) (t v)) Rw) u dR /\
    is_derive (fun v => Ent s (family s p Rw (sigma v) (t v))) u (- (sigma u * dL + t u * dR)) /\
    (is_derive (fun v => Ent s (family s p Rw (sigma v) (t v))) u 0 -> t u <> 0 -> dL <> 0 ->
     dR / dL = - sigma u / t u).

(** adaptors.family: for f = c L + d R and q_u = base e^(u f) / Z, u (E_q f - E f under q_u) = KL(q || base)
    - KL(q_u || base) - KL(q || q_u) for every law q: q_u has the most E f within its divergence, u > 0. *)
Definition adaptors_family_gibbs : Prop :=
  forall (A : Type) (s : list A) (p Rw base q : A -> R) (c d u : R), full s base -> law s q ->
  let f a := c * L p a + d * Rw a in let qu := normalised s (fun a => base a * exp (u * f a)) in
  u * (E s q f - E s qu f) = KL s q base - KL s qu base - KL s q qu /\
  (0 < u -> KL s q base <= KL s qu base -> E s q f <= E s qu f).

(** adaptors.family: q_{tau, tau t} with tau, t > 0 has the most E L + t E R of all laws with at least its entropy. *)
Definition adaptors_family_own_front : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R) (tau t : R), full s p -> law s q -> 0 < tau -> 0 < t ->
  let own := family s p Rw tau (tau * t) in Ent s own <= Ent s q ->
  E s q (L p) + t * E s q Rw <= E s own (L p) + t * E s own Rw.

(** adaptors.affine-line: with two values of I, l(i) = E[L | I = i] is E L + b (i - H), so that every law p+ g(I) lies
    on
    the line. *)
Definition adaptors_affine_line_two_values : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (i j : R), full s p ->
  (forall a, In a s -> I s p Rw a = i \/ I s p Rw a = j) ->
  let plus := aligned s p Rw in let x := b s p Rw plus in 0 < Var s plus (I s p Rw) ->
  (forall a, In a s ->
   conditional s p Rw (L p) (I s p Rw a) = E s plus (L p) + x * (I s p Rw a - Ent s plus)) /\
  (forall g : R -> R, let q a := plus a * g (I s p Rw a) in law s q ->
   (1 + x) * (E s q (L p) - E s plus (L p)) + x * (E s q Rw - E s plus Rw) = 0).

(** adaptors.none: Cov_q(f, I) is the sum over pairs of strings of q q' (f - f')(I - I'), at most 0 under every law q
    where
    f does not rise with I. *)
Definition adaptors_none_pairs : Prop :=
  forall (A : Type) (s : list A) (p Rw q f : A -> R), law s q ->
  Cov s q f (I s p Rw) = over_pairs s (fun x y => q x * q y * ((f x - f y) * (I s p Rw x - I s p Rw y))) /\
  ((forall x y, In x s -> In y s -> (f x - f y) * (I s p Rw x - I s p Rw y) <= 0) -> Cov s q f (I s p Rw) <= 0).

(** adaptors.none: with V > 0, where f, such as L or R, does not rise with I, global cooling, and keeping the strings
    of surprisal
    at most c where that drops one, raise E f unless f is constant. *)
Definition adaptors_none_comonotone_strict : Prop :=
  forall (A : Type) (s : list A) (p Rw f : A -> R), full s p -> let plus := aligned s p Rw in
  0 < Var s plus (I s p Rw) -> ~ constant s f ->
  (forall x y, In x s -> In y s -> (f x - f y) * (I s p Rw x - I s p Rw y) <= 0) ->
  (forall tau tau', tau < tau' -> E s (tempered s plus tau) f < E s (tempered s plus tau') f) /\
  (forall c, (exists a, In a s /\ I s p Rw a <= c) -> (exists a, In a s /\ c < I s p Rw a) ->
   E s plus f < E s (normalised s (fun a => plus a * indicator (Rle_dec (I s p Rw a) c))) f).

(** adaptors.mirostat: the mean surprisal of any T tokens is the target plus (mu_0 - mu_T) / (eta T), so that it tends
    to
    the target iff mu_T / T tends to 0. *)
Definition adaptors_mirostat_identity : Prop :=
  forall (i mu : nat -> R) (eta target : R), 0 < eta ->
  (forall t, mu (S t) = mu t - eta * (i t - target)) ->
  (forall T, (1 <= T)%nat -> mean (seq 0 T) i = target + (mu 0%nat - mu T) / (eta * INR T)) /\
  (is_lim_seq (fun T => mean (seq 0 T) i) target <-> is_lim_seq (fun T => mu T / INR T) 0).

(** adaptors.mirostat: on p+ = (1, 1)/2 with a target of 1 nat the mean surprisal stays at log 2 in every sequence,
    and mu
    grows without bound, by eta (1 - log 2) a token. *)
Definition adaptors_mirostat_never : Prop :=
  forall (p Rw : nat -> R) (token : nat -> nat) (mu : nat -> R) (eta : R), let s := [0; 1]%nat in full s p ->
  (forall a, In a s -> aligned s p Rw a = 1 / 2) -> 0 < eta -> (forall t, In (token t) s) ->
  (forall t, mu (S t) = mu t - eta * (I s p Rw (token t) - 1)) ->
  (forall T, (1 <= T)%nat -> mean (seq 0 T) (fun t => I s p Rw (token t)) = ln 2) /\
  (forall t, mu (S t) = mu t + eta * (1 - ln 2)) /\ (forall T, mu T = mu 0%nat + INR T * (eta * (1 - ln 2))) /\
  is_lim_seq mu p_infty.

(** ** line *)

(** line.concentration: P(Ibar >= x) <= exp(N (log E e^(u I) - u x)) for u > 0, and P(Ibar <= x) the same for u < 0. *)
Definition line_concentration_chernoff : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat) (x u : R), full s p -> (1 <= n)%nat ->
  let q := aligned s p Rw in let Ibar c := mean c (I s p Rw) in
  let bound := exp (INR n * (ln (E s q (fun a => exp (u * I s p Rw a))) - u * x)) in
  (0 < u -> EN s q n (fun c => indicator (Rle_dec x (Ibar c))) <= bound) /\
  (u < 0 -> EN s q n (fun c => indicator (Rle_dec (Ibar c) x)) <= bound).

(** line.rate: for x strictly between min I and max I one power p+^tau alone has mean surprisal x; of all laws with that
    mean it alone is nearest to p+; tau > 0 iff x is below the unweighted mean of I. *)
Definition line_rate_cheapest_power : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (x : R), full s p ->
  (exists a, In a s /\ I s p Rw a < x) -> (exists a, In a s /\ x < I s p Rw a) ->
  let plus := aligned s p Rw in let qt := tempered s plus in
  exists tau, CE s (qt tau) plus = x /\ (forall tau', CE s (qt tau') plus = x -> tau' = tau) /\
  (forall q, law s q -> CE s q plus = x -> KL s (qt tau) plus <= KL s q plus /\
   (KL s q plus = KL s (qt tau) plus -> same_law s q (qt tau))) /\
  (0 < tau <-> x < mean s (I s p Rw)).

(** ** correlation *)

(** correlation.sharp: V = (1 - rho^2) max(Var L, Var R) iff Cov(L, R) = -min(Var L, Var R). *)
Definition correlation_sharp_equality : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let l := Var s q (L p) in let r := Var s q Rw in 0 < l -> 0 < r ->
  (Var s q (I s p Rw) = (1 - Corr s q (L p) Rw ^ 2) * Rmax l r <-> Cov s q (L p) Rw = - Rmin l r).

(** correlation.sharp: for p+ = (2, 2, 1, 1)/6 with e^R = (2, 1, 2, 1) the bound is attained and V > 0. *)
Definition correlation_sharp_example : Prop :=
  let s := [0; 1; 2; 3]%nat in let p a := nth a [2 / 9; 4 / 9; 1 / 9; 2 / 9] 0 in
  let Rw a := nth a [ln 2; ln 1; ln 2; ln 1] 0 in let q := aligned s p Rw in
  let l := Var s q (L p) in let r := Var s q Rw in let V := Var s q (I s p Rw) in
  full s p /\ same_law s q (fun a => nth a [2 / 6; 2 / 6; 1 / 6; 1 / 6] 0) /\ 0 < l /\ 0 < r /\ 0 < V /\
  V = (1 - Corr s q (L p) Rw ^ 2) * Rmax l r /\ Cov s q (L p) Rw = - Rmin l r.

(** correlation.bootstrap: the variance of the pool's own mean is N / (n - 1) times the variance of the mean of N
    strings
    drawn from the pool that one pool of n >= 2 independent strings shows on average. *)
Definition correlation_bootstrap_about_pool : Prop :=
  forall (A : Type) (s : list A) (q f : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  CovN s q n f f = INR N / (INR n - 1) * EN s q n (fun pool => CovN pool (uniform pool) N f f).

(** correlation.typical: Var(Ibar | A) <= eps^2 for every event A inside the typical set |Ibar - H| <= eps; w is the law
    of corpora given A. *)
Definition correlation_typical_band : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (corpora : list (list A)) (w : list A -> R) (eps : R), full s p ->
  law corpora w ->
  (forall c, In c corpora -> Rabs (mean c (I s p Rw) - Ent s (aligned s p Rw)) <= eps) ->
  Var corpora w (fun c => mean c (I s p Rw)) <= eps ^ 2.

(** the limit of the correlation given typicality, eps = c / sqrt N, as a function of v, the variance of N(0, V) cut to
    (-c, c) *)
Definition typical_limit (b u v : R) : R :=
  (- b * (1 + b) * v - u) / sqrt ((b ^ 2 * v + u) * ((1 + b) ^ 2 * v + u)).

(** correlation.typical: the limit's slope in v has the sign of u (u - b (1 + b) v): for u > 0 it rises with v up to
    v = u / (b (1 + b)) and falls after it; for u = 0 it stays. *)
Definition correlation_typical_turn : Prop :=
  forall b u v : R, 0 <= u -> 0 < v -> 0 < b ^ 2 * v + u -> 0 < (1 + b) ^ 2 * v + u ->
  (exists slope, is_derive (typical_limit b u) v slope /\ sign slope = sign (u * (u - b * (1 + b) * v))) /\
  (u = 0 -> forall v', 0 < v' -> typical_limit b u v' = typical_limit b u v) /\
  (0 < u -> forall v', v < v' ->
   (b * (1 + b) * v' <= u -> typical_limit b u v < typical_limit b u v') /\
   (u <= b * (1 + b) * v -> typical_limit b u v' < typical_limit b u v)).

(** correlation.typical: as v -> 0 that limit tends to -1 exactly if u > 0 or b lies outside [-1, 0]; otherwise it is
    1 at
    every v. *)
Definition correlation_typical_narrow : Prop :=
  forall b u : R, 0 <= u -> (forall v, 0 < v -> 0 < b ^ 2 * v + u /\ 0 < (1 + b) ^ 2 * v + u) ->
  (filterlim (typical_limit b u) (at_right 0) (locally (-1)) <-> 0 < u \/ b < -1 \/ 0 < b) /\
  (~ (0 < u \/ b < -1 \/ 0 < b) -> forall v, 0 < v -> typical_limit b u v = 1).

(** ** prompts *)

(** prompts.identification: no g(x) added to the reward changes p+(y | x), nor a variance or covariance of L and R
    within
    prompts, nor rho_w. *)
Definition prompts_identification_within : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (g : X -> R),
  (forall x, In x xs -> full (s x) (p x)) ->
  let other x a := Rw x a + g x in let plus r x := aligned (s x) (p x) (r x) in
  let varL r x := Var (s x) (plus r x) (L (p x)) in let varR r x := Var (s x) (plus r x) (r x) in
  let cov r x := Cov (s x) (plus r x) (L (p x)) (r x) in
  let rho r := E xs w (cov r) / sqrt (E xs w (varL r) * E xs w (varR r)) in
  (forall x, In x xs -> same_law (s x) (plus other x) (plus Rw x) /\ varL other x = varL Rw x /\
   varR other x = varR Rw x /\ cov other x = cov Rw x) /\
  rho other = rho Rw.

(** ** adaptors.attainability: strings are listed from the most probable on *)

(** the mass of the strings listed before a *)
Fixpoint before {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (w : A -> R) (a : A) : R :=
  match s with nil => 0 | y :: t => if same y a then 0 else w y + before same t w a end.

(** what is kept of a's mass when the first strings are kept up to the mass m, the last of them in part *)
Definition kept {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (w : A -> R) (m : R) (a : A) : R :=
  Rmin (w a) (Rmax 0 (m - before same s w a)).

(** q_m, what is kept divided by m *)
Definition truncated {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (w : A -> R) (m : R) (a : A)
  : R :=
  kept same s w m a / m.

(** every string has at least the weight of those after it, and is listed once *)
Definition ranked {A : Type} (s : list A) (w : A -> R) : Prop :=
  NoDup s /\ StronglySorted (fun a y => w y <= w a) s.

(** adaptors.attainability: under global temperature dCE / dtau = -Var I, which is negative where V > 0. *)
Definition adaptors_attainability_falls : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let plus := aligned s p Rw in let v := Var s (tempered s plus tau) (I s p Rw) in
  is_derive (fun t => CE s (tempered s plus t) plus) tau (- v) /\ (0 < Var s plus (I s p Rw) -> - v < 0).

(** adaptors.attainability: where V > 0 global temperature takes CE through every value strictly between min I and the
    plain average of I, each at one temperature, and no other. *)
Definition adaptors_attainability_temperature : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (least x : R), full s p ->
  let plus := aligned s p Rw in let ce tau := CE s (tempered s plus tau) plus in
  0 < Var s plus (I s p Rw) -> (exists a, In a s /\ I s p Rw a = least) -> (forall a, In a s -> least <= I s p Rw a) ->
  ((exists tau, 0 < tau /\ ce tau = x) <-> least < x < mean s (I s p Rw)) /\
  (forall tau tau', 0 < tau -> 0 < tau' -> ce tau = x -> ce tau' = x -> tau = tau').

(** adaptors.attainability: keeping the most probable strings, the last one with a fraction of its weight, gives every
    mass m in (0, 1] exactly, and TV(q_m, q_m') <= 1 - m / m' for m < m'. *)
Definition adaptors_attainability_mass : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p Rw : A -> R) (m : R), full s p ->
  let plus := aligned s p Rw in ranked s plus -> 0 < m <= 1 -> let k := kept same s plus m in
  (forall a, In a s -> 0 <= k a <= plus a) /\
  (forall a y, In a s -> In y s -> 0 < k a < plus a -> 0 < k y < plus y -> a = y) /\
  (forall a y, In a s -> In y s -> 0 < k y -> k a = 0 -> plus a <= plus y) /\
  sum s k = m /\ law s (truncated same s plus m) /\
  (forall m', m < m' <= 1 -> TV s (truncated same s plus m) (truncated same s plus m') <= 1 - m / m').

(** adaptors.attainability: no law q <= p+ / m has a smaller CE, that is a larger E L + E R, than the truncation q_m. *)
Definition adaptors_attainability_best : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p Rw q : A -> R) (m : R), full s p ->
  let plus := aligned s p Rw in let qm := truncated same s plus m in
  ranked s plus -> 0 < m <= 1 -> law s q -> (forall a, In a s -> q a <= plus a / m) ->
  CE s qm plus <= CE s q plus /\ E s q (L p) + E s q Rw <= E s qm (L p) + E s qm Rw.

(** adaptors.attainability: CE(q_m) does not fall as m grows; while t is the threshold string m CE(q_m) grows by I(t)
    per
    unit of m, so that dCE / dm = (I(t) - CE) / m. *)
Definition adaptors_attainability_rate : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p Rw : A -> R), full s p ->
  let plus := aligned s p Rw in let ce m := CE s (truncated same s plus m) plus in let first := before same s plus in
  ranked s plus ->
  (forall m m', 0 < m <= m' -> m' <= 1 -> ce m <= ce m') /\
  (forall t m m', In t s -> 0 < m <= m' -> first t <= m -> m' <= first t + plus t ->
   m' * ce m' - m * ce m = (m' - m) * I s p Rw t) /\
  (forall t m, In t s -> first t < m < first t + plus t -> is_derive ce m ((I s p Rw t - ce m) / m)) /\
  (forall m, 0 < m <= 1 -> exists t, In t s /\ first t <= m <= first t + plus t).

(** ** alignment.best-of-n *)

(** the probability that a string from q earns more than one from p, ties counted half *)
Definition win_rate {A : Type} (s : list A) (p r q : A -> R) : R :=
  sum s (fun a => q a * sum s (fun y =>
    p y * (indicator (Rlt_dec (r y) (r a)) + indicator (Req_EM_T (r y) (r a)) / 2))).

(** alignment.best-of-n: it costs at most log n - (n - 1) / n nats, with equality at n = 1 only. *)
Definition alignment_best_of_n_cost : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  let cost := KL s (best s p r n) p in let most := ln (INR n) - (INR n - 1) / INR n in
  cost <= most /\ (cost = most <-> n = 1%nat).

(** alignment.best-of-n: it beats one more draw, ties counted half, with probability at most n / (n + 1), with
    equality at
    n = 1 only. *)
Definition alignment_best_of_n_win_rate : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  let win := win_rate s p r (best s p r n) in let most := INR n / (INR n + 1) in
  win <= most /\ (win = most <-> n = 1%nat).

(** alignment.best-of-n: k equiprobable strings with different rewards fall short of log n - (n - 1) / n nats and of the
    win rate n / (n + 1) by less than n / k. *)
Definition alignment_best_of_n_equiprobable : Prop :=
  forall (A : Type) (s : list A) (r : A -> R) (n : nat), s <> nil -> NoDup s ->
  (forall a y, In a s -> In y s -> r a = r y -> a = y) -> (1 <= n)%nat ->
  let p := uniform s in let k := INR (length s) in
  ln (INR n) - (INR n - 1) / INR n - INR n / k < KL s (best s p r n) p /\
  INR n / (INR n + 1) - INR n / k < win_rate s p r (best s p r n).

(** alignment.best-of-n: for n >= 2 and a reward that is not constant, an aligned law with lambda > 0 costs as much as
    best of n and earns more, unless the two are one law. *)
Definition alignment_best_of_n_twin_exists : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (2 <= n)%nat -> ~ constant s r ->
  exists lambda, 0 < lambda /\ KL s (strength s p r lambda) p = KL s (best s p r n) p /\
  (E s (best s p r n) r < E s (strength s p r lambda) r \/ same_law s (best s p r n) (strength s p r lambda)).

(** alignment.best-of-n: without atoms F(r) is uniform on (0, 1) and q_n is p times n F^(n - 1): then it costs
    log n - (n - 1) / n (an improper integral at 0) and wins n / (n + 1) exactly. *)
Definition alignment_best_of_n_no_atoms : Prop :=
  forall n : nat, (1 <= n)%nat -> let g u := INR n * u ^ (n - 1) in
  (exists above, (forall e, 0 < e < 1 -> is_RInt (fun u => g u * ln (g u)) e 1 (above e)) /\
   filterlim above (at_right 0) (locally (ln (INR n) - (INR n - 1) / INR n))) /\
  is_RInt (fun u => u * g u) 0 1 (INR n / (INR n + 1)).

(** the variance of N(0, V) cut to (-c, c) *)
Definition cut_variance (V c : R) : R :=
  RInt (fun x => x ^ 2 * exp (- x ^ 2 / (2 * V))) (- c) c / RInt (fun x => exp (- x ^ 2 / (2 * V))) (- c) c.

(** correlation.typical: for u > 0 a smaller c lowers the limit, except that if u < b (1 + b) V it first raises it,
    until
    v = u / (b (1 + b)); for u = 0 it stays. *)
Definition correlation_typical_turn_in_width : Prop :=
  forall b u V : R, 0 <= u -> 0 < V -> (u = 0 -> b <> 0 /\ b <> -1) ->
  let limit c := typical_limit b u (cut_variance V c) in
  (u = 0 -> forall c c', 0 < c -> 0 < c' -> limit c = limit c') /\
  (0 < u -> b * (1 + b) * V <= u -> forall c c', 0 < c < c' -> limit c < limit c') /\
  (0 < u -> u < b * (1 + b) * V -> exists turn, 0 < turn /\ cut_variance V turn = u / (b * (1 + b)) /\
   (forall c c', 0 < c < c' -> c' <= turn -> limit c < limit c') /\
   (forall c c', turn <= c < c' -> limit c' < limit c)).

(** correlation.typical: as c -> 0 the limit tends to -1 exactly if u > 0 or b lies outside [-1, 0]; otherwise it is 1
    at
    every c. *)
Definition correlation_typical_narrow_in_width : Prop :=
  forall b u V : R, 0 <= u -> 0 < V -> (u = 0 -> b <> 0 /\ b <> -1) ->
  let limit c := typical_limit b u (cut_variance V c) in
  (filterlim limit (at_right 0) (locally (-1)) <-> 0 < u \/ b < -1 \/ 0 < b) /\
  (~ (0 < u \/ b < -1 \/ 0 < b) -> forall c, 0 < c -> limit c = 1).

(** the value of i at the string that holds the mass u, the first strings of s having the first masses *)
Fixpoint at_mass {A : Type} (s : list A) (w i : A -> R) (u : R) : R :=
  match s with nil => 0 | a :: t => if Rle_dec u (w a) then i a else at_mass t w i (u - w a) end.

(** adaptors.attainability: CE(q_m) = (1 / m) int_0^m I(u) du, I(u) the surprisal of the string that holds the mass u.
    *)
Definition adaptors_attainability_integral : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p Rw : A -> R) (m : R), full s p ->
  let plus := aligned s p Rw in ranked s plus -> 0 < m <= 1 -> let i := at_mass s plus (I s p Rw) in
  ex_RInt i 0 m /\ CE s (truncated same s plus m) plus = RInt i 0 m / m.

(** correlation.sharp: if V < max(Var L, Var R) then rho <= -sqrt(1 - V / max(Var L, Var R)) < 0. *)
Definition correlation_sharp_forced : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in 0 < l -> 0 < r ->
  v < Rmax l r -> Corr s q (L p) Rw <= - sqrt (1 - v / Rmax l r) < 0.

(** correlation.typical: given an event A on which Var(Ibar | A) < M, the larger of Var(Lbar | A) and Var(Rbar | A),
    corpora have Corr(Lbar, Rbar | A) <= -sqrt(1 - Var(Ibar | A) / M) < 0; w is the law of corpora given A. *)
Definition correlation_typical_forced : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (corpora : list (list A)) (w : list A -> R), full s p ->
  (forall c, In c corpora -> c <> nil /\ incl c s) -> law corpora w ->
  let Lbar c := mean c (L p) in let Rbar c := mean c Rw in let Ibar c := mean c (I s p Rw) in
  let M := Rmax (Var corpora w Lbar) (Var corpora w Rbar) in
  0 < Var corpora w Lbar -> 0 < Var corpora w Rbar -> Var corpora w Ibar < M ->
  Corr corpora w Lbar Rbar <= - sqrt (1 - Var corpora w Ibar / M) < 0.

(** correlation.iid: Cov(L, R) < 0 exactly if V < Var L + Var R, and Cov(L, R) = 0 exactly if V = Var L + Var R. *)
Definition correlation_iid_sign_of_strings : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  let q := aligned s p Rw in let l := Var s q (L p) in let r := Var s q Rw in let V := Var s q (I s p Rw) in
  (Cov s q (L p) Rw < 0 <-> V < l + r) /\ (Cov s q (L p) Rw = 0 <-> V = l + r).

(** alignment.gibbs: with p+(n) = 2^-n, n = 1, 2, ..., and p proportional to 2^-4^n, and q = p+, both E_q R and
    KL(q || p) are infinite although R - log(q/p) is log Z on every string. *)
Definition alignment_gibbs_infinite_means : Prop :=
  forall c log_Z : R, 0 < c ->
  let q n := (/ 2) ^ S n in let p n := c * (/ 2) ^ (4 ^ S n) in let Rw n := log_Z + ln (q n / p n) in
  (forall n, Rw n - ln (q n / p n) = log_Z) /\
  is_lim_seq (fun n => sum_n (fun k => q k * Rw k) n) p_infty /\
  is_lim_seq (fun n => sum_n (fun k => q k * ln (q k / p k)) n) p_infty.
