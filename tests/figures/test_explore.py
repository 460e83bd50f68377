"""The page computes in the browser what theory computes in balls.

Chromium is driven by keys, as a reader would move the sliders, and the numbers are read off the page with all their
digits. The other side starts from the exact models, not from what the page embeds.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from figures.explore import MODELS, WORDS, page, write_page
from theory.adaptors.exact import Adapted, adapt, chain, decide
from theory.adaptors.frontier import member
from theory.adaptors.hull import hull
from theory.adaptors.moments import Moments, moments
from theory.alignment.gibbs import Aligned, Numbers
from theory.arithmetic.exact import ball, balls, precision, rational, to_float
from theory.arithmetic.formal import FormalSum
from theory.corpora.typicality import conditional_correlation_limit
from theory.examples import finite as examples
from theory.examples.words import speeches
from theory.language_models.rewards import Reward
from theory.probability.concentration import chebyshev, normal_cdf, truncated_normal_variance

TOLERANCE = 1e-9
SLIDERS = ("beta", "temperature", "top_k", "nucleus", "size", "epsilon")
ADAPTORS = ("temperature", "top_k", "nucleus")
EXACT = {
    "c1": examples.c1,
    "c2": examples.c2,
    "c3": examples.c3,
    "c4": examples.c4,
    "c5": examples.c5,
    "toy": examples.toy,
    "words": functools.partial(speeches, fmpq(1), size=2000),
}

Settings = dict[str, fmpq]
Shown = dict[str, str]


# --- theory -------------------------------------------------------------------------------------------------------


@functools.cache
def aligned_at(key: str, beta: fmpq) -> tuple[Aligned, Numbers, Moments]:
    """The model with its reward divided by beta, and its numbers in balls."""
    exact = EXACT[key]()
    if beta != 1:
        exact = dataclasses.replace(exact, reward=tuple(divided(r, beta) for r in exact.reward))
    numbers = exact.balls()
    return exact, numbers, moments(numbers)


def divided(reward: Reward, beta: fmpq) -> Reward:
    """R / beta: e^R to the power 1 / beta where that is rational, else a logarithm to 256 bits."""
    if reward.factor != 1:
        raised = FormalSum.of(reward.factor, fmpq(0)).power(1 / beta)
        whole = None if raised is None else raised.ratio(FormalSum.of(fmpq(1), fmpq(0)))
        if whole is not None:
            return Reward(reward.exponent / beta, whole)
    mantissa, exponent = (arb(reward.factor).log() / beta).mid().man_exp()
    return Reward(reward.exponent / beta + fmpq(mantissa) * fmpq(2) ** int(exponent))


@functools.cache
def law_moments(key: str, beta: fmpq, adaptor: str, value: fmpq, normalise: str) -> tuple[Moments, int]:
    """The moments of one adapted law, and how many strings it keeps."""
    _, numbers, _ = aligned_at(key, beta)
    law = adapt(numbers, decide(numbers, chain((adaptor, value))), normalise)
    return moments(numbers, law), len(law.string)


@functools.cache
def prior_moments(key: str, beta: fmpq) -> Moments:
    """The moments of (L, R) under p."""
    exact, numbers, _ = aligned_at(key, beta)
    law = Adapted(exact, np.arange(len(exact)), balls(exact.prior), numbers.log_prior, numbers.log_prior * 0)
    return moments(numbers, law)


def expected(key: str, chosen: Settings) -> dict[str, Any]:
    """What every cell of the page must say: "table key" -> number, None where it does not exist, or words."""
    exact, numbers, mean = aligned_at(key, chosen["beta"])
    found: dict[str, Any] = {}
    cells = {
        "log_partition": numbers.log_partition,
        "entropy": mean.entropy,
        "varentropy": mean.var_surprisal,
        "mean_log_prior": mean.mean_log_prior,
        "mean_reward": mean.mean_reward,
        "var_log_prior": mean.var_log_prior,
        "var_reward": mean.var_reward,
        "cov": mean.cov,
        "corr": mean.correlation,
        "exchange_coefficient": mean.exchange_coefficient,
        "slope": -(1 + mean.exchange_coefficient) / mean.exchange_coefficient,
    }
    found |= {f"aligned {name}": value for name, value in cells.items()}
    size, epsilon = int(chosen["size"].p), chosen["epsilon"]
    centre = numbers.log_partition - mean.entropy
    width = ball(epsilon) * (arb(size) / mean.var_surprisal).sqrt()
    cells = {
        "band_low": centre - epsilon,
        "band_high": centre + epsilon,
        "chebyshev_bound": chebyshev(mean.var_surprisal, size, ball(epsilon)),
        "typical_probability_limit": 2 * normal_cdf(width) - 1,
        "corr": mean.correlation,
        "conditional_corr_limit": conditional_correlation_limit(mean, size, epsilon),
    }
    found |= {f"corpus {name}": value for name, value in cells.items()}
    found |= row("prior ", prior_moments(key, chosen["beta"]), len(exact), None)
    found |= row("aligned ", mean, len(exact), None)
    is_table = len(exact.tree.levels) <= 3
    for adaptor in ADAPTORS:
        for normalise in ("local", "global"):
            law, strings = law_moments(key, chosen["beta"], adaptor, chosen[adaptor], normalise)
            found |= row(f"{adaptor} {'' if is_table else normalise}", law, strings, mean)
    b = mean.exchange_coefficient
    found["verdict"] = "trades off" if b > 0 or b < -1 else "does not trade off"
    return found


def row(name: str, law: Moments, strings: int, start: Moments | None) -> dict[str, Any]:
    """One row of the table of laws."""
    return {
        f"{name} mean_log_prior": law.mean_log_prior,
        f"{name} mean_reward": law.mean_reward,
        f"{name} entropy": law.entropy,
        f"{name} kl_to_aligned": law.kl_to_aligned,
        f"{name} exchange_coefficient": law.exchange_coefficient,
        f"{name} strings": f"{strings:,}",
        f"{name} against": "" if start is None else against(start, law),
    }


def against(start: Moments, law: Moments) -> str:
    """Whether E L and E R rise, fall or stay from p+ to a law."""
    changes = (law.mean_log_prior - start.mean_log_prior, law.mean_reward - start.mean_reward)
    l, r = (0 if abs(to_float(change)) < 1e-12 else (1 if change > 0 else -1) for change in changes)
    if l == r:
        return {1: "both rise", 0: "no change", -1: "both fall"}[l]
    word = {1: "rises", 0: "stays", -1: "falls"}
    return f"L {word[l]}, R {word[r]}" + (": trades off" if l * r < 0 else "")


# --- without a browser --------------------------------------------------------------------------------------------


def test_page_needs_no_network() -> None:
    """One file below 2 MB; nothing in it names another, and its policy forbids to load any."""
    text = page()
    assert len(text.encode("utf-8")) < 2_000_000
    assert set(re.findall(r"https?://[^\s\"'<>]*", text)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in text
    assert not re.search(r"<link|<img|<iframe|\ssrc=|@import|url\((?!#)|\bimport\s*\(|fetch\(|XMLHttpRequest", text)
    assert "{{" not in text
    assert f"The {WORDS:,} most frequent words" in text


def test_page_embeds_the_models() -> None:
    """p, r and the tree of each model, to the last digit of a double."""
    embedded = json.loads(re.search(r'<script id="models"[^>]*>(.*?)</script>', page(), re.DOTALL)[1])
    assert [model["key"] for model in embedded] == [model.key for model in MODELS] == list(EXACT)
    for model in embedded:
        exact, numbers, _ = aligned_at(model["key"], fmpq(1))
        assert model["names"] == list(exact.names())
        assert model["prior"] == [to_float(p) for p in exact.prior]
        assert model["reward"] == [to_float(r) for r in numbers.reward]
        if "parent" in model:
            assert (model["parent"], model["node"]) == (exact.tree.parent.tolist(), exact.node.tolist())
        else:
            assert len(exact.tree.levels) == 3


def test_page_is_written_whole(tmp_path: Path) -> None:
    """The file holds the page and nothing else is left; where it cannot be written nothing is."""
    write_page(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(OSError, match="absent"):
        write_page(tmp_path / "absent" / "page.html")


# --- with a browser -----------------------------------------------------------------------------------------------

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,800",
)

READ = """
const [shown, done] = [{}, arguments[arguments.length - 1]];
const read = () => {
  for (const table of ["aligned", "corpus"])
    for (const cell of document.querySelectorAll(`#${table} [data-key]`))
      shown[`${table} ${cell.dataset.key}`] = cell.innerText;
  for (const line of document.querySelectorAll("#laws tbody tr"))
    for (const cell of line.querySelectorAll("[data-key]"))
      shown[`${line.dataset.adaptor} ${line.dataset.normalise} ${cell.dataset.key}`] = cell.innerText;
  shown.verdict = document.getElementById("sentence").dataset.verdict;
  shown.sentence = document.getElementById("sentence").innerText;
  for (const field of document.querySelectorAll("[type=number]")) shown[field.id] = field.value;
  done(shown);
};
requestAnimationFrame(() => requestAnimationFrame(read));
"""


class Reader:
    """Somebody who uses the page by keyboard and reads what it says."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.keys = pytest.importorskip("selenium.webdriver.common.keys").Keys

    def element(self, name: str) -> Any:
        return self.driver.find_element("id", name)

    def pick(self, key: str) -> None:
        """Choose a model in the list, with its own settings, and ask for all digits."""
        self.element("model").send_keys(self.keys.HOME, *[self.keys.ARROW_DOWN] * list(EXACT).index(key))
        self.element("reset").send_keys(self.keys.ENTER)
        if not self.element("digits").is_selected():
            self.element("digits").send_keys(self.keys.SPACE)

    def type(self, name: str, text: str) -> None:
        """Type a number into a slider's field."""
        self.element(f"{name}-value").send_keys(self.keys.CONTROL, "a")
        self.element(f"{name}-value").send_keys(text, self.keys.TAB)

    def read(self) -> Shown:
        """Every cell of the page, and the fields beside the sliders."""
        return self.driver.execute_async_script(READ)

    def compute(self, script: str, *given: Any) -> Any:
        """The value of an expression in the page; its models are ``models``, by key."""
        start = "const models = Object.fromEntries(JSON.parse(document.getElementById('models').textContent)"
        return self.driver.execute_script(f"{start}.map((m) => [m.key, planted(m)])); return {script};", *given)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Headless Chromium with the page open; skips where the browser, its driver or selenium is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install -e '.[browser]'")
    service = pytest.importorskip("selenium.webdriver.chrome.service")
    browser, driver_path = shutil.which("chromium"), shutil.which("chromedriver")
    if not (browser and driver_path):
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    folder = tmp_path_factory.mktemp("explore")
    write_page(folder / "explore.html")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=service.Service(driver_path))
    try:
        driver.get((folder / "explore.html").as_uri())
        yield Reader(driver)
    finally:
        driver.quit()


