#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Prints the folder that holds a Kubernetes control plane for this machine, and
# builds it first where there is none yet. Standard output carries that one
# path and nothing else, so that callers can write
#
#     assets=$(hack/controlplane/build.sh)
#
# With --kwok the folder also holds kwok and kwok-stages.yaml, with --cert-manager
# cert-manager and cert-manager-crds.yaml.
# README.md says what is built, why, and how the folder is found.

set -euo pipefail

programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl)
needed_of_given_folder=(etcd kube-apiserver kube-controller-manager kubectl)
heartbeat_seconds=10

# What is built must depend on this folder alone, so what the environment's
# GOFLAGS may hold for other builds (-mod, -race, -tags) is set back here.
go_flags=(-mod=readonly -buildvcs=false -trimpath -race=false -cover=false -tags=)
export GOWORK=off CGO_ENABLED=0
unset CDPATH # with it, cd prints to standard output

tmp=   # the temporary folder of this process, when it has one
child= # the process group that compiles, while it runs

say() { printf 'controlplane: %s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

usage() {
  cat >&2 <<'USAGE'
usage: build.sh [--kwok] [--cert-manager]

Prints the folder with etcd, kube-apiserver, kube-controller-manager,
kube-scheduler and kubectl, and builds them first if needed.

  --kwok           also kwok and kwok-stages.yaml
  --cert-manager   also cert-manager's controllers and cert-manager-crds.yaml

KUBEBUILDER_ASSETS   use the binaries of this folder instead of building them
BEHALF_CACHE         where built binaries are kept; without it, behalf below
                     XDG_CACHE_HOME or ~/.cache
USAGE
}

# missing FOLDER NAME... prints those names that are no executable in FOLDER.
missing() {
  local folder=$1 name
  shift
  for name in "$@"; do
    [[ -f $folder/$name && -x $folder/$name ]] || printf ' %s' "$name"
  done
}

has_control_plane() { [[ -z $(missing "$1" "${programs[@]}") ]]; }

# file_of EXTRA is what belongs to a program that is not built unless asked for.
file_of() {
  case $1 in
  kwok) printf kwok-stages.yaml ;;
  cert-manager) printf cert-manager-crds.yaml ;;
  esac
}

# lacking_extras FOLDER prints those that are wanted and not there.
lacking_extras() {
  local extra
  for extra in $wanted; do
    [[ -x $1/$extra && -s $1/$(file_of "$extra") ]] || printf ' %s' "$extra"
  done
}

is_complete() { has_control_plane "$1" && [[ -z $(lacking_extras "$1") ]]; }

# use_given_folder prints KUBEBUILDER_ASSETS and exits, if it has what is needed.
use_given_folder() {
  local lacking extra
  lacking=$(missing "$KUBEBUILDER_ASSETS" "${needed_of_given_folder[@]}")
  if [[ -n $lacking ]]; then
    say "KUBEBUILDER_ASSETS ($KUBEBUILDER_ASSETS) is not used: no executable there called:$lacking"
    return
  fi
  for extra in $(lacking_extras "$KUBEBUILDER_ASSETS"); do
    say "KUBEBUILDER_ASSETS ($KUBEBUILDER_ASSETS) is used, but has no $extra with its $(file_of "$extra")"
  done
  (cd "$KUBEBUILDER_ASSETS" && pwd)
  exit 0
}

required_version() { awk -v module="$1" '$1 == module { print $2; exit }' go.mod; }

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi
}

fingerprint() {
  { printf '%s\n' "$go_version" && cat {,certmanager/}{go.mod,go.sum,main.go} kwok/go.mod kwok/go.sum build.sh; } |
    sha256 | cut -c1-12
}

elapsed() { printf '%dm%02ds' $((($1) / 60)) $((($1) % 60)); }

# The lock is the open file 9, which nothing started from here inherits: it ends
# with this process, however that ends. Whoever holds it is the only builder, so
# every temporary folder found then is a leftover.
try_lock() {
  if command -v flock >/dev/null; then
    flock -n 9
  else
    perl -MFcntl=:flock -e 'open(my $f, ">&=", 9) or die $!; exit(flock($f, LOCK_EX | LOCK_NB) ? 0 : 1)'
  fi
}

