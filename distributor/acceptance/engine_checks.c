/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/engine_checks.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/acceptance/acceptance.h"
#include "distributor/acceptance/engine.h"
#include "distributor/acceptance/guest_program.h"
#include "distributor/acceptance/sandbox.h"
#include "distributor/cli/table.h"
#include "pack/tar.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What images that are loaded or made here are called in the engine. */
#define LOADED  "localhost/distributor-test"
#define FOREIGN LOADED ":foreign"
#define COPIED  LOADED ":copied"

enum { MAX_TAGS = 4, ENTRY_MAX = 8192 };

struct session {
	const struct app *app;
	char *work;
	char *images; /* the layout */
	const struct engine_options *options;
	struct engine engine;
	const char *repository;
	const char *foreign; /* an image of the target's architecture */
	const char *target;  /* whose programs are tried */
	char *entry;         /* the kernel's, of that target */
	char *pair;          /* tag of this machine's emulator of it */
	bool had_entry;      /* before anything was done */
	bool registered;     /* a registrar has run */
};

/* One of the six. */
struct check {
	const char *name;
	int (*run)(struct session *session, struct error *err);
};

static void
session_clear(struct session *session)
{
	words_clear(&session->engine.command);
	words_clear(&session->engine.run_options);
	if (session->work != NULL)
		remove_tree(session->work);
	free(session->work);
	free(session->images);
	free(session->entry);
	free(session->pair);
}

/* The text of the entry has to have a line that is exactly this one. */
static int
check_entry(const struct session *session, const char *line, struct error *err)
{
	auto_close int fd = open(session->entry, O_RDONLY | O_CLOEXEC);
	char text[ENTRY_MAX];
	ssize_t length;

	if (fd < 0)
		return error_set_errno(
			err, ERR_VERIFY,
			"the engine registered and there is no '%s' here (if it runs "
			"containers in a user namespace or on another machine, run "
			"this there)",
			session->entry);
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", session->entry);
	text[length] = '\0';
	for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1) {
		if (strncmp(at, line, strlen(line)) == 0 && at[strlen(line)] == '\n')
			return 0;
		if (strchr(at, '\n') == NULL)
			break;
	}
	return error_set(err, ERR_VERIFY, "'%s' has no line '%s': %s", session->entry, line, text);
}

static int
register_with(struct session *session, const char *tag, const char *const *arguments,
	      const char *line, struct error *err)
{
	auto_free char *image = xasprintf("%s:%s", session->repository, tag);
	const char *argv[8] = {image};
	auto_free char *said = NULL;

	for (size_t i = 0; arguments[i] != NULL && i + 2 < ARRAY_SIZE(argv); i++)
		argv[i + 1] = arguments[i];
	if (engine_run_container(&session->engine, true, argv, 0, &said, err) < 0)
		return -1;
	session->registered = true;
	return check_entry(session, line, err);
}

static int
check_persistent(struct session *session, struct error *err)
{
	static const char *const arguments[] = {"--reset", "-p", "yes", NULL};

	return register_with(session, "latest", arguments, "flags: F", err);
}

static int
check_register(struct session *session, struct error *err)
{
	static const char *const arguments[] = {"--reset", NULL};

	return register_with(session, "register", arguments, "flags: ", err);
}

/* A container of the target's architecture says what it is. */
static int
run_guest(const struct session *session, const char *image, struct error *err)
{
	const bool ours = session->options->foreign_image == NULL;
	const char *const program[] = {image, "/program", NULL};
	const char *const uname[] = {image, "uname", "-m", NULL};
	auto_free char *said = NULL;
	size_t length = strlen(session->target);

	if (engine_run_container(&session->engine, false, ours ? program : uname,
				 ours ? FOREIGN_STATUS : 0, &said, err) < 0)
		return -1;
	if (strncmp(said, session->target, length) != 0 || strchr(" \r\n", said[length]) == NULL)
		return error_set(err, ERR_VERIFY, "the container says '%.80s', not '%s'", said,
				 session->target);
	return 0;
}

static int
check_foreign(struct session *session, struct error *err)
{
	return run_guest(session, session->foreign, err);
}

static int
check_version(const struct session *session, const char *tag, struct error *err)
{
	auto_free char *image = xasprintf("%s:%s", session->repository, tag);
	auto_free char *program = xasprintf("/usr/bin/qemu-%s-static", session->target);
	auto_free char *begin = xasprintf("qemu-%s version ", session->target);
	const char *const argv[] = {image, program, "--version", NULL};
	auto_free char *said = NULL;

	if (engine_run_container(&session->engine, false, argv, 0, &said, err) < 0)
		return -1;
	if (!text_starts_with(said, begin))
		return error_set(err, ERR_VERIFY, "it says '%.80s', not '%s...'", said, begin);
	return 0;
}

