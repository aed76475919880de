"""``resources/read``, ``prompts/get`` and ``completion/complete``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.differential.components import PROMPTS, RESOURCES
from tests.differential.corpus.cases import Form, Row

MATCHING = (
    "files://a",
    "files://",
    "files://{name}",
    "files://a.txt",
    "files://a%20b",
    "files://%C5%BC",
    "files://a%2Fb",
    "paths://a",
    "paths://a/b/c.txt",
    "paths://a/../b",
    "paths://a/..",
    "paths://a/%2e%2e/b",
    "paths://a\\..\\b",
    "numbers://41",
    "numbers://-1",
    "lists://all/a/b",
    "lists://all/a",
    "two://a/b",
    "two://a%2Cb/c",
    "queries://a",
    "queries://a?limit=5",
    "queries://a?limit=5&offset=2",
    "queries://a?offset=2&limit=5",
    "contexts://a",
)
STRAYING = (
    "files://..",
    "files://%2E%2E",
    "files://..%2Fetc%2Fpasswd",
    "files://%2Fetc%2Fpasswd",
    "files://a%00b",
    "files://%5C..%5Cetc",
    "files://C%3A%5Cetc",
    "paths://../etc/passwd",
    "paths:///etc/passwd",
    "lists://all/../a",
    "two://../b",
    "contexts://..",
)
"""URIs that fit a template with a parameter that would leave its place."""

UNMATCHED = (
    "",
    "nope",
    "nope://a",
    "static://nope",
    "STATIC://text",
    "static://text/",
    "static://text ",
    "files://a/b",
    "two://a",
    "two://a/b/c",
    "numbers://1/2",
    "\x00",
)
UNFIT = ("numbers://x", "numbers://", "queries://a?limit=x")
FAILING = ("crashes://a", "refusals://a")


def read(form: Form, uri: Any) -> Any:
    return form.request("resources/read", {"uri": uri})


def static_reads(form: Form) -> Iterator[Row]:
    for uri in RESOURCES:
        if "{" not in uri:
            yield uri, read(form, uri), DIFFERENT_READS.get(uri, "")


def template_reads(form: Form) -> Iterator[Row]:
    for uri in (*MATCHING, *FAILING):
        yield repr(uri), read(form, uri)
    for uri in UNFIT:
        yield repr(uri), read(form, uri), "template-arguments"
    for uri in (*STRAYING, *UNMATCHED):
        yield repr(uri), read(form, uri), form.old("unknown-resource")


def odd_reads(form: Form) -> Iterator[Row]:
    request = form.request
    yield "no uri", request("resources/read", {})
    yield "no params", request("resources/read")
    yield "a uri that is a number", request("resources/read", {"uri": 1})
    yield "a uri that is null", request("resources/read", {"uri": None})
    yield "a uri in a list", request("resources/read", {"uri": ["static://text"]})
    yield "a long uri", read(form, "files://" + "a" * 70_000), form.old("unknown-resource")


DIFFERENT_READS = {
    "static://unlabelled-json": "mime-type",
    "static://unlabelled-bytes": "mime-type",
}
SAYING_LITTLE = (
    "say_nothing",
    "say_from_a_thread",
    "say_messages",
    "say_dicts",
    "say_contents",
)
"""Prompts without a description."""

PROMPT_ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "say_with_arguments": [{"topic": "rain"}, {"topic": "rain", "tone": "stern"}, {"topic": ""}, {}, {"tone": "stern"}],
    "say_described": [{"topic": "rain"}, {"topic": "rain", "count": "2"}, {"topic": "rain", "count": "x"}, {}],
}


def get(form: Form, name: Any, arguments: Any = None) -> Any:
    params = {"name": name} | ({} if arguments is None else {"arguments": arguments})
    return form.request("prompts/get", params)


def prompt_gets(form: Form) -> Iterator[Row]:
    for name in PROMPTS:
        if name not in PROMPT_ARGUMENTS:
            differs = form.old("crash-code") if name == "say_crash" else ""
            yield name, get(form, name), "empty-members" if name in SAYING_LITTLE else differs
    for name, several in PROMPT_ARGUMENTS.items():
        for arguments in several:
            said = "empty-members" if name == "say_with_arguments" else ""
            fits = "topic" in arguments and arguments.get("count") != "x"
            yield f"{name} {arguments}", get(form, name, arguments), said if fits else "prompt-arguments"


def odd_gets(form: Form) -> Iterator[Row]:
    request = form.request
    yield "an unknown prompt", get(form, "nope"), "prompt-arguments"
    yield "an empty name", get(form, ""), "prompt-arguments"
    yield "no name", request("prompts/get", {})
    yield "no params", request("prompts/get")
    yield "a name that is a number", request("prompts/get", {"name": 1})
    yield "null arguments", request("prompts/get", {"name": "say_plain", "arguments": None})
    yield "empty arguments", get(form, "say_plain", {})
    yield "arguments in a list", get(form, "say_with_arguments", ["rain"])
    yield "an argument that is a number", get(form, "say_with_arguments", {"topic": 1})
    yield "an argument that is null", get(form, "say_with_arguments", {"topic": None})
    unknown = get(form, "say_with_arguments", {"topic": "rain", "nope": "x"})
    yield "an unknown argument", unknown, "prompt-arguments"
    yield "an unknown argument for a prompt without any", get(form, "say_plain", {"nope": "x"}), "prompt-arguments"


PROMPT = {"type": "ref/prompt", "name": "say_with_arguments"}
TEMPLATE = {"type": "ref/resource", "uri": "two://{first}/{second}"}


def complete(form: Form, ref: Any, name: Any = "tone", value: Any = "", **more: Any) -> Any:
    return form.request("completion/complete", {"ref": ref, "argument": {"name": name, "value": value}, **more})


def completions(form: Form) -> Iterator[Row]:
    yield "everything", complete(form, PROMPT)
    yield "a beginning", complete(form, PROMPT, value="c")
    yield "nothing that fits", complete(form, PROMPT, value="x")
    yield "an argument without suggestions", complete(form, PROMPT, "topic"), "no-suggestions"
    yield "a template's parameter", complete(form, TEMPLATE, "second", context={"arguments": {"first": "a"}})
    yield "a template's parameter without context", complete(form, TEMPLATE, "second"), "no-suggestions"
    yield "empty context", complete(form, TEMPLATE, "second", context={}), "no-suggestions"
    yield "a static resource", complete(form, {"type": "ref/resource", "uri": "static://text"}, "tone")
    yield "a crash", complete(form, PROMPT, value="crash")
    yield "a protocol error", complete(form, PROMPT, value="refuse")
    yield "a titled reference", complete(form, {**PROMPT, "title": "T"})


def odd_completions(form: Form) -> Iterator[Row]:
    request = form.request
    argument = {"name": "tone", "value": ""}
    yield "an unknown prompt", complete(form, {"type": "ref/prompt", "name": "nope"}), "unknown-reference"
    yield "an unknown template", complete(form, {"type": "ref/resource", "uri": "nope://{a}"}), "unknown-reference"
    yield "an unknown argument", complete(form, PROMPT, "nope"), "no-suggestions"
    yield "an unknown kind of reference", complete(form, {"type": "ref/tool", "name": "give_int"})
    yield "no reference", request("completion/complete", {"argument": argument})
    yield "no argument", request("completion/complete", {"ref": PROMPT})
    yield "no value", request("completion/complete", {"ref": PROMPT, "argument": {"name": "tone"}})
    yield "a value that is a number", complete(form, PROMPT, value=1)
    yield "a reference without a name", complete(form, {"type": "ref/prompt"})
    yield "context of numbers", complete(form, TEMPLATE, "second", context={"arguments": {"first": 1}})
    yield "no params", request("completion/complete")


FAMILIES = (static_reads, template_reads, odd_reads, prompt_gets, odd_gets, completions, odd_completions)
