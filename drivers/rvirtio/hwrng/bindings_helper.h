/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen reads to make the bindings that the kernel crate does not have. */
#include <linux/hw_random.h>
