/* SPDX-License-Identifier: MIT */
#include "sources/package_reader.h"

#include "base/alloc.h"

struct package_reader {
	const struct package_reader_ops *ops;
	void *state;
};

struct package_reader *
package_reader_new(const struct package_reader_ops *ops, void *state)
{
	struct package_reader *reader = xcalloc(1, sizeof(*reader));

	reader->ops = ops;
	reader->state = state;
	return reader;
}

int
package_reader_next(struct package_reader *reader, struct member_info *ret_info, struct error *err)
{
	return reader->ops->next(reader->state, ret_info, err);
}

ssize_t
package_reader_read(struct package_reader *reader, void *buffer, size_t length, struct error *err)
{
	return reader->ops->read(reader->state, buffer, length, err);
}

void
package_reader_free(struct package_reader *reader)
{
	if (reader == NULL)
		return;
	reader->ops->free(reader->state);
	free(reader);
}

void
package_reader_freep(struct package_reader **reader)
{
	package_reader_free(*reader);
	*reader = NULL;
}
