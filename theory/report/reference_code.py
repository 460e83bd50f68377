"""The page on the reference code: what its procedure, as read, computes on models whose truth is known."""

from __future__ import annotations

from theory.report.claims import linked
from theory.report.markdown import markdown_table
from theory.report.models import signed
from theory.report.report import Report

COMMIT = "ccec1ac"
"""The commit of tanyjnaaman/probability-quality-paradox that was read."""


def reference_code_page(report: Report) -> str:
    """Every departure with true and computed numbers, and what each could produce by itself."""
    rows = []
    for row in report.audit:
        off = "" if row.off is None else signed(row.off)
        link = linked(f"audit.{row.name}").replace("docs/", "../")
        rows.append((link, row.model, row.quantity, signed(row.truth), signed(row.computed), off))
    remarks = [
        f"- {linked(claim.id).replace('docs/', '../')}: {claim.remark}"
        for claim in report.claims
        if claim.id.startswith("audit.")
    ]
    lines = [
        "# The reference code, modelled",
        "",
        f"The public repository tanyjnaaman/probability-quality-paradox at commit {COMMIT} was read, not run. Where it "
        "departs from the definitions, its procedure is carried out here, exactly, on models whose true values are "
        "known. It was written again from a description, without any of its code. The table shows what the procedure, "
        "as read, does to these models. It does not show which results of the paper were made by it, nor how large the "
        "effect was there.",
        "",
        markdown_table(("departure", "model", "quantity", "true", "computed", "off by"), rows),
        "",
        "## What each could produce by itself",
        "",
        *remarks,
    ]
    return "\n".join(lines) + "\n"
