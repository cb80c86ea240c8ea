# SPDX-License-Identifier: BSD-2-Clause
#
# Cross-builds for 64-bit Arm without an operating system, by GCC: aarch64-none-elf- if that is on the
# PATH, else Debian's aarch64-linux-gnu-, which makes the same code with the flags of the top-level file.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

find_program(STRATA_GCC NAMES aarch64-none-elf-gcc aarch64-linux-gnu-gcc)
if(NOT STRATA_GCC)
	message(FATAL_ERROR "No cross compiler: neither aarch64-none-elf-gcc nor aarch64-linux-gnu-gcc "
		"is on the PATH. `./strata setup` installs the latter on Debian.")
endif()
string(REGEX REPLACE "gcc$" "" STRATA_CROSS_PREFIX "${STRATA_GCC}")

set(CMAKE_C_COMPILER "${STRATA_GCC}")
set(CMAKE_ASM_COMPILER "${STRATA_GCC}")
set(CMAKE_AR "${STRATA_CROSS_PREFIX}ar" CACHE FILEPATH "Archiver")
set(CMAKE_RANLIB "${STRATA_CROSS_PREFIX}ranlib" CACHE FILEPATH "Archive indexer")
set(CMAKE_OBJCOPY "${STRATA_CROSS_PREFIX}objcopy" CACHE FILEPATH "objcopy")
set(CMAKE_LINKER "${STRATA_CROSS_PREFIX}ld" CACHE FILEPATH "Linker")
set(CMAKE_NM "${STRATA_CROSS_PREFIX}nm" CACHE FILEPATH "Symbol lister")

# Nothing links without our own scripts, and nothing runs here: the compiler is tried with a library.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
