# Shared by bootstrap.sh and debian-parts.sh: failing with one clear line, and installing packages.

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

# install_packages WHAT-FOR PACKAGE…: through apt-get, as root or with sudo.
install_packages() {
  local reason=$1 log
  shift
  local by_hand="apt-get install $*"
  command -v apt-get >/dev/null ||
    fail "${reason^} needs $*, and this system has no apt-get: install them in its own way, then run this again."
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "${reason^} needs $*: type, as root, $by_hand, then run this again."
    as_root=(sudo)
  fi
  printf 'Installing %s from Debian, for %s …\n' "$*" "$reason"
  log=$(mktemp)
  # A new machine has no package lists yet, and old lists may be outdated: fetch them on demand.
  if ! apt_install "$@" >"$log" 2>&1; then
    "${as_root[@]}" apt-get update -qq >"$log" 2>&1 || true
    apt_install "$@" >>"$log" 2>&1 ||
      fail "${reason^} needs $*, which apt-get could not install ($(last_error "$log")): check the network and the Debian mirror, then run this again."
  fi
  rm -f "$log"
}

apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" </dev/null
}

last_error() {
  { grep -E '^(E|W):|sudo:|No space left' "$1" || tail -n 1 "$1"; } | tail -n 1 | sed -E 's/^[EW]: //'
}
