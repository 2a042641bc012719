/* SPDX-License-Identifier: MIT */
#include "register/change.h"

#include <linux/errno.h>

#include "register/emulator.h"
#include "register/explain.h"
#include "register/names.h"

/* The kernel's listing, too large for the stack. */
static struct binfmt_list list;

static int
remove_entry(const struct binfmt *binfmt, const char *name, struct console *console)
{
	int problem = binfmt_command(binfmt, name, "-1");

	/* Another process may have been faster. */
	if (problem == 0 || problem == -ENOENT)
		return 0;
	explain_entry(&console->err, &binfmt->place, name, "remove", problem);
	return -1;
}

static int
list_entries(const struct binfmt *binfmt, struct console *console)
{
	int problem = binfmt_list(binfmt, &list);

	if (problem == 0)
		return 0;
	explain_entry(&console->err, &binfmt->place, binfmt->dir, "read", problem);
	return -1;
}

int
change_reset(const struct binfmt *binfmt, struct console *console)
{
	int ret = 0;

	do {
		if (list_entries(binfmt, console) < 0)
			return -1;
		for (size_t i = 0; i < list.count; i++)
			if (remove_entry(binfmt, list.names[i], console) < 0)
				ret = -1;
	} while (list.is_cut && ret == 0);
	return ret;
}

/* A word that is a target's is compared as its entry's name, anything else as a pattern. */
static bool
pattern_means(const char *pattern, const char *name)
{
	const struct binfmt_target *target = bare_is_glob(pattern) ? NULL : name_target(pattern);
	const char *rest = bare_after(name, "qemu-");

	if (target != NULL)
		return bare_equal(rest, target->name);
	return bare_glob(pattern, name) || bare_glob(pattern, rest);
}

/* Those of the listing, which are counted. */
static int
remove_matches(const struct binfmt *binfmt, const char *pattern, unsigned *count,
	       struct console *console)
{
	int ret = 0;

	for (size_t i = 0; i < list.count; i++) {
		if (!pattern_means(pattern, list.names[i]))
			continue;
		(*count)++;
		if (remove_entry(binfmt, list.names[i], console) < 0)
			ret = -1;
		else
			out_printf(&console->out, "Removed %s\n", list.names[i]);
	}
	return ret;
}

static int
uninstall_pattern(const struct binfmt *binfmt, const char *pattern, struct console *console)
{
	unsigned found = 0, before;
	int ret;

	/* What is removed makes room in the listing. */
	do {
		before = found;
		if (list_entries(binfmt, console) < 0)
			return -1;
		ret = remove_matches(binfmt, pattern, &found, console);
	} while (list.is_cut && ret == 0 && found > before);
	if (list.is_cut && ret == 0) {
		out_printf(&console->err,
			   "ERROR: more than %d QEMU entries exist, too many to search for '%s';\n "
			   " --reset removes them all\n",
			   BINFMT_LIST_MAX, pattern);
		return -1;
	}
	if (found > 0)
		return ret;
	if (bare_is_glob(pattern) || name_target(pattern) != NULL) {
		out_printf(&console->err, "NOTE: nothing to remove: no QEMU entry matches '%s'\n",
			   pattern);
		return 0;
	}
	out_printf(&console->err,
		   "ERROR: '%s' is neither a target nor the name of a QEMU entry; see --status\n",
		   pattern);
	return -1;
}

int
change_uninstall(const struct binfmt *binfmt, const struct options *options,
		 struct console *console)
{
	int ret = 0;

	for (size_t i = 0; i < options->uninstall_count; i++)
		if (uninstall_pattern(binfmt, options->uninstall[i], console) < 0)
			ret = -1;
	return ret;
}

/* One target on its way into the kernel. */
struct job {
	const struct binfmt *binfmt;
	const struct options *options;
	struct console *console;
	const struct binfmt_target *target;
	bool named;
	bool conflict;        /* an entry of this name is there, and another one */
	unsigned only_warned; /* about so many emulators that would fail in containers */
	char name[BINFMT_NAME_MAX];
	char interpreter[PLAN_INTERPRETER_MAX];
	char flags[5];
};

static bool
is_same(const struct job *job, const struct entry *entry)
{
	char without_fix[5];

	if (!entry_is_for(entry, job->target))
		return false;
	return entry_runs(entry, job->interpreter, job->flags) ||
	       (job->options->fallback &&
		entry_runs(entry, job->interpreter, plan_flags(job->options, false, without_fix)));
}

/* There is an entry of this name. */
static int
keep_entry(struct job *job, const struct entry *entry)
{
	struct out *err = &job->console->err;

	if (!is_same(job, entry)) {
		out_printf(err,
			   "ERROR: %s is already registered differently: interpreter '%s', flags "
			   "'%s'%s\n",
			   job->name, entry->interpreter, entry->flags,
			   entry_is_for(entry, job->target) ? "" : ", other magic or mask");
		job->conflict = true;
		return -1;
	}
	if (!entry->enabled) {
		int problem = binfmt_command(job->binfmt, job->name, "1");

		if (problem < 0) {
			explain_entry(err, &job->binfmt->place, job->name, "enable", problem);
			return -1;
		}
	}
	out_printf(&job->console->out, "Keeping %s as binfmt interpreter for %s\n",
		   job->interpreter, job->target->name);
	if (!entry_runs(entry, job->interpreter, job->flags))
		out_printf(err,
			   "WARNING: %s is registered without --persistent yes, so every container"
			   " needs %s\n",
			   job->target->name, job->interpreter);
	return 0;
}

