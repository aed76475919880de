"""The demo, as an attacker and as people reach it: plain HTTP, and the database behind it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.servers.endpoint import SECONDS
from tests.servers.processes import ROOT, RUNMCP, ServerProcess, run
from tests.wire import JSON_HEADERS, request

REDIRECT = "http://127.0.0.1:40001/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
BERLIN, MUNICH = 2950159, 2867714


class Demo:
    """The demo on daphne, with the users and tokens of ``planted``."""

    def __init__(self, server: ServerProcess, database: Path) -> None:
        self.server, self._database = server, database
        self.base = f"http://127.0.0.1:{server.port}"
        variables = {"DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": "project.settings"}
        planted = run(ROOT, "-m", "tests.servers.planted", server.url, **variables)
        assert planted.returncode == 0, planted.stderr
        self.planted: dict[str, str] = json.loads(planted.stdout)
        self.people: dict[str, Person] = {}

    def browser(self, address: str = "127.0.0.1") -> httpx2.Client:
        """Return something that keeps cookies and follows nothing, at an address of its own."""
        transport = httpx2.HTTPTransport(local_address=address)
        return httpx2.Client(base_url=self.base, transport=transport, timeout=SECONDS)

    def person(self, name: str) -> Person:
        """Return a user who has logged in."""
        if name not in self.people:
            self.people[name] = Person(self, name)
        return self.people[name]

    def rows(self, sql: str, *values: Any) -> list[Any]:
        """Run a statement in the demo's database."""
        with closing(sqlite3.connect(self._database, timeout=SECONDS)) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def count(self, table: str, where: str = "1") -> int:
        """Return how many rows there are."""
        ((count,),) = self.rows(f"SELECT count(*) FROM {table} WHERE {where}")
        return int(count)

    def register(self, **metadata: Any) -> httpx2.Response:
        """Register a client; nobody is logged in. Without metadata: one on the user's own computer."""
        given = {"client_name": "Agent", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", **metadata}
        with self.browser() as browser:
            return browser.post("/register/", json=given)

    def token(self, **asked: Any) -> httpx2.Response:
        """Ask the token endpoint."""
        with self.browser() as browser:
            return browser.post("/token/", data=asked)

    def plan(self, token: str | None = None, path: str = "/mcp", **headers: str) -> httpx2.Response:
        """Call the tool that writes, for which one has to be signed in."""
        arguments = {"title": "Stolen", "city_ids": [BERLIN, MUNICH]}
        message = request("tools/call", {"name": "plan_trip", "arguments": arguments})
        given = {**JSON_HEADERS, "host": self.base.removeprefix("http://"), **headers}
        if token is not None:
            given["authorization"] = f"Bearer {token}"
        with self.browser() as browser:
            return browser.post(path, json=message, headers=given)

    def gets_in(self, token: str) -> bool:
        """Whether a token is good for writing. One that isn't is told where to sign in, and has written nothing."""
        before = self.count("atlas_trip")
        answer = self.plan(token)
        written = self.count("atlas_trip") - before
        if answer.status_code == 200:
            assert written == 1, answer.text
            return True
        assert (answer.status_code, written) == (401, 0), answer.text
        assert "resource_metadata=" in answer.headers["www-authenticate"]
        return False


class Person:
    """A user's browser, and the clients that they let in with it."""

    def __init__(self, demo: Demo, name: str) -> None:
        self._demo = demo
        self.browser = demo.browser()
        page = self.browser.get("/accounts/login/")
        fields = {**form(page.text), "username": name, "password": demo.planted["password"]}
        assert self.browser.post("/accounts/login/", data={**fields, "next": "/"}).status_code == 302

    def ask(self, client_id: str, **changes: Any) -> httpx2.Response:
        """Open the page that asks for consent, as a client sends one there."""
        return self.browser.get("/authorize/", params=asked(self._demo, client_id, **changes))

    def answer(self, page: httpx2.Response, *, allow: bool = True, **changes: Any) -> httpx2.Response:
        """Press a button of the page, with everything ticked that was."""
        fields = {**form(page.text, "consent"), **({"allow": "1"} if allow else {}), **changes}
        return self.browser.post(str(page.url), data=fields)

    def code(self, client_id: str, **changes: Any) -> str:
        """Let a client in, and return its code."""
        return sent_back(self.answer(self.ask(client_id, **changes)))["code"]

    def connect(self, client_id: str, **changes: Any) -> dict[str, Any]:
        """Let a client in, and return its tokens."""
        answer = self._demo.token(**exchange(client_id, self.code(client_id, **changes)))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


def asked(demo: Demo, client_id: str, **changes: Any) -> dict[str, str]:
    """Return the parameters of an authorization request; one that is ``None`` is left out."""
    given = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s-1",
        "scope": "mcp trips:write",
        "resource": demo.server.url,
        **changes,
    }
    return {key: value for key, value in given.items() if value is not None}


def exchange(client_id: str, code: str, **changes: Any) -> dict[str, Any]:
    """Return the parameters with which a code is made a token."""
    given = {"client_id": client_id, "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return {"grant_type": "authorization_code", **given, **changes}


def form(html: str, name: str = "") -> dict[str, Any]:
    """Return the fields of a page's form, of this class if need be, as a browser sends them."""
    inside = html.partition(f'<form class="{name}"' if name else "<form")[2].partition("</form>")[0]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", inside):
        attributes = {key: unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if "name" in attributes and ("checkbox" not in tag or "checked" in tag):
            found.setdefault(attributes["name"], []).append(attributes.get("value", ""))
    return dict(found)


def sent_back(answer: httpx2.Response) -> dict[str, str]:
    """Return the parameters with which somebody is sent back to a client."""
    assert answer.status_code == 302, answer.text
    return {key: values[-1] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


@contextmanager
def served(database: Path, settings: str = "project.settings") -> Iterator[Demo]:
    """Serve the demo as ``manage.py runmcp`` does, from a database of its own."""
    variables = {"DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": settings}
    with ServerProcess("demo", RUNMCP, ROOT, variables) as server:
        demo = Demo(server, database)
        try:
            yield demo
        finally:
            for person in demo.people.values():
                person.browser.close()
