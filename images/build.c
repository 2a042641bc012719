/* SPDX-License-Identifier: MIT */
#include "images/build.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "images/layers.h"
#include "images/reference.h"

#include <string.h>

/* QEMU as a whole is released under version 2 (its LICENSE); the registrar is ours. */
#define QEMU_LICENSE      "GPL-2.0-only"
#define REGISTRAR_LICENSE "MIT"

/* One pair: its tarball, and what becomes of it. */
struct pair {
	const struct image_host *host;
	const char *target;
	const struct image_tarball *tarball;
	struct image_member member;
	struct oci_descriptor manifest;
};

/* What is made for a host besides its pairs, which are `pairs[first_pair...]`. */
struct host {
	const struct image_host *host;
	size_t first_pair;
	struct oci_descriptor all_in_one;
	struct oci_descriptor registrar;
};

struct build {
	struct layout *layout;
	const struct image_set *set;
	struct pair *pairs;
	size_t pair_count;
	struct host *hosts; /* in the order of arch_table */
	struct layout_tags tags;
	struct progress_task *task;
};

static const char *const entrypoint[] = {"/register", NULL};
static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"QEMU_BIN_DIR=/usr/bin", NULL};

/* What images and indexes of a release have in common. */
static void
common_labels(const struct image_set *set, const char *title, const char *description,
	      const char *license, struct oci_labels *labels)
{
	auto_free char *created = oci_time_text(set->created_sec);

	oci_labels_set(labels, "org.opencontainers.image.created", created);
	oci_labels_set(labels, "org.opencontainers.image.title", title);
	oci_labels_set(labels, "org.opencontainers.image.description", description);
	oci_labels_set(labels, "org.opencontainers.image.version", set->version);
	oci_labels_set(labels, "org.opencontainers.image.revision", set->revision);
	oci_labels_set(labels, "org.opencontainers.image.source", set->source);
	oci_labels_set(labels, "org.opencontainers.image.url", set->source);
	oci_labels_set(labels, "org.opencontainers.image.licenses", license);
}

static void
qemu_labels(const struct image_host *host, struct oci_labels *labels)
{
	oci_labels_set(labels, "distributor.qemu-version", host->qemu_version);
	oci_labels_set(labels, "distributor.source-package", host->source_package);
}

static const char *
qemu_license(const struct image_host *host)
{
	return host->license != NULL ? host->license : QEMU_LICENSE;
}

/* Stores config and manifest, and hands out the descriptor. */
static int
put_image(struct build *build, const struct oci_image *image, struct oci_descriptor *ret_manifest,
	  struct error *err)
{
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;

	oci_image_make(image, &config, &manifest);
	if (layout_put(build->layout, &config, err) < 0 ||
	    layout_put(build->layout, &manifest, err) < 0)
		return -1;
	oci_descriptor_copy(&manifest.descriptor, ret_manifest);
	return 0;
}

static int
pair_layer(struct build *build, struct pair *pair, const char *created_by,
	   struct oci_layer *ret_layer, struct error *err)
{
	const struct image_set *set = build->set;
	struct digest diff_id;

	if (image_member_open(pair->tarball, set->created_sec, &pair->member, &diff_id, err) < 0)
		return -1;
	if (set->zstd)
		return layer_zstd(build->layout, &pair->member, 1, set->created_sec, created_by,
				  ret_layer, err);
	return layer_join(build->layout, &pair->member, 1, set->created_sec, &diff_id, created_by,
			  ret_layer, err);
}

