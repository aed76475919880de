"""What the app adds to the start of every management command, and what importing it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter

from benchmarks.marks import CHECK_COMMAND, Mark
from benchmarks.measure import Effort, Series, Table, progress, turns
from benchmarks.processes import Failed, environment

SETTINGS = """
SECRET_KEY = "benchmarks-only"
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    {first}
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    {app}
    "polls",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {{
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        }},
    }}
]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}}}
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""

FILES: Mapping[str, str] = {
    "manage.py": """
import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = sys.argv.pop(1)
execute_from_command_line(sys.argv)
sdk = sorted({"mcp", "mcp_types", "pydantic"} & sys.modules.keys())
sys.exit(f"loaded: {sdk}" if sdk else 0)
""",
    "urls.py": """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
""",
    "polls/__init__.py": "",
    "polls/models.py": """
from django.db import models


class Question(models.Model):
    text = models.CharField(max_length=200)
    asked = models.DateTimeField()


class Choice(models.Model):
    question = models.ForeignKey(Question, on_delete=models.CASCADE)
    text = models.CharField(max_length=200)
    votes = models.IntegerField(default=0)
""",
    "polls/mcp.py": '''
from mcp_django import mcp


@mcp.tool(read_only=True)
def search(text: str, limit: int = 10) -> list[str]:
    """Find questions by their words."""
    from polls.models import Question

    return list(Question.objects.filter(text__icontains=text).values_list("text", flat=True)[:limit])


@mcp.resource("polls://{question_id}", mime_type="application/json")
def question(question_id: int) -> dict[str, str]:
    """A question."""
    return {"id": str(question_id)}


@mcp.prompt
def summarise(question_id: int) -> str:
    """Sum up a question."""
    return f"Sum up question {question_id}."
''',
    "plain.py": SETTINGS.format(first="", app=""),
    "with_app.py": SETTINGS.format(first="", app='"mcp_django",'),
    "daphne_plain.py": SETTINGS.format(first='"daphne",', app="") + 'ASGI_APPLICATION = "asgi.application"\n',
    "daphne_with_app.py": SETTINGS.format(first='"daphne",', app='"mcp_django",')
    + 'ASGI_APPLICATION = "asgi.application"\n',
    "asgi.py": """
from django.core.asgi import get_asgi_application

application = get_asgi_application()
""",
}

PLAIN, WITH_APP = "check, without the app", "check, with the app and an mcp.py"
DAPHNE_PLAIN, DAPHNE_WITH_APP = "daphne in INSTALLED_APPS: check, without", "daphne in INSTALLED_APPS: check, with"
IMPORT_DJANGO = "import django.db.models (what every command does)"
IMPORT_NAMES = "the same and from mcp_django import mcp"
IMPORT_SDK = "import mcp (the SDK, for scale)"

_UNLOADED = "; import sys; sys.exit(bool({'mcp', 'mcp_types', 'pydantic'} & sys.modules.keys()))"

COMMANDS: Mapping[str, tuple[str, ...]] = {
    PLAIN: ("manage.py", "plain", "check"),
    WITH_APP: ("manage.py", "with_app", "check"),
    DAPHNE_PLAIN: ("manage.py", "daphne_plain", "check"),
    DAPHNE_WITH_APP: ("manage.py", "daphne_with_app", "check"),
    IMPORT_DJANGO: ("-c", "import django.db.models"),
    IMPORT_NAMES: ("-c", f"import django.db.models; from mcp_django import mcp{_UNLOADED}"),
    IMPORT_SDK: ("-c", "import mcp"),
}
"""What is run, with arguments for Python. All but the last fail when they have loaded the SDK or pydantic."""

BASES: Mapping[str, str] = {
    PLAIN: PLAIN,
    WITH_APP: PLAIN,
    DAPHNE_PLAIN: DAPHNE_PLAIN,
    DAPHNE_WITH_APP: DAPHNE_PLAIN,
    IMPORT_DJANGO: IMPORT_DJANGO,
    IMPORT_NAMES: IMPORT_DJANGO,
    IMPORT_SDK: IMPORT_DJANGO,
}
"""What each is compared with."""


def write_project(directory: Path) -> None:
    """Write a project of one app, with settings without and with ours."""
    for name, text in FILES.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.lstrip("\n"))


def time_command(arguments: tuple[str, ...], directory: Path) -> tuple[float, float]:
    """Run Python to its end; return CPU and wall seconds. Raises ``Failed`` when it ends badly."""
    log = directory / "command.log"
    with log.open("wb") as file:
        begun = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=directory, env=environment(), stdout=file, stderr=file
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failed(f"python {' '.join(arguments)} failed:\n{log.read_text()[-4000:]}")
    return usage.ru_utime + usage.ru_stime, wall


def run(effort: Effort, marks: list[Mark], directory: Path) -> list[Table]:
    """Measure this part. Adds to ``marks``."""
    write_project(directory)
    cpu, wall = Series(), Series()
    for arguments in COMMANDS.values():
        time_command(arguments, directory)  # writes the bytecode
    for number in range(effort.starts):
        progress(f"start-up: round {number + 1} of {effort.starts}")
        for name, arguments in turns(COMMANDS, number):
            cpu_seconds, wall_seconds = time_command(arguments, directory)
            cpu.add(name, cpu_seconds)
            wall.add(name, wall_seconds)
    marks.append(Mark("manage.py check: with the app / without it, CPU", cpu.ratio(WITH_APP, PLAIN), CHECK_COMMAND))
    rows = [
        (name, cpu.median(name) * 1000, wall.median(name) * 1000, cpu.ratio(name, base), wall.ratio(name, base))
        for name, base in BASES.items()
    ]
    columns = ("command", "CPU ms", "wall ms", "x without, CPU", "x without, wall")
    return [Table("Start-up (nothing of ours loads the SDK or pydantic: checked)", columns, rows)]
