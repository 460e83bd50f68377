"""[[adaptor]] of a run file: chains as they are written or as an engine applies them, at every temperature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flint import fmpq
from pydantic import Field

from theory.adaptors.engines import engine
from theory.adaptors.exact import Adaptor, Chain, chain
from theory.arithmetic.exact import rational
from theory.specification.reader import Number, as_number, check_temperature, located
from theory.specification.tables import Table

LARGEST = 10**15
"""Of the settings of adaptors: whole numbers up to here are floats."""


SWEPT = "swept"
"""In the place of a temperature: each of [sampling] temperatures, one after another."""


class RunAdaptorTable(Table):
    """[[adaptor]]: one adaptor, or a chain of as many names as values; of none it is p+ itself."""

    name: str | list[str] = Field(default_factory=list[str])
    value: object = Field(default_factory=list[object])
    engine: str | None = None
    settings: dict[str, object] = Field(default_factory=dict)


Place = int
"""Where in a chain the temperatures of a run stand."""


def chains_of(entries: Sequence[RunAdaptorTable], temperatures: Sequence[Number]) -> tuple[Chain, ...]:
    """Every temperature in front of every adaptor, or at the place that it marks; a temperature of 1 is left out.

    Raises:
        ValueError: an adaptor, an engine or a value that cannot be, or a chain that is listed twice.
    """
    behind: list[tuple[Chain, Place]] = []
    for number, entry in enumerate(entries, start=1):
        with located(f"adaptor {number}"):
            behind.append(_engine_chain(entry) if entry.engine is not None else _written_chain(entry))
    found: list[Chain] = []
    for value in temperatures:
        with located("[sampling] temperatures"):
            own = _within_float64(chain(("temperature", value)), [value]) if rational(value) != 1 else Chain()
        found += [Chain((*steps[:place], *own, *steps[place:])) for steps, place in (behind or [(Chain(), 0)])]
    twice = next((steps for steps, count in Counter(found).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"the adaptor {twice} is listed twice")
    return tuple(found)


def said_of_engines(entries: Sequence[RunAdaptorTable]) -> tuple[str, ...]:
    """What the presets among these say: which chain they are, what the engine ignores, and what else decides.

    Raises:
        ValueError: as ``chains_of``.
    """
    found: list[str] = []
    for number, entry in enumerate(entries, start=1):
        if entry.engine is not None:
            with located(f"adaptor {number}"):
                steps, _, said = _expanded(entry)
            found += [f"adaptor {number}: {entry.engine}: {line}" for line in (f"expands to {steps}", *said)]
    return tuple(found)


def _written_chain(entry: RunAdaptorTable) -> tuple[Chain, Place]:
    """The steps but the swept temperature, and where that stands.

    Raises:
        ValueError: as many values as names are wanted; or a value that cannot be.
    """
    if entry.settings:
        raise ValueError("settings are an engine's; add engine = ..., or write name and value")
    names = entry.name if isinstance(entry.name, list) else [entry.name]
    values: list[object] = entry.value if isinstance(entry.value, list) else [entry.value]
    if len(names) != len(values):
        raise ValueError(f"{len(names)} names but {len(values)} values")
    pairs = list(zip(names, values, strict=True))
    swept = [place for place, pair in enumerate(pairs) if pair == ("temperature", SWEPT)]
    if len(swept) > 1:
        raise ValueError("a chain has one swept temperature at most")
    given = [(name, as_number(value)) for name, value in pairs if (name, value) != ("temperature", SWEPT)]
    return _within_float64(chain(*given), [value for _, value in given]), swept[0] if swept else 0


def _within_float64(steps: Chain, given: Sequence[Number]) -> Chain:
    """The chain, whose values float64 has.

    Raises:
        ValueError: it has not.
    """
    for step, value in zip(steps, given, strict=True):
        check_temperature(step.name, step.value, value)
        if step.value > LARGEST:
            raise ValueError(f"{step.name} needs a value of at most {LARGEST:,}, got one of {len(str(value))} digits")
    return steps


def _engine_chain(entry: RunAdaptorTable) -> tuple[Chain, Place]:
    """An engine's chain; its own temperature may be "swept".

    Raises:
        ValueError: an engine or a setting that is not known, or cannot be expressed.
    """
    steps, place, _ = _expanded(entry)
    return steps, place


def _expanded(entry: RunAdaptorTable) -> tuple[Chain, Place, tuple[str, ...]]:
    """The chain without a swept temperature, the place of that, and what is said of it all."""
    if entry.name or entry.value:
        raise ValueError("an engine brings its own names and values; leave yours out")
    own = engine(entry.engine or "")
    settings = {name: as_number(value) for name, value in entry.settings.items()}
    swept = next((step.setting for step in own.order if step.adaptor == "temperature"), "")
    if settings.get(swept) != SWEPT:
        found = own.expand(settings)
        return found.chain, 0, found.said
    mark = Adaptor("temperature", fmpq(31, 17))  # a value that no engine has by default shows the place
    found = own.expand(settings | {swept: str(mark.value)})
    place = found.chain.index(mark)
    return Chain(step for step in found.chain if step != mark), place, found.said


__all__ = ["LARGEST", "SWEPT", "RunAdaptorTable", "chains_of", "said_of_engines"]
