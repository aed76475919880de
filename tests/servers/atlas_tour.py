"""A tour of everything that the demo offers, for any client that can take it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Protocol

Stop = tuple[Literal["tool", "resource", "template", "prompt", "argument"], str]
"""One thing that a client can use: its kind, and its name or URI."""

PARTS = {
    "tools": ("tool", "name"),
    "resources": ("resource", "uri"),
    "resourceTemplates": ("template", "uriTemplate"),
    "prompts": ("prompt", "name"),
}
"""What each list calls its items, what they are, and by which member they are known."""


class Traveller(Protocol):
    """A client, as the tour needs it. Whatever the server refuses fails the test."""

    async def items(self, member: str) -> list[dict[str, Any]]:
        """Return all items of the list that holds ``member``, as they came over the wire."""

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Return the structured content of a tool's result."""

    async def read(self, uri: str) -> str:
        """Return the text of a resource."""

    async def get(self, prompt: str, arguments: Mapping[str, str]) -> list[str]:
        """Return the texts of a prompt's messages."""

    async def complete(self, kind: Literal["prompt", "template"], of: str, argument: str, value: str) -> list[str]:
        """Return what is suggested for an argument of a prompt or a template."""


class Guide:
    """Leads a client, and remembers what it has seen."""

    def __init__(self, traveller: Traveller) -> None:
        self._traveller = traveller
        self.seen: set[Stop] = set()

    async def call(self, tool: str, **arguments: Any) -> Any:
        self.seen.add(("tool", tool))
        structured = await self._traveller.call(tool, arguments)
        return structured["result"] if structured.keys() == {"result"} else structured

    async def read(self, uri: str, template: str | None = None) -> str:
        self.seen.add(("resource", uri) if template is None else ("template", template))
        return await self._traveller.read(uri)

    async def get(self, prompt: str, **arguments: str) -> list[str]:
        self.seen.add(("prompt", prompt))
        return await self._traveller.get(prompt, arguments)

    async def complete(self, kind: Literal["prompt", "template"], of: str, argument: str, value: str) -> list[str]:
        self.seen.add(("argument", f"{of} {argument}"))
        return await self._traveller.complete(kind, of, argument, value)


async def lists(traveller: Traveller) -> dict[str, list[dict[str, Any]]]:
    """Ask for all the lists."""
    return {member: await traveller.items(member) for member in PARTS}


def everything(listed: Mapping[str, Iterable[dict[str, Any]]]) -> set[Stop]:
    """Return all there is to see: what is listed, and the arguments that may have completions."""
    stops: set[Any] = {(kind, item[by]) for member, (kind, by) in PARTS.items() for item in listed[member]}
    for prompt in listed["prompts"]:
        stops |= {("argument", f"{prompt['name']} {each['name']}") for each in prompt.get("arguments") or ()}
    for template in listed["resourceTemplates"]:
        uri = template["uriTemplate"]
        stops |= {("argument", f"{uri} {name}") for name in re.findall(r"\{[+#./;?&]?(\w+)", uri)}
    return stops


async def see_tools(guide: Guide) -> None:
    """Call every tool: what the earlier ones answer is what the later ones are asked for."""
    (munich, *_) = await guide.call("find_cities", name="München", limit=3)
    assert (munich["name"], munich["country"]["iso"]) == ("Munich", "DE")
    near = await guide.call("nearest_cities", latitude=munich["latitude"], longitude=munich["longitude"], limit=4)
    assert near[0]["id"] == munich["id"]
    assert [city["distance_km"] for city in near] == sorted(city["distance_km"] for city in near)
    japan, germany = await guide.call("compare_countries", countries=["jp", "de"])
    assert (japan["name"], germany["currency_code"]) == ("Japan", "EUR")

    trip = await guide.call("plan_trip", title="Around Munich", city_ids=[city["id"] for city in near], nights=2)
    assert [stop["nights"] for stop in trip["stops"]] == [2] * 4
    assert trip["id"] in [each["id"] for each in await guide.call("list_trips", limit=50)]
    assert (await guide.call("get_trip", trip_id=trip["id"])) == trip
    assert "Around Munich" in await guide.call("delete_trip", trip_id=trip["id"])
    assert trip["id"] not in [each["id"] for each in await guide.call("list_trips", limit=50)]

    lonely = await guide.call("loneliest_cities", min_population=2_000_000, limit=3)
    assert len(lonely) == 3
    spread = await guide.call("most_spread_countries", continent="OC", min_population=500_000)
    assert spread[0]["country"]["iso"] == "AU"


async def read_resources(guide: Guide) -> None:
    """Read every resource, and one of every template."""
    assert '"countries": 252' in await guide.read("atlas://about")
    assert "Japan" in await guide.read("atlas://countries/JP", "atlas://countries/{iso}")
    assert "munchen" in await guide.read("atlas://cities/2867714", "atlas://cities/{id}")


async def get_prompts(guide: Guide) -> None:
    """Get every prompt."""
    (text,) = await guide.get("plan_a_weekend", city="Lisbon", days="3")
    assert "3 days that starts in Lisbon" in text
    texts = await guide.get("choose_a_country", continent="AF", wish="mountains")
    assert len(texts) == 3
    assert "Africa: mountains" in texts[0]


async def complete_arguments(guide: Guide) -> None:
    """Ask for suggestions for every argument there is, also those that have none."""
    assert "Munich" in await guide.complete("prompt", "plan_a_weekend", "city", "Mün")
    assert await guide.complete("prompt", "plan_a_weekend", "days", "") == []
    assert "AF" in await guide.complete("prompt", "choose_a_country", "continent", "A")
    assert await guide.complete("prompt", "choose_a_country", "wish", "") == []
    assert await guide.complete("template", "atlas://countries/{iso}", "iso", "J") == ["JE", "JM", "JO", "JP"]
    assert await guide.complete("template", "atlas://cities/{id}", "id", "28") == []


async def tour(traveller: Traveller) -> tuple[set[Stop], set[Stop]]:
    """See all there is to see. Return what was listed, and what was seen."""
    guide = Guide(traveller)
    listed = everything(await lists(traveller))
    for walk in (see_tools, read_resources, get_prompts, complete_arguments):
        await walk(guide)
    return listed, guide.seen
