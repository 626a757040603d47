// SPDX-License-Identifier: Apache-2.0
//! What both Rust peers share: how long to measure and what to print; bench/peers/README.md has the
//! form.

pub struct Sample {
    /// Of all operations together, in `unit`.
    pub total: f64,
    pub unit: &'static str,
    pub operations: u64,
    pub checksum: u64,
}

impl Sample {
    #[allow(dead_code)]
    pub fn ns(since: std::time::Instant, operations: u64, checksum: u64) -> Sample {
        Sample { total: since.elapsed().as_nanos() as f64, unit: "ns", operations, checksum }
    }

    pub fn print(&self, name: &str) {
        println!(
            "{{\"name\": \"{}\", \"unit\": \"{}\", \"value\": {:.4}, \"operations\": {}, \
             \"checksum\": {}}}",
            name,
            self.unit,
            self.total / self.operations as f64,
            self.operations,
            self.checksum
        );
    }
}

/// Calls `run` with more and more operations until it takes long enough.
#[allow(dead_code)]
pub fn measure(milliseconds: f64, mut run: impl FnMut(u64) -> Sample) -> Sample {
    let mut wanted = 1;
    loop {
        let start = std::time::Instant::now();
        let sample = run(wanted);
        let spent = start.elapsed().as_secs_f64() * 1e3;
        if spent >= milliseconds || sample.unit == "bytes" {
            return sample;
        }
        let more = (1.4 * milliseconds / spent.max(1e-6)).clamp(1.5, 10.0);
        wanted = (sample.operations as f64 * more) as u64 + 1;
    }
}

pub fn print_list(peer: &str, version: &str, benchmarks: &[String]) {
    let quoted: Vec<String> = benchmarks.iter().map(|name| format!("\"{name}\"")).collect();
    println!(
        "{{\"peer\": \"{peer}\", \"version\": \"{version}\", \"benchmarks\": [{}]}}",
        quoted.join(", ")
    );
}

/// The name to run and for how long; None: list. Ends the process when they are wrong.
pub fn arguments() -> Option<(String, f64)> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.len() == 1 && given[0] == "--list" {
        return None;
    }
    if let [name, milliseconds] = &given[..] {
        if let Ok(number) = milliseconds.parse() {
            return Some((name.clone(), number));
        }
    }
    eprintln!("use: PROGRAM --list | PROGRAM NAME MILLISECONDS");
    std::process::exit(64);
}

pub fn unknown(name: &str) -> ! {
    eprintln!("no benchmark is called '{name}': see --list");
    std::process::exit(64);
}
