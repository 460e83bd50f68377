(** The backward programme: what a law that keeps the order loses, context by context. *)

Require Import Reals Lra Lia List Psatz Sorted.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements Trees ExampleStatements TreeExampleStatements.
Import ListNotations.
Open Scope R_scope.

Section Ranks.
Context {A : Type}.
Implicit Types (os : list A) (q z : A -> R).

Definition falls (q : A -> R) (os : list A) (j : nat) : R := nth (j - 1) (map q os) 0 - nth j (map q os) 0.

Lemma sum_from_two n (g : nat -> R) : sum (seq 1 (S n)) g = g 1%nat + sum (seq 1 n) (fun j => g (S j)).
Proof. cbn [seq sum]. f_equal. rewrite <- seq_shift, sum_map. reflexivity. Qed.

(** summation by parts *)
Lemma by_parts os q z : forall c,
  sum (seq 1 (length os)) (fun j => falls q os j * (c + sum (firstn j os) z))
  = c * nth 0 (map q os) 0 + sum os (fun o => q o * z o).
Proof.
  induction os as [|o os IH]; intros c; [simpl; ring|]. cbn [length]. rewrite sum_from_two.
  rewrite (sum_ext (seq 1 (length os)) _ (fun j => falls q os j * (c + z o + sum (firstn j os) z))).
  - rewrite IH. unfold falls. cbn [firstn sum map nth Nat.sub]. destruct (map q os); simpl; ring.
  - intros j hj. apply in_seq in hj. destruct j as [|j]; [lia|]. unfold falls. cbn [firstn sum map].
    replace (S (S j) - 1)%nat with (S j) by lia. replace (S j - 1)%nat with j by lia. cbn [nth]. ring.
Qed.

Lemma falls_nonneg os q : Sorted (fun o o' => q o' <= q o) os -> (forall o, In o os -> 0 <= q o) ->
  forall j, (1 <= j)%nat -> 0 <= falls q os j.
