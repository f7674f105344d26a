# SPDX-License-Identifier: MIT

dist_noinst_SCRIPTS = examples/demo
