// SPDX-License-Identifier: GPL-2.0
/*
 * C inline functions and macros that the scsi_host crate needs and neither the
 * kernel crate nor bindgen provides, in alphabetical order and without logic.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_eh.h>
#include <scsi/scsi_host.h>

/* What the crate takes apart itself, because a call for each piece is dear. */
static_assert(SG_CHAIN == 1 && SG_END == 2);

phys_addr_t rvirtio_helper_scsi_page_to_phys(struct page *page);
phys_addr_t rvirtio_helper_scsi_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

void rvirtio_helper_scsi_report_bus_reset(struct device *host);
void rvirtio_helper_scsi_report_bus_reset(struct device *host)
{
	spinlock_t *lock = dev_to_shost(host)->host_lock;
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	scsi_report_bus_reset(dev_to_shost(host), 0);
	spin_unlock_irqrestore(lock, flags);
}
