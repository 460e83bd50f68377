"""Run files: what to sample, from which models, after which prompts, by which adaptors. One line says what is wrong.

[models]
prior = "embedded:prior"         # a folder or .gguf file beside this file, a hub id, embedded:prior, embedded:smollm2
aligned = "embedded:aligned"     # left out: p+ is the prior tilted by the reward (Gibbs); {adapter = "folder"}: PEFT's
                                 # on the prior; a list of such: one run each, in a folder of its name
dtype = "float32"                # or bfloat16, float16
device = "cpu"                   # by default a GPU if there is one
threads = 1                      # of torch on a CPU: part of the numbers' last bits
backend = "torch"                # or, in float32 on a CPU: openvino, by that package; onednn, packed matrices
revision = "..."                 # of hub ids
end = [2, 5]                     # ids that end a string; by default all that the aligned model's files name

[prompts]
texts = ["We must", "The"]       # or file = "prompts.txt", one a line; .jsonl or .parquet: prompt, messages or ids
template = "chat.jinja"          # of chats, a file beside this one; by default the tokenizer's
begin = true                     # the beginning-of-string token in front, once; by default as the tokenizer does

[sampling]
strings = 16                     # per prompt and adaptor
length = 40                      # tokens at most, the end included
seed = 1
rows = 128                       # strings per shard, written side by side
temperatures = ["1", "1/2"]      # each in front of each adaptor, or at its place "swept"; by default 1 alone

[reward]                         # or [[reward]], several: those with a name are kept beside the one without
kind = "vader"                   # secret (default), vader, valence, length, classifier, function, column (given)
source = "..."                   # of a classifier, or module:function, looked up beside the run file first; of a column
name = "..."                     # of a column reward_NAME in the store; left out for the run's own reward
reads = "text"                   # text (prompt and answer, default) or completion (the answer alone)
label = "POSITIVE"               # of a classifier; by default its last one
beta = "1/4"                     # reward units per nat

[[adaptor]]                      # by default none: p+ itself
name = "nucleus"                 # or a list, left to right
value = "9/10"                   # options behind it: "9/10 boundary=exceed"; a temperature "swept" marks its place

[[adaptor]]
engine = "llama.cpp"             # an engine's own settings and hidden defaults: probqual engines
settings = {top_p = "0.9"}

[output]
folder = "runs/default"          # beside the run file
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from flint import fmpq
from pydantic import Field

from simulations.bridge.key_parts import NamedReward
from simulations.bridge.prompts import Kind, Prompt, first_twice, read_prompts
from simulations.bridge.rewards import Reads, RewardKind
from simulations.bridge.run_chains import LARGEST, RunAdaptorTable, chains_of, said_of_engines
from theory.adaptors.exact import Chain
from theory.arithmetic.exact import rational
from theory.files import JsonObject
from theory.report.records import RunRecord, plain
from theory.specification.reader import Number, located, read_document
from theory.specification.tables import Table, Wording, read_as

ADAPTER = "adapter:"
"""In front of an adapter's folder, where the name of an aligned model is kept."""

RUN_FILE = Wording("unknown table [{}]", key="[{}] {}")


Temperature = Annotated[Number, Field(description=": expected a number, got {!r}")]


_LEAST_BETA, _MOST_BETA = fmpq(1, 10**9), fmpq(10**9)

_ENDS = " must be a list of ids >= 0 that is not empty, got {!r}"
Adapter = Annotated[dict[Literal["adapter"], str], Field(min_length=1)]
"""An aligned model that is the prior with an adapter on: {adapter = "folder"}."""


class ModelsTable(Table):
    """[models]."""

    prior: str
    aligned: str | Adapter | list[Adapter] | None = Field(
        default=None, description=' must be a name, {{adapter = "folder"}} or a list of such adapters, got {!r}'
    )
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: str | None = None
    threads: int = Field(default=1, ge=1, le=4096)
    backend: Literal["torch", "openvino", "onednn"] = "torch"
    revision: str | None = None
    end: list[Annotated[int, Field(ge=0, description=_ENDS)]] | None = Field(
        default=None, min_length=1, description=_ENDS
    )


