# SPDX-License-Identifier: BSD-2-Clause
#
# Cross-builds for 64-bit Arm without an operating system, by clang, lld and LLVM's tools.

set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

find_program(STRATA_CLANG NAMES clang)
find_program(STRATA_LLD NAMES ld.lld)
find_program(STRATA_LLVM_AR NAMES llvm-ar)
find_program(STRATA_LLVM_RANLIB NAMES llvm-ranlib)
find_program(STRATA_LLVM_OBJCOPY NAMES llvm-objcopy)
find_program(STRATA_LLVM_NM NAMES llvm-nm)
foreach(tool CLANG LLD LLVM_AR LLVM_RANLIB LLVM_OBJCOPY LLVM_NM)
	if(NOT STRATA_${tool})
		message(FATAL_ERROR "clang, ld.lld, llvm-ar, llvm-ranlib, llvm-objcopy and llvm-nm must be on "
			"the PATH, and one is not (${tool}). `./strata setup` installs them on Debian.")
	endif()
endforeach()

set(CMAKE_C_COMPILER "${STRATA_CLANG}")
set(CMAKE_ASM_COMPILER "${STRATA_CLANG}")
set(CMAKE_C_COMPILER_TARGET aarch64-none-elf)
set(CMAKE_ASM_COMPILER_TARGET aarch64-none-elf)
set(CMAKE_AR "${STRATA_LLVM_AR}" CACHE FILEPATH "Archiver")
set(CMAKE_RANLIB "${STRATA_LLVM_RANLIB}" CACHE FILEPATH "Archive indexer")
set(CMAKE_OBJCOPY "${STRATA_LLVM_OBJCOPY}" CACHE FILEPATH "objcopy")
set(CMAKE_LINKER "${STRATA_LLD}" CACHE FILEPATH "Linker")
set(CMAKE_NM "${STRATA_LLVM_NM}" CACHE FILEPATH "Symbol lister")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld")

# Nothing links without our own scripts, and nothing runs here: the compiler is tried with a library.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
