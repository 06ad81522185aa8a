// SPDX-License-Identifier: GPL-2.0

//! Words that describe devices.

use super::*;

#[test]
fn options_are_those_of_qemu() {
    let spec: Spec = "a,64M,packed=on,event_idx=off,num-queues=2,bus=port1".parse().unwrap();
    assert_eq!((spec.name.as_str(), spec.size), ("a", 64 << 20));
    assert!(spec.offers(feature::RING_PACKED) && spec.offers(feature::INDIRECT_DESC));
    assert!(!spec.offers(feature::EVENT_IDX) && !spec.offers(feature::IN_ORDER));
    assert_eq!((spec.queues, spec.vectors), (2, 3));
    assert_eq!("a,64M,vectors=0".parse::<Spec>().unwrap().vectors, 0);
}

#[test]
fn mistakes_are_reported() {
    for wrong in ["", "a", "a,64", "a b,64M", "a,9999M", "a,64M,packed", "a,64M,packed=1", "a,64M,x=on"] {
        assert!(wrong.parse::<Spec>().is_err(), "{wrong:?}");
    }
}

#[test]
fn network_devices_have_pairs_of_queues() {
    let spec = Spec::net("n,pairs=3,mtu=1400,csum=off").unwrap();
    assert_eq!((spec.kind, spec.all_queues(), spec.vectors, spec.mtu), (Kind::Net, 7, 8, Some(1400)));
    assert!(spec.offers(net::MQ) && spec.offers(net::MTU) && spec.offers(feature::EVENT_IDX));
    // What needs something that is off is off.
    assert!(!spec.offers(net::CSUM) && !spec.offers(net::HOST_TSO4) && spec.offers(net::GUEST_TSO4));
    let plain = Spec::net("n,ctrl_vq=off").unwrap();
    assert_eq!(plain.all_queues(), 2);
    assert!(!plain.offers(net::NOTF_COAL) && !plain.offers(net::MQ));
    assert!(Spec::net("n,64M").is_err() && Spec::net("n,discard=on").is_err());
}
