(** What is proved: the definitions, and after them the statements, nothing else.

    The notation is that of the paper: p a prior, R = r / beta a scaled reward, p+ = p e^R / Z the aligned law,
    L = log p, I = -log p+, all in nats. R is the name of the real numbers here, so that the scaled reward is Rw.
    Strings are the elements of a list s of any type, a law on them is a function to the reals. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
Import ListNotations.
Open Scope R_scope.

(** * Part I: definitions *)

(** ** Laws and moments *)

(** sum over the strings of s of f *)
Fixpoint sum {A : Type} (s : list A) (f : A -> R) : R :=
  match s with nil => 0 | a :: t => f a + sum t f end.

(** a law: non-negative probabilities that sum to 1; zeros are allowed *)
Definition law {A : Type} (s : list A) (q : A -> R) : Prop := (forall a, In a s -> 0 <= q a) /\ sum s q = 1.

(** a law that gives every string of s a positive probability: s is its support *)
Definition full {A : Type} (s : list A) (q : A -> R) : Prop := (forall a, In a s -> 0 < q a) /\ sum s q = 1.

(** E_q f *)
Definition E {A : Type} (s : list A) (q f : A -> R) : R := sum s (fun a => q a * f a).

(** Cov_q(f, g) *)
Definition Cov {A : Type} (s : list A) (q f g : A -> R) : R :=
  E s q (fun a => f a * g a) - E s q f * E s q g.

(** Var_q f *)
Definition Var {A : Type} (s : list A) (q f : A -> R) : R := Cov s q f f.

(** Corr_q(f, g), for positive variances *)
Definition Corr {A : Type} (s : list A) (q f g : A -> R) : R := Cov s q f g / sqrt (Var s q f * Var s q g).

(** 1 if a decided condition holds, else 0 *)
Definition indicator {P Q : Prop} (d : {P} + {Q}) : R := if d then 1 else 0.

(** weights divided by their sum *)
Definition normalised {A : Type} (s : list A) (w : A -> R) (a : A) : R := w a / sum s w.

(** the law that gives every string of the list the same probability *)
Definition uniform {A : Type} (s : list A) (_ : A) : R := / INR (length s).

(** ** Information; ln 0 = 0 in Coq, so that 0 log 0 = 0 *)

(** H(q), the entropy *)
Definition Ent {A : Type} (s : list A) (q : A -> R) : R := - sum s (fun a => q a * ln (q a)).

(** KL(q || p), where p = 0 only if q = 0 *)
Definition KL {A : Type} (s : list A) (q p : A -> R) : R := sum s (fun a => q a * ln (q a / p a)).

(** CE = - E_q log p, the cross-entropy *)
Definition CE {A : Type} (s : list A) (q p : A -> R) : R := - sum s (fun a => q a * ln (p a)).

(** ** The aligned law *)

(** R = r / beta *)
Definition scaled {A : Type} (beta : R) (r : A -> R) (a : A) : R := r a / beta.

(** Z = E_p e^R *)
Definition Z {A : Type} (s : list A) (p Rw : A -> R) : R := sum s (fun a => p a * exp (Rw a)).

(** p+ = p e^R / Z *)
Definition aligned {A : Type} (s : list A) (p Rw : A -> R) (a : A) : R := p a * exp (Rw a) / Z s p Rw.

(** L = log p *)
Definition L {A : Type} (p : A -> R) (a : A) : R := ln (p a).

(** I = - log p+, the surprisal *)
Definition I {A : Type} (s : list A) (p Rw : A -> R) (a : A) : R := - ln (aligned s p Rw a).

(** p_lambda, proportional to p e^(lambda r): the aligned law of strength lambda = 1 / beta *)
Definition strength {A : Type} (s : list A) (p r : A -> R) (lambda : R) : A -> R :=
  aligned s p (fun a => lambda * r a).

(** q_tau, proportional to q^tau: the global temperature 1 / tau *)
Definition tempered {A : Type} (s : list A) (q : A -> R) (tau : R) : A -> R :=
  normalised s (fun a => Rpower (q a) tau).

(** q_{s,t}, proportional to p^sigma e^(t R) *)
Definition family {A : Type} (s : list A) (p Rw : A -> R) (sigma t : R) : A -> R :=
  normalised s (fun a => Rpower (p a) sigma * exp (t * Rw a)).

(** b_q = Cov_q(L, I) / Var_q I, the exchange coefficient *)
Definition b {A : Type} (s : list A) (p Rw q : A -> R) : R :=
  Cov s q (L p) (I s p Rw) / Var s q (I s p Rw).

(** E[f | I = i] under p+ *)
Definition conditional {A : Type} (s : list A) (p Rw f : A -> R) (i : R) : R :=
  E s (normalised s (fun a => aligned s p Rw a * indicator (Req_EM_T (I s p Rw a) i))) f.

(** 1, L and R are linearly independent on the support *)
Definition independent {A : Type} (s : list A) (f g : A -> R) : Prop :=
  forall c d e, (forall a, In a s -> c + d * f a + e * g a = 0) -> c = 0 /\ d = 0 /\ e = 0.

(** ** Corpora *)

(** the average of f over a corpus *)
Definition mean {A : Type} (c : list A) (f : A -> R) : R := sum c f / INR (length c).

(** the expectation of F over corpora of n independent strings from q *)
Fixpoint EN {A : Type} (s : list A) (q : A -> R) (n : nat) (F : list A -> R) : R :=
  match n with O => F nil | S m => sum s (fun a => q a * EN s q m (fun c => F (a :: c))) end.

(** Cov(fbar, gbar) over corpora of n independent strings *)
Definition CovN {A : Type} (s : list A) (q : A -> R) (n : nat) (f g : A -> R) : R :=
  EN s q n (fun c => mean c f * mean c g) - EN s q n (fun c => mean c f) * EN s q n (fun c => mean c g).

(** Corr(fbar, gbar) over corpora of n independent strings *)
Definition CorrN {A : Type} (s : list A) (q : A -> R) (n : nat) (f g : A -> R) : R :=
  CovN s q n f g / sqrt (CovN s q n f f * CovN s q n g g).

(** the expectation over corpora each drawn whole from one law q k, the law k with probability w k *)
Definition EM {A K : Type} (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (n : nat) (F : list A -> R) : R :=
  sum ks (fun k => w k * EN s (q k) n F).

(** Cov(fbar, gbar) over such corpora *)
Definition CovM {A K : Type} (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (n : nat) (f g : A -> R) : R :=
  EM s ks w q n (fun c => mean c f * mean c g)
  - EM s ks w q n (fun c => mean c f) * EM s ks w q n (fun c => mean c g).

(** W, the mean of the covariances within the laws *)
Definition within {A K : Type} (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) : R :=
  sum ks (fun k => w k * Cov s (q k) f g).

(** B, the covariance between the means of the laws *)
Definition between {A K : Type} (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) : R :=
  Cov ks w (fun k => E s (q k) f) (fun k => E s (q k) g).

(** ** Best of n *)

(** F(r(a)): the probability under p of a reward at most that of a *)
Definition upto {A : Type} (s : list A) (p r : A -> R) (a : A) : R :=
  sum s (fun y => p y * indicator (Rle_dec (r y) (r a))).

(** F(r(a)-): the probability under p of a reward below that of a *)
Definition below {A : Type} (s : list A) (p r : A -> R) (a : A) : R :=
  sum s (fun y => p y * indicator (Rlt_dec (r y) (r a))).

(** q_n = p (F^n - F-^n) / (F - F-) *)
Definition best {A : Type} (s : list A) (p r : A -> R) (n : nat) (a : A) : R :=
  p a * ((upto s p r a ^ n - below s p r a ^ n) / (upto s p r a - below s p r a)).

(** how many strings of a corpus satisfy a decided condition *)
Definition count {A : Type} {P Q : A -> Prop} (c : list A) (d : forall a, {P a} + {Q a}) : R :=
  sum c (fun a => indicator (d a)).

(** a's share of the draws in c that earn the most: 0 unless a itself earns as much as any draw *)
Definition share {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (r : A -> R) (a : A) (c : list A) : R :=
  if Req_EM_T (count c (fun y => Rlt_dec (r a) (r y))) 0
  then count c (same a) / count c (fun y => Req_EM_T (r y) (r a)) else 0.

(** ** Independent Metropolis-Hastings with proposal q and target pi; w = pi / q *)

(** the probability that a stationary chain accepts *)
Definition acceptance {A : Type} (s : list A) (q pi : A -> R) : R :=
  sum s (fun x => pi x * sum s (fun y => q y * Rmin 1 ((pi y / q y) / (pi x / q x)))).

(** the Gini coefficient of the weights w under q, whose mean is 1 *)
Definition gini {A : Type} (s : list A) (q w : A -> R) : R :=
  sum s (fun x => q x * sum s (fun y => q y * Rabs (w x - w y))) / 2.

(** TV(q, pi) *)
Definition TV {A : Type} (s : list A) (q pi : A -> R) : R := sum s (fun a => Rabs (q a - pi a)) / 2.

(** mu P: the law after a step from mu, where a proposal y from x is accepted with probability acc x y *)
Definition step {A : Type} (s : list A) (q : A -> R) (acc : A -> A -> R) (mu : A -> R) (y : A) : R :=
  sum s (fun x => mu x * (q y * acc x y)) + mu y * (1 - sum s (fun z => q z * acc y z)).

(** ** Prompts: x with probability w x, then a string of s x from the law q x *)

(** all pairs of a prompt and a string *)
Definition pairs {X A : Type} (xs : list X) (s : X -> list A) : list (X * A) :=
  flat_map (fun x => map (pair x) (s x)) xs.

(** the law of a pair *)
Definition joint {X A : Type} (w : X -> R) (q : X -> A -> R) (xa : X * A) : R := w (fst xa) * q (fst xa) (snd xa).

(** * Part II: statements. A control is a claim with one thing broken: its negation is what is stated. *)

(** ** alignment *)

(** alignment.gibbs: E_q r - beta KL(q || p) = beta log Z - beta KL(q || p+) for every law q, zeros allowed. *)
Definition alignment_gibbs_gap : Prop :=
  forall (A : Type) (s : list A) (p r q : A -> R) (beta : R), 0 < beta -> full s p -> law s q ->
  E s q r - beta * KL s q p = beta * ln (Z s p (scaled beta r)) - beta * KL s q (aligned s p (scaled beta r)).

(** alignment.gibbs: p+ is the unique maximiser of E_q r - beta KL(q || p). *)
Definition alignment_gibbs_unique : Prop :=
  forall (A : Type) (s : list A) (p r q : A -> R) (beta : R), 0 < beta -> full s p -> law s q ->
  E s q r - beta * KL s q p <= beta * ln (Z s p (scaled beta r)) /\
  (E s q r - beta * KL s q p = beta * ln (Z s p (scaled beta r)) <->
   forall a, In a s -> q a = aligned s p (scaled beta r) a).

(** alignment.gibbs: with p(k) = 2^-k and e^R = 2^k, where Z is infinite, the uniform law on the first n strings
    has E_q R - KL(q || p) = log n: the supremum is infinite. *)
Definition alignment_gibbs_unbounded : Prop :=
  forall n : nat, (1 <= n)%nat -> let s := seq 1 n in
  let p k := (/ 2) ^ k in let Rw k := ln (2 ^ k) in
  E s (uniform s) Rw - KL s (uniform s) p = ln (INR n).

(** alignment.secret-reward: beta log(p+ / p) = r - beta log Z. *)
Definition alignment_secret_reward_identity : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (beta : R) (a : A), 0 < beta -> full s p -> In a s ->
  beta * ln (aligned s p (scaled beta r) a / p a) = r a - beta * ln (Z s p (scaled beta r)).

(** alignment.secret-reward: E_{p+} log(p+ / p) = KL(p+ || p) >= 0. *)
Definition alignment_secret_reward_audit : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  E s (aligned s p Rw) (fun a => ln (aligned s p Rw a / p a)) = KL s (aligned s p Rw) p /\
  0 <= KL s (aligned s p Rw) p.

(** alignment.secret-reward: a constant added to the reward changes neither p+ nor its covariances or correlations. *)
Definition alignment_secret_reward_shift : Prop :=
  forall (A : Type) (s : list A) (p Rw f : A -> R) (c : R), full s p ->
  let other := fun a => Rw a + c in
  (forall a, In a s -> aligned s p other a = aligned s p Rw a) /\
  Cov s (aligned s p other) f other = Cov s (aligned s p Rw) f Rw /\
  Corr s (aligned s p other) f other = Corr s (aligned s p Rw) f Rw.

(** alignment.strength: dE r / dlambda = Var r >= 0 under p_lambda. *)
Definition alignment_strength_reward : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (lambda : R), full s p ->
  is_derive (fun l => E s (strength s p r l) r) lambda (Var s (strength s p r lambda) r) /\
  0 <= Var s (strength s p r lambda) r.

(** alignment.strength: dKL(p_lambda || p) / dlambda = lambda Var r. *)
Definition alignment_strength_divergence : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (lambda : R), full s p ->
  is_derive (fun l => KL s (strength s p r l) p) lambda (lambda * Var s (strength s p r lambda) r).

(** alignment.strength: dE L / dlambda = Cov(L, r). *)
Definition alignment_strength_likelihood : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (lambda : R), full s p ->
  is_derive (fun l => E s (strength s p r l) (L p)) lambda (Cov s (strength s p r lambda) (L p) r).

(** alignment.strength: Cov(L, r) has either sign. *)
Definition alignment_strength_no_sign : Prop :=
  (exists (s : list nat) (p r : nat -> R), full s p /\ Cov s (strength s p r 0) (L p) r < 0) /\
  (exists (s : list nat) (p r : nat -> R), full s p /\ 0 < Cov s (strength s p r 0) (L p) r).

(** alignment.best-of-n: q_n is the law of the best of n draws, ties broken evenly among the draws. *)
Definition alignment_best_of_n_law : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (p r : A -> R) (n : nat) (a : A),
  full s p -> NoDup s -> In a s -> EN s p n (share same r a) = best s p r n a.

(** alignment.best-of-n: q_n is a law for n >= 1, and q_1 = p. *)
Definition alignment_best_of_n_normalised : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  law s (best s p r n) /\ (forall a, In a s -> best s p r 1 a = p a).

(** alignment.best-of-n: KL(q_n || p) <= log n - (n - 1) / n for every n >= 1, ties included. *)
Definition alignment_best_of_n_bound : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  KL s (best s p r n) p <= ln (INR n) - (INR n - 1) / INR n.

(** alignment.best-of-n: an aligned law of positive strength and the same divergence earns at least as much. *)
Definition alignment_best_of_n_twin : Prop :=
  forall (A : Type) (s : list A) (p r : A -> R) (n : nat) (lambda : R), full s p -> (1 <= n)%nat -> 0 < lambda ->
  KL s (strength s p r lambda) p = KL s (best s p r n) p ->
  E s (best s p r n) r <= E s (strength s p r lambda) r.

(** ** line *)

(** line.identity: Lbar + Rbar = log Z - Ibar for every corpus. *)
Definition line_identity_every_corpus : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : list A), full s p -> c <> nil -> incl c s ->
  mean c (L p) + mean c Rw = ln (Z s p Rw) - mean c (I s p Rw).

(** line.concentration: P(|Lbar + Rbar - (log Z - H)| >= eps) <= V / (N eps^2). *)
Definition line_concentration_chebyshev : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat) (eps : R), full s p -> (1 <= n)%nat -> 0 < eps ->
  let q := aligned s p Rw in
  EN s q n (fun c => indicator (Rle_dec eps (Rabs (mean c (L p) + mean c Rw - (ln (Z s p Rw) - Ent s q)))))
  <= Var s q (I s p Rw) / (INR n * eps ^ 2).

(** line.concentration: P(Lbar + Rbar - (log Z - H) >= eps) <= exp(-N eps^2 / (2 [V + (H - min I)^2])). *)
Definition line_concentration_one_sided : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat) (eps least : R), full s p -> (1 <= n)%nat -> 0 < eps ->
  (forall a, In a s -> least <= I s p Rw a) -> let q := aligned s p Rw in
  0 < Var s q (I s p Rw) ->
  EN s q n (fun c => indicator (Rle_dec eps (mean c (L p) + mean c Rw - (ln (Z s p Rw) - Ent s q))))
  <= exp (- (INR n * eps ^ 2) / (2 * (Var s q (I s p Rw) + (Ent s q - least) ^ 2))).

(** line.concentration: log E e^(u I) = u H_{1-u}(p+), with the Renyi entropy H_a(q) = log(sum q^a) / (1 - a). *)
Definition line_concentration_renyi : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (u : R), full s p -> u <> 0 -> let q := aligned s p Rw in
  ln (E s q (fun a => exp (u * I s p Rw a))) = u * (ln (sum s (fun a => Rpower (q a) (1 - u))) / (1 - (1 - u))).

(** line.rate: of all laws with the cross-entropy of q_tau, q_tau alone is nearest to p+. *)
Definition line_rate_cheapest : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R) (tau : R), full s p -> law s q ->
  let plus := aligned s p Rw in let qt := tempered s plus tau in
  CE s q plus = CE s qt plus ->
  KL s q plus = KL s q qt + KL s qt plus /\ KL s qt plus <= KL s q plus /\
  (KL s q plus = KL s qt plus -> forall a, In a s -> q a = qt a).

(** line.rate: sup_u {u CE(q_tau) - log E e^(u I)} = KL(q_tau || p+), attained at u = 1 - tau. *)
Definition line_rate_legendre : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let plus := aligned s p Rw in let qt := tempered s plus tau in
  let value u := u * CE s qt plus - ln (E s plus (fun a => exp (u * I s p Rw a))) in
  value (1 - tau) = KL s qt plus /\ (forall u, value u <= KL s qt plus).

(** line.rate: the rate bounds the tail at every N, P(Ibar <= CE(q_tau)) <= exp(-N KL(q_tau || p+)) for tau >= 1. *)
Definition line_rate_chernoff : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R) (n : nat), full s p -> (1 <= n)%nat -> 1 <= tau ->
  let plus := aligned s p Rw in let qt := tempered s plus tau in
  EN s plus n (fun c => indicator (Rle_dec (mean c (I s p Rw)) (CE s qt plus))) <= exp (- (INR n * KL s qt plus)).

