"""Bad input to ``probqual exact``: exit 2, one line that names the offending element, nothing written.

Each case is a small valid specification with one thing broken. The valid ones, and valid ones near an edge,
are run too, so that a program that refuses everything fails. What a message must say is kept to names, keys
and values.
"""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from probqual.command_line import app

ROOT = Path(__file__).resolve().parents[2]

TABLE = """\
[prior]
kind = "table"
strings = ["maple", "birch", "cedar"]
probs = ["1/7", "2/7", "4/7"]
[reward]
beta = "1"
values = ["0", "1/2", "1"]
[[adaptor]]
name = "temperature"
value = "1/2"
normalise = "global"
[corpus]
size = 20
epsilon = "1/20"
"""

TREE = """\
[prior]
kind = "tree"
alphabet = ["kiwi", "plum"]
[prior.next]
"" = ["1/2", "1/4", "1/4"]
"kiwi" = ["0", "2/3", "1/3"]
[reward]
beta = "2"
token = {kiwi = "1/2"}
[reward.string]
"kiwi plum" = "1/3"
[[adaptor]]
name = "top_k"
value = 2
normalise = "local"
[corpus]
size = 20
epsilon = "1/20"
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A file's content and what its one-line error must contain; ``this | that``: either spelling will do."""

    id: str
    content: str | bytes
    says: tuple[str, ...]


def put(text: str, *lines: str) -> str:
    """``text`` with each of ``lines`` in the place of the one line that sets the same key."""
    for line in lines:
        key = line.split(" = ")[0]
        (old,) = [have for have in text.splitlines() if have.split(" = ")[0] == key]
        text = text.replace(f"{old}\n", f"{line}\n")
    return text


def drop(text: str, *keys: str) -> str:
    """``text`` without the one line that sets each of ``keys``."""
    for key in keys:
        (old,) = [have for have in text.splitlines() if have.split(" = ")[0] == key]
        text = text.replace(f"{old}\n", "")
    return text


def add(text: str, header: str, line: str) -> str:
    """``text`` with ``line`` below the one ``header``."""
    before, after = text.split(f"{header}\n")
    return f"{before}{header}\n{line}\n{after}"


def table(*lines: str) -> str:
    return put(TABLE, *lines)


def tree(*lines: str) -> str:
    return put(TREE, *lines)


def adapted(name: str, value: str) -> str:
    """The table with one adaptor, both arguments as TOML values."""
    return table(f"name = {name}", f"value = {value}")


def bad(name: str, content: str | bytes, *says: str) -> Case:
    return Case(name, content, says)


EXP_TABLE = drop(TABLE, "beta").replace('values = ["0", "1/2", "1"]', 'exp_values = ["1", "2", "3"]')

