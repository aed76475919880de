"""A small atlas for the tests of the demo project: true cities, few of them."""

from __future__ import annotations

from project.atlas.loading import CityRecord, CountryRecord, Source

BERLIN, MUNICH, PARIS, SUVA, APIA, LABASA = 2950159, 2867714, 2988507, 2198148, 4035413, 2202064


def country(iso: str, iso3: str, name: str, continent: str, **given: object) -> CountryRecord:
    """Make a country record; what isn't given is empty."""
    record: dict[str, object] = {
        "iso": iso,
        "iso3": iso3,
        "name": name,
        "continentcode": continent,
        "capital": "",
        "areakm2": 0,
        "population": 0,
        "currencycode": "",
        "currencyname": "",
        "phone": " ",
        "languages": "",
        "neighbours": "",
    }
    return record | given  # type: ignore[return-value]


def city(pk: int, name: str, iso: str, latitude: float, longitude: float, population: int, *names: str) -> CityRecord:
    """Make a city record."""
    return {
        "geonameid": pk,
        "name": name,
        "countrycode": iso,
        "latitude": latitude,
        "longitude": longitude,
        "population": population,
        "timezone": "Etc/UTC",
        "admin1code": "01",
        "alternatenames": list(names),
    }


def small_source() -> Source:
    """Make what the tests load: a copy, so that a test may change it."""
    return Source(
        countries=[
            country(
                "DE", "DEU", "Germany", "EU", capital="Berlin", areakm2=357021, population=82927922,
                currencycode="EUR", currencyname="Euro", phone="49", languages="de", neighbours="FR,CH,CS",
            ),
            country("FR", "FRA", "France", "EU", areakm2=547030, population=66987244, languages="fr-FR,br"),
            country("VA", "VAT", "Vatican", "EU", population=921),
            country("FJ", "FJI", "Fiji", "OC", areakm2=18270, population=883483),
            country("WS", "WSM", "Samoa", "OC", areakm2=2944, population=196130),
        ],
        cities=[
            city(BERLIN, "Berlin", "DE", 52.52437, 13.41053, 3426354, "BER", "Berlín", "Berlino", "ベルリン"),
            city(MUNICH, "Munich", "DE", 48.13743, 11.57549, 1260391, "München", "MUNCHEN", "MUC", "Muenchen", "", "-"),
            city(2886242, "Köln", "DE", 50.93333, 6.95, 963395, "Cologne"),
            city(2867543, "Münster", "DE", 51.96236, 7.62571, 270184, "Munster"),
            city(PARIS, "Paris", "FR", 48.85341, 2.3488, 2138551, "Parigi", "PAR"),
            city(2973783, "Strasbourg", "FR", 48.58392, 7.74553, 274845, "Straßburg"),
            city(SUVA, "Suva", "FJ", -18.13683, 178.42531, 77366),
            city(LABASA, "Labasa", "FJ", -16.4332, 179.36451, 24187),
            city(APIA, "Apia", "WS", -13.83333, -171.76666, 40407),
        ],
    )  # fmt: skip
