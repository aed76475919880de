"""Other servers with the same tool, each built as its documentation says. They run in environments of their own."""
