// SPDX-License-Identifier: GPL-2.0

//! A front end to test core with: it counts what core calls, fails where it is told to, and does
//! what tests want.

mod queue;
mod record;

pub(crate) use self::{
    queue::{
        Within,
        BUFFERS, //
    },
    record::{
        Point,
        FRONT, //
    },
};

use self::queue::Queue;
use core::{
    any::Any,
    convert::Infallible,
    sync::atomic::Ordering::Relaxed, //
};
use kernel::{
    device_id::IdArray,
    io::poll::read_poll_timeout,
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use mock::{
    Model,
    Plugged,
    QUEUES, //
};
use rvirtio::{
    Affinity,
    Callback,
    Config,
    Connect,
    DeviceId,
    Driver,
    Feature,
    IdTable,
    Negotiated,
    Outcome,
    Ready,
    Start,
    Stopped,
    VqInfo,
    Why, //
};

/// A type of device that there is not.
pub(crate) const DEVICE_ID: u32 = 0x7e57;

/// How its queues interrupt.
pub(crate) const CALLBACKS: [Callback; QUEUES] =
    [Callback::Yes, Callback::Rare, Callback::Yes, Callback::Rare];

/// Returns a device that no driver is bound to, as none is in time for what a test has to say before.
pub(crate) fn unbound_device(model: Model) -> Result<Plugged> {
    FRONT.begin();
    FRONT.fail_at(Point::Probe);
    let device = Plugged::new(DEVICE_ID, model)?;
    FRONT.begin();
    device.take_calls()?;
    Ok(device)
}

/// What a test wants.
pub(crate) enum Command {
    /// Adds buffers to a queue and notifies the device. Returns how many the queue took.
    Add(u16, usize),
    /// Returns the number of buffers that are in the queue.
    InFlight(u16),
    /// Returns the number of buffers that came back used.
    Received(u16),
    /// Returns the size of the queue.
    Size(u16),
    /// Resets a queue, and enables it with another ring of this size.
    Resize(u16, u16, Within),
    /// Reads the configuration.
    ReadConfig,
    /// Writes it.
    WriteConfig(u8),
}

#[pin_data]
pub(crate) struct Data<'bound> {
    pub(crate) device: Arc<mock::Device>,
    config: Config<'bound>,
    queues: KVec<Pin<KBox<Queue<'bound>>>>,
    _dropped: Dropped,
}

pub(crate) struct FrontDriver;

/// Not made by `virtio_device_table!`, as that makes an alias by which the module would be loaded, and
/// run its tests, where drivers of virtio devices are.
static TABLE: IdArray<DeviceId, (), 1> = IdArray::new([(DeviceId::new(DEVICE_ID), &())]);

impl Driver for FrontDriver {
    type IdInfo = ();
    type Data<'bound> = Data<'bound>;
    const ID_TABLE: IdTable<()> = &TABLE;
    const FEATURES: &'static [Feature] = &[];

