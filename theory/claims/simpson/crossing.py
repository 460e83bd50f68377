"""simpson.crossing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, fmpq

from theory.adaptors.exact import Chain, chain
from theory.alignment.gibbs import Aligned
from theory.arithmetic.exact import Exact, floor_of
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case, random_laws, smallest_tables
from theory.corpora.mixtures import Covariance, Joint, Mixture, adaptor_mixture, crossing, prompt_tree
from theory.examples import finite as examples
from theory.models.finite import FiniteModel


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A mixture of adaptors, and the corpus sizes at which its corpora are enumerated one by one.

    Args:
        reverses: the covariance is positive within every adaptor, and corpora from this N on have a negative one.
    """

    mixture: Mixture
    sizes: tuple[int, ...]
    reverses: int | None = None


_ENTRIES = ("Var(Lbar)", "Var(Rbar)", "Cov(Lbar, Rbar)")


def _differences(what: str, found: Covariance, claimed: Covariance) -> Iterator[Finding]:
    for name, value, other in zip(_ENTRIES, found.entries(), claimed.entries(), strict=True):
        yield Finding(f"{name} = {what}", value - other)


def _check(scene: Scene) -> Iterator[Finding]:
    mixture = scene.mixture
    within, between = mixture.within(), mixture.between()
    for size in scene.sizes:
        enumerated = mixture.corpora(size).pooled().covariance()
        yield from of("total", _differences(f"W/N + B, N = {size}", enumerated, mixture.corpus_covariance(size)))
    mixed = mixture.pooled().corpus_means(2).covariance()
    halved = (within + between).scaled(fmpq(1, 2))
    yield from of("mixed", _differences("(W + B)/N mixed string by string, N = 2", mixed, halved))
    yield from of("sign", _signs(mixture, within.cov, between.cov))
    if scene.reverses is not None:
        yield from of("reversal", _reversal(mixture, scene.reverses))


def _reversal(mixture: Mixture, first: int) -> Iterator[Finding]:
    """Each adaptor's own corpora have a positive covariance at every N: that of its strings over N."""
    for k, part in enumerate(mixture.parts):
        yield Finding(f"Cov(L, R) of adaptor {k + 1}", part.covariance().cov, "positive")
    for size in (1, 10, first - 1):
        yield Finding(f"Cov(Lbar, Rbar) at N = {size}", mixture.corpus_covariance(size).cov, "positive")
    for size in (first, first + 1, 1000 * first):
        yield Finding(f"-Cov(Lbar, Rbar) at N = {size}", -mixture.corpus_covariance(size).cov, "positive")


def _touches_zero(value: Exact) -> bool:
    return value.contains(0) if isinstance(value, arb) else value == 0


def _signs(mixture: Mixture, within: Exact, between: Exact) -> Iterator[Finding]:
    """The sign of Cov(Lbar, Rbar) on both sides of N*, or no two signs."""

    def at(size: int) -> Exact:
        return mixture.corpus_covariance(size).cov

    if any(_touches_zero(value) for value in (within, between, within + between)):
        # W = 0, B = 0 or N* = 1: nothing has the sign opposite to that of large N
        for size in (1, 2, 10):
            yield Finding(
                f"on the border: the signs at N = {size} and 1000 are not opposite", at(size) * at(1000), "nonnegative"
            )
        return
    turn = crossing(within, between)
    if turn is None:
        for size in (2, 10, 1000):
            yield Finding(f"no crossing: the sign at N = {size} is that at N = 1", at(1) * at(size), "positive")
        return
    direction = 1 if within > 0 else -1
    yield Finding("N* > 1: W + B has the sign of W", (within + between) * direction, "positive")
    yield Finding("N* > 1: B has the other", -between * direction, "positive")
    whole = _whole(turn)
    if whole is not None:
        yield Finding(f"0 at N* = {whole}", at(whole))
    below, above = (floor_of(arb(turn)), floor_of(arb(turn)) + 1) if whole is None else (whole - 1, whole + 1)
    for size in sorted({1, below}):
        yield Finding(f"N = {size} < N*: the sign of W", at(size) * direction, "positive")
    for size in sorted({above, 1000 * above}):
        yield Finding(f"N = {size} > N*: the sign of B", at(size) * -direction, "positive")


def _whole(turn: Exact) -> int | None:
    """N* where it is a whole number, or a ball around one that holds no other."""
    found = arb(turn).unique_fmpz()
    return None if found is None else int(found)


_BASE = Chain()


_COOL, _HOT = chain(("temperature", "1/2")), chain(("temperature", 2))


_ADAPTORS = (_BASE, _COOL, chain(("top_k", 2)), chain(("nucleus", "9/10")), chain(("typical", "9/10")))


def c8() -> Mixture:
    """W = 4, B = -1/4, N* = 16: uniform on (L, R) in {(0, 1), (4, 5)}, or on {(1, 0), (5, 4)}."""
    return Mixture.even(Joint.of((1, 1), [(0, 1), (4, 5)]), Joint.of((1, 1), [(1, 0), (5, 4)]))


