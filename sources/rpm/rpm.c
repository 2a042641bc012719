/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define LEAD_SIZE 96U

/*
 * rpm allows 256 MiB a header. The largest of Fedora has 30 MB; packages with emulators have
 * 20 to 50 kB.
 */
#define MAX_SIGNATURE_SIZE (4U << 20)
#define MAX_HEADER_SIZE    (64U << 20)

static size_t
pad8(size_t size)
{
	return (size + 7) & ~(size_t)7;
}

static int
open_regular(const char *path, const char *label, int *ret_fd, uint64_t *ret_size,
	     struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open package '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", label);
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	fd = -1;
	return 0;
}

static int
check_lead(const struct rpm *rpm, struct error *err)
{
	static const uint8_t magic[4] = {0xed, 0xab, 0xee, 0xdb};
	uint8_t lead[LEAD_SIZE];

	if (rpm->size < sizeof(lead))
		return error_set(err, ERR_INPUT,
				 "'%s' is not an RPM package: it has only %llu bytes", rpm->label,
				 (unsigned long long)rpm->size);
	if (read_at(rpm->fd, 0, lead, sizeof(lead), rpm->label, err) < 0)
		return -1;
	if (memcmp(lead, magic, sizeof(magic)) != 0)
		return error_set(err, ERR_INPUT, "'%s' is not an RPM package", rpm->label);
	if (lead[4] != 3 && lead[4] != 4)
		return error_set(err, ERR_INPUT, "'%s' has RPM format %u, which is not supported",
				 rpm->label, lead[4]);
	return 0;
}

/* Reads the whole header at `offset`, of at most `max_size` bytes, into memory. */
static int
load_header(const struct rpm *rpm, uint64_t offset, size_t max_size, const char *what,
	    uint8_t **ret_bytes, size_t *ret_size, struct error *err)
{
	uint8_t intro[RPM_HEADER_INTRO_SIZE];
	auto_free uint8_t *bytes = NULL;
	size_t size;

	if (offset > rpm->size || rpm->size - offset < sizeof(intro))
		return error_set(err, ERR_INPUT, "'%s' ends before its %s", rpm->label, what);
	if (read_at(rpm->fd, offset, intro, sizeof(intro), rpm->label, err) < 0 ||
	    rpm_header_measure(intro, max_size, rpm->label, what, &size, err) < 0)
		return -1;
	if (size > rpm->size - offset)
		return error_set(err, ERR_INPUT, "'%s' is cut short within its %s", rpm->label,
				 what);
	bytes = malloc(size);
	if (bytes == NULL)
		return error_set(err, ERR_IO, "cannot allocate %zu bytes for the %s of '%s'", size,
				 what, rpm->label);
	if (read_at(rpm->fd, offset, bytes, size, rpm->label, err) < 0)
		return -1;
	*ret_bytes = TAKE(bytes);
	*ret_size = size;
	return 0;
}

static int
load_headers(struct rpm *rpm, struct error *err)
{
	if (load_header(rpm, LEAD_SIZE, MAX_SIGNATURE_SIZE, "signature header",
			&rpm->signature_bytes, &rpm->signature_size, err) < 0 ||
	    rpm_header_parse(rpm->signature_bytes, rpm->signature_size, RPM_REGION_SIGNATURE,
			     rpm->label, &rpm->signature, err) < 0)
		return -1;
	rpm->header_offset = LEAD_SIZE + pad8(rpm->signature_size);
	if (load_header(rpm, rpm->header_offset, MAX_HEADER_SIZE, "main header", &rpm->header_bytes,
			&rpm->header_size, err) < 0 ||
	    rpm_header_parse(rpm->header_bytes, rpm->header_size, RPM_REGION_MAIN, rpm->label,
			     &rpm->header, err) < 0)
		return -1;
	rpm->payload_offset = rpm->header_offset + rpm->header_size;
	digest_of(rpm->header_bytes, rpm->header_size, &rpm->header_sha256);
	return 0;
}

static int
load_identity(struct rpm *rpm, struct error *err)
{
	const struct {
		uint32_t tag;
		const char *what;
		const char **value;
	} needed[] = {
		{RPM_TAG_NAME, "name", &rpm->name},
		{RPM_TAG_VERSION, "version", &rpm->version},
		{RPM_TAG_RELEASE, "release", &rpm->release},
		{RPM_TAG_ARCH, "architecture", &rpm->arch},
		{RPM_TAG_OS, "operating system", &rpm->os},
	};
	uint32_t epoch;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		*needed[i].value = rpm_header_string(&rpm->header, needed[i].tag);
		if (*needed[i].value == NULL)
			return error_set(err, ERR_INPUT, "main header of '%s' has no %s",
					 rpm->label, needed[i].what);
	}
	rpm->license = rpm_header_string(&rpm->header, RPM_TAG_LICENSE);
	rpm->source_rpm = rpm_header_string(&rpm->header, RPM_TAG_SOURCE_RPM);
	/* No epoch and the epoch 0 are the same version, as dnf's lists have it. */
	if (rpm_header_uint32(&rpm->header, RPM_TAG_EPOCH, &epoch) && epoch != 0)
		rpm->evr = xasprintf("%u:%s-%s", epoch, rpm->version, rpm->release);
	else
		rpm->evr = xasprintf("%s-%s", rpm->version, rpm->release);
	return 0;
}

