"""The convention by which documentation runs notices what works and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshwright.types.errors import ConfigError
from tests.docs_blocks import Block, Place, blocks, complaint, exchanges, matches, run


def one(text: str) -> Block:
    (block,) = blocks("page.md", text)
    return block


def here(tmp_path: Path) -> Place:
    return Place(tmp_path, {"PATH": "/usr/bin:/bin"}, 1234)


def test_a_mark_belongs_to_the_block_below_it():
    found = list(blocks("p.md", "<!-- run -->\n\n```bash\ntrue\n```\n\ntext\n\n```python\nx\n```\n"))
    assert [(block.language, block.mark, block.line) for block in found] == [("bash", "run", 3), ("python", "", 9)]


def test_a_longer_fence_holds_a_shorter_one():
    assert one("````text\n```bash\nx\n```\n````\n").text == "```bash\nx\n```\n"


def test_a_block_that_never_ends_is_an_error():
    with pytest.raises(ValueError, match="never ends"):
        list(blocks("p.md", "```bash\ntrue\n"))


@pytest.mark.parametrize(
    "text",
    [
        "```bash\ntrue\n```\n",
        "<!-- not-run: -->\n```bash\ntrue\n```\n",
        "<!-- run: sometimes -->\n```bash\ntrue\n```\n",
        "<!-- run -->\n```json\n{}\n```\n",
    ],
)
def test_a_block_without_a_proper_mark_is_refused(text: str):
    assert complaint(one(text))


@pytest.mark.parametrize("text", ["```json\n{}\n```\n", "<!-- not-run: needs a key -->\n```bash\nx\n```\n"])
def test_a_block_that_only_shows_something_or_says_why_not_passes(text: str):
    assert not complaint(one(text))


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run -->\n```bash\ntest 1234 = 8400\n```\n",
        "<!-- run: fails -->\n```bash\nfalse | true\n```\n",
        "<!-- run -->\n```python\nassert 8400 == 1234\n```\n",
        "<!-- run -->\n```console\n$ echo one; echo two\none\n...\n$ echo \\\n> 3\n3\n```\n",
        '<!-- run -->\n```toml\n[server]\nhost = "127.0.0.1"\n```\n',
    ],
)
def test_a_block_that_works_passes(text: str, tmp_path: Path):
    run(one(text), here(tmp_path))


@pytest.mark.parametrize(
    "text",
    [
        "<!-- run -->\n```bash\nfalse\ntrue\n```\n",
        "<!-- run: fails -->\n```bash\ntrue\n```\n",
        "<!-- run -->\n```python\nraise SystemExit(3)\n```\n",
        "<!-- run -->\n```console\n$ echo one\ntwo\n```\n",
        "<!-- run -->\n```console\nno command\n```\n",
        "<!-- run -->\n```toml\n[server]\nhots = 1\n```\n",
    ],
)
def test_a_block_that_does_not_work_is_noticed(text: str, tmp_path: Path):
    with pytest.raises((AssertionError, ConfigError)):
        run(one(text), here(tmp_path))


def test_output_may_leave_parts_open():
    assert matches("a ... c\n...", "a b c\nd\ne\n")
    assert not matches("a ... c", "a b d")
    assert exchanges("p", "$ x \\\n  y\nout\n$ z\n") == [("x \\\n  y", "out\n"), ("z", "")]
