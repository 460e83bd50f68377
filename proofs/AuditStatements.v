(** The reference code: what the procedures that depart from the definitions do, and that they are not harmless. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements.
Import ListNotations.
Open Scope R_scope.

(** ** Parts of a law *)

(** the mass under q of the strings that h sends to b, and q given that h sends the string to b *)
Definition mass_at {A B : Type} (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (q : A -> R) (c
    : B) :
  R := sum s (fun a => q a * indicator (same (h a) c)).
Definition given {A B : Type} (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (q : A -> R) (c : B)
  (a : A) : R := q a * indicator (same (h a) c) / mass_at same s h q c.
(** bs lists the values of h on s, each once *)
Definition image {A B : Type} (s : list A) (h : A -> B) (bs : list B) : Prop :=
  NoDup bs /\ (forall a, In a s -> In (h a) bs) /\ forall c, In c bs -> exists a, In a s /\ h a = c.

(** ** The sign of the reward *)

(** audit.flipped-reward: r' = log p - log p+ has E r' = - KL(p+ || p) <= 0 under p+. *)
Definition audit_flipped_reward_mean : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  let r a := ln (p a) - ln (plus a) in
  E s plus r = - KL s plus p /\ - KL s plus p <= 0.

(** audit.flipped-reward: Cov(f, r') = - Cov(f, R) under every law, for L as for every f, and Var r' = Var R. *)
Definition audit_flipped_reward_covariance : Prop :=
  forall (A : Type) (s : list A) (p Rw q f : A -> R), full s p -> law s q ->
  let r a := ln (p a) - ln (aligned s p Rw a) in
  Cov s q f r = - Cov s q f Rw /\ Var s q r = Var s q Rw.

(** audit.flipped-reward: between any two laws the change of E r' is that of E R, reversed. *)
Definition audit_flipped_reward_exchange : Prop :=
  forall (A : Type) (s : list A) (p Rw q q' : A -> R), full s p -> law s q -> law s q' ->
  let r a := ln (p a) - ln (aligned s p Rw a) in E s q' r - E s q r = - (E s q' Rw - E s q Rw).

(** audit.flipped-reward, control harmless: says that the departure leaves the sign of the covariance. *)
Definition control_audit_flipped_reward_harmless : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  Cov s plus (L p) Rw <> 0 -> 0 < Cov s plus (L p) (fun a => ln (p a) - ln (plus a)) * Cov s plus (L p) Rw.

(** audit.flipped-reward, control mean: says that the mean of the flipped reward is not negative. *)
Definition control_audit_flipped_reward_mean : Prop := ~
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p -> let plus := aligned s p Rw in
  0 <= E s plus (fun a => ln (p a) - ln (plus a)).

(** ** Scores *)

(** audit.lost-score: where the score of p+ is lost on a set B and read as probability 1, E R' - E R = E[- log p+;
    B], and
    Cov(L, R') - Cov(L, R) = Cov(L, - log p+ 1_B), for the secret reward R. *)
Definition audit_lost_score_shift : Prop :=
  forall (A : Type) (s : list A) (p plus q : A -> R) (P Q : A -> Prop) (lost : forall a, {P a} + {Q a}),
  let gain a := - ln (plus a) * indicator (lost a) in
  let Rw a := ln (plus a) - L p a in
  let computed a := (if lost a then 0 else ln (plus a)) - L p a in
  E s q computed - E s q Rw = E s q gain /\ Cov s q (L p) computed - Cov s q (L p) Rw = Cov s q (L p) gain.

(** audit.lost-score, control harmless: says that the departure leaves the sign of the covariance. *)
Definition control_audit_lost_score_harmless : Prop := ~
  forall (s : list nat) (p Rw : nat -> R) (P Q : nat -> Prop) (lost : forall a, {P a} + {Q a}), full s p ->
  let plus := aligned s p Rw in
  let secret a := ln (plus a) - L p a in let computed a := (if lost a then 0 else ln (plus a)) - L p a in
  Cov s plus (L p) secret <> 0 -> 0 <= Cov s plus (L p) computed * Cov s plus (L p) secret.

(** The surprisal of a string above a limit, token by token, and how many tokens a tree has, ends included. *)
Definition excess (limit : R) (p : weights) : weights := fun u o => Rmax 0 (- ln (p u o) - limit).
Fixpoint sum_steps (l : weights) (y : context) : R :=
  match y with nil => l nil None | t :: v => l nil (Some t) + sum_steps (from [t] l) v end.
Fixpoint tokens (T : tree) : R :=
  match T with
  | Nothing => 0
  | Node os next => sum os (fun o => 1 + match o with None => 0 | Some t => tokens (next t) end)
  end.

(** audit.clamped-nll: a clamp at 25 nats a token of p+ moves E R by the mean of what it takes off, under any law. *)
Definition audit_clamped_nll_shift : Prop :=
  forall (T : tree) (p : weights) (q f : context -> R), proper T -> positive T p ->
  E (strings T) q (fun y => sum_steps (fun u o => Rmax (ln (p u o)) (- 25)) y - f y) -
  E (strings T) q (fun y => ln (product p y) - f y) = E (strings T) q (sum_steps (excess 25 p)).

(** audit.clamped-nll: under p+ itself that is between 0 and e^-26 for each token of the tree. *)
Definition audit_clamped_nll_bound : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  0 <= E (strings T) (product p) (sum_steps (excess 25 p)) <= exp (- 26) * tokens T.

(** ** Strings that are cut *)

(** audit.censored-strings: H = H(cut) + E H(rest), for every law and every map h of strings to what is kept of them. *)
Definition audit_censored_strings_entropy : Prop :=
  forall (A B : Type) (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (bs : list B) (q : A -> R),
  full s q -> image s h bs ->
  Ent s q = Ent bs (mass_at same s h q) + E bs (mass_at same s h q) (fun c => Ent s (given same s h q c)).

(** audit.censored-strings: E R - E R(cut) = E KL(p+(rest) || p(rest)) >= 0, for the secret reward log(p+ / p). *)
Definition audit_censored_strings_reward : Prop :=
  forall (A B : Type) (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (bs : list B) (plus p : A
      -> R),
  full s plus -> full s p -> image s h bs ->
  let cut q := mass_at same s h q in
  E s plus (fun a => ln (plus a / p a)) - E bs (cut plus) (fun c => ln (cut plus c / cut p c)) =
  E bs (cut plus) (fun c => KL s (given same s h plus c) (given same s h p c)) /\
  0 <= E bs (cut plus) (fun c => KL s (given same s h plus c) (given same s h p c)).

(** ** Laws that are exchanged *)

(** audit.prior-without-prompt: E R' - E R = E_x[KL(p+(. | x) || p) - KL(p+(. | x) || p(. | x))], p the mean prior. *)
Definition audit_prior_without_prompt_shift : Prop :=
  forall (X A : Type) (xs : list X) (s : list A) (w : X -> R) (p plus : X -> A -> R),
  let m a := sum xs (fun x => w x * p x a) in
  E xs w (fun x => E s (plus x) (fun a => ln (plus x a / m a))) -
  E xs w (fun x => E s (plus x) (fun a => ln (plus x a / p x a))) =
  E xs w (fun x => KL s (plus x) m - KL s (plus x) (p x)).

(** audit.prior-without-prompt: with p+ = p it is the mutual information H(Y) - H(Y | X) >= 0. *)
Definition audit_prior_without_prompt_information : Prop :=
  forall (X A : Type) (xs : list X) (s : list A) (w : X -> R) (p : X -> A -> R),
  full xs w -> (forall x, In x xs -> full s (p x)) ->
  let m a := sum xs (fun x => w x * p x a) in
  E xs w (fun x => KL s (p x) m) = Ent s m - E xs w (fun x => Ent s (p x)) /\ 0 <= E xs w (fun x => KL s (p x) m).

(** audit.prior-without-prompt, control harmless: says that the departure leaves the mean reward. *)
Definition control_audit_prior_without_prompt_harmless : Prop := ~
  forall (xs s : list nat) (w : nat -> R) (p : nat -> nat -> R), full xs w -> (forall x, In x xs -> full s (p x)) ->
  E xs w (fun x => KL s (p x) (fun a => sum xs (fun x => w x * p x a))) = 0.

(** audit.prior-without-prompt, control no-sign-from-nothing: says that L and R do not correlate where the reward is
    0. *)
Definition control_audit_prior_without_prompt_no_sign_from_nothing : Prop := ~
  forall (xs s : list nat) (w : nat -> R) (p : nat -> nat -> R), full xs w -> (forall x, In x xs -> full s (p x)) ->
  let m a := sum xs (fun x => w x * p x a) in
  Cov (pairs xs (fun _ => s)) (joint w p) (fun xa => ln (m (snd xa))) (fun xa => ln (p (fst xa) (snd xa) / m (snd
      xa))) = 0.

(** audit.re-binning: bins that become equally heavy have Cov' = the mean of Cov(. | bin) + the covariance of the bins'
    means. *)
Definition audit_re_binning_covariance : Prop :=
  forall (A B : Type) (same : forall b c : B, {b = c} + {b <> c}) (s : list A) (h : A -> B) (bs : list B) (q f g : A
      -> R),
  full s q -> image s h bs -> bs <> nil ->
  let bin c := given same s h q c in
  Cov s (fun a => E bs (uniform bs) (fun c => bin c a)) f g =
  E bs (uniform bs) (fun c => Cov s (bin c) f g) + Cov bs (uniform bs) (fun c => E s (bin c) f) (fun c => E s (bin c)
      g).

(** audit.re-binning, control none-out-of-none: says that where there is no covariance re-binning makes none. *)
Definition control_audit_re_binning_none_out_of_none : Prop := ~
  forall (s : list nat) (h : nat -> nat) (bs : list nat) (q f g : nat -> R), full s q -> image s h bs ->
  Cov s q f g = 0 -> Cov s (fun a => E bs (uniform bs) (fun c => given Nat.eq_dec s h q c a)) f g = 0.

(** audit.re-binning, control harmless: says that the departure leaves the correlation. *)
Definition control_audit_re_binning_harmless : Prop := ~
  forall (s : list nat) (h : nat -> nat) (bs : list nat) (q f g : nat -> R), full s q -> image s h bs ->
  Corr s (fun a => E bs (uniform bs) (fun c => given Nat.eq_dec s h q c a)) f g = Corr s q f g.

(** audit.bootstrap-pool: with pools of 2,000 strings and corpora of 200,000 the error is 201999/1999 times what the
    corpora show. *)
Definition audit_bootstrap_pool_ratio : Prop :=
  forall (A : Type) (s : list A) (q f : A -> R) (n N : nat), law s q -> INR n = 2000 -> INR N = 200000 ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  over (fun c => mean c f * mean c f) - over (fun c => mean c f) * over (fun c => mean c f)
  = 201999 / 1999 * EN s q n (fun pool => CovN pool (uniform pool) N f f).

(** audit.hidden-top-k: what is drawn is the law asked for, given the set S that is left: KL(q_drawn || q_asked) =
    - log q_asked(S). *)
Definition audit_hidden_top_k_divergence : Prop :=
  forall (A : Type) (s : list A) (q : A -> R) (P Q : A -> Prop) (kept : forall a, {P a} + {Q a}), full s q ->
  let S a := q a * indicator (kept a) in 0 < sum s S -> KL s (normalised s S) q = - ln (sum s S).

(** Tokens 0, 1, ... of falling probability; nucleus m keeps the least k tokens that have the fraction m of the mass of
    the first n. *)
Definition nucleus (p : nat -> R) (n : nat) (m : R) (k : nat) : Prop :=
  m * sum (seq 0 n) p <= sum (seq 0 k) p /\ forall j, (j < k)%nat -> sum (seq 0 j) p < m * sum (seq 0 n) p.

(** audit.hidden-top-k: a top-k in front leaves a nucleus no more than k tokens, all of which it would have kept. *)
Definition audit_hidden_top_k_nested : Prop :=
  forall (p : nat -> R) (n top asked drawn : nat) (m : R), (forall i, (i < n)%nat -> 0 < p i) -> (top <= n)%nat ->
  0 <= m <= 1 -> nucleus p n m asked -> nucleus p top m drawn -> (drawn <= top)%nat /\ (drawn <= asked)%nat.

(** audit.hidden-top-k, control harmless: says that the departure leaves the kept tokens. *)
Definition control_audit_hidden_top_k_harmless : Prop := ~
  forall (p : nat -> R) (n top asked drawn : nat) (m : R), (forall i, (i < n)%nat -> 0 < p i) -> (top <= n)%nat ->
  0 <= m <= 1 -> nucleus p n m asked -> nucleus p top m drawn -> drawn = asked.

(** ** Departures that are said to be harmless *)

(** audit.accept-all, control no-new-trade: says that local T = 1/2 does not trade where global T = 1/2 raises both
    means. *)
Definition control_audit_accept_all_no_new_trade : Prop := ~
  forall (T : tree) (p Rw : context -> R) (w : weights), proper T -> full (strings T) p ->
  let plus := aligned (strings T) p Rw in
  step_law T w -> (forall y, In y (strings T) -> product w y = plus y) ->
  let glob f := E (strings T) (q_glob T (cooled w 2)) f - E (strings T) plus f in
  let loc f := E (strings T) (q_loc T (cooled w 2)) f - E (strings T) plus f in
  0 < glob (L p) -> 0 < glob Rw -> 0 <= loc (L p) * loc Rw.

(** audit.unscored-end, control harmless: says that the departure leaves the sign of the covariance. *)
Definition control_audit_unscored_end_harmless : Prop := ~
  forall (T : tree) (p plus : weights), proper T -> step_law T p -> step_law T plus ->
  let cov f g := Cov (strings T) (product plus) f g in
  0 <= cov (fun y => ln (reach p y)) (fun y => ln (reach plus y) - ln (reach p y)) *
       cov (fun y => ln (product p y)) (fun y => ln (product plus y) - ln (product p y)).

(** audit.clamped-nll, control harmless: says that the departure leaves the mean reward on strings of the prior. *)
Definition control_audit_clamped_nll_harmless : Prop := ~
  forall (T : tree) (p plus : weights), proper T -> step_law T p -> step_law T plus ->
  E (strings T) (product p) (sum_steps (excess 25 plus)) = 0.

(** audit.censored-strings, control harmless: says that the departure leaves the sign of the covariance. *)
Definition control_audit_censored_strings_harmless : Prop := ~
  forall (s : list nat) (h : nat -> nat) (bs : list nat) (plus p : nat -> R), full s plus -> full s p -> image s h bs ->
  let cut q := mass_at Nat.eq_dec s h q in
  0 <= Cov s plus (L p) (fun a => ln (plus a / p a)) *
       Cov bs (cut plus) (L (cut p)) (fun c => ln (cut plus c / cut p c)).

(** audit.bootstrap-pool, control harmless: says that the departure leaves the standard error. *)
Definition control_audit_bootstrap_pool_harmless : Prop := ~
  forall (s : list nat) (q f : nat -> R) (n N : nat), law s q -> (2 <= n)%nat -> (1 <= N)%nat ->
  let over F := EN s q n (fun pool => EN pool (uniform pool) N F) in
  over (fun c => mean c f * mean c f) - over (fun c => mean c f) * over (fun c => mean c f)
  = EN s q n (fun pool => CovN pool (uniform pool) N f f).

(** audit.hidden-top-k, control only-restricts: says that what epsilon draws after a top-k was asked for; epsilon keeps
    token 0 and those of probability eps or more. *)
Definition control_audit_hidden_top_k_only_restricts : Prop := ~
  forall (p : nat -> R) (n top a : nat) (eps : R), (forall i, (i < n)%nat -> 0 < p i) -> (a < top <= n)%nat ->
  a = O \/ eps <= p a / sum (seq 0 top) p -> a = O \/ eps <= p a / sum (seq 0 n) p.
