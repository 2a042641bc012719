/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Verifies that the files of a release are as they were signed. Each check adds a row to a report;
 * one failed row means failure.
 */

#include "sign/check/keyring.h"
#include "sign/check/sums.h"

struct progress_task;
struct seen_files;

enum verify_status {
	VERIFY_OK,
	VERIFY_FAILED,
	VERIFY_SKIPPED, /* nothing to check, and nothing required */
};

struct verify_row {
	const char *check; /* a stable word: "signature", "minisign", "files", ... */
	enum verify_status status;
	enum error_code code; /* of a failure: ERR_VERIFY, or why it could not be checked */
	char *sentence;       /* owned */
	char *signer;         /* fingerprint of the key that an "ok" rests on, owned; or NULL */
};

struct verify_report {
	struct verify_row *rows;
	size_t count;
	size_t failed;      /* rows */
	char *tag;          /* tag in the signed documents, "v10.2.2-1"; or NULL */
	char *made_by;      /* the program that made it, "0.1.0 (commit HEX)"; or NULL */
	uint64_t format;    /* of its release.json; 0 where there is none */
	struct digest sums; /* of the SHA256SUMS with valid signatures, or zero */
};

#define VERIFY_REPORT_INIT {.rows = NULL}

void verify_report_clear(struct verify_report *report);

/* Adds a row. */
void verify_note(struct verify_report *report, const char *check, enum verify_status status,
		 const char *format, ...) PRINTF_LIKE(4, 5);

/* Adds an "ok" for a valid signature: "WHAT by PRINCIPAL, SHA256:FINGERPRINT" and `after`. */
void verify_signed(struct verify_report *report, const char *check,
		   const struct keyring_entry *signer, const char *what, const char *after);

/* Adds message and code of `err` as a failure. */
void verify_fail(struct verify_report *report, const char *check, const struct error *err);

/*
 * Returns 0 for a report without failures. Else -1 and `err` has code and sentence of the failure
 * that decides, the first of the highest kind:
 *
 *     ERR_INTERRUPTED   a signal came in between, and nothing after it was looked at
 *     ERR_VERIFY        any failure that is about the release, whatever its own code
 *     ERR_IO            only this machine (a full disk) or servers kept it from being looked at:
 *     ERR_DENIED        then what asks for another login or name,
 *     ERR_REMOTE        what no second try helps with
 *     ERR_NETWORK       comes before what one may
 */
int verify_report_conclude(const struct verify_report *report, struct error *err) CHECKED;

/* Where the files of a release are: a directory, a web server. */
struct verify_files {
	void *context;
	/* A whole small file, to be freed by the caller. ERR_NOT_FOUND. */
	int (*read)(void *context, const char *name, size_t max_bytes, char **ret_text,
		    size_t *ret_length, struct error *err);
	/*
	 * Digest and size of a file. One of more than `max_bytes` is not read: ERR_VERIFY.
	 * ERR_NOT_FOUND, ERR_INTERRUPTED.
	 */
	int (*digest)(void *context, const char *name, uint64_t max_bytes,
		      struct digest *ret_digest, uint64_t *ret_size, struct error *err);
	/*
	 * The names of all files, sorted, into `names`, whose digests stay zero; NULL: the files
	 * cannot be listed.
	 */
	int (*list)(void *context, struct sums *ret_names, struct error *err);
};

/* No asset is larger: GitHub's own limit. */
#define VERIFY_MAX_FILE ((uint64_t)2 << 30)

/*
 * The files of a directory; `path` is borrowed. Symbolic links and directories count as unexpected
 * files.
 */
struct verify_files verify_directory(const char *path);

/* The same, of files that were read before and are the same since; both borrowed. */
struct verify_place {
	const char *path;
	struct seen_files *seen;
};

struct verify_files verify_directory_seen(const struct verify_place *place);

struct verify_request {
	const struct keyring *keyring;
	const char *tag;         /* expected tag, "v10.2.2-1"; or NULL for any */
	const char *const *only; /* names of single files; none: exactly those listed */
	size_t only_count;
	const char *
		keys_name; /* directory of the keys among the files, not part of the release; or NULL */
	struct progress_task *progress; /* counts files; may be NULL */
};

/*
 * Verifies the files of a release: signatures, SHA256SUMS, that exactly the listed files exist,
 * that names, version and content match, and the provenance. With single files one of the two
 * signatures is enough, and the other documents are checked if they exist.
 */
void verify_release(const struct verify_files *files, const struct verify_request *request,
		    struct verify_report *report);

/*
 * 1 if both signatures of SHA256SUMS exist and are valid, with this trusted comment; 0 if not. -1
 * with a local error if that cannot be determined (ERR_IO, ERR_INTERRUPTED).
 */
int verify_signatures_only(const struct verify_files *files, const struct verify_request *request,
			   const char *comment, struct error *err) CHECKED;

/*
 * Verifies the raw text of the tag that the reference `name` points at: signature, and that the
 * name inside is the same. With `commit` it must point to that commit. `ret_sums` is the digest of
 * SHA256SUMS in its message, or zero.
 */
void verify_tag(const char *name, const char *text, size_t length, const struct keyring *keyring,
		const char *commit, struct verify_report *report, struct digest *ret_sums);