def compare(key: str, shown: Shown) -> Settings:
    """Every displayed number is theory's to 1e-9, every word the same; the settings that the fields show."""
    chosen = {name: rational(shown[f"{name}-value"]) for name in SLIDERS}
    want = expected(key, chosen)
    cells = {name: text for name, text in shown.items() if not name.endswith("-value") and name != "sentence"}
    assert cells.keys() == want.keys()
    for name, text in cells.items():
        label = f"{key} {name} at {chosen}"
        if want[name] is None:
            assert text == "–", label
        elif isinstance(want[name], str):
            assert text == want[name], label
        else:
            assert math.isclose(float(text), to_float(want[name]), rel_tol=TOLERANCE, abs_tol=TOLERANCE), label
    assert shown["sentence"].lower().startswith(want["verdict"])
    return chosen


@pytest.mark.parametrize("key", EXACT)
def test_sliders(reader: Reader, key: str) -> None:
    """Each slider moved to both ends and between: every number on the page is that of theory."""
    reader.pick(key)
    start = compare(key, reader.read())
    large = key in {"toy", "words"}
    for name in SLIDERS:
        seen = []
        right = reader.keys.ARROW_RIGHT
        for keys in ([reader.keys.HOME], [right] * 4, [reader.keys.END])[: 2 if large else 3]:
            reader.element(name).send_keys(*keys)
            seen.append(compare(key, reader.read()))
        assert len({s[name] for s in seen}) == len(seen) or int(start["top_k"].p) <= 3
        assert all(s | {name: start[name]} == start for s in seen), "one slider moves one setting"
        reader.element("reset").send_keys(reader.keys.ENTER)


