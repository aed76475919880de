"""How bytes arrive and leave. Everything behind ``Exchange`` is the same for all of them."""