def mirrored(mixture: Mixture) -> Mixture:
    """The mixture with -R for R: W and B change their signs."""
    return Mixture(mixture.weight, tuple(replace(part, reward=-part.reward) for part in mixture.parts))


def reversing_tree() -> Aligned:
    """Strings "a 1", "a 2", "b 1" with p = (1, 2, 2)/5, e^R = (3, 3, 4): L and R rise together under p+ and under its
    local temperatures 1/2 and 2, yet corpora from any two of the three trade off once N is large.
    """
    return prompt_tree([[1, 2], [2]], [[3, 3], [4]])


def adaptors_of(found: FiniteModel, *chains: Chain, normalise: str = "local") -> Mixture:
    """Corpora from these adaptors of a model, equally likely."""
    return adaptor_mixture(found.numbers, chains, normalise)


def _cases(profile: Profile) -> Iterator[Case]:
    yield Case("C8", Scene(c8(), (1, 2, 15, 16, 17)))
    yield Case("C8 with -R", Scene(mirrored(c8()), (1, 2, 15, 16, 17)))
    level = Joint.of((1, 1), [(0, 0), (4, 0)])
    yield Case("W = 0", Scene(Mixture.even(level, Joint.of((1, 1), [(1, 1), (5, 1)])), (1, 2, 3)))
    yield Case(
        "B = 0", Scene(Mixture.even(Joint.of((1, 1), [(0, 0), (4, 4)]), Joint.of((1, 1), [(1, 1), (3, 3)])), (1, 2, 3))
    )
    one = Mixture.even(Joint.of((1, 1), [(0, 1), (1, 2)]), Joint.of((1, 1), [(1, 0), (2, 1)]))
    yield Case("W = 1/4 = -B: N* = 1", Scene(one, (1, 2, 3)))
    tree = case("", reversing_tree())
    pairs = (
        ("1, 1/2", (_BASE, _COOL), 140),
        ("1/2, 2", (_COOL, _HOT), None),
        ("1, 1/2, 2", (_BASE, _COOL, _HOT), None),
    )
    for names, chains, reverses in pairs:
        name = f"p = (1, 2, 2), e^R = (3, 3, 4) on the tree a(1 2) b(1), local temperatures {names}"
        scene = Scene(adaptors_of(tree.content, *chains), (2, 3), reverses)
        yield Case(name, scene, _with_adaptors(tree.spec, chains))
    table = case("", examples.table((1, 2, 2), (2, 1, 3)))
    scene = Scene(adaptors_of(table.content, *_ADAPTORS[0:3:2]), (2, 3, 19, 20))
    yield Case("p = (1, 2, 2), e^R = (2, 1, 3), p+ and top-2", scene, table.spec)
    rng = np.random.default_rng(profile.seed)
    for k in range(40 if profile.full else 8):
        yield Case(f"random rational mixture {k + 1}", Scene(_random_mixture(rng), (1, 2, 3)))
    for model in random_laws(profile):
        found = model.content
        if len(found.aligned) > 12 or found.mean.constant.log_prior or found.mean.constant.reward:
            continue
        sizes = (2, 3) if len(found.aligned) <= 5 else (2,)
        yield Case(f"{model.name}, five local adaptors", Scene(adaptors_of(found, *_ADAPTORS), sizes), model.spec)


def _random_mixture(rng: np.random.Generator) -> Mixture:
    parts = []
    for _ in range(int(rng.integers(2, 4))):
        size = int(rng.integers(1, 4))
        points = [(int(a), int(b)) for a, b in rng.integers(-4, 5, (size, 2))]
        parts.append(Joint.of([int(w) for w in rng.integers(1, 6, size)], points))
    return Mixture(Joint.of([int(w) for w in rng.integers(1, 5, len(parts))], [(0, 0)] * len(parts)).prob, tuple(parts))


def _with_adaptors(spec: str, chains: Sequence[Chain]) -> str:
    """The specification with one [[adaptor]] per chain of one step; p+ itself needs none."""
    lines = [
        f'\n[[adaptor]]\nname = "{step.name}"\nvalue = "{step.value}"\nnormalise = "local"\n'
        for step in itertools.chain(*chains)
    ]
    return spec + "".join(lines)


@functools.lru_cache(maxsize=1)
def _tables() -> tuple[Case, ...]:
    """Tables of 2 and 3 strings, weights up to a sum of 12, in order.

    Two strings lie on a line in (L, R), so that W and B have one sign: no witness against the sign statements has
    fewer than 3 strings, whatever its weights. Temperatures treat strings alike, so that one order of them is enough.
    """
    return tuple(smallest_tables(3, 12))


def _tables_with(*chains: Chain) -> Iterator[Case]:
    for model in _tables():
        if not (model.content.mean.constant.log_prior or model.content.mean.constant.reward):
            yield replace(model, spec=_with_adaptors(model.spec, chains))


def _mixed_by_string(found: FiniteModel) -> Iterator[Finding]:
    mixture = adaptors_of(found, _BASE, _COOL)
    mixed = mixture.pooled().corpus_means(2).covariance()
    yield Finding(
        "Cov(Lbar, Rbar) = W/N + B mixed string by string, N = 2", mixed.cov - mixture.corpus_covariance(2).cov
    )


