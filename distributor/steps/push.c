/* SPDX-License-Identifier: MIT */
#include "distributor/steps/push.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "distributor/steps/sign_images.h"
#include "distributor/workspace/version.h"
#include "matrix/matrix.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void
step_push_clear(struct step_push *pushing)
{
	for (size_t i = 0; i < pushing->count; i++) {
		reference_clear(&pushing->targets[i].reference);
		json_decref(pushing->targets[i].effects);
	}
	free(pushing->targets);
	*pushing = (struct step_push)STEP_PUSH_INIT;
}

static const char *
effect_word(const struct push_event *event)
{
	switch (event->effect) {
	case PUSH_KEPT:
		return "kept";
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
	struct step_push_target *target = context;
	char digest[OCI_DIGEST_SIZE], old[OCI_DIGEST_SIZE];

	(void)oci_digest_text(event->digest, digest);
	if (target->effects != NULL) {
		jsonx_append(
			target->effects,
			jsonx_pack("{s:s, s:s, s:s*, s:s, s:s*, s:I}", "effect", effect_word(event),
				   "kind", kinds[event->kind], "tag", event->tag, "digest", digest,
				   "old",
				   event->old != NULL ? oci_digest_text(event->old, old) : NULL,
				   "size", (json_int_t)event->size));
		return;
	}
	if (event->effect == PUSH_KEPT)
		return;
	(void)printf("would %s %s %s%s%s (%llu bytes)\n",
		     event->effect == PUSH_MOVED ? "move" : "push", kinds[event->kind],
		     event->tag != NULL ? event->tag : "", event->tag != NULL ? " -> " : "", digest,
		     (unsigned long long)event->size);
}

/* Behind `prefix` in the other name of what `known` is; borrowed from the layout, or NULL. */
static const char *
other_name(const struct layout_tags *tags, const char *known, const char *prefix)
{
	const struct oci_descriptor *image = layout_tags_find(tags, known);

	for (size_t i = 0; image != NULL && i < tags->count; i++) {
		const char *name = tags->items[i].name;

		if (strcmp(name, known) != 0 && text_starts_with(name, prefix) &&
		    digest_equal(&tags->items[i].descriptor.digest, &image->digest))
			return name + strlen(prefix);
	}
	return NULL;
}

/* A part without emulators has no `latest`. */
static const char *
layout_version(const struct layout *layout)
{
	const char *version = other_name(layout_tags(layout), "latest", "");

	return version != NULL ? version : other_name(layout_tags(layout), "register", "register-");
}

static int
push_one(const struct workspace *work, const struct step_push_options *o, struct http_client *http,
	 const struct layout *layout, struct step_push_target *target, struct error *err)
{
	AUTO(registry_freep) struct registry *registry = NULL;
	const struct registry_options registry_options = {
		.auth = registry_access_auth(&o->access, AUTH_LOGIN_NEEDED)};
	const struct push_options options = {
		.version = layout_version(layout),
		.replace_version = o->replace_version,
		.only_version = o->only_version,
		.dry_run = o->dry_run,
		.connections = (unsigned int)o->connections,
		.progress = work->progress,
		.event = o->dry_run && !o->summary ? show_event : NULL,
		.context = target,
	};

	if (registry_open(http, &target->reference, &registry_options, &registry, err) < 0)
		return -1;
	return push_layout(layout, registry, &options, &target->result, err);
}

/* The last error stands for the whole; with several each has its line. */
static int
sum_up(const struct step_push *pushing, struct error *err)
{
	size_t failed = 0;

	for (size_t i = 0; i < pushing->count; i++) {
		const struct step_push_target *target = &pushing->targets[i];

		if (!target->failed)
			continue;
		failed++;
		if (pushing->count > 1)
			log_error("%s", target->err.message);
		*err = target->err;
	}
	if (failed == 0)
		return 0;
	if (pushing->count > 1)
		error_set(err, err->code,
			  "%zu of %zu repositories failed; run the same command again to resume",
			  failed, pushing->count);
	return -1;
}

static int
push_all(const struct workspace *work, const struct step_push_options *o,
	 const struct layout *layout, struct step_push *pushing, struct error *err)
{
	AUTO(http_client_freep) struct http_client *http = NULL;
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	const struct http_options options = {
		.user_agent = agent, .ca_file = o->access.ca_file, .notice = notice_info};

	if (http_client_new(&options, &http, err) < 0)
		return -1;
	for (size_t i = 0; i < pushing->count; i++) {
		struct step_push_target *target = &pushing->targets[i];

		if (o->dry_run && o->list_effects)
			target->effects = json_array();
		target->failed = push_one(work, o, http, layout, target, &target->err) < 0;
		/* A signal is for all of them; a registry's trouble is its own. */
		if (target->failed && target->err.code == ERR_INTERRUPTED) {
			*err = target->err;
			return -1;
		}
		pushing->done++;
	}
	return sum_up(pushing, err);
}

/* Repositories that were named, else those of the matrix. */
static int
read_targets(const struct workspace *work, const struct step_push_options *o,
	     struct step_push *pushing, struct error *err)
{
	const char *const *names = o->repositories;
	size_t count = o->repository_count;

	if (count == 0) {
		names = work->matrix->images.items;
		count = work->matrix->images.count;
		if (count == 0)
			return error_set(
				err, ERR_USAGE,
				"'%s' does not name an image repository; use 'push REGISTRY/PATH'",
				work->matrix_path);
	}
	pushing->targets = xcalloc(count, sizeof(*pushing->targets));
	for (size_t i = 0; i < count; i++)
		if (reference_parse_repository(
			    names[i], &pushing->targets[pushing->count++].reference, err) < 0)
			return -1;
	return 0;
}

/* Only what has a name is pushed: nothing would be sent, and nothing be wrong. */
static int
check_names(const struct layout *layout, const char *images, struct error *err)
{
	if (layout_tags(layout)->count != 0)
		return 0;
	return error_set(err, ERR_INPUT, "'%s' contains no tagged images; run '%s' first",
			 layout_path(layout), images);
}

static int
check_version(const struct layout *layout, const char *version, const char *images,
	      struct error *err)
{
	const char *found = layout_version(layout);

	if (version == NULL || (found != NULL && strcmp(found, version) == 0))
		return 0;
	return error_set(err, ERR_INPUT, "'%s' has version %s, but the matrix has %s; run '%s'",
			 layout_path(layout), found != NULL ? found : "a different version",
			 version, images);
}

/* Images that nobody can verify are no use to those who do, and a surprise to all others. */
static int
check_signatures(const struct workspace *work, const struct layout *layout,
		 const struct keyring *keyring, const struct step_push *pushing, const char *sign,
		 struct error *err)
{
	AUTO(keyring_clear) struct keyring loaded = KEYRING_INIT;

	if (layout_part(layout) != NULL)
		return 0;
	if (keyring == NULL && keyring_load(work->keys, NULL, &loaded, err) < 0)
		return error_prefix(
			err,
			"cannot verify the signatures in '%s'; use --unsigned to push without them",
			layout_path(layout));
	for (size_t i = 0; i < pushing->count; i++) {
		auto_free char *name = reference_repository(&pushing->targets[i].reference);
		struct error why;

		if (step_sign_images_check(layout, name, keyring != NULL ? keyring : &loaded,
					   err) == 0)
			continue;
		why = *err;
		return error_set(err, why.code,
				 "'%s' is not signed for '%s': %s; '%s' signs for the repositories "
				 "in the matrix, --unsigned pushes without signatures",
				 layout_path(layout), name, why.message, sign);
	}
	return 0;
}

static int
check_part(const struct layout *layout, bool part, struct error *err)
{
	if (layout_part(layout) == NULL || part)
		return 0;
	return error_set(
		err, ERR_INPUT,
		"'%s' contains only some of the hosts (%s) and would replace the images of the "
		"others; join parts with 'distributor assemble', or use --part to push anyway",
		layout_path(layout), layout_part(layout));
}

int
step_push(const struct workspace *work, const struct step_push_options *options,
	  struct step_push *ret_pushing, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *path =
		options->layout != NULL ? xstrdup(options->layout) : path_join(work->out, "images");
	/* Where a layout that was named came from is not known. */
	const unsigned int shared =
		SHARED_MATRIX | SHARED_LOCK | (options->layout == NULL ? SHARED_OUT : 0);
	auto_free char *images = workspace_command(work, "images", shared);
	auto_free char *sign = workspace_command(work, "sign", shared);
	const char *version;

	if (options->connections == 0 || options->connections > 64)
		return error_set(err, ERR_USAGE, "--connections requires a number from 1 to 64");
	if (read_targets(work, options, ret_pushing, err) < 0)
		return -1;
	if (work->offline)
		return error_set(err, ERR_USAGE, "--offline cannot be used with push");
	version = options->version;
	if (version == NULL && work->matrix != NULL)
		version = work->matrix->version;
	if (layout_open(path, images, &layout, err) < 0 || check_names(layout, images, err) < 0 ||
	    check_part(layout, options->part, err) < 0 ||
	    check_version(layout, version, images, err) < 0 ||
	    (!options->unsigned_too &&
	     check_signatures(work, layout, options->keyring, ret_pushing, sign, err) < 0))
		return -1;
	return push_all(work, options, layout, ret_pushing, err);
}
