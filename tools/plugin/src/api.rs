// SPDX-License-Identifier: GPL-2.0

//! The part of QEMU's plugin interface, version 7 (QEMU 11.1), that is used here.
//!
//! QEMU exports these functions to the plugins that it loads; documentation comes with
//! `qemu-plugin.h`. Only what is declared here is unsafe foreign code; the wrappers at the end
//! are what the rest of the plugin calls.

use std::ffi::{c_int, c_uint, c_void};

/// The interface that this plugin is written for.
pub const VERSION: c_int = 7;

/// Names this plugin to QEMU.
pub type Id = u64;

/// A translation block while it is being translated.
#[repr(C)]
pub struct RawBlock([u8; 0]);

/// One instruction of a [`RawBlock`].
#[repr(C)]
pub struct RawInstruction([u8; 0]);

#[repr(C)]
struct RawScoreboard([u8; 0]);

#[repr(C)]
struct RawHwaddr([u8; 0]);

/// One 64-bit counter per virtual CPU.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Counter {
    board: *mut RawScoreboard,
    offset: usize,
}

// SAFETY: A scoreboard is memory of QEMU's that is never freed here and that QEMU reads and writes
// from any thread; the pointer itself is only handed back to QEMU.
unsafe impl Send for Counter {}

/// `QEMU_PLUGIN_CB_NO_REGS`: a callback looks at no CPU register.
const NO_REGISTERS: c_int = 0;
/// `QEMU_PLUGIN_INLINE_ADD_U64`.
const ADD: c_int = 0;
/// `QEMU_PLUGIN_MEM_RW`.
const READS_AND_WRITES: c_int = 3;

pub type BlockCallback = extern "C" fn(block: *mut RawBlock, userdata: *mut c_void);
pub type ExecCallback = extern "C" fn(cpu: c_uint, userdata: *mut c_void);
pub type MemoryCallback = extern "C" fn(cpu: c_uint, info: u32, address: u64, userdata: *mut c_void);
pub type Callback = extern "C" fn(userdata: *mut c_void);

unsafe extern "C" {
    fn qemu_plugin_register_vcpu_tb_trans_cb(id: Id, callback: BlockCallback, userdata: *mut c_void);
    fn qemu_plugin_register_atexit_cb(id: Id, callback: Callback, userdata: *mut c_void);
    fn qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(
        block: *mut RawBlock,
        operation: c_int,
        counter: Counter,
        immediate: u64,
    );
    fn qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
        instruction: *mut RawInstruction,
        operation: c_int,
        counter: Counter,
        immediate: u64,
    );
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut RawInstruction,
        callback: ExecCallback,
        flags: c_int,
        userdata: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_mem_cb(
        instruction: *mut RawInstruction,
        callback: MemoryCallback,
        flags: c_int,
        direction: c_int,
        userdata: *mut c_void,
    );
    fn qemu_plugin_tb_n_insns(block: *const RawBlock) -> usize;
    fn qemu_plugin_tb_vaddr(block: *const RawBlock) -> u64;
    fn qemu_plugin_tb_get_insn(block: *const RawBlock, index: usize) -> *mut RawInstruction;
    fn qemu_plugin_insn_data(instruction: *const RawInstruction, to: *mut c_void, len: usize) -> usize;
    fn qemu_plugin_insn_vaddr(instruction: *const RawInstruction) -> u64;
    fn qemu_plugin_get_hwaddr(info: u32, address: u64) -> *mut RawHwaddr;
    fn qemu_plugin_hwaddr_is_io(hwaddr: *const RawHwaddr) -> bool;
    fn qemu_plugin_hwaddr_phys_addr(hwaddr: *const RawHwaddr) -> u64;
    fn qemu_plugin_mem_is_store(info: u32) -> bool;
    fn qemu_plugin_scoreboard_new(element_size: usize) -> *mut RawScoreboard;
    fn qemu_plugin_u64_sum(counter: Counter) -> u64;
}

/// Has `translated` called for each block that is translated and `at_exit` when QEMU ends.
///
/// # Safety
///
/// `userdata` stays valid, for any thread, until the process ends.
pub unsafe fn register(id: Id, translated: BlockCallback, at_exit: Callback, userdata: *mut c_void) {
    // SAFETY: The callbacks have the types of version 7; the caller vouches for `userdata`.
    unsafe {
        qemu_plugin_register_vcpu_tb_trans_cb(id, translated, userdata);
        qemu_plugin_register_atexit_cb(id, at_exit, userdata);
    }
}