(** line.rate: the rate is exact, -(1/N) log P(Ibar <= CE(q_tau)) -> KL(q_tau || p+) for tau > 1, below the line,
    and the same of P(Ibar >= CE(q_tau)) for tau < 1, above it. *)
Definition line_rate_limit : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let plus := aligned s p Rw in let i := I s p Rw in let qt := tempered s plus tau in 0 < Var s plus i ->
  (1 < tau ->
   is_lim_seq (fun n => - ln (EN s plus n (fun c => indicator (Rle_dec (mean c i) (CE s qt plus)))) / INR n)
              (KL s qt plus)) /\
  (tau < 1 ->
   is_lim_seq (fun n => - ln (EN s plus n (fun c => indicator (Rle_dec (CE s qt plus) (mean c i)))) / INR n)
              (KL s qt plus)).

(** line.rate: every level between min I and max I is CE(q_tau) for one tau, tau > 1 below H and tau < 1 above. *)
Definition line_rate_levels : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (y : R), full s p ->
  let plus := aligned s p Rw in let i := I s p Rw in 0 < Var s plus i ->
  ((exists a, In a s /\ i a < y) -> y < Ent s plus ->
   exists tau, 1 < tau /\ CE s (tempered s plus tau) plus = y) /\
  ((exists a, In a s /\ y < i a) -> Ent s plus < y ->
   exists tau, tau < 1 /\ CE s (tempered s plus tau) plus = y).

