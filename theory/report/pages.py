"""Every generated page by its path: the front page, a page a claim, the pages of results, and the witnesses' files."""

from __future__ import annotations

from theory.report.claims import PAGES, WITNESSES, claim_page, page_of, witness_files
from theory.report.coverage import coverage_page
from theory.report.engines_page import engines_page
from theory.report.models import words_page
from theory.report.ngrams import ngrams_page
from theory.report.paper_check import RESULTS, markdown
from theory.report.real_models import PAGE as REAL_MODELS
from theory.report.real_models import real_models_page
from theory.report.reference_code import reference_code_page
from theory.report.report import Report
from theory.report.samples import run_page, sampled_page
from theory.report.sketches import theory_page
from theory.report.sweep import sweep_page

FRONT = "paper_check.md"
FOLDERS = (PAGES, RESULTS, WITNESSES)
"""Folders that hold generated files alone: what else stands there is of an older report."""


def pages(report: Report) -> dict[str, str]:
    """{path from the top of the checkout: text} of everything but README's table."""
    found = {
        FRONT: markdown(report),
        "docs/theory.md": theory_page(report.claims),
        f"{RESULTS}/words.md": words_page(report.words, report.trigrams),
        f"{RESULTS}/speeches.md": ngrams_page(report.speeches),
        f"{RESULTS}/random-models.md": sweep_page(report.sweep, report.steps),
        f"{RESULTS}/reference-code.md": reference_code_page(report),
        f"{RESULTS}/sampled.md": sampled_page(report.sampled),
        f"{RESULTS}/coverage.md": coverage_page(report.coverage),
    }
    if report.engines:
        found[f"{RESULTS}/engines.md"] = engines_page(report.engines)
    found[f"{RESULTS}/{REAL_MODELS}.md"] = real_models_page(report.runs, report.trainings)
    found |= {f"{RESULTS}/{name}.md": run_page(name, run) for name, run in report.runs.items()}
    found |= {page_of(claim.id): claim_page(claim, report.result(claim.id), report.sampled) for claim in report.claims}
    return found | witness_files(report.claims, report.results)
