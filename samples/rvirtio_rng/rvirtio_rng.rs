// SPDX-License-Identifier: GPL-2.0

//! Virtio entropy driver (virtio 1.4, 5.4): a complete front end, to learn from.
//!
//! The device has one queue. The driver gives it an empty buffer, and gets it back with random
//! bytes in it. `Documentation/front-ends.md` walks through this file.

#![deny(unsafe_code)]

use hwrng::Wait;
use kernel::{
    device::Core,
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
    spec, //
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

/// What a device needs while it is bound.
struct Rng<'bound> {
    source: Pin<&'bound Source<'bound>>,
}

/// The queue, and who waits for it.
#[pin_data]
struct Source<'bound> {
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    #[pin]
    changed: CondVar,
}

struct State<'bound> {
    queue: virtio::Virtqueue<'bound, virtio::In<'bound>>,
    /// The buffer while the device does not have it, and which of its bytes are still unread.
    filled: Option<(virtio::Buffer<'bound>, core::ops::Range<usize>)>,
    /// The device is being unbound.
    gone: bool,
}

impl virtio::Driver for RngDriver {
    type IdInfo = ();
    type Data<'bound> = Rng<'bound>;
    const ID_TABLE: virtio::IdTable<()> = &TABLE;
    const FEATURES: &'static [virtio::Feature] = &[];

    fn probe<'bound>(
        _dev: &'bound virtio::Device<Core<'_>>,
        init: virtio::Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Rng<'bound>, Error> + 'bound {
        Rng::start(init)
    }

    fn unbind<'bound>(_dev: &'bound virtio::Device<Core<'_>>, data: Pin<&Rng<'bound>>) {
        data.source.state.lock().gone = true;
        data.source.changed.notify_all();
    }
}

impl<'bound> Rng<'bound> {
    /// Brings the device up, step by step.
    fn start(init: virtio::Negotiated<'bound>) -> Result<Self> {
        // Interrupt vectors, then the queue itself.
        let mut init = init.find_vqs(&[virtio::VqInfo {
            name: c"input",
            callback: virtio::Callback::Yes,
        }])?;
        let queue = init.virtqueue(0, 1)?;
        let buffer = virtio::Buffer::new(init.dma(), BUFFER_LEN)?;

        // What interrupts refer to has to last as long as the device is bound.
        let source = init.manage(pin_init!(Source {
            state <- new_irq_save_lock!(
                State {
                    queue,
                    filled: Some((buffer, 0..0)),
                    gone: false,
                },
                "rvirtio_rng"
            ),
            changed <- new_condvar!(),
        }))?;
        init.request_irq(0, source)?;

        // From here on the device may use its queue.
        let ready = init.driver_ok()?;
        let name = CString::try_from_fmt(fmt!("rvirtio_rng.{}", ready.device().index()))?;
        hwrng::register(&ready, name, source)?;
        Ok(Self { source })
    }
}

impl virtio::VqHandler for Source<'_> {
    fn interrupt(&self) {
        let mut state = self.state.lock();
        if let Some(used) = state.queue.pop_used() {
            // `written` is what the device filled in; beyond are old bytes.
            state.filled = Some((used.data.0, 0..used.written as usize));
        }
        // Also when there is nothing: the queue may be broken.
        self.changed.notify_all();
    }
}

impl hwrng::Source for Source<'_> {
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
