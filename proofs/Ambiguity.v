(** Sums over the paths of an automaton and over its strings. *)

Require Import Reals Classical Lra Lia List Psatz.
From Coquelicot Require Import Coquelicot.
From ProbQual Require Import Statements Sums TreeStatements AuditStatements Trees Automata AmbiguityStatements.
Import ListNotations.
Open Scope R_scope.

(** * A finite list of paths *)

Section Finite.
Context {P B : Type}.
Variables (same : forall b c : B, {b = c} + {b <> c}) (same_path : forall g h : P, {g = h} + {g <> h}).
Variables (ps : list P) (h : P -> B) (wt : P -> R).
Hypotheses (distinct : NoDup ps) (nonneg : forall g, In g ps -> 0 <= wt g).
Let bs := nodup same (map h ps).
Let m := mass_at same ps h wt.

Lemma over_labels (f : B -> R) : sum bs (fun b => m b * f b) = sum ps (fun g => wt g * f (h g)).
Proof.
  unfold m, mass_at. rewrite (sum_ext bs _ (fun b => sum ps (fun g => wt g * (indicator (same (h g) b) * f b)))).
  - rewrite sum_swap. apply sum_ext. intros g hg. rewrite sum_scal. f_equal.
    apply (indicator_sum same bs f (h g)); [apply NoDup_nodup|]. apply nodup_In, in_map, hg.
  - intros b _. rewrite <- sum_scal_r. apply sum_ext. intros; ring.
Qed.

Lemma mass_gap g : In g ps -> m (h g) - wt g
  = sum ps (fun k => (indicator (same (h k) (h g)) - indicator (same_path g k)) * wt k).
Proof.
  intros hg. rewrite <- (indicator_sum same_path ps wt g distinct hg) at 1. unfold m, mass_at. rewrite <- sum_minus.
  apply sum_ext. intros; ring.
Qed.

Lemma gap_term g k : In k ps -> 0 <= (indicator (same (h k) (h g)) - indicator (same_path g k)) * wt k.
Proof.
  intros hk. apply Rmult_le_pos; auto. unfold indicator.
  destruct (same (h k) (h g)) as [_|ne], (same_path g k) as [e|_]; try lra. exfalso. apply ne. congruence.
Qed.

Lemma squares_gap : sum bs (fun b => m b ^ 2) - sum ps (fun g => wt g ^ 2) = sum ps (fun g => wt g * (m (h g) - wt g)).
Proof.
  rewrite (sum_ext bs _ (fun b => m b * m b)) by (intros; ring). rewrite over_labels, <- sum_minus.
  apply sum_ext. intros; ring.
Qed.

Lemma squares_term g : In g ps -> 0 <= wt g * (m (h g) - wt g).
Proof.
  intros hg. apply Rmult_le_pos; auto. rewrite mass_gap by auto. apply sum_nonneg. intros; now apply gap_term.
Qed.

Lemma squares_le : 0 <= sum bs (fun b => m b ^ 2) - sum ps (fun g => wt g ^ 2).
Proof. rewrite squares_gap. apply sum_nonneg. intros; now apply squares_term. Qed.

Lemma squares_lt : 0 < sum bs (fun b => m b ^ 2) - sum ps (fun g => wt g ^ 2) <->
  exists g k, In g ps /\ In k ps /\ g <> k /\ h g = h k /\ 0 < wt g /\ 0 < wt k.
Proof.
  rewrite squares_gap. split.
  - intros pos. apply NNPP. intros none. assert (sum ps (fun g => wt g * (m (h g) - wt g)) = 0); [|lra].
    rewrite (sum_ext ps _ (fun _ => 0)); [apply sum_zero|]. intros g hg. rewrite mass_gap by auto.
    destruct (nonneg g hg) as [gp|<-]; [|ring].
    rewrite (sum_ext ps _ (fun _ => 0)); [rewrite sum_zero; ring|]. intros k hk. unfold indicator.
    destruct (same (h k) (h g)) as [e|ne], (same_path g k) as [e'|ne']; try ring.
    + destruct (nonneg k hk) as [kp|<-]; [|ring]. exfalso. apply none. exists g, k. repeat split; auto.
    + exfalso. apply ne. congruence.
  - intros (g & k & hg & hk & ne & e & gp & kp).
    apply (sum_pos_at ps _ g); [intros; now apply squares_term|exact hg|]. apply Rmult_lt_0_compat; [exact gp|].
    rewrite mass_gap by auto. apply (sum_pos_at ps _ k); [intros; now apply gap_term|exact hk|].
    unfold indicator. destruct (same (h k) (h g)) as [_|no]; [|congruence]. destruct (same_path g k); [congruence|lra].
