/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/strbuf.h"
#include "images/layout.h"
#include "images/oci.h"
#include "tests/support/scratch.h"

#include "base/strbuf.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct digest
digest_for(const char *text)
{
	struct digest digest;

	digest_of(text, strlen(text), &digest);
	return digest;
}

static void
make_image(const char *host, struct oci_document *ret_config, struct oci_document *ret_manifest)
{
	static const char *const entrypoint[] = {"/register", NULL};
	static const char *const environment[] = {"QEMU_BIN_DIR=/usr/bin", NULL};
	AUTO(oci_labels_clear) struct oci_labels labels = OCI_LABELS_INIT;
	struct oci_layer layer = {OCI_LAYER_GZIP, digest_for("blob"), 4, digest_for("tar"), "COPY"};
	struct oci_image image = {arch_find(host), 1700000000, entrypoint, environment,
				  &layer,          1,          &labels};

	oci_labels_set(&labels, "b", "2");
	oci_labels_set(&labels, "a", "1");
	oci_labels_set(&labels, "nothing", NULL);
	oci_image_make(&image, ret_config, ret_manifest);
}

/* The bytes are the format: a change here changes every digest of every image. */
static void
test_golden(void **state)
{
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;
	char hex[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];
	struct digest seen;

	(void)state;
	make_image("aarch64", &config, &manifest);
	assert_string_equal(
		config.text,
		"{\"architecture\":\"arm64\",\"config\":{\"Entrypoint\":[\"/register\"],\"Env\":["
		"\"QEMU_BIN_DIR=/usr/bin\"],\"Labels\":{\"a\":\"1\",\"b\":\"2\"}},\"created\":"
		"\"2023-11-14T22:13:20Z\",\"history\":[{\"created\":\"2023-11-14T22:13:20Z\","
		"\"created_by\":\"COPY\"}],\"os\":\"linux\",\"rootfs\":{\"diff_ids\":[\"sha256:"
		"90aebae315675cbf04612de4f7d5874850f48e0b8dd82becbeaa47ca93f5ebfb\"],\"type\":"
		"\"layers\"},\"variant\":\"v8\"}");
	assert_true(strstr(manifest.text, "\"annotations\":{\"a\":\"1\",\"b\":\"2\"}") != NULL);
	digest_of(manifest.text, manifest.length, &seen);
	assert_string_equal(digest_hex(&seen, hex), digest_hex(&manifest.descriptor.digest, want));
	assert_int_equal(manifest.descriptor.size, manifest.length);
	assert_string_equal(manifest.descriptor.variant, "v8");
}

static void
test_index(void **state)
{
	struct oci_descriptors list = {NULL, 0};
	AUTO(oci_document_clear) struct oci_document index = OCI_DOCUMENT_INIT;
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	static const char *const hosts[] = {"x86_64", "aarch64", "armv7l", "armv5tel"};
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(oci_index_make(&list, NULL, &index, &err), err, ERR_INPUT,
		       "has no manifests");
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
		AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;

		make_image(hosts[i], &config, &manifest);
		oci_descriptor_copy(&manifest.descriptor, oci_descriptors_add(&list));
	}
	assert_ok(oci_index_make(&list, NULL, &index, &err), err);
	assert_ok(oci_parse("index", index.text, index.length, &parsed, &err), err);
	assert_int_equal(parsed.manifests.count, 4);
	assert_string_equal(parsed.manifests.items[2].architecture, "arm");
	assert_string_equal(parsed.manifests.items[2].variant, "v7");
	assert_null(parsed.manifests.items[0].variant);
	oci_descriptor_copy(&parsed.manifests.items[0], oci_descriptors_add(&list));
	free(list.items[4].media_type);
	list.items[4].media_type = xstrdup("application/vnd.docker.distribution.manifest.v2+json");
	assert_refused(oci_index_make(&list, NULL, &index, &err), err, ERR_INPUT,
		       "cannot contain a");
	oci_descriptor_clear(&list.items[--list.count]);
	oci_descriptor_copy(&list.items[1], oci_descriptors_add(&list));
	assert_refused(oci_index_make(&list, NULL, &index, &err), err, ERR_INPUT,
		       "duplicate platform 'linux/arm64/v8'");
	free(list.items[0].architecture);
	list.items[0].architecture = NULL;
	assert_refused(oci_index_make(&list, NULL, &index, &err), err, ERR_INPUT,
		       "has no platform");
	oci_descriptors_clear(&list);
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC  "{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX64 "\",\"size\":2}"

