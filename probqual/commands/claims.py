"""``probqual claims``: what is claimed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from probqual.errors import bad_values
from probqual.options import JsonPath
from probqual.output import emit_json

if TYPE_CHECKING:
    from theory.claims.claim import Claim


def claims(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Claims or families; all if left out.")
    ] = None,
    json_path: JsonPath = None,
) -> None:
    """List the claims: what each says, what it needs, and the controls that must be refuted.

    Example: probqual claims adaptors
    """
    from theory.claims.registry import find

    with bad_values():
        chosen = find(ids or [])
    if json_path is not None:
        emit_json([_described(claim) for claim in chosen], json_path)
        return
    for claim in chosen:
        _show(claim, details=bool(ids))


def _described(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "title": claim.title,
        "clauses": [
            {"name": clause.name, "text": clause.text, "formula": clause.formula, "cited": clause.cited}
            for clause in claim.clauses
        ],
        "hypotheses": list(claim.hypotheses),
        "source": claim.source,
        "controls": [{"name": control.name, "breaks": control.breaks} for control in claim.controls],
        "figure": claim.figure,
    }


def _show(claim: Claim, *, details: bool) -> None:
    from rich.console import Console

    screen = Console()
    screen.print(f"{claim.id}  {claim.title}", markup=False, highlight=False, soft_wrap=True)
    if details:
        lines = [
            *(("clause", f"{clause.name}: {clause.text}") for clause in claim.clauses),
            *(("formula", clause.formula) for clause in claim.clauses if clause.formula),
            ("needs", "; ".join(claim.hypotheses)),
            ("source", claim.source),
            *(("control", f"{control.name}: {control.breaks}") for control in claim.controls),
        ]
        for name, text in lines:
            screen.print(f"    {name}: {text}", markup=False, highlight=False, soft_wrap=True)
