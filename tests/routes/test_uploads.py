"""Files that clients send."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ValidationError
from django.core.files.storage import InMemoryStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from mcp_django.auth import Principal
from mcp_django.auth.access_token import acting_for
from mcp_django.routes import asave_upload, limit_uploads, save_upload
from tests.routes.conftest import Site

BOUNDARY = "a-boundary"


@pytest.fixture
def media(tmp_path: Path, settings: Any) -> Path:
    """Where the default storage keeps files."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


def form(*files: tuple[str, bytes]) -> bytes:
    """Return a multipart body, with the names as they are: Django's client would make them harmless."""
    head = '--{}\r\nContent-Disposition: form-data; name="file"; filename="{}"\r\nContent-Type: image/png\r\n\r\n'
    parts = [head.format(BOUNDARY, name).encode() + content + b"\r\n" for name, content in files]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def upload(site: Site, *files: tuple[str, bytes], **headers: str) -> Any:
    return site.send("POST", "/view/", form(*files), f"multipart/form-data; boundary={BOUNDARY}", headers=headers)


def keep(request: HttpRequest) -> HttpResponse:
    return HttpResponse("\n".join(save_upload(each) for each in request.FILES.getlist("file")))


def test_a_file_is_kept_by_the_default_storage(site: Site, media: Path) -> None:
    site.add(limit_uploads(1000)(site.view(keep)))
    assert upload(site, ("a.png", b"bytes")).content == b"a.png"
    again = upload(site, ("a.png", b"others")).content.decode()
    assert again != "a.png"
    assert {each.name: each.read_bytes() for each in media.iterdir()} == {"a.png": b"bytes", again: b"others"}


@pytest.mark.parametrize("name", ["../../x", "..%2F..%2Fx", "/etc/x", "..\\x", ".x", "a/../../x"])
def test_no_name_leads_out_of_the_storage(site: Site, media: Path, name: str) -> None:
    site.add(limit_uploads(1000)(site.view(keep)))
    stored = upload(site, (name, b"bytes")).content.decode()
    assert [each.relative_to(media).as_posix() for each in media.rglob("*")] == [stored]
    assert stored.endswith("x")
    assert list(media.parent.iterdir()) == [media]


def test_more_than_so_many_bytes_never_reach_the_view(site: Site, media: Path) -> None:
    site.add(limit_uploads(1000, max_files=2)(site.view(keep)))
    assert upload(site, ("a", b"x" * 500), ("b", b"x" * 500)).status_code == 200
    refused = upload(site, ("a", b"x" * 500), ("b", b"x" * 501))
    assert (refused.status_code, refused.json()["detail"]) == (413, "Send at most 1000 bytes of files.")
    assert len(list(media.iterdir())) == 2


def test_ten_megabytes_are_counted_while_they_arrive(site: Site, media: Path, settings: Any) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(media.parent / "temporary")
    Path(settings.FILE_UPLOAD_TEMP_DIR).mkdir()
    seen: list[Any] = []
    site.add(limit_uploads(100_000)(site.view(lambda request: seen.append(request) or HttpResponse())))
    assert upload(site, ("a", b"x" * 10_000_000)).status_code == 413
    assert seen == []
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir()) == []


def test_more_than_so_many_files_never_reach_the_view(site: Site, media: Path) -> None:
    site.add(limit_uploads(1000)(site.view(keep)))
    refused = upload(site, ("a", b"x"), ("b", b"x"))
    assert (refused.status_code, refused.json()["detail"]) == (400, "Send at most one file.")


def read_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that has the form read before any view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.POST  # noqa: B018
        return get_response(request)

    return middleware


def test_what_a_middleware_had_read_is_counted_all_the_same(site: Site, media: Path, settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.read_first"]
    site.add(limit_uploads(1000)(site.view(keep)))
    assert upload(site, ("a", b"x" * 1001)).status_code == 413
    assert upload(site, ("a", b"x"), ("b", b"x")).status_code == 400
    assert upload(site, ("a", b"x" * 1000)).status_code == 200


def test_a_broken_form_is_refused(site: Site) -> None:
    site.add(limit_uploads(1000)(site.view(keep)))
    assert site.send("POST", "/view/", b"x", "multipart/form-data").status_code == 400


def test_a_form_of_another_site_s_page_is_refused(media: Path) -> None:
    urlconf = ModuleType("urlconf")
    vars(urlconf)["urlpatterns"] = [path("view/", limit_uploads(1000)(keep))]
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    with override_settings(ROOT_URLCONF=urlconf, MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"]):
        client = Client(enforce_csrf_checks=True)
        client.cookies["csrftoken"] = token = "x" * 32
        assert client.generic("POST", "/view/", form(("a", b"x")), kind).status_code == 403
        headers = {"x-csrftoken": token}
        assert client.generic("POST", "/view/", form(("a", b"x")), kind, headers=headers).status_code == 200
        with acting_for(Principal(kind="key", client_id="mcpk:1")):  # whom no cookie signed in
            assert client.generic("POST", "/view/", form(("a", b"x")), kind).status_code == 200


def test_what_may_be_kept_is_said_by_suffix_and_by_validators(media: Path) -> None:
    def no_script(file: Any) -> None:
        if b"<script" in file.read():
            raise ValidationError("It holds a script.")

    options: dict[str, Any] = {"extensions": ["svg", "PNG"], "validators": [no_script]}
    assert save_upload(SimpleUploadedFile("a.svg", b"<svg/>"), **options) == "a.svg"
    assert (media / "a.svg").read_bytes() == b"<svg/>"  # from its beginning, though a validator has read it
    for name, content, text in (
        ("a.html", b"<p>", "File extension “html” is not allowed"),
        ("a.svg.html", b"<p>", "html"),
        ("svg", b"<p>", "not allowed"),
        ("a.svg", b"<svg><script>", "script"),
        ("a.png", b"", "empty"),
    ):
        with pytest.raises(ValidationError, match=text):
            save_upload(SimpleUploadedFile(name, content), **options)
    with pytest.raises(ValidationError, match="larger than 3 bytes"):
        save_upload(SimpleUploadedFile("a.png", b"1234"), max_bytes=3)


def test_a_file_goes_into_a_folder_of_the_project_s_choice(media: Path) -> None:
    assert save_upload(SimpleUploadedFile("../a.png", b"x"), folder="avatars/2026") == "avatars/2026/a.png"


def test_any_storage_and_any_kind_of_uploaded_file_will_do() -> None:
    storage = InMemoryStorage()
    with TemporaryUploadedFile("b.bin", "application/octet-stream", 3, None) as large:
        large.write(b"abc")
        assert save_upload(large, storage=storage) == "b.bin"
    with storage.open("b.bin") as kept:
        assert kept.read() == b"abc"


def test_async_code_keeps_files_too(media: Path) -> None:
    assert async_to_sync(asave_upload)(SimpleUploadedFile("a.png", b"x"), folder="avatars") == "avatars/a.png"
    assert default_storage.exists("avatars/a.png")
