// SPDX-License-Identifier: GPL-2.0

//! How long the queues of a network device wait before they interrupt, with a device in software that takes
//! the commands for it.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    net::{
        device,
        frame,
        wait_for,
        CONTROL,
        HEADER,
        RECEIVE,
        TRANSMIT, //
    },
    net_files::spec::{
        control::{
            coal,
            Command,
            OK, //
        },
        feature, //
    },
};
use kernel::prelude::*;
use mock::{
    Interface,
    InterfaceCoalesce,
    Plugged,
    Servant, //
};
use rvirtio::Hold;

fn agree(_: &[u8], answer: &mut [u8]) -> usize {
    answer[0] = OK;
    1
}

fn refuse(_: &[u8], answer: &mut [u8]) -> usize {
    answer[0] = 1;
    1
}

/// Agrees to what is about queues that send.
fn refuse_receiving(command: &[u8], answer: &mut [u8]) -> usize {
    answer[0] = match command.get(1) == Some(&coal::RX_SET.code) {
        true => 1,
        false => OK,
    };
    1
}

fn limits(rx: [u32; 2], tx: [u32; 2]) -> InterfaceCoalesce {
    InterfaceCoalesce {
        rx,
        tx,
        adaptive: false,
    }
}

/// Returns what is told of limits of all queues of a side.
fn all(command: Command, [frames, usecs]: [u32; 2]) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes[..2].copy_from_slice(&[command.class, command.code]);
    bytes[2..6].copy_from_slice(&frames.to_le_bytes());
    bytes[6..10].copy_from_slice(&usecs.to_le_bytes());
    bytes
}

/// Returns what is told of the limits of one queue.
fn one(queue: u16, [frames, usecs]: [u32; 2]) -> [u8; 14] {
    let mut bytes = [0; 14];
    bytes[..2].copy_from_slice(&[coal::VQ_SET.class, coal::VQ_SET.code]);
    bytes[2..4].copy_from_slice(&queue.to_le_bytes());
    bytes[6..10].copy_from_slice(&frames.to_le_bytes());
    bytes[10..].copy_from_slice(&usecs.to_le_bytes());
    bytes
}

/// Fails unless these commands were sent since the last time.
fn ensure_told(servant: &Servant, wanted: &[[u8; 14]]) -> Result {
    let found = servant.take_commands();
    ensure_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        let len = if wanted[1] == coal::VQ_SET.code {
            14
        } else {
            10
        };
        ensure_eq!(**found, wanted[..len]);
    }
    Ok(())
}

/// Has the device receive a frame.
fn receive(device: &Plugged, interface: &Interface) -> Result {
    let before = interface.state().rx_packets;
    let bytes = frame::<{ HEADER + 300 }>(1);
    // CAST: It is small.
    wait_for(|| device.pass(RECEIVE, &bytes, bytes.len() as u32))?;
    device.interrupt(RECEIVE);
    wait_for(|| interface.state().rx_packets > before)
}

#[kunit_tests(rvirtio_net_coalesce)]
mod tests {
    use super::*;