class PromptsTable(Table):
    """[prompts]."""

    texts: list[str] | None = Field(default=None, description=" must be strings")
    file: str | None = None
    template: str | None = None
    begin: bool | None = None


class SamplingTable(Table):
    """[sampling]."""

    strings: int = Field(default=16, ge=2, le=LARGEST)
    length: int = Field(default=40, ge=1, le=LARGEST)
    seed: int = Field(default=1, ge=0, le=(1 << 64) - 1)
    rows: int = Field(default=128, ge=1, le=LARGEST)
    temperatures: list[Temperature] = Field(
        default=["1"], min_length=1, description=' must name one; leave them out for "1"'
    )


_NAMES = " must be letters, digits, and - _ . between them, got {!r}"


class RewardTable(Table):
    """[reward], or one of [[reward]]."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][\w.-]{0,63}$", description=_NAMES)
    kind: RewardKind = "secret"
    source: str | None = None
    label: str | None = None
    reads: Reads = "text"
    beta: Number | None = None


class OutputTable(Table):
    """[output]."""

    folder: str | None = None


class RunFile(Table):
    """A run file, as it is written."""

    models: ModelsTable = Field(title="; it needs prior = ...")
    prompts: PromptsTable = Field(default_factory=PromptsTable)
    sampling: SamplingTable = Field(default_factory=SamplingTable)
    reward: RewardTable = Field(default_factory=RewardTable)
    adaptor: list[RunAdaptorTable] = Field(default_factory=list)
    output: OutputTable = Field(default_factory=OutputTable)


class RunFileOfRewards(RunFile):
    """A run file with [[reward]]."""

    reward: list[RewardTable] = Field(default_factory=list)  # type: ignore[assignment]


class RunError(ValueError):
    """A run file that cannot be used; the message says where and what."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run file, read and checked.

    Args:
        prior, aligned: names of models; aligned None for the Gibbs posterior of the prior, "adapter:FOLDER" for the
            prior with an adapter on.
        prompts: texts; chats and lists of ids as JSON until a tokenizer has read them.
        begin: whether the beginning-of-string token stands in front; None for what the tokenizer does.
        chains: the adaptors of each setting, left to right.
        folder: where the run is stored.
        end: ids that end a string; None for all that the aligned model's files name.
        reads: what the reward reads.
        kinds: of the prompts, one each; () where all are texts.
        base: where relative paths are looked up: beside the run file.
        rewards: that are kept beside ``reward``, by name.
        template: of chats, as Jinja; None for the tokenizer's.
        backend: what makes the models' passes: "torch", "openvino" or "onednn".
        said: of the engines whose chains these are, for the screen.
    """

    prior: str
    aligned: str | None
    dtype: str
    device: str | None
    threads: int
    revision: str | None
    prompts: tuple[str, ...]
    begin: bool | None
    strings: int
    length: int
    seed: int
    rows: int
    reward: str
    source: str | None
    label: str | None
    beta: str
    chains: tuple[Chain, ...]
    folder: Path
    end: tuple[int, ...] | None = None
    reads: Reads = "text"
    kinds: tuple[Kind, ...] = ()
    base: Path = Path()
    rewards: tuple[NamedReward, ...] = ()
    template: str | None = None
    backend: str = "torch"
    said: tuple[str, ...] = ()

    @property
    def given(self) -> tuple[Prompt, ...]:
        """The prompts with their kinds."""
        as_text: Kind = "prompt"
        kinds = self.kinds or (as_text,) * len(self.prompts)
        return tuple(Prompt(kind, text) for kind, text in zip(kinds, self.prompts, strict=True))

    def record(self) -> RunRecord:
        """The fields that decide what is sampled, in plain values."""
        return RunRecord(
            prior=self.prior,
            aligned=self.aligned,
            dtype=self.dtype,
            device=self.device,
            threads=self.threads,
            revision=self.revision,
            prompts=self.prompts,
            begin=True if self.begin is None else self.begin,
            strings=self.strings,
            length=self.length,
            seed=self.seed,
            rows=self.rows,
            reward=self.reward,
            source=self.source,
            label=self.label,
            beta=self.beta,
            chains=tuple(tuple((step.name, step.setting) for step in steps) for steps in self.chains),
            end=self.end,
            reads=self.reads,
        )

    def canonical(self) -> JsonObject:
        """The same as JSON has them."""
        return plain(self.record())


def read_run(path: Path, output: Path | None = None) -> Run:
    """The run file at a path, of one aligned model or none.

    Args:
        path: of the run file.
        output: where to store the run instead of what the file says.

    Raises:
        RunError: it cannot be read, or something in it cannot be used.
    """
    found = read_runs(path, output)
    if len(found) > 1:
        raise RunError(f"{path}: [models] aligned names {len(found)} adapters; one is wanted here")
    return found[0]


def read_runs(
    path: Path,
    output: Path | None = None,
    *,
    samples: Collection[str] | None = None,
    device: str | None = None,
) -> tuple[Run, ...]:
    """The runs of the file at a path: one of each adapter that it names, or a single one.

    Several adapters are stored each in a folder of its own name below the run's, as a run of that adapter alone would
    be: strings of two aligned models have nothing in common but the prompts.

    Args:
        path: of the run file.
        output: where to store the run instead of what the file says.
        samples: names of the reward columns of strings that are given, which bring their own prompts; None where they
            are to be drawn.
        device: of torch, instead of what the file says.

    Raises:
        RunError: as ``read_run``.
    """
    try:
        document = read_document(path)
        kind = RunFileOfRewards if isinstance(document.get("reward"), list) else RunFile
        file = read_as(kind, document, RUN_FILE)
        if device is not None:
            file = file.model_copy(update={"models": file.models.model_copy(update={"device": device})})
        aligned, base = file.models.aligned, path.resolve().parent
        if not isinstance(aligned, list):
            name = aligned if isinstance(aligned, str) or aligned is None else ADAPTER + aligned["adapter"]
            return (_run(file, name, base, output, samples),)
        folders = _folders(aligned)
        runs = [_run(file, ADAPTER + one["adapter"], base, output, samples) for one in aligned]
        return tuple(replace(run, folder=run.folder / name) for run, name in zip(runs, folders, strict=True))
    except ValueError as error:
        raise RunError(f"{path}: {error}") from None


def _folders(adapters: Sequence[dict[Literal["adapter"], str]]) -> list[str]:
    """A folder for the run of each adapter: of the adapter's own name."""
    names = [Path(one["adapter"].removeprefix("embedded:")).name for one in adapters]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if not names:
        raise ValueError("[models] aligned names no adapter")
    if twice is not None:
        raise ValueError(f"[models] aligned names two adapters {twice!r}; their runs need folders of two names")
    return names


