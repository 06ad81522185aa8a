// SPDX-License-Identifier: GPL-2.0

//! The driver of network devices, with a device in software: what becomes of its interface, and of the
//! frames that it sends and receives.
//!
//! The module with the driver has to be there.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    net_files::spec::{
        config::*,
        feature,
        queue,
        status, //
    }, //
};
use kernel::{
    io::poll::read_poll_timeout,
    prelude::*,
    time::Delta, //
};
use mock::{
    Call,
    Interface,
    Model,
    Plugged, //
};
use rvirtio::{
    spec::{
        device_id::NET,
        feature::VERSION_1, //
    },
    Feature,
    Features,
    Hold, //
};

/// The queues.
pub(crate) const RECEIVE: u16 = queue::receive(0);
pub(crate) const TRANSMIT: u16 = queue::transmit(0);
pub(crate) const CONTROL: u16 = queue::control(1);

/// The length of a header.
pub(crate) const HEADER: usize = 12;

/// An address, of which the kernel would not invent the first byte.
const ADDRESS: [u8; 6] = [0x50, 0x54, 0, 0x77, 0, 1];

/// Adds a device that offers `features`, to which the driver binds.
pub(crate) fn device(features: &[Feature]) -> Result<Plugged> {
    let features = Features::of(features).with(VERSION_1);
    let device = Plugged::new(
        NET,
        Model {
            features,
            ..Model::default()
        },
    )?;
    ensure!(device.is_bound());
    device.settle();
    Ok(device)
}

/// Returns a frame of `N` bytes after the header that goes with it, of a type that nobody takes.
pub(crate) fn frame<const N: usize>(buffers: u8) -> [u8; N] {
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        // CAST: The rest does not matter.
        *byte = match at {
            10 => buffers,
            0..HEADER => 0,
            // To nobody's address.
            24 => 0x88,
            25 => 0xb5,
            _ => at as u8 & 0xfe,
        };
    }
    bytes
}

/// Sends a frame, as soon as the stack has noticed that there is a link.
fn send(interface: &Interface, frame: &[u8]) -> Result {
    wait_for(|| interface.send(frame).is_ok())
}

/// Waits until the condition is true.
pub(crate) fn wait_for(is_true: impl FnMut() -> bool) -> Result {
    let mut is_true = is_true;
    let (delay, limit) = (Delta::from_millis(1), Delta::from_secs(20));
    read_poll_timeout(|| Ok(is_true()), |done| *done, delay, limit).map(drop)
}

#[kunit_tests(rvirtio_net)]
mod tests {
    use super::*;

