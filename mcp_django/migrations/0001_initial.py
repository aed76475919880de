import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="APIKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="What it is for.", max_length=200, verbose_name="name")),
                ("scopes", models.JSONField(blank=True, default=list, verbose_name="scopes")),
                ("prefix", models.CharField(editable=False, max_length=16, verbose_name="begins with")),
                ("last4", models.CharField(editable=False, max_length=4, verbose_name="ends with")),
                ("key_checksum", models.CharField(editable=False, max_length=64, unique=True)),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, help_text="Empty: never.", null=True, verbose_name="expires"),
                ),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="last used")),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True, verbose_name="revoked")),
                (
                    "user",
                    models.ForeignKey(
                        help_text="Whose permissions its calls have.",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "verbose_name_plural": "API keys",
                "ordering": ["-created"],
            },
        ),
        migrations.CreateModel(
            name="ServiceAccount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("client_id", models.CharField(max_length=255, unique=True, verbose_name="OAuth client")),
                (
                    "scopes",
                    models.JSONField(
                        default=list, help_text='A list of names, such as ["mcp"].', verbose_name="scopes"
                    ),
                ),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "service account",
                "verbose_name_plural": "service accounts",
                "ordering": ["client_id"],
            },
        ),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False, verbose_name="id")),
                (
                    "server",
                    models.CharField(
                        blank=True, help_text="Path; empty: the default one.", max_length=200, verbose_name="server"
                    ),
                ),
                ("client_id", models.CharField(blank=True, max_length=255, verbose_name="OAuth client")),
                ("transport", models.CharField(default="streamable-http", max_length=16, verbose_name="transport")),
                (
                    "protocol_version",
                    models.CharField(
                        blank=True,
                        help_text="Empty: the client has not shaken hands yet.",
                        max_length=32,
                        verbose_name="protocol version",
                    ),
                ),
                ("client_info", models.JSONField(blank=True, default=dict, verbose_name="client")),
                ("capabilities", models.JSONField(blank=True, default=dict, verbose_name="capabilities")),
                ("log_level", models.CharField(default="info", max_length=16, verbose_name="log level")),
                ("stream", models.CharField(blank=True, editable=False, max_length=16, verbose_name="stream")),
                ("subscriptions", models.JSONField(blank=True, default=list, verbose_name="subscriptions")),
                ("created", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("seen", models.DateTimeField(db_index=True, verbose_name="last seen")),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "ordering": ["-seen"],
            },
        ),
        migrations.CreateModel(
            name="Question",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("answer", models.TextField(null=True)),
                ("asked", models.DateTimeField(auto_now_add=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="questions", to="mcp_django.session"
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
            },
        ),
        migrations.CreateModel(
            name="PostedMessage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("body", models.TextField()),
                ("posted", models.DateTimeField(auto_now_add=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="posted", to="mcp_django.session"
                    ),
                ),
            ],
            options={
                "verbose_name": "posted message",
                "verbose_name_plural": "posted messages",
            },
        ),
        migrations.CreateModel(
            name="StreamEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stream", models.CharField(max_length=32)),
                ("number", models.PositiveIntegerField()),
                ("message", models.TextField()),
                ("last", models.BooleanField(default=False)),
                ("created", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="events", to="mcp_django.session"
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ["pk"],
                "constraints": [
                    models.UniqueConstraint(fields=("stream", "number"), name="mcp_django_event_of_stream")
                ],
            },
        ),
    ]