PRIORS = (
    bad("sum-7/8", table('probs = ["1/8", "2/8", "4/8"]'), "probs | probabilit", "7/8"),
    bad("sum-above-1", table('probs = ["3/7", "2/7", "4/7"]'), "probs | probabilit", "9/7"),
    bad(
        "sum-exact-just-below-1",
        table('probs = ["1/7", "2/7", "3999999999999999999/7000000000000000000"]'),
        "probs | probabilit",
        "6999999999999999999/7000000000000000000 | 1/7000000000000000000",
    ),
    bad("sum-floats-0.9", table("probs = [0.3, 0.3, 0.3]"), "probs | probabilit", "0.9 | 0.89 | 9/10"),
    bad(
        "sum-floats-1.000001",
        table("probs = [0.25, 0.25, 0.500001]"),
        "probs | probabilit",
        "1.00000 | 1e-06 | 1000001/1000000",
    ),
    bad("prob-all-zero", table('probs = ["0", "0", "0"]'), "probs | probabilit"),
    bad("prob-negative", table('probs = ["3/7", "-1/7", "5/7"]'), "birch | [1]", "-1/7"),
    bad("prob-negative-float", table("probs = [0.75, -0.25, 0.5]"), "birch | [1]", "-0.25 | -1/4"),
    bad("prob-nan", table("probs = [0.5, nan, 0.5]"), "birch | [1]", "nan"),
    bad("prob-nan-quoted", table('probs = ["1/2", "nan", "1/2"]'), "birch | [1]", "nan"),
    bad("prob-inf", table('probs = ["1/2", "inf", "1/2"]'), "birch | [1]", "inf"),
    bad("prob-text", table('probs = ["1/2", "plenty", "1/2"]'), "birch | [1]", "plenty"),
    bad("prob-1/0", table('probs = ["1/2", "1/0", "1/2"]'), "birch | [1]", "1/0"),
    bad("prob-nested", table('probs = ["3/7", ["2/7"], "2/7"]'), "birch | [1]"),
    bad("probs-not-a-list", table('probs = "1"', 'strings = ["birch"]', 'values = ["0"]'), "probs"),
    bad("probs-too-few", table('probs = ["3/7", "4/7"]'), "probs"),
    bad("probs-too-many", table('probs = ["1/7", "2/7", "3/7", "1/7"]'), "probs"),
    bad("probs-missing", drop(TABLE, "probs"), "probs"),
    bad("strings-missing", drop(TABLE, "strings"), "strings"),
    bad("strings-empty", table("strings = []", "probs = []", "values = []"), "strings | support"),
    bad("strings-not-a-list", table('strings = "elm"'), "strings"),
    bad("strings-hold-a-number", table('strings = ["maple", 3, "cedar"]'), "strings"),
    bad("string-twice", table('strings = ["birch", "cedar", "birch"]'), "birch"),
    bad("string-twice-long", table(f'strings = ["{"larch " * 40}", "cedar", "{"larch " * 40}"]'), "larch"),
    bad("string-twice-newline", table(r'strings = ["birch\nbark", "cedar", "birch\nbark"]'), "birch", "bark"),
    bad("string-twice-like-markup", table('strings = ["[/cedar]", "birch", "[/cedar]"]'), "[/cedar]"),
    bad("kind-unknown", table('kind = "lattice"'), "lattice"),
    bad("kind-missing", drop(TABLE, "kind"), "kind"),
    bad("kind-number", table("kind = 3"), "kind"),
    bad("prior-missing", TABLE[TABLE.index("[reward]") :], "prior"),
    bad("prior-not-a-table", 'prior = "table"\n' + TABLE[TABLE.index("[reward]") :], "prior"),
    bad("file-empty", "", "prior"),
)

TREES = (
    bad("tree-alphabet-missing", drop(TREE, "alphabet"), "alphabet"),
    bad("tree-alphabet-twice", tree('alphabet = ["kiwi", "kiwi"]'), "kiwi"),
    bad("tree-alphabet-not-a-list", tree('alphabet = "kp"'), "alphabet"),
    bad("tree-next-missing", drop(TREE, '""', '"kiwi"').replace("[prior.next]\n", ""), "next"),
    bad("tree-root-missing", drop(TREE, '""'), "kiwi | \"\" | '' | next"),
    bad("tree-root-sum", tree('"" = ["1/2", "1/4", "1/8"]'), "7/8"),
    bad("tree-row-sum", tree('"kiwi" = ["0", "2/3", "1/4"]'), "kiwi", "11/12"),
    bad("tree-row-sum-floats", tree('"kiwi" = [0.3, 0.3, 0.3]'), "kiwi", "0.9 | 0.89 | 9/10"),
    bad("tree-row-negative", tree('"kiwi" = ["-1/3", "1", "1/3"]'), "kiwi", "-1/3"),
    bad("tree-row-nan", tree('"kiwi" = [0.5, nan, 0.5]'), "kiwi", "nan"),
    bad("tree-row-1/0", tree('"kiwi" = ["1/0", "2/3", "1/3"]'), "kiwi", "1/0"),
    bad("tree-row-without-end", tree('"kiwi" = ["1/3", "2/3"]'), "kiwi"),
    bad("tree-row-too-long", tree('"kiwi" = ["0", "1/3", "1/3", "1/3"]'), "kiwi"),
    bad("tree-row-not-a-list", tree('"kiwi" = "1/3"'), "kiwi"),
    bad("tree-prefix-unknown-token", add(TREE, "[prior.next]", '"durian" = ["0", "0", "1"]'), "durian"),
    bad(
        "tree-prefix-unknown-second-token",
        add(TREE, "[prior.next]", '"kiwi durian" = ["0", "0", "1"]'),
        "durian",
    ),
    bad("tree-prefix-newline", add(TREE, "[prior.next]", r'"kiwi\ndurian" = ["0", "0", "1"]'), "durian"),
    bad(
        "tree-prefix-below-a-leaf",
        add(TREE, "[prior.next]", '"plum kiwi" = ["0", "0", "1"]'),
        "plum",
        "kiwi",
    ),
    bad(
        "tree-prefix-of-probability-0",
        add(TREE, "[prior.next]", '"kiwi kiwi" = ["0", "0", "1"]'),
        "kiwi",
    ),
    bad("tree-with-strings", add(TREE, "[prior]", 'strings = ["kiwi"]'), "strings"),
)