/// `count` counters, all zero. They are never freed.
pub fn counters(count: usize) -> impl Iterator<Item = Counter> {
    // SAFETY: A scoreboard of any element size may be made at any time after the plugin was loaded.
    let board = unsafe { qemu_plugin_scoreboard_new(count * size_of::<u64>()) };
    (0..count).map(move |index| Counter { board, offset: index * size_of::<u64>() })
}

impl Counter {
    /// Sum over all virtual CPUs. The others may be counting meanwhile.
    pub fn sum(self) -> u64 {
        // SAFETY: `self` lies within a scoreboard that `counters` made.
        unsafe { qemu_plugin_u64_sum(self) }
    }
}

/// A block of guest code, in the callback that gives it.
pub struct Block(*mut RawBlock);

impl Block {
    /// # Safety
    ///
    /// `raw` is what QEMU gave to a [`BlockCallback`], and that callback has not returned.
    pub unsafe fn new(raw: *mut RawBlock) -> Self {
        Self(raw)
    }

    /// Guest virtual address of its first instruction.
    pub fn address(&self) -> u64 {
        // SAFETY: The block is being translated, see `new`.
        unsafe { qemu_plugin_tb_vaddr(self.0) }
    }

    /// Number of instructions.
    pub fn len(&self) -> usize {
        // SAFETY: As in `address`.
        unsafe { qemu_plugin_tb_n_insns(self.0) }
    }

    pub fn instructions(&self) -> impl Iterator<Item = Instruction> + '_ {
        // SAFETY: As in `address`; the index is below the number of instructions.
        (0..self.len()).map(|index| Instruction(unsafe { qemu_plugin_tb_get_insn(self.0, index) }))
    }

    /// Adds 1 to `counter` whenever the block is entered.
    pub fn count(&self, counter: Counter) {
        // SAFETY: As in `address`; the counter is never freed.
        unsafe { qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(self.0, ADD, counter, 1) }
    }
}

/// An instruction of a [`Block`].
pub struct Instruction(*mut RawInstruction);

/// Length of the longest x86 instruction, in bytes.
const LONGEST: usize = 15;

impl Instruction {
    /// Calls `visit` with its machine code.
    pub fn with_code<R>(&self, visit: impl FnOnce(&[u8]) -> R) -> R {
        let mut code = [0; LONGEST];
        // SAFETY: The instruction belongs to the block that is being translated; at most as many
        // bytes are written as there is room for.
        let len = unsafe { qemu_plugin_insn_data(self.0, code.as_mut_ptr().cast(), LONGEST) };
        visit(&code[..len.min(LONGEST)])
    }

    /// Guest virtual address.
    pub fn address(&self) -> u64 {
        // SAFETY: As above.
        unsafe { qemu_plugin_insn_vaddr(self.0) }
    }

    /// Adds 1 to `counter` whenever it is executed.
    pub fn count(&self, counter: Counter) {
        // SAFETY: As above; the counter is never freed.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(self.0, ADD, counter, 1) }
    }

    /// Has `callback` called whenever it is executed.
    ///
    /// # Safety
    ///
    /// As for [`register`].
    pub unsafe fn on_execution(&self, callback: ExecCallback, userdata: *mut c_void) {
        // SAFETY: As above, and see the caller's part.
        unsafe { qemu_plugin_register_vcpu_insn_exec_cb(self.0, callback, NO_REGISTERS, userdata) }
    }

    /// Has `callback` called for each of its memory accesses.
    ///
    /// # Safety
    ///
    /// As for [`register`].
    pub unsafe fn on_access(&self, callback: MemoryCallback, userdata: *mut c_void) {
        // SAFETY: As above, and see the caller's part.
        unsafe {
            qemu_plugin_register_vcpu_mem_cb(self.0, callback, NO_REGISTERS, READS_AND_WRITES, userdata);
        }
    }
}

/// An access to a device: its guest physical address, and whether it was a write.
///
/// # Safety
///
/// To be called from a [`MemoryCallback`] with what that was given.
pub unsafe fn device_access(info: u32, address: u64) -> Option<(u64, bool)> {
    // SAFETY: The address is looked up in the running virtual CPU's translation, where the access
    // has just put it; the result is valid within the callback, and null is checked for.
    unsafe {
        let hwaddr = qemu_plugin_get_hwaddr(info, address);
        if hwaddr.is_null() || !qemu_plugin_hwaddr_is_io(hwaddr) {
            return None;
        }
        Some((qemu_plugin_hwaddr_phys_addr(hwaddr), qemu_plugin_mem_is_store(info)))
    }
}