Proof.
  induction os as [|o os IH]; intros sorted pos j j1; unfold falls.
  - simpl. destruct (j - 1)%nat, j; lra.
  - inversion sorted as [|? ? rest head]; subst. destruct j as [|[|j]]; [lia| |].
    + cbn [map nth Nat.sub]. destruct os as [|o' os]; simpl.
      * specialize (pos o (or_introl eq_refl)). lra.
      * inversion head; subst. lra.
    + specialize (IH rest (fun o h => pos o (or_intror h)) (S j) ltac:(lia)). unfold falls in IH. cbn [map].
      replace (S (S j) - 1)%nat with (S j) by lia. replace (S j - 1)%nat with j in IH by lia. cbn [nth]. exact IH.
Qed.
End Ranks.

Lemma firstn_total {A : Type} (os : list A) : firstn (length os) os = os.
Proof. apply firstn_all. Qed.

(** what one context loses *)
Lemma context_loss (os : list (option token)) (q v : option token -> R) (M : R) : sum os q = 1 ->
  M - sum os (fun o => q o * v o)
  = sum (seq 1 (length os)) (fun j => INR j * falls q os j * (M - sum (firstn j os) v / INR j)).
Proof.
  intros one. pose proof (by_parts os q (fun o => M - v o) 0) as parts.
  rewrite (sum_ext os _ (fun o => q o * M - q o * v o)) in parts by (intros; ring).
  rewrite sum_minus, sum_scal_r, one in parts. replace (M - sum os (fun o => q o * v o))
    with (0 * nth 0 (map q os) 0 + (1 * M - sum os (fun o => q o * v o))) by ring. rewrite <- parts.
  apply sum_ext. intros j hj. apply in_seq in hj.
  assert (INR j <> 0) by (apply not_0_INR; lia). rewrite sum_minus, sum_const, firstn_length_le by lia. field. auto.
Qed.

Lemma sum_options {A : Type} (os : list (option token)) (g : token -> list A) (h : A -> R) :
  sum (flat_map (fun o => match o with None => nil | Some t => g t end) os) h
  = sum os (fun o => match o with None => 0 | Some t => sum (g t) h end).
Proof. rewrite sum_flat_map. apply sum_ext. intros [t|] _; reflexivity. Qed.

Lemma programme_loss T : forall q f, proper T -> order_preserving T q ->
  V T f - E (strings T) (product q) f = sum (contexts T) (fun u => sum (seq 1 (length (options (subtree T u))))
    (fun j => reach q u * (INR j * drop T q u j * (V_at T f u - V_top T f u j)))).
Proof.
  induction T as [|os next IH]; intros q f P O; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
  destruct (O nil Logic.I) as [[_ one] _]. simpl in one.
  cbn [contexts]. cbn [sum]. rewrite sum_options, E_strings.
  set (T := Node os next) in *.
  assert (sum (seq 1 (length (options (subtree T nil)))) (fun j => reach q nil * (INR j * drop T q nil j *
    (V_at T f nil - V_top T f nil j))) = V T f - sum os (fun o => q nil o * V_of T f nil o)) as root.
  { rewrite (context_loss os (q nil) (V_of T f nil) (V T f) one). apply sum_ext. intros j _. simpl reach. rewrite
      Rmult_1_l.
    reflexivity. }
  rewrite root. clear root. change (options T) with os.
  assert (forall o, In o os -> match o with None => 0
    | Some t => sum (map (cons t) (contexts (next t))) (fun u => sum (seq 1 (length (options (subtree T u))))
      (fun j => reach q u * (INR j * drop T q u j * (V_at T f u - V_top T f u j)))) end
    = q nil o * V_of T f nil o - q nil o * match o with None => f nil
      | Some t => E (strings (after T t)) (product (from [t] q)) (from [t] f) end) as below.
  { intros [t|] ho; [|simpl; ring]. rewrite sum_map.
    specialize (IH t (from [t] q) (from [t] f) (proper_after T t P ho) (order_preserving_after T q t O ho)).
    change (after T t) with (next t). rewrite <- Rmult_minus_distr_l.
    change (V_of T f nil (Some t)) with (V (next t) (from [t] f)). rewrite IH, <- sum_scal.
    apply sum_ext. intros u _. rewrite <- sum_scal. apply sum_ext. intros j _. simpl reach.
    change (drop (next t) (from [t] q) u j) with (drop T q (t :: u) j).
    change (V_at (next t) (from [t] f) u) with (V_at T f (t :: u)).
    change (V_top (next t) (from [t] f) u j) with (V_top T f (t :: u) j). ring. }
  match goal with |- _ = _ + sum os ?g => rewrite (sum_ext os g _ below) end. rewrite sum_minus. ring.
Qed.

Theorem adaptors_order_preserving_programme_holds : adaptors_order_preserving_programme.
Proof.
  intros T q f P O term ranks. assert (forall u, In u (contexts T) <-> context_of T u) as spec.
  { clear -P. induction T as [|os next IH]; intros u; [destruct (P nil Logic.I) as [N _]; simpl in N; congruence|].
    set (T := Node os next) in *. cbn [contexts]. destruct u as [|t u]; [simpl; tauto|]. split.
    - intros [bad|hu]; [discriminate|]. apply in_flat_map in hu. destruct hu as ([t'|] & ho & hu); [|contradiction].
      apply in_map_iff in hu. destruct hu as (v & e & hv). injection e as -> ->. split; [exact ho|].
      apply IH; auto. apply (proper_after T t P ho).
    - intros [ho hu]. right. apply in_flat_map. exists (Some t). split; [exact ho|]. apply in_map. apply IH; auto.
      apply (proper_after T t P ho). }
  split; [apply programme_loss; auto|split; [|exact spec]].
  intros u j hu hj. apply spec in hu. apply in_seq in hj. destruct (O u hu) as [[pos one] sorted]. unfold term.
  assert (0 <= reach q u) as rp.
  { clear -O hu. revert T q O hu. induction u as [|t u IH]; intros T q O hu; simpl; [lra|]. destruct hu as [ht hu].
    apply Rmult_le_pos; [apply (proj1 (O nil Logic.I)); exact ht|].
    apply (IH (after T t)); auto. now apply order_preserving_after. }
  assert (0 <= drop T q u j) as dp by (apply (falls_nonneg (options (subtree T u)) (q u)); auto; lia).
  assert (V_top T f u j <= V_at T f u) as top.
  { unfold V_top, V_at. pose proof (proj1 (P u hu)) as some. destruct (subtree T u) as [|os next] eqn:e;
      [contradiction|].
    cbn [V options] in *. unfold best_average. apply largest_le. apply in_map_iff. exists j. split; [|apply in_seq;
        lia].
    f_equal. apply sum_ext. intros [t|] _.
    - change (V (next t) (from [t] (from u f)) = V (subtree T (u ++ [t])) (from (u ++ [t]) f)).
      rewrite subtree_app, e, from_app. reflexivity.
    - change (f (u ++ nil) = f u). now rewrite app_nil_r. }
  apply Rmult_le_pos; auto. apply Rmult_le_pos; [apply Rmult_le_pos; auto; apply pos_INR|lra].
Qed.
