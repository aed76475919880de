from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mcp_django.dashboard.pages import PAGES

MODELS = sorted(model._meta.model_name for model in admin.site._registry if model._meta.app_label == "mcp_django")
ADDRESSES = sorted({address.url_name for address in PAGES} - {"mcp_django_component"})


@pytest.fixture
def staff(db: None, client: Client) -> Client:
    """Somebody who may enter the admin, and nothing else."""
    client.force_login(User.objects.create_user("newcomer", is_staff=True))
    return client


@pytest.mark.parametrize("model", MODELS)
def test_staff_without_permission_are_refused_each_list(staff: Client, model: str) -> None:
    assert staff.get(reverse(f"admin:mcp_django_{model}_changelist")).status_code == 403


@pytest.mark.parametrize("model", [model for model in MODELS if model != "dashboard"])  # which has no form
def test_staff_without_permission_are_refused_each_form(staff: Client, model: str) -> None:
    assert staff.get(reverse(f"admin:mcp_django_{model}_add")).status_code == 403


@pytest.mark.parametrize("url_name", ADDRESSES)
def test_staff_without_permission_are_refused_each_page_of_the_dashboard(staff: Client, url_name: str) -> None:
    assert staff.get(reverse(f"admin:{url_name}")).status_code == 403
    assert staff.post(reverse(f"admin:{url_name}")).status_code == 403


def test_staff_without_permission_are_refused_the_page_of_a_component(staff: Client) -> None:
    assert staff.get(reverse("admin:mcp_django_component", args=["tool"])).status_code == 403


def test_the_index_shows_staff_without_permission_nothing_of_it(staff: Client) -> None:
    page = staff.get(reverse("admin:index")).content.decode()
    assert "mcp_django" not in page
