Require Import Reals List Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements.
Import ListNotations.
Open Scope R_scope.


(** * Trees of strings *)

Definition token := nat.
(** A context is the tokens so far; a string is the context at which it ends. *)
Definition context := list token.

(** A tree lists the options of its root, [None] being the end of the string, and says what comes after a token.
    [Nothing] stands for what comes after a token that is no option. *)
Inductive tree := Nothing | Node (options : list (option token)) (after : token -> tree).
Definition options (T : tree) := match T with Nothing => nil | Node os _ => os end.
Definition after (T : tree) := match T with Nothing => fun _ => Nothing | Node _ next => next end.
Fixpoint subtree (T : tree) (u : context) {struct u} : tree :=
  match u with nil => T | t :: v => subtree (after T t) v end.
Fixpoint strings (T : tree) : list context :=
  match T with
  | Nothing => nil
  | Node os next => flat_map (fun o => match o with None => [nil] | Some t => map (cons t) (strings (next t)) end) os
  end.
Fixpoint context_of (T : tree) (u : context) {struct u} : Prop :=
  match u with nil => True | t :: v => In (Some t) (options T) /\ context_of (after T t) v end.
(** Every context has an option, and none twice. *)
Definition proper (T : tree) : Prop := forall u, context_of T u ->
  options (subtree T u) <> nil /\ NoDup (options (subtree T u)).

(** [from u g v] is g at the context u followed by v. *)
Definition from {X : Type} (u : context) (g : context -> X) : context -> X := fun v => g (u ++ v).
(** Weights of the options at each context, and their product along a string, its end included. *)
Definition weights := context -> option token -> R.
Fixpoint product (w : weights) (y : context) : R :=
  match y with nil => w nil None | t :: v => w nil (Some t) * product (from [t] w) v end.
(** The sum of h over the contexts met along a string, from the empty one to the string itself. *)
Fixpoint along (h : context -> R) (y : context) : R :=
  h nil + match y with nil => 0 | t :: v => along (from [t] h) v end.
Fixpoint product_along (c : context -> R) (y : context) : R :=
  c nil * match y with nil => 1 | t :: v => product_along (from [t] c) v end.

Definition positive (T : tree) (w : weights) : Prop :=
  forall u o, context_of T u -> In o (options (subtree T u)) -> 0 < w u o.
(** c(u): what the weights at a context sum to. *)
Definition total (T : tree) (w : weights) (u : context) : R := sum (options (subtree T u)) (w u).
(** Next-token laws, positive on the tree. *)
Definition step_law (T : tree) (p : weights) : Prop :=
  positive T p /\ forall u, context_of T u -> total T p u = 1.
Definition local_step (T : tree) (w : weights) : weights := fun u o => w u o / total T w u.
Definition q_loc (T : tree) (w : weights) : context -> R := product (local_step T w).
(** C: the sum of the weights of all strings. *)
Definition C (T : tree) (w : weights) : R := sum (strings T) (product w).
Definition q_glob (T : tree) (w : weights) (y : context) : R := product w y / C T w.

(** V(u) = E_p[g | u], the mean of g over the strings of p that go on from u; at the end it is g itself. *)
Definition ahead (T : tree) (p : weights) (g : context -> R) (u : context) : R :=
  E (strings (subtree T u)) (product (from u p)) (from u g).
Definition ahead_of (T : tree) (p : weights) (g : context -> R) (u : context) (o : option token) : R :=
  match o with None => g u | Some t => ahead T p g (u ++ [t]) end.
Definition doob (T : tree) (p : weights) (g : context -> R) : weights :=
  fun u o => p u o * ahead_of T p g u o / ahead T p g u.
Fixpoint begins_with (u y : context) : bool :=
  match u, y with
  | nil, _ => true
  | _ :: _, nil => false
  | t :: u', s :: y' => andb (Nat.eqb t s) (begins_with u' y')
  end.
(** The part of the sum of f over the strings that begin with u. *)
Definition mass (T : tree) (f : context -> R) (u : context) : R :=
  sum (strings T) (fun y => if begins_with u y then f y else 0).

(** ** Statements on trees. T is any finite tree, p any next-token laws that are positive on it. *)

(** alignment.controlled-decoding: on every tree the laws p(o | u) V(u o) / V(u), V the mean of e^R ahead, are
    next-token laws, and their product along a string is the aligned law p e^R / Z. *)
Definition alignment_controlled_decoding_aligned_law : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R), proper T -> step_law T p ->
  let g := fun y => exp (Rw y) in
  step_law T (doob T p g) /\
  forall y, In y (strings T) -> product (doob T p g) y = product p y * g y / E (strings T) (product p) g.

(** alignment.controlled-decoding: V(u) is the conditional mean of e^R given that the string begins with u, so the
    scorer log E[e^R | u] is exact on every tree. *)
Definition alignment_controlled_decoding_scorer : Prop :=
  forall (T : tree) (p : weights) (g : context -> R) (u : context), proper T -> step_law T p -> context_of T u ->
  ahead T p g u = mass T (fun y => product p y * g y) u / mass T (product p) u.

(** alignment.controlled-decoding: next-token laws make a law on the strings. *)
Definition alignment_controlled_decoding_law : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p -> full (strings T) (product p).

(** alignment.controlled-decoding: every law that is positive on the strings is the product of its next-token laws,
    q(u o) / q(u), masses of the strings that begin so. *)
