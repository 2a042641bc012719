/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/acceptance.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/acceptance/sandbox.h"
#include "images/unpack.h"
#include "model/binfmt_table.h"

#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/*
 * The entry that runs a foreign host's programs here. It is not called qemu-*, so that --reset
 * leaves it.
 */
#define HELPER "distributor-test"

/* Where images have their emulators. */
#define BIN_DIR "/usr/bin"

/* One image of a host, unpacked. */
struct image {
	struct acceptance *trial;
	struct acceptance_host *host;
	char *root;
	size_t mount_count;                                    /* of `mounts` */
	const struct binfmt_target *rows[BINFMT_TARGET_COUNT]; /* of the emulators in it */
	size_t count;
	struct progress_task *task;
};

/* What a container has of its machine: the private binfmt_misc is in /proc, randomness in /dev. */
static const char *const mounts[] = {"/proc", "/dev"};

static void
image_clear(struct image *image)
{
	for (size_t i = 0; i < image->mount_count; i++) {
		auto_free char *path = xasprintf("%s%s", image->root, mounts[i]);

		(void)umount2(path, MNT_DETACH);
	}
	if (image->root != NULL)
		remove_tree(image->root);
	free(image->root);
	*image = (struct image){.root = NULL};
}

/* The row of the host itself, for its family. */
static const struct binfmt_target *
own_row(const struct acceptance_host *host)
{
	return binfmt_target_find(host->arch->qemu);
}

/*
 * Whether the registrar is bound to register this target: of another family than the host, and not
 * this machine's own, which is left alone also under emulation.
 */
static bool
must_register(const struct image *image, const struct binfmt_target *row)
{
	const struct arch *machine = image->trial->machine;

	return strcmp(row->family, own_row(image->host)->family) != 0 &&
	       (machine == NULL || strcmp(row->name, machine->qemu) != 0);
}

static bool
has_emulator(const struct image *image, const struct binfmt_target *row)
{
	auto_free char *path =
		xasprintf("%s" BIN_DIR "/qemu-%s-static", image->root, row->emulator);

	return access(path, X_OK) == 0;
}

/* Ordinary users have no sbin in their PATH. */
static const char *
chroot_program(void)
{
	static const char path[] = "/usr/sbin/chroot";

	return access(path, X_OK) == 0 ? path : "chroot";
}

/* Unpacks it, and finds the rows that it has emulators for. */
static int
open_image(struct image *image, const struct layout *layout, const char *tag, struct error *err)
{
	auto_free char *name = xasprintf("%s-%s", image->host->arch->name, tag);

	image->root = acceptance_path(image->trial, name);
	if (make_directories(image->root, err) < 0 ||
	    image_unpack(layout, tag, image->host->arch, image->root, err) < 0)
		return -1;
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (has_emulator(image, &binfmt_targets[i]))
			image->rows[image->count++] = &binfmt_targets[i];
	return 0;
}

/*
 * `--reset -p yes` as in the README, if the image has an emulator for each target that the
 * registrar then wants; else the targets are named that there are emulators for. Ended by NULL; the
 * strings are borrowed.
 */
static void
fill_arguments(const struct image *image, const char *argv[BINFMT_TARGET_COUNT + 8])
{
	size_t count = 0, wanted = 0, there = 0;

	argv[count++] = chroot_program();
	argv[count++] = image->root;
	argv[count++] = "/register";
	argv[count++] = "--reset";
	argv[count++] = "-p";
	argv[count++] = "yes";
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		wanted += must_register(image, &binfmt_targets[i]);
	for (size_t i = 0; i < image->count; i++)
		there += must_register(image, image->rows[i]);
	for (size_t i = 0; there < wanted && i < image->count; i++)
		if (must_register(image, image->rows[i]))
			argv[count++] = image->rows[i]->name;
	argv[count] = NULL;
}

/* Compares an entry with what users see of it: the interpreter's path in the image, and flags. */
static int
check_entry(const struct image *image, const struct binfmt_target *row, const char *flags,
	    struct error *err)
{
	auto_free char *name = xasprintf("qemu-%s", row->name);
	auto_free char *begin = xasprintf("enabled\ninterpreter " BIN_DIR "/qemu-%s-static\n"
					  "flags: %s\n",
					  row->emulator, flags);
	auto_free char *text = NULL;

	if (sandbox_read(image->trial->sandbox, name, &text, err) < 0)
		return -1;
	if (!text_starts_with(text, begin))
		return error_set(err, ERR_VERIFY,
				 "entry %s is '%.200s', expected it to start with '%s'", name, text,
				 begin);
	return 0;
}

