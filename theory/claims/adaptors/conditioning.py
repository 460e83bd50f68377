"""adaptors.conditioning: strings of corpora on the line with Lbar = l follow one law p^s e^{tR}, as N grows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flint import arb, fmpq, fmpz_poly

from theory.adaptors.frontier import Member, member_with_means
from theory.arithmetic.exact import Array, Exact, objects, to_float
from theory.claims.claim import Case, Claim, Clause, Control, Finding, Profile, of
from theory.claims.instances import case
from theory.corpora.on_the_line import exact_corpora, sequences
from theory.examples import finite as examples
from theory.models.finite import FiniteModel
from theory.probability.information import kl_divergence


@dataclass(frozen=True, slots=True, eq=False)
class LineCorpora:
    """Corpora with Ibar = H and Lbar = l exactly, of a model whose p and e^R are powers of two up to a factor.

    Args:
        points: (a, k) of each string: 2^a and 2^k are its p and p+ over the first string's, so that I falls by k log 2.
        share: the mean of a that Lbar = l asks for.
        size: N, such that N E a and N E k are whole.
        width: half the width of a typical band of I, in units of log 2.
    """

    found: FiniteModel
    points: tuple[tuple[int, int], ...]
    share: fmpq
    size: int
    width: fmpq

    @property
    def level(self) -> fmpq:
        """E k under p+: Ibar = H iff the mean of k is this."""
        weights = [fmpq(2) ** k for _, k in self.points]
        total = sum(weights, start=fmpq(0))
        return sum((w * k for w, (_, k) in zip(weights, self.points, strict=True)), start=fmpq(0)) / total

    def conditioned(self, level: Exact | None = None) -> Member:
        """The member with E L = l and E_q I = H + (E k - level) log 2."""
        numbers, wanted = self.found.numbers, self.level if level is None else level
        unit = arb(2).log()
        mean_l = numbers.log_prior[0] + unit * self.share
        mean_r = numbers.reward[0] + unit * (wanted - self.share)
        return member_with_means(numbers.log_prior, numbers.reward, mean_l, mean_r)

    @property
    def cell(self) -> int:
        """The area of a cell of the lattice of corpus totals of (a, k)."""
        pairs = itertools.combinations(self.points[1:], 2)
        return math.gcd(*(one[0] * two[1] - one[1] * two[0] for one, two in pairs))


def line_corpora(found: FiniteModel, share: fmpq, size: int, width: fmpq = fmpq(1, 16)) -> LineCorpora:
    """The corpora on the line of a model in powers of two.

    Raises:
        ValueError: a ratio of two strings' p or p+ is not a power of two, or N E a or N E k is not whole.
    """
    parts = found.aligned.weight_parts()
    points = tuple(
        (_binary_exponent(p / found.aligned.prior[0]), _binary_exponent(c / parts[0][0]))
        for p, (c, _) in zip(found.aligned.prior, parts, strict=True)
    )
    corpora = LineCorpora(found, points, share, size, width)
    if (share * size).q != 1 or (corpora.level * size).q != 1:
        raise ValueError(f"N = {size} strings cannot have Lbar = l and Ibar = H exactly")
    return corpora


def _binary_exponent(ratio: fmpq) -> int:
    exponent = int(ratio.p).bit_length() - int(ratio.q).bit_length()
    if ratio != fmpq(2) ** exponent:
        raise ValueError(f"{ratio} is not a power of two")
    return exponent


@dataclass(frozen=True, slots=True, eq=False)
class Types:
    """The corpora of an event, counted.

    Args:
        weight: the number of corpora, each times 2^{its total of k}.
        shares: the expected share of each string given the event, rationals, shape (n,).
    """

    weight: fmpq
    shares: Array


def _types(corpora: LineCorpora, levels: Iterable[int]) -> Types:
    """The corpora with Lbar = l whose totals of k are among these."""
    n, total = len(corpora.points), fmpq(0)
    counted = [fmpq(0)] * n
    first = int((corpora.share * corpora.size).p)
    for level in levels:
        ways, by_string = 0, [0] * n
        for counts in exact_corpora(corpora.points, corpora.size, (first, level)):
            number = sequences(counts)
            ways += number
            by_string = [old + number * k for old, k in zip(by_string, counts, strict=True)]
        scale = fmpq(2) ** level
        total += scale * ways
        counted = [old + scale * new for old, new in zip(counted, by_string, strict=True)]
    return Types(total, objects(c / (total * corpora.size) for c in counted))


def _on_line(corpora: LineCorpora) -> Types:
    return _types(corpora, [int((corpora.level * corpora.size).p)])


def _log_probability(corpora: LineCorpora, types: Types) -> arb:
    """log P(event): each corpus has probability 2^{its total of k} over (sum of 2^k)^N."""
    total = sum((fmpq(2) ** k for _, k in corpora.points), start=fmpq(0))
    return arb(types.weight).log() - arb(total).log() * corpora.size


def _by_generating_function(corpora: LineCorpora) -> Types:
    """The same as ``_on_line`` from coefficients of (sum_y x^{a_y} z^{k_y})^N, with z a high power of x."""
    size = corpora.size
    low = [min(point[c] for point in corpora.points) for c in (0, 1)]
    raised = [(a - low[0], k - low[1]) for a, k in corpora.points]
    fold = size * max(a for a, _ in raised) + 1
    degrees = [a + fold * k for a, k in raised]
    coefficients = [0] * (max(degrees) + 1)
    for degree in degrees:
        coefficients[degree] += 1
    fewer = fmpz_poly(coefficients) ** (size - 1)
    level = int((corpora.level * size).p)
    target = int((corpora.share * size).p) - size * low[0] + fold * (level - size * low[1])
    first = [fmpq(fewer[target - degree]) for degree in degrees]  # 0 for a negative power
    ways = sum(first, start=fmpq(0))
    return Types(ways * fmpq(2) ** level, objects(x / ways for x in first))


def _correction(q: Member, found: FiniteModel) -> Array:
    """-1/2 the part of the Mahalanobis distance of (L, R) under q that is orthogonal to 1, L and R: the 1/N term."""
    from_l, from_r = found.numbers.log_prior - q.mean_log_prior, found.numbers.reward - q.mean_reward
    on_l, on_r = q.powers_for(from_l, from_r)
    distance = from_l * on_l + from_r * on_r
    slope_l, slope_r = q.powers_for((q.prob * from_l * distance).sum(), (q.prob * from_r * distance).sum())
    correction: Array = (2 + from_l * slope_l + from_r * slope_r - distance) * fmpq(1, 2)
    return correction


def _local_factor(corpora: LineCorpora, q: Member) -> arb:
    """P_q(event) to first order: the area of a lattice cell over 2 pi N sqrt(det Cov_q(a, k))."""
    spread = q.determinant.sqrt() / arb(2).log() ** 2
    return arb(corpora.cell / (2 * arb.pi() * corpora.size * spread))


def _distance(one: Array, two: Array) -> arb:
    """The total variation distance of two laws."""
    return arb(sum((abs(arb(a - b)) for a, b in zip(one, two, strict=True)), start=arb(0)) / 2)


_SECOND_ROUTE_UP_TO = 32


def _conditioning(corpora: LineCorpora) -> Iterator[Finding]:
    found, size = corpora.found, corpora.size
    q, types = corpora.conditioned(), _on_line(corpora)
    exponent = found.mean.entropy - q.entropy
    log_probability = _log_probability(corpora, types)
    yield Finding("CE(q) = H", (q.prob * found.numbers.surprisal).sum() - found.mean.entropy, clause="ratio")
    divergence = kl_divergence(q.prob, found.numbers.prob)
    yield Finding("H(p+) - H(q) = KL(q || p+)", exponent - divergence, clause="ratio")
    yield Finding("P < exp(-N [H(p+) - H(q)])", -log_probability - exponent * size, "positive", clause="ratio")
    if size <= _SECOND_ROUTE_UP_TO:
        yield from of("ratio", _exactly_tilted(corpora, q, log_probability + exponent * size))
        again = _by_generating_function(corpora)
        yield Finding("P from the generating function", types.weight - again.weight, clause="ratio")
        for share, other in zip(types.shares, again.shares, strict=True):
            yield Finding("share from the generating function", share - other, clause="ratio")
    decay = -log_probability / size - exponent
    tolerance = 2 * math.log(size) / size
    yield Finding("-log P / N -> H(p+) - H(q)", decay, tolerance=tolerance, clause="exponent")
    factor = (log_probability + exponent * size).exp() / _local_factor(corpora, q) - 1
    label = "P exp(N [H(p+) - H(q)]) over its local limit -> 1"
    yield Finding(label, factor, tolerance=2 / size, clause="exponent")
    away = _distance(types.shares, q.prob)
    yield Finding("TV(a string's law given the event, q) -> 0", away, tolerance=0.5 / size, clause="limit")
    corrected = q.prob * (1 + _correction(q, found) / size)
    away = _distance(types.shares, corrected)
    yield Finding("the same with the 1/N term", away, tolerance=1 / size**2, clause="limit")
    yield from of("band", _typical_band(corpora))


def _exactly_tilted(corpora: LineCorpora, q: Member, log_tilted: arb) -> Iterator[Finding]:
    """p+ and q give corpora on the line probabilities in one ratio, exp(-N [H(p+) - H(q)]): exact at every N."""
    first, level = (int((value * corpora.size).p) for value in (corpora.share, corpora.level))
    under_q = arb(0)
    for counts in exact_corpora(corpora.points, corpora.size, (first, level)):
        mass = arb(sequences(counts))
        for prob, count in zip(q.prob, counts, strict=True):
            mass *= prob**count
        under_q += mass
    yield Finding("P exp(N [H(p+) - H(q)]) = P_q", log_tilted.exp() - under_q)


def _band(corpora: LineCorpora) -> Types:
    """The corpora with Lbar = l and |Ibar - H| < width log 2."""
    low, high = ((corpora.level + sign * corpora.width) * corpora.size for sign in (-1, 1))
    return _types(corpora, range(int(low.floor()) + 1, int(high.ceil())))


def _edge(corpora: LineCorpora) -> Member:
    """The law nearest p+ with E L = l and CE in the closed band: at its edge, on the side where t tends to 1."""
    inwards = 1 if corpora.conditioned().reward_power < 1 else -1
    return corpora.conditioned(corpora.level + inwards * corpora.width)


def _typical_band(corpora: LineCorpora) -> Iterator[Finding]:
    """With a fixed width of the band the limit is another member, the nearest to p+ on the band's edge."""
    edge, middle = _edge(corpora), corpora.conditioned()
    side = (edge.reward_power - 1) * (middle.reward_power - 1)
    yield Finding("fixed band: the edge is nearest, t - 1 keeps its sign", side, "positive")
    for width in (corpora.width, corpora.width / 16):
        away = _distance(_edge(replace(corpora, width=width)).prob, middle.prob)
        yield Finding("TV(the edge's member, q) -> 0 with the width", away, tolerance=2 * to_float(width))
    root = math.isqrt(corpora.size)
    if root * root == corpora.size:
        away = _distance(_band(replace(corpora, width=fmpq(1, 2 * root))).shares, middle.prob)
        yield Finding("band of width ~ 1/sqrt N: TV(a string's law, q) -> 0", away, tolerance=1 / root)
    away = _distance(_band(corpora).shares, edge.prob)
    yield Finding("fixed band: TV(a string's law, the edge's member) -> 0", away, tolerance=4 / corpora.size)


