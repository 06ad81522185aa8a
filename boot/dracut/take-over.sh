#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

/usr/share/rvirtio/take-over boot
