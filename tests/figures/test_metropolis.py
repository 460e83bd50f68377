"""The Metropolis-Hastings figure: powers of matrices, double sums and eigenvectors in float64."""

from __future__ import annotations

import numpy as np
import pytest

from figures import metropolis
from figures.gallery import as_csv
from tests.figures.committed import FOLDER, assert_committed
from theory.arithmetic.exact import precision
from theory.specification.finite import parse_specification

TARGET, PROPOSAL = np.array([5, 4, 1]) / 10, np.array([1, 12, 3]) / 16


@pytest.fixture(scope="module")
def record() -> metropolis.Record:
    """The numbers drawn, computed once."""
    with precision():
        return metropolis.compute()


def _kernel() -> np.ndarray:
    weight = TARGET / PROPOSAL
    kernel = PROPOSAL * np.minimum(1, weight[None, :] / weight[:, None])
    np.fill_diagonal(kernel, 0)
    return kernel + np.diag(1 - kernel.sum(axis=1))


def test_committed(record: metropolis.Record) -> None:
    """metropolis.csv; the toy is in float64."""
    assert_committed("metropolis", record)


def test_computed_twice(record: metropolis.Record) -> None:
    """Nothing is drawn at random."""
    assert as_csv(metropolis.compute().rows()) == as_csv(record.rows())


def test_total_variation(record: metropolis.Record) -> None:
    """TV after k steps by powers of the kernel; from x it is (7/8)^k / 2, and never above (7/8)^k."""
    starts = {"x": np.eye(3)[0], "z": np.eye(3)[2], "proposal": PROPOSAL}
    assert set(record.c6.distance) == set(starts)
    for name, start in starts.items():
        for k, distance in zip(record.c6.steps.astype(int), record.c6.distance[name], strict=True):
            law = start @ np.linalg.matrix_power(_kernel(), k)
            assert distance == pytest.approx(abs(law - TARGET).sum() / 2, abs=1e-13)
        assert (record.c6.distance[name] <= record.c6.bound).all()
    assert record.c6.distance["x"] == pytest.approx((7 / 8) ** record.c6.steps / 2, abs=1e-15)
    k, distance = record.c6.powers.T
    assert distance == pytest.approx((7 / 8) ** k / 2, abs=1e-15)


def test_toy_forgets_within_the_bound(record: metropolis.Record) -> None:
    """w* = 45.05; the heaviest start is (1 - pi(x1)) times the bound."""
    for distance in record.toy.distance.values():
        assert (distance <= record.toy.bound + 1e-15).all()
    heaviest = record.toy.distance["heaviest"]
    assert heaviest == pytest.approx(record.toy.bound * heaviest[0] / record.toy.bound[0], abs=1e-12)
    assert 1 / record.named.rates[1, 3] == pytest.approx(45.05, abs=5e-3)


def test_acceptance(record: metropolis.Record) -> None:
    """The double sum q q' min(w, w') for every proposal, and both bounds."""
    grid = [(i, j, 24 - i - j) for i in range(1, 24) for j in range(1, 24) if i + j < 24]
    assert len(grid) == len(record.proposals.rates) == 253
    for q, (distance, rate, overlap, least) in zip(np.array(grid) / 24, record.proposals.rates, strict=True):
        weight = TARGET / q
        assert rate == pytest.approx(q @ np.minimum.outer(weight, weight) @ q, abs=1e-13)
        assert distance == pytest.approx(abs(TARGET - q).sum() / 2, abs=1e-15)
        assert (overlap, least) == pytest.approx((1 - distance, 1 / weight.max()), abs=1e-13)
    for found in (record.proposals, record.named, record.temperatures):
        _, rate, overlap, least = found.rates.T
        assert (np.maximum(least, found.squared) <= rate + 1e-14).all()
        assert (rate <= overlap + 1e-14).all()


def test_tree_is_the_example(record: metropolis.Record) -> None:
    """The tree is that of examples/tree.toml; at T = 1 local and global agree, elsewhere they do not."""
    text = (FOLDER.parent / "examples" / "tree.toml").read_text(encoding="utf-8")
    parsed, own = parse_specification(text).aligned, metropolis.tree()
    assert own.names() == parsed.names()
    assert own.weight_parts() == parsed.weight_parts()
    assert list(own.prior) == list(parsed.prior)
    temperature, rate, *_ = record.temperatures.rates.T
    assert ((rate == 1) == (temperature == 1)).all()


def test_corpora(record: metropolis.Record) -> None:
    """Corr(Lbar, Rbar) along the chain from the joint law of two states (N = 2), and theory's four numbers."""
    log_prior, reward = np.log([10, 6, 3]), np.log([3, 4, 2])
    pairs = TARGET[:, None] * _kernel()
    means = [np.add.outer(v, v).ravel() / 2 for v in (log_prior, reward)]
    matrix = np.cov(*means, aweights=pairs.ravel(), ddof=0)
    chain = dict(record.chain)
    assert chain[2] == pytest.approx(matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]), abs=1e-12)
    for size, value in record.counted:
        assert value == pytest.approx(chain.get(size, value), abs=1e-12)
    assert record.counted == pytest.approx(np.array([(2, -0.065), (10, -0.523), (400, -0.727)]), abs=5e-4)
    assert chain[1] == pytest.approx(record.levels["independent"], abs=1e-12)
    assert record.levels["independent"] == pytest.approx(0.179, abs=5e-4)
    assert record.levels["limit"] < record.counted[-1, 1]
    of_proposal = np.cov(log_prior, reward, aweights=PROPOSAL, ddof=0)
    assert record.levels["accept-all"] == pytest.approx(
        of_proposal[0, 1] / np.sqrt(of_proposal[0, 0] * of_proposal[1, 1]), abs=1e-12
    )


def test_laws(record: metropolis.Record) -> None:
    """The chain is stationary at its target (left eigenvector, by numpy), the accept-all chain at its proposal."""
    values, vectors = np.linalg.eig(_kernel().T)
    vector = np.real(vectors[:, np.argmax(np.real(values))])
    assert record.laws["chain"] == pytest.approx(vector / vector.sum(), abs=1e-12)
    assert record.laws["chain"] == pytest.approx(record.laws["target"], abs=1e-15)
    assert record.laws["accept-all"] == pytest.approx(record.laws["proposal"], abs=1e-15)
