"""Files that clients fetch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.test import AsyncRequestFactory, RequestFactory

from mcp_django.routes import aserve_file, serve_file
from tests.routes.conftest import Site

pytestmark = pytest.mark.django_db  # the end of a response looks after connections that earlier tests have left open

TEXT = b"0123456789"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of files, with a secret beside it."""
    root = tmp_path / "files"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(TEXT)
    (root / "sub" / "b.html").write_bytes(b"<script>")
    (root / ".env").write_text("SECRET=1")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "files-evil").mkdir()
    (tmp_path / "files-evil" / "x.txt").write_text("secret")
    return root


@pytest.fixture
def files(site: Site, root: Path) -> Site:
    """The folder at ``/files/``."""

    def sync_view(request: Any, name: str) -> Any:
        return serve_file(request, name, root=root)

    async def view(request: Any, name: str) -> Any:
        return await aserve_file(request, name, root=root)

    site.add(sync_view if site.kind == "sync" else view, "files/<path:name>")
    return site


def body(site: Site, response: Any) -> bytes:
    """Read a response to its end, and close it as a server does."""
    if site.kind == "sync":
        content = b"".join(response)
    else:

        async def read() -> bytes:
            return b"".join([part async for part in response])

        content = async_to_sync(read)()
    response.close()
    return content


def test_a_file_comes_whole_and_is_to_be_kept(files: Site) -> None:
    response = files.send(url="/files/a.txt")
    assert (response.status_code, body(files, response)) == (200, TEXT)
    assert {name: response[name] for name in ("Content-Type", "Content-Length", "Accept-Ranges")} == {
        "Content-Type": "text/plain",
        "Content-Length": "10",
        "Accept-Ranges": "bytes",
    }
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == 'attachment; filename="a.txt"'
    assert body(files, files.send(url="/files/sub/b.html")) == b"<script>"


@pytest.mark.parametrize(
    "url",
    [
        "/files/../secret.txt",
        "/files/%2e%2e/secret.txt",
        "/files/..%2fsecret.txt",
        "/files/%2e%2e%2fsecret.txt",
        "/files/%252e%252e%252fsecret.txt",
        "/files/sub/%2e%2e/%2e%2e/secret.txt",
        "/files/..%5csecret.txt",
        "/files/../files-evil/x.txt",
        "/files//etc/passwd",
        "/files/%2fetc/passwd",
        "/files/a.txt%00",
        "/files/a.txt%0a",
        "/files/%c0%ae%c0%ae/secret.txt",
        "/files/.env",
        "/files/sub/../.env",
        "/files/sub",
        "/files/sub/",
        "/files/a.txt/b",
        "/files/" + "x" * 5000,
        "/files/missing.txt",
    ],
)
def test_what_is_not_in_the_folder_is_not_there(files: Site, url: str) -> None:
    assert files.send(url=url).status_code == 404


def test_a_symbolic_link_leads_nowhere_outside(files: Site, root: Path) -> None:
    (root / "out.txt").symlink_to(root.parent / "secret.txt")
    (root / "outside").symlink_to(root.parent)
    (root / "in.txt").symlink_to(root / "a.txt")
    assert files.send(url="/files/out.txt").status_code == 404
    assert files.send(url="/files/outside/secret.txt").status_code == 404
    assert body(files, files.send(url="/files/in.txt")) == TEXT


