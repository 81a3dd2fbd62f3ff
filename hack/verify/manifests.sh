#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if a kustomization below config/ does not build.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

kustomize=$(hack/tools/install.sh kustomize)
failed=0
while IFS= read -r -d '' file; do
  folder=$(dirname "$file")
  if built=$("$kustomize" build "$folder" 2>&1); then
    printf 'manifests: %s: %d objects\n' "$folder" "$(grep -c '^kind:' <<<"$built")"
  else
    printf 'manifests: kustomize build %s fails:\n%s\n' "$folder" "$built"
    failed=1
  fi
done < <(hack/verify/files.sh 'config/**/kustomization.yaml')
exit "$failed"
