"""Orders, refunds and quotes, over HTTP."""
