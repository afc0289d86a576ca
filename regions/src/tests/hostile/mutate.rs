//! Mutations: bits, numbers, lengths, cuts and copies in bytes; numbers, words and fields in JSON.
//!
//! In: files and a seeded source of randomness. Out: the same files, one of them changed. Never the same twice, always the same again.

use super::seeds::Files;
use serde_json::Value;

/// A xorshift generator.
pub(super) struct Random(u64);

impl Random {
    /// A generator of its own for each name.
    pub(super) fn new(name: &str) -> Random {
        Random(name.bytes().fold(0x9e37_79b9_7f4a_7c15, |n, b| (n ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 16) as usize % n.max(1)
    }
}

/// Numbers that sizes and counts are made of when they lie.
const ODD: [u64; 14] = [0, 1, 2, 7, 255, 256, 65_535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 62, u64::MAX];

/// Changes one file once to three times; says how.
pub(super) fn mutate(files: &mut Files, random: &mut Random) -> String {
    let which = random.below(files.len());
    let (name, bytes) = &mut files[which];
    let is_json = serde_json::from_slice::<Value>(bytes).is_ok_and(|v| v.is_object());
    let mut done = vec![];
    for _ in 0..=random.below(3) {
        if is_json && random.below(4) > 0 {
            done.push(mutate_json(bytes, random));
        } else {
            done.push(mutate_bytes(bytes, random));
        }
    }
    format!("{name}: {}", done.join(", "))
}

fn mutate_bytes(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    if bytes.is_empty() {
        return "empty".into();
    }
    // Metadata stands first in small files, and matters most.
    let at = if random.below(2) == 0 { random.below(bytes.len()) } else { random.below(bytes.len().min(512)) };
    match random.below(8) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.next() as u8,
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        3 | 4 => {
            let number = ODD[random.below(ODD.len())];
            let width = [2, 4, 8][random.below(3)];
            let word =
                if random.below(2) == 0 { number.to_le_bytes()[..width].to_vec() } else { number.to_be_bytes()[8 - width..].to_vec() };
            let at = at / 4 * 4;
            for (target, byte) in bytes[at..].iter_mut().zip(word) {
                *target = byte;
            }
        }
        5 => bytes.truncate(at),
        6 => {
            let end = (at + random.below(64)).min(bytes.len());
            bytes[at..end].fill(if random.below(2) == 0 { 0 } else { 0xff });
        }
        _ => {
            let from = random.below(bytes.len());
            let len = random.below(64).min(bytes.len() - from).min(bytes.len() - at);
            bytes.copy_within(from..from + len, at);
        }
    }
    format!("byte {at}")
}

fn mutate_json(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let Ok(mut json) = serde_json::from_slice::<Value>(bytes) else { return mutate_bytes(bytes, random) };
    let mut places = 0;
    count(&json, &mut places);
    let mut place = random.below(places);
    change(&mut json, &mut place, random);
    *bytes = json.to_string().into_bytes();
    "a JSON value".into()
}

fn count(json: &Value, places: &mut usize) {
    *places += 1;
    match json {
        Value::Array(items) => items.iter().for_each(|v| count(v, places)),
        Value::Object(fields) => fields.values().for_each(|v| count(v, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Changes the value at `place`, in the order in which [`count`] goes.
fn change(json: &mut Value, place: &mut usize, random: &mut Random) -> bool {
    if *place == 0 {
        *json = odd(json, random);
        return true;
    }
    *place -= 1;
    match json {
        Value::Array(items) => items.iter_mut().any(|v| change(v, place, random)),
        Value::Object(fields) => fields.values_mut().any(|v| change(v, place, random)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn odd(json: &Value, random: &mut Random) -> Value {
    const WORDS: [&str; 16] = [
        "",
        "NaN",
        "<f8",
        ">i2",
        "|b1",
        "<M8[ns]",
        "|S5",
        "float64",
        "bool",
        "zlib",
        "blosc",
        "sharding_indexed",
        "0xffffffffffffffff",
        "time",
        "delta",
        "/../..",
    ];
    let number = |random: &mut Random| match random.below(4) {
        0 => Value::from(-(random.below(1000) as i64)),
        1 => Value::from(1e300),
        _ => Value::from(ODD[random.below(ODD.len())]),
    };
    match (json, random.below(6)) {
        (Value::Array(items), 0 | 1) => Value::Array(items.iter().chain(items).cloned().collect()),
        (Value::Array(items), 2) => Value::Array(items.iter().skip(1).cloned().collect()),
        (Value::Object(fields), 0..=3) => {
            let gone = random.below(fields.len());
            Value::Object(fields.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, (k, v))| (k.clone(), v.clone())).collect())
        }
        (_, 4) => Value::Null,
        (Value::Number(_), _) | (_, 5) => number(random),
        _ => Value::from(WORDS[random.below(WORDS.len())]),
    }
}