Qed.

Lemma squares_bound : sum ps wt <= 1 -> sum bs (fun b => m b ^ 2) <= sum ps wt.
Proof.
  intros one. rewrite (sum_ext bs _ (fun b => m b * m b)) by (intros; ring). rewrite over_labels. apply sum_le.
  intros g hg. rewrite <- (Rmult_1_r (wt g)) at 2. apply Rmult_le_compat_l; auto. eapply Rle_trans; [|exact one].
  unfold m, mass_at. apply sum_le. intros k hk. rewrite <- (Rmult_1_r (wt k)) at 2. apply Rmult_le_compat_l; auto.
  unfold indicator. destruct (same _ _); lra.
Qed.
End Finite.

(** * Paths of an automaton *)

Lemma same_arc : forall s t : arc, {s = t} + {s <> t}.
Proof. repeat decide equality. Defined.

Lemma NoDup_append {A : Type} (l m : list A) : NoDup l -> NoDup m -> (forall x, In x l -> ~ In x m) -> NoDup (l ++ m).
Proof.
  induction l as [|a l IH]; intros nl nm apart; simpl; [exact nm|]. inversion nl; subst. constructor.
  - intros h. apply in_app_or in h. destruct h as [h|h]; [auto|]. apply (apart a); simpl; auto.
  - apply IH; auto. intros x hx. apply apart. now right.
Qed.

Lemma paths_distinct arcs : (forall i, NoDup (arcs i)) -> forall k i, NoDup (paths arcs k i).
Proof.
  intros nd k. induction k as [|k IH]; intros i; simpl; [repeat constructor; simpl; tauto|].
  specialize (nd i). induction (arcs i) as [|s l IHl]; simpl; [constructor|]. inversion nd as [|? ? ns nl]; subst.
  assert (forall g, In g (map (cons s) (paths arcs k (snd s))) ->
    ~ In g (flat_map (fun s => map (cons s) (paths arcs k (snd s))) l)) as apart.
  { intros g hg hl. apply in_map_iff in hg. destruct hg as (u & <- & _). apply in_flat_map in hl.
    destruct hl as (t & ht & hu). apply in_map_iff in hu. destruct hu as (v & e & _). injection e as -> _. auto. }
  assert (NoDup (map (cons s) (paths arcs k (snd s)))) as own.
  { apply FinFun.Injective_map_NoDup; [|apply IH]. intros u v e. now injection e. }
  apply NoDup_append; auto.
Qed.

Lemma path_nonneg arcs w e : (forall i, 0 <= e i) -> (forall i s, In s (arcs i) -> 0 <= w i s) ->
  forall k i g, In g (paths arcs k i) -> 0 <= path_weight w e i g.
Proof.
  intros en wn k. induction k as [|k IH]; intros i g hg; simpl in hg; [destruct hg as [<-|[]]; simpl; auto|].
  apply in_flat_map in hg. destruct hg as (s & hs & hg). apply in_map_iff in hg. destruct hg as (r & <- & hr). simpl.
  apply Rmult_le_pos; [now apply wn|now apply (IH (snd s))].
Qed.

(** a term of a series that is not negative is at most its sum *)
Lemma term_below (c : nat -> R) l k : (forall k, 0 <= c k) -> is_series c l -> c k <= l.
Proof.
  intros nn conv. apply Rle_trans with (sum_n c k).
  - destruct k as [|k]; [rewrite sum_O; lra|]. rewrite sum_Sn. unfold plus; simpl.
    assert (0 <= sum_n c k) by (clear -nn; induction k as [|k IH]; [rewrite sum_O; auto|rewrite sum_Sn; unfold plus;
        simpl;
      specialize (nn (S k)); lra]). lra.
  - assert (Rbar_le (sum_n c k) l) as le; [|exact le].
    apply (is_lim_seq_incr_compare (sum_n c) l); [exact conv|]. intros j. rewrite sum_Sn. unfold plus; simpl.
    specialize (nn (S j)). lra.
Qed.

