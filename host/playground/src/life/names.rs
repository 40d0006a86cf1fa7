//! Names that a controller makes up: by hashing, so that the same history gives
//! the same names.

use serde_json::Value;

/// The letters that Kubernetes uses: no vowels, so that no words come out.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// FNV-1a, which is stable over machines and versions.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A number between 0 and 1 that looks like chance and is not.
pub(crate) fn fraction(text: &str) -> f64 {
    (fnv(text) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The hash of a template, as it stands in names and labels.
pub(crate) fn template_hash(template: &Value) -> String {
    let hash = fnv(&template.to_string());
    ((hash >> 32) as u32 ^ hash as u32).to_string().bytes().map(letter).collect()
}

fn letter(byte: u8) -> char {
    LETTERS.get(usize::from(byte) % LETTERS.len()).map_or('b', |letter| char::from(*letter))
}

/// Five letters for a pod of that owner.
pub(crate) fn suffix(seed: &str) -> String {
    let mut hash = fnv(seed);
    (0..5)
        .map(|_| {
            let byte = (hash % 251) as u8;
            hash = hash.rotate_right(11).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            letter(byte)
        })
        .collect()
}

/// As many hexadecimal digits as asked for: ids of containers and images.
pub(crate) fn hex(seed: &str, digits: usize) -> String {
    let mut out = String::new();
    let mut round = 0;
    while out.len() < digits {
        out.push_str(&format!("{:016x}", fnv(&format!("{seed}/{round}"))));
        round += 1;
    }
    out.truncate(digits);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_gives_the_same() {
        let template = json!({"spec": {"containers": []}});
        assert_eq!(template_hash(&template), template_hash(&template.clone()));
        assert_ne!(template_hash(&template), template_hash(&json!({})));
        assert_eq!(suffix("a").len(), 5);
        assert_ne!(suffix("a"), suffix("b"));
        assert_eq!(hex("a", 64).len(), 64);
    }
}
