"""One corpus of requests, two servers: ours and the SDK's own, which is the oracle."""
