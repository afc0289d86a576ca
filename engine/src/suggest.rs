//! The nearest of the known names to one that is unknown.
//!
//! In: a name and the names that exist. Out: a hint for people. Never guesses on the user's behalf.

/// Longer names are not compared: the cost is quadratic.
const MAX_CHARS: usize = 80;
/// More names than this are not listed.
const MAX_LISTED: usize = 12;

/// The candidate nearest to `name`, if any is near enough to be a slip of the pen.
///
/// Near is: equal but for case; or within a third of its length in insertions, deletions, replacements and swaps of
/// neighbouring characters; or one being the beginning of the other, from three characters on (`lat`, `latitude`).
/// The first of equally near ones wins.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = distance_to(&chars, &lower, candidate);
        if let Some(d) = distance
            && best.is_none_or(|(least, _)| d < least)
        {
            best = Some((d, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// `did you mean 'latitude'?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(name, candidates).map(|found| format!("did you mean '{found}'?"))
}

/// `did you mean 'latitude'?`, or else what there is: `there are: latitude, longitude, time`.
pub fn did_you_mean_or_list<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(hint) = did_you_mean(name, candidates.iter().copied()) {
        return Some(hint);
    }
    list(&candidates)
}

fn list(names: &[&str]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let shown = names.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_LISTED) {
        0 => Some(format!("there are: {shown}")),
        more => Some(format!("there are: {shown} and {more} more")),
    }
}

/// How far the candidate is from the name, or nothing when it is too far.
fn distance_to(name: &[char], lower: &str, candidate: &str) -> Option<usize> {
    let candidate_lower = candidate.to_lowercase();
    let other: Vec<char> = candidate_lower.chars().collect();
    if name.is_empty() || name.len() > MAX_CHARS || other.len() > MAX_CHARS {
        return None;
    }
    let longer = name.len().max(other.len());
    let allowed = longer.max(3) / 3;
    let edits = damerau_levenshtein(name, &other);
    if edits <= allowed && edits < longer {
        return Some(edits);
    }
    let begins = name.len().min(other.len()) >= 3 && (other.starts_with(name) || lower.starts_with(&candidate_lower));
    // A shared beginning is a weaker sign than a few slips.
    begins.then_some(edits + allowed)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn one into the other (optimal string alignment).
fn damerau_levenshtein(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = last;
        last = row;
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(a: &str, b: &str) -> usize {
        damerau_levenshtein(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
    }

    #[test]
    fn counts_edits_and_swaps() {
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", ""), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("tmie", "time"), 1);
        assert_eq!(edits("größe", "grösse"), 2);
    }

    #[test]
    fn finds_slips_but_not_strangers() {
        let names = ["latitude", "longitude", "time", "t2m"];
        assert_eq!(nearest("latitud", names), Some("latitude"));
        assert_eq!(nearest("lattitude", names), Some("latitude"));
        assert_eq!(nearest("TIME", names), Some("time"));
        assert_eq!(nearest("tiem", names), Some("time"));
        assert_eq!(nearest("lat", names), Some("latitude"));
        assert_eq!(nearest("t2", names), Some("t2m"));
        assert_eq!(nearest("pressure", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("x", ["y"]), None);
    }

    #[test]
    fn lists_what_there_is_when_nothing_is_near() {
        assert_eq!(did_you_mean("tme", ["time"]).as_deref(), Some("did you mean 'time'?"));
        assert_eq!(did_you_mean_or_list("pressure", ["u", "v"]).as_deref(), Some("there are: u, v"));
        assert_eq!(did_you_mean_or_list("pressure", []), None);
        let many: Vec<String> = (0..20).map(|i| format!("v{i}")).collect();
        let hint = did_you_mean_or_list("pressure", many.iter().map(String::as_str)).unwrap_or_default();
        assert!(hint.ends_with("v11 and 8 more"), "{hint}");
    }

    #[test]
    fn hostile_lengths_are_not_compared() {
        let long = "a".repeat(1_000_000);
        assert_eq!(nearest(&long, ["a"]), None);
        assert_eq!(nearest("a", [long.as_str()]), None);
    }
}
