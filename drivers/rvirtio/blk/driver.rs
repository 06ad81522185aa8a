// SPDX-License-Identifier: GPL-2.0

//! The driver as the bus sees it.

use crate::{
    data::Data,
    setup,
    spec::feature, //
};
use kernel::{
    device::Core,
    prelude::*, //
};
use rvirtio::{
    spec::device_id::BLOCK,
    Dependency,
    Device,
    DeviceId,
    Driver,
    Feature,
    IdTable,
    Negotiated, //
};

rvirtio::virtio_device_table!(TABLE, (), [(DeviceId::new(BLOCK), ())]);

/// The driver.
pub(crate) struct Blk;

impl Driver for Blk {
    type IdInfo = ();
    type Data<'bound> = Pin<&'bound Data<'bound>>;

    const ID_TABLE: IdTable<()> = &TABLE;

    const FEATURES: &'static [Feature] = &[
        feature::SIZE_MAX,
        feature::SEG_MAX,
        feature::GEOMETRY,
        feature::RO,
        feature::BLK_SIZE,
        feature::FLUSH,
        feature::TOPOLOGY,
        feature::CONFIG_WCE,
        feature::MQ,
    ];

    // Without FLUSH a cache that is switched on could never be emptied.
    const DEPENDENCIES: &'static [Dependency] =
        &[Dependency::new(feature::CONFIG_WCE, feature::FLUSH)];

    #[doc(alias = "virtblk_probe")]
    fn probe<'bound>(
        _dev: &'bound Device<Core<'_>>,
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Pin<&'bound Data<'bound>>, Error> + 'bound {
        setup::set_up(init)
    }

    #[doc(alias = "virtblk_remove")]
    fn unbind<'bound>(_dev: &'bound Device<Core<'_>>, data: Pin<&Pin<&'bound Data<'bound>>>) {
        data.unbind();
    }
}
