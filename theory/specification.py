"""Specifications: a model, its reward, adaptors and a corpus, written in TOML and read without guessing.

"a/b" and decimals in quotes are exact, and so are integers; a bare float is read as its shortest decimal and makes
what depends on it uncertified. Everything that is not understood is refused with the name of the element.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flint import fmpq

from theory.adaptors import ADAPTORS, Adaptor, Chain
from theory.alignment import Aligned, align
from theory.exact import objects, rational
from theory.language_models.tree import TreeModel
from theory.law import check_distinct
from theory.rewards import Reward, exp_reward, reward_over_beta

_SLACK = fmpq(1, 10**9)


class SpecificationError(ValueError):
    """Input that cannot be used: one line that names the element and what to do."""


@dataclass(frozen=True, slots=True)
class AdaptorEntry:
    """One [[adaptor]]: its chain, how it is normalised, and the words it was written in.

    Args:
        exact: no value was a bare float.
    """

    name: Any
    value: Any
    normalise: str
    chain: Chain
    exact: bool


@dataclass(frozen=True, slots=True)
class CorpusEntry:
    """[corpus]: N >= 1 strings, and the half-width epsilon > 0 of the typical band in nats."""

    size: int
    epsilon: fmpq
    exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class Specification:
    """A model as specified.

    Args:
        kind: "table" or "tree".
        exact: neither prior, reward nor beta holds a bare float.
        notes: what reading changed, in words.
    """

    kind: str
    aligned: Aligned
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    exact: bool
    notes: tuple[str, ...]


def read_specification(path: Path) -> Specification:
    """The specification of a table or a tree in a TOML file.

    Raises:
        SpecificationError: the file is missing, unreadable, not TOML, or not a specification.
    """
    with located(str(path)):
        return specification(read_document(path))


def read_document(path: Path) -> dict[str, Any]:
    """The TOML document in a file.

    Raises:
        SpecificationError: the file is missing, unreadable, or not TOML.
    """
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise SpecificationError(f"cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SpecificationError(f"not UTF-8 text (byte {error.start})") from None
    return parse_document(text)


def parse_document(text: str) -> dict[str, Any]:
    """The TOML document in ``text``.

    Raises:
        SpecificationError: not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecificationError(f"TOML syntax: {error}") from None


def parse_specification(text: str) -> Specification:
    """The specification written in ``text``.

    Raises:
        SpecificationError: not TOML, or not a specification.
    """
    return specification(parse_document(text))


