#!/usr/bin/env bash
# Copyright 2026 The Behalf Authors.
# SPDX-License-Identifier: Apache-2.0

# usage: hack/verify/files.sh [PATHSPEC...]
#
# Prints the files of the repository, each ended by a zero byte: those that a
# commit would hold, without those that are deleted or ignored.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files -z --cached --others --exclude-standard -- "$@" |
  while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || printf '%s\0' "$file"
  done
