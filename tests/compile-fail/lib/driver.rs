// SPDX-License-Identifier: GPL-2.0

// What is alike in all programs: a driver `Bad`, whose data is `Data<'bound>`.
//
// `driver! { [start reclaim] fn probe... }` implements it, with defaults for the functions in brackets.

struct Bad;

rvirtio::virtio_device_table!(TABLE, (), [(rvirtio::DeviceId::new(63), ())]);

macro_rules! default {
    (probe) => {
        fn probe<'bound>(
            _init: rvirtio::Negotiated<'bound>,
            _info: &'bound (),
        ) -> impl PinInit<Data<'bound>, Error> + 'bound {
            Err(ENODEV)
        }
    };
    (connect) => {
        fn connect<'a>(
            _data: Pin<&'a Data<'_>>,
            connect: rvirtio::Connect<'a>,
        ) -> Result<rvirtio::Ready<'a>> {
            connect.driver_ok()
        }
    };
    (start) => {
        fn start(_data: Pin<&Data<'_>>, _start: &mut rvirtio::Start<'_>) -> Result {
            Ok(())
        }
    };
    (reclaim) => {
        fn reclaim(_data: Pin<&Data<'_>>, _stopped: &rvirtio::Stopped<'_>) {}
    };
}

macro_rules! driver {
    ([$($default:ident)*] $($item:item)*) => {
        impl rvirtio::Driver for Bad {
            type IdInfo = ();
            type Data<'bound> = Data<'bound>;
            const ID_TABLE: rvirtio::IdTable<()> = &TABLE;
            const FEATURES: &'static [rvirtio::Feature] = &[];

            $(default!($default);)*
            $($item)*
        }
    };
}
