#!/usr/bin/env bash
# Runs two builds of mailgauge (or one build against two targets) in turns, base new new base, and compares them:
#
#   scripts/regression.sh [-n RUNS] [-o DIR] BASE_COMMAND NEW_COMMAND [-- REGRESS OPTIONS]
#   scripts/regression.sh 'old/mailgauge run quick' 'new/mailgauge run quick'
#   scripts/regression.sh 'mailgauge run quick --target dovecot' 'mailgauge run quick --target dovecot:mdbox'
#
# Each command is run RUNS times (7: with 3 % between runs the fewest that find 10 % in over 95 of 100 cases) with `--quiet --out
# DIR/base/N` or `DIR/new/N` added. The two must carry out the same plan. Taking turns keeps a drift of the machine
# from looking like a change. Exits as `mailgauge regress` does: 4 on a regression. MAILGAUGE names the program that compares.
set -euo pipefail

runs=7
out=
while getopts n:o: option; do
    case $option in
        n) runs=$OPTARG ;;
        o) out=$OPTARG ;;
        *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -lt 2 ]; then
    sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
read -ra base <<<"$1"
read -ra new <<<"$2"
shift 2
if [ "${1-}" = -- ]; then shift; fi
out=${out:-results/regression-$(date -u +%Y%m%dT%H%M%SZ)}
mkdir -p "$out/base" "$out/new"

# A run that is no result (5) or fails a gate (3) leaves a directory all the same; regress looks at it.
one() {
    local side=$1 number=$2 code=0
    shift 2
    echo "$side $number" >&2
    "$@" --quiet --out "$out/$side/$number" || code=$?
    case $code in
        0 | 3 | 5) ;;
        *) echo "regression.sh: \`$*\` ended with $code" >&2; exit "$code" ;;
    esac
}

for ((number = 1; number <= runs; number++)); do
    if ((number % 2)); then
        one base "$number" "${base[@]}"
        one new "$number" "${new[@]}"
    else
        one new "$number" "${new[@]}"
        one base "$number" "${base[@]}"
    fi
done
exec "${MAILGAUGE:-${new[0]}}" regress "$out/base" "$out/new" "$@"
