# SPDX-License-Identifier: BSD-2-Clause
#
# What is broken on purpose: boots, kernels, programs. Included by CMakeLists.txt.

guest_test(hostile_boot.virt 400 hostile_boot.py "${STRATA_BUILDS}/release" virt)
guest_test(hostile_boot.raspi4b 200 hostile_boot.py "${STRATA_BUILDS}/release" raspi4b)
guest_test(panics 300 panics.py "${STRATA_BUILDS}/debug")
guest_test(programs.release 300 hostile_programs.py "${STRATA_BUILDS}/release")
guest_test(programs.debug 300 hostile_programs.py "${STRATA_BUILDS}/debug")
