/* SPDX-License-Identifier: MIT */
#include "sources/debian/apt_internal.h"
#include "sources/debian/apt_root.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/process.h"

#include <string.h>

#define MIRROR_VARIABLE "DISTRIBUTOR_APT_MIRROR"

/*
 * What of the machine's own configuration is kept, names or beginnings that end in "::": how its
 * servers are reached and how large what they send may be. Nothing that makes a check weaker is
 * among it, as Acquire::Check-Date and Acquire::Max-FutureTime would be.
 */
static const char *const kept_options[] = {
	"Acquire::http::",
	"Acquire::https::",
	"Acquire::ftp::",
	"Acquire::ForceIPv4",
	"Acquire::ForceIPv6",
	"Acquire::Queue-Mode",
	"Acquire::EnableSrvRecords",
	"Acquire::MaxReleaseFileSize",
	"Acquire::By-Hash",
	"Acquire::Proxy-Auto-Detect",
	"Acquire::ProxyAutoDetect",
	"Dir::Bin::",
};

/*
 * Asks a program of the machine's apt. One that fails has said nothing: what would be missing from
 * its answer, a proxy or a source, must not be taken for what the machine has not.
 */
static int
ask_apt(const char *const *argv, struct process_result *ret_result, struct error *err)
{
	const char *chosen = getenv("APT_CONFIG");
	auto_free char *config = xasprintf("APT_CONFIG=%s", chosen != NULL ? chosen : "");
	const char *const environment[] = {chosen != NULL ? config : NULL, NULL};
	struct process_request request = {.argv = argv, .environment = environment};
	auto_free char *why = NULL;

	if (process_run(&request, ret_result, err) < 0)
		return error_prefix(err, "Debian packages require apt");
	if (ret_result->status == 0)
		return 0;
	why = apt_first_line(ret_result->errors, "E: ");
	return error_set(err, ERR_INPUT, "apt on this machine does not work: '%s' failed: %s",
			 argv[0], why != NULL ? why : "no reason given");
}

/* It lies beside the directory of apt's methods. */
int
apt_machine_helper(char **ret_helper, struct error *err)
{
	static const char *const argv[] = {
		"apt-config", "dump", "--no-empty", "--format", "%v", "Dir::Bin::methods", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *directory = NULL;

	if (ask_apt(argv, &result, err) < 0)
		return -1;
	if (result.output[0] != '/')
		return error_set(err, ERR_INPUT,
				 "apt on this machine does not work: Dir::Bin::methods is '%s', "
				 "expected an absolute path",
				 result.output);
	directory = path_directory(result.output);
	*ret_helper = path_join(directory, "apt-helper");
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
add_options(struct strbuf *config, struct error *err)
{
	static const char *const argv[] = {"apt-config", "dump", "--format", "%f %v%n", NULL};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;

	if (ask_apt(argv, &result, err) < 0)
		return -1;
	keep_options(result.output, config);
	return 0;
}

/* Where the machine's apt has the passwords of its servers: a file and a directory, whole paths. */
static int
add_logins(struct strbuf *config, struct error *err)
{
	static const char *const argv[] = {"apt-config",
					   "shell",
					   "Dir::Etc::netrc",
					   "Dir::Etc::netrc/f",
					   "Dir::Etc::netrcparts",
					   "Dir::Etc::netrcparts/d",
					   NULL};
	static const char *const names[] = {"Dir::Etc::netrc", "Dir::Etc::netrcparts"};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;

	if (ask_apt(argv, &result, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *start = xasprintf("%s='", names[i]);
		auto_free char *value = apt_first_line(result.output, start);
		size_t length = value != NULL ? strcspn(value, "'") : 0;

		/* As its own words: a path with a quotation mark cannot be written down. */
		if (length == 0 || value[0] != '/' || memchr(value, '"', length) != NULL)
			continue;
		strbuf_addf(config, "%s \"%.*s\";\n", names[i], (int)length, value);
	}
	return 0;
}

int
apt_machine_options(struct strbuf *config, struct error *err)
{
	return add_options(config, err) < 0 ? -1 : add_logins(config, err);
}

void
apt_bases_clear(struct apt_bases *bases)
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
		return error_set(err, ERR_INPUT, "a Debian mirror must be a base URL");
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
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;

	if (ask_apt(argv, &result, err) < 0)
		return -1;
	if (add_machine_bases(bases, result.output, true, err) < 0 ||
	    (bases->count == 0 && add_machine_bases(bases, result.output, false, err) < 0))
		return -1;
	return 0;
}

int
apt_bases_find(const char *const *urls, size_t count, struct apt_bases *ret_bases,
	       struct error *err)
{
	AUTO(apt_bases_clear) struct apt_bases bases = {NULL, 0};
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
				 "apt on this machine has no Debian source; set %s to the base URL "
				 "of a mirror, or add it to the source's 'urls' in the matrix",
				 MIRROR_VARIABLE);
	*ret_bases = bases;
	bases = (struct apt_bases){NULL, 0};
	return 0;
}
