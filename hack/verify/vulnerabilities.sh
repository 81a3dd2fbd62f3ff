#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# Fails if our code calls something that the Go vulnerability database knows to be
# vulnerable. Where the database cannot be reached it says so and succeeds; another
# copy of it can be named with GOVULNDB. Modules of their own, which are hack/controlplane,
# test/bench and test/monitoring, are not looked at: nothing that anybody installs is made of them.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

govulncheck=$(hack/tools/install.sh govulncheck)
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# scan ARGUMENT... leaves what govulncheck says in $log and returns its status:
# 0 for none, 3 for vulnerabilities, 1 for an error of its own.
scan() { "$govulncheck" -db "${GOVULNDB:-https://vuln.go.dev}" "$@" >"$log" 2>&1; }

# Asking about imported packages is quick; only where one of them is known does it
# matter whether our code calls what is wrong with it.
status=0
scan -scan package ./... || status=$?
if ((status == 1)) && grep -q 'fetching vulnerabilities' "$log"; then
  printf 'vulnerabilities: NOT CHECKED, the database cannot be reached:\n%s\n' "$(tail -n 3 "$log")"
  exit 0
fi
if ((status == 3)); then
  status=0
  scan ./... || status=$?
fi
case $status in
0) echo 'vulnerabilities: none known in what our code calls' ;;
3)
  cat "$log"
  echo 'vulnerabilities: update what is named above; for the standard library, that is Go itself'
  exit 1
  ;;
*)
  cat "$log"
  echo 'vulnerabilities: govulncheck failed'
  exit 1
  ;;
esac