static int
build_pair(size_t index, void *context, struct error *err)
{
	struct build *build = context;
	struct pair *pair = &build->pairs[index];
	const struct image_set *set = build->set;
	AUTO(oci_labels_clear) struct oci_labels labels = OCI_LABELS_INIT;
	auto_free char *title = xasprintf("qemu-%s-static", pair->target);
	auto_free char *description =
		xasprintf("Runs programs for %s on %s hosts", pair->target, pair->host->arch->name);
	auto_free char *created_by =
		xasprintf("COPY qemu-%s-static /usr/bin/ # from %s_qemu-%s-static.tar.gz",
			  pair->target, pair->host->arch->name, pair->target);
	struct oci_layer layer;
	struct oci_image image = {
		.host = pair->host->arch,
		.created_sec = set->created_sec,
		.layers = &layer,
		.layer_count = 1,
		.labels = &labels,
	};

	common_labels(set, title, description, qemu_license(pair->host), &labels);
	qemu_labels(pair->host, &labels);
	if (pair_layer(build, pair, created_by, &layer, err) < 0 ||
	    put_image(build, &image, &pair->manifest, err) < 0)
		return error_prefix(err, "image '%s-%s'", pair->host->arch->name, pair->target);
	progress_add(build->task, 1);
	return 0;
}

static int
emulators_layer(struct build *build, const struct host *host, const char *created_by,
		struct oci_layer *ret_layer, struct error *err)
{
	const struct image_set *set = build->set;
	size_t count = host->host->tarball_count;
	auto_free struct image_member *members = xcalloc(count + 1, sizeof(*members));
	struct digest diff_id;

	for (size_t i = 0; i < count; i++)
		members[i] = build->pairs[host->first_pair + i].member;
	if (set->zstd)
		return layer_zstd(build->layout, members, count, set->created_sec, created_by,
				  ret_layer, err);
	if (host->host->diff_id != NULL)
		diff_id = *host->host->diff_id;
	else if (layer_digest(members, count, set->created_sec, &diff_id, err) < 0)
		return -1;
	return layer_join(build->layout, members, count, set->created_sec, &diff_id, created_by,
			  ret_layer, err);
}

/* The second layer, of all emulators, and the image. */
static int
build_all_in_one(struct build *build, struct host *host, struct oci_image *image,
		 struct oci_layer *layers, struct error *err)
{
	image->layer_count = 2;
	if (emulators_layer(build, host, "COPY qemu-*-static /usr/bin/", &layers[1], err) < 0 ||
	    put_image(build, image, &host->all_in_one, err) < 0)
		return error_prefix(err, "all-in-one image for %s", host->host->arch->name);
	return 0;
}

/* The registrar's layer comes first: it is the one that both images of a host share. */
static int
build_host(size_t index, void *context, struct error *err)
{
	struct build *build = context;
	struct host *host = &build->hosts[index];
	const struct image_set *set = build->set;
	const char *arch = host->host->arch->name;
	AUTO(oci_labels_clear) struct oci_labels all = OCI_LABELS_INIT, alone = OCI_LABELS_INIT;
	auto_free char *license =
		xasprintf("(%s) AND " REGISTRAR_LICENSE, qemu_license(host->host));
	auto_free char *all_text =
		xasprintf("Static QEMU user emulators for %s hosts and their registrar", arch);
	auto_free char *alone_text =
		xasprintf("Registrar of static QEMU user emulators for %s hosts", arch);
	struct oci_layer layers[2];
	struct oci_image image = {
		.host = host->host->arch,
		.created_sec = set->created_sec,
		.entrypoint = entrypoint,
		.environment = environment,
		.layers = layers,
		.layer_count = 1,
		.labels = &alone,
	};

	common_labels(set, set->name, all_text, license, &all);
	qemu_labels(host->host, &all);
	common_labels(set, set->name, alone_text, REGISTRAR_LICENSE, &alone);
	if (layer_register(build->layout, host->host->registrar, host->host->arch, set->created_sec,
			   set->zstd, "COPY register /", &layers[0], err) < 0 ||
	    put_image(build, &image, &host->registrar, err) < 0)
		return error_prefix(err, "image 'register' for %s", arch);
	image.labels = &all;
	if (host->host->tarball_count != 0 &&
	    build_all_in_one(build, host, &image, layers, err) < 0)
		return -1;
	progress_add(build->task, 1);
	return 0;
}

