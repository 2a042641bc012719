/* SPDX-License-Identifier: MIT */
#include "images/layout.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/jsonx.h"
#include "base/link.h"
#include "images/digest_set.h"
#include "images/reference.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LAYOUT_VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"

struct layout {
	char *path;
	char *blobs;      /* PATH/blobs/sha256 */
	int lock_fd;      /* -1 when opened for reading */
	char *index_text; /* of index.json, NULL if there is none */
	struct layout_tags tags;
	char *part; /* see layout_part() */
};

void
layout_free(struct layout *layout)
{
	if (layout == NULL)
		return;
	if (layout->lock_fd >= 0)
		(void)close(layout->lock_fd);
	layout_tags_clear(&layout->tags);
	free(layout->part);
	free(layout->index_text);
	free(layout->blobs);
	free(layout->path);
	free(layout);
}

void
layout_freep(struct layout **layout)
{
	layout_free(*layout);
	*layout = NULL;
}

const char *
layout_path(const struct layout *layout)
{
	return layout->path;
}

const struct layout_tags *
layout_tags(const struct layout *layout)
{
	return &layout->tags;
}

const char *
layout_index(const struct layout *layout)
{
	return layout->index_text;
}

const char *
layout_part(const struct layout *layout)
{
	return layout->part;
}

void
layout_set_part(struct layout *layout, const char *hosts)
{
	char *copy = hosts != NULL ? xstrdup(hosts) : NULL;

	free(layout->part);
	layout->part = copy;
}

static struct layout *
layout_new(const char *path)
{
	struct layout *layout = xcalloc(1, sizeof(*layout));

	layout->path = xstrdup(path);
	layout->blobs = path_join(path, "blobs/sha256");
	layout->lock_fd = -1;
	return layout;
}

