#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The other flavour of Debian's kernel boots from our disk as well.
#
# vm: --kver generic
# full: yes
# debug-kernel: no

exec sh boot.sh
