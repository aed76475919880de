"""Finding the ``mcp.py`` of every installed app."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from threading import RLock

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import module_has_submodule

from mcp_django.exceptions import DiscoveryError
from mcp_django.registry.server import forget, register, servers

_lock = RLock()
_outcome: bool | DiscoveryError = False


def discover() -> None:
    """Import ``mcp.py`` of every installed app, in the order of ``INSTALLED_APPS``. The first call does, others don't.

    Raises:
        DiscoveryError: importing one of them failed. It names the app; ``__cause__`` keeps the traceback.
        ImproperlyConfigured: a file ``mcp.py`` hides the SDK.
    """
    global _outcome
    with _lock:
        if isinstance(_outcome, DiscoveryError):  # a second import would only complain of what the first declared
            raise DiscoveryError(str(_outcome)) from _outcome.__cause__
        if _outcome:
            return
        _outcome = True  # set first: an mcp.py may itself ask for the server
        try:
            refuse_shadow()
            for config in apps.get_app_configs():
                _import(config.name, config.label)
            settle_default()
        except DiscoveryError as error:
            _outcome = error
            raise
        except BaseException:
            _outcome = False
            raise


def _import(package: str, label: str) -> None:
    module = import_module(package)
    if not module_has_submodule(module, "mcp"):
        return
    try:
        import_module(f"{package}.mcp")
    except Exception as error:
        raise DiscoveryError(
            f"Importing {package}.mcp of the app {label!r} failed: {type(error).__name__}: {error}"
        ) from error


def settle_default() -> None:
    """Let the only server that ``_replaces_default`` do so, unless something is declared on the default one."""
    default = next((server for server in servers() if not server.path), None)
    candidates = [server for server in servers() if server._replaces_default and server is not default]
    if default is None or default._replaces_default or default._declarations or len(candidates) != 1:
        return
    (successor,) = candidates
    forget(default)
    forget(successor)
    successor.path, default._successor = "", successor
    register(successor)


def refuse_shadow() -> None:
    """Refuse a top-level file ``mcp.py``, which takes the place of the SDK's package ``mcp``.

    Raises:
        ImproperlyConfigured: there is one; the message says where.
    """
    spec = find_spec("mcp")
    if spec is not None and spec.submodule_search_locations is None:
        raise ImproperlyConfigured(
            f"{spec.origin} hides the MCP SDK, whose package is called mcp: move it into an app, or rename it."
        )


def app_order(module: str) -> int:
    """Return the place in ``INSTALLED_APPS`` of the app that holds ``module``; modules of no app come last."""
    names = [config.name for config in apps.get_app_configs()]
    owners = [name for name in names if module == name or module.startswith(f"{name}.")]
    return names.index(max(owners, key=len)) if owners else len(names)
