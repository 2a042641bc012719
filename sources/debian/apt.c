/* SPDX-License-Identifier: MIT */
#include "sources/debian/apt.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/process.h"
#include "base/strbuf.h"
#include "sources/debian/apt_root.h"
#include "sources/debian/deb822.h"
#include "sources/debian/deb_control.h"
#include "sources/debian/release_file.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Far above the largest one (75 MB). */
#define MAX_PACKAGE_BYTES ((uint64_t)2 << 30)

/* Where Debian has had the static programs, the older name first; see deb_control.h. */
static const char *const usual_names[] = {"qemu-user-static", "qemu-user"};

static int
open_root(const struct apt_source *source, const char *debian_arch, struct apt_root *ret_root,
	  struct error *err)
{
	auto_free char *name = xasprintf("%s-%s-%s", source->key, source->suite, debian_arch);
	auto_free char *directory = NULL;

	/* A suite can be "buster/updates". */
	for (char *p = name; *p != '\0'; p++)
		if (*p == '/')
			*p = '_';
	directory = path_join(source->directory, name);
	return apt_root_open(directory, source->suite, debian_arch, source->keyring,
			     source->allow_expired, ret_root, err);
}

/* The signature of the lists at hand, and whether they are of the suite that was asked for. */
static int
verify_release(const struct apt_source *source, const struct apt_root *root,
	       struct release *ret_release, struct error *err)
{
	const struct release_keys keys = {source->keys, source->key_count};
	auto_free char *clearsigned = NULL;
	auto_free char *detached = NULL;
	auto_free char *plain = NULL;
	AUTO(release_clear) struct release release = RELEASE_INIT;

	if (apt_root_find_list(root, "_InRelease", &clearsigned, err) < 0 ||
	    apt_root_find_list(root, "_Release.gpg", &detached, err) < 0 ||
	    apt_root_find_list(root, "_Release", &plain, err) < 0)
		return -1;
	if (clearsigned == NULL && (detached == NULL || plain == NULL))
		return error_set(err, ERR_VERIFY, "apt has no signed list for '%s'", source->suite);
	if (release_verify(clearsigned != NULL ? clearsigned : plain,
			   clearsigned != NULL ? NULL : detached, root->keyring, &keys,
			   root->directory, &release, err) < 0)
		return -1;
	/* apt only warns about it: a mirror could serve a signed file of another suite. */
	if ((release.codename == NULL || strcmp(release.codename, source->suite) != 0) &&
	    (release.suite == NULL || strcmp(release.suite, source->suite) != 0))
		return error_set(err, ERR_VERIFY,
				 "the archive serves '%s' (%s), expected suite '%s'",
				 release.codename != NULL ? release.codename : "nothing",
				 release.suite != NULL ? release.suite : "no suite", source->suite);
	*ret_release = release;
	release = (struct release)RELEASE_INIT;
	return 0;
}

static int
update_and_verify(const struct apt_source *source, const struct apt_root *root, const char *base,
		  struct release *ret_release, struct error *err)
{
	auto_free char *notice = NULL;

	if (apt_root_update(root, base, &notice, err) < 0)
		return -1;
	if (notice != NULL && source->warn != NULL)
		source->warn(source->warn_context, notice);
	return verify_release(source, root, ret_release, err);
}

/*
 * Lists of the first mirror that gives good ones. The first one's error is the one to report, but
 * being stopped is no reason to try the next.
 */
static int
update_from_any(const struct apt_source *source, const struct apt_root *root,
		struct release *ret_release, struct error *err)
{
	AUTO(apt_bases_clear) struct apt_bases bases = {NULL, 0};
	struct error other = ERROR_INIT;

	if (apt_bases_find(source->urls, source->url_count, &bases, err) < 0)
		return -1;
	for (size_t i = 0; i < bases.count; i++) {
		struct error *where = i == 0 ? err : &other;

		if (update_and_verify(source, root, bases.urls[i], ret_release, where) == 0)
			return 0;
		if (where->code == ERR_INTERRUPTED) {
			*err = *where;
			return -1;
		}
	}
	return error_prefix(err, "suite '%s' for %s", source->suite, root->arch);
}

/* What one paragraph of `apt-cache show` says of where the file is. */
static int
take_file(const struct deb822 *entry, const char *label, struct package *package, struct error *err)
{
	const char *file, *size, *sha256;
	uint64_t bytes;

	if (deb822_require(entry, "Filename", label, &file, err) < 0 ||
	    deb822_require(entry, "Size", label, &size, err) < 0 ||
	    deb822_require(entry, "SHA256", label, &sha256, err) < 0)
		return -1;
	if (!parse_uint(size, MAX_PACKAGE_BYTES, &bytes) || bytes == 0)
		return error_set(err, ERR_INPUT, "%s: '%s' is not a valid package size", label,
				 size);
	if (!digest_parse(sha256, &package->sha256))
		return error_set(err, ERR_INPUT, "%s: '%s' is not a SHA-256", label, sha256);
	if (file[0] == '/' || strstr(file, "..") != NULL || strchr(file, ' ') != NULL ||
	    !text_ends_with(file, ".deb") || path_base(file)[0] == '.')
		return error_set(err, ERR_INPUT, "%s: '%s' is not a valid package path", label,
				 file);
	package->size = bytes;
	package->pool_path = xstrdup(file);
	package->file = xstrdup(path_base(file));
	return 0;
}