(** line.rate: CE(q_tau) falls as tau rises, so that tau is a temperature, tau > 0, iff CE(q_tau) is below the plain
    mean of I. *)
Definition line_rate_temperature : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  let plus := aligned s p Rw in let level tau := CE s (tempered s plus tau) plus in 0 < Var s plus (I s p Rw) ->
  (forall tau tau', tau < tau' -> level tau' < level tau) /\
  (forall tau, 0 < tau <-> level tau < mean s (I s p Rw)).

(** ** correlation *)

(** correlation.iid: Cov(fbar, gbar) = Cov(f, g) / N at every N. *)
Definition correlation_iid_covariance : Prop :=
  forall (A : Type) (s : list A) (q f g : A -> R) (n : nat), law s q -> (1 <= n)%nat ->
  CovN s q n f g = Cov s q f g / INR n.

(** correlation.iid: Corr(Lbar, Rbar) = Corr_{p+}(L, R) at every N. *)
Definition correlation_iid_every_size : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  let q := aligned s p Rw in 0 < Var s q (L p) -> 0 < Var s q Rw ->
  CorrN s q n (L p) Rw = Corr s q (L p) Rw.

(** correlation.iid: it is negative iff V < Var L + Var R. *)
Definition correlation_iid_sign : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (n : nat), full s p -> (1 <= n)%nat ->
  let q := aligned s p Rw in 0 < Var s q (L p) -> 0 < Var s q Rw ->
  (CorrN s q n (L p) Rw < 0 <-> Var s q (I s p Rw) < Var s q (L p) + Var s q Rw).

(** correlation.sharp: V >= (1 - rho^2) max(Var L, Var R), under p+ as under any law q. *)
Definition correlation_sharp_variance : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in 0 < l -> 0 < r ->
  (1 - Corr s q (L p) Rw ^ 2) * Rmax l r <= v.

(** correlation.sharp: if V < max(Var L, Var R) then rho <= -sqrt(1 - V / max(Var L, Var R)). *)
Definition correlation_sharp_correlation : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in 0 < l -> 0 < r ->
  v < Rmax l r -> Corr s q (L p) Rw <= - sqrt (1 - v / Rmax l r).

(** correlation.sharp: both bounds are attained, with V < max(Var L, Var R). *)
Definition correlation_sharp_attained : Prop :=
  exists (s : list nat) (p Rw : nat -> R), full s p /\ let q := aligned s p Rw in
  let l := Var s q (L p) in let r := Var s q Rw in let v := Var s q (I s p Rw) in
  0 < l /\ 0 < r /\ v < Rmax l r /\
  v = (1 - Corr s q (L p) Rw ^ 2) * Rmax l r /\ Corr s q (L p) Rw = - sqrt (1 - v / Rmax l r).

(** correlation.typical: given any event A, whose conditional law on corpora is w,
    Corr(Lbar, Rbar | A) <= -sqrt(1 - Var(Ibar | A) / max(Var(Lbar | A), Var(Rbar | A))). *)
Definition correlation_typical_conditional : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (corpora : list (list A)) (w : list A -> R), full s p ->
  (forall c, In c corpora -> c <> nil /\ incl c s) -> law corpora w ->
  let Lbar c := mean c (L p) in let Rbar c := mean c Rw in let Ibar c := mean c (I s p Rw) in
  0 < Var corpora w Lbar -> 0 < Var corpora w Rbar ->
  Var corpora w Ibar < Rmax (Var corpora w Lbar) (Var corpora w Rbar) ->
  Corr corpora w Lbar Rbar
  <= - sqrt (1 - Var corpora w Ibar / Rmax (Var corpora w Lbar) (Var corpora w Rbar)).

(** correlation.bootstrap: corpora of N strings drawn from a pool have the pool's correlation, at every N. *)
Definition correlation_bootstrap_pool : Prop :=
  forall (A : Type) (pool : list A) (f g : A -> R) (n : nat), pool <> nil -> (1 <= n)%nat ->
  0 < Var pool (uniform pool) f -> 0 < Var pool (uniform pool) g ->
  CorrN pool (uniform pool) n f g = Corr pool (uniform pool) f g.

(** correlation.bootstrap: over pools of n strings and corpora of N strings from the pool,
    Cov(fbar, gbar) = (1 + N / (n - 1)) E Cov(fbar, gbar | pool); f = g gives the variances. *)
Definition correlation_bootstrap_spread : Prop :=
  forall (A : Type) (s : list A) (q f g : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  over (fun c => mean c f * mean c g) - over (fun c => mean c f) * over (fun c => mean c g)
  = (1 + INR N / (INR n - 1)) * EN s q n (fun pool => CovN pool (uniform pool) N f g).

(** ** adaptors *)

(** adaptors.exchange: dE L / dtau = -b V under q_tau, at every tau. *)
Definition adaptors_exchange_likelihood : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let q := tempered s (aligned s p Rw) in let V := Var s (q tau) (I s p Rw) in 0 < V ->
  is_derive (fun t => E s (q t) (L p)) tau (- b s p Rw (q tau) * V).

(** adaptors.exchange: dE R / dtau = (1 + b) V under q_tau, at every tau. *)
Definition adaptors_exchange_reward : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p ->
  let q := tempered s (aligned s p Rw) in let V := Var s (q tau) (I s p Rw) in 0 < V ->
  is_derive (fun t => E s (q t) Rw) tau ((1 + b s p Rw (q tau)) * V).

(** adaptors.exchange: if V = 0 under p+ then no temperature moves anything: q_tau = p+. *)
Definition adaptors_exchange_flat : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R) (a : A), full s p ->
  Var s (aligned s p Rw) (I s p Rw) = 0 -> In a s -> tempered s (aligned s p Rw) tau a = aligned s p Rw a.

(** adaptors.exchange: b outside [-1, 0] iff Cov(L, R) < -min(Var L, Var R) iff V < |Var L - Var R|, under any law. *)
Definition adaptors_exchange_condition : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let l := Var s q (L p) in let r := Var s q Rw in let V := Var s q (I s p Rw) in 0 < V ->
  (b s p Rw q < -1 \/ 0 < b s p Rw q <-> Cov s q (L p) Rw < - Rmin l r) /\
  (Cov s q (L p) Rw < - Rmin l r <-> V < Rabs (l - r)).

(** adaptors.exchange: the two slopes -b V and (1 + b) V have opposite signs iff b is outside [-1, 0], are both
    positive iff b is inside (-1, 0), and one of them is 0 on the border: E L's at b = 0, E R's at b = -1. *)
Definition adaptors_exchange_border : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let V := Var s q (I s p Rw) in let x := b s p Rw q in 0 < V ->
  (- x * V * ((1 + x) * V) < 0 <-> x < -1 \/ 0 < x) /\
  (0 < - x * V /\ 0 < (1 + x) * V <-> -1 < x < 0) /\
  (- x * V = 0 <-> Cov s q (L p) Rw = - Var s q (L p)) /\
  ((1 + x) * V = 0 <-> Cov s q (L p) Rw = - Var s q Rw).

(** adaptors.exchange: where cooling trades, the coordinate of larger variance gains: E R if b > 0, E L if b < -1. *)
Definition adaptors_exchange_gain : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q -> 0 < Var s q (I s p Rw) ->
  (0 < b s p Rw q -> Var s q (L p) < Var s q Rw) /\ (b s p Rw q < -1 -> Var s q Rw < Var s q (L p)).

(** adaptors.exchange: the slopes sum to V > 0, so that the slope -(1 + b) / b is never -1. *)
Definition adaptors_exchange_slope : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  let V := Var s q (I s p Rw) in let x := b s p Rw q in 0 < V ->
  - x * V + (1 + x) * V = V /\ (x <> 0 -> (1 + x) * V / (- x * V) = - (1 + x) / x /\ - (1 + x) / x <> -1).

(** adaptors.slope-bound: if k = sd R / sd I < 1 under q_tau then E L moves, and |dE R / dE L| <= k / (1 - k). *)
Definition adaptors_slope_bound_ratio : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau dL dR : R), full s p ->
  let q := tempered s (aligned s p Rw) in
  let k := sqrt (Var s (q tau) Rw) / sqrt (Var s (q tau) (I s p Rw)) in
  0 < Var s (q tau) (I s p Rw) -> k < 1 ->
  is_derive (fun t => E s (q t) (L p)) tau dL -> is_derive (fun t => E s (q t) Rw) tau dR ->
  dL <> 0 /\ Rabs (dR / dL) <= k / (1 - k).

(** adaptors.slope-bound: Cauchy-Schwarz, |Cov(f, g)| <= sd f sd g under any law. *)
Definition adaptors_slope_bound_cauchy_schwarz : Prop :=
  forall (A : Type) (s : list A) (q f g : A -> R), law s q ->
  Cov s q f g ^ 2 <= Var s q f * Var s q g /\ Rabs (Cov s q f g) <= sqrt (Var s q f) * sqrt (Var s q g).

(** adaptors.budget: E_q L + E_q R + H(q) = log Z - KL(q || p+) for every law q. *)
Definition adaptors_budget_identity : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  E s q (L p) + E s q Rw + Ent s q = ln (Z s p Rw) - KL s q (aligned s p Rw).

(** adaptors.budget: the sum is at most log Z, and is log Z for p+ alone. *)
Definition adaptors_budget_bound : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  E s q (L p) + E s q Rw + Ent s q <= ln (Z s p Rw) /\
  (E s q (L p) + E s q Rw + Ent s q = ln (Z s p Rw) <-> forall a, In a s -> q a = aligned s p Rw a).

(** adaptors.budget: between two laws the slope is -1 - Delta CE / Delta E L. *)
Definition adaptors_budget_slope : Prop :=
  forall (A : Type) (s : list A) (p Rw q q' : A -> R), full s p -> law s q -> law s q' ->
  let dL := E s q' (L p) - E s q (L p) in let dR := E s q' Rw - E s q Rw in
  let dCE := CE s q' (aligned s p Rw) - CE s q (aligned s p Rw) in
  dL <> 0 -> dR / dL = -1 - dCE / dL.

(** adaptors.truncation: CE(q_glob) = H(q_glob) - log p+(S) for p+ restricted to a set S of strings. *)
Definition adaptors_truncation_cross_entropy : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (P Q : A -> Prop) (kept : forall a, {P a} + {Q a}), full s p ->
  let plus := aligned s p Rw in let w a := plus a * indicator (kept a) in 0 < sum s w ->
  CE s (normalised s w) plus = Ent s (normalised s w) - ln (sum s w).

(** adaptors.truncation: keeping the strings with I <= c never lowers E L + E R, and raises it if a string falls. *)
Definition adaptors_truncation_threshold : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : R), full s p ->
  let plus := aligned s p Rw in let q := normalised s (fun a => plus a * indicator (Rle_dec (I s p Rw a) c)) in
  (exists a, In a s /\ I s p Rw a <= c) ->
  E s plus (L p) + E s plus Rw <= E s q (L p) + E s q Rw /\
  ((exists a, In a s /\ c < I s p Rw a) -> E s plus (L p) + E s plus Rw < E s q (L p) + E s q Rw).

(** adaptors.affine-line: for q = p+ g(I), E_q L = E_q l(I), where l(i) = E[L | I = i]. *)
Definition adaptors_affine_line_mean : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (g : R -> R), full s p ->
  let q a := aligned s p Rw a * g (I s p Rw a) in law s q ->
  E s q (L p) = E s q (fun a => conditional s p Rw (L p) (I s p Rw a)).

(** adaptors.affine-line: l is affine iff (1 + b)(E_q L - E L) + b (E_q R - E R) = 0 for every q = p+ g(I). *)
Definition adaptors_affine_line_iff : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  let plus := aligned s p Rw in let x := b s p Rw plus in 0 < Var s plus (I s p Rw) ->
  ((exists c d, forall a, In a s -> conditional s p Rw (L p) (I s p Rw a) = c + d * I s p Rw a) <->
   (forall g : R -> R, let q a := plus a * g (I s p Rw a) in law s q ->
    (1 + x) * (E s q (L p) - E s plus (L p)) + x * (E s q Rw - E s plus Rw) = 0)).

(** adaptors.none: on C1, p = (1, 2, 4)/7 and e^R = (1, 2, 4), E_q R = E_q L + log 7 for every law q. *)
Definition adaptors_none_c1 : Prop :=
  forall q : nat -> R, let s := [0; 1; 2]%nat in
  let p a := 2 ^ a / 7 in let Rw a := ln (2 ^ a) in law s q -> E s q Rw = E s q (L p) + ln 7.

(** adaptors.none: where L and R never fall as p+ rises, Cov_q(L, I) and Cov_q(R, I) are never positive, under any q. *)
Definition adaptors_none_comonotone : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q ->
  (forall a y, In a s -> In y s -> (L p a - L p y) * (I s p Rw a - I s p Rw y) <= 0) ->
  (forall a y, In a s -> In y s -> (Rw a - Rw y) * (I s p Rw a - I s p Rw y) <= 0) ->
  Cov s q (L p) (I s p Rw) <= 0 /\ Cov s q Rw (I s p Rw) <= 0.

(** adaptors.none: C3, p = (1, 2, 4)/7 and e^R = (1, 2, 3), is of that kind. *)
Definition adaptors_none_c3 : Prop :=
  let s := [0; 1; 2]%nat in let p a := 2 ^ a / 7 in let Rw a := ln (INR a + 1) in
  full s p /\
  (forall a y, In a s -> In y s -> (L p a - L p y) * (I s p Rw a - I s p Rw y) <= 0) /\
  (forall a y, In a s -> In y s -> (Rw a - Rw y) * (I s p Rw a - I s p Rw y) <= 0).

(** adaptors.none: in such a model both means rise with tau, along the whole of global temperature: cooling trades nothing. *)
Definition adaptors_none_temperature : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau tau' : R), full s p ->
  (forall a y, In a s -> In y s -> (L p a - L p y) * (I s p Rw a - I s p Rw y) <= 0) ->
  (forall a y, In a s -> In y s -> (Rw a - Rw y) * (I s p Rw a - I s p Rw y) <= 0) -> tau <= tau' ->
  let q := tempered s (aligned s p Rw) in
  E s (q tau) (L p) <= E s (q tau') (L p) /\ E s (q tau) Rw <= E s (q tau') Rw.

(** adaptors.none: nor does keeping the strings with I <= c, which raises both means or leaves them. *)
Definition adaptors_none_threshold : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (c : R), full s p ->
  (forall a y, In a s -> In y s -> (L p a - L p y) * (I s p Rw a - I s p Rw y) <= 0) ->
  (forall a y, In a s -> In y s -> (Rw a - Rw y) * (I s p Rw a - I s p Rw y) <= 0) ->
  (exists a, In a s /\ I s p Rw a <= c) -> let plus := aligned s p Rw in
  let q := normalised s (fun a => plus a * indicator (Rle_dec (I s p Rw a) c)) in
  E s plus (L p) <= E s q (L p) /\ E s plus Rw <= E s q Rw.

(** adaptors.interior: if 1, L, R are independent then det Cov > 0, and q = p+ (1 + eps g) is a law for small eps > 0
    with E_q L - E L = E_q R - E R = eps det Cov. *)
Definition adaptors_interior_gain : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> independent s (L p) Rw ->
  let plus := aligned s p Rw in let l := Var s plus (L p) in let r := Var s plus Rw in
  let c := Cov s plus (L p) Rw in
  let g a := (r - c) * (L p a - E s plus (L p)) + (l - c) * (Rw a - E s plus Rw) in
  0 < l * r - c ^ 2 /\
  exists top, 0 < top /\ forall eps, 0 < eps <= top -> let q a := plus a * (1 + eps * g a) in
  full s q /\ E s q (L p) - E s plus (L p) = eps * (l * r - c ^ 2) /\
  E s q Rw - E s plus Rw = eps * (l * r - c ^ 2).

(** adaptors.interior: a law that gains in both has less entropy, by the gains and KL(q || p+). *)
Definition adaptors_interior_price : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R), full s p -> law s q -> let plus := aligned s p Rw in
  Ent s plus - Ent s q
  = E s q (L p) - E s plus (L p) + (E s q Rw - E s plus Rw) + KL s q plus.