static int
check_entries(const struct image *image, const char *flags, struct error *err)
{
	for (size_t i = 0; i < image->count; i++)
		if (must_register(image, image->rows[i]) &&
		    check_entry(image, image->rows[i], flags, err) < 0)
			return -1;
	return 0;
}

/* Lets the kernel run the host's programs by the emulator for this machine, as on such a host. */
static int
add_helper(const struct acceptance *trial, const struct acceptance_host *host, struct error *err)
{
	const struct binfmt_target *row = own_row(host);
	char magic[BINFMT_TEXT_MAX], mask[BINFMT_TEXT_MAX];
	auto_free char *path = NULL;
	auto_free char *line = NULL;

	if (host->emulator == NULL)
		return 0;
	path = realpath(host->emulator, NULL);
	if (path == NULL)
		return error_set_errno(err, ERR_IO, "cannot find '%s'", host->emulator);
	line = xasprintf(":" HELPER ":M::%s:%s:%s:F", binfmt_magic_text(row, magic),
			 binfmt_mask_text(row, mask), path);
	return sandbox_write(trial->sandbox, "register", line, err);
}

static int
add_mounts(struct image *image, struct error *err)
{
	while (image->mount_count < ARRAY_SIZE(mounts)) {
		const char *from = mounts[image->mount_count];
		auto_free char *path = xasprintf("%s%s", image->root, from);

		if (make_directories(path, err) < 0)
			return -1;
		if (mount(from, path, NULL, MS_BIND | MS_REC, NULL) < 0)
			return error_set_errno(err, ERR_IO, "cannot mount '%s'", path);
		image->mount_count++;
	}
	return 0;
}

/* Runs the tiny program by its name, which the kernel gives to the emulator of the image. */
static int
run_by_itself(size_t index, void *context, struct error *err)
{
	const struct image *image = context;
	const struct binfmt_target *row = image->rows[index];
	auto_free char *here = acceptance_program(image->root, row->name);
	auto_free char *inside = acceptance_program("", row->name);
	/*
	 * This machine's emulators are kept open by the kernel, so that the program runs where they
	 * are not. One of another host is run by an emulator in turn, which has to find it.
	 */
	const char *const outside[] = {here, NULL};
	const char *const in_root[] = {chroot_program(), image->root, inside, NULL};
	int result;

	if (!must_register(image, row) || here == NULL ||
	    !acceptance_wants(image->trial, row->name))
		return 0;
	result = acceptance_run_guest(
		image->trial, image->host->emulator == NULL ? outside : in_root, row->name, err);
	progress_add(image->task, 1);
	return acceptance_add_guest(image->trial, image->host, ACCEPTANCE_ITSELF, row->name, result,
				    err);
}

/* The registrar of the all-in-one image, then every program. */
static int
try_all_in_one(struct image *image, struct error *err)
{
	const char *argv[BINFMT_TARGET_COUNT + 8];
	auto_free char *said = NULL;

	if (acceptance_write_programs(image->root, err) < 0 || add_mounts(image, err) < 0)
		return -1;
	fill_arguments(image, argv);
	if (acceptance_run(image->trial, argv, 0, &said, err) < 0)
		return error_prefix(err, "/register --reset -p yes");
	if (check_entries(image, "F", err) < 0)
		return -1;
	acceptance_add(image->trial, image->host, ACCEPTANCE_REGISTER, "latest", ACCEPTANCE_OK,
		       NULL);
	return parallel_for(image->count, (unsigned int)image->trial->work->jobs, run_by_itself,
			    image, err);
}

/* The image without emulators: entries for all, which hold nothing open. */
static int
try_register_image(struct image *image, struct error *err)
{
	const char *const argv[] = {chroot_program(), image->root, "/register", "--reset", NULL};
	auto_free char *said = NULL;

	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		image->rows[image->count++] = &binfmt_targets[i];
	if (add_mounts(image, err) < 0)
		return -1;
	if (acceptance_run(image->trial, argv, 0, &said, err) < 0)
		return error_prefix(err, "/register --reset");
	if (check_entries(image, "", err) < 0)
		return -1;
	acceptance_add(image->trial, image->host, ACCEPTANCE_REGISTER, "register", ACCEPTANCE_OK,
		       NULL);
	return 0;
}

/* One file that the registrar wrote for systemd, against the line of the table. */
static int
check_file(const char *directory, const struct binfmt_target *row, struct error *err)
{
	auto_free char *interpreter = xasprintf(BIN_DIR "/qemu-%s-static", row->emulator);
	auto_free char *path = xasprintf("%s/qemu-%s.conf", directory, row->name);
	char line[BINFMT_LINE_MAX];
	auto_free char *text = NULL;
	size_t length = binfmt_line(row, interpreter, "F", line, sizeof(line));

	if (read_file(path, sizeof(line) + 1, &text, NULL, err) < 0)
		return -1;
	if (length == 0 || strncmp(text, line, length) != 0 || strcmp(text + length, "\n") != 0)
		return error_set(err, ERR_VERIFY, "'qemu-%s.conf' is '%s', expected '%s'",
				 row->name, text, line);
	return 0;
}

