"""Specifications: a model, its reward, adaptors and a corpus, written in TOML and read without guessing.

"a/b" and decimals in quotes are exact, and so are integers; a bare float is read as its shortest decimal and makes
what depends on it uncertified. Everything that is not understood is refused with the name of the element.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flint import fmpq

from theory.alignment.gibbs import Aligned, align
from theory.arithmetic.exact import objects
from theory.language_models.rewards import Reward
from theory.language_models.tree import TreeModel
from theory.models.finite import FiniteModel
from theory.specification.adaptors import AdaptorEntry, adaptor_entry
from theory.specification.constraints import Constraint, constraint_entry
from theory.specification.documents import (
    TableDocument,
    TablePrior,
    TableReward,
    TreePrior,
    TreeReward,
    finite_document,
)
from theory.specification.reader import (
    CorpusEntry,
    Reader,
    check_names,
    corpus_entry,
    located,
    parse_document,
    read_beta,
    read_document,
    read_reward,
)
from theory.specification.tables import SpecificationError

_ZERO = fmpq(0)


@dataclass(frozen=True, slots=True, eq=False)
class Specification:
    """A model as specified.

    Args:
        kind: "table" or "tree".
        exact: neither prior, reward nor beta holds a bare float.
        notes: what reading changed, in words.
        constraint: a language that the model is held to.
    """

    kind: Literal["table", "tree"]
    aligned: Aligned
    adaptors: tuple[AdaptorEntry, ...]
    corpus: CorpusEntry | None
    exact: bool
    notes: tuple[str, ...]
    constraint: Constraint | None = None

    def model(self) -> FiniteModel:
        """The model in balls, at 256 bits or the precision of the block if that is higher."""
        return FiniteModel.of(self.aligned)

    @property
    def states(self) -> None:
        """None: it is no automaton."""
        return None

    @property
    def refinable(self) -> bool:
        """Whether a higher precision makes results sharper: it does."""
        return True

    def critical_points(self, *, lawful: bool) -> None:
        """None: finitely many strings have a law at every temperature and beta."""
        del lawful
        return None


def read_specification(path: Path) -> Specification:
    """The specification of a table or a tree in a TOML file.

    Raises:
        SpecificationError: the file is missing, unreadable, not TOML, or not a specification.
    """
    with located(str(path)):
        return specification(read_document(path))


def parse_specification(text: str) -> Specification:
    """The specification written in ``text``.

    Raises:
        SpecificationError: not TOML, or not a specification.
    """
    return specification(parse_document(text))


def specification(document: Mapping[str, object]) -> Specification:
    """The specification in a parsed TOML document.

    Raises:
        SpecificationError: names the element that is refused.
    """
    found = finite_document(document)
    reader = Reader()
    if isinstance(found, TableDocument):
        aligned = _table(reader, found.prior, found.reward)
    else:
        aligned = _tree(reader, found.prior, found.reward)
    return Specification(
        kind=found.prior.kind,
        aligned=aligned,
        adaptors=tuple(adaptor_entry(entry, k, other_names=True) for k, entry in enumerate(found.adaptor, start=1)),
        corpus=None if found.corpus is None else corpus_entry(found.corpus),
        exact=not reader.floats,
        notes=tuple(reader.notes),
        constraint=constraint_entry(found.constraint),
    )


def _table(reader: Reader, prior: TablePrior, reward: TableReward) -> Aligned:
    beta = read_beta(reader, reward.beta, needed=reward.values is not None)
    check_names(prior.strings, "prior.strings")
    prob = reader.law(prior.probs, "prior.probs", [repr(s) for s in prior.strings])
    if reward.values is not None and reward.exp_values is not None:
        raise SpecificationError("[reward] needs either values or exp_values, got both")
    given = reward.values if reward.values is not None else reward.exp_values
    if given is None:
        raise SpecificationError("[reward] needs either values or exp_values, got neither")
    key = "values" if reward.values is not None else "exp_values"
    if key == "exp_values" and beta != 1:
        raise SpecificationError(f"reward.beta = {beta} with exp_values: they are e^(r/beta) already; leave beta out")
    if len(given) != len(prior.strings):
        raise SpecificationError(f"reward.{key}: needs {len(prior.strings)} numbers, one per string, got {len(given)}")
    rewards, kept = [], []
    known: dict[object, Reward] = {}  # as written: often alike
    for place, (name, p, value) in enumerate(zip(prior.strings, prob, given, strict=True)):
        if p == _ZERO:
            continue
        kept.append(place)
        one = known.get(value) if type(value) is str else None
        if one is None:
            one = read_reward(reader, value, beta, f"reward.{key}, {name!r}", exponential=key != "values")
            if type(value) is str:
                known[value] = one
        rewards.append(one)
    model = TreeModel.table([prior.strings[k] for k in kept], objects(prob[k] for k in kept))
    with located(f"reward.{key}"):
        return align(model, rewards)


def _tree(reader: Reader, prior: TreePrior, reward: TreeReward) -> Aligned:
    beta = read_beta(reader, reward.beta, needed=bool({"token", "string"} & reward.model_fields_set))
    alphabet = prior.alphabet
    check_names(alphabet, "prior.alphabet")
    for token in alphabet:
        if not token or token.split() != [token]:
            raise SpecificationError(f"prior.alphabet: {token!r} is empty or has a space; prefixes are split at spaces")
    rows: dict[tuple[str, ...], list[fmpq]] = {}
    names = [*(repr(t) for t in alphabet), "end"]
    for text, row in prior.next.items():
        prefix = _prefix(text, alphabet, "prior.next")
        if prefix in rows:
            raise SpecificationError(f'prior.next: prefix "{" ".join(prefix)}" occurs twice')
        rows[prefix] = reader.law(row, f'prior.next "{text}"', names)
    with located("prior.next"):
        model = TreeModel.from_next(alphabet, rows)
    return _rewarded_tree(reader, reward, beta, model, rows)


def _rewarded_tree(
    reader: Reader,
    reward: TreeReward,
    beta: fmpq,
    model: TreeModel,
    rows: Mapping[tuple[str, ...], Sequence[fmpq]],
) -> Aligned:
    alphabet = model.tree.alphabet
    by_token: dict[str, Reward] = {}
    by_string: dict[tuple[str, ...], Reward] = {}
    for key, table in (("token", reward.token), ("exp_token", reward.exp_token)):
        for token, value in table.items():
            part = read_reward(reader, value, beta, f'reward.{key} "{token}"', exponential=key != "token")
            _known_token(token, alphabet, f"reward.{key}")
            by_token[token] = by_token.get(token, Reward()) + part
    for key, table in (("string", reward.string), ("exp_string", reward.exp_string)):
        for text, value in table.items():
            part = read_reward(reader, value, beta, f'reward.{key} "{text}"', exponential=key != "string")
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


def _quoted(values: Iterable[object]) -> str:
    return "[" + ", ".join(_basic(str(value)) for value in values) + "]"


def _basic(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
