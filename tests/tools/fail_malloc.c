/* SPDX-License-Identifier: MIT */
/*
 * Lets one allocation of a program fail: to be preloaded, for fault_campaign.py.
 *
 *     FAIL_ALLOCATION=N     the N-th malloc, calloc, realloc or memalign after main() has begun
 *     COUNT_ALLOCATIONS=FILE  writes how many there were, when the program ends
 *     FAIL_NOTES=FILE       who asked for it, and where the program crashed: a line each, "asked" or
 *                           "crashed" and MODULE:FUNCTION+OFFSET of each frame, the innermost first
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* What glibc offers for whoever takes the place of its malloc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

typedef int main_function(int argc, char **argv, char **envp);
typedef int start_function(main_function *program, int argc, char **argv, void (*init)(void),
			   void (*fini)(void), void (*loader_fini)(void), void *stack_end);

/* The declarations that -Wmissing-prototypes wants. */
EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *old, size_t size);
EXPORT void *memalign(size_t alignment, size_t size);
EXPORT void *aligned_alloc(size_t alignment, size_t size);
EXPORT int posix_memalign(void **ret_memory, size_t alignment, size_t size);
EXPORT int __libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
			     void (*fini)(void), void (*loader_fini)(void), void *stack_end);

static atomic_bool armed;
static atomic_ulong seen;
static unsigned long failing;
static main_function *the_main;
static int notes = -1;

/* Uses no allocation: the first call of backtrace(), which does, has been made before. */
static void
note_frames(const char *what)
{
	enum { FRAMES_MAX = 64 };
	void *frames[FRAMES_MAX];
	int count = notes >= 0 ? backtrace(frames, FRAMES_MAX) : 0;

	if (count > 0)
		(void)dprintf(notes, "%s", what);
	for (int i = 0; i < count; i++) {
		Dl_info place = {.dli_fname = NULL};
		const char *module = "?";

		if (dladdr(frames[i], &place) != 0 && place.dli_fname != NULL) {
			module = strrchr(place.dli_fname, '/');
			module = module != NULL ? module + 1 : place.dli_fname;
		}
		(void)dprintf(notes, " %s:%s+0x%lx", module,
			      place.dli_sname != NULL ? place.dli_sname : "",
			      (unsigned long)((char *)frames[i] - (char *)place.dli_fbase));
	}
	if (count > 0)
		(void)dprintf(notes, "\n");
}

static void
note_crash(int number)
{
	note_frames("crashed");
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

static void
open_notes(const char *path)
{
	void *frame;

	if (path == NULL)
		return;
	notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	(void)backtrace(&frame, 1);
	(void)signal(SIGSEGV, note_crash);
	(void)signal(SIGBUS, note_crash);
}

/* Whether this allocation is the one. */
static bool
fails(void)
{
	if (!atomic_load(&armed) || atomic_fetch_add(&seen, 1) + 1 != failing)
		return false;
	note_frames("asked");
	errno = ENOMEM;
	return true;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

int
posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
	void *memory = fails() ? NULL : __libc_memalign(alignment, size);

	if (memory == NULL)
		return ENOMEM;
	*ret_memory = memory;
	return 0;
}

static void
write_count(void)
{
	const char *path = getenv("COUNT_ALLOCATIONS");
	char text[32];
	int fd, length;

	atomic_store(&armed, false);
	if (path == NULL)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	length = snprintf(text, sizeof(text), "%lu\n", atomic_load(&seen));
	if (fd < 0 || write(fd, text, (size_t)length) != length)
		_exit(99);
	(void)close(fd);
}

/* Programs that this one starts are left alone. */
static int
begin(int argc, char **argv, char **envp)
{
	const char *number = getenv("FAIL_ALLOCATION");

	failing = number != NULL ? strtoul(number, NULL, 10) : 0;
	(void)unsetenv("LD_PRELOAD");
	open_notes(getenv("FAIL_NOTES"));
	(void)atexit(write_count);
	atomic_store(&armed, true);
	return the_main(argc, argv, envp);
}

int
__libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
		  void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
	void *symbol = dlsym(RTLD_NEXT, "__libc_start_main");
	start_function *start;

	memcpy(&start, &symbol, sizeof(start));
	the_main = program;
	return start(begin, argc, argv, init, fini, loader_fini, stack_end);
}
