/* SPDX-License-Identifier: MIT */
/*
 * registrar: the program behind the images' /register.
 */
#pragma once

/*
 * Run with the command line and the environment, whose last pointer is NULL. Returns the exit
 * status: 0 if everything asked for is done, 1 if something is not, 2 for wrong usage.
 */
int registrar_main(int argc, char **argv, char **environment);
