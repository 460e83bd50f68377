"""Files that other tools write, as rows of ours: vLLM's outputs, TRL's data sets, lm-evaluation-harness's samples.

A row of ours has ``prompt``, ``messages`` or ``prompt_ids``; ``completion`` or ``completion_ids``; ``finish``, "stop"
or "length"; and perhaps ``setting``, ``logprobs`` with ``logprobs_are``, and rewards. A file is known by its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Layout:
    """How one tool's rows become ours.

    Args:
        name: of the tool and its file.
        fits: whether a row is of this kind.
        rows: what one row gives; ValueError where something is missing.
        said: what a person should know of the reading.
    """

    name: str
    fits: Callable[[Row], bool]
    rows: Callable[[Row], Iterator[Row]]
    said: str


def layout_of(row: Row) -> Layout | None:
    """The layout of a file by its first row; None for our own."""
    return next((one for one in LAYOUTS if one.fits(row)), None)


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{what} must be a list, got {str(value)[:60]!r}")
    return value


def _table(value: object, what: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object, got {str(value)[:60]!r}")
    return value


# --- vLLM ---------------------------------------------------------------------------------------------------------


def _vllm_rows(row: Row) -> Iterator[Row]:
    """A RequestOutput: ids of prompt and completions, and the log-probability of each token that was drawn."""
    for output in _list(row["outputs"], "outputs"):
        found = _table(output, "outputs")
        ids = _list(found.get("token_ids"), "token_ids")
        reason = found.get("finish_reason")
        if reason == "stop" and found.get("stop_reason") is not None and isinstance(found["stop_reason"], str):
            reason = "length"  # a stop string cut it; no end was drawn
        ours: dict[str, object] = {
            "prompt_ids": row["prompt_token_ids"],
            "completion_ids": ids,
            "finish": _finished(reason),
        }
        if found.get("logprobs") is not None:
            steps = _list(found["logprobs"], "logprobs")
            if len(steps) != len(ids):
                raise ValueError(f"{len(steps)} logprobs for {len(ids)} token_ids")
            ours |= {"logprobs": [_drawn(step, one) for step, one in zip(steps, ids, strict=True)]}
        elif found.get("cumulative_logprob") is not None:
            ours |= {"logprobs": found["cumulative_logprob"]}
        yield ours | ({"logprobs_are": "raw"} if "logprobs" in ours else {})


def _drawn(step: object, token: object) -> object:
    """The log-probability of the drawn token among those that were asked for; keys are texts in JSON."""
    for name, value in _table(step, "logprobs").items():
        if str(name) == str(token) and value is not None:
            return value.get("logprob") if isinstance(value, dict) else value
    raise ValueError(f"logprobs lack the drawn token {token}")


def _finished(reason: object) -> object:
    if reason in {"stop", "length"}:
        return reason
    raise ValueError(f"finish_reason must be stop or length, got {reason!r}; leave rows out that were aborted")


# --- TRL ----------------------------------------------------------------------------------------------------------


def _chat(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(m, dict) and "role" in m for m in value)


def _question(prompt: object) -> dict[str, object]:
    return {"messages": prompt} if _chat(prompt) else {"prompt": prompt}


def _answer(completion: object) -> dict[str, object]:
    """The answer's text; TRL puts the end behind every one of them."""
    if not _chat(completion):
        return {"completion": completion, "finish": "stop"}
    messages = _list(completion, "completion")
    last = _table(messages[-1], "completion")
    if len(messages) != 1 or last.get("role") != "assistant" or not isinstance(last.get("content"), str):
        raise ValueError("a completion of several messages, or of none by the assistant, is not read")
    return {"completion": last["content"], "finish": "stop"}


def _preference_rows(row: Row) -> Iterator[Row]:
    """Both answers; which was preferred is a reward, and so are their scores."""
    prompt, answers = row.get("prompt"), (row["chosen"], row["rejected"])
    if prompt is None:
        prompt, answers = _common(*answers)
    for name, answer, preferred in zip(("chosen", "rejected"), answers, (1.0, 0.0), strict=True):
        score = row.get(f"score_{name}")
        scores = {} if score is None else {"score": score}
        yield {**_question(prompt), **_answer(answer), "preferred": preferred, **scores}


