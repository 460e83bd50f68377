(** Clauses on single models, and on what follows of them for every model: statements, nothing else. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements.
Import ListNotations.
Open Scope R_scope.

(** a function of the strings 0, 1, ... by its values *)
Definition entries (l : list R) (a : nat) : R := nth a l 0.

(** ** alignment.strength *)

(** alignment.strength: on two strings E L moves one way as lambda grows, or stays. *)
Definition alignment_strength_two_strings : Prop :=
  forall (A : Type) (a y : A) (p r : A -> R), full [a; y] p ->
  let EL l := E [a; y] (strength [a; y] p r l) (L p) in
  (forall l l', l <= l' -> EL l <= EL l') \/ (forall l l', l <= l' -> EL l' <= EL l).

(** alignment.strength: on p = (1, 4, 2)/7, r = (0, 1, 2) E L rises up to e^lambda = (1 + sqrt 17)/4, which is after
    lambda = 0, and falls from there on. *)
Definition alignment_strength_rises_and_falls : Prop :=
  let s := [0; 1; 2]%nat in let p := entries [1 / 7; 4 / 7; 2 / 7] in let r := entries [0; 1; 2] in
  let EL l := E s (strength s p r l) (L p) in let turn := ln ((1 + sqrt 17) / 4) in
  full s p /\ 0 < turn /\ (forall l l', l < l' -> l' <= turn -> EL l < EL l') /\
  (forall l l', turn <= l -> l < l' -> EL l' < EL l).

(** ** simpson.crossing *)

(** simpson.crossing: W / N + B takes both signs, in either order, iff N* = - W / B > 1; with B = 0 it never does. *)
Definition simpson_crossing_both_signs : Prop :=
  forall W B : R,
  let both := exists m n : nat, (1 <= m)%nat /\ (1 <= n)%nat /\ 0 < W / INR m + B /\ W / INR n + B < 0 in
  (B <> 0 -> (both <-> 1 < - W / B)) /\ (B = 0 -> ~ both).

(** simpson.crossing: if N* > 1 then W / N + B has the sign of W below N* and that of B above, and is 0 at N*: from + to
    - if W > 0 > B, from - to + if W < 0 < B, and no other case is left. *)
Definition simpson_crossing_either_way : Prop :=
  forall W B : R, B <> 0 -> 1 < - W / B ->
  (B < 0 < W \/ W < 0 < B) /\
  (B < 0 < W -> forall N, 0 < N -> (N < - W / B -> 0 < W / N + B) /\ (N = - W / B -> W / N + B = 0) /\
   (- W / B < N -> W / N + B < 0)) /\
  (W < 0 < B -> forall N, 0 < N -> (N < - W / B -> W / N + B < 0) /\ (N = - W / B -> W / N + B = 0) /\
   (- W / B < N -> 0 < W / N + B)).

(** The tree a(1 2), b(1): the tokens a, b are 0, 1 and the tokens 1, 2 are 0, 1. *)
Definition stop : tree := Node [None] (fun _ => Nothing).
Definition reversing : tree :=
  Node [Some 0; Some 1]%nat (fun t => match t with
    | O => Node [Some 0; Some 1]%nat (fun _ => stop)
    | _ => Node [Some 0]%nat (fun _ => stop) end).
(** p = (1, 2, 2)/5 and e^R = (3, 3, 4), in the order of its strings. *)
Definition reversing_p (y : context) : R := match y with (0 :: 0 :: _)%nat => 1 / 5 | _ => 2 / 5 end.
Definition reversing_R (y : context) : R := match y with (0 :: _)%nat => ln 3 | _ => ln 4 end.

(** simpson.crossing: on that tree corpora each from p+ or from its local temperature 1/2, with probability 1/2, have
    Cov(Lbar, Rbar) < 0 exactly from N = 140 on, although both laws have Cov(L, R) > 0. *)
Definition simpson_crossing_reversal : Prop :=
  let s := strings reversing in let plus := aligned s reversing_p reversing_R in
  full s reversing_p /\
  forall w : weights, step_law reversing w -> (forall y, In y s -> product w y = plus y) ->
  let q (cool : bool) := if cool then q_loc reversing (cooled w 2) else plus in
  (forall cool, 0 < Cov s (q cool) (L reversing_p) reversing_R) /\
  forall N : nat, (1 <= N)%nat ->
  (CovM s [false; true] (fun _ => / 2) q N (L reversing_p) reversing_R < 0 <-> (140 <= N)%nat).

(** ** adaptors.none *)

(** p+ given the strings that are kept *)
Definition kept_law {A : Type} (s : list A) (q : A -> R) (keep : A -> bool) : A -> R :=
  normalised s (fun a => if keep a then q a else 0).

(** adaptors.none: on C1, p = e^R = (1, 2, 4), and on C3, e^R = (1, 2, 3), no global temperature trades E L for E R, and
    no truncation does, whichever strings it keeps. *)
Definition adaptors_none_alone : Prop :=
  let s := [0; 1; 2]%nat in let p a := 2 ^ a / 7 in
  forall Rw : nat -> R, (forall a, Rw a = ln (2 ^ a)) \/ (forall a, Rw a = ln (INR a + 1)) ->
  let plus := aligned s p Rw in
  let gains q := (E s q (L p) - E s plus (L p)) * (E s q Rw - E s plus Rw) in
  (forall tau, 0 < tau -> 0 <= gains (tempered s plus tau)) /\
  (forall keep, (exists a, In a s /\ keep a = true) -> 0 <= gains (kept_law s plus keep)).

(** adaptors.none: on C3 the two most probable strings, at T = 2, have a smaller E L than p+ and a larger E R. *)
Definition adaptors_none_together : Prop :=
  let s := [0; 1; 2]%nat in let p a := 2 ^ a / 7 in let Rw a := ln (INR a + 1) in
  let plus := aligned s p Rw in let top2 := kept_law s plus (fun a => Nat.leb 1 a) in
  let q := normalised s (fun a => if Nat.leb 1 a then Rpower (top2 a) (/ 2) else 0) in
  plus 0%nat < plus 1%nat < plus 2%nat /\
  E s q (L p) < E s plus (L p) /\ E s plus Rw < E s q Rw.

(** ** alignment.controlled-decoding: scorers *)

(** each token in proportion to p(t | u) e^(E_p[R | u t]): the mean scorer *)
Definition mean_scored (T : tree) (p : weights) (Rw : context -> R) : weights :=
  fun u o => p u o * exp (ahead_of T p Rw u o).
Definition constant_on {A : Type} (s : list A) (f : A -> R) : Prop := exists c, forall a, In a s -> f a = c.

(** alignment.controlled-decoding: E R - KL(q || p) of the mean scorer's law q is at most log Z, with equality exactly
    if q is p+, and p+ itself reaches log Z. *)
Definition alignment_controlled_decoding_objective : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R), proper T -> step_law T p ->
  let s := strings T in let q := q_loc T (mean_scored T p Rw) in let plus := aligned s (product p) Rw in
  let objective q := E s q Rw - KL s q (product p) in let top := ln (Z s (product p) Rw) in
  objective q <= top /\ (objective q = top <-> forall y, In y s -> q y = plus y) /\ objective plus = top.

(** alignment.controlled-decoding: the mean scorer earns at least what p earns, and more unless R is constant, when its
    law is p. *)
Definition alignment_controlled_decoding_mean_gains : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R), proper T -> step_law T p ->
  let s := strings T in let q := q_loc T (mean_scored T p Rw) in
  E s (product p) Rw <= E s q Rw /\
  (~ constant_on s Rw -> E s (product p) Rw < E s q Rw) /\
  (constant_on s Rw -> forall y, In y s -> q y = product p y).