REWARDS = (
    bad("beta-zero", table('beta = "0"'), "beta"),
    bad("beta-negative", table('beta = "-1/3"'), "beta", "-1/3"),
    bad("beta-negative-tree", tree("beta = -0.5"), "beta", "-0.5 | -1/2"),
    bad("beta-nan", table("beta = nan"), "beta", "nan"),
    bad("beta-text", table('beta = "tepid"'), "beta", "tepid"),
    bad("beta-1/0", table('beta = "1/0"'), "beta", "1/0"),
    bad("beta-boolean", table("beta = true"), "beta"),
    bad("reward-inf", table("values = [0.0, inf, 1.0]"), "birch | [1]", "inf"),
    bad("reward-inf-quoted", table('values = ["0", "+inf", "1"]'), "birch | [1]", "inf"),
    bad("reward-nan", table('values = ["0", "nan", "1"]'), "birch | [1]", "nan"),
    bad("reward-text", table('values = ["0", "superb", "1"]'), "birch | [1]", "superb"),
    bad("reward-1/0", table('values = ["0", "1/0", "1"]'), "birch | [1]", "1/0"),
    bad("rewards-too-few", table('values = ["0", "1/2"]'), "values"),
    bad("rewards-too-many", table('values = ["0", "1/2", "1", "3/2"]'), "values"),
    bad("rewards-not-a-list", table('values = "012"'), "values"),
    bad("rewards-missing", drop(TABLE, "values"), "values"),
    bad("rewards-all-minus-inf", table('values = ["-inf", "-inf", "-inf"]'), "reward | values"),
    bad(
        "rewards-minus-inf-on-the-support",
        table('probs = ["0", "3/7", "4/7"]', 'values = ["0", "-inf", "-inf"]'),
        "reward | values",
    ),
    bad("values-and-exp-values", add(TABLE, "[reward]", 'exp_values = ["1", "2", "3"]'), "exp_values"),
    bad("exp-value-negative", put(EXP_TABLE, 'exp_values = ["1", "-2/3", "3"]'), "birch | [1]", "-2/3"),
    bad("exp-value-text", put(EXP_TABLE, 'exp_values = ["1", "superb", "3"]'), "birch | [1]", "superb"),
    bad("exp-value-inf", put(EXP_TABLE, 'exp_values = ["1", "inf", "3"]'), "birch | [1]", "inf"),
    bad("exp-value-nan", put(EXP_TABLE, "exp_values = [1.0, nan, 3.0]"), "birch | [1]", "nan"),
    bad("exp-values-all-zero", put(EXP_TABLE, 'exp_values = ["0", "0", "0"]'), "reward | values"),
    bad("exp-values-too-few", put(EXP_TABLE, 'exp_values = ["1", "2"]'), "exp_values"),
    bad("exp-values-too-many", put(EXP_TABLE, 'exp_values = ["1", "2", "3", "4"]'), "exp_values"),
    bad("exp-values-beta-negative", add(EXP_TABLE, "[reward]", 'beta = "-1"'), "beta"),
    bad("table-with-token-reward", add(TABLE, "[reward]", 'token = {maple = "1"}'), "token"),
    bad("tree-with-values", add(TREE, "[reward]", 'values = ["0", "1"]'), "values"),
    bad("token-reward-unknown", tree('token = {durian = "1/2"}'), "durian"),
    bad("token-reward-inf", tree("token = {kiwi = inf}"), "kiwi", "inf"),
    bad("token-reward-nan", tree("token = {kiwi = nan}"), "kiwi", "nan"),
    bad("token-reward-text", tree('token = {kiwi = "superb"}'), "kiwi", "superb"),
    bad("token-reward-not-a-table", tree('token = "1/2"'), "token"),
    bad("string-reward-unknown-token", add(TREE, "[reward.string]", '"plum durian" = "1"'), "durian"),
    bad("string-reward-newline", add(TREE, "[reward.string]", r'"plum\ndurian" = "1"'), "durian"),
    bad("string-reward-inf", tree('"kiwi plum" = "inf"'), "kiwi plum", "inf"),
    bad("string-reward-text", tree('"kiwi plum" = "superb"'), "kiwi plum", "superb"),
    bad("exp-token-unknown", add(TREE, "[reward]", 'exp_token = {durian = "2"}'), "durian"),
    bad("exp-token-negative", add(TREE, "[reward]", 'exp_token = {plum = "-2/3"}'), "plum", "-2/3"),
    bad("exp-token-inf", add(TREE, "[reward]", 'exp_token = {plum = "inf"}'), "plum", "inf"),
    bad("exp-string-unknown-token", TREE + '[reward.exp_string]\n"plum durian" = "2"\n', "durian"),
    bad("exp-string-negative", TREE + '[reward.exp_string]\n"kiwi plum" = "-2/3"\n', "kiwi plum", "-2/3"),
)