def _run(file: RunFile, aligned: str | None, base: Path, output: Path | None, samples: Collection[str] | None) -> Run:
    models, sampling = file.models, file.sampling
    _check_backend(models)
    reward, named = _rewards(file, samples)
    if aligned is None and reward.kind == "secret":
        raise ValueError("without [models] aligned = ... p+ is the prior tilted by a reward: name one in [reward] kind")
    beta = _beta(reward, "[reward] beta") or "1"
    prompts = _prompts(file.prompts, base) if samples is None else ()
    chains = chains_of(file.adaptor, sampling.temperatures)
    if aligned is None and chains != ((),):
        raise ValueError("adaptors need next-token laws of p+; the Gibbs posterior of a prior has none: leave them out")
    return Run(
        prior=models.prior,
        aligned=aligned,
        dtype=models.dtype,
        device=models.device,
        threads=models.threads,
        revision=models.revision,
        prompts=tuple(one.given for one in prompts),
        begin=file.prompts.begin,
        strings=sampling.strings,
        length=sampling.length,
        seed=sampling.seed,
        rows=sampling.rows,
        reward=reward.kind,
        source=reward.source,
        label=reward.label,
        beta=beta,
        chains=chains,
        folder=output if output is not None else output_folder(file.output.folder, base),
        end=None if models.end is None else tuple(sorted(set(models.end))),
        reads=reward.reads,
        kinds=() if all(one.kind == "prompt" for one in prompts) else tuple(one.kind for one in prompts),
        base=base,
        rewards=named,
        template=None if file.prompts.template is None else _template(base / file.prompts.template),
        backend=models.backend,
        said=said_of_engines(file.adaptor),
    )


