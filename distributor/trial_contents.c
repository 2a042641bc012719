#include "distributor/trial.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/words.h"
#include "distributor/registrars.h"
#include "images/unpack.h"

#include <string.h>
#include <sys/stat.h>

/* What helps against images that were made from something else. */
#define ADVICE "; '%s' makes it anew"

/* The pairs of one host, for parallel_for(). */
struct work {
	struct trial *trial;
	struct trial_host *host;
	const struct layout *layout;
};

/* An unpacked image, and the files that it may have, as paths in it: "/register". */
struct content {
	const char *root, *tag; /* borrowed, as is the next */
	const char *command;    /* which makes images */
	struct words files;
};

static void
content_release(struct content *content)
{
	words_release(&content->files);
}

/* The program that the image of this pair has to have, or NULL if there may be no such image. */
static const struct member *
expected(const struct trial *trial, const struct trial_host *host, const char *target)
{
	if (!matrix_wants_image(trial->matrix, host->arch->name, target))
		return NULL;
	return lock_find_member(trial->lock, host->arch->name, target, NULL);
}

static char *
program_in(const char *root, const char *target)
{
	char name[MEMBER_NAME_SIZE];

	return xasprintf("%s/usr/bin/%s", root, member_name(name, target));
}

/* `path` begins with '/'. A directory may be there if a file in it may. */
static bool
may_have(const struct content *content, const char *path, bool directory)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < content->files.count; i++)
		if (strncmp(content->files.items[i], path, length) == 0 &&
		    content->files.items[i][length] == (directory ? '/' : '\0'))
			return true;
	return false;
}

static int check_listing(const struct content *content, const char *inside, struct error *err);