    fn probe<'bound>(
        init: Negotiated<'bound>,
        _info: &'bound (),
    ) -> impl PinInit<Data<'bound>, Error> + 'bound {
        pin_init::pin_init_scope(move || {
            let device = mock::Device::of(init.device())?;
            let config = init.config();
            if FRONT.reads.load(Relaxed) {
                config.read_u64(0)?;
            }
            let infos = CALLBACKS.map(|callback| VqInfo::new(c"queue", callback));
            let init = init.find_vqs(&infos, Affinity::Free)?;
            let mut queues = KVec::with_capacity(QUEUES, GFP_KERNEL)?;
            for index in 0..QUEUES as u16 {
                let queue = Queue::new(&init, index, device.clone())?;
                queues.push(KBox::pin_init(queue, GFP_KERNEL)?, GFP_KERNEL)?;
            }
            FRONT.check(Point::Probe)?;
            Ok(try_pin_init!(Data {
                device,
                config,
                queues,
                _dropped: Dropped,
            }? Error))
        })
    }

    fn connect<'a>(data: Pin<&'a Data<'_>>, mut connect: Connect<'a>) -> Result<Ready<'a>> {
        let data = data.get_ref();
        for (index, queue) in (0..).zip(&data.queues) {
            connect.request_irq(index, queue.as_ref().get_ref())?;
        }
        FRONT.check(Point::Connect)?;
        let ready = connect.driver_ok()?;
        mock::listen(&ready, data)?;
        ready.keep::<_, Infallible>(Guard)?;
        if FRONT.waits.load(Relaxed) {
            data.device.settle();
            let is_reclaimed = || Ok(FRONT.reclaimed.load(Relaxed) != 0);
            read_poll_timeout(
                is_reclaimed,
                |is_reclaimed| *is_reclaimed,
                Delta::from_millis(1),
                Delta::from_secs(5),
            )?;
        }
        FRONT.check(Point::Ready)?;
        // Changes are not told before this function has returned, however long that takes.
        data.device.config_interrupt();
        data.device.settle();
        FRONT.connected.store(true, Relaxed);
        Ok(ready)
    }

    fn start(data: Pin<&Data<'_>>, start: &mut Start<'_>) -> Result {
        FRONT.called(&FRONT.started, 1);
        for queue in &data.queues {
            queue.start(start)?;
        }
        FRONT.check(Point::Start)
    }

    fn reclaim(data: Pin<&Data<'_>>, stopped: &Stopped<'_>) {
        FRONT.called(&FRONT.reclaimed, 3);
        FRONT.why.store(stopped.why() as usize, Relaxed);
        for queue in &data.queues {
            FRONT.detached.fetch_add(queue.reclaim(stopped), Relaxed);
        }
    }

    fn can_restart(_data: Pin<&Data<'_>>) -> bool {
        FRONT.restarts.load(Relaxed)
    }

    fn quiesce(_data: Pin<&Data<'_>>, _why: Why) {
        FRONT.called(&FRONT.quiesced, 6);
    }

    fn resume(data: Pin<&Data<'_>>, outcome: Outcome) {
        FRONT.called(&FRONT.resumed, 7);
        match outcome {
            Outcome::Running => data.queues.iter().for_each(|queue| queue.kick()),
            Outcome::Dead => {
                FRONT.dead.fetch_add(1, Relaxed);
            }
        }
    }

    fn config_changed(data: Pin<&Data<'_>>) {
        FRONT.changed.fetch_add(1, Relaxed);
        if !FRONT.connected.load(Relaxed) {
            FRONT.changed_early.fetch_add(1, Relaxed);
        }
        if FRONT.resets.load(Relaxed) {
            let error = data.queues.first().and_then(|queue| queue.reset().err());
            let errno = error.map_or(0, |error| error.to_errno().unsigned_abs());
            FRONT.beside.store(errno as usize, Relaxed);
        }
    }

    fn unbind(_data: Pin<&Data<'_>>) {
        FRONT.called(&FRONT.unbound, 2);
    }
}

/// Stands for a subsystem that waits, when the device is unbound, for the buffers that it has.
struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        FRONT.called(&FRONT.ended, 5);
    }
}

/// Counts the data that is dropped.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        FRONT.called(&FRONT.dropped, 4);
    }
}

impl mock::Front for Data<'_> {
    fn call(&self, command: &dyn Any) -> Result<usize> {
        let queue = |index: u16| self.queues.get(usize::from(index)).ok_or(EINVAL);
        match command.downcast_ref().ok_or(EINVAL)? {
            Command::Add(index, count) => queue(*index)?.add(*count),
            Command::InFlight(index) => Ok(queue(*index)?.in_flight()),
            Command::Received(index) => Ok(queue(*index)?.received()),
            Command::Size(index) => Ok(queue(*index)?.size()),
            Command::Resize(index, size, within) => {
                let other = queue((*index + 1) % QUEUES as u16)?;
                queue(*index)?.resize(*size, *within, other).map(|()| 0)
            }
            Command::ReadConfig => self.config.read::<u8>(0).map(usize::from),
            Command::WriteConfig(value) => self.config.write(0, *value).map(|()| 0),
        }
    }
}
