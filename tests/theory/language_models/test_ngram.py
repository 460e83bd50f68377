"""ARPA text: what is read, and the one line for each file that is refused."""

from __future__ import annotations

import gzip
import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from tests.ngrams import BIGRAM, random_arpa, written
from theory.language_models.arpa import read_arpa
from theory.language_models.ngram import NGramModel, ngram_model


def model_of(folder: Path, text: str, unknown: str | None = None) -> NGramModel:
    return ngram_model(read_arpa(written(folder, text)), unknown)


def plain_scores(text: str, tokens: list[str]) -> list[float]:
    """log10 p of each token and the end, straight from the lines of a file: the definition, with a dictionary."""
    listed: dict[tuple[str, ...], tuple[float, float]] = {}
    order = 0
    for line in text.splitlines():
        if line.endswith("-grams:"):
            order = int(line[1:-7])
        elif order and line and not line.startswith("\\"):
            fields = line.split()
            back = float(fields[order + 1]) if len(fields) > order + 1 else 0.0
            listed[tuple(fields[1 : order + 1])] = (float(fields[0]), back)
    longest = max(len(gram) for gram in listed)

    def score(context: tuple[str, ...], word: str) -> float:
        if (*context, word) in listed:
            return listed[*context, word][0]
        return listed.get(context, (0.0, 0.0))[1] + score(context[1:], word)

    words = ["<s>", *tokens, "</s>"]
    return [score(tuple(words[max(0, k - longest + 1) : k]), words[k]) for k in range(1, len(words))]


