// SPDX-License-Identifier: Apache-2.0
//! The wasmtime peer: guests on its async support, each a task of Tokio's current_thread runtime.
//! bench/peers/README.md says what each benchmark does.
//!
//! The guests that yield and call are those of bench/guests, which run for ever; their host
//! functions count. Fuel is metered and an epoch would do the same: a host that lets untrusted
//! guests take turns has one on. Those that are made and end come from the pooling allocator, which
//! keeps memories and stacks for the next; of WASI they get what a hello calls, and what they print
//! goes to /dev/null, as with weft.

#[path = "../../measure.rs"]
mod measure;

use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use measure::Sample;
use wasmtime::{
    bail, Caller, Config, Engine, InstanceAllocationStrategy, Linker, Module,
    PoolingAllocationConfig, Result, Store,
};

const VERSION: &str = "wasmtime 48.0.8, async with fuel, on Tokio 1.54.1 current_thread";
const YIELDS: &str = include_str!("../../../../guests/yields.wat");
const CALLS: &str = include_str!("../../../../guests/calls.wat");
const EMPTY: &str = include_str!("../../../../guests/empty.wat");
const FUEL_PER_TURN: u64 = 10_000_000;

thread_local! {
    static TURNS: Cell<u64> = const { Cell::new(0) };
    static HOST_CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count(counter: &'static std::thread::LocalKey<Cell<u64>>) {
    counter.with(|c| c.set(c.get() + 1));
}

fn read(counter: &'static std::thread::LocalKey<Cell<u64>>) -> u64 {
    counter.with(Cell::get)
}

fn linker(engine: &Engine) -> Result<Linker<()>> {
    let mut linker = Linker::new(engine);
    linker.func_wrap_async("wasi_snapshot_preview1", "sched_yield", |_: Caller<'_, ()>, ()| {
        Box::new(async {
            count(&TURNS);
            tokio::task::yield_now().await;
            0_i32
        })
    })?;
    linker.func_wrap(
        "wasi_snapshot_preview1",
        "args_sizes_get",
        |mut caller: Caller<'_, ()>, count_at: i32, bytes_at: i32| -> i32 {
            count(&HOST_CALLS);
            let Some(memory) = caller.get_export("memory").and_then(|e| e.into_memory()) else {
                return 21;
            };
            let written = memory
                .write(&mut caller, count_at as usize, &1_u32.to_le_bytes())
                .and_then(|()| memory.write(&mut caller, bytes_at as usize, &6_u32.to_le_bytes()));
            if written.is_ok() { 0 } else { 21 }
        },
    )?;
    Ok(linker)
}

/// Starts the guests, lets them run for about so long, and returns what `counter` counted.
async fn run_guests(
    text: &str,
    guests: u64,
    milliseconds: f64,
    counter: &'static std::thread::LocalKey<Cell<u64>>,
) -> Result<Sample> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config)?;
    let module = Module::new(&engine, text)?;
    let linker = linker(&engine)?;
    let mut tasks = Vec::new();
    for _ in 0..guests {
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX)?;
        store.fuel_async_yield_interval(Some(FUEL_PER_TURN))?;
        let instance = linker.instantiate_async(&mut store, &module).await?;
        let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
        tasks.push(tokio::spawn(async move { start.call_async(&mut store, ()).await }));
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    let before = read(counter);
    let start = Instant::now();
    tokio::time::sleep(Duration::from_secs_f64(milliseconds / 1e3)).await;
    let made = read(counter) - before;
    let sample = Sample::ns(start, made, made);
    for task in tasks {
        task.abort();
    }
    Ok(sample)
}

/// A guest that calls proc_exit ends with its code.
#[derive(Debug)]
struct Exited(i32);

impl std::fmt::Display for Exited {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "exit code {}", self.0)
    }
}

impl std::error::Error for Exited {}

/// Where guests print: one file for all, as weft's guests have one.
type Output = &'static File;

/// Writes what the vectors of a guest hold, as fd_write does. None: they are not in its memory.
fn write_vectors(
    caller: &mut Caller<'_, Output>,
    vectors_at: i32,
    vectors: i32,
    written_at: i32,
) -> Option<()> {
    let memory = caller.get_export("memory")?.into_memory()?;
    let (bytes, mut file) = memory.data_and_store_mut(&mut *caller);
    let word = |at: usize| -> Option<usize> {
        Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
    };
    let mut written = 0;
    for i in 0..vectors as usize {
        let vector = vectors_at as usize + 8 * i;
        let (at, size) = (word(vector)?, word(vector + 4)?);
        file.write_all(bytes.get(at..at.checked_add(size)?)?).ok()?;
        written += size as u32;
    }
    memory.write(caller, written_at as usize, &written.to_le_bytes()).ok()
}

