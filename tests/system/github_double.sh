#!/bin/sh
# SPDX-License-Identifier: MIT
# The double of GitHub Releases that other tests publish to, judged by GitHub's own description, client
# library and recorded answers.
set -eu
cd "${SOURCE_DIR:?}/tests"
if ! command -v node >/dev/null || [ ! -d node_modules ]; then
  echo "# SKIPPED: node or tests/node_modules is missing; ./check installs both"
  echo "1..1"
  echo "ok 1 - github_double # SKIP no node packages"
  exit 0
fi
exec node --test-reporter=tap system/github_double.test.mjs
