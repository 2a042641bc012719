/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The images at work under a real container engine: the six checks that releases of these images
 * have always had to pass.
 */

#include "distributor/cli/command.h"

struct engine_options {
	const char *name;     /* "docker" or "podman" */
	const char *command;  /* the program and its options, with blanks between; NULL: the name */
	struct text_list run; /* further options of "run" */
	const char *image;    /* repository that the engine can pull; NULL: OUT/images is loaded */
	const char
		*foreign_image; /* has a uname of another architecture; NULL: a tiny one is made */
	bool machine_wide;      /* the entries of the whole machine may be replaced */
};

/*
 * Runs the checks and prints what came of each, as a table or JSON. `timeout_sec` is for each
 * command of the engine. ERR_USAGE if that would replace the entries of the whole machine and
 * nobody said that this is meant, ERR_VERIFY if a check failed, ERR_IO, ERR_INPUT.
 */
int engine_try(const struct app *app, const struct engine_options *options,
	       unsigned int timeout_sec, struct error *err) CHECKED;
