/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_describe.h"

#include "base/alloc.h"
#include "sources/rpm/rpm_verify.h"

#include <string.h>

static void
fill_in(char **string, const char *value)
{
	if (*string == NULL && value != NULL)
		*string = xstrdup(value);
}

static int
check_file(const struct rpm *rpm, struct package *package, struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest digest;
	uint64_t size;

	if (digest_fd(rpm->fd, rpm->label, &digest, &size, err) < 0)
		return -1;
	if (package->size != 0 && package->size != size)
		return error_set(err, ERR_VERIFY, "'%s' has %llu bytes, expected %llu", rpm->label,
				 (unsigned long long)size, (unsigned long long)package->size);
	if (!digest_is_zero(&package->sha256) && !digest_equal(&package->sha256, &digest))
		return error_set(err, ERR_VERIFY, "sha256 of '%s' is %s, expected %s", rpm->label,
				 digest_hex(&digest, got), digest_hex(&package->sha256, want));
	package->size = size;
	package->sha256 = digest;
	return 0;
}

int
rpm_describe(const char *path, struct openpgp_keyring *ring, const struct arch *host,
	     struct package *package, const struct package_warnings *warnings, struct error *err)
{
	AUTO(rpm_clear) struct rpm rpm = RPM_INIT;
	struct openpgp_signer signer;
	struct rpm_identity identity;

	if (host->fedora == NULL)
		return error_set(err, ERR_INPUT, "RPM has no packages for host %s", host->name);
	if (rpm_open(path, package->file, &rpm, err) < 0)
		return -1;
	identity = (struct rpm_identity){
		.name = package->name != NULL ? package->name : rpm.name,
		.evr = package->version != NULL ? package->version : rpm.evr,
		.arch = host->fedora,
	};
	if (check_file(&rpm, package, err) < 0 ||
	    rpm_verify(&rpm, ring, &identity, &signer, err) < 0)
		return -1;
	fill_in(&package->name, rpm.name);
	fill_in(&package->version, rpm.evr);
	fill_in(&package->arch, rpm.arch);
	fill_in(&package->license, rpm.license);
	fill_in(&package->source_package, rpm.source_rpm);
	fill_in(&package->signer, signer.fingerprint);
	package->signed_sec = signer.signed_sec;
	package->header_sha256 = rpm.header_sha256;
	return package_inspect(path, host, package, warnings, err);
}