@pytest.mark.parametrize("seed", range(30))
def test_scores_are_those_of_the_definition(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng([11, seed])
    text = random_arpa(rng, 2 + seed % 3, 3, normal=False)
    model = model_of(tmp_path, text)
    for tokens in itertools.islice(itertools.product(model.alphabet, repeat=4), 0, None, 7):
        np.testing.assert_allclose(list(model.scores(tokens)), plain_scores(text, list(tokens)), rtol=0, atol=1e-12)
    for state in range(model.states):
        log10_prob, _ = model.row(state)
        assert (10.0**log10_prob).sum() == pytest.approx(model.masses()[state], abs=1e-12)


def test_spaces_tabs_gzip_and_text_above_are_alike(tmp_path: Path) -> None:
    known = model_of(tmp_path, BIGRAM)
    spaced = "made by hand\n\n" + BIGRAM.replace("\t", "  ").replace("\n", "\r\n")
    again = model_of(tmp_path, spaced)
    packed = tmp_path / "model.arpa.gz"
    packed.write_bytes(gzip.compress(BIGRAM.encode()))
    for other in (again, ngram_model(read_arpa(packed))):
        assert other.alphabet == known.alphabet == ("a", "b")
        np.testing.assert_array_equal(other.log10_prob, known.log10_prob)
        np.testing.assert_array_equal(other.target, known.target)


def test_blocks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is read in blocks of 64 bytes is the file that is read at once."""
    text = random_arpa(np.random.default_rng(5), 3, 4)
    known = read_arpa(written(tmp_path, text))
    monkeypatch.setattr("theory.language_models.arpa._BLOCK", 64)
    small = read_arpa(written(tmp_path, text))
    assert small.words == known.words
    for one, two in zip(small.sections, known.sections, strict=True):
        for name in ("words", "log_prob", "back_off", "line"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_decimals_are_rounded_once(tmp_path: Path) -> None:
    """Every number is the float64 nearest to its decimal, as Python reads it."""
    written_numbers = ["-0.1", "-1.6002", "-99", "-.5", "-2.", "-1.234567890123456789", "-1e-3", "-0", "-12.25E-1"]
    rows = "\n".join(f"{number} w{k}" for k, number in enumerate(written_numbers))
    text = f"\\data\\\nngram 1={len(written_numbers) + 1}\n\\1-grams:\n{rows}\n-1 </s>\n\\end\\\n"
    found = read_arpa(written(tmp_path, text))
    assert found.sections[0].log_prob[:-1].tolist() == [float(number) for number in written_numbers]
    assert not found.decimals


def test_missing_suffixes_change_nothing(tmp_path: Path) -> None:
    """A trigram a b c without the bigram b c: b c is added with the probability that it has by backing off."""
    text = """\\data\\
ngram 1=5
ngram 2=1
ngram 3=1
\\1-grams:
-99 <s>
-0.5 a -0.1
-0.6 b -0.2
-0.7 c
-0.4 </s>
\\2-grams:
-0.3 a b -0.3
\\3-grams:
-0.2 a b c
\\end\\
"""
    model = model_of(tmp_path, text)
    assert model.added == 1
    for tokens in itertools.product("abc", repeat=3):
        np.testing.assert_allclose(list(model.scores(tokens)), plain_scores(text, list(tokens)), rtol=0, atol=1e-12)


def test_unknown_word_has_a_policy(tmp_path: Path) -> None:
    text = BIGRAM.replace("\tb\n", "\t<unk>\n")
    with pytest.raises(ValueError, match='say unknown = "drop", or unknown = "TOKEN"'):
        model_of(tmp_path, text)
    assert model_of(tmp_path, text, "drop").alphabet == ("a",)
    assert model_of(tmp_path, text, "other").alphabet == ("a", "other")
    with pytest.raises(ValueError, match='unknown = "a": this word has a unigram of its own'):
        model_of(tmp_path, text, "a")


def test_nothing_left_is_no_weight(tmp_path: Path) -> None:
    """A context that lists every word and has the back-off weight 10^99.999 never backs off."""
    rows = "-0.3 a a\n-0.6 a b\n-0.7 a </s>\n"
    text = BIGRAM.replace("-0.0669467896306132", "99.999").replace("-0.397940008672038\ta a\n", rows)
    model = model_of(tmp_path, text.replace("ngram 2=1", "ngram 2=3"))
    state = int(model.target[0])
    assert model.context(state) == ("a",)
    assert model.log10_back[state] == -math.inf
    assert model.masses()[state] == pytest.approx(10**-0.3 + 10**-0.6 + 10**-0.7)


def test_reachable_states_are_those_of_the_expanded_automaton(tmp_path: Path) -> None:
    for seed in range(40):
        rng = np.random.default_rng([12, seed])
        model = model_of(tmp_path, random_arpa(rng, 3, 3))
        kept = np.append(rng.random(len(model.alphabet)) < 0.7, True)
        seen, waiting = {model.initial}, [model.initial]
        while waiting:
            log10_prob, target = model.row(waiting.pop())
            for token in np.flatnonzero(kept & (log10_prob > -np.inf)).tolist():
                state = int(target[token])
                if state < model.states and state not in seen:
                    seen.add(state)
                    waiting.append(state)
        assert set(np.flatnonzero(model.reachable(kept)).tolist()) == seen


def changed(old: str, new: str) -> str:
    assert old in BIGRAM
    return BIGRAM.replace(old, new)


MALFORMED = {
    "empty": ("", "there is no line \\data\\: this is no ARPA file (a binary model is converted first)"),
    "binary": ("mmap lm http://kheafield.com/code format version 5\n\x00\x01", "there is no line \\data\\"),
    "no-data": (changed("\\data\\\n", ""), "there is no line \\data\\"),
    "no-counts": ("\\data\\\n\n\\1-grams:\n\\end\\\n", "\\data\\ announces no unigrams"),
    "zero": ("\\data\\\nngram 1=0\n\\1-grams:\n\\end\\\n", "\\data\\ announces no unigrams"),
    "count-words": (changed("ngram 1=4", "ngram 1=four"), "line 2: expected \"ngram ORDER=COUNT\", got 'ngram 1=four'"),
    "count-order": (changed("ngram 2=1", "ngram 3=1"), "line 3: expected the count of 2-grams, got that of order 3"),
    "zero-top": (changed("ngram 2=1", "ngram 2=0"), "announces 0 2-grams; leave the order out"),
    "too-few": (changed("ngram 1=4", "ngram 1=5"), "announces 5 1-grams, the section that begins here has 4"),
    "too-many": (changed("ngram 2=1", "ngram 2=2"), "announces 2 2-grams, the section that begins here has 1"),
    "no-section": (changed("\\1-grams:\n", ""), "line 5: expected \"ngram ORDER=COUNT\", got '-99\\t<s>'"),
    "wrong-section": (changed("\\2-grams:", "\\3-grams:"), "line 11: expected \\2-grams: after the 1-grams"),
    "section-missing": (BIGRAM[: BIGRAM.index("\\2")], "the file ends after the 1-grams, without \\2-grams:"),
    "no-end": (changed("\\end\\\n", ""), "the file ends after the 2-grams, without \\end\\"),
    "cut": (BIGRAM[: BIGRAM.index(" a\n\n")], "line 12: expected a log-probability and 2 words, got 2 fields"),
    "extra": (changed("a a", "a a a a"), "line 12: expected a log-probability and 2 words, got 5 fields"),
    "lonely": (changed("\tb\n", "\n"), "line 8: expected a log-probability and 1 word and at most a back-off, got 1"),
    "word-first": (changed("-0.698970004336019\tb", "b\t-0.69"), "line 8: the log-probability 'b' is no number"),
    "comma": (changed("-0.69", "-0,69"), "line 8: the log-probability '-0,6"),
    "hex": (changed("-0.698970004336019", "0x1p-1"), "line 8: the log-probability '0x1p-1' is no number"),
    "nan": (changed("-0.698970004336019", "nan"), "line 8: the log-probability 'nan' is not finite"),
    "inf": (changed("-0.698970004336019", "-inf"), "'-inf' is not finite; a probability of 0 is written -99"),
    "overflow": (changed("-0.698970004336019", "-1e999"), "line 8: the log-probability '-1e999' is not finite"),
    "above-one": (changed("-0.698970004336019", "0.3"), "line 8: a probability above 1: its log10 is 0.3"),
    "back-off-text": (changed("-0.0669467896306132", "x"), "line 7: the back-off weight 'x' is no number"),
    "back-off-nan": (changed("-0.0669467896306132", "NaN"), "line 7: the back-off weight 'NaN' is not finite"),
    "top-back-off": (changed("a a", "a a -0.5"), "line 12: an n-gram of the highest order, 2, has no back-off weight"),
    "stranger": (changed("a a", "a c"), "line 12: the word 'c' is no unigram"),
    "twice": (changed("\tb\n", "\ta\n"), "line 8: the word 'a' stands also on line 7"),
    "twice-above": (
        changed("ngram 2=1", "ngram 2=2").replace("a a\n", "a a\n-1 a a\n"),
        'line 13: "a a" stands also on line 12',
    ),
    "nothing-left": (
        changed("-0.0669467896306132", "99.999"),
        'line 7: the back-off weight 10^99.999 of "a" means that no word is left, but the context does not list them',
    ),
    "no-end-word": (changed("</s>", "c"), "there is no </s> among the unigrams, so that no string ends"),
    "no-word": (
        "\\data\\\nngram 1=2\n\\1-grams:\n-99 <s>\n0 </s>\n\\end\\\n",
        "there is no word but <s>, </s> and <unk>",
    ),
    "prefix": (
        changed("ngram 2=1", "ngram 2=1\nngram 3=1").replace("\\end\\", "\\3-grams:\n-0.2 b a a\n\\end\\"),
        'line 16: "b a a" is listed without its prefix "b a"',
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    text, message = MALFORMED[name]
    with pytest.raises(ValueError, match=r"\w") as caught:
        model_of(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.arpa"
    path.write_bytes(BIGRAM.encode().replace(b"\tb\n", b"\t\xff\n"))
    with pytest.raises(ValueError, match=r"line 8: the word b'\\xff' is not UTF-8"):
        read_arpa(path)
    path.write_bytes(gzip.compress(BIGRAM.encode())[:-20])
    with pytest.raises(ValueError, match="not a whole gzip file"):
        read_arpa(path)
