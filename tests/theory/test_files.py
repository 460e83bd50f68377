"""Files that are written whole or not at all, and their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from theory.files import replaced, sha256, sync, write_whole


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("content", ["", "one line\n", "gr\u00fc\u00dfe\n", b"\x00\xff"])
def test_a_file_is_written(content: str | bytes, durable: bool, tmp_path: Path) -> None:
    """Text in UTF-8, line ends as they are, bytes as they are; over what was there; nothing else in the folder."""
    path = tmp_path / "file"
    path.write_text("what was there, and longer than what comes", "utf-8")
    write_whole(path, content, durable=durable)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_error_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    """Half a neighbour is removed, the file and its folder are as before."""
    path = tmp_path / "file"
    path.write_text("as it was", "utf-8")

    def half() -> None:
        with replaced(path) as temporary:
            temporary.write_text("half", "utf-8")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_text("utf-8") == "as it was"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_neighbour_is_known_by_its_name(tmp_path: Path) -> None:
    """A hidden file beside the one that it is for: what a killed writer left is found by .NAME.*; no two are alike."""
    with replaced(tmp_path / "file") as one, replaced(tmp_path / "file") as two:
        assert one != two
        assert {one.parent, two.parent} == {tmp_path}
        assert all(p.name.startswith(".file.") for p in (one, two))
        one.write_text("1", "utf-8")
        two.write_text("2", "utf-8")
    assert (tmp_path / "file").read_text("utf-8") == "1", "the last to end"


@pytest.mark.parametrize("where", ["nowhere/file", "taken/file", "folder"])
def test_what_cannot_be_written(where: str, tmp_path: Path) -> None:
    """A folder that does not exist, a file in its place, a folder in the file's; nothing is left behind."""
    (tmp_path / "taken").write_text("mine", "utf-8")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OSError, match=r"nowhere|taken|folder"):
        write_whole(tmp_path / where, "text")
    assert sorted(tmp_path.rglob("*")) == before


def test_sync_takes_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text", "utf-8")
    for path in (tmp_path / "file", tmp_path):
        sync(path)
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "none")


@pytest.mark.parametrize("content", [b"", b"abc", "gr\u00fc\u00dfe".encode(), bytes(range(256)) * 5000])
def test_one_hash_of_text_bytes_and_files(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    right = hashlib.sha256(content).hexdigest()
    assert sha256(content) == sha256(path) == right
    if len(content) < 100:
        assert sha256(content.decode()) == right
