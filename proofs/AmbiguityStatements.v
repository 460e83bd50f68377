(** Automata with several paths for a string: statements, nothing else. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements AuditStatements.
Import ListNotations.
Open Scope R_scope.

(** Arcs of a state: letters with the next state. A path is its arcs, its label the letters. *)
Definition arc : Type := (token * nat)%type.
Fixpoint paths (arcs : nat -> list arc) (k i : nat) : list (list arc) :=
  match k with O => [nil] | S m => flat_map (fun s => map (cons s) (paths arcs m (snd s))) (arcs i) end.
Fixpoint path_weight (w : nat -> arc -> R) (e : nat -> R) (i : nat) (g : list arc) : R :=
  match g with nil => e i | s :: r => w i s * path_weight w e (snd s) r end.
Definition label : list arc -> context := map fst.
Definition same_word : forall y z : context, {y = z} + {y <> z} := list_eq_dec Nat.eq_dec.
(** the strings of k letters that have a path, each once, and p of a string: the sum over its paths *)
Definition labels (arcs : nat -> list arc) (k : nat) : list context := nodup same_word (map label (paths arcs k 0%nat)).
Definition of_string (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R) (k : nat) : context -> R :=
  mass_at same_word (paths arcs k 0%nat) label (path_weight w e 0%nat).
(** no arc twice, weights that are not negative, and paths whose weights sum to 1 *)
Definition path_law (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R) : Prop :=
  (forall i, NoDup (arcs i)) /\ (forall i, 0 <= e i) /\ (forall i s, In s (arcs i) -> 0 <= w i s) /\
  is_series (fun k => sum (paths arcs k 0%nat) (path_weight w e 0%nat)) 1.
(** some string has two paths of positive weight *)
Definition ambiguous (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R) : Prop :=
  exists k g h, In g (paths arcs k 0%nat) /\ In h (paths arcs k 0%nat) /\ g <> h /\ label g = label h /\
  0 < path_weight w e 0%nat g /\ 0 < path_weight w e 0%nat h.

(** automata.ambiguity: the sum of p over paths is that over strings, of any length and of all. *)
Definition automata_ambiguity_first_power : Prop :=
  forall (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R), path_law arcs w e ->
  (forall k, sum (labels arcs k) (of_string arcs w e k) = sum (paths arcs k 0%nat) (path_weight w e 0%nat)) /\
  is_series (fun k => sum (labels arcs k) (of_string arcs w e k)) 1.

(** automata.ambiguity: the sum of p^2 over paths is at most that over strings, below it exactly if the automaton is
    ambiguous, and equal to it otherwise. *)
Definition automata_ambiguity_squares : Prop :=
  forall (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R), path_law arcs w e ->
  let by_path k := sum (paths arcs k 0%nat) (fun g => path_weight w e 0%nat g ^ 2) in
  let by_string k := sum (labels arcs k) (fun y => of_string arcs w e k y ^ 2) in
  ex_series by_path /\ ex_series by_string /\ Series by_path <= Series by_string /\
  (Series by_path < Series by_string <-> ambiguous arcs w e) /\
  (Series by_path = Series by_string <-> ~ ambiguous arcs w e).
