#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The published JSON schema, judged by an independent validator, agrees with the matrix reader."""
import glob
import json
import os
import subprocess
import sys

from tap import done, that

try:
    import jsonschema
except ImportError:
    print("# SKIPPED: python3-jsonschema is not installed")
    print("1..1\nok 1 - schema # SKIP no jsonschema")
    sys.exit(0)

source = os.environ["SOURCE_DIR"]
schema = json.load(open(f"{source}/matrix/matrix.schema.json"))
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
# What only the reader can see: places in the text, references, duplicates and exclusions across objects.
only_reader = {"unused_source", "unknown_source", "two_legacy_hosts", "exclude_unknown_host",
               "exclude_tarballs", "duplicate_key", "syntax", "target_twice"}


for path in sorted(glob.glob(f"{source}/matrix/*.json")):
    if path.endswith((".schema.json", ".lock.json")):
        continue
    errors = [e.message for e in validator.iter_errors(json.load(open(path)))]
    that(not errors, f"{os.path.basename(path)} follows the schema")
    run = subprocess.run([os.environ["DISTRIBUTOR"], "plan", "--matrix", path],
                         capture_output=True, text=True, check=False)
    that(run.returncode == 0, f"{os.path.basename(path)} is read", run.stderr)
for path in sorted(glob.glob(f"{source}/tests/data/matrix/*/input.json")):
    name = os.path.basename(os.path.dirname(path))
    if name in only_reader:
        continue
    that(not validator.is_valid(json.load(open(path))), f"the schema refuses {name}")
done()