Definition alignment_controlled_decoding_chain_rule : Prop :=
  forall (T : tree) (q : context -> R), proper T -> full (strings T) q ->
  let p := fun u o => match o with None => q u / mass T q u | Some t => mass T q (u ++ [t]) / mass T q u end in
  step_law T p /\ forall y, In y (strings T) -> product p y = q y.

(** In the claims on truncation T is the tree of the kept strings and w their next-token probabilities under p+, kept
    and not normalised, so that [product w] is p+ and [C T w] is p+(S). They hold for any positive weights. *)

(** adaptors.truncation: KL(q_loc || p+) is minus the mean of sum log c_t. *)
Definition adaptors_truncation_local : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  KL (strings T) (q_loc T w) (product w) = - E (strings T) (q_loc T w) (along (fun u => ln (total T w u))).

(** adaptors.truncation: KL(q_loc || q_glob) = KL(q_loc || p+) + log p+(S). *)
Definition adaptors_truncation_gap : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  KL (strings T) (q_loc T w) (q_glob T w) = KL (strings T) (q_loc T w) (product w) + ln (C T w).

(** adaptors.truncation: CE(q_glob) = H(q_glob) - log p+(S). *)
Definition adaptors_truncation_global : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  CE (strings T) (q_glob T w) (product w) = Ent (strings T) (q_glob T w) - ln (C T w).

(** Temperature: the powers of the next-token probabilities, and the entropy of the next token. *)
Definition cooled (p : weights) (tau : R) : weights := fun u o => Rpower (p u o) tau.
Definition next_entropy (T : tree) (p : weights) (u : context) : R := Ent (options (subtree T u)) (p u).

(** adaptors.local-global: at tau = 1 the derivatives of E f under global and local temperature differ by
    - Cov(f, sum_t h_t), for every function f of the string. *)
Definition adaptors_local_global_derivative : Prop :=
  forall (T : tree) (p : weights) (f : context -> R), proper T -> step_law T p ->
  is_derive (fun tau => E (strings T) (q_glob T (cooled p tau)) f - E (strings T) (q_loc T (cooled p tau)) f) 1
    (- Cov (strings T) (product p) f (along (next_entropy T p))).

(** adaptors.local-global: at tau = 1 both laws are p+. *)
Definition adaptors_local_global_start : Prop :=
  forall (T : tree) (p : weights) (y : context), proper T -> step_law T p -> In y (strings T) ->
  q_loc T (cooled p 1) y = product p y /\ q_glob T (cooled p 1) y = product p y.

(** adaptors.local-entropy: under local temperature dH/dtau at tau = 1 is - V + Cov(I, sum_t h_t). *)
Definition adaptors_local_entropy_local : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  let J := fun y => - ln (product p y) in
  is_derive (fun tau => Ent (strings T) (q_loc T (cooled p tau))) 1
    (- Var (strings T) (product p) J + Cov (strings T) (product p) J (along (next_entropy T p))).

(** A factor per context. *)
Definition gauged (gamma : context -> R) (w : weights) : weights := fun u o => gamma u * w u o.
Definition factor (T : tree) (gamma : context -> R) : Prop := forall u, context_of T u -> 0 < gamma u.

(** adaptors.gauge: a factor per context leaves the local law alone. *)
Definition adaptors_gauge_local : Prop :=
  forall (T : tree) (w : weights) (gamma : context -> R), proper T -> positive T w -> factor T gamma ->
  forall y, In y (strings T) -> q_loc T (gauged gamma w) y = q_loc T w y.

(** adaptors.gauge: the global laws that factors per context make of w are exactly the laws that are positive on the
    strings. *)
Definition adaptors_gauge_global : Prop :=
  forall (T : tree) (w : weights) (q : context -> R), proper T -> positive T w ->
  (full (strings T) q <->
   exists gamma, factor T gamma /\ forall y, In y (strings T) -> q_glob T (gauged gamma w) y = q y).

(** adaptors.gauge: weights that are normalised at each context have q_glob = q_loc. *)
Definition adaptors_gauge_softmax : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  forall y, In y (strings T) -> q_glob T (local_step T w) y = q_loc T w y.

(** adaptors.gauge: q_glob = q_loc iff the product of the normalisers is the same along all strings. *)
Definition adaptors_gauge_same : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  ((forall y, In y (strings T) -> q_glob T w y = q_loc T w y) <->
   exists c, forall y, In y (strings T) -> product_along (total T w) y = c).

(** ** Local adaptors that keep the order of the next tokens *)

(** The options of each context are listed in the order that is to be kept: likely ones first. Next-token laws keep
    it if they do not rise along the list; zeros are allowed. *)
Definition order_preserving (T : tree) (q : weights) : Prop :=
  forall u, context_of T u ->
  law (options (subtree T u)) (q u) /\ Sorted (fun o o' => q u o' <= q u o) (options (subtree T u)).
Fixpoint largest (l : list R) : R :=
  match l with nil => 0 | [a] => a | a :: m => Rmax a (largest m) end.
(** The best average over the top j options, j = 1, 2, ... *)
Definition best_average (os : list (option token)) (v : option token -> R) : R :=
  largest (map (fun j => sum (firstn j os) v / INR j) (seq 1 (length os))).
(** The backward programme: V is f at the end of a string, and the best average of what follows at a context. *)
Fixpoint V (T : tree) (f : context -> R) : R :=
  match T with
  | Nothing => 0
  | Node os next => best_average os (fun o => match o with None => f nil | Some t => V (next t) (from [t] f) end)
  end.
