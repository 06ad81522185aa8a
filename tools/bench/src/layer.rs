// SPDX-License-Identifier: GPL-2.0

//! To which layer of the guest's software a function belongs.

use serde::{Deserialize, Serialize};

/// Where instructions are spent, from the program down to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Programs.
    User,
    /// System calls, io_uring and libaio, files, memory.
    System,
    /// The block layer: what every disk driver shares.
    Block,
    /// The network layer: sockets, protocols, and what every network driver shares.
    Network,
    /// The driver of the device type: virtio_blk, rvirtio_blk.
    FrontEnd,
    /// Virtqueues.
    Ring,
    /// virtio-pci: doorbells, interrupt handlers.
    Transport,
    /// What a driver calls: scatter lists, DMA mapping, C helpers of Rust code.
    Helpers,
    /// kmalloc, kfree and the clearing of memory.
    Allocator,
    /// Pages of receive buffers.
    PagePool,
    /// Entry to interrupts and their dispatch.
    Interrupt,
    /// Clock, timers, scheduler and idle loop. Grows with the time that the guest takes, so with the
    /// load of the host.
    Time,
}

/// Kernel code of disks, from the device's driver up to the program: the order of columns, and of bars from
/// bottom to top.
pub const LAYERS: [Layer; 9] = [
    Layer::FrontEnd,
    Layer::Ring,
    Layer::Transport,
    Layer::Helpers,
    Layer::Allocator,
    Layer::Interrupt,
    Layer::Block,
    Layer::System,
    Layer::Time,
];

/// What the driver costs: it and everything that is there for its sake.
pub const DRIVER: [Layer; 6] =
    [Layer::FrontEnd, Layer::Ring, Layer::Transport, Layer::Helpers, Layer::Allocator, Layer::PagePool];

/// Beginnings of names of the kernel's own functions, between spaces; the first layer with a match wins.
const KERNEL: [(Layer, &str); 10] = [
    // Of socket buffers, though they begin as the allocator does.
    (Layer::Network, "kmalloc_reserve kfree_skb"),
    (Layer::PagePool, "page_pool_ __page_pool_ napi_pp_put_page"),
    (
        Layer::Ring,
        "virtqueue_ __virtqueue_ vring_ detach_buf_ detach_indirect_ alloc_indirect_ \
         more_used is_used_desc_ virtio_break virtio_max_dma_size update_last_used_idx_",
    ),
    (Layer::Transport, "vp_ virtio_pci_ iowrite ioread"),
    (
        Layer::Helpers,
        "sg_ __sg_ skb_to_sgvec __skb_to_sgvec __blk_rq_map_sg blk_rq_map_sg blk_map_iter blk_rq_dma_map rust_helper_ \
         dma_ iommu_",
    ),
    (
        Layer::Allocator,
        // Not kmem_cache_alloc and its like: no driver here calls them, but much else does.
        "__kmalloc kmalloc __kvmalloc kfree kvfree krealloc mempool_ memset __memset",
    ),
    (
        Layer::Time,
        "__update_load_avg update_curr update_load update_rq update_cfs update_process update_wall \
         update_vsyscall update_se update_fast update_blocked update_sd update_group __schedule schedule sched_ try_to_wake_up ttwu_ wake_up \
         __wake_up psi_ tick_ hrtimer __hrtimer ktime_ timekeeping_ __timekeeping \
         clockevents_ lapic_ native_sched_clock local_clock run_timer __run_timer timer_ \
         timerqueue task_tick enqueue_ dequeue_ __enqueue __dequeue pick_ put_prev set_next \
         vruntime avg_vruntime __switch_to finish_task_switch rcu_sched rcu_note rcu_core \
         rcu_do_batch rcu_segcblist rcu_gp note_gp resched __resched do_idle cpuidle \
         default_idle pv_native_safe_halt nohz account_ calc_ perf_event_task raise_softirq \
         __raise_softirq wakeup_preempt rb_ __rb_ dl_ arch_cpu_idle cpu_startup menu_ \
         call_cpuidle read_hpet read_tsc __delayacct cputime_ thread_group_cputime \
         sync_regs_idle switch_mm",
    ),
    (
        Layer::Interrupt,
        "asm_common_interrupt asm_sysvec asm_exc common_interrupt __common_interrupt call_irq \
         sysvec __sysvec irq_ __irq handle_edge handle_fasteoi handle_irq __handle_irq irqentry apic_ native_apic \
         native_x2apic x2apic error_entry error_return handle_softirqs __do_softirq \
         do_softirq msi_ pci_msi swapgs_restore sync_regs fixup_bad_iret",
    ),
    (
        Layer::Block,
        "blk_ __blk_ bio_ __bio_ blkdev_ submit_bio __submit_bio sbitmap_ __sbitmap bdev_ \
         disk_ part_ elv_ dd_ rq_qos __rq_qos blkcg_ bvec_ scsi_ __scsi",
    ),
    (
        Layer::Network,
        "tcp_ __tcp_ udp_ __udp_ icmp_ ping_ raw_ ip_ __ip_ ip4_ inet_ __inet_ fib_ arp_ neigh_ __neigh_ \
         eth_ skb_ __skb_ sk_ __sk_ sock_ __sock_ alloc_skb __alloc_skb napi_ __napi_ net_ __net_ netif_ \
         __netif_ dev_ __dev_ gro_ inet_gro qdisc_ __qdisc_ pfifo_ sch_ fq_ validate_xmit ipv4_ rt_ dst_ \
         nf_ consume_skb build_skb csum_ __sys_send __sys_recv lock_sock release_sock \
         process_backlog security_sock",
    ),
];

