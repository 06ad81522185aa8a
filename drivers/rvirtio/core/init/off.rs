// SPDX-License-Identifier: GPL-2.0

//! Features that are switched off, because a host has them and should not.
//!
//! They are given as a text: `MQ,0000:00:04.0/EVENT_IDX` switches one feature off for all devices of a
//! driver, and another one for the device behind that PCI function.

use crate::spec::feature::{
    self,
    Feature,
    Features, //
};

/// A feature and its name in the specification, without the prefix.
pub type Named = (Feature, &'static str);

/// The features of ring and transport. `VERSION_1` is not among them: there is no driver without it.
pub const RING_NAMES: &[Named] = &[
    (feature::INDIRECT_DESC, "INDIRECT_DESC"),
    (feature::EVENT_IDX, "EVENT_IDX"),
    (feature::ACCESS_PLATFORM, "ACCESS_PLATFORM"),
    (feature::RING_PACKED, "RING_PACKED"),
    (feature::IN_ORDER, "IN_ORDER"),
    (feature::ORDER_PLATFORM, "ORDER_PLATFORM"),
    (feature::NOTIFICATION_DATA, "NOTIFICATION_DATA"),
    (feature::NOTIF_CONFIG_DATA, "NOTIF_CONFIG_DATA"),
    (feature::RING_RESET, "RING_RESET"),
];

/// Returns the features that `text` switches off for the device behind `address`. `names` has those
/// of the device type.
///
/// # Errors
///
/// The first word that is neither in `names` nor in [`RING_NAMES`].
pub fn switched_off<'t>(
    text: &'t str,
    names: &[Named],
    address: &str,
) -> Result<Features, &'t str> {
    let mut off = Features::EMPTY;
    for word in text.trim_end().split(',').filter(|word| !word.is_empty()) {
        let (device, name) = match word.rsplit_once('/') {
            Some((device, name)) => (Some(device), name),
            None => (None, word),
        };
        let mut all = names.iter().chain(RING_NAMES);
        let (feature, _) = all.find(|(_, known)| *known == name).ok_or(word)?;
        if device.is_none_or(|device| device == address) {
            off = off.with(*feature);
        }
    }
    Ok(off)
}

/// Declares the features of a device type that a driver implements, and the list of their names.
///
/// # Examples
///
/// ```ignore
/// named_features! {
///     /// The features that the driver implements.
///     FEATURES;
///     /// Their names.
///     pub(crate) NAMES;
///     feature: SIZE_MAX SEG_MAX
/// }
/// ```
#[macro_export]
macro_rules! named_features {
    (
        $(#[$meta:meta])* $vis:vis $list:ident;
        $(#[$names_meta:meta])* $names_vis:vis $names:ident;
        $module:ident: $($feature:ident)+
    ) => {
        $(#[$meta])*
        $vis const $list: &[$crate::Feature] = &[$($module::$feature),+];

        $(#[$names_meta])*
        $names_vis const $names: &[$crate::Named] =
            &[$(($module::$feature, ::core::stringify!($feature))),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MQ: Feature = Feature::new(12);
    const NAMES: &[Named] = &[(Feature::new(5), "RO"), (MQ, "MQ")];
    const HERE: &str = "0000:00:04.0";

    fn off(text: &str) -> Result<Features, &str> {
        switched_off(text, NAMES, HERE)
    }

    #[test]
    fn names_of_driver_and_ring_are_known() {
        let both = Features::of(&[MQ, feature::EVENT_IDX]);
        assert_eq!(off("MQ,EVENT_IDX"), Ok(both));
        assert_eq!(off("MQ,EVENT_IDX\n"), Ok(both));
        for nothing in ["", ",", "\n"] {
            assert_eq!(off(nothing), Ok(Features::EMPTY));
        }
    }

    #[test]
    fn address_selects_a_device() {
        assert_eq!(off("0000:00:04.0/MQ"), Ok(Features::of(&[MQ])));
        assert_eq!(off("0000:00:05.0/MQ"), Ok(Features::EMPTY));
        let ro = Features::of(&[Feature::new(5)]);
        assert_eq!(off("0000:00:05.0/MQ,RO"), Ok(ro));
    }

    #[test]
    fn unknown_names_are_mistakes_for_any_device() {
        for wrong in ["mq", "VERSION_1", "0000:00:05.0/NO", "MQ RO", "12"] {
            assert_eq!(off(wrong), Err(wrong));
        }
        assert_eq!(off("MQ,X,Y"), Err("X"));
    }
}
