"""Every link within the repository leads somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        name, _hash, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{target}: there is no {linked}"
        if anchor:
            assert anchor in anchors(linked), f"{target}: {linked.name} has no such heading"


def test_every_page_can_be_reached_from_the_first() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        targets = ((page.parent / target.partition("#")[0]).resolve() for target in links(page) if not target.startswith("#"))
        waiting += [target for target in targets if target.suffix == ".md"]
    assert set((ROOT / "docs").rglob("*.md")) - reached == set()
