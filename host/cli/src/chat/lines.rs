//! How several lines become one thing that is said: a backslash at the end of
//! a line goes on in the next, and what stands between `"""` is taken as it is.

/// What encloses lines.
const QUOTES: &str = "\"\"\"";

/// Whether more lines have to follow.
pub(super) fn is_open(text: &str) -> bool {
    let pieces: Vec<&str> = text.split(QUOTES).collect();
    pieces.len().is_multiple_of(2) || pieces.last().is_some_and(|last| goes_on(last))
}

/// An odd number of backslashes: two of them are one that is meant.
fn goes_on(line: &str) -> bool {
    let bare = line.trim_end_matches('\\');
    !(line.len() - bare.len()).is_multiple_of(2)
}

/// What is said by the lines as they were typed.
pub(super) fn meant(text: &str) -> String {
    let mut said = String::new();
    for (number, piece) in text.split(QUOTES).enumerate() {
        if !number.is_multiple_of(2) {
            let piece = piece.strip_prefix('\n').unwrap_or(piece);
            said.push_str(piece.strip_suffix('\n').unwrap_or(piece));
            continue;
        }
        for line in piece.split_inclusive('\n') {
            let bare = line.strip_suffix('\n').unwrap_or(line);
            if goes_on(bare) {
                said.push_str(bare.strip_suffix('\\').unwrap_or(bare));
                said.push_str(&line[bare.len()..]);
            } else {
                said.push_str(line);
            }
        }
    }
    said.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_as_they_are_meant() {
        for (text, open, said) in [
            ("why?", false, "why?"),
            ("  why?  ", false, "why?"),
            ("why\\", true, "why"),
            ("why\\\nis it down?", false, "why\nis it down?"),
            ("C:\\\\", false, "C:\\\\"),
            ("\"\"\"", true, ""),
            ("\"\"\"\none \\\ntwo\n", true, "one \\\ntwo"),
            ("\"\"\"\none \\\ntwo\n\"\"\"", false, "one \\\ntwo"),
            ("look: \"\"\"a\nb\"\"\" and say", false, "look: a\nb and say"),
            ("look: \"\"\"a\"\"\" \\", true, "look: a"),
            ("", false, ""),
        ] {
            assert_eq!((is_open(text), meant(text).as_str()), (open, said), "{text:?}");
        }
    }
}
