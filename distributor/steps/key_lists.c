/* SPDX-License-Identifier: MIT */
#include "distributor/steps/key_lists.h"

#include "base/alloc.h"
#include "base/file.h"
#include "distributor/workspace/key_files.h"
#include "sign/check/key_list.h"
#include "sign/make/sshsig_sign.h"

#include <string.h>

/* The two lists as texts, "" for one that is missing, and what they hold. */
struct lists {
	const char *directory;
	char *texts[2]; /* KEYRING_ALLOWED, KEYRING_REVOKED */
	struct keyring keyring;
};

static void
lists_clear(struct lists *lists)
{
	free(lists->texts[KEYRING_ALLOWED]);
	free(lists->texts[KEYRING_REVOKED]);
	keyring_clear(&lists->keyring);
}

static int
read_lists(struct lists *lists, struct error *err)
{
	for (int role = KEYRING_ALLOWED; role <= KEYRING_REVOKED; role++)
		if (key_files_read(lists->directory, (enum keyring_role)role, &lists->keyring,
				   &lists->texts[role], err) < 0)
			return -1;
	return 0;
}

static int
write_key_list(const struct lists *lists, enum keyring_role role, const char *text,
	       struct error *err)
{
	auto_free char *path = path_join(lists->directory, keyring_role_name(role));

	if (strcmp(text, lists->texts[role]) == 0)
		return 0;
	return write_file(path, text, strlen(text), 0644, err);
}

/* The allowed_signers without the keys that are revoked. */
static char *
allowed_without_revoked(const struct lists *lists)
{
	return key_list_without(lists->texts[KEYRING_ALLOWED], lists->keyring.revoked,
				lists->keyring.revoked_count);
}

/* The root key has to be one of root_signers: that is what verifiers compare with. */
static int
find_root(const char *directory, const struct signing_key *key, struct signer *ret_signer,
	  struct error *err)
{
	AUTO(keyring_clear) struct keyring roots = KEYRING_INIT;
	auto_free char *path = path_join(directory, KEY_ROOT_NAME);
	auto_free char *text = NULL;
	const struct keyring_entry *entry;

	if (key_files_read(directory, KEYRING_ROOTS, &roots, &text, err) < 0)
		return -1;
	if (keyring_find(&roots, signing_key_public(key), SSHSIG_KEYS, "the endorsement", &entry,
			 err) < 0)
		return error_prefix(err, "'%s'", path);
	*ret_signer = (struct signer){key, entry->key};
	return 0;
}

static int
next_serial(const struct lists *lists, uint64_t *ret_serial, struct error *err)
{
	uint64_t highest = 0;

	for (int role = KEYRING_ALLOWED; role <= KEYRING_REVOKED; role++) {
		struct keyring_stamp stamp;

		if (key_list_stamp(lists->texts[role], (enum keyring_role)role, &stamp) &&
		    stamp.serial > highest)
			highest = stamp.serial;
	}
	if (highest >= KEY_LIST_MAX_SERIAL)
		return error_set(err, ERR_INPUT,
				 "the lists in '%s' have reached the highest serial, %d",
				 lists->directory, KEY_LIST_MAX_SERIAL);
	*ret_serial = highest + 1;
	return 0;
}

/* A list with its first line, and its signature. */
struct endorsed {
	char *text, *armour;
};

static void
endorsed_clear(struct endorsed *endorsed)
{
	free(endorsed->text);
	free(endorsed->armour);
}

static int
endorse(const struct signer *signer, const char *text, enum keyring_role role, uint64_t serial,
	int64_t time_sec, struct endorsed *ret_endorsed, struct error *err)
{
	ret_endorsed->text = key_list_with_stamp(text, role, serial, time_sec);
	if (sshsig_sign_keys(signer, ret_endorsed->text, strlen(ret_endorsed->text),
			     &ret_endorsed->armour, err) < 0)
		return error_prefix(err, "cannot sign '%s'", keyring_role_name(role));
	return 0;
}

static int
write_endorsed(const struct lists *lists, enum keyring_role role, const struct endorsed *endorsed,
	       struct error *err)
{
	auto_free char *path = xasprintf("%s/%s.sig", lists->directory, keyring_role_name(role));

	if (write_key_list(lists, role, endorsed->text, err) < 0)
		return -1;
	return write_file(path, endorsed->armour, strlen(endorsed->armour), 0644, err);
}