(** adaptors.family: along any direction (c, d) of (s, t), dE f = c Cov(f, L) + d Cov(f, R) under q_{s,t}. *)
Definition adaptors_family_gradient : Prop :=
  forall (A : Type) (s : list A) (p Rw f : A -> R) (sigma t c d : R), full s p -> let q := family s p Rw sigma t in
  is_derive (fun u => E s (family s p Rw (sigma + u * c) (t + u * d)) f) 0
            (c * Cov s q f (L p) + d * Cov s q f Rw).

(** adaptors.family: along (Cov + Var R, -(Var L + Cov)) the exchange is 1:1, E L' = -E R' = det Cov. *)
Definition adaptors_family_flow : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (sigma t : R), full s p -> let q := family s p Rw sigma t in
  let l := Var s q (L p) in let r := Var s q Rw in let k := Cov s q (L p) Rw in
  let at_ u := family s p Rw (sigma + u * (k + r)) (t + u * - (l + k)) in
  is_derive (fun u => E s (at_ u) (L p)) 0 (l * r - k ^ 2) /\ is_derive (fun u => E s (at_ u) Rw) 0 (- (l * r - k ^ 2)).

(** adaptors.family: if 1, L, R are independent then det Cov > 0 and (s, t) -> (E L, E R) is injective. *)
Definition adaptors_family_injective : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> independent s (L p) Rw ->
  forall sigma t sigma' t', let q := family s p Rw sigma t in let q' := family s p Rw sigma' t' in
  0 < Var s q (L p) * Var s q Rw - Cov s q (L p) Rw ^ 2 /\
  (E s q (L p) = E s q' (L p) -> E s q Rw = E s q' Rw -> sigma = sigma' /\ t = t').

