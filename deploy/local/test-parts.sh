#!/usr/bin/env bash
# Installs what the live tests use beside Python, where it is absent: Debian's Chromium,
# Redis and PostgreSQL. The tests start them on free ports; nothing is started here.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

POLICY=/usr/sbin/policy-rc.d

main() {
  local missing=()
  command -v chromium >/dev/null || missing+=(chromium)
  command -v redis-server >/dev/null || missing+=(redis-server)
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  ((${#missing[@]})) || return 0
  keep_services_stopped
  install_packages "the tests" "${missing[@]}"
}

# Debian starts a service as soon as it is installed, unless this file answers 101.
keep_services_stopped() {
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || return 0 # install_packages says what to do
    as_root=(sudo)
  fi
  [[ ! -e $POLICY ]] || return 0
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$POLICY" >/dev/null
  "${as_root[@]}" chmod +x "$POLICY"
  # shellcheck disable=SC2064  # as_root as it is now
  trap "${as_root[*]} rm -f $POLICY" EXIT
}

main
