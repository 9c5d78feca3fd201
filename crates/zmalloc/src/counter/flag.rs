//! One thread-local byte: whether the allocator counts for this thread. Every allocation and every free reads
//! it first.
//!
//! The simple version is a `thread_local!`, and it is the second `imp` below. The fast version is the first
//! `imp`, for jemalloc on x86-64 Linux. They differ as follows:
//!
//! 1. **Access.** A library may be loaded late, so the compiler reads a library's `thread_local!` by a
//!    sequence that stands for a function call. The linker can shorten the sequence in a program. By then the
//!    compiler has already saved every register that a call may destroy. This costs more than all other work
//!    of this crate in a call. The fast version defines the byte in assembly and addresses it from the thread
//!    pointer, by an offset that the loader fills in. That takes two instructions and one register. The
//!    method is called the *initial-exec* model, and jemalloc uses it for its own thread data.
//! 2. **Plug-ins.** The loader reserves little static thread-local memory for libraries that are loaded late.
//!    Such a library may find no room for this byte. jemalloc's thread data then finds no room either, unless
//!    jemalloc is built with the feature `disable_initial_exec_tls`. This crate's feature of the same name
//!    changes both.
//! 3. **Inlining.** A dynamic library of Rust code does not export symbols that are defined in assembly. So
//!    functions that call [`by_allocator`] must not be inlined into other crates.

#[cfg(zmalloc_initial_exec)]
mod imp {
    use core::arch::{asm, global_asm};

    // The version is part of the name, because a program may contain two versions of this crate. One version
    // from two sources is not supported.
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
        // SAFETY: reads the calling thread's byte, which exists as long as the thread.
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
        // SAFETY: writes the calling thread's byte, to which no reference exists.
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
