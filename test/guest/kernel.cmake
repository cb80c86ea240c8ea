# SPDX-License-Identifier: BSD-2-Clause
#
# The kernel's guest tests: all programs of test/guest/kernel, in each configuration of run.py. The debug kernel says which
# statuses its operations ended with: together they must be what operations.def promises.

foreach(configuration virt-gicv3-el1-1-release virt-gicv2-el2-4-debug rpi4-release)
	guest_test(kernel.${configuration} 600 kernel/run.py --configuration ${configuration})
endforeach()
set_tests_properties(guest.kernel.virt-gicv2-el2-4-debug PROPERTIES FIXTURES_SETUP kernel_logs)

add_test(NAME guest.kernel.coverage COMMAND sh -c
	"exec '${STRATA_PYTHON}' '${CMAKE_SOURCE_DIR}/tools/abi_coverage.py' --unprovokable '${CMAKE_CURRENT_SOURCE_DIR}/kernel/unprovokable.txt' '${STRATA_BUILDS}/kernel-tests'/virt-gicv2-el2-4-debug-*.log")
set_tests_properties(guest.kernel.coverage PROPERTIES LABELS guest TIMEOUT 60 FIXTURES_REQUIRED kernel_logs)
