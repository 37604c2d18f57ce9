"""deploy/compose.yaml and the script that makes its secrets."""

import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.files import DEPLOY, STOP_SECONDS, known_variables

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ["migrate", "deskhand-1", "deskhand-2"]


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    shutil.copy(DEPLOY / "make-secrets.sh", tmp_path)
    subprocess.run(["sh", str(tmp_path / "make-secrets.sh")], check=True, capture_output=True)
    return tmp_path / "secrets"


def test_every_secret_that_is_named_is_made_once_and_kept(secrets: Path) -> None:
    named = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    made = {file.name: file.read_text(encoding="ascii") for file in secrets.iterdir()}
    assert named <= made.keys()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert len(made["secret_key"].strip()) >= 32
    assert made["postgres_password"].strip() in made["database_url"]
    assert made["valkey_password"].strip() in made["redis_url"]
    assert f"requirepass {made['valkey_password'].strip()}" in made["valkey_conf"]
    assert len({made[name] for name in ("secret_key", "admin_api_key", "postgres_password", "valkey_password")}) == 4
    subprocess.run(["sh", str(secrets.parent / "make-secrets.sh")], check=True, capture_output=True)
    assert {file.name: file.read_text(encoding="ascii") for file in secrets.iterdir()} == made


@pytest.mark.parametrize("service", OURS)
def test_our_services_have_no_rights_and_write_nowhere(service: str) -> None:
    described = SERVICES[service]
    assert described["read_only"] is True
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert described["user"] == "10001:10001"


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_every_secret_comes_from_a_file(service: str) -> None:
    environment = SERVICES[service]["environment"]
    assert environment.keys() <= known_variables()
    files = {Path(value).name for name, value in environment.items() if name.endswith("_FILE")}
    assert files == set(SERVICES[service]["secrets"]) <= COMPOSE["secrets"].keys()


def test_only_the_proxy_can_be_reached_and_the_databases_reach_nothing() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["back"]
    assert SERVICES["proxy"]["networks"] == ["front"]


def test_the_proxy_sends_to_every_instance_and_is_believed() -> None:
    environment = SERVICES["proxy"]["environment"]
    instances = [name for name in SERVICES if re.fullmatch(r"deskhand-\d+", name)]
    assert environment["UPSTREAMS"] == "to " + " ".join(f"{name}:8080" for name in instances)
    (network,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert SERVICES["deskhand-1"]["environment"]["DESKHAND_TRUSTED_PROXIES"] == network["subnet"]


def test_a_server_that_stops_is_given_the_time() -> None:
    for name in ("deskhand-1", "deskhand-2"):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > STOP_SECONDS
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_what_the_example_of_values_names_is_used() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z_]+):-", text))
    named = set(re.findall(r"^#? ?([A-Z_]+)=", (DEPLOY / "env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert named <= used
