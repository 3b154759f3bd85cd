#!/usr/bin/env bash
# Installs the named Debian packages that are missing: chromium, curl, iproute2, nginx, nodejs, npm,
# redis-server, postgresql. It starts no service: the callers start their own on free ports.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

POLICY=/usr/sbin/policy-rc.d

main() {
  local missing=()
  for part; do is_here "$part" || missing+=("$part"); done
  ((${#missing[@]})) || return 0
  keep_services_stopped
  install_packages "this" "${missing[@]}"
}

is_here() {
  case $1 in
    postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
    iproute2) command -v ip >/dev/null ;;
    nodejs) command -v node >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

# Debian starts a service as soon as it is installed, unless this program exits with 101.
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

main "$@"
