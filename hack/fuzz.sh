#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# usage: hack/fuzz.sh TIME
#
# Fuzzes each fuzz target of the main module for TIME, one after the other. What
# breaks one is kept by go test under testdata/fuzz and is a test case from then on.
# Then random worlds go through compiler, engine and reference model for TIME, from
# a seed that was not used before; what was judged is counted.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
time=${1:?usage: hack/fuzz.sh TIME}

# Only packages with a fuzz function are compiled to be asked for their targets.
folders=$(git grep --untracked -lE '^func Fuzz' -- '*_test.go' | xargs -r -n 1 dirname | sort -u || true)
[[ -n $folders ]] || { echo 'fuzz: there are no fuzz targets' && exit 0; }

failed=()
for folder in $folders; do
  for target in $(go test -list '^Fuzz' "./$folder" | grep '^Fuzz' || true); do
    printf 'fuzz: %s in %s for %s\n' "$target" "$folder" "$time"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$folder" || failed+=("$folder $target")
  done
done
seed=$(date +%s)000000
printf 'fuzz: model against engine for %s, from seed %s\n' "$time" "$seed"
go test -count=1 -v -timeout 0 -run '^TestDifferential$' ./test/reference -for "$time" -from "$seed" || failed+=('test/reference TestDifferential')
if ((${#failed[@]})); then
  printf 'fuzz: FAILED: %s\n' "${failed[@]}"
  exit 1
fi
