/* SPDX-License-Identifier: MIT */
/*
 * Makes what `distributor images` starts from, small and quick: a matrix, its lock, tarballs, and
 * registrars that are nothing but an ELF header.
 *
 * usage: image_fixture DIRECTORY BYTES HOST...
 *
 * Each host gets its own target and aarch64, arm, s390x, x86_64. Below DIRECTORY: matrix.json,
 * matrix.lock.json, out/assets/, out/assets.json, out/packed.json, registrars/.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "matrix/lock.h"
#include "model/arch.h"
#include "model/package.h"
#include "pack/deflate.h"
#include "pack/layer.h"
#include "pack/packlist.h"
#include "pack/tarball.h"

#include <elf.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define CREATED_SEC 1700000000

static const char *const targets[] = {"aarch64", "arm", "s390x", "x86_64"};

static void
must(int result, const struct error *err)
{
	if (result >= 0)
		return;
	log_error("%s", err->message);
	exit(1);
}

/* Text that compresses about as well as a program does. */
static uint8_t *
make_program(const char *host, const char *target, size_t size)
{
	uint8_t *bytes = xmalloc(size);
	uint64_t state = 88172645463325252ull;

	for (const char *at = host; *at != '\0'; at++)
		state = state * 31 + (uint64_t)*at;
	for (const char *at = target; *at != '\0'; at++)
		state = state * 37 + (uint64_t)*at;
	for (size_t i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = (uint8_t)((state & 3) == 0 ? state >> 32 : i & 0x1f);
	}
	return bytes;
}

static void
make_tarball(const char *dir, const char *host, const char *target, size_t size,
	     struct package *package, struct packlist_host *noted)
{
	AUTO(diff_id_freep) struct diff_id *diff_id = diff_id_new(CREATED_SEC);
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free uint8_t *bytes = make_program(host, target, size);
	size_t room = deflater_bound(deflater, size);
	auto_free uint8_t *out = xmalloc(room);
	auto_free char *path =
		xasprintf("%s/out/assets/%s_qemu-%s-static.tar.gz", dir, host, target);
	auto_free char *inside = xasprintf("usr/bin/qemu-%s-static", target);
	struct packed_member packed = {.size = size};
	struct packlist_member note = {.package = NULL};
	struct member *member = package_add_member(package, target, inside);
	struct error err = ERROR_INIT;
	struct written_file written;
	size_t length;

	(void)snprintf(packed.target, sizeof(packed.target), "%s", target);
	packed.crc32 = gzip_crc(0, bytes, size);
	digest_of(bytes, size, &packed.sha256);
	member->size = size;
	member->sha256 = packed.sha256;
	must(deflater_run(deflater, bytes, size, out, room, &length, &err), &err);
	packed.compressed_size = length;
	must(tempfile_open(&tmp, path, 0644, &err), &err);
	must(tarball_write(tmp.fd, path, &packed, out, CREATED_SEC, &written, &err), &err);
	must(tempfile_commit(&tmp, &err), &err);
	note.packed = packed;
	note.tarball = written;
	note.package = package->file;
	note.package_version = package->version;
	note.package_sha256 = package->sha256;
	diff_id_add(diff_id, target, bytes, size);
	diff_id_finish(diff_id, &note.diff_id);
	packlist_add_member(noted, &note);
}

static void
put16(uint8_t *at, const struct arch *host, uint16_t number)
{
	at[host->elf_data == 1 ? 0 : 1] = (uint8_t)number;
	at[host->elf_data == 1 ? 1 : 0] = (uint8_t)(number >> 8);
}

static void
put32(uint8_t *at, const struct arch *host, uint32_t number)
{
	put16(at + (host->elf_data == 1 ? 0 : 2), host, (uint16_t)number);
	put16(at + (host->elf_data == 1 ? 2 : 0), host, (uint16_t)(number >> 16));
}

/* An executable that does nothing: static, as far as anybody can see. */
static void
make_registrar(const char *dir, const struct arch *host)
{
	auto_free char *path = xasprintf("%s/registrars/register-%s", dir, host->name);
	bool wide = host->elf_class == 2;
	uint8_t bytes[200] = {0x7f, 'E', 'L', 'F', host->elf_class, host->elf_data, 1};
	struct error err = ERROR_INIT;

	put16(bytes + 16, host, ET_EXEC);
	put16(bytes + 18, host, host->elf_machine);
	put32(bytes + 20, host, 1);
	put32(bytes + (wide ? 48 : 36), host, host->elf_flags);
	put16(bytes + (wide ? 52 : 40), host, wide ? 64 : 52);
	put16(bytes + (wide ? 54 : 42), host, wide ? 56 : 32);
	/* One empty PT_LOAD right behind the header. */
	put32(bytes + (wide ? (host->elf_data == 1 ? 32 : 36) : 28), host, wide ? 64 : 52);
	put16(bytes + (wide ? 56 : 44), host, 1);
	put32(bytes + (wide ? 64 : 52), host, PT_LOAD);
	must(write_file(path, bytes, sizeof(bytes), 0755, &err), &err);
}

