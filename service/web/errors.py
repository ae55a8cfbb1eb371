"""What HTTP itself refuses: errors of requests, whatever they are about. Nothing has changed."""


class InvalidValues(Exception):
    """The request's values are not what the contract says. faults: field -> what is wrong with it."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__("Some values are not as the contract has them.")
        self.faults = faults


class KeyReused(Exception):
    """The Idempotency-Key came before with another request."""


class StillRunning(Exception):
    """The first request with this Idempotency-Key has not ended."""
