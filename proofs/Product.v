(** The sum of p^2 over strings by the product of the automaton with itself. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements AuditStatements Trees Automata AmbiguityStatements Ambiguity
  ProductStatements.
Import ListNotations.
Open Scope R_scope.

Lemma indicator_cons (a b : nat) (y z : context) : indicator (same_word (a :: y) (b :: z))
  = indicator (Nat.eq_dec a b) * indicator (same_word y z).
Proof.
  unfold indicator. destruct (same_word (a :: y) (b :: z)) as [e|n], (Nat.eq_dec a b) as [e'|n'], (same_word y z) as
      [e''|n''];
    try lra; exfalso; congruence.
Qed.

Lemma product_pairs arcs w e k : forall i j,
  sum (paths arcs k i) (fun g => path_weight w e i g * sum (paths arcs k j) (fun h =>
    path_weight w e j h * indicator (same_word (label g) (label h)))) = product_power arcs w e k i j.
Proof.
  induction k as [|k IH]; intros i j.
  - simpl. unfold indicator. destruct (same_word (label []) (label [])) as [_|n]; [ring|exfalso; apply n; reflexivity].
  - cbn [paths product_power]. unfold both_read. rewrite sum_flat_map. apply sum_ext. intros s hs. rewrite sum_map.
    transitivity (sum (paths arcs k (snd s)) (fun g => sum (arcs j) (fun t => w i s * w j t *
      indicator (Nat.eq_dec (fst s) (fst t)) * (path_weight w e (snd s) g * sum (paths arcs k (snd t)) (fun h =>
        path_weight w e (snd t) h * indicator (same_word (label g) (label h))))))).
    + apply sum_ext. intros g _. rewrite sum_flat_map, <- sum_scal. apply sum_ext. intros t _. rewrite sum_map, <-
        !sum_scal.
      apply sum_ext. intros h _. cbn [path_weight].
      change (label (s :: g)) with (fst s :: label g). change (label (t :: h)) with (fst t :: label h).
      rewrite indicator_cons. ring.
    + rewrite sum_swap. apply sum_ext. intros t _. rewrite sum_scal, IH. reflexivity.
Qed.

Theorem automata_ambiguity_product_holds : automata_ambiguity_product.
Proof.
  intros arcs w e.
  assert (forall k, sum (labels arcs k) (fun y => of_string arcs w e k y ^ 2) = product_power arcs w e k 0%nat
      0%nat) as form.
  { intros k. rewrite <- product_pairs.
    rewrite (sum_ext (labels arcs k) _ (fun y => of_string arcs w e k y * of_string arcs w e k y)) by (intros; ring).
    etransitivity; [apply (over_labels same_word (paths arcs k 0%nat) label (path_weight w e 0%nat))|].
    apply sum_ext. intros g _. f_equal. unfold of_string, mass_at. apply sum_ext. intros h _. f_equal. unfold indicator.
    destruct (same_word (label h) (label g)), (same_word (label g) (label h)); auto; exfalso; congruence. }
  split; [exact form|]. intros conv v. split.
  - apply (is_series_ext (fun k => product_power arcs w e k 0%nat 0%nat)); [intros k; symmetry; apply form|].
    apply Series_correct, conv.
  - intros i j. unfold v at 1. rewrite Series_incr_1 by apply conv. cbn [product_power]. f_equal.
    apply is_series_unique. unfold both_read.
    apply (is_series_ext (fun k => sum (arcs i) (fun s => 1 * sum (arcs j) (fun t =>
      w i s * w j t * indicator (Nat.eq_dec (fst s) (fst t)) * product_power arcs w e k (snd s) (snd t))))).
    { intros k. apply sum_ext. intros; ring. }
    rewrite (sum_ext (arcs i) _ (fun s => 1 * sum (arcs j) (fun t =>
      w i s * w j t * indicator (Nat.eq_dec (fst s) (fst t)) * v (snd s) (snd t)))) by (intros; ring).
    apply (is_series_sum (arcs i) (fun _ => 1) (fun s k => sum (arcs j) (fun t => w i s * w j t *
      indicator (Nat.eq_dec (fst s) (fst t)) * product_power arcs w e k (snd s) (snd t)))). intros s _.
    apply (is_series_sum (arcs j) (fun t => w i s * w j t * indicator (Nat.eq_dec (fst s) (fst t)))
      (fun t k => product_power arcs w e k (snd s) (snd t))). intros t _. apply Series_correct, conv.
Qed.