(** ** alignment.realignment *)

(** by tokens: p(t | u)^(1 - l) p+(t | u)^l at each context *)
Definition realigned (T : tree) (p : weights) (Rw : context -> R) (l : R) : weights :=
  fun u o => Rpower (p u o) (1 - l) * Rpower (doob T p (fun y => exp (Rw y)) u o) l.
Definition by_tokens (T : tree) (p : weights) (Rw : context -> R) (l : R) : context -> R :=
  q_loc T (realigned T p Rw l).
(** by strings: p^(1 - l) p+^l, normalised *)
Definition by_strings {A : Type} (s : list A) (p Rw : A -> R) (l : R) : A -> R :=
  normalised s (fun a => Rpower (p a) (1 - l) * Rpower (aligned s p Rw a) l).

(** alignment.realignment: by strings the law is p e^(l R), normalised, and the expected reward grows with l, strictly
    unless R is constant. *)
Definition alignment_realignment_strings_grow : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R), full s p ->
  (forall l a, In a s -> by_strings s p Rw l a = strength s p Rw l a) /\
  (forall l l', l <= l' -> E s (by_strings s p Rw l) Rw <= E s (by_strings s p Rw l') Rw) /\
  (~ constant_on s Rw -> forall l l', l < l' -> E s (by_strings s p Rw l) Rw < E s (by_strings s p Rw l') Rw).