wait_for_lock() {
  local start=$SECONDS beat=$SECONDS
  try_lock && return
  say "another build is at work in $cache; waiting for it to end"
  until try_lock; do
    sleep 0.5 9>&-
    if ((SECONDS - beat >= heartbeat_seconds)); then
      beat=$SECONDS
      say "still waiting for the other build ($(elapsed $((SECONDS - start))))"
    fi
  done
}

# stop_orphan FOLDER ends the compiler that a killed build.sh left running. Its
# process number may be another's by now; FOLDER in its command line is its own.
stop_orphan() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 0
  [[ -n $pid && $(ps -o args= -p "$pid" 2>/dev/null) == *"$1"* ]] || return 0
  say "stopping what an interrupted build left running (process $pid)"
  kill -KILL -- "-$pid" 2>/dev/null || true
}

remove_folder() { rm -rf "$1" 2>/dev/null || { sleep 1 9>&- && rm -rf "$1"; }; }

remove_leftovers() {
  local folder
  for folder in "$cache"/.tmp-*; do
    [[ -d $folder ]] || continue
    stop_orphan "$folder"
    say "removing what an interrupted build left: $folder"
    remove_folder "$folder"
  done
}

# shellcheck disable=SC2317 # a trap calls it
clean_up() {
  trap '' INT TERM HUP
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  [[ -z $tmp ]] || remove_folder "$tmp"
}

# with_progress WHAT COMMAND... runs COMMAND, whose standard error lists what it
# has done, a line each, and says every few seconds how far it is.
with_progress() {
  local what=$1 start=$SECONDS beat=$SECONDS status=0
  shift
  : >"$tmp/log"
  set -m # a process group of its own, so that all of it can be stopped
  "$@" </dev/null >"$tmp/stdout" 2>"$tmp/log" 9>&- &
  child=$!
  set +m
  echo "$child" >"$tmp/pid"
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.5 9>&-
    if ((SECONDS - beat >= heartbeat_seconds)); then
      beat=$SECONDS
      say "$what: $(elapsed $((SECONDS - start))), $(grep -c . "$tmp/log")${expected:+ of at most $expected} $unit"
    fi
  done
  wait "$child" || status=$?
  child=
  rm -f "$tmp/pid"
  return "$status"
}

# fetch_and_count MODULE_FOLDER PACKAGE fetches the modules that PACKAGE needs and
# sets expected to its number of packages.
fetch_and_count() {
  expected='' unit='modules fetched'
  if ! with_progress 'fetching modules' go -C "$1" list "${go_flags[@]}" -deps "$2"; then
    tail -n 20 "$tmp/log" >&2
    die "the Go modules to build from could not be fetched (see above; GOPROXY is $(go env GOPROXY)).
  Any one of these helps:
  - make a Go module proxy reachable, and name it in GOPROXY
  - fill the module cache where one is reachable (go -C hack/controlplane mod download, and the same
    for the folders in it), and bring that folder here as GOMODCACHE
  - set KUBEBUILDER_ASSETS to a folder that has: ${needed_of_given_folder[*]}"
  fi
  expected=$(grep -c . "$tmp/stdout")
}

# compile MODULE_FOLDER PACKAGE OUTPUT LDFLAGS
compile() {
  local start=$SECONDS name=${3##*/}
  fetch_and_count "$1" "$2"
  unit='packages compiled'
  say "compiling $name, $expected packages; those compiled before come from Go's build cache"
  if ! with_progress "compiling $name" \
    go -C "$1" build "${go_flags[@]}" -v -ldflags "$4" -o "$3" "$2"; then
    tail -n 40 "$tmp/log" >&2
    die "compiling $name failed; the last of what it printed is above"
  fi
  say "compiled $name in $(elapsed $((SECONDS - start)))"
}

# The version goes into what the programs report and into client-go's user agent.
version_flags() {
  local package flags='-s -w' major minor
  IFS=. read -r major minor _ <<<"${version#v}"
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
    flags+=" -X $package.gitCommit= -X $package.gitTreeState=archive"
  done
  printf '%s' "$flags"
}

# A program that cannot say its version must not be kept.
check_runs() {
  local program=$1
  shift
  "$program" "$@" >"$tmp/log" 2>&1 9>&- ||
    die "${program##*/} was built but does not run: $(tail -n 5 "$tmp/log")"
}

build_control_plane() {
  local out=$tmp/out name
  say "building the Kubernetes $version control plane: 5 to 10 minutes on two cores the first time, kept afterwards"
  mkdir "$out"
  compile . . "$out/controlplane" "$(version_flags)"
  for name in "${programs[@]}"; do
    ln -s controlplane "$out/$name"
    case $name in
    kubectl) check_runs "$out/$name" version --client ;;
    *) check_runs "$out/$name" --version ;;
    esac
  done
  [[ ! -e $dest ]] || remove_folder "$dest" # someone took files out of it
  mv "$out" "$dest"
}

