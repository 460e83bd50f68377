"""[[adaptor]] of a specification: a chain by names and values, or an engine's settings in its own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from theory.adaptors.engines import engine
from theory.adaptors.exact import NO_GLOBAL, Adaptor, Chain, adaptor
from theory.adaptors.other_names import OTHER_NAMES
from theory.arithmetic.exact import rational
from theory.specification.documents import AdaptorTable
from theory.specification.reader import Number, Reader, SpecificationError, as_number, check_temperature, located

_RULES = ("ties", "boundary", "mass")


@dataclass(frozen=True, slots=True)
class AdaptorEntry:
    """One [[adaptor]]: its chain, how it is normalised, and the words it was written in.

    Args:
        exact: no value was a bare float.
        said: what an engine ignores or adds, and what names of other tools are here.
        engine: its name; None where the chain was written out.
    """

    name: str | list[str]
    value: Number | list[Number]
    normalise: Literal["local", "global"]
    chain: Chain
    exact: bool
    said: tuple[str, ...] = ()
    engine: str | None = None


def adaptor_entry(
    entry: AdaptorTable, number: int, *, other_names: bool = False, product: bool = False
) -> AdaptorEntry:
    """One [[adaptor]].

    Args:
        entry: as it is written.
        number: its place, from 1.
        other_names: whether the names of other tools are taken, which is said.
        product: whether the model's states can follow the tokens before.

    Raises:
        SpecificationError: names the entry by its number.
    """
    where = f"adaptor {number}"
    if entry.engine is not None:
        found = _of_engine(entry, where)
    elif entry.settings is not None:
        raise SpecificationError(f"{where}: settings are an engine's; add engine = ..., or write name and value")
    else:
        found = _written(entry, where, other_names=other_names)
    if entry.normalise == "global" and found.chain.random is not None:
        raise SpecificationError(f"{where}: {NO_GLOBAL}")
    if entry.product and not product:
        raise SpecificationError(f"{where}: product is of automata, whose states do not know the tokens before")
    if entry.product and found.chain.history is None:
        raise SpecificationError(f"{where}: product follows the tokens before, and no step here needs them")
    return found


def _of_engine(entry: AdaptorTable, where: str) -> AdaptorEntry:
    if entry.name is not None or entry.value is not None or any(getattr(entry, rule) for rule in _RULES):
        raise SpecificationError(f"{where}: an engine brings its own names, values and rules; leave yours out")
    assert entry.engine is not None, "the caller looked"
    settings = {}
    for name, value in (entry.settings or {}).items():
        with located(f"{where}, {name}"):
            settings[name] = as_number(value)
    with located(where):
        expansion = engine(entry.engine).expand(settings)
    steps = expansion.chain
    exact = not any(isinstance(value, float) for value in settings.values())
    said = tuple(f"{where}: {entry.engine}: {line}" for line in (f"expands to {steps}", *expansion.said))
    names, values = [step.name for step in steps], [step.setting for step in steps]
    return AdaptorEntry(names, list(values), entry.normalise, steps, exact, said, entry.engine)


def _written(entry: AdaptorTable, where: str, *, other_names: bool) -> AdaptorEntry:
    if entry.name is None:
        raise SpecificationError(f"{where}: needs name and value, or engine and settings")
    if entry.value is None:
        raise SpecificationError(f"{where}: value is missing")
    if isinstance(entry.name, list) != isinstance(entry.value, list):
        raise SpecificationError(f"{where}: name and value must both be lists (a chain) or both be single")
    names = entry.name if isinstance(entry.name, list) else [entry.name]
    given: list[object] = entry.value if isinstance(entry.value, list) else [entry.value]
    if not names or len(names) != len(given):
        raise SpecificationError(f"{where}: a chain needs as many values as names, got {len(names)} and {len(given)}")
    reader = Reader()
    written: list[Number] = []
    steps: list[Adaptor] = []
    said: list[str] = []
    for name, value in zip(names, given, strict=True):
        as_given = reader.converted(value, f"{where}, {name}", _checked)
        written.append(as_given)
        ours = OTHER_NAMES.get(name, name) if other_names else name
        if ours != name:
            said.append(f"{where}: {name} is {ours} here")
        with located(where):
            step = adaptor(ours, as_given)
            steps.append(step)
            check_temperature(ours, step.value, value)
    steps = _ruled(entry, steps, where)
    as_written = written if isinstance(entry.value, list) else written[0]
    return AdaptorEntry(entry.name, as_written, entry.normalise, Chain(steps), not reader.floats, tuple(said))


def _checked(value: Number) -> Number:
    """A value as it was written; options may stand behind it in the same text.

    Raises:
        ValueError: it is no number.
    """
    rational(value.split()[0] if isinstance(value, str) and "=" in value else value)
    return value


def _ruled(entry: AdaptorTable, steps: Sequence[Adaptor], where: str) -> list[Adaptor]:
    """The steps with the entry's rules, each for the steps that know it."""
    found = list(steps)
    for rule in _RULES:
        word = getattr(entry, rule)
        if word is None:
            continue
        knowing = [k for k, step in enumerate(found) if rule in step.kind.options]
        if not knowing:
            raise SpecificationError(f"{where}: {rule} is of no use to {Chain(found)}")
        with located(where):
            for k in knowing:
                found[k] = Adaptor(found[k].name, found[k].value, (*found[k].options, (rule, word)))
    return found


__all__ = ["AdaptorEntry", "adaptor_entry"]
