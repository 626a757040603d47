// SPDX-License-Identifier: Apache-2.0
//! The wasmtime peer: guests on its async support, each a task of Tokio's current_thread runtime.
//! bench/peers/README.md says what each benchmark does.
//!
//! The guests are those of bench/guests, which run for ever; their host functions count. Fuel is
//! metered and an epoch would do the same: a host that lets untrusted guests take turns has one on.

#[path = "../../measure.rs"]
mod measure;

use std::cell::Cell;
use std::time::{Duration, Instant};

use measure::Sample;
use wasmtime::{Caller, Config, Engine, Linker, Module, Result, Store};

const VERSION: &str = "wasmtime 48.0.8, async with fuel, on Tokio 1.54.1 current_thread";
const YIELDS: &str = include_str!("../../../../guests/yields.wat");
const CALLS: &str = include_str!("../../../../guests/calls.wat");
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

fn main() -> Result<()> {
    let names = ["guest/yield/2", "guest/yield/1000", "guest/host_call"];
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