static int
check_target_image(struct session *session, struct error *err)
{
	return check_version(session, session->target, err);
}

static int
check_pair_image(struct session *session, struct error *err)
{
	return check_version(session, session->pair, err);
}

/*
 * An image of the target's architecture with the emulator copied into it: without flag F the kernel
 * looks for it there.
 */
static int
check_copy(struct session *session, struct error *err)
{
	auto_free char *directory = path_join(session->work, "build");
	auto_free char *path = path_join(directory, "Dockerfile");
	auto_free char *text =
		xasprintf("FROM %s\nCOPY --from=%s:%s /usr/bin/qemu-%s-static /usr/bin/\n",
			  session->foreign, session->repository, session->pair, session->target);
	const char *const argv[] = {"build", "-q", "-t", COPIED, directory, NULL};
	auto_free char *said = NULL;

	if (make_directories(directory, err) < 0 ||
	    write_file(path, text, strlen(text), 0644, err) < 0 ||
	    engine_call(&session->engine, argv, 0, &said, err) < 0)
		return -1;
	return run_guest(session, COPIED, err);
}

/* In the order in which one makes ready what the next one needs. */
static const struct check checks[] = {
	{"IMAGE --reset -p yes: flags: F", check_persistent},
	{"a foreign container runs with nothing in it", check_foreign},
	{"IMAGE:register --reset: flags: none", check_register},
	{"IMAGE:TO runs its emulator", check_target_image},
	{"IMAGE:FROM-TO runs its emulator", check_pair_image},
	{"COPY --from=IMAGE:FROM-TO, and a foreign container runs", check_copy},
};

/* An image with nothing but the tiny program. */
static int
make_guest(const struct session *session, struct error *err)
{
	enum { SIZE = TAR_BLOCK + TAR_BLOCK + TAR_TRAILER };
	auto_free uint8_t *archive = xcalloc(1, SIZE);
	auto_free char *path = path_join(session->work, "foreign.tar");
	const char *const argv[] = {"import", path, FOREIGN, NULL};
	auto_free char *said = NULL;

	tar_file_header(archive, "program", FOREIGN_SIZE, 0);
	if (!guest_program(session->target, archive + TAR_BLOCK))
		return error_set(err, ERR_INPUT, "there is no tiny program for %s",
				 session->target);
	if (write_file(path, archive, SIZE, 0644, err) < 0 ||
	    engine_call(&session->engine, argv, 0, &said, err) < 0)
		return error_prefix(err, "cannot import an image");
	return 0;
}

/*
 * Docker before 25 cannot load a layout. Podman can pull from one, but takes its path for the
 * image's name, and not every path can be one. So skopeo makes an archive.
 */
static int
load_image(const struct session *session, const char *tag, struct error *err)
{
	auto_free char *file = xasprintf("%s/%s.tar", session->work, tag);
	auto_free char *from = xasprintf("oci:%s:%s", session->images, tag);
	auto_free char *to = xasprintf("docker-archive:%s:" LOADED ":%s", file, tag);
	const char *const copy[] = {"skopeo", "--insecure-policy", "copy", "-q", from, to, NULL};
	const char *const load[] = {"load", "-q", "-i", file, NULL};
	auto_free char *copied = NULL;
	auto_free char *loaded = NULL;

	if (engine_call_program(&session->engine, copy, &copied, err) < 0)
		return err->code == ERR_NOT_FOUND
			       ? error_prefix(err, "loading images takes skopeo; or push them and "
						   "name them with --image")
			       : -1;
	if (engine_call(&session->engine, load, 0, &loaded, err) < 0)
		return -1;
	(void)unlink(file);
	return 0;
}