/* The candidates that the lists have, by the names given; each why-not is collected. */
struct choice {
	const char *arch;
	struct package package; /* the chosen one, by its name */
	struct strbuf reasons;
};

static void
choice_clear(struct choice *choice)
{
	package_clear(&choice->package);
	strbuf_clear(&choice->reasons);
}

static int
consider(struct choice *choice, const struct deb822 *entry, struct error *err)
{
	AUTO(package_clear) struct package package = {0};
	const char *why = deb_control_why_not_static(entry);

	if (deb_control_fill(entry, "apt-cache", &package, err) < 0)
		return -1;
	if (strcmp(package.arch, choice->arch) != 0)
		why = "is for another architecture";
	if (why != NULL) {
		strbuf_addf(&choice->reasons, "%s'%s' %s %s",
			    choice->reasons.length > 0 ? "; " : "", package.name, package.version,
			    why);
		return 0;
	}
	if (choice->package.name != NULL)
		return 0;
	if (take_file(entry, package.name, &package, err) < 0)
		return -1;
	choice->package = package;
	package = (struct package){0};
	return 0;
}

/* Asks the lists about the newest package of the name, or of the usual names if it is NULL. */
static int
choose(const struct apt_root *root, const char *name, struct choice *choice, struct error *err)
{
	const char *argv[8] = {"apt-cache", "show", "--no-all-versions"};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	size_t offset = 0, used = 3;
	int r;

	if (name != NULL)
		argv[used++] = name;
	for (size_t i = 0; name == NULL && i < ARRAY_SIZE(usual_names); i++)
		argv[used++] = usual_names[i];
	choice->arch = root->arch;
	/* It fails when none of the names exists, which the caller sees by the empty choice. */
	if (apt_root_run(root, argv, NULL, NULL, NULL, &result, err) < 0)
		return -1;
	for (;;) {
		AUTO(deb822_clear) struct deb822 entry = DEB822_INIT;

		r = deb822_next(result.output, result.length, &offset, "apt-cache", &entry, err);
		if (r <= 0)
			return r;
		if (consider(choice, &entry, err) < 0)
			return -1;
	}
}

static int
explain_no_choice(const struct apt_source *source, const struct choice *choice, struct error *err)
{
	if (choice->reasons.length > 0)
		return error_set(err, ERR_INPUT, "suite '%s' for %s: %s", source->suite,
				 choice->arch, strbuf_text(&choice->reasons));
	/* By signed lists, complete: not a server that is late, but a name that is wrong. */
	return error_set(err, ERR_INPUT, "suite '%s' has no package '%s' for %s", source->suite,
			 source->package != NULL ? source->package : "qemu-user", choice->arch);
}

int
apt_resolve(const struct apt_source *source, const struct arch *host, struct package *ret_package,
	    struct error *err)
{
	AUTO(apt_root_clear) struct apt_root root = APT_ROOT_INIT;
	AUTO(release_clear) struct release release = RELEASE_INIT;
	AUTO(choice_clear) struct choice choice = {.reasons = STRBUF_INIT};
	struct package *package = &choice.package;

	if (host->debian == NULL)
		return error_set(err, ERR_INPUT, "Debian has no port to %s", host->name);
	if (open_root(source, host->debian, &root, err) < 0 ||
	    update_from_any(source, &root, &release, err) < 0 ||
	    choose(&root, source->package, &choice, err) < 0)
		return -1;
	if (package->name == NULL)
		return explain_no_choice(source, &choice, err);
	package->type = SOURCE_APT;
	package->source = xstrdup(source->key);
	package->host = xstrdup(host->name);
	package->suite = xstrdup(source->suite);
	package->signer = xstrdup(release.signer);
	package->signed_sec = release.date_sec;
	*ret_package = *package;
	*package = (struct package){0};
	return 0;
}

/* One download; apt writes "dlstatus:NUMBER:PERCENT:TEXT" lines while it goes on. */
struct download {
	struct progress_task *task;
	const char *path;
	uint64_t size;
	bool too_large;
};

/* apt knows the digest, but not where to stop a server that sends for ever. */
static bool
watch_download(void *context, const char *line)
{
	struct download *download = context;
	struct stat st;

	(void)line;
	if (lstat(download->path, &st) < 0 || !S_ISREG(st.st_mode))
		return true;
	download->too_large = (uint64_t)st.st_size > download->size;
	if (!download->too_large)
		progress_set(download->task, (uint64_t)st.st_size);
	return !download->too_large;
}