static int
write_entry(const struct job *job, const char *flags)
{
	char line[BINFMT_LINE_MAX + 1];
	size_t n = binfmt_line(job->target, job->interpreter, flags, line, sizeof(line));

	return n == 0 ? -EINVAL : binfmt_register(job->binfmt, line, n);
}

/* What was written has to be there, and as it was written. */
static int
read_back(const struct job *job)
{
	static struct entry entry;
	int problem = binfmt_read(job->binfmt, job->name, &entry);
	char buf[32];

	if (problem == 0 && entry.enabled && is_same(job, &entry))
		return 0;
	out_printf(&job->console->err, "ERROR: %s was registered, but the kernel shows %s\n",
		   job->name,
		   problem < 0      ? explain_errno(problem, buf)
		   : !entry.enabled ? "it as disabled"
				    : "another entry in its place");
	return -1;
}

/*
 * QEMU 10 and later have no emulators of 64-bit targets for 32-bit hosts. That is no failure of an
 * order for all.
 */
static bool
cannot_exist_here(const struct job *job, int problem)
{
	return problem == -ENOENT && sizeof(void *) == 4 && job->target->needs_64bit_host &&
	       !job->named;
}

/*
 * An emulator that cannot work in containers is refused where the entry is to serve them. Without
 * --persistent yes each container brings its own, and one sentence for all of them will do.
 */
static int
check_emulator(struct job *job)
{
	struct out *err = &job->console->err;
	struct emulator emulator;

	emulator_look(job->interpreter, &emulator);
	if (emulator.fault == EMULATOR_GOOD || emulator.fault == EMULATOR_ABSENT)
		return 0;
	if (!job->options->persistent && job->only_warned++ > 0)
		return 0;
	out_printf(err, job->options->persistent ? "ERROR: cannot register %s: " : "WARNING: %s: ",
		   job->target->name);
	emulator_describe(job->interpreter, &emulator, err);
	out_printf(err, "\n");
	return job->options->persistent ? -1 : 0;
}

static int
add_entry(struct job *job)
{
	struct out *err = &job->console->err;
	int problem;

	if (check_emulator(job) < 0)
		return -1;
	out_printf(&job->console->out, "Setting %s as binfmt interpreter for %s\n",
		   job->interpreter, job->target->name);
	problem = write_entry(job, job->flags);
	if (problem == -EINVAL && job->options->persistent && job->options->fallback) {
		plan_flags(job->options, false, job->flags);
		problem = write_entry(job, job->flags);
		if (problem == 0) {
			out_printf(err,
				   "WARNING: the kernel does not support --persistent yes: %s is "
				   "registered without it, so every container needs %s\n",
				   job->target->name, job->interpreter);
		}
	}
	if (problem == 0)
		return read_back(job);
	if (cannot_exist_here(job, problem)) {
		out_printf(err, "NOTE: %s not found: 32-bit machines cannot emulate %s\n",
			   job->interpreter, job->target->name);
		return 0;
	}
	explain_register(err, &job->binfmt->place, job->target, job->interpreter, job->flags,
			 problem);
	return -1;
}

static int
register_target(struct job *job)
{
	static struct entry entry;
	const struct binfmt *binfmt = job->binfmt;
	int problem;

	bare_format(job->name, sizeof(job->name), "qemu-%s", job->target->name);
	plan_interpreter(job->options, job->target, job->interpreter);
	plan_flags(job->options, job->options->persistent, job->flags);
	problem = binfmt_read(binfmt, job->name, &entry);
	if (problem == 0)
		return keep_entry(job, &entry);
	if (problem == -ENOENT)
		return add_entry(job);
	explain_entry(&job->console->err, &binfmt->place, job->name, "read", problem);
	return -1;
}

int
change_register(const struct binfmt *binfmt, const struct plan *plan, const struct options *options,
		struct console *console)
{
	struct job job = {.binfmt = binfmt, .options = options, .console = console};
	int ret = 0;

	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		if (plan->choice[i] != CHOICE_WANTED)
			continue;
		job.target = &binfmt_targets[i];
		job.named = plan->named[i];
		if (register_target(&job) < 0)
			ret = -1;
	}
	if (job.only_warned > 1)
		out_printf(&console->err, "WARNING: %u other emulator%s cannot work either\n",
			   job.only_warned - 1, job.only_warned == 2 ? "" : "s");
	if (job.conflict)
		out_printf(&console->err,
			   "  To replace such entries add --reset, which removes every qemu-* entry"
			   " first,\n  or remove some of them with --uninstall.\n");
	return ret;
}