static int
load_images(const struct session *session, struct error *err)
{
	const char *const tags[MAX_TAGS] = {"latest", "register", session->target, session->pair};
	auto_free char *command = workspace_command(&session->app->work, "images",
						    SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	bool there;

	if (path_exists(session->images, &there, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ERR_INPUT, "'%s' is not there; '%s' makes it",
				 session->images, command);
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (load_image(session, tags[i], err) < 0)
			return error_prefix(err, "cannot load the image '%s' into %s", tags[i],
					    session->options->name);
	return 0;
}

/* Takes the images away that were loaded and made here. A failure is no harm. */
static void
remove_images(const struct session *session)
{
	AUTO(words_clear) struct words words = WORDS_INIT;
	const char *const made[] = {"foreign",  "copied",        "latest",
				    "register", session->target, session->pair};
	size_t count = session->options->image != NULL ? 2 : ARRAY_SIZE(made);
	struct error ignored = ERROR_INIT;
	auto_free char *said = NULL;

	words_add(&words, "rmi");
	words_add(&words, "-f");
	for (size_t i = 0; i < count; i++)
		(void)words_take(&words, xasprintf(LOADED ":%s", made[i]));
	(void)!engine_call(&session->engine, words_argv(&words), 0, &said, &ignored);
}

/*
 * The last registration holds no emulator open, so that nothing foreign would run any more. Where
 * there was an entry before, the images' own stay, else none.
 */
static void
leave_entries(const struct session *session)
{
	auto_free char *image = xasprintf("%s:latest", session->repository);
	const char *const again[] = {image, "--reset", "-p", "yes", NULL};
	const char *const none[] = {image, "--uninstall", "*", NULL};
	struct error err = ERROR_INIT;
	auto_free char *said = NULL;

	if (session->registered &&
	    engine_run_container(&session->engine, true, session->had_entry ? again : none, 0,
				 &said, &err) < 0)
		log_warning("the entries of the last check are still there: %s", err.message);
}

/* The whole machine's entries are somebody's: that they are replaced has to be meant. */
static int
check_consent(const struct session *session, struct error *err)
{
	char map[128] = "";
	unsigned int inside, outside, count;
	auto_close int fd = open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC);

	if (session->options->machine_wide)
		return 0;
	if (fd >= 0 && read(fd, map, sizeof(map) - 1) > 0 &&
	    sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 &&
	    (outside != 0 || count != UINT32_MAX))
		return 0;
	return error_set(err, ERR_USAGE,
			 "this replaces the entries qemu-* of the whole machine; if that is meant, "
			 "say --machine-wide");
}

static json_t *
check_json(const struct check *check, bool good, const struct error *err)
{
	return jsonx_pack("{s:s, s:s, s:s*}", "check", check->name, "result",
			  good ? "ok" : "failed", "reason", good ? NULL : err->message);
}

static int
run_checks(struct session *session, struct error *err)
{
	static const char *const headers[] = {"check", "result"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));
	json_t *list = json_array();
	size_t failed = 0;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct error why = ERROR_INIT;
		bool good = checks[i].run(session, &why) == 0;

		if (!good && why.code == ERR_INTERRUPTED) {
			json_decref(list);
			*err = why;
			return -1;
		}
		failed += !good;
		if (!good)
			log_error("%s: %s", checks[i].name, why.message);
		table_add(table, checks[i].name);
		table_add(table, good ? "ok" : "failed");
		jsonx_append(list, check_json(&checks[i], good, &why));
	}
	if (session->app->json)
		app_print_json(jsonx_pack("{s:s, s:s, s:o, s:I}", "engine", session->options->name,
					  "image", session->repository, "checks", list, "failed",
					  (json_int_t)failed));
	else {
		json_decref(list);
		if (!session->app->quiet)
			table_print(table, TABLE_TEXT);
	}
	if (failed != 0)
		return error_set(err, ERR_VERIFY, "%zu of %zu checks failed", failed,
				 ARRAY_SIZE(checks));
	return 0;
}

static int
open_session(struct session *session, struct error *err)
{
	const struct engine_options *options = session->options;
	const struct arch *machine = acceptance_machine();

	if (check_consent(session, err) < 0)
		return -1;
	if (machine == NULL)
		return error_set(err, ERR_INPUT, "there are no images for this machine");
	session->target = strcmp(machine->qemu, "aarch64") == 0 ? "x86_64" : "aarch64";
	session->entry = xasprintf(BINFMT_PATH "/qemu-%s", session->target);
	if (path_exists(session->entry, &session->had_entry, err) < 0)
		return -1;
	session->pair = xasprintf("%s-%s", machine->name, session->target);
	session->images = path_join(session->app->work.out, "images");
	words_split(&session->engine.command,
		    options->command != NULL ? options->command : options->name);
	for (size_t i = 0; i < options->run.count; i++)
		words_split(&session->engine.run_options, options->run.items[i]);
	return temporary_directory("distributor-test", &session->work, err);
}

int
engine_try(const struct app *app, const struct engine_options *options, unsigned int timeout_sec,
	   struct error *err)
{
	AUTO(session_clear)
	struct session session = {
		.app = app,
		.options = options,
		.repository = options->image != NULL ? options->image : LOADED,
		.foreign = options->foreign_image != NULL ? options->foreign_image : FOREIGN,
		.engine = {.timeout_ms = timeout_sec * 1000},
	};
	int result;

	if (open_session(&session, err) < 0)
		return -1;
	result = options->image != NULL ? 0 : load_images(&session, err);
	if (result == 0 && options->foreign_image == NULL)
		result = make_guest(&session, err);
	if (result == 0)
		result = run_checks(&session, err);
	leave_entries(&session);
	remove_images(&session);
	return result;
}
