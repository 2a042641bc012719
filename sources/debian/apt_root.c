/* SPDX-License-Identifier: MIT */
#include "sources/debian/apt_root.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "base/words.h"
#include "sources/debian/apt_internal.h"

#include <string.h>
#include <unistd.h>

#define MAX_KEYRING_BYTES ((size_t)4 << 20)

static const char *const default_keyrings[] = {
	"/usr/share/keyrings/debian-archive-keyring.gpg",
	"/usr/share/keyrings/debian-archive-keyring.pgp",
};

/* Names of suites and architectures, and paths: what can stand in apt's files without quoting. */
static bool
is_made_of(const char *text, const char *signs)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

	for (; *text != '\0'; text++)
		if (strchr(letters, *text) == NULL && strchr(signs, *text) == NULL)
			return false;
	return true;
}

void
apt_root_clear(struct apt_root *root)
{
	free(root->directory);
	free(root->config);
	free(root->keyring);
	free(root->helper);
	free(root->suite);
	free(root->arch);
	cleanup_closep(&root->lock_fd);
	*root = (struct apt_root)APT_ROOT_INIT;
}

static int
write_config(const struct apt_root *root, bool allow_expired, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf config = STRBUF_INIT;
	const char *d = root->directory;

	if (apt_machine_options(&config, err) < 0)
		return -1;
	/* APT_CONFIG is read first, so the machine's files would override it: they are left out. */
	strbuf_adds(&config, "Dir::Etc::main \"/dev/null\";\n"
			     "Dir::Etc::parts \"/dev/null\";\n"
			     "Dir::Etc::sourceparts \"/dev/null\";\n"
			     "Dir::Etc::preferences \"/dev/null\";\n"
			     "Dir::Etc::preferencesparts \"/dev/null\";\n"
			     "Dir::Etc::trusted \"/dev/null\";\n"
			     "Dir::Etc::trustedparts \"/dev/null\";\n"
			     "Dir::Cache::pkgcache \"\";\n"
			     "Dir::Cache::srcpkgcache \"\";\n"
			     "APT::Sandbox::User \"root\";\n"
			     "APT::Update::Error-Mode \"any\";\n"
			     "APT::Get::AllowUnauthenticated \"false\";\n"
			     "Acquire::AllowInsecureRepositories \"false\";\n"
			     "Acquire::AllowWeakRepositories \"false\";\n"
			     "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
			     "Acquire::Languages \"none\";\n"
			     "Acquire::Retries \"3\";\n");
	strbuf_addf(&config, "Acquire::Check-Valid-Until \"%s\";\n",
		    allow_expired ? "false" : "true");
	strbuf_addf(&config, "Dir::Etc::sourcelist \"%s/sources.list\";\n", d);
	strbuf_addf(&config, "Dir::State \"%s\";\nDir::State::lists \"%s/lists\";\n", d, d);
	strbuf_addf(&config, "Dir::State::status \"%s/status\";\n", d);
	strbuf_addf(&config, "Dir::Cache \"%s/cache\";\nDir::Log \"%s/log\";\n", d, d);
	strbuf_addf(&config, "APT::Architecture \"%s\";\nAPT::Architectures \"%s\";\n", root->arch,
		    root->arch);
	/* A proxy of the machine may carry a password. */
	return write_file(root->config, config.text, config.length, 0600, err);
}

static int
find_keyring(const char *keyring, const char **ret_path, struct error *err)
{
	bool there;

	if (keyring != NULL) {
		if (path_exists(keyring, &there, err) < 0)
			return -1;
		if (!there)
			return error_set(err, ERR_INPUT, "keyring '%s' not found", keyring);
		*ret_path = keyring;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(default_keyrings); i++) {
		if (path_exists(default_keyrings[i], &there, err) < 0)
			return -1;
		if (there) {
			*ret_path = default_keyrings[i];
			return 0;
		}
	}
	return error_set(err, ERR_NOT_FOUND,
			 "the keys of Debian's archive are missing; install "
			 "'debian-archive-keyring', or set 'keyring' in the matrix");
}

