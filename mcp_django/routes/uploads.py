"""Files that clients send: bounded while they arrive, and kept by the project's storage."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from posixpath import join
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.core.files.storage import Storage, default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.core.validators import FileExtensionValidator
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from mcp_django.auth.access_token import get_access_token
from mcp_django.routes.csrf import check_csrf
from mcp_django.routes.filenames import safe_filename
from mcp_django.routes.problems import Problem, problem_response
from mcp_django.routes.steps import VIEW, Steps, View, around


class _Meter(FileUploadHandler):
    """Counts what arrives, and stops the parser at the first byte, or file, too many."""

    def __init__(self, request: HttpRequest, max_bytes: int, max_files: int) -> None:
        super().__init__(request)
        self._bytes, self._files = max_bytes, max_files
        self._too_large, self._too_many = _refusals(max_bytes, max_files)
        self.refusal: Problem | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._files -= 1
        if self._files < 0:
            self._stop(self._too_many)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._bytes -= len(raw_data)
        if self._bytes < 0:
            self._stop(self._too_large)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None

    def _stop(self, refusal: Problem) -> None:
        """Have the parser stop, and close what it has begun to write, which it does for no other error."""
        self.refusal = refusal
        raise StopUpload(connection_reset=True)


def limit_uploads(max_bytes: int, *, max_files: int = 1) -> Callable[[View], View]:
    """Let a view, sync or async, take no more than so many bytes of files, and so many files: 413 and 400 beyond that.

    They are counted while they arrive, by an upload handler before those of ``FILE_UPLOAD_HANDLERS``, so nothing larger
    is ever written to a disk by Django; an ASGI server's body is, before any view is called. Other fields have the
    limits of Django's settings. The CSRF token is looked for once the form has been read, as it has to be with upload
    handlers of a view's own; where a token or key signed the caller in, none is asked for.

    Args:
        max_bytes: of all files of a request together.
    """

    def decorate(view: View) -> View:
        exempt = getattr(view, "csrf_exempt", False)

        def steps(request: HttpRequest) -> Steps:
            try:
                yield partial(_parse, request, max_bytes, max_files)
            except Exception as error:
                return (yield partial(problem_response, request, error))
            if not exempt and (refusal := (yield partial(_csrf_failure, request))) is not None:
                return refusal
            return (yield VIEW)

        return csrf_exempt(around(view, steps))

    return decorate


def save_upload(
    file: UploadedFile[Any],
    *,
    folder: str = "",
    extensions: Iterable[str] | None = None,
    max_bytes: int | None = None,
    validators: Iterable[Callable[[UploadedFile[Any]], Any]] = (),
    storage: Storage | None = None,
) -> str:
    """Keep a file of ``request.FILES``, and return its name in the storage. For sync code; ``asave_upload`` for async.

    The name is the client's, made safe by ``safe_filename``; where there is one already, the storage finds another.
    Neither the name's suffix nor ``file.content_type`` says what is in a file: let a validator look, and hand such
    files out with ``serve_file``.

    Args:
        folder: in the storage. Not the client's to choose.
        extensions: those that are allowed, without dots: ``["png", "pdf"]``. ``None``: all.
        max_bytes: of this file.
        validators: such as ``django.forms.ImageField().to_python``, which has Pillow look at the content.
        storage: the default one, unless given.

    Raises:
        ValidationError: it is empty, too large, or of another kind.
    """
    file.name = safe_filename(file.name or "")
    if not file.size:
        raise ValidationError(_("The submitted file is empty."), code="empty")
    if max_bytes is not None and file.size > max_bytes:
        raise ValidationError(f"The file is larger than {max_bytes} bytes.", code="too_large")
    allowed = () if extensions is None else (FileExtensionValidator(list(extensions)),)
    for validate in (*allowed, *validators):
        validate(file)
    file.seek(0)
    return (default_storage if storage is None else storage).save(join(folder, file.name), file)


async def asave_upload(file: UploadedFile[Any], **options: Any) -> str:
    """``save_upload`` for async code, with the same options, and errors."""
    return await sync_to_async(save_upload)(file, **options)


def _parse(request: Any, max_bytes: int, max_files: int) -> None:
    """Read the form. Raises ``Problem``: too much of it came."""
    meter = _Meter(request, max_bytes, max_files)
    if not hasattr(request, "_files"):
        request.upload_handlers.insert(0, meter)
    sizes = [file.size for _, files in request.FILES.lists() for file in files]
    if meter.refusal is not None:
        raise meter.refusal
    too_large, too_many = _refusals(max_bytes, max_files)  # somebody may have had it read before us: a middleware
    if sum(sizes) > max_bytes:
        raise too_large
    if len(sizes) > max_files:
        raise too_many


def _refusals(max_bytes: int, max_files: int) -> tuple[Problem, Problem]:
    few = "one file" if max_files == 1 else f"{max_files} files"
    return Problem(413, f"Send at most {max_bytes} bytes of files."), Problem(400, f"Send at most {few}.")


def _csrf_failure(request: HttpRequest) -> Any:
    """Return what Django answers to a form of another site's page; ``None``: it may be read."""
    return check_csrf(request) if get_access_token() is None else None
