// SPDX-License-Identifier: GPL-2.0
/*
 * C inline functions and macros that the device in software needs and neither
 * the kernel crate nor bindgen provides. In alphabetical order; no logic here.
 */
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/mm.h>
#include <linux/string.h>

int rvirtio_helper_irq_alloc_descs(unsigned int count);
int rvirtio_helper_irq_alloc_descs(unsigned int count)
{
	return irq_alloc_descs(-1, 1, count, NUMA_NO_NODE);
}

void rvirtio_helper_irq_set_simple(unsigned int irq);
void rvirtio_helper_irq_set_simple(unsigned int irq)
{
	irq_set_chip_and_handler(irq, &dummy_irq_chip, handle_simple_irq);
}

/* Compiled with the checks of KASAN, which a write by a device would not be. */
void rvirtio_helper_memset_phys(phys_addr_t addr, int value, size_t len);
void rvirtio_helper_memset_phys(phys_addr_t addr, int value, size_t len)
{
	memset(phys_to_virt(addr), value, len);
}

bool rvirtio_helper_page_is_in_use(phys_addr_t addr);
bool rvirtio_helper_page_is_in_use(phys_addr_t addr)
{
	return page_count(pfn_to_page(PHYS_PFN(addr))) > 0;
}

void *rvirtio_helper_phys_to_virt(phys_addr_t addr);
void *rvirtio_helper_phys_to_virt(phys_addr_t addr)
{
	return phys_to_virt(addr);
}