(** At each context u the uniform law on the top k(u) options: context-dependent top-k of a flattened law. *)
Definition same_option : forall o o' : option token, {o = o'} + {o <> o'}.
Proof. repeat decide equality. Defined.
Definition top (T : tree) (k : context -> nat) : weights := fun u o =>
  indicator (in_dec same_option o (firstn (k u) (options (subtree T u)))) / INR (k u).
Definition sizes (T : tree) (k : context -> nat) : Prop :=
  forall u, context_of T u -> (1 <= k u <= length (options (subtree T u)))%nat.

(** adaptors.order-preserving: no order-preserving local adaptor has E_q f above V, for any f, such as a L + c R. *)
Definition adaptors_order_preserving_bound : Prop :=
  forall (T : tree) (q : weights) (f : context -> R), proper T -> order_preserving T q ->
  E (strings T) (product q) f <= V T f.

(** adaptors.order-preserving: V is attained, by laws that are uniform on top options at each context: the corners. *)
Definition adaptors_order_preserving_attained : Prop :=
  forall (T : tree) (f : context -> R), proper T ->
  exists k, sizes T k /\ order_preserving T (top T k) /\ E (strings T) (product (top T k)) f = V T f.

(** adaptors.order-preserving: the laws that such adaptors reach are a convex set. *)
Definition adaptors_order_preserving_convex : Prop :=
  forall (T : tree) (q q' : weights) (c : R), proper T -> order_preserving T q -> order_preserving T q' -> 0 <= c <=
      1 ->
  exists m, order_preserving T m /\
  forall y, In y (strings T) -> product m y = c * product q y + (1 - c) * product q' y.

(** adaptors.order-preserving: weights that do not rise along the options, as those of temperature, top-k, nucleus,
    min-p, epsilon and eta, make such an adaptor. *)
Definition adaptors_order_preserving_adaptors : Prop :=
  forall (T : tree) (w : weights), proper T ->
  (forall u, context_of T u -> (forall o, In o (options (subtree T u)) -> 0 <= w u o) /\ 0 < total T w u /\
   Sorted (fun o o' => w u o' <= w u o) (options (subtree T u))) ->
  order_preserving T (local_step T w).

(** ** What the trees are *)

(** adaptors.gauge: on a proper tree no string comes twice. *)
Definition adaptors_gauge_strings_distinct : Prop := forall T : tree, proper T -> NoDup (strings T).

(** adaptors.gauge: every non-empty finite set of strings is that of a proper tree. *)
Definition adaptors_gauge_every_set : Prop := forall S : list context, S <> nil ->
  exists T, proper T /\ forall y, In y (strings T) <-> In y S.

(** ** Metropolis chains from the local law *)

(** metropolis.ratio: q_glob(y') q_loc(y) / (q_glob(y) q_loc(y')) = prod c(y') / prod c(y). *)
Definition metropolis_ratio_identity : Prop :=
  forall (T : tree) (w : weights) (y y' : context), proper T -> positive T w ->
  In y (strings T) -> In y' (strings T) ->
  q_glob T w y' * q_loc T w y / (q_glob T w y * q_loc T w y') =
  product_along (total T w) y' / product_along (total T w) y.

(** the law mu is the only stationary one of the chain that proposes from q and accepts with acc *)
Definition only_stationary {A : Type} (s : list A) (q : A -> R) (acc : A -> A -> R) (pi : A -> R) : Prop :=
  forall mu, law s mu -> ((forall y, In y s -> step s q acc mu y = mu y) <-> (forall y, In y s -> mu y = pi y)).

(** metropolis.ratio: accepting proposals of q_loc with min(1, prod c(y') / prod c(y)) leads to q_glob alone. *)
Definition metropolis_ratio_stationary : Prop :=
  forall (T : tree) (w : weights), proper T -> positive T w ->
  let c := product_along (total T w) in
  only_stationary (strings T) (q_loc T w) (fun y y' => Rmin 1 (c y' / c y)) (q_glob T w).

(** metropolis.ratio: with the ratio p+ / q_loc the chain leads to p+ on the kept strings, whatever the weights are. *)
Definition metropolis_ratio_aligned : Prop :=
  forall (T : tree) (w : weights) (plus : context -> R), proper T -> positive T w ->
  (forall y, In y (strings T) -> 0 < plus y) ->
  only_stationary (strings T) (q_loc T w)
    (fun y y' => Rmin 1 ((plus y' / q_loc T w y') / (plus y / q_loc T w y))) (normalised (strings T) plus).

(** metropolis.ratio: for powers p+^tau on the tree of the kept strings, p+ on these strings is q_glob iff tau = 1 or
    p+ is constant on them. *)
Definition metropolis_ratio_iff : Prop :=
  forall (T : tree) (p : weights) (tau : R), proper T -> positive T p ->
  ((forall y, In y (strings T) -> q_glob T (cooled p tau) y = normalised (strings T) (product p) y) <->
   tau = 1 \/ exists c, forall y, In y (strings T) -> product p y = c).

(** ** The reference code *)

(** audit.accept-all: E_loc f - E_glob f = - Cov_loc(f, w), w = q_glob / q_loc. *)
Definition audit_accept_all_shift : Prop :=
  forall (T : tree) (w : weights) (f : context -> R), proper T -> positive T w ->
  E (strings T) (q_loc T w) f - E (strings T) (q_glob T w) f =
  - Cov (strings T) (q_loc T w) f (fun y => q_glob T w y / q_loc T w y).

(** The end's probability, given the string, and the probability that a string begins with u. *)
Definition ending (p : weights) (y : context) : R := p y None.
Fixpoint reach (p : weights) (u : context) : R :=
  match u with nil => 1 | t :: v => p nil (Some t) * reach (from [t] p) v end.

(** audit.unscored-end: without its end a string scores L' = log reach, and E L' - E L = - E log p(end | Y), under
    any law of the strings. *)
Definition audit_unscored_end_shift : Prop :=
  forall (T : tree) (p : weights) (q : context -> R), proper T -> positive T p ->
  E (strings T) q (fun y => ln (reach p y)) - E (strings T) q (fun y => ln (product p y)) =
  - E (strings T) q (fun y => ln (ending p y)).

(** audit.unscored-end: e^L' sums to the mean number of strings that Y begins with. *)
Definition audit_unscored_end_mass : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  sum (strings T) (fun y => exp (ln (reach p y))) =
  E (strings T) (product p) (fun Y => sum (strings T) (fun y => if begins_with y Y then 1 else 0)).

(** * Chains *)

(** Metropolis-Hastings: a proposal y from x is accepted with probability min(1, w(y) / w(x)), w = pi / q; here [step]
    is one step of a law, [kernel] the transition probability. *)
Definition mh {A : Type} (q pi : A -> R) (x y : A) : R := Rmin 1 ((pi y / q y) / (pi x / q x)).
Definition kernel {A : Type} (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (q : A -> R)
  (acc : A -> A -> R) (x y : A) : R :=
  q y * acc x y + indicator (same x y) * (1 - sum s (fun z => q z * acc x z)).
(** mu P^k, and the k-step mean of f from x, (P^k f)(x). *)
Fixpoint law_after {A : Type} (s : list A) (q : A -> R) (acc : A -> A -> R) (mu : A -> R) (k : nat) : A -> R :=
  match k with O => mu | S j => step s q acc (law_after s q acc mu j) end.
Fixpoint mean_after {A : Type} (s : list A) (P : A -> A -> R) (f : A -> R) (k : nat) : A -> R :=
  match k with O => f | S j => fun x => sum s (fun y => P x y * mean_after s P f j y) end.

(** metropolis.spectrum: a step of a law is a product with the kernel. *)
Definition metropolis_spectrum_kernel : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (q mu : A -> R) (acc : A -> A -> R) (y :
      A),
  NoDup s -> In y s -> step s q acc mu y = sum s (fun x => mu x * kernel same s q acc x y).

(** metropolis.spectrum: TV(P^k(x1, .), pi) = (1 - 1/w_max)^k (1 - pi(x1)) from a state x1 of the largest weight, and
    this k-step law is (1 - 1/w_max)^k at x1, plus 1 - (1 - 1/w_max)^k times pi. *)
Definition metropolis_spectrum_heaviest : Prop :=
  forall (A : Type) (same : forall a y : A, {a = y} + {a <> y}) (s : list A) (q pi : A -> R) (x1 : A) (k : nat),
  NoDup s -> full s q -> full s pi -> In x1 s -> (forall x, In x s -> pi x / q x <= pi x1 / q x1) ->
  let star := pi x1 / q x1 in let at_k := law_after s q (mh q pi) (fun y => indicator (same x1 y)) k in
  (forall y, In y s -> at_k y = (1 - / star) ^ k * indicator (same x1 y) + (1 - (1 - / star) ^ k) * pi y) /\
  TV s at_k pi = (1 - / star) ^ k * (1 - pi x1).

(** metropolis.spectrum: from any law the distance is at most (1 - 1/w_max)^k. *)
Definition metropolis_spectrum_every_start : Prop :=
  forall (A : Type) (s : list A) (q pi mu : A -> R) (star : R) (k : nat),
  NoDup s -> full s q -> full s pi -> law s mu -> (forall x, In x s -> pi x / q x <= star) ->
  TV s (law_after s q (mh q pi) mu k) pi <= (1 - / star) ^ k.

(** n states, numbered 0, ..., n - 1 by rising weight; their eigenvalues, and functions that the kernel keeps. *)
Definition weight (q pi : nat -> R) (i : nat) : R := pi i / q i.
Definition ranked (n : nat) (q pi : nat -> R) : Prop :=
  full (seq 0 n) q /\ full (seq 0 n) pi /\ forall i j, (i <= j < n)%nat -> weight q pi i <= weight q pi j.
Definition eigenvalue (n : nat) (q pi : nat -> R) (k : nat) : R :=
  sum (seq 0 n) (fun i => q i * Rmax 0 (1 - weight q pi i / weight q pi k)).
Definition mode (pi : nat -> R) (k i : nat) : R :=
  if Nat.ltb i k then - pi k else if Nat.eqb i k then sum (seq 0 k) pi else 0.
Definition chain (n : nat) (q pi : nat -> R) : nat -> nat -> R := kernel Nat.eq_dec (seq 0 n) q (mh q pi).

(** metropolis.spectrum: for k = 1, ..., n - 1 the function that is Pi_{k-1} at k, - pi_k below and 0 above is an
    eigenfunction with the eigenvalue sum_i q_i (1 - w_i / w_k)^+. *)
Definition metropolis_spectrum_eigenvalues : Prop :=
  forall (n : nat) (q pi : nat -> R) (k i : nat), ranked n q pi -> (1 <= k < n)%nat -> (i < n)%nat ->
  sum (seq 0 n) (fun j => chain n q pi i j * mode pi k j) = eigenvalue n q pi k * mode pi k i.

(** metropolis.spectrum: with the constants these are all: they are orthogonal, and every function is a sum of them. *)
Definition metropolis_spectrum_complete : Prop :=
  forall (n : nat) (q pi : nat -> R), ranked n q pi ->
  (forall k, (1 <= k < n)%nat -> E (seq 0 n) pi (mode pi k) = 0 /\ 0 < E (seq 0 n) pi (fun i => mode pi k i ^ 2)) /\
  (forall j k, (1 <= j < k)%nat -> (k < n)%nat -> E (seq 0 n) pi (fun i => mode pi j i * mode pi k i) = 0) /\
  (forall f, exists c, forall i, (i < n)%nat -> f i = c O + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i)).

(** metropolis.spectrum: the largest eigenvalue but 1 is 1 - 1/w_max, and none is negative. *)
Definition metropolis_spectrum_second : Prop :=
  forall (n : nat) (q pi : nat -> R) (k : nat), ranked n q pi -> (1 <= k < n)%nat ->
  0 <= eigenvalue n q pi k <= eigenvalue n q pi (n - 1) /\
  eigenvalue n q pi (n - 1) = 1 - / weight q pi (n - 1).

(** metropolis.spectrum: the exact k-step law, through the mean of any function from any state. *)
Definition metropolis_spectrum_every_step : Prop :=
  forall (n : nat) (q pi f c : nat -> R) (t i : nat), ranked n q pi -> (i < n)%nat ->
  (forall i, (i < n)%nat -> f i = c O + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i)) ->
  mean_after (seq 0 n) (chain n q pi) f t i =
  c O + sum (seq 1 (n - 1)) (fun k => c k * eigenvalue n q pi k ^ t * mode pi k i).

(** The expectation of F over corpora of N successive states of a chain that starts at pi. *)
Fixpoint path {A : Type} (s : list A) (P : A -> A -> R) (n : nat) (x : A) (F : list A -> R) : R :=
  match n with O => F nil | S m => sum s (fun y => P x y * path s P m y (fun c => F (y :: c))) end.
Definition EC {A : Type} (s : list A) (pi : A -> R) (P : A -> A -> R) (n : nat) (F : list A -> R) : R :=
  match n with O => F nil | S m => sum s (fun x => pi x * path s P m x (fun c => F (x :: c))) end.
Definition CovC {A : Type} (s : list A) (pi : A -> R) (P : A -> A -> R) (n : nat) (f g : A -> R) : R :=
  EC s pi P n (fun c => mean c f * mean c g) - EC s pi P n (fun c => mean c f) * EC s pi P n (fun c => mean c g).

(** metropolis.corpora: Cov(fbar, gbar) in closed form, m_k the share of the k-th eigenfunction in Cov(f, g). *)
Definition metropolis_corpora_covariance : Prop :=
  forall (n : nat) (q pi f g c d : nat -> R) (N : nat), ranked n q pi -> (1 <= N)%nat ->
  (forall i, (i < n)%nat -> f i = c O + sum (seq 1 (n - 1)) (fun k => c k * mode pi k i)) ->
  (forall i, (i < n)%nat -> g i = d O + sum (seq 1 (n - 1)) (fun k => d k * mode pi k i)) ->
  let m k := c k * d k * E (seq 0 n) pi (fun i => mode pi k i ^ 2) in
  let x := eigenvalue n q pi in
  Cov (seq 0 n) pi f g = sum (seq 1 (n - 1)) m /\
  CovC (seq 0 n) pi (chain n q pi) N f g =
  / INR N ^ 2 * sum (seq 1 (n - 1)) (fun k =>
    m k * (INR N * (1 + x k) / (1 - x k) - 2 * x k * (1 - x k ^ N) / (1 - x k) ^ 2)).

(** metropolis.corpora: Var(fbar) <= (2 w_max - 1) Var(f) / N for every function f, such as I. *)
Definition metropolis_corpora_bound : Prop :=
  forall (n : nat) (q pi f : nat -> R) (N : nat), ranked n q pi -> (1 <= n)%nat -> (1 <= N)%nat ->
  CovC (seq 0 n) pi (chain n q pi) N f f <= (2 * weight q pi (n - 1) - 1) * Var (seq 0 n) pi f / INR N.

(** * Automata *)

(** States 0, ..., n - 1; at a state some letters, and the next state after each. A string is read from a state on. *)
Record automaton := Automaton { states : nat; letters : nat -> list token; next : nat -> token -> nat }.
Definition closed (A : automaton) : Prop := forall i a, (i < states A)%nat -> In a (letters A i) ->
  (next A i a < states A)%nat.
(** The strings of k letters from state i. *)
Fixpoint words (A : automaton) (k i : nat) : list context :=
  match k with
  | O => [nil]
  | S m => flat_map (fun a => map (cons a) (words A m (next A i a))) (letters A i)
  end.
(** Weights w of the letters and e of the end at each state; the weight of a string is their product. *)
Fixpoint word_weight (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat) (y : context) : R :=
  match y with nil => e i | a :: z => w i a * word_weight A w e (next A i a) z end.
(** The matrix M, its product with a vector, and M^k e. *)
Definition matrix (A : automaton) (w : nat -> token -> R) (i j : nat) : R :=
  sum (letters A i) (fun a => w i a * indicator (Nat.eq_dec (next A i a) j)).
Definition times (n : nat) (M : nat -> nat -> R) (z : nat -> R) (i : nat) : R := sum (seq 0 n) (fun j => M i j * z j).
Fixpoint power (n : nat) (M : nat -> nat -> R) (z : nat -> R) (k : nat) : nat -> R :=
  match k with O => z | S m => times n M (power n M z m) end.
(** The spectral radius of a non-negative M is below 1, after Collatz and Wielandt: M x <= theta x for some x > 0 and
    theta < 1. *)
Definition radius_below_one (n : nat) (M : nat -> nat -> R) : Prop :=
  exists (x : nat -> R) (theta : R), theta < 1 /\
  forall i, (i < n)%nat -> 0 < x i /\ times n M x i <= theta * x i.
Definition nonnegative (A : automaton) (w : nat -> token -> R) (e : nat -> R) : Prop :=
  forall i, (i < states A)%nat -> 0 <= e i /\ forall a, In a (letters A i) -> 0 <= w i a.
(** Z(i): the sum of the weights of all strings from state i. *)
Definition total_weight (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat) : R :=
  Series (fun k => sum (words A k i) (word_weight A w e i)).

(** automata.partition: the strings of k letters from i weigh (M^k e)(i). *)
Definition automata_partition_by_length : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (k i : nat), closed A -> (i < states A)%nat ->
  sum (words A k i) (word_weight A w e i) = power (states A) (matrix A w) e k i.

(** automata.partition: if the spectral radius is below 1, Z = (I - M)^-1 e: the sum over all strings converges, to the
    only solution of v = e + M v. *)
Definition automata_partition_formula : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R), closed A -> nonnegative A w e ->
  radius_below_one (states A) (matrix A w) ->
  (forall i, (i < states A)%nat ->
   is_series (fun k => sum (words A k i) (word_weight A w e i)) (total_weight A w e i) /\
   total_weight A w e i = e i + times (states A) (matrix A w) (total_weight A w e) i) /\
  (forall v, (forall i, (i < states A)%nat -> v i = e i + times (states A) (matrix A w) v i) ->
   forall i, (i < states A)%nat -> v i = total_weight A w e i).

(** automata.partition: I - M then has an inverse N. *)
Definition automata_partition_inverse : Prop :=
  forall (n : nat) (M : nat -> nat -> R), (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) ->
  radius_below_one n M ->
  exists N, forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= N i j /\
  N i j = indicator (Nat.eq_dec i j) + sum (seq 0 n) (fun k => M i k * N k j) /\
  N i j = indicator (Nat.eq_dec i j) + sum (seq 0 n) (fun k => N i k * M k j).

(** Trimmed: every state is reached from state 0, and can end. *)
Definition trimmed (n : nat) (M : nat -> nat -> R) (e : nat -> R) : Prop := forall i, (i < n)%nat ->
  (exists k, 0 < power n M (fun j => indicator (Nat.eq_dec j i)) k 0%nat) /\ (exists k, 0 < power n M e k i).

(** automata.partition: for a trimmed automaton Z is finite iff the spectral radius is below 1. *)
Definition automata_partition_iff : Prop :=
  forall (n : nat) (M : nat -> nat -> R) (e : nat -> R), (1 <= n)%nat ->
  (forall i, (i < n)%nat -> 0 <= e i /\ forall j, (j < n)%nat -> 0 <= M i j) -> trimmed n M e ->
  (ex_series (fun k => power n M e k 0%nat) <-> radius_below_one n M).

(** p+'s next-letter laws: w v(next) / v; the end has e / v. *)
Definition doob_letter (A : automaton) (w : nat -> token -> R) (v : nat -> R) : nat -> token -> R :=
  fun i a => w i a * v (next A i a) / v i.

(** automata.partition: the weights w v(next) / v and e / v, v = Z, are a law at each state. *)
Definition automata_partition_doob_law : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R), closed A -> nonnegative A w e ->
  radius_below_one (states A) (matrix A w) -> let v := total_weight A w e in
  forall i, (i < states A)%nat -> 0 < v i ->
  sum (letters A i) (doob_letter A w v i) + e i / v i = 1.

(** automata.partition: they give every string its probability under p+, weight / Z, and lose no mass. *)
Definition automata_partition_doob_strings : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat), closed A -> nonnegative A w e ->
  radius_below_one (states A) (matrix A w) -> let v := total_weight A w e in
  (forall j, (j < states A)%nat -> 0 < v j) -> (i < states A)%nat ->
  let q := word_weight A (doob_letter A w v) (fun j => e j / v j) i in
  (forall k y, In y (words A k i) -> q y = word_weight A w e i y / v i) /\
  is_series (fun k => sum (words A k i) q) 1.

(** A feature adds up along the string: phi of each letter and phie of the end, at each state. *)
Fixpoint feature (A : automaton) (phi : nat -> token -> R) (phie : nat -> R) (i : nat) (y : context) : R :=
  match y with nil => phie i | a :: z => phi i a + feature A phi phie (next A i a) z end.
(** The sum over all strings of weight times f, and the mean of f under weight / Z. *)
Definition sum_over_strings (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat) (f : context -> R) : R :=
  Series (fun k => sum (words A k i) (fun y => word_weight A w e i y * f y)).
Definition string_mean (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat) (f : context -> R) : R :=
  sum_over_strings A w e i f / total_weight A w e i.
Definition string_cov (A : automaton) (w : nat -> token -> R) (e : nat -> R) (i : nat) (f g : context -> R) : R :=
  string_mean A w e i (fun y => f y * g y) - string_mean A w e i f * string_mean A w e i g.
(** M_x v + e_x: the weights times a feature, applied to v. *)
Definition marked (A : automaton) (w : nat -> token -> R) (e : nat -> R) (phi : nat -> token -> R) (phie : nat -> R)
  (v : nat -> R) (i : nat) : R := sum (letters A i) (fun a => w i a * phi i a * v (next A i a)) + e i * phie i.

(** automata.moments: F_x = e0' N M_x N ef: the sum of weight times feature over all strings converges, and solves
    u = (M_x v + e_x) + M u, where v = Z. *)
Definition automata_moments_first : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (phi : nat -> token -> R) (phie : nat -> R),
  closed A -> nonnegative A w e -> radius_below_one (states A) (matrix A w) ->
  let u i := sum_over_strings A w e i (feature A phi phie i) in
  forall i, (i < states A)%nat ->
  is_series (fun k => sum (words A k i) (fun y => word_weight A w e i y * feature A phi phie i y)) (u i) /\
  u i = marked A w e phi phie (total_weight A w e) i + times (states A) (matrix A w) u i.

(** automata.moments: F_xy = e0' N (M_xy + M_x N M_y + M_y N M_x) N ef, in the same way. *)
Definition automata_moments_second : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (phi psi : nat -> token -> R) (phie psie : nat -> R),
  closed A -> nonnegative A w e -> radius_below_one (states A) (matrix A w) ->
  let u i := sum_over_strings A w e i (feature A phi phie i) in
  let u' i := sum_over_strings A w e i (feature A psi psie i) in
  let u2 i := sum_over_strings A w e i (fun y => feature A phi phie i y * feature A psi psie i y) in
  forall i, (i < states A)%nat ->
  is_series (fun k => sum (words A k i) (fun y => word_weight A w e i y * (feature A phi phie i y * feature A psi
      psie i y)))
            (u2 i) /\
  u2 i = marked A w e (fun i a => phi i a * psi i a) (fun i => phie i * psie i) (total_weight A w e) i
         + marked A w e phi (fun _ => 0) u' i + marked A w e psi (fun _ => 0) u i
         + times (states A) (matrix A w) u2 i.

(** Weights p^s e^(tR); the end has p^s alone. L = log p and R of a string add up. *)
Definition letter_family (p : nat -> token -> R) (Rw : nat -> token -> R) (s t : R) : nat -> token -> R :=
  fun i a => Rpower (p i a) s * exp (t * Rw i a).
Definition end_family (pe : nat -> R) (s : R) : nat -> R := fun i => Rpower (pe i) s.

(** automata.moments: A = log F has A_s = E L and A_t = E R, wherever the spectral radius is below 1. *)
Definition automata_moments_gradient : Prop :=
  forall (A : automaton) (p Rw : nat -> token -> R) (pe : nat -> R) (s t : R) (i : nat), closed A ->
  (i < states A)%nat ->
  let W s t := letter_family p Rw s t in let e s := end_family pe s in
  radius_below_one (states A) (matrix A (W s t)) ->
  let F s t := total_weight A (W s t) (e s) i in
  let Lf := feature A (fun i a => ln (p i a)) (fun i => ln (pe i)) i in let Rf := feature A Rw (fun _ => 0) i in
  let mean f := string_mean A (W s t) (e s) i f in
  is_derive (fun s => ln (F s t)) s (mean Lf) /\ is_derive (fun t => ln (F s t)) t (mean Rf).

(** automata.moments: A_ss = Var L, A_st = Cov(L, R), A_tt = Var R: the derivatives of E L and E R. *)
Definition automata_moments_hessian : Prop :=
  forall (A : automaton) (p Rw : nat -> token -> R) (pe : nat -> R) (s t : R) (i : nat), closed A ->
  (i < states A)%nat ->
  let W s t := letter_family p Rw s t in let e s := end_family pe s in
  radius_below_one (states A) (matrix A (W s t)) ->
  let Lf := feature A (fun i a => ln (p i a)) (fun i => ln (pe i)) i in let Rf := feature A Rw (fun _ => 0) i in
  let mean s t f := string_mean A (W s t) (e s) i f in let cov f g := string_cov A (W s t) (e s) i f g in
  is_derive (fun s => mean s t Lf) s (cov Lf Lf) /\ is_derive (fun t => mean s t Lf) t (cov Lf Rf) /\
  is_derive (fun s => mean s t Rf) s (cov Rf Lf) /\ is_derive (fun t => mean s t Rf) t (cov Rf Rf).

(** automata.moments: H = A - A_s - A_t and V = A_ss + 2 A_st + A_tt at (1, 1), for I = A - L - R. *)
Definition automata_moments_entropy : Prop :=
  forall (A : automaton) (p Rw : nat -> token -> R) (pe : nat -> R) (i : nat), closed A -> (i < states A)%nat ->
  let w := letter_family p Rw 1 1 in let e := end_family pe 1 in
  radius_below_one (states A) (matrix A w) ->
  let Lf := feature A (fun i a => ln (p i a)) (fun i => ln (pe i)) i in let Rf := feature A Rw (fun _ => 0) i in
  let mean f := string_mean A w e i f in let cov f g := string_cov A w e i f g in
  let J y := ln (total_weight A w e i) - Lf y - Rf y in
  mean J = ln (total_weight A w e i) - mean Lf - mean Rf /\
  cov J J = cov Lf Lf + 2 * cov Lf Rf + cov Rf Rf /\
  (forall k y, In y (words A k i) -> (forall j, (j < states A)%nat -> 0 < pe j /\ forall a, In a (letters A j) -> 0 <
      p j a) ->
   J y = - ln (word_weight A w e i y / total_weight A w e i)).

(** ** More of the same claims *)

(** adaptors.local-global: the entropies met along a string of p+ sum to H on average. *)
Definition adaptors_local_global_mean : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  E (strings T) (product p) (along (next_entropy T p)) = Ent (strings T) (product p).

(** adaptors.order-preserving: every order-preserving local law is a mixture of corners, the laws that are uniform on
    top
    options at each context: the reachable (E L, E R) are the hull of finitely many points, a convex polygon. *)
Definition adaptors_order_preserving_corners : Prop :=
  forall (T : tree) (q : weights), proper T -> order_preserving T q ->
  exists corners : list (R * (context -> nat)),
  (forall c k, In (c, k) corners -> 0 <= c /\ sizes T k) /\ sum corners fst = 1 /\
  forall y, In y (strings T) -> product q y = sum corners (fun ck => fst ck * product (top T (snd ck)) y).

(** automata.partition: the spectral radius of a non-negative matrix is below 1 iff its powers tend to 0. *)
Definition automata_partition_powers : Prop :=
  forall (n : nat) (M : nat -> nat -> R), (forall i j, (i < n)%nat -> (j < n)%nat -> 0 <= M i j) ->
  (radius_below_one n M <->
   forall i j, (i < n)%nat -> (j < n)%nat ->
   is_lim_seq (fun k => power n M (fun l => indicator (Nat.eq_dec l j)) k i) 0).

(** automata.moments: with N = (I - M)^-1, F = N e, F_x = N (M_x v + e_x) and F_xy = N (M_xy v + e_xy + M_x u_y + M_y
    u_x),
    where v = F, u_x = F_x and u_y = F_y. *)
Definition automata_moments_matrix : Prop :=
  forall (A : automaton) (w : nat -> token -> R) (e : nat -> R) (phi psi : nat -> token -> R) (phie psie : nat -> R)
  (N : nat -> nat -> R), closed A -> nonnegative A w e -> radius_below_one (states A) (matrix A w) ->
  (forall i j, (i < states A)%nat -> (j < states A)%nat ->
   N i j = indicator (Nat.eq_dec i j) + sum (seq 0 (states A)) (fun k => N i k * matrix A w k j)) ->
  let v := total_weight A w e in
  let u i := sum_over_strings A w e i (feature A phi phie i) in
  let u' i := sum_over_strings A w e i (feature A psi psie i) in
  forall i, (i < states A)%nat ->
  v i = times (states A) N e i /\
  u i = times (states A) N (marked A w e phi phie v) i /\
  sum_over_strings A w e i (fun y => feature A phi phie i y * feature A psi psie i y) =
  times (states A) N (fun j => marked A w e (fun i a => phi i a * psi i a) (fun i => phie i * psie i) v j
    + marked A w e phi (fun _ => 0) u' j + marked A w e psi (fun _ => 0) u j) i.

(** ** Letters that are independent, and a law that leaks *)

(** automata.critical-temperature: letters of a law l, and a string that goes on with probability a: a step of the
    global
    temperature 1 / tau weighs sum (a l)^tau, which is below 1 iff 1 / tau < 1 + log(1 / a) / H_tau, the Renyi
        entropy. *)
Definition automata_critical_temperature_letters : Prop :=
  forall (A : Type) (s : list A) (l : A -> R) (a tau : R), full s l -> (2 <= length s)%nat -> 0 < a < 1 -> 0 < tau <
      1 ->
  let renyi := ln (sum s (fun x => Rpower (l x) tau)) / (1 - tau) in
  let weight := sum s (fun x => Rpower (a * l x) tau) in
  0 < renyi /\ (weight < 1 <-> / tau < 1 + ln (/ a) / renyi) /\ (weight = 1 <-> / tau = 1 + ln (/ a) / renyi).

(** automata.critical-temperature: with one state the sum over all strings is finite iff that weight is below 1. *)
Definition automata_critical_temperature_one_state : Prop :=
  forall weight e : R, 0 <= weight -> 0 < e -> (ex_series (fun k => weight ^ k * e) <-> weight < 1).

(** the stop hazard after n letters, what local T = 1/2 makes of going on, and the probability of more than N letters *)
Definition hazard (n : nat) : R := / (INR n + 2).
Definition goes_on (n : nat) : R := (1 - hazard n) ^ 2 / ((1 - hazard n) ^ 2 + hazard n ^ 2).
Fixpoint longer (N : nat) : R := match N with O => goes_on O | S m => longer m * goes_on (S m) end.

(** automata.leak: with the stop hazard 1 / (n + 2) after n letters, local T = 1/2 goes on with probability
    (n + 1)^2 / ((n + 1)^2 + 1); the probability of more than N letters falls to a limit that is at least 1/4. *)
Definition automata_leak_quarter : Prop :=
  (forall n, goes_on n = (INR n + 1) ^ 2 / ((INR n + 1) ^ 2 + 1)) /\
  exists limit, is_lim_seq longer (Finite limit) /\ / 4 <= limit.

(** automata.leak: at T = 1 nothing leaks: the product of the continuing probabilities tends to 0. *)
Definition automata_leak_prior : Prop :=
  exists f : nat -> R, f O = 1 - hazard O /\ (forall n, f (S n) = f n * (1 - hazard (S n))) /\ is_lim_seq f 0.
