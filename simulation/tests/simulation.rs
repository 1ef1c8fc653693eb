//! Many seeds, with all oracles on.

use idsync_simulation::{Fault, Keep, Sound, Tally, simulate};

/// How often each fault must strike among the seeds of [`every_seed_converges_and_every_fault_strikes`].
const EACH_FAULT: u64 = 5;

#[test]
fn every_seed_converges_and_every_fault_strikes() {
    // Worlds with large groups are few, and a thousand seeds may well have none that lives long.
    let (mut tally, seeds) = (Tally::default(), 2_000);
    for seed in 0..seeds {
        let simulated = simulate(seed, &Sound, Keep::Hash);
        if let Some(violation) = simulated.violation {
            let lines = simulate(seed, &Sound, Keep::Lines).lines.join("\n");
            panic!("{lines}\nseed {seed} diverges; {violation}\nreplay it: cargo run -p idsync-simulation -- --seed {seed} --trace");
        }
        let different = Fault::ALL.iter().filter(|fault| simulated.tally.struck(**fault) > 0).count();
        assert!(different >= 3, "only {different} faults struck in seed {seed}");
        tally.add(&simulated.tally);
    }
    for fault in Fault::ALL {
        assert!(tally.struck(*fault) >= EACH_FAULT, "{fault} struck only {} times\n{tally}", tally.struck(*fault));
    }
}

#[test]
fn a_seed_always_leads_to_the_same() {
    for seed in 0..150 {
        let (first, second) = (simulate(seed, &Sound, Keep::Hash), simulate(seed, &Sound, Keep::Lines));
        assert_eq!(first.hash, second.hash, "seed {seed}");
        assert_eq!((first.runs, first.tally), (second.runs, second.tally), "seed {seed}");
    }
}
