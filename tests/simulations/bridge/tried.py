"""What was tried: models of many architectures, ends and prompt files, and what ``probqual sample`` makes of each.

    python -m tests.simulations.bridge.tried

writes docs/tried.md; ``test_tried.py`` runs every row again and compares. What runs is right: every log-probability of
every string is that of float64 passes over each of its prefixes.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.simulations.bridge.architectures import ARCHITECTURES, Architecture
from tests.simulations.bridge.making import (
    change,
    command,
    float64_scores,
    key,
    llama,
    pair,
    rows,
    run_file,
    save,
    tokenizer,
)
from theory.files import write_whole

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tried.md"

CLOSE = 1e-4
"""Nats between a stored log-probability and that of float64: float32 rounds by a tenth of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was tried, and what came of it."""

    what: str
    came: str

    def __str__(self) -> str:
        return f"| {self.what} | {self.came} |"


def tried_architecture(name: str, folder: Path) -> Row:
    """Two models of the architecture with random weights, 2 strings of up to 10 tokens after each of three prompts.

    Raises:
        AssertionError: a stored log-probability is not that of float64.
    """
    made = {role: ARCHITECTURES[name].make(seed) for seed, role in enumerate(("prior", "aligned"))}
    for role, model in made.items():
        save(model, folder / role)
    models = 'prior = "prior"\naligned = "aligned"\nend = [1]'
    done = command("sample", run_file(folder, models=models, sampling="strings = 2\nlength = 10"))
    if done.exit_code == 2:
        return Row(name, f"refused: {_reason(done.stderr, ARCHITECTURES[name])}")
    assert done.exit_code == 0, done.output
    ids = key(folder)["prompt_ids"]
    for row in rows(folder):
        for role, model in made.items():
            exact = float64_scores(_plain(model), ids[row["prompt"]], row["tokens"])
            assert np.abs(exact - row[f"log_{role}"]).max() < CLOSE, (name, role)
    whole = "whole" in key(folder)["resolved"]["read"].values()
    return Row(name, "runs, by whole passes: its cache cannot be used here" if whole else "runs")


def _plain(model: Any) -> Any:
    """The model with experts one by one: the kernel that groups them knows no float64."""
    found = copy.deepcopy(model)
    if hasattr(found.config, "_experts_implementation"):
        found.config._experts_implementation = "eager"
    return found


def _reason(text: str, tried: Architecture) -> str:
    """Why a model was refused, without its numbers."""
    line = text.strip().splitlines()[-1]
    assert (tried.model or f"{tried.name}ForCausalLM") in line, line
    for sign in ("looks ahead", "a string and its prefixes differ"):
        if sign in line:
            return {"looks ahead": "it looks ahead"}.get(sign, "its numbers switch within the string")
    raise AssertionError(line)


# --- ends ---------------------------------------------------------------------------------------------------------

TURNS = ("<s>", "</s>", "a", "b", "c", "<turn>")


@dataclass(frozen=True, slots=True)
class Ends:
    """What the files of the aligned model say of ends, and the run file.

    Args:
        files: name -> its eos_token_id.
        run: of [models].
    """

    files: dict[str, Any]
    run: str = ""


ENDS_TRIED = {
    "tokenizer 5 alone; config.json 1": Ends({}),
    "generation_config.json lists 5 and 1": Ends({"generation_config.json": [5, 1]}),
    "generation_config.json names 4": Ends({"generation_config.json": 4}),
    "config.json lists 1 and 3": Ends({"config.json": [1, 3]}),
    "generation_config.json lists 5 and 1; [models] end = [2, 5]": Ends({"generation_config.json": [5, 1]}, "[2, 5]"),
    "generation_config.json names 7 of 6 ids": Ends({"generation_config.json": [1, 7]}),
    "nothing but the tokenizer's 5": Ends({"generation_config.json": None, "config.json": None}),
}


def tried_ends(name: str, folder: Path) -> Row:
    """A base and an instruct model whose ends differ.

    Raises:
        AssertionError: a string ends elsewhere, or goes on after an end.
    """
    tried = ENDS_TRIED[name]
    save(llama(1), folder / "prior", tokenizer(TURNS))
    save(llama(2), folder / "aligned", tokenizer(TURNS, "<turn>"))
    for file, value in tried.files.items():
        change(folder / "aligned" / file, eos_token_id=value)
    end = f"\nend = {tried.run}" if tried.run else ""
    done = command("sample", run_file(folder, models=f'prior = "prior"\naligned = "aligned"{end}'))
    if done.exit_code == 2:
        assert "the end 7 lies beyond the logits of" in done.stderr, done.stderr
        return Row(name, "refused: the end 7 lies beyond the logits")
    assert done.exit_code == 0, done.output
    ends = key(folder)["resolved"]["ends"]
    for row in rows(folder):
        assert row["ended"] == (row["tokens"][-1] in ends)
        assert not set(row["tokens"][:-1]) & set(ends)
    return Row(name, f"strings end with {' or '.join(map(str, ends))}")


# --- prompt files -------------------------------------------------------------------------------------------------

PROMPTS_TRIED: dict[str, tuple[str, bytes]] = {
    "text with a byte order mark": ("p.txt", b"\xef\xbb\xbfa\nb\n"),
    "text with U+2028, form feed and NEL in its lines": ("p.txt", "a\u2028b\nc\x0cd\na\x85b\r\n".encode()),
    "text with blank lines and none at the end": ("p.txt", b"a\n \n\nb"),
    "text with a rendered template": ("p.txt", b"<s> a\nb\n"),
    "JSON lines of a text and of ids": ("p.jsonl", b'{"prompt": "a b"}\n{"ids": [2, 3, 4]}\n'),
    "JSON lines named .txt": ("p.txt", b'{"prompt": "a b"}\n{"ids": [2, 3, 4]}\n'),
    "a table of commas": ("p.csv", b"prompt\na\n"),
    "text in UTF-16": ("p.txt", "a\nb\n".encode("utf-16")),
    "text in UTF-16 without a mark": ("p.txt", "a\nb\n".encode("utf-16-le")),
    "one prompt twice": ("p.txt", b"a\nb\na\n"),
    "ids beyond the vocabulary": ("p.jsonl", b'{"ids": [2, 6]}\n'),
    "a chat without a template": ("p.jsonl", b'{"messages": [{"role": "user", "content": "a"}]}\n'),
}


def tried_prompts(name: str, folder: Path) -> Row:
    """A prompt file with ``begin = true`` and the pair of ``making``, whose words a, b, c, d are the ids 2 to 5."""
    file, content = PROMPTS_TRIED[name]
    pair(folder)
    (folder / file).write_bytes(content)
    done = command("sample", run_file(folder, prompts=f'file = "{file}"\nbegin = true'))
    if done.exit_code == 2:
        line = done.stderr.strip().splitlines()[-1].replace(f"{folder.resolve()}/", "")
        return Row(name, f"refused: {line.split(': ', 2)[-1]}")
    assert done.exit_code == 0, done.output
    return Row(name, f"the ids {', '.join(str(list(ids)) for ids in key(folder)['prompt_ids'])}")


# --- the page -----------------------------------------------------------------------------------------------------

TABLES: dict[str, tuple[dict[str, Any], Callable[[str, Path], Row]]] = {
    "Architectures": (ARCHITECTURES, tried_architecture),
    "Ends": (ENDS_TRIED, tried_ends),
    "Prompt files": (PROMPTS_TRIED, tried_prompts),
}

_ABOUT = {
    "Architectures": """\
