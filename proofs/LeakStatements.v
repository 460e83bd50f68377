(** Local adaptors on automata: what does not leak. *)

Require Import Reals List.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements TreeStatements.
Import ListNotations.
Open Scope R_scope.

(** next-letter laws: what a state gives its letters and the end sums to 1; letters have positive probability *)
Definition letter_laws (A : automaton) (p : nat -> token -> R) (pe : nat -> R) : Prop :=
  forall i, (i < states A)%nat -> 0 <= pe i /\ (forall a, In a (letters A i) -> 0 < p i a) /\ sum (letters A i) (p
      i) + pe i = 1.
(** the power of a probability, 0 where it is 0 *)
Definition cool (x tau : R) : R := if Req_EM_T x 0 then 0 else Rpower x tau.
(** local temperature: the powers, normalised at each state *)
Definition cool_total (A : automaton) (p : nat -> token -> R) (pe : nat -> R) (tau : R) (i : nat) : R :=
  sum (letters A i) (fun a => cool (p i a) tau) + cool (pe i) tau.
Definition cool_letter (A : automaton) (p : nat -> token -> R) (pe : nat -> R) (tau : R) : nat -> token -> R :=
  fun i a => cool (p i a) tau / cool_total A p pe tau i.
Definition cool_end (A : automaton) (p : nat -> token -> R) (pe : nat -> R) (tau : R) : nat -> R :=
  fun i => cool (pe i) tau / cool_total A p pe tau i.

(** automata.leak: on finitely many states no next-letter laws leak if every state is reached and can end: the strings
    have probability 1 together. *)
Definition automata_leak_no_trap : Prop :=
  forall (A : automaton) (p : nat -> token -> R) (pe : nat -> R), (1 <= states A)%nat -> closed A -> letter_laws A p
      pe ->
  trimmed (states A) (matrix A p) pe ->
  is_series (fun k => sum (words A k 0%nat) (word_weight A p pe 0%nat)) 1.

(** automata.leak: on finitely many states a local temperature, of any tau = 1/T, does not leak. *)
Definition automata_leak_temperature : Prop :=
  forall (A : automaton) (p : nat -> token -> R) (pe : nat -> R) (tau : R), (1 <= states A)%nat -> closed A ->
  letter_laws A p pe -> trimmed (states A) (matrix A p) pe ->
  letter_laws A (cool_letter A p pe tau) (cool_end A p pe tau) /\
  is_series (fun k => sum (words A k 0%nat)
    (word_weight A (cool_letter A p pe tau) (cool_end A p pe tau) 0%nat)) 1.