TIES = [
    # top-k between equal weights, and a nucleus whose mass is a sum of probabilities exactly
    ("c4", {"top_k": "1", "nucleus": "0.4"}),
    ("c4", {"top_k": "2", "nucleus": "0.8"}),
    ("c4", {"beta": "1.5", "top_k": "2", "nucleus": "0.75"}),
    ("c2", {"top_k": "1", "nucleus": "0.64"}),
    ("c2", {"top_k": "3", "nucleus": "0.36"}),
    ("c2", {"beta": "0.5", "nucleus": "0.25", "temperature": "0.1"}),
    # the ends of what the fields take
    ("c1", {"beta": "0.2", "temperature": "0.1"}),
    ("c5", {"beta": "5", "temperature": "10", "nucleus": "1", "size": "1", "epsilon": "2"}),
    ("c3", {"size": "10", "epsilon": "0.001"}),
    ("words", {"beta": "0.2", "temperature": "0.1", "top_k": "1"}),
    ("words", {"beta": "0.37", "temperature": "0.123456789", "top_k": "20", "nucleus": "0.05"}),
    ("toy", {"beta": "0.2", "temperature": "0.1", "top_k": "1000", "nucleus": "0.999"}),
]


@pytest.mark.parametrize(("key", "typed"), TIES)
def test_typed_numbers(reader: Reader, key: str, typed: dict[str, str]) -> None:
    """Any number may be typed, also where weights tie or a mass is reached exactly."""
    reader.pick(key)
    for name, text in typed.items():
        reader.type(name, text)
    chosen = compare(key, reader.read())
    assert {name: chosen[name] for name in typed} == {name: rational(text) for name, text in typed.items()}


