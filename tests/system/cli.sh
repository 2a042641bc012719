#!/bin/sh
# SPDX-License-Identifier: MIT
# The command line as a user meets it: help, versions, exit statuses, suggestions, JSON, colours.
set -u
. "$(dirname "$0")/../support/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
d=$DISTRIBUTOR

run() { # leaves $out, $err and $status
  status=0
  "$d" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
  out=$(cat "$work/out")
  err=$(cat "$work/err")
}

run --help
tap_is "--help succeeds" "$status" 0
tap_has "--help explains the exit status" "$out" "Exit status: 0 done"
commands=$(printf '%s\n' "$out" | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in $commands; do
  run "$command" --help
  tap_is "$command --help succeeds" "$status" 0
  tap_has "$command --help shows its usage" "$out" "usage: distributor $command "
  long=$(printf '%s\n' "$out" | awk 'length($0) > 80' | head -n 1)
  tap_is "$command --help fits 80 columns" "$long" ""
  run "$command" --no-such-option
  tap_is "$command refuses an unknown option" "$status" 2
done

# For workflows and tests: explained in docs/maintainers.md, and nowhere in the help.
while read -r command option value; do
  tap_lacks "$command --help does not list $option" "$("$d" "$command" --help)" "$option"
  tap_has "docs/maintainers.md explains $command $option" "$(cat "$SOURCE_DIR/docs/maintainers.md")" "\`$command $option"
  run "$command" "$option" $value --no-such-option
  tap_has "$command takes $option" "$err" "$command: unknown option '--no-such-option'"
done <<X
publish --adopt
publish --notes file
publish --pace 1
release --pace 1
push --hold-moving
push --connections 1
tag --sums
X

# What the examples show works in a fresh clone: a matrix that they use has its lock, or they make it.
examples() { # of a command
  "$d" "$1" --help | sed -n 's/^  \(.*distributor '"$1"'\b.*\)$/\1/p'
}
mkdir "$work/clone" "$work/home"
cp -r "$SOURCE_DIR/matrix" "$SOURCE_DIR/keys" "$work/clone" 2>/dev/null
bad=
for command in fetch images tarballs sign tag publish release test; do
  [ -n "$(examples $command)" ] || bad="$bad $command: no example;"
  bad=$bad$(examples $command | while read -r line; do
    matrix=$(printf '%s\n' "$line" | sed -n 's/.*--matrix \([^ ]*\).*/\1/p')
    case $line in
    *"distributor lock &&"* | *--image*) ;;
    *) [ -n "$matrix" ] && [ -f "$SOURCE_DIR/${matrix%.json}.lock.json" ] || echo " $line;" ;;
    esac
  done)
done
tap_is "each example of a command that needs a lock has one" "$bad" ""
bad=
for command in fetch tarballs images sign tag plan; do
  [ "$(examples $command | grep -c "^distributor $command ")" -gt 0 ] || bad="$bad $command;"
  bad=$bad$(examples $command | sed -n "s/^distributor //; s/ *[0-9]*[#|<>].*//p; t; p" | while read -r line; do
    case $command in fetch | images) line="$line --offline" ;; esac
    (cd "$work/clone" && HOME=$work/home sh -c "\"$d\" $line --quiet" </dev/null >/dev/null 2>"$work/err")
    status=$?
    { [ $status = 2 ] || grep -q "^error: .*lock '.*' not found" "$work/err"; } && echo " $line: $(cat "$work/err");"
  done)
done
tap_is "and is a command line that is understood" "$bad" ""

run help plan
tap_has "help COMMAND is --help" "$out" "usage: distributor plan "

run --version
tap_has "--version names the program" "$out" "distributor 0."
tap_has "--version names its libraries" "$out" "libdeflate"

