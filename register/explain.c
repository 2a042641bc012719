/* SPDX-License-Identifier: MIT */
#include "register/explain.h"

#include <linux/errno.h>

/* Flag F came with this one, and instances per user namespace with the other. */
enum { FIX_MAJOR = 4, FIX_MINOR = 8, NAMESPACE_MAJOR = 6, NAMESPACE_MINOR = 7 };

const char *
explain_errno(int problem, char buf[32])
{
	static const struct {
		int number;
		const char *name;
	} names[] = {
		{EPERM, "operation not permitted"},
		{ENOENT, "no such file or directory"},
		{EIO, "input/output error"},
		{ENOEXEC, "exec format error"},
		{ENOMEM, "out of memory"},
		{EACCES, "permission denied"},
		{EBUSY, "device or resource busy"},
		{EEXIST, "file exists"},
		{ENODEV, "no such device"},
		{ENOTDIR, "not a directory"},
		{EISDIR, "is a directory"},
		{EINVAL, "invalid argument"},
		{EMFILE, "too many open files"},
		{ENFILE, "too many open files in the system"},
		{ETXTBSY, "text file busy"},
		{EFBIG, "file too large"},
		{ENOSPC, "no space left on device"},
		{EROFS, "read-only file system"},
		{ENAMETOOLONG, "file name too long"},
		{ELOOP, "too many symbolic links"},
		{ENOSYS, "function not implemented"},
		{EDQUOT, "disk quota exceeded"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == -problem)
			return names[i].name;
	bare_format(buf, 32, "error %d", -problem);
	return buf;
}

void
explain_no_support(struct out *out)
{
	out_printf(out, "No binfmt support in the kernel.\n"
			"  Try: '/sbin/modprobe binfmt_misc' from the host\n");
}

/* What helps a caller who lacks the right to do it. */
static void
explain_privilege(struct out *err, const struct place *place)
{
	if (place->user_namespace && place_kernel_before(place, NAMESPACE_MAJOR, NAMESPACE_MINOR))
		out_printf(err,
			   "  This is a rootless container, and Linux %u.%u allows binfmt_misc for "
			   "real root only\n  (since 6.7 each user namespace can have its own): "
			   "run it with sudo.\n",
			   place->kernel_major, place->kernel_minor);
	else if (place->user_namespace)
		out_printf(
			err,
			"  This is a rootless container: run it with --privileged to register for "
			"the\n"
			"  programs in this user namespace, or with sudo to register for all.\n");
	else
		out_printf(err, "  Run the container as root with --privileged "
				"(docker run --rm --privileged ...).\n");
}

void
explain_mount(struct out *err, const struct binfmt *binfmt, int problem)
{
	char buf[32];

	out_printf(err, "ERROR: cannot mount binfmt_misc on %s: %s\n", binfmt->dir,
		   explain_errno(problem, buf));
	if (problem == -EPERM || problem == -EACCES)
		explain_privilege(err, &binfmt->place);
	else if (problem == -ENODEV)
		out_printf(err, "  The kernel has no binfmt_misc: run 'modprobe binfmt_misc' on "
				"the host.\n");
	else if (problem == -EROFS)
		out_printf(
			err,
			"  /proc/sys is mounted read-only: run the container with --privileged.\n");
}

void
explain_access(struct out *err, const struct place *place, const char *path, int problem)
{
	char buf[32];

	out_printf(err, "ERROR: cannot write to %s: %s\n", path, explain_errno(problem, buf));
	if (bare_after(path, "/proc/") == NULL) {
		if (problem == -ENOENT)
			out_printf(err, "  The directory must exist: create it, or choose another "
					"with --exportdir.\n");
		return;
	}
	if (problem == -EROFS)
		out_printf(
			err,
			"  /proc/sys is mounted read-only: run the container with --privileged.\n");
	else if (problem == -EACCES || problem == -EPERM)
		explain_privilege(err, place);
	else if (problem == -ENOENT)
		out_printf(err, "  binfmt_misc is not mounted there.\n");
}

void
explain_register(struct out *err, const struct place *place, const struct binfmt_target *target,
		 const char *interpreter, const char *flags, int problem)
{
	bool fixed = bare_glob("*F*", flags);
	char buf[32];

	out_printf(err, "ERROR: cannot register %s: %s\n", target->name,
		   explain_errno(problem, buf));
	if (problem == -EINVAL && fixed && place_kernel_before(place, FIX_MAJOR, FIX_MINOR))
		out_printf(err,
			   "  Linux %u.%u does not support --persistent yes (4.8 does): omit it "
			   "and provide\n  the emulators in every container, or add --fallback to "
			   "do so where needed.\n",
			   place->kernel_major, place->kernel_minor);
	else if (problem == -EINVAL)
		out_printf(
			err,
			"  The kernel does not accept this entry: interpreter '%s', flags '%s'.\n",
			interpreter, flags);
	else if (problem == -ENOENT && fixed)
		out_printf(err,
			   "  '%s', which --persistent yes opens now, does not exist: put it "
			   "there,\n  "
			   "or set its directory with --qemu-path.\n",
			   interpreter);
	else if ((problem == -EACCES || problem == -EISDIR || problem == -ENOEXEC) && fixed)
		out_printf(err,
			   "  '%s', which --persistent yes opens now, is not an executable file.\n",
			   interpreter);
	else if (problem == -EACCES || problem == -EPERM)
		explain_privilege(err, place);
	else if (problem == -EROFS)
		out_printf(
			err,
			"  /proc/sys is mounted read-only: run the container with --privileged.\n");
	else if (problem == -EEXIST)
		out_printf(err, "  Another process has just registered it; see --status.\n");
}

void
explain_entry(struct out *err, const struct place *place, const char *name, const char *what,
	      int problem)
{
	char buf[32];

	out_printf(err, "ERROR: cannot %s %s: %s\n", what, name, explain_errno(problem, buf));
	if (problem == -EACCES || problem == -EPERM)
		explain_privilege(err, place);
	else if (problem == -EROFS)
		out_printf(
			err,
			"  /proc/sys is mounted read-only: run the container with --privileged.\n");
}

void
explain_vanishing(struct out *err, const struct binfmt *binfmt, bool certain)
{
	out_printf(err,
		   "%s: %s was mounted by this program and by nobody else. Since Linux 6.7 (and\n"
		   "  stable kernels of late 2024) the entries %s with that mount, when this "
		   "container ends.\n",
		   certain ? "ERROR" : "WARNING", binfmt->dir, certain ? "vanish" : "may vanish");
	if (binfmt->place.user_namespace)
		out_printf(err, "  In a rootless container only its own programs could use them: "
				"run it with sudo.\n");
	else
		out_printf(err,
			   "  Mount it on the host first and run this again:\n"
			   "    mount -t binfmt_misc binfmt_misc %s\n",
			   binfmt->dir);
	out_printf(err, "  If that is intended, use --temporary.\n");
}

void
explain_namespace(struct out *err)
{
	out_printf(err, "WARNING: this is a user namespace (a rootless container): entries apply "
			"to programs\n  in it, not to the rest of the machine. Run it with sudo to "
			"register for all.\n");
}

void
explain_no_emulators(struct out *err, const char *path, const char *suffix)
{
	out_printf(err,
		   "ERROR: no emulator found (%s/qemu-...%s), and --persistent yes opens them\n  "
		   "now. The image ':register' has none: use ':latest', omit --persistent yes, "
		   "or\n  set their directory with --qemu-path. Nothing was changed.\n",
		   path, suffix);
}
