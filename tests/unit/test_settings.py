import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields
from rich.pretty import pretty_repr

from streams import config
from streams import settings as parts
from streams.settings import HIDDEN, SECRETS, Kafka, OAuth, Redis, Security, Settings, Worker, shown
from streams.settings_file import EXAMPLE, SettingsError, check_settings, load_settings, variables

EXAMPLE_TEXT = EXAMPLE.read_text(encoding="utf-8")
DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
SECURED = """\
site: shop.yaml
kafka:
  brokers: [one:9092, two:9092]
  partitions: 8
  security:
    tls: true
    ca_file: ca.pem
    certificate_file: me.pem
    key_file: key.pem
    mechanism: SCRAM-SHA-512
    username: vigil
    password: open sesame
redis:
  url: rediss://cache:6379/1
  username: vigil
  password: open sesame
worker:
  snapshot_every_s: 2.0
"""
WITH_TOKENS = """\
kafka:
  security:
    tls: true
    mechanism: OAUTHBEARER
    oauth:
      token_url: https://login.example.org/token
      client_id: vigil
      client_secret: open sesame
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vigil.yaml"


def errors(file: Path, text: str, environment: Mapping[str, str] | None = None) -> list[str]:
    file.write_text(text, encoding="utf-8")
    return [str(each).removeprefix(f"{file}:") for each in check_settings(file, environment or {})]


def load(file: Path, text: str, environment: Mapping[str, str] | None = None) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load_settings(file, environment or {})


def test_without_anything_the_defaults_hold(file: Path) -> None:
    assert load(file, "") == load(file, "# nothing\n") == load_settings(file, {}) == Settings()


def test_a_file_says_what_it_says(file: Path) -> None:
    assert errors(file, SECURED) == errors(file, WITH_TOKENS) == []
    assert load(file, SECURED) == Settings(
        site="shop.yaml",
        kafka=Kafka(
            brokers=["one:9092", "two:9092"],
            partitions=8,
            security=Security(
                tls=True,
                ca_file="ca.pem",
                certificate_file="me.pem",
                key_file="key.pem",
                mechanism="SCRAM-SHA-512",
                username="vigil",
                password="open sesame",  # noqa: S106
            ),
        ),
        redis=Redis(url="rediss://cache:6379/1", username="vigil", password="open sesame"),  # noqa: S106
    )


# What is replaced in SECURED by what; the place, the field and a part of what is said of it.
INJECTED = [
    ("site: shop.yaml\n", "sites: shop.yaml\n", "1:1", "$.sites", "expected site,"),
    ("site: shop.yaml\n", "site: 3\n", "1:7", "$.site", "text in quotes, got 3"),
    ("[one:9092, two:9092]", "[]", "3:12", "$.kafka.brokers", "at least 1, got a list of 0"),
    ("one:9092", "one:99999", "3:13", "$.kafka.brokers[0]", "host:port, got one:99999"),
    ("two:9092", "kafka://two:9092", "3:23", "$.kafka.brokers[1]", "host:port, got kafka://two"),
    ("two:9092", "u:pw@two:9092", "3:23", "$.kafka.brokers[1]", "host:port, got ***@two:9092"),
    ("partitions: 8", "partitions: four", "4:15", "$.kafka.partitions", "a whole number, got four"),
    ("partitions: 8", "partitions: 0", "4:15", "$.kafka.partitions", ">= 1, got 0"),
    ("partitions: 8", "prefix: a/", "4:11", "$.kafka.prefix", "letters, digits and . _ - only"),
    ("partitions: 8", f"prefix: {'a' * 129}", "4:11", "$.kafka.prefix", "at most 128 characters, got 129"),
    ("partitions: 8", "group: a@b", "4:10", "$.kafka.group", "letters, digits and . _ - only"),
    ("partitions: 8", "group: a b", "4:10", "$.kafka.group", "1 to 64 letters"),
    ("partitions: 8", "retention_hours: 9000", "3:3", "$.kafka.journal_retention_hours", "at least retention_hours"),
    ("tls: true", "tls: yep", "6:10", "$.kafka.security.tls", "true or false, got yep"),
    ("tls: true", "tls: false", "6:10", "$.kafka.security.tls", "true, as ca_file is set"),
    ("    certificate_file: me.pem\n", "", "6:5", "$.kafka.security.certificate_file", "as key_file is set"),
    ("    key_file: key.pem\n", "", "6:5", "$.kafka.security.key_file", "as certificate_file is set"),
    ("SCRAM-SHA-512", "SCRAM-SHA-513", "10:16", "$.kafka.security.mechanism", "expected SCRAM-SHA-512,"),
    ("    mechanism: SCRAM-SHA-512\n", "", "11:15", "$.kafka.security.password", "a mechanism that uses it"),
    ("SCRAM-SHA-512", "OAUTHBEARER", "6:5", "$.kafka.security.oauth", "OAUTHBEARER needs it"),
    ("SCRAM-SHA-512", "OAUTHBEARER", "11:15", "$.kafka.security.username", "nothing with mechanism OAUTHBEARER"),
    ("    username: vigil\n", "", "6:5", "$.kafka.security.username", "SCRAM-SHA-512 needs it"),
    ("    password: open sesame\n", "", "6:5", "$.kafka.security.password", "SCRAM-SHA-512 needs it"),
    ("    password: open sesame\n", "    password: 17\n", "12:15", "$.kafka.security.password", "that is not shown"),
    ("rediss://cache", "http://cache", "14:8", "$.redis.url", "rediss://host:port/db"),
    ("rediss://cache", "rediss://u:open@cache", "14:8", "$.redis.url", "got rediss://***@cache:6379/1"),
    ("6379/1", "6379/1?password=open", "14:8", "$.redis.url", "got rediss://cache:6379/1?***"),
    ("6379/1", "70000/1", "14:8", "$.redis.url", "rediss://host:port/db"),
    ("6379/1", "6379/first", "14:8", "$.redis.url", "rediss://host:port/db"),
    ("rediss://cache:6379/1\n", "redis://cache\n  ca_file: ca.pem\n", "14:8", "$.redis.url", "as ca_file is set"),
    ("  password: open sesame\nworker", "worker", "14:3", "$.redis.password", "as username is set"),
    ("snapshot_every_s: 2.0", "snapshot_every_s: .inf", "18:21", "$.worker.snapshot_every_s", "<= 86400"),
    ("snapshot_every_s: 2.0", "snapshot_every_s: .nan", "18:21", "$.worker.snapshot_every_s", "a number"),
    ("snapshot_every_s: 2.0", "snapshot_every_s: 7", "18:21", "$.worker.snapshot_every_s", "less than session_s, 6 s"),
    ("snapshot_every_s: 2.0", "wait_ms: 6000", "18:12", "$.worker.wait_ms", "less than session_s, 6 s, got 6 s"),
    ("snapshot_every_s: 2.0", "instance: a b", "18:13", "$.worker.instance", "1 to 64 letters"),
    ("worker:\n  snapshot_every_s: 2.0\n", "worker: 3\n", "17:9", "$.worker", "a mapping, got 3"),
]


@pytest.mark.parametrize(("old", "new", "place", "field", "said"), INJECTED)
def test_a_mistake_is_told_with_its_place(file: Path, old: str, new: str, place: str, field: str, said: str) -> None:
    text = SECURED.replace(old, new, 1)
    assert text != SECURED
    told = [each for each in errors(file, text) if re.match(rf"{place}: (warning: )?{re.escape(field)}: ", each)]
    assert any(said in each for each in told), errors(file, text)


WRONG_TOKENS = [
    ("https://login", "ftp://login", "6:18", "$.kafka.security.oauth.token_url", "https://host/path"),
    ("https://login", "https://u:open@login", "6:18", "$.kafka.security.oauth.token_url", "https://***@login"),
    ("      client_id: vigil\n", "", "6:7", "$.kafka.security.oauth.client_id", "the field client_id"),
    (
        "    mechanism: OAUTHBEARER\n",
        "    mechanism: PLAIN\n",
        "6:7",
        "$.kafka.security.oauth",
        "nothing with mechanism",
    ),
]


@pytest.mark.parametrize(("old", "new", "place", "field", "said"), WRONG_TOKENS)
def test_a_mistake_about_tokens(file: Path, old: str, new: str, place: str, field: str, said: str) -> None:
    told = [each for each in errors(file, WITH_TOKENS.replace(old, new)) if each.startswith(f"{place}: {field}: ")]
    assert any(said in each for each in told), errors(file, WITH_TOKENS.replace(old, new))


WARNED = [
    (SECURED.replace("rediss://", "redis://"), "14:8: warning: $.redis.url: "),
    (WITH_TOKENS.replace("https://", "http://"), "6:18: warning: $.kafka.security.oauth.token_url: "),
    (WITH_TOKENS.replace("tls: true", "tls: false"), "3:10: warning: $.kafka.security.tls: "),
    ("kafka: {retention_hours: 9000}", "1:8: warning: $.kafka.journal_retention_hours: "),
    ("bundle: a.json\nworker: {shadow_bundle: a.json}", "2:25: warning: $.worker.shadow_bundle: "),
    ("worker: {snapshot_every_s: 60}", "1:28: warning: $.worker.snapshot_every_s: "),
]


@pytest.mark.parametrize(("text", "warning"), WARNED)
def test_what_is_only_doubtful_loads(file: Path, text: str, warning: str) -> None:
    load(file, text)
    (told,) = errors(file, text)
    assert told.startswith(warning)


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    text = SECURED.replace("partitions: 8", "partitions: four").replace("tls: true", "tls: maybe")
    text = text.replace("rediss://", "http://").replace("    username: vigil\n", "")
    environment = {"VIGIL_WORKER__SESSION_S": "long", "VIGIL_NOTHING_LIKE_IT": "1"}
    with pytest.raises(SettingsError) as refused:
        load(file, text, environment)
    assert {each.field for each in refused.value.errors} == {
        "$", "$.kafka.partitions", "$.kafka.security.tls", "$.kafka.security.username", "$.redis.url",
        "$.worker.session_s",
    }  # fmt: skip
    assert str(refused.value).splitlines() == [str(each) for each in refused.value.errors]


def test_a_wrong_field_causes_no_other_mistake(file: Path) -> None:
    (told,) = errors(file, "worker: {session_s: long, snapshot_every_s: 60}")
    assert "$.worker.session_s: expected a number, got long" in told
    (told,) = errors(file, SECURED.replace("mechanism: SCRAM-SHA-512", "mechanism: 3"))
    assert "$.kafka.security.mechanism: " in told


@pytest.mark.parametrize("text", ["- a", "a: [", "a: \0", "\t", "{a: *b}", "3"])
def test_what_is_no_mapping_is_told(file: Path, text: str) -> None:
    assert errors(file, text)
    with pytest.raises(SettingsError):
        load_settings(file, {})


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"vigil.yaml:1:1: .*No such file"):
        load_settings(tmp_path / "vigil.yaml", {})
    with pytest.raises(SettingsError, match="expected a settings file, got Is a directory"):
        load_settings(tmp_path, {})
    (tmp_path / "latin.yaml").write_bytes(b"site: \xe9")
    with pytest.raises(SettingsError, match="expected UTF-8, got byte 6"):
        load_settings(tmp_path / "latin.yaml", {})


def test_the_default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_settings(None, {}) == Settings()
    (tmp_path / "vigil.yaml").write_text("site: here.yaml", encoding="utf-8")
    assert load_settings(None, {}).site == "here.yaml"
    (tmp_path / "other.yaml").write_text("site: there.yaml", encoding="utf-8")
    assert load_settings(None, {"VIGIL_SETTINGS": "other.yaml"}).site == "there.yaml"
    assert load_settings(Path("vigil.yaml"), {"VIGIL_SETTINGS": "other.yaml"}).site == "here.yaml"


def test_the_environment_goes_before_the_file(file: Path) -> None:
    environment = {
        "VIGIL_KAFKA__BROKERS": "three:9092, four:9092",
        "VIGIL_KAFKA__PARTITIONS": "016",
        "VIGIL_KAFKA__PREFIX": "",
        "VIGIL_KAFKA__SECURITY__TLS": "true",
        "VIGIL_KAFKA__SECURITY__PASSWORD": "123",
        "VIGIL_REDIS__USERNAME": "",
        "VIGIL_WORKER__SNAPSHOT_EVERY_S": "5",
        "VIGIL_WORKER__INSTANCE": "12",
        "VIGIL_OPERATIONS__LOG_FORMAT": "text",
        "HOME": "/root",
    }
    settings = load(file, SECURED, environment)
    assert settings.kafka.brokers == ["three:9092", "four:9092"]
    assert settings.kafka.partitions == 16
    assert settings.kafka.security.password == "123"  # noqa: S105
    assert settings.kafka.security.username == "vigil"
    assert settings.redis == Redis(url="rediss://cache:6379/1", password="open sesame")  # noqa: S106
    assert settings.worker == Worker(snapshot_every_s=5.0, instance="12")
    assert settings.operations.log_format == "text"
    assert settings.site == "shop.yaml"


def test_the_environment_makes_parts_that_are_not_in_the_file(file: Path) -> None:
    oauth = {"TOKEN_URL": "https://login/token", "CLIENT_ID": "vigil", "CLIENT_SECRET": "null"}
    environment = {f"VIGIL_KAFKA__SECURITY__OAUTH__{name}": value for name, value in oauth.items()}
    environment |= {"VIGIL_KAFKA__SECURITY__TLS": "true", "VIGIL_KAFKA__SECURITY__MECHANISM": "OAUTHBEARER"}
    for text in ("", "kafka:\n", "kafka: {security: {oauth: null}}"):
        settings = load(file, text, environment)
        assert settings.kafka.security.oauth == OAuth("https://login/token", "vigil", "null")
    assert load(file, "", {"VIGIL_REDIS__PREFIX": "v:"}).redis == Redis(prefix="v:")


WRONG_VARIABLES = [
    ("VIGIL_KAFKA__PARTITIONS", "four", "$.kafka.partitions: expected a whole number, got four"),
    ("VIGIL_KAFKA__PARTITIONS", "", "$.kafka.partitions: expected a whole number, got nothing"),
    ("VIGIL_KAFKA__BROKERS", "a,,b", "$.kafka.brokers[1]: expected text in quotes of length >= 1, got nothing"),
    ("VIGIL_KAFKA__BROKERS", "a,b c", "$.kafka.brokers[1]: expected a host or host:port, got b c"),
    ("VIGIL_KAFKA__SECURITY__TLS", "2", "$.kafka.security.tls: expected true or false, got 2"),
    ("VIGIL_KAFKA__SECURITY__MECHANISM", "NTLM", "$.kafka.security.mechanism: expected one of PLAIN, "),
    ("VIGIL_KAFKA__SECURITY__MECHANISM", "PLAIN", "$.kafka.security.username: expected a value"),
    ("VIGIL_KAFKA__SECURITY__OAUTH__CLIENT_ID", "v", "$.kafka.security.oauth.token_url: expected the field token_url"),
    ("VIGIL_KAFKA__SECURITY__PASSWORD_FILE", "no/such", "$.kafka.security.password: expected a text file to read, "),
    ("VIGIL_KAFKA__BROKER", "a", "$: expected VIGIL_KAFKA__BROKERS, got a variable that is no setting"),
    ("VIGIL_KAFKA_BROKERS", "a", "$: expected VIGIL_KAFKA__BROKERS, got a variable that is no setting"),
    ("VIGIL_kafka__brokers", "a", "$: expected VIGIL_KAFKA__BROKERS, got a variable that is no setting"),
    ("VIGIL_KAFKA__BROKERS_FILE", "a", "$: expected VIGIL_KAFKA__BROKERS, got a variable that is no setting"),
    ("VIGIL_OPERATION__PORT", "1", "$: expected VIGIL_OPERATIONS__PORT, got a variable that is no setting"),
    ("VIGIL_REDIS__PASSWORD_FILES", "1", "$: expected VIGIL_REDIS__PASSWORD_FILE, got a variable that is no setting"),
    ("VIGIL_XXXXXXXX", "1", "$: expected VIGIL_ and the path of a field, such as VIGIL_SITE, got a variable"),
]


@pytest.mark.parametrize(("name", "value", "said"), WRONG_VARIABLES)
def test_a_wrong_variable_is_named(file: Path, name: str, value: str, said: str) -> None:
    told = errors(file, "", {name: value})
    assert any(each.startswith(f"{name}: {said}") for each in told), told


@pytest.mark.parametrize(
    "name",
    ["VIGIL_DATA", "VIGIL_MUTATIONS", "VIGIL_TEST_KAFKA", "VIGIL_PORT", "VIGIL_SERVICE_HOST", "VIGIL_SERVICE_PORT_HTTP",
     "VIGIL_WORKER_SERVICE_PORT", "VIGIL_WORKER_PORT_8070_TCP_ADDR", "PATH", "xVIGIL_SITE"],
)  # fmt: skip
def test_other_variables_are_left_alone(file: Path, name: str) -> None:
    assert errors(file, "", {name: "tcp://10.0.0.1:8070"}) == []


def test_the_environment_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_SITE", "shop.yaml")
    assert config.environment()["VIGIL_SITE"] == "shop.yaml"


def test_a_secret_may_stand_in_a_file(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(b" open\xc3\xa9: 'sesame' \r\n")
    settings = load(file, SECURED, {"VIGIL_KAFKA__SECURITY__PASSWORD_FILE": str(secret)})
    assert settings.kafka.security.password == " opené: 'sesame' "  # noqa: S105
    both = {"VIGIL_REDIS__PASSWORD": "a", "VIGIL_REDIS__PASSWORD_FILE": str(secret)}
    (told,) = errors(file, SECURED, both)
    assert told == (
        "VIGIL_REDIS__PASSWORD_FILE: $.redis.password: expected one of VIGIL_REDIS__PASSWORD and "
        "VIGIL_REDIS__PASSWORD_FILE, got both"
    )


def test_every_field_has_a_variable() -> None:
    leaves = {f"VIGIL_{path.upper().replace('.', '__')}" for path in flat(msgspec.to_builtins(FULL))}
    assert set(variables()) == leaves
    assert {name for name, each in variables().items() if each.secret} == {
        "VIGIL_KAFKA__SECURITY__PASSWORD", "VIGIL_KAFKA__SECURITY__OAUTH__CLIENT_SECRET", "VIGIL_REDIS__PASSWORD",
    }  # fmt: skip


FULL = Settings(kafka=Kafka(security=Security(oauth=OAuth("https://login/", "vigil"))), redis=Redis())


def flat(part: Mapping[str, object], path: str = "") -> dict[str, object]:
    values: dict[str, object] = {}
    for name, value in part.items():
        values |= flat(value, f"{path}{name}.") if isinstance(value, dict) else {path + name: value}
    return values


@given(
    st.builds(
        Worker,
        instance=st.none() | st.from_regex(r"[A-Za-z0-9._:@-]{1,64}", fullmatch=True),
        wait_ms=st.integers(0, 10_000),
        snapshot_every_s=st.floats(0, 86_400, exclude_min=True),
        session_s=st.floats(1, 1e6),
    ),
    st.builds(Security, tls=st.booleans(), username=st.none() | st.text(st.characters(codec="utf-8"), min_size=1)),
)
def test_any_settings_can_be_said_by_the_environment(worker: Worker, security: Security) -> None:
    told = {"worker": msgspec.to_builtins(worker), "kafka": {"security": msgspec.to_builtins(security)}}
    environment = {f"VIGIL_{path.upper().replace('.', '__')}": spelled(value) for path, value in flat(told).items()} | {
        "VIGIL_KAFKA__SECURITY__MECHANISM": "PLAIN",
        "VIGIL_KAFKA__SECURITY__PASSWORD": "x",
    }
    environment["VIGIL_KAFKA__SECURITY__USERNAME"] = security.username or "nobody"
    del environment["VIGIL_KAFKA__SECURITY__OAUTH"]  # which is a part, and not in these settings
    loaded = load_settings(EXAMPLE, environment)
    assert loaded.worker == worker
    assert loaded.kafka.security.username == (security.username or "nobody")
    assert loaded.kafka.security.tls == security.tls


def spelled(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


# Secrets

SECRET_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
PLAIN_SECRETS = st.from_regex(
    r"[*&!@%|>'\"#A-Za-z0-9_-][A-Za-z0-9!*:{}\[\],&#?|<>=%@ -]{7,30}[A-Za-z0-9]", fullmatch=True
)
MISTAKES = ["    password: {}\n", "    password:{}\n", "    pasword: {}\n", "    password = {}\n", "    password {}\n",
            "    password: [{}]\n", "    password: {{a: {}}}\n", "    tls: [\n    password: {}\n",
            "    oauth: {{client_secret: {}, scope: 3}}\n", "    password: a\n    password: {}\n"]  # fmt: skip


def secured(secret: str) -> Settings:
    security = Security(mechanism="PLAIN", username="me", password=secret, oauth=OAuth("https://l/", "me", secret))
    return Settings(kafka=Kafka(security=security), redis=Redis(password=secret, url=f"redis://me:{secret}@cache/0"))


@given(SECRET_TEXTS)
def test_no_text_of_settings_shows_a_secret(secret: str) -> None:
    settings = secured(secret)
    texts = [repr(settings), str(settings), f"{settings}", pretty_repr(settings), repr(shown(settings))]
    other = secured("another " + secret)
    assert texts == [repr(other), str(other), f"{other}", pretty_repr(other), repr(shown(other))]
    for part in (settings.kafka, settings.kafka.security, settings.kafka.security.oauth, settings.redis):
        assert HIDDEN in repr(part)


@given(secret=PLAIN_SECRETS, mistake=st.sampled_from(MISTAKES))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_no_error_shows_a_secret(file: Path, secret: str, mistake: str) -> None:
    told = errors(file, "kafka:\n  security:\n" + mistake.format(secret) + "  partitions: four\n")
    shown_parts = [
        part for each in told for part in (secret, secret.strip("*&!'\"%|>")) if len(part) > 4 and part in each
    ]
    assert shown_parts == [], told
    assert told


@given(SECRET_TEXTS, st.sampled_from([name for name, each in variables().items() if each.secret]))
def test_no_error_about_the_environment_shows_a_secret(secret: str, name: str) -> None:
    told = check_settings(EXAMPLE, {name: secret, "VIGIL_KAFKA__PARTITIONS": "four"})
    assert "$.kafka.partitions" in {each.field for each in told}
    assert told == check_settings(EXAMPLE, {name: "another " + secret, "VIGIL_KAFKA__PARTITIONS": "four"})


def test_what_is_shown_is_the_settings_but_for_secrets(file: Path) -> None:
    settings = load(file, SECURED)
    assert shown(Settings()) == msgspec.to_builtins(Settings())
    differing = {
        path for path, value in flat(shown(settings)).items() if flat(msgspec.to_builtins(settings))[path] != value
    }
    assert differing == {"kafka.security.password", "redis.password"}
    assert flat(shown(settings))["redis.password"] == HIDDEN


# The example and the table

UNCOMMENTED = re.sub(r"^#:", "", EXAMPLE_TEXT, flags=re.MULTILINE).replace("tls: false", "tls: true")
EXAMPLES = [
    re.sub(r"    oauth:.*\n(      .*\n)+", "", UNCOMMENTED),
    re.sub(r"    (username|password): .*\n", "", UNCOMMENTED).replace(
        "mechanism: SCRAM-SHA-512", "mechanism: OAUTHBEARER"
    ),
]


def test_the_example_says_what_holds_without_it(file: Path) -> None:
    assert errors(file, EXAMPLE_TEXT) == []
    assert load_settings(EXAMPLE, {}) == Settings()


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_example_holds_when_its_lines_are_used(file: Path, text: str) -> None:
    assert errors(file, text) == []
    load(file, text)


def test_the_example_names_every_field() -> None:
    assert flat(yaml.safe_load(UNCOMMENTED)).keys() == flat(msgspec.to_builtins(FULL)).keys()


TABLES: dict[str, type[Struct]] = {
    "The settings": Settings, "kafka": Kafka, "kafka.security": Security, "kafka.security.oauth": OAuth,
    "redis": Redis, "live": parts.Live, "worker": Worker, "produce": parts.Produce, "operations": parts.Operations,
}  # fmt: skip


def rows(heading: str) -> dict[str, str]:
    """The first two cells of the table below a heading."""
    below = re.split(rf"^## {re.escape(heading)}$", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    lines = below.partition("\n## ")[0].splitlines()
    cells = [line.split("|") for line in lines if line.startswith("| `")]
    return {cell[1].strip(" `"): cell[2].strip() for cell in cells}


@pytest.mark.parametrize("heading", TABLES)
def test_the_table_is_that_of_the_fields(heading: str) -> None:
    told = rows(heading)
    assert list(told) == [field.encode_name for field in fields(TABLES[heading])]
    for field in fields(TABLES[heading]):
        default = field.default if field.default_factory is NODEFAULT else field.default_factory()
        assert told[field.encode_name] == written(default), field.name


def written(default: object) -> str:
    if default is NODEFAULT:
        return "required"
    if default is None or default == "":
        return "none" if default is None else "empty"
    if isinstance(default, Struct):
        return "as below"
    if isinstance(default, bool) or not isinstance(default, int):
        texts = ", ".join(default) if isinstance(default, list) else str(default)
        return texts.lower() if isinstance(default, bool) else texts if isinstance(default, float) else f"`{texts}`"
    return f"{default:,}"


def test_the_table_names_the_secrets() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert {line.split("|")[1].strip(" `") for line in text.splitlines() if line.endswith("a secret |")} == SECRETS
