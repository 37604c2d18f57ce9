"""The Helm chart, rendered by Helm, against the schemas of Kubernetes."""

import functools
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import iter_route_contexts

import deskhand
from deploy.files import CHART, STOP_SECONDS, known_variables
from deskhand.app import create_app
from deskhand.settings import Environment, Settings, secret_names
from parts.missing import part_missing

SECRETS = [f"DESKHAND_{name}".upper() for name in secret_names(Settings)]
KUBERNETES = ("1.27", "1.34")
OWN = {"existingSecret": "own"}
MADE = {
    "secrets": {
        "databaseUrl": "postgresql://a:b@host/desk",
        "redisUrl": "redis://host",
        "secretKey": "s" * 32,
        "adminApiKey": "a" * 32,
        "modelApiKey": "m",
        "redisEncryptionKeys": "r",
        "backupEncryptionKeys": "b",
        "oidcClientSecret": "o",
        "widgetSecret": "w",
    }
}
EVERYTHING = {
    **OWN,
    "autoscaling": {"enabled": False},
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "ingress": {"enabled": True, "tlsSecret": "desk-tls"},
    "metrics": {"serviceMonitor": True},
    "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}]},
    "nodeSelector": {"disk": "ssd"},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "tolerations": [{"operator": "Exists"}],
}


def render(values: dict[str, Any]) -> dict[str, Any]:
    for package in ("helm_python", "kubernetes_validate"):
        if importlib.util.find_spec(package) is None:
            part_missing(package, "Run `make dev`.")
    answer: dict[str, Any] = json.loads(_answer_of_helm(json.dumps(values)))
    return answer


@functools.cache
def _answer_of_helm(values: str) -> str:
    command = [sys.executable, str(Path(__file__).with_name("render_chart.py")), str(CHART)]
    return subprocess.run(command, input=values, check=True, capture_output=True, text=True).stdout


def objects(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, text in render(values)["rendered"].items():
        if name.endswith(".yaml"):
            yield from (each for each in yaml.safe_load_all(text) if each)


def of_kind(values: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (each for each in objects(values) if each["kind"] == kind)
    return found


@pytest.mark.parametrize("values", [OWN, MADE, EVERYTHING], ids=["own secret", "made secret", "everything"])
def test_what_is_rendered_is_what_kubernetes_takes(values: dict[str, Any]) -> None:
    rendered = list(objects(values))
    import kubernetes_validate  # noqa: PLC0415 - may be missing, which was told above

    kinds = set()
    for each in rendered:
        kinds.add(each["kind"])
        if each["kind"] != "ServiceMonitor":
            for version in KUBERNETES:
                kubernetes_validate.validate(each, version, strict=True)
    assert {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "Job"} <= kinds
    assert ("Secret" in kinds) == (values is MADE)
    assert ("HorizontalPodAutoscaler" in kinds) == (values is not EVERYTHING)
    assert ({"Ingress", "ServiceMonitor"} <= kinds) == (values is EVERYTHING)


def test_helm_finds_nothing_to_say_against_it() -> None:
    lint = render(OWN)["lint"]
    assert lint["errors"] == []
    assert [message["error"] for message in lint["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "secrets.databaseUrl (or existingSecret) is needed"),
        ({**OWN, "colour": "red"}, "colour"),
        ({**OWN, "replicas": 0}, "replicas"),
        ({**OWN, "image": {"digest": "latest"}}, "digest"),
    ],
)
def test_values_that_are_not_right_are_refused(values: dict[str, Any], words: str) -> None:
    assert words in render(values)["refused"]


def test_a_secret_is_no_setting() -> None:
    refused = render({**OWN, "settings": dict.fromkeys(SECRETS, "in the open")})["refused"]
    assert [name for name in SECRETS if f"'{name}'" not in refused] == []


def test_every_variable_is_a_setting_and_secrets_come_from_the_secret() -> None:
    for values in (OWN, MADE):
        (container,) = of_kind(values, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert {variable["name"] for variable in container["env"]} <= known_variables()
        plain = {variable["name"] for variable in container["env"] if "value" in variable}
        assert not any(name.endswith(("_KEY", "_URL")) for name in plain)
    secret = of_kind(MADE, "Secret")
    keys = {variable["valueFrom"]["secretKeyRef"]["key"] for variable in container["env"] if "valueFrom" in variable}
    assert keys == secret["stringData"].keys()
    assert {variable["valueFrom"]["secretKeyRef"]["name"] for variable in container["env"] if "valueFrom" in variable} == {
        secret["metadata"]["name"]
    }


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_a_pod_has_no_rights_and_writes_nowhere(kind: str) -> None:
    pod = of_kind(OWN, kind)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}


def test_an_upgrade_takes_nobody_away_before_another_is_ready() -> None:
    deployment = of_kind(OWN, "Deployment")["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in deployment, "the autoscaler decides"
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > STOP_SECONDS + pause
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == container["startupProbe"]["httpGet"]["path"] == "/health/live"


def test_selectors_find_the_pods_of_the_deployment_alone() -> None:
    labels = of_kind(OWN, "Deployment")["spec"]["template"]["metadata"]["labels"]
    job = of_kind(OWN, "Job")["spec"]["template"]["metadata"]["labels"]
    selectors = [
        of_kind(OWN, "Service")["spec"]["selector"],
        of_kind(OWN, "Deployment")["spec"]["selector"]["matchLabels"],
        of_kind(OWN, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        of_kind(OWN, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
        assert not selector.items() <= job.items()


def test_the_migration_comes_before_the_upgrade_and_after_its_secret() -> None:
    job, secret = of_kind(MADE, "Job")["metadata"]["annotations"], of_kind(MADE, "Secret")["metadata"]["annotations"]
    assert job["helm.sh/hook"] == secret["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert int(secret["helm.sh/hook-weight"]) < int(job["helm.sh/hook-weight"])


def test_the_ingress_leads_to_all_that_is_served_but_the_figures(tmp_path: Path) -> None:
    app = create_app(Settings(environment=Environment.TESTING, data_dir=tmp_path))
    served = {route.path for route in iter_route_contexts(app.routes)} | {"/ws"}
    (rule,) = of_kind(EVERYTHING, "Ingress")["spec"]["rules"]
    exact = {path["path"] for path in rule["http"]["paths"] if path["pathType"] == "Exact"}
    prefixes = tuple(f"{path['path']}/" for path in rule["http"]["paths"] if path["pathType"] == "Prefix")
    assert {path for path in served if path not in exact and not f"{path}/".startswith(prefixes)} == {"/metrics"}


def test_the_chart_is_of_this_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"] == deskhand.__version__
