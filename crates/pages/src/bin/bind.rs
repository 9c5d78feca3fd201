//! Turns a WebAssembly module into a script: `bind MODULE.wasm SCRIPT.js`. Prints the size of the module.
//!
//! A page with a `file:` address may not fetch another file. So the script contains the module, compressed with gzip
//! and encoded as base64. This also works with servers that do not know the type of `.wasm` files.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::PathBuf;
use wasm_bindgen_cli_support::Bindgen;

/// The most bytes of a compressed module.
const SIZE_MAX: usize = 100 * 1_024;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(module), Some(script), None) = (args.next(), args.next(), args.next()) else {
        anyhow::bail!("usage: bind MODULE.wasm SCRIPT.js");
    };
    let name = module.file_stem().and_then(|name| name.to_str()).context("a module without a name")?;
    let mut output = Bindgen::new()
        .input_path(&module)
        .no_modules(true)?
        .no_modules_global("bindings")?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| module.display().to_string())?;
    let wasm = output.wasm_mut().emit_wasm();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&wasm)?;
    let compressed = encoder.finish()?;
    let text = format!(
        "// The module `{name}` of the crate `live`. `cargo xtask book` wrote this file.\n\
         (() => {{\n{}\n\
         (globalThis.redcoreModules ??= {{}}).{name} = {{\n    bindings,\n    size: {},\n    gzip: \"{}\",\n}};\n}})();\n",
        output.js(),
        compressed.len(),
        base64::prelude::BASE64_STANDARD.encode(&compressed),
    );
    ensure!(compressed.len() <= SIZE_MAX, "the compressed module has more than {SIZE_MAX} bytes");
    std::fs::write(&script, text).with_context(|| script.display().to_string())?;
    println!("{name}: {} bytes, {} compressed", wasm.len(), compressed.len());
    Ok(())
}