/* What was written, read as a verifier does who pins this root key. */
static int
check_written(const char *directory, const struct public_key *root, struct keyring_stamp *ret_stamp,
	      struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	char fingerprint[FINGERPRINT_SIZE];

	if (keyring_load(directory, public_key_fingerprint(root, fingerprint), &keyring, err) < 0)
		return -1;
	*ret_stamp = keyring.allowed_stamp;
	return 0;
}

int
key_lists_endorse(const char *directory, const struct signing_key *key, int64_t time_sec,
		  struct keyring_stamp *ret_stamp, struct error *err)
{
	AUTO(lists_clear) struct lists lists = {.directory = directory};
	AUTO(endorsed_clear) struct endorsed allowed = {NULL, NULL}, revoked = {NULL, NULL};
	auto_free char *text = NULL;
	struct signer signer;
	uint64_t serial;

	if (find_root(directory, key, &signer, err) < 0 || read_lists(&lists, err) < 0 ||
	    next_serial(&lists, &serial, err) < 0)
		return -1;
	text = allowed_without_revoked(&lists);
	/* Both are signed before one of them is written. */
	if (endorse(&signer, text, KEYRING_ALLOWED, serial, time_sec, &allowed, err) < 0 ||
	    endorse(&signer, lists.texts[KEYRING_REVOKED], KEYRING_REVOKED, serial, time_sec,
		    &revoked, err) < 0 ||
	    write_endorsed(&lists, KEYRING_ALLOWED, &allowed, err) < 0 ||
	    write_endorsed(&lists, KEYRING_REVOKED, &revoked, err) < 0)
		return -1;
	return check_written(directory, &signer.published, ret_stamp, err);
}

int
key_lists_revoke(const char *directory, const struct public_key *key, struct error *err)
{
	AUTO(lists_clear) struct lists lists = {.directory = directory};
	auto_free char *line = public_key_ssh_line(key, ""), *revoked = NULL, *allowed = NULL;

	if (read_lists(&lists, err) < 0)
		return -1;
	revoked = keyring_is_revoked(&lists.keyring, key)
			  ? xstrdup(lists.texts[KEYRING_REVOKED])
			  : key_list_append(lists.texts[KEYRING_REVOKED], line);
	allowed = key_list_without(lists.texts[KEYRING_ALLOWED], key, 1);
	if (strcmp(revoked, lists.texts[KEYRING_REVOKED]) == 0 &&
	    strcmp(allowed, lists.texts[KEYRING_ALLOWED]) == 0)
		return 0;
	if (key_files_remove_signatures(directory, err) < 0 ||
	    write_key_list(&lists, KEYRING_REVOKED, revoked, err) < 0)
		return -1;
	return write_key_list(&lists, KEYRING_ALLOWED, allowed, err);
}

int
key_lists_retire(const char *directory, const struct public_key *key, const char *tag,
		 struct error *err)
{
	AUTO(lists_clear) struct lists lists = {.directory = directory};
	auto_free char *allowed = NULL;
	char fingerprint[FINGERPRINT_SIZE];

	if (read_lists(&lists, err) < 0)
		return -1;
	if (keyring_is_revoked(&lists.keyring, key))
		return error_set(err, ERR_INPUT, "key %s is revoked and cannot be retired",
				 public_key_fingerprint(key, fingerprint));
	if (key_list_retire(lists.texts[KEYRING_ALLOWED], key, tag, &allowed, err) < 0)
		return error_prefix(err, "'%s/%s'", directory, KEY_LIST_NAME);
	if (strcmp(allowed, lists.texts[KEYRING_ALLOWED]) == 0)
		return 0;
	if (key_files_remove_signatures(directory, err) < 0)
		return -1;
	return write_key_list(&lists, KEYRING_ALLOWED, allowed, err);
}

bool
key_lists_is_current(const char *directory, const struct public_key *key)
{
	auto_free char *path = path_join(directory, KEY_PUBLIC_NAME);
	auto_free char *text = NULL;
	struct error ignored = ERROR_INIT;
	struct public_key current;

	return read_file(path, PUBLIC_KEY_MAX_TEXT, &text, NULL, &ignored) == 0 &&
	       public_key_parse(text, &current, path, &ignored) == 0 &&
	       public_key_equal(&current, key);
}