/* One name in the directory `inside` of the image. */
static int
check_entry(const struct content *content, const char *inside, const char *name, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", inside, name);
	auto_free char *file = xasprintf("%s%s", content->root, path);
	struct stat st;

	if (lstat(file, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot look at '%s'", file);
	if (!may_have(content, path, S_ISDIR(st.st_mode)))
		return error_set(err, ERR_VERIFY, "the image '%s' should have no %s" ADVICE,
				 content->tag, path, content->command);
	return S_ISDIR(st.st_mode) ? check_listing(content, path, err) : 0;
}

/* Nothing but these files, and the directories that they are in. */
static int
check_listing(const struct content *content, const char *inside, struct error *err)
{
	auto_free char *path = xasprintf("%s%s", content->root, inside);
	AUTO(words_release) struct words names = WORDS_INIT;

	if (directory_names(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (check_entry(content, inside, names.items[i], err) < 0)
			return -1;
	return 0;
}

static int
check_program(const struct content *content, const struct member *member, struct error *err)
{
	auto_free char *path = program_in(content->root, member->target);
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen;

	if (digest_file(path, &seen, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_VERIFY, "the image '%s' has no qemu-%s-static" ADVICE,
				 content->tag, member->target, content->command);
	}
	if (!digest_equal(&seen, &member->sha256))
		return error_set(err, ERR_VERIFY,
				 "sha256 of qemu-%s-static in the image '%s' is %s, the lock says "
				 "%s" ADVICE,
				 member->target, content->tag, digest_hex(&seen, got),
				 digest_hex(&member->sha256, want), content->command);
	return 0;
}

/* The image of a pair: its program alone. */
static int
check_root(const struct trial *trial, const char *root, const char *tag,
	   const struct member *member, struct error *err)
{
	AUTO(content_release)
	struct content content = {.root = root, .tag = tag, .command = trial->images_command};

	(void)words_take(&content.files, program_in("", member->target));
	if (check_program(&content, member, err) < 0)
		return -1;
	return check_listing(&content, "", err);
}

static int
unpack_pair(const struct work *work, const char *tag, const struct member *member,
	    struct error *err)
{
	auto_free char *root = trial_path(work->trial, tag);
	int result;

	if (make_directories(root, err) < 0)
		return -1;
	result = image_unpack(work->layout, tag, work->host->arch, root, err);
	if (result < 0)
		error_prefix(err, "the image '%s'", tag);
	if (result == 0)
		result = check_root(work->trial, root, tag, member, err);
	remove_tree(root);
	return result;
}

static int
check_pair(const struct work *work, const char *tag, const struct member *member, struct error *err)
{
	bool there = layout_tags_find(layout_tags(work->layout), tag) != NULL;

	if (member == NULL)
		return error_set(err, ERR_VERIFY,
				 "the image '%s' is of a pair that this release has not; "
				 "'%s' takes it away",
				 tag, work->trial->images_command);
	if (!there)
		return error_set(err, ERR_VERIFY, "there is no image '%s'" ADVICE, tag,
				 work->trial->images_command);
	return unpack_pair(work, tag, member, err);
}

static int
try_pair(size_t index, void *context, struct error *err)
{
	const struct work *work = context;
	const char *target = target_table[index];
	const struct member *member = expected(work->trial, work->host, target);
	auto_free char *tag = xasprintf("%s-%s", work->host->arch->name, target);
	int result;

	if (!trial_wants(work->trial, target) ||
	    (member == NULL && layout_tags_find(layout_tags(work->layout), tag) == NULL))
		return 0;
	result = check_pair(work, tag, member, err);
	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	trial_add(work->trial, work->host, TRIAL_IMAGE, target,
		  result < 0 ? TRIAL_FAILED : TRIAL_OK, result < 0 ? err->message : NULL);
	return 0;
}

int
trial_contents_of_pairs(struct trial *trial, struct trial_host *host, const struct layout *layout,
			struct error *err)
{
	struct work work = {trial, host, layout};

	return parallel_for(target_count, (unsigned int)trial->app->jobs, try_pair, &work, err);
}

bool
trial_wants_all_in_one(const struct trial *trial, const struct trial_host *host)
{
	for (size_t i = 0; i < target_count; i++)
		if (expected(trial, host, target_table[i]) != NULL)
			return true;
	return false;
}

int
trial_contents_without_all(struct trial *trial, struct trial_host *host,
			   const struct layout *layout, struct error *err)
{
	bool there;

	if (image_is_there(layout, "latest", host->arch, &there, err) < 0) {
		if (err->code == ERR_INTERRUPTED)
			return -1;
		trial_add(trial, host, TRIAL_IMAGE, "latest", TRIAL_FAILED, err->message);
	} else if (there) {
		auto_free char *reason =
			xasprintf("the image 'latest' is of no pair that this release has; '%s' "
				  "takes it away",
				  trial->images_command);

		trial_add(trial, host, TRIAL_IMAGE, "latest", TRIAL_FAILED, reason);
	}
	return 0;
}

/* The programs of the image of all, and the files that it may have. */
static int
check_programs(const struct trial *trial, const struct trial_host *host, struct content *content,
	       struct error *err)
{
	for (size_t i = 0; i < target_count; i++) {
		const struct member *member = expected(trial, host, target_table[i]);
		bool wanted = trial_wants(trial, target_table[i]);

		if (wanted && member != NULL && check_program(content, member, err) < 0)
			return -1;
		/* Nothing is said about one that was not asked for. */
		if (!wanted || member != NULL)
			(void)words_take(&content->files, program_in("", target_table[i]));
	}
	return 0;
}

static int
check_registrar(const struct content *content, const char *registrar, struct error *err)
{
	auto_free char *path = path_join(content->root, "register");
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen, ours;

	if (digest_file(registrar, &ours, NULL, err) < 0)
		return -1;
	if (digest_file(path, &seen, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_VERIFY, "the image '%s' has no /register" ADVICE,
				 content->tag, content->command);
	}
	if (!digest_equal(&seen, &ours))
		return error_set(err, ERR_VERIFY,
				 "sha256 of /register in the image '%s' is %s, of '%s' it is "
				 "%s" ADVICE "; other registrars are named with --registrars",
				 content->tag, digest_hex(&seen, got), registrar,
				 digest_hex(&ours, want), content->command);
	return 0;
}

int
trial_contents_of_root(struct trial *trial, struct trial_host *host, const char *tag,
		       const char *root, struct error *err)
{
	AUTO(content_release)
	struct content content = {.root = root, .tag = tag, .command = trial->images_command};
	auto_free char *registrar = NULL;
	enum trial_outcome outcome = TRIAL_OK;

	words_add(&content.files, "/register");
	if ((strcmp(tag, "latest") == 0 && check_programs(trial, host, &content, err) < 0) ||
	    check_listing(&content, "", err) < 0)
		outcome = TRIAL_FAILED;
	else if (registrar_find(trial->registrars, host->arch, &registrar, err) < 0)
		outcome = TRIAL_SKIPPED;
	else if (check_registrar(&content, registrar, err) < 0)
		outcome = TRIAL_FAILED;
	if (outcome != TRIAL_OK && err->code == ERR_INTERRUPTED)
		return -1;
	trial_add(trial, host, TRIAL_IMAGE, tag, outcome,
		  outcome != TRIAL_OK ? err->message : NULL);
	return 0;
}
