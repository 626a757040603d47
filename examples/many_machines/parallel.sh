#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A search in parts, by GNU parallel:
#
#     parallel.sh PARTS FOLDER [options of weft test] guest.wasm
#
# FOLDER keeps a verdict for each part. Started again, it runs only the parts that have none: those
# that were killed. The merged verdict is that of one process, and its exit code too.
set -uo pipefail
parts=$1 folder=$2
shift 2
export WEFT=${WEFT:-weft} PARALLEL_SHELL=$BASH
mkdir -p "$folder"

part() {
  local number=$1 parts=$2 folder=$3
  shift 3
  [[ -e $folder/$number.json ]] && return
  # 1 is a part in which a schedule fails: a result like any other.
  "$WEFT" test --shard "$number/$parts" --json "$folder/$number.json" \
    --replay "$folder/$number.replay" "$@" >"$folder/$number.log" 2>&1 || (($? == 1))
}
export -f part
# One word for parallel, which has a ":::" of its own.
printf -v words '%q ' "$parts" "$folder" "$@"
seq "$parts" | parallel --will-cite -I %PART% "part %PART% $words" || exit
"$WEFT" test --merge "$folder"/*.json
