//! Refuses text that nests too deep, before a parser builds, and later takes
//! down, a tree as deep as the text says.

/// Tables within tables, by brackets and dotted keys together.
pub(crate) const MAX_DEPTH: usize = 64;

/// Where the text first goes deeper than [`MAX_DEPTH`]. Counts brackets and
/// dots outside of strings and comments; may count too many in text that is
/// not TOML, never too few in text that is.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    // Dots of the key being read, one count for each open bracket.
    let mut dots: Vec<(u8, usize)> = vec![(b' ', 0)];
    let mut total = 0_usize;
    let mut at = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => {
                at = line_end(bytes, at);
                continue;
            }
            b'"' | b'\'' => {
                at = string_end(bytes, at);
                continue;
            }
            b'{' | b'[' => {
                dots.push((byte, 0));
                total += 1;
            }
            b'}' | b']' => {
                let open = if byte == b'}' { b'{' } else { b'[' };
                if dots.last().is_some_and(|(bracket, _)| *bracket == open)
                    && let Some((_, count)) = dots.pop()
                {
                    total = total.saturating_sub(count + 1);
                }
            }
            b'.' => {
                total += 1;
                if let Some((_, count)) = dots.last_mut() {
                    *count += 1;
                }
            }
            b',' => reset(&mut dots, &mut total),
            b'\n' if dots.len() == 1 => reset(&mut dots, &mut total),
            _ => {}
        }
        if total > MAX_DEPTH {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The next key begins.
fn reset(dots: &mut [(u8, usize)], total: &mut usize) {
    if let Some((_, count)) = dots.last_mut() {
        *total = total.saturating_sub(*count);
        *count = 0;
    }
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// The place after the string that begins here. One that never ends takes its
/// line, or where it may have many lines, all that follows.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let Some(&quote) = rest.first() else {
        return from + 1;
    };
    let long = rest.get(..3) == Some(&[quote; 3]);
    let mut at = if long { 3 } else { 1 };
    while let Some(&byte) = rest.get(at) {
        if byte == b'\\' && quote == b'"' {
            // An escaped line break does not hide the end of a one-line string.
            at += if rest.get(at + 1) == Some(&b'\n') && !long { 1 } else { 2 };
        } else if long && rest.get(at..at + 3) == Some(&[quote; 3]) {
            // Up to two more quotes may belong to the string itself.
            let more = rest.iter().skip(at + 3).take(2).take_while(|byte| **byte == quote).count();
            return from + at + 3 + more;
        } else if !long && (byte == quote || byte == b'\n') {
            return from + at + usize::from(byte == quote);
        } else {
            at += 1;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_nesting_counts() {
        let dots = "a.".repeat(200);
        for (text, expect) in [
            (format!("x = \"{dots}\""), false),
            (format!("x = '''\n{dots}'''\ny = 1"), false),
            (format!("x = \"\"\"\n\\\"\"\"{dots}\"\"\"\"\"\ny = 1"), false),
            (format!("x = \"\"\"\n\\\"\"\"\"{dots}\ny = 1"), true),
            (format!("# {dots}\nx = 1"), false),
            ("x = [1.5, 2.5, 3.5]\n".repeat(200), false),
            (format!("x = [{}]", "1.5, ".repeat(200)), false),
            (format!("{dots}a = 1"), true),
            (format!("[{dots}a]"), true),
            (format!("x = {}{}", "[".repeat(100), "]".repeat(100)), true),
            (format!("x = {}1{}", "{a.b.c = ".repeat(30), "}".repeat(30)), true),
            ("[[pipeline.stage]]\nname = \"a\"\n".repeat(500), false),
        ] {
            assert_eq!(too_deep(&text).is_some(), expect, "{:.60}", text);
        }
    }
}
