// SPDX-License-Identifier: GPL-2.0
/*
 * Wrappers of C inline functions and macros that core needs, and that neither
 * the kernel crate nor bindgen provides. In alphabetical order, without logic.
 */
#include <linux/cc_platform.h>
#include <linux/crash_dump.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/spinlock.h>
#include <asm/barrier.h>

/* The numbers of devices on the bus */
DEFINE_IDA(rvirtio_helper_index_ida);

void *rvirtio_helper_alloc_pages_exact(size_t size, gfp_t gfp);
void *rvirtio_helper_alloc_pages_exact(size_t size, gfp_t gfp)
{
	return alloc_pages_exact(size, gfp);
}

int rvirtio_helper_device_match_driver_override(struct device *dev,
						const struct device_driver *drv);
int rvirtio_helper_device_match_driver_override(struct device *dev,
						const struct device_driver *drv)
{
	return device_match_driver_override(dev, drv);
}

int rvirtio_helper_dma_mapping_error(struct device *dev, dma_addr_t addr);
int rvirtio_helper_dma_mapping_error(struct device *dev, dma_addr_t addr)
{
	return dma_mapping_error(dev, addr);
}

bool rvirtio_helper_is_kdump_kernel(void);
bool rvirtio_helper_is_kdump_kernel(void)
{
	return is_kdump_kernel();
}

bool rvirtio_helper_memory_is_restricted(void);
bool rvirtio_helper_memory_is_restricted(void)
{
	return cc_platform_has(CC_ATTR_GUEST_MEM_ENCRYPT);
}

bool rvirtio_helper_spin_trylock_irqsave(spinlock_t *lock, unsigned long *flags);
bool rvirtio_helper_spin_trylock_irqsave(spinlock_t *lock, unsigned long *flags)
{
	return spin_trylock_irqsave(lock, *flags);
}
EXPORT_SYMBOL_GPL(rvirtio_helper_spin_trylock_irqsave);

void rvirtio_helper_virt_mb(void);
void rvirtio_helper_virt_mb(void)
{
	virt_mb();
}
EXPORT_SYMBOL_GPL(rvirtio_helper_virt_mb);

void rvirtio_helper_virt_rmb(void);
void rvirtio_helper_virt_rmb(void)
{
	virt_rmb();
}
EXPORT_SYMBOL_GPL(rvirtio_helper_virt_rmb);

phys_addr_t rvirtio_helper_virt_to_phys(void *addr);
phys_addr_t rvirtio_helper_virt_to_phys(void *addr)
{
	return virt_to_phys(addr);
}

void rvirtio_helper_virt_wmb(void);
void rvirtio_helper_virt_wmb(void)
{
	virt_wmb();
}
EXPORT_SYMBOL_GPL(rvirtio_helper_virt_wmb);
