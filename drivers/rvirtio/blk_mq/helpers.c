// SPDX-License-Identifier: GPL-2.0
/*
 * C inline functions and macros that the blk_mq crate needs and neither the
 * kernel crate nor bindgen provides, in alphabetical order and without logic.
 */
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/hdreg.h>
#include <linux/idr.h>
#include <linux/io.h>
#include <linux/mm.h>

/* The indices of disk names in use. Only a macro can initialise an IDA. */
extern struct ida rvirtio_blk_name_ida;
DEFINE_IDA(rvirtio_blk_name_ida);

/* Flags that are macros in C. */
extern const u32 rvirtio_blk_feat_zoned;
const u32 rvirtio_blk_feat_zoned = (__force u32)BLK_FEAT_ZONED;

extern const u32 rvirtio_blk_rqf_alone, rvirtio_blk_rqf_dontprep;
extern const u32 rvirtio_blk_rqf_payload, rvirtio_blk_rqf_timed;
const u32 rvirtio_blk_rqf_alone = (__force u32)(RQF_SCHED_TAGS | RQF_SPECIAL_PAYLOAD);
const u32 rvirtio_blk_rqf_dontprep = (__force u32)RQF_DONTPREP;
const u32 rvirtio_blk_rqf_payload = (__force u32)RQF_SPECIAL_PAYLOAD;
const u32 rvirtio_blk_rqf_timed = (__force u32)(RQF_IO_STAT | RQF_STATS | RQF_USE_SCHED);

unsigned int rvirtio_helper_blk_mq_freeze_queue(struct request_queue *q);
unsigned int rvirtio_helper_blk_mq_freeze_queue(struct request_queue *q)
{
	return blk_mq_freeze_queue(q);
}

void rvirtio_helper_blk_mq_unfreeze_queue(struct request_queue *q,
					  unsigned int memflags);
void rvirtio_helper_blk_mq_unfreeze_queue(struct request_queue *q,
					  unsigned int memflags)
{
	blk_mq_unfreeze_queue(q, memflags);
}

void rvirtio_helper_bvec_set_virt(struct bio_vec *bv, void *vaddr, unsigned int len);
void rvirtio_helper_bvec_set_virt(struct bio_vec *bv, void *vaddr, unsigned int len)
{
	bvec_set_virt(bv, vaddr, len);
}

void *rvirtio_helper_bvec_virt(struct bio_vec *bv);
void *rvirtio_helper_bvec_virt(struct bio_vec *bv)
{
	return bvec_virt(bv);
}

void rvirtio_helper_hd_geometry_set(struct hd_geometry *geo, u16 cylinders,
				    u8 heads, u8 sectors);
void rvirtio_helper_hd_geometry_set(struct hd_geometry *geo, u16 cylinders,
				    u8 heads, u8 sectors)
{
	geo->cylinders = cylinders;
	geo->heads = heads;
	geo->sectors = sectors;
}

phys_addr_t rvirtio_helper_page_to_phys(struct page *page);
phys_addr_t rvirtio_helper_page_to_phys(struct page *page)
{
	return page_to_phys(page);
}

void *rvirtio_helper_phys_to_virt(phys_addr_t addr);
void *rvirtio_helper_phys_to_virt(phys_addr_t addr)
{
	return phys_to_virt(addr);
}

void rvirtio_helper_queue_limits_set_write_cache(struct queue_limits *lim,
						 bool write_back);
void rvirtio_helper_queue_limits_set_write_cache(struct queue_limits *lim,
						 bool write_back)
{
	if (write_back)
		lim->features |= BLK_FEAT_WRITE_CACHE;
	else
		lim->features &= ~BLK_FEAT_WRITE_CACHE;
}

void rvirtio_helper_queue_limits_start_update(struct request_queue *q,
					      struct queue_limits *lim);
void rvirtio_helper_queue_limits_start_update(struct request_queue *q,
					      struct queue_limits *lim)
{
	*lim = queue_limits_start_update(q);
}
