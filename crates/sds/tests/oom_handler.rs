//! The plain forms of operations (those that call the out-of-memory handler), under a handler that unwinds.
//! The test is a program of its own, because the handler belongs to the process.

#[path = "suite/common.rs"]
#[allow(dead_code, reason = "the suite uses the rest")]
mod common;

use bytes::BufMut;
use common::{check, sample};
use sds::Sds;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zmalloc::fault;

/// A server may set a handler that unwinds, so that it can serve the next request.
#[test]
fn a_handler_that_unwinds_finds_the_string_as_it_was() {
    struct OutOfMemory;
    type Operation = (&'static str, fn(&mut Sds));
    let operations: [Operation; 13] = [
        ("push", |s| s.push(b'x')),
        ("push_bytes", |s| s.push_bytes(&sample(300))),
        ("assign", |s| s.assign(&sample(90_000))),
        ("grow_zero", |s| s.grow_zero(90_000)),
        ("make_room_for", |s| s.make_room_for(1000)),
        ("resize", |s| s.resize(100_000)),
        ("push_repr", |s| s.push_repr(&sample(100))),
        ("push_i64", |s| s.push_i64(i64::MIN)),
        ("push_f64", |s| s.push_f64(0.1)),
        ("write_str", |s| std::fmt::Write::write_str(s, "a text that does not fit").unwrap()),
        ("write_fmt", |s| std::fmt::Write::write_fmt(s, format_args!("{:>50}", 1)).unwrap()),
        ("extend", |s| s.extend(sample(100))),
        ("put_bytes", |s| s.put_bytes(0, 5000)),
    ];
    zmalloc::set_oom_handler(|_| std::panic::resume_unwind(Box::new(OutOfMemory)));
    for (name, run) in operations {
        for capacity in [20, 250, 70_000] {
            // The string is full, so that every append has to allocate.
            let mut s = Sds::with_capacity(capacity);
            s.push_bytes(&sample(s.capacity()));
            let before = s.to_vec();
            let plan = fault::fail_nth(1);
            let unwound = catch_unwind(AssertUnwindSafe(|| run(&mut s)));
            drop(plan);
            assert!(unwound.is_err_and(|cause| cause.is::<OutOfMemory>()), "{name} did not fail");
            // Operations that format or iterate may have appended the bytes that fitted.
            assert!(s.starts_with(&before), "{name}");
            if !["write_fmt", "extend"].contains(&name) {
                check(&s, &before);
            }
            assert_eq!(s.as_bytes_with_nul().last(), Some(&0));
        }
    }
}
