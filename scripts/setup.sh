#!/usr/bin/env bash
# Installs what the checks need and this machine lacks: as root on Debian or
# Ubuntu from its own packages, elsewhere it says what is missing, and the tests
# that need it are skipped with the reason (with CI=true they fail).
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() { # need PACKAGES COMMAND...: any of the commands will do
  local packages=$1 command
  shift
  for command in "$@"; do
    if command -v "$command" >/dev/null || [ -x "/usr/sbin/$command" ]; then return; fi
  done
  read -ra packages <<<"$packages"
  missing+=("${packages[@]}")
}

need "gcc libc6-dev" gcc clang # the race detector links C
need mariadb-server-core mariadbd
need mariadb-client-core my_print_defaults
need chromium chromium chromium-browser google-chrome
need zbar-tools zbarimg
need "nodejs npm" npm
if ! Rscript -e 'library(survey)' >/dev/null 2>&1; then
  missing+=(r-base-core r-cran-survey r-cran-mass)
fi
need fontconfig fc-list
if ! command -v fc-list >/dev/null || [ -z "$(fc-list :lang=zh)" ]; then
  missing+=(fonts-noto-cjk)
fi

if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "setup: installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  else
    echo "setup: missing ${missing[*]} (Debian package names); what needs them is skipped"
  fi
fi

# typescript and axe-core, as package-lock.json pins them
if command -v npm >/dev/null && ! cmp -s package-lock.json node_modules/.made-from; then
  echo "setup: installing the packages of package-lock.json"
  if npm ci --silent; then
    cp package-lock.json node_modules/.made-from
  else
    echo "setup: npm ci failed; type checks and accessibility tests are skipped"
  fi
fi
