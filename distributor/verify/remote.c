/* SPDX-License-Identifier: MIT */
#include "distributor/verify/remote.h"

#include "base/alloc.h"
#include "base/file.h"
#include "distributor/workspace/workspace.h"
#include "net/http.h"

#include <string.h>

struct remote_release {
	char *base; /* without a '/' at its end */
	struct http_client *client;
};

int
remote_release_open(const char *base, bool offline, struct remote_release **ret_url,
		    struct error *err)
{
	const struct http_options options = {.notice = notice_info};
	size_t length = strlen(base);
	struct http_client *client;

	if (http_url_check(base, HTTP_ALLOW_FILE, err) < 0)
		return -1;
	if (offline && !http_url_has_scheme(base, "file"))
		return error_set(err, ERR_USAGE, "--offline cannot be used with the URL '%s'",
				 base);
	if (http_client_new(&options, &client, err) < 0)
		return -1;
	while (length > 0 && base[length - 1] == '/')
		length--;
	*ret_url = xcalloc(1, sizeof(**ret_url));
	(*ret_url)->base = xstrndup(base, length);
	(*ret_url)->client = client;
	return 0;
}

void
remote_release_freep(struct remote_release **url)
{
	if (*url == NULL)
		return;
	http_client_free((*url)->client);
	free((*url)->base);
	free(*url);
	*url = NULL;
}

static int
url_read(void *context, const char *name, size_t max_bytes, char **ret_text, size_t *ret_length,
	 struct error *err)
{
	struct remote_release *from = context;
	auto_free char *url = xasprintf("%s/%s", from->base, name);

	return http_get(from->client, url, HTTP_ALLOW_FILE, max_bytes, ret_text, ret_length, err);
}

static int
url_digest(void *context, const char *name, uint64_t max_bytes, struct digest *ret_digest,
	   uint64_t *ret_size, struct error *err)
{
	struct remote_release *from = context;
	auto_free char *url = xasprintf("%s/%s", from->base, name);
	auto_close int fd = nameless_file(err);
	struct http_request request = {.url = url, .allow = HTTP_ALLOW_FILE};
	struct http_download download = {.fd = fd, .name = name, .max_bytes = max_bytes};
	struct http_downloaded done;

	if (fd < 0)
		return -1;
	if (http_download(from->client, &request, &download, &done, err) < 0)
		return -1;
	*ret_digest = done.sha256;
	if (ret_size != NULL)
		*ret_size = done.size;
	return 0;
}

struct verify_files
remote_release_files(struct remote_release *url)
{
	return (struct verify_files){url, url_read, url_digest, NULL};
}
