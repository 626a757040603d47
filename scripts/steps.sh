# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The steps of ./check: each is a command that runs quietly, is counted, and is told in one line. A
# step that passed counts again without running when nothing that it depends on changed.
#
# For bash to source, in the project's folder, with these set: logs and steps, folders for the
# output and for what passed; shown_lines_max, how much is shown of what failed. Read afterwards:
# passed, failed, passed_before.

mkdir -p "$logs" "$steps"

passed=0
failed=0
passed_before=0
inputs=()

# on FILE...: what the next step depends on, files and folders. Without it, the step always runs. Of
# a build's folder, what is linked counts; this script and what lies in scripts/ and directly in
# tests/ always does.
on() { inputs=("$@"); }

# What all steps depend on: the machine.
machine=$(uname -srm; dpkg-query --show 2>/dev/null; scripts/go.sh; scripts/clang.sh)

# key_of COMMAND...: changes when the step or one of its inputs does.
key_of() {
  {
    echo "$machine $*"
    {
      find "${inputs[@]}" check scripts -type f -print0 2>/dev/null
      find tests -maxdepth 1 -type f -print0
    } |
      grep -zvE '\.p/|/meson-(info|logs|private|uninstalled)/|/__pycache__/|/\.lock$' |
      grep -zvE '\.(o|a|d)$|/\.?(build\.ninja|ninja_log|ninja_deps|compile_commands\.json)$' |
      sort -zu | xargs -0 sha256sum 2>&1
  } | sha256sum
}

# counted NAME COMMAND...: the command's last line says `N passed, N failed`.
counted() {
  local name=$1 log=$logs/${1// /-}.log kept=$steps/${1// /-} start=$SECONDS key='' summary
  shift
  printf '%-28s ' "$name"
  ((${#inputs[@]} == 0)) || key=$(key_of "$@")
  inputs=()
  if [[ -n $key && -e $kept && $(head -n 1 "$kept") == "$key" ]]; then
    summary=$(tail -n 1 "$kept")
    passed_before=$((passed_before + summary))
    report "$summary" 0 "$log" "as before"
    return
  fi
  "$@" </dev/null >"$log" 2>&1
  summary=$(tail -n 1 "$log")
  if [[ $summary =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] &&
    ((BASH_REMATCH[1] + BASH_REMATCH[2] > 0)); then
    [[ -z $key || ${BASH_REMATCH[2]} != 0 ]] ||
      printf '%s\n' "$key" "${BASH_REMATCH[1]}" >"$kept"
    report "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "$log" "$((SECONDS - start)) s"
  else
    report 0 1 "$log" "$((SECONDS - start)) s"
  fi
}

# single NAME COMMAND...: one check, held when the command ends with 0.
single() {
  local name=$1 log=$logs/${1// /-}.log start=$SECONDS
  shift
  printf '%-28s ' "$name"
  if "$@" </dev/null >"$log" 2>&1; then
    report 1 0 "$log" "$((SECONDS - start)) s"
  else
    report 0 1 "$log" "$((SECONDS - start)) s"
    return 1
  fi
}

report() {
  local good=$1 bad=$2 log=$3 how=$4
  passed=$((passed + good))
  failed=$((failed + bad))
  printf '%4d passed, %d failed (%s)\n' "$good" "$bad" "$how"
  ((bad == 0)) && return
  grep -v '^ok    ' "$log" | tail -n "$shown_lines_max" | sed 's/^/    /'
  echo "    (whole log: $log)"
}
