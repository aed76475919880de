"""Files that clients fetch, from a storage or a folder, whole or in part (RFC 9110 §13 and §14)."""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from collections.abc import AsyncIterator, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from mcp_django.routes.ranges import Unsatisfiable, requested_range

CHUNK_BYTES = 64 * 1024
"""Most bytes of a file that are in memory at a time."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Stored(NamedTuple):
    """An open file, and what is known of it."""

    file: File[bytes]
    size: int
    modified: int
    """Seconds since 1970."""

    etag: str


def serve_file(
    request: HttpRequest,
    name: str,
    *,
    root: str | os.PathLike[str] | None = None,
    storage: Storage | None = None,
    attachment: bool = True,
    filename: str = "",
) -> HttpResponseBase:
    """Answer GET or HEAD with a file, never loaded whole. For sync code; ``aserve_file`` for async.

    It honours one range of bytes (206, 416), ``If-Range``, ``If-None-Match`` and ``If-Modified-Since`` (304). Browsers
    are told to believe the ``Content-Type``, which is that of the name's suffix, and to keep the file rather than show
    it: what somebody uploaded may be a page with a script in it.

    Args:
        name: of the file, as it may come from a URL: one that leads out of the storage or folder, even over a symbolic
            link, is not there, as are folders and what begins with a dot.
        root: a folder of files. Either this or ``storage``; without both, the default storage.
        attachment: whether browsers keep it (``Content-Disposition``, RFC 6266). Show only what the project made.
        filename: what they call it. Empty: the last part of ``name``.

    Raises:
        Http404: there is no such file.
    """
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    stored = _open(name, FileSystemStorage(root) if root is not None else storage or default_storage)
    try:
        response = _respond(request, stored)
        response.headers.setdefault("Content-Type", _type_of(name))
        shown = _CONTROL.sub("", filename) or name.rpartition("/")[2]
        response.headers["Content-Disposition"] = content_disposition_header(attachment, shown) or "inline"
    except BaseException:
        stored.file.close()
        raise
    return response


async def aserve_file(request: HttpRequest, name: str, **options: Any) -> HttpResponseBase:
    """``serve_file`` for async code, with the same options, and errors."""
    return await sync_to_async(serve_file)(request, name, **options)


def _respond(request: HttpRequest, stored: Stored) -> HttpResponseBase:
    early = get_conditional_response(request, etag=stored.etag, last_modified=stored.modified)
    if early is not None:  # 304 or 412
        stored.file.close()
        return _described(early, stored)
    try:
        part = requested_range(_range_header(request, stored), stored.size)
    except Unsatisfiable:
        stored.file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{stored.size}"})
    start, stop = part or (0, stored.size)
    response = _body(request, stored.file, start, stop)
    response["Content-Length"] = str(stop - start)
    response["X-Content-Type-Options"] = "nosniff"
    if part is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
    return _described(response, stored)


def _body(request: HttpRequest, file: File[bytes], start: int, stop: int) -> HttpResponseBase:
    if request.method == "HEAD":
        file.close()
        response: HttpResponseBase = HttpResponse()
    else:
        kind = AsyncPart if hasattr(request, "scope") else Part  # Django reads all of the other kind first
        response = StreamingHttpResponse(kind(file, start, stop))
    del response["Content-Type"]
    return response


def _described(response: HttpResponseBase, stored: Stored) -> HttpResponseBase:
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = stored.etag
    response["Last-Modified"] = http_date(stored.modified)
    return response


def _range_header(request: HttpRequest, stored: Stored) -> str:
    """Return what part is asked for; empty where it would be one of another file than the client has (``If-Range``)."""
    validator = request.headers.get("If-Range", "").strip()
    fits = not validator or validator == stored.etag or parse_http_date_safe(validator) == stored.modified
    return request.headers.get("Range", "") if fits and request.method == "GET" else ""


def _type_of(name: str) -> str:
    """Return the type by the suffix; of what is packed, that of the packing: clients shouldn't unpack it."""
    kind, encoding = mimetypes.guess_type(name)
    return "application/octet-stream" if kind is None or encoding else kind


class Part:
    """Some bytes of a file, in chunks, for a server with threads. Closing it closes the file."""

    def __init__(self, file: File[bytes], start: int, stop: int) -> None:
        self._file, self._left = file, stop - start
        if start:
            file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self.read():
            yield chunk

    def read(self) -> bytes:
        """Return the next chunk; at the end, nothing."""
        chunk: bytes = self._file.read(min(CHUNK_BYTES, self._left))
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class AsyncPart:
    """The same for an event loop: the request's thread reads."""

    def __init__(self, file: File[bytes], start: int, stop: int) -> None:
        self._part = Part(file, start, stop)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await sync_to_async(self._part.read)():
            yield chunk

    def close(self) -> None:
        """Close the file."""
        self._part.close()


def _open(name: str, storage: Storage) -> Stored:
    """Open a file. Raises ``Http404``; what is not there, and what nobody may have, look alike."""
    missing = Http404("There is no such file.")
    parts = name.split("/")
    if _CONTROL.search(name) or "\\" in name or any(not part or part.startswith(".") for part in parts):
        raise missing
    try:
        if isinstance(storage, FileSystemStorage):
            return _open_path(name, storage)
        if not storage.exists(name):
            raise missing
        size, modified = storage.size(name), int(storage.get_modified_time(name).timestamp())
        return Stored(storage.open(name), size, modified, _etag(name, size, modified))
    except (OSError, ValueError, SuspiciousOperation):
        raise missing from None


def _open_path(name: str, storage: FileSystemStorage) -> Stored:
    path = Path(os.path.realpath(storage.path(name)))
    if not path.is_relative_to(os.path.realpath(storage.location)):  # over a symbolic link
        raise SuspiciousOperation
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would keep us waiting
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise FileNotFoundError(name)
    except BaseException:
        os.close(descriptor)
        raise
    file: File[bytes] = File(os.fdopen(descriptor, "rb"))
    return Stored(file, facts.st_size, int(facts.st_mtime), _etag(name, facts.st_size, facts.st_mtime_ns))


def _etag(*facts: str | int) -> str:
    return f'"{sha256(repr(facts).encode()).hexdigest()[:32]}"'
