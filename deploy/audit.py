"""Lists known vulnerabilities of installed packages: audit.py SITE-PACKAGES [--where-reachable]

pip-audit asks the package index for its advisories. A mirror without advisories answers that it
knows no package, which pip-audit counts as no vulnerability. Here that is a failure, unless
--where-reachable says that such a mirror is expected.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# .ci/run finds this line by its beginning and repeats it at its end.
UNREACHABLE = (
    "NOT AUDITED: {missed} of {count} packages. The package index answered no question about them: "
    "known vulnerabilities, if any, were NOT looked for. Run `make audit` on a machine that "
    "reaches an index with advisories."
)


def main(arguments: Sequence[str]) -> int:
    packages = audited(arguments[0])
    if not packages:
        sys.exit(f"NOT AUDITED: pip-audit found no package in {arguments[0]}.")
    bad = [line for package in packages for line in vulnerabilities(package)]
    missed = sum("skip_reason" in package for package in packages)
    print("\n".join(bad), end="\n" * bool(bad))
    if missed:
        print(UNREACHABLE.format(missed=missed, count=len(packages)), flush=True)
    else:
        print(f"{len(packages)} packages audited, {len(bad)} known vulnerabilities.")
    return bool(bad) or (bool(missed) and "--where-reachable" not in arguments)


def audited(site_packages: str) -> list[dict[str, Any]]:
    program = Path(sys.executable).with_name("pip-audit")
    options = ["--progress-spinner", "off", "--format", "json", "--path", site_packages]
    done = subprocess.run([str(program), *options], capture_output=True, text=True, check=False)
    if not done.stdout:
        sys.exit(f"pip-audit ended with status {done.returncode}: {done.stderr}")
    packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    return packages


def vulnerabilities(package: dict[str, Any]) -> list[str]:
    """Return a line for each known vulnerability, with the versions that fix it."""
    return [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for vulnerability in package.get("vulns", [])
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
