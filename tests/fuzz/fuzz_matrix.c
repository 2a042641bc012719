/* SPDX-License-Identifier: MIT */
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "matrix/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	struct error err = ERROR_INIT;

	if (lock_parse("lock", (const char *)bytes, size, &lock, &err) == 0) {
		auto_free char *text = lock_format(&lock);

		(void)text;
	}
	if (matrix_parse("matrix", (const char *)bytes, size, &matrix, &err) == 0)
		plan_make(&matrix, NULL, &plan);
	return 0;
}
