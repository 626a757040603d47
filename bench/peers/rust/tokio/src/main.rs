// SPDX-License-Identifier: Apache-2.0
//! The Tokio peer: tasks of a current_thread runtime. bench/peers/README.md says what each does.

#[path = "../../measure.rs"]
mod measure;
mod tasks;
mod timers;

use std::future::Future;

use measure::Sample;

const VERSION: &str = "Tokio 1.54.1, current_thread";

fn names() -> Vec<String> {
    let mut all: Vec<String> =
        [2, 10, 100, 1_000, 10_000, 100_000].iter().map(|gs| format!("yield/{gs}")).collect();
    for name in [
        "spawn_join/pooled",
        "spawn_join/task",
        "chan/round_trip/0",
        "mutex/hand_off",
        "select/2",
        "select/10",
        "timer/arm_cancel/1000",
        "sleepers/1000",
        "sleepers/100000",
        "skynet/100000",
        "skynet/1000000",
        "parked/1000",
        "parked/100000",
    ] {
        all.push(name.to_string());
    }
    all
}

/// Runs the future as a task, as all others are: what block_on itself polls is special.
fn on_a_task<F>(future: F) -> Sample
where
    F: Future<Output = Sample> + Send + 'static,
{
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async { tokio::spawn(future).await.expect("the benchmark's task") })
}

fn run(name: &str, n: u64) -> Sample {
    let (kind, number) = name.rsplit_once('/').expect("a listed name has a slash");
    let size: u64 = number.parse().unwrap_or(0);
    match kind {
        "yield" => on_a_task(tasks::yields(size, n)),
        "spawn_join" if number == "pooled" => on_a_task(tasks::spawn_join_pooled(n)),
        "spawn_join" => on_a_task(tasks::spawn_join(n)),
        "chan/round_trip" => on_a_task(tasks::round_trips(n)),
        "mutex" => on_a_task(tasks::mutex_hand_offs(n)),
        "select" if size == 2 => on_a_task(tasks::select_of_2(n)),
        "select" => on_a_task(tasks::select_of_10(n)),
        "timer/arm_cancel" => on_a_task(timers::arm_cancel(size, n)),
        "sleepers" => on_a_task(timers::sleepers(size, n)),
        "skynet" => on_a_task(tasks::skynets(size, n)),
        _ => on_a_task(timers::parked(size)),
    }
}

fn main() {
    let Some((name, milliseconds)) = measure::arguments() else {
        return measure::print_list("tokio", VERSION, &names());
    };
    if !names().contains(&name) {
        measure::unknown(&name);
    }
    measure::measure(milliseconds, |n| run(&name, n)).print(&name);
}
