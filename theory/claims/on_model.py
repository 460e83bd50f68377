"""The claims that speak of any finite model, on one that somebody brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from theory.arithmetic.exact import objects, precision
from theory.automata.adaptors import unrolled
from theory.claims.claim import Case, Claim
from theory.claims.grades import Verdict
from theory.claims.on_model_words import in_words
from theory.claims.running import Result, run_on
from theory.models.automaton import AutomatonModel
from theory.models.finite import FiniteModel
from theory.specification.any_model import AnySpecification
from theory.specification.automaton import AutomatonSpecification
from theory.specification.file_table import FileSpecification
from theory.specification.finite import write_specification
from theory.specification.ngram import NGramSpecification

MOST_LIKELY = 4096
"""Of a long table so many strings are checked, the likeliest under p+."""

_SQUARED = {"adaptors.affine-line": 1000}
"""Claims whose cost grows with the square of the strings, and up to how many they are run."""

_PRINTABLE = 40
_PRECISIONS = (256, 1024)


@dataclass(frozen=True, slots=True)
class Silent:
    """A claim that says nothing of a model, and why.

    Args:
        speaks: the claim is about any finite model, and says nothing of this one.
    """

    id: str
    reason: str
    speaks: bool = True


def check_on(spec: AnySpecification, name: str, claims: Sequence[Claim]) -> Iterator[Result | Silent]:
    """Each claim on the model, in balls of 256 bits, or of 1024 where these decide nothing.

    Args:
        spec: the model as it was read.
        name: of the model, in findings and witnesses.
        claims: those to try; one that is not ``everywhere`` is made for cases of its own, and is silent.

    Raises:
        ValueError: the model has no law, or infinitely many strings.
    """
    cases = {bits: _case(spec, name, bits) for bits in _PRECISIONS[:1]}
    size = len(cases[_PRECISIONS[0]].content.aligned)
    for claim in claims:
        if not claim.everywhere:
            reason = f"its check is made for cases of its own ({'; '.join(claim.hypotheses)})"
            yield Silent(claim.id, reason, speaks=False)
        elif size > _SQUARED.get(claim.id, size):
            yield Silent(
                claim.id, f"its cost grows with the square of the {size} strings; run up to {_SQUARED[claim.id]}"
            )
        else:
            found: Result | None = None
            for bits in _PRECISIONS:
                if bits not in cases:
                    cases[bits] = _case(spec, name, bits)
                with precision(bits):
                    found = run_on(claim, cases[bits])
                    if found is not None:
                        found = replace(found, said=in_words(claim, found, cases[bits].content))
                if found is None or found.verdict is not Verdict.UNDECIDED:
                    break
            yield found or Silent(claim.id, "a hypothesis fails on this model, and the check says nothing")


def _case(spec: AnySpecification, name: str, bits: int) -> Case:
    """The model as a case."""
    with precision(bits):
        if isinstance(spec, FileSpecification):
            few, share = spec.likeliest(MOST_LIKELY)
            return Case(f"{name}, its {len(few.aligned):,} likeliest strings ({share:.6g} of p+)", few.model())
        if isinstance(spec, NGramSpecification):
            raise ValueError("infinitely many strings: the claims of --model speak of finite models")
        if isinstance(spec, AutomatonSpecification):
            try:
                found = spec.model()
            except ArithmeticError as error:
                raise ValueError(f"there is no law to check: {error}") from None
            if found.strings is None:
                raise ValueError("infinitely many strings: the claims of --model speak of finite models")
            return _finite(name, _unrolled(found))
        return _finite(name, spec.model())


def _unrolled(model: AutomatonModel) -> FiniteModel:
    return FiniteModel.of(unrolled(model.aligned.automaton, model.aligned.graph.states))


def _finite(name: str, model: FiniteModel) -> Case:
    """The model as it is; where a reward -inf removed strings, p is divided by the mass of those that are left."""
    aligned, mass = model.aligned, model.aligned.prior.sum()
    if mass != 1:
        aligned = replace(aligned, prior=objects(p / mass for p in aligned.prior))
        name, model = f"{name}, p given the strings that no reward removes", FiniteModel.of(aligned)
    return Case(name, model, write_specification(aligned) if len(aligned) <= _PRINTABLE else "")


__all__ = ["MOST_LIKELY", "Silent", "check_on"]