ADAPTORS = (
    bad("adaptor-unknown", adapted('"nucleos"', '"1/2"'), "nucleos"),
    bad("adaptor-unknown-newline", adapted(r'"nuc\nleos"', '"1/2"'), "leos"),
    bad("adaptor-name-number", adapted("3", '"1/2"'), "name | adaptor"),
    bad("adaptor-name-missing", drop(TABLE, "name"), "name"),
    bad("adaptor-value-missing", drop(TABLE, "value"), "value"),
    bad("adaptor-not-an-array", TABLE.replace("[[adaptor]]", "[adaptor]"), "adaptor"),
    bad("top-k-0", adapted('"top_k"', "0"), "top_k"),
    bad("top-k-negative", adapted('"top_k"', "-1"), "top_k", "-1"),
    bad("top-k-1.5", adapted('"top_k"', "1.5"), "top_k", "1.5 | 3/2"),
    bad("top-k-1.5-tree", tree('value = "1.5"'), "top_k", "1.5 | 3/2"),
    bad("top-k-nan", adapted('"top_k"', "nan"), "top_k", "nan"),
    bad("top-k-text", adapted('"top_k"', '"several"'), "top_k", "several"),
    bad("top-k-boolean", adapted('"top_k"', "true"), "top_k"),
    bad("temperature-0", adapted('"temperature"', "0"), "temperature"),
    bad("temperature-negative", adapted('"temperature"', '"-1/2"'), "temperature", "-1/2"),
    bad("temperature-text", adapted('"temperature"', '"tepid"'), "temperature", "tepid"),
    bad("temperature-nan", adapted('"temperature"', "nan"), "temperature", "nan"),
    bad("temperature-1/0", adapted('"temperature"', '"1/0"'), "temperature", "1/0"),
    bad("nucleus-0", adapted('"nucleus"', '"0"'), "nucleus"),
    bad("nucleus-1.2", adapted('"nucleus"', "1.2"), "nucleus", "1.2 | 6/5"),
    bad("nucleus-1.2-tree", tree('name = "nucleus"', 'value = "1.2"'), "nucleus", "1.2 | 6/5"),
    bad("typical-0", adapted('"typical"', "0.0"), "typical"),
    bad("typical-1.2", adapted('"typical"', '"1.2"'), "typical", "1.2 | 6/5"),
    bad("eta-negative", adapted('"eta"', "-1"), "eta", "-1"),
    bad("epsilon-adaptor-2", adapted('"epsilon"', "2"), "epsilon", "2"),
    bad("epsilon-adaptor-negative", adapted('"epsilon"', '"-1/9"'), "epsilon", "-1/9"),
    bad("min-p-1.5", adapted('"min_p"', "1.5"), "min_p", "1.5 | 3/2"),
    bad("min-p-nan", adapted('"min_p"', "nan"), "min_p", "nan"),
    bad("chain-value-short", adapted('["top_k", "nucleus"]', "[2]"), "name | value | adaptor"),
    bad("chain-name-short", adapted('["top_k"]', '[2, "1/2"]'), "name | value | adaptor"),
    bad("chain-one-value", adapted('["top_k", "nucleus"]', "1"), "name | value | adaptor"),
    bad("chain-empty", adapted("[]", "[]"), "name | value | adaptor"),
    bad("chain-unknown", adapted('["top_k", "nucleos"]', '[2, "1/2"]'), "nucleos"),
    bad("chain-second-value", adapted('["top_k", "nucleus"]', '[2, "1.2"]'), "nucleus", "1.2 | 6/5"),
    bad("normalise-sideways", table('normalise = "sideways"'), "normalise", "sideways"),
    bad("normalise-boolean", table("normalise = true"), "normalise"),
    bad("normalise-sideways-tree", tree('normalise = "sideways"'), "normalise", "sideways"),
)