def test_a_pipe_is_no_file(files: Site, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert files.send(url="/files/pipe").status_code == 404


@pytest.mark.parametrize(
    ("wanted", "content", "shown"),
    [("bytes=2-4", b"234", "2-4"), ("bytes=8-", b"89", "8-9"), ("bytes=-2", b"89", "8-9"), ("bytes=0-99", TEXT, "0-9")],
)
def test_a_part_is_given(files: Site, wanted: str, content: bytes, shown: str) -> None:
    response = files.send(url="/files/a.txt", headers={"range": wanted})
    assert (response.status_code, body(files, response)) == (206, content)
    assert (response["Content-Range"], response["Content-Length"]) == (f"bytes {shown}/10", str(len(content)))


def test_a_part_behind_the_end_can_not_be_had(files: Site) -> None:
    response = files.send(url="/files/a.txt", headers={"range": "bytes=10-"})
    assert (response.status_code, response["Content-Range"]) == (416, "bytes */10")


def test_a_part_of_another_file_than_the_client_has_is_not_given(files: Site, root: Path) -> None:
    whole = files.send(url="/files/a.txt")
    whole.close()
    wanted = {"range": "bytes=0-1"}
    for validator, status in (
        (whole["ETag"], 206),
        (whole["Last-Modified"], 206),
        ('"another"', 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
    ):
        response = files.send(url="/files/a.txt", headers={**wanted, "if-range": validator})
        assert response.status_code == status
        response.close()
    (root / "a.txt").write_bytes(b"changed")
    changed = files.send(url="/files/a.txt", headers={**wanted, "if-range": whole["ETag"]})
    assert (changed.status_code, body(files, changed)) == (200, b"changed")


def test_who_has_it_already_is_told_so(files: Site) -> None:
    whole = files.send(url="/files/a.txt")
    whole.close()
    for condition in ({"if-none-match": whole["ETag"]}, {"if-modified-since": whole["Last-Modified"]}):
        response = files.send(url="/files/a.txt", headers=condition)
        assert (response.status_code, response["ETag"], response.content) == (304, whole["ETag"], b"")
    assert files.send(url="/files/a.txt", headers={"if-match": '"another"'}).status_code == 412


def test_head_has_the_headers_of_get(files: Site) -> None:
    get, head = files.send(url="/files/a.txt"), files.send("HEAD", "/files/a.txt")
    get.close()
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_files_are_only_fetched(files: Site) -> None:
    refused = files.send("DELETE", "/files/a.txt")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")


def test_a_large_file_is_never_loaded_whole_and_is_closed_at_the_end(site: Site, root: Path) -> None:
    (root / "large.bin").write_bytes(os.urandom(10_000_000))
    factory: Any = RequestFactory() if site.kind == "sync" else AsyncRequestFactory()
    response: Any = serve_file(factory.get("/"), "large.bin", root=root)
    assert response.is_async is (site.kind == "async")
    if site.kind == "sync":
        sizes = [len(part) for part in response]
    else:

        async def read() -> list[int]:
            return [len(part) async for part in response]

        sizes = async_to_sync(read)()
    assert (sum(sizes), max(sizes)) == (10_000_000, 64 * 1024)
    response.close()


@pytest.mark.parametrize(
    ("filename", "disposition"),
    [
        ("", 'attachment; filename="a.txt"'),
        ('a"b\\c.txt', 'attachment; filename="a\\"b\\\\c.txt"'),
        ("Überblick.txt", "attachment; filename*=utf-8''%C3%9Cberblick.txt"),
        ("a\r\nSet-Cookie: x=1", 'attachment; filename="aSet-Cookie: x=1"'),
    ],
)
def test_what_browsers_call_it_is_quoted(rf: RequestFactory, root: Path, filename: str, disposition: str) -> None:
    response = serve_file(rf.get("/"), "a.txt", root=root, filename=filename)
    response.close()
    assert response["Content-Disposition"] == disposition


def test_what_the_project_made_may_be_shown(rf: RequestFactory, root: Path) -> None:
    response = serve_file(rf.get("/"), "sub/b.html", root=root, attachment=False)
    response.close()
    assert (response["Content-Disposition"], response["Content-Type"]) == ('inline; filename="b.html"', "text/html")


def test_what_is_packed_stays_packed(rf: RequestFactory, root: Path) -> None:
    (root / "a.txt.gz").write_bytes(b"\x1f\x8b")
    response = serve_file(rf.get("/"), "a.txt.gz", root=root)
    response.close()
    assert response["Content-Type"] == "application/octet-stream"
    assert "Content-Encoding" not in response


def test_any_storage_will_do(files: Site, rf: RequestFactory) -> None:
    storage = InMemoryStorage()
    storage.save("sub/a.txt", ContentFile(TEXT))

    def view(request: Any, name: str) -> Any:
        return serve_file(request, name, storage=storage)

    async def async_view(request: Any, name: str) -> Any:
        return await aserve_file(request, name, storage=storage)

    files.add(view if files.kind == "sync" else async_view, "stored/<path:name>")
    response = files.send(url="/stored/sub/a.txt", headers={"range": "bytes=-3"})
    assert (response.status_code, body(files, response)) == (206, b"789")
    for name in ("missing.txt", "sub", "%2e%2e/a.txt"):
        assert files.send(url=f"/stored/{name}").status_code == 404


def test_without_a_folder_it_is_the_default_storage(rf: RequestFactory, root: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = str(root)
    response = serve_file(rf.get("/"), "a.txt")
    response.close()
    assert response.status_code == 200