def _check_backend(models: ModelsTable) -> None:
    if models.backend == "torch":
        return
    if models.dtype != "float32":
        raise ValueError(
            f'[models] backend = "{models.backend}" computes in float32, not {models.dtype}; leave dtype out'
        )
    if models.device not in {None, "cpu"}:
        raise ValueError(
            f'[models] backend = "{models.backend}" runs on the CPU, not on {models.device}; leave device out'
        )


def _template(path: Path) -> str:
    try:
        found = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"[prompts] template {path}: cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ValueError(f"[prompts] template {str(path)!r}: is not UTF-8 text") from None
    if "messages" not in found:
        raise ValueError(f"[prompts] template {path}: reads no messages; it is no chat template")
    return found


def _beta(reward: RewardTable, where: str) -> str | None:
    if reward.beta is None:
        return None
    with located(where):
        beta = rational(reward.beta)
    if not _LEAST_BETA <= beta <= _MOST_BETA:
        raise ValueError(f"{where} must lie between 10^-9 and 10^9, got {reward.beta}")
    return str(beta)


def _rewards(file: RunFile, samples: Collection[str] | None) -> tuple[RewardTable, tuple[NamedReward, ...]]:
    """(the run's own reward, those that are kept beside it); without any that names a column, all columns are kept."""
    tables = file.reward if isinstance(file.reward, list) else [file.reward]
    own = [one for one in tables if one.name is None]
    if len(own) > 1:
        raise ValueError("of several [[reward]] only one may be without a name, the run's own")
    found = []
    for one in tables:
        where = "[reward]" if one.name is None else f"reward {one.name}"
        if one.kind == "column" and (samples is None or (one.source or one.name) not in samples):
            there = "none; they come with strings: probqual score" if samples is None else ", ".join(samples) or "none"
            raise ValueError(f"{where}: no column {one.source or one.name!r} of rewards; there are {there}")
        if one.name is None:
            continue
        if one.kind == "secret":
            raise ValueError(f"{where}: the secret reward is stored as log_aligned - log_prior; leave the name out")
        beta = _beta(one, f"{where}, beta")
        found.append(
            NamedReward(name=one.name, kind=one.kind, source=one.source, label=one.label, reads=one.reads, beta=beta)
        )
    if samples is not None and not any(one.kind == "column" for one in found):
        found += [NamedReward(name=name, kind="column") for name in samples]
    twice = next((name for name, count in Counter(one.name for one in found).items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"two rewards are named {twice!r}")
    return (own[0] if own else RewardTable()), tuple(found)


def _prompts(table: PromptsTable, base: Path) -> tuple[Prompt, ...]:
    if (table.texts is None) == (table.file is None):
        raise ValueError("[prompts] needs either texts = [...] or file = ..., and not both")
    texts = [Prompt("prompt", text) for text in table.texts or ()]
    found = texts if table.file is None else read_prompts(base / table.file)
    if not found:
        raise ValueError("[prompts] holds no prompt")
    twice = first_twice(found)
    if twice is not None:
        raise ValueError(f"[prompts] {twice.given!r} occurs twice")
    return tuple(found)


def output_folder(name: str | None, base: Path) -> Path:
    """The folder that [output] names, below the file that names it.

    Raises:
        ValueError: it names none, or one elsewhere.
    """
    if name is None:
        raise ValueError("[output] needs folder = ..., or use --output")
    try:
        folder = (base / name).resolve()
    except (ValueError, OSError, RuntimeError) as error:  # a NUL, a name too long, links in a circle
        raise ValueError(f"[output] folder {name!r}: cannot be: {error}") from None
    if not folder.is_relative_to(base) or folder == base:
        raise ValueError(f"[output] folder {name!r} must lie below {base}; use --output for another place")
    return folder


__all__ = ["ADAPTER", "OutputTable", "Run", "RunError", "output_folder", "read_run", "read_runs"]
