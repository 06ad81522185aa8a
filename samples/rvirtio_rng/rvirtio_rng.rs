// SPDX-License-Identifier: GPL-2.0

//! Virtio entropy driver (virtio 1.4, 5.4): a complete front end, to learn from.
//!
//! The device has one queue. The driver gives it an empty buffer, and gets it back with random
//! bytes in it. `Documentation/front-ends.md` walks through this file.

#![deny(unsafe_code)]

use hwrng::Wait;
use kernel::{
    prelude::*,
    str::CString,
    sync::{
        new_condvar,
        CondVar, //
    },
};
use rvirtio::{
    self as virtio,
    lock::IrqSaveLock,
    new_irq_save_lock,
    spec,
    virtqueue, //
};

/// Size of the buffer in bytes.
const BUFFER_LEN: u32 = 64;

virtio::module_virtio_driver! {
    type: RngDriver,
    name: "rvirtio_rng",
    authors: ["rvirtio developers"],
    description: "Virtio entropy driver",
    license: "GPL",
}

virtio::virtio_device_table!(
    TABLE,
    <RngDriver as virtio::Driver>::IdInfo,
    [(virtio::DeviceId::new(spec::device_id::RNG), ())]
);

struct RngDriver;

/// What the driver has of a device: its queue, and who waits for it.
#[pin_data]
struct Rng<'bound> {
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    #[pin]
    changed: CondVar,
}

struct State<'bound> {
    queue: virtio::Virtqueue<'bound, virtio::In<'bound>>,
    /// The buffer while the device does not have it, and which of its bytes are still unread.
    filled: Option<(virtio::Buffer<'bound>, core::ops::Range<usize>)>,
    /// There will be no more random bytes.
    gone: bool,
}

impl virtio::Driver for RngDriver {
    type IdInfo = ();
    type Data<'bound> = Rng<'bound>;
    const ID_TABLE: virtio::IdTable<()> = &TABLE;
    const FEATURES: &'static [virtio::Feature] = &[];

    fn probe<'bound>(
        init: virtio::Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Rng<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            // Interrupt vectors, then the queue itself, of which the device knows nothing yet.
            let init = init.find_vqs(
                &[virtio::VqInfo {
                    name: c"input",
                    callback: virtio::Callback::Yes,
                }],
                virtio::Affinity::Managed,
            )?;
            let queue = init.virtqueue(0, 1)?;
            let buffer = virtio::Buffer::new(init.dma(), BUFFER_LEN)?;
            let state = State {
                queue,
                filled: Some((buffer, 0..0)),
                gone: false,
            };
            Ok(try_pin_init!(Rng {
                state <- new_irq_save_lock!(state, "rvirtio_rng"),
                changed <- new_condvar!(),
            }? Error))
        })
    }

    fn connect<'a>(
        rng: Pin<&'a Rng<'_>>,
        mut connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        let rng = rng.get_ref();
        connect.request_irq(0, rng)?;
        // From here on the device may use its queue.
        let ready = connect.driver_ok()?;
        let name = CString::try_from_fmt(fmt!("rvirtio_rng.{}", ready.device().index()))?;
        hwrng::register(&ready, name, rng)?;
        Ok(ready)
    }

    fn start(rng: Pin<&Rng<'_>>, start: &mut virtio::Start<'_>) -> Result {
        start.enable(&mut rng.state.lock().queue)
    }

    fn reclaim(rng: Pin<&Rng<'_>>, stopped: &virtio::Stopped<'_>) {
        let mut state = rng.state.lock();
        if let Some(virtio::In(buffer)) = state.queue.detach_unused(stopped) {
            state.filled = Some((buffer, 0..0));
        }
        state.gone = true;
        rng.changed.notify_all();
    }

    fn unbind(rng: Pin<&Rng<'_>>) {
        rng.state.lock().gone = true;
        rng.changed.notify_all();
    }
}

impl virtio::VqHandler for Rng<'_> {
    fn interrupt(&self) -> virtio::IrqReturn {
        let handled = virtqueue::drain(
            &self.state,
            |state| &mut state.queue,
            &mut (),
            // `written` is what the device filled in; beyond are old bytes.
            |state, (), used| state.filled = Some((used.data.0, 0..used.written as usize)),
        );
        // Also when there is nothing: the queue may be broken.
        self.changed.notify_all();
        handled
    }
}

impl hwrng::Source for Rng<'_> {
    fn read(&self, to: &mut [u8], wait: Wait) -> Result<usize> {
        let mut state = self.state.lock();
        loop {
            if state.gone || state.queue.is_broken() {
                return Err(ENODEV);
            }
            if let Some((buffer, unread)) = state.filled.take() {
                let wanted = unread.len().min(to.len());
                let len = buffer.read(unread.start, &mut to[..wanted]);
                let unread = unread.start + len..unread.end;
                if !unread.is_empty() {
                    state.filled = Some((buffer, unread));
                    return Ok(len);
                }
                // All is read: let the device fill it again, which takes until the next call.
                let added = state.queue.add(virtio::In(buffer));
                let kick = state.queue.kick_prepare();
                added.map_err(|rejected| {
                    state.filled = Some((rejected.value.0, 0..0));
                    EIO
                })?;
                if let Some(kick) = kick {
                    kick.notify();
                }
                if len > 0 {
                    return Ok(len);
                }
            }
            if wait == Wait::No {
                return Ok(0);
            }
            if self.changed.wait_interruptible(&mut state) {
                return Err(ERESTARTSYS);
            }
        }
    }
}
