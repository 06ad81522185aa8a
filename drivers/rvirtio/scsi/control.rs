// SPDX-License-Identifier: GPL-2.0

//! The control queue: task management, by which commands are aborted and logical units reset.
//!
//! C waits for the device without end. Here whoever waits gives up after a while. Its request stays
//! with the device, which may answer it later.

use crate::spec::{
    response,
    task_management,
    TMF_SIZE, //
};
use kernel::{
    device::Bound,
    prelude::*,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    }, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::{
        drain,
        message::Message, //
    },
    Device,
    IrqReturn,
    Start,
    Stopped,
    Virtqueue,
    VqHandler, //
};

/// How many requests the device can have. The kernel sends one at a time, and users may send more.
const REQUESTS: u16 = 4;

/// How long a request may take.
const LIMIT: Delta = Delta::from_secs(10);

/// How long whoever waits sleeps before it looks again, at first and at most. It need not be
/// woken: requests are rare, and an interrupt may be lost.
const FIRST_SLEEP: Delta = Delta::from_micros(100);
const LONGEST_SLEEP: Delta = Delta::from_millis(20);

/// The response until the device writes one.
const NOT_WRITTEN: u8 = 0xff;

/// A request, and its place in [`State::places`].
pub(crate) type Request<'bound> = Message<'bound, [u8; TMF_SIZE], u8, u8>;

/// The place of a request.
enum Place<'bound> {
    /// Nobody uses the request.
    Free(Request<'bound>),
    /// The device has the request, and somebody waits for it.
    Awaited,
    /// The device has the request, and nobody waits for it any more.
    GivenUp,
    /// The device, or a reset, has returned the request, with this response.
    Answered(Request<'bound>, u8),
}

/// The control queue of a device.
#[pin_data]
pub(crate) struct Control<'bound> {
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    dev: &'bound Device<Bound>,
}

/// The virtqueue of the control queue.
struct State<'bound> {
    vq: Virtqueue<'bound, Request<'bound>>,
    places: KVec<Option<Place<'bound>>>,
}

impl<'bound> State<'bound> {
    /// Makes a request that was returned free, or wakes whoever waits for it.
    fn returned(&mut self, request: Request<'bound>) {
        let Some(place) = self.places.get_mut(usize::from(*request.note())) else {
            return;
        };
        *place = match place {
            Some(Place::Awaited) => {
                let response = request.status();
                Some(Place::Answered(request, response))
            }
            _ => Some(Place::Free(request)),
        };
    }
}

impl<'bound> Control<'bound> {
    /// Creates the control queue. It is in memory of its own, as there is little on the stack.
    ///
    /// # Errors
    ///
    /// Those of allocating requests.
    #[inline(never)]
    pub(crate) fn new(
        setup: &rvirtio::Setup<'bound>,
        vq: Virtqueue<'bound, Request<'bound>>,
    ) -> Result<Pin<KBox<Self>>> {
        let mut places = KVec::with_capacity(REQUESTS.into(), GFP_KERNEL)?;
        for request in Message::allocate(setup.dma(), setup.features(), REQUESTS)? {
            places.push(Some(Place::Free(request)), GFP_KERNEL)?;
        }
        let state = State { vq, places };
        let this = pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_scsi::Control::state"),
            dev: setup.device(),
        });
        KBox::pin_init(this, GFP_KERNEL)
    }

    /// Enables the queue.
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        start.enable(&mut self.state.lock().vq)
    }

    /// Takes back the requests. Whoever waits for one learns that it was not answered.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        self.look();
        let mut state = self.state.lock();
        while let Some(request) = state.vq.detach_unused(stopped) {
            state.returned(request);
        }
    }

    fn look(&self) -> IrqReturn {
        drain(
            &self.state,
            |state| &mut state.vq,
            &mut (),
            |state, (), used| state.returned(used.data),
        )
    }

    /// Has the device do something, and returns whether it has confirmed that. `tag` only matters
    /// for functions that are about one command. Sleeps, for at most ten seconds or so.
    #[doc(alias = "virtscsi_tmf")]
    pub(crate) fn request(&self, function: u32, lun: [u8; 8], tag: u64) -> bool {
        let Some(index) = self.send(task_management(function, lun, tag)) else {
            return false;
        };
        match self.wait(index) {
            Some(response) => {
                matches!(response, response::OK | response::FUNCTION_SUCCEEDED)
            }
            None => {
                dev_err!(self.dev, "task management was not answered\n");
                false
            }
        }
    }

    /// Sends a request, and returns its place.
    fn send(&self, header: [u8; TMF_SIZE]) -> Option<usize> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let is_free = |place: &Option<Place<'_>>| matches!(place, Some(Place::Free(_)));
        let index = state.places.iter().position(is_free)?;
        let place = state.places.get_mut(index)?;
        let Some(Place::Free(mut request)) = place.take() else {
            return None;
        };
        // CAST: A small number.
        if request.prepare(header, NOT_WRITTEN, index as u8).is_err() {
            *place = Some(Place::Free(request));
            return None;
        }
        if let Err(rejected) = state.vq.add(request) {
            *place = Some(Place::Free(rejected.value));
            return None;
        }
        *place = Some(Place::Awaited);
        let kick = state.vq.kick_prepare();
        drop(guard);
        if let Some(kick) = kick {
            kick.notify();
        }
        Some(index)
    }

    /// Waits for the response to the request in a place, and returns it, if there is one.
    fn wait(&self, index: usize) -> Option<u8> {
        let begin = Instant::<Monotonic>::now();
        let mut sleep = FIRST_SLEEP;
        loop {
            self.look();
            {
                let mut guard = self.state.lock();
                let place = guard.places.get_mut(index)?;
                match place.take() {
                    Some(Place::Answered(request, response)) => {
                        *place = Some(Place::Free(request));
                        return Some(response);
                    }
                    other if begin.elapsed() < LIMIT => *place = other,
                    _ => {
                        *place = Some(Place::GivenUp);
                        return None;
                    }
                }
            }
            fsleep(sleep);
            sleep = (sleep * 2).min(LONGEST_SLEEP);
        }
    }
}

impl VqHandler for Control<'_> {
    #[doc(alias = "virtscsi_ctrl_done")]
    fn interrupt(&self) -> IrqReturn {
        self.look()
    }
}
