"""A Django app and the applications that are compared: ours, the SDK's own, and a bare one."""
