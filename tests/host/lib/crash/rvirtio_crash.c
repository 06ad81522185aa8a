// SPDX-License-Identifier: GPL-2.0
/*
 * An oops where the driver rvirtio_pci is about to probe a device, which is locked then.
 */

#include <linux/bug.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/string.h>

static int crash(struct notifier_block *block, unsigned long action, void *data)
{
	struct device *dev = data;

	if (action == BUS_NOTIFY_BIND_DRIVER)
		BUG_ON(!strcmp(dev->driver->name, "rvirtio_pci"));
	return NOTIFY_DONE;
}

static struct notifier_block block = {
	.notifier_call = crash,
};

static int __init start(void)
{
	return bus_register_notifier(&pci_bus_type, &block);
}
module_init(start);

MODULE_DESCRIPTION("Crash as rvirtio_pci probes a device");
MODULE_LICENSE("GPL");
