// SPDX-License-Identifier: GPL-2.0
/*
 * Exports of the Rust symbols in rvirtio.ko that other rvirtio modules use. The
 * list is generated at build time from the undefined symbols of those modules.
 */
#include <linux/export.h>

#define EXPORT_SYMBOL_RUST_GPL(sym) extern int sym; EXPORT_SYMBOL_GPL(sym)

#include "exports_generated.h"