/* Under `name` and `name-V`, or V and `latest` when there is no name. */
static void
add_tags(struct build *build, const char *name, const struct oci_descriptor *descriptor)
{
	auto_free char *versioned = name != NULL ? xasprintf("%s-%s", name, build->set->version)
						 : xstrdup(build->set->version);

	layout_tags_add(&build->tags, versioned, descriptor);
	layout_tags_add(&build->tags, name != NULL ? name : "latest", descriptor);
}

/* An index of these manifests under a name; the list is emptied. */
static int
add_index(struct build *build, const char *name, struct oci_descriptors *list, const char *title,
	  const char *description, const char *license, struct error *err)
{
	AUTO(oci_labels_clear) struct oci_labels labels = OCI_LABELS_INIT;
	AUTO(oci_document_clear) struct oci_document index = OCI_DOCUMENT_INIT;
	int result;

	common_labels(build->set, title, description, license, &labels);
	result = oci_index_make(list, &labels, &index, err);
	oci_descriptors_clear(list);
	if (result < 0)
		return error_prefix(err, "index '%s'", name != NULL ? name : "latest");
	if (layout_put(build->layout, &index, err) < 0)
		return -1;
	add_tags(build, name, &index.descriptor);
	return 0;
}

static int
add_target_index(struct build *build, const char *target, struct error *err)
{
	auto_free char *title = xasprintf("qemu-%s-static", target);
	auto_free char *description = xasprintf("Runs programs for %s on other hosts", target);
	struct oci_descriptors list = {NULL, 0};

	/* The pairs are in the order of their hosts. */
	for (size_t i = 0; i < build->pair_count; i++)
		if (strcmp(build->pairs[i].target, target) == 0)
			oci_descriptor_copy(&build->pairs[i].manifest, oci_descriptors_add(&list));
	return add_index(build, target, &list, title, description, QEMU_LICENSE, err);
}

static bool
is_first_of_target(const struct build *build, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(build->pairs[i].target, build->pairs[index].target) == 0)
			return false;
	return true;
}

/* A part may be of hosts that have no such image. */
static int
add_all_in_one_index(struct build *build, size_t *count, struct error *err)
{
	struct oci_descriptors list = {NULL, 0};

	for (size_t i = 0; i < build->set->host_count; i++)
		if (build->hosts[i].host->tarball_count != 0)
			oci_descriptor_copy(&build->hosts[i].all_in_one,
					    oci_descriptors_add(&list));
	if (list.count == 0)
		return 0;
	(*count)++;
	return add_index(build, NULL, &list, build->set->name,
			 "Static QEMU user emulators and their registrar",
			 "(" QEMU_LICENSE ") AND " REGISTRAR_LICENSE, err);
}