(** adaptors.family: q_{s,t} is on the front of its budget: no law within KL(. || q_{s0,t0}) <= KL(q_{s,t} || q_{s0,t0})
    has a larger (s - s0) E L + (t - t0) E R, so that for s > s0, t > t0 none gains in both. *)
Definition adaptors_family_front : Prop :=
  forall (A : Type) (s : list A) (p Rw q : A -> R) (sigma t sigma0 t0 : R), full s p -> law s q ->
  let from := family s p Rw sigma0 t0 in let best := family s p Rw sigma t in
  KL s q from <= KL s best from ->
  (sigma - sigma0) * E s q (L p) + (t - t0) * E s q Rw
  <= (sigma - sigma0) * E s best (L p) + (t - t0) * E s best Rw.

(** adaptors.local-entropy: dH(q_tau) / dtau = -tau V under global temperature, at every tau. *)
Definition adaptors_local_entropy_slope : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau : R), full s p -> let q := tempered s (aligned s p Rw) in
  is_derive (fun t => Ent s (q t)) tau (- (tau * Var s (q tau) (I s p Rw))).

(** adaptors.local-entropy: global cooling never raises the entropy, and lowers it unless I is constant. *)
Definition adaptors_local_entropy_monotone : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (tau tau' : R), full s p -> 0 < tau < tau' ->
  let q := tempered s (aligned s p Rw) in
  Ent s (q tau') <= Ent s (q tau) /\
  (0 < Var s (aligned s p Rw) (I s p Rw) -> Ent s (q tau') < Ent s (q tau)).

