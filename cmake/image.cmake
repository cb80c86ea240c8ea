# SPDX-License-Identifier: BSD-2-Clause
#
# modules.cpio: the programs that boot with the kernel.

find_program(STRATA_PYTHON NAMES python3 REQUIRED)
set(mkcpio "${CMAKE_SOURCE_DIR}/tools/mkcpio.py")

# An archive, in the build's folder, that boots with `roottask`, a target, as the root task.
function(strata_archive name roottask)
	set(stripped "${CMAKE_BINARY_DIR}/${roottask}-stripped.elf")
	set(archive "${CMAKE_BINARY_DIR}/${name}")
	add_custom_command(OUTPUT "${archive}"
		COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:${roottask}> "${stripped}"
		COMMAND ${STRATA_PYTHON} ${mkcpio} -o "${archive}" "roottask=${stripped}"
		DEPENDS ${roottask} ${mkcpio} VERBATIM)
	add_custom_target(${roottask}_archive ALL DEPENDS "${archive}")
endfunction()

strata_archive(modules.cpio roottask)
