//! How well the model finds who is one person, on foreign people with known truth.
//!
//! `cargo bench -p matching -- FOLDER`, where `scripts/febrl.py FOLDER` has written the sets. The truth is used for
//! counting only: the model learns without it, and never sees the national number. Without the folder nothing is measured.
//! What can be chosen (keys, comparators, the threshold) is chosen by sets 1, 2 and 4; set 3 judges the choice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use matching::{Address, Name, Person, Veto, block_keys, compare, learn_between, pairs};

/// A block larger than this says nothing.
const LARGEST_BLOCK: usize = 200;
/// From here on, two are called one person. Chosen once, for every set.
const THRESHOLD: f64 = 0.9;

struct Set {
    people: Vec<Person>,
    /// The register each comes from; with two registers, pairs are between them.
    source: Vec<u8>,
    links: HashSet<(usize, usize)>,
}

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let Some(folder) = folder.map(PathBuf::from).filter(|folder| folder.is_dir()) else {
        println!("no folder with the sets was given: nothing is measured (see scripts/febrl.py)");
        return;
    };
    println!(
        "found: probability at least {THRESHOLD}; no truth was learned from, no national number compared"
    );
    for name in ["febrl1", "febrl2", "febrl3", "febrl4"] {
        for (with_address, fields) in [
            (false, "name, birth date, postcode"),
            (true, "and street and house number"),
        ] {
            measure(name, fields, &read(&folder, name, with_address));
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a few thousand people"
)]
fn measure(name: &str, fields: &str, set: &Set) {
    let start = Instant::now();
    let pairs = blocked(set);
    let two_registers = set.source.contains(&1);
    let may_be = |one: usize, other: usize| !two_registers || set.source[one] != set.source[other];
    let learned = learn_between(&set.people, &pairs, may_be);
    let mut scored: Vec<Scored> = pairs
        .iter()
        .map(|pair| {
            let comparison = compare(&set.people[pair.0], &set.people[pair.1]);
            Scored {
                probability: learned.model.judge(&comparison).probability,
                right: set.links.contains(pair),
                vetoed: Veto::of(&comparison).is_some(),
            }
        })
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    scored.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let total = set.links.len() as f64;
    let (mut right, mut best) = (0.0, 0.0_f64);
    for (count, pair) in scored.iter().enumerate() {
        right += f64::from(u8::from(pair.right));
        if right / (count + 1) as f64 >= 0.999 {
            best = right / total;
        }
    }
    for (what, keep_vetoed) in [("model", true), ("with vetoes", false)] {
        let found: Vec<&Scored> = scored
            .iter()
            .filter(|pair| pair.probability >= THRESHOLD && (keep_vetoed || !pair.vetoed))
            .collect();
        let right = found.iter().filter(|pair| pair.right).count() as f64;
        let (precision, recall) = (right / found.len() as f64, right / total);
        println!("{name}  {fields:<34} {what:<12} precision {precision:.4}  recall {recall:.4}");
    }
    let covered = pairs.iter().filter(|pair| set.links.contains(pair)).count() as f64 / total;
    println!(
        "        best recall at precision 0.999: {best:.4}; blocks hold {covered:.4} of the truth in {} pairs; {} rounds, {seconds:.1} s",
        pairs.len(),
        learned.rounds
    );
}

struct Scored {
    probability: f64,
    right: bool,
    vetoed: bool,
}

fn blocked(set: &Set) -> Vec<(usize, usize)> {
    let mut blocks: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, person) in set.people.iter().enumerate() {
        for key in block_keys(person) {
            blocks.entry(key).or_default().push(number);
        }
    }
    let two_registers = set.source.contains(&1);
    let mut pairs = pairs(blocks.values().filter(|block| block.len() <= LARGEST_BLOCK));
    pairs.retain(|(one, other)| !two_registers || set.source[*one] != set.source[*other]);
    pairs
}

fn read(folder: &Path, name: &str, with_address: bool) -> Set {
    let text =
        std::fs::read_to_string(folder.join(format!("{name}_records.csv"))).expect("records");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let (mut people, mut source, mut numbers) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in lines {
        let values: HashMap<&str, &str> = header.iter().copied().zip(line.split(',')).collect();
        let value = |name: &str| values.get(name).copied().unwrap_or_default().to_owned();
        numbers.insert(value("id"), people.len());
        source.push(u8::from(value("source") == "1"));
        let mut address = Address {
            postal_code: value("postcode"),
            ..Address::default()
        };
        if with_address {
            address.number = value("street_number");
            address.street = value("address_1");
        }
        people.push(Person {
            names: vec![Name {
                family: value("surname"),
                given: value("given_name"),
            }],
            birth_date: Some(value("date_of_birth")).filter(|date| date.len() == 8),
            addresses: vec![address],
            ..Person::default()
        });
    }
    let text = std::fs::read_to_string(folder.join(format!("{name}_links.csv"))).expect("links");
    let links = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(','))
        .map(|(one, other)| {
            let (one, other) = (numbers[one], numbers[other]);
            (one.min(other), one.max(other))
        })
        .collect();
    Set {
        people,
        source,
        links,
    }
}