CORPORA = (
    bad("size-0", table("size = 0"), "size"),
    bad("size-negative", table("size = -20"), "size", "-20"),
    bad("size-1.5", table("size = 1.5"), "size", "1.5 | 3/2"),
    bad("size-text", table('size = "several"'), "size", "several"),
    bad("size-nan", table("size = nan"), "size", "nan"),
    bad("size-inf", table("size = inf"), "size", "inf"),
    bad("size-boolean", table("size = true"), "size"),
    bad("size-missing", drop(TABLE, "size"), "size"),
    bad("size-0-tree", tree("size = 0"), "size"),
    bad("epsilon-0", table('epsilon = "0"'), "epsilon"),
    bad("epsilon-negative", table('epsilon = "-1/20"'), "epsilon", "-1/20"),
    bad("epsilon-nan", table("epsilon = nan"), "epsilon", "nan"),
    bad("epsilon-text", table('epsilon = "small"'), "epsilon", "small"),
    bad("epsilon-1/0", table('epsilon = "1/0"'), "epsilon", "1/0"),
    bad("epsilon-missing", drop(TABLE, "epsilon"), "epsilon"),
)

UNKNOWN_KEYS = (
    bad("key-top", 'colour = "red"\n' + TABLE, "colour"),
    bad("key-top-section", TABLE + "[colour]\nsize = 1\n", "colour"),
    bad("key-top-plural", TABLE.replace("[[adaptor]]", "[[adaptors]]"), "adaptors"),
    bad("key-prior", add(TABLE, "[prior]", 'colour = "red"'), "colour"),
    bad("key-reward", add(TABLE, "[reward]", 'colour = "red"'), "colour"),
    bad("key-adaptor", add(TABLE, "[[adaptor]]", 'colour = "red"'), "colour"),
    bad("key-corpus", add(TABLE, "[corpus]", 'colour = "red"'), "colour"),
    bad("key-prior-tree", add(TREE, "[prior]", 'colour = "red"'), "colour"),
    bad("key-reward-tree", add(TREE, "[reward]", 'colour = "red"'), "colour"),
    bad("key-second-adaptor", TABLE + '[[adaptor]]\nname = "top_k"\nvalue = 2\ncolour = "red"\n', "colour"),
)

NOT_TOML = (
    bad("toml-syntax", table('beta = = "1"'), "given.toml | line"),
    bad("toml-unclosed-list", table('probs = ["1/7", "2/7"'), "given.toml | line"),
    bad("toml-bare-fraction", table("probs = [1/7, 2/7, 4/7]"), "given.toml | line"),
    bad("toml-key-twice", add(TABLE, "[reward]", 'beta = "1"'), "given.toml | line"),
    bad("not-utf-8", TABLE.encode().replace(b"birch", b"b\xfcrch"), "given.toml | utf"),
)

