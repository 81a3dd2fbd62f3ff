#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Tests the checks beside it on a small repository that keeps all the rules, and
# then breaks them one by one: a check that never fails checks nothing.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
repository=$work/some/repository

# begin SENTENCE starts a test in a repository that breaks no rule.
begin() {
  test=$1
  printf -- '--- %s\n' "$test"
  rm -rf "$repository"
  mkdir -p "$repository/hack/verify" "$repository/kinds"
  cp "$here"/*.sh "$repository/hack/verify"
  cp "$here/../boilerplate.go.txt" "$repository/hack"
  cd "$repository"
  git init -q
  printf 'module example.test/m\n\ngo 1.26.0\n' >go.mod
  { cat hack/boilerplate.go.txt && printf '\npackage kinds\n'; } >kinds/kinds.go
  printf 'generate:\n\t@cp kinds/kinds.go kinds/zz_generated.kinds.go\n' >Makefile
  make -s generate
}

# passes CHECK
passes() { "hack/verify/$1.sh" >"$work/out" 2>&1 || fail "$1 fails on what it should pass"; }

# complains CHECK TEXT... wants the check to fail and to say each text.
complains() {
  local check=$1 text
  shift
  ! "hack/verify/$check.sh" >"$work/out" 2>&1 || fail "$check passes"
  for text in "$@"; do
    grep -qF -- "$text" "$work/out" || fail "$check does not say: $text"
  done
}

fail() {
  printf 'FAIL: %s: %s\n' "$test" "$*" >&2
  sed 's/^/    /' "$work/out" >&2
  exit 1
}

begin 'a repository that keeps the rules passes'
passes headers
passes paths
passes tidy
passes generated

begin 'a Go file without the license header is named'
echo 'package kinds' >kinds/bare.go
complains headers 'no license header: kinds/bare.go'

begin 'a script without the license header is named, whatever its name'
printf '#!/bin/sh\n' >hack/run
complains headers 'no license header: hack/run'

begin 'ignored and deleted files need no header'
printf 'bin/\n' >.gitignore
mkdir bin
echo 'package main' >bin/main.go
echo 'package kinds' >kinds/gone.go
git add kinds/gone.go
rm kinds/gone.go
passes headers

begin 'the path of a home folder is shown with its line'
somebody=alice # apart from her home, so that this file has no such path itself
printf 'one\nsee /home/%s/notes\n' "$somebody" >notes.md
complains paths "notes.md:2:see /home/$somebody/notes"

begin 'the path of the checkout is shown'
printf 'run %s/hack/run\n' "$PWD" >notes.md
complains paths 'notes.md:1:'

begin 'the home folder of the images is no path of a machine'
echo 'WORKDIR /home/nonroot/' >Dockerfile
passes paths

begin 'a requirement that nothing uses is untidy, in any module'
mkdir tool
printf 'module example.test/tool\n\ngo 1.26.0\n\nrequire example.test/unused v1.0.0\n' >tool/go.mod
complains tidy 'tool/go.mod is not tidy; run: go -C tool mod tidy'

begin 'a generated file that someone edited is shown'
echo '// edited' >>kinds/zz_generated.kinds.go
complains generated '-// edited' 'run: make generate'

begin 'a generated file whose source is gone is named'
cp kinds/zz_generated.kinds.go kinds/zz_generated.old.go
complains generated 'zz_generated.old.go'

begin 'a generator that fails is shown to'
printf 'generate:\n\t@echo no such marker; exit 1\n' >Makefile
complains generated 'no such marker' 'make generate fails'

echo ok