run
tap_is "no command is a usage error" "$status" 2
tap_has "no command points to the help" "$err" "distributor --help"
run plam
tap_is "an unknown command is a usage error" "$status" 2
tap_has "an unknown command is corrected" "$err" "did you mean 'plan'?"
run plan --formta json
tap_has "an unknown option is corrected" "$err" "did you mean '--format'?"
run plan --formta=json
tap_has "an unknown option with a value is corrected" "$err" "unknown option '--formta'; did you mean '--format'?"
run plan -qx
tap_is "an unknown letter is a usage error" "$status" 2
tap_has "an unknown letter among others is named" "$err" "plan: unknown option '-x'"
run plan --quiet=yes
tap_has "a value of an option that takes none is told" "$err" "plan: option '--quiet' takes no argument"
run plan --qui=yes
tap_has "the same of a shortened option" "$err" "plan: option '--quiet' takes no argument"
run release --ta x
tap_has "a shortened option that is none alone is told" "$err" "release: option '--ta' is ambiguous: '--target' or '--tagger'"
run lock --out x
tap_is "another command's option is a usage error" "$status" 2
tap_is "another command's option is not mistaken for one of this" "$err" "error: lock: unknown option '--out'"
run --json plan
tap_is "an option before the command is a usage error" "$status" 2
tap_has "an option before the command: what is missing" "$err" "expected a command before '--json'"
run kye keys/release.pub
tap_has "two letters that are exchanged are one mistake" "$err" "did you mean 'key'?"
run plan extra
tap_is "an operand too many is a usage error" "$status" 2
tap_has "an operand too many is named" "$err" "plan: unexpected argument 'extra'"
run tag one two
tap_has "the second of one operand is named" "$err" "tag: unexpected argument 'two'"
run reproduce
tap_is "a missing operand is a usage error" "$status" 2
tap_has "a missing operand is named" "$err" "reproduce: missing TAG|DIR|URL"
run plan --format
tap_has "a missing argument is named" "$err" "'--format' requires an argument"
run plan --matrix "$work/none.json"
tap_is "a missing matrix ends with 3" "$status" 3
tap_has "a missing matrix is named" "$err" "none.json"
tap_has "a missing matrix: what to do" "$err" "use --matrix"
m=$SOURCE_DIR/matrix/debian.json
run fetch --matrix "$m" --lock "$work/no lock.json"
tap_is "a missing lock ends with 3" "$status" 3
tap_has "a missing lock: what makes it, with the options of this run" "$err" \
  "run 'distributor lock --matrix $m --lock '$work/no lock.json'' to create it"
run plan --matrix "$SOURCE_DIR/matrix/debian.lock.json"
tap_is "a lock in place of the matrix ends with 3" "$status" 3
tap_has "a lock in place of the matrix is told" "$err" "debian.lock.json' is a lock, not a matrix"
run fetch --matrix "$m" --lock "$m"
tap_is "a matrix in place of the lock ends with 3" "$status" 3
tap_has "a matrix in place of the lock is told" "$err" "debian.json' is a matrix, not a lock"
run key --key "$work/none.pem"
tap_is "a missing key file ends with 3" "$status" 3
echo "No key." >"$work/README"
chmod 644 "$work/README"
run key --key "$work/README"
tap_is "another file in place of a key ends with 3" "$status" 3
tap_has "another file in place of a key is told" "$err" "README' is not a secret key file"
run verify --keys "$work/none" "$m"
tap_is "missing public keys end with 3" "$status" 3

echo '{"name": "q", "tragets": []}' >"$work/bad.json"
run plan --matrix "$work/bad.json"
tap_is "a bad matrix ends with 3" "$status" 3
tap_has "a bad matrix is placed" "$err" "bad.json:1:15: tragets: unknown key; did you mean \"targets\"?"
tap_is "an error leaves standard output empty" "$out" ""

