"""The setup of a lane: all that its steps depend on besides its messages. It is kept with the state made under it."""

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from features.events import Rejection
from features.site import Site
from models import bundle as bundles
from models.bundle import Bundle
from models.normality import Normality
from models.normality import dump as dump_normality
from models.normality import load as load_normality
from streams.kafka.areas import Areas
from streams.snapshots import site_digest


class _Content(Struct, frozen=True, forbid_unknown_fields=True):
    site: Site
    bundle: Raw
    partitions: int
    ahead_ms: int
    shadow: Raw | UnsetType = UNSET
    normality: Raw | UnsetType = UNSET


@dataclass(frozen=True)
class Setup:
    """A site and a bundle, and what of the settings decides which events are refused.

    Attributes:
        site: as it comes back from JSON, where 1 and 1.0 are the same length.
        bundle: sealed.
        partitions: among which areas are spread.
        ahead_ms: how far an event's time may lie after the time its message was written.
        shadow: a bundle on trial, sealed, of the same corpus.
        normality: what is normal at the site, sealed.
    """

    site: Site
    bundle: Bundle
    partitions: int
    ahead_ms: int
    shadow: Bundle | None = None
    normality: Normality | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "site", msgspec.json.decode(msgspec.json.encode(self.site), type=Site))

    @cached_property
    def areas(self) -> Areas:
        """The areas of the site."""
        return Areas.of(self.site, self.partitions)

    @cached_property
    def site_digest(self) -> str:
        """SHA-256 of the site, as snapshots name it."""
        return site_digest(self.site)

    @property
    def sealed(self) -> tuple[str, ...]:
        """The digests that stand in the audit log: of site, bundle and normality."""
        return self.site_digest, self.bundle.digest, self.normality.digest if self.normality else ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the JSON, hexadecimal: two setups with the same one are the same."""
        return hashlib.sha256(self._json).hexdigest()

    @cached_property
    def _json(self) -> bytes:
        shadow = Raw(bundles.dump(self.shadow)) if self.shadow else UNSET
        normal = Raw(dump_normality(self.normality)) if self.normality else UNSET
        bundle = Raw(bundles.dump(self.bundle))
        content = _Content(self.site, bundle, self.partitions, self.ahead_ms, shadow, normal)
        return msgspec.json.encode(content, order="deterministic")

    def dump(self) -> bytes:
        """The setup as compressed JSON, some 100 KB for a thousand cameras, and as much for each that has tables."""
        return zlib.compress(self._json)

    @classmethod
    def load(cls, packed: bytes) -> Self:
        """A setup out of the bytes of `dump`.

        Raises:
            Rejection: they are incomplete or not of this version, or their bundle is of another scoring version.
        """
        try:
            content = msgspec.json.decode(zlib.decompress(packed), type=_Content)
        except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as why:
            raise Rejection("$", "a setup as this version writes it", str(why)) from None
        bundle = bundles.load(bytes(content.bundle))
        bundles.check_scoring(bundle)
        shadow = bundles.load(bytes(content.shadow)) if isinstance(content.shadow, Raw) else None
        normal = load_normality(bytes(content.normality)) if isinstance(content.normality, Raw) else None
        bundle = bundles.load(bytes(content.bundle))
        return cls(content.site, bundle, content.partitions, content.ahead_ms, shadow, normal)
