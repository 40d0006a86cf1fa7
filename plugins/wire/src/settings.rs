//! A provider's settings in the profile: strings by key.

use sickbay_plugin::types::Error;

use crate::text::clean;

/// The settings of one provider, all of which it knows.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    provider: &'static str,
    entries: Vec<(String, String)>,
}

impl Entries {
    /// Takes what the profile sets.
    ///
    /// # Errors
    /// Where a key is none of the known.
    pub fn new(
        provider: &'static str,
        entries: Vec<(String, String)>,
        known: &[&str],
    ) -> Result<Self, Error> {
        if let Some((key, _)) = entries.iter().find(|(key, _)| !known.contains(&key.as_str())) {
            let key = clean(key, 60);
            return Err(Error::invalid_input(format!(
                "provider `{provider}` has no setting `{key}`; it has {}",
                listed(known)
            )));
        }
        Ok(Self { provider, entries })
    }

    /// The value of a key; none where it is not set or empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.entries.iter().find(|(name, _)| name == key)?;
        Some(value.trim()).filter(|value| !value.is_empty())
    }

    /// The value of a key that has a few; the first of them where it is not set.
    ///
    /// # Errors
    /// Where it is none of them.
    pub fn one_of<'a>(&'a self, key: &str, values: &[&'a str]) -> Result<&'a str, Error> {
        match self.get(key) {
            None => Ok(values.first().copied().unwrap_or_default()),
            Some(value) if values.contains(&value) => Ok(value),
            Some(value) => Err(self.wrong(key, value, &format!("one of {}", listed(values)))),
        }
    }

    /// A path below the endpoint: it begins with a slash and holds nothing that is none.
    ///
    /// # Errors
    /// Where it is no path.
    pub fn path(&self, key: &str, default: &str) -> Result<String, Error> {
        let path = self.get(key).unwrap_or(default);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~:@!$&'()*+,;=%?".contains(&byte);
        if path.starts_with('/') && !path.starts_with("//") && path.bytes().all(plain) {
            return Ok(path.to_owned());
        }
        Err(self.wrong(key, path, "a path that begins with `/`"))
    }

    /// A value that may stand in a header.
    ///
    /// # Errors
    /// Where it may not.
    pub fn header(&self, key: &str) -> Result<Option<&str>, Error> {
        match self.get(key) {
            Some(value) if !value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) => {
                Err(self.wrong(key, value, "plain text"))
            }
            value => Ok(value),
        }
    }

    fn wrong(&self, key: &str, value: &str, instead: &str) -> Error {
        let (provider, value) = (self.provider, clean(value, 60));
        Error::invalid_input(format!("setting `{key}` of provider `{provider}` is `{value}`, not {instead}"))
    }
}

fn listed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(&str, &str)]) -> Result<Entries, Error> {
        let list = list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Entries::new("p", list, &["mode", "path", "beta"])
    }

    #[test]
    fn settings_are_known_or_refused() {
        let error = entries(&[("mood", "x")]).unwrap_err();
        assert_eq!(error.message, "provider `p` has no setting `mood`; it has `mode`, `path`, `beta`");
        let set = entries(&[("mode", " b "), ("path", "/v2/x?api-version=1"), ("beta", "a,b")]).unwrap();
        assert_eq!(set.one_of("mode", &["a", "b"]).unwrap(), "b");
        assert_eq!(set.path("path", "/v1").unwrap(), "/v2/x?api-version=1");
        assert_eq!(set.header("beta").unwrap(), Some("a,b"));
        let set = entries(&[("mode", "c"), ("path", "http://evil"), ("beta", "a\r\nb: c")]).unwrap();
        assert!(set.one_of("mode", &["a", "b"]).is_err());
        assert!(set.path("path", "/v1").is_err());
        assert!(set.header("beta").is_err());
        let set = entries(&[("mode", "")]).unwrap();
        assert_eq!((set.one_of("mode", &["a", "b"]).unwrap(), set.get("path")), ("a", None));
        assert_eq!(set.path("path", "/v1").unwrap(), "/v1");
    }
}
