"""Which proof belongs to which clause, as it was read and agreed: ``sealed.json``, rewritten by hand after reading.

A machine cannot compare a sentence with a proof. A person did, and what was compared is written down word for word: the
clause, and beside it the identities that its proof carries out and its formal statements, by the hash of their text.
A clause with another clause's proof, a changed sentence, a changed proof or a changed formal statement differs from it,
and must be read again before ``python -m tests.theory.claims.sealed`` writes it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from theory.claims.claim import Clause
from theory.claims.formal import checked
from theory.claims.registry import claims
from theory.files import JsonObject

PATH = Path(__file__).with_name("sealed.json")


def seal(clause: Clause) -> JsonObject:
    """What is agreed of a clause: its words, its formula, and what its proof shows."""
    found: JsonObject = {"text": clause.text, "formula": clause.formula}
    if clause.proof is not None:
        found |= {"covers": clause.proof.covers, "proves": list(clause.proof.lines())}
    if clause.formal:
        found["formal"] = {name: checked().statements[name].sha256 for name in clause.formal}
    return found


def sealed() -> dict[str, JsonObject]:
    """{claim#clause: what was agreed}."""
    found: dict[str, JsonObject] = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def clauses() -> dict[str, Clause]:
    """{claim#clause: the clause} of every clause with a proof, by computer algebra or a formal one."""
    return {
        f"{claim.id}#{clause.name}": clause
        for claim in claims()
        for clause in claim.clauses
        if clause.proof is not None or clause.formal
    }


if __name__ == "__main__":
    text = json.dumps({name: seal(clause) for name, clause in clauses().items()}, indent=1, ensure_ascii=False)
    PATH.write_text(text + "\n", encoding="utf-8")
