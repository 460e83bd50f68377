"""Chains of sampling adaptors as values: the name, the value and the options of each step, with one text form."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import SupportsIndex, overload

from flint import fmpq

from theory.adaptors.other_names import hint
from theory.arithmetic.exact import rational, whole_numbers

Given = str | int | float | fmpq
Test = Callable[[fmpq], bool]
Domain = tuple[str, Test]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an adaptor: its default, and the words it takes, or the domain of its number."""

    default: str
    words: tuple[str, ...] = ()
    domain: Domain = ("a number", lambda v: True)

    def read(self, given: Given) -> str:
        """The option as its one text.

        Raises:
            ValueError: outside the domain (says what is wanted).
        """
        if self.words:
            if given not in self.words:
                raise ValueError(f"needs {' or '.join(self.words)}, got {given}")
            return str(given)
        wanted, inside = self.domain
        value = rational(given)
        if not inside(value):
            raise ValueError(f"needs {wanted}, got {value}")
        return str(value)


@dataclass(frozen=True, slots=True)
class Kind:
    """What is known of an adaptor by its name.

    Args:
        domain: of its value.
        options: by their names.
        keeps_order: a more probable token never gets less weight than a less probable one.
        history: it needs the tokens before; an automaton's state does not fix it.
        bends: its weights are no common power of the kept probabilities.
        random: it tosses a coin at every token, and so has a local law only.
    """

    domain: Domain
    options: Mapping[str, Option]
    keeps_order: bool = True
    history: bool = False
    bends: bool = False
    random: bool = False


_POSITIVE: Domain = ("a value > 0", lambda v: v > 0)
_NOT_NEGATIVE: Domain = ("a value >= 0", lambda v: v >= 0)
_SHARE: Domain = ("a value in (0, 1]", lambda v: 0 < v <= 1)
_COUNT: Domain = ("a whole number >= 1", lambda v: v >= 1 and v.q == 1)
_WHOLE: Domain = ("a whole number >= 0", lambda v: v >= 0 and v.q == 1)

_TIES = {"ties": Option("lowest", ("lowest", "all"))}
_BOUNDARY = {"boundary": Option("reach", ("reach", "exceed"))}
_MASS = {"mass": Option("after", ("after", "before"))}
_WINDOW = {"window": Option("0", domain=_WHOLE), "prompt": Option("left-out", ("left-out", "counted"))}

KINDS: dict[str, Kind] = {
    "temperature": Kind(_POSITIVE, {}),
    "top_k": Kind(_COUNT, _TIES),
    "nucleus": Kind(_SHARE, _TIES | _BOUNDARY | _MASS),
    "typical": Kind(_SHARE, _TIES | _BOUNDARY, keeps_order=False),
    "eta": Kind(_SHARE, {}),
    "epsilon": Kind(_SHARE, _MASS),
    "min_p": Kind(("a value in [0, 1]", lambda v: 0 <= v <= 1), {}),
    "top_n_sigma": Kind(_POSITIVE, {}),
    "top_h": Kind(_SHARE, {"candidates": Option("100", domain=_COUNT)}),
    "top_a": Kind(_SHARE, {}),
    "tail_free": Kind(_SHARE, {}),
    "dynamic_temperature": Kind(
        _POSITIVE,
        {
            "range": Option("1/2", domain=_NOT_NEGATIVE),
            "exponent": Option("1", domain=_POSITIVE),
            "count": Option("kept", ("kept", "all")),
        },
        bends=True,
    ),
    "quadratic": Kind(
        _POSITIVE, {"curve": Option("1", domain=("a value in [1, 3]", lambda v: 1 <= v <= 3))}, bends=True
    ),
    "xtc": Kind(
        _SHARE,
        {"probability": Option("1/2", domain=("a value in [0, 1]", lambda v: 0 <= v <= 1)), **_TIES, **_BOUNDARY},
        keeps_order=False,
        bends=True,
        random=True,
    ),
    "repetition_penalty": Kind(
        _POSITIVE, {"gauge": Option("0"), **_WINDOW}, keeps_order=False, history=True, bends=True
    ),
    "presence_penalty": Kind(("a number", lambda v: True), _WINDOW, keeps_order=False, history=True, bends=True),
    "frequency_penalty": Kind(("a number", lambda v: True), _WINDOW, keeps_order=False, history=True, bends=True),
    "dry": Kind(
        _NOT_NEGATIVE,
        {"base": Option("7/4", domain=_POSITIVE), "allowed": Option("2", domain=_COUNT), **_WINDOW},
        keeps_order=False,
        history=True,
        bends=True,
    ),
    "no_repeat_ngram": Kind(_COUNT, _WINDOW, keeps_order=False, history=True),
}

ADAPTORS = ("temperature", "top_k", "nucleus", "typical", "eta", "epsilon", "min_p")
"""The adaptors of the claims; their weights are one power of the kept probabilities."""

FURTHER_ADAPTORS = tuple(name for name in KINDS if name not in ADAPTORS)
"""Adaptors of engines, beyond those of the claims."""


