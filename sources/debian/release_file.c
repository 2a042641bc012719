/* SPDX-License-Identifier: MIT */
#include "sources/debian/release_file.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "sources/debian/deb822.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define MAX_RELEASE_BYTES ((size_t)16 << 20)

/*
 * Lines of gpgv (doc/DETAILS in GnuPG), in this order for each signature:
 *
 *     [GNUPG:] NEWSIG
 *     [GNUPG:] GOODSIG KEYID NAME      or BADSIG, ERRSIG, EXPSIG, EXPKEYSIG, REVKEYSIG
 *     [GNUPG:] VALIDSIG FPR DATE TIME EXPIRES VERSION - ALGORITHM HASH CLASS PRIMARY
 *
 * VALIDSIG follows GOODSIG, but also EXPSIG, EXPKEYSIG and REVKEYSIG, so it does not do alone.
 */
struct status {
	const struct release_keys *keys;
	bool good; /* the signature at hand */
	bool found;
	struct release_signature signature;
	char other[FINGERPRINT_SIZE]; /* signed well, but is not pinned */
	char missing[FINGERPRINT_SIZE];
	const char *flaw; /* of a signature that cannot count */
	bool bad;
};

enum { MAX_WORDS = 12 };

/* Cuts a line into words, in place. */
static size_t
split_words(char *line, char *words[MAX_WORDS])
{
	size_t count = 0;

	while (count < MAX_WORDS) {
		line += strspn(line, " ");
		if (*line == '\0')
			break;
		words[count++] = line;
		line += strcspn(line, " ");
		if (*line != '\0')
			*line++ = '\0';
	}
	return count;
}

static bool
is_fingerprint(const char *text)
{
	size_t length = strlen(text);

	return (length == 40 || length == 64) && strspn(text, "0123456789ABCDEFabcdef") == length;
}

static void
copy_upper(char copy[FINGERPRINT_SIZE], const char *text)
{
	size_t i = 0;

	for (; text[i] != '\0' && i + 1 < FINGERPRINT_SIZE; i++)
		copy[i] = text[i] >= 'a' && text[i] <= 'f' ? (char)(text[i] - 'a' + 'A') : text[i];
	copy[i] = '\0';
}

static bool
is_pinned(const struct release_keys *keys, const char *primary)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcasecmp(keys->fingerprints[i], primary) == 0)
			return true;
	return keys->count == 0;
}

/*
 * RFC 4880 9.4: 8, 9, 10 and 11 are SHA-256, -384, -512 and -224, of which the last is too short.
 */
static bool
is_strong_hash(const char *number)
{
	return strcmp(number, "8") == 0 || strcmp(number, "9") == 0 || strcmp(number, "10") == 0;
}

static void
take_valid(struct status *status, char *words[MAX_WORDS], size_t count)
{
	const char *key = words[2], *primary = count > 11 ? words[11] : words[2];

	if (!status->good || status->found)
		return;
	if (count < 10 || !is_fingerprint(key) || !is_fingerprint(primary)) {
		status->flaw = "unexpected output of gpgv";
	} else if (!is_strong_hash(words[9])) {
		status->flaw = "a signature with a weak hash";
	} else if (!is_pinned(status->keys, primary)) {
		copy_upper(status->other, primary);
	} else {
		status->found = true;
		copy_upper(status->signature.key, key);
		copy_upper(status->signature.primary, primary);
	}
}

static void
take_line(struct status *status, char *line)
{
	char *words[MAX_WORDS] = {NULL};
	size_t count = split_words(line, words);

	if (count < 2 || strcmp(words[0], "[GNUPG:]") != 0)
		return;
	if (strcmp(words[1], "VALIDSIG") == 0 && count > 2) {
		take_valid(status, words, count);
		status->good = false;
	} else if (strcmp(words[1], "GOODSIG") == 0) {
		status->good = true;
	} else if (strcmp(words[1], "NEWSIG") == 0) {
		status->good = false;
	} else if (strcmp(words[1], "BADSIG") == 0) {
		status->bad = true;
	} else if (strcmp(words[1], "EXPSIG") == 0) {
		status->flaw = "an expired signature";
	} else if (strcmp(words[1], "EXPKEYSIG") == 0) {
		status->flaw = "a signature by an expired key";
	} else if (strcmp(words[1], "REVKEYSIG") == 0) {
		status->flaw = "a signature by a revoked key";
	} else if (strcmp(words[1], "NO_PUBKEY") == 0 && count > 2) {
		copy_upper(status->missing, words[2]);
	}
}

static int
judge(const struct status *status, struct error *err)
{
	if (status->bad)
		return error_set(err, ERR_VERIFY, "bad signature: the file was altered");
	if (status->found)
		return 0;
	if (status->other[0] != '\0')
		return error_set(err, ERR_VERIFY, "it is signed by key %s, which is not pinned",
				 status->other);
	if (status->flaw != NULL)
		return error_set(err, ERR_VERIFY, "it has no good signature, only %s",
				 status->flaw);
	if (status->missing[0] != '\0')
		return error_set(err, ERR_VERIFY,
				 "it is signed by key %s, which is not in the keyring",
				 status->missing);
	return error_set(err, ERR_VERIFY, "it is not signed");
}

