/* SPDX-License-Identifier: MIT */
#include "net/guard.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "net/url.h"
#include "net/url_internal.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* The proxy that libcurl reads from the environment, or NULL. "HTTP_PROXY" it does not read. */
static const char *
configured_proxy(const char *url)
{
	static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
						"ALL_PROXY"};
	static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
	bool https = http_url_has_scheme(url, "https");
	const char *const *names = https ? for_https : for_http;
	size_t count = https ? ARRAY_SIZE(for_https) : ARRAY_SIZE(for_http);

	for (size_t i = 0; i < count; i++) {
		const char *proxy = getenv(names[i]);

		if (proxy != NULL && *proxy != '\0')
			return proxy;
	}
	return NULL;
}

static void
addrinfo_freep(struct addrinfo **list)
{
	if (*list != NULL)
		freeaddrinfo(*list);
}

static bool
same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	struct sockaddr_in a4, b4;
	struct sockaddr_in6 a6, b6;

	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET) {
		memcpy(&a4, a, sizeof(a4));
		memcpy(&b4, b, sizeof(b4));
		return a4.sin_port == b4.sin_port && a4.sin_addr.s_addr == b4.sin_addr.s_addr;
	}
	if (a->sa_family != AF_INET6)
		return false;
	memcpy(&a6, a, sizeof(a6));
	memcpy(&b6, b, sizeof(b6));
	return a6.sin6_port == b6.sin6_port &&
	       memcmp(&a6.sin6_addr, &b6.sin6_addr, sizeof(a6.sin6_addr)) == 0;
}

/* All addresses of a proxy, or NULL; as libcurl reads it, the port is 1080 where none is named. */
static struct addrinfo *
proxy_addresses(const char *proxy)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const unsigned int flags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME;
	AUTO(http_curlu_freep) CURLU *url = curl_url();
	AUTO(http_part_freep) char *host = NULL;
	AUTO(http_part_freep) char *port = NULL;
	struct addrinfo *list = NULL;
	const char *fallback = strncasecmp(proxy, "https://", 8) == 0 ? "443" : "1080";
	auto_free char *bare = NULL;

	if (url == NULL || curl_url_set(url, CURLUPART_URL, proxy, flags) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return NULL;
	(void)curl_url_get(url, CURLUPART_PORT, &port, 0);
	bare = host[0] == '[' ? xstrndup(host + 1, strcspn(host + 1, "]")) : xstrdup(host);
	return getaddrinfo(bare, port != NULL ? port : fallback, &hints, &list) == 0 ? list : NULL;
}

/* Whether this address is one of the proxy that is configured for the URL. */
static bool
is_proxy(const struct http_guard *guard, const struct sockaddr *address)
{
	const char *proxy = guard->direct ? NULL : configured_proxy(guard->url);
	AUTO(addrinfo_freep)
	struct addrinfo *list = proxy != NULL ? proxy_addresses(proxy) : NULL;

	for (const struct addrinfo *at = list; at != NULL; at = at->ai_next)
		if (same_address(at->ai_addr, address))
			return true;
	return false;
}

static bool
passes(struct http_guard *guard, const struct sockaddr *address)
{
	enum http_place place = http_place_of(address);

	if (http_place_may_lead(guard->from, place, http_url_has_scheme(guard->url, "https")) ||
	    is_proxy(guard, address))
		return true;
	guard->refused = place;
	if (getnameinfo(address,
			address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						       : sizeof(struct sockaddr_in),
			guard->address, sizeof(guard->address), NULL, 0, NI_NUMERICHOST) != 0)
		guard->address[0] = '\0';
	return false;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	if (!passes(context, &address->addr))
		return CURL_SOCKET_BAD;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The address of a connection, from its text. */
static bool
read_address(const char *text, long port, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	auto_free char *bare = xstrndup(text, strcspn(text, "%"));

	memset(ret_address, 0, sizeof(*ret_address));
	if (inet_pton(AF_INET, bare, &v4.sin_addr) == 1)
		memcpy(ret_address, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, bare, &v6.sin6_addr) == 1)
		memcpy(ret_address, &v6, sizeof(v6));
	else
		return false;
	return true;
}

/* Called when a connection is there, new or kept, and nothing has been sent. */
static int
before_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
	struct sockaddr_storage address;

	(void)local;
	(void)local_port;
	/* What has no such address is a socket of this machine. */
	if (!read_address(remote, remote_port, &address))
		address.ss_family = AF_UNIX;
	return passes(context, (const struct sockaddr *)&address) ? CURL_PREREQFUNC_OK
								  : CURL_PREREQFUNC_ABORT;
}

void
http_guard_install(struct http_guard *guard, void *handle)
{
	if (guard->from == HTTP_PLACE_ANY)
		return;
	(void)curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	(void)curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, guard);
	(void)curl_easy_setopt(handle, CURLOPT_PREREQFUNCTION, before_request);
	(void)curl_easy_setopt(handle, CURLOPT_PREREQDATA, guard);
}

enum http_place
http_guard_place(const struct http_guard *guard, void *handle)
{
	struct sockaddr_storage address;
	const char *text = NULL;
	enum http_place place;
	long port = 0;

	if (curl_easy_getinfo(handle, CURLINFO_PRIMARY_IP, &text) != CURLE_OK ||
	    curl_easy_getinfo(handle, CURLINFO_PRIMARY_PORT, &port) != CURLE_OK || text == NULL ||
	    !read_address(text, port, &address))
		return HTTP_PLACE_PUBLIC;
	place = http_place_of((const struct sockaddr *)&address);
	if (place != HTTP_PLACE_PUBLIC && is_proxy(guard, (const struct sockaddr *)&address))
		return HTTP_PLACE_PUBLIC;
	return place;
}