(** alignment.realignment: it tends to the largest reward as l grows, and is within 1 / (l p(best)) of it. *)
Definition alignment_realignment_strings_limit : Prop :=
  forall (A : Type) (s : list A) (p Rw : A -> R) (best : A), full s p -> In best s ->
  (forall a, In a s -> Rw a <= Rw best) ->
  (forall l, 0 < l -> Rw best - 1 / (l * p best) <= E s (by_strings s p Rw l) Rw <= Rw best) /\
  is_lim (fun l => E s (by_strings s p Rw l) Rw) p_infty (Rw best).

(** alignment.realignment: by tokens as by strings the law is p at l = 0 and p+ at l = 1. *)
Definition alignment_realignment_same_ends : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R), proper T -> step_law T p ->
  let s := strings T in forall y, In y s ->
  by_tokens T p Rw 0 y = product p y /\ by_strings s (product p) Rw 0 y = product p y /\
  by_tokens T p Rw 1 y = aligned s (product p) Rw y /\
  by_strings s (product p) Rw 1 y = aligned s (product p) Rw y.

(** alignment.realignment: the two laws agree at every l where strings are single tokens. *)
Definition alignment_realignment_same_single : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R) (l : R), proper T -> step_law T p ->
  (forall t, In (Some t) (options T) -> options (after T t) = [None]) ->
  forall y, In y (strings T) -> by_tokens T p Rw l y = by_strings (strings T) (product p) Rw l y.

(** alignment.realignment: for l >= 1 realigning by tokens earns log Z or more, and so at least what p earns; strictly
    more than either unless R is constant. *)
Definition alignment_realignment_floor : Prop :=
  forall (T : tree) (p : weights) (Rw : context -> R) (l : R), proper T -> step_law T p -> 1 <= l ->
  let s := strings T in let earns := E s (by_tokens T p Rw l) Rw in let logZ := ln (Z s (product p) Rw) in
  E s (product p) Rw <= logZ <= earns /\
  (~ constant_on s Rw -> logZ < earns /\ E s (product p) Rw < earns).

(** ** Trees of three strings, and C2 *)

(** [. [. .]]: one string of one token, and two that share their first; the strings weigh a, b and c. *)
Definition branched : tree :=
  Node [Some 0; Some 1]%nat (fun t => match t with O => stop | _ => Node [Some 0; Some 1]%nat (fun _ => stop) end).
Definition branch_w (a b c : R) : weights := fun u o =>
  match u, o with
  | nil, Some O => a / (a + b + c)
  | nil, Some _ => (b + c) / (a + b + c)
  | [S _], Some O => b / (b + c)
  | [S _], Some _ => c / (b + c)
  | _, _ => 1
  end.
Definition branch_R (x y z : R) : context -> R := fun v =>
  match v with (O :: _)%nat => ln x | (_ :: O :: _)%nat => ln y | _ => ln z end.
(** a number as it is printed, rounded *)
Definition near (x printed unit : R) : Prop := Rabs (x - printed) <= unit / 2.

(** alignment.controlled-decoding: on [. [. .]] with p = (1, 1, 1), e^R = (3, 1, 4) the mean scorer earns 1.104568 nats,
    less than the 1.105127 of p+, and costs .12976, more than .12430. *)
