"""The handshake client's memory, and what has to find its way to an open stream, whichever process holds it."""
