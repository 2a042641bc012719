#!/bin/sh
# SPDX-License-Identifier: MIT
# Publishing to a double of GitHub that fails on command: whole in the end, or refused.
set -eu
cd "${SOURCE_DIR:?}/tests"
if ! command -v node >/dev/null || [ ! -d node_modules ]; then
  echo "# SKIPPED: node or tests/node_modules is missing; ./check installs both"
  echo "1..1"
  echo "ok 1 - github_publish # SKIP no node packages"
  exit 0
fi
exec node --test-reporter=tap system/github_publish.test.mjs
