#include "images/unpack.h"

#include "base/alloc.h"
#include "tests/one_layer.h"

#include <assert.h>
#include <dirent.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t
count_names(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	assert(directory != NULL);
	while (readdir(directory) != NULL)
		count++;
	(void)closedir(directory);
	return count;
}

/* Unpacks the bytes as a layer. What it makes lies below the root, and nothing beside it. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *temporary = getenv("TMPDIR");
	auto_free char *place =
		xasprintf("%s/fuzz-unpack.XXXXXX", temporary != NULL ? temporary : "/tmp");
	auto_free char *layout_place = NULL, *images = NULL, *root = NULL;
	AUTO(layout_freep) struct layout *layout = NULL;
	struct digest diff_id;
	struct error err = ERROR_INIT;

	assert(mkdtemp(place) != NULL);
	layout_place = path_join(place, "layout");
	images = path_join(layout_place, "images");
	root = path_join(place, "root");
	digest_of(bytes, size, &diff_id);
	assert(make_directories(root, &err) == 0 && make_directories(layout_place, &err) == 0);
	one_layer_layout(images, bytes, size, &diff_id);
	assert(layout_open(images, &layout, &err) == 0);
	(void)(image_unpack(layout, "one", arch_find("armv7l"), root, &err) < 0);
	assert(count_names(place) == 4); /* with "." and ".." */
	remove_tree(place);
	return 0;
}
