//! Compiles the C half of the test `c_shim`, if that test is enabled.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "c-shim")]
    {
        println!("cargo:rerun-if-changed=tests/shim/shim.c");
        cc::Build::new().file("tests/shim/shim.c").compile("sds_shim");
    }
}