def specification(document: Mapping[str, Any]) -> Specification:
    """The specification in a parsed TOML document.

    Raises:
        SpecificationError: names the element that is refused.
    """
    refuse_unknown(document, {"prior", "reward", "adaptor", "corpus"}, "the specification")
    reader = Reader()
    prior = section(document, "prior")
    reward = section(document, "reward")
    kind = prior.get("kind")
    if kind is None:
        raise SpecificationError('prior.kind is missing: "table", "tree" or "automaton"')
    if kind not in {"table", "tree"}:
        raise SpecificationError(f'prior.kind must be "table", "tree" or "automaton", got {kind!r}')
    beta = read_beta(reader, reward, needed="values" in reward or "token" in reward or "string" in reward)
    aligned = (_table if kind == "table" else _tree)(reader, prior, reward, beta)
    entries = document.get("adaptor", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise SpecificationError("adaptor must be an array of tables, written [[adaptor]]")
    return Specification(
        kind=kind,
        aligned=aligned,
        adaptors=tuple(adaptor_entry(entry, k) for k, entry in enumerate(entries, start=1)),
        corpus=corpus_entry(document["corpus"]) if "corpus" in document else None,
        exact=not reader.floats,
        notes=tuple(reader.notes),
    )


class Reader:
    """Reads numbers, and remembers whether a bare float was among them and what was changed."""

    def __init__(self) -> None:
        self.floats = False
        self.notes: list[str] = []

    def number(self, value: Any, where: str, convert: Callable[[Any], Any] = rational) -> Any:
        """The number that a value of the file writes; ``where`` names it in errors.

        Raises:
            SpecificationError: it is no number, or ``convert`` refuses it.
        """
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise SpecificationError(f"{where}: expected a number, got {value!r}")
        self.floats |= isinstance(value, float)
        with located(where):
            return convert(value)

    def law(self, values: Any, where: str, names: Sequence[str]) -> list[fmpq]:
        """Probabilities, one per name: exactly 1 in sum, or within 1e-9 and then divided by it if floats.

        Raises:
            SpecificationError: no list, one of another length, a negative entry (named), or another sum.
        """
        if not isinstance(values, list):
            raise SpecificationError(f"{where}: expected a list of probabilities, got {values!r}")
        if len(values) != len(names):
            raise SpecificationError(f"{where}: needs {len(names)} probabilities, got {len(values)}")
        prob = []
        for value, name in zip(values, names, strict=True):
            p = self.number(value, f"{where}, {name}")
            if p < 0:
                raise SpecificationError(f"{where}, {name}: a probability must be >= 0, got {value}")
            prob.append(p)
        total = sum(prob, start=fmpq(0))
        if total == 1:
            return prob
        if not any(isinstance(v, float) for v in values) or abs(total - 1) > _SLACK:
            raise SpecificationError(f"{where}: probabilities must sum to 1, got {_readable(total)}")
        self.notes.append(f"{where}: floats that sum to 1 {float_text(total - 1)}; divided by their sum once")
        return [p / total for p in prob]


def float_text(gap: fmpq) -> str:
    """A small rational as a signed decimal.

    >>> float_text(fmpq(-1, 10**12))
    '- 1e-12'
    """
    value = int(gap.p) / int(gap.q)
    return f"{'-' if value < 0 else '+'} {abs(value):.3g}"


def _readable(value: fmpq) -> str:
    """A rational as a/b, with its decimal where a/b is long, and with its distance from 1 where that is small."""
    text = str(value)
    if len(text) <= 48:
        return text
    return f"1 {float_text(value - 1)}" if abs(value - 1) < fmpq(1, 1000) else f"{int(value.p) / int(value.q):.17g}"


@contextmanager
def located(where: str) -> Iterator[None]:
    """Errors raised inside are about ``where``, a file or an element.

    Raises:
        SpecificationError: for every ValueError inside, with the place in front.
    """
    try:
        yield
    except ValueError as error:
        raise SpecificationError(f"{where}: {error}") from None


def section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table of the document, which must be there.

    Raises:
        SpecificationError: it is missing, or no table.
    """
    found = document.get(name)
    if not isinstance(found, dict):
        raise SpecificationError(f"[{name}] is missing" if found is None else f"[{name}] must be a table")
    return found


def refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse a key that is not known.

    Raises:
        SpecificationError: names the key, and the known ones.
    """
    for key in table:
        if key not in known:
            raise SpecificationError(f"unknown key {key!r} in {where}; known: {', '.join(sorted(known))}")


def read_strings(value: Any, where: str) -> list[str]:
    """A list of different strings, at least one.

    Raises:
        SpecificationError: no such list.
    """
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SpecificationError(f"{where}: expected a list of strings in quotes")
    if not value:
        raise SpecificationError(f"{where}: the list is empty; a support needs at least one string")
    with located(where):
        check_distinct(value)
    return value


def read_beta(reader: Reader, reward: Mapping[str, Any], needed: bool) -> fmpq:
    """beta > 0, or 1 where it is left out and not needed.

    Raises:
        SpecificationError: missing though needed, not a number, or not > 0.
    """
    if "beta" not in reward:
        if needed:
            raise SpecificationError("reward.beta is missing; it divides the rewards (only exp_ rewards do without)")
        return fmpq(1)
    beta: fmpq = reader.number(reward["beta"], "reward.beta")
    if not beta > 0:
        raise SpecificationError(f"reward.beta must be > 0, got {reward['beta']}")
    return beta


def _table(reader: Reader, prior: Mapping[str, Any], reward: Mapping[str, Any], beta: fmpq) -> Aligned:
    refuse_unknown(prior, {"kind", "strings", "probs"}, "[prior]")
    refuse_unknown(reward, {"beta", "values", "exp_values"}, "[reward]")
    for key in ("strings", "probs"):
        if key not in prior:
            raise SpecificationError(f"prior.{key} is missing")
    strings = read_strings(prior["strings"], "prior.strings")
    prob = reader.law(prior["probs"], "prior.probs", [repr(s) for s in strings])
    if ("values" in reward) == ("exp_values" in reward):
        count = "both" if "values" in reward else "neither"
        raise SpecificationError(f"[reward] needs either values or exp_values, got {count}")
    key = "values" if "values" in reward else "exp_values"
    if key == "exp_values" and beta != 1:
        raise SpecificationError(f"reward.beta = {beta} with exp_values: they are e^(r/beta) already; leave beta out")
    given = reward[key]
    if not isinstance(given, list) or len(given) != len(strings):
        got = len(given) if isinstance(given, list) else repr(given)
        raise SpecificationError(f"reward.{key}: needs {len(strings)} numbers, one per string, got {got}")
    rewards, kept = [], []
    for place, (name, p, value) in enumerate(zip(strings, prob, given, strict=True)):
        if p > 0:
            kept.append(place)
            rewards.append(read_reward(reader, value, beta, f"reward.{key}, {name!r}", exponential=key != "values"))
    model = TreeModel.table([strings[k] for k in kept], objects(prob[k] for k in kept))
    with located(f"reward.{key}"):
        return align(model, rewards)


def read_reward(reader: Reader, value: Any, beta: fmpq, where: str, *, exponential: bool) -> Reward:
    """One reward: r over beta, or e^(r/beta) if ``exponential``.

    Raises:
        SpecificationError: +inf, NaN or no number.
    """
    if isinstance(value, float) and (math.isnan(value) or value == math.inf):
        raise SpecificationError(f"{where}: a reward must be a number or -inf, got {value}")
    convert = exp_reward if exponential else lambda v: reward_over_beta(v, beta)
    result: Reward = reader.number(value, where, convert)
    return result


def _tree(reader: Reader, prior: Mapping[str, Any], reward: Mapping[str, Any], beta: fmpq) -> Aligned:
    refuse_unknown(prior, {"kind", "alphabet", "next"}, "[prior]")
    refuse_unknown(reward, {"beta", "token", "exp_token", "string", "exp_string"}, "[reward]")
    if "alphabet" not in prior:
        raise SpecificationError("prior.alphabet is missing")
    alphabet = read_strings(prior["alphabet"], "prior.alphabet")
    for token in alphabet:
        if not token or token.split() != [token]:
            raise SpecificationError(f"prior.alphabet: {token!r} is empty or has a space; prefixes are split at spaces")
    rows: dict[tuple[str, ...], list[fmpq]] = {}
    names = [*(repr(t) for t in alphabet), "end"]
    if not isinstance(prior.get("next"), dict):
        raise SpecificationError("[prior.next] is missing: it maps each prefix to its next-token probabilities")
    for text, row in prior["next"].items():
        prefix = _prefix(text, alphabet, "prior.next")
        if prefix in rows:
            raise SpecificationError(f'prior.next: prefix "{" ".join(prefix)}" occurs twice')
        rows[prefix] = reader.law(row, f'prior.next "{text}"', names)
    with located("prior.next"):
        model = TreeModel.from_next(alphabet, rows)
    return _rewarded_tree(reader, reward, beta, model, rows)


def _rewarded_tree(
    reader: Reader,
    reward: Mapping[str, Any],
    beta: fmpq,
    model: TreeModel,
    rows: Mapping[tuple[str, ...], Sequence[fmpq]],
) -> Aligned:
    alphabet = model.tree.alphabet
    by_token: dict[str, Reward] = {}
    by_string: dict[tuple[str, ...], Reward] = {}
    for key, exponential in (("token", False), ("exp_token", True), ("string", False), ("exp_string", True)):
        table = reward.get(key, {})
        if not isinstance(table, dict):
            raise SpecificationError(f"reward.{key} must be a table, one number per {key.removeprefix('exp_')}")
        for text, value in table.items():
            part = read_reward(reader, value, beta, f'reward.{key} "{text}"', exponential=exponential)
            if key.endswith("token"):
                _known_token(text, alphabet, f"reward.{key}")
                by_token[text] = by_token.get(text, Reward()) + part
            else:
                string = _prefix(text, alphabet, f"reward.{key}")
                if string and string[:-1] not in rows:
                    raise SpecificationError(f'reward.{key}: the model has no string "{text}"')
                by_string[string] = by_string.get(string, Reward()) + part
    rewards = []
    for node in model.strings():
        tokens = model.tree.tokens(int(node))
        total = by_string.get(tuple(tokens), Reward())
        for token in tokens:
            total = total + by_token.get(token, Reward())
        rewards.append(total)
    with located("reward"):
        return align(model, rewards)


def _known_token(token: str, alphabet: Sequence[str], where: str) -> None:
    if token not in alphabet:
        raise SpecificationError(f"{where}: token {token!r} is not in prior.alphabet")


def _prefix(text: str, alphabet: Sequence[str], where: str) -> tuple[str, ...]:
    tokens = tuple(text.split())
    for token in tokens:
        _known_token(token, alphabet, f'{where} "{text}"')
    return tokens


def adaptor_entry(entry: Mapping[str, Any], number: int) -> AdaptorEntry:
    """One [[adaptor]].

    Raises:
        SpecificationError: names the entry by its number.
    """
    where = f"adaptor {number}"
    refuse_unknown(entry, {"name", "value", "normalise"}, where)
    for key in ("name", "value"):
        if key not in entry:
            raise SpecificationError(f"{where}: {key} is missing")
    names, values = entry["name"], entry["value"]
    if isinstance(names, list) != isinstance(values, list):
        raise SpecificationError(f"{where}: name and value must both be lists (a chain) or both be single")
    if not isinstance(names, list):
        names, values = [names], [values]
    if not names or len(names) != len(values):
        raise SpecificationError(f"{where}: a chain needs as many values as names, got {len(names)} and {len(values)}")
    reader = Reader()
    steps = []
    for name, value in zip(names, values, strict=True):
        if name not in ADAPTORS:
            raise SpecificationError(f"{where}: unknown adaptor {name!r}; known: {', '.join(ADAPTORS)}")
        setting = reader.number(value, f"{where}, {name}")
        with located(where):
            steps.append(Adaptor(name, setting))
    normalise = entry.get("normalise", "local")
    if normalise not in ("local", "global"):
        raise SpecificationError(f'{where}: normalise must be "local" or "global", got {normalise!r}')
    return AdaptorEntry(entry["name"], entry["value"], normalise, tuple(steps), not reader.floats)


def corpus_entry(entry: Any) -> CorpusEntry:
    """[corpus].

    Raises:
        SpecificationError: a size or an epsilon that cannot be.
    """
    if not isinstance(entry, dict):
        raise SpecificationError("[corpus] must be a table with size and epsilon")
    refuse_unknown(entry, {"size", "epsilon"}, "[corpus]")
    for key in ("size", "epsilon"):
        if key not in entry:
            raise SpecificationError(f"corpus.{key} is missing")
    reader = Reader()
    size = reader.number(entry["size"], "corpus.size")
    if size.q != 1 or size < 1:
        raise SpecificationError(f"corpus.size must be a whole number >= 1, got {entry['size']}")
    epsilon = reader.number(entry["epsilon"], "corpus.epsilon")
    if not epsilon > 0:
        raise SpecificationError(f"corpus.epsilon must be > 0, got {entry['epsilon']}")
    return CorpusEntry(int(size.p), epsilon, exact=not isinstance(entry["epsilon"], float))


def write_specification(aligned: Aligned) -> str:
    """The model as a specification that ``read_specification`` takes back: same strings, p and R.

    A table keeps its strings; a tree gets its next-token laws from the strings' masses and its rewards per string.

    Raises:
        ValueError: strings were removed by a reward -inf, so that p no longer sums to 1 and is not to be recovered.
    """
    if aligned.prior.sum() != 1:
        raise ValueError(f"the strings left have prior mass {aligned.prior.sum()}, not 1: removed strings are not kept")
    tree = aligned.tree
    pure = all(r.exponent == 0 for r in aligned.reward) or all(r.factor == 1 for r in aligned.reward)
    if len(tree.levels) == 3 and not (aligned.node == 0).any() and pure:
        return _written_table(aligned)
    mass = objects([fmpq(0)] * len(tree))
    mass[aligned.node] = aligned.prior
    model = TreeModel.from_masses(tree, mass)
    lines = ["[prior]", 'kind = "tree"', f"alphabet = {_quoted(tree.alphabet)}", "", "[prior.next]"]
    for node in range(len(tree)):
        row = dict.fromkeys(range(len(tree.alphabet)), fmpq(0))
        row |= {int(tree.token[child]): model.prob[child] for child in tree.children(node)}
        if node == 0 or len(tree.children(node)):
            lines.append(f"{_basic(' '.join(tree.tokens(node)))} = {_quoted([*row.values(), model.end[node]])}")
    lines += ["", "[reward]", 'beta = "1"']
    names = [_basic(" ".join(tree.tokens(int(node)))) for node in aligned.node]
    for key, attribute, neutral in (("string", "exponent", 0), ("exp_string", "factor", 1)):
        pairs = [(name, getattr(r, attribute)) for name, r in zip(names, aligned.reward, strict=True)]
        if any(value != neutral for _, value in pairs):
            lines += [f"[reward.{key}]", *(f'{name} = "{value}"' for name, value in pairs if value != neutral)]
    return "\n".join(lines) + "\n"


def _written_table(aligned: Aligned) -> str:
    exponential = all(r.exponent == 0 for r in aligned.reward)
    values = [r.factor if exponential else r.exponent for r in aligned.reward]
    return "\n".join(
        [
            "[prior]",
            'kind = "table"',
            f"strings = {_quoted(aligned.names())}",
            f"probs = {_quoted(aligned.prior)}",
            "",
            "[reward]",
            *([] if exponential else ['beta = "1"']),
            f"{'exp_values' if exponential else 'values'} = {_quoted(values)}",
            "",
        ]
    )


def _quoted(values: Iterable[Any]) -> str:
    return "[" + ", ".join(_basic(str(value)) for value in values) + "]"


def _basic(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