(** ** simpson *)

(** simpson.crossing: Cov(fbar, gbar) = W / N + B for corpora each from one of any number of laws, at every N. *)
Definition simpson_crossing_covariance : Prop :=
  forall (A K : Type) (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) (n : nat),
  law ks w -> (forall k, In k ks -> law s (q k)) -> (1 <= n)%nat ->
  CovM s ks w q n f g = within s ks w q f g / INR n + between s ks w q f g.

(** simpson.crossing: it goes from + at N = 1 to - at some N iff W > 0 > B and W + B > 0;
    if W > 0 > B it is 0 at N* = -W / B, + before and - after. *)
Definition simpson_crossing_sign : Prop :=
  forall W B : R,
  (0 < W + B /\ (exists n : nat, (1 <= n)%nat /\ W / INR n + B < 0) <-> B < 0 < W /\ 0 < W + B) /\
  (B < 0 < W -> forall N, 0 < N ->
   (0 < W / N + B <-> N < - W / B) /\ (W / N + B = 0 <-> N = - W / B) /\ (W / N + B < 0 <-> - W / B < N)).

(** simpson.crossing: no crossing when every string draws its adaptor: Cov = (W + B) / N. *)
Definition simpson_crossing_mixed : Prop :=
  forall (A K : Type) (s : list A) (ks : list K) (w : K -> R) (q : K -> A -> R) (f g : A -> R) (n : nat),
  law ks w -> (forall k, In k ks -> law s (q k)) -> (1 <= n)%nat ->
  CovN s (fun a => sum ks (fun k => w k * q k a)) n f g = (within s ks w q f g + between s ks w q f g) / INR n.