/// Modules that are drivers, and their layer.
const MODULES: [(&str, Layer); 13] = [
    ("virtio_blk", Layer::FrontEnd),
    ("virtio_scsi", Layer::FrontEnd),
    ("virtio_net", Layer::FrontEnd),
    ("net_failover", Layer::FrontEnd),
    ("e1000", Layer::FrontEnd),
    ("virtio_ring", Layer::Ring),
    ("virtio", Layer::Ring),
    ("virtio_pci", Layer::Transport),
    ("rvirtio_pci", Layer::Transport),
    ("sd_mod", Layer::FrontEnd),
    ("libata", Layer::Transport),
    ("libahci", Layer::Transport),
    ("ata_piix", Layer::Transport),
];

impl Layer {
    /// Of a function by its (demangled) name and its module.
    pub fn of(name: &str, module: Option<&str>) -> Self {
        match module {
            Some(module) if module.starts_with("rvirtio") => ours(name, module),
            Some(module) => MODULES
                .iter()
                .find(|(known, _)| *known == module)
                .map_or_else(|| of_kernel(name), |(_, layer)| *layer),
            None => of_kernel(name),
        }
    }

    /// For tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::User => "user program",
            Self::System => "system calls, files, memory",
            Self::Block => "block layer",
            Self::Network => "network layer",
            Self::FrontEnd => "front end",
            Self::Ring => "ring",
            Self::Transport => "transport",
            Self::Helpers => "helpers (scatter lists, DMA)",
            Self::Allocator => "allocator",
            Self::PagePool => "page pool",
            Self::Interrupt => "interrupt entry",
            Self::Time => "clock, scheduler, idle",
        }
    }
}

fn of_kernel(name: &str) -> Layer {
    let starts = |beginnings: &str| beginnings.split(' ').any(|beginning| name.starts_with(beginning));
    KERNEL.iter().find(|(_, names)| starts(names)).map_or(Layer::System, |(layer, _)| *layer)
}

/// Generic code of core is compiled into the front ends' modules: the path of the function tells.
fn ours(name: &str, module: &str) -> Layer {
    let path = name.trim_start_matches(['<', '&', '(']);
    let within = |paths: &[&str]| paths.iter().any(|start| path.starts_with(start));
    if within(&[
        "rvirtio::ring",
        "rvirtio::virtqueue",
        "rvirtio::spec::ring",
        "rvirtio::mem",
        "rvirtio_helper_virt_",
    ]) {
        Layer::Ring
    } else if within(&["rvirtio::irq", "rvirtio::notify", "rvirtio_pci"]) || module == "rvirtio_pci" {
        Layer::Transport
    } else if within(&["rvirtio_helper_"]) {
        Layer::Helpers
    } else if within(&["core::", "alloc::", "kernel::"]) && path.contains("rvirtio::ring") {
        // An iterator or closure of the ring.
        Layer::Ring
    } else if module == "rvirtio" {
        Layer::Ring
    } else {
        Layer::FrontEnd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_tree_drivers() {
        assert_eq!(Layer::of("virtqueue_add_split", None), Layer::Ring);
        assert_eq!(Layer::of("vp_notify", None), Layer::Transport);
        assert_eq!(Layer::of("virtio_queue_rq", Some("virtio_blk")), Layer::FrontEnd);
        assert_eq!(Layer::of("__kmalloc_noprof", None), Layer::Allocator);
        assert_eq!(Layer::of("kmalloc_reserve", None), Layer::Network, "the stack's memory");
        assert_eq!(
            Layer::of("__blk_rq_map_sg", None),
            Layer::Helpers,
            "though it begins as block layer does"
        );
        assert_eq!(Layer::of("blk_mq_submit_bio", None), Layer::Block);
        assert_eq!(Layer::of("io_submit_sqes", None), Layer::System);
        assert_eq!(Layer::of("ext4_file_read_iter", Some("ext4")), Layer::System);
    }

    #[test]
    fn generic_code_of_core_in_a_front_end_is_not_the_front_end() {
        let blk = Some("rvirtio_blk");
        let add = "<rvirtio::virtqueue::Virtqueue<blk_mq::request::Request<rvirtio_blk::queue::Ops>>>::add";
        let handler = "<rvirtio_blk::queue::HwQueue as rvirtio::irq::VqHandler>::interrupt";
        assert_eq!(Layer::of(add, blk), Layer::Ring);
        assert_eq!(Layer::of(handler, blk), Layer::FrontEnd);
        assert_eq!(
            Layer::of("rvirtio::irq::request_queue::hard::<rvirtio_blk::queue::HwQueue>", blk),
            Layer::Transport
        );
        assert_eq!(Layer::of("rvirtio_helper_page_to_phys", blk), Layer::Helpers);
    }
}
