#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if a file holds a path of the machine it was written on: a home folder,
# or the place of this checkout.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# /home/nonroot is the home folder in the images that users run.
patterns=('/(home|Users)/[A-Za-z_][A-Za-z0-9._-]*/' '/root/(go|work|\.cache|\.config|\.local)\b' 'C:\\+Users\\')
allowed='/home/nonroot/'
# The checkout's own path, where it is long enough to be no accident.
[[ $PWD != /*/* ]] || patterns+=("$(printf '%s' "$PWD" | sed 's/[][().*^$+?{}|\\]/\\&/g')")

arguments=()
for pattern in "${patterns[@]}"; do arguments+=(-e "$pattern"); done

found=$(git grep --untracked -InE "${arguments[@]}" -- . ':!hack/verify/paths.sh' |
  grep -v "$allowed" || true)
if [[ -n $found ]]; then
  printf 'paths: these are paths of one machine; say it relative to the repository, or from an environment variable:\n%s\n' "$found"
  exit 1
fi
echo 'paths: no file holds a path of this machine'
