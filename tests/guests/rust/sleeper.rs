// SPDX-License-Identifier: Apache-2.0
// Sleeps for so many seconds (600).
use std::thread::sleep;
use std::time::Duration;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|word| word.parse().ok());
    sleep(Duration::from_secs(seconds.unwrap_or(600)));
}
