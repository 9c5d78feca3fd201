//! Transfers dump files and payloads to and from the servers on `PATH`. The test does not run without a
//! server.

use conformance::files::round_trip;
use conformance::process::servers_on_path;

#[test]
fn data_of_all_types_and_encodings_go_to_a_real_server_and_come_back() {
    for program in servers_on_path() {
        match round_trip(program.as_ref()) {
            Ok(Some(done)) => {
                println!("{done}");
                assert!(done.keys > 300 && done.payloads >= done.keys && !done.written_versions.is_empty());
            }
            Ok(None) => eprintln!("!! NOT RUN: {program} is too old, it has to be 7.0 or newer"),
            Err(error) => panic!("{error:#}"),
        }
    }
}