/* A copy, so that the keys are the same ones during the whole run. */
static int
copy_keyring(const struct apt_root *root, const char *keyring, struct error *err)
{
	auto_free char *bytes = NULL;
	const char *path;
	size_t length;

	if (find_keyring(keyring, &path, err) < 0 ||
	    read_file(path, MAX_KEYRING_BYTES, &bytes, &length, err) < 0)
		return -1;
	if (length == 0)
		return error_set(err, ERR_INPUT, "keyring '%s' is empty", path);
	if (text_starts_with(bytes, "-----BEGIN PGP"))
		return error_set(err, ERR_INPUT,
				 "keyring '%s' is ASCII-armored, but apt and gpgv require the "
				 "binary form; convert it with 'gpg --dearmor'",
				 path);
	return write_file(root->keyring, bytes, length, 0644, err);
}

static int
make_tree(const struct apt_root *root, struct error *err)
{
	static const char *const directories[] = {"lists/partial", "cache/archives/partial", "log"};
	auto_free char *status = path_join(root->directory, "status");

	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		auto_free char *path = path_join(root->directory, directories[i]);

		if (make_directories(path, err) < 0)
			return -1;
	}
	return write_file(status, "", 0, 0644, err);
}

int
apt_root_open(const char *directory, const char *suite, const char *arch, const char *keyring,
	      bool allow_expired, struct apt_root *ret_root, struct error *err)
{
	AUTO(apt_root_clear) struct apt_root root = APT_ROOT_INIT;
	auto_free char *lock = NULL;

	if (suite[0] == '\0' || suite[0] == '-' || !is_made_of(suite, "-._/"))
		return error_set(err, ERR_INPUT, "'%s' is not a valid suite name", suite);
	if (make_directories(directory, err) < 0)
		return -1;
	root.directory = realpath(directory, NULL);
	if (root.directory == NULL)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", directory);
	if (!is_made_of(root.directory, "/-._+@~:"))
		return error_set(err, ERR_INPUT,
				 "apt does not support the directory '%s'; choose a cache "
				 "directory without spaces and special characters in its name",
				 root.directory);
	root.config = path_join(root.directory, "apt.conf");
	root.keyring = path_join(root.directory, "keyring.gpg");
	root.suite = xstrdup(suite);
	root.arch = xstrdup(arch);
	lock = path_join(root.directory, "lock");
	root.lock_fd = lock_file(lock, true, err);
	if (root.lock_fd < 0 || make_tree(&root, err) < 0 ||
	    apt_machine_helper(&root.helper, err) < 0 || copy_keyring(&root, keyring, err) < 0 ||
	    write_config(&root, allow_expired, err) < 0)
		return -1;
	*ret_root = root;
	root = (struct apt_root)APT_ROOT_INIT;
	return 0;
}

int
apt_root_run(const struct apt_root *root, const char *const *argv, const char *directory,
	     bool (*status_line)(void *context, const char *line), void *context,
	     struct process_result *ret_result, struct error *err)
{
	auto_free char *config = xasprintf("APT_CONFIG=%s", root->config);
	const char *const environment[] = {config, NULL};
	struct process_request request = {
		.argv = argv,
		.environment = environment,
		.directory = directory,
		.lock_fd = root->lock_fd,
		.status_line = status_line,
		.context = context,
	};

	return process_run(&request, ret_result, err);
}

int
apt_root_find_list(const struct apt_root *root, const char *suffix, char **ret_path,
		   struct error *err)
{
	auto_free char *path = path_join(root->directory, "lists");
	AUTO(words_clear) struct words names = WORDS_INIT;
	char *found = NULL;

	if (directory_names(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; found == NULL && i < names.count; i++)
		if (text_ends_with(names.items[i], suffix))
			found = path_join(path, names.items[i]);
	*ret_path = found;
	return 0;
}