static void
test_parse(void **state)
{
	static const struct {
		const char *text, *refusal;
	} rows[] = {
		{"{\"schemaVersion\":2}", NULL},
		{"{\"schemaVersion\":2,\"unknown\":[1,{}],\"layers\":[" DESC "]}", NULL},
		{"{\"schemaVersion\":2,\"manifests\":null,\"config\":" DESC "}", NULL},
		{"[]", "is not an object"},
		{"{}", "schemaVersion: must be 2"},
		{"{\"schemaVersion\":1}", "schemaVersion: must be 2"},
		{"{\"schemaVersion\":2,\"schemaVersion\":2}", "m:1:"},
		{"{\"schemaVersion\":2,\"layers\":{}}", "layers: is not an array"},
		{"{\"schemaVersion\":2,\"layers\":[7]}", "layers[0]: is not an object"},
		{"{\"schemaVersion\":2,\"layers\":[{\"digest\":\"sha256:" HEX64 "\",\"size\":1}]}",
		 "layers[0]: has no 'mediaType'"},
		{"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"digest\":\"md5:0\"}}",
		 "config.digest: must be 'sha256:'"},
		{"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX64
		 "\"}}",
		 "config.size: is missing"},
		{"{\"schemaVersion\":2,\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX64
		 "\",\"size\":-1}}",
		 "config.size"},
		{"{\"schemaVersion\":2,\"manifests\":[" DESC "],\"config\":" DESC "}",
		 "manifests: cannot be used with 'config' or 'layers'"},
		{"{\"schemaVersion\":2,\"annotations\":{\"a\":1}}", "annotations.a: is not a"},
		{"{\"schemaVersion\":2,\"annotations\":[]}", "annotations: is not an object"},
		{"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x\",\"digest\":"
		 "\"sha256:" HEX64 "\",\"size\":1,\"platform\":7}]}",
		 "manifests[0].platform: is not an object"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
		struct error err = ERROR_INIT;
		int result = oci_parse("m", rows[i].text, strlen(rows[i].text), &parsed, &err);

		if (rows[i].refusal == NULL && result < 0)
			fail_msg("row %zu: %s", i, err.message);
		if (rows[i].refusal != NULL &&
		    (result == 0 || strstr(err.message, rows[i].refusal) == NULL))
			fail_msg("row %zu: '%s'", i, err.message);
	}
}

/* Before any of them is looked at. */
static void
test_too_many(void **state)
{
	enum { COUNT = 100001 };
	struct strbuf text = STRBUF_INIT;
	AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	strbuf_adds(&text, "{\"schemaVersion\":2,\"layers\":[");
	for (int i = 0; i < COUNT; i++)
		strbuf_adds(&text, i != 0 ? ",0" : "0");
	strbuf_adds(&text, "]}");
	assert_refused(oci_parse("m", text.text, text.length, &parsed, &err), err, ERR_INPUT,
		       "layers: has 100001 items");
	strbuf_clear(&text);
}

static void
test_config(void **state)
{
	static const struct {
		const char *text, *refusal;
	} rows[] = {
		{"{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX64 "\"]}}", NULL},
		{"[]", "rootfs.diff_ids: is not a list"},
		{"{\"rootfs\":{}}", "rootfs.diff_ids: is not a list"},
		{"{\"rootfs\":{\"diff_ids\":\"sha256:" HEX64 "\"}}", "diff_ids: is not a list"},
		{"{\"rootfs\":{\"diff_ids\":[7]}}", "rootfs.diff_ids[0]: is not a SHA-256 digest"},
		{"{\"rootfs\":{\"diff_ids\":[\"" HEX64 "\"]}}", "diff_ids[0]: is not a SHA-256"},
		{"{\"rootfs\":{\"diff_ids\":[]},\"architecture\":7}",
		 "architecture: must be a string"},
		{"{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"Labels\":{\"a\":1}}}",
		 "config.Labels.a: is not a string"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(oci_config_parsed_clear)
		struct oci_config_parsed config = {.diff_ids = NULL};
		struct error err = ERROR_INIT;
		int result =
			oci_config_parse("c", rows[i].text, strlen(rows[i].text), &config, &err);

		if ((result == 0) != (rows[i].refusal == NULL) ||
		    (result < 0 && strstr(err.message, rows[i].refusal) == NULL))
			fail_msg("row %zu: '%s'", i, err.message);
	}
}

/* An answer within the size of a document that would take a reader of labels very long. */
static void
test_many_labels(void **state)
{
	static const struct {
		int count;
		bool good;
	} rows[] = {{1000, true}, {1001, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
		AUTO(oci_parsed_clear) struct oci_parsed parsed = OCI_PARSED_INIT;
		struct error err = ERROR_INIT;
		int result;

		strbuf_adds(&text, "{\"schemaVersion\":2,\"annotations\":{");
		for (int k = 0; k < rows[i].count; k++)
			strbuf_addf(&text, "%s\"k%d\":\"v\"", k != 0 ? "," : "", k);
		strbuf_adds(&text, "}}");
		result = oci_parse("m", strbuf_text(&text), text.length, &parsed, &err);
		if (rows[i].good)
			assert_ok(result, err);
		else
			assert_refused(result, err, ERR_INPUT,
				       "annotations: has 1001 members, more than 1000");
	}
}

static void
test_digest_text(void **state)
{
	struct digest digest;

	(void)state;
	assert_true(oci_digest_parse("sha256:" HEX64, &digest));
	assert_false(oci_digest_parse(HEX64, &digest));
	assert_false(oci_digest_parse("sha512:" HEX64, &digest));
	assert_false(oci_digest_parse("sha256:" HEX64 "0", &digest));
	assert_false(oci_digest_parse(
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		&digest));
}

/* A layout with one image under the name, whose layer is `content`. */
static void
publish_one(const char *path, const char *name, const char *content)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	AUTO(layout_tags_clear) struct layout_tags tags = LAYOUT_TAGS_INIT;
	AUTO(oci_document_clear) struct oci_document config = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document manifest = OCI_DOCUMENT_INIT;
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	struct oci_layer layer = {OCI_LAYER_TAR, digest_for(content), strlen(content),
				  digest_for(content), "COPY"};
	struct oci_image image = {.host = arch_find("x86_64"), .layers = &layer, .layer_count = 1};
	struct error err = ERROR_INIT;

	oci_image_make(&image, &config, &manifest);
	assert_ok(layout_create(path, &layout, &err), err);
	assert_ok(layout_blob_begin(layout, &tmp, &err), err);
	assert_ok(write_all(tmp.fd, content, strlen(content), "x", &err), err);
	assert_ok(layout_blob_commit(layout, &tmp, &layer.digest, &err), err);
	assert_ok(layout_put(layout, &config, &err), err);
	assert_ok(layout_put(layout, &manifest, &err), err);
	layout_tags_add(&tags, name, &manifest.descriptor);
	assert_ok(layout_publish(layout, &tags, NULL, &err), err);
}

static size_t
count_blobs(const char *path)
{
	auto_free char *command = xasprintf("ls -A '%s/blobs/sha256' | wc -l", path);
	FILE *pipe = popen(command, "r");
	size_t count = 0;

	assert_int_equal(fscanf(pipe, "%zu", &count), 1);
	(void)pclose(pipe);
	return count;
}

static void
test_layout(void **state)
{
	char *path = scratch_directory();
	auto_free char *images = path_join(path, "images");
	auto_free char *rubbish = path_join(path, "images/blobs/sha256/.blob.abcdef.tmp");
	AUTO(layout_freep) struct layout *layout = NULL;
	struct error err = ERROR_INIT;
	auto_free char *other = path_join(path, "other"), *no_lock = path_join(path, ".other.lock");
	struct layout *second;

	(void)state;
	assert_refused(layout_open(images, "make images", &layout, &err), err, ERR_INPUT,
		       "run 'make images' to make them");
	publish_one(images, "one", "first");
	assert_int_equal(count_blobs(images), 3);
	assert_ok(write_file(rubbish, "x", 1, 0644, &err), err);
	publish_one(images, "two", "second");
	/* Neither the old image nor what a killed run has left is there any more. */
	assert_int_equal(count_blobs(images), 3);
	assert_ok(layout_open(images, "make images", &layout, &err), err);
	assert_int_equal(layout_tags(layout)->count, 1);
	assert_non_null(layout_tags_find(layout_tags(layout), "two"));
	layout_freep(&layout);
	assert_ok(layout_create(images, &layout, &err), err);
	assert_refused(layout_create(images, &second, &err), err, ERR_BUSY,
		       "is in use by another run");
	/* What cannot be locked at all is not in use. */
	assert_ok(make_directories(no_lock, &err), err);
	assert_refused(layout_create(other, &second, &err), err, ERR_IO, "cannot open lock file");
	assert_null(strstr(err.message, "in use"));
	scratch_remove(path);
	free(path);
}

static void
test_layout_damage(void **state)
{
	char *path = scratch_directory();
	auto_free char *images = path_join(path, "images");
	auto_free char *index = path_join(images, "index.json");
	auto_free char *elsewhere = path_join(path, "elsewhere");
	auto_free char *layer = NULL, *old = NULL, *new = NULL;
	AUTO(layout_freep) struct layout *layout = NULL;
	AUTO(layout_tags_clear) struct layout_tags tags = LAYOUT_TAGS_INIT;
	struct digest digest = digest_for("first");
	struct error err = ERROR_INIT;

	(void)state;
	publish_one(images, "one", "first");
	assert_ok(read_file(index, 4096, &old, NULL, &err), err);
	assert_ok(layout_create(images, &layout, &err), err);
	layout_tags_add(&tags, "again", layout_tags_find(layout_tags(layout), "one"));
	layer = layout_blob_path(layout, &digest);
	assert_ok(write_file(layer, "fir", 3, 0644, &err), err);
	assert_false(layout_has(layout, &digest, 5, false));
	assert_refused(layout_publish(layout, &tags, NULL, &err), err, ERR_VERIFY, layer);
	assert_int_equal(unlink(layer), 0);
	assert_refused(layout_publish(layout, &tags, NULL, &err), err, ERR_NOT_FOUND,
		       "image 'again'");
	/* A link is no blob, wherever it leads. */
	assert_ok(write_file(elsewhere, "first", 5, 0644, &err), err);
	assert_int_equal(symlink(elsewhere, layer), 0);
	assert_refused(layout_publish(layout, &tags, NULL, &err), err, ERR_IO, layer);
	assert_int_equal(unlink(layer), 0);
	/* The old index is still the one. */
	assert_ok(read_file(index, 4096, &new, NULL, &err), err);
	assert_string_equal(old, new);
	assert_ok(write_file(layer, "FIRST", 5, 0644, &err), err);
	assert_true(layout_has(layout, &digest, 5, false));
	assert_false(layout_has(layout, &digest, 5, true));
	scratch_remove(path);
	free(path);
}

static void
test_layout_foreign(void **state)
{
	char *path = scratch_directory();
	auto_free char *images = path_join(path, "images");
	auto_free char *index = path_join(images, "index.json");
	static const char text[] = "{\"schemaVersion\":2,\"manifests\":[]}";
	AUTO(layout_freep) struct layout *layout = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(make_directories(images, &err), err);
	assert_ok(write_file(index, text, strlen(text), 0644, &err), err);
	assert_refused(layout_create(images, &layout, &err), err, ERR_INPUT,
		       "was not written by this program");
	assert_ok(write_file(index, "{", 1, 0644, &err), err);
	assert_refused(layout_create(images, &layout, &err), err, ERR_INPUT, index);
	scratch_remove(path);
	free(path);
}

/* Layouts of other programs that cannot be understood. */
static void
test_layout_unknown(void **state)
{
	static const char entry[] = "{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX64
				    "\",\"size\":2,\"annotations\":{\"" OCI_REF_NAME "\":\"one\"}}";
	char *path = scratch_directory();
	auto_free char *version = path_join(path, "oci-layout");
	auto_free char *index = path_join(path, "index.json");
	auto_free char *twice =
		xasprintf("{\"schemaVersion\":2,\"manifests\":[%s,%s]}", entry, entry);
	AUTO(layout_freep) struct layout *layout = NULL;
	/* Those of images in other repositories, and whatever else does not belong in a URL. */
	static const char *const names[] = {"../../../other/manifests/latest",
					    "a/b",
					    "a?b=c",
					    ("sha256:" HEX64),
					    "a b",
					    ".",
					    "-a",
					    "x\\u001b[31m"};
	static const char newer[] = "{\"imageLayoutVersion\":\"1.0.1\"}";
	static const char known[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(index, twice, strlen(twice), 0644, &err), err);
	assert_ok(write_file(version, newer, strlen(newer), 0644, &err), err);
	assert_refused(layout_open(path, "make images", &layout, &err), err, ERR_INPUT,
		       "imageLayoutVersion: must be \"1.0.0\"");
	assert_ok(write_file(version, known, strlen(known), 0644, &err), err);
	assert_refused(layout_open(path, "make images", &layout, &err), err, ERR_INPUT,
		       "has duplicate tag 'one'");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *text = xasprintf(
			"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x\",\"digest\":"
			"\"sha256:" HEX64 "\",\"size\":2,\"annotations\":{\"" OCI_REF_NAME
			"\":\"%s\"}}]}",
			names[i]);

		assert_ok(write_file(index, text, strlen(text), 0644, &err), err);
		assert_refused(layout_open(path, "make images", &layout, &err), err, ERR_INPUT,
			       "has the invalid tag");
	}
	scratch_remove(path);
	free(path);
}

/* Stores an index of one child. */
static void
put_index_of(struct layout *layout, const struct oci_descriptor *child,
	     struct oci_descriptor *ret_index)
{
	AUTO(oci_document_clear) struct oci_document document = OCI_DOCUMENT_INIT;
	char digest[OCI_DIGEST_SIZE];
	struct error err = ERROR_INIT;

	document.text = xasprintf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\","
				  "\"digest\":\"%s\",\"size\":%llu}]}",
				  child->media_type, oci_digest_text(&child->digest, digest),
				  (unsigned long long)child->size);
	document.length = strlen(document.text);
	document.descriptor.media_type = xstrdup(oci_media_type(OCI_INDEX));
	document.descriptor.size = document.length;
	digest_of(document.text, document.length, &document.descriptor.digest);
	assert_ok(layout_put(layout, &document, &err), err);
	oci_descriptor_copy(&document.descriptor, ret_index);
}

