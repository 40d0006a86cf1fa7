//! A signature of the API, in the signature of a thinking content:
//! `gemini:call:…`, with the place that it has to go back to.
//!
//! A thinking content with a signature stands in front of the part that was
//! signed. The signature of another provider is none of these and is left out.

/// Which part was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The thought itself.
    Thought,
    /// The text behind it.
    Text,
    /// The call behind it.
    Call,
    /// A part of its own, with an empty text: the last piece of a stream.
    Alone,
}

const PLACES: &[(Place, &str)] = &[
    (Place::Thought, "gemini:thought:"),
    (Place::Text, "gemini:text:"),
    (Place::Call, "gemini:call:"),
    (Place::Alone, "gemini:part:"),
];

pub(crate) fn write(place: Place, signature: &str) -> String {
    let prefix = PLACES.iter().find(|(known, _)| *known == place).map_or("", |(_, prefix)| prefix);
    format!("{prefix}{signature}")
}

pub(crate) fn read(text: &str) -> Option<(Place, &str)> {
    PLACES.iter().find_map(|(place, prefix)| Some((*place, text.strip_prefix(prefix)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_as_it_was_written() {
        for (place, _) in PLACES {
            assert_eq!(read(&write(*place, "Ab+/=:x")), Some((*place, "Ab+/=:x")));
        }
        for other in ["", "EqQBCgIYAhIM", "gemini:", r#"{"reasoning": "rs_1"}"#] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
