from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from project.atlas import loading

if TYPE_CHECKING:
    from django.core.management.base import CommandParser


class Command(BaseCommand):
    help = (
        "Fills the atlas with 252 countries, 34,006 cities and their names in all languages (GeoNames, CC BY 4.0). "
        "Does nothing when cities are there. Writes to stderr only."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force", action="store_true", help="Load again, in place of what is there. Trips stay as they are."
        )

    def handle(self, *, force: bool, verbosity: int, **options: Any) -> None:
        if loading.is_loaded() and not force:
            if verbosity:
                self.stderr.write("The atlas is loaded already; --force loads it again.", style_func=str)
            return
        source = loading.read_source()
        # Not self.stderr: it ends what is written with a newline, and the bar is one line that is drawn again.
        bar = tqdm(total=source.steps, desc="Loading the atlas", unit="place", file=sys.stderr, disable=not verbosity)
        with bar:
            loading.load(source, advance=bar.update)
