#include "sources/apt_root.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <string.h>
#include <unistd.h>

#define MAX_KEYRING_BYTES ((size_t)4 << 20)
#define MIRROR_VARIABLE   "DISTRIBUTOR_APT_MIRROR"

/* What of the machine's own configuration is kept: names, or beginnings that end in "::". */
static const char *const kept_options[] = {
	"Acquire::http::",    "Acquire::https::",           "Acquire::ftp::",
	"Acquire::ForceIPv4", "Acquire::ForceIPv6",         "Acquire::Queue-Mode",
	"Dir::Bin::",         "Acquire::Proxy-Auto-Detect", "Acquire::ProxyAutoDetect",
};

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
apt_root_release(struct apt_root *root)
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

/* It lies beside the directory of apt's methods. */
static int
find_helper(struct apt_root *root, struct error *err)
{
	static const char *const argv[] = {
		"apt-config", "dump", "--no-empty", "--format", "%v", "Dir::Bin::methods", NULL};
	AUTO(process_result_release) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};
	auto_free char *directory = NULL;

	if (process_run(&request, &result, err) < 0)
		return error_prefix(err, "packages of Debian are fetched with apt");
	directory = path_directory(result.output);
	root->helper = path_join(directory, "apt-helper");
	return 0;
}

/* Lines "NAME VALUE" of all settings; those of how to reach servers, as a configuration file. */
static void
keep_options(const char *text, struct strbuf *config)
{
	const char *line, *end;

	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));
		bool kept = false;

		for (size_t i = 0; i < ARRAY_SIZE(kept_options); i++)
			kept = kept || text_starts_with(line, kept_options[i]);
		/* A value with a quotation mark cannot be written down; none of these needs one. */
		if (!kept || blank == NULL || blank + 1 == end ||
		    memchr(line, '"', (size_t)(end - line)) != NULL)
			continue;
		strbuf_addf(config, "%.*s \"%.*s\";\n", (int)(blank - line), line,
			    (int)(end - blank - 1), blank + 1);
	}
}

static int
add_machine_options(struct strbuf *config, struct error *err)
{
	static const char *const argv[] = {"apt-config", "dump", "--format", "%f %v%n", NULL};
	AUTO(process_result_release) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};

	if (process_run(&request, &result, err) < 0)
		return error_prefix(err, "packages of Debian are fetched with apt");
	keep_options(result.output, config);
	return 0;
}

static int
write_config(const struct apt_root *root, bool allow_expired, struct error *err)
{
	AUTO(strbuf_release) struct strbuf config = STRBUF_INIT;
	const char *d = root->directory;

	if (add_machine_options(&config, err) < 0)
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
	return write_file(root->config, config.text, config.length, 0644, err);
}

static int
find_keyring(const char *keyring, const char **ret_path, struct error *err)
{
	if (keyring != NULL) {
		if (access(keyring, R_OK) < 0)
			return error_set_errno(err, ERR_INPUT, "cannot read keyring '%s'", keyring);
		*ret_path = keyring;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(default_keyrings); i++)
		if (access(default_keyrings[i], R_OK) == 0) {
			*ret_path = default_keyrings[i];
			return 0;
		}
	return error_set(err, ERR_NOT_FOUND,
			 "the keys of Debian's archive are not here: install "
			 "'debian-archive-keyring', or name a 'keyring' in the matrix");
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
		return error_set(
			err, ERR_INPUT,
			"keyring '%s' is armoured text; apt and gpgv take the binary form, "
			"as 'gpg --dearmor' makes it",
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
	AUTO(apt_root_release) struct apt_root root = APT_ROOT_INIT;
	auto_free char *lock = NULL;

	if (suite[0] == '\0' || suite[0] == '-' || !is_made_of(suite, "-._/"))
		return error_set(err, ERR_INPUT, "'%s' is not the name of a suite", suite);
	if (make_directories(directory, err) < 0)
		return -1;
	root.directory = realpath(directory, NULL);
	if (root.directory == NULL)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", directory);
	if (!is_made_of(root.directory, "/-._+@~:"))
		return error_set(err, ERR_INPUT,
				 "apt cannot work in '%s': choose a cache directory whose name has "
				 "neither blanks nor special characters",
				 root.directory);
	root.config = path_join(root.directory, "apt.conf");
	root.keyring = path_join(root.directory, "keyring.gpg");
	root.suite = xstrdup(suite);
	root.arch = xstrdup(arch);
	lock = path_join(root.directory, "lock");
	root.lock_fd = lock_file(lock, true, err);
	if (root.lock_fd < 0 || make_tree(&root, err) < 0 || find_helper(&root, err) < 0 ||
	    copy_keyring(&root, keyring, err) < 0 || write_config(&root, allow_expired, err) < 0)
		return -1;
	*ret_root = root;
	root = (struct apt_root)APT_ROOT_INIT;
	return 0;
}

void
apt_bases_release(struct apt_bases *bases)
{
	for (size_t i = 0; i < bases->count; i++)
		free(bases->urls[i]);
	free(bases->urls);
	*bases = (struct apt_bases){NULL, 0};
}

static int
add_base(struct apt_bases *bases, const char *url, size_t length, struct error *err)
{
	auto_free char *copy = xstrndup(url, length);

	while (length > 0 && copy[length - 1] == '/')
		copy[--length] = '\0';
	for (size_t i = 0; i < bases->count; i++)
		if (strcmp(bases->urls[i], copy) == 0)
			return 0;
	if (length == 0 || strchr(copy, ':') == NULL || copy[strcspn(copy, " \t\r\n\"[]#")] != '\0')
		return error_set(err, ERR_INPUT, "a mirror of Debian is not given as a base URL");
	bases->urls = xgrow(bases->urls, bases->count, sizeof(*bases->urls));
	bases->urls[bases->count++] = TAKE(copy);
	return 0;
}

/*
 * Lines "URL COMPONENT ORIGIN|LABEL" of the machine's own sources. Before its first update apt
 * does not know origin and label, and leaves "$(ORIGIN)" as it is: such a source is tried too, for
 * the keyring decides in the end.
 */
static int
add_machine_bases(struct apt_bases *bases, const char *text, bool known, struct error *err)
{
	static const char debian[] = " main Debian|Debian", unknown[] = " main $(ORIGIN)|";
	const char *wanted = known ? debian : unknown;
	const char *line, *end;

	for (line = text; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));
		size_t rest = blank != NULL ? (size_t)(end - blank) : 0;

		if (blank == NULL || !text_starts_with(blank, wanted) ||
		    (known && rest != strlen(wanted)))
			continue;
		if (add_base(bases, line, (size_t)(blank - line), err) < 0)
			return -1;
	}
	return 0;
}