Definition alignment_controlled_decoding_mean_may_lose : Prop :=
  let s := strings branched in let p := branch_w 1 1 1 in let Rw := branch_R 3 1 4 in
  let q := q_loc branched (mean_scored branched p Rw) in let plus := aligned s (product p) Rw in
  proper branched /\ step_law branched p /\ E s q Rw < E s plus Rw /\ KL s plus (product p) < KL s q (product p) /\
  near (E s q Rw) 1.104568 0.000001 /\ near (E s plus Rw) 1.105127 0.000001 /\
  near (KL s q (product p)) 0.12976 0.00001 /\ near (KL s plus (product p)) 0.12430 0.00001.

(** alignment.realignment: on [. [. .]] with p = (3, 1, 2), e^R = (4, 7, 1) E R is 1.441, 1.560 and 1.386 at l = 1,
    2 and
    64: it rises and then falls. *)
Definition alignment_realignment_not_monotone : Prop :=
  let s := strings branched in let p := branch_w 3 1 2 in let Rw := branch_R 4 7 1 in
  let earns l := E s (by_tokens branched p Rw l) Rw in
  proper branched /\ step_law branched p /\ earns 1 < earns 2 /\ earns 64 < earns 1 /\
  near (earns 1) 1.441 0.001 /\ near (earns 2) 1.560 0.001 /\ near (earns 64) 1.386 0.001.

(** alignment.realignment: on [. [. .]] with p = (1001, 1000, 1), e^R = (300, 1, 477000) E R is 2.810 nats at l =
    1/10 and
    2.858 at l = 0, where the law is p. *)
Definition alignment_realignment_below_p : Prop :=
  let s := strings branched in let p := branch_w 1001 1000 1 in let Rw := branch_R 300 1 477000 in
  let earns l := E s (by_tokens branched p Rw l) Rw in
  proper branched /\ step_law branched p /\ earns 0 = E s (product p) Rw /\ earns (/ 10) < earns 0 /\
  near (earns (/ 10)) 2.810 0.001 /\ near (earns 0) 2.858 0.001.

(** adaptors.local-entropy: on [. [. .]] with p+ = (3, 2, 2)/7, where the last two strings share their first token,
    local
    T = 1/2 takes H from 1.079 up to 1.097 nats, and global T = 1/2 down to 1.018. *)
Definition adaptors_local_entropy_example : Prop :=
  let s := strings branched in let plus := branch_w 3 2 2 in
  let H q := Ent s q in let cool := cooled plus 2 in
  proper branched /\ step_law branched plus /\
  H (q_glob branched cool) < H (product plus) < H (q_loc branched cool) /\
  near (H (product plus)) 1.079 0.001 /\ near (H (q_loc branched cool)) 1.097 0.001 /\
  near (H (q_glob branched cool)) 1.018 0.001.

(** C2: token a, then one of four, or token b; a, b are 0, 1. *)
Definition C2 : tree :=
  Node [Some 0; Some 1]%nat (fun t => match t with O => Node (map Some (seq 0 4)) (fun _ => stop) | _ => stop end).
(** weights of a string: a and one of the four, or b *)
Definition C2_w (a b : R) : weights := fun u o =>
  match u, o with
  | nil, Some O => 4 * a / (4 * a + b)
  | nil, Some _ => b / (4 * a + b)
  | [O], Some _ => 1 / 4
  | _, _ => 1
  end.
Definition C2_R (y : context) : R := match y with (O :: _)%nat => ln 2 | _ => ln 3 end.
(** p = (2, 2, 2, 2, 3)/11, p+ = (4, 4, 4, 4, 9)/25 *)
Definition C2_p : weights := C2_w 2 3.
Definition C2_plus : weights := C2_w 4 9.

(** adaptors.truncation: on C2, p+ = (4, 4, 4, 4, 9)/25, keeping the most probable token of each context, a and then one
    of four equal ones, lowers E L + E R. *)