Two models with random weights and a vocabulary of six, in float32, strings of up to ten tokens. Of those that run,
every stored log-probability is within 1e-4 nats of what float64 gives in a pass over its prefix alone.""",
    "Ends": "A base model that ends with 1, and an aligned one whose tokenizer ends with 5.",
    "Prompt files": "With `begin = true`; the words a, b, c, d are the ids 2 to 5, 0 is the beginning-of-string token.",
}

_HEAD = """\
# Models and files that were tried

What `probqual sample` does with models, ends and prompts as people have them: it runs right, or one line names what
cannot be used. `python -m tests.simulations.bridge.tried` makes the models, runs the command and writes this page; the
test suite runs every row again."""


def page(found: dict[str, list[Row]]) -> str:
    """The page of all tables."""
    parts = [_HEAD]
    for title, lines in found.items():
        parts += [f"## {title}", _ABOUT[title], "\n".join(["| tried | came out |", "| --- | --- |", *map(str, lines)])]
    return "\n\n".join(parts) + "\n"


def every() -> Iterator[tuple[str, Row]]:
    """(the table, the row) of all that is tried."""
    for title, (cases, run) in TABLES.items():
        for name in cases:
            with tempfile.TemporaryDirectory() as folder:
                yield title, run(name, Path(folder))


def main() -> None:
    """Run everything, and write the page."""
    warnings.simplefilter("ignore")
    found: dict[str, list[Row]] = {title: [] for title in TABLES}
    for title, row in every():
        found[title].append(row)
        print(row, flush=True)
    write_whole(PAGE, page(found))


if __name__ == "__main__":
    main()
