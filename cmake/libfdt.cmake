# SPDX-License-Identifier: BSD-2-Clause
#
# The target libfdt: the device tree library, its headers and a static library.
#
# For the machine that builds: its own libfdt (package libfdt-dev). For 64-bit Arm: Debian's arm64
# build of the same package, fetched once into build/deps/libfdt without enabling that architecture
# (tools/fetch_libfdt.py), or, with -DSTRATA_LIBFDT_SOURCE=DIR, the sources in the folder libfdt of a
# dtc source tree, compiled here.

include_guard(GLOBAL)

set(STRATA_LIBFDT_SOURCE "" CACHE PATH "Folder of libfdt's sources, to compile instead of fetching libfdt.a")

if(NOT CMAKE_CROSSCOMPILING)
	find_path(STRATA_HOST_LIBFDT_INCLUDE libfdt.h)
	find_library(STRATA_HOST_LIBFDT fdt)
	if(NOT STRATA_HOST_LIBFDT_INCLUDE OR NOT STRATA_HOST_LIBFDT)
		message(FATAL_ERROR "libfdt was not found. On Debian it is in the package libfdt-dev "
			"(`./strata setup` installs it).")
	endif()
	add_library(libfdt UNKNOWN IMPORTED GLOBAL)
	set_target_properties(libfdt PROPERTIES IMPORTED_LOCATION "${STRATA_HOST_LIBFDT}"
		INTERFACE_INCLUDE_DIRECTORIES "${STRATA_HOST_LIBFDT_INCLUDE}")
elseif(STRATA_LIBFDT_SOURCE)
	set(libfdt_files fdt.c fdt_ro.c fdt_addresses.c fdt_rw.c fdt_wip.c fdt_check.c fdt_strerror.c)
	foreach(file libfdt.h ${libfdt_files})
		if(NOT EXISTS "${STRATA_LIBFDT_SOURCE}/${file}")
			message(FATAL_ERROR "STRATA_LIBFDT_SOURCE=${STRATA_LIBFDT_SOURCE} has no ${file}: "
				"it must be the folder libfdt of a dtc source tree, 1.6 or newer.")
		endif()
	endforeach()
	include(${CMAKE_CURRENT_LIST_DIR}/picolibc.cmake)
	add_library(libfdt STATIC)
	list(TRANSFORM libfdt_files PREPEND "${STRATA_LIBFDT_SOURCE}/")
	target_sources(libfdt PRIVATE ${libfdt_files})
	target_include_directories(libfdt SYSTEM PUBLIC "${STRATA_LIBFDT_SOURCE}")
	target_compile_options(libfdt PRIVATE -O2 -w -ffreestanding -fno-builtin -fPIE -fvisibility=hidden
		-mgeneral-regs-only -mstrict-align -mcpu=cortex-a72 -mno-outline-atomics -fno-stack-protector
		-fno-asynchronous-unwind-tables)
	target_link_libraries(libfdt PRIVATE picolibc_headers)
else()
	set(libfdt_dir "${CMAKE_SOURCE_DIR}/build/deps/libfdt")
	find_program(STRATA_PYTHON NAMES python3 REQUIRED)
	execute_process(
		COMMAND "${STRATA_PYTHON}" "${CMAKE_CURRENT_LIST_DIR}/../tools/fetch_libfdt.py" "${libfdt_dir}"
		RESULT_VARIABLE libfdt_result)
	if(NOT libfdt_result EQUAL 0)
		message(FATAL_ERROR "libfdt for arm64 could not be fetched (see above). Try again, or give the "
			"sources: -DSTRATA_LIBFDT_SOURCE=DIR, the folder libfdt of a dtc source tree.")
	endif()
	add_library(libfdt STATIC IMPORTED GLOBAL)
	set_target_properties(libfdt PROPERTIES IMPORTED_LOCATION "${libfdt_dir}/lib/libfdt.a"
		INTERFACE_INCLUDE_DIRECTORIES "${libfdt_dir}/include")
endif()
