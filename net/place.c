/* SPDX-License-Identifier: MIT */
#include "net/place.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

static const struct {
	uint32_t first;
	int bits;
	enum http_place place;
} near_networks[] = {
	{0x00000000, 8, HTTP_PLACE_HERE},     /* 0.0.0.0/8 */
	{0x7f000000, 8, HTTP_PLACE_HERE},     /* 127.0.0.0/8 */
	{0xa9fe0000, 16, HTTP_PLACE_LINK},    /* 169.254.0.0/16 */
	{0x0a000000, 8, HTTP_PLACE_PRIVATE},  /* 10.0.0.0/8 */
	{0x64400000, 10, HTTP_PLACE_PRIVATE}, /* 100.64.0.0/10 */
	{0xac100000, 12, HTTP_PLACE_PRIVATE}, /* 172.16.0.0/12 */
	{0xc0a80000, 16, HTTP_PLACE_PRIVATE}, /* 192.168.0.0/16 */
};

static enum http_place
place_of_v4(const struct in_addr *address)
{
	uint32_t number = ntohl(address->s_addr);

	for (size_t i = 0; i < ARRAY_SIZE(near_networks); i++)
		if ((number ^ near_networks[i].first) >> (32 - near_networks[i].bits) == 0)
			return near_networks[i].place;
	return HTTP_PLACE_PUBLIC;
}

/* The address behind a translator or tunnel: 64:ff9b::/96 (NAT64), ::ffff:0:0:0/96, 2002::/16 (6to4). */
static bool
embedded_v4(const struct in6_addr *address, struct in_addr *ret_v4)
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b}, siit[12] = {[8] = 0xff, 0xff};
	const uint8_t *bytes = address->s6_addr;
	bool is_6to4 = bytes[0] == 0x20 && bytes[1] == 0x02;

	memcpy(ret_v4, bytes + (is_6to4 ? 2 : 12), sizeof(*ret_v4));
	return is_6to4 || memcmp(bytes, nat64, sizeof(nat64)) == 0 ||
	       memcmp(bytes, siit, sizeof(siit)) == 0;
}

static enum http_place
place_of_v6(const struct in6_addr *address)
{
	struct in_addr v4;

	memcpy(&v4, address->s6_addr + 12, sizeof(v4));
	if (IN6_IS_ADDR_V4MAPPED(address))
		return place_of_v4(&v4);
	if (IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address))
		return HTTP_PLACE_HERE;
	if (IN6_IS_ADDR_V4COMPAT(address))
		return place_of_v4(&v4);
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return HTTP_PLACE_LINK;
	if (embedded_v4(address, &v4))
		return place_of_v4(&v4);
	return (address->s6_addr[0] & 0xfe) == 0xfc ? HTTP_PLACE_PRIVATE : HTTP_PLACE_PUBLIC;
}

enum http_place
http_place_of(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		return place_of_v4(&v4.sin_addr);
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		return place_of_v6(&v6.sin6_addr);
	}
	return HTTP_PLACE_HERE;
}

enum http_place
http_place_of_text(const char *address)
{
	char bare[INET6_ADDRSTRLEN] = "";
	struct in_addr v4;
	struct in6_addr v6;
	size_t length = strlen(address);

	if (inet_pton(AF_INET, address, &v4) == 1)
		return place_of_v4(&v4);
	if (length > 2 && address[0] == '[' && address[length - 1] == ']') {
		address++;
		length -= 2;
	}
	/* A scope ("fe80::1%eth0") names a link of this machine. */
	length = length < strcspn(address, "%") ? length : strcspn(address, "%");
	if (length >= sizeof(bare))
		return HTTP_PLACE_ANY;
	memcpy(bare, address, length);
	return inet_pton(AF_INET6, bare, &v6) == 1 ? place_of_v6(&v6) : HTTP_PLACE_ANY;
}

bool
http_place_may_lead(enum http_place from, enum http_place to, bool https)
{
	return from == HTTP_PLACE_ANY || to <= from || (to == HTTP_PLACE_PRIVATE && https);
}

const char *
http_place_text(enum http_place place)
{
	switch (place) {
	case HTTP_PLACE_ANY:
	case HTTP_PLACE_PUBLIC:
		break;
	case HTTP_PLACE_PRIVATE:
		return "a private address";
	case HTTP_PLACE_LINK:
		return "a link-local address";
	case HTTP_PLACE_HERE:
		return "this machine itself";
	}
	return "a public address";
}
