// SPDX-License-Identifier: GPL-2.0

//! Virtio entropy driver (virtio 1.4, 5.4): a complete front end as an example.
//!
//! The device has one queue. The driver adds an empty buffer, and the device returns it filled with
//! random bytes. `Documentation/front-ends.md` explains this file.

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

/// The size of the buffer in bytes.
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

/// The per-device data: the queue, and the readers that wait for it.
#[pin_data]
struct Rng<'bound> {
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    #[pin]
    changed: CondVar,
}

struct State<'bound> {
    queue: virtio::Virtqueue<'bound, virtio::In<'bound>>,
    /// The buffer, unless it is in the queue, with the range of bytes that were not read yet.
    filled: Option<(virtio::Buffer<'bound>, core::ops::Range<usize>)>,
    /// Whether the device is unbound or dead.
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
            // Allocate interrupt vectors, then create the queue, which is not enabled yet.
            let init = init.find_vqs(
                &[virtio::VqInfo::new(c"input", virtio::Callback::Yes)],
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
        // From here on the device may use the queue.
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
        if stopped.why() == virtio::Why::End {
            state.gone = true;
            rng.changed.notify_all();
        }
    }

    // The device is restarted when it was reset, or the machine was suspended. Readers wait until then.
    fn can_restart(_rng: Pin<&Rng<'_>>) -> bool {
        true
    }

    fn resume(rng: Pin<&Rng<'_>>, outcome: virtio::Outcome) {
        let kick = {
            let mut state = rng.state.lock();
            state.gone = outcome == virtio::Outcome::Dead;
            state.queue.kick_again()
        };
        if let Some(kick) = kick {
            kick.notify();
        }
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
            // The device has filled in `written` bytes; those that follow are old.
            |state, (), used| state.filled = Some((used.data.0, 0..used.written as usize)),
        );
        // Wake readers even if there was no buffer: the queue may be broken.
        self.changed.notify_all();
        handled
    }
}

impl hwrng::Source for Rng<'_> {
    fn read(&self, to: &mut [u8], wait: Wait) -> Result<usize> {
        let mut state = self.state.lock();
        loop {
            if state.gone {
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
                // All bytes are read. Let the device fill the buffer again for the next call. If it
                // is stopped, the next call tries again, or this one when it is restarted.
                if let Err(rejected) = state.queue.add(virtio::In(buffer)) {
                    state.filled = Some((rejected.value.0, 0..0));
                }
                if let Some(kick) = state.queue.kick_prepare() {
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