/* Takes the names from index.json. Entries without a name are other people's business. */
static int
take_index(struct layout *layout, const char *path, size_t length, bool *ret_marked,
	   struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed index = OCI_PARSED_INIT;

	if (oci_parse(path, layout->index_text, length, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests.count; i++) {
		const struct oci_descriptor *entry = &index.manifests.items[i];
		const char *name = oci_labels_get(&entry->annotations, OCI_REF_NAME);

		if (name == NULL)
			continue;
		/* It becomes a part of URLs, which "../" would lead to other repositories. */
		if (!reference_tag_is_valid(name))
			return error_set(
				err, ERR_INPUT,
				"'%s' has the invalid tag '%s': 1 to 128 of [A-Za-z0-9_.-] are "
				"allowed, not beginning with '.' or '-'",
				path, name);
		if (layout_tags_find(&layout->tags, name) != NULL)
			return error_set(err, ERR_INPUT, "'%s' has duplicate tag '%s'", path, name);
		layout_tags_add(&layout->tags, name, entry);
	}
	layout_set_part(layout, layout_index_part(&index.annotations));
	*ret_marked = layout_index_is_ours(&index.annotations);
	return 0;
}

static int
read_index(struct layout *layout, bool *ret_marked, struct error *err)
{
	auto_free char *path = path_join(layout->path, "index.json");
	size_t length;

	if (read_file(path, OCI_MAX_DOCUMENT, &layout->index_text, &length, err) < 0)
		return -1;
	return take_index(layout, path, length, ret_marked, err);
}

static int
check_version(const struct layout *layout, struct error *err)
{
	auto_free char *path = path_join(layout->path, "oci-layout");
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	const char *version;

	if (jsonx_load(path, 4096, &doc, err) < 0)
		return -1;
	if (jsonx_get_string(&doc, doc.root, "", "imageLayoutVersion", &version, err) < 0)
		return -1;
	if (version == NULL || strcmp(version, "1.0.0") != 0)
		return jsonx_error(&doc, err, "imageLayoutVersion", "must be \"1.0.0\"");
	return 0;
}

/* The lock lies beside the directory, so that the layout holds nothing but the layout. */
static int
take_lock(struct layout *layout, struct error *err)
{
	auto_free char *parent = path_directory(layout->path);
	auto_free char *lock = xasprintf("%s/.%s.lock", parent, path_base(layout->path));

	layout->lock_fd = lock_file(lock, false, err);
	if (layout->lock_fd >= 0)
		return 0;
	if (err->code != ERR_BUSY)
		return -1;
	return error_prefix(err, "'%s' is in use by another run", layout->path);
}

int
layout_create(const char *path, struct layout **ret_layout, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = layout_new(path);
	bool marked = false;

	if (make_directories(layout->blobs, err) < 0 || take_lock(layout, err) < 0)
		return -1;
	if (read_index(layout, &marked, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return error_prefix(err, "cannot use the existing '%s'; remove it", path);
	} else if (!marked) {
		return error_set(err, ERR_INPUT,
				 "'%s' has an index.json that was not written by this program; "
				 "remove it or choose another directory",
				 path);
	}
	tempfile_sweep(layout->path);
	tempfile_sweep(layout->blobs);
	*ret_layout = TAKE(layout);
	return 0;
}

int
layout_open(const char *path, const char *command, struct layout **ret_layout, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = layout_new(path);
	bool marked;

	if (check_version(layout, err) < 0 || read_index(layout, &marked, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return error_set(err, ERR_INPUT, "no images in '%s'; run '%s' to make them",
					 path, command);
		return -1;
	}
	*ret_layout = TAKE(layout);
	return 0;
}

char *
layout_blob_path(const struct layout *layout, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return path_join(layout->blobs, digest_hex(digest, hex));
}

bool
layout_has(const struct layout *layout, const struct digest *digest, uint64_t size, bool verify)
{
	auto_free char *path = layout_blob_path(layout, digest);
	struct error ignored = ERROR_INIT;
	struct digest seen;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return false;
	return !verify ||
	       (digest_file(path, &seen, NULL, &ignored) == 0 && digest_equal(&seen, digest));
}

int
layout_put(struct layout *layout, const struct oci_document *document, struct error *err)
{
	auto_free char *path = layout_blob_path(layout, &document->descriptor.digest);

	if (layout_has(layout, &document->descriptor.digest, document->length, true))
		return 0;
	return write_file(path, document->text, document->length, 0644, err);
}

int
layout_blob_begin(struct layout *layout, struct tempfile *tmp, struct error *err)
{
	auto_free char *path = path_join(layout->blobs, "blob");

	return tempfile_open(tmp, path, 0644, err);
}

int
layout_blob_commit(struct layout *layout, struct tempfile *tmp, const struct digest *digest,
		   struct error *err)
{
	free(tmp->path);
	tmp->path = layout_blob_path(layout, digest);
	return tempfile_commit(tmp, err);
}

int
layout_take_blob(struct layout *layout, const struct layout *from, const struct digest *digest,
		 uint64_t size, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free char *source = layout_blob_path(from, digest);
	auto_free char *dest = layout_blob_path(layout, digest);
	auto_close int fd = -1;
	struct digest seen;
	uint64_t seen_size;

	if (layout_has(layout, digest, size, true))
		return 0;
	fd = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", source);
	if (digest_fd(fd, source, &seen, &seen_size, err) < 0)
		return -1;
	if (seen_size != size || !digest_equal(&seen, digest))
		return error_set(err, ERR_VERIFY, "blob '%s' does not match its digest", source);
	(void)unlink(dest);
	if (link(source, dest) == 0)
		return 0;
	if (layout_blob_begin(layout, &tmp, err) < 0 ||
	    clone_or_copy(fd, source, tmp.fd, tmp.path, err) < 0)
		return -1;
	return layout_blob_commit(layout, &tmp, digest, err);
}

int
layout_open_blob(const struct layout *layout, const struct oci_descriptor *descriptor,
		 struct error *err)
{
	auto_free char *path = layout_blob_path(layout, &descriptor->digest);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	int opened;

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != descriptor->size)
		return error_set(err, ERR_VERIFY, "'%s' does not have the expected %llu bytes",
				 path, (unsigned long long)descriptor->size);
	opened = fd;
	fd = -1;
	return opened;
}

int
layout_read(const struct layout *layout, const struct oci_descriptor *descriptor, char **ret_text,
	    struct error *err)
{
	auto_free char *path = layout_blob_path(layout, &descriptor->digest);
	auto_free char *text = NULL;
	struct digest seen;
	size_t length;

	if (read_file(path, OCI_MAX_DOCUMENT, &text, &length, err) < 0)
		return -1;
	digest_of(text, length, &seen);
	if (length != descriptor->size || !digest_equal(&seen, &descriptor->digest))
		return error_set(err, ERR_VERIFY, "blob '%s' does not match its digest", path);
	*ret_text = TAKE(text);
	return 0;
}

int
layout_read_parsed(const struct layout *layout, const struct oci_descriptor *descriptor,
		   struct oci_parsed *ret_parsed, struct error *err)
{
	auto_free char *text = NULL;
	char name[OCI_DIGEST_SIZE];

	if (layout_read(layout, descriptor, &text, err) < 0)
		return -1;
	return oci_parse(oci_digest_text(&descriptor->digest, name), text, (size_t)descriptor->size,
			 ret_parsed, err);
}

struct keep {
	const struct layout *layout;
	struct digest_set set;
};

static int
keep_blob(void *context, const struct oci_descriptor *descriptor, struct error *err)
{
	struct keep *keep = context;
	auto_close int fd = layout_open_blob(keep->layout, descriptor, err);

	if (fd < 0)
		return -1;
	(void)digest_set_add(&keep->set, &descriptor->digest);
	return 0;
}

static int
keep_document(void *context, const struct oci_descriptor *descriptor,
	      const struct oci_parsed *parsed, struct error *err)
{
	struct keep *keep = context;

	(void)parsed;
	(void)err;
	(void)digest_set_add(&keep->set, &descriptor->digest);
	return 0;
}

/* What an earlier run needed and this one does not. A failure to remove is no harm. */
static void
remove_garbage(const struct layout *layout, const struct digest_set *set)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	struct error ignored = ERROR_INIT;

	if (directory_names(layout->blobs, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *path = path_join(layout->blobs, names.items[i]);
		struct digest digest;

		if (strlen(names.items[i]) == 64 && digest_parse(names.items[i], &digest) &&
		    !digest_set_has(set, &digest))
			(void)unlink(path);
	}
}

static int
put_index(struct layout *layout, const struct layout_tags *tags, bool *ret_changed,
	  struct error *err)
{
	auto_free char *version_path = path_join(layout->path, "oci-layout");
	auto_free char *index_path = path_join(layout->path, "index.json");
	char *text = layout_index_format(tags, layout->part);

	*ret_changed = layout->index_text == NULL || strcmp(layout->index_text, text) != 0;
	free(layout->index_text);
	layout->index_text = text;
	if (write_file(version_path, LAYOUT_VERSION, strlen(LAYOUT_VERSION), 0644, err) < 0)
		return -1;
	if (*ret_changed && write_file(index_path, text, strlen(text), 0644, err) < 0)
		return -1;
	return 0;
}

int
layout_publish(struct layout *layout, const struct layout_tags *tags, bool *ret_changed,
	       struct error *err)
{
	struct keep keep = {layout, DIGEST_SET_INIT};
	const struct layout_visit visit = {keep_blob, keep_document, &keep};
	bool changed = false;
	int result;

	result = layout_walk(layout, tags, &visit, err);
	if (result == 0)
		result = put_index(layout, tags, &changed, err);
	if (result == 0) {
		remove_garbage(layout, &keep.set);
		if (ret_changed != NULL)
			*ret_changed = changed;
	}
	digest_set_clear(&keep.set);
	return result;
}