write_stages() {
  local module file
  module=$(go -C kwok list "${go_flags[@]}" -m -f '{{.Dir}}' sigs.k8s.io/kwok)
  for file in "$module"/kustomize/stage/{node/fast,node/heartbeat,pod/fast}/*.yaml; do
    [[ ${file##*/} == kustomization.yaml ]] && continue
    printf -- '---\n'
    cat "$file"
  done
}

write_crds() {
  local module file
  module=$(go -C certmanager list "${go_flags[@]}" -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)
  for file in "$module"/deploy/crds/*.yaml; do
    printf -- '---\n'
    cat "$file"
  done
}

# build_extra NAME. The program goes in last: with half of it there, it is lacking.
build_extra() {
  local file
  file=$(file_of "$1")
  case $1 in
  kwok)
    compile kwok sigs.k8s.io/kwok/cmd/kwok "$tmp/$1" '-s -w'
    write_stages >"$tmp/$file"
    ;;
  cert-manager)
    compile certmanager . "$tmp/$1" '-s -w'
    write_crds >"$tmp/$file"
    ;;
  esac
  check_runs "$tmp/$1" --version
  mv -f "$tmp/$file" "$dest/$file"
  mv -f "$tmp/$1" "$dest/$1"
}

# parse_arguments sets wanted, the names of what is built only if asked for.
parse_arguments() {
  wanted=
  while (($#)); do
    case $1 in
    --kwok | --cert-manager) wanted+=" ${1#--}" ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage
      die "unknown argument: $1"
      ;;
    esac
    shift
  done
}

# locate sets cache, version and dest, and enters the folder of this script.
locate() {
  command -v go >/dev/null || die 'no go on PATH: install Go 1.26, or set KUBEBUILDER_ASSETS to a folder with the binaries'
  cache=${BEHALF_CACHE:-${XDG_CACHE_HOME:-${HOME:?'is not set; set BEHALF_CACHE'}/.cache}/behalf}/controlplane
  mkdir -p "$cache"
  cache=$(cd "$cache" && pwd)
  cd "$(dirname "${BASH_SOURCE[0]}")"

  # The binaries run here, so they are built for here, whatever GOOS says.
  { read -r go_version && read -r GOOS && read -r GOARCH; } < <(go env GOVERSION GOHOSTOS GOHOSTARCH) ||
    die 'go env failed; the Go that this needs is named in hack/controlplane/go.mod'
  export GOOS GOARCH
  version=$(required_version k8s.io/kubernetes)
  dest=$cache/$version-$GOOS-$GOARCH-$(fingerprint)
}

# The programs in dest are complete; if a killed build left something, and nobody
# builds now, it goes.
tidy() {
  local leftovers=("$cache"/.tmp-*)
  [[ -d ${leftovers[0]} && -w $cache ]] || return 0
  exec 9>"$cache/.lock"
  if try_lock; then remove_leftovers; fi
}

build_what_is_missing() {
  local extra
  exec 9>"$cache/.lock"
  wait_for_lock
  if is_complete "$dest"; then return; fi # the other build made it
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  remove_leftovers
  tmp=$cache/.tmp-$$
  mkdir -p "$tmp/go"
  export GOTMPDIR=$tmp/go # so that an interrupted compiler leaves nothing elsewhere
  if ! has_control_plane "$dest"; then build_control_plane; fi
  for extra in $(lacking_extras "$dest"); do build_extra "$extra"; done
  say "ready after $(elapsed "$SECONDS"): $dest"
}

# A function, so that all of this file is read before any of it runs: a build
# takes minutes, and somebody may edit or check out this file meanwhile.
main() {
  parse_arguments "$@"
  [[ -z ${KUBEBUILDER_ASSETS:-} ]] || use_given_folder
  locate
  if is_complete "$dest"; then tidy; else build_what_is_missing; fi
  echo "$dest"
}

main "$@"
exit