static int
check_file(const struct package *package, const char *path, struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest digest;
	uint64_t size;

	if (digest_file(path, &digest, &size, err) < 0)
		return -1;
	if (size == package->size && digest_equal(&digest, &package->sha256))
		return 0;
	return error_set(
		err, ERR_VERIFY,
		"sha256 is %s and size %" PRIu64 ", expected %s and %" PRIu64 " as in the lock",
		digest_hex(&digest, got), size, digest_hex(&package->sha256, want), package->size);
}

/* apt makes a link for a file: mirror; what it leads to is the package. */
static int
check_download(const struct package *package, const char *path, char **ret_path, struct error *err)
{
	auto_free char *real = realpath(path, NULL);

	if (real == NULL)
		return error_set_errno(err, ERR_IO, "apt did not write '%s'", path);
	if (check_file(package, real, err) < 0) {
		(void)unlink(path);
		return -1;
	}
	*ret_path = TAKE(real);
	return 0;
}

/* apt says that it cannot write, and not always why. */
static int
explain_no_room(const struct package *package, const char *path, struct error *err)
{
	auto_free char *directory = path_directory(path);
	struct statvfs room;

	if (statvfs(directory, &room) < 0 ||
	    (uint64_t)room.f_bavail * room.f_frsize >= package->size)
		return -1;
	return error_set(err, ERR_IO, "no space left on device in '%s'", directory);
}

/* From one mirror. What has arrived stays for another try. */
static int
download(const struct apt_root *root, const char *base, const struct package *package,
	 const char *path, struct progress_task *task, struct error *err)
{
	char hex[DIGEST_HEX_SIZE];
	auto_free char *url = xasprintf("%s/%s", base, package->pool_path);
	auto_free char *sha256 = xasprintf("SHA256:%s", digest_hex(&package->sha256, hex));
	const char *const argv[] = {
		root->helper, "-q",   "-o", "APT::Status-Fd=3", "download-file", url,
		path,         sha256, NULL};
	struct download context = {task, path, package->size, false};
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;

	if (apt_root_run(root, argv, NULL, watch_download, &context, &result, err) < 0)
		return -1;
	if (context.too_large) {
		(void)unlink(path);
		return error_set(err, ERR_VERIFY,
				 "it is larger than the %" PRIu64 " bytes in the lock",
				 package->size);
	}
	if (result.status == 0)
		return 0;
	(void)apt_failure(result.errors, err);
	return err->code == ERR_IO ? explain_no_room(package, path, err) : -1;
}

/* A file that is whole from an earlier call; anything else there is for apt to go on with. */
static bool
is_complete(const struct package *package, const char *path)
{
	struct error ignored = ERROR_INIT;
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == package->size && check_file(package, path, &ignored) == 0;
}

static int
download_from_any(const struct apt_root *root, const struct apt_bases *bases,
		  const struct package *package, const char *path, struct progress_task *task,
		  char **ret_path, struct error *err)
{
	struct error other = ERROR_INIT;

	for (size_t i = 0; i < bases->count; i++) {
		struct error *where = i == 0 ? err : &other;

		if (download(root, bases->urls[i], package, path, task, where) == 0 &&
		    check_download(package, path, ret_path, where) == 0) {
			progress_set(task, package->size);
			return 0;
		}
		if (where->code == ERR_INTERRUPTED) {
			*err = *where;
			return -1;
		}
	}
	return -1;
}

/* Adds what the suite has now, if that can be found out. */
static int
explain_vanished(const struct apt_source *source, const struct apt_root *root,
		 const struct package *package, struct error *err)
{
	AUTO(choice_clear) struct choice newest = {.reasons = STRBUF_INIT};
	AUTO(release_clear) struct release release = RELEASE_INIT;
	struct error ignored = ERROR_INIT;
	const char *version = NULL;

	if (update_from_any(source, root, &release, &ignored) == 0 &&
	    choose(root, package->name, &newest, &ignored) == 0)
		version = newest.package.version;
	return error_set(
		err, ERR_NOT_FOUND,
		"'%s' %s for %s is no longer in the archive%s%s; run '%s' to use the current "
		"version, or add an archive that keeps old packages to the 'urls' of source '%s'",
		package->name, package->version, package->arch,
		version != NULL ? ", whose suite now has " : "", version != NULL ? version : "",
		source->lock_command, source->key);
}

int
apt_fetch(const struct apt_source *source, const struct package *package, const char *directory,
	  struct progress_task *task, char **ret_path, struct error *err)
{
	AUTO(apt_root_clear) struct apt_root root = APT_ROOT_INIT;
	AUTO(apt_bases_clear) struct apt_bases bases = {NULL, 0};
	auto_free char *path = NULL;

	assert(package->type == SOURCE_APT && strchr(package->file, '/') == NULL);
	if (make_directories(directory, err) < 0)
		return -1;
	path = path_join(directory, package->file);
	if (is_complete(package, path)) {
		*ret_path = TAKE(path);
		return 0;
	}
	if (open_root(source, package->arch, &root, err) < 0 ||
	    apt_bases_find(source->urls, source->url_count, &bases, err) < 0)
		return -1;
	if (download_from_any(&root, &bases, package, path, task, ret_path, err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND)
		return explain_vanished(source, &root, package, err);
	return -1;
}