run plan --matrix "$m" --json --lock "$work/none"
tap_ok "plan --json is JSON with all cells" python3 - "$work/out" <<'X'
import json, sys
plan = json.load(open(sys.argv[1]))
made = sum(cell["tarball"] for cell in plan["cells"])
sys.exit(0 if made == plan["assets"]["tarballs"] == 216 else 1)
X
run plan --matrix "$m" --format github --lock "$work/none"
tap_is "plan --format github is one line" "$(printf '%s\n' "$out" | wc -l)" 1
tap_has "plan --format github has a job per host" "$out" '"host":"s390x"'
run plan --matrix "$m" --format github --host aarch64 --lock "$work/none"
tap_is "plan --format github --host has one job" "$(printf '%s' "$out" | grep -o '"host"' | wc -l)" 1
run plan --matrix "$m" --format github --host arm64
tap_is "plan refuses an unknown --host" "$status" 2
tap_has "plan corrects an unknown --host" "$err" "did you mean 'aarch64'?"
run plan --matrix "$m" --host aarch64 --host s390x --quiet
tap_has "plan --host has these hosts alone, and --quiet leaves the plan" "$out" "
target        aarch64  s390x
"
run plan --matrix "$m" --host s390x --json
tap_ok "plan --host --json as well" python3 - "$work/out" <<'X'
import json, sys
plan = json.load(open(sys.argv[1]))
sys.exit(0 if {cell["from"] for cell in plan["cells"]} == {"s390x"} and plan["assets"]["tarballs"] == 33 else 1)
X
run plan --matrix "$m" --diff --host s390x --lock "$work/none"
tap_is "plan --diff --host has one new host" "$(printf '%s\n' "$out" | grep -c 'host added')" 1
sed 's/"10.0.13-1"/"10.0-1"/' "$m" >"$work/open.json"
sed 's/"10.0.13-1"/"10.0-1"/' "${m%.json}.lock.json" >"$work/open.lock.json"
run plan --matrix "$work/open.json" --diff
tap_is "plan --diff takes an open patch level as lock does" "$out" "the lock matches the matrix"
run plan --matrix "$m" --format markdown --lock "$work/none"
tap_has "plan --format markdown is a table" "$out" "| target       | aarch64 |"
run plan --matrix "$m" --format markdown
tap_is "docs/hosts.md has the table that the plan prints" \
  "$(sed -n '/^| host  /,/^[0-9]* images/p' "$SOURCE_DIR/docs/hosts.md")" \
  "$(printf '%s\n' "$out" | sed -n '/^| host/,$p')"
run --help
tap_is "README.md has the commands that --help lists" \
  "$(sed -n '/^    plan /,/^$/{/^$/!s/^  //p;}' "$SOURCE_DIR/README.md")" \
  "$(printf '%s\n' "$out" | sed -n '/^  plan /,/^$/{/^$/!p;}')"
run plan --matrix "$m" --diff --lock "$work/none"
tap_has "plan --diff shows a new host" "$out" "host added: riscv64 from trixie"
run plan --matrix "$m" --format xml --lock "$work/none"
tap_is "an unknown format is a usage error" "$status" 2
run plan --matrix "$m" --diff --format xml --lock "$work/none"
tap_is "with --diff as well" "$status" 2
run plan --matrix "$m" --json --format github --lock "$work/none"
tap_is "two formats are a usage error" "$status" 2
run plan --matrix "$m" --diff --format markdown --lock "$work/none"
tap_is "a format that --diff has not is a usage error" "$status" 2
run plan --matrix "$m" --diff --format json --lock "$work/none"
tap_ok "plan --diff --format json is JSON" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out"

if [ -w /dev/full ]; then
  status=0
  "$d" --help >/dev/full 2>"$work/err" || status=$?
  tap_is "a full disk behind standard output is no success" "$status" 1
else
  tap_skip "a full disk behind standard output is no success" "no /dev/full here"
fi
esc=$(printf '\033')
colours() { script -qec "env TERM=xterm $1 '$d' plam" /dev/null </dev/null | grep -c "$esc" || :; }
if command -v script >/dev/null; then
  tap_is "an error on a terminal has a colour" "$(colours TERM=xterm)" 1
  tap_is "NO_COLOR takes it away" "$(colours NO_COLOR=1)" 0
else
  tap_skip "an error on a terminal has a colour" "the program 'script' is not here"
fi
tap_done
