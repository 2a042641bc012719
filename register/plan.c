/* SPDX-License-Identifier: MIT */
#include "register/plan.h"

#include "register/names.h"
#include "register/probe.h"
#include "register/sys.h"

#define WORD_MAX 64

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

static bool
means_all(const char *word)
{
	return bare_equal(word, "ALL") || bare_equal(word, "all");
}

static void
ask_for_all(struct plan *plan)
{
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		plan->choice[i] = CHOICE_WANTED;
}

static void
ask_for(struct plan *plan, const struct binfmt_target *target)
{
	plan->choice[target - binfmt_targets] = CHOICE_WANTED;
	plan->named[target - binfmt_targets] = true;
}

/* One word of a comma-separated operand. */
static int
ask_for_word(struct plan *plan, const char *word, struct console *console)
{
	const struct binfmt_target *target = name_target(word), *near;

	if (means_all(word)) {
		ask_for_all(plan);
		return 0;
	}
	if (target != NULL) {
		ask_for(plan, target);
		return 0;
	}
	near = name_suggest(word);
	out_printf(&console->err, "ERROR: unknown target '%s'", word);
	if (near != NULL)
		out_printf(&console->err, "; did you mean '%s'?\n", near->name);
	else
		out_printf(&console->err, "; --help lists them\n");
	return STATUS_USAGE;
}

static int
ask_for_list(struct plan *plan, const char *list, struct console *console)
{
	while (true) {
		char word[WORD_MAX];
		size_t n = 0;
		int ret;

		while (list[n] != '\0' && list[n] != ',' && n + 1 < sizeof(word)) {
			word[n] = list[n];
			n++;
		}
		word[n] = '\0';
		ret = ask_for_word(plan, word, console);
		if (ret != 0)
			return ret;
		if (list[n] == '\0')
			return 0;
		list += n + 1;
	}
}

int
plan_ask(struct plan *plan, const struct options *options, struct console *console)
{
	const char *cpu = options->action == ACTION_SYSTEMD ? options->systemd_cpu : NULL;

	*plan = (struct plan){.named = {false}};
	if (cpu != NULL && !means_all(cpu)) {
		const struct binfmt_target *target = name_target(cpu);

		if (target == NULL) {
			out_printf(&console->err, "ERROR: unknown CPU \"%s\"\n", cpu);
			options_usage(&console->out);
			return STATUS_FAILED;
		}
		ask_for(plan, target);
	} else if (options->operand_count == 0) {
		ask_for_all(plan);
	}
	for (size_t i = 0; i < options->operand_count; i++) {
		int ret = ask_for_list(plan, options->operands[i], console);

		if (ret != 0)
			return ret;
	}
	return 0;
}

/* The registrar's own file tells what runs here, whatever the machine is called. */
static size_t
read_own_header(unsigned char *buf, size_t size)
{
	int fd = sys_open_read("/proc/self/exe");
	long n;

	if (fd < 0)
		return 0;
	n = sys_read(fd, buf, size);
	sys_close(fd);
	return n > 0 ? (size_t)n : 0;
}

/*
 * Whether a target of the host's family runs here. Where an entry takes its programs, its own entry
 * means that somebody found it not to run, or wants it emulated.
 */
static bool
sibling_is_native(const struct binfmt_target *target, const struct binfmt *binfmt,
		  struct console *console)
{
	char name[BINFMT_NAME_MAX];
	struct entry entry;

	switch (probe_target(target)) {
	case PROBE_FAILS:
		out_printf(&console->err, "NOTE: this machine does not run %s programs natively\n",
			   target->name);
		return false;
	case PROBE_EMULATED:
		bare_format(name, sizeof(name), "qemu-%s", target->name);
		return binfmt_read(binfmt, name, &entry) < 0;
	case PROBE_RUNS:
	case PROBE_UNKNOWN:
		break;
	}
	return true;
}

