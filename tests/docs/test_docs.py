"""The docs tell the truth: their commands run, and what they name exists."""

import re
import shlex
from pathlib import Path

import pytest
from doc_blocks import (
    PAGES,
    ROOT,
    check_block,
    check_command,
    check_outside,
    check_target,
    extras,
    files_of,
    options,
    read_blocks,
    run_block,
)
from doc_place import prepare
from slow_params import cases

BLOCKS = {str(page.relative_to(ROOT)): read_blocks(page) for page in PAGES}


def pages_with(mark):
    """Names of the pages that have blocks of a mark."""
    return [p for p, blocks in BLOCKS.items() if any(b.mark == mark for b in blocks)]


def run_page(page, marks, folder, monkeypatch):
    """Runs the blocks of some marks, in their order."""
    monkeypatch.chdir(folder)
    # A page may use files of another one.
    files_of(block for blocks in BLOCKS.values() for block in blocks)
    blocks = [block for block in BLOCKS[page] if block.mark in marks]
    names = prepare("".join(block.text for block in blocks))
    for block in blocks:
        run_block(block, names)


# Most commands of the others run in tests of their own.
QUICK = ("README.md", "docs/start.md", "docs/prediction.md", "docs/weights.md")


@pytest.mark.parametrize("page", cases(pages_with("test"), QUICK))
def test_commands_run(page, tmp_path, monkeypatch):
    run_page(page, ("test",), tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("page", pages_with("slow"))
def test_long_commands_run(page, tmp_path, monkeypatch):
    run_page(page, ("test", "slow"), tmp_path, monkeypatch)


@pytest.mark.parametrize("page", BLOCKS)
class TestBlocks:
    def test_are_all_marked(self, page):
        for block in BLOCKS[page]:
            if block.language in ("bash", "python"):
                assert block.mark, f"{block} has no comment: test, slow, needs, ..."
                assert block.what or block.mark not in ("needs", "file"), block
            else:
                # Another name of a language would hide a command from the tests.
                assert block.language in ("json", "text"), (block, block.language)

    def test_that_are_not_run_could_be(self, page):
        for block in BLOCKS[page]:
            if block.mark in ("needs", "slow"):
                check_block(block)
            elif block.mark == "checked":
                check_outside(block)

    def test_hide_no_commands_by_indentation(self, page):
        text = (ROOT / page).read_text()
        for block in BLOCKS[page]:
            text = text.replace(block.text, "")
        hidden = re.findall(r"^ {4,}(?:hrnet|make|pip|python|docker) .*$", text, re.M)
        assert not hidden

    def test_lines_name_what_exists(self, page):
        """Commands, options and targets within a line."""
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.S)
        known = options()
        for span in re.findall(r"`([^`]+)`", text.replace("\n", " ")):
            if span.startswith("make "):
                check_target(shlex.split(span)[1:], f"{page}: `{span}`")
            elif span.startswith("--"):
                assert span.split()[0] in known, f"{page}: no option `{span}`"
            elif span.startswith("hrnet ") and "COMMAND" not in span:
                check_command(shlex.split(span)[1:], f"{page}: `{span}`")
            elif wanted := re.match(r"pip install '(?:\.|hrnet_tf)\[(.+)\]'", span):
                assert set(wanted[1].split(",")) <= extras(), f"{page}: `{span}`"

    def test_links_lead_somewhere(self, page):
        """Those of the site are checked by its build, README's are not."""
        for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
            path = target.partition("#")[0]
            if path and "://" not in path:
                assert ((ROOT / page).parent / path).exists(), (page, target)


def test_every_recipe_has_a_row():
    """And every row a recipe."""
    from hrnet_tf.training.recipe_files import package_recipes

    text = (ROOT / "docs" / "recipes.md").read_text()
    rows = re.findall(r"^\| `(.+?)` \|", text, re.M)
    files = package_recipes().values()
    assert set(rows) == {f"{file.name}/{v}" for file in files for v in file.variants}


def test_readme_is_short():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150


def test_pictures_are_small():
    for path in (ROOT / "docs" / "images").iterdir():
        assert path.stat().st_size < 150_000, path


def test_extras_are_told():
    """Every extra of setup.py is in the table of the page on installation."""
    text = Path(ROOT / "docs" / "start.md").read_text()
    told = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|(.*?)\|", text, re.M))))
    assert extras() <= told, extras() - told


def test_a_block_without_comment_is_found(tmp_path, monkeypatch):
    page = ROOT / "docs" / "start.md"
    text = page.read_text().replace("<!-- test -->\n", "", 1)
    monkeypatch.setattr(Path, "read_text", lambda self, **_: text)
    assert any(block.mark == "" for block in read_blocks(page))
