//! Whether the allocator counts for this thread: one byte a thread, asked before every call.
//!
//! A `thread_local!` of a library is read by a sequence that stands for a function call, since the library may be
//! loaded late. Where it ends up in a program the linker shortens the sequence, but the compiler has by then
//! saved every register that a call may destroy, which costs more than the rest of an accounted call. So over jemalloc on x86-64
//! Linux the byte is defined in assembly and addressed from the thread pointer by an offset that the loader fills in (the
//! *initial-exec* model, which jemalloc itself uses for its thread data): two instructions and one register.
//!
//! A plug-in that is loaded late may find no room for such a byte. jemalloc's thread data then finds none either, unless it is
//! built with the feature `disable_initial_exec_tls`. The feature of the same name here changes both.
//!
//! Functions that ask are not inlined into other crates ([`by_allocator`] stays inside this one), because a dynamic
//! library of Rust code does not export what assembly defines.

#[cfg(zmalloc_initial_exec)]
mod imp {
    use core::arch::{asm, global_asm};

    // The version is part of the name: two versions of this crate may be in one program. (One version from two sources may
    // not.)
    macro_rules! symbol {
        () => {
            concat!("zmalloc_", env!("CARGO_PKG_VERSION"), "_by_allocator")
        };
    }

    global_asm!(
        ".pushsection .tbss.zmalloc_by_allocator,\"awT\",@nobits",
        concat!(".globl \"", symbol!(), "\""),
        concat!(".hidden \"", symbol!(), "\""),
        concat!(".type \"", symbol!(), "\",@object"),
        concat!(".size \"", symbol!(), "\",1"),
        concat!("\"", symbol!(), "\":"),
        ".zero 1",
        ".popsection",
    );

    #[inline(always)]
    pub(crate) fn get() -> bool {
        // SAFETY: reads the calling thread's byte, which is there as long as the thread.
        unsafe {
            asm!(
                concat!("mov {offset:r}, qword ptr [rip + \"", symbol!(), "\"@GOTTPOFF]"),
                "cmp byte ptr fs:[{offset:r}], 0",
                "je {not_set}",
                offset = out(reg) _,
                not_set = label { return false },
                options(nostack, readonly),
            );
        }
        true
    }

    pub(crate) fn set(flag: bool) {
        // SAFETY: writes the calling thread's byte, which nothing refers to.
        unsafe {
            asm!(
                concat!("mov {offset:r}, qword ptr [rip + \"", symbol!(), "\"@GOTTPOFF]"),
                "mov byte ptr fs:[{offset:r}], {flag}",
                offset = out(reg) _,
                flag = in(reg_byte) u8::from(flag),
                options(nostack, preserves_flags),
            );
        }
    }
}

#[cfg(not(zmalloc_initial_exec))]
mod imp {
    use core::cell::Cell;

    std::thread_local! {
        static BY_ALLOCATOR: Cell<bool> = const { Cell::new(false) };
    }

    #[inline(always)]
    pub(crate) fn get() -> bool {
        BY_ALLOCATOR.get()
    }

    pub(crate) fn set(flag: bool) {
        BY_ALLOCATOR.set(flag);
    }
}

pub(crate) use imp::{get as by_allocator, set as set_by_allocator};