    /// An interface is there as long as the driver is bound, with an address of the device or, without
    /// one, of its own. Nothing is ever written to the configuration.
    ///
    /// covers: NET-01 NET-03 NET-04
    #[test]
    fn addresses() -> Result {
        let device = device(&[])?;
        let found = Interface::of(&device)?.state();
        let [first, ..] = found.address;
        // Locally administered, and of one station.
        ensure_eq!(first & 3, 2);
        ensure!(found.is_random);
        device.unbind();
        ensure!(Interface::of(&device).is_err());
        ensure_eq!(device.interrupts(), 0);

        device.change(|model| model.features = model.features.with(feature::MAC));
        device.set_config(MAC, &ADDRESS);
        ensure!(device.bind());
        {
            let interface = Interface::of(&device)?;
            let found = interface.state();
            ensure_eq!(found.address, ADDRESS);
            ensure!(!found.is_random);
            interface.set_address([0x52, 0x54, 0, 0x77, 0, 2])?;
            ensure_eq!(interface.state().address, [0x52, 0x54, 0, 0x77, 0, 2]);
        }
        device.unbind();
        let calls = device.take_calls()?;
        ensure!(!calls
            .iter()
            .any(|call| matches!(call, Call::ConfigWrite(_))));
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// Speed, duplex and carrier are those that the device says at the time.
    ///
    /// covers: NET-06 NET-11 NET-12
    #[test]
    fn link_changes() -> Result {
        let device = device(&[feature::STATUS, feature::SPEED_DUPLEX])?;
        let interface = Interface::of(&device)?;
        ensure!(!interface.state().carrier);
        let up = status::LINK_UP.to_le_bytes();
        for (status, speed, duplex, shown) in [
            (up, 1000, 1, (true, 1000, 1)),
            (up, 2500, 0, (true, 2500, 0)),
            (up, u32::MAX, 0xff, (true, -1, 0xff)),
            (up, 1 << 31, 2, (true, -1, 0xff)),
            ([0; 2], 10, 1, (false, 10, 1)),
        ] {
            device.set_config(STATUS, &status);
            device.set_config(SPEED, &speed.to_le_bytes());
            device.set_config(DUPLEX, &[duplex]);
            device.config_interrupt();
            device.settle();
            let found = interface.state();
            ensure_eq!((found.carrier, found.speed, found.duplex), shown);
        }
        Ok(())
    }

    /// The device has buffers to receive frames from the first time that the interface is up, and is told
    /// of nothing after the driver was unbound.
    #[test]
    fn open_and_stop() -> Result {
        let device = device(&[])?;
        let interface = Interface::of(&device)?;
        ensure!(!device.rang(RECEIVE));
        for _ in 0..3 {
            interface.open()?;
            interface.close();
        }
        ensure!(device.rang(RECEIVE));
        interface.open()?;
        drop(interface);
        device.unbind();
        ensure!(!device.rang(RECEIVE));
        ensure_eq!(device.broken_rule(), None);
        ensure!(device.has_its_memory());
        Ok(())
    }

    /// A frame is sent in one buffer, behind a header of zeroes, as nothing was negotiated. The frames that
    /// the device has used make room for others.
    ///
    /// covers: NET-16 NET-17
    #[test]
    fn frames_are_sent() -> Result {
        let device = device(&[])?;
        let interface = Interface::of(&device)?;
        interface.open()?;
        let sent = frame::<{ HEADER + 60 }>(0);
        let (_, bytes) = sent.split_at_checked(HEADER).ok_or(EINVAL)?;
        // More than fit into the queue at a time.
        for count in 1..=40 {
            send(&interface, bytes)?;
            ensure!(device.rang(TRANSMIT));
            // The stack sends frames of its own, too.
            wait_for(|| {
                let mut found = [0; HEADER + 60];
                let len = device.take_sent(TRANSMIT, &mut found);
                device.interrupt(TRANSMIT);
                found == sent && len == Some(found.len())
            })?;
            ensure!(interface.state().tx_packets >= count);
        }
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// Frames count as received if the device says a length that a frame can have and a buffer has room for,
    /// and as errors otherwise; afterwards others are received.
    ///
    /// covers: NET-D2 NET-D3
    #[test]
    fn frames_are_received() -> Result {
        let device = device(&[feature::MRG_RXBUF])?;
        let interface = Interface::of(&device)?;
        interface.open()?;
        const ALL: u32 = (HEADER + 300) as u32;
        let (mut packets, mut errors) = (0, 0);
        for (buffers, written, good) in [
            (1, ALL, true),
            (1, 14 + 12, true),
            (1, 13 + 12, false),
            (1, 12, false),
            (1, 11, false),
            (1, 0, false),
            (1, 4096, false),
            (1, u32::MAX, false),
            (2, ALL, false),
            (255, ALL, false),
            (1, ALL, true),
        ] {
            let bytes = frame::<{ HEADER + 300 }>(buffers);
            // As often as there are buffers.
            for _ in 0..9 {
                ensure!(device.pass(RECEIVE, &bytes, written));
                device.interrupt(RECEIVE);
                if good {
                    packets += 1;
                } else {
                    errors += 1;
                }
                wait_for(|| {
                    let state = interface.state();
                    (state.rx_packets, state.rx_length_errors) == (packets, errors)
                })?;
            }
        }
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// Returns whether the device has buffers to receive frames.
    fn can_receive(device: &Plugged, interface: &Interface) -> Result {
        let before = interface.state().rx_packets;
        let bytes = frame::<{ HEADER + 300 }>(1);
        wait_for(|| device.pass(RECEIVE, &bytes, bytes.len() as u32))?;
        device.interrupt(RECEIVE);
        wait_for(|| interface.state().rx_packets > before)
    }

    /// An interface whose device fails, is suspended or reset has its address, its link and its buffers
    /// again afterwards. One that is down stays down, and can be set up.
    ///
    /// covers: INIT-27
    #[test]
    fn interface_goes_on() -> Result {
        let device = device(&[feature::STATUS])?;
        device.set_config(STATUS, &status::LINK_UP.to_le_bytes());
        device.config_interrupt();
        let interface = Interface::of(&device)?;
        interface.set_address(ADDRESS)?;
        for open in [true, false, true] {
            if open {
                interface.open()?;
                can_receive(&device, &interface)?;
            } else {
                interface.close();
            }
            for hold in [None, Some(Hold::Suspend), Some(Hold::Reset)] {
                match hold {
                    None => {
                        device.ask_for_reset();
                        device.config_interrupt();
                    }
                    Some(hold) => {
                        device.hold(hold);
                        device.forget();
                        device.release(hold);
                    }
                }
                device.settle();
                ensure_eq!(interface.state().address, ADDRESS);
                ensure!(interface.state().carrier);
                if open {
                    send(&interface, &frame::<60>(0))?;
                    can_receive(&device, &interface)?;
                } else {
                    ensure!(!device.pass(RECEIVE, &[0; 60], 60));
                }
            }
        }
        // It can be set down and up meanwhile, too.
        device.hold(Hold::Suspend);
        interface.close();
        interface.open()?;
        ensure!(!device.pass(RECEIVE, &[0; 60], 60));
        device.release(Hold::Suspend);
        device.settle();
        can_receive(&device, &interface)?;
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// Commands that were not agreed on are not sent.
    ///
    /// covers: NET-71 NET-72 NET-73
    #[test]
    fn no_commands() -> Result {
        let device = device(&[feature::CTRL_VQ])?;
        let interface = Interface::of(&device)?;
        interface.open()?;
        interface.set_address(ADDRESS)?;
        can_receive(&device, &interface)?;
        device.hold(Hold::Suspend);
        device.release(Hold::Suspend);
        can_receive(&device, &interface)?;
        ensure!(!device.rang(CONTROL));
        ensure_eq!(interface.state().address, ADDRESS);
        Ok(())
    }

    /// A device that does not answer commands gets one, and no others before it was reset: what was to be
    /// set fails, and is not set. It sends and receives nevertheless.
    ///
    /// covers: NET-74
    #[test]
    fn commands_without_answers() -> Result {
        let device = device(&[feature::CTRL_VQ, feature::CTRL_MAC_ADDR])?;
        let interface = Interface::of(&device)?;
        let address = interface.state().address;
        for _ in 0..2 {
            // Its address, which is a random one, was sent.
            ensure!(device.rang(CONTROL));
            ensure!(interface.set_address(ADDRESS).is_err());
            ensure_eq!(interface.state().address, address);
            ensure!(!device.rang(CONTROL));

            interface.open()?;
            send(&interface, &frame::<60>(0))?;
            can_receive(&device, &interface)?;
            // It is told again.
            device.hold(Hold::Reset);
            // Meanwhile it is only noted.
            interface.set_address(ADDRESS)?;
            interface.set_address(address)?;
            device.release(Hold::Reset);
            device.settle();
        }
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// A device that breaks a ring is reset, and its interface goes on. One that does so again and again is
    /// stopped: its interface has no carrier, and cannot be set up until the driver was bound again.
    #[test]
    fn device_that_breaks_a_ring() -> Result {
        let device = device(&[])?;
        {
            let interface = Interface::of(&device)?;
            interface.open()?;
            for _ in 0..3 {
                wait_for(|| interface.state().carrier)?;
                send(&interface, &frame::<60>(0))?;
                device.break_ring(TRANSMIT);
                device.interrupt(TRANSMIT);
                wait_for(|| {
                    device
                        .take_calls()
                        .is_ok_and(|calls| calls.contains(&Call::Status(15)))
                })?;
                device.settle();
                can_receive(&device, &interface)?;
            }
            send(&interface, &frame::<60>(0))?;
            device.break_ring(TRANSMIT);
            device.interrupt(TRANSMIT);
            wait_for(|| !interface.state().carrier)?;
            interface.close();
            ensure!(interface.open().is_err());
        }
        device.unbind();
        ensure_eq!(device.interrupts(), 0);
        ensure!(device.bind());
        let interface = Interface::of(&device)?;
        interface.open()?;
        wait_for(|| interface.state().carrier)
    }
}
