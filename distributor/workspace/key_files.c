/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/key_files.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "sign/check/key_list.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int
key_files_have_root(const char *directory, bool *ret_root, struct error *err)
{
	auto_free char *path = path_join(directory, KEY_ROOT_NAME);

	return path_exists(path, ret_root, err);
}

static int
write_text(const char *directory, const char *name, const char *text, struct error *err)
{
	auto_free char *path = path_join(directory, name);
	auto_free char *old = NULL;
	struct error ignored = ERROR_INIT;

	if (read_file(path, KEYRING_MAX_TEXT, &old, NULL, &ignored) == 0 && strcmp(old, text) == 0)
		return 0;
	return write_file(path, text, strlen(text), 0644, err);
}

int
key_files_prepare(const char *directory, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free char *path = path_join(directory, KEY_LIST_NAME);

	if (make_directories(directory, err) < 0)
		return -1;
	return tempfile_open(&tmp, path, 0644, err);
}

int
key_files_read(const char *directory, enum keyring_role role, struct keyring *keyring,
	       char **ret_text, struct error *err)
{
	auto_free char *path = path_join(directory, keyring_role_name(role));
	auto_free char *text = NULL;
	size_t length = 0;

	if (read_file(path, KEYRING_MAX_TEXT, &text, &length, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		text = xstrdup("");
	}
	if (keyring_parse(text, length, role, keyring, path, err) < 0)
		return -1;
	*ret_text = TAKE(text);
	return 0;
}

static bool
ring_lists_key(const struct keyring *keyring, const struct public_key *key)
{
	for (size_t i = 0; i < keyring->count; i++)
		if (public_key_equal(&keyring->entries[i].key, key))
			return true;
	return keyring_is_revoked(keyring, key);
}

int
key_files_have(const char *directory, const struct public_key *key, bool is_root, bool *ret_listed,
	       struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	auto_free char *list = NULL, *revoked = NULL;
	enum keyring_role role = is_root ? KEYRING_ROOTS : KEYRING_ALLOWED;

	if (key_files_read(directory, role, &keyring, &list, err) < 0 ||
	    key_files_read(directory, KEYRING_REVOKED, &keyring, &revoked, err) < 0)
		return -1;
	*ret_listed = ring_lists_key(&keyring, key);
	return 0;
}

int
key_files_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
	       struct error *err)
{
	if (keyring_load(directory, root_fingerprint, ret_keyring, err) < 0)
		return -1;
	for (size_t i = 0; i < ret_keyring->skipped_count; i++)
		log_info("%s; line skipped", ret_keyring->skipped[i]);
	return 0;
}

bool
key_files_are_signed(const char *directory)
{
	static const char *const names[] = {KEY_LIST_NAME ".sig", KEY_REVOKED_NAME ".sig"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = path_join(directory, names[i]);
		struct error ignored = ERROR_INIT;
		bool there;

		if (path_exists(path, &there, &ignored) < 0 || !there)
			return false;
	}
	return true;
}

int
key_files_remove_signatures(const char *directory, struct error *err)
{
	static const char *const names[] = {KEY_LIST_NAME ".sig", KEY_REVOKED_NAME ".sig"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = path_join(directory, names[i]);

		if (unlink(path) < 0 && errno != ENOENT)
			return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
	}
	return 0;
}

/* Adds the line of a key to a list, unless the key is listed. */
static int
add_to_list(const char *directory, enum keyring_role role, const struct public_key *key,
	    const char *line, struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	auto_free char *path = path_join(directory, keyring_role_name(role));
	auto_free char *text = NULL, *whole = NULL;

	if (key_files_read(directory, role, &keyring, &text, err) < 0)
		return -1;
	if (ring_lists_key(&keyring, key))
		return 0;
	if (role == KEYRING_ALLOWED && key_files_remove_signatures(directory, err) < 0)
		return -1;
	whole = key_list_append(text, line);
	return write_file(path, whole, strlen(whole), 0644, err);
}

/* With core.autocrlf, git would give the lists line ends that nobody has signed. */
static int
keep_line_ends(const char *directory, struct error *err)
{
	auto_free char *path = path_join(directory, ".gitattributes");
	static const char text[] = "* -text\n";
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (there)
		return 0;
	return write_file(path, text, strlen(text), 0644, err);
}

int
key_files_write(const char *directory, const struct public_key *key, const char *principal,
		bool is_root, struct error *err)
{
	auto_free char *line = NULL, *ssh = public_key_ssh_line(key, principal);
	auto_free char *minisign = public_key_minisign(key), *pem = public_key_pem(key);

	if (keyring_format_line(principal, is_root ? "keys" : "file,git", key, &line, err) < 0 ||
	    make_directories(directory, err) < 0 || keep_line_ends(directory, err) < 0)
		return -1;
	if (is_root)
		return add_to_list(directory, KEYRING_ROOTS, key, line, err);
	if (write_text(directory, KEY_PUBLIC_NAME, ssh, err) < 0 ||
	    write_text(directory, "minisign.pub", minisign, err) < 0 ||
	    write_text(directory, "release.pem", pem, err) < 0)
		return -1;
	return add_to_list(directory, KEYRING_ALLOWED, key, line, err);
}
