//! How alike two texts are.

use rphonetic::DoubleMetaphone;
pub(crate) use strsim::jaro_winkler;

/// Whether one becomes the other by changing, leaving out or adding one letter, or by exchanging two neighbours.
pub(crate) fn one_slip(a: &str, b: &str) -> bool {
    strsim::osa_distance(a, b) == 1
}

/// How a word sounds: one code or two, none for a word in another script than ours.
pub(crate) fn sounds(word: &str) -> Vec<String> {
    if word.len() < 2 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return Vec::new();
    }
    let sound = DoubleMetaphone::default().double_metaphone(word);
    let mut codes = vec![sound.primary(), sound.alternate()];
    codes.retain(|code| !code.is_empty());
    codes.dedup();
    codes
}

/// Whether two words sound alike.
pub(crate) fn sound_alike(a: &str, b: &str) -> bool {
    let codes = sounds(a);
    sounds(b).iter().any(|code| codes.contains(code))
}