def _within_decides(found: FiniteModel) -> Iterator[Finding]:
    mixture = adaptors_of(found, _BASE, _COOL)
    one, other = (part.covariance().cov for part in mixture.parts)
    if one * other > 0:
        far = mixture.corpus_covariance(1_000_000).cov
        yield Finding("the sign within both adaptors is that of corpora of 10^6 strings", one * far, "nonnegative")


def _never_upwards(found: FiniteModel) -> Iterator[Finding]:
    mixture = adaptors_of(found, _BASE, _COOL)
    first, far = (mixture.corpus_covariance(size).cov for size in (1, 1_000_000))
    if first < 0:
        yield Finding("negative at N = 1, hence at N = 10^6", -far, "nonnegative")


def _opposite_signs_suffice(found: FiniteModel) -> Iterator[Finding]:
    mixture = adaptors_of(found, _COOL, _HOT)
    within, between = mixture.within().cov, mixture.between().cov
    if within * between < 0:
        yield Finding("W B < 0, hence N* = -W/B > 1", -within / between - 1, "positive")


CONTROLS = (
    Control(
        "within-decides",
        "drops B: if Cov(L, R) has the same sign under both adaptors (p+ and temperature 1/2), large corpora are said "
        "to have that sign",
        _within_decides,
        lambda _: _tables_with(_COOL),
        smallest=True,
    ),
    Control(
        "mixed-by-string",
        "keeps W/N + B although every string, not every corpus, draws its adaptor (p+ or temperature 1/2)",
        _mixed_by_string,
        lambda _: _tables_with(_COOL),
        smallest=True,
    ),
    Control(
        "one-direction",
        "says that the sign changes only from + to - (p+ and temperature 1/2)",
        _never_upwards,
        lambda _: _tables_with(_COOL),
        smallest=True,
    ),
    Control(
        "opposite-signs-suffice",
        "drops |B| < |W|: opposite signs of W and B are said to suffice (temperatures 1/2 and 2)",
        _opposite_signs_suffice,
        lambda _: _tables_with(_COOL, _HOT),
        smallest=True,
    ),
)


CLAIM = Claim(
    id="simpson.crossing",
    sentence="A",
    clauses=(
        Clause(
            name="reversal",
            text="corpora from several adaptors can have Cov(Lbar, Rbar) < 0 although under each adaptor it is positive: for p = (1, 2, 2), e^R = (3, "
            "3, 4) on the tree a(1 2), b(1), mixing local T = 1 and 1/2, from N = 140 on",
            formal=("simpson_crossing_reversal",),
        ),
        Clause(
            name="total",
            text="if every corpus draws one adaptor and N independent strings from it, Cov(Lbar, Rbar) = W/N + B, W "
            "the mean "
            "covariance of L and R within adaptors, B the covariance of their means",
            formula=r"\operatorname{Cov}(\bar L,\bar R)=\frac{W}{N}+B,\quad W=\sum_k "
            r"w_k\operatorname{Cov}_{q_k}(L,R),\ "
            r"B=\operatorname{Cov}_w(\mathbb E_{q_k}L,\mathbb E_{q_k}R)",
            formal=("simpson_crossing_covariance",),
        ),
        Clause(
            name="sign",
            text="W/N + B takes both signs as N grows exactly if N* = -W/B > 1: it has the sign of W below N* and "
            "that of B above, + to - if W > 0 > B, - to + if W < 0 < B",
            formula=r"\frac WN+B=B\Big(1-\frac{N^*}N\Big),\quad N^*=-W/B",
            formal=(
                "simpson_crossing_both_signs",
                "simpson_crossing_either_way",
            ),
        ),
        Clause(
            name="mixed",
            text="if every string draws its own adaptor, Cov(Lbar, Rbar) = (W + B)/N, of one sign at every N",
            formula=r"\operatorname{Cov}(\bar L,\bar R)=\frac{W+B}{N}",
            formal=("simpson_crossing_mixed",),
        ),
    ),
    hypotheses=(
        "a corpus, or in the last clause a string, draws one of finitely many adaptors with fixed probabilities",
    ),
    source="law of total covariance; Simpson (1951), doi:10.1111/j.2517-6161.1951.tb00088.x",
    check=_check,
    cases=_cases,
    controls=CONTROLS,
    remark=(
        "The sign can change in either direction. At N* = 1 the covariance is 0 for single strings and has the sign "
        "of B "
        "from N = 2 on. With two adaptors whose means of L and of R both differ, Corr(Lbar, Rbar) tends to -1 or +1 "
        "as N "
        "grows, since two points lie on a line."
    ),
    figure="simpson",
    order=5010,
    sketch=r"""
Total covariance: given the adaptor, corpora have covariance $\mathrm{Cov}_{q_k}/N$ and mean $\mathbb E_{q_k}$.
$W/N+B=B(1-N^*/N)$ changes its sign at $N^*=-W/B$ alone, and only if $N^*>1$: $W>0>B$ and $W+B>0$, or all three
reversed.
""",
)