def _common(chosen: object, rejected: object) -> tuple[object, tuple[object, object]]:
    """(what two answers that hold their prompt begin with, the rest of each), without a space at the joint."""
    if not (isinstance(chosen, (str, list)) and isinstance(rejected, type(chosen))):
        raise ValueError("chosen and rejected must both be texts or both be chats")
    pairs = list(zip(chosen, rejected, strict=False))
    size = next((k for k, (one, two) in enumerate(pairs) if one != two), len(pairs))
    if isinstance(chosen, str) and chosen[:size].endswith(" "):
        size -= 1
    if size == 0:
        raise ValueError("chosen and rejected have no prompt in common, and there is no column prompt")
    return chosen[:size], (chosen[size:], rejected[size:])


def _completion_rows(row: Row) -> Iterator[Row]:
    """A prompt with its completion; other columns stay as they are."""
    rest = {name: value for name, value in row.items() if name not in {"prompt", "completion"}}
    yield {**rest, **_question(row["prompt"]), **_answer(row["completion"])}


# --- lm-evaluation-harness ----------------------------------------------------------------------------------------


def _harness_rows(row: Row) -> Iterator[Row]:
    """Every request of a document: a continuation that was asked about, with its sum, or an answer that was written."""
    asked, given = row["arguments"], _list(row["resps"], "resps")
    requests = list(asked.values()) if isinstance(asked, dict) else _list(asked, "arguments")
    if len(requests) != len(given):
        raise ValueError(f"{len(requests)} arguments for {len(given)} resps")
    for request, answers in zip(requests, given, strict=True):
        arguments = list(request.values()) if isinstance(request, dict) else _list(request, "arguments")
        for answer in _list(answers, "resps"):
            if isinstance(answer, list) and len(answer) == 2 and isinstance(arguments[1], str):
                yield _split(str(arguments[0]), arguments[1]) | {
                    "finish": "length",
                    "logprobs": float(str(answer[0])),
                    "logprobs_are": "raw",
                }
            elif isinstance(answer, str):
                yield {"prompt": arguments[0], "completion": answer, "finish": "length"}
            else:
                raise ValueError("requests other than loglikelihood and generate_until are not read")


def _split(context: str, continuation: str) -> dict[str, object]:
    """Spaces that end a context belong to the continuation there."""
    bare = context.rstrip()
    return {"prompt": bare, "completion": context[len(bare) :] + continuation}


LAYOUTS: tuple[Layout, ...] = (
    Layout(
        "vLLM outputs",
        lambda row: "outputs" in row and "prompt_token_ids" in row,
        _vllm_rows,
        "ids as they are; a string that a stop string cut is one that did not end",
    ),
    Layout(
        "lm-eval samples",
        lambda row: {"arguments", "resps"} <= row.keys(),
        _harness_rows,
        "no end is counted; spaces that end a context go to the continuation",
    ),
    Layout(
        "TRL preferences",
        lambda row: {"chosen", "rejected"} <= row.keys(),
        _preference_rows,
        "the end is put behind every answer, as TRL does; preferred is a reward of 1 or 0",
    ),
    Layout(
        "TRL prompts and completions",
        lambda row: {"prompt", "completion"} <= row.keys() and "finish" not in row,
        _completion_rows,
        "the end is put behind every answer, as TRL does",
    ),
)


def converted(rows: Sequence[Row]) -> tuple[list[tuple[int, Row]], Layout | None]:
    """((the number of the row it came from, from 1; a row of ours) each, the layout that the file has).

    Raises:
        ValueError: names the row that cannot be read.
    """
    layout = layout_of(rows[0]) if rows else None
    found: list[tuple[int, Row]] = []
    for number, row in enumerate(rows, start=1):
        try:
            if layout is None:
                found.append((number, row))
            elif not layout.fits(row):
                raise ValueError(f"is not as the first one, which has the layout of {layout.name}")
            else:
                found += [(number, one) for one in layout.rows(row)]
        except (ValueError, KeyError, IndexError) as error:
            reason = error if isinstance(error, ValueError) else f"lacks {error}"
            raise ValueError(f"row {number}: {reason}") from None
    return found, layout


__all__ = ["LAYOUTS", "Layout", "Row", "converted", "layout_of"]