static void
make_host(const char *dir, const char *name, size_t size, struct lock *lock,
	  struct packlist *packlist)
{
	const struct arch *host = arch_find(name);
	struct package *package = package_list_add(&lock->packages);
	struct packlist_host *noted = packlist_add_host(packlist, name);
	AUTO(diff_id_freep) struct diff_id *all = diff_id_new(CREATED_SEC);

	if (host == NULL) {
		log_error("unknown host '%s'", name);
		exit(1);
	}
	package->source = xstrdup("local");
	package->type = SOURCE_DIRECTORY;
	package->host = xstrdup(name);
	package->name = xstrdup("qemu-user");
	package->version = xstrdup("1:10.0.2+ds-2");
	package->arch = xstrdup(host->debian);
	package->file = xasprintf("qemu-user_%s.deb", host->debian);
	package->size = 1;
	package->qemu_version = xstrdup("10.0.2");
	package->source_package = xstrdup("qemu (= 1:10.0.2+ds-2)");
	if (strcmp(name, "aarch64") == 0) /* as RPMs have it, and debs do not */
		package->license = xstrdup("GPL-2.0-or-later AND BSD-3-Clause");
	digest_of(name, strlen(name), &package->sha256);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		make_tarball(dir, name, targets[i], size, package, noted);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		auto_free uint8_t *bytes = make_program(name, targets[i], size);

		if (arch_is_own_target(host, targets[i]))
			continue;
		diff_id_add(all, targets[i], bytes, size);
		packlist_add_all_in_one(noted, targets[i]);
	}
	diff_id_finish(all, &noted->all_in_one_diff_id);
	make_registrar(dir, host);
}

static void
write_matrix(const char *dir, char **hosts, int count)
{
	auto_free char *path = path_join(dir, "matrix.json");
	struct error err = ERROR_INIT;
	json_t *map = json_object(), *root;
	char *text;

	for (int i = 0; i < count; i++)
		(void)json_object_set_new(map, hosts[i], json_pack("{s:s}", "source", "local"));
	root = json_pack("{s:s, s:s, s:{s:s, s:[s]}, s:{s:{s:s, s:s}}, s:o, s:s}", "name",
			 "qemu-user-static", "version", "10.0.2-1", "repository", "github",
			 "owner/repo", "images", "localhost:5000/owner/repo", "sources", "local",
			 "type", "directory", "path", "packages", "hosts", map, "targets", "all");
	text = json_dumps(root, JSON_INDENT(2));
	must(write_file(path, text, strlen(text), 0644, &err), &err);
	free(text);
	json_decref(root);
}

static void
write_lists(const char *dir, const struct packlist *packlist, const struct lock *lock)
{
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT;
	auto_free char *packed_path = xasprintf("%s/out/packed.json", dir);
	auto_free char *list_path = xasprintf("%s/out/assets.json", dir);
	auto_free char *packed = packlist_format(packlist), *listed = NULL;
	struct error err = ERROR_INIT;

	list.name = xstrdup(lock->name);
	list.version = xstrdup(lock->version);
	list.source_date_epoch = CREATED_SEC;
	list.lock_sha256 = lock->digest;
	packlist_list_assets(packlist, &list);
	listed = asset_list_format(&list);
	must(write_file(packed_path, packed, strlen(packed), 0644, &err), &err);
	must(write_file(list_path, listed, strlen(listed), 0644, &err), &err);
}

int
main(int argc, char **argv)
{
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
	struct error err = ERROR_INIT;
	auto_free char *assets = NULL, *registrars = NULL, *path = NULL, *text = NULL;
	size_t size;

	if (argc < 4)
		return 2;
	size = (size_t)strtoul(argv[2], NULL, 10);
	assets = path_join(argv[1], "out/assets");
	registrars = path_join(argv[1], "registrars");
	must(make_directories(assets, &err), &err);
	must(make_directories(registrars, &err), &err);
	lock.name = xstrdup("qemu-user-static");
	lock.version = xstrdup("10.0.2-1");
	lock.serial = 1;
	lock.source_date_epoch = CREATED_SEC;
	for (int i = 3; i < argc; i++)
		make_host(argv[1], argv[i], size, &lock, &packlist);
	write_matrix(argv[1], argv + 3, argc - 3);
	path = path_join(argv[1], "matrix.lock.json");
	text = lock_format(&lock);
	must(write_file(path, text, strlen(text), 0644, &err), &err);
	packlist.compressor = deflater_identity();
	packlist.source_date_epoch = CREATED_SEC;
	digest_of(text, strlen(text), &lock.digest);
	write_lists(argv[1], &packlist, &lock);
	return 0;
}
