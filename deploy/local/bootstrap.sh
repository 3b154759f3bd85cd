#!/usr/bin/env bash
# Creates the virtual environment and installs requirements into it; `make` calls this.
#
#   bootstrap.sh VENV STAMP REQUIREMENTS…
#
# STAMP holds the hash of the installed requirements: if they are the same, there is nothing to do.
# You can interrupt it and run it again: pip keeps what it has downloaded.
set -euo pipefail
source "$(dirname "$0")/debian.sh"

VENV=$1 STAMP=$2
shift 2
WANTED=3.11
# Megabytes that the packages need, with PyTorch's CPU build; its CUDA build takes 5,000 more.
ROOM=4000

main() {
  local hash
  hash=$(cat "$@" | sha256sum | cut -d ' ' -f 1)
  if [[ -x $VENV/bin/python && -f $STAMP && $(<"$STAMP") == "$hash" ]]; then
    touch "$STAMP"
    return
  fi
  make_venv
  install_libraries
  install_requirements "$@"
  printf '%s\n' "$hash" >"$STAMP"
}

make_venv() {
  local python
  if [[ ! -x $VENV/bin/python ]] || ! "$VENV/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || fail "Attune needs Python $WANTED. On Debian 12 type: apt-get install python3 python3-venv (with sudo unless you are root), then run this again."
    mkdir -p "$VENV" 2>/dev/null || fail "The folder $VENV cannot be created: set VENV to another folder, e.g. VENV=~/attune-venv make run."
    # Debian ships venv without ensurepip, which is in a package of its own.
    "$python" -m venv "$VENV" >/dev/null 2>&1 || {
      no_room_left "$VENV" 100
      install_packages "Python's venv" "python$WANTED-venv"
      "$python" -m venv "$VENV" >/dev/null ||
        fail "A virtual environment could not be created in $VENV: see the lines above."
    }
  fi
  [[ $(version "$VENV/bin/python") == "$WANTED" ]] ||
    fail "$VENV holds Python $(version "$VENV/bin/python"), but Attune needs $WANTED: remove that folder or set VENV to another, e.g. VENV=.venv311 make run."
}

find_python() {
  local name
  for name in "python$WANTED" python3 python; do
    [[ $(version "$name") == "$WANTED" ]] && echo "$name" && return
  done
  return 1
}

version() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

# llama.cpp's server links against OpenMP, which a minimal Debian lacks.
install_libraries() {
  ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1' ||
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1' ||
    install_packages "the model server" libgomp1
}

install_requirements() {
  local log=$VENV/pip.log file arguments=()
  for file in "$@"; do arguments+=(-r "$file"); done
  no_room_left "$VENV" $((ROOM - $(megabytes_in "$VENV")))
  echo "Installing the Python packages of ${*: -1} into $VENV (the first time: several minutes) …"
  # pip unpacks in TMPDIR, which is often a small memory file system.
  mkdir -p "$VENV/tmp"
  if ! TMPDIR=$VENV/tmp "$VENV/bin/python" -m pip install --no-input --disable-pip-version-check \
    --progress-bar off "${arguments[@]}" 2>&1 </dev/null | tee "$log" | show_progress; then
    rm -rf "$VENV/tmp"
    explain "$log"
  fi
  rm -rf "$VENV/tmp"
}

# Prints a line for each package that arrives; on a terminal each line replaces the one before.
show_progress() {
  local line count=0 before='' after='\n'
  if [[ -t 1 ]]; then before='\r\033[K' after=''; fi
  while IFS= read -r line; do
    case $line in
      *'Downloading '*.whl\ * | *'Using cached '*.whl\ * | 'Processing '*.whl\ *)
        count=$((count + 1))
        printf "$before  %3d  %s$after" "$count" "$(package_in "$line")"
        ;;
      'Installing collected packages:'*)
        printf "$before  unpacking %d packages (a minute or two) …$after" "$(wc -w <<<"${line#*:}")"
        ;;
    esac
  done
  if [[ -t 1 ]]; then printf '\r\033[K'; fi
}

# "  Downloading django-5.2.19-py3-none-any.whl (8.3 MB)" → "django 5.2.19 (8.3 MB)"
package_in() {
  local file=${1%.whl*} size='' name version
  if [[ $1 =~ \([0-9.]+\ [kMG]?B\)$ ]]; then size=" ${BASH_REMATCH[0]}"; fi
  IFS=- read -r name version _ <<<"${file##*[/ ]}"
  printf '%s %s%s' "$name" "$version" "$size"
}

explain() {
  local log=$1 package reason again='then run the same command again: it continues where it stopped.'
  if grep -q 'No space left on device' "$log"; then
    fail "No space left: the Python packages need about $ROOM MB in $VENV, $(free "$VENV") MB are free. Free some, $again"
  fi
  package=$(sed -nE 's/^ERROR: No matching distribution found for ([^ ]+).*/\1/p' "$log" | head -n 1)
  package=${package:-$(sed -nE 's/^Collecting ([^ ]+).*/\1/p' "$log" | tail -n 1)}
  reason=$({ grep -E '^ERROR: ' "$log" || tail -n 1 "$log"; } | tail -n 1 | cut -c 1-200)
  fail "The package ${package:-(none named)} could not be installed (${reason#ERROR: }). Check the network and the package mirror in pip's configuration ($VENV/bin/pip config list), $again pip's whole output: $log"
}

no_room_left() {
  local folder=$1 needed=$2
  (($(free "$folder") >= needed)) ||
    fail "No space left: about $needed MB more are needed in $folder, $(free "$folder") MB are free. Free some, then run this again."
}

free() {
  df -Pm "$1" | awk 'NR == 2 { print $4 }'
}

megabytes_in() {
  du -sm "$1" | cut -f 1
}

main "$@"