int
rpm_open(const char *path, const char *label, struct rpm *ret_rpm, struct error *err)
{
	AUTO(rpm_clear) struct rpm rpm = RPM_INIT;

	rpm.label = xstrdup(label != NULL ? label : path_base(path));
	if (open_regular(path, rpm.label, &rpm.fd, &rpm.size, err) < 0 ||
	    check_lead(&rpm, err) < 0 || load_headers(&rpm, err) < 0 ||
	    load_identity(&rpm, err) < 0)
		return -1;
	*ret_rpm = rpm;
	rpm = (struct rpm)RPM_INIT;
	return 0;
}

void
rpm_clear(struct rpm *rpm)
{
	if (rpm->fd >= 0)
		(void)close(rpm->fd);
	rpm_header_clear(&rpm->signature);
	rpm_header_clear(&rpm->header);
	free(rpm->signature_bytes);
	free(rpm->header_bytes);
	free(rpm->label);
	free(rpm->evr);
	*rpm = (struct rpm)RPM_INIT;
}

/* Copies `in`, from an offset to its end, to where `out` stands. */
static int
copy_rest(const struct rpm *in, uint64_t offset, int out, struct error *err)
{
	enum { CHUNK = 256 << 10 };
	auto_free uint8_t *buffer = xmalloc(CHUNK);

	while (offset < in->size) {
		uint64_t left = in->size - offset;
		size_t length = left < CHUNK ? (size_t)left : CHUNK;

		if (read_at(in->fd, offset, buffer, length, in->label, err) < 0 ||
		    write_all(out, buffer, length, in->label, err) < 0)
			return -1;
		offset += length;
	}
	return 0;
}

/* Koji's files hold the header as it stands in a package, with or without its padding. */
static int
load_signature_file(const char *path, char **ret_bytes, size_t *ret_size,
		    struct rpm_header *ret_header, struct error *err)
{
	static const char zeros[8];
	auto_free char *bytes = NULL;
	const char *label = path_base(path);
	size_t length, size;

	if (read_file(path, MAX_SIGNATURE_SIZE, &bytes, &length, err) < 0)
		return -1;
	if (length < RPM_HEADER_INTRO_SIZE)
		return error_set(err, ERR_INPUT, "'%s' is not a signature header", label);
	if (rpm_header_measure((const uint8_t *)bytes, MAX_SIGNATURE_SIZE, label,
			       "signature header", &size, err) < 0)
		return -1;
	if (length < size || length > pad8(size) || memcmp(bytes + size, zeros, length - size) != 0)
		return error_set(err, ERR_INPUT,
				 "signature header '%s' has %zu bytes, expected %zu", label, length,
				 size);
	if (rpm_header_parse((const uint8_t *)bytes, size, RPM_REGION_SIGNATURE, label, ret_header,
			     err) < 0)
		return -1;
	*ret_bytes = TAKE(bytes);
	*ret_size = size;
	return 0;
}

int
rpm_splice(const char *unsigned_path, const char *signature_path, int fd, struct error *err)
{
	static const uint8_t zeros[8];
	AUTO(rpm_clear) struct rpm rpm = RPM_INIT;
	AUTO(rpm_header_clear) struct rpm_header signature = {0};
	auto_free char *bytes = NULL;
	const char *label = path_base(signature_path);
	const char *hex;
	struct digest says;
	uint8_t lead[LEAD_SIZE];
	size_t size;

	if (rpm_open(unsigned_path, NULL, &rpm, err) < 0 ||
	    load_signature_file(signature_path, &bytes, &size, &signature, err) < 0)
		return -1;
	hex = rpm_header_string(&signature, RPM_SIGTAG_SHA256);
	if (hex == NULL || !digest_parse(hex, &says) || !digest_equal(&says, &rpm.header_sha256))
		return error_set(err, ERR_VERIFY,
				 "signature header '%s' does not belong to package '%s'", label,
				 rpm.label);
	if (read_at(rpm.fd, 0, lead, sizeof(lead), rpm.label, err) < 0 ||
	    write_all(fd, lead, sizeof(lead), rpm.label, err) < 0 ||
	    write_all(fd, bytes, size, rpm.label, err) < 0 ||
	    write_all(fd, zeros, pad8(size) - size, rpm.label, err) < 0)
		return -1;
	return copy_rest(&rpm, rpm.header_offset, fd, err);
}