/// What tests/guests/c/hello.c calls.
fn hello_linker(engine: &Engine) -> Result<Linker<Output>> {
    const WASI: &str = "wasi_snapshot_preview1";
    const BAD_FD: i32 = 8;
    const FAULT: i32 = 21;
    const NOT_SEEKABLE: i32 = 70;
    let mut linker = Linker::new(engine);
    linker.func_wrap(WASI, "fd_close", |_: Caller<'_, Output>, _: i32| BAD_FD)?;
    linker.func_wrap(WASI, "fd_seek", |_: Caller<'_, Output>, _: i32, _: i64, _: i32, _: i32| {
        NOT_SEEKABLE
    })?;
    linker.func_wrap(WASI, "fd_fdstat_get", |mut caller: Caller<'_, Output>, _: i32, at: i32| {
        let mut stat = [0_u8; 24];
        stat[0] = 2; // A character device ...
        stat[8] = 0x40; // ... that can be written.
        let memory = caller.get_export("memory").and_then(|e| e.into_memory());
        match memory.map(|m| m.write(&mut caller, at as usize, &stat)) {
            Some(Ok(())) => 0,
            _ => FAULT,
        }
    })?;
    linker.func_wrap(
        WASI,
        "fd_write",
        |mut caller: Caller<'_, Output>, _: i32, vectors_at: i32, vectors: i32, written_at: i32| {
            write_vectors(&mut caller, vectors_at, vectors, written_at).map_or(FAULT, |()| 0)
        },
    )?;
    linker.func_wrap(WASI, "proc_exit", |_: Caller<'_, Output>, code: i32| -> Result<()> {
        Err(Exited(code).into())
    })?;
    Ok(linker)
}

/// Makes guests, runs each to its end, and gives them back, one after the other.
async fn make_guests(hello: Option<Vec<u8>>, milliseconds: f64) -> Result<Sample> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(10).total_tables(10).total_stacks(10).total_core_instances(10);
    let mut config = Config::new();
    config.consume_fuel(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config)?;
    let module = match &hello {
        Some(bytes) => Module::new(&engine, bytes)?,
        None => Module::new(&engine, EMPTY)?,
    };
    let before = hello_linker(&engine)?.instantiate_pre(&module)?;
    let null: Output = Box::leak(Box::new(File::options().write(true).open("/dev/null")?));
    let length = Duration::from_secs_f64(milliseconds / 1e3);
    let (start, mut made) = (Instant::now(), 0);
    while start.elapsed() < length {
        for _ in 0..100 {
            let mut store = Store::new(&engine, null);
            store.set_fuel(u64::MAX)?;
            store.fuel_async_yield_interval(Some(FUEL_PER_TURN))?;
            let instance = before.instantiate_async(&mut store).await?;
            let run = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            if let Err(error) = run.call_async(&mut store, ()).await {
                match error.downcast_ref::<Exited>() {
                    Some(Exited(0)) => {}
                    _ => bail!("the guest failed: {error:?}"),
                }
            }
            made += 1;
        }
    }
    Ok(Sample::ns(start, made, made))
}

/// The hello in C, from where scripts/build_guests.py leaves it.
fn hello_path() -> PathBuf {
    let folder = std::env::var_os("WEFT_GUESTS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../build/guests")),
        PathBuf::from,
    );
    folder.join("c_hello.wasm")
}

fn main() -> Result<()> {
    let names = [
        "guest/yield/2",
        "guest/yield/1000",
        "guest/host_call",
        "guest/instance/empty",
        "guest/instance/c",
    ];
    let Some((name, milliseconds)) = measure::arguments() else {
        measure::print_list("wasmtime", VERSION, &names.map(String::from));
        return Ok(());
    };
    if !names.contains(&name.as_str()) {
        measure::unknown(&name);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let sample = runtime.block_on(async {
        tokio::spawn(async move {
            match name.as_str() {
                "guest/yield/2" => run_guests(YIELDS, 2, milliseconds, &TURNS).await,
                "guest/yield/1000" => run_guests(YIELDS, 1_000, milliseconds, &TURNS).await,
                "guest/instance/empty" => make_guests(None, milliseconds).await,
                "guest/instance/c" => {
                    make_guests(Some(std::fs::read(hello_path())?), milliseconds).await
                }
                _ => run_guests(CALLS, 1, milliseconds, &HOST_CALLS).await,
            }
            .map(|sample| (name, sample))
        })
        .await
        .expect("the measuring task")
    })?;
    sample.1.print(&sample.0);
    // Guests that run for ever are not waited for.
    std::process::exit(0);
}