static bool
is_native(const struct binfmt_target *target, const struct options *options,
	  const struct host *host, const struct binfmt *binfmt, struct console *console)
{
	switch (host_relation(host, target)) {
	case HOST_FOREIGN:
		return false;
	case HOST_ITSELF:
		return true;
	case HOST_SIBLING:
		break;
	}
	if (options->ignore_family)
		return false;
	return host->overridden || sibling_is_native(target, binfmt, console);
}

/*
 * The kernel's own architecture is never handed to an emulator: not one program would start any
 * more. Names alone would do so where the registrar is emulated, or HOST_ARCH is mistaken.
 */
static const struct binfmt_target *
find_kernel_target(const struct options *options, const struct host *host, struct console *console)
{
	const struct binfmt_target *kernel = NULL;

	if (options->action == ACTION_REGISTER)
		kernel = host_kernel_target();
	if (kernel != NULL && !bare_equal(kernel->family, host->target->family))
		out_printf(&console->err,
			   "WARNING: this machine is %s, but this program was built for %s: use "
			   "the image for %s\n",
			   kernel->name, host->target->name, kernel->name);
	return kernel;
}

void
plan_skip_native(struct plan *plan, const struct options *options, const struct host *host,
		 const struct binfmt *binfmt, struct console *console)
{
	const struct binfmt_target *kernel = find_kernel_target(options, host, console);
	unsigned char own[BINFMT_MAGIC_MAX];
	size_t n = options->action == ACTION_REGISTER ? read_own_header(own, sizeof(own)) : 0;

	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		const struct binfmt_target *target = &binfmt_targets[i];

		if (plan->choice[i] != CHOICE_WANTED)
			continue;
		if (target != kernel && !binfmt_target_matches(target, own, n) &&
		    !is_native(target, options, host, binfmt, console))
			continue;
		plan->choice[i] = CHOICE_NATIVE;
		if (plan->named[i])
			out_printf(&console->err,
				   "NOTE: %s needs no emulator: this machine runs such programs "
				   "natively\n",
				   target->name);
	}
}

static bool
is_clean(const char *path)
{
	for (; *path != '\0'; path++)
		if ((unsigned char)*path < 0x20 || *path == 0x7f || *path == ':')
			return false;
	return true;
}

int
plan_check_path(const struct options *options, struct console *console)
{
	char buf[PLAN_INTERPRETER_MAX];

	if (options->qemu_path[0] != '/' && options->qemu_path[0] != '\0') {
		out_printf(&console->err,
			   "ERROR: --qemu-path '%s' is not absolute: the kernel would search for "
			   "it in every program's directory\n",
			   options->qemu_path);
		return -1;
	}
	if (!is_clean(options->qemu_path) || !is_clean(options->qemu_suffix)) {
		out_printf(&console->err,
			   "ERROR: --qemu-path '%s' or --qemu-suffix '%s' has a ':' or a control "
			   "character, which is not allowed in an entry\n",
			   options->qemu_path, options->qemu_suffix);
		return -1;
	}
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		if (bare_format(buf, sizeof(buf), "%s/qemu-%s%s", options->qemu_path,
				binfmt_targets[i].emulator, options->qemu_suffix) < sizeof(buf))
			continue;
		out_printf(&console->err,
			   "ERROR: the interpreter's path '%s...' is too long: the kernel accepts "
			   "%d bytes\n",
			   buf, PLAN_INTERPRETER_MAX - 1);
		return -1;
	}
	return 0;
}

const char *
plan_interpreter(const struct options *options, const struct binfmt_target *target,
		 char buf[PLAN_INTERPRETER_MAX])
{
	bare_format(buf, PLAN_INTERPRETER_MAX, "%s/qemu-%s%s", options->qemu_path, target->emulator,
		    options->qemu_suffix);
	return buf;
}

const char *
plan_flags(const struct options *options, bool with_fix, char buf[5])
{
	bare_format(buf, 5, "%s%s%s", options->credential ? "OC" : "", with_fix ? "F" : "",
		    options->preserve_argv0 ? "P" : "");
	return buf;
}
