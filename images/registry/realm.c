/* SPDX-License-Identifier: MIT */
#include "images/registry/realm.h"

#include "base/alloc.h"
#include "net/url.h"

#include <string.h>

/* How many labels at the end of two host names are the same. */
static size_t
common_labels(const char *a, const char *b)
{
	size_t i = strlen(a), j = strlen(b), labels = 0;

	while (i > 0 && j > 0 && a[i - 1] == b[j - 1]) {
		i--;
		j--;
		if (a[i] == '.')
			labels++;
	}
	/* A name that ends here has matched its first label too. */
	if ((i == 0 && (j == 0 || b[j - 1] == '.')) || (j == 0 && a[i - 1] == '.'))
		labels++;
	return labels;
}

static bool
is_address(const char *host)
{
	return host[0] == '[' || strspn(host, "0123456789.") == strlen(host);
}

bool
realm_is_related(const char *host, const char *realm_host)
{
	auto_free char *a =
		xstrndup(host, host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":"));
	auto_free char *b = xstrndup(realm_host, realm_host[0] == '[' ? strcspn(realm_host, "]") + 1
								      : strcspn(realm_host, ":"));
	const char *last, *before;
	size_t needed = 2;

	if (strcmp(a, b) == 0)
		return true;
	if (is_address(a) || is_address(b))
		return false;
	/* Below "co.uk" and the like anybody can have a name: there two labels are not enough. */
	last = strrchr(a, '.');
	if (last == NULL)
		return false;
	for (before = last; before > a && before[-1] != '.'; before--)
		continue;
	if (strlen(last) == 3 && last - before <= 3)
		needed = 3;
	return common_labels(a, b) >= needed;
}

bool
realm_is_named(const struct auth_options *options, const char *realm)
{
	auto_free char *realm_host = http_url_host(realm);

	for (size_t i = 0; i < options->realm_count; i++)
		if (strcmp(options->realms[i], realm_host) == 0)
			return true;
	return false;
}

int
realm_check(const struct auth_options *options, const struct reference *repository, bool has_login,
	    const char *realm, struct error *err)
{
	auto_free char *realm_host = http_url_host(realm);
	unsigned int allow = options->plain_http ? HTTP_ALLOW_PLAIN : 0;

	if (http_url_check(realm, allow, err) < 0) {
		err->code = ERR_VERIFY;
		return error_prefix(err, "the token server of '%s'", repository->registry);
	}
	if (realm_is_named(options, realm))
		return 0;
	if (http_url_is_loopback(realm) && !reference_host_is_loopback(repository->host))
		return error_set(err, ERR_VERIFY,
				 "'%s' requires a token from '%s', which is this machine itself; "
				 "to allow that, use --token-server %s",
				 repository->registry, realm_host, realm_host);
	if (!has_login || realm_is_related(repository->host, realm_host))
		return 0;
	return error_set(err, ERR_VERIFY,
			 "'%s' asks for its credentials to be sent to '%s'; to allow that, use "
			 "--token-server %s",
			 repository->registry, realm_host, realm_host);
}
