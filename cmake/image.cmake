# SPDX-License-Identifier: BSD-2-Clause
#
# modules.cpio: the programs that boot with the kernel.

find_program(STRATA_PYTHON NAMES python3 REQUIRED)
set(roottask_stripped "${CMAKE_BINARY_DIR}/roottask-stripped.elf")
set(mkcpio "${CMAKE_SOURCE_DIR}/tools/mkcpio.py")
add_custom_command(OUTPUT "${CMAKE_BINARY_DIR}/modules.cpio"
	COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:roottask> "${roottask_stripped}"
	COMMAND ${STRATA_PYTHON} ${mkcpio} -o "${CMAKE_BINARY_DIR}/modules.cpio" "roottask=${roottask_stripped}"
	DEPENDS roottask ${mkcpio} VERBATIM)
add_custom_target(modules ALL DEPENDS "${CMAKE_BINARY_DIR}/modules.cpio")