@dataclass(frozen=True, slots=True)
class Adaptor:
    """One adaptor and its setting.

    Args:
        options: (name, text) of the options that differ from their defaults, in the order of ``KINDS``.

    Raises:
        ValueError: unknown name, or a value or an option outside its domain (says which).
    """

    name: str
    value: fmpq
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.name not in KINDS:
            raise ValueError(f"unknown adaptor {self.name!r}{hint(self.name)}; known: {', '.join(KINDS)}")
        wanted, inside = self.kind.domain
        if not inside(self.value):
            raise ValueError(f"{self.name} needs {wanted}, got {self.value}")
        given, found = dict(self.options), []
        for option, rule in self.kind.options.items():
            try:
                text = rule.read(given.pop(option, rule.default))
            except ValueError as error:
                raise ValueError(f"{self.name}, {option}: {error}") from None
            if text != rule.default:
                found.append((option, text))
        if given:
            takes = ", ".join(self.kind.options) or "none"
            raise ValueError(f"{self.name} has no option {next(iter(given))!r}; it takes {takes}")
        object.__setattr__(self, "options", tuple(found))

    def __hash__(self) -> int:
        # that of an fmpq is a Fraction's, and slow
        return hash((self.name, *whole_numbers(self.value), self.options))

    @property
    def kind(self) -> Kind:
        """What is known by the name."""
        return KINDS[self.name]

    def word(self, option: str) -> str:
        """An option's text, its default where it was not given."""
        default = self.kind.options[option].default
        return dict(self.options).get(option, default) if self.options else default

    def number(self, option: str) -> fmpq:
        """An option's number."""
        return _number(self.word(option))

    @property
    def setting(self) -> str:
        """The value and the options in one text, which ``chain`` reads back: ``9/10 boundary=exceed``."""
        return " ".join([str(self.value), *(f"{option}={text}" for option, text in self.options)])

    def __str__(self) -> str:
        """``nucleus 9/10``."""
        return f"{self.name} {self.setting}"

    def __repr__(self) -> str:
        options = f", options={self.options}" if self.options else ""
        return f"Adaptor(name={self.name!r}, value={self.value}{options})"


@functools.cache
def _number(text: str) -> fmpq:
    """An option's text is read at every prefix of a model."""
    return rational(text)


class Chain(tuple[Adaptor, ...]):
    """Adaptors that act one after another, left to right; none leave p+ as it is.

    >>> str(chain(("top_k", 2), ("temperature", "1/2"))), str(Chain())
    ('top_k 2 then temperature 1/2', 'p+')
    """

    __slots__ = ()

    def __str__(self) -> str:
        return " then ".join(map(str, self)) or "p+"

    @overload
    def __getitem__(self, place: SupportsIndex) -> Adaptor: ...
    @overload
    def __getitem__(self, place: slice) -> Chain: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Adaptor | Chain:
        """One step, or the chain of some."""
        return Chain(super().__getitem__(place)) if isinstance(place, slice) else super().__getitem__(place)

    def pairs(self) -> list[list[str]]:
        """[name, value and options] of each step, as records keep them."""
        return [[step.name, step.setting] for step in self]

    @property
    def history(self) -> Adaptor | None:
        """The first step that needs the tokens before; None where the next-token law is enough."""
        return next((step for step in self if step.kind.history), None)

    @property
    def random(self) -> Adaptor | None:
        """The first step that tosses a coin, so that the chain has a local law only."""
        return next((step for step in self if step.kind.random), None)

    @property
    def bends(self) -> bool:
        """Whether the weights are no common power of the kept probabilities."""
        return any(step.kind.bends for step in self)

    @property
    def keeps_order(self) -> bool:
        """Whether a more probable token never gets less weight than a less probable one."""
        return all(step.kind.keeps_order for step in self)


def adaptor(name: str, value: Given, **options: Given) -> Adaptor:
    """One step. A text may hold options behind the value: ``"9/10 boundary=exceed"``.

    >>> adaptor("nucleus", "9/10 boundary=exceed") == adaptor("nucleus", "9/10", boundary="exceed")
    True

    Raises:
        ValueError: unknown name or option, or a value outside its domain (says which).
    """
    if isinstance(value, str) and "=" in value:
        head, *rest = value.split()
        for part in rest:
            option, equals, text = part.partition("=")
            if not equals or option in options:
                raise ValueError(f"{name}: expected option=value once each behind the value, got {part!r}")
            options[option] = text
        value = head
    return Adaptor(name, rational(value), tuple((option, str(given)) for option, given in options.items()))


def chain(*steps: tuple[str, Given]) -> Chain:
    """The chain of these (name, value) steps, applied left to right.

    >>> chain(("top_k", 2), ("temperature", "1/2"))
    (Adaptor(name='top_k', value=2), Adaptor(name='temperature', value=1/2))
    """
    return Chain(adaptor(name, value) for name, value in steps)


__all__ = ["ADAPTORS", "FURTHER_ADAPTORS", "KINDS", "Adaptor", "Chain", "Given", "Kind", "Option", "adaptor", "chain"]
