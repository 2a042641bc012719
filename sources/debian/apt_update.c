/* SPDX-License-Identifier: MIT */
#include "sources/debian/apt_internal.h"
#include "sources/debian/apt_root.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/process.h"
#include "base/words.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *
apt_first_line(const char *text, const char *prefix)
{
	const char *line = text;

	while (line != NULL && !text_starts_with(line, prefix)) {
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	if (line == NULL)
		return NULL;
	line += strlen(prefix);
	return xstrndup(line, strcspn(line, "\n"));
}

static char *
source_line(const struct apt_root *root, const char *base)
{
	return xasprintf("deb [arch=%s signed-by=%s] %s %s main\n", root->arch, root->keyring, base,
			 root->suite);
}

/* What apt has kept from earlier and cannot go on with: the archive's old name, damaged lists. */
static bool
is_of_old_state(const char *errors)
{
	static const char *const words[] = {
		"changed its '",
		"package lists or status file could not be parsed",
		"Problem with MergeList",
		"Unable to parse package file",
		"Encountered a section with no Package",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(errors, words[i]) != NULL)
			return true;
	return false;
}

/* Removes what is in a directory, which stays; directories in it are emptied. */
static int
empty_directory(const char *path, struct error *err)
{
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *inner = path_join(path, names.items[i]);
		struct stat st;

		if (lstat(inner, &st) < 0)
			return error_set_errno(err, ERR_IO, "cannot access '%s'", inner);
		if (S_ISDIR(st.st_mode) && empty_directory(inner, err) < 0)
			return -1;
		if (!S_ISDIR(st.st_mode) && unlink(inner) < 0)
			return error_set_errno(err, ERR_IO, "cannot remove '%s'", inner);
	}
	return 0;
}

static int
run_update(const struct apt_root *root, struct process_result *ret_result, struct error *err)
{
	static const char *const argv[] = {"apt-get", "-q", "update", NULL};

	return apt_root_run(root, argv, NULL, NULL, NULL, ret_result, err);
}

/*
 * The archive's signature has to be good now as before; its old lists prove nothing. The date that
 * the lock has keeps it from showing an older state.
 */
static int
update_from_nothing(const struct apt_root *root, const char *errors, char **ret_notice,
		    struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *lists = path_join(root->directory, "lists");
	auto_free char *why = apt_first_line(errors, "E: ");

	if (empty_directory(lists, err) < 0 || run_update(root, &result, err) < 0)
		return -1;
	if (result.status != 0)
		return apt_failure(result.errors, err);
	*ret_notice = xasprintf("the lists of suite '%s' were removed and fetched again because "
				"apt could not update them: %s",
				root->suite, why != NULL ? why : "no reason given");
	return 0;
}

int
apt_root_update(const struct apt_root *root, const char *base, char **ret_notice, struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *path = path_join(root->directory, "sources.list");
	auto_free char *line = source_line(root, base);

	*ret_notice = NULL;
	/* It may carry a password. */
	if (write_file(path, line, strlen(line), 0600, err) < 0 ||
	    run_update(root, &result, err) < 0)
		return -1;
	if (result.status == 0)
		return 0;
	if (is_of_old_state(result.errors))
		return update_from_nothing(root, result.errors, ret_notice, err);
	return apt_failure(result.errors, err);
}

int
apt_failure(const char *errors, struct error *err)
{
	static const struct {
		const char *words;
		enum error_code code;
	} kinds[] = {
		/* Before the complaint that follows from it: what was not sent is not signed. */
		{"401  Unauthorized", ERR_INPUT},
		{"403  Forbidden", ERR_INPUT},
		{"407  Proxy Authentication", ERR_INPUT},
		{"unexpected size", ERR_NETWORK}, /* a mirror between two states */
		{"is expired", ERR_VERIFY},
		{"is not signed", ERR_VERIFY},
		{"no longer signed", ERR_VERIFY},
		{"not valid yet", ERR_VERIFY},
		{"ignature", ERR_VERIFY},
		{"NO_PUBKEY", ERR_VERIFY},
		{"NOSPLIT", ERR_VERIFY},
		{"NODATA", ERR_VERIFY},
		{"clearsigned", ERR_VERIFY},
		{"Hash Sum mismatch", ERR_VERIFY},
		{"does not have a Release file", ERR_NOT_FOUND},
		{"404  Not Found", ERR_NOT_FOUND},
		{"File not found", ERR_NOT_FOUND},
		{"No space left", ERR_IO},
		{"Error writing to file", ERR_IO},
	};
	auto_free char *complaint = apt_first_line(errors, "E: ");
	auto_free char *warning = apt_first_line(errors, "W: ");
	enum error_code code = ERR_NETWORK;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strstr(errors, kinds[i].words) != NULL) {
			code = kinds[i].code;
			break;
		}
	/* "is not signed" is all that the error says; which key is missing is in the warning. */
	if (complaint != NULL && warning != NULL && code == ERR_VERIFY)
		return error_set(err, code, "apt: %s (%s)", complaint, warning);
	if (complaint == NULL)
		complaint = xstrdup("failed without an error message");
	if (code == ERR_NOT_FOUND)
		return error_set_absent(err, "apt: %s", complaint);
	if (code == ERR_INPUT)
		return error_set(err, code,
				 "apt: %s; put user name and password for that server in "
				 "/etc/apt/auth.conf.d (see apt_auth.conf(5))",
				 complaint);
	if (strstr(errors, "is expired") != NULL)
		return error_set(err, code,
				 "apt: %s; to accept it, set \"allow_expired\": true in the source",
				 complaint);
	return error_set(err, code, "apt: %s", complaint);
}
