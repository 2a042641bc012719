#!/bin/sh
# SPDX-License-Identifier: MIT
# Calls that only one file may make, because that file looks at what the others would forget; and
# what a folder has to do without.
set -u
. "$(dirname "$0")/../support/tap.sh"
cd "${SOURCE_DIR:?}"

only_in() { # REGEX REASON FILE...
  regex=$1 reason=$2
  shift 2
  found=$(grep -rnE --include='*.[ch]' "$regex" base distributor images matrix model net pack publish register sign sources)
  for file in "$@"; do
    grep -qE "$regex" "$file" || found="$found
$file makes no such call: the rule is out of date"
    found=$(printf '%s\n' "$found" | grep -v "^$file:")
  done
  tap_is "$reason" "$found" ""
}

only_in '\breaddir(_r|64)?\(' "a directory is read to its end or not at all (base/directory.h)" base/directory.c
only_in '\bjson_(object_set|array_append|array_insert)(_new)?(_nocheck)?\(|\bjson_string(n|_nocheck)?\(' \
  "no element of a document is dropped in silence (jsonx_set, jsonx_append, jsonx_text)" base/jsonx_pack.c sign/check/minisig.c
only_in '\bjson_v?pack(_ex)?\(' "nor a whole object (jsonx_pack)" publish/github/github_draft.c
only_in '\babort\(' "the program does not end without a word (out_of_memory)" base/alloc.c
only_in '\b(sscanf|ato(i|l|ll|f)|strto(u?ll?|u?max|d|f|ld))\(' \
  "numbers from outside are read by parse_uint() (base/number.h)"
only_in '\bnanosleep\(' "a wait ends when a signal comes (interrupt_pause)" base/interrupt.c
only_in '\bF_OK\b' "what cannot be looked at is not missing (path_exists)"
only_in '\barchive_read_open\(' "libarchive is opened in steps: archive_read_open() crashes when memory is gone"

# What verifies has no way to a secret key: neither in its sources nor in what was compiled of them.
tap_is "sign/check knows no secret key and nothing of sign/make" \
  "$(grep -rnE 'sign/make|\bstruct (signing_key|signer|secret)\b|EVP_DigestSign|EVP_PKEY_(new_raw_private|sign|keygen)' sign/check)" ""
archive=${BUILD_DIR:?}/sign/libdist_sign_check.a
tap_is "... and calls nothing that signs" \
  "$(nm -u "$archive" 2>&1 | grep -E 'EVP_DigestSign|EVP_PKEY_(new_raw_private|sign)|signing_key|secret_|no such' | sort -u)" ""
tap_done