Theorem automata_ambiguity_first_power_holds : automata_ambiguity_first_power.
Proof.
  intros arcs w e (nd & en & wn & one).
  assert (forall k, sum (labels arcs k) (of_string arcs w e k) = sum (paths arcs k 0%nat) (path_weight w e 0%nat))
      as same.
  { intros k. pose proof (over_labels same_word (paths arcs k 0%nat) label (path_weight w e 0%nat) (fun _ => 1)) as eq.
    rewrite (sum_ext (labels arcs k) _ (fun y => of_string arcs w e k y * 1)) by (intros; ring). etransitivity;
        [exact eq|].
    apply sum_ext. intros; ring. }
  split; [exact same|]. eapply is_series_ext; [|exact one]. intros k. symmetry. apply same.
Qed.

Theorem automata_ambiguity_squares_holds : automata_ambiguity_squares.
Proof.
  intros arcs w e (nd & en & wn & one) by_path by_string.
  pose proof (list_eq_dec same_arc) as same_path.
  assert (forall k g, In g (paths arcs k 0%nat) -> 0 <= path_weight w e 0%nat g) as pn.
  { intros k g. now apply path_nonneg. }
  assert (forall k, sum (paths arcs k 0%nat) (path_weight w e 0%nat) <= 1) as below.
  { intros k. apply (term_below (fun k => sum (paths arcs k 0%nat) (path_weight w e 0%nat)) 1); auto.
    intros j. apply sum_nonneg. apply pn. }
  set (d := fun k => by_string k - by_path k).
  assert (forall k, 0 <= d k) as dn.
  { intros k. apply (squares_le same_word same_path); [now apply paths_distinct|apply pn]. }
  assert (forall k, 0 < d k <-> exists g h, In g (paths arcs k 0%nat) /\ In h (paths arcs k 0%nat) /\ g <> h /\
    label g = label h /\ 0 < path_weight w e 0%nat g /\ 0 < path_weight w e 0%nat h) as dp.
  { intros k. apply (squares_lt same_word same_path); [now apply paths_distinct|apply pn]. }
  assert (forall k, 0 <= by_path k) as p0 by (intros k; apply sum_nonneg; intros; apply pow2_ge_0).
  assert (forall k, by_string k <= sum (paths arcs k 0%nat) (path_weight w e 0%nat)) as small.
  { intros k. apply (squares_bound same_word); auto. apply pn. }
  assert (ex_series (fun k => sum (paths arcs k 0%nat) (path_weight w e 0%nat))) as conv by (exists 1; exact one).
  assert (ex_series by_string) as es.
  { apply (@ex_series_le R_AbsRing R_CompleteNormedModule by_string _) with (2 := conv). intros k. unfold norm; simpl.
    unfold abs; simpl. specialize (dn k). unfold d in dn. specialize (p0 k). rewrite Rabs_right by lra. apply small. }
  assert (ex_series by_path) as ep.
  { apply (@ex_series_le R_AbsRing R_CompleteNormedModule by_path _) with (2 := es). intros k.
    change (Rabs (by_path k) <= by_string k). specialize (dn k). change (0 <= by_string k - by_path k) in dn.
    specialize (p0 k). rewrite Rabs_right; lra. }
  assert (is_series d (Series by_string - Series by_path)) as gap.
  { apply (is_series_minus by_string by_path); now apply Series_correct. }
  assert (ambiguous arcs w e -> Series by_path < Series by_string) as strict.
  { intros (k & g & h & rest). pose proof (term_below d _ k dn gap). assert (0 < d k) by (apply dp; exists g, h;
      exact rest). lra. }
  assert (~ ambiguous arcs w e -> Series by_path = Series by_string) as equal.
  { intros none. assert (Series d = 0) as zero.
    { rewrite (Series_ext d (fun _ => 0)); [apply is_series_unique, zero_series|]. intros k.
      destruct (dn k) as [pos|z]; [|auto]. exfalso. apply none. apply dp in pos. destruct pos as (g & h & rest).
      exists k, g, h. exact rest. }
    rewrite (is_series_unique _ _ gap) in zero. lra. }
  destruct (classic (ambiguous arcs w e)) as [yes|no].
  - specialize (strict yes). split; [exact ep|split; [exact es|split; [lra|split]]].
    + split; intros _; assumption.
    + split; [intros eq; exfalso; lra|intros no; contradiction].
  - specialize (equal no). split; [exact ep|split; [exact es|split; [lra|split]]].
    + split; [intros lt; exfalso; lra|intros yes; contradiction].
    + split; intros _; assumption.
Qed.
