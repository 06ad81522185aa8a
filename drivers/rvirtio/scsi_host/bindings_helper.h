/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for the scsi_host crate. The lists of what it takes from
 * here are in bindgen_parameters.
 */
#include <linux/blk-mq.h>
#include <linux/scatterlist.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_common.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_devinfo.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>

/* Macros with casts, which bindgen does not see. */
const blist_flags_t RVIRTIO_BLIST_TRY_VPD_PAGES = BLIST_TRY_VPD_PAGES;