UNBOUNDED = (
    bad("corpus-of-10^18", table("size = 1000000000000000000"), "corpus.size", "10^15"),
    bad("corpus-of-10^4000", table(f'size = "{"9" * 3990}"'), "corpus.size", "10^15"),
    bad("epsilon-1e-4000", table('epsilon = "1e-4000"'), "corpus.epsilon", "1e-100"),
    bad("epsilon-1e4000", table('epsilon = "1e4000"'), "corpus.epsilon", "1e100"),
    bad("beta-1e-9999", table('beta = "1e-9999"'), "reward.values", "birch", "10^18"),
    bad("reward-1e4000", table('values = ["0", "1e4000", "0"]'), "reward.values", "birch", "10^18"),
    bad("temperature-1e-4000", adapted('"temperature"', '"1e-4000"'), "adaptor 1", "temperature", "10^-9"),
    bad("kind-in-a-list", table('kind = ["table"]'), "prior.kind", "table"),
    bad("name-in-a-list-of-lists", adapted('[["temperature"]]', '["1"]'), "adaptor 1", "name"),
)

TOO_DEEP = (
    bad("nested-lists", f"x = {'[' * 100_000}{']' * 100_000}", "given.toml", "nested deeper"),
    bad("nested-tables", f"x = {'{a=' * 100_000}1{'}' * 100_000}", "given.toml", "nested deeper"),
    bad("dotted-key", f"{'.'.join(['a'] * 100_000)} = 1", "given.toml", "dotted key"),
    bad("dotted-table", f"[{'.'.join(['a'] * 100_000)}]", "given.toml", "dotted key"),
    bad("integer-of-5000-digits", table(f"size = {'9' * 5000}"), "given.toml", "digits"),
)
"""What tomllib itself does not read: it runs out of stack, of time, or of digits."""

BAD = (*PRIORS, *TREES, *REWARDS, *ADAPTORS, *CORPORA, *UNKNOWN_KEYS, *NOT_TOML, *UNBOUNDED, *TOO_DEEP)

VALID = {
    "table": TABLE,
    "tree": TREE,
    "table-exp-values-without-beta": EXP_TABLE,
    "table-floats-that-round": table("probs = [0.1, 0.2, 0.7]"),
    "table-floats-within-1e-9": table("probs = [0.25, 0.25, 0.5000000001]"),
    "table-removed-string": table('values = ["0", "-inf", "1"]'),
    "table-probability-0": table('probs = ["0", "3/7", "4/7"]'),
    "table-without-corpus": TABLE[: TABLE.index("[corpus]")],
    "table-nucleus-1": adapted('"nucleus"', "1"),
    "table-chain": adapted('["top_k", "temperature"]', '[2, "1/2"]'),
    "table-normalise-left-out": drop(TABLE, "normalise"),
    "table-size-1": table("size = 1"),
    "table-size-10^15": table("size = 1000000000000000"),
    "table-quoted-brackets": table(f"""strings = ["{"[" * 100}", '{"{" * 100}', "{"a." * 100}"]"""),
    "table-beta-1e-12": table('beta = "1e-12"'),
    "table-temperature-1e-9": adapted('"temperature"', '"1e-9"'),
    "tree-exp-token": add(TREE, "[reward]", 'exp_token = {plum = "2"}'),
    "tree-exp-string": TREE + '[reward.exp_string]\n"kiwi" = "3"\n',
}


def ids(case: Case) -> str:
    return case.id


def contents(folder: Path) -> dict[Path, bytes | None]:
    """Every path under ``folder`` with its bytes; None for a folder."""
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def written(folder: Path, content: str | bytes) -> Path:
    spec = folder / "given.toml"
    spec.write_bytes(content if isinstance(content, bytes) else content.encode())
    return spec


def exact(spec: Path, out: Path) -> tuple[int, str]:
    """Exit status and all output (standard error too), in a terminal narrower than any message."""
    result = CliRunner(env={"COLUMNS": "40"}).invoke(app, ["exact", str(spec), "--json", str(out)])
    return result.exit_code, result.output


