# SPDX-License-Identifier: BSD-2-Clause
#
# The target picolibc_headers: the headers of the C library for freestanding code, and those only.
# Whoever links it sees the compiler's own headers and picolibc's, and no others (never the build
# machine's). It has no objects: picolibc's are built with FP/SIMD and unaligned accesses.

include_guard(GLOBAL)

find_path(STRATA_PICOLIBC_INCLUDE picolibc.h
	PATHS /usr/lib/picolibc/aarch64-linux-gnu/include /usr/lib/picolibc/aarch64-none-elf/include
	NO_DEFAULT_PATH
	DOC "Folder of picolibc's headers for aarch64")
if(NOT STRATA_PICOLIBC_INCLUDE)
	message(FATAL_ERROR "picolibc's headers for aarch64 were not found. On Debian they are in the package "
		"picolibc-aarch64-linux-gnu (`./strata setup` installs it); elsewhere, give their folder as "
		"-DSTRATA_PICOLIBC_INCLUDE=DIR.")
endif()

execute_process(COMMAND "${CMAKE_C_COMPILER}" -print-file-name=include
	OUTPUT_VARIABLE STRATA_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

# picolibc's come first: its inttypes.h belongs to its own stdint.h.
add_library(picolibc_headers INTERFACE)
target_compile_options(picolibc_headers INTERFACE
	-nostdinc "SHELL:-isystem ${STRATA_PICOLIBC_INCLUDE}" "SHELL:-isystem ${STRATA_COMPILER_INCLUDE}")