Definition adaptors_truncation_tokens : Prop :=
  let s := strings C2 in
  proper C2 /\ step_law C2 C2_p /\ step_law C2 C2_plus /\
  (forall y, In y s -> product C2_plus y = aligned s (product C2_p) C2_R y) /\
  (forall u o o', context_of C2 u -> In o (options (subtree C2 u)) -> top C2 (fun _ => 1%nat) u o = 1 ->
   In o' (options (subtree C2 u)) -> C2_plus u o' <= C2_plus u o) /\
  let q := product (top C2 (fun _ => 1%nat)) in
  law s q /\
  E s q (L (product C2_p)) + E s q C2_R < E s (product C2_plus) (L (product C2_p)) + E s (product C2_plus) C2_R.

(** adaptors.local-global: on C2 global T = 1/2 raises E L and E R, and local T = 1/2 lowers both. *)
Definition adaptors_local_global_opposite : Prop :=
  let s := strings C2 in let m q := (E s q (L (product C2_p)), E s q C2_R) in
  let plus := m (product C2_plus) in
  let glob := m (q_glob C2 (cooled C2_plus 2)) in let loc := m (q_loc C2 (cooled C2_plus 2)) in
  (forall y, In y s -> product C2_plus y = aligned s (product C2_p) C2_R y) /\
  fst plus < fst glob /\ snd plus < snd glob /\ fst loc < fst plus /\ snd loc < snd plus.

(** [[. .] .] *)
Definition branched_first : tree :=
  Node [Some 0; Some 1]%nat (fun t => match t with O => Node [Some 0; Some 1]%nat (fun _ => stop) | _ => stop end).
Definition first_w (a b c : R) : weights := fun u o =>
  match u, o with
  | nil, Some O => (a + b) / (a + b + c)
  | nil, Some _ => c / (a + b + c)
  | [O], Some O => a / (a + b)
  | [O], Some _ => b / (a + b)
  | _, _ => 1
  end.
Definition first_R (x y z : R) : context -> R := fun v =>
  match v with (O :: O :: _)%nat => ln x | (O :: _)%nat => ln y | _ => ln z end.

(** adaptors.local-global: on [[. .] .] with p = (1, 2, 1), e^R = (2, 1, 3) the direction of the exchange turns: global
    T = 1/2 lowers E L and raises E R, and local T = 1/2 raises E L and lowers E R. *)
Definition adaptors_local_global_turned : Prop :=
  let s := strings branched_first in let p := first_w 1 2 1 in let Rw := first_R 2 1 3 in let w := first_w 2 2 3 in
  let m q := (E s q (L (product p)), E s q Rw) in let plus := m (product w) in
  let glob := m (q_glob branched_first (cooled w 2)) in let loc := m (q_loc branched_first (cooled w 2)) in
  proper branched_first /\ step_law branched_first p /\ step_law branched_first w /\
  (forall y, In y s -> product w y = aligned s (product p) Rw y) /\
  fst glob < fst plus /\ snd plus < snd glob /\ fst plus < fst loc /\ snd loc < snd plus.

(** adaptors.local-global: the entropies met along the string sum to H on average. *)
Definition adaptors_local_global_chain_rule : Prop :=
  forall (T : tree) (p : weights), proper T -> step_law T p ->
  E (strings T) (product p) (along (next_entropy T p)) = Ent (strings T) (product p).

(** adaptors.gauge: where the end is not scored, by a factor 1 and a weight 1 at contexts that can only end, strings
    that
    differ only in their last decision, o or o' at u, keep the ratio of their weights under every factor. *)
Definition adaptors_gauge_unscored : Prop :=
  forall (T : tree) (w : weights) (gamma : context -> R) (u : context) (o o' : option token),
  proper T -> positive T w -> factor T gamma -> context_of T u ->
  (forall v, context_of T v -> options (subtree T v) = [None] -> gamma v = 1 /\ w v None = 1) ->
  let decided o := In o (options (subtree T u)) /\
    match o with None => True | Some t => options (subtree T (u ++ [t])) = [None] end in
  let y o := match o with None => u | Some t => u ++ [t] end in
  decided o -> decided o' ->
  q_glob T (gauged gamma w) (y o) / q_glob T (gauged gamma w) (y o') = w u o / w u o'.
