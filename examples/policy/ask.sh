#!/bin/sh
# For `reconciler watch --on-change examples/policy/ask.sh`: tells Slack, then asks the rules; they decide.
set -eu
here=$(dirname "$0")
plan=$(mktemp)
trap 'rm -f "$plan"' EXIT
cat > "$plan"
python3 "$here/notify.py" slack < "$plan"
conftest test --policy "$here/rules" --data "$here/office.yaml" --parser json - < "$plan" >&2
