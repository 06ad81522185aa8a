// SPDX-License-Identifier: GPL-2.0

//! Requests of block devices: headers, tables of descriptors, and what the answers mean.

use kernel::prelude::*;

#[kunit_tests(rvirtio_blk_request)]
mod tests {
    use super::*;
    use crate::{
        blk_files::{
            completion::{
                Completion,
                NOT_WRITTEN, //
            },
            limits::{
                DeviceLimits,
                DriverLimits,
                LimitsError, //
            },
            ranges::ReportedRanges,
            spec::{
                request,
                status,
                Header, //
            },
        },
        model::cells,
    };
    use rvirtio::{
        ring::{
            packed,
            split,
            AddError,
            Desc,
            Segment, //
        },
        spec::ring::{
            DESC_F_NEXT,
            DESC_F_WRITE, //
        },
    };

    const HEADER: Segment = Segment {
        addr: 0x1000,
        len: 16,
    };
    const DATA: Segment = Segment {
        addr: 0x1_0000_2000,
        len: 4096,
    };
    const STATUS: Segment = Segment {
        addr: 0x3000,
        len: 1,
    };

    fn parts(cell: &Desc) -> (u64, u32, u32) {
        (cell.addr.read(), cell.len.read(), cell.meta.read())
    }

    /// Type, priority and sector are where the device looks, in little endian.
    #[test]
    fn headers() {
        let header = Header::new(request::OUT, 0x0a09, 0x0102_0304_0506_0708);
        assert_eq!(
            header.as_bytes(),
            &[1, 0, 0, 0, 9, 10, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]
        );
        assert_eq!(Header::new(request::FLUSH, 0, 0).as_bytes()[0], 4);
    }

    /// A read in a split ring's table: header, data and status, linked one to the next.
    #[test]
    fn split_table_of_a_read() -> Result {
        let table = cells::<Desc>(3)?;
        let filled = split::fill_table(&table, 3, [HEADER], [DATA, STATUS]).map_err(|_| EINVAL)?;
        assert_eq!((filled.count, filled.writable_len), (3, 4097));
        let next = u32::from(DESC_F_NEXT);
        let write = u32::from(DESC_F_WRITE);
        // Flags in the low half, the next descriptor in the high one.
        assert_eq!(parts(&table[0]), (HEADER.addr, 16, next | 1 << 16));
        assert_eq!(parts(&table[1]), (DATA.addr, 4096, next | write | 2 << 16));
        assert_eq!(parts(&table[2]), (STATUS.addr, 1, write));
        Ok(())
    }

    /// A write in a packed ring's table: only who writes is marked.
    #[test]
    fn packed_table_of_a_write() -> Result {
        let table = cells::<Desc>(3)?;
        let filled = packed::fill_table(&table, 3, [HEADER, DATA], [STATUS]).map_err(|_| EINVAL)?;
        assert_eq!((filled.count, filled.writable_len), (3, 1));
        let write = u32::from(DESC_F_WRITE) << 16;
        assert_eq!(parts(&table[0]), (HEADER.addr, 16, 0));
        assert_eq!(parts(&table[1]), (DATA.addr, 4096, 0));
        assert_eq!(parts(&table[2]), (STATUS.addr, 1, write));
        Ok(())
    }

    /// A table that is too small is not overrun.
    #[test]
    fn small_table() -> Result {
        let table = cells::<Desc>(2)?;
        let result = split::fill_table(&table, 2, [HEADER], [DATA, STATUS]);
        assert_eq!(result.err(), Some(AddError::TooManyElements));
        Ok(())
    }

    /// A status that the device did not write is no success.
    #[test]
    fn answers() {
        assert_eq!(Completion::of(status::OK), Completion::Ok);
        assert_eq!(Completion::of(status::UNSUPP), Completion::Unsupported);
        assert_eq!(Completion::of(NOT_WRITTEN), Completion::Failed);
    }

    /// Impossible limits are refused, possible ones taken.
    #[test]
    fn limits() {
        let driver = DriverLimits {
            max_segments: 126,
            max_segment_size: u32::MAX,
            min_segment_size: 4096,
            max_block_size: 65536,
        };
        let good = DeviceLimits {
            capacity: 2048,
            block_size: Some(512),
            size_max: None,
            seg_max: Some(254),
            topology: None,
            ranges: ReportedRanges::default(),
            zones: None,
        };
        assert!(good.check(&driver).is_ok_and(|c| c.max_segments == 126));
        let large = DeviceLimits {
            capacity: u64::MAX,
            ..good
        };
        let error = LimitsError::Capacity(u64::MAX);
        assert_eq!(large.check(&driver).err(), Some(error));
        let odd = DeviceLimits {
            block_size: Some(513),
            ..good
        };
        assert_eq!(odd.check(&driver).err(), Some(LimitsError::BlockSize(513)));
    }
}
