# SPDX-License-Identifier: BSD-2-Clause
#
# How kernel and system code is compiled: without an operating system, without FP/SIMD registers, position
# independent, with frame records so that call chains can be shown.

include_guard(GLOBAL)
include(${CMAKE_CURRENT_LIST_DIR}/picolibc.cmake)

set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -DSTRATA_DEBUG")
set(CMAKE_ASM_FLAGS_RELEASE "")
set(CMAKE_ASM_FLAGS_DEBUG "-g")

add_library(freestanding INTERFACE)
target_link_libraries(freestanding INTERFACE picolibc_headers)
target_include_directories(freestanding INTERFACE "${CMAKE_SOURCE_DIR}/include" "${CMAKE_SOURCE_DIR}")
target_compile_options(freestanding INTERFACE
	-g -ffreestanding -mcpu=cortex-a72 -mgeneral-regs-only -mstrict-align -mno-outline-atomics
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -fno-common
	"$<$<COMPILE_LANGUAGE:C>:SHELL:-include ${CMAKE_SOURCE_DIR}/common/hidden.h>"
	-fvisibility=hidden -ffunction-sections -fdata-sections
	-fno-delete-null-pointer-checks	# page 0 is real memory on the Pi
	$<$<COMPILE_LANGUAGE:C>:-Wshadow> $<$<COMPILE_LANGUAGE:C>:-Wconversion>
	$<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wvla>)

# Debug builds: undefined behaviour is a BRK, which panics with its place.
if(CMAKE_BUILD_TYPE STREQUAL Debug)
	if(CMAKE_C_COMPILER_ID STREQUAL GNU)
		set(trapping -fsanitize=undefined -fsanitize-undefined-trap-on-error)
	else()
		set(trapping -fsanitize=undefined -fsanitize-trap=undefined)
	endif()
	# Alignment is checked by the machine (-mstrict-align code), null by page 0 being unmapped.
	target_compile_options(freestanding INTERFACE
		$<$<COMPILE_LANGUAGE:C>:${trapping}> $<$<COMPILE_LANGUAGE:C>:-fno-sanitize=null>)
endif()

# Links `target` with our own script only. pie: to any address; else to the script's.
function(strata_link target script kind)
	target_link_options(${target} PRIVATE
		-nostdlib -static -Wl,-T,${script} -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,max-page-size=4096
		-Wl,--gc-sections -Wl,--fatal-warnings)
	# Told to the linker directly: compiler drivers differ in what they make of -pie for bare machines.
	if(kind STREQUAL pie)
		target_link_options(${target} PRIVATE -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,text)
	endif()
	set_target_properties(${target} PROPERTIES LINK_DEPENDS ${script}
		RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
endfunction()
