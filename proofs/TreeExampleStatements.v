(** Clauses on the backward programme and on strings of independent letters: statements, nothing else. *)

Require Import Reals List Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements ExampleStatements.
Import ListNotations.
Open Scope R_scope.

(** ** adaptors.order-preserving *)

(** the contexts of a tree, from the empty one to the strings *)
Fixpoint contexts (T : tree) : list context :=
  match T with
  | Nothing => nil
  | Node os next => nil :: flat_map (fun o => match o with None => nil | Some t => map (cons t) (contexts (next t))
      end) os
  end.
(** V at a context, V of an option of it, and the mean of V over its top j options *)
Definition V_at (T : tree) (f : context -> R) (u : context) : R := V (subtree T u) (from u f).
Definition V_of (T : tree) (f : context -> R) (u : context) (o : option token) : R :=
  match o with None => f u | Some t => V_at T f (u ++ [t]) end.
Definition V_top (T : tree) (f : context -> R) (u : context) (j : nat) : R :=
  sum (firstn j (options (subtree T u))) (V_of T f u) / INR j.
(** q_j - q_(j+1): how much more rank j has than the next, the last rank more than 0 *)
Definition drop (T : tree) (q : weights) (u : context) (j : nat) : R :=
  let ranks := map (q u) (options (subtree T u)) in nth (j - 1) ranks 0 - nth j ranks 0.

(** adaptors.order-preserving: a law q that keeps the order loses V(root) - E_q f = the sum over contexts u and
    ranks j of
    q(u) j (q_j - q_(j+1)) [V(u) - mean of V over the top j], and none of these terms is negative. *)
Definition adaptors_order_preserving_programme : Prop :=
  forall (T : tree) (q : weights) (f : context -> R), proper T -> order_preserving T q ->
  let term u j := reach q u * (INR j * drop T q u j * (V_at T f u - V_top T f u j)) in
  let ranks u := seq 1 (length (options (subtree T u))) in
  V T f - E (strings T) (product q) f = sum (contexts T) (fun u => sum (ranks u) (term u)) /\
  (forall u j, In u (contexts T) -> In j (ranks u) -> 0 <= term u j) /\
  (forall u, In u (contexts T) <-> context_of T u).

(** ** automata.critical-temperature *)

(** Independent letters: the string goes on with probability a whatever came before, the next letter has the law pi. *)
Definition letters_automaton (ls : list token) : automaton := Automaton 1 (fun _ => ls) (fun _ _ => 0%nat).
Definition letters_weight (pi : token -> R) (a : R) : context -> R :=
  word_weight (letters_automaton nil) (fun _ t => a * pi t) (fun _ => 1 - a) 0%nat.
(** p^(1/T) has a finite normaliser: the sum over all strings converges *)
Definition normalises (ls : list token) (pi : token -> R) (a T : R) : Prop :=
  ex_series (fun k => sum (words (letters_automaton ls) k 0%nat) (fun y => Rpower (letters_weight pi a y) (1 / T))).
(** the Renyi entropy of order c *)
Definition renyi (ls : list token) (pi : token -> R) (c : R) : R :=
  ln (sum ls (fun t => Rpower (pi t) c)) / (1 - c).

(** automata.critical-temperature: with two letters or more there is a T_c > 1 below which exactly p^(1/T)
    normalises, and
    T_c = 1 + log(1/a) / H_(1/T_c)(letters), H the Renyi entropy. *)
Definition automata_critical_temperature_exact : Prop :=
  forall (ls : list token) (pi : token -> R) (a : R), full ls pi -> (2 <= length ls)%nat -> 0 < a < 1 ->
  exists Tc, 1 < Tc /\ (forall T, 0 < T -> (normalises ls pi a T <-> T < Tc)) /\
  Tc = 1 + ln (1 / a) / renyi ls pi (1 / Tc).

(** automata.critical-temperature: for m equally likely letters T_c = 1 - log a / log m, 1.00097 for m = 32,000 and
    a = .99. *)
Definition automata_critical_temperature_uniform : Prop :=
  (forall (ls : list token) (a T : R), (2 <= length ls)%nat -> 0 < a < 1 -> 0 < T ->
   (normalises ls (uniform ls) a T <-> T < 1 - ln a / ln (INR (length ls)))) /\
  near (1 - ln 0.99 / ln 32000) 1.00097 0.00001.

(** ** automata.leak *)

(** automata.leak: letters of one kind, where the string ends with probability 1/(n + 2) after n of them, are more
    than n
    with probability 1/(n + 2), which tends to 0: that law loses nothing. *)
Definition automata_leak_law : Prop :=
  let goes_on n := 1 - / INR (n + 2) in
  let longer := fix longer (n : nat) : R := match n with O => goes_on O | S m => longer m * goes_on n end in
  (forall n, longer n = / INR (n + 2)) /\ is_lim_seq longer 0 /\
  is_series (fun n => match n with O => 1 - goes_on O | S m => longer m * (1 - goes_on n) end) 1.