def _reversed_exponent(corpora: LineCorpora) -> Iterator[Finding]:
    q = corpora.conditioned()
    wrong = kl_divergence(corpora.found.numbers.prob, q.prob)
    log_factor = _log_probability(corpora, _on_line(corpora)) + wrong * corpora.size
    factor = log_factor.exp() / _local_factor(corpora, q)
    yield Finding("P exp(N KL(p+ || q)) over its local limit -> 1", factor - 1, tolerance=2 / corpora.size)


def _fixed_band(corpora: LineCorpora) -> Iterator[Finding]:
    away = _distance(_band(corpora).shares, corpora.conditioned().prob)
    yield Finding("fixed band: TV(a string's law, q) -> 0", away, tolerance=4 / corpora.size)


def _any_corpus(corpora: LineCorpora) -> Iterator[Finding]:
    levels = [k for _, k in corpora.points]
    anywhere = _types(corpora, range(min(levels) * corpora.size, max(levels) * corpora.size + 1))
    away = _distance(anywhere.shares, corpora.conditioned().prob)
    yield Finding("TV(a string's law given Lbar = l, q) -> 0", away, tolerance=0.5 / corpora.size)


_LINE_MODELS = (
    ((4, 16, 8, 1), (1, fmpq(1, 4), 1, 16), (fmpq(0), fmpq(-1)), (32, 64, 128, 256)),
    ((1, 2, 1, 2), (1, fmpq(1, 2), 2, 2), (fmpq(1, 2), fmpq(3, 4)), (32, 64, 128, 256)),
    ((2, 8, 2, 4, 1), (1, fmpq(1, 4), 2, 1, 4), (fmpq(1),), (32, 64)),
)
"""Weights of p, e^R, the means of a, and N; those of p+ sum to a power of two, so that Ibar = H for all these N."""


