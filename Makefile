# SPDX-License-Identifier: GPL-2.0

KDIR ?= /lib/modules/$(shell uname -r)/build

.PHONY: modules modules_install clean
modules modules_install clean:
	$(MAKE) -C $(KDIR) M=$(CURDIR) $@

# What follows needs no kernel headers: the tools make what they need, in a cache of their own.

# O: where to put packages.
.PHONY: deb deb-modules
deb:
	@tools/deb $(if $(O),$(O),packages)

# KVER: for which kernel of Debian.
deb-modules:
	@tools/deb $(if $(O),$(O),packages) $(if $(KVER),$(KVER),$(error say for which kernel: make deb-modules KVER=RELEASE))

.PHONY: run test test-full test-matrix test-debug soak kunit graft check ci bench bench-quick \
	rust-metadata rustdoc rust-analyzer help
run:
	@tools/vm run

# T: only tests with one of these words in their names.
test:
	@tools/test test $(T)

test-full:
	@tools/test test --full $(T)

# All combinations of features, queues, interrupts and addresses: hours. test has a selection.
test-matrix:
	@tools/test test --matrix guest/matrix $(T)

# On the kernel with KASAN, lockdep and other checkers, which is built first.
test-debug:
	@tools/test test --kernel debug $(T)

# SEEDS: with how many more seeds devices go wrong at random than in the tests, on that kernel; four at a time.
SEEDS ?= 40
soak:
	@tools/vm exec --kernel debug --timeout $$((600 + $(SEEDS) * 450)) $$(sed '/^#/d' tests/vm/own-faults) \
		--copy tests/guest -- sh -c 'cd /host/guest && for case in $$(seq 5 $$((4 + ($(SEEDS) + 3) / 4))); do \
			timeout 1800 sh own-random.sh $$case || exit; done'

kunit:
	@tools/test kunit

check:
	@tools/test check $(T)

ci:
	@tools/test all

# Of all crates, in tools/target/rustdoc.
rustdoc:
	@tools/test rustdoc

# For editors: rust-project.json, with the kernel's crates.
rust-analyzer:
	@tools/test rust-analyzer

# B: only these groups of measurements; tools/vm bench --help lists them.
bench:
	@tools/vm bench $(B)

bench-quick:
	@tools/vm bench --quick $(B)

# O: where to put complete headers, instead of completing those that are installed.
rust-metadata:
	@tools/rust-metadata $(O)

# KSRC: a kernel source tree that gets the drivers.
graft:
	@tools/graft $(if $(KSRC),$(KSRC),$(error say which kernel source tree: make graft KSRC=DIR))

help:
	@echo 'On the kernel that runs, or that of KDIR=DIR:'
	@echo '  modules          build the modules (the default)'
	@echo '  modules_install  install them (as root)'
	@echo '  clean            remove what was built'
	@echo '  rust-metadata    complete the installed headers (as root, or O=DIR), which modules in Rust need'
	@echo 'As packages for Debian 13, in packages/ or O=DIR:'
	@echo '  deb              rvirtio-dkms, which builds the modules, and rvirtio, which hands over devices'
	@echo '  deb-modules      built modules for the kernel KVER=RELEASE'
	@echo 'In a guest, on the newest Debian kernel or KVER=RELEASE:'
	@echo '  run              boot from a disk that rvirtio drives, and give a shell'
	@echo '  test             run the tests; T="WORD..." selects some, test-full adds slow ones'
	@echo '  test-matrix      run all combinations of features, queues and interrupts (hours)'
	@echo '  test-debug       run all tests on a kernel with KASAN and lockdep; kunit: those that are in the kernel'
	@echo '  soak             try SEEDS=40 seeds for devices that go wrong at random, on that kernel'
	@echo '  bench            measure against the in-tree drivers (an hour); bench-quick: ratios in 5 minutes'
	@echo 'Of the sources:'
	@echo '  graft KSRC=DIR   copy the drivers into a kernel source tree'
	@echo '  check            formats, lints, warnings, unsafe code, names in documents'
	@echo '  rust-analyzer    write rust-project.json, for editors'
	@echo '  rustdoc           make the documentation of all crates: tools/target/rustdoc/rvirtio/index.html'
