(** The product of an automaton with itself: statements, nothing else. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements AuditStatements AmbiguityStatements.
Import ListNotations.
Open Scope R_scope.

(** one step of the product: both automata read the same letter, sum_a M_a x M_a applied to z *)
Definition both_read (arcs : nat -> list arc) (w : nat -> arc -> R) (z : nat -> nat -> R) (i j : nat) : R :=
  sum (arcs i) (fun s => sum (arcs j) (fun t =>
    w i s * w j t * indicator (Nat.eq_dec (fst s) (fst t)) * z (snd s) (snd t))).
Fixpoint product_power (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R) (k : nat) : nat -> nat -> R :=
  match k with O => fun i j => e i * e j | S m => both_read arcs w (product_power arcs w e m) end.

(** automata.ambiguity: the sum of p^2 over strings of k letters is the k-th power of sum_a M_a x M_a applied to b x
    b, so
    that over all strings it is v(0, 0), where v = b x b + (sum_a M_a x M_a) v, if the sums from all pairs converge. *)
Definition automata_ambiguity_product : Prop :=
  forall (arcs : nat -> list arc) (w : nat -> arc -> R) (e : nat -> R),
  (forall k, sum (labels arcs k) (fun y => of_string arcs w e k y ^ 2) = product_power arcs w e k 0%nat 0%nat) /\
  ((forall i j, ex_series (fun k => product_power arcs w e k i j)) ->
   let v i j := Series (fun k => product_power arcs w e k i j) in
   is_series (fun k => sum (labels arcs k) (fun y => of_string arcs w e k y ^ 2)) (v 0%nat 0%nat) /\
   forall i j, v i j = e i * e j + both_read arcs w v i j).