/* Clients know indexes of images; one in another could go on for ever. */
static void
test_nested_index(void **state)
{
	char *path = scratch_directory();
	AUTO(layout_freep) struct layout *layout = NULL;
	AUTO(layout_tags_clear) struct layout_tags tags = LAYOUT_TAGS_INIT;
	AUTO(layout_tags_clear) struct layout_tags both = LAYOUT_TAGS_INIT;
	AUTO(oci_descriptor_clear) struct oci_descriptor inner = {.media_type = NULL};
	AUTO(oci_descriptor_clear) struct oci_descriptor outer = {.media_type = NULL};
	struct error err = ERROR_INIT;

	(void)state;
	publish_one(path, "one", "first");
	assert_ok(layout_create(path, &layout, &err), err);
	put_index_of(layout, layout_tags_find(layout_tags(layout), "one"), &inner);
	put_index_of(layout, &inner, &outer);
	layout_tags_add(&tags, "outer", &outer);
	assert_refused(layout_publish(layout, &tags, NULL, &err), err, ERR_INPUT,
		       "is an index inside an index");
	/* Also where the inner one has a name of its own, and is seen first. */
	layout_tags_add(&both, "inner", &inner);
	layout_tags_add(&both, "outer", &outer);
	assert_refused(layout_publish(layout, &both, NULL, &err), err, ERR_INPUT,
		       "image 'outer': ");
	layout_freep(&layout);
	scratch_remove(path);
	free(path);
}

