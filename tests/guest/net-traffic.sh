#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Frames of every length, with and without a VLAN's tag, and UDP and TCP over IPv4 and IPv6 with every
# length around the sizes of headers, pages and buffers, arrive as they were sent: in each layout of
# rings, in each way to receive, with and without offloads, by MSI-X and by INTx.
#
# covers: NET-08 NET-18 NET-20 NET-22 NET-26 NET-39 NET-40 NET-41 NET-57
# vm: split: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10 --device virtio-net-pci,netdev=link1,addr=0x11
# vm: packed: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,packed=on --device virtio-net-pci,netdev=link1,addr=0x11,packed=on
# vm: in-order: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,in_order=on --device virtio-net-pci,netdev=link1,addr=0x11,in_order=on
# vm: packed-in-order: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,packed=on,in_order=on --device virtio-net-pci,netdev=link1,addr=0x11,packed=on,in_order=on
# vm: flags: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,event_idx=off --device virtio-net-pci,netdev=link1,addr=0x11,event_idx=off
# vm: intx: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,vectors=0 --device virtio-net-pci,netdev=link1,addr=0x11,vectors=0
# vm: big: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,mrg_rxbuf=off --device virtio-net-pci,netdev=link1,addr=0x11,mrg_rxbuf=off
# vm: mtu: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off --device virtio-net-pci,netdev=link1,addr=0x11,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off
# vm: plain: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,mrg_rxbuf=off,csum=off,guest_csum=off --device virtio-net-pci,netdev=link1,addr=0x11,mrg_rxbuf=off,csum=off,guest_csum=off
# vm: jumbo: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,mrg_rxbuf=off,host_mtu=9000,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off --device virtio-net-pci,netdev=link1,addr=0x11,mrg_rxbuf=off,host_mtu=9000,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off,guest_uso4=off,guest_uso6=off
# vm: mapped: --device intel-iommu,intremap=off --append intel_iommu=on --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,disable-legacy=on,iommu_platform=on --device virtio-net-pci,netdev=link1,addr=0x11,disable-legacy=on,iommu_platform=on
# vm: mapped-big: --device intel-iommu,intremap=off --append intel_iommu=on --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,disable-legacy=on,iommu_platform=on,mrg_rxbuf=off,packed=on --device virtio-net-pci,netdev=link1,addr=0x11,disable-legacy=on,iommu_platform=on,mrg_rxbuf=off,packed=on
# timeout: 600

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

link_up
net frames "$near" "$far" || fail "frames"
nothing_lost rx_errors tx_dropped
# The stack counts frames of a VLAN that there is not as dropped.
remember_lost
net payload || fail "payload"
nothing_lost
link_down
