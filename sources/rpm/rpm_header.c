/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_header.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

#define MAX_ENTRIES 0xffffU /* rpm's own limit */
#define ENTRY_SIZE  16U

static const uint8_t header_magic[8] = {0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0};

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int
rpm_header_measure(const uint8_t *intro, size_t max_size, const char *name, const char *what,
		   size_t *ret_size, struct error *err)
{
	uint32_t entries = get32(intro + 8);
	uint32_t data = get32(intro + 12);
	uint64_t size = RPM_HEADER_INTRO_SIZE + (uint64_t)entries * ENTRY_SIZE + data;

	if (memcmp(intro, header_magic, sizeof(header_magic)) != 0)
		return error_set(err, ERR_INPUT, "'%s' has no %s at the expected place", name,
				 what);
	if (entries == 0 || entries > MAX_ENTRIES)
		return error_set(err, ERR_INPUT, "%s of '%s' has an invalid number of entries: %u",
				 what, name, entries);
	if (size > max_size)
		return error_set(err, ERR_INPUT,
				 "%s of '%s' is too large: %llu bytes, at most %zu are possible",
				 what, name, (unsigned long long)size, max_size);
	*ret_size = (size_t)size;
	return 0;
}

/* Bytes per item, and 0 for the types that hold strings. */
static uint32_t
item_size(uint32_t type)
{
	switch (type) {
	case 1: /* CHAR */
	case 2: /* INT8 */
	case RPM_TYPE_BIN:
		return 1;
	case RPM_TYPE_INT16:
		return 2;
	case RPM_TYPE_INT32:
		return 4;
	case RPM_TYPE_INT64:
		return 8;
	default:
		return 0;
	}
}

/* The bytes that `count` strings take from `at`, or 0 if they do not end within `room` bytes. */
static uint32_t
measure_strings(const uint8_t *at, uint32_t room, uint32_t count)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *nul = used < room ? memchr(at + used, 0, room - used) : NULL;

		if (nul == NULL)
			return 0;
		used = (uint32_t)(nul - at) + 1;
	}
	return used;
}

/*
 * NULL if the entry is well formed and takes at most `budget` bytes inside the data, which are
 * then deducted, else what is wrong with it.
 */
static const char *
entry_fault(const struct rpm_header *header, const struct rpm_entry *entry, uint32_t *budget)
{
	uint32_t size = item_size(entry->type);
	uint32_t room = header->data_size - entry->offset;
	uint32_t used;

	if (entry->type < 1 || entry->type > RPM_TYPE_I18NSTRING)
		return "has an unknown type";
	if (entry->count == 0)
		return "is empty";
	if (entry->offset >= header->data_size)
		return "is outside the header";
	if (size == 0) {
		if (entry->type == RPM_TYPE_STRING && entry->count != 1)
			return "has more than one string";
		used = measure_strings(header->data + entry->offset,
				       room < *budget ? room : *budget, entry->count);
		if (used == 0)
			return "has a string without an end";
	} else {
		if (entry->offset % size != 0)
			return "is not aligned";
		if (entry->count > room / size)
			return "extends beyond the header";
		used = entry->count * size;
		if (used > *budget)
			return "overlaps another entry";
	}
	*budget -= used;
	return NULL;
}

#define TAG_HEADER_IMAGE 61U /* what old rpm writes at the end of a signature header's region */

/*
 * The signature header is not signed, and a signing server may add entries behind its region, even
 * the signature itself. So the region's end only has to be one that could be.
 */
static const char *
signature_region_fault(const struct rpm_header *header, const uint8_t *trailer)
{
	uint32_t tag = get32(trailer);
	uint32_t size = 0U - get32(trailer + 8);

	if ((tag != RPM_REGION_SIGNATURE && tag != TAG_HEADER_IMAGE) ||
	    get32(trailer + 4) != RPM_TYPE_BIN || get32(trailer + 12) != ENTRY_SIZE)
		return "has a region without an end";
	if (size == 0 || size % ENTRY_SIZE != 0 || size / ENTRY_SIZE > header->entry_count)
		return "has a region with more entries than the header";
	return NULL;
}

/*
 * The first entry is the region: 16 bytes behind its data that repeat the tag and say, as a
 * negative offset, how far back the index of the region begins. rpm signs and digests the main
 * header as a whole, and so the region has to be the whole of it: an entry outside of it could have
 * been added later.
 */
static const char *
region_fault(const struct rpm_header *header, enum rpm_region region)
{
	const struct rpm_entry *entry = &header->entries[0];
	const uint8_t *trailer;

	if (entry->tag != region || entry->type != RPM_TYPE_BIN || entry->count != ENTRY_SIZE)
		return "does not begin with its region";
	if (header->data_size < ENTRY_SIZE || entry->offset > header->data_size - ENTRY_SIZE)
		return "has a region outside its data";
	trailer = header->data + entry->offset;
	if (region == RPM_REGION_SIGNATURE)
		return signature_region_fault(header, trailer);
	if (entry->offset != header->data_size - ENTRY_SIZE)
		return "has data outside its region";
	if (get32(trailer) != region || get32(trailer + 4) != RPM_TYPE_BIN ||
	    get32(trailer + 12) != ENTRY_SIZE)
		return "has a region without an end";
	if (get32(trailer + 8) != 0U - header->entry_count * ENTRY_SIZE)
		return "has entries outside its region";
	return NULL;
}

static int
by_tag(const void *a, const void *b)
{
	const struct rpm_entry *x = a, *y = b;

	return (x->tag > y->tag) - (x->tag < y->tag);
}

