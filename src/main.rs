//! The `tidewatch` program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tidewatch::cli::{
    backup, bench, config, demo, export, import, inspect, keys, outbox, replay, sandbox, serve, verify,
    watch, why,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An actor-based, in-memory control tower for retail and distribution.
#[derive(Debug, Parser)]
#[command(name = "tidewatch", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Demo(demo::DemoArgs),
    Replay(replay::ReplayArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    Watch(watch::WatchArgs),
    Keys(keys::KeysCommand),
    Bench(bench::BenchArgs),
    Verify(verify::VerifyArgs),
    Inspect(inspect::InspectArgs),
    Sandbox(sandbox::SandboxArgs),
    Why(why::WhyArgs),
    Config(config::ConfigCommand),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Outbox(outbox::OutboxCommand),
}

/// How long memory that was freed stays with the program before the system gets it back.
///
/// A start frees what it read from and needs as much again at once, and under load the same happens all the time; memory
/// that comes back from the system has to be cleared first, which takes a second a gigabyte where a host has to find it.
/// With the allocator's own default of one second, a start with a million SKU-locations spent up to four more seconds of
/// processor time in the system. `MIMALLOC_PURGE_DELAY` in the environment overrides it.
const PURGE_DELAY_MS: std::ffi::c_long = 10_000;

/// `mi_option_purge_delay`, which the bindings have no name for.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

fn keep_freed_memory_for_a_while() {
    // SAFETY: the number is that of an option, and the call only stores the value.
    #[allow(unsafe_code, reason = "the allocator's options can be set in no other way from within")]
    unsafe {
        libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS);
    }
}

fn main() -> ExitCode {
    keep_freed_memory_for_a_while();
    match Arguments::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Keys(command) => keys::run(command),
        Command::Bench(args) => bench::run(args),
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Sandbox(args) => sandbox::run(args),
        Command::Config(command) => config::run(&command),
        Command::Backup(args) => backup::run_backup(&args),
        Command::Restore(args) => backup::run_restore(&args),
        Command::Outbox(command) => on_a_runtime(outbox::run(command)),
        Command::Demo(args) => on_a_runtime(demo::run(args)),
        Command::Import(args) => on_a_runtime(import::run(args)),
        Command::Export(args) => on_a_runtime(export::run(args)),
        Command::Why(args) => on_a_runtime(why::run(args)),
        Command::Replay(args) => on_a_runtime(replay::run(args)),
        Command::Watch(args) => on_a_runtime(async { Ok(watch::run(args).await) }),
    }
}

/// Runs a client command to its end.
fn on_a_runtime(command: impl Future<Output = miette::Result<ExitCode>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no threads for this command: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command) {
        Ok(code) => code,
        Err(report) => {
            eprintln!("{report:?}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn purge_delay() -> std::ffi::c_long {
        // SAFETY: the number is that of an option, and the call only reads it.
        #[allow(unsafe_code, reason = "nor can they be read")]
        unsafe {
            libmimalloc_sys::mi_option_get(PURGE_DELAY)
        }
    }

    #[test]
    fn it_is_the_purge_delay_that_is_set() {
        if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
            assert_eq!(purge_delay(), 1_000, "the default that mimalloc documents for it");
            keep_freed_memory_for_a_while();
            assert_eq!(purge_delay(), PURGE_DELAY_MS);
        }
    }
}
