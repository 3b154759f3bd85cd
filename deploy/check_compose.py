"""Checks the compose file against Compose's schema and our rules: check_compose.py FILE"""

import json
import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import yaml

# The only service that is reached from outside, and so the only one with a way out.
FRONT = "nginx"
EDGE = "edge"
# The networks of services that are not on `inside` alone: only the gate reaches vLLM.
NETWORKS = {
    FRONT: ["inside", EDGE],
    "gate": ["inside", "model"],
    "vllm": ["model"],
    "energy": ["model"],
}


def main() -> int:
    raw = Path(sys.argv[1]).read_text()
    stack = yaml.safe_load(raw)
    schema = distribution("docker-compose").locate_file("compose/config/compose_spec.json")
    # The schema of 2021 knows neither the top-level name nor the x- anchors.
    known = {key: value for key, value in stack.items() if key != "name" and key[:2] != "x-"}
    jsonschema.validate(known, json.loads(Path(str(schema)).read_text()))
    problems = [*of_stack(stack), *secrets_in(raw)]
    for problem in problems:
        print(f"{sys.argv[1]}: {problem}", file=sys.stderr)
    return bool(problems)


def of_stack(stack: dict[str, Any]) -> list[str]:
    networks = stack["networks"].items()
    public = [name for name, network in networks if not network.get("internal")]
    problems = [f"the network `{name}` must be internal" for name in public if name != EDGE]
    for name, service in stack["services"].items():
        problems += [f"{name}: {problem}" for problem in of_service(name, service)]
    return problems


def of_service(name: str, service: dict[str, Any]) -> list[str]:
    allowed = NETWORKS.get(name, ["inside"])
    rules = {
        "must have a read-only root": service.get("read_only") is True,
        f"must be on {allowed} only": list(service.get("networks", [])) == allowed,
        "must not publish ports": name == FRONT or "ports" not in service,
        "must not gain privileges": "no-new-privileges:true" in service.get("security_opt", []),
        "must not be privileged": not service.get("privileged"),
        "must name the version of its image": not service["image"].endswith(("latest", "/")),
        "needs a health check": "healthcheck" in service or "build" in service,
    }
    return [rule for rule, holds in rules.items() if not holds]


def secrets_in(raw: str) -> list[str]:
    """Find secrets whose values are not in files."""
    names = re.findall(r"^\s*(\w*(?:PASSWORD|SECRET|API_KEY)\w*):", raw, re.MULTILINE)
    return [f"{name} must come from a file: {name}_FILE" for name in names if name[-5:] != "_FILE"]


if __name__ == "__main__":
    sys.exit(main())
