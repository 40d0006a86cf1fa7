//! For tests of decoders: the same bytes in other pieces. Not in components.

use std::fmt::Debug;

/// The bytes cut at these places; places behind the end are taken modulo the length.
#[must_use]
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts {
        pieces.push(bytes.get(from..cut).unwrap_or_default());
        from = cut;
    }
    pieces.push(bytes.get(from..).unwrap_or_default());
    pieces
}

/// Decodes the bytes whole, byte by byte, cut in two at every byte, in pieces
/// of a few sizes, and in 32 mixed ways, and checks that the outcome is always
/// the same; gives that outcome.
pub fn same_for_any_split<T: PartialEq + Debug>(bytes: &[u8], decode: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = decode(&[bytes]);
    let check = |pieces: &[&[u8]], how: &str| {
        let found = decode(pieces);
        assert!(found == whole, "{how}: {found:#?}\ninstead of {whole:#?}");
    };
    for at in 0..=bytes.len() {
        check(&pieces(bytes, &[at]), &format!("cut at byte {at}"));
    }
    for size in [1, 2, 3, 7, 64] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        check(&pieces, &format!("in pieces of {size}"));
    }
    // A linear congruential generator: the same cuts each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..32 {
        let cuts: Vec<usize> = (0..=round % 9)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 40).unwrap_or_default()
            })
            .collect();
        check(&pieces(bytes, &cuts), &format!("cut at {cuts:?}"));
    }
    whole
}
