"""``probqual sweep``: files, resuming, records, and the one line that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from probqual.command_line import app

pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytest.importorskip("joblib", reason="joblib is not installed")

TEXT = """
[sweep]
models = 8
chunk = 4
[[family]]
kind = "table"
strings = [3]
[output]
folder = "out"
"""


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["sweep", *arguments, "--jobs", "1"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_tables_and_json(file: Path, tmp_path: Path) -> None:
    """All claims hold; the JSON has the shares; a second run reads the store."""
    done = run(str(file), "--json", str(tmp_path / "out.json"))
    assert done.exit_code == 0, done.output
    assert "8 models, 24 strings" in done.stdout
    assert "2 of 2 shards, finished" in done.stderr
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["models"] == 8
    assert all(claim["fails"] == 0 for claim in found["claims"])
    again = run(str(file), "--json", "-")
    assert json.loads(again.stdout) == found


def test_a_failing_claim(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, and the model on which it fails."""
    from simulations.sweep import measure

    monkeypatch.setattr(measure, "standing", lambda claim, found: "fails")
    done = run(str(file))
    assert done.exit_code == 1
    assert "a claim fails on this model:" in done.stderr
    assert 'kind = "table"' in done.stderr


def test_stopped(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C: exit status 130, and a line that says how to go on."""
    from simulations.sweep import work

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(work, "rows_of", stop)
        done = run(str(file))
    assert done.exit_code == 130
    assert "the same command goes on from here" in done.stderr
    assert run(str(file)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--backend", "dask"], "--backend dask and --address tcp://... go together"),
        (["--address", "tcp://127.0.0.1:9"], "--backend dask and --address tcp://... go together"),
        (["--backend", "dask", "--address", "tcp://127.0.0.1:9"], "no dask scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_backends(file: Path, arguments: list[str], line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulations.cluster.ANSWER", 1)
    done = run(str(file), *arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("probqual: ")
    assert line in done.stderr.splitlines()[-1]


def test_record_belongs_to_a_checkout(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    done = run(str(file), "--record")
    assert done.exit_code == 2
    assert "outside of one use --json" in done.stderr


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the small sweep as both of the examples whose numbers are kept."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "probqual"\n', encoding="utf-8")
    (tmp_path / "theory" / "data").mkdir(parents=True)
    (tmp_path / "examples").mkdir()
    for name in ("sweep.toml", "sweep-steps.toml"):
        steps = '[reward]\nsteps = ["1/4", "4"]\n' if "steps" in name else ""
        (tmp_path / "examples" / name).write_text(steps + TEXT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("name", "record"), [("sweep.toml", "sweep"), ("sweep-steps.toml", "sweep_steps")])
def test_each_example_has_its_record(checkout: Path, name: str, record: str) -> None:
    """What is kept is what --json writes; nothing else is touched. Steps are shown where they are drawn."""
    done = run(f"examples/{name}", "--output", "out", "--record", "--json", "out.json")
    assert done.exit_code == 0, done.output
    kept = checkout / "theory" / "data"
    assert [path.name for path in kept.iterdir()] == [f"{record}.json"]
    assert (kept / f"{record}.json").read_bytes() == (checkout / "out.json").read_bytes()
    assert ("reward step" in done.stdout) == (record == "sweep_steps")


def test_another_sweep_is_not_recorded(checkout: Path) -> None:
    """Not even one of the same name elsewhere; before anything is computed."""
    (checkout / "sweep.toml").write_text(TEXT, encoding="utf-8")
    done = run("sweep.toml", "--record")
    assert done.exit_code == 2
    kept = "--record keeps the numbers of examples/sweep.toml and examples/sweep-steps.toml alone"
    assert f"{kept}; of sweep.toml use --json" in done.stderr
    assert not (checkout / "out").exists()
    assert not list((checkout / "theory" / "data").iterdir())


def test_missing_file(tmp_path: Path) -> None:
    done = run(str(tmp_path / "none.toml"))
    assert done.exit_code == 2
    assert "none.toml: cannot be read" in done.stderr


def test_folder_of_another_sweep(file: Path) -> None:
    assert run(str(file)).exit_code == 0
    file.write_text(TEXT.replace("models = 8", "models = 9"), encoding="utf-8")
    done = run(str(file))
    assert done.exit_code == 2
    assert "holds a run whose" in done.stderr
