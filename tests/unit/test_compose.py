"""The deployment files: valid, pinned, confined, and of the commands and settings that there are."""

import json
import re
import shlex
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from jsonschema import Draft7Validator, validators
from typer.core import TyperGroup

from streams.cli import with_kafka
from streams.config import may_be_setting
from streams.settings import Settings
from streams.settings_file import load_settings, variables

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
COMPOSE: Json = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Json] = COMPOSE["services"]
LASTING = [name for name, service in SERVICES.items() if service.get("restart") != "no"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
PINNED = re.compile(r"(?P<name>[a-z0-9./-]+):v?\d+(\.\d+)+[a-z0-9.-]*")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)).splitlines()
    if line.strip()
]
STAGES = [at for at, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]
FINAL = INSTRUCTIONS[STAGES[-1] :]
DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def of_final(word: str) -> list[str]:
    return [rest for each, rest in FINAL if each == word]


def compose_schema() -> Json:
    """The compose specification's own schema, as check-jsonschema carries it."""
    found = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    schema: Json = json.loads(Path(str(found)).read_text(encoding="utf-8"))
    return schema


def test_the_compose_file_is_one() -> None:
    schema = compose_schema()
    validators.validator_for(schema, Draft7Validator)(schema).validate(COMPOSE)


def test_a_spoilt_compose_file_is_not() -> None:
    schema = compose_schema()
    spoilt = {**COMPOSE, "services": {"kafka": {"imag": "apache/kafka:4.1.0"}}}
    assert not validators.validator_for(schema, Draft7Validator)(schema).is_valid(spoilt)


def test_who_is_there() -> None:
    assert {"kafka", "redis", "worker-1", "worker-2", "publisher", "audit-web", "producer"} <= set(LASTING)
    assert {"topics", "worker-1", "worker-2", "audit-keys", "publisher", "producer"} <= set(OURS)


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings_that_can_be_used(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, str] = SERVICES[name].get("environment", {})
    ours = {variable for variable in given if may_be_setting(variable)}
    assert ours <= variables().keys()
    assert ours == {variable for variable in given if variable.startswith("VIGIL_")}
    monkeypatch.chdir(tmp_path)
    settings = load_settings(None, given)
    assert settings.kafka.brokers == (["kafka:9092"] if given else Settings().kafka.brokers)


def test_workers_differ_by_name_only() -> None:
    one, other = SERVICES["worker-1"], SERVICES["worker-2"]
    instance = "VIGIL_WORKER__INSTANCE"
    assert one["environment"][instance] != other["environment"][instance]
    assert {**one["environment"], instance: ""} == {**other["environment"], instance: ""}
    assert {**one, "environment": {}, "ports": []} == {**other, "environment": {}, "ports": []}


def test_topics_are_made_as_workers_take_them_to_be() -> None:
    def of_kafka(name: str) -> Json:
        return {key: value for key, value in SERVICES[name]["environment"].items() if key.startswith("VIGIL_KAFKA__")}

    assert of_kafka("topics") == of_kafka("worker-1") == of_kafka("producer")


@pytest.mark.parametrize("name", OURS)
def test_commands_are_those_of_the_command_line(name: str) -> None:
    command, *arguments = SERVICES[name]["command"]
    check_command(command, arguments)


def check_command(name: str, arguments: list[str]) -> None:
    """Parse a command's arguments as it would, without running it."""
    commands = command_line().commands
    while isinstance(group := commands.get(name), TyperGroup):
        commands, (name, *arguments) = group.commands, arguments
    assert name in commands, f"no command {name} among {', '.join(commands)}"
    commands[name].make_context(name, list(arguments))


def command_line() -> TyperGroup:
    group = typer.main.get_command(with_kafka())
    assert isinstance(group, TyperGroup)
    return group


@pytest.mark.parametrize(
    ("command", "arguments", "why"),
    [
        ("run", ["folder", "--no-such"], "No such option: --no-such"),
        ("run", ["one", "two"], "unexpected extra argument"),
        ("run", [], "Missing"),
        ("demo", ["--visits", "many"], "integer"),
        ("no-such", [], "no command no-such"),
        ("audit", ["keys", "no-such"], "no command no-such"),
        ("audit", ["keys", "make"], "Missing"),
    ],
)
def test_other_commands_are_not(command: str, arguments: list[str], why: str) -> None:
    with pytest.raises(Exception, match=why):
        check_command(command, arguments)


def test_the_site_of_the_workers_is_made_by_the_shop() -> None:
    folder = SERVICES["shop"]["command"][2]
    site = SERVICES["worker-1"]["environment"]["VIGIL_SITE"]
    assert site == f"{folder}/recording/site.yaml"
    assert SERVICES["producer"]["command"][1] == f"{folder}/recording"
    assert [name for name in OURS if f"shop:{folder}" in SERVICES[name]["volumes"]] == ["shop"]
    assert all(f"shop:{folder}:ro" in SERVICES[name]["volumes"] for name in ("topics", "worker-1", "producer"))


def test_who_signs_has_the_key_and_nobody_else() -> None:
    maker, publisher = SERVICES["audit-keys"], SERVICES["publisher"]
    folder, keys = publisher["command"][1], publisher["command"][3]
    assert maker["command"][maker["command"].index("--keys") + 1] == keys
    mounts = {name: service.get("volumes", []) for name, service in SERVICES.items()}
    with_keys = {name: mount for name, all_ in mounts.items() for mount in all_ if mount.startswith("audit-keys:")}
    assert with_keys == {"audit-keys": f"audit-keys:{keys}", "publisher": f"audit-keys:{keys}:ro"}
    assert f"audit:{folder}" in mounts["publisher"]
    assert mounts["audit-web"] == ["audit:/usr/share/nginx/html:ro"]