def assert_names(output: str, says: tuple[str, ...], folder: Path) -> None:
    """``output`` is one line that contains every one of ``says``, ``folder`` itself not counted."""
    assert "Traceback" not in output
    lines = output.strip().splitlines()
    assert len(lines) == 1, output
    line = lines[0].replace(str(folder), "").lower()
    for needle in says:
        spellings = needle.lower().split(" | ")
        assert any(spelling in line for spelling in spellings), f"{needle!r} is not in {line!r}"


@pytest.mark.parametrize("case", BAD, ids=ids)
def test_bad_specification_is_refused(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec, out = written(tmp_path, case.content), tmp_path / "out.json"
    before = contents(tmp_path)
    status, output = exact(spec, out)
    assert status == 2, output
    assert_names(output, case.says, tmp_path)
    assert not out.exists()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("content", VALID.values(), ids=VALID.keys())
def test_valid_specification_is_accepted(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spec, out = written(tmp_path, content), tmp_path / "out.json"
    before = contents(tmp_path)
    status, output = exact(spec, out)
    assert status == 0, output
    assert "entropy" in json.loads(out.read_text())
    assert contents(tmp_path) == {**before, out: out.read_bytes()}


def test_missing_file_is_refused(tmp_path: Path) -> None:
    status, output = exact(tmp_path / "absent.toml", tmp_path / "out.json")
    assert status == 2, output
    assert_names(output, ("absent.toml",), tmp_path)
    assert contents(tmp_path) == {}


def test_folder_as_specification_is_refused(tmp_path: Path) -> None:
    spec = tmp_path / "folder.toml"
    spec.mkdir()
    status, output = exact(spec, tmp_path / "out.json")
    assert status == 2, output
    assert_names(output, ("folder.toml",), tmp_path)
    assert contents(tmp_path) == {spec: None}


@pytest.mark.parametrize("name", ["nowhere/out.json", "given.toml/out.json", "shelf"])
def test_output_that_cannot_be_written_is_refused(name: str, tmp_path: Path) -> None:
    """OUT in a folder that does not exist, below a file, or itself a folder."""
    spec = written(tmp_path, TABLE)
    (tmp_path / "shelf").mkdir()
    before = contents(tmp_path)
    status, output = exact(spec, tmp_path / name)
    assert status == 2, output
    assert_names(output, (Path(name).parts[0],), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("case", [PRIORS[0], TREES[-1], ADAPTORS[0], CORPORA[0], NOT_TOML[0]], ids=ids)
def test_failing_run_leaves_an_existing_output_alone(case: Case, tmp_path: Path) -> None:
    spec, out = written(tmp_path, case.content), tmp_path / "out.json"
    out.write_bytes(b"kept as it was\n")
    before = contents(tmp_path)
    status, output = exact(spec, out)
    assert status == 2, output
    assert contents(tmp_path) == before


PROCESS_CASES = (PRIORS[0], NOT_TOML[0], NOT_TOML[-1])


@pytest.mark.parametrize("case", PROCESS_CASES, ids=ids)
def test_process_says_one_line_on_standard_error(case: Case, tmp_path: Path) -> None:
    spec, out = written(tmp_path, case.content), tmp_path / "out.json"
    before = contents(tmp_path)
    command = [sys.executable, "-m", "probqual", "exact", str(spec), "--json", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.endswith("\n")
    assert_names(done.stderr, case.says, tmp_path)
    assert contents(tmp_path) == before


def test_cases_differ_and_are_toml_unless_meant_otherwise() -> None:
    """A slip in the table itself would otherwise pass as bad input for the wrong reason."""
    assert len({case.id for case in BAD}) == len(BAD)
    assert len({case.content for case in BAD} | set(VALID.values())) == len(BAD) + len(VALID)
    for case in BAD:
        if case in NOT_TOML:
            with pytest.raises((tomllib.TOMLDecodeError, UnicodeDecodeError)):
                tomllib.loads(case.content if isinstance(case.content, str) else case.content.decode())
        elif case not in TOO_DEEP:
            assert isinstance(case.content, str)
            tomllib.loads(case.content)