@pytest.mark.parametrize(
    ("name", "text"), [("beta", "0"), ("temperature", "-1"), ("top_k", "1.5"), ("nucleus", "1.01")]
)
def test_refused_numbers(reader: Reader, name: str, text: str) -> None:
    """A number outside its range changes nothing and is marked."""
    reader.pick("c5")
    before = reader.read()
    reader.type(name, text)
    after = reader.read()
    field = reader.element(f"{name}-value")
    assert field.get_attribute("aria-invalid") == "true"
    assert after | {f"{name}-value": before[f"{name}-value"]} == before
    reader.type(name, before[f"{name}-value"])
    assert field.get_attribute("aria-invalid") is None


@pytest.mark.parametrize("key", ["c5", "words"])
def test_rounded_numbers(reader: Reader, key: str) -> None:
    """Without "all digits" every number is within half a unit of its fourth decimal, or of its third digit."""
    reader.pick(key)
    precise = reader.read()
    reader.element("digits").send_keys(reader.keys.SPACE)
    rounded = reader.read()
    digits = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
    numbers = 0
    for name in expected(key, {n: rational(precise[f"{n}-value"]) for n in SLIDERS}):
        try:
            want = float(precise[name])
        except ValueError:
            continue
        got = float(rounded[name].replace("·10", "e").translate(digits).replace(",", ""))
        assert abs(got - want) <= 5.01e-5 or math.isclose(got, want, rel_tol=5.01e-3)
        numbers += 1
    assert numbers > 40


@pytest.mark.parametrize("key", ["c2", "c5", "words"])
def test_drawn_paths(reader: Reader, key: str) -> None:
    """Temperature, beta and hull are drawn where theory has them."""
    _, numbers, _ = aligned_at(key, fmpq(1))
    drawn = reader.compute("paths(align(models[arguments[0]], 1))", key)
    for step in (0, 17, 60):
        power = arb(10) ** (arb(30 - step) / 30)
        law = member(numbers.log_prior, numbers.reward, power, power)
        assert drawn["global"][step] == pytest.approx(means(law), abs=TOLERANCE)
        law = member(numbers.log_prior, numbers.reward, arb(1), arb(step) / 20)
        if step <= 40:
            assert drawn["beta"][step] == pytest.approx(means(law), abs=TOLERANCE)
    if drawn["local"]:
        for step, temperature in ((0, fmpq(1, 10)), (30, fmpq(1)), (60, fmpq(10))):
            kept = decide(numbers, chain(("temperature", temperature)))
            law = moments(numbers, adapt(numbers, kept, "local"))
            assert drawn["local"][step] == pytest.approx(means(law), abs=TOLERANCE)
    corners = reader.compute("hull(align(models[arguments[0]], 1))", key)
    assert {place(numbers, y) for y in corners} == {place(numbers, y) for y in hull(numbers)}


def means(law: Any) -> list[float]:
    return [to_float(law.mean_log_prior), to_float(law.mean_reward)]


def place(numbers: Numbers, y: int) -> tuple[float, float]:
    return to_float(numbers.log_prior[y]), to_float(numbers.reward[y])


def test_error_function(reader: Reader) -> None:
    """erf to 1e-14 and the truncated normal variance to 1e-13, relative to their size."""
    points = [0.0, 1e-9, 1e-3, 0.1, 0.5, 1.0, 2.0, 3.5, 5.9, 6.1, 40.0, -1.5]
    got = reader.compute("arguments[0].map(erf)", points)
    assert got == pytest.approx([math.erf(x) for x in points], rel=1e-14, abs=0)
    widths = [1e-6, 1e-3, 0.3, 1.0, 4.0, 15.9, 16.1, 50.0]
    got = reader.compute("arguments[0].map((c) => truncatedNormalVariance(4, c))", widths)
    with precision():
        want = [to_float(truncated_normal_variance(arb(4), arb(c))) for c in widths]
    assert got == pytest.approx(want, rel=1e-13, abs=0)


@pytest.mark.parametrize("width", [1280, 760, 360])
def test_nothing_sticks_out(reader: Reader, width: int) -> None:
    """No sideways scrolling at any width, no error on the console, nothing asked of a network."""
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    reader.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for key in ("c1", "c2", "toy", "words"):
            reader.pick(key)
            reader.read()
            assert reader.compute("document.scrollingElement.scrollWidth <= window.innerWidth")
    finally:
        reader.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert reader.compute("performance.getEntriesByType('resource').length") == 0
    assert problems(reader.driver.get_log("browser")) == []


def problems(entries: Sequence[dict[str, Any]]) -> list[str]:
    return [entry["message"] for entry in entries if entry["level"] != "INFO"]