(** ** metropolis *)

(** metropolis.acceptance: = E_{q x q} min(w, w') = 1 - Gini(w). *)
Definition metropolis_acceptance_identity : Prop :=
  forall (A : Type) (s : list A) (q pi : A -> R), full s q -> law s pi -> let w a := pi a / q a in
  acceptance s q pi = sum s (fun x => q x * sum s (fun y => q y * Rmin (w x) (w y))) /\
  acceptance s q pi = 1 - gini s q w.

(** metropolis.acceptance: at most 1 - TV. *)
Definition metropolis_acceptance_upper : Prop :=
  forall (A : Type) (s : list A) (q pi : A -> R), full s q -> law s pi -> acceptance s q pi <= 1 - TV s q pi.

(** metropolis.acceptance: at least (1 - TV)^2. *)
Definition metropolis_acceptance_square : Prop :=
  forall (A : Type) (s : list A) (q pi : A -> R), full s q -> law s pi -> (1 - TV s q pi) ^ 2 <= acceptance s q pi.

(** metropolis.acceptance: at least 1 / w*, w* = max w. *)
Definition metropolis_acceptance_star : Prop :=
  forall (A : Type) (s : list A) (q pi : A -> R) (star : R), full s q -> law s pi ->
  (forall a, In a s -> pi a / q a <= star) -> / star <= acceptance s q pi.

(** metropolis.accept-all: a chain that accepts every proposal is at q after a step, from any law. *)
Definition metropolis_accept_all_step : Prop :=
  forall (A : Type) (s : list A) (q mu : A -> R) (y : A), law s q -> law s mu -> step s q (fun _ _ => 1) mu y = q y.

(** metropolis.accept-all: q is its only stationary law. *)
Definition metropolis_accept_all_stationary : Prop :=
  forall (A : Type) (s : list A) (q mu : A -> R), law s q -> law s mu ->
  ((forall y, In y s -> step s q (fun _ _ => 1) mu y = mu y) <-> (forall y, In y s -> mu y = q y)).

(** ** prompts *)

(** prompts.variance: E(Lbar + Rbar) = E_x[log Z(x) - H(x)]. *)
Definition prompts_variance_centre : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (n : nat),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (1 <= n)%nat ->
  let q x := aligned (s x) (p x) (Rw x) in
  let Lx xa := L (p (fst xa)) (snd xa) in let Rx xa := Rw (fst xa) (snd xa) in
  EN (pairs xs s) (joint w q) n (fun c => mean c Lx + mean c Rx)
  = E xs w (fun x => ln (Z (s x) (p x) (Rw x)) - Ent (s x) (q x)).

(** prompts.variance: Var(Lbar + Rbar) = (E_x V(x) + Var_x(log Z(x) - H(x))) / N. *)
Definition prompts_variance_split : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (n : nat),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (1 <= n)%nat ->
  let q x := aligned (s x) (p x) (Rw x) in
  let line xa := L (p (fst xa)) (snd xa) + Rw (fst xa) (snd xa) in
  CovN (pairs xs s) (joint w q) n line line
  = (E xs w (fun x => Var (s x) (q x) (I (s x) (p x) (Rw x)))
     + Var xs w (fun x => ln (Z (s x) (p x) (Rw x)) - Ent (s x) (q x))) / INR n.

(** prompts.variance: Chebyshev's bound around E_x[log Z(x) - H(x)]. *)
Definition prompts_variance_chebyshev : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R) (n : nat) (eps : R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (1 <= n)%nat -> 0 < eps ->
  let q x := aligned (s x) (p x) (Rw x) in let level x := ln (Z (s x) (p x) (Rw x)) - Ent (s x) (q x) in
  let line xa := L (p (fst xa)) (snd xa) + Rw (fst xa) (snd xa) in
  EN (pairs xs s) (joint w q) n (fun c => indicator (Rle_dec eps (Rabs (mean c line - E xs w level))))
  <= (E xs w (fun x => Var (s x) (q x) (I (s x) (p x) (Rw x))) + Var xs w level) / (INR n * eps ^ 2).

(** prompts.identification: r + g(x) has the same p+ given x, and the same covariances within prompts, as r. *)
Definition prompts_identification_same : Prop :=
  forall (A : Type) (s : list A) (p Rw f : A -> R) (g : R), full s p -> let other a := Rw a + g in
  (forall a, In a s -> aligned s p other a = aligned s p Rw a) /\
  Cov s (aligned s p other) f other = Cov s (aligned s p Rw) f Rw.

(** prompts.identification: over all g, Corr(L, R + g(X)) fills (-e, sqrt(e^2 + (1 - e^2) rho_w^2)] where the covariance
    within prompts is positive, rho_w being their correlation within prompts and e^2 = Var E[L | X] / Var L. *)
Definition prompts_identification_range : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (L (p x))) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (L (p x))) * E xs w (fun x => Var (s x) (q x) (Rw x))) in
  0 < cov ->
  forall v, (exists g, corr g = v) <-> - sqrt e2 < v <= sqrt (e2 + (1 - e2) * rho ^ 2).

