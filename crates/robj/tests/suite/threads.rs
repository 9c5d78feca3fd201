//! Tests of references on several threads.

use robj::{Encoding, Robj};
use sds::Sds;
use std::thread;

const ROUNDS: usize = if cfg!(miri) { 40 } else { 200_000 };
/// The number of threads that are started, one after another.
const THREADS: usize = if cfg!(miri) { 10 } else { 10_000 };

#[test]
fn two_threads_count_one_object() {
    let object = Robj::from("held by two");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut held = Vec::new();
                for round in 0..ROUNDS {
                    held.push(object.clone());
                    if round % 7 == 6 {
                        held.clear();
                    }
                    object.touch(round as u64);
                }
            });
        }
    });
    assert_eq!(object.refcount(), 1);
    assert_eq!(object.encoding(), Encoding::EmbStr);
    assert_eq!(&*object.as_string().unwrap(), b"held by two");
}

#[test]
fn whichever_thread_is_last_frees() {
    for _ in 0..THREADS {
        let object = Robj::raw(Sds::from("moved to another thread"));
        let other = object.clone();
        let reader = thread::spawn(move || other.as_string().unwrap().len());
        drop(object);
        assert_eq!(reader.join().unwrap(), 23);
    }
}

/// The writer may write as soon as the reader's reference is gone, and not before. Under Miri a missing
/// acquire would be a data race here.
#[test]
fn a_writer_waits_for_the_last_reader() {
    for _ in 0..THREADS {
        let mut object = Robj::raw(Sds::from("0"));
        let other = object.clone();
        let reader = thread::spawn(move || {
            let text = other.as_string().unwrap().to_vec();
            drop(other);
            text
        });
        loop {
            if let Some(string) = object.get_mut() {
                string.push_bytes(b"1");
                break;
            }
            thread::yield_now();
        }
        assert_eq!(reader.join().unwrap(), b"0");
        assert_eq!(&*object.as_string().unwrap(), b"01");
    }
}

#[test]
fn shared_integers_are_passed_around_without_a_trace() {
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for value in 0..ROUNDS as i64 {
                    let object = Robj::from(value % 100);
                    let copy = object.clone();
                    assert_eq!(copy.as_i64(), Some(value % 100));
                }
            });
        }
    });
}
