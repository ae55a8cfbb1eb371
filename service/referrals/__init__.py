"""The use cases and the policies. No Flask, no clock, no environment: they take a session, values and `now`."""
