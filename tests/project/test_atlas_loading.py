from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from atlas_sample import BERLIN, MUNICH
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command

from project.atlas import loading
from project.atlas.management.commands import demo
from project.atlas.models import City, CityName, Country, Stop, Trip

if TYPE_CHECKING:
    from pytest_django.fixtures import SettingsWrapper

    from project.atlas.loading import Source


def names_of(pk: int) -> list[str]:
    return list(CityName.objects.filter(city_id=pk).values_list("folded", flat=True))


def test_every_country_and_city_is_loaded(atlas: Source) -> None:
    assert Country.objects.count() == len(atlas.countries)
    assert City.objects.count() == len(atlas.cities)
    munich = City.objects.get(pk=MUNICH)
    assert (munich.name, munich.country_id, munich.population) == ("Munich", "DE", 1260391)
    germany = Country.objects.get(pk="DE")
    assert (germany.languages, germany.phone, germany.density_per_km2) == (["de"], "49", 232.3)


def test_spellings_that_fold_alike_are_stored_once_and_empty_ones_never(atlas: Source) -> None:
    assert names_of(MUNICH) == ["muc", "muenchen", "munchen", "munich"]


def test_neighbours_are_mutual_and_known(atlas: Source) -> None:
    assert [each.iso for each in Country.objects.get(pk="DE").neighbours.all()] == ["FR"]
    assert [each.iso for each in Country.objects.get(pk="FR").neighbours.all()] == ["DE"]


def test_the_density_of_a_country_without_area_is_unknown(atlas: Source) -> None:
    assert Country.objects.get(pk="VA").density_per_km2 is None


def test_progress_adds_up_to_all_the_steps(db: None, source: Source) -> None:
    told: list[int] = []
    loading.load(source, advance=told.append)
    assert sum(told) == source.steps


def test_loading_again_brings_changes_and_leaves_trips_alone(atlas: Source) -> None:
    trip = Trip.objects.create(title="Germany")
    stop = Stop.objects.create(trip=trip, position=1, city_id=BERLIN, nights=2)
    atlas.cities[0]["population"] = 4_000_000
    atlas.cities[0]["alternatenames"] = ["Spree-Athen"]
    loading.load(atlas)
    assert City.objects.count() == len(atlas.cities)
    assert City.objects.get(pk=BERLIN).population == 4_000_000
    assert names_of(BERLIN) == ["berlin", "spree athen"]
    assert Stop.objects.get() == stop


def test_a_failing_load_leaves_nothing_behind(transactional_db: None, source: Source) -> None:
    source.cities[-1]["countrycode"] = "XX"
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        loading.load(source)
    assert not loading.is_loaded()
    assert not Country.objects.exists()


def test_the_installed_data_have_the_shape_that_is_loaded() -> None:
    installed = loading.read_source()
    assert len(installed.countries) == 252
    assert len(installed.cities) > 30_000
    assert loading.CountryRecord.__required_keys__ <= installed.countries[0].keys()
    assert loading.CityRecord.__required_keys__ <= installed.cities[0].keys()


def refuse(*args: object, **kwargs: object) -> NoReturn:
    raise AssertionError("not to be called")


def test_the_command_shows_its_progress_on_stderr_alone(
    db: None, source: Source, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "read_source", lambda: source)
    call_command("loadatlas")
    out, err = capfd.readouterr()
    assert out == ""
    assert re.search(rf"Loading the atlas: 100%.* {source.steps}/{source.steps} ", err)
    assert City.objects.count() == len(source.cities)


def test_the_command_does_nothing_when_cities_are_there(
    atlas: Source, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(loading, "read_source", refuse)
    call_command("loadatlas")
    out, err = capfd.readouterr()
    assert out == ""
    assert "--force" in err


def test_the_command_loads_again_when_forced(atlas: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    City.objects.filter(pk=BERLIN).update(name="?")
    monkeypatch.setattr(loading, "read_source", lambda: atlas)
    call_command("loadatlas", force=True, verbosity=0)
    assert City.objects.get(pk=BERLIN).name == "Berlin"


def test_the_command_is_silent_when_told_to(atlas: Source, capfd: pytest.CaptureFixture[str]) -> None:
    call_command("loadatlas", verbosity=0)
    assert capfd.readouterr() == ("", "")


def test_the_demo_prepares_the_database_and_stops_when_it_shall_not_serve(
    atlas: Source, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []

    def note(name: str, *args: Any, **options: Any) -> None:
        called.append(name)
        call_command(name, *args, **options)

    monkeypatch.setattr(demo, "call_command", note)
    call_command("demo", no_serve=True)
    out, err = capfd.readouterr()
    assert out == ""
    assert called[0] == "migrate"
    assert "loaded already" in err


def test_the_demo_serves_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(demo, "call_command", lambda name, **options: calls.append((name, options)))
    call_command("demo", "--host", "0.0.0.0", "--port", "8123")
    assert [name for name, _ in calls] == ["migrate", "loadatlas", "runmcp"]
    assert calls[-1] == ("runmcp", {"host": "0.0.0.0", "port": 8123})


def prepare(capfd: pytest.CaptureFixture[str]) -> str:
    """Run the demo without serving it, and return what it said."""
    call_command("demo", no_serve=True, verbosity=0)
    out, err = capfd.readouterr()
    assert out == ""
    return err


def test_the_demo_says_once_with_which_password_to_sign_in(
    atlas: Source, settings: SettingsWrapper, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.DEBUG = True
    said = prepare(capfd)
    shown = re.search(r"as (\w+) with the password (\w+)", said)
    assert shown is not None
    user = authenticate(username=shown[1], password=shown[2])
    assert user is not None
    assert user.has_perm("atlas.change_trip")
    assert "http://127.0.0.1:8000/admin/" in said
    again = prepare(capfd)
    assert "with the password" not in again
    assert "changepassword ada" in again
    assert User.objects.get() == user


def test_the_demo_makes_nobody_up_where_there_are_users_or_no_debugging(
    atlas: Source, settings: SettingsWrapper, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.DEBUG = False
    assert prepare(capfd) == ""
    assert not User.objects.exists()
    settings.DEBUG = True
    User.objects.create_user("grace")
    assert prepare(capfd) == ""
    assert [user.username for user in User.objects.all()] == ["grace"]
