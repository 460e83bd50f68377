(** prompts: a prompt from a law on prompts, then a string from the aligned law given the prompt. *)

Require Import Reals Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums Line.
Import ListNotations.
Open Scope R_scope.

Section Pairs.
Context {X A : Type}.
Variables (xs : list X) (w : X -> R) (s : X -> list A) (q : X -> A -> R).
Hypotheses (lw : law xs w) (lq : forall x, In x xs -> law (s x) (q x)).

(** total expectation *)
Lemma E_pairs (f : X * A -> R) :
  E (pairs xs s) (joint w q) f = E xs w (fun x => E (s x) (q x) (fun a => f (x, a))).
Proof.
  unfold E, pairs, joint. rewrite sum_flat_map. apply sum_ext. intros x _. rewrite sum_map, <- sum_scal.
  apply sum_ext. intros a _. simpl. ring.
Qed.

Lemma pairs_law : law (pairs xs s) (joint w q).
Proof.
  split.
  - intros [x a] hxa. apply in_flat_map in hxa. destruct hxa as (x' & hx & hin). apply in_map_iff in hin.
    destruct hin as (a' & eq & ha). inversion eq; subst. apply Rmult_le_pos; [now apply lw|now apply lq].
  - transitivity (E (pairs xs s) (joint w q) (fun _ => 1)); [apply sum_ext; intros; ring|].
    rewrite E_pairs, (E_ext xs w _ (fun _ => 1)); [now apply E_const|]. intros x hx. apply E_const. auto.
Qed.

(** total variance *)
Lemma Var_pairs (f : X * A -> R) : Var (pairs xs s) (joint w q) f
  = E xs w (fun x => Var (s x) (q x) (fun a => f (x, a))) + Var xs w (fun x => E (s x) (q x) (fun a => f (x, a))).
Proof. unfold Var, Cov. rewrite !E_pairs, E_minus. ring. Qed.
End Pairs.

Section Prompts.
Context {X A : Type}.
Variables (xs : list X) (s : X -> list A) (p Rw : X -> A -> R).
Hypothesis fp : forall x, In x xs -> full (s x) (p x).
Let q (x : X) : A -> R := aligned (s x) (p x) (Rw x).
Let line (xa : X * A) : R := L (p (fst xa)) (snd xa) + Rw (fst xa) (snd xa).

Lemma q_law x : In x xs -> law (s x) (q x).
Proof. intros hx. apply full_law, aligned_full, fp, hx. Qed.

(** Given x, L + R = log Z(x) - I has mean log Z(x) - H(x) and variance V(x). *)
Lemma line_mean x : In x xs -> E (s x) (q x) (fun a => line (x, a)) = ln (Z (s x) (p x) (Rw x)) - Ent (s x) (q x).
Proof.
  intros hx. unfold q at 2. rewrite Ent_surprisal, E_surprisal by (auto; apply q_law, hx).
  unfold line; simpl. rewrite E_plus. unfold q. ring.
Qed.

Lemma line_variance x : In x xs ->
  Var (s x) (q x) (fun a => line (x, a)) = Var (s x) (q x) (I (s x) (p x) (Rw x)).
Proof. intros hx. unfold line; simpl. rewrite Var_sum, Var_surprisal; auto. apply q_law, hx. Qed.
End Prompts.

Theorem prompts_variance_centre_holds : prompts_variance_centre.
Proof.
  intros X A xs w s p Rw n lw fp some q Lx Rx.
  assert (law (pairs xs s) (joint w q)) as lj by (apply pairs_law; auto; intros; now apply (q_law xs s p Rw)).
  rewrite EN_plus, !EN_mean, <- E_plus, E_pairs by auto. apply E_ext. intros x hx.
  now apply (line_mean xs s p Rw).
Qed.

Theorem prompts_variance_split_holds : prompts_variance_split.
Proof.
  intros X A xs w s p Rw n lw fp some q line.
  assert (law (pairs xs s) (joint w q)) as lj by (apply pairs_law; auto; intros; now apply (q_law xs s p Rw)).
  rewrite CovN_iid by auto. fold (Var (pairs xs s) (joint w q) line). rewrite Var_pairs. f_equal. f_equal.
  - apply E_ext. intros x hx. now apply (line_variance xs s p Rw).
  - unfold Var. apply Cov_ext; intros x hx; now apply (line_mean xs s p Rw).
Qed.

Theorem prompts_variance_chebyshev_holds : prompts_variance_chebyshev.
Proof.
  intros X A xs w s p Rw n eps lw fp some ep q height line.
  assert (law (pairs xs s) (joint w q)) as lj by (apply pairs_law; auto; intros; now apply (q_law xs s p Rw)).
  assert (E (pairs xs s) (joint w q) line = E xs w height) as centre.
  { rewrite E_pairs. apply E_ext. intros x hx. now apply (line_mean xs s p Rw). }
  assert (Var (pairs xs s) (joint w q) line = E xs w (fun x => Var (s x) (q x) (I (s x) (p x) (Rw x))) + Var xs w height)
    as <-.
  { rewrite Var_pairs. f_equal.
    - apply E_ext. intros x hx. now apply (line_variance xs s p Rw).
    - unfold Var. apply Cov_ext; intros x hx; now apply (line_mean xs s p Rw). }
  apply chebyshev; auto. intros c len sub. rewrite centre. assert (0 < eps ^ 2) as e2 by now apply pow_lt.
  set (m := E xs w height). apply indicator_le.
  - apply Rdiv_le_0_compat; [apply pow2_ge_0|exact e2].
  - intros far. apply (Rmult_le_reg_r (eps ^ 2)); [exact e2|]. rewrite Rabs_minus_sym in far.
    replace ((m - mean c line) ^ 2 / eps ^ 2 * eps ^ 2) with ((m - mean c line) ^ 2) by (field; lra).
    rewrite Rmult_1_l, <- (pow2_abs (m - mean c line)). apply pow_incr. lra.
Qed.
