"""What can be wrong with a transparency log, with a proof out of it, or with what it is checked with."""


class AuditError(Exception):
    """Something that was checked does not hold.

    Attributes:
        field: what is wrong: a line, a tile, a hash, a signature.
        expected: what should be there.
        got: what is there.
        where: the file, tile or leaf; empty where the caller knows it.
    """

    def __init__(self, field: str, expected: object, got: object, where: str = "") -> None:
        super().__init__(f"{where and where + ': '}{field}: expected {expected}, got {got}")
        self.field, self.expected, self.got, self.where = field, expected, got, where


class FormatError(AuditError):
    """A text or a file that is not in its format."""


class SignatureError(AuditError):
    """A signature that is missing, not by a known key, or wrong."""


class GapError(AuditError):
    """A tile, a bundle or a leaf that the checkpoint claims is not there."""


class ForkError(AuditError):
    """Two checkpoints of one log of which neither continues the other."""


class RewindError(AuditError):
    """A log that is smaller than it was."""


class UnusableError(AuditError):
    """What something is to be checked, signed or written with cannot be used: a key, a policy, a folder."""
