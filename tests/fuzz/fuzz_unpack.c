#include "images/unpack.h"

#include "base/alloc.h"
#include "tests/one_layer.h"

#include <dirent.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t
count_names(const char *path)
{
	DIR *directory = opendir(path);
	size_t count = 0;

	if (directory == NULL)
		abort();
	while (readdir(directory) != NULL)
		count++;
	(void)closedir(directory);
	return count;
}

/* Unpacks the bytes as a layer. What it makes lies below the root, and nothing beside it. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_free char *place = NULL;
	auto_free char *layout_place = NULL, *images = NULL, *root = NULL;
	AUTO(layout_freep) struct layout *layout = NULL;
	struct digest diff_id;
	struct error err = ERROR_INIT;

	if (temporary_directory("fuzz-unpack", &place, &err) < 0)
		abort();
	layout_place = path_join(place, "layout");
	images = path_join(layout_place, "images");
	root = path_join(place, "root");
	digest_of(bytes, size, &diff_id);
	if (make_directories(root, &err) < 0 || make_directories(layout_place, &err) < 0)
		abort();
	one_layer_layout(images, bytes, size, &diff_id);
	if (layout_open(images, "make images", &layout, &err) < 0)
		abort();
	(void)(image_unpack(layout, "one", arch_find("armv7l"), root, &err) < 0);
	if (count_names(place) != 4) /* with "." and ".." */
		abort();
	remove_tree(place);
	return 0;
}
