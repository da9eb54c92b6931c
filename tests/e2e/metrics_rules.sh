#!/bin/bash
# What /metrics says of a node on which all there can be is, the alert rules and the dashboard:
# promtool accepts them, each rule fires when it should and not otherwise, and a real Prometheus
# answers every query of theirs.
set -euo pipefail
build=${TR_BUILD_DIR:?run by ctest}
source=${TR_SOURCE_DIR:?run by ctest}
for tool in promtool prometheus python3; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
work=$(mktemp -d /tmp/telerec-e2e.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

fail() { echo "FAILED: $*" >&2; exit 1; }

"$build/telerec-metrics-sample" >"$work/metrics"
words=$(promtool check metrics <"$work/metrics" 2>&1) || fail "promtool check metrics: $words"
[ -z "$words" ] || fail "promtool check metrics: $words"
promtool check rules "$source/conf/prometheus/telerec.rules.yml"
promtool test rules "$source/tests/e2e/metrics_rules.yml"
for alert in $(sed -n 's/^ *- alert: //p' "$source/conf/prometheus/telerec.rules.yml"); do
	grep -qF "alertname=\"$alert\"" "$source/tests/e2e/metrics_rules.yml" ||
		fail "no test fires $alert"
done
timeout -k 30 300 python3 -B "$source/tests/e2e/metrics_queries.py" --text "$work/metrics"
