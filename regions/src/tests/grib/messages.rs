//! Messages made byte by byte, for what no file that is at hand holds.

use super::*;

/// The sections of a message, one behind the other.
fn sections(message: &[u8]) -> Vec<Vec<u8>> {
    let (mut out, mut at) = (vec![], 16);
    while at + 4 < message.len() {
        let len = u32::from_be_bytes(message[at..at + 4].try_into().unwrap()) as usize;
        out.push(message[at..at + len].to_vec());
        at += len;
    }
    out
}

/// A message of these sections.
fn message(sections: &[Vec<u8>]) -> Vec<u8> {
    let body = sections.concat();
    [&b"GRIB\0\0\0\x02"[..], &(16 + body.len() as u64 + 4).to_be_bytes(), &body, b"7777"].concat()
}

/// The first message of a sample.
fn first(name: &str) -> Vec<u8> {
    let bytes = sample(name);
    let len = u64::from_be_bytes(bytes[8..16].try_into().unwrap());
    bytes[..len as usize].to_vec()
}

/// A sample's first message with some sections changed, each a number, a place in it, and bytes.
fn changed(name: &str, changes: &[(u8, usize, &[u8])]) -> Vec<u8> {
    let mut sections = sections(&first(name));
    for (number, at, bytes) in changes {
        let section = sections.iter_mut().find(|s| s[4] == *number).unwrap();
        section[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    message(&sections)
}

/// `count` fields of IEEE floats on a grid: each is its number everywhere.
pub(super) fn large(count: u8, rows: u32, columns: u32) -> Vec<u8> {
    let mut out = vec![];
    for number in 0..count {
        let mut sections = sections(&first("ieee"));
        let points = (rows * columns).to_be_bytes();
        for section in &mut sections {
            match section[4] {
                3 => {
                    section[6..10].copy_from_slice(&points);
                    section[30..34].copy_from_slice(&columns.to_be_bytes());
                    section[34..38].copy_from_slice(&rows.to_be_bytes());
                    // No increments: the ends and the numbers of points say all.
                    section[54] = 0;
                }
                4 => section[18..22].copy_from_slice(&u32::from(number).to_be_bytes()),
                5 => section[5..9].copy_from_slice(&points),
                7 => {
                    let data = f32::from(number).to_be_bytes().repeat((rows * columns) as usize);
                    *section = [&(5 + data.len() as u32).to_be_bytes()[..], &[7], &data].concat();
                }
                _ => {}
            }
        }
        out.extend(message(&sections));
    }
    out
}

#[test]
fn a_message_of_several_fields_may_share_grid_and_bitmap() {
    // The second message of the sample has a bitmap.
    let bytes = sample("simple");
    let skip = first("simple").len();
    let with_bitmap = &bytes[skip..];
    let len = u64::from_be_bytes(with_bitmap[8..16].try_into().unwrap()) as usize;
    let own = sections(&with_bitmap[..len]);
    let of = |number: u8| own.iter().find(|s| s[4] == number).unwrap().clone();
    let mut later = of(4);
    later[21] = 99;
    let same = vec![0, 0, 0, 6, 6, 254];
    let both = message(&[of(1), of(3), of(4), of(5), of(6), of(7), later, of(5), same.clone(), of(7)]);
    let dataset = opened(&both, "");
    assert_eq!(labels(&dataset, "step"), [10.0, 99.0]);
    let (a, b) = (field(&dataset, "t2m", &[0]), field(&dataset, "t2m", &[1]));
    assert!(a.iter().any(|n| n.is_nan()) && a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits()));
    let alone = message(&[of(1), of(3), of(4), of(5), same, of(7)]);
    assert!(opened(&alone, "").unreadable["t2m"].contains("earlier field"));
}

#[test]
fn what_is_no_whole_message_is_refused_with_its_place() {
    let whole = first("simple");
    let twice = [&whole[..], &sample("ccsds")[..200]].concat();
    let told_of = |bytes: &[u8], part: &str| {
        let message = told(bytes);
        assert!(message.contains(part), "{part}: {message}");
    };
    told_of(&twice, &format!("the message at byte {}: it is cut off", whole.len()));
    told_of(&[&whole[..], b"\r\n"].concat(), "other bytes lie between the messages");
    let mut first_edition = whole.clone();
    first_edition[7] = 1;
    told_of(&first_edition, "edition 1");
    let mut no_end = whole.clone();
    *no_end.last_mut().unwrap() = b'8';
    told_of(&no_end, "7777");
    told_of(&whole[..12], "cut off");
    told_of(b"GRIB", "cut off");
    let mut endless = whole;
    endless[8] = 0x7f;
    told_of(&endless, "cut off");
}

#[test]
fn two_fields_for_one_place_are_not_chosen_from() {
    let one = first("simple");
    let dataset = opened(&[&one[..], &one[..]].concat(), "");
    assert!(dataset.unreadable["t2m"].contains("which of them is meant cannot be told"), "{:?}", dataset.unreadable);
}

#[test]
fn what_is_not_supported_is_left_out_by_name() {
    let left_out = |changes: &[(u8, usize, &[u8])], name: &str, part: &str| {
        let dataset = opened(&changed("simple", changes), "");
        let reason = dataset.unreadable.get(name).unwrap_or_else(|| panic!("{part}: {:?}", dataset.unreadable));
        assert!(reason.contains(part), "{part}: {reason}");
    };
    left_out(&[(3, 12, &[0, 40])], "t2m", "regular_gg");
    left_out(&[(3, 12, &[0, 30])], "t2m", "lambert");
    left_out(&[(3, 12, &[0, 40]), (3, 10, &[2])], "t2m", "reduced_gg");
    left_out(&[(3, 71, &[0x08])], "t2m", "staggered");
    left_out(&[(3, 30, &[0, 0, 0, 17])], "t2m", "does not have 192 points");
    left_out(&[(3, 67, &[0, 1, 0, 0])], "t2m", "degrees apart");
    left_out(&[(3, 38, &[0, 0, 0, 1])], "t2m", "basic angle");
    left_out(&[(4, 7, &[0, 40])], "param_0_0_0", "template 4.40");
    left_out(&[(4, 17, &[3])], "param_0_0_0", "no fixed length");
    left_out(&[(1, 14, &[13])], "param_0_0_0", "does not exist");
    left_out(&[(5, 9, &[0, 61])], "t2m", "template 5.61");
    left_out(&[(6, 5, &[3])], "t2m", "bitmap is number 3");
    // One field that cannot be read leaves none of its variable: it would be lacking in silence.
    let dataset = opened(&[first("simple"), changed("simple", &[(4, 18, &[0, 0, 0, 9]), (5, 9, &[0, 61])])].concat(), "");
    assert!(dataset.unreadable["t2m"].contains("5.61") && !dataset.variables.contains_key("t2m"));
    let dataset =
        opened(&[first("simple"), changed("simple", &[(4, 18, &[0, 0, 0, 9]), (5, 9, &[0, 61])])].concat(), "heightAboveGround/2");
    assert!(dataset.unreadable["t2m"].contains("5.61"), "of a group neither");
    // A parameter of no table is named by its numbers.
    let dataset = opened(&changed("simple", &[(4, 9, &[3, 200])]), "");
    assert_eq!(variable(&dataset, "param_0_3_200").dims, ["latitude", "longitude"]);
}

#[test]
fn longitudes_ascend_across_zero() {
    // 359 to 14 degrees, 16 of them.
    let dataset =
        opened(&changed("simple", &[(3, 50, &359_000_000u32.to_be_bytes()), (3, 59, &14_000_000u32.to_be_bytes()), (3, 54, &[0])]), "");
    assert_eq!(labels(&dataset, "longitude"), (-1..15).map(f64::from).collect::<Vec<_>>());
    let dataset =
        opened(&changed("simple", &[(3, 50, &180_000_000u32.to_be_bytes()), (3, 59, &157_500_000u32.to_be_bytes()), (3, 54, &[0])]), "");
    assert_eq!(labels(&dataset, "longitude"), (0..16).map(|n| -180.0 + 22.5 * f64::from(n)).collect::<Vec<_>>());
}

#[test]
fn groups_of_complex_packing_hold_as_many_values_as_there_are_points() {
    // The length of the last group, the number of groups, the bits of lengths.
    for (at, bytes) in
        [(42, &[0, 0, 1, 0][..]), (42, &[0xff; 4]), (31, &[0xff; 4]), (31, &[0, 0, 0, 190]), (46, &[33]), (36, &[255]), (19, &[40])]
    {
        let dataset = opened(&changed("complex", &[(5, at, bytes)]), "");
        let e = read(dataset.source("t2m").unwrap().as_ref(), &[0, 0]).err().unwrap();
        assert_eq!(e.kind, ErrorKind::Data, "{e}");
        assert!(e.message.contains("file.grib2: t2m, field [0, 0]: "), "{e}");
    }
}

#[test]
fn missing_values_among_the_numbers_of_groups_are_missing() {
    // Two groups of three: 10 + (0, 1, missing) in 2 bits, then one without bits whose reference is missing, in 5 bits.
    let packing: Vec<u8> = [
        &[0, 0, 0, 47, 5, 0, 0, 0, 6, 0, 2][..],
        &0f32.to_be_bytes(),
        &[0, 0, 0, 0, 5, 0, 1, 1],
        &[0; 8],
        &[0, 0, 0, 2, 0, 2, 0, 0, 0, 3, 1, 0, 0, 0, 3, 0],
    ]
    .concat();
    let data = [0b0101_0111, 0b1100_0000, 0b1000_0000, 0b0001_1100];
    let values = |management: u8| {
        let mut packing = packing.clone();
        packing[22] = management;
        let field = [&packing[..], &[0, 0, 0, 6, 6, 255, 0, 0, 0, 9, 7], &data].concat();
        crate::source::grib::packing::unpack(&field, 6).unwrap()
    };
    assert_eq!(block(&values(0)), block(&[10.0, 11.0, 13.0, 31.0, 31.0, 31.0]));
    let shown: Vec<String> = values(1).iter().map(f32::to_string).collect();
    assert_eq!(shown, ["10", "11", "NaN", "NaN", "NaN", "NaN"]);
    let shown: Vec<String> = values(2).iter().map(f32::to_string).collect();
    assert_eq!(shown, ["10", "11", "NaN", "NaN", "NaN", "NaN"]);
}