static int
add_indexes(struct build *build, size_t *ret_count, struct error *err)
{
	struct oci_descriptors list = {NULL, 0};
	size_t count = 1;

	for (size_t i = 0; i < build->pair_count; i++) {
		const struct pair *pair = &build->pairs[i];
		auto_free char *name = xasprintf("%s-%s", pair->host->arch->name, pair->target);

		add_tags(build, name, &pair->manifest);
		if (!is_first_of_target(build, i))
			continue;
		if (add_target_index(build, pair->target, err) < 0)
			return -1;
		count++;
	}
	if (add_all_in_one_index(build, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < build->set->host_count; i++)
		oci_descriptor_copy(&build->hosts[i].registrar, oci_descriptors_add(&list));
	*ret_count = count;
	return add_index(build, "register", &list, build->set->name,
			 "Registrar of static QEMU user emulators", REGISTRAR_LICENSE, err);
}

/* Lays out hosts in the order of arch_table, so that every list has one order. */
static void
prepare(struct build *build)
{
	const struct image_set *set = build->set;
	size_t pairs = 0, hosts = 0;

	for (size_t i = 0; i < set->host_count; i++)
		pairs += set->hosts[i].tarball_count;
	build->hosts = xcalloc(set->host_count + 1, sizeof(*build->hosts));
	build->pairs = xcalloc(pairs + 1, sizeof(*build->pairs));
	for (size_t a = 0; a < arch_count; a++) {
		for (size_t i = 0; i < set->host_count; i++) {
			const struct image_host *host = &set->hosts[i];

			if (host->arch != &arch_table[a])
				continue;
			build->hosts[hosts++] =
				(struct host){.host = host, .first_pair = build->pair_count};
			for (size_t t = 0; t < host->tarball_count; t++)
				build->pairs[build->pair_count++] = (struct pair){
					.host = host,
					.target = host->tarballs[t].target,
					.tarball = &host->tarballs[t],
					.member = {.fd = -1},
				};
		}
	}
}

static void
build_clear(struct build *build)
{
	for (size_t i = 0; i < build->pair_count; i++) {
		image_member_close(&build->pairs[i].member);
		oci_descriptor_clear(&build->pairs[i].manifest);
	}
	for (size_t i = 0; i < build->set->host_count; i++) {
		oci_descriptor_clear(&build->hosts[i].all_in_one);
		oci_descriptor_clear(&build->hosts[i].registrar);
	}
	free(build->pairs);
	free(build->hosts);
	layout_tags_clear(&build->tags);
}

/* "aarch64,s390x" */
static char *
host_names(const struct build *build)
{
	struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < build->set->host_count; i++)
		strbuf_addf(&names, "%s%s", i != 0 ? "," : "", build->hosts[i].host->arch->name);
	return strbuf_take(&names);
}

static int
run(struct build *build, const struct build_options *options, struct build_result *ret_result,
    struct error *err)
{
	auto_free char *hosts = NULL;
	size_t indexes, host_images = build->set->host_count;
	bool changed;

	if (parallel_for(build->pair_count, options->jobs, build_pair, build, err) < 0 ||
	    parallel_for(build->set->host_count, options->jobs, build_host, build, err) < 0 ||
	    add_indexes(build, &indexes, err) < 0)
		return -1;
	if (options->check != NULL &&
	    options->check(build->layout, &build->tags, options->context, err) < 0)
		return -1;
	layout_keep_signatures(build->layout, &build->tags);
	hosts = host_names(build);
	layout_set_part(build->layout, build->set->is_part ? hosts : NULL);
	if (layout_publish(build->layout, &build->tags, &changed, err) < 0)
		return -1;
	for (size_t i = 0; i < build->set->host_count; i++)
		host_images += build->hosts[i].host->tarball_count != 0 ? 1 : 0;
	*ret_result = (struct build_result){
		.pair_images = build->pair_count,
		.host_images = host_images,
		.indexes = indexes,
		.changed = changed,
	};
	return 0;
}

int
build_images(struct layout *layout, const struct image_set *set,
	     const struct build_options *options, struct build_result *ret_result,
	     struct error *err)
{
	struct build build = {.layout = layout, .set = set};
	int result;

	if (set->host_count == 0)
		return error_set(err, ERR_INPUT, "no hosts to make images for");
	if (!reference_tag_is_valid(set->version))
		return error_set(
			err, ERR_INPUT,
			"version '%s' is not a valid image tag: only [A-Za-z0-9_.-] are allowed",
			set->version);
	prepare(&build);
	if (build.pair_count == 0 && !set->is_part) {
		build_clear(&build);
		return error_set(err, ERR_INPUT, "the matrix has no images");
	}
	if (options->progress != NULL)
		build.task = progress_start(options->progress, "images", PROGRESS_ITEMS,
					    build.pair_count + set->host_count);
	result = run(&build, options, ret_result, err);
	progress_done(build.task, NULL);
	build_clear(&build);
	return result;
}