int
gpgv_status_parse(const char *text, const struct release_keys *keys,
		  struct release_signature *ret_signature, struct error *err)
{
	auto_free char *copy = xstrdup(text);
	struct status status = {.keys = keys};
	char *line = copy;

	while (*line != '\0') {
		size_t length = strcspn(line, "\n");
		char *next = line + length + (line[length] != '\0' ? 1 : 0);

		line[length] = '\0';
		take_line(&status, line);
		line = next;
	}
	if (judge(&status, err) < 0)
		return -1;
	*ret_signature = status.signature;
	return 0;
}

/* A number that ends with `after`, behind blanks. */
static bool
take_date_number(const char **at, char after, uint64_t least, uint64_t most, int *ret_number)
{
	uint64_t number;

	*at += strspn(*at, " ");
	if (!parse_uint_prefix(at, most, &number) || number < least || **at != after)
		return false;
	*ret_number = (int)number;
	(*at)++;
	return true;
}

/* The name of a month and a blank. */
static bool
take_month(const char **at, int *ret_month)
{
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";

	*at += strspn(*at, " ");
	for (int i = 0; i < 12; i++)
		if (strncmp(*at, months + (size_t)4 * (size_t)i, 4) == 0) {
			*ret_month = i;
			*at += 4;
			return true;
		}
	return false;
}

bool
release_parse_date(const char *text, int64_t *ret_sec)
{
	/* "Thu, 14 Aug 2025 12:34:56 UTC" */
	const char *at = strchr(text, ',');
	struct tm tm = {0};

	if (at == NULL)
		return false;
	at++;
	if (!take_date_number(&at, ' ', 1, 31, &tm.tm_mday) || !take_month(&at, &tm.tm_mon) ||
	    !take_date_number(&at, ' ', 1970, 9999, &tm.tm_year) ||
	    !take_date_number(&at, ':', 0, 23, &tm.tm_hour) ||
	    !take_date_number(&at, ':', 0, 59, &tm.tm_min) ||
	    !take_date_number(&at, ' ', 0, 60, &tm.tm_sec))
		return false;
	at += strspn(at, " ");
	if (strcmp(at, "UTC") != 0 && strcmp(at, "GMT") != 0 && strcmp(at, "+0000") != 0)
		return false;
	tm.tm_year -= 1900;
	*ret_sec = (int64_t)timegm(&tm);
	return true;
}

void
release_clear(struct release *release)
{
	free(release->suite);
	free(release->codename);
	*release = (struct release)RELEASE_INIT;
}

static char *
copy_field(const struct deb822 *fields, const char *name)
{
	const char *value = deb822_get(fields, name);

	return value != NULL ? xstrdup(value) : NULL;
}

int
release_parse(const char *text, size_t length, const char *name, struct release *ret_release,
	      struct error *err)
{
	AUTO(deb822_clear) struct deb822 fields = DEB822_INIT;
	struct release release = RELEASE_INIT;
	const char *date, *valid_until;

	if (deb822_parse(text, length, name, &fields, err) < 0 ||
	    deb822_require(&fields, "Date", name, &date, err) < 0)
		return -1;
	valid_until = deb822_get(&fields, "Valid-Until");
	if (!release_parse_date(date, &release.date_sec))
		return error_set(err, ERR_INPUT, "%s: '%s' is not a date", name, date);
	if (valid_until != NULL && !release_parse_date(valid_until, &release.valid_until_sec))
		return error_set(err, ERR_INPUT, "%s: '%s' is not a date", name, valid_until);
	release.suite = copy_field(&fields, "Suite");
	release.codename = copy_field(&fields, "Codename");
	*ret_release = release;
	return 0;
}

/* Runs gpgv, which writes the text that the signatures cover to `output`. */
static int
run_gpgv(const char *path, const char *detached, const char *keyring, const char *directory,
	 const char *output, struct process_result *result, struct error *err)
{
	const char *argv[] = {"gpgv", "--homedir", directory, "--keyring", keyring, "--status-fd",
			      "1",    "--output",  output,    path,        NULL,    NULL};
	struct process_request request = {.argv = argv};

	/* With a signature of its own the signed text is the file as it is. */
	if (detached != NULL) {
		argv[7] = detached;
		argv[8] = path;
		argv[9] = NULL;
	}
	(void)unlink(output);
	if (process_run(&request, result, err) < 0)
		return error_prefix(err, "cannot verify '%s'", path_base(path));
	return 0;
}

int
release_verify(const char *path, const char *detached, const char *keyring,
	       const struct release_keys *keys, const char *directory, struct release *ret_release,
	       struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *signed_path = path_join(directory, "Release.signed");
	auto_free char *text = NULL;
	struct release_signature signature;
	size_t length;
	int r;

	if (run_gpgv(path, detached, keyring, directory, signed_path, &result, err) < 0)
		return -1;
	r = gpgv_status_parse(result.output, keys, &signature, err);
	if (r == 0)
		r = read_file(detached != NULL ? path : signed_path, MAX_RELEASE_BYTES, &text,
			      &length, err);
	if (r == 0)
		r = release_parse(text, length, path_base(path), ret_release, err);
	(void)unlink(signed_path);
	if (r < 0)
		return error_prefix(err, "cannot trust '%s'", path_base(path));
	memcpy(ret_release->signer, signature.primary, sizeof(ret_release->signer));
	return 0;
}
