//! The custom section `sickbay:plugin`, made at compile time.
//!
//! The host reads it before it compiles anything. The section is written into
//! the core module, where `cargo build` leaves it inside the component.

/// Writes one plugin's section and exports its world.
///
/// The first field names the world and the type that implements its `Guest` trait; the others are what
/// `sickbay plugin inspect` shows. `capabilities` are what the plugin asks for, as the user will read it when asked
/// for consent: `cluster:read`, `model`, `http:https://api.example.com`, `process:helm`, `kv`, `workspace:read`.
#[macro_export]
macro_rules! plugin {
    (
        $world:ident: $guest:ident,
        name: $name:expr,
        version: $version:expr,
        description: $description:expr,
        capabilities: [$($capability:expr),* $(,)?] $(,)?
    ) => {
        $crate::manifest!($name, $version, $description, [$($capability),*]);
        $crate::export!($world: $guest);
    };
}

/// The custom section alone; [`plugin!`] is what plugins use.
#[doc(hidden)]
#[macro_export]
macro_rules! manifest {
    ($name:expr, $version:expr, $description:expr, [$($capability:expr),* $(,)?]) => {
        const _: () = {
            const PARTS: $crate::manifest::Parts = $crate::manifest::Parts {
                interface: $crate::manifest::INTERFACE,
                name: $name,
                version: $version,
                description: $description,
                capabilities: &[$($capability),*],
            };
            const LENGTH: usize = PARTS.length();
            #[allow(unsafe_code, reason = "a custom section is written by naming it")]
            #[cfg_attr(target_arch = "wasm32", unsafe(link_section = "sickbay:plugin"))]
            #[used]
            static SECTION: [u8; LENGTH] = PARTS.json::<LENGTH>();
        };
    };
}

/// Exports a world's functions; [`plugin!`] is what plugins use. Natively there is nobody to export to, and no linker
/// that takes the names; there it only checks that the trait is implemented.
#[doc(hidden)]
#[macro_export]
macro_rules! export {
    (tool: $guest:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::tool::bindings::export_tool!($guest with_types_in $crate::tool::bindings);
        $crate::implemented!(tool, $guest);
    };
    (diagnosis: $guest:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::diagnosis::bindings::export_diagnosis!($guest with_types_in $crate::diagnosis::bindings);
        $crate::implemented!(diagnosis, $guest);
    };
    (remediation: $guest:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::remediation::bindings::export_remediation!($guest with_types_in $crate::remediation::bindings);
        $crate::implemented!(remediation, $guest);
    };
    (provider: $guest:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::provider::bindings::export_provider!($guest with_types_in $crate::provider::bindings);
        $crate::implemented!(provider, $guest);
    };
}

/// Checks that the type fits the world.
#[doc(hidden)]
#[macro_export]
macro_rules! implemented {
    ($world:ident, $guest:ident) => {
        const _: () = {
            const fn implements<T: $crate::$world::Guest>() {}
            implements::<$guest>()
        };
    };
}

/// The version of `sickbay:plugin` that this crate is built from.
pub const INTERFACE: &str = "0.1.0";

/// What goes into the section.
pub struct Parts {
    pub interface: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    pub description: &'static str,
    pub capabilities: &'static [&'static str],
}

/// Collects bytes; counts only where the buffer has no room, so that one pass finds the length.
struct Writer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Writer<N> {
    const fn byte(mut self, byte: u8) -> Self {
        if self.length < N {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
        self
    }

    const fn raw(mut self, text: &str) -> Self {
        let mut at = 0;
        while at < text.len() {
            self = self.byte(text.as_bytes()[at]);
            at += 1;
        }
        self
    }

    const fn string(mut self, text: &str) -> Self {
        self = self.byte(b'"');
        let mut at = 0;
        while at < text.len() {
            let byte = text.as_bytes()[at];
            assert!(byte >= 0x20 && byte != 0x7f, "a plugin's manifest may hold no control characters");
            if byte == b'"' || byte == b'\\' {
                self = self.byte(b'\\');
            }
            self = self.byte(byte);
            at += 1;
        }
        self.byte(b'"')
    }

    const fn parts(self, parts: &Parts) -> Self {
        let mut writer = self
            .raw("{\"interface\":")
            .string(parts.interface)
            .raw(",\"name\":")
            .string(parts.name)
            .raw(",\"version\":")
            .string(parts.version)
            .raw(",\"description\":")
            .string(parts.description)
            .raw(",\"capabilities\":[");
        let mut at = 0;
        while at < parts.capabilities.len() {
            if at > 0 {
                writer = writer.byte(b',');
            }
            writer = writer.string(parts.capabilities[at]);
            at += 1;
        }
        writer.raw("]}")
    }
}

impl Parts {
    /// Bytes of the JSON.
    pub const fn length(&self) -> usize {
        Writer::<0> { bytes: [], length: 0 }.parts(self).length
    }

    /// The JSON; `N` is [`Self::length`].
    pub const fn json<const N: usize>(&self) -> [u8; N] {
        Writer::<N> { bytes: [0; N], length: 0 }.parts(self).bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_json_whatever_the_description_holds() {
        const PARTS: Parts = Parts {
            interface: INTERFACE,
            name: "rules",
            version: "1.2.3",
            description: "says \"why\" with \\ and ü",
            capabilities: &["cluster:read", "kv"],
        };
        const LENGTH: usize = PARTS.length();
        let json: serde_json::Value = serde_json::from_slice(&PARTS.json::<LENGTH>()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "interface": "0.1.0", "name": "rules", "version": "1.2.3",
                "description": "says \"why\" with \\ and ü", "capabilities": ["cluster:read", "kv"],
            })
        );
    }
}
