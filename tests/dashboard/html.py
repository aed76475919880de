"""Whether a page is valid HTML, and keeps to a strict Content-Security-Policy."""

from __future__ import annotations

import re

import html5lib

NAMESPACE = "{http://www.w3.org/1999/xhtml}"


def assert_valid(page: str) -> None:
    """Check a whole page: well-formed, ids that are there once, labels and references that lead somewhere.

    Raises:
        AssertionError: it isn't.
    """
    parser = html5lib.HTMLParser()
    tree = parser.parse(page)
    told = [f"line {line}: {code} {facts}" for (line, _), code, facts in parser.errors]
    assert told == []
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert sorted(ids) == sorted(set(ids))
    for element in tree.iter():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set((element.get(name) or "").split()) <= set(ids), f"{name}={element.get(name)!r}"


def assert_strict(page: str) -> None:
    """Check that nothing on a page is against ``default-src 'self'``.

    Raises:
        AssertionError: there is an inline style or script, or something from elsewhere.
    """
    tree = html5lib.parse(page)
    for element in tree.iter():
        tag = str(element.tag).removeprefix(NAMESPACE)
        assert tag != "style", "an inline style"
        assert tag != "script" or element.get("src"), "an inline script"
        attributes = {str(name) for name in element.attrib}
        assert not {name for name in attributes if name == "style" or name.startswith("on")}, (tag, attributes)
        for name in ("src", "data"):
            assert not re.match(r"(https?:)?//|data:", element.get(name) or ""), element.get(name)
