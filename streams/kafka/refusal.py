"""What is told when a service cannot be reached or refuses: which setting to check, and never a secret."""


class RefusedError(ConnectionError):
    """A connection that was not made: the setting to check, what was expected of it, what came instead."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got}")
        self.field, self.expected, self.got = field, expected, got
