#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if `make generate` would change, add or remove a file. It generates in a
# copy of the tree, without the generated files that are there now, so that one
# whose source is gone shows as well.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/ours" "$copy/generated"

copy_tree() { hack/verify/files.sh | tar -c --null -T - | tar -x -C "$1"; }

copy_tree "$copy/ours"
copy_tree "$copy/generated"
find "$copy/generated" -name 'zz_generated.*' -delete
if ! make -C "$copy/generated" --no-print-directory generate >"$copy/log" 2>&1; then
  cat "$copy/log"
  echo 'generated: make generate fails'
  exit 1
fi
if ! (cd "$copy" && diff -ru ours generated); then
  echo 'generated: these files are not what their sources make (- is what is here); run: make generate'
  exit 1
fi
echo 'generated: every generated file is what its source makes'
