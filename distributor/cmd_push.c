#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/version.h"
#include "images/push.h"
#include "matrix/matrix.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

extern const struct command cmd_push;

static bool dry_run;
static bool plain_http;
static bool replace_version;
static bool push_part;
static const char *auth_file;
static const char *ca_file;
static const char *layout_dir;
static const char *mount_from;
static struct text_list token_servers;
static uint64_t connections = 6;

/* One repository and how it went. */
struct target {
	struct reference reference;
	struct push_result result;
	struct error err;
	bool failed;
	json_t *effects; /* of a dry run with --json */
};

static const char *
effect_word(const struct push_event *event)
{
	switch (event->effect) {
	case PUSH_KEPT:
		return "kept";
	case PUSH_MOUNTED:
		return "mounted";
	case PUSH_MOVED:
		return "moved";
	case PUSH_SENT:
		break;
	}
	return event->kind == PUSH_TAG ? "new" : "sent";
}

static void
show_event(void *context, const struct push_event *event)
{
	static const char *const kinds[] = {"blob", "manifest", "tag"};
	struct target *target = context;
	char digest[OCI_DIGEST_SIZE], old[OCI_DIGEST_SIZE];

	(void)oci_digest_text(event->digest, digest);
	if (target->effects != NULL) {
		(void)json_array_append_new(
			target->effects,
			json_pack("{s:s, s:s, s:s*, s:s, s:s*, s:I}", "effect", effect_word(event),
				  "kind", kinds[event->kind], "tag", event->tag, "digest", digest,
				  "old",
				  event->old != NULL ? oci_digest_text(event->old, old) : NULL,
				  "size", (json_int_t)event->size));
		return;
	}
	if (event->effect == PUSH_KEPT)
		return;
	(void)printf("would %s %s %s%s%s (%llu bytes)\n",
		     event->effect == PUSH_MOVED     ? "move"
		     : event->effect == PUSH_MOUNTED ? "mount"
						     : "send",
		     kinds[event->kind], event->tag != NULL ? event->tag : "",
		     event->tag != NULL ? " -> " : "", digest, (unsigned long long)event->size);
}

static json_t *
target_json(const struct target *target)
{
	const struct push_result *r = &target->result;
	auto_free char *name = reference_repository(&target->reference);
	json_t *root = json_pack(
		"{s:s, s:b, s:s*, s:{s:I, s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:I}",
		"repository", name, "done", target->failed ? 0 : 1, "error",
		target->failed ? target->err.message : NULL, "blobs", "kept",
		(json_int_t)r->blobs_kept, "mounted", (json_int_t)r->blobs_mounted, "sent",
		(json_int_t)r->blobs_sent, "manifests", "kept", (json_int_t)r->manifests_kept,
		"sent", (json_int_t)r->manifests_sent, "tags", "kept", (json_int_t)r->tags_kept,
		"new", (json_int_t)r->tags_new, "moved", (json_int_t)r->tags_moved, "bytes",
		(json_int_t)r->bytes_sent);

	if (target->effects != NULL)
		(void)json_object_set(root, "effects", target->effects);
	return root;
}

static void
print_target(const struct target *target)
{
	const struct push_result *r = &target->result;
	auto_free char *name = reference_repository(&target->reference);
	auto_free char *bytes = format_bytes(r->bytes_sent);
	size_t writes =
		r->blobs_sent + r->blobs_mounted + r->manifests_sent + r->tags_new + r->tags_moved;

	if (target->failed)
		return;
	if (writes == 0) {
		(void)printf("%s: everything is there already (%zu tags), nothing sent\n", name,
			     r->tags_kept);
		return;
	}
	(void)printf("%s: %s %zu blobs (%zu mounted, %zu there), %zu manifests (%zu there), "
		     "%zu new and %zu moved tags (%zu there); %s\n",
		     name, dry_run ? "would send" : "sent", r->blobs_sent, r->blobs_mounted,
		     r->blobs_kept, r->manifests_sent, r->manifests_kept, r->tags_new,
		     r->tags_moved, r->tags_kept, bytes);
}

/* The tag of the version: the other name of what `latest` is. */
static const char *
layout_version(const struct layout *layout)
{
	const struct layout_tags *tags = layout_tags(layout);
	const struct oci_descriptor *latest = layout_tags_find(tags, "latest");

	for (size_t i = 0; latest != NULL && i < tags->count; i++)
		if (strcmp(tags->items[i].name, "latest") != 0 &&
		    digest_equal(&tags->items[i].descriptor.digest, &latest->digest))
			return tags->items[i].name;
	return NULL;
}

static int
push_one(struct app *app, struct http_client *http, const struct layout *layout,
	 struct target *target, struct error *err)
{
	AUTO(registry_freep) struct registry *registry = NULL;
	const struct registry_options registry_options = {
		.auth = {auth_file, plain_http, token_servers.items, token_servers.count}};
	const struct push_options options = {
		.version = layout_version(layout),
		.replace_version = replace_version,
		.dry_run = dry_run,
		.connections = (unsigned int)connections,
		.mount_from = mount_from,
		.progress = app->progress,
		.event = dry_run ? show_event : NULL,
		.context = target,
	};

	if (registry_open(http, &target->reference, &registry_options, &registry, err) < 0)
		return -1;
	return push_layout(layout, registry, &options, &target->result, err);
}

static void
notice(void *context, const char *sentence)
{
	(void)context;
	log_info("%s", sentence);
}

