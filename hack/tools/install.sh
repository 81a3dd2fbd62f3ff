#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# usage: hack/tools/install.sh NAME...
#
# Prints the path of each tool named, a line each, and builds it first where this
# version of it is not there yet. Every folder beside this script is a Go module
# that pins one tool; the folder's name is the tool's.
#
# BEHALF_CACHE is where built tools are kept: one folder for each state of a
# tool's module and Go version, so that branches do not take each other's tools away.

set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${BEHALF_CACHE:-${XDG_CACHE_HOME:-${HOME:?'is not set; set BEHALF_CACHE'}/.cache}/behalf}/tools
heartbeat_seconds=15
scratch= # what an interrupted build must not leave behind
compiler=

# A tool runs here and depends on its folder alone, whatever the environment
# holds for other builds. The flags that decide what Go's build cache can share
# are those of the Makefile.
unset GOFLAGS GOOS GOARCH
export CGO_ENABLED=0 GOWORK=off
flags=(-mod=readonly -buildvcs=false -trimpath '-ldflags=-s -w')

say() { printf 'tools: %s\n' "$*" >&2; }

clean_up() {
  [[ -z $compiler ]] || kill "$compiler" 2>/dev/null || true
  [[ -z $scratch ]] || rm -f "$scratch" "$scratch.log"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

# fingerprint FOLDER names the state of a tool's module and of the Go that builds it.
fingerprint() {
  { go -C "$1" version && find "$1" -type f \( -name go.mod -o -name go.sum -o -name '*.go' \) -print0 |
    sort -z | xargs -0 cat; } | sha256 | cut -c1-16
}

# build FOLDER OUTPUT
build() {
  local folder=$1 output=$2 name=${2##*/} start=$SECONDS beat=$SECONDS package=.
  if grep -q '^tool ' "$folder/go.mod"; then package=tool; fi
  scratch=${output%/*}/.$name.$$
  mkdir -p "${output%/*}"
  say "building $name"
  go -C "$folder" build "${flags[@]}" -v -o "$scratch" "$package" </dev/null >"$scratch.log" 2>&1 &
  compiler=$!
  while kill -0 "$compiler" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - beat >= heartbeat_seconds)); then
      beat=$SECONDS
      say "building $name: $((SECONDS - start)) s, $(grep -c . "$scratch.log") modules fetched or packages compiled"
    fi
  done
  if ! wait "$compiler"; then
    compiler=
    tail -n 40 "$scratch.log" >&2
    say "building $name failed; the last of what it printed is above"
    return 1
  fi
  compiler=
  mv -f "$scratch" "$output" # whoever looks meanwhile sees a whole tool or none
  rm -f "$scratch.log"
  scratch=
  say "built $name in $((SECONDS - start)) s"
}

if (($# == 0)); then
  sed -n 's/^# \{0,1\}//; 5,12p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in "$@"; do
  if [[ ! -f $tools/$name/go.mod ]]; then
    say "there is no tool called $name; there are: $(cd "$tools" && echo */ | tr -d /)"
    exit 2
  fi
  output=$cache/$(fingerprint "$tools/$name")/$name
  [[ -x $output ]] || build "$tools/$name" "$output"
  printf '%s\n' "$output"
done