static void
load_entries(struct rpm_header *header, const uint8_t *index)
{
	for (uint32_t i = 0; i < header->entry_count; i++, index += ENTRY_SIZE) {
		header->entries[i] = (struct rpm_entry){
			.tag = get32(index),
			.type = get32(index + 4),
			.offset = get32(index + 8),
			.count = get32(index + 12),
		};
	}
}

static int
check_entries(struct rpm_header *header, enum rpm_region region, const char *name,
	      struct error *err)
{
	const char *what = region == RPM_REGION_MAIN ? "main header" : "signature header";
	const char *fault = region_fault(header, region);
	/*
	 * Data of entries does not overlap, and so checking them all costs no more than reading it.
	 */
	uint32_t budget = header->data_size;

	if (fault != NULL)
		return error_set(err, ERR_INPUT, "%s of '%s' %s", what, name, fault);
	for (uint32_t i = 0; i < header->entry_count; i++) {
		fault = entry_fault(header, &header->entries[i], &budget);
		if (fault != NULL)
			return error_set(err, ERR_INPUT, "%s of '%s': tag %u %s", what, name,
					 header->entries[i].tag, fault);
	}
	qsort(header->entries, header->entry_count, sizeof(*header->entries), by_tag);
	for (uint32_t i = 1; i < header->entry_count; i++) {
		if (header->entries[i].tag == header->entries[i - 1].tag)
			return error_set(err, ERR_INPUT, "%s of '%s' has duplicate tag %u", what,
					 name, header->entries[i].tag);
	}
	return 0;
}

int
rpm_header_parse(const uint8_t *bytes, size_t size, enum rpm_region region, const char *name,
		 struct rpm_header *ret_header, struct error *err)
{
	AUTO(rpm_header_clear) struct rpm_header header = {0};
	size_t measured;

	if (size < RPM_HEADER_INTRO_SIZE)
		return error_set(err, ERR_INPUT, "'%s' is cut short within a header", name);
	if (rpm_header_measure(bytes, size, name, "header", &measured, err) < 0)
		return -1;
	if (measured != size)
		return error_set(err, ERR_INPUT, "header of '%s' has %zu bytes, expected %zu", name,
				 measured, size);
	header.entry_count = get32(bytes + 8);
	header.data_size = get32(bytes + 12);
	header.data = bytes + size - header.data_size;
	header.entries = xcalloc(header.entry_count, sizeof(*header.entries));
	load_entries(&header, bytes + RPM_HEADER_INTRO_SIZE);
	if (check_entries(&header, region, name, err) < 0)
		return -1;
	*ret_header = header;
	header.entries = NULL;
	return 0;
}

void
rpm_header_clear(struct rpm_header *header)
{
	free(header->entries);
	*header = (struct rpm_header){0};
}

const struct rpm_entry *
rpm_header_find(const struct rpm_header *header, uint32_t tag)
{
	struct rpm_entry key = {.tag = tag};

	if (header->entry_count == 0)
		return NULL;
	return bsearch(&key, header->entries, header->entry_count, sizeof(key), by_tag);
}

static const struct rpm_entry *
find_typed(const struct rpm_header *header, uint32_t tag, enum rpm_type type)
{
	const struct rpm_entry *entry = rpm_header_find(header, tag);

	return entry != NULL && entry->type == type ? entry : NULL;
}

const char *
rpm_header_string(const struct rpm_header *header, uint32_t tag)
{
	const struct rpm_entry *entry = rpm_header_find(header, tag);

	if (entry == NULL || item_size(entry->type) != 0)
		return NULL;
	return (const char *)header->data + entry->offset;
}

bool
rpm_header_uint32(const struct rpm_header *header, uint32_t tag, uint32_t *ret_value)
{
	const struct rpm_entry *entry = find_typed(header, tag, RPM_TYPE_INT32);

	if (entry == NULL)
		return false;
	*ret_value = get32(header->data + entry->offset);
	return true;
}

const uint8_t *
rpm_header_bytes(const struct rpm_header *header, uint32_t tag, size_t *ret_size)
{
	const struct rpm_entry *entry = find_typed(header, tag, RPM_TYPE_BIN);

	if (entry == NULL)
		return NULL;
	*ret_size = entry->count;
	return header->data + entry->offset;
}

const char **
rpm_header_strings(const struct rpm_header *header, uint32_t tag, size_t *ret_count)
{
	const struct rpm_entry *entry = find_typed(header, tag, RPM_TYPE_STRING_ARRAY);
	const char **strings;
	const char *at;

	if (entry == NULL)
		return NULL;
	/* The count is bounded by the data: each string has at least its end there. */
	strings = xcalloc(entry->count, sizeof(*strings));
	at = (const char *)header->data + entry->offset;
	for (uint32_t i = 0; i < entry->count; i++) {
		strings[i] = at;
		at += strlen(at) + 1;
	}
	*ret_count = entry->count;
	return strings;
}

uint64_t *
rpm_header_numbers(const struct rpm_header *header, uint32_t tag, size_t *ret_count)
{
	const struct rpm_entry *entry = rpm_header_find(header, tag);
	uint32_t size = entry == NULL ? 0 : item_size(entry->type);
	const uint8_t *at;
	uint64_t *numbers;

	if (size < 2)
		return NULL;
	at = header->data + entry->offset;
	numbers = xcalloc(entry->count, sizeof(*numbers));
	for (uint32_t i = 0; i < entry->count; i++) {
		for (uint32_t b = 0; b < size; b++)
			numbers[i] = numbers[i] << 8 | *at++;
	}
	*ret_count = entry->count;
	return numbers;
}
