#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if a Go file or a script lacks the header of hack/boilerplate.go.txt.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

boilerplate=$(<hack/boilerplate.go.txt)

is_script() { [[ $1 == *.sh ]] || [[ $(head -c 2 "$1" | tr -d '\0') == '#!' ]]; }

# Generated files have a line or two before it, so the header may stand in the first six lines.
checked=0 missing=()
while IFS= read -r -d '' file; do
  if [[ $file == *.go ]]; then
    header=$boilerplate
  elif is_script "$file"; then
    header=${boilerplate//\/\//#}
  else
    continue
  fi
  checked=$((checked + 1))
  [[ $(head -n 6 "$file") == *"$header"* ]] || missing+=("$file")
done < <(hack/verify/files.sh)

if ((${#missing[@]})); then
  printf 'headers: no license header: %s\n' "${missing[@]}"
  printf 'Add it at the top, below #! and above the package comment; in a Go file:\n%s\n' "$boilerplate"
  exit 1
fi
printf 'headers: %d Go files and scripts have it\n' "$checked"
