"""Site files: YAML in and out, with everything wrong in one told at once and by line."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import yaml

from features.site import Site
from streams.site_rules import Finding, findings
from streams.site_text import Place, SiteError, SiteText

EXAMPLE = Path(__file__).with_name("example-site.yaml")
_LINE_WIDTH = 120


class SiteFileError(ValueError):
    """A site file that cannot be used; its text has one line for each error, as editors and people read them."""

    def __init__(self, path: Path, errors: list[SiteError]) -> None:
        super().__init__("\n".join(f"{path}:{error}" for error in errors))
        self.path, self.errors = path, errors


def load_site(path: Path) -> Site:
    """The site a file describes; warnings do not keep it from loading.

    Raises:
        SiteFileError: with everything that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SiteFileError(path, [_of_file("a site file", error.strerror or str(error))]) from None
    except UnicodeDecodeError as error:
        raise SiteFileError(path, [_of_file("UTF-8", f"byte {error.start} that is not")]) from None
    site_text = SiteText(text)
    if any(not error.warning for error in _errors(site_text)):
        raise SiteFileError(path, _errors(site_text))
    return msgspec.convert(site_text.value, Site)


def check_site(text: str) -> list[SiteError]:
    """Everything wrong or doubtful in a site's text, by line; no errors but warnings if it can be used."""
    return _errors(SiteText(text))


def dump_site(site: Site) -> str:
    """A site as YAML that loads back to an equal site."""
    plain = _without_none(msgspec.to_builtins(site))
    return yaml.safe_dump(plain, sort_keys=False, default_flow_style=None, width=_LINE_WIDTH)


def at_fields(path: Path, found: Iterable[Finding]) -> SiteFileError:
    """The error that tells findings about a site file which can be read, each with its place there."""
    return SiteFileError(path, _placed(SiteText(path.read_text(encoding="utf-8")), found))


def _errors(text: SiteText) -> list[SiteError]:
    doubts = _placed(text, findings(text.value))
    return sorted([*text.errors, *doubts], key=lambda error: (error.line, error.column))


def _placed(text: SiteText, found: Iterable[Finding]) -> list[SiteError]:
    return [SiteError(*_place(text, field), field, expected, got, warning) for field, expected, got, warning in found]


def _place(text: SiteText, field: str) -> Place:
    """Where a field stands, or what it would stand in if it was left out."""
    while field not in text.places:
        field = field.rpartition(".")[0]
    return text.places[field]


def _of_file(expected: str, got: str) -> SiteError:
    return SiteError(1, 1, "$", expected, got)


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value