static void
test_take_blob(void **state)
{
	char *path = scratch_directory();
	auto_free char *a = path_join(path, "a"), *b = path_join(path, "b"), *source = NULL;
	AUTO(layout_freep) struct layout *from = NULL;
	AUTO(layout_freep) struct layout *to = NULL;
	struct digest digest = digest_for("first");
	struct error err = ERROR_INIT;

	(void)state;
	publish_one(a, "one", "first");
	assert_ok(layout_open(a, "make images", &from, &err), err);
	assert_ok(layout_create(b, &to, &err), err);
	source = layout_blob_path(from, &digest);
	assert_ok(write_file(source, "FIRST", 5, 0644, &err), err);
	assert_refused(layout_take_blob(to, from, &digest, 5, &err), err, ERR_VERIFY, source);
	assert_false(layout_has(to, &digest, 5, false));
	assert_ok(write_file(source, "first", 5, 0644, &err), err);
	assert_ok(layout_take_blob(to, from, &digest, 5, &err), err);
	assert_true(layout_has(to, &digest, 5, true));
	scratch_remove(path);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),        cmocka_unit_test(test_index),
		cmocka_unit_test(test_parse),         cmocka_unit_test(test_many_labels),
		cmocka_unit_test(test_too_many),      cmocka_unit_test(test_config),
		cmocka_unit_test(test_digest_text),   cmocka_unit_test(test_layout),
		cmocka_unit_test(test_layout_damage), cmocka_unit_test(test_layout_foreign),
		cmocka_unit_test(test_nested_index),  cmocka_unit_test(test_layout_unknown),
		cmocka_unit_test(test_take_blob),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