def _line_cases(profile: Profile) -> Iterator[Case]:
    for prior, factor, shares, sizes in _LINE_MODELS:
        table = case("", examples.table(prior, factor))
        for share, size in itertools.product(shares, sizes if profile.full else sizes[:2]):
            name = f"p = {prior}, e^R = ({', '.join(map(str, factor))}), l = log p(x) + {share} log 2, N = {size}"
            yield Case(name, line_corpora(table.content, share, size), table.spec)


def _long_corpora(profile: Profile) -> Iterator[Case]:
    """N = 256: the limit is near enough to be told from another."""
    prior, factor, shares, sizes = _LINE_MODELS[0]
    table = case("", examples.table(prior, factor))
    yield Case(f"p = {prior}, N = {sizes[-1]}", line_corpora(table.content, shares[0], sizes[-1]), table.spec)


CLAIM = Claim(
    id="adaptors.conditioning",
    sentence="C",
    clauses=(
        Clause(
            name="limit",
            text="a string of a corpus with Ibar = H and Lbar = l tends in law to the q_{s,t} with E L = l and CE = H as N "
            "grows, where p and e^R are powers of two up to a factor",
            formula=r"P(y_1=y\mid\bar L=l,\bar I=H)\to q(y),\quad q=q_{s,t}:\ \mathbb{E}_qL=l,\ \mathrm{CE}(q)=H",
        ),
        Clause(
            name="ratio",
            text="at every N the event {Lbar = l, Ibar = H} has exp(-N [H(p+) - H(q)]) times its probability under q, "
            "and H(p+) - H(q) = KL(q||p+)",
            formula=r"P(\bar L=l,\bar I=H)=e^{-N[H(p_+)-H(q)]}P_q(\bar L=l,\bar I=H)",
        ),
        Clause(
            name="exponent",
            text="-log P/N tends to H(p+) - H(q), and P exp(N [H(p+) - H(q)]) to its local limit, the area of a lattice "
            "cell over 2 pi N sqrt(det Cov_q)",
            formula=r"-\tfrac1N\log P(\bar L=l,\bar I=H)\to H(p_+)-H(q)",
        ),
        Clause(
            name="band",
            text="given Lbar = l and |Ibar - H| < eps the limit is q if eps tends to 0 as N grows; with a small eps kept fixed "
            "it is the q_{s,t} on the band's edge that is nearest p+, another than q unless q has t = 1",
        ),
    ),
    hypotheses=(
        "finitely many strings with 1, L, R independent, and (l, log Z - H - l) inside the hull of the (L, R)",
        "here p and e^R powers of two up to a factor, so that corpora lie on the line exactly",
    ),
    source="Csiszar (1984), Ann. Probab. 12, 768-793; Dembo and Zeitouni (1998), section 7.3",
    check=_conditioning,
    cases=_line_cases,
    controls=(
        Control(
            "reversed-exponent", "puts KL(p+ || q) for KL(q || p+) in the exponent", _reversed_exponent, _long_corpora
        ),
        Control(
            "fixed-band",
            "keeps the width of the typical band fixed as N grows, with the limit q",
            _fixed_band,
            _long_corpora,
        ),
        Control("any-corpus", "drops the typicality and conditions on Lbar = l alone", _any_corpus, _long_corpora),
    ),
    remark="P_q(Lbar = l, Ibar = H) is within 2/N of its local limit. For N >= 32 the string's law is within 1/(2N) "
    "of q in total variation, "
    "and within 1/N^2 with its 1/N term: -q(y)/2 times the part of the Mahalanobis distance of (L, R) that is orthogonal "
    "to 1, L and R. If p and e^R are not on such a lattice, few corpora or none have exactly these averages, and "
    "Csiszar's theorem is about a band around them.",
    order=4090,
    sketch=r"""
On a corpus with these averages $\prod p_+=\prod q\cdot e^{-N[H(p_+)-H(q)]}$, because $\log q_{s,t}$ is affine in
$(L,R)$: the ratio is constant on the event, so conditioning on it forgets whether strings came from $p_+$ or $q$.
Under $q$ the event is in the centre, and a single string keeps its law.
""",
)
