/* SPDX-License-Identifier: MIT */
#include "sources/fedora/spliced.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/rpm/rpm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MARK               "#signature="
#define MAX_SIGNATURE_FILE (4U << 20)

char *
spliced_url(const char *unsigned_url, const char *signature_url)
{
	return xasprintf("%s" MARK "%s", unsigned_url, signature_url);
}

bool
spliced_url_is(const char *url)
{
	return strstr(url, MARK) != NULL;
}

static int
fetch_part(struct http_client *client, const struct http_request *request, const char *url, int fd,
	   const char *name, uint64_t max_bytes, struct progress_task *progress,
	   struct http_downloaded *ret_downloaded, struct error *err)
{
	const struct http_download download = {
		.fd = fd, .name = name, .max_bytes = max_bytes, .progress = progress};
	struct http_request part = *request;

	part.url = url;
	return http_download(client, &part, &download, ret_downloaded, err);
}

/* rpm_splice() takes paths; a descriptor has one as well. */
static int
splice_descriptors(int unsigned_fd, int signature_fd, int fd, const char *name, struct error *err)
{
	char unsigned_path[64], signature_path[64];

	(void)snprintf(unsigned_path, sizeof(unsigned_path), "/proc/self/fd/%d", unsigned_fd);
	(void)snprintf(signature_path, sizeof(signature_path), "/proc/self/fd/%d", signature_fd);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return error_set_errno(err, ERR_IO, "cannot write '%s'", name);
	if (rpm_splice(unsigned_path, signature_path, fd, err) < 0)
		return error_prefix(err, "cannot assemble '%s'", name);
	return 0;
}

int
spliced_download(struct http_client *client, const struct http_request *request,
		 const struct http_download *download, struct http_downloaded *ret_downloaded,
		 struct error *err)
{
	const char *mark = strstr(request->url, MARK);
	auto_free char *unsigned_url = xstrndup(request->url, (size_t)(mark - request->url));
	struct http_downloaded package, signature;
	auto_close int unsigned_fd = nameless_file(err);
	auto_close int signature_fd = unsigned_fd < 0 ? -1 : nameless_file(err);

	if (signature_fd < 0)
		return -1;
	/* The small part first: if there is no signature, the package is of no use. */
	if (fetch_part(client, request, mark + strlen(MARK), signature_fd, download->name,
		       MAX_SIGNATURE_FILE, NULL, &signature, err) < 0 ||
	    fetch_part(client, request, unsigned_url, unsigned_fd, download->name,
		       download->max_bytes + MAX_SIGNATURE_FILE, download->progress, &package,
		       err) < 0 ||
	    splice_descriptors(unsigned_fd, signature_fd, download->fd, download->name, err) < 0)
		return -1;
	*ret_downloaded =
		(struct http_downloaded){.received = package.received + signature.received};
	if (digest_fd(download->fd, download->name, &ret_downloaded->sha256, &ret_downloaded->size,
		      err) < 0)
		return -1;
	if (ret_downloaded->size > download->max_bytes ||
	    (download->exact && ret_downloaded->size != download->max_bytes))
		return error_set(err, ERR_VERIFY, "'%s' has %llu bytes, expected %llu",
				 download->name, (unsigned long long)ret_downloaded->size,
				 (unsigned long long)download->max_bytes);
	return 0;
}