/* The worst of what happened stands for the whole; each failure has had its line. */
static int
sum_up(struct app *app, struct target *targets, size_t count, struct error *err)
{
	json_t *list = json_array();
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		(void)json_array_append_new(list, target_json(&targets[i]));
		if (!app->json)
			print_target(&targets[i]);
		if (!targets[i].failed)
			continue;
		failed++;
		if (count > 1)
			log_error("%s", targets[i].err.message);
		*err = targets[i].err;
	}
	if (app->json)
		app_print_json(
			json_pack("{s:b, s:o}", "dry_run", dry_run ? 1 : 0, "repositories", list));
	else
		json_decref(list);
	if (failed == 0)
		return 0;
	if (count > 1)
		error_set(err, err->code, "%zu of %zu repositories failed; run it again to go on",
			  failed, count);
	return -1;
}

static int
push_all(struct app *app, const struct layout *layout, struct target *targets, size_t count,
	 struct error *err)
{
	AUTO(http_client_freep) struct http_client *http = NULL;
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	const struct http_options options = {
		.user_agent = agent, .ca_file = ca_file, .notice = notice};

	if (http_client_new(&options, &http, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct target *target = &targets[i];

		if (dry_run && app->json)
			target->effects = json_array();
		target->failed = push_one(app, http, layout, target, &target->err) < 0;
		/* A signal is for all of them; a registry's trouble is its own. */
		if (target->failed && target->err.code == ERR_INTERRUPTED) {
			*err = target->err;
			return -1;
		}
	}
	return sum_up(app, targets, count, err);
}

/* Repositories from the command line, else from the matrix. */
static int
read_targets(struct app *app, int argc, char **argv, struct target **ret_targets, size_t *ret_count,
	     struct error *err)
{
	AUTO(matrix_release) struct matrix matrix = MATRIX_INIT;
	size_t count = (size_t)argc;

	if (argc == 0) {
		if (matrix_load(app->matrix_path, &matrix, err) < 0)
			return -1;
		count = matrix.images.count;
		if (count == 0)
			return error_set(err, ERR_USAGE,
					 "'%s' names no image repository; name one: push "
					 "REGISTRY/PATH",
					 app->matrix_path);
	}
	*ret_targets = xcalloc(count, sizeof(**ret_targets));
	for (size_t i = 0; i < count; i++) {
		const char *name = argc != 0 ? argv[i] : matrix.images.items[i];

		(*ret_count)++;
		if (reference_parse_repository(name, &(*ret_targets)[i].reference, err) < 0)
			return -1;
	}
	return 0;
}

static int
check_layout(const struct layout *layout, struct error *err)
{
	if (layout_part(layout) == NULL || push_part)
		return 0;
	return error_set(
		err, ERR_INPUT,
		"'%s' has a part of the hosts only (%s), and would replace what the others "
		"pull; 'distributor assemble' joins parts, --part pushes it as it is",
		layout_path(layout), layout_part(layout));
}

static int
run_push(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *path =
		layout_dir != NULL ? xstrdup(layout_dir) : path_join(app->out, "images");
	struct target *targets = NULL;
	size_t count = 0;
	int result;

	if (connections == 0 || connections > 64)
		return error_set(err, ERR_USAGE, "--connections takes a number from 1 to 64");
	result = read_targets(app, argc, argv, &targets, &count, err);
	if (result == 0 && app->offline)
		result = error_set(err, ERR_USAGE, "--offline and push contradict each other");
	if (result == 0)
		result = layout_open(path, &layout, err);
	if (result == 0)
		result = check_layout(layout, err);
	if (result == 0)
		result = push_all(app, layout, targets, count, err);
	for (size_t i = 0; i < count; i++) {
		reference_release(&targets[i].reference);
		json_decref(targets[i].effects);
	}
	free(targets);
	return result;
}

static const struct option_spec push_cmd_options[] = {
	{"layout", '\0', "DIR", OPTION_TEXT, &layout_dir, "the OCI layout (default OUT/images)"},
	{"dry-run", 'n', NULL, OPTION_FLAG, &dry_run,
	 "look at what is there and say what would be sent"},
	{"auth-file", '\0', "FILE", OPTION_TEXT, &auth_file,
	 "credentials, in the form of docker's config.json (default:\n"
	 "those of docker, podman and skopeo)"},
	{"ca", '\0', "FILE", OPTION_TEXT, &ca_file,
	 "certificates to trust instead of the system's"},
	{"plain-http", '\0', NULL, OPTION_FLAG, &plain_http,
	 "talk http:// also to other machines than this one"},
	{"token-server", '\0', "HOST", OPTION_LIST, &token_servers,
	 "a host that may see the credentials, besides the\nregistry's own; may be repeated"},
	{"mount-from", '\0', "PATH", OPTION_TEXT, &mount_from,
	 "another repository at the same registry that may have\nsome of the blobs"},
	{"replace-version", '\0', NULL, OPTION_FLAG, &replace_version,
	 "move tags of a version that was published with other\ncontent"},
	{"part", '\0', NULL, OPTION_FLAG, &push_part, "push a layout that lacks hosts"},
	{"connections", '\0', "N", OPTION_NUMBER, &connections,
	 "requests at the same time (default 6)"},
	{.name = NULL},
};

const struct command cmd_push = {
	.name = "push",
	.args = "[REPOSITORY]...",
	.summary = "bring images, indexes and image signatures to registries",
	.description =
		"Pushes OUT/images to each repository (default: those of the matrix): blobs,\n"
		"manifests, indexes, tags of the version, moving tags, 'latest' last; then reads\n"
		"every tag back. What is there is not sent again, so that a push that was cut\n"
		"off is simply started again.\n",
	.examples = "  distributor push --dry-run\n"
		    "  distributor push ghcr.io/owner/qemu-user-static\n",
	.options = push_cmd_options,
	.shared = SHARED_MATRIX | SHARED_OUT | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = -1,
	.run = run_push,
};
