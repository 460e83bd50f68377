(** Clauses on chains and on the reference code: statements, nothing else. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements AuditStatements ExampleStatements.
Import ListNotations.
Open Scope R_scope.

(** ** metropolis *)

(** metropolis.acceptance: the clauses for pi << q where q may be 0: a string that is not proposed has pi = 0. *)
Definition metropolis_acceptance_absolutely_continuous : Prop :=
  forall (A : Type) (s : list A) (q pi : A -> R), law s q -> law s pi -> (forall a, In a s -> q a = 0 -> pi a = 0) ->
  let w a := pi a / q a in
  acceptance s q pi = sum s (fun x => q x * sum s (fun y => q y * Rmin (w x) (w y))) /\
  acceptance s q pi = 1 - gini s q w /\
  acceptance s q pi <= 1 - TV s q pi /\ (1 - TV s q pi) ^ 2 <= acceptance s q pi /\
  (forall star, (forall a, In a s -> 0 < q a -> w a <= star) -> / star <= acceptance s q pi).

(** metropolis.corpora: a chain that proposes from its target gives independent strings: the expectation of every
    function of a corpus is that of independent strings, and N Cov(Lbar, Rbar) = Cov(L, R). *)
Definition metropolis_corpora_independent : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (pi : A -> R), full s pi -> NoDup s ->
  let P := kernel same s pi (mh pi pi) in
  (forall N F, EC s pi P N F = EN s pi N F) /\
  (forall N f g, (1 <= N)%nat -> INR N * CovC s pi P N f g = Cov s pi f g).

(** metropolis.corpora: the indicator f of a heaviest state has N Var(fbar) / Var f -> 2 w* - 1, so that no smaller
    factor
    would do for all functions of the state. *)
Definition metropolis_corpora_attained : Prop :=
  forall (n : nat) (q pi : nat -> R), ranked n q pi -> (2 <= n)%nat ->
  let f i := indicator (Nat.eq_dec i (n - 1)) in let star := weight q pi (n - 1) in
  0 < Var (seq 0 n) pi f /\
  is_lim_seq (fun N => INR N * CovC (seq 0 n) pi (chain n q pi) N f f / Var (seq 0 n) pi f) (2 * star - 1).

(** C6, its states by rising weight: p = (6, 3, 10)/19, e^R = (4, 2, 3), p+ = (4, 1, 5)/10 and q = (12, 3, 1)/16. *)
Definition C6_p : nat -> R := entries [6 / 19; 3 / 19; 10 / 19].
Definition C6_R : nat -> R := entries [ln 4; ln 2; ln 3].
Definition C6_plus : nat -> R := entries [4 / 10; 1 / 10; 5 / 10].
Definition C6_q : nat -> R := entries [12 / 16; 3 / 16; 1 / 16].
Definition CorrC {A : Type} (s : list A) (pi : A -> R) (P : A -> A -> R) (n : nat) (f g : A -> R) : R :=
  CovC s pi P n f g / sqrt (CovC s pi P n f f * CovC s pi P n g g).

(** metropolis.corpora: along C6 Corr(Lbar, Rbar) is .179 at N = 1, negative at every N >= 2, such as 2 to 400, and
    in the
    limit. *)
Definition metropolis_corpora_reversal : Prop :=
  let s := seq 0 3 in let corr N := CorrC s C6_plus (chain 3 C6_q C6_plus) N (L C6_p) C6_R in
  (forall a, In a s -> C6_plus a = aligned s C6_p C6_R a) /\ ranked 3 C6_q C6_plus /\
  near (corr 1%nat) 0.179 0.001 /\ (forall N, (2 <= N)%nat -> corr N < 0) /\
  exists limit : R, limit < 0 /\ is_lim_seq corr limit.

(** ** The reference code *)

(** audit.flipped-reward: the mean under p+ is negative unless p+ = p. *)
Definition audit_flipped_reward_negative : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  let mean := E s plus (fun a => ln (p a) - ln (plus a)) in
  mean = - KL s plus p /\ mean <= 0 /\ (mean = 0 <-> forall a, In a s -> plus a = p a).

(** audit.prior-without-prompt: with L' = log p(y) and R' = log p+(y | x) - log p(y) the mean of L' + R' is - H(Y |
    X), as
    that of L + R is. *)
Definition audit_prior_without_prompt_line : Prop :=
  forall (X A : Type) (xs : list X) (s : list A) (w : X -> R) (p plus : X -> A -> R),
  let m a := sum xs (fun x => w x * p x a) in
  let both (prior : X -> A -> R) :=
    E xs w (fun x => E s (plus x) (fun a => ln (prior x a) + (ln (plus x a) - ln (prior x a)))) in
  both (fun _ => m) = - E xs w (fun x => Ent s (plus x)) /\ both p = - E xs w (fun x => Ent s (plus x)).

(** audit.lost-score: E(L + R) becomes E[log p+(Y); Y not in B]. *)
Definition audit_lost_score_line : Prop :=
  forall (A : Type) (s : list A) (p plus q : A -> R) (P Q : A -> Prop) (lost : forall a, {P a} + {Q a}),
  let computed a := (if lost a then 0 else ln (plus a)) - L p a in
  E s q (fun a => L p a + computed a) = E s q (fun a => ln (plus a) * (1 - indicator (lost a))).

(** audit.bootstrap-pool: Var Lbar is shown as (n - 1)/(n N) Var L on average, the mean squared error is Var L/n
    more, and
    fresh corpora have Var L/N. *)
Definition audit_bootstrap_pool_variances : Prop :=
  forall (A : Type) (s : list A) (q f : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  let shown := EN s q n (fun pool => CovN pool (uniform pool) N f f) in
  shown = (INR n - 1) / (INR n * INR N) * Var s q f /\
  over (fun c => (mean c f - E s q f) ^ 2) = ((INR n - 1) / (INR n * INR N) + / INR n) * Var s q f /\
  CovN s q N f f = Var s q f / INR N.

(** audit.bootstrap-pool: with pools of 2,000 and corpora of 200,000 the mean squared error about E L is 201999/1999
    times
    what a pool shows, its root 10.05 times. *)
Definition audit_bootstrap_pool_tenth : Prop :=
  (forall (A : Type) (s : list A) (q f : A -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
   let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
   let shown := EN s q n (fun pool => CovN pool (uniform pool) N f f) in
   over (fun c => (mean c f - E s q f) ^ 2) = (1 + INR N / (INR n - 1)) * shown) /\
  1 + 200000 / (2000 - 1) = 201999 / 1999 /\ near (sqrt (201999 / 1999)) 10.05 0.01.

(** audit.unscored-end: the probabilities of prefixes sum to at least 1, and to 1 only if no string begins another, when
    they do. *)
Definition audit_unscored_end_prefixes : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  let sum_of := sum (strings T) (fun y => exp (ln (reach p y))) in
  1 <= sum_of /\
  (sum_of = 1 <-> forall y Y, In y (strings T) -> In Y (strings T) -> begins_with y Y = true -> y = Y).

(** audit.hidden-top-k: with a top-k left on, a nucleus draws from the law asked for, restricted to the set S that
    is left:
    KL(drawn || asked) = - log q_asked(S), and S has at most k tokens. *)
Definition audit_hidden_top_k_nucleus : Prop :=
  forall (p : nat -> R) (n top asked drawn : nat) (m : R), (forall i, (i < n)%nat -> 0 < p i) -> (1 <= top <= n)%nat ->
  0 < m <= 1 -> nucleus p n m asked -> nucleus p top m drawn ->
  let s := seq 0 n in let law_of k := normalised s (fun i => p i * indicator (lt_dec i k)) in
  let S := fun i => law_of asked i * indicator (lt_dec i drawn) in
  (drawn <= top)%nat /\ (forall i, In i s -> law_of drawn i = normalised s S i) /\
  KL s (law_of drawn) (law_of asked) = - ln (sum s S).
