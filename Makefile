# SPDX-License-Identifier: GPL-2.0

KDIR ?= /lib/modules/$(shell uname -r)/build

.PHONY: modules modules_install clean
modules modules_install clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@