    /// Limits are told to the device, and again after a reset; those of a queue once more after those of all.
    /// While the device is stopped they are only noted.
    ///
    /// covers: NET-89 NET-90 NET-91
    #[test]
    fn limits_are_told() -> Result {
        let device = device(&[feature::CTRL_VQ, feature::NOTF_COAL, feature::VQ_NOTF_COAL])?;
        let servant = Servant::new(&device, CONTROL, agree)?;
        let interface = Interface::of(&device)?;
        ensure_eq!(interface.coalesce(None)?, limits([0, 0], [1, 0]));
        ensure_eq!(interface.coalesce(Some(0))?, limits([0, 0], [1, 0]));
        ensure!(interface.coalesce(Some(1)).is_err());

        let (rx, tx) = ([8, 100], [4, 50]);
        interface.set_coalesce(None, limits(rx, tx))?;
        let told = [all(coal::TX_SET, tx), all(coal::RX_SET, rx)];
        ensure_told(&servant, &told)?;
        interface.set_coalesce(Some(0), limits([2, 7], [3, 9]))?;
        let own = [one(RECEIVE, [2, 7]), one(TRANSMIT, [3, 9])];
        ensure_told(&servant, &own)?;
        ensure_eq!(interface.coalesce(None)?, limits(rx, tx));
        ensure_eq!(interface.coalesce(Some(0))?, limits([2, 7], [3, 9]));

        device.hold(Hold::Reset);
        device.release(Hold::Reset);
        device.settle();
        ensure_told(&servant, &[told[0], told[1], own[0], own[1]])?;

        device.hold(Hold::Suspend);
        interface.set_coalesce(None, limits([1, 1], [2, 2]))?;
        ensure_told(&servant, &[])?;
        device.release(Hold::Suspend);
        device.settle();
        ensure_told(
            &servant,
            &[all(coal::TX_SET, [2, 2]), all(coal::RX_SET, [1, 1])],
        )?;
        ensure_eq!(interface.coalesce(Some(0))?, limits([1, 1], [2, 2]));
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// Commands are those that were agreed on. Without any, nothing can be set.
    ///
    /// covers: NET-90 NET-91
    #[test]
    fn commands_are_those_that_were_agreed_on() -> Result {
        for (offered, wide, single) in [
            (&[][..], false, false),
            (&[feature::NOTF_COAL], true, false),
            (&[feature::VQ_NOTF_COAL], true, true),
        ] {
            let mut features = KVec::new();
            features.extend_from_slice(offered, GFP_KERNEL)?;
            features.push(feature::CTRL_VQ, GFP_KERNEL)?;
            let device = device(&features)?;
            let servant = Servant::new(&device, CONTROL, agree)?;
            let interface = Interface::of(&device)?;
            let to = limits([2, 20], [3, 30]);
            let adaptive = InterfaceCoalesce {
                adaptive: true,
                ..to
            };
            ensure_eq!(interface.set_coalesce(None, to).is_ok(), wide);
            ensure_eq!(interface.set_coalesce(None, adaptive).is_ok(), single);
            let told = servant.take_commands();
            let codes = told.iter().map(|command| command[1]);
            let is_single = |code| code == coal::VQ_SET.code;
            ensure_eq!(told.is_empty(), !wide);
            ensure!(codes.fold(true, |all, code| all && is_single(code) == single));
            let own = InterfaceCoalesce { rx: [1, 1], ..to };
            ensure_eq!(interface.set_coalesce(Some(0), own).is_ok(), single);
            ensure_eq!(servant.take_commands().is_empty(), !single);
        }
        Ok(())
    }

    /// What a device or its rings cannot do is refused, and changes nothing; and so if the device refuses: what
    /// it has taken of it is taken back.
    #[test]
    fn nothing_changes_if_it_is_refused() -> Result {
        let device = device(&[feature::CTRL_VQ, feature::NOTF_COAL, feature::VQ_NOTF_COAL])?;
        let servant = Servant::new(&device, CONTROL, agree)?;
        let interface = Interface::of(&device)?;
        let first = limits([2, 20], [3, 30]);
        interface.set_coalesce(None, first)?;
        servant.take_commands();
        for to in [
            limits([9, 20], [3, 30]),
            limits([2, 20], [9, 30]),
            limits([2, 1_000_001], [3, 30]),
            limits([2, 20], [u32::MAX, u32::MAX]),
            InterfaceCoalesce {
                adaptive: true,
                ..limits([1, 20], [3, 30])
            },
        ] {
            ensure!(interface.set_coalesce(None, to).is_err());
            ensure!(interface.set_coalesce(Some(0), to).is_err());
        }
        ensure_told(&servant, &[])?;

        servant.set_answer(refuse);
        ensure!(interface
            .set_coalesce(None, limits([1, 1], [1, 1]))
            .is_err());
        ensure!(interface
            .set_coalesce(Some(0), limits([1, 1], [1, 1]))
            .is_err());
        servant.take_commands();
        servant.set_answer(refuse_receiving);
        ensure!(interface
            .set_coalesce(None, limits([1, 1], [5, 5]))
            .is_err());
        ensure_told(
            &servant,
            &[
                all(coal::TX_SET, [5, 5]),
                all(coal::RX_SET, [1, 1]),
                all(coal::TX_SET, [3, 30]),
                all(coal::RX_SET, [2, 20]),
            ],
        )?;
        ensure_eq!(interface.coalesce(None)?, first);
        ensure_eq!(interface.coalesce(Some(0))?, first);
        Ok(())
    }

    /// A queue that adapts is told new limits after it has received for a while, of which there are not more
    /// frames than the ring has room for, and no more when it does not adapt. It goes on after a reset.
    #[test]
    fn limits_adapt() -> Result {
        let device = device(&[feature::CTRL_VQ, feature::NOTF_COAL, feature::VQ_NOTF_COAL])?;
        let servant = Servant::new(&device, CONTROL, agree)?;
        let interface = Interface::of(&device)?;
        interface.open()?;
        let off = limits([0, 0], [1, 0]);
        let on = InterfaceCoalesce {
            adaptive: true,
            ..off
        };
        for round in 0..2 {
            interface.set_coalesce(None, on)?;
            servant.take_commands();
            let mut found = KVec::new();
            for _ in 0..500 {
                receive(&device, &interface)?;
                found = servant.take_commands();
                if !found.is_empty() {
                    break;
                }
            }
            let command = found.first().ok_or(ETIMEDOUT)?;
            ensure_eq!(command[..4], one(RECEIVE, [0, 0])[..4]);
            // The kernel's limits are of 256 frames, and of 1 to 256 us.
            ensure_eq!(command[6..10], [8, 0, 0, 0]);
            ensure!(command[10] != 0 || command[11] == 1);
            wait_for(|| {
                interface
                    .coalesce(Some(0))
                    .is_ok_and(|now| now.rx[0] == 8 && now.adaptive)
            })?;
            ensure_eq!(interface.coalesce(None)?, on);
            interface.set_coalesce(None, off)?;
            ensure_eq!(interface.coalesce(Some(0))?, off);
            servant.take_commands();
            for _ in 0..150 {
                receive(&device, &interface)?;
            }
            ensure_told(&servant, &[])?;
            if round == 0 {
                device.hold(Hold::Reset);
                device.release(Hold::Reset);
                device.settle();
            }
        }
        // With the driver unbound while it adapts.
        interface.set_coalesce(None, on)?;
        for _ in 0..70 {
            receive(&device, &interface)?;
        }
        drop(interface);
        device.unbind();
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }
}