def test_our_volumes_belong_to_the_user_of_the_image() -> None:
    made = re.findall(r"install --directory --owner=10001 --group=10001 ([^&]*)", " ".join(of_final("RUN")))
    folders = {word for words in made for word in words.split() if word.startswith("/")}
    assert folders == {mount.split(":")[1] for name in OURS for mount in SERVICES[name]["volumes"]}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_pinned_and_confined(name: str) -> None:
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"]), service["image"]
    assert not re.fullmatch(r"(root|0)(:.*)?", service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert service["deploy"]["resources"]["reservations"]["memory"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_write_nowhere_else(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert SERVICES[name]["image"] == f"vigil:{version('vigil')}"
    assert SERVICES[name]["user"] == of_final("USER")[0]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_waited_for_can_happen(name: str) -> None:
    for other, wanted in SERVICES[name].get("depends_on", {}).items():
        if wanted["condition"] == "service_healthy":
            assert other in LASTING
        else:
            assert wanted["condition"] == "service_completed_successfully"
            assert other not in LASTING


def test_the_workers_are_asked_where_they_answer() -> None:
    worker = SERVICES["worker-1"]
    port = worker["environment"]["VIGIL_OPERATIONS__PORT"]
    assert f":{port}/healthz" in " ".join(worker["healthcheck"]["test"])
    assert worker["ports"][0].endswith(f":{port}")
    assert worker["stop_grace_period"] == "30s"


def test_redis_is_a_cache() -> None:
    command = SERVICES["redis"]["command"]
    told = dict(zip(command[1::2], command[2::2], strict=True))
    assert (told["--save"], told["--appendonly"], told["--maxmemory-policy"]) == ("", "no", "allkeys-lru")
    assert "--maxmemory" in told


def test_prometheus_scrapes_the_workers_by_the_rules_of_the_docs() -> None:
    told = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    assert told["scrape_configs"][0]["static_configs"][0]["targets"] == ["worker-1:8070", "worker-2:8070"]
    source, target, _ = SERVICES["prometheus"]["volumes"][0].split(":")
    rules = (ROOT / source).read_text(encoding="utf-8")
    assert Path(target).name in told["rule_files"]
    assert f'job="{told["scrape_configs"][0]["job_name"]}"' in rules


def test_images_of_the_dockerfile_are_pinned() -> None:
    assert len(STAGES) == 2
    for at in STAGES:
        assert PINNED.fullmatch(INSTRUCTIONS[at][1].split()[0])


def test_dependencies_come_from_the_lock_file() -> None:
    runs = [rest for word, rest in INSTRUCTIONS if word == "RUN"]
    synced = [shlex.split(rest) for rest in runs if "uv sync" in rest]
    assert synced
    assert all({"--frozen", "--no-dev"} <= set(words) for words in synced)
    installed = [words for rest in runs if "pip install" in rest for words in shlex.split(rest) if words[:1] != "-"]
    assert [word for word in installed if "==" in word] == installed[2:] != []


def test_the_final_image_runs_as_somebody_and_can_build_nothing() -> None:
    user, _, group = of_final("USER")[-1].partition(":")
    assert int(user) >= 10_000 <= int(group)
    assert not any(re.search(r"\b(apt-get|gcc|build-essential|pip install|uv)\b", rest) for rest in of_final("RUN"))
    assert "pip uninstall" in " ".join(of_final("RUN"))
    assert of_final("ENTRYPOINT") == ['["vigil"]']
    assert [word for word, _ in FINAL].index("USER") > [word for word, _ in FINAL].index("COPY")


def test_the_image_says_what_it_is_and_how_it_is() -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', of_final("LABEL")[0]))
    assert labels["version"] == version("vigil")
    assert labels["licenses"] == "Apache-2.0"
    assert (ROOT / labels["documentation"]).exists()
    port = Settings().operations.port
    assert of_final("EXPOSE") == [str(port)]
    assert f":{port}/healthz" in of_final("HEALTHCHECK")[0]


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    copied = [rest.split()[:-1] for word, rest in INSTRUCTIONS if word == "COPY" and "--from" not in rest]
    sources = {source for words in copied for source in words}
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    sent = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert sources == sent
    assert all((ROOT / source).exists() for source in sources)


def test_the_settings_of_the_documentation_can_be_used(tmp_path: Path) -> None:
    blocks = re.findall(r"( *)```yaml\n(.*?)```", DEPLOYMENT, re.DOTALL)
    assert blocks
    for at, (indent, block) in enumerate(blocks):
        file = tmp_path / f"{at}.yaml"
        file.write_text("\n".join(line.removeprefix(indent) for line in block.splitlines()) + "\n", encoding="utf-8")
        load_settings(file, {"VIGIL_KAFKA__SECURITY__PASSWORD": "secret"})


def test_the_variables_of_the_documentation_are_settings() -> None:
    for name in re.findall(r"\bVIGIL_[A-Z_]+", DEPLOYMENT):
        variable = variables().get(name) or variables()[name.removesuffix("_FILE")]
        assert variable.secret or not name.endswith("_FILE")


def test_the_commands_of_the_documentation_are_there() -> None:
    commands = set(re.findall(r"`vigil ([a-z]+)", DEPLOYMENT))
    assert commands <= set(command_line().commands)


def test_the_links_of_the_documentation_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", DEPLOYMENT):
        assert (ROOT / "docs" / link).exists(), link