(** prompts.identification: over all g, Corr(L, R + g(X)) fills [-sqrt(e^2 + (1 - e^2) rho_w^2), e) where the
    covariance within prompts is negative. *)
Definition prompts_identification_mirrored : Prop :=
  forall (X A : Type) (xs : list X) (w : X -> R) (s : X -> list A) (p Rw : X -> A -> R),
  law xs w -> (forall x, In x xs -> full (s x) (p x)) -> (exists h, 0 < Var xs w h) ->
  let q x := aligned (s x) (p x) (Rw x) in let Lx xa := L (p (fst xa)) (snd xa) in
  let corr g := Corr (pairs xs s) (joint w q) Lx (fun xa => Rw (fst xa) (snd xa) + g (fst xa)) in
  let e2 := Var xs w (fun x => E (s x) (q x) (L (p x))) / Var (pairs xs s) (joint w q) Lx in
  let cov := E xs w (fun x => Cov (s x) (q x) (L (p x)) (Rw x)) in
  let rho := cov / sqrt (E xs w (fun x => Var (s x) (q x) (L (p x))) * E xs w (fun x => Var (s x) (q x) (Rw x))) in
  cov < 0 ->
  forall v, (exists g, corr g = v) <-> - sqrt (e2 + (1 - e2) * rho ^ 2) <= v < sqrt e2.
