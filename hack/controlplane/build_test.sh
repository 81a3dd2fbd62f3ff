#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Tests build.sh with a stand-in for go that "compiles" in as many seconds as
# GO_SECONDS says, so that all of it takes seconds, not a quarter of an hour.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/module"
for part in node/fast/node-initialize node/heartbeat/node-heartbeat pod/fast/pod-ready; do
  mkdir -p "$work/module/kustomize/stage/${part%/*}"
  echo "name: ${part##*/}" >"$work/module/kustomize/stage/$part.yaml"
done

mkdir -p "$work/module/deploy/crds"
echo 'kind: CustomResourceDefinition' | tee "$work/module/deploy/crds/"{certificates,issuers}.yaml >"$work/module/deploy/crds/README.md"

cat >"$work/bin/go" <<'GO'
#!/usr/bin/env bash
set -euo pipefail
case "$*" in
env\ GOVERSION*) printf 'go1.26.0\nlinux\namd64\n' ;;
env\ GOPROXY) echo off ;;
*"list "*" -m "*) echo "$GO_MODULE" ;;
*"list "*)
  [[ -z ${GO_OFFLINE:-} ]] || { echo 'dial tcp: no such host' >&2; exit 1; }
  printf 'a\nb\n' ;;
*"build "*)
  echo build >>"$GO_LOG"
  while (($#)) && [[ $1 != -o ]]; do shift; done
  for ((i = 0; i < 10 * ${GO_SECONDS:-0}; i++)); do sleep 0.1; done
  printf '#!/bin/sh\necho v0.0.0-test\n' >"$2"
  chmod +x "$2" ;;
*) echo "go: unexpected: $*" >&2; exit 1 ;;
esac
GO
chmod +x "$work/bin/go"
export PATH="$work/bin:$PATH" GO_LOG="$work/log" GO_MODULE="$work/module"
unset KUBEBUILDER_ASSETS XDG_CACHE_HOME

fail() {
  printf 'FAIL: %s: %s\n' "$test" "$*" >&2
  [[ ! -s $work/err ]] || sed 's/^/    /' "$work/err" >&2
  exit 1
}

# begin SENTENCE starts a test with an empty cache.
begin() {
  test=$1
  unset GO_SECONDS GO_OFFLINE KUBEBUILDER_ASSETS
  rm -rf "$work/cache" "$work/given"
  export BEHALF_CACHE="$work/cache"
  : >"$GO_LOG"
  : >"$work/err"
  printf -- '--- %s\n' "$test"
}

build() { "$here/build.sh" "$@" 2>>"$work/err"; }
# start leaves a build running as process $started, in a group of its own: what
# runs in the background of the script's group ignores SIGINT.
start() {
  set -m
  "$here/build.sh" >"$work/out" 2>>"$work/err" &
  set +m
  started=$!
}
builds() { grep -c . "$GO_LOG" || true; }
said() { grep -qF -- "$1" "$work/err" || fail "not said: $1"; }
only_finished_folders() {
  local left
  left=$(find "$work/cache/controlplane" -mindepth 1 -maxdepth 1 -name '.tmp-*')
  [[ -z $left ]] || fail "left behind: $left"
}
# eventually COMMAND... succeeds once COMMAND does, and fails after ten seconds.
eventually() {
  local i
  for ((i = 0; i < 100; i++)); do
    ! "$@" || return 0
    sleep 0.1
  done
  return 1
}
compiling() { [[ $(builds) -ge 1 ]]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
until_compiling() { eventually compiling || fail 'the compiler was not started'; }

begin 'the folder is built once, and its path is all of standard output'
first=$(build)
[[ $first == "$work/cache/controlplane/v"*-linux-amd64-* && -d $first ]] || fail "printed: $first"
for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  [[ -x $first/$program ]] || fail "no $program"
done
[[ $(build) == "$first" && $(builds) == 1 ]] || fail "$(builds) builds"
only_finished_folders

begin 'kwok is added to a folder that is there, with its stages'
first=$(build)
[[ $(build --kwok) == "$first" && $(builds) == 2 ]] || fail "$(builds) builds"
[[ -x $first/kwok && $(grep -c '^---$' "$first/kwok-stages.yaml") == 3 ]] || fail 'no kwok or no stages'
[[ $(build --kwok) == "$first" && $(builds) == 2 ]] || fail "$(builds) builds"

begin 'cert-manager is added as well, with its kinds, and both at once'
first=$(build)
[[ $(build --cert-manager) == "$first" && $(builds) == 2 ]] || fail "$(builds) builds"
[[ -x $first/cert-manager && $(grep -c '^---$' "$first/cert-manager-crds.yaml") == 2 ]] || fail 'no cert-manager or no kinds'
[[ ! -e $first/kwok ]] || fail 'kwok was built'
[[ $(build --kwok --cert-manager) == "$first" && $(builds) == 3 && -x $first/kwok ]] || fail "$(builds) builds"

begin 'what is added and lost a file is built again'
first=$(build --cert-manager)
rm "$first/cert-manager-crds.yaml"
[[ $(build --cert-manager) == "$first" && $(builds) == 3 && -s $first/cert-manager-crds.yaml ]] || fail 'not repaired'

begin 'a folder that lost a program is built again'
first=$(build)
rm "$first/kubectl"
[[ $(build) == "$first" && -x $first/kubectl ]] || fail 'not repaired'

begin 'a given folder with what is needed is used, without kwok too'
mkdir "$work/given"
for program in etcd kube-apiserver kube-controller-manager kubectl; do
  cp "$work/bin/go" "$work/given/$program"
done
export KUBEBUILDER_ASSETS="$work/given"
[[ $(build --kwok --cert-manager) == "$work/given" && $(builds) == 0 ]] || fail 'not used'
said 'has no kwok with its kwok-stages.yaml'
said 'has no cert-manager with its cert-manager-crds.yaml'

begin 'of a given folder without what is needed it is said what is missing, and it is built'
mkdir "$work/given"
cp "$work/bin/go" "$work/given/etcd"
export KUBEBUILDER_ASSETS="$work/given"
[[ $(build) == "$work/cache/"* ]] || fail 'not built'
said 'no executable there called: kube-apiserver kube-controller-manager kubectl'

begin 'modules that cannot be fetched fail with a remedy'
export GO_OFFLINE=yes
! build >"$work/out" || fail 'it succeeded'
[[ ! -s $work/out ]] || fail 'something on standard output'
said 'no such host'
said 'GOMODCACHE'
only_finished_folders

begin 'an interrupted build leaves nothing'
export GO_SECONDS=60
for signal in INT TERM HUP; do
  # A shell whose parent ignores a signal cannot trap it (POSIX, 2.14 trap), nor can what it starts.
  if [[ -n $(trap -p "$signal") ]]; then
    printf -- '--- passed over: %s is ignored by whoever started this\n' "$signal"
    continue
  fi
  : >"$GO_LOG"
  start
  until_compiling
  kill "-$signal" "$started"
  ! wait "$started" || fail "$signal: it succeeded"
  [[ ! -s $work/out ]] || fail "$signal: something on standard output"
  only_finished_folders
  [[ -z $(find "$work/cache/controlplane" -mindepth 1 -not -name .lock) ]] || fail "$signal: a folder is there"
done

begin 'after a killed build the next one stops its compiler, tidies and builds'
GO_SECONDS=60 start
until_compiling
kill -KILL "$started"
wait "$started" 2>/dev/null || true
orphan=$(cat "$work"/cache/controlplane/.tmp-*/pid)
kill -0 "$orphan" || fail 'no compiler is left: this test proves nothing'
first=$(build)
[[ -x $first/kubectl ]] || fail 'not built'
said "stopping what an interrupted build left running (process $orphan)"
eventually gone "$orphan" || fail 'its compiler still runs'
only_finished_folders

begin 'what a killed build left is removed even when there is nothing to build'
build >"$work/out"
mkdir "$work/cache/controlplane/.tmp-1"
build >"$work/out"
only_finished_folders

begin 'of two builds at once the second waits, says so, and takes the result'
GO_SECONDS=3 start
until_compiling
second=$(build)
wait "$started"
[[ $second == "$(cat "$work/out")" && $(builds) == 1 ]] || fail "$(builds) builds"
said 'waiting for it to end'
! grep -q 'removing what' "$work/err" || fail 'it took the work of the other for a leftover'

begin 'a build says how far it is'
GO_SECONDS=12 build >"$work/out"
said 'compiling controlplane: 0m1'

printf 'ok\n'
