"""How a message is answered. Start at ``dispatcher``: its table names the handler of every method."""