static int
ask_machine(struct apt_bases *bases, struct error *err)
{
	static const char *const argv[] = {"apt-get",
					   "indextargets",
					   "--format",
					   "$(REPO_URI) $(COMPONENT) $(ORIGIN)|$(LABEL)",
					   "Created-By: Packages",
					   NULL};
	AUTO(process_result_release) struct process_result result = PROCESS_RESULT_INIT;
	struct process_request request = {.argv = argv};

	if (process_run(&request, &result, err) < 0)
		return error_prefix(err, "packages of Debian are fetched with apt");
	if (add_machine_bases(bases, result.output, true, err) < 0 ||
	    (bases->count == 0 && add_machine_bases(bases, result.output, false, err) < 0))
		return -1;
	return 0;
}

int
apt_bases_find(const char *const *urls, size_t count, struct apt_bases *ret_bases,
	       struct error *err)
{
	AUTO(apt_bases_release) struct apt_bases bases = {NULL, 0};
	const char *chosen = getenv(MIRROR_VARIABLE);

	if (chosen != NULL && chosen[0] != '\0') {
		if (add_base(&bases, chosen, strlen(chosen), err) < 0)
			return error_prefix(err, MIRROR_VARIABLE);
	} else if (ask_machine(&bases, err) < 0) {
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (add_base(&bases, urls[i], strlen(urls[i]), err) < 0)
			return error_prefix(err, "'urls'");
	if (bases.count == 0)
		return error_set(err, ERR_INPUT,
				 "apt on this machine has no source of Debian: set %s to the base "
				 "URL of a mirror, or add it to the source's 'urls' in the matrix",
				 MIRROR_VARIABLE);
	*ret_bases = bases;
	bases = (struct apt_bases){NULL, 0};
	return 0;
}

static char *
source_line(const struct apt_root *root, const char *base)
{
	return xasprintf("deb [arch=%s signed-by=%s] %s %s main\n", root->arch, root->keyring, base,
			 root->suite);
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
apt_root_update(const struct apt_root *root, const char *base, struct error *err)
{
	static const char *const argv[] = {"apt-get", "-q", "update", NULL};
	AUTO(process_result_release) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *path = path_join(root->directory, "sources.list");
	auto_free char *line = source_line(root, base);

	/* It may carry a password. */
	if (write_file(path, line, strlen(line), 0600, err) < 0 ||
	    apt_root_run(root, argv, NULL, NULL, NULL, &result, err) < 0)
		return -1;
	if (result.status == 0)
		return 0;
	return apt_failure(result.errors, err);
}

/* The rest of the first line that begins with `prefix`, or NULL; to be freed. */
static char *
first_line(const char *text, const char *prefix)
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

int
apt_failure(const char *errors, struct error *err)
{
	static const struct {
		const char *words;
		enum error_code code;
	} kinds[] = {
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
	};
	auto_free char *complaint = first_line(errors, "E: ");
	auto_free char *warning = first_line(errors, "W: ");
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
		complaint = xstrdup("it failed without a reason");
	if (code == ERR_NOT_FOUND)
		return error_set_absent(err, "apt: %s", complaint);
	return error_set(err, code, "apt: %s", complaint);
}

int
apt_root_find_list(const struct apt_root *root, const char *suffix, char **ret_path,
		   struct error *err)
{
	auto_free char *path = path_join(root->directory, "lists");
	AUTO(words_release) struct words names = WORDS_INIT;
	char *found = NULL;

	if (directory_names(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; found == NULL && i < names.count; i++)
		if (text_ends_with(names.items[i], suffix))
			found = path_join(path, names.items[i]);
	*ret_path = found;
	return 0;
}
