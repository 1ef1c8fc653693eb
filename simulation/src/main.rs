//! Simulates many seeds, or replays one.

use idsync_simulation::{Keep, Simulated, Sound, Tally, simulate};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: idsync-simulation [--seeds A..B] | --seed N [--trace]";

/// What the command line asks for.
struct Wanted {
    seeds: Range<u64>,
    keep: Keep,
}

fn main() -> ExitCode {
    match wanted() {
        Ok(wanted) => simulate_all(&wanted),
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn wanted() -> Result<Wanted, lexopt::Error> {
    use lexopt::prelude::{Long, ValueExt};
    let mut wanted = Wanted { seeds: 0..20_000, keep: Keep::Hash };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("seeds") => {
                let text = arguments.value()?.string()?;
                let (from, to) = text.split_once("..").ok_or("the seeds are given as A..B")?;
                wanted.seeds = from.parse::<u64>().map_err(|error| error.to_string())?
                    ..to.parse().map_err(|error: std::num::ParseIntError| error.to_string())?;
            }
            Long("seed") => {
                let seed = arguments.value()?.parse::<u64>()?;
                wanted.seeds = seed..seed.saturating_add(1);
            }
            Long("trace") => wanted.keep = Keep::Lines,
            other => return Err(other.unexpected()),
        }
    }
    Ok(wanted)
}

fn simulate_all(wanted: &Wanted) -> ExitCode {
    let (started, mut tally, mut runs) = (Instant::now(), Tally::default(), 0);
    for seed in wanted.seeds.clone() {
        let simulated = simulate(seed, &Sound, wanted.keep);
        simulated.lines.iter().for_each(|line| println!("{line}"));
        tally.add(&simulated.tally);
        runs += simulated.runs;
        if simulated.violation.is_some() {
            report(&simulated);
            return ExitCode::FAILURE;
        }
        if wanted.keep == Keep::Lines {
            println!("seed {seed}: trace hash {:016x}", simulated.hash);
        }
    }
    let seeds = wanted.seeds.end.saturating_sub(wanted.seeds.start);
    let seconds = started.elapsed().as_secs_f64();
    println!("{tally}");
    println!("{seeds} seeds, {runs} runs, {} faults, no divergence", tally.total());
    println!("{seconds:.1} s, {:.0} seeds/s on one core", seeds as f64 / seconds);
    ExitCode::SUCCESS
}

/// Tells what went wrong, with everything that is needed to see it again.
fn report(simulated: &Simulated) {
    let seed = simulated.seed;
    for line in simulate(seed, &Sound, Keep::Lines).lines {
        eprintln!("{line}");
    }
    if let Some(violation) = &simulated.violation {
        eprintln!("\nseed {seed} diverges; {violation}");
    }
    eprintln!("replay it: cargo run --release -p idsync-simulation -- --seed {seed} --trace");
}
