//! Turns `schema/xeng/v1/*.proto` into Rust, and into the descriptor set that the reflection service shows; no `protoc` is needed.

use std::{env, fs, path::PathBuf};

const FILES: [&str; 8] = ["answer", "block", "dataset", "fragment", "gateway", "graph", "region", "store"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=schema");
    let files = FILES.map(|name| format!("schema/xeng/v1/{name}.proto"));
    let mut compiler = protox::Compiler::new(["schema"])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("xeng.v1.descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure().bytes(".xeng.v1").compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
