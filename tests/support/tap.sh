# SPDX-License-Identifier: MIT
# Sourced by the integration scripts: TAP for shell.
#   tap_ok NAME COMMAND...        passes when COMMAND succeeds
#   tap_is NAME GOT WANTED        passes when the two texts are equal
#   tap_has NAME TEXT PART        passes when TEXT contains PART
#   tap_lacks NAME TEXT PART      passes when TEXT does not contain PART
#   tap_skip NAME REASON          a case that cannot be run here
#   tap_done                      prints the plan and sets the exit status
tap_count=0
tap_failed=0

tap_result() { # STATUS NAME
  tap_count=$((tap_count + 1))
  if [ "$1" = 0 ]; then
    echo "ok $tap_count - $2"
  else
    tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $2"
  fi
}

tap_ok() {
  tap_name=$1
  shift
  if "$@"; then tap_result 0 "$tap_name"; else tap_result 1 "$tap_name"; fi
}

tap_is() {
  if [ "$2" = "$3" ]; then
    tap_result 0 "$1"
  else
    tap_result 1 "$1"
    printf '%s\n' "$2" | sed 's/^/# got:    /'
    printf '%s\n' "$3" | sed 's/^/# wanted: /'
  fi
}

tap_has() {
  case $2 in
    *"$3"*) tap_result 0 "$1" ;;
    *)
      tap_result 1 "$1"
      printf '%s\n' "$2" | sed 's/^/# got:    /'
      printf '%s\n' "$3" | sed 's/^/# lacks:  /' ;;
  esac
}

tap_lacks() {
  case $2 in
    *"$3"*)
      tap_result 1 "$1"
      printf '%s\n' "$2" | sed 's/^/# got:    /'
      printf '%s\n' "$3" | sed 's/^/# unwanted: /' ;;
    *) tap_result 0 "$1" ;;
  esac
}

tap_skip() {
  tap_count=$((tap_count + 1))
  echo "# SKIPPED: $2"
  echo "ok $tap_count - $1 # SKIP $2"
}

tap_done() {
  echo "1..$tap_count"
  [ "$tap_failed" = 0 ]
}
