#!/usr/bin/env bash
# Creates the secrets that compose.yaml reads: make-secrets.sh [FOLDER]. Existing files stay.
# Add tls_certificate and tls_key yourself, as PEM; with single sign-on, put the secret that your
# provider gave you into oidc_client_secret.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
umask 077

make() {
  [[ -e $folder/$1 ]] || printf '%s' "$2" >"$folder/$1"
}

random() {
  head -c 48 /dev/urandom | base64 -w 0 | tr '+/' '-_'
}

make secret_key "$(random)"
make slm_api_key "$(random)"
make database_password "$(random)"
make redis_password "$(random)"
make database_url "postgresql://attune:$(<"$folder/database_password")@postgres:5432/attune"
make oidc_client_secret ""
make redis_url "redis://:$(<"$folder/redis_password")@redis:6379"
# The containers read them as another user.
chmod 644 "$folder"/*
chmod 700 "$folder"
echo "The secrets are in $folder."
