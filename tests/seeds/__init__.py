"""A project of code that was written for FastMCP: every code block of two pages of documentation.

In ``custom_routes`` and ``faq`` each block is a module of its own. Its import line is changed as
docs/how-to/migrate-from-fastmcp.md says, and ``# Corrected`` stands where the block was wrong in itself, ``# Supplied``
where it used what it doesn't define. ``index.txt`` lists all of them.
"""
