# SPDX-License-Identifier: BSD-2-Clause
"""The command-line tool `strata`: what is behind its subcommands."""
