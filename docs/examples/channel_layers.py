"""A setting that how-to/tell-clients-of-changes.md shows."""

from __future__ import annotations

# region: layers
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": ["redis://127.0.0.1:6379/0"]}}
}
# endregion
