/* SPDX-License-Identifier: MIT */
#include "register/export.h"

#include <linux/errno.h>

#include "register/explain.h"
#include "register/sys.h"

#define EXPORT_TEXT_MAX 2048

static bool
any_exists(const char *const *paths)
{
	for (; *paths != NULL; paths++)
		if (sys_exists(*paths) == 0)
			return true;
	return false;
}

static void
warn_about_tools(enum action action, struct out *err)
{
	static const char *const units[] = {
		"/usr/lib/systemd/system/systemd-binfmt.service",
		"/lib/systemd/system/systemd-binfmt.service",
		"/etc/systemd/system/systemd-binfmt.service",
		NULL,
	};
	static const char *const packages[] = {
		"/usr/sbin/update-binfmts",
		"/var/lib/dpkg/info/binfmt-support.list",
		NULL,
	};

	if (action == ACTION_SYSTEMD) {
		if (!any_exists(units))
			out_printf(err, "WARNING: systemd-binfmt.service is missing or disabled\n");
	} else if (sys_exists("/etc/debian_version") < 0) {
		out_printf(err, "WARNING: your system is not a Debian based distro\n");
	} else if (!any_exists(packages)) {
		out_printf(err, "WARNING: package binfmt-support is needed\n");
	}
}

static int
write_all(int fd, const char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		long n = sys_write(fd, bytes + done, size - done);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* Under another name first, which neither tool takes for one of its files. */
static int
write_file(const char *path, const char *text, size_t size)
{
	char temporary[BINFMT_PATH_MAX];
	int fd, ret, closed;

	if (bare_format(temporary, sizeof(temporary), "%s.part", path) >= sizeof(temporary))
		return -ENAMETOOLONG;
	fd = sys_create(temporary);
	if (fd < 0)
		return fd;
	ret = write_all(fd, text, size);
	closed = sys_close(fd);
	if (ret == 0)
		ret = closed;
	if (ret == 0)
		ret = sys_rename(temporary, path);
	if (ret < 0)
		sys_unlink(temporary);
	return ret;
}

static const char *
yes_or_no(bool on)
{
	return on ? "yes" : "no";
}

static size_t
debian_text(const struct options *options, const struct binfmt_target *target,
	    const char *interpreter, char text[EXPORT_TEXT_MAX])
{
	char magic[BINFMT_TEXT_MAX], mask[BINFMT_TEXT_MAX];

	return bare_format(text, EXPORT_TEXT_MAX,
			   "package qemu-%s\n"
			   "interpreter %s\n"
			   "magic %s\n"
			   "mask %s\n"
			   "credentials %s\n"
			   "preserve %s\n"
			   "fix_binary %s\n",
			   target->name, interpreter, binfmt_magic_text(target, magic),
			   binfmt_mask_text(target, mask), yes_or_no(options->credential),
			   yes_or_no(options->preserve_argv0), yes_or_no(options->persistent));
}

static int
export_one(const struct binfmt_target *target, const struct options *options, const char *dir,
	   struct console *console)
{
	bool systemd = options->action == ACTION_SYSTEMD;
	char path[BINFMT_PATH_MAX], text[EXPORT_TEXT_MAX], buf[32];
	char interpreter[PLAN_INTERPRETER_MAX], flags[5];
	size_t n;
	int ret = -ENAMETOOLONG;

	plan_interpreter(options, target, interpreter);
	if (systemd) {
		out_printf(&console->out,
			   "Setting %s as binfmt interpreter for %s for systemd-binfmt.service\n",
			   interpreter, target->name);
		n = binfmt_line(target, interpreter,
				plan_flags(options, options->persistent, flags), text,
				sizeof(text) - 1);
		text[n++] = '\n';
	} else {
		n = debian_text(options, target, interpreter, text);
	}
	if (bare_format(path, sizeof(path), "%s/qemu-%s%s", dir, target->name,
			systemd ? ".conf" : "") < sizeof(path))
		ret = write_file(path, text, n);
	if (ret == 0)
		return 0;
	out_printf(&console->err, "ERROR: cannot write '%s': %s\n", path, explain_errno(ret, buf));
	return -1;
}

int
export_files(const struct plan *plan, const struct options *options, struct console *console)
{
	bool systemd = options->action == ACTION_SYSTEMD;
	const char *dir = options->export_dir;
	struct place place;
	int ret = 0, problem;

	if (dir == NULL)
		dir = systemd ? "/etc/binfmt.d" : "/usr/share/binfmts";
	warn_about_tools(options->action, &console->err);
	problem = sys_may_write(dir);
	if (problem < 0) {
		place_detect(&place);
		explain_access(&console->err, &place, dir, problem);
		return -1;
	}
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (plan->choice[i] == CHOICE_WANTED &&
		    export_one(&binfmt_targets[i], options, dir, console) < 0)
			ret = -1;
	return ret;
}
