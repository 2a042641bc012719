#include "distributor/key_files.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "sign/keyring.h"

#include <string.h>
#include <unistd.h>

int
key_files_append(const char *directory, const char *name, const char *line, struct error *err)
{
	auto_free char *path = path_join(directory, name);
	auto_free char *text = NULL, *whole = NULL;
	const char *end = "";

	if (read_file(path, KEYRING_MAX_TEXT, &text, NULL, err) < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (text != NULL && strstr(text, line) != NULL)
		return 0;
	/* Editors may leave the last line without its end. */
	if (text != NULL && *text != '\0' && !text_ends_with(text, "\n"))
		end = "\n";
	whole = xasprintf("%s%s%s", text != NULL ? text : "", end, line);
	return write_file(path, whole, strlen(whole), 0644, err);
}

bool
key_files_have_root(const char *directory)
{
	auto_free char *path = path_join(directory, KEY_ROOT_NAME);

	return access(path, F_OK) == 0;
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
key_files_write(const char *directory, const struct public_key *key, const char *principal,
		bool is_root, struct error *err)
{
	auto_free char *line = NULL, *ssh = public_key_ssh_line(key, principal);
	auto_free char *minisign = public_key_minisign(key), *pem = public_key_pem(key);

	if (keyring_format_line(principal, is_root ? "keys" : "file,git", key, &line, err) < 0 ||
	    make_directories(directory, err) < 0)
		return -1;
	if (is_root)
		return key_files_append(directory, KEY_ROOT_NAME, line, err);
	if (key_files_append(directory, KEY_LIST_NAME, line, err) < 0 ||
	    write_text(directory, "release.pub", ssh, err) < 0 ||
	    write_text(directory, "minisign.pub", minisign, err) < 0)
		return -1;
	return write_text(directory, "release.pem", pem, err);
}
