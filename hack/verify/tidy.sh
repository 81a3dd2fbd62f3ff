#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if go.mod or go.sum of any module of the repository is not what
# `go mod tidy` writes.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export GOWORK=off

failed=0
while IFS= read -r -d '' file; do
  folder=$(dirname "$file")
  if ! difference=$(go -C "$folder" mod tidy -diff 2>&1); then
    failed=1
    printf 'tidy: %s is not tidy; run: go -C %s mod tidy\n' "$file" "$folder"
    grep -v '^go: downloading ' <<<"$difference" | head -n 40
  else
    printf 'tidy: %s\n' "$file"
  fi
done < <(hack/verify/files.sh go.mod '*/go.mod')
exit "$failed"