/* What needs no kernel: the files for systemd-binfmt. */
static int
try_files(struct image *image, struct error *err)
{
	auto_free char *program = path_join(image->root, "register");
	auto_free char *directory = path_join(image->root, "binfmt.d");
	auto_free char *said = NULL;
	const char *argv[] = {image->host->emulator, program,   "--systemd", "ALL", "-p", "yes",
			      "--exportdir",         directory, NULL};

	if (make_directories(directory, err) < 0)
		return -1;
	if (acceptance_run(image->trial, image->host->emulator != NULL ? argv : argv + 1, 0, &said,
			   err) < 0)
		return error_prefix(err, "/register --systemd ALL");
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (must_register(image, &binfmt_targets[i]) &&
		    check_file(directory, &binfmt_targets[i], err) < 0)
			return -1;
	acceptance_add(image->trial, image->host, ACCEPTANCE_FILES, NULL, ACCEPTANCE_OK, NULL);
	return 0;
}

/* A failure is a case of this kind, unless this cannot go on. */
static int
note(const struct image *image, enum acceptance_kind kind, const char *tag, struct error *err)
{
	if (err->code == ERR_INTERRUPTED)
		return -1;
	acceptance_add(image->trial, image->host, kind, tag, ACCEPTANCE_FAILED, err->message);
	return 0;
}

/* Everything with one image; its entries are gone afterwards. */
static int
try_image(struct acceptance *trial, struct acceptance_host *host, const struct layout *layout,
	  const char *tag, struct progress_task *task, struct error *err)
{
	AUTO(image_clear)
	struct image image = {.trial = trial, .host = host, .task = task};
	bool all_in_one = strcmp(tag, "latest") == 0;

	if (open_image(&image, layout, tag, err) < 0)
		return note(&image, ACCEPTANCE_IMAGE, tag, err);
	if (acceptance_contents_of_root(trial, host, tag, image.root, err) < 0)
		return -1;
	if (!host->runs)
		return 0;
	if (all_in_one && try_files(&image, err) < 0 &&
	    note(&image, ACCEPTANCE_FILES, NULL, err) < 0)
		return -1;
	if (trial->sandbox->binfmt < 0) {
		acceptance_add(trial, host, ACCEPTANCE_REGISTER, tag, ACCEPTANCE_SKIPPED,
			       trial->sandbox->why_not.message);
		return 0;
	}
	if ((all_in_one ? try_all_in_one(&image, err) : try_register_image(&image, err)) < 0 &&
	    note(&image, ACCEPTANCE_REGISTER, tag, err) < 0)
		return -1;
	return 0;
}

/* Both images, and no entry afterwards. */
static int
try_images(struct acceptance *trial, struct acceptance_host *host, const struct layout *layout,
	   struct progress_task *task, struct error *err)
{
	bool private = host->runs && trial->sandbox->binfmt >= 0;
	bool all_in_one = acceptance_wants_all_in_one(trial, host);

	if (acceptance_contents_of_pairs(trial, host, layout, err) < 0 ||
	    (!all_in_one && acceptance_contents_without_all(trial, host, layout, err) < 0))
		return -1;
	if (private && add_helper(trial, host, err) < 0)
		return -1;
	if ((all_in_one && try_image(trial, host, layout, "latest", task, err) < 0) ||
	    try_image(trial, host, layout, "register", task, err) < 0)
		return -1;
	return private ? sandbox_write(trial->sandbox, "status", "-1", err) : 0;
}

int
acceptance_images(struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	AUTO(layout_freep) struct layout *layout = NULL;
	auto_free char *label = xasprintf("testing images of %s", host->arch->name);
	struct progress_task *task;
	bool there;
	int result;

	if (path_exists(trial->images, &there, err) < 0)
		return -1;
	if (!there) {
		auto_free char *reason = xasprintf("'%s' does not exist; run '%s' first",
						   trial->images, trial->images_command);

		acceptance_add(trial, host, ACCEPTANCE_IMAGE, NULL, ACCEPTANCE_SKIPPED, reason);
		return 0;
	}
	if (layout_open(trial->images, trial->images_command, &layout, err) < 0)
		return -1;
	task = progress_start(trial->work->progress, label, PROGRESS_ITEMS, BINFMT_TARGET_COUNT);
	result = try_images(trial, host, layout, task, err);
	progress_done(task, NULL);
	return result;
}
